//! What all nodes of a cluster have alike.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::Access;
use crate::location::FileId;

/// A file that all nodes of a cluster have alike, in the place of one of them.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The file.
    pub file: FileId,
    /// What it is to hold; none as long as nobody has it.
    pub of: Option<Octets>,
    /// Whether it is there and holds that, and who may do what with it.
    pub there: Option<(bool, Access)>,
    /// Whether it holds what was to be there before a CA of it was renewed.
    pub former: bool,
    /// The command of the stage of a replacement that makes both the same, where one is under way.
    pub stage: Option<String>,
}

/// Content of a file that many places hold, which may be a key.
#[derive(Clone)]
pub struct Octets(pub Arc<Zeroizing<Vec<u8>>>);

impl fmt::Debug for Octets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[elided]")
    }
}

impl Shared {
    /// Whether another file is in its place.
    pub fn differs(&self) -> bool {
        matches!(self.there, Some((false, _)))
    }

    /// The same where nothing but the time has passed.
    pub fn lags(&self) -> bool {
        self.differs() && self.former
    }
}
