//! One run's directory is a folder of another's.

use super::*;

fn roots(tree: &Tree, pki: &str) -> Roots {
    Roots {
        pki: tree.path(pki),
        ..tree.roots()
    }
}

fn lock(roots: Roots) -> Writer {
    Store::open(roots)
        .lock(&[Root::Pki], Duration::ZERO, &mut |_| {})
        .unwrap()
}

/// A decided run that has renamed one file of two.
fn interrupted(roots: Roots, changes: Vec<Change>) {
    let writer = lock(roots);
    let mut run = writer.begin(changes, &options(1)).unwrap();
    run.prepare().unwrap();
    run.rename_one(&run.jobs[0]).unwrap();
}

/// The run is told of the other, and completes nothing of it.
fn refused(tree: &Tree, roots: Roots, words: &str) {
    let before = tree.all();
    let text = error(lock(roots).recover());
    assert!(
        text.contains("complete that one first") && text.ends_with(words),
        "{text}"
    );
    assert_eq!(tree.all(), before);
}

#[test]
fn a_run_over_the_folder_above_does_not_discard_what_a_decided_run_staged() {
    let tree = Tree::new();
    let inner = || roots(&tree, "k/pki/etcd");
    let changes = vec![create(pki("ca.crt"), "new"), create(pki("ca.key"), "key")];
    interrupted(inner(), changes);
    let way_out = format!("--cert-dir {}", tree.path("k/pki/etcd").display());
    refused(&tree, tree.roots(), &way_out);
    lock(inner()).recover().unwrap().unwrap();
    assert_eq!(tree.text("k/pki/etcd/ca.key"), "key");
    assert_eq!(lock(tree.roots()).recover().unwrap(), None);
}

#[test]
fn a_run_over_a_folder_does_not_discard_what_a_decided_run_over_the_one_above_staged() {
    let tree = Tree::new();
    let changes = vec![
        create(pki("etcd/ca.crt"), "new"),
        create(pki("etcd/ca.key"), "key"),
    ];
    interrupted(tree.roots(), changes);
    let way_out = format!("--cert-dir {}", tree.path("k/pki").display());
    refused(&tree, roots(&tree, "k/pki/etcd"), &way_out);
    lock(tree.roots()).recover().unwrap().unwrap();
    assert_eq!(tree.text("k/pki/etcd/ca.key"), "key");
    let recovered = lock(roots(&tree, "k/pki/etcd")).recover().unwrap();
    assert_eq!(recovered, None);
}

#[test]
fn the_list_of_the_run_above_may_be_in_a_further_root() {
    let tree = Tree::new();
    let writer = tree.writer();
    let changes = vec![
        create(kubeconfig("admin.conf"), "config"),
        create(pki("etcd/ca.key"), "key"),
    ];
    let mut run = writer.begin(changes, &options(1)).unwrap();
    run.prepare().unwrap();
    drop(writer);
    let elsewhere = Roots {
        kubeconfig: tree.path("other"),
        ..roots(&tree, "k/pki/etcd")
    };
    let way_out = format!("--cert-dir {}", tree.path("k/pki").display());
    refused(&tree, elsewhere.clone(), &way_out);
    // Without its list that run was not decided.
    fs::remove_file(tree.path("k/.certs-journal")).unwrap();
    let recovered = lock(elsewhere).recover().unwrap().unwrap();
    assert_eq!(recovered.discarded, 1);
}

#[test]
fn a_folder_that_is_a_root_of_the_same_run_is_recovered_with_it() {
    let tree = Tree::new();
    let nested = || Roots {
        kubeconfig: tree.path("k/pki/etcd"),
        ..tree.roots()
    };
    let locked = || {
        Store::open(nested())
            .lock(&Root::ALL, Duration::ZERO, &mut |_| {})
            .unwrap()
    };
    let writer = locked();
    let changes = vec![
        create(kubeconfig("admin.conf"), "config"),
        create(pki("etcd/ca.key"), "key"),
    ];
    let mut run = writer.begin(changes, &options(1)).unwrap();
    run.prepare().unwrap();
    drop(writer);
    locked().recover().unwrap().unwrap();
    assert_eq!(
        tree.text("k/pki/etcd/admin.conf") + &tree.text("k/pki/etcd/ca.key"),
        "configkey"
    );
    assert_eq!(tree.hidden(), [""; 0]);
}
