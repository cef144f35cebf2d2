//! What is told of what is renewed, and of what is not.

use super::due::Due;
use super::{Plan, Planned, Step, is_error};
use crate::diff::told_to_a_reader;
use crate::finding::{Code, Finding};
use crate::spec::{Content, Kept, Spec};

/// With a new key, which may be of another size than the former one, and what is told of that.
pub(super) fn rekeyed(mut new: Spec, same_key: bool) -> (Spec, Vec<Finding>) {
    let (former, anew) = (new.key_algorithm(), new.key_algorithm().anew());
    if same_key || former == anew {
        return (new, Vec::new());
    }
    new.set_key_algorithm(Some(anew));
    let text = format!("has a key of {former}, which is not made: its new key is one of {anew}");
    let way_out = "unless that is meant, keep its key (--reuse-key)";
    let told = new.finding(Code::KeyAlgorithm, text, way_out);
    (new, vec![told])
}

/// What is wanted once what was asked for is done. A name that something else tells of is wanted then
/// too: taking it away breaks what leads there by it.
pub(super) fn asked(spec: &Spec, new: &Spec, then: &[Spec]) -> Spec {
    let then = then.iter().find(|then| then.name == spec.name);
    let mut asked = then.unwrap_or(spec).clone();
    if let (Content::Certificate(wanted), Some(new)) = (&mut asked.content, new.certificate()) {
        // Usages go with the kind of the new key, and not with that of the former one.
        wanted.kept = Some(Kept {
            key_usage: wanted.key_usage(new.key_algorithm),
            extended_key_usage: wanted.extended_key_usage().to_vec(),
            extensions: Vec::new(),
        });
        wanted.key_algorithm = new.key_algorithm;
        wanted.validity = new.validity;
    }
    asked
}

/// What is found then, and is not now.
pub(super) fn taken_away(finding: Finding, before: &[Finding]) -> Finding {
    if finding.code != Code::SanMissing || before.contains(&finding) {
        return finding;
    }
    Finding {
        text: format!("as it was asked for {}", finding.text),
        way_out: "leave that name out of --remove-san".to_owned(),
        ..finding
    }
}

/// What a renewal is for: what it mends, and that it is due.
pub(super) fn why(mended: &[Finding], due: &Due, spec: &Spec) -> Vec<Code> {
    let errors = mended.iter().filter(|finding| is_error(finding));
    let mut why: Vec<Code> = errors.map(|finding| finding.code).collect();
    if due.by_end(spec) && !why.contains(&Code::Expired) {
        why.insert(0, Code::ExpiresSoon);
    }
    why
}

pub(super) fn planned(spec: &Spec, step: Step, findings: Vec<Finding>) -> Planned {
    Planned {
        spec: spec.clone(),
        step,
        findings: told(findings, spec),
        mended: Vec::new(),
    }
}

pub(super) fn told(findings: Vec<Finding>, spec: &Spec) -> Vec<Finding> {
    told_to_a_reader(findings, std::slice::from_ref(spec))
}

pub(super) fn skipped(spec: &Spec, findings: Vec<Finding>, text: &str, way_out: &str) -> Planned {
    let mut planned = planned(spec, Step::Skip, findings);
    let finding = spec.finding(Code::NotRenewed, text, way_out);
    planned.findings.push(finding);
    planned
}

impl Plan {
    /// All findings, to be told otherwise.
    pub fn findings_mut(&mut self) -> impl Iterator<Item = &mut Finding> {
        let steps = self.steps.iter_mut();
        self.ground
            .iter_mut()
            .chain(steps.flat_map(|planned| planned.findings.iter_mut().chain(&mut planned.mended)))
    }
}
