//! What is a kubelet's own.

use crate::location::{FileId, Root};
use crate::profile::resolve::SYSTEM_NODE;
use crate::spec::Spec;

/// Whether it is a node's kubeconfig, which its kubelet keeps.
pub fn is_kubelets(spec: &Spec) -> bool {
    let name = spec
        .certificate()
        .and_then(|wanted| wanted.subject.common_name());
    name.is_some_and(|name| name.starts_with(SYSTEM_NODE))
}

/// Whether a kubelet has replaced it: it keeps what it rotated.
pub fn is_superseded(file: &FileId) -> bool {
    let base = file.name.strip_suffix(".pem");
    base.is_some_and(|base| !is_current(file, base))
}

/// Whether it leads to what a kubelet rotated last.
pub fn is_rotated(file: &FileId) -> bool {
    *file == FileId::new(Root::Kubelet, FileId::KUBELET_CURRENT)
}

/// A kubelet keeps what it rotated beside the link to what it uses.
pub(super) fn is_current(file: &FileId, base: &str) -> bool {
    file.root != Root::Kubelet || base.ends_with("-current")
}
