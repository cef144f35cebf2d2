//! Runs the plan of a rollback: contents, modes and owners of the backup → changes.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::location::{FileId, Owner};
use crate::rollback::{Planned, Step};
use crate::store::{Change, FileContent};

/// What is to be committed to put the files back, and to remove those that are to go. `copies` are those of
/// the backup.
pub fn restore(steps: &[Planned], copies: &BTreeMap<FileId, FileContent>) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for planned in steps {
        let file = planned.file.clone();
        let (now, mode) = match planned.step {
            Step::Keep | Step::Leave => continue,
            Step::Remove { now } => {
                changes.push(Change::removal(file, planned.pair, now));
                continue;
            }
            Step::Restore { now, mode, .. } => (now, mode),
        };
        let copy = copies.get(&file).context("no copy was read")?;
        changes.push(Change {
            file,
            bytes: Some(copy.bytes.clone()),
            mode,
            owner: Owner {
                user: Some(copy.uid),
                group: Some(copy.gid),
            },
            group: planned.pair,
            replaces: now,
        });
    }
    Ok(changes)
}
