//! `--output-file`: it takes the place of nothing that cannot be made again.

use std::path::PathBuf;

use super::Stop;
use crate::archive::is_tar;
use crate::pem::holds_private_key;
use crate::show::{Content, parts};
use crate::store::{Handed, ReadError, Store, is_same};

/// An error if `file` is a place of the tree, one of `inputs`, or holds what `certs show` knows.
pub(crate) fn settled(
    file: Option<&PathBuf>,
    store: &Store,
    inputs: &[Option<&PathBuf>],
) -> Result<(), Stop> {
    let Some(file) = file else {
        return Ok(());
    };
    let refused = |why: &str| {
        let path = file.display();
        Stop::usage(format!("--output-file: {path} {why}: name another file"))
    };
    if store.is_place(file) {
        return Err(refused("is a place of the cluster's own files"));
    }
    if inputs.iter().flatten().any(|input| is_same(file, input)) {
        return Err(refused("is what this run reads"));
    }
    match Handed::open(file) {
        Ok(Some(former)) if is_kept(former.bytes()) => {
            Err(refused("holds a certificate, key, request or kubeconfig"))
        }
        Err(error @ ReadError::PermissionDenied { .. }) => Err(Stop::Failed(error.into())),
        // That it cannot be written is told by who writes it, and no key is as large.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether it is more than what an earlier run told. An archive of what is public can be made again.
fn is_kept(bytes: &[u8]) -> bool {
    let known = |content: &Content| !matches!(content, Content::Unreadable(_));
    holds_private_key(bytes)
        || (!is_tar(bytes)
            && parts(bytes).is_ok_and(|parts| parts.iter().any(|part| known(&part.content))))
}
