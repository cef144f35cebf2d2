//! What leads who trusts the former CA alone to an API server whose certificate the next one signed: the next one as the
//! former one signed it. Every control plane has it from `issue` to `drop`, whenever it came.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

mod common;
use common::trees::{NODES, PLANES, Trees};
use common::{Finished, Server, at, certs, read, run, text, tool, write};

const END: &str = "-----END CERTIFICATE-----\n";

/// Two control planes, with their etcd.
const TWO: &str = "\
apiVersion: certs/v1
kind: Inventory
nodes:
- {name: cp1, addresses: [10.0.0.1], roles: [control-plane, etcd]}
- {name: cp2, addresses: [10.0.0.2], roles: [control-plane, etcd]}
- {name: worker1, addresses: [10.0.1.1], roles: [worker]}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
controlPlaneEndpoint: api.example.com:6443
encryptionAlgorithm: ECDSA-P256
";

fn over(trees: &Trees, arguments: &[&str]) -> Finished {
    run(&mut trees.over(arguments))
}

fn stage(trees: &Trees, stage: &str) {
    let told = (stage != "trust").then_some("--restarted");
    let arguments = ["rotate", "ca", stage].into_iter().chain(told);
    over(trees, &arguments.collect::<Vec<_>>()).expect(0);
}

/// Trees whose former CA is in `old.crt` and `old.key`, and where the next one signs.
fn issued(inventory: &str) -> Trees {
    let trees = Trees::of(inventory);
    trees.all(&[]).expect(0);
    stage(&trees, "trust");
    for end in ["crt", "key"] {
        let from = trees.out().join(format!("ca/ca.{end}"));
        fs::copy(from, trees.0.join(&format!("both.{end}"))).expect("copy");
    }
    // The first of the two signs.
    let both = read(&trees.0.join("both.crt"));
    let (old, _) = both.split_once(END).expect("the former one");
    write(&trees.0.join("old.crt"), [old, END].concat());
    fs::rename(trees.0.join("both.key"), trees.0.join("old.key")).expect("rename");
    stage(&trees, "issue");
    trees
}

fn served(trees: &Trees, node: &str) -> PathBuf {
    trees.pki(node, "apiserver.crt")
}

/// An API server's certificate, and what is sent behind it.
fn parts(trees: &Trees, node: &str) -> [String; 2] {
    let all = read(&served(trees, node));
    let (leaf, behind) = all.split_once(END).expect("a certificate");
    [[leaf, END].concat(), behind.to_owned()]
}

fn behind(trees: &Trees, node: &str) -> String {
    let [_, behind] = parts(trees, node);
    behind
}

fn lose(trees: &Trees, node: &str) {
    fs::remove_dir_all(trees.out().join(node)).expect("a tree");
}

/// Nothing is wrong with any of them, and nothing is told of what a server sends.
#[track_caller]
fn sound(trees: &Trees) {
    let said = over(trees, &["check", "--output", "json"]).expect(0);
    let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(report["result"], "sound", "{said}");
    let findings = report["findings"].as_array().expect("a list");
    let of_server = |told: &&Value| told["name"] == "apiserver";
    assert_eq!(findings.iter().find(of_server), None);
}

/// What OpenSSL says to a client that trusts the former CA alone and is sent what this API server has.
fn handshake(trees: &Trees, node: &str) -> Finished {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let pair = served(trees, node);
    let mut server = Command::new(tool("openssl"));
    server.args(["s_server", "-accept", "127.0.0.1:0", "-www"]);
    server.args(["-cert", text(&pair), "-cert_chain", text(&pair)]);
    server.args(["-key", text(&trees.pki(node, "apiserver.key"))]);
    let mut server = Server::start(&server, &trees.0.join(&format!("{number}.log")));
    let mut port = None;
    server.wait(Duration::from_mins(1), "port", |said| {
        let line = said.lines().find_map(|line| line.strip_prefix("ACCEPT "));
        port = line.and_then(|line| line.rsplit_once(':')?.1.trim().parse::<u16>().ok());
        port.is_some()
    });
    let mut client = Command::new(tool("openssl"));
    client.args(["s_client", "-connect"]);
    client.arg(format!("127.0.0.1:{}", port.expect("a port")));
    client.args(["-no-CApath", "-no-CAstore", "-x509_strict"]);
    client.args(["-CAfile", text(&trees.0.join("old.crt"))]);
    client.args([
        "-verify_return_error",
        "-verify_hostname",
        "api.example.com",
    ]);
    run(&mut client)
}

