use std::slice::from_ref;

use time::Duration;

use super::*;
use crate::observed::Observed;
use crate::oracle::sample::{NOW, access, certificate, key, open, spec};
use crate::plan::Found;
use crate::x509::name::Name;
use crate::x509::usage::KeyUsage;

fn above<'a>(certificate: &Certificate, pool: &'a [Certificate]) -> Vec<&'a Certificate> {
    super::above(certificate, pool, NOW)
}

fn chain(leaf: &Certificate, pool: &[Certificate]) -> Vec<Certificate> {
    super::chain(leaf, pool, NOW)
}

fn completed(
    leaf: &Certificate,
    behind: &[Certificate],
    authorities: &[Certificate],
) -> Vec<Certificate> {
    super::completed(leaf, behind, authorities, NOW)
}

fn effective_end(
    leaf: &Certificate,
    chain: &[Certificate],
    authorities: &[Certificate],
) -> OffsetDateTime {
    super::effective_end(leaf, chain, authorities, NOW)
}

fn lacks(leaf: &Certificate, behind: &[Certificate], authorities: &[Certificate]) -> bool {
    super::lacks(leaf, behind, authorities, NOW)
}

fn on_the_way(from: &[Certificate], file: &[Certificate], pool: &[Certificate]) -> Vec<bool> {
    super::on_the_way(from, file, pool, NOW)
}

fn replaced(came: &[Certificate], former: &Certificate, there: &[Certificate]) -> Vec<Certificate> {
    super::replaced(came, former, there, NOW)
}

/// A CA of this name and key, signed by another one, or by itself.
fn ca(found: &mut Found, name: &str, by: Option<&str>, with: &str) -> Certificate {
    lasting(found, name, by, with, 1000)
}

