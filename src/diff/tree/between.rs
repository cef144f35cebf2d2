//! What certificates of a tree must not have in common, and what must be one alone.

use std::collections::BTreeMap;

use super::{Found, certificates, remake};
use crate::bundle::{is_root, signer};
use crate::finding::{Code, Finding};
use crate::location::FileId;
use crate::observed::{Observed, signing};
use crate::profile::{by_name, signing_file_of};
use crate::spec::{Place, Spec};
use crate::x509::cert::Certificate;
use crate::x509::name::Name;
use crate::x509::serial::Serial;

/// By which a certificate is told from all others (RFC 5280 section 4.1.2.2): the name of its issuer, the key of that or
/// what names it, and the serial number. Of two CAs of one name each numbers what it signs.
pub(in crate::diff) type Number<'a> = (&'a Name, Option<&'a [u8]>, &'a [u8]);

/// What is in the files of a tree, by its subject: who issued a certificate may be among them.
pub(in crate::diff) struct Issuers<'a>(BTreeMap<&'a Name, Vec<&'a Certificate>>);

impl<'a> Issuers<'a> {
    pub(in crate::diff) fn of(found: impl Iterator<Item = &'a Observed>) -> Self {
        let mut all: BTreeMap<_, Vec<&Certificate>> = BTreeMap::new();
        for certificate in found.flat_map(certificates) {
            all.entry(&certificate.subject)
                .or_default()
                .push(certificate);
        }
        // One certificate may be in many files, and a key in many certificates.
        for named in all.values_mut() {
            named.sort_by_key(|one| one.public_key.fingerprint());
            named.dedup_by_key(|one| one.public_key.fingerprint());
        }
        Self(all)
    }

