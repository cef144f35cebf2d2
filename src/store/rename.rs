//! Renames that replace nothing.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, renameat};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

/// Renames a file to what is not there.
pub(super) fn rename_exclusively(
    here: BorrowedFd<'_>,
    from: &str,
    there: BorrowedFd<'_>,
    to: &str,
) -> nix::Result<()> {
    match without_replacing(here, from, there, to) {
        Err(Errno::EINVAL | Errno::ENOSYS) => link_and_remove(here, from, there, to),
        result => result,
    }
}

/// The same of a folder, which cannot have two names: where the system does not know better, one that is empty
/// is replaced, and no other.
pub(super) fn rename_folder(
    here: BorrowedFd<'_>,
    from: &str,
    there: BorrowedFd<'_>,
    to: &str,
) -> nix::Result<()> {
    match without_replacing(here, from, there, to) {
        Err(Errno::EINVAL | Errno::ENOSYS) => renameat(here, from, there, to),
        result => result,
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn without_replacing(
    here: BorrowedFd<'_>,
    from: &str,
    there: BorrowedFd<'_>,
    to: &str,
) -> nix::Result<()> {
    use nix::fcntl::{RenameFlags, renameat2};
    renameat2(here, from, there, to, RenameFlags::RENAME_NOREPLACE)
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn without_replacing(_: BorrowedFd<'_>, _: &str, _: BorrowedFd<'_>, _: &str) -> nix::Result<()> {
    Err(Errno::ENOSYS)
}

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
