//! `certs all --inventory`: a tree for every node, with what it needs and no more.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

mod common;
use common::snapshot::{same, snapshot};
use common::trees::{MEMBERS, NODES, PLANES, Trees, WORKERS, files};
use common::{Server, TempDir, at, certs, mode, read, run, text, tool, write};

fn is_called(file: &str, endings: &[&str]) -> bool {
    let ending = Path::new(file)
        .extension()
        .and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| endings.contains(&ending))
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The certificates that are in a file, by what OpenSSL says of each.
fn said(pem: &Path, options: &[&str]) -> String {
    let mut command = Command::new(tool("openssl"));
    command
        .args(["x509", "-noout", "-in", text(pem)])
        .args(options);
    run(&mut command).expect(0).stdout
}

/// The rotated file that a kubelet's link leads to, with the time in its name masked.
fn masked(files: BTreeSet<String>) -> BTreeSet<String> {
    let mask = |name: String| match name.strip_prefix("var/lib/kubelet/pki/kubelet-client-2") {
        Some(_) => "var/lib/kubelet/pki/kubelet-client-TIME.pem".to_owned(),
        None => name,
    };
    files.into_iter().map(mask).collect()
}

const PLANE: [&str; 19] = [
    "etc/kubernetes/admin.conf",
    "etc/kubernetes/controller-manager.conf",
    "etc/kubernetes/kubelet.conf",
    "etc/kubernetes/pki/apiserver-etcd-client.crt",
    "etc/kubernetes/pki/apiserver-etcd-client.key",
    "etc/kubernetes/pki/apiserver-kubelet-client.crt",
    "etc/kubernetes/pki/apiserver-kubelet-client.key",
    "etc/kubernetes/pki/apiserver.crt",
    "etc/kubernetes/pki/apiserver.key",
    "etc/kubernetes/pki/ca.crt",
    "etc/kubernetes/pki/ca.key",
    "etc/kubernetes/pki/etcd/ca.crt",
    "etc/kubernetes/pki/front-proxy-ca.crt",
    "etc/kubernetes/pki/front-proxy-ca.key",
    "etc/kubernetes/pki/front-proxy-client.crt",
    "etc/kubernetes/pki/front-proxy-client.key",
    "etc/kubernetes/pki/sa.key",
    "etc/kubernetes/pki/sa.pub",
    "etc/kubernetes/scheduler.conf",
];
const MEMBER: [&str; 7] = [
    "etc/kubernetes/pki/etcd/ca.crt",
    "etc/kubernetes/pki/etcd/healthcheck-client.crt",
    "etc/kubernetes/pki/etcd/healthcheck-client.key",
    "etc/kubernetes/pki/etcd/peer.crt",
    "etc/kubernetes/pki/etcd/peer.key",
    "etc/kubernetes/pki/etcd/server.crt",
    "etc/kubernetes/pki/etcd/server.key",
];
const WORKER: [&str; 7] = [
    "etc/kubernetes/kube-proxy.conf",
    "etc/kubernetes/kubelet.conf",
    "etc/kubernetes/pki/ca.crt",
    "var/lib/kubelet/pki/kubelet-client-TIME.pem",
    "var/lib/kubelet/pki/kubelet-client-current.pem",
    "var/lib/kubelet/pki/kubelet.crt",
    "var/lib/kubelet/pki/kubelet.key",
];

fn plane() -> BTreeSet<String> {
    set(&PLANE)
}

#[test]
fn a_node_has_what_its_roles_need_and_no_more() {
    let trees = Trees::made();
    let mut first = plane();
    first.insert("etc/kubernetes/super-admin.conf".to_owned());
    assert_eq!(trees.files("cp1"), first);
    for name in &PLANES[1..] {
        assert_eq!(trees.files(name), plane(), "{name}");
    }
    for name in MEMBERS {
        assert_eq!(trees.files(name), set(&MEMBER), "{name}");
    }
    for name in WORKERS {
        assert_eq!(masked(trees.files(name)), set(&WORKER), "{name}");
    }
    let shared = [
        "ca.crt",
        "ca.key",
        "etcd/ca.crt",
        "etcd/ca.key",
        "front-proxy-ca.crt",
        "front-proxy-ca.key",
        "sa.key",
        "sa.pub",
    ];
    assert_eq!(files(&trees.out().join("ca")), set(&shared));
    assert_eq!(mode(&trees.out().join("ca")), 0o700);
    for name in [&PLANES[..], &MEMBERS, &WORKERS].concat() {
        for file in trees.files(name) {
            let path = trees.node(name, &file);
            let wanted = if is_called(&file, &["crt"]) {
                0o644
            } else {
                0o600
            };
            assert_eq!(mode(&path), wanted, "{name} {file}");
        }
    }
}

