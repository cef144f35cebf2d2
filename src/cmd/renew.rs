//! `certs renew`: the plan of what is there, in which what is due is issued anew.

use std::time::Duration;

use super::around::{Wrong, ended, least, looked_after, stated};
use super::give::Give;
use super::hook::{Hook, run_hook};
use super::sequence::{Judge, Sequence};
use super::{Env, Outcome, Stop, changed, there};
use crate::cli::Renew;
use crate::facts::{Given, Version};
use crate::location::Root;
use crate::observe::Passphrases;
use crate::plan::{Due, Renewal};
use crate::profile::renewal::Changes;
use crate::profile::{Profile, Stated};
use crate::report::Report;
use crate::store::Store;

mod asked;
mod given;
mod names;
mod nodes;
mod tree;

use given::Flags;
pub(super) use given::stated as stated_changes;
use tree::Tree;

const VERB: &str = "renew";

/// Everything that is settled before a directory is looked at.
struct Job {
    names: Vec<String>,
    typed: asked::Typed,
    renewal: Renewal,
    stated: Option<Stated>,
    /// That of the cluster, if it was stated.
    version: Option<Version>,
    store: Store,
    within: Vec<Root>,
    passphrases: Passphrases,
    lock_timeout: Duration,
    dry_run: bool,
    hook: Option<String>,
}

pub(crate) fn run(verb: Renew, env: &mut Env<'_>) -> Outcome {
    if verb.nodes.inventory.is_some() || verb.nodes.out.is_some() {
        return nodes::run(verb, env);
    }
    let run = verb.run.clone();
    let report = settle(verb, env).and_then(|(job, notes)| {
        let node = job.stated.as_ref().and_then(Stated::node).cloned();
        let report = Report::new(VERB, env.now, node, &job.store, least(&run), notes);
        attempt(&job, report, env)
    });
    ended(report, &run, env)
}

fn attempt(job: &Job, mut report: Report, env: &mut Env<'_>) -> Result<Report, Stop> {
    let roots: Vec<Root> = job
        .within
        .iter()
        .copied()
        .filter(|root| !job.store.lacks(*root))
        .collect();
    let sequence = Sequence::over(
        VERB,
        (&job.store, &roots),
        &job.passphrases,
        job.lock_timeout,
        job.dry_run,
    );
    let over = job
        .stated
        .as_ref()
        .map(|stated| |row: &Profile, there| stated.over(row, there));
    let tree = Tree {
        store: &job.store,
        roots: &roots,
        names: &job.names,
        typed: job.typed,
        renewal: &job.renewal,
        over: over.as_ref().map(|over| over as &there::Resolve<'_>),
        one_of: None,
        host: env.host.name,
        now: env.now,
        above: &[],
    };
    if !job.dry_run {
        tree.known()?;
    }
    let judge: &Judge<'_> = &|passphrases, _| tree.judge(passphrases);
    let Some(carried) = sequence.run(judge, &mut report, env)? else {
        return Ok(report);
    };
    let changed = changed::tell(&mut report, &carried, job.version);
    if let Some(command) = job
        .hook
        .as_deref()
        .filter(|_| !job.dry_run && !changed.is_empty())
    {
        let hook = Hook::of(command, &changed, job.version);
        report.ran(command, &hook.environment, run_hook(&hook, env));
    }
    Ok(report)
}

/// Everything that can be wrong about the arguments and the configuration is told at once.
fn settle(verb: Renew, env: &mut Env<'_>) -> Result<(Job, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let typed = asked::Typed::of(&verb);
    let document = verb.run.tree.config.is_some();
    let mut of_secrets = Vec::new();
    let flags = Flags::of(&verb, &mut wrong, &mut of_secrets, env)?;
    let add = wrong.collect(asked::sans("--add-san", &verb.add_san))?;
    let remove = wrong.collect(asked::sans("--remove-san", &verb.remove_san))?;
    let mut given = Given::default();
    verb.node.give(&mut given);
    verb.address.give(&mut given);
    verb.endpoint.give(&mut given);
    verb.services.give(&mut given);
    verb.etcd.give(&mut given);
    verb.node_ip.give(&mut given);
    let names = document || given != Given::default();
    verb.key.give(&mut given);
    verb.validity.give(&mut given);
    verb.ca_validity.give(&mut given);
    let told = wrong.collect(stated(given, &verb.run.tree, env))?;
    let (Some(flags), Some(add), Some(remove), Some(told), true) =
        (flags, add, remove, told, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    let (facts, given, mut notes) = told;
    notes.append(&mut of_secrets);
    let cert_dir = facts.as_ref().and_then(|facts| facts.cert_dir.as_deref());
    let places = (&verb.kubeconfig_dir, &verb.kubelet_dir);
    let (store, within) = looked_after(&verb.run.tree, places, cert_dir, &mut notes);
    let cluster = facts.as_ref().map(|facts| &facts.cluster);
    let stated = cluster.map(|cluster| given::stated(&given, cluster));
    let (lasting, version) = stated.unwrap_or_default();
    let changes = Changes {
        names,
        all: matches!(flags.due, Due::All),
        add,
        remove,
        ..lasting
    };
    let opposed = asked::opposed(&changes);
    if !opposed.is_empty() {
        return Err(Stop::Usage(opposed));
    }
    let dry_run = verb.run.dry_run.or(given.dry_run).unwrap_or_default();
    let job = Job {
        names: verb.names,
        typed,
        renewal: Renewal {
            due: flags.due,
            ca_notice: flags.ca_notice,
            reuse_key: verb.reuse_key,
            of_many: false,
            there: Vec::new(),
            then: Vec::new(),
            changes,
        },
        version,
        stated: facts
            .filter(|_| names)
            .map(|facts| Stated::new(facts, given, document)),
        store,
        within,
        passphrases: flags.passphrases,
        lock_timeout: flags.lock_timeout,
        dry_run,
        hook: verb.exec,
    };
    Ok((job, notes))
}
