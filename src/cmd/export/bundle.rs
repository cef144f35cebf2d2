//! `certs export bundle`: what everyone may read, for who verifies.

use zeroize::Zeroizing;

use super::{Export, for_reader, look, opened};
use crate::archive::{names, tar};
use crate::cli::ExportBundle;
use crate::cmd::output_file::{FOREIGN, settled};
use crate::cmd::{Env, Stop};
use crate::key::PublicKey;
use crate::location::{FileId, Root};
use crate::pem;
use crate::x509::cert::Certificate;

/// What the names in it begin with.
const FOLDER: &str = "pki/";

pub(super) fn export(verb: &ExportBundle, env: &mut Env<'_>) -> Result<Export, Stop> {
    if verb.output_file.is_none() && env.terminal {
        return Err(Stop::usage(
            "standard output is a terminal, and a tar archive is none of its: name a file with \
             --output-file",
        ));
    }
    let (store, notes) = opened(&verb.tree, None, env)?;
    let file = verb.output_file.as_ref();
    let own = |former: &[u8]| {
        names(former).is_some_and(|names| names.iter().all(|name| name.starts_with(FOLDER)))
    };
    settled(file, &store, &[verb.tree.config.as_ref()], FOREIGN, own)?;
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
        let public = public_alone(&content.bytes, file).map_err(|error| {
            let path = store.path(file);
            let text = format!("{}: {error:#}: mend it, or move it away", path.display());
            Stop::Failed(anyhow::anyhow!(text))
        })?;
        contents.push((format!("{FOLDER}{}", file.name), public));
    }
    // Of what else lies there, such as a key that this user may not read, nothing is handed out.
    let (specs, seen) = look(&store, &[], env)?;
    let mut findings = for_reader(&specs, &seen, env.now);
    findings.retain(|finding| finding.file.root == Root::Pki && public(&&finding.file));
    super::settled(&lock)?;
    if contents.is_empty() {
        return Err(Stop::usage(format!(
            "no certificate in {} is called NAME.crt, as those of a bundle are: call it so, or name the cluster's directory \
             with --kubernetes-dir",
            store.root(Root::Pki).display()
        )));
    }
    let files: Vec<(String, &[u8])> = contents
        .iter()
        .map(|(name, bytes)| (name.clone(), bytes.as_slice()))
        .collect();
    Ok(Export {
        bytes: Zeroizing::new(tar(&files)),
        secret: false,
        notes,
        findings,
        store,
    })
}

/// What a file of certificates or public keys is read as, without what else is in it.
fn public_alone(bytes: &[u8], file: &FileId) -> anyhow::Result<Vec<u8>> {
    let text: String = if file.name.strip_suffix(".pub").is_some() {
        let keys = PublicKey::all_from_pem(bytes)?;
        keys.iter().map(PublicKey::to_pem).collect()
    } else {
        let certificates = Certificate::from_pem(bytes)?;
        certificates.iter().map(Certificate::to_pem).collect()
    };
    Ok(text.into_bytes())
}
