//! `certs export bundle`: what everyone may read, for who verifies.

use zeroize::Zeroizing;

use super::{Export, opened};
use crate::archive::tar;
use crate::cli::ExportBundle;
use crate::cmd::{Env, Stop, output_file};
use crate::location::{FileId, Root};
use crate::pem;

pub(super) fn export(verb: &ExportBundle, env: &mut Env<'_>) -> Result<Export, Stop> {
    if verb.output_file.is_none() && env.terminal {
        return Err(Stop::usage(
            "standard output is a terminal, and a tar archive is none of its: name a file with \
             --output-file",
        ));
    }
    let (store, notes) = opened(&verb.tree, None, env)?;
    let file = verb.output_file.as_ref();
    output_file::settled(file, &store, &[verb.tree.config.as_ref()])?;
    let lock = store.lock_shared(&[Root::Pki])?;
    let mut contents = Vec::new();
    let listed = store.list(Root::Pki).map_err(anyhow::Error::from)?;
    let public = |file: &&FileId| [".crt", ".pub"].iter().any(|end| file.name.ends_with(end));
    for file in listed.iter().filter(public) {
        let Some(content) = store.read(file).map_err(anyhow::Error::from)? else {
            continue;
        };
        if pem::holds_private_key(&content.bytes) {
            return Err(Stop::Failed(anyhow::anyhow!(
                "{} holds a private key: take it out, and replace that key",
                store.path(file).display()
            )));
        }
        contents.push((format!("pki/{}", file.name), content.bytes));
    }
    super::settled(&lock)?;
    if contents.is_empty() {
        return Err(Stop::usage(format!(
            "there is no certificate in {}: name the cluster's directory with --kubernetes-dir",
            store.root(Root::Pki).display()
        )));
    }
    let files: Vec<(String, &[u8])> = contents
        .iter()
        .map(|(name, bytes)| (name.clone(), bytes.as_slice()))
        .collect();
    Ok(Export {
        bytes: Zeroizing::new(tar(&files)?),
        secret: false,
        notes,
        findings: Vec::new(),
        store,
    })
}
