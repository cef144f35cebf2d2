//! One tree: what is there → what a stage does to it.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::cmd::nodes::kept::Kept;
use crate::cmd::sequence::Judged;
use crate::cmd::{Stop, loose, there};
use crate::diff::{Held, told_to_a_reader, trusts};
use crate::finding::{Code, Finding};
use crate::location::{FileId, Owner, Root};
use crate::observe::{Before, Passphrases, Seen, observe};
use crate::observed::{Ahead, Observed, Octets};
use crate::plan::{Force, Found, Goal, Policy, Refusal, Turn, plan};
use crate::profile::found::looked_for;
use crate::profile::rotation::{next, rotated, waits_for};
use crate::profile::{
    API_SERVER, CLUSTER, Kind, Profile, Signer, by_name, is_signing_file, signing_file,
};
use crate::report::Report;
use crate::rollback::ended;
use crate::spec::Spec;
use crate::store::{self, Store};

/// A tree, and when it is looked at.
pub(super) struct Tree<'a> {
    pub(super) store: &'a Store,
    pub(super) roots: &'a [Root],
    pub(super) host: &'a str,
    pub(super) now: OffsetDateTime,
    /// Files in the directories above it that are looked at too.
    pub(super) above: &'a [FileId],
    /// Where it is one of many.
    pub(super) one_of: Option<OneOf<'a>>,
}

/// What a tree that is one of many stands on.
#[derive(Clone, Copy)]
pub(super) struct OneOf<'a> {
    /// What signs, and is copied to it.
    pub(super) kept: Kept<'a>,
    /// What that comes to in this run.
    pub(super) ahead: &'a Arc<Ahead>,
    /// Whether a copy is as it was right before the stage.
    pub(super) before: &'a Before<'a>,
}

impl OneOf<'_> {
    /// Holds the copies against what they are to be, and has sign what signs.
    fn share(&self, seen: &mut Seen) {
        let (source, ahead) = (self.kept.source, self.ahead);
        let as_it_is = |file: &FileId| {
            let there = source.files.get(file)?;
            Some(Octets(Arc::new(there.bytes.clone())))
        };
        let of = |file: &FileId| ahead.files.get(file).cloned().or_else(|| as_it_is(file));
        for copy in self.kept.copies {
            seen.share_of(copy, &of, self.before, &source.observed);
        }
        self.kept.sign(seen);
        seen.ahead = Some(Arc::clone(ahead));
    }
}

