//! What all verbs do that know beforehand what they want: observe → adapt → plan.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::around::least;
use super::sequence::{Carried, Judge, Judged, Sequence};
use super::{Env, Stop, changed, loose, there};
use crate::cli::Run;
use crate::diff::over_all;
use crate::facts::Facts;
use crate::finding::{Code, Finding, Severity};
use crate::location::{Owner, Root};
use crate::observe::{Passphrases, Seen, observe};
use crate::plan::{Force, Planned, Policy, Refusal, plan};
use crate::profile::found::as_there;
use crate::report::Report;
use crate::spec::Spec;
use crate::store::{self, Store};

/// What only the files that were looked at can settle of what is wanted.
pub(crate) type Adapt =
    dyn Fn(&mut Vec<Spec>, &mut Seen) -> Result<Vec<Finding>, Stop> + Send + Sync;

/// Everything that is settled before a directory is looked at.
pub(crate) struct Job {
    pub(crate) specs: Vec<Spec>,
    pub(crate) issuers: Vec<Spec>,
    pub(crate) store: Store,
    pub(crate) passphrases: Passphrases,
    pub(crate) owner: Owner,
    pub(crate) policy: Policy<'static>,
    pub(crate) lock_timeout: Duration,
    /// Further directories that the run is over.
    pub(crate) also: Vec<Root>,
    /// Those in which it writes nothing.
    pub(crate) reads: Vec<Root>,
    /// Whether its tree is one of many, over which each way out is.
    pub(crate) of_many: bool,
    /// Changes what is wanted and what was found, and tells of it.
    pub(crate) adapt: Option<Box<Adapt>>,
}

/// Carries out what was settled over requests.
pub(crate) fn over_requests(
    verb: &'static str,
    (job, facts, notes): (Job, Facts, Vec<String>),
    run: &Run,
    env: &mut Env<'_>,
) -> Result<Report, Stop> {
    let dry_run = run.dry_run.or(facts.dry_run).unwrap_or_default();
    let node = facts.node.name;
    let mut report = Report::new(verb, env.now, node, &job.store, least(run), notes);
    report.with_requests();
    let carried = job.carry_out(verb, dry_run, &mut report, env)?;
    // What came back takes the place of what is in use, as what is renewed does.
    if let (Force::Import(_), Some(carried)) = (job.policy.force, carried) {
        changed::tell(&mut report, &carried, None);
    }
    Ok(report)
}

impl Job {
    /// Does what was asked for, or tells what would be done.
    pub(crate) fn carry_out(
        &self,
        verb: &'static str,
        dry_run: bool,
        report: &mut Report,
        env: &mut Env<'_>,
    ) -> Result<Option<Carried>, Stop> {
        let sequence = Sequence {
            verb,
            store: &self.store,
            roots: self.roots(),
            reads: self.reads.clone(),
            passphrases: &self.passphrases,
            owner: self.owner,
            backup: self.policy.backup,
            lock_timeout: self.lock_timeout,
            dry_run,
        };
        let judge: &Judge<'_> =
            &|passphrases, env| self.judge_all(passphrases, (env.host.name, env.now));
        sequence.run(judge, report, env)
    }

    /// What would be done, judged without waiting for anybody.
    pub(crate) fn foretell(
        &self,
        locked: &[Root],
        report: &mut Report,
        around: (&str, OffsetDateTime),
    ) -> Result<Option<Judged>, Stop> {
        let lock = self.store.lock_shared(locked)?;
        if let Some(journal) = lock.interrupted()? {
            report.unplanned(journal);
            return Ok(None);
        }
        let judged = self.judge_all(&Passphrases::default(), around)?;
        report.busy(lock.busy().is_some());
        report.planned(&judged.planning, &judged.seen);
        Ok(Some(judged))
    }

    /// With what signs, which is kept in another place.
    pub(crate) fn below(mut self, source: Arc<Seen>) -> Self {
        self.of_many = true;
        let adapt = self.adapt.take();
        self.adapt = Some(Box::new(move |specs, seen| {
            let kept = source.observed.iter();
            seen.observed
                .extend(kept.map(|(name, found)| (name.clone(), found.clone())));
            seen.crossed.clone_from(&source.crossed);
            adapt
                .as_ref()
                .map_or(Ok(Vec::new()), |adapt| adapt(specs, seen))
        }));
        self
    }

