//! `certs sign --inventory`: the requests of many nodes, each signed by what the inventory says of its node, and of no
//! other.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Signing, VERB, asked, job, look, requests};
use crate::cli::{CaKeys, Sign};
use crate::cmd::around::{Wrong, ended_nodes, least, lock_timeout, quiet, roots};
use crate::cmd::generate::{owner, passphrases};
use crate::cmd::give::Give;
use crate::cmd::job::Job;
use crate::cmd::nodes::facts::{self, Asked, Cluster};
use crate::cmd::nodes::requests::folders;
use crate::cmd::nodes::round::{Finished, Round, Who};
use crate::cmd::nodes::trees::{complete, locked};
use crate::cmd::{Env, Outcome, Stop};
use crate::facts::Given;
use crate::location::Root;
use crate::observe::{Passphrases, Seen, observe};
use crate::plan::Found;
use crate::profile::Profile;
use crate::report::{INTERRUPTED, Node, Nodes};
use crate::spec::Spec;
use crate::store::{self, Roots, SHARED, Store, request_folder};

/// What is settled before a directory is looked at.
struct Run {
    cluster: Cluster,
    /// The CAs that may sign.
    cas: Vec<Spec>,
    roots: Roots,
    /// That of the requests, and whose are there.
    directory: PathBuf,
    nodes: Vec<Who>,
    /// Whether that is one node's own.
    alone: bool,
    signing: Signing,
    passphrases: Passphrases,
    plan_only: bool,
}

pub(super) fn run(verb: &Sign, inventory: &PathBuf, env: &mut Env<'_>) -> Outcome {
    ended_nodes(attempt(verb, inventory, env), &verb.run, env)
}

fn attempt(verb: &Sign, inventory: &PathBuf, env: &mut Env<'_>) -> Result<Nodes, Stop> {
    let (run, notes) = settle(verb, inventory, env)?;
    let least = least(&verb.run);
    let mut told = Nodes::new(VERB, env.now, &verb.requests, least, notes);
    if !run.plan_only {
        (env.begun)(INTERRUPTED);
        for who in &run.nodes {
            let timeout = run.signing.lock_timeout;
            complete(
                &run.store(*who),
                [&[Root::Requests], &[]],
                timeout,
                &mut told,
                env,
            )?;
        }
    }
    let store = Store::open(run.roots.clone());
    let trusted = store::trusted_users(run.signing.owner);
    // Opened once, and not for each node.
    let source = Arc::new(observe(&run.cas, &store, &run.passphrases, trusted));
    let there = look(&store);
    let round = Round {
        verb: VERB,
        least,
        told: Some(env.progress).filter(|_| !verb.run.quiet),
        each: run.nodes.clone(),
        name: &|node| run.cluster.name(node).to_owned(),
        job: &|who| run.job(who, &source, &there),
        finished: &Finished::new(),
        elsewhere: &|_| false,
    };
    let host = env.host.name.to_owned();
    let (each, _) = round.run(run.plan_only, &host, env)?;
    // It is told of where it lies, and not of each node.
    let wrong = locked(&store, &run.cas, &source);
    let in_vain = each.iter().any(Node::is_refused) && !each.iter().any(Node::is_changed);
    if !wrong.is_empty() && in_vain {
        return Err(Stop::Usage(wrong));
    }
    told.nodes(each);
    Ok(told.ended())
}

fn settle(verb: &Sign, inventory: &PathBuf, env: &mut Env<'_>) -> Result<(Run, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    let mut notes = Vec::new();
    let files = &verb.signing.ca_passphrase_file;
    let passphrases = wrong.collect(passphrases(files, &mut notes, env))?;
    let owner = wrong.collect(owner(&verb.ownership))?;
    wrong.collect(quiet(&verb.run))?;
    let mut given = Given::default();
    verb.endpoint.clone().give(&mut given);
    verb.services.clone().give(&mut given);
    verb.etcd.clone().give(&mut given);
    verb.version.clone().give(&mut given);
    verb.validity.clone().give(&mut given);
    let asked = Asked {
        inventory: Some(inventory),
        out: Some(&verb.requests),
        ca_keys: CaKeys::None,
        tree: &verb.run.tree,
        given,
        makes: true,
    };
    let settled = wrong.collect(facts::settle(asked, env))?;
    let (Some(lock_timeout), Some(passphrases), Some(owner), Some(mut settled), true) = (
        lock_timeout,
        passphrases,
        owner,
        settled,
        wrong.0.is_empty(),
    ) else {
        return Err(Stop::Usage(wrong.0));
    };
    notes.append(&mut settled.notes);
    let (mut whose, alone) = folders(&verb.requests, &settled.cluster)?;
    if !alone && whose.contains(&Who::All) {
        whose.retain(|who| *who != Who::All);
        notes.push(format!(
            "what {} asks for is for the CA above to sign: docs/external-ca.md shows how",
            request_folder(&verb.requests, SHARED).display()
        ));
    }
    let mut cas = settled.specs;
    cas.retain(Spec::is_ca);
    let run = Run {
        roots: roots(&verb.run.tree, None, None, None, None, &mut notes),
        cluster: settled.cluster,
        cas,
        directory: verb.requests.clone(),
        nodes: whose,
        alone,
        passphrases,
        signing: Signing {
            owner,
            lock_timeout,
            force: verb.signing.force,
            backup: !verb.signing.no_backup,
            accept_sans: verb.accept_sans,
        },
        plan_only: verb.run.dry_run.or(settled.dry_run).unwrap_or_default(),
    };
    Ok((run, notes))
}

impl Run {
    fn store(&self, who: Who) -> Store {
        let folder = match who {
            Who::Node(node) if !self.alone => {
                request_folder(&self.directory, self.cluster.name(node))
            }
            _ => self.directory.clone(),
        };
        Store::open(self.roots.clone().with_requests(folder))
    }

    fn job(&self, who: Who, source: &Arc<Seen>, there: &Arc<Found>) -> Result<Job, Stop> {
        let store = self.store(who);
        let own = match who {
            Who::All => Vec::new(),
            Who::Node(node) => self.cluster.wanted(node)?.own,
        };
        let wanted = |row: &Profile, file: &str| {
            let own = own.iter().find(|spec| spec.name == row.name);
            own.cloned().ok_or_else(|| {
                Stop::usage(format!(
                    "{file}: {} is nothing that the roles of this node need: leave it out, or give the node its role",
                    row.name
                ))
            })
        };
        let (bases, list) = requests(&store, true)?;
        let specs = asked(bases, None, wanted)?;
        let signs = |ca: &&Spec| {
            let of = |spec: &Spec| spec.certificate().and_then(|leaf| leaf.issuer.clone());
            specs.iter().any(|spec| of(spec).as_ref() == Some(&ca.name))
        };
        let issuers = self.cas.iter().filter(signs).cloned().collect();
        let there = Arc::clone(there);
        let job = job(self.signing, (specs, list), issuers, store, move || {
            Arc::clone(&there)
        });
        Ok(job.below(Arc::clone(source)))
    }
}
