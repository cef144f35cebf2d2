//! `certs rollback`, seen from outside: what it puts back, what it refuses, what it tells.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use certs::apply::restore;
use certs::key;
use certs::location::{FileId, Owner, Root};
use certs::observe::former;
use certs::rollback::{Created, fates, plan};
use certs::store::{Change, CommitOptions, Origin, Roots, Store, TransactionId};
use zeroize::Zeroizing;

mod common;
use common::snapshot::{same, snapshot};
use common::{
    CLUSTER, Finished, TempDir, all, at, binary, certs, listing, mode, read, run, set_mode, struck,
    text, tool, tree_of_all, write,
};

const MORE: [&str; 2] = ["--apiserver-cert-extra-sans", "api.example.com"];
/// 2026-03-01 00:00:00 UTC
const NOW: i64 = 1_772_323_200;
const YEAR: i64 = 365 * 24 * 60 * 60;

/// `certs rollback` over `place`. The kubelet's directory is not this machine's.
fn rollback(place: &Path, more: &[&str]) -> Command {
    let mut command = certs(&["rollback", "--kubernetes-dir", text(place)]);
    command.args(["--kubelet-dir", text(&place.join("kubelet"))]);
    command.args(more);
    command
}

/// A tree whose API server's pair was replaced, and nothing else.
fn replaced() -> TempDir {
    let place = tree_of_all();
    let forced = [&MORE[..], &["--force"]].concat();
    run(&mut all(place.path(), &forced)).expect(0);
    place
}

type Held = BTreeMap<PathBuf, (u32, u32, u32, Vec<u8>)>;

/// Every file of the tree: mode, owner and content; nothing of what a run keeps for itself.
fn held(place: &Path) -> Held {
    let names = listing(place)
        .into_iter()
        .filter(|name| place.join(name).is_file() && !name.to_string_lossy().contains(".certs-"));
    names
        .map(|name| {
            let found = fs::symlink_metadata(place.join(&name)).expect("metadata");
            let bytes = fs::read(place.join(&name)).expect("content");
            (name, (found.mode(), found.uid(), found.gid(), bytes))
        })
        .collect()
}

fn differences(left: &Held, right: &Held) -> Vec<String> {
    let names = left
        .keys()
        .chain(right.keys().filter(|name| !left.contains_key(*name)));
    let mut names: Vec<String> = names
        .filter(|name| left.get(*name) != right.get(*name))
        .map(|name| name.display().to_string())
        .collect();
    names.sort();
    names
}

/// The folder of the youngest backup in a root.
fn backup(root: &Path) -> PathBuf {
    let number = |path: &PathBuf| {
        let list = read(&path.join("journal"));
        let number = list.lines().find_map(|line| line.strip_prefix("sequence "));
        number.and_then(|number| number.parse::<u64>().ok())
    };
    let entries = fs::read_dir(root.join(".certs-backup")).expect("backups");
    let backups = entries.map(|entry| entry.expect("an entry").path());
    backups.max_by_key(number).expect("a backup")
}

fn json(finished: &Finished) -> serde_json::Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}\n{finished}"))
}

fn codes(finished: &Finished) -> Vec<String> {
    let report = json(finished);
    let findings = report["findings"].as_array().expect("findings");
    let code = |finding: &serde_json::Value| finding["code"].as_str().expect("a code").to_owned();
    findings.iter().map(code).collect()
}

/// The files of a report's run, relative to `place`, by their step.
fn files(report: &serde_json::Value, index: usize, step: &str, place: &Path) -> Vec<String> {
    let files = report["runs"][index]["files"].as_array().expect("files");
    files
        .iter()
        .filter(|file| file["step"] == step)
        .map(|file| {
            let path = Path::new(file["file"].as_str().expect("a path"));
            let name = path.strip_prefix(place).expect("a file of the tree");
            text(name).to_owned()
        })
        .collect()
}

#[test]
fn what_a_forced_run_replaced_comes_back_to_the_octet_the_mode_and_the_owner() {
    let place = tree_of_all();
    let path = place.path();
    // Owners and modes that a new file would not have, in both directories.
    for name in ["pki/etcd/server.crt", "pki/etcd/server.key"] {
        chown(place.join(name), Some(4242), Some(4343)).expect("give a file away");
    }
    set_mode(&place.join("pki/apiserver.key"), 0o640);
    set_mode(&place.join("pki/apiserver.crt"), 0o600);
    set_mode(&place.join("admin.conf"), 0o640);
    chown(place.join("admin.conf"), None, Some(4242)).expect("give a file away");
    let before = held(path);
    let forced = |verb: &[&str]| {
        let mut command = certs(verb);
        command.args(["--kubernetes-dir", text(path), "--force"]);
        run(command.args(CLUSTER)).expect(0);
    };
    for verb in [
        &["server", "apiserver", "etcd-server"][..],
        &["kubeconfig", "admin"],
    ] {
        let former = held(path);
        forced(verb);
        let made = held(path);
        assert_ne!(made, former);
        // Each but the first undoes the one before it.
        for wanted in [&former, &made, &former] {
            let done = run(&mut rollback(path, &[])).expect(0);
            assert_eq!(differences(&held(path), wanted), [""; 0], "{done}");
        }
    }
    // A run that only creates is none to roll back: the one before it still is.
    let mut client = certs(&["client", "admin", "--kubernetes-dir", text(path)]);
    run(client.args(["--key-algorithm", "ECDSA-P256"])).expect(0);
    run(&mut rollback(path, &[])).expect(0);
    run(&mut rollback(path, &[])).expect(0);
    let created = ["pki/admin.crt", "pki/admin.key"];
    assert_eq!(differences(&held(path), &before), created);
}

#[test]
fn after_a_rollback_the_older_facts_find_all_as_wanted() {
    let place = replaced();
    run(&mut all(place.path(), &[])).expect(3);
    run(&mut rollback(place.path(), &[])).expect(0);
    let kept = run(&mut all(place.path(), &[])).expect(0);
    assert!(kept.stdout.contains("Everything is as wanted"), "{kept}");
}

#[test]
fn a_run_over_two_directories_comes_back_in_both() {
    let place = tree_of_all();
    write(&place.join("pki/front-proxy-client.key"), "no key\n");
    write(&place.join("scheduler.conf"), "no kubeconfig\n");
    let before = held(place.path());
    run(&mut all(place.path(), &["--force"])).expect(0);
    let done = run(&mut rollback(place.path(), &["--output", "json"])).expect(0);
    assert_eq!(differences(&held(place.path()), &before), [""; 0]);
    let report = json(&done);
    assert_eq!(
        files(&report, 0, "restore", place.path()),
        [
            "pki/front-proxy-client.crt",
            "pki/front-proxy-client.key",
            "scheduler.conf"
        ]
    );
    assert_eq!(report["backups"].as_array().map(Vec::len), Some(2));
    assert_eq!(report["result"], "changed");
}

/// The directories of a tree, with those of the kubelet and of requests in it.
fn store(place: &Path) -> Store {
    Store::open(Roots {
        pki: place.join("pki"),
        kubeconfig: place.to_owned(),
        kubelet: place.join("kubelet"),
        requests: place.join("csr"),
    })
}

