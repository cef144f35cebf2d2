//! One tree: what is there → what is renewed of it.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::{asked, names};
use crate::cmd::nodes::kept::{Kept, is_signed_by};
use crate::cmd::sequence::Judged;
use crate::cmd::{Stop, loose, there};
use crate::diff::{Notice, trusts};
use crate::location::FileId;
use crate::location::{Owner, Root};
use crate::observe::{Passphrases, Seen, observe, survey};
use crate::observed::Observed;
use crate::plan::{Due, Force, Found, Policy, Refusal, Renewal, plan};
use crate::profile::renewal::certificate;
use crate::profile::{is_of_kubelet, signs_for};
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
    pub(super) one_of: Option<OneOf<'a>>,
    pub(super) host: &'a str,
    pub(super) now: OffsetDateTime,
    /// Files in the directories above it that are looked at too.
    pub(super) above: &'a [FileId],
}

/// That a tree is one of many.
#[derive(Clone, Copy)]
pub(super) struct OneOf<'a> {
    /// What signs, and is kept for all of them.
    pub(super) kept: Kept<'a>,
    /// Those of the CAs that were named.
    pub(super) cas: &'a BTreeSet<String>,
    /// Where all is renewed that its kubelet needs to come back, how long before its end the rest is.
    pub(super) back: Option<Notice>,
}

impl OneOf<'_> {
    /// Whether it is of a CA that was named: a copy of its certificate, or what hangs on it.
    fn is_of_named(&self, spec: &Spec, found: &Found) -> bool {
        let named = |ca: &Spec| self.cas.contains(&ca.name);
        let public = spec.place.public();
        let copy = matches!(found.get(&spec.name), Some(Observed::Shared(_)))
            && self
                .kept
                .specs
                .iter()
                .any(|ca| named(ca) && (ca.place.public() == public || signs_for(spec, ca)));
        copy || hangs_on_one_of(spec, found, self.cas)
    }
}

