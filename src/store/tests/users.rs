//! What depends on the umask, the user or the mounts: they belong to a whole process, so a test here
//! runs this test binary again, for one ignored test. Root is needed, to become somebody else and to
//! mount.

use std::process::Command;

use super::*;
use crate::store::{ReadError, resolve_owner};

const NOBODY: u32 = 65534;
const TREE: &str = "CERTS_TEST_TREE";

/// Runs the ignored test `name` over the tree, by `program` with `arguments` before it.
fn again(tree: &Tree, name: &str, program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("store::tests::users::{name}"),
            "--ignored",
            "--nocapture",
        ])
        .env(TREE, &tree.path)
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

fn with_umask(tree: &Tree, umask: &str, name: &str) {
    again(
        tree,
        name,
        "sh",
        &["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")],
    );
}

fn as_nobody(tree: &Tree, name: &str) {
    let arguments = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    again(tree, name, "setpriv", &arguments);
}

/// The tree of the test that started this one, which removes it.
fn given() -> std::mem::ManuallyDrop<Tree> {
    let path = std::env::var_os(TREE).expect("another test starts this one");
    std::mem::ManuallyDrop::new(Tree { path: path.into() })
}

#[test]
#[ignore = "started by a test below"]
fn commits() {
    let tree = given();
    let certificate = Change {
        mode: 0o644,
        ..create(pki("etcd/ca.crt"), "certificate")
    };
    let changes = vec![certificate, create(pki("etcd/ca.key"), "key")];
    tree.writer().commit(changes, &options(1)).unwrap();
    let changes = vec![replace(pki("etcd/ca.key"), "key", "newer")];
    tree.writer().commit(changes, &options(2)).unwrap();
}

#[test]
fn files_have_their_modes_whatever_the_umask_and_directories_obey_it() {
    for (umask, directory) in [("000", 0o755), ("022", 0o755), ("077", 0o700)] {
        let tree = Tree::new();
        with_umask(&tree, umask, "commits");
        assert_eq!(
            (
                tree.mode("k/pki/etcd/ca.crt"),
                tree.mode("k/pki/etcd/ca.key")
            ),
            (0o644, 0o600)
        );
        for name in ["k", "k/pki", "k/pki/etcd", "l", "r"] {
            assert_eq!(tree.mode(name), directory, "{umask} {name}");
        }
        assert_eq!(
            tree.mode("k/pki/.certs-backup/0202020202020202/etcd"),
            0o700
        );
        assert_eq!(
            tree.mode("k/pki/.certs-backup/0202020202020202/journal"),
            0o600
        );
    }
}

#[test]
#[ignore = "started by a test below"]
fn stages_in_silence() {
    let tree = given();
    let writer = tree.writer();
    let certificate = Change {
        mode: 0o644,
        ..create(pki("ca.crt"), "certificate")
    };
    let mut run = writer.begin(vec![certificate], &options(1)).unwrap();
    run.prepare().unwrap();
}

#[test]
fn a_journal_is_for_its_owner_alone_whatever_the_umask() {
    let tree = Tree::new();
    with_umask(&tree, "000", "stages_in_silence");
    assert_eq!(tree.mode("k/pki/.certs-journal"), 0o600);
    assert_eq!(tree.mode("k/pki/.certs-0101010101010101-0"), 0o644);
}

#[test]
#[ignore = "started by a test below"]
fn is_told_of_permissions() {
    let tree = given();
    let found = tree.store().read(&pki("ca.key")).unwrap_err();
    assert_eq!(
        found,
        ReadError::PermissionDenied {
            path: tree.path("k/pki/ca.key")
        }
    );
    for root in [Root::Pki, Root::Kubeconfig] {
        let text = error(tree.store().check_writable(&[root]));
        let expected = format!(
            "no permission to write to {}: run as root, or choose another place with --kubernetes-dir",
            tree.store().root(root).display()
        );
        assert_eq!(text, expected);
    }
    let text = error(
        tree.store()
            .lock(&[Root::Kubelet], Duration::ZERO, &mut |_| {}),
    );
    let expected = format!(
        "no permission to write to {}: run as root, or choose another place with --kubelet-dir",
        tree.path.display()
    );
    assert_eq!(text, expected);
}

#[test]
#[ignore = "started by a test below"]
fn is_kept_out_of_a_root() {
    let tree = given();
    let found = tree.store().backups(&Root::ALL).unwrap();
    assert_eq!((found.runs.len(), found.damaged.len()), (0, 0));
    assert_eq!(found.closed, [tree.path("k/pki")]);
}

#[test]
fn a_reader_who_is_kept_out_of_a_root_has_no_backups_in_it() {
    let tree = Tree::new();
    tree.write("k/pki/.certs-backup/0101010101010101/journal", "");
    for (name, mode) in [("", 0o755), ("k", 0o755), ("k/pki", 0o700)] {
        tree.chmod(name, mode);
    }
    as_nobody(&tree, "is_kept_out_of_a_root");
}

