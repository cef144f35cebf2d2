//! `certs all --inventory`: a tree for every node of a cluster, below one directory.
//!
//! What all nodes share, the CAs and the service account keys, is kept and made in one place there; each
//! node gets its copies of it, and certificates of its own that those CAs sign. All nodes are judged before
//! the first file is written, and each is then one commit of its own.

pub(super) mod archive;
pub(super) mod facts;
mod fresh;
pub(super) mod kept;
mod lost;
pub(super) mod readers;
pub(super) mod requests;
pub(super) mod round;
pub(super) mod signing;
pub(super) mod trees;

use std::sync::Arc;

use time::OffsetDateTime;

use super::all::give_cluster;
use super::around::{Wrong, ended_nodes, least, lock_timeout, quiet};
use super::count::{Count, Told};
use super::generate::{owner, passphrases};
use super::job::Job;
use super::{Env, Outcome, Stop, changed};
use crate::cli::All;
use crate::diff::not_needed;
use crate::facts::{Given, Version};
use crate::finding::Severity;
use crate::location::Root;
use crate::observe::{Passphrases, Seen, observe};
use crate::observed::Observed;
use crate::plan::{Force, Policy};
use crate::profile::reader::Changed;
use crate::profile::{CLUSTER, Signer};
use crate::report::{INTERRUPTED, Node, Nodes, Report, Stage};
use crate::spec::Spec;
use crate::store::{self, Roots, Store, Writer, overlays};

use facts::{Asked, Settled, Wanted};
use readers::Readers;
use trees::{Trees, crossed, locked};

const VERB: &str = "all";

/// Makes what lacks of every node of an inventory.
pub(crate) fn run(verb: &All, env: &mut Env<'_>) -> Outcome {
    let report = attempt(verb, env);
    ended_nodes(report, &verb.run, env)
}

/// What is settled before a directory is looked at.
struct Run<'a> {
    trees: Trees,
    /// What all nodes share, where that is made.
    shared: Job,
    /// What may be replaced of what is a node's own.
    force: Force<'static>,
    /// That of the cluster, if it was stated.
    version: Option<Version>,
    archive: bool,
    plan_only: bool,
    least: Severity,
    told: Told<'a>,
}

fn attempt(verb: &All, env: &mut Env<'_>) -> Result<Nodes, Stop> {
    let (run, notes) = settle(verb, env)?;
    if !run.plan_only {
        (env.begun)(INTERRUPTED);
    }
    run.trees.check_places()?;
    run.check_archives()?;
    let alone = run.trees.alone(run.plan_only, env)?;
    let mut told = Nodes::new(VERB, env.now, &run.trees.out, run.least, notes);
    let mut left = run.trees.cluster.others(overlays(&run.trees.out)?);
    left.extend(run.other_archives()?);
    left.sort();
    told.left(left);
    if !run.plan_only {
        run.trees.complete_shared(&mut told, env)?;
    }
    let cluster = &run.trees.cluster;
    told.noted(signing::encrypted(
        cluster,
        &run.shared.specs,
        &run.shared.store,
    ));
    let mut shared = run.report(&run.shared.store, None, env.now);
    match run.lost() {
        Some(lost) => shared.refuse(&lost),
        None => {
            run.shared.carry_out(VERB, true, &mut shared, env)?;
        }
    }
    let (mut each, mut replaced, mut archives) = (Vec::new(), Vec::new(), Vec::new());
    if !shared.is_refused() {
        if !run.plan_only {
            run.trees.complete(alone.as_ref(), &mut told, env)?;
        }
        (each, replaced) = run.plan(env.host.name, env.now)?.into_iter().unzip();
        archives = run.plan_archives(&each)?;
    }
    if run.plan_only || shared.is_refused() || each.iter().any(Node::is_refused) {
        told.shared(shared);
    } else {
        run.shared.store.make_private(Root::Pki)?;
        let alone = match alone {
            Some(alone) => alone,
            None => run.trees.above(env)?,
        };
        let mut shared = run.report(&run.shared.store, None, env.now);
        run.shared.carry_out(VERB, false, &mut shared, env)?;
        told.shared(shared);
        told.stale_archives(&run.stale_archives(&each), run.trees.cluster.file());
        run.carry_out(&mut each, &alone, env)?;
        run.write_archives(&archives, &mut each, &alone)?;
    }
    for (node, archived) in each.iter_mut().zip(archives) {
        node.archived(archived);
    }
    if !each.iter().any(Node::is_refused) && replaced.iter().any(|of_node| !of_node.is_empty()) {
        let mut readers = Readers::default();
        for (node, replaced) in replaced.iter().enumerate() {
            readers.add(&mut told, &run.trees.cluster, node, replaced, run.version);
        }
        told = told.with_processes(readers.unknown);
    }
    told.nodes(each);
    Ok(told.ended())
}

