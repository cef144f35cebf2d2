//! What lies in a tree and is of no row, whatever its name.

use super::{Evidence, Found, of_other};
use crate::location::FileId;
use crate::observed::{Observed, signing};
use crate::spec::{Place, Spec};

/// A file, as it is looked for.
pub fn loose(name: String, file: FileId) -> Spec {
    let place = Place::Found { file, key: None };
    of_other(name, place, &Observed::Absent, &Evidence::default())
}

/// The files, each certificate with the key that lies beside it: by the public key, or else by a name
/// that says so, as `admin.crt` and `admin.key` or `admin.pem` and `admin-key.pem` do.
pub fn paired(mut loose: Vec<Spec>, found: &mut Found) -> Vec<Spec> {
    for by_name in [false, true] {
        for index in 0..loose.len() {
            let beside = loose
                .iter()
                .position(|key| goes_with(&loose[index], key, found, by_name));
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

/// Whether `other` holds the key alone of what is in the place of `spec`, which has none yet.
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
    let (file, beside) = (spec.place.public(), other.place.public());
    if file.directories() != beside.directories() || file.root != beside.root {
        return false;
    }
    if by_name {
        let base = file.name.rsplit_once('.').map_or("", |(base, _)| base);
        return [".key", "-key.pem"]
            .iter()
            .any(|ending| beside.name.strip_suffix(ending) == Some(base));
    }
    let certificate = signing(chain, Some(key));
    key.open().is_some_and(|key| {
        certificate.is_some_and(|certificate| certificate.public_key == *key.public_key())
    })
}
