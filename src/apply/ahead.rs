//! What a CA comes to in a run over what all nodes share, for the runs over each of them.

use std::sync::Arc;

use super::{Preparation, Prepared};
use crate::key::PrivateKey;
use crate::observed::{Ahead, Octets};
use crate::store::Change;
use crate::x509::cert::Certificate;

impl Prepared {
    /// What all nodes share once it is committed.
    pub fn ahead(self) -> Ahead {
        let written = |change: Change| Some((change.file, Octets(Arc::new(change.bytes?))));
        Ahead {
            files: self.changes.into_iter().filter_map(written).collect(),
            ..self.ahead
        }
    }
}

impl Preparation<'_> {
    /// A CA that becomes another, in this run or in the one over what many trees share.
    pub(super) fn come(&self, name: &str) -> Option<&(Vec<Certificate>, Arc<PrivateKey>)> {
        let ahead = self.seen.ahead.as_ref();
        self.cas
            .get(name)
            .or_else(|| ahead.and_then(|ahead| ahead.cas.get(name)))
    }
}
