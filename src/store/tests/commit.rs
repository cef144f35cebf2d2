use std::os::fd::AsFd;
use std::os::unix::fs::symlink;

use super::*;
use crate::store::commit::LARGEST_MODE;
use crate::store::rename::link_and_remove;

/// A commit that must be refused, and must leave everything as it was.
fn refused(tree: &Tree, changes: Vec<Change>) -> String {
    let mut writer = tree.writer();
    let before = tree.all();
    let error = error(writer.commit(changes, &options(1)));
    assert_eq!(tree.all(), before);
    error
}

#[test]
fn files_get_their_content_and_their_mode_and_nothing_else_stays() {
    let tree = Tree::new();
    let certificate = Change {
        mode: 0o644,
        ..create(pki("etcd/ca.crt"), "certificate")
    };
    let changes = vec![
        certificate,
        create(pki("etcd/ca.key"), "key"),
        create(kubeconfig("admin.conf"), "config"),
    ];
    let committed = tree.writer().commit(changes, &options(1)).unwrap();
    assert_eq!(
        (committed.files, committed.backups, committed.notes),
        (3, Vec::new(), Vec::new())
    );
    let files: Vec<_> = tree
        .all()
        .into_iter()
        .filter(|(name, _)| !name.ends_with('/'))
        .collect();
    let expected = [
        ("/k/admin.conf", "config"),
        ("/k/pki/etcd/ca.crt", "certificate"),
        ("/k/pki/etcd/ca.key", "key"),
    ];
    assert_eq!(
        files,
        expected.map(|(name, text)| (name.to_owned(), text.to_owned()))
    );
    assert_eq!(
        (
            tree.mode("k/pki/etcd/ca.crt"),
            tree.mode("k/pki/etcd/ca.key")
        ),
        (0o644, 0o600)
    );
    assert_eq!(
        tree.path("k/pki/etcd/ca.crt").metadata().unwrap().nlink(),
        1
    );
}

#[test]
fn nothing_to_change_changes_nothing() {
    let tree = Tree::new();
    let mut writer = tree.writer();
    let before = tree.all();
    assert_eq!(writer.commit(Vec::new(), &options(1)).unwrap().files, 0);
    assert_eq!(tree.all(), before);
}

#[test]
fn what_is_replaced_stays_in_the_backup_with_its_content_and_mode() {
    let tree = Tree::new();
    tree.write("k/pki/etcd/ca.crt", "old");
    tree.chmod("k/pki/etcd/ca.crt", 0o644);
    tree.write("k/admin.conf", "old config");
    let store = tree.store();
    let changes = vec![
        replace(pki("etcd/ca.crt"), "old", "new"),
        create(pki("ca.crt"), "created"),
        replace(kubeconfig("admin.conf"), "old config", "new config"),
    ];
    let committed = tree.writer().commit(changes, &options(1)).unwrap();
    let name = "0101010101010101";
    let backups = ["k/pki", "k"].map(|root| tree.path(root).join(".certs-backup").join(name));
    assert_eq!(committed.backups, backups);
    assert_eq!(tree.text("k/pki/etcd/ca.crt"), "new");
    assert_eq!(
        tree.text(&format!("k/pki/.certs-backup/{name}/etcd/ca.crt")),
        "old"
    );
    assert_eq!(
        tree.mode(&format!("k/pki/.certs-backup/{name}/etcd/ca.crt")),
        0o644
    );
    assert_eq!(
        tree.text(&format!("k/.certs-backup/{name}/admin.conf")),
        "old config"
    );
    for directory in [
        "k/pki/.certs-backup",
        "k/.certs-backup",
        "k/pki/.certs-backup/0101010101010101",
    ] {
        assert_eq!(tree.mode(directory), 0o700, "{directory}");
    }
    let [backup] = &store.backups(&Root::ALL).unwrap().runs[..] else {
        panic!("one backup over both roots")
    };
    assert_eq!((backup.transaction, backup.sequence), (transaction(1), 1));
    let replaced: Vec<_> = backup
        .files
        .iter()
        .map(|file| (&file.file.name[..], file.replaced.is_some()))
        .collect();
    assert_eq!(
        replaced,
        [
            ("etcd/ca.crt", true),
            ("ca.crt", false),
            ("admin.conf", true)
        ]
    );
    let former = store
        .read_backup(transaction(1), &pki("etcd/ca.crt"))
        .unwrap()
        .unwrap();
    assert_eq!(&former.bytes[..], b"old");
    assert_eq!(store.read_backup(transaction(1), &pki("ca.crt")), Ok(None));
}

