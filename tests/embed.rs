//! Kubeconfigs that name their certificate and key instead of holding them.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

mod common;
use common::kubeadm::NOON;
use common::renewal::{DAY, renew, tree};
use common::snapshot::{same, snapshot};
use common::{
    CLUSTER, Finished, TempDir, all, at, certs, kubeconfig_data, mode, read, run, text, tool,
    tree_of_all, venv, write,
};

const NAMED: &str = "--embed-certs=false";

fn kubeconfig(place: &Path, more: &[&str]) -> Finished {
    let mut command = certs(&["kubeconfig", "--kubernetes-dir", text(place)]);
    run(command.args(CLUSTER).args(more))
}

fn check(place: &Path) -> Finished {
    let kubelet = place.join("kubelet");
    let mut command = certs(&["check", "--kubernetes-dir", text(place)]);
    run(command.args(["--kubelet-dir", text(&kubelet)]))
}

fn codes(finished: &Finished) -> Vec<String> {
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("findings");
    let code = |found: &Value| found["code"].as_str().expect("a code").to_owned();
    findings.iter().map(code).collect()
}

/// The paths in a kubeconfig of one entry.
fn named(kubeconfig: &Path) -> Vec<String> {
    let text = read(kubeconfig);
    let fields = [
        "certificate-authority:",
        "client-certificate:",
        "client-key:",
    ];
    let lines = text.lines().map(str::trim);
    lines
        .filter_map(|line| {
            let field = fields.iter().find(|field| line.starts_with(**field))?;
            Some(line[field.len()..].trim().to_owned())
        })
        .collect()
}

fn openssl(arguments: &[&str]) -> String {
    run(Command::new(tool("openssl")).args(arguments))
        .expect(0)
        .stdout
}

/// Whether the pair in `pki` belongs together.
fn is_pair(place: &Path, base: &str) {
    let of = |ending: &str| place.join("pki").join(format!("{base}.{ending}"));
    let certificate = openssl(&["x509", "-in", text(&of("crt")), "-noout", "-pubkey"]);
    let key = openssl(&["pkey", "-in", text(&of("key")), "-pubout"]);
    assert_eq!(certificate, key);
}

/// A tree whose admin.conf names its pair.
fn named_admin() -> TempDir {
    let place = tree_of_all();
    fs::remove_file(place.join("admin.conf")).expect("remove a file");
    kubeconfig(place.path(), &["admin", NAMED]).expect(0);
    place
}

#[test]
fn pair_and_kubeconfig_are_made_in_one_run_with_paths_that_move_with_the_tree() {
    let place = named_admin();
    let admin = place.join("admin.conf");
    assert_eq!(
        named(&admin),
        ["pki/ca.crt", "pki/admin.crt", "pki/admin.key"]
    );
    assert!(!read(&admin).contains("-data"));
    is_pair(place.path(), "admin");
    assert_eq!(mode(&admin), 0o600);
    assert_eq!(mode(&place.join("pki/admin.key")), 0o600);
    assert_eq!(mode(&place.join("pki/admin.crt")), 0o644);
    // Elsewhere it is the same tree.
    let moved = TempDir::new();
    run(Command::new("cp")
        .arg("-a")
        .arg(place.join("."))
        .arg(moved.path()))
    .expect(0);
    let mut kubectl = Command::new(venv("kubectl"));
    kubectl.args(["config", "view", "--raw", "--flatten", "--kubeconfig"]);
    let flat = run(kubectl.arg(moved.join("admin.conf"))).expect(0).stdout;
    let flattened = moved.join("flat.conf");
    write(&flattened, flat);
    for (field, file) in [
        ("certificate-authority-data", "pki/ca.crt"),
        ("client-certificate-data", "pki/admin.crt"),
        ("client-key-data", "pki/admin.key"),
    ] {
        let data = kubeconfig_data(&flattened, field);
        assert_eq!(data, read(&moved.join(file)).into_bytes(), "{field}");
    }
    fs::remove_file(flattened).expect("remove a file");
    let checked = check(moved.path()).expect(0);
    assert!(checked.stdout.contains("nothing is wrong"), "{checked}");
}

