//! Which files are found below a root.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use super::Tree;
use crate::location::{FileId, Root};
use crate::store::is_called_ours;

fn names(files: &[(FileId, u64)]) -> Vec<&str> {
    files.iter().map(|(file, _)| file.name.as_str()).collect()
}

#[test]
fn every_file_below_a_root_is_found_and_none_of_another_root_or_of_ours() {
    let tree = Tree::new();
    for name in [
        "k/admin.conf",
        "k/Own",
        "k/sub/deep/x",
        "k/pki/ca.crt",
        "k/pki/etcd/ca.crt",
        "k/.certs-backup/0/ca.key",
        "k/pki/.certs-journal",
        "l/kubelet.crt",
        "l/pki/old/x",
        "l/pki/x",
        "l/plugins/x",
        "l/pods/volume/tls.key",
        "elsewhere/x.key",
    ] {
        tree.write(name, "");
    }
    symlink(tree.path("elsewhere"), tree.path("k/link")).unwrap();
    symlink(tree.path("elsewhere/x.key"), tree.path("k/x.key")).unwrap();
    for (root, expected) in [
        (Root::Kubeconfig, &["Own", "admin.conf", "sub/deep/x"][..]),
        (Root::Pki, &["ca.crt", "etcd/ca.crt"]),
        (Root::Kubelet, &["kubelet.crt", "pki/old/x", "pki/x"]),
        (Root::Requests, &[]),
    ] {
        let walked = tree.store().walk(root);
        assert_eq!(names(&walked.files), expected, "{root:?}");
        assert!(
            walked.closed.is_empty() && walked.left.is_empty(),
            "{root:?}"
        );
    }
    // Without those it is a directory of certificates.
    fs::remove_dir_all(tree.path("l/pods")).unwrap();
    symlink(tree.path("elsewhere"), tree.path("l/link")).unwrap();
    let walked = tree.store().walk(Root::Kubelet);
    let all = ["kubelet.crt", "pki/old/x", "pki/x", "plugins/x"];
    assert_eq!(names(&walked.files), all);
}

#[test]
fn what_a_run_keeps_is_told_where_others_may_look_into_it() {
    let tree = Tree::new();
    for name in [
        "k/.certs-backup/0/ca.key",
        "k/pki/.certs-backup/0/ca.key",
        "k/pki/.certs-journal",
        "k/pki/.certs-x.key",
        "k/pki/.certs-0707070707070707-1",
    ] {
        tree.write(name, "");
        tree.chmod(name, 0o600);
    }
    let backups = ["k/.certs-backup", "k/pki/.certs-backup"];
    for folder in backups {
        tree.chmod(folder, 0o700);
    }
    // It is to be a certificate.
    tree.chmod("k/pki/.certs-0707070707070707-1", 0o644);
    let open = |root: Root| -> Vec<(String, u32, u32)> {
        let store = tree.store();
        let ours = store.walk(root).ours.into_iter();
        let open = ours.filter_map(|file| {
            let (is, to) = store.open_to_others(&file).unwrap()?;
            Some((file.name, is, to))
        });
        open.collect()
    };
    assert!(open(Root::Kubeconfig).is_empty() && open(Root::Pki).is_empty());
    tree.chmod(backups[0], 0o711);
    tree.chmod("k/pki/.certs-x.key", 0o640);
    assert_eq!(
        open(Root::Kubeconfig),
        [(".certs-backup".into(), 0o711, 0o700)]
    );
    assert_eq!(open(Root::Pki), [(".certs-x.key".into(), 0o640, 0o600)]);
    tree.chmod("k/pki/.certs-x.key", 0o600);
    let staged = "k/pki/.certs-0707070707070707-1";
    let told = |mode| [(".certs-0707070707070707-1".to_owned(), mode, 0o600)];
    tree.chmod(staged, 0o666);
    assert_eq!(open(Root::Pki), told(0o666));
    for key in [
        "-----BEGIN PRIVATE KEY-----\n",
        "    client-key-data: eA==\n",
    ] {
        tree.write(staged, key);
        tree.chmod(staged, 0o644);
        assert_eq!(open(Root::Pki), told(0o644));
        tree.chmod(staged, 0o600);
        assert_eq!(open(Root::Pki), []);
    }
}

#[test]
fn what_passes_the_bound_is_told() {
    let tree = Tree::new();
    let deep = "k/1/2/3/4/5/6/7/8/9/10";
    tree.write(&format!("{deep}/x"), "");
    let walked = tree.store().walk(Root::Kubeconfig);
    assert!(walked.files.is_empty());
    assert_eq!(walked.left.len(), 1);
    assert_eq!(walked.left[0].0.name, "1/2/3/4/5/6/7/8/9");

    let strange = tree.path("k").join(OsStr::from_bytes(b"\xff.key"));
    fs::write(strange, "").unwrap();
    let walked = tree.store().walk(Root::Kubeconfig);
    assert_eq!(walked.left.len(), 2);

    for number in 0..20_100 {
        tree.write(&format!("k/pki/{number}"), "");
    }
    let walked = tree.store().walk(Root::Pki);
    assert_eq!((walked.files.len(), walked.left.len()), (20_000, 1));
}

#[test]
fn a_root_that_is_two_has_each_file_in_one_place() {
    let tree = Tree::new();
    tree.write("k/pki/x", "");
    symlink("pki", tree.path("k/other")).unwrap();
    let mut roots = tree.roots();
    roots.kubeconfig = tree.path("k/other");
    let store = crate::store::Store::open(roots);
    let real = |root| store.real([&FileId::new(root, "x")]);
    assert_eq!(real(Root::Pki), real(Root::Kubeconfig));
}

#[test]
fn a_name_tells_what_a_file_should_be_by_its_ending() {
    for (name, expected) in [
        ("a.crt", true),
        ("sub/A B.KEY", true),
        ("x.kubeconfig", true),
        ("x.key.bak", false),
        ("key", false),
        ("conf.d/x", false),
    ] {
        assert_eq!(
            is_called_ours(&FileId::new(Root::Pki, name)),
            expected,
            "{name}"
        );
    }
}
