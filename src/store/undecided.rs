//! What was left by a run that decided nothing: it is removed, and was never relied on.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::backup;
use super::directory::Directory;
use super::journal::TransactionId;
use super::layout::{self, JOURNAL};
use super::left::{Found, Left};

/// A torn journal was never relied on, so no file was renamed: the first staged file is still there.
/// If it is not, the journal was damaged later, and what it said is needed.
pub(super) fn judge_torn(
    directory: &Directory,
    left: &[Left],
    lists: &[TransactionId],
) -> Result<()> {
    let mut lowest: BTreeMap<TransactionId, usize> = BTreeMap::new();
    for staged in left.iter().flat_map(|left| &left.staged) {
        let number = lowest.entry(staged.transaction).or_insert(staged.number);
        *number = staged.number.min(*number);
    }
    match lowest
        .iter()
        .find(|(transaction, number)| **number != 0 && !lists.contains(transaction))
    {
        None => Ok(()),
        Some((transaction, _)) => bail!(
            "{} is damaged, and the run {transaction} may have been half done: restore the files from {} if they are \
             there, then remove the journal and the .certs-{transaction}-* files",
            directory.path(JOURNAL).display(),
            directory.path(layout::BACKUP).display()
        ),
    }
}

/// Removes a journal that decided nothing.
pub(super) fn discard_journal(directory: &Directory, left: &Left) -> Result<()> {
    if let Some(Found::Part(_) | Found::Torn) = &left.journal {
        directory.remove(JOURNAL)?;
        directory.sync(".")?;
    }
    Ok(())
}

/// Removes what undecided runs left in one place: how many staged files.
pub(super) fn discard(
    directory: &Directory,
    left: &Left,
    finished: &[TransactionId],
) -> Result<usize> {
    let mut discarded = 0;
    for staged in left
        .staged
        .iter()
        .filter(|staged| !finished.contains(&staged.transaction))
    {
        // First, for the staged files tell that it is to go.
        backup::remove(directory, staged.transaction)?;
        directory.remove(&staged.name)?;
        discarded += 1;
    }
    Ok(discarded)
}
