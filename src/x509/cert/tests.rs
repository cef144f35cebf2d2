use std::net::IpAddr;

use time::macros::datetime;

use super::*;
use crate::der::Element;
use crate::key::KeyAlgorithm;
use crate::oracle::{run, text};

/// A self-signed certificate of OpenSSL's: the key as `openssl req -newkey` takes it, its extensions one a line.
fn made(key: &str, options: &str, extensions: &str) -> Certificate {
    let config = format!(
        "[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\nO=test\nCN=x\n[ext]\n{extensions}\n"
    );
    let script = format!(
        "openssl req -x509 -config /dev/stdin -newkey {key} {options} -nodes -keyout /dev/null 2>/dev/null"
    );
    let pem = run(&script, config.as_bytes());
    Certificate::from_pem(&pem).unwrap().remove(0)
}

fn p256(extensions: &str) -> Certificate {
    made("ec -pkeyopt ec_paramgen_curve:P-256", "", extensions)
}

/// The members of the signed part, to be put together anew; the signature is then void, which `parse` does not look at.
struct Parts {
    fields: Vec<Vec<u8>>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

const SERIAL: usize = 1;
const ISSUER: usize = 3;
const VALIDITY: usize = 4;
const SUBJECT: usize = 5;
const SPKI: usize = 6;
const EXTENSIONS: usize = 7;

impl Parts {
    fn new() -> Self {
        let certificate = p256("basicConstraints=CA:TRUE");
        let raw = |element: &Element<'_>| element.raw.to_vec();
        let members = der::sequence_members(certificate.der()).unwrap();
        Self {
            fields: der::children(members[0].content)
                .unwrap()
                .iter()
                .map(raw)
                .collect(),
            algorithm: raw(&members[1]),
            signature: raw(&members[2]),
        }
    }

    fn with(field: usize, value: &[u8]) -> Self {
        let mut parts = Self::new();
        parts.fields[field] = value.to_vec();
        parts
    }

    fn with_extensions(extensions: &[(&[u64], bool, &[u8])]) -> Self {
        let extension = |(oid, critical, value): &(&[u64], bool, &[u8])| {
            let critical: &[u8] = if *critical { &[1, 1, 0xff] } else { &[] };
            der::sequence(&[
                &der::oid(oid),
                critical,
                &der::tlv(der::OCTET_STRING, value),
            ])
        };
        let all: Vec<Vec<u8>> = extensions.iter().map(extension).collect();
        Self::with(
            EXTENSIONS,
            &der::tlv(0xa3, &der::tlv(der::SEQUENCE, &all.concat())),
        )
    }

    fn der(&self) -> Vec<u8> {
        let tbs = der::tlv(der::SEQUENCE, &self.fields.concat());
        der::sequence(&[&tbs, &self.algorithm, &self.signature])
    }

    fn parse(&self) -> Certificate {
        Certificate::parse(&self.der()).unwrap()
    }

