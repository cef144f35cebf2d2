//! The signature of a certificate. With aws-lc-rs, since x509-parser knows no ecdsa-with-SHA512 and thus no CA on P-521.

use anyhow::Context as _;

use super::Certificate;
use crate::der;
use crate::key::{PublicKey, unaccepted_signature};

/// Signature algorithms whose hash is broken (RFC 9155; RFC 6151), by object identifier.
const WEAK: [(&str, &str); 6] = [
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.10040.4.3", "dsa-with-sha1"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.3.14.3.2.29", "sha1WithRSASignature"),
];

impl Certificate {
    /// The algorithm of its signature, where the hash in it is broken.
    pub fn weak_signature(&self) -> Option<&'static str> {
        let members = der::sequence_members(self.signature_algorithm()).ok()?;
        let oid = der::oid_text(members.first()?.tagged(der::OBJECT_IDENTIFIER).ok()?).ok()?;
        let (_, name) = WEAK.iter().find(|(weak, _)| *weak == oid)?;
        Some(name)
    }

    /// Checks the signature with the issuer's public key. Names, dates and usages are not looked at.
    pub fn verify_signature(&self, issuer: &PublicKey) -> anyhow::Result<()> {
        issuer
            .verify(self.signature_algorithm(), self.tbs(), self.signature())
            .with_context(|| format!("verify the signature on {}", self.subject))
    }

    /// Why its signature is verified with no key at all: its hash is broken, or its kind unknown.
    pub fn unaccepted_signature(&self) -> Option<String> {
        unaccepted_signature(self.signature_algorithm())
    }
}
