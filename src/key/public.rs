//! Public keys: SPKI, identifiers, verification of signatures.

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey,
    VerificationAlgorithm,
};

use super::algorithm::Kind;
use super::{KeyAlgorithm, sha256};
use crate::der;
use crate::pem::{self, Label};

/// A public key. Two are equal if their SPKI are, octet by octet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey {
    spki: Vec<u8>,
    /// SHA-256 of `spki`.
    digest: [u8; 32],
    /// Where in `spki` the octets of the BIT STRING start; they go to its end.
    key_start: usize,
    algorithm: Option<KeyAlgorithm>,
    kind: String,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7). Any kind of key is read; a point that is not on its curve is an error.
    pub fn from_spki(spki: &[u8]) -> anyhow::Result<Self> {
        Self::read(spki).context("read public key")
    }

    fn read(spki: &[u8]) -> anyhow::Result<Self> {
        let members = der::sequence_members(spki)?;
        let [identifier, key] = members.as_slice() else {
            bail!("a public key consists of an algorithm and a BIT STRING");
        };
        let key = der::whole_octets(key.tagged(der::BIT_STRING)?)?;
        let kind = Kind::of_algorithm(identifier)?;
        let algorithm = match &kind {
            Kind::Known(curve) => {
                let verification = verification(*curve, Hash::Sha256);
                ensure!(
                    ParsedPublicKey::new(verification, key).is_ok(),
                    "this is not a point on the curve of {curve}"
                );
                Some(*curve)
            }
            Kind::Other(_) => None,
            Kind::Rsa => Some(KeyAlgorithm::Rsa(rsa_bits(key)?)),
        };
        Ok(Self {
            spki: spki.to_vec(),
            digest: sha256(spki),
            key_start: spki.len() - key.len(),
            algorithm,
            kind: algorithm.map_or_else(|| kind.to_string(), |algorithm| algorithm.to_string()),
        })
    }

    /// Reads every `PUBLIC KEY` block of a PEM file, in order; at least one must be there. sa.pub
    /// holds several while its key is replaced.
    pub fn all_from_pem(bytes: &[u8]) -> anyhow::Result<Vec<Self>> {
        let keys = pem::parse(bytes)?
            .iter()
            .filter(|block| block.label == Label::PublicKey)
            .map(|block| Self::from_spki(&block.der))
            .collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(
            !keys.is_empty(),
            "no public key: a block BEGIN PUBLIC KEY is expected"
        );
        Ok(keys)
    }

    /// Kind and size; none for a kind that this program does not use.
    pub fn algorithm(&self) -> Option<KeyAlgorithm> {
        self.algorithm
    }

    /// The name of the kind, also of those that are not used: `ECDSA-P256`, `Ed25519`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The SubjectPublicKeyInfo, DER, as it was read.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The octets of subjectPublicKey, without the BIT STRING's tag, length and count of unused bits.
    pub fn bit_string(&self) -> &[u8] {
        &self.spki[self.key_start..]
    }

    /// The leftmost 160 bits of SHA-256 over `bit_string` (RFC 7093, 2, method 1), which is what kubeadm puts into its CAs.
    pub fn key_identifier(&self) -> [u8; 20] {
        let mut identifier = [0; 20];
        identifier.copy_from_slice(&sha256(self.bit_string())[..20]);
        identifier
    }

    /// SHA-256 of the SPKI; what `--discovery-token-ca-cert-hash` of kubeadm is about.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.digest
    }

    /// What the tokens that are signed with its private key name it by (`kid`, RFC 7515 section 4.1.4), as the API server
    /// does in them and in `/openid/v1/jwks`.
    pub fn token_key_id(&self) -> String {
        pem::base64url(&self.digest)
    }

    /// A `PUBLIC KEY` block.
    pub fn to_pem(&self) -> String {
        pem::encode(Label::PublicKey, &self.spki).to_string()
    }

    /// Checks a signature. `algorithm` is the whole AlgorithmIdentifier, DER, that stands beside it (RFC 5280, 4.1.1.2).
    /// PKCS#1 v1.5 and ECDSA with SHA-256, SHA-384 and SHA-512 are accepted, in any pairing of hash and curve.
    pub fn verify(&self, algorithm: &[u8], message: &[u8], signature: &[u8]) -> anyhow::Result<()> {
        let scheme = Scheme::parse(algorithm).context("read signature algorithm")?;
        let Some(key) = self.algorithm else {
            bail!(
                "signatures of a key of the kind {} are not supported",
                self.kind
            );
        };
        let hash = match (scheme, key) {
            (Scheme::Ecdsa(_), KeyAlgorithm::Rsa(_)) => {
                bail!("an ECDSA signature, but the key is {key}")
            }
            (Scheme::Rsa(_), KeyAlgorithm::Rsa(_)) if !key.may_sign_certificates() => {
                let Some(bits) = key.too_large() else {
                    bail!("signatures of a key of the kind {key} are not supported");
                };
                bail!(
                    "its signature cannot be verified here: that takes an RSA key of 2048 to 8192 bits, and this one \
                     has {bits}"
                );
            }
            (Scheme::Ecdsa(hash), _) | (Scheme::Rsa(hash), KeyAlgorithm::Rsa(_)) => hash,
            (Scheme::Rsa(_), _) => bail!("an RSA signature, but the key is {key}"),
        };
        UnparsedPublicKey::new(verification(key, hash), self.bit_string())
            .verify(message, signature)
            .ok()
            .context("the signature does not verify")
    }
}

