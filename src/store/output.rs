//! A file that is no part of a tree: what a run tells, for another program to read. It sees the former
//! one or the new one, and never half of it.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result};

use super::journal::TransactionId;
use super::layout::beside;

/// Everyone may read it: it holds no key.
const MODE: u32 = 0o644;

/// Writes `bytes` to `path`, which is replaced whole. `unique` names the file that it is written to
/// before.
pub fn write_output(path: &Path, bytes: &[u8], unique: TransactionId) -> Result<()> {
    let (directory, staged) = beside(path, unique);
    let written = fill(&staged, bytes).and_then(|()| std::fs::rename(&staged, path));
    if written.is_err() {
        // What was begun is of no use; that it stays is told by the error anyway.
        let _ = std::fs::remove_file(&staged);
    }
    written
        .and_then(|()| File::open(directory)?.sync_all())
        .with_context(|| format!("write {}", path.display()))
}

fn fill(staged: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(staged)?;
    // The umask took from it.
    file.set_permissions(std::fs::Permissions::from_mode(MODE))?;
    file.write_all(bytes)?;
    file.sync_all()
}
