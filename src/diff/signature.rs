//! What is judged of a leaf's signature: which CA made it, and whether that one may.

use super::Judge;
use super::chain::{signed_at_any_length, signed_by};
use crate::bundle::{above, may_sign, verifies};
use crate::finding::Code;
use crate::key::KeyAlgorithm;
use crate::spec::Place;
use crate::x509::cert::Certificate;
use crate::x509::validity::moment;

impl Judge<'_> {
    pub(super) fn signature(&mut self, leaf: &Certificate, chain: &[Certificate]) {
        if self.authorities.is_empty() {
            return;
        }
        if let Some(algorithm) = leaf.weak_signature() {
            let text = format!("is signed with {algorithm}");
            self.tell(Code::WeakHash, &text, "");
            return;
        }
        if let Some(reason) = leaf.unaccepted_signature() {
            let text = format!("carries a signature that certs does not verify: {reason}");
            self.tell(Code::BadSignature, &text, "");
            return;
        }
        // A verifier passes over an anchor of a bundle that is not in date or may not sign.
        let usable: Vec<Certificate> = self
            .authorities
            .iter()
            .filter(|ca| self.barred(ca).is_none())
            .cloned()
            .collect();
        // That none is, is told of the CA, and its leaves carry its signature all the same.
        let authorities = if usable.is_empty() {
            self.authorities
        } else {
            &usable
        };
        // No signature of a key that is not supported is verified: that too is told of the CA.
        let verified = |ca: &Certificate| {
            ca.public_key
                .algorithm()
                .is_some_and(KeyAlgorithm::may_sign_certificates)
        };
        if !authorities.iter().any(verified) || signed_by(leaf, chain, authorities) {
            return;
        }
        if signed_at_any_length(leaf, chain, authorities) {
            let text = "leads to its CA through more CAs than a path length allows";
            self.tell(Code::PathLength, text, "");
            return;
        }
        let signer = self
            .authorities
            .iter()
            .find(|ca| signed_at_any_length(leaf, chain, std::slice::from_ref(*ca)));
        if let Some(signer) = signer {
            self.signed_by_barred(signer, &usable);
            return;
        }
        let identified = self.authorities.iter().any(|ca| {
            ca.subject == leaf.issuer
                && leaf.authority_key_identifier.is_some()
                && leaf.authority_key_identifier == ca.subject_key_identifier
        });
        if identified {
            self.tell(
                Code::BadSignature,
                "carries a signature that its CA's key does not verify",
                "",
            );
        } else {
            let (issuer, ca) = (&leaf.issuer, &self.authorities[0].subject);
            let text = if issuer.same_values(ca) {
                format!("was signed by another CA of the same name, \"{ca}\"")
            } else {
                format!("was signed by \"{issuer}\", not by this CA, \"{ca}\"")
            };
            self.tell(Code::NotSigned, &text, "");
        }
    }

    /// Why a verifier passes over this CA, after `which`.
    fn barred(&self, ca: &Certificate) -> Option<String> {
        let validity = &ca.validity;
        if !may_sign(ca) {
            Some("may not sign".to_owned())
        } else if validity.has_ended(self.now) {
            Some(format!("ended on {}", moment(validity.not_after)))
        } else if validity.is_to_begin(self.now) {
            Some(format!("begins on {}", moment(validity.not_before)))
        } else {
            None
        }
    }

    /// The signature is right, and counts for nobody. Of the CA of the file, where all others stand above
    /// it, that is told already.
    fn signed_by_barred(&mut self, signer: &Certificate, usable: &[Certificate]) {
        let upper = above(signer, self.authorities, self.now);
        if self.authorities.first() == Some(signer) && usable.iter().all(|ca| upper.contains(&ca)) {
            return;
        }
        if let Some(reason) = self.barred(signer) {
            let text = format!("was signed by \"{}\", which {reason}", signer.subject);
            self.tell(Code::NotSigned, &text, "");
        }
    }

    /// A CA that was issued anew for the same key has another serial number.
    pub(super) fn authority_serial(&mut self, leaf: &Certificate, chain: &[Certificate]) {
        let Some(serial) = &leaf.authority_serial else {
            return;
        };
        let all = chain.iter().chain(self.authorities);
        let mut signed = all.filter(|ca| verifies(leaf, ca)).peekable();
        if signed.peek().is_none() || signed.any(|ca| ca.serial == *serial) {
            return;
        }
        let text = format!("names its CA by the serial number {serial}, which its CA has not");
        let way_out = match self.spec.place {
            Place::File { .. } => String::new(),
            _ => format!(
                "'certs renew {}' names the CA by its key alone",
                self.spec.name
            ),
        };
        self.tell(Code::AuthoritySerial, &text, &way_out);
    }
}