/// A run that no verb makes by itself.
fn commit(place: &Path, changes: Vec<Change>) {
    commit_as(
        place,
        "renew",
        *b"\x01\x23\x45\x67\x89\xab\xcd\xef",
        changes,
    );
}

fn commit_as(place: &Path, command: &str, transaction: [u8; 8], changes: Vec<Change>) {
    let options = CommitOptions {
        transaction: TransactionId(transaction),
        origin: Origin {
            command: command.to_owned(),
            time: time::OffsetDateTime::from_unix_timestamp(NOW).expect("a time"),
        },
        backup: true,
        fates,
    };
    let mut writer = store(place)
        .lock(&Root::TREE, Duration::ZERO, &mut |_| {})
        .expect("a lock");
    writer.commit(changes, &options).expect("a commit");
}

/// A run over all three roots.
fn three_roots(place: &Path) -> [(FileId, PathBuf); 3] {
    let files = [
        (Root::Pki, "etcd/peer.key"),
        (Root::Kubeconfig, "admin.conf"),
        (Root::Kubelet, "kubelet.crt"),
    ]
    .map(|(root, name)| FileId::new(root, name));
    let store = store(place);
    let paths = files.map(|file| (file.clone(), store.path(&file)));
    let changes = paths
        .iter()
        .enumerate()
        .map(|(group, (file, path))| Change {
            file: file.clone(),
            bytes: Some(Zeroizing::new(b"new\n".to_vec())),
            mode: 0o600,
            owner: Owner::default(),
            group,
            replaces: Some(key::sha256(&fs::read(path).expect("a file"))),
        });
    commit(place, changes.collect());
    paths
}

/// A run that removes a pair.
fn removed(place: &Path) {
    let removal = |name: &str| {
        let bytes = fs::read(place.join("pki").join(name)).expect("a file");
        Change::removal(FileId::new(Root::Pki, name), 0, key::sha256(&bytes))
    };
    let changes = ["etcd/peer.crt", "etcd/peer.key"].map(removal);
    commit(place, changes.into());
}

#[test]
fn what_a_run_removed_is_put_back_with_its_mode_and_owner() {
    let place = tree_of_all();
    set_mode(&place.join("pki/etcd/peer.key"), 0o640);
    chown(place.join("pki/etcd/peer.key"), Some(1), Some(2)).expect("give a file away");
    let before = held(place.path());
    removed(place.path());
    let gone = ["pki/etcd/peer.crt", "pki/etcd/peer.key"];
    assert_eq!(differences(&held(place.path()), &before), gone);
    let listed = run(&mut rollback(place.path(), &["--list", "--output", "json"])).expect(0);
    assert_eq!(files(&json(&listed), 0, "removed", place.path()), gone);
    let planned = run(&mut rollback(place.path(), &["--dry-run"])).expect(0);
    assert!(planned.stdout.contains("Would put back:\n"), "{planned}");
    run(&mut rollback(place.path(), &[])).expect(0);
    assert_eq!(differences(&held(place.path()), &before), [""; 0]);
}

/// A file with this content, and what was there before, if anything was.
fn written(place: &Path, root: Root, name: &str, text: &str) -> Change {
    let file = FileId::new(root, name);
    let former = fs::read(store(place).path(&file)).ok();
    Change {
        bytes: Some(Zeroizing::new(text.as_bytes().to_vec())),
        mode: 0o600,
        owner: Owner::default(),
        group: 0,
        replaces: former.map(|bytes| key::sha256(&bytes)),
        file,
    }
}

/// The given run, undone as a rotation goes back: also what it created.
fn undone(place: &Path, command: &str, transaction: [u8; 8]) -> Result<(), String> {
    let store = store(place);
    let of = |commands: &[&str]| commands.iter().position(|other| *other == command);
    let backups = store.backups(&Root::TREE).expect("backups");
    let run = backups.chosen(&of).expect("the run");
    let former = former(run, &store, Created::Remove);
    let nowhere = store.backups_in(Root::Pki);
    let now = time::OffsetDateTime::from_unix_timestamp(NOW).expect("a time");
    let plan = plan(Some(&former.last), &nowhere, &[], Created::Remove, now);
    let plan = plan.map_err(|refusal| refusal.findings[0].text.clone())?;
    let changes = restore(&plan.steps, &former.copies).expect("the copies");
    commit_as(place, "rotate-ca-back", transaction, changes);
    Ok(())
}

#[test]
fn a_run_whose_created_files_go_too_leaves_the_tree_as_it_was_octet_for_octet() {
    let place = tree_of_all();
    fs::create_dir(place.join("kubelet")).expect("make a folder");
    let path = place.path();
    let before = held(path);
    let gone = |name: &str| {
        let file = FileId::new(Root::Pki, name);
        let bytes = fs::read(store(path).path(&file)).expect("a file");
        Change::removal(file, 0, key::sha256(&bytes))
    };
    let trust = vec![
        written(path, Root::Pki, "ca-next.key", "next key"),
        written(path, Root::Pki, "ca.crt", "both"),
        written(path, Root::Kubelet, "kubelet.key", "new"),
    ];
    commit_as(path, "rotate-ca-trust", [1; 8], trust);
    let trusted = held(path);
    let issue = vec![
        written(path, Root::Pki, "ca.key", "next key"),
        gone("ca-next.key"),
    ];
    commit_as(path, "rotate-ca-issue", [2; 8], issue);
    undone(path, "rotate-ca-issue", [3; 8]).expect("undone");
    assert_eq!(differences(&held(path), &trusted), [""; 0]);
    undone(path, "rotate-ca-trust", [4; 8]).expect("undone");
    assert_eq!(differences(&held(path), &before), [""; 0]);
    // What went is in the backup of the run that took it.
    let copy = "pki/.certs-backup/0404040404040404/ca-next.key";
    assert_eq!(read(&place.join(copy)), "next key");
    run(&mut rollback(path, &[])).expect(0);
    assert_eq!(differences(&held(path), &trusted), [""; 0]);
}

#[test]
fn a_created_file_that_was_changed_since_is_neither_removed_nor_is_anything_put_back() {
    let place = tree_of_all();
    let path = place.path();
    let trust = vec![
        written(path, Root::Pki, "ca-next.key", "next key"),
        written(path, Root::Pki, "ca.crt", "both"),
    ];
    commit_as(path, "rotate-ca-trust", [1; 8], trust);
    write(&place.join("pki/ca-next.key"), "theirs");
    let before = held(path);
    let told = undone(path, "rotate-ca-trust", [2; 8]).expect_err("refused");
    assert_eq!(told, "was changed after the run that created it");
    assert_eq!(differences(&held(path), &before), [""; 0]);
}

#[test]
fn what_lies_by_now_where_a_run_removed_a_file_is_not_replaced() {
    let place = tree_of_all();
    removed(place.path());
    write(&place.join("pki/etcd/peer.key"), "another\n");
    let before = held(place.path());
    let refused = run(&mut rollback(place.path(), &[])).expect(4);
    let words = "peer.key has appeared since the run that removed it";
    assert!(
        refused.stderr.contains(words) && refused.stderr.contains("changed-since"),
        "{refused}"
    );
    assert_eq!(differences(&held(place.path()), &before), [""; 0]);
}

