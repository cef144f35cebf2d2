use std::os::unix::fs::symlink;

use nix::unistd::{Uid, chown};

use super::*;
use crate::key::hex;
use crate::store::journal::{Journal, Part};
use crate::store::recover::must_hold;

/// How far the interrupted run came.
enum Until {
    /// Its files are staged, its backup made, and no journal says so.
    Staged,
    /// The journal of the second root is written, the list is not.
    Part,
    /// Everything is prepared, and this many files are renamed.
    Renamed(usize),
    /// So many were renamed, and the last of them is being taken back: its new file has both names.
    TakingBack(usize),
    /// All is done but for the second root's journal.
    ListRemoved,
}

const FILES: [&str; 5] = [
    "k/pki/etcd/ca.crt",
    "k/pki/etcd/ca.key",
    "k/pki/sa.pub",
    "k/admin.conf",
    "k/pki/etcd/ca-next.key",
];
const OLD: [Option<&str>; 5] = [Some("old"), Some("old key"), None, None, Some("next")];
const NEW: [Option<&str>; 5] = [
    Some("new"),
    Some("new key"),
    Some("public"),
    Some("config"),
    None,
];
const LIST: &str = "k/pki/.certs-journal";
const PART: &str = "k/.certs-journal";

/// A run over two roots that ended there.
fn interrupted(tree: &Tree, until: &Until) {
    interrupted_with(tree, until, &options(1));
}

fn interrupted_with(tree: &Tree, until: &Until, options: &CommitOptions) {
    tree.write("k/pki/etcd/ca.crt", "old");
    tree.write("k/pki/etcd/ca.key", "old key");
    tree.write("k/pki/etcd/ca-next.key", "next");
    let writer = tree.writer();
    let changes = vec![
        Change {
            mode: 0o644,
            ..replace(pki("etcd/ca.crt"), "old", "new")
        },
        replace(pki("etcd/ca.key"), "old key", "new key"),
        create(pki("sa.pub"), "public"),
        create(kubeconfig("admin.conf"), "config"),
        remove(pki("etcd/ca-next.key"), "next"),
    ];
    let mut run = writer.begin(changes, options).unwrap();
    run.prepare().unwrap();
    let delete = |name| fs::remove_file(tree.path(name)).unwrap();
    let rename = |count: usize| {
        run.jobs
            .iter()
            .take(count)
            .try_for_each(|job| run.rename_one(job))
            .unwrap();
    };
    match until {
        Until::Staged => {
            delete(LIST);
            delete(PART);
        }
        Until::Part => delete(LIST),
        Until::Renamed(count) => rename(*count),
        Until::TakingBack(count) => {
            rename(*count);
            let job = &run.jobs[*count - 1];
            let root = tree.path("k/pki");
            fs::hard_link(root.join(&job.change.file.name), root.join(&job.staged)).unwrap();
        }
        Until::ListRemoved => {
            rename(5);
            delete(LIST);
        }
    }
}

fn texts(tree: &Tree) -> [Option<String>; 5] {
    FILES.map(|name| fs::read_to_string(tree.path(name)).ok())
}

fn expect(tree: &Tree, expected: [Option<&str>; 5]) {
    assert_eq!(texts(tree), expected.map(|text| text.map(str::to_owned)));
}

/// The journal that a reader tells of.
fn told(tree: &Tree) -> Option<PathBuf> {
    let lock = tree.store().lock_shared(&Root::ALL).unwrap();
    lock.interrupted().unwrap()
}

fn left_over(tree: &Tree) -> Vec<String> {
    let names = tree.hidden().into_iter();
    names
        .filter(|name| !name.contains("/.certs-backup/"))
        .collect()
}

/// Recovery must refuse, and touch nothing.
fn refused(tree: &Tree) -> String {
    let before = tree.all();
    let error = error(tree.writer().recover(aged));
    assert_eq!(tree.all(), before);
    error
}

#[test]
fn without_an_interrupted_run_there_is_nothing_to_recover() {
    let tree = Tree::new();
    assert_eq!(tree.writer().recover(aged).unwrap(), None);
    assert_eq!(told(&tree), None);
}

