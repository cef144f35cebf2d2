//! Puts newer certificates into the entry that is there, and leaves all else as it is.

use anyhow::Result;
use zeroize::Zeroizing;

use super::write::{data, put};
use super::{AUTHORITY, CERTIFICATE, KEY, document, parse};
use crate::yaml;

/// What is put into the entry of the current context, as PEM; what is none stays.
#[derive(Default)]
pub struct Anew<'a> {
    /// The CA certificates.
    pub authorities: Option<&'a str>,
    /// The client certificate and its chain.
    pub certificate: Option<&'a str>,
    /// The client key.
    pub key: Option<&'a [u8]>,
}

/// `existing` with newer data in its current entry, which must be one that [`parse`] reads.
pub fn renew(anew: &Anew<'_>, existing: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let current = parse(existing)?;
    let mut config = document(existing)?;
    let fields = [
        (
            "clusters",
            &current.cluster,
            AUTHORITY,
            anew.authorities.map(str::as_bytes),
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
    Ok(Zeroizing::new(yaml::write(&config).as_bytes().to_vec()))
}
