//! Reading certificates (RFC 5280, 4.1): the one user of x509-parser.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use anyhow::{Context as _, anyhow, ensure};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::extension::{Extension, Extensions};
use super::{ExtendedKeyUsage, KeyUsage, Name, NameConstraints, San, Serial, Validity};
use crate::der;
use crate::key::{PublicKey, hex, sha256};
use crate::pem::{self, Label};

/// The tag of a certificate's extensions, `[3]`.
const EXTENSIONS: u8 = 0xa3;

/// More files of CAs than a cluster has are read again.
const MOST_KNOWN: usize = 64;

thread_local! {
    /// The certificates of files of CAs by the files' digests: of many nodes each has the same ones several times over.
    static KNOWN: RefCell<HashMap<[u8; 32], Vec<Certificate>>> = RefCell::default();
}

/// Basic constraints (RFC 5280, 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BasicConstraints {
    /// Whether the subject is a CA.
    pub ca: bool,
    /// How many CAs may follow below it; none given: any number.
    pub path_length: Option<u32>,
    /// Whether the extension is marked critical.
    pub critical: bool,
}

impl BasicConstraints {
    /// The value of the extension, DER.
    pub(super) fn encode(self) -> Vec<u8> {
        let ca = der::tlv(der::BOOLEAN, &[0xff]);
        let length = self.path_length.map(|length| {
            // Positive: a leading zero stands before a bit that would be the sign.
            let octets = length.to_be_bytes();
            let zeros = octets.iter().take_while(|octet| **octet == 0).count();
            let significant = &octets[zeros.min(3)..];
            let sign: &[u8] = if significant[0] >= 0x80 { &[0] } else { &[] };
            der::tlv(der::INTEGER, &[sign, significant].concat())
        });
        der::sequence(&[
            if self.ca { &ca } else { &[] },
            length.as_deref().unwrap_or_default(),
        ])
    }
}

/// A certificate as it was read. Two are equal if their DER is.
#[derive(Clone)]
pub struct Certificate {
    /// The version as people count it: 1, 2 or 3.
    pub version: u32,
    /// Whom it is about.
    pub subject: Name,
    /// Who signed it, by its own words.
    pub issuer: Name,
    /// The issuer's number for it.
    pub serial: Serial,
    /// From when to when.
    pub validity: Validity,
    /// The subject's key.
    pub public_key: PublicKey,
    /// What the key may do; none given: anything.
    pub key_usage: Option<KeyUsage>,
    /// What the certificate is for, in its order; empty: anything.
    pub extended_key_usage: Vec<ExtendedKeyUsage>,
    /// Whether it is a CA.
    pub basic_constraints: Option<BasicConstraints>,
    /// The names that certificates below it may have.
    pub name_constraints: Option<NameConstraints>,
    /// The subject key identifier.
    pub subject_key_identifier: Option<Vec<u8>>,
    /// The keyIdentifier of the authority key identifier.
    pub authority_key_identifier: Option<Vec<u8>>,
    /// The authorityCertSerialNumber of the authority key identifier: which certificate of its CA's key
    /// is meant (RFC 5280 section 4.2.1.1).
    pub authority_serial: Option<Serial>,
    /// The subject alternative names, in their order and spelling.
    pub sans: Vec<San>,
    /// The object identifiers of all extensions, dotted, in their order.
    pub extension_oids: Vec<String>,
    /// The object identifiers of critical extensions that Kubernetes does not know: it refuses such a certificate
    /// (RFC 5280, 4.2).
    pub unknown_critical: Vec<String>,
    der: Vec<u8>,
    /// SHA-256 of `der`.
    digest: [u8; 32],
    tbs: Range<usize>,
    signature_algorithm: Range<usize>,
    signature: Range<usize>,
}

/// Whether who trusts `held` trusts one of these CAs.
pub fn trusts_any(held: &[Certificate], cas: &[Certificate]) -> bool {
    held.iter()
        .any(|held| cas.iter().any(|ca| held.stands_for(ca)))
}

impl Certificate {
    /// Reads one certificate, of version 1 to 3; octets behind it are an error. Its signature is not checked.
    pub fn parse(der: &[u8]) -> anyhow::Result<Self> {
        Self::read(der).context("read certificate")
    }

    /// Reads every `CERTIFICATE` block of a PEM file, in order; an error if there is none.
    pub fn from_pem(bytes: &[u8]) -> anyhow::Result<Vec<Self>> {
        let digest = sha256(bytes);
        if let Some(read) = KNOWN.with_borrow(|known| known.get(&digest).cloned()) {
            return Ok(read);
        }
        let blocks = pem::certificates(bytes)?;
        let read: Vec<Self> = blocks
            .iter()
            .map(|der| Self::parse(der))
            .collect::<anyhow::Result<_>>()?;
        KNOWN.with_borrow_mut(|known| {
            if known.len() < MOST_KNOWN && read.iter().all(Self::is_ca) {
                known.insert(digest, read.clone());
            }
        });
        Ok(read)
    }

