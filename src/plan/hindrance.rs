//! What is in the way of a renewal.

use super::due::Renewal;
use super::{Planner, is_error};
use crate::bundle::is_root;
use crate::diff::{
    IN_ITS_CA, anew, authorities, elsewhere, end, external, external_of, lasting, prolong, revive,
    served,
};
use crate::finding::{Code, Finding};
use crate::observed::{Key, KeyState, Observed};
use crate::profile::renewal::certificate;
use crate::profile::{API_SERVER, by_name};
use crate::spec::{BACKDATE, Spec};
use crate::x509::cert::Certificate;
use crate::x509::validity::{self, moment};

/// The way out where a CA would end too soon.
const LONGER: &str = "let it last longer (--ca-validity)";

impl Planner<'_> {
    /// What of others is in the way: the CA that signs it.
    pub(super) fn hindered(&self, spec: &Spec, new: &Spec, former: &Certificate) -> Vec<Finding> {
        if spec.is_ca() {
            return self.own_key(spec, former);
        }
        let Some(ca) = self.issuer(spec) else {
            return Vec::new();
        };
        let mut hindering = self.blocked(new, ca, true);
        // With its CA renewed the leaf stands below a sound one, or nothing is done.
        let errors = || self.judge(ca).into_iter().filter(is_error);
        if hindering.is_empty() && !self.is_renewed(ca) {
            hindering.extend(errors());
        }
        hindering
    }

    /// Whether something is told of its CA, and need not be once more for each leaf of that.
    pub(super) fn told_of_ca(&self, spec: &Spec) -> impl Fn(&Finding) -> bool {
        let ca = self.issuer(spec).map(|ca| self.judge(ca));
        let errors: Vec<Finding> = ca.into_iter().flatten().filter(is_error).collect();
        move |finding| {
            let behind = finding.way_out == IN_ITS_CA;
            let same = |ca: &Finding| ca == finding || (behind && ca.code == finding.code);
            errors.iter().any(same)
        }
    }

    /// Why one that is due is not renewed, and the way out: that of its CA, where that is over.
    pub(super) fn why_not(&self, spec: &Spec, hindering: &[Finding]) -> (String, String) {
        let over = |ca: &Certificate| ca.validity.has_ended(self.now);
        if let Some((ca, file)) = self
            .issuer(spec)
            .zip(self.signing(spec).filter(|ca| over(ca)))
        {
            let text = format!(
                "is due, and its CA {} ended on {}",
                ca.place.public(),
                moment(file.validity.not_after)
            );
            return (
                text,
                format!("see to its CA first: {}", revive(ca, file, true)),
            );
        }
        let mut codes: Vec<&str> = Vec::new();
        for finding in hindering {
            if !codes.contains(&finding.code.id()) {
                codes.push(finding.code.id());
            }
        }
        let of_ca = self.told_of_ca(spec);
        let codes = codes.join(", ");
        let text = match self.issuer(spec) {
            Some(ca) if hindering.iter().all(of_ca) => {
                let ca = ca.place.public();
                format!("is due, and was not renewed for its CA {ca}: {codes}")
            }
            _ => format!("is due, and was not renewed: {codes}"),
        };
        (text, "see to that first".to_owned())
    }

    /// Of what has another keeper, and ends below a CA whose key is not here, no run makes another.
    pub(super) fn asked_away(&self, spec: &Spec, mut findings: Vec<Finding>) -> Vec<Finding> {
        let ca = self.issuer(spec).map(|ca| self.observed(ca));
        let external = ca.is_some_and(Observed::is_external);
        for finding in &mut findings {
            if finding.code == Code::Expired && external {
                finding.way_out = external_of(spec, self.found, finding.code);
            } else if finding.code == Code::Expired && by_name(&spec.name).is_none() {
                finding.way_out = lasting(spec, self.found);
            }
        }
        findings
    }

    /// The kubeconfigs that lead to the API server by a name for which it would be good no more.
    pub(super) fn misled(&self, spec: &Spec, after: &Observed, renewal: &Renewal) -> Vec<Finding> {
        if spec.name != API_SERVER {
            return Vec::new();
        }
        let specs = std::slice::from_ref(spec);
        let mut found = self.found.clone();
        found.insert(spec.name.clone(), after.clone());
        let misled = |kubeconfig: &Spec| {
            let was = served(kubeconfig, specs, self.found, |_| true);
            let is = served(kubeconfig, specs, &found, |_| true);
            is.filter(|_| was.is_none())
        };
        renewal.there.iter().filter_map(misled).collect()
    }

    /// Of a leaf that would be renewed to end sooner than it does now, or than was asked for, and of one
    /// that runs would renew again and again without its lasting longer: what is to be told.
    pub(super) fn sooner(
        &self,
        spec: &Spec,
        new: &Spec,
        after: &Observed,
        renewal: &Renewal,
    ) -> Option<Finding> {
        let ca = self.issuer(spec)?;
        // What becomes of it with its CA is told of that one.
        if spec.is_ca() || self.is_renewed(ca) {
            return None;
        }
        let authorities = authorities(spec, self.found);
        let was = end(spec, self.observed(spec), authorities, self.now)?.at;
        let is = end(spec, after, authorities, self.now)?.at;
        let ends = |lasts| validity::end(self.now, lasts);
        let asked = renewal.changes.validity.map(ends);
        // Of what was made without it, the backdating is no time of its own.
        // The end of what has not begun was made by a wrong clock.
        let leaf = certificate(self.observed(spec));
        let begun = leaf.is_none_or(|(leaf, _)| leaf.validity.not_before <= self.now);
        let sooner =
            begun && is.saturating_add(BACKDATE) < asked.map_or(was, |asked| asked.min(was));
        let soon = renewal.due.by_end(spec);
        let in_vain = soon && is == was;
        if !sooner && !in_vain {
            return None;
        }
        let code = if soon {
            Code::NotRenewed
        } else {
            Code::EndsSooner
        };
        let text = if in_vain {
            format!("ends on {}: renewed it would not last longer", moment(was))
        } else {
            let (is, was) = (moment(is), moment(was));
            format!("would end on {is}, sooner than the former one, on {was}")
        };
        let whole = new.certificate().map(|new| ends(new.validity));
        let way_out = if whole == Some(is) {
            "unless that is meant, let it last longer (--validity)".to_owned()
        } else {
            format!(
                "see to its CA first: {}",
                prolong(ca, self.observed(ca), self.now)
            )
        };
        Some(spec.finding(code, text, way_out))
    }

    /// A CA that would end sooner than it does, and what it signed with it. What of that is here, and
    /// stays as it is, is in the way: renewed with its CA it says itself when it ends.
    pub(super) fn shortened(
        &self,
        spec: &Spec,
        after: &Observed,
        renewal: &Renewal,
    ) -> Option<Finding> {
        let (former, _) = certificate(self.observed(spec))?;
        let (new, _) = certificate(after).filter(|_| spec.is_ca())?;
        let (was, is) = (former.validity.not_after, new.validity.not_after);
        if is >= was {
            return None;
        }
        let away = |leaf: &Spec| self.not_here(leaf, renewal).is_some();
        let parted = |leaf: &Spec| self.parted(leaf, renewal).is_some();
        let stays = |leaf: &&Spec| !renewal.due.names(leaf) || away(leaf) || parted(leaf);
        let ends = |leaf: &Spec| {
            let mut authorities = authorities(leaf, self.found).to_vec();
            let before = end(leaf, self.observed(leaf), &authorities, self.now)?.at;
            for ca in authorities.iter_mut().filter(|ca| *ca == former) {
                ca.clone_from(new);
            }
            let after = end(leaf, self.observed(leaf), &authorities, self.now)?.at;
            (after < before).then_some(before)
        };
        // The end of a kubeconfig is that of the file that it names.
        let own = |leaf: &&Spec| !leaf.is_ca() && self.holder(leaf, renewal).is_none();
        let below = renewal.there.iter().filter(own);
        let cut: Vec<_> = below
            .filter(stays)
            .filter_map(|leaf| Some((ends(leaf)?, leaf)))
            .collect();
        // As of a leaf.
        if cut.is_empty() && former.validity.not_before > self.now {
            return None;
        }
        let would = format!("would end on {}", moment(is));
        let last = cut
            .iter()
            .max_by_key(|(end, leaf)| (*end, leaf.name.as_str()));
        let (code, text, way_out) = match last {
            Some((last, leaf)) => {
                let leaf = &leaf.name;
                let names: Vec<&str> = cut.iter().map(|(_, leaf)| leaf.name.as_str()).collect();
                let keys = cut.iter().any(|(_, leaf)| parted(leaf));
                let keys = if keys { ", with --reuse-key" } else { "" };
                // What no run renews does not end with it by being named.
                let way_out = if cut.iter().any(|(_, leaf)| away(leaf)) {
                    LONGER.to_owned()
                } else {
                    let names = names.join(" ");
                    format!("{LONGER}, or name what is to end with it too{keys}: {names}")
                };
                (
                    Code::CaTooShort,
                    format!("{would}, and {leaf}, which it signed, on {}", moment(*last)),
                    way_out,
                )
            }
            None => (
                Code::CaShortened,
                format!("{would}, sooner than the former one, on {}", moment(was)),
                format!("unless that is meant, {LONGER}: what it signed for others ends with it"),
            ),
        };
        Some(spec.finding(code, text, way_out))
    }

    /// Who else keeps it, where this renewal is not to.
    pub(super) fn not_here(
        &self,
        spec: &Spec,
        renewal: &Renewal,
    ) -> Option<(&'static str, String)> {
        let observed = self.observed(spec);
        let keyed = matches!(observed, Observed::Certificate { key: Some(_), .. });
        elsewhere(spec, self.found).filter(|_| !(keyed && renewal.rotates(spec)))
    }

    /// What keeps a CA from signing itself anew.
    fn own_key(&self, spec: &Spec, former: &Certificate) -> Vec<Finding> {
        let tell = |code, text: &str, way_out: &str| vec![spec.finding(code, text, way_out)];
        // What such a key signed cannot be verified, which is told.
        let key = former.public_key.algorithm();
        if key.is_some_and(|key| key.too_large().is_some()) {
            return Vec::new();
        }
        if !is_root(former) {
            let text = format!("was signed by another CA, \"{}\"", former.issuer);
            let signs = matches!(
                self.observed(spec),
                Observed::Certificate { key: Some(_), .. }
            );
            return tell(Code::NotSelfSigned, &text, &anew(spec, signs));
        }
        match self.observed(spec) {
            Observed::Certificate { key: None, .. } => tell(
                Code::ExternalCa,
                "is due, and its key is not here",
                &external(spec),
            ),
            Observed::Certificate {
                key:
                    Some(Key {
                        state: KeyState::Locked(reason),
                        ..
                    }),
                ..
            } => tell(
                Code::CaKeyLocked,
                &format!("must sign itself, and {} cannot be used", spec.place.key()),
                reason,
            ),
            _ => Vec::new(),
        }
    }
}
