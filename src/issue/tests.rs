use std::fmt::Write as _;
use std::sync::Arc;

use time::Duration;
use time::macros::datetime;

use super::*;
use crate::observed::Observed;
use crate::oracle::sample::{self, NOW, key, spec};
use crate::oracle::{hex, run, text};
use crate::profile::renewal::{Changes, renewed};
use crate::x509::cert::BasicConstraints;
use crate::x509::san::San;

fn serial() -> Serial {
    let mut random = [0; 20];
    crate::key::random(&mut random).unwrap();
    Serial::new(random)
}

fn wanted(name: &str) -> CertificateSpec {
    spec(name).certificate().unwrap().clone()
}

fn ca_of(wanted: &CertificateSpec) -> Certificate {
    let period = validity(wanted, None, NOW).unwrap();
    root(wanted, &key("ca"), serial(), period).unwrap().0
}

fn ca() -> Certificate {
    ca_of(&wanted("ca"))
}

/// A leaf of the key `apiserver`, of this CA.
fn attempt(wanted: &CertificateSpec, ca: &Certificate, ca_key: &PrivateKey) -> Result<Certificate> {
    let issuer = Issuer {
        certificate: ca,
        key: ca_key,
    };
    let validity = validity(wanted, Some(End::of_ca(ca, &[], NOW)), NOW)?;
    leaf(
        wanted,
        key("apiserver").public_key(),
        issuer,
        serial(),
        validity,
    )
    .map(|issued| issued.0)
}

fn issued(name: &str) -> Certificate {
    attempt(&wanted(name), &ca(), &key("ca")).unwrap()
}

fn refused(result: Result<impl std::fmt::Debug>) -> String {
    format!("{:#}", result.unwrap_err())
}

/// A CA that OpenSSL made: its certificate and its key.
fn foreign(script: &str) -> (Certificate, PrivateKey) {
    let script =
        format!("d=$(mktemp -d); trap 'rm -r $d' EXIT; cd $d\n{script}\ncat ca.crt ca.key");
    let pem = run(&script, b"");
    let certificate = Certificate::from_pem(&pem).unwrap().remove(0);
    (certificate, PrivateKey::from_pem(&pem, None).unwrap())
}

/// OpenSSL's verdict on a leaf.
fn verified(ca: &Certificate, leaf: &Certificate, options: &str) -> String {
    let script = format!(
        "d=$(mktemp -d); trap 'rm -r $d' EXIT; cd $d; cat > both.pem\n\
         awk '/BEGIN/ {{ n++ }} {{ print > n \".pem\" }}' both.pem\n\
         openssl verify {options} -attime {} -CAfile 1.pem 2.pem 2>&1 || true",
        NOW.unix_timestamp()
    );
    text(
        &script,
        format!("{}{}", ca.to_pem(), leaf.to_pem()).as_bytes(),
    )
}

#[track_caller]
fn chains(ca: &Certificate, leaf: &Certificate, options: &str) {
    assert_eq!(verified(ca, leaf, options), "2.pem: OK", "{}", ca.subject);
    assert_eq!(leaf.issuer.der(), ca.subject.der(), "the exact bytes");
}

/// Subjects that rcgen loses or refuses, as sections of an OpenSSL configuration.
const SUBJECTS: [(&str, &str, &str); 8] = [
    ("two OUs", "utf8only", "0.OU=one\n1.OU=two\nCN=corporate"),
    (
        "domain components",
        "utf8only",
        "0.DC=com\n1.DC=example\nCN=corporate",
    ),
    (
        "a multi-valued RDN",
        "utf8only",
        "O=example\n+OU=one\nCN=corporate",
    ),
    ("two Os", "utf8only", "0.O=one\n1.O=two\nCN=corporate"),
    (
        "UTF-8",
        "utf8only",
        "C=CN\nO=Ex\u{e4}mple \u{4e2d}\u{6587}\nCN=corporate",
    ),
    (
        "PrintableString",
        "default",
        "C=CN\nST=Guangdong\nCN=corporate",
    ),
    ("T61String", "MASK:4", "O=Ex\u{e4}mple\nCN=corporate"),
    (
        "IA5String",
        "MASK:16",
        "emailAddress=ca@example.com\nCN=corporate",
    ),
];

