//! `certs sign`: certificates for requests of other machines. What a certificate says is the
//! profile's and the facts'; of a request only the public key is taken.

use std::sync::Arc;
use std::time::Duration;

use super::around::{Wrong, configuration, ended, lock_timeout, quiet, roots};
use super::generate::{owner, passphrases};
use super::give::Give;
use super::job::{Adapt, Job, over_requests};
use super::select::issuers;
use super::{Env, Outcome, Stop, there};
use crate::cli::Sign;
use crate::diff::{listed, signs, take_sans, unknown_signers};
use crate::facts::{self, Facts, Given};
use crate::finding::Finding;
use crate::location::{FileId, Owner, Root};
use crate::observe::{Passphrases, Seen, survey};
use crate::observed::Observed;
use crate::plan::{Force, Found, Policy};
use crate::profile::{self, API_SERVER, Host, Phase, Profile, TABLE, by_name};
use crate::requests::{Manifest, manifest};
use crate::spec::{Place, Spec};
use crate::store::{Store, request_directory};
use crate::x509::san::San;

mod nodes;

const VERB: &str = "sign";

pub(crate) fn run(verb: &Sign, env: &mut Env<'_>) -> Outcome {
    if let Some(inventory) = &verb.inventory {
        return nodes::run(verb, inventory, env);
    }
    let report = settle(verb, env).and_then(|settled| over_requests(VERB, settled, &verb.run, env));
    ended(report, &verb.run, env)
}

