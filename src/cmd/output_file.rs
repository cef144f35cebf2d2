//! `--output-file`: it takes the place of nothing but what the verb can tell for its own.

use std::path::PathBuf;

use super::Stop;
use crate::store::{ReadError, Store, beginning, is_same};

/// Why a file stays that is not what the verb writes.
pub(crate) const FOREIGN: &str =
    "is not what this command wrote before: move it away, or name another file";
/// The largest file that is looked into, to be replaced: a report on thousands of nodes is below it.
const LARGEST: u64 = 256 << 20;

/// An error if `file` lies in a directory of the tree, is one of `inputs`, or is not empty and not what may
/// be replaced: that is what `own` tells of its whole content, and `kept` the reason.
pub(crate) fn settled(
    file: Option<&PathBuf>,
    store: &Store,
    inputs: &[Option<&PathBuf>],
    kept: &str,
    own: impl Fn(&[u8]) -> bool,
) -> Result<(), Stop> {
    let Some(file) = file else {
        return Ok(());
    };
    let refused = |why: &str| {
        let path = file.display();
        Stop::usage(format!("--output-file: {path} {why}"))
    };
    if store.is_place(file) {
        return Err(refused(
            "is a place of the cluster's own files: name another file",
        ));
    }
    if inputs.iter().flatten().any(|input| is_same(file, input)) {
        return Err(refused("is what this run reads: name another file"));
    }
    let replaced =
        |former: &[u8]| former.is_empty() || (former.len() as u64 <= LARGEST && own(former));
    match beginning(file, LARGEST + 1) {
        Ok(Some(former)) if !replaced(&former) => Err(refused(kept)),
        // That it cannot be written is told by who writes it.
        Ok(_) | Err(ReadError::NotAFile { .. } | ReadError::Stranger(_)) => Ok(()),
        Err(error) => Err(Stop::Failed(error.into())),
    }
}