#[test]
fn a_plain_user_is_told_where_permission_lacks_before_anything_is_made() {
    let tree = Tree::new();
    tree.write("k/pki/ca.key", "secret");
    for name in ["", "k", "k/pki"] {
        tree.chmod(name, 0o755);
    }
    let before = tree.all();
    as_nobody(&tree, "is_told_of_permissions");
    assert_eq!(tree.all(), before);
}

#[test]
#[ignore = "started by a test below"]
fn meets_the_work_of_root() {
    let tree = given();
    let text = error(tree.writer().recover(aged));
    assert!(
        text.contains(".certs-journal is not") && text.contains("it belongs to user 0"),
        "{text}"
    );
}

#[test]
fn a_user_does_not_recover_the_run_of_another() {
    let tree = Tree::new();
    with_umask(&tree, "022", "stages_in_silence");
    for name in ["", "k", "k/pki", "l", "r"] {
        tree.chmod(name, 0o777);
    }
    let before = tree.all();
    as_nobody(&tree, "meets_the_work_of_root");
    assert_eq!(tree.all(), before);
}

#[test]
#[ignore = "started by a test below"]
fn works_in_directories_of_its_own() {
    let tree = given();
    // Another user's backups beside ours are no matter.
    let roots = Roots {
        pki: tree.path("mine/pki"),
        ..tree.roots()
    };
    let writer = || {
        Store::open(roots.clone())
            .lock(&[Root::Pki], Duration::ZERO, &mut |_| {})
            .unwrap()
    };
    writer()
        .commit(vec![create(pki("a.key"), "1")], &options(1))
        .unwrap();
    writer()
        .commit(vec![replace(pki("a.key"), "1", "2")], &options(2))
        .unwrap();
    for owner in [
        Owner {
            user: Some(0),
            group: None,
        },
        Owner {
            user: None,
            group: Some(0),
        },
    ] {
        let change = Change {
            owner,
            ..create(pki("b.key"), "")
        };
        let text = error(writer().commit(vec![change], &options(3)));
        assert!(
            text.contains("pki/b.key is to have the owner of what is there, and only root")
                && text.ends_with(" 0: run as root"),
            "{text}"
        );
    }
    let text = error(resolve_owner(Some("root"), None));
    assert_eq!(
        text,
        "only root can give files to user 0: run as root, or leave out --owner"
    );
    let text = error(resolve_owner(None, Some("root")));
    assert_eq!(
        text,
        "only root or a member can give files to group 0: run as root, or leave out --group"
    );
    let own = NOBODY.to_string();
    resolve_owner(Some(&own), Some(&own)).unwrap();
}

#[test]
fn a_plain_user_can_work_in_directories_of_its_own() {
    let tree = Tree::new();
    tree.write("k/.certs-backup/0101010101010101/journal", "");
    tree.chmod("k/.certs-backup", 0o700);
    for name in ["", "k"] {
        tree.chmod(name, 0o755);
    }
    fs::create_dir(tree.path("mine")).unwrap();
    nix::unistd::chown(&tree.path("mine"), Some(NOBODY.into()), Some(NOBODY.into()))
        .expect("this test needs root");
    as_nobody(&tree, "works_in_directories_of_its_own");
    assert_eq!(tree.text("mine/pki/a.key"), "2");
    assert_eq!(
        tree.path("mine/pki/a.key").metadata().unwrap().uid(),
        NOBODY
    );
}

#[test]
fn a_file_is_given_to_its_owner_only_when_the_journal_says_so() {
    let tree = Tree::new();
    let owner = Owner {
        user: Some(NOBODY),
        group: Some(NOBODY),
    };
    let change = || Change {
        mode: 0o640,
        owner,
        ..create(pki("etcd/server.key"), "key")
    };
    let writer = tree.writer();
    let mut run = writer.begin(vec![change()], &options(1)).unwrap();
    run.prepare().unwrap();
    let staged = "k/pki/etcd/.certs-0101010101010101-0";
    let user = |name: &str| tree.path(name).metadata().unwrap().uid();
    assert_eq!((user(staged), tree.mode(staged)), (0, 0o600));
    // Interrupted before it was given away, and after.
    let held = std::fs::File::open(tree.path(staged)).unwrap();
    run.give_away(&run.jobs[0], &held).unwrap();
    assert_eq!((user(staged), tree.mode(staged)), (NOBODY, 0o640));
    drop(writer);
    tree.writer().recover(aged).unwrap().unwrap();
    let name = "k/pki/etcd/server.key";
    assert_eq!((user(name), tree.mode(name)), (NOBODY, 0o640));
}

