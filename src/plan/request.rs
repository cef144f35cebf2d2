//! What is asked for where another machine signs, and what of that came back.

use super::blocked::too_many_names;
use super::{Planned, Planner, Step, in_the_way, is_error};
use crate::diff::{self, Notice, Within, elsewhere, told_to_a_reader};
use crate::finding::{Code, Finding};
use crate::key::PrivateKey;
use crate::observed::{Key, KeyState, Observed, identifier};
use crate::profile::found::is_rotated;
use crate::spec::Spec;
use crate::x509::cert::Certificate;
use crate::x509::request::Asked;

/// What is to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Whether it was asked for by name, and so whether it is due or not.
    pub named: bool,
    /// How long before its end it is due.
    pub notice: Notice,
    /// Whether the tree is one of many that are kept in one place: no kubelet rotates what it has there.
    pub of_many: bool,
}

/// What a new certificate mends. All else is about the files or the key, with which nobody is to ask.
const MENDED_BY_ISSUE: [Code; 14] = [
    Code::BadSignature,
    Code::CriticalExtension,
    Code::Expired,
    Code::LeafIsCa,
    Code::NameForbidden,
    Code::NotACa,
    Code::NotSigned,
    Code::NotYetValid,
    Code::PathLength,
    Code::SanMissing,
    Code::UsageMissing,
    Code::WeakHash,
    Code::WrongCa,
    Code::WrongSubject,
];

impl Planner<'_> {
    /// What is missing or due is requested; the key that is there stays.
    pub(super) fn asking(&self, spec: &Spec, asking: Asking) -> Result<Planned, Vec<Finding>> {
        let observed = self.observed(spec);
        let mut findings = self.judge(spec);
        findings
            .retain(|finding| !matches!(finding.code, Code::MissingCertificate | Code::Requested));
        let hindering =
            |finding: &Finding| is_error(finding) && !MENDED_BY_ISSUE.contains(&finding.code);
        if findings.iter().any(hindering) {
            for finding in findings.iter_mut().filter(|finding| hindering(finding)) {
                if finding.way_out.contains("--force") {
                    let files = diff::away(spec, self.found, finding.code);
                    let files = files.as_deref().unwrap_or("it");
                    finding.way_out = format!(
                        "restore it from a backup, or move {files} away and ask for it anew"
                    );
                }
            }
            return Err(told_to_a_reader(findings, std::slice::from_ref(spec)));
        }
        if spec.credential_files().is_some() {
            return Ok(planned(spec, Step::Keep, findings));
        }
        let errors: Vec<Code> = findings
            .iter()
            .filter(|finding| is_error(finding))
            .map(|finding| finding.code)
            .collect();
        let end = diff::end(
            spec,
            observed,
            diff::authorities(spec, self.found),
            self.now,
        );
        let soon = end.is_some_and(|end| end.is_due(asking.notice, self.now));
        let needed = end.is_none() || asking.named || soon || !errors.is_empty();
        if !needed {
            return Ok(planned(spec, Step::Keep, findings));
        }
        let kept_here = asking.of_many && is_rotated(&spec.place.public());
        let elsewhere = elsewhere(spec, self.found).filter(|_| end.is_some() && !kept_here);
        if let Some((text, way_out)) = elsewhere {
            findings = self.asked_away(spec, findings);
            if soon || asking.named {
                let why = if soon { "is due" } else { "was named" };
                let text = format!("{why}, and {text}");
                findings.push(spec.finding(Code::NotRenewed, text, way_out));
            }
            // By name it was asked for itself; else the rest need not end with it.
            let refused = asking.named && !errors.is_empty();
            let step = if refused { Step::Keep } else { Step::Skip };
            return Ok(planned(spec, step, findings));
        }
        if self.is_asked(spec, observed) {
            findings.retain(|finding| !is_error(finding));
            return Ok(planned(spec, Step::Asked, findings));
        }
        if let Some(finding) = unasked(spec, observed).or_else(|| too_many_names(spec)) {
            findings.push(finding);
            return Err(findings);
        }
        let mut why = errors;
        if soon && !why.contains(&Code::Expired) {
            why.insert(0, Code::ExpiresSoon);
        }
        Ok(Planned {
            spec: spec.clone(),
            step: Step::Request { why },
            findings: Vec::new(),
            mended: findings,
        })
    }

    /// Whether what lies beside its request is to come anew: it ends soon, or has ended, and nothing else is wrong with it.
    /// Who asks again asks with the same key, and does not wait for the one that he has.
    pub(super) fn is_of_last_round(
        &self,
        spec: &Spec,
        observed: &Observed,
        errors: &[Code],
    ) -> bool {
        let Observed::Request {
            issued: Some((chain, _)),
            ..
        } = observed
        else {
            return false;
        };
        let is_due = |certificate: &Certificate| {
            let at = certificate.validity.not_after;
            diff::End { certificate, at }.is_due(Notice::LEAF, self.now)
        };
        let else_wrong = errors.iter().any(|error| *error != Code::Expired);
        !spec.is_ca() && !else_wrong && chain.first().is_some_and(is_due)
    }

    /// Whether the request that is out asks, with this key, for what is wanted.
    fn is_asked(&self, spec: &Spec, observed: &Observed) -> bool {
        let key = observed.asking_key().and_then(Key::open);
        let (Some(key), Some(out)) = (key, self.requested.get(&spec.name)) else {
            return false;
        };
        out.public_key == *key.public_key()
            && asked(spec, observed, key).as_ref() == Some(&out.asked)
    }

    /// What came back is put in its place if all that would be found of it there is as wanted.
    pub(super) fn importing(&self, spec: &Spec, within: Within) -> Result<Planned, Vec<Finding>> {
        if let Some(planned) = self.beside(spec) {
            return planned;
        }
        let observed = self.observed(spec);
        let mut findings = self.judge(spec);
        findings.extend(diff::aging(spec, self.found, within, self.now));
        let step = match observed {
            Observed::Returned(returned) if returned.is_in_place() => Step::Keep,
            Observed::Returned(_) => Step::Import,
            // Of many nodes what needs no signature comes with what was signed.
            Observed::Shared(_) if observed.lacks_all() => Step::Create,
            Observed::Absent if spec.credential_files().is_some() => Step::Create,
            Observed::Absent => {
                let file = spec.place.public();
                let text = "did not come back, and is not here".to_owned();
                return Err(vec![Finding {
                    code: Code::CaAbsent,
                    name: spec.name.clone(),
                    text,
                    way_out: format!(
                        "put the CA's certificate into {}.crt beside those that came back",
                        spec.name
                    ),
                    file,
                }]);
            }
            _ => Step::Keep,
        };
        if let (Step::Import, Some(obstacle)) = (&step, self.obstacles.get(&spec.name)) {
            in_the_way(&mut findings, spec, obstacle, true);
        }
        if findings.iter().any(is_error) {
            return Err(findings);
        }
        Ok(planned(spec, step, findings))
    }
}

