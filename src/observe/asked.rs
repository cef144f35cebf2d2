//! What a tree asked for, of the keys that are in their places.

use std::collections::BTreeMap;

use crate::location::{FileId, Root};
use crate::observed::{Key, Observed, signing};
use crate::requests::{in_place_of, sent};
use crate::spec::Spec;
use crate::store::Store;
use crate::x509::request::{Asked, Request};

/// Whether this, which lies beside its key, has not had its answer: whoever answers that of a CA twice decides whom the
/// cluster trusts, and a request says no more than its key, which stays the same.
pub(super) fn is_open(spec: &Spec, observed: Option<&Observed>, request: &[u8]) -> bool {
    let Some(Observed::Certificate { chain, key, .. }) = observed.filter(|_| spec.is_ca()) else {
        return true;
    };
    let present = signing(chain, key.as_ref());
    present.is_some_and(|present| request.starts_with(in_place_of(present).as_bytes()))
}

/// What each certificate was asked for with, by the spec's name: by the request beside its key, else
/// where it `came` back by the one beside it. It counts where that key signed it, so that nobody else
/// can say what was asked for.
pub fn asked(
    specs: &[Spec],
    observed: &BTreeMap<String, Observed>,
    store: &Store,
    came: bool,
) -> BTreeMap<String, Asked> {
    let of_key = |spec: &Spec, file: &FileId, key: &Key| {
        // One that cannot be read asks for nothing.
        let content = store.read(file).ok()??;
        if !is_open(spec, observed.get(&spec.name), &content.bytes) {
            return None;
        }
        let request = Request::from_file(&content.bytes).ok()?;
        let own = *key.open()?.public_key() == request.public_key;
        (own && request.prove_possession().is_ok()).then_some(request.asked)
    };
    let of_spec = |spec: &Spec| {
        let key = observed.get(&spec.name)?.asking_key()?;
        let own = spec.place.request();
        let beside = [sent(spec), FileId::new(Root::Requests, own.name.clone())];
        let beside = beside.iter().filter(|_| came);
        let mut files = [&own].into_iter().chain(beside);
        files.find_map(|file| of_key(spec, file, key))
    };
    let each = specs
        .iter()
        .filter_map(|spec| Some((spec.name.clone(), of_spec(spec)?)));
    each.collect()
}
