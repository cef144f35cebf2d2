//! `certs rotate --inventory`: every node's tree brought to a stage with what all of them share.
//!
//! The next generation is made where that is kept, and then trusted node by node. A later stage comes the other way
//! round: the nodes are brought to it first, with what all share as it will be, and what that is now tells them from
//! those that a run which ended did not get to. All are judged before the first file is written.

mod back;
mod ground;
mod prune;
mod settle;
mod shared;
mod status;

use anyhow::anyhow;
use time::OffsetDateTime;

use super::tree::{OneOf, Tree};
use super::{Asked, VERB, command};
use crate::cli;
use crate::cmd::around::ended_nodes;
use crate::cmd::count::{Count, Told};
use crate::cmd::nodes::kept::{Kept, told_of_many};
use crate::cmd::nodes::trees::{Trees, crossed, there_of};
use crate::cmd::sequence::{Carried, Judge, Sequence};
use crate::cmd::{Env, Outcome, Stop};
use crate::diff::generations;
use crate::finding::Severity;
use crate::location::{FileId, Root};
use crate::observe::{Passphrases, Seen};
use crate::observed::Observed;
use crate::plan::{Goal, Turn};
use crate::profile::reader::runs_on;
use crate::profile::rotation::name;
use crate::profile::{CLUSTER, Signer};
use crate::report::{INTERRUPTED, Node, Nodes, Report, Stage, Turning};
use crate::spec::Spec;
use crate::store::overlays;

use ground::Ground;

/// What is settled before a directory is looked at.
struct Run<'a> {
    asked: Asked,
    /// What a command has behind it to be over the same nodes.
    flags: String,
    trees: Trees,
    /// What all nodes share.
    specs: Vec<Spec>,
    passphrases: Passphrases,
    plan_only: bool,
    least: Severity,
    told: Told<'a>,
}

pub(super) fn run(verb: &cli::Rotate, env: &mut Env<'_>) -> Outcome {
    let told = attempt(verb, env);
    ended_nodes(told, &verb.run, env)
}

fn attempt(verb: &cli::Rotate, env: &mut Env<'_>) -> Result<Nodes, Stop> {
    let (run, notes) = settle::settle(verb, env)?;
    let trees = &run.trees;
    trees.check_shared()?;
    trees.check_places()?;
    let alone = trees.alone(run.plan_only, env)?;
    let mut told = Nodes::new(VERB, env.now, &trees.out, run.least, notes);
    told.left(trees.cluster.others(overlays(&trees.out)?));
    if !run.plan_only {
        (env.begun)(INTERRUPTED);
        // Of a step back what it ended is to be known.
        if !matches!(run.asked, Asked::Back(..)) {
            trees.complete_shared(&mut told, env)?;
        }
        trees.complete(alone.as_ref(), &mut told, env)?;
    }
    match &run.asked {
        Asked::Back(row, restarted) => run.back(row, *restarted, told, env),
        Asked::Status => run.status(told, env),
        Asked::Turn(turn) => run.turn(turn, told, env),
    }
}

