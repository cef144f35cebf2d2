//! A file that is no part of a tree: what a run tells, for another program to read. It sees the former
//! one or the new one, and never half of it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod, fstatat};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};
use zeroize::Zeroizing;

use super::beside::{hold, sweep};
use super::folder::{self, Barred};
use super::journal::TransactionId;
use super::layout::{OURS, Roots, beside, directory_of};
use super::read::{self, ReadError, is_file, is_same, kind, reason};
use super::writable::errno;
use crate::location::Root;

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

/// Whether `path` lies somewhere in the roots, or where only what is of a run does: a journal, a
/// backup or a staged file of any tree.
pub(super) fn is_place(roots: &Roots, path: &Path) -> bool {
    let directory = directory_of(path);
    let directory = directory.canonicalize().unwrap_or(directory);
    let in_root = |root: Root| {
        let root = roots.path(root);
        directory.ancestors().any(|above| is_same(above, root))
    };
    let ours = |name: &OsStr| name.as_encoded_bytes().starts_with(OURS.as_bytes());
    path.file_name().is_some_and(ours)
        || directory.iter().any(ours)
        || Root::ALL.into_iter().any(in_root)
}

/// How the file at `path` begins, at most so many octets of it; `None` if there is none.
pub fn beginning(path: &Path, most: u64) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
    let Some(name) = path.file_name() else {
        let path = path.to_owned();
        let kind = "a directory";
        return Err(ReadError::NotAFile { path, kind });
    };
    match folder::root(&directory_of(path)) {
        Ok(directory) => read::beginning_at(&directory, Path::new(name), path, most),
        Err(Barred::System(Errno::ENOENT)) => Ok(None),
        Err(Barred::System(errno)) => Err(read::failure(path, errno)),
        Err(Barred::Stranger(stranger)) => Err(ReadError::Stranger(stranger)),
    }
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
