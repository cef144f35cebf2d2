//! Private keys of CAs among what came back, whatever their files are called.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::reader::key_state;
use crate::key::PrivateKey;
use crate::location::{FileId, Root};
use crate::observed::KeyState;
use crate::pem;
use crate::profile::TABLE;
use crate::profile::found::is_called_ca;
use crate::store::{LARGEST, Store};
use crate::x509::cert::Certificate;

/// Most octets that are looked into, the smallest files first: keys are small, and what else lies there is somebody's.
const MOST: u64 = 64 << 20;

/// Files of the requests' directory that hold the private key of one of `cas`, or any that is called as a CA's is and may be
/// of one that is not known here. Where that directory is the tree's own its keys are where they belong.
pub fn keys_of_cas(cas: &[&Certificate], store: &Store) -> Vec<FileId> {
    let mut room = MOST;
    let mut sized = store.walk(Root::Requests).files;
    sized.sort_by_key(|(_, size)| *size);
    sized.retain(|(_, size)| {
        room = room.saturating_sub(*size);
        room > 0 && *size <= LARGEST
    });
    let mut files: Vec<FileId> = sized.into_iter().map(|(file, _)| file).collect();
    files.sort();
    let keys: Vec<FileId> = TABLE.iter().map(|row| row.stored.key()).collect();
    let in_place: BTreeSet<PathBuf> = store.real(&keys).into_iter().collect();
    let places = store.real(&files).into_iter();
    let mut places = places.map(|place| in_place.contains(&place));
    files.retain(|_| places.next() == Some(false));
    let of_ca = |key: &PrivateKey| cas.iter().any(|ca| ca.public_key == *key.public_key());
    files.retain(|file| {
        // What cannot be read is told of by who needs it.
        let Ok(Some(content)) = store.read_found(file) else {
            return false;
        };
        let bytes = &content.bytes;
        if let Some(key) = PrivateKey::from_der(bytes) {
            return of_ca(&key);
        }
        if !pem::holds_private_key(bytes) {
            return false;
        }
        match key_state(bytes, None) {
            Ok(KeyState::Open(key)) if of_ca(&key) => true,
            _ => is_called_ca(&file.name),
        }
    });
    files
}