#[test]
fn keys_of_cas_go_to_no_node_where_that_is_asked() {
    let trees = Trees::of(NODES);
    trees.all(&["--ca-keys", "none"]).expect(0);
    let mut without = plane();
    without.retain(|file| !file.ends_with("ca.key"));
    assert_eq!(trees.files("cp2"), without);
    assert!(trees.out().join("ca/ca.key").exists());
}

#[test]
fn a_ca_that_no_node_has_use_for_is_not_made() {
    let head = "apiVersion: certs/v1\nkind: Inventory\nnodes:\n";
    let endpoint = ["--control-plane-endpoint", "api.example.com:6443"];
    for (node, flags, shared) in [
        (
            "{name: e1, addresses: [10.0.0.31], roles: [etcd]}",
            &[][..],
            ["etcd/ca.crt", "etcd/ca.key"],
        ),
        (
            "{name: w1, addresses: [10.0.0.41], roles: [worker]}",
            &endpoint,
            ["ca.crt", "ca.key"],
        ),
    ] {
        let trees = Trees::of(&format!("{head}- {node}\n"));
        trees.all(flags).expect(0);
        assert_eq!(files(&trees.out().join("ca")), set(&shared));
        trees.all(flags).expect(0);
    }
}

#[test]
fn what_all_share_is_the_same_and_nothing_else_is() {
    let trees = Trees::made();
    let mut seen: BTreeMap<Vec<u8>, String> = BTreeMap::new();
    let mut serials = BTreeSet::new();
    for name in [&PLANES[..], &MEMBERS, &WORKERS].concat() {
        for file in trees.files(name) {
            let path = trees.node(name, &file);
            let shared = file.strip_prefix("etc/kubernetes/pki/");
            let shared = shared.map(|below| trees.out().join("ca").join(below));
            if let Some(source) = shared.filter(|source| source.exists()) {
                assert_eq!(read(&path), read(&source), "{name} {file}");
                continue;
            }
            if path.is_symlink() {
                continue;
            }
            let other = seen.insert(
                fs::read(&path).expect("read a file"),
                format!("{name} {file}"),
            );
            assert_eq!(other, None, "{name} {file}");
            if is_called(&file, &["crt", "pem"]) {
                assert!(serials.insert(said(&path, &["-serial"])), "{name} {file}");
            }
        }
    }
    let keys: BTreeSet<String> = seen
        .values()
        .filter(|place| is_called(place, &["key", "pem"]))
        .map(|place| {
            let (name, file) = place.split_once(' ').expect("a node and a file");
            let mut command = Command::new(tool("openssl"));
            command.args(["pkey", "-pubout", "-in", text(&trees.node(name, file))]);
            run(&mut command).expect(0).stdout
        })
        .collect();
    let wanted = 3 * 4 + 3 * 3 + 2 * 2;
    assert_eq!(keys.len(), wanted, "every leaf has a key of its own");
}