#[test]
fn a_control_plane_that_comes_between_issue_and_drop_is_followed_by_who_trusts_the_former_ca_alone()
{
    let trees = issued(NODES);
    let sent = behind(&trees, "cp1");
    assert_eq!(sent.matches(END).count(), 1);
    let before = PLANES.map(|node| parts(&trees, node)[0].clone());
    let further = "- {name: cp4, addresses: [10.0.0.4], roles: [control-plane]}\n---";
    write(&trees.0.join("nodes.yaml"), NODES.replace("---", further));
    // One comes, one is made anew, one is replaced, and one, the first, is not the one that tells the others.
    lose(&trees, "cp1");
    fs::remove_file(trees.pki("cp2", "apiserver.key")).expect("a key");
    let told = trees.all(&["--force"]).expect(0);
    for node in ["cp1", "cp2", "cp4"] {
        let [leaf, behind] = parts(&trees, node);
        assert!(!before.contains(&leaf), "{node}: {told}");
        assert_eq!(behind, sent, "{node}");
        handshake(&trees, node).expect(0);
        // It is what is behind the leaf that leads there.
        write(&served(&trees, node), &leaf);
        handshake(&trees, node).expect_failure("unable to get local issuer certificate");
        write(&served(&trees, node), [leaf, behind].concat());
    }
    assert_eq!(parts(&trees, "cp3"), [before[2].clone(), sent]);
    sound(&trees);
    over(&trees, &["renew", "apiserver", "--quiet"]).expect(0);
    for node in ["cp1", "cp2", "cp3", "cp4"] {
        handshake(&trees, node).expect(0);
    }
    stage(&trees, "drop");
    sound(&trees);
    lose(&trees, "cp2");
    trees.all(&[]).expect(0);
    for node in ["cp1", "cp2", "cp3", "cp4"] {
        assert_eq!(behind(&trees, node), "", "{node}");
    }
    sound(&trees);
}

#[test]
fn what_all_sent_before_a_step_back_is_made_anew_by_the_stage_for_one_that_came_since_too() {
    let trees = issued(TWO);
    lose(&trees, "cp2");
    trees.all(&[]).expect(0);
    let sent = behind(&trees, "cp2");
    assert_eq!(sent.matches(END).count(), 1);
    over(&trees, &["rotate", "ca", "back"]).expect(0);
    assert_eq!(["cp1", "cp2"].map(|node| behind(&trees, node)), ["", ""]);
    stage(&trees, "issue");
    let again = ["cp1", "cp2"].map(|node| behind(&trees, node));
    assert_eq!(again[0].matches(END).count(), 1);
    assert_eq!(again[0], again[1]);
    sound(&trees);
}

/// All but what is `done` is as it was before, as where the run was killed there, or where it was put back since.
#[test]
fn nodes_that_a_killed_stage_did_not_get_to_send_what_the_others_send() {
    for done in [&["cp1"][..], &["cp3"], &PLANES, &["cp2", "ca"]] {
        let trees = Trees::of(NODES);
        trees.all(&[]).expect(0);
        stage(&trees, "trust");
        let former = trees.0.join("former");
        let copy = |from: PathBuf, to: PathBuf| {
            run(Command::new("cp").arg("-a").arg(from).arg(to)).expect(0);
        };
        copy(trees.out(), former.clone());
        stage(&trees, "issue");
        let sent = behind(&trees, done[0]);
        assert_eq!(sent.matches(END).count(), 1);
        for node in PLANES.into_iter().chain(["worker1", "ca"]) {
            if !done.contains(&node) {
                lose(&trees, node);
                copy(former.join(node), trees.out().join(node));
            }
        }
        stage(&trees, "issue");
        for node in PLANES {
            assert_eq!(behind(&trees, node), sent, "{done:?}: {node}");
        }
        sound(&trees);
    }
}

/// What puts a certificate into `crossed.crt`, in a folder with both CAs, whatever the time is.
const MADE: &str = "key=$(openssl x509 -in new.crt -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' ')
    printf '%s\\n' basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign \"subjectKeyIdentifier=$key\" > ca
    openssl x509 -x509toreq -in new.crt -signkey new.key |
        openssl x509 -req -CA old.crt -CAkey old.key -extfile ca -days 30 -out crossed.crt";
