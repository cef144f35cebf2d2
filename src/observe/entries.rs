//! The entries of a kubeconfig beside those that its current context names: each is seen by itself.

use std::collections::BTreeMap;

use super::Seen;
use super::parts::lies;
use super::reader::{Reader, key_state};
use crate::kubeconfig::{self, ClusterEntry, ContextEntry, Outline, Source, UserEntry};
use crate::location::FileId;
use crate::observed::{
    Access, Cause, Destination, Key, KeyState, Lead, Observed, Trusted, Unreadable,
};
use crate::spec::{Entry, EntryKind, Place, Spec};
use crate::store::Store;
use crate::x509::cert::Certificate;

/// The entries of a kubeconfig.
pub struct SeenEntries {
    /// Each that is seen by itself.
    pub entries: Vec<SeenEntry>,
    /// All its clusters, and where each leads.
    pub clusters: Vec<Destination>,
    /// All its contexts.
    pub contexts: Vec<ContextEntry>,
}

/// An entry, as it was seen.
pub struct SeenEntry {
    /// Which one it is.
    pub entry: Entry,
    /// What is in it: of a user the certificate and the key, of a cluster where it leads and whom it trusts.
    pub observed: Observed,
    /// Whether the current context names it, of which no more than that could be read.
    pub current: bool,
}

/// Each user with a certificate, or with a key in a file of its own, and each cluster with CA certificates in the
/// kubeconfig of `spec`, but for those that are seen as its current ones.
pub fn entries(spec: &Spec, seen: &mut Seen, store: &Store) -> Option<SeenEntries> {
    let file = spec.place.public();
    let observed = seen.observed.get(&spec.name)?;
    let told = match observed {
        Observed::Kubeconfig(found) if !found.further => return None,
        Observed::Kubeconfig(_) | Observed::Lead(_) => Vec::new(),
        // Without any certificate it is a key alone.
        Observed::KeyOnly(_) if matches!(spec.place, Place::Found { .. }) => Vec::new(),
        Observed::Unreadable(reasons, _) => reasons.clone(),
        _ => return None,
    };
    let known = match observed {
        Observed::Kubeconfig(found) => [Some(found.cluster.clone()), Some(found.user.clone())],
        Observed::Lead(lead) => [lead.to.as_ref().ok().map(|to| to.cluster.clone()), None],
        _ => [None, None],
    };
    // That who answers at the server of the current context is not verified is told once, of that one.
    let told_of_server: Vec<String> = match observed {
        Observed::Kubeconfig(found) => found
            .beside
            .iter()
            .filter(|(_, trusted)| matches!(trusted, Trusted::Anybody))
            .map(|(cluster, _)| cluster.clone())
            .collect(),
        _ => Vec::new(),
    };
    let content = store.read_found(&file).ok()??;
    if !kubeconfig::may_hold(&content.bytes) {
        return None;
    }
    let outline = kubeconfig::outline(&content.bytes).ok()?;
    let mut reader = Reader {
        store,
        seen: &mut seen.files,
        unreadable: Vec::new(),
        named: Vec::new(),
        lenient: true,
        own: false,
        found: true,
    };
    let mut reading = Reading {
        file: &file,
        reader: &mut reader,
        told: &told,
        outline: &outline,
        named: BTreeMap::new(),
    };
    let clusters: Vec<Destination> = reading.clusters();
    let [cluster, user] = known;
    let (current_cluster, current_user) = outline.of_current().unwrap_or_default();
    let is = |current: &str, name: &str| !name.is_empty() && current == name;
    let mut entries = Vec::new();
    for (place, to) in clusters.iter().enumerate() {
        let entry = &outline.clusters[place];
        if cluster.as_ref() == Some(&entry.name) || entry.authorities.is_none() {
            continue;
        }
        let observed = reading.of_cluster(entry, to);
        entries.extend(observed.map(|observed| SeenEntry {
            entry: Entry {
                kind: EntryKind::Cluster,
                name: entry.name.clone(),
                certificate_file: None,
                key_file: None,
                unverified: Vec::new(),
            },
            observed,
            current: is(current_cluster, &entry.name),
        }));
    }
    for entry in &outline.users {
        if user.as_ref() == Some(&entry.name) {
            continue;
        }
        let observed = reading.of_user(entry);
        let mut which = user_entry(entry);
        which
            .unverified
            .retain(|(to, _)| to != current_cluster && !told_of_server.contains(to));
        entries.extend(observed.map(|observed| SeenEntry {
            entry: which,
            observed,
            current: is(current_user, &entry.name),
        }));
    }
    Some(SeenEntries {
        entries,
        clusters,
        contexts: outline.contexts,
    })
}

/// Which one a user is.
pub(super) fn user_entry(user: &UserEntry) -> Entry {
    let file = |source: &Option<Source>| match source {
        Some(Source::File { path, .. }) => Some(path.clone()),
        _ => None,
    };
    Entry {
        kind: EntryKind::User,
        name: user.name.clone(),
        certificate_file: file(&user.certificate),
        key_file: file(&user.key),
        unverified: user.unverified.clone(),
    }
}