/// Runs of these commands over one file, each over what the one before it wrote, numbered on.
fn runs(tree: &Tree, commands: &[&str], mut changes: impl FnMut(usize) -> Vec<Change>) {
    let youngest = tree.store().backups(&Root::ALL).unwrap().runs;
    let first = youngest.first().map_or(0, |run| run.transaction.0[0]);
    for (number, command) in commands.iter().enumerate() {
        let mut options = options(first + u8::try_from(number + 1).unwrap());
        options.origin.command = (*command).to_owned();
        options.fates = crate::rollback::fates;
        let committed = tree.writer().commit(changes(number), &options).unwrap();
        assert_eq!(committed.notes, [""; 0]);
    }
}

/// The numbers of the runs of which a directory has something.
fn kept(tree: &Tree, directory: &str) -> Vec<u8> {
    let folder = tree.path(directory).join(".certs-backup");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let number = |name: String| TransactionId::parse(&name).unwrap().0[0];
    let mut numbers: Vec<u8> = names.map(|entry| number(name(entry))).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn the_last_three_backups_stay() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "0");
    // Numbers that do not grow: the order is that of the runs.
    for (former, number) in [9u8, 3, 7, 5, 1].into_iter().enumerate() {
        let (former, new) = (former.to_string(), (former + 1).to_string());
        let change = replace(pki("ca.crt"), &former, &new);
        let committed = tree.writer().commit(vec![change], &options(number));
        committed.unwrap();
    }
    let store = tree.store();
    let runs = store.backups(&Root::ALL).unwrap().runs;
    let numbers: Vec<_> = runs.iter().map(|backup| backup.transaction).collect();
    assert_eq!(numbers, [1, 5, 7].map(transaction));
    assert!(!tree.path("k/pki/.certs-backup/0303030303030303").exists());
    let former = store.read_backup(transaction(1), &pki("ca.crt"));
    assert_eq!(&former.unwrap().unwrap().bytes[..], b"4");
}

#[test]
fn the_stages_of_a_rotation_stay_beside_the_last_three_and_go_with_its_end() {
    let tree = Tree::new();
    tree.write("k/pki/ca.key", "0");
    let next = |number: usize| {
        let (former, new) = (number.to_string(), (number + 1).to_string());
        vec![replace(pki("ca.key"), &former, &new)]
    };
    let before = [
        "rotate-ca-trust",
        "rotate-ca-issue",
        "all",
        "all",
        "all",
        "all",
    ];
    runs(&tree, &before, next);
    assert_eq!(kept(&tree, "k/pki"), [1, 2, 4, 5, 6]);
    assert_eq!(
        tree.text("k/pki/.certs-backup/0202020202020202/ca.key"),
        "1"
    );
    let mut ended = options(7);
    ended.origin.command = "rotate-ca-drop".to_owned();
    ended.fates = crate::rollback::fates;
    // The former key goes also where nothing new is kept.
    ended.backup = false;
    tree.writer().commit(next(6), &ended).unwrap();
    assert_eq!(kept(&tree, "k/pki"), [5, 6, 7]);
}

#[test]
fn the_end_of_a_rotation_takes_its_backups_from_directories_that_it_did_not_touch() {
    let tree = Tree::new();
    tree.write("k/pki/ca.key", "0");
    tree.write("l/kubelet.key", "0");
    let kubelet = FileId::new(Root::Kubelet, "kubelet.key");
    runs(&tree, &["rotate-ca-issue"], |_| {
        vec![
            replace(pki("ca.key"), "0", "1"),
            replace(kubelet.clone(), "0", "1"),
        ]
    });
    assert_eq!((kept(&tree, "k/pki"), kept(&tree, "l")), (vec![1], vec![1]));
    runs(&tree, &["rotate-ca-drop"], |_| {
        vec![replace(pki("ca.key"), "1", "2")]
    });
    assert_eq!((kept(&tree, "k/pki"), kept(&tree, "l")), (vec![2], vec![]));
}

#[test]
fn an_end_that_was_killed_before_it_took_the_backups_leaves_them_to_the_next_run() {
    let (former, tree) = ("k/pki/.certs-backup/0101010101010101/ca.key", Tree::new());
    tree.write("k/pki/ca.key", "0");
    tree.write("k/pki/sa.key", "0");
    let step = |former: &str, new: &str| vec![replace(pki("ca.key"), former, new)];
    runs(&tree, &["rotate-ca-issue"], |_| step("0", "1"));
    // Killed after its last rename, and after its journal went.
    let mut ended = options(2);
    ended.origin.command = "rotate-ca-drop".to_owned();
    tree.writer().commit(step("1", "2"), &ended).unwrap();
    assert_eq!(tree.text(former), "0");
    // Killed when the copies were gone and the list was not.
    fs::remove_file(tree.path(former)).unwrap();
    let mut next = options(3);
    next.fates = crate::rollback::fates;
    let change = vec![replace(pki("sa.key"), "0", "1")];
    tree.writer().commit(change, &next).unwrap();
    assert_eq!(kept(&tree, "k/pki"), [2, 3]);
}

