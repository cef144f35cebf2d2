//! The trees of many nodes below one directory.

use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
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

/// Those whose requests lie below `directory`, sorted: what else lies there are files. A link is an error: who put it
/// there chose what is read, and written.
pub fn request_folders(directory: &Path) -> Result<Vec<String>> {
    let mut folders = Vec::new();
    for name in names(directory)? {
        let path = layout::in_directory(directory, &name);
        let Ok(found) = path.symlink_metadata() else {
            continue;
        };
        if found.is_symlink() {
            bail!(
                "{} is a symbolic link, and not the folder of a node's requests: move it away",
                path.display()
            );
        }
        if found.is_dir() && !name.starts_with(layout::OURS) {
            folders.push(name);
        }
    }
    folders.sort();
    Ok(folders)
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

/// The node whose requests lie in this directory itself, which is called by it; none where it holds no request.
pub fn request_of(directory: &Path) -> Result<Option<String>> {
    let asks = |name: &String| name.strip_suffix(".csr").is_some() || name == layout::REQUESTS;
    if !names(directory)?.iter().any(asks) {
        return Ok(None);
    }
    let found = directory.canonicalize();
    let path = found.with_context(|| format!("look at {}", directory.display()))?;
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(Some(name.unwrap_or_default().to_owned()))
}
