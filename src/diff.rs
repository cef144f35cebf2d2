//! Spec against observed: the findings. Pure; the time is an argument.

use time::{Duration, OffsetDateTime};

use crate::finding::{Code, Finding};
use crate::key::KeyAlgorithm;
use crate::observed::{Key, KeyState, Kubeconfig, Observed};
use crate::spec::{BACKDATE, CertificateSpec, Kind, Place, Spec};
use crate::x509::cert::Certificate;
use crate::x509::usage::KeyUsage;

/// Bits of a key's or kubeconfig's mode that let others read or change it. A group may read:
/// etcd and kube-apiserver often run as users of their own.
const KEY_MODE: u32 = 0o037;
/// Bits beyond the mode of a certificate.
const CERTIFICATE_MODE: u32 = 0o133;
/// Tools round validities, and kubeadm's kubeconfigs start with their CA: less is no finding.
const VALIDITY_TOLERANCE: Duration = Duration::hours(1);

/// How `observed` differs from `spec`. `authorities` are the certificates of the CA's file, the
/// signing one first; a CA and a key pair have none.
pub fn diff(
    spec: &Spec,
    observed: &Observed,
    authorities: &[Certificate],
    now: OffsetDateTime,
) -> Vec<Finding> {
    let mut judge = Judge {
        spec,
        authorities,
        now,
        findings: Vec::new(),
    };
    judge.observed(observed);
    judge.findings
}

/// Whether `leaf` leads to one of `authorities`, through `chain` where it must.
pub fn signed_by(leaf: &Certificate, chain: &[Certificate], authorities: &[Certificate]) -> bool {
    let verifies = |child: &Certificate, issuer: &Certificate| {
        child.issuer == issuer.subject && child.verify_signature(&issuer.public_key).is_ok()
    };
    let mut current = leaf;
    // Each intermediate serves once, so that a circle of them ends.
    let mut intermediates: Vec<&Certificate> = chain.iter().filter(|ca| ca.is_ca()).collect();
    loop {
        if authorities.iter().any(|ca| verifies(current, ca)) {
            return true;
        }
        let Some(next) = intermediates.iter().position(|ca| verifies(current, ca)) else {
            return false;
        };
        current = intermediates.swap_remove(next);
    }
}

struct Judge<'a> {
    spec: &'a Spec,
    authorities: &'a [Certificate],
    now: OffsetDateTime,
    findings: Vec<Finding>,
}

