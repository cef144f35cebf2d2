//! Back to the stage before: what the run that left it changed is as it was, and what it made is gone.

use std::time::Duration;

use super::{Tree, command};
use crate::cmd::undo::Undo;
use crate::cmd::{Env, Stop};
use crate::diff::{Stage, generations};
use crate::observe::Passphrases;
use crate::plan::{Goal, Refusal, not_begun};
use crate::profile::Profile;
use crate::report::Report;
use crate::rollback::Created;

/// What goes back.
pub(super) struct Back<'a> {
    pub(super) row: &'static Profile,
    pub(super) tree: &'a Tree<'a>,
    pub(super) passphrases: &'a Passphrases,
    pub(super) lock_timeout: Duration,
    pub(super) dry_run: bool,
}

impl Back<'_> {
    pub(super) fn run(&self, report: &mut Report, env: &mut Env<'_>) -> Result<(), Stop> {
        let stage = || {
            let seen = self.tree.look(self.row, self.passphrases);
            generations(self.row, &seen.observed).map(|there| there.stage)
        };
        // What an interrupted run had begun is completed first, and tells then.
        let whole = self.tree.store.lock_shared(self.tree.roots)?;
        let interrupted = whole.interrupted()?.is_some();
        drop(whole);
        let before = stage();
        if !interrupted {
            let refused = match &before {
                Ok(Stage::Start) => Some(not_begun(self.row)),
                Ok(Stage::Issue | Stage::Trust) => None,
                Err(finding) => Some(finding.clone()),
            };
            if let Some(finding) = refused {
                report.refuse(&Refusal {
                    findings: vec![finding],
                });
                return Ok(());
            }
        }
        let verb = command(self.row, "back");
        let undo = Undo {
            verb: &verb,
            store: self.tree.store,
            within: self.tree.roots,
            of: &|commands| self.latest(commands),
            created: Created::Remove,
            lock_timeout: self.lock_timeout,
            dry_run: self.dry_run,
        };
        undo.run(report, env)?;
        if self.dry_run {
            return Ok(());
        }
        let after = stage();
        if let (Ok(before), Ok(after)) = (before, after) {
            let left = match before {
                Stage::Issue => Goal::Issue,
                Stage::Start | Stage::Trust => Goal::Trust,
            };
            report.turned_back(self.row, left, before == after);
        }
        Ok(())
    }

    /// Of these runs, the youngest first, the one that brought it to where it is: none that was taken back.
    fn latest(&self, commands: &[&str]) -> Option<usize> {
        let back = command(self.row, "back");
        let stages = ["trust", "issue"].map(|stage| command(self.row, stage));
        let mut undone = 0_usize;
        for (index, command) in commands.iter().enumerate() {
            if *command == back {
                undone += 1;
            } else if stages.iter().any(|stage| stage == command) {
                if undone == 0 {
                    return Some(index);
                }
                undone -= 1;
            }
        }
        None
    }
}
