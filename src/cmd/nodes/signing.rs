//! What the controller manager signs with, where the CA's own file holds more than it may: kept with what all share, by an
//! import of that CA, and copied to the control planes.

use std::path::Path;

use crate::observe::{Seen, survey};
use crate::profile::signing_file;
use crate::spec::Spec;
use crate::store::{Roots, Store};

/// Whether that is there, beside one of these.
pub(super) fn is_kept(specs: &[Spec], out: &Path) -> bool {
    let store = Store::open(Roots::shared(out));
    let mut apart = specs.iter().filter_map(signing_file);
    apart.any(|apart| store.path(&apart.place.public()).exists())
}

/// Adds its file to what is kept for all: copies are made of it, and nothing here signs with it.
pub(crate) fn look(source: &mut Seen, specs: &[Spec], store: &Store) {
    let apart: Vec<Spec> = specs.iter().filter_map(signing_file).collect();
    let found = survey(&apart, store, Vec::new());
    source.files.extend(found.files);
}
