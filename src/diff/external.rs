//! The ways out where the CA's key is not here.

use super::tree::Found;
use crate::observed::Observed;
use crate::profile::{by_name, found::as_there};
use crate::spec::Spec;

/// Whether the CA that signs it is there without its key.
pub(crate) fn is_signed_elsewhere(spec: &Spec, found: &Found) -> bool {
    let issuer = spec.certificate().and_then(|wanted| wanted.issuer.as_ref());
    issuer
        .and_then(|ca| found.get(ca))
        .is_some_and(Observed::is_external)
}

/// The way out where the CA's key is not here. Requests are made for what the table knows.
pub(crate) fn external(spec: &Spec) -> String {
    match by_name(&spec.name) {
        Some(row) if !spec.is_ca() => requested(row.name),
        _ => "have the CA's owner issue it, and place it here".to_owned(),
    }
}

/// The same of what was found in its place. With a file that cannot be read, or that names a certificate
/// of another keeper, nobody asks.
pub(crate) fn external_of(spec: &Spec, found: &Found) -> String {
    let away = match found.get(&spec.name) {
        Some(Observed::Kubeconfig(kubeconfig)) => {
            // One that goes with a pair is asked for by that.
            kubeconfig.referred && as_there(vec![spec.clone()], found).len() == 1
        }
        Some(Observed::Unreadable(..)) => true,
        _ => false,
    };
    let way_out = external(spec);
    if away && by_name(&spec.name).is_some() {
        format!("move it away, and then {way_out}")
    } else {
        way_out
    }
}

pub(super) fn requested(name: &str) -> String {
    format!("'certs csr {name}' asks the CA's owner for it, and 'certs import' puts it here")
}