    fn refusal(&self) -> String {
        format!("{:#}", Certificate::parse(&self.der()).unwrap_err())
    }
}

const SAN: &[u64] = &[2, 5, 29, 17];

#[test]
fn every_field_of_a_ca_is_read() {
    let extensions = "keyUsage=critical,digitalSignature,keyCertSign,cRLSign\n\
                      basicConstraints=critical,CA:TRUE,pathlen:1\nsubjectKeyIdentifier=hash\n\
                      authorityKeyIdentifier=keyid:always\n";
    let ca = made(
        "ec -pkeyopt ec_paramgen_curve:P-384",
        "-set_serial 0xABCDEF",
        extensions,
    );
    assert_eq!(ca.version, 3);
    assert_eq!(ca.subject.to_string(), "CN=x,O=test");
    assert_eq!(ca.issuer, ca.subject);
    assert_eq!(ca.serial.to_string(), "abcdef");
    assert_eq!(ca.public_key.algorithm(), Some(KeyAlgorithm::EcdsaP384));
    assert_eq!(
        ca.key_usage.unwrap().names(),
        ["digitalSignature", "keyCertSign", "cRLSign"]
    );
    let constraints = BasicConstraints {
        ca: true,
        path_length: Some(1),
        critical: true,
    };
    assert_eq!(ca.basic_constraints, Some(constraints));
    assert!(ca.is_ca());
    let identifier = ca.subject_key_identifier.clone().unwrap();
    let hex: Vec<String> = identifier
        .iter()
        .map(|octet| format!("{octet:02X}"))
        .collect();
    let by_openssl = text(
        "openssl x509 -noout -ext subjectKeyIdentifier",
        ca.to_pem().as_bytes(),
    );
    assert!(by_openssl.ends_with(&hex.join(":")), "{by_openssl}");
    assert_eq!(ca.authority_key_identifier, Some(identifier));
    assert_eq!(
        ca.extension_oids,
        ["2.5.29.15", "2.5.29.19", "2.5.29.14", "2.5.29.35"]
    );
    assert!(
        ca.sans.is_empty() && ca.extended_key_usage.is_empty() && ca.unknown_critical.is_empty()
    );
    ca.verify_signature(&ca.public_key).unwrap();
}

#[test]
fn the_validity_is_what_openssl_says() {
    let certificate = made("ec -pkeyopt ec_paramgen_curve:P-256", "-days 3650", "");
    let dates = text(
        "openssl x509 -noout -dates -dateopt iso_8601",
        certificate.to_pem().as_bytes(),
    );
    let format =
        time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    let Validity {
        not_before,
        not_after,
    } = certificate.validity;
    assert_eq!(not_after - not_before, time::Duration::days(3650));
    let (before, after) = (
        not_before.format(format).unwrap(),
        not_after.format(format).unwrap(),
    );
    assert_eq!(format!("notBefore={before}\nnotAfter={after}"), dates);
}

#[test]
fn dates_have_two_or_four_digits_of_the_year() {
    let utc = |text: &[u8]| der::tlv(0x17, text);
    let general = |text: &[u8]| der::tlv(0x18, text);
    let read = |before: &[u8], after: &[u8]| {
        Parts::with(VALIDITY, &der::sequence(&[before, after]))
            .parse()
            .validity
    };
    assert_eq!(
        read(&utc(b"500101000000Z"), &utc(b"491231235959Z")),
        Validity {
            not_before: datetime!(1950-01-01 0:00 UTC),
            not_after: datetime!(2049-12-31 23:59:59 UTC)
        }
    );
    assert_eq!(
        read(&general(b"20560229120000Z"), &general(b"99991231235959Z")),
        Validity {
            not_before: datetime!(2056-02-29 12:00 UTC),
            not_after: datetime!(9999-12-31 23:59:59 UTC)
        }
    );
    let parts = Parts::with(
        VALIDITY,
        &der::sequence(&[&utc(b"501301000000Z"), &utc(b"491231235959Z")]),
    );
    assert!(parts.refusal().starts_with("read certificate: "));
}

#[test]
fn every_key_usage_is_read() {
    let all = "digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment,keyAgreement,keyCertSign,cRLSign,\
               encipherOnly,decipherOnly";
    let usage = p256(&format!("keyUsage={all}")).key_usage.unwrap();
    assert_eq!(
        usage
            .names()
            .join(",")
            .replace("contentCommitment", "nonRepudiation"),
        all
    );
    let one = |usage: &str| p256(&format!("keyUsage={usage}")).key_usage;
    assert_eq!(one("cRLSign"), Some(KeyUsage::CRL_SIGN));
    assert_eq!(one("decipherOnly"), Some(KeyUsage::DECIPHER_ONLY));
    assert_eq!(p256("").key_usage, None);
}

#[test]
fn extended_key_usages_keep_their_order() {
    let read = |usages: &str| p256(&format!("extendedKeyUsage={usages}")).extended_key_usage;
    let names = |usages: &str| {
        read(usages)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",")
    };
    assert_eq!(names("serverAuth,clientAuth"), "serverAuth,clientAuth");
    assert_eq!(
        names("clientAuth,2.25.77,serverAuth"),
        "clientAuth,2.25.77,serverAuth"
    );
}

#[test]
fn every_kind_of_san_is_read_in_order() {
    let san = "subjectAltName=DNS:Node-1,DNS:*.example.com,IP:10.0.0.1,IP:fd00::1,email:a@example.com,\
               URI:spiffe://x/y,RID:1.2.3.4";
    let sans = p256(san).sans;
    let expected = [
        San::Dns("Node-1".into()),
        San::Dns("*.example.com".into()),
        San::Ip(IpAddr::from([10, 0, 0, 1])),
        San::Ip("fd00::1".parse().unwrap()),
        San::Email("a@example.com".into()),
        San::Uri("spiffe://x/y".into()),
        San::Other(vec![0x88, 3, 0x2a, 3, 4]),
    ];
    assert_eq!(sans, expected);
}

