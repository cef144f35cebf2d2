//! What is judged of a leaf, field by field.

use std::collections::HashSet;

use time::Duration;

use super::Judge;
use super::chain::{PERMIT, forbidden, forbids, signed_by};
use super::end::is_over;
use super::reissue;
use crate::bundle::{above, lacks};
use crate::finding::{Code, Severity};
use crate::key::KeyAlgorithm;
use crate::location::Root;
use crate::profile::by_name;
use crate::spec::{BACKDATE, CertificateSpec, Kind, Place, Spec};
use crate::x509::cert::Certificate;
use crate::x509::name::Name;
use crate::x509::san::San;
use crate::x509::usage::KeyUsage;
use crate::x509::validity::in_hours;

/// Tools round validities, and kubeadm's kubeconfigs start with their CA: less is no finding.
const VALIDITY_TOLERANCE: Duration = Duration::hours(1);

/// How many findings of one code are told of one file, each in its own words, or names in one.
pub(super) const MOST: usize = 20;

/// How a leaf's file gets what lacks behind it.
fn complete(spec: &Spec) -> String {
    match by_name(&spec.name) {
        // Beside a request the verb of its phase writes nothing.
        _ if matches!(spec.place, Place::Request { .. }) => reissue(spec, Severity::Error),
        Some(row) if row.in_all => format!(
            "'certs {} --force'{COMPLETES}, and keeps key and certificate",
            spec.phase.name()
        ),
        _ => "'certs renew' completes it".to_owned(),
    }
}

/// What is said of the verb that does it.
pub(super) const COMPLETES: &str = ", for the same directories and facts, completes it";

const IS_CA: &str = "is a CA, which it must not be";

/// The way out of a kubeconfig of one's own with the certificate of a CA.
pub(super) const CLIENTS: &str = "give it a client's certificate, and the key of that";

/// Made anew under the same name it would be refused.
pub(crate) const RENAME: &str = "choose another node name or common name";

/// The way out of what a CA is wrong in that stands behind a leaf, and in the file of its CA.
pub(crate) const IN_ITS_CA: &str = "see to its CA first, whose file has it too";

/// The way out where it could not last longer than it does.
pub(crate) const AFTER_ITS_CA: &str = "see to its CA first, and then to it";

