//! Who else keeps what lies in a tree.

use super::{KUBELETS_OWN, ROTATES, is_kubelets_own, whole};
use crate::location::Root;
use crate::observed::Observed;
use crate::profile::found::is_kubelets;
use crate::spec::{Kind, Place, Spec};

/// Who else keeps it, after the file's name, and the way out.
pub(crate) fn elsewhere(spec: &Spec, observed: &Observed) -> Option<(&'static str, String)> {
    let place = &spec.place;
    let unsigned = spec
        .certificate()
        .is_some_and(|wanted| wanted.kind != Kind::Ca && wanted.issuer.is_none());
    match observed {
        Observed::Kubeconfig(found) if found.referred => Some((
            "its certificate lies in a file of its own",
            if is_kubelets(spec) {
                ROTATES.to_owned()
            } else if found.is_halved() {
                whole(spec)
            } else {
                "renew that file".to_owned()
            },
        )),
        _ if is_kubelets_own(spec) => Some(("is the kubelet's own", KUBELETS_OWN.to_owned())),
        _ if place.public().root == Root::Kubelet && matches!(place, Place::File { .. }) => {
            Some(("is the kubelet's own", ROTATES.to_owned()))
        }
        _ if unsigned => Some((
            "no CA that is here signed it",
            "issue it anew where it was made".to_owned(),
        )),
        Observed::Certificate { key: Some(_), .. } if matches!(place, Place::File { .. }) => Some((
            "holds its key too, in an order that its reader may want",
            "put its parts into NAME.crt and NAME.key, have those renewed, and put it together again of them".to_owned(),
        )),
        _ if matches!(place, Place::File { .. }) => Some((
            "lies without a file of its key",
            "issue it anew where its key is".to_owned(),
        )),
        _ => None,
    }
}