fn settle(verb: &Sign, env: &mut Env<'_>) -> Result<(Job, Facts, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    let mut of_secrets = Vec::new();
    let files = &verb.signing.ca_passphrase_file;
    let passphrases = wrong.collect(passphrases(files, &mut of_secrets, env))?;
    let owner = wrong.collect(owner(&verb.ownership))?;
    wrong.collect(quiet(&verb.run))?;
    let told = wrong.collect(told(verb, env))?;
    let (Some(lock_timeout), Some(passphrases), Some(owner), Some((facts, mut notes)), true) =
        (lock_timeout, passphrases, owner, told, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    notes.append(&mut of_secrets);
    let (directory, base) =
        request_directory(&verb.requests).map_err(|error| Stop::usage(format!("{error:#}")))?;
    let store = Store::open(roots(
        &verb.run.tree,
        None,
        None,
        Some(&directory),
        facts.cert_dir.as_deref(),
        &mut notes,
    ));
    let (specs, list) = specs(verb, base.as_deref(), &store, &facts)?;
    let issuers = issuers(&specs, &facts)?;
    let signing = Signing {
        owner,
        lock_timeout,
        force: verb.signing.force,
        backup: !verb.signing.no_backup,
        accept_sans: verb.accept_sans,
    };
    let looked = store.clone();
    let there = move || look(&looked);
    let job = Job {
        passphrases,
        ..job(signing, (specs, list), issuers, store, there)
    };
    Ok((job, facts, notes))
}

/// What was typed of how to sign.
#[derive(Clone, Copy)]
struct Signing {
    owner: Owner,
    lock_timeout: Duration,
    force: bool,
    backup: bool,
    accept_sans: bool,
}

/// Certificates for the requests of one directory; what else is `there`, where the CAs are, signs too.
fn job(
    typed: Signing,
    (mut specs, list): (Vec<Spec>, Option<Manifest>),
    issuers: Vec<Spec>,
    store: Store,
    there: impl Fn() -> Arc<Found> + Send + Sync + 'static,
) -> Job {
    specs.extend(issuers.iter().map(copy));
    Job {
        also: Vec::new(),
        // Of the CA nothing changes.
        of_many: false,
        reads: vec![Root::Pki],
        adapt: Some(adapt(&issuers, list, typed.accept_sans, there)),
        issuers,
        specs,
        store,
        passphrases: Passphrases::default(),
        owner: typed.owner,
        policy: Policy {
            force: if typed.force { Force::Named } else { Force::No },
            founding: true,
            backup: typed.backup,
        },
        lock_timeout: typed.lock_timeout,
    }
}

/// All that is where the CAs are.
fn look(store: &Store) -> Arc<Found> {
    let (places, _) = there::places(store, &[Root::Pki]);
    Arc::new(survey(&places, store, Vec::new()).observed)
}

/// The facts. Whoever signs is not the node: nothing of this machine is a fact of the one that asks.
fn told(verb: &Sign, env: &mut Env<'_>) -> Result<(Facts, Vec<String>), Stop> {
    let mut given = Given::default();
    verb.node.clone().give(&mut given);
    verb.address.clone().give(&mut given);
    verb.endpoint.clone().give(&mut given);
    verb.services.clone().give(&mut given);
    verb.etcd.clone().give(&mut given);
    verb.node_ip.clone().give(&mut given);
    verb.version.clone().give(&mut given);
    verb.validity.clone().give(&mut given);
    let (file, mut notes) = configuration(&verb.run.tree, env)?;
    let mut facts = facts::resolve_elsewhere(given.or(file))
        .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
    notes.append(&mut facts.notes);
    Ok((facts, notes))
}

/// What the requests are for, one row each, and the list of a directory.
fn specs(
    verb: &Sign,
    base: Option<&str>,
    store: &Store,
    facts: &Facts,
) -> Result<(Vec<Spec>, Option<Manifest>), Stop> {
    let (bases, list) = match base {
        Some(base) => (vec![base.to_owned()], None),
        None if verb.as_name.is_some() => {
            return Err(Stop::usage("--as goes with one FILE, not with a directory"));
        }
        None => requests(store, false)?,
    };
    let named = verb.as_name.as_deref();
    let specs = asked(bases, named, |row, file| {
        of_row(row, file, facts, verb.accept_sans)
    })?;
    Ok((specs, list))
}

/// What these requests are for, as `wanted` has it of each row.
fn asked(
    bases: Vec<String>,
    named: Option<&str>,
    wanted: impl Fn(&Profile, &str) -> Result<Spec, Stop>,
) -> Result<Vec<Spec>, Stop> {
    let mut wrong = Wrong::default();
    let mut specs: Vec<Spec> = Vec::new();
    for base in bases {
        let file = format!("{base}.csr");
        let spec = row(&file, &base, named).and_then(|row| {
            let mut spec = wanted(row, &file)?;
            spec.place = Place::Request { base };
            Ok(spec)
        });
        let Some(spec) = wrong.collect(spec)? else {
            continue;
        };
        if let Some(other) = specs.iter().find(|other| other.name == spec.name) {
            wrong.0.push(format!(
                "{file} and {} are both for {}: leave one of them",
                other.place.key(),
                spec.name
            ));
        }
        specs.push(spec);
    }
    if !wrong.0.is_empty() {
        return Err(Stop::Usage(wrong.0));
    }
    specs.sort_by_key(|spec| TABLE.iter().position(|row| row.name == spec.name));
    Ok(specs)
}

/// The requests of a directory, by their files without the ending. Where a list tells what was asked for there, each
/// is on it: whoever had the medium may have put another beside them.
fn requests(store: &Store, of_many: bool) -> Result<(Vec<String>, Option<Manifest>), Stop> {
    let files = store.list(Root::Requests).map_err(anyhow::Error::from)?;
    let bases: Vec<String> = files
        .iter()
        .filter_map(|file| Some(file.name.strip_suffix(".csr")?.to_owned()))
        .collect();
    if bases.is_empty() {
        return Err(Stop::usage(format!(
            "{} holds no request: one is called NAME.csr",
            store.root(Root::Requests).display()
        )));
    }
    let Some(list) = store.read(&manifest()).map_err(anyhow::Error::from)? else {
        return Ok((bases, None));
    };
    let path = store.path(&manifest());
    let list = Manifest::parse(&list.bytes).map_err(|error| {
        let path = path.display();
        Stop::usage(format!(
            "{path}: {error:#}: move it away, or name one request"
        ))
    })?;
    let files = bases.iter().map(|base| format!("{base}.csr"));
    let listed = |file: &String| list.requests.iter().any(|entry| entry.request == *file);
    // By itself it would be signed by what is stated of one node, and not by the inventory.
    let alone = |file: &str| {
        if of_many {
            return ", or have the tree of its node ask for it ('certs csr')".to_owned();
        }
        let path = store.root(Root::Requests).join(file);
        format!(", or sign it by itself: 'certs sign {}'", path.display())
    };
    let wrong = files.filter(|file| !listed(file)).map(|file| {
        format!(
            "{file} is not in {}, which tells what was asked for: move it away{}",
            path.display(),
            alone(&file)
        )
    });
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() {
        Ok((bases, Some(list)))
    } else {
        Err(Stop::Usage(wrong))
    }
}

/// The row that a request is for: the one that was named, else the one whose name or place its file
/// is called by.
fn row(file: &str, base: &str, named: Option<&str>) -> Result<&'static Profile, Stop> {
    let row = match named {
        Some(name) => by_name(name),
        None => by_name(base).or_else(|| {
            let mut rows = TABLE.iter();
            rows.find(|row| {
                let public = row.stored.public();
                let place = public.name.strip_suffix(".crt").unwrap_or(&public.name);
                public.root != Root::Kubelet && place == base
            })
        }),
    };
    let known = || {
        let rows = TABLE.iter().filter(|row| signable(row));
        rows.map(|row| row.name).collect::<Vec<_>>().join(", ")
    };
    match row {
        Some(row) if signable(row) => Ok(row),
        Some(row) if row.phase == Phase::Ca => Err(Stop::usage(format!(
            "{file} is for the CA {}, which the CA above it signs: docs/external-ca.md shows how",
            row.name
        ))),
        _ => Err(Stop::usage(match named {
            Some(name) => format!(
                "--as: there is no profile \"{name}\" to sign for: they are {}",
                known()
            ),
            None => format!(
                "{file}: its name is no profile's: sign it alone, with --as NAME, one of {}",
                known()
            ),
        })),
    }
}

