//! `certs rollback`: what the last run replaced, put back by a commit like any other; so a rollback
//! can be rolled back.

use std::time::Duration;

use time::OffsetDateTime;

use super::around::{
    Wrong, configuration, ended, least, lock_timeout, origin, quiet, roots, transaction,
};
use super::{Env, Outcome, Stop};
use crate::apply;
use crate::cli::Rollback;
use crate::facts;
use crate::location::Root;
use crate::observe::{Former, former};
use crate::report::{Report, waiting};
use crate::rollback::{self, Plan};
use crate::store::{Backup, CommitOptions, Store};

const VERB: &str = "rollback";

/// Runs the verb.
pub(crate) fn rollback(verb: &Rollback, env: &mut Env<'_>) -> Outcome {
    let report = attempt(verb, env);
    ended(report, &verb.run, env)
}

/// What the arguments and the configuration come to.
struct Settled {
    store: Store,
    lock_timeout: Duration,
    dry_run: bool,
    notes: Vec<String>,
}

fn attempt(verb: &Rollback, env: &mut Env<'_>) -> Result<Report, Stop> {
    let Settled {
        store,
        lock_timeout,
        dry_run,
        notes,
    } = settle(verb, env)?;
    let least = least(&verb.run);
    let mut report = Report::new(VERB, env.now, None, &store, least, notes);
    if verb.list || dry_run {
        look(verb.list, &store, &mut report, env.now)?;
        return Ok(report);
    }
    let notice = &mut *env.notice;
    let writer = store.lock_backed_up(lock_timeout, &mut |directory| {
        notice(&waiting(directory));
    })?;
    let Some(mut writer) = writer else {
        planned(&store, &mut report, env.now)?;
        return Ok(report);
    };
    if let Some(recovered) = writer.recover()? {
        // Whoever repeats a rollback that was interrupted wants it done, and not undone.
        if recovered.commands.iter().any(|command| command == VERB) {
            report.rollback_completed(&recovered);
            return Ok(report);
        }
        report.recovered(&recovered);
    }
    let Some((run, former, plan)) = planned(&store, &mut report, env.now)? else {
        return Ok(report);
    };
    let changes = apply::restore(&plan.steps, &former.copies)?;
    if !changes.is_empty() {
        let options = CommitOptions {
            transaction: transaction()?,
            origin: origin(VERB, env),
            backup: true,
            keep: Vec::new(),
        };
        report.committed(writer.commit(changes, &options)?);
    }
    report.rolled_back(&run, &plan, false);
    Ok(report)
}

/// `--list` and `--dry-run`: nothing is written, and nobody is waited for.
fn look(list: bool, store: &Store, report: &mut Report, now: OffsetDateTime) -> Result<(), Stop> {
    let lock = store.lock_shared(&Root::ALL)?;
    let interrupted = store.interrupted(&Root::ALL);
    let busy = lock.busy().is_some();
    report.interrupted(interrupted.clone(), busy);
    if list {
        let backups = store.backups()?;
        report.closed(&backups.closed);
        // A run that is under way may be writing its list.
        let settled = interrupted.is_none() && !busy;
        let damaged = if settled { backups.damaged } else { Vec::new() };
        report.listed(&backups.runs, &rollback::damaged(&damaged));
    } else if interrupted.is_some() && !busy {
        // What lies there is half of that run, which will be completed first: no plan can be made.
        report.unplanned();
    } else if let Some((run, _, plan)) = planned(store, report, now)? {
        report.rolled_back(&run, &plan, true);
    }
    Ok(())
}

/// The plan over the youngest backup; none if it is refused, which the report then tells.
fn planned(
    store: &Store,
    report: &mut Report,
    now: OffsetDateTime,
) -> Result<Option<(Backup, Former, Plan)>, Stop> {
    let backups = store.backups()?;
    report.closed(&backups.closed);
    let run = backups.runs.into_iter().next();
    let former = run.as_ref().map(|run| former(run, store));
    let nowhere = store.backups_in(Root::Pki);
    let last = former.as_ref().map(|former| &former.last);
    match rollback::plan(last, &nowhere, &backups.damaged, now) {
        Ok(plan) => Ok(run.zip(former).map(|(run, former)| (run, former, plan))),
        Err(refusal) => {
            report.refuse(&refusal);
            Ok(None)
        }
    }
}

/// Everything that can be wrong about the arguments and the configuration is told at once.
fn settle(verb: &Rollback, env: &mut Env<'_>) -> Result<Settled, Stop> {
    let mut wrong = Wrong::default();
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    wrong.collect(quiet(&verb.run))?;
    let configured = configuration(&verb.run, env).and_then(|(given, notes)| {
        let cert_dir = facts::cert_dir(&given)
            .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
        Ok((cert_dir, given.dry_run, notes))
    });
    let configured = wrong.collect(configured)?;
    let (Some(lock_timeout), Some((cert_dir, dry_run, mut notes)), true) =
        (lock_timeout, configured, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    let roots = roots(
        &verb.run,
        verb.kubeconfig_dir.kubeconfig_dir.as_ref(),
        verb.kubelet_dir.kubelet_dir.as_ref(),
        cert_dir.as_deref(),
        &mut notes,
    );
    Ok(Settled {
        store: Store::open(roots),
        lock_timeout,
        dry_run: verb.run.dry_run.or(dry_run).unwrap_or_default(),
        notes,
    })
}
