//! `certs check --inventory`: every node's tree as by itself, and what they are to each other.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

mod common;
use common::snapshot::{same, snapshot};
use common::trees::{MEMBERS, NODES, PLANES, Trees, WORKERS};
use common::{Finished, TempDir, at, binary, certs, read, run, set_mode, text, tool, write};

fn check(trees: &Trees, flags: &[&str]) -> Finished {
    let mut command = certs(&["check", "--inventory", text(&trees.0.join("nodes.yaml"))]);
    command.args(["--out", text(&trees.out())]).args(flags);
    run(&mut command)
}

/// Of many nodes all that is told is of one of them.
fn json(trees: &Trees, flags: &[&str], code: i32) -> Value {
    let finished = check(trees, &[flags, &["--output", "json"]].concat()).expect(code);
    serde_json::from_str(&finished.stdout).expect("JSON")
}

/// What is told of a node, without what says so.
fn told(report: &Value, node: &str) -> BTreeSet<[String; 4]> {
    let findings = report["findings"].as_array().expect("findings");
    let of = |finding: &&Value| finding.get("node").is_none_or(|of| of == node);
    let fields = |finding: &Value| {
        ["code", "file", "text", "wayOut"].map(|field| {
            let value = finding[field].as_str().unwrap_or_default();
            value.to_owned()
        })
    };
    findings.iter().filter(of).map(fields).collect()
}

fn codes(report: &Value, node: &str) -> Vec<String> {
    let told = told(report, node);
    let codes: BTreeSet<String> = told.into_iter().map(|[code, ..]| code).collect();
    codes
        .into_iter()
        .filter(|code| code != "system-masters")
        .collect()
}

/// What a check on the node itself tells: its tree is the root of the file system there.
fn alone(trees: &Trees, node: &str) -> BTreeSet<[String; 4]> {
    let folder = TempDir::new();
    let shell = "cp -a \"$1/.\" \"$2\"; cp \"$3\" \"$2/certs\"; \
                 ldd \"$3\" | grep -o '/[^ ]*' | xargs -I @ cp --parents -L @ \"$2\"";
    let mut copy = Command::new(tool("bash"));
    copy.args(["-euc", shell, "copy", text(&trees.out().join(node))]);
    run(copy.args([folder.path(), &binary()])).expect(0);
    let mut command = Command::new(tool("unshare"));
    command.args(["--root", text(folder.path()), "/certs", "check"]);
    command.args(["--output", "json"]);
    let finished = run(&mut command);
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let here = text(&trees.out().join(node)).to_owned();
    told(&report, node)
        .into_iter()
        .map(|[code, file, words, way_out]| [code, here.clone() + &file, words, way_out])
        .collect()
}

#[test]
fn sound_trees_are_told_to_be_sound_and_nothing_is_written() {
    let trees = Trees::made();
    let before = snapshot(&trees.out());
    let report = json(&trees, &[], 0);
    assert_eq!(report["result"], "sound");
    assert_eq!(report["notes"].as_array().map(Vec::len), Some(1));
    for node in [&PLANES[..], &MEMBERS, &WORKERS, &["ca"]].concat() {
        assert_eq!(codes(&report, node), [""; 0], "{node}");
    }
    let finished = check(&trees, &[]).expect(0);
    let last = finished.stdout.lines().last();
    assert_eq!(
        last,
        Some("Looked at 42 certificates and 17 CAs on 8 nodes: nothing is wrong.")
    );
    let rows: Vec<&str> = finished
        .stdout
        .lines()
        .skip(2)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split(' ').next().unwrap_or_default())
        .collect();
    let nodes = [&["ca"][..], &PLANES, &MEMBERS, &WORKERS].concat();
    assert_eq!(rows, nodes, "{finished}");
    same(&before, &trees.out());
}

