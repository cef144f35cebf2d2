//! What all verbs do that make certificates: observe → plan → commit → report.

use std::time::Duration;

use super::around::{least, origin, transaction};
use super::{Env, Stop};
use crate::apply::{self, Prepared};
use crate::cli::Run;
use crate::facts::Facts;
use crate::finding::{Finding, Severity};
use crate::location::{Owner, Root};
use crate::observe::{Passphrases, Seen, observe, survey};
use crate::observed::Observed;
use crate::plan::{Policy, Refusal, plan};
use crate::profile::found::{Evidence, as_there, rows};
use crate::report::{Planning, Report, waiting};
use crate::spec::Spec;
use crate::store::{self, CommitOptions, Store};

/// What only the files that were looked at can settle of what is wanted.
pub(crate) type Adapt = dyn Fn(&mut Vec<Spec>, &mut Seen) -> Vec<Finding>;

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
    /// Changes what is wanted and what was found, and tells of it.
    pub(crate) adapt: Option<Box<Adapt>>,
}

/// What all files of a tree tell of it: those that a run is about may not tell enough.
pub(crate) fn evidence(store: &Store, host: &str) -> Evidence {
    let seen = survey(&rows(), store, store::trusted_users(Owner::default()));
    Evidence::of(&seen.observed, host)
}

/// Carries out what was settled over requests; `stated` if it is about one node.
pub(crate) fn over_requests(
    verb: &'static str,
    (job, facts, notes): (Job, Facts, Vec<String>),
    stated: bool,
    run: &Run,
    env: &mut Env<'_>,
) -> Result<Report, Stop> {
    let dry_run = run.dry_run.or(facts.dry_run).unwrap_or_default();
    let node = stated.then_some(facts.node.name);
    let mut report = Report::new(verb, env.now, node, &job.store, least(run), notes);
    report.with_requests();
    job.carry_out(verb, dry_run, &mut report, env)?;
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
    ) -> Result<(), Stop> {
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
        if dry_run {
            let lock = self.store.lock_shared(&roots)?;
            if let Some(journal) = lock.interrupted()? {
                report.unplanned(journal);
                return Ok(());
            }
            let (seen, planning) = self.judge(env);
            report.busy(lock.busy().is_some());
            report.planned(&planning, &seen.observed);
            return Ok(());
        }
        if !roots.iter().all(|root| self.store.has(*root)) {
            // No directory is made for a run that is refused.
            self.store.check_writable(&roots)?;
            let lock = self.store.lock_shared(&roots)?;
            let (seen, planning) = self.judge(env);
            if planning.is_err() && lock.interrupted()?.is_none() && lock.busy().is_none() {
                report.planned(&planning, &seen.observed);
                return Ok(());
            }
        }
        let notice = &mut *env.notice;
        let mut writer = self
            .store
            .lock(&roots, self.lock_timeout, &mut |directory| {
                notice(&waiting(directory));
            })?;
        if let Some(recovered) = writer.recover()? {
            report.recovered(&recovered);
        }
        let (seen, planning) = self.judge(env);
        match planning {
            Ok(plan) => {
                let Prepared { changes, issued } =
                    apply::prepare(&plan, &seen, self.owner, env.now)?;
                if !changes.is_empty() {
                    let options = CommitOptions {
                        transaction: transaction()?,
                        origin: origin(verb, env),
                        backup: self.policy.backup,
                        keep: Vec::new(),
                    };
                    report.committed(writer.commit(changes, &options)?);
                }
                report.done(&plan, &seen.observed, &issued);
            }
            refused @ Err(_) => report.planned(&refused, &seen.observed),
        }
        Ok(())
    }

    /// What is there, and the plan for it. Encrypted keys of CAs are opened only where the plan fails
    /// without: that can take seconds, by the iterations that their files ask for.
    fn judge(&self, env: &Env<'_>) -> (Seen, Planning) {
        let (seen, planning) = self.judge_with(&Passphrases::default(), env);
        if planning.is_ok() || !seen.observed.values().any(Observed::is_locked) {
            return (seen, planning);
        }
        self.judge_with(&self.passphrases, env)
    }

    fn judge_with(&self, passphrases: &Passphrases, env: &Env<'_>) -> (Seen, Planning) {
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
        let adapted = match &self.adapt {
            Some(adapt) => adapt(&mut specs, &mut seen),
            None => Vec::new(),
        };
        let (found, ground) = (&seen.observed, &seen.ground);
        let mut planning = plan(&specs, &self.issuers, found, ground, self.policy, env.now);
        let error = |finding: &Finding| finding.severity() == Severity::Error;
        match &mut planning {
            Ok(plan) if adapted.iter().any(error) => {
                let findings = plan.findings().cloned().chain(adapted).collect();
                planning = Err(Refusal { findings });
            }
            Ok(plan) => plan.ground.extend(adapted),
            Err(refusal) => refusal.findings.extend(adapted),
        }
        (seen, planning)
    }
}
