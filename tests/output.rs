//! `--output json` and `--output yaml` are what `docs/output.md` says they are.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

mod common;
use common::{Finished, TempDir, at, certs, read, root, run, text};

/// 2026-03-01 00:00:00 UTC
const NOW: i64 = 1_772_323_200;
/// The sections of the page with a table of fields.
const RUNS: &str = "\n## JSON and YAML\n";
const NODES: &str = "\n## Many nodes\n";
const CHECKS: &str = "\n## A check\n";
const REFRESHES: &str = "\n## Single kubeconfigs\n";
const SHOWS: &str = "\n## What is in a file\n";
const MORE_SANS: [&str; 2] = ["--apiserver-cert-extra-sans", "api.example.com"];

#[test]
fn every_field_is_documented_and_every_documented_field_is_there() {
    for (reports, table) in all_reports() {
        are_documented(&reports, table);
    }
}

type Table = BTreeMap<String, (String, String)>;

/// Reports of each kind, and the table of their fields.
fn all_reports() -> Vec<(Vec<Value>, Table)> {
    vec![
        (reports(), table(RUNS)),
        (nodes(), table(NODES)),
        (checks(), table(CHECKS)),
        (refreshes(), table(REFRESHES)),
        (shows(), table(SHOWS)),
    ]
}

fn are_documented(reports: &[Value], table: Table) {
    let mut seen = BTreeSet::new();
    for report in reports {
        fields(report, "", &mut seen);
    }
    let documented: BTreeSet<String> = table.into_keys().collect();
    let nested = |field: &&String| {
        documented
            .iter()
            .any(|other| other.starts_with(&format!("{field}.")))
    };
    let undocumented: Vec<_> = seen
        .difference(&documented)
        .filter(|field| !nested(field))
        .collect();
    assert!(
        undocumented.is_empty(),
        "not in docs/output.md: {undocumented:?}"
    );
    let unseen: Vec<_> = documented.difference(&seen).collect();
    assert!(unseen.is_empty(), "documented, and never there: {unseen:?}");
}

#[test]
fn every_field_has_its_type_and_is_absent_only_where_that_is_documented() {
    for (reports, table) in all_reports() {
        for report in reports {
            hold(&report, "", &table);
        }
    }
}

#[test]
fn the_example_of_the_page_is_what_is_printed() {
    let folder = TempDir::new();
    for verb in [["ca", "front-proxy-ca"], ["client", "front-proxy-client"]] {
        let mut command = certs(&verb);
        command.args(["--kubernetes-dir", "k8s", "--output", "json"]);
        command.args(["--key-algorithm", "ECDSA-P256"]);
        if verb[0] == "client" {
            command.args(["--node-name", "cp1"]);
        }
        command.current_dir(folder.path());
        let finished = run(&mut at(NOW, "022", &command)).expect(0);
        if verb[0] == "client" {
            let page = read(&root().join("docs/output.md"));
            let example = page
                .split("```json\n")
                .nth(1)
                .and_then(|rest| rest.split("```").next());
            let example = example.expect("an example in the page");
            assert_eq!(
                masked(&parse(&finished)),
                masked(&serde_json::from_str(example).expect("JSON"))
            );
            assert_eq!(finished.stdout.lines().count(), example.lines().count());
        }
    }
}

#[test]
fn yaml_says_what_json_says() {
    let folder = TempDir::new();
    // The time of the run is in the report.
    let all = |output| {
        let more = ["--output", output];
        let command = common::all(&folder.join("k8s"), &more);
        run(&mut at(NOW, "022", &command)).expect(0)
    };
    all("text");
    let json = parse(&all("json"));
    let yaml = all("yaml").stdout;
    let yaml: Value = serde_yaml::from_str(&yaml).expect("YAML");
    assert_eq!(json, yaml);
}

