//! Private keys among what came back that are a CA's or may be, whatever their files are called.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::reader::{embeds_key, holds_key};
use crate::key::PrivateKey;
use crate::location::{FileId, Root};
use crate::pem;
use crate::profile::TABLE;
use crate::profile::found::is_called_ca;
use crate::requests::manifest;
use crate::store::{LARGEST, Store};
use crate::x509::cert::Certificate;

/// Most octets that are looked into, the smallest files first: keys are small, and what else lies there is somebody's.
const MOST: u64 = 64 << 20;

/// Why a file with a private key is none that may lie beside what came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stray {
    /// It is a CA's, or called as a CA's is and may be that of one that is not known here.
    OfCa,
    /// It has several, of which each may be that of a CA that is not known here: a leaf has one.
    Several,
    /// It is encrypted, as PKCS#12 too, damaged, of a kind that is not known, or within JSON, so that nobody can tell here whose it is.
    Unjudged,
}

/// Files of the requests' directory with a private key that must not be there, `cas` being those that are known. Where that
/// directory is the tree's own its keys are where they belong, and so are those of one's own.
pub fn stray_keys(cas: &[&Certificate], store: &Store) -> Vec<(FileId, Stray)> {
    let mut room = MOST;
    let mut sized = store.walk(Root::Requests).files;
    sized.sort_by_key(|(_, size)| *size);
    sized.retain(|(_, size)| {
        room = room.saturating_sub(*size);
        room > 0 && *size <= LARGEST
    });
    let mut files: Vec<FileId> = sized.into_iter().map(|(file, _)| file).collect();
    files.sort();
    let keys: Vec<FileId> = TABLE.iter().map(|row| row.stored.key()).collect();
    let in_place: BTreeSet<PathBuf> = store.real(&keys).into_iter().collect();
    let places = store.real(&files).into_iter();
    let mut places = places.map(|place| in_place.contains(&place));
    files.retain(|_| places.next() == Some(false));
    let mut folders = in_place.iter().filter_map(|place| place.parent());
    let here = store.real([&manifest()]);
    let own = here
        .first()
        .is_some_and(|here| folders.any(|folder| here.parent() == Some(folder)));
    let judged = files.into_iter().filter_map(|file| {
        // What cannot be read is told of by who needs it.
        let content = store.read_found(&file).ok()??;
        let stray = stray(&content.bytes, &file.name, cas)?;
        (stray == Stray::OfCa || !own).then_some((file, stray))
    });
    judged.collect()
}

fn stray(bytes: &[u8], name: &str, cas: &[&Certificate]) -> Option<Stray> {
    let of_ca = |key: &PrivateKey| cas.iter().any(|ca| ca.public_key == *key.public_key());
    if let Some(key) = PrivateKey::from_der(bytes) {
        return of_ca(&key).then_some(Stray::OfCa);
    }
    let called = |otherwise| {
        let of_ca = is_called_ca(name);
        Some(if of_ca { Stray::OfCa } else { otherwise })
    };
    if !pem::holds_private_key(bytes) {
        // As cfssl answers with the key that it made; a kubeconfig is its owner's.
        let json = bytes.trim_ascii_start().starts_with(b"{");
        let holds = holds_key(bytes) || (json && embeds_key(bytes));
        return holds.then(|| called(Stray::Unjudged)).flatten();
    }
    let blocks = pem::parse(bytes).unwrap_or_default();
    let private = blocks.iter().filter(|block| block.label.is_private());
    let each: Vec<_> = private
        .map(|block| pem::encode(block.label, &block.der))
        .collect();
    if each.len() < 2 {
        return match PrivateKey::from_pem(bytes, None) {
            Ok(key) if of_ca(&key) => Some(Stray::OfCa),
            Ok(_) if is_called_ca(name) => Some(Stray::OfCa),
            Ok(_) => None,
            Err(_) => called(Stray::Unjudged),
        };
    }
    let mut keys = each
        .iter()
        .filter_map(|one| PrivateKey::from_pem(one.as_bytes(), None).ok());
    if keys.any(|key| of_ca(&key)) {
        return Some(Stray::OfCa);
    }
    called(Stray::Several)
}
