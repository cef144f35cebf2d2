//! Subjects: what `--subject` reads, and what prints the names of certificates.

use certs::x509::Name;

pub(super) fn run(bytes: &[u8]) {
    if let Ok(name) = Name::from_der(bytes) {
        assert_eq!(name.der(), bytes);
        holds(&name);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(name) = Name::parse(text) else { return };
    assert_eq!(Name::from_der(name.der()).expect("it was made here"), name);
    holds(&name);
    // A value in hexadecimal may be of any string type, and no value at all.
    if !text.contains('#') {
        assert_eq!(turned_twice(&name), Some(name));
    }
}

/// What is true of every name, wherever it came from.
pub(super) fn holds(name: &Name) {
    let printed = name.to_string();
    assert!(!printed.contains(char::is_control), "{printed:?}");
    // What turns the direction of writing.
    assert!(!printed.contains(['\u{202e}', '\u{2066}', '\u{200f}']));
    assert_eq!(printed.is_empty(), name.is_empty());
    if let Some(again) = turned_twice(name) {
        assert!(again.same_values(name), "{printed:?} and {again}");
        assert_eq!(again.common_name(), name.common_name());
        assert_eq!(again.organizations().len(), name.organizations().len());
    }
}

/// Printed and read, which turns the order of the RDNs, and once more.
fn turned_twice(name: &Name) -> Option<Name> {
    let turned = Name::parse(&name.to_string()).ok()?;
    Name::parse(&turned.to_string()).ok()
}
