//! Which files lie below a root, whatever they are called: for who looks at all that is there.

use std::fs::DirEntry;
use std::io::{self, Error, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::commit::LARGEST_MODE;
use super::folder;
use super::layout::{OURS, Roots, base, is_former, parse_staged, within};
use super::list::places;
use super::read::{ReadError, io_failure, is_directory, is_file, kind};
use super::real::Real;
use crate::location::{FileId, Root};
use crate::pem;

/// A tree has a folder in a folder; who copied one into another has some more.
const DEEPEST: usize = 8;
/// No tree has a hundredth of these, which take less than a second.
const MOST: usize = 20_000;
/// The folder of a kubelet's `--root-dir` that the volumes of its pods are in.
const PODS: &str = "pods";

/// What lies below a root.
#[derive(Debug, Default)]
pub struct Walked {
    /// The regular files, with the number of octets in each.
    pub files: Vec<(FileId, u64)>,
    /// What is neither a regular file nor a folder, and what that is, where nothing else is told of it: what a link
    /// leads to within these directories is looked at.
    pub odd: Vec<(FileId, Option<String>)>,
    /// The folders that this user may not look into.
    pub closed: Vec<FileId>,
    /// What the system did not let be looked at, beside these.
    pub failed: Vec<(FileId, ReadError)>,
    /// What begins as the names of a run's own do, which is not looked at.
    pub ours: Vec<FileId>,
    /// What was left out, and why.
    pub left: Vec<(FileId, String)>,
}

/// No link is followed but in the place of a folder of ours, and another root is passed over: that is
/// walked by itself. Where a kubelet's directory holds the volumes of pods too, only its own folders are looked into.
pub(super) fn walk(roots: &Roots, root: Root, ways: &Ways) -> Walked {
    let mut walk = Walk::new(roots, root, ways);
    let mut open = walk.own.clone();
    let mut entries = 0;
    while let Some(folder) = open.pop() {
        let path = roots.file(&folder);
        // Who may list it and no more is told the names alone.
        let listed = match path.join(".").metadata().and_then(|_| path.read_dir()) {
            Ok(listed) => listed,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotADirectory | ErrorKind::NotFound) =>
            {
                continue;
            }
            Err(error) => {
                walk.shut(folder, &path, &error);
                continue;
            }
        };
        for entry in listed {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    walk.shut(folder.clone(), &path, &error);
                    break;
                }
            };
            entries += 1;
            if entries > MOST {
                let why = format!("holds more than {MOST} files: those beyond were not looked at");
                walk.walked.left.push((FileId::new(root, "."), why));
                open.clear();
                break;
            }
            open.extend(walk.entry(&folder, &entry));
        }
    }
    walk.walked.files.sort();
    walk.walked.odd.sort();
    walk.walked
}

/// Where the roots and their folders are, whatever way leads there.
pub(super) struct Ways(Vec<(FileId, PathBuf, io::Result<PathBuf>)>);

impl Ways {
    /// As it is now.
    pub(super) fn of(roots: &Roots) -> Self {
        let mut real = Real::default();
        let folders = Root::ALL.into_iter().flat_map(places);
        Self(
            folders
                .map(|folder| {
                    let path = roots.file(&folder);
                    let real = real.of(&path);
                    (folder, path, real)
                })
                .collect(),
        )
    }
}

struct Walk<'a> {
    roots: &'a Roots,
    root: Root,
    /// The folders that a tree has.
    own: Vec<FileId>,
    /// Where the roots and their folders are, whatever way leads there.
    real: Vec<PathBuf>,
    walked: Walked,
    /// Whether it is where a kubelet keeps all that it has (its `--root-dir`), and not its certificates alone.
    has_pods: bool,
}

impl<'a> Walk<'a> {
    fn new(roots: &'a Roots, root: Root, ways: &Ways) -> Self {
        let mut walk = Self {
            roots,
            root,
            own: places(root),
            real: Vec::new(),
            walked: Walked::default(),
            has_pods: root == Root::Kubelet && roots.path(root).join(PODS).is_dir(),
        };
        for (folder, path, real) in &ways.0 {
            match real {
                Ok(real) => walk.real.push(real.clone()),
                Err(error) => walk.shut(folder.clone(), path, error),
            }
        }
        walk
    }