const WAYS: [(&str, bool, &str); 7] = [
    ("as the former CA signs it", true, MADE),
    (
        "with a signature that is wrong",
        false,
        "openssl x509 -in new.crt -CA old.crt -CAkey old.key -days 30 | openssl x509 -badsig -out crossed.crt",
    ),
    (
        "of another key",
        false,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.crt \
            -subj /CN=kubernetes-2 -addext keyUsage=critical,digitalSignature,keyCertSign,cRLSign
        openssl x509 -in other.crt -CA old.crt -CAkey old.key -days 30 -out crossed.crt",
    ),
    (
        "of another name",
        false,
        "openssl req -x509 -key new.key -subj /CN=kubernetes-3 -addext keyUsage=critical,digitalSignature,keyCertSign,cRLSign \
            -out other.crt
        openssl x509 -in other.crt -CA old.crt -CAkey old.key -days 30 -out crossed.crt",
    ),
    (
        "by a CA of the former one's name",
        false,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.crt \
            -subj /CN=kubernetes
        openssl x509 -in new.crt -CA other.crt -CAkey other.key -days 30 -out crossed.crt",
    ),
    (
        "by itself",
        false,
        "cp new.crt crossed.crt",
    ),
    (
        "that may sign nothing",
        false,
        "printf '%s\\n' basicConstraints=critical,CA:FALSE subjectKeyIdentifier=hash > leaf
        openssl x509 -in new.crt -CA old.crt -CAkey old.key -clrext -extfile leaf -days 30 -out crossed.crt",
    ),
];

fn script(trees: &Trees, lines: &str) -> Command {
    let mut bash = Command::new(tool("bash"));
    bash.args(["-euo", "pipefail", "-c", lines]);
    bash.current_dir(trees.0.path());
    bash
}

#[test]
fn nothing_is_taken_over_but_what_leads_from_the_former_ca_to_the_one_that_signs() {
    let trees = issued(TWO);
    for (from, to) in [("ca-signing.crt", "new.crt"), ("ca.key", "new.key")] {
        fs::copy(trees.pki("cp1", from), trees.0.join(to)).expect("copy");
    }
    let taken = |trees: &Trees| {
        let crossed = read(&trees.0.join("crossed.crt"));
        let [leaf, _] = parts(trees, "cp1");
        write(&served(trees, "cp1"), [leaf.as_str(), &crossed].concat());
        lose(trees, "cp2");
        // One that ended is found wrong where it is.
        trees.all(&["--force"]).expect(0);
        let behind = behind(trees, "cp2");
        assert!(behind.is_empty() || behind == crossed);
        !behind.is_empty()
    };
    for (way, good, lines) in WAYS {
        run(&mut script(&trees, lines)).expect(0);
        assert_eq!(taken(&trees), good, "{way}");
    }
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed();
    let now = i64::try_from(now.expect("a clock").as_secs()).expect("a time");
    for (way, days) in [("ended", -40), ("to begin", 2)] {
        let when = now + days * 24 * 3600;
        run(&mut at(when, "077", &script(&trees, MADE))).expect(0);
        assert!(!taken(&trees), "{way}");
    }
    // What cannot be read hinders nobody else.
    write(&served(&trees, "cp1"), "no certificate");
    lose(&trees, "cp2");
    trees.all(&["--force"]).expect(0);
    assert_eq!(["cp1", "cp2"].map(|node| behind(&trees, node)), ["", ""]);
}

/// A verb over the tree of one of them, as on that node.
fn on_node(trees: &Trees, node: &str, arguments: &[&str]) -> Finished {
    let mut command = certs(arguments);
    command.arg("--kubernetes-dir");
    command.arg(trees.node(node, "etc/kubernetes"));
    run(command.current_dir(trees.0.path()))
}

/// Signs the request for the API server of `cp2`, in a folder, with the CA of the first control plane.
fn sign_for_it(trees: &Trees) {
    let facts = ["--node-name", "cp2", "--apiserver-advertise-address"];
    let endpoint = "--control-plane-endpoint=api.example.com:6443";
    let sign = [&["sign", "one"], &facts[..], &["10.0.0.2", endpoint]].concat();
    on_node(trees, "cp1", &[&sign[..], &["--force"]].concat()).expect(0);
}

fn without_pair(trees: &Trees, node: &str) {
    for end in ["crt", "key"] {
        fs::remove_file(trees.pki(node, &format!("apiserver.{end}"))).expect("a file");
    }
}

/// What came back is the leaf alone, as from a CA's owner who knows of no other.
fn leaf_alone(file: &Path) {
    let all = read(file);
    let (leaf, _) = all.split_once(END).expect("a certificate");
    write(file, [leaf, END].concat());
}

