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
///
/// What a stage of a replacement makes the same is left to that. Where its CA is `named` for renewal it is run to its end
/// first: a copy that it brought further would be neither as all share it then nor as before.
pub(super) fn followed(
    spec: &Spec,
    files: &[Shared],
    findings: Vec<Finding>,
    named: bool,
) -> Result<Planned, Vec<Finding>> {
    let mut other = files.iter().filter(|shared| shared.differs()).peekable();
    let half_way = files.iter().any(|shared| shared.stage.is_some());
    if half_way && named {
        return Err(findings);
    }
    if other.peek().is_none() || half_way || !other.all(Shared::lags) {
        return Ok(planned(spec, Step::Keep, findings));
    }
    let differs = |finding: &Finding| finding.code == Code::SharedDiffers;
    let (mended, findings) = findings.into_iter().partition(differs);
    let why = vec![Code::SharedDiffers];
    Ok(Planned {
        mended,
        ..planned(spec, Step::Replace { why }, findings)
    })
}

/// The same by a stage of a replacement, after which it is another one that all nodes share: a copy of the former one
/// follows, and one that is not there yet is made: but for a step `back`, which makes nothing that was not there before the
/// stage.
pub(super) fn turned(
    spec: &Spec,
    files: &[Shared],
    mut findings: Vec<Finding>,
    back: bool,
) -> Planned {
    // What is as before the stage is right: it is to become another.
    let follows = |told: &Finding| {
        let mut files = files.iter().filter(|shared| shared.lags());
        told.code == Code::SharedDiffers && files.any(|shared| shared.file == told.file)
    };
    findings.retain(|told| !follows(told));
    let mut other = files.iter().filter(|shared| shared.differs()).peekable();
    if other.peek().is_some() {
        let follows = other.all(Shared::lags);
        let step = if follows {
            Step::Replace { why: Vec::new() }
        } else {
            Step::Keep
        };
        return planned(spec, step, findings);
    }
    let absent = files.iter().all(|shared| shared.there.is_none());
    let step = if absent && !back {
        Step::Create
    } else {
        Step::Keep
    };
    planned(spec, step, findings)
}