fn named(mask: &str, subject: &str) -> (Certificate, PrivateKey) {
    let mut script = String::from("cat > c.cnf <<'END'\n");
    writeln!(
        script,
        "[req]\nprompt=no\nutf8=yes\nstring_mask={mask}\ndistinguished_name=dn\nx509_extensions=v3\n\
         [v3]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
         subjectKeyIdentifier=hash\n[dn]\n{subject}\nEND"
    )
    .unwrap();
    script.push_str(
        "openssl ecparam -name prime256v1 -genkey -noout -out ca.key\n\
         openssl req -x509 -utf8 -config c.cnf -key ca.key -days 20000 -out ca.crt \
         -not_before 20250101000000Z -not_after 20560101000000Z 2>/dev/null ||\n\
         faketime '2025-01-01' openssl req -x509 -utf8 -config c.cnf -key ca.key -days 11322 -out ca.crt",
    );
    foreign(&script)
}

#[test]
fn trap_2_a_leaf_carries_the_exact_subject_of_a_ca_of_any_name() {
    for (what, mask, subject) in SUBJECTS {
        let (ca, ca_key) = named(mask, subject);
        let leaf = attempt(&wanted("apiserver"), &ca, &ca_key).unwrap();
        chains(&ca, &leaf, "-x509_strict -purpose sslserver");
        assert_eq!(
            leaf.authority_key_identifier, ca.subject_key_identifier,
            "{what}"
        );
        assert!(
            ca.validity.not_after > datetime!(2055-01-01 0:00 UTC),
            "{what}"
        );
    }
}

#[test]
fn trap_2_the_subjects_are_what_they_are_called() {
    let der = |mask, subject| hex(named(mask, subject).0.subject.der());
    let by_what = |what: &str| {
        let (_, mask, subject) = SUBJECTS.iter().find(|(name, ..)| *name == what).unwrap();
        der(mask, subject)
    };
    // The tag and length of T61String and IA5String; a SET of two attributes.
    assert!(
        by_what("T61String").contains("1407"),
        "{}",
        by_what("T61String")
    );
    assert!(by_what("IA5String").contains("160e"));
    assert!(
        by_what("a multi-valued RDN").contains("311c300a"),
        "{}",
        by_what("a multi-valued RDN")
    );
}

#[test]
fn trap_2_several_organizations_are_one_rdn_in_der_order() {
    let mut wanted = wanted("admin");
    wanted.subject = Name::new(&["operators", "dev"], "alice");
    let leaf = attempt(&wanted, &ca(), &key("ca")).unwrap();
    let subject = text(
        "openssl x509 -noout -subject -nameopt RFC2253,-dn_rev",
        leaf.to_pem().as_bytes(),
    );
    assert_eq!(subject, "subject=O=dev+O=operators,CN=alice");
}

#[test]
fn trap_4_nothing_of_rcgen_s_own_stands_in_a_certificate() {
    let ca = ca();
    for made in [ca.clone(), issued("admin")] {
        let shown = text("openssl x509 -noout -text", made.to_pem().as_bytes());
        assert!(!shown.contains("rcgen"), "{shown}");
        assert!(shown.contains("Version: 3 (0x2)"));
        assert!(
            shown.contains("Not Before: Jan  1 11:55:00 2026 GMT"),
            "{shown}"
        );
    }
    assert_eq!(
        issued("admin").validity.not_after,
        NOW + Duration::hours(8760)
    );
    assert_eq!(ca.validity.not_after, NOW + Duration::hours(87_600));
    let leaf = issued("admin").basic_constraints.unwrap();
    assert!(
        leaf.critical && !leaf.ca,
        "leaves say that they are none, critically"
    );
}

#[test]
fn trap_5_an_issuer_that_must_not_sign_is_refused() {
    let apiserver = wanted("apiserver");
    let good = ca();
    assert_eq!(
        refused(attempt(&apiserver, &good, &key("other"))),
        "the key is not the one of the CA \"CN=kubernetes\""
    );
    let mut none = good.clone();
    none.basic_constraints = None;
    assert_eq!(
        refused(attempt(&apiserver, &none, &key("ca"))),
        "\"CN=kubernetes\" is not a CA"
    );
    let mut weak = good.clone();
    weak.key_usage = Some(KeyUsage::CRL_SIGN);
    assert_eq!(
        refused(attempt(&apiserver, &weak, &key("ca"))),
        "the CA \"CN=kubernetes\" may not sign: its key usage lacks keyCertSign"
    );
    let mut ended = good.clone();
    ended.validity.not_after = NOW;
    assert_eq!(
        refused(attempt(&apiserver, &ended, &key("ca"))),
        "the CA \"CN=kubernetes\" has ended"
    );
    let mut early = good.clone();
    early.validity.not_before = NOW + Duration::SECOND;
    assert_eq!(
        refused(attempt(&apiserver, &early, &key("ca"))),
        "the CA \"CN=kubernetes\" is not yet valid"
    );
    let issuer = Issuer {
        certificate: &good,
        key: &key("ca"),
    };
    let beyond = Validity {
        not_before: NOW,
        not_after: good.validity.not_after + Duration::SECOND,
    };
    assert_eq!(
        refused(leaf(
            &apiserver,
            key("x").public_key(),
            issuer,
            serial(),
            beyond
        )),
        "the leaf would outlive its CA \"CN=kubernetes\""
    );
}

