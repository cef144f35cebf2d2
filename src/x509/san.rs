//! Subject alternative names: RFC 5280, section 4.2.1.6.
//!
//! In: names as people write them. Out: [`San`]s in their canonical form, in kubeadm's order, and their DER.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::net::IpAddr;

use crate::der;

/// Longest DNS name that fits the protocol, in characters: RFC 1035, section 2.3.4.
const NAME_MAX: usize = 253;
/// Longest label of a DNS name, in characters: RFC 1035, section 2.3.4.
const LABEL_MAX: usize = 63;

/// One subject alternative name.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum San {
    /// A DNS name; a leading `*.` stands for one label: RFC 6125, section 6.4.3.
    Dns(String),
    /// An e-mail address (rfc822Name).
    Email(String),
    /// An address, never one that is an IPv4 address mapped into IPv6.
    Ip(IpAddr),
    /// Any other GeneralName, as its whole DER.
    Other(Vec<u8>),
    /// A URI.
    Uri(String),
}

impl San {
    /// Reads an address or a DNS name as a flag or a configuration file gives it; the error is the reason.
    ///
    /// Addresses become canonical, names lower case. More is refused than kubeadm refuses: addresses with leading zeros,
    /// labels over 63 characters, and names such as `10.0.0.256`, which no client asks for.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Ip(address.to_canonical()));
        }
        if let Some(hint) = shape(text) {
            return Err(hint);
        }
        let name = text.to_ascii_lowercase();
        let fixed = name.strip_prefix("*.").unwrap_or(&name);
        dns_subdomain(fixed)?;
        if name.len() > NAME_MAX {
            return Err(too_long(name.len()));
        }
        if fixed.contains('.') && ends_in_number(fixed) {
            return Err("is no address, and no DNS name ends in a label of digits alone".into());
        }
        Ok(Self::Dns(name))
    }
}

impl San {
    /// Reads it as [`fmt::Display`] shows it: with its kind, where a flag would mean something else or
    /// nothing; the error is the reason.
    pub fn from_shown(text: &str) -> Result<Self, String> {
        let ascii = |text: &str| {
            let whole = text.is_ascii() && !text.is_empty();
            whole
                .then(|| text.to_owned())
                .ok_or_else(|| "is empty, or has characters outside ASCII".to_owned())
        };
        match text.split_once(':') {
            Some(("DNS", name)) => ascii(name).map(Self::Dns),
            Some(("URI", uri)) => ascii(uri).map(Self::Uri),
            Some(("email", address)) => ascii(address).map(Self::Email),
            Some(("other", octets)) => general(octets)
                .map(Self::Other)
                .ok_or_else(|| "is no GeneralName in hexadecimal".to_owned()),
            _ => Self::parse(text),
        }
    }
}

/// One GeneralName of another kind.
fn general(hexadecimal: &str) -> Option<Vec<u8>> {
    let octet = |index| u8::from_str_radix(hexadecimal.get(index..index + 2)?, 16).ok();
    let octets: Option<Vec<u8>> = (0..hexadecimal.len()).step_by(2).map(octet).collect();
    let octets = octets?;
    der::only(&octets).ok()?;
    Some(octets)
}

/// As a flag gives it; with its kind, as OpenSSL calls that, where a flag would mean something else
/// or nothing: no two are shown alike.
impl fmt::Display for San {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |text: &str| Self::parse(text).as_ref() == Ok(self);
        match self {
            Self::Dns(name) if plain(name) => f.write_str(name),
            Self::Dns(name) => write!(f, "DNS:{name}"),
            Self::Email(address) => write!(f, "email:{address}"),
            Self::Ip(address) => address.fmt(f),
            Self::Other(raw) => {
                f.write_str("other:")?;
                raw.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
            Self::Uri(uri) => write!(f, "URI:{uri}"),
        }
    }
}

/// Whether the text is a DNS-1123 subdomain, Kubernetes' rule for names: lower case, 253 characters at most; the error
/// is the reason.
pub fn dns_subdomain(text: &str) -> Result<(), String> {
    if text.len() > NAME_MAX {
        return Err(too_long(text.len()));
    }
    text.split('.').try_for_each(dns_label)
}

