//! Whether a root can be written, asked before any work is done; and the root itself, made.

use std::fs::Metadata;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{AccessFlags, faccessat, fsync};

use super::Store;
use super::directory::{DIRECTORY_MODE, PRIVATE_DIRECTORY_MODE};
use super::folder::{self, Barred};
use super::layout;
use super::read::{kind, reason};
use crate::location::{FileId, Root};

impl Store {
    /// Makes `root` if it lacks, for its owner alone.
    pub fn make_private(&self, root: Root) -> Result<()> {
        make_with(self.root(root), PRIVATE_DIRECTORY_MODE)
    }

    /// Makes the directories that lack of these files, of a node's tree that is not in its place, for all to look into.
    pub fn make_open<'a>(&self, files: impl IntoIterator<Item = &'a FileId>) -> Result<()> {
        let Some(above) = self.overlay.as_deref().and_then(Path::parent) else {
            return Ok(());
        };
        for directory in files.into_iter().flat_map(FileId::directories) {
            make_open(above, &self.path(&directory))?;
        }
        Ok(())
    }

    /// An error with the way out if one of `roots` cannot be written. Nothing is touched.
    pub fn check_writable(&self, roots: &[Root]) -> Result<()> {
        roots
            .iter()
            .try_for_each(|root| check(*root, self.roots.path(*root)))
    }
}

/// One error, with the way out, if the deepest part of `path` that is there cannot be written to by
/// this user, or is no directory. Nothing is touched.
pub(super) fn check(root: Root, path: &Path) -> Result<()> {
    let (deepest, found) = deepest_existing(root, path)?;
    if !found.is_dir() {
        return Err(not_a_directory(root, &deepest, &found));
    }
    access(root, &deepest)?;
    check_links(root, path)?;
    for folder in layout::folders(root) {
        let folder = path.join(folder);
        // Whether it can be written is asked by who writes there: it may belong to another user, and
        // not be needed. If it is not there it will be made.
        match folder.metadata() {
            Ok(found) if !found.is_dir() => return Err(not_a_directory(root, &folder, &found)),
            Err(error) if error.kind() == ErrorKind::NotFound && folder.is_symlink() => {
                return Err(link_to_nothing(root, &folder));
            }
            _ => {}
        }
    }
    Ok(())
}

/// An error if another user chose where the root or one of its folders leads.
pub(super) fn check_links(root: Root, path: &Path) -> Result<()> {
    for folder in [&"."].into_iter().chain(layout::folders(root)) {
        if let Err(Barred::Stranger(stranger)) = folder::check(path, folder) {
            bail!("{stranger}, or choose another {}", another(root));
        }
    }
    Ok(())
}

fn deepest_existing(root: Root, path: &Path) -> Result<(PathBuf, Metadata)> {
    let mut candidate = path;
    loop {
        let shown = if candidate == Path::new("") {
            Path::new(".")
        } else {
            candidate
        };
        match shown.metadata() {
            Ok(found) => return Ok((shown.to_owned(), found)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if shown.is_symlink() {
                    return Err(link_to_nothing(root, shown));
                }
            }
            // Told of at the parent, which is the part that bars the way.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotADirectory | ErrorKind::PermissionDenied
                ) => {}
            Err(error) => bail!("look at {}: {}", shown.display(), reason(errno(&error))),
        }
        // Every path begins with `/` or in the working directory, which both can be looked at; a
        // working directory that was removed cannot.
        candidate = candidate.parent().with_context(|| {
            format!(
                "{} is in no directory: choose another {}",
                path.display(),
                another(root)
            )
        })?;
    }
}

fn access(root: Root, path: &Path) -> Result<()> {
    let wanted = AccessFlags::W_OK | AccessFlags::X_OK;
    let Err(errno) = faccessat(AT_FDCWD, path, wanted, AtFlags::AT_EACCESS) else {
        return Ok(());
    };
    let path = path.display();
    // Both of the usual roots move with one flag.
    let other = match root {
        Root::Kubeconfig | Root::Pki => "place with --kubernetes-dir",
        Root::Kubelet => "place with --kubelet-dir",
        Root::Requests => another(root),
    };
    Err(match errno {
        Errno::EACCES => {
            anyhow!("no permission to write to {path}: run as root, or choose another {other}")
        }
        Errno::EROFS => anyhow!("{path} is on a read-only file system: choose another {other}"),
        errno => anyhow!(
            "cannot write to {path}: {}: choose another {other}",
            reason(errno)
        ),
    })
}

/// What to choose another of. To `csr` the directory of requests is a flag, to `sign` and `import` it is none.
fn another(root: Root) -> &'static str {
    match root {
        Root::Requests => "directory for the requests",
        root => root.flag(),
    }
}

/// Whether nobody can write there through this mount, or make it there.
pub(super) fn is_read_only(path: &Path) -> bool {
    let asked = |path: &Path| {
        let path = if path == Path::new("") {
            Path::new(".")
        } else {
            path
        };
        faccessat(AT_FDCWD, path, AccessFlags::W_OK, AtFlags::AT_EACCESS)
    };
    let mut answers = path.ancestors().map(asked);
    answers.find(|answer| *answer != Err(Errno::ENOENT)) == Some(Err(Errno::EROFS))
}

fn not_a_directory(root: Root, path: &Path, found: &Metadata) -> anyhow::Error {
    use std::os::unix::fs::MetadataExt;
    let kind = kind(found.mode());
    let path = path.display();
    anyhow!(
        "{path} is {kind}, not a directory: move it away, or choose another {}",
        another(root)
    )
}

fn link_to_nothing(root: Root, path: &Path) -> anyhow::Error {
    anyhow!(
        "{} is a symbolic link to nothing: make its target, or choose another {}",
        path.display(),
        root.flag()
    )
}

/// Makes `path` and what lacks above it, and makes each last. Each is made in the directory that was
/// looked at.
pub(super) fn make(path: &Path) -> Result<()> {
    make_with(path, DIRECTORY_MODE)
}

/// The same below `above`, which stays as it is, and whatever the umask: they are directories of a node's own, and have
/// their modes there.
pub(super) fn make_open(above: &Path, path: &Path) -> Result<()> {
    if path == above || folder::root(path).is_ok() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_open(above, parent)?;
    }
    make(path)?;
    let failed = |barred| folder::error("open directory", path, barred);
    let made = folder::open_root(path).map_err(failed)?;
    fchmod(&made, DIRECTORY_MODE).map_err(|errno| failed(Barred::System(errno)))
}

/// Makes `path` and what lacks above it, `path` itself with this mode.
pub(super) fn make_with(path: &Path, mode: Mode) -> Result<()> {
    let failed = |barred| folder::error("make directory", path, barred);
    match folder::root(path) {
        Ok(_) => return Ok(()),
        Err(Barred::System(Errno::ENOENT)) => {}
        Err(barred) => return Err(failed(barred)),
    }
    // `/` and the working directory are there, unless that was removed.
    let Some(parent) = path.parent() else {
        return Err(failed(Barred::System(Errno::ENOENT)));
    };
    make(parent)?;
    // What ends in `..` has no name: it is there as soon as its parent is.
    let Some(name) = path.file_name() else {
        return Ok(());
    };
    let above = folder::open_root(parent).map_err(failed)?;
    match mkdirat(&above, name, mode) {
        Ok(()) | Err(Errno::EEXIST) => {
            fsync(above).map_err(|errno| anyhow!("sync {}: {}", parent.display(), reason(errno)))
        }
        Err(errno) => Err(failed(Barred::System(errno))),
    }
}

pub(super) fn errno(error: &Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}
