//! What a stage of a replacement does to each file: those of the CA or key itself come to the stage, and
//! what hangs on them is brought in line with that, be it in this run or after one on another machine.

mod back;

use super::telling::{planned, rekeyed, skipped};
use super::trusting::alike;
use super::turn::{Goal, Turn, Turned, then};
use super::{Planned, Planner, Step, shared};
use crate::bundle::verifies;
use crate::diff::{
    Generations, Held, Stage, file, generations, hindered, locked, moved, untangled,
};
use crate::finding::{Code, Finding};
use crate::key::KeyAlgorithm;
use crate::observed::Observed;
use crate::profile::renewal::{Changes, certificate, renewed};
use crate::profile::rotation::name;
use crate::profile::{Profile, signs_for};
use crate::spec::Spec;
use crate::x509::cert::Certificate;

/// What is told of whom a kubeconfig trusts, and is seen to by bringing it in line with its CA's file.
const OF_TRUST: [Code; 3] = [Code::TrustExtra, Code::TrustFormer, Code::TrustMissing];

impl Planner<'_> {
    pub(super) fn turning(&self, spec: &Spec, turn: &Turn) -> Result<Planned, Vec<Finding>> {
        if let Observed::Shared(files) = self.observed(spec) {
            return Ok(shared::turned(spec, files, self.judge(spec), turn.back));
        }
        let row = turn.row;
        let there = match untangled(row, self.found, turn.issued) {
            Ok(there) => there,
            Err(finding) => return self.unknown(spec, row, finding),
        };
        if turn.back {
            return self.going_back(spec, turn, &there);
        }
        let never = turn.goal == Goal::Drop && there.stage == Stage::Start && !turn.ended;
        let Some(turned) = turn.goal.turned(there.stage).filter(|_| !never) else {
            return out_of_order(spec, turn, &there);
        };
        if let (Some(_), Some(locked)) = (turned, locked(row, self.found)) {
            return self.unknown(spec, row, locked);
        }
        let keep = |findings| Ok(planned(spec, Step::Keep, findings));
        let signs = match turned {
            Some(Turned::Issue) => there.next.as_ref(),
            _ => Some(&there.present),
        };
        let signs = signs.and_then(Held::certificate);
        let turns = |findings, turned| {
            let mut spec = spec.clone();
            spec.set_subject(signs.map(|ca| &ca.subject));
            Ok(planned(&spec, Step::Turn(turned), findings))
        };
        if spec.name == row.name {
            let mut findings = self.judge(spec);
            // Several keys are what this is about.
            findings.retain(|told| told.code != Code::TokenKeys);
            if turned == Some(Turned::Trust) {
                findings.extend(there.not_begun(row, self.now));
            }
            if turn.goal == Goal::Trust {
                let trusted = there.stage == Stage::Trust;
                let waits = there.next.as_ref();
                findings.extend(waits.and_then(|next| turn.otherwise(next, trusted)));
            }
            if turn.goal != Goal::Drop {
                findings.extend(there.not_fit(row, self.now));
            }
            return match turned {
                Some(turned) => turns(findings, turned),
                None => keep(findings),
            };
        }
        if spec.name == name(row) {
            return match (turned, &there.next) {
                (Some(Turned::Trust), None) => {
                    let wanted = turn.wanted(&there.present).map_err(|told| vec![told])?;
                    if let Some(taken) = self.named_alike(&wanted, turn) {
                        return Err(vec![taken]);
                    }
                    Ok(planned(&wanted, Step::Create, Vec::new()))
                }
                // What is wrong with it is wrong with what signs from now on.
                (Some(Turned::Issue), _) => Ok(planned(spec, Step::Remove, self.judge(spec))),
                _ => keep(self.judge(spec)),
            };
        }
        if self.called(row.name).is_some_and(|ca| signs_for(spec, ca)) {
            let same = match self.observed(spec) {
                Observed::Certificate { chain, .. } => chain.first() == signs && chain.len() == 1,
                // What is no file, or was not read, is not replaced.
                Observed::Unreadable(reasons, _)
                    if reasons.iter().any(|reason| reason.way_out.is_some()) =>
                {
                    return Err(self.judge(spec));
                }
                _ => false,
            };
            return match turned {
                _ if same => keep(self.judge(spec)),
                turned => turns(Vec::new(), turned.unwrap_or(Turned::Trust)),
            };
        }
        let then = then(&there, row, self.found, turned);
        self.below(spec, turn, signs, then.as_deref())
    }

    /// That no stage can be told is told once: by what cannot be read, if that is why. What hangs on it has nothing of
    /// its own to say of that.
    fn unknown(
        &self,
        spec: &Spec,
        row: &Profile,
        finding: Finding,
    ) -> Result<Planned, Vec<Finding>> {
        let own = [row.name, &name(row)];
        let unread = |name: &str| matches!(self.found.get(name), Some(Observed::Unreadable(..)));
        if own.contains(&spec.name.as_str()) && unread(&spec.name) {
            Err(self.judge(spec))
        } else if spec.name == row.name && !own.into_iter().any(unread) {
            Err(vec![finding])
        } else {
            Ok(planned(spec, Step::Keep, Vec::new()))
        }
    }

    /// What hangs on the CA, which signs with `signs` and whose file holds `then`, if that is known.
    fn below(
        &self,
        spec: &Spec,
        turn: &Turn,
        signs: Option<&Certificate>,
        then: Option<&[Certificate]>,
    ) -> Result<Planned, Vec<Finding>> {
        let observed = self.observed(spec);
        let findings = self.judge(spec);
        let (of_trust, mut findings): (Vec<_>, Vec<_>) = findings
            .into_iter()
            .partition(|told| OF_TRUST.contains(&told.code));
        if let Some(told) = self.trusts_by_file(spec, turn, then) {
            let refused = told.code == Code::NotRotated;
            findings.push(told);
            if refused {
                return Err(findings);
            }
        }
        let own = self.issuer(spec).is_some_and(|ca| ca.name == turn.row.name);
        let leaf = certificate(observed).map(|(leaf, _)| leaf).filter(|_| own);
        let by_other = leaf
            .zip(signs)
            .is_some_and(|(leaf, ca)| !verifies(leaf, ca));
        // One that names a file has what is issued there.
        let named = match observed {
            Observed::Kubeconfig(found) => found.referred,
            _ => false,
        };
        if by_other && !named && (turn.back || turn.goal == Goal::Issue) {
            let changes = Changes {
                key_algorithm: turn.key_algorithm.or(self.of_new_kind(leaf, turn, signs)),
                ..Changes::default()
            };
            let new = renewed(spec, observed, &changes);
            let Some(new) = new else {
                return Ok(planned(spec, Step::Keep, findings));
            };
            let (new, rekeyed) = rekeyed(new, false);
            return Ok(Planned {
                mended: of_trust,
                ..planned(
                    &new,
                    Step::Replace { why: Vec::new() },
                    [findings, rekeyed].concat(),
                )
            });
        }
        if let (true, Goal::Drop, Some(leaf)) = (by_other, turn.goal, leaf) {
            let text = format!(
                "was signed by \"{}\", which nobody is to trust any more",
                leaf.issuer
            );
            let way_out = format!("'{}' issues it anew", Goal::Issue.command(turn.row));
            let told = spec.finding(Code::NotRotated, text, way_out);
            return Err([findings, vec![told]].concat());
        }
        let refreshed = self.trusts_otherwise(spec, turn, then) || self.sends_former(spec, turn);
        if !refreshed {
            // One that trusts what is to come already was brought there with its own node.
            let held = self.held(spec, turn);
            let of_trust = match held.zip(then) {
                Some((held, then)) if alike(held, then) => Vec::new(),
                _ => of_trust,
            };
            return Ok(planned(spec, Step::Keep, [findings, of_trust].concat()));
        }
        let same = renewed(spec, observed, &Changes::default());
        Ok(Planned {
            mended: of_trust,
            ..planned(same.as_ref().unwrap_or(spec), Step::Refresh, findings)
        })
    }

    /// Another CA of the tree by the name of the next one: who verifies may take one for the other.
    fn named_alike(&self, wanted: &Spec, turn: &Turn) -> Option<Finding> {
        let subject = &wanted.certificate()?.subject;
        let alike = |found: &&Observed| match found {
            Observed::Certificate { chain, .. } => chain
                .iter()
                .any(|ca| ca.is_ca() && ca.subject.is_taken_for(subject)),
            _ => false,
        };
        self.found.values().find(alike)?;
        let text = format!(
            "would be replaced by another CA of the name \"{subject}\", and one is here already"
        );
        Some(hindered(
            turn.row,
            &text,
            "give it another name with --common-name",
        ))
    }

    /// What no run writes and the former CA signed: nobody lets it in once that is gone.
    pub(super) fn behind(&self, spec: &Spec, turn: &Turn) -> Option<Planned> {
        let there = generations(turn.row, self.found).ok()?;
        let turned = turn.goal.turned(there.stage)??;
        let former = match turned {
            Turned::Trust => return None,
            Turned::Issue => vec![there.present],
            Turned::Drop => there.others,
        };
        let (leaf, _) = certificate(self.observed(spec))?;
        let mut former = former.iter().filter_map(Held::certificate);
        let by = former.find(|ca| !leaf.is_ca() && verifies(leaf, ca))?;
        let text = match turned {
            Turned::Drop => format!("was signed by \"{}\", which is trusted no more", by.subject),
            _ => format!(
                "was signed by \"{}\", and is good until the last stage alone",
                by.subject
            ),
        };
        Some(skipped(
            spec,
            Vec::new(),
            &text,
            "have it issued anew, where it was made",
        ))
    }

    /// Where keys of one kind give way to those of another, a leaf that had one of the CA's kind gets one of its new kind.
    fn of_new_kind(
        &self,
        leaf: Option<&Certificate>,
        turn: &Turn,
        signs: Option<&Certificate>,
    ) -> Option<KeyAlgorithm> {
        let rsa = |ca: &Certificate| {
            ca.public_key
                .algorithm()
                .map(|kind| matches!(kind, KeyAlgorithm::Rsa(_)))
        };
        let former = file(Some(turn.row.name), self.found);
        let former = former
            .iter()
            .find(|ca| leaf.is_some_and(|leaf| verifies(leaf, ca)))?;
        let (leaf, signs) = (leaf?, signs?);
        let follows = rsa(leaf) == rsa(former) && rsa(signs) != rsa(former);
        follows.then(|| signs.public_key.algorithm()).flatten()
    }

    /// Whether the chain behind a leaf holds what the former CA signed for the present one, which nobody follows once
    /// that is gone.
    fn sends_former(&self, spec: &Spec, turn: &Turn) -> bool {
        let cas = file(Some(turn.row.name), self.found);
        let behind = certificate(self.observed(spec)).map(|(_, behind)| behind);
        let crossed = |ca: &Certificate| cas.iter().any(|one| one.is_same_ca(ca));
        turn.goal == Goal::Drop && behind.is_some_and(|behind| behind.iter().any(crossed))
    }
}

