//! New RSA keys: graviola's, or AWS-LC's where the processor lacks what graviola needs. All other
//! work on keys, the check of a new one among it, is AWS-LC's. And keys that are read: AWS-LC works with those
//! of 2048 to 8192 bits.

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use zeroize::Zeroizing;

use super::KeyError;
use super::algorithm::LARGEST;
use crate::der;

/// The most bits of a key that OpenSSL works with (OPENSSL_RSA_MAX_MODULUS_BITS): with more, each use of a stranger's key
/// would take as long as he likes.
const OPENSSL: u32 = 16384;

/// What is made.
const SIZES: [(u32, KeySize); 4] = [
    (2048, KeySize::Rsa2048),
    (3072, KeySize::Rsa3072),
    (4096, KeySize::Rsa4096),
    (8192, KeySize::Rsa8192),
];

/// The smallest size that is made of at least so many bits.
pub(super) fn no_smaller(bits: u32) -> Option<u32> {
    let mut sizes = SIZES.iter().map(|(size, _)| *size);
    sizes.find(|size| *size >= bits)
}

/// The largest that is made.
pub(super) fn largest() -> u32 {
    SIZES.last().map_or(0, |(bits, _)| *bits)
}

/// A key that was read.
pub(super) enum Read {
    /// One of more bits than AWS-LC works with, of which nothing but its public half is known to be right.
    Large {
        /// Its SubjectPublicKeyInfo.
        spki: Vec<u8>,
    },
    Works(RsaKeyPair),
}

/// RSAPrivateKey, RFC 8017, A.1.2.
pub(super) fn read(pkcs1: &[u8]) -> Result<Read, KeyError> {
    let members = der::sequence_members(pkcs1)?;
    let [version, modulus, exponent, rest @ ..] = members.as_slice() else {
        return Err(KeyError::Malformed("the RSA key is cut short".into()));
    };
    if version.tagged(der::INTEGER)? != [0] {
        return Err(KeyError::Unsupported(
            "RSA with more than two primes".into(),
        ));
    }
    let modulus_value = der::positive_integer(modulus.tagged(der::INTEGER)?)?;
    let bits = u32::try_from(der::bit_length(modulus_value)).unwrap_or(u32::MAX);
    if !(2048..=OPENSSL).contains(&bits) {
        return Err(KeyError::Unsupported(format!("RSA-{bits}")));
    }
    if bits > LARGEST {
        // The private exponent, two primes, and three numbers that follow from those.
        for number in rest {
            der::positive_integer(number.tagged(der::INTEGER)?)?;
        }
        if rest.len() != 6 {
            return Err(KeyError::Malformed("the RSA key is cut short".into()));
        }
        let key = der::sequence(&[modulus.raw, exponent.raw]);
        let key = der::tlv(der::BIT_STRING, &[&[0], key.as_slice()].concat());
        let algorithm = der::sequence(&[&der::oid(&RSA_ENCRYPTION), &[der::NULL, 0]]);
        let spki = der::sequence(&[&algorithm, &key]);
        return Ok(Read::Large { spki });
    }
    let pair = RsaKeyPair::from_der(pkcs1).map_err(|_| {
        KeyError::Malformed("the numbers of the RSA key do not belong together".into())
    })?;
    Ok(Read::Works(pair))
}

/// rsaEncryption (RFC 8017, appendix C).
const RSA_ENCRYPTION: [u64; 7] = [1, 2, 840, 113_549, 1, 1, 1];

/// The library writes PKCS#8 only; PKCS#1 is the OCTET STRING in it (RFC 5208, 5; RFC 8017, A.1.2).
pub(super) fn pkcs1(pair: &RsaKeyPair) -> Option<Zeroizing<Vec<u8>>> {
    let pkcs8 = AsDer::<Pkcs8V1Der>::as_der(pair).ok()?;
    let members = der::sequence_members(pkcs8.as_ref()).ok()?;
    let octets = members.get(2)?.tagged(der::OCTET_STRING).ok()?;
    Some(Zeroizing::new(octets.to_vec()))
}

/// A new key pair of 2048, 3072, 4096 or 8192 bits; its exponent is 65537.
pub(super) fn generate(bits: u32) -> anyhow::Result<RsaKeyPair> {
    let size = match SIZES.iter().find(|(made, _)| *made == bits) {
        Some((_, size)) => *size,
        None => bail!("a new RSA key has 2048, 3072, 4096 or 8192 bits, not {bits}"),
    };
    let pair = if fast::available() {
        fast::generate(size)?
    } else {
        portable(size)?
    };
    check(&pair)?;
    Ok(pair)
}

fn portable(size: KeySize) -> anyhow::Result<RsaKeyPair> {
    RsaKeyPair::generate(size)
        .ok()
        .context("AWS-LC makes no key")
}

/// A factor that is no prime makes signatures that do not verify (FIPS 140-3 asks for this test of
/// every new pair). That the numbers belong together was checked when the pair was read.
fn check(pair: &RsaKeyPair) -> anyhow::Result<()> {
    let message = b"pairwise consistency";
    let mut signature = vec![0; pair.public_modulus_len()];
    let verified = pair
        .sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )
        .and_then(|()| {
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
                .verify(message, &signature)
        });
    ensure!(
        verified.is_ok(),
        "a new RSA key does not verify what it signs"
    );
    Ok(())
}

#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod fast {
    use anyhow::{Context as _, anyhow};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::RsaKeyPair;
    use graviola::signing::rsa::SigningKey;
    use zeroize::Zeroizing;

    /// More than a key of 8192 bits takes as PKCS#1.
    const ROOM: usize = 8192;

    /// Graviola ends the program on a processor that lacks what it needs.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn available() -> bool {
        use std::arch::is_x86_feature_detected as has;
        has!("adx")
            && has!("aes")
            && has!("avx")
            && has!("avx2")
            && has!("bmi1")
            && has!("bmi2")
            && has!("pclmulqdq")
    }

    /// Graviola ends the program on a processor that lacks what it needs.
    #[cfg(target_arch = "aarch64")]
    pub(super) fn available() -> bool {
        use std::arch::is_aarch64_feature_detected as has;
        has!("aes") && has!("neon") && has!("pmull") && has!("sha2")
    }

    pub(super) fn generate(size: KeySize) -> anyhow::Result<RsaKeyPair> {
        let failed = |error| anyhow!("graviola makes no RSA key: {error:?}");
        let bits = size.len() * 8;
        let key = bits
            .try_into()
            .and_then(SigningKey::generate)
            .map_err(failed)?;
        let mut room = Zeroizing::new([0; ROOM]);
        let pkcs1 = key.to_pkcs1_der(&mut *room).map_err(failed)?;
        RsaKeyPair::from_der(pkcs1)
            .ok()
            .context("AWS-LC does not accept the RSA key that graviola made")
    }
}

#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
mod fast {
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::RsaKeyPair;

    pub(super) fn available() -> bool {
        false
    }

    pub(super) fn generate(_: KeySize) -> anyhow::Result<RsaKeyPair> {
        anyhow::bail!("graviola is not built for this processor")
    }
}

#[cfg(test)]
mod tests;