#[test]
fn a_run_over_three_directories_comes_back_in_all_of_them() {
    let place = tree_of_all();
    fs::create_dir(place.join("kubelet")).expect("make a folder");
    write(&place.join("kubelet/kubelet.crt"), "former\n");
    set_mode(&place.join("kubelet/kubelet.crt"), 0o604);
    chown(place.join("kubelet/kubelet.crt"), Some(1), Some(2)).expect("give a file away");
    let before = held(place.path());
    let paths = three_roots(place.path());
    assert!(paths.iter().all(|(_, path)| read(path) == "new\n"));
    let listed = run(&mut rollback(place.path(), &["--list"])).expect(0);
    assert!(
        listed
            .stdout
            .starts_with("2026-03-01T00:00:00Z  certs renew  0123456789abcdef\n"),
        "{listed}"
    );
    run(&mut rollback(place.path(), &[])).expect(0);
    assert_eq!(differences(&held(place.path()), &before), [""; 0]);
}

#[test]
fn what_the_run_created_stays_by_name_and_half_a_pair_is_a_warning() {
    let place = tree_of_all();
    let before = held(place.path());
    fs::remove_file(place.join("pki/front-proxy-client.crt")).expect("remove a file");
    fs::remove_file(place.join("pki/etcd/peer.crt")).expect("remove a file");
    fs::remove_file(place.join("pki/etcd/peer.key")).expect("remove a file");
    run(&mut all(place.path(), &["--force"])).expect(0);
    let done = run(&mut rollback(place.path(), &[])).expect(3);
    let words = "Created by that run, and left:\n";
    assert!(done.stdout.contains(words), "{done}");
    for name in [
        "pki/front-proxy-client.crt",
        "pki/etcd/peer.crt",
        "pki/etcd/peer.key",
    ] {
        assert!(place.join(name).is_file());
        let line = format!("  {}\n", place.join(name).display());
        let (_, left) = done.stdout.split_once(words).expect("those left");
        assert!(left.contains(&line), "{name}: {done}");
    }
    assert!(
        done.stderr
            .contains("front-proxy-client.key is put back beside front-proxy-client.crt")
            && done
                .stderr
                .lines()
                .filter(|line| !line.starts_with("why: "))
                .count()
                == 1,
        "{done}"
    );
    let changed = [
        "pki/etcd/peer.crt",
        "pki/etcd/peer.key",
        "pki/front-proxy-client.crt",
    ];
    assert_eq!(differences(&held(place.path()), &before), changed);
    let plain = run(&mut rollback(place.path(), &["--fail-on", "error"])).expect(0);
    assert!(!plain.stdout.contains(words), "{plain}");
    run(&mut all(place.path(), &[])).expect(0);
}

