//! Who works in the directories: one writer, or readers. The lock is `flock` on the directories
//! themselves, so no lock file is left behind, and a process that dies gives it back.

mod interrupted;
mod locked;
mod patience;

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use nix::errno::Errno;

use super::directory::Directory;
use super::folder::{self, Barred};
use super::layout::{self, Roots};
use super::{involved, left, read, writable};
use crate::location::Root;

pub(super) use locked::Locked;
use patience::{Patience, cannot_lock};

/// A reader's lock. Writers wait until it is dropped.
pub struct Lock {
    places: Vec<Place>,
    /// The folders in them. Held for their `Drop`.
    _folders: Vec<Locked>,
    busy: Option<PathBuf>,
    /// What was not there to be locked.
    absent: Vec<PathBuf>,
}

impl Lock {
    /// Of a directory that is not there.
    pub(super) fn of_nothing(path: PathBuf) -> Self {
        Self {
            places: Vec::new(),
            _folders: Vec::new(),
            busy: None,
            absent: vec![path],
        }
    }

    /// The directory that a writer is at work in, or was since: what is read there may be half of
    /// it. To be asked after reading, since a directory that was not there could not be locked.
    pub fn busy(&self) -> Option<&Path> {
        let made = || self.absent.iter().find(|path| path.exists());
        self.busy.as_ref().or_else(made).map(PathBuf::as_path)
    }
}

/// Locks what can be locked of some roots, without waiting.
pub(super) fn shared(roots: &Roots, used: &[Root]) -> Result<Lock> {
    for root in used {
        writable::check_links(*root, roots.path(*root))?;
    }
    let mut places = Vec::new();
    let mut inside = Vec::new();
    let mut busy = None;
    let mut absent = Vec::new();
    let all = used.iter().flat_map(|&root| {
        let opened = open_all(roots, root);
        opened.map(move |(path, is_root, opened)| (root, path, is_root, opened))
    });
    for (root, path, is_root, opened) in all {
        let directory = match opened {
            Ok(directory) => directory,
            Err(Barred::System(Errno::ENOENT)) => {
                absent.push(path);
                continue;
            }
            Err(Barred::Stranger(stranger)) => bail!("{stranger}"),
            // What this user cannot open is told of by whoever reads a file in it.
            Err(Barred::System(_)) => continue,
        };
        match directory.try_lock_shared() {
            Ok(()) if is_root => {
                let handle = Locked::new(directory);
                places.push(Place {
                    roots: vec![root],
                    directory: Directory { path, handle },
                });
            }
            Ok(()) => inside.push(Locked::new(directory)),
            Err(TryLockError::WouldBlock) => busy = Some(path),
            Err(TryLockError::Error(error)) => return Err(cannot_lock(&path, &error)),
        }
    }
    Ok(Lock {
        places,
        _folders: inside,
        busy,
        absent,
    })
}

/// The writer's lock on some roots. Dropping it gives them back.
pub struct Writer {
    pub(super) roots: Roots,
    pub(super) places: Vec<Place>,
    /// Directories that are only read.
    read: Vec<Place>,
    /// The folders in them, which may be roots of another run. Held for their `Drop`.
    _folders: Vec<Locked>,
}

/// A locked directory, and the roots that it is: two may be one.
pub(super) struct Place {
    pub roots: Vec<Root>,
    pub directory: Directory,
}

impl Writer {
    /// A directory that is to be read and is half of another run, where that can be completed.
    fn half_read(&self) -> Result<Option<Root>> {
        for Place { roots, directory } in &self.read {
            // What this user may not look at is told of by whoever reads a file there.
            let found = directory.status(layout::JOURNAL);
            if !matches!(found, Ok(Some(_))) || left::journal(directory, layout::JOURNAL)?.is_none()
            {
                continue;
            }
            let root = roots[0];
            let Err(error) = writable::check(root, self.roots.path(root)) else {
                return Ok(Some(root));
            };
            bail!(
                "{} tells of a run that was interrupted, and is to be completed first: {error}",
                directory.path(layout::JOURNAL).display()
            );
        }
        Ok(None)
    }

    /// The number of the place that is `root`.
    pub(super) fn place(&self, root: Root) -> Option<usize> {
        self.places
            .iter()
            .position(|place| place.roots.contains(&root))
    }
}

/// Makes the directories of `used` and locks them. If an earlier run was interrupted in one of them,
/// the other roots that it was over are locked too, for its recovery needs them.
///
/// Those of `read` get the reader's lock: no other run writes there meanwhile, so that what is read is of one
/// run, and other readers are not kept out. Nothing need be writable for that. One in which a run was interrupted
/// is half of it: it is locked as the others are where it can be written, and completed, and an error else.
pub(super) fn exclusive(
    roots: &Roots,
    used: &[Root],
    read: &[Root],
    timeout: Duration,
    waiting: &mut dyn FnMut(&Path),
) -> Result<Writer> {
    for root in used {
        writable::check(*root, roots.path(*root))?;
    }
    for root in read {
        writable::check_links(*root, roots.path(*root))?;
    }
    for root in used {
        writable::make(roots.path(*root))?;
    }
    let mut wanted: BTreeSet<Root> = used.iter().copied().collect();
    let mut patience = Patience {
        left: timeout,
        waiting,
    };
    loop {
        let writer = acquire(roots, &wanted, read, &mut patience)?;
        if let Some(root) = writer.half_read()? {
            wanted.insert(root);
            continue;
        }
        let others: Vec<Root> = Root::ALL
            .into_iter()
            .filter(|root| !wanted.contains(root))
            .collect();
        if others.is_empty() || !left::anything(&writer.places)? {
            return Ok(writer);
        }
        let traces = involved::traces(&writer.places)?;
        let also = |root: &Root| {
            let path = roots.path(*root);
            path.is_dir()
                && writable::check(*root, path).is_ok()
                && unlocked(*root, path).is_ok_and(|place| traces.lead_to(&place))
        };
        let known = wanted.len();
        wanted.extend(others.into_iter().filter(also));
        if wanted.len() == known {
            return Ok(writer);
        }
        // Given back first: with some in hand, waiting for others could wait for ever. What lies in
        // the others may tell of still others.
        drop(writer);
    }
}

