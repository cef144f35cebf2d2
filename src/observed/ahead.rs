//! What all nodes of a cluster are to share, as a run over it will have it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Octets;
use crate::key::PrivateKey;
use crate::location::FileId;
use crate::x509::cert::Certificate;

/// What a stage of a replacement makes of a CA, or of the key of the service accounts, for who is brought to that
/// stage before it.
#[derive(Default)]
pub struct Ahead {
    /// What is written.
    pub files: BTreeMap<FileId, Octets>,
    /// What the files of CAs hold then, and what signs, by their names.
    pub cas: BTreeMap<String, (Vec<Certificate>, Arc<PrivateKey>)>,
    /// The CA that comes to sign, as the one before it signed it.
    pub crossed: Option<Certificate>,
    /// What is left in the file of the CA whose former generation goes.
    pub dropped: Vec<Certificate>,
}
