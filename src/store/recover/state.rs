//! How far one file of an interrupted run is: what recovery still has to do to it, or why it cannot.

use std::fs::File;
use std::io::Read;

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::key;
use crate::store::directory::{Directory, Seen, Status};
use crate::store::journal::Entry;
use crate::store::layout;
use crate::store::left::{Claim, must_be_ours};
use crate::store::read::LARGEST;

/// How far an entry is.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum State {
    /// But for a staged name that may have stayed.
    Done,
    /// Nothing is there yet.
    ToPlace,
    /// What is to be removed is still there.
    ToRemove(Seen),
    /// What is to be replaced is still there.
    ToReplace(Seen),
}

/// How far this entry is; an error if its rename or removal is not done and cannot be. `files` is what is to go then.
pub(super) fn state(
    directory: &Directory,
    entry: &Entry,
    staged: &str,
    files: &str,
) -> Result<State> {
    let name = &entry.file.name;
    let target = directory.path(name);
    let target = target.display();
    let target_status = directory.status(name)?;
    let now = directory
        .read(name)?
        .map(|content| key::sha256(&content.bytes));
    let removal = entry.new.is_none();
    match directory.status(staged)? {
        Some(status) => {
            let target_is = |seen: &Status| seen.identity == status.identity;
            if !removal && target_status.as_ref().is_some_and(target_is) {
                // One file with both names: placed or taken back by a link, and interrupted there.
                return Ok(State::Done);
            }
            must_be_staged(directory, entry, staged, &status, files)?;
        }
        None if now == entry.new => return Ok(State::Done),
        // Its mark goes before the file does.
        None if removal => {}
        None => bail!(
            "{target} is not what the interrupted run wrote, and its staged file is gone: restore it from {} if it is \
             there, and remove {files}",
            directory.path(layout::BACKUP).display()
        ),
    }
    match (now, target_status) {
        (None, _) if removal => Ok(State::Done),
        (None, _) => Ok(State::ToPlace),
        (Some(_), Some(seen)) if removal && entry.replaced == now => Ok(State::ToRemove(seen.seen)),
        (Some(_), Some(seen)) if !removal && [entry.replaced, entry.new].contains(&now) => {
            Ok(State::ToReplace(seen.seen))
        }
        _ => bail!(
            "{target} was changed after the run that was to {} it was interrupted: move it away and run again",
            if removal { "remove" } else { "replace" }
        ),
    }
}

/// An error unless what has the staged name is what the run staged.
fn must_be_staged(
    directory: &Directory,
    entry: &Entry,
    staged: &str,
    status: &Status,
    files: &str,
) -> Result<()> {
    let given_to = entry.owner.user;
    must_be_ours(directory, staged, status, Claim::Staged { given_to })?;
    let content = directory
        .read_staged(staged, entry)?
        .map(|content| key::sha256(&content.bytes));
    if content == Some(entry.staged()) {
        return Ok(());
    }
    bail!(
        "{} is not what the interrupted run wrote there: look at it, then remove {files}",
        directory.path(staged).display()
    );
}

/// An error unless the open file is what the journal says of it.
pub(in crate::store) fn must_hold(
    directory: &Directory,
    staged: &str,
    file: &mut File,
    entry: &Entry,
) -> Result<()> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(LARGEST + 1)?));
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if key::sha256(&bytes) == entry.staged() {
        return Ok(());
    }
    bail!(
        "{} is not what the interrupted run wrote there",
        directory.path(staged).display()
    );
}