/// What is done to a tree whose API server's pair was replaced, and the code and words of the refusal.
type Case = (&'static str, fn(&Path), &'static str, &'static str);

const REFUSED: [Case; 11] = [
    (
        "a file that was changed since",
        |place| write(&place.join("pki/apiserver.key"), "another\n"),
        "changed-since",
        "apiserver.key was changed after the run that wrote it",
    ),
    (
        "a file that has vanished",
        |place| fs::remove_file(place.join("pki/apiserver.crt")).expect("remove"),
        "changed-since",
        "apiserver.crt has vanished since the run that wrote it",
    ),
    (
        "a folder in a file's place",
        |place| {
            fs::remove_file(place.join("pki/apiserver.crt")).expect("remove");
            fs::create_dir(place.join("pki/apiserver.crt")).expect("make");
        },
        "unreadable",
        "apiserver.crt is a directory, not a file",
    ),
    (
        "a link in a file's place",
        |place| {
            fs::rename(place.join("pki/apiserver.crt"), place.join("elsewhere")).expect("move");
            symlink("../elsewhere", place.join("pki/apiserver.crt")).expect("link");
        },
        "unreadable",
        "apiserver.crt is a symbolic link, not a file",
    ),
    (
        "a copy that was changed",
        |place| fs::write(backup(&place.join("pki")).join("apiserver.key"), "x").expect("write"),
        "backup-damaged",
        "apiserver.key is not what the run replaced",
    ),
    (
        "a copy that is gone",
        |place| fs::remove_file(backup(&place.join("pki")).join("apiserver.crt")).expect("remove"),
        "backup-damaged",
        "apiserver.crt is not there: restore it from another backup",
    ),
    (
        "a link in a copy's place, to a file of the same content",
        |place| {
            let copy = backup(&place.join("pki")).join("apiserver.crt");
            fs::rename(&copy, place.join("elsewhere")).expect("move");
            symlink(place.join("elsewhere"), copy).expect("link");
        },
        "backup-damaged",
        "apiserver.crt is a symbolic link, not a file",
    ),
    (
        "a list that was cut",
        |place| {
            let list = backup(&place.join("pki")).join("journal");
            let text = read(&list);
            write(&list, &text[..text.len() / 2]);
        },
        "backup-damaged",
        "journal is not the list of a run",
    ),
    (
        "the list of another run",
        |place| {
            let list = backup(&place.join("pki"));
            let other = list.with_file_name("0000000000000000");
            fs::rename(list, other).expect("move");
        },
        "backup-damaged",
        "0000000000000000/journal is not the list of a run",
    ),
    (
        "no list, as of a backup that is being removed",
        |place| fs::remove_file(backup(&place.join("pki")).join("journal")).expect("remove"),
        "no-backup",
        "holds nothing that could be put back",
    ),
    (
        "no backups",
        |place| fs::remove_dir_all(place.join("pki/.certs-backup")).expect("remove"),
        "no-backup",
        "holds nothing that could be put back",
    ),
];

/// A kubeconfig that came after the run, and has the certificate or the key of a pair in itself.
#[test]
fn a_kubeconfig_that_is_left_with_half_of_a_pair_is_told_and_no_other() {
    let base64 = |file: &Path| Base64::encode_string(read(file).as_bytes());
    let user = ["carol", "--common-name", "carol"];
    for (field, file, other_key, told) in [
        ("client-key", "carol.key", true, true),
        ("client-certificate", "carol.crt", true, true),
        // For the same key nothing is parted, nor is what has both files, or neither.
        ("client-key", "carol.key", false, false),
        ("client-certificate", "carol.crt", false, false),
        ("", "", true, false),
        ("client", "", true, false),
    ] {
        let place = tree_of_all();
        let certs_of = |verb: &str, more: &[&str]| {
            let mut command = certs(&[verb, "--kubernetes-dir", text(place.path())]);
            run(command.args(more))
        };
        let more = [&CLUSTER[..], &user, &["--embed-certs=false"]].concat();
        certs_of("kubeconfig", &more).expect(0);
        let conf = place.join("carol.conf");
        let named = read(&conf);
        fs::remove_file(&conf).expect("remove a file");
        let mut renewal = vec!["carol.crt", "--kubelet-dir", "none"];
        renewal.extend((!other_key).then_some("--reuse-key"));
        certs_of("renew", &renewal).expect(0);
        let mut half = named;
        for (held, name) in [
            ("client-certificate", "carol.crt"),
            ("client-key", "carol.key"),
        ] {
            if (held == field && name == file) || field == "client" {
                let data = base64(&place.join("pki").join(name));
                half = half.replace(
                    &format!("{held}: pki/{name}"),
                    &format!("{held}-data: {data}"),
                );
            }
        }
        write(&conf, &half);
        set_mode(&conf, 0o600);
        let check = || certs_of("check", &["--kubelet-dir", "none"]);
        check().expect(0);
        let before = snapshot(place.path());
        let words = "pki/carol.key is put back, and carol.conf names one file of its pair";
        let code = if told { 3 } else { 0 };
        let dry = run(&mut rollback(place.path(), &["--dry-run"])).expect(code);
        assert_eq!(dry.stderr.contains(words), told, "{dry}");
        same(&before, place.path());
        let done = run(&mut rollback(place.path(), &[])).expect(code);
        assert_eq!(done.stderr.contains(words), told, "{done}");
        assert_eq!(read(&conf), half);
        check().expect(if told { 4 } else { 0 });
        // What is not whole has nothing to lose: the way out is not warned of.
        run(&mut rollback(place.path(), &[])).expect(0);
        check().expect(0);
    }
}

#[test]
fn what_is_not_as_the_run_left_it_is_refused_and_nothing_is_touched() {
    for (name, prepare, code, words) in REFUSED {
        let place = replaced();
        prepare(place.path());
        let before = snapshot(place.path());
        for flags in [&[][..], &["--dry-run"], &["--fail-on", "error"]] {
            let refused = run(&mut rollback(place.path(), flags)).expect(4);
            assert!(
                refused.stderr.contains(words)
                    && refused
                        .stderr
                        .ends_with("refused with 1 error; nothing was written\n"),
                "{name}: {words:?} is expected\n{refused}"
            );
            let flags = [flags, &["--output", "json"]].concat();
            let refused = run(&mut rollback(place.path(), &flags)).expect(4);
            assert_eq!(codes(&refused), [code], "{name}");
            assert_eq!(json(&refused)["result"], "refused", "{name}");
        }
        same(&before, place.path());
        run(&mut rollback(place.path(), &["--list"]));
        same(&before, place.path());
    }
}

#[test]
fn every_reason_of_a_refusal_is_told_at_once() {
    let place = replaced();
    write(&place.join("pki/apiserver.crt"), "another\n");
    fs::remove_file(place.join("pki/apiserver.key")).expect("remove");
    fs::remove_file(backup(&place.join("pki")).join("apiserver.key")).expect("remove");
    let refused = run(&mut rollback(place.path(), &["--output", "json"])).expect(4);
    assert_eq!(
        codes(&refused),
        ["changed-since", "changed-since", "backup-damaged"]
    );
}

#[test]
fn a_directory_of_the_run_that_was_not_given_is_the_one_cause_that_is_told() {
    let place = tree_of_all();
    write(&place.join("scheduler.conf"), "no kubeconfig\n");
    let forced = [&MORE[..], &["--force"]].concat();
    run(&mut all(place.path(), &forced)).expect(0);
    let other = TempDir::new();
    let elsewhere = ["--kubeconfig-dir", text(other.path())];
    let words = format!(
        "error: {} is of a run that also changed files in {kubeconfigs}, and this one was not given that: run again \
         with --kubeconfig-dir {kubeconfigs}\nwhy: backup-elsewhere: docs/architecture.md, \"Nothing lost: how files change\"\nrefused with 1 error; nothing was written\n",
        backup(&place.join("pki")).display(),
        kubeconfigs = place.path().display(),
    );
    let listed = run(&mut rollback(
        place.path(),
        &[&elsewhere[..], &["--list"]].concat(),
    ));
    assert!(!listed.expect(0).stdout.contains("puts back"));
    // With another file in that one's place, and with none.
    fs::copy(place.join("scheduler.conf"), other.join("scheduler.conf")).expect("copy");
    for _ in 0..2 {
        let before = (snapshot(place.path()), snapshot(other.path()));
        let refused = run(&mut rollback(place.path(), &elsewhere)).expect(4);
        assert_eq!(refused.stderr, words);
        same(&before.0, place.path());
        same(&before.1, other.path());
        let _ = fs::remove_file(other.join("scheduler.conf"));
    }
    run(&mut rollback(place.path(), &[])).expect(0);
}

#[test]
fn where_the_run_only_created_files_another_directory_is_no_matter() {
    let place = tree_of_all();
    let before = held(place.path());
    let mut both = certs(&["server", "apiserver", "kubelet-serving", "--force"]);
    both.args(["--kubernetes-dir", text(place.path())]);
    both.args(["--kubelet-dir", text(&place.join("serving"))]);
    run(both.args(CLUSTER)).expect(0);
    fs::create_dir_all(place.join("kubelet/kubelet.crt")).expect("make folders");
    run(&mut rollback(place.path(), &[])).expect(0);
    let created = ["serving/kubelet.crt", "serving/kubelet.key"];
    assert_eq!(differences(&held(place.path()), &before), created);
}

#[test]
fn a_tree_that_was_moved_with_its_backups_is_rolled_back_where_it_is_now() {
    let place = tree_of_all();
    let before = held(place.path());
    write(&place.join("scheduler.conf"), "no kubeconfig\n");
    let forced = [&MORE[..], &["--force"]].concat();
    run(&mut all(place.path(), &forced)).expect(0);
    let moved = TempDir::new();
    fs::remove_dir(moved.path()).expect("remove a folder");
    fs::rename(place.path(), moved.path()).expect("move");
    run(&mut rollback(moved.path(), &[])).expect(0);
    assert_eq!(
        differences(&held(moved.path()), &before),
        ["scheduler.conf"]
    );
    fs::create_dir(place.path()).expect("make a folder");
}

#[test]
fn what_is_as_it_was_already_is_kept_and_the_rest_is_put_back() {
    let place = replaced();
    let former = backup(&place.join("pki"));
    let copy = |name: &str| {
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(former.join(name)).arg(place.join("pki"));
        run(&mut copy).expect(0);
    };
    copy("apiserver.crt");
    let done = run(&mut rollback(
        place.path(),
        &["--dry-run", "--output", "json"],
    ))
    .expect(0);
    let report = json(&done);
    assert_eq!(
        files(&report, 0, "keep", place.path()),
        ["pki/apiserver.crt"]
    );
    assert_eq!(
        files(&report, 0, "restore", place.path()),
        ["pki/apiserver.key"]
    );
    copy("apiserver.key");
    let before = snapshot(place.path());
    let done = run(&mut rollback(place.path(), &[])).expect(0);
    assert!(
        done.stdout
            .ends_with("All is as it was before that run; nothing was written.\n"),
        "{done}"
    );
    same(&before, place.path());
}

#[test]
fn a_run_that_kept_no_backup_leaves_nothing_to_put_back() {
    let place = tree_of_all();
    let forced = [&MORE[..], &["--force", "--no-backup"]].concat();
    run(&mut all(place.path(), &forced)).expect(0);
    let refused = run(&mut rollback(place.path(), &["--output", "json"])).expect(4);
    assert_eq!(codes(&refused), ["no-backup"]);
    let kept = listing(&backup(&place.join("pki")));
    assert_eq!(kept, [Path::new("journal")], "a list alone");
    // One that replaced nothing is none.
    let place = replaced();
    let mut client = certs(&["client", "admin", "--force", "--no-backup"]);
    client.args(["--kubernetes-dir", text(place.path())]);
    run(client.args(["--key-algorithm", "ECDSA-P256"])).expect(0);
    run(&mut rollback(place.path(), &[])).expect(0);
}

#[test]
fn an_older_run_is_not_undone_for_the_last_one_that_kept_no_backup() {
    let place = TempDir::new();
    let path = place.path();
    run(&mut at(NOW, "022", &all(path, &[]))).expect(0);
    let forced = [&MORE[..], &["--force"]].concat();
    run(&mut at(NOW + 60, "022", &all(path, &forced))).expect(0);
    let mut admin = certs(&["kubeconfig", "admin", "--force", "--no-backup"]);
    admin.args(["--kubernetes-dir", text(path)]).args(CLUSTER);
    run(&mut at(NOW + 120, "022", &admin)).expect(0);
    let before = snapshot(path);
    for flags in [&[][..], &["--dry-run"]] {
        let refused = run(&mut rollback(path, flags)).expect(4);
        let folder = backup(path);
        let words = format!(
            "{} is of the last run, 'certs kubeconfig' at 2026-03-01 00:02:00 UTC, which had --no-backup",
            folder.display()
        );
        assert!(refused.stderr.contains(&words), "{refused}");
    }
    let listed = run(&mut rollback(path, &["--list"])).expect(0);
    let first = listed.stdout.lines().next().expect("a run");
    assert!(
        first.starts_with("2026-03-01T00:02:00Z  certs kubeconfig  ")
            && first.ends_with("  --no-backup: nothing kept")
            && !listed.stdout.contains("puts back"),
        "{listed}"
    );
    let report = json(&run(&mut rollback(path, &["--list", "--output", "json"])).expect(0));
    let kept = |index: usize| report["runs"][index]["kept"].as_bool();
    assert_eq!([kept(0), kept(1)], [Some(false), Some(true)]);
    same(&before, path);
    // The way out that the refusal tells.
    fs::rename(backup(path), place.join("away")).expect("move");
    let done = run(&mut rollback(path, &[])).expect(0);
    assert!(
        done.stdout.contains("2026-03-01T00:01:00Z  certs all"),
        "{done}"
    );
}

#[test]
fn runs_that_kept_nothing_count_among_the_three() {
    let place = replaced();
    for _ in 0..3 {
        let mut again = certs(&["server", "apiserver", "--force", "--no-backup"]);
        again.args(["--kubernetes-dir", text(place.path())]);
        run(again.args(CLUSTER)).expect(0);
    }
    let report = json(&run(&mut rollback(place.path(), &["--list", "--output", "json"])).expect(0));
    let runs = report["runs"].as_array().expect("runs");
    let kept: Vec<_> = runs.iter().map(|run| run["kept"].as_bool()).collect();
    assert_eq!(kept, [Some(false); 3]);
}

#[test]
fn a_directory_of_backups_that_another_could_have_filled_is_refused() {
    type Planted = (fn(&Path), &'static str);
    let cases: [Planted; 6] = [
        (
            |place| set_mode(&place.join("pki/.certs-backup"), 0o777),
            "is open to others than its owner",
        ),
        (
            |place| chown(place.join("pki/.certs-backup"), Some(4242), None).expect("chown"),
            "belongs to user 4242",
        ),
        (
            |place| {
                fs::rename(place.join("pki/.certs-backup"), place.join("moved")).expect("move");
                symlink("../moved", place.join("pki/.certs-backup")).expect("link");
            },
            "is a symbolic link",
        ),
        (
            |place| set_mode(&backup(&place.join("pki")), 0o770),
            "is open to others than its owner",
        ),
        (
            |place| chown(backup(&place.join("pki")), Some(4242), None).expect("chown"),
            "belongs to user 4242",
        ),
        (
            |place| {
                let own = backup(&place.join("pki"));
                fs::rename(&own, place.join("moved")).expect("move");
                symlink(place.join("moved"), own).expect("link");
            },
            "is a symbolic link",
        ),
    ];
    for (prepare, words) in cases {
        let place = replaced();
        prepare(place.path());
        let before = snapshot(place.path());
        for flags in [&[][..], &["--dry-run"], &["--list"]] {
            let refused = run(&mut rollback(place.path(), flags)).expect(1);
            assert!(
                refused.stderr.contains(words) && refused.stderr.lines().count() == 1,
                "{words:?} is expected\n{refused}"
            );
        }
        same(&before, place.path());
    }
}

#[test]
fn a_dry_run_tells_the_plan_and_touches_nothing() {
    let place = replaced();
    let before = snapshot(place.path());
    let planned = run(&mut rollback(place.path(), &["--dry-run"])).expect(0);
    assert!(
        planned.stdout.contains("Would put back:\n")
            && planned
                .stdout
                .ends_with("This was a dry run; nothing was written.\n"),
        "{planned}"
    );
    same(&before, place.path());
    let none = TempDir::new();
    let before = snapshot(none.path());
    for flags in [&[][..], &["--dry-run"]] {
        run(&mut rollback(&none.join("k8s"), flags)).expect(4);
    }
    run(&mut rollback(&none.join("k8s"), &["--list"])).expect(0);
    same(&before, none.path());
}

#[test]
fn the_list_tells_each_run_the_youngest_first_and_touches_nothing() {
    let place = TempDir::new();
    let path = place.path();
    run(&mut at(NOW, "022", &all(path, &[]))).expect(0);
    let none = run(&mut rollback(path, &["--list"])).expect(0);
    assert!(none.stdout.starts_with("No backup is kept in "), "{none}");
    let forced = [&MORE[..], &["--force"]].concat();
    run(&mut at(NOW + 60, "022", &all(path, &forced))).expect(0);
    run(&mut at(NOW + 120, "022", &rollback(path, &[]))).expect(0);
    let before = snapshot(path);
    let listed = run(&mut rollback(path, &["--list"])).expect(0);
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert!(
        lines[0].starts_with("2026-03-01T00:02:00Z  certs rollback  "),
        "{listed}"
    );
    assert!(
        lines[3].starts_with("2026-03-01T00:01:00Z  certs all  "),
        "{listed}"
    );
    let key = format!("  replaced  {}", place.join("pki/apiserver.key").display());
    assert_eq!((lines[2], lines[5]), (key.as_str(), key.as_str()));
    let report = json(&run(&mut rollback(path, &["--list", "--output", "json"])).expect(0));
    assert_eq!(report["result"], "listed");
    assert_eq!(report["runs"][1]["command"], "all");
    assert_eq!(report["runs"][1]["time"], "2026-03-01T00:01:00Z");
    assert_eq!(
        files(&report, 1, "replaced", path),
        ["pki/apiserver.crt", "pki/apiserver.key"]
    );
    let folder = backup(&place.join("pki"));
    let youngest = report["runs"][0]["transaction"].as_str().expect("a name");
    assert!(folder.ends_with(youngest), "{}", folder.display());
    same(&before, path);
    let silent = run(&mut rollback(path, &["--list", "--quiet"])).expect(0);
    assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""));
}