#[test]
fn what_stops_a_run_is_told_on_standard_error_alone() {
    let folder = TempDir::new();
    for (flags, code, words) in [
        (["--node-name", "a_b"], 2, "--node-name"),
        (["--config", "none.yaml"], 2, "none.yaml"),
        (["--cert-dir", "/proc/none"], 1, "/proc"),
    ] {
        let mut command = certs(&["all", "--kubernetes-dir", text(&folder.join("k8s"))]);
        command.args(["--output", "json"]).args(flags);
        let finished = run(&mut command).expect(code);
        assert_eq!(finished.stdout, "");
        assert!(
            finished.stderr.starts_with("error: ") && finished.stderr.contains(words),
            "{finished}"
        );
    }
}

#[test]
fn of_an_external_ca_only_the_certificate_is_listed() {
    let folder = TempDir::new();
    all(&folder, &[]).expect(0);
    fs::remove_file(folder.join("k8s/pki/ca.key")).expect("remove a file");
    let report = parse(&all(&folder, &["--output", "json"]).expect(0));
    let files = &report["items"][0]["files"];
    assert_eq!(files.as_array().map(Vec::len), Some(1), "{files}");
    assert!(
        files[0]
            .as_str()
            .is_some_and(|file| file.ends_with("/ca.crt")),
        "{files}"
    );
    let shown = all(&folder, &[]).expect(0).stdout;
    assert!(
        shown.contains("/k8s/pki/ca.crt   ") && !shown.contains("/k8s/pki/ca.crt, .key"),
        "{shown}"
    );
}

#[test]
fn a_key_pair_that_was_there_is_told_by_its_own_algorithm() {
    let folder = TempDir::new();
    all(&folder, &[]).expect(0);
    // Asked for without an algorithm, which means RSA-2048.
    let sa = || {
        let mut command = certs(&["sa", "--kubernetes-dir", text(&folder.join("k8s"))]);
        run(command.args(["--output", "json"]))
    };
    assert_eq!(
        parse(&sa().expect(0))["items"][0]["keyAlgorithm"],
        "ECDSA-P256"
    );
    fs::remove_file(folder.join("k8s/pki/sa.pub")).expect("remove a file");
    let derived = parse(&sa().expect(0));
    assert_eq!(derived["items"][0]["step"], "derive");
    assert_eq!(derived["items"][0]["keyAlgorithm"], "ECDSA-P256");
}

#[test]
fn a_leaf_that_ends_with_its_ca_is_told_in_words() {
    let folder = TempDir::new();
    let finished = all(&folder, &["--ca-validity", "100h"]).expect(0);
    let words = "\n  expires-with-ca (12): ends with its CA, before its validity has passed \
                 (RFC 5280 section 6.1.3)\n";
    assert!(finished.stdout.contains(words), "{finished}");
}

#[test]
fn quiet_silences_text_and_warnings_and_goes_with_no_report() {
    let folder = TempDir::new();
    all(&folder, &MORE_SANS).expect(0);
    let loud = all(&folder, &[]).expect(3);
    assert!(
        loud.stderr.contains("warning: ") && !loud.stdout.is_empty(),
        "{loud}"
    );
    let quiet = all(&folder, &["--quiet"]).expect(3);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let both = all(&folder, &["--quiet", "--output", "json"]).expect(2);
    assert_eq!(both.stdout, "", "{both}");
}

/// Renewals: of a CA, of names, of what cannot be renewed here.
fn renewals(folder: &TempDir) -> Vec<Value> {
    let renew = |flags: &[&str], code| {
        let mut command = certs(&["renew", "--output", "json"]);
        command.args(["--kubernetes-dir", text(&folder.join("k8s"))]);
        parse(&run(command.args(flags)).expect(code))
    };
    let names = ["--add-san", "a.example", "--remove-san", "10.96.0.1"];
    let reports = vec![
        renew(&["ca", "scheduler"], 0),
        renew(
            &[&["apiserver", "--exec", "exit 1"], &names[..]].concat(),
            1,
        ),
    ];
    let mut refer = certs(&["kubeconfig", "scheduler", "--embed-certs=false", "--force"]);
    refer.args(["--kubernetes-dir", text(&folder.join("k8s"))]);
    run(refer.args(common::CLUSTER)).expect(0);
    let reports = [reports, vec![renew(&["ca"], 0)]].concat();
    fs::remove_file(folder.join("k8s/pki/front-proxy-ca.key")).expect("remove a file");
    [reports, vec![renew(&["front-proxy-client"], 3)]].concat()
}

