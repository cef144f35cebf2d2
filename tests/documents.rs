//! What the pages for operators show is what happens.
//!
//! - docs/external-ca.md: each section is run in a folder of its own, in which what it begins with is made first, and
//!   looked at afterwards. Its commands are those of a node, whose `certs` works in `/etc/kubernetes` and asks the
//!   machine for its name: here it is told both.
//! - docs/rotation.md: one cluster goes through the whole page, and is looked at after each section.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::os::unix::fs::symlink;

mod common;
use common::shown::{Block, Folder, blocks};
use common::{binary, each, read, root, set_mode, text, tool, venv, write};

const DOCUMENT: &str = "docs/external-ca.md";

/// A section that shows commands, what it begins with, and what is true after each of its blocks.
struct Section {
    title: &'static str,
    before: &'static str,
    after: &'static str,
}

const SECTIONS: [Section; 3] = [
    Section {
        title: "Signing",
        before: "certs csr --csr-dir requests
            for ca in ca etcd-ca front-proxy-ca; do root $ca; done",
        after: "cp -a node asked
            certs import requests
            certs all
            certs check | grep 'nothing is wrong'
            test ! -e node/pki/ca.key
            openssl verify -CAfile etcd-ca.crt node/pki/etcd/server.crt
            rm -r node requests/*.crt leaf.ext cfssl.json *.srl 2> /dev/null || true
            mv asked node",
    },
    Section {
        title: "A cluster CA below a corporate root",
        before: "root root",
        after: "certs check | grep 'nothing is wrong'
            openssl verify -CAfile root.crt -untrusted node/pki/apiserver.crt node/pki/apiserver.crt",
    },
    Section {
        title: "Identities of one's own",
        before: "certs all
            certs client alice --common-name alice --organization devs
            certs kubeconfig bob --common-name bob --organization devs
            cp -a node/pki pki; cp node/bob.conf bob.conf",
        after: "openssl verify -x509_strict -CAfile pki/ca.crt pki/alice.crt
            if [ -e bob.crt ]; then
                openssl verify -x509_strict -CAfile pki/ca.crt bob.crt
                kubectl --kubeconfig bob.conf config view --raw -o jsonpath='{.users[0].user.client-certificate-data}' |
                    base64 -d | cmp - bob.crt
            fi
            rm -r node/pki node/bob.conf; cp -a pki node/pki; cp -a bob.conf node/bob.conf
            certs check | grep 'nothing is wrong'",
    },
];

/// A root of this name.
const ROOT: &str = "
root() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout $1.key -out $1.crt \\
        -subj /CN=$1 -addext keyUsage=critical,keyCertSign,cRLSign
}
";

/// The node's `certs`.
const WRAPPER: &str = r#"#!/bin/bash
facts=(--node-name cp1 --apiserver-advertise-address 10.0.0.10 --key-algorithm ECDSA-P256)
case $1 in
    all | kubeconfig) more=(--kubernetes-dir node "${facts[@]}") ;;
    client) more=(--kubernetes-dir node --key-algorithm ECDSA-P256) ;;
    csr) more=(--kubernetes-dir node --kubelet-dir kubelet "${facts[@]}") ;;
    *) more=(--kubernetes-dir node --kubelet-dir kubelet) ;;
esac
exec PROGRAM "$@" "${more[@]}"
"#;

/// Title and text of each section of a document.
fn sections(document: &str) -> Vec<(&str, &str)> {
    let parts = document.split("\n## ").skip(1);
    parts.filter_map(|part| part.split_once('\n')).collect()
}

#[test]
fn every_command_block_of_the_way_through_an_external_ca_is_run() {
    for program in ["cfssl", "cfssljson", "openssl"] {
        tool(program);
    }
    let document = read(&root().join(DOCUMENT));
    assert!(!document.contains("no-run"), "a block that is not run");
    let shown = sections(&document);
    let with_blocks: Vec<&str> = shown
        .iter()
        .filter(|(_, text)| !blocks(text).is_empty())
        .map(|(title, _)| *title)
        .collect();
    assert_eq!(
        with_blocks,
        SECTIONS.each_ref().map(|section| section.title)
    );
    each(SECTIONS.iter(), |section| {
        let (_, text_of) = shown
            .iter()
            .find(|(title, _)| *title == section.title)
            .expect("a section");
        let folder = Folder::new(DOCUMENT);
        let certs = folder.work().join("../bin/certs");
        fs::remove_file(&certs).expect("remove");
        write(&certs, WRAPPER.replace("PROGRAM", text(&binary())));
        set_mode(&certs, 0o755);
        symlink(venv("kubectl"), certs.with_file_name("kubectl")).expect("a link");
        folder.shell(0, &format!("{ROOT}{}", section.before))?;
        for block in &blocks(text_of) {
            assert!(matches!(block, Block::Script { .. }), "{block:?}");
            folder.run(block)?;
            folder.shell(0, section.after)?;
        }
        Ok(())
    });
}

const ROTATION: &str = "docs/rotation.md";

/// The cluster of that page: two control planes and a worker.
const CLUSTER: &str = "
endpoint='--control-plane-endpoint api.example.com:6443'
certs all -q --kubernetes-dir cp1 --node-name cp1 --apiserver-advertise-address 10.0.0.11 $endpoint
mkdir -p cp2/pki/etcd worker1/pki
cp -p cp1/pki/{ca,front-proxy-ca}.{crt,key} cp1/pki/sa.{pub,key} cp2/pki
cp -p cp1/pki/etcd/ca.{crt,key} cp2/pki/etcd
certs all -q --kubernetes-dir cp2 --node-name cp2 --apiserver-advertise-address 10.0.0.12 $endpoint
certs kubeconfig kubelet -q --kubernetes-dir cp1 --kubeconfig-dir worker1 --node-name worker1 $endpoint
cp cp1/pki/ca.crt worker1/pki
cp cp1/pki/ca.key former.key
cat > nodes.yaml <<'END'
apiVersion: certs/v1
kind: Inventory
nodes:
- {name: cp1, addresses: [10.0.0.11], roles: [control-plane, etcd]}
- {name: cp2, addresses: [10.0.0.12], roles: [control-plane, etcd]}
- {name: worker1, addresses: [10.0.1.1], roles: [worker]}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
controlPlaneEndpoint: api.example.com:6443
encryptionAlgorithm: ECDSA-P256
END
certs all -q --inventory nodes.yaml --out nodes
";

/// Nothing is wrong, and what all share is the same.
const SOUND: &str = "
for tree in cp1 cp2 worker1; do
    certs check --kubernetes-dir $tree | grep 'nothing is wrong'
done
for file in ca.crt ca.key sa.pub sa.key etcd/ca.crt etcd/ca.key front-proxy-ca.crt front-proxy-ca.key; do
    cmp cp1/pki/$file cp2/pki/$file
done
";

/// After the page all are at the start of the next replacement, and the former key is nowhere.
const ENDED: &str = "
test $(certs rotate status --kubernetes-dir cp1 | grep -c ': start$') = 4
if grep -rF \"$(sed -n 2p former.key)\" cp1 cp2 worker1; then exit 1; fi
certs flags kube-controller-manager --kubernetes-dir cp1 | grep 'cert-file=.*/cp1/pki/ca-signing.crt'
openssl x509 -in cp2/pki/apiserver.crt -noout -issuer | grep kubernetes-2
openssl verify -CAfile worker1/pki/ca.crt cp1/pki/apiserver.crt
";

#[test]
fn every_command_block_of_the_way_through_a_rotation_is_run() {
    tool("openssl");
    let document = read(&root().join(ROTATION));
    assert!(!document.contains("no-run"), "a block that is not run");
    let folder = Folder::new(ROTATION);
    folder.shell(0, CLUSTER).expect("a cluster");
    let mut run = 0;
    for (title, text) in sections(&document) {
        for block in blocks(text) {
            folder
                .run(&block)
                .unwrap_or_else(|fault| panic!("{title}\n{fault}"));
            run += 1;
        }
        folder
            .shell(0, SOUND)
            .unwrap_or_else(|fault| panic!("after \"{title}\"\n{fault}"));
    }
    assert!(run > 10, "{run} blocks");
    folder.shell(0, ENDED).expect("the end");
}
