use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::*;
use crate::store::{LARGEST, ReadError, read_input};

fn kind(tree: &Tree, name: &str) -> &'static str {
    match tree.store().read(&pki(name)) {
        Err(ReadError::NotAFile { kind, path }) => {
            assert_eq!(path, tree.path("k/pki").join(name));
            kind
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_comes_with_its_mode_and_its_owner() {
    let tree = Tree::new();
    tree.write("k/pki/ca.key", "secret");
    tree.chmod("k/pki/ca.key", 0o640);
    let content = tree.store().read(&pki("ca.key")).unwrap().unwrap();
    let found = tree.path("k/pki/ca.key").metadata().unwrap();
    assert_eq!(&content.bytes[..], b"secret");
    // Hardly more room than it needs.
    assert!(content.bytes.capacity() < 100);
    assert_eq!(
        (content.mode, content.uid, content.gid),
        (0o640, found.uid(), found.gid())
    );
}

#[test]
fn content_is_not_shown_in_debug_output() {
    let tree = Tree::new();
    tree.write("k/pki/ca.key", "secret");
    let shown = format!("{:?}", tree.store().read(&pki("ca.key")));
    assert!(
        shown.contains("[elided]") && !shown.contains("115"),
        "{shown}"
    );
    let shown = format!("{:?}", create(pki("ca.key"), "secret"));
    assert!(
        shown.contains("ca.key") && !shown.contains("115"),
        "{shown}"
    );
}

#[test]
fn a_file_that_is_not_there_is_none_and_so_is_one_in_no_directory() {
    let tree = Tree::new();
    assert_eq!(tree.store().read(&pki("ca.crt")), Ok(None));
    assert_eq!(tree.store().read(&pki("etcd/ca.crt")), Ok(None));
}

#[test]
fn a_directory_comes_with_its_mode_and_its_owner() {
    let tree = Tree::new();
    let directory = |name: &str| tree.store().directory(&pki(name));
    assert_eq!(directory("etcd"), Ok(None));
    tree.write("k/pki/etcd/ca.crt", "text");
    tree.chmod("k/pki/etcd", 0o750);
    std::os::unix::fs::chown(tree.path("k/pki/etcd"), Some(65_534), None).unwrap();
    assert_eq!(directory("etcd"), Ok(Some((0o750, 65_534))));
    symlink("loop", tree.path("k/pki/loop")).unwrap();
    assert!(matches!(directory("loop"), Err(ReadError::Io { .. })));
}

#[test]
fn what_is_no_file_is_told_by_its_kind() {
    let tree = Tree::new();
    tree.write("k/pki/real.crt", "text");
    fs::create_dir(tree.path("k/pki/directory.crt")).unwrap();
    symlink("real.crt", tree.path("k/pki/link.crt")).unwrap();
    symlink("nothing", tree.path("k/pki/dangling.crt")).unwrap();
    mkfifo(&tree.path("k/pki/pipe.crt"), Mode::S_IRWXU).unwrap();
    let _socket = UnixListener::bind(tree.path("k/pki/socket.crt")).unwrap();
    assert_eq!(kind(&tree, "directory.crt"), "a directory");
    assert_eq!(kind(&tree, "link.crt"), "a symbolic link");
    assert_eq!(kind(&tree, "dangling.crt"), "a symbolic link");
    assert_eq!(kind(&tree, "pipe.crt"), "a named pipe");
    assert_eq!(kind(&tree, "socket.crt"), "a socket");
}

#[test]
fn a_device_is_told_by_its_kind() {
    assert!(
        Path::new("/dev/null")
            .metadata()
            .unwrap()
            .file_type()
            .is_char_device()
    );
    let found = crate::store::read::read(Path::new("/dev/null"));
    assert!(
        matches!(
            found,
            Err(ReadError::NotAFile {
                kind: "a device",
                ..
            })
        ),
        "{found:?}"
    );
}

#[test]
fn a_parent_may_be_a_link() {
    let tree = Tree::new();
    tree.write("elsewhere/ca.crt", "text");
    fs::create_dir_all(tree.path("k/pki")).unwrap();
    symlink("../../elsewhere", tree.path("k/pki/etcd")).unwrap();
    let content = tree.store().read(&pki("etcd/ca.crt")).unwrap().unwrap();
    assert_eq!(&content.bytes[..], b"text");
}

#[test]
fn a_parent_that_is_a_file_is_told() {
    let tree = Tree::new();
    tree.write("k/pki/etcd", "text");
    let found = tree.store().read(&pki("etcd/ca.crt")).unwrap_err();
    assert!(
        found.to_string().ends_with("etcd/ca.crt: not a directory"),
        "{found}"
    );
}

#[test]
fn a_file_of_one_mebibyte_is_read_and_one_octet_more_is_too_large() {
    let tree = Tree::new();
    let largest = "x".repeat(usize::try_from(LARGEST).unwrap());
    tree.write("k/pki/ca.crt", &largest);
    let content = tree.store().read(&pki("ca.crt")).unwrap().unwrap();
    assert_eq!(content.bytes.len() as u64, LARGEST);
    tree.write("k/pki/ca.crt", &format!("{largest}x"));
    let found = tree.store().read(&pki("ca.crt")).unwrap_err();
    let path = tree.path("k/pki/ca.crt");
    assert_eq!(found, ReadError::TooLarge { path: path.clone() });
    assert_eq!(read_input(&path), Err(ReadError::TooLarge { path }));
}

#[test]
fn a_name_that_the_layout_does_not_know_is_not_read() {
    let tree = Tree::new();
    tree.write("k/admin.conf", "text");
    let found = tree.store().read(&pki("../admin.conf")).unwrap_err();
    assert!(found.to_string().contains("knows no file"), "{found}");
}

#[test]
fn errors_say_what_where_and_the_way_out() {
    let path = || PathBuf::from("/p");
    let texts = [
        ReadError::Io {
            path: path(),
            reason: "i/o error".to_owned(),
        }
        .to_string(),
        ReadError::NotAFile {
            path: path(),
            kind: "a socket",
        }
        .to_string(),
        ReadError::PermissionDenied { path: path() }.to_string(),
        ReadError::TooLarge { path: path() }.to_string(),
    ];
    assert_eq!(
        texts,
        [
            "read /p: i/o error",
            "/p is a socket, not a file: move it away",
            "no permission to read /p: run as root, or as its owner",
            "/p is larger than 1 MiB: no certificate, key or kubeconfig is",
        ]
    );
}

#[test]
fn the_system_s_words_fit_into_a_sentence() {
    use nix::errno::Errno;
    assert_eq!(
        crate::store::read::reason(Errno::ENOSPC),
        "no space left on device"
    );
    assert_eq!(crate::store::read::reason(Errno::EIO), "I/O error");
}

#[test]
fn a_reference_may_be_a_link_within_its_folder_and_no_other() {
    let tree = Tree::new();
    tree.write("l/pki/kubelet-client-2026.pem", "pair");
    tree.write("elsewhere.pem", "other");
    fs::create_dir(tree.path("k")).unwrap();
    symlink("kubelet-client-2026.pem", tree.path("l/pki/current.pem")).unwrap();
    symlink("../../elsewhere.pem", tree.path("l/pki/leaving.pem")).unwrap();
    symlink("nothing", tree.path("l/pki/dangling.pem")).unwrap();
    let store = tree.store();
    let kubelet = kubeconfig("kubelet.conf");
    let reference = |name: &str| {
        store.read_reference(&kubelet, tree.path("l/pki").join(name).to_str().unwrap())
    };
    assert_eq!(
        &reference("current.pem").unwrap().unwrap().bytes[..],
        b"pair"
    );
    assert_eq!(
        &reference("kubelet-client-2026.pem").unwrap().unwrap().bytes[..],
        b"pair"
    );
    // By way of further links too, wherever the first of them stays.
    symlink("current.pem", tree.path("l/pki/by-link.pem")).unwrap();
    symlink("leaving.pem", tree.path("l/pki/left.pem")).unwrap();
    let by_link = reference("by-link.pem").unwrap().unwrap();
    assert_eq!(&by_link.bytes[..], b"pair");
    let left = reference("left.pem").unwrap_err().to_string();
    assert!(left.contains("leaves its folder"), "{left}");
    assert_eq!(reference("dangling.pem"), Ok(None));
    assert_eq!(reference("absent.pem"), Ok(None));
    let left = reference("leaving.pem").unwrap_err().to_string();
    assert!(left.contains("leaves its folder"), "{left}");
    let relative = store
        .read_reference(&kubelet, "../l/pki/current.pem")
        .unwrap();
    assert_eq!(&relative.unwrap().bytes[..], b"pair");
}

#[test]
fn a_link_to_itself_is_an_error() {
    let tree = Tree::new();
    fs::create_dir(tree.path("l")).unwrap();
    symlink("loop.pem", tree.path("l/loop.pem")).unwrap();
    let path = tree.path("l/loop.pem");
    let found = tree
        .store()
        .read_reference(&kubeconfig("a.conf"), path.to_str().unwrap());
    assert!(matches!(found, Err(ReadError::Io { .. })), "{found:?}");
}

#[test]
fn a_file_that_the_user_names_may_be_a_link_or_a_pipe_but_no_directory() {
    let tree = Tree::new();
    tree.write("cluster.yaml", "text");
    symlink("cluster.yaml", tree.path("link.yaml")).unwrap();
    let read = |name: &str| read_input(&tree.path(name));
    assert_eq!(&read("link.yaml").unwrap().unwrap().bytes[..], b"text");
    assert_eq!(read("absent.yaml"), Ok(None));
    assert!(matches!(
        read("cluster.yaml/file"),
        Err(ReadError::Io { .. })
    ));
    assert!(matches!(
        read(""),
        Err(ReadError::NotAFile {
            kind: "a directory",
            ..
        })
    ));
    mkfifo(&tree.path("pipe"), Mode::S_IRWXU).unwrap();
    let pipe = tree.path("pipe");
    let other_end = std::thread::spawn(move || fs::write(pipe, "passphrase"));
    assert_eq!(&read("pipe").unwrap().unwrap().bytes[..], b"passphrase");
    other_end.join().unwrap().unwrap();
}

#[test]
fn a_pipe_that_does_not_end_is_too_large() {
    let tree = Tree::new();
    let pipe = tree.path("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let end = pipe.clone();
    // It ends with an error, since nobody reads it to its end.
    let other_end = std::thread::spawn(move || fs::write(end, vec![b'x'; 3 << 20]));
    assert_eq!(read_input(&pipe), Err(ReadError::TooLarge { path: pipe }));
    assert!(other_end.join().unwrap().is_err());
}