/// A report of each kind: planned, changed, unchanged, refused, replaced by name and for a reason.
/// Each stage of a rotation, and the status after it.
fn rotations() -> Vec<Value> {
    let folder = TempDir::new();
    let mut tree = common::all(&folder.join("k8s"), &[]);
    run(&mut tree).expect(0);
    let rotate = |arguments: &[&str]| {
        let mut command = certs(&[&["rotate", "--output", "json"], arguments].concat());
        command.args(["--kubernetes-dir", text(&folder.join("k8s"))]);
        parse(&run(&mut command).expect(0))
    };
    let stages = [
        &["trust"][..],
        &["issue", "--restarted"],
        &["drop", "--restarted"],
    ];
    let mut reports = Vec::new();
    for what in ["ca", "sa"] {
        for stage in stages {
            reports.push(rotate(&[&[what], stage].concat()));
            reports.push(rotate(&["status"]));
        }
    }
    reports
}

fn reports() -> Vec<Value> {
    let folder = TempDir::new();
    let json = |flags: &[&str], code| {
        let flags = [&["--output", "json"], flags].concat();
        parse(&all(&folder, &flags).expect(code))
    };
    let forced = [MORE_SANS.as_slice(), &["--force"]].concat();
    let mut reports = vec![
        json(&["--dry-run"], 0),
        json(&[], 0),
        json(&[], 0),
        json(&MORE_SANS, 4),
        json(&forced, 0),
        json(&[], 3),
    ];
    fs::remove_file(folder.join("k8s/pki/sa.pub")).expect("remove a file");
    let mut sa = certs(&["sa", "--kubernetes-dir", text(&folder.join("k8s"))]);
    reports.push(parse(&run(sa.args(["--output", "json"])).expect(0)));
    for (more, code) in [(&["--list"][..], 0), (&[], 0), (&["--list"], 0)] {
        let mut rollback = certs(&["rollback", "--kubernetes-dir", text(&folder.join("k8s"))]);
        rollback.args(["--kubelet-dir", text(&folder.join("kubelet"))]);
        rollback.args(["--output", "json"]).args(more);
        reports.push(parse(&run(&mut rollback).expect(code)));
    }
    let mut sign = certs(&["sign", text(&folder.join("csr")), "--output", "json"]);
    sign.args(["--kubernetes-dir", text(&folder.join("k8s"))]);
    fs::create_dir(folder.join("csr")).expect("make a folder");
    let request = common::fixture("kubeadm/generate-csr/default/admin.conf.csr");
    fs::copy(request, folder.join("csr/admin.csr")).expect("copy a request");
    reports.push(parse(&run(&mut sign).expect(0)));
    reports.extend(renewals(&folder));
    reports.extend(rotations());
    fs::remove_dir_all(folder.join("csr")).expect("remove a folder");
    let facts = [
        "--node-name",
        "cp1",
        "--apiserver-advertise-address",
        "10.0.0.10",
    ];
    for verb in [
        [&["csr", "admin", "--csr-dir", "csr"], &facts[..]].concat(),
        [&["csr", "admin", "--csr-dir", "csr"], &facts[..]].concat(),
        vec!["sign"],
        vec!["import", "csr"],
    ] {
        let node = ["--kubernetes-dir", "node", "--kubelet-dir", "kubelet"];
        let mut command = certs(&[&verb, &node[..], &["--output", "json"]].concat());
        let command = if verb[0] == "sign" {
            &mut sign
        } else {
            command.current_dir(folder.path())
        };
        reports.push(parse(&run(command).expect(0)));
    }
    reports.push(no_root());
    let results: BTreeSet<&str> = reports
        .iter()
        .filter_map(|report| report["result"].as_str())
        .collect();
    assert_eq!(
        results,
        ["changed", "listed", "planned", "refused", "unchanged"].into()
    );
    let steps: BTreeSet<&str> = reports
        .iter()
        .filter_map(|report| report["items"].as_array())
        .flatten()
        .filter_map(|item| item["step"].as_str())
        .collect();
    let known = [
        "asked", "create", "derive", "import", "keep", "refresh", "reissue", "remove", "replace",
        "request", "rotate", "skip",
    ];
    assert_eq!(steps, known.into());
    reports
}