#[test]
fn a_backup_with_a_damaged_list_is_told_and_neither_removed_nor_counted() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "0");
    let mut notes = Vec::new();
    for number in 1..=5u8 {
        let (former, new) = ((number - 1).to_string(), number.to_string());
        let change = replace(pki("ca.crt"), &former, &new);
        let committed = tree.writer().commit(vec![change], &options(number));
        notes.push(committed.unwrap().notes);
        if number == 3 {
            tree.write("k/pki/.certs-backup/0303030303030303/journal", "torn");
        }
    }
    let kept = |number: u8| {
        let name = format!("k/pki/.certs-backup/{}/ca.crt", transaction(number));
        tree.path(&name).exists()
    };
    assert_eq!([1, 2, 3, 4, 5].map(kept), [false, true, true, true, true]);
    assert!(notes[..3].iter().all(Vec::is_empty), "{notes:?}");
    for told in &notes[3..] {
        let [told] = &told[..] else {
            panic!("one note: {told:?}")
        };
        assert!(
            told.contains("0303030303030303/journal is damaged")
                && told.contains("move its folder away"),
            "{told}"
        );
    }
}

#[test]
fn without_a_backup_nothing_of_the_former_file_stays_but_the_run_s_list() {
    let tree = Tree::new();
    tree.write("k/pki/etcd/ca.crt", "old");
    let change = replace(pki("etcd/ca.crt"), "old", "new");
    let options = CommitOptions {
        backup: false,
        ..options(1)
    };
    let committed = tree.writer().commit(vec![change], &options).unwrap();
    assert_eq!(committed.backups, [""; 0].map(PathBuf::from));
    assert_eq!(tree.text("k/pki/etcd/ca.crt"), "new");
    assert_eq!(tree.hidden(), lists(&["/k/pki"]));
    assert!(!tree.store().backups(&Root::ALL).unwrap().runs[0].kept);
}

#[test]
fn the_files_of_a_pair_are_renamed_one_after_the_other() {
    let tree = Tree::new();
    let mut changes = Vec::new();
    for (group, name) in [(0, "a.crt"), (1, "b.crt"), (0, "a.key"), (1, "b.key")] {
        changes.push(Change {
            group,
            ..create(pki(name), name)
        });
    }
    let writer = tree.writer();
    let run = writer.begin(changes, &options(1)).unwrap();
    let order: Vec<_> = run
        .list
        .entries
        .iter()
        .map(|entry| entry.file.name.clone())
        .collect();
    assert_eq!(order, ["a.crt", "a.key", "b.crt", "b.key"]);
}

#[test]
fn a_file_that_changed_since_the_plan_is_not_replaced() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "theirs");
    let error = refused(
        &tree,
        vec![
            create(pki("a.crt"), ""),
            replace(pki("ca.crt"), "mine", "new"),
        ],
    );
    assert!(
        error.contains("k/pki/ca.crt was changed meanwhile"),
        "{error}"
    );
}

#[test]
fn a_file_that_appeared_or_vanished_since_the_plan_refuses_the_commit() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "theirs");
    let error = refused(&tree, vec![create(pki("ca.crt"), "new")]);
    assert!(
        error.contains("k/pki/ca.crt has appeared meanwhile"),
        "{error}"
    );
    let error = refused(&tree, vec![replace(pki("sa.key"), "old", "new")]);
    assert!(
        error.contains("k/pki/sa.key was changed meanwhile"),
        "{error}"
    );
}

#[test]
fn what_is_no_file_of_ours_is_refused() {
    let tree = Tree::new();
    for change in [
        create(pki("../admin.conf"), ""),
        create(pki("/tmp/a.crt"), ""),
        Change {
            mode: LARGEST_MODE | 0o20,
            ..create(pki("a.crt"), "")
        },
        Change {
            mode: 0o4600,
            ..create(pki("a.crt"), "")
        },
        create(pki("a.crt"), &"x".repeat((1 << 20) + 1)),
    ] {
        let error = refused(&tree, vec![change]);
        assert!(
            error.contains("is not a file that certs may write so"),
            "{error}"
        );
    }
}