impl Tree<'_> {
    /// An error where nothing that is there has a name that was typed, before what an interrupted run had begun
    /// is completed: arguments that are wrong write nothing. Where that brings files it is to be seen then.
    pub(super) fn known(&self) -> Result<(), Stop> {
        if self.names.is_empty() || !self.store.lock_shared(self.roots)?.brings_nothing()? {
            return Ok(());
        }
        let (places, _) = there::places(self.store, self.roots);
        let trusted = store::trusted_users(Owner::default());
        let seen = survey(&places, self.store, trusted);
        let specs = there::specs(places, &seen.observed, None, self.host)?;
        names::named(self.names, &specs, &seen, (self.store, self.renewal)).map(drop)
    }

    /// What is there, and what is to be done.
    pub(super) fn judge(&self, passphrases: &Passphrases) -> Result<Judged, Stop> {
        let (mut places, closed) = there::places_to_write(self.store, self.roots);
        let kept = self.one_of.map(|one| one.kept);
        let copies = kept.map_or_else(Vec::new, |kept| kept.parted(&mut places));
        let trusted = store::trusted_users(Owner::default());
        let all = places.iter().chain(&copies);
        let mut seen = observe(all, self.store, passphrases, trusted);
        seen.look_at_directories(self.above, self.store);
        if let Some(kept) = kept {
            kept.share(&mut seen);
        }
        // With the same key no half is parted from the other.
        let mut unread = Vec::new();
        if !self.renewal.reuse_key {
            (seen.ground.kubeconfigs, unread) = there::kubeconfigs(self.store);
        }
        let resolved = |found: &_| there::specs(places.clone(), found, self.over, self.host);
        let mut specs = resolved(&seen.observed)?;
        specs.extend(copies.iter().filter(|copy| is_there(copy, &seen)).cloned());
        if specs.is_empty() && closed.is_empty() && kept.is_none() {
            return Err(there::nothing(self.store));
        }
        // Issuers first.
        specs.sort_by_key(|spec| !spec.is_ca());
        let mut renewal = self.renewal.clone();
        let mut wanted = specs.clone();
        renewal.there.clone_from(&specs);
        let mut names = names::named(self.names, &specs, &seen, (self.store, self.renewal))?;
        // A CA is meant by its name alone.
        let meant =
            |spec: &&Spec| names.contains(&spec.name) || self.names.is_empty() && !spec.is_ca();
        let asked_of: Vec<&Spec> = specs.iter().filter(meant).collect();
        let changes = &renewal.changes;
        // Of many nodes that is asked of all that they have together.
        if kept.is_none() {
            let unheeded = asked::unheeded(self.typed, changes, &asked_of, &seen.observed);
            if !unheeded.is_empty() {
                return Err(Stop::Usage(unheeded));
            }
        }
        if !changes.add.is_empty() || !changes.remove.is_empty() {
            renewal.then = resolved(&asked::found_then(changes, &asked_of, &seen.observed))?;
        }
        if let Some((kept, notice)) = self.one_of.and_then(|one| Some((one.kept, one.back?))) {
            let own = specs.iter().filter(|spec| is_of_kubelet(&spec.name));
            let pairs = own.map(|spec| names::pair_of(spec, &specs, &seen, self.renewal));
            let signed = pairs.filter(|pair| kept.signs(pair));
            names = signed.map(|pair| pair.name.clone()).collect();
            renewal.due = Due::Also(names, notice);
        } else if !self.names.is_empty() {
            wanted.retain(|spec| {
                names.contains(&spec.name)
                    || signs_for_one_of(spec, &specs, &names)
                    || hangs_on_one_of(spec, &seen.observed, &names)
                    || self
                        .one_of
                        .is_some_and(|one| one.is_of_named(spec, &seen.observed))
            });
            renewal.due = Due::Named(names);
        }
        let mut issuers: Vec<Spec> = specs
            .iter()
            .filter(|ca| !wanted.contains(ca) && wanted.iter().any(|spec| is_signed_by(spec, ca)))
            .cloned()
            .collect();
        issuers.extend(kept.map_or_else(Vec::new, |kept| kept.issuers(&wanted)));
        let known = [&specs[..], &issuers].concat();
        issuers.extend(
            there::further_issuers(&wanted)
                .into_iter()
                .filter(|ca| known.iter().all(|spec| spec.name != ca.name)),
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
        let renews_ca = || specs.iter().any(|ca| ca.is_ca() && renewal.due.names(ca));
        let whole = self.names.is_empty() || renews_ca();
        if let (true, Ok(planned)) = (whole, &mut planning) {
            places.extend(copies);
            let all = [&specs[..], kept.map_or(&[][..], |kept| kept.specs)].concat();
            let tree = (self.store, self.roots);
            let around = (self.host, self.now);
            loose::lying(planned, [&places, &all], &mut seen, tree, policy, around)?;
        }
        Ok(Judged {
            seen,
            specs,
            planning,
        })
    }
}

fn is_there(copy: &Spec, seen: &Seen) -> bool {
    match seen.observed.get(&copy.name) {
        Some(Observed::Shared(files)) => files.iter().any(|shared| shared.there.is_some()),
        _ => true,
    }
}

/// Whether it is what the controller manager signs with of a CA that has one of these names.
fn signs_for_one_of(spec: &Spec, specs: &[Spec], names: &BTreeSet<String>) -> bool {
    let mut cas = specs.iter().filter(|ca| names.contains(&ca.name));
    cas.any(|ca| signs_for(spec, ca))
}

/// Whether it is a kubeconfig that one of these CAs signed or that trusts it, or names the very certificate of one.
fn hangs_on_one_of(spec: &Spec, found: &Found, cas: &BTreeSet<String>) -> bool {
    let issuer = spec.certificate().and_then(|wanted| wanted.issuer.as_ref());
    let kubeconfig = matches!(spec.place, Place::Kubeconfig { .. });
    let observed = found.get(&spec.name);
    let leaf = observed.and_then(certificate);
    let exact = leaf.is_some_and(|(leaf, _)| leaf.authority_serial.is_some());
    let trusted = observed.and_then(|observed| trusts(spec, observed, found));
    (kubeconfig || exact) && issuer.is_some_and(|ca| cas.contains(ca))
        || kubeconfig && trusted.is_some_and(|ca| cas.contains(ca))
}
