//! What a renewal is asked for.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use crate::diff::Notice;
use crate::profile::renewal::Changes;
use crate::spec::Spec;

/// What a renewal is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// What is renewed.
    pub due: Due,
    /// How long before its end a CA is told of that is not renewed, since it was not named.
    pub ca_notice: Notice,
    /// Whether the keys stay.
    pub reuse_key: bool,
    /// All that is there: it may lead to what is renewed, or end with it.
    pub there: Vec<Spec>,
    /// Where names change: what should be there once they have, as whoever looks then says.
    pub then: Vec<Spec>,
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

/// Whether something is renewed.
pub(super) enum Verdict {
    Due,
    /// It would be, and would not last longer; its end, and the way out.
    EndsWithCa(OffsetDateTime, String),
    NotDue,
}

impl Due {
    /// Whether it is one of the names.
    pub(super) fn names(&self, spec: &Spec) -> bool {
        matches!(self, Self::Named(names) if names.contains(&spec.name))
    }
}