#[test]
fn each_node_is_told_what_a_check_on_it_tells() {
    let trees = Trees::made();
    set_mode(&trees.pki("cp1", "apiserver.key"), 0o644);
    write(&trees.pki("cp2", "front-proxy-client.crt"), "garbage");
    fs::copy(
        trees.pki("cp3", "apiserver.key"),
        trees.pki("cp3", "apiserver-etcd-client.key"),
    )
    .expect("copy a key");
    fs::remove_file(trees.pki("etcd1", "etcd/peer.key")).expect("remove a file");
    write(
        &trees.pki("etcd2", "mine.crt"),
        read(&trees.pki("etcd2", "etcd/server.crt")),
    );
    set_mode(
        &trees.node("worker1", "etc/kubernetes/kube-proxy.conf"),
        0o666,
    );
    write(
        &trees.node("worker2", "var/lib/kubelet/pki/kubelet.crt"),
        "garbage",
    );
    let mut some = 0;
    let report = json(&trees, &[], 4);
    for node in [&PLANES[..], &MEMBERS, &WORKERS].concat() {
        let alone = alone(&trees, node);
        some += alone.len();
        let words = |told: &[String; 4]| [0, 1, 2].map(|field| told[field].clone());
        let told = told(&report, node);
        assert_eq!(
            told.iter().map(words).collect::<BTreeSet<_>>(),
            alone.iter().map(words).collect(),
            "{node}"
        );
        // What signs is there for all.
        assert!(told.iter().all(|told| !told[3].contains("csr")), "{told:?}");
    }
    assert!(some >= 7, "{some}");
    trees.all(&["--force"]).expect(0);
    assert_eq!(json(&trees, &[], 0)["result"], "sound");
}

#[test]
fn a_file_that_all_share_and_one_has_not_is_told_whatever_is_kept() {
    let trees = Trees::made();
    let other = trees.pki("cp2", "sa.key");
    fs::copy(trees.pki("cp2", "front-proxy-client.key"), &other).expect("put another key there");
    let differs = |report: &Value| {
        let mut told = told(report, "cp2").into_iter();
        told.any(|[code, file, ..]| code == "shared-differs" && file == text(&other))
    };
    let report = json(&trees, &[], 4);
    assert!(differs(&report), "{report}");
    assert_eq!(codes(&report, "cp3"), [""; 0]);
    // Who keeps it elsewhere has it nowhere else.
    fs::rename(trees.out().join("ca"), trees.0.join("elsewhere")).expect("move a folder");
    let report = json(&trees, &[], 4);
    assert!(differs(&report), "{report}");
    assert_eq!(codes(&report, "cp3"), [""; 0]);
    assert_eq!(codes(&report, "worker1"), [""; 0]);
}

#[test]
fn a_tree_that_was_copied_to_another_node_is_told() {
    let trees = Trees::made();
    let (one, other) = (trees.out().join("worker1"), trees.out().join("worker2"));
    fs::remove_dir_all(&other).expect("remove a tree");
    let mut copy = Command::new(tool("bash"));
    copy.args(["-euc", "cp -a \"$1\" \"$2\"", "copy"]);
    run(copy.args([&one, &other])).expect(0);
    let report = json(&trees, &[], 4);
    let wanted = ["key-shared", "san-extra", "san-missing", "wrong-subject"];
    assert_eq!(codes(&report, "worker2"), wanted);
    assert_eq!(codes(&report, "worker1"), [""; 0]);
    let words = "worker2: ";
    let finished = check(&trees, &[]).expect(4).stdout;
    let line = finished
        .lines()
        .find(|line| line.contains("has the key of"));
    let line = line.expect("a finding");
    assert!(
        line.starts_with(&format!("error: {words}"))
            && line.contains(" on worker1: who has one of these nodes can be the other"),
        "{line}"
    );
}

