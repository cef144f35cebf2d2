//! Which files lie in a root: for who looks at all that is there, and not at what he knows of.

use std::io::ErrorKind;
use std::path::Path;

use super::layout::{Roots, folders, is_of_a_tree, within};
use super::read::{ReadError, io_failure};
use crate::location::{FileId, Root};

/// The files of `root` that may be certificates, keys or kubeconfigs by their names; none if it is
/// not there.
pub(super) fn list(roots: &Roots, root: Root) -> Result<Vec<FileId>, ReadError> {
    let mut files = Vec::new();
    for folder in places(root) {
        files.extend(list_in(roots, &folder)?);
    }
    files.sort();
    Ok(files)
}

/// `root`, and the folders in it that such files are in.
pub(super) fn places(root: Root) -> Vec<FileId> {
    let folders = [&"."].into_iter().chain(folders(root));
    folders.map(|folder| FileId::new(root, *folder)).collect()
}

/// Those of one folder.
pub(super) fn list_in(roots: &Roots, folder: &FileId) -> Result<Vec<FileId>, ReadError> {
    let names = names(&roots.file(folder))?.into_iter();
    let listed = names.map(|base| FileId::new(folder.root, within(&folder.name, &base)));
    Ok(listed.filter(is_of_a_tree).collect())
}

fn names(directory: &Path) -> Result<Vec<String>, ReadError> {
    let failed = |error: &std::io::Error| io_failure(directory, error);
    let entries = match directory.read_dir() {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotADirectory | ErrorKind::NotFound) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed(&error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        // What is not UTF-8 is no name of ours.
        names.extend(
            entry
                .map_err(|error| failed(&error))?
                .file_name()
                .to_str()
                .map(str::to_owned),
        );
    }
    Ok(names)
}
