//! Back to the stage before: what the run that left it changed is as it was, and what it made is gone.

use std::time::Duration;

use super::{Tree, command};
use crate::cmd::sequence::writer;
use crate::cmd::undo::Undo;
use crate::cmd::{Env, Stop};
use crate::diff::{Generations, Held, Stage, generations};
use crate::finding::Finding;
use crate::observe::Passphrases;
use crate::plan::{Goal, Refusal, not_begun};
use crate::profile::Profile;
use crate::report::Report;
use crate::rollback::{Created, standing};
use crate::store::Recovered;

/// What goes back.
pub(super) struct Back<'a> {
    pub(super) row: &'static Profile,
    pub(super) tree: &'a Tree<'a>,
    pub(super) passphrases: &'a Passphrases,
    pub(super) lock_timeout: Duration,
    pub(super) dry_run: bool,
    /// Whether all is restarted that the step before told to restart.
    pub(super) restarted: bool,
}

/// The stage that is taken back from where this is.
pub(super) fn left(
    row: &Profile,
    there: &Result<Generations<Held>, Finding>,
) -> Result<Goal, Refusal> {
    let told = match there {
        Ok(there) => match there.stage {
            Stage::Trust => return Ok(Goal::Trust),
            Stage::Issue => return Ok(Goal::Issue),
            Stage::Start => not_begun(row, there.next.is_some()),
        },
        Err(finding) => finding.clone(),
    };
    let findings = vec![told];
    Err(Refusal { findings })
}

/// The command that leads on from a stage that cannot be taken back, in quotes.
pub(super) fn onward(row: &Profile, left: Goal) -> String {
    let then = match left {
        Goal::Trust => Goal::Issue,
        Goal::Issue | Goal::Drop => Goal::Drop,
    };
    format!("'{}'", then.command(row))
}

/// What the run that takes a stage back is called.
pub(super) fn verb(row: &Profile, left: Goal) -> String {
    command(row, &format!("back-{}", left.name()))
}

impl Tree<'_> {
    /// That a step back from where the next one signed was followed by what it told, before the next one goes.
    pub(super) fn has_left_issue(
        &self,
        row: &Profile,
        restarted: bool,
        flags: &str,
    ) -> Result<(), Stop> {
        if restarted || !self.last_was(row, "back-issue")? {
            return Ok(());
        }
        Err(Stop::usage(format!(
            "whoever has something of the next one still, since it signed, is cut off by this step: restart what the step \
             before told, and then run 'certs rotate {} back --restarted{flags}'",
            row.name
        )))
    }
}

impl Back<'_> {
    pub(super) fn run(&self, report: &mut Report, env: &mut Env<'_>) -> Result<(), Stop> {
        let recovered = if self.dry_run {
            None
        } else {
            self.recover(env)?
        };
        if let Some(recovered) = &recovered {
            if self.is_done(recovered)? {
                report.rollback_completed(recovered);
                report.turned_back(self.row, [None, self.there().ok().as_ref()]);
                return Ok(());
            }
            report.recovered(recovered);
        }
        self.step(report, env)
            .map_err(|stop| stop.after(recovered.as_ref()))
    }

    fn step(&self, report: &mut Report, env: &mut Env<'_>) -> Result<(), Stop> {
        let before = self.there();
        let stage = match left(self.row, &before) {
            Ok(stage) => stage,
            Err(refusal) => {
                report.refuse(&refusal);
                // Whoever was ended before it was told had no other way to it.
                if let (Ok(there), false) = (&before, self.dry_run) {
                    let gone = self.tree.before_back(self.row, there)?;
                    if let Some(gone) = gone {
                        report.turned_back(self.row, [Some(&gone), Some(there)]);
                    }
                }
                return Ok(());
            }
        };
        if stage == Goal::Trust && !self.dry_run && !self.confirmed(report)? {
            return Ok(());
        }
        let of = &|commands: &[&str]| standing(commands, (self.row.name, stage.name()));
        let again = before.as_ref().ok().and_then(|there| there.others.first());
        if let (Goal::Issue, Some(again)) = (stage, again.and_then(Held::certificate)) {
            let backups = self.tree.store.backups(self.tree.roots)?;
            // That there is no backup is told by who would undo it.
            let run = backups.chosen(of).map(Some);
            let lack = run.map(|run| self.tree.trusts_no_more(self.row, again, run));
            let findings = lack.transpose()?.unwrap_or_default();
            if !findings.is_empty() {
                report.refuse(&Refusal { findings });
                return Ok(());
            }
        }
        let verb = verb(self.row, stage);
        let undo = Undo {
            verb: &verb,
            store: self.tree.store,
            within: self.tree.roots,
            of,
            created: Created::Remove,
            onward: Some(onward(self.row, stage)),
            lock_timeout: self.lock_timeout,
            dry_run: self.dry_run,
        };
        undo.run(report, env)?;
        if !self.dry_run && !report.is_refused() {
            let there = [before.ok(), self.there().ok()];
            let [before, after] = there.each_ref().map(Option::as_ref);
            if before.map(|there| there.stage) == after.map(|there| there.stage) {
                report.turned_less();
            } else {
                report.turned_back(self.row, [before, after]);
            }
        }
        Ok(())
    }

    /// Whether nobody is cut off who has to do with what goes: what it signed in this tree refuses the step, and what
    /// may have it from a stage beyond, and was to be restarted since, no file tells.
    fn confirmed(&self, report: &mut Report) -> Result<bool, Stop> {
        let findings = self.tree.signed_by_next(self.row, self.passphrases)?;
        if !findings.is_empty() {
            report.refuse(&Refusal { findings });
            return Ok(false);
        }
        self.tree.has_left_issue(self.row, self.restarted, "")?;
        Ok(true)
    }

    fn there(&self) -> Result<Generations<Held>, Finding> {
        let seen = self.tree.look(self.row, self.passphrases);
        generations(self.row, &seen.observed)
    }

    /// Ends what an interrupted run had begun: the files tell no stage before that.
    pub(super) fn recover(&self, env: &mut Env<'_>) -> Result<Option<Recovered>, Stop> {
        let (store, roots) = (self.tree.store, self.tree.roots);
        if store.lock_shared(roots)?.interrupted()?.is_none() {
            return Ok(None);
        }
        let (_, recovered) = writer(store, [roots, &[]], self.lock_timeout, env)?;
        Ok(recovered)
    }

    /// Whether that was a step back, which is done then, and not to be done once more.
    pub(super) fn is_done(&self, recovered: &Recovered) -> Result<bool, Stop> {
        let back = command(self.row, "back");
        let mut commands = recovered.commands.clone();
        if commands.is_empty() {
            // All was done but to say so: its backup tells which run that was.
            let runs = self.tree.store.backups(self.tree.roots)?.runs;
            commands.extend(runs.into_iter().next().map(|run| run.origin.command));
        }
        Ok(commands.iter().any(|run| run.starts_with(&back)))
    }
}
