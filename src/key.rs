//! Key pairs: generation, reading, writing, signing. The one place that knows aws-lc-rs and graviola.
//!
//! In: PEM and passphrases. Out: keys that sign, PEM as kubeadm writes it, public keys that verify. It reads no file, and
//! knows nothing of certificates.

mod algorithm;
mod pbes2;
mod protect;
mod public;
mod rsa;
mod shape;
#[cfg(test)]
mod tests;

use std::fmt::{self, Write as _};

use anyhow::Context as _;
use aws_lc_rs::encoding::{
    AsBigEndian, AsDer, EcPrivateKeyBin, EcPrivateKeyRfc5915Der, PublicKeyX509Der,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use zeroize::Zeroizing;

use crate::der::{self, DerError, Element};
use crate::pem::{self, Block, Fault, Label, PemError};

pub use algorithm::KeyAlgorithm;
pub use pbes2::is_encrypted;
pub use protect::Protection;
pub use public::{PublicKey, broken_signature, unaccepted_signature};
pub use shape::shape;

use algorithm::Kind;
use rsa::Read;

/// Fills a buffer from the system's random source.
pub fn random(buffer: &mut [u8]) -> anyhow::Result<()> {
    aws_lc_rs::rand::fill(buffer)
        .ok()
        .context("the system gives no random octets")
}

/// SHA-256 (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut octets = [0; 32];
    octets.copy_from_slice(digest.as_ref());
    octets
}

/// Lower-case hexadecimal, two digits an octet.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// Why a file gives no private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Encrypted, and no passphrase was given.
    Encrypted,
    /// Neither PEM nor a key; what is wrong.
    Malformed(String),
    /// A kind of key that this program does not use, by name: `Ed25519`, `RSA-1024`.
    Unsupported(String),
    /// A way of encryption that this program does not know, by name.
    UnsupportedEncryption(String),
    /// The passphrase given does not decrypt the key.
    WrongPassphrase,
}

impl fmt::Display for KeyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encrypted => out.write_str(
                "the private key is encrypted: give its passphrase with --ca-passphrase-file or CERTS_CA_PASSPHRASE",
            ),
            Self::Malformed(reason) => write!(out, "no usable private key: {reason}"),
            Self::Unsupported(kind) => write!(
                out,
                "a private key of the kind {kind} is not supported: \
                 use RSA with 2048 to 8192 bits, or ECDSA on P-256, P-384 or P-521"
            ),
            Self::UnsupportedEncryption(scheme) => write!(
                out,
                "the private key is encrypted with {scheme}, which is not supported: \
                 convert it with 'openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD.key -out NEW.key'"
            ),
            Self::WrongPassphrase => out.write_str(
                "the passphrase does not decrypt the private key: \
                 check --ca-passphrase-file or CERTS_CA_PASSPHRASE, and that the passphrase is this key's",
            ),
        }
    }
}

impl std::error::Error for KeyError {}

impl From<DerError> for KeyError {
    fn from(error: DerError) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl From<PemError> for KeyError {
    fn from(error: PemError) -> Self {
        match &error.fault {
            Fault::Header(name) if name == "Proc-Type" => {
                Self::UnsupportedEncryption("the legacy PEM form (Proc-Type: 4,ENCRYPTED)".into())
            }
            Fault::UnknownLabel(label) => match label.strip_suffix(" PRIVATE KEY") {
                Some(kind) => Self::Unsupported(kind.into()),
                None => Self::Malformed(error.to_string()),
            },
            _ => Self::Malformed(error.to_string()),
        }
    }
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    /// An RSA key that AWS-LC does not work with: it is read and written, and signs nothing.
    Large,
    Rsa(RsaKeyPair),
}

/// A key pair that signs.
pub struct PrivateKey {
    pair: Pair,
    algorithm: KeyAlgorithm,
    public: PublicKey,
    /// PKCS#1 or SEC1.
    der: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PrivateKey({}, [elided])", self.algorithm)
    }
}

impl PrivateKey {
    /// Makes a new key pair. RSA comes in 2048, 3072, 4096 and 8192 bits, its exponent is 65537.
    pub fn generate(algorithm: KeyAlgorithm) -> anyhow::Result<Self> {
        let pair = if let KeyAlgorithm::Rsa(bits) = algorithm {
            rsa::generate(bits).map(Pair::Rsa)
        } else {
            algorithm
                .signing()
                .and_then(|signing| EcdsaKeyPair::generate(signing).ok())
                .map(Pair::Ecdsa)
                .context("AWS-LC makes no key")
        };
        let pair = pair.with_context(|| format!("generate {algorithm} key"))?;
        Ok(Self::from_pair(pair)?)
    }

