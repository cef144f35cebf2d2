//! Requests for certificates (PKCS#10, RFC 2986): reading what others ask for, and asking.
//!
//! In: DER or PEM of somebody else, or a key and what is wanted for it. Out: what is asked for, as plain data. Only the
//! public key of a request ever goes into a certificate.

use std::fmt;
use std::ops::Range;

use anyhow::{Context as _, bail, ensure};
use x509_parser::extensions::X509Extension;
use x509_parser::prelude::FromDer as _;

use super::cert::place;
use super::extension::Extensions;
use super::{BasicConstraints, ExtendedKeyUsage, KeyUsage, Name, San, san, usage};
use crate::der;
use crate::key::{PrivateKey, PublicKey};
use crate::pem::{self, Label};

/// extensionRequest (RFC 2985, 5.4.2), and the one that Windows wrote before it knew that.
const EXTENSION_REQUESTS: [&str; 2] = ["1.2.840.113549.1.9.14", "1.3.6.1.4.1.311.2.1.14"];
const EXTENSION_REQUEST: &[u64] = &[1, 2, 840, 113_549, 1, 9, 14];
/// The extensions that are read (RFC 5280, 4.2.1), in the order in which kubeadm's certificates have them.
const READ: [&[u64]; 5] = [
    &[2, 5, 29, 15],
    &[2, 5, 29, 37],
    &[2, 5, 29, 19],
    &[2, 5, 29, 14],
    &[2, 5, 29, 17],
];

/// What a certificate is asked to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whom it is to be about.
    pub subject: Name,
    /// The names it is to be good for, in their order.
    pub sans: Vec<San>,
    /// What the key is to be used for; none: nothing is asked.
    pub key_usage: Option<KeyUsage>,
    /// What the certificate is to be for; empty: nothing is asked.
    pub extended_key_usage: Vec<ExtendedKeyUsage>,
    /// Whether it is to be a CA; none: nothing is asked.
    pub basic_constraints: Option<BasicConstraints>,
    /// How others are to name its key; none: nothing is asked. OpenSSL asks for one by default.
    pub subject_key_identifier: Option<Vec<u8>>,
}

/// A request as it was read. Two are equal if their DER is.
#[derive(Clone)]
pub struct Request {
    /// What is asked for.
    pub asked: Asked,
    /// The key that it is asked for.
    pub public_key: PublicKey,
    /// The object identifiers of other extensions that are asked for, dotted.
    pub others: Vec<String>,
    der: Vec<u8>,
    signed: Range<usize>,
    signature_algorithm: Range<usize>,
    signature: Range<usize>,
}

impl Request {
    /// Reads one request; octets behind it are an error. Its signature is not checked.
    pub fn parse(der: &[u8]) -> anyhow::Result<Self> {
        Self::read(der).context("read request")
    }

    /// Reads the one request of a file, PEM or as it is (`openssl req -outform DER`).
    pub fn from_file(bytes: &[u8]) -> anyhow::Result<Self> {
        if pem::is_der(bytes) {
            return Self::parse(bytes);
        }
        Self::from_pem(bytes)
    }

    /// Reads the one `CERTIFICATE REQUEST` block of a PEM file.
    pub fn from_pem(bytes: &[u8]) -> anyhow::Result<Self> {
        let blocks = pem::parse(bytes)?;
        let mut requests = blocks
            .iter()
            .filter(|block| block.label == Label::CertificateRequest);
        match (requests.next(), requests.next()) {
            (Some(block), None) => Self::parse(&block.der),
            (None, _) => bail!("no request: a block BEGIN CERTIFICATE REQUEST is expected"),
            (Some(_), Some(_)) => {
                bail!("the file holds more than one request: put each into a file of its own")
            }
        }
    }

    /// Asks for a certificate for `key`, which signs the request.
    pub fn new(asked: &Asked, key: &PrivateKey) -> anyhow::Result<Self> {
        let info = der::sequence(&[
            &der::tlv(der::INTEGER, &[0]),
            asked.subject.der(),
            key.public_key().spki(),
            &attributes(asked),
        ]);
        let bits = [&[0], key.sign(&info)?.as_slice()].concat();
        let encoded = der::sequence(&[
            &info,
            &key.signature_algorithm(),
            &der::tlv(der::BIT_STRING, &bits),
        ]);
        let request = Self::parse(&encoded).context("read the new request")?;
        request.prove_possession()?;
        ensure!(
            request.asked == *asked && request.public_key == *key.public_key(),
            "the request for \"{}\" came out with something else than wanted",
            asked.subject
        );
        Ok(request)
    }

    /// Checks that whoever asks has the private key: the request is signed with it.
    pub fn prove_possession(&self) -> anyhow::Result<()> {
        let algorithm = &self.der[self.signature_algorithm.clone()];
        let signed = &self.der[self.signed.clone()];
        self.public_key
            .verify(algorithm, signed, &self.der[self.signature.clone()])
            .context("verify the request with its own key")
    }

    /// The request, DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// A `CERTIFICATE REQUEST` block.
    pub fn to_pem(&self) -> String {
        pem::encode(Label::CertificateRequest, &self.der).to_string()
    }

