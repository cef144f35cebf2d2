//! How a certificate will age, and how strong it is: what matters to who looks after a tree. A verb
//! that makes one passes over it, since what is there works today, and a new one is better anyway.

use time::OffsetDateTime;

use super::end::{End, end, presented};
use super::external::external;
use super::leaf::AFTER_ITS_CA;
use super::notice::{Notice, Within};
use super::tree::{longer, remake, renew, whole};
use super::trust::{brought, former, refresh};
use crate::bundle::{above, is_root};
use crate::finding::{Code, Finding};
use crate::key::KeyAlgorithm;
use crate::location::Root;
use crate::observed::Observed;
use crate::profile::by_name;
use crate::profile::found::is_kubelets;
use crate::profile::renewal::{is_short_lived, lasted};
use crate::spec::{Kind, Place, Spec};
use crate::x509::cert::Certificate;
use crate::x509::validity::{in_hours, moment};

/// That a CA ends soon, for who renews all else.
pub fn ending(
    spec: &Spec,
    observed: &Observed,
    notice: Notice,
    now: OffsetDateTime,
) -> Option<Finding> {
    let within = Within {
        ca: notice,
        leaf: notice,
    };
    let told = scrutiny(spec, observed, &[], within, now);
    let own = |told: &Finding| told.code == Code::ExpiresSoon && told.way_out != LEAVE_OUT;
    told.into_iter().find(|told| spec.is_ca() && own(told))
}

/// What is to be told of the certificate in one place.
pub(super) fn scrutiny(
    spec: &Spec,
    observed: &Observed,
    authorities: &[Certificate],
    within: Within,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let (Some((certificate, beside)), Some(end)) = (
        presented(spec, observed),
        end(spec, observed, authorities, now),
    ) else {
        return Vec::new();
    };
    let chain = if spec.is_ca() { &[] } else { beside };
    let mut scrutiny = Scrutiny {
        spec,
        observed,
        findings: Vec::new(),
    };
    let of_ca = authorities.first();
    let of_ca = of_ca.map(|ca| End::of_ca(ca, authorities, now).at);
    scrutiny.end(end, of_ca, within, now);
    if spec.is_ca() {
        let above = above(certificate, beside, now);
        let others = beside.iter().filter(|other| *other != certificate);
        scrutiny.trusted(others, &above, within, now);
        scrutiny.renewed_behind(certificate, beside, within, now);
    }
    scrutiny.strength(certificate);
    // That of a leaf is told where its signature is held against its CA.
    if spec.is_ca() || authorities.is_empty() {
        scrutiny.hash(certificate, "");
    }
    for intermediate in chain.iter().filter(|ca| ca.is_ca()) {
        scrutiny.hash(intermediate, "holds an intermediate that ");
    }
    scrutiny.findings
}

