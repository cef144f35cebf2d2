//! Which backups stay when a run is over: a rule over the commands of all runs says so, and of those of
//! which it says nothing the youngest stay.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::backup::{self, Manifest, existing, remove_whole};
use super::directory::Directory;
use super::journal::TransactionId;
use super::layout;
use super::lock::{Place, Writer};
use crate::rollback::{Fate, Fates};

/// How many runs are kept in a root.
const KEPT: usize = 3;

impl Writer {
    /// Removes what is to go at once, where a run that was ended did not get to it: what is left then, a sentence each.
    pub fn prune(&self, fates: Fates) -> Vec<String> {
        prune(&self.places, &[], fates)
    }
}

/// Removes in these places what is to go at once, and of `touched` ones what is old: what is untidy
/// then, a sentence each.
pub(super) fn prune(places: &[Place], touched: &[usize], fates: Fates) -> Vec<String> {
    let found = places.iter().map(|place| existing(&place.directory.path));
    let found: Vec<Result<Found>> = found.collect();
    let fates = by_run(&found, fates);
    let mut notes = Vec::new();
    for (number, (place, found)) in places.iter().zip(found).enumerate() {
        let pruned = found.and_then(|found| {
            let left = gone(&place.directory, found, &fates)?;
            if touched.contains(&number) {
                aged(&place.directory, left, &fates)?;
            }
            Ok(())
        });
        notes.extend(pruned.err().map(|error| error.to_string()));
    }
    notes
}

/// The backups in one place.
type Found = Vec<(TransactionId, Manifest)>;

type ByRun = BTreeMap<TransactionId, Fate>;

/// The fate of each run that left a backup in any of these places: one that ends a rotation need not
/// have replaced files in all places in which the others did.
fn by_run(found: &[Result<Found>], fates: Fates) -> ByRun {
    let mut runs = BTreeMap::new();
    for (transaction, manifest) in found.iter().flatten().flatten() {
        if let Manifest::List(list) = manifest {
            let youngest_first = Reverse(list.sequence);
            runs.insert((youngest_first, *transaction), list.origin.command.as_str());
        }
    }
    let commands: Vec<&str> = runs.values().copied().collect();
    let numbers = runs.keys().map(|(_, transaction)| *transaction);
    numbers.zip(fates(&commands)).collect()
}

/// The copies before the list, which says that they are to go: until they are gone, the next run knows. What has no
/// list is the rest of one that was being removed; nobody could put back what is in it.
fn gone(directory: &Directory, found: Found, fates: &ByRun) -> Result<Found> {
    let (gone, left): (Found, Found) = found.into_iter().partition(|(transaction, manifest)| {
        matches!(manifest, Manifest::Absent) || fates.get(transaction) == Some(&Fate::Gone)
    });
    for (transaction, _) in gone {
        backup::remove(directory, transaction)?;
        remove_whole(directory, transaction)?;
    }
    Ok(left)
}

/// Removes all but the youngest backups in one place, and those that must stay. A list without copies
/// counts as any other: what came before it is no sooner put back for lack of them. One with a damaged
/// list stays, for it may be the youngest of all; what to do with it is the error.
fn aged(directory: &Directory, mut found: Found, fates: &ByRun) -> Result<()> {
    found.retain(|(transaction, _)| fates.get(transaction) != Some(&Fate::Kept));
    let (damaged, mut found): (Found, Found) = found
        .into_iter()
        .partition(|(_, manifest)| matches!(manifest, Manifest::Damaged));
    found.sort_by_key(|(transaction, manifest)| {
        let sequence = manifest.sequence().unwrap_or_default();
        (Reverse(sequence), *transaction)
    });
    for (transaction, _) in found.iter().skip(KEPT) {
        remove_whole(directory, *transaction)?;
    }
    if damaged.is_empty() {
        return Ok(());
    }
    let lists = damaged.iter().map(|(transaction, _)| {
        let list = directory.path(&layout::manifest(*transaction));
        list.display().to_string()
    });
    let lists: Vec<String> = lists.collect();
    bail!(
        "{} is damaged, so that nobody knows how old its backup is, which is kept: look at it, and move its folder away",
        lists.join(" and ")
    );
}