#[test]
fn the_run_that_is_undone_is_the_last_by_the_clock_whatever_directories_it_was_over() {
    let place = TempDir::new();
    run(&mut at(NOW, "022", &all(place.path(), &[]))).expect(0);
    let kubelet = place.join("kubelet");
    let mut serving = certs(&["server", "kubelet-serving", "--force"]);
    serving.args(["--kubernetes-dir", text(place.path())]);
    serving
        .args(["--kubelet-dir", text(&kubelet)])
        .args(CLUSTER);
    for later in 0..3 {
        run(&mut at(NOW + later, "022", &serving)).expect(0);
    }
    let before = held(place.path());
    let mut admin = certs(&["kubeconfig", "admin", "--force"]);
    admin
        .args(["--kubernetes-dir", text(place.path())])
        .args(CLUSTER);
    run(&mut at(NOW + 3, "022", &admin)).expect(0);
    assert_eq!(differences(&held(place.path()), &before), ["admin.conf"]);
    let listed = run(&mut rollback(place.path(), &["--list"])).expect(0);
    let times = listed
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("2026-03-01T"));
    let times: Vec<&str> = times.map(|line| &line[..9]).collect();
    assert_eq!(times, ["00:00:03Z", "00:00:02Z", "00:00:01Z"], "{listed}");
    run(&mut rollback(place.path(), &[])).expect(0);
    assert_eq!(differences(&held(place.path()), &before), [""; 0]);
}

