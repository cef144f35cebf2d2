//! What a kubeconfig holds beside what its current context names, as specs.

use crate::observe::{self, Seen};
use crate::profile::found::{Evidence, of_entry};
use crate::spec::Spec;
use crate::store::Store;

/// The entries of the kubeconfigs of `specs` that these do not stand for: each is judged by itself, and added to what was
/// seen.
pub(super) fn entries(specs: &[Spec], seen: &mut Seen, store: &Store, host: &str) -> Vec<Spec> {
    let evidence = Evidence::of(&seen.observed, host);
    let mut further = Vec::new();
    let mut there = Vec::new();
    for spec in specs {
        for entry in observe::entries(spec, seen, store) {
            let which = (entry.entry, entry.current);
            let (observed, leads) = (entry.observed, entry.leads);
            let spec = of_entry(spec, which, &observed, &leads, &seen.observed, &evidence);
            there.push((spec.name.clone(), observed));
            further.push(spec);
        }
    }
    seen.observed.extend(there);
    further
}
