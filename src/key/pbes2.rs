//! Encrypted PKCS#8 (RFC 5958, 3): PBES2 with PBKDF2 and AES-CBC (RFC 8018).

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2::{
    self, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA384, PBKDF2_HMAC_SHA512,
};
use zeroize::Zeroizing;

use super::KeyError;
use crate::der::{self, Element};

#[cfg(test)]
mod tests;

/// Some seconds of work at most: the count comes from the file, and a wrong one must not hang the program.
const MOST_ITERATIONS: u32 = 10_000_000;

/// Whether it is an EncryptedPrivateKeyInfo, by whatever scheme of a password: those of PKCS#5 and PKCS#12.
pub fn is_encrypted(der: &[u8]) -> bool {
    const SCHEMES: [&[u128]; 2] = [&[1, 2, 840, 113_549, 1, 5], &[1, 2, 840, 113_549, 1, 12, 1]];
    let Ok(members) = der::sequence_members(der) else {
        return false;
    };
    let [algorithm, encrypted] = &members[..] else {
        return false;
    };
    let scheme = algorithm
        .tagged(der::SEQUENCE)
        .and_then(|content| der::read(content)?.0.tagged(der::OBJECT_IDENTIFIER))
        .and_then(der::oid_arcs);
    let known = |arcs: Vec<u128>| SCHEMES.iter().any(|scheme| arcs.starts_with(scheme));
    encrypted.tagged(der::OCTET_STRING).is_ok() && scheme.is_ok_and(known)
}

/// The PrivateKeyInfo in an EncryptedPrivateKeyInfo.
pub(super) fn decrypt(der: &[u8], passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let members = der::sequence_members(der)?;
    let [scheme, data] = members.as_slice() else {
        return Err(malformed("its outermost SEQUENCE has not two members"));
    };
    let parameters = Pbes2::parse(scheme)?;
    let mut text = Zeroizing::new(data.tagged(der::OCTET_STRING)?.to_vec());
    if text.is_empty() || !text.len().is_multiple_of(16) {
        return Err(malformed("its data is cut short"));
    }
    let key = parameters.derive(passphrase);
    let plain = UnboundCipherKey::new(parameters.cipher, &key)
        .and_then(PaddedBlockDecryptingKey::cbc_pkcs7)
        .and_then(|key| {
            let iv = DecryptionContext::Iv128(FixedLength::from(parameters.iv));
            key.decrypt(&mut text, iv)
                .map(|plain| Zeroizing::new(plain.to_vec()))
        })
        .map_err(|_| KeyError::WrongPassphrase)?;
    // One wrong passphrase in 256 leaves a padding that looks right; what it decrypts to is no SEQUENCE.
    match der::sequence_members(&plain) {
        Ok(_) => Ok(plain),
        Err(_) => Err(KeyError::WrongPassphrase),
    }
}

/// PBES2-params (RFC 8018, A.4), resolved.
struct Pbes2<'a> {
    prf: pbkdf2::Algorithm,
    salt: &'a [u8],
    iterations: NonZeroU32,
    cipher: &'static Algorithm,
    key_length: usize,
    iv: [u8; 16],
}

impl<'a> Pbes2<'a> {
    fn parse(scheme: &Element<'a>) -> Result<Self, KeyError> {
        let (name, parameters) = identifier(scheme)?;
        match name.as_str() {
            "1.2.840.113549.1.5.13" => {}
            "1.2.840.113549.1.5.1"
            | "1.2.840.113549.1.5.3"
            | "1.2.840.113549.1.5.4"
            | "1.2.840.113549.1.5.6"
            | "1.2.840.113549.1.5.10"
            | "1.2.840.113549.1.5.11" => return Err(unsupported("PBES1")),
            _ if name.starts_with("1.2.840.113549.1.12.1.") => {
                return Err(unsupported("the PBE of PKCS#12"));
            }
            _ => return Err(unsupported(&format!("the scheme {name}"))),
        }
        let parameters = parameters.ok_or(malformed("PBES2 lacks its parameters"))?;
        let members = der::children(parameters.tagged(der::SEQUENCE)?)?;
        let [derivation, encryption] = members.as_slice() else {
            return Err(malformed("PBES2 has not two parameters"));
        };
        let (cipher, key_length, iv) = cipher(encryption)?;
        let (name, parameters) = identifier(derivation)?;
        match name.as_str() {
            "1.2.840.113549.1.5.12" => {}
            "1.3.6.1.4.1.11591.4.11" => return Err(unsupported("scrypt")),
            _ => return Err(unsupported(&format!("the key derivation {name}"))),
        }
        let parameters = parameters.ok_or(malformed("PBKDF2 lacks its parameters"))?;
        let members = der::children(parameters.tagged(der::SEQUENCE)?)?;
        let [salt, iterations, optional @ ..] = members.as_slice() else {
            return Err(malformed("PBKDF2 lacks salt or iteration count"));
        };
        // The length of the key, optional, follows from the cipher; the function is HMAC with SHA-1 if none is named.
        let mut prf = PBKDF2_HMAC_SHA1;
        for option in optional {
            if option.tag == der::INTEGER {
                if der::positive_integer(option.content)? != key_length.to_be_bytes()[7..].as_ref()
                {
                    return Err(malformed("PBKDF2 makes a key that does not fit the cipher"));
                }
            } else {
                prf = pseudo_random_function(option)?;
            }
        }
        Ok(Self {
            prf,
            salt: salt.tagged(der::OCTET_STRING)?,
            iterations: iteration_count(iterations)?,
            cipher,
            key_length,
            iv,
        })
    }