/// A root that is not locked: to learn whether it is to be, or to look.
pub(super) fn unlocked(root: Root, path: &Path) -> Result<Place> {
    let directory = Directory {
        path: path
            .canonicalize()
            .with_context(|| format!("look at {}", path.display()))?,
        handle: Locked::new(open(path)?),
    };
    Ok(Place {
        roots: vec![root],
        directory,
    })
}

/// A directory to be locked.
struct Opened {
    /// Device and inode: two paths may lead to one directory.
    identity: (u64, u64),
    /// None of a folder.
    roots: Vec<Root>,
    path: PathBuf,
    directory: File,
    /// Whether nothing is written there.
    read: bool,
}

fn acquire(
    all: &Roots,
    wanted: &BTreeSet<Root>,
    read: &[Root],
    patience: &mut Patience,
) -> Result<Writer> {
    loop {
        let mut opened: Vec<Opened> = Vec::new();
        for (root, (path, is_root, found)) in wanted
            .iter()
            .flat_map(|root| open_all(all, *root).map(|found| (*root, found)))
        {
            match found {
                Ok(directory) => {
                    let root = is_root.then_some(root);
                    add(&mut opened, root, path, directory, false)?;
                }
                // One that is not there, or may not be opened, is no root that another run could have;
                // nor is what is no directory, of which its files tell.
                Err(Barred::System(errno)) if !is_root && is_none(errno) => {}
                Err(barred) => return Err(folder::error("open directory", &path, barred)),
            }
        }
        for root in read.iter().filter(|root| !wanted.contains(root)) {
            for (path, is_root, found) in open_all(all, *root) {
                match found {
                    Ok(directory) => {
                        let root = is_root.then_some(*root);
                        add(&mut opened, root, path, directory, true)?;
                    }
                    Err(Barred::Stranger(stranger)) => bail!("{stranger}"),
                    // What cannot be opened is told of by whoever reads a file in it.
                    Err(Barred::System(_)) => {}
                }
            }
        }
        // Every writer locks in this order, so no two wait for each other.
        opened.sort_by_key(|directory| directory.identity);
        let mut places = Vec::new();
        let mut read_places = Vec::new();
        let mut inner = Vec::new();
        let mut moved = false;
        for Opened {
            identity,
            roots,
            path,
            directory,
            read,
        } in opened
        {
            let handle = if read {
                patience.lock_to_read(directory, &path)?
            } else {
                patience.lock(directory, &path)?
            };
            if roots.is_empty() {
                inner.push(handle);
                continue;
            }
            // Absolute, since the journal tells it to later runs, which may start elsewhere.
            let path = path.canonicalize().map_err(|error| {
                let reason = read::reason(writable::errno(&error));
                anyhow!("find the whole path of {}: {reason}", path.display())
            })?;
            // While we waited the directory may have been moved away and another put there.
            moved |= look(&open(&path)?, &path)? != identity;
            let directory = Directory { path, handle };
            let place = Place { roots, directory };
            if read {
                read_places.push(place);
            } else {
                places.push(place);
            }
        }
        if !moved {
            return Ok(Writer {
                roots: all.clone(),
                places,
                read: read_places,
                _folders: inner,
            });
        }
    }
}

/// A directory that is to be read and to be written is locked once, to be written: `flock` would keep this run
/// from itself.
fn add(
    opened: &mut Vec<Opened>,
    root: Option<Root>,
    path: PathBuf,
    directory: File,
    read: bool,
) -> Result<()> {
    let identity = look(&directory, &path)?;
    match opened.iter_mut().find(|other| other.identity == identity) {
        Some(same) => {
            same.roots.extend(root);
            same.read &= read;
        }
        None => opened.push(Opened {
            identity,
            roots: root.into_iter().collect(),
            path,
            directory,
            read,
        }),
    }
    Ok(())
}

/// A root, and then the folders of it that files of ours are in, reached through it: `--cert-dir
/// pki/etcd` makes one of them the root of another run. Each with whether it is the root.
fn open_all(
    roots: &Roots,
    root: Root,
) -> impl Iterator<Item = (PathBuf, bool, Result<File, Barred>)> {
    let path = roots.path(root).to_owned();
    let opened = folder::open_root(&path);
    let mut all = Vec::new();
    if let Ok(opened) = &opened {
        for folder in layout::folders(root) {
            let found = folder::open(opened.as_fd(), &path, folder).map(File::from);
            all.push((layout::in_directory(&path, folder), false, found));
        }
    }
    all.insert(0, (path, true, opened.map(File::from)));
    all.into_iter()
}

fn open(path: &Path) -> Result<File> {
    let opened = folder::open_root(path).map(File::from);
    opened.map_err(|barred| folder::error("open directory", path, barred))
}

/// Which directory it is, by whatever name.
fn look(directory: &File, path: &Path) -> Result<(u64, u64)> {
    let found = directory.metadata().map_err(|error| {
        let reason = read::reason(writable::errno(&error));
        anyhow!("look at {}: {reason}", path.display())
    })?;
    Ok((found.dev(), found.ino()))
}

/// Whether there is no directory, or none that this user could use.
fn is_none(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES | Errno::EPERM | Errno::ELOOP
    )
}