#[test]
fn a_list_that_cannot_be_read_is_told_beside_the_others() {
    let place = replaced();
    let list = backup(&place.join("pki")).join("journal");
    write(&list, "torn");
    let listed = run(&mut rollback(place.path(), &["--list"])).expect(4);
    assert!(
        listed.stderr.contains("journal is not the list of a run")
            && !listed.stderr.contains("refused"),
        "{listed}"
    );
}

#[test]
fn the_list_promises_nothing_that_a_rollback_refuses() {
    let promise = "'certs rollback' puts back";
    let place = replaced();
    let listed = run(&mut rollback(place.path(), &["--list"])).expect(0);
    assert!(listed.stdout.contains(promise), "{listed}");
    let older = backup(&place.join("pki"));
    let again = [&MORE[..], &["--force"]].concat();
    write(&place.join("scheduler.conf"), "no kubeconfig\n");
    run(&mut all(place.path(), &again)).expect(0);
    write(&older.join("journal"), "torn");
    let listed = run(&mut rollback(place.path(), &["--list"])).expect(4);
    assert!(
        listed.stdout.contains("scheduler.conf") && !listed.stdout.contains(promise),
        "{listed}"
    );
}

#[test]
fn the_list_tells_of_which_files_no_copy_is_kept_any_more() {
    let place = tree_of_all();
    let path = place.path();
    write(&place.join("scheduler.conf"), "no kubeconfig\n");
    let forced = [&MORE[..], &["--force"]].concat();
    run(&mut all(path, &forced)).expect(0);
    let both = ["pki/apiserver.crt", "pki/apiserver.key", "scheduler.conf"];
    let list = || json(&run(&mut rollback(path, &["--list", "--output", "json"])).expect(0));
    assert_eq!(files(&list(), 0, "replaced", path), both);
    for _ in 0..3 {
        let mut admin = certs(&["kubeconfig", "admin", "--force"]);
        run(admin.args(["--kubernetes-dir", text(path)]).args(CLUSTER)).expect(0);
    }
    assert_eq!(files(&list(), 3, "replaced", path), both[..2]);
    assert_eq!(files(&list(), 3, "unkept", path), both[2..]);
    // Where nothing else is looked into it is the first, and could not be undone.
    let mut alone = certs(&["rollback", "--list", "--cert-dir", text(&place.join("pki"))]);
    let listed = run(&mut alone).expect(0);
    assert!(
        listed.stdout.contains(&format!(
            "  unkept    {}\n",
            place.join("scheduler.conf").display()
        )) && !listed.stdout.contains("puts back"),
        "{listed}"
    );
}

#[test]
fn the_list_tells_where_a_run_had_its_files_whatever_directories_are_given() {
    let place = tree_of_all();
    let path = place.path();
    let mut both = certs(&["server", "apiserver", "kubelet-serving", "--force"]);
    both.args(["--kubernetes-dir", text(path)]);
    both.args(["--kubelet-dir", text(&place.join("serving"))]);
    run(both.args(CLUSTER)).expect(0);
    let report = json(&run(&mut rollback(path, &["--list", "--output", "json"])).expect(0));
    let created = ["serving/kubelet.crt", "serving/kubelet.key"];
    assert_eq!(files(&report, 0, "created", path), created);
    // And of a tree that was moved, where they are now.
    let moved = TempDir::new();
    fs::remove_dir(moved.path()).expect("remove a folder");
    fs::rename(path, moved.path()).expect("move");
    let report = json(&run(&mut rollback(moved.path(), &["--list", "--output", "json"])).expect(0));
    assert_eq!(
        report["runs"][0]["files"][0]["file"],
        text(&moved.join("pki/apiserver.crt"))
    );
    fs::create_dir(path).expect("make a folder");
}

#[test]
fn a_certificate_that_has_expired_since_is_put_back_with_a_warning() {
    let place = TempDir::new();
    let path = place.path();
    run(&mut at(NOW, "022", &all(path, &[]))).expect(0);
    let before = held(path);
    let later = NOW + 2 * YEAR;
    run(&mut at(later, "022", &all(path, &["--force"]))).expect(0);
    let done = run(&mut at(
        later,
        "022",
        &rollback(path, &["--output", "json"]),
    ))
    .expect(3);
    let told = codes(&done);
    // Seven pairs and five kubeconfigs.
    assert_eq!(told, ["restored-expired"; 12]);
    assert_eq!(differences(&held(path), &before), [""; 0]);
    let text = run(&mut at(later, "022", &rollback(path, &[]))).expect(0);
    assert_eq!(text.stderr, "");
}

#[test]
fn a_key_that_others_could_read_is_put_back_for_its_owner_and_group_alone() {
    let place = tree_of_all();
    set_mode(&place.join("pki/etcd/peer.key"), 0o666);
    set_mode(&place.join("admin.conf"), 0o644);
    let before = held(place.path());
    run(&mut all(place.path(), &["--force"])).expect(0);
    let done = run(&mut rollback(place.path(), &[])).expect(0);
    for (name, had) in [("pki/etcd/peer.key", "0666"), ("admin.conf", "0644")] {
        let path = place.join(name);
        assert_eq!(mode(&path), 0o640, "{name}");
        let note = format!("{} had mode {had}, and gets 0640", path.display());
        assert!(done.stdout.contains(&note), "{done}");
        assert_eq!(
            held(place.path())[Path::new(name)].3,
            before[Path::new(name)].3
        );
    }
    let again = run(&mut rollback(
        place.path(),
        &["--dry-run", "--output", "json"],
    ))
    .expect(0);
    let files = files(&json(&again), 0, "restore", place.path());
    assert_eq!(files.len(), 3, "{files:?}");
}

