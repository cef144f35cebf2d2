//! What a commit replaced: a second name of each former file in `.certs-backup/TXID` of its root, with
//! the commit's list beside them. The undoing of a failed commit takes them from there, and so does
//! `rollback`.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use nix::errno::Errno;
use time::OffsetDateTime;

use super::directory::{Directory, PRIVATE_DIRECTORY_MODE};
use super::folder::{self, Barred};
use super::journal::{Journal, List, TransactionId};
use super::layout::{self, BACKUP, Roots};
use super::owner::effective_user;
use super::read::{self, FileContent, ReadError};
use super::writable::errno;
use crate::location::{FileId, Owner, Root};

/// What `file` was before a commit.
pub(super) fn read_backup(
    roots: &Roots,
    transaction: TransactionId,
    file: &FileId,
) -> Result<Option<FileContent>, ReadError> {
    let name = layout::backup_file(transaction, &file.name);
    folder::read_below(roots.path(file.root), &name)
}

/// Where [`read_backup`] looks.
pub(super) fn path(roots: &Roots, transaction: TransactionId, file: &FileId) -> PathBuf {
    let name = layout::backup_file(transaction, &file.name);
    layout::in_directory(roots.path(file.root), &name)
}

/// The time of the run in milliseconds since 1970, so that runs over different roots, which need not
/// know of each other, can be told apart; but more than that of the youngest backup, so that a clock
/// that was set back does not make a run older than the one whose files it replaces. Of roots that
/// this run does not touch what cannot be read is no matter; of a touched one it is.
pub(super) fn next_sequence(
    roots: &Roots,
    touched: impl Fn(Root) -> bool,
    time: OffsetDateTime,
) -> Result<u64> {
    let mut youngest = 0;
    for root in Root::ALL {
        match existing(roots.path(root)) {
            Ok(found) => {
                let sequences = found.iter().filter_map(|(_, manifest)| manifest.sequence());
                youngest = sequences.fold(youngest, u64::max);
            }
            Err(error) if touched(root) => return Err(error),
            Err(_) => {}
        }
    }
    let clock = u64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    Ok(youngest.saturating_add(1).max(clock))
}

/// An error if the directory of backups is not one that we made.
pub(super) fn check(directory: &Directory) -> Result<()> {
    is_ours(&directory.path(BACKUP)).map(drop)
}

/// What a backup says of itself.
pub(super) enum Manifest {
    /// It was not finished, or is being removed.
    Absent,
    Damaged,
    List(List),
}

impl Manifest {
    fn list(self) -> Option<List> {
        match self {
            Self::List(list) => Some(list),
            Self::Absent | Self::Damaged => None,
        }
    }

    pub fn sequence(&self) -> Option<u64> {
        match self {
            Self::List(list) => Some(list.sequence),
            Self::Absent | Self::Damaged => None,
        }
    }
}

/// The backups in one root.
pub(super) fn existing(root: &Path) -> Result<Vec<(TransactionId, Manifest)>> {
    if is_ours(&layout::in_directory(root, BACKUP))? {
        listed(root)
    } else {
        Ok(Vec::new())
    }
}

pub(super) fn listed(root: &Path) -> Result<Vec<(TransactionId, Manifest)>> {
    let opened = match folder::root(root) {
        Ok(opened) => opened,
        Err(barred) => return Err(folder::error("list", root, barred)),
    };
    let mut found = Vec::new();
    for name in folder::names(opened.as_fd(), root, BACKUP)? {
        let Some(transaction) = TransactionId::parse(&name) else {
            continue;
        };
        // Whoever could put another folder here could have any file of this user's put back.
        for folder in layout::backup_folders(transaction) {
            match folder::check(root, &folder) {
                Ok(()) | Err(Barred::System(Errno::ENOENT)) => {}
                Err(barred) => {
                    let path = layout::in_directory(root, &folder);
                    return Err(folder::error("look at", &path, barred));
                }
            }
        }
        let manifest = folder::read(opened.as_fd(), root, &layout::manifest(transaction))?;
        found.push((transaction, manifest_of(manifest, transaction)));
    }
    Ok(found)
}

/// What a commit was to change, if there is a whole backup of it in this root.
pub(super) fn manifest(directory: &Directory, transaction: TransactionId) -> Result<Option<List>> {
    let content = directory.read(&layout::manifest(transaction))?;
    Ok(manifest_of(content, transaction).list())
}

fn manifest_of(manifest: Option<FileContent>, transaction: TransactionId) -> Manifest {
    let Some(content) = manifest else {
        return Manifest::Absent;
    };
    match Journal::parse(&content.bytes) {
        Ok(Journal::List(list)) if list.transaction == transaction => Manifest::List(list),
        _ => Manifest::Damaged,
    }
}

