//! A root that a writer holds: every change is made relative to its open, locked directory, so that
//! it happens in the directory that is locked, whatever becomes of the path meanwhile.

mod advice;

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, fchmod, fchmodat, fstat, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fsync, linkat, unlinkat};

use self::advice::advice;
use super::folder::{self, Barred, is_link};
use super::layout::in_directory;
use super::lock::Locked;
use super::read::{FileContent, ReadError, TO_READ, is_directory, is_file, kind, reason};
use super::rename::{rename_exclusively, rename_folder};
use crate::key;
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
    pub seen: Seen,
}

/// Which file a name was, and how far it was written, when it was looked at. Not by the time of its
/// last change, which a second name given or taken changes too.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Seen {
    identity: (u64, u64),
    size: i64,
    modified: (i64, i64),
}

impl Seen {
    fn of(found: &FileStat) -> Self {
        Self {
            identity: (found.st_dev, found.st_ino),
            size: found.st_size,
            modified: (found.st_mtime, found.st_mtime_nsec),
        }
    }
}

impl Status {
    pub fn is_file(&self) -> bool {
        is_file(self.mode)
    }

    pub fn is_directory(&self) -> bool {
        is_directory(self.mode)
    }

    pub fn is_link(&self) -> bool {
        is_link(self.mode)
    }