#[test]
fn what_a_private_key_lay_in_is_put_back_for_its_owner_and_group_alone() {
    let place = tree_of_all();
    let (crt, key) = (
        place.join("pki/etcd/peer.crt"),
        place.join("pki/etcd/peer.key"),
    );
    // What cannot be read beside the key does not hide it.
    let parameters = "-----BEGIN DH PARAMETERS-----\nAAEC\n-----END DH PARAMETERS-----\n";
    for more in ["", parameters] {
        let both = read(&crt) + &read(&key) + more;
        fs::write(&crt, &both).expect("write a file");
        set_mode(&crt, 0o644);
        run(&mut all(place.path(), &["--force"])).expect(0);
        assert_eq!(mode(&crt), 0o644);
        run(&mut rollback(place.path(), &[])).expect(0);
        assert_eq!((mode(&crt), read(&crt)), (0o640, both));
        fs::remove_file(&crt).expect("remove a file");
        run(&mut all(place.path(), &["--force"])).expect(0);
    }
}

#[test]
fn the_configuration_s_directory_and_dry_run_count_and_nothing_else_of_it() {
    let place = tree_of_all();
    let pki = TempDir::new();
    fs::remove_dir(pki.path()).expect("remove a folder");
    fs::rename(place.join("pki"), pki.path()).expect("move a folder");
    let flags = ["--cert-dir", text(pki.path()), MORE[0], MORE[1], "--force"];
    run(&mut all(place.path(), &flags)).expect(0);
    let config = place.join("kubeadm.yaml");
    let words = |dir: &str, dry_run: bool| {
        format!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\ndryRun: {dry_run}\n\
             localAPIEndpoint:\n  advertiseAddress: nowhere\n---\n\
             apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\ncertificatesDir: {dir}\n"
        )
    };
    let rollback = |more: &[&str]| {
        let mut command = certs(&["rollback", "--config", text(&config)]);
        command
            .args(["--kubeconfig-dir", text(place.path())])
            .args(["--kubelet-dir", text(&place.join("kubelet"))])
            .args(more);
        run(&mut command)
    };
    write(&config, words("pki", false));
    let wrong = rollback(&[]).expect(2);
    assert!(wrong.stderr.contains("certificatesDir"), "{wrong}");
    write(&config, words(text(pki.path()), true));
    let before = snapshot(pki.path());
    let planned = rollback(&[]).expect(0);
    assert!(planned.stdout.contains("This was a dry run"), "{planned}");
    same(&before, pki.path());
    let done = rollback(&["--dry-run=false"]).expect(0);
    assert!(done.stdout.contains("Put back:"), "{done}");
    write(&config, "kind: Nothing\n");
    rollback(&[]).expect(2);
}

#[test]
fn wrong_arguments_are_2_and_touch_nothing() {
    let place = replaced();
    let before = snapshot(place.path());
    for (flags, words) in [
        (&["--lock-timeout", "soon"][..], "--lock-timeout"),
        (&["--quiet", "--output", "json"], "--quiet"),
        (&["--list", "--dry-run"], "--dry-run"),
        (&["--owner", "root"], "--owner"),
        (&["0123456789abcdef"], "0123456789abcdef"),
        (&["--config", "none.yaml"], "none.yaml"),
    ] {
        let wrong = run(&mut rollback(place.path(), flags)).expect(2);
        assert!(wrong.stderr.contains(words), "{wrong}");
    }
    same(&before, place.path());
}

/// Kills a run over `place` at its `nth` rename over a file that is there.
fn killed_at_rename(nth: usize, inner: &Command) {
    let mut command = Command::new(tool("strace"));
    command
        .args(["-f", "-o", "/dev/null", "-e", "trace=renameat", "-e"])
        .arg(format!("inject=renameat:signal=SIGKILL:when={nth}"))
        .arg(inner.get_program())
        .args(inner.get_args());
    let finished = run(&mut command);
    assert!(finished.status.code().is_none(), "{finished}");
}

#[test]
fn an_interrupted_run_is_told_to_a_reader_and_completed_before_it_is_rolled_back() {
    let place = tree_of_all();
    let before = held(place.path());
    let forced = [&MORE[..], &["--force"]].concat();
    killed_at_rename(2, &all(place.path(), &forced));
    let left = snapshot(place.path());
    for flags in [&["--dry-run"][..], &["--list"]] {
        let told = run(&mut rollback(place.path(), flags)).expect(3);
        assert!(
            told.stderr.contains("tells of a run that was interrupted")
                && !told.stdout.contains("Would put back"),
            "{told}"
        );
    }
    same(&left, place.path());
    let done = run(&mut rollback(place.path(), &[])).expect(0);
    assert!(
        done.stdout
            .contains("completed an interrupted run, which wrote 2 files")
            && done.stdout.contains("Put back:"),
        "{done}"
    );
    assert_eq!(differences(&held(place.path()), &before), [""; 0]);
}

/// It did nothing of what its backup tells.
#[test]
fn a_run_that_was_killed_before_it_was_decided_is_neither_listed_nor_undone() {
    let start = held(tree_of_all().path());
    let place = replaced();
    let runs = || {
        let flags = [&["--list"][..], &["--dry-run"]];
        let told = |flags: &[&str]| {
            let flags = [flags, &["--output", "json"]].concat();
            json(&run(&mut rollback(place.path(), &flags)).expect(0))["runs"].take()
        };
        flags.map(told)
    };
    let before = runs();
    let mut renew = certs(&["renew", "apiserver", "--kubernetes-dir"]);
    renew.arg(place.path());
    let backups = place.join("pki/.certs-backup");
    let killed = run(&mut struck(&renew, "fsync:signal=SIGKILL", Some(&backups)));
    let left = |name: &str| {
        listing(place.path())
            .iter()
            .any(|path| path.ends_with(name))
    };
    assert!(!left(".certs-journal"), "{killed}");
    let lists = fs::read_dir(&backups).expect("a folder").map(|entry| {
        let list = entry.expect("an entry").path().join("journal");
        assert!(list.is_file(), "{killed}");
    });
    assert_eq!(lists.count(), 2, "{killed}");
    assert_eq!(runs(), before);
    run(&mut rollback(place.path(), &[])).expect(0);
    assert_eq!(differences(&held(place.path()), &start), [""; 0]);
}