struct Reading<'a, 'b> {
    file: &'a FileId,
    reader: &'a mut Reader<'b>,
    /// What is told of the file already.
    told: &'a [Unreadable],
    outline: &'a Outline,
    /// The certificates in files that it names: a thousand entries may name one of a thousand.
    named: BTreeMap<String, Vec<Certificate>>,
}

impl Reading<'_, '_> {
    /// Where each leads. What it holds and cannot be read is told by [`Self::of_cluster`].
    fn clusters(&mut self) -> Vec<Destination> {
        let clusters = self.outline.clusters.iter();
        let mut led = Vec::new();
        for entry in clusters {
            let source = entry.authorities.as_ref();
            let authorities = match source {
                Some(source) => self.certificates(source),
                None => None,
            };
            self.reader.unreadable.clear();
            let named = std::mem::take(&mut self.reader.named);
            led.push(Destination {
                cluster: entry.name.clone(),
                server: entry.server.clone(),
                server_name: entry.server_name.clone(),
                authorities: authorities.unwrap_or_default(),
                source: source.map(|source| lies(self.file, source, self.reader.store)),
                named,
            });
        }
        led
    }

    fn certificates(&mut self, source: &Source) -> Option<Vec<Certificate>> {
        let path = match source {
            Source::File { path, .. } => Some(path),
            Source::Data { .. } => None,
        };
        if let Some(known) = path.and_then(|path| self.named.get(path)) {
            return Some(known.clone());
        }
        let parse = Certificate::from_pem;
        let (read, _) = self.reader.source(self.file, source, parse)?;
        if let Some(path) = path {
            self.named.insert(path.clone(), read.clone());
        }
        Some(read)
    }

    fn of_cluster(&mut self, entry: &ClusterEntry, to: &Destination) -> Option<Observed> {
        if to.authorities.is_empty() {
            let source = entry.authorities.as_ref();
            self.reader.authorities(self.file, source);
            return self.unread();
        }
        Some(Observed::Lead(Box::new(Lead {
            // Who may read the file is told of the file.
            access: Access::default(),
            to: Ok(to.clone()),
        })))
    }

    fn of_user(&mut self, entry: &UserEntry) -> Option<Observed> {
        let Some(certificate) = entry.certificate.as_ref() else {
            let (_, access) = self.named_key(entry)?;
            let why = "it is in a kubeconfig without its certificate".to_owned();
            let state = KeyState::Locked(why);
            return Some(Observed::KeyOnly(Key { state, access }));
        };
        let chain = self.certificates(certificate);
        let key = entry.key.as_ref().and_then(|key| self.key(key));
        let Some(chain) = chain else {
            let named = self.named_key(entry).map(|(why, access)| Unreadable {
                file: self.file.clone(),
                why,
                cause: Cause::Named,
                way_out: None,
                access: Some(access),
                public: None,
            });
            self.reader.unreadable.extend(named);
            return self.unread();
        };
        Some(Observed::Certificate {
            chain,
            access: Access::default(),
            key,
        })
    }

    /// The file that a user names for its key, and who may read that: it matters though the user is of no use.
    fn named_key(&self, entry: &UserEntry) -> Option<(String, Access)> {
        let Some(Source::File { path, .. }) = &entry.key else {
            return None;
        };
        // It is told of a kubeconfig that cannot be used.
        if self.told.iter().any(|told| told.why == *path) {
            return None;
        }
        Some((path.clone(), self.reader.named_key(self.file, path)?))
    }

    fn key(&mut self, source: &Source) -> Option<Key> {
        let before = self.reader.unreadable.len();
        let parse = |bytes: &[u8]| key_state(bytes, None);
        let read = self.reader.source(self.file, source, parse);
        // It hides no certificate.
        let unread = self.reader.unreadable.drain(before..).next();
        let known = |why: &str| self.told.iter().any(|told| told.why == why);
        let unread = unread.filter(|reason| !known(&reason.why));
        // Who may read the file that it names is told of a kubeconfig that cannot be used.
        let named = |path: &str| !known(path);
        let mode = match (source, &read) {
            (Source::File { path, .. }, Some((_, mode))) if named(path) => *mode,
            _ => 0,
        };
        Some(Key {
            state: match read {
                Some((state, _)) => state,
                None => KeyState::Unread(unread?),
            },
            access: Access {
                mode,
                ..Access::default()
            },
        })
    }

    /// What could not be read, but for what is told already.
    fn unread(&mut self) -> Option<Observed> {
        let mut reasons = std::mem::take(&mut self.reader.unreadable);
        reasons.retain(|reason| self.told.iter().all(|told| told.why != reason.why));
        (!reasons.is_empty()).then_some(Observed::Unreadable(reasons, Vec::new()))
    }
}
