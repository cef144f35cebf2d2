//! A root that a writer holds: every change is made relative to its open, locked directory, so that
//! it happens in the directory that is locked, whatever becomes of the path meanwhile.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fsync, linkat, unlinkat};

use super::layout::in_directory;
use super::lock::Locked;
use super::read::{FileContent, ReadError, TO_READ, is_file, kind, read_at, reason};
use super::writable::errno;
use crate::location::Owner;

/// Directories that we make; the umask takes from it.
pub(super) const DIRECTORY_MODE: Mode = Mode::from_bits_truncate(0o755);
/// What nobody else may enter.
pub(super) const PRIVATE_DIRECTORY_MODE: Mode = Mode::from_bits_truncate(0o700);

/// An open directory with its lock. Names are relative to it.
pub(super) struct Directory {
    pub path: PathBuf,
    pub handle: Locked,
}

/// What has a name in a directory, as it is without following a link.
pub(super) struct Status {
    pub mode: u32,
    pub user: u32,
    pub single_link: bool,
    pub identity: (u64, u64),
}

impl Status {
    pub fn is_file(&self) -> bool {
        is_file(self.mode)
    }

    pub fn is_directory(&self) -> bool {
        is_directory(self.mode)
    }

    pub fn kind(&self) -> &'static str {
        kind(self.mode)
    }

    pub fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }
}

fn is_directory(mode: u32) -> bool {
    SFlag::from_bits_truncate(mode) & SFlag::S_IFMT == SFlag::S_IFDIR
}

impl Directory {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// The whole path of `name`, for messages.
    pub fn path(&self, name: &str) -> PathBuf {
        if name == "." {
            self.path.clone()
        } else {
            in_directory(&self.path, name)
        }
    }

