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
    let opened = match folder::root(out) {
        Ok(opened) => opened,
        Err(Barred::System(Errno::ENOENT)) => return Ok(Vec::new()),
        Err(barred) => return Err(folder::error("list", out, barred)),
    };
    let mut names = folder::names(opened.as_fd(), out, ".")?;
    names.retain(|name| {
        let roots = Roots::of_node(out, name);
        let holds = |root: &Root| roots.path(*root).is_dir();
        Root::TREE.iter().any(holds)
    });
    Ok(names)
}