#[test]
fn a_file_put_in_place_of_a_staged_one_is_not_given_away() {
    let tree = Tree::new();
    let owner = Owner {
        user: Some(NOBODY),
        group: None,
    };
    let change = Change {
        owner,
        ..create(pki("etcd/server.key"), "key")
    };
    let writer = tree.writer();
    let mut run = writer.begin(vec![change], &options(1)).unwrap();
    run.prepare().unwrap();
    // Who owns the folder puts the CA's key where the staged file was.
    let staged = tree.path("k/pki/etcd/.certs-0101010101010101-0");
    let ca = tree.path("k/pki/etcd/ca.key");
    std::fs::rename(&staged, tree.path("k/pki/etcd/aside")).unwrap();
    std::fs::write(&ca, "the CA's").unwrap();
    std::fs::rename(&ca, &staged).unwrap();
    let (renamed, error) = run.rename().unwrap_err();
    assert_eq!(renamed, 0);
    assert!(error.to_string().contains("was put in place of"), "{error}");
    assert_eq!(staged.metadata().unwrap().uid(), 0);
    // And to the next run, after a crash there.
    drop(writer);
    let error = tree.writer().recover(aged).unwrap_err();
    assert!(error.to_string().contains("is not what"), "{error}");
    assert_eq!(staged.metadata().unwrap().uid(), 0);
}

#[test]
fn recovery_gives_a_file_to_the_owner_that_the_journal_names() {
    let tree = Tree::new();
    let owner = Owner {
        user: Some(NOBODY),
        group: None,
    };
    let change = Change {
        mode: 0o640,
        owner,
        ..create(pki("a.key"), "key")
    };
    let writer = tree.writer();
    writer
        .begin(vec![change], &options(1))
        .unwrap()
        .prepare()
        .unwrap();
    drop(writer);
    tree.writer().recover(aged).unwrap().unwrap();
    let found = tree.path("k/pki/a.key").metadata().unwrap();
    assert_eq!((found.uid(), tree.mode("k/pki/a.key")), (NOBODY, 0o640));
}

#[test]
fn a_commit_gives_files_to_their_owner_and_group() {
    let tree = Tree::new();
    let whose = |user, group| Owner { user, group };
    let changes = vec![
        Change {
            owner: whose(Some(NOBODY), Some(12)),
            ..create(pki("a.key"), "")
        },
        Change {
            owner: whose(None, Some(12)),
            ..create(pki("b.key"), "")
        },
        create(pki("c.key"), ""),
    ];
    tree.writer().commit(changes, &options(1)).unwrap();
    let found = ["a", "b", "c"].map(|name| {
        let found = tree.path(&format!("k/pki/{name}.key")).metadata().unwrap();
        (found.uid(), found.gid())
    });
    assert_eq!(found, [(NOBODY, 12), (0, 12), (0, 0)]);
}

/// With mounts that nobody else sees and that go with the process.
fn with_mounts(tree: &Tree, mounts: &str, name: &str) {
    let script = format!(
        "set -e; cd {}; {mounts}; exec \"$0\" \"$@\"",
        tree.path.display()
    );
    again(tree, name, "unshare", &["--mount", "sh", "-c", &script]);
}

#[test]
#[ignore = "started by a test below"]
fn finds_a_read_only_file_system() {
    let tree = given();
    let text = error(tree.store().check_writable(&[Root::Pki]));
    let place = tree.path("k");
    let expected = format!(
        "{} is on a read-only file system: choose another place with --kubernetes-dir",
        place.display()
    );
    assert_eq!(text, expected);
    let text = error(tree.store().lock(&[Root::Pki], Duration::ZERO, &mut |_| {}));
    assert_eq!(text, expected);
}

#[test]
fn a_read_only_file_system_is_told_before_any_work() {
    let tree = Tree::new();
    fs::create_dir(tree.path("k")).unwrap();
    with_mounts(
        &tree,
        "mount -t tmpfs -o ro none k",
        "finds_a_read_only_file_system",
    );
}

#[test]
#[ignore = "started by a test below"]
fn runs_out_of_space() {
    let tree = given();
    let writer = || {
        tree.store()
            .lock(&[Root::Pki], Duration::ZERO, &mut |_| {})
            .unwrap()
    };
    writer()
        .commit(vec![create(pki("ca.crt"), "old")], &options(1))
        .unwrap();
    let before = tree.all();
    let large = "x".repeat(200_000);
    let changes = vec![
        replace(pki("ca.crt"), "old", "new"),
        create(pki("large.crt"), &large),
    ];
    let text = error(writer().commit(changes, &options(2)));
    assert!(
        text.contains("no space left on device: make room and run again; nothing was changed"),
        "{text}"
    );
    assert_eq!(tree.all(), before);
}

