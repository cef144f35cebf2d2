//! `certs renew`: what is due lasts longer, and nothing else is another.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

mod common;
use common::kubeadm::NOON;
use common::renewal::{DAY, command, renew, tree};
use common::snapshot::{same, snapshot};
use common::{
    TempDir, at, certs, fixture, read, run, set_mode, text, tool, venv, write, write_secret,
};

/// A tree of a cluster whose leaves have a year from here.
const MADE: i64 = NOON;

fn json(folder: &TempDir, days: i64, flags: &[&str], code: i32) -> Value {
    let flags = [&["--output", "json"], flags].concat();
    let finished = renew(folder, days, &flags).expect(code);
    serde_json::from_str(&finished.stdout).expect("JSON")
}

fn steps<'a>(report: &'a Value, step: &str) -> Vec<&'a str> {
    let items = report["items"].as_array().expect("items");
    items
        .iter()
        .filter(|item| item["step"] == step)
        .map(|item| item["name"].as_str().expect("a name"))
        .collect()
}

fn codes(report: &Value, severity: &str) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings");
    findings
        .iter()
        .filter(|told| told["severity"] == severity)
        .map(|told| {
            let text = |field: &str| told[field].as_str().expect("text").to_owned();
            format!("{} {}", text("name"), text("code"))
        })
        .collect()
}

fn openssl(arguments: &[&str], file: &Path) -> String {
    let mut command = Command::new(tool("openssl"));
    run(command.args(arguments).arg("-in").arg(file))
        .expect(0)
        .stdout
}

/// What is in each file of the tree, but for backups.
fn contents(folder: &TempDir) -> BTreeMap<String, Vec<u8>> {
    let place = folder.join("k");
    let listed = common::listing(&place).into_iter();
    listed
        .map(|path| (text(&path).to_owned(), place.join(path)))
        .filter(|(name, path)| !name.contains(".certs-backup") && path.is_file())
        .map(|(name, path)| (name, fs::read(path).expect("a file")))
        .collect()
}

/// The files that differ from `before`, of which none came or went.
fn changed(before: &BTreeMap<String, Vec<u8>>, folder: &TempDir) -> Vec<String> {
    let after = contents(folder);
    assert!(before.keys().eq(after.keys()), "a file came or went");
    let differ = before
        .iter()
        .filter(|(name, bytes)| after[*name] != **bytes);
    differ.map(|(name, _)| name.clone()).collect()
}

#[test]
fn in_time_nothing_is_due_and_in_the_last_thirty_days_every_leaf_is() {
    let folder = tree();
    let before = snapshot(&folder.join("k"));
    for days in [0, 200, 334] {
        let said = renew(&folder, days, &[]).expect(0);
        assert!(said.stdout.contains("nothing was written"), "{said}");
    }
    same(&before, &folder.join("k"));
    let report = json(&folder, 336, &["--dry-run"], 0);
    assert_eq!(steps(&report, "replace").len(), 12);
    same(&before, &folder.join("k"));
    let former = contents(&folder);
    let report = json(&folder, 336, &[], 0);
    assert_eq!(report["result"], "changed");
    assert_eq!(steps(&report, "replace").len(), 12);
    assert_eq!(
        steps(&report, "keep"),
        ["ca", "etcd-ca", "front-proxy-ca", "sa"]
    );
    assert_eq!(
        report["items"][3]["why"],
        serde_json::json!(["expires-soon"])
    );
    assert!(report["node"].is_null(), "no facts were stated");
    let changed = changed(&former, &folder);
    assert_eq!(changed.len(), 7 * 2 + 5, "{changed:?}");
    // What was renewed is sound, and nothing is due again.
    let mut check = certs(&["check", "--kubernetes-dir", text(&folder.join("k"))]);
    run(&mut at(
        MADE + 337 * DAY,
        "022",
        check.args(["--within", "300d"]),
    ))
    .expect(0);
    renew(&folder, 337, &[]).expect(0);
    // And it can be taken back.
    let rollback = certs(&["rollback", "--kubernetes-dir", text(&folder.join("k"))]);
    run(&mut at(MADE + 337 * DAY, "022", &rollback)).expect(0);
    assert_eq!(contents(&folder), former);
}

#[test]
fn a_name_is_a_row_s_or_a_file_s_and_no_other() {
    let folder = tree();
    let report = json(&folder, 1, &["admin.conf", "etcd/peer.crt", "scheduler"], 0);
    assert_eq!(
        steps(&report, "replace"),
        ["etcd-peer", "admin", "scheduler"]
    );
    for (names, words) in [
        (
            &["sa"][..],
            "\"sa\" is a key pair without a certificate, and has no end",
        ),
        (&["apiservr"], "(\"apiserver\"?)"),
        (&["all"], ", or --all"),
        (&["kube-proxy"], "'certs kubeconfig kube-proxy' makes it"),
    ] {
        let before = snapshot(&folder.join("k"));
        renew(&folder, 1, names).expect(2).expect_failure(words);
        same(&before, &folder.join("k"));
    }
    for flags in [
        &["apiserver", "--all"][..],
        &["--all", "--within", "1d"],
        &["apiserver", "--within", "1d"],
        &["apiserver", "--ca-within", "1d"],
        &["--ca-within", "soon"],
        &["--ca-within", "-1h"],
        &["--add-san", "a.example"],
        &["--reuse-key", "--key-algorithm", "RSA-2048"],
        &["--within", "soon"],
        &["--within", "-1h"],
        &["apiserver", "--add-san", "a_b"],
        &["--quiet", "--output", "json"],
    ] {
        renew(&folder, 1, flags).expect(2);
    }
    let nowhere = TempDir::new();
    renew(&nowhere, 1, &[])
        .expect(2)
        .expect_failure("there is nothing to look at");
    assert!(!nowhere.join("k").exists());
}

#[test]
fn a_name_is_a_path_of_the_tree_too_or_an_identity_of_one_s_own() {
    let folder = tree();
    let k = folder.join("k");
    let place = &["--kubernetes-dir", text(&k)][..];
    let alice = [&["client", "alice", "--common-name", "alice"], place].concat();
    run(&mut at(MADE, "022", &certs(&alice))).expect(0);
    let absolute = k.join("admin.conf");
    let crooked = k.join("pki/../pki/etcd/server.crt");
    for (name, profile) in [
        (text(&absolute), "admin"),
        (text(&crooked), "etcd-server"),
        ("pki/apiserver.crt", "apiserver"),
        ("pki/etcd/peer.key", "etcd-peer"),
        ("alice", "alice.crt"),
        ("pki/alice.crt", "alice.crt"),
    ] {
        let report = json(&folder, 1, &[name], 0);
        assert_eq!(steps(&report, "replace"), [profile], "{name}");
    }
    // From where one stands, and as it is told.
    let from = |directory: &str, name: &str, code: i32| {
        let mut command = certs(&["renew", name, "--kubernetes-dir", text(&k)]);
        command
            .args(["--output", "json"])
            .current_dir(k.join(directory));
        run(&mut at(MADE + DAY, "022", &command)).expect(code)
    };
    let said = from("pki/etcd", "server.crt", 0);
    assert!(said.stdout.contains("\"name\": \"etcd-server\""), "{said}");
    let said = from("pki/etcd", "ca.crt", 2);
    for words in [
        "\"ca.crt\" is ",
        "k/pki/ca.crt, and ",
        "k/pki/etcd/ca.crt: give the whole path of one",
    ] {
        assert!(said.stderr.contains(words), "{words}: {said}");
    }
    from("pki", "ca.crt", 0);
    // One file in two places is the one that was typed.
    fs::remove_file(k.join("pki/front-proxy-ca.crt")).expect("remove");
    fs::hard_link(k.join("pki/ca.crt"), k.join("pki/front-proxy-ca.crt")).expect("link");
    let said = renew(&folder, 1, &["pki/front-proxy-ca.crt"]).expect(4);
    assert!(
        said.stderr.contains("front-proxy-ca.key is not the key"),
        "{said}"
    );
    let absent = k.join("kube-proxy.conf");
    for (name, words) in [
        ("bob", "there is no \"bob\": name one of ca, "),
        ("alise", "there is no \"alise\" (\"alice.crt\"?)"),
        ("pki/kube-proxy.crt", "there is no \"pki/kube-proxy.crt\""),
        ("kube-proxy.conf", "'certs kubeconfig kube-proxy' makes it"),
        (text(&absent), "'certs kubeconfig kube-proxy' makes it"),
    ] {
        let said = renew(&folder, 1, &[name]).expect(2).expect_failure(words);
        assert_eq!(said.stderr.lines().count(), 1, "{said}");
    }
}

/// A pair of one's own, moved to `to`, without its ending.
fn own(folder: &TempDir, to: &str) {
    let k = folder.join("k");
    let arguments = ["client", "own", "--common-name", to, "--kubernetes-dir"];
    run(&mut at(
        MADE,
        "022",
        &certs(&[&arguments[..], &[text(&k)]].concat()),
    ))
    .expect(0);
    for ending in ["crt", "key"] {
        let to = k.join(format!("{to}.{ending}"));
        fs::create_dir_all(to.parent().expect("a folder")).expect("make a folder");
        fs::rename(k.join(format!("pki/own.{ending}")), to).expect("move");
    }
}

