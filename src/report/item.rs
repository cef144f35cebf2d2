//! A step of a plan, as it is told.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::shape::{Anchor, Item, timestamp};
use super::{Report, readers};
use crate::bundle::{completed, effective_end};
use crate::diff::{authorities, end};
use crate::key::KeyAlgorithm;
use crate::observed::Observed;
use crate::plan::{Planned, Step, Turned};
use crate::profile::rotation::waits_for;
use crate::requests::sent;
use crate::spec::Content;
use crate::x509::cert::Certificate;

impl Report {
    pub(super) fn item(
        &self,
        planned: &Planned,
        found: &BTreeMap<String, Observed>,
        certificate: Option<&Certificate>,
    ) -> Item {
        let spec = &planned.spec;
        let observed = found.get(&spec.name);
        // Of an external CA only the certificate is here.
        let external = matches!(observed, Some(Observed::Certificate { key: None, .. }))
            && planned.step.keeps();
        let files = if external {
            vec![spec.place.public()]
        } else {
            spec.place.files()
        };
        let files = match (&planned.step, observed) {
            (Step::Asked | Step::Request { .. }, _) | (_, Some(Observed::Requested { .. })) => {
                vec![spec.place.key(), sent(spec)]
            }
            (Step::Refresh | Step::Turn(Turned::Drop | Turned::Trust), _) => {
                vec![spec.place.public()]
            }
            (_, Some(Observed::Returned(returned))) if returned.key.is_none() => {
                vec![spec.place.public()]
            }
            // What waits needs no public half of its own.
            _ if waits_for(&spec.place.key()).is_some() && !spec.is_ca() => vec![spec.place.key()],
            _ => files,
        };
        let (kind, issuer) = match &spec.content {
            Content::Certificate(wanted) => (wanted.kind.name(), wanted.issuer.clone()),
            Content::KeyPair(_) => ("key pair", None),
        };
        // What was not read and stays is nobody's: what is wanted there says nothing of it.
        let unknown = match observed {
            Some(Observed::Lead(_)) => Some("no client certificate"),
            Some(Observed::KeyOnly(_) | Observed::Unreadable(..)) if planned.step.keeps() => {
                Some("not read")
            }
            _ => None,
        };
        let wanted = spec.certificate().filter(|_| unknown.is_none());
        let sans = certificate.map(|certificate| &certificate.sans);
        let returned = match observed {
            Some(Observed::Returned(returned)) if planned.step == Step::Import => Some(returned),
            _ => None,
        };
        let (sans_added, sans_removed) = readers::names_changed(spec, observed);
        Item {
            name: spec.name.clone(),
            phase: spec.phase.name(),
            kind,
            step: match planned.step {
                Step::Asked => "asked",
                Step::Create => "create",
                Step::Derive => "derive",
                Step::Import => "import",
                Step::Keep => "keep",
                Step::Refresh => "refresh",
                Step::Reissue { .. } => "reissue",
                Step::Remove => "remove",
                Step::Replace { .. } => "replace",
                Step::Request { .. } => "request",
                Step::Skip => "skip",
                Step::Turn(_) => "rotate",
            },
            why: match &planned.step {
                Step::Reissue { why } | Step::Replace { why } if why.is_empty() => {
                    vec!["asked-for"]
                }
                Step::Reissue { why } | Step::Replace { why } | Step::Request { why } => {
                    why.iter().map(|code| code.id()).collect()
                }
                _ => Vec::new(),
            },
            files: files.iter().map(|file| self.path(file)).collect(),
            key_algorithm: certificate
                .and_then(|certificate| certificate.public_key.algorithm())
                .or_else(|| kept_key(&planned.step, observed))
                .or_else(|| unknown.is_none().then(|| spec.key_algorithm()))
                .map(|algorithm| algorithm.to_string()),
            unknown,
            issuer,
            subject: certificate
                .map(|certificate| &certificate.subject)
                .or(wanted.map(|wanted| &wanted.subject))
                .map(ToString::to_string),
            serial_number: certificate.map(|certificate| certificate.serial.to_string()),
            not_before: certificate.map(|made| timestamp(made.validity.not_before)),
            not_after: certificate.map(|made| timestamp(made.validity.not_after)),
            expires: certificate.map(|made| timestamp(expires(planned, found, made, self.now))),
            fingerprint: certificate.map(Certificate::fingerprint),
            sans: sans
                .or(wanted.map(|wanted| &wanted.sans))
                .into_iter()
                .flatten()
                .map(ToString::to_string)
                .collect(),
            from: returned.map(|returned| self.path(&returned.file).display().to_string()),
            anchors: returned.map_or_else(Vec::new, |returned| Anchor::of(spec, returned)),
            sans_added,
            sans_removed,
        }
    }
}

/// When a certificate ends, or a CA above it. One that was issued lasts for no longer than its CAs do.
fn expires(
    planned: &Planned,
    found: &BTreeMap<String, Observed>,
    certificate: &Certificate,
    now: OffsetDateTime,
) -> OffsetDateTime {
    let spec = &planned.spec;
    let authorities = authorities(spec, found);
    let at = found.get(&spec.name).and_then(|observed| {
        match (&planned.step, observed) {
            // With the chain that it gets.
            (Step::Refresh, Observed::Certificate { chain, .. }) => {
                refreshed(chain, authorities, now)
            }
            (Step::Refresh, Observed::Kubeconfig(found)) => {
                refreshed(&found.chain, authorities, now)
            }
            (Step::Asked | Step::Import | Step::Keep | Step::Skip, _) => {
                // A kubeconfig that names a pair which was renewed has that one's by now.
                let end = end(spec, observed, authorities, now);
                end.filter(|end| spec.is_ca() || end.certificate == certificate)
                    .map(|end| end.at)
            }
            _ => None,
        }
    });
    at.unwrap_or(certificate.validity.not_after)
}

fn refreshed(
    chain: &[Certificate],
    authorities: &[Certificate],
    now: OffsetDateTime,
) -> Option<OffsetDateTime> {
    let (leaf, behind) = chain.split_first()?;
    let file = completed(leaf, behind, authorities, now);
    Some(effective_end(leaf, &file[1..], authorities, now))
}

/// The algorithm of a key pair that was there: it may be another than a new one would have.
fn kept_key(step: &Step, observed: Option<&Observed>) -> Option<KeyAlgorithm> {
    match (step, observed) {
        (
            Step::Keep | Step::Derive | Step::Remove | Step::Skip,
            Some(Observed::KeyOnly(key) | Observed::KeyPair { key, .. }),
        ) => key.open().map(|key| key.algorithm()),
        _ => None,
    }
}
