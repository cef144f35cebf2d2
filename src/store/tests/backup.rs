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

/// Replaces `file` in a store that does not know the directory of any other root, at a time in
/// milliseconds.
fn replaced_alone(tree: &Tree, number: u8, time: u64, file: FileId, former: &str) {
    let nowhere = tree.path("nowhere");
    let known = |root: Root| {
        if root == file.root {
            tree.roots().path(root).to_owned()
        } else {
            nowhere.clone()
        }
    };
    let roots = Roots {
        pki: known(Root::Pki),
        kubeconfig: known(Root::Kubeconfig),
        kubelet: known(Root::Kubelet),
        requests: known(Root::Requests),
    };
    let mut options = options(number);
    options.origin.time += Duration::from_millis(time);
    let mut writer = Store::open(roots)
        .lock(&[file.root], Duration::ZERO, &mut |_| {})
        .unwrap();
    let change = replace(file, former, "new");
    writer.commit(vec![change], &options).unwrap();
}

#[test]
fn runs_over_directories_that_know_nothing_of_each_other_stand_in_the_order_of_the_clock() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "former");
    tree.write("l/kubelet.crt", "former");
    let kubelet = || FileId::new(Root::Kubelet, "kubelet.crt");
    // More of them over one directory, all in one second.
    replaced_alone(&tree, 9, 5_001, kubelet(), "former");
    replaced_alone(&tree, 8, 5_002, kubelet(), "new");
    replaced_alone(&tree, 7, 5_010, pki("ca.crt"), "former");
    assert_eq!(runs(&tree.store()), [7, 8, 9].map(transaction));
    replaced_alone(&tree, 10, 5_011, kubelet(), "new");
    assert_eq!(runs(&tree.store()), [10, 7, 8, 9].map(transaction));
}

#[test]
fn a_clock_that_was_set_back_makes_no_run_older_than_the_one_whose_files_it_replaced() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "former");
    let mut former = "former";
    // The same time twice, then one before 1970.
    for (number, time) in [(3, 9_000), (2, 9_000), (1, 4), (0, -4)] {
        replaced(&tree, number, time, &[(pki("ca.crt"), former)]);
        former = "new";
    }
    let found = tree.store().backups(&Root::ALL).unwrap().runs;
    let told = found.iter().map(|run| (run.transaction, run.sequence));
    let told: Vec<_> = told.collect();
    // Three are kept.
    assert_eq!(
        told,
        [(0, 9_000_003), (1, 9_000_002), (2, 9_000_001)]
            .map(|(number, sequence)| (transaction(number), sequence))
    );
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
            .lock_backed_up(&Root::ALL, &youngest, Duration::ZERO, &mut |_| {})
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
        let writer = store.lock_backed_up(&[Root::Pki], &youngest, Duration::ZERO, &mut |_| {});
        let writer = writer.unwrap().expect("a lock");
        writer.place(Root::Kubelet).is_some()
    };
    assert!(!locked());
    replaced(&tree, 3, 0, &[(pki("ca.crt"), "new"), (kubelet, "new")]);
    assert!(locked());
}

fn youngest(commands: &[&str]) -> Option<usize> {
    (!commands.is_empty()).then_some(0)
}

#[test]
fn a_directory_in_which_the_run_that_is_meant_created_files_alone_is_locked_too() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "former");
    drop(tree.writer());
    let changes = vec![
        replace(pki("ca.crt"), "former", "new"),
        create(FileId::new(Root::Kubelet, "kubelet.crt"), "new"),
    ];
    let mut rotated = options(1);
    rotated.origin.command = "rotate-ca-trust".to_owned();
    tree.writer().commit(changes, &rotated).unwrap();
    replaced(&tree, 2, 0, &[(pki("ca.crt"), "new")]);
    let store = tree.store();
    let locked = |command: &str| {
        let of = |commands: &[&str]| commands.iter().position(|other| *other == command);
        let writer = store.lock_backed_up(&[Root::Pki], &of, Duration::ZERO, &mut |_| {});
        let backups = store.backups(&[Root::Pki]).unwrap();
        let chosen = backups.chosen(&of).map(|run| run.transaction);
        let writer = writer.unwrap().expect("a lock");
        (chosen, writer.place(Root::Kubelet).is_some())
    };
    assert_eq!(locked("rotate-ca-trust"), (Some(transaction(1)), true));
    assert_eq!(locked("all"), (Some(transaction(2)), false));
    assert_eq!(locked("rotate-ca-issue"), (None, false));
}
