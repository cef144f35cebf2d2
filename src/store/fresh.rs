//! Trees of nodes that are not there yet. Nothing is replaced, so no journal is needed: they are made in a folder of
//! the run's own, which nobody else may enter, are synced all at once, and then each gets its name by one rename. A
//! run that ends before that leaves a folder that the next one removes. So are the archives of trees, each of which
//! may take the place of the one before.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};
use nix::errno::Errno;
use nix::unistd::syncfs;

use super::commit::{Change, may_be_written};
use super::directory::{DIRECTORY_MODE, Directory, PRIVATE_DIRECTORY_MODE};
use super::folder;
use super::journal::TransactionId;
use super::layout;
use super::lock::Writer;
use super::overlay;
use super::owner;
use super::writable;
use crate::location::{Owner, Root};

/// Trees that are being made.
pub struct Fresh<'a> {
    out: &'a Directory,
    made: Directory,
    name: String,
    nodes: Mutex<Vec<String>>,
    archives: Mutex<Vec<String>>,
}

impl Writer {
    /// Begins to make trees of new nodes in the directory above what they share, [`Roots::shared`]. What
    /// interrupted runs left of such is removed.
    ///
    /// [`Roots::shared`]: super::Roots::shared
    pub fn fresh(&self, transaction: TransactionId) -> Result<Fresh<'_>> {
        self.discard_fresh()?;
        let out = self.out()?;
        let name = layout::fresh(transaction);
        out.make_folder(&name, PRIVATE_DIRECTORY_MODE)?;
        Ok(Fresh {
            out,
            made: out.folder(&name)?,
            name,
            nodes: Mutex::default(),
            archives: Mutex::default(),
        })
    }

    /// Removes what interrupted runs left of trees of new nodes.
    pub fn discard_fresh(&self) -> Result<()> {
        let out = self.out()?;
        for name in out.names(".")? {
            if layout::is_fresh(&name) {
                discard(out, &name)?;
            }
        }
        Ok(())
    }

    fn out(&self) -> Result<&Directory> {
        let Some(place) = self.place(Root::Kubeconfig) else {
            // It may be on a medium that nobody writes.
            writable::check(Root::Kubeconfig, self.roots.path(Root::Kubeconfig))?;
            bail!("the directory of the nodes' trees is not locked by this run");
        };
        Ok(&self.places[place].directory)
    }
}

/// Whether a run that makes trees of new nodes below `out` is at work, or was interrupted.
pub fn has_fresh(out: &Path) -> Result<bool> {
    let names = overlay::names(out)?;
    Ok(names.iter().any(|name| layout::is_fresh(name)))
}

/// Whether nothing has this node's name below `out`.
pub fn is_new(out: &Path, node: &str) -> bool {
    let path = layout::in_directory(out, node);
    path.symlink_metadata()
        .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

impl Fresh<'_> {
    /// Makes the tree of one node. It is not there for anybody until all are settled.
    pub fn make(&self, node: &str, changes: &[Change]) -> Result<()> {
        let mut folders = BTreeMap::new();
        for change in changes {
            let file = &change.file;
            if !may_be_written(change) || change.replaces.is_some() {
                bail!("{file} is not a file that certs may write so");
            }
            if let Some(barred) = owner::barred(change.owner)? {
                bail!(
                    "{file} is to have an owner, and {}: run as root",
                    barred.why
                );
            }
            let name = layout::within(node, &layout::in_overlay(file));
            let folder = self.folder(layout::folder(&name), &mut folders)?;
            let base = layout::base(&name);
            if layout::is_link(base) {
                folder.create_link(base, change.staged())?;
                continue;
            }
            let mut file = folder.create(base)?;
            folder.fill(&mut file, base, change.staged())?;
            folder.dress(&file, base, change.owner, change.mode)?;
        }
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.push(node.to_owned());
        Ok(())
    }

    /// Makes an archive, which only this user may read.
    pub fn put(&self, name: String, bytes: &[u8]) -> Result<()> {
        let mut file = self.made.create(&name)?;
        self.made.fill(&mut file, &name, bytes)?;
        // The umask took from it.
        let mode = 0o600;
        self.made.dress(&file, &name, Owner::default(), mode)?;
        let mut archives = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        archives.push(name);
        Ok(())
    }

    /// A folder of a node's tree, which is made with those above it where `made` has it not.
    fn folder<'b>(
        &self,
        name: &str,
        made: &'b mut BTreeMap<String, Directory>,
    ) -> Result<&'b Directory> {
        if !made.contains_key(name) {
            let base = layout::base(name);
            let above = match layout::folder(name) {
                "." => &self.made,
                above => self.folder(above, made)?,
            };
            above.make_folder(base, DIRECTORY_MODE)?;
            // Whatever the umask: it is one of the node's own directories, and has its mode there.
            above.open_to_all(base)?;
            let folder = above.folder(base)?;
            made.insert(name.to_owned(), folder);
        }
        Ok(&made[name])
    }

    /// All that was made lasts, and has its name.
    pub fn settle(&self) -> Result<()> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        self.sync()?;
        for node in nodes.drain(..) {
            let from = layout::within(&self.name, &node);
            self.out.move_folder(&from, &node)?;
        }
        let mut archives = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        for name in archives.drain(..) {
            self.out
                .move_over(&layout::within(&self.name, &name), &name)?;
        }
        self.sync()
    }

    fn sync(&self) -> Result<()> {
        syncfs(&self.out.handle).map_err(|errno: Errno| self.out.failure("sync", ".", errno))
    }
}

impl Drop for Fresh<'_> {
    /// What is left there is of nodes that were not settled.
    fn drop(&mut self) {
        let _ = discard(self.out, &self.name);
    }
}

fn discard(out: &Directory, name: &str) -> Result<()> {
    let Some(found) = out.status(name)? else {
        return Ok(());
    };
    let path = out.path(name);
    if let Err(stranger) = folder::must_be_private(found.mode, found.user, &path) {
        bail!("{stranger}");
    }
    remove(out, name)
}

fn remove(out: &Directory, folder: &str) -> Result<()> {
    for base in out.names(folder)? {
        let name = layout::within(folder, &base);
        match out.status(&name)? {
            Some(found) if found.is_directory() => remove(out, &name)?,
            _ => out.remove(&name)?,
        }
    }
    out.remove_folder(folder)
}
