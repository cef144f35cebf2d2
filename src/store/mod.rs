//! The files of a run: reads them, locks their directories, and changes them all or none. In come
//! logical files and bytes; paths, descriptors and the system's errors stay here. It alone uses
//! `std::fs` and `nix`. It knows nothing of what the bytes mean.
//!
//! - `layout`: names and paths
//! - `read`: one file; `list`: which there are by their names; `walk`: whatever their names
//! - `folder`, `lock`, `writable`: the directories
//! - `commit`, `run`, `stage`, `rename`, `link`, `journal`, `backup`: changing files
//! - `earlier`: the runs that the backups tell of
//! - `left`, `involved`, `nested`, `recover`, `undecided`: ending what an interrupted run left
//! - `handed`, `output`: files that are no part of a tree
//! - `overlay`, `fresh`, `packed`: trees of many nodes
//! - `owner`: users and groups
//! - `referred`: which file a path leads to

mod backup;
mod beside;
mod commit;
mod directory;
mod earlier;
mod folder;
mod fresh;
mod handed;
mod involved;
mod journal;
mod layout;
mod left;
mod link;
mod list;
mod lock;
mod nested;
mod output;
mod overlay;
mod owner;
mod packed;
mod prune;
mod read;
mod real;
mod recover;
mod referred;
mod rename;
mod run;
mod stage;
mod undecided;
mod walk;
mod writable;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

pub use self::commit::{Change, CommitOptions, Committed};
pub use self::earlier::{BackedUp, Backup, Backups, Choice};
pub use self::folder::Stranger;
pub use self::fresh::{Fresh, has_fresh, is_new};
pub use self::handed::Handed;
pub use self::journal::{Origin, TransactionId};
pub use self::layout::{Roots, SHARED, named_beside, request_folder};
pub use self::layout::{is_called_ours, request_directory, rotated, shared_directory};
pub use self::lock::{Lock, Writer};
pub use self::output::{beginning, write_output, write_secret};
pub use self::overlay::{check_place, overlays, path_to, request_folders, request_of};
pub use self::owner::{resolve_owner, trusted_users};
pub use self::packed::{Packed, PackedContent, archive_of, archived, packed};
pub use self::read::{FileContent, LARGEST, ReadError, is_same, read_input, read_list};
pub use self::recover::Recovered;
pub use self::walk::Walked;
use crate::location::{FileId, Root};

use self::real::Real;

/// The files of one run.
#[derive(Clone, Debug)]
pub struct Store {
    roots: Roots,
    /// Of a node's tree that is not in its place, the directory that is its root there.
    overlay: Option<PathBuf>,
    /// Whether that was not there when somebody looked: nothing below it is looked for.
    lacking: bool,
}

impl Store {
    /// A store over these directories; nothing is touched.
    pub fn open(roots: Roots) -> Self {
        Self {
            roots,
            overlay: None,
            lacking: false,
        }
    }

    /// The tree of a node below `out`, as an overlay of its root file system.
    pub fn of_node(out: &Path, node: &str) -> Self {
        Self {
            roots: Roots::of_node(out, node),
            overlay: Some(layout::in_directory(out, node)),
            lacking: false,
        }
    }

    /// The same of a node that has no tree yet ([`is_new`]), as long as it is only looked at.
    pub fn of_new_node(out: &Path, node: &str) -> Self {
        Self {
            lacking: true,
            ..Self::of_node(out, node)
        }
    }

    /// The same, with requests in this directory.
    #[must_use]
    pub fn with_requests(self, directory: PathBuf) -> Self {
        Self {
            roots: self.roots.with_requests(directory),
            ..self
        }
    }

    /// The same, with the directory of the file at `path` for that of requests, and what the file is called
    /// there; `None` where there is none. Links are followed.
    pub fn beside(&self, path: &Path) -> Option<(Self, FileId)> {
        let path = path.canonicalize().ok()?;
        let mut roots = self.roots.clone();
        layout::directory_of(&path).clone_into(&mut roots.requests);
        let name = path.file_name()?.to_str()?;
        let beside = Self {
            roots,
            ..self.clone()
        };
        Some((beside, FileId::new(Root::Requests, name)))
    }

    /// Where `file` is, for messages and for kubeconfigs that refer to it.
    pub fn path(&self, file: &FileId) -> PathBuf {
        self.roots.file(file)
    }

    /// What `file` is called in a message: one that lies where no run writes by its whole path.
    pub fn shown(&self, file: &FileId) -> String {
        if layout::is_known(file) {
            return file.to_string();
        }
        self.path(file).display().to_string()
    }

