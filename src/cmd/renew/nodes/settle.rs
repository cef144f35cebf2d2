//! What was typed of a renewal over many nodes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::asked;
use super::super::given::{self, Flags};
use super::Run;
use crate::cli::Renew;
use crate::cmd::around::{Wrong, least};
use crate::cmd::give::Give;
use crate::cmd::nodes::facts::{self, Asked, Cluster};
use crate::cmd::nodes::trees::Trees;
use crate::cmd::select::nearest;
use crate::cmd::{Env, Stop};
use crate::diff::Notice;
use crate::facts::Given;
use crate::plan::Renewal;
use crate::store::{Roots, Store};

/// What begins the names where those of nodes follow.
const NODE: &str = "node";

/// Everything that can be wrong about the arguments and the files they name is told at once.
pub(super) fn settle<'a>(verb: Renew, env: &mut Env<'a>) -> Result<(Run<'a>, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let typed = asked::Typed::of(&verb);
    wrong.0.extend(of_one_node(&verb));
    let mut of_secrets = Vec::new();
    let flags = Flags::of(&verb, &mut wrong, &mut of_secrets, env)?;
    let mut given = Given::default();
    verb.key.give(&mut given);
    verb.validity.give(&mut given);
    verb.ca_validity.give(&mut given);
    let asked = Asked {
        inventory: verb.nodes.inventory.as_ref(),
        out: verb.nodes.out.as_ref(),
        ca_keys: crate::cli::CaKeys::ControlPlane,
        tree: &verb.run.tree,
        given,
        makes: false,
    };
    let settled = wrong.collect(facts::settle(asked, env))?;
    let named = settled
        .as_ref()
        .map(|settled| of_nodes(&verb.names, &settled.cluster));
    let named = named.and_then(|named| wrong.collect(named).transpose());
    let named = named.transpose()?;
    let (Some(flags), Some(settled), Some(named), true) =
        (flags, settled, named, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    let (changes, version) = given::stated(&settled.given, &settled.facts);
    let mut notes = settled.notes;
    notes.append(&mut of_secrets);
    let trees = Trees {
        shared: Store::open(Roots::shared(&settled.out)),
        out: settled.out,
        lock_timeout: flags.lock_timeout,
        cluster: Arc::new(settled.cluster),
    };
    let back = named.is_some().then_some(Notice::LEAF);
    let run = Run {
        nodes: named.unwrap_or_else(|| (0..trees.cluster.len()).collect()),
        names: if back.is_some() {
            Vec::new()
        } else {
            verb.names
        },
        back,
        trees,
        specs: settled.specs,
        typed,
        renewal: Renewal {
            due: flags.due,
            ca_notice: flags.ca_notice,
            reuse_key: verb.reuse_key,
            of_many: true,
            there: Vec::new(),
            then: Vec::new(),
            changes,
        },
        version,
        passphrases: flags.passphrases,
        plan_only: verb.run.dry_run.or(settled.dry_run).unwrap_or_default(),
        least: least(&verb.run),
        hook: verb.exec,
        told: Some(env.progress).filter(|_| !verb.run.quiet),
    };
    Ok((run, notes))
}

/// The numbers of the nodes that were named as such; none where the names are of certificates, as `node` alone is.
fn of_nodes(names: &[String], cluster: &Cluster) -> Result<Option<Vec<usize>>, Stop> {
    let Some((NODE, names @ [_, ..])) = names
        .split_first()
        .map(|(first, names)| (first.as_str(), names))
    else {
        return Ok(None);
    };
    let mut numbers = BTreeSet::new();
    let mut wrong = Vec::new();
    let known: Vec<&str> = (0..cluster.len()).map(|node| cluster.name(node)).collect();
    for name in names {
        match cluster.number(&name.to_lowercase()) {
            Some(number) => {
                numbers.insert(number);
            }
            None => wrong.push(format!(
                "the inventory has no node \"{name}\"{}",
                nearest(name, &known)
            )),
        }
    }
    if wrong.is_empty() {
        Ok(Some(numbers.into_iter().collect()))
    } else {
        Err(Stop::Usage(wrong))
    }
}

/// Flags that state names: those of a node are what the inventory says.
fn of_one_node(verb: &Renew) -> Vec<String> {
    let Renew {
        endpoint,
        services,
        etcd,
        ..
    } = verb;
    let flags = [
        ("--add-san", !verb.add_san.is_empty()),
        ("--remove-san", !verb.remove_san.is_empty()),
        (
            "--control-plane-endpoint",
            endpoint.control_plane_endpoint.is_some(),
        ),
        (
            "--apiserver-cert-extra-sans",
            !services.apiserver_cert_extra_sans.is_empty(),
        ),
        ("--service-cidr", services.network.service_cidr.is_some()),
        (
            "--service-dns-domain",
            services.network.service_dns_domain.is_some(),
        ),
        ("--etcd-extra-sans", !etcd.etcd_extra_sans.is_empty()),
    ];
    let typed = flags.iter().filter(|(_, typed)| *typed);
    typed
        .map(|(flag, _)| {
            format!(
                "{flag}: a renewal of many nodes keeps the names that are there: say it in the inventory or --config, and \
                 'certs all --inventory FILE --out DIR --force' makes anew what has others"
            )
        })
        .collect()
}
