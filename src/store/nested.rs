//! A folder of a root may be the root of another run, by `--cert-dir pki/etcd`. What such a run left
//! there is its own to end: here it would look like staged files that no journal tells of.

use std::path::Path;

use anyhow::{Result, bail};

use super::directory::Directory;
use super::journal::{Journal, List, TransactionId};
use super::layout::{self, JOURNAL};
use super::left::{self, Left};
use super::lock::Place;
use super::owner::effective_user;
use super::read;

/// An error if a run that had a folder of these places as its root was interrupted in it.
pub(super) fn judge_folders(places: &[Place]) -> Result<()> {
    for place in places {
        let directory = &place.directory;
        for root in &place.roots {
            for folder in layout::folders(*root) {
                let journal = layout::within(folder, JOURNAL);
                // What another user may have put there is told as what it is.
                if !is_place(directory, folder, places)?
                    && left::journal(directory, &journal)?.is_some()
                {
                    bail!(
                        "{} is of an interrupted run in that folder: complete that one first, with {} {}",
                        directory.path(&journal).display(),
                        root.flag(),
                        directory.path(folder).display()
                    );
                }
            }
        }
    }
    Ok(())
}

/// Whether the folder is itself one of the places.
fn is_place(directory: &Directory, folder: &str, places: &[Place]) -> Result<bool> {
    // The folder may be a link, and what it leads to is asked for.
    let Some(folder) = directory.status(&layout::within(folder, "."))? else {
        return Ok(false);
    };
    for place in places {
        let found = place.directory.status(".")?;
        if found.is_some_and(|found| found.identity == folder.identity) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An error if one of these places is a folder of a decided run's root, and has a staged file of it.
pub(super) fn judge_parents(
    places: &[Place],
    left: &[Left],
    decided: &[TransactionId],
) -> Result<()> {
    for (place, found) in places.iter().zip(left) {
        let here = &place.directory.path;
        let (Some(parent), Some(folder)) = (here.parent(), here.file_name()) else {
            continue;
        };
        let Some(folder) = folder.to_str() else {
            continue;
        };
        for staged in &found.staged {
            if decided.contains(&staged.transaction) {
                continue;
            }
            let Some(list) = list(parent, staged.transaction) else {
                continue;
            };
            let name = layout::within(folder, &staged.name);
            let of_run = list.entries.iter().enumerate().find(|(number, entry)| {
                layout::staged(list.transaction, *number, &entry.file.name) == name
            });
            if let Some((_, entry)) = of_run {
                bail!(
                    "{} is of an interrupted run in the directory above: complete that one first, with {} {}",
                    place.directory.path(&staged.name).display(),
                    entry.file.root.flag(),
                    parent.display()
                );
            }
        }
    }
    Ok(())
}

/// The list of this run that the journal in `directory` is or refers to. What this user cannot read, or
/// another wrote, is not his run's.
fn list(directory: &Path, transaction: TransactionId) -> Option<List> {
    let journal = |directory: &Path| {
        let content = read::read(&layout::in_directory(directory, JOURNAL)).ok()??;
        let own = content.uid == effective_user();
        own.then(|| Journal::parse(&content.bytes).ok())?
    };
    let found = match journal(directory)? {
        Journal::Part(part) => journal(&part.list)?,
        list @ Journal::List(_) => list,
    };
    match found {
        Journal::List(list) if list.transaction == transaction => Some(list),
        _ => None,
    }
}