    /// Where `root` is.
    pub fn root(&self, root: Root) -> &Path {
        self.roots.path(root)
    }

    /// Those of these files that a name may mean which somebody typed: the one that is told by it, and
    /// those that lie there from here, and from the directory of the kubeconfigs.
    pub fn called(&self, name: &str, files: &[FileId]) -> Vec<FileId> {
        let told = files.iter().find(|file| file.name == name);
        let ways = [
            PathBuf::from(name),
            layout::in_directory(self.root(Root::Kubeconfig), name),
        ];
        let lies = |way: &PathBuf| {
            let absolute = |path: &Path| std::path::absolute(path).ok();
            let whole = absolute(way);
            let there = |file: &&FileId| whole.is_some() && absolute(&self.path(file)) == whole;
            // By whatever links, and where one file stands in two places, the one that was typed.
            let same = |file: &&FileId| is_same(&self.path(file), way);
            let mut all = files.iter();
            all.find(there).or_else(|| files.iter().find(same))
        };
        let mut called: Vec<FileId> = told
            .into_iter()
            .chain(ways.iter().filter_map(lies))
            .cloned()
            .collect();
        called.sort();
        called.dedup();
        called
    }

    /// Whether `root` is there.
    pub fn has(&self, root: Root) -> bool {
        self.root(root).is_dir()
    }

    /// Whether nothing is at `root`; of one that may not be looked at that is not known.
    pub fn lacks(&self, root: Root) -> bool {
        use std::io::ErrorKind::{NotADirectory, NotFound};
        let found = self.root(root).metadata();
        found.is_err_and(|error| matches!(error.kind(), NotADirectory | NotFound))
    }

    /// Whether nobody can write to `root`: not for want of permission.
    pub fn is_read_only(&self, root: Root) -> bool {
        writable::is_read_only(self.root(root))
    }

    /// Whether `root` is the directory that is at `path`.
    pub fn is_root(&self, root: Root, path: &Path) -> bool {
        earlier::is_root(&self.roots, root, path)
    }

    /// Whether `path` lies somewhere in these directories, or has a name by which runs of any tree are
    /// completed or taken back.
    pub fn is_place(&self, path: &Path) -> bool {
        output::is_place(&self.roots, path)
    }

    /// `path` from the root of the file system: a component that is given it runs elsewhere.
    pub fn absolute(&self, path: &Path) -> Option<PathBuf> {
        std::path::absolute(path).ok()
    }

    /// The file, or `None` if there is none. Its parents may be links, of root's or of this user's; it
    /// itself may be none.
    pub fn read(&self, file: &FileId) -> Result<Option<FileContent>, ReadError> {
        if self.lacking {
            return Ok(None);
        }
        if layout::is_known(file) {
            return folder::read_below(self.root(file.root), &file.name);
        }
        let path = self.path(file);
        let reason = "certs knows no file of this name".to_owned();
        Err(ReadError::Io { path, reason })
    }

    /// The files of `root` that may be certificates, keys or kubeconfigs by their names.
    pub fn list(&self, root: Root) -> Result<Vec<FileId>, ReadError> {
        if self.lacking {
            return Ok(Vec::new());
        }
        list::list(&self.roots, root)
    }

    /// `root`, and the folders in it that such files are in, be they there or not.
    pub fn folders(&self, root: Root) -> Vec<FileId> {
        list::places(root)
    }

    /// Those of [`Store::list`] that lie in one of these.
    pub fn list_in(&self, folder: &FileId) -> Result<Vec<FileId>, ReadError> {
        list::list_in(&self.roots, folder)
    }

    /// The files below `root`, whatever their names.
    pub fn walk(&self, root: Root) -> Walked {
        walk::walk(&self.roots, root, &walk::Ways::of(&self.roots))
    }

    /// The same of several, one after the other.
    pub fn walk_all(&self, roots: &[Root]) -> Vec<Walked> {
        let ways = walk::Ways::of(&self.roots);
        let walk = |root: &Root| walk::walk(&self.roots, *root, &ways);
        roots.iter().map(walk).collect()
    }

    /// The mode of what runs of `certs` left or keep, where others may look into it, and the one that it is to have.
    pub fn open_to_others(&self, ours: &FileId) -> Result<Option<(u32, u32)>, ReadError> {
        walk::open_to_others(&self.roots, ours)
    }

    /// A file that [`Store::walk`] found.
    pub fn read_found(&self, file: &FileId) -> Result<Option<FileContent>, ReadError> {
        folder::read_below(self.root(file.root), &file.name)
    }