#[test]
fn what_is_removed_is_in_the_backup_and_counted_and_nothing_else_of_it_stays() {
    for keep in [true, false] {
        let tree = Tree::new();
        tree.write("k/pki/etcd/ca-next.key", "next");
        tree.chmod("k/pki/etcd/ca-next.key", 0o640);
        tree.write("k/pki/etcd/ca.key", "old");
        let changes = vec![
            remove(pki("etcd/ca-next.key"), "next"),
            replace(pki("etcd/ca.key"), "old", "next"),
        ];
        let options = CommitOptions {
            backup: keep,
            ..options(1)
        };
        let committed = tree.writer().commit(changes, &options).unwrap();
        assert_eq!((committed.files, committed.notes), (2, Vec::new()));
        assert_eq!(committed.backups.len(), usize::from(keep));
        assert!(!tree.path("k/pki/etcd/ca-next.key").exists());
        assert_eq!(tree.text("k/pki/etcd/ca.key"), "next");
        let copy = "k/pki/.certs-backup/0101010101010101/etcd/ca-next.key";
        let kept = fs::read_to_string(tree.path(copy)).ok();
        assert_eq!(kept, keep.then(|| "next".to_owned()));
        if keep {
            assert_eq!(tree.mode(copy), 0o640);
        } else {
            assert_eq!(tree.hidden(), lists(&["/k/pki"]));
        }
        let [run] = &tree.store().backups(&Root::ALL).unwrap().runs[..] else {
            panic!("one backup");
        };
        let told = (run.files[0].new, run.files[0].replaced, run.files[0].copied);
        assert_eq!(told, (None, Some(key::sha256(b"next")), keep));
    }
}

#[test]
fn a_removal_follows_the_order_of_its_group() {
    let tree = Tree::new();
    tree.write("k/pki/a.key", "a");
    let gone = Change::removal(pki("a.key"), 7, key::sha256(b"a"));
    let other = |group, name| Change {
        group,
        ..create(pki(name), name)
    };
    let changes = vec![other(7, "a.crt"), other(1, "b.crt"), gone];
    let writer = tree.writer();
    let run = writer.begin(changes, &options(1)).unwrap();
    let order = run.list.entries.iter().map(|entry| entry.file.name.clone());
    assert_eq!(order.collect::<Vec<_>>(), ["a.crt", "a.key", "b.crt"]);
}

#[test]
fn what_is_not_what_was_to_be_removed_stays_and_refuses_the_commit() {
    let tree = Tree::new();
    tree.write("k/pki/ca.key", "theirs");
    let changes = vec![create(pki("a.crt"), ""), remove(pki("ca.key"), "mine")];
    let told = refused(&tree, changes);
    assert!(
        told.contains("k/pki/ca.key was changed meanwhile"),
        "{told}"
    );
    let told = refused(&tree, vec![remove(pki("sa.key"), "gone")]);
    assert!(
        told.contains("k/pki/sa.key was changed meanwhile"),
        "{told}"
    );
    for change in [
        Change {
            replaces: None,
            ..remove(pki("sa.key"), "")
        },
        Change {
            owner: Owner {
                user: Some(1),
                group: None,
            },
            ..remove(pki("ca.key"), "theirs")
        },
    ] {
        let told = refused(&tree, vec![change]);
        assert!(
            told.contains("is not a file that certs may write so"),
            "{told}"
        );
    }
}

#[test]
fn what_took_the_place_of_what_was_to_be_removed_stays_and_the_run_is_undone() {
    let tree = Tree::new();
    tree.write("k/pki/a.crt", "a");
    tree.write("k/pki/b.crt", "b");
    let writer = tree.writer();
    let changes = vec![remove(pki("a.crt"), "a"), remove(pki("b.crt"), "b")];
    let mut run = writer.begin(changes, &options(1)).unwrap();
    run.prepare().unwrap();
    tree.write("k/pki/other", "theirs");
    fs::rename(tree.path("k/pki/other"), tree.path("k/pki/b.crt")).unwrap();
    let (removed, failure) = run.rename().unwrap_err();
    assert_eq!(removed, 1);
    let told = run.undo(removed, &failure).to_string();
    assert!(
        told.contains("b.crt was changed meanwhile by another program")
            && told.ends_with("; nothing was changed"),
        "{told}"
    );
    assert_eq!(
        tree.text("k/pki/a.crt") + &tree.text("k/pki/b.crt"),
        "atheirs"
    );
    assert_eq!(tree.hidden(), ["/k/pki/.certs-backup/"]);
}

#[test]
fn what_appeared_where_a_file_was_removed_is_not_replaced_by_the_undoing() {
    let tree = Tree::new();
    let place = tree.path("k/pki/ca-next.key");
    let told = failing_and(
        &tree,
        |path| fs::create_dir(path).unwrap(),
        || fs::write(&place, "theirs").unwrap(),
    );
    assert!(
        told.contains("undoing failed too") && told.contains("pki/.certs-journal stays"),
        "{told}"
    );
    assert_eq!(tree.text("k/pki/ca-next.key"), "theirs");
    let told = error(tree.writer().recover(aged));
    assert!(told.contains("ca-next.key was changed after"), "{told}");
    fs::remove_file(&place).unwrap();
    fs::remove_dir(tree.path("k/admin.conf")).unwrap();
    tree.writer().recover(aged).unwrap().unwrap();
    assert!(!place.exists());
    assert_eq!(tree.text("k/pki/etcd/ca.crt"), "new");
}

