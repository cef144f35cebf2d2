//! Which files lie below a root, whatever they are called: for who looks at all that is there.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::layout::{OURS, Roots, parse_staged, within};
use super::list::places;
use super::read::{is_directory, is_file};
use crate::location::{FileId, Root};

/// A tree has a folder in a folder; who copied one into another has some more.
const DEEPEST: usize = 8;
/// No tree has a tenth of these.
const MOST: usize = 2000;

/// What lies below a root.
#[derive(Debug, Default)]
pub struct Walked {
    /// The regular files.
    pub files: Vec<FileId>,
    /// The folders that this user may not look into.
    pub closed: Vec<FileId>,
    /// What begins as the names of a run's own do and is open to others, with its mode and the one that it
    /// is to have.
    pub open: Vec<(FileId, u32, u32)>,
    /// What was left out, and why.
    pub left: Vec<(FileId, String)>,
}

/// No link is followed but in the place of a folder of ours, and another root is passed over: that is
/// walked by itself. A kubelet's directory may hold the volumes of pods, so only its own folders are
/// looked into.
pub(super) fn walk(roots: &Roots, root: Root) -> Walked {
    let real = |root: Root| roots.path(root).canonicalize().ok();
    let others: Vec<PathBuf> = Root::ALL.into_iter().filter_map(real).collect();
    let own = places(root);
    let mut walked = Walked::default();
    let mut entries = 0;
    let mut open = own.clone();
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
            Err(_) => {
                walked.closed.push(folder);
                continue;
            }
        };
        for entry in listed.flatten() {
            entries += 1;
            if entries > MOST {
                let why = format!("holds more than {MOST} files: those beyond were not looked at");
                walked.left.push((FileId::new(root, "."), why));
                walked.files.sort();
                return walked;
            }
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let why = format!("holds {}, a name that is no UTF-8", name.display());
                walked.left.push((folder.clone(), why));
                continue;
            };
            let file = FileId::new(root, within(&folder.name, name));
            let kind = entry.file_type();
            if name.starts_with(OURS) {
                let found = entry.metadata().ok();
                let open = found.and_then(|found| open_to_others(name, found.mode()));
                walked.open.extend(open.map(|(mode, to)| (file, mode, to)));
                continue;
            }
            if own.contains(&file) {
                continue;
            }
            match kind {
                Ok(kind) if kind.is_file() => walked.files.push(file),
                Ok(kind) if kind.is_dir() && root != Root::Kubelet => {
                    let is_root = |path: PathBuf| others.contains(&path);
                    if roots.file(&file).canonicalize().is_ok_and(is_root) {
                        continue;
                    }
                    if file.name.matches('/').count() < DEEPEST {
                        open.push(file);
                    } else {
                        let why = "lies too deep, and was not looked into".to_owned();
                        walked.left.push((file, why));
                    }
                }
                _ => {}
            }
        }
    }
    walked.files.sort();
    walked
}

/// The mode of a backup, or of what only has such a name, that others may look into, and the one that it
/// is to have. What a run has staged has the mode that it will have in its place.
fn open_to_others(name: &str, mode: u32) -> Option<(u32, u32)> {
    let to = match mode {
        mode if is_directory(mode) => 0o700,
        mode if is_file(mode) && parse_staged(name).is_none() => 0o600,
        _ => return None,
    };
    (mode & 0o077 != 0).then_some((mode & 0o7777, to))
}