/// Whether the text is a DNS-1123 label: lower case, 63 characters at most; the error is the reason.
pub fn dns_label(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("has an empty label".into());
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        return Err(match c {
            'A'..='Z' => "has upper case letters: write it in lower case".into(),
            c if !c.is_ascii() => {
                format!("contains {c:?}: write an international name in its xn-- form")
            }
            '.' => "contains '.', and is to be one label of letters, digits and '-'".into(),
            c => format!("contains {c:?}: a DNS name has letters, digits, '-' and '.' only"),
        });
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err(format!(
            "has the label {text:?}, which starts or ends with '-'"
        ));
    }
    if text.len() > LABEL_MAX {
        return Err(format!(
            "has a label of {} characters: {LABEL_MAX} are the most",
            text.len()
        ));
    }
    Ok(())
}

/// Whether the last label has digits only: such a name is taken for an address by what resolves it.
pub(crate) fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    !last.is_empty() && last.bytes().all(|octet| octet.is_ascii_digit())
}

/// Why an IPv4 address with leading zeros is refused.
pub(crate) const LEADING_ZEROS: &str =
    "has leading zeros, which some programs take for octal: leave them out";

/// Whether the text is an IPv4 address but for leading zeros.
pub(crate) fn leading_zeros(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 4
        && parts
            .iter()
            .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
        && parts
            .iter()
            .any(|part| part.len() > 1 && part.starts_with('0'))
}

/// The SANs in kubeadm's order, each once: DNS names bytewise, then addresses, then all others as they came.
pub fn ordered(sans: Vec<San>) -> Vec<San> {
    let (names, rest): (BTreeSet<San>, Vec<San>) = split(sans, |san| matches!(san, San::Dns(_)));
    let (addresses, others): (Vec<San>, Vec<San>) = split(rest, |san| matches!(san, San::Ip(_)));
    let mut seen = HashSet::new();
    names
        .into_iter()
        .chain(addresses)
        .chain(others)
        .filter(|san| seen.insert(san.clone()))
        .collect()
}

fn split<A: Default + Extend<San>>(sans: Vec<San>, first: impl Fn(&San) -> bool) -> (A, Vec<San>) {
    let mut taken = A::default();
    let mut left = Vec::new();
    for san in sans {
        if first(&san) {
            taken.extend([san]);
        } else {
            left.push(san);
        }
    }
    (taken, left)
}

/// GeneralNames, the value of the extension, in the order given.
pub fn encode(sans: &[San]) -> Vec<u8> {
    let names: Vec<u8> = sans.iter().flat_map(general_name).collect();
    der::tlv(0x30, &names)
}

fn general_name(san: &San) -> Vec<u8> {
    match san {
        San::Dns(name) => der::tlv(0x82, name.as_bytes()),
        San::Email(address) => der::tlv(0x81, address.as_bytes()),
        San::Ip(address) => match address.to_canonical() {
            IpAddr::V4(v4) => der::tlv(0x87, &v4.octets()),
            IpAddr::V6(v6) => der::tlv(0x87, &v6.octets()),
        },
        San::Other(raw) => raw.clone(),
        San::Uri(uri) => der::tlv(0x86, uri.as_bytes()),
    }
}

/// Why the text cannot be a host, where its shape tells what was meant.
fn shape(text: &str) -> Option<String> {
    let reason = if text.is_empty() {
        "is empty"
    } else if leading_zeros(text) {
        LEADING_ZEROS
    } else if text.contains("://") {
        "is a URL: give its host alone"
    } else if text.starts_with('[') {
        "give an IPv6 address without brackets and port"
    } else if text.contains('/') {
        "is a range: a certificate names single addresses"
    } else if text.contains('%') {
        "has a zone, which means something on one machine only: leave it out"
    } else if text.matches(':').count() == 1 {
        "has a port: give the host alone"
    } else if text.contains(':') {
        "is no IPv6 address"
    } else {
        return None;
    };
    Some(reason.into())
}

fn too_long(length: usize) -> String {
    format!("has {length} characters: {NAME_MAX} are the most")
}

#[cfg(test)]
mod tests;
