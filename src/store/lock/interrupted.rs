//! What a reader sees of a run that was interrupted.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;

use super::{Lock, Place};
use crate::location::FileId;
use crate::store::journal::List;
use crate::store::{layout, left};

impl Lock {
    /// The journal of a run that was interrupted: what is there may be half of it. None while a
    /// writer is at work, whose journal it may be. What is no journal of ours is an error.
    pub fn interrupted(&self) -> Result<Option<PathBuf>> {
        if self.busy.is_some() {
            return Ok(None);
        }
        for Place { directory, .. } in &self.places {
            // What this user may not look at is told of by whoever reads a file there.
            let found = directory.status(layout::JOURNAL);
            if matches!(found, Ok(Some(_))) && left::journal(directory, layout::JOURNAL)?.is_some()
            {
                return Ok(Some(directory.path(layout::JOURNAL)));
            }
        }
        Ok(None)
    }

    /// Whether such a run left anything: its journal, or files that it had only staged, which a run that has nothing to
    /// write would leave there. Not while a writer is at work, whose they may be.
    pub fn has_left(&self) -> Result<bool> {
        Ok(self.busy.is_none() && left::anything(&self.places)?)
    }

    /// Whether no file comes by completing that run, so that what can be named is what is there.
    pub fn brings_nothing(&self) -> Result<bool> {
        let lists = self.lists()?;
        let mut entries = lists.iter().flat_map(|list| &list.entries);
        Ok(!lists.is_empty() && entries.all(|entry| entry.replaced.is_some()))
    }

    /// The files that such a run was to write, of which some are written: none before it was decided, for then each is
    /// as it was.
    pub fn half_done(&self) -> Result<BTreeSet<FileId>> {
        if self.busy.is_some() {
            return Ok(BTreeSet::new());
        }
        let entries = self.lists()?.into_iter().flat_map(|list| list.entries);
        Ok(entries.map(|entry| entry.file).collect())
    }

    /// What was decided, wherever its list lies.
    fn lists(&self) -> Result<Vec<List>> {
        let mut lists: Vec<List> = Vec::new();
        for Place { directory, .. } in &self.places {
            lists.extend(left::decided(directory)?);
        }
        Ok(lists)
    }
}
