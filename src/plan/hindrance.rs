//! What is in the way of a renewal.

use super::{Planner, Renewal, is_error};
use crate::bundle::is_root;
use crate::diff::{anew, external, served};
use crate::finding::{Code, Finding};
use crate::location::Root;
use crate::observed::{Key, KeyState, Observed};
use crate::profile::API_SERVER;
use crate::spec::{Kind, Place, Spec};
use crate::x509::cert::Certificate;

impl Planner<'_> {
    /// What of others is in the way: the CA that signs it.
    pub(super) fn hindered(&self, spec: &Spec, new: &Spec, former: &Certificate) -> Vec<Finding> {
        if spec.is_ca() {
            return self.own_key(spec, former);
        }
        let Some(ca) = self.issuer(spec) else {
            return Vec::new();
        };
        let mut hindering = self.blocked(new, ca, true);
        // With its CA renewed the leaf stands below a sound one, or nothing is done.
        let errors = || self.judge(ca).into_iter().filter(is_error);
        if hindering.is_empty() && !self.is_renewed(ca) {
            hindering.extend(errors());
        }
        hindering
    }

    /// The kubeconfigs that lead to the API server by a name for which it would be good no more.
    pub(super) fn misled(&self, spec: &Spec, after: &Observed, renewal: &Renewal) -> Vec<Finding> {
        if spec.name != API_SERVER {
            return Vec::new();
        }
        let specs = std::slice::from_ref(spec);
        let mut found = self.found.clone();
        found.insert(spec.name.clone(), after.clone());
        let misled = |kubeconfig: &Spec| {
            let was = served(kubeconfig, specs, self.found, |_| true);
            let is = served(kubeconfig, specs, &found, |_| true);
            is.filter(|_| was.is_none())
        };
        renewal.kubeconfigs.iter().filter_map(misled).collect()
    }

    /// What keeps a CA from signing itself anew.
    fn own_key(&self, spec: &Spec, former: &Certificate) -> Vec<Finding> {
        let tell = |code, text: &str, way_out: &str| {
            vec![Finding {
                code,
                name: spec.name.clone(),
                file: spec.place.public(),
                text: text.to_owned(),
                way_out: way_out.to_owned(),
            }]
        };
        if !is_root(former) {
            let text = format!("was signed by another CA, \"{}\"", former.issuer);
            let signs = matches!(
                self.observed(spec),
                Observed::Certificate { key: Some(_), .. }
            );
            return tell(Code::NotSelfSigned, &text, &anew(spec, signs));
        }
        match self.observed(spec) {
            Observed::Certificate { key: None, .. } => tell(
                Code::ExternalCa,
                "is due, and its key is not here",
                &external(spec),
            ),
            Observed::Certificate {
                key:
                    Some(Key {
                        state: KeyState::Locked(reason),
                        ..
                    }),
                ..
            } => tell(
                Code::CaKeyLocked,
                &format!("must sign itself, and {} cannot be used", spec.place.key()),
                reason,
            ),
            _ => Vec::new(),
        }
    }
}

/// Who else keeps it, after the file's name, and the way out.
pub(super) fn elsewhere(spec: &Spec, observed: &Observed) -> Option<(&'static str, &'static str)> {
    const ROTATES: &str =
        "see that the kubelet rotates it (rotateCertificates, serverTLSBootstrap)";
    let place = &spec.place;
    let unsigned = spec
        .certificate()
        .is_some_and(|wanted| wanted.kind != Kind::Ca && wanted.issuer.is_none());
    match observed {
        Observed::Kubeconfig(found) if found.referred => Some((
            "is due, and its certificate lies in a file of its own",
            "renew that file; one that a kubelet rotates is the kubelet's to renew",
        )),
        _ if place.public().root == Root::Kubelet
            && (unsigned || matches!(place, Place::File { .. })) =>
        {
            Some(("is due, and is the kubelet's own", ROTATES))
        }
        _ if unsigned => Some((
            "is due, and no CA that is here signed it",
            "issue it anew where it was made",
        )),
        _ if matches!(place, Place::File { .. }) => Some((
            "is due, and lies without a file of its key",
            "issue it anew where its key is",
        )),
        _ => None,
    }
}
