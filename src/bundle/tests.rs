use std::slice::from_ref;

use time::Duration;

use super::*;
use crate::observed::Observed;
use crate::oracle::sample::{NOW, access, certificate, key, open, spec};
use crate::plan::Found;
use crate::x509::name::Name;

/// A CA of this name and key, signed by another one, or by itself.
fn ca(found: &mut Found, name: &str, by: Option<&str>, with: &str) -> Certificate {
    let mut wanted = spec("ca").certificate().unwrap().clone();
    wanted.subject = Name::new(&[], name);
    wanted.issuer = by.map(str::to_owned);
    wanted.validity = Duration::days(1000);
    let made = certificate(&wanted, with, found, NOW);
    let observed = Observed::Certificate {
        chain: vec![made.clone()],
        access: access(0o644),
        key: Some(open(key(with))),
    };
    found.insert(name.to_owned(), observed);
    made
}

/// Root, upper and lower CA, and a leaf of the lower one.
fn line() -> (Found, [Certificate; 4]) {
    let mut found = Found::new();
    let root = ca(&mut found, "root", None, "root");
    let upper = ca(&mut found, "upper", Some("root"), "upper");
    let lower = ca(&mut found, "lower", Some("upper"), "lower");
    let mut wanted = spec("apiserver").certificate().unwrap().clone();
    wanted.issuer = Some("lower".to_owned());
    let leaf = certificate(&wanted, "apiserver", &found, NOW);
    (found, [leaf, lower, upper, root])
}

#[test]
fn a_chain_goes_up_to_the_root_and_leaves_it_out_wherever_the_cas_stand() {
    let (_, [leaf, lower, upper, root]) = line();
    let pool = [root.clone(), lower.clone(), upper.clone()];
    let whole = [leaf.clone(), lower.clone(), upper.clone()];
    assert_eq!(chain(&leaf, &pool), whole);
    assert_eq!(chain(&leaf, &pool[1..]), whole, "without its root");
    assert_eq!(chain(&leaf, &[root, upper]), from_ref(&leaf));
    assert_eq!(chain(&leaf, from_ref(&lower)), [leaf, lower.clone()]);
}

#[test]
fn a_ca_that_comes_anew_keeps_what_is_above_it_and_what_is_trusted_for_its_own_sake() {
    let (mut found, [_, lower, upper, root]) = line();
    let aside = ca(&mut found, "aside", None, "aside");
    let there = [&lower, &aside, &upper, &root].map(Clone::clone);
    let anew = ca(&mut found, "lower", Some("upper"), "lower");
    let whole = [&anew, &upper, &root, &aside].map(Clone::clone);
    assert_eq!(replaced(from_ref(&anew), &lower, &there), whole);
    let again = replaced(&[anew.clone(), upper.clone()], &anew, &whole);
    assert_eq!(again, whole);
    let upper_anew = ca(&mut found, "upper", Some("root"), "upper");
    let file = [&anew, &upper_anew, &root, &aside].map(Clone::clone);
    assert_eq!(
        replaced(&[anew.clone(), upper_anew.clone()], &anew, &whole),
        file
    );
    let top = replaced(
        &[anew.clone(), root.clone()],
        &anew,
        &[anew.clone(), upper.clone()],
    );
    assert_eq!(top, [anew.clone(), upper.clone(), root.clone()]);
    // Below another root those of the former are of no use.
    let other = ca(&mut found, "other", None, "other");
    let moved = ca(&mut found, "lower", Some("other"), "lower");
    let file = replaced(&[moved.clone(), other.clone()], &lower, &there);
    assert_eq!(file, [moved, other, aside]);
    assert_eq!(replaced(&[], &lower, &there), []);
}

#[test]
fn what_a_root_signed_has_no_chain_though_another_signed_that_root_too() {
    let mut found = Found::new();
    ca(&mut found, "old", None, "old");
    let crossed = ca(&mut found, "new", Some("old"), "new");
    let new = ca(&mut found, "new", None, "new");
    let mut wanted = spec("apiserver").certificate().unwrap().clone();
    wanted.issuer = Some("new".to_owned());
    let leaf = certificate(&wanted, "apiserver", &found, NOW);
    let pool = [crossed.clone(), new.clone()];
    assert_eq!(chain(&leaf, &pool), from_ref(&leaf));
    // Whoever put it there keeps it.
    let behind = [crossed.clone()];
    assert_eq!(
        completed(&leaf, &behind, from_ref(&new)),
        [leaf.clone(), crossed]
    );
    assert!(!lacks(&leaf, &[], &[new]));
}

