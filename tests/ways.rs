//! Kubeconfigs that lead to the files of a pair by another way than its name, or lie under another name than a
//! run gives: who makes the pair anew sees them as `certs check` does.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64ct::{Base64, Encoding};

mod common;
use common::kubeadm::NOON;
use common::renewal::{DAY, renew, tree};
use common::snapshot::{same, snapshot};
use common::{
    CLUSTER, Finished, TempDir, at, certs, mode, read, run, set_mode, struck, text, venv, write,
};

const NAMED: &str = "--embed-certs=false";
const CAROL: [&str; 3] = ["carol", "--common-name", "carol"];

/// `certs` over the tree that was made at noon, so many days later.
fn later(folder: &TempDir, days: i64, verb: &str, more: &[&str]) -> Finished {
    let mut command = certs(&[verb, "--kubernetes-dir", text(&folder.join("k"))]);
    command.args(more);
    run(&mut at(NOON + days * DAY, "022", &command))
}

fn check(folder: &TempDir, days: i64) -> Finished {
    later(folder, days, "check", &["--kubelet-dir", "none"])
}

fn force_carol(folder: &TempDir, days: i64) -> Finished {
    let more = [&CLUSTER[..2], &CAROL, &["--force"]].concat();
    later(folder, days, "client", &more)
}

/// Where the kubeconfig of a user of one's own lies, and how it names the folder of its pair.
const WAYS: [(&str, &str); 8] = [
    ("carol.conf", "pki"),
    ("config", "pki"),
    ("pki/carol.conf", "."),
    ("conf.d/carol.conf", "../pki"),
    ("carol.conf", "pki/../pki"),
    ("carol.conf", "../k/pki"),
    ("carol.conf", "../link/pki"),
    ("conf.d/config", "LINK/pki"),
];

/// A tree with a user's kubeconfig in that place, which names its files in that way, and the kubeconfig.
fn tree_with((place, way): (&str, &str)) -> (TempDir, PathBuf) {
    let folder = tree();
    symlink("k", folder.join("link")).expect("a link");
    let more = [&CLUSTER[..], &CAROL, &[NAMED]].concat();
    later(&folder, 0, "kubeconfig", &more).expect(0);
    let way = way.replace("LINK", text(&folder.join("link")));
    let (made, conf) = (folder.join("k/carol.conf"), folder.join("k").join(place));
    let named = read(&made).replace(": pki/", &format!(": {way}/"));
    fs::remove_file(made).expect("remove a file");
    fs::create_dir_all(conf.parent().expect("a folder")).expect("a folder");
    write(&conf, &named);
    set_mode(&conf, 0o600);
    check(&folder, 0).expect(0);
    (folder, conf)
}

/// What is named for this field is put into the kubeconfig.
fn hold(folder: &TempDir, conf: &Path, field: &str, file: &str) {
    let data = Base64::encode_string(read(&folder.join("k/pki").join(file)).as_bytes());
    let named = read(conf);
    let line = named
        .lines()
        .find(|line| line.contains(&format!("{field}: ")));
    let line = line.expect("the field");
    let indent = &line[..line.len() - line.trim_start().len()];
    write(
        conf,
        named.replace(line, &format!("{indent}{field}-data: {data}")),
    );
}

