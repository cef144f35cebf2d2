//! `certs export pkcs12`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use zeroize::Zeroizing;

use super::{Export, Found, line, not_to_a_terminal, opened};
use crate::cli::ExportPkcs12;
use crate::cmd::around::{input, passphrase};
use crate::cmd::{Env, Stop, output_file};
use crate::key::{PrivateKey, Protection};
use crate::kubeconfig::{self, Source};
use crate::pkcs12::{check_password, encode};
use crate::profile::Kind;
use crate::x509::cert::Certificate;
use crate::x509::usage::KeyUsage;

pub(super) fn export(verb: &ExportPkcs12, env: &mut Env<'_>) -> Result<Export, Stop> {
    let file = verb.output_file.as_ref();
    not_to_a_terminal(file, env, "name a file with --output-file")?;
    let directory = verb.kubeconfig_dir.kubeconfig_dir.as_ref();
    let (store, notes) = opened(&verb.tree, directory, env)?;
    let inputs = [verb.tree.config.as_ref(), verb.password_file.as_ref()];
    output_file::settled(file, &store, &inputs)?;
    let mut export = Export {
        bytes: Zeroizing::default(),
        secret: true,
        notes,
        findings: Vec::new(),
        store,
    };
    // No profile has a name with these, and no identity of one's own.
    if verb.name.contains(['/', '.']) {
        let (chain, key) = of_file(Path::new(&verb.name))?;
        if chain.first().is_some_and(signs) {
            return Err(nobody(&format!("{} is a CA's certificate", verb.name)));
        }
        export.bytes = made(verb, &chain, &key, env)?;
        return Ok(export);
    }
    let found = Found::of(&export.store, env)?;
    let spec = found.named(&verb.name)?;
    let kind = spec.certificate().map(|wanted| wanted.kind);
    if kind.is_none_or(|kind| kind == Kind::Ca) {
        return Err(nobody(&format!("\"{}\" signs for the cluster", verb.name)));
    }
    export.findings = found.findings(spec, env);
    if export.is_refused() {
        return Ok(export);
    }
    let (chain, key) = found
        .credentials(spec)
        .with_context(|| format!("{}: its key cannot be read by this user", verb.name))?;
    export.bytes = made(verb, &chain, key, env)?;
    Ok(export)
}

fn nobody(why: &str) -> Stop {
    Stop::usage(format!(
        "{why} and is nobody's identity: its key is not handed out as PKCS#12"
    ))
}

/// Whether whoever has its key could sign certificates, or be taken for who may.
fn signs(certificate: &Certificate) -> bool {
    let usage = certificate.key_usage;
    certificate.is_ca() || usage.is_some_and(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN))
}

fn made(
    verb: &ExportPkcs12,
    chain: &[Certificate],
    key: &PrivateKey,
    env: &mut Env<'_>,
) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let password = password(verb, env)?;
    let protection = if verb.legacy {
        Protection::Legacy
    } else {
        Protection::Modern
    };
    let leaf = chain.first();
    let name = leaf.and_then(|leaf| leaf.subject.common_name());
    let name = name.unwrap_or_else(|| verb.name.clone());
    Ok(encode(&name, key, chain, &password, protection)?)
}

/// From the file, else the environment, else whoever sits at the terminal, who types it twice.
fn password(verb: &ExportPkcs12, env: &mut Env<'_>) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let checked = |password: Zeroizing<Vec<u8>>, whence: &str| match check_password(&password) {
        Ok(()) => Ok(password),
        Err(error) => Err(Stop::usage(format!("{whence}: {error}"))),
    };
    if let Some(file) = &verb.password_file {
        return checked(passphrase(file, "--password-file")?, "--password-file");
    }
    if let Some(password) = env.export_password.take() {
        return checked(password, "CERTS_EXPORT_PASSWORD");
    }
    let none = || {
        Stop::usage(
            "a password is needed: give --password-file, or CERTS_EXPORT_PASSWORD, or run at a \
             terminal, which asks for it",
        )
    };
    let first = (env.ask)("Password of the new file: ")?.ok_or_else(none)?;
    let first = checked(first, "the password")?;
    let second = (env.ask)("Once more: ")?.ok_or_else(none)?;
    if first != second {
        return Err(Stop::usage("the two passwords are not the same"));
    }
    Ok(first)
}

/// A kubeconfig's current user, or a certificate with its key in the file or beside it.
fn of_file(path: &Path) -> Result<(Vec<Certificate>, PrivateKey), Stop> {
    let bytes = input(path, "FILE")?.bytes;
    let wrong = |error: anyhow::Error| Stop::usage(format!("{}: {error:#}", path.display()));
    let (chain, key, above) = match kubeconfig::parse(&bytes) {
        Ok(current) => {
            let read = |source: &Source| match source {
                Source::Data { bytes, .. } => Ok(bytes.clone()),
                Source::File { path: named, .. } => {
                    Ok::<_, Stop>(input(&beside(path, named), "FILE")?.bytes)
                }
            };
            let above = Certificate::from_pem(&read(&current.authorities)?).map_err(wrong)?;
            (read(&current.certificate)?, read(&current.key)?, above)
        }
        Err(error) => {
            if !crate::pem::holds_certificate(&bytes) {
                return Err(wrong(error.context("no certificate, and no kubeconfig")));
            }
            let key = if crate::pem::holds_private_key(&bytes) {
                bytes.clone()
            } else {
                input(&path.with_extension("key"), "FILE")?.bytes
            };
            (bytes, key, Vec::new())
        }
    };
    let chain = line(&Certificate::from_pem(&chain).map_err(wrong)?, &above);
    let key = PrivateKey::from_pem(&key, None).map_err(|error| wrong(anyhow!(error)))?;
    if chain
        .first()
        .is_none_or(|leaf| leaf.public_key != *key.public_key())
    {
        return Err(wrong(anyhow!("the key is not the certificate's")));
    }
    Ok((chain, key))
}

/// As client-go finds it.
fn beside(kubeconfig: &Path, named: &str) -> PathBuf {
    crate::store::named_beside(kubeconfig, named)
}
