//! `certs renew --inventory`: every node's tree renewed as by itself, signed with what is kept for all.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

mod common;
use common::kubeadm::NOON;
use common::renewal::DAY;
use common::snapshot::{same, snapshot};
use common::trees::{MEMBERS, NODES, PLANES, Trees, WORKERS, files};
use common::{Finished, at, certs, kubeconfig_data, read, run, text, tool, write};

fn made(flags: &[&str]) -> Trees {
    let trees = Trees::of(NODES);
    run(&mut at(NOON, "022", &trees.command(flags))).expect(0);
    trees
}

fn command(verb: &str, trees: &Trees, flags: &[&str]) -> Command {
    let mut command = certs(&[verb]);
    command.args(flags);
    command.args(["--inventory", text(&trees.0.join("nodes.yaml"))]);
    command.args(["--out", text(&trees.out())]);
    command
}

/// So many days after the trees were made.
fn after(days: i64, verb: &str, trees: &Trees, flags: &[&str]) -> Finished {
    run(&mut at(
        NOON + days * DAY,
        "022",
        &command(verb, trees, flags),
    ))
}

fn renew(days: i64, trees: &Trees, flags: &[&str]) -> Finished {
    after(days, "renew", trees, flags)
}

fn json(days: i64, trees: &Trees, flags: &[&str], code: i32) -> Value {
    let finished = renew(days, trees, &[flags, &["--output", "json"]].concat()).expect(code);
    serde_json::from_str(&finished.stdout).expect("JSON")
}

/// Nothing is wrong with any of them.
fn sound(days: i64, trees: &Trees) {
    let finished = after(days, "check", trees, &["--output", "json"]).expect(0);
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    assert_eq!(report["result"], "sound", "{finished}");
}

fn openssl(arguments: &[&str]) -> String {
    run(Command::new(tool("openssl")).args(arguments))
        .expect(0)
        .stdout
}

/// A certificate of a tree, its key and its CA, as files that OpenSSL reads.
struct Leaf {
    certificate: PathBuf,
    key: PathBuf,
    ca: PathBuf,
}

/// All leaves of the nodes, by what they are called.
fn leaves(trees: &Trees) -> BTreeMap<String, Leaf> {
    let mut found = BTreeMap::new();
    let out = trees.out();
    for node in [&PLANES[..], &MEMBERS, &WORKERS].concat() {
        for file in files(&out.join(node)) {
            let path = out.join(node).join(&file);
            let name = format!("{node}/{file}");
            if name.contains(".certs-")
                || name.contains("kubelet-client-2")
                || name.ends_with("ca.crt")
                || name.ends_with("ca-signing.crt")
            {
                continue;
            }
            let extension = path.extension().and_then(|extension| extension.to_str());
            let (certificate, key) = match extension {
                Some("crt") => (path.clone(), path.with_extension("key")),
                Some("pem") => (path.clone(), path.clone()),
                Some("conf") if read(&path).contains("client-certificate-data") => {
                    let beside = |ending: &str| {
                        trees
                            .0
                            .join(&format!("{}.{ending}", name.replace('/', "-")))
                    };
                    let [certificate, key] = ["crt", "key"].map(beside);
                    write(
                        &certificate,
                        kubeconfig_data(&path, "client-certificate-data"),
                    );
                    write(&key, kubeconfig_data(&path, "client-key-data"));
                    (certificate, key)
                }
                _ => continue,
            };
            let ca = if file.contains("etcd") {
                "etcd/ca.crt"
            } else if file.contains("front-proxy") {
                "front-proxy-ca.crt"
            } else {
                "ca.crt"
            };
            let ca = out.join("ca").join(ca);
            found.insert(
                name,
                Leaf {
                    certificate,
                    key,
                    ca,
                },
            );
        }
    }
    found
}