fn out_of_order(
    spec: &Spec,
    turn: &Turn,
    there: &Generations<Held>,
) -> Result<Planned, Vec<Finding>> {
    if spec.name != turn.row.name {
        return Ok(planned(spec, Step::Keep, Vec::new()));
    }
    let command = Goal::after(there.stage).command(turn.row);
    let (text, way_out) = match (there.stage, there.others.first()) {
        (Stage::Issue, Some(former)) => (
            format!(
                "is trusted beside \"{}\", which does not sign",
                former.shown()
            ),
            format!("'{command}' takes that out, as at the end of its replacement"),
        ),
        _ => (
            format!("is not ready for '{}'", turn.goal.name()),
            format!("'{command}' comes next"),
        ),
    };
    let mut told = hindered(turn.row, &text, &way_out);
    told.code = Code::RotationOrder;
    Err(vec![told])
}

/// That there is no stage to go back from.
pub fn not_begun(row: &Profile, waits: bool) -> Finding {
    let text = "is at no stage of a replacement, so that there is nothing to go back from";
    let way_out = if waits {
        format!("{}, if nothing is to take its place", moved(row))
    } else {
        format!("'{}' begins one", Goal::Trust.command(row))
    };
    Finding {
        code: Code::RotationOrder,
        ..hindered(row, text, &way_out)
    }
}
