//! `certs rollback`: what the last run replaced, put back by a commit like any other; so a rollback
//! can be rolled back.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;

use super::around::{Wrong, configuration, ended, least, lock_timeout, quiet, roots, within};
use super::sequence::{commit, recover};
use super::{Env, Outcome, Stop, there};
use crate::apply;
use crate::cli::Rollback;
use crate::facts;
use crate::finding::Finding;
use crate::location::{Owner, Root};
use crate::observe::{Former, former, whole_users};
use crate::plan::Refusal;
use crate::report::{Report, waiting};
use crate::rollback::{self, Last, Plan};
use crate::store::{self, Backup, Store, Writer};

const VERB: &str = "rollback";

/// Runs the verb.
pub(crate) fn rollback(verb: &Rollback, env: &mut Env<'_>) -> Outcome {
    let report = attempt(verb, env);
    ended(report, &verb.run, env)
}

/// What the arguments and the configuration come to.
struct Settled {
    store: Store,
    /// Where backups are looked for.
    within: Vec<Root>,
    lock_timeout: Duration,
    dry_run: bool,
    notes: Vec<String>,
}

fn attempt(verb: &Rollback, env: &mut Env<'_>) -> Result<Report, Stop> {
    let mut settled = settle(verb, env)?;
    let notes = std::mem::take(&mut settled.notes);
    let least = least(&verb.run);
    let mut report = Report::new(VERB, env.now, None, &settled.store, least, notes);
    if verb.list || settled.dry_run {
        settled.look(verb.list, &mut report, env.now)?;
        return Ok(report);
    }
    let notice = &mut *env.notice;
    let mut waiting = |directory: &Path| notice(&waiting(directory));
    let writer =
        settled
            .store
            .lock_backed_up(&settled.within, settled.lock_timeout, &mut waiting)?;
    let Some(mut writer) = writer else {
        settled.plan(&mut report, env.now)?;
        return Ok(report);
    };
    let recovered = recover(&mut writer, &settled.store, env)?;
    if let Some(recovered) = &recovered {
        // Whoever repeats a rollback that was interrupted wants it done, and not undone.
        if recovered.commands.iter().any(|command| command == VERB) {
            report.rollback_completed(recovered);
            return Ok(report);
        }
        report.recovered(recovered);
    }
    settled
        .put_back(&mut writer, &mut report, env)
        .map_err(|stop| stop.after(recovered.as_ref()))?;
    Ok(report)
}

impl Settled {
    fn put_back(
        &self,
        writer: &mut Writer,
        report: &mut Report,
        env: &Env<'_>,
    ) -> Result<(), Stop> {
        let Some((run, former, plan)) = self.plan(report, env.now)? else {
            return Ok(());
        };
        let changes = apply::restore(&plan.steps, &former.copies)?;
        if !changes.is_empty() {
            report.committed(commit(writer, changes, VERB, true, env)?);
        }
        report.rolled_back(&run, &plan, false);
        Ok(())
    }

    /// `--list` and `--dry-run`: nothing is written, and nobody is waited for.
    fn look(&self, list: bool, report: &mut Report, now: OffsetDateTime) -> Result<(), Stop> {
        let lock = self.store.lock_shared(&self.within)?;
        let interrupted = lock.interrupted()?;
        let busy = lock.busy().is_some();
        report.busy(busy);
        if list {
            let backups = self.store.backups(&self.within)?;
            report.closed(&backups.closed);
            // A run that is under way may be writing its list.
            let settled = interrupted.is_none() && !busy;
            let damaged = if settled { &backups.damaged[..] } else { &[] };
            report.interrupted(interrupted);
            report.listed(&backups.runs, &rollback::damaged(damaged), &self.within);
        } else if let Some(journal) = interrupted {
            report.unplanned(journal);
        } else if let Some((run, _, plan)) = self.plan(report, now)? {
            report.rolled_back(&run, &plan, true);
        }
        Ok(())
    }

