//! What stands below a CA that came back anew: certificates and keys stay, and the CAs beside them
//! become those of its file.

use super::{Planned, Planner, Step, is_error};
use crate::bundle::{Exchange, anchors, completed};
use crate::diff::{authorities, brought_along, diff, diff_in, file, trusts};
use crate::finding::{Code, Finding};
use crate::observed::{Observed, Source};
use crate::profile::API_SERVER;
use crate::spec::Spec;
use crate::x509::cert::Certificate;

/// What only a CA's certificate can be blamed for, where it was not told of the former one.
const OF_ITS_CA: [Code; 5] = [
    Code::BadSignature,
    Code::NameForbidden,
    Code::NotSigned,
    Code::PathLength,
    Code::WrongCa,
];

/// The way out where what is in use would stand below no CA.
const SAME: &str = "have the CA issued again as it was, with the same subject and key";

impl Planner<'_> {
    /// A leaf whose CA comes anew, if that is the case.
    pub(super) fn beside(&self, spec: &Spec) -> Option<Result<Planned, Vec<Finding>>> {
        let ca = self.issuer(spec)?;
        let Observed::Returned(returned) = self.observed(ca) else {
            return None;
        };
        let observed = self.observed(spec);
        let after = self.brought_along(spec, observed)?;
        let before = diff(spec, observed, &returned.now, self.trusted, self.now);
        let told = |finding: &Finding| before.iter().any(|other| other.code == finding.code);
        let broken: Vec<Finding> = diff_in(spec, &after, self.found, self.trusted, self.now)
            .into_iter()
            .filter(|finding| is_error(finding) && OF_ITS_CA.contains(&finding.code))
            .filter(|finding| !told(finding))
            .map(|finding| Finding {
                way_out: SAME.to_owned(),
                ..finding
            })
            .collect();
        if !broken.is_empty() {
            return Some(Err(broken));
        }
        let same = beside(observed) == beside(&after);
        Some(Ok(Planned {
            spec: spec.clone(),
            step: if same { Step::Keep } else { Step::Refresh },
            findings: Vec::new(),
            mended: Vec::new(),
        }))
    }

    fn brought_along(&self, spec: &Spec, observed: &Observed) -> Option<Observed> {
        let authorities = authorities(spec, self.found);
        let whole = |file: &[Certificate]| {
            let (leaf, behind) = file.split_first()?;
            Some(completed(leaf, behind, authorities, self.now))
        };
        let mut after = observed.clone();
        match &mut after {
            Observed::Certificate { chain, .. } => *chain = whole(chain)?,
            Observed::Kubeconfig(found) => {
                if found.sources[1] == Source::Embedded {
                    found.chain = whole(&found.chain)?;
                }
                if found.embeds_authorities() {
                    let served = match self.found.get(API_SERVER) {
                        Some(Observed::Certificate { chain, .. }) => whole(chain)?,
                        Some(Observed::Returned(returned)) => returned.chain.clone(),
                        _ => Vec::new(),
                    };
                    // Where servers have a CA of their own, that one comes or stays.
                    let ca = trusts(spec, observed, self.found);
                    let now = anchors(file(ca, self.found), &served);
                    let former = match ca.and_then(|ca| self.found.get(ca)) {
                        Some(Observed::Returned(returned)) => &returned.now[..],
                        _ => &now,
                    };
                    let now = &now;
                    *found = brought_along(found.clone(), Exchange { former, now });
                }
            }
            _ => return None,
        }
        Some(after)
    }
}

/// The certificates of a place, and those that it trusts.
fn beside(observed: &Observed) -> (&[Certificate], &[Certificate]) {
    match observed {
        Observed::Certificate { chain, .. } => (chain, &[]),
        Observed::Kubeconfig(found) => (&found.chain, &found.authorities),
        _ => (&[], &[]),
    }
}