#[test]
fn rollback_undoes_both_at_once() {
    let place = tree_of_all();
    let before = read(&place.join("admin.conf"));
    kubeconfig(place.path(), &["admin", NAMED, "--force"]).expect(0);
    assert!(!read(&place.join("admin.conf")).contains("-data"));
    let mut rollback = certs(&["rollback", "--kubernetes-dir", text(place.path())]);
    run(&mut rollback).expect(0);
    assert_eq!(read(&place.join("admin.conf")), before);
}

#[test]
fn certificates_outside_the_kubeconfigs_folder_are_named_by_their_whole_path() {
    let place = tree_of_all();
    let elsewhere = TempDir::new();
    let conf = elsewhere.join("bob.conf");
    let more = ["bob", "--common-name", "bob", NAMED];
    let here = ["--kubeconfig-dir", text(elsewhere.path())];
    kubeconfig(place.path(), &[&more[..], &here].concat()).expect(0);
    let pki = |name: &str| text(&place.join("pki").join(name)).to_owned();
    assert_eq!(
        named(&conf),
        [pki("ca.crt"), pki("bob.crt"), pki("bob.key")]
    );
    is_pair(place.path(), "bob");
}

#[test]
fn a_pair_that_is_there_is_kept_and_named() {
    let place = tree_of_all();
    let alice = ["alice", "--common-name", "alice"];
    let mut client = certs(&["client", "--kubernetes-dir", text(place.path())]);
    client.args(alice).args(["--key-algorithm", "ECDSA-P256"]);
    run(&mut client).expect(0);
    let key = read(&place.join("pki/alice.key"));
    let made = kubeconfig(place.path(), &[&alice[..], &[NAMED]].concat()).expect(0);
    assert!(made.stdout.contains("alice.conf"), "{made}");
    assert_eq!(read(&place.join("pki/alice.key")), key);
    // One that is wrong is told once, and nothing is written.
    fs::remove_file(place.join("alice.conf")).expect("remove a file");
    fs::copy(place.join("pki/ca.key"), place.join("pki/alice.key")).expect("copy a file");
    let refused = kubeconfig(
        place.path(),
        &[&alice[..], &[NAMED, "--output", "json"]].concat(),
    )
    .expect(4);
    assert_eq!(codes(&refused), ["key-mismatch"]);
    assert!(!place.join("alice.conf").exists());
}

#[test]
fn what_is_of_the_other_kind_is_refused_and_replaced_by_force_alone() {
    let place = tree_of_all();
    let before = read(&place.join("admin.conf"));
    for (asked, opposite) in [(NAMED, "--embed-certs"), ("--embed-certs", NAMED)] {
        let refused = kubeconfig(place.path(), &["admin", asked, "--output", "json"]).expect(4);
        assert_eq!(codes(&refused), ["kubeconfig-files"]);
        if asked == NAMED {
            assert_eq!(read(&place.join("admin.conf")), before);
            assert!(!place.join("pki/admin.crt").exists());
        }
        kubeconfig(place.path(), &["admin", opposite]).expect(0);
        kubeconfig(place.path(), &["admin", asked, "--force"]).expect(0);
        kubeconfig(place.path(), &["admin", asked]).expect(0);
        kubeconfig(place.path(), &["admin"]).expect(0);
        check(place.path()).expect(0);
    }
    assert!(read(&place.join("admin.conf")).contains("client-key-data"));
}