#[test]
fn a_serial_number_that_two_nodes_have_is_told() {
    let trees = Trees::made();
    let of = |node: &str, file: &str| trees.node(node, &format!("var/lib/kubelet/pki/{file}"));
    // Nor does it count what a certificate says of the key of its issuer.
    for identifier in ["authorityKeyIdentifier=keyid\\n", ""] {
        let script = format!(
            "serial=$(openssl x509 -noout -serial -in \"$1\" | cut -d= -f2); \
            openssl req -new -key \"$2\" -subj /O=system:nodes/CN=system:node:worker2 -out req; \
            printf '{identifier}subjectAltName=DNS:worker2,IP:10.0.1.2\\n\
                    extendedKeyUsage=serverAuth\\nkeyUsage=critical,digitalSignature\\n' > ext; \
            openssl x509 -req -in req -CA \"$4/ca.crt\" -CAkey \"$4/ca.key\" -set_serial 0x$serial -days 364 \
                    -extfile ext -out \"$3\""
        );
        let mut bash = Command::new(tool("bash"));
        bash.args(["-euc", &script, "sign"])
            .current_dir(trees.0.path());
        bash.args([of("worker1", "kubelet.crt"), of("worker2", "kubelet.key")]);
        bash.args([of("worker2", "kubelet.crt"), trees.out().join("ca")]);
        run(&mut bash).expect(0);
        let report = json(&trees, &[], 3);
        assert!(
            codes(&report, "worker2").contains(&"same-serial".to_owned()),
            "{report}"
        );
        let words = "as has kubelet.crt on worker1";
        assert!(report.to_string().contains(words), "{report}");
    }
}

#[test]
fn what_differs_from_the_inventory_is_told() {
    let trees = Trees::made();
    let changed = NODES
        .replace("[10.0.1.1, 'fd00::1:1', worker1.example.com]", "[10.0.9.1]")
        .replace(
            "{name: cp2, addresses: [10.0.0.2, cp2.example.com], roles: [control-plane]}",
            "{name: cp2, addresses: [10.0.0.2, cp2.example.com], roles: [worker]}",
        )
        .replace(
            "{name: etcd3, addresses: [127.0.0.54], roles: [etcd]}\n- ",
            "",
        )
        .replace(
            "- {name: worker2",
            "- {name: worker3, addresses: [10.0.1.3], roles: [worker]}\n- {name: worker2",
        );
    write(&trees.0.join("nodes.yaml"), changed);
    fs::remove_file(trees.node("worker2", "etc/kubernetes/kube-proxy.conf")).expect("remove it");
    let report = json(&trees, &[], 4);
    assert_eq!(codes(&report, "worker1"), ["san-extra", "san-missing"]);
    let cp2 = codes(&report, "cp2");
    assert!(cp2.contains(&"key-not-needed".to_owned()), "{cp2:?}");
    assert_eq!(codes(&report, "worker3"), ["absent"]);
    assert_eq!(codes(&report, "worker2"), ["absent"]);
    assert_eq!(codes(&report, "cp3"), [""; 0]);
    let note = "etcd3 is no node of the inventory, and was not looked at";
    let notes = report["notes"].as_array().expect("notes");
    assert!(notes.contains(&Value::from(note)), "{notes:?}");
}

#[test]
fn what_is_not_stated_is_as_it_is_there() {
    let trees = Trees::made();
    let nodes = NODES.split("---\n").next().expect("an inventory");
    write(&trees.0.join("nodes.yaml"), nodes);
    assert_eq!(json(&trees, &[], 0)["result"], "sound");
    let other = ["--control-plane-endpoint", "other.example.com:6443"];
    let report = json(&trees, &other, 4);
    assert_eq!(codes(&report, "cp1"), ["kubeconfig-server", "san-missing"]);
    assert_eq!(codes(&report, "worker1"), ["kubeconfig-server"]);
}

#[test]
fn keys_of_cas_that_are_to_be_on_no_node_are_told() {
    let trees = Trees::made();
    let report = json(&trees, &["--ca-keys", "none"], 3);
    assert_eq!(codes(&report, "cp1"), ["key-not-needed"]);
    assert_eq!(codes(&report, "etcd1"), [""; 0]);
}

