//! What PKCS#12 (RFC 7292) protects its content with: by a password, encryption and a MAC.
//!
//! The modern way is PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC (RFC 8018), and a MAC with SHA-256. The legacy one, with
//! Triple DES and SHA-1, is for programs that know no other: Windows before 10, Java before 8u301, the keychain of macOS.

use std::num::NonZeroU32;

use anyhow::Context as _;
#[expect(deprecated, reason = "for whoever asks for --legacy")]
use aws_lc_rs::cipher::DES_EDE3_FOR_LEGACY_USE_ONLY;
use aws_lc_rs::cipher::{
    AES_256, Algorithm, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use zeroize::Zeroizing;

use super::random;
use crate::der;

/// How PKCS#12 is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Triple DES and SHA-1.
    Legacy,
    /// AES-256 and SHA-256.
    Modern,
}

/// What each guess of a password costs: OWASP's count for PBKDF2-HMAC-SHA256.
const MODERN_ITERATIONS: NonZeroU32 = NonZeroU32::new(600_000).expect("it is not zero");
/// Old readers refuse larger counts.
const LEGACY_ITERATIONS: u32 = 10_000;
/// The octets that the hashes work on at once.
const BLOCK: usize = 64;

/// What a derived key is for (RFC 7292, B.3).
#[derive(Clone, Copy)]
enum Purpose {
    Encryption = 1,
    Iv = 2,
    Mac = 3,
}

impl Protection {
    /// Encrypts, and tells by which AlgorithmIdentifier. The password is ASCII.
    pub fn encrypt(self, password: &[u8], plain: &[u8]) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
        match self {
            Self::Legacy => legacy(password, plain),
            Self::Modern => modern(password, plain),
        }
    }

    /// The MacData over octets.
    pub fn mac(self, password: &[u8], data: &[u8]) -> anyhow::Result<Vec<u8>> {
        let salt = fresh::<16>()?;
        let (hash, algorithm, oid, length, iterations) = match self {
            Self::Legacy => (
                &SHA1_FOR_LEGACY_USE_ONLY,
                HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                der::oid(&[1, 3, 14, 3, 2, 26]),
                20,
                LEGACY_ITERATIONS,
            ),
            Self::Modern => (
                &SHA256,
                HMAC_SHA256,
                der::oid(&[2, 16, 840, 1, 101, 3, 4, 2, 1]),
                32,
                MODERN_ITERATIONS.get(),
            ),
        };
        let key = derive(hash, Purpose::Mac, password, &salt, iterations, length);
        let tag = hmac::sign(&hmac::Key::new(algorithm, &key), data);
        let named = der::sequence(&[&oid, &[der::NULL, 0]]);
        let digest = der::sequence(&[&named, &der::tlv(der::OCTET_STRING, tag.as_ref())]);
        Ok(der::sequence(&[
            &digest,
            &der::tlv(der::OCTET_STRING, &salt),
            &integer(iterations),
        ]))
    }
}

/// PBES2 (RFC 8018, A.4).
fn modern(password: &[u8], plain: &[u8]) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let (salt, iv) = (fresh::<16>()?, fresh::<16>()?);
    let mut key = Zeroizing::new(vec![0; 32]);
    pbkdf2::derive(
        PBKDF2_HMAC_SHA256,
        MODERN_ITERATIONS,
        &salt,
        password,
        &mut key,
    );
    let encrypted = cbc(
        &AES_256,
        &key,
        EncryptionContext::Iv128(FixedLength::from(iv)),
        plain,
    )?;
    let prf = der::sequence(&[&der::oid(&[1, 2, 840, 113_549, 2, 9]), &[der::NULL, 0]]);
    let derivation = der::sequence(&[
        &der::oid(&[1, 2, 840, 113_549, 1, 5, 12]),
        &der::sequence(&[
            &der::tlv(der::OCTET_STRING, &salt),
            &integer(MODERN_ITERATIONS.get()),
            &prf,
        ]),
    ]);
    let cipher = der::sequence(&[
        &der::oid(&[2, 16, 840, 1, 101, 3, 4, 1, 42]),
        &der::tlv(der::OCTET_STRING, &iv),
    ]);
    let algorithm = der::sequence(&[
        &der::oid(&[1, 2, 840, 113_549, 1, 5, 13]),
        &der::sequence(&[&derivation, &cipher]),
    ]);
    Ok((algorithm, encrypted))
}

/// pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292, C).
#[expect(deprecated, reason = "for whoever asks for --legacy")]
fn legacy(password: &[u8], plain: &[u8]) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let salt = fresh::<16>()?;
    let made = |purpose, length| {
        let hash = &SHA1_FOR_LEGACY_USE_ONLY;
        derive(hash, purpose, password, &salt, LEGACY_ITERATIONS, length)
    };
    let key = made(Purpose::Encryption, 24);
    let mut iv = [0; 8];
    iv.copy_from_slice(&made(Purpose::Iv, 8));
    let encrypted = cbc(
        &DES_EDE3_FOR_LEGACY_USE_ONLY,
        &key,
        EncryptionContext::Iv64(FixedLength::from(iv)),
        plain,
    )?;
    let algorithm = der::sequence(&[
        &der::oid(&[1, 2, 840, 113_549, 1, 12, 1, 3]),
        &der::sequence(&[
            &der::tlv(der::OCTET_STRING, &salt),
            &integer(LEGACY_ITERATIONS),
        ]),
    ]);
    Ok((algorithm, encrypted))
}

