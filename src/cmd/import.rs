//! `certs import`: what another machine signed, checked and put in its place, all in one commit.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

use super::around::{Wrong, ended, lock_timeout, quiet, roots};
use super::basis::Basis;
use super::csr::{basis, given, rows};
use super::generate::owner;
use super::job::{Adapt, Job, over_requests};
use super::{Env, Outcome, Stop, there};
use crate::cli::Import;
use crate::diff::{Notice, Within};
use crate::facts::Facts;
use crate::finding::{Code, Finding};
use crate::location::{FileId, Owner, Root};
use crate::observe::{self, Passphrases, Seen, Stray, access, arrived};
use crate::observed::{Access, Observed};
use crate::plan::{Force, Policy};
use crate::profile::found::{self, as_asked, looked_for};
use crate::profile::{Kind, TABLE};
use crate::requests::{Manifest, came, manifest, returned};
use crate::spec::Spec;
use crate::store::{Store, request_directory};
use crate::x509::cert::Certificate;

mod nodes;
mod placed;
mod taken;

use placed::as_check;
use taken::{below, bring_along, take, take_ca};

const VERB: &str = "import";
/// Where what a CA signed is looked for: what a kubelet rotates is its own.
const BELOW: [Root; 2] = [Root::Pki, Root::Kubeconfig];

pub(crate) fn run(verb: &Import, env: &mut Env<'_>) -> Outcome {
    if verb.nodes.inventory.is_some() || verb.nodes.out.is_some() {
        return nodes::run(verb, env);
    }
    let report = settle(verb, env).and_then(|settled| over_requests(VERB, settled, &verb.run, env));
    ended(report, &verb.run, env)
}

fn settle(verb: &Import, env: &mut Env<'_>) -> Result<(Job, Facts, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    let owner = wrong.collect(owner(&verb.ownership))?;
    wrong.collect(quiet(&verb.run))?;
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
    let (names, list) = names(&verb.names, &store)?;
    let specs = rows(&names)?.into_iter().map(looked_for).collect();
    let typed = Typed {
        named: !verb.names.is_empty(),
        owner,
        lock_timeout,
    };
    let basis = (Basis::Alone(Box::new(basis)), env.host.name, env.now);
    let job = job(&typed, (specs, names, list), store, basis);
    Ok((job, facts, notes))
}

/// What was typed of how to put it in place.
struct Typed {
    /// Whether it was said what is to be imported.
    named: bool,
    owner: Owner,
    lock_timeout: Duration,
}

/// The import of these into one tree.
fn job(
    typed: &Typed,
    (mut specs, names, list): (Vec<Spec>, Vec<String>, Option<Access>),
    store: Store,
    (basis, host, now): (Basis, &str, OffsetDateTime),
) -> Job {
    // As `check` tells of them.
    let within = Within {
        ca: Notice::CA,
        leaf: Notice::LEAF,
    };
    // A CA that is not here may have come back with what it signed.
    let mut all = there::further_issuers(&specs);
    // Those of many nodes are kept for all of them.
    let issuers = if let Basis::OfMany(..) = basis {
        std::mem::take(&mut all)
    } else {
        Vec::new()
    };
    all.append(&mut specs);
    let mut also = Vec::new();
    // What stands below a CA is brought up to date with it.
    if all
        .iter()
        .any(|spec| spec.is_ca() && names.contains(&spec.name))
    {
        also.extend(BELOW.into_iter().filter(|root| store.has(*root)));
    }
    let of_many = matches!(basis, Basis::OfMany(..));
    let asked = (list, asked_with(&store));
    let adapt = adapt(
        (names, typed.named),
        asked,
        basis,
        host.to_owned(),
        store.clone(),
        now,
    );
    Job {
        specs: all,
        issuers,
        also,
        // What came back may lie on a medium that nobody writes.
        of_many,
        reads: vec![Root::Requests],
        adapt: Some(adapt),
        store,
        passphrases: Passphrases::default(),
        owner: typed.owner,
        policy: Policy {
            force: Force::Import(within),
            founding: true,
            backup: true,
        },
        lock_timeout: typed.lock_timeout,
    }
}