#[test]
fn what_comes_back_between_issue_and_drop_is_followed_by_who_trusts_the_former_ca_alone() {
    let trees = issued(TWO);
    let sent = behind(&trees, "cp1");
    let ca = trees.out().join("ca");
    let ask = ["csr", "apiserver", "--csr-dir"];
    let before = parts(&trees, "cp2");

    // Over all nodes it has what the others send, whether it was there before or came anew.
    without_pair(&trees, "cp2");
    let csrs = trees.0.join("csrs");
    over(&trees, &[&ask[..], &[text(&csrs)]].concat()).expect(0);
    let mut sign = certs(&["sign", text(&csrs), "--cert-dir", text(&ca)]);
    sign.args(["--inventory", text(&trees.0.join("nodes.yaml"))]);
    run(&mut sign).expect(0);
    leaf_alone(&csrs.join("cp2/apiserver.crt"));
    over(&trees, &["import", text(&csrs)]).expect(0);
    assert_ne!(parts(&trees, "cp2")[0], before[0]);
    assert_eq!(behind(&trees, "cp2"), sent);
    handshake(&trees, "cp2").expect(0);
    sound(&trees);
    let whole = read(&served(&trees, "cp2"));
    over(&trees, &["import", text(&csrs)]).expect(0);
    assert_eq!(read(&served(&trees, "cp2")), whole);

    // What was in its place had it.
    let ask = [&ask[..], &["one", "--service-cidr", "10.96.0.0/12"]].concat();
    on_node(&trees, "cp2", &ask).expect(0);
    sign_for_it(&trees);
    leaf_alone(&trees.0.join("one/apiserver.crt"));
    on_node(&trees, "cp2", &["import", "one"]).expect(0);
    assert_ne!(read(&served(&trees, "cp2")), whole);
    assert_eq!(behind(&trees, "cp2"), sent);
    handshake(&trees, "cp2").expect(0);

    // Whoever signs beside an API server sends along what that one sends.
    let anew = || {
        without_pair(&trees, "cp2");
        fs::remove_dir_all(trees.0.join("one")).expect("a folder");
        on_node(&trees, "cp2", &ask).expect(0);
        sign_for_it(&trees);
    };
    anew();
    on_node(&trees, "cp2", &["import", "one"]).expect(0);
    assert_eq!(behind(&trees, "cp2"), sent);
    handshake(&trees, "cp2").expect(0);

    // Where none of them has it that is told, before it is there and afterwards.
    anew();
    leaf_alone(&trees.0.join("one/apiserver.crt"));
    let told = on_node(&trees, "cp2", &["import", "one"]).expect(3);
    let words = "is followed by nobody who trusts \"CN=kubernetes\" alone, in whose place \"CN=kubernetes-2\" signs by now";
    assert!(
        told.stderr.contains(words) || told.stdout.contains(words),
        "{told}"
    );
    handshake(&trees, "cp2").expect_failure("unable to get local issuer certificate");
    let checked = on_node(&trees, "cp2", &["check", "-o", "json"]).expect(3);
    assert!(
        checked.stdout.contains("\"cross-certificate-missing\""),
        "{checked}"
    );
    // As its way out has it.
    write(
        &served(&trees, "cp2"),
        [behind_nothing(&trees), sent].concat(),
    );
    handshake(&trees, "cp2").expect(0);
    sound(&trees);
}

fn behind_nothing(trees: &Trees) -> String {
    let [leaf, behind] = parts(trees, "cp2");
    assert_eq!(behind, "");
    leaf
}

/// A further CA that is trusted for its own sake, and one by which no other may be signed.
#[test]
fn nobody_is_told_to_send_what_leads_from_a_ca_that_is_none_of_the_former_ones() {
    let trees = Trees::of(TWO);
    trees.all(&[]).expect(0);
    let further = "-subj /CN=kubernetes/O=further -days 3000 -addext keyUsage=critical,keyCertSign";
    let bound = "-subj /CN=former -days 3000 -addext basicConstraints=critical,CA:TRUE,pathlen:0";
    let former = "-subj /CN=former -days 3000";
    let ca = trees.pki("cp1", "ca.crt");
    let own = read(&ca);
    write(&trees.pki("cp1", "ca-signing.crt"), &own);
    for (which, told) in [(further, 0), (bound, 0), (former, 3)] {
        let made = format!(
            "faketime -f -2h openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout f.key -out f.crt {which}"
        );
        run(&mut script(&trees, &made)).expect(0);
        write(&ca, [own.as_str(), &read(&trees.0.join("f.crt"))].concat());
        let said = on_node(&trees, "cp1", &["check", "-o", "json"]).expect(told);
        let is = said.stdout.contains("\"cross-certificate-missing\"");
        assert_eq!(is, told == 3, "{which}: {said}");
    }
}