/// What cannot be removed fails the run after its mark went, which must be there again.
#[test]
fn an_immutable_file_that_was_to_be_removed_fails_the_commit_and_everything_is_as_before() {
    let tree = Tree::new();
    tree.write("k/pki/a.crt", "old a");
    tree.write("k/pki/b.crt", "old b");
    let writer = tree.writer();
    let changes = vec![
        replace(pki("a.crt"), "old a", "new a"),
        remove(pki("b.crt"), "old b"),
    ];
    let mut run = writer.begin(changes, &options(1)).unwrap();
    run.prepare().unwrap();
    let immutable = Immutable::new(tree.path("k/pki/b.crt"));
    let (renamed, failure) = run.rename().unwrap_err();
    drop(immutable);
    let mark = tree.path("k/pki/.certs-0101010101010101-1");
    assert!(!mark.exists());
    let told = run.undo(renamed, &failure).to_string();
    assert!(
        told.contains("b.crt: operation not permitted") && told.ends_with("; nothing was changed"),
        "{told}"
    );
    assert_eq!(
        tree.text("k/pki/a.crt") + &tree.text("k/pki/b.crt"),
        "old aold b"
    );
    assert_eq!(tree.hidden(), ["/k/pki/.certs-backup/"]);
}

#[test]
fn one_file_twice_is_refused() {
    let tree = Tree::new();
    let error = refused(
        &tree,
        vec![create(pki("a.crt"), "1"), create(pki("a.crt"), "2")],
    );
    assert!(
        error.contains("a.crt is not a file that certs may write so"),
        "{error}"
    );
}

#[test]
fn a_root_that_is_not_locked_is_not_written() {
    let tree = Tree::new();
    let mut writer = tree
        .store()
        .lock(&[Root::Pki], Duration::ZERO, &mut |_| {})
        .unwrap();
    let error = error(writer.commit(vec![create(kubeconfig("a.conf"), "")], &options(1)));
    assert!(error.contains("--kubeconfig-dir is not locked"), "{error}");
}

#[test]
fn a_directory_or_a_link_in_a_file_s_place_refuses_the_commit() {
    let tree = Tree::new();
    fs::create_dir_all(tree.path("k/pki/ca.crt")).unwrap();
    symlink("nothing", tree.path("k/pki/ca.key")).unwrap();
    let error = refused(
        &tree,
        vec![create(pki("a.crt"), ""), create(pki("ca.crt"), "new")],
    );
    assert!(
        error.contains("k/pki/ca.crt is a directory, not a file: move it away"),
        "{error}"
    );
    let error = refused(&tree, vec![create(pki("ca.key"), "new")]);
    assert!(
        error.contains("k/pki/ca.key is a symbolic link, not a file"),
        "{error}"
    );
}

#[test]
fn a_backup_directory_that_is_not_ours_refuses_the_commit() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "old");
    tree.write("elsewhere/file", "");
    let change = || vec![replace(pki("ca.crt"), "old", "new")];
    symlink("../../elsewhere", tree.path("k/pki/.certs-backup")).unwrap();
    let text = refused(&tree, change());
    assert!(
        text.contains("is a symbolic link, not the directory that certs makes"),
        "{text}"
    );
    fs::remove_file(tree.path("k/pki/.certs-backup")).unwrap();
    fs::create_dir(tree.path("k/pki/.certs-backup")).unwrap();
    tree.chmod("k/pki/.certs-backup", 0o750);
    let text = refused(&tree, change());
    assert!(text.contains("is open to others than its owner"), "{text}");
    tree.chmod("k/pki/.certs-backup", 0o700);
    nix::unistd::chown(&tree.path("k/pki/.certs-backup"), Some(65534.into()), None)
        .expect("this test needs root");
    let text = refused(&tree, change());
    assert!(
        text.contains("belongs to user 65534: run as that user"),
        "{text}"
    );
}

#[test]
fn a_journal_that_nobody_ended_refuses_the_commit_and_stays() {
    let tree = Tree::new();
    let mut writer = tree.writer();
    tree.write("k/pki/.certs-journal", "theirs");
    let before = tree.all();
    let error = error(writer.commit(vec![create(pki("ca.crt"), "")], &options(1)));
    assert!(
        error.contains(".certs-journal: file exists") && error.ends_with("nothing was changed"),
        "{error}"
    );
    assert_eq!(tree.all(), before);
}

#[test]
fn a_staged_name_that_is_taken_refuses_the_commit_and_stays() {
    let tree = Tree::new();
    let mut writer = tree.writer();
    tree.write("k/pki/.certs-0101010101010101-1", "theirs");
    let before = tree.all();
    let changes = vec![
        create(pki("a.crt"), "1"),
        create(pki("b.crt"), "2"),
        create(pki("c.crt"), "3"),
    ];
    let error = error(writer.commit(changes, &options(1)));
    assert!(
        error.contains("create ") && error.ends_with("nothing was changed"),
        "{error}"
    );
    assert_eq!(tree.all(), before);
}