/// Signature algorithms whose hash is broken (RFC 9155; RFC 6151), by object identifier.
const BROKEN: [(&str, &str); 6] = [
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.10040.4.3", "dsa-with-sha1"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.3.14.3.2.29", "sha1WithRSASignature"),
];

/// The name of a signature algorithm (the DER of its AlgorithmIdentifier) whose hash is broken.
pub fn broken_signature(algorithm: &[u8]) -> Option<&'static str> {
    let members = der::sequence_members(algorithm).ok()?;
    broken(&der::oid_text(members.first()?.tagged(der::OBJECT_IDENTIFIER).ok()?).ok()?)
}

fn broken(oid: &str) -> Option<&'static str> {
    let (_, name) = BROKEN.iter().find(|(broken, _)| *broken == oid)?;
    Some(name)
}

/// Why a signature of this algorithm (the DER of its AlgorithmIdentifier) is verified by no key here;
/// none where one could verify it.
pub fn unaccepted_signature(algorithm: &[u8]) -> Option<String> {
    let reason = Scheme::parse(algorithm).err()?;
    Some(format!("{reason:#}"))
}

/// The bits of the modulus of an RSAPublicKey (RFC 8017, A.1.1).
fn rsa_bits(key: &[u8]) -> anyhow::Result<u32> {
    let members = der::sequence_members(key)?;
    let [modulus, exponent] = members.as_slice() else {
        bail!("an RSA key consists of a modulus and an exponent");
    };
    der::positive_integer(exponent.tagged(der::INTEGER)?)?;
    let modulus = der::positive_integer(modulus.tagged(der::INTEGER)?)?;
    Ok(u32::try_from(der::bit_length(modulus))?)
}

#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy)]
enum Scheme {
    Ecdsa(Hash),
    Rsa(Hash),
}

impl Scheme {
    fn parse(algorithm: &[u8]) -> anyhow::Result<Self> {
        let members = der::sequence_members(algorithm)?;
        let (name, parameters) = match members.as_slice() {
            [name] => (name, None),
            [name, parameters] => (name, Some(parameters)),
            _ => bail!("it has not one or two members"),
        };
        let oid = der::oid_text(name.tagged(der::OBJECT_IDENTIFIER)?)?;
        if let Some(name) = broken(&oid) {
            bail!("{name} is no longer accepted");
        }
        let (name, scheme) = match oid.as_str() {
            "1.2.840.113549.1.1.11" => ("sha256WithRSAEncryption", Self::Rsa(Hash::Sha256)),
            "1.2.840.113549.1.1.12" => ("sha384WithRSAEncryption", Self::Rsa(Hash::Sha384)),
            "1.2.840.113549.1.1.13" => ("sha512WithRSAEncryption", Self::Rsa(Hash::Sha512)),
            "1.2.840.10045.4.3.2" => ("ecdsa-with-SHA256", Self::Ecdsa(Hash::Sha256)),
            "1.2.840.10045.4.3.3" => ("ecdsa-with-SHA384", Self::Ecdsa(Hash::Sha384)),
            "1.2.840.10045.4.3.4" => ("ecdsa-with-SHA512", Self::Ecdsa(Hash::Sha512)),
            "1.2.840.113549.1.1.10" => bail!("RSASSA-PSS is not supported"),
            "1.3.101.112" => bail!("Ed25519 is not supported"),
            _ => bail!("the signature algorithm {oid} is not supported"),
        };
        // RFC 4055, 5: NULL for RSA, which some leave out. RFC 5758, 3.2: none for ECDSA.
        let fits = match (scheme, parameters) {
            (_, None) => true,
            (Self::Rsa(_), Some(parameters)) => parameters.raw == [der::NULL, 0],
            (Self::Ecdsa(_), Some(_)) => false,
        };
        ensure!(fits, "{name} has parameters that do not belong there");
        Ok(scheme)
    }
}

fn verification(key: KeyAlgorithm, hash: Hash) -> &'static dyn VerificationAlgorithm {
    match (key, hash) {
        (KeyAlgorithm::EcdsaP256, Hash::Sha256) => &ECDSA_P256_SHA256_ASN1,
        (KeyAlgorithm::EcdsaP256, Hash::Sha384) => &ECDSA_P256_SHA384_ASN1,
        (KeyAlgorithm::EcdsaP256, Hash::Sha512) => &ECDSA_P256_SHA512_ASN1,
        (KeyAlgorithm::EcdsaP384, Hash::Sha256) => &ECDSA_P384_SHA256_ASN1,
        (KeyAlgorithm::EcdsaP384, Hash::Sha384) => &ECDSA_P384_SHA384_ASN1,
        (KeyAlgorithm::EcdsaP384, Hash::Sha512) => &ECDSA_P384_SHA512_ASN1,
        (KeyAlgorithm::EcdsaP521, Hash::Sha256) => &ECDSA_P521_SHA256_ASN1,
        (KeyAlgorithm::EcdsaP521, Hash::Sha384) => &ECDSA_P521_SHA384_ASN1,
        (KeyAlgorithm::EcdsaP521, Hash::Sha512) => &ECDSA_P521_SHA512_ASN1,
        (KeyAlgorithm::Rsa(_), Hash::Sha256) => &RSA_PKCS1_2048_8192_SHA256,
        (KeyAlgorithm::Rsa(_), Hash::Sha384) => &RSA_PKCS1_2048_8192_SHA384,
        (KeyAlgorithm::Rsa(_), Hash::Sha512) => &RSA_PKCS1_2048_8192_SHA512,
    }
}
