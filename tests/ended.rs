//! A CA whose time is over: what is told of it and of what it signed, and that this helps.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::Path;

use base64ct::{Base64, Encoding};
use serde_json::Value;

mod common;
use common::kubeadm::unpacked;
use common::{Finished, at, certs, kubeconfig_data, read, run, text, write};

/// 2037-01-01, when all of kubeadm's trees are over.
const OVER: i64 = 2_114_380_800;

fn over(verb: &[&str], tree: &Path) -> Finished {
    let mut command = certs(verb);
    command.args(["--kubernetes-dir", text(tree), "--kubelet-dir", "none"]);
    run(&mut at(OVER, "022", &command))
}

/// The same of a verb that has no use for a kubelet.
fn over_in(verb: &[&str], tree: &Path) -> Finished {
    let mut command = certs(verb);
    run(&mut at(
        OVER,
        "022",
        command.args(["--kubernetes-dir", text(tree)]),
    ))
}

/// The sentences and ways out of one code, of the file that ends so.
fn told(finished: &Finished, code: &str, file: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{finished}"));
    let findings = report["findings"].as_array().expect("findings");
    let word = |finding: &Value, field: &str| finding[field].as_str().unwrap_or("").to_owned();
    findings
        .iter()
        .filter(|told| word(told, "code") == code && word(told, "file").ends_with(file))
        .map(|told| format!("{}: {}", word(told, "text"), word(told, "wayOut")))
        .collect()
}

#[test]
fn an_ended_ca_is_good_again_once_its_way_out_was_gone() {
    let trees = unpacked();
    let tree = trees.join("default");
    let revive =
        "'certs renew ca' renews it for the same key, and then 'certs renew' what ended with it";
    let checked = over(&["check", "--output", "json"], &tree);
    let ended = told(&checked, "expired", "/pki/ca.crt");
    assert_eq!(ended.len(), 1, "{checked}");
    assert!(ended[0].ends_with(&format!(" UTC: {revive}")), "{ended:?}");
    // Each leaf that is due says so too, and no code twice.
    let renewed = over(&["renew", "--output", "json"], &tree);
    let skipped = told(&renewed, "not-renewed", "/pki/apiserver.crt");
    assert_eq!(skipped.len(), 1, "{renewed}");
    assert!(
        skipped[0].starts_with("is due, and its CA ca.crt ended on 2036-")
            && skipped[0].ends_with(&format!(" UTC: see to its CA first: {revive}")),
        "{skipped:?}"
    );
    assert!(!renewed.stdout.contains("expired, expired"), "{renewed}");
    // A leaf has one end, its own, and a way out that is refused to nobody, whoever tells it.
    let named = over(&["renew", "apiserver", "-o", "json"], &tree);
    let bundle = over_in(&["export", "bundle"], &tree);
    for leaf in ["/pki/apiserver.crt", "/admin.conf"] {
        let once = told(&checked, "expired", leaf);
        assert_eq!(once.len(), 1, "{checked}");
        let way_out = " UTC: see to its CA first, and then to it";
        assert!(once[0].ends_with(way_out), "{once:?}");
        assert_eq!(told(&renewed, "expired", leaf), once, "{renewed}");
        if leaf.ends_with("crt") {
            assert_eq!(told(&named, "expired", leaf), once, "{named}");
            assert!(bundle.stderr.contains(&once[0]), "{bundle}");
        }
    }
    // What it says helps: the CAs by name, and then all else.
    for verb in [
        &["renew", "ca", "etcd-ca", "front-proxy-ca"][..],
        &["renew"],
    ] {
        over(verb, &tree);
    }
    over(&["check"], &tree).expect(0);
}

#[test]
fn an_ended_ca_whose_key_is_elsewhere_is_renewed_there() {
    let trees = unpacked();
    let tree = trees.join("default");
    fs::remove_file(tree.join("pki/ca.key")).expect("a key");
    let checked = over(&["check", "--output", "json"], &tree);
    let ended = told(&checked, "expired", "/pki/ca.crt");
    assert_eq!(ended.len(), 1, "{checked}");
    let way_out =
        "have it renewed where its key is, for the same key, and put its new certificate here";
    assert!(ended[0].ends_with(way_out), "{ended:?}");
}

/// Below it nothing is made anew, so that `--force` would be refused.
#[test]
fn what_is_wrong_below_an_ended_ca_is_seen_to_after_that() {
    let trees = unpacked();
    let tree = trees.join("default");
    let (admin, field) = (tree.join("admin.conf"), "certificate-authority-data: ");
    let other = read(&tree.join("pki/etcd/ca.crt"));
    let other = Base64::encode_string(other.as_bytes());
    let lines: Vec<String> = read(&admin)
        .lines()
        .map(|line| match line.split_once(field) {
            Some((before, _)) => format!("{before}{field}{other}\n"),
            None => format!("{line}\n"),
        })
        .collect();
    write(&admin, lines.concat());
    let way_out = |said: &Finished| {
        let told = told(said, "kubeconfig-ca", "/admin.conf");
        assert_eq!(told.len(), 1, "{said}");
        told[0].clone()
    };
    let facts = ["--node-name", "cp1", "--apiserver-advertise-address"];
    let line = [&["kubeconfig", "admin"][..], &facts, &["10.0.0.10"]].concat();
    let made = || {
        let mut command = certs(&[&line[..], &["--output", "json"]].concat());
        run(&mut at(
            OVER,
            "022",
            command.args(["--kubernetes-dir", text(&tree)]),
        ))
    };
    let looked = |verb| over(&[verb, "--output", "json"], &tree);
    let first = ": see to its CA first, and then to it";
    for said in [looked("check"), looked("renew"), made()] {
        let told = way_out(&said);
        assert!(told.ends_with(first), "{told}");
    }
    // Once that is done it can be made anew.
    over(&["renew", "ca"], &tree);
    for said in [looked("check"), made()] {
        let told = way_out(&said);
        assert!(told.contains("--force"), "{told}");
    }
}

/// There is nothing to hand out before the CA lasts again, wherever its key is.
#[test]
fn a_kubeconfig_is_refreshed_once_an_ended_ca_is_good_again() {
    for elsewhere in [false, true] {
        let trees = unpacked();
        let tree = trees.join("default");
        let (handed, key) = (trees.join("handed"), tree.join("pki/ca.key"));
        let kept = trees.join("kept.key");
        fs::copy(tree.join("admin.conf"), &handed).expect("copy");
        if elsewhere {
            fs::rename(&key, &kept).expect("move the key away");
        }
        let refresh = ["kubeconfig", "refresh", text(&handed)];
        let said = over_in(&[&refresh[..], &["--output", "json"]].concat(), &tree);
        let way_out = if elsewhere {
            "have it renewed where its key is, for the same key, and put its new certificate here"
        } else {
            "'certs renew ca' renews it for the same key, and then 'certs renew' what ended with it"
        };
        let told = told(&said, "expired", "/pki/ca.crt");
        assert_eq!(told.len(), 1, "{said}");
        assert!(told[0].ends_with(&format!(": {way_out}")), "{told:?}");
        if elsewhere {
            fs::rename(&kept, &key).expect("move the key back");
        }
        over(&["renew", "ca"], &tree);
        if elsewhere {
            fs::remove_file(&key).expect("remove the key");
        }
        over_in(&refresh, &tree).expect(0);
        let held = kubeconfig_data(&handed, "certificate-authority-data");
        assert_eq!(held, read(&tree.join("pki/ca.crt")).as_bytes());
    }
}
