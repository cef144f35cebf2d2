//! What came back for a request.

use super::{Access, Key, Source};
use crate::location::FileId;
use crate::x509::cert::Certificate;
use crate::x509::san::San;

/// A certificate that came back, with what is in its place.
#[derive(Clone, Debug)]
pub struct Returned {
    /// The file that it came in.
    pub file: FileId,
    /// The certificate, and what leads from it to its CA; empty if none came.
    pub chain: Vec<Certificate>,
    /// The key that it is for; a CA of another machine has none here.
    pub key: Option<Key>,
    /// The certificates that are in its place.
    pub now: Vec<Certificate>,
    /// CAs that came with it, and that it does not lead to.
    pub unrelated: Vec<Certificate>,
    /// The access to the file that it came in.
    pub access: Access,
    /// The names that it was asked for with, where a request tells.
    pub asked: Option<Vec<San>>,
    /// The file of the key that a kubeconfig in its place names, as it names it and as it is known.
    pub key_file: Option<(String, Source)>,
}

impl Returned {
    /// Whether it is where it belongs already.
    pub fn is_in_place(&self) -> bool {
        !self.chain.is_empty() && self.chain == self.now
    }
}
