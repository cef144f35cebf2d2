//! Which file of a tree a path leads to.

use std::path::Path;

use super::layout::{Roots, directory_of, is_known, is_link, within};
use super::list::places;
use super::read::is_same;
use crate::location::{FileId, Root};

/// The file of these directories that is at `path`. Its folder is known by its number, since links, `..` and
/// mounts lead there too; the file by its name there, which is what a run replaces: another name of
/// the same octets keeps the former ones.
pub(super) fn file_at(roots: &Roots, path: &Path) -> Option<FileId> {
    // A link leads to what takes the place of its file. The kubelet's is itself what is replaced.
    let followed = !is_link(path.file_name()?.to_str()?) && path.is_symlink();
    let target = followed.then(|| path.canonicalize().ok()).flatten();
    let path = target.as_deref().unwrap_or(path);
    let (folder, base) = (directory_of(path), path.file_name()?.to_str()?);
    // The tree's own first: requests may lie in one of its directories.
    let roots_of_trees = Root::TREE.into_iter().rev();
    let mut folders = roots_of_trees.chain([Root::Requests]).flat_map(places);
    folders.find_map(|place| {
        let file = FileId::new(place.root, within(&place.name, base));
        (is_known(&file) && is_same(&roots.file(&place), &folder)).then_some(file)
    })
}