#[test]
fn without_the_flag_each_kind_is_kept_by_all_and_by_force() {
    let place = named_admin();
    let before = read(&place.join("admin.conf"));
    let kept = run(&mut all(place.path(), &[])).expect(0);
    assert!(kept.stdout.contains("pki/admin.crt, .key"), "{kept}");
    let key = read(&place.join("pki/admin.key"));
    kubeconfig(place.path(), &["--force", "admin"]).expect(0);
    assert_ne!(read(&place.join("pki/admin.key")), key);
    assert_eq!(read(&place.join("admin.conf")), before);
    is_pair(place.path(), "admin");
    // What is wrong about its pair is told of the pair, and mended there.
    fs::copy(place.join("pki/ca.key"), place.join("pki/admin.key")).expect("copy a file");
    let refused = run(&mut all(place.path(), &["--output", "json"])).expect(4);
    assert_eq!(codes(&refused), ["key-mismatch", "system-masters"]);
    run(&mut all(place.path(), &["--force"])).expect(0);
    assert_eq!(read(&place.join("admin.conf")), before);
    is_pair(place.path(), "admin");
    check(place.path()).expect(0);
}

#[test]
fn a_kubeconfig_of_both_kinds_is_understood_and_is_neither() {
    let place = named_admin();
    let admin = place.join("admin.conf");
    let ca = base64(&read(&place.join("pki/ca.crt")));
    let certificate = base64(&read(&place.join("pki/admin.crt")));
    let mixed = read(&admin)
        .replace(
            "certificate-authority: pki/ca.crt",
            &format!("certificate-authority-data: {ca}"),
        )
        .replace(
            "client-certificate: pki/admin.crt",
            &format!("client-certificate-data: {certificate}"),
        );
    write(&admin, &mixed);
    kubeconfig(place.path(), &["admin"]).expect(0);
    check(place.path()).expect(0);
    for asked in [NAMED, "--embed-certs"] {
        let refused = kubeconfig(place.path(), &["admin", asked, "--output", "json"]).expect(4);
        assert_eq!(codes(&refused), ["kubeconfig-files"]);
    }
    // Its parts are judged wherever they are.
    fs::copy(place.join("pki/ca.key"), place.join("pki/admin.key")).expect("copy a file");
    let refused = kubeconfig(place.path(), &["admin", "--output", "json"]).expect(4);
    assert_eq!(codes(&refused), ["key-mismatch"]);
    let checked = check(place.path()).expect(4).stdout;
    for file in ["admin.conf holds a key", "admin.key is not the key"] {
        assert!(checked.contains(file), "{checked}");
    }
}

#[test]
fn a_key_that_others_may_read_is_told_where_it_lies() {
    let place = named_admin();
    common::set_mode(&place.join("pki/admin.key"), 0o644);
    let refused = kubeconfig(place.path(), &["admin", "--output", "json"]).expect(4);
    assert_eq!(codes(&refused), ["key-mode"]);
    common::set_mode(&place.join("pki/admin.key"), 0o600);
    kubeconfig(place.path(), &["admin"]).expect(0);
}

/// Of what holds none there is none to be replaced.
#[test]
fn a_kubeconfig_that_only_says_where_its_key_is_exposes_none() {
    let folder = named_of_own("alice");
    let conf = folder.join("k/alice.conf");
    let told = || {
        let finished = later(&folder, 1, "check", &["-o", "json"]).expect(4);
        let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
        let findings = report["findings"].as_array().expect("findings");
        let of_mode = findings.iter().find(|told| told["code"] == "key-mode");
        let of_mode = of_mode.unwrap_or_else(|| panic!("no key-mode: {finished}"));
        of_mode["wayOut"].as_str().expect("a way out").to_owned()
    };
    common::set_mode(&conf, 0o644);
    assert_eq!(told(), "chmod it to 0600");
    embed(&folder, "alice", "client-key", "key");
    common::set_mode(&conf, 0o644);
    assert!(told().contains("replace the key"), "{}", told());
}

fn base64(text: &str) -> String {
    <base64ct::Base64 as base64ct::Encoding>::encode_string(text.as_bytes())
}

