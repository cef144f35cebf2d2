//! How a leaf leads to its CA.

use crate::x509::cert::Certificate;
use crate::x509::usage::KeyUsage;

/// Whether `leaf` leads to one of `authorities`, through `chain` where it must.
pub fn signed_by(leaf: &Certificate, chain: &[Certificate], authorities: &[Certificate]) -> bool {
    let may_sign = |issuer: &Certificate| {
        let usage = issuer.key_usage;
        issuer.is_ca() && usage.is_none_or(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN))
    };
    let verifies = |child: &Certificate, issuer: &Certificate| {
        child.issuer == issuer.subject
            && may_sign(issuer)
            && child.verify_signature(&issuer.public_key).is_ok()
    };
    let mut intermediates: Vec<&Certificate> = chain.iter().filter(|ca| ca.is_ca()).collect();
    // Every one that is reached is tried, since of two with one key only one may lead further;
    // each once, so that a circle of them ends.
    let mut reached = vec![leaf];
    while let Some(current) = reached.pop() {
        if authorities.iter().any(|ca| verifies(current, ca)) {
            return true;
        }
        let (next, others) = intermediates
            .into_iter()
            .partition(|ca| verifies(current, ca));
        reached.extend::<Vec<_>>(next);
        intermediates = others;
    }
    false
}
