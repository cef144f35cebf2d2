//! What is looked after under names of one's own: whose it is, how it lasts longer, and who reads it.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use serde_json::Value;

mod common;
use common::base::Base;
use common::kubeadm::NOON;
use common::renewal::DAY;
use common::{Finished, TempDir, at, certs, run, text};

/// A tree with nothing in it but what the recipe makes, at noon.
fn made(recipe: &str) -> TempDir {
    let place = Base::OpenSsl.copy();
    let recipe = format!("find . -type f -delete; {recipe}");
    Base::OpenSsl.cook(&recipe, place.path());
    place
}

fn at_day(place: &TempDir, days: i64, verb: &str, more: &[&str]) -> Finished {
    let mut command = certs(&[verb, "--kubernetes-dir", text(&place.join("k"))]);
    command.args(["--kubelet-dir", text(&place.join("kubelet"))]);
    run(&mut at(NOON + days * DAY, "022", command.args(more)))
}

fn json(place: &TempDir, days: i64, verb: &str, more: &[&str], code: i32) -> Value {
    let finished = at_day(place, days, verb, &[more, &["--output", "json"]].concat()).expect(code);
    serde_json::from_str(&finished.stdout).expect("JSON")
}

/// `CODE NAME` of what is told beyond notes.
fn told(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings");
    let beyond = findings.iter().filter(|told| told["severity"] != "note");
    let text = |told: &Value, field: &str| told[field].as_str().expect("a text").to_owned();
    beyond
        .map(|one| format!("{} {}", text(one, "code"), text(one, "name")))
        .collect()
}

#[test]
fn of_two_cas_of_one_name_each_has_what_its_key_signed() {
    // With key identifiers, and without: then the signature alone tells.
    for identifier in ["keyid", ""] {
        let recipe = format!(
            "authority pki/a-ca /CN=Kubernetes days=3650; authority pki/b-ca /CN=Kubernetes days=2000
             for name in a b; do
                 key pki/$name.key
                 issue pki/$name ca=pki/$name-ca subject=/CN=$name aki={identifier}
             done"
        );
        let place = made(&recipe);
        let report = json(&place, 0, "check", &[], 3);
        assert_eq!(told(&report), ["same-ca-name b-ca.crt"]);
        let text = at_day(&place, 0, "check", &[]).expect(3).stdout;
        for (leaf, ca) in [("a.crt ", " a-ca.crt "), ("b.crt ", " b-ca.crt ")] {
            let line = text.lines().find(|line| line.starts_with(leaf));
            assert!(line.is_some_and(|line| line.contains(ca)), "{text}");
        }
        let report = json(&place, 1, "renew", &["b"], 0);
        assert_eq!(told(&report), [""; 0]);
        let report = json(&place, 1, "renew", &["--all"], 0);
        let replaced = report["items"].as_array().expect("items").iter();
        assert_eq!(replaced.filter(|item| item["step"] == "replace").count(), 2);
        at_day(&place, 1, "check", &[]).expect(3);
    }
    // Which one neither signed is told.
    let place = made(
        "authority pki/a-ca /CN=Kubernetes; authority pki/b-ca /CN=Kubernetes; key pki/a.key
         authority ../c /CN=Kubernetes; issue pki/a ca=../c subject=/CN=a",
    );
    let report = json(&place, 0, "check", &[], 4);
    assert_eq!(
        told(&report),
        ["not-signed-by-ca a.crt", "same-ca-name b-ca.crt"]
    );
}

#[test]
fn a_former_tree_that_lies_beside_its_own_ca_is_held_against_that() {
    let place = Base::OpenSsl.copy();
    Base::OpenSsl.cook(
        "mkdir -p pki/backup; mv *.conf pki/ca.* pki/apiserver* pki/backup; authority pki/ca /CN=kubernetes
         for place in apiserver apiserver-kubelet-client apiserver-etcd-client; do
             key pki/$place.key; issue pki/$place
         done
         kubeconfig admin.conf kubernetes-admin
         kubeconfig controller-manager.conf system:kube-controller-manager
         kubeconfig scheduler.conf system:kube-scheduler",
        place.path(),
    );
    let report = json(&place, 0, "check", &[], 3);
    let told = told(&report);
    assert!(
        told.len() == 1
            && told[0].starts_with("same-ca-name ")
            && told[0].ends_with("/backup/ca.crt"),
        "{told:?}"
    );
}