impl Judge<'_> {
    fn observed(&mut self, observed: &Observed) {
        match observed {
            Observed::Absent => {}
            Observed::Certificate { chain, mode, key } => self.pair(chain, *mode, key.as_ref()),
            Observed::KeyOnly(_) => self.tell(
                Code::MissingCertificate,
                &format!("stands without {}", self.spec.place.public().name),
                if self.spec.is_ca() { KEPT } else { "" },
            ),
            Observed::KeyPair { key, public } => self.key_pair(key, public.as_deref()),
            Observed::Kubeconfig(kubeconfig) => self.kubeconfig(kubeconfig),
            Observed::PublicOnly => self.tell(
                Code::MissingKey,
                &format!("stands without {}", self.spec.place.key().name),
                KEPT,
            ),
            Observed::Unreadable(reasons) => {
                for unreadable in reasons {
                    let mut finding = self.finding(Code::Unreadable, &unreadable.why, "");
                    finding.file = unreadable.file.clone();
                    self.findings.push(finding);
                }
            }
        }
    }

    fn pair(&mut self, chain: &[Certificate], mode: u32, key: Option<&Key>) {
        let Some(certificate) = chain.first() else {
            return;
        };
        if mode & CERTIFICATE_MODE != 0 {
            self.tell(
                Code::CertificateMode,
                &format!("has the mode {mode:04o}"),
                "chmod it to 0644",
            );
        }
        match key {
            Some(key) => self.key(key, certificate),
            // A CA without its key is an external one: the plan decides what that means.
            None if self.spec.is_ca() => {}
            None => self.tell(
                Code::MissingKey,
                &format!("stands without {}", self.spec.place.key().name),
                "",
            ),
        }
        match self.spec.certificate() {
            Some(wanted) if wanted.kind == Kind::Ca => self.ca(certificate),
            Some(wanted) => self.leaf(wanted, certificate, &chain[1..]),
            None => {}
        }
    }

    fn key(&mut self, key: &Key, certificate: &Certificate) {
        self.key_mode(key.mode);
        if let KeyState::Open(private) = &key.state
            && private.public_key() != &certificate.public_key
        {
            self.tell(
                Code::KeyMismatch,
                "is not the key of the certificate beside it",
                if self.spec.is_ca() { KEPT } else { "" },
            );
        }
    }

    fn key_mode(&mut self, mode: u32) {
        if mode & KEY_MODE != 0 {
            self.tell(
                Code::KeyMode,
                &format!("has the mode {mode:04o}"),
                "chmod it to 0600, and replace the key if others may have read it",
            );
        }
    }

    fn key_pair(&mut self, key: &Key, public: Option<&[crate::key::PublicKey]>) {
        self.key_mode(key.mode);
        if let (KeyState::Open(private), Some(public)) = (&key.state, public)
            && !public.contains(private.public_key())
        {
            self.tell(
                Code::KeyMismatch,
                "does not hold the public key of the private one",
                KEPT,
            );
        }
    }

    /// Of a CA only what its leaves depend on is judged, never its subject.
    fn ca(&mut self, ca: &Certificate) {
        self.dates(ca);
        let may_sign = ca
            .key_usage
            .is_none_or(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN));
        if !ca.is_ca() {
            self.tell(
                Code::NotACa,
                "is not a CA: its basic constraints do not say CA:TRUE",
                KEPT,
            );
        } else if !may_sign {
            self.tell(
                Code::NotACa,
                "may not sign: its key usage lacks keyCertSign",
                KEPT,
            );
        }
        if !ca
            .public_key
            .algorithm()
            .is_some_and(KeyAlgorithm::may_sign_certificates)
        {
            self.tell(
                Code::KeyUnsupported,
                "has a key that is neither RSA of 2048 to 8192 bits nor P-256, P-384 or P-521",
                KEPT,
            );
        }
        let odd_usage = ca.key_usage.is_some_and(|usage| {
            usage.contains(KeyUsage::KEY_ENCIPHERMENT) || !usage.contains(KeyUsage::CRL_SIGN)
        });
        if odd_usage || !ca.sans.is_empty() {
            self.tell(
                Code::CaUsage,
                "has another key usage than a CA needs, or a SAN",
                "",
            );
        }
        if ca.subject_key_identifier.is_none() {
            self.tell(Code::NoKeyIdentifier, "has no subject key identifier", "");
        }
        self.serial(ca);
    }

    fn leaf(&mut self, wanted: &CertificateSpec, leaf: &Certificate, chain: &[Certificate]) {
        self.dates(leaf);
        self.signature(leaf, chain);
        self.subject(wanted, leaf);
        self.sans(wanted, leaf);
        self.usages(wanted, leaf);
        if leaf.is_ca() {
            self.tell(Code::LeafIsCa, "is a CA, which it must not be", "");
        }
        match leaf.public_key.algorithm() {
            Some(found) if found == wanted.key_algorithm => {}
            found => self.tell(
                Code::KeyAlgorithm,
                &format!(
                    "has a key of {}, not {}",
                    found.map_or("another kind".to_owned(), |found| found.to_string()),
                    wanted.key_algorithm
                ),
                "",
            ),
        }
        self.validity(wanted, leaf);
        if leaf.subject_key_identifier.is_none() {
            self.tell(Code::NoKeyIdentifier, "has no subject key identifier", "");
        }
        self.serial(leaf);
    }

    fn dates(&mut self, certificate: &Certificate) {
        let validity = &certificate.validity;
        if self.now > validity.not_after {
            self.tell(
                Code::Expired,
                &format!("ended on {}", validity.not_after.date()),
                if self.spec.is_ca() { KEPT } else { "" },
            );
        } else if self.now < validity.not_before {
            self.tell(
                Code::NotYetValid,
                &format!(
                    "begins on {}, and the clock says {}",
                    validity.not_before.date(),
                    self.now.date()
                ),
                "set the clock right",
            );
        }
    }

    fn signature(&mut self, leaf: &Certificate, chain: &[Certificate]) {
        if self.authorities.is_empty() || signed_by(leaf, chain, self.authorities) {
            return;
        }
        let identified = self.authorities.iter().any(|ca| {
            ca.subject == leaf.issuer
                && leaf.authority_key_identifier.is_some()
                && leaf.authority_key_identifier == ca.subject_key_identifier
        });
        if identified {
            self.tell(
                Code::BadSignature,
                "carries a signature that its CA's key does not verify",
                "",
            );
        } else {
            self.tell(
                Code::NotSigned,
                &format!(
                    "was not signed by this CA: its issuer is \"{}\", the CA is \"{}\"",
                    leaf.issuer, self.authorities[0].subject
                ),
                "",
            );
        }
    }

    fn subject(&mut self, wanted: &CertificateSpec, leaf: &Certificate) {
        if leaf.subject.same_values(&wanted.subject) {
            if leaf
                .subject
                .organizations()
                .iter()
                .any(|group| group == "system:masters")
            {
                self.tell(Code::SystemMasters, "is a member of system:masters", "");
            }
        } else if wanted
            .former_subjects
            .iter()
            .any(|former| leaf.subject.same_values(former))
        {
            self.tell(
                Code::FormerSubject,
                &format!("has the former subject \"{}\"", leaf.subject),
                "",
            );
        } else {
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
        for san in wanted.sans.iter().filter(|san| !leaf.sans.contains(san)) {
            self.tell(Code::SanMissing, &format!("lacks the SAN {san}"), "");
        }
        for san in leaf.sans.iter().filter(|san| !wanted.sans.contains(san)) {
            self.tell(
                Code::SanExtra,
                &format!("has the SAN {san}, which is not wanted"),
                "",
            );
        }
    }

    fn usages(&mut self, wanted: &CertificateSpec, leaf: &Certificate) {
        let algorithm = leaf
            .public_key
            .algorithm()
            .unwrap_or(KeyAlgorithm::EcdsaP256);
        if let Some(usage) = leaf.key_usage {
            let lacking = wanted.key_usage(algorithm).without(usage);
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

    fn validity(&mut self, wanted: &CertificateSpec, leaf: &Certificate) {
        let found = leaf.validity.not_after - leaf.validity.not_before - BACKDATE;
        let off = (found - wanted.validity).abs() > VALIDITY_TOLERANCE;
        // kubeadm's kubeconfigs start when their CA started, and ours end when it ends.
        let bound = self.authorities.iter().any(|ca| {
            ca.validity.not_before == leaf.validity.not_before
                || ca.validity.not_after == leaf.validity.not_after
        });
        if off && !bound {
            self.tell(
                Code::Validity,
                &format!(
                    "was issued for {} hours, not {}",
                    found.whole_hours(),
                    wanted.validity.whole_hours()
                ),
                "",
            );
        }
    }

    fn serial(&mut self, certificate: &Certificate) {
        if certificate.serial.bits() < 64 {
            self.tell(
                Code::SmallSerial,
                "has a serial number of less than 64 bits",
                "",
            );
        }
    }

    fn kubeconfig(&mut self, found: &Kubeconfig) {
        let Some(wanted) = self.spec.certificate() else {
            return;
        };
        let Some(leaf) = found.chain.first() else {
            return;
        };
        self.key(&found.key, leaf);
        if !self.authorities.is_empty() {
            let trusted = |ca: &Certificate| self.authorities.contains(ca);
            if !found.authorities.iter().any(trusted) {
                self.tell(Code::WrongCa, "does not trust the CA", "");
            } else if !found.authorities.iter().all(trusted) {
                self.tell(
                    Code::TrustExtra,
                    "trusts a CA that the CA file does not hold",
                    "",
                );
            } else if !self
                .authorities
                .iter()
                .all(|ca| found.authorities.contains(ca))
            {
                self.tell(Code::TrustMissing, "lacks a CA that the CA file holds", "");
            }
        }
        if let Place::Kubeconfig { server, .. } = &self.spec.place
            && *server != found.server
        {
            self.tell(
                Code::Server,
                &format!("points at {}, not {server}", found.server),
                "",
            );
        }
        self.leaf(wanted, leaf, &found.chain[1..]);
    }

    fn tell(&mut self, code: Code, text: &str, way_out: &str) {
        let finding = self.finding(code, text, way_out);
        self.findings.push(finding);
    }

    fn finding(&self, code: Code, text: &str, way_out: &str) -> Finding {
        let place = &self.spec.place;
        let file = match code {
            Code::KeyMismatch | Code::KeyMode | Code::MissingCertificate => place.key(),
            _ => place.public(),
        };
        let way_out = if way_out.is_empty() && code.severity() != crate::finding::Severity::Note {
            format!(
                "run 'certs {} {} --force' to reissue it",
                self.spec.phase.name(),
                self.spec.name
            )
        } else {
            way_out.to_owned()
        };
        Finding {
            code,
            name: self.spec.name.clone(),
            file,
            text: text.to_owned(),
            way_out,
        }
    }
}

/// The way out for what no generating verb replaces.
const KEPT: &str = "certs never replaces a CA or sa.key: restore it from a backup, or move it away";
