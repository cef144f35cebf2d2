//! The trees of many nodes below one directory.

use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Result, bail};
use nix::errno::Errno;

use super::folder::{self, Barred};
use super::layout::{self, Roots};
use super::read::kind;
use crate::location::{FileId, Root};

/// The names of the directories below `out` that hold a node's tree, sorted; none if it is not there.
pub fn overlays(out: &Path) -> Result<Vec<String>> {
    let mut names = names(out)?;
    names.retain(|name| {
        let roots = Roots::of_node(out, name);
        let holds = |root: &Root| roots.path(*root).is_dir();
        Root::TREE.iter().any(holds)
    });
    Ok(names)
}

/// An error with the way out if what has this node's name below `out` can be no tree. One that is not there can be
/// made; whether a link may lead to it is asked by who goes there.
pub fn check_place(out: &Path, node: &str) -> Result<()> {
    let path = layout::in_directory(out, node);
    let kind = match path.metadata() {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(found) => kind(found.mode()),
        Err(error) if error.kind() == ErrorKind::NotFound => match path.symlink_metadata() {
            Ok(_) => "a symbolic link to nothing",
            Err(_) => return Ok(()),
        },
        // Told of by who opens it.
        Err(_) => return Ok(()),
    };
    bail!(
        "{} is {kind}, not the directory of a tree: move it away",
        path.display()
    )
}

/// What the tree of this node lies in, from where the trees of all are, as files of that.
pub fn path_to(node: &str) -> Vec<FileId> {
    let below = [layout::KUBERNETES, layout::KUBELET].map(|place| layout::within(node, place));
    let above = below.iter().flat_map(|path| Path::new(path).ancestors());
    let named = above
        .filter_map(Path::to_str)
        .filter(|path| !path.is_empty());
    named
        .map(|path| FileId::new(Root::Kubeconfig, path))
        .collect()
}

/// What is in `out`; nothing, if it is not there.
pub(super) fn names(out: &Path) -> Result<Vec<String>> {
    match folder::root(out) {
        Ok(opened) => folder::names(opened.as_fd(), out, "."),
        Err(Barred::System(Errno::ENOENT)) => Ok(Vec::new()),
        Err(barred) => Err(folder::error("list", out, barred)),
    }
}