impl Run<'_> {
    fn turn(&self, turn: &Turn, mut told: Nodes, env: &mut Env<'_>) -> Result<Nodes, Stop> {
        self.shared(turn.row)?;
        let over = Tree::alone((&self.trees.shared, &[Root::Pki]), env.host.name, env.now);
        let turn = &over.in_turn(turn)?;
        let (mut shared, carried) = self.over_shared(turn, None, env)?;
        let judged = carried.map(|carried| (carried.judged.seen, carried.judged.planning));
        let Some((mut seen, Ok(plan))) = judged else {
            told.shared(shared);
            return Ok(told.ended());
        };
        if turn.goal == Goal::Issue && Signer::Ca(turn.row.name) == CLUSTER {
            let waits = name(turn.row);
            let signs_already = seen.observed.get(&waits).is_none_or(Observed::is_absent);
            let signs = if signs_already { turn.row.name } else { &waits };
            let Trees { cluster, out, .. } = &self.trees;
            seen.crossed = crossed(cluster, out, (&seen, signs), env.now);
        }
        let mut ground = Ground::of(turn, self.kept(), (&seen, &plan), env.now)?;
        // What all share, once that is there.
        let trusted;
        ground.begun = self.is_begun(turn, &seen);
        let mut all = self.plan(&ground, env)?;
        let refused = |all: &[Node]| all.iter().any(Node::is_refused);
        if !self.plan_only && !refused(&all) {
            if turn.goal == Goal::Trust {
                shared = self.over_shared(turn, Some(&seen), env)?.0;
                trusted = self.look_at_shared();
                ground = Ground {
                    begun: ground.begun,
                    ..Ground::as_it_is(turn, ground.specs, &trusted)
                };
            }
            if !shared.is_refused() {
                self.carry_out(&mut all, &ground, env)?;
            }
            if turn.goal != Goal::Trust && !refused(&all) {
                shared = self.over_shared(turn, Some(&seen), env)?.0;
            }
            let changed = (0..all.len()).filter(|node| all[*node].is_changed());
            let archives = self.trees.stale_archives(changed);
            told.stale_archives(&archives, self.trees.cluster.file());
            if !shared.is_refused() && !refused(&all) {
                if turn.goal == Goal::Drop {
                    self.prune(turn.row, &mut told, env)?;
                }
                let after = self.look_at_shared().observed;
                self.told_by(&mut told, env.now, |told, turning| {
                    told.turned(
                        turn.row,
                        (turn.goal, turn.ended),
                        [&seen.observed, &after],
                        turning,
                    );
                });
            }
        }
        told.shared(shared);
        told.nodes(all);
        Ok(told.ended())
    }

    /// What all nodes share, as a tree of its own; only planned, or done as it was planned over what was `seen`.
    fn over_shared(
        &self,
        turn: &Turn,
        seen: Option<&Seen>,
        env: &mut Env<'_>,
    ) -> Result<(Report, Option<Carried>), Stop> {
        let store = &self.trees.shared;
        let roots = [Root::Pki];
        let mut report = self.report_of_shared(env.now);
        let command = command(turn.row, turn.goal.name());
        let sequence = Sequence::over(
            &command,
            (store, &roots),
            &self.passphrases,
            self.trees.lock_timeout,
            seen.is_none(),
        );
        let above = self.trees.cluster.above();
        let judge: &Judge<'_> = &|passphrases, env| {
            let tree = Tree {
                // Who can write there can put a CA of their own in its place, and any node's tree.
                above: &above,
                ..Tree::alone((store, &roots), env.host.name, env.now)
            };
            let mut judged = tree.judge(turn, passphrases)?;
            // The nodes were brought to what it was to become.
            let same = |seen: &&Seen| seen.files == judged.seen.files;
            if seen.is_some_and(|seen| !same(&seen)) {
                return Err(Stop::Failed(anyhow!(
                    "{} was changed by another run meanwhile, and is not at the stage yet: run the same command again",
                    store.root(Root::Pki).display()
                )));
            }
            let kept = judged.seen.observed.clone();
            told_of_many(&mut judged, &kept);
            Ok(judged)
        };
        let carried = sequence.run(judge, &mut report, env)?;
        if let (Goal::Trust, Some(carried)) = (turn.goal, &carried) {
            report.forewarned(turn.row, &carried.judged.seen);
        }
        Ok((report, carried))
    }

    /// What a run over one tree needs, given to `work`.
    fn over<T>(
        &self,
        node: usize,
        ground: &Ground<'_>,
        (host, now): (&str, OffsetDateTime),
        work: impl FnOnce(&Tree<'_>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let store = self.trees.store(node);
        let roots = there_of(&store, &Root::TREE);
        let copies = self.copies(node, ground.turn.row);
        let before = |file: &FileId, there: &[u8], of: &[u8]| ground.was(file, there, of);
        work(&Tree {
            one_of: Some(OneOf {
                kept: Kept {
                    source: ground.source,
                    specs: &ground.specs,
                    copies: &copies,
                },
                ahead: &ground.ahead,
                before: &before,
            }),
            ..Tree::alone((&store, &roots), host, now)
        })
    }

    /// What is to be done for each node.
    fn plan(&self, ground: &Ground<'_>, env: &Env<'_>) -> Result<Vec<Node>, Stop> {
        let around = (env.host.name, env.now);
        let nodes = self.trees.cluster.len();
        let planned = Count::new(self.told, Stage::Judging, nodes)
            .each(nodes, |node| self.plan_one(node, ground, around));
        planned.into_iter().collect()
    }

    /// Whether a run that was ended began this stage: what all share is there, or the copy that a node has.
    fn is_begun(&self, turn: &Turn, seen: &Seen) -> bool {
        let there = generations(turn.row, &seen.observed).map(|there| there.stage);
        there.is_ok_and(|stage| turn.goal.turned(stage) == Some(None))
            || (self.half_way(turn.row, seen)).is_some_and(|(goal, _)| goal == turn.goal)
    }

    fn plan_one(
        &self,
        node: usize,
        ground: &Ground<'_>,
        around: (&str, OffsetDateTime),
    ) -> Result<Node, Stop> {
        self.over(node, ground, around, |tree| {
            let mut report = self.report(tree, node);
            let lock = tree.store.lock_shared(tree.roots)?;
            if let Some(journal) = lock.interrupted()? {
                report.unplanned(journal);
            } else {
                report.busy(lock.busy().is_some());
                let judged = ground.judge(tree)?;
                report.planned(&judged.planning, &judged.seen);
            }
            let told = self.of_node(node, report);
            // What all share would be brought there before it is found that this cannot be.
            if told.changes() && !self.plan_only {
                tree.store.check_writable(tree.roots)?;
            }
            Ok(told)
        })
    }

    /// Does it, node by node.
    fn carry_out(
        &self,
        all: &mut [Node],
        ground: &Ground<'_>,
        env: &mut Env<'_>,
    ) -> Result<(), Stop> {
        let command = command(ground.turn.row, ground.turn.goal.name());
        let changing = all.iter().filter(|node| node.changes()).count();
        let count = Count::new(self.told, Stage::Making, changing);
        for (node, told) in all.iter_mut().enumerate() {
            if !told.changes() {
                told.keeps();
                continue;
            }
            *told = self
                .carry_out_one(node, ground, &command, env)
                .map_err(|stop| stop.of_node(self.trees.cluster.name(node)))?;
            count.one();
        }
        Ok(())
    }

    fn carry_out_one(
        &self,
        node: usize,
        ground: &Ground<'_>,
        command: &str,
        env: &mut Env<'_>,
    ) -> Result<Node, Stop> {
        let around = (env.host.name, env.now);
        self.over(node, ground, around, |tree| {
            let mut report = self.report(tree, node);
            let no_passphrases = Passphrases::default();
            let sequence = Sequence::over(
                command,
                (tree.store, tree.roots),
                &no_passphrases,
                self.trees.lock_timeout,
                false,
            );
            let judge: &Judge<'_> = &|_, _| ground.judge(tree);
            sequence.run(judge, &mut report, env)?;
            Ok(self.of_node(node, report))
        })
    }

    fn report_of_shared(&self, now: OffsetDateTime) -> Report {
        Report::new(VERB, now, None, &self.trees.shared, self.least, Vec::new())
    }

    fn report(&self, tree: &Tree<'_>, node: usize) -> Report {
        let name = self.trees.cluster.name(node).to_owned();
        Report::new(
            VERB,
            tree.now,
            Some(name),
            tree.store,
            self.least,
            Vec::new(),
        )
    }

    /// What is told of the CAs once need not be told of every node.
    fn of_node(&self, node: usize, report: Report) -> Node {
        let shared = |name: &str| self.specs.iter().any(|spec| spec.name == name);
        report.of_node(self.trees.cluster.name(node), shared)
    }

    /// Has something told of a stage of all nodes.
    fn told_by(
        &self,
        told: &mut Nodes,
        now: OffsetDateTime,
        tell: impl FnOnce(&mut Nodes, &Turning<'_>),
    ) {
        let cluster = &self.trees.cluster;
        let on = |process: &str| {
            let mut nodes = Vec::new();
            for node in 0..cluster.len() {
                if runs_on(cluster.roles(node), process)? {
                    nodes.push(cluster.name(node).to_owned());
                }
            }
            Some(nodes)
        };
        let turning = Turning {
            flags: &self.flags,
            runs_on: &on,
            now,
        };
        tell(told, &turning);
    }
}