#[test]
fn a_backup_of_the_same_number_refuses_the_commit() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "0");
    tree.writer()
        .commit(vec![replace(pki("ca.crt"), "0", "1")], &options(1))
        .unwrap();
    let error = error(
        tree.writer()
            .commit(vec![replace(pki("ca.crt"), "1", "2")], &options(1)),
    );
    assert!(error.contains("is there already"), "{error}");
    assert_eq!(tree.text("k/pki/ca.crt"), "1");
    assert_eq!(
        tree.text("k/pki/.certs-backup/0101010101010101/ca.crt"),
        "0"
    );
}

/// Five changes of which the last fails in its rename, since something took its place after the
/// checks.
fn failing(tree: &Tree, in_the_way: impl Fn(&Path)) -> String {
    failing_and(tree, in_the_way, || {})
}

fn failing_and(tree: &Tree, in_the_way: impl Fn(&Path), before_undoing: impl FnOnce()) -> String {
    tree.write("k/pki/etcd/ca.crt", "old");
    tree.write("k/pki/etcd/ca.key", "old key");
    tree.write("k/pki/ca-next.key", "next");
    let writer = tree.writer();
    let changes = vec![
        remove(pki("ca-next.key"), "next"),
        replace(pki("etcd/ca.crt"), "old", "new"),
        replace(pki("etcd/ca.key"), "old key", "new key"),
        create(pki("sa.pub"), "public"),
        create(kubeconfig("admin.conf"), "config"),
    ];
    let mut run = writer.begin(changes, &options(1)).unwrap();
    run.prepare().unwrap();
    in_the_way(&tree.path("k/admin.conf"));
    let (renamed, failure) = run.rename().unwrap_err();
    assert_eq!(renamed, 4);
    assert_eq!(tree.text("k/pki/etcd/ca.crt"), "new");
    assert!(!tree.path("k/pki/ca-next.key").exists());
    before_undoing();
    run.undo(renamed, &failure).to_string()
}

#[test]
fn a_rename_that_fails_is_undone_with_all_before_it() {
    let tree = Tree::new();
    let error = failing(&tree, |path| fs::create_dir(path).unwrap());
    assert!(
        error.contains("k/admin.conf") && error.ends_with("; nothing was changed"),
        "{error}"
    );
    assert_eq!(
        tree.text("k/pki/etcd/ca.crt") + &tree.text("k/pki/etcd/ca.key"),
        "oldold key"
    );
    assert_eq!(tree.text("k/pki/ca-next.key"), "next");
    assert_eq!(
        tree.path("k/pki/ca-next.key").metadata().unwrap().nlink(),
        1
    );
    assert!(!tree.path("k/pki/sa.pub").exists());
    assert_eq!(tree.hidden(), ["/k/pki/.certs-backup/"]);
    assert_eq!(
        tree.path("k/pki/etcd/ca.crt").metadata().unwrap().nlink(),
        1
    );
}

#[test]
fn a_file_that_appears_during_the_commit_is_not_overwritten() {
    let tree = Tree::new();
    let error = failing(&tree, |path| fs::write(path, "theirs").unwrap());
    assert!(
        error.contains("create ") && error.contains("it has appeared meanwhile"),
        "{error}"
    );
    assert_eq!(tree.text("k/admin.conf"), "theirs");
    assert_eq!(tree.text("k/pki/etcd/ca.crt"), "old");
}

#[test]
fn when_undoing_fails_the_journal_stays_and_recovery_finishes() {
    let tree = Tree::new();
    let error = failing(&tree, |path| {
        fs::create_dir(path).unwrap();
        fs::remove_file(tree.path("k/pki/.certs-backup/0101010101010101/etcd/ca.crt")).unwrap();
    });
    assert!(
        error.contains("undoing failed too") && error.contains("pki/.certs-journal stays"),
        "{error}"
    );
    fs::remove_dir(tree.path("k/admin.conf")).unwrap();
    let recovered = tree.writer().recover(aged).unwrap().unwrap();
    assert_eq!(recovered.finished.len(), 5);
    assert!(!tree.path("k/pki/ca-next.key").exists());
    let kept = tree.text("k/pki/.certs-backup/0101010101010101/ca-next.key");
    assert_eq!(kept, "next");
    let texts = [
        "k/pki/etcd/ca.crt",
        "k/pki/etcd/ca.key",
        "k/pki/sa.pub",
        "k/admin.conf",
    ]
    .map(|name| tree.text(name));
    assert_eq!(texts, ["new", "new key", "public", "config"]);
}

