//! `certs import`: what another machine signed, checked and put in its place, all in one commit.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::around::{Wrong, ended, lock_timeout, quiet, roots};
use super::csr::{basis, rows};
use super::generate::owner;
use super::job::{Adapt, Job, over_requests, settled};
use super::{Env, Outcome, Stop, there};
use crate::bundle;
use crate::cli::Import;
use crate::diff::{Notice, Within, counted};
use crate::facts::Facts;
use crate::finding::Finding;
use crate::location::{FileId, Root};
use crate::observe::{self, Arrived, Passphrases, Seen, access, arrived};
use crate::observed::{Access, Key, Observed, Returned};
use crate::plan::{Force, Policy};
use crate::profile::found::{as_asked, looked_for};
use crate::profile::{Basis, Kind, TABLE, signing_file};
use crate::requests::{Manifest, came, manifest, returned};
use crate::spec::Spec;
use crate::store::{Store, request_directory};
use crate::x509::cert::Certificate;
use crate::x509::san::San;

mod placed;
use placed::as_check;

const VERB: &str = "import";
/// Where what a CA signed is looked for: what a kubelet rotates is its own.
const BELOW: [Root; 2] = [Root::Pki, Root::Kubeconfig];

pub(crate) fn import(verb: &Import, env: &mut Env<'_>) -> Outcome {
    let report = settle(verb, env).and_then(|settled| over_requests(VERB, settled, &verb.run, env));
    ended(report, &verb.run, env)
}

fn settle(verb: &Import, env: &mut Env<'_>) -> Result<(Job, Facts, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    let owner = wrong.collect(owner(&verb.ownership))?;
    wrong.collect(quiet(&verb.run))?;
    // As `check` tells of them.
    let within = Within {
        ca: Notice::CA,
        leaf: Notice::LEAF,
    };
    let told = wrong.collect(basis(&verb.facts, &verb.run.tree, env))?;
    let (Some(lock_timeout), Some(owner), Some((basis, facts, mut notes)), true) =
        (lock_timeout, owner, told, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    let directory = match request_directory(&verb.directory) {
        Ok((directory, None)) => directory,
        Ok((_, Some(_))) => {
            return Err(Stop::usage(format!(
                "{} is a file: name the directory of what came back",
                verb.directory.display()
            )));
        }
        Err(error) => return Err(Stop::usage(format!("{error:#}"))),
    };
    let store = Store::open(roots(
        &verb.run.tree,
        verb.kubeconfig_dir.kubeconfig_dir.as_ref(),
        verb.kubelet_dir.kubelet_dir.as_ref(),
        Some(&directory),
        facts.cert_dir.as_deref(),
        &mut notes,
    ));
    let (names, list) = names(verb, &store)?;
    let mut specs: Vec<Spec> = rows(&names)?.into_iter().map(looked_for).collect();
    // A CA that is not here may have come back with what it signed.
    let mut all = there::further_issuers(&specs);
    all.append(&mut specs);
    let mut also = Vec::new();
    // What stands below a CA is brought up to date with it.
    if all
        .iter()
        .any(|spec| spec.is_ca() && names.contains(&spec.name))
    {
        also.extend(BELOW.into_iter().filter(|root| store.has(*root)));
    }
    let job = Job {
        specs: all,
        issuers: Vec::new(),
        also,
        // What came back may lie on a medium that nobody writes.
        reads: vec![Root::Requests],
        adapt: Some(adapt(
            names,
            list,
            basis,
            env.host.name.to_owned(),
            store.clone(),
            env.now,
        )),
        store,
        passphrases: Passphrases::default(),
        owner,
        policy: Policy {
            force: Force::Import(within),
            founding: true,
            backup: true,
        },
        lock_timeout,
    };
    Ok((job, facts, notes))
}

/// What is to come back: what was named, else all that was asked for, else all that is there. And the
/// access to the file that told what was asked for.
fn names(verb: &Import, store: &Store) -> Result<(Vec<String>, Option<Access>), Stop> {
    if !verb.names.is_empty() {
        return Ok((verb.names.clone(), None));
    }
    let told = store.read(&manifest()).map_err(anyhow::Error::from)?;
    let access = told.as_ref().map(access);
    let names: Vec<String> = if let Some(content) = told {
        let path = store.path(&manifest());
        let told = Manifest::parse(&content.bytes).map_err(|error| {
            Stop::usage(format!(
                "{}: {error:#}: name what is to be imported, or move it away",
                path.display()
            ))
        })?;
        told.requests.into_iter().map(|entry| entry.name).collect()
    } else {
        let files = store.list(Root::Requests).map_err(anyhow::Error::from)?;
        let there = rows(&[])?.into_iter().filter(|row| {
            let kubeadms = row.stored.public().request();
            let kubeadms = kubeadms.name.replace(".csr", ".crt");
            files
                .iter()
                .any(|file| *file == came(row.name) || file.name == kubeadms)
        });
        there.map(|row| row.name.to_owned()).collect()
    };
    if names.is_empty() {
        return Err(Stop::usage(format!(
            "{} holds no certificate that came back: one is called NAME.crt{}",
            store.root(Root::Requests).display(),
            cas(store)
        )));
    }
    Ok((names, access))
}

/// How the CAs are imported that came back alone: beside what they signed they are copies.
fn cas(store: &Store) -> String {
    let files = store.list(Root::Requests).unwrap_or_default();
    let came = TABLE
        .iter()
        .filter(|row| row.kind == Kind::Ca && files.contains(&came(row.name)));
    let names: Vec<&str> = came.map(|row| row.name).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!(
            "; a CA is imported by its name alone: give it behind the directory, as in '{}'",
            names.join(" ")
        ),
    }
}

