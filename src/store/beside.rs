//! Files that are written beside the one whose place they take: what a run that was killed left of them,
//! the next one over the same file takes away. A run that lives has its lock on what it writes.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, openat};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};
use nix::unistd::{Uid, UnlinkatFlags, unlinkat};

use super::read::{TO_READ, is_file};
use super::{folder, layout};

/// Marks a new file as that of a run that lives, until it is closed. Where a file system knows no
/// locks, nothing is taken away either.
pub(super) fn hold(file: &File) {
    let _ = file.try_lock();
}

/// Takes away what other runs left that were to replace `path`, which is `name` in `directory`. What
/// hinders that hinders nothing else, and stays.
pub(super) fn sweep(directory: BorrowedFd<'_>, path: &Path) {
    let Some(name) = path.file_name() else { return };
    let above = path.parent().unwrap_or(Path::new(""));
    let owner = status(directory, name).map(|found| found.st_uid);
    for base in folder::names(directory, above, ".").unwrap_or_default() {
        let Some(transaction) = layout::parse_beside(&base, name) else {
            continue;
        };
        let staged = layout::beside_name(name, transaction);
        if let Some(left) = abandoned(directory, &staged, owner) {
            let _: Result<(), Errno> = unlinkat(directory, &*staged, UnlinkatFlags::NoRemoveDir);
            drop(left);
        }
    }
}

/// A file of nobody's who lives, locked: this user's, or given to whom the other is.
fn abandoned(directory: BorrowedFd<'_>, staged: &OsStr, owner: Option<u32>) -> Option<File> {
    let file = File::from(openat(directory, staged, TO_READ, Mode::empty()).ok()?);
    let found = fstat(file.as_fd()).ok()?;
    let ours = found.st_uid == Uid::effective().as_raw() || Some(found.st_uid) == owner;
    (is_file(found.st_mode) && found.st_nlink == 1 && ours && file.try_lock().is_ok())
        .then_some(file)
}

/// Whether both are names of the same file.
pub(super) fn is_one_file(directory: BorrowedFd<'_>, one: &OsStr, other: &OsStr) -> bool {
    let which = |name| status(directory, name).map(|found| (found.st_dev, found.st_ino));
    which(one).is_some_and(|found| which(other) == Some(found))
}

/// Whether this name is that of an open file.
pub(super) fn is_file_of(directory: BorrowedFd<'_>, name: &OsStr, file: &File) -> bool {
    let Ok(open) = fstat(file.as_fd()) else {
        return false;
    };
    status(directory, name)
        .is_some_and(|found| (found.st_dev, found.st_ino) == (open.st_dev, open.st_ino))
}

pub(super) fn status(directory: BorrowedFd<'_>, name: &OsStr) -> Option<FileStat> {
    fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()
}
