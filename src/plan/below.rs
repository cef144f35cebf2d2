//! What is not due, below a CA that is renewed.

use super::renewal::NEW;
use super::telling::planned;
use super::{Planned, Planner, Step};
use crate::bundle::{Exchange, renews};
use crate::diff::{
    AFTER_ITS_CA, anchored, authorities, brought_along, diff, diff_in, file, former, lasting,
    trusts,
};
use crate::finding::{Code, Finding};
use crate::observed::Observed;
use crate::profile::renewal::{Changes, certificate, renewed};
use crate::profile::{signing_file, signs_for};
use crate::spec::Spec;
use crate::x509::cert::Certificate;
use crate::x509::serial::Serial;

impl<'a> Planner<'a> {
    pub(super) fn called(&self, name: &str) -> Option<&'a Spec> {
        let mut specs = self.wanted.iter().chain(self.issuers);
        specs.find(|spec| spec.name == *name)
    }

    /// The file of one certificate that the controller manager signs with is to have that of a CA which is renewed.
    pub(super) fn signing_apart(&self, spec: &Spec) -> Option<Planned> {
        let Observed::Certificate { .. } = self.observed(spec) else {
            return None;
        };
        let ca = self.wanted.iter().find(|ca| signs_for(spec, ca))?;
        let mut apart = signing_file(ca).filter(|_| self.is_renewed(ca))?;
        // A CA that took another one's place has a name of its own.
        apart.set_subject(certificate(self.observed(ca)).map(|(own, _)| &own.subject));
        Some(Planned {
            mended: self.judge(spec),
            ..planned(&apart, Step::Reissue { why: Vec::new() }, Vec::new())
        })
    }

    /// A kubeconfig that holds a CA which is renewed holds its new certificate too, and one that holds a former
    /// certificate of a CA the present one.
    pub(super) fn not_due(&self, spec: &Spec, findings: Vec<Finding>) -> Planned {
        let observed = self.observed(spec);
        let mut findings = findings;
        findings.extend(self.misnames(spec));
        let Observed::Kubeconfig(found) = observed else {
            return planned(spec, Step::Keep, findings);
        };
        // Its own certificate stays as it is.
        let Some(same) = renewed(spec, observed, &Changes::default()) else {
            return planned(spec, Step::Keep, findings);
        };
        if !found.embeds_authorities() || !self.is_stale(spec, &found.authorities) {
            return planned(spec, Step::Keep, findings);
        }
        let trusted = anchored(spec, observed, self.found);
        let exchange = Exchange {
            former: trusted,
            now: trusted,
        };
        let after = Observed::Kubeconfig(brought_along(found.clone(), exchange));
        let left = diff_in(spec, &after, self.found, self.trusted, self.now);
        let of_trust = [
            Code::Expired,
            Code::NotYetValid,
            Code::TrustExtra,
            Code::TrustFormer,
            Code::TrustMissing,
        ];
        let mends = |one: &Finding| of_trust.contains(&one.code) && !left.contains(one);
        let (mended, findings) = findings.into_iter().partition(mends);
        Planned {
            mended,
            ..planned(&same, Step::Refresh, findings)
        }
    }

    /// What is told of a leaf that stays while its CA is seen to: what is left to do is to renew it too.
    pub(super) fn below_renewed(&self, spec: &Spec, findings: &mut [Finding]) {
        let after = |told: &Finding| told.way_out.ends_with(AFTER_ITS_CA);
        if !findings.iter().any(after) || !self.issuer(spec).is_some_and(|ca| self.is_renewed(ca)) {
            return;
        }
        let then = lasting(spec, self.found);
        for finding in findings.iter_mut().filter(|told| after(told)) {
            finding.way_out = finding.way_out.replace(AFTER_ITS_CA, &then);
        }
    }

    /// Whether of the CA that a kubeconfig trusts it holds one certificate, and the file of that has a newer one, or
    /// is to have it.
    pub(super) fn is_stale(&self, spec: &Spec, held: &[Certificate]) -> bool {
        let name = trusts(spec, self.observed(spec), self.found);
        let file = file(name, self.found);
        let is_renewed = name
            .and_then(|ca| self.called(ca))
            .is_some_and(|ca| self.is_renewed(ca));
        let trusted = |ca: &Certificate| held.iter().any(|held| held.stands_for(ca));
        let behind = |(held, ca): (&Certificate, &Certificate)| !renews(held, ca, file, self.now);
        is_renewed && file.iter().any(trusted) || former(held, file, self.now).is_some_and(behind)
    }

    /// One that stays, and names the certificate of its CA that this run replaces.
    fn misnames(&self, spec: &Spec) -> Vec<Finding> {
        let renewed = self.issuer(spec).filter(|ca| self.is_renewed(ca));
        let Some(former) = renewed.and_then(|_| self.signing(spec)) else {
            return Vec::new();
        };
        let mut authorities = authorities(spec, self.found).to_vec();
        for ca in authorities.iter_mut().filter(|ca| *ca == former) {
            ca.serial = Serial::new(NEW);
        }
        let observed = self.observed(spec);
        let mut told = diff(spec, observed, &authorities, self.trusted, self.now);
        told.retain(|finding| finding.code == Code::AuthoritySerial);
        told
    }
}