#[test]
fn trap_6_the_key_identifier_is_of_the_bit_string_and_the_issuer_s_is_copied() {
    let ca = ca();
    let leaf = attempt(&wanted("apiserver"), &ca, &key("ca")).unwrap();
    // RFC 7093 method 1, as OpenSSL computes it.
    for made in [&ca, &leaf] {
        let by_openssl = text(
            "openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | tail -c 65 |
             openssl dgst -sha256 -r | cut -c 1-40",
            made.to_pem().as_bytes(),
        );
        assert_eq!(
            hex(made.subject_key_identifier.as_ref().unwrap()),
            by_openssl
        );
    }
    assert_eq!(ca.authority_key_identifier, None);
    assert_eq!(leaf.authority_key_identifier, ca.subject_key_identifier);
}

#[test]
fn trap_6_extensions_stand_in_kubeadm_s_order() {
    let oids = |name: &str| issued(name).extension_oids.join(" ");
    assert_eq!(
        oids("apiserver"),
        "2.5.29.15 2.5.29.37 2.5.29.19 2.5.29.14 2.5.29.35 2.5.29.17"
    );
    assert_eq!(
        oids("admin"),
        "2.5.29.15 2.5.29.37 2.5.29.19 2.5.29.14 2.5.29.35"
    );
    assert_eq!(
        ca().extension_oids.join(" "),
        "2.5.29.15 2.5.29.19 2.5.29.14"
    );
}

#[test]
fn trap_6_a_v4_mapped_address_is_written_as_4_octets() {
    let mut wanted = wanted("apiserver");
    wanted.sans = vec![San::parse("::ffff:10.1.2.3").unwrap()];
    let leaf = attempt(&wanted, &ca(), &key("ca")).unwrap();
    // GeneralNames with one iPAddress [7] of four octets.
    let shown = text(
        "openssl x509 -outform DER | xxd -p | tr -d '\\n'",
        leaf.to_pem().as_bytes(),
    );
    assert!(shown.contains("0603551d110408300687040a010203"), "{shown}");
}

#[test]
fn trap_7_cas_of_every_kind_of_key_sign_with_the_hash_of_their_key() {
    let made = [
        (
            "openssl ecparam -name secp521r1 -genkey -noout -out ca.key",
            "ecdsa-with-SHA512",
        ),
        (
            "openssl ecparam -name secp384r1 -genkey -noout -out ca.key",
            "ecdsa-with-SHA384",
        ),
        (
            "openssl ecparam -name prime256v1 -genkey -noout -out ca.key",
            "ecdsa-with-SHA256",
        ),
        (
            "openssl genrsa -out ca.key 4096 2>/dev/null",
            "sha256WithRSAEncryption",
        ),
    ];
    for (key_script, algorithm) in made {
        let (ca, ca_key) = foreign(&format!(
            "{key_script}\nfaketime 2025-01-01 openssl req -x509 -sha384 -subj /CN=corporate -addext basicConstraints=critical,CA:TRUE -key ca.key \
             -days 11322 -out ca.crt"
        ));
        let leaf = attempt(&wanted("apiserver"), &ca, &ca_key).unwrap();
        chains(&ca, &leaf, "");
        let shown = text("openssl x509 -noout -text", leaf.to_pem().as_bytes());
        assert_eq!(shown.matches(algorithm).count(), 2, "{shown}");
    }
}