/// What completes a run may write elsewhere, or not at all, and then no commit takes the old ones away.
#[test]
fn of_the_backups_of_completed_runs_the_last_three_stay() {
    let tree = Tree::new();
    tree.write("k/admin.conf", "0");
    tree.write("k/pki/sa.pub", "0");
    let kept = |directory: &str| -> Vec<String> {
        let backups = fs::read_dir(tree.path(directory).join(".certs-backup")).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = backups
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    for number in 1..=6 {
        let (was, now) = ((number - 1).to_string(), number.to_string());
        let changes = vec![
            replace(pki("sa.pub"), &was, &now),
            replace(kubeconfig("admin.conf"), &was, &now),
        ];
        let writer = tree.writer();
        writer
            .begin(changes, &options(number))
            .unwrap()
            .prepare()
            .unwrap();
        drop(writer);
        if number == 6 {
            let list = format!("k/.certs-backup/{}/journal", "04".repeat(8));
            tree.write(&list, "damaged");
        }
        let recovered = tree.writer().recover(aged).unwrap().unwrap();
        let told = number == 6;
        assert_eq!(recovered.notes.len(), usize::from(told), "{recovered:?}");
        assert!(
            !told
                || recovered.notes[0].contains(".certs-backup/0404040404040404/journal is damaged")
        );
        assert_eq!(tree.text("k/admin.conf"), now);
    }
    assert_eq!(
        kept("k/pki"),
        ["04", "05", "06"].map(|number| number.repeat(8))
    );
    assert_eq!(
        kept("k"),
        ["03", "04", "05", "06"].map(|number| number.repeat(8))
    );
}

#[test]
fn a_recovery_goes_by_the_rule_for_what_stays() {
    for (command, left) in [("rotate-ca-drop", vec![2]), ("all", vec![1, 2])] {
        let tree = Tree::new();
        tree.write("k/pki/ca.key", "0");
        let changes = |former: &str, new: &str| vec![replace(pki("ca.key"), former, new)];
        let mut issue = options(1);
        issue.origin.command = "rotate-ca-issue".to_owned();
        tree.writer().commit(changes("0", "1"), &issue).unwrap();
        let mut killed = options(2);
        killed.origin.command = command.to_owned();
        let writer = tree.writer();
        let mut run = writer.begin(changes("1", "2"), &killed).unwrap();
        run.prepare().unwrap();
        drop(writer);
        tree.writer().recover(crate::rollback::fates).unwrap();
        assert_eq!(tree.text("k/pki/ca.key"), "2");
        let runs = tree.store().backups(&Root::ALL).unwrap().runs;
        let mut numbers: Vec<u8> = runs.iter().map(|run| run.transaction.0[0]).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, left, "{command}");
    }
}

#[test]
fn what_was_staged_without_a_journal_is_removed() {
    for until in [Until::Staged, Until::Part] {
        let tree = Tree::new();
        interrupted(&tree, &until);
        let recovered = tree.writer().recover(aged).unwrap().unwrap();
        assert_eq!((recovered.finished, recovered.discarded), (Vec::new(), 5));
        expect(&tree, OLD);
        assert_eq!(tree.hidden(), ["/k/pki/.certs-backup/"]);
        assert_eq!(tree.writer().recover(aged).unwrap(), None);
    }
}

/// The staged file of one's own that is no run's work is told, and it and the backup stay.
fn told_apart(tree: &Tree, name: &str) {
    let error = refused(tree);
    assert!(
        error.contains("the run 0101010101010101 staged")
            && error.contains(name)
            && error.contains("rename or remove"),
        "{error}"
    );
}

/// Removes what the error names to be removed: then nothing is left that a recovery stops at.
fn follow(tree: &Tree, error: &str) {
    let (_, names) = error.split_once("remove ").unwrap();
    let names = names.split_once(';').map_or(names, |(names, _)| names);
    for name in names.split(", ").flat_map(|part| part.split(" and ")) {
        fs::remove_file(name).unwrap_or_else(|why| panic!("{name}: {why}: {error}"));
    }
    tree.writer().recover(aged).unwrap();
    assert_eq!(left_over(tree), [""; 0]);
}

#[test]
fn a_file_that_was_given_the_name_of_a_staged_one_of_a_run_that_is_over_stays() {
    for (from, to) in [
        ("k/pki/etcd/ca.key", "k/pki/etcd/.certs-0101010101010101-1"),
        ("k/pki/etcd/ca.key", "k/pki/.certs-0101010101010101-7"),
        ("k/admin.conf", "k/.certs-0101010101010101-3"),
    ] {
        let tree = Tree::new();
        interrupted(&tree, &Until::Renamed(5));
        tree.writer().recover(aged).unwrap();
        fs::rename(tree.path(from), tree.path(to)).unwrap();
        told_apart(&tree, to);
        fs::rename(tree.path(to), tree.path(from)).unwrap();
        assert_eq!(tree.writer().recover(aged).unwrap(), None);
        expect(&tree, NEW);
    }
}

