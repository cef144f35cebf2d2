//! What an entry of a kubeconfig trusts, beside its current one.

use super::Kubeconfig;
use crate::x509::cert::Certificate;

/// Whom a cluster of a kubeconfig trusts.
#[derive(Clone, Debug)]
pub enum Trusted {
    /// Whoever answers.
    Anybody,
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

impl Kubeconfig {
    /// It, once each of its entries of this server that holds its CA certificates itself has these.
    pub fn trust(&mut self, authorities: &[Certificate]) {
        if self.embeds_authorities() {
            self.authorities = authorities.to_vec();
            for (_, trusted) in &mut self.beside {
                if let Trusted::These {
                    held,
                    embedded: true,
                } = trusted
                {
                    *held = authorities.to_vec();
                }
            }
        }
    }
}
