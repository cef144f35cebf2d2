//! What lies in a tree and is of no row, whatever its name.

use std::collections::BTreeMap;

use super::{Evidence, Found, of_other};
use crate::location::{FileId, Root};
use crate::observed::{Observed, signing};
use crate::profile::Signer;
use crate::profile::rotation::waits_for;
use crate::spec::{Place, Spec};

/// A file, as it is looked for.
pub fn loose(name: String, file: FileId) -> Spec {
    let place = Place::Found {
        file,
        key: None,
        entry: None,
    };
    of_other(name, place, &Observed::Absent, &Evidence::default())
}

/// Whether it waits to sign the tokens of service accounts: of such a key the public half is in the file of the present one.
pub(super) fn signs_tokens_next(file: &FileId) -> bool {
    waits_for(file).is_some_and(|row| row.signer == Signer::Nobody)
}

/// The file by which what is in a place is called.
pub(in crate::profile) fn told_by(place: &Place) -> FileId {
    match place {
        Place::KeyPair { .. } => place.key(),
        _ => place.public(),
    }
}

/// The files, each certificate with the key that lies beside it: by the public key, or else by a name
/// that says so, as `admin.crt` and `admin.key` or `admin.pem` and `admin-key.pem` do.
pub fn paired(mut loose: Vec<Spec>, found: &mut Found) -> Vec<Spec> {
    // Of many files few lie beside each other.
    let mut beside: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, spec) in loose.iter().enumerate() {
        if matches!(found.get(&spec.name), Some(Observed::KeyOnly(_))) {
            beside.entry(folder(spec)).or_default().push(index);
        }
    }
    for by_name in [false, true] {
        for index in 0..loose.len() {
            let keys = beside.get(&folder(&loose[index]));
            let mut keys = keys.into_iter().flatten().copied();
            let beside = keys.find(|key| goes_with(&loose[index], &loose[*key], found, by_name));
            let Some(beside) = beside else { continue };
            let Some(Observed::KeyOnly(key)) = found.remove(&loose[beside].name) else {
                continue;
            };
            let file = loose[beside].place.public();
            if let Some(Observed::Certificate { key: own, .. }) = found.get_mut(&loose[index].name)
            {
                *own = Some(key);
            }
            if let Place::Found { key: own, .. } = &mut loose[index].place {
                *own = Some(file);
            }
        }
    }
    loose
}

fn folder(spec: &Spec) -> (Root, Option<String>) {
    let file = spec.place.public();
    let folder = file.name.rsplit_once('/');
    (file.root, folder.map(|(folder, _)| folder.to_owned()))
}

/// Whether `other` holds the key alone of what is in the place of `spec`, which has none yet, in its folder.
fn goes_with(spec: &Spec, other: &Spec, found: &Found, by_name: bool) -> bool {
    let (
        Some(Observed::Certificate {
            chain, key: None, ..
        }),
        Some(Observed::KeyOnly(key)),
    ) = (found.get(&spec.name), found.get(&other.name))
    else {
        return false;
    };
    if by_name {
        let (file, beside) = (spec.place.public(), other.place.public());
        return keys_of(&file.name).contains(&beside.name);
    }
    let certificate = signing(chain, Some(key));
    key.open().is_some_and(|key| {
        certificate.is_some_and(|certificate| certificate.public_key == *key.public_key())
    })
}

/// What the key of a certificate is called where its name says that it is: `admin.key`, `admin-key.pem`.
pub(super) fn keys_of(certificate: &str) -> [String; 2] {
    let base = certificate.rsplit_once('.').map_or("", |(base, _)| base);
    [format!("{base}.key"), format!("{base}-key.pem")]
}

/// The certificate whose key `key` is by its name, if that says so: of `files` the one that it is called after before
/// any other, which need not be among them.
pub fn certificate_beside(key: &FileId, files: &[&FileId]) -> Option<FileId> {
    let name = &key.name;
    let base = name
        .strip_suffix("-key.pem")
        .or_else(|| name.strip_suffix(".key"))?;
    let first = certificate_of(name);
    let names = [first.clone(), format!("{base}.crt"), format!("{base}.pem")];
    let mut called = names.map(|name| FileId::new(key.root, name)).into_iter();
    let there = called.find(|file| files.contains(&file));
    Some(there.unwrap_or_else(|| FileId::new(key.root, first)))
}

/// What the certificate of such a key is called before any other.
pub(super) fn certificate_of(key: &str) -> String {
    match key.strip_suffix("-key.pem") {
        Some(base) => format!("{base}.pem"),
        None => format!("{}.crt", key.strip_suffix(".key").unwrap_or(key)),
    }
}
