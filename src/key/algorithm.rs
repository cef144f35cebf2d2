//! Kinds of keys: those this program uses, and the names of those it refuses.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaSigningAlgorithm,
};

use super::rsa;
use crate::der::{self, DerError, Element};

/// The most bits of an RSA key that signs here: AWS-LC works with none larger, and Go, of which the components are, takes
/// none in a handshake (crypto/tls, maxRSAKeySize).
pub const LARGEST: u32 = 8192;

/// Kind and size of a key. The names are kubeadm's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 (secp256r1).
    EcdsaP256,
    /// ECDSA on P-384 (secp384r1).
    EcdsaP384,
    /// ECDSA on P-521 (secp521r1); for CAs that are there already.
    EcdsaP521,
    /// RSA with a modulus of so many bits.
    Rsa(u32),
}

impl KeyAlgorithm {
    /// What can be asked for, in the order of kubeadm's documentation.
    pub const MADE: [Self; 5] = [
        Self::Rsa(2048),
        Self::Rsa(3072),
        Self::Rsa(4096),
        Self::EcdsaP256,
        Self::EcdsaP384,
    ];

    /// One of `MADE` by its exact name, as in `encryptionAlgorithm` of kubeadm's ClusterConfiguration.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::MADE
            .into_iter()
            .find(|algorithm| algorithm.to_string() == name)
    }

    /// Whether a CA with such a key is accepted.
    pub fn may_sign_certificates(self) -> bool {
        match self {
            Self::EcdsaP256 | Self::EcdsaP384 | Self::EcdsaP521 => true,
            Self::Rsa(bits) => (2048..=LARGEST).contains(&bits),
        }
    }

    /// What a new key in the place of such a one is: RSA comes in few sizes, and it is no weaker, but where the
    /// former one is larger than any that is made.
    #[must_use]
    pub fn anew(self) -> Self {
        match self {
            Self::Rsa(bits) => Self::Rsa(rsa::no_smaller(bits).unwrap_or_else(rsa::largest)),
            curve => curve,
        }
    }

    /// The bits of an RSA key with which nothing is signed or verified here, though it is whole.
    pub fn too_large(self) -> Option<u32> {
        match self {
            Self::Rsa(bits) if bits > LARGEST => Some(bits),
            _ => None,
        }
    }

    /// How keys on this curve sign; none for RSA.
    pub(super) fn signing(self) -> Option<&'static EcdsaSigningAlgorithm> {
        match self {
            Self::EcdsaP256 => Some(&ECDSA_P256_SHA256_ASN1_SIGNING),
            Self::EcdsaP384 => Some(&ECDSA_P384_SHA384_ASN1_SIGNING),
            Self::EcdsaP521 => Some(&ECDSA_P521_SHA512_ASN1_SIGNING),
            Self::Rsa(_) => None,
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 => out.write_str("ECDSA-P256"),
            Self::EcdsaP384 => out.write_str("ECDSA-P384"),
            Self::EcdsaP521 => out.write_str("ECDSA-P521"),
            Self::Rsa(bits) => write!(out, "RSA-{bits}"),
        }
    }
}

/// What an AlgorithmIdentifier says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An EC key on a curve that this program uses.
    Known(KeyAlgorithm),
    /// Another kind, by name.
    Other(String),
    /// RSA; the size is in the key.
    Rsa,
}

impl Kind {
    /// From the AlgorithmIdentifier of an SPKI or a PKCS#8 key (RFC 3279, 2.3; RFC 5480; RFC 8410).
    pub(super) fn of_algorithm(identifier: &Element<'_>) -> Result<Self, DerError> {
        let members = der::children(identifier.tagged(der::SEQUENCE)?)?;
        let algorithm = members.first().copied().unwrap_or(*identifier);
        let name = der::oid_text(algorithm.tagged(der::OBJECT_IDENTIFIER)?)?;
        Ok(match (name.as_str(), members.get(1)) {
            ("1.2.840.10045.2.1", Some(curve)) => return Self::of_curve(curve),
            ("1.2.840.113549.1.1.1", _) => Self::Rsa,
            _ => Self::other(&name),
        })
    }

    /// From ECParameters (RFC 5480, 2.1.1).
    pub(super) fn of_curve(curve: &Element<'_>) -> Result<Self, DerError> {
        if curve.tag != der::OBJECT_IDENTIFIER {
            return Ok(Self::Other("EC with explicit parameters".into()));
        }
        let name = der::oid_text(curve.content)?;
        Ok(match name.as_str() {
            "1.2.840.10045.3.1.7" => Self::Known(KeyAlgorithm::EcdsaP256),
            "1.3.132.0.34" => Self::Known(KeyAlgorithm::EcdsaP384),
            "1.3.132.0.35" => Self::Known(KeyAlgorithm::EcdsaP521),
            _ => Self::other(&name),
        })
    }

    fn other(oid: &str) -> Self {
        let name = match oid {
            "1.2.840.10040.4.1" => "DSA",
            "1.2.840.10045.2.1" => "EC without a curve",
            "1.2.840.10045.3.1.1" => "P-192",
            "1.2.840.113549.1.1.10" => "RSA-PSS",
            "1.2.840.113549.1.3.1" => "Diffie-Hellman",
            "1.2.156.10197.1.301" => "SM2",
            "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1",
            "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1",
            "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1",
            "1.3.101.110" => "X25519",
            "1.3.101.111" => "X448",
            "1.3.101.112" => "Ed25519",
            "1.3.101.113" => "Ed448",
            "1.3.132.0.10" => "secp256k1",
            "1.3.132.0.33" => "P-224",
            "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
            "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
            "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
            _ => return Self::Other(format!("with the object identifier {oid}")),
        };
        Self::Other(name.into())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(algorithm) => algorithm.fmt(out),
            Self::Other(name) => out.write_str(name),
            Self::Rsa => out.write_str("RSA"),
        }
    }
}