impl<'a> Tree<'a> {
    /// One that is none of many.
    pub(super) fn alone(
        (store, roots): (&'a Store, &'a [Root]),
        host: &'a str,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            store,
            roots,
            host,
            now,
            above: &[],
            one_of: None,
        }
    }

    /// What is there of what is replaced, and what is to be done with it and below it.
    pub(super) fn judge(&self, turn: &Turn, passphrases: &Passphrases) -> Result<Judged, Stop> {
        let (mut places, closed) = there::places_to_write(self.store, self.roots);
        let row = looked_for(turn.row);
        let apart = signing_file(&row);
        let own: Vec<Spec> = if let Some(one) = self.one_of {
            one.kept.parted(&mut places)
        } else {
            let own: Vec<Spec> = [next(turn.row)].into_iter().chain(apart.clone()).collect();
            let files: Vec<FileId> = own.iter().flat_map(|spec| spec.place.files()).collect();
            places.retain(|place| !place.place.files().iter().any(|file| files.contains(file)));
            own
        };
        let trusted = store::trusted_users(Owner::default());
        let all = places.iter().chain(&own);
        let mut seen = observe(all, self.store, passphrases, trusted);
        seen.look_at_directories(self.above, self.store);
        if let Some(one) = self.one_of {
            one.share(&mut seen);
        }
        let mut unread = Vec::new();
        // What lies there of many nodes is theirs.
        if self.roots.contains(&Root::Kubeconfig) {
            (seen.ground.kubeconfigs, unread) = there::kubeconfigs(self.store);
        }
        let specs = there::specs(places.clone(), &seen.observed, None, self.host)?;
        let hangs =
            |spec: &&Spec| spec.name != row.name && hangs_on(spec, turn.row, &seen.observed);
        let mut below: Vec<Spec> = specs.iter().filter(hangs).cloned().collect();
        // What a server sends decides whom kubeconfigs are to trust.
        below.sort_by_key(|spec| spec.name != API_SERVER);
        let of_row = specs.iter().find(|spec| spec.name == row.name);
        let of_row = of_row.cloned().unwrap_or(row);
        let there = |spec: &Spec| {
            let observed = seen.observed.get(&spec.name);
            observed.is_some_and(|observed| !observed.is_absent())
        };
        let wanted = if self.one_of.is_some() {
            [&own[..], &below].concat()
        } else {
            let (waiting, apart) = own.split_at(1);
            let waits = |one: &&Spec| turn.goal == Goal::Trust || there(one);
            let waiting: Vec<Spec> = waiting.iter().filter(waits).cloned().collect();
            [&waiting, &[of_row][..], apart, &below].concat()
        };
        let mut issuers = there::further_issuers(&wanted);
        issuers.retain(there);
        let policy = Policy {
            force: Force::Turn(turn),
            founding: true,
            backup: true,
        };
        let (found, ground) = (&seen.observed, &seen.ground);
        let mut planning = plan(&wanted, &issuers, found, ground, policy, self.now);
        let unseen = closed.into_iter().chain(unread);
        let (blocking, aside): (Vec<_>, Vec<_>) =
            unseen.partition(|told| may_hold(turn.row, told.file.root));
        if let (false, Ok(_)) = (blocking.is_empty(), &planning) {
            planning = Err(Refusal { findings: blocking });
        }
        if let Ok(planned) = &mut planning {
            let beside = specs.iter().filter(|spec| !wanted.contains(spec));
            let unreadable = beside.flat_map(|spec| unreadable(spec, found));
            planned
                .ground
                .extend(left(aside.into_iter().chain(unreadable)));
            let places = [&places[..], &own].concat();
            let kept = self.one_of.map_or(&[][..], |one| one.kept.specs);
            let all = [&specs[..], &own, kept].concat();
            let tree = (self.store, self.roots);
            let around = (self.host, self.now);
            loose::lying(planned, [&places, &all], &mut seen, tree, policy, around)?;
            let cut_off = planned.findings();
            let cut_off = cut_off.filter(|told| told.code == Code::NotRotated);
            let findings: Vec<Finding> = cut_off.cloned().collect();
            if !findings.is_empty() {
                planning = Err(Refusal { findings });
            }
        }
        // This verb forces nothing.
        let told = |findings: &mut Vec<Finding>| {
            *findings = told_to_a_reader(std::mem::take(findings), &specs);
        };
        match &mut planning {
            Ok(plan) => plan
                .steps
                .iter_mut()
                .for_each(|one| told(&mut one.findings)),
            Err(refusal) => told(&mut refusal.findings),
        }
        Ok(Judged {
            seen,
            specs,
            planning,
        })
    }

    /// What is asked for, with what the backups of the runs before tell of it.
    pub(super) fn in_turn(&self, turn: &Turn) -> Result<Turn, Stop> {
        let name = |held: &Held| held.certificate()?.subject.common_name();
        Ok(Turn {
            ended: self.last_was(turn.row, Goal::Drop.name())?,
            issued: self.issued(turn.row)?,
            taken: self.taken(turn.row)?.iter().filter_map(name).collect(),
            ..turn.clone()
        })
    }

    /// What is there of one row, and of what waits to take its place.
    pub(super) fn look(&self, row: &'static Profile, passphrases: &Passphrases) -> Seen {
        let specs = [looked_for(row), next(row)];
        let trusted = store::trusted_users(Owner::default());
        observe(&specs, self.store, passphrases, trusted)
    }

    /// How far the replacement of each is.
    pub(super) fn status(
        &self,
        passphrases: &Passphrases,
        report: &mut Report,
    ) -> Result<(), Stop> {
        let lock = self.store.lock_shared(self.roots)?;
        if let Some(journal) = lock.interrupted()? {
            report.unplanned(journal);
            return Ok(());
        }
        report.busy(lock.busy().is_some());
        let runs = self.store.backups(self.roots)?.runs;
        let commands: Vec<&str> = runs.iter().map(|run| run.origin.command.as_str()).collect();
        if let Some(what) = ended(&commands) {
            report.former_key_left(what);
        }
        for row in rotated() {
            let seen = self.look(row, passphrases);
            if seen.observed.get(row.name).is_some_and(Observed::is_absent) {
                continue;
            }
            report.how_far(row, &seen.observed, self.issued(row)?);
        }
        Ok(())
    }
}

/// Whether what cannot be looked at below this directory may hang on what is replaced: of what kubeconfigs trust, and
/// kubelets have, that is the cluster's own CA.
fn may_hold(row: &Profile, root: Root) -> bool {
    let cluster = matches!(CLUSTER, Signer::Ca(ca) if ca == row.name);
    row.kind == Kind::Ca && (cluster || root == Root::Pki)
}

/// What cannot be read in the place of this spec.
fn unreadable(spec: &Spec, found: &Found) -> Vec<Finding> {
    let Some(Observed::Unreadable(reasons, _)) = found.get(&spec.name) else {
        return Vec::new();
    };
    let told = reasons.iter().map(|reason| Finding {
        file: reason.file.clone(),
        ..spec.finding(
            Code::NotLookedAt,
            &reason.why,
            reason.way_out.clone().unwrap_or_default(),
        )
    });
    told.collect()
}

/// What cannot be looked at and hangs on nothing that is replaced: it stays, and is told once.
fn left(unseen: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut left: Vec<Finding> = Vec::new();
    for told in unseen {
        if left.iter().all(|known| known.file != told.file) {
            left.push(Finding {
                code: Code::NotLookedAt,
                text: format!("{}, and stays as it is", told.text),
                ..told
            });
        }
    }
    left
}

/// Whether it was signed by this CA, or trusts it; or may have been, since of what cannot be read nothing tells.
fn hangs_on(spec: &Spec, row: &Profile, found: &Found) -> bool {
    let issuer = spec.certificate();
    let issuer = issuer.and_then(|wanted| wanted.issuer.as_deref());
    let observed = found.get(&spec.name);
    // What another CA's replacement has there is that one's.
    let mut files = spec.place.files().into_iter();
    if files.any(|file| waits_for(&file).is_some() || is_signing_file(&file.name)) {
        return false;
    }
    let unknown = by_name(&spec.name).is_none()
        && matches!(observed, Some(Observed::Unreadable(..)))
        && may_hold(row, spec.place.public().root);
    unknown
        || issuer == Some(row.name)
        || observed.is_some_and(|observed| trusts(spec, observed, found) == Some(row.name))
}
