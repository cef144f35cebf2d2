//! All nodes back to the stage before, and what they share last: that tells how far they are.
//!
//! What a node's own backup has is put back. One that came since, or was changed, is brought there as to a stage.

use std::collections::BTreeSet;
use std::sync::Arc;

use time::OffsetDateTime;

use super::super::back::{Back, left, onward, verb};
use super::super::command;
use super::super::tree::Tree;
use super::Run;
use super::ground::Ground;
use crate::cmd::nodes::trees::there_of;
use crate::cmd::undo::Undo;
use crate::cmd::{Env, Stop};
use crate::diff::{Generations, Held, generations, over_all};
use crate::finding::{Code, Finding};
use crate::key::PrivateKey;
use crate::location::{FileId, Root};
use crate::observe::{Seen, former};
use crate::observed::{Ahead, Octets};
use crate::plan::{Goal, Refusal, Turn};
use crate::profile::{Kind, Profile};
use crate::report::{Node, Nodes, Report};
use crate::rollback::{Created, Fate, fates, standing};
use crate::store::FileContent;
use crate::x509::cert::Certificate;

/// A step back over all nodes.
struct Step<'a> {
    row: &'static Profile,
    /// The stage that is taken back.
    stage: Goal,
    /// The CA that goes with it.
    goes: Option<&'a Certificate>,
    /// The one that signs again.
    again: Option<&'a Certificate>,
    /// What a node stands on that has no backup of the stage.
    ground: Ground<'a>,
}

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
            Err(refusal) => {
                if let (Ok(there), false) = (&there, self.plan_only)
                    && let Some(gone) = tree.before_back(row, there)?
                {
                    self.told_back(row, Some(&gone), &mut told, env.now);
                }
                return Ok(self.refused(told, refusal, env));
            }
        };
        if stage == Goal::Trust && !self.plan_only {
            tree.has_left_issue(row, restarted, &self.flags)?;
        }
        let reached = Turn {
            back: true,
            ..tree.in_turn(&Turn::to(row, stage))?
        };
        let there = there.ok();
        let ahead = self.comes_back((row, stage), there.as_ref(), &source)?;
        let ground = Ground {
            ahead: Arc::new(ahead),
            ..Ground::as_it_is(&reached, self.kept(), &source)
        };
        let next = there.as_ref().and_then(|there| there.next.as_ref());
        let others = there.as_ref().and_then(|there| there.others.first());
        let step = Step {
            row,
            stage,
            goes: next
                .and_then(Held::certificate)
                .filter(|_| stage == Goal::Trust),
            again: others
                .and_then(Held::certificate)
                .filter(|_| stage == Goal::Issue),
            ground,
        };
        let mut all = Vec::new();
        let mut anew = BTreeSet::new();
        for node in 0..self.trees.cluster.len() {
            let (told, made) = self.plan_back(node, &step, env)?;
            all.push(told.without_advice());
            anew.extend(made.then_some(node));
        }
        let locked = row.kind == Kind::Ca && step.ground.ahead.cas.is_empty();
        if locked && anew.iter().any(|node| all[*node].changes()) {
            return Err(Stop::usage(format!(
                "the key of {} that signs again after this step is encrypted, and nodes that came since are to have certificates \
                 of it: give its passphrase with --ca-passphrase-file",
                row.name
            )));
        }
        let mut shared = self.report_of_shared(env.now);
        self.undo(row, stage, &tree, true, &mut shared, env)?;
        if !self.plan_only && !shared.is_refused() && !all.iter().any(Node::is_refused) {
            for (node, told) in all.iter_mut().enumerate() {
                let made = anew.contains(&node);
                if made && !told.changes() {
                    told.keeps();
                    continue;
                }
                *told = self.take_back(node, &step, made, env)?.without_advice();
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

    /// What is to be done with a node, and whether that is made anew: where nothing can be put back, or something else is in
    /// its place by now.
    fn plan_back(
        &self,
        node: usize,
        step: &Step<'_>,
        env: &mut Env<'_>,
    ) -> Result<(Node, bool), Stop> {
        let (row, stage, ground) = (step.row, step.stage, &step.ground);
        let store = self.trees.store(node);
        let roots = there_of(&store, &Root::TREE);
        let tree = Tree::alone((&store, &roots), env.host.name, env.now);
        let refused = |mut findings: Vec<Finding>| {
            for told in &mut findings {
                over_all(&mut told.way_out);
            }
            let mut report = self.report(&tree, node);
            report.refuse(&Refusal { findings });
            (self.of_node(node, report), false)
        };
        let mut findings = (step.goes).map_or(Ok(Vec::new()), |next| tree.signed_by(next))?;
        // What is to be done about that brings the leaves along.
        if let Some(ahead) = ground.gone_on(&self.copies(node, row), &store) {
            findings = vec![ahead];
        }
        if !findings.is_empty() {
            return Ok(refused(findings));
        }
        let mut report = self.report(&tree, node);
        self.undo(row, stage, &tree, true, &mut report, env)?;
        let told = self.of_node(node, report);
        let of = &|commands: &[&str]| standing(commands, (row.name, stage.name()));
        if roots.is_empty() {
            return Ok((told, false));
        }
        let backups = store.backups(&roots)?;
        let run = backups.chosen(of);
        let run = run.filter(|_| !told.tells(Code::ChangedSince));
        if let Some(again) = step.again {
            findings = tree.trusts_no_more(row, again, run)?;
        }
        if !findings.is_empty() {
            return Ok(refused(findings));
        }
        if run.is_some() {
            return Ok((told, false));
        }
        let told = self.plan_one(node, ground, (env.host.name, env.now))?;
        Ok((told, true))
    }

    /// Takes a node back, by its backup or by what is made `anew`.
    fn take_back(
        &self,
        node: usize,
        step: &Step<'_>,
        anew: bool,
        env: &mut Env<'_>,
    ) -> Result<Node, Stop> {
        if !anew {
            let store = self.trees.store(node);
            let roots = there_of(&store, &Root::TREE);
            let tree = Tree::alone((&store, &roots), env.host.name, env.now);
            let mut report = self.report(&tree, node);
            self.undo(step.row, step.stage, &tree, false, &mut report, env)?;
            let told = self.of_node(node, report);
            // Of several runs of the stage the last may be undone, and what the one before it wrote be another by now.
            if !told.tells(Code::ChangedSince) {
                return Ok(told);
            }
        }
        let command = verb(step.row, step.stage);
        let made = self.carry_out_one(node, &step.ground, &command, env);
        made.map_err(|stop| stop.of_node(self.trees.cluster.name(node)))
    }

    /// What all share once this stage is undone there, for the nodes that have no backup of it: what the runs replaced that
    /// brought it there, and the key that signs then.
    fn comes_back(
        &self,
        (row, stage): (&'static Profile, Goal),
        there: Option<&Generations<Held>>,
        source: &Seen,
    ) -> Result<Ahead, Stop> {
        let store = &self.trees.shared;
        let mut ahead = Ahead::default();
        let runs = store.backups(&[Root::Pki])?.runs;
        let commands: Vec<&str> = runs.iter().map(|run| run.origin.command.as_str()).collect();
        let stands = fates(&commands).into_iter().map(|fate| fate == Fate::Kept);
        let of_stage = command(row, stage.name());
        // The oldest has what was there before all of them.
        for (run, stands) in runs.iter().zip(stands) {
            if stands && run.origin.command == of_stage {
                let copies = former(run, store, Created::Leave).copies.into_iter();
                let octets = |there: FileContent| Octets(Arc::new(there.bytes));
                ahead
                    .files
                    .extend(copies.map(|(file, there)| (file, octets(there))));
            }
        }
        let goes = match (there, stage) {
            (Some(there), Goal::Issue) => Some(&there.present),
            (Some(there), _) => there.next.as_ref(),
            (None, _) => None,
        };
        if let Some(goes) = goes.and_then(Held::certificate) {
            ahead.dropped.push(goes.clone());
            let of = |file: &FileId| {
                let then = ahead.files.get(file).map(|then| &*then.0);
                then.or_else(|| source.files.get(file).map(|there| &there.bytes))
            };
            let chain = of(&row.stored.public()).map(|file| Certificate::from_pem(file));
            let key = of(&row.stored.key());
            let key = key.map(|file| PrivateKey::from_pem(file, self.passphrases.of(row.name)));
            if let (Some(Ok(chain)), Some(Ok(key))) = (chain, key) {
                let then = (chain, Arc::new(key));
                ahead.cas.insert(row.name.to_owned(), then);
            }
        }
        Ok(ahead)
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
        let mut onward = onward(row, stage);
        over_all(&mut onward);
        let undo = Undo {
            verb: &verb(row, stage),
            store: tree.store,
            within: tree.roots,
            of,
            created: Created::Remove,
            onward: Some(onward),
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