    /// Where each of these is, whatever way leads to its root: two roots may be one directory.
    pub fn real<'a>(&self, files: impl IntoIterator<Item = &'a FileId>) -> Vec<PathBuf> {
        let mut roots: BTreeMap<Root, PathBuf> = BTreeMap::new();
        let mut known = Real::default();
        let real = |file: &FileId| {
            let real = || {
                let root = self.root(file.root);
                known.of(root).unwrap_or_else(|_| root.to_owned())
            };
            let root = roots.entry(file.root).or_insert_with(real);
            layout::in_directory(root, &file.name)
        };
        files.into_iter().map(real).collect()
    }

    /// Mode and owner of a directory that files lie in; `None` if it is not there. It may be a link.
    pub fn directory(&self, directory: &FileId) -> Result<Option<(u32, u32)>, ReadError> {
        if self.lacking {
            return Ok(None);
        }
        read::directory(&self.path(directory))
    }

    /// Where the file is that the kubeconfig `of` refers to.
    pub fn reference_path(&self, of: &FileId, reference: &str) -> PathBuf {
        let path = self.roots.reference(of, reference);
        match &self.overlay {
            // An absolute one is of the node's own root.
            Some(overlay) if Path::new(reference).is_absolute() => layout::below(overlay, &path),
            _ => path,
        }
    }

    /// How the kubeconfig `of` names `file`: relative to its own folder where `file` lies below that, so
    /// that the tree can be moved as a whole. `None` where that is no text.
    pub fn reference_to(&self, of: &FileId, file: &FileId) -> Option<String> {
        let kubeconfig = self.absolute(&self.path(of))?;
        let path = self.absolute(&self.path(file))?;
        if let Ok(below) = path.strip_prefix(kubeconfig.parent()?) {
            return below.to_str().map(str::to_owned);
        }
        let overlay = self
            .overlay
            .as_ref()
            .and_then(|overlay| self.absolute(overlay));
        let on_node = overlay.and_then(|overlay| {
            let below = path.strip_prefix(overlay).ok()?;
            Some(layout::below(Path::new("/"), below))
        });
        on_node.unwrap_or(path).to_str().map(str::to_owned)
    }

    /// The file of this run that the kubeconfig `of` refers to, by whatever way.
    pub fn referred(&self, of: &FileId, reference: &str) -> Option<FileId> {
        referred::file_at(&self.roots, &self.reference_path(of, reference))
    }

    /// What the kubeconfig `of` refers to: a file, or a link to one in the same folder.
    pub fn read_reference(
        &self,
        of: &FileId,
        reference: &str,
    ) -> Result<Option<FileContent>, ReadError> {
        if self.lacking {
            return Ok(None);
        }
        read::read_reference(&self.reference_path(of, reference))
    }

    /// The file that such a path leads to, where it is a link.
    pub fn leads_to(&self, of: &FileId, reference: &str) -> Option<PathBuf> {
        read::leads_to(&self.reference_path(of, reference))
    }

    /// The reader's lock on `used`: it does not wait. See [`Lock::busy`] and [`Lock::interrupted`].
    pub fn lock_shared(&self, used: &[Root]) -> Result<Lock> {
        match &self.overlay {
            Some(overlay) if self.lacking => Ok(Lock::of_nothing(overlay.clone())),
            _ => lock::shared(&self.roots, used),
        }
    }

    /// The writer's lock on `used`, whose directories are made if they lack. `waiting` is told once
    /// of each directory that another run holds; after `timeout` that is an error.
    pub fn lock(
        &self,
        used: &[Root],
        timeout: Duration,
        waiting: &mut dyn FnMut(&Path),
    ) -> Result<Writer> {
        self.lock_and_read(used, &[], timeout, waiting)
    }

    /// As [`Store::lock`], with the reader's lock on `read`, of which nothing is written. None of them is made.
    pub fn lock_and_read(
        &self,
        used: &[Root],
        read: &[Root],
        timeout: Duration,
        waiting: &mut dyn FnMut(&Path),
    ) -> Result<Writer> {
        lock::exclusive(&self.roots, used, read, timeout, waiting)
    }

    /// What `file` was before a commit; `None` if that kept none.
    pub fn read_backup(
        &self,
        transaction: TransactionId,
        file: &FileId,
    ) -> Result<Option<FileContent>, ReadError> {
        backup::read_backup(&self.roots, transaction, file)
    }

    /// Where that is, for messages.
    pub fn backup_path(&self, transaction: TransactionId, file: &FileId) -> PathBuf {
        backup::path(&self.roots, transaction, file)
    }

    /// Where backups would be, for messages.
    pub fn backups_in(&self, root: Root) -> FileId {
        FileId::new(root, layout::BACKUP)
    }
}