#[test]
fn trap_10_leaves_of_a_ca_without_key_identifier_carry_none_of_it() {
    let (ca, ca_key) = foreign(
        "printf '[req]\\nprompt=no\\ndistinguished_name=dn\\nx509_extensions=v3\\n[dn]\\nCN=bare\\n\
         [v3]\\nbasicConstraints=critical,CA:TRUE\\nsubjectKeyIdentifier=none\\nauthorityKeyIdentifier=none\\n' > c.cnf\n\
         openssl ecparam -name prime256v1 -genkey -noout -out ca.key\n\
         faketime 2025-01-01 openssl req -x509 -config c.cnf -key ca.key -days 4000 -out ca.crt",
    );
    assert_eq!(ca.subject_key_identifier, None);
    let leaf = attempt(&wanted("apiserver"), &ca, &ca_key).unwrap();
    assert_eq!(leaf.authority_key_identifier, None);
    chains(&ca, &leaf, "");
    assert!(
        verified(&ca, &leaf, "-x509_strict").contains("Key Identifier"),
        "no leaf of such a CA can be strict"
    );
}

#[test]
fn usages_are_those_of_the_kind_and_of_the_key() {
    let shown = |name: &str| {
        let shown = text(
            "openssl x509 -noout -ext keyUsage,extendedKeyUsage",
            issued(name).to_pem().as_bytes(),
        );
        shown.lines().map(str::trim).collect::<Vec<_>>().join("|")
    };
    assert_eq!(
        shown("apiserver"),
        "X509v3 Key Usage: critical|Digital Signature|X509v3 Extended Key Usage:|TLS Web Server Authentication"
    );
    assert_eq!(
        shown("etcd-server"),
        "X509v3 Key Usage: critical|Digital Signature|X509v3 Extended Key Usage:|TLS Web Server Authentication, TLS Web Client Authentication"
    );
    assert_eq!(
        shown("admin"),
        "X509v3 Key Usage: critical|Digital Signature|X509v3 Extended Key Usage:|TLS Web Client Authentication"
    );
    let ca = text(
        "openssl x509 -noout -ext keyUsage",
        ca().to_pem().as_bytes(),
    );
    assert!(
        ca.ends_with("Digital Signature, Certificate Sign, CRL Sign"),
        "{ca}"
    );
    let pem = run("openssl genrsa 2048 2>/dev/null", b"");
    let rsa = PrivateKey::from_pem(&pem, None).unwrap();
    let ca_certificate = self::ca();
    let issuer = Issuer {
        certificate: &ca_certificate,
        key: &key("ca"),
    };
    let spec = wanted("admin");
    let period = validity(&spec, Some(End::of_ca(&ca_certificate, &[], NOW)), NOW).unwrap();
    let leaf = leaf(&spec, rsa.public_key(), issuer, serial(), period)
        .unwrap()
        .0;
    let usage = KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::KEY_ENCIPHERMENT);
    assert_eq!(leaf.key_usage, Some(usage));
}

#[test]
fn a_leaf_ends_with_its_ca_at_the_latest() {
    let mut short = wanted("ca");
    short.validity = Duration::hours(100);
    let ca = ca_of(&short);
    let leaf = attempt(&wanted("apiserver"), &ca, &key("ca")).unwrap();
    assert_eq!(leaf.validity.not_after, ca.validity.not_after);
    assert_eq!(leaf.validity.not_after, NOW + Duration::hours(100));
}

#[test]
fn dates_to_2049_are_utctime_and_those_from_2050_generalizedtime() {
    let ends = |not_after: OffsetDateTime| {
        let mut wanted = wanted("ca");
        wanted.validity = not_after - NOW;
        let ca = ca_of(&wanted);
        assert_eq!(ca.validity.not_after, not_after);
        text(
            "openssl asn1parse | grep -o '[A-Z]*TIME .*' | tail -1",
            ca.to_pem().as_bytes(),
        )
    };
    assert_eq!(
        ends(datetime!(2049-12-31 23:59:59 UTC)),
        "UTCTIME           :491231235959Z"
    );
    assert_eq!(
        ends(datetime!(2050-01-01 0:00 UTC)),
        "GENERALIZEDTIME   :20500101000000Z"
    );
}

#[test]
fn parts_of_a_second_are_cut_off() {
    let mut wanted = wanted("ca");
    wanted.validity = Duration::milliseconds(3_600_900);
    let now = NOW + Duration::milliseconds(500);
    let period = validity(&wanted, None, now).unwrap();
    assert_eq!(period.not_before, NOW - BACKDATE);
    assert_eq!(period.not_after, NOW + Duration::HOUR);
    root(&wanted, &key("ca"), serial(), period).unwrap();
    wanted.validity = Duration::milliseconds(900);
    assert_eq!(
        refused(validity(&wanted, None, now)),
        "the validity is less than a second"
    );
    // No later time can be written.
    wanted.validity = Duration::MAX;
    let period = validity(&wanted, None, now).unwrap();
    assert_eq!(period.not_after, datetime!(9999-12-31 23:59:59 UTC));
    root(&wanted, &key("ca"), serial(), period).unwrap();
}