/// `certs` over the tree that was made at noon, so many days later.
fn later(folder: &TempDir, days: i64, verb: &str, more: &[&str]) -> Finished {
    let mut command = certs(&[verb, "--kubernetes-dir", text(&folder.join("k"))]);
    command.args(more);
    run(&mut at(NOON + days * DAY, "022", &command))
}

fn kubeconfig_later(folder: &TempDir, days: i64, more: &[&str]) -> Finished {
    later(folder, days, "kubeconfig", &[&CLUSTER[..], more].concat())
}

fn check_later(folder: &TempDir, days: i64) -> Finished {
    later(folder, days, "check", &["--kubelet-dir", "none"])
}

/// A kubeconfig that names its pair has one of the two in itself.
fn embed(folder: &TempDir, base: &str, field: &str, ending: &str) {
    hold(folder, base, field, &format!("pki/{base}.{ending}"));
}

fn hold(folder: &TempDir, base: &str, field: &str, file: &str) {
    let data = base64(&read(&folder.join("k").join(file)));
    let conf = folder.join(&format!("k/{base}.conf"));
    let mixed = read(&conf).replace(
        &format!("{field}: {file}"),
        &format!("{field}-data: {data}"),
    );
    assert!(mixed.contains(&data), "{mixed}");
    write(&conf, mixed);
}

fn named_of_own(base: &str) -> TempDir {
    let folder = tree();
    kubeconfig_later(&folder, 0, &[base, "--common-name", base, NAMED]).expect(0);
    folder
}

#[test]
fn a_kubeconfig_that_names_its_pair_is_renewed_with_it_and_nothing_is_told_of_it() {
    let folder = tree();
    kubeconfig_later(&folder, 0, &["scheduler", "--force", NAMED]).expect(0);
    // Before it is due, soon, and when it is over.
    for (days, flags) in [(1, &["--all"][..]), (350, &[]), (720, &["--all"])] {
        let said = renew(&folder, days, &[flags, &["--output", "json"]].concat()).expect(0);
        let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
        assert!(!said.stdout.contains("not-renewed"), "{said}");
        let items = report["items"].as_array().expect("items");
        let item = |name| {
            items
                .iter()
                .find(|item| item["name"] == name)
                .expect("an item")
        };
        let (pair, conf) = (item("scheduler.crt"), item("scheduler"));
        assert_eq!(
            (&pair["step"], &conf["step"]),
            (&"replace".into(), &"keep".into())
        );
        assert_eq!(conf["notAfter"], pair["notAfter"]);
        assert_eq!(conf["expires"], pair["expires"]);
        check_later(&folder, days).expect(0);
    }
    // Its end is that of its file, with its CA's too.
    renew(&folder, 1000, &["ca", "scheduler"]).expect(0);
    let below =
        "apiserver apiserver-kubelet-client admin super-admin kubelet controller-manager scheduler";
    let names: Vec<&str> = ["ca"].into_iter().chain(below.split(' ')).collect();
    let said = renew(
        &folder,
        1100,
        &[&names[..], &["--ca-validity", "20d"]].concat(),
    )
    .expect(3);
    assert!(said.stderr.contains("would end on"), "{said}");
}