    fn derive(&self, passphrase: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(vec![0; self.key_length]);
        pbkdf2::derive(self.prf, self.iterations, self.salt, passphrase, &mut key);
        key
    }
}

/// The object identifier of an AlgorithmIdentifier, and its parameters.
fn identifier<'a>(element: &Element<'a>) -> Result<(String, Option<Element<'a>>), KeyError> {
    let members = der::children(element.tagged(der::SEQUENCE)?)?;
    let name = members
        .first()
        .ok_or(malformed("an algorithm is not named"))?;
    let name = der::oid_text(name.tagged(der::OBJECT_IDENTIFIER)?)?;
    Ok((name, members.get(1).copied()))
}

/// RFC 8018, B.2.5: the parameter of an AES in CBC mode is its IV.
fn cipher(element: &Element<'_>) -> Result<(&'static Algorithm, usize, [u8; 16]), KeyError> {
    let (name, iv) = identifier(element)?;
    let (cipher, key_length) = match name.as_str() {
        "2.16.840.1.101.3.4.1.2" => (&AES_128, 16),
        "2.16.840.1.101.3.4.1.22" => (&AES_192, 24),
        "2.16.840.1.101.3.4.1.42" => (&AES_256, 32),
        "1.2.840.113549.3.7" => return Err(unsupported("3DES")),
        _ => return Err(unsupported(&format!("the cipher {name}"))),
    };
    let iv = iv.and_then(|iv| iv.tagged(der::OCTET_STRING).ok());
    let iv = iv.and_then(|iv| <[u8; 16]>::try_from(iv).ok());
    let iv = iv.ok_or(malformed("the cipher lacks an IV of 16 octets"))?;
    Ok((cipher, key_length, iv))
}

fn pseudo_random_function(element: &Element<'_>) -> Result<pbkdf2::Algorithm, KeyError> {
    let (name, _) = identifier(element)?;
    Ok(match name.as_str() {
        "1.2.840.113549.2.7" => PBKDF2_HMAC_SHA1,
        "1.2.840.113549.2.9" => PBKDF2_HMAC_SHA256,
        "1.2.840.113549.2.10" => PBKDF2_HMAC_SHA384,
        "1.2.840.113549.2.11" => PBKDF2_HMAC_SHA512,
        "1.2.840.113549.2.8" => return Err(unsupported("PBKDF2 with HMAC-SHA224")),
        _ => return Err(unsupported(&format!("PBKDF2 with the function {name}"))),
    })
}

fn iteration_count(element: &Element<'_>) -> Result<NonZeroU32, KeyError> {
    let magnitude = der::positive_integer(element.tagged(der::INTEGER)?)?;
    let count = magnitude
        .iter()
        .try_fold(0_u32, |count, &octet| {
            count.checked_mul(256)?.checked_add(u32::from(octet))
        })
        .filter(|count| *count <= MOST_ITERATIONS)
        .ok_or(unsupported(&format!(
            "PBKDF2 of more than {MOST_ITERATIONS} iterations"
        )))?;
    NonZeroU32::new(count).ok_or(malformed("the iteration count is zero"))
}

fn malformed(reason: &str) -> KeyError {
    KeyError::Malformed(format!("the encrypted key is damaged: {reason}"))
}

fn unsupported(scheme: &str) -> KeyError {
    KeyError::UnsupportedEncryption(scheme.into())
}
