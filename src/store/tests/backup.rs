//! What the directories of backups say, and who may lock them.

use super::*;
use crate::store::Backups;

/// Replaces what is in `file`, which holds `former`.
fn replaced(tree: &Tree, number: u8, time: i64, files: &[(FileId, &str)]) {
    let changes = files
        .iter()
        .map(|(file, former)| replace(file.clone(), former, "new"));
    let options = CommitOptions {
        origin: Origin {
            time: time::OffsetDateTime::from_unix_timestamp(time).unwrap(),
            ..origin()
        },
        ..options(number)
    };
    let used: Vec<Root> = files.iter().map(|(file, _)| file.root).collect();
    let mut writer = tree
        .store()
        .lock(&used, Duration::ZERO, &mut |_| {})
        .unwrap();
    writer.commit(changes.collect(), &options).unwrap();
}

fn runs(store: &Store) -> Vec<TransactionId> {
    let runs = store.backups(&Root::ALL).unwrap().runs;
    runs.iter().map(|run| run.transaction).collect()
}

#[test]
fn a_backup_tells_the_run_and_where_its_roots_were() {
    let tree = Tree::new();
    tree.write("k/admin.conf", "former");
    replaced(&tree, 1, 77, &[(kubeconfig("admin.conf"), "former")]);
    let [run] = &tree.store().backups(&Root::ALL).unwrap().runs[..] else {
        panic!("one backup")
    };
    assert_eq!(run.origin.command, "all");
    assert_eq!(run.origin.time.unix_timestamp(), 77);
    assert_eq!(run.roots, [(Root::Kubeconfig, tree.path("k"))]);
    let path = tree
        .store()
        .backup_path(run.transaction, &kubeconfig("admin.conf"));
    assert_eq!(fs::read_to_string(path).unwrap(), "former");
}

#[test]
fn runs_that_share_a_number_are_told_apart_by_the_clock() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "former");
    tree.write("l/kubelet.crt", "former");
    // Each of a store that does not know the other's directory.
    for (number, time, root) in [(9, 1, Root::Pki), (1, 2, Root::Kubelet)] {
        let mut roots = tree.roots();
        let file = if root == Root::Pki {
            roots.kubelet = tree.path("nowhere");
            pki("ca.crt")
        } else {
            roots.pki = tree.path("nowhere");
            FileId::new(Root::Kubelet, "kubelet.crt")
        };
        let options = CommitOptions {
            origin: Origin {
                time: time::OffsetDateTime::from_unix_timestamp(time).unwrap(),
                ..origin()
            },
            ..options(number)
        };
        let mut writer = Store::open(roots)
            .lock(&[root], Duration::ZERO, &mut |_| {})
            .unwrap();
        writer
            .commit(vec![replace(file, "former", "new")], &options)
            .unwrap();
    }
    assert_eq!(runs(&tree.store()), [1, 9].map(transaction));
}

#[test]
fn a_list_that_is_none_is_damaged_and_one_that_is_gone_is_passed_over() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "former");
    replaced(&tree, 1, 0, &[(pki("ca.crt"), "former")]);
    let list = "k/pki/.certs-backup/0101010101010101/journal";
    tree.write(list, "torn");
    let damaged = FileId::new(Root::Pki, ".certs-backup/0101010101010101/journal");
    let found = Backups {
        damaged: vec![damaged],
        ..Backups::default()
    };
    assert_eq!(tree.store().backups(&Root::ALL).unwrap(), found);
    fs::remove_file(tree.path(list)).unwrap();
    assert_eq!(
        tree.store().backups(&Root::ALL).unwrap(),
        Backups::default()
    );
}

#[test]
fn a_folder_within_the_backups_that_others_could_have_filled_is_an_error() {
    let tree = Tree::new();
    tree.write("k/pki/etcd/ca.crt", "former");
    replaced(&tree, 1, 0, &[(pki("etcd/ca.crt"), "former")]);
    for folder in ["", "/etcd"] {
        let folder = format!("k/pki/.certs-backup/0101010101010101{folder}");
        tree.chmod(&folder, 0o750);
        let text = error(tree.store().backups(&Root::ALL));
        assert!(text.contains("is open to others"), "{folder}: {text}");
        tree.chmod(&folder, 0o700);
    }
    assert_eq!(runs(&tree.store()), [transaction(1)]);
}

#[test]
fn the_directories_with_backups_are_locked_and_none_is_made() {
    let tree = Tree::new();
    let lock = || {
        let store = tree.store();
        store
            .lock_backed_up(&Root::ALL, Duration::ZERO, &mut |_| {})
            .unwrap()
    };
    assert!(lock().is_none());
    tree.write("k/pki/ca.crt", "former");
    replaced(&tree, 1, 0, &[(pki("ca.crt"), "former")]);
    let before = tree.all();
    let writer = lock().expect("a lock");
    let held =
        [Root::Pki, Root::Kubeconfig, Root::Kubelet].map(|root| writer.place(root).is_some());
    assert_eq!(held, [true, false, false]);
    drop(writer);
    // Where a run was interrupted its recovery may need the others.
    tree.write("k/.certs-journal", "");
    let writer = lock().expect("a lock");
    assert!(writer.place(Root::Kubeconfig).is_some() && writer.place(Root::Pki).is_some());
    drop(writer);
    fs::remove_file(tree.path("k/.certs-journal")).unwrap();
    assert_eq!(tree.all(), before);
}

#[test]
fn a_run_that_no_journal_could_tell_is_refused_before_it_writes() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "former");
    let mut options = options(1);
    options.origin.command = "no\nword".to_owned();
    let changes = vec![replace(pki("ca.crt"), "former", "new")];
    let text = error(tree.writer().commit(changes, &options));
    assert!(text.starts_with("no journal can say"), "{text}");
    assert_eq!(tree.text("k/pki/ca.crt"), "former");
    assert_eq!(tree.hidden(), [""; 0]);
}

#[test]
fn a_directory_that_is_not_asked_for_is_looked_into_only_for_a_run_that_was_over_it_too() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "former");
    tree.write("l/kubelet.crt", "former");
    let kubelet = FileId::new(Root::Kubelet, "kubelet.crt");
    replaced(&tree, 1, 0, &[(pki("ca.crt"), "former")]);
    replaced(&tree, 2, 0, &[(kubelet.clone(), "former")]);
    let store = tree.store();
    let within = |roots: &[Root]| -> Vec<_> {
        let runs = store.backups(roots).unwrap().runs;
        runs.iter().map(|run| run.transaction).collect()
    };
    assert_eq!(within(&[Root::Pki]), [transaction(1)]);
    assert_eq!(within(&Root::ALL), [2, 1].map(transaction));
    let locked = || {
        let writer = store.lock_backed_up(&[Root::Pki], Duration::ZERO, &mut |_| {});
        let writer = writer.unwrap().expect("a lock");
        writer.place(Root::Kubelet).is_some()
    };
    assert!(!locked());
    replaced(&tree, 3, 0, &[(pki("ca.crt"), "new"), (kubelet, "new")]);
    assert!(locked());
}