#[test]
fn no_certificate_is_read_with_more_names_than_anyone_needs() {
    let names = |number: usize| {
        let names: Vec<u8> = (0..number).flat_map(|_| [0x82, 1, b'a']).collect();
        let value = der::sequence(&[&names]);
        Parts::with_extensions(&[(SAN, false, &value)])
    };
    assert_eq!(names(5000).parse().sans.len(), 5000);
    let refusal = names(5001).refusal();
    assert!(refusal.contains("it has more than 5000 names"), "{refusal}");
}

#[test]
fn trap_6_a_v4_mapped_address_is_the_ipv4_address() {
    let mapped = [
        &[0x30, 18, 0x87, 16][..],
        &[0; 10],
        &[0xff, 0xff, 10, 0, 0, 1],
    ]
    .concat();
    let certificate = Parts::with_extensions(&[(SAN, false, &mapped)]).parse();
    assert_eq!(certificate.sans, [San::Ip(IpAddr::from([10, 0, 0, 1]))]);
}

#[test]
fn malformed_extensions_are_refused_with_their_identifier() {
    let cases: [(u64, &[u8], &str); 10] = [
        (
            17,
            &[0x30, 3, 0x82, 1, 0xe9],
            "a name has octets outside ASCII",
        ),
        (
            17,
            &[0x30, 4, 0x87, 2, 1, 1],
            "an IP address has not 4 or 16 octets",
        ),
        (17, &[0x30, 1], "the DER ends too early"),
        (
            37,
            &[0x30, 2, 5, 0],
            "another type stands where DER expects one",
        ),
        (37, &[0x30, 0, 0], "octets follow the end of the DER"),
        (14, &[5, 0], "it is not encoded as RFC 5280 demands"),
        (15, &[5, 0], "it is not encoded as RFC 5280 demands"),
        (19, &[5, 0], "it is not encoded as RFC 5280 demands"),
        (35, &[5, 0], "it is not encoded as RFC 5280 demands"),
        (
            19,
            &[0x30, 3, 1, 1, 0xff, 0],
            "octets follow the end of the DER",
        ),
    ];
    for (last, value, reason) in cases {
        let refusal = Parts::with_extensions(&[(&[2, 5, 29, last], true, value)]).refusal();
        assert_eq!(
            refusal,
            format!("read certificate: read extension 2.5.29.{last}: {reason}")
        );
    }
    let purpose = der::sequence(&[&[
        6, 12, 0x69, 0x83, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ]]);
    let refusal = Parts::with_extensions(&[(&[2, 5, 29, 37], false, &purpose)]).refusal();
    assert!(
        refusal.contains("an arc of an object identifier is over 64 bits"),
        "{refusal}"
    );
}

#[test]
fn an_extension_that_occurs_twice_is_refused() {
    let extension: (&[u64], bool, &[u8]) = (&[1, 2, 3, 4], false, &[5, 0]);
    let refusal = Parts::with_extensions(&[extension, extension]).refusal();
    assert!(refusal.contains("1.2.3.4 occurs twice"), "{refusal}");
}

#[test]
fn critical_extensions_that_kubernetes_does_not_know_are_recorded() {
    let certificate = p256(
        "keyUsage=critical,keyCertSign\n1.2.3.4=critical,DER:0500\n1.2.3.5=DER:0500\n\
         nameConstraints=critical,permitted;DNS:example.com\nissuerAltName=critical,DNS:x",
    );
    assert_eq!(certificate.unknown_critical, ["1.2.3.4", "2.5.29.18"]);
    assert!(certificate.extension_oids.contains(&"1.2.3.5".to_string()));
}

