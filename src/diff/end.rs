//! When what is in a place ends: the one rule for who looks, who renews and who asks for new ones.

use time::OffsetDateTime;

use super::notice::Notice;
use crate::bundle::{is_root, verifies};
use crate::observed::{Observed, signing};
use crate::spec::Spec;
use crate::x509::cert::Certificate;

/// More CAs than these lie between no leaf and its CA.
const LONGEST: usize = 16;

/// The certificate that a place stands for, and its last second.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The certificate.
    pub certificate: &'a Certificate,
    /// The last second in which it is good.
    pub at: OffsetDateTime,
}

impl<'a> End<'a> {
    /// That of a CA, which stands in a file with these: no leaf of its lasts longer.
    pub fn of_ca(certificate: &'a Certificate, file: &[Certificate]) -> Self {
        Self {
            certificate,
            at: effective_end(certificate, &[], file),
        }
    }

    /// Whether it is due.
    pub fn is_due(&self, notice: Notice, now: OffsetDateTime) -> bool {
        self.at - now <= notice.of(self.certificate)
    }
}

/// When what was found ends. `authorities` are the certificates of its CA's file; a CA is held
/// against its own.
pub fn end<'a>(
    spec: &Spec,
    observed: &'a Observed,
    authorities: &[Certificate],
) -> Option<End<'a>> {
    let (certificate, behind) = presented(spec, observed)?;
    if spec.is_ca() {
        return Some(End::of_ca(certificate, behind));
    }
    let at = effective_end(certificate, behind, authorities);
    Some(End { certificate, at })
}

/// The certificate that a place stands for, and what stands beside it: of a leaf what is behind it, of
/// a CA its whole bundle.
pub(super) fn presented<'a>(
    spec: &Spec,
    observed: &'a Observed,
) -> Option<(&'a Certificate, &'a [Certificate])> {
    match observed {
        Observed::Certificate { chain, key, .. } if spec.is_ca() => {
            Some((signing(chain, key.as_ref())?, chain))
        }
        Observed::Returned(returned) if spec.is_ca() => {
            Some((returned.chain.first()?, &returned.chain))
        }
        Observed::Certificate { chain, .. } => chain.split_first(),
        Observed::Kubeconfig(found) => found.chain.split_first(),
        Observed::Returned(returned) => returned.chain.split_first(),
        _ => None,
    }
}

/// The last second in which a certificate is good: that of the first to end on its way to a root that
/// is trusted, for who trusts that root alone and is sent the chain; where the chain does not lead
/// there, with the CAs of the bundle between, whose highest counts where it has no root. Of several
/// ways the one that lasts longest counts.
pub fn effective_end(
    leaf: &Certificate,
    chain: &[Certificate],
    authorities: &[Certificate],
) -> OffsetDateTime {
    let between: Vec<&Certificate> = chain.iter().filter(|ca| ca.is_ca()).take(LONGEST).collect();
    let (roots, others): (Vec<_>, Vec<_>) = authorities.iter().partition(|ca| is_root(ca));
    let highest = |ca: &&Certificate| {
        let mut further = authorities.iter().filter(|other| other != ca);
        !further.any(|other| verifies(ca, other))
    };
    let (highest, lower): (Vec<_>, Vec<_>) = others.into_iter().partition(highest);
    way(leaf, &between, &roots)
        .or_else(|| way(leaf, &[between, lower].concat(), &[roots, highest].concat()))
        .unwrap_or(leaf.validity.not_after)
}

/// The end of the way that lasts longest through these to one of the anchors.
fn way(
    leaf: &Certificate,
    between: &[&Certificate],
    anchors: &[&Certificate],
) -> Option<OffsetDateTime> {
    let end = |child: &Certificate, reached: &[(&Certificate, OffsetDateTime)]| {
        let above = reached.iter().filter(|(ca, _)| verifies(child, ca));
        let above = above.map(|(_, end)| *end).max()?;
        Some(above.min(child.validity.not_after))
    };
    let mut reached: Vec<_> = anchors
        .iter()
        .map(|ca| (*ca, ca.validity.not_after))
        .collect();
    let mut left = between.to_vec();
    loop {
        let ends = left.iter().enumerate();
        let ends = ends.filter_map(|(index, ca)| Some((index, end(ca, &reached)?)));
        let Some((index, latest)) = ends.max_by_key(|(_, end)| *end) else {
            break;
        };
        reached.push((left.remove(index), latest));
    }
    let own = anchors.iter().find(|ca| **ca == leaf);
    end(leaf, &reached).or(own.map(|ca| ca.validity.not_after))
}
