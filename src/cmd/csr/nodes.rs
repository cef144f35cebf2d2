//! `certs csr --inventory`: what of every node's tree another machine is to sign. Keys stay in the trees, and the requests
//! of each node go to a folder of their own.

use std::sync::Arc;

use super::{Typed, VERB, given, job, rows};
use crate::cli::{CaKeys, Csr};
use crate::cmd::around::{Wrong, ended_nodes, least, lock_timeout, quiet};
use crate::cmd::basis::Basis;
use crate::cmd::generate::owner;
use crate::cmd::job::Job;
use crate::cmd::nodes::facts::{self, Asked};
use crate::cmd::nodes::requests::Requests;
use crate::cmd::nodes::round::{Finished, Round, Who};
use crate::cmd::{Env, Outcome, Stop, notice};
use crate::location::Root;
use crate::observe::Seen;
use crate::observed::Observed;
use crate::plan::Asking;
use crate::profile::found::looked_for;
use crate::profile::{Kind, Profile};
use crate::report::{INTERRUPTED, Node, Nodes};
use crate::requests::name;
use crate::spec::Spec;

/// What is settled before a directory is looked at.
struct Run {
    requests: Requests,
    typed: Typed,
    /// What was named: leaves, and CAs.
    leaves: Vec<&'static Profile>,
    cas: Vec<&'static Profile>,
    plan_only: bool,
}

pub(super) fn run(verb: &Csr, env: &mut Env<'_>) -> Outcome {
    ended_nodes(attempt(verb, env), &verb.run, env)
}

fn attempt(verb: &Csr, env: &mut Env<'_>) -> Result<Nodes, Stop> {
    let (run, notes) = settle(verb, env)?;
    let requests = &run.requests;
    let least = least(&verb.run);
    let _alone = requests.alone(run.plan_only, env)?;
    let mut told = Nodes::new(VERB, env.now, &requests.out, least, notes);
    told.requests(&requests.directory);
    for name in requests.others()? {
        told.noted(Some(format!(
            "the requests in {} are of no node of the inventory, and stay as they are",
            crate::store::request_folder(&requests.directory, &name).display()
        )));
    }
    told.left(requests.left()?);
    let whose: Vec<Who> = (!run.cas.is_empty())
        .then_some(Who::All)
        .into_iter()
        .chain(requests.nodes())
        .collect();
    if !run.plan_only {
        (env.begun)(INTERRUPTED);
        requests.complete(&whose, [&Root::ALL, &[]], &mut told, env)?;
    }
    let source = Arc::new(requests.source());
    let sound = requests.ground((VERB, least), &source, &mut told, env)?;
    for note in run.unasked(&source)? {
        told.noted(Some(note));
    }
    if !sound {
        return Ok(told.ended());
    }
    let host = env.host.name.to_owned();
    let round = Round {
        verb: VERB,
        least,
        told: Some(env.progress).filter(|_| !verb.run.quiet),
        each: whose.clone(),
        name: &|node| requests.cluster.name(node).to_owned(),
        job: &|who| run.job(who, &source, &host),
        finished: &Finished::new(),
        elsewhere: &|name| requests.specs.iter().any(|spec| spec.name == name),
    };
    let (each, _) = round.run(run.plan_only, &host, env)?;
    if let Some(inventory) = verb
        .nodes
        .inventory
        .as_ref()
        .filter(|_| each.iter().any(Node::asks))
    {
        told.asked(&requests.directory, inventory);
    }
    told.stale_archives(
        &requests.stale_archives(&whose, &each),
        requests.cluster.file(),
    );
    told.nodes(each.into_iter().map(Node::without_advice).collect());
    Ok(told.ended())
}

