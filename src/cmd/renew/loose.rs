//! What lies in a tree where no run writes: what of it is due is told.

use crate::cmd::entries::entries;
use crate::cmd::there::{self, Lying};
use crate::cmd::{Env, Stop};
use crate::location::Root;
use crate::observe::Seen;
use crate::plan::{Plan, Policy, plan};
use crate::spec::{Place, Spec};
use crate::store::Store;

/// Adds what is due to a plan over `specs`, of which `places` were looked at.
pub(super) fn add(
    planned: &mut Plan,
    [places, specs]: [&[Spec]; 2],
    seen: &mut Seen,
    (store, roots): (&Store, &[Root]),
    policy: Policy<'_>,
    env: &Env<'_>,
) -> Result<(), Stop> {
    let lying = Lying::of(store, places, roots);
    // What was planned is planned over what was seen before.
    let mut also = Seen {
        observed: seen.observed.clone(),
        ..Seen::default()
    };
    let further = there::further(places, &lying, &mut also, store);
    let mut loose = there::specs(further, &also.observed, None, env.host.name)?;
    let all = [specs, &loose].concat();
    loose.extend(entries(&all, &mut also, store, env.host.name));
    let cas = specs.iter().filter(|spec| spec.is_ca());
    let wanted: Vec<Spec> = cas.cloned().chain(loose).collect();
    let Ok(told) = plan(&wanted, &[], &also.observed, &seen.ground, policy, env.now) else {
        // What refuses it has refused the whole run.
        return Ok(());
    };
    for step in told.steps {
        let loose = matches!(step.spec.place, Place::Found { .. });
        if loose && !step.findings.is_empty() {
            let name = step.spec.name.clone();
            seen.observed.extend(also.observed.remove_entry(&name));
            planned.steps.push(step);
        }
    }
    Ok(())
}