#[test]
fn a_pair_is_not_parted_from_a_kubeconfig_that_has_half_of_it_wherever_that_lies_and_however_it_names_it()
 {
    for (field, file) in [
        ("client-key", "carol.key"),
        ("client-certificate", "carol.crt"),
    ] {
        for way in WAYS {
            let (folder, conf) = tree_with(way);
            hold(&folder, &conf, field, file);
            check(&folder, 0).expect(0);
            let refused = force_carol(&folder, 1).expect(4);
            assert!(
                refused.stderr.contains("names one of its two files"),
                "{way:?} {refused}"
            );
            let pair = ["carol.crt", "carol.key"].map(|name| folder.join("k/pki").join(name));
            let was = pair.each_ref().map(|file| read(file));
            // What no run writes is told by its whole path.
            let shown = match way.0 {
                "carol.conf" => way.0,
                _ => text(&conf),
            };
            let words = format!(" {shown} names one of its two files");
            // One with the certificate in itself is renewed in itself where runs write, and has both then.
            let whole = field == "client-certificate" && way.0 == "carol.conf";
            let runs = [(1, &["carol.crt"][..]), (1, &["--all"]), (350, &[])];
            for (days, flags) in runs.into_iter().take(if whole { 2 } else { 3 }) {
                let said = renew(&folder, days, flags).expect(3);
                assert!(said.stderr.contains(&words), "{way:?} {flags:?} {said}");
                assert_eq!(pair.each_ref().map(|file| read(file)), was, "{way:?}");
            }
            renew(&folder, 350, &["carol.crt", "--reuse-key"]).expect(0);
            assert_ne!(read(&pair[0]), was[0]);
        }
    }
}

#[test]
fn a_pair_is_made_anew_beside_a_kubeconfig_that_names_both_of_its_files_in_whatever_way() {
    for way in WAYS {
        let (folder, conf) = tree_with(way);
        let named = read(&conf);
        let pair = || ["carol.crt", "carol.key"].map(|name| read(&folder.join("k/pki").join(name)));
        let mut was = pair();
        for run in [
            &(|| renew(&folder, 1, &["--all"])) as &dyn Fn() -> Finished,
            &|| force_carol(&folder, 1),
            &|| renew(&folder, 350, &[]),
        ] {
            let said = run().expect(0);
            assert!(!said.stderr.contains("carol"), "{way:?} {said}");
            let is = pair();
            assert!(was[0] != is[0] && was[1] != is[1], "{way:?}");
            was = is;
            assert_eq!(read(&conf), named);
        }
        check(&folder, 350).expect(0);
    }
}

#[test]
fn a_way_up_from_a_folder_that_is_a_link_is_gone_as_clients_go_it() {
    let (folder, conf) = tree_with(("carol.conf", "pki/../pki"));
    let (pki, certs) = (folder.join("k/pki"), folder.join("certs"));
    fs::rename(&pki, &certs).expect("rename a folder");
    symlink("../certs", &pki).expect("a link");
    // What kubectl reads of it.
    let mut flatten = Command::new(venv("kubectl"));
    flatten.arg("--kubeconfig").arg(&conf);
    let shown = run(flatten.args(["config", "view", "--raw", "--flatten"])).expect(0);
    let certificate = Base64::encode_string(read(&pki.join("carol.crt")).as_bytes());
    assert!(shown.stdout.contains(&certificate), "{shown}");
    check(&folder, 0).expect(0);
    hold(&folder, &conf, "client-key", "carol.key");
    check(&folder, 0).expect(0);
    force_carol(&folder, 1).expect(4);
    renew(&folder, 1, &["--all"]).expect(3);
    check(&folder, 1).expect(0);
}

#[test]
fn a_kubeconfig_of_another_pair_is_in_the_way_of_none() {
    let (folder, conf) = tree_with(("config", "../link/pki"));
    // Another file of the same name, in a folder that is none of the tree's.
    fs::create_dir(folder.join("own")).expect("a folder");
    for name in ["carol.crt", "carol.key", "ca.crt"] {
        let (from, to) = (
            folder.join("k/pki").join(name),
            folder.join("own").join(name),
        );
        fs::copy(from, to).expect("copy a file");
    }
    write(&conf, read(&conf).replace("../link/pki", "../own"));
    hold(&folder, &conf, "client-key", "carol.key");
    check(&folder, 1).expect(0);
    force_carol(&folder, 1).expect(0);
    renew(&folder, 1, &["carol.crt"]).expect(0);
    check(&folder, 1).expect(0);
}

