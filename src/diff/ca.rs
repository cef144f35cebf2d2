//! What is judged of a CA: what its leaves depend on.

use super::scrutiny::{bring_above, revive};
use super::{Judge, reissue};
use crate::bundle::{above, allows, is_root};
use crate::finding::{Code, Severity};
use crate::key::KeyAlgorithm;
use crate::observed::Key;
use crate::spec::Place;
use crate::x509::cert::Certificate;
use crate::x509::constraints::NameConstraints;
use crate::x509::usage::{ExtendedKeyUsage, KeyUsage};
use crate::x509::validity::moment;

/// RFC 5280 section 4.2.1.12.
const ANY_EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37, 0];

impl Judge<'_> {
    /// Of a CA only what its leaves depend on is judged, never its subject.
    pub(super) fn ca(&mut self, ca: &Certificate, bundle: &[Certificate]) {
        self.dates(ca, "");
        self.critical(ca);
        self.reach(ca);
        self.way_up(ca, bundle);
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
        let key = ca.public_key.algorithm();
        if !key.is_some_and(KeyAlgorithm::may_sign_certificates) {
            let text = match key.and_then(KeyAlgorithm::too_large) {
                Some(bits) => format!(
                    "has an RSA key of {bits} bits: nothing that it signed can be verified here, and nothing signed, which \
                     takes one of 2048 to 8192 bits"
                ),
                None => {
                    "has a key that is neither RSA of 2048 to 8192 bits nor P-256, P-384 or P-521"
                        .to_owned()
                }
            };
            self.tell(Code::KeyUnsupported, &text, "");
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

    /// Who has an ended CA's key makes it last again, and what it signed stays good: moved away it would
    /// take the cluster's trust with it. Of one that lies somewhere nobody knows that.
    pub(super) fn ended(&mut self, ca: &Certificate, key: Option<&Key>, told: usize) {
        if key.is_some() && is_root(ca) {
            self.clocked(ca, told);
        }
        let general = reissue(self.spec, Severity::Error);
        let way_out = revive(self.spec, ca, key.is_some());
        let own = self.findings[told..]
            .iter_mut()
            .filter(|finding| finding.code == Code::Expired && finding.way_out == general);
        if !matches!(self.spec.place, Place::Found { .. }) {
            own.for_each(|finding| finding.way_out.clone_from(&way_out));
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
        let constraints = ca.name_constraints.as_ref();
        if constraints.is_some_and(NameConstraints::about_subjects) {
            self.tell(
                Code::NameConstraints,
                "has name constraints on subjects, which certs does not hold them against",
                "see that they permit the subject of every certificate",
            );
        }
    }

    /// Kubernetes takes any CA of the file for an anchor; others follow it to its end.
    fn way_up(&mut self, ca: &Certificate, bundle: &[Certificate]) {
        for (number, upper) in above(ca, bundle, self.now).into_iter().enumerate() {
            // What it signs would have that one behind it, and lead nowhere.
            if self.now > upper.validity.not_after {
                let text = format!(
                    "stands below \"{}\", which ended on {}",
                    upper.subject,
                    moment(upper.validity.not_after)
                );
                self.tell(Code::Expired, &text, &bring_above(self.spec));
            }
            if upper.validity.is_to_begin(self.now) {
                let text = format!(
                    "stands below \"{}\", which begins on {}, and the clock says {}",
                    upper.subject,
                    moment(upper.validity.not_before),
                    moment(self.now)
                );
                self.tell(Code::NotYetValid, &text, "set the clock right");
            }
            let constraints = upper.name_constraints.as_ref();
            if constraints.is_some_and(NameConstraints::about_subjects) {
                let text = format!(
                    "stands below \"{}\", whose name constraints on subjects certs does not hold it against",
                    upper.subject
                );
                let way_out = "see that they permit the subject of every certificate";
                self.tell(Code::NameConstraints, &text, way_out);
            }
            if !allows(upper, number + 1) {
                let text = format!(
                    "stands below \"{}\", whose path length does not allow that",
                    upper.subject
                );
                self.tell(Code::PathLength, &text, "");
            }
        }
    }
}