    pub fn status(&self, name: &str) -> Result<Option<Status>> {
        match fstatat(self.descriptor(), name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(Status {
                mode: found.st_mode,
                user: found.st_uid,
                single_link: found.st_nlink == 1,
                identity: (found.st_dev, found.st_ino),
            })),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(self.failure("look at", name, errno)),
        }
    }

    pub fn read(&self, name: &str) -> Result<Option<FileContent>, ReadError> {
        read_at(self.descriptor(), Path::new(name), &self.path(name))
    }

    /// The names in `folder`; none if there is no such folder. They are listed by the path, since
    /// nix takes an error of readdir for the end; so it must still be the path of what is locked.
    pub fn names(&self, folder: &str) -> Result<Vec<String>> {
        let failed = |errno| self.failure("list", folder, errno);
        let held = match fstatat(self.descriptor(), folder, AtFlags::empty()) {
            Ok(found) if is_directory(found.st_mode) => found,
            Ok(_) | Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(Vec::new()),
            Err(errno) => return Err(failed(errno)),
        };
        let path = self.path(folder);
        let listed = match path.metadata() {
            Ok(found) => Some((found.dev(), found.ino())),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(failed(errno(&error))),
        };
        if listed != Some((held.st_dev, held.st_ino)) {
            bail!("{} was moved meanwhile: run again", path.display());
        }
        let mut names = Vec::new();
        for entry in path.read_dir().map_err(|error| failed(errno(&error)))? {
            let name = entry.map_err(|error| failed(errno(&error)))?.file_name();
            // What is not UTF-8 is none of ours.
            if let Some(name) = name.to_str() {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Makes a folder; `false` if it is there.
    pub fn make_folder(&self, name: &str, mode: Mode) -> Result<bool> {
        match mkdirat(self.descriptor(), name, mode) {
            Ok(()) => Ok(true),
            Err(Errno::EEXIST) => Ok(false),
            Err(errno) => Err(self.failure("make directory", name, errno)),
        }
    }

    /// A new file that only its owner may read or write.
    pub fn create(&self, name: &str) -> Result<File> {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let descriptor = openat(
            self.descriptor(),
            name,
            flags,
            Mode::from_bits_truncate(0o600),
        )
        .map_err(|errno| self.failure("create", name, errno))?;
        Ok(File::from(descriptor))
    }

    /// Writes into a file that `create` made.
    pub fn fill(&self, file: &mut File, name: &str, bytes: &[u8]) -> Result<()> {
        file.write_all(bytes).map_err(|error| {
            let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
            self.failure("write", name, errno)
        })
    }

    /// Creates, fills and syncs a file of 0600.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut file = self.create(name)?;
        self.fill(&mut file, name, bytes)?;
        self.sync_file(&file, name)
    }

    /// Gives an open file its owner, then its mode: the other way round a mode meant for one group
    /// would for a moment hold for another.
    pub fn dress(&self, file: &File, name: &str, owner: Owner, mode: u32) -> Result<()> {
        if owner != Owner::default() {
            fchown(
                file,
                owner.user.map(Uid::from_raw),
                owner.group.map(Gid::from_raw),
            )
            .map_err(|errno| self.failure("change the owner of", name, errno))?;
        }
        fchmod(file, Mode::from_bits_truncate(mode))
            .map_err(|errno| self.failure("change the mode of", name, errno))
    }

    pub fn open(&self, name: &str) -> Result<File> {
        openat(self.descriptor(), name, TO_READ, Mode::empty())
            .map(File::from)
            .map_err(|errno| self.failure("open", name, errno))
    }

    /// An error unless `name` is the only name of this open file.
    pub fn must_name(&self, name: &str, file: &File) -> Result<()> {
        let held = fstat(file).map_err(|errno| self.failure("look at", name, errno))?;
        let named = self.status(name)?;
        if held.st_nlink == 1
            && named.is_some_and(|named| named.identity == (held.st_dev, held.st_ino))
        {
            return Ok(());
        }
        bail!(
            "{} was put in place of a file of this run by another user: look at it, and at who owns its folder",
            self.path(name).display()
        );
    }

    pub fn sync_file(&self, file: &File, name: &str) -> Result<()> {
        fsync(file).map_err(|errno| self.failure("sync", name, errno))
    }

    /// Makes the names in `folder` last.
    pub fn sync(&self, folder: &str) -> Result<()> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        openat(self.descriptor(), folder, flags, Mode::empty())
            .and_then(fsync)
            .map_err(|errno| self.failure("sync", folder, errno))
    }

    /// Puts `from` in the place of `to`.
    pub fn replace(&self, from: &str, to: &str) -> Result<()> {
        renameat(self.descriptor(), from, self.descriptor(), to)
            .map_err(|errno| self.failure("replace", to, errno))
    }

    /// Moves `from` to `to`, where nothing may be: a file that has appeared meanwhile stays.
    pub fn place(&self, from: &str, to: &str) -> Result<()> {
        self.rename_exclusively(from, to)
            .map_err(|errno| self.failure("create", to, errno))
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn rename_exclusively(&self, from: &str, to: &str) -> nix::Result<()> {
        use nix::fcntl::{RenameFlags, renameat2};
        let here = self.descriptor();
        match renameat2(here, from, here, to, RenameFlags::RENAME_NOREPLACE) {
            Err(Errno::EINVAL | Errno::ENOSYS) => self.link_and_remove(from, to),
            result => result,
        }
    }

    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    fn rename_exclusively(&self, from: &str, to: &str) -> nix::Result<()> {
        self.link_and_remove(from, to)
    }

    /// `RENAME_NOREPLACE` for file systems and C libraries without it. Between the two steps the
    /// file has both names; recovery then removes the staged one.
    pub fn link_and_remove(&self, from: &str, to: &str) -> nix::Result<()> {
        let here = self.descriptor();
        linkat(here, from, here, to, AtFlags::empty())?;
        unlinkat(here, from, UnlinkatFlags::NoRemoveDir)
    }

    /// Gives `from` a second name; `false` where the file system or its rules forbid that.
    pub fn link(&self, from: &str, to: &str) -> Result<bool> {
        let here = self.descriptor();
        match linkat(here, from, here, to, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::EPERM | Errno::EMLINK | Errno::EXDEV | Errno::EOPNOTSUPP) => Ok(false),
            Err(errno) => Err(self.failure("link", from, errno)),
        }
    }

    /// Removes a file; that it is not there is fine.
    pub fn remove(&self, name: &str) -> Result<()> {
        match unlinkat(self.descriptor(), name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(self.failure("remove", name, errno)),
        }
    }

    /// Removes an empty folder; that it is not there is fine.
    pub fn remove_folder(&self, name: &str) -> Result<()> {
        match unlinkat(self.descriptor(), name, UnlinkatFlags::RemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(self.failure("remove", name, errno)),
        }
    }

    /// One line: what was tried, where, why not, and the way out where there is a usual one.
    fn failure(&self, what: &str, name: &str, errno: Errno) -> anyhow::Error {
        let path = self.path(name);
        let advice = advice(errno);
        anyhow!("{what} {}: {}{advice}", path.display(), reason(errno))
    }
}

/// The usual way out of an error, as the end of a sentence.
fn advice(errno: Errno) -> &'static str {
    match errno {
        Errno::EACCES | Errno::EPERM => ": check its permissions and attributes, or run as root",
        Errno::EBUSY => ": it is mounted on its own, so change what is mounted there",
        Errno::EDQUOT | Errno::ENOSPC => ": make room and run again",
        Errno::EEXIST => ": it has appeared meanwhile, run again",
        Errno::EISDIR | Errno::ENOTEMPTY => ": move that directory away and run again",
        Errno::EROFS => ": choose another directory",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_have_a_usual_way_out_name_it() {
        for (errno, words) in [
            (Errno::EACCES, "or run as root"),
            (Errno::EPERM, "or run as root"),
            (Errno::EBUSY, "mounted on its own"),
            (Errno::EDQUOT, "make room"),
            (Errno::ENOSPC, "make room"),
            (Errno::EEXIST, "appeared meanwhile"),
            (Errno::EISDIR, "move that directory away"),
            (Errno::ENOTEMPTY, "move that directory away"),
            (Errno::EROFS, "choose another directory"),
        ] {
            assert!(advice(errno).contains(words), "{errno}");
        }
        assert_eq!(advice(Errno::EIO), "");
    }
}
