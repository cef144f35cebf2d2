//! How long before its end a certificate is due, and is told to end soon: one rule for who looks, who
//! renews and who asks for new ones.

use time::Duration;

use crate::x509::cert::Certificate;

/// How long before its end something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// No sooner than this.
    pub at_most: Duration,
    /// Nor before two thirds of its time have passed, so that a short-lived one is not renewed by
    /// every run.
    pub last_third: bool,
}

/// The notices for all that ages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    /// A CA: to replace one takes longer.
    pub ca: Notice,
    /// All else.
    pub leaf: Notice,
}

impl Notice {
    /// Of a CA, where nothing else was said.
    pub const CA: Self = Self::exactly(Duration::days(180));
    /// Of all else, where nothing else was said: one that lives for less than three times that is told
    /// of and renewed in its last third, and not by every run.
    pub const LEAF: Self = Self {
        at_most: Duration::days(30),
        last_third: true,
    };

    /// So long, whatever its time is.
    pub const fn exactly(at_most: Duration) -> Self {
        Self {
            at_most,
            last_third: false,
        }
    }

    /// For a certificate.
    pub fn of(self, certificate: &Certificate) -> Duration {
        let whole = certificate.validity.not_after - certificate.validity.not_before;
        if self.last_third {
            self.at_most.min(whole / 3)
        } else {
            self.at_most
        }
    }
}
