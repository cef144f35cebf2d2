//! What is renewed, and what is not and why.

use time::Duration;

use super::due::{Due, Renewal, Verdict};
use super::shared::followed;
use super::telling::{asked, planned, rekeyed, skipped, taken_away, told, why};
use super::{Force, Planned, Planner, Step, is_error};
use crate::bundle::{Exchange, completed};
use crate::diff::{
    KUBELETS_OWN, ROTATES, TIMELESS, again, anchored, authorities, brought_along, diff_in, end,
    ending, external_of, is_told_of_kubeconfig, lasting_longer, prolong, signing_key, superseded,
};
use crate::finding::{Code, Finding};
use crate::observed::{Key, Observed, signing};
use crate::profile::renewal::{certificate, renewed};
use crate::spec::{BACKDATE, Kind, Spec};
use crate::x509::cert::Certificate;
use crate::x509::serial::Serial;
use crate::x509::validity::{self, moment};

/// What a certificate says of itself stays as it is, and is told where it is wrong: the CA signed it
/// so, and what was not named is no reason to let the rest end. All other errors are in the way, since
/// nobody knows what it is that would be prolonged.
/// What a kubeconfig trusts that is no certificate of its CA stays likewise: nobody here knows who answers there.
const TOLERATED: [Code; 4] = [
    Code::SanMissing,
    Code::UsageMissing,
    Code::WrongCa,
    Code::WrongSubject,
];

/// Stands for a serial number that is not yet drawn.
pub(super) const NEW: [u8; 20] = [0x55; 20];

