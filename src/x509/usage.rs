//! Key usage (RFC 5280, 4.2.1.3) and extended key usage (4.2.1.12).

use std::fmt;

use crate::der;

/// A set of key usages; bit 0 is digitalSignature, as in the standard's BIT STRING.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// Signatures other than on certificates and CRLs.
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// contentCommitment, nonRepudiation of old.
    pub const CONTENT_COMMITMENT: Self = Self(1 << 1);
    /// Encryption of keys: RSA key transport.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// Encryption of data.
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// Key agreement: static Diffie-Hellman.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// Signatures on certificates.
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// Signatures on CRLs.
    pub const CRL_SIGN: Self = Self(1 << 6);
    /// With keyAgreement: encipher only.
    pub const ENCIPHER_ONLY: Self = Self(1 << 7);
    /// With keyAgreement: decipher only.
    pub const DECIPHER_ONLY: Self = Self(1 << 8);

    /// The standard's names, in the order of their bits.
    const NAMES: [&'static str; 9] = [
        "digitalSignature",
        "contentCommitment",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// The usages in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The usages that `other` has not.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` are in `self`.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The standard's names of what is set, in the order of the bits.
    pub fn names(self) -> Vec<&'static str> {
        let set = |(bit, name): (u16, _)| ((self.0 >> bit) & 1 == 1).then_some(name);
        (0..).zip(Self::NAMES).filter_map(set).collect()
    }

    /// The BIT STRING, DER: without trailing zero bits (X.690, 11.2.2).
    pub fn encode(self) -> Vec<u8> {
        // The standard counts from the most significant bit of the first octet.
        let octets = self.0.reverse_bits().to_be_bytes();
        let content = match octets {
            [0, 0] => vec![0],
            [first, 0] => vec![unused(first), first],
            [first, second] => vec![unused(second), first, second],
        };
        der::tlv(der::BIT_STRING, &content)
    }

    /// From the flags of the parser: bit 0 is digitalSignature there as well. Bits beyond the standard's are dropped.
    pub(super) const fn from_flags(flags: u16) -> Self {
        Self(flags & 0x1ff)
    }
}

fn unused(last: u8) -> u8 {
    // At most 7: the octet has a bit set.
    #[allow(clippy::cast_possible_truncation)]
    let zeros = last.trailing_zeros() as u8;
    zeros
}

/// What a key may be used for, by object identifier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExtendedKeyUsage {
    /// id-kp-clientAuth.
    ClientAuth,
    /// Another one, by its arcs.
    Other(Vec<u64>),
    /// id-kp-serverAuth.
    ServerAuth,
}

impl ExtendedKeyUsage {
    const CLIENT_AUTH: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 3, 2];
    const SERVER_AUTH: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 3, 1];

    /// The arcs of the object identifier.
    pub fn oid(&self) -> &[u64] {
        match self {
            Self::ClientAuth => &Self::CLIENT_AUTH,
            Self::Other(arcs) => arcs,
            Self::ServerAuth => &Self::SERVER_AUTH,
        }
    }

    /// The usage with this object identifier.
    pub fn from_oid(arcs: Vec<u64>) -> Self {
        if arcs == Self::CLIENT_AUTH {
            Self::ClientAuth
        } else if arcs == Self::SERVER_AUTH {
            Self::ServerAuth
        } else {
            Self::Other(arcs)
        }
    }
}

/// The standard's name, or the object identifier in dotted form.
impl fmt::Display for ExtendedKeyUsage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientAuth => out.write_str("clientAuth"),
            Self::Other(arcs) => {
                let arcs: Vec<String> = arcs.iter().map(u64::to_string).collect();
                out.write_str(&arcs.join("."))
            }
            Self::ServerAuth => out.write_str("serverAuth"),
        }
    }
}

/// ExtKeyUsageSyntax, DER, in the order given.
pub fn encode(usages: &[ExtendedKeyUsage]) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = usages.iter().map(|usage| der::oid(usage.oid())).collect();
    der::tlv(der::SEQUENCE, &parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_usages_are_encoded_without_trailing_zero_bits() {
        let leaf = KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::KEY_ENCIPHERMENT);
        let ca = KeyUsage::DIGITAL_SIGNATURE
            .union(KeyUsage::KEY_CERT_SIGN)
            .union(KeyUsage::CRL_SIGN);
        let cases: [(KeyUsage, &[u8]); 6] = [
            (leaf, &[3, 2, 5, 0xa0]),
            (ca, &[3, 2, 1, 0x86]),
            (KeyUsage::DIGITAL_SIGNATURE, &[3, 2, 7, 0x80]),
            (KeyUsage::ENCIPHER_ONLY, &[3, 2, 0, 1]),
            (KeyUsage::DECIPHER_ONLY, &[3, 3, 7, 0, 0x80]),
            (KeyUsage::default(), &[3, 1, 0]),
        ];
        for (usage, encoded) in cases {
            assert_eq!(usage.encode(), encoded, "{:?}", usage.names());
        }
    }

    #[test]
    fn key_usages_are_sets() {
        let both = KeyUsage::KEY_CERT_SIGN.union(KeyUsage::DIGITAL_SIGNATURE);
        assert!(both.contains(KeyUsage::KEY_CERT_SIGN) && both.contains(both));
        assert!(!both.contains(KeyUsage::CRL_SIGN) && !KeyUsage::CRL_SIGN.contains(both));
        assert!(!both.contains(KeyUsage::CRL_SIGN.union(KeyUsage::KEY_CERT_SIGN)));
        assert_eq!(both.names(), ["digitalSignature", "keyCertSign"]);
        assert_eq!(KeyUsage::from_flags(0xffff).names(), KeyUsage::NAMES);
    }

    #[test]
    fn extended_key_usages_are_encoded_in_the_order_given() {
        let usages = [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
        let encoded = encode(&usages);
        assert_eq!(
            encoded[..14],
            [0x30, 20, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1, 6, 8]
        );
        assert_eq!(encoded.last(), Some(&2));
        let other = ExtendedKeyUsage::from_oid(vec![2, 5, 29, 37, 0]);
        assert_eq!(
            encode(std::slice::from_ref(&other)),
            [0x30, 6, 6, 4, 0x55, 0x1d, 0x25, 0]
        );
    }

    #[test]
    fn extended_key_usages_have_names_or_object_identifiers() {
        for (usage, name) in [
            (ExtendedKeyUsage::ClientAuth, "clientAuth"),
            (ExtendedKeyUsage::ServerAuth, "serverAuth"),
            (
                ExtendedKeyUsage::Other(vec![2, 5, 29, 37, 0]),
                "2.5.29.37.0",
            ),
        ] {
            assert_eq!(usage.to_string(), name);
            assert_eq!(ExtendedKeyUsage::from_oid(usage.oid().to_vec()), usage);
        }
    }
}
