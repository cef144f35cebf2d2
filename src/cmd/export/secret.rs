//! `certs export secret`: manifests of Kubernetes Secrets.

use zeroize::Zeroizing;

use super::{Export, Found, is_kubeconfig, not_to_a_terminal, opened};
use crate::bundle::is_root;
use crate::cli::{ExportSecret, SecretType};
use crate::cmd::output_file::settled;
use crate::cmd::{Env, Stop};
use crate::diff::authorities;
use crate::key::{PrivateKey, PublicKey};
use crate::manifest::{Secret, are_the_same, manifests};
use crate::observed::{Key, Observed, Source};
use crate::profile::{CLUSTER_API, Kind, by_name};
use crate::spec::{Place, Spec};
use crate::x509::cert::Certificate;
use crate::x509::san::{dns_label, dns_subdomain};

const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITY: &str = "ca.crt";

/// Why a file stays that holds no Secret of that name.
const OTHER: &str = "does not hold the same Secrets, by name, namespace, type, labels and keys: move it \
                     away, or name another file";

type Data = Vec<(String, Zeroizing<Vec<u8>>)>;

pub(super) fn export(verb: &ExportSecret, env: &mut Env<'_>) -> Result<Export, Stop> {
    if !verb.to_terminal {
        let file = verb.output_file.as_ref();
        not_to_a_terminal(
            file,
            env,
            "name a file with --output-file, or give --to-terminal",
        )?;
    }
    if let Some(namespace) = &verb.namespace {
        dns_label(namespace)
            .map_err(|reason| Stop::usage(format!("--namespace: \"{namespace}\" {reason}")))?;
    }
    let directory = verb.kubeconfig_dir.kubeconfig_dir.as_ref();
    let (store, notes) = opened(&verb.tree, directory, env)?;
    let mut found = Found::of(&store, &[], env)?;
    let mut export = Export {
        bytes: Zeroizing::default(),
        secret: true,
        notes,
        findings: Vec::new(),
        store,
    };
    let mut secrets = Vec::new();
    if let Some(cluster) = &verb.cluster_api {
        name(cluster, "--cluster-api")?;
        for (row, ending) in CLUSTER_API {
            let spec = found.named(row, &export.store)?;
            export.findings.extend(found.findings(spec, env));
            if !export.is_refused() {
                secrets.push(Secret {
                    name: format!("{cluster}-{ending}"),
                    namespace: verb.namespace.as_deref(),
                    kind: "cluster.x-k8s.io/secret",
                    labels: vec![("cluster.x-k8s.io/cluster-name", cluster)],
                    data: pair(&found, spec)?,
                    string_data: Vec::new(),
                });
            }
        }
    } else {
        let asked = verb.name.as_deref().unwrap_or_default();
        let spec = &found.named(asked, &export.store)?.clone();
        export.findings.extend(found.findings(spec, env));
        let called = verb.secret_name.as_deref().unwrap_or(asked);
        let given = verb.secret_name.is_some();
        let flag = if given {
            "--secret-name"
        } else {
            "name one with --secret-name"
        };
        name(called, flag)?;
        let opaque = verb.kind == Some(SecretType::Opaque)
            || (verb.kind.is_none() && (is_kubeconfig(spec) || spec.certificate().is_none()));
        if opaque && is_kubeconfig(spec) {
            let wrong = found.wrong_users(spec, &export.store, env);
            export.findings.extend(wrong);
        }
        if let Observed::Kubeconfig(kubeconfig) = found.observed(spec)
            && opaque
            && kubeconfig
                .sources
                .iter()
                .any(|source| *source != Source::Embedded)
        {
            return Err(Stop::usage(format!(
                "{} names files, which a Secret does not have: give --type tls, or {}",
                export.store.path(&spec.place.public()).display(),
                embedded(spec)
            )));
        }
        if !export.is_refused() {
            secrets.push(Secret {
                name: called.to_owned(),
                namespace: verb.namespace.as_deref(),
                kind: if opaque {
                    "Opaque"
                } else {
                    "kubernetes.io/tls"
                },
                labels: Vec::new(),
                data: if opaque {
                    files(&found, &export.store, spec)?
                } else {
                    tls(&found, spec)?
                },
                string_data: Vec::new(),
            });
        }
    }
    export.bytes = manifests(&secrets);
    if !export.is_refused() {
        let (file, inputs) = (verb.output_file.as_ref(), [verb.tree.config.as_ref()]);
        let own = |former: &[u8]| are_the_same(former, &export.bytes);
        settled(file, &export.store, &inputs, OTHER, own)?;
    }
    Ok(export)
}