/// Its list goes first, and where a run was killed then nobody could put back what is left.
#[test]
fn the_rest_of_a_backup_that_was_being_removed_goes_with_the_next_run() {
    let place = replaced();
    let backups = place.join("pki/.certs-backup");
    let rests = ["00000000000000aa", "00000000000000bb"].map(|name| backups.join(name));
    for rest in &rests {
        fs::create_dir(rest).expect("make a folder");
        set_mode(rest, 0o700);
    }
    write(&rests[1].join("apiserver.key"), "a former key\n");
    let mut renew = certs(&["renew", "apiserver", "--kubernetes-dir"]);
    run(renew.arg(place.path())).expect(0);
    assert!(rests.iter().all(|rest| !rest.exists()));
    assert_eq!(fs::read_dir(&backups).expect("a folder").count(), 2);
}

#[test]
fn a_refusal_tells_that_an_interrupted_run_was_completed_before_it() {
    let place = tree_of_all();
    let forced = [&MORE[..], &["--force"]].concat();
    killed_at_rename(2, &all(place.path(), &forced));
    let other = ["--apiserver-advertise-address", "10.0.0.11"];
    let refused = run(&mut verb_over(place.path(), &other)).expect(4);
    assert!(
        refused
            .stdout
            .contains("completed an interrupted run, which wrote 2 files")
            && refused
                .stderr
                .ends_with("; nothing was written but what the interrupted run had begun\n"),
        "{refused}"
    );
}

/// `certs server apiserver` with an address of one's own.
fn verb_over(place: &Path, more: &[&str]) -> Command {
    let mut command = certs(&["server", "apiserver", "--kubernetes-dir", text(place)]);
    command.args(["--node-name", "cp1", "--key-algorithm", "ECDSA-P256"]);
    command.args(more);
    command
}

#[test]
fn an_interrupted_rollback_is_completed_by_the_next_and_not_undone() {
    let place = tree_of_all();
    let before = held(place.path());
    let forced = [&MORE[..], &["--force"]].concat();
    run(&mut all(place.path(), &forced)).expect(0);
    let forced = held(place.path());
    killed_at_rename(2, &rollback(place.path(), &[]));
    let done = run(&mut rollback(place.path(), &[])).expect(0);
    assert!(
        done.stdout
            .contains("note: that run was a rollback, and nothing beyond it was put back\n"),
        "{done}"
    );
    assert_eq!(differences(&held(place.path()), &before), [""; 0]);
    run(&mut rollback(place.path(), &[])).expect(0);
    assert_eq!(differences(&held(place.path()), &forced), [""; 0]);
}

#[test]
fn an_interrupted_run_without_backup_is_completed_and_keeps_nothing_to_undo() {
    let place = replaced();
    let mut again = certs(&["server", "apiserver", "--force", "--no-backup"]);
    again.args(["--kubernetes-dir", text(place.path())]);
    killed_at_rename(2, again.args(CLUSTER));
    let refused = run(&mut rollback(place.path(), &[])).expect(4);
    assert!(
        refused.stderr.contains("'certs server' at ")
            && refused.stderr.contains("which had --no-backup"),
        "{refused}"
    );
    let kept = listing(&backup(&place.join("pki")));
    assert_eq!(kept, [Path::new("journal")], "a list alone");
    run(&mut all(place.path(), &[])).expect(0);
}

#[test]
fn it_waits_for_another_run_no_longer_than_told_and_a_reader_not_at_all() {
    let place = replaced();
    let mut holder = Command::new(tool("flock"))
        .arg(place.join("pki"))
        .args(["sh", "-c", "echo held; read -r line"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("flock starts");
    let mut held = [0; 4];
    let stdout = holder.stdout.as_mut().expect("a pipe");
    std::io::Read::read_exact(stdout, &mut held).expect("the lock");
    for flags in [&["--list"][..], &["--dry-run"]] {
        let told = run(&mut rollback(place.path(), flags)).expect(0);
        assert!(told.stdout.contains("another run is writing"), "{told}");
    }
    let begin = Instant::now();
    let gone = run(&mut rollback(place.path(), &["--lock-timeout", "300ms"])).expect(1);
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert!(
        gone.stderr.contains("waiting for another run") && gone.stderr.contains("--lock-timeout"),
        "{gone}"
    );
    let waiting = {
        let mut command = rollback(place.path(), &[]);
        thread::spawn(move || run(&mut command))
    };
    thread::sleep(Duration::from_millis(100));
    drop(holder.stdin.take());
    holder.wait().expect("flock ends");
    waiting.join().expect("a run").expect(0);
}

#[test]
fn a_plain_user_rolls_back_what_it_made_and_nothing_of_root_s() {
    let own = PathBuf::from(format!("/tmp/certs-rollback-{}", std::process::id()));
    let _ = fs::remove_dir_all(&own);
    fs::create_dir(&own).expect("make a folder");
    set_mode(&own, 0o755);
    let program = own.join("certs");
    // By another process: one that another test's thread forks would hold it open for writing.
    run(Command::new("cp").arg(binary()).arg(&program)).expect(0);
    set_mode(&program, 0o755);
    let nobody = |inner: &Command| {
        let mut command = Command::new(tool("setpriv"));
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .args(inner.get_args());
        run(&mut command)
    };
    let place = own.join("k8s");
    fs::create_dir(&place).expect("make a folder");
    chown(&place, Some(65534), Some(65534)).expect("give a folder away");
    nobody(&all(&place, &[])).expect(0);
    let before = held(&place);
    let forced = [&MORE[..], &["--force"]].concat();
    nobody(&all(&place, &forced)).expect(0);
    nobody(&rollback(&place, &[])).expect(0);
    assert_eq!(differences(&held(&place), &before), [""; 0]);
    // A directory that it may not look into is told of.
    let closed = own.join("closed");
    fs::create_dir(&closed).expect("make a folder");
    set_mode(&closed, 0o700);
    let inner = {
        let mut command = certs(&["rollback", "--list", "--kubernetes-dir", text(&place)]);
        command.args(["--kubelet-dir", text(&closed)]);
        command
    };
    let told = nobody(&inner).expect(0);
    assert!(
        told.stdout.contains("note: no permission to look into")
            && told.stdout.contains("certs all"),
        "{told}"
    );
    // It is nobody's fault there if the run was over another.
    let serving = place.join("serving");
    for force in [&[][..], &["--force"]] {
        let mut both = certs(&["server", "apiserver", "kubelet-serving"]);
        both.args([
            "--kubernetes-dir",
            text(&place),
            "--kubelet-dir",
            text(&serving),
        ]);
        nobody(both.args(CLUSTER).args(force)).expect(0);
    }
    let mut elsewhere = certs(&["rollback", "--kubernetes-dir", text(&place)]);
    let told = nobody(elsewhere.args(["--kubelet-dir", text(&closed)])).expect(4);
    let words = format!(
        "run again with --kubelet-dir {}\nwhy: backup-elsewhere: docs/architecture.md, \"Nothing lost: how files change\"\nrefused with 1 error",
        serving.display()
    );
    assert!(told.stderr.contains(&words), "{told}");
    chown(place.join("pki/.certs-backup"), Some(0), Some(0)).expect("take a folder");
    let refused = nobody(&rollback(&place, &[])).expect(1);
    assert!(refused.stderr.contains("belongs to user 0"), "{refused}");
    fs::remove_dir_all(&own).expect("remove a folder");
}
