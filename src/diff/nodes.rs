//! What is judged of a node among many.

use crate::finding::{Code, Finding};
use crate::location::{FileId, Root};
use crate::profile::TABLE;

/// Keys of the table that lie on a node, and are not among what it is to have: its roles were others, or somebody
/// copied more than it needs. `there` are the files of its tree, `wanted` those that it is to have.
pub fn not_needed(there: &[FileId], wanted: &[FileId]) -> Vec<Finding> {
    let current = FileId::new(Root::Kubelet, FileId::KUBELET_CURRENT);
    let kubelets = there.iter().filter(|file| is_kubelets(file)).cloned();
    let kubelets = kubelets.filter(|_| !wanted.contains(&current));
    TABLE
        .iter()
        .map(|row| row.stored.key())
        .filter(|key| there.contains(key) && !wanted.contains(key))
        .chain(kubelets)
        .map(|key| Finding {
            code: Code::KeyNotNeeded,
            name: key.name.clone(),
            file: key,
            text: "holds a key that the roles of this node do not need".to_owned(),
            way_out: "remove it, on the node too".to_owned(),
        })
        .collect()
}

/// Its client certificate and key, in a file of their own.
fn is_kubelets(file: &FileId) -> bool {
    file.root == Root::Kubelet && file.name.starts_with("kubelet-client-")
}