/// A kubeconfig that names a pair of the tree.
fn names_files(k: &Path) -> String {
    let admin = read(&k.join("admin.conf"));
    let lines = admin.lines().map(|line| {
        let (indent, _) = line.split_once("client-").unwrap_or_default();
        let pair = "pki/apiserver-kubelet-client";
        match line.trim() {
            data if data.starts_with("client-certificate-data") => {
                format!("{indent}client-certificate: {pair}.crt\n")
            }
            data if data.starts_with("client-key-data") => {
                format!("{indent}client-key: {pair}.key\n")
            }
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

#[test]
fn what_a_check_calls_due_is_renewed_by_its_path_and_without_a_name_or_told() {
    let folder = tree();
    let k = folder.join("k");
    own(&folder, "pki/Alice_A@example.com");
    for name in ["pki/a b", "pki/sub/x", "y"] {
        own(&folder, name);
    }
    fs::copy(k.join("admin.conf"), k.join("config")).expect("copy");
    fs::copy(k.join("admin.conf"), k.join("my_Admin.conf")).expect("copy");
    let written = ["Alice_A@example.com.crt", "my_Admin.conf"];
    let loose = ["config", "y.crt", "pki/a b.crt", "pki/sub/x.crt"].map(|name| k.join(name));
    let loose: Vec<&str> = loose.iter().map(|path| text(path)).collect();
    // What is in time is no matter, nor what another CA signed or whose key is elsewhere.
    let report = json(&folder, 1, &[], 0);
    assert_eq!(steps(&report, "skip"), [""; 0]);
    for (name, content) in [
        ("pki/No Key.crt", read(&k.join("pki/apiserver.crt"))),
        ("other", read(&tree().join("k/admin.conf"))),
        ("names.the-files", names_files(&k)),
    ] {
        write(&k.join(name), &content);
    }
    let checked = run(&mut at(
        MADE + 350 * DAY,
        "022",
        &certs(&["check", "--output", "json", "--kubernetes-dir", text(&k)]),
    ));
    let checked: Value = serde_json::from_str(&checked.expect(4).stdout).expect("JSON");
    let due = codes(&checked, "warning");
    for name in written.iter().chain(&loose) {
        assert!(
            due.contains(&format!("{name} expires-soon")),
            "{name}: {due:?}"
        );
    }
    // `--all` renews what is not due, and tells of each that it does not.
    let report = json(&folder, 1, &["--all", "--dry-run"], 3);
    assert_eq!(steps(&report, "skip"), loose);
    assert!(
        written
            .iter()
            .all(|name| steps(&report, "replace").contains(name))
    );
    for flags in [&["--dry-run"][..], &["--all", "--dry-run"], &[]] {
        let report = json(&folder, 350, flags, 3);
        let replaced = steps(&report, "replace");
        assert!(
            written.iter().all(|name| replaced.contains(name)),
            "{replaced:?}"
        );
        assert_eq!(steps(&report, "skip"), loose, "{flags:?}");
        let told: Vec<String> = loose
            .iter()
            .map(|name| format!("{name} not-renewed"))
            .collect();
        assert_eq!(codes(&report, "warning"), told);
    }
    let said = renew(&folder, 350, &[]).expect(3).stderr;
    let words = "pki/sub/x.crt is due, and lies where no run writes: call it NAME.crt";
    assert!(said.contains(words), "{said}");
    let said = renew(&folder, 1, &["--all", "--dry-run"]).expect(3).stderr;
    let words = "pki/sub/x.crt lies where no run writes: call it NAME.crt";
    assert!(said.contains(words), "{said}");
    let said = renew(&folder, 350, &["pki/sub/x.crt"]).expect(2).stderr;
    assert!(
        said.contains("pki/sub/x.crt lies where no run writes: call it"),
        "{said}"
    );
    // Once over it is the error that it is elsewhere.
    let over = json(&folder, 370, &["--dry-run"], 4);
    let (copy, own) = (loose[0], &loose[1..]);
    let ended: Vec<String> = own.iter().map(|name| format!("{name} expired")).collect();
    let errors = codes(&over, "error");
    assert!(ended.iter().all(|one| errors.contains(one)), "{errors:?}");
    // But for the copy of what was renewed since.
    let warnings = codes(&over, "warning");
    assert!(
        warnings.contains(&format!("{copy} superseded")),
        "{warnings:?}"
    );
    let report = json(&folder, 350, &["pki/Alice_A@example.com.crt"], 0);
    assert_eq!(steps(&report, "replace"), [written[0]]);
    // Renewed under such a name it is taken back too.
    run(&mut certs(&["rollback", "--kubernetes-dir", text(&k)])).expect(0);
}

#[test]
fn what_has_the_name_of_a_row_and_another_subject_is_to_be_called_otherwise() {
    let folder = tree();
    let k = folder.join("k");
    own(&folder, "pki/x");
    fs::rename(k.join("pki/x.crt"), k.join("kube-proxy.crt")).expect("rename");
    fs::rename(k.join("pki/x.key"), k.join("kube-proxy.key")).expect("rename");
    fs::copy(k.join("admin.conf"), k.join("admin.kubeconfig")).expect("copy");
    let said = renew(&folder, 1, &["--all", "--dry-run"]).expect(3).stderr;
    let line = |file: &str| {
        said.lines()
            .find(|line| line.contains(file))
            .expect("a line")
    };
    let words = "NAME another than kube-proxy, which is to be \"CN=system:kube-proxy,O=system:node-proxier\"";
    assert!(line("kube-proxy.crt").contains(words), "{said}");
    assert!(!line("admin.kubeconfig").contains("another than"), "{said}");
}

#[test]
fn of_what_cannot_be_read_no_name_is_told() {
    let folder = tree();
    let k = folder.join("k");
    write(&k.join("pki/apiserver.crt"), "garbage");
    write(&k.join("scheduler.conf"), "");
    let report = json(&folder, 1, &[], 4);
    for name in ["apiserver", "scheduler"] {
        let items = report["items"].as_array().expect("items");
        let item = items.iter().find(|item| item["name"] == name);
        let item = item.expect("an item");
        for field in ["subject", "keyAlgorithm", "notAfter"] {
            assert!(item[field].is_null(), "{item:#}");
        }
        assert_eq!(item["sans"], serde_json::json!([]));
    }
    let said = renew(&folder, 1, &[]).expect(4).stdout;
    let line = |file: &str| {
        said.lines()
            .find(|line| line.contains(file))
            .expect("a line")
    };
    assert!(line("scheduler.conf").ends_with("  not read"), "{said}");
    assert!(line("apiserver.crt").ends_with("  not read"), "{said}");
    assert!(!said.contains("CN=kube-apiserver\n"), "{said}");
    assert!(
        !said.contains("kubernetes.default") && !said.contains("\n\n"),
        "{said}"
    );
}

#[test]
fn modes_owners_chains_and_all_else_in_a_kubeconfig_stay() {
    let folder = tree();
    let pki = folder.join("k/pki");
    let ca = read(&pki.join("ca.crt"));
    let leaf = read(&pki.join("apiserver.crt"));
    write(&pki.join("apiserver.crt"), leaf.clone() + &ca);
    set_mode(&pki.join("apiserver.crt"), 0o600);
    set_mode(&pki.join("apiserver.key"), 0o640);
    for file in ["apiserver.crt", "apiserver.key"] {
        chown(pki.join(file), Some(0), Some(7)).expect("root changes groups");
    }
    let admin = folder.join("k/admin.conf");
    let more = "preferences:\n  colors: true\nusers:\n- name: second\n  user:\n    token: t\n";
    write(&admin, read(&admin).replace("users:\n", more));
    let report = json(&folder, 1, &["apiserver", "admin"], 0);
    assert_eq!(steps(&report, "replace"), ["apiserver", "admin"]);
    let now = read(&pki.join("apiserver.crt"));
    assert!(
        now.ends_with(&ca) && !now.starts_with(&leaf),
        "the chain stays"
    );
    for (file, mode) in [("apiserver.crt", 0o600), ("apiserver.key", 0o640)] {
        let found = fs::metadata(pki.join(file)).expect("a file");
        assert_eq!(found.permissions().mode() & 0o7777, mode, "{file}");
        assert_eq!(found.gid(), 7, "{file}");
    }
    let now = read(&admin);
    assert!(
        now.contains("token: t") && now.contains("colors: true"),
        "{now}"
    );
}

#[test]
fn each_entry_of_the_cluster_in_a_kubeconfig_has_its_ca_once_that_is_renewed() {
    let folder = tree();
    let admin = folder.join("k/admin.conf");
    let made = read(&admin);
    let start = made.find("- cluster:").expect("a cluster");
    let end = made.find("contexts:").expect("contexts");
    let second = made[start..end].replace("name: kubernetes", "name: second");
    write(&admin, made[..end].to_owned() + &second + &made[end..]);
    let check = |days: i64| {
        let mut check = certs(&["check", "--kubernetes-dir", text(&folder.join("k"))]);
        check.args(["--kubelet-dir", "none"]);
        run(&mut at(MADE + days * DAY, "022", &check))
    };
    check(1).expect(0);
    for flags in [&["ca"][..], &["admin"]] {
        let said = renew(&folder, 1, flags).expect(0);
        assert!(!said.stderr.contains("trusts"), "{said}");
        check(1).expect(0);
        let now = read(&admin);
        let data = |line: &&str| line.contains("certificate-authority-data:");
        let held: Vec<&str> = now.lines().filter(data).collect();
        assert_eq!(held.len(), 2);
        assert_eq!(held[0], held[1], "{flags:?}");
        // One that was left is mended with the rest, and not told.
        let stale = made[start..end].replace("name: kubernetes", "name: second");
        let (first, second) = (now.find("- cluster:"), now.rfind("- cluster:"));
        let end = now.find("contexts:").expect("contexts");
        assert_ne!(first, second);
        let before = &now[..second.expect("a second one")];
        write(&admin, before.to_owned() + &stale + &now[end..]);
        let said = check(1).expect(3);
        assert!(said.stdout.contains("kubeconfig-trust-former"), "{said}");
    }
    renew(&folder, 1, &["ca"]).expect(0);
    check(1).expect(0);
}

#[test]
fn the_same_key_is_another_certificate_alone() {
    let folder = tree();
    let before = contents(&folder);
    let report = json(&folder, 100, &["--all", "--reuse-key"], 0);
    assert_eq!(steps(&report, "reissue").len(), 12);
    let changed = changed(&before, &folder);
    assert!(
        changed.iter().all(|file| !file.contains(".key")),
        "{changed:?}"
    );
    assert_eq!(changed.len(), 7 + 5);
    let mut check = certs(&["check", "--kubernetes-dir", text(&folder.join("k"))]);
    check.args(["--within", "300d"]);
    run(&mut at(MADE + 101 * DAY, "022", &check)).expect(0);
}

#[test]
fn names_change_by_flags_and_the_difference_is_told() {
    let folder = tree();
    let flags = [
        "apiserver",
        "--add-san",
        "api.example.com,10.0.0.77",
        "--remove-san",
        "10.96.0.1",
    ];
    let report = json(&folder, 1, &flags, 0);
    let item = &report["items"][0];
    assert_eq!(
        item["sansAdded"],
        serde_json::json!(["api.example.com", "10.0.0.77"])
    );
    assert_eq!(item["sansRemoved"], serde_json::json!(["10.96.0.1"]));
    let file = folder.join("k/pki/apiserver.crt");
    let names = openssl(&["x509", "-noout", "-ext", "subjectAltName"], &file);
    assert!(
        names.contains("DNS:api.example.com, IP Address:10.0.0.77"),
        "{names}"
    );
    // A document says what is wanted, all of it.
    let config = folder.join("config.yaml");
    write(
        &config,
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n\
         localAPIEndpoint:\n  advertiseAddress: 10.0.0.10\nnodeRegistration:\n  name: cp1\n\
         ---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n",
    );
    let facts = ["apiserver", "--config", text(&config)];
    let said = renew(&folder, 1, &[&facts[..], &["--dry-run"]].concat()).expect(0);
    for words in [
        "names added: 10.96.0.1",
        "names removed: api.example.com, 10.0.0.77",
    ] {
        assert!(said.stdout.contains(words), "{said}");
    }
    let report = json(&folder, 1, &facts, 0);
    assert_eq!(report["node"], "cp1");
    assert_eq!(report["items"][0]["sans"].as_array().map(Vec::len), Some(7));
    // Without names all leaves are meant, of which servers have names.
    for (flag, item) in [("--add-san", "sansAdded"), ("--remove-san", "sansRemoved")] {
        let report = json(&folder, 1, &["--all", flag, "x.example"], 0);
        let changed = report["items"].as_array().expect("items").iter();
        let changed = changed.filter(|one| one[item] == serde_json::json!(["x.example"]));
        let names: Vec<_> = changed.map(|one| one["name"].clone()).collect();
        assert_eq!(
            names,
            ["apiserver", "etcd-server", "etcd-peer"],
            "{report:#}"
        );
    }
}

#[test]
fn what_no_flag_states_is_taken_from_what_is_there() {
    let folder = tree();
    for flags in [
        &["--apiserver-cert-extra-sans", "b.example"][..],
        &[
            "--node-name",
            "cp1",
            "--apiserver-cert-extra-sans",
            "c.example",
        ],
    ] {
        let report = json(&folder, 1, &[&["apiserver"], flags].concat(), 0);
        let item = &report["items"][0];
        assert_eq!(
            item["sansAdded"],
            serde_json::json!([flags[flags.len() - 1]])
        );
        assert!(item["sansRemoved"].is_null(), "{item}");
    }
    // A document that says nothing of the node.
    let config = folder.join("config.yaml");
    let cluster = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n\
        controlPlaneEndpoint: lb.example:6443\n";
    write(&config, cluster);
    let report = json(&folder, 1, &["--all", "--config", text(&config)], 3);
    assert!(report["node"].is_null(), "{report}");
    // It does say where these lead.
    let told = ["admin kubeconfig-server", "super-admin kubeconfig-server"];
    assert_eq!(codes(&report, "warning"), told);
    let items = report["items"].as_array().expect("items");
    for item in items {
        let added = (item["name"] == "apiserver").then(|| serde_json::json!(["lb.example"]));
        assert_eq!(item["sansAdded"], added.unwrap_or_default(), "{item}");
        assert!(item["sansRemoved"].is_null(), "{item}");
    }
}

#[test]
fn a_name_by_which_a_kubeconfig_leads_to_the_api_server_stays() {
    let folder = tree();
    let before = snapshot(&folder.join("k"));
    let flags = ["apiserver", "--remove-san", "10.0.0.10"];
    let report = json(&folder, 1, &flags, 4);
    assert_eq!(report["result"], "refused");
    assert_eq!(
        codes(&report, "error"),
        [
            "admin server-not-in-sans",
            "super-admin server-not-in-sans",
            "kubelet server-not-in-sans",
            "controller-manager server-not-in-sans",
            "scheduler server-not-in-sans",
        ]
    );
    same(&before, &folder.join("k"));
    // One that leads nowhere as it is says nothing against a renewal.
    for kubeconfig in [
        "admin",
        "super-admin",
        "kubelet",
        "controller-manager",
        "scheduler",
    ] {
        let file = folder.join("k").join(format!("{kubeconfig}.conf"));
        write(&file, read(&file).replace("10.0.0.10", "10.0.0.99"));
    }
    renew(&folder, 1, &flags).expect(0);
}

#[test]
fn a_name_that_a_check_would_miss_afterwards_is_not_taken_away() {
    let folder = tree();
    let before = snapshot(&folder.join("k"));
    let in_domain = "kubernetes.default.svc.cluster.local";
    for (name, san, wanted) in [
        ("apiserver", "kubernetes", "kubernetes"),
        ("apiserver", "cp1", "cp1"),
        ("apiserver", in_domain, in_domain),
        ("etcd-server", "localhost,127.0.0.1", "localhost"),
        ("etcd-peer", "cp1", "cp1"),
    ] {
        let said = renew(&folder, 1, &[name, "--remove-san", san]).expect(4);
        let words = format!(
            ".crt as it was asked for lacks the SAN {wanted}: leave that name out of --remove-san"
        );
        assert!(said.stderr.contains(&words), "{words}: {said}");
        assert!(said.stderr.contains("nothing was written"), "{said}");
    }
    // Of an address the files do not tell whose it is; who states it is held to that.
    let service = ["apiserver", "--remove-san", "10.96.0.1"];
    let stated = [&service[..], &["--service-cidr", "10.96.0.0/12"]].concat();
    let report = json(&folder, 1, &stated, 4);
    assert_eq!(codes(&report, "error"), ["apiserver san-missing"]);
    same(&before, &folder.join("k"));
    // What nothing wants goes, and a check has nothing to say.
    let more = ["etcd-server", "--add-san", "other.example,10.0.0.77"];
    renew(&folder, 1, &more).expect(0);
    let fewer = ["etcd-server", "--remove-san", "other.example,10.0.0.77"];
    renew(&folder, 1, &fewer).expect(0);
    renew(&folder, 1, &service).expect(0);
    let mut check = certs(&["check", "--kubernetes-dir", text(&folder.join("k"))]);
    check.args(["--kubelet-dir", text(&folder.join("kubelet"))]);
    run(&mut at(NOON + DAY, "022", &check)).expect(0);
    // One that lacked before is not taken away.
    renew(&folder, 1, &["apiserver", "--reuse-key"]).expect(0);
}

#[test]
fn what_is_asked_of_no_certificate_that_is_named_is_refused() {
    let folder = tree();
    let before = snapshot(&folder.join("k"));
    for (flags, words) in [
        (
            &["ca", "--add-san", "x.example"][..],
            "--add-san: ca is a CA, and its names stay: renew ca without it",
        ),
        (
            &["apiserver", "admin", "--add-san", "x.example"],
            "--add-san: admin is a client's, and nobody looks for it by a name: renew admin without it",
        ),
        (
            &["ca", "admin", "--remove-san", "x"],
            "--remove-san: ca is a CA",
        ),
        (
            &["ca", "--key-algorithm", "RSA-4096"],
            "--key-algorithm: ca is a CA, and its key stays: renew ca without it",
        ),
        (
            &["ca", "--validity", "48h"],
            "--validity: is for leaves, and CAs alone are named: give --ca-validity",
        ),
        (
            &["apiserver", "--ca-validity", "48h"],
            "--ca-validity: is for CAs, and none is named: give --validity",
        ),
        (&["--ca-validity", "48h"], "--ca-validity: "),
        (
            &[
                "apiserver",
                "--add-san",
                "a.example",
                "--remove-san",
                "a.example",
            ],
            "a.example is to be added and taken away",
        ),
        (
            &["apiserver", "etcd-peer", "--remove-san", "nothere"],
            "--remove-san: nothere is in none of what is to be renewed",
        ),
    ] {
        renew(&folder, 1, flags).expect(2).expect_failure(words);
        same(&before, &folder.join("k"));
    }
    // Where nothing serves, nobody takes a name.
    let clients = TempDir::new();
    let (from, to) = (folder.join("k/pki"), clients.join("k/pki"));
    fs::create_dir_all(&to).expect("make a folder");
    for name in ["ca", "apiserver-kubelet-client"] {
        for file in [format!("{name}.crt"), format!("{name}.key")] {
            fs::copy(from.join(&file), to.join(&file)).expect("copy");
        }
    }
    renew(&clients, 1, &["--all", "--add-san", "x.example"])
        .expect(2)
        .expect_failure("--add-san: nothing that is to be renewed is a server's: leave it out");
    let both = ["apiserver", "etcd-peer", "--remove-san", "10.96.0.1"];
    let report = json(&folder, 1, &both, 0);
    assert_eq!(
        report["items"][0]["sansRemoved"],
        serde_json::json!(["10.96.0.1"])
    );
}

#[test]
fn key_algorithm_and_validity_are_those_found_unless_flags_say_others() {
    let folder = tree();
    let report = json(&folder, 1, &["apiserver"], 0);
    assert_eq!(report["items"][0]["keyAlgorithm"], "ECDSA-P256");
    assert_eq!(report["items"][0]["notAfter"], "2027-11-23T12:00:00Z");
    let flags = [
        "apiserver",
        "--key-algorithm",
        "ECDSA-P384",
        "--validity",
        "48h",
    ];
    let report = json(&folder, 1, &flags, 0);
    assert_eq!(report["items"][0]["keyAlgorithm"], "ECDSA-P384");
    assert_eq!(report["items"][0]["notAfter"], "2026-11-25T12:00:00Z");
    // One of two days is not due on each of them: in its last third.
    let report = json(&folder, 1, &[], 0);
    assert_eq!(report["result"], "unchanged");
}

#[test]
fn a_certificate_for_another_kind_of_key_is_held_against_the_usages_of_that_kind() {
    let folder = tree();
    for (kind, usage) in [
        ("RSA-2048", "Digital Signature, Key Encipherment"),
        ("ECDSA-P256", "Digital Signature"),
    ] {
        let flags = ["apiserver", "--key-algorithm", kind];
        let report = json(&folder, 1, &flags, 0);
        assert_eq!(report["findings"], serde_json::json!([]), "{kind}");
        assert_eq!(report["items"][0]["keyAlgorithm"], kind);
        let file = folder.join("k/pki/apiserver.crt");
        let told = openssl(&["x509", "-noout", "-ext", "keyUsage"], &file);
        assert_eq!(told.lines().nth(1).map(str::trim), Some(usage));
    }
}

#[test]
fn of_an_external_ca_what_is_due_is_skipped_and_said_and_the_rest_is_renewed() {
    let folder = tree();
    fs::remove_file(folder.join("k/pki/etcd/ca.key")).expect("remove");
    let report = json(&folder, 350, &[], 3);
    assert_eq!(steps(&report, "skip").len(), 4);
    assert_eq!(steps(&report, "replace").len(), 8);
    assert!(codes(&report, "warning").contains(&"etcd-peer not-renewed".to_owned()));
    let before = snapshot(&folder.join("k"));
    for (name, way_out) in [
        (
            "etcd-peer",
            "'certs csr etcd-peer' asks the CA's owner for it",
        ),
        (
            "etcd-ca",
            "etcd/ca.crt is due, and its key is not here: have the CA's owner issue it",
        ),
    ] {
        let said = renew(&folder, 350, &[name]).expect(3);
        assert!(said.stdout.contains("Nothing was renewed"), "{said}");
        assert!(said.stderr.contains(way_out), "{said}");
    }
    renew(&folder, 350, &["etcd-peer", "--fail-on", "error"]).expect(0);
    same(&before, &folder.join("k"));
}

#[test]
fn a_ca_that_is_named_and_not_renewed_changes_no_file_and_makes_no_backup() {
    let folder = tree();
    renew(&folder, 1, &["admin"]).expect(0);
    fs::remove_file(folder.join("k/pki/ca.key")).expect("remove");
    let before = snapshot(&folder.join("k"));
    let note = folder.join("note");
    let exec = format!("touch {}", text(&note));
    let report = json(&folder, 2, &["ca", "--exec", &exec], 3);
    assert_eq!(report["result"], "unchanged");
    assert_eq!(steps(&report, "skip"), ["ca"]);
    assert_eq!(steps(&report, "refresh"), [""; 0]);
    assert_eq!(codes(&report, "warning"), ["ca not-renewed"]);
    same(&before, &folder.join("k"));
    assert!(!note.exists(), "run, and nothing was written");
}

#[test]
fn one_that_is_wrong_hides_no_other_and_is_refused_by_its_name() {
    let folder = tree();
    let pki = folder.join("k/pki");
    let stranger = tree();
    for file in ["front-proxy-client.crt", "front-proxy-client.key"] {
        fs::copy(stranger.join("k/pki").join(file), pki.join(file)).expect("copy");
    }
    write(&pki.join("apiserver.crt"), "garbage");
    fs::remove_file(pki.join("apiserver-etcd-client.key")).expect("remove");
    fs::copy(pki.join("etcd/peer.key"), pki.join("etcd/server.key")).expect("copy");
    let would = renew(&folder, 350, &["--dry-run"]).expect(4).stderr;
    for words in [
        "etcd/server.crt is due, and was not renewed: key-mismatch: see to that first",
        "front-proxy-client.crt is due, and was not renewed: not-signed-by-ca: see to that first",
    ] {
        assert!(would.contains(words), "{words}: {would}");
    }
    let report = json(&folder, 350, &[], 4);
    assert_eq!(report["result"], "changed");
    assert_eq!(steps(&report, "replace").len(), 8);
    assert_eq!(
        codes(&report, "error"),
        [
            "apiserver unreadable",
            "etcd-server key-mismatch",
            "apiserver-etcd-client missing-key",
            "front-proxy-client not-signed-by-ca",
        ]
    );
    let before = snapshot(&folder.join("k"));
    for (name, code) in [
        ("apiserver", "cannot be used"),
        ("etcd-server", "is not the key of the certificate beside it"),
        ("apiserver-etcd-client", "stands without"),
        ("front-proxy-client", "another CA of the same name"),
    ] {
        let said = renew(&folder, 350, &[name]).expect(4);
        assert!(said.stderr.contains(code), "{said}");
        assert!(
            said.stderr
                .contains("refused with 1 error; nothing was written"),
            "{said}"
        );
        assert!(said.stderr.contains("reissues it"), "the way out: {said}");
    }
    same(&before, &folder.join("k"));
}

#[test]
fn errors_of_what_was_not_named_are_told_and_stop_no_renewal_by_name() {
    let ca = "k/pki/ca.crt";
    let renewed = |folder: &TempDir, days, told: &str| {
        let before = read(&folder.join(ca));
        let note = folder.join("note");
        let exec = format!("echo \"$CERTS_CHANGED\" > {}", text(&note));
        let report = json(folder, days, &["ca", "--exec", &exec], 4);
        assert_eq!(
            (&report["result"], &report["exitCode"]),
            (&"changed".into(), &4.into())
        );
        assert_eq!(codes(&report, "error"), [told]);
        assert_eq!(steps(&report, "reissue"), ["ca"]);
        assert_ne!(read(&folder.join(ca)), before);
        assert!(read(&note).starts_with("ca "), "{report}");
    };
    // What others may have read stays in it.
    let folder = tree();
    set_mode(&folder.join("k/admin.conf"), 0o644);
    renewed(&folder, 1, "admin key-mode");
    let folder = tree();
    let place = folder.join("k");
    fs::copy(
        place.join("controller-manager.conf"),
        place.join("scheduler.conf"),
    )
    .expect("copy");
    renewed(&folder, 1, "scheduler wrong-subject");
    let folder = tree();
    renew(&folder, 1, &["admin", "--validity", "10d"]).expect(0);
    renewed(&folder, 20, "admin expired");
}

#[test]
fn what_is_named_and_would_keep_an_error_is_refused_before_anything_is_written() {
    let folder = tree();
    let place = folder.join("k");
    fs::copy(
        place.join("controller-manager.conf"),
        place.join("scheduler.conf"),
    )
    .expect("copy");
    let before = snapshot(&place);
    for names in [&["scheduler"][..], &["scheduler", "etcd-peer"]] {
        let report = json(&folder, 1, names, 4);
        assert_eq!(report["result"], "refused");
        assert_eq!(codes(&report, "error"), ["scheduler wrong-subject"]);
    }
    let said = renew(&folder, 1, &["scheduler", "--dry-run"]).expect(4);
    let way_out =
        "'certs kubeconfig scheduler --force', with the configuration of the cluster, reissues it";
    assert!(said.stderr.contains(way_out), "{said}");
    same(&before, &place);
    // One that a renewal mends refuses nothing; nor does one of another file.
    renew(&folder, 1, &["etcd-peer"]).expect(0);
    set_mode(&place.join("admin.conf"), 0o644);
    renew(&folder, 1, &["admin"]).expect(0);
    // Without names it is told, and prolonged as it is.
    let report = json(&folder, 1, &["--all"], 4);
    assert_eq!(report["result"], "changed");
    assert!(steps(&report, "replace").contains(&"scheduler"), "{report}");
}

#[test]
fn a_ca_that_ends_soon_is_told_of_as_a_check_tells_it_and_renewed_by_name_alone() {
    let folder = tree();
    let days = 3650 - 179;
    renew(&folder, days, &["--all"]).expect(3);
    let before = snapshot(&folder.join("k"));
    let told = |verb: &str, more: &[&str]| -> Vec<Value> {
        let mut command = certs(&[verb, "--kubernetes-dir", text(&folder.join("k"))]);
        command.args(["--output", "json"]).args(more);
        let said = run(&mut at(MADE + days * DAY, "022", &command)).expect(3);
        let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
        let findings = report["findings"].as_array().expect("findings").clone();
        let soon = |told: &Value| told["code"] == "expires-soon";
        findings.into_iter().filter(soon).collect()
    };
    let cas = told("renew", &[]);
    let names: Vec<&Value> = cas.iter().map(|told| &told["name"]).collect();
    assert_eq!(names, ["ca", "etcd-ca", "front-proxy-ca"]);
    // A word the same, and no leaf: those were renewed.
    assert_eq!(cas, told("check", &["--within", "0s"]));
    let said = renew(&folder, days, &[]).expect(3);
    let words = "'certs renew front-proxy-ca' renews it for the same key";
    assert!(said.stderr.contains(words), "{said}");
    let words = "Nothing was renewed; nothing was written.";
    assert!(said.stdout.contains(words), "{said}");
    renew(&folder, days, &["--fail-on", "error"]).expect(0);
    let said = renew(&folder, days, &["--ca-within", "178d"]).expect(0);
    assert!(said.stdout.contains("Nothing is due; nothing"), "{said}");
    same(&before, &folder.join("k"));
    renew(&folder, days, &["ca", "etcd-ca", "front-proxy-ca"]).expect(0);
    renew(&folder, days, &[]).expect(0);
}

#[test]
fn a_ca_that_would_end_before_what_it_signed_is_refused_and_one_that_ends_sooner_is_told() {
    let folder = tree();
    let before = snapshot(&folder.join("k"));
    let config = folder.join("config.yaml");
    write(
        &config,
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\ncaCertificateValidityPeriod: 480h0m0s\n",
    );
    for flags in [
        &["ca", "--ca-validity", "20d"][..],
        &["ca", "--ca-validity", "20d", "--dry-run"],
        &["ca", "--config", text(&config)],
    ] {
        let said = renew(&folder, 1, flags).expect(4);
        for words in [
            "ca.crt would end on 2026-12-1",
            "which it signed, on 2027-11-2",
            "let it last longer (--ca-validity), or name what is to end with it too: apiserver ",
        ] {
            assert!(said.stderr.contains(words), "{words}: {said}");
        }
        same(&before, &folder.join("k"));
    }
    let report = json(&folder, 1, &["ca", "--ca-validity", "1000d"], 3);
    assert_eq!(codes(&report, "warning"), ["ca ca-shortened"]);
    let report = json(&folder, 1, &["ca", "--ca-validity", "1001d"], 0);
    assert_eq!(codes(&report, "warning"), [] as [&str; 0]);
    // All that it signed is renewed with it.
    let names = [
        "front-proxy-ca",
        "front-proxy-client",
        "--ca-validity",
        "20d",
    ];
    let report = json(&folder, 1, &names, 3);
    assert_eq!(codes(&report, "warning"), ["front-proxy-ca ca-shortened"]);
    assert_eq!(
        codes(&report, "note"),
        ["front-proxy-client expires-with-ca"]
    );
}

/// What `openssl x509` prints of all that a renewed CA keeps.
fn kept(file: &Path) -> String {
    let ext = "subjectKeyIdentifier,keyUsage,basicConstraints,nameConstraints,subjectAltName";
    openssl(
        &[
            "x509",
            "-noout",
            "-subject",
            "-issuer",
            "-pubkey",
            "-ext",
            ext,
            "-nameopt",
            "oneline,show_type",
        ],
        file,
    )
}

#[test]
fn a_ca_is_renewed_by_its_name_for_the_same_key_and_what_it_signed_stays_good() {
    let folder = tree();
    let pki = folder.join("k/pki");
    let script = r"
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out own.crt -days 3000 \
            -subj '/DC=com/DC=example/OU=a/OU=b/CN=Root' \
            -addext 'keyUsage=critical,keyCertSign,cRLSign' \
            -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' \
            -addext 'nameConstraints=permitted;DNS:cp1,permitted;DNS:kubernetes,permitted;DNS:cluster.local,permitted;DNS:kubernetes.default,permitted;DNS:svc,permitted;IP:0.0.0.0/0.0.0.0' \
            -addext 'authorityKeyIdentifier=keyid:always,issuer:always' 2>/dev/null
        cat own.crt front-proxy-ca.crt > ca.crt; chmod 0600 ca.key
        rm apiserver* ../*.conf";
    let mut cook = Command::new(tool("bash"));
    cook.args(["-euo", "pipefail", "-c", script])
        .current_dir(&pki)
        .env("OPENSSL_CONF", "/dev/null");
    run(&mut at(MADE, "022", &cook)).expect(0);
    run(&mut at(MADE, "022", &common::all(&folder.join("k"), &[]))).expect(0);
    let own = pki.join("own.crt");
    fs::remove_file(&own).expect("remove");
    let former = read(&pki.join("ca.crt"));
    let (leaf, key) = (read(&pki.join("apiserver.crt")), read(&pki.join("ca.key")));
    let was = kept(&pki.join("ca.crt"));
    let report = json(&folder, 100, &["ca"], 0);
    assert_eq!(steps(&report, "reissue"), ["ca"]);
    assert_eq!(steps(&report, "refresh").len(), 5);
    assert_eq!(read(&pki.join("ca.key")), key);
    let now = read(&pki.join("ca.crt"));
    assert_ne!(now, former);
    assert_eq!(kept(&pki.join("ca.crt")), was);
    let end = "-----END CERTIFICATE-----\n";
    assert_eq!(
        now.split_once(end).map(|two| two.1),
        former.split_once(end).map(|two| two.1)
    );
    let serial = |file: &Path| openssl(&["x509", "-noout", "-serial", "-enddate"], file);
    write(&own, former);
    assert_ne!(serial(&own), serial(&pki.join("ca.crt")));
    for kubeconfig in ["admin.conf", "kubelet.conf", "scheduler.conf"] {
        let held = common::kubeconfig_data(
            &folder.join("k").join(kubeconfig),
            "certificate-authority-data",
        );
        assert_eq!(held, now.as_bytes(), "{kubeconfig}");
    }
    // The old leaf below the new certificate; tests/oracles.rs has all of them, and more judges.
    assert_eq!(read(&pki.join("apiserver.crt")), leaf);
    let mut openssl = Command::new(tool("openssl"));
    openssl.args([
        "verify",
        "-x509_strict",
        "-no-CApath",
        "-no-CAstore",
        "-CAfile",
    ]);
    openssl
        .arg(pki.join("ca.crt"))
        .arg(pki.join("apiserver.crt"));
    run(&mut at(MADE + 100 * DAY, "022", &openssl)).expect(0);
}

#[test]
fn a_kubeconfig_without_ca_certificates_has_them_once_it_is_renewed() {
    let folder = tree();
    let conf = folder.join("k/scheduler.conf");
    let lines = read(&conf);
    let without = lines
        .split_inclusive('\n')
        .filter(|line| !line.contains("certificate-authority-data"));
    write_secret(&conf, without.collect::<String>());
    let report = json(&folder, 336, &["scheduler"], 0);
    assert_eq!(steps(&report, "replace"), ["scheduler"]);
    let held = common::kubeconfig_data(&conf, "certificate-authority-data");
    assert_eq!(held, read(&folder.join("k/pki/ca.crt")).as_bytes());
}

#[test]
fn a_ca_that_cannot_be_renewed_here_is_refused_with_the_way_out() {
    let folder = tree();
    let pki = folder.join("k/pki");
    let script = r"
        printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n' > ext
        openssl req -new -key ca.key -subj /CN=kubernetes -out ca.csr
        openssl x509 -req -in ca.csr -CA etcd/ca.crt -CAkey etcd/ca.key -days 900 -extfile ext -out ca.crt 2>/dev/null
        rm ext ca.csr";
    let mut cook = Command::new(tool("bash"));
    cook.args(["-euo", "pipefail", "-c", script])
        .current_dir(&pki)
        .env("OPENSSL_CONF", "/dev/null");
    run(&mut at(MADE, "022", &cook)).expect(0);
    let said = renew(&folder, 1, &["ca"]).expect(4);
    let words = "ca.crt was signed by another CA, \"CN=etcd-ca\": have that CA issue it anew, for the same key: 'certs csr ca' asks for it, and 'certs import' puts it here";
    assert!(said.stderr.contains(words), "{said}");
}

#[test]
fn an_encrypted_key_of_a_ca_is_opened_where_it_signs() {
    let folder = tree();
    let key = folder.join("k/pki/ca.key");
    let mut encrypt = Command::new(tool("openssl"));
    encrypt.args([
        "pkcs8",
        "-topk8",
        "-v2",
        "aes-256-cbc",
        "-iter",
        "10",
        "-passout",
        "pass:secret",
        "-in",
    ]);
    let encrypted = run(encrypt.arg(&key)).expect(0).stdout;
    write(&key, encrypted);
    renew(&folder, 1, &["apiserver"])
        .expect(4)
        .expect_failure("--ca-passphrase-file");
    let report = json(&folder, 350, &[], 4);
    assert_eq!(steps(&report, "skip").len(), 7);
    assert_eq!(steps(&report, "replace").len(), 5);
    let file = folder.join("passphrase");
    // What is wrong with the CA is all that is told, and of nothing else that hangs on it.
    write_secret(&file, "wrong\n");
    let wrong = ["admin", "--ca-passphrase-file", text(&file)];
    let report = json(&folder, 1, &wrong, 4);
    assert_eq!(codes(&report, "error"), ["ca unreadable"]);
    write_secret(&file, "secret\n");
    renew(&folder, 350, &["--ca-passphrase-file", text(&file)]).expect(0);
    renew(&folder, 350, &["ca", "--ca-passphrase-file", text(&file)]).expect(0);
}

#[test]
fn what_was_written_is_told_to_a_command_and_nothing_else_is() {
    let folder = tree();
    let note = folder.join("note");
    let exec = format!(
        "printf '%s|%s|%s' \"$CERTS_CHANGED\" \"$CERTS_RESTART\" \"${{CERTS_CA_PASSPHRASE-none}}\" >> {}; echo said",
        text(&note)
    );
    let hooked = |days: i64, flags: &[&str]| {
        let flags = [&["--exec", &exec][..], flags].concat();
        let mut command = command(&folder, &flags);
        command.env("CERTS_CA_PASSPHRASE", "secret");
        run(&mut at(MADE + days * DAY, "022", &command))
    };
    hooked(1, &[]).expect(0);
    hooked(350, &["--dry-run"]).expect(0);
    hooked(1, &["nobody"]).expect(2);
    let key = folder.join("k/pki/front-proxy-ca.key");
    fs::rename(&key, folder.join("away")).expect("move");
    hooked(1, &["front-proxy-client"]).expect(3);
    assert!(!note.exists(), "run, and nothing was written");
    let said = hooked(1, &["scheduler", "apiserver", "--output", "json"]).expect(0);
    assert_eq!(read(&note), "apiserver scheduler|kube-scheduler|none");
    let report: Value = serde_json::from_str(&said.stdout).expect("nothing but the report");
    assert_eq!(report["exec"]["command"], exec);
    assert!(said.stderr.contains("said"), "{said}");
    // Names are never a part of the command; what it does is its own.
    let said = renew(&folder, 1, &["apiserver", "--exec", "exit 7"]).expect(1);
    let words = "error: all was written, and --exec ended with the exit code 7; no later run does it: run it again by \
                 hand: CERTS_CHANGED=apiserver CERTS_RESTART='' CERTS_UNKNOWN='' sh -c 'exit 7'\n";
    assert!(said.stderr.contains(words), "{said}");
    assert!(said.stdout.contains("Replaced:"), "{said}");
    let report = json(&folder, 1, &["apiserver", "--exec", "kill -9 $$"], 1);
    assert_eq!(report["result"], "changed");
    assert_eq!(report["exitCode"], 1);
    assert_eq!(report["exec"]["failure"], "was ended by the signal 9");
}

#[test]
fn what_a_command_that_failed_was_to_do_is_done_by_the_line_that_is_told() {
    let folder = tree();
    let note = folder.join("note");
    let exec = format!(
        "printf '%s|%s|%s\\n' \"$CERTS_CHANGED\" \"$CERTS_RESTART\" \"$CERTS_UNKNOWN\" >> {}; exit 1",
        text(&note)
    );
    let report = json(&folder, 1, &["etcd-ca", "scheduler", "--exec", &exec], 1);
    let again = report["exec"]["again"].as_str().expect("a line");
    run(Command::new("sh").args(["-c", again])).expect(1);
    let told = "etcd-ca scheduler|etcd kube-apiserver kube-scheduler|\n";
    assert_eq!(read(&note), told.repeat(2));
    let said = renew(&folder, 1, &["etcd-ca", "--quiet", "--exec", &exec]).expect(1);
    let words = "; what may still have to be restarted: etcd, kube-apiserver; no later run does it: run it again by hand: \
                 CERTS_CHANGED=etcd-ca CERTS_RESTART='etcd kube-apiserver' CERTS_UNKNOWN='' sh -c 'printf";
    assert!(said.stderr.contains(words), "{said}");
    let report = json(&folder, 1, &["scheduler", "--exec", "true"], 0);
    assert!(report["exec"]["again"].is_null(), "{report}");
}

#[test]
fn what_a_command_was_to_do_is_told_where_a_signal_ends_the_run_meanwhile() {
    let folder = tree();
    let note = folder.join("note");
    let exec = format!("echo > {}; exec sleep 60", text(&note));
    let mut command = command(&folder, &["scheduler", "--exec", &exec]);
    let mut running = at(MADE + DAY, "022", &command);
    running.process_group(0).stdout(Stdio::piped());
    let mut running = running.stderr(Stdio::piped()).spawn().expect("start");
    let begun = Instant::now();
    while !note.exists() {
        assert!(begun.elapsed().as_secs() < 60, "the command was not run");
        std::thread::sleep(Duration::from_millis(10));
    }
    // As systemd ends a service: all of its processes.
    command = Command::new("sh");
    command.args(["-c", &format!("kill -TERM -{}", running.id())]);
    assert!(command.status().expect("kill").success());
    let ended = running.wait().expect("end");
    let mut said = String::new();
    running
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut said)
        .expect("read");
    let words = "--exec was";
    assert!(!ended.success() && said.contains(words), "{ended}: {said}");
    let words = "; what may still have to be restarted: kube-scheduler; no later run does it: run it again by hand: \
                 CERTS_CHANGED=scheduler CERTS_RESTART=kube-scheduler CERTS_UNKNOWN='' sh -c 'echo";
    assert!(said.contains(words), "{said}");
}

#[test]
fn who_must_be_restarted_is_told_and_who_reads_the_file_again() {
    let folder = tree();
    let said = renew(&folder, 1, &["apiserver", "scheduler", "etcd-ca"])
        .expect(0)
        .stdout;
    let words = "\
Restart, since they read it at their start alone:
  etcd (etcd-ca)
  kube-apiserver (etcd-ca)
  kube-scheduler (scheduler)
No restart: they read it again by themselves:
  kube-apiserver (apiserver)
  etcdctl (etcd-ca)
";
    assert!(said.contains(words), "{said}");
    assert!(said.contains("to every other node that has it"), "{said}");
    // A kubeconfig that names its files: client-go reads those again.
    let mut refer = certs(&["kubeconfig", "scheduler", "--embed-certs=false", "--force"]);
    refer
        .args(["--kubernetes-dir", text(&folder.join("k"))])
        .args(common::CLUSTER);
    run(&mut at(MADE + DAY, "022", &refer)).expect(0);
    let before = read(&folder.join("k/scheduler.conf"));
    let said = renew(&folder, 1, &["scheduler"]).expect(0).stdout;
    assert!(said.contains("pki/scheduler.crt, .key"), "{said}");
    assert!(
        said.contains("themselves:\n  kube-scheduler (scheduler.crt)"),
        "{said}"
    );
    assert!(!said.contains("Restart"), "{said}");
    // It names the CA's file too.
    let report = json(&folder, 1, &["ca"], 0);
    let processes = report["processes"].as_array().expect("a list").clone();
    let of = |name: &str| processes.iter().find(|process| process["name"] == name);
    assert_eq!(
        of("kube-scheduler").expect("a reader")["reads"],
        serde_json::json!(["ca"])
    );
    assert_eq!(
        of("kubelet").expect("a reader")["reads"],
        serde_json::json!(["ca"])
    );
    assert_eq!(of("kube-scheduler").expect("a reader")["since"], "v1.36");
    let said = renew(&folder, 1, &["ca"]).expect(0).stdout;
    assert!(said.contains("kube-scheduler from v1.36 on (ca)"), "{said}");
    // Of a stated version it is known.
    let config = folder.join("config.yaml");
    let cluster = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n\
        kubernetesVersion: v1.33.0\n";
    write(&config, cluster);
    let said = renew(&folder, 1, &["ca", "--config", text(&config)]);
    let (restart, again) = said.stdout.split_once("No restart").expect("both lists");
    assert!(restart.contains("kube-scheduler (ca)"), "{said}");
    assert!(!again.contains("kube-scheduler"), "{said}");
    assert_eq!(read(&folder.join("k/scheduler.conf")), before);
}

#[test]
fn what_a_kubelet_rotates_is_left_to_it() {
    let folder = tree();
    let kubelet = folder.join("kubelet");
    fs::create_dir(&kubelet).expect("a folder");
    let conf = folder.join("k/kubelet.conf");
    let pem = |field| String::from_utf8(common::kubeconfig_data(&conf, field)).expect("PEM");
    let both = pem("client-certificate-data") + &pem("client-key-data");
    write(&kubelet.join("kubelet-client-2026.pem"), both);
    set_mode(&kubelet.join("kubelet-client-2026.pem"), 0o600);
    let current = kubelet.join("kubelet-client-current.pem");
    std::os::unix::fs::symlink("kubelet-client-2026.pem", &current).expect("link");
    let mut lines: Vec<String> = read(&conf).lines().map(str::to_owned).collect();
    for line in &mut lines {
        for field in ["client-certificate", "client-key"] {
            if line.trim().starts_with(&format!("{field}-data:")) {
                *line = format!("    {field}: {}", text(&current));
            }
        }
    }
    write(&conf, lines.join("\n") + "\n");
    let flags = ["--kubelet-dir", text(&kubelet)];
    let before = snapshot(&kubelet);
    let report = json(&folder, 350, &flags, 3);
    assert_eq!(steps(&report, "replace").len(), 11);
    assert_eq!(
        codes(&report, "warning"),
        [
            "kubelet not-renewed",
            "kubelet/kubelet-client-current.pem not-renewed"
        ]
    );
    for (name, words) in [
        (
            "kubelet",
            "kubelet.conf is due, and its certificate lies in a file of its own: see that the kubelet rotates it \
             (rotateCertificates, serverTLSBootstrap)",
        ),
        (
            text(&current),
            "kubelet-client-current.pem is due, and is the kubelet's own: see that the kubelet rotates it \
             (rotateCertificates, serverTLSBootstrap)",
        ),
    ] {
        let told = renew(&folder, 350, &[&[name], &flags[..]].concat()).expect(3);
        assert!(told.stderr.contains(words), "{told}");
    }
    same(&before, &kubelet);
    let kept = read(&conf);
    assert!(kept.contains("kubelet-client-current.pem"), "{kept}");
}

/// kubeadm's trees before it renewed them, in `k`, and after.
fn recorded(name: &str) -> TempDir {
    let folder = TempDir::new();
    let mut command = Command::new("tar");
    command
        .args(["--extract", "--same-permissions", "--file"])
        .arg(fixture("kubeadm/renew/trees.tar.gz"))
        .arg("--directory")
        .arg(folder.path())
        .arg(name);
    run(&mut command).expect(0);
    let mut copy = Command::new("cp");
    copy.arg("-a")
        .arg(folder.join(name).join("before"))
        .arg(folder.join("k"));
    run(&mut copy).expect(0);
    folder
}

/// What a program that shares no code with ours says of each certificate of a tree.
fn facts(tree: &Path) -> BTreeMap<String, Value> {
    let mut command = Command::new(venv("python"));
    command
        .arg(fixture("kubeadm/facts.py"))
        .arg(tree)
        .arg("--stable");
    for start in ["certs", "kubeconfig"] {
        command.arg(format!("--start-{start}={NOON}"));
    }
    let said: Value = serde_json::from_str(&run(&mut command).expect(0).stdout).expect("JSON");
    let certificates = said["certificates"].as_array().expect("a list").clone();
    let path = |item: &Value| item["path"].as_str().expect("a path").to_owned();
    certificates
        .into_iter()
        .map(|item| (path(&item), item))
        .filter(|(path, _)| !path.contains(".certs-backup"))
        .collect()
}

/// The fields of a certificate in which two trees differ.
fn differing(one: &Value, other: &Value) -> Vec<String> {
    let (one, other) = (
        one.as_object().expect("fields"),
        other.as_object().expect("fields"),
    );
    let names = one.keys().filter(|name| one.get(*name) != other.get(*name));
    names.cloned().collect()
}

#[test]
fn kubeadm_s_own_tree_is_renewed_as_kubeadm_renews_it_but_for_the_listed_differences() {
    let folder = recorded("all");
    let theirs = facts(&folder.join("all/after"));
    let before = facts(&folder.join("k"));
    let report = json(&folder, 0, &["--all"], 0);
    // kubeadm does not renew kubelet.conf.
    assert_eq!(steps(&report, "replace").len(), 12);
    let ours = facts(&folder.join("k"));
    let paths = |tree: &BTreeMap<String, Value>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(&ours), paths(&theirs));
    for (path, certificate) in &ours {
        let same = before[path] == *certificate;
        if path.contains("ca.crt") || path.contains("certificate-authority-data") {
            assert!(same, "{path}");
            continue;
        }
        assert!(!same, "{path} was renewed");
        let mut differ = differing(certificate, &theirs[path]);
        // Key identifiers that kubeadm's leaves lack; times that are those of the two runs; and the
        // serial number.
        differ.retain(|field| {
            !["extension_order", "extensions", "ski_present", "validity"].contains(&field.as_str())
        });
        assert_eq!(differ, Vec::<String>::new(), "{path}");
        let lasts = &certificate["validity"]["total_seconds"];
        assert_eq!(lasts, &serde_json::json!(31_536_300), "{path}");
    }
}

#[test]
fn what_kubeadm_drops_is_kept() {
    let folder = recorded("custom-existing");
    let (before, theirs) = (
        facts(&folder.join("k")),
        facts(&folder.join("custom-existing/after")),
    );
    let chain = "pki/apiserver.crt#1";
    assert!(
        before.contains_key(chain) && !theirs.contains_key(chain),
        "kubeadm drops the chain"
    );
    // No API server's subject, names and usages are like these: that is told, and they are kept.
    let report = json(&folder, 0, &["apiserver"], 4);
    assert_eq!(report["result"], "refused", "by its name");
    let report = json(&folder, 0, &["--all"], 4);
    assert_eq!(report["result"], "changed");
    let told = codes(&report, "error");
    for code in ["wrong-subject", "san-missing", "usage-missing"] {
        assert!(told.contains(&format!("apiserver {code}")), "{told:?}");
    }
    assert!(
        told.iter().all(|line| line.starts_with("apiserver ")),
        "{told:?}"
    );
    let ours = facts(&folder.join("k"));
    let path = "pki/apiserver.crt";
    let kept = |field: &str| {
        assert_eq!(ours[path][field], before[path][field], "{field} is kept");
        assert_ne!(
            theirs[path][field], before[path][field],
            "{field} is dropped by kubeadm"
        );
    };
    for field in ["subject", "subject_rdns", "sans", "public_key"] {
        kept(field);
    }
    let extension = |tree: &BTreeMap<String, Value>, name: &str| {
        let all = tree[path]["extensions"].as_array().expect("a list").clone();
        let found = all.into_iter().find(|extension| extension["name"] == name);
        found.expect("an extension")["value"].clone()
    };
    for name in ["keyUsage", "extKeyUsage"] {
        assert_eq!(
            extension(&ours, name),
            extension(&before, name),
            "{name} is kept"
        );
        assert_ne!(
            extension(&theirs, name),
            extension(&before, name),
            "{name} by kubeadm"
        );
    }
    // Text between the blocks goes.
    assert_eq!(
        differing(&ours[chain], &before[chain]),
        ["pem"],
        "the chain is kept"
    );
    assert_eq!(ours[path]["mode"], "0640");
    // The validity is the former one's too.
    assert_eq!(ours[path]["validity"]["total_seconds"], 2_592_000);
    // A kubeconfig keeps what else is in it.
    json(&folder, 0, &["admin"], 0);
    let admin = read(&folder.join("k/admin.conf"));
    for words in [
        "my-lb.example.com",
        "tls-server-name",
        "sometoken",
        "kube-system",
        "a: b",
    ] {
        assert!(admin.contains(words), "{words}: {admin}");
    }
}

#[test]
fn what_another_ca_signed_is_not_made_this_ones() {
    let folder = recorded("rotated-ca");
    let before = contents(&folder);
    let report = json(&folder, 0, &["--all"], 4);
    // The other two CAs are those that signed.
    assert_eq!(steps(&report, "replace").len(), 5);
    let told = codes(&report, "error");
    assert!(
        told.contains(&"apiserver not-signed-by-ca".to_owned()),
        "{told:?}"
    );
    let changed = changed(&before, &folder);
    assert!(
        !changed.contains(&"pki/apiserver.crt".to_owned()),
        "{changed:?}"
    );
}

#[test]
fn a_ca_is_renewed_only_where_all_that_may_hold_it_can_be_read() {
    let folder = tree();
    let scheduler = folder.join("k/scheduler.conf");
    let whole = read(&scheduler);
    write(&scheduler, "garbage");
    let before = snapshot(&folder.join("k"));
    let said = renew(&folder, 1, &["ca"]).expect(4);
    assert!(said.stderr.contains("scheduler.conf"), "{said}");
    assert!(
        said.stderr
            .contains("refused with 1 error; nothing was written"),
        "{said}"
    );
    same(&before, &folder.join("k"));
    // It holds none of the other CAs.
    renew(&folder, 1, &["etcd-ca"]).expect(0);
    write(&scheduler, whole);
    renew(&folder, 1, &["ca"]).expect(0);
}

#[test]
fn what_names_the_very_certificate_of_a_ca_is_told_unless_it_is_renewed_with_it() {
    let folder = tree();
    let pki = folder.join("k/pki");
    let script = r"
        openssl req -new -key apiserver.key -subj /CN=kube-apiserver -out request
        openssl x509 -in apiserver.crt -noout -ext subjectAltName | tail -n +2 | sed 's/IP Address/IP/g; s/^ */subjectAltName=/' > ext
        printf 'authorityKeyIdentifier=keyid,issuer:always\nsubjectKeyIdentifier=hash\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n' >> ext
        openssl x509 -req -in request -CA ca.crt -CAkey ca.key -days 365 -extfile ext -out apiserver.crt 2>/dev/null
        rm ext request";
    let mut cook = Command::new(tool("bash"));
    cook.args(["-euo", "pipefail", "-c", script])
        .current_dir(&pki)
        .env("OPENSSL_CONF", "/dev/null");
    run(&mut at(MADE, "022", &cook)).expect(0);
    let check = |days: i64, code: i32| {
        let check = certs(&["check", "--kubernetes-dir", text(&folder.join("k"))]);
        run(&mut at(MADE + days * DAY, "022", &check)).expect(code)
    };
    let verify = |code: i32| {
        let mut openssl = Command::new(tool("openssl"));
        openssl.args(["verify", "-no-CApath", "-no-CAstore", "-CAfile"]);
        openssl.args([pki.join("ca.crt"), pki.join("apiserver.crt")]);
        run(&mut at(MADE + 2 * DAY, "022", &openssl)).expect(code)
    };
    check(1, 0);
    verify(0);
    let words = "names its CA by the serial number";
    let way_out = "'certs renew apiserver' names the CA by its key alone";
    let saved = contents(&folder);
    for flags in [&["ca", "--dry-run"][..], &["ca"]] {
        let said = renew(&folder, 1, flags).expect(3);
        assert!(said.stderr.contains(words), "{said}");
        assert!(said.stderr.contains(way_out), "{said}");
    }
    // As it was told: OpenSSL looks for a certificate that is no more.
    verify(2);
    let said = check(1, 3);
    assert!(said.stdout.contains(words), "{said}");
    renew(&folder, 1, &["apiserver"]).expect(0);
    verify(0);
    check(1, 0);
    for (name, bytes) in saved {
        write(&folder.join("k").join(name), bytes);
    }
    renew(&folder, 1, &["ca", "apiserver"]).expect(0);
    verify(0);
    check(1, 0);
}

/// By another name or in another place nothing of it would be renewed either.
#[test]
fn a_file_without_a_certificate_is_told_as_that_and_not_to_be_moved() {
    let folder = tree();
    let oidc = read(&folder.join("k/admin.conf"));
    let user = oidc.find("    client-certificate-data:").expect("a user");
    let oidc = format!(
        "{}    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: kubelogin\n      \
         interactiveMode: Never\n",
        &oidc[..user]
    );
    fs::create_dir(folder.join("k/conf.d")).expect("a folder");
    for name in ["oidc.conf", "conf.d/other.conf"] {
        write_secret(&folder.join("k").join(name), &oidc);
        let told = renew(&folder, 1, &[name]).expect(2).stderr;
        let words = format!(
            "{name} has a user without a client certificate: there is nothing in it to renew"
        );
        assert!(told.contains(&words), "{told}");
    }
    write_secret(&folder.join("k/notes"), "nothing\n");
    let told = renew(&folder, 1, &["notes"]).expect(2).stderr;
    assert!(
        told.contains("notes holds no certificate that can be read"),
        "{told}"
    );
}

#[test]
fn a_pair_under_other_tools_names_is_renewed_as_it_lies_and_one_file_of_both_is_not() {
    let folder = tree();
    let pki = folder.join("k/pki");
    let recipe = "cp front-proxy-client.crt x.pem; cp front-proxy-client.key x-key.pem
        cp apiserver-etcd-client.crt y.crt; cp apiserver-etcd-client.key y-key.pem
        cat apiserver-kubelet-client.crt apiserver-kubelet-client.key > both.pem
        cp apiserver.crt other.pem; cp front-proxy-client.key other-key.pem; chmod 600 both.pem *-key.pem";
    let mut bash = Command::new(tool("bash"));
    run(bash.args(["-euc", recipe]).current_dir(&pki)).expect(0);
    let files = ["x.pem", "x-key.pem", "y.crt", "y-key.pem"];
    let content = || files.map(|name| read(&pki.join(name)));
    let (before, both) = (content(), read(&pki.join("both.pem")));
    let report = json(&folder, 1, &["x.pem", "y.crt"], 0);
    assert_eq!(steps(&report, "replace"), ["x.pem", "y.crt"]);
    let after = content();
    for (name, (was, is)) in files.iter().zip(before.iter().zip(&after)) {
        assert_ne!(was, is, "{name}");
        let wanted = if name.contains("key") { 0o600 } else { 0o644 };
        assert_eq!(common::mode(&pki.join(name)), wanted, "{name}");
    }
    let same = "diff <(openssl pkey -in x-key.pem -pubout) <(openssl x509 -in x.pem -noout -pubkey)
        diff <(openssl pkey -in y-key.pem -pubout) <(openssl x509 -in y.crt -noout -pubkey)";
    let mut bash = Command::new(tool("bash"));
    run(bash.args(["-euc", same]).current_dir(&pki)).expect(0);
    // A key that is another's is replaced by nobody, as of any pair.
    let refused = renew(&folder, 1, &["other.pem"]).expect(4);
    let words = "other-key.pem is not the key of the certificate beside it";
    assert!(refused.stderr.contains(words), "{refused}");
    let left = renew(&folder, 1, &["both.pem"]).expect(3);
    let words = "both.pem is due, and holds its key too, in an order that its reader may want: put its parts into";
    assert!(left.stderr.contains(words), "{left}");
    assert_eq!(read(&pki.join("both.pem")), both);
    let kubernetes = folder.join("k");
    let back = ["rollback", "--kubernetes-dir", text(&kubernetes)];
    run(&mut certs(&back)).expect(0);
    assert_eq!(content(), before);
}

#[test]
fn a_key_beside_one_file_of_both_is_not_that_file_s_and_hides_nothing_of_it() {
    let folder = tree();
    let (kubernetes, pki) = (folder.join("k"), folder.join("k/pki"));
    let recipe = "cat front-proxy-client.crt front-proxy-client.key > a.pem; cp apiserver.key a-key.pem
        cat front-proxy-client.crt front-proxy-client.key > b.pem; cp apiserver.key b.key; chmod 600 ?.pem *-key.pem";
    let mut bash = Command::new(tool("bash"));
    run(bash.args(["-euc", recipe]).current_dir(&pki)).expect(0);
    let check = ["check", "--kubelet-dir", "none", "--kubernetes-dir"];
    let done = run(certs(&check).arg(&kubernetes)).expect(0);
    assert!(!done.stdout.contains("private key"), "{done}");
    let left = renew(&folder, 1, &["a.pem"]).expect(3);
    let words = "a.pem is due, and holds its key too";
    assert!(left.stderr.contains(words), "{left}");
    // As soon as others may read it that is told.
    set_mode(&pki.join("a.pem"), 0o644);
    run(certs(&check).arg(&kubernetes)).expect(4);
}
