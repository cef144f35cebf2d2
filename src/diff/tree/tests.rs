use std::collections::BTreeSet;

use time::Duration;

use super::*;
use crate::diff::Notice;
use crate::location::Root;
use crate::oracle::sample::{NOW, made_at, spec, specs, tree};
use crate::spec::Content;
use crate::x509::name::Name;
use crate::x509::serial::Serial;

/// The codes that this room and `scrutiny` tell: each is shown by a test here or there.
pub(crate) fn shown() -> BTreeSet<Code> {
    [
        Code::Absent,
        Code::BasicConstraints,
        Code::ExpiresSoon,
        Code::KubeletSelfSigned,
        Code::LargeKey,
        Code::OutlivesCa,
        Code::SameCaName,
        Code::SameSerial,
        Code::SeveralCertificates,
        Code::SharedCa,
        Code::ShortLived,
        Code::WeakHash,
        Code::WeakKey,
    ]
    .into()
}

fn told(specs: &[Spec], found: &Found) -> Vec<(Code, String, String)> {
    let within = Within {
        ca: Notice::CA,
        leaf: Notice::LEAF,
    };
    let findings = survey(specs, found, within, NOW).into_iter();
    findings
        .map(|finding| (finding.code, finding.file.name, finding.text))
        .collect()
}

fn of(code: Code, file: &str, text: &str) -> (Code, String, String) {
    (code, file.to_owned(), text.to_owned())
}

fn chain<'a>(found: &'a mut Found, name: &str) -> &'a mut Vec<Certificate> {
    match found.get_mut(name).unwrap() {
        Observed::Certificate { chain, .. } => chain,
        Observed::Kubeconfig(kubeconfig) => &mut kubeconfig.chain,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_serial_number_of_one_issuer_belongs_to_one_certificate() {
    let mut found = tree();
    let serial = chain(&mut found, "apiserver")[0].serial.clone();
    chain(&mut found, "admin")[0].serial = serial.clone();
    assert_eq!(
        told(&specs(), &found),
        [of(
            Code::SameSerial,
            "admin.conf",
            &format!("has the serial number {serial}, as has apiserver.crt")
        )]
    );
    // Another issuer numbers its own, and a copy is the same certificate.
    let mut found = tree();
    chain(&mut found, "front-proxy-client")[0].serial = serial;
    let copy = found["admin"].clone();
    found.insert("super-admin".to_owned(), copy);
    assert_eq!(told(&specs(), &found), []);
}

#[test]
fn whose_key_verifies_it_numbered_it_whatever_it_says_of_its_issuer() {
    let serial = |found: &mut Found, name: &str| chain(found, name)[0].serial.clone();
    let anonymous = |found: &mut Found, name: &str| {
        chain(found, name)[0].authority_key_identifier = None;
    };
    // What says nothing of the key of its issuer, beside what does.
    let mut found = tree();
    let of_server = serial(&mut found, "apiserver");
    chain(&mut found, "admin")[0].serial = of_server.clone();
    anonymous(&mut found, "admin");
    let text = format!("has the serial number {of_server}, as has apiserver.crt");
    let same = [of(Code::SameSerial, "admin.conf", &text)];
    assert_eq!(told(&specs(), &found), same);
    // A root is its own issuer.
    let mut found = tree();
    let of_ca = serial(&mut found, "ca");
    chain(&mut found, "admin")[0].serial = of_ca.clone();
    let text = format!("has the serial number {of_ca}, as has ca.crt");
    let same = [of(Code::SameSerial, "admin.conf", &text)];
    assert_eq!(told(&specs(), &found), same);
    anonymous(&mut found, "admin");
    assert_eq!(told(&specs(), &found), same);
    // It was issued anew for the same key, with the same number.
    let mut found = tree();
    let mut anew = made_at(&spec("etcd-ca"), &found, NOW - Duration::hours(2));
    let Observed::Certificate { chain: anew, .. } = &mut anew else {
        panic!("a CA is a certificate");
    };
    let of_ca = serial(&mut found, "etcd-ca");
    anew[0].serial = of_ca.clone();
    chain(&mut found, "etcd-ca").append(anew);
    let text = format!("holds two certificates of the serial number {of_ca} by one CA");
    assert_eq!(
        told(&specs(), &found),
        [of(Code::SameSerial, "etcd/ca.crt", &text)]
    );
    chain(&mut found, "etcd-ca")[1].serial = Serial::new([1; 20]);
    assert_eq!(told(&specs(), &found), []);
}

#[test]
fn two_cas_of_one_name_number_each_for_itself() {
    let mut found = tree();
    let mut other = spec("etcd-ca");
    if let Content::Certificate(wanted) = &mut other.content {
        wanted.subject = Name::new(&[], "kubernetes");
    }
    let hour = Duration::hours(1);
    let observed = made_at(&other, &found, NOW - hour);
    found.insert("etcd-ca".to_owned(), observed);
    let observed = made_at(&spec("etcd-server"), &found, NOW - hour);
    found.insert("etcd-server".to_owned(), observed);
    for (names, number) in [(["ca", "etcd-ca"], 0), (["apiserver", "etcd-server"], 1)] {
        for name in names {
            let certificate = &mut chain(&mut found, name)[0];
            certificate.serial = Serial::new([number; 20]);
            certificate.authority_key_identifier = None;
        }
    }
    let told = told(&specs(), &found);
    assert!(
        told.iter().all(|(code, ..)| *code != Code::SameSerial),
        "{told:?}"
    );
}

#[test]
fn two_cas_of_one_name_have_one_key() {
    // UTF8String, as OpenSSL writes it.
    let utf8 = b"\x30\x15\x31\x13\x30\x11\x06\x03\x55\x04\x03\x0c\x0akubernetes";
    for name in [
        Name::new(&[], "kubernetes"),
        Name::from_der(utf8).unwrap(),
        Name::new(&[], " Kubernetes"),
    ] {
        let mut found = tree();
        let mut other = spec("etcd-ca");
        if let Content::Certificate(wanted) = &mut other.content {
            wanted.subject = name.clone();
        }
        let observed = made_at(&other, &found, NOW - Duration::hours(1));
        found.insert("etcd-ca".to_owned(), observed);
        let text = format!("has the subject of ca.crt, \"{name}\", and another key");
        assert_eq!(
            told(&specs(), &found),
            [of(Code::SameCaName, "etcd/ca.crt", &text)]
        );
    }
}

#[test]
fn one_ca_in_two_places_is_told_where_both_are_the_clusters() {
    let mut found = tree();
    let copy = found["ca"].clone();
    found.insert("front-proxy-ca".to_owned(), copy.clone());
    assert_eq!(
        told(&specs(), &found),
        [of(
            Code::SharedCa,
            "front-proxy-ca.crt",
            "is the CA of ca.crt too"
        )]
    );
    // A copy of one's own, in no row.
    let mut found = tree();
    found.insert("former-ca.crt".to_owned(), copy);
    let mut own = spec("ca");
    "former-ca.crt".clone_into(&mut own.name);
    let mut specs = specs();
    specs.push(own);
    assert_eq!(told(&specs, &found), []);
}

#[test]
fn the_key_of_service_accounts_without_its_public_half_fails_an_api_server() {
    let mut found = tree();
    let Some(Observed::KeyPair { public, .. }) = found.get_mut("sa") else {
        panic!("sa.key is there");
    };
    *public = None;
    let told = told(&specs(), &found);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].0, &*told[0].1), (Code::Absent, "sa.pub"));
    found.insert("apiserver".to_owned(), Observed::Absent);
    assert!(absent(&found).iter().all(|finding| finding.name != "sa"));
}

