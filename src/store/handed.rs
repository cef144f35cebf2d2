//! A file that the user names and that is no part of a tree: a kubeconfig that was handed out. It may
//! lie in another user's folder, so that it is read, and replaced, by its name in a directory that is
//! held open, as `folder` says.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod, fstat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fsync, linkat, unlinkat};

use super::beside;
use super::folder::{self, Barred};
use super::journal::TransactionId;
use super::layout;
use super::read::{self, FileContent, ReadError, read_at};
use super::writable::errno;

/// The bits of a mode that a replaced file keeps.
const KEPT: u32 = 0o777;
/// Those that the kept copy of the former one has at most.
const PRIVATE: u32 = 0o600;

/// How long to wait for another run over the same file, which takes as long as its fsync.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// A file as it was read, and the directory it lies in.
pub struct Handed {
    directory: OwnedFd,
    name: OsString,
    path: PathBuf,
    content: FileContent,
}

impl Handed {
    /// The file at `path`, which may be no link; `None` if there is none. Its directory may be a link of
    /// root's or of this user's.
    pub fn open(path: &Path) -> Result<Option<Self>, ReadError> {
        let Some(name) = path.file_name() else {
            let path = path.to_owned();
            let kind = "a directory";
            return Err(ReadError::NotAFile { path, kind });
        };
        let above = path.parent().unwrap_or(Path::new(""));
        let directory = match folder::root(above) {
            Ok(directory) => directory,
            Err(Barred::System(Errno::ENOENT)) => return Ok(None),
            Err(Barred::System(errno)) => return Err(read::failure(path, errno)),
            Err(Barred::Stranger(stranger)) => return Err(ReadError::Stranger(stranger)),
        };
        let content = read_at(&directory, Path::new(name), path)?;
        Ok(content.map(|content| Self {
            directory,
            name: name.to_owned(),
            path: path.to_owned(),
            content,
        }))
    }

    /// Its octets.
    pub fn bytes(&self) -> &[u8] {
        &self.content.bytes
    }

    /// Its permission bits.
    pub fn mode(&self) -> u32 {
        self.content.mode
    }

    /// An error with the way out if it could not be replaced by this user. Nothing is touched.
    pub fn check_owner(&self) -> Result<()> {
        let owner = crate::location::Owner {
            user: Some(self.content.uid),
            group: Some(self.content.gid),
        };
        match super::owner::barred(owner)? {
            None => Ok(()),
            Some(barred) => Err(anyhow!(
                "replace {}: {}: run as root, or as its owner",
                self.path.display(),
                barred.why
            )),
        }
    }

    /// Whether it has further names, in whatever folder.
    pub fn has_other_names(&self) -> bool {
        let found = beside::status(self.directory.as_fd(), &self.name);
        found.is_some_and(|found| found.st_nlink > 1)
    }

    /// Its name, and which directory that is in: the same by whatever way it was reached.
    pub fn place(&self) -> Result<(u64, u64, OsString)> {
        let found = fstat(&self.directory).map_err(failed("look at its folder"))?;
        Ok((found.st_dev, found.st_ino, self.name.clone()))
    }

    /// Replaces it whole by `bytes`, with its owner, group and mode, and tells where the former one is
    /// kept: under a name beside it that none has yet, for its owner alone. One that was changed since it
    /// was read is left alone: `None`, also where another run replaced it, for whose end this one waits.
    /// `unique` is in the name that it is written under before; what a run that was killed left under such
    /// names goes.
    pub fn replace(&self, bytes: &[u8], unique: TransactionId) -> Result<Option<PathBuf>> {
        let replaced = self
            .replace_held(bytes, unique)
            .with_context(|| format!("replace {}", self.path.display()))?;
        Ok(replaced.map(|kept| self.path.with_file_name(kept)))
    }

    fn replace_held(&self, bytes: &[u8], unique: TransactionId) -> Result<Option<OsString>> {
        let _held = self.wait()?;
        if read_at(&self.directory, Path::new(&self.name), &self.path)?.as_ref()
            != Some(&self.content)
        {
            return Ok(None);
        }
        beside::sweep(self.directory.as_fd(), &self.path);
        let staged = layout::beside_name(&self.name, unique);
        let replaced = self.write(&staged, bytes).and_then(|held| {
            let kept = self.exchange(&staged)?;
            drop(held);
            Ok(kept)
        });
        if !matches!(replaced, Ok(Some(_))) {
            self.remove(&staged);
        }
        replaced
    }

