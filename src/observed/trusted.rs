//! What an entry of a kubeconfig trusts, beside its current one.

use crate::x509::cert::Certificate;

/// Whom a cluster of a kubeconfig trusts.
#[derive(Clone, Debug)]
pub enum Trusted {
    /// Whoever answers.
    Anybody,
    /// The same at another server, to which this context leads the user of the current one.
    AnybodyElsewhere(String),
    /// The CAs of the machine that it is used on.
    Machine,
    /// These CAs.
    These {
        /// Their certificates.
        held: Vec<Certificate>,
        /// Whether they are in the kubeconfig itself.
        embedded: bool,
    },
}