#[test]
fn a_full_file_system_fails_the_commit_and_nothing_is_changed() {
    let tree = Tree::new();
    fs::create_dir(tree.path("k")).unwrap();
    with_mounts(
        &tree,
        "mount -t tmpfs -o size=64k none k",
        "runs_out_of_space",
    );
}

#[test]
#[ignore = "started by a test below"]
fn meets_a_mounted_file() {
    let tree = given();
    let changes = vec![
        replace(pki("a.crt"), "a", "new"),
        create(pki("created.crt"), ""),
        replace(pki("b.crt"), "b", "new"),
    ];
    let text = error(tree.writer().commit(changes, &options(1)));
    let place = tree.path("k/pki/b.crt");
    let expected = format!(
        "replace {}: device or resource busy: it is mounted on its own, so change what is mounted there; nothing was \
         changed",
        place.display()
    );
    assert_eq!(text, expected);
    assert_eq!(tree.text("k/pki/a.crt") + &tree.text("k/pki/b.crt"), "ab");
    assert_eq!(tree.hidden(), ["/k/pki/.certs-backup/"]);
    assert!(!tree.path("k/pki/created.crt").exists());
}

#[test]
fn a_file_that_is_mounted_on_its_own_fails_the_commit_and_nothing_is_changed() {
    let tree = Tree::new();
    tree.write("k/pki/a.crt", "a");
    tree.write("k/pki/b.crt", "");
    tree.write("source", "b");
    with_mounts(
        &tree,
        "mount --bind source k/pki/b.crt",
        "meets_a_mounted_file",
    );
}

#[test]
#[ignore = "started by a test below"]
fn replaces_in_a_mounted_folder() {
    let tree = given();
    tree.write("k/pki/etcd/ca.crt", "old");
    let change = replace(pki("etcd/ca.crt"), "old", "new");
    tree.writer().commit(vec![change], &options(1)).unwrap();
    assert_eq!(tree.text("k/pki/etcd/ca.crt"), "new");
    assert_eq!(
        tree.text("k/pki/.certs-backup/0101010101010101/etcd/ca.crt"),
        "old"
    );
}

#[test]
fn a_folder_on_another_file_system_is_written_and_backed_up() {
    let tree = Tree::new();
    fs::create_dir_all(tree.path("k/pki/etcd")).unwrap();
    with_mounts(
        &tree,
        "mount -t tmpfs none k/pki/etcd",
        "replaces_in_a_mounted_folder",
    );
}

#[test]
#[ignore = "started by a test below"]
fn replaces_all_files_again_and_again() {
    let tree = given();
    let mut writer = tree.writer();
    writer.recover(aged).unwrap();
    let mut former: u32 = tree.text("k/admin.conf").parse().unwrap();
    loop {
        let text = (former + 1).to_string();
        let change = |file| replace(file, &former.to_string(), &text);
        let changes = KILLED
            .map(|(root, name)| change(FileId::new(root, name)))
            .into();
        let transaction = TransactionId(u64::from(former).to_be_bytes());
        writer
            .commit(
                changes,
                &CommitOptions {
                    transaction,
                    ..options(0)
                },
            )
            .unwrap();
        former += 1;
    }
}

const KILLED: [(Root, &str); 5] = [
    (Root::Pki, "ca.crt"),
    (Root::Pki, "ca.key"),
    (Root::Pki, "etcd/ca.crt"),
    (Root::Kubeconfig, "admin.conf"),
    (Root::Kubelet, "kubelet.crt"),
];

#[test]
fn a_run_that_is_killed_anywhere_leaves_all_files_of_one_run_after_recovery() {
    let tree = Tree::new();
    for (root, name) in KILLED {
        let path = tree.store().path(&FileId::new(root, name));
        tree.write(
            path.strip_prefix(&tree.path).unwrap().to_str().unwrap(),
            "0",
        );
    }
    for round in 0..20u64 {
        let former = tree.text("k/admin.conf");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "store::tests::users::replaces_all_files_again_and_again",
                "--ignored",
            ])
            .env(TREE, &tree.path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Once it is at work, after a while that differs from round to round.
        for _ in 0..6000 {
            if tree.text("k/admin.conf") != former {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_micros(1700 * round));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        tree.writer().recover(aged).unwrap();
        let texts = KILLED.map(|(root, name)| {
            tree.store()
                .read(&FileId::new(root, name))
                .unwrap()
                .unwrap()
                .bytes
        });
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
        let left: Vec<_> = tree
            .hidden()
            .into_iter()
            .filter(|name| !name.contains("/.certs-backup"))
            .collect();
        assert_eq!(left, [""; 0]);
    }
    let last: u32 = tree.text("k/admin.conf").parse().unwrap();
    assert!(last >= 20, "{last}");
}
