//! `--output-file`: it takes the place of nothing but what this verb wrote before.

use std::path::PathBuf;

use super::Stop;
use crate::store::{ReadError, Store, beginning, is_same};

/// An error if `file` lies in a directory of the tree, is one of `inputs`, or holds what does not begin
/// as this verb writes, in this form: that is what `begins` tells.
pub(crate) fn settled(
    file: Option<&PathBuf>,
    store: &Store,
    inputs: &[Option<&PathBuf>],
    begins: impl Fn(&[u8]) -> bool,
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
    match beginning(file) {
        Ok(Some(former)) if !former.is_empty() && !begins(&former) => Err(refused(
            "is not what this command wrote before: move it away, or name another file",
        )),
        // That it cannot be written is told by who writes it.
        Ok(_) | Err(ReadError::NotAFile { .. } | ReadError::Stranger(_)) => Ok(()),
        Err(error) => Err(Stop::Failed(error.into())),
    }
}
