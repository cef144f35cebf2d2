//! What the names mean that a renewal is given.

use std::collections::BTreeSet;

use crate::cmd::select::nearest;
use crate::cmd::{Stop, there};
use crate::diff::NOT_WRITTEN;
use crate::location::{FileId, Owner, Root};
use crate::observe::{Seen, survey};
use crate::observed::{Observed, Source};
use crate::plan::Renewal;
use crate::profile::TABLE;
use crate::profile::found::loose;
use crate::spec::{Content, Place, Spec};
use crate::store::{self, Store};

/// The specs of the names typed: those of `certs check`, or a file's.
pub(super) fn named(
    typed: &[String],
    specs: &[Spec],
    seen: &Seen,
    (store, renewal): (&Store, &Renewal),
) -> Result<BTreeSet<String>, Stop> {
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for name in typed {
        let called = match there::named(name, specs, store) {
            Ok(called) => called,
            Err(several) => {
                wrong.push(several);
                continue;
            }
        };
        match called {
            Some(spec) if matches!(spec.content, Content::KeyPair(_)) => wrong.push(format!(
                "\"{name}\" is a key pair without a certificate, and has no end"
            )),
            Some(spec) => {
                // What would still be wrong with a kubeconfig is told of it, and not of the pair that it names.
                names.extend(
                    [spec, pair_of(spec, specs, seen, renewal)].map(|spec| spec.name.clone()),
                );
            }
            // Another of the nodes may have it.
            None if renewal.of_many => {}
            None => wrong.push(unknown(name, specs, store)),
        }
    }
    if wrong.is_empty() {
        Ok(names)
    } else {
        Err(Stop::Usage(wrong))
    }
}

fn unknown(name: &str, specs: &[Spec], store: &Store) -> String {
    let row = TABLE
        .iter()
        .find(|row| row.name == name || !store.called(name, &[row.stored.public()]).is_empty());
    if let Some(row) = row {
        let path = store.path(&row.stored.public());
        return format!(
            "{} is not there: 'certs {}' makes it",
            path.display(),
            row.command()
        );
    }
    let lying = Root::TREE.iter().flat_map(|root| store.walk(*root).files);
    let lying: Vec<FileId> = lying.map(|(file, _)| file).collect();
    if let [file, ..] = store.called(name, &lying).as_slice() {
        let path = store.path(file).display().to_string();
        let place = [loose(path.clone(), file.clone())];
        let seen = survey(&place, store, store::trusted_users(Owner::default()));
        return match seen.observed.get(&path) {
            Some(Observed::Certificate { .. } | Observed::Kubeconfig(_)) => {
                let [why, way_out] = NOT_WRITTEN;
                format!("{path} {why}: {way_out}")
            }
            Some(Observed::Lead(_)) => format!(
                "{path} has a user without a client certificate: there is nothing in it to renew"
            ),
            _ => format!(
                "{path} holds no certificate that can be read: there is nothing in it to renew"
            ),
        };
    }
    let known: Vec<&str> = specs
        .iter()
        .filter(|spec| spec.certificate().is_some())
        .map(|spec| spec.name.as_str())
        .collect();
    let all = if name == "all" { ", or --all" } else { "" };
    format!(
        "there is no \"{name}\"{}: name one of {}{all}",
        nearest(name, &known),
        known.join(", ")
    )
}

/// What holds the certificate that a spec is about: a kubeconfig may name a pair of the tree. A CA is renewed
/// by its own name alone.
pub(super) fn pair_of<'a>(
    spec: &'a Spec,
    specs: &'a [Spec],
    seen: &Seen,
    renewal: &Renewal,
) -> &'a Spec {
    let Some(Observed::Kubeconfig(found)) = seen.observed.get(&spec.name) else {
        return spec;
    };
    let Source::File(file) = &found.sources[1] else {
        return spec;
    };
    // One without a file of its key is renewed by nobody.
    let holds = |pair: &&Spec| {
        let written = !matches!(pair.place, Place::File { .. }) || renewal.rotates(pair);
        pair.place.public() == *file && written && !pair.is_ca()
    };
    specs.iter().find(holds).unwrap_or(spec)
}
