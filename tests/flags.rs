//! `certs flags`: what it prints starts the component.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::process::Command;

mod common;
use common::members::Members;
use common::{TempDir, certs, run, text};

#[test]
fn three_members_of_etcd_start_with_nothing_but_what_is_printed() {
    let shared = TempDir::new();
    let ca = ["ca", "etcd-ca", "--key-algorithm", "ECDSA-P256"];
    run(certs(&ca).args(["--kubernetes-dir", text(shared.path())])).expect(0);
    let addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];
    let members = Members::below(&shared.join("pki/etcd"), addresses);
    let _servers = members.form();
    members.ctl(0, 0, &["put", "key", "value"]).expect(0);
    members.ctl(0, 2, &["get", "key"]).expect(0);
}

#[test]
fn what_is_not_there_is_told_and_an_external_ca_signs_nothing() {
    let place = common::tree_of_all();
    let flags = |component: &str| {
        let mut command = certs(&["flags", component, "--kubernetes-dir", text(place.path())]);
        command.args(["--kubelet-dir", text(&place.join("kubelet"))]);
        run(command.args([
            "--node-name",
            "cp1",
            "--apiserver-advertise-address",
            "10.0.0.10",
        ]))
        .expect(0)
    };
    let kubelet = flags("kubelet");
    assert!(
        kubelet
            .stderr
            .contains("'certs server kubelet-serving' makes it"),
        "{kubelet}"
    );
    let bootstrap = place.join("bootstrap-kubelet.conf");
    let option = format!("--bootstrap-kubeconfig={}\n", text(&bootstrap));
    assert!(kubelet.stdout.contains(&option), "{kubelet}");
    let proxy = flags("kube-proxy");
    assert!(
        proxy
            .stderr
            .contains("'certs kubeconfig kube-proxy' makes it"),
        "{proxy}"
    );
    let manager = flags("kube-controller-manager");
    let key = place.join("pki/ca.key");
    assert!(
        manager.stdout.contains(text(&key)) && manager.stderr.is_empty(),
        "{manager}"
    );
    fs::remove_file(&key).expect("remove a file");
    let manager = flags("kube-controller-manager");
    for option in [
        "--cluster-signing-cert-file=\n",
        "--cluster-signing-key-file=\n",
    ] {
        assert!(manager.stdout.contains(option), "{manager}");
    }
    assert!(
        manager.stderr.contains("is told to sign nothing"),
        "{manager}"
    );
}

#[test]
fn no_value_adds_an_option() {
    let place = TempDir::new();
    let config = place.join("config.yaml");
    common::write(
        &config,
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nclusterName: \"evil\\n--profiling=true\"\n",
    );
    for form in ["args", "yaml"] {
        let mut command = certs(&["flags", "kube-controller-manager", "--output", form]);
        command.args(["--node-name", "cp1", "--kubernetes-dir", "k8s"]);
        command.args(["--apiserver-advertise-address", "10.0.0.10"]);
        let refused = run(command.args(["--config", text(&config)])).expect(2);
        assert!(
            refused.stderr.contains("control characters") && refused.stdout.is_empty(),
            "{refused}"
        );
    }
}

#[test]
fn what_no_component_can_use_is_refused_with_the_way_out() {
    let flags = |arguments: &[&str]| {
        let mut command = certs(&["flags"]);
        run(command.args(arguments).args([
            "--node-name",
            "cp1",
            "--apiserver-advertise-address",
            "10.0.0.10",
        ]))
    };
    for (arguments, reason) in [
        (&["kubectl"][..], "[possible values: etcd, kube-apiserver"),
        (
            &["kubelet", "--output", "env"],
            "kubelet takes no options from the environment: choose --output args or yaml",
        ),
        (
            &["etcd", "--output", "config"],
            "etcd has no configuration file that these options could stand in: choose --output args or yaml",
        ),
        (
            &["kubelet", "--etcd-member", "cp2=10.0.0.11"],
            "--etcd-member: kubelet is told of no members: leave it out, or name etcd",
        ),
        (
            &["etcd", "--etcd-member", "cp2"],
            "--etcd-member: \"cp2\": is no member: write NAME=ADDRESS",
        ),
        (
            &["etcd", "--etcd-member", "cp1=10.0.0.11"],
            "--etcd-member: cp1 is this node, whose address is 10.0.0.10, not 10.0.0.11",
        ),
        (
            &["etcd", "--etcd-member", "cp2=10.0.0.10"],
            "--etcd-member: cp2 has the address 10.0.0.10, which is that of this node, cp1",
        ),
    ] {
        let refused = flags(arguments).expect(2);
        assert_eq!(refused.stdout, "");
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    }
}

#[test]
fn an_external_etcd_is_the_api_server_s_to_know_and_nobody_s_to_start() {
    let folder = TempDir::new();
    let config = folder.join("kubeadm.yaml");
    fs::write(
        &config,
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\netcd:\n  external:\n    endpoints: [https://10.0.0.21:2379]\n    \
         caFile: /x/ca.crt\n    certFile: /x/client.crt\n    keyFile: /x/client.key\n",
    )
    .expect("write a file");
    let flags = |component: &str| {
        let mut command = certs(&["flags", component, "--config", text(&config)]);
        run(command.args([
            "--node-name",
            "cp1",
            "--apiserver-advertise-address",
            "10.0.0.10",
        ]))
    };
    let api_server = flags("kube-apiserver").expect(0).stdout.clone();
    for option in [
        "--etcd-cafile=/x/ca.crt\n",
        "--etcd-certfile=/x/client.crt\n",
        "--etcd-keyfile=/x/client.key\n",
        "--etcd-servers=https://10.0.0.21:2379\n",
    ] {
        assert!(api_server.contains(option), "{api_server}");
    }
    flags("etcd")
        .expect(2)
        .expect_failure("etcd: the configuration names an external one");
}

#[test]
fn a_relative_directory_without_a_working_directory_is_refused() {
    let folder = TempDir::new();
    let gone = "mkdir gone && cd gone && rmdir ../gone && exec \"$@\"";
    let mut shell = Command::new("sh");
    shell.current_dir(folder.path()).args(["-c", gone, "sh"]);
    shell.arg(common::binary());
    shell.args([
        "flags",
        "kube-scheduler",
        "--kubernetes-dir",
        "k8s",
        "--node-name",
        "cp1",
    ]);
    let refused = run(&mut shell).expect(2);
    assert_eq!(refused.stdout, "");
    assert!(
        refused
            .stderr
            .contains("the working directory is not there"),
        "{refused}"
    );
}
