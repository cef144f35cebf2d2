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
    let text = error(lock(roots).recover(aged));
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
    lock(inner()).recover(aged).unwrap().unwrap();
    assert_eq!(tree.text("k/pki/etcd/ca.key"), "key");
    assert_eq!(lock(tree.roots()).recover(aged).unwrap(), None);
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
    lock(tree.roots()).recover(aged).unwrap().unwrap();
    assert_eq!(tree.text("k/pki/etcd/ca.key"), "key");
    let recovered = lock(roots(&tree, "k/pki/etcd")).recover(aged).unwrap();
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
    let recovered = lock(elsewhere).recover(aged).unwrap().unwrap();
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
    locked().recover(aged).unwrap().unwrap();
    assert_eq!(
        tree.text("k/pki/etcd/admin.conf") + &tree.text("k/pki/etcd/ca.key"),
        "configkey"
    );
    assert_eq!(tree.hidden(), [""; 0]);
}

/// A run over these roots that was killed before its list stood, or before its part did, leaves nothing
/// that the next one stops at, and no staged file.
fn is_discarded(tree: &Tree, roots: &Roots, own: &FileId, staged: usize) {
    let locked = || {
        Store::open(roots.clone())
            .lock(&Root::ALL, Duration::ZERO, &mut |_| {})
            .unwrap()
    };
    let store = Store::open(roots.clone());
    for file in [own.clone(), pki("ca.key"), pki("etcd/ca.key")] {
        let path = store.path(&file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "old").unwrap();
    }
    drop(locked());
    let before = tree.all();
    let lists: [&[&str]; 2] = [
        &["k/pki/.certs-journal"],
        &[
            "k/pki/.certs-journal",
            "k/.certs-journal",
            "k/pki/etcd/.certs-journal",
        ],
    ];
    for lost in lists {
        let changes = vec![
            replace(pki("ca.key"), "old", "new"),
            replace(pki("etcd/ca.key"), "old", "new etcd"),
            create(pki("etcd/ca.crt"), "new certificate"),
            replace(own.clone(), "old", "new own"),
        ];
        let writer = locked();
        let mut run = writer.begin(changes, &options(1)).unwrap();
        run.prepare().unwrap();
        drop(writer);
        for journal in lost {
            let _ = fs::remove_file(tree.path(journal));
        }
        let recovered = locked().recover(aged).unwrap().unwrap();
        assert_eq!(recovered.discarded, staged);
        let hidden = |name: &str| name.contains(".certs-backup");
        let after = tree.all().into_iter();
        let after: Vec<_> = after.filter(|(name, _)| !hidden(name)).collect();
        assert_eq!(after, before);
        for backups in ["k", "k/pki", "k/pki/etcd"] {
            let _ = fs::remove_dir_all(tree.path(backups).join(".certs-backup"));
        }
    }
}

#[test]
fn an_undecided_run_over_a_directory_and_a_folder_of_it_is_discarded() {
    let kubelet = |name| FileId::new(Root::Kubelet, name);
    for own in [kubelet("kubelet.key"), kubelet("pki/kubelet.key")] {
        let tree = Tree::new();
        let roots = Roots {
            kubelet: tree.path("k"),
            ..tree.roots()
        };
        is_discarded(&tree, &roots, &own, 4);
    }
    let tree = Tree::new();
    let roots = Roots {
        kubeconfig: tree.path("k/pki/etcd"),
        ..tree.roots()
    };
    is_discarded(&tree, &roots, &kubeconfig("admin.conf"), 4);
}

#[test]
fn what_another_user_puts_in_a_folder_is_told_as_what_it_is() {
    let tree = Tree::new();
    tree.write("k/pki/etcd/.certs-journal", "");
    let journal = tree.path("k/pki/etcd/.certs-journal");
    std::os::unix::fs::lchown(&journal, Some(65534), None).unwrap();
    let text = error(lock(tree.roots()).recover(aged));
    assert_eq!(
        text,
        format!(
            "{} is not this user's work in progress (it belongs to user 65534): look at it, and remove it by hand; \
             nothing was touched",
            journal.display()
        )
    );
    // One of this user's is of a run that this user can complete.
    std::os::unix::fs::lchown(&journal, Some(0), None).unwrap();
    let way_out = format!("--cert-dir {}", tree.path("k/pki/etcd").display());
    refused(&tree, tree.roots(), &way_out);
}

#[test]
fn a_journal_of_another_user_in_the_directory_above_bars_nothing() {
    let tree = Tree::new();
    let changes = || vec![create(pki("etcd/ca.key"), "key")];
    let writer = lock(tree.roots());
    let mut run = writer.begin(changes(), &options(1)).unwrap();
    run.prepare().unwrap();
    drop(writer);
    let list = tree.path("k/pki/.certs-journal");
    std::os::unix::fs::lchown(&list, Some(65534), None).unwrap();
    let recovered = lock(roots(&tree, "k/pki/etcd"))
        .recover(aged)
        .unwrap()
        .unwrap();
    assert_eq!(recovered.discarded, 1);
}
