//! Spec against observed: the findings. Pure; the time is an argument.

mod leaf;

use time::OffsetDateTime;

use crate::finding::{Code, Finding};
use crate::key::KeyAlgorithm;
use crate::observed::{Key, KeyState, Kubeconfig, Observed};
use crate::spec::{Kind, Place, Spec};
use crate::x509::cert::Certificate;
use crate::x509::usage::KeyUsage;

pub use leaf::signed_by;

/// Bits of a key's or kubeconfig's mode that let others read or change it. A group may read:
/// etcd and kube-apiserver often run as users of their own.
const KEY_MODE: u32 = 0o037;
/// Bits beyond the mode of a certificate.
const CERTIFICATE_MODE: u32 = 0o133;

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
