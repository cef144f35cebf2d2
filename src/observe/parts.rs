//! Where a kubeconfig has its certificates and its key, without a look at these.

use crate::kubeconfig::{self, Source};
use crate::location::FileId;
use crate::observed::{self, Parts};
use crate::store::{ReadError, Store};

/// What every kubeconfig of a client certificate has in it; of a file that has not nothing is parsed.
const NAMED: &[u8] = b"client-certificate";

/// Those of this file, if it is a kubeconfig whose user has a client certificate.
pub fn parts(file: &FileId, store: &Store) -> Result<Option<Parts>, ReadError> {
    let Some(content) = store.read_found(file)? else {
        return Ok(None);
    };
    let bytes = &content.bytes;
    if !bytes.windows(NAMED.len()).any(|part| part == NAMED) {
        return Ok(None);
    }
    let Ok(entry) = kubeconfig::parse(bytes) else {
        return Ok(None);
    };
    Ok(Some(Parts {
        shown: store.shown(file),
        file: file.clone(),
        certificate: lies(file, &entry.certificate, store),
        key: lies(file, &entry.key, store),
    }))
}

/// Where something of the kubeconfig `of` is.
pub(super) fn lies(of: &FileId, source: &Source, store: &Store) -> observed::Source {
    match source {
        Source::Data { .. } => observed::Source::Embedded,
        Source::File { path, .. } => store
            .referred(of, path)
            .map_or(observed::Source::Elsewhere, observed::Source::File),
    }
}
