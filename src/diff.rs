//! Spec against observed: the findings. Pure; the time is an argument.

mod leaf;

use time::OffsetDateTime;

use crate::finding::{Code, Finding, Severity};
use crate::key::KeyAlgorithm;
use crate::observed::{Key, KeyState, Kubeconfig, Observed, signing};
use crate::profile::by_name;
use crate::spec::{Kind, Place, Spec};
use crate::x509::cert::Certificate;
use crate::x509::usage::{ExtendedKeyUsage, KeyUsage};

pub use leaf::signed_by;

/// Bits of a key's or kubeconfig's mode that let others read or change it. A group may read:
/// etcd and kube-apiserver often run as users of their own.
const KEY_MODE: u32 = 0o037;
/// RFC 5280 sections 4.2.1.12 and 4.2.1.10.
const ANY_EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37, 0];
const NAME_CONSTRAINTS: &str = "2.5.29.30";
/// Bits that let others write.
const WRITABLE: u32 = 0o022;
/// Bits beyond the mode of a certificate.
const CERTIFICATE_MODE: u32 = 0o133;

/// How `observed` differs from `spec`. `authorities` are the certificates of the CA's file; a CA
/// and a key pair have none.
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
                "",
            ),
            Observed::KeyPair {
                key,
                public,
                public_mode,
            } => {
                self.public_mode(*public_mode);
                self.key_pair(key, public.as_deref());
            }
            Observed::Kubeconfig(kubeconfig) => self.kubeconfig(kubeconfig),
            Observed::PublicOnly => self.tell(
                Code::MissingKey,
                &format!("stands without {}", self.spec.place.key().name),
                "",
            ),
            Observed::Unreadable(reasons) => {
                for unreadable in reasons {
                    let mut finding = self.finding(Code::Unreadable, &unreadable.why, "");
                    finding.file = unreadable.file.clone();
                    if let Some(way_out) = &unreadable.way_out {
                        finding.way_out.clone_from(way_out);
                    }
                    self.findings.push(finding);
                }
            }
        }
    }

    fn pair(&mut self, chain: &[Certificate], mode: u32, key: Option<&Key>) {
        // A server sends the first certificate of its file; a CA's file may be a bundle, and the CA
        // that signs is the one whose key this is.
        let certificate = if self.spec.is_ca() {
            signing(chain, key)
        } else {
            chain.first()
        };
        let Some(certificate) = certificate else {
            return;
        };
        self.public_mode(mode);
        if self.spec.is_ca() && chain.first() != Some(certificate) {
            self.tell(
                Code::CaOrder,
                "does not begin with the certificate of its key, where kubeadm and the controller \
                 manager look for it",
                "put that certificate first",
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
            Some(wanted) => {
                self.leaf(wanted, certificate, &chain[1..]);
                self.making(wanted, certificate);
            }
            None => {}
        }
    }

    fn key(&mut self, key: &Key, certificate: &Certificate) {
        self.key_mode(key.mode);
        match &key.state {
            // A CA's key is opened where it must sign: the plan judges that.
            KeyState::Locked(_) if self.spec.is_ca() => {}
            KeyState::Locked(_) => self.locked(),
            KeyState::Open(private) if private.public_key() != &certificate.public_key => {
                let text = match &self.spec.place {
                    Place::Kubeconfig { .. } => "holds a key that is not its certificate's",
                    _ => "is not the key of the certificate beside it",
                };
                self.tell(Code::KeyMismatch, text, "");
            }
            KeyState::Open(_) => {}
        }
    }

    /// Only a CA's key may be encrypted: nobody types a passphrase when a component starts.
    fn locked(&mut self) {
        let text = "is encrypted, and the components of Kubernetes open no encrypted key";
        let mut finding = self.finding(Code::Unreadable, text, "");
        finding.file = self.spec.place.key();
        self.findings.push(finding);
    }

    /// Who can write a CA's certificate or sa.pub decides whom the cluster trusts.
    fn public_mode(&mut self, mode: u32) {
        let code = match mode {
            mode if mode & WRITABLE != 0 => Code::WritableByOthers,
            mode if mode & CERTIFICATE_MODE != 0 => Code::CertificateMode,
            _ => return,
        };
        self.tell(
            code,
            &format!("has the mode {mode:04o}"),
            "chmod it to 0644",
        );
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
        match (&key.state, public) {
            (KeyState::Locked(_), _) => self.locked(),
            (KeyState::Open(private), Some(public)) if !public.contains(private.public_key()) => {
                let text = format!(
                    "does not hold the public key of {}",
                    self.spec.place.key().name
                );
                let mut finding = self.finding(Code::KeyMismatch, &text, "");
                finding.file = self.spec.place.public();
                self.findings.push(finding);
            }
            _ => {}
        }
    }

    /// What a CA's own extensions forbid it to sign: Go and OpenSSL hold its leaves against them.
    fn reach(&mut self, ca: &Certificate) {
        let usages = &ca.extended_key_usage;
        let serves = |usage: &ExtendedKeyUsage| usages.is_empty() || usages.contains(usage);
        let any = usages
            .iter()
            .any(|usage| usage.oid() == ANY_EXTENDED_KEY_USAGE);
        let both = serves(&ExtendedKeyUsage::ServerAuth) && serves(&ExtendedKeyUsage::ClientAuth);
        if !any && !both {
            self.tell(
                Code::NotACa,
                "may not sign for servers and clients: its extended key usage says for what it may",
                "",
            );
        }
        if ca.extension_oids.iter().any(|oid| oid == NAME_CONSTRAINTS) {
            self.tell(
                Code::NameConstraints,
                "has name constraints, which certs does not hold names against",
                "see that they permit every name and address of the cluster",
            );
        }
    }

    /// Of a CA only what its leaves depend on is judged, never its subject.
    fn ca(&mut self, ca: &Certificate) {
        self.dates(ca, "");
        self.critical(ca);
        self.reach(ca);
        if let Some(wanted) = self.spec.certificate()
            && wanted.subject_given
            && !ca.subject.same_values(&wanted.subject)
        {
            self.tell(
                Code::WrongSubject,
                &format!(
                    "has the subject \"{}\", not \"{}\"",
                    ca.subject, wanted.subject
                ),
                "",
            );
        }
        let may_sign = ca
            .key_usage
            .is_none_or(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN));
        if !ca.is_ca() {
            self.tell(
                Code::NotACa,
                "is not a CA: its basic constraints do not say CA:TRUE",
                "",
            );
        } else if !may_sign {
            self.tell(
                Code::NotACa,
                "may not sign: its key usage lacks keyCertSign",
                "",
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
                "",
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

    /// `who` stands before the verb, where it is not the file's own certificate.
    fn dates(&mut self, certificate: &Certificate, who: &str) {
        let validity = &certificate.validity;
        if self.now > validity.not_after {
            self.tell(
                Code::Expired,
                &format!("{who}ended on {}", validity.not_after.date()),
                "",
            );
        } else if self.now < validity.not_before {
            self.tell(
                Code::NotYetValid,
                &format!(
                    "{who}begins on {}, and the clock says {}",
                    validity.not_before.date(),
                    self.now.date()
                ),
                "set the clock right",
            );
        }
    }

    /// Go's verifier, and with it Kubernetes, refuses what it does not know and must (RFC 5280
    /// section 4.2).
    fn critical(&mut self, certificate: &Certificate) {
        for oid in &certificate.unknown_critical {
            self.tell(
                Code::CriticalExtension,
                &format!("has the critical extension {oid}, which Kubernetes does not know"),
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
            let lacking = |ca: &Certificate| !found.authorities.contains(ca);
            if found.authorities.iter().any(trusted) {
                if self.authorities.iter().any(lacking) {
                    self.tell(Code::TrustMissing, "lacks a CA that the CA file holds", "");
                }
                if !found.authorities.iter().all(trusted) {
                    let text = "trusts a CA that the CA file does not hold";
                    self.tell(Code::TrustExtra, text, "");
                }
            } else {
                self.tell(Code::WrongCa, "does not trust the CA", "");
            }
        }
        if let Place::Kubeconfig {
            server, or_server, ..
        } = &self.spec.place
            && *server != found.server
            && or_server.as_ref() != Some(&found.server)
        {
            self.tell(
                Code::Server,
                &format!("points at {}, not {server}", found.server),
                "",
            );
        }
        self.leaf(wanted, leaf, &found.chain[1..]);
        // A certificate in a file of its own has another keeper: a kubelet rotates its own, with
        // the key and the validity that it and its cluster's signer choose.
        if !found.referred {
            self.making(wanted, leaf);
        }
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
        let way_out = if way_out.is_empty() && code.severity() != Severity::Note {
            reissue(self.spec, code.severity())
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

/// How what is there can be made anew; a CA and sa.key cannot.
///
/// No command line is put together: it would lack flags that this run was given, `--kubernetes-dir`
/// first of all, and be run over another tree.
pub(crate) fn reissue(spec: &Spec, severity: Severity) -> String {
    let leaf = spec
        .certificate()
        .is_some_and(|certificate| certificate.issuer.is_some());
    if !leaf {
        "certs never replaces a CA or sa.key: restore it from a backup, or move it away".to_owned()
    } else if severity == Severity::Error || by_name(&spec.name).is_none() {
        "run the same command with --force to reissue it".to_owned()
    } else {
        // --force without names replaces errors alone.
        let (phase, name) = (spec.phase.name(), &spec.name);
        format!("'certs {phase} {name} --force', with the flags of this run, reissues it")
    }
}

#[cfg(test)]
pub(crate) mod tests;
