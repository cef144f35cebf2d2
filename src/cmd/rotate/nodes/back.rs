//! All nodes back to the stage before, and what they share last: that tells how far they are.

use time::OffsetDateTime;

use super::super::back::{Back, left, verb};
use super::super::tree::Tree;
use super::Run;
use super::ground::Ground;
use crate::cmd::nodes::trees::there_of;
use crate::cmd::undo::Undo;
use crate::cmd::{Env, Stop};
use crate::diff::{Generations, Held, generations, over_all};
use crate::location::Root;
use crate::plan::{Goal, Refusal, Turn};
use crate::profile::Profile;
use crate::report::{Node, Nodes, Report};
use crate::rollback::{Created, standing};

impl Run<'_> {
    pub(super) fn back(
        &self,
        row: &'static Profile,
        restarted: bool,
        mut told: Nodes,
        env: &mut Env<'_>,
    ) -> Result<Nodes, Stop> {
        self.shared(row)?;
        let (store, roots) = (&self.trees.shared, [Root::Pki]);
        let tree = Tree::alone((store, &roots), env.host.name, env.now);
        let one = Back {
            row,
            tree: &tree,
            passphrases: &self.passphrases,
            lock_timeout: self.trees.lock_timeout,
            dry_run: self.plan_only,
            restarted,
        };
        if !self.plan_only {
            if let Some(recovered) = one.recover(env)? {
                told.recovered(&recovered);
                // It came last: the nodes are where they were to be.
                if one.is_done(&recovered)? {
                    self.told_back(row, None, &mut told, env.now);
                    return Ok(told.ended());
                }
            }
            // Of a step back that was ended before it was decided the backup tells, and it was not made.
            self.trees.complete_shared(&mut told, env)?;
        }
        let source = self.look_at_shared();
        let there = generations(row, &source.observed);
        let stage = match left(row, &there) {
            Ok(stage) => stage,
            Err(refusal) => return Ok(self.refused(told, refusal, env)),
        };
        if stage == Goal::Trust && !self.plan_only {
            tree.has_left_issue(row, restarted, &self.flags)?;
        }
        let reached = Turn::to(row, stage);
        let ground = Ground::as_it_is(&reached, self.kept(), &source);
        let there = there.ok();
        let next = there.as_ref().and_then(|there| there.next.as_ref());
        let goes = next.and_then(Held::certificate);
        let goes = goes.filter(|_| stage == Goal::Trust);
        let signs_again = there.as_ref().and_then(|there| there.others.first());
        let signs_again = signs_again.and_then(Held::certificate);
        let of = &|commands: &[&str]| standing(commands, (row.name, stage.name()));
        let mut all = Vec::new();
        for node in 0..self.trees.cluster.len() {
            let store = self.trees.store(node);
            let roots = there_of(&store, &Root::TREE);
            let tree = Tree::alone((&store, &roots), env.host.name, env.now);
            let mut report = self.report(&tree, node);
            let mut findings = goes.map_or(Ok(Vec::new()), |next| tree.signed_by(next))?;
            // What is to be done about that brings the leaves along.
            if let Some(ahead) = ground.gone_on(&self.copies(node, row), &store) {
                findings = vec![ahead];
            }
            if findings.is_empty()
                && let (Goal::Issue, Some(again)) = (stage, signs_again)
                && store.backups(&roots)?.chosen(of).is_none()
            {
                findings = tree.trusts_no_more(row, again)?;
            }
            if findings.is_empty() {
                self.undo(row, stage, &tree, true, &mut report, env)?;
            } else {
                report.refuse(&Refusal { findings });
            }
            all.push(self.of_node(node, report).without_advice());
        }
        let mut shared = self.report_of_shared(env.now);
        self.undo(row, stage, &tree, true, &mut shared, env)?;
        if !self.plan_only && !shared.is_refused() && !all.iter().any(Node::is_refused) {
            for (node, told) in all.iter_mut().enumerate() {
                let store = self.trees.store(node);
                let roots = there_of(&store, &Root::TREE);
                let tree = Tree::alone((&store, &roots), env.host.name, env.now);
                let mut report = self.report(&tree, node);
                self.undo(row, stage, &tree, false, &mut report, env)?;
                *told = self.of_node(node, report).without_advice();
            }
            if !all.iter().any(Node::is_refused) {
                shared = self.report_of_shared(env.now);
                self.undo(row, stage, &tree, false, &mut shared, env)?;
                self.told_back(row, there.as_ref(), &mut told, env.now);
            }
            let changed = (0..all.len()).filter(|node| all[*node].is_changed());
            let archives = self.trees.stale_archives(changed);
            told.stale_archives(&archives, self.trees.cluster.file());
        }
        told.shared(shared);
        told.nodes(all);
        Ok(told.ended())
    }

    /// Tells what is to be done now; `before` it stood otherwise.
    fn told_back(
        &self,
        row: &'static Profile,
        before: Option<&Generations<Held>>,
        told: &mut Nodes,
        now: OffsetDateTime,
    ) {
        let after = generations(row, &self.look_at_shared().observed).ok();
        self.told_by(told, now, |told, turning| {
            told.turned_back(row, [before, after.as_ref()], turning);
        });
    }

    fn refused(&self, mut told: Nodes, mut refusal: Refusal, env: &Env<'_>) -> Nodes {
        for finding in &mut refusal.findings {
            over_all(&mut finding.way_out);
        }
        let mut shared = self.report_of_shared(env.now);
        shared.refuse(&refusal);
        told.shared(shared);
        told.ended()
    }

    /// Undoes all runs over one tree that brought it to this stage; one that was over none stays as it is.
    fn undo(
        &self,
        row: &'static Profile,
        stage: Goal,
        tree: &Tree<'_>,
        dry_run: bool,
        report: &mut Report,
        env: &mut Env<'_>,
    ) -> Result<(), Stop> {
        let of = &|commands: &[&str]| standing(commands, (row.name, stage.name()));
        let undo = Undo {
            verb: &verb(row, stage),
            store: tree.store,
            within: tree.roots,
            of,
            created: Created::Remove,
            lock_timeout: self.trees.lock_timeout,
            dry_run,
        };
        if !dry_run {
            // What another run is about to write is no backup yet.
            self.trees.wait_for(tree.store, tree.roots, env)?;
        }
        while tree.store.backups(tree.roots)?.chosen(of).is_some() {
            undo.run(report, env)?;
            if dry_run || report.is_refused() {
                break;
            }
        }
        Ok(())
    }
}
