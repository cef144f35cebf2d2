//! Good trees: nothing that is told of them is above a note, and nothing of them changes.

use std::collections::BTreeSet;
use std::path::Path;

use crate::common::base::{Base, over};
use crate::common::kubeadm::{CONFIGURATIONS, NOON, configuration, unpacked};
use crate::common::snapshot::{same, snapshot};
use crate::common::{Finished, TempDir, at, certs, run, text};

/// Runs `all` over the tree in `k`: exit code 0, nothing changes, and the codes told are these.
#[track_caller]
fn keeps(place: &Path, told: &[&str], what: &str) {
    let before = snapshot(&place.join("k"));
    let finished = run(&mut over(&["all", "--output", "json"], place)).expect(0);
    assert_eq!(
        codes(&finished),
        told.iter().map(|code| (*code).to_owned()).collect(),
        "{what}"
    );
    same(&before, &place.join("k"));
}

/// The codes of a report, none of them above a note.
#[track_caller]
fn codes(finished: &Finished) -> BTreeSet<String> {
    let report: serde_json::Value = serde_json::from_str(&finished.stdout).expect("a report");
    let findings = report["findings"].as_array().expect("findings");
    let word = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    findings
        .iter()
        .inspect(|finding| assert_eq!(finding["severity"], "note", "{finished}"))
        .map(|finding| word(&finding["code"]))
        .collect()
}

/// What kubeadm's trees have: 63-bit serial numbers among it.
const KUBEADM: [&str; 4] = [
    "ca-usage",
    "no-subject-key-identifier",
    "small-serial",
    "system-masters",
];

#[test]
fn kubeadms_trees_of_every_configuration_have_notes_alone() {
    let trees = unpacked();
    for name in CONFIGURATIONS {
        let tree = trees.join(name);
        let config = configuration(name, &tree, trees.path());
        let mut command = certs(&["all", "--output", "json", "--config", text(&config)]);
        command.args(["--kubernetes-dir", text(&tree)]);
        let before = snapshot(&tree);
        let finished = run(&mut at(NOON, "022", &command)).expect(0);
        same(&before, &tree);
        let mut expected: BTreeSet<String> = KUBEADM.map(str::to_owned).into();
        if name == "ecdsa-p256" {
            expected.insert("key-encipherment-on-ec".to_owned());
        }
        assert_eq!(codes(&finished), expected, "{name}");
    }
}

/// As kubeadm made them before v1.29, and from then to v1.36.1.
#[test]
fn kubeadms_older_trees_have_notes_alone() {
    let former = [&KUBEADM[..], &["former-subject"]].concat();
    for (what, recipe) in [
        (
            "before v1.29",
            "issue admin.conf subject=/O=system:masters/CN=kubernetes-admin serial=0x7fffffffffffffff
             issue pki/apiserver-kubelet-client subject=/O=system:masters/CN=kube-apiserver-kubelet-client
             issue pki/apiserver-etcd-client subject=/O=system:masters/CN=kube-apiserver-etcd-client
             issue pki/etcd/healthcheck-client subject=/O=system:masters/CN=kube-etcd-healthcheck-client",
        ),
        (
            "before v1.36.1",
            "issue pki/apiserver-kubelet-client subject=/O=kubeadm:cluster-admins/CN=kube-apiserver-kubelet-client",
        ),
    ] {
        let place = Base::Default.copy();
        Base::Default.cook(recipe, place.path());
        keeps(place.path(), &former, what);
    }
}

#[test]
fn a_tree_of_openssls_has_notes_alone() {
    keeps(Base::OpenSsl.copy().path(), &["system-masters"], "sound");
}

#[test]
fn what_is_odd_and_no_fault_is_passed_over() {
    let notes = ["system-masters"];
    for recipe in [
        // Text around the blocks of a PEM file is explanation (RFC 7468 section 2).
        "echo made in 2026 >> pki/apiserver.crt",
        "edit pki/apiserver.crt 's/$/\\r/'",
        "cat pki/ca.crt >> pki/apiserver.crt",
        // Without the extension every usage is allowed (RFC 5280 section 4.2.1.12).
        "issue pki/apiserver eku=''",
        "authority pki/front-proxy-ca /CN=front-proxy-ca bc=critical,CA:TRUE,pathlen:0",
        "issue pki/apiserver san=\"${hosts/cp1/CP1}\"",
        "issue pki/apiserver more=1.2.3.4=ASN1:UTF8String:x",
        "openssl pkcs8 -topk8 -nocrypt -in pki/apiserver.key -out $aside/key; cat $aside/key > pki/apiserver.key",
        "{ openssl ecparam -name prime256v1; cat pki/apiserver.key; } > $aside/key; cat $aside/key > pki/apiserver.key",
        "chmod 640 pki/apiserver.key; chmod 600 pki/apiserver.crt; chmod 400 admin.conf",
        "rm pki/ca.key pki/etcd/ca.key",
        "encrypt pki/ca.key",
        "cat pki/etcd/ca.crt >> pki/ca.crt; for conf in *.conf; do put $conf certificate-authority-data pki/ca.crt; done",
        "edit admin.conf \"s|certificate-authority-data: .*|certificate-authority: $PWD/pki/ca.crt|\"",
        "edit admin.conf 's/^users:/&\\n- name: zoe\\n  user: {token: abc}/'",
        "mkdir manifests; touch pki/README admin.conf.bak pki/.hidden; ln -s pki link",
    ] {
        let place = Base::OpenSsl.copy();
        Base::OpenSsl.cook(recipe, place.path());
        keeps(place.path(), &notes, recipe);
    }
    // As while the key of the service accounts is replaced.
    let place = Base::OpenSsl.copy();
    let recipe = "openssl pkey -in pki/apiserver.key -pubout >> pki/sa.pub";
    Base::OpenSsl.cook(recipe, place.path());
    keeps(place.path(), &["system-masters", "token-keys"], recipe);
}

/// Nobody encrypts to the key of a client, of whatever kind that is.
#[test]
fn clients_of_rsa_keys_without_key_encipherment_have_notes_alone() {
    let place = Base::Default.copy();
    let recipe =
        "for of in pki/front-proxy-client pki/apiserver-etcd-client admin.conf scheduler.conf; do
                      issue $of ku=critical,digitalSignature
                  done";
    Base::Default.cook(recipe, place.path());
    keeps(place.path(), &KUBEADM, recipe);
}

/// Its common name is longer than RFC 5280's appendix A has it, and Kubernetes' node names are not.
#[test]
fn a_tree_of_a_node_with_a_long_name_has_notes_alone() {
    let place = TempDir::new();
    let name = format!("{}.example.com", ["label"; 12].join("."));
    let all = || {
        let mut command = certs(&["all", "--output", "json", "--key-algorithm", "ECDSA-P256"]);
        command.args(["--kubernetes-dir", text(&place.join("k"))]);
        command.args([
            "--apiserver-advertise-address",
            "10.0.0.10",
            "--node-name",
            &name,
        ]);
        run(&mut at(NOON, "022", &command)).expect(0)
    };
    all();
    let expected = ["long-common-name", "system-masters"];
    assert_eq!(codes(&all()), expected.map(str::to_owned).into());
}