#[test]
fn among_the_staged_files_of_an_undecided_run_one_that_it_did_not_stage_stays() {
    for (name, text) in [
        ("k/pki/etcd/.certs-0101010101010101-1", "theirs"),
        ("k/pki/.certs-0101010101010101-1", "new key"),
        ("k/pki/.certs-0101010101010101-4", "theirs"),
        ("k/.certs-0101010101010101-3", "theirs"),
    ] {
        let tree = Tree::new();
        interrupted(&tree, &Until::Staged);
        tree.write(name, text);
        told_apart(&tree, name);
    }
}

#[test]
fn a_removal_that_was_interrupted_is_ended() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Staged);
    fs::remove_dir_all(tree.path("k/pki/.certs-backup/0101010101010101")).unwrap();
    fs::remove_file(tree.path("k/pki/etcd/.certs-0101010101010101-0")).unwrap();
    assert_eq!(tree.writer().recover(aged).unwrap().unwrap().discarded, 4);
    expect(&tree, OLD);
    assert_eq!(left_over(&tree), [""; 0]);
}

#[test]
fn a_list_is_carried_forward_from_wherever_the_run_stopped() {
    for count in 0..=5 {
        let tree = Tree::new();
        interrupted(&tree, &Until::Renamed(count));
        assert_eq!(told(&tree), Some(tree.path(PART)));
        let recovered = tree.writer().recover(aged).unwrap().unwrap();
        assert_eq!((recovered.finished.len(), recovered.discarded), (5, 0));
        expect(&tree, NEW);
        assert_eq!(tree.mode("k/pki/etcd/ca.crt"), 0o644);
        assert_eq!(left_over(&tree), [""; 0]);
        assert_eq!(
            tree.text("k/pki/.certs-backup/0101010101010101/etcd/ca.key"),
            "old key"
        );
        assert_eq!(told(&tree), None);
        assert_eq!(tree.writer().recover(aged).unwrap(), None);
    }
}

#[test]
fn a_run_that_stopped_while_it_was_undone_is_carried_forward() {
    for count in [1, 2, 3] {
        let tree = Tree::new();
        interrupted(&tree, &Until::TakingBack(count));
        tree.writer().recover(aged).unwrap().unwrap();
        expect(&tree, NEW);
        assert_eq!(left_over(&tree), [""; 0]);
    }
}

#[test]
fn a_part_whose_list_is_gone_is_removed() {
    let tree = Tree::new();
    interrupted(&tree, &Until::ListRemoved);
    tree.writer().recover(aged).unwrap().unwrap();
    expect(&tree, NEW);
    assert_eq!(left_over(&tree), [""; 0]);
}

#[test]
fn copies_that_were_not_wanted_go_with_the_recovery() {
    let tree = Tree::new();
    interrupted_with(
        &tree,
        &Until::Renamed(2),
        &CommitOptions {
            backup: false,
            ..options(1)
        },
    );
    tree.writer().recover(aged).unwrap().unwrap();
    assert_eq!(tree.hidden(), lists(&["/k/pki"]));
}

#[test]
fn copies_that_were_not_wanted_go_from_every_root() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "old");
    tree.write("k/admin.conf", "old");
    let writer = tree.writer();
    let changes = vec![
        replace(pki("ca.crt"), "old", "new"),
        replace(kubeconfig("admin.conf"), "old", "new"),
    ];
    let unwanted = CommitOptions {
        backup: false,
        ..options(1)
    };
    writer.begin(changes, &unwanted).unwrap().prepare().unwrap();
    drop(writer);
    tree.writer().recover(aged).unwrap().unwrap();
    assert_eq!(
        tree.text("k/pki/ca.crt") + &tree.text("k/admin.conf"),
        "newnew"
    );
    assert_eq!(tree.hidden(), lists(&["/k", "/k/pki"]));
}

#[test]
fn a_writer_of_one_root_locks_the_others_to_recover() {
    for used in [Root::Pki, Root::Kubeconfig] {
        let tree = Tree::new();
        interrupted(&tree, &Until::Renamed(1));
        let mut writer = tree
            .store()
            .lock(&[used], Duration::ZERO, &mut |_| {})
            .unwrap();
        writer.recover(aged).unwrap().unwrap();
        expect(&tree, NEW);
    }
}