/// Whether there is a `.certs-backup`; an error if it is not one that we made.
fn is_ours(path: &Path) -> Result<bool> {
    match look(path)? {
        Looked::Absent => Ok(false),
        Looked::Closed => bail!("look at {}: permission denied", path.display()),
        Looked::Ours => Ok(true),
    }
}

/// What is in the place of a directory of backups.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Looked {
    Absent,
    /// This user may not look into the directory above it.
    Closed,
    Ours,
}

pub(super) fn look(path: &Path) -> Result<Looked> {
    let found = match path.symlink_metadata() {
        Ok(found) => found,
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => return Ok(Looked::Absent),
            ErrorKind::PermissionDenied => return Ok(Looked::Closed),
            _ => bail!(
                "look at {}: {}",
                path.display(),
                read::reason(errno(&error))
            ),
        },
    };
    folder::must_be_private(found.mode(), found.uid(), path)
        .map_err(|stranger| anyhow!("{stranger}"))?;
    Ok(Looked::Ours)
}

/// Makes the directory of a commit's backup, which no other commit may have.
pub(super) fn begin(directory: &Directory, transaction: TransactionId) -> Result<()> {
    directory.make_folder(BACKUP, PRIVATE_DIRECTORY_MODE)?;
    let own = layout::backup(transaction);
    if !directory.make_folder(&own, PRIVATE_DIRECTORY_MODE)? {
        bail!(
            "{} is there already: run again",
            directory.path(&own).display()
        );
    }
    Ok(())
}

/// Keeps what `names` are now, and `manifest` beside it, and makes that last.
pub(super) fn fill(
    directory: &Directory,
    transaction: TransactionId,
    names: &[&str],
    manifest: &[u8],
) -> Result<()> {
    let own = layout::backup(transaction);
    let mut folders = BTreeSet::from([own]);
    for name in names {
        let copy = layout::backup_file(transaction, name);
        let folder = layout::folder(&copy);
        directory.make_folder(folder, PRIVATE_DIRECTORY_MODE)?;
        folders.insert(folder.to_owned());
        if !directory.link(name, &copy)? {
            duplicate(directory, name, &copy)?;
        }
    }
    directory.write(&layout::manifest(transaction), manifest)?;
    for folder in folders {
        directory.sync(&folder)?;
    }
    directory.sync(BACKUP)?;
    directory.sync(".")
}

/// Where a file cannot have two names.
pub(super) fn duplicate(directory: &Directory, from: &str, to: &str) -> Result<()> {
    let Some(content) = directory.read(from)? else {
        bail!(
            "{} has vanished meanwhile: run again",
            directory.path(from).display()
        );
    };
    if layout::is_link(to) {
        return directory.create_link(to, &content.bytes);
    }
    let mut file = directory.create(to)?;
    directory.fill(&mut file, to, &content.bytes)?;
    // Only root can keep another's ownership; the backup is private either way.
    let owner = if effective_user() == 0 {
        Owner {
            user: Some(content.uid),
            group: Some(content.gid),
        }
    } else {
        Owner::default()
    };
    directory.dress(&file, to, owner, content.mode & 0o777)?;
    directory.sync_file(&file, to)
}

/// Removes the copies of a run that was to keep none. Its list stays: it tells so, where otherwise
/// an older run would pass for the last one.
pub(super) fn remove(directory: &Directory, transaction: TransactionId) -> Result<()> {
    if !is_ours(&directory.path(BACKUP))? {
        return Ok(());
    }
    let (list, own) = (layout::manifest(transaction), layout::backup(transaction));
    for folder in layout::backup_folders(transaction) {
        for name in directory.names(&folder)? {
            let name = layout::within(&folder, &name);
            match directory.status(&name)? {
                Some(found) if found.is_directory() => {}
                _ if name == list => {}
                _ => directory.remove(&name)?,
            }
        }
        if folder != own {
            directory.remove_folder(&folder)?;
        }
    }
    Ok(())
}

/// Removes one backup. Its list goes first, so that half of a backup is not taken for one.
pub(super) fn remove_whole(directory: &Directory, transaction: TransactionId) -> Result<()> {
    if !is_ours(&directory.path(BACKUP))? {
        return Ok(());
    }
    directory.remove(&layout::manifest(transaction))?;
    remove(directory, transaction)?;
    directory.remove_folder(&layout::backup(transaction))
}

/// Removes the backup of a run that decided nothing, and makes that last: what is removed after it
/// may not be gone before it.
pub(super) fn discard(directory: &Directory, transaction: TransactionId) -> Result<()> {
    let there = directory.status(&layout::backup(transaction))?.is_some();
    remove_whole(directory, transaction)?;
    if there {
        directory.sync(BACKUP)?;
    }
    Ok(())
}
