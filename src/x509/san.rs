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
mod tests {
    use super::*;

    fn dns(name: &str) -> San {
        San::Dns(name.into())
    }

    fn ip(text: &str) -> San {
        San::Ip(text.parse().unwrap())
    }

    #[test]
    fn addresses_become_canonical() {
        for (text, canonical) in [
            ("10.0.0.1", "10.0.0.1"),
            ("2001:DB8:0::1", "2001:db8::1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
        ] {
            let san = San::parse(text).unwrap();
            assert!(matches!(san, San::Ip(_)), "{text}");
            assert_eq!(san.to_string(), canonical);
        }
    }

    #[test]
    fn what_is_shown_is_read_as_what_it_was() {
        for san in [
            dns("a.example"),
            dns("UPPER.example"),
            ip("fd00::1"),
            San::Uri("spiffe://x/y".into()),
            San::Email("a@example.com".into()),
            San::Other(vec![0x88, 2, 0x2a, 3]),
        ] {
            assert_eq!(San::from_shown(&san.to_string()), Ok(san));
        }
        for wrong in [
            "other:88022a",
            "other:8",
            "other:zz",
            "URI:",
            "email:\u{fc}@x",
            "a_b",
        ] {
            assert!(San::from_shown(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_become_lower_case() {
        for (text, name) in [
            ("API.Example.COM", "api.example.com"),
            ("*.Z.example.com", "*.z.example.com"),
            ("xn--80ak6aa92e.com", "xn--80ak6aa92e.com"),
            ("12345", "12345"),
            ("1.example", "1.example"),
        ] {
            assert_eq!(San::parse(text), Ok(dns(name)));
        }
    }

    #[test]
    fn what_is_neither_name_nor_address_is_refused_with_its_reason() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long_name = ["a".repeat(63).as_str(); 4].join(".");
        let long_wildcard = format!("*.{}", &long_name[..252]);
        for (text, reason) in [
            ("", "is empty"),
            ("bad_name.example.com", "'_'"),
            ("ex ample", "' '"),
            ("foo!", "'!'"),
            ("*", "'*'"),
            ("*.*.example.com", "'*'"),
            ("a.*.example.com", "'*'"),
            ("https://api.example.com:6443", "URL"),
            ("api.example.com:6443", "port"),
            ("[::1]:6443", "brackets"),
            ("10.0.0.0/8", "range"),
            ("fe80::1%eth0", "zone"),
            ("1::2::3", "no IPv6 address"),
            ("010.1.2.3", "leading zeros"),
            ("10.0.0.256", "digits alone"),
            ("1.2.3.4.5", "digits alone"),
            ("example.com.", "empty label"),
            ("a..b", "empty label"),
            ("-a.example", "starts or ends with '-'"),
            ("a-.example", "starts or ends with '-'"),
            ("bücher.example", "xn--"),
            (&long_label, "label of 64"),
            (&long_name, "has 255 characters"),
            (&long_wildcard, "has 254 characters"),
        ] {
            let error = San::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_dns_subdomain_has_no_upper_case() {
        assert!(dns_subdomain("cluster.local").is_ok());
        assert!(
            dns_subdomain("Cluster.Local")
                .unwrap_err()
                .contains("upper case")
        );
        assert!(dns_label("a.b").unwrap_err().contains("'.'"));
        assert_eq!(dns_label(&"a".repeat(63)), Ok(()));
    }

    #[test]
    fn names_are_sorted_and_addresses_keep_their_order() {
        let sans = vec![
            ip("10.0.0.9"),
            dns("kubernetes.default"),
            dns("*.z"),
            San::Uri("spiffe://x".into()),
            dns("kubernetes"),
            ip("10.0.0.1"),
            dns("1.z"),
            ip("10.0.0.9"),
            San::Email("a@b".into()),
            dns("kubernetes"),
        ];
        let texts: Vec<String> = ordered(sans).iter().map(San::to_string).collect();
        assert_eq!(
            texts,
            [
                "*.z",
                "1.z",
                "kubernetes",
                "kubernetes.default",
                "10.0.0.9",
                "10.0.0.1",
                "URI:spiffe://x",
                "email:a@b"
            ]
        );
    }

    #[test]
    fn no_two_names_are_shown_alike() {
        let texts = [
            "10.0.0.9",
            "a.example",
            "A.example",
            "a@b",
            "00",
            "::1",
            "DNS:x",
            "x",
        ];
        let mut shown = HashSet::new();
        for text in texts {
            let text = text.to_owned();
            let mut sans = vec![
                San::Dns(text.clone()),
                San::Email(text.clone()),
                San::Other(text.clone().into_bytes()),
                San::Uri(text.clone()),
            ];
            sans.extend(text.parse().map(San::Ip));
            for san in sans {
                assert!(shown.insert(san.to_string()), "{san:?} is shown as {san}");
            }
        }
        assert!(shown.contains("10.0.0.9") && shown.contains("DNS:10.0.0.9"));
        assert!(shown.contains("a.example") && shown.contains("DNS:A.example"));
    }

    #[test]
    fn general_names_have_the_tags_of_the_standard() {
        let other = vec![0xA4, 0x02, 0x30, 0x00];
        let sans = [
            San::Email("e".into()),
            dns("a"),
            San::Uri("u".into()),
            ip("10.0.0.1"),
            ip("::ffff:10.0.0.1"),
            ip("::1"),
            San::Other(other.clone()),
        ];
        let mut content = vec![0x81, 1, b'e', 0x82, 1, b'a', 0x86, 1, b'u'];
        content.extend([0x87, 4, 10, 0, 0, 1, 0x87, 4, 10, 0, 0, 1, 0x87, 16]);
        content.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        content.extend(&other);
        let mut expected = vec![0x30, u8::try_from(content.len()).unwrap()];
        expected.extend(content);
        assert_eq!(encode(&sans), expected);
        assert_eq!(San::Other(other).to_string(), "other:a4023000");
    }
}
