//! What an earlier run did, undone by a commit like any other: lock → recover → plan → commit → report.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;

use super::sequence::{commit, recover};
use super::{Env, Stop, there};
use crate::apply;
use crate::finding::{Code, Finding};
use crate::location::{Owner, Root};
use crate::observe::{Former, former, whole_users};
use crate::plan::Refusal;
use crate::report::{Report, waiting};
use crate::rollback::{self, Created, Last, Plan, inverse};
use crate::store::{self, Backup, Choice, Store, Writer};

/// How a run is undone.
pub(crate) struct Undo<'a> {
    /// The command that does it, as its journal tells it.
    pub(crate) verb: &'a str,
    pub(crate) store: &'a Store,
    /// Where backups are looked for.
    pub(crate) within: &'a [Root],
    pub(crate) of: &'a Choice<'a>,
    pub(crate) created: Created,
    /// Of a step back the command that goes on instead.
    pub(crate) onward: Option<String>,
    pub(crate) lock_timeout: Duration,
    pub(crate) dry_run: bool,
}

impl Undo<'_> {
    /// Undoes it, or tells what would be done.
    pub(crate) fn run(&self, report: &mut Report, env: &mut Env<'_>) -> Result<(), Stop> {
        if self.dry_run {
            return self.look(report, env.now);
        }
        let notice = &mut *env.notice;
        let mut waiting = |directory: &Path| notice(&waiting(directory));
        let writer =
            self.store
                .lock_backed_up(self.within, self.of, self.lock_timeout, &mut waiting)?;
        let Some(mut writer) = writer else {
            self.plan(report, env.now)?;
            return Ok(());
        };
        let recovered = recover(&mut writer, self.store, env)?;
        if let Some(recovered) = &recovered {
            // Whoever repeats a rollback that was interrupted wants it done, and not undone.
            // Of a rotation's stage nobody knows whether it was that or its undoing that was interrupted.
            let again = |command: &String| command == self.verb || inverse(command).is_some();
            if recovered.commands.iter().any(again) {
                report.rollback_completed(recovered);
                return Ok(());
            }
            report.recovered(recovered);
        }
        self.put_back(&mut writer, report, env)
            .map_err(|stop| stop.after(recovered.as_ref()))
    }

    /// `--dry-run`: nothing is written, and nobody is waited for.
    fn look(&self, report: &mut Report, now: OffsetDateTime) -> Result<(), Stop> {
        let lock = self.store.lock_shared(self.within)?;
        let interrupted = lock.interrupted()?;
        report.busy(lock.busy().is_some());
        if let Some(journal) = interrupted {
            report.unplanned(journal);
        } else if let Some((run, _, plan)) = self.plan(report, now)? {
            report.rolled_back(&run, &plan, true);
        }
        Ok(())
    }

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
            let inverse = inverse(&run.origin.command);
            let verb = inverse.as_deref().unwrap_or(self.verb);
            report.committed(commit(writer, changes, verb, true, env)?);
        }
        report.rolled_back(&run, &plan, false);
        Ok(())
    }

    /// The plan over the backup of that run; none if it is refused, which the report then tells.
    fn plan(
        &self,
        report: &mut Report,
        now: OffsetDateTime,
    ) -> Result<Option<(Backup, Former, Plan)>, Stop> {
        let backups = self.store.backups(self.within)?;
        report.closed(&backups.closed);
        let run = backups.chosen(self.of).cloned();
        // A stage is undone whole, or the files would tell of none.
        let whole = run.as_ref().and_then(|run| inverse(&run.origin.command));
        let created = whole.map_or(self.created, |_| Created::Remove);
        let former = run.as_ref().map(|run| former(run, self.store, created));
        let first = self.within.first().copied().unwrap_or(Root::Pki);
        let nowhere = self.store.backups_in(first);
        let last = former.as_ref().map(|former| &former.last);
        match rollback::plan(last, &nowhere, &backups.damaged, created, now) {
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
            Err(mut refusal) => {
                let since = |told: &&mut Finding| told.code == Code::ChangedSince;
                for told in refusal.findings.iter_mut().filter(since) {
                    if let Some(onward) = &self.onward {
                        told.way_out = format!("{}; or go on: {onward}", told.way_out);
                    }
                }
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
        let (mut kubeconfigs, mut unread) = there::kubeconfigs(self.store);
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
            let users = || whole_users(&parts.file, self.store, trusted.clone());
            let of_file = read.entry(&parts.file).or_insert_with(users);
            of_file.contains(&parts.entry)
        });
        Ok(whole.map(|(_, finding)| finding).collect())
    }
}
