//! Where paths lead, whatever links are on the way.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// What is known of it. The directories above the files of a tree are the same for all of them, and each is looked at
/// once.
#[derive(Default)]
pub(super) struct Real(BTreeMap<PathBuf, PathBuf>);

impl Real {
    /// As [`Path::canonicalize`].
    pub(super) fn of(&mut self, path: &Path) -> io::Result<PathBuf> {
        if let Some(real) = self.0.get(path) {
            return Ok(real.clone());
        }
        let is_folder = path.symlink_metadata()?.is_dir();
        let real = match (path.parent(), path.file_name()) {
            // What is no link lies where its directory does.
            (Some(parent), Some(name)) if is_folder && parent != Path::new("") => {
                self.of(parent)?.join(name)
            }
            _ => path.canonicalize()?,
        };
        self.0.insert(path.to_owned(), real.clone());
        Ok(real)
    }
}