    fn read(der: &[u8]) -> anyhow::Result<Self> {
        let members = der::sequence_members(der)?;
        let [info, signature_algorithm, signature] = members.as_slice() else {
            bail!(
                "a request consists of three parts, this has {}",
                members.len()
            );
        };
        signature_algorithm.tagged(der::SEQUENCE)?;
        let signature = der::whole_octets(signature.tagged(der::BIT_STRING)?)?;
        let fields = der::children(info.tagged(der::SEQUENCE)?)?;
        // The attributes may not be left out (RFC 2986, 4.1), and some leave them out.
        let [version, subject, spki, attributes @ ..] = fields.as_slice() else {
            bail!("it is cut short");
        };
        ensure!(
            version.tagged(der::INTEGER)? == [0],
            "the version is not 0, the only one there is"
        );
        let extensions = match attributes {
            [] => Vec::new(),
            [attributes] => requested(attributes.tagged(0xa0)?)?,
            _ => bail!("something follows the attributes"),
        };
        let parsed = extensions
            .iter()
            .map(|raw| match X509Extension::from_der(raw) {
                Ok(([], extension)) => Ok(extension),
                Ok(_) => bail!("octets follow the end of an extension"),
                Err(error) => bail!("read a requested extension: {error}"),
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let extensions = Extensions::parse(&parsed)?;
        let read: Vec<String> = READ.iter().map(|oid| dotted(oid)).collect();
        let mut others = extensions.oids;
        others.retain(|oid| !read.contains(oid));
        Ok(Self {
            asked: Asked {
                subject: Name::from_der(subject.raw).context("read subject")?,
                sans: extensions.sans,
                key_usage: extensions.key_usage,
                extended_key_usage: extensions.extended_key_usage,
                basic_constraints: extensions.basic_constraints,
                subject_key_identifier: extensions.subject_key_identifier,
            },
            public_key: PublicKey::from_spki(spki.raw)?,
            others,
            signed: place(der, info.raw),
            signature_algorithm: place(der, signature_algorithm.raw),
            signature: place(der, signature),
            der: der.to_vec(),
        })
    }
}

/// The requested extensions, DER each. Other attributes, such as a password for the CA, ask for nothing.
fn requested(attributes: &[u8]) -> anyhow::Result<Vec<&[u8]>> {
    let mut found = None;
    for attribute in der::children(attributes)? {
        let members = der::children(attribute.tagged(der::SEQUENCE)?)?;
        let [kind, values] = members.as_slice() else {
            bail!("an attribute consists of a kind and values");
        };
        let kind = der::oid_text(kind.tagged(der::OBJECT_IDENTIFIER)?)?;
        let values = der::children(values.tagged(der::SET)?)?;
        if !EXTENSION_REQUESTS.contains(&kind.as_str()) {
            continue;
        }
        let [extensions] = values.as_slice() else {
            bail!("the list of extensions is not one value");
        };
        let extensions = der::children(extensions.tagged(der::SEQUENCE)?)?;
        ensure!(found.is_none(), "it has two lists of extensions");
        found = Some(
            extensions
                .iter()
                .map(|extension| extension.raw)
                .collect::<Vec<_>>(),
        );
    }
    Ok(found.unwrap_or_default())
}

/// The attributes, tagged `[0]`, which is there even with nothing in it.
fn attributes(asked: &Asked) -> Vec<u8> {
    let [
        key_usage,
        extended_key_usage,
        basic_constraints,
        subject_key_identifier,
        sans,
    ] = READ;
    let mut extensions = Vec::new();
    if let Some(usage) = asked.key_usage {
        extensions.extend(extension(key_usage, true, &usage.encode()));
    }
    if !asked.extended_key_usage.is_empty() {
        let usages = usage::encode(&asked.extended_key_usage);
        extensions.extend(extension(extended_key_usage, false, &usages));
    }
    if let Some(constraints) = asked.basic_constraints {
        let value = constraints.encode();
        extensions.extend(extension(basic_constraints, constraints.critical, &value));
    }
    if let Some(identifier) = &asked.subject_key_identifier {
        let value = der::tlv(der::OCTET_STRING, identifier);
        extensions.extend(extension(subject_key_identifier, false, &value));
    }
    if !asked.sans.is_empty() {
        extensions.extend(extension(sans, false, &san::encode(&asked.sans)));
    }
    if extensions.is_empty() {
        return der::tlv(0xa0, &[]);
    }
    let value = der::tlv(der::SEQUENCE, &extensions);
    let attribute = der::sequence(&[&der::oid(EXTENSION_REQUEST), &der::tlv(der::SET, &value)]);
    der::tlv(0xa0, &attribute)
}

fn extension(oid: &[u64], critical: bool, value: &[u8]) -> Vec<u8> {
    let marked = der::tlv(der::BOOLEAN, &[0xff]);
    der::sequence(&[
        &der::oid(oid),
        if critical { &marked } else { &[] },
        &der::tlv(der::OCTET_STRING, value),
    ])
}

fn dotted(oid: &[u64]) -> String {
    let arcs: Vec<String> = oid.iter().map(u64::to_string).collect();
    arcs.join(".")
}

impl fmt::Debug for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Request")
            .field("asked", &self.asked)
            .field("key", &self.public_key.kind())
            .finish_non_exhaustive()
    }
}

impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Request {}

#[cfg(test)]
mod tests;