#[test]
fn a_kubeconfig_and_the_pair_that_it_names_are_asked_for_alike_where_the_key_of_their_ca_is_not_here()
 {
    let folder = tree();
    kubeconfig_later(&folder, 0, &["scheduler", "--force", NAMED]).expect(0);
    kubeconfig_later(&folder, 0, &["alice", "--common-name", "alice", NAMED]).expect(0);
    fs::remove_file(folder.join("k/pki/ca.key")).expect("remove the CA's key");
    let asks = "'certs csr scheduler' asks the CA's owner for it, and 'certs import' puts it here";
    let lines = |text: &str, file: &str| -> Vec<String> {
        let of = text
            .lines()
            .filter(|line| line.contains(&format!("k/{file} ")));
        of.filter(|line| line.starts_with("warning: ") || line.starts_with("error: "))
            .map(str::to_owned)
            .collect()
    };
    for (days, code) in [(350, 3), (400, 4)] {
        let renewed = renew(&folder, days, &[]);
        let checked = check_later(&folder, days).expect(code);
        for (said, text) in [(&renewed, &renewed.stderr), (&checked, &checked.stdout)] {
            for file in ["scheduler.conf", "pki/scheduler.crt"] {
                let told = lines(text, file);
                assert!(!told.is_empty(), "{file}: {said}");
                assert!(told.iter().all(|line| line.ends_with(asks)), "{told:?}");
            }
            // Of one's own no run asks for another.
            let told = lines(text, "pki/alice.crt");
            let owner = "have the CA's owner issue it, and place it here";
            assert!(told.iter().all(|line| line.ends_with(owner)), "{told:?}");
        }
    }
    let said = later(
        &folder,
        350,
        "csr",
        &["scheduler", "--csr-dir", text(&folder.join("new"))],
    );
    let said = said.expect(0);
    assert!(said.stdout.contains("k/pki/scheduler.key, .csr"), "{said}");
}

#[test]
fn a_pair_of_which_a_kubeconfig_has_one_half_is_renewed_for_the_same_key_alone() {
    for (field, ending) in [("client-key", "key"), ("client-certificate", "crt")] {
        let folder = named_of_own("carol");
        embed(&folder, "carol", field, ending);
        check_later(&folder, 1).expect(0);
        let before = snapshot(&folder.join("k"));
        let pair = [
            folder.join("k/pki/carol.crt"),
            folder.join("k/pki/carol.key"),
        ];
        let was = pair.each_ref().map(|file| read(file));
        let words = "carol.crt is due, and carol.conf names one of its two files: with a new key it would be left \
                     with half: renew it for the same key (--reuse-key), or have carol.conf name both files";
        let said = renew(&folder, 1, &["carol.crt"]).expect(3);
        assert!(said.stderr.contains(words), "{said}");
        same(&before, &folder.join("k"));
        if ending == "crt" {
            // It is renewed in itself, and has nothing of the pair any more.
            let said = renew(&folder, 350, &[]).expect(3);
            assert!(said.stderr.contains(words), "{said}");
            assert_eq!(pair.each_ref().map(|file| read(file)), was);
            let conf = read(&folder.join("k/carol.conf"));
            assert!(conf.contains("client-key-data"), "{conf}");
            renew(&folder, 350, &[]).expect(0);
        } else {
            for (days, flags) in [(1, &["--all"][..]), (350, &[])] {
                let said = renew(&folder, days, flags).expect(3);
                assert!(said.stderr.contains(words), "{said}");
                assert_eq!(pair.each_ref().map(|file| read(file)), was);
            }
            // What was not renewed ends soon, and is sound.
            check_later(&folder, 350).expect(3);
            renew(&folder, 350, &["carol", "--reuse-key"]).expect(0);
        }
        assert_ne!(read(&pair[0]), was[0]);
        check_later(&folder, 350).expect(0);
    }
}

#[test]
fn a_pair_that_ended_and_of_which_a_kubeconfig_has_one_half_has_one_way_out() {
    let way_out = "'certs renew bob.crt --reuse-key' renews it, for the same key";
    let line = |said: &str| {
        let of = |line: &&str| line.starts_with("error: ") && line.contains("bob.crt ended on ");
        said.lines().find(of).expect("an error").to_owned()
    };
    let folder = named_of_own("bob");
    embed(&folder, "bob", "client-key", "key");
    let checked = check_later(&folder, 366).expect(4);
    assert!(line(&checked.stdout).ends_with(way_out), "{checked}");
    for named in [&["bob"][..], &[], &["--all"]] {
        let said = renew(&folder, 366, named).expect(4);
        assert!(line(&said.stderr).ends_with(way_out), "{said}");
    }
    renew(&folder, 366, &["bob.crt", "--reuse-key"]).expect(0);
}

