//! What becomes of a node's copies of what all nodes share.

use super::{Force, Step};
use crate::finding::Code;
use crate::observed::Shared;

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
