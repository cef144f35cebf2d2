//! Users of a kubeconfig whom its current context does not name: what a run parts, puts back, leaves behind and does not
//! renew is theirs too.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};

mod common;
use common::kubeadm::NOON;
use common::renewal::{DAY, renew, tree};
use common::snapshot::{same, snapshot};
use common::{CLUSTER, Finished, TempDir, at, certs, read, run, set_mode, text, tool, write};

const NONE: [&str; 2] = ["--kubelet-dir", "none"];

/// `certs` over the tree that was made at noon, so many days later.
fn later(folder: &TempDir, days: i64, verb: &str, more: &[&str]) -> Finished {
    let mut command = certs(&[verb, "--kubernetes-dir", text(&folder.join("k"))]);
    command.args(more);
    run(&mut at(NOON + days * DAY, "022", &command))
}

fn client(folder: &TempDir, days: i64, more: &[&str]) -> Finished {
    let bob = ["bob", "--common-name", "bob"];
    later(
        folder,
        days,
        "client",
        &[&CLUSTER[..2], &bob, more].concat(),
    )
}

/// What a kubeconfig has for a file: its name, or what is in it.
fn field(folder: &TempDir, field: &str, file: &str, held: bool) -> String {
    if held {
        let data = Base64::encode_string(read(&folder.join("k").join(file)).as_bytes());
        format!("{field}-data: {data}")
    } else {
        format!("{field}: {file}")
    }
}

/// Users of a kubeconfig, each by what it has for its certificate and its key.
fn kubeconfig(folder: &TempDir, name: &str, current: &str, users: &[(&str, [String; 2])]) {
    let authority = field(folder, "certificate-authority", "pki/ca.crt", true);
    let entry = |(user, [certificate, key]): &(&str, [String; 2])| {
        format!("- {{name: {user}, user: {{{certificate}, {key}}}}}")
    };
    let context = |(user, _): &(&str, [String; 2])| {
        format!("- {{name: {user}, context: {{cluster: c, user: {user}}}}}")
    };
    let cluster =
        format!("- {{name: c, cluster: {{server: \"https://10.0.0.10:6443\", {authority}}}}}");
    let mut conf = vec![
        "apiVersion: v1\nkind: Config\nclusters:".to_owned(),
        cluster,
    ];
    conf.push("users:".to_owned());
    conf.extend(users.iter().map(entry));
    conf.push("contexts:".to_owned());
    conf.extend(users.iter().map(context));
    if !current.is_empty() {
        conf.push(format!("current-context: {current}"));
    }
    let path = folder.join("k").join(name);
    write(&path, conf.join("\n"));
    set_mode(&path, 0o600);
}

/// carol has all in the kubeconfig, bob's pair is in it where that is held.
fn team(folder: &TempDir, current: &str, [certificate, key]: [&str; 2], held: [bool; 2]) {
    let base = "pki/apiserver-kubelet-client";
    let carol = [
        field(folder, "client-certificate", &format!("{base}.crt"), true),
        field(folder, "client-key", &format!("{base}.key"), true),
    ];
    let bob = [
        field(folder, "client-certificate", certificate, held[0]),
        field(folder, "client-key", key, held[1]),
    ];
    kubeconfig(
        folder,
        "team.conf",
        current,
        &[("carol", carol), ("bob", bob)],
    );
}

const BOB: [&str; 2] = ["pki/bob.crt", "pki/bob.key"];

#[test]
fn a_pair_is_not_parted_from_a_user_whom_the_current_context_does_not_name() {
    for current in ["carol", ""] {
        for held in [[false, true], [true, false]] {
            let folder = tree();
            client(&folder, 0, &[]).expect(0);
            team(&folder, current, BOB, held);
            let before = snapshot(&folder.join("k"));
            let words = "team.conf (user \"bob\") names one of its two files";
            let due = renew(&folder, 1, &[&["bob.crt"][..], &NONE].concat()).expect(3);
            assert!(due.stderr.contains(words), "{due}");
            let forced = client(&folder, 1, &["--force"]).expect(4);
            assert!(forced.stderr.contains(words), "{forced}");
            same(&before, &folder.join("k"));
            // What else is due is renewed, where nothing else refuses it.
            let was = BOB.map(|file| read(&folder.join("k").join(file)));
            let code = if current.is_empty() { 4 } else { 3 };
            let all = renew(&folder, 350, &NONE).expect(code);
            assert!(all.stderr.contains(words), "{all}");
            assert_eq!(BOB.map(|file| read(&folder.join("k").join(file))), was);
            renew(
                &folder,
                350,
                &[&["bob.crt", "--reuse-key"][..], &NONE].concat(),
            )
            .expect(0);
        }
    }
}

