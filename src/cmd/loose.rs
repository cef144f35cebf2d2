//! What lies in a tree and is not written by a run: what of it is due is told.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use time::OffsetDateTime;

use super::Stop;
use super::entries::entries;
use super::there::{self, Lying};
use crate::finding::Code;
use crate::kubeconfig;
use crate::location::{FileId, Root};
use crate::observe::Seen;
use crate::plan::{Force, Plan, Planned, Policy, Step, left};
use crate::profile::by_name;
use crate::spec::Spec;
use crate::store::{FileContent, Store};

/// Adds to a plan what is due where no run writes, beside `specs`, of which `places` were looked at, and what trusts a CA
/// by a former certificate of it.
pub(super) fn lying(
    planned: &mut Plan,
    [places, specs]: [&[Spec]; 2],
    seen: &mut Seen,
    (store, roots): (&Store, &[Root]),
    policy: Policy<'_>,
    (host, now): (&str, OffsetDateTime),
) -> Result<(), Stop> {
    let lying = Lying::of(store, places, roots);
    // What was planned is planned over what was seen before.
    let mut also = Seen {
        observed: seen.observed.clone(),
        ..Seen::default()
    };
    let further = there::further(places, &lying, &mut also, store);
    let mut loose = there::specs(further, &also.observed, None, host)?;
    let all = [specs, &loose].concat();
    loose.extend(entries(&all, &mut also, store, host));
    tell(planned, [&loose, specs], also, seen, (store, policy), now);
    Ok(())
}

/// Adds to a plan over `rows` what is due of one's own, wherever it lies.
pub(super) fn own(
    planned: &mut Plan,
    rows: &[Spec],
    seen: &mut Seen,
    (store, roots): (&Store, &[Root]),
    policy: Policy<'_>,
    (host, now): (&str, OffsetDateTime),
) -> Result<(), Stop> {
    let (mut places, _) = there::places(store, roots);
    let lying = Lying::of(store, &places, roots);
    let mut also = there::whole(&mut places, &lying, store);
    let mut specs = there::specs(places, &also.observed, None, host)?;
    specs.extend(entries(&specs, &mut also, store, host));
    // The pair that a kubeconfig of a row names is that row's.
    let of_rows: BTreeSet<FileId> = rows.iter().flat_map(|row| row.place.files()).collect();
    specs.retain(|spec| by_name(&spec.name).is_none() && !of_rows.contains(&spec.place.public()));
    tell(planned, [&specs, &[]], also, seen, (store, policy), now);
    Ok(())
}

fn tell(
    planned: &mut Plan,
    [specs, cas]: [&[Spec]; 2],
    mut also: Seen,
    seen: &mut Seen,
    (store, policy): (&Store, Policy<'_>),
    now: OffsetDateTime,
) {
    for mut step in left(specs, cas, &also.observed, &also.ground, policy, now) {
        if !step.step.keeps() {
            let file = step.spec.place.public();
            // All entries of a kubeconfig are brought in line with one of them.
            let written =
                |other: &Planned| !other.step.keeps() && other.spec.place.public() == file;
            if planned.steps.iter().any(written) {
                continue;
            }
            match to_write(store, &file) {
                Ok(content) => {
                    seen.files.insert(file, content);
                }
                Err(why) => {
                    step = not_written(&step.spec, &why, policy);
                    let told = |other: &Planned| other.findings == step.findings;
                    if planned.steps.iter().any(told) {
                        continue;
                    }
                }
            }
        }
        seen.observed
            .extend(also.observed.remove_entry(&step.spec.name));
        planned.steps.push(step);
    }
}

/// A kubeconfig that is to be brought in line; or why it cannot be.
fn to_write(store: &Store, file: &FileId) -> Result<FileContent> {
    let there = store.read(file)?.context("it is gone")?;
    kubeconfig::lead(&there.bytes)?;
    Ok(there)
}

/// One that a run would write, and cannot: a stage does not begin for it, a renewal leaves it.
fn not_written(spec: &Spec, why: &anyhow::Error, policy: Policy<'_>) -> Planned {
    let code = if let Force::Turn(_) = policy.force {
        Code::NotRotated
    } else {
        Code::NotRenewed
    };
    let told = spec.finding(
        code,
        format!("cannot be brought in line with its CA: {why:#}"),
        "see to that, or move it away, and run the same command again",
    );
    Planned {
        spec: spec.clone(),
        step: Step::Keep,
        findings: vec![told],
        mended: Vec::new(),
    }
}
