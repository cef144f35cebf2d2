//! What a verb may do with what is there.

use super::{Asking, Renewal, Turn};
use crate::diff::Within;

/// What a verb may do with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force<'a> {
    /// Ask another machine for what is missing or due.
    Ask(Asking),
    /// `--force` without names: replace what drifted.
    Drifted,
    /// Put in place what came back, and tell what of it ends soon.
    Import(Within),
    /// `--force` with names: replace every one of them.
    Named,
    /// All is stated, as by an inventory.
    Stated {
        /// `--force`: replace what drifted, and what is more than was stated.
        replace: bool,
    },
    /// Replace nothing.
    No,
    /// Issue anew what is there, as it is, for another time.
    Renew(&'a Renewal),
    /// Bring a CA or the key of the service accounts to a stage of its replacement.
    Turn(&'a Turn),
}

impl Force<'_> {
    /// The same where nothing hangs on how much is stated.
    pub(super) fn plain(self) -> Self {
        match self {
            Self::Stated { replace: true } => Self::Drifted,
            Self::Stated { replace: false } => Self::No,
            other => other,
        }
    }

    /// Whether it asks for whatever is due.
    pub fn asks(self) -> bool {
        matches!(self, Self::Ask(asking) if !asking.named)
    }

    /// Whether what is there may be replaced.
    pub fn replaces(self) -> bool {
        matches!(self.plain(), Self::Drifted | Self::Named)
    }
}

/// What a verb may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy<'a> {
    /// What to replace.
    pub force: Force<'a>,
    /// Whether CAs and service account keys may be made: not by a node that joins a cluster.
    pub founding: bool,
    /// Whether what is replaced is kept in a backup.
    pub backup: bool,
}
