//! A file that is no part of a tree: what a run tells, for another program to read. It sees the former
//! one or the new one, and never half of it.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod, fstatat};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};

use super::beside::{hold, sweep};
use super::folder::{self, Barred};
use super::journal::TransactionId;
use super::layout::{BACKUP, OURS, Roots, beside, directory_of, folders, is_of_a_tree, within};
use super::read::{is_file, is_same, kind, reason};
use super::writable::errno;
use crate::location::{FileId, Root};

/// Everyone may read it: it holds no key.
const MODE: Mode = Mode::from_bits_truncate(0o644);
/// Only its owner may: it holds a key.
const SECRET_MODE: Mode = Mode::from_bits_truncate(0o600);

/// As [`write_output`], for what holds a key.
pub fn write_secret(path: &Path, bytes: &[u8], unique: TransactionId) -> Result<()> {
    put(path, bytes, unique, SECRET_MODE).with_context(|| format!("write {}", path.display()))
}

/// Writes `bytes` to `path`, which is replaced whole. `unique` names the file that it is written to
/// before.
pub fn write_output(path: &Path, bytes: &[u8], unique: TransactionId) -> Result<()> {
    put(path, bytes, unique, MODE).with_context(|| format!("write {}", path.display()))
}

/// Whether `path` has a name that only what is in the roots has.
pub(super) fn is_place(roots: &Roots, path: &Path) -> bool {
    let (Some(name), directory) = (path.file_name(), directory_of(path)) else {
        return false;
    };
    let Some(name) = name.to_str() else {
        return false;
    };
    let in_backup = directory
        .canonicalize()
        .is_ok_and(|whole| whole.iter().any(|folder| folder == BACKUP));
    let of_a_tree = |root: Root, folder: &str| {
        name.starts_with(OURS) || is_of_a_tree(&FileId::new(root, within(folder, name)))
    };
    in_backup
        || Root::ALL.into_iter().any(|root| {
            let mut places = [&"."].into_iter().chain(folders(root));
            places.any(|folder| {
                let place = roots.file(&FileId::new(root, *folder));
                of_a_tree(root, folder) && is_same(&place, &directory)
            })
        })
}

fn put(path: &Path, bytes: &[u8], unique: TransactionId, mode: Mode) -> Result<()> {
    let (directory, staged) = beside(path, unique);
    let name = Path::new(path.file_name().unwrap_or(".".as_ref()));
    let directory = match folder::open_root(&directory) {
        Ok(opened) => opened,
        Err(Barred::Stranger(stranger)) => bail!("{stranger}"),
        Err(Barred::System(errno)) => return Err(system(errno)),
    };
    must_be_file(&directory, name)?;
    sweep(directory.as_fd(), path);
    let written = fill(&directory, &staged, bytes, mode).and_then(|held| {
        renameat(&directory, &*staged, &directory, name).map_err(system)?;
        drop(held);
        Ok(())
    });
    if written.is_err() {
        // What was begun is of no use; that it stays is told by the error anyway.
        let _ = unlinkat(&directory, &*staged, UnlinkatFlags::NoRemoveDir);
    }
    written?;
    fsync(directory).map_err(system)
}

/// An error if something that is no file would go for the new one: `/dev/null` must stay what it is,
/// and whoever names a link means what it leads to.
fn must_be_file(directory: &OwnedFd, name: &Path) -> Result<()> {
    match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(found) if is_file(found.st_mode) => Ok(()),
        Ok(found) => bail!(
            "it is {}, not a file: name another, or leave out --output-file, and it is told on standard output",
            kind(found.st_mode)
        ),
        Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(system(errno)),
    }
}

fn fill(directory: &OwnedFd, staged: &str, bytes: &[u8], mode: Mode) -> Result<File> {
    let flags =
        OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut file = File::from(openat(directory, staged, flags, mode).map_err(system)?);
    hold(&file);
    // The umask took from it.
    fchmod(&file, mode).map_err(system)?;
    file.write_all(bytes)
        .map_err(|error| system(errno(&error)))?;
    fsync(&file).map_err(system)?;
    Ok(file)
}

fn system(errno: Errno) -> anyhow::Error {
    anyhow!(reason(errno))
}