fn cbc(
    cipher: &'static Algorithm,
    key: &[u8],
    iv: EncryptionContext,
    plain: &[u8],
) -> anyhow::Result<Vec<u8>> {
    // Room for the padding, so that growing leaves no copy of a key behind.
    let mut text = Zeroizing::new(Vec::with_capacity(plain.len() + 16));
    text.extend_from_slice(plain);
    UnboundCipherKey::new(cipher, key)
        .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
        .and_then(|key| key.less_safe_encrypt(&mut *text, iv))
        .ok()
        .context("encrypt")?;
    Ok(text.to_vec())
}

/// The key derivation of PKCS#12 (RFC 7292, B.2), for a password of ASCII.
fn derive(
    hash: &'static digest::Algorithm,
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    // A BMPString with two zeros at its end.
    let mut text = Zeroizing::new(Vec::with_capacity(2 * password.len() + 2));
    for octet in password.iter().chain([&0]) {
        text.extend_from_slice(&[0, *octet]);
    }
    let blocks = |octets: &[u8]| octets.len().div_ceil(BLOCK) * BLOCK;
    let filled = |octets: &[u8]| -> Zeroizing<Vec<u8>> {
        let all = octets.iter().copied().cycle().take(blocks(octets));
        let mut filled = Zeroizing::new(Vec::with_capacity(blocks(octets)));
        filled.extend(all);
        filled
    };
    let mut input = Zeroizing::new(Vec::with_capacity(blocks(salt) + blocks(&text)));
    input.extend_from_slice(&filled(salt));
    input.extend_from_slice(&filled(&text));
    let mut key = Zeroizing::new(Vec::with_capacity(length + BLOCK));
    while key.len() < length {
        let mut context = digest::Context::new(hash);
        context.update(&[purpose as u8; BLOCK]);
        context.update(&input);
        let mut made = context.finish();
        for _ in 1..iterations {
            made = digest::digest(hash, made.as_ref());
        }
        key.extend_from_slice(made.as_ref());
        let repeated: Zeroizing<Vec<u8>> =
            Zeroizing::new(made.as_ref().iter().copied().cycle().take(BLOCK).collect());
        for block in input.chunks_mut(BLOCK) {
            add_one_more(block, &repeated);
        }
    }
    key.truncate(length);
    key
}

/// `number + other + 1`, modulo what fits: both big-endian and equally long.
fn add_one_more(number: &mut [u8], other: &[u8]) {
    let mut carry = 1_u16;
    for (octet, more) in number.iter_mut().zip(other).rev() {
        let sum = u16::from(*octet) + u16::from(*more) + carry;
        let [high, low] = sum.to_be_bytes();
        *octet = low;
        carry = u16::from(high);
    }
}

fn fresh<const LENGTH: usize>() -> anyhow::Result<[u8; LENGTH]> {
    let mut octets = [0; LENGTH];
    random(&mut octets)?;
    Ok(octets)
}

/// A positive INTEGER, DER.
fn integer(number: u32) -> Vec<u8> {
    let octets = number.to_be_bytes();
    let zeros = octets
        .iter()
        .take_while(|octet| **octet == 0)
        .count()
        .min(3);
    let significant = &octets[zeros..];
    let sign: &[u8] = if significant[0] >= 0x80 { &[0] } else { &[] };
    der::tlv(der::INTEGER, &[sign, significant].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_as_short_as_der_demands_and_positive() {
        for (number, encoded) in [
            (0, &[2, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (10_000, &[2, 2, 0x27, 0x10]),
            (600_000, &[2, 3, 0x09, 0x27, 0xc0]),
        ] {
            assert_eq!(integer(number), encoded);
        }
    }

    #[test]
    fn keys_are_derived_as_others_derive_them() {
        // A vector that other libraries' tests have too.
        let salt = [0x0a, 0x58, 0xcf, 0x64, 0x53, 0x0d, 0x82, 0x3f];
        let key = derive(
            &SHA1_FOR_LEGACY_USE_ONLY,
            Purpose::Encryption,
            b"smeg",
            &salt,
            1,
            24,
        );
        let wanted = [
            0x8a, 0xaa, 0xe6, 0x29, 0x7b, 0x6c, 0xb0, 0x46, 0x42, 0xab, 0x5b, 0x07, 0x78, 0x51,
            0x28, 0x4e, 0xb7, 0x12, 0x8f, 0x1a, 0x2a, 0x7f, 0xbc, 0xa3,
        ];
        assert_eq!(*key, wanted);
    }

    #[test]
    fn a_sum_carries_from_octet_to_octet_and_out() {
        let mut number = [0x00, 0xff, 0xff];
        add_one_more(&mut number, &[0, 0, 0]);
        assert_eq!(number, [1, 0, 0]);
        let mut number = [0xff, 0xff, 0xff];
        add_one_more(&mut number, &[0, 0, 1]);
        assert_eq!(number, [0, 0, 1]);
    }
}
