//! One certificate, key pair or kubeconfig of a report.

use super::shape::{Item, hex, timestamp};
use crate::key::{self, KeyAlgorithm};
use crate::observed::Observed;
use crate::plan::{Planned, Step};
use crate::spec::Content;
use crate::store::Store;
use crate::x509::cert::Certificate;

/// What is told of a step: of the certificate that was issued, else of the one that is kept, else of
/// what is wanted.
pub(super) fn item(
    store: &Store,
    planned: &Planned,
    observed: Option<&Observed>,
    fresh: Option<&Certificate>,
) -> Item {
    let spec = &planned.spec;
    let certificate = fresh.or_else(|| match planned.step {
        Step::Keep => found(observed),
        _ => None,
    });
    // Of an external CA only the certificate is here.
    let external = matches!(observed, Some(Observed::Certificate { key: None, .. }))
        && planned.step == Step::Keep;
    let files = if external {
        vec![spec.place.public()]
    } else {
        spec.place.files()
    };
    let (kind, issuer) = match &spec.content {
        Content::Certificate(wanted) => (wanted.kind.name(), wanted.issuer.clone()),
        Content::KeyPair(_) => ("key pair", None),
    };
    let wanted = spec.certificate();
    let sans = certificate.map(|certificate| &certificate.sans);
    Item {
        name: spec.name.clone(),
        phase: spec.phase.name(),
        kind,
        step: match planned.step {
            Step::Create => "create",
            Step::Derive => "derive",
            Step::Keep => "keep",
            Step::Replace { .. } => "replace",
        },
        why: match &planned.step {
            Step::Replace { why } if why.is_empty() => vec!["asked-for"],
            Step::Replace { why } => why.iter().map(|code| code.id()).collect(),
            _ => Vec::new(),
        },
        files: files.iter().map(|file| store.path(file)).collect(),
        key_algorithm: certificate
            .and_then(|certificate| certificate.public_key.algorithm())
            .or_else(|| kept_key(&planned.step, observed))
            .unwrap_or(spec.key_algorithm())
            .to_string(),
        issuer,
        subject: certificate
            .map(|certificate| &certificate.subject)
            .or(wanted.map(|wanted| &wanted.subject))
            .map(ToString::to_string),
        serial_number: certificate.map(|certificate| certificate.serial.to_string()),
        not_before: certificate.map(|made| timestamp(made.validity.not_before)),
        not_after: certificate.map(|made| timestamp(made.validity.not_after)),
        fingerprint: certificate.map(|certificate| hex(&key::sha256(certificate.der()))),
        sans: sans
            .or(wanted.map(|wanted| &wanted.sans))
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect(),
    }
}

/// The certificate that was found in a spec's place.
fn found(observed: Option<&Observed>) -> Option<&Certificate> {
    match observed? {
        Observed::Certificate { chain, .. } => chain.first(),
        Observed::Kubeconfig(kubeconfig) => kubeconfig.chain.first(),
        _ => None,
    }
}

/// The algorithm of a key pair that was there: it may be another than a new one would have.
fn kept_key(step: &Step, observed: Option<&Observed>) -> Option<KeyAlgorithm> {
    match (step, observed) {
        (Step::Keep | Step::Derive, Some(Observed::KeyPair { key, .. })) => {
            key.open().map(|key| key.algorithm())
        }
        _ => None,
    }
}