/// The report of an import of a CA that came without what is above it.
fn no_root() -> Value {
    let folder = TempDir::new();
    let on = |verb: &[&str]| {
        let tree = ["--kubernetes-dir", "k8s", "--output", "json"];
        run(certs(&[verb, &tree].concat()).current_dir(folder.path())).expect(0)
    };
    on(&["csr", "ca", "--csr-dir", "csr"]);
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -keyout above.key -out above.crt -subj /CN=above; \
                  openssl x509 -req -in csr/ca.csr -CA above.crt -CAkey above.key -days 3000 \
                  -CAcreateserial -copy_extensions copyall -out csr/ca.crt";
    let mut bash = std::process::Command::new(common::tool("bash"));
    bash.args(["-euc", script]).current_dir(folder.path());
    run(&mut bash).expect(0);
    parse(&on(&["import", "csr"]))
}

/// A report of a check of each result, with a file that is missing, one unread and one of no CA's.
/// A first run, and one that replaces something.
fn nodes() -> Vec<Value> {
    let folder = TempDir::new();
    let inventory = folder.join("nodes.csv");
    let all = |address: &str, flags: &[&str], code: i32| {
        let nodes =
            format!("name,addresses,roles\ncp1,10.0.0.1,control-plane etcd\nw1,{address},worker\n");
        common::write(&inventory, nodes);
        let mut command = certs(&["all", "--inventory", text(&inventory)]);
        command.args(["--out", text(&folder.join("out"))]);
        command.args(["--key-algorithm", "ECDSA-P256", "--output", "json"]);
        parse(&run(command.args(flags)).expect(code))
    };
    let renew = |names: &[&str], code: i32| {
        let mut command = certs(&[&["renew"], names].concat());
        command.args(["--inventory", text(&inventory), "--out"]);
        command.arg(folder.join("out")).args(["--output", "json"]);
        parse(&run(&mut command).expect(code))
    };
    let made = vec![
        all("10.0.1.1", &["--dry-run"], 0),
        all("10.0.1.1", &[], 0),
        all("10.0.1.2", &[], 4),
        all("10.0.1.2", &["--force"], 0),
        all("10.0.1.2", &["--archive"], 0),
    ];
    // What is made in one second is called the same.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let renewed = vec![
        renew(&["--dry-run"], 0),
        renew(&["ca", "--exec", "true"], 0),
        renew(&["kube-proxy", "--exec", "exit 1"], 1),
        renew(&["node", "w1"], 0),
    ];
    [made, renewed, rotated_nodes(), asked_of_nodes()].concat()
}

