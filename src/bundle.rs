//! Trust bundles: which of a CA's certificates whoever verifies is to be given. Pure.

use crate::x509::cert::Certificate;

/// The certificates of a CA's file that others are to trust. An intermediate leaves them if the file
/// holds the root above it, and the server sends it along with its own certificate (`sent`): trust is
/// in the root then. Without that nobody who trusts the root alone could follow the chain.
pub fn anchors(chain: &[Certificate], sent: &[Certificate]) -> Vec<Certificate> {
    let needed = |ca: &&Certificate| {
        is_root(ca) || !sent.contains(ca) || !leads_to_root(ca, chain, chain.len())
    };
    chain.iter().filter(needed).cloned().collect()
}

/// Whether it signed itself.
fn is_root(ca: &Certificate) -> bool {
    ca.subject == ca.issuer && ca.verify_signature(&ca.public_key).is_ok()
}

/// Whether a root of `chain` is above, in no more steps than there are certificates.
fn leads_to_root(ca: &Certificate, chain: &[Certificate], steps: usize) -> bool {
    steps > 0
        && chain.iter().any(|above| {
            above != ca
                && above.subject == ca.issuer
                && ca.verify_signature(&above.public_key).is_ok()
                && (is_root(above) || leads_to_root(above, chain, steps - 1))
        })
}
