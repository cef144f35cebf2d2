//! The file that the controller manager signs with, where the CA's own holds more than it may.

use super::{CLUSTER, Signer};
use crate::location::{FileId, Root};
use crate::spec::{Place, Spec};

/// The file of exactly one certificate beside a CA's, for the one with which the controller manager
/// signs: its `--cluster-signing-cert-file` must hold no other.
pub fn signing_file(ca: &Spec) -> Option<Spec> {
    if !matches!(CLUSTER, Signer::Ca(name) if name == ca.name) {
        return None;
    }
    let FileId { root, name } = signing_file_of(&ca.name);
    Some(Spec {
        place: Place::File {
            root,
            name: name.clone(),
        },
        name,
        ..ca.clone()
    })
}

/// Whether this spec is of that file, beside this CA's.
pub fn signs_for(spec: &Spec, ca: &Spec) -> bool {
    let apart = signing_file(ca).filter(|_| ca.is_ca());
    apart.is_some_and(|apart| apart.place.public() == spec.place.public())
}

/// Whether a copy that is called so is of that file.
pub fn is_signing_file(name: &str) -> bool {
    matches!(CLUSTER, Signer::Ca(ca) if signing_file_of(ca).name == name)
}

/// Where that lies, for a CA of this name.
pub fn signing_file_of(ca: &str) -> FileId {
    FileId::certificate(Root::Pki, &format!("{ca}-signing"))
}
