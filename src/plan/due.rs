//! What a renewal is asked for.

use std::collections::BTreeSet;

use time::Duration;

use crate::profile::renewal::Changes;
use crate::spec::Spec;
use crate::x509::cert::Certificate;

/// What a renewal is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// What is renewed.
    pub due: Due,
    /// Whether the keys stay.
    pub reuse_key: bool,
    /// What else changes.
    pub changes: Changes,
}

/// What is renewed. A CA is so only by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Every leaf.
    All,
    /// Those of these names.
    Named(BTreeSet<String>),
    /// The leaves that end soon.
    Within(Notice),
}

/// How long before its end a leaf is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// No sooner than this.
    pub at_most: Duration,
    /// Nor before two thirds of its time have passed, so that a short-lived one is not renewed by
    /// every run.
    pub last_third: bool,
}

impl Due {
    /// Whether it is one of the names.
    pub(super) fn names(&self, spec: &Spec) -> bool {
        matches!(self, Self::Named(names) if names.contains(&spec.name))
    }
}

impl Notice {
    /// For a certificate.
    pub(super) fn of(self, certificate: &Certificate) -> Duration {
        let whole = certificate.validity.not_after - certificate.validity.not_before;
        if self.last_third {
            self.at_most.min(whole / 3)
        } else {
            self.at_most
        }
    }
}