    /// A folder that cannot be looked into.
    fn shut(&mut self, folder: FileId, path: &Path, error: &Error) {
        if error.kind() != ErrorKind::PermissionDenied {
            self.missed(folder, path, error);
        } else if !self.walked.closed.contains(&folder) {
            self.walked.closed.push(folder);
        }
    }

    /// What may have gone meanwhile, or was never there, is no matter.
    fn missed(&mut self, file: FileId, path: &Path, error: &Error) {
        if !matches!(error.kind(), ErrorKind::NotADirectory | ErrorKind::NotFound) {
            self.walked.failed.push((file, io_failure(path, error)));
        }
    }

    /// Takes note of what is there; a folder that is to be looked into comes back.
    fn entry(&mut self, folder: &FileId, entry: &DirEntry) -> Option<FileId> {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let why = format!("holds {}, a name that is no UTF-8", name.display());
            self.walked.left.push((folder.clone(), why));
            return None;
        };
        let file = FileId::new(self.root, within(&folder.name, name));
        if name.starts_with(OURS) || is_former(name) {
            self.walked.ours.push(file);
            return None;
        }
        if self.own.contains(&file) {
            return None;
        }
        let found = match entry.metadata() {
            Ok(found) => found,
            Err(error) => {
                self.missed(file, &entry.path(), &error);
                return None;
            }
        };
        if found.is_file() {
            self.walked.files.push((file, found.len()));
            return None;
        }
        if !found.is_dir() {
            let what = if found.is_symlink() {
                self.elsewhere(&file)
            } else {
                Some(kind(found.mode()).to_owned())
            };
            self.walked.odd.push((file, what));
            return None;
        }
        if self.has_pods && folder.name == "." {
            return None;
        }
        let path = self.roots.file(&file);
        match path.canonicalize() {
            Ok(real) if self.real.contains(&real) => return None,
            Ok(_) => {}
            Err(error) => {
                self.missed(file, &path, &error);
                return None;
            }
        }
        if file.name.matches('/').count() < DEEPEST {
            return Some(file);
        }
        let why = "lies too deep, and was not looked into".to_owned();
        self.walked.left.push((file, why));
        None
    }

    /// What a link leads to, unless that is looked at by itself.
    fn elsewhere(&self, link: &FileId) -> Option<String> {
        let path = self.roots.file(link);
        match path.canonicalize() {
            Ok(target) => {
                let inside = self.real.iter().any(|root| target.starts_with(root));
                (!inside).then(|| format!("a symbolic link to {}", target.display()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Some("a symbolic link to what is not there".to_owned())
            }
            Err(_) => Some("a symbolic link that cannot be followed".to_owned()),
        }
    }
}

/// The mode of a backup, or of what only has such a name, that others may look into, and the one that it
/// is to have. What a run has staged has the mode that it will have in its place: what it holds tells
/// which that may be.
pub(super) fn open_to_others(
    roots: &Roots,
    file: &FileId,
) -> Result<Option<(u32, u32)>, ReadError> {
    let path = roots.file(file);
    let mode = match path.symlink_metadata() {
        Ok(found) => found.mode(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_failure(&path, &error)),
    };
    let to = match mode {
        mode if is_directory(mode) => 0o700,
        mode if is_file(mode) => 0o600,
        _ => return Ok(None),
    };
    let base = base(&file.name);
    let public = is_file(mode)
        && parse_staged(base).is_some()
        && mode & 0o7777 & !LARGEST_MODE == 0
        && !holds_key(roots, file);
    Ok((mode & 0o077 != 0 && !public).then_some((mode & 0o7777, to)))
}

fn holds_key(roots: &Roots, file: &FileId) -> bool {
    let read = folder::read_below(roots.path(file.root), &file.name);
    let embedded = b"client-key-data";
    read.ok().flatten().is_some_and(|content| {
        let mut parts = content.bytes.windows(embedded.len());
        pem::holds_private_key(&content.bytes) || parts.any(|part| part == embedded)
    })
}