    pub fn kind(&self) -> &'static str {
        kind(self.mode)
    }

    pub fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }
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

    /// Does `act` in the folder of `name`, with the name that is left; every change and look comes
    /// through here. The error is of a folder that another user may have put there.
    pub fn at<T>(
        &self,
        name: &str,
        act: impl FnOnce(BorrowedFd<'_>, &str) -> nix::Result<T>,
    ) -> Result<nix::Result<T>> {
        match folder::within(self.descriptor(), &self.path, name, act) {
            Ok(done) => Ok(done),
            Err(Barred::System(errno)) => Ok(Err(errno)),
            Err(Barred::Stranger(stranger)) => bail!("{stranger}"),
        }
    }

    /// The same with two names.
    fn at_both<T>(
        &self,
        from: &str,
        to: &str,
        act: impl FnOnce(BorrowedFd<'_>, &str, BorrowedFd<'_>, &str) -> nix::Result<T>,
    ) -> Result<nix::Result<T>> {
        // The second folder may be barred in its own right.
        let mut barred = Ok(());
        let done = self.at(from, |here, from| {
            match self.at(to, |there, to| act(here, from, there, to)) {
                Ok(done) => done,
                Err(error) => {
                    barred = Err(error);
                    Err(Errno::EACCES)
                }
            }
        })?;
        barred.map(|()| done)
    }

    pub fn status(&self, name: &str) -> Result<Option<Status>> {
        let found = self.at(name, |here, base| {
            fstatat(here, base, AtFlags::AT_SYMLINK_NOFOLLOW)
        })?;
        match found {
            Ok(found) => Ok(Some(Status {
                mode: found.st_mode,
                user: found.st_uid,
                single_link: found.st_nlink == 1,
                identity: (found.st_dev, found.st_ino),
                seen: Seen::of(&found),
            })),
            Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
            Err(errno) => Err(self.failure("look at", name, errno)),
        }
    }

    pub fn read(&self, name: &str) -> Result<Option<FileContent>, ReadError> {
        folder::read(self.descriptor(), &self.path, name)
    }

    /// The names in `folder`; none if there is no such folder.
    pub fn names(&self, folder: &str) -> Result<Vec<String>> {
        folder::names(self.descriptor(), &self.path, folder)
    }

    /// Makes a folder; `false` if it is there.
    pub fn make_folder(&self, name: &str, mode: Mode) -> Result<bool> {
        match self.at(name, |here, base| mkdirat(here, base, mode))? {
            Ok(()) => Ok(true),
            Err(Errno::EEXIST) => Ok(false),
            Err(errno) => Err(self.failure("make directory", name, errno)),
        }
    }

    /// A folder of it, to be changed as it is itself.
    pub fn folder(&self, name: &str) -> Result<Self> {
        let path = self.path(name);
        match folder::open(self.descriptor(), &self.path, name) {
            Ok(opened) => Ok(Self {
                path,
                handle: Locked::new(File::from(opened)),
            }),
            Err(barred) => Err(folder::error("open directory", &path, barred)),
        }
    }

    /// Gives a folder of this user's the mode of those that all may enter.
    pub fn open_to_all(&self, name: &str) -> Result<()> {
        let follow = FchmodatFlags::FollowSymlink;
        self.at(name, |here, base| {
            fchmodat(here, base, DIRECTORY_MODE, follow)
        })?
        .map_err(|errno| self.failure("change the mode of", name, errno))
    }

    /// A new file that only its owner may read or write.
    pub fn create(&self, name: &str) -> Result<File> {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(0o600);
        self.at(name, |here, base| openat(here, base, flags, mode))?
            .map(File::from)
            .map_err(|errno| self.failure("create", name, errno))
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
        self.at(name, |here, base| {
            openat(here, base, TO_READ, Mode::empty())
        })?
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
        let errno = match folder::open(self.descriptor(), &self.path, folder) {
            Ok(opened) => match fsync(opened) {
                Ok(()) => return Ok(()),
                Err(errno) => errno,
            },
            Err(Barred::System(errno)) => errno,
            Err(Barred::Stranger(stranger)) => bail!("{stranger}"),
        };
        Err(self.failure("sync", folder, errno))
    }

    /// The file with this content, for [`Self::replace`]; an error if it is another.
    pub fn seen(&self, name: &str, content: [u8; 32]) -> Result<Seen> {
        // Looked at before it is read: what is put there in between is then not the one that was seen.
        let status = self.status(name)?;
        let now = self.read(name)?.map(|found| key::sha256(&found.bytes));
        match status {
            Some(status) if now == Some(content) => Ok(status.seen),
            _ => Err(self.changed(name)),
        }
    }

    /// Puts `from` in the place of `to`, if that is still what was seen: another program may have put
    /// a file there since, which nothing keeps. Between this look and the rename is nothing else.
    pub fn replace(&self, from: &str, to: &str, seen: Seen) -> Result<()> {
        let mut same = true;
        let replaced = self.at_both(from, to, |here, from, there, to| {
            let found = fstatat(there, to, AtFlags::AT_SYMLINK_NOFOLLOW)?;
            same = Seen::of(&found) == seen;
            if same {
                renameat(here, from, there, to)
            } else {
                Err(Errno::ESTALE)
            }
        })?;
        match replaced {
            _ if !same => Err(self.changed(to)),
            replaced => replaced.map_err(|errno| self.failure("replace", to, errno)),
        }
    }

    fn changed(&self, name: &str) -> anyhow::Error {
        let path = self.path(name);
        anyhow!(
            "{} was changed meanwhile by another program: look at it and run again",
            path.display()
        )
    }

    /// Moves `from` to `to`, where nothing may be: a file that has appeared meanwhile stays.
    pub fn place(&self, from: &str, to: &str) -> Result<()> {
        self.at_both(from, to, rename_exclusively)?
            .map_err(|errno| self.failure("create", to, errno))
    }

    /// The same of a folder.
    pub fn move_folder(&self, from: &str, to: &str) -> Result<()> {
        self.at_both(from, to, rename_folder)?
            .map_err(|errno| self.failure("create", to, errno))
    }

    /// Moves `from` to `to`, in the place of a file that is there: nothing else goes for it.
    pub fn move_over(&self, from: &str, to: &str) -> Result<()> {
        if let Some(found) = self.status(to)?.filter(|found| !found.is_file()) {
            bail!(
                "{} is {}, not a file: move it away and run again",
                self.path(to).display(),
                found.kind()
            );
        }
        self.at_both(from, to, |here, from, there, to| {
            renameat(here, from, there, to)
        })?
        .map_err(|errno| self.failure("replace", to, errno))
    }

    /// Gives `from` a second name; `false` where the file system or its rules forbid that.
    pub fn link(&self, from: &str, to: &str) -> Result<bool> {
        let linked = self.at_both(from, to, |here, from, there, to| {
            linkat(here, from, there, to, AtFlags::empty())
        })?;
        match linked {
            Ok(()) => Ok(true),
            Err(Errno::EPERM | Errno::EMLINK | Errno::EXDEV | Errno::EOPNOTSUPP) => Ok(false),
            Err(errno) => Err(self.failure("link", from, errno)),
        }
    }

    /// Removes a file; that it is not there is fine.
    pub fn remove(&self, name: &str) -> Result<()> {
        let flag = UnlinkatFlags::NoRemoveDir;
        match self.at(name, |here, base| unlinkat(here, base, flag))? {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(self.failure("remove", name, errno)),
        }
    }

    /// Removes `name`, if that is still what was seen, and first the mark that was staged for it: as
    /// long as the first of these is there, nothing of a run is done.
    pub fn take_away(&self, mark: &str, name: &str, seen: Seen) -> Result<()> {
        let mut same = true;
        let removed = self.at_both(mark, name, |here, mark, there, name| {
            let found = fstatat(there, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
            same = Seen::of(&found) == seen;
            let remove = |folder, name| unlinkat(folder, name, UnlinkatFlags::NoRemoveDir);
            if !same {
                return Err(Errno::ESTALE);
            }
            match remove(here, mark) {
                Ok(()) | Err(Errno::ENOENT) => remove(there, name),
                Err(errno) => Err(errno),
            }
        })?;
        match removed {
            _ if !same => Err(self.changed(name)),
            removed => removed.map_err(|errno| self.failure("remove", name, errno)),
        }
    }

    /// Removes an empty folder; that it is not there is fine.
    pub fn remove_folder(&self, name: &str) -> Result<()> {
        let flag = UnlinkatFlags::RemoveDir;
        match self.at(name, |here, base| unlinkat(here, base, flag))? {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(self.failure("remove", name, errno)),
        }
    }

    /// One line: what was tried, where, why not, and the way out where there is a usual one.
    pub fn failure(&self, what: &str, name: &str, errno: Errno) -> anyhow::Error {
        let path = self.path(name);
        let advice = advice(errno);
        anyhow!("{what} {}: {}{advice}", path.display(), reason(errno))
    }
}
