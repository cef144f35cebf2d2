//! `certs export pkcs12`

use std::path::Path;

use anyhow::Context as _;
use zeroize::Zeroizing;

use super::{Export, Found, not_to_a_terminal, opened};
use crate::cli::ExportPkcs12;
use crate::cmd::around::passphrase;
use crate::cmd::{Env, Stop, output_file};
use crate::key::{PrivateKey, Protection};
use crate::location::Root;
use crate::observed::Observed;
use crate::pkcs12::{check_password, encode};
use crate::profile::found::is_of_service_accounts;
use crate::profile::{Kind, by_name};
use crate::spec::Spec;
use crate::x509::cert::Certificate;

/// Not even one of our own is replaced: whose it is cannot be told without its password.
const KEPT: &str =
    "is there, and it may hold the only copy of a key: remove it, or name another file";

pub(super) fn export(verb: &ExportPkcs12, env: &mut Env<'_>) -> Result<Export, Stop> {
    let file = verb.output_file.as_ref();
    not_to_a_terminal(file, env, "name a file with --output-file")?;
    let directory = verb.kubeconfig_dir.kubeconfig_dir.as_ref();
    let (store, notes) = opened(&verb.tree, directory, env)?;
    let inputs = [verb.tree.config.as_ref(), verb.password_file.as_ref()];
    output_file::settled(file, &store, &inputs, KEPT, |_| false)?;
    let mut export = Export {
        bytes: Zeroizing::default(),
        secret: true,
        notes,
        findings: Vec::new(),
        store,
    };
    // No profile has a name with these, and no identity of one's own.
    let (found, spec) = if verb.name.contains(['/', '.']) {
        let whole = [Root::Kubeconfig, Root::Pki];
        let mut found = Found::of(&export.store, &whole, env)?;
        let (spec, store) = found.at(Path::new(&verb.name), &export.store, env)?;
        export.store = store;
        (found, spec)
    } else {
        let found = Found::of(&export.store, &[], env)?;
        let spec = found.named(&verb.name, &export.store)?.clone();
        (found, spec)
    };
    let kind = spec.certificate().map(|wanted| wanted.kind);
    let of_accounts = is_of_service_accounts(&spec.name, found.observed(&spec));
    if of_accounts || kind.is_none_or(|kind| kind == Kind::Ca) {
        return Err(nobody(&verb.name, &spec, of_accounts));
    }
    export.findings = found.findings(&spec, env);
    if export.is_refused() {
        return Ok(export);
    }
    let (chain, key) = found
        .credentials(&spec)
        .with_context(|| format!("{}: {}", verb.name, keyless(found.observed(&spec))))?;
    export.bytes = made(verb, &chain, key, &mut export.notes, env)?;
    Ok(export)
}

/// Why there is nobody's identity in this place.
fn nobody(name: &str, spec: &Spec, of_accounts: bool) -> Stop {
    let what = if of_accounts || by_name(&spec.name).is_some() {
        "signs for the cluster"
    } else if spec.is_ca() {
        "is a CA's certificate"
    } else {
        "holds a key and no certificate"
    };
    Stop::usage(format!(
        "\"{name}\" {what} and is nobody's identity: its key is not handed out as PKCS#12"
    ))
}

/// Why there is no key to hand out.
fn keyless(observed: &Observed) -> &'static str {
    match observed {
        Observed::Certificate { key: None, .. } => "its key is neither in the file nor beside it",
        Observed::Lead(_) => "its user has no client certificate",
        _ => "its key cannot be read by this user",
    }
}

fn made(
    verb: &ExportPkcs12,
    chain: &[Certificate],
    key: &PrivateKey,
    notes: &mut Vec<String>,
    env: &mut Env<'_>,
) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let password = password(verb, notes, env)?;
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
fn password(
    verb: &ExportPkcs12,
    notes: &mut Vec<String>,
    env: &mut Env<'_>,
) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let checked = |password: Zeroizing<Vec<u8>>, whence: &str| match check_password(&password) {
        Ok(()) => Ok(password),
        Err(error) => Err(Stop::usage(format!("{whence}: {error}"))),
    };
    if let Some(file) = &verb.password_file {
        let flag = "--password-file";
        return checked(passphrase(file, flag, notes)?, flag);
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