/// What a request with this key asks for: a CA that comes anew is to be named as its leaves name it.
pub fn asked(spec: &Spec, observed: &Observed, key: &PrivateKey) -> Option<Asked> {
    let mut asked = spec.certificate()?.asked(key.algorithm());
    if let (true, Observed::Certificate { chain, .. }) = (spec.is_ca(), observed) {
        let former = identifier(chain, key.public_key());
        asked.subject_key_identifier = former.map(<[u8]>::to_vec);
    }
    Some(asked)
}

/// Why nobody can be asked: a request is signed with its key. That a leaf's cannot be used is told already.
fn unasked(spec: &Spec, observed: &Observed) -> Option<Finding> {
    let (file, private) = (spec.place.public(), spec.place.key());
    let large = |key: &PrivateKey| key.algorithm().too_large();
    let (code, file, text, way_out) = match observed.asking_key().map(|key| &key.state) {
        Some(KeyState::Open(key)) if large(key).is_some() => (
            Code::KeyUnsupported,
            private,
            format!(
                "is a key of {}, with which no request can be signed here",
                key.algorithm()
            ),
            "move it away to ask with a new one".to_owned(),
        ),
        Some(KeyState::Locked(_)) => (
            Code::CaKeyLocked,
            private,
            "is encrypted, and a CA is asked for with its key".to_owned(),
            "decrypt it for the request".to_owned(),
        ),
        None if !observed.is_absent() => (
            Code::MissingKey,
            file.clone(),
            format!(
                "stands without {}, with which a CA is asked for",
                private.name
            ),
            format!(
                "run this where that key is, or move {} away to ask for a CA with a new one",
                file.name
            ),
        ),
        _ => return None,
    };
    Some(Finding {
        code,
        name: spec.name.clone(),
        file,
        text,
        way_out,
    })
}

fn planned(spec: &Spec, step: Step, findings: Vec<Finding>) -> Planned {
    Planned {
        spec: spec.clone(),
        step,
        findings: told_to_a_reader(findings, std::slice::from_ref(spec)),
        mended: Vec::new(),
    }
}
