//! Spec against observed: the findings. Pure; the time is an argument.

mod authorities;
mod ca;
mod certificate;
mod chain;
mod elsewhere;
mod end;
mod external;
mod generations;
mod ground;
mod half;
mod kubeconfig;
mod leaf;
mod nodes;
mod notice;
mod place;
mod request;
mod returned;
mod scrutiny;
mod server;
mod signature;
mod signer;
mod superseded;
mod tree;
mod trust;

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::finding::{Code, Finding, Severity};
use crate::observed::{Access, Cause, Key, KeyState, Observed, Unreadable, of_leaf, signing};
use crate::profile::by_name;
use crate::spec::{Kind, Place, Spec};
use crate::x509::cert::Certificate;

pub use authorities::authorities;
pub(crate) use authorities::{file, issuer};
pub use chain::{PERMIT, forbidden, forbids, signed_by};
pub use elsewhere::{NOT_WRITTEN, TIMELESS, again, elsewhere, halving, lasting};
pub use end::{End, end};
pub(crate) use external::{away, external, external_of, is_signed_elsewhere, made_elsewhere};
pub(crate) use generations::{BOUND, hindered, is_bound, locked, moved};
pub use generations::{Generations, Held, Stage, generations, uncrossed, untangled};
pub use ground::ground;
pub use half::beyond_half_a_run;
pub(crate) use leaf::{AFTER_ITS_CA, IN_ITS_CA, RENAME};
pub use nodes::{
    Own, across, barred, not_copied, not_made, not_needed, over_all, own, signed_for_all,
    signing_elsewhere, treeless,
};
pub use notice::{Notice, Within};
pub(crate) use place::KEY_MODE;
pub use request::{listed, request, signs, take_sans};
pub use returned::{aging, anchors, counted, in_common, placed, warned};
pub use scrutiny::ending;
pub(crate) use scrutiny::{
    KUBELETS_OWN, ROTATES, anew, is_kubelets_own, prolong, revive, too_short,
};
pub use server::served;
pub use signer::{Signers, signing_key, unknown_signers};
pub(crate) use superseded::{is_told_of_kubeconfig, superseded};
pub use tree::{
    ENDS, absent, by_renewal, lasting_longer, of_this_cluster, survey, told_to_a_reader, whole,
};
pub(crate) use trust::{FOLLOW, anchored, brought_along, by_former, former, trusted, trusts};

/// What `--force` does to a kubeconfig of which nothing can be read.
pub(crate) const OPAQUE: &str = "; what else is in it is in the backup alone then";

/// How `observed` differs from `spec`. `authorities` are the certificates of the CA's file; a CA
/// and a key pair have none. `trusted` are the users who may own what the cluster's trust rests on.
pub fn diff(
    spec: &Spec,
    observed: &Observed,
    authorities: &[Certificate],
    trusted: &[u32],
    now: OffsetDateTime,
) -> Vec<Finding> {
    let anchors = authorities;
    let judge = Judge {
        anchors,
        trusted,
        now,
        ..Judge::of(spec)
    };
    judge.told(observed, authorities)
}

/// The same within a tree: what a kubeconfig trusts is held against the CA of the server that it leads to.
pub fn diff_in(
    spec: &Spec,
    observed: &Observed,
    found: &BTreeMap<String, Observed>,
    trusted: &[u32],
    now: OffsetDateTime,
) -> Vec<Finding> {
    let ca = trusts(spec, observed, found);
    let judge = Judge {
        anchors: file(ca, found),
        refresh: trust::refresh(ca, observed),
        trusted,
        now,
        ..Judge::of(spec)
    };
    judge.told(observed, authorities(spec, found))
}

struct Judge<'a> {
    spec: &'a Spec,
    authorities: &'a [Certificate],
    /// What a kubeconfig is to trust.
    anchors: &'a [Certificate],
    /// How it gets that.
    refresh: &'static str,
    trusted: &'a [u32],
    now: OffsetDateTime,
    findings: Vec<Finding>,
}

impl<'a> Judge<'a> {
    /// Of what is judged by itself.
    fn of(spec: &'a Spec) -> Self {
        Self {
            spec,
            authorities: &[],
            anchors: &[],
            refresh: trust::refresh(None, &Observed::Absent),
            trusted: &[],
            now: OffsetDateTime::UNIX_EPOCH,
            findings: Vec::new(),
        }
    }

