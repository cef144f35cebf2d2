use std::fs::File;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};

use nix::fcntl::{Flock, FlockArg};

use super::*;

const LONG: Duration = Duration::from_mins(1);

fn hold(path: &Path, how: FlockArg) -> Flock<File> {
    Flock::lock(File::open(path).unwrap(), how).unwrap()
}

fn made(tree: &Tree) {
    for name in ["k/pki", "l"] {
        fs::create_dir_all(tree.path(name)).unwrap();
    }
}

#[test]
fn locking_makes_the_directories_that_lack() {
    let tree = Tree::new();
    let _writer = tree
        .store()
        .lock(&[Root::Pki], Duration::ZERO, &mut |_| {})
        .unwrap();
    assert_eq!(tree.mode("k/pki") & 0o700, 0o700);
    assert_eq!(tree.mode("k/pki") & 0o022, 0);
    assert!(!tree.path("l").exists());
}

#[test]
fn a_second_writer_gives_up_after_its_timeout_and_names_the_directory() {
    let tree = Tree::new();
    let _first = tree.writer();
    let mut told = Vec::new();
    let timeout = Duration::from_millis(60);
    let second = tree.store().lock(&[Root::Pki], timeout, &mut |path| {
        told.push(path.to_owned());
    });
    let error = error(second);
    assert_eq!(told, [tree.path("k/pki")]);
    assert!(
        error.contains("k/pki (process ") && error.contains("--lock-timeout"),
        "{error}"
    );
}

#[test]
fn with_no_timeout_a_second_writer_fails_without_waiting() {
    let tree = Tree::new();
    let _first = tree.writer();
    let second = tree
        .store()
        .lock(&[Root::Pki], Duration::ZERO, &mut |_| panic!("it waits"));
    let told = error(second);
    let holder = format!(" (process {} ", std::process::id());
    assert!(
        told.contains("another program holds the lock on "),
        "{told}"
    );
    assert!(told.contains(&holder), "{told}");
}

