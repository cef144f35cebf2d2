//! What a kubeconfig holds beside what its current context names, as specs.

use crate::observe::{self, Seen};
use crate::profile::found::{Evidence, Leading, Ours, of_entry};
use crate::spec::Spec;
use crate::store::Store;

/// The entries of the kubeconfigs of `specs` that these do not stand for: each is judged by itself, and added to what was
/// seen.
pub(crate) fn entries(specs: &[Spec], seen: &mut Seen, store: &Store, host: &str) -> Vec<Spec> {
    let evidence = Evidence::of(&seen.observed, host);
    let ours = Ours::of(&seen.observed);
    let mut further = Vec::new();
    let mut there = Vec::new();
    for spec in specs {
        let Some(entries) = observe::entries(spec, seen, store) else {
            continue;
        };
        let contexts = entries.contexts.iter();
        let contexts = contexts.map(|to| (to.cluster.as_str(), to.user.as_str()));
        let whole = seen.observed.get(&spec.name);
        let leading = Leading::of(&ours, &entries.clusters, contexts, whole);
        for entry in entries.entries {
            let (which, observed) = ((entry.entry, entry.current), entry.observed);
            let spec = of_entry(spec, which, &observed, &leading, &evidence);
            there.push((spec.name.clone(), observed));
            further.push(spec);
        }
    }
    seen.observed.extend(there);
    further
}