#[test]
fn a_pair_is_renewed_beside_a_user_who_has_both_of_its_files_or_neither() {
    for held in [[false, false], [true, true]] {
        let folder = tree();
        client(&folder, 0, &[]).expect(0);
        team(&folder, "carol", BOB, held);
        let said = renew(&folder, 1, &[&["bob.crt"][..], &NONE].concat()).expect(0);
        assert!(!said.stderr.contains("team.conf"), "{said}");
        let said = client(&folder, 1, &["--force"]).expect(0);
        assert!(!said.stderr.contains("team.conf"), "{said}");
    }
}

#[test]
fn a_user_who_is_left_with_half_of_a_pair_by_a_rollback_is_told_whatever_the_pair_is_called() {
    let cfssl = ["pki/bob.pem", "pki/bob-key.pem"];
    let mixed = ["pki/bob.crt", "pki/bob-key.pem"];
    for (pair, current, held, told) in [
        (BOB, "carol", [false, true], true),
        (BOB, "carol", [true, false], true),
        (BOB, "", [false, true], true),
        (BOB, "carol", [false, false], false),
        (cfssl, "carol", [false, true], true),
        (cfssl, "bob", [false, true], true),
        (cfssl, "bob", [true, false], true),
        (cfssl, "bob", [false, false], false),
        (cfssl, "carol", [true, true], false),
        (mixed, "bob", [false, true], true),
    ] {
        let folder = tree();
        client(&folder, 0, &[]).expect(0);
        for (from, to) in BOB.into_iter().zip(pair) {
            fs::rename(folder.join("k").join(from), folder.join("k").join(to)).expect("rename");
        }
        let named = pair[0].trim_start_matches("pki/");
        renew(&folder, 1, &[&[named][..], &NONE].concat()).expect(0);
        team(&folder, current, pair, held);
        let user = if current == "bob" {
            ""
        } else {
            " (user \"bob\")"
        };
        let words = format!(
            "{} is put back, and team.conf{user} names one file",
            pair[1]
        );
        let said = later(&folder, 1, "rollback", &NONE).expect(if told { 3 } else { 0 });
        assert_eq!(said.stderr.contains(&words), told, "{said}");
        let check = later(&folder, 1, "check", &NONE);
        assert_eq!(
            check.stdout.contains(&format!(
                "team.conf{user} holds a key that is not its certificate's"
            )),
            told,
            "{check}"
        );
        // What is not whole has nothing to lose.
        if told {
            later(&folder, 1, "rollback", &NONE).expect(0);
        }
    }
}

#[test]
fn a_key_that_another_user_of_a_kubeconfig_names_is_not_told_to_go() {
    let aside = TempDir::new();
    let outside = text(&aside.join("adm.key")).to_owned();
    for (named, theirs, told) in [
        ("pki/adm.key", "pki/adm.key", false),
        ("pki/adm.key", "../k/pki/adm.key", false),
        ("pki/adm.key", "pki/sa.key", true),
        (&outside, &outside, false),
        (&outside, "pki/adm.key", true),
    ] {
        for own in [false, true] {
            let folder = tree();
            let admin = read(&folder.join("k/admin.conf"));
            let data = |field: &str| {
                let (_, rest) = admin
                    .split_once(&format!("{field}-data: "))
                    .expect("a field");
                let data = rest.lines().next().expect("a line");
                (
                    format!("{field}-data: {data}"),
                    Base64::decode_vec(data).expect("base64"),
                )
            };
            let (certificate, _) = data("client-certificate");
            let (held, key) = data("client-key");
            for path in [folder.join("k/pki/adm.key"), aside.join("adm.key")] {
                write(&path, String::from_utf8(key.clone()).expect("PEM"));
                set_mode(&path, 0o600);
            }
            let user = |path: &str| [certificate.clone(), format!("client-key: {path}")];
            let (first, other) = (user(named), ("bob", user(theirs)));
            if own {
                kubeconfig(&folder, "admin.conf", "admin", &[("admin", first), other]);
            } else {
                kubeconfig(&folder, "admin.conf", "admin", &[("admin", first)]);
                let carol = ("carol", [certificate.clone(), held]);
                kubeconfig(&folder, "team.conf", "carol", &[carol, other]);
            }
            let words = format!("Delete the key {named}, which admin.conf named");
            let said = renew(&folder, 1, &[&["admin"][..], &NONE].concat()).expect(0);
            assert_eq!(said.stdout.contains(&words), told, "{theirs} {said}");
        }
    }
}

