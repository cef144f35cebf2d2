//! Findings → ordered steps, or a refusal. Pure; a verb is a policy over this.

mod astray;
mod below;
mod beside;
mod blocked;
mod due;
mod hindrance;
mod lasting;
mod loose;
mod named;
mod policy;
mod renewal;
mod request;
mod shared;
mod step;
mod telling;
mod trusting;
mod turn;
mod turning;

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::diff::{self, Signers, diff_in, made_elsewhere, reissue};
use crate::finding::{Code, Finding, Severity};
use crate::observed::{Ground, Observed, Obstacle, Parts};
use crate::profile::API_SERVER;
use crate::spec::{Place, Spec};
use crate::x509::request::Request;

pub use astray::{astray, keys};
use blocked::not_copied;
pub use due::{Due, Renewal};
pub use loose::left;
pub use policy::{Force, Policy};
pub use request::{Asking, asked};
use shared::shared;
pub use step::Step;
pub use turn::{Goal, Turn, Turned, after, keys_after};
pub use turning::not_begun;

/// A spec, what happens to it, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What is wanted.
    pub spec: Spec,
    /// What happens.
    pub step: Step,
    /// What was found and stays as it is.
    pub findings: Vec<Finding>,
    /// What was found and the step mends.
    pub mended: Vec<Finding>,
}

/// What a run will do, in issue order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What was found of what the run stands on, the directories and the CAs that sign and are not
    /// among the steps; no errors.
    pub ground: Vec<Finding>,
    /// The steps, issuers first.
    pub steps: Vec<Planned>,
}

/// Why a run does nothing: every finding, at least one of them an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The findings, in the order of the table.
    pub findings: Vec<Finding>,
}

/// What was found in each spec's place, by the spec's name: no run wants two of one name.
pub type Found = BTreeMap<String, Observed>;

impl Plan {
    /// Whether anything changes.
    pub fn changes(&self) -> bool {
        self.steps.iter().any(|planned| !planned.step.keeps())
    }

    /// All findings.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        let steps = self.steps.iter();
        self.ground
            .iter()
            .chain(steps.flat_map(|planned| planned.findings.iter().chain(&planned.mended)))
    }
}

/// The plan for `wanted`. `issuers` are the CAs that sign for it and are not among it: they are
/// judged and never made. `found` holds an entry for each of both, and `ground` what they stand on.
pub fn plan(
    wanted: &[Spec],
    issuers: &[Spec],
    found: &Found,
    ground: &Ground,
    policy: Policy<'_>,
    now: OffsetDateTime,
) -> Result<Plan, Refusal> {
    let planner = Planner::new(wanted, issuers, found, ground, policy, now);
    let mut steps = Vec::new();
    let mut ground = diff::ground(ground);
    ground.extend(issuers.iter().flat_map(|issuer| planner.judge(issuer)));
    let mut told = ground.clone();
    let mut refused = told.iter().any(is_error);
    // A renewal prolongs what is sound, and tells of all else; and what is left out hinders nothing.
    let renews = matches!(policy.force, Force::Renew(_));
    let tolerant = |step: &Step| renews || *step == Step::Skip;
    for spec in wanted {
        match planner.step(spec) {
            Ok(step) => {
                refused |= !tolerant(&step.step) && step.findings.iter().any(is_error);
                told.extend(step.findings.iter().cloned());
                told.extend(step.mended.iter().cloned().map(|mut finding| {
                    if !finding.way_out.is_empty() {
                        MENDED.clone_into(&mut finding.way_out);
                    }
                    finding
                }));
                steps.push(step);
            }
            Err(findings) => {
                // What is in the way of a renewal may be told of its CA alone.
                refused |= renews || findings.iter().any(is_error);
                told.extend(findings);
            }
        }
    }
    if refused {
        return Err(Refusal { findings: told });
    }
    Ok(Plan { ground, steps })
}

fn is_error(finding: &Finding) -> bool {
    finding.severity() == Severity::Error
}

struct Planner<'a> {
    wanted: &'a [Spec],
    issuers: &'a [Spec],
    found: &'a Found,
    signers: Signers<'a>,
    obstacles: &'a BTreeMap<String, Obstacle>,
    requested: &'a BTreeMap<String, Request>,
    kubeconfigs: &'a [Parts],
    trusted: &'a [u32],
    policy: Policy<'a>,
    now: OffsetDateTime,
}

