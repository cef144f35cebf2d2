//! What becomes of a node's copies of what all nodes share.

use super::telling::planned;
use super::{Force, Planned, Step};
use crate::finding::{Code, Finding};
use crate::observed::Shared;
use crate::spec::Spec;

/// A copy of what all nodes have alike is no CA of its own: what is kept elsewhere takes its place.
/// Where that is gone, the copy may be the last.
pub(super) fn shared(files: &[Shared], force: Force<'_>, errors: Vec<Code>) -> Step {
    let last = |shared: &Shared| shared.of.is_none() && shared.there.is_some();
    if !force.replaces() || errors.is_empty() || files.iter().any(last) {
        Step::Keep
    } else {
        Step::Replace { why: errors }
    }
}

/// The same by a renewal, which changes no key and brings no other CA: what was right before one was renewed
/// follows that.
pub(super) fn followed(spec: &Spec, files: &[Shared], findings: Vec<Finding>) -> Planned {
    let mut other = files.iter().filter(|shared| shared.differs()).peekable();
    if other.peek().is_none() || !other.all(Shared::lags) {
        return planned(spec, Step::Keep, findings);
    }
    let differs = |finding: &Finding| finding.code == Code::SharedDiffers;
    let (mended, findings) = findings.into_iter().partition(differs);
    Planned {
        mended,
        step: Step::Replace {
            why: vec![Code::SharedDiffers],
        },
        ..planned(spec, Step::Keep, findings)
    }
}