/// Whatever it is called.
#[test]
fn a_copy_of_a_key_that_signs_is_told_on_every_node() {
    let trees = Trees::made();
    for (key, node, copy) in [
        ("ca.key", "worker1", "etc/kubernetes/pki/spare.key"),
        ("etcd/ca.key", "etcd1", "var/lib/kubelet/pki/x.pem"),
        ("sa.key", "cp1", "etc/kubernetes/old/sa.key"),
    ] {
        let copy = trees.node(node, copy);
        fs::create_dir_all(copy.parent().expect("a folder")).expect("make it");
        fs::copy(trees.out().join("ca").join(key), &copy).expect("copy it");
    }
    let report = json(&trees, &[], 3);
    for node in ["worker1", "etcd1", "cp1"] {
        assert_eq!(codes(&report, node), ["key-not-needed"], "{node}");
    }
    assert_eq!(codes(&report, "worker2"), [""; 0]);
}

#[test]
fn what_all_share_is_looked_at_where_it_is_kept() {
    let trees = Trees::made();
    set_mode(&trees.out().join("ca/ca.key"), 0o644);
    let report = json(&trees, &[], 4);
    assert_eq!(codes(&report, "ca"), ["key-mode"]);
    set_mode(&trees.out().join("ca/ca.key"), 0o600);
    set_mode(&trees.out(), 0o777);
    let report = json(&trees, &[], 4);
    assert_eq!(codes(&report, "ca"), ["writable-by-others"]);
    set_mode(&trees.out(), 0o755);
}

#[test]
fn metrics_have_the_node_and_a_report_of_before_is_replaced() {
    let trees = Trees::made();
    let file = trees.0.join("report");
    for output in ["prometheus", "json", "yaml", "text"] {
        let _ = fs::remove_file(&file);
        for _ in 0..2 {
            let flags = ["--output", output, "--output-file", text(&file)];
            check(&trees, &flags).expect(0);
        }
        let report = read(&file);
        if output == "prometheus" {
            for line in [
                "certs_findings{node=\"worker1\",severity=\"error\"} 0",
                "certs_findings{node=\"cp1\",severity=\"note\"} 1",
            ] {
                assert!(report.lines().any(|other| other == line), "{report}");
            }
            let ends = report.lines().filter(|line| {
                line.starts_with("x509_cert_not_after{") && line.contains(",node=\"worker2\",")
            });
            assert_eq!(ends.count(), 7);
        }
    }
    let inside = trees.out().join("report");
    let flags = ["--output", "json", "--output-file", text(&inside)];
    let refused = check(&trees, &flags).expect(2).stderr;
    assert!(
        refused.contains("is a place of the cluster's own files"),
        "{refused}"
    );
}

#[test]
fn what_cannot_be_is_one_clear_error() {
    let trees = Trees::made();
    for (flags, words) in [
        (&["--kubernetes-dir", "/tmp"][..], "cannot be used with"),
        (&["--node-name", "cp1"], "cannot be used with"),
        (&["--kubelet-dir", "/tmp"], "cannot be used with"),
        (&["--quiet", "--output", "json"], "--quiet goes with"),
        (&["--within", "soon"], "--within"),
    ] {
        let refused = check(&trees, flags).expect(2);
        assert!(refused.stderr.contains(words), "{refused}");
    }
    let mut alone = certs(&["check", "--inventory", "nodes.yaml"]);
    run(&mut alone).expect(2);
    let nowhere = ["--inventory", "nowhere.yaml", "--out", "nowhere"];
    let mut missing = certs(&[&["check"][..], &nowhere].concat());
    let refused = run(&mut missing).expect(2).stderr;
    assert!(
        refused.contains("there is no file nowhere.yaml"),
        "{refused}"
    );
}

