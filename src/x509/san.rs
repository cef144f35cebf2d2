//! Subject alternative names (RFC 5280, 4.2.1.6).

use std::fmt;
use std::net::IpAddr;

/// One subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum San {
    /// dNSName.
    Dns(String),
    /// rfc822Name.
    Email(String),
    /// iPAddress.
    Ip(IpAddr),
    /// Another kind: the GeneralName as it stands, DER.
    Other(Vec<u8>),
    /// uniformResourceIdentifier.
    Uri(String),
}

impl fmt::Display for San {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(text) | Self::Email(text) | Self::Uri(text) => out.write_str(text),
            Self::Ip(address) => address.fmt(out),
            Self::Other(_) => out.write_str("another kind of name"),
        }
    }
}