    /// The certificate, DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of it, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        hex(&self.digest)
    }

    /// The same as it is.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The part that is signed, DER.
    pub fn tbs(&self) -> &[u8] {
        &self.der[self.tbs.clone()]
    }

    /// Whether it is of the same CA: that is its name and its key, whichever of its certificates it is.
    pub fn is_same_ca(&self, other: &Self) -> bool {
        self.subject == other.subject && self.public_key == other.public_key
    }

    /// Whether who trusts it trusts what `ca` signed, be it this or another certificate of that CA: name and key are what
    /// leaves are verified by (RFC 5280 section 6.1.1), and the key identifier is what OpenSSL and GnuTLS find it by.
    pub fn stands_for(&self, ca: &Self) -> bool {
        self.is_same_ca(ca) && self.subject_key_identifier == ca.subject_key_identifier
    }

    /// Whether it says that it may sign certificates: basic constraints with CA:TRUE.
    pub fn is_ca(&self) -> bool {
        self.basic_constraints
            .is_some_and(|constraints| constraints.ca)
    }

    /// A `CERTIFICATE` block.
    pub fn to_pem(&self) -> String {
        pem::encode(Label::Certificate, &self.der).to_string()
    }

    /// The extensions as they stand in it, in their order. That they can be read was seen when it was.
    pub fn extensions(&self) -> anyhow::Result<Vec<Extension>> {
        let tbs = der::only(self.tbs())?;
        let fields = der::children(tbs.tagged(der::SEQUENCE)?)?;
        let Some(field) = fields.iter().find(|field| field.tag == EXTENSIONS) else {
            return Ok(Vec::new());
        };
        der::sequence_members(field.content)?
            .iter()
            .map(Extension::read)
            .collect()
    }

    /// The AlgorithmIdentifier of the signature, DER.
    pub(super) fn signature_algorithm(&self) -> &[u8] {
        &self.der[self.signature_algorithm.clone()]
    }

    /// The octets of the signature.
    pub(super) fn signature(&self) -> &[u8] {
        &self.der[self.signature.clone()]
    }

    fn read(der: &[u8]) -> anyhow::Result<Self> {
        let members = der::sequence_members(der)?;
        let [tbs, signature_algorithm, signature] = members.as_slice() else {
            return Err(anyhow!(
                "a certificate consists of three parts, this has {}",
                members.len()
            ));
        };
        let signature = der::whole_octets(signature.tagged(der::BIT_STRING)?)?;
        let fields = der::children(tbs.tagged(der::SEQUENCE)?)?;
        // A version, tagged [0], comes first if it is not 1. Names and key are taken from here: what the
        // parser gives as their octets ends early where it stops at something malformed.
        let versioned = fields.first().is_some_and(|field| field.tag == 0xa0);
        let [serial, inner_algorithm, issuer, _, subject, spki, ..] =
            &fields[usize::from(versioned)..]
        else {
            return Err(anyhow!("it is cut short"));
        };
        ensure!(
            inner_algorithm.raw == signature_algorithm.raw,
            "the signature algorithm is not the one that the signed part names"
        );
        let (_, parsed) = X509Certificate::from_der(der).map_err(|error| anyhow!("{error}"))?;
        ensure!(parsed.version.0 <= 2, "the version is not 1, 2 or 3");
        // Go passes over what they say (RFC 5280 section 4.1.2.9).
        ensure!(
            parsed.version.0 == 2 || parsed.extensions().is_empty(),
            "it has extensions, which only version 3 has, and is of version {}",
            parsed.version.0 + 1
        );
        let extensions = Extensions::parse(parsed.extensions())?;
        let validity = Validity {
            not_before: parsed.validity.not_before.to_datetime(),
            not_after: parsed.validity.not_after.to_datetime(),
        };
        Ok(Self {
            version: parsed.version.0 + 1,
            subject: Name::from_der(subject.raw).context("read subject")?,
            issuer: Name::from_der(issuer.raw).context("read issuer")?,
            serial: Serial::from_der_content(serial.tagged(der::INTEGER)?)?,
            validity,
            public_key: PublicKey::from_spki(spki.raw)?,
            key_usage: extensions.key_usage,
            extended_key_usage: extensions.extended_key_usage,
            basic_constraints: extensions.basic_constraints,
            name_constraints: extensions.name_constraints,
            subject_key_identifier: extensions.subject_key_identifier,
            authority_key_identifier: extensions.authority_key_identifier,
            authority_serial: extensions.authority_serial,
            sans: extensions.sans,
            extension_oids: extensions.oids,
            unknown_critical: extensions.unknown_critical,
            tbs: place(der, tbs.raw),
            signature_algorithm: place(der, signature_algorithm.raw),
            signature: place(der, signature),
            der: der.to_vec(),
            digest: sha256(der),
        })
    }
}

/// What tells one certificate from another, not the octets.
impl fmt::Debug for Certificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Certificate")
            .field("subject", &self.subject)
            .field("issuer", &self.issuer)
            .field("serial", &self.serial.to_string())
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

/// Where in `whole` a slice of it lies.
pub(super) fn place(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr() - whole.as_ptr().addr();
    start..start + part.len()
}

#[cfg(test)]
mod tests;
