//! Keys, private and public, and what encrypts them.

use certs::der::{self, Element};
use certs::key::{KeyError, PrivateKey, PublicKey};
use certs::pem;

/// Octets of the greatest number of iterations that is tried: the file says how long that takes.
const COUNT_MAX: usize = 2;
const PASSPHRASE: &[u8] = b"fuzz";

pub(super) fn run(bytes: &[u8]) {
    private(bytes);
    if let Ok(keys) = PublicKey::all_from_pem(bytes) {
        assert!(!keys.is_empty());
        keys.iter().for_each(public);
        let pem: String = keys.iter().map(PublicKey::to_pem).collect();
        let read = PublicKey::all_from_pem(pem.as_bytes()).expect("what was written is read");
        assert_eq!(read, keys);
    }
    if let Ok(key) = PublicKey::from_spki(bytes) {
        assert_eq!(key.spki(), bytes);
        public(&key);
    }
}

fn private(bytes: &[u8]) {
    let mut key = PrivateKey::from_pem(bytes, None);
    if matches!(key, Err(KeyError::Encrypted)) && quick(bytes) {
        key = PrivateKey::from_pem(bytes, Some(PASSPHRASE));
        assert!(!matches!(key, Err(KeyError::Encrypted)));
    }
    let Ok(key) = key else { return };
    assert!(pem::holds_private_key(bytes));
    let written = key.to_pem();
    let read = PrivateKey::from_pem(written.as_bytes(), None).expect("what was written is read");
    assert_eq!(*read.to_pem(), *written);
    assert_eq!(read.public_key(), key.public_key());
    assert_eq!(read.algorithm(), key.algorithm());
    assert_eq!(key.public_key().algorithm(), Some(key.algorithm()));
    public(key.public_key());
    // What prints a key shows none of it.
    assert_eq!(
        format!("{key:?}"),
        format!("PrivateKey({}, [elided])", key.algorithm())
    );
}

fn public(key: &PublicKey) {
    let read = PublicKey::from_spki(key.spki()).expect("it was read before");
    assert_eq!(read, *key);
    assert_eq!(read.key_identifier(), key.key_identifier());
    assert!(key.spki().ends_with(key.bit_string()));
    assert!(!key.kind().is_empty());
}

/// Whether no number in the file takes more than the octets that are quickly counted to.
fn quick(bytes: &[u8]) -> bool {
    let blocks = pem::parse(bytes).unwrap_or_default();
    blocks.iter().all(|block| small(&block.der))
}

fn small(der: &[u8]) -> bool {
    let fits = |element: &Element<'_>| match element.tag {
        der::INTEGER => element.content.len() <= COUNT_MAX,
        der::SEQUENCE => small(element.content),
        _ => true,
    };
    der::children(der).is_ok_and(|elements| elements.iter().all(fits))
}