#[test]
fn serial_numbers_are_positive_20_octets_at_most_and_never_the_same() {
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let serial = issued("admin").serial;
        assert!(serial.bytes().len() <= 20);
        assert!(
            serial.bits() > 100,
            "{serial}: 159 random bits have 60 leading zeros never"
        );
        assert!(seen.insert(serial.bytes().to_vec()));
    }
    // The largest and one whose top bit needs a leading zero octet.
    for random in [
        [0xff; 20],
        [[0; 1].as_slice(), &[0x80; 19]]
            .concat()
            .try_into()
            .unwrap(),
    ] {
        let serial = Serial::new(random);
        let spec = wanted("ca");
        let period = validity(&spec, None, NOW).unwrap();
        let made = root(&spec, &key("ca"), serial.clone(), period).unwrap().0;
        assert_eq!(made.serial, serial);
        let shown = text("openssl x509 -noout -serial", made.to_pem().as_bytes());
        let shown = shown.trim_start_matches("serial=").to_lowercase();
        assert_eq!(shown, serial.to_string());
    }
}

type Change = fn(&mut Certificate);

fn constraints(certificate: &mut Certificate) -> &mut BasicConstraints {
    certificate.basic_constraints.as_mut().unwrap()
}

#[test]
fn what_came_out_otherwise_than_wanted_is_refused_field_by_field() {
    let ca = ca();
    let spec = wanted("apiserver");
    let period = validity(&spec, Some(End::of_ca(&ca, &[], NOW)), NOW).unwrap();
    let number = serial();
    let public = key("apiserver");
    let issuer = Issuer {
        certificate: &ca,
        key: &key("ca"),
    };
    let made = leaf(&spec, public.public_key(), issuer, number.clone(), period)
        .unwrap()
        .0;
    let template = |spec| Template {
        spec,
        public_key: public.public_key(),
        issuer: &ca.subject,
        authority: ca.subject_key_identifier.as_deref(),
        serial: number.clone(),
        validity: period,
    };
    let signer = key("ca");
    let check = |template: &Template<'_>, made: &Certificate| {
        refused(template.check(made, signer.public_key()))
    };
    template(&spec).check(&made, signer.public_key()).unwrap();
    let words = |field: &str| {
        format!(
            "the certificate for \"CN=kube-apiserver\" came out with another {field} than wanted"
        )
    };
    let other = Name::new(&[], "other");
    let issuer = Template {
        issuer: &other,
        ..template(&spec)
    };
    assert_eq!(check(&issuer, &made), words("issuer"));
    let serial = Template {
        serial: self::serial(),
        ..template(&spec)
    };
    assert_eq!(check(&serial, &made), words("serial number"));
    let later = Validity {
        not_after: period.not_after + Duration::SECOND,
        ..period
    };
    let validity = Template {
        validity: later,
        ..template(&spec)
    };
    assert_eq!(check(&validity, &made), words("validity"));
    let stranger = key("stranger");
    let public_key = Template {
        public_key: stranger.public_key(),
        ..template(&spec)
    };
    assert_eq!(check(&public_key, &made), words("public key"));
    let authority = Template {
        authority: None,
        ..template(&spec)
    };
    assert_eq!(check(&authority, &made), words("authority key identifier"));

    let fields: [(&str, Change); 10] = [
        ("subject", |made| made.subject = Name::new(&["x"], "y")),
        ("key usage", |made| made.key_usage = None),
        ("extended key usage", |made| made.extended_key_usage.clear()),
        ("basic constraints", |made| made.basic_constraints = None),
        ("basic constraints", |made| constraints(made).ca = true),
        ("basic constraints", |made| {
            constraints(made).critical = false;
        }),
        ("basic constraints", |made| {
            constraints(made).path_length = Some(0);
        }),
        ("subject key identifier", |made| {
            made.subject_key_identifier = None;
        }),
        ("SAN", |made| made.sans.swap(0, 1)),
        ("list of extensions", |made| made.extension_oids.swap(0, 1)),
    ];
    for (field, change) in fields {
        let mut changed = made.clone();
        change(&mut changed);
        assert_eq!(check(&template(&spec), &changed), words(field));
    }
    let error = template(&spec)
        .check(&made, stranger.public_key())
        .unwrap_err();
    assert_eq!(error.to_string(), "verify the issued certificate");
}