fn signable(row: &Profile) -> bool {
    !matches!(row.phase, Phase::Ca | Phase::Sa)
}

fn of_row(row: &Profile, file: &str, facts: &Facts, accept_sans: bool) -> Result<Spec, Stop> {
    if row.depends_on_node() && facts.node.name.is_none() {
        return Err(Stop::usage(format!(
            "{file}: {} is for one node: state it with --node-name, or with nodeRegistration.name in --config",
            row.name
        )));
    }
    let of = if accept_sans {
        profile::certificate_asked
    } else {
        profile::certificate_of
    };
    of(row, facts).map_err(|error| {
        let unstated = row.unstated(&facts.node);
        Stop::usage(unstated.map_or_else(
            || format!("{file}: {error}"),
            |[what, flag]| format!("{file}: nothing tells {what}: state it with {flag}"),
        ))
    })
}

/// That a node's address was asked for, where no fact states one: nobody reaches a kubelet by less.
fn addressed(spec: &Spec) -> Result<(), Stop> {
    let row = by_name(&spec.name);
    let of_node = row.is_some_and(|row| row.hosts.contains(&Host::NodeAddresses));
    let sans = spec.certificate().map_or(&[][..], |wanted| &wanted.sans);
    if !of_node || sans.iter().any(|san| matches!(san, San::Ip(_))) {
        return Ok(());
    }
    Err(Stop::usage(format!(
        "{}: it asks for no address of the node, and no fact tells one: state it with --node-ip",
        spec.place.key()
    )))
}

/// A CA's certificates, beside what it signed: whoever takes that along needs them.
fn copy(ca: &Spec) -> Spec {
    let name = FileId::certificate(Root::Requests, &ca.name).name;
    let mut copy = ca.clone();
    copy.place = Place::File {
        root: Root::Requests,
        name: name.clone(),
    };
    copy.name = name;
    copy
}

/// What the requests themselves say: the kind of their key, and names that may be taken from them.
fn adapt(
    issuers: &[Spec],
    list: Option<Manifest>,
    accept_sans: bool,
    there: impl Fn() -> Arc<Found> + Send + Sync + 'static,
) -> Box<Adapt> {
    let cas: Vec<(String, String)> = issuers
        .iter()
        .map(|ca| (ca.name.clone(), copy(ca).name))
        .collect();
    Box::new(move |specs, seen| {
        for (ca, copy) in &cas {
            hand_out(seen, ca, copy);
        }
        let there = there();
        // What the API server beside the CA sends is what the one that asks is to send: whether it leads there is judged.
        if let Some(Observed::Certificate { chain, .. }) = there.get(API_SERVER) {
            seen.crossed = chain.get(1..).and_then(<[_]>::last).cloned();
        }
        let mut findings: Vec<Finding> = unknown_signers(&there);
        for spec in specs {
            let Some(Observed::Request { request, .. }) = seen.observed.get(&spec.name) else {
                continue;
            };
            findings.extend(signs(spec, request, &there));
            findings.extend(list.iter().flat_map(|list| listed(spec, request, list)));
            spec.set_key_algorithm(request.public_key.algorithm());
            if accept_sans {
                findings.extend(take_sans(spec, request));
                addressed(spec)?;
            }
        }
        Ok(findings)
    })
}

fn hand_out(seen: &mut Seen, ca: &str, copy: &str) {
    let file = |observed: Option<&Observed>| match observed {
        Some(Observed::Certificate { chain, access, .. }) => Some((chain.clone(), *access)),
        _ => None,
    };
    // That there is none, or none that can be read, is told of the CA.
    let Some((of, _)) = file(seen.observed.get(ca)) else {
        return;
    };
    let found = seen.observed.get(copy);
    if matches!(found, Some(Observed::Unreadable(..))) {
        return;
    }
    let there = file(found);
    let copied = Observed::Copy { of, there };
    seen.observed.insert(copy.to_owned(), copied);
}
