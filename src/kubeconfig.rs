//! Kubeconfigs: reads the entry of the current context, writes one as kubeadm does.
//!
//! Comes in and goes out: bytes. What else stands in an existing kubeconfig stays in it.

use anyhow::{Context, Result, bail};
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::yaml::{self, Node};

/// The fields of a cluster and a user that hold certificates and keys, or name files of them.
pub const AUTHORITY: &str = "certificate-authority";
/// See [`AUTHORITY`].
pub const CERTIFICATE: &str = "client-certificate";
/// See [`AUTHORITY`].
pub const KEY: &str = "client-key";

/// The entry that the current context names.
#[derive(Debug)]
pub struct Current {
    /// The URL of the API server.
    pub server: String,
    /// The CA certificates.
    pub authorities: Source,
    /// The client certificate.
    pub certificate: Source,
    /// The client key.
    pub key: Source,
}

/// Where PEM comes from.
pub enum Source {
    /// From the kubeconfig itself.
    Data {
        /// The field, without `-data`.
        field: &'static str,
        /// The PEM text.
        bytes: Zeroizing<Vec<u8>>,
    },
    /// From a file.
    File {
        /// The field.
        field: &'static str,
        /// Its path; a relative one starts at the kubeconfig's directory.
        path: String,
    },
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Data { field, .. } => write!(formatter, "{field}-data: [elided]"),
            Self::File { field, path } => write!(formatter, "{field}: {path}"),
        }
    }
}

/// What a kubeconfig is to hold; the PEM texts as they are.
pub struct Entry<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The URL of the API server.
    pub server: &'a str,
    /// The CA certificates.
    pub authorities: &'a str,
    /// The client certificate.
    pub certificate: &'a str,
    /// The client key.
    pub key: &'a [u8],
}
