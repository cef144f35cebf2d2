//! Why what is wanted cannot be issued.

use super::Planner;
use crate::bundle::above;
use crate::diff::{PERMIT, RENAME, external_of, forbidden, forbids};
use crate::finding::{Code, Finding};
use crate::observed::{KeyState, Observed, signing};
use crate::spec::{Place, Spec};
use crate::x509::MOST_NAMES;
use crate::x509::name::Name;

impl Planner<'_> {
    /// Why this CA cannot sign for, or does not belong to, what is there.
    pub(super) fn blocked(&self, spec: &Spec, ca: &Spec, issuing: bool) -> Vec<Finding> {
        let ca_file = ca.place.public().name;
        let tell =
            |code: Code, text: String, way_out: String| vec![spec.finding(code, text, way_out)];
        if let Some(found) = too_many_names(spec).filter(|_| issuing) {
            return vec![found];
        }
        let made = self.wanted.iter().any(|wanted| wanted.name == ca.name);
        // Its CA may come back with it; or no CA signed it.
        if matches!(
            self.observed(spec),
            Observed::Lead(_) | Observed::Requested { .. }
        ) {
            return Vec::new();
        }
        match self.observed(ca) {
            Observed::Absent if made && issuing && self.observed(spec).lacks_all() => named_like(
                spec,
                ca.certificate().map(|certificate| &certificate.subject),
            ),
            // A new CA would leave what the lost one signed without an issuer.
            Observed::Absent if made || !self.observed(spec).lacks_all() => tell(
                Code::CaAbsent,
                format!("is there, and its CA {ca_file} is not"),
                format!("restore {ca_file} from a backup, or move away what it signed"),
            ),
            Observed::Absent => tell(
                Code::CaAbsent,
                format!("needs {ca_file}, which is not there"),
                format!(
                    "run 'certs ca {}' first, or copy the cluster's CA there",
                    ca.name
                ),
            ),
            Observed::Certificate { key: None, .. } if issuing => tell(
                Code::ExternalCa,
                match ca.place.key() {
                    // What has no place for a key of its own.
                    key if key == ca.place.public() => {
                        format!("must be issued, and {ca_file}, its CA, is here without its key")
                    }
                    key => format!(
                        "must be issued, and the key of its CA is not here ({} is absent)",
                        key.name
                    ),
                },
                external_of(spec, self.found, Code::ExternalCa),
            ),
            Observed::Certificate {
                key: Some(key),
                chain,
                ..
            } if issuing => {
                if let KeyState::Locked(reason) = &key.state {
                    return tell(
                        Code::CaKeyLocked,
                        format!("must be issued, and {} cannot be used", ca.place.key().name),
                        reason.clone(),
                    );
                }
                let Some(ca) = signing(chain, Some(key)) else {
                    return Vec::new();
                };
                let mut findings = named_like(spec, Some(&ca.subject));
                let mut cas = above(ca, chain, self.now);
                cas.push(ca);
                let sans = spec.certificate().map_or(&[][..], |wanted| &wanted.sans);
                for (san, ca) in forbidden(sans, &cas) {
                    let text = format!("would have {}", forbids(san, ca));
                    findings.extend(tell(Code::NameForbidden, text, PERMIT.to_owned()));
                }
                findings
            }
            _ => Vec::new(),
        }
    }
}

/// That nobody would read it: it would have more names than are read of one.
pub(super) fn too_many_names(spec: &Spec) -> Option<Finding> {
    let names = spec.certificate()?.sans.len();
    if names <= MOST_NAMES {
        return None;
    }
    let most = format!("and {MOST_NAMES} are the most that a certificate has");
    let mut finding = spec.finding(
        Code::TooLarge,
        format!("would have {names} names, {most}"),
        "state fewer",
    );
    if let Place::Request { .. } = spec.place {
        finding.file = spec.place.key();
        finding.text = format!("asks for a certificate that would have {names} names, {most}");
        "have it requested anew, with fewer".clone_into(&mut finding.way_out);
    }
    Some(finding)
}

/// What a cluster has once, for all of its control planes.
pub(super) fn not_copied(spec: &Spec) -> Finding {
    Finding {
        code: Code::NotCopied,
        name: spec.name.clone(),
        file: spec.place.key(),
        text: "is not there, and a node that joins makes none of its own".to_owned(),
        way_out: format!(
            "copy it and {} from the first control plane",
            spec.place.public()
        ),
    }
}

/// A leaf with its issuer's name looks self-signed to every verifier.
fn named_like(spec: &Spec, issuer: Option<&Name>) -> Vec<Finding> {
    let subject = spec.certificate().map(|certificate| &certificate.subject);
    match (subject, issuer) {
        (Some(subject), Some(issuer)) if subject.same_values(issuer) => {
            let text = format!("would have the subject of its CA, \"{issuer}\"");
            vec![spec.finding(Code::SelfNamed, text, RENAME)]
        }
        _ => Vec::new(),
    }
}