/// Each stage of a CA and of the service accounts' key, back, and the status between, also with a node that is behind.
fn rotated_nodes() -> Vec<Value> {
    let folder = TempDir::new();
    let nodes = "name,addresses,roles\ncp1,10.0.0.1,control-plane etcd\nw1,10.0.1.1,worker\n";
    common::write(&folder.join("nodes.csv"), nodes);
    let over = |verb: &[&str], code: i32| {
        let mut command = certs(verb);
        command.args([
            "--inventory",
            "nodes.csv",
            "--out",
            "out",
            "--output",
            "json",
        ]);
        parse(&run(command.current_dir(folder.path())).expect(code))
    };
    over(&["all", "--key-algorithm", "ECDSA-P256"], 0);
    let mut reports = vec![over(&["rotate", "ca", "issue", "--restarted"], 4)];
    let before = common::read(&folder.join("out/w1/etc/kubernetes/pki/ca.crt"));
    for what in ["ca", "sa"] {
        reports.push(over(&["rotate", what, "trust", "--dry-run"], 0));
        reports.push(over(&["rotate", what, "trust"], 0));
        reports.push(over(&["rotate", "status"], 0));
        reports.push(over(&["rotate", what, "issue", "--restarted"], 0));
        reports.push(over(&["rotate", what, "back"], 0));
        reports.push(over(&["rotate", what, "issue", "--restarted"], 0));
        let behind = folder.join("out/w1/etc/kubernetes/pki/ca.crt");
        let there = common::read(&behind);
        common::write(&behind, &before);
        reports.push(over(&["rotate", "status"], 0));
        common::write(&behind, there);
        reports.push(over(&["rotate", what, "drop", "--restarted"], 0));
    }
    reports
}

/// CAs of all nodes that are asked for, and come back below others, one with its root and one without; and a leaf.
fn asked_of_nodes() -> Vec<Value> {
    let folder = TempDir::new();
    let nodes = "name,addresses,roles\ncp1,10.0.0.1,control-plane etcd\n";
    common::write(&folder.join("nodes.csv"), nodes);
    let over = |verb: &[&str]| {
        let mut command = certs(verb);
        command.args(["--inventory", "nodes.csv", "--output", "json"]);
        if verb[0] != "sign" {
            command.args(["--out", "out", "--key-algorithm", "ECDSA-P256"]);
        }
        parse(&run(command.current_dir(folder.path())).expect(0))
    };
    let asked = over(&["csr", "ca", "etcd-ca", "--csr-dir", "csrs"]);
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -days 4000 -keyout above.key -out above.crt -subj /CN=above 2> /dev/null; \
                  for name in ca etcd-ca; do \
                  openssl x509 -req -days 3000 -copy_extensions copyall -CAcreateserial -CA above.crt -CAkey above.key \
                  -in csrs/ca/$name.csr -out csrs/ca/$name.crt 2> /dev/null; done; cat above.crt >> csrs/ca/ca.crt";
    let mut bash = std::process::Command::new(common::tool("bash"));
    bash.args(["-euc", script]).current_dir(folder.path());
    run(&mut bash).expect(0);
    let imported = over(&["import", "csrs"]);
    fs::remove_dir_all(folder.join("csrs")).expect("remove the requests");
    let mut all = certs(&["ca", "front-proxy-ca", "--cert-dir", "out/ca"]);
    run(all.current_dir(folder.path())).expect(0);
    let leaf = over(&["csr", "admin", "--csr-dir", "csrs"]);
    let signed = over(&["sign", "csrs", "--cert-dir", "out/ca"]);
    vec![asked, imported, leaf, signed]
}

fn checks() -> Vec<Value> {
    let folder = TempDir::new();
    all(&folder, &[]).expect(0);
    let mut reports = Vec::new();
    for (change, result, code) in [
        (None, "sound", 0),
        (Some("apiserver-kubelet-client"), "warnings", 3),
        (Some("front-proxy-ca"), "errors", 4),
    ] {
        for ending in ["crt", "key"] {
            if let Some(name) = change {
                let file = folder.join(&format!("k8s/pki/{name}.{ending}"));
                fs::remove_file(file).expect("remove a file");
            }
        }
        let mut check = certs(&["check", "--kubernetes-dir", text(&folder.join("k8s"))]);
        check.args(["--kubelet-dir", text(&folder.join("kubelet"))]);
        let report = parse(&run(check.args(["--output", "json"])).expect(code));
        assert_eq!(report["result"], result);
        assert_eq!(report["exitCode"], code);
        reports.push(report);
    }
    reports.push(check_of_nodes());
    reports
}

