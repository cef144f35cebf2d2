//! What is judged of any certificate, a leaf's or a CA's.

use super::Judge;
use crate::finding::Code;
use crate::x509::cert::Certificate;
use crate::x509::validity::moment;

impl Judge<'_> {
    /// `who` stands before the verb, where it is not the file's own certificate.
    pub(super) fn dates(&mut self, certificate: &Certificate, who: &str) {
        let validity = &certificate.validity;
        if validity.has_ended(self.now) {
            self.tell(
                Code::Expired,
                &format!("{who}ended on {}", moment(validity.not_after)),
                "",
            );
        } else if validity.is_to_begin(self.now) {
            self.tell(
                Code::NotYetValid,
                &format!(
                    "{who}begins on {}, and the clock says {}",
                    moment(validity.not_before),
                    moment(self.now)
                ),
                "set the clock right",
            );
        }
    }

    /// Go's verifier, and with it Kubernetes, refuses what it does not know and must (RFC 5280
    /// section 4.2).
    pub(super) fn critical(&mut self, certificate: &Certificate) {
        for oid in &certificate.unknown_critical {
            self.tell(
                Code::CriticalExtension,
                &format!("has the critical extension {oid}, which Kubernetes does not know"),
                "",
            );
        }
    }

    pub(super) fn serial(&mut self, certificate: &Certificate) {
        if certificate.serial.bits() < 64 {
            self.tell(
                Code::SmallSerial,
                "has a serial number of less than 64 bits",
                "",
            );
        }
    }
}
