//! kubeadm's configuration files, from octets to the certificates that they ask for.

use std::net::{IpAddr, Ipv4Addr};

use certs::config::{ConfigError, Parsed, Unknown, parse};
use certs::facts::{Facts, Given, Host, resolve};
use certs::profile::{self, TABLE};
use certs::x509::{Name, San};

const FILE: &str = "kubeadm.yaml";
const HOST: Host<'_> = Host {
    name: "cp1",
    default_address: &|v6| (!v6).then_some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 10))),
};

pub(super) fn run(bytes: &[u8]) {
    let strict = parse(bytes, FILE, Unknown::Error);
    let lenient = parse(bytes, FILE, Unknown::Warn);
    let parsed = match (strict, lenient) {
        (Ok(strict), lenient) => {
            assert_eq!(lenient.as_ref(), Ok(&strict));
            strict
        }
        (Err(errors), Ok(parsed)) => {
            placed(bytes, &errors);
            parsed
        }
        (Err(errors), Err(fewer)) => {
            placed(bytes, &errors);
            placed(bytes, &fewer);
            assert!(fewer.len() <= errors.len());
            return;
        }
    };
    facts(parsed);
}

/// There is an error, and each is in the file.
pub(super) fn placed(bytes: &[u8], errors: &[ConfigError]) {
    assert!(!errors.is_empty());
    let lines = bytes.split(|byte| *byte == b'\n').count();
    for error in errors {
        assert!(error.line <= lines, "{error}");
        assert!(!error.reason.is_empty());
    }
}

fn facts(parsed: Parsed) {
    // No flag changes nothing, and the same values as flags leave nothing of the file.
    let given = Given::default().or(parsed.given.clone());
    assert_eq!(given, parsed.given);
    assert_eq!(given.clone().or(parsed.given), given);
    match resolve(given, &HOST) {
        Ok(facts) => specs(&facts),
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                assert!(error.origin.contains(FILE), "{error}");
            }
        }
    }
}

fn specs(facts: &Facts) {
    assert!(facts.cluster.validity.is_positive() && facts.cluster.ca_validity.is_positive());
    for row in TABLE {
        let Ok(spec) = profile::resolve(row, facts) else {
            continue;
        };
        let Some(certificate) = spec.certificate() else {
            continue;
        };
        let subject = &certificate.subject;
        assert_eq!(
            Name::from_der(subject.der()).expect("it was made here"),
            *subject
        );
        assert!(subject.common_name().is_some());
        for san in &certificate.sans {
            match san {
                // A node named like an address is a DNS name all the same.
                San::Dns(name) if facts.node.name.as_ref() == Some(name) => {}
                _ => assert_eq!(San::parse(&san.to_string()).as_ref(), Ok(san)),
            }
        }
    }
}
