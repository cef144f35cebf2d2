//! What is not due, below a CA that is renewed.

use super::renewal::NEW;
use super::telling::planned;
use super::{Planned, Planner, Renewal, Step};
use crate::bundle::follows;
use crate::diff::{authorities, diff};
use crate::finding::{Code, Finding};
use crate::observed::Observed;
use crate::profile::renewal::{Changes, renewed};
use crate::spec::Spec;
use crate::x509::serial::Serial;

impl Planner<'_> {
    /// A kubeconfig that holds a CA which is renewed holds its new certificate too.
    pub(super) fn not_due(
        &self,
        spec: &Spec,
        findings: Vec<Finding>,
        renewal: &Renewal,
    ) -> Planned {
        let ca = self.issuer(spec);
        let observed = self.observed(spec);
        let mut findings = findings;
        findings.extend(self.misnames(spec));
        let (Some(ca), Observed::Kubeconfig(found)) = (ca, observed) else {
            return planned(spec, Step::Keep, findings);
        };
        // Its own certificate stays as it is.
        let Some(same) = renewed(spec, observed, &Changes::default()) else {
            return planned(spec, Step::Keep, findings);
        };
        let trusted = authorities(spec, self.found);
        let holds = found.authorities.iter().any(|one| trusted.contains(one));
        // What a run over many did not get to that was ended.
        let follows = renewal.of_many && follows(&found.authorities, trusted);
        let refreshed = self.is_renewed(ca) && holds || follows;
        if !refreshed || !found.embeds_authorities() {
            return planned(spec, Step::Keep, findings);
        }
        let mut after = found.clone();
        after.trust(trusted);
        let after = Observed::Kubeconfig(after);
        let left = diff(spec, &after, trusted, self.trusted, self.now);
        let of_trust = |one: &Finding| {
            let former = follows && one.code == Code::WrongCa;
            former || matches!(one.code, Code::TrustExtra | Code::TrustMissing)
        };
        let mends = |one: &Finding| of_trust(one) && !left.contains(one);
        let (mended, findings) = findings.into_iter().partition(mends);
        Planned {
            mended,
            ..planned(&same, Step::Refresh, findings)
        }
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