impl Judge<'_> {
    pub(super) fn leaf(
        &mut self,
        wanted: &CertificateSpec,
        leaf: &Certificate,
        chain: &[Certificate],
    ) {
        if self.is_its_ca(leaf) {
            let own = by_name(&self.spec.name).is_none() && self.spec.place.entry().is_none();
            let way_out = if own { CLIENTS } else { "" };
            self.tell(Code::LeafIsCa, IS_CA, way_out);
            return;
        }
        let told = self.findings.len();
        self.dates(leaf, "");
        if is_over(self.authorities, self.now) {
            let over = self.findings[told..].iter_mut();
            for finding in over.filter(|finding| finding.code == Code::Expired) {
                AFTER_ITS_CA.clone_into(&mut finding.way_out);
            }
        }
        for ca in chain.iter().filter(|intermediate| intermediate.is_ca()) {
            let told = self.findings.len();
            self.dates(ca, "holds an intermediate that ");
            // Anew it would have that one behind it again.
            if self.authorities.contains(ca) {
                for finding in &mut self.findings[told..] {
                    IN_ITS_CA.clone_into(&mut finding.way_out);
                }
            }
        }
        self.critical(leaf);
        self.signature(leaf, chain);
        self.authority_serial(leaf, chain);
        self.subject(wanted, leaf);
        self.sans(wanted, leaf);
        self.constraints(wanted, leaf, chain);
        self.usages(wanted, leaf);
        if leaf.is_ca() {
            self.tell(Code::LeafIsCa, IS_CA, "");
        }
        if leaf.subject_key_identifier.is_none() {
            self.tell(Code::NoKeyIdentifier, "has no subject key identifier", "");
        }
        self.serial(leaf);
    }

    /// How a file was made: nothing that a component of the cluster looks at, which has its CA's file.
    pub(super) fn making(
        &mut self,
        wanted: &CertificateSpec,
        leaf: &Certificate,
        chain: &[Certificate],
    ) {
        if self.is_its_ca(leaf) {
            return;
        }
        // What the kubelet rotated is as the controller manager signed it.
        let rotated = matches!(
            &self.spec.place,
            Place::File {
                root: Root::Kubelet,
                ..
            }
        );
        if !rotated && lacks(leaf, chain, self.authorities, self.now) {
            let text = "lacks a CA between its certificate and the root";
            self.tell(Code::IntermediateMissing, text, &complete(self.spec));
        }
        match leaf.public_key.algorithm() {
            Some(found) if found == wanted.key_algorithm => {}
            _ => self.tell(
                Code::KeyAlgorithm,
                &format!(
                    "has a key of {}, not {}",
                    leaf.public_key.kind(),
                    wanted.key_algorithm
                ),
                "",
            ),
        }
        self.validity(wanted, leaf);
    }

    /// Whether it is the certificate of its CA: that it has the names and the usages of that is one fault.
    fn is_its_ca(&self, leaf: &Certificate) -> bool {
        leaf.is_ca() && self.authorities.contains(leaf)
    }

    fn subject(&mut self, wanted: &CertificateSpec, leaf: &Certificate) {
        let issuer = self.authorities.iter().any(|ca| ca.subject == leaf.issuer);
        if issuer && leaf.subject.same_values(&leaf.issuer) {
            self.tell(
                Code::SelfNamed,
                &format!("has the subject of its CA, \"{}\"", leaf.issuer),
                RENAME,
            );
        }
        // Whatever else is told of its subject: who shows it may do everything.
        if is_master(&leaf.subject) {
            self.tell(Code::SystemMasters, "is a member of system:masters", "");
        }
        let is = |name: &Name| leaf.subject.same_values(name);
        let right = is(&wanted.subject);
        if !right && wanted.former_subjects.iter().any(is) {
            self.tell(
                Code::FormerSubject,
                &format!("has the former subject \"{}\"", leaf.subject),
                "",
            );
        } else if !right {
            self.tell(
                Code::WrongSubject,
                &format!(
                    "has the subject \"{}\", not \"{}\"",
                    leaf.subject, wanted.subject
                ),
                "",
            );
        }
        if leaf
            .subject
            .common_name()
            .is_some_and(|name| name.chars().count() > 64)
        {
            self.tell(
                Code::LongName,
                "has a common name of over 64 characters",
                "",
            );
        }
    }

    fn sans(&mut self, wanted: &CertificateSpec, leaf: &Certificate) {
        let there: HashSet<San> = leaf.sans.iter().map(folded).collect();
        let lacking = wanted
            .sans
            .iter()
            .filter(|san| !there.contains(&folded(san)));
        self.each(Code::SanMissing, lacking.map(lacks_san), "");
        let known: HashSet<San> = wanted.sans.iter().map(folded).collect();
        let further = leaf.sans.iter().filter(|san| !known.contains(&folded(san)));
        let extra = further.map(|san| format!("has the SAN {san}, which is not wanted"));
        self.each(Code::SanExtra, extra, "");
    }

    /// A finding for each text, as far as anybody would read them: a certificate has room for a hundred
    /// thousand SANs.
    fn each(&mut self, code: Code, mut texts: impl Iterator<Item = String>, way_out: &str) {
        for text in texts.by_ref().take(MOST) {
            self.tell(code, &text, way_out);
        }
        let further = texts.count();
        if further > 0 {
            let text = format!("and {further} more of this kind (there are too many to tell)");
            self.tell(code, &text, way_out);
        }
    }

    /// Of several ways to a CA one that permits all names is enough.
    fn constraints(&mut self, wanted: &CertificateSpec, leaf: &Certificate, chain: &[Certificate]) {
        let limits = |ca: &Certificate| ca.name_constraints.is_some();
        if !self.authorities.iter().chain(chain).any(limits) {
            return;
        }
        let (authorities, now) = (self.authorities, self.now);
        let way = |ca| {
            let mut way = above(ca, authorities, now);
            way.push(ca);
            way.extend(chain.iter().filter(|ca| ca.is_ca()));
            way
        };
        let signs = |ca: &&Certificate| signed_by(leaf, chain, std::slice::from_ref(*ca));
        let ways: Vec<_> = authorities.iter().filter(signs).map(way).collect();
        let least = ways
            .iter()
            .min_by_key(|way| forbidden(&leaf.sans, way).len());
        let Some(way) = least else { return };
        let known: HashSet<San> = wanted.sans.iter().map(folded).collect();
        let (wanted, others): (Vec<_>, Vec<_>) = forbidden(&leaf.sans, way)
            .into_iter()
            .partition(|(san, _)| known.contains(&folded(san)));
        for (names, way_out) in [(wanted, PERMIT), (others, "")] {
            let texts = names
                .iter()
                .map(|(san, ca)| format!("has {}", forbids(san, ca)));
            self.each(Code::NameForbidden, texts, way_out);
        }
        let unread = leaf.sans.iter().filter_map(|san| {
            let unread = |ca: &&&Certificate| {
                let constraints = ca.name_constraints.as_ref();
                constraints.is_some_and(|constraints| constraints.unread(san))
            };
            let ca = &way.iter().find(unread)?.subject;
            Some(format!(
                "has the SAN {san}, which is not held against the name constraints of \"{ca}\""
            ))
        });
        self.each(Code::NameConstraints, unread, "see that they permit it");
    }

    fn usages(&mut self, wanted: &CertificateSpec, leaf: &Certificate) {
        let algorithm = leaf
            .public_key
            .algorithm()
            .unwrap_or(KeyAlgorithm::EcdsaP256);
        if let Some(usage) = leaf.key_usage {
            let mut lacking = wanted.key_usage(algorithm).without(usage);
            // A client signs, and nobody encrypts to its key, whatever it is (RFC 5246 section 7.4.6, RFC 8446
            // section 4.4.3), nor to a server's by a cipher suite with forward secrecy, and TLS 1.3 has no other. Ours
            // have what kubeadm's have; what a client, and what is in no row, is held against is what it needs.
            if wanted.kind == Kind::Client || by_name(&self.spec.name).is_none() {
                lacking = lacking.without(KeyUsage::KEY_ENCIPHERMENT);
            }
            for name in lacking.names() {
                self.tell(
                    Code::UsageMissing,
                    &format!("lacks the key usage {name}"),
                    "",
                );
            }
            if usage.contains(KeyUsage::KEY_ENCIPHERMENT)
                && !matches!(algorithm, KeyAlgorithm::Rsa(_))
            {
                self.tell(
                    Code::KeyEncipherment,
                    "has keyEncipherment on an EC key",
                    "",
                );
            }
        }
        // Only these: what the others allow, nothing in Kubernetes asks for.
        let signing = KeyUsage::KEY_CERT_SIGN.union(KeyUsage::CRL_SIGN);
        let usage = leaf.key_usage.unwrap_or_default();
        for name in usage.without(usage.without(signing)).names() {
            self.extra_usage(&format!("key usage {name}"));
        }
        for usage in &leaf.extended_key_usage {
            if !wanted.extended_key_usage().contains(usage) {
                self.extra_usage(&format!("extended key usage {usage}"));
            }
        }
        // Without the extension any usage is allowed (RFC 5280 section 4.2.1.12).
        if !leaf.extended_key_usage.is_empty() {
            for usage in wanted.extended_key_usage() {
                if !leaf.extended_key_usage.contains(usage) {
                    self.tell(
                        Code::UsageMissing,
                        &format!("lacks the extended key usage {usage}"),
                        "",
                    );
                }
            }
        }
    }

    fn extra_usage(&mut self, usage: &str) {
        let text = format!("has the {usage}, which is not wanted");
        self.tell(Code::UsageExtra, &text, "");
    }

    fn validity(&mut self, wanted: &CertificateSpec, leaf: &Certificate) {
        let found = leaf.validity.not_after - leaf.validity.not_before - BACKDATE;
        let off = (found - wanted.validity).abs() > VALIDITY_TOLERANCE;
        let kubeconfig = matches!(self.spec.place, Place::Kubeconfig { .. });
        // Ours end when their CA ends; kubeadm's kubeconfigs begin when it began, and what they
        // were issued for can no longer be told.
        let bound = self.authorities.iter().any(|ca| {
            if found < wanted.validity {
                ca.validity.not_after == leaf.validity.not_after
            } else {
                kubeconfig && ca.validity.not_before == leaf.validity.not_before
            }
        });
        if off && !bound {
            self.tell(
                Code::Validity,
                &format!(
                    "was issued for {}, not {}",
                    in_hours(found),
                    in_hours(wanted.validity)
                ),
                "",
            );
        }
    }
}

/// Whether it is in the group that no authorization holds back.
pub(super) fn is_master(subject: &Name) -> bool {
    let groups = subject.organizations();
    groups.iter().any(|group| group == "system:masters")
}

/// That it is not good for a name.
pub(super) fn lacks_san(san: &San) -> String {
    format!("lacks the SAN {san}")
}

/// DNS names are compared whatever their case (RFC 5280 section 7.2).
pub(super) fn folded(san: &San) -> San {
    match san {
        San::Dns(name) => San::Dns(name.to_ascii_lowercase()),
        other => other.clone(),
    }
}