fn lasting(found: &mut Found, name: &str, by: Option<&str>, with: &str, days: i64) -> Certificate {
    let mut wanted = spec("ca").certificate().unwrap().clone();
    wanted.subject = Name::new(&[], name);
    wanted.issuer = by.map(str::to_owned);
    wanted.validity = Duration::days(days);
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
fn a_root_is_lost_where_no_way_leads_to_it_any_more_and_not_where_it_was_renewed_or_has_ended() {
    let (mut found, [_, lower, upper, root]) = line();
    let aside = ca(&mut found, "aside", None, "aside");
    let there = [&lower, &upper, &root, &aside].map(Clone::clone);
    let lost = |file: &[&Certificate], now| {
        let file: Vec<_> = file.iter().copied().cloned().collect();
        super::lost(&file, &there, now)
            .into_iter()
            .cloned()
            .collect::<Vec<_>>()
    };
    let anew = ca(&mut found, "lower", Some("upper"), "lower");
    assert_eq!(lost(&[&anew, &upper, &root], NOW), []);
    // Without what is between, or below another one, it is no more the CA's; what never was is not lost.
    assert_eq!(lost(&[&anew, &root], NOW), from_ref(&root));
    let other = ca(&mut found, "other", None, "other");
    let moved = ca(&mut found, "lower", Some("other"), "lower");
    assert_eq!(lost(&[&moved, &other], NOW), from_ref(&root));
    assert_eq!(lost(&[&moved], NOW), from_ref(&root));
    assert_eq!(lost(&[], NOW), []);
    let after = root.validity.not_after + Duration::SECOND;
    assert_eq!(lost(&[&moved, &other], after), []);
    let renewed = ca(&mut found, "root", None, "root");
    assert_eq!(lost(&[&anew, &upper, &renewed], NOW), []);
    // Another CA's file lost nothing.
    assert_eq!(lost(&[&other], NOW), []);
    // A root that another one certifies stays whom it was.
    let certified = ca(&mut found, "root", Some("other"), "root");
    assert_eq!(
        super::lost(&[certified, other], from_ref(&root), NOW),
        [] as [&Certificate; 0]
    );
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
fn a_root_of_the_file_is_where_the_way_ends_however_long_its_key_is_certified_for_below_another() {
    let (mut found, [leaf, lower, upper, _]) = line();
    let root = lasting(&mut found, "root", None, "root", 100);
    let other = lasting(&mut found, "other", None, "old", 2000);
    let crossed = lasting(&mut found, "root", Some("other"), "root", 2000);
    let file = [crossed.clone(), other.clone(), root, upper.clone()];
    let pool = from_ref(&lower);
    let counted = [false, false, true, true];
    assert_eq!(on_the_way(from_ref(&leaf), &file, pool), counted);
    // Without that one the other is its root.
    let without = [crossed, other, upper];
    assert_eq!(on_the_way(from_ref(&leaf), &without, pool), [true; 3]);
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
    assert!(of_leaf.is_same_ca(&leaf));
    let counted = on_the_way(from_ref(&leaf), &[of_leaf, lower], &[]);
    assert_eq!(counted, [false, true]);
}

/// The certificates of one CA that was signed twice, each with the root that signed it: for a few days,
/// and for years. And a leaf below.
fn signed_twice(days: [i64; 2]) -> (Certificate, [[Certificate; 2]; 2]) {
    let mut found = Found::new();
    let mut signed = |name: &str, days: i64| {
        let root = lasting(&mut found, name, None, name, 2000);
        [lasting(&mut found, "int", Some(name), "int", days), root]
    };
    let both = [signed("old", days[0]), signed("corp", days[1])];
    (lasting(&mut found, "own", Some("int"), "own", 4000), both)
}

/// All of these, in every order.
fn orders(of: &[Certificate]) -> Vec<Vec<Certificate>> {
    let Some((first, others)) = of.split_first() else {
        return vec![Vec::new()];
    };
    let mut all = Vec::new();
    for order in orders(others) {
        for place in 0..=order.len() {
            let mut order = order.clone();
            order.insert(place, first.clone());
            all.push(order);
        }
    }
    all
}

#[test]
fn of_several_ways_to_a_root_the_one_that_lasts_longest_counts_in_whatever_order_they_stand() {
    let (own, [[soon, old], [late, corp]]) = signed_twice([5, 1500]);
    let file = [
        own.clone(),
        soon.clone(),
        old.clone(),
        late.clone(),
        corp.clone(),
    ];
    for order in orders(&file) {
        assert_eq!(above(&own, &order), [&late, &corp]);
        let sent = chain(&own, &order);
        assert_eq!(sent, [own.clone(), late.clone()]);
        let end = effective_end(&own, &sent[1..], &order);
        assert_eq!(end, late.validity.not_after);
        assert_eq!(effective_end(&own, &order, &order), end);
        // Behind it stands what ends sooner: the other takes its place.
        assert_eq!(completed(&own, from_ref(&soon), &order), sent);
    }
    // A renewed one beside the former one, below the same root.
    let mut found = Found::new();
    let root = lasting(&mut found, "root", None, "root", 2000);
    let [former, now] = [5, 1500].map(|days| lasting(&mut found, "int", Some("root"), "int", days));
    let own = lasting(&mut found, "own", Some("int"), "own", 4000);
    for order in orders(&[own.clone(), former.clone(), now.clone(), root.clone()]) {
        assert_eq!(above(&own, &order), [&now, &root]);
        assert_eq!(
            completed(&own, from_ref(&former), &order),
            [own.clone(), now.clone()]
        );
    }
}

#[test]
fn what_has_not_begun_is_on_the_way_only_where_nothing_else_is_good_now() {
    let (own, [[soon, old], [late, corp]]) = signed_twice([5, 1500]);
    let begun = |ca: &Certificate, days: i64| {
        let mut ca = ca.clone();
        ca.validity.not_before = NOW + Duration::days(days);
        ca
    };
    let (to_begin, root) = (begun(&late, 1), begun(&corp, 1));
    let ways = [
        [to_begin.clone(), corp.clone()],
        [late.clone(), root.clone()],
    ];
    for [int, top] in ways {
        for order in orders(&[&own, &soon, &old, &int, &top].map(Clone::clone)) {
            assert_eq!(above(&own, &order), [&soon, &old]);
            assert_eq!(effective_end(&own, &order, &order), soon.validity.not_after);
            // Once it has begun it is the one that lasts longest.
            let tomorrow = NOW + Duration::DAY;
            assert_eq!(super::above(&own, &order, tomorrow), [&int, &top]);
        }
        for order in orders(&[own.clone(), int.clone(), top.clone()]) {
            assert_eq!(above(&own, &order), [&int, &top]);
        }
    }
}

#[test]
fn a_way_without_its_root_is_taken_only_where_there_is_no_other() {
    let (own, [[soon, old], [late, _]]) = signed_twice([5, 1500]);
    for order in orders(&[own.clone(), soon.clone(), old.clone(), late.clone()]) {
        assert_eq!(above(&own, &order), [&soon, &old]);
        assert_eq!(effective_end(&own, &order, &order), soon.validity.not_after);
    }
    for order in orders(&[own.clone(), soon.clone(), late.clone()]) {
        assert_eq!(above(&own, &order), [&late]);
    }
}

#[test]
fn a_root_behind_a_leaf_is_none_that_is_trusted_and_the_way_does_not_end_there() {
    let (own, [[soon, old], [late, corp]]) = signed_twice([5, 1500]);
    let mut found = Found::new();
    let signs = Observed::Certificate {
        chain: vec![own.clone()],
        access: access(0o644),
        key: Some(open(key("own"))),
    };
    found.insert("own".to_owned(), signs);
    let leaf = lasting(&mut found, "leaf", Some("own"), "leaf", 300);
    let authorities = [own.clone(), soon.clone(), old];
    let behind = [own.clone(), late.clone(), corp.clone()];
    let file = completed(&leaf, &behind, &authorities);
    assert_eq!(file, [leaf.clone(), own.clone(), soon, corp.clone()]);
    // Where the root is trusted, what stands behind the leaf leads there.
    let authorities = [authorities.as_slice(), from_ref(&corp)].concat();
    let file = completed(&leaf, &behind[..2], &authorities);
    assert_eq!(file, [leaf.clone(), own.clone(), late]);
    // The CA that signed it is as its own file has it.
    let former = lasting(&mut Found::new(), "own", None, "own", 3000);
    assert_eq!(completed(&leaf, &[former], &authorities[..1]), [leaf, own]);
}

#[test]
fn what_may_not_sign_or_stand_there_is_on_the_way_only_where_no_other_leads_to_a_root() {
    use crate::x509::usage::KeyUsage;
    let (own, [[soon, old], [late, corp]]) = signed_twice([5, 1500]);
    let mut no_room = late.clone();
    let constraints = no_room.basic_constraints.as_mut().unwrap();
    constraints.path_length = Some(0);
    let mut no_signer = late.clone();
    no_signer.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE);
    for bad in [no_room, no_signer] {
        let file = [bad.clone(), corp.clone(), soon.clone(), old.clone()];
        assert_eq!(above(&own, &file), [&soon, &old]);
        assert_eq!(above(&own, &file[..2]), [&bad, &corp]);
        assert_eq!(
            above(&own, &[file[0].clone(), corp.clone(), soon.clone()]),
            [&bad, &corp]
        );
    }
}

#[test]
fn above_a_root_that_was_renewed_for_the_same_key_is_nobody_and_each_ends_when_it_says() {
    let mut found = Found::new();
    let former = lasting(&mut found, "root", None, "root", 10);
    let root = lasting(&mut found, "root", None, "root", 1000);
    let both = [former.clone(), root.clone()];
    for one in &both {
        assert_eq!(above(one, &both), [one; 0]);
        assert_eq!(effective_end(one, &both, &both), one.validity.not_after);
    }
    let below = lasting(&mut found, "below", Some("root"), "below", 500);
    assert_eq!(above(&below, &both), [&root]);
    assert_eq!(above(&below, &[root.clone(), former]), [&root]);
}

#[test]
fn what_was_right_before_a_ca_was_renewed_follows_and_nothing_else_does() {
    let mut found = Found::new();
    let mut former = lasting(&mut found, "ca", None, "ca", 10);
    let now = lasting(&mut found, "ca", None, "ca", 1000);
    let other = ca(&mut found, "etcd-ca", None, "etcd-ca");
    former.validity.not_before -= Duration::days(1);
    let [now, other, former] = [&now, &other, &former].map(|ca| vec![ca.clone()]);
    assert!(follows(&former, &now));
    assert!(!follows(&now, &now) && !follows(&[], &now));
    // The younger one stays, and so does who is trusted.
    assert!(!follows(&now, &former));
    assert!(!follows(&other, &now) && !follows(&now, &other));
    let both = [former.clone(), other.clone()].concat();
    assert!(!follows(&both, &now) && !follows(&former, &[now.clone(), other.clone()].concat()));
    assert!(follows(&both, &[now, other].concat()));
}

#[test]
fn what_leads_from_a_former_ca_is_by_that_for_the_key_and_name_that_sign_and_good_now() {
    let mut found = Found::new();
    let old = ca(&mut found, "old", None, "old");
    let sent = ca(&mut found, "new", Some("old"), "new");
    let new = ca(&mut found, "new", None, "new");
    let file = [new.clone(), old.clone()];
    let taken = |sent: &Certificate| crossed(&new, &file, [sent.clone()], NOW).is_some();
    assert!(taken(&sent));
    let after = |days| crossed(&new, &file, [sent.clone()], NOW + Duration::days(days));
    assert_eq!(
        [-1, 999, 1001].map(|days| after(days).is_some()),
        [false, true, false]
    );
    // What signs may stand anywhere in the file.
    let turned = [old.clone(), new.clone()];
    let many = [new.clone(), old.clone(), sent.clone()];
    assert_eq!(crossed(&new, &turned, many, NOW), Some(sent.clone()));

    let other_key = ca(&mut found, "new", Some("old"), "other");
    let other_name = ca(&mut found, "other", Some("old"), "new");
    ca(&mut found, "old", None, "other");
    let by_other_key = ca(&mut found, "new", Some("old"), "new");
    for sent in [&new, &old, &other_key, &other_name, &by_other_key] {
        assert!(!taken(sent));
    }
    let with = |change: &dyn Fn(&mut Certificate)| {
        let mut changed = sent.clone();
        change(&mut changed);
        changed
    };
    for changed in [
        with(&|ca| ca.basic_constraints.as_mut().unwrap().ca = false),
        with(&|ca| ca.basic_constraints.as_mut().unwrap().path_length = Some(0)),
        with(&|ca| ca.key_usage = Some(KeyUsage::CRL_SIGN)),
        with(&|ca| ca.subject_key_identifier = None),
        with(&|ca| ca.extended_key_usage = vec![ExtendedKeyUsage::ClientAuth]),
        with(&|ca| ca.unknown_critical = vec!["1.2.3".to_owned()]),
    ] {
        assert!(!taken(&changed));
    }
    // Below one that may have none below it nothing leads there.
    let mut held_back = old;
    held_back.basic_constraints.as_mut().unwrap().path_length = Some(0);
    assert_eq!(crossed(&new, &[new.clone(), held_back], [sent], NOW), None);
}

#[test]
fn where_no_former_ca_is_trusted_nobody_is_asked_what_he_sends() {
    let (_, [_, lower, upper, root]) = line();
    let mut found = Found::new();
    let renewed = ca(&mut found, "root", None, "root");
    for file in [
        vec![root.clone()],
        vec![renewed, root.clone()],
        vec![lower.clone(), upper.clone(), root.clone()],
    ] {
        let asked = std::iter::from_fn(|| panic!("asked"));
        assert_eq!(crossed(&file[0], &file, asked, NOW), None);
    }
}
