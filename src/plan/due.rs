//! What a renewal is asked for.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use crate::diff::Notice;
use crate::profile::found::is_rotated;
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
    /// Whether the tree is one of many that are kept in one place: no kubelet rotates what it has there, and
    /// what is a copy of a CA's certificate follows the one that all share.
    pub of_many: bool,
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
    /// Those of these names, and the leaves that end soon.
    Also(BTreeSet<String>, Notice),
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

impl Renewal {
    /// Whether it is what a kubelet keeps, and is made anew as the kubelet would.
    pub fn rotates(&self, spec: &Spec) -> bool {
        self.of_many && is_rotated(&spec.place.public())
    }
}

impl Due {
    /// Whether it is one of the names.
    pub(crate) fn names(&self, spec: &Spec) -> bool {
        matches!(self, Self::Also(names, _) | Self::Named(names) if names.contains(&spec.name))
    }

    /// Whether it is renewed for its end alone.
    pub(super) fn by_end(&self, spec: &Spec) -> bool {
        matches!(self, Self::Also(..) | Self::Within(_)) && !self.names(spec)
    }
}
