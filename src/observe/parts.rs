//! Where the users of a kubeconfig have their certificates and keys, without a look at these.

use std::collections::BTreeSet;

use super::entries::user_entry;
use super::{SeenEntry, entries, survey};
use crate::kubeconfig::{self, Source, UserEntry};
use crate::location::FileId;
use crate::observed::{self, Key, Observed, Parts};
use crate::profile::found::loose;
use crate::spec::{Entry, EntryKind};
use crate::store::{ReadError, Store};
use crate::x509::cert::Certificate;

/// What every kubeconfig of a client certificate has in it; of a file that has not nothing is parsed.
const NAMED: &[u8] = b"client-certificate";

/// Those of this file, if it is a kubeconfig: of each user with a client certificate and its key, whichever the
/// current context names.
pub fn parts(file: &FileId, store: &Store) -> Result<Vec<Parts>, ReadError> {
    let Some(content) = store.read_found(file)? else {
        return Ok(Vec::new());
    };
    let bytes = &content.bytes;
    if !bytes.windows(NAMED.len()).any(|part| part == NAMED) {
        return Ok(Vec::new());
    }
    let Ok(outline) = kubeconfig::outline(bytes) else {
        return Ok(Vec::new());
    };
    let (_, current) = outline.of_current().unwrap_or_default();
    let of_user = |user: &UserEntry| {
        let (certificate, key) = (user.certificate.as_ref()?, user.key.as_ref()?);
        let entry = (user.name != current).then(|| user_entry(user));
        let whole = store.shown(file);
        Some(Parts {
            shown: match &entry {
                Some(entry) => format!("{whole} ({entry})"),
                None => whole,
            },
            file: file.clone(),
            entry,
            certificate: lies(file, certificate, store),
            key: lies(file, key, store),
            key_path: match key {
                Source::Data { .. } => None,
                Source::File { path, .. } => Some(store.reference_path(file, path)),
            },
        })
    };
    Ok(outline.users.iter().filter_map(of_user).collect())
}

/// The users of a kubeconfig whose key is their certificate's, wherever either lies, as [`Parts::entry`] has them. All
/// are read at once: a file may have thousands.
pub fn whole_users(file: &FileId, store: &Store, trusted: Vec<u32>) -> BTreeSet<Option<Entry>> {
    let spec = loose(store.shown(file), file.clone());
    let mut seen = survey(std::slice::from_ref(&spec), store, trusted);
    let is_whole = |chain: &[Certificate], key: &Key| {
        let leaf = chain.first().map(|leaf| &leaf.public_key);
        key.open().is_some_and(|key| Some(key.public_key()) == leaf)
    };
    let mut whole = BTreeSet::new();
    if let Some(Observed::Kubeconfig(found)) = seen.observed.get(&spec.name)
        && is_whole(&found.chain, &found.key)
    {
        whole.insert(None);
    }
    let there = entries(&spec, &mut seen, store).map(|seen| seen.entries);
    for SeenEntry {
        entry,
        observed,
        current,
    } in there.into_iter().flatten()
    {
        if let (
            EntryKind::User,
            Observed::Certificate {
                chain,
                key: Some(key),
                ..
            },
        ) = (entry.kind, &observed)
            && is_whole(chain, key)
        {
            whole.insert(Some(entry).filter(|_| !current));
        }
    }
    whole
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