fn name(text: &str, flag: &str) -> Result<(), Stop> {
    dns_subdomain(text).map_err(|reason| {
        Stop::usage(format!(
            "{flag}: \"{text}\" cannot be a Secret's name: {reason}"
        ))
    })
}

/// The certificate with its chain, its key, and its CA's certificates.
fn tls(found: &Found, spec: &Spec) -> Result<Data, Stop> {
    if spec
        .certificate()
        .is_none_or(|wanted| wanted.kind == Kind::Ca)
    {
        return Err(Stop::usage(format!(
            "\"{}\" is no certificate of a server or client: give --type opaque, or --cluster-api",
            spec.name
        )));
    }
    let (chain, key) = found.credentials(spec).ok_or_else(|| unread(spec))?;
    let above = authorities(spec, &found.seen.observed);
    // The CA's own file has what is trusted; a server sends what leads there.
    let sent: Vec<Certificate> = chain
        .iter()
        .filter(|certificate| !is_root(certificate))
        .cloned()
        .collect();
    let mut data = vec![
        (CERTIFICATE.to_owned(), pem(&sent)),
        (KEY.to_owned(), secret(key)),
    ];
    if !above.is_empty() {
        data.push((AUTHORITY.to_owned(), pem(above)));
    }
    Ok(data)
}

/// A CA's pair, or the one that signs tokens, as Cluster API takes them.
fn pair(found: &Found, spec: &Spec) -> Result<Data, Stop> {
    let (public, key) = match found.observed(spec) {
        Observed::Certificate { chain, key, .. } => (pem(chain), key.as_ref()),
        Observed::KeyPair { key, public, .. } => {
            let keys = public.iter().flatten();
            let text: String = keys.map(PublicKey::to_pem).collect();
            (Zeroizing::new(text.into_bytes()), Some(key))
        }
        _ => return Err(unread(spec)),
    };
    let key = key.and_then(Key::open).ok_or_else(|| unread(spec))?;
    Ok(vec![
        (CERTIFICATE.to_owned(), public),
        (KEY.to_owned(), secret(key)),
    ])
}

/// The files as they are, each under its name.
fn files(found: &Found, store: &crate::store::Store, spec: &Spec) -> Result<Data, Stop> {
    let mut data = Data::new();
    let above = authorities(spec, &found.seen.observed);
    for file in spec.place.files() {
        let content = store.read(&file).map_err(anyhow::Error::from)?;
        let content = content.ok_or_else(|| unread(spec))?;
        let base = file.name.rsplit('/').next().unwrap_or_default();
        data.push((base.to_owned(), content.bytes));
    }
    if !is_kubeconfig(spec) && !above.is_empty() {
        data.push((AUTHORITY.to_owned(), pem(above)));
    }
    Ok(data)
}

fn unread(spec: &Spec) -> Stop {
    Stop::Failed(anyhow::anyhow!(
        "{}: its key is not here, or cannot be read by this user",
        spec.name
    ))
}

fn pem(certificates: &[Certificate]) -> Zeroizing<Vec<u8>> {
    let text: String = certificates.iter().map(Certificate::to_pem).collect();
    Zeroizing::new(text.into_bytes())
}

fn secret(key: &PrivateKey) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(key.to_pem().as_bytes().to_vec())
}

/// How a kubeconfig comes to hold what it names.
fn embedded(spec: &Spec) -> String {
    let made = |name, facts| {
        format!(
            "embed them first: 'certs kubeconfig {name} --embed-certs=true --force', with {facts}, makes it anew"
        )
    };
    match (&spec.place, by_name(&spec.name)) {
        (_, Some(row)) => made(row.name, "the configuration of the cluster"),
        (Place::Kubeconfig { file, .. }, None) => made(
            file.trim_end_matches(".conf"),
            "its common name and organizations",
        ),
        _ => "put into it what they hold".to_owned(),
    }
}
