//! What was left by a run that decided nothing: it is removed, and was never relied on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::slice;

use anyhow::{Result, bail};

use super::backup;
use super::directory::Directory;
use super::journal::{Entry, List, TransactionId};
use super::layout::{self, JOURNAL};
use super::left::{Claim, Found, Left, Staged, decided, must_be_ours, named, survey};
use super::lock::{Place, unlocked};
use crate::key;
use crate::location::Root;

/// An error if a file with the name of an undecided run's staged one is not one. Where that run
/// replaced something its backup tells what it staged, all of which is there as long as the run is
/// neither decided nor removed. Where it did not, owner, mode and links are all that can be known.
pub(super) fn judge_staged(
    places: &[Place],
    left: &[Left],
    decided: &[TransactionId],
) -> Result<()> {
    for (place, found) in places.iter().zip(left) {
        for staged in &found.staged {
            if !decided.contains(&staged.transaction) {
                let claim = Claim::Staged { given_to: None };
                must_be_ours(&place.directory, &staged.name, &staged.status, claim)?;
            }
        }
    }
    for transaction in undecided(left, decided) {
        for (holder, place) in places.iter().enumerate() {
            if let Some(list) = backup::manifest(&place.directory, transaction)? {
                judge_by(&list, holder, places, left)?;
            }
        }
    }
    Ok(())
}

/// Holds what is staged against the list that the backup in the place `holder` tells.
fn judge_by(list: &List, holder: usize, places: &[Place], left: &[Left]) -> Result<()> {
    // By what they are, since a directory may be a root and a folder of another root.
    let mut own: Vec<BTreeSet<(u64, u64)>> = Vec::new();
    for place in places {
        let mut of_place = BTreeSet::new();
        for (number, _) in entries(list, place) {
            of_place.extend(whole(list, number, place)?);
        }
        own.push(of_place);
    }
    for (number, (place, found)) in places.iter().zip(left).enumerate() {
        let staged = found.staged.iter();
        let foreign: Vec<&Staged> = staged
            .filter(|staged| staged.transaction == list.transaction)
            .filter(|staged| !own.iter().any(|own| own.contains(&staged.status.identity)))
            .collect();
        // The run may have had another directory for a further root than this one has.
        if number != holder && own[number].is_empty() && foreign.is_empty() {
            continue;
        }
        let complete = own[number].len() == entries(list, place).count();
        if complete && foreign.is_empty() {
            continue;
        }
        // Where something lacks, the run is over, and what has its names is somebody's.
        let run = list.transaction;
        let what = foreign.first().map_or_else(
            || format!("not all that the run {run} staged is there"),
            |staged| {
                let path = place.directory.path(&staged.name);
                format!("{} is not what the run {run} staged there", path.display())
            },
        );
        bail!(
            "{what}, and it cannot be ended: look at what it made and at what it replaced, which {} keeps, then rename or \
             remove {}; nothing was touched",
            kept(&places[holder].directory, run),
            named(run, places.iter().zip(left))
        );
    }
    Ok(())
}

/// The entries of a place, with their numbers.
fn entries<'a>(list: &'a List, place: &Place) -> impl Iterator<Item = (usize, &'a Entry)> {
    let numbered = list.entries.iter().enumerate();
    numbered.filter(|(_, entry)| place.roots.contains(&entry.file.root))
}

/// The staged file of an entry, if it is there and whole.
fn whole(list: &List, number: usize, place: &Place) -> Result<Option<(u64, u64)>> {
    let entry = &list.entries[number];
    let name = layout::staged(list.transaction, number, &entry.file.name);
    let content = place.directory.read_staged(&name, entry)?;
    if content.is_none_or(|content| key::sha256(&content.bytes) != entry.staged()) {
        return Ok(None);
    }
    let found = place.directory.status(&name)?;
    Ok(found.map(|found| found.identity))
}

/// What tells nothing of its run, a torn journal or a marker without its list, is of a run that was
/// not decided, so no file was renamed: the first staged file is still there. If it is not, the list
/// was damaged or removed later, and what it said is needed.
pub(super) fn judge_untold(
    holder: &Directory,
    places: &[Place],
    left: &[Left],
    of: impl Fn(TransactionId) -> bool,
) -> Result<()> {
    let mut lowest: BTreeMap<TransactionId, usize> = BTreeMap::new();
    for staged in left.iter().flat_map(|left| &left.staged) {
        let number = lowest.entry(staged.transaction).or_insert(staged.number);
        *number = staged.number.min(*number);
    }
    let half_done =
        |(transaction, number): &(&TransactionId, &usize)| **number != 0 && of(**transaction);
    match lowest.iter().find(half_done) {
        None => Ok(()),
        Some((transaction, _)) => bail!(
            "the journal of the run {transaction}, which may be half done, is damaged or gone: look at what it made, restore \
             what it replaced from {} if that is there, then remove {}; nothing was touched",
            kept(holder, *transaction),
            named(*transaction, places.iter().zip(left))
        ),
    }
}

fn kept(directory: &Directory, transaction: TransactionId) -> String {
    let path = directory.path(&layout::backup(transaction));
    path.display().to_string()
}

/// Removes a journal that decided nothing.
pub(super) fn discard_journal(directory: &Directory, left: &Left) -> Result<()> {
    if let Some(Found::Part(_) | Found::Torn) = &left.journal {
        directory.remove(JOURNAL)?;
        directory.sync(".")?;
    }
    Ok(())
}

/// Removes what undecided runs left: how many staged files. No backup is removed after the first of
/// them, for a backup beside staged files that are not all there is one of a run that was done.
pub(super) fn discard(places: &[Place], left: &[Left], decided: &[TransactionId]) -> Result<usize> {
    for transaction in undecided(left, decided) {
        for place in places {
            backup::discard(&place.directory, transaction)?;
        }
    }
    let mut discarded = 0;
    for (place, found) in places.iter().zip(left) {
        let of_undecided = |staged: &&Staged| !decided.contains(&staged.transaction);
        for staged in found.staged.iter().filter(of_undecided) {
            place.directory.remove(&staged.name)?;
            discarded += 1;
        }
    }
    Ok(discarded)
}

/// The runs that staged something in this root and were not decided, or are not yet: none of them did what its backup
/// tells.
pub(super) fn undecided_in(root: Root, path: &Path) -> Result<BTreeSet<TransactionId>> {
    let place = unlocked(root, path)?;
    let decided = decided(&place.directory)?.map(|list| list.transaction);
    let left = survey(slice::from_ref(&place))?;
    Ok(undecided(&left, decided.as_slice()))
}

/// The runs that have staged files and no list.
fn undecided(left: &[Left], decided: &[TransactionId]) -> BTreeSet<TransactionId> {
    let transactions = left
        .iter()
        .flat_map(|left| &left.staged)
        .map(|staged| staged.transaction);
    transactions
        .filter(|transaction| !decided.contains(transaction))
        .collect()
}