#[test]
fn half_of_a_run_on_one_node_is_told_of_that_node_alone() {
    let trees = Trees::made();
    let journal = trees.pki("cp2", ".certs-journal");
    common::write_secret(&journal, "certs journal 1 list\n");
    set_mode(&trees.pki("cp2", "apiserver.key"), 0o644);
    let report = json(&trees, &[], 4);
    assert_eq!(codes(&report, "cp2"), ["interrupted-run", "key-mode"]);
    assert_eq!(codes(&report, "cp1"), [""; 0]);
}

/// Who can write above a tree can put another in its place.
#[test]
fn directories_above_a_tree_are_looked_at_too() {
    let trees = Trees::made();
    json(&trees, &[], 0);
    for folder in ["", "etc", "var", "var/lib", "var/lib/kubelet"] {
        let folder = trees.node("worker1", folder);
        let former = common::mode(&folder);
        set_mode(&folder, 0o777);
        let report = json(&trees, &[], 4);
        let told = codes(&report, "ca");
        assert_eq!(told, ["writable-by-others"], "{}", folder.display());
        let refused = trees.all(&[]).expect(4);
        assert!(
            refused.stderr.contains(text(&folder).trim_end_matches('/')),
            "{refused}"
        );
        set_mode(&folder, former);
    }
}

#[test]
fn a_node_that_cannot_be_looked_at_hides_no_other() {
    let trees = Trees::made();
    common::write_secret(&trees.pki("cp1", ".certs-journal"), "junk\n");
    set_mode(&trees.pki("cp2", "apiserver.key"), 0o644);
    let report = json(&trees, &[], 4);
    assert_eq!(codes(&report, "cp1"), ["unreadable"]);
    assert_eq!(codes(&report, "cp2"), ["key-mode"]);
    assert_eq!(codes(&report, "worker1"), [""; 0]);
}

#[test]
fn a_node_whose_certificates_have_ended_comes_back_by_what_is_offered() {
    let trees = Trees::of(NODES);
    trees.all(&["--validity", "24h"]).expect(0);
    let later = time::OffsetDateTime::now_utc().unix_timestamp() + 2 * 86_400;
    let mut look = certs(&["check", "--inventory", text(&trees.0.join("nodes.yaml"))]);
    look.args(["--out", text(&trees.out()), "--output", "json"]);
    let finished = run(&mut at(later, "022", &look)).expect(4);
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let told = told(&report, "worker1");
    let ended = told.iter().filter(|[code, ..]| code == "expired");
    // What its kubelet rotated is what its kubeconfig names, and is told once.
    assert_eq!(ended.count(), 3, "{told:?}");
    // It was made for another time than the documents give, too.
    for [code, file, _, way_out] in &told {
        let wanted = match code.as_str() {
            "expired" if file.contains("kubelet.conf") => {
                "'certs renew node NODE --inventory FILE --out DIR' renews what its kubelet needs, and tells what to copy"
            }
            "expired" => "'certs renew --inventory FILE --out DIR' renews it",
            _ => "'certs all --inventory FILE --out DIR --force' makes it anew",
        };
        assert_eq!(way_out, wanted, "{file}");
    }
    let current = trees.node("worker1", "var/lib/kubelet/pki/kubelet-client-current.pem");
    let former = fs::read_link(&current).expect("a link");
    let mut renew = certs(&["renew", "node", "worker1", "--validity", "8760h"]);
    renew.args(["--inventory", text(&trees.0.join("nodes.yaml"))]);
    renew.args(["--out", text(&trees.out())]);
    run(&mut at(later, "022", &renew)).expect(0);
    assert_ne!(fs::read_link(&current).expect("a link"), former);
    let finished = run(&mut at(later, "022", &look)).expect(4);
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    assert_eq!(codes(&report, "worker1"), [""; 0]);
    run(&mut at(later, "022", &trees.command(&["--force"]))).expect(0);
    run(&mut at(later, "022", &look)).expect(0);
}