#[test]
fn a_file_system_without_exclusive_rename_still_overwrites_nothing() {
    let tree = Tree::new();
    let writer = tree.writer();
    let directory = &writer.places[writer.place(Root::Pki).unwrap()].directory;
    let here = directory.handle.as_fd();
    tree.write("k/pki/from", "new");
    tree.write("k/pki/taken", "theirs");
    assert!(link_and_remove(here, "from", here, "taken").is_err());
    assert_eq!(
        tree.text("k/pki/taken") + &tree.text("k/pki/from"),
        "theirsnew"
    );
    link_and_remove(here, "from", here, "free").unwrap();
    assert_eq!(tree.text("k/pki/free"), "new");
    assert!(!tree.path("k/pki/from").exists());
}

#[test]
fn a_file_that_cannot_have_two_names_is_copied_into_the_backup() {
    let tree = Tree::new();
    tree.write("k/pki/ca.key", "old");
    tree.chmod("k/pki/ca.key", 0o640);
    std::os::unix::fs::chown(tree.path("k/pki/ca.key"), Some(65_534), Some(1)).unwrap();
    let writer = tree.writer();
    let directory = &writer.places[writer.place(Root::Pki).unwrap()].directory;
    crate::store::backup::duplicate(directory, "ca.key", "copy").unwrap();
    assert_eq!(
        (tree.text("k/pki/copy").as_str(), tree.mode("k/pki/copy")),
        ("old", 0o640)
    );
    let copy = tree.path("k/pki/copy").metadata().unwrap();
    assert_eq!((copy.uid(), copy.gid()), (65_534, 1));
    let error = error(crate::store::backup::duplicate(
        directory, "absent", "copy2",
    ));
    assert!(error.contains("has vanished meanwhile"), "{error}");
}

#[test]
fn an_immutable_file_fails_the_commit_and_everything_is_as_before() {
    let tree = Tree::new();
    tree.write("k/pki/a.crt", "old a");
    tree.write("k/pki/b.crt", "old b");
    let mut writer = tree.writer();
    let immutable = Immutable::new(tree.path("k/pki/b.crt"));
    let changes = vec![
        replace(pki("a.crt"), "old a", "new a"),
        replace(pki("b.crt"), "old b", "new b"),
    ];
    let error = error(writer.commit(changes, &options(1)));
    drop(immutable);
    assert!(
        error.contains("replace ") && error.contains("b.crt: operation not permitted"),
        "{error}"
    );
    assert!(error.ends_with("nothing was changed"), "{error}");
    assert_eq!(
        tree.text("k/pki/a.crt") + &tree.text("k/pki/b.crt"),
        "old aold b"
    );
    assert_eq!(tree.hidden(), ["/k/pki/.certs-backup/"]);
}

#[test]
fn when_a_new_file_cannot_be_taken_back_the_journal_stays_and_recovery_finishes() {
    let tree = Tree::new();
    let place = tree.path("k/pki/etcd/ca.crt");
    let mut immutable = None;
    let error = failing_and(
        &tree,
        |path| fs::create_dir(path).unwrap(),
        || immutable = Some(Immutable::new(place)),
    );
    drop(immutable);
    assert!(
        error.contains("etcd/ca.crt cannot have a second name: "),
        "{error}"
    );
    fs::remove_dir(tree.path("k/admin.conf")).unwrap();
    tree.writer().recover(aged).unwrap().unwrap();
    assert_eq!(
        tree.text("k/pki/etcd/ca.crt") + &tree.text("k/admin.conf"),
        "newconfig"
    );
}

#[test]
fn when_tidying_up_fails_the_error_says_so_and_no_list_is_left() {
    let tree = Tree::new();
    let part = tree.path("k/.certs-journal");
    let immutable = std::cell::RefCell::new(None);
    let error = failing(&tree, |path| {
        fs::create_dir(path).unwrap();
        *immutable.borrow_mut() = Some(Immutable::new(part.clone()));
    });
    immutable.take();
    assert!(
        error.contains("no file was changed, but tidying up failed too: remove "),
        "{error}"
    );
    assert!(part.exists() && !tree.path("k/pki/.certs-journal").exists());
    fs::remove_dir(tree.path("k/admin.conf")).unwrap();
    tree.writer().recover(aged).unwrap().unwrap();
    assert_eq!(tree.hidden(), ["/k/pki/.certs-backup/"]);
    assert_eq!(tree.text("k/pki/etcd/ca.crt"), "old");
}

