//! What all nodes share, and what each has of it.

use super::Run;
use crate::cmd::Stop;
use crate::location::Owner;
use crate::observe::{Seen, observe};
use crate::profile::rotation::{next, rotated};
use crate::profile::{Profile, signing_file};
use crate::spec::{Place, Spec};
use crate::store;

impl Run<'_> {
    /// What is kept of this row for all nodes.
    pub(super) fn shared(&self, row: &Profile) -> Result<&Spec, Stop> {
        let mut specs = self.specs.iter();
        specs.find(|spec| spec.name == row.name).ok_or_else(|| {
            Stop::usage(format!(
                "the nodes of the inventory share no {}: it is of a cluster that is run by others",
                row.name
            ))
        })
    }

    /// What is kept for all nodes, and what may wait there.
    pub(super) fn kept(&self) -> Vec<Spec> {
        let rows = rotated().filter(|row| self.specs.iter().any(|spec| spec.name == row.name));
        self.specs.iter().cloned().chain(rows.map(next)).collect()
    }

    /// The same as it is, with the keys open.
    pub(super) fn look_at_shared(&self) -> Seen {
        let all = self.kept();
        let apart: Vec<Spec> = self.specs.iter().filter_map(signing_file).collect();
        let trusted = store::trusted_users(Owner::default());
        let all = all.iter().chain(&apart);
        observe(all, &self.trees.shared, &self.passphrases, trusted)
    }

    /// What a node has of what is replaced, or is to have.
    pub(super) fn copies(&self, node: usize, row: &Profile) -> Vec<Spec> {
        let cluster = &self.trees.cluster;
        let Some(kept) = self.specs.iter().find(|spec| spec.name == row.name) else {
            return Vec::new();
        };
        let (public, key) = (kept.place.public(), kept.place.key());
        if !cluster.shares(node, &public) {
            return Vec::new();
        }
        // With the keys of CAs kept here alone it has none.
        let store = self.trees.store(node);
        let whole = cluster.shares(node, &key) && store.path(&key).exists();
        let copy = Spec {
            name: public.name.clone(),
            place: if whole {
                kept.place.clone()
            } else {
                Place::File {
                    root: public.root,
                    name: public.name,
                }
            },
            ..kept.clone()
        };
        let signs = cluster.roles(node).control_plane;
        let apart = signing_file(kept).filter(|_| signs);
        [copy].into_iter().chain(apart).collect()
    }
}