    fn told(mut self, observed: &Observed, authorities: &'a [Certificate]) -> Vec<Finding> {
        self.authorities = authorities;
        self.observed(observed);
        self.findings
    }
}

impl Judge<'_> {
    fn observed(&mut self, observed: &Observed) {
        match observed {
            Observed::Absent
            | Observed::Copy { there: None, .. }
            | Observed::Request { issued: None, .. } => {}
            Observed::Copy {
                of,
                there: Some((there, access)),
            } => {
                self.taken_as_it_stands(*access);
                self.copy(of, there);
            }
            Observed::Certificate { chain, access, key } => self.pair(chain, *access, key.as_ref()),
            Observed::KeyOnly(key) if matches!(self.spec.place, Place::Found { .. }) => {
                self.key_lies(key.access);
                if let KeyState::Unread(reason) = &key.state {
                    self.unreadable(reason);
                }
            }
            Observed::KeyOnly(key) => {
                self.key_access(key.access);
                let public = self.spec.place.public();
                let text = if public == self.spec.place.key() {
                    "holds a key without its certificate".to_owned()
                } else {
                    format!("stands without {}", public.name)
                };
                self.tell(Code::MissingCertificate, &text, "");
                if let KeyState::Unread(reason) = &key.state {
                    self.unreadable(reason);
                }
            }
            Observed::KeyPair {
                key,
                public,
                public_access,
            } => {
                self.public_access(*public_access);
                self.key_pair(key, public.as_deref());
            }
            Observed::Kubeconfig(kubeconfig) => self.kubeconfig(kubeconfig),
            Observed::Lead(lead) => self.lead(lead),
            Observed::PublicOnly(_) => self.tell(
                Code::MissingKey,
                &format!("stands without {}", self.spec.place.key().name),
                "",
            ),
            Observed::Requested { key, .. } => self.requested(key),
            Observed::Returned(returned) => self.returned(returned),
            Observed::Request {
                request,
                issued: Some((chain, access)),
                ..
            } => self.issued(request, chain, *access),
            Observed::Shared(files) => files.iter().for_each(|shared| self.shared(shared)),
            Observed::Unreadable(reasons, _) => {
                for unreadable in reasons {
                    self.unreadable(unreadable);
                }
            }
        }
    }

    fn unreadable(&mut self, unreadable: &Unreadable) {
        if unreadable.cause == Cause::Named {
            let mode = unreadable.access.unwrap_or_default().mode;
            return self.key_reference(&unreadable.why, mode);
        }
        self.unreadable_access(unreadable);
        let known = |told: &Finding| told.code == Code::KeyMode && told.file == unreadable.file;
        if let Some(access) = unreadable.access
            && !self.findings.iter().any(known)
        {
            let told = self.findings.len();
            self.key_access(access);
            for finding in &mut self.findings[told..] {
                finding.file = unreadable.file.clone();
            }
        }
        let mut finding = self.finding(unreadable.cause.code(), &unreadable.why, "");
        finding.file = unreadable.file.clone();
        if let Some(way_out) = &unreadable.way_out {
            finding.way_out.clone_from(way_out);
        }
        if unreadable.cause == Cause::Opaque {
            finding.way_out += OPAQUE;
        }
        self.findings.push(finding);
    }

    fn pair(&mut self, chain: &[Certificate], access: Access, key: Option<&Key>) {
        // A server sends the first certificate of its file; a CA's file may be a bundle, and the CA
        // that signs is the one whose key this is.
        let own = match self.spec.certificate() {
            Some(wanted) if wanted.kind != Kind::Ca => of_leaf(chain, key),
            _ => chain,
        };
        let certificate = if self.spec.is_ca() {
            signing(chain, key)
        } else {
            own.first()
        };
        let Some(certificate) = certificate else {
            return;
        };
        if key.is_some() && self.spec.place.key() == self.spec.place.public() {
            self.public_access_with_key(access);
        } else {
            self.public_access(access);
        }
        if self.spec.is_ca() && chain.first() != Some(certificate) {
            self.tell(
                Code::CaOrder,
                "does not begin with the certificate of its key, where kubeadm and the controller \
                 manager look for it",
                "put that certificate first",
            );
        }
        if own.len() < chain.len() {
            self.behind(certificate, &chain[0]);
        }
        match key {
            Some(key) => self.key(key, certificate),
            // A CA without its key is an external one: the plan decides what that means.
            // Nor is one expected where a certificate lies alone.
            None if self.spec.is_ca()
                || matches!(self.spec.place, Place::File { .. } | Place::Found { .. }) => {}
            None => self.tell(
                Code::MissingKey,
                &format!("stands without {}", self.spec.place.key().name),
                "",
            ),
        }
        // One of another cluster is that one's matter.
        let issuer = self
            .spec
            .certificate()
            .and_then(|wanted| wanted.issuer.as_ref());
        if let Some(entry) = self.spec.place.entry().filter(|_| issuer.is_some()) {
            for (cluster, context) in &entry.unverified {
                self.shown_to_anybody(cluster, context);
            }
        }
        match self.spec.certificate() {
            Some(wanted) if wanted.kind == Kind::Ca => {
                let told = self.findings.len();
                self.ca(certificate, chain);
                self.ended(certificate, key, told);
            }
            Some(wanted) => {
                let told = self.findings.len();
                self.leaf(wanted, certificate, &own[1..]);
                self.clocked(certificate, told);
                self.making(wanted, certificate, &own[1..]);
            }
            None => {}
        }
    }

    /// With a new key what was asked for would come in vain.
    fn requested(&mut self, key: &Key) {
        let [own, request] = [self.spec.place.key(), self.spec.place.request()];
        let text = format!("waits for the certificate that {} asks for", request.name);
        let way_out = format!(
            "put it there with 'certs import' when it comes, or move {} and {} away to have key and certificate made anew",
            own.name, request.name
        );
        let mut finding = self.finding(Code::Requested, &text, &way_out);
        finding.file = own;
        self.findings.push(finding);
        self.key_access(key.access);
    }

    /// Whoever takes it along with the leaves must not trust another CA.
    fn copy(&mut self, of: &[Certificate], there: &[Certificate]) {
        if of != there {
            let text = "holds other certificates than the file of the CA that signs";
            self.tell(Code::OtherCa, text, "move it away");
        }
    }

    fn tell(&mut self, code: Code, text: &str, way_out: &str) {
        let finding = self.finding(code, text, way_out);
        self.findings.push(finding);
    }

    fn finding(&self, code: Code, text: &str, way_out: &str) -> Finding {
        let place = &self.spec.place;
        let file = match code {
            Code::KeyMismatch | Code::KeyMode | Code::KeyOwner | Code::MissingCertificate => {
                place.key()
            }
            _ => place.public(),
        };
        let way_out = if way_out.is_empty() && code.severity() != Severity::Note {
            reissue(self.spec, code.severity())
        } else {
            way_out.to_owned()
        };
        Finding {
            code,
            name: self.spec.name.clone(),
            file,
            text: place.told(text.to_owned()),
            way_out,
        }
    }
}

/// How what is there can be made anew; a CA and sa.key cannot.
///
/// No command line is put together: it would lack flags that this run was given, `--kubernetes-dir`
/// first of all, and be run over another tree.
pub(crate) fn reissue(spec: &Spec, severity: Severity) -> String {
    let leaf = spec
        .certificate()
        .is_some_and(|certificate| certificate.issuer.is_some());
    if spec.place.entry().is_some() {
        "put what is good in its place, or take that entry out".to_owned()
    } else if is_kubelets_own(spec) {
        KUBELETS_OWN.to_owned()
    } else if !leaf && matches!(spec.place, Place::Found { .. }) {
        "move it away if nothing uses it".to_owned()
    } else if !leaf {
        "certs never replaces a CA or sa.key: restore it from a backup, or move it away".to_owned()
    } else if severity == Severity::Error
        || by_name(&spec.name).is_none()
        || matches!(spec.place, Place::Request { .. })
    {
        "run the same command with --force to reissue it".to_owned()
    } else {
        // --force without names replaces errors alone.
        let (phase, name) = (spec.phase.name(), &spec.name);
        format!("'certs {phase} {name} --force', for the same directories and facts, reissues it")
    }
}

#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
pub(crate) use tree::tests::shown as tree_shown;