/// What came back stands for what is found, and what is there tells what it is to be, where no facts
/// are stated.
fn adapt(
    names: Vec<String>,
    told: Option<Access>,
    basis: Basis,
    host: String,
    store: Store,
    now: OffsetDateTime,
) -> Box<Adapt> {
    Box::new(move |specs, seen| {
        let told = told.map(|access| (manifest(), access));
        seen.ground.files.extend(told);
        let assumed = settled(&basis, specs, seen, (&store, &host))?;
        let mut findings = Vec::new();
        let requests = observe::asked(specs, &seen.observed, &store, true);
        as_asked(specs, &requests, basis.stated().is_some());
        seen.look_for_obstacles(specs);
        let mut arrivals = BTreeMap::new();
        // What a kubeconfig names comes back for that pair.
        let holds = |spec: &&Spec| spec.credential_files().is_none();
        for spec in specs.iter().filter(holds) {
            match arrived(spec, &store) {
                Ok(Some(arrival)) => {
                    arrivals.insert(spec.name.clone(), arrival);
                }
                Ok(None) => {}
                Err(unreadable) => findings.push(Finding {
                    code: unreadable.cause.code(),
                    name: spec.name.clone(),
                    file: unreadable.file,
                    text: unreadable.why,
                    way_out: "have it sent again".to_owned(),
                }),
            }
        }
        let back = arrivals.values().map(|arrival| &arrival.file);
        seen.look_at_directories(back.chain([&manifest()]), &store);
        let failed: Vec<String> = findings.iter().map(|found| found.name.clone()).collect();
        let pool: Vec<Certificate> = arrivals
            .values()
            .flat_map(|arrival| arrival.certificates.iter())
            .filter(|certificate| certificate.is_ca())
            .cloned()
            .collect();
        // CAs first: what they signed is held against them.
        for spec in specs.iter().filter(|spec| spec.is_ca()) {
            let asked = names.contains(&spec.name);
            let below = below(spec, specs, &arrivals);
            take_ca(
                seen,
                spec,
                arrivals.remove(&spec.name),
                asked,
                &below,
                (&pool, now),
            );
        }
        let failed = |spec: &Spec| failed.contains(&spec.name);
        let leaf = |spec: &&Spec| holds(spec) && !spec.is_ca() && !failed(spec);
        for spec in specs.iter().filter(leaf) {
            let sans = requests.get(&spec.name).map(|asked| asked.sans.clone());
            take(seen, spec, arrivals.remove(&spec.name), (&pool, now), sans);
        }
        findings.extend(as_check(specs, seen, basis.stated(), (&store, &host), now));
        // Of what cannot be read nothing more is to be said.
        specs.retain(|spec| !failed(spec));
        let cas: Vec<Spec> = specs.iter().filter(|spec| spec.is_ca()).cloned().collect();
        for ca in cas {
            bring_along(seen, specs, &ca, &store, &host);
        }
        findings.extend(assumed);
        Ok(findings)
    })
}

/// What came back of what a CA is to have signed.
fn below(ca: &Spec, specs: &[Spec], arrivals: &BTreeMap<String, Arrived>) -> Vec<Certificate> {
    let signed = |spec: &&Spec| {
        let leaf = spec.certificate();
        leaf.is_some_and(|leaf| leaf.issuer.as_ref() == Some(&ca.name))
    };
    let back = specs.iter().filter(signed);
    let back = back.filter_map(|spec| arrivals.get(&spec.name)?.certificates.first());
    back.cloned().collect()
}

/// A CA's certificate that is here counts, unless it was asked for too.
fn take_ca(
    seen: &mut Seen,
    spec: &Spec,
    arrival: Option<Arrived>,
    asked: bool,
    below: &[Certificate],
    (pool, time): (&[Certificate], OffsetDateTime),
) {
    let observed = seen.observed.get(&spec.name).unwrap_or(&Observed::Absent);
    if !asked && !observed.is_absent() {
        return;
    }
    if matches!(observed, Observed::Unreadable(_)) || (arrival.is_none() && !asked) {
        return;
    }
    let (key, now) = what_is_there(observed);
    let (file, access) = file(spec, arrival.as_ref());
    let came = arrival.map_or_else(Vec::new, |arrival| arrival.certificates);
    let (chain, unrelated) = counted(&came, key.as_ref(), &now, below, pool, time);
    put(
        seen,
        spec,
        Returned {
            file,
            chain,
            key,
            now,
            unrelated,
            access,
            asked: None,
        },
    );
}