/// A tree whose scheduler has a kubeconfig that names its pair through a link to the tree.
fn scheduler_through_a_link() -> (TempDir, PathBuf, String) {
    let folder = tree();
    symlink("k", folder.join("link")).expect("a link");
    let more = [&CLUSTER[..], &["scheduler", "--force", NAMED]].concat();
    later(&folder, 0, "kubeconfig", &more).expect(0);
    let conf = folder.join("k/scheduler.conf");
    let through = format!(": {}/", text(&folder.join("link/pki")));
    let named = read(&conf).replace(": pki/", &through);
    assert_eq!(named.matches(&through).count(), 3, "{named}");
    write(&conf, &named);
    check(&folder, 0).expect(0);
    (folder, conf, named)
}

#[test]
fn a_kubeconfig_that_names_its_pair_through_a_link_is_renewed_with_it_and_stays_as_it_is() {
    let (folder, conf, named) = scheduler_through_a_link();
    let said = renew(&folder, 350, &[]).expect(0);
    assert!(!said.stderr.contains("scheduler.conf"), "{said}");
    assert_eq!(read(&conf), named);
    check(&folder, 350).expect(0);
    // Made anew it is of the kind it was.
    let was = read(&folder.join("k/pki/scheduler.crt"));
    let more = [&CLUSTER[..], &["scheduler", "--force"]].concat();
    later(&folder, 350, "kubeconfig", &more).expect(0);
    assert_ne!(read(&folder.join("k/pki/scheduler.crt")), was);
    let anew = read(&conf);
    assert!(
        anew.contains("client-key: ") && !anew.contains("-data: "),
        "{anew}"
    );
    assert_eq!(mode(&conf), 0o600);
    check(&folder, 350).expect(0);
}

#[test]
fn a_pair_that_is_named_through_a_link_is_asked_for_and_its_kubeconfig_is_not() {
    let (folder, conf, named) = scheduler_through_a_link();
    fs::remove_file(folder.join("k/pki/ca.key")).expect("remove a file");
    let requests = folder.join("requests");
    let ask = ["--csr-dir", text(&requests), "--kubelet-dir", "none"];
    let before = snapshot(&folder.join("k"));
    later(&folder, 350, "csr", &[&["--dry-run"], &ask[..]].concat()).expect(0);
    same(&before, &folder.join("k"));
    let asked = later(&folder, 350, "csr", &ask).expect(0);
    assert!(
        asked.stdout.contains("k/pki/scheduler.key, .csr"),
        "{asked}"
    );
    assert!(folder.join("k/pki/scheduler.csr").exists());
    assert_eq!(read(&conf), named);
}

/// Whether what cannot be read has half of a pair nobody knows.
#[test]
fn what_cannot_be_read_refuses_force_and_is_told_by_a_renewal() {
    let (folder, kubeconfig) = tree_with(WAYS[3]);
    let with = |verb: &[&str], fault: &str, path: &Path| {
        let mut inner = certs(verb);
        inner.args(["--kubernetes-dir", text(&folder.join("k"))]);
        run(&mut at(NOON, "022", &struck(&inner, fault, Some(path))))
    };
    let before = snapshot(&folder.join("k"));
    let client = [&["client"][..], &CAROL, &["--force"]].concat();
    let renewal = ["renew", "scheduler", "--kubelet-dir", "none"];
    let below = folder.join("k/conf.d");
    let faults = [
        ("read:error=EIO", kubeconfig.as_path()),
        ("getdents64:error=EIO", &below),
    ];
    for (fault, path) in faults {
        let words = format!("{} cannot be read: I/O error", text(path));
        let refused = with(&client, fault, path).expect(1);
        assert!(refused.stderr.contains(&words), "{refused}");
        same(&before, &folder.join("k"));
    }
    for (fault, path) in faults {
        let words = format!("{} cannot be read: I/O error", text(path));
        let told = with(&renewal, fault, path);
        assert!(told.stderr.contains(&words), "{told}");
        assert!(told.stdout.contains("scheduler.conf"), "{told}");
    }
}
