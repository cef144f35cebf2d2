//! What happens to one spec.

use super::Turned;
use crate::finding::Code;

/// What happens to one spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its request is out already, for the key that waits or is in use.
    Asked,
    /// It is not there and will be made.
    Create,
    /// sa.key is there, and sa.pub is made from it.
    Derive,
    /// It came back, and is put in its place.
    Import,
    /// It is there and stays.
    Keep,
    /// It has taken the place that it waited for, and goes from where it waited.
    Remove,
    /// Its key and its certificate stay, and the CAs beside them are brought up to date: those behind it,
    /// and in a kubeconfig those that it trusts.
    Refresh,
    /// It is there, and its certificate is made anew for the same key.
    Reissue {
        /// The errors found, or that it was due, or nothing where it was asked for.
        why: Vec<Code>,
    },
    /// It is asked for, with the key that is there or with a new one.
    Request {
        /// The errors found, or that it is due; nothing where it is missing or was asked for by name.
        why: Vec<Code>,
    },
    /// It is there and is made anew, with a new key.
    Replace {
        /// The errors found, or that it was due, or nothing where it was asked for.
        why: Vec<Code>,
    },
    /// It is due, and stays as it is: what hinders it is told.
    Skip,
    /// It comes to the next stage of its replacement.
    Turn(Turned),
}

impl Step {
    /// Whether nothing is written.
    pub fn keeps(&self) -> bool {
        matches!(self, Self::Asked | Self::Keep | Self::Skip)
    }

    /// Whether something takes the place of what is there.
    pub fn replaces(&self) -> bool {
        matches!(
            self,
            Self::Refresh | Self::Reissue { .. } | Self::Replace { .. } | Self::Turn(_)
        )
    }
}