#[test]
fn what_lasts_for_too_short_on_nodes_lasts_longer_by_what_is_offered() {
    let trees = Trees::of(NODES);
    trees.all(&["--validity", "24h"]).expect(0);
    let short = |code: i32| {
        let report = json(&trees, &["--within", "1h"], code);
        ["cp1", "worker1"].map(|node| {
            let mut told = told(&report, node);
            told.retain(|[code, ..]| code == "short-lived");
            told
        })
    };
    let wanted = "'certs renew --inventory FILE --out DIR --all --validity 8760h' renews it, and all else, for so long";
    for told in short(3) {
        assert!(!told.is_empty());
        assert!(
            told.iter().all(|[.., way_out]| way_out == wanted),
            "{told:?}"
        );
    }
    let mut renew = certs(&["renew", "--all", "--validity", "8760h"]);
    renew.args(["--inventory", text(&trees.0.join("nodes.yaml"))]);
    renew.args(["--out", text(&trees.out())]);
    run(&mut renew).expect(0);
    for told in short(0) {
        assert_eq!(told.len(), 0, "{told:?}");
    }
}

/// No node has the keys of the CAs.
#[test]
fn what_was_issued_while_the_clock_was_wrong_is_renewed_by_what_is_offered() {
    let trees = Trees::of(NODES);
    trees.all(&["--ca-keys", "none"]).expect(0);
    let over = |verb: &[&str]| {
        let mut command = certs(verb);
        command.args(["--inventory", text(&trees.0.join("nodes.yaml"))]);
        command.args(["--out", text(&trees.out())]);
        command
    };
    let wrong = time::OffsetDateTime::now_utc().unix_timestamp() + 90 * 86_400;
    for verb in [&["renew", "node", "worker1"][..], &["renew", "apiserver"]] {
        run(&mut at(wrong, "022", &over(verb))).expect(0);
    }
    let report = json(&trees, &[], 4);
    let offered = |node: &str, file: &str| {
        let told = told(&report, node);
        let told = told.into_iter().find(|[_, name, ..]| name.ends_with(file));
        let [code, .., way_out] = told.unwrap_or_else(|| panic!("{node} {file}: {report}"));
        assert_eq!(code, "not-yet-valid");
        way_out
    };
    let clock = "set the clock right, or, if it is right now, ";
    let of_kubelet = "'certs renew node NODE --inventory FILE --out DIR' renews what its kubelet needs, and tells what to copy";
    for file in ["kubelet.conf", "kubelet-client-current.pem"] {
        assert_eq!(offered("worker1", file), format!("{clock}{of_kubelet}"));
    }
    for (node, file, name) in [
        ("worker1", "kubelet.crt", "kubelet-serving"),
        ("cp2", "apiserver.crt", "apiserver"),
    ] {
        let renewed =
            format!("{clock}'certs renew {name} --inventory FILE --out DIR' renews it, as it is");
        assert_eq!(offered(node, file), renewed);
    }
    run(&mut over(&["renew", "apiserver"])).expect(0);
    run(&mut over(&["renew", "node", "worker1"])).expect(0);
    json(&trees, &[], 0);
}

/// Not each file that it could have.
#[test]
fn what_can_be_no_tree_is_told_once() {
    let trees = Trees::made();
    let place = trees.out().join("worker1");
    fs::remove_dir_all(&place).expect("remove a tree");
    write(&place, "");
    let report = json(&trees, &[], 4);
    let findings = told(&report, "worker1");
    let codes: Vec<&str> = findings.iter().map(|[code, ..]| code.as_str()).collect();
    assert_eq!(codes, ["unreadable"], "{findings:?}");
    let words = "is a file, not the directory of a tree";
    assert!(
        findings.iter().any(|told| told[2].contains(words)),
        "{findings:?}"
    );
}