/// Another process that holds the lock until its standard input ends.
fn other_process(path: &Path) -> Child {
    let mut child = Command::new("flock")
        .arg(path)
        .args(["sh", "-c", "echo held; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("flock of util-linux is needed");
    let mut line = [0; 5];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
    child
}

#[test]
fn a_writer_waits_for_another_process_and_then_goes_on() {
    let tree = Tree::new();
    made(&tree);
    let mut other = other_process(&tree.path("k"));
    let mut told = 0;
    let input = other.stdin.take();
    let mut end = Some(input);
    let writer = tree.store().lock(&Root::TREE, LONG, &mut |path| {
        assert_eq!(path, tree.path("k"));
        told += 1;
        drop(end.take());
    });
    assert!(writer.is_ok());
    assert_eq!(told, 1);
    other.wait().unwrap();
}

#[test]
fn a_dropped_writer_gives_the_lock_back() {
    let tree = Tree::new();
    drop(tree.writer());
    drop(tree.writer());
}

#[test]
fn readers_do_not_hinder_each_other_and_make_nothing() {
    let tree = Tree::new();
    let lock = tree.store().lock_shared(&Root::TREE).unwrap();
    assert_eq!(lock.busy(), None);
    assert_eq!(tree.all(), []);
    made(&tree);
    let first = tree.store().lock_shared(&Root::TREE).unwrap();
    let second = tree.store().lock_shared(&Root::TREE).unwrap();
    assert_eq!((first.busy(), second.busy()), (None, None));
}

#[test]
fn a_reader_goes_on_beside_a_writer_and_knows_it() {
    let tree = Tree::new();
    made(&tree);
    let _writer = hold(&tree.path("k/pki"), FlockArg::LockExclusive);
    let lock = tree.store().lock_shared(&Root::TREE).unwrap();
    assert_eq!(lock.busy(), Some(&*tree.path("k/pki")));
}

#[test]
fn a_reader_is_not_concerned_with_roots_that_it_does_not_use() {
    let tree = Tree::new();
    made(&tree);
    let writer = tree
        .store()
        .lock(&[Root::Kubelet], Duration::ZERO, &mut |_| {})
        .unwrap();
    tree.write("l/.certs-journal", "");
    let used = [Root::Kubeconfig, Root::Pki];
    let lock = tree.store().lock_shared(&used).unwrap();
    assert_eq!(lock.busy(), None);
    assert_eq!(lock.interrupted().unwrap(), None);
    let busy = tree.store().lock_shared(&Root::TREE).unwrap();
    assert_eq!(busy.busy(), Some(tree.path("l").as_path()));
    assert_eq!(busy.interrupted().unwrap(), None, "it may be the writer's");
    drop((writer, busy));
    let lock = tree.store().lock_shared(&Root::TREE).unwrap();
    assert_eq!(
        lock.interrupted().unwrap(),
        Some(tree.path("l/.certs-journal"))
    );
}

#[test]
fn a_reader_knows_of_what_was_only_staged_where_no_writer_is_at_work() {
    let tree = Tree::new();
    made(&tree);
    fs::create_dir(tree.path("k/pki/etcd")).unwrap();
    let left = || {
        let lock = tree.store().lock_shared(&Root::TREE).unwrap();
        assert_eq!(lock.interrupted().unwrap(), None);
        lock.has_left().unwrap()
    };
    assert!(!left());
    for staged in [
        "k/pki/etcd/.certs-0101010101010101-0",
        "l/.certs-0101010101010101-1",
    ] {
        tree.write(staged, "staged");
        assert!(left(), "{staged}");
        let writer = hold(&tree.path("l"), FlockArg::LockExclusive);
        assert!(!left(), "{staged} may be the writer's");
        drop(writer);
        fs::remove_file(tree.path(staged)).unwrap();
        assert!(!left());
    }
    tree.write("k/pki/.certs-backup-of-mine", "somebody's");
    assert!(!left());
}

#[test]
fn a_reader_that_found_no_directory_knows_of_the_writer_that_made_it() {
    let tree = Tree::new();
    made(&tree);
    fs::remove_dir(tree.path("k/pki")).unwrap();
    let reader = tree.store().lock_shared(&Root::TREE).unwrap();
    assert_eq!(reader.busy(), None);
    drop(tree.store().lock(&[Root::Pki], Duration::ZERO, &mut |_| {}));
    assert_eq!(reader.busy(), Some(tree.path("k/pki").as_path()));
}

#[test]
fn a_writer_whose_directory_was_moved_away_lists_that_one_and_no_other() {
    let tree = Tree::new();
    let mut writer = tree.writer();
    let staged = ".certs-0101010101010101-0";
    tree.write(&format!("k/pki/{staged}"), "staged");
    fs::rename(tree.path("k/pki"), tree.path("k/moved")).unwrap();
    tree.write(&format!("k/pki/{staged}"), "another's");
    let recovered = writer.recover(aged).unwrap().expect("something was left");
    assert_eq!(recovered.discarded, 1);
    assert!(!tree.path("k/moved").join(staged).exists());
    assert_eq!(tree.text(&format!("k/pki/{staged}")), "another's");
}

#[test]
fn a_writer_waits_for_a_reader() {
    let tree = Tree::new();
    made(&tree);
    let _reader = tree.store().lock_shared(&Root::TREE).unwrap();
    let writer = tree
        .store()
        .lock(&[Root::Kubelet], Duration::ZERO, &mut |_| {});
    assert!(error(writer).contains("another program holds the lock on "));
}

#[test]
fn two_roots_in_one_directory_are_locked_once() {
    let tree = Tree::new();
    fs::create_dir(tree.path("all")).unwrap();
    symlink("all", tree.path("link")).unwrap();
    let roots = Roots {
        pki: tree.path("all"),
        kubeconfig: tree.path("link"),
        kubelet: tree.path("all/../all"),
        requests: tree.path("r"),
    };
    let mut writer = Store::open(roots)
        .lock(&Root::TREE, Duration::ZERO, &mut |_| {})
        .unwrap();
    assert_eq!(writer.places.len(), 1);
    let changes = vec![
        create(pki("ca.crt"), "a"),
        create(kubeconfig("admin.conf"), "b"),
    ];
    writer.commit(changes, &options(1)).unwrap();
    assert_eq!(tree.text("all/ca.crt") + &tree.text("all/admin.conf"), "ab");
    assert_eq!(tree.hidden(), [""; 0]);
}

#[test]
fn a_directory_that_was_exchanged_while_we_waited_is_locked_anew() {
    let tree = Tree::new();
    made(&tree);
    let mut held = Some(hold(&tree.path("l"), FlockArg::LockExclusive));
    let mut writer = tree
        .store()
        .lock(&[Root::Kubelet], LONG, &mut |path| {
            fs::rename(path, tree.path("old")).unwrap();
            fs::create_dir(path).unwrap();
            drop(held.take());
        })
        .unwrap();
    let file = FileId::new(Root::Kubelet, "kubelet.crt");
    writer
        .commit(vec![create(file, "new")], &options(1))
        .unwrap();
    assert_eq!(tree.text("l/kubelet.crt"), "new");
}

#[test]
fn a_root_that_is_a_file_or_a_link_to_nothing_is_told_with_its_flag() {
    let tree = Tree::new();
    tree.write("k/pki", "text");
    symlink("nothing", tree.path("l")).unwrap();
    for (root, what) in [
        (Root::Pki, "is a file, not a directory"),
        (Root::Kubelet, "is a symbolic link to nothing"),
    ] {
        let checked = error(tree.store().check_writable(&[root]));
        assert!(
            checked.contains(what) && checked.ends_with(root.flag()),
            "{checked}"
        );
        let locked = error(tree.store().lock(&[root], Duration::ZERO, &mut |_| {}));
        assert_eq!(locked, checked);
    }
    assert!(tree.store().check_writable(&[Root::Kubeconfig]).is_ok());
}

#[test]
fn a_folder_or_a_parent_that_is_a_file_is_told() {
    let tree = Tree::new();
    tree.write("k/pki/etcd", "text");
    let checked = error(tree.store().check_writable(&[Root::Pki]));
    assert!(
        checked.contains("k/pki/etcd is a file, not a directory"),
        "{checked}"
    );
    let below = Roots {
        pki: tree.path("k/pki/etcd/pki"),
        ..tree.roots()
    };
    let checked = error(Store::open(below).check_writable(&[Root::Pki]));
    assert!(
        checked.contains("k/pki/etcd is a file, not a directory"),
        "{checked}"
    );
}

#[test]
fn a_folder_that_is_a_link_to_nothing_is_told() {
    let tree = Tree::new();
    made(&tree);
    symlink("/nonexistent/etcd", tree.path("k/pki/etcd")).unwrap();
    let checked = error(tree.store().check_writable(&[Root::Pki]));
    assert!(
        checked.contains("k/pki/etcd is a symbolic link to nothing: make its target"),
        "{checked}"
    );
}

#[test]
fn asking_whether_roots_are_writable_touches_nothing() {
    let tree = Tree::new();
    tree.store().check_writable(&Root::TREE).unwrap();
    assert_eq!(tree.all(), []);
}

#[test]
fn a_path_that_is_relative_is_in_the_working_directory() {
    let roots = Roots {
        pki: "certs-no-such-directory/pki".into(),
        kubeconfig: ".".into(),
        kubelet: "certs-no-such-directory".into(),
        requests: "certs-no-such-directory/csr".into(),
    };
    Store::open(roots).check_writable(&Root::TREE).unwrap();
}

#[test]
fn a_directory_that_can_not_be_made_is_told() {
    let roots = Roots {
        pki: "/proc/certs/pki".into(),
        ..Tree::new().roots()
    };
    let error = error(Store::open(roots).lock(&[Root::Pki], Duration::ZERO, &mut |_| {}));
    assert_eq!(
        error,
        "make directory /proc/certs: no such file or directory"
    );
}

#[test]
fn a_root_that_is_a_link_to_itself_is_told() {
    let tree = Tree::new();
    symlink("l", tree.path("l")).unwrap();
    let error = error(tree.store().check_writable(&[Root::Kubelet]));
    assert!(
        error.starts_with("look at ") && error.ends_with("/l: too many symbolic links encountered"),
        "{error}"
    );
}

#[test]
fn a_directory_that_even_root_cannot_write_is_told() {
    let tree = Tree::new();
    fs::create_dir(tree.path("l")).unwrap();
    let immutable = Immutable::new(tree.path("l"));
    let error = error(tree.store().check_writable(&[Root::Kubelet]));
    drop(immutable);
    assert!(
        error.contains("/l: operation not permitted: choose another place with --kubelet-dir"),
        "{error}"
    );
}

#[test]
fn a_root_that_is_a_named_pipe_does_not_make_a_reader_wait() {
    let tree = Tree::new();
    nix::unistd::mkfifo(&tree.path("l"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(tree.store().lock_shared(&Root::TREE).unwrap().busy(), None);
}

#[test]
fn a_folder_of_a_root_may_be_another_run_s_root_and_is_locked_with_it() {
    let tree = Tree::new();
    made(&tree);
    fs::create_dir(tree.path("k/pki/etcd")).unwrap();
    let nested = || {
        Store::open(Roots {
            pki: tree.path("k/pki/etcd"),
            kubeconfig: tree.path("k"),
            kubelet: tree.path("l"),
            requests: tree.path("r"),
        })
    };
    let lock = |store: Store| store.lock(&[Root::Pki], Duration::ZERO, &mut |_| {});
    let outer = lock(tree.store()).unwrap();
    assert!(error(lock(nested())).contains("k/pki/etcd (process "));
    let reader = nested().lock_shared(&[Root::Pki]).unwrap();
    assert_eq!(reader.busy(), Some(tree.path("k/pki/etcd").as_path()));
    drop((outer, reader));

    let inner = lock(nested()).unwrap();
    assert!(error(lock(tree.store())).contains("k/pki/etcd (process "));
    let reader = tree.store().lock_shared(&[Root::Pki]).unwrap();
    assert_eq!(reader.busy(), Some(tree.path("k/pki/etcd").as_path()));
    drop((inner, reader));

    lock(tree.store()).unwrap();
    lock(nested()).unwrap();
}