#[test]
fn a_journal_alone_is_enough_to_lock_the_others_but_for_one_that_is_not_there() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(3));
    fs::remove_dir(tree.path("l")).unwrap();
    let mut writer = tree
        .store()
        .lock(&[Root::Pki], Duration::ZERO, &mut |_| {})
        .unwrap();
    assert_eq!(writer.recover(aged).unwrap().unwrap().finished.len(), 5);
    expect(&tree, NEW);
    assert!(!tree.path("l").exists());
}

#[test]
fn staged_files_alone_are_removed_from_all_roots() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Staged);
    let mut writer = tree
        .store()
        .lock(&[Root::Kubeconfig], Duration::ZERO, &mut |_| {})
        .unwrap();
    assert_eq!(writer.recover(aged).unwrap().unwrap().discarded, 5);
    expect(&tree, OLD);
    assert_eq!(left_over(&tree), [""; 0]);
}

#[test]
fn a_writer_can_commit_after_its_recovery() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(1));
    let mut writer = tree.writer();
    writer.recover(aged).unwrap();
    writer
        .commit(
            vec![replace(pki("etcd/ca.crt"), "new", "newer")],
            &options(2),
        )
        .unwrap();
    assert_eq!(tree.text("k/pki/etcd/ca.crt"), "newer");
    let order: Vec<_> = tree
        .store()
        .backups(&Root::ALL)
        .unwrap()
        .runs
        .iter()
        .map(|backup| backup.transaction)
        .collect();
    assert_eq!(order, [transaction(2), transaction(1)]);
}

#[test]
fn a_torn_journal_was_never_relied_on_and_goes_with_the_staged_files() {
    for torn in [LIST, PART] {
        for length in [0, 10, 100] {
            let tree = Tree::new();
            interrupted(&tree, &Until::Renamed(0));
            if torn == PART {
                fs::remove_file(tree.path(LIST)).unwrap();
            }
            let bytes = tree.text(torn);
            fs::write(tree.path(torn), &bytes[..length]).unwrap();
            let recovered = tree.writer().recover(aged).unwrap().unwrap();
            assert_eq!(recovered.discarded, 5);
            expect(&tree, OLD);
            assert_eq!(left_over(&tree), [""; 0]);
        }
    }
}

#[test]
fn a_journal_that_was_damaged_after_the_first_rename_is_an_error() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(1));
    tree.write(LIST, "certs journal");
    let error = refused(&tree);
    assert!(
        error.contains("is damaged or gone") && error.contains("restore"),
        "{error}"
    );
    follow(&tree, &error);
}

#[test]
fn what_does_not_begin_as_a_journal_is_none() {
    for text in ["x", "random octets", "\0certs journal", "certs journey"] {
        let tree = Tree::new();
        interrupted(&tree, &Until::Staged);
        tree.write(LIST, text);
        let error = refused(&tree);
        assert!(error.contains("(it is no journal)"), "{error}");
    }
    for text in ["", "\0\0\0\0", "certs\0\0\0\0\0\0\0\0\0\0\0\0"] {
        let tree = Tree::new();
        interrupted(&tree, &Until::Staged);
        tree.write(LIST, text);
        tree.writer().recover(aged).unwrap().unwrap();
        assert_eq!(left_over(&tree), [""; 0]);
    }
}

#[test]
fn a_journal_that_was_removed_by_hand_is_told_with_all_that_is_to_go() {
    for (gone, words, renamed) in [
        (&[LIST][..], "is damaged or gone", 1..4),
        (&[PART], "has its journal in", 0..5),
        (&[LIST, PART], "cannot be ended", 1..4),
    ] {
        for count in renamed {
            let tree = Tree::new();
            interrupted(&tree, &Until::Renamed(count));
            for name in gone {
                fs::remove_file(tree.path(name)).unwrap();
            }
            let error = refused(&tree);
            assert!(error.contains(words), "{error}");
            follow(&tree, &error);
        }
    }
}

#[test]
fn a_marker_whose_list_was_removed_before_the_first_rename_goes_with_the_staged_files() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(0));
    fs::remove_file(tree.path(LIST)).unwrap();
    tree.writer().recover(aged).unwrap().unwrap();
    expect(&tree, OLD);
    assert_eq!(left_over(&tree), [""; 0]);
}

#[test]
fn a_sealed_journal_of_another_version_is_an_error() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(0));
    let body = "certs journal 2 list\n";
    tree.write(
        LIST,
        &format!("{body}sha256 {}\n", hex(&key::sha256(body.as_bytes()))),
    );
    let error = refused(&tree);
    assert!(
        error.contains("\"certs journal 2 list\"") && error.contains("does not write"),
        "{error}"
    );
}

