//! Reads one file: regular, not too large, and never through a link that should not be there.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstatat};
use zeroize::Zeroizing;

use super::folder::Stranger;

/// How a file is opened to be read: it may have been exchanged since it was looked at, so no link is followed, and a pipe
/// does not block.
pub(super) const TO_READ: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_NONBLOCK)
    .union(OFlag::O_NOCTTY)
    .union(OFlag::O_CLOEXEC);

/// The largest file that is read, in octets. A trust bundle of a thousand CAs is below it.
pub const LARGEST: u64 = 1 << 20;

/// The largest list of nodes, in octets.
const LARGEST_LIST: u64 = 64 << 20;

/// What is in a file, and whose it is. The content is wiped when it is dropped.
#[derive(Clone, Eq, PartialEq)]
pub struct FileContent {
    /// Its octets.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Permission bits, with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

impl fmt::Debug for FileContent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FileContent")
            .field("bytes", &"[elided]")
            .field("mode", &self.mode)
            .field("uid", &self.uid)
            .field("gid", &self.gid)
            .finish()
    }
}

/// Why a file that is there cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReadError {
    /// The system says no.
    Io {
        /// The file.
        path: PathBuf,
        /// In the system's words.
        reason: String,
    },
    /// Something else has the name.
    NotAFile {
        /// The file.
        path: PathBuf,
        /// What it is, with its article: "a directory".
        kind: &'static str,
    },
    /// Not for this user.
    PermissionDenied {
        /// The file.
        path: PathBuf,
    },
    /// Another user may have put its folder there.
    Stranger(Stranger),
    /// Over [`LARGEST`].
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, reason } => write!(formatter, "read {}: {reason}", path.display()),
            Self::NotAFile { path, kind } => {
                let path = path.display();
                write!(formatter, "{path} is {kind}, not a file: move it away")
            }
            Self::PermissionDenied { path } => {
                let path = path.display();
                write!(
                    formatter,
                    "no permission to read {path}: run as root, or as its owner"
                )
            }
            Self::Stranger(stranger) => stranger.fmt(formatter),
            Self::TooLarge { path } => {
                let path = path.display();
                write!(
                    formatter,
                    "{path} is larger than 1 MiB: no certificate, key or kubeconfig is"
                )
            }
        }
    }
}

impl std::error::Error for ReadError {}

/// Whether both are names of one file or directory that is there.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let number = |path: &Path| {
        let found = path.metadata().ok()?;
        Some((found.dev(), found.ino()))
    };
    number(one).is_some_and(|here| Some(here) == number(other))
}

/// What the system calls an error, in the middle of a sentence.
pub(super) fn reason(errno: Errno) -> String {
    let text = errno.desc();
    let mut letters = text.chars();
    // "Is a directory" is a sentence, "I/O error" an abbreviation.
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            format!("{}{}", first.to_lowercase(), &text[first.len_utf8()..])
        }
        _ => text.to_owned(),
    }
}

/// What a file is, with its article.
pub(super) fn kind(mode: u32) -> &'static str {
    match SFlag::from_bits_truncate(mode) & SFlag::S_IFMT {
        SFlag::S_IFBLK | SFlag::S_IFCHR => "a device",
        SFlag::S_IFDIR => "a directory",
        SFlag::S_IFIFO => "a named pipe",
        SFlag::S_IFLNK => "a symbolic link",
        SFlag::S_IFSOCK => "a socket",
        _ => "a file",
    }
}

pub(super) fn is_file(mode: u32) -> bool {
    SFlag::from_bits_truncate(mode) & SFlag::S_IFMT == SFlag::S_IFREG
}

pub(super) fn is_directory(mode: u32) -> bool {
    SFlag::from_bits_truncate(mode) & SFlag::S_IFMT == SFlag::S_IFDIR
}

/// The file at `path`; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<FileContent>, ReadError> {
    read_at(AT_FDCWD, path, path)
}

/// The file called `name` in `directory`; `path` is what a message calls it.
pub(super) fn read_at(
    directory: impl AsFd,
    name: &Path,
    path: &Path,
) -> Result<Option<FileContent>, ReadError> {
    let file = open_at(directory, name, path)?;
    file.map(|mut file| content(&mut file, path, true))
        .transpose()
}

/// What the same file begins with, at most so many octets of it.
pub(super) fn beginning_at(
    directory: impl AsFd,
    name: &Path,
    path: &Path,
    most: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
    let Some(file) = open_at(directory, name, path)? else {
        return Ok(None);
    };
    let found = file.metadata().map_err(|error| io_failure(path, &error))?;
    must_be_file(found.mode(), path)?;
    let room = usize::try_from(found.len().min(most)).unwrap_or_default() + 64;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| io_failure(path, &error))?;
    Ok(Some(bytes))
}

