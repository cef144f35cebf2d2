use std::collections::BTreeMap;

use super::*;
use crate::apply::{Prepared, prepare};
use crate::diff::Notice;
use crate::kubeconfig::{Credentials, Entry, parse, write};
use crate::location::Owner;
use crate::observe::Seen;
use crate::observed::{Ground, KeyState};
use crate::oracle::sample::{self, NOW, spec, tree};
use crate::plan::{Due, Force, Found, Plan, Policy, Renewal, plan};
use crate::profile::renewal::Changes;
use crate::store::FileContent;

/// The plan that renews these by name.
fn planned(found: &Found, specs: &[Spec], names: &[&str], reuse_key: bool) -> Plan {
    let renewal = Renewal {
        due: Due::Named(names.iter().map(|name| (*name).to_owned()).collect()),
        ca_notice: Notice::CA,
        reuse_key,
        of_many: false,
        then: Vec::new(),
        there: Vec::new(),
        changes: Changes::default(),
    };
    let ground = Ground {
        directories: Vec::new(),
        files: Vec::new(),
        kubeconfigs: Vec::new(),
        obstacles: BTreeMap::new(),
        requested: BTreeMap::new(),
        listed: std::collections::BTreeSet::new(),
        trusted: vec![0],
    };
    let policy = Policy {
        force: Force::Renew(&renewal),
        founding: true,
        backup: true,
    };
    let issuers = [spec("ca")];
    let issuers = if specs.contains(&issuers[0]) {
        &[][..]
    } else {
        &issuers
    };
    plan(specs, issuers, found, &ground, policy, NOW).unwrap()
}

/// The tree, and the file of a kubeconfig with a comment of its own.
fn seen(found: &Found) -> Seen {
    let Observed::Kubeconfig(admin) = &found["admin"] else {
        panic!("a kubeconfig");
    };
    let (authorities, chain) = (pem(&admin.authorities), pem(&admin.chain));
    let key = admin.key.open().unwrap().to_pem();
    let entry = Entry {
        cluster: &admin.cluster,
        user: &admin.user,
        server: &admin.server,
        authorities: &authorities,
        credentials: Credentials::Data {
            certificate: &chain,
            key: key.as_bytes(),
        },
    };
    let mut seen = Seen {
        observed: found.clone(),
        ..Seen::default()
    };
    let content = FileContent {
        bytes: write(&entry, None).unwrap(),
        mode: 0o600,
        uid: 0,
        gid: 0,
    };
    seen.files.insert(spec("admin").place.public(), content);
    seen
}

fn done(plan: &Plan, seen: &Seen) -> Result<Prepared> {
    prepare(plan, seen, Owner::default(), NOW)
}

fn names(made: &Prepared) -> Vec<&str> {
    let files = made.changes.iter();
    files.map(|change| change.file.name.as_str()).collect()
}

fn written(change: &crate::store::Change) -> &[u8] {
    change.bytes.as_ref().unwrap()
}

fn certificates(made: &Prepared, file: usize) -> Vec<Certificate> {
    Certificate::from_pem(written(&made.changes[file])).unwrap()
}

#[test]
fn a_certificate_for_the_same_key_is_one_file_and_what_followed_it_stays() {
    let mut found = tree();
    let Some(Observed::Certificate { chain: other, .. }) = found.get("etcd-ca").cloned() else {
        panic!("a CA");
    };
    let Some(Observed::Certificate { chain, .. }) = found.get_mut("apiserver") else {
        panic!("a pair");
    };
    chain.extend(other.clone());
    let former = chain[0].clone();
    let plan = planned(&found, &[spec("apiserver")], &["apiserver"], true);
    let made = done(&plan, &seen(&found)).unwrap();
    assert_eq!(names(&made), ["apiserver.crt"]);
    let file = certificates(&made, 0);
    assert_eq!(file[1..], other);
    assert_eq!(file[0].public_key, former.public_key);
    assert_ne!(file[0].serial, former.serial);
    assert_eq!(made.issued["apiserver"], file[0]);
    // With a new key it is two, and another key.
    let plan = planned(&found, &[spec("apiserver")], &["apiserver"], false);
    let made = done(&plan, &seen(&found)).unwrap();
    assert_eq!(names(&made), ["apiserver.crt", "apiserver.key"]);
    assert_ne!(certificates(&made, 0)[0].public_key, former.public_key);
}

