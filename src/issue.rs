//! Spec + issuer → checked certificate. The only place where rcgen encodes and a CA key signs.
//!
//! A certificate leaves this room only as [`Issued`], which exists only after its DER was parsed
//! again and held against its spec, its issuer's raw subject and its signature.
//!
//! rcgen keeps names as maps and orders extensions in its own way, so it is given every extension
//! ready made, in kubeadm's order, and a key that does not sign; the exact bytes of both names are
//! then put into the part to be signed, and the CA's key signs that.

use anyhow::{Context, Result, bail, ensure};
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, IsCa, PublicKeyData, SerialNumber,
};
use time::OffsetDateTime;

use crate::der;
use crate::diff::End;
use crate::key::{KeyAlgorithm, PrivateKey, PublicKey};
use crate::spec::{BACKDATE, CertificateSpec, Kind};
use crate::x509::Extension;
use crate::x509::cert::Certificate;
use crate::x509::name::Name;
use crate::x509::serial::Serial;
use crate::x509::usage::KeyUsage;
use crate::x509::validity::{self, Validity};
use crate::x509::{san, usage};

/// Object identifiers of the extensions (RFC 5280 section 4.2.1, arc 2.5.29).
const SUBJECT_KEY_IDENTIFIER: &[u64] = &[2, 5, 29, 14];
const KEY_USAGE: &[u64] = &[2, 5, 29, 15];
const SUBJECT_ALTERNATIVE_NAME: &[u64] = &[2, 5, 29, 17];
const BASIC_CONSTRAINTS: &[u64] = &[2, 5, 29, 19];
const AUTHORITY_KEY_IDENTIFIER: &[u64] = &[2, 5, 29, 35];
const EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37];

/// A certificate that was made here and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued(Certificate);

impl Issued {
    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.0
    }
}

/// A CA certificate and its key.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    /// The certificate whose subject becomes the issuer.
    pub certificate: &'a Certificate,
    /// Its key.
    pub key: &'a PrivateKey,
}

/// From five minutes ago to the end of the spec's validity, and not beyond `issuer`'s end, which is that of
/// the first to end above it.
pub fn validity(
    spec: &CertificateSpec,
    issuer: Option<End<'_>>,
    now: OffsetDateTime,
) -> Result<Validity> {
    // Certificates count whole seconds.
    let whole = |time: OffsetDateTime| time.replace_nanosecond(0).context("the clock's time");
    let now = whole(now)?;
    let mut not_after = whole(validity::end(now, spec.validity))?;
    ensure!(not_after > now, "the validity is less than a second");
    if let Some(End {
        certificate: ca,
        at: end,
    }) = issuer
    {
        let begin = ca.validity.not_before;
        ensure!(end > now, "the CA \"{}\" has ended", ca.subject);
        ensure!(begin <= now, "the CA \"{}\" is not yet valid", ca.subject);
        not_after = not_after.min(end);
    }
    Ok(Validity {
        not_before: now - BACKDATE,
        not_after,
    })
}

/// Issues a CA certificate for `key`, signed by itself.
pub fn root(
    spec: &CertificateSpec,
    key: &PrivateKey,
    serial: Serial,
    validity: Validity,
) -> Result<Issued> {
    let template = Template {
        spec,
        public_key: key.public_key(),
        issuer: &spec.subject,
        authority: None,
        serial,
        validity,
    };
    template.issue(key)
}

/// Issues a leaf for `public_key`.
pub fn leaf(
    spec: &CertificateSpec,
    public_key: &PublicKey,
    issuer: Issuer<'_>,
    serial: Serial,
    validity: Validity,
) -> Result<Issued> {
    let ca = issuer.certificate;
    ensure!(
        ca.public_key == *issuer.key.public_key(),
        "the key is not the one of the CA \"{}\"",
        ca.subject
    );
    ensure!(ca.is_ca(), "\"{}\" is not a CA", ca.subject);
    ensure!(
        ca.key_usage
            .is_none_or(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN)),
        "the CA \"{}\" may not sign: its key usage lacks keyCertSign",
        ca.subject
    );
    ensure!(
        validity.not_after <= ca.validity.not_after,
        "the leaf would outlive its CA \"{}\"",
        ca.subject
    );
    let template = Template {
        spec,
        public_key,
        issuer: &ca.subject,
        authority: ca.subject_key_identifier.as_deref(),
        serial,
        validity,
    };
    template.issue(issuer.key)
}

