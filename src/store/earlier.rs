//! Earlier commits, as the lists beside their backups tell of them. Nothing is changed here.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::Store;
use super::backup::{Looked, Manifest, listed, look};
use super::journal::{Entry, List, Origin, TransactionId};
use super::layout::{self, BACKUP, Roots};
use super::lock::Writer;
use super::read::is_same;
use super::undecided::undecided_in;
use crate::location::{FileId, Root};

/// One earlier commit that replaced files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Backup {
    /// Its number.
    pub transaction: TransactionId,
    /// The greater, the younger.
    pub sequence: u64,
    /// The run.
    pub origin: Origin,
    /// The folder in which its list was found.
    pub folder: FileId,
    /// Whether it kept what it replaced; otherwise its list is all that there is.
    pub kept: bool,
    /// Where its roots were.
    pub roots: Vec<(Root, PathBuf)>,
    /// What it changed, in its order; created files too, which have no former content.
    pub files: Vec<BackedUp>,
}

/// One file that a commit changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackedUp {
    /// The file.
    pub file: FileId,
    /// SHA-256 of what the commit wrote; `None` for a removed file.
    pub new: Option<[u8; 32]>,
    /// SHA-256 of what was there before; `None` for a created file.
    pub replaced: Option<[u8; 32]>,
    /// Where it is: another directory than this run's, if that run had one.
    pub path: PathBuf,
    /// Whether there is still a copy of what was there before.
    pub copied: bool,
}

/// Which run is meant, by the commands of those that left a backup, the youngest first.
pub type Choice<'a> = dyn Fn(&[&str]) -> Option<usize> + 'a;

/// What there is in the directories of backups.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Backups {
    /// The backups, the youngest first.
    pub runs: Vec<Backup>,
    /// Directories that this user may not look into.
    pub closed: Vec<PathBuf>,
    /// Lists that cannot be read as such, so that nobody knows whose they are.
    pub damaged: Vec<FileId>,
}

impl Backups {
    /// The run that is meant.
    pub fn chosen(&self, of: &Choice<'_>) -> Option<&Backup> {
        let commands = self.runs.iter().map(|run| run.origin.command.as_str());
        self.runs.get(of(&commands.collect::<Vec<_>>())?)
    }
}

impl Store {
    /// The writer's lock on those of `within` that have backups or an interrupted run, and on what
    /// else the run that is meant was over. None is made; `None` if there is none.
    pub fn lock_backed_up(
        &self,
        within: &[Root],
        of: &Choice<'_>,
        timeout: Duration,
        waiting: &mut dyn FnMut(&Path),
    ) -> Result<Option<Writer>> {
        let used = || -> Result<Vec<Root>> {
            let used = used(&self.roots, within, of)?;
            Ok(used.into_iter().collect())
        };
        let mut wanted = used()?;
        while !wanted.is_empty() {
            let writer = self.lock(&wanted, timeout, waiting)?;
            // While we waited another run may have made its first backup in a further directory.
            wanted = used()?;
            if wanted.iter().all(|root| writer.place(*root).is_some()) {
                return Ok(Some(writer));
            }
        }
        Ok(None)
    }

    /// What earlier commits replaced, as far as a directory of `within` tells of it.
    pub fn backups(&self, within: &[Root]) -> Result<Backups> {
        backups(&self.roots, within)
    }
}

/// Every backup in these of the roots.
pub(super) fn backups(roots: &Roots, within: &[Root]) -> Result<Backups> {
    let mut found = Backups::default();
    for &root in within {
        let path = roots.path(root);
        let backups = match look(&layout::in_directory(path, BACKUP))? {
            Looked::Absent => continue,
            Looked::Closed => {
                found.closed.push(path.to_owned());
                continue;
            }
            Looked::Ours => listed(path)?,
        };
        let undecided = if backups.is_empty() {
            BTreeSet::new()
        } else {
            undecided_in(root, path)?
        };
        for (transaction, manifest) in backups {
            match manifest {
                // What it tells was not done.
                _ if undecided.contains(&transaction) => {}
                Manifest::Absent => {}
                Manifest::Damaged => found
                    .damaged
                    .push(FileId::new(root, layout::manifest(transaction))),
                Manifest::List(list) => {
                    if found.runs.iter().all(|run| run.transaction != transaction) {
                        found.runs.push(backup(list, root, roots));
                    }
                }
            }
        }
    }
    // Two runs of one millisecond over different directories have no order, but must be told in one.
    found
        .runs
        .sort_by_key(|run| (std::cmp::Reverse(run.sequence), run.transaction));
    Ok(found)
}

/// Those of `within` that have backups, or a run that will have one when it is completed; and those
/// beyond them that the chosen run was over: where it created files alone, it left no backup.
pub(super) fn used(roots: &Roots, within: &[Root], of: &Choice<'_>) -> Result<BTreeSet<Root>> {
    let mut used = BTreeSet::new();
    for &root in within {
        let journal = layout::in_directory(roots.path(root), layout::JOURNAL);
        if journal.symlink_metadata().is_ok() || has_backups(roots, root)? {
            used.insert(root);
        }
    }
    if let Some(chosen) = backups(roots, within)?.chosen(of) {
        for (root, was) in &chosen.roots {
            if !used.contains(root) && (has_backups(roots, *root)? || is_root(roots, *root, was)) {
                used.insert(*root);
            }
        }
    }
    Ok(used)
}

fn has_backups(roots: &Roots, root: Root) -> Result<bool> {
    Ok(look(&layout::in_directory(roots.path(root), BACKUP))? == Looked::Ours)
}

fn backup(list: List, root: Root, roots: &Roots) -> Backup {
    let changed = |entry: &Entry| {
        let directory = directory(roots, &list, entry.file.root);
        let copy = layout::backup_file(list.transaction, &entry.file.name);
        BackedUp {
            file: entry.file.clone(),
            new: entry.new,
            replaced: entry.replaced,
            path: layout::in_directory(directory, &entry.file.name),
            copied: entry.replaced.is_some() && may_be(&layout::in_directory(directory, &copy)),
        }
    };
    let files = list.entries.iter().map(changed).collect();
    Backup {
        transaction: list.transaction,
        sequence: list.sequence,
        origin: list.origin,
        folder: FileId::new(root, layout::backup(list.transaction)),
        kept: list.keep_backup,
        roots: list.roots,
        files,
    }
}

/// Where the files of that run are: in this run's directory, if it is the same one or has the backup,
/// since it may have been moved; else where that run had it.
fn directory<'a>(roots: &'a Roots, list: &'a List, root: Root) -> &'a Path {
    let here = roots.path(root);
    let moved = || {
        may_be(&layout::in_directory(
            here,
            &layout::backup(list.transaction),
        ))
    };
    match list.roots.iter().find(|(other, _)| *other == root) {
        Some((_, was)) if !is_root(roots, root, was) && !moved() => was,
        _ => here,
    }
}

/// Whether `root` is the directory that is at `path`.
pub(super) fn is_root(roots: &Roots, root: Root, path: &Path) -> bool {
    is_same(roots.path(root), path)
}

/// What may not be looked at is not known to lack.
fn may_be(path: &Path) -> bool {
    let lacks = |kind| matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory);
    !path
        .symlink_metadata()
        .is_err_and(|error| lacks(error.kind()))
}
