//! Which further roots an interrupted run was over. They are locked with those in which something of
//! it was found, and no others: a run in a directory elsewhere is not this one's to end.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::slice;

use anyhow::Result;

use super::backup;
use super::journal::TransactionId;
use super::left::{Found, Left, survey};
use super::lock::Place;

/// What the remains in some places tell of where else their runs were.
#[derive(Default)]
pub(super) struct Traces {
    /// Random, so whatever has one of them is of that run.
    numbers: BTreeSet<TransactionId>,
    /// The directories that a journal names.
    paths: BTreeSet<PathBuf>,
}

/// What journals and staged files in these places tell.
pub(super) fn traces(places: &[Place]) -> Result<Traces> {
    let mut traces = Traces::default();
    for left in survey(places)? {
        traces.numbers.extend(numbers(&left));
        match left.journal {
            Some(Found::List(list)) => {
                traces
                    .paths
                    .extend(list.roots.into_iter().map(|(_, path)| path));
            }
            Some(Found::Part(part)) => {
                traces.paths.insert(part.list);
            }
            Some(Found::Torn) | None => {}
        }
    }
    Ok(traces)
}

impl Traces {
    /// Whether one of the runs was over this place: a journal names it, or, since a tree may have been
    /// moved, something of that run is in it. What cannot be looked at there is no matter: it may be
    /// another's, who must not bar this run.
    pub fn lead_to(&self, place: &Place) -> bool {
        let has_backup = |number: &TransactionId| {
            matches!(backup::manifest(&place.directory, *number), Ok(Some(_)))
        };
        self.paths.contains(&place.directory.path)
            || survey(slice::from_ref(place)).is_ok_and(|left| {
                left.iter()
                    .any(|left| !numbers(left).is_disjoint(&self.numbers))
            })
            || self.numbers.iter().any(has_backup)
    }
}

fn numbers(left: &Left) -> BTreeSet<TransactionId> {
    let journal = match &left.journal {
        Some(Found::List(list)) => Some(list.transaction),
        Some(Found::Part(part)) => Some(part.transaction),
        Some(Found::Torn) | None => None,
    };
    let staged = left.staged.iter().map(|staged| staged.transaction);
    staged.chain(journal).collect()
}