impl Planner<'_> {
    /// What is named is meant to be sound then: with an error that stays the run is refused.
    pub(super) fn renewal(&self, spec: &Spec, renewal: &Renewal) -> Result<Planned, Vec<Finding>> {
        if let Observed::Shared(files) = self.observed(spec) {
            // Where something was named, none but the copies of CAs among that are asked for.
            let named = matches!(renewal.due, Due::Named(_));
            return followed(spec, files, self.judge(spec), named);
        }
        if let Some(planned) = self.signing_apart(spec) {
            return Ok(planned);
        }
        let planned = self.renewing(spec, renewal)?;
        if renewal.due.names(spec) && planned.findings.iter().any(is_error) {
            return Err(told([planned.findings, planned.mended].concat(), spec));
        }
        Ok(planned)
    }

    fn renewing(&self, spec: &Spec, renewal: &Renewal) -> Result<Planned, Vec<Finding>> {
        let observed = self.observed(spec);
        let findings = self.judge(spec);
        let named = renewal.due.names(spec);
        let new = renewed(spec, observed, &self.with_validity(spec, observed, renewal));
        let (Some(new), Some((former, _))) = (new, certificate(observed)) else {
            // What cannot be read may hold the CA.
            let holds = self.issuer(spec).is_some_and(|ca| self.is_renewed(ca));
            if (named || holds) && findings.iter().any(is_error) {
                return Err(told(findings, spec));
            }
            return Ok(planned(spec, Step::Keep, findings));
        };
        if let Some(findings) = self.through(spec, renewal) {
            return Ok(self.not_due(spec, findings));
        }
        match self.due(spec, &renewal.due) {
            Verdict::Due => {}
            Verdict::EndsWithCa(end, way_out) => {
                let text = format!(
                    "ends on {} with its CA: renewed it would not last longer",
                    moment(end)
                );
                return Ok(skipped(spec, findings, &text, &way_out));
            }
            Verdict::NotDue => {
                let mut findings = findings;
                if spec.is_ca() && !matches!(renewal.due, Due::Named(_)) {
                    findings.extend(ending(spec, observed, renewal.ca_notice, self.now));
                }
                return Ok(self.not_due(spec, findings));
            }
        }
        if let Some(planned) = self.stays(spec, &new, &findings, renewal) {
            return Ok(planned);
        }
        let same_key = renewal.reuse_key || spec.is_ca();
        let (new, rekeyed) = rekeyed(new, same_key);
        let after = self.after(spec, &new, observed, same_key);
        let left = self.left(spec, &new, &after, renewal, &findings);
        let mended: Vec<Finding> = findings
            .into_iter()
            .filter(|finding| !left.contains(finding))
            .collect();
        let mut hindering: Vec<Finding> = left
            .iter()
            .filter(|finding| is_error(finding) && !TOLERATED.contains(&finding.code))
            .cloned()
            .collect();
        hindering.extend(self.hindered(spec, &new, former));
        hindering.extend(self.misled(spec, &after, renewal));
        if let Some(hinders) = hindering
            .iter()
            .find(|finding| finding.code == Code::ExternalCa)
        {
            let findings = [left, mended].concat();
            return Ok(skipped(
                spec,
                findings,
                &hinders.text,
                &external_of(spec, self.found, Code::NotRenewed),
            ));
        }
        if !hindering.is_empty() {
            let mut findings = [left, mended].concat();
            let further = hindering.iter().filter(|one| !findings.contains(one));
            let further: Vec<Finding> = further.cloned().collect();
            findings.extend(further);
            let of_ca = self.told_of_ca(spec);
            findings.retain(|finding| !of_ca(finding));
            if named {
                return Err(told(findings, spec));
            }
            let (text, way_out) = self.why_not(spec, &hindering);
            return Ok(skipped(spec, findings, &text, &way_out));
        }
        let sooner = Vec::from_iter(self.sooner(spec, &new, &after, renewal));
        let lasting = Vec::from_iter(self.lasting(spec, &new, &after, renewal));
        if let Some(told) = sooner.iter().find(|told| told.code == Code::NotRenewed) {
            let findings = [left, mended].concat();
            return Ok(skipped(spec, findings, &told.text, &told.way_out));
        }
        let why = why(&mended, &renewal.due, spec);
        let step = if same_key {
            Step::Reissue { why }
        } else {
            Step::Replace { why }
        };
        Ok(Planned {
            spec: new,
            step,
            findings: told([left, rekeyed, sooner, lasting].concat(), spec),
            mended,
        })
    }

    /// What is due, and is not for this run to renew.
    fn stays(
        &self,
        spec: &Spec,
        new: &Spec,
        findings: &[Finding],
        renewal: &Renewal,
    ) -> Option<Planned> {
        let findings = findings.to_vec();
        if let Some((text, way_out)) = self.not_here(spec, renewal) {
            let mut findings = self.asked_away(spec, findings);
            let over = |told: &Finding| told.code == Code::Expired;
            if way_out == ROTATES && findings.iter().any(over) {
                for finding in &mut findings {
                    superseded(finding, spec, self.found);
                }
                let twice = !renewal.due.names(spec) && is_told_of_kubeconfig(spec, self.found);
                findings.retain(|told| !(twice && over(told)));
                // That it is to be rotated would be told in vain.
                if findings.iter().all(|told| told.way_out != ROTATES) {
                    return Some(planned(spec, Step::Skip, findings));
                }
            }
            // That of its pair is told of that. With all that is there no kubelet is behind with what it rotates.
            let holder = self.holder(spec, renewal);
            let told = if matches!(renewal.due, Due::All) {
                holder.is_some() || [ROTATES, KUBELETS_OWN].contains(&way_out.as_str())
            } else {
                holder.is_some_and(|pair| renewal.due.names(pair))
            };
            if told {
                return Some(planned(spec, Step::Keep, findings));
            }
            let text = format!("is due, and {text}");
            return Some(skipped(spec, findings, &text, &way_out));
        }
        if let Some((text, way_out)) = self.parted(spec, renewal) {
            let (findings, specs) = (told(findings, spec), std::slice::from_ref(spec));
            let findings = lasting_longer(findings, specs, self.found, self.kubeconfigs);
            return Some(skipped(spec, findings, &text, &way_out));
        }
        let lasts = new.certificate()?.validity;
        (lasts <= Duration::ZERO).then(|| {
            let findings = self.asked_away(spec, findings);
            skipped(spec, findings, TIMELESS, &again(spec))
        })
    }

    /// What is found of it once it is renewed, where `before` is found now.
    fn left(
        &self,
        spec: &Spec,
        new: &Spec,
        after: &Observed,
        renewal: &Renewal,
        before: &[Finding],
    ) -> Vec<Finding> {
        let asked = asked(spec, new, &renewal.then);
        // The new key is not there yet, and what is told of its kind is of the former one.
        let same_key = renewal.reuse_key || spec.is_ca();
        let of_key = |code| matches!(code, Code::KeyAlgorithm | Code::KeyEncipherment);
        diff_in(&asked, after, self.found, self.trusted, self.now)
            .into_iter()
            .filter(|finding| same_key || !of_key(finding.code))
            .map(|finding| taken_away(finding, before))
            .chain(self.shortened(spec, after, renewal))
            // Who was given such a certificate is to be known before it is prolonged.
            .chain(signing_key(spec, after, &self.signers))
            .collect()
    }

    fn due(&self, spec: &Spec, due: &Due) -> Verdict {
        let leaf = spec
            .certificate()
            .is_some_and(|wanted| wanted.kind != Kind::Ca);
        let renewed = match due {
            Due::All => leaf,
            Due::Named(_) => due.names(spec),
            Due::Also(..) if due.names(spec) => true,
            Due::Also(_, notice) | Due::Within(notice) => {
                let authorities = authorities(spec, self.found);
                let soon = end(spec, self.observed(spec), authorities, self.now)
                    .filter(|end| leaf && end.is_due(*notice, self.now));
                if let (Some(soon), Some(ca)) = (soon, self.issuer(spec)) {
                    let observed = self.observed(ca);
                    if end(ca, observed, &[], self.now).is_some_and(|ca| ca.at <= soon.at) {
                        let first = prolong(ca, observed, self.now);
                        let way_out = format!("see to its CA first: {first}");
                        return Verdict::EndsWithCa(soon.at, way_out);
                    }
                }
                soon.is_some()
            }
        };
        if renewed {
            Verdict::Due
        } else {
            Verdict::NotDue
        }
    }

    /// The certificate that would sign for this leaf.
    pub(super) fn signing(&self, spec: &Spec) -> Option<&Certificate> {
        match self.observed(self.issuer(spec)?) {
            Observed::Certificate { chain, key, .. } => signing(chain, key.as_ref()),
            _ => None,
        }
    }

    /// Whether this run renews it. One that is named and refused refuses the run.
    pub(super) fn is_renewed(&self, ca: &Spec) -> bool {
        let Force::Renew(renewal) = self.policy.force else {
            return false;
        };
        let keeps = |planned: &Planned| planned.step.keeps();
        renewal.due.names(ca) && !self.renewal(ca, renewal).as_ref().is_ok_and(keeps)
    }

    /// What is found once it is renewed, as far as it is known before: what is judged the same then
    /// stays.
    pub(super) fn after(
        &self,
        spec: &Spec,
        new: &Spec,
        observed: &Observed,
        same_key: bool,
    ) -> Observed {
        let Some(wanted) = new.certificate() else {
            return observed.clone();
        };
        // One that is renewed too will end later.
        let ends = |ca: &&Spec| !self.is_renewed(ca);
        let ca = self.issuer(spec).filter(ends);
        let of_ca = ca.and_then(|ca| end(ca, self.observed(ca), &[], self.now));
        // Below one that is over none is issued, and so none ends with it.
        let of_ca = of_ca.filter(|ca| ca.at >= self.now);
        let renew = |certificate: &mut Certificate| {
            let algorithm = wanted.key_algorithm;
            let end = validity::end(self.now, wanted.validity);
            certificate.validity.not_before = self.now - BACKDATE;
            certificate.validity.not_after = of_ca.map_or(end, |ca| end.min(ca.at));
            certificate.serial = Serial::new(NEW);
            if !spec.is_ca() {
                certificate.sans.clone_from(&wanted.sans);
                certificate.key_usage = Some(wanted.key_usage(algorithm));
                certificate.authority_serial = None;
                let identifier = certificate.public_key.key_identifier().to_vec();
                certificate.subject_key_identifier = Some(identifier);
            }
        };
        let file = new.place.key();
        let private = |key: &mut Key| {
            if !same_key {
                key.access.mode &= file.largest_mode();
            }
        };
        let complete = |file: &mut Vec<Certificate>| {
            if let Some((leaf, behind)) = file.split_first() {
                *file = completed(leaf, behind, authorities(spec, self.found), self.now);
            }
        };
        let mut after = observed.clone();
        match &mut after {
            Observed::Certificate { chain, key, access } => {
                access.mode &= new.place.public().largest_mode();
                let former = certificate(observed).map(|(former, _)| former);
                chain
                    .iter_mut()
                    .filter(|one| Some(&**one) == former)
                    .for_each(renew);
                if !spec.is_ca() {
                    complete(chain);
                }
                key.iter_mut().for_each(private);
            }
            Observed::Kubeconfig(found) => {
                found.chain.iter_mut().take(1).for_each(renew);
                complete(&mut found.chain);
                private(&mut found.key);
                let trusted = anchored(spec, observed, self.found);
                let exchange = Exchange {
                    former: trusted,
                    now: trusted,
                };
                *found = brought_along(found.clone(), exchange);
            }
            _ => {}
        }
        after
    }
}