#[test]
fn the_list_is_written_last_and_removed_first() {
    let tree = Tree::new();
    let writer = tree.writer();
    let changes = vec![
        create(pki("ca.crt"), "new"),
        create(kubeconfig("admin.conf"), "config"),
    ];
    let mut run = writer.begin(changes, &options(1)).unwrap();
    run.prepare().unwrap();
    let written = |name: &str| tree.path(name).metadata().unwrap().modified().unwrap();
    assert!(written("k/.certs-journal") <= written("k/pki/.certs-journal"));
    assert!(
        tree.text("k/pki/.certs-journal")
            .starts_with("certs journal 1 list\n")
    );
    run.rename().unwrap();
    let part = Immutable::new(tree.path("k/.certs-journal"));
    let error = error(run.finish(&options(1)));
    assert!(
        error.ends_with(
            "every file is in its place, but a journal stays: run again to end this run"
        ),
        "{error}"
    );
    assert!(!tree.path("k/pki/.certs-journal").exists());
    drop(part);
    drop(writer);
    tree.writer().recover(aged).unwrap().unwrap();
    assert_eq!(tree.hidden(), [""; 0]);
}

#[test]
fn an_old_backup_that_cannot_be_removed_is_a_note_and_no_failure() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "0");
    let commit = |number: u8| {
        let change = replace(
            pki("ca.crt"),
            &(number - 1).to_string(),
            &number.to_string(),
        );
        tree.writer()
            .commit(vec![change], &options(number))
            .unwrap()
    };
    assert_eq!(commit(1).notes, [""; 0]);
    let immutable = Immutable::new(tree.path("k/pki/.certs-backup/0101010101010101/ca.crt"));
    assert_eq!((commit(2).notes.len(), commit(3).notes.len()), (0, 0));
    let notes = commit(4).notes;
    drop(immutable);
    assert!(
        notes.len() == 1 && notes[0].starts_with("remove ") && notes[0].contains("0101"),
        "{notes:?}"
    );
    assert_eq!(tree.text("k/pki/ca.crt"), "4");
    // Half removed, it is no backup any more, and the next run removes the rest.
    assert_eq!(tree.store().backups(&Root::ALL).unwrap().runs.len(), 3);
    assert_eq!(commit(5).notes, [""; 0]);
    assert!(!tree.path("k/pki/.certs-backup/0101010101010101").exists());
}

#[test]
fn a_folder_of_somebody_else_s_in_an_old_backup_stays_and_is_noted() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "0");
    for number in 1..=4_u8 {
        let change = replace(
            pki("ca.crt"),
            &(number - 1).to_string(),
            &number.to_string(),
        );
        let committed = tree.writer().commit(vec![change], &options(number));
        let notes = committed.unwrap().notes;
        if number == 1 {
            tree.write("k/pki/.certs-backup/0101010101010101/theirs/file", "");
        } else if number == 4 {
            assert!(
                notes.len() == 1 && notes[0].contains("directory not empty"),
                "{notes:?}"
            );
        }
    }
    assert!(
        tree.path("k/pki/.certs-backup/0101010101010101/theirs/file")
            .exists()
    );
}

#[test]
fn a_list_under_the_number_of_another_commit_is_no_backup() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "old");
    let changes = vec![replace(pki("ca.crt"), "old", "new")];
    tree.writer().commit(changes, &options(1)).unwrap();
    let folder = tree.path("k/pki/.certs-backup");
    for other in ["0202020202020202", "0303030303030303"] {
        fs::create_dir(folder.join(other)).unwrap();
        tree.chmod(&format!("k/pki/.certs-backup/{other}"), 0o700);
        let list = folder.join("0101010101010101/journal");
        fs::copy(list, folder.join(other).join("journal")).unwrap();
    }
    let found = tree.store().backups(&Root::ALL).unwrap();
    assert_eq!(found.runs.len(), 1);
    assert_eq!(found.runs[0].transaction, transaction(1));
    assert_eq!(found.damaged.len(), 2);
}

#[test]
fn backups_that_cannot_be_looked_at_are_an_error() {
    let tree = Tree::new();
    fs::create_dir(tree.path("k")).unwrap();
    symlink("pki", tree.path("k/pki")).unwrap();
    let text = error(tree.store().backups(&Root::ALL));
    assert!(
        text.starts_with("look at ") && text.contains("symbolic links"),
        "{text}"
    );
}

#[test]
fn a_backup_whose_place_in_time_is_unknown_fails_the_commit_where_it_would_get_a_younger_one() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "old");
    tree.write(
        "k/pki/.certs-backup/0909090909090909/journal/in-its-place",
        "",
    );
    tree.chmod("k/pki/.certs-backup", 0o700);
    tree.chmod("k/pki/.certs-backup/0909090909090909", 0o700);
    let changes = vec![replace(pki("ca.crt"), "old", "new")];
    let text = error(tree.writer().commit(changes, &options(1)));
    assert!(
        text.contains("/journal is a directory, not a file"),
        "{text}"
    );
    assert_eq!(tree.text("k/pki/ca.crt"), "old");
    let store = tree.store();
    let mut writer = store
        .lock(&[Root::Kubelet], Duration::ZERO, &mut |_| {})
        .unwrap();
    let file = FileId::new(Root::Kubelet, "kubelet.crt");
    writer
        .commit(vec![create(file, "new")], &options(1))
        .unwrap();
}