#[test]
fn a_renewed_ca_takes_the_place_of_its_former_certificate_alone_and_goes_into_kubeconfigs() {
    let mut found = tree();
    let Some(Observed::Certificate { chain: other, .. }) = found.get("etcd-ca").cloned() else {
        panic!("a CA");
    };
    let Some(Observed::Certificate { chain, .. }) = found.get_mut("ca") else {
        panic!("a CA");
    };
    chain.extend(other.clone());
    let bundle = chain.clone();
    let plan = planned(&found, &[spec("ca"), spec("admin")], &["ca"], false);
    let made = done(&plan, &seen(&found)).unwrap();
    assert_eq!(names(&made), ["ca.crt", "admin.conf"]);
    let file = certificates(&made, 0);
    assert_eq!(file[1..], other);
    assert_ne!(file[0], bundle[0]);
    assert_eq!(file[0].public_key, bundle[0].public_key);
    assert_eq!(file[0].subject.der(), bundle[0].subject.der());
    let admin = parse(written(&made.changes[1])).unwrap();
    let Some(kubeconfig::Source::Data { bytes, .. }) = admin.authorities else {
        panic!("the bundle is in the kubeconfig");
    };
    assert_eq!(*bytes, pem(&file).as_bytes());
    // A leaf of the same run stands below the new certificate.
    let both = planned(&found, &[spec("ca"), spec("admin")], &["ca", "admin"], true);
    let made = done(&both, &seen(&found)).unwrap();
    assert_eq!(names(&made), ["ca.crt", "admin.conf"]);
    let leaf = &made.issued["admin"];
    assert!(
        leaf.verify_signature(&certificates(&made, 0)[0].public_key)
            .is_ok()
    );
}

#[test]
fn what_is_no_more_as_the_plan_saw_it_is_not_renewed() {
    let found = tree();
    let reissue = planned(&found, &[spec("apiserver")], &["apiserver"], true);
    let told = |seen: &Seen, plan: &Plan| format!("{:#}", done(plan, seen).err().unwrap());
    let changed = |change: fn(&mut Option<Key>)| {
        let mut seen = seen(&found);
        match seen.observed.get_mut("apiserver").unwrap() {
            Observed::Certificate { key, .. } => change(key),
            _ => panic!("a pair"),
        }
        seen
    };
    let other = changed(|key| *key = Some(sample::open(sample::key("other"))));
    let words = "the key of apiserver is not its certificate's";
    assert_eq!(told(&other, &reissue), words);
    for gone in [
        changed(|key| *key = None),
        changed(|key| {
            if let Some(key) = key {
                key.state = KeyState::Locked("locked".to_owned());
            }
        }),
    ] {
        assert_eq!(told(&gone, &reissue), "its private key is not open");
    }
    let mut absent = seen(&found);
    absent.observed.remove("apiserver");
    assert_eq!(told(&absent, &reissue), "apiserver is not there");
    absent
        .observed
        .insert("apiserver".to_owned(), Observed::Absent);
    assert_eq!(told(&absent, &reissue), "it has no certificate");
    let refresh = planned(&found, &[spec("ca"), spec("admin")], &["ca"], false);
    let mut unread = seen(&found);
    unread.files.clear();
    assert_eq!(told(&unread, &refresh), "admin.conf was not read");
    let mut garbage = seen(&found);
    for content in garbage.files.values_mut() {
        content.bytes = zeroize::Zeroizing::new(b"garbage".to_vec());
    }
    let error = told(&garbage, &refresh);
    assert!(error.starts_with("renew admin.conf: "), "{error}");
}