    /// The plan over the youngest backup; none if it is refused, which the report then tells.
    fn plan(
        &self,
        report: &mut Report,
        now: OffsetDateTime,
    ) -> Result<Option<(Backup, Former, Plan)>, Stop> {
        let backups = self.store.backups(&self.within)?;
        report.closed(&backups.closed);
        let run = backups.runs.into_iter().next();
        let former = run.as_ref().map(|run| former(run, &self.store));
        let first = self.within.first().copied().unwrap_or(Root::Pki);
        let nowhere = self.store.backups_in(first);
        let last = former.as_ref().map(|former| &former.last);
        match rollback::plan(last, &nowhere, &backups.damaged, now) {
            Ok(mut plan) => {
                match last.map_or(Ok(Vec::new()), |last| self.halved(last, &plan)) {
                    Ok(halved) => plan.findings.extend(halved),
                    Err(refusal) => {
                        report.refuse(&refusal);
                        return Ok(None);
                    }
                }
                Ok(run.zip(former).map(|(run, former)| (run, former, plan)))
            }
            Err(refusal) => {
                report.refuse(&refusal);
                Ok(None)
            }
        }
    }

    /// What is told of kubeconfigs that are whole now and have half of a pair that is put back. One that is
    /// not has nothing to lose; one that cannot be read may have such a half.
    fn halved(&self, last: &Last, plan: &Plan) -> Result<Vec<Finding>, Refusal> {
        let pairs = rollback::rekeyed(last, plan);
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let (mut kubeconfigs, mut unread) = there::kubeconfigs(&self.store);
        kubeconfigs.retain(|parts| self.within.contains(&parts.file.root));
        unread.retain(|finding| self.within.contains(&finding.file.root));
        if !unread.is_empty() {
            return Err(Refusal { findings: unread });
        }
        let each = pairs.iter().flat_map(|pair| {
            let of_pair = |parts| Some((parts, rollback::halved(pair, plan, parts)?));
            kubeconfigs.iter().filter_map(of_pair)
        });
        let trusted = store::trusted_users(Owner::default());
        let mut read = BTreeMap::new();
        let whole = each.filter(|(parts, _)| {
            let users = || whole_users(&parts.file, &self.store, trusted.clone());
            let of_file = read.entry(&parts.file).or_insert_with(users);
            of_file.contains(&parts.entry)
        });
        Ok(whole.map(|(_, finding)| finding).collect())
    }
}

/// Everything that can be wrong about the arguments and the configuration is told at once.
fn settle(verb: &Rollback, env: &mut Env<'_>) -> Result<Settled, Stop> {
    let mut wrong = Wrong::default();
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    wrong.collect(quiet(&verb.run))?;
    let configured = configuration(&verb.run.tree, env).and_then(|(given, notes)| {
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
        &verb.run.tree,
        verb.kubeconfig_dir.kubeconfig_dir.as_ref(),
        verb.kubelet_dir.kubelet_dir.as_ref(),
        verb.csr_dir.csr_dir.as_ref(),
        cert_dir.as_deref(),
        &mut notes,
    );
    Ok(Settled {
        store: Store::open(roots),
        within: looked_into(verb, cert_dir.is_some()),
        lock_timeout,
        dry_run: verb.run.dry_run.or(dry_run).unwrap_or_default(),
        notes,
    })
}

fn looked_into(verb: &Rollback, configured: bool) -> Vec<Root> {
    let tree = &verb.run.tree;
    let requests = verb.csr_dir.csr_dir.as_ref();
    within(
        tree,
        &verb.kubeconfig_dir,
        &verb.kubelet_dir,
        requests,
        configured,
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Verb};

    fn looked_into(flags: &[&str], configured: bool) -> Vec<Root> {
        let typed = [&["certs", "rollback"], flags].concat();
        match Cli::try_parse_from(typed).expect("flags").verb {
            Verb::Rollback(verb) => super::looked_into(&verb, configured),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_named_beside_what_is_named_is_not_looked_into() {
        use Root::{Kubeconfig, Kubelet, Pki, Requests};
        for (flags, configured, roots) in [
            (&[][..], false, &[Kubeconfig, Kubelet, Pki, Requests][..]),
            (&["--list"], true, &[Kubeconfig, Kubelet, Pki, Requests]),
            (
                &["--kubernetes-dir", "k"],
                false,
                &[Pki, Kubeconfig, Requests],
            ),
            (&["--csr-dir", "r"], false, &[Requests]),
            (&["--cert-dir", "c"], false, &[Pki]),
            (&["--kubeconfig-dir", "k"], false, &[Kubeconfig]),
            (&["--kubelet-dir", "l"], false, &[Kubelet]),
            (&["--kubelet-dir", "l"], true, &[Pki, Kubelet]),
            (
                &["--kubernetes-dir", "k", "--kubelet-dir", "l"],
                false,
                &[Pki, Kubeconfig, Kubelet, Requests],
            ),
        ] {
            assert_eq!(looked_into(flags, configured), roots, "{flags:?}");
        }
    }
}