fn settle<'a>(verb: &All, env: &mut Env<'a>) -> Result<(Run<'a>, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    let mut notes = Vec::new();
    let files = &verb.signing.ca_passphrase_file;
    let passphrases = wrong.collect(passphrases(files, &mut notes, env))?;
    let owner = wrong.collect(owner(&verb.ownership))?;
    wrong.collect(quiet(&verb.run))?;
    // Flags about one node do not go with an inventory.
    let mut given = Given::default();
    give_cluster(verb, &mut given);
    let asked = Asked {
        inventory: verb.nodes.inventory.as_ref(),
        out: verb.nodes.out.as_ref(),
        ca_keys: verb.nodes.ca_keys,
        tree: &verb.run.tree,
        given,
        makes: true,
    };
    let settled = wrong.collect(facts::settle(asked, env))?;
    let (Some(lock_timeout), Some(passphrases), Some(owner), Some(settled), true) = (
        lock_timeout,
        passphrases,
        owner,
        settled,
        wrong.0.is_empty(),
    ) else {
        return Err(Stop::Usage(wrong.0));
    };
    let Settled {
        cluster,
        specs,
        facts,
        given,
        out,
        dry_run,
        notes: mut of_facts,
        ..
    } = settled;
    notes.append(&mut of_facts);
    let store = Store::open(Roots::shared(&out));
    let above = store.clone();
    // Who can write there can put a CA of their own in its place, and any node's tree.
    let between = cluster.above();
    let adapt = move |_: &mut Vec<Spec>, seen: &mut Seen| {
        seen.look_at_directories(&between, &above);
        Ok(Vec::new())
    };
    let shared = Job {
        specs,
        issuers: Vec::new(),
        store,
        passphrases,
        owner,
        policy: Policy {
            force: Force::No,
            founding: true,
            backup: !verb.signing.no_backup,
        },
        lock_timeout,
        also: Vec::new(),
        of_many: true,
        reads: Vec::new(),
        adapt: Some(Box::new(adapt)),
    };
    let trees = Trees {
        cluster: Arc::new(cluster),
        out,
        shared: shared.store.clone(),
        lock_timeout,
    };
    let run = Run {
        trees,
        shared,
        force: Force::Stated {
            replace: verb.signing.force,
        },
        version: given.version(&facts),
        archive: verb.nodes.archive,
        plan_only: verb.run.dry_run.or(dry_run).unwrap_or_default(),
        least: least(&verb.run),
        told: Some(env.progress).filter(|_| !verb.run.quiet),
    };
    Ok((run, notes))
}