/// What is to come back: what was named, else all that was asked for, else all that is there. And the
/// access to the file that told what was asked for.
fn names(typed: &[String], store: &Store) -> Result<(Vec<String>, Option<Access>), Stop> {
    if !typed.is_empty() {
        return Ok((typed.to_vec(), None));
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

/// All that was asked for together, as far as it is told.
fn asked_with(store: &Store) -> Vec<String> {
    let told = store.read(&manifest()).ok().flatten();
    let told = told.and_then(|content| Manifest::parse(&content.bytes).ok());
    told.map_or_else(Vec::new, |told| {
        told.requests.into_iter().map(|entry| entry.name).collect()
    })
}

/// A CA that this tree did not ask for, or had an answer for, and that is here, or that `came` and signed nothing that is
/// `below` it: the list of what was, on whose medium it ever lay, decides of no CA that the cluster trusts.
fn unasked(
    spec: &Spec,
    came: bool,
    below: &[Certificate],
    seen: &Seen,
    store: &Store,
) -> Option<Finding> {
    let who = match seen.observed.get(&spec.name) {
        Some(Observed::Certificate { .. }) => {
            "the CA that is here did not ask for it, or has been answered"
        }
        // With a key that is here it is held against that.
        Some(Observed::Absent) if came && below.is_empty() => "nothing here asked for it",
        _ => return None,
    };
    let own = observe::asked(std::slice::from_ref(spec), &seen.observed, store, false);
    own.is_empty().then(|| Finding {
        code: Code::UnrelatedCa,
        name: spec.name.clone(),
        file: returned(spec),
        text: format!("is in the list of what was asked for, and {who}"),
        way_out: format!(
            "take {0} out of requests.json, or name it if the cluster is to trust what came: 'certs import DIRECTORY {0}'",
            spec.name
        ),
    })
}

/// Whoever had the medium had these too.
fn stray_keys(came: &[Certificate], seen: &Seen, store: &Store) -> Vec<Finding> {
    let mut rows = found::rows();
    rows.retain(Spec::is_ca);
    let there = observe::survey(&rows, store, seen.ground.trusted.clone()).observed;
    let here = seen.observed.values().chain(there.values());
    let here = here.flat_map(|observed| match observed {
        Observed::Certificate { chain, .. } => &chain[..],
        _ => &[],
    });
    let here = here.filter(|certificate| certificate.is_ca());
    let cas: Vec<&Certificate> = came.iter().chain(here).collect();
    let tell = |(file, stray): (FileId, Stray)| {
        let (what, whose) = match stray {
            Stray::OfCa => ("holds the private key of a CA, which goes", "that CA"),
            Stray::Several => ("holds several private keys, which go", "those keys"),
            Stray::Unjudged => (
                "holds a private key that cannot be judged and may be a CA's, which goes",
                "that key",
            ),
        };
        Finding {
            code: Code::Unreadable,
            name: String::new(),
            text: format!("{what} nowhere with what was signed, and which others may have read"),
            way_out: format!("take it out, and replace {whose} if anybody else may have had it"),
            file,
        }
    };
    let files = observe::stray_keys(&cas, store).into_iter();
    files.map(tell).collect()
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
    (names, typed): (Vec<String>, bool),
    (told, all): (Option<Access>, Vec<String>),
    basis: Basis,
    host: String,
    store: Store,
    now: OffsetDateTime,
) -> Box<Adapt> {
    Box::new(move |specs, seen| {
        let told = told.map(|access| (manifest(), access));
        seen.ground.files.extend(told);
        let assumed = basis.settle(specs, seen, (&store, &host))?;
        let mut findings = Vec::new();
        let requests = observe::asked(specs, &seen.observed, &store, true);
        as_asked(specs, &requests, basis.is_stated());
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
        let mut failed: Vec<String> = findings.iter().map(|found| found.name.clone()).collect();
        let pool: Vec<Certificate> = arrivals
            .values()
            .flat_map(|arrival| arrival.certificates.iter())
            .filter(|certificate| certificate.is_ca())
            .cloned()
            .collect();
        let told: Vec<&FileId> = findings.iter().map(|found| &found.file).collect();
        let keys = stray_keys(&pool, seen, &store);
        let keys: Vec<Finding> = keys
            .into_iter()
            .filter(|key| !told.contains(&&key.file))
            .collect();
        findings.extend(keys);
        // CAs first: what they signed is held against them.
        for spec in specs.iter().filter(|spec| spec.is_ca()) {
            let asked = names.contains(&spec.name);
            let there = seen.observed.get(&spec.name).cloned();
            let below = below(spec, specs, &arrivals);
            let came = arrivals.contains_key(&spec.name);
            let unasked = || unasked(spec, came, &below, seen, &store);
            let unasked = (asked && !typed).then(unasked).flatten();
            take_ca(
                seen,
                spec,
                arrivals.remove(&spec.name),
                asked,
                &below,
                (&pool, now),
            );
            // One that is where it belongs decides of nothing.
            let kept = matches!(
                seen.observed.get(&spec.name),
                Some(Observed::Returned(returned)) if returned.is_in_place()
            );
            if let (false, Some(finding), Some(there)) = (kept, unasked, there) {
                findings.push(finding);
                // That it is not here is no matter then: it is not to come.
                failed.extend(there.is_absent().then(|| spec.name.clone()));
                seen.observed.insert(spec.name.clone(), there);
            }
        }
        let failed = |spec: &Spec| failed.contains(&spec.name);
        let leaf = |spec: &&Spec| holds(spec) && !spec.is_ca() && !failed(spec);
        for spec in specs.iter().filter(leaf) {
            let sans = requests.get(&spec.name).map(|asked| asked.sans.clone());
            take(seen, spec, arrivals.remove(&spec.name), (&pool, now), sans);
        }
        // Of what cannot be read, or is not to come, nothing more is to be said.
        specs.retain(|spec| !failed(spec));
        let cas: Vec<Spec> = specs.iter().filter(|spec| spec.is_ca()).cloned().collect();
        for ca in cas {
            bring_along(seen, specs, &ca, &store, &host);
        }
        let judged = basis.over(|over| as_check(specs, &all, seen, over, (&store, &host), now))?;
        findings.extend(judged);
        findings.extend(assumed);
        Ok(findings)
    })
}
