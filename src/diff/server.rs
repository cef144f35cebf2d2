//! Whether a kubeconfig leads to an API server whose certificate is good for the name that it is held to.

use std::collections::BTreeMap;

use super::reissue;
use crate::finding::{Code, Finding, Severity};
use crate::observed::{Observed, of_leaf, server};
use crate::profile::API_SERVER;
use crate::spec::Spec;
use crate::x509::san::San;

/// What is wrong with where the kubeconfig of `spec` leads, if the API server is among `specs`. Its certificate is the
/// one that is there, if that is `sound`; else the one that is wanted, since nothing is right until it is made.
pub fn served(
    spec: &Spec,
    specs: &[Spec],
    found: &BTreeMap<String, Observed>,
    sound: impl FnOnce(&Spec) -> bool,
) -> Option<Finding> {
    let (server, server_name) = match found.get(&spec.name)? {
        Observed::Kubeconfig(found) => (&found.server, found.server_name.as_ref()),
        Observed::Lead(found) => {
            let to = found.to.as_ref().ok()?;
            (&to.server, to.server_name.as_ref())
        }
        _ => return None,
    };
    let api_server = specs.iter().find(|other| other.name == API_SERVER)?;
    let wanted = api_server.certificate()?;
    // One of another CA is another cluster's.
    if spec.certificate()?.issuer != wanted.issuer {
        return None;
    }
    let there = match found.get(API_SERVER) {
        Some(Observed::Certificate { chain, key, .. }) => {
            let leaf = of_leaf(chain, key.as_ref()).first();
            leaf.filter(|_| sound(api_server))
        }
        _ => None,
    };
    let sans = there.map_or(&wanted.sans, |leaf| &leaf.sans);
    let (text, host) = lead(server, server_name)?;
    if sans.iter().any(|san| good_for(san, host)) {
        return None;
    }
    let text = format!(
        "{text} {host}, which {} is not good for",
        api_server.place.public()
    );
    Some(spec.finding(Code::ServerNotInSans, text, reissue(spec, Severity::Error)))
}

/// What its API server's certificate is held against.
pub(super) fn lead<'a>(
    server: &'a str,
    server_name: Option<&'a String>,
) -> Option<(&'static str, &'a str)> {
    match server_name {
        Some(name) => Some(("has the tls-server-name", name)),
        None => Some(("points at", server::host(server)?)),
    }
}

/// RFC 6125 section 6.4: an address is itself, and `*` stands for one label, the first.
pub(super) fn good_for(san: &San, host: &str) -> bool {
    match (san, host.parse()) {
        (San::Ip(address), Ok(host)) => *address == std::net::IpAddr::to_canonical(&host),
        (San::Dns(name), Err(_)) => match name.strip_prefix("*.") {
            Some(domain) => host
                .split_once('.')
                .is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain)),
            None => name.eq_ignore_ascii_case(host),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests;
