//! When what is in a place ends: the one rule for who looks, who renews and who asks for new ones.

use time::OffsetDateTime;

use super::notice::Notice;
use crate::bundle::effective_end;
use crate::observed::{Observed, of_leaf, signing};
use crate::spec::Spec;
use crate::x509::cert::Certificate;

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
    pub fn of_ca(certificate: &'a Certificate, file: &[Certificate], now: OffsetDateTime) -> Self {
        Self {
            certificate,
            at: effective_end(certificate, file, file, now),
        }
    }

    /// Whether it is due.
    pub fn is_due(&self, notice: Notice, now: OffsetDateTime) -> bool {
        self.at - now <= notice.of(self.certificate)
    }
}

/// Whether the CA of this file is over, or one above it: below it none is issued.
pub(super) fn is_over(file: &[Certificate], now: OffsetDateTime) -> bool {
    let ca = file.first();
    ca.is_some_and(|ca| End::of_ca(ca, file, now).at < now)
}

/// When what was found ends. `authorities` are the certificates of its CA's file; a CA is held
/// against its own.
pub fn end<'a>(
    spec: &Spec,
    observed: &'a Observed,
    authorities: &[Certificate],
    now: OffsetDateTime,
) -> Option<End<'a>> {
    let (certificate, behind) = presented(spec, observed)?;
    if spec.is_ca() {
        return Some(End::of_ca(certificate, behind, now));
    }
    let at = effective_end(certificate, behind, authorities, now);
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
        Observed::Certificate { chain, key, .. } => of_leaf(chain, key.as_ref()).split_first(),
        Observed::Kubeconfig(found) => found.chain.split_first(),
        Observed::Returned(returned) => returned.chain.split_first(),
        _ => None,
    }
}
