//! Kubeconfigs that name their certificate and key.

use super::{Phase, by_name};
use crate::location::{FileId, Root};
use crate::spec::{CredentialFiles, Credentials, Place, Spec};

/// A kubeconfig with its certificate and key in a pair of files, which it names, and that pair first.
pub fn in_files(mut kubeconfig: Spec) -> Vec<Spec> {
    let issuer = kubeconfig
        .certificate()
        .and_then(|certificate| by_name(certificate.issuer.as_deref()?));
    let (
        Some(ca),
        Place::Kubeconfig {
            file, credentials, ..
        },
    ) = (issuer, &mut kubeconfig.place)
    else {
        return vec![kubeconfig];
    };
    let base = file.strip_suffix(".conf").unwrap_or(file).to_owned();
    let place = Place::Pair {
        root: Root::Pki,
        base,
    };
    *credentials = Credentials::Files(CredentialFiles {
        authorities: Some(ca.stored.public()),
        certificate: place.public(),
        key: place.key(),
    });
    let pair = Spec {
        // As a pair of no row is called that is found there.
        name: place.public().name,
        phase: Phase::Client,
        place,
        content: kubeconfig.content.clone(),
    };
    vec![pair, kubeconfig]
}

/// A node's kubeconfig as its kubelet keeps it: its certificate and key are in one file that it rotates, and that
/// one first.
pub fn in_kubelets_files(mut kubeconfig: Spec) -> Vec<Spec> {
    let mut specs = in_files(kubeconfig.clone());
    let authorities = specs
        .pop()
        .and_then(|named| Some(named.credential_files()?.authorities.clone()));
    let (Some(authorities), Place::Kubeconfig { credentials, .. }) =
        (authorities, &mut kubeconfig.place)
    else {
        return vec![kubeconfig];
    };
    let place = Place::File {
        root: Root::Kubelet,
        name: FileId::KUBELET_CURRENT.to_owned(),
    };
    *credentials = Credentials::Files(CredentialFiles {
        authorities,
        certificate: place.public(),
        key: place.key(),
    });
    let pair = Spec {
        name: super::found::name(&place.public()),
        phase: Phase::Client,
        place,
        content: kubeconfig.content.clone(),
    };
    vec![pair, kubeconfig]
}