#[test]
fn a_kubeconfig_with_the_key_of_a_lone_certificate_is_told_how_it_gets_whole() {
    let folder = tree();
    kubeconfig_later(&folder, 0, &["admin", "--force", NAMED]).expect(0);
    kubeconfig_later(&folder, 0, &["carol", "--common-name", "carol", NAMED]).expect(0);
    for base in ["admin", "carol"] {
        embed(&folder, base, "client-key", "key");
        fs::remove_file(folder.join(&format!("k/pki/{base}.key"))).expect("remove");
    }
    let admin =
        "'certs kubeconfig admin --force', with the configuration of the cluster, reissues it";
    let carol =
        "'certs kubeconfig carol --force', with its common name and organizations, makes it anew";
    let checked = check_later(&folder, 350).expect(3);
    let all = renew(&folder, 350, &["--dry-run"]).expect(3).stderr;
    for (base, way_out) in [("admin", admin), ("carol", carol)] {
        let told = checked
            .stdout
            .lines()
            .find(|line| line.contains(&format!("{base}.conf ends on")));
        assert!(
            told.is_some_and(|line| line.ends_with(way_out)),
            "{checked}"
        );
        let words =
            format!("{base}.conf is due, and its certificate lies in a file of its own: {way_out}");
        assert!(all.contains(&words), "{all}");
        let said = renew(&folder, 350, &[&format!("{base}.conf")]).expect(3);
        assert!(said.stderr.contains(&words), "{said}");
        // What is asked for whenever it ends is told as what is due.
        let keyless = format!("{base}.crt is due, and lies without a file of its key: issue it");
        for days in [1, 350] {
            let said = renew(&folder, days, &["--all", "--dry-run"]).expect(3);
            for words in [&words, &keyless] {
                assert!(said.stderr.contains(words), "{words}: {said}");
            }
        }
    }
    assert!(!checked.stdout.contains("kubelet rotates"), "{checked}");
    // Followed, it is renewed as any other.
    kubeconfig_later(&folder, 350, &["admin", "--force"]).expect(0);
    kubeconfig_later(
        &folder,
        350,
        &["carol", "--common-name", "carol", "--force"],
    )
    .expect(0);
    for base in ["admin", "carol"] {
        fs::remove_file(folder.join(&format!("k/pki/{base}.crt"))).expect("remove");
    }
    renew(&folder, 700, &[]).expect(0);
    check_later(&folder, 700).expect(0);
}

/// A kubeconfig of its own that names a pair.
fn naming(folder: &TempDir, base: &str, ca: &str, pair: &str) {
    let carol = read(&folder.join("k/carol.conf"));
    let conf = folder.join(&format!("k/{base}.conf"));
    let named = carol.replace("pki/carol", &format!("pki/{pair}"));
    write(&conf, named.replace("pki/ca.crt", &format!("pki/{ca}.crt")));
    common::set_mode(&conf, 0o600);
}

#[test]
fn a_pair_of_which_a_kubeconfig_has_one_half_is_not_made_anew_beside_it() {
    for (field, ending) in [("client-key", "key"), ("client-certificate", "crt")] {
        let folder = named_of_own("carol");
        naming(&folder, "peer", "ca", "etcd/peer");
        let verbs: [(&str, &[&str]); 3] = [
            ("client", &["carol", "--common-name", "carol"]),
            ("peer", &["etcd-peer"]),
            ("all", &["--etcd-extra-sans", "new.example.com"]),
        ];
        let force = |verb: &str, more: &[&str]| {
            let facts = if verb == "client" {
                &CLUSTER[..2]
            } else {
                &CLUSTER[..]
            };
            let more = [facts, more, &["--force", "--output", "json"]].concat();
            later(&folder, 1, verb, &more)
        };
        // With both halves in the files nothing is in the way.
        for (verb, more) in verbs {
            force(verb, more).expect(0);
        }
        check_later(&folder, 1).expect(0);
        embed(&folder, "carol", field, ending);
        hold(&folder, "peer", field, &format!("pki/etcd/peer.{ending}"));
        check_later(&folder, 1).expect(0);
        let before = snapshot(&folder.join("k"));
        for (verb, more) in verbs {
            // For `all` another name must be wanted, else there is nothing to replace.
            let more: Vec<String> = more
                .iter()
                .map(|word| word.replace("new.", "newer."))
                .collect();
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            let refused = force(verb, &more).expect(4);
            let found = codes(&refused);
            assert!(found.contains(&"halved-pair".to_owned()), "{refused}");
            assert!(!refused.stdout.contains("with --force"), "{refused}");
            same(&before, &folder.join("k"));
        }
        // Made anew with its pair the kubeconfig has both.
        let anew = ["carol", "--common-name", "carol", NAMED, "--force"];
        kubeconfig_later(&folder, 1, &anew).expect(0);
        force(verbs[0].0, verbs[0].1).expect(0);
        check_later(&folder, 1).expect(0);
    }
}