#[test]
fn a_hostile_journal_that_names_a_file_outside_is_an_error() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(0));
    let text = tree
        .text(LIST)
        .replace("etcd/ca.crt", "../../../etc/shadow");
    let body = &text[..text.rfind("sha256").unwrap()];
    tree.write(
        LIST,
        &format!("{body}sha256 {}\n", hex(&key::sha256(body.as_bytes()))),
    );
    let error = refused(&tree);
    assert!(
        error.contains("shadow") && error.contains("does not write"),
        "{error}"
    );
}

#[test]
fn a_staged_file_with_another_content_is_an_error() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(1));
    tree.write("k/pki/etcd/.certs-0101010101010101-1", "theirs");
    let error = refused(&tree);
    assert!(
        error.contains("-1 is not what the interrupted run wrote there"),
        "{error}"
    );
    follow(&tree, &error);
}

#[test]
fn a_staged_file_that_is_gone_is_an_error_that_names_the_file() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(1));
    fs::remove_file(tree.path("k/pki/etcd/.certs-0101010101010101-1")).unwrap();
    let error = refused(&tree);
    assert!(
        error.contains("etcd/ca.key is not what the interrupted run wrote"),
        "{error}"
    );
    follow(&tree, &error);
}

#[test]
fn a_file_that_somebody_changed_since_is_not_overwritten() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(1));
    tree.write("k/pki/etcd/ca.key", "theirs");
    let error = refused(&tree);
    assert!(
        error.contains("etcd/ca.key was changed after") && error.contains("move it away"),
        "{error}"
    );
    fs::remove_file(tree.path("k/pki/etcd/ca.key")).unwrap();
    tree.writer().recover(aged).unwrap().unwrap();
    expect(&tree, NEW);
}

#[test]
fn a_directory_in_a_file_s_place_is_an_error_and_the_journal_stays() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(3));
    fs::create_dir(tree.path("k/admin.conf")).unwrap();
    let error = refused(&tree);
    assert!(
        error.contains("k/admin.conf is a directory, not a file"),
        "{error}"
    );
}

/// Something of another's in the place of one of ours.
fn strangers(tree: &Tree, name: &str, is: &str) {
    let path = tree.path(name);
    match is {
        "it is a symbolic link" => {
            fs::rename(&path, tree.path("aside")).unwrap();
            symlink(tree.path("aside"), &path).unwrap();
        }
        "it is a directory" => {
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
        }
        "it is a named pipe" => {
            fs::remove_file(&path).unwrap();
            nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        }
        "it belongs to user 65534" => {
            chown(&path, Some(Uid::from_raw(65534)), None).expect("this test needs root");
        }
        "it has more than one link" => fs::hard_link(&path, tree.path("aside")).unwrap(),
        "its mode is 0620" => tree.chmod(name, 0o620),
        "its mode is 4600" => tree.chmod(name, 0o4600),
        other => panic!("{other}"),
    }
}

const STRANGE: [&str; 7] = [
    "it is a symbolic link",
    "it is a directory",
    "it is a named pipe",
    "it belongs to user 65534",
    "it has more than one link",
    "its mode is 0620",
    "its mode is 4600",
];

#[test]
fn a_journal_that_is_not_ours_is_an_error() {
    for is in STRANGE {
        let tree = Tree::new();
        interrupted(&tree, &Until::Renamed(1));
        strangers(&tree, LIST, is);
        let error = refused(&tree);
        assert!(
            error.contains("pki/.certs-journal is not") && error.contains(is),
            "{error}"
        );
        let told = tree.store().lock_shared(&[Root::Pki]).unwrap();
        assert_eq!(format!("{:#}", told.interrupted().unwrap_err()), error);
    }
}

#[test]
fn a_staged_file_that_is_not_ours_is_an_error_with_a_journal_and_without() {
    for until in [Until::Renamed(1), Until::Staged] {
        for is in STRANGE {
            let tree = Tree::new();
            interrupted(&tree, &until);
            strangers(&tree, "k/pki/etcd/.certs-0101010101010101-1", is);
            let error = refused(&tree);
            assert!(
                error.contains("-1 is not this user's work in progress") && error.contains(is),
                "{error}"
            );
        }
    }
}

#[test]
fn a_journal_that_others_may_read_is_not_ours() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(1));
    tree.chmod(LIST, 0o640);
    let error = refused(&tree);
    assert!(error.contains("its mode is 0640"), "{error}");
}

#[test]
fn a_backup_directory_that_is_not_ours_stops_the_recovery_before_its_first_step() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Staged);
    tree.chmod("k/pki/.certs-backup", 0o755);
    assert!(refused(&tree).contains("is open to others"));
}

