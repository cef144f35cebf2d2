//! `certs all --inventory` where something is in its way, and what it says of what gives way.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::process::Stdio;

use serde_json::Value;

mod common;
use common::trees::{NODES, Trees};
use common::{TempDir, certs, read, run, struck, text, write};

#[test]
fn an_inventory_comes_from_standard_input_and_yaml_says_what_json_says() {
    let trees = Trees::made();
    let listed = |output: &str| {
        let nodes = fs::File::open(trees.0.join("nodes.yaml")).expect("the inventory");
        let mut command = certs(&["all", "--inventory", "-", "--output", output]);
        command.args(["--out", text(&trees.out())]);
        let output = command.stdin(Stdio::from(nodes)).output().expect("a run");
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).expect("text")
    };
    let mut json: Value = serde_json::from_str(&listed("json")).expect("JSON");
    let mut yaml: Value = serde_yaml::from_str(&listed("yaml")).expect("YAML");
    assert_eq!(json["result"], "unchanged");
    for report in [&mut json, &mut yaml] {
        report["time"].take();
    }
    assert_eq!(json, yaml);
}

#[test]
fn what_is_not_there_or_no_directory_is_told() {
    let folder = TempDir::new();
    let out = folder.join("out");
    let missing = folder.join("none.yaml");
    let all = |inventory, out| {
        let mut command = certs(&["all", "--inventory", inventory]);
        run(command.args(["--out", out]))
    };
    let refused = all(text(&missing), text(&out)).expect(2);
    assert!(
        refused.stderr.contains("--inventory: there is no file"),
        "{refused}"
    );
    let nodes = folder.join("nodes.csv");
    write(
        &nodes,
        "name,addresses,roles\ncp1,10.0.0.1,control-plane etcd\n",
    );
    write(&out, "");
    let refused = all(text(&nodes), text(&out)).expect(1);
    assert!(refused.stderr.contains("out: not a directory"), "{refused}");
}

#[test]
fn what_a_document_says_of_one_node_gives_way_and_so_does_another_etcd() {
    let trees = Trees::of(&format!(
        "{NODES}certificatesDir: /x/pki\netcd:\n  external:\n    endpoints: [https://10.9.9.9:2379]\n    caFile: /x/ca\n    \
         certFile: /x/crt\n    keyFile: /x/key\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n\
         localAPIEndpoint: {{advertiseAddress: 10.0.0.1}}\nnodeRegistration: {{name: cp1}}\n"
    ));
    let told = trees.all(&[]).expect(0).stdout;
    for what in [
        "etcd.external gives way to the nodes of the inventory that have the role etcd",
        "nodeRegistration.name gives way to the inventory",
        "localAPIEndpoint.advertiseAddress gives way to the inventory",
        "certificatesDir gives way to the inventory",
    ] {
        assert!(told.contains(&format!("note: {what}\n")), "{what}\n{told}");
    }
    assert!(trees.pki("etcd1", "etcd/peer.crt").exists());
    assert!(trees.pki("cp1", "apiserver-etcd-client.crt").exists());
}

#[test]
fn workers_are_led_to_the_only_control_plane() {
    for (address, server) in [
        ("10.0.0.1", "https://10.0.0.1:7443"),
        ("fd00::1", "https://[fd00::1]:7443"),
    ] {
        let trees = Trees::of(&format!(
            "name,addresses,roles\ncp1,{address},control-plane etcd\nw1,10.0.1.1,worker\n"
        ));
        let flags = [
            "--apiserver-bind-port",
            "7443",
            "--key-algorithm",
            "ECDSA-P256",
        ];
        trees.all(&flags).expect(0);
        for file in ["kubelet.conf", "kube-proxy.conf"] {
            let kubeconfig = read(&trees.node("w1", "etc/kubernetes").join(file));
            assert!(
                kubeconfig.contains(&format!("server: {server}\n")),
                "{kubeconfig}"
            );
        }
    }
}

#[test]
fn the_kubelets_key_of_a_former_worker_is_named() {
    let trees = Trees::made();
    let changed = NODES.replace(
        "{name: worker2, addresses: [10.0.1.2], roles: [worker]}",
        "{name: worker2, addresses: [10.0.1.2], roles: [control-plane]}",
    );
    write(&trees.0.join("nodes.yaml"), changed);
    let told = trees.all(&["--force"]).expect(3).stderr;
    for file in [
        "kubelet.key",
        "kubelet-client-current.pem",
        "kubelet-client-2",
    ] {
        let path = trees.node("worker2", "var/lib/kubelet/pki").join(file);
        let line = told.lines().find(|line| line.contains(text(&path)));
        let words = "holds a key that the roles of this node do not need";
        assert!(
            line.is_some_and(|line| line.contains(words)),
            "{file}\n{told}"
        );
    }
}

/// Of a node that has a tree, a run that is killed amid its renames is completed by the next one, and judged by none.
#[test]
fn an_interrupted_repair_of_a_node_is_told_and_completed() {
    let trees = Trees::made();
    let moved = NODES.replace("[10.0.1.2]", "[10.0.1.99]");
    write(&trees.0.join("nodes.yaml"), moved);
    let inner = trees.command(&["--force"]);
    let killed = run(&mut struck(&inner, "renameat:signal=SIGKILL:when=1", None));
    assert_ne!(killed.status.code(), Some(0), "{killed}");
    let told = trees.all(&["--dry-run"]).expect(3).stderr;
    assert!(
        told.contains("worker2") && told.contains("was interrupted"),
        "{told}"
    );
    let told = trees.all(&[]).expect(0).stdout;
    assert!(
        told.contains("note: completed an interrupted run"),
        "{told}"
    );
    assert!(
        told.contains("but what the interrupted run had begun"),
        "{told}"
    );
    trees.all(&[]).expect(0);
}
