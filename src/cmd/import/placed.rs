//! The tree as it would be with what came back in its place, judged as `check` judges it.

use time::OffsetDateTime;

use crate::cmd::check;
use crate::cmd::there::{self, Lying};
use crate::diff::{absent, authorities, in_common, placed, told_to_a_reader, uncrossed, warned};
use crate::finding::{Code, Finding, Severity};
use crate::location::Root;
use crate::observe::Seen;
use crate::observed::{Observed, Returned};
use crate::profile::API_SERVER;
use crate::requests::name;
use crate::spec::Spec;
use crate::store::Store;

/// What `check` would tell of what came back for `specs` once it is there: its errors and warnings, by what was
/// stated and by the other files, since what was asked for may not be what this tree needs; and what it has in
/// common with another that it must not. Of what was asked for with it, and is in no place, that it lacks.
pub(super) fn as_check(
    specs: &[Spec],
    asked: &[String],
    seen: &Seen,
    over: Option<&there::Resolve<'_>>,
    (store, host): (&Store, &str),
    now: OffsetDateTime,
) -> Vec<Finding> {
    let mut roots = Root::TREE.to_vec();
    roots.retain(|root| store.has(*root));
    let (mut places, _) = there::places(store, &roots);
    let lying = Lying::of(store, &places, &roots);
    let mut whole = there::whole(&mut places, &lying, store);
    let mut back = Vec::new();
    // Of many nodes what signs is kept in another place, and its copy may not be there yet.
    for ca in places.iter().filter(|place| place.is_ca()) {
        let there = whole.observed.get(&ca.name);
        if let (true, Some(kept @ Observed::Certificate { .. })) = (
            there.is_none_or(Observed::is_absent),
            seen.observed.get(&ca.name),
        ) {
            whole.observed.insert(ca.name.clone(), kept.clone());
        }
    }
    for spec in specs {
        if let Some(Observed::Returned(returned)) = seen.observed.get(&spec.name)
            && !returned.chain.is_empty()
            // What it is where nobody knows its CA is told once that is there.
            && (spec.is_ca() || !authorities(spec, &seen.observed).is_empty())
        {
            let there = placed(
                spec,
                returned,
                &seen.observed,
                whole.observed.get(&spec.name),
            );
            whole.observed.insert(spec.name.clone(), there);
            if places.iter().all(|place| place.name != spec.name) {
                places.push(spec.clone());
            }
            back.push((spec, returned.as_ref()));
        }
    }
    // What was stated was resolved before.
    let tree = there::specs(places, &whole.observed, over, host).unwrap_or_default();
    let mut findings = judged(&tree, &whole, &back, now);
    if back.iter().any(|(spec, _)| spec.name == API_SERVER) {
        findings.extend(uncrossed(&tree, &whole.observed, now));
    }
    findings.extend(in_common(tree, &whole.observed, &back));
    let lacking = absent(&whole.observed).into_iter();
    findings.extend(lacking.filter(|told| asked.contains(&told.name)));
    findings
}

fn judged(
    tree: &[Spec],
    whole: &Seen,
    back: &[(&Spec, &Returned)],
    now: OffsetDateTime,
) -> Vec<Finding> {
    let serves = back.iter().any(|(spec, _)| spec.name == API_SERVER);
    let mut findings = told_to_a_reader(check::judged(tree, whole, now), tree);
    findings.retain_mut(|finding| {
        let severity = finding.severity();
        let mut leaves = back.iter().filter(|(spec, _)| !spec.is_ca());
        let leaf = leaves.find(|(spec, _)| spec.name == finding.name);
        let Some((spec, returned)) = leaf else {
            return finding.code == Code::ServerNotInSans && serves;
        };
        if finding.code != Code::ServerNotInSans && severity == Severity::Error {
            finding.file = returned.file.clone();
            finding.way_out = format!(
                "ask for it with what is right, and have that signed: 'certs csr {}'",
                name(spec)
            );
        } else if severity == Severity::Warning {
            warned(finding, spec, returned, &whole.observed);
        }
        // That it is for another key, or for none here, is told of what came back.
        let of_key = [Code::KeyMismatch, Code::MissingKey].contains(&finding.code);
        severity != Severity::Note && !of_key
    });
    findings
}