    /// The lock on the file that has the name now: two runs at once would each take the other's copy of
    /// the former file for their own. Where a file system knows no locks there is none.
    fn wait(&self) -> Result<Option<File>> {
        let here = self.directory.as_fd();
        let mut left = PATIENCE;
        loop {
            let opened = openat(here, self.name.as_os_str(), read::TO_READ, Mode::empty());
            let file = match opened {
                Ok(opened) => File::from(opened),
                // That it is not there is told by who reads it.
                Err(Errno::ENOENT) => return Ok(None),
                Err(errno) => return Err(failed("open")(errno)),
            };
            match file.try_lock() {
                Ok(()) if beside::is_file_of(here, &self.name, &file) => return Ok(Some(file)),
                // Another run has put its own there.
                Ok(()) => ensure!(
                    !left.is_zero(),
                    "another program replaces it again and again: run the same command again when it has ended"
                ),
                Err(TryLockError::Error(_)) => return Ok(None),
                Err(TryLockError::WouldBlock) => ensure!(
                    !left.is_zero(),
                    "another program holds its lock: run the same command again when it has ended"
                ),
            }
            sleep(PAUSE);
            left = left.saturating_sub(PAUSE);
        }
    }

    /// What was begun is of no use; that it stays is told by the error anyway.
    fn remove(&self, name: &OsStr) {
        let _ = unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir);
    }

    /// A new file, with the owner, group and mode of this one.
    fn write(&self, staged: &OsStr, bytes: &[u8]) -> Result<File> {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let private = Mode::from_bits_truncate(0o600);
        let file = openat(&self.directory, staged, flags, private).map_err(failed("create"))?;
        let mut file = File::from(file);
        beside::hold(&file);
        let written = file.write_all(bytes);
        written.map_err(|error| failed("write")(errno(&error)))?;
        let (user, group) = (self.content.uid, self.content.gid);
        fchown(
            file.as_fd(),
            Some(Uid::from_raw(user)),
            Some(Gid::from_raw(group)),
        )
        .map_err(failed("give it to its owner"))?;
        let mode = Mode::from_bits_truncate(self.content.mode & KEPT);
        fchmod(file.as_fd(), mode).map_err(failed("set its mode"))?;
        file.sync_all()?;
        Ok(file)
    }

    /// The former file gets a second name, which is told, and the new one its place; none where the former
    /// one is not what was read.
    fn exchange(&self, staged: &OsStr) -> Result<Option<OsString>> {
        let here = self.directory.as_fd();
        let name = self.name.as_os_str();
        let kept = self.keep()?;
        let renamed = self.same(&kept).and_then(|former| {
            if former.is_some() {
                renameat(here, staged, here, name).map_err(failed("rename"))?;
            }
            Ok(former)
        });
        if !matches!(renamed, Ok(Some(_))) {
            self.remove(&kept);
        }
        let Some(former) = renamed? else {
            return Ok(None);
        };
        // Under its own name its owner had chosen who reads it; nobody chose that for the copy.
        let private = Mode::from_bits_truncate(self.content.mode & PRIVATE);
        fchmod(former, private).map_err(failed("set the mode of the former one"))?;
        let whole = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let opened = openat(here, ".", whole, Mode::empty()).map_err(failed("sync its folder"))?;
        fsync(opened).map_err(failed("sync its folder"))?;
        Ok(Some(kept))
    }

    /// A second name for the file, which no other has: one that a run gave it that was killed before the
    /// new file had its place, or the first that is free. A file that has other names, whose mode is theirs
    /// too, is copied.
    fn keep(&self) -> Result<OsString> {
        let here = self.directory.as_fd();
        let name = self.name.as_os_str();
        let names = beside::status(here, name).map_or(1, |found| found.st_nlink);
        let mut number = 0;
        loop {
            let kept = layout::former_name(name, number);
            let there = beside::status(here, &kept);
            let done = match there {
                Some(_) if names == 2 && beside::is_one_file(here, &kept, name) => return Ok(kept),
                Some(_) => Err(Errno::EEXIST),
                None if names > 1 => return self.write(&kept, &self.content.bytes).map(|_| kept),
                None => linkat(here, name, here, kept.as_os_str(), AtFlags::empty()),
            };
            match done {
                Ok(()) => return Ok(kept),
                Err(Errno::EEXIST) => number += 1,
                Err(errno) => return Err(failed("keep the former one")(errno)),
            }
        }
    }

    /// The file of the second name, if it is what was read.
    fn same(&self, kept: &OsStr) -> Result<Option<OwnedFd>> {
        let here = self.directory.as_fd();
        let now = read_at(here, Path::new(kept), &self.path)?;
        if now.as_ref() != Some(&self.content) {
            return Ok(None);
        }
        let former = openat(here, kept, read::TO_READ, Mode::empty());
        former.map(Some).map_err(failed("keep the former one"))
    }
}

fn failed(what: &'static str) -> impl Fn(Errno) -> anyhow::Error {
    move |errno| anyhow!("{what}: {}", read::reason(errno))
}
