//! Certificates, as DER or in PEM files.

use certs::der;
use certs::key::PublicKey;
use certs::x509::{Certificate, Name, San, san};

use super::name;

pub(super) fn run(bytes: &[u8]) {
    let der = Certificate::parse(bytes);
    if let Ok(certificate) = &der {
        assert_eq!(certificate.der(), bytes);
    }
    for certificate in Certificate::from_pem(bytes).unwrap_or_default() {
        holds(&certificate);
    }
    der.iter().for_each(holds);
}

fn holds(certificate: &Certificate) {
    let read = Certificate::parse(certificate.der()).expect("it was read before");
    assert_eq!(format!("{read:?}"), format!("{certificate:?}"));
    let pem = Certificate::from_pem(certificate.to_pem().as_bytes());
    assert_eq!(pem.expect("what was written is read"), [read]);

    let members = der::sequence_members(certificate.der()).expect("a certificate is a SEQUENCE");
    assert_eq!(certificate.tbs(), members[0].raw);
    for subject in [&certificate.subject, &certificate.issuer] {
        let read = Name::from_der(subject.der()).expect("it was read before");
        assert_eq!(read, *subject);
        name::holds(subject);
    }
    let key = &certificate.public_key;
    let read = PublicKey::from_spki(key.spki()).expect("it was read before");
    assert_eq!(read, *key);
    assert!(key.spki().ends_with(key.bit_string()));

    for san in &certificate.sans {
        // A name that a person may give is the same when it is given as it is printed.
        let printed = san.to_string();
        if let (San::Dns(name), Ok(read)) = (san, San::parse(&printed)) {
            assert!(matches!(&read, San::Ip(_)) || read == San::Dns(name.to_ascii_lowercase()));
        }
    }
    let ordered = san::ordered(certificate.sans.clone());
    assert_eq!(san::ordered(ordered.clone()), ordered);
    let names = der::sequence_members(&san::encode(&certificate.sans)).map(|names| names.len());
    assert_eq!(names, Ok(certificate.sans.len()));

    if let Some(constraints) = &certificate.name_constraints {
        for san in &certificate.sans {
            let forbidden = constraints.forbid(san);
            if let San::Dns(name) = san {
                let upper = San::Dns(name.to_ascii_uppercase());
                assert_eq!(constraints.forbid(&upper), forbidden, "{name}");
            }
            let _ = constraints.unread(san);
        }
    }
    // Whether it is right does not matter, that it is judged does.
    let _ = certificate.verify_signature(key);
}