#[test]
fn who_may_read_the_key_file_of_each_user_of_a_kubeconfig_is_told() {
    for (mode, code) in [(0o600, 0), (0o666, 4)] {
        for current in ["carol", "bob", ""] {
            let (folder, aside) = (tree(), TempDir::new());
            client(&folder, 0, &[]).expect(0);
            let key = aside.join("bob.key");
            fs::rename(folder.join("k/pki/bob.key"), &key).expect("rename");
            team(&folder, current, [BOB[0], text(&key)], [false, false]);
            set_mode(&key, mode);
            let said = later(&folder, 0, "check", &NONE);
            let said = said.expect(if current.is_empty() { 4 } else { code });
            let words = format!("names the key {}, which has the mode 0666", text(&key));
            let times = usize::from(code == 4);
            assert_eq!(said.stdout.matches(&words).count(), times, "{said}");
            if current == "carol" && code == 4 {
                assert!(
                    said.stdout.contains("(user \"bob\") names the key"),
                    "{said}"
                );
            }
        }
    }
}

#[test]
fn what_is_due_of_a_user_whom_the_current_context_does_not_name_is_told_by_a_renewal() {
    let folder = tree();
    client(&folder, 0, &["--validity", "30d"]).expect(0);
    team(&folder, "carol", BOB, [true, true]);
    for file in BOB {
        fs::remove_file(folder.join("k").join(file)).expect("remove a file");
    }
    let conf = read(&folder.join("k/team.conf"));
    let told = "team.conf (user \"bob\") is due, and no run writes it: the current context of its kubeconfig does not name it: \
                put what is good in its place, or take that entry out";
    for (days, code, due, over) in [
        (1, 0, false, false),
        (20, 3, true, false),
        (40, 4, true, true),
    ] {
        for more in [&["--dry-run"][..], &[]] {
            let said = renew(&folder, days, &[&NONE[..], more].concat()).expect(code);
            assert_eq!(said.stderr.contains(told), due, "{said}");
            let ended = said.stderr.contains("team.conf (user \"bob\") ended on");
            assert_eq!(ended, over, "{said}");
        }
        later(&folder, days, "check", &NONE).expect(code);
    }
    assert_eq!(read(&folder.join("k/team.conf")), conf);
    // What names its pair is renewed with that.
    let folder = tree();
    client(&folder, 0, &["--validity", "30d"]).expect(0);
    team(&folder, "carol", BOB, [false, false]);
    let said = renew(&folder, 20, &NONE).expect(0);
    assert!(!said.stderr.contains("team.conf"), "{said}");
}

/// Each is looked at once, however many stand in one file.
#[test]
fn a_rollback_looks_at_hundreds_of_users_of_a_kubeconfig_in_no_time() {
    let folder = tree();
    client(&folder, 0, &[]).expect(0);
    renew(&folder, 1, &[&["bob.crt"][..], &NONE].concat()).expect(0);
    let half = [
        field(&folder, "client-certificate", BOB[0], false),
        field(&folder, "client-key", BOB[1], true),
    ];
    let names: Vec<String> = (0..300).map(|number| format!("u{number}")).collect();
    let users: Vec<(&str, [String; 2])> = names
        .iter()
        .map(|name| (name.as_str(), half.clone()))
        .collect();
    kubeconfig(&folder, "team.conf", "", &users);
    let begun = Instant::now();
    let said = later(&folder, 1, "rollback", &NONE).expect(3);
    let took = begun.elapsed();
    assert_eq!(said.stderr.matches("names one file").count(), 300);
    assert!(took < Duration::from_mins(1), "{took:?}");
}

