//! What lies in a tree and is not written by a run: what of it is due is told.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::Stop;
use super::entries::entries;
use super::there::{self, Lying};
use crate::location::{FileId, Root};
use crate::observe::Seen;
use crate::plan::{Plan, Policy, left};
use crate::profile::by_name;
use crate::spec::Spec;
use crate::store::Store;

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
    for step in left(specs, cas, &also.observed, &also.ground, policy, now) {
        let name = &step.spec.name;
        if !step.step.keeps() {
            let file = step.spec.place.public();
            let content = store.read(&file).ok().flatten();
            seen.files.extend(content.map(|content| (file, content)));
        }
        seen.observed.extend(also.observed.remove_entry(name));
        planned.steps.push(step);
    }
}
