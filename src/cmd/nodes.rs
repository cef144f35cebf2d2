//! `certs all --inventory`: a tree for every node of a cluster, below one directory.
//!
//! What all nodes share, the CAs and the service account keys, is kept and made in one place there; each
//! node gets its copies of it, and certificates of its own that those CAs sign. All nodes are judged before
//! the first file is written, and each is then one commit of its own.

mod facts;

use std::path::PathBuf;
use std::sync::Arc;

use super::around::{Wrong, ended_nodes, least, lock_timeout, quiet};
use super::generate::{owner, passphrases};
use super::job::Job;
use super::sequence::writer;
use super::{Env, Outcome, Stop};
use crate::cli::All;
use crate::diff::not_needed;
use crate::finding::Severity;
use crate::location::Root;
use crate::observe::{Passphrases, Seen, observe};
use crate::observed::Observed;
use crate::plan::{Force, Policy};
use crate::report::{Node, Nodes, Report};
use crate::spec::Spec;
use crate::store::{self, Roots, Store, overlays};

use facts::{Cluster, Settled, Wanted};

const VERB: &str = "all";

/// Makes what lacks of every node of an inventory.
pub(crate) fn run(verb: &All, env: &mut Env<'_>) -> Outcome {
    let report = attempt(verb, env);
    ended_nodes(report, &verb.run, env)
}

/// What is settled before a directory is looked at.
struct Run {
    cluster: Cluster,
    out: PathBuf,
    /// What all nodes share, where that is made.
    shared: Job,
    /// What may be replaced of what is a node's own.
    force: Force<'static>,
    plan_only: bool,
    least: Severity,
}

fn attempt(verb: &All, env: &mut Env<'_>) -> Result<Nodes, Stop> {
    let (run, notes) = settle(verb, env)?;
    let mut told = Nodes::new(VERB, env.now, &run.out, run.least, notes);
    let left = overlays(&run.out)?;
    told.left(left.into_iter().filter(|name| !run.cluster.has(name)));
    let mut shared = run.report(&run.shared.store, None, env);
    run.shared.carry_out(VERB, true, &mut shared, env)?;
    let mut refused = shared.is_refused();
    let mut planned = Vec::new();
    if !refused {
        let source = run.look_at_shared();
        for node in 0..run.cluster.len() {
            let job = run.node(node, &source)?;
            if !run.plan_only {
                complete(&job, &mut told, env)?;
            }
            let mut report = run.report(&job.store, Some(node), env);
            job.carry_out(VERB, true, &mut report, env)?;
            refused |= report.is_refused();
            planned.push(run.of_node(node, report));
        }
    }
    if run.plan_only || refused {
        told.shared(shared);
        told.nodes(planned);
        return Ok(told.ended());
    }
    run.shared.store.make_private(Root::Pki)?;
    let mut shared = run.report(&run.shared.store, None, env);
    run.shared.carry_out(VERB, false, &mut shared, env)?;
    told.shared(shared);
    let source = run.look_at_shared();
    for (node, planned) in planned.iter_mut().enumerate() {
        if planned.changes() {
            let job = run.node(node, &source)?;
            let mut report = run.report(&job.store, Some(node), env);
            job.carry_out(VERB, false, &mut report, env)?;
            *planned = run.of_node(node, report);
        } else {
            planned.keeps();
        }
    }
    told.nodes(planned);
    Ok(told.ended())
}

fn settle(verb: &All, env: &mut Env<'_>) -> Result<(Run, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    let mut notes = Vec::new();
    let files = &verb.signing.ca_passphrase_file;
    let passphrases = wrong.collect(passphrases(files, &mut notes, env))?;
    let owner = wrong.collect(owner(&verb.ownership))?;
    wrong.collect(quiet(&verb.run))?;
    let settled = wrong.collect(facts::settle(verb, env))?;
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
        out,
        dry_run,
        notes: mut of_facts,
    } = settled;
    notes.append(&mut of_facts);
    let shared = Job {
        specs,
        issuers: Vec::new(),
        store: Store::open(Roots::shared(&out)),
        passphrases,
        owner,
        policy: Policy {
            force: Force::No,
            founding: true,
            backup: !verb.signing.no_backup,
        },
        lock_timeout,
        also: Vec::new(),
        reads: Vec::new(),
        adapt: None,
    };
    let run = Run {
        cluster,
        out,
        shared,
        force: if verb.signing.force {
            Force::Drifted
        } else {
            Force::No
        },
        plan_only: dry_run,
        least: least(&verb.run),
    };
    Ok((run, notes))
}

impl Run {
    fn report(&self, store: &Store, node: Option<usize>, env: &Env<'_>) -> Report {
        let name = node.map(|node| self.cluster.name(node).to_owned());
        Report::new(VERB, env.now, name, store, self.least, Vec::new())
    }

    /// What all nodes share, with the keys open.
    fn look_at_shared(&self) -> Arc<Seen> {
        let shared = &self.shared;
        let trusted = store::trusted_users(shared.owner);
        Arc::new(observe(
            &shared.specs,
            &shared.store,
            &shared.passphrases,
            trusted,
        ))
    }

    /// What is to be done for one node. As long as a CA is not made, which comes first, it is among what is
    /// wanted, so that the rest can be judged.
    fn node(&self, node: usize, source: &Arc<Seen>) -> Result<Job, Stop> {
        let Wanted { copies, own } = self.cluster.wanted(node)?;
        let lacks = |spec: &&Spec| {
            let found = source.observed.get(&spec.name);
            found.is_none_or(Observed::is_absent)
        };
        let (missing, issuers): (Vec<&Spec>, Vec<&Spec>) =
            self.shared.specs.iter().partition(lacks);
        let specs = missing.into_iter().chain(&copies).chain(&own).cloned();
        let source = Arc::clone(source);
        let of_nodes = copies.clone();
        let store = Store::of_node(&self.out, self.cluster.name(node));
        let beside = store.clone();
        let adapt = move |wanted: &mut Vec<Spec>, seen: &mut Seen| {
            for copy in &of_nodes {
                seen.share(copy, &source);
            }
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
            reads: Vec::new(),
            adapt: Some(Box::new(adapt)),
        })
    }

    /// What is told of the CAs once need not be told of every node.
    fn of_node(&self, node: usize, report: Report) -> Node {
        let shared = |name: &str| self.shared.specs.iter().any(|spec| spec.name == name);
        report.of_node(self.cluster.name(node), shared)
    }
}

/// Ends what an interrupted run left of a node: what is half of that run cannot be judged.
fn complete(job: &Job, told: &mut Nodes, env: &mut Env<'_>) -> Result<(), Stop> {
    let there = |root: &Root| job.store.has(*root);
    let roots: Vec<Root> = Root::TREE.into_iter().filter(there).collect();
    let lock = job.store.lock_shared(&roots)?;
    if lock.interrupted()?.is_none() {
        return Ok(());
    }
    drop(lock);
    let (_, recovered) = writer(&job.store, [&roots, &[]], job.lock_timeout, env)?;
    if let Some(recovered) = recovered {
        told.recovered(&recovered);
    }
    Ok(())
}
