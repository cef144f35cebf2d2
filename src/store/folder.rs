//! The way to a root and to the folders below it, gone one name after the other, each looked at
//! through its own descriptor: whoever may write in a directory can put a link in the place of another
//! between any two calls, so none is ever reached by its path.

use std::ffi::OsString;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat, fstatat};
use zeroize::Zeroizing;

use super::layout::{self, BACKUP, in_directory};
use super::owner::effective_user;
use super::read::{self, FileContent, ReadError, is_directory, kind, read_at};

/// A folder is held, not read: that needs no permission but to pass through it.
const TO_PASS: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);
/// As many as the kernel follows on one path.
const MOST_LINKS: usize = 40;
/// How a folder is opened to be listed or synced.
const TO_LIST: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_CLOEXEC);

/// What another user may have put in the place of a folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stranger {
    /// Where it is.
    pub path: PathBuf,
    /// What it is, after its path.
    pub what: String,
    /// What can be done.
    pub way_out: &'static str,
}

impl fmt::Display for Stranger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} {}: {}",
            self.path.display(),
            self.what,
            self.way_out
        )
    }
}

/// Why a folder is not entered.
pub(super) enum Barred {
    Stranger(Stranger),
    System(Errno),
}

/// As one sentence: what was tried, where, and why not.
pub(super) fn error(what: &str, path: &Path, barred: Barred) -> anyhow::Error {
    match barred {
        Barred::Stranger(stranger) => anyhow!("{stranger}"),
        Barred::System(errno) => anyhow!("{what} {}: {}", path.display(), read::reason(errno)),
    }
}

impl From<Errno> for Barred {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

/// The directory at `path`. On the way there may be links of root's and of this user's.
pub(super) fn root(path: &Path) -> Result<OwnedFd, Barred> {
    walk(AT_FDCWD, path, Path::new(""))
}

/// The same, opened to be locked or listed.
pub(super) fn open_root(path: &Path) -> Result<OwnedFd, Barred> {
    Ok(openat(root(path)?, ".", TO_LIST, Mode::empty())?)
}

/// The directory that `way` leads to from `start`, which messages call `called`: one component after
/// the other, those of a link in its place.
fn walk(start: BorrowedFd<'_>, way: &Path, called: &Path) -> Result<OwnedFd, Barred> {
    if way.components().nth(1).is_some() {
        match straight(start, way) {
            // A link, a kernel that has no such call, a file: what it is the steps tell.
            Err(errno) if errno != Errno::ENOENT => {}
            opened => return Ok(opened?),
        }
    }
    let mut here: Option<OwnedFd> = None;
    let mut called = called.to_owned();
    let mut links = 0;
    let mut left = reversed(way);
    while let Some(step) = left.pop() {
        let at = here.as_ref().map_or(start, AsFd::as_fd);
        match step_into(at, Path::new(&step), &called)? {
            Step::Directory(entered) => {
                here = Some(entered);
                called.push(step);
            }
            Step::Link(target) => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Barred::System(Errno::ELOOP));
                }
                left.extend(reversed(Path::new(&target)));
            }
        }
    }
    match here {
        Some(here) => Ok(here),
        None => Ok(openat(start, ".", TO_PASS, Mode::empty())?),
    }
}

/// The same in one call, by which the kernel goes the steps and follows no link (openat2(2), Linux 5.6).
fn straight(start: BorrowedFd<'_>, way: &Path) -> Result<OwnedFd, Errno> {
    let how = OpenHow::new()
        .flags(TO_PASS | OFlag::O_DIRECTORY)
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    openat2(start, way, how)
}

fn reversed(way: &Path) -> Vec<OsString> {
    let steps = way.components().rev();
    steps.map(|step| step.as_os_str().to_owned()).collect()
}

/// What one component of a path is.
enum Step {
    Directory(OwnedFd),
    /// Where it leads.
    Link(OsString),
}

fn step_into(here: BorrowedFd<'_>, name: &Path, called: &Path) -> Result<Step, Barred> {
    // Asked for as a directory, so that what is mounted on demand is mounted.
    let as_directory = TO_PASS | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    match openat(here, name, as_directory, Mode::empty()) {
        Err(Errno::ENOTDIR) => {}
        opened => return Ok(Step::Directory(opened?)),
    }
    let opened = openat(here, name, TO_PASS | OFlag::O_NOFOLLOW, Mode::empty())?;
    let found = fstat(&opened)?;
    if is_directory(found.st_mode) {
        return Ok(Step::Directory(opened));
    }
    if !is_link(found.st_mode) {
        return Err(Barred::System(Errno::ENOTDIR));
    }
    if ![0, effective_user()].contains(&found.st_uid) {
        return Err(Barred::Stranger(Stranger {
            path: called.join(name),
            what: format!(
                "is a symbolic link of user {}, who chose where it leads",
                found.st_uid
            ),
            way_out: "put a directory in its place, or make the link as root",
        }));
    }
    // Where this very link leads: its name may be another's by now.
    Ok(Step::Link(readlinkat(&opened, "")?))
}

