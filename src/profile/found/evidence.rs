//! What the files of a tree tell of their cluster and node together.

use super::{Found, certificate};
use crate::facts::defaults;
use crate::observed::Observed;
use crate::profile::resolve::SYSTEM_NODE;
use crate::profile::{CommonName, Host, Profile, TABLE, by_name};
use crate::x509::cert::Certificate;
use crate::x509::san::San;

/// What the files of a tree tell of their cluster and node together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The node's name, if a certificate tells it.
    pub(super) node: Option<String>,
    /// The name of the machine that looks: what a subject is told to lack where none tells it.
    pub(super) host: String,
    /// The domain of the cluster's services.
    pub(super) dns_domain: String,
    /// The CAs that are there, by the name of their spec.
    pub(super) cas: Vec<(String, Certificate)>,
}

impl Evidence {
    /// What `found` tells. `host` is the machine that looks, which need not be the node: no certificate
    /// is held to have its name for a SAN.
    pub fn of(found: &Found, host: &str) -> Self {
        Self {
            node: node(found),
            host: host.to_owned(),
            dns_domain: dns_domain(found).unwrap_or_else(|| defaults::DNS_DOMAIN.to_owned()),
            cas: cas(found),
        }
    }

    /// The CA that signed this, by the name of its spec: of several of its issuer's name the one whose key verifies it,
    /// and where none does, the one that it says.
    pub(super) fn signer(&self, leaf: &Certificate) -> Option<&str> {
        let called = self.cas.iter().filter(|(_, ca)| ca.subject == leaf.issuer);
        let mut called: Vec<&(String, Certificate)> = called.collect();
        if called.len() > 1 {
            let said = |ca: &Certificate| {
                let said = leaf.authority_key_identifier.is_some();
                said && leaf.authority_key_identifier == ca.subject_key_identifier
            };
            called.sort_by_key(|(_, ca)| !said(ca));
            let signed = |ca: &Certificate| leaf.is_signed_with(&ca.public_key);
            let first = called.iter().position(|(_, ca)| signed(ca));
            called.drain(..first.unwrap_or_default());
        }
        called.first().map(|(name, _)| name.as_str())
    }
}

/// The node that most certificates name; of two named by as many, the one of the first row.
pub(super) fn node(found: &Found) -> Option<String> {
    let named: Vec<(String, &Profile)> = TABLE
        .iter()
        .filter_map(|row| {
            let observed = found.get(row.name)?;
            let asked = match observed {
                Observed::Requested { request, .. } => Some(&request.asked.subject),
                _ => None,
            };
            let name = asked.or_else(|| Some(&certificate(observed)?.subject));
            let name = name?.common_name()?;
            let node = match row.common_name {
                CommonName::Fixed(_) => return None,
                CommonName::NodeName => name.as_str(),
                CommonName::SystemNode => name.strip_prefix(SYSTEM_NODE)?,
            };
            Some((node.to_owned(), row))
        })
        .collect();
    let served = |node: &str| {
        let serves = |row: &&Profile| {
            let leaf = found.get(row.name).and_then(certificate);
            row.hosts.contains(&Host::NodeName)
                && leaf.is_some_and(|leaf| leaf.sans.contains(&San::Dns(node.to_owned())))
        };
        TABLE.iter().filter(serves).count()
    };
    let weight =
        |node: &str| served(node) + named.iter().filter(|(other, _)| other == node).count();
    // Of equals the last counts to max_by_key.
    named
        .iter()
        .rev()
        .max_by_key(|(node, _)| weight(node))
        .map(|(node, _)| node.clone())
}

pub(super) fn dns_domain(found: &Found) -> Option<String> {
    TABLE.iter().find_map(|row| {
        let leaf = certificate(found.get(row.name)?)?;
        row.hosts.iter().find_map(|host| {
            let Host::ServiceInDomain(service) = host else {
                return None;
            };
            leaf.sans.iter().find_map(|san| match san {
                San::Dns(name) => Some(name.strip_prefix(service)?.strip_prefix('.')?.to_owned()),
                _ => None,
            })
        })
    })
}

/// Every CA of a file, since any of a bundle may have signed.
fn cas(found: &Found) -> Vec<(String, Certificate)> {
    let mut cas = Vec::new();
    for (name, observed) in found {
        if let Observed::Certificate { chain, .. } = observed {
            let ca = certificate(observed).is_some_and(Certificate::is_ca);
            let all = chain.iter().filter(|other| ca && other.is_ca());
            cas.extend(all.map(|ca| (name.clone(), ca.clone())));
        }
    }
    // Of two files of one name the table's counts: it is what the components trust.
    cas.sort_by_key(|(name, _)| by_name(name).is_none());
    cas
}

/// Whether a kubelet made it for want of one: for its node's name and the second in which it
/// started, and signed by nobody who is known here.
pub(super) fn made_by_kubelet(leaf: &Certificate, evidence: &Evidence) -> bool {
    let name = leaf.subject.common_name().unwrap_or_default();
    let started = name
        .rsplit_once('@')
        .is_some_and(|(_, time)| !time.is_empty() && time.bytes().all(|c| c.is_ascii_digit()));
    started && evidence.cas.iter().all(|(_, ca)| ca.subject != leaf.issuer)
}