    /// Whose key verifies it is its issuer, whatever it says of that. Without one that is here what it says counts; a
    /// root that says nothing may be of any key.
    pub(in crate::diff) fn number(&self, certificate: &'a Certificate) -> Option<Number<'a>> {
        let identifier = certificate.authority_key_identifier.as_deref();
        let named = self.0.get(&certificate.issuer).map_or(&[][..], |it| it);
        let is_named = |ca: &&&Certificate| {
            identifier.is_some() && ca.subject_key_identifier.as_deref() == identifier
        };
        let signer = if is_root(certificate) {
            Some(certificate)
        } else {
            signer(certificate, named)
        };
        let signer = signer.or_else(|| named.iter().find(is_named).copied());
        let issuer = signer.map(|ca| ca.public_key.spki()).or(identifier);
        let known = issuer.is_some() || certificate.subject != certificate.issuer;
        known.then(|| (&certificate.issuer, issuer, certificate.serial.bytes()))
    }
}

/// What certificates have in common that must not, each told of the later one in `specs`.
pub(in crate::diff) fn among(specs: &[Spec], found: &Found) -> Vec<Finding> {
    [serials, ca_names, shared, several]
        .iter()
        .flat_map(|rule| rule(specs, found))
        .collect()
}

/// A CA stands in the file of each leaf below it too, and is told of once.
fn serials(specs: &[Spec], found: &Found) -> Vec<Finding> {
    let issuers = Issuers::of(found.values());
    let mut seen: BTreeMap<Number<'_>, (&Certificate, FileId)> = BTreeMap::new();
    let mut cas: Vec<&Certificate> = Vec::new();
    let mut findings = Vec::new();
    for spec in specs {
        let all = found.get(&spec.name).map_or(&[][..], certificates);
        let own = spec.place.public();
        for certificate in all {
            let Some(number) = issuers.number(certificate) else {
                continue;
            };
            let (first, file) = seen
                .entry(number)
                .or_insert_with(|| (certificate, own.clone()));
            if *first == certificate || cas.contains(&certificate) {
                continue;
            }
            if certificate.is_ca() {
                cas.push(certificate);
            }
            let serial = &certificate.serial;
            let text = if *file == own {
                format!("holds two certificates of the serial number {serial} by one CA")
            } else {
                numbered(serial, &file.name)
            };
            let way_out = if certificate.is_ca() {
                "have it issued again, with another serial number".to_owned()
            } else {
                remake(spec)
            };
            findings.push(spec.finding(Code::SameSerial, text, way_out));
        }
    }
    findings
}

/// That its number is that of what is in another file.
pub(in crate::diff) fn numbered(serial: &Serial, file: &str) -> String {
    format!("has the serial number {serial}, as has {file}")
}

/// Of a file all that are trusted count. Two that are told to have one name are told so once.
fn ca_names(specs: &[Spec], found: &Found) -> Vec<Finding> {
    let mut seen: Vec<(&Certificate, FileId)> = Vec::new();
    let mut findings = Vec::new();
    for spec in specs.iter().filter(|spec| spec.is_ca()) {
        let Some(Observed::Certificate { chain, key, .. }) = found.get(&spec.name) else {
            continue;
        };
        let signs = signing(chain, key.as_ref());
        let own = spec.place.public();
        for ca in chain.iter().filter(|ca| ca.is_ca() || Some(*ca) == signs) {
            let named = |other: &Certificate| other.subject.is_taken_for(&ca.subject);
            let same = |other: &Certificate| other.public_key == ca.public_key && named(other);
            if seen.iter().any(|(other, _)| same(other)) {
                continue;
            }
            if let Some((_, file)) = seen.iter().find(|(other, _)| named(other)) {
                let subject = &ca.subject;
                let text = if *file == own {
                    format!(
                        "holds two CAs of the subject \"{subject}\", each with a key of its own"
                    )
                } else if Some(ca) == signs {
                    format!("has the subject of {file}, \"{subject}\", and another key")
                } else {
                    format!("holds a CA with the subject of {file}, \"{subject}\", and another key")
                };
                let way_out = "give a CA that replaces one of them a name of its own";
                findings.push(spec.finding(Code::SameCaName, text, way_out));
            }
            seen.push((ca, own.clone()));
        }
    }
    findings
}

/// A copy of one's own, as beside a new CA that is trusted already, is in no row.
fn shared(specs: &[Spec], found: &Found) -> Vec<Finding> {
    let mut seen: Vec<(&Certificate, FileId)> = Vec::new();
    let mut findings = Vec::new();
    let rows = specs
        .iter()
        .filter(|spec| spec.is_ca() && by_name(&spec.name).is_some());
    for spec in rows {
        let Some(Observed::Certificate { chain, key, .. }) = found.get(&spec.name) else {
            continue;
        };
        let Some(ca) = signing(chain, key.as_ref()) else {
            continue;
        };
        let same = seen
            .iter()
            .find(|(other, _)| other.public_key == ca.public_key);
        if let Some((_, file)) = same {
            let way_out = "have each of the two sign with a CA of its own";
            let text = format!("is the CA of {file} too");
            findings.push(spec.finding(Code::SharedCa, text, way_out));
        }
        seen.push((ca, spec.place.public()));
    }
    findings
}

/// The CA of kubelets signs for them in the controller manager too, from a file of one certificate;
/// what else is trusted may be in the files of other components. While a CA is replaced the one to
/// sign with stands in a file of its own.
fn several(specs: &[Spec], found: &Found) -> Vec<Finding> {
    let signs = |ca: &&Spec| {
        specs.iter().any(|spec| {
            let issuer = spec.certificate().and_then(|wanted| wanted.issuer.as_ref());
            matches!(spec.place, Place::Kubeconfig { .. }) && issuer == Some(&ca.name)
        })
    };
    let signing = |ca: &Spec| {
        let own = signing_file_of(&ca.name);
        specs.iter().find(|spec| spec.place.public() == own)
    };
    let mut findings = Vec::new();
    for ca in specs.iter().filter(signs) {
        let Some(Observed::Certificate {
            chain,
            key: Some(key),
            ..
        }) = found.get(&ca.name)
        else {
            continue;
        };
        let file = signing(ca).unwrap_or(ca);
        let held = found.get(&file.name).map_or(&[][..], certificates);
        if held.len() > 1 {
            let text = format!("holds {} certificates", held.len());
            findings.push(file.finding(Code::SeveralCertificates, text, ONE));
        }
        let (own, first) = (self::signing(chain, Some(key)), held.first());
        if let (Some(own), Some(first)) = (own, first)
            && file.name != ca.name
            && own.public_key != first.public_key
        {
            let text = format!("is not for the key of {}", ca.place.public());
            findings.push(file.finding(Code::OtherCa, text, ONE));
        }
    }
    findings
}

/// The way out where what is to be signed with is not exactly one certificate, of the CA's key.
const ONE: &str =
    "give the controller manager a file of one, the CA's own, with --cluster-signing-cert-file";
