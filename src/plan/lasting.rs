//! For how long something is renewed.

use time::Duration;

use super::Planner;
use super::due::Renewal;
use crate::bundle::verifies;
use crate::diff::{again, authorities, end, prolong, too_short};
use crate::finding::{Code, Finding};
use crate::observed::Observed;
use crate::profile::renewal::{Changes, DEFAULT, certificate, is_short_lived, lasted, may_be_cut};
use crate::spec::{BACKDATE, Spec};
use crate::x509::cert::Certificate;
use crate::x509::validity::in_hours;

impl Planner<'_> {
    pub(super) fn with_validity(
        &self,
        spec: &Spec,
        observed: &Observed,
        renewal: &Renewal,
    ) -> Changes {
        let mut changes = renewal.changes.clone();
        changes.validity = changes.validity.or_else(|| self.issued_for(spec, observed));
        changes
    }

    /// What it was issued for, where that is another time than it lasts.
    fn issued_for(&self, spec: &Spec, observed: &Observed) -> Option<Duration> {
        let (leaf, _) = certificate(observed).filter(|_| !spec.is_ca())?;
        let ca = self.issuer(spec)?;
        let of_ca = end(ca, self.observed(ca), &[], self.now)?.at;
        let may_be_cut = may_be_cut(leaf, authorities(spec, self.found), of_ca);
        if may_be_cut && (leaf.validity.not_after == of_ca || !self.is_outlasted(spec, leaf)) {
            return Some(DEFAULT);
        }
        // kubeadm's kubeconfigs begin when their CA began, and may have lasted for years: what they were
        // issued for is told by the pairs that the CA signed.
        let ca = self.signing(spec)?;
        let kubeconfig = matches!(observed, Observed::Kubeconfig(_));
        if !kubeconfig || leaf.validity.not_before != ca.validity.not_before {
            return None;
        }
        let of_ca = self.leaves().filter(|other| verifies(other, ca));
        let longest = of_ca.map(lasted).max();
        longest.map(|longest| longest.min(lasted(leaf)))
    }

    /// Whether its CA was to last longer when it signed it: no later it had signed what ends later. When a
    /// kubeconfig of kubeadm's was made nothing tells, so that pairs alone count.
    fn is_outlasted(&self, spec: &Spec, leaf: &Certificate) -> bool {
        let Some(ca) = self.signing(spec) else {
            return false;
        };
        let (began, ends) = (leaf.validity.not_before, leaf.validity.not_after);
        self.leaves().any(|other| {
            let validity = &other.validity;
            validity.not_before <= began && validity.not_after > ends && verifies(other, ca)
        })
    }

    /// Those of pairs.
    fn leaves(&self) -> impl Iterator<Item = &Certificate> {
        let first = self.found.values().filter_map(|found| match found {
            Observed::Certificate { chain, .. } => chain.first(),
            _ => None,
        });
        first.filter(|certificate| !certificate.is_ca())
    }

    /// What is to be told of the time that it gets, where nobody stated one: that it is longer than the former
    /// one's, or too short for a run a day.
    pub(super) fn lasting(
        &self,
        spec: &Spec,
        new: &Spec,
        after: &Observed,
        renewal: &Renewal,
    ) -> Option<Finding> {
        if spec.is_ca() || renewal.changes.validity.is_some() {
            return None;
        }
        let (former, _) = certificate(self.observed(spec))?;
        let (made, _) = certificate(after)?;
        let (was, is) = (lasted(former), new.certificate()?.validity);
        if is_short_lived(made) {
            let text = too_short(made);
            let ca = self.issuer(spec).filter(|_| lasted(made) < is);
            let way_out = ca.map_or_else(
                || again(spec),
                |ca| {
                    let first = prolong(ca, self.observed(ca), self.now);
                    format!("see to its CA first: {first}")
                },
            );
            return Some(spec.finding(Code::ShortLived, text, way_out));
        }
        (lasted(made) > was + BACKDATE).then(|| {
            let text = format!(
                "lasted {}, which its CA may have cut short, and is renewed for {}",
                in_hours(was),
                in_hours(is)
            );
            let way_out = "unless that is meant, say how long it is to last (--validity)";
            spec.finding(Code::Validity, text, way_out)
        })
    }
}
