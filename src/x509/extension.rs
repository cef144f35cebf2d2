//! The extensions of a certificate that Kubernetes reads, decoded (RFC 5280, 4.2.1).

use std::collections::HashSet;
use std::net::IpAddr;

use anyhow::{Context as _, bail, ensure};
use x509_parser::extensions::{ParsedExtension, X509Extension};

use super::cert::BasicConstraints;
use super::serial::Serial;
use super::{ExtendedKeyUsage, KeyUsage, NameConstraints, San};
use crate::der;

/// The most names that one extension is read with. There is room for a hundred thousand in a file, each
/// of which is held against all that are wanted or permitted; no certificate in use has so many.
pub(crate) const MOST_NAMES: usize = 5000;

/// What the extensions say.
#[derive(Clone, Debug, Default)]
pub(super) struct Extensions {
    pub authority_key_identifier: Option<Vec<u8>>,
    pub authority_serial: Option<Serial>,
    pub basic_constraints: Option<BasicConstraints>,
    pub extended_key_usage: Vec<ExtendedKeyUsage>,
    pub key_usage: Option<KeyUsage>,
    pub name_constraints: Option<NameConstraints>,
    pub oids: Vec<String>,
    pub sans: Vec<San>,
    pub subject_key_identifier: Option<Vec<u8>>,
    pub unknown_critical: Vec<String>,
}

impl Extensions {
    /// Decodes all; two of one kind are an error.
    pub(super) fn parse(extensions: &[X509Extension<'_>]) -> anyhow::Result<Self> {
        let mut all = Self::default();
        let mut seen = HashSet::new();
        for extension in extensions {
            let oid = extension.oid.to_id_string();
            ensure!(seen.insert(oid.clone()), "the extension {oid} occurs twice");
            all.take(&oid, extension)
                .with_context(|| format!("read extension {oid}"))?;
            all.oids.push(oid);
        }
        Ok(all)
    }

    fn take(&mut self, oid: &str, extension: &X509Extension<'_>) -> anyhow::Result<()> {
        let known = ["2.5.29.14", "2.5.29.15", "2.5.29.19", "2.5.29.35"].contains(&oid);
        if known {
            // The parser passes over octets behind the value.
            der::only(extension.value)?;
        }
        match (oid, extension.parsed_extension()) {
            ("2.5.29.14", ParsedExtension::SubjectKeyIdentifier(identifier)) => {
                self.subject_key_identifier = Some(identifier.0.to_vec());
            }
            ("2.5.29.15", ParsedExtension::KeyUsage(usage)) => {
                self.key_usage = Some(KeyUsage::from_flags(usage.flags));
            }
            ("2.5.29.17", _) => self.sans = general_names(extension.value)?,
            ("2.5.29.19", ParsedExtension::BasicConstraints(constraints)) => {
                self.basic_constraints = Some(BasicConstraints {
                    ca: constraints.ca,
                    path_length: constraints.path_len_constraint,
                    critical: extension.critical,
                });
            }
            ("2.5.29.30", _) => {
                let constraints = NameConstraints::parse(extension.value)?;
                if extension.critical && !constraints.read_by_kubernetes() {
                    self.unknown_critical.push(oid.into());
                }
                self.name_constraints = Some(constraints);
            }
            ("2.5.29.35", ParsedExtension::AuthorityKeyIdentifier(identifier)) => {
                // One that is no serial number names no certificate.
                let serial = identifier.authority_cert_serial;
                self.authority_serial =
                    serial.and_then(|octets| Serial::from_der_content(octets).ok());
                let identifier = identifier.key_identifier.as_ref();
                self.authority_key_identifier = identifier.map(|octets| octets.0.to_vec());
            }
            ("2.5.29.37", _) => self.extended_key_usage = key_purposes(extension.value)?,
            _ if known => bail!("it is not encoded as RFC 5280 demands"),
            _ if extension.critical && !READ_BY_KUBERNETES.contains(&oid) => {
                self.unknown_critical.push(oid.into());
            }
            _ => {}
        }
        Ok(())
    }
}

/// Extensions that are not decoded here but that Go's verifier, and with it Kubernetes, knows: CRL
/// distribution points, certificate policies, policy mappings, policy constraints, inhibit anyPolicy.
const READ_BY_KUBERNETES: [&str; 5] = [
    "2.5.29.31",
    "2.5.29.32",
    "2.5.29.33",
    "2.5.29.36",
    "2.5.29.54",
];

/// ExtKeyUsageSyntax. The parser loses the order, which is kept for `renew`.
fn key_purposes(value: &[u8]) -> anyhow::Result<Vec<ExtendedKeyUsage>> {
    let purpose = |member: der::Element<'_>| {
        let arcs = der::oid_arcs(member.tagged(der::OBJECT_IDENTIFIER)?)?;
        let arcs: Result<Vec<u64>, _> = arcs.into_iter().map(u64::try_from).collect();
        let arcs = arcs
            .ok()
            .context("an arc of an object identifier is over 64 bits")?;
        Ok(ExtendedKeyUsage::from_oid(arcs))
    };
    der::sequence_members(value)?
        .into_iter()
        .map(purpose)
        .collect()
}

/// GeneralNames. Those of other kinds are kept as they stand, which the parser cannot do.
fn general_names(value: &[u8]) -> anyhow::Result<Vec<San>> {
    let text = |octets: &[u8]| {
        ensure!(octets.is_ascii(), "a name has octets outside ASCII");
        Ok(String::from_utf8_lossy(octets).into_owned())
    };
    let name = |member: der::Element<'_>| {
        Ok(match member.tag {
            0x81 => San::Email(text(member.content)?),
            0x82 => San::Dns(text(member.content)?),
            0x86 => San::Uri(text(member.content)?),
            0x87 => San::Ip(address(member.content)?),
            _ => San::Other(member.raw.to_vec()),
        })
    };
    let members = der::sequence_members(value)?;
    ensure!(
        members.len() <= MOST_NAMES,
        "it has more than {MOST_NAMES} names"
    );
    members.into_iter().map(name).collect()
}

/// A v4-mapped address is the IPv4 address: Go compares the two as equal.
fn address(octets: &[u8]) -> anyhow::Result<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Ok(octets.into());
    }
    let octets = <[u8; 16]>::try_from(octets)
        .ok()
        .context("an IP address has not 4 or 16 octets")?;
    Ok(IpAddr::from(octets).to_canonical())
}

/// An extension as it stands in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extension {
    /// The arcs of its object identifier.
    pub oid: Vec<u64>,
    /// Whether who does not know it must refuse the certificate.
    pub critical: bool,
    /// Its value, DER.
    pub value: Vec<u8>,
}

impl Extension {
    /// Reads the member of `Extensions` (RFC 5280, 4.1).
    pub(super) fn read(member: &der::Element<'_>) -> anyhow::Result<Self> {
        let parts = der::children(member.tagged(der::SEQUENCE)?)?;
        let (oid, critical, value) = match parts.as_slice() {
            [oid, value] => (oid, false, value),
            [oid, critical, value] => (oid, critical.tagged(der::BOOLEAN)? != [0], value),
            _ => bail!("an extension has not two or three parts"),
        };
        let arcs = der::oid_arcs(oid.tagged(der::OBJECT_IDENTIFIER)?)?;
        let arcs: Result<Vec<u64>, _> = arcs.into_iter().map(u64::try_from).collect();
        Ok(Self {
            oid: arcs
                .ok()
                .context("an arc of an object identifier is over 64 bits")?,
            critical,
            value: value.tagged(der::OCTET_STRING)?.to_vec(),
        })
    }
}
