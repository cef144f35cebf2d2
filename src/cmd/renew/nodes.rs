//! `certs renew --inventory`: what is due of every node's tree, signed with what is kept for all of them.
//!
//! What all nodes share is renewed first, if it was named: the nodes are judged as they will be then, before
//! the first file is written. What a run that ended did not get to is told by the files: a copy of what was
//! renewed is of the former certificate, and follows with the next run.

mod known;
mod settle;
mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use time::OffsetDateTime;

use super::tree::{OneOf, Tree};
use super::{VERB, asked};
use crate::cli::Renew;
use crate::cmd::around::ended_nodes;
use crate::cmd::changed;
use crate::cmd::count::{Count, Told};
use crate::cmd::hook::{Hook, run_hook};
use crate::cmd::nodes::kept::{Kept, told_of_many};
use crate::cmd::nodes::readers::Readers;
use crate::cmd::nodes::trees::{Trees, locked, there_of};
use crate::cmd::sequence::{Carried, Judge, Judged, Sequence};
use crate::cmd::{Env, Outcome, Stop};
use crate::diff::{Notice, treeless};
use crate::facts::Version;
use crate::finding::{Code, Severity};
use crate::location::{FileId, Root};
use crate::observe::{Passphrases, Seen};
use crate::plan::{Plan, Renewal};
use crate::profile::Profile;
use crate::profile::found::is_rotated;
use crate::profile::reader::Changed;
use crate::report::{Node, Nodes, RENEWAL_INTERRUPTED, Report, Stage};
use crate::spec::Spec;
use crate::store::{Store, overlays};

use known::Known;
use shared::renews_a_ca;

/// What is settled before a directory is looked at.
struct Run<'a> {
    trees: Trees,
    /// What all nodes share.
    specs: Vec<Spec>,
    names: Vec<String>,
    /// Those of the nodes that it is about.
    nodes: Vec<usize>,
    /// Where those were named: all that their kubelets need, and what else ends within this.
    back: Option<Notice>,
    typed: asked::Typed,
    renewal: Renewal,
    /// That of the cluster, if it was stated.
    version: Option<Version>,
    passphrases: Passphrases,
    plan_only: bool,
    least: Severity,
    hook: Option<String>,
    told: Told<'a>,
}

/// What came of one node.
struct One {
    node: Node,
    changed: Vec<Changed>,
    /// Of that what an interrupted run had written, which was completed before.
    finished: Vec<Changed>,
    files: Vec<FileId>,
    known: Known,
}

/// What signs, as it is or will be, and which of it was named.
struct Signing {
    source: Seen,
    cas: BTreeSet<String>,
}

pub(super) fn run(verb: Renew, env: &mut Env<'_>) -> Outcome {
    let run = verb.run.clone();
    ended_nodes(attempt(verb, env), &run, env)
}

fn attempt(verb: Renew, env: &mut Env<'_>) -> Result<Nodes, Stop> {
    let (run, notes) = settle::settle(verb, env)?;
    if !run.plan_only {
        (env.begun)(RENEWAL_INTERRUPTED);
    }
    let trees = &run.trees;
    let alone = trees.alone(run.plan_only, env)?;
    let mut told = Nodes::new(VERB, env.now, &trees.out, run.least, notes);
    told.left(trees.cluster.others(overlays(&trees.out)?));
    let mut finished = BTreeMap::new();
    if !run.plan_only {
        trees.complete_shared(&mut told, env)?;
        finished = trees.complete(alone.as_ref(), &mut told, env)?;
    }
    let (mut shared, carried) = run.over_shared(true, env)?;
    let Some(carried) = carried.filter(|_| !shared.is_refused()) else {
        told.shared(shared);
        return Ok(told.ended());
    };
    let mut known = Known::of(&run.names, &carried.judged, &trees.shared, &run.renewal)?;
    let mut signing = Signing {
        source: run.look_at_shared(),
        cas: known.cas(),
    };
    run.foresee(&carried.judged, &mut signing.source, env.now)?;
    let mut all = run.plan(&signing, &finished, env)?;
    for one in &mut all {
        known.add(std::mem::take(&mut one.known));
    }
    known.heed(&run.names, run.typed, &run.renewal, &trees.cluster)?;
    let locked = locked(&trees.shared, &run.specs, &signing.source);
    let unsigned = |one: &One| one.node.is_refused() || one.node.tells(Code::CaKeyLocked);
    if !locked.is_empty() && all.iter().any(unsigned) {
        return Err(Stop::Usage(locked));
    }
    let mut goes_on = !all.iter().any(|one| one.node.is_refused());
    let mut of_shared = Vec::new();
    if !run.plan_only && goes_on {
        let carried;
        (shared, carried) = run.over_shared(false, env)?;
        let done = carried.filter(|_| !shared.is_refused());
        goes_on = done.is_some();
        if let Some(Carried {
            judged,
            finished: by,
        }) = done
        {
            if judged.planning.as_ref().is_ok_and(renews_a_ca) {
                told.renewed_ca();
            }
            of_shared = changed::changed(&judged, &by);
            signing.source = run.look_at_shared();
            run.carry_out(&mut all, &signing, &finished, env)?;
        }
    }
    if !goes_on {
        for one in &mut all {
            one.changed = std::mem::take(&mut one.finished);
        }
    }
    told.shared(shared);
    // What is called now may be a run over all nodes itself.
    drop(alone);
    let names = of_shared.into_iter().map(|item| item.name).collect();
    Ok(run.tell(told, names, all, env))
}

