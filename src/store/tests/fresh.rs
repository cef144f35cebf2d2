//! Trees of new nodes: all of one or nothing.

use std::os::unix::fs::symlink;

use super::*;
use crate::store::is_new;

fn locked(tree: &Tree) -> Writer {
    Store::open(Roots::shared(&tree.path("out")))
        .lock(&[Root::Kubeconfig], Duration::ZERO, &mut |_| {})
        .unwrap()
}

fn changes() -> Vec<Change> {
    let link = FileId::new(Root::Kubelet, FileId::KUBELET_CURRENT);
    vec![
        Change {
            mode: 0o644,
            ..create(pki("etcd/ca.crt"), "certificate")
        },
        create(kubeconfig("admin.conf"), "config"),
        create(link, "kubelet-client-2026-01-02-03-04-05.pem"),
    ]
}

const WHOLE: [&str; 11] = [
    "/out/",
    "/out/cp1/",
    "/out/cp1/etc/",
    "/out/cp1/etc/kubernetes/",
    "/out/cp1/etc/kubernetes/admin.conf",
    "/out/cp1/etc/kubernetes/pki/",
    "/out/cp1/etc/kubernetes/pki/etcd/",
    "/out/cp1/etc/kubernetes/pki/etcd/ca.crt",
    "/out/cp1/var/",
    "/out/cp1/var/lib/",
    "/out/cp1/var/lib/kubelet/",
];

fn names(tree: &Tree) -> Vec<String> {
    tree.all().into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_tree_has_its_name_when_it_is_whole_and_lasts() {
    let tree = Tree::new();
    let writer = locked(&tree);
    let fresh = writer.fresh(transaction(1)).unwrap();
    assert!(is_new(&tree.path("out"), "cp1"));
    fresh.make("cp1", &changes()).unwrap();
    assert!(is_new(&tree.path("out"), "cp1"));
    assert_eq!(tree.mode("out/.certs-nodes-0101010101010101"), 0o700);
    fresh.settle().unwrap();
    drop(fresh);
    let found = names(&tree);
    assert_eq!(found[..WHOLE.len()], WHOLE);
    assert_eq!(found.len(), WHOLE.len() + 2, "{found:?}");
    assert_eq!(tree.mode("out/cp1/etc/kubernetes/admin.conf"), 0o600);
    assert_eq!(tree.mode("out/cp1/etc/kubernetes/pki/etcd/ca.crt"), 0o644);
}

#[test]
fn what_is_not_settled_goes_with_the_run_or_with_the_next() {
    let tree = Tree::new();
    let writer = locked(&tree);
    let fresh = writer.fresh(transaction(1)).unwrap();
    fresh.make("cp1", &changes()).unwrap();
    // As a kill leaves it.
    std::mem::forget(fresh);
    let fresh = writer.fresh(transaction(2)).unwrap();
    assert_eq!(
        names(&tree),
        ["/out/", "/out/.certs-nodes-0202020202020202/"]
    );
    fresh.make("cp1", &changes()).unwrap();
    drop(fresh);
    assert_eq!(names(&tree), ["/out/"]);
}

#[test]
fn what_has_appeared_meanwhile_is_not_replaced() {
    let tree = Tree::new();
    let writer = locked(&tree);
    let fresh = writer.fresh(transaction(1)).unwrap();
    fresh.make("cp1", &changes()).unwrap();
    fs::create_dir(tree.path("out/cp1")).unwrap();
    let told = error(fresh.settle());
    assert!(told.contains("it has appeared meanwhile"), "{told}");
    drop(fresh);
    assert_eq!(names(&tree), ["/out/", "/out/cp1/"]);
}

#[test]
fn what_is_no_folder_of_ours_is_an_error_and_stays() {
    let tree = Tree::new();
    let writer = locked(&tree);
    fs::create_dir(tree.path("aside")).unwrap();
    tree.write("aside/keep", "this");
    symlink(
        tree.path("aside"),
        tree.path("out/.certs-nodes-0101010101010101"),
    )
    .unwrap();
    let told = error(writer.fresh(transaction(2)));
    assert!(told.contains("a symbolic link"), "{told}");
    assert_eq!(tree.text("aside/keep"), "this");
}

#[test]
fn what_no_run_may_write_is_refused() {
    let tree = Tree::new();
    let writer = locked(&tree);
    let fresh = writer.fresh(transaction(1)).unwrap();
    let open = Change {
        mode: 0o666,
        ..create(pki("ca.key"), "key")
    };
    let outside = create(pki("../ca.key"), "key");
    let replaced = replace(pki("ca.key"), "was", "is");
    for change in [open, outside, replaced] {
        let told = error(fresh.make("cp1", &[change]));
        assert!(
            told.contains("not a file that certs may write so"),
            "{told}"
        );
    }
}

#[test]
fn a_tree_that_is_not_there_is_looked_at_once_and_told_of_if_it_comes() {
    let tree = Tree::new();
    let (out, file) = (tree.path("out"), pki("ca.crt"));
    let store = Store::of_new_node(&out, "cp1");
    let lock = store.lock_shared(&Root::TREE).unwrap();
    assert!(store.read(&file).unwrap().is_none());
    assert_eq!(lock.busy(), None);
    tree.write("out/cp1/etc/kubernetes/pki/ca.crt", "certificate");
    assert!(store.read(&file).unwrap().is_none());
    assert!(store.list(Root::Pki).unwrap().is_empty());
    assert_eq!(lock.busy(), Some(out.join("cp1").as_path()));
    let store = Store::of_node(&out, "cp1");
    assert_eq!(store.list(Root::Pki).unwrap(), [file]);
}

#[test]
fn an_archive_takes_the_place_of_a_file_and_of_nothing_else() {
    let tree = Tree::new();
    let writer = locked(&tree);
    for text in ["one", "another"] {
        let fresh = writer.fresh(transaction(1)).unwrap();
        fresh.put("cp1.tar".to_owned(), text.as_bytes()).unwrap();
        assert_eq!(
            tree.mode("out/.certs-nodes-0101010101010101/cp1.tar"),
            0o600
        );
        fresh.settle().unwrap();
        assert_eq!(tree.text("out/cp1.tar"), text);
    }
    fs::remove_file(tree.path("out/cp1.tar")).unwrap();
    symlink(tree.path("aside"), tree.path("out/cp1.tar")).unwrap();
    let fresh = writer.fresh(transaction(2)).unwrap();
    fresh.put("cp1.tar".to_owned(), b"key").unwrap();
    let told = error(fresh.settle());
    assert!(told.contains("is a symbolic link, not a file"), "{told}");
    drop(fresh);
    assert_eq!(names(&tree), ["/out/", "/out/cp1.tar"]);
}
