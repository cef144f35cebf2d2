//! `certs show`: what is in a file, and what Kubernetes makes of it. Nothing is written.

use anyhow::Context;

use super::around::{configuration, input, roots, shape, stopped};
use super::{Env, Outcome, Stop};
use crate::cli::Show;
use crate::facts;
use crate::location::Owner;
use crate::observe::survey;
use crate::observed::Observed;
use crate::outcome::Exit;
use crate::profile::found::rows;
use crate::report::Shown;
use crate::show::parts;
use crate::spec::Spec;
use crate::store::{self, Store};
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
    Ok((
        Shown::new(&name, &parts, &authorities(&store), env.now),
        notes,
    ))
}

/// The certificates of the tree's CAs, as far as there is a tree, each with where it lies.
fn authorities(store: &Store) -> Vec<(String, Certificate)> {
    let cas: Vec<Spec> = rows().into_iter().filter(Spec::is_ca).collect();
    let seen = survey(&cas, store, store::trusted_users(Owner::default()));
    let mut found = Vec::new();
    for ca in &cas {
        if let Some(Observed::Certificate { chain, .. }) = seen.observed.get(&ca.name) {
            let path = store.path(&ca.place.public());
            let named =
                |certificate: &Certificate| (path.display().to_string(), certificate.clone());
            found.extend(chain.iter().map(named));
        }
    }
    found
}