#[test]
fn what_is_imported_goes_with_either_half_of_a_pair() {
    for (field, ending) in [("client-key", "key"), ("client-certificate", "crt")] {
        let folder = named_of_own("carol");
        let pair = "apiserver-kubelet-client";
        naming(&folder, "carol", "ca", pair);
        hold(&folder, "carol", field, &format!("pki/{pair}.{ending}"));
        let signer = folder.join("signer");
        run(Command::new("cp")
            .arg("-a")
            .arg(folder.join("k"))
            .arg(&signer))
        .expect(0);
        fs::remove_file(folder.join("k/pki/ca.key")).expect("remove a file");
        let was = read(&folder.join("k").join(format!("pki/{pair}.crt")));
        let requests = folder.join("requests");
        let kubelet = ["--kubelet-dir", "none"];
        let ask = [&[pair, "--csr-dir", text(&requests)], &kubelet[..]].concat();
        later(&folder, 1, "csr", &ask).expect(0);
        let mut sign = certs(&["sign", text(&requests), "--kubernetes-dir", text(&signer)]);
        run(&mut at(NOON + DAY, "022", sign.args(&CLUSTER[..4]))).expect(0);
        later(
            &folder,
            1,
            "import",
            &[&[text(&requests)], &kubelet[..]].concat(),
        )
        .expect(0);
        assert_ne!(read(&folder.join("k").join(format!("pki/{pair}.crt"))), was);
        check_later(&folder, 1).expect(0);
    }
}

#[test]
fn a_kubeconfig_of_which_one_half_is_a_file_has_both_once_its_certificate_is_imported() {
    for (field, ending) in [("client-key", "key"), ("client-certificate", "crt")] {
        let folder = tree();
        kubeconfig_later(&folder, 0, &["admin", "--force", NAMED]).expect(0);
        embed(&folder, "admin", field, ending);
        let pki = |name: &str| folder.join("k/pki").join(name);
        let back = folder.join("back");
        fs::create_dir(&back).expect("a folder");
        let conf = "[v]\nkeyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=clientAuth\n\
                    authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n";
        let (extensions, request) = (folder.join("v"), folder.join("csr"));
        write(&extensions, conf);
        let subject = "/O=kubeadm:cluster-admins/CN=kubernetes-admin";
        let key = pki("admin.key");
        openssl(&[
            "req",
            "-new",
            "-key",
            text(&key),
            "-subj",
            subject,
            "-out",
            text(&request),
        ]);
        let (ca, ca_key, out) = (pki("ca.crt"), pki("ca.key"), back.join("admin.crt"));
        let signed = [
            "x509",
            "-req",
            "-in",
            text(&request),
            "-CA",
            text(&ca),
            "-CAkey",
            text(&ca_key),
            "-days",
            "366",
            "-extfile",
            text(&extensions),
            "-extensions",
            "v",
            "-out",
            text(&out),
        ];
        let mut openssl = Command::new(tool("openssl"));
        run(&mut at(NOON, "022", openssl.args(signed))).expect(0);
        fs::remove_file(pki("ca.key")).expect("remove a file");
        let import = [text(&back), "admin", "--kubelet-dir", "none"];
        later(&folder, 1, "import", &import).expect(0);
        let admin = folder.join("k/admin.conf");
        let new = kubeconfig_data(&admin, "client-certificate-data");
        assert_eq!(String::from_utf8(new).expect("PEM"), read(&out));
        check_later(&folder, 1).expect(0);
    }
}