/// A kubeconfig of `users`, each of the certificate that is made for it, with `clusters` and `contexts` in the form of lines.
fn of_team(folder: &TempDir, users: &[(&str, &str)], clusters: &[&str], contexts: &[[&str; 3]]) {
    let authority = field(folder, "certificate-authority", "pki/ca.crt", true);
    let mut conf = vec!["apiVersion: v1\nkind: Config\nclusters:".to_owned()];
    conf.push(format!(
        "- {{name: prod, cluster: {{server: \"https://10.0.0.10:6443\", {authority}}}}}"
    ));
    conf.extend(clusters.iter().map(|line| (*line).to_owned()));
    conf.push("users:".to_owned());
    for (user, key) in users {
        let certificate = format!("pki/{user}.crt");
        let fields = [
            field(folder, "client-certificate", &certificate, true),
            field(folder, "client-key", &format!("pki/{key}.key"), true),
        ];
        conf.push(format!(
            "- {{name: {user}, user: {{{}}}}}",
            fields.join(", ")
        ));
    }
    conf.push("contexts:".to_owned());
    conf.extend(contexts.iter().map(|[name, cluster, user]| {
        format!("- {{name: {name}, context: {{cluster: {cluster}, user: {user}}}}}")
    }));
    conf.push(format!("current-context: {}\n", contexts[0][0]));
    let path = folder.join("k/team.conf");
    write(&path, conf.join("\n"));
    set_mode(&path, 0o600);
    for (user, _) in users {
        for ending in ["crt", "key"] {
            fs::remove_file(folder.join(&format!("k/pki/{user}.{ending}"))).expect("remove a file");
        }
    }
}

fn users(folder: &TempDir, users: &[(&str, &str)]) {
    for (user, validity) in users {
        let named = [user, "--common-name", user, "--validity", validity];
        later(folder, 0, "client", &[&CLUSTER[..2], &named].concat()).expect(0);
    }
}

const LAB: &str =
    "- {name: lab, cluster: {server: \"https://lab:6443\", insecure-skip-tls-verify: true}}";

#[test]
fn who_is_shown_to_whoever_answers_is_told_of_each_user_that_a_context_leads_there() {
    let told = |context: &str| {
        format!(
            "trusts, in its cluster \"lab\", to which its context \"{context}\" leads the same user, whoever answers: it is not \
             verified: take that entry out, or give it the CA certificates of its server"
        )
    };
    let verified = "- {name: lab, cluster: {server: \"https://lab:6443\"}}";
    let plain =
        "- {name: lab, cluster: {server: \"http://lab:8080\", insecure-skip-tls-verify: true}}";
    let same = "- {name: lab, cluster: {server: \"https://10.0.0.10:6443\", insecure-skip-tls-verify: true}}";
    let here = ["one", "prod", "alice"];
    for (lab, contexts, expected) in [
        (LAB, &[here, ["two", "prod", "bob"]][..], vec![]),
        (
            LAB,
            &[here, ["two", "lab", "bob"], ["three", "lab", "bob"]],
            vec![("bob", "two")],
        ),
        (
            LAB,
            &[here, ["two", "lab", "alice"]],
            vec![("alice", "two")],
        ),
        (
            LAB,
            &[here, ["two", "lab", "alice"], ["three", "lab", "bob"]],
            vec![("alice", "two"), ("bob", "three")],
        ),
        (verified, &[here, ["two", "lab", "bob"]], vec![]),
        // Nobody is shown a certificate there.
        (plain, &[here, ["two", "lab", "bob"]], vec![]),
        // That is told of the server.
        (same, &[here, ["two", "lab", "bob"]], vec![]),
    ] {
        let folder = tree();
        users(&folder, &[("alice", "300d"), ("bob", "300d")]);
        of_team(
            &folder,
            &[("alice", "alice"), ("bob", "bob")],
            &[lab],
            contexts,
        );
        let code = if expected.is_empty() && lab != same {
            0
        } else {
            3
        };
        let checked = later(&folder, 0, "check", &NONE).expect(code);
        let words = checked.stdout.matches("to which its context").count();
        assert_eq!(words, expected.len(), "{contexts:?} {checked}");
        for (user, context) in expected {
            let who = if user == "bob" { " (user \"bob\")" } else { "" };
            let line = format!("k/team.conf{who} {}", told(context));
            assert!(checked.stdout.contains(&line), "{checked}");
        }
    }
    // Of a user of another CA it is that one's matter.
    let (folder, other) = (tree(), tree());
    users(&folder, &[("alice", "300d")]);
    users(&other, &[("bob", "300d")]);
    for ending in ["crt", "key"] {
        let file = format!("k/pki/bob.{ending}");
        fs::copy(other.join(&file), folder.join(&file)).expect("copy a file");
    }
    let contexts = [here, ["two", "lab", "bob"]];
    of_team(
        &folder,
        &[("alice", "alice"), ("bob", "bob")],
        &[LAB],
        &contexts,
    );
    later(&folder, 0, "check", &NONE).expect(0);
}

