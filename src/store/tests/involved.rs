//! Which roots are recovered with the one in which an interrupted run was found.

use super::*;

fn kubelet(text: &str) -> Change {
    create(FileId::new(Root::Kubelet, "kubelet.key"), text)
}

fn lock(tree: &Tree, root: Root) -> Writer {
    tree.store()
        .lock(&[root], Duration::ZERO, &mut |_| {})
        .unwrap()
}

/// A decided run of `number` that has renamed nothing.
fn interrupted(tree: &Tree, root: Root, change: Change, number: u8) {
    let writer = lock(tree, root);
    let mut run = writer.begin(vec![change], &options(number)).unwrap();
    run.prepare().unwrap();
}

#[test]
fn a_run_in_a_root_that_the_interrupted_one_did_not_have_is_left_alone() {
    let tree = Tree::new();
    interrupted(&tree, Root::Kubelet, kubelet("theirs"), 2);
    interrupted(&tree, Root::Pki, create(pki("ca.key"), "key"), 1);
    let mut writer = lock(&tree, Root::Pki);
    assert!(writer.place(Root::Kubelet).is_none());
    let recovered = writer.recover(aged).unwrap().unwrap();
    assert_eq!(recovered.finished, [pki("ca.key")]);
    assert!(tree.path("l/.certs-journal").exists());
    assert!(!tree.path("l/kubelet.key").exists());
    drop(writer);
    lock(&tree, Root::Kubelet).recover(aged).unwrap().unwrap();
    assert_eq!(tree.text("l/kubelet.key"), "theirs");
}

#[test]
fn what_lies_or_runs_in_another_root_does_not_bar_a_recovery() {
    let tree = Tree::new();
    let _other = lock(&tree, Root::Kubelet);
    tree.write("l/.certs-0123456789abcdef-0", "theirs");
    tree.chmod("l/.certs-0123456789abcdef-0", 0o666);
    interrupted(&tree, Root::Pki, create(pki("ca.key"), "key"), 1);
    lock(&tree, Root::Pki).recover(aged).unwrap().unwrap();
    assert_eq!(tree.text("k/pki/ca.key"), "key");
}

#[test]
fn a_root_that_the_list_names_elsewhere_is_told_and_the_one_of_this_run_is_left_alone() {
    let tree = Tree::new();
    let writer = tree.writer();
    let changes = vec![create(pki("ca.key"), "key"), kubelet("theirs")];
    let mut run = writer.begin(changes, &options(1)).unwrap();
    run.prepare().unwrap();
    drop(writer);
    tree.write("other/.certs-0202020202020202-0", "another run's");
    let roots = Roots {
        kubelet: tree.path("other"),
        ..tree.roots()
    };
    let before = tree.all();
    let mut writer = Store::open(roots)
        .lock(&[Root::Pki], Duration::ZERO, &mut |_| {})
        .unwrap();
    let text = error(writer.recover(aged));
    let named = format!("--kubelet-dir {}'", tree.path("l").display());
    assert!(text.contains(&named), "{text}");
    assert_eq!(tree.all(), before);
    assert!(writer.place(Root::Kubelet).is_none());
}

#[test]
fn a_torn_part_takes_the_other_roots_of_its_run_along() {
    let tree = Tree::new();
    let writer = tree.writer();
    let changes = vec![
        create(pki("ca.key"), "key"),
        create(kubeconfig("admin.conf"), "config"),
        kubelet("key"),
    ];
    let mut run = writer.begin(changes, &options(1)).unwrap();
    run.prepare().unwrap();
    drop(writer);
    for name in ["k/pki/.certs-journal", "k/.certs-journal"] {
        fs::remove_file(tree.path(name)).unwrap();
    }
    tree.write("l/.certs-journal", "certs jour");
    let recovered = lock(&tree, Root::Kubelet).recover(aged).unwrap().unwrap();
    assert_eq!(recovered.discarded, 3);
    assert_eq!(tree.hidden(), [""; 0]);
}

#[test]
fn a_backup_alone_tells_that_its_root_was_of_the_run() {
    let tree = Tree::new();
    tree.write("k/pki/ca.key", "old");
    let writer = tree.writer();
    let changes = vec![
        replace(pki("ca.key"), "old", "key"),
        create(kubeconfig("admin.conf"), "config"),
    ];
    let mut run = writer.begin(changes, &options(1)).unwrap();
    run.prepare().unwrap();
    drop(writer);
    tree.writer().recover(aged).unwrap().unwrap();
    fs::rename(
        tree.path("k/admin.conf"),
        tree.path("k/.certs-0101010101010101-1"),
    )
    .unwrap();
    let text = error(lock(&tree, Root::Kubeconfig).recover(aged));
    assert!(text.contains("it cannot be ended"), "{text}");
}