impl Run<'_> {
    /// What a run over one tree needs, given to `work`.
    fn over<T>(
        &self,
        node: usize,
        signing: &Signing,
        (host, now): (&str, OffsetDateTime),
        work: impl FnOnce(&Tree<'_>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let cluster = &self.trees.cluster;
        let store = self.trees.store(node);
        let roots = there_of(&store, &Root::TREE);
        let stated = cluster.stated(node)?;
        let over = |row: &Profile, there| cluster.over(node, &stated, row, there);
        let copies = self.copies(node, &signing.source);
        work(&Tree {
            store: &store,
            roots: &roots,
            names: &self.names,
            typed: self.typed,
            renewal: &self.renewal,
            over: Some(&over),
            one_of: Some(OneOf {
                kept: Kept {
                    source: &signing.source,
                    specs: &self.specs,
                    copies: &copies,
                },
                cas: &signing.cas,
                back: self.back,
            }),
            host,
            now,
            above: &[],
        })
    }

    /// What is to be done for each node.
    fn plan(
        &self,
        signing: &Signing,
        finished: &BTreeMap<usize, Vec<FileId>>,
        env: &Env<'_>,
    ) -> Result<Vec<One>, Stop> {
        let around = (env.host.name, env.now);
        let nodes = self.nodes.len();
        let planned = Count::new(self.told, Stage::Judging, nodes).each(nodes, |index| {
            let node = self.nodes[index];
            self.over(node, signing, around, |tree| {
                let mut report = self.report(tree.store, node, tree.now);
                let lock = tree.store.lock_shared(tree.roots)?;
                if let Some(journal) = lock.interrupted()? {
                    report.unplanned(journal);
                    return Ok(self.one(node, report, None, &[]));
                }
                let judged = judged(tree, signing)?;
                report.busy(lock.busy().is_some());
                report.planned(&judged.planning, &judged.seen);
                let finished = finished.get(&node).map_or(&[][..], Vec::as_slice);
                let mut one = self.one(node, report, Some(&judged), finished);
                one.known = Known::of(&self.names, &judged, tree.store, &self.renewal)?;
                if self.back.is_some() && tree.roots.is_empty() {
                    return Err(self.treeless(node));
                }
                Ok(one)
            })
        });
        planned.into_iter().collect()
    }

    fn treeless(&self, node: usize) -> Stop {
        Stop::usage(format!(
            "{} has no tree in {}: 'certs all --inventory FILE --out DIR' makes it",
            self.trees.cluster.name(node),
            self.trees.out.display()
        ))
    }

    /// Does it, node by node.
    fn carry_out(
        &self,
        all: &mut [One],
        signing: &Signing,
        finished: &BTreeMap<usize, Vec<FileId>>,
        env: &mut Env<'_>,
    ) -> Result<(), Stop> {
        let changing = all.iter().filter(|one| one.node.changes()).count();
        let count = Count::new(self.told, Stage::Making, changing);
        for (one, node) in all.iter_mut().zip(&self.nodes) {
            if !one.node.changes() {
                one.node.keeps();
                continue;
            }
            let around = (env.host.name, env.now);
            *one = self.over(*node, signing, around, |tree| {
                let mut report = self.report(tree.store, *node, tree.now);
                let none = Passphrases::default();
                let sequence = Sequence::over(
                    VERB,
                    (tree.store, tree.roots),
                    &none,
                    self.trees.lock_timeout,
                    false,
                );
                let judge: &Judge<'_> = &|_, _| judged(tree, signing);
                let carried = sequence.run(judge, &mut report, env)?;
                let before = finished.get(node).cloned().unwrap_or_default();
                let finished = carried
                    .as_ref()
                    .map_or(&[][..], |carried| &carried.finished);
                let finished = [&before, finished].concat();
                let judged = carried.as_ref().map(|carried| &carried.judged);
                Ok(self.one(*node, report, judged, &finished))
            })?;
            count.one();
        }
        Ok(())
    }

    fn report(&self, store: &Store, node: usize, now: OffsetDateTime) -> Report {
        let name = self.trees.cluster.name(node).to_owned();
        Report::new(VERB, now, Some(name), store, self.least, Vec::new())
    }

    /// What is told of the CAs once need not be told of every node.
    fn one(
        &self,
        node: usize,
        report: Report,
        judged: Option<&Judged>,
        finished: &[FileId],
    ) -> One {
        let shared = |name: &str| self.specs.iter().any(|spec| spec.name == name);
        let (changed, finished) = changed::and_finished(judged, finished);
        let plan = judged.and_then(|judged| judged.planning.as_ref().ok());
        let steps = plan.map_or(&[][..], |plan| &plan.steps);
        let steps = steps.iter().filter(|planned| !planned.step.keeps());
        One {
            files: steps
                .flat_map(|planned| planned.spec.place.files())
                .collect(),
            node: report.of_node(self.trees.cluster.name(node), shared),
            changed,
            finished,
            known: Known::default(),
        }
    }

    /// What changed on which node, and what is to be done there.
    fn tell(
        &self,
        mut told: Nodes,
        mut names: Vec<String>,
        all: Vec<One>,
        env: &mut Env<'_>,
    ) -> Nodes {
        let mut each = Vec::new();
        let mut readers = Readers::default();
        for (one, node) in all.into_iter().zip(&self.nodes) {
            let name = self.trees.cluster.name(*node);
            let of_node = one
                .changed
                .iter()
                .map(|item| format!("{name}/{}", item.name));
            names.extend(of_node);
            let cluster = &self.trees.cluster;
            readers.add(&mut told, cluster, *node, &one.changed, self.version);
            if self.back.is_some() && one.node.is_changed() {
                let store = self.trees.store(*node);
                // What the link of a kubelet leads to goes before it.
                let target = |file: &FileId| {
                    let link = store
                        .read(file)
                        .ok()
                        .flatten()
                        .filter(|_| is_rotated(file))?;
                    let name = std::str::from_utf8(&link.bytes).ok()?;
                    Some(FileId::new(file.root, name))
                };
                let files = one.files.into_iter();
                let files = files.flat_map(|file| target(&file).into_iter().chain([file]));
                let files: Vec<PathBuf> = files.map(|file| store.path(&file)).collect();
                told.copied_to(name, &files);
            }
            each.push(one.node);
        }
        // One that several kubeconfigs name stands there for each.
        names.dedup();
        let changed = self.nodes.iter().zip(&each);
        let changed = changed.filter(|(_, told)| told.is_changed());
        let stale = self.trees.stale_archives(changed.map(|(node, _)| *node));
        told.stale_archives(&stale, self.trees.cluster.file());
        told.nodes(each);
        let mut told = told.with_processes(readers.unknown.clone()).ended();
        let hook = self.hook.as_deref();
        if let Some(command) = hook.filter(|_| !self.plan_only && !names.is_empty()) {
            let restarted: Vec<&str> = readers.restarted.into_iter().collect();
            let hook = Hook::of_nodes(command, &names, &restarted, &readers.unknown);
            told.ran(command, &hook.environment, run_hook(&hook, env));
        }
        told
    }
}

/// What is to be done, with the ways out of who has many nodes.
fn judged(tree: &Tree<'_>, signing: &Signing) -> Result<Judged, Stop> {
    if tree.roots.is_empty() {
        let planning = Ok(Plan {
            ground: vec![treeless()],
            steps: Vec::new(),
        });
        return Ok(Judged {
            seen: Seen::default(),
            specs: Vec::new(),
            planning,
        });
    }
    let mut judged = tree.judge(&Passphrases::default())?;
    told_of_many(&mut judged, &signing.source.observed);
    Ok(judged)
}
