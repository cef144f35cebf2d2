//! The certificates of CAs, as their files have them.

use std::collections::BTreeMap;

use crate::observed::Observed;
use crate::spec::Spec;
use crate::x509::cert::Certificate;

/// The certificates that a spec's is held against: those in the file of its CA.
pub fn authorities<'a>(spec: &Spec, found: &'a BTreeMap<String, Observed>) -> &'a [Certificate] {
    file(issuer(spec), found)
}

pub(crate) fn issuer(spec: &Spec) -> Option<&str> {
    spec.certificate()?.issuer.as_deref()
}

/// The certificates in the file of the CA of this name.
pub(crate) fn file<'a>(
    ca: Option<&str>,
    found: &'a BTreeMap<String, Observed>,
) -> &'a [Certificate] {
    match ca.and_then(|ca| found.get(ca)) {
        Some(Observed::Certificate { chain, .. }) => chain,
        Some(Observed::Returned(returned)) => &returned.chain,
        _ => &[],
    }
}
