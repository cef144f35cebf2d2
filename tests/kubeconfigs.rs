//! What a real kubectl makes of kubeconfigs that people wrote or merged, before and after a repair.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

mod common;
use common::tree::Tree;
use common::{Finished, TempDir, read, run, text, venv, write};

/// A tree whose kubeconfigs point at an address where nothing answers, quickly.
fn tree() -> Tree {
    Tree::make_with(FACTS)
}

const FACTS: &[&str] = &[
    "--key-algorithm",
    "ECDSA-P256",
    "--node-name",
    "cp1",
    "--apiserver-advertise-address",
    "127.0.0.1",
    "--apiserver-bind-port",
    "1",
];

fn kubectl(kubeconfig: &Path, arguments: &[&str]) -> Finished {
    let home = TempDir::new();
    let mut command = Command::new(venv("kubectl"));
    command.env("HOME", home.path());
    for name in ["KUBECONFIG", "HTTPS_PROXY", "https_proxy"] {
        command.env_remove(name);
    }
    command.arg("--kubeconfig").arg(kubeconfig);
    run(command.args(arguments))
}

fn view(kubeconfig: &Path) -> Value {
    let shown = kubectl(kubeconfig, &["config", "view", "--raw", "-o", "json"]);
    serde_json::from_str(&shown.expect(0).stdout).expect("kubectl prints JSON")
}

/// `admin.conf` of a tree with further lines at the head of its lists.
fn admin(tree: &Tree, clusters: &str, contexts: &str, users: &str) -> String {
    let mut text = read(&tree.join("admin.conf"));
    for (list, lines) in [
        ("clusters", clusters),
        ("contexts", contexts),
        ("users", users),
    ] {
        let head = format!("{list}:\n");
        assert!(text.contains(&head), "{list}");
        text = text.replace(&head, &format!("{head}{lines}"));
    }
    text
}

fn certs(tree: &Tree, arguments: &[&str]) -> Finished {
    let path = tree.path();
    let mut all = arguments.to_vec();
    all.extend(["--kubernetes-dir", text(&path)]);
    all.extend(FACTS);
    run(&mut common::certs(&all))
}

/// The entries that are not the administrator's.
fn others(kubeconfig: &Path) -> Value {
    let mut shown = view(kubeconfig);
    for (list, inner, name) in [
        ("clusters", "cluster", "kubernetes"),
        ("users", "user", "kubernetes-admin"),
    ] {
        let items = shown[list].as_array_mut().expect("a list");
        let own = items.iter_mut().find(|item| item["name"] == name);
        own.expect("the administrator's")[inner] = Value::Null;
    }
    shown
}

#[test]
fn a_repair_leaves_merged_entries_and_odd_scalars_as_kubectl_reads_them() {
    let tree = tree();
    let path = tree.join("admin.conf");
    let odd = ODD.join(", ");
    let merged = admin(
        &tree,
        "- name: eu\n  cluster: &base {certificate-authority-data: Zm9v, tls-server-name: kubernetes, server: 'https://eu:6443'}\n\
         - name: us\n  cluster: {<<: *base, server: 'https://us:6443'}\n\
         - name: as\n  cluster: {server: 'https://as:6443', <<: [{server: 'https://one:6443'}, *base]}\n",
        "- name: us\n  context: {cluster: us, user: joe2}\n",
        "- name: joe\n  user: &j {username: joe, password: pw}\n\
         - name: joe2\n  user: {<<: *j}\n",
    );
    write(
        &path,
        format!(
            "{merged}extensions:\n- name: odd\n  extension: {{{odd}}}\nx-base: &x {{a: 010}}\n"
        ),
    );
    let before = others(&path);
    assert_eq!(
        before["clusters"][1]["cluster"]["tls-server-name"],
        "kubernetes"
    );
    certs(&tree, &["kubeconfig", "admin", "--force"]).expect(0);
    assert_eq!(others(&path), before);
    assert!(!read(&path).contains("<<"), "{}", read(&path));
    certs(&tree, &["all"]).expect(0);
}

/// Scalars without quotes, some of which are numbers or booleans to YAML 1.1 alone.
const ODD: [&str; 43] = [
    "a: 010",
    "b: 1_000",
    "c: 09",
    "d: 0x1F",
    "e: 0o17",
    "f: 0b11",
    "g: 12:30:45",
    "h: 2001-01-01",
    "i: 18446744073709551616",
    "j: -0b11",
    "k: +12",
    "l: 1.",
    "m: .5",
    "o: 1e3",
    "p: _1",
    "q: 1_0.5",
    "r: 0x_",
    "s: ~",
    "t: Null",
    "u: TRUE",
    "v: !!str 010",
    "w: !!str yes",
    "x: 1_000_",
    "z: -010",
    "aa: 0_8",
    "ab: 1e400",
    "ac: 0X1f",
    "ad: 00",
    "ae: 9223372036854775808",
    "af: -_1",
    "ag: y",
    "ah: Off",
    "ai: '010'",
    "aj: 1e-5",
    "ak: 0o_7",
    "al: 08.5",
    "am: 0b12",
    "an: .5_0",
    "ao: ._5",
    "y: 1",
    "010: b",
    "1_5: c",
    "'0xA': d",
];
