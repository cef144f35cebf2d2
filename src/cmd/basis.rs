//! What is wanted of a tree over which requests go: what was stated of one node, or what an inventory says of one of
//! many, and else what is there tells.

use std::sync::Arc;

use super::Stop;
use super::nodes::facts::Cluster;
use super::there::Resolve;
use crate::finding::Finding;
use crate::location::Owner;
use crate::observe::{Seen, survey};
use crate::profile::found::{Evidence, rows};
use crate::profile::{self, Profile, kept};
use crate::spec::Spec;
use crate::store::{self, Store};

/// What tells it.
pub(super) enum Basis {
    /// Flags and a document, of one node.
    Alone(Box<profile::Basis>),
    /// The inventory, of the node of this number.
    OfMany(Arc<Cluster>, usize),
}

impl Basis {
    /// Makes each spec what is wanted in its place. All files of a tree tell it: those alone that a run is about may
    /// not tell enough.
    pub(super) fn settle(
        &self,
        specs: &mut [Spec],
        seen: &Seen,
        (store, host): (&Store, &str),
    ) -> Result<Vec<Finding>, Stop> {
        let tree = survey(&rows(), store, store::trusted_users(Owner::default())).observed;
        let evidence = Evidence::of(&tree, host);
        match self {
            Self::Alone(basis) => basis
                .settle(specs, &seen.observed, &tree, &evidence)
                .map_err(Stop::Usage),
            Self::OfMany(cluster, node) => {
                let stated = cluster.stated(*node)?;
                let over = |row: &Profile, there| cluster.over(*node, &stated, row, there);
                kept(specs, &seen.observed, &evidence, over)
                    .map_err(|error| Stop::usage(error.0))?;
                Ok(Vec::new())
            }
        }
    }

    /// Whether anything was stated.
    pub(super) fn is_stated(&self) -> bool {
        match self {
            Self::Alone(basis) => basis.stated().is_some(),
            Self::OfMany(..) => true,
        }
    }

    /// What `work` makes of what was stated of each row.
    pub(super) fn over<T>(&self, work: impl FnOnce(Option<&Resolve<'_>>) -> T) -> Result<T, Stop> {
        Ok(match self {
            Self::Alone(basis) => {
                let over = basis
                    .stated()
                    .map(|stated| |row: &Profile, there| stated.over(row, there));
                work(over.as_ref().map(|over| over as &Resolve<'_>))
            }
            Self::OfMany(cluster, node) => {
                let stated = cluster.stated(*node)?;
                work(Some(&|row, there| cluster.over(*node, &stated, row, there)))
            }
        })
    }
}