/// A check of two nodes, one of which has no tree.
fn check_of_nodes() -> Value {
    let folder = TempDir::new();
    let inventory = folder.join("nodes.csv");
    let run = |verb: &str, code: i32| {
        let mut command = certs(&[verb, "--inventory", text(&inventory)]);
        command.args(["--out", text(&folder.join("out"))]);
        run(command.args(["--output", "json"])).expect(code)
    };
    let one = "name,addresses,roles\netcd1,10.0.0.1,etcd\n";
    common::write(&inventory, one);
    run("all", 0);
    common::write(&inventory, format!("{one}w1,10.0.0.2,worker\n"));
    parse(&run("check", 3))
}

/// A refresh of each result, with a finding that has a way out and one that has none.
fn refreshes() -> Vec<Value> {
    let folder = TempDir::new();
    all(&folder, &[]).expect(0);
    let ca = folder.join("k8s/pki/ca.crt");
    let config = folder.join("config");
    fs::copy(folder.join("k8s/admin.conf"), &config).expect("copy a file");
    let refresh = |more: &[&str], code| {
        let mut refresh = certs(&["kubeconfig", "refresh", "--output", "json"]);
        refresh.args(["--kubernetes-dir", text(&folder.join("k8s"))]);
        parse(&run(refresh.args(more)).expect(code))
    };
    let config = text(&config);
    let mut reports = vec![refresh(&[config], 0)];
    let second = read(&folder.join("k8s/pki/etcd/ca.crt"));
    common::write(&ca, read(&ca) + &second);
    common::set_mode(&folder.join("k8s"), 0o775);
    reports.push(refresh(&[config, "--dry-run"], 0));
    reports.push(refresh(&[config], 0));
    reports.push(refresh(&[text(&ca)], 4));
    let token = folder.join("token");
    common::write_secret(&token, "abcdef.0123456789abcdef");
    let mut bootstrap = certs(&["kubeconfig", "bootstrap-kubelet", "--output", "json"]);
    bootstrap.args([
        "--token-file",
        text(&token),
        "--control-plane-endpoint",
        "a",
    ]);
    bootstrap.args(["--kubernetes-dir", text(&folder.join("k8s"))]);
    reports.push(parse(&run(&mut bootstrap).expect(0)));
    let results: BTreeSet<&str> = reports
        .iter()
        .filter_map(|report| report["result"].as_str())
        .collect();
    assert_eq!(
        results,
        ["changed", "planned", "refused", "unchanged"].into()
    );
    let yaml = {
        let mut refresh = certs(&["kubeconfig", "refresh", "--output", "yaml"]);
        refresh.args(["--kubernetes-dir", text(&folder.join("k8s")), config]);
        run(&mut refresh).stdout
    };
    let yaml: Value = serde_yaml::from_str(&yaml).expect("YAML");
    assert_eq!(yaml["result"], "unchanged");
    reports
}

/// What is told of files of every kind.
fn shows() -> Vec<Value> {
    let folder = TempDir::new();
    all(&folder, &[]).expect(0);
    let request = folder.join("request");
    let mut openssl = std::process::Command::new(common::tool("openssl"));
    openssl.args(["req", "-new", "-subj", "/CN=a", "-out", text(&request)]);
    openssl.args(["-addext", "basicConstraints=CA:FALSE"]);
    run(openssl.args(["-key", text(&folder.join("k8s/pki/ca.key"))])).expect(0);
    let damaged = folder.join("damaged");
    common::write(
        &damaged,
        "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n",
    );
    let files =
        ["admin.conf", "pki/apiserver.crt", "pki/sa.pub"].map(|file| folder.join("k8s").join(file));
    let show = |file: &std::path::Path, output| {
        let mut show = certs(&["show", "--output", output, text(file)]);
        run(show.args(["--kubernetes-dir", text(&folder.join("k8s"))]))
    };
    let mut reports: Vec<Value> = files
        .iter()
        .map(|file| parse(&show(file, "json")))
        .collect();
    reports.push(parse(&show(&request, "json").expect(0)));
    reports.push(parse(&show(&damaged, "json").expect(1)));
    let yaml: Value = serde_yaml::from_str(&show(&files[1], "yaml").stdout).expect("YAML");
    assert_eq!(yaml["parts"], reports[1]["parts"]);
    reports
}

