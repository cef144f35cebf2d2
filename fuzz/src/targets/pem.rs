//! PEM files.

use certs::pem::{Fault, Label, PemError, certificates, encode, holds_private_key, parse};

/// The longest name of a header that is told: longer ones may be a key.
const HEADER_MAX: usize = 32;

pub(super) fn run(bytes: &[u8]) {
    let blocks = match parse(bytes) {
        Ok(blocks) => blocks,
        Err(error) => {
            let error = error.downcast_ref().expect("the error names a line");
            return refused(bytes, error);
        }
    };
    let again: String = blocks
        .iter()
        .map(|block| encode(block.label, &block.der).to_string())
        .collect();
    let read = parse(again.as_bytes()).expect("what was written is read");
    assert!(read == blocks, "the blocks are others when read again");
    assert_eq!(
        holds_private_key(bytes),
        blocks.iter().any(|block| block.label.is_private())
    );
    let found = certificates(bytes).unwrap_or_default();
    let expected = blocks
        .iter()
        .filter(|block| block.label == Label::Certificate)
        .map(|block| block.der.to_vec());
    assert!(found.into_iter().eq(expected), "other certificates");
}

fn refused(bytes: &[u8], error: &PemError) {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    assert!((1..=lines).contains(&error.line), "line {}", error.line);
    if let Fault::Header(name) = &error.fault {
        assert!(name.len() <= HEADER_MAX, "{name:?} may be a key");
    }
    // What cannot be read may all the same hold a key, but none that it does not name.
    let letters: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    let named = letters.windows(11).any(|window| window == b"PRIVATE KEY");
    assert!(named || !holds_private_key(bytes));
}