#[test]
fn a_former_certificate_of_a_ca_is_none_that_lacks_and_goes_where_the_chain_is_completed() {
    let (mut found, [leaf, lower, upper, root]) = line();
    let newer = ca(&mut found, "lower", Some("upper"), "lower");
    let bundle = [newer.clone(), upper.clone(), root];
    assert!(lacks(&leaf, &[], &bundle));
    assert!(lacks(&leaf, from_ref(&lower), &bundle));
    let former = [lower, upper.clone()];
    assert!(!lacks(&leaf, &former, &bundle));
    assert_eq!(completed(&leaf, &former, &bundle), [leaf, newer, upper]);
}

#[test]
fn trust_is_in_the_root_alone_where_it_is_there_and_the_server_sends_the_rest() {
    let (_, [leaf, lower, upper, root]) = line();
    let bundle = [lower.clone(), upper.clone(), root.clone()];
    assert_eq!(
        anchors(&bundle, &[leaf.clone(), lower.clone(), upper.clone()]),
        from_ref(&root)
    );
    assert_eq!(
        anchors(&bundle, &[leaf.clone(), lower.clone()]),
        [upper, root]
    );
    assert_eq!(anchors(&bundle, &[]), bundle);
    assert_eq!(
        anchors(&bundle[..2], &bundle),
        bundle[..2],
        "no root is there"
    );
}

#[test]
fn of_a_file_those_count_that_one_way_goes_through_and_the_first_says_to_which_root() {
    let (mut found, [leaf, lower, upper, root]) = line();
    let other = ca(&mut found, "other", None, "old");
    let mut wanted = spec("apiserver").certificate().unwrap().clone();
    wanted.issuer = Some("other".to_owned());
    let strange = certificate(&wanted, "apiserver", &found, NOW);
    let file = [other, root, upper.clone()];
    let pool = [lower, upper];
    let counted = |from: &[&Certificate], file: &[Certificate]| {
        let from: Vec<Certificate> = from.iter().copied().cloned().collect();
        on_the_way(&from, file, &pool)
    };
    assert_eq!(counted(&[&leaf], &file), [false, true, true]);
    assert_eq!(counted(&[&leaf, &strange], &file), [false, true, true]);
    assert_eq!(counted(&[&strange, &leaf], &file), [true, false, false]);
    // One that leads elsewhere says nothing of this file.
    assert_eq!(counted(&[&strange, &leaf], &file[1..]), [true, true]);
    assert_eq!(counted(&[], &file), [false; 3]);
}

#[test]
fn a_further_certificate_of_a_ca_counts_below_the_same_root_and_not_below_another() {
    let (mut found, [leaf, lower, upper, root]) = line();
    let again = ca(&mut found, "upper", Some("root"), "upper");
    ca(&mut found, "other", None, "old");
    let crossed = ca(&mut found, "upper", Some("other"), "upper");
    let crossed_root = ca(&mut found, "root", Some("other"), "root");
    let renewed = ca(&mut found, "root", None, "root");
    let file = [upper, again, crossed, root, crossed_root, renewed];
    assert_eq!(
        on_the_way(from_ref(&leaf), &file, from_ref(&lower)),
        [true, true, false, true, false, true]
    );
    // Its own certificates are no others'.
    let again = ca(&mut found, "lower", Some("upper"), "lower");
    let counted = on_the_way(from_ref(&lower), &[again, file[0].clone()], &[]);
    assert_eq!(counted, [true, true]);
    // A leaf's key signs nothing, whatever is said of it.
    let of_leaf = ca(&mut found, "kube-apiserver", Some("lower"), "apiserver");
    assert!(same_ca(&of_leaf, &leaf));
    let counted = on_the_way(from_ref(&leaf), &[of_leaf, lower], &[]);
    assert_eq!(counted, [false, true]);
}
