//! Puts newer certificates into the entry that is there, newer CA certificates into each entry of that cluster, and leaves
//! all else as it is.

use anyhow::Result;
use zeroize::Zeroizing;

use super::refresh::{Cluster, Standing, same_set, standing};
use super::write::{data, put};
use super::{
    AUTHORITY, AUTHORITY_DATA, CERTIFICATE, KEY, Lead, Source, document, lead, source, text,
};
use crate::bundle::Exchange;
use crate::x509::cert::Certificate;
use crate::yaml::{self, Node};

/// What is put into the entry of the current context, as PEM; what is none stays. The CA certificates come to the other
/// entries of its cluster too.
#[derive(Default)]
pub struct Anew<'a> {
    /// The CA certificates that are exchanged, and those that come in their place.
    pub trust: Option<Exchange<'a>>,
    /// Whether the current entry gets some where it has none, and trusts those of the machine.
    pub fills: bool,
    /// The client certificate and its chain.
    pub certificate: Option<&'a str>,
    /// The client key.
    pub key: Option<&'a [u8]>,
}

/// `existing` with newer data in its current entry, which must be one that [`lead`] reads.
pub fn renew(anew: &Anew<'_>, existing: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let current = lead(existing)?;
    let mut config = document(existing)?;
    let user = [
        (CERTIFICATE, anew.certificate.map(str::as_bytes)),
        (KEY, anew.key),
    ];
    for (field, bytes) in user {
        let Some(bytes) = bytes else { continue };
        let embedded = (format!("{field}-data"), data(bytes));
        put(
            &mut config,
            "users",
            &current.user,
            "user",
            [embedded],
            &[field],
        );
    }
    if let Some(exchange) = anew.trust {
        trust(&mut config, &current, exchange, anew.fills);
    }
    Ok(Zeroizing::new(yaml::write(&config).as_bytes().to_vec()))
}

/// Each entry of the cluster that holds some has those of the cluster exchanged, and that of the current context, if it
/// has none, may get them.
fn trust(config: &mut Node, current: &Lead, exchange: Exchange<'_>, fills: bool) {
    let both = [exchange.former, exchange.now].concat();
    let cluster = Cluster {
        authorities: &both,
        servers: std::slice::from_ref(&current.server),
    };
    let entries = config.get_mut("clusters").and_then(Node::items_mut);
    for item in entries.into_iter().flatten() {
        let is_current = text(item, "name") == Some(&current.cluster);
        let Some(entry) = item.get_mut("cluster") else {
            continue;
        };
        let held = match source(entry, AUTHORITY) {
            Ok(Source::Data { bytes, .. }) => Certificate::from_pem(&bytes).unwrap_or_default(),
            Err(_) if is_current && fills => Vec::new(),
            _ => continue,
        };
        let ours = is_current || matches!(standing(entry, &cluster), Standing::Holds(_));
        if let Some(now) = exchange.of(&held).filter(|_| ours)
            && !same_set(&now, &held)
        {
            let pem: String = now.iter().map(Certificate::to_pem).collect();
            entry.insert(AUTHORITY_DATA, data(pem.as_bytes()));
        }
    }
}