/// Does `act` in the folder of `name`, with the name that is left. `path` is what messages call the
/// root.
pub(super) fn within<T>(
    root: BorrowedFd<'_>,
    path: &Path,
    name: &str,
    act: impl FnOnce(BorrowedFd<'_>, &str) -> T,
) -> Result<T, Barred> {
    let Some((folders, base)) = name.rsplit_once('/') else {
        return Ok(act(root, name));
    };
    let steps: Vec<&str> = folders.split('/').collect();
    let of_all = steps.iter().take_while(|step| **step != BACKUP).count();
    let so_far = |number: usize| steps[..number].join("/");
    let mut entered = match of_all {
        0 => None,
        some => Some(walk(root, Path::new(&so_far(some)), path)?),
    };
    for (number, step) in steps.iter().enumerate().skip(of_all) {
        let here = entered.as_ref().map_or(root, AsFd::as_fd);
        let path = in_directory(path, &so_far(number + 1));
        entered = Some(enter_private(here, step, &path)?);
    }
    Ok(act(entered.as_ref().map_or(root, AsFd::as_fd), base))
}

/// Opens the folder called `name`, and looks at what was opened.
fn enter_private(here: BorrowedFd<'_>, name: &str, path: &Path) -> Result<OwnedFd, Barred> {
    let opened = openat(here, name, TO_PASS | OFlag::O_NOFOLLOW, Mode::empty())?;
    let found = fstat(&opened)?;
    must_be_private(found.st_mode, found.st_uid, path).map_err(Barred::Stranger)?;
    Ok(opened)
}

pub(super) fn is_link(mode: u32) -> bool {
    SFlag::from_bits_truncate(mode) & SFlag::S_IFMT == SFlag::S_IFLNK
}

/// Backups are in directories that only this user could have made and filled.
pub(super) fn must_be_private(mode: u32, user: u32, path: &Path) -> Result<(), Stranger> {
    let (what, way_out) = if !is_directory(mode) {
        let kind = kind(mode);
        (
            format!("is {kind}, not the directory that certs makes"),
            "look at it and move it away",
        )
    } else if user != effective_user() {
        (
            format!("belongs to user {user}"),
            "run as that user, or look at it and move it away",
        )
    } else if mode & 0o077 != 0 {
        (
            "is open to others than its owner".to_owned(),
            "look at it, then chmod it to 0700",
        )
    } else {
        return Ok(());
    };
    Err(Stranger {
        path: path.to_owned(),
        what,
        way_out,
    })
}

/// Whether `folder` of the directory at `path` may be entered; `.` is that directory itself.
pub(super) fn check(path: &Path, folder: &str) -> Result<(), Barred> {
    let itself = layout::within(folder, ".");
    within(root(path)?.as_fd(), path, &itself, |_, _| ())
}

/// Opens `folder` itself, to list or to sync it.
pub(super) fn open(root: BorrowedFd<'_>, path: &Path, folder: &str) -> Result<OwnedFd, Barred> {
    let itself = layout::within(folder, ".");
    let open = |here: BorrowedFd<'_>, base: &str| openat(here, base, TO_LIST, Mode::empty());
    Ok(within(root, path, &itself, open)??)
}

/// The names in `folder`, sorted; none if there is no such folder.
pub(super) fn names(root: BorrowedFd<'_>, path: &Path, folder: &str) -> Result<Vec<String>> {
    let failed = |barred| error("list", &in_directory(path, folder), barred);
    let opened = match open(root, path, folder) {
        Ok(opened) => opened,
        Err(Barred::System(Errno::ENOENT | Errno::ENOTDIR)) => return Ok(Vec::new()),
        Err(barred) => return Err(failed(barred)),
    };
    let failed = |errno| failed(Barred::System(errno));
    let mut listed = Dir::from_fd(opened).map_err(failed)?;
    let mut entries = listed.iter();
    let mut names = Vec::new();
    loop {
        // nix takes an error of readdir for the end, so the system is asked whether it was one.
        Errno::clear();
        let Some(entry) = entries.next() else { break };
        let entry = entry.map_err(failed)?;
        // What is not UTF-8 is none of ours.
        match entry.file_name().to_str() {
            Ok("." | "..") | Err(_) => {}
            Ok(name) => names.push(name.to_owned()),
        }
    }
    match Errno::last() {
        Errno::UnknownErrno => {}
        errno => return Err(failed(errno)),
    }
    names.sort();
    Ok(names)
}

/// The file called `name`; `None` if there is none.
pub(super) fn read(
    root: BorrowedFd<'_>,
    path: &Path,
    name: &str,
) -> Result<Option<FileContent>, ReadError> {
    let whole = in_directory(path, name);
    let read = |here: BorrowedFd<'_>, base: &str| {
        if layout::is_link(base)
            && let Some(link) = read_link(here, base, &whole)?
        {
            return Ok(Some(link));
        }
        read_at(here, Path::new(base), &whole)
    };
    within(root, path, name, read).unwrap_or_else(|barred| unread(&whole, barred))
}

/// Where a link leads, as its content; `None` if it is none.
pub(super) fn read_link(
    here: BorrowedFd<'_>,
    base: &str,
    path: &Path,
) -> Result<Option<FileContent>, ReadError> {
    let target = match readlinkat(here, base) {
        Ok(target) => target,
        Err(Errno::EINVAL | Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(read::failure(path, errno)),
    };
    let found = fstatat(here, base, AtFlags::AT_SYMLINK_NOFOLLOW)
        .map_err(|errno| read::failure(path, errno))?;
    Ok(Some(FileContent {
        bytes: Zeroizing::new(target.into_encoded_bytes()),
        // What may be done with a link is what may be done with what it leads to.
        mode: 0o600,
        uid: found.st_uid,
        gid: found.st_gid,
    }))
}

/// The same in the directory at `path`.
pub(super) fn read_below(path: &Path, name: &str) -> Result<Option<FileContent>, ReadError> {
    match root(path) {
        Ok(opened) => read(opened.as_fd(), path, name),
        Err(barred) => unread(&in_directory(path, name), barred),
    }
}

fn unread(path: &Path, barred: Barred) -> Result<Option<FileContent>, ReadError> {
    match barred {
        Barred::System(Errno::ENOENT) => Ok(None),
        Barred::System(errno) => Err(read::failure(path, errno)),
        Barred::Stranger(stranger) => Err(ReadError::Stranger(stranger)),
    }
}