#[test]
fn every_row_of_all_is_strict_to_openssl() {
    let found = sample::tree();
    for spec in sample::specs() {
        let Some(wanted) = spec.certificate().filter(|wanted| wanted.issuer.is_some()) else {
            continue;
        };
        let ca = wanted.issuer.as_ref().unwrap();
        let crate::observed::Observed::Certificate { chain, .. } = &found[ca] else {
            panic!()
        };
        let leaf = sample::certificate(wanted, &spec.name, &found, NOW);
        chains(&chain[0], &leaf, "-x509_strict");
    }
}

/// What renews a certificate that was found in a row's place.
fn renewal_of(former: &Certificate, key: PrivateKey, row: &str) -> CertificateSpec {
    let found = Observed::Certificate {
        chain: vec![former.clone()],
        access: sample::access(0o644),
        key: Some(sample::open(Arc::new(key))),
    };
    let new = renewed(&spec(row), &found, &Changes::default()).unwrap();
    new.certificate().unwrap().clone()
}

fn value(certificate: &Certificate, oid: &[u64]) -> Option<Extension> {
    let all = certificate.extensions().unwrap();
    all.into_iter().find(|extension| extension.oid == oid)
}

#[test]
fn a_renewed_leaf_has_subject_names_and_usages_of_the_one_before_it_octet_by_octet() {
    let (former, its_key) = foreign(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 9 \
         -subj '/C=CN/O=one+OU=two/DC=example/CN=odd' \
         -addext 'subjectAltName=DNS:*.example,email:a@example.com,URI:spiffe://x/y,IP:10.0.0.1,IP:fd00::1,RID:1.2.3.4,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@b' \
         -addext keyUsage=critical,digitalSignature,keyAgreement -addext extendedKeyUsage=clientAuth,1.3.6.1.4.1.311.20.2.2,serverAuth \
         -addext 1.2.3.4.5=ASN1:UTF8String:further -addext basicConstraints=critical,CA:FALSE 2>/dev/null",
    );
    let wanted = renewal_of(&former, its_key, "apiserver");
    let made = attempt(&wanted, &ca(), &key("ca")).unwrap();
    assert_eq!(made.subject.der(), former.subject.der());
    assert_eq!(made.sans.len(), 7);
    for oid in [
        SUBJECT_ALTERNATIVE_NAME,
        KEY_USAGE,
        EXTENDED_KEY_USAGE,
        &[1, 2, 3, 4, 5],
    ] {
        let kept = value(&made, oid);
        assert!(kept.is_some() && kept == value(&former, oid), "{oid:?}");
    }
    // What is of one certificate alone is its own.
    let of_ca = ca().subject_key_identifier;
    assert_eq!(made.authority_key_identifier, of_ca);
    assert_ne!(made.subject_key_identifier, former.subject_key_identifier);
    assert_eq!(made.validity.not_after - NOW, Duration::days(9) - BACKDATE);
}

#[test]
fn a_renewed_ca_has_every_extension_of_the_one_before_it_in_its_order() {
    let (former, its_key) = foreign(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 900 \
         -subj '/O=one+OU=two/CN=odd' -addext 'nameConstraints=permitted;DNS:example' \
         -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=keyCertSign \
         -addext 1.2.3.4.5=ASN1:UTF8String:further -addext subjectAltName=email:a@example.com 2>/dev/null",
    );
    let pem = its_key.to_pem();
    let same = PrivateKey::from_pem(pem.as_bytes(), None).unwrap();
    let mut wanted = renewal_of(&former, its_key, "ca");
    let period = validity(&wanted, None, NOW).unwrap();
    let made = root(&wanted, &same, serial(), period).unwrap().0;
    assert_eq!(made.subject.der(), former.subject.der());
    assert_eq!(made.issuer.der(), former.subject.der());
    assert_eq!(made.public_key, former.public_key);
    assert_eq!(made.extensions().unwrap(), former.extensions().unwrap());
    assert_ne!(made.serial, former.serial);
    // What would come out as no CA is refused.
    let kept = wanted.kept.as_mut().unwrap();
    kept.extensions.retain(|one| one.oid != BASIC_CONSTRAINTS);
    let error = refused(root(&wanted, &same, serial(), period));
    assert!(
        error.contains("another basic constraints than wanted"),
        "{error}"
    );
}
