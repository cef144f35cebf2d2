//! `certs show`: what is in a file, and what Kubernetes makes of it. Nothing is written.

use std::collections::BTreeSet;

use anyhow::Context;

use super::around::{configuration, input, roots, shape, stopped};
use super::there::{self, Lying};
use super::{Env, Outcome, Stop};
use crate::cli::Show;
use crate::facts;
use crate::location::Root;
use crate::observed::Observed;
use crate::outcome::Exit;
use crate::report::Shown;
use crate::show::{Content, Part, parts};
use crate::store::Store;
use crate::x509::cert::Certificate;

pub(crate) fn run(verb: &Show, env: &mut Env<'_>) -> Outcome {
    let format = shape(verb.output, false, env);
    match attempt(verb, env) {
        Ok((shown, notes)) => Outcome {
            stdout: shown.render(&format),
            stderr: crate::report::noted(&notes),
            exit: if shown.is_unreadable() {
                Exit::Failed
            } else {
                Exit::Done
            },
        },
        Err(stop) => stopped(stop, &format),
    }
}

fn attempt(verb: &Show, env: &mut Env<'_>) -> Result<(Shown, Vec<String>), Stop> {
    let name = verb.file.display().to_string();
    let stdin = |path: &std::path::Path| path.as_os_str() == "-";
    if stdin(&verb.file) && verb.tree.config.as_deref().is_some_and(stdin) {
        return Err(Stop::usage(
            "--config and FILE are both -: standard input can be one of them",
        ));
    }
    let (given, mut notes) = configuration(&verb.tree, env)?;
    let cert_dir = facts::cert_dir(&given)
        .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
    let bytes = if stdin(&verb.file) {
        (env.stdin)().context("read standard input")?
    } else {
        input(&verb.file, "FILE")?.bytes
    };
    let parts = parts(&bytes).map_err(|error| Stop::usage(format!("{name} {error:#}")))?;
    let store = Store::open(roots(
        &verb.tree,
        None,
        None,
        None,
        cert_dir.as_deref(),
        &mut notes,
    ));
    let signed = |part: &Part| matches!(part.content, Content::Certificate(_));
    let authorities = if parts.iter().any(signed) {
        authorities(&store)
    } else {
        Vec::new()
    };
    Ok((Shown::new(&name, &parts, &authorities, env.now), notes))
}

/// The certificates of CAs in the tree, whatever their files are called, each with where it lies: those of the rows
/// first, and one that lies in several files by the first alone. What cannot be read there is for `check` to tell.
fn authorities(store: &Store) -> Vec<(String, Certificate)> {
    let roots = [Root::Pki, Root::Kubeconfig].into_iter();
    let roots: Vec<Root> = roots.filter(|root| !store.lacks(*root)).collect();
    let (mut places, _) = there::places(store, &roots);
    let lying = Lying::of(store, &places, &roots);
    let seen = there::whole(&mut places, &lying, store);
    let mut found: Vec<(String, Certificate)> = Vec::new();
    let mut known = BTreeSet::new();
    places.sort_by_key(|spec| !spec.is_ca());
    for spec in &places {
        if let Some(Observed::Certificate { chain, .. }) = seen.observed.get(&spec.name) {
            let path = store.path(&spec.place.public()).display().to_string();
            for ca in chain.iter().filter(|certificate| certificate.is_ca()) {
                if known.insert(ca.der().to_vec()) {
                    found.push((path.clone(), ca.clone()));
                }
            }
        }
    }
    found
}
