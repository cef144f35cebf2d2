//! What a store tells of its directories and of the files in them.

use std::os::unix::fs::symlink;

use super::*;
use crate::store::{ReadError, is_same};

#[test]
fn a_root_is_there_or_not_and_known_by_every_path_that_leads_to_it() {
    let tree = Tree::new();
    let store = tree.store();
    tree.write("k/pki/ca.crt", "text");
    tree.write("l", "no directory");
    symlink(tree.path("k/pki"), tree.path("link")).unwrap();

    assert!(store.has(Root::Pki) && !store.lacks(Root::Pki));
    assert!(!store.has(Root::Requests) && store.lacks(Root::Requests));
    // Something is there, but it is no directory.
    assert!(!store.has(Root::Kubelet) && !store.lacks(Root::Kubelet));

    assert!(store.is_root(Root::Pki, &tree.path("link")));
    assert!(!store.is_root(Root::Pki, &tree.path("k")));
    assert!(!store.is_root(Root::Requests, &tree.path("r")));
    assert!(is_same(
        &tree.path("link/ca.crt"),
        &tree.path("k/pki/ca.crt")
    ));
    assert!(!is_same(&tree.path("l"), &tree.path("k/pki/ca.crt")));
    assert!(!is_same(&tree.path("none"), &tree.path("none")));
}

#[test]
fn a_name_in_a_root_or_of_a_run_is_a_place_of_a_tree() {
    let tree = Tree::new();
    let store = tree.store();
    tree.write("k/pki/ca.crt", "text");
    tree.write("elsewhere/x", "text");
    symlink(tree.path("k/pki"), tree.path("elsewhere/link")).unwrap();
    for (name, place) in [
        ("k/pki/new", true),
        ("k/own/sub/new", true),
        ("elsewhere/link/new", true),
        ("elsewhere/new", false),
        ("elsewhere/.certs-journal", true),
        ("elsewhere/.certs-backup/new", true),
        ("elsewhere/certs-journal", false),
    ] {
        assert_eq!(store.is_place(&tree.path(name)), place, "{name}");
    }
}

#[test]
fn files_are_listed_by_their_names_folder_by_folder() {
    let tree = Tree::new();
    let store = tree.store();
    for name in [
        "k/pki/ca.crt",
        "k/pki/own.txt",
        "k/pki/etcd/ca.crt",
        "k/pki/other/ca.crt",
        "l/kubelet.crt",
        "l/pki/kubelet.crt",
        "l/pki/kubelet-client-current.pem",
    ] {
        tree.write(name, "text");
    }
    let etcd = pki("etcd");
    assert_eq!(
        store.list(Root::Pki),
        Ok(vec![pki("ca.crt"), pki("etcd/ca.crt")])
    );
    assert_eq!(store.folders(Root::Pki), [pki("."), etcd.clone()]);
    assert_eq!(store.list_in(&etcd), Ok(vec![pki("etcd/ca.crt")]));
    let kubelet = [
        "kubelet.crt",
        "pki/kubelet-client-current.pem",
        "pki/kubelet.crt",
    ];
    let kubelet = kubelet.map(|name| FileId::new(Root::Kubelet, name));
    assert_eq!(store.list(Root::Kubelet), Ok(kubelet.to_vec()));
    assert_eq!(store.list(Root::Requests), Ok(Vec::new()));
    // A file where a folder would be has none in it; what may not be listed is no empty folder.
    tree.write("r", "text");
    assert_eq!(store.list(Root::Requests), Ok(Vec::new()));
    fs::remove_file(tree.path("r")).unwrap();
    symlink("r", tree.path("r")).unwrap();
    assert!(matches!(
        store.list(Root::Requests),
        Err(ReadError::Io { .. })
    ));
}

#[test]
fn a_file_has_one_real_path_and_a_kubeconfig_refers_to_it_within_its_folder_by_a_relative_one() {
    let tree = Tree::new();
    let store = tree.store();
    tree.write("k/pki/ca.crt", "text");
    symlink(tree.path("k"), tree.path("link")).unwrap();
    let through = Store::open(Roots {
        pki: tree.path("link/pki"),
        ..tree.roots()
    });
    let ca = pki("ca.crt");
    assert_eq!(store.real([&ca]), [tree.path("k/pki/ca.crt")]);
    assert_eq!(through.real([&ca]), [tree.path("k/pki/ca.crt")]);
    assert_eq!(through.path(&ca), tree.path("link/pki/ca.crt"));
    assert_eq!(
        store.absolute(Path::new("x")).unwrap(),
        std::env::current_dir().unwrap().join("x")
    );

    let admin = kubeconfig("admin.conf");
    assert_eq!(
        store.reference_to(&admin, &ca).as_deref(),
        Some("pki/ca.crt")
    );
    let kubelet = FileId::new(Root::Kubelet, "kubelet.crt");
    let there = tree.path("l/kubelet.crt");
    assert_eq!(
        store.reference_to(&admin, &kubelet).as_deref(),
        there.to_str()
    );
    tree.write("l/kubelet.crt", "text");
    assert_eq!(store.referred(&admin, "pki/ca.crt"), Some(ca));
    assert_eq!(
        store.referred(&admin, there.to_str().unwrap()),
        Some(kubelet)
    );
}