    /// The directories that the run writes in.
    pub(crate) fn roots(&self) -> Vec<Root> {
        let mut roots: Vec<_> = self
            .specs
            .iter()
            .chain(&self.issuers)
            .flat_map(|spec| spec.place.files())
            .map(|file| file.root)
            .chain(self.also.iter().copied())
            .collect();
        roots.sort();
        roots.dedup();
        roots.retain(|root| !self.reads.contains(root));
        roots
    }

    /// What is there and what is to be done, with what else is due of one's own.
    fn judge_all(
        &self,
        passphrases: &Passphrases,
        (host, now): (&str, OffsetDateTime),
    ) -> Result<Judged, Stop> {
        let mut judged = self.judge(passphrases, now)?;
        let (rows, seen) = (&judged.specs, &mut judged.seen);
        if let (true, Ok(planned)) = (self.policy.force.asks(), &mut judged.planning) {
            let tree = (&self.store, &[Root::Kubeconfig, Root::Pki][..]);
            loose::own(planned, rows, seen, tree, self.policy, (host, now))?;
        }
        Ok(judged)
    }

    /// Those that the run is not about may name one file of a pair that it makes anew.
    fn look_at_kubeconfigs(&self, specs: &[Spec], seen: &mut Seen) -> Vec<Finding> {
        let pair = |spec: &Spec| !spec.is_ca() && spec.place.is_pair();
        if !self.policy.force.replaces() || !specs.iter().any(pair) {
            return Vec::new();
        }
        let (kubeconfigs, unread) = there::kubeconfigs(&self.store);
        seen.ground.kubeconfigs = kubeconfigs;
        unread
    }

    /// What is there, and what is to be done at this time.
    pub(crate) fn judge(
        &self,
        passphrases: &Passphrases,
        now: OffsetDateTime,
    ) -> Result<Judged, Stop> {
        let look = |specs: &[Spec]| {
            let trusted = store::trusted_users(self.owner);
            let all = specs.iter().chain(&self.issuers);
            observe(all, &self.store, passphrases, trusted)
        };
        let mut seen = look(&self.specs);
        let mut specs = as_there(self.specs.clone(), &seen.observed);
        if specs != self.specs {
            seen = look(&specs);
        }
        let mut adapted = self.look_at_kubeconfigs(&specs, &mut seen);
        if let Some(adapt) = &self.adapt {
            adapted.extend(adapt(&mut specs, &mut seen)?);
        }
        let (found, ground) = (&seen.observed, &seen.ground);
        let mut planning = plan(&specs, &self.issuers, found, ground, self.policy, now);
        // What the plan tells of the same certificate is not told twice.
        let told: Vec<Finding> = match &planning {
            Ok(plan) => plan.findings().cloned().collect(),
            Err(refusal) => refusal.findings.clone(),
        };
        let same = |one: &Finding, other: &Finding| {
            (&one.file, one.code, &one.text) == (&other.file, other.code, &other.text)
        };
        adapted.retain(|one| !told.iter().any(|other| same(one, other)));
        let error = |finding: &Finding| finding.severity() == Severity::Error;
        let refused = adapted.iter().any(error);
        // Where nothing is signed nothing is granted.
        adapted.retain(|told| {
            let signed =
                |planned: &Planned| planned.spec.name == told.name && !planned.step.keeps();
            let of_plan = planning
                .as_ref()
                .is_ok_and(|plan| plan.steps.iter().any(signed));
            told.code != Code::RequestSanTaken || (of_plan && !refused)
        });
        match &mut planning {
            Ok(plan) if refused => {
                let findings = plan.findings().cloned().chain(adapted).collect();
                planning = Err(Refusal { findings });
            }
            Ok(plan) => plan.ground.extend(adapted),
            Err(refusal) => refusal.findings.extend(adapted),
        }
        if self.of_many {
            let findings: Vec<&mut Finding> = match &mut planning {
                Ok(plan) => plan.findings_mut().collect(),
                Err(refusal) => refusal.findings.iter_mut().collect(),
            };
            for finding in findings {
                over_all(&mut finding.way_out);
            }
        }
        Ok(Judged {
            seen,
            specs,
            planning,
        })
    }
}