#[test]
fn each_user_of_a_kubeconfig_is_judged_once_whatever_contexts_lead_where() {
    let folder = tree();
    let all = [("alice", "300d"), ("bob", "10d"), ("carol", "300d")];
    users(&folder, &all);
    let aside = "- {name: other, cluster: {server: \"https://other:6443\"}}";
    of_team(
        &folder,
        &[("alice", "alice"), ("bob", "bob"), ("carol", "alice")],
        &[LAB, aside],
        &[
            ["one", "prod", "alice"],
            ["two", "prod", "bob"],
            ["three", "other", "bob"],
            ["four", "other", "carol"],
        ],
    );
    let checked = later(&folder, 20, "check", &NONE).expect(4);
    let told: Vec<&str> = checked
        .stdout
        .lines()
        .filter(|line| line.contains("team.conf") && line.contains(": "))
        .filter_map(|line| line.split_once("team.conf").map(|(_, rest)| rest))
        .filter(|line| !line.contains(" UTC  "))
        .collect();
    let ways = "put what is good in its place, or take that entry out";
    assert_eq!(told.len(), 2, "{checked}");
    assert!(
        told[0].starts_with(" (user \"bob\") ended on ") && told[0].ends_with(ways),
        "{checked}"
    );
    let words = " (user \"carol\") holds a key that is not its certificate's: ";
    assert_eq!(told[1], format!("{words}{ways}"), "{checked}");
    for user in ["", " (user \"bob\")", " (user \"carol\")"] {
        let rows = checked.stdout.lines();
        let rows = rows.filter(|line| line.starts_with(&format!("team.conf{user}  ")));
        assert_eq!(rows.count(), 1, "{checked}");
    }
    let metrics = later(
        &folder,
        20,
        "check",
        &[&NONE[..], &["-o", "prometheus"]].concat(),
    );
    for (user, expired) in [("alice", 0), ("bob", 1), ("carol", 0)] {
        let name = format!("x509_cert_expired{{embedded_key=\"{user}\"");
        let mut lines = metrics
            .stdout
            .lines()
            .filter(|line| line.starts_with(&name));
        assert!(
            lines
                .next()
                .is_some_and(|line| line.ends_with(&format!(" {expired}"))),
            "{metrics}"
        );
        assert_eq!(lines.next(), None);
    }
    let json = later(&folder, 20, "check", &[&NONE[..], &["-o", "json"]].concat());
    for user in ["bob", "carol"] {
        assert_eq!(
            json.stdout
                .matches(&format!("(user \\\"{user}\\\")\""))
                .count(),
            2,
            "{json}"
        );
    }
}

