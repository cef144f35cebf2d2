//! `certs csr`: keys and requests for what another machine is to sign.

use std::path::PathBuf;

use super::around::{Wrong, ended, facts, lock_timeout, quiet, roots};
use super::generate::owner;
use super::give::Give;
use super::job::{Adapt, Job, evidence, over_requests};
use super::select::{issuers, nearest};
use super::{Env, Outcome, Stop, notice};
use crate::cli::{Csr, CsrFacts};
use crate::facts::{Facts, Given};
use crate::location::Root;
use crate::observe::{Passphrases, asked, requests_out};
use crate::plan::{Asking, Force, Policy};
use crate::profile::found::{as_asked, as_found};
use crate::profile::{Phase, Profile, TABLE, by_name, resolve};
use crate::requests::manifest;
use crate::spec::Spec;
use crate::store::Store;

const VERB: &str = "csr";
/// What is no row has no profile that could decide what it gets.
const OWN: &str =
    "an identity of one's own is not asked for in this way, as docs/external-ca.md tells";

pub(crate) fn csr(verb: &Csr, env: &mut Env<'_>) -> Outcome {
    let report = settle(verb, env).and_then(|settled| over_requests(VERB, settled, &verb.run, env));
    ended(report, &verb.run, env)
}

fn settle(verb: &Csr, env: &mut Env<'_>) -> Result<(Job, Facts, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    let within = wrong.collect(notice::leaf(verb.within.as_deref()))?;
    let owner = wrong.collect(owner(&verb.ownership))?;
    let rows = wrong.collect(rows(&verb.names))?;
    wrong.collect(quiet(&verb.run))?;
    let given = given(&verb.facts);
    let stated = verb.run.tree.config.is_some() || given != Given::default();
    let told = wrong.collect(facts(given, &verb.run.tree, env))?;
    let (Some(lock_timeout), Some(within), Some(owner), Some(rows), Some((facts, mut notes)), true) =
        (lock_timeout, within, owner, rows, told, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    let store = Store::open(roots(
        &verb.run.tree,
        verb.kubeconfig_dir.kubeconfig_dir.as_ref(),
        verb.kubelet_dir.kubelet_dir.as_ref(),
        verb.csr_dir.csr_dir.as_ref(),
        facts.cert_dir.as_deref(),
        &mut notes,
    ));
    apart(&store)?;
    let named = !verb.names.is_empty();
    let specs = rows
        .into_iter()
        .filter(|row| named || !(row.etcd && facts.cluster.external_etcd.is_some()))
        .map(|row| resolve(row, &facts).map_err(|error| Stop::usage(error.0)))
        .collect::<Result<Vec<_>, _>>()?;
    let job = Job {
        issuers: issuers(&specs, &facts)?,
        specs,
        also: vec![Root::Requests],
        reads: Vec::new(),
        adapt: Some(adapt(
            named,
            stated,
            env.host.name.to_owned(),
            store.clone(),
        )),
        store,
        passphrases: Passphrases::default(),
        owner,
        policy: Policy {
            force: Force::Ask(Asking {
                named,
                notice: within,
            }),
            founding: true,
            backup: true,
        },
        lock_timeout,
    };
    Ok((job, facts, notes))
}

/// What is asked for twice under one name would be two files in one place; and what is handed out lies
/// with no key.
fn apart(store: &Store) -> Result<(), Stop> {
    let out = store.root(Root::Requests);
    let folders = Root::TREE.iter().flat_map(|root| store.folders(*root));
    let mut paths = folders.map(|folder| store.path(&folder));
    let same = |path: &PathBuf| {
        store.is_root(Root::Requests, path) || store.absolute(path) == store.absolute(out)
    };
    if paths.any(|path| same(&path)) {
        return Err(Stop::usage(format!(
            "--csr-dir: {} is a directory of the tree, where keys lie: name another one, which is handed out",
            out.display()
        )));
    }
    Ok(())
}

/// What flags state.
pub(super) fn given(flags: &CsrFacts) -> Given {
    let flags = flags.clone();
    let mut given = Given::default();
    flags.node.give(&mut given);
    flags.address.give(&mut given);
    flags.port.give(&mut given);
    flags.endpoint.give(&mut given);
    flags.services.give(&mut given);
    flags.etcd.give(&mut given);
    flags.node_ip.give(&mut given);
    flags.version.give(&mut given);
    flags.key.give(&mut given);
    given
}

/// The rows of these names; without any those that a control plane has of its own, and kube-proxy,
/// which may be there. A CA is asked for by name alone.
pub(super) fn rows(names: &[String]) -> Result<Vec<&'static Profile>, Stop> {
    if names.is_empty() {
        let all = |row: &&Profile| {
            !matches!(row.phase, Phase::Ca | Phase::Sa) && row.stored.public().root != Root::Kubelet
        };
        return Ok(TABLE.iter().filter(all).collect());
    }
    let known: Vec<&str> = TABLE
        .iter()
        .filter(|row| row.phase != Phase::Sa)
        .map(|row| row.name)
        .collect();
    let wrong: Vec<String> = names
        .iter()
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| {
            format!(
                "there is no certificate \"{name}\"{}: they are {}; {OWN}",
                nearest(name, &known),
                known.join(", ")
            )
        })
        .collect();
    if !wrong.is_empty() {
        return Err(Stop::Usage(wrong));
    }
    let wanted = |row: &&Profile| names.iter().any(|name| name == row.name);
    Ok(TABLE.iter().filter(wanted).collect())
}

/// What is there tells what it is to be, where no facts are stated.
fn adapt(named: bool, stated: bool, host: String, store: Store) -> Box<Adapt> {
    Box::new(move |specs, seen| {
        as_found(specs, &seen.observed, &evidence(&store, &host), stated);
        if !stated {
            // What came back wider, or narrower, is not what the next one is to be.
            let asked = asked(specs, &seen.observed, &store, false);
            as_asked(specs, &asked, false);
        }
        let absent = |spec: &Spec| {
            let found = seen.observed.get(&spec.name);
            found.is_none_or(crate::observed::Observed::is_absent)
        };
        let usual = |spec: &Spec| by_name(&spec.name).is_none_or(|row| row.in_all);
        specs.retain(|spec| named || usual(spec) || !absent(spec));
        requests_out(seen, specs, &store);
        // Who signs refuses one that others may write.
        seen.look_at_directories([&manifest()], &store);
        Vec::new()
    })
}
