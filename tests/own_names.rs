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
use common::snapshot::{same, snapshot};
use common::{Finished, TempDir, at, certs, read, run, text};

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

/// The one sentence, with its way out, that is told by this code.
fn way_out(report: &Value, code: &str) -> String {
    let findings = report["findings"].as_array().expect("findings");
    let mut told = findings.iter().filter(|told| told["code"] == code);
    let way_out = told.next().expect("one")["wayOut"].clone();
    assert!(told.next().is_none(), "{report:#}");
    way_out.as_str().expect("a text").to_owned()
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

#[test]
fn the_certificate_of_service_accounts_lasts_longer_for_its_own_key_by_every_way_out() {
    let place = made(
        "authority pki/ca /CN=CA; key pki/service-accounts.key; issue pki/service-accounts subject=/CN=service-accounts",
    );
    // While it lasts, and once it is over.
    for (days, code, found) in [(340, 3, "expires-soon"), (370, 4, "expired")] {
        let report = json(&place, days, "check", &[], code);
        let renews = "'certs renew service-accounts.crt --reuse-key' renews it, for the same key";
        assert_eq!(way_out(&report, found), renews);
    }
    let short = ["--ca-validity", "30d"];
    let before = snapshot(&place.join("k"));
    for names in [&["ca"][..], &["ca", "service-accounts.crt"]] {
        let report = json(&place, 1, "renew", &[names, &short].concat(), 4);
        let way_out = way_out(&report, "ca-too-short");
        let names = ", or name what is to end with it too, with --reuse-key: service-accounts.crt";
        assert!(way_out.ends_with(names), "{way_out}");
    }
    same(&before, &place.join("k"));
    let named = ["ca", "service-accounts.crt", "--reuse-key"];
    at_day(&place, 1, "renew", &[&named[..], &short].concat()).expect(3);
    at_day(&place, 1, "renew", &["service-accounts.crt", "--reuse-key"]).expect(0);
}

#[test]
fn what_no_run_renews_is_not_to_be_named_with_its_ca() {
    let place = made(
        "authority pki/ca /CN=CA; key pki/own.key; issue pki/own subject=/CN=own; mv pki/own.key ..",
    );
    let report = json(&place, 1, "renew", &["ca", "--ca-validity", "30d"], 4);
    let longer = "let it last longer (--ca-validity)";
    assert_eq!(way_out(&report, "ca-too-short"), longer);
}

#[test]
fn who_reads_what_is_in_no_row_is_said_to_be_unknown_and_told_to_a_command() {
    let place = made(
        "authority pki/ca /CN=kubernetes
         for name in alice apiserver member; do key pki/$name.key; done
         issue pki/alice subject=/CN=alice; issue pki/apiserver
         issue pki/member subject=/CN=member; mv pki/member.crt pki/member.pem; mv pki/member.key pki/member-key.pem",
    );
    let note = place.join("note");
    let exec = format!(
        "echo \"$CERTS_CHANGED|$CERTS_RESTART|$CERTS_UNKNOWN\" > {}",
        text(&note)
    );
    let exec = ["--exec", &exec];
    let said = at_day(&place, 1, "renew", &[&["--all"], &exec[..]].concat()).expect(0);
    let words = "\
No restart: they read it again by themselves:
  kube-apiserver (apiserver)
Restart what reads these, or see that it reads them again: who that is, is not known here:
  alice.crt, member.pem
Was run: ";
    assert!(said.stdout.contains(words), "{said}");
    assert_eq!(
        read(&note),
        "apiserver alice.crt member.pem||alice.crt member.pem\n"
    );
    let report = json(&place, 1, "renew", &["alice", "apiserver"], 0);
    assert_eq!(report["unknownReaders"], serde_json::json!(["alice.crt"]));
    // Of a row it is known, and of what does not change nobody reads anything.
    let report = json(&place, 1, "renew", &["apiserver"], 0);
    assert_eq!(report["unknownReaders"], serde_json::json!([]));
    let said = at_day(&place, 1, "renew", &[]).expect(0);
    assert!(!said.stdout.contains("not known"), "{said}");
}
