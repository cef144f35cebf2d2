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
