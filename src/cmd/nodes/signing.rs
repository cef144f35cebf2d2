//! What the controller manager signs with, where the CA's own file holds more than it may: kept with what all share, by an
//! import of that CA, and copied to the control planes.

use std::path::Path;

use super::facts::Cluster;
use crate::observe::{Passphrases, Seen, observe, survey};
use crate::observed::Observed;
use crate::profile::rotation::{next, rotated};
use crate::profile::signing_file;
use crate::spec::Spec;
use crate::store::{Roots, Store};

/// Whether that is there, beside one of these.
pub(super) fn is_kept(specs: &[Spec], out: &Path) -> bool {
    let store = Store::open(Roots::shared(out));
    let mut apart = specs.iter().filter_map(signing_file);
    apart.any(|apart| store.path(&apart.place.public()).exists())
}

/// Adds what waits there to take the place of a CA or a key, by which it is told how far that is.
pub(crate) fn waiting(source: &mut Seen, store: &Store) {
    let waiting: Vec<Spec> = rotated().map(next).collect();
    let there = |spec: &&Spec| store.path(&spec.place.key()).exists();
    let waiting = survey(waiting.iter().filter(there), store, Vec::new());
    source.observed.extend(waiting.observed);
}

/// Adds its file to what is kept for all: copies are made of it, and nothing here signs with it.
pub(crate) fn look(source: &mut Seen, specs: &[Spec], store: &Store) {
    waiting(source, store);
    let apart: Vec<Spec> = specs.iter().filter_map(signing_file).collect();
    let found = survey(&apart, store, Vec::new());
    source.files.extend(found.files);
}

/// That its key goes to control planes which cannot read it.
pub(crate) fn encrypted(cluster: &Cluster, specs: &[Spec], store: &Store) -> Option<String> {
    let ca = specs.iter().find(|spec| signing_file(spec).is_some())?;
    let key = ca.place.key();
    let mut nodes = 0..cluster.len();
    let seen = observe([ca], store, &Passphrases::default(), Vec::new());
    let locked = seen.observed.get(&ca.name).is_some_and(Observed::is_locked);
    (locked && nodes.any(|node| cluster.shares(node, &key))).then(|| {
        format!(
            "{} is encrypted, and is copied so to the control planes, where no kube-controller-manager can read it: \
             --ca-keys none leaves it here alone, or have it without a passphrase ('openssl pkey -in FILE -out PLAIN')",
            store.path(&key).display()
        )
    })
}
