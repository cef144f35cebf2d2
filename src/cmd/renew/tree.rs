//! One tree: what is there → what is renewed of it.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::{asked, names};
use crate::cmd::sequence::Judged;
use crate::cmd::{Stop, loose, there};
use crate::location::{Owner, Root};
use crate::observe::{Passphrases, observe};
use crate::observed::Observed;
use crate::plan::{Due, Force, Policy, Refusal, Renewal, plan};
use crate::profile::renewal::certificate;
use crate::spec::{Place, Spec};
use crate::store::{self, Store};

/// A tree, and what is asked of it.
pub(super) struct Tree<'a> {
    pub(super) store: &'a Store,
    pub(super) roots: &'a [Root],
    pub(super) names: &'a [String],
    pub(super) typed: asked::Typed,
    pub(super) renewal: &'a Renewal,
    pub(super) over: Option<&'a there::Resolve<'a>>,
    pub(super) host: &'a str,
    pub(super) now: OffsetDateTime,
}

impl Tree<'_> {
    /// What is there, and what is to be done.
    pub(super) fn judge(&self, passphrases: &Passphrases) -> Result<Judged, Stop> {
        let (places, closed) = there::places(self.store, self.roots);
        let trusted = store::trusted_users(Owner::default());
        let mut seen = observe(&places, self.store, passphrases, trusted);
        // With the same key no half is parted from the other.
        let mut unread = Vec::new();
        if !self.renewal.reuse_key {
            (seen.ground.kubeconfigs, unread) = there::kubeconfigs(self.store);
        }
        let resolved = |found: &_| there::specs(places.clone(), found, self.over, self.host);
        let mut specs = resolved(&seen.observed)?;
        if specs.is_empty() && closed.is_empty() {
            return Err(there::nothing(self.store));
        }
        // Issuers first.
        specs.sort_by_key(|spec| !spec.is_ca());
        let mut renewal = self.renewal.clone();
        let mut wanted = specs.clone();
        renewal.there.clone_from(&specs);
        let names = names::named(self.names, &specs, &seen, self.store)?;
        let asked_of: Vec<&Spec> = specs
            .iter()
            .filter(|spec| names.contains(&spec.name))
            .collect();
        let changes = &renewal.changes;
        let unheeded = asked::unheeded(self.typed, changes, &asked_of, &seen.observed);
        if !unheeded.is_empty() {
            return Err(Stop::Usage(unheeded));
        }
        if !changes.add.is_empty() || !changes.remove.is_empty() {
            renewal.then = resolved(&asked::found_then(changes, &asked_of, &seen.observed))?;
        }
        if !names.is_empty() {
            wanted.retain(|spec| {
                let observed = seen.observed.get(&spec.name);
                names.contains(&spec.name) || hangs_on_one_of(spec, observed, &names)
            });
            renewal.due = Due::Named(names);
        }
        let mut issuers: Vec<Spec> = specs
            .iter()
            .filter(|ca| !wanted.contains(ca) && wanted.iter().any(|spec| is_signed_by(spec, ca)))
            .cloned()
            .collect();
        issuers.extend(
            there::further_issuers(&wanted)
                .into_iter()
                .filter(|ca| specs.iter().all(|spec| spec.name != ca.name)),
        );
        let policy = Policy {
            force: Force::Renew(&renewal),
            founding: true,
            backup: true,
        };
        let ground = &seen.ground;
        let mut planning = plan(&wanted, &issuers, &seen.observed, ground, policy, self.now);
        if let (false, Ok(_)) = (closed.is_empty(), &planning) {
            planning = Err(Refusal { findings: closed });
        }
        if let Ok(planned) = &mut planning {
            unread.retain(|one| planned.findings().all(|told| told.file != one.file));
            planned.ground.extend(unread);
        }
        if let (true, Ok(planned)) = (self.names.is_empty(), &mut planning) {
            let tree = (self.store, self.roots);
            let around = (self.host, self.now);
            loose::lying(planned, [&places, &specs], &mut seen, tree, policy, around)?;
        }
        Ok(Judged {
            seen,
            specs,
            planning,
        })
    }
}

fn is_signed_by(spec: &Spec, ca: &Spec) -> bool {
    let issuer = spec.certificate().and_then(|wanted| wanted.issuer.as_ref());
    issuer == Some(&ca.name)
}

/// Whether it is a kubeconfig of one of these CAs, or names the very certificate of one.
fn hangs_on_one_of(spec: &Spec, observed: Option<&Observed>, cas: &BTreeSet<String>) -> bool {
    let issuer = spec.certificate().and_then(|wanted| wanted.issuer.as_ref());
    let kubeconfig = matches!(spec.place, Place::Kubeconfig { .. });
    let leaf = observed.and_then(certificate);
    let exact = leaf.is_some_and(|(leaf, _)| leaf.authority_serial.is_some());
    (kubeconfig || exact) && issuer.is_some_and(|ca| cas.contains(ca))
}
