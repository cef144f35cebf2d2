//! What is there → the rows that it could be.

use super::found::kind_of;
use super::resolve::{SYSTEM_NODE, fixed};
use super::{CommonName, Host, Profile, Signer, TABLE};
use crate::x509::name::Name;
use crate::x509::san::San;
use crate::x509::usage::ExtendedKeyUsage;

/// The rows whose subject, names and usages these are, of whatever cluster and node.
pub fn fit(
    subject: &Name,
    sans: &[San],
    ca: bool,
    usages: &[ExtendedKeyUsage],
) -> Vec<&'static Profile> {
    let Some(name) = subject.common_name() else {
        return Vec::new();
    };
    let kind = kind_of(ca, usages);
    let mut groups = subject.organizations();
    groups.sort();
    let fits = |row: &&Profile| {
        let named = match row.common_name {
            CommonName::Fixed(text) => text == name,
            CommonName::NodeName => sans.contains(&San::Dns(name.clone())),
            CommonName::SystemNode => name.starts_with(SYSTEM_NODE),
        };
        let grouped = row.organizations_ever().iter().any(|list| {
            let mut list = list.to_vec();
            list.sort_unstable();
            list == groups
        });
        let hosted = row.hosts.iter().all(|host| match host {
            Host::Fixed(text) => sans.contains(&fixed(text)),
            _ => true,
        });
        row.signer != Signer::Nobody && row.kind == kind && named && grouped && hosted
    };
    TABLE.iter().filter(fits).collect()
}