#[test]
fn other_directories_than_the_interrupted_run_s_are_an_error_that_names_its_verb_and_flags() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(1));
    fs::create_dir(tree.path("other")).unwrap();
    let way_out = format!(
        "'certs all --cert-dir {} --kubeconfig-dir {}'",
        tree.path("k/pki").display(),
        tree.path("k").display()
    );
    for (pki, kubeconfig) in [
        ("k/pki", "other"),
        ("k/pki", "k/pki"),
        ("k/pki", "l"),
        ("other", "k/pki"),
        ("k", "k/pki"),
    ] {
        let roots = Roots {
            pki: tree.path(pki),
            kubeconfig: tree.path(kubeconfig),
            ..tree.roots()
        };
        let before = tree.all();
        let mut writer = Store::open(roots)
            .lock(&Root::ALL[..], Duration::ZERO, &mut |_| {})
            .unwrap();
        let error = error(writer.recover(aged));
        assert!(error.contains(&way_out), "{pki} {kubeconfig}: {error}");
        drop(writer);
        let mut after = tree.all();
        after.retain(|(name, _)| name != "/l/");
        let mut expected = before;
        expected.retain(|(name, _)| name != "/l/");
        assert_eq!(after, expected);
    }
    tree.writer().recover(aged).unwrap().unwrap();
    expect(&tree, NEW);
}

#[test]
fn a_part_whose_list_is_elsewhere_is_an_error_that_names_it() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(1));
    fs::create_dir(tree.path("other")).unwrap();
    let recover = || {
        let roots = Roots {
            pki: tree.path("other"),
            ..tree.roots()
        };
        Store::open(roots)
            .lock(&[Root::Kubeconfig], Duration::ZERO, &mut |_| {})
            .unwrap()
            .recover(aged)
    };
    let before = tree.all();
    let error = error(recover());
    assert!(
        error.contains(&format!("list is {}", tree.path(LIST).display())),
        "{error}"
    );
    assert_eq!(tree.all(), before);
    // Finished by somebody meanwhile: then the part is stale.
    fs::remove_file(tree.path(LIST)).unwrap();
    assert!(recover().unwrap().is_some());
    assert!(!tree.path(PART).exists());
}

#[test]
fn a_part_whose_list_is_by_now_that_of_another_run_has_nothing_to_finish() {
    let tree = Tree::new();
    interrupted(&tree, &Until::ListRemoved);
    let part = fs::read(tree.path(PART)).unwrap();
    fs::remove_file(tree.path(PART)).unwrap();
    let another = Tree::new();
    interrupted(&another, &Until::Renamed(1));
    let list = Part {
        transaction: transaction(1),
        list: another.path("k/pki"),
    };
    let stale = Part {
        transaction: transaction(9),
        ..list.clone()
    };
    let recover = |part: &[u8]| {
        fs::write(tree.path(PART), part).unwrap();
        tree.chmod(PART, 0o600);
        tree.writer().recover(aged)
    };
    let way_out = format!("'certs all --cert-dir {}", another.path("k/pki").display());
    assert!(error(recover(&list.encode())).contains(&way_out));
    assert!(recover(&stale.encode()).unwrap().is_some());
    assert!(recover(&part).unwrap().is_some());
    assert!(!tree.path(PART).exists());
}

#[test]
fn a_file_that_took_the_name_of_a_staged_one_is_not_what_the_journal_says() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(0));
    let bytes = fs::read(tree.path(LIST)).unwrap();
    let Ok(Journal::List(list)) = Journal::parse(&bytes) else {
        panic!("the list is there");
    };
    tree.write("k/pki/.certs-0101010101010101-9", "theirs");
    let writer = tree.writer();
    let directory = &writer.places[writer.place(Root::Pki).unwrap()].directory;
    let held = |staged: &str| {
        let mut file = directory.open(staged).unwrap();
        must_hold(directory, staged, &mut file, &list.entries[0])
    };
    held("etcd/.certs-0101010101010101-0").unwrap();
    let text = error(held(".certs-0101010101010101-9"));
    assert!(
        text.ends_with("-9 is not what the interrupted run wrote there"),
        "{text}"
    );
}

#[test]
fn a_part_whose_list_s_directory_is_not_there_is_an_error() {
    let tree = Tree::new();
    drop(tree.writer());
    let part = Part {
        transaction: transaction(1),
        list: tree.path("unmounted"),
    };
    tree.write(PART, &String::from_utf8(part.encode()).unwrap());
    let error = refused(&tree);
    assert!(error.contains("unmounted, which is not there"), "{error}");
}

