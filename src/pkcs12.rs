//! PKCS#12 (RFC 7292): a private key, its certificate and the certificates above it in one file under a
//! password, as browsers and keychains take them. What opens it is held against in the tests: OpenSSL,
//! NSS and Java.

use anyhow::{Result, ensure};
use zeroize::Zeroizing;

use crate::der;
use crate::key::{PrivateKey, Protection};
use crate::x509::cert::Certificate;

/// The tags [0], explicit and implicit.
const EXPLICIT_0: u8 = 0xa0;
const IMPLICIT_0: u8 = 0x80;
/// BMPString.
const BMP_STRING: u8 = 0x1e;

const DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 1];
const ENCRYPTED_DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 6];
const FRIENDLY_NAME: &[u64] = &[1, 2, 840, 113_549, 1, 9, 20];
const LOCAL_KEY_ID: &[u64] = &[1, 2, 840, 113_549, 1, 9, 21];
const X509_CERTIFICATE: &[u64] = &[1, 2, 840, 113_549, 1, 9, 22, 1];
const SHROUDED_KEY_BAG: &[u64] = &[1, 2, 840, 113_549, 1, 12, 10, 1, 2];
const KEY_BAG: &[u64] = &[1, 2, 840, 113_549, 1, 12, 10, 1, 1];
const CERT_BAG: &[u64] = &[1, 2, 840, 113_549, 1, 12, 10, 1, 3];

/// Whether it is such a file, and a key is in it. Keys are encrypted each by itself, in a part that is not, so
/// that what they are can be seen; some programs write lengths that DER has not.
pub fn holds_key(bytes: &[u8]) -> bool {
    const VERSION: [u8; 3] = [der::INTEGER, 1, 3];
    let says = |bytes: &[u8], octets: &[u8]| bytes.windows(octets.len()).any(|part| part == octets);
    let head = &bytes[..bytes.len().min(16)];
    let keys = [SHROUDED_KEY_BAG, KEY_BAG].map(der::oid);
    head.first() == Some(&der::SEQUENCE)
        && says(head, &VERSION)
        && keys.iter().any(|bag| says(bytes, bag))
}

/// What of a password readers agree on: they encode other characters each in its own way.
pub fn check_password(password: &[u8]) -> Result<()> {
    ensure!(!password.is_empty(), "the password is empty: give one");
    ensure!(
        password.iter().all(|octet| (0x20..0x7f).contains(octet)),
        "the password holds a character beyond printable ASCII, which readers of PKCS#12 encode in \
         different ways: leave it out"
    );
    Ok(())
}

/// The file: `key`, and the chain of certificates, its own first. `name` is how a keychain shows it.
pub fn encode(
    name: &str,
    key: &PrivateKey,
    chain: &[Certificate],
    password: &[u8],
    protection: Protection,
) -> Result<Zeroizing<Vec<u8>>> {
    check_password(password)?;
    ensure!(
        chain
            .first()
            .is_some_and(|leaf| leaf.public_key == *key.public_key()),
        "the key is not the certificate's"
    );
    let attributes = attributes(name, key);
    let (algorithm, encrypted) = protection.encrypt(password, &key.to_pkcs8())?;
    let shrouded = der::sequence(&[&algorithm, &der::tlv(der::OCTET_STRING, &encrypted)]);
    let keys = der::sequence(&[&bag(SHROUDED_KEY_BAG, &shrouded, &attributes)]);
    let bags: Vec<Vec<u8>> = chain
        .iter()
        .enumerate()
        .map(|(index, certificate)| {
            let octets = der::tlv(der::OCTET_STRING, certificate.der());
            let held =
                der::sequence(&[&der::oid(X509_CERTIFICATE), &der::tlv(EXPLICIT_0, &octets)]);
            let named: &[u8] = if index == 0 { &attributes } else { &[] };
            bag(CERT_BAG, &held, named)
        })
        .collect();
    let certificates = der::tlv(der::SEQUENCE, &bags.concat());
    let safe = der::sequence(&[
        &encrypted_data(&certificates, password, protection)?,
        &data(&keys),
    ]);
    let mac = protection.mac(password, &safe)?;
    let version = der::tlv(der::INTEGER, &[3]);
    Ok(Zeroizing::new(der::sequence(&[
        &version,
        &data(&safe),
        &mac,
    ])))
}

/// A ContentInfo of what is not encrypted as a whole (RFC 7292, 4).
fn data(content: &[u8]) -> Vec<u8> {
    let octets = der::tlv(der::OCTET_STRING, content);
    der::sequence(&[&der::oid(DATA), &der::tlv(EXPLICIT_0, &octets)])
}

/// A ContentInfo of EncryptedData (RFC 5652, 8).
fn encrypted_data(content: &[u8], password: &[u8], protection: Protection) -> Result<Vec<u8>> {
    let (algorithm, encrypted) = protection.encrypt(password, content)?;
    let info = der::sequence(&[
        &der::oid(DATA),
        &algorithm,
        &der::tlv(IMPLICIT_0, &encrypted),
    ]);
    let whole = der::sequence(&[&der::tlv(der::INTEGER, &[0]), &info]);
    Ok(der::sequence(&[
        &der::oid(ENCRYPTED_DATA),
        &der::tlv(EXPLICIT_0, &whole),
    ]))
}

/// A SafeBag (RFC 7292, 4.2); `attributes` are encoded already, or empty.
fn bag(kind: &[u64], value: &[u8], attributes: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::oid(kind), &der::tlv(EXPLICIT_0, value), attributes])
}

/// What says that a key and a certificate belong together, and what they are called.
fn attributes(name: &str, key: &PrivateKey) -> Vec<u8> {
    let attribute =
        |kind, value: Vec<u8>| der::sequence(&[&der::oid(kind), &der::set_of(vec![value])]);
    let text: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let identifier = key.public_key().key_identifier();
    der::set_of(vec![
        attribute(FRIENDLY_NAME, der::tlv(BMP_STRING, &text)),
        attribute(LOCAL_KEY_ID, der::tlv(der::OCTET_STRING, &identifier)),
    ])
}