fn open_at(directory: impl AsFd, name: &Path, path: &Path) -> Result<Option<File>, ReadError> {
    let directory = directory.as_fd();
    // Looked at first, since opening a device can already do something.
    let found = match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(found) => found,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(failure(path, errno)),
    };
    must_be_file(found.st_mode, path)?;
    match openat(directory, name, TO_READ, Mode::empty()) {
        Ok(descriptor) => Ok(Some(File::from(descriptor))),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(failure(path, errno)),
    }
}

/// Mode and owner of the directory at `path`; `None` if it is not there.
pub(super) fn directory(path: &Path) -> Result<Option<(u32, u32)>, ReadError> {
    match path.metadata() {
        Ok(found) => Ok(Some((found.mode() & 0o7777, found.uid()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_failure(path, &error)),
    }
}

/// What a kubeconfig refers to. The kubelet names `kubelet-client-current.pem`, a link to a file
/// beside it; a link that leaves its folder is refused.
pub(super) fn read_reference(path: &Path) -> Result<Option<FileContent>, ReadError> {
    let Ok(target) = path.read_link() else {
        return read(path);
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    // A name without a folder leads to no other one; only where that is a link too is it to be asked where it all ends.
    let beside = folder.join(&target);
    if target.file_name() == Some(target.as_os_str()) && !beside.is_symlink() {
        return read(&beside);
    }
    let target = match path.canonicalize() {
        Ok(target) => target,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_failure(path, &error)),
    };
    let folder = folder
        .canonicalize()
        .map_err(|error| io_failure(path, &error))?;
    if target.parent() != Some(&folder) {
        let path = path.to_owned();
        let kind = "a symbolic link that leaves its folder";
        return Err(ReadError::NotAFile { path, kind });
    }
    read(&target)
}

/// Where a link of this name leads; none where it is none.
pub(super) fn leads_to(path: &Path) -> Option<PathBuf> {
    let link = path.symlink_metadata().ok()?.is_symlink();
    link.then(|| path.canonicalize().ok())?
}

/// A file that the user names: links are followed, and it may be a pipe, as in `--config <(...)`.
pub fn read_input(path: &Path) -> Result<Option<FileContent>, ReadError> {
    match File::open(path) {
        Ok(mut file) => content(&mut file, path, false).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_failure(path, &error)),
    }
}

/// The same of a list of nodes, which may be larger.
pub fn read_list(path: &Path) -> Result<Option<FileContent>, ReadError> {
    match File::open(path) {
        Ok(mut file) => match content_within(&mut file, path, false, LARGEST_LIST) {
            Err(ReadError::TooLarge { path }) => Err(ReadError::Io {
                path,
                reason: "it is larger than 64 MiB".to_owned(),
            }),
            read => read.map(Some),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_failure(path, &error)),
    }
}

fn content(file: &mut File, path: &Path, regular: bool) -> Result<FileContent, ReadError> {
    content_within(file, path, regular, LARGEST)
}

fn content_within(
    file: &mut File,
    path: &Path,
    regular: bool,
    largest: u64,
) -> Result<FileContent, ReadError> {
    let found = file.metadata().map_err(|error| io_failure(path, &error))?;
    if regular || found.is_dir() {
        must_be_file(found.mode(), path)?;
    }
    if found.len() > largest {
        return Err(ReadError::TooLarge {
            path: path.to_owned(),
        });
    }
    // Large enough from the start: growing would leave a copy that nobody wipes. A pipe tells no
    // length.
    let room = if found.is_file() {
        found.len()
    } else {
        largest
    };
    let room = usize::try_from(room).unwrap_or_default() + 64;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(largest + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| io_failure(path, &error))?;
    if bytes.len() as u64 > largest {
        return Err(ReadError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(FileContent {
        bytes,
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
    })
}

fn must_be_file(mode: u32, path: &Path) -> Result<(), ReadError> {
    if is_file(mode) {
        return Ok(());
    }
    let path = path.to_owned();
    Err(ReadError::NotAFile {
        path,
        kind: kind(mode),
    })
}

pub(super) fn failure(path: &Path, errno: Errno) -> ReadError {
    let path = path.to_owned();
    match errno {
        Errno::EACCES | Errno::EPERM => ReadError::PermissionDenied { path },
        errno => ReadError::Io {
            path,
            reason: reason(errno),
        },
    }
}

pub(super) fn io_failure(path: &Path, error: &std::io::Error) -> ReadError {
    failure(
        path,
        Errno::from_raw(error.raw_os_error().unwrap_or_default()),
    )
}