#[test]
fn a_kubeconfig_refers_to_a_file_by_whatever_way_and_to_its_name_in_the_tree() {
    let tree = Tree::new();
    let store = tree.store();
    let current = "l/pki/kubelet-client-current.pem";
    let rotated = "l/pki/kubelet-client-2026-01-02-03-04-05.pem";
    for file in [
        "k/pki/etcd/peer.crt",
        "k/pki/own.crt",
        "k/conf.d/x",
        rotated,
        "o/own.crt",
    ] {
        tree.write(file, "text");
    }
    symlink(tree.path("k"), tree.path("link")).unwrap();
    symlink("own.crt", tree.path("k/pki/other.crt")).unwrap();
    symlink(tree.path(rotated), tree.path(current)).unwrap();
    fs::hard_link(tree.path("k/pki/own.crt"), tree.path("k/pki/same.crt")).unwrap();
    let (admin, deep) = (kubeconfig("admin.conf"), kubeconfig("conf.d/x"));
    let through = tree.path("link/pki/own.crt");
    for way in [
        "pki/own.crt",
        "pki//own.crt",
        "./pki/./own.crt",
        "pki/../pki/own.crt",
        "../k/pki/own.crt",
        "../link/pki/own.crt",
        "pki/other.crt",
        through.to_str().unwrap(),
    ] {
        assert_eq!(store.referred(&admin, way), Some(pki("own.crt")), "{way}");
    }
    for (way, file) in [
        ("../pki/etcd/peer.crt", Some(pki("etcd/peer.crt"))),
        ("../pki/own.crt", Some(pki("own.crt"))),
        ("pki/own.crt", None),
    ] {
        assert_eq!(store.referred(&deep, way), file, "{way}");
    }
    // What is replaced of the kubelet's is the link; another name of the same octets keeps them.
    let kubelets = FileId::new(Root::Kubelet, "pki/kubelet-client-current.pem");
    let current = tree.path(current);
    assert_eq!(
        store.referred(&admin, current.to_str().unwrap()),
        Some(kubelets)
    );
    assert_eq!(
        store.referred(&admin, "pki/same.crt"),
        Some(pki("same.crt"))
    );
    for way in [
        "../o/own.crt",
        "pki/ca.txt",
        "pki",
        "pki/..",
        "/etc/passwd",
        "none/own.crt",
    ] {
        assert_eq!(store.referred(&admin, way), None, "{way}");
    }
}

#[test]
fn a_file_anywhere_is_read_as_one_of_the_directory_that_it_is_in() {
    let tree = Tree::new();
    let store = tree.store();
    tree.write("elsewhere/own.crt", "text");
    symlink(tree.path("elsewhere/own.crt"), tree.path("link.crt")).unwrap();
    let (beside, file) = store.beside(&tree.path("link.crt")).unwrap();
    assert_eq!(file, FileId::new(Root::Requests, "own.crt"));
    assert_eq!(beside.root(Root::Requests), tree.path("elsewhere"));
    assert_eq!(beside.root(Root::Pki), tree.path("k/pki"));
    assert_eq!(&beside.read(&file).unwrap().unwrap().bytes[..], b"text");
    assert!(store.beside(&tree.path("none.crt")).is_none());

    // By `read` only what certs may write has a name; what was found lying there has any.
    let own = pki("own.txt");
    tree.write("k/pki/own.txt", "found");
    assert!(matches!(store.read(&own), Err(ReadError::Io { .. })));
    assert_eq!(
        &store.read_found(&own).unwrap().unwrap().bytes[..],
        b"found"
    );
    assert_eq!(store.read_found(&pki("none.txt")), Ok(None));
}

#[test]
fn a_reference_is_followed_to_a_file_and_through_a_link_within_its_folder() {
    let tree = Tree::new();
    let store = tree.store();
    let admin = kubeconfig("admin.conf");
    tree.write("k/pki/ca.crt", "text");
    tree.write("elsewhere.pem", "text");
    symlink("ca.crt", tree.path("k/pki/current.pem")).unwrap();
    symlink(tree.path("elsewhere.pem"), tree.path("k/pki/away.pem")).unwrap();
    symlink("none", tree.path("k/pki/dangling.pem")).unwrap();
    for name in ["pki/ca.crt", "pki/current.pem"] {
        let read = store.read_reference(&admin, name).unwrap().unwrap();
        assert_eq!(&read.bytes[..], b"text", "{name}");
    }
    for name in ["pki/none.pem", "pki/dangling.pem"] {
        assert_eq!(store.read_reference(&admin, name), Ok(None), "{name}");
    }
    let away = store.read_reference(&admin, "pki/away.pem");
    let Err(ReadError::NotAFile { kind, .. }) = away else {
        panic!("{away:?}")
    };
    assert_eq!(kind, "a symbolic link that leaves its folder");
}
