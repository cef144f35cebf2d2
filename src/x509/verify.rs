//! The signature of a certificate. With aws-lc-rs, since x509-parser knows no ecdsa-with-SHA512 and thus no CA on P-521.

use std::cell::RefCell;
use std::collections::HashSet;

use anyhow::Context as _;

use super::Certificate;
use crate::key::{PublicKey, broken_signature, sha256, unaccepted_signature};

thread_local! {
    /// Which certificates verify with which keys: the digest of both.
    static VERIFIED: RefCell<HashSet<[u8; 32]>> = RefCell::default();
}

impl Certificate {
    /// The algorithm of its signature, where the hash in it is broken.
    pub fn weak_signature(&self) -> Option<&'static str> {
        broken_signature(self.signature_algorithm())
    }

    /// Checks the signature with the issuer's public key. Names, dates and usages are not looked at.
    pub fn verify_signature(&self, issuer: &PublicKey) -> anyhow::Result<()> {
        // A tree's few CAs are asked of over and over, each time with the same result. Where the one ends and the other
        // begins DER tells.
        let asked = sha256(&[self.der(), issuer.spki()].concat());
        if VERIFIED.with_borrow(|known| known.contains(&asked)) {
            return Ok(());
        }
        issuer
            .verify(self.signature_algorithm(), self.tbs(), self.signature())
            .with_context(|| format!("verify the signature on {}", self.subject))?;
        VERIFIED.with_borrow_mut(|known| known.insert(asked));
        Ok(())
    }

    /// Why its signature is verified with no key at all: its hash is broken, or its kind unknown.
    pub fn unaccepted_signature(&self) -> Option<String> {
        unaccepted_signature(self.signature_algorithm())
    }
}