/// A plain renewal would be refused, for its new key parts the halves.
#[test]
fn what_ends_of_a_pair_that_is_named_by_half_is_to_be_renewed_for_its_key_and_that_works() {
    let row = "pki/apiserver-kubelet-client";
    for (base, name, days) in [
        ("pki/bob", "bob.crt", [1, 3]),
        (row, "apiserver-kubelet-client", [340, 367]),
    ] {
        for held in [[false, true], [true, false], [false, false]] {
            let folder = tree();
            client(&folder, 0, &["--validity", "48h"]).expect(0);
            let own = [
                field(
                    &folder,
                    "client-certificate",
                    &format!("{base}.crt"),
                    held[0],
                ),
                field(&folder, "client-key", &format!("{base}.key"), held[1]),
            ];
            kubeconfig(&folder, "own.conf", "own", &[("own", own)]);
            let way_out = |days, within, codes: &[&str]| {
                let more = [&NONE[..], &["--within", within, "--output", "json"]].concat();
                let said = later(&folder, days, "check", &more);
                let report: serde_json::Value =
                    serde_json::from_str(&said.stdout).expect("a report");
                let findings = report["findings"].as_array().expect("findings").iter();
                let mut told = findings.filter(|told| {
                    let code = told["code"].as_str().expect("a code");
                    told["name"] == name && codes.contains(&code)
                });
                let told = told.next().map(|told| told["wayOut"].clone());
                told.map(|way_out| way_out.as_str().expect("text").to_owned())
            };
            let ends = ["expired", "expires-soon"];
            let same_key = format!("'certs renew {name} --reuse-key' renews it, for the same key");
            let parted = held[0] != held[1];
            for days in days {
                let way_out = way_out(days, "30d", &ends);
                assert_eq!(way_out.as_ref() == Some(&same_key), parted, "{way_out:?}");
            }
            let short = way_out(0, "1h", &["short-lived"]);
            assert_eq!(short.is_some(), base == "pki/bob");
            if let Some(short) = short {
                let same_key = short.ends_with(" --validity 8760h --reuse-key'");
                assert_eq!(same_key, parted, "{short}");
            }
            if !parted {
                continue;
            }
            let [soon, over] = days;
            renew(&folder, soon, &[&[name, "--dry-run"][..], &NONE].concat()).expect(3);
            let lasting = [name, "--reuse-key", "--validity", "8760h"];
            renew(&folder, over, &[&lasting[..], &NONE].concat()).expect(0);
            assert_eq!(
                way_out(over, "30d", &[ends[0], ends[1], "short-lived"]),
                None
            );
        }
    }
}

/// However many name it.
#[test]
fn a_bundle_that_many_entries_name_is_read_once_for_all() {
    let folder = tree();
    let ca = read(&folder.join("k/pki/ca.crt"));
    write(&folder.join("bundle.pem"), ca.repeat(3));
    let mut lines = vec!["apiVersion: v1\nkind: Config\ncurrent-context: c0\n".to_owned()];
    for (list, inner) in [("clusters", "cluster"), ("contexts", "context")] {
        lines.push(format!("{list}:\n"));
        for number in 0..40 {
            let entry = match inner {
                "cluster" => format!(
                    "{{server: 'https://10.9.0.{number}:6443', certificate-authority: {}}}",
                    text(&folder.join("bundle.pem"))
                ),
                _ => format!("{{cluster: c{number}, user: u}}"),
            };
            lines.push(format!("- {{name: c{number}, {inner}: {entry}}}\n"));
        }
    }
    lines.push("users:\n- {name: u, user: {token: x}}\n".to_owned());
    write(&folder.join("k/many.conf"), lines.concat());
    set_mode(&folder.join("k/many.conf"), 0o600);
    let log = folder.join("calls");
    let mut check = certs(&["check", "--kubernetes-dir", text(&folder.join("k"))]);
    check.args(NONE);
    let mut strace = Command::new(tool("strace"));
    strace.args(["-f", "-e", "trace=openat", "-o", text(&log)]);
    strace.arg(check.get_program()).args(check.get_args());
    run(&mut strace);
    let calls = fs::read_to_string(&log).expect("read the calls");
    let opened = calls
        .lines()
        .filter(|call| call.contains("/bundle.pem\""))
        .count();
    assert!((1..=3).contains(&opened), "{opened}");
}
