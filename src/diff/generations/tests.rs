use time::Duration;

use super::*;
use crate::oracle::sample::tree;
use crate::profile::by_name;

fn row(name: &str) -> &'static Profile {
    by_name(name).expect("a row")
}

fn told(name: &str, found: &Found) -> Finding {
    generations(row(name), found).expect_err("it cannot be told")
}

/// The file and the key of a CA.
fn ca<'a>(found: &'a mut Found, name: &str) -> (&'a mut Vec<Certificate>, &'a mut Option<Key>) {
    match found.get_mut(name) {
        Some(Observed::Certificate { chain, key, .. }) => (chain, key),
        other => panic!("{name}: {other:?}"),
    }
}

fn keys(found: &mut Found) -> (&mut Key, &mut Option<Vec<PublicKey>>) {
    match found.get_mut("sa") {
        Some(Observed::KeyPair { key, public, .. }) => (key, public),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_files_tell_the_stage_of_a_ca() {
    let mut found = tree();
    let there = generations(row("ca"), &found).unwrap();
    assert_eq!(
        (there.stage, there.next, there.others),
        (Stage::Start, None, vec![])
    );
    assert_eq!(under_way(&found), []);
    // It waits, and nobody trusts it yet.
    let waiting = rotation::name(row("ca"));
    found.insert(waiting.clone(), found["etcd-ca"].clone());
    let there = generations(row("ca"), &found).unwrap();
    assert_eq!(there.stage, Stage::Start);
    let codes: Vec<Code> = under_way(&found).iter().map(|told| told.code).collect();
    assert_eq!(codes, [Code::Rotation]);
    let next = ca(&mut found, "etcd-ca").0[0].clone();
    ca(&mut found, "ca").0.push(next.clone());
    let there = generations(row("ca"), &found).unwrap();
    assert_eq!(there.stage, Stage::Trust);
    assert_eq!(there.next.as_ref().and_then(Held::certificate), Some(&next));
    found.remove(&waiting);
    let there = generations(row("ca"), &found).unwrap();
    assert_eq!(there.stage, Stage::Issue);
    assert_eq!(there.others[0].certificate(), Some(&next));
    // One that is newer is no former one.
    ca(&mut found, "ca").0[1].validity.not_before += Duration::days(1);
    let told = told("ca", &found);
    assert!(
        told.text.contains("which is newer than what signs"),
        "{told:?}"
    );
}

/// Each stage writes what signs first.
#[test]
fn an_encrypted_key_hides_no_stage_and_is_told_to_who_goes_on() {
    let mut found = tree();
    let next = ca(&mut found, "etcd-ca").0[0].clone();
    ca(&mut found, "ca").0.push(next);
    let open = generations(row("ca"), &found).unwrap();
    assert_eq!(open.stage, Stage::Issue);
    assert_eq!(locked(row("ca"), &found), None);
    let key = ca(&mut found, "ca").1.as_mut().expect("its key");
    key.state = KeyState::Locked("give its passphrase".to_owned());
    assert_eq!(generations(row("ca"), &found).unwrap(), open);
    let going_on = locked(row("ca"), &found).expect("it is locked");
    assert!(going_on.text.contains("which is encrypted"), "{going_on:?}");
    // By another hand's order nothing can be told of it.
    ca(&mut found, "ca").0[1].validity.not_before += Duration::days(1);
    assert_eq!(told("ca", &found), going_on);
    // One without its key is somebody else's, whatever waits.
    found.insert(rotation::name(row("ca")), found["ca"].clone());
    *ca(&mut found, "ca").1 = None;
    assert!(told("ca", &found).text.contains("without its key"));
    // What waits is asked for too.
    assert_eq!(locked(row("ca"), &found), Some(going_on));
}

#[test]
fn a_ca_whose_stage_cannot_be_told_says_why() {
    for (change, words) in [
        (
            (|found| *ca(found, "ca").1 = None) as fn(&mut Found),
            "stands without its key",
        ),
        (
            |found| *ca(found, "ca").1 = ca(found, "etcd-ca").1.clone(),
            "holds no certificate of its key",
        ),
        (
            |found| {
                let above = ca(found, "etcd-ca").0[0].subject.clone();
                ca(found, "ca").0[0].issuer = above;
            },
            "was signed by a CA above it",
        ),
        (
            |found| {
                found.insert(rotation::name(row("ca")), found["ca"].clone());
            },
            "no sound pair of another key and name",
        ),
        (
            |found| {
                let key = ca(found, "etcd-ca").1.clone().expect("its key");
                found.insert(rotation::name(row("ca")), Observed::KeyOnly(key));
            },
            "no sound pair of another key and name",
        ),
        (
            |found| {
                found.insert("ca".to_owned(), Observed::Absent);
            },
            "is not there",
        ),
        (
            |found| {
                let key = ca(found, "ca").1.clone().expect("its key");
                found.insert("ca".to_owned(), Observed::KeyOnly(key));
            },
            "is not a pair that can be read",
        ),
    ] {
        let mut found = tree();
        change(&mut found);
        let told = told("ca", &found);
        assert!(told.text.contains(words), "{words}: {told:?}");
        assert_eq!(told.code, Code::NotRotated);
    }
}

#[test]
fn the_files_tell_the_stage_of_the_service_accounts_key() {
    let mut found = tree();
    let next = ca(&mut found, "ca").1.clone().expect("a key");
    let other = next.open().expect("open").public_key().clone();
    let there = generations(row("sa"), &found).unwrap();
    assert_eq!(there.stage, Stage::Start);
    keys(&mut found)
        .1
        .as_mut()
        .expect("sa.pub")
        .push(other.clone());
    let there = generations(row("sa"), &found).unwrap();
    assert_eq!(there.stage, Stage::Issue);
    assert_eq!(there.others[0].shown(), other.token_key_id());
    let waiting = rotation::name(row("sa"));
    found.insert(waiting.clone(), Observed::KeyOnly(next));
    let there = generations(row("sa"), &found).unwrap();
    assert_eq!((there.stage, there.others), (Stage::Trust, vec![]));
    // The same key is no next one.
    let own = keys(&mut found).0.clone();
    found.insert(waiting.clone(), Observed::KeyOnly(own));
    assert!(told("sa", &found).text.contains("no sound pair"));
    found.remove(&waiting);
    *keys(&mut found).1 = Some(vec![other]);
    assert!(
        told("sa", &found)
            .text
            .contains("does not hold the public key")
    );
    keys(&mut found).0.state = KeyState::Within;
    assert!(told("sa", &found).text.contains("without its key"));
}
