//! What is judged of a node among many.

use crate::finding::{Code, Finding};
use crate::location::FileId;
use crate::profile::TABLE;

/// Keys of the table that lie on a node, and are not among what it is to have: its roles were others, or somebody
/// copied more than it needs. `there` are the files of its tree, `wanted` those that it is to have.
pub fn not_needed(there: &[FileId], wanted: &[FileId]) -> Vec<Finding> {
    TABLE
        .iter()
        .map(|row| row.stored.key())
        .filter(|key| there.contains(key) && !wanted.contains(key))
        .map(|key| Finding {
            code: Code::KeyNotNeeded,
            name: key.name.clone(),
            file: key,
            text: "holds a key that the roles of this node do not need".to_owned(),
            way_out: "remove it, on the node too".to_owned(),
        })
        .collect()
}