impl<'a> Planner<'a> {
    fn new(
        wanted: &'a [Spec],
        issuers: &'a [Spec],
        found: &'a Found,
        ground: &'a Ground,
        policy: Policy<'a>,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            wanted,
            issuers,
            found,
            signers: Signers::of(found),
            obstacles: &ground.obstacles,
            requested: &ground.requested,
            kubeconfigs: &ground.kubeconfigs,
            trusted: &ground.trusted,
            policy,
            now,
        }
    }

    fn observed(&self, spec: &Spec) -> &'a Observed {
        self.found.get(&spec.name).unwrap_or(&Observed::Absent)
    }

    fn issuer(&self, spec: &Spec) -> Option<&'a Spec> {
        self.called(spec.certificate()?.issuer.as_deref()?)
    }

    fn judge(&self, spec: &Spec) -> Vec<Finding> {
        let observed = self.observed(spec);
        let mut findings = diff_in(spec, observed, self.found, self.trusted, self.now);
        findings.extend(diff::signing_key(spec, self.observed(spec), &self.signers));
        let sound = |spec: &Spec| !self.judge(spec).iter().any(is_error);
        // Of a certificate that is not read or not there, and is not made, nothing is known. Where a
        // kubeconfig leads does not change with its certificate's time, and is no matter of a renewal.
        let unread = matches!(
            self.found.get(API_SERVER),
            Some(Observed::KeyOnly(_) | Observed::Unreadable(..))
        );
        let held = match self.policy.force.plain() {
            Force::Renew(_) | Force::Turn(_) => false,
            Force::No => !unread,
            _ => true,
        };
        if held {
            findings.extend(diff::served(spec, self.wanted, self.found, sound));
        }
        if let Force::Stated { .. } = self.policy.force {
            // No verb over one node alone knows what is stated.
            let [here, alone] =
                [Severity::Error, Severity::Warning].map(|severity| reissue(spec, severity));
            for finding in &mut findings {
                if finding.way_out == alone {
                    finding.way_out.clone_from(&here);
                }
            }
        }
        findings
    }

    /// Whether what was found is a reason to make it anew. Names that a node has no more are another node's, and whom
    /// all trust is what they share.
    fn drifted(&self, finding: &Finding) -> bool {
        let stated = matches!(
            finding.code,
            Code::SanExtra | Code::Server | Code::TrustExtra
        );
        is_error(finding) || stated && matches!(self.policy.force, Force::Stated { .. })
    }

    /// No way out is to make anew what the CA's owner makes.
    fn made_elsewhere(
        &self,
        spec: &Spec,
        mut step: Result<Planned, Vec<Finding>>,
    ) -> Result<Planned, Vec<Finding>> {
        let told = match &mut step {
            Ok(planned) => &mut planned.findings,
            Err(findings) => findings,
        };
        made_elsewhere(told.iter_mut(), spec, self.found, self.now);
        self.below_renewed(spec, told);
        step
    }

    fn step(&self, spec: &Spec) -> Result<Planned, Vec<Finding>> {
        match self.policy.force {
            Force::Ask(asking) => return self.made_elsewhere(spec, self.asking(spec, asking)),
            Force::Import(within) => return self.importing(spec, within),
            Force::Renew(renewal) => {
                return self.made_elsewhere(spec, self.renewal(spec, renewal));
            }
            Force::Turn(turn) => return self.turning(spec, turn),
            Force::Drifted | Force::Named | Force::No | Force::Stated { .. } => {}
        }
        let observed = self.observed(spec);
        let mut findings = self.judge(spec);
        // Nothing that is issued mends what is asked for.
        let asked = match spec.place {
            Place::Request { .. } => diff::request(spec, observed, self.trusted),
            _ => Vec::new(),
        };
        if asked.iter().any(is_error) {
            let told = |found: &Finding, other: &Finding| {
                (&other.file, &other.text) == (&found.file, &found.text)
            };
            findings.retain(|found| !asked.iter().any(|other| told(found, other)));
            findings.extend(asked);
            return Err(findings);
        }
        let errors: Vec<Code> = findings
            .iter()
            .filter(|finding| self.drifted(finding))
            .map(|finding| finding.code)
            .collect();
        // What was not read, or is no file, is not replaced either.
        let lost = observed.is_opaque() && !self.policy.backup;
        let replaceable = match observed {
            Observed::Unreadable(reasons, _) => {
                !lost && reasons.iter().all(|found| found.way_out.is_none())
            }
            _ => true,
        };
        for finding in findings.iter_mut().filter(|_| lost) {
            NEEDS_BACKUP.clone_into(&mut finding.way_out);
        }
        let leaf = spec
            .certificate()
            .is_some_and(|certificate| certificate.issuer.is_some());
        if observed.is_absent() && !leaf && !self.policy.founding {
            return Err(vec![not_copied(spec)]);
        }
        let step = match (observed, self.policy.force.plain()) {
            (observed, _) if observed.lacks_all() => Step::Create,
            (Observed::KeyPair { public: None, .. }, _) if errors.is_empty() => Step::Derive,
            (Observed::Requested { .. }, _) => Step::Keep,
            (Observed::Shared(files), force) => shared(files, force, errors),
            (observed, Force::No) if self.is_of_last_round(spec, observed, &errors) => {
                Step::Replace {
                    why: vec![Code::ExpiresSoon],
                }
            }
            (_, Force::Named) if leaf && replaceable => Step::Replace { why: errors },
            (_, Force::Drifted) if leaf && replaceable && !errors.is_empty() => {
                Step::Replace { why: errors }
            }
            (_, Force::Drifted) if leaf && lacks_chain(&findings) => Step::Refresh,
            _ => Step::Keep,
        };
        let replacing = matches!(step, Step::Replace { .. });
        let halved = replacing.then(|| self.halved(spec)).flatten();
        if let Some(obstacle) = self.obstacles.get(&spec.name) {
            in_the_way(&mut findings, spec, obstacle, replacing);
            if replacing {
                return Err(findings);
            }
        }
        // What it names is another spec's, and so is what keeps that from being issued.
        let apart = spec.credential_files().is_some();
        let issuing = matches!(step, Step::Create | Step::Replace { .. });
        if let Some(ca) = self.issuer(spec).filter(|_| leaf && !apart) {
            made_elsewhere(&mut findings, spec, self.found, self.now);
            // Of what could not be read nothing is known, not even that it is there.
            let unread = findings.iter().any(|found| found.code == Code::ReadFailed);
            let blocked = self.blocked(spec, ca, issuing);
            if !unread && !blocked.is_empty() {
                findings.extend(blocked);
                return Err(findings);
            }
        }
        let (findings, mended) = match step {
            Step::Replace { .. } => (halved.into_iter().collect(), findings),
            Step::Refresh => {
                let mended = |found: &Finding| found.code == Code::IntermediateMissing;
                findings.into_iter().partition(|found| !mended(found))
            }
            _ => (findings, Vec::new()),
        };
        Ok(Planned {
            spec: spec.clone(),
            step,
            findings: [asked, findings].concat(),
            mended,
        })
    }
}

fn lacks_chain(findings: &[Finding]) -> bool {
    let lacks = |finding: &Finding| finding.code == Code::IntermediateMissing;
    findings.iter().any(lacks) && !findings.iter().any(is_error)
}

/// The way out where a file cannot be repaired, only replaced whole.
const NEEDS_BACKUP: &str = "leave out --no-backup: what else is in it would be lost";
/// The way out of what this run would have mended.
const MENDED: &str = "reissued as soon as nothing else refuses the run";

/// Tells what keeps a kubeconfig from being made anew. Who replaces nothing is told of what is wrong
/// with it already, and is not to be sent to `--force` for that.
fn in_the_way(findings: &mut Vec<Finding>, spec: &Spec, obstacle: &Obstacle, replacing: bool) {
    let told = |finding: &&mut Finding| finding.text == obstacle.text;
    if let Some(finding) = findings.iter_mut().find(told) {
        obstacle.way_out.clone_into(&mut finding.way_out);
    } else if replacing {
        findings.push(spec.finding(obstacle.code, &obstacle.text, obstacle.way_out));
    }
}

#[cfg(test)]
mod tests;