#[test]
fn a_check_says_in_yaml_what_it_says_in_json() {
    let folder = TempDir::new();
    all(&folder, &[]).expect(0);
    let check = |output| {
        let mut check = certs(&["check", "--kubernetes-dir", text(&folder.join("k8s"))]);
        check.args(["--kubelet-dir", text(&folder.join("kubelet"))]);
        check.args(["--output", output]);
        run(&mut at(NOW, "022", &check))
    };
    let yaml: Value = serde_yaml::from_str(&check("yaml").stdout).expect("YAML");
    assert_eq!(parse(&check("json")), yaml);
}

fn all(folder: &TempDir, flags: &[&str]) -> Finished {
    run(&mut common::all(&folder.join("k8s"), flags))
}

fn parse(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}\n{finished}"))
}

/// The table of the page: the field, with its type and when it is absent.
fn table(section: &str) -> BTreeMap<String, (String, String)> {
    let page = read(&root().join("docs/output.md"));
    let section = page.split(section).nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [field, kind, _, absent] = cells.as_slice() else {
            return None;
        };
        let field = field.strip_prefix('`')?.strip_suffix('`')?;
        Some((field.to_owned(), ((*kind).to_owned(), (*absent).to_owned())))
    });
    let table: BTreeMap<_, _> = rows.collect();
    assert!(table.len() > 15, "the table was not found");
    table
}

/// Every field below `value`: `items[].name`.
fn fields(value: &Value, path: &str, seen: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values
            .iter()
            .for_each(|value| fields(value, &format!("{path}[]"), seen)),
        Value::Object(object) => {
            for (name, value) in object {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                fields(value, &path, seen);
                seen.insert(path);
            }
        }
        _ => {}
    }
}

/// Every field of `value` has its type, and all that are never absent are there.
fn hold(value: &Value, path: &str, table: &BTreeMap<String, (String, String)>) {
    match value {
        Value::Array(values) => values
            .iter()
            .for_each(|value| hold(value, &format!("{path}[]"), table)),
        Value::Object(object) => {
            let prefix = if path.is_empty() {
                String::new()
            } else {
                format!("{path}.")
            };
            for (field, (kind, absent)) in table {
                let Some(name) = field
                    .strip_prefix(&prefix)
                    .filter(|name| !name.contains(['.', '[']))
                else {
                    continue;
                };
                match object.get(name) {
                    None => assert!(!absent.starts_with("never"), "{field} is absent"),
                    Some(found) => assert!(is(kind, found), "{field} is no {kind}: {found}"),
                }
            }
            for (name, value) in object {
                hold(value, &format!("{prefix}{name}"), table);
            }
        }
        _ => {}
    }
}

fn is(kind: &str, value: &Value) -> bool {
    let list_of = |kind| {
        value
            .as_array()
            .is_some_and(|values| values.iter().all(|value| is(kind, value)))
    };
    match kind {
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "number" => value.is_i64(),
        "list" => list_of("object"),
        "list of paths" => list_of("path"),
        "list of text" => list_of("text"),
        "object" => value.is_object(),
        "path" | "text" => value.is_string(),
        "time" => value.as_str().is_some_and(|text| {
            let shape = |c: char| if c.is_ascii_digit() { '9' } else { c };
            text.chars().map(shape).collect::<String>() == "9999-99-99T99:99:99Z"
        }),
        _ => panic!("docs/output.md has an unknown type: {kind}"),
    }
}

/// The report without what is random.
fn masked(report: &Value) -> Value {
    let mut report = report.clone();
    for item in report["items"].as_array_mut().expect("a list of items") {
        for random in ["fingerprint", "serialNumber"] {
            assert!(
                item[random].as_str().is_some_and(|text| text.len() > 30),
                "{random}"
            );
            item[random] = Value::Null;
        }
    }
    report
}