/// `k/pki`, or all of `k`, copied with owners and modes.
fn copied(tree: &Tree, from: &str, to: &str) {
    let to = tree.path(to);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let done = Command::new("cp")
        .arg("-a")
        .args([&tree.path(from), &to])
        .status();
    assert!(done.unwrap().success());
}

fn recover_in(tree: &Tree, pki: &str, kubeconfig: &str) -> anyhow::Result<()> {
    let roots = Roots {
        pki: tree.path(pki),
        kubeconfig: tree.path(kubeconfig),
        kubelet: tree.path("l"),
        requests: tree.path("requests"),
    };
    let mut writer = Store::open(roots).lock(&[Root::Pki], Duration::ZERO, &mut |_| {})?;
    writer.recover(aged).map(|_| ())
}

#[test]
fn a_copy_of_an_interrupted_run_s_directory_never_touches_the_original() {
    for (from, to) in [("k/pki", "b/pki"), ("k", "b")] {
        for kubeconfig in ["b", "k"] {
            let tree = Tree::new();
            interrupted(&tree, &Until::Renamed(1));
            copied(&tree, from, to);
            let before = tree.all();
            let error = error(recover_in(&tree, "b/pki", kubeconfig));
            assert_eq!(tree.all(), before);
            let (_, names) = error.split_once("remove ").unwrap();
            assert!(
                error.contains("so this is a copy: run it (all) there again")
                    && !names.contains(&tree.path("k/").display().to_string()),
                "{error}"
            );
            // Either way out comes to an end.
            tree.writer().recover(aged).unwrap().unwrap();
            expect(&tree, NEW);
            if kubeconfig == "b" {
                let names = names.split_once(';').unwrap().0;
                for name in names.split(", ").flat_map(|part| part.split(" and ")) {
                    fs::remove_file(name).unwrap();
                }
                recover_in(&tree, "b/pki", "b").unwrap();
                assert_eq!(left_over(&tree), [""; 0]);
            }
        }
    }
}

#[test]
fn a_tree_that_was_moved_as_a_whole_is_recovered_where_it_was() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(1));
    fs::rename(tree.path("k"), tree.path("moved")).unwrap();
    let before = tree.all();
    let error = error(recover_in(&tree, "moved/pki", "moved"));
    assert!(error.contains("move it back if it was moved"), "{error}");
    assert_eq!(tree.all(), before);
    // A link leads there as well.
    symlink(tree.path("moved"), tree.path("k")).unwrap();
    recover_in(&tree, "moved/pki", "moved").unwrap();
    assert_eq!(tree.text("moved/admin.conf"), "config");
}

#[test]
fn a_run_over_one_directory_is_recovered_wherever_that_is_now() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "old");
    let changes = vec![
        replace(pki("ca.crt"), "old", "new"),
        create(pki("ca.key"), "new key"),
    ];
    tree.writer()
        .begin(changes, &options(1))
        .unwrap()
        .prepare()
        .unwrap();
    copied(&tree, "k/pki", "b/pki");
    recover_in(&tree, "b/pki", "b").unwrap();
    assert_eq!(tree.text("b/pki/ca.crt"), "new");
    assert_eq!(tree.text("k/pki/ca.crt"), "old");
}

#[test]
fn files_that_only_resemble_ours_are_left_alone() {
    let tree = Tree::new();
    tree.write("k/pki/.certs-notes", "theirs");
    tree.write("k/pki/.certs-0101010101010101-1-old", "theirs");
    let before = tree.all();
    let mut writer = tree
        .store()
        .lock(&[Root::Pki], Duration::ZERO, &mut |_| {})
        .unwrap();
    assert_eq!(writer.recover(aged).unwrap(), None);
    assert_eq!(tree.all(), before);
}

#[test]
fn a_run_whose_roots_are_one_directory_is_recovered() {
    let tree = Tree::new();
    let roots = Roots {
        pki: tree.path("all"),
        kubeconfig: tree.path("all"),
        kubelet: tree.path("all"),
        requests: tree.path("requests"),
    };
    let writer = || {
        Store::open(roots.clone())
            .lock(&Root::ALL, Duration::ZERO, &mut |_| {})
            .unwrap()
    };
    let changes = vec![
        create(pki("ca.crt"), "certificate"),
        create(kubeconfig("admin.conf"), "config"),
    ];
    writer()
        .begin(changes, &options(1))
        .unwrap()
        .prepare()
        .unwrap();
    writer().recover(aged).unwrap().unwrap();
    assert_eq!(
        tree.text("all/ca.crt") + &tree.text("all/admin.conf"),
        "certificateconfig"
    );
    assert_eq!(tree.hidden(), [""; 0]);
}

