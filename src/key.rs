//! Keys and their algorithms.

use std::fmt;

/// The kind and size of a key.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum KeyAlgorithm {
    /// NIST P-256.
    EcdsaP256,
    /// NIST P-384.
    EcdsaP384,
    /// NIST P-521.
    EcdsaP521,
    /// RSA with a modulus of so many bits.
    Rsa(u32),
}

impl KeyAlgorithm {
    /// The algorithms that keys are made with, those of kubeadm.
    pub const MADE: [KeyAlgorithm; 5] = [
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::Rsa(2048),
        Self::Rsa(3072),
        Self::Rsa(4096),
    ];

    /// The algorithm of that name, one of [`Self::MADE`]; the case counts.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::MADE
            .into_iter()
            .find(|algorithm| algorithm.to_string() == name)
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("ECDSA-P256"),
            Self::EcdsaP384 => f.write_str("ECDSA-P384"),
            Self::EcdsaP521 => f.write_str("ECDSA-P521"),
            Self::Rsa(bits) => write!(f, "RSA-{bits}"),
        }
    }
}
