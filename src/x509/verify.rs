//! The signature of a certificate. With aws-lc-rs, since x509-parser knows no ecdsa-with-SHA512 and thus no CA on P-521.

use anyhow::Context as _;

use super::Certificate;
use crate::key::{PublicKey, broken_signature, unaccepted_signature};

impl Certificate {
    /// The algorithm of its signature, where the hash in it is broken.
    pub fn weak_signature(&self) -> Option<&'static str> {
        broken_signature(self.signature_algorithm())
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
