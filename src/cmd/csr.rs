//! `certs csr`: keys and requests for what another machine is to sign.

use std::path::PathBuf;
use std::time::Duration;

use super::around::{Wrong, configuration, ended, lock_timeout, quiet, roots};
use super::basis::Basis;
use super::generate::owner;
use super::give::Give;
use super::job::{Adapt, Job, over_requests};
use super::select::nearest;
use super::{Env, Outcome, Stop, notice, there};
use crate::cli::{Csr, CsrFacts, Tree};
use crate::facts::{Facts, Given, resolve};
use crate::finding::{Code, Finding};
use crate::location::{Owner, Root};
use crate::observe::{self, Passphrases, requests_out};
use crate::observed::Observed;
use crate::plan::{Asking, Force, Policy};
use crate::profile::found::{as_asked, looked_for};
use crate::profile::{self, Phase, Profile, TABLE, by_name};
use crate::requests::{self, manifest};
use crate::spec::Spec;
use crate::store::Store;

const VERB: &str = "csr";
/// What is no row has no profile that could decide what it gets.
const OWN: &str =
    "an identity of one's own is not asked for in this way, as docs/external-ca.md tells";

mod nodes;

pub(crate) fn run(verb: &Csr, env: &mut Env<'_>) -> Outcome {
    if verb.nodes.inventory.is_some() || verb.nodes.out.is_some() {
        return nodes::run(verb, env);
    }
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
    let told = wrong.collect(basis(&verb.facts, &verb.run.tree, env))?;
    let (
        Some(lock_timeout),
        Some(within),
        Some(owner),
        Some(rows),
        Some((basis, facts, mut notes)),
        true,
    ) = (lock_timeout, within, owner, rows, told, wrong.0.is_empty())
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
        .map(looked_for)
        .collect::<Vec<_>>();
    let asking = Asking {
        named,
        notice: within,
        of_many: false,
    };
    let typed = Typed {
        asking,
        owner,
        lock_timeout,
    };
    let basis = (Basis::Alone(Box::new(basis)), env.host.name);
    Ok((job(&typed, specs, store, basis), facts, notes))
}

/// What was typed of whom to ask for.
pub(super) struct Typed {
    pub(super) asking: Asking,
    pub(super) owner: Owner,
    pub(super) lock_timeout: Duration,
}

/// The requests for these, in one tree.
pub(super) fn job(
    typed: &Typed,
    specs: Vec<Spec>,
    store: Store,
    (basis, host): (Basis, &str),
) -> Job {
    Job {
        issuers: there::further_issuers(&specs),
        specs,
        also: vec![Root::Requests],
        of_many: typed.asking.of_many,
        reads: Vec::new(),
        adapt: Some(adapt(typed.asking, basis, host.to_owned(), store.clone())),
        store,
        passphrases: Passphrases::default(),
        owner: typed.owner,
        policy: Policy {
            force: Force::Ask(typed.asking),
            founding: true,
            backup: true,
        },
        lock_timeout: typed.lock_timeout,
    }
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

/// What was stated, and the facts that it comes to on this machine.
pub(super) fn basis(
    flags: &CsrFacts,
    tree: &Tree,
    env: &mut Env<'_>,
) -> Result<(profile::Basis, Facts, Vec<String>), Stop> {
    let (file, mut notes) = configuration(tree, env)?;
    let given = given(flags).or(file);
    let mut facts = resolve(given.clone(), &env.host)
        .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
    notes.append(&mut facts.notes);
    let basis = profile::Basis::new(given, tree.config.is_some(), facts.clone());
    Ok((basis, facts, notes))
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

/// What was not stated is as what is there tells it.
fn adapt(asking: Asking, basis: Basis, host: String, store: Store) -> Box<Adapt> {
    let Asking { named, of_many, .. } = asking;
    Box::new(move |specs, seen| {
        let absent = |spec: &Spec| {
            let found = seen.observed.get(&spec.name);
            found.is_none_or(Observed::is_absent)
        };
        let usual = |spec: &Spec| by_name(&spec.name).is_none_or(|row| row.in_all);
        specs.retain(|spec| named || of_many || usual(spec) || !absent(spec));
        let mut findings = basis.settle(specs, seen, (&store, &host))?;
        if !basis.is_stated() {
            // What came back wider, or narrower, is not what the next one is to be.
            let asked = observe::asked(specs, &seen.observed, &store, false);
            as_asked(specs, &asked, false);
        }
        let unasked = requests_out(seen, specs, &store);
        // What this run asks for stands in the list from now on, in the place of what was lost.
        let anew = |name: &String| {
            let spec = specs
                .iter()
                .find(|spec| requests::name(spec) == name.as_str());
            let asks = |spec: &Spec| {
                use Observed::{Absent, KeyOnly, Requested};
                let there = seen.observed.get(&spec.name);
                named || matches!(there, None | Some(Absent | KeyOnly(_) | Requested { .. }))
            };
            spec.is_some_and(asks)
        };
        let unasked = unasked.into_iter().filter(|name| !anew(name));
        findings.extend(unasked.map(|name| {
            Finding {
                code: Code::NotAsked,
                file: manifest(),
                text: format!("tells of {name}, which this tree did not ask for"),
                way_out:
                    "what is asked for next takes that out; until then name what is to be imported"
                        .to_owned(),
                name,
            }
        }));
        // Who signs refuses one that others may write.
        seen.look_at_directories([&manifest()], &store);
        Ok(findings)
    })
}