impl Run<'_> {
    fn report(&self, store: &Store, node: Option<usize>, now: OffsetDateTime) -> Report {
        let name = node.map(|node| self.trees.cluster.name(node).to_owned());
        Report::new(VERB, now, name, store, self.least, Vec::new())
    }

    /// What all nodes share, with the keys open.
    fn look_at_shared(&self) -> Seen {
        let shared = &self.shared;
        let trusted = store::trusted_users(shared.owner);
        let (specs, store) = (&shared.specs, &shared.store);
        let mut source = observe(specs, store, &shared.passphrases, trusted);
        signing::look(&mut source, specs, store);
        source
    }

    /// What is to be done for each node, and what is to be replaced there.
    fn plan(&self, host: &str, now: OffsetDateTime) -> Result<Vec<(Node, Vec<Changed>)>, Stop> {
        let source = Arc::new(self.look_at_shared());
        let locked = locked(&self.trees.shared, &self.shared.specs, &source);
        let nodes = self.trees.cluster.len();
        let planned = Count::new(self.told, Stage::Judging, nodes).each(nodes, |node| {
            let job = self.node(node, &source)?;
            let mut report = self.report(&job.store, Some(node), now);
            let judged = job.foretell(&Root::TREE, &mut report, (host, now))?;
            let replaced = judged.as_ref().map_or_else(Vec::new, changed::replaced);
            let told = self.of_node(node, report);
            // What all share would be made before it is found that this cannot be.
            if told.changes() && !self.plan_only && !self.trees.is_new(node) {
                job.store.check_writable(&Root::TREE)?;
            }
            Ok((told, replaced))
        });
        let planned: Vec<(Node, Vec<Changed>)> =
            planned.into_iter().collect::<Result<_, Stop>>()?;
        // It is told of where it lies, and not of each node.
        if !locked.is_empty() && planned.iter().any(|(node, _)| node.is_refused()) {
            return Err(Stop::Usage(locked));
        }
        Ok(planned)
    }

    /// Does it.
    fn carry_out(&self, nodes: &mut [Node], alone: &Writer, env: &mut Env<'_>) -> Result<(), Stop> {
        let mut source = self.look_at_shared();
        if let Signer::Ca(signs) = CLUSTER {
            let Trees { cluster, out, .. } = &self.trees;
            source.crossed = crossed(cluster, out, (&source, signs), env.now);
        }
        let source = Arc::new(source);
        let (fresh, changing): (Vec<usize>, Vec<usize>) = (0..nodes.len())
            .filter(|node| nodes[*node].changes())
            .partition(|node| self.trees.is_new(*node));
        let count = Count::new(self.told, Stage::Making, fresh.len() + changing.len());
        let made = self.make(&fresh, &source, &count, alone, env.now)?;
        // Another run may have made some while this one waited for it.
        let since = fresh.into_iter().filter(|node| !made.contains_key(node));
        for node in changing.into_iter().chain(since) {
            let job = self.node(node, &source)?;
            let mut report = self.report(&job.store, Some(node), env.now);
            job.carry_out(VERB, false, &mut report, env)?;
            nodes[node] = self.of_node(node, report);
            count.one();
        }
        for (node, told) in made {
            nodes[node] = told;
        }
        for node in nodes {
            node.keeps();
        }
        Ok(())
    }

    /// What is to be done for one node. As long as a CA is not made, which comes first, it is among what is
    /// wanted, so that the rest can be judged.
    fn node(&self, node: usize, source: &Arc<Seen>) -> Result<Job, Stop> {
        let Wanted { copies, own } = self.trees.cluster.wanted(node)?;
        let lacks = |spec: &&Spec| {
            let found = source.observed.get(&spec.name);
            found.is_none_or(Observed::is_absent)
        };
        let (missing, issuers): (Vec<&Spec>, Vec<&Spec>) =
            self.shared.specs.iter().partition(lacks);
        let specs = missing.into_iter().chain(&copies).chain(&own).cloned();
        let source = Arc::clone(source);
        let of_nodes = copies.clone();
        let store = self.trees.store(node);
        let beside = store.clone();
        let adapt = move |wanted: &mut Vec<Spec>, seen: &mut Seen| {
            for copy in &of_nodes {
                seen.share(copy, &source);
            }
            seen.crossed.clone_from(&source.crossed);
            // What signs is kept in one place.
            let observed = source.observed.iter();
            seen.observed
                .extend(observed.map(|(name, found)| (name.clone(), found.clone())));
            let wanted = wanted.iter().flat_map(|spec| spec.place.files());
            let mut there = Vec::new();
            for root in Root::TREE {
                there.extend(beside.list(root).map_err(anyhow::Error::from)?);
            }
            Ok(not_needed(&there, &wanted.collect::<Vec<_>>()))
        };
        Ok(Job {
            specs: specs.collect(),
            issuers: issuers
                .into_iter()
                .filter(|spec| spec.is_ca())
                .cloned()
                .collect(),
            store,
            passphrases: Passphrases::default(),
            owner: self.shared.owner,
            policy: Policy {
                force: self.force,
                ..self.shared.policy
            },
            lock_timeout: self.shared.lock_timeout,
            also: Vec::new(),
            of_many: true,
            reads: Vec::new(),
            adapt: Some(Box::new(adapt)),
        })
    }

    /// What is told of the CAs once need not be told of every node.
    fn of_node(&self, node: usize, report: Report) -> Node {
        let shared = |name: &str| self.shared.specs.iter().any(|spec| spec.name == name);
        report.of_node(self.trees.cluster.name(node), shared)
    }
}