/// What OpenSSL says of each, held against its key and its CA: what is to stay, and what is not.
fn judged(days: i64, trees: &Trees) -> BTreeMap<String, [String; 2]> {
    let time = (NOON + days * DAY).to_string();
    let of = |(name, leaf): (String, Leaf)| {
        let [certificate, key, ca] =
            [&leaf.certificate, &leaf.key, &leaf.ca].map(|path| text(path));
        openssl(&[
            "verify",
            "-x509_strict",
            "-attime",
            &time,
            "-CAfile",
            ca,
            certificate,
        ]);
        let public = openssl(&["x509", "-noout", "-pubkey", "-in", certificate]);
        assert_eq!(public, openssl(&["pkey", "-pubout", "-in", key]), "{name}");
        let stays = [
            "-subject",
            "-ext",
            "subjectAltName,extendedKeyUsage,keyUsage",
        ];
        let stays = openssl(&[&["x509", "-noout", "-in", certificate], &stays[..]].concat());
        let serial = openssl(&["x509", "-noout", "-serial", "-in", certificate]);
        (name, [stays, serial])
    };
    leaves(trees).into_iter().map(of).collect()
}

#[test]
fn what_is_due_of_every_node_is_signed_by_what_is_kept_for_all() {
    // No node has the key of a CA.
    let trees = made(&["--ca-keys", "none"]);
    let before = judged(1, &trees);
    let snapshot = snapshot(&trees.out());
    let told = renew(300, &trees, &[]).expect(0).stdout;
    assert!(
        told.ends_with("Nothing is due on 8 nodes; nothing was written.\n"),
        "{told}"
    );
    renew(350, &trees, &["--dry-run"]).expect(0);
    same(&snapshot, &trees.out());
    let told = json(350, &trees, &[], 0);
    assert_eq!(told["result"], "changed");
    let after = judged(360, &trees);
    assert_eq!(before.len(), 8 * 3 + 1 + 3 * 3 + 3 * 2);
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    let mut serials = BTreeSet::new();
    for (name, [stays, serial]) in &after {
        assert_eq!(*stays, before[name][0], "{name}");
        assert_ne!(*serial, before[name][1], "{name}");
        assert!(serials.insert(serial), "{name}");
    }
    for node in PLANES {
        assert!(!trees.pki(node, "ca.key").exists(), "{node}");
    }
    let current = trees.node("worker1", "var/lib/kubelet/pki/kubelet-client-current.pem");
    let target = fs::read_link(&current).expect("it is a link still");
    assert_eq!(common::mode(&current), 0o600);
    assert!(
        text(&target).starts_with("kubelet-client-2"),
        "{}",
        target.display()
    );
    sound(360, &trees);
    // The members of etcd read theirs again, and a worker's kubelet does not.
    let processes = told["processes"].as_array().expect("processes");
    let on = |name: &str| {
        let of = processes
            .iter()
            .filter(move |process| process["name"] == name);
        of.map(|process| (process["restart"].clone(), process["nodes"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        on("etcd"),
        [(serde_json::json!([]), serde_json::json!(MEMBERS))]
    );
    let kubelet = (
        serde_json::json!(["kubelet/kubelet-client-current.pem"]),
        serde_json::json!(WORKERS),
    );
    assert!(on("kubelet").contains(&kubelet), "{told}");
    assert!(
        on("kube-apiserver")
            .iter()
            .all(|(_, nodes)| *nodes == serde_json::json!(PLANES))
    );
    let told = renew(360, &trees, &[]).expect(0).stdout;
    assert!(told.contains("Nothing is due on 8 nodes"), "{told}");
}

/// One node refuses the run: nothing is written on any, so nothing is to be restarted, and no command is run.
#[test]
fn of_a_run_that_is_refused_nothing_is_restarted() {
    let trees = made(&[]);
    let pki = trees.pki("cp2", "");
    fs::set_permissions(&pki, fs::Permissions::from_mode(0o777)).expect("chmod");
    let flags = ["--all", "--exec", "touch ran"];
    let before = snapshot(&trees.out());
    let told = renew(100, &trees, &flags).expect(4);
    assert!(told.stderr.contains("directory of mode 0777"), "{told}");
    for words in ["Restart", "Was run"] {
        assert!(!told.stdout.contains(words), "{words}\n{told}");
    }
    let told = json(100, &trees, &flags, 4);
    assert_eq!(told["processes"], serde_json::json!([]));
    assert_eq!(told["exec"], Value::Null);
    same(&before, &trees.out());
}

#[test]
fn with_the_same_keys_certificates_alone_are_new() {
    let trees = made(&[]);
    let keys = || -> BTreeMap<String, String> {
        let key = |(name, leaf): (String, Leaf)| {
            let path = text(&leaf.key).to_owned();
            (name, openssl(&["pkey", "-pubout", "-in", &path]))
        };
        leaves(&trees).into_iter().map(key).collect()
    };
    let before = (keys(), judged(1, &trees));
    renew(100, &trees, &["--all", "--reuse-key"]).expect(0);
    assert_eq!(before.0, keys());
    let after = judged(360, &trees);
    assert!(
        after
            .iter()
            .all(|(name, [_, serial])| *serial != before.1[name][1])
    );
    sound(360, &trees);
}

/// The same key, and in the same run every copy of its certificate and every kubeconfig that holds it.
#[test]
fn a_ca_is_renewed_with_all_its_copies_and_no_leaf() {
    let trees = made(&[]);
    let shared = trees.out().join("ca");
    // What the controller manager signs with is one of its own where the operator made it so.
    fs::copy(shared.join("ca.crt"), shared.join("ca-signing.crt")).expect("copy");
    fs::copy(shared.join("ca.crt"), trees.pki("cp1", "ca-signing.crt")).expect("copy");
    let before = judged(1, &trees);
    let former = read(&shared.join("ca.crt"));
    let public = || {
        openssl(&[
            "x509",
            "-noout",
            "-pubkey",
            "-subject",
            "-in",
            text(&shared.join("ca.crt")),
        ])
    };
    let key = public();
    let told = renew(100, &trees, &["ca"]).expect(0).stdout;
    assert!(
        told.contains("Renewed, for the same key:\n  shared by all: ca, ca-signing.crt\n"),
        "{told}"
    );
    for words in [
        "  kube-controller-manager of cp1 (ca.crt, controller-manager)\n",
        "  kube-controller-manager of cp2 and cp3 (ca.crt, controller-manager)\n",
        "  kube-controller-manager of cp1 (ca-signing.crt)\n",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(told.contains("'certs kubeconfig refresh'"), "{told}");
    assert_eq!(key, public());
    let now = read(&shared.join("ca.crt"));
    assert_ne!(former, now);
    for node in [&PLANES[..], &WORKERS].concat() {
        assert_eq!(read(&trees.pki(node, "ca.crt")), now, "{node}");
    }
    assert_eq!(read(&shared.join("ca-signing.crt")), now);
    assert_eq!(read(&trees.pki("cp1", "ca-signing.crt")), now);
    assert!(!trees.pki("cp2", "ca-signing.crt").exists());
    for (node, file) in [
        ("cp1", "admin"),
        ("cp3", "kubelet"),
        ("worker2", "kube-proxy"),
    ] {
        let kubeconfig = trees.node(node, &format!("etc/kubernetes/{file}.conf"));
        let held = kubeconfig_data(&kubeconfig, "certificate-authority-data");
        assert_eq!(held, now.as_bytes(), "{node} {file}");
    }
    assert_eq!(before, judged(300, &trees));
    fs::remove_file(shared.join("ca-signing.crt")).expect("remove");
    fs::remove_file(trees.pki("cp1", "ca-signing.crt")).expect("remove");
    sound(100, &trees);
    run(&mut at(NOON + 100 * DAY, "022", &trees.command(&[]))).expect(0);
}

/// The files tell what a run that ended had not got to: no other one renews the CA for that.
#[test]
fn a_node_that_a_run_did_not_get_to_is_told_and_follows_with_the_next() {
    let trees = made(&[]);
    let kept = trees.0.join("kept");
    let nodes = ["cp2", "worker1"];
    fs::create_dir(&kept).expect("make a folder");
    let copy = |from: &Path, to: &Path| {
        run(Command::new("cp").arg("-a").args([from, to])).expect(0);
    };
    for node in nodes {
        copy(&trees.out().join(node), &kept);
    }
    renew(100, &trees, &["ca"]).expect(0);
    let now = read(&trees.out().join("ca/ca.crt"));
    for node in nodes {
        fs::remove_dir_all(trees.out().join(node)).expect("remove a tree");
        copy(&kept.join(node), &trees.out());
    }
    let way_out = "'certs renew --inventory FILE --out DIR' brings it up to date";
    let told = after(100, "check", &trees, &[]).expect(4).stdout;
    assert_eq!(told.matches(way_out).count(), 2, "{told}");
    let before = snapshot(&trees.out());
    let refused = run(&mut at(NOON + 100 * DAY, "022", &trees.command(&[]))).expect(4);
    assert!(refused.stderr.contains(way_out), "{refused}");
    same(&before, &trees.out());
    let told = renew(101, &trees, &[]).expect(0).stdout;
    let words = "Replaced:\n  cp2: ca.crt\n  worker1: ca.crt\n\
                 Wrote the CA into:\n  cp2: admin, kubelet, controller-manager, scheduler\n  worker1: kube-proxy\n";
    assert!(told.contains(words), "{told}");
    assert_eq!(now, read(&trees.out().join("ca/ca.crt")));
    sound(101, &trees);
    // What is of another CA, or younger than what all share, follows nothing.
    let other = trees.pki("cp2", "ca.crt");
    for wrong in [
        read(&trees.out().join("ca/front-proxy-ca.crt")),
        now.clone(),
    ] {
        let shared = trees.out().join("ca/ca.crt");
        write(&other, &wrong);
        if wrong == now {
            write(
                &shared,
                read(&kept.join("worker1/etc/kubernetes/pki/ca.crt")),
            );
        }
        let told = renew(101, &trees, &[]).expect(4);
        let words = "cp2/etc/kubernetes/pki/ca.crt is another than the one that all nodes share: \
                     'certs all --inventory FILE --out DIR --force' puts that one in its place";
        assert!(told.stderr.contains(words), "{told}");
        assert_eq!(read(&other), wrong);
    }
}

#[test]
fn a_node_gets_what_its_kubelet_needs_to_come_back() {
    let trees = made(&["--ca-keys", "none"]);
    let before = judged(1, &trees);
    let told = renew(400, &trees, &["node", "worker1"]).expect(0).stdout;
    for words in [
        "Replaced:\n  worker1: kube-proxy, kubelet-serving, kubelet/kubelet-client-current.pem\n",
        "  kubelet of worker1 (kubelet/kubelet-client-current.pem)\n",
        "  Copy onto worker1, from ",
        "etc/kubernetes/kube-proxy.conf, var/lib/kubelet/pki/kubelet.crt, var/lib/kubelet/pki/kubelet.key, \
         var/lib/kubelet/pki/kubelet-client-2027-",
        ".pem, var/lib/kubelet/pki/kubelet-client-current.pem\n",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    renew(401, &trees, &["--all"]).expect(0);
    // What its kubelet shows is new whether it is due or not, and nothing else is.
    let was = judged(401, &trees);
    let told = json(410, &trees, &["node", "worker1", "cp2"], 0);
    assert_eq!(told["nodes"].as_array().map(Vec::len), Some(2), "{told}");
    let now = judged(411, &trees);
    let other = now.iter().filter(|(name, now)| was[*name][1] != now[1]);
    let other: Vec<&str> = other.map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        other,
        [
            "cp2/etc/kubernetes/kubelet.conf",
            "worker1/var/lib/kubelet/pki/kubelet-client-current.pem",
            "worker1/var/lib/kubelet/pki/kubelet.crt",
        ]
    );
    assert!(
        now.iter()
            .all(|(name, [stays, _])| before[name][0] == *stays)
    );
    sound(411, &trees);
    let refused = renew(400, &trees, &["node", "wroker1", "cp9"])
        .expect(2)
        .stderr;
    assert!(
        refused.contains("the inventory has no node \"wroker1\" (\"worker1\"?)"),
        "{refused}"
    );
    let refused = renew(400, &trees, &["worker1"]).expect(2).stderr;
    assert!(
        refused.contains("'certs renew node worker1 --inventory FILE --out DIR'"),
        "{refused}"
    );
}

/// It is renewed by its name, which is nobody's before those of nodes.
#[test]
fn an_identity_that_is_called_node_is_renewed_as_any_other() {
    let trees = made(&[]);
    let kubernetes = trees.node("cp1", "etc/kubernetes");
    let mut client = certs(&["client", "node", "--common-name", "node"]);
    client.args([
        "--key-algorithm",
        "ECDSA-P256",
        "--kubernetes-dir",
        text(&kubernetes),
    ]);
    run(&mut at(NOON, "022", &client)).expect(0);
    for (names, replaced) in [
        (&["node"][..], "  cp1: node.crt\n"),
        (&["apiserver", "node"], "  cp1: apiserver, node.crt\n"),
        (&["node.crt", "apiserver"], "  cp1: apiserver, node.crt\n"),
    ] {
        let told = renew(3, &trees, names).expect(0).stdout;
        assert!(told.contains(replaced), "{told}");
    }
    let refused = renew(3, &trees, &["node", "apiserver"]).expect(2).stderr;
    assert!(
        refused.contains("the inventory has no node \"apiserver\""),
        "{refused}"
    );
}

#[test]
fn what_refuses_one_node_is_told_with_its_name_and_nothing_is_written() {
    let trees = made(&[]);
    let key = trees.pki("cp2", "apiserver.key");
    fs::copy(trees.pki("cp3", "apiserver.key"), &key).expect("put another key there");
    let before = snapshot(&trees.out());
    let refused = renew(350, &trees, &["ca", "apiserver"]).expect(4);
    let words = "out/cp2/etc/kubernetes/pki/apiserver.key is not the key of the certificate beside it: \
                 'certs all --inventory FILE --out DIR --force' makes it anew";
    assert!(refused.stderr.contains(words), "{refused}");
    assert!(refused.stderr.contains("nothing was written"), "{refused}");
    same(&before, &trees.out());
    // What was not named is told, and hinders no other.
    let told = json(350, &trees, &[], 4);
    assert_eq!(told["result"], "changed", "{told}");
    assert_eq!(told["nodes"][1]["items"][0]["step"], "skip", "{told}");
    assert_eq!(
        fs::read(&key).expect("read"),
        fs::read(trees.0.join("out/cp2/etc/kubernetes/pki/apiserver.key")).expect("read")
    );
}

#[test]
fn the_command_is_run_once_with_what_changed_on_which_node() {
    let trees = made(&[]);
    let told = trees.0.join("told");
    let script = format!(
        "{{ echo \"$CERTS_CHANGED|$CERTS_RESTART\"; cat; }} >> {}",
        text(&told)
    );
    renew(1, &trees, &["--exec", &script]).expect(0);
    renew(1, &trees, &["scheduler", "--dry-run", "--exec", &script]).expect(0);
    assert!(!told.exists());
    renew(1, &trees, &["scheduler", "etcd-server", "--exec", &script]).expect(0);
    let names = [
        "cp1/scheduler",
        "cp2/scheduler",
        "cp3/scheduler",
        "etcd1/etcd-server",
        "etcd2/etcd-server",
        "etcd3/etcd-server",
    ];
    let wanted = format!("{}|kube-scheduler\n{}\n", names.join(" "), names.join("\n"));
    assert_eq!(read(&told), wanted);
    let failed = renew(1, &trees, &["scheduler", "--exec", "exit 3"]).expect(1);
    let words = "error: all was written, and --exec ended with the exit code 3; what may still have to be restarted: \
                 kube-scheduler; no later run does it: run it again by hand: CERTS_CHANGED='cp1/scheduler cp2/scheduler \
                 cp3/scheduler' CERTS_RESTART=kube-scheduler CERTS_UNKNOWN='' sh -c 'exit 3'\n";
    assert!(failed.stderr.contains(words), "{failed}");
    // Who does not read it is no failure.
    renew(1, &trees, &["scheduler", "--exec", "true"]).expect(0);
    let report = json(1, &trees, &["scheduler", "--exec", "exit 3"], 1);
    assert_eq!(report["exec"]["failure"], "ended with the exit code 3");
    assert_eq!(report["exitCode"], 1);
}

#[test]
fn what_cannot_be_is_one_clear_error() {
    let trees = made(&[]);
    let before = snapshot(&trees.out());
    for (flags, words) in [
        (&["--node-name", "cp1"][..], "cannot be used with"),
        (&["--kubelet-dir", "k"], "cannot be used with"),
        (
            &["apiserver", "--add-san", "x"],
            "--add-san: a renewal of many nodes keeps the names",
        ),
        (
            &["--service-cidr", "10.0.0.0/16"],
            "--service-cidr: a renewal of many nodes keeps the names",
        ),
        (&["apisever"], "no node has a \"apisever\" (\"apiserver\"?)"),
        (&["sa"], "\"sa\" is a key pair without a certificate"),
        (
            &["apiserver", "--ca-validity", "10d"],
            "--ca-validity: is for CAs",
        ),
        (&["ca", "--validity", "10d"], "--validity: is for leaves"),
        (
            &["ca", "--ca-validity", "10d"],
            "sooner than the former one",
        ),
    ] {
        let refused = renew(1, &trees, flags).expect(2);
        assert!(refused.stderr.contains(words), "{words}: {refused}");
    }
    same(&before, &trees.out());
    let moved = trees.0.join("moved");
    fs::rename(trees.out().join("worker1"), &moved).expect("move a tree away");
    let told = renew(1, &trees, &[]).expect(3);
    assert!(told.stderr.contains("the node has no tree"), "{told}");
    let refused = renew(1, &trees, &["node", "worker1"]).expect(2);
    assert!(
        refused.stderr.contains("worker1 has no tree in"),
        "{refused}"
    );
    fs::rename(trees.out().join("ca"), moved.join("ca")).expect("move the CAs away");
    let refused = renew(1, &trees, &[]).expect(2);
    assert!(refused.stderr.contains("out/ca is not there"), "{refused}");
}

#[test]
fn a_key_that_cannot_be_opened_is_told_of_once() {
    let trees = made(&["--ca-keys", "none"]);
    let key = trees.out().join("ca/ca.key");
    let options = [
        "pkcs8",
        "-topk8",
        "-v2",
        "aes-256-cbc",
        "-passout",
        "pass:right",
        "-in",
        text(&key),
    ];
    let encrypted = openssl(&options);
    write(&key, encrypted);
    write(&trees.0.join("word"), "right");
    common::set_mode(&trees.0.join("word"), 0o600);
    renew(1, &trees, &[]).expect(0);
    for names in [&[][..], &["apiserver"], &["ca"]] {
        let told = renew(350, &trees, names);
        assert!(
            [2, 4].contains(&told.status.code().expect("a code")),
            "{told}"
        );
        let lines = told.stderr.lines().filter(|line| line.starts_with("error"));
        assert_eq!(lines.count(), 1, "{told}");
        assert!(
            told.stderr.contains("ca.key") && told.stderr.contains("encrypted"),
            "{told}"
        );
    }
    let word = trees.0.join("word");
    renew(350, &trees, &["--ca-passphrase-file", text(&word)]).expect(0);
    sound(350, &trees);
}

/// Wherever a run is killed, each node is as it was or as it is to be, and the next run completes the rest.
#[test]
fn a_run_that_is_killed_is_completed_by_the_next() {
    let workers = 20;
    let kills: u32 = match std::env::var_os("FAULTS") {
        Some(_) => 40,
        None => 4,
    };
    let nodes: Vec<String> = (1..=workers)
        .map(|number| format!("worker{number},10.9.0.{number},worker\n"))
        .collect();
    let trees = Trees::of(&format!("name,addresses,roles\n{}", nodes.concat()));
    let flags = [
        "--control-plane-endpoint",
        "api.example.com",
        "--key-algorithm",
        "ECDSA-P256",
    ];
    trees.all(&flags).expect(0);
    let begun = Instant::now();
    run(&mut command("renew", &trees, &["ca"])).expect(0);
    let whole = begun.elapsed();
    for number in 0..kills {
        // What is made in one second is called the same.
        std::thread::sleep(Duration::from_millis(1100));
        for verb in [&["ca"][..], &["--all"]] {
            let mut renewal = command("renew", &trees, verb);
            renewal.stdout(Stdio::null()).stderr(Stdio::null());
            let mut running = renewal.spawn().expect("start a run");
            std::thread::sleep(whole * number / kills);
            running.kill().expect("kill it");
            running.wait().expect("it has ended");
            run(&mut command("renew", &trees, &[])).expect(0);
            let now = read(&trees.out().join("ca/ca.crt"));
            for worker in 1..=workers {
                let name = format!("worker{worker}");
                assert_eq!(read(&trees.pki(&name, "ca.crt")), now, "{name}");
                let kubeconfig = trees.node(&name, "etc/kubernetes/kube-proxy.conf");
                let held = kubeconfig_data(&kubeconfig, "certificate-authority-data");
                assert_eq!(held, now.as_bytes(), "{name}");
            }
            let told = run(&mut command("check", &trees, &flags[..2]))
                .expect(0)
                .stdout;
            assert!(told.ends_with("nothing is wrong.\n"), "{told}");
            let told = run(&mut command("renew", &trees, &[])).expect(0).stdout;
            assert!(told.contains("Nothing is due on 20 nodes"), "{told}");
        }
    }
    let staged =
        |path: &PathBuf| text(path).contains(".certs-") && !text(path).contains(".certs-backup");
    let left: Vec<PathBuf> = common::listing(&trees.out())
        .into_iter()
        .filter(staged)
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// What signs for all is completed before anything else: nothing is planned over half of it, and nobody else would.
#[test]
fn what_a_killed_run_left_of_what_all_share_is_completed() {
    for verb in [&["renew"][..], &["renew", "ca"]] {
        let trees = made(&[]);
        let renewal = command("renew", &trees, &["ca"]);
        let killed = at(NOON + DAY, "022", &renewal);
        // The list of the run is to go, and all is written.
        let mut strace = Command::new(tool("strace"));
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=unlinkat"]);
        strace.args(["-e", "inject=unlinkat:signal=SIGKILL:when=1"]);
        strace.arg(killed.get_program()).args(killed.get_args());
        strace.envs(
            killed
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        assert!(!run(&mut strace).status.success());
        let journal = trees.out().join("ca/.certs-journal");
        assert!(journal.exists(), "{}", journal.display());
        let completed = after(1, verb[0], &trees, &verb[1..]).expect(0);
        assert!(
            completed.stdout.contains("completed an interrupted run"),
            "{completed}"
        );
        assert!(!journal.exists());
        sound(1, &trees);
    }
}
