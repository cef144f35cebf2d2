//! How a certificate will age, and how strong it is: what matters to who looks after a tree. A verb
//! that makes one passes over it, since what is there works today, and a new one is better anyway.

use time::OffsetDateTime;

use super::notice::{Notice, Within};
use super::tree::{external, remake};
use crate::bundle::verifies;
use crate::finding::{Code, Finding};
use crate::key::KeyAlgorithm;
use crate::location::Root;
use crate::observed::{Observed, signing};
use crate::spec::{Kind, Spec};
use crate::x509::cert::Certificate;
use crate::x509::validity::moment;

/// More CAs than these lie between no leaf and its CA.
const LONGEST: usize = 16;

/// The last second in which a certificate is good, which is that of a CA above it where that comes
/// first. Of several ways to a CA the one that lasts longest counts.
pub fn effective_end(
    leaf: &Certificate,
    chain: &[Certificate],
    authorities: &[Certificate],
) -> OffsetDateTime {
    let end = |child: &Certificate, reached: &[(&Certificate, OffsetDateTime)]| {
        let above = reached.iter().filter(|(ca, _)| verifies(child, ca));
        let above = above.map(|(_, end)| *end).max()?;
        Some(above.min(child.validity.not_after))
    };
    let mut reached: Vec<_> = authorities
        .iter()
        .map(|ca| (ca, ca.validity.not_after))
        .collect();
    let mut left: Vec<&Certificate> = chain.iter().filter(|ca| ca.is_ca()).take(LONGEST).collect();
    loop {
        let ends = left.iter().enumerate();
        let ends = ends.filter_map(|(index, ca)| Some((index, end(ca, &reached)?)));
        let Some((index, latest)) = ends.max_by_key(|(_, end)| *end) else {
            break;
        };
        reached.push((left.remove(index), latest));
    }
    end(leaf, &reached).unwrap_or(leaf.validity.not_after)
}

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
    if let Observed::Lead(lead) = observed {
        let to = lead.to.as_ref().ok();
        return trusts(
            spec,
            to.map_or(&[], |to| &to.authorities),
            authorities,
            within,
            now,
        );
    }
    let (certificate, chain, referred) = match observed {
        Observed::Certificate { chain, key, .. } if spec.is_ca() => {
            (signing(chain, key.as_ref()), &[][..], false)
        }
        Observed::Certificate { chain, .. } => {
            (chain.first(), chain.get(1..).unwrap_or_default(), false)
        }
        Observed::Kubeconfig(found) => (
            found.chain.first(),
            found.chain.get(1..).unwrap_or_default(),
            found.referred,
        ),
        Observed::Returned(returned) if spec.is_ca() => (returned.chain.first(), &[][..], false),
        Observed::Returned(returned) => (
            returned.chain.first(),
            returned.chain.get(1..).unwrap_or_default(),
            false,
        ),
        _ => return Vec::new(),
    };
    let Some(certificate) = certificate else {
        return Vec::new();
    };
    let mut scrutiny = Scrutiny {
        spec,
        referred,
        signs: matches!(observed, Observed::Certificate { key: Some(_), .. }),
        findings: Vec::new(),
    };
    scrutiny.end(
        certificate,
        effective_end(certificate, chain, authorities),
        within,
        now,
    );
    let bundle = match observed {
        Observed::Certificate { chain, .. } if spec.is_ca() => Some(chain),
        Observed::Returned(returned) if spec.is_ca() => Some(&returned.chain),
        _ => None,
    };
    if let Some(bundle) = bundle {
        let others = bundle.iter().filter(|other| *other != certificate);
        scrutiny.trusted(others, within, now);
    }
    scrutiny.strength(certificate);
    // That of a leaf is told where its signature is held against its CA.
    if spec.is_ca() || authorities.is_empty() {
        scrutiny.hash(certificate, "");
    }
    for intermediate in chain.iter().filter(|ca| ca.is_ca()) {
        scrutiny.hash(intermediate, "holds an intermediate that ");
    }
    if let Observed::Kubeconfig(found) = observed {
        let trusted = trusts(spec, &found.authorities, authorities, within, now);
        scrutiny.findings.extend(trusted);
    }
    scrutiny.findings
}

