//! The trees of many nodes below one directory.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Result, bail};

use super::layout::Roots;
use super::read::reason;
use super::writable::errno;
use crate::location::Root;

/// The names of the directories below `out` that hold a node's tree, sorted; none if it is not there.
pub fn overlays(out: &Path) -> Result<Vec<String>> {
    let failed =
        |error: &std::io::Error| format!("list {}: {}", out.display(), reason(errno(error)));
    let listed = match fs::read_dir(out) {
        Ok(listed) => listed,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => bail!(failed(&error)),
    };
    let mut names = Vec::new();
    for entry in listed {
        let entry = entry.map_err(|error| anyhow::anyhow!(failed(&error)))?;
        // What is not UTF-8 is no node's name.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let roots = Roots::of_node(out, &name);
        let holds = |root: &Root| roots.path(*root).is_dir();
        if Root::TREE.iter().any(holds) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
