//! What is judged of any certificate, a leaf's or a CA's.

use super::leaf::AFTER_ITS_CA;
use super::{Judge, by_renewal, reissue};
use crate::finding::{Code, Severity};
use crate::location::Root;
use crate::profile::by_name;
use crate::spec::Place;
use crate::x509::cert::Certificate;
use crate::x509::validity::moment;

/// The way out of what has not begun.
const CLOCK: &str = "set the clock right";

/// A way out, and what stands before it where the clock may be what is wrong.
pub(super) fn after_clock(way_out: &str) -> (&'static str, &str) {
    match way_out.strip_prefix(CLOCK_OR) {
        Some(rest) => (CLOCK_OR, rest),
        None => ("", way_out),
    }
}

/// The same, before what is to be done where the clock was wrong and is no more.
pub(super) const CLOCK_OR: &str = "set the clock right, or, if it is right now, ";

impl Judge<'_> {
    /// A component sends the first certificate of its file, and does not start with one that is not its key's.
    pub(super) fn behind(&mut self, own: &Certificate, first: &Certificate) {
        let text = format!(
            "begins with \"{}\", and \"{}\", the certificate of its key, stands behind that",
            first.subject, own.subject
        );
        self.tell(
            Code::ChainOrder,
            &text,
            "put the certificate of its key first",
        );
    }

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
                CLOCK,
            );
        }
    }

    /// It may be that the clock was wrong when the file's own certificate was issued, and is right now: then it is renewed,
    /// with its CA, where that has not begun either. `from` is the first finding of it.
    pub(super) fn clocked(&mut self, own: &Certificate, from: usize) {
        let place = &self.spec.place;
        let row = by_name(&self.spec.name).is_some();
        let pair = match place {
            Place::Found { .. } => !row && place.public().root != Root::Kubelet,
            Place::Kubeconfig { .. } => true,
            _ => place.is_pair(),
        };
        let yet = |certificate: &Certificate| certificate.validity.is_to_begin(self.now);
        if place.entry().is_some() || !pair || !yet(own) {
            return;
        }
        let with_ca = !self.authorities.is_empty() && self.authorities.iter().all(yet);
        let renewed = if with_ca {
            AFTER_ITS_CA.to_owned()
        } else if row {
            by_renewal(self.spec)
        } else {
            reissue(self.spec, Severity::Error)
        };
        // What stands behind it in its file is told of after it.
        let mut told = self.findings[from..].iter_mut();
        if let Some(finding) = told.find(|told| told.code == Code::NotYetValid) {
            finding.way_out = format!("{CLOCK_OR}{renewed}");
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
