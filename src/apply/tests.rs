use super::*;
use crate::location::{FileId, Root};
use crate::observed::Ground;
use crate::oracle::sample::{NOW, spec, specs, tree};
use crate::plan::{Force, Found, Policy, plan};
use crate::store::FileContent;

fn policy() -> Policy<'static> {
    Policy {
        force: Force::Drifted,
        founding: true,
        backup: true,
    }
}

fn ground() -> Ground {
    Ground {
        directories: Vec::new(),
        files: Vec::new(),
        kubeconfigs: Vec::new(),
        obstacles: BTreeMap::new(),
        requested: BTreeMap::new(),
        listed: std::collections::BTreeSet::new(),
        trusted: vec![0],
    }
}

fn prepared(found: &Found, seen: &Seen) -> Result<Prepared> {
    let plan = plan(&specs(), &[], found, &ground(), policy(), NOW).unwrap();
    prepare(&plan, seen, Owner::default(), NOW)
}

#[test]
fn keys_come_in_the_order_they_were_asked_for_on_any_number_of_threads() {
    let (p256, p384) = (KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384);
    let wanted = [p384, p256, p256, p384, p256];
    for workers in [1, 2, 9] {
        let keys = generate(&wanted, workers).unwrap();
        let made: Vec<KeyAlgorithm> = keys.iter().map(PrivateKey::algorithm).collect();
        assert_eq!(made, wanted, "{workers}");
    }
    assert!(generate(&[], 4).unwrap().is_empty());
}

#[test]
fn a_key_that_cannot_be_made_fails_the_run() {
    let error = generate(&[KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa(1)], 2).unwrap_err();
    assert_eq!(error.to_string(), "generate a key");
}

#[test]
fn an_empty_place_gets_every_file_with_kubeadm_s_modes_and_pairs_side_by_side() {
    let made = prepared(&Found::new(), &Seen::default()).unwrap();
    let expected: usize = specs().iter().map(|spec| spec.place.files().len()).sum();
    assert_eq!(made.changes.len(), expected);
    for change in &made.changes {
        let name = change.file.name.as_str();
        let wanted = match name.rsplit_once('.') {
            Some((_, "crt")) => 0o644,
            _ => 0o600,
        };
        assert_eq!(change.mode, wanted, "{name}");
        assert_eq!(change.replaces, None);
    }
    let groups: Vec<usize> = made.changes.iter().map(|change| change.group).collect();
    assert!(groups.is_sorted());
    assert_eq!(made.issued.len(), specs().len() - 1, "all but sa");
}

#[test]
fn what_is_replaced_is_held_against_what_was_read_and_keeps_its_owner() {
    let mut found = tree();
    let apiserver = spec("apiserver");
    let Some(Observed::Certificate { key, .. }) = found.get_mut("apiserver") else {
        panic!()
    };
    *key = None;
    let mut seen = Seen::default();
    let content = FileContent {
        bytes: Zeroizing::new(b"old".to_vec()),
        mode: 0o4666,
        uid: 7,
        gid: 8,
    };
    seen.files.insert(apiserver.place.public(), content);
    seen.observed = found.clone();
    let made = prepared(&found, &seen).unwrap();
    assert_eq!(made.changes.len(), 2);
    let [certificate, key] = made.changes.as_slice() else {
        panic!()
    };
    assert_eq!(certificate.mode, 0o644);
    assert_eq!(certificate.replaces, Some(key::sha256(b"old")));
    let (user, group) = (Some(7), Some(8));
    assert_eq!(certificate.owner, Owner { user, group });
    assert_eq!(
        (key.mode, key.replaces, key.owner),
        (0o600, None, certificate.owner)
    );
}

#[test]
fn a_ca_that_was_not_seen_signs_nothing() {
    let mut found = tree();
    found.remove("apiserver");
    let error = prepared(&found, &Seen::default()).err().unwrap();
    assert_eq!(
        format!("{error:#}"),
        "issue apiserver: the CA ca is not there"
    );
}

#[test]
fn only_what_was_read_is_removed_and_it_is_held_against_that() {
    let mut seen = Seen::default();
    let [there, absent] = ["ca-next.key", "ca-next.crt"].map(|name| FileId::new(Root::Pki, name));
    let content = FileContent {
        bytes: Zeroizing::new(b"next".to_vec()),
        mode: 0o600,
        uid: 7,
        gid: 8,
    };
    seen.files.insert(there.clone(), content);
    let plan = Plan {
        steps: Vec::new(),
        ..plan(&specs(), &[], &Found::new(), &ground(), policy(), NOW).unwrap()
    };
    let mut preparation = Preparation {
        plan: &plan,
        seen: &seen,
        owner: Owner::default(),
        now: NOW,
        changes: Vec::new(),
        requests: Vec::new(),
        issued: BTreeMap::new(),
        cas: BTreeMap::new(),
        served: None,
        renewed: Vec::new(),
        crossed: None,
        waiting: None,
        dropped: Vec::new(),
    };
    preparation.remove(3, there.clone());
    preparation.remove(3, absent);
    let [change] = preparation.changes.as_slice() else {
        panic!("one removal");
    };
    assert_eq!(
        (&change.file, &change.bytes, change.group),
        (&there, &None, 3)
    );
    assert_eq!(change.replaces, Some(key::sha256(b"next")));
    assert_eq!(change.owner, Owner::default());
}