fn settle(verb: &Csr, env: &mut Env<'_>) -> Result<(Run, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    let within = wrong.collect(notice::leaf(verb.within.as_deref()))?;
    let owner = wrong.collect(owner(&verb.ownership))?;
    let named = !verb.names.is_empty();
    let rows = wrong.collect(rows(&verb.names))?;
    wrong.collect(quiet(&verb.run))?;
    let directory = verb.csr_dir.csr_dir.clone();
    if directory.is_none() {
        wrong.0.push(
            "--csr-dir: name the directory of the requests, which gets a folder for each node"
                .to_owned(),
        );
    }
    let (cas, leaves): (Vec<_>, Vec<_>) = rows
        .unwrap_or_default()
        .into_iter()
        .filter(|_| named)
        .partition(|row| row.kind == Kind::Ca);
    let asked = Asked {
        inventory: verb.nodes.inventory.as_ref(),
        out: verb.nodes.out.as_ref(),
        ca_keys: CaKeys::None,
        tree: &verb.run.tree,
        given: given(&verb.facts),
        makes: !leaves.is_empty() || !named,
    };
    let settled = wrong.collect(facts::settle(asked, env))?;
    let (Some(lock_timeout), Some(within), Some(owner), Some(directory), Some(mut settled), true) = (
        lock_timeout,
        within,
        owner,
        directory,
        settled,
        wrong.0.is_empty(),
    ) else {
        return Err(Stop::Usage(wrong.0));
    };
    let notes = std::mem::take(&mut settled.notes);
    let plan_only = verb.run.dry_run.or(settled.dry_run).unwrap_or_default();
    let run = Run {
        requests: Requests::of(settled, directory, lock_timeout)?,
        typed: Typed {
            asking: Asking {
                named,
                notice: within,
                of_many: true,
            },
            owner,
            lock_timeout,
        },
        leaves,
        cas,
        plan_only,
    };
    run.is_known()?;
    Ok((run, notes))
}

impl Run {
    /// An error where no node has what was named.
    fn is_known(&self) -> Result<(), Stop> {
        let cluster = &self.requests.cluster;
        let mut wrong = Vec::new();
        for row in &self.leaves {
            let mut nodes = 0..cluster.len();
            if !nodes.any(|node| cluster.has(node, row)) {
                wrong.push(format!("no node of the inventory is to have {}", row.name));
            }
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(Stop::Usage(wrong))
        }
    }

    /// What is not asked for, since its CA is not there yet; an error where nobody else signs.
    fn unasked(&self, source: &Seen) -> Result<Vec<String>, Stop> {
        if self.typed.asking.named {
            return Ok(Vec::new());
        }
        let elsewhere = |ca: &&Spec| {
            let found = source.observed.get(&ca.name);
            found.is_some_and(|found| {
                found.is_external() || matches!(found, Observed::Unreadable(..))
            })
        };
        let lacks = |ca: &&Spec| {
            source
                .observed
                .get(&ca.name)
                .is_none_or(Observed::is_absent)
        };
        let cas: Vec<&Spec> = self.requests.cas().collect();
        if !cas.iter().any(elsewhere) {
            return Err(Stop::usage(format!(
                "{} holds no certificate of a CA whose key is elsewhere: put it there, as ca.crt, etcd/ca.crt or \
                 front-proxy-ca.crt; what is signed with the keys there 'certs all --inventory FILE --out DIR' makes, \
                 and 'certs renew --inventory FILE --out DIR' renews",
                self.requests.kept().display()
            )));
        }
        let lacking = cas.into_iter().filter(lacks);
        let note = |ca: &Spec| {
            format!(
                "{} is not there: what it is to sign is not asked for, and 'certs all' makes it and that",
                self.requests.shared().path(&ca.place.public()).display()
            )
        };
        Ok(lacking.map(note).collect())
    }

    fn job(&self, who: Who, source: &Arc<Seen>, host: &str) -> Result<Job, Stop> {
        let store = self.requests.store(who);
        let Who::Node(node) = who else {
            let specs = self.cas.iter().map(|row| looked_for(row)).collect();
            let basis = self.requests.basis_of_cas();
            return Ok(job(&self.typed, specs, store, (basis, host)));
        };
        let cluster = &self.requests.cluster;
        let mut specs = cluster.wanted(node)?.own;
        specs.retain(|spec| spec.credential_files().is_none() && self.asks_for(spec, source));
        let basis = Basis::OfMany(Arc::clone(cluster), node);
        Ok(job(&self.typed, specs, store, (basis, host)).below(Arc::clone(source)))
    }

    /// Whether it was named, or else its CA is another machine's.
    fn asks_for(&self, spec: &Spec, source: &Seen) -> bool {
        if self.typed.asking.named {
            return self.leaves.iter().any(|row| row.name == name(spec));
        }
        let issuer = spec.certificate().and_then(|wanted| wanted.issuer.as_ref());
        issuer.is_some_and(|ca| Requests::is_external(source, ca))
    }
}
