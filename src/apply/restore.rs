//! Runs the plan of a rollback: contents, modes and owners of the backup → changes.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::location::{FileId, Owner};
use crate::rollback::{Planned, Step};
use crate::store::{Change, FileContent};

/// What is to be committed to put the files back. `copies` are those of the backup.
pub fn restore(steps: &[Planned], copies: &BTreeMap<FileId, FileContent>) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for planned in steps {
        let Step::Restore { now, mode, .. } = planned.step else {
            continue;
        };
        let copy = copies.get(&planned.file).context("no copy was read")?;
        changes.push(Change {
            file: planned.file.clone(),
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
