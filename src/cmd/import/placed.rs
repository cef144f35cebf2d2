//! The tree as it would be with what came back in its place, judged as `check` judges it.

use time::OffsetDateTime;

use crate::cmd::{check, there};
use crate::diff::{placed, told_to_a_reader};
use crate::finding::{Code, Finding, Severity};
use crate::location::{Owner, Root};
use crate::observe::{self, Seen};
use crate::observed::Observed;
use crate::profile::{API_SERVER, Profile, Stated};
use crate::requests::name;
use crate::spec::Spec;
use crate::store::{Store, trusted_users};

/// The errors that `check` would tell of what came back for `specs` once it is there, by what was stated and
/// by the other files: what was asked for may not be what this tree needs.
pub(super) fn as_check(
    specs: &[Spec],
    seen: &Seen,
    stated: Option<&Stated>,
    (store, host): (&Store, &str),
    now: OffsetDateTime,
) -> Vec<Finding> {
    let mut roots = Root::TREE.to_vec();
    roots.retain(|root| store.has(*root));
    let (places, _) = there::places(store, &roots);
    let trusted = trusted_users(Owner::default());
    let mut whole = observe::survey(&places, store, trusted);
    let judge = |whole: &Seen| {
        let over = stated.map(|stated| |row: &Profile, there| stated.over(row, there));
        let over = over.as_ref().map(|over| over as &there::Resolve<'_>);
        // What was stated was resolved before.
        let specs = there::specs(places.clone(), &whole.observed, over, host).unwrap_or_default();
        let mut told = told_to_a_reader(check::judged(&specs, whole, now), &specs);
        told.retain(|told| told.severity() == Severity::Error);
        told
    };
    let mut back = Vec::new();
    for spec in specs {
        if let Some(Observed::Returned(returned)) = seen.observed.get(&spec.name)
            && !returned.chain.is_empty()
        {
            let there = placed(
                spec,
                returned,
                &seen.observed,
                whole.observed.get(&spec.name),
            );
            whole.observed.insert(spec.name.clone(), there);
            if !spec.is_ca() {
                back.push((spec, returned));
            }
        }
    }
    let serves = back.iter().any(|(spec, _)| spec.name == API_SERVER);
    let mut findings = Vec::new();
    for mut finding in judge(&whole) {
        let of = back.iter().find(|(spec, _)| spec.name == finding.name);
        if let Some((spec, returned)) = of {
            // That it is for another key is told of what came back.
            if finding.code == Code::KeyMismatch {
                continue;
            }
            if finding.code != Code::ServerNotInSans {
                finding.file = returned.file.clone();
                finding.way_out = format!(
                    "ask for it with what is right, and have that signed: 'certs csr {}'",
                    name(spec)
                );
            }
            findings.push(finding);
        } else if finding.code == Code::ServerNotInSans && serves {
            findings.push(finding);
        }
    }
    findings
}