/// With a CA that comes anew also what it signed, and the file of one certificate that the controller
/// manager signs with.
fn bring_along(seen: &mut Seen, specs: &mut Vec<Spec>, ca: &Spec, store: &Store, host: &str) {
    let Some(Observed::Returned(returned)) = seen.observed.get(&ca.name) else {
        return;
    };
    let (own, whole) = (returned.key.is_some(), returned.chain.clone());
    let (came, former) = (returned.file.clone(), !returned.now.is_empty());
    if let (Some(apart), true, Some(first)) = (signing_file(ca), own, whole.first()) {
        let file = apart.place.public();
        let found = observe::survey([&apart], store, Vec::new());
        let there = match found.observed.get(&apart.name) {
            Some(Observed::Certificate { chain, .. }) => chain.clone(),
            _ => Vec::new(),
        };
        if whole.len() > 1 || found.files.contains_key(&file) {
            seen.files.extend(found.files);
            let alone = Returned {
                file: came,
                chain: vec![first.clone()],
                key: None,
                now: there,
                unrelated: Vec::new(),
                access: returned.access,
                asked: None,
            };
            put(seen, &apart, alone);
            specs.push(apart);
        }
    }
    if !former {
        return;
    }
    let roots: Vec<Root> = BELOW.into_iter().filter(|root| store.has(*root)).collect();
    let (places, _) = there::places(store, &roots);
    let found = observe::survey(&places, store, Vec::new());
    // Without facts nothing of it can be wrong.
    let below = there::specs(places, &found.observed, None, host).unwrap_or_default();
    let asked: Vec<FileId> = specs.iter().map(|spec| spec.place.public()).collect();
    for spec in below {
        let leaf = spec.certificate();
        let signed = leaf.is_some_and(|leaf| leaf.issuer.as_ref() == Some(&ca.name));
        let Some(observed) = found.observed.get(&spec.name) else {
            continue;
        };
        if !signed || asked.contains(&spec.place.public()) {
            continue;
        }
        for file in spec.place.files() {
            if let Some(content) = found.files.get(&file) {
                seen.files.insert(file, content.clone());
            }
        }
        seen.observed.insert(spec.name.clone(), observed.clone());
        specs.push(spec);
    }
    // The API server's before the kubeconfigs, which trust what it does not send.
    let row = |spec: &Spec| TABLE.iter().position(|row| row.name == spec.name);
    specs.sort_by_key(|spec| row(spec).unwrap_or(TABLE.len()));
}

fn take(
    seen: &mut Seen,
    spec: &Spec,
    arrival: Option<Arrived>,
    (pool, time): (&[Certificate], OffsetDateTime),
    asked: Option<Vec<San>>,
) {
    let observed = seen.observed.get(&spec.name).unwrap_or(&Observed::Absent);
    if matches!(observed, Observed::Unreadable(_)) {
        return;
    }
    let (key, now) = what_is_there(observed);
    let authorities = crate::diff::authorities(spec, &seen.observed);
    let (file, access) = file(spec, arrival.as_ref());
    let leaf = arrival.and_then(|arrival| arrival.certificates.into_iter().next());
    let pool = [authorities, pool].concat();
    let chain = leaf.map_or_else(Vec::new, |leaf| bundle::chain(&leaf, &pool, time));
    put(
        seen,
        spec,
        Returned {
            file,
            chain,
            key,
            now,
            unrelated: Vec::new(),
            access,
            asked,
        },
    );
}

/// Where it came back, or would have, and the access to that.
fn file(spec: &Spec, arrival: Option<&Arrived>) -> (FileId, Access) {
    arrival.map_or_else(
        || (returned(spec), Access::default()),
        |arrival| (arrival.file.clone(), arrival.access),
    )
}

fn put(seen: &mut Seen, spec: &Spec, returned: Returned) {
    let returned = Observed::Returned(Box::new(returned));
    seen.observed.insert(spec.name.clone(), returned);
}

fn what_is_there(observed: &Observed) -> (Option<Key>, Vec<Certificate>) {
    match observed {
        Observed::Certificate { chain, key, .. } => (key.clone(), chain.clone()),
        Observed::KeyOnly(key) | Observed::Requested { key, .. } => (Some(key.clone()), Vec::new()),
        Observed::Kubeconfig(found) => (Some(found.key.clone()), found.chain.clone()),
        _ => (None, Vec::new()),
    }
}