#[test]
fn a_certificate_of_version_1_is_read_and_is_no_ca() {
    let script = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/stdout \
                  -config <(printf '[req]\\ndistinguished_name=dn\\n[dn]\\n') -subj /CN=old 2>/dev/null \
                  | { read -r -d '' both || true; openssl x509 -req -in <(echo \"$both\") -signkey <(echo \"$both\") 2>/dev/null; }";
    let certificate = Certificate::from_pem(&run(script, b"")).unwrap().remove(0);
    assert_eq!((certificate.version, certificate.is_ca()), (1, false));
    assert_eq!(certificate.subject.to_string(), "CN=old");
    assert!(certificate.extension_oids.is_empty());
    certificate
        .verify_signature(&certificate.public_key)
        .unwrap();
}

#[test]
fn basic_constraints_without_ca_are_no_ca() {
    let leaf = p256("basicConstraints=CA:FALSE");
    let constraints = BasicConstraints {
        ca: false,
        path_length: None,
        critical: false,
    };
    assert_eq!(leaf.basic_constraints, Some(constraints));
    assert!(!leaf.is_ca());
    assert_eq!(p256("").basic_constraints, None);
}

#[test]
fn what_is_no_certificate_is_refused_with_the_reason() {
    let whole = Parts::new();
    let refusal = |der: &[u8]| format!("{:#}", Certificate::parse(der).unwrap_err());
    let read = |reason: &str| format!("read certificate: {reason}");
    assert_eq!(
        refusal(&[whole.der(), vec![0]].concat()),
        read("octets follow the end of the DER")
    );
    assert_eq!(
        refusal(&[0x30, 0]),
        read("a certificate consists of three parts, this has 0")
    );
    let short = der::sequence(&[&der::sequence(&[]), &whole.algorithm, &whole.signature]);
    assert_eq!(refusal(&short), read("it is cut short"));
    let length = whole.der().len();
    for cut in [0, 1, 10, length / 2, length - 1] {
        assert_eq!(refusal(&whole.der()[..cut]), read("the DER ends too early"));
    }
    let with = |field, value: &[u8]| Parts::with(field, value).refusal();
    assert_eq!(
        with(0, &[0xa0, 3, 2, 1, 3]),
        read("the version is not 1, 2 or 3")
    );
    for version in [0, 1] {
        let reason = format!(
            "it has extensions, which only version 3 has, and is of version {}",
            version + 1
        );
        assert_eq!(with(0, &[0xa0, 3, 2, 1, version]), read(&reason));
    }
    assert_eq!(
        with(SERIAL, &[2, 1, 0x80]),
        read("read serial number: an INTEGER is negative")
    );
    for field in [SERIAL, ISSUER, SUBJECT, SPKI] {
        assert!(with(field, &[5, 0]).starts_with("read certificate: "));
    }
    assert_eq!(
        with(ISSUER, &[0x30, 2, 0x31, 0]),
        read("read issuer: read name: an RDN is empty")
    );
    assert_eq!(
        with(SUBJECT, &[0x30, 2, 0x31, 0]),
        read("read subject: read name: an RDN is empty")
    );
    let mut parts = Parts::new();
    parts.signature = vec![3, 2, 1, 0];
    assert_eq!(
        parts.refusal(),
        read("a BIT STRING does not consist of whole octets")
    );
}

#[test]
fn the_signature_algorithms_inside_and_outside_must_be_the_same() {
    let mut parts = Parts::new();
    parts.algorithm = der::sequence(&[&der::oid(&[1, 2, 840, 10045, 4, 3, 3])]);
    assert_eq!(
        parts.refusal(),
        "read certificate: the signature algorithm is not the one that the signed part names"
    );
}

#[test]
fn trap_7_a_ca_on_p_521_is_verified() {
    let ca = made(
        "ec -pkeyopt ec_paramgen_curve:P-521",
        "-sha512",
        "basicConstraints=CA:TRUE",
    );
    assert_eq!(ca.public_key.algorithm(), Some(KeyAlgorithm::EcdsaP521));
    ca.verify_signature(&ca.public_key).unwrap();
    let algorithm = der::sequence(&[&der::oid(&[1, 2, 840, 10045, 4, 3, 4])]);
    assert_eq!(ca.signature_algorithm(), algorithm);
}

#[test]
fn a_signature_of_another_key_or_with_sha_1_does_not_verify() {
    let (one, other) = (p256(""), p256(""));
    let error = one.verify_signature(&other.public_key).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "verify the signature on CN=x,O=test: the signature does not verify"
    );
    let old = made("rsa:2048", "-sha1", "");
    let error = old.verify_signature(&old.public_key).unwrap_err();
    let reason = "read signature algorithm: sha1WithRSAEncryption is no longer accepted";
    assert_eq!(
        format!("{error:#}"),
        format!("verify the signature on CN=x,O=test: {reason}")
    );
}

#[test]
fn trap_2_the_issuer_of_a_leaf_is_its_cas_subject_octet_by_octet() {
    let script = r#"
        config='[req]
prompt=no
utf8=yes
string_mask=default
distinguished_name=dn
x509_extensions=ext
[dn]
0.DC=com
1.DC=example
0.OU=Zürich
1.OU=two
O=a
+CN=b
[ext]
basicConstraints=CA:TRUE'
        key=$(openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2056)
        ca=$(openssl req -x509 -new -key <(echo "$key") -config <(echo "$config") -sha512)
        echo "$ca"
        openssl req -new -newkey rsa:2048 -nodes -keyout /dev/null -config <(echo "$config") -subj /CN=leaf 2>/dev/null |
            openssl x509 -req -CA <(echo "$ca") -CAkey <(echo "$key") -set_serial 7 2>/dev/null"#;
    let both = Certificate::from_pem(&run(script, b"")).unwrap();
    let [ca, leaf] = both.as_slice() else {
        panic!("{both:?}")
    };
    assert_eq!(leaf.issuer, ca.subject);
    assert_eq!(leaf.issuer.der(), ca.subject.der());
    assert_eq!(
        ca.subject.to_string(),
        "CN=b+O=a,OU=two,OU=Zürich,DC=example,DC=com"
    );
    assert_eq!(ca.public_key.algorithm(), Some(KeyAlgorithm::Rsa(2056)));
    leaf.verify_signature(&ca.public_key).unwrap();
    assert!(leaf.verify_signature(&leaf.public_key).is_err());
}

#[test]
fn certificates_are_equal_by_their_der_and_written_as_they_were_read() {
    let (one, other) = (p256(""), p256(""));
    assert_ne!(one, other);
    let again = Certificate::from_pem(one.to_pem().as_bytes()).unwrap();
    assert_eq!(again, std::slice::from_ref(&one));
    assert_eq!(
        std::collections::HashSet::from([one.clone(), again[0].clone(), other.clone()]).len(),
        2
    );
    let bundle = one.to_pem() + &other.to_pem();
    assert_eq!(
        Certificate::from_pem(bundle.as_bytes()).unwrap(),
        [one, other]
    );
    let error = Certificate::from_pem(b"").unwrap_err();
    assert!(error.to_string().starts_with("no certificate"));
}

#[test]
fn keys_of_other_kinds_in_certificates_are_read() {
    let certificate = made("ed25519", "", "");
    assert_eq!(certificate.public_key.kind(), "Ed25519");
    let error = certificate
        .verify_signature(&certificate.public_key)
        .unwrap_err();
    assert!(
        format!("{error:#}").ends_with("Ed25519 is not supported"),
        "{error:#}"
    );
}

#[test]
fn no_changed_octet_makes_the_reader_panic() {
    let san = "subjectAltName=DNS:a,IP:10.0.0.1\nkeyUsage=keyCertSign\nextendedKeyUsage=serverAuth\n\
               basicConstraints=CA:TRUE,pathlen:1\nauthorityKeyIdentifier=keyid:always";
    let whole = p256(san).der().to_vec();
    let (mut read, mut refused) = (0, 0);
    for place in 0..whole.len() {
        for change in [0x01, 0x7f, 0x80, 0xff] {
            let mut der = whole.clone();
            der[place] ^= change;
            match Certificate::parse(&der) {
                Ok(certificate) => {
                    let shown = format!("{certificate:?}");
                    assert!(
                        certificate
                            .verify_signature(&certificate.public_key)
                            .is_err(),
                        "{place} {shown}"
                    );
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(read > 0 && refused > 0);
}

#[test]
fn what_was_read_before_is_the_same_again() {
    let pem = |extensions| p256(extensions).to_pem();
    let (ca, leaf) = (
        pem("basicConstraints=CA:TRUE"),
        pem("basicConstraints=CA:FALSE"),
    );
    for text in [&ca, &leaf, &(ca.clone() + &leaf)] {
        let first = Certificate::from_pem(text.as_bytes()).unwrap();
        assert_eq!(Certificate::from_pem(text.as_bytes()).unwrap(), first);
    }
    let broken = ca.replace("-----END", "-----EN");
    for _ in 0..2 {
        assert!(Certificate::from_pem(broken.as_bytes()).is_err());
    }
}