#[test]
fn a_kubeconfig_that_names_its_pair_and_holds_its_ca_is_asked_for_and_keeps_both() {
    let folder = tree();
    kubeconfig_later(&folder, 0, &["admin", "--force", NAMED]).expect(0);
    let admin = folder.join("k/admin.conf");
    hold(&folder, "admin", "certificate-authority", "pki/ca.crt");
    // It is of the kind that was asked for by name alone.
    kubeconfig_later(&folder, 1, &["admin"]).expect(0);
    for asked in [NAMED, "--embed-certs"] {
        let refused = kubeconfig_later(&folder, 1, &["admin", asked, "--output", "json"]).expect(4);
        assert_eq!(codes(&refused), ["kubeconfig-files"], "{asked}");
    }
    kubeconfig_later(&folder, 1, &["admin", "--force"]).expect(0);
    let mixed = |text: &str| {
        assert!(text.contains("certificate-authority-data: "), "{text}");
        assert!(text.contains("client-certificate: pki/admin.crt"), "{text}");
        assert!(text.contains("client-key: pki/admin.key"), "{text}");
    };
    mixed(&read(&admin));
    check_later(&folder, 1).expect(0);
    let signer = folder.join("signer");
    run(Command::new("cp")
        .arg("-a")
        .arg(folder.join("k"))
        .arg(&signer))
    .expect(0);
    fs::remove_file(folder.join("k/pki/ca.key")).expect("remove a file");
    let was = read(&folder.join("k/pki/admin.crt"));
    let requests = folder.join("requests");
    let ask = ["--csr-dir", text(&requests), "--kubelet-dir", "none"];
    let asked = later(&folder, 350, "csr", &ask).expect(0);
    assert!(asked.stdout.contains("k/pki/admin.key, .csr"), "{asked}");
    let mut sign = certs(&["sign", text(&requests), "--kubernetes-dir", text(&signer)]);
    run(&mut at(NOON + 350 * DAY, "022", sign.args(&CLUSTER[..4]))).expect(0);
    let import = [text(&requests), "--kubelet-dir", "none"];
    later(&folder, 350, "import", &import).expect(0);
    assert_ne!(read(&folder.join("k/pki/admin.crt")), was);
    mixed(&read(&admin));
    check_later(&folder, 350).expect(0);
}

#[test]
fn of_a_kubeconfig_with_its_certificate_in_a_file_csr_tells_what_it_is_and_not_that_a_kubelet_has_it()
 {
    let folder = tree();
    kubeconfig_later(&folder, 0, &["admin", "--force", NAMED]).expect(0);
    kubeconfig_later(&folder, 0, &["kubelet", "--force", NAMED]).expect(0);
    for base in ["admin", "kubelet"] {
        embed(&folder, base, "client-key", "key");
        fs::remove_file(folder.join(&format!("k/pki/{base}.key"))).expect("remove a file");
    }
    fs::remove_file(folder.join("k/pki/ca.key")).expect("remove a file");
    let requests = folder.join("requests");
    let ask = [
        "admin",
        "kubelet",
        "--csr-dir",
        text(&requests),
        "--kubelet-dir",
        "none",
    ];
    let said = later(&folder, 350, "csr", &ask).expect(3).stderr;
    let line = |of: &str| said.lines().find(|line| line.contains(of)).expect("a line");
    assert!(!line("admin.conf is due").contains("kubelet"), "{said}");
    assert!(
        line("kubelet.conf is due").contains("kubelet rotates"),
        "{said}"
    );
}
