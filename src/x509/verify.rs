//! The signature of a certificate. With aws-lc-rs, since x509-parser knows no ecdsa-with-SHA512 and thus no CA on P-521.

use std::cell::RefCell;
use std::collections::HashMap;

use anyhow::Context as _;

use super::Certificate;
use crate::key::{PublicKey, broken_signature, unaccepted_signature};

/// The digests of a certificate and of a key.
type Pair = ([u8; 32], [u8; 32]);

thread_local! {
    /// Which certificates verify with which keys, and which do not.
    static VERIFIED: RefCell<HashMap<Pair, bool>> = RefCell::default();
}

impl Certificate {
    /// The algorithm of its signature, where the hash in it is broken.
    pub fn weak_signature(&self) -> Option<&'static str> {
        broken_signature(self.signature_algorithm())
    }

    /// Checks the signature with the issuer's public key. Names, dates and usages are not looked at.
    pub fn verify_signature(&self, issuer: &PublicKey) -> anyhow::Result<()> {
        let verified = issuer.verify(self.signature_algorithm(), self.tbs(), self.signature());
        // Who builds the chain of what was just issued asks the same again, and so does a tree of its few CAs, over and
        // over, each time with the same result.
        VERIFIED.with_borrow_mut(|known| known.insert(self.with(issuer), verified.is_ok()));
        verified.with_context(|| format!("verify the signature on {}", self.subject))
    }

    /// Whether that key made the signature.
    pub fn is_signed_with(&self, issuer: &PublicKey) -> bool {
        let known = VERIFIED.with_borrow(|known| known.get(&self.with(issuer)).copied());
        known.unwrap_or_else(|| self.verify_signature(issuer).is_ok())
    }

    fn with(&self, issuer: &PublicKey) -> Pair {
        (*self.digest(), issuer.fingerprint())
    }

    /// Why its signature is verified with no key at all: its hash is broken, or its kind unknown.
    pub fn unaccepted_signature(&self) -> Option<String> {
        unaccepted_signature(self.signature_algorithm())
    }
}