/// Everything that stands in the part to be signed.
struct Template<'a> {
    spec: &'a CertificateSpec,
    public_key: &'a PublicKey,
    issuer: &'a Name,
    /// The issuer's subject key identifier. Without it there is no authority key identifier, as
    /// kubeadm does; issuer and serial are never written into it.
    authority: Option<&'a [u8]>,
    serial: Serial,
    validity: Validity,
}

impl Template<'_> {
    fn issue(self, key: &PrivateKey) -> Result<Issued> {
        let tbs = self.to_be_signed(key)?;
        let signature = key.sign(&tbs)?;
        let (sequence, _) = der::read(&tbs).context("read the part to be signed")?;
        let algorithm =
            der::children(sequence.content).context("read the part to be signed")?[2].raw;
        let bits = [&[0], signature.as_slice()].concat();
        let encoded = der::sequence(&[&tbs, algorithm, &der::tlv(0x03, &bits)]);
        let certificate = Certificate::parse(&encoded).context("read the issued certificate")?;
        self.check(&certificate, key.public_key())?;
        Ok(Issued(certificate))
    }

    /// rcgen's encoding with the exact names in it.
    fn to_be_signed(&self, key: &PrivateKey) -> Result<Vec<u8>> {
        let mut params = CertificateParams::default();
        params.not_before = self.validity.not_before;
        params.not_after = self.validity.not_after;
        params.serial_number = Some(SerialNumber::from_slice(self.serial.bytes()));
        params.distinguished_name = DistinguishedName::new();
        params.is_ca = IsCa::NoCa;
        let custom = |extension: Extension| {
            let mut custom = CustomExtension::from_oid_content(&extension.oid, extension.value);
            custom.set_criticality(extension.critical);
            custom
        };
        params.custom_extensions = self.extensions().into_iter().map(custom).collect();
        let issuer = rcgen::Issuer::from_params(&params, Unsigning(key.public_key()));
        let encoded = params
            .signed_by(&Unsigning(self.public_key), &issuer)
            .context("encode the certificate")?;
        let (certificate, _) = der::read(encoded.der()).context("read rcgen's certificate")?;
        let parts = der::children(certificate.content).context("read rcgen's certificate")?;
        let fields = der::children(parts[0].content).context("read rcgen's certificate")?;
        // Version, serial number, signature, issuer, validity, subject, key, extensions:
        // RFC 5280 section 4.1.
        ensure!(
            fields.len() == 8,
            "rcgen wrote {} fields instead of 8",
            fields.len()
        );
        let mut raw: Vec<&[u8]> = fields.iter().map(|field| field.raw).collect();
        raw[3] = self.issuer.der();
        raw[5] = self.spec.subject.der();
        Ok(der::sequence(&raw))
    }

    /// The extensions in kubeadm's order, with the subject key identifier on leaves too. A renewed CA
    /// has those that it had.
    fn extensions(&self) -> Vec<Extension> {
        let spec = self.spec;
        let ca = spec.kind == Kind::Ca;
        let kept = spec.kept.as_ref().map(|kept| kept.extensions.as_slice());
        if let (true, Some(kept)) = (ca, kept) {
            return kept.to_vec();
        }
        let extension = |oid: &[u64], critical: bool, value: Vec<u8>| Extension {
            oid: oid.to_vec(),
            critical,
            value,
        };
        let mut extensions = vec![extension(
            KEY_USAGE,
            true,
            spec.key_usage(self.algorithm()).encode(),
        )];
        if !spec.extended_key_usage().is_empty() {
            let usages = usage::encode(spec.extended_key_usage());
            extensions.push(extension(EXTENDED_KEY_USAGE, false, usages));
        }
        let true_or_default: &[&[u8]] = if ca { &[&[0x01, 0x01, 0xff]] } else { &[] };
        extensions.push(extension(
            BASIC_CONSTRAINTS,
            true,
            der::sequence(true_or_default),
        ));
        let identifier = der::tlv(0x04, &self.public_key.key_identifier());
        extensions.push(extension(SUBJECT_KEY_IDENTIFIER, false, identifier));
        if let Some(authority) = self.authority {
            let identifier = der::sequence(&[&der::tlv(0x80, authority)]);
            extensions.push(extension(AUTHORITY_KEY_IDENTIFIER, false, identifier));
        }
        if !spec.sans.is_empty() {
            extensions.push(extension(
                SUBJECT_ALTERNATIVE_NAME,
                false,
                san::encode(&spec.sans),
            ));
        }
        extensions.extend_from_slice(kept.unwrap_or_default());
        extensions
    }

    fn algorithm(&self) -> KeyAlgorithm {
        self.public_key
            .algorithm()
            .unwrap_or(KeyAlgorithm::EcdsaP256)
    }

    /// What was encoded is what was wanted, field by field.
    fn check(&self, made: &Certificate, signer: &PublicKey) -> Result<()> {
        let spec = self.spec;
        let extensions = made.extensions().context("read the issued extensions")?;
        let checks = [
            ("subject", made.subject == spec.subject),
            ("issuer", made.issuer == *self.issuer),
            ("serial number", made.serial == self.serial),
            ("validity", made.validity == self.validity),
            ("public key", made.public_key == *self.public_key),
        ];
        let read = self.fields(made);
        let raw = [("extension", extensions == self.extensions())];
        let mut all = checks.iter().chain(&read).chain(&raw);
        if let Some((field, _)) = all.find(|(_, right)| !right) {
            bail!(
                "the certificate for \"{}\" came out with another {field} than wanted",
                spec.subject
            );
        }
        made.verify_signature(signer)
            .context("verify the issued certificate")
    }

    /// What the extensions mean to who reads them; those of a renewed CA mean what they meant.
    fn fields(&self, made: &Certificate) -> Vec<(&'static str, bool)> {
        let spec = self.spec;
        let ca = spec.kind == Kind::Ca;
        if ca && spec.kept.is_some() {
            return vec![("basic constraints", made.is_ca())];
        }
        vec![
            (
                "key usage",
                made.key_usage == Some(spec.key_usage(self.algorithm())),
            ),
            (
                "extended key usage",
                made.extended_key_usage == spec.extended_key_usage(),
            ),
            (
                "basic constraints",
                made.basic_constraints.as_ref().is_some_and(|found| {
                    found.ca == ca && found.critical && found.path_length.is_none()
                }),
            ),
            (
                "subject key identifier",
                made.subject_key_identifier.as_deref()
                    == Some(&self.public_key.key_identifier()[..]),
            ),
            (
                "authority key identifier",
                made.authority_key_identifier.as_deref() == self.authority,
            ),
            ("SAN", made.sans == spec.sans),
            (
                "list of extensions",
                made.extension_oids == self.extension_oids(),
            ),
        ]
    }

    /// The object identifiers of [`Self::extensions`], dotted.
    fn extension_oids(&self) -> Vec<String> {
        let dotted = |extension: Extension| {
            let arcs: Vec<String> = extension.oid.iter().map(u64::to_string).collect();
            arcs.join(".")
        };
        self.extensions().into_iter().map(dotted).collect()
    }
}

/// A public key in the place of a signing key, so that rcgen encodes and does not sign.
struct Unsigning<'a>(&'a PublicKey);

impl PublicKeyData for Unsigning<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.bit_string()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self.0.algorithm() {
            Some(KeyAlgorithm::EcdsaP256) => &rcgen::PKCS_ECDSA_P256_SHA256,
            Some(KeyAlgorithm::EcdsaP384) => &rcgen::PKCS_ECDSA_P384_SHA384,
            Some(KeyAlgorithm::EcdsaP521) => &rcgen::PKCS_ECDSA_P521_SHA512,
            Some(KeyAlgorithm::Rsa(_)) | None => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

impl rcgen::SigningKey for Unsigning<'_> {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests;
