//! The trees of many nodes below one directory.

use std::os::fd::AsFd;
use std::path::Path;

use anyhow::Result;
use nix::errno::Errno;

use super::folder::{self, Barred};
use super::layout::Roots;
use crate::location::Root;

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

/// What is in `out`; nothing, if it is not there.
pub(super) fn names(out: &Path) -> Result<Vec<String>> {
    match folder::root(out) {
        Ok(opened) => folder::names(opened.as_fd(), out, "."),
        Err(Barred::System(Errno::ENOENT)) => Ok(Vec::new()),
        Err(barred) => Err(folder::error("list", out, barred)),
    }
}