/// What is to be told of the CAs that a kubeconfig holds. Those that the CA's file holds too are judged
/// there.
fn trusts(
    spec: &Spec,
    held: &[Certificate],
    authorities: &[Certificate],
    within: Within,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let mut scrutiny = Scrutiny {
        spec,
        referred: false,
        signs: false,
        findings: Vec::new(),
    };
    let own = held.iter().filter(|ca| !authorities.contains(ca));
    scrutiny.trusted(own, within, now);
    scrutiny.findings
}

/// The way out where another CA signed it.
pub(crate) const ISSUE_FOR_KEY: &str = "have that CA issue it anew, for the same key";

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
    /// Whether the certificate lies in a file of its own, which its kubelet keeps.
    referred: bool,
    /// Whether its key is here.
    signs: bool,
    findings: Vec<Finding>,
}

impl Scrutiny<'_> {
    fn end(
        &mut self,
        certificate: &Certificate,
        end: OffsetDateTime,
        within: Within,
        now: OffsetDateTime,
    ) {
        let not_after = certificate.validity.not_after;
        let with_ca = if end < not_after { " with its CA" } else { "" };
        let notice = if self.spec.is_ca() {
            within.ca
        } else {
            within.leaf
        };
        // That it is over is told of it, or of its CA.
        if end >= now && end - now <= notice.of(certificate) {
            let text = format!("ends{with_ca} on {}", moment(end));
            let way_out = self.renewal(certificate, with_ca);
            self.tell(Code::ExpiresSoon, text, way_out);
        } else if end < not_after && not_after >= now {
            let text = format!(
                "says that it ends on {}, and its CA ends on {}",
                moment(not_after),
                moment(end)
            );
            self.tell(Code::OutlivesCa, text, "replace its CA in time".to_owned());
        }
    }

    /// What a bundle holds beside the CA that signs, and whose leaves are trusted as much. A verifier
    /// passes over one whose time is over, so what it signed ends with it.
    fn trusted<'a>(
        &mut self,
        others: impl Iterator<Item = &'a Certificate>,
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
            if end - now <= within.ca.of(other) {
                let verb = if end < now { "ended" } else { "ends" };
                let text = format!("{who}{verb} on {}", moment(end));
                self.tell(Code::ExpiresSoon, text, LEAVE_OUT.to_owned());
            }
        }
    }

    fn renewal(&self, certificate: &Certificate, with_ca: &str) -> String {
        if self.spec.is_ca() {
            if certificate.subject != certificate.issuer {
                ISSUE_FOR_KEY.to_owned()
            } else if self.signs {
                format!(
                    "'certs renew {}' renews it for the same key: what it signed stays good",
                    self.spec.name
                )
            } else {
                external(self.spec)
            }
        } else if !with_ca.is_empty() {
            "replace its CA, and then it".to_owned()
        } else if self.referred || self.spec.place.public().root == Root::Kubelet {
            "see that the kubelet rotates it (rotateCertificates, serverTLSBootstrap)".to_owned()
        } else {
            remake(self.spec)
        }
    }

    fn strength(&mut self, certificate: &Certificate) {
        // Of a CA that is an error, which is told already.
        if let (Some(bits), false) = (weak_key(certificate), self.spec.is_ca()) {
            let text = format!("has an RSA key of {bits} bits");
            self.tell(Code::WeakKey, text, remake(self.spec));
        }
        let loose = certificate
            .basic_constraints
            .is_some_and(|constraints| constraints.ca && !constraints.critical);
        if self.spec.is_ca() && loose {
            let text = "has basic constraints that are not critical".to_owned();
            self.tell(Code::BasicConstraints, text, String::new());
        }
        let own = self
            .spec
            .certificate()
            .is_some_and(|wanted| wanted.kind != Kind::Ca && wanted.issuer.is_none());
        if own && self.spec.place.public().root == Root::Kubelet {
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
        self.findings.push(Finding {
            code,
            name: self.spec.name.clone(),
            file: self.spec.place.public(),
            text,
            way_out,
        });
    }
}

#[cfg(test)]
mod tests;
