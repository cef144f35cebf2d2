//! The roots that a cluster trusts with what came back for a CA.

use super::Judge;
use crate::bundle;
use crate::finding::{Code, Severity};
use crate::observed::Returned;
use crate::x509::cert::Certificate;

/// The roots that a CA's file is trusted for from now on, and was not before; where no root is among
/// them the CAs that none of the others signed.
pub fn anchors(returned: &Returned) -> Vec<&Certificate> {
    let chain = &returned.chain;
    let some = chain.iter().any(bundle::is_root);
    let highest = |ca: &Certificate| !chain.iter().any(|other| bundle::verifies(ca, other));
    let begins = |ca: &Certificate| {
        if some {
            bundle::is_root(ca)
        } else {
            highest(ca)
        }
    };
    let new = |ca: &&Certificate| begins(ca) && !returned.now.contains(ca);
    chain.iter().filter(new).collect()
}

impl Judge<'_> {
    /// Servers send the chain of the new certificate as soon as they have read it.
    pub(super) fn lost_roots(&mut self, returned: &Returned) {
        let chain = &returned.chain;
        let place = self.spec.place.public().name;
        let to_a_root = chain.first().is_some_and(|ca| {
            let top = bundle::above(ca, chain, self.now).into_iter().next_back();
            bundle::is_root(top.unwrap_or(ca))
        });
        for root in bundle::lost(chain, &returned.now, self.now) {
            let (subject, fingerprint) = (&root.subject, root.fingerprint());
            let leads = format!(
                "leads no more to the root \"{subject}\" (SHA-256 {fingerprint}), which the cluster trusts now"
            );
            if to_a_root {
                let text = format!(
                    "{leads}: whoever trusts that alone is cut off once servers send the new chain"
                );
                let way_out = format!(
                    "before such a change, put the new root behind those in {place}, and bring it to all who trust \
                     the former with 'certs kubeconfig refresh'"
                );
                self.tell(Code::RootDropped, &text, &way_out);
            } else {
                let text =
                    format!("{leads}, nor to another: whoever trusts that alone would be cut off");
                let way_out = format!(
                    "put the CA that signed it behind it, and those above that up to their root; if no root is to be \
                     trusted, take that one out of {place} before"
                );
                self.tell(Code::RootNotSent, &text, &way_out);
            }
        }
    }

    /// Whoever has the key of a CA that the cluster begins to trust is any user of it.
    pub(super) fn new_roots(&mut self, returned: &Returned) {
        let known = |ca: &Certificate| returned.now.iter().any(|now| now.is_same_ca(ca));
        let new = anchors(returned).into_iter().filter(|ca| !known(ca));
        // What is refused is trusted by nobody.
        let refused = self
            .findings
            .iter()
            .any(|told| told.severity() == Severity::Error);
        for ca in new.filter(|_| !returned.now.is_empty() && !refused) {
            let (subject, fingerprint) = (&ca.subject, ca.fingerprint());
            let text = format!(
                "has the cluster trust \"{subject}\" (SHA-256 {fingerprint}), which it did not before"
            );
            let way_out = "compare the fingerprint with what that CA's owner tells by another way, and leave \
                           that CA out if others have certificates of it";
            self.tell(Code::NewRoot, &text, way_out);
        }
    }
}