/// What is to be told of the CAs that a kubeconfig holds, which is to trust `anchors`: those are judged in their file.
pub(super) fn held(
    spec: &Spec,
    observed: &Observed,
    (ca, anchors): (Option<&str>, &[Certificate]),
    within: Within,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let held = match observed {
        Observed::Kubeconfig(found) => &found.authorities,
        Observed::Lead(lead) => match &lead.to {
            Ok(to) => &to.authorities,
            Err(_) => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let mut scrutiny = Scrutiny {
        spec,
        observed: &Observed::Absent,
        findings: Vec::new(),
    };
    let instead = |ca: &Certificate| anchors.iter().find(|anchor| ca.stands_for(anchor));
    let own = held.iter().filter(|ca| instead(ca).is_none());
    scrutiny.trusted(own, &[], within, now);
    // That it is over is told by who compares.
    if let Some((former, anchor)) = former(held, anchors, now) {
        let end = former.validity.not_after;
        if end >= now && end - now <= within.ca.of(former) {
            let text = format!(
                "holds \"{}\", which ends on {}",
                former.subject,
                moment(end)
            );
            let way_out = brought(former, (anchor, anchors), refresh(ca, observed), now);
            scrutiny.tell(Code::ExpiresSoon, text, way_out.to_owned());
        }
    }
    scrutiny.findings
}

/// That a leaf is short-lived.
pub(crate) fn too_short(leaf: &Certificate) -> String {
    let lasts = in_hours(lasted(leaf));
    format!("lasts {lasts}, so that a run a day may come after its end")
}

/// The way out where another CA signed it.
const ISSUE_FOR_KEY: &str = "have that CA issue it anew, for the same key";

/// How a CA is made to last longer: by who can issue it.
pub(crate) fn prolong(spec: &Spec, observed: &Observed, now: OffsetDateTime) -> String {
    let Some((certificate, bundle)) = presented(spec, observed) else {
        return external(spec);
    };
    let signs = matches!(observed, Observed::Certificate { key: Some(_), .. });
    let own = certificate.validity.not_after;
    if End::of_ca(certificate, bundle, now).at < own {
        bring_above(spec)
    } else if is_root(certificate) && signs {
        let name = &spec.name;
        format!("'certs renew {name}' renews it for the same key: what it signed stays good")
    } else if is_root(certificate) {
        external(spec)
    } else {
        anew(spec, signs)
    }
}

/// How a CA that has ended becomes good again, with what ended below it.
pub(crate) fn revive(spec: &Spec, ca: &Certificate, signs: bool) -> String {
    if !is_root(ca) {
        anew(spec, signs)
    } else if signs {
        format!(
            "'certs renew {}' renews it for the same key, and then 'certs renew' what ended with it",
            spec.name
        )
    } else {
        "have it renewed where its key is, for the same key, and put its new certificate here"
            .to_owned()
    }
}

/// The way out where another CA signed it: the request is made with the key.
pub(crate) fn anew(spec: &Spec, signs: bool) -> String {
    match by_name(&spec.name) {
        Some(row) if signs => format!(
            "{ISSUE_FOR_KEY}: 'certs csr {}' asks for it, and 'certs import' puts it here",
            row.name
        ),
        _ => ISSUE_FOR_KEY.to_owned(),
    }
}

/// The way out where a CA above it in its file ends, with all below.
pub(crate) fn bring_above(spec: &Spec) -> String {
    match by_name(&spec.name) {
        Some(row) => format!(
            "have that one renewed, and 'certs import', given the name {0}, bring it in with all below it, as {0}.crt: behind this CA's own certificate",
            row.name
        ),
        None => "have that one renewed, and put it there in its place".to_owned(),
    }
}

/// The way out where a kubelet keeps it.
pub(crate) const ROTATES: &str =
    "see that the kubelet rotates it (rotateCertificates, serverTLSBootstrap)";

/// The way out where a kubelet made it, which happens where neither file is there and never again.
pub(crate) const KUBELETS_OWN: &str = "move it and its key away and restart the kubelet, which makes both anew, or have \
     the cluster's CA sign it (serverTLSBootstrap, or 'certs server kubelet-serving --force')";

/// Whether it is a kubelet's, and no CA that is here signed it.
pub(crate) fn is_kubelets_own(spec: &Spec) -> bool {
    let unsigned = spec
        .certificate()
        .is_some_and(|wanted| wanted.kind != Kind::Ca && wanted.issuer.is_none());
    unsigned && spec.place.public().root == Root::Kubelet
}

/// The way out where a bundle holds what should not be trusted.
const LEAVE_OUT: &str = "take it out once nothing that it signed is in use";

/// The bits of an RSA key that has too few.
fn weak_key(certificate: &Certificate) -> Option<u32> {
    match certificate.public_key.algorithm()? {
        KeyAlgorithm::Rsa(bits) if bits < 2048 => Some(bits),
        _ => None,
    }
}

struct Scrutiny<'a> {
    spec: &'a Spec,
    observed: &'a Observed,
    findings: Vec<Finding>,
}

impl Scrutiny<'_> {
    /// A further certificate of its own name, key and issuer that is not due where the one that signs is:
    /// as when a renewed CA is put behind the former one. The first signs, here and for kubeadm.
    fn renewed_behind(
        &mut self,
        ca: &Certificate,
        file: &[Certificate],
        within: Within,
        now: OffsetDateTime,
    ) {
        let is_due = |ca| End::of_ca(ca, file, now).is_due(within.ca, now);
        let renewed = file.iter().find(|other| {
            other.is_same_ca(ca)
                && other.issuer == ca.issuer
                && !other.validity.is_to_begin(now)
                && !is_due(other)
        });
        if let Some(renewed) = renewed.filter(|_| is_due(ca)) {
            let text = format!(
                "holds a further certificate of its key, until {}, behind the one that signs",
                moment(renewed.validity.not_after)
            );
            self.tell(Code::CaOrder, text, "put that certificate first".to_owned());
        }
    }

    /// `of_ca` is the end of the CA that would sign it anew. Of a CA what stands above it in its file
    /// is told by itself.
    fn end(
        &mut self,
        end: End<'_>,
        of_ca: Option<OffsetDateTime>,
        within: Within,
        now: OffsetDateTime,
    ) {
        let not_after = end.certificate.validity.not_after;
        let (notice, end) = if self.spec.is_ca() {
            let at = not_after;
            (within.ca, End { at, ..end })
        } else {
            (within.leaf, end)
        };
        let with_ca = if end.at < not_after {
            " with its CA"
        } else {
            ""
        };
        // That it is over is told of it, or of its CA.
        if end.at >= now && end.is_due(notice, now) {
            let text = format!("ends{with_ca} on {}", moment(end.at));
            let way_out = if of_ca.is_some_and(|ca| ca <= end.at) {
                AFTER_ITS_CA.to_owned()
            } else {
                self.renewal(now)
            };
            self.tell(Code::ExpiresSoon, text, way_out);
        } else if end.at < not_after && not_after >= now {
            let text = format!(
                "says that it ends on {}, and its CA ends on {}",
                moment(not_after),
                moment(end.at)
            );
            self.tell(Code::OutlivesCa, text, "replace its CA in time".to_owned());
        } else if !self.spec.is_ca() && not_after >= now && is_short_lived(end.certificate) {
            let way_out = if of_ca.is_some_and(|ca| ca <= end.at) {
                AFTER_ITS_CA.to_owned()
            } else {
                self.renewal(now)
            };
            // A kubelet that keeps it renews it itself, at any hour.
            if [ROTATES, KUBELETS_OWN].contains(&way_out.as_str()) {
                return;
            }
            let way_out = longer(way_out, self.spec);
            self.tell(Code::ShortLived, too_short(end.certificate), way_out);
        }
    }

    /// What a bundle holds beside the CA that signs, and whose leaves are trusted as much. A verifier
    /// passes over one whose time is over, so what it signed ends with it.
    fn trusted<'a>(
        &mut self,
        others: impl Iterator<Item = &'a Certificate>,
        above: &[&Certificate],
        within: Within,
        now: OffsetDateTime,
    ) {
        for other in others {
            let who = format!("holds \"{}\", which ", other.subject);
            if let Some(bits) = weak_key(other) {
                let text = format!("{who}has an RSA key of {bits} bits");
                self.tell(Code::WeakKey, text, LEAVE_OUT.to_owned());
            }
            self.hash(other, &who);
            let end = other.validity.not_after;
            let above = above.contains(&other);
            // That one above the CA has ended is told where the CA is judged.
            if end - now <= within.ca.of(other) && !(above && end < now) {
                let verb = if end < now { "ended" } else { "ends" };
                let text = format!("{who}{verb} on {}", moment(end));
                let way_out = if above {
                    bring_above(self.spec)
                } else {
                    LEAVE_OUT.to_owned()
                };
                self.tell(Code::ExpiresSoon, text, way_out);
            }
        }
    }

    fn renewal(&self, now: OffsetDateTime) -> String {
        // What certs put there by its row's name the kubelet is told to serve with (tlsCertFile), and rotates no more.
        let kubelets = self.spec.place.public().root == Root::Kubelet
            && matches!(self.spec.place, Place::File { .. });
        match self.observed {
            _ if self.spec.is_ca() => prolong(self.spec, self.observed, now),
            Observed::Kubeconfig(found) if found.referred && is_kubelets(self.spec) => {
                ROTATES.to_owned()
            }
            Observed::Kubeconfig(found) if found.is_halved() => whole(self.spec),
            _ if is_kubelets_own(self.spec) => KUBELETS_OWN.to_owned(),
            _ if kubelets => ROTATES.to_owned(),
            _ => renew(self.spec),
        }
    }

    fn strength(&mut self, certificate: &Certificate) {
        // Of a CA that is an error, which is told already.
        if let (Some(bits), false) = (weak_key(certificate), self.spec.is_ca()) {
            let text = format!("has an RSA key of {bits} bits");
            self.tell(Code::WeakKey, text, remake(self.spec));
        }
        let too_large = certificate.public_key.algorithm();
        if let (Some(bits), false) = (
            too_large.and_then(KeyAlgorithm::too_large),
            self.spec.is_ca(),
        ) {
            let text = format!(
                "has an RSA key of {bits} bits, and no component takes one of over 8192 in a handshake"
            );
            self.tell(Code::LargeKey, text, remake(self.spec));
        }
        let loose = certificate
            .basic_constraints
            .is_some_and(|constraints| constraints.ca && !constraints.critical);
        if self.spec.is_ca() && loose {
            let text = "has basic constraints that are not critical".to_owned();
            self.tell(Code::BasicConstraints, text, String::new());
        }
        if is_kubelets_own(self.spec) {
            let text = "was made by the kubelet itself".to_owned();
            self.tell(Code::KubeletSelfSigned, text, String::new());
        }
    }

    /// Nobody looks at the signature of a root.
    fn hash(&mut self, certificate: &Certificate, who: &str) {
        if certificate.subject != certificate.issuer
            && let Some(algorithm) = certificate.weak_signature()
        {
            let text = format!("{who}is signed with {algorithm}");
            self.tell(Code::WeakHash, text, remake(self.spec));
        }
    }

    fn tell(&mut self, code: Code, text: String, way_out: String) {
        self.findings.push(self.spec.finding(code, text, way_out));
    }
}

#[cfg(test)]
mod tests;
