//! Renames that replace nothing.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, renameat};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

/// Renames a file to what is not there.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn rename_exclusively(
    here: BorrowedFd<'_>,
    from: &str,
    there: BorrowedFd<'_>,
    to: &str,
) -> nix::Result<()> {
    use nix::fcntl::{RenameFlags, renameat2};
    match renameat2(here, from, there, to, RenameFlags::RENAME_NOREPLACE) {
        Err(Errno::EINVAL | Errno::ENOSYS) => link_and_remove(here, from, there, to),
        result => result,
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) use link_and_remove as rename_exclusively;

/// `RENAME_NOREPLACE` for file systems and C libraries without it. Between the two steps the file
/// has both names; recovery then removes the staged one.
pub(super) fn link_and_remove(
    here: BorrowedFd<'_>,
    from: &str,
    there: BorrowedFd<'_>,
    to: &str,
) -> nix::Result<()> {
    linkat(here, from, there, to, AtFlags::empty())?;
    unlinkat(here, from, UnlinkatFlags::NoRemoveDir)
}

/// Renames a folder, which cannot have two names, to what is not there.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn rename_folder(
    here: BorrowedFd<'_>,
    from: &str,
    there: BorrowedFd<'_>,
    to: &str,
) -> nix::Result<()> {
    use nix::fcntl::{RenameFlags, renameat2};
    match renameat2(here, from, there, to, RenameFlags::RENAME_NOREPLACE) {
        Err(Errno::EINVAL | Errno::ENOSYS) => renameat(here, from, there, to),
        result => result,
    }
}

/// What is in the place of a folder is replaced by none, but an empty one.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) use nix::fcntl::renameat as rename_folder;
