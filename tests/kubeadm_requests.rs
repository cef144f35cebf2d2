//! What `kubeadm certs generate-csr` leaves, signed elsewhere and finished by `certs import`.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

mod common;
use common::node::{FACTS, NODE, on, script};
use common::{
    Finished, TempDir, fixture, kubeconfig_data, listing, read, run, text, tool, tree_of_all,
};

/// kubeadm's half tree in `node`, but for the keys, which its recorder did not keep: they are made
/// anew, each with the request that kubeadm makes for it.
const HALF: &str = r#"
half() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    openssl req -new -key "$1.key" -subj "$2" ${3:+-addext "subjectAltName=$3"} -out "$1.csr"
    chmod 600 "$1.key" "$1.csr"
}
conf() {
    half node/$1 "$2"
    cat > node/$1.conf <<CONF
apiVersion: v1
clusters:
- cluster:
    server: https://10.0.0.10:6443
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: $3
  name: $3@kubernetes
current-context: $3@kubernetes
kind: Config
users:
- name: $3
  user:
    client-key-data: $(base64 -w0 node/$1.key)
CONF
    chmod 600 node/$1.conf
    mv node/$1.csr node/$1.conf.csr
    rm node/$1.key
}
mkdir -p node/pki/etcd
services=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
half node/pki/apiserver /CN=kube-apiserver DNS:cp1,$services,IP:10.96.0.1,IP:10.0.0.10
half node/pki/apiserver-kubelet-client /CN=kube-apiserver-kubelet-client
half node/pki/apiserver-etcd-client /CN=kube-apiserver-etcd-client
half node/pki/front-proxy-client /CN=front-proxy-client
half node/pki/etcd/healthcheck-client /CN=kube-etcd-healthcheck-client
for one in server peer; do
    half node/pki/etcd/$one /CN=cp1 DNS:cp1,DNS:localhost,IP:10.0.0.10,IP:127.0.0.1,IP:::1
done
conf admin /O=kubeadm:cluster-admins/CN=kubernetes-admin kubernetes-admin
conf super-admin /O=system:masters/CN=kubernetes-super-admin kubernetes-super-admin
conf kubelet /O=system:nodes/CN=system:node:cp1 system:node:cp1
conf controller-manager /CN=system:kube-controller-manager system:kube-controller-manager
conf scheduler /CN=system:kube-scheduler system:kube-scheduler
"#;

fn half() -> TempDir {
    let place = TempDir::new();
    script(place.path(), HALF);
    place
}

/// Both directories of requests, signed where the CAs are: in `folder` itself.
fn signed(place: &Path, folder: &str) {
    let machine = tree_of_all();
    for requests in [format!("{folder}/pki"), folder.to_owned()] {
        let verb = ["sign", &requests, "--kubernetes-dir", text(machine.path())];
        on(place, &[&verb[..], &FACTS].concat()).expect(0);
    }
}

fn import(place: &Path, folder: &str) -> Finished {
    on(place, &[&["import", folder][..], &NODE].concat())
}

/// Whom a request is for, and its names.
fn asked(csr: &Path) -> Vec<String> {
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["req", "-noout", "-text", "-in"]).arg(csr);
    let shown = run(&mut openssl).expect(0).stdout;
    let told = |line: &&str| line.contains("Subject:") || line.contains("DNS:");
    shown.lines().filter(told).map(str::to_owned).collect()
}

#[test]
fn the_half_tree_is_the_one_that_kubeadm_leaves() {
    let (place, kubeadms) = (half(), fixture("kubeadm/generate-csr/default"));
    let mut compared = 0;
    for file in listing(&kubeadms) {
        let theirs = kubeadms.join(&file);
        if theirs.is_file() {
            let ours = place.join("node").join(&file);
            assert_eq!(asked(&ours), asked(&theirs), "{}", file.display());
            compared += 1;
        }
    }
    assert_eq!(compared, 12);
}

#[test]
fn a_half_tree_of_kubeadms_is_finished_wherever_it_was_signed() {
    for folder in ["out", "node"] {
        let place = half();
        if folder == "out" {
            let script = "cp -r node out; find out -name '*.key' -delete; rm out/*.conf";
            let mut bash = Command::new(tool("bash"));
            run(bash.args(["-c", script]).current_dir(place.path())).expect(0);
        }
        let key = key_of_admin(&place);
        signed(place.path(), folder);
        import(place.path(), &format!("{folder}/pki")).expect(0);
        import(place.path(), folder).expect(0);
        let (admin, ca) = (place.join("node/admin.conf"), place.join("node/pki/ca.crt"));
        assert_eq!(key_of_admin(&place), key, "{folder}");
        let trust = kubeconfig_data(&admin, "certificate-authority-data");
        assert_eq!(String::from_utf8_lossy(&trust), read(&ca), "{folder}");
        let facts = ["--key-algorithm", "ECDSA-P256", "--kubernetes-dir", "node"];
        on(place.path(), &[&["all"][..], &facts, &FACTS].concat()).expect(0);
        let checked = on(place.path(), &[&["check"][..], &NODE].concat()).expect(0);
        assert!(checked.stdout.contains("nothing is wrong."), "{checked}");
        let mut verify = Command::new(tool("openssl"));
        verify.args(["verify", "-x509_strict", "-CAfile"]).arg(&ca);
        run(verify.arg(place.join("node/pki/apiserver.crt"))).expect(0);
    }
}

fn key_of_admin(place: &TempDir) -> Vec<u8> {
    kubeconfig_data(&place.join("node/admin.conf"), "client-key-data")
}

#[test]
fn a_half_tree_s_certificate_for_another_key_is_refused_and_nothing_is_written() {
    let place = half();
    signed(place.path(), "node");
    let etcd = place.join("node/pki/etcd");
    fs::copy(etcd.join("peer.crt"), etcd.join("server.crt")).expect("copy");
    let before = listing(&place.join("node"));
    let refused = import(place.path(), "node/pki").expect(4);
    assert!(refused.stderr.contains("is not for"), "{refused}");
    assert_eq!(listing(&place.join("node")), before);
}