#[test]
fn the_file_that_the_controller_manager_signs_with_holds_one_certificate() {
    let bundle = |name: &str| {
        let mut found = tree();
        let second = chain(&mut found, name)[0].clone();
        chain(&mut found, name).push(second);
        found
    };
    let found = bundle("ca");
    assert_eq!(
        told(&specs(), &found),
        [of(
            Code::SeveralCertificates,
            "ca.crt",
            "holds 2 certificates"
        )]
    );
    // Nothing signs with the others' there, nor without a key, nor where another file is for that.
    assert_eq!(told(&specs(), &bundle("etcd-ca")), []);
    let mut external = found.clone();
    if let Some(Observed::Certificate { key, .. }) = external.get_mut("ca") {
        *key = None;
    }
    assert_eq!(told(&specs(), &external), []);
    let mut apart = specs();
    let mut signing = spec("ca");
    signing.name = "ca-signing.crt".to_owned();
    signing.place = Place::Pair {
        root: Root::Pki,
        base: "ca-signing".to_owned(),
    };
    apart.push(signing);
    assert_eq!(told(&apart, &found), []);
}

#[test]
fn ways_out_of_a_verb_that_makes_are_told_as_one_that_looks_can() {
    let mut own = spec("front-proxy-client");
    own.name = "own.crt".to_owned();
    let specs = [spec("apiserver"), spec("ca"), own];
    let finding = |spec: &Spec, severity| Finding {
        code: Code::Expired,
        name: spec.name.clone(),
        file: spec.place.public(),
        text: String::new(),
        way_out: reissue(spec, severity),
    };
    let told: Vec<String> = told_to_a_reader(
        specs
            .iter()
            .flat_map(|spec| {
                [
                    finding(spec, Severity::Error),
                    finding(spec, Severity::Warning),
                ]
            })
            .collect(),
        &specs,
    )
    .into_iter()
    .map(|finding| finding.way_out)
    .collect();
    for way_out in &told {
        assert!(
            !way_out.contains("this run") && !way_out.contains("same command"),
            "{way_out}"
        );
    }
    assert!(told[0].starts_with("'certs server apiserver --force'"));
    assert!(told[2].starts_with("certs never replaces"));
    assert_eq!(told[4], "issue it anew where it was made");
    let mut kept = finding(&specs[0], Severity::Error);
    kept.way_out = "chmod it to 0600".to_owned();
    assert_eq!(told_to_a_reader(vec![kept.clone()], &specs), [kept]);
    // Of a kubeconfig of which nothing can be read.
    for (spec, expected) in [
        (&specs[0], format!("{}{OPAQUE}", told[0])),
        (&specs[2], told[4].clone()),
    ] {
        let mut opaque = finding(spec, Severity::Error);
        opaque.way_out += OPAQUE;
        let told = told_to_a_reader(vec![opaque], &specs);
        assert_eq!(told[0].way_out, expected);
    }
}

#[test]
fn a_lacking_pair_stands_among_the_findings_of_a_survey() {
    let mut found = tree();
    found.insert("etcd-peer".to_owned(), Observed::Absent);
    let told = told(&specs(), &found);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].0, &*told[0].1), (Code::Absent, "etcd/peer.crt"));
}

/// The verb of the service account key pair takes no names.
#[test]
fn what_is_lacking_is_made_by_its_verb_and_name_where_the_verb_takes_one() {
    for (name, command) in [
        ("etcd-peer", "'certs peer etcd-peer', "),
        ("sa", "'certs sa', "),
    ] {
        let mut found = tree();
        found.insert(name.to_owned(), Observed::Absent);
        let told = absent(&found);
        assert!(told[0].way_out.starts_with(command), "{told:?}");
    }
}
