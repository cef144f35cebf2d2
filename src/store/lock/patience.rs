//! How a lock is waited for.

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};

use super::Locked;
use crate::store::{read, writable};

/// How long to sleep between two tries: flock(2) itself knows no timeout but by a signal.
const PAUSE: Duration = Duration::from_millis(25);

/// How long the caller still wants to wait, over all directories.
pub(super) struct Patience<'a> {
    pub(super) left: Duration,
    pub(super) waiting: &'a mut dyn FnMut(&Path),
}

impl Patience<'_> {
    pub(super) fn lock(&mut self, directory: File, path: &Path) -> Result<Locked> {
        self.until(&directory, path, File::try_lock)?
            .map_err(|error| cannot_lock(path, &error))?;
        Ok(Locked::new(directory))
    }

    /// Where nobody can write there is nobody to keep out, and a file system may know no lock.
    pub(super) fn lock_to_read(&mut self, directory: File, path: &Path) -> Result<Locked> {
        match self.until(&directory, path, File::try_lock_shared)? {
            Err(error) if !writable::is_read_only(path) => Err(cannot_lock(path, &error)),
            _ => Ok(Locked::new(directory)),
        }
    }

    /// Tries until it is locked, or the system says that it cannot be.
    fn until(
        &mut self,
        directory: &File,
        path: &Path,
        lock: impl Fn(&File) -> Result<(), TryLockError>,
    ) -> Result<std::io::Result<()>> {
        let mut told = false;
        loop {
            match lock(directory) {
                Ok(()) => return Ok(Ok(())),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Ok(Err(error)),
            }
            if self.left.is_zero() {
                bail!(
                    "another program holds the lock on {}{}: try again later, or wait longer with --lock-timeout",
                    path.display(),
                    holder(directory).unwrap_or_default()
                );
            }
            if !told {
                (self.waiting)(path);
                told = true;
            }
            let pause = PAUSE.min(self.left);
            sleep(pause);
            self.left -= pause;
        }
    }
}

/// Who holds a lock on it, as far as the system tells: another run, or whoever may read the directory.
fn holder(directory: &File) -> Option<String> {
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let inode = directory.metadata().ok()?.ino().to_string();
    let process = locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields.as_slice() {
            // As proc_locks(5) has it; who waits has an arrow in the second place.
            [_, "FLOCK", _, _, process, place, ..] if place.rsplit(':').next() == Some(&inode) => {
                process.parse::<u32>().ok()
            }
            _ => None,
        }
    })?;
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    Some(format!(" (process {process} {})", name.trim()))
}

pub(super) fn cannot_lock(path: &Path, error: &std::io::Error) -> anyhow::Error {
    let path = path.display();
    anyhow!(
        "lock {path}: {}: choose a directory on a local file system",
        read::reason(writable::errno(error))
    )
}