    /// Reads the one private key of a PEM file: PKCS#1, SEC1, PKCS#8, or PKCS#8 encrypted with PBES2 (RFC 8018), PBKDF2 and
    /// AES-CBC. Blocks that hold no private key are passed over, as kubeadm does. A passphrase that is not needed is not used.
    pub fn from_pem(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<Self, KeyError> {
        let blocks = pem::blocks(bytes)?;
        let mut keys = blocks
            .iter()
            .enumerate()
            .filter(|(_, block)| is_private(block.label));
        let (index, block) = keys.next().ok_or_else(|| {
            KeyError::Malformed("the file holds no block BEGIN … PRIVATE KEY".into())
        })?;
        if keys.next().is_some() {
            return Err(KeyError::Malformed(
                "the file holds more than one private key: leave the one that belongs to the certificate".into(),
            ));
        }
        match block.label {
            Label::RsaPrivateKey => Self::from_pkcs1(&block.der),
            Label::EcPrivateKey => Self::from_sec1(&block.der, curve_before(&blocks, index)?),
            Label::EncryptedPrivateKey => {
                let passphrase = passphrase.ok_or(KeyError::Encrypted)?;
                Self::from_pkcs8(&pbes2::decrypt(&block.der, passphrase)?)
            }
            _ => Self::from_pkcs8(&block.der),
        }
    }

    /// Reads a private key that is not encrypted, in DER: PKCS#1, SEC1 or PKCS#8.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let private = [Label::PrivateKey, Label::RsaPrivateKey, Label::EcPrivateKey];
        let read = |label| Self::from_pem(pem::encode(label, der).as_bytes(), None).ok();
        private.into_iter().find_map(read)
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Kind and size.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// Signs as kubeadm's CAs do: RSA by PKCS#1 v1.5 with SHA-256, P-256 with SHA-256, P-384 with SHA-384, P-521 with SHA-512;
    /// ECDSA signatures are DER (RFC 3279, 2.2.3).
    pub fn sign(&self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Large => Err(Unspecified),
            Pair::Ecdsa(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map(|()| signature)
            }
        };
        signature
            .ok()
            .with_context(|| format!("sign with the {} key", self.algorithm))
    }

    /// The AlgorithmIdentifier of what `sign` makes, DER (RFC 4055, 5; RFC 5758, 3.2).
    pub fn signature_algorithm(&self) -> Vec<u8> {
        let (oid, parameters): (&[u64], &[u8]) = match self.algorithm {
            KeyAlgorithm::EcdsaP256 => (&[1, 2, 840, 10045, 4, 3, 2], &[]),
            KeyAlgorithm::EcdsaP384 => (&[1, 2, 840, 10045, 4, 3, 3], &[]),
            KeyAlgorithm::EcdsaP521 => (&[1, 2, 840, 10045, 4, 3, 4], &[]),
            KeyAlgorithm::Rsa(_) => (&[1, 2, 840, 113_549, 1, 1, 11], &[der::NULL, 0]),
        };
        der::sequence(&[&der::oid(oid), parameters])
    }

    /// The key as kubeadm writes it: `RSA PRIVATE KEY` (PKCS#1) or `EC PRIVATE KEY` (SEC1, with curve and public key).
    pub fn to_pem(&self) -> Zeroizing<String> {
        let label = match self.pair {
            Pair::Ecdsa(_) => Label::EcPrivateKey,
            Pair::Large | Pair::Rsa(_) => Label::RsaPrivateKey,
        };
        pem::encode(label, &self.der)
    }

