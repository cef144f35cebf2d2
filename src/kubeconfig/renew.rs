//! Puts newer certificates into the entry that is there, newer CA certificates into each entry of that cluster, and leaves
//! all else as it is.

use anyhow::Result;
use zeroize::Zeroizing;

use super::refresh::{Cluster, Standing, standing};
use super::write::{data, put};
use super::{AUTHORITY, AUTHORITY_DATA, CERTIFICATE, KEY, document, parse};
use crate::x509::cert::Certificate;
use crate::yaml::{self, Node};

/// What is put into the entry of the current context, as PEM; what is none stays. The CA certificates come to the other
/// entries of its cluster too.
#[derive(Default)]
pub struct Anew<'a> {
    /// The CA certificates.
    pub authorities: Option<&'a [Certificate]>,
    /// The client certificate and its chain.
    pub certificate: Option<&'a str>,
    /// The client key.
    pub key: Option<&'a [u8]>,
}

/// `existing` with newer data in its current entry, which must be one that [`parse`] reads.
pub fn renew(anew: &Anew<'_>, existing: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let current = parse(existing)?;
    let mut config = document(existing)?;
    let bundle = anew.authorities.unwrap_or_default();
    let authorities: String = bundle.iter().map(Certificate::to_pem).collect();
    let fields = [
        (
            "clusters",
            &current.cluster,
            AUTHORITY,
            anew.authorities.map(|_| authorities.as_bytes()),
        ),
        (
            "users",
            &current.user,
            CERTIFICATE,
            anew.certificate.map(str::as_bytes),
        ),
        ("users", &current.user, KEY, anew.key),
    ];
    for (list, name, field, bytes) in fields {
        let Some(bytes) = bytes else { continue };
        let inner = list.trim_end_matches('s');
        let embedded = (format!("{field}-data"), data(bytes));
        put(&mut config, list, name, inner, [embedded], &[field]);
    }
    let cluster = Cluster {
        authorities: bundle,
        servers: &[current.server],
    };
    let entries = anew.authorities.and_then(|_| config.get_mut("clusters"));
    for item in entries.and_then(Node::items_mut).into_iter().flatten() {
        if let Some(entry) = item.get_mut("cluster")
            && let Standing::Stale = standing(entry, &cluster, bundle)
        {
            entry.insert(AUTHORITY_DATA, data(authorities.as_bytes()));
        }
    }
    Ok(Zeroizing::new(yaml::write(&config).as_bytes().to_vec()))
}