#[test]
fn a_node_has_its_own_names_and_no_one_elses() {
    let trees = Trees::made();
    let sans = |path: &Path| {
        let all = said(path, &["-ext", "subjectAltName"]);
        let line = all.lines().nth(1).unwrap_or_default().trim().to_owned();
        line.split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    let cluster = [
        "DNS:api.example.com",
        "DNS:cp2",
        "DNS:cp2.example.com",
        "DNS:kubernetes",
        "DNS:kubernetes.default",
        "DNS:kubernetes.default.svc",
        "DNS:kubernetes.default.svc.cluster.local",
        "IP Address:10.96.0.1",
        "IP Address:10.0.0.2",
    ];
    assert_eq!(sans(&trees.pki("cp2", "apiserver.crt")), cluster);
    let local = ["DNS:etcd2", "DNS:localhost", "IP Address:127.0.0.53"];
    for file in ["etcd/server.crt", "etcd/peer.crt"] {
        let found = sans(&trees.pki("etcd2", file));
        assert_eq!(found[..3], local, "{found:?}");
        assert_eq!(found.len(), 5, "{found:?}");
    }
    let serving = trees.node("worker1", "var/lib/kubelet/pki/kubelet.crt");
    assert_eq!(
        sans(&serving),
        [
            "DNS:worker1",
            "DNS:worker1.example.com",
            "IP Address:10.0.1.1",
            "IP Address:FD00:0:0:0:0:0:1:1"
        ]
    );
}

#[test]
fn a_worker_has_its_client_certificate_as_the_kubelet_keeps_it() {
    let trees = Trees::made();
    let folder = trees.node("worker1", "var/lib/kubelet/pki");
    let current = folder.join("kubelet-client-current.pem");
    let target = fs::read_link(&current).expect("a link");
    assert!(folder.join(&target).is_file(), "{}", target.display());
    assert_eq!(target.components().count(), 1, "a name beside the link");
    let subject = said(&current, &["-subject", "-nameopt", "RFC2253"]);
    assert_eq!(subject, "subject=CN=system:node:worker1,O=system:nodes\n");
    let kubeconfig = read(&trees.node("worker1", "etc/kubernetes/kubelet.conf"));
    for line in [
        "certificate-authority: pki/ca.crt",
        "server: https://api.example.com:6443",
        "client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem",
        "client-key: /var/lib/kubelet/pki/kubelet-client-current.pem",
    ] {
        assert!(kubeconfig.contains(line), "{kubeconfig}");
    }
    // Rotated by force: another file, and the link leads to it; also where the clock stands still.
    let begun = SystemTime::now().duration_since(UNIX_EPOCH);
    let begun = begun.expect("a time").as_secs().cast_signed();
    let mut names = vec![target];
    for _ in 0..3 {
        let target = &names[names.len() - 1];
        fs::write(folder.join(target), "garbage").expect("damage a file");
        trees.all(&[]).expect(4);
        run(&mut at(begun, "022", &trees.command(&["--force"]))).expect(0);
        names.push(fs::read_link(&current).expect("a link"));
        assert!(said(&current, &["-subject"]).contains("worker1"));
    }
    assert!(names.is_sorted_by(|one, other| one < other), "{names:?}");
    trees.all(&[]).expect(0);
}

#[test]
fn a_second_run_changes_nothing_and_a_dry_one_never() {
    let trees = Trees::of(NODES);
    let told = trees.all(&["--dry-run"]).expect(0).stdout;
    assert!(
        told.contains("Would make:\n  shared by all: ca, etcd-ca,"),
        "{told}"
    );
    assert!(!trees.out().exists());
    trees.all(&[]).expect(0);
    let before = snapshot(&trees.out());
    let told = trees.all(&[]).expect(0).stdout;
    assert!(
        told.ends_with("Everything is as wanted on 8 nodes; nothing was written.\n"),
        "{told}"
    );
    let told = trees.all(&["--dry-run"]).expect(0).stdout;
    assert!(!told.contains("Would make"), "{told}");
    same(&before, &trees.out());
}

#[test]
fn a_run_after_a_change_makes_what_changed_and_nothing_else() {
    let trees = Trees::made();
    let before = snapshot(&trees.out());
    let grown = NODES.replace("[10.0.1.2]", "[10.0.1.99]").replace(
        "- {name: cp3, addresses: [10.0.0.3], roles: [control-plane]}\n",
        "- {name: worker3, addresses: [10.0.1.3], roles: [worker]}\n",
    );
    write(&trees.0.join("nodes.yaml"), grown);
    let refused = trees.all(&[]).expect(4);
    assert!(
        refused
            .stderr
            .contains("kubelet.crt lacks the SAN 10.0.1.99"),
        "{refused}"
    );
    same(&before, &trees.out());
    let made = trees.all(&["--force"]).expect(0).stdout;
    for line in [
        "note: cp3 is no node of the inventory, and stays as it is\n",
        "Made:\n  worker3: ca.crt, kubelet/kubelet-client-current.pem, kubelet, kube-proxy, kubelet-serving\n",
        "Replaced:\n  worker2: kubelet-serving\n",
        "Kept as it is:\n  6 nodes\n",
    ] {
        assert!(made.contains(line), "{line}\n{made}");
    }
    assert!(trees.pki("cp3", "apiserver.key").exists());
    trees.all(&[]).expect(0);
}

#[test]
fn a_node_that_shares_something_else_is_refused_and_mended_by_force() {
    let trees = Trees::made();
    let other = trees.pki("cp2", "sa.key");
    fs::copy(trees.pki("cp2", "front-proxy-client.key"), &other).expect("put another key there");
    let refused = trees.all(&["--output", "json"]).expect(4).stdout;
    let told: Value = serde_json::from_str(&refused).expect("JSON");
    let findings = told["nodes"][1]["findings"].as_array().expect("findings");
    assert_eq!(findings[0]["code"], "shared-differs", "{told}");
    assert_eq!(findings[0]["file"], text(&other));
    assert_eq!(told["result"], "refused");
    assert!(told["processes"].is_null(), "{told}");
    let mended = trees.all(&["--force"]).expect(0).stdout;
    assert_eq!(read(&other), read(&trees.out().join("ca/sa.key")));
    // Who reads it there is told, and of a tree that is new nothing is.
    let words = "Restart, since they read it at their start alone:\n  kube-apiserver of cp2 (sa.pub)\n  \
                 kube-controller-manager of cp2 (sa.pub)\n";
    assert!(mended.contains(words), "{mended}");
    fs::remove_dir_all(trees.out().join("cp2")).expect("remove a tree");
    let made = trees.all(&["--force"]).expect(0).stdout;
    assert!(!made.contains("estart"), "{made}");
}

#[test]
fn a_key_that_a_node_needs_no_more_is_told() {
    let trees = Trees::made();
    let lowered = NODES.replace(
        "{name: cp2, addresses: [10.0.0.2, cp2.example.com], roles: [control-plane]}",
        "{name: cp2, addresses: [10.0.0.2, cp2.example.com], roles: [worker]}",
    );
    write(&trees.0.join("nodes.yaml"), lowered);
    let told = trees.all(&["--output", "json", "--force"]).expect(3).stdout;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let findings = told["nodes"][1]["findings"].as_array().expect("findings");
    let keys: Vec<&str> = findings
        .iter()
        .filter(|finding| finding["code"] == "key-not-needed")
        .map(|finding| finding["file"].as_str().expect("a file"))
        .collect();
    let below = |path: &str| text(&trees.node("cp2", path)).to_owned();
    assert_eq!(
        keys,
        [
            "etc/kubernetes/pki/ca.key",
            "etc/kubernetes/pki/front-proxy-ca.key",
            "etc/kubernetes/pki/apiserver.key",
            "etc/kubernetes/pki/apiserver-kubelet-client.key",
            "etc/kubernetes/pki/apiserver-etcd-client.key",
            "etc/kubernetes/pki/front-proxy-client.key",
            "etc/kubernetes/admin.conf",
            "etc/kubernetes/controller-manager.conf",
            "etc/kubernetes/scheduler.conf",
            "etc/kubernetes/pki/sa.key",
        ]
        .map(below)
    );
    assert!(trees.pki("cp2", "ca.key").exists());
    // Whose roles are as they were has none.
    assert_eq!(
        told["nodes"][0]["findings"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn what_a_node_has_no_more_goes_by_force_and_so_does_another_endpoint() {
    let trees = Trees::made();
    let moved = NODES
        .replace("[10.0.1.1, 'fd00::1:1', worker1.example.com]", "[10.0.1.1]")
        .replace("[10.0.1.2]", "[10.0.1.2, 'fd00::1:1']")
        .replace("api.example.com:6443", "new.example.com:6443");
    write(&trees.0.join("nodes.yaml"), moved);
    let refused = trees.all(&[]).expect(4);
    assert!(
        refused.stderr.contains("run the same command with --force"),
        "{refused}"
    );
    assert!(!refused.stderr.contains("'certs server"), "{refused}");
    trees.all(&["--force"]).expect(0);
    trees.all(&[]).expect(0);
    let serving = trees.node("worker1", "var/lib/kubelet/pki/kubelet.crt");
    let sans = said(&serving, &["-ext", "subjectAltName"]);
    assert!(
        !sans.contains("FD00") && !sans.contains("example"),
        "{sans}"
    );
    let kubeconfig = read(&trees.node("worker1", "etc/kubernetes/kubelet.conf"));
    assert!(
        kubeconfig.contains("server: https://new.example.com:6443"),
        "{kubeconfig}"
    );
}

#[test]
fn the_last_copies_of_what_all_share_are_replaced_by_nothing() {
    let trees = Trees::made();
    for file in ["sa.key", "sa.pub", "ca.key"] {
        fs::remove_file(trees.out().join("ca").join(file)).expect("lose a file");
    }
    let before = snapshot(&trees.out());
    for flags in [&[][..], &["--force", "--no-backup"]] {
        let refused = trees.all(flags).expect(4);
        let words = "cp1/etc/kubernetes/pki/sa.pub is a copy of it, and 2 more nodes have one: bring it back, with its key";
        assert!(refused.stderr.contains(words), "{refused}");
        same(&before, &trees.out());
    }
}

#[test]
fn cas_that_are_lost_are_not_made_anew_beside_their_copies() {
    let trees = Trees::made();
    fs::remove_dir_all(trees.out().join("ca")).expect("lose the CAs");
    let before = snapshot(&trees.out());
    for flags in [&[][..], &["--force"], &["--dry-run"]] {
        let refused = trees.all(flags).expect(4);
        let words = "out/cp1/etc/kubernetes/pki/ca.crt is a copy of it, and ";
        assert!(refused.stderr.contains(words), "{refused}");
        // Each of the CAs and the service account keys once, and nothing of what they signed.
        let errors = refused
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 4, "{refused}");
        same(&before, &trees.out());
    }
}

/// Before anything is made, and once.
#[test]
fn what_can_be_no_tree_is_told_once_and_nothing_is_made() {
    let trees = Trees::of(NODES);
    let place = trees.out().join("worker1");
    fs::create_dir(trees.out()).expect("make a folder");
    let refused = |flags: &[&str], words: &str| {
        let told = trees.all(flags).expect(1);
        assert_eq!(told.stderr, format!("error: {} {words}\n", place.display()));
        assert_eq!(told.stdout, "");
        assert!(!trees.out().join("ca").exists(), "{words}");
    };
    write(&place, "");
    let file = "is a file, not the directory of a tree: move it away";
    refused(&[], file);
    refused(&["--dry-run"], file);
    fs::remove_file(&place).expect("remove a file");
    symlink("nowhere", &place).expect("make a link");
    let nothing = "is a symbolic link to nothing, not the directory of a tree: move it away";
    refused(&[], nothing);
    fs::remove_file(&place).expect("remove a link");
    fs::create_dir_all(place.join("etc")).expect("make a folder");
    symlink("nowhere", place.join("etc/kubernetes")).expect("make a link");
    let told = trees.all(&[]).expect(1).stderr;
    assert!(told.contains("is a symbolic link to nothing"), "{told}");
    assert!(!trees.out().join("ca").exists(), "{told}");
    // One that leads to a directory is as good as that.
    fs::remove_dir_all(&place).expect("remove a folder");
    fs::create_dir(trees.0.join("elsewhere")).expect("make a folder");
    symlink("../elsewhere", &place).expect("make a link");
    trees.all(&[]).expect(0);
    assert!(place.join("etc/kubernetes/kubelet.conf").exists());
}

#[test]
fn a_passphrase_that_does_not_open_the_key_is_told_of_once() {
    let trees = Trees::of(NODES);
    write(&trees.0.join("word"), "right");
    common::set_mode(&trees.0.join("word"), 0o600);
    trees.all(&[]).expect(0);
    let key = trees.out().join("ca/ca.key");
    let mut command = Command::new(tool("openssl"));
    command.args([
        "pkcs8",
        "-topk8",
        "-v2",
        "aes-256-cbc",
        "-in",
        text(&key),
        "-passout",
        "pass:right",
    ]);
    let encrypted = run(&mut command).expect(0).stdout;
    write(&key, encrypted);
    fs::remove_dir_all(trees.out().join("worker2")).expect("remove a tree");
    for plane in PLANES {
        fs::copy(&key, trees.pki(plane, "ca.key")).expect("copy the key");
    }
    let told = trees.all(&[]).expect(2).stderr;
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains("out/ca/ca.key: ") && told.contains("encrypted"),
        "{told}"
    );
    let word = trees.0.join("word");
    let told = trees.all(&["--ca-passphrase-file", text(&word)]).expect(0);
    assert!(
        trees
            .node("worker2", "etc/kubernetes/kubelet.conf")
            .exists()
    );
    // Nobody types it where a controller manager starts.
    let words = "ca/ca.key is encrypted, and is copied so to the control planes, where no kube-controller-manager can read it";
    assert_eq!(told.stdout.matches(words).count(), 1, "{told}");
    let check = |flags: &[&str]| {
        let mut check = certs(&["check", "--inventory", "nodes.yaml", "--out", "out"]);
        run(check.args(flags).current_dir(trees.0.path()))
            .expect(0)
            .stdout
    };
    assert_eq!(check(&[]).matches(words).count(), 1);
    // Each way out that is told.
    for plane in PLANES {
        for copy in ["ca.key", "front-proxy-ca.key"] {
            fs::remove_file(trees.pki(plane, copy)).expect("remove the copy");
        }
    }
    let told = trees.all(&["--ca-keys", "none"]).expect(0).stdout;
    assert!(!told.contains("encrypted"), "{told}");
    assert!(!check(&["--ca-keys", "none"]).contains("encrypted"));
    let mut opened = Command::new(tool("openssl"));
    opened.args(["pkey", "-in", text(&key), "-passin", "pass:right"]);
    write(&key, run(&mut opened).expect(0).stdout);
    assert!(!trees.all(&[]).expect(0).stdout.contains("encrypted"));
    assert!(!check(&[]).contains("encrypted"));
}

#[test]
fn runs_at_once_make_each_node_once_and_directories_have_their_mode_whatever_the_umask() {
    let trees = Trees::of(NODES);
    let command = || common::with_umask("077", &trees.command(&[]));
    let runs: Vec<_> = (0..3)
        .map(|_| {
            let mut command = command();
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().expect("start a run")
        })
        .collect();
    for run in runs {
        let ended = run.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.success(), "{said}");
    }
    let mut all = plane();
    all.insert("etc/kubernetes/super-admin.conf".to_owned());
    assert_eq!(trees.files("cp1"), all);
    for folder in ["", "etc", "etc/kubernetes/pki", "var/lib/kubelet/pki"] {
        assert_eq!(mode(&trees.node("worker1", folder)), 0o755, "{folder}");
    }
}

/// By the kubeconfig that has the right to: who joins has none, and nothing to bind.
#[test]
fn roles_are_to_be_bound_where_a_cluster_begins_and_by_no_control_plane_that_joins() {
    let own = "- {name: cp3, ";
    let joins = NODES.lines().find(|line| line.starts_with(own)).expect(own);
    let trees = Trees::of(&NODES.replace(&format!("{joins}\n"), ""));
    let begun = trees.all(&[]).expect(0);
    let by = trees.node("cp1", "etc/kubernetes/super-admin.conf");
    let bound = format!("--kubeconfig {} create clusterrolebinding", text(&by));
    assert_eq!(begun.stdout.matches(&bound).count(), 2, "{begun}");
    assert!(by.exists());
    write(&trees.0.join("nodes.yaml"), NODES);
    let joined = trees.all(&[]).expect(0);
    assert!(trees.node("cp3", "etc/kubernetes/admin.conf").exists());
    assert!(!joined.stdout.contains("super-admin.conf"), "{joined}");
    assert!(!joined.stdout.contains("clusterrolebinding"), "{joined}");
    // The same of its tree alone.
    let alone = |conf: &str| {
        let admin = trees.node("cp3", "etc/kubernetes/admin.conf");
        fs::remove_file(admin).expect("admin.conf");
        let mut made = certs(&["kubeconfig", conf, "--kubernetes-dir"]);
        made.arg(trees.node("cp3", "etc/kubernetes"));
        made.args(["--control-plane-endpoint", "api.example.com:6443"]);
        run(&mut made).expect(0)
    };
    let admin = alone("admin");
    assert!(!admin.stdout.contains("clusterrolebinding"), "{admin}");
    fs::copy(by, trees.node("cp3", "etc/kubernetes/super-admin.conf")).expect("copy");
    let admin = alone("admin");
    assert!(admin.stdout.contains("clusterrolebinding"), "{admin}");
}

#[test]
fn a_directory_that_others_may_write_is_refused() {
    let trees = Trees::made();
    common::set_mode(&trees.out(), 0o777);
    fs::remove_dir_all(trees.out().join("worker2")).expect("remove a tree");
    let refused = trees.all(&[]).expect(4);
    assert!(
        refused.stderr.contains("out is a directory of mode 0777"),
        "{refused}"
    );
    assert!(!trees.out().join("worker2").exists());
    common::set_mode(&trees.out(), 0o755);
    trees.all(&[]).expect(0);
}

#[test]
fn what_cannot_be_is_one_clear_error() {
    let two = NODES.replace("controlPlaneEndpoint: api.example.com:6443\n", "");
    let none = NODES.replace("[etcd]", "[worker]");
    for (inventory, flags, words) in [
        (
            two.as_str(),
            &[][..],
            "the inventory has 3 control planes: give --control-plane-endpoint",
        ),
        (&none, &[], "no node of the inventory has the role etcd"),
        (NODES, &["--node-name", "cp1"], "cannot be used with"),
        (NODES, &["--kubernetes-dir", "k"], "cannot be used with"),
        ("nodes: []", &[], "nodes.yaml"),
    ] {
        let trees = Trees::of(inventory);
        let refused = trees.all(flags).expect(2);
        assert!(refused.stderr.contains(words), "{refused}");
        assert!(!trees.out().exists(), "{words}");
    }
    for taken in [
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "10.96.0.1",
        "api.example.com",
        "localhost",
    ] {
        let trees = Trees::of(&NODES.replace("worker1.example.com", taken));
        let refused = trees.all(&[]).expect(2);
        let words = format!("nodes.yaml line 10: {taken} is the cluster's, on every node alike");
        assert!(refused.stderr.contains(&words), "{refused}");
    }
    // A member's pair would be good at another one's address.
    for (name, exit) in [("etcd2", 2), ("127.0.0.53", 2), ("etcd.example.com", 0)] {
        let trees = Trees::of(NODES);
        let run = trees
            .all(&["--dry-run", "--etcd-extra-sans", name])
            .expect(exit);
        let words = format!("{name} is one of the extra names of every member of etcd too");
        assert_eq!(run.stderr.contains(&words), exit == 2, "{run}");
    }
    // Nothing of it is done in the usual places.
    let folder = TempDir::new();
    let alone = ["all", "--out", "x", "--node-name", "n", "--kubernetes-dir"];
    let refused = run(certs(&alone).arg(folder.path())).expect(2);
    assert!(refused.stderr.contains("go together"), "{refused}");
}

/// Three members, each with its own tree alone; each control plane's client talks to all of them.
#[test]
fn etcd_forms_a_cluster_from_the_trees_and_a_pair_is_good_for_its_own_address_alone() {
    let trees = Trees::made();
    let addresses = ["127.0.0.52", "127.0.0.53", "127.0.0.54"];
    let start = |number: usize, pair: &str| {
        let (name, address) = (MEMBERS[number], addresses[number]);
        let kubernetes = trees.node(name, "etc/kubernetes");
        let mut flags = certs(&["flags", "etcd", "--kubernetes-dir", text(&kubernetes)]);
        flags.args([
            "--node-name",
            name,
            "--apiserver-advertise-address",
            address,
        ]);
        for (name, address) in MEMBERS.iter().zip(addresses) {
            flags.args(["--etcd-member", &format!("{name}={address}")]);
        }
        let printed = run(&mut flags).expect(0).stdout;
        let printed = printed.replace(text(&kubernetes), text(&trees.node(pair, "etc/kubernetes")));
        let mut command = Command::new(tool("etcd"));
        command.current_dir(trees.0.path()).args(printed.lines());
        command.env("ETCD_UNSUPPORTED_ARCH", "arm64");
        Server::start(&command, &trees.0.join(&format!("{name}.log")))
    };
    let ask = |plane: &str, address: &str, arguments: &[&str]| {
        let mut command = Command::new(tool("etcdctl"));
        command.env("ETCDCTL_API", "3");
        command.args(["--endpoints", &format!("https://{address}:2379")]);
        command.args(["--cacert", text(&trees.pki(plane, "etcd/ca.crt"))]);
        command.args([
            "--cert",
            text(&trees.pki(plane, "apiserver-etcd-client.crt")),
        ]);
        command.args([
            "--key",
            text(&trees.pki(plane, "apiserver-etcd-client.key")),
        ]);
        command.args(["--dial-timeout=5s", "--command-timeout=5s"]);
        run(command.args(arguments))
    };
    let limit = Duration::from_secs(90);
    let mut servers: Vec<Server> = (0..3)
        .map(|number| start(number, MEMBERS[number]))
        .collect();
    for (server, address) in servers.iter_mut().zip(addresses) {
        server.wait(limit, "a member that serves", |_| {
            ask("cp1", address, &["endpoint", "health"])
                .status
                .success()
        });
    }
    for plane in PLANES {
        for address in addresses {
            ask(plane, address, &["put", plane, address]).expect(0);
        }
    }
    // The pair of another member, in the place of the third one's.
    drop(servers.pop());
    let mut moved = start(2, MEMBERS[1]);
    moved.wait(limit, "a member that is refused", |log| {
        let asked = ask("cp1", addresses[2], &["endpoint", "health"]);
        !asked.status.success() && log.contains("bad certificate")
    });
}

/// A run that is killed behind its last node leaves its folder, and none of those after it makes one.
#[test]
fn what_a_killed_run_left_goes_where_no_node_is_new() {
    let trees = Trees::of("name,addresses,roles\nworker1,10.9.0.1,worker\n");
    let flags = ["--control-plane-endpoint", "api.example.com"];
    let flags = [&flags[..], &["--key-algorithm", "ECDSA-P256"]].concat();
    trees.all(&flags).expect(0);
    let left = trees.out().join(".certs-nodes-0011223344556677");
    let other = trees.out().join(".certs-nodes-mine");
    for folder in [&left, &other] {
        fs::create_dir(folder).expect("make a folder");
        common::set_mode(folder, 0o700);
    }
    trees.all(&[&flags[..], &["--dry-run"]].concat()).expect(0);
    assert!(left.is_dir());
    trees.all(&flags).expect(0);
    assert!(!left.exists() && other.is_dir());
}

/// Wherever a run is killed, each node is as it was or as it is to be, and the next run completes the rest.
#[test]
fn a_run_that_is_killed_is_completed_by_the_next() {
    let workers = 200;
    let kills = match std::env::var_os("FAULTS") {
        Some(_) => 100,
        None => 5,
    };
    let nodes: Vec<String> = (1..=workers)
        .map(|number| format!("worker{number},10.9.0.{number},worker\n"))
        .collect();
    let nodes = nodes.concat();
    let flags = [
        "--control-plane-endpoint",
        "api.example.com",
        "--key-algorithm",
        "ECDSA-P256",
    ];
    let trees = Trees::of(&format!("name,addresses,roles\n{nodes}"));
    let wanted = format!("as wanted on {workers} nodes");
    // As long as a whole run takes here and now.
    let begun = Instant::now();
    trees.all(&flags).expect(0);
    let whole = begun.elapsed();
    for number in 0..kills {
        fs::remove_dir_all(trees.out()).expect("remove the trees");
        let mut command = trees.command(&flags);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = command.spawn().expect("start a run");
        std::thread::sleep(whole * number / kills);
        running.kill().expect("kill it");
        running.wait().expect("it has ended");
        for file in files(&trees.out()) {
            let (node, file) = file.split_once('/').expect("a node");
            let known = || masked(set(&[file])).is_subset(&set(&WORKER));
            let staged = node.starts_with(".certs-nodes-") || file.contains("/.certs-");
            assert!(node == "ca" || staged || known(), "{node} {file}");
        }
        trees.all(&flags).expect(0);
        for (name, files) in (1..=workers).map(|number| {
            let name = format!("worker{number}");
            let files = masked(trees.files(&name));
            (name, files)
        }) {
            assert_eq!(files, set(&WORKER), "{number} {name}");
        }
        let told = trees.all(&flags).expect(0).stdout;
        assert!(told.contains(&wanted), "{told}");
        let left: Vec<PathBuf> = common::listing(&trees.out());
        let hidden = |path: &PathBuf| text(path).contains(".certs-");
        assert!(!left.iter().any(hidden), "{left:?}");
    }
}
