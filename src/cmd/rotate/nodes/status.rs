//! How far each is, and which nodes are not.

use super::super::tree::Tree;
use super::Run;
use super::ground::Ground;
use crate::cmd::nodes::trees::there_of;
use crate::cmd::{Env, Stop};
use crate::diff::{Held, Stage, generations};
use crate::location::{FileId, Root};
use crate::observe::Seen;
use crate::observed::Observed;
use crate::plan::{Goal, Turn, astray};
use crate::profile::Profile;
use crate::profile::rotation::rotated;
use crate::report::{Node, Nodes};
use crate::rollback::ended;
use crate::store::Store;

impl Run<'_> {
    pub(super) fn status(&self, mut told: Nodes, env: &mut Env<'_>) -> Result<Nodes, Stop> {
        let store = &self.trees.shared;
        let roots = [Root::Pki];
        let lock = store.lock_shared(&roots)?;
        let mut shared = self.report_of_shared(env.now);
        if let Some(journal) = lock.interrupted()? {
            shared.unplanned(journal);
            told.shared(shared);
            return Ok(told.ended());
        }
        shared.busy(lock.busy().is_some());
        told.shared(shared);
        let runs = store.backups(&roots)?.runs;
        let commands: Vec<&str> = runs.iter().map(|run| run.origin.command.as_str()).collect();
        if let Some(what) = ended(&commands) {
            self.told_by(&mut told, env.now, |told, turning| {
                told.former_key_left(what, turning);
            });
        }
        let over = Tree::alone((store, &roots), env.host.name, env.now);
        let source = self.look_at_shared();
        for row in rotated() {
            let found = source.observed.get(row.name);
            if found.is_none_or(Observed::is_absent) {
                continue;
            }
            let half = self.half_way(row, &source);
            let (behind, under_way) = match half {
                Some((goal, behind)) => (behind, Some(goal)),
                None => (self.behind(&over, row, &source, env)?, None),
            };
            if under_way.is_none() {
                self.signed_ahead(row, &source, &mut told, env)?;
            }
            let lacking = behind.iter().all(|name| {
                let store = Store::of_node(&self.trees.out, name);
                there_of(&store, &Root::TREE).is_empty()
            });
            let issued = over.issued(row)?;
            self.told_by(&mut told, env.now, |told, turning| {
                told.how_far(
                    row,
                    (&source.observed, issued),
                    (behind, lacking, under_way),
                    turning,
                );
            });
        }
        Ok(told.ended())
    }

    /// The stage that a run which was ended had brought some nodes to, and those that it did not get to: what all share
    /// comes last.
    pub(super) fn half_way(
        &self,
        row: &'static Profile,
        source: &Seen,
    ) -> Option<(Goal, Vec<String>)> {
        let stage = generations(row, &source.observed).ok()?.stage;
        let then = Goal::after(stage);
        let is_ahead = |node: usize| {
            let copies = self.copies(node, row);
            let file = copies.first()?.place.public();
            let there = self.trees.store(node).read(&file).ok().flatten()?;
            let (_, goal) = astray(&source.observed, &file, &there.bytes)?;
            (goal == then).then_some(())
        };
        let nodes = 0..self.trees.cluster.len();
        let (ahead, others): (Vec<usize>, Vec<usize>) =
            nodes.partition(|node| is_ahead(*node).is_some());
        let name = |node: usize| self.trees.cluster.name(node).to_owned();
        let mut behind = others;
        behind.retain(|node| !self.copies(*node, row).is_empty());
        (!ahead.is_empty()).then(|| (then, behind.into_iter().map(name).collect()))
    }

    /// Tells of nodes that have certificates of the CA that waits: another verb than a stage made their CA's file that of all.
    fn signed_ahead(
        &self,
        row: &'static Profile,
        source: &Seen,
        told: &mut Nodes,
        env: &Env<'_>,
    ) -> Result<(), Stop> {
        let there = generations(row, &source.observed).ok();
        let next = there.and_then(|there| there.next);
        let Some(next) = next.as_ref().and_then(Held::certificate) else {
            return Ok(());
        };
        let mut names = Vec::new();
        for node in 0..self.trees.cluster.len() {
            let store = self.trees.store(node);
            let roots = there_of(&store, &Root::TREE);
            let tree = Tree::alone((&store, &roots), env.host.name, env.now);
            if !tree.signed_by(next)?.is_empty() {
                names.push(self.trees.cluster.name(node).to_owned());
            }
        }
        told.signed_ahead(&names, next, (row, &self.flags));
        Ok(())
    }

    /// The nodes for which a run that goes where what all share is would have something to do, or is refused.
    fn behind(
        &self,
        over: &Tree<'_>,
        row: &'static Profile,
        source: &Seen,
        env: &Env<'_>,
    ) -> Result<Vec<String>, Stop> {
        let goal = match generations(row, &source.observed).map(|there| there.stage) {
            Ok(Stage::Trust) => Goal::Trust,
            Ok(Stage::Issue) => Goal::Issue,
            Ok(Stage::Start) => return Ok(self.differing(row, source)),
            Err(_) => return Ok(Vec::new()),
        };
        let turn = over.in_turn(&Turn::to(row, goal))?;
        let ground = Ground::as_it_is(&turn, self.kept(), source);
        let all = self.plan(&ground, env)?;
        let behind = |node: &Node| node.changes() || node.is_refused();
        let names = all.iter().enumerate().filter(|(_, node)| behind(node));
        let names = names.map(|(node, _)| self.trees.cluster.name(node).to_owned());
        Ok(names.collect())
    }

    /// The nodes of which a copy is another than what all share.
    fn differing(&self, row: &Profile, source: &Seen) -> Vec<String> {
        let mut names = Vec::new();
        for node in 0..self.trees.cluster.len() {
            let store = self.trees.store(node);
            let copies = self.copies(node, row);
            let mut files = copies.iter().flat_map(|copy| copy.place.files());
            let other = |file: FileId| {
                let of = source.files.get(&file);
                let there = store.read(&file).ok().flatten();
                of.zip(there)
                    .is_some_and(|(of, there)| of.bytes != there.bytes)
            };
            if files.any(other) {
                names.push(self.trees.cluster.name(node).to_owned());
            }
        }
        names
    }
}