    /// PrivateKeyInfo, RFC 5208, DER.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        // What names the algorithm is the same as in the SPKI (RFC 5480, 2; RFC 8017, A.1).
        let algorithm = der::sequence_members(self.public.spki())
            .ok()
            .and_then(|members| members.first().map(|first| first.raw.to_vec()))
            .unwrap_or_default();
        let key = Zeroizing::new(der::tlv(der::OCTET_STRING, &self.der));
        let parts = [&[der::INTEGER, 1, 0][..], &algorithm, &key];
        let content = Zeroizing::new(parts.concat());
        Zeroizing::new(der::tlv(der::SEQUENCE, &content))
    }

    /// RSAPrivateKey, RFC 8017, A.1.2.
    fn from_pkcs1(pkcs1: &[u8]) -> Result<Self, KeyError> {
        match rsa::read(pkcs1)? {
            Read::Large { spki } => Self::from_parts(Pair::Large, pkcs1.to_vec().into(), &spki),
            Read::Works(pair) => Self::from_pair(Pair::Rsa(pair)),
        }
    }

    /// ECPrivateKey, RFC 5915; the curve may stand in the key, outside it, or both.
    fn from_sec1(sec1: &[u8], outside: Option<Kind>) -> Result<Self, KeyError> {
        let inside = der::sequence_members(sec1)?
            .iter()
            .find(|member| member.tag == 0xa0)
            .map(|member| der::only(member.content).and_then(|curve| Kind::of_curve(&curve)))
            .transpose()?;
        let names_curve = inside.is_some();
        let curve = match (inside, outside) {
            (Some(inside), Some(outside)) if inside != outside => {
                return Err(KeyError::Malformed(format!(
                    "the EC key names the curve of {inside}, the text around it that of {outside}"
                )));
            }
            (Some(curve), _) | (None, Some(curve)) => curve,
            (None, None) => {
                return Err(KeyError::Malformed(
                    "the EC key does not name its curve".into(),
                ));
            }
        };
        let signing = match &curve {
            Kind::Known(algorithm) => algorithm.signing(),
            Kind::Other(_) | Kind::Rsa => None,
        };
        let signing = signing.ok_or_else(|| KeyError::Unsupported(curve.to_string()))?;
        let pair = EcdsaKeyPair::from_private_key_der(signing, sec1).and_then(|read| {
            let public = read.public_key().as_ref();
            let uncompressed = public.first() == Some(&4);
            if names_curve && uncompressed && sec1.ends_with(public) {
                return Ok(read);
            }
            // Put together anew: a key that came without its curve or its public half, or with half of that, would be
            // written so again.
            let private = AsBigEndian::<EcPrivateKeyBin>::as_be_bytes(&read.private_key())?;
            let public = read.public_key().as_ref();
            EcdsaKeyPair::from_private_key_and_public_key(signing, private.as_ref(), public)
        });
        let pair = pair.map_err(|_| {
            KeyError::Malformed(format!(
                "the numbers of the {curve} key do not belong together"
            ))
        })?;
        Self::from_pair(Pair::Ecdsa(pair))
    }

    /// PrivateKeyInfo, RFC 5208, or OneAsymmetricKey, RFC 5958.
    fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let members = der::sequence_members(pkcs8)?;
        let [_, algorithm, key, ..] = members.as_slice() else {
            return Err(KeyError::Malformed("the PKCS#8 key is cut short".into()));
        };
        let key = key.tagged(der::OCTET_STRING)?;
        match Kind::of_algorithm(algorithm)? {
            Kind::Rsa => Self::from_pkcs1(key),
            Kind::Other(name) => Err(KeyError::Unsupported(name)),
            curve @ Kind::Known(_) => Self::from_sec1(key, Some(curve)),
        }
    }

    fn from_pair(pair: Pair) -> Result<Self, KeyError> {
        let (document, spki) = match &pair {
            Pair::Ecdsa(pair) => (sec1(pair), pair.public_key().as_der()),
            Pair::Large => (None, Err(Unspecified)),
            Pair::Rsa(pair) => (rsa::pkcs1(pair), pair.public_key().as_der()),
        };
        let spki: PublicKeyX509Der<'_> = spki.map_err(|_| unwritable())?;
        Self::from_parts(pair, document.ok_or_else(unwritable)?, spki.as_ref())
    }

    fn from_parts(pair: Pair, der: Zeroizing<Vec<u8>>, spki: &[u8]) -> Result<Self, KeyError> {
        let public = PublicKey::from_spki(spki).map_err(|_| unwritable())?;
        let algorithm = public.algorithm().ok_or_else(unwritable)?;
        Ok(Self {
            pair,
            algorithm,
            public,
            der,
        })
    }
}

fn unwritable() -> KeyError {
    KeyError::Malformed("the key cannot be encoded".into())
}

fn is_private(label: Label) -> bool {
    match label {
        Label::EcPrivateKey
        | Label::EncryptedPrivateKey
        | Label::PrivateKey
        | Label::RsaPrivateKey => true,
        Label::Certificate | Label::CertificateRequest | Label::EcParameters | Label::PublicKey => {
            false
        }
    }
}

/// The curve of the EC PARAMETERS block right before a key, as OpenSSL writes it.
fn curve_before(blocks: &[Block], index: usize) -> Result<Option<Kind>, KeyError> {
    let before = index.checked_sub(1).map(|before| &blocks[before]);
    match before {
        Some(block) if block.label == Label::EcParameters => {
            let curve: Element<'_> = der::only(&block.der)?;
            Ok(Some(Kind::of_curve(&curve)?))
        }
        _ => Ok(None),
    }
}

fn sec1(pair: &EcdsaKeyPair) -> Option<Zeroizing<Vec<u8>>> {
    let der = AsDer::<EcPrivateKeyRfc5915Der>::as_der(&pair.private_key()).ok()?;
    Some(Zeroizing::new(der.as_ref().to_vec()))
}