#[test]
fn a_recovery_that_fails_leaves_the_journal_to_the_next() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(1));
    let immutable = Immutable::new(tree.path("k/pki/etcd/ca.key"));
    let error = error(tree.writer().recover(aged));
    drop(immutable);
    assert!(
        error.contains("etcd/ca.key: operation not permitted"),
        "{error}"
    );
    assert!(
        error.ends_with("the interrupted run is still not finished"),
        "{error}"
    );
    assert!(tree.path(LIST).exists());
    tree.writer().recover(aged).unwrap().unwrap();
    expect(&tree, NEW);
}

/// The first of two files of a run that goes, at each step of that.
#[test]
fn a_removal_that_comes_first_is_carried_forward_from_each_of_its_steps() {
    for step in 0..=3 {
        let tree = Tree::new();
        tree.write("k/pki/sa.key", "old key");
        tree.write("k/pki/sa.pub", "old");
        let writer = tree.writer();
        let changes = vec![
            remove(pki("sa.key"), "old key"),
            replace(pki("sa.pub"), "old", "new"),
        ];
        let mut run = writer.begin(changes, &options(1)).unwrap();
        run.prepare().unwrap();
        let mark = tree.path("k/pki/.certs-0101010101010101-0");
        assert_eq!(fs::read(&mark).unwrap(), b"");
        match step {
            0 => {}
            1 => fs::remove_file(&mark).unwrap(),
            2 => fs::remove_file(tree.path("k/pki/sa.key")).unwrap(),
            _ => run.rename_one(&run.jobs[0]).unwrap(),
        }
        drop(writer);
        let recovered = tree.writer().recover(aged).unwrap().unwrap();
        assert_eq!((recovered.finished.len(), recovered.discarded), (2, 0));
        assert_eq!(tree.text("k/pki/sa.pub"), "new");
        assert!(!tree.path("k/pki/sa.key").exists());
        assert_eq!(left_over(&tree), [""; 0]);
        let kept = tree.text("k/pki/.certs-backup/0101010101010101/sa.key");
        assert_eq!(kept, "old key");
    }
}

/// Once the first file is gone its backup is all that there is of it.
#[test]
fn a_list_that_goes_after_the_first_removal_is_not_taken_for_a_run_that_decided_nothing() {
    for list in [None, Some("certs journal")] {
        let tree = Tree::new();
        tree.write("k/pki/sa.key", "old key");
        tree.write("k/pki/sa.pub", "old");
        let writer = tree.writer();
        let changes = vec![
            remove(pki("sa.key"), "old key"),
            replace(pki("sa.pub"), "old", "new"),
        ];
        let mut run = writer.begin(changes, &options(1)).unwrap();
        run.prepare().unwrap();
        run.rename_one(&run.jobs[0]).unwrap();
        drop(writer);
        match list {
            None => fs::remove_file(tree.path(LIST)).unwrap(),
            Some(torn) => tree.write(LIST, torn),
        }
        let told = refused(&tree);
        assert!(
            told.contains("restore") || told.contains("cannot be ended"),
            "{told}"
        );
        let kept = tree.text("k/pki/.certs-backup/0101010101010101/sa.key");
        assert_eq!(kept, "old key");
    }
}

#[test]
fn a_file_that_was_put_where_one_was_to_be_removed_stays() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(1));
    tree.write("k/pki/etcd/ca-next.key", "theirs");
    let told = refused(&tree);
    assert!(
        told.contains("etcd/ca-next.key was changed after the run that was to remove it"),
        "{told}"
    );
    fs::remove_file(tree.path("k/pki/etcd/ca-next.key")).unwrap();
    tree.writer().recover(aged).unwrap().unwrap();
    expect(&tree, NEW);
}

#[test]
fn a_mark_that_is_not_what_the_run_staged_is_an_error() {
    let tree = Tree::new();
    interrupted(&tree, &Until::Renamed(1));
    tree.write("k/pki/etcd/.certs-0101010101010101-4", "theirs");
    let told = refused(&tree);
    assert!(
        told.contains("-4 is not what the interrupted run wrote there"),
        "{told}"
    );
    follow(&tree, &told);
    expect(
        &tree,
        [Some("new"), Some("old key"), None, None, Some("next")],
    );
}
