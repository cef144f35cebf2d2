//! One place: its files, read and parsed; what fails is kept for the finding.

mod found;
mod kubeconfig;

use found::within;
pub(crate) use found::{beginning_may_hold, may_hold};
pub(super) use found::{embeds_key, holds_key};

use std::collections::BTreeMap;
use std::sync::Arc;

use super::access;
use super::reasons::{cause, unread};
use crate::key::{KeyError, PrivateKey, PublicKey};
use crate::location::{FileId, Root};
use crate::observed::{Access, Cause, Key, KeyState, Named, Observed, Unreadable};
use crate::pem;
use crate::spec::Place;
use crate::store::{FileContent, ReadError, Store};
use crate::x509::cert::Certificate;
use crate::x509::request::Request;

/// What is in a file, as far as its place tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A certificate with its private key, which others may not read.
    Both,
    /// A private key alone.
    Key,
    /// A public key, which this user may not be let read either.
    Kept,
    /// What everyone may read.
    Public,
}

pub(super) struct Reader<'a> {
    pub(super) store: &'a Store,
    pub(super) seen: &'a mut BTreeMap<FileId, FileContent>,
    pub(super) unreadable: Vec<Unreadable>,
    /// The files elsewhere that were read because a kubeconfig names them.
    pub(super) named: Vec<Named>,
    /// Whether nothing will be changed.
    pub(super) lenient: bool,
    /// Whether it is in no row, so that it may be something else altogether.
    pub(super) own: bool,
    /// Whether it was found, whatever its name.
    pub(super) found: bool,
}

impl Reader<'_> {
    pub(super) fn place(&mut self, place: &Place, passphrase: Option<&[u8]>) -> Observed {
        match place {
            Place::File {
                root: Root::Requests,
                ..
            } => self
                .certificates(place)
                .map_or(Observed::Absent, |(chain, access)| Observed::Certificate {
                    chain,
                    access,
                    key: None,
                }),
            Place::File { .. } => self.one_file(&place.public()),
            Place::Found { file, .. } => self.found(file),
            Place::KeyPair { .. } => self.key_pair(place),
            Place::Kubeconfig { .. } => self.kubeconfig(&place.public()),
            Place::Beside { .. } | Place::Pair { .. } => self.pair(place, passphrase),
            Place::Request { .. } => self.request(place),
        }
    }

    fn certificates(&mut self, place: &Place) -> Option<(Vec<Certificate>, Access)> {
        let parse = public(Certificate::from_pem);
        self.file(&place.public(), Holds::Public, parse)
    }

    fn request(&mut self, place: &Place) -> Observed {
        let issued = self.certificates(place);
        let request = self.file(&place.key(), Holds::Public, public(Request::from_file));
        match request {
            Some((request, access)) => Observed::Request {
                request,
                access,
                issued,
            },
            None => Observed::Absent,
        }
    }

    fn pair(&mut self, place: &Place, passphrase: Option<&[u8]>) -> Observed {
        let before = self.unreadable.len();
        let certificate = self.certificates(place);
        let absent = self.unreadable.len() == before;
        let key = self.private_key(&place.key(), passphrase);
        match (certificate, key) {
            (Some((chain, access)), key) => Observed::Certificate { chain, access, key },
            (None, Some(key)) if absent => self.key_only(place, key),
            (None, Some(key)) => Observed::KeyOnly(key),
            (None, None) => Observed::Absent,
        }
    }

    fn key_only(&mut self, place: &Place, key: Key) -> Observed {
        self.key_only_at(&place.public(), &place.key(), key)
    }

    /// A key whose certificate is asked for, or that is left alone.
    fn key_only_at(&mut self, certificate: &FileId, private: &FileId, key: Key) -> Observed {
        let Some((file, request)) = self.asked(certificate) else {
            return Observed::KeyOnly(key);
        };
        let same = |request: &Request| {
            let key = key.open()?;
            Some(*key.public_key() == request.public_key)
        };
        match request.as_ref().and_then(same) {
            Some(true) => {
                if let Some(request) = request {
                    return Observed::Requested {
                        key,
                        request: Box::new(request),
                        entry: None,
                    };
                }
            }
            // It is for another key.
            Some(false) => {}
            None => self.unreadable.push(Unreadable {
                file: private.clone(),
                why: format!("waits for the certificate that {} asks for", file.name),
                cause: Cause::Requested,
                way_out: Some(when_it_comes(private, &file)),
                access: Some(key.access),
                public: None,
            }),
        }
        Observed::KeyOnly(key)
    }

    /// The request for this certificate, if there is one: with a new key what is asked for would come
    /// in vain. What is no request may be one that another program reads.
    fn asked(&mut self, certificate: &FileId) -> Option<(FileId, Option<Request>)> {
        let file = certificate.request();
        match self.store.read(&file) {
            Ok(content) => Some((file, Request::from_file(&content?.bytes).ok())),
            Err(error) => {
                self.unread(&file, &error, Holds::Public);
                None
            }
        }
    }

    /// A kubelet's is a link to what it rotated last.
    fn one_file(&mut self, file: &FileId) -> Observed {
        let name = file.name.rsplit('/').next().unwrap_or_default();
        // What is replaced of the kubelet's is the link, wherever that leads.
        if file.root == Root::Kubelet
            && name == FileId::KUBELET_CURRENT
            && let Ok(Some(link)) = self.store.read(file)
        {
            self.seen.insert(file.clone(), link);
        }
        let content = match self.store.read_reference(file, name) {
            Ok(None) => return Observed::Absent,
            Ok(Some(content)) => content,
            Err(error) => {
                self.unread(file, &error, Holds::Both);
                return Observed::Absent;
            }
        };
        let access = Access {
            mode: content.mode,
            user: content.uid,
        };
        if !pem::holds_certificate(&content.bytes) {
            return self.kept_waiting(file, &content.bytes, access);
        }
        let before = self.unreadable.len();
        let chain = self.parsed(file, &content.bytes, Certificate::from_pem);
        if !pem::holds_private_key(&content.bytes) {
            self.public_to(before, access);
        }
        let key = if pem::holds_private_key(&content.bytes) {
            let before = self.unreadable.len();
            let state = self.parsed(file, &content.bytes, |bytes| key_state(bytes, None));
            self.open_to(before, access);
            state
                .map(|state| Key { state, access })
                .or_else(|| self.not_used(before, access))
        } else {
            embeds_key(&content.bytes).then(|| within(&content))
        };
        if file.root != Root::Kubelet {
            self.seen.insert(file.clone(), content);
        }
        match chain {
            Some(chain) => Observed::Certificate { chain, access, key },
            None => key.map_or(Observed::Absent, Observed::KeyOnly),
        }
    }

    /// What a kubelet keeps both in holds the key alone as long as its certificate is asked for.
    fn kept_waiting(&mut self, file: &FileId, bytes: &[u8], access: Access) -> Observed {
        if file.root != Root::Kubelet || !pem::holds_private_key(bytes) {
            return Observed::Absent;
        }
        let Ok(state) = key_state(bytes, None) else {
            return Observed::Absent;
        };
        match self.key_only_at(file, file, Key { state, access }) {
            requested @ Observed::Requested { .. } => requested,
            _ => Observed::Absent,
        }
    }

    fn key_pair(&mut self, place: &Place) -> Observed {
        let public = self.file(
            &place.public(),
            // kubeadm gives it the mode of a key.
            Holds::Kept,
            public(PublicKey::all_from_pem),
        );
        match (self.private_key(&place.key(), None), public) {
            (Some(key), public) => Observed::KeyPair {
                key,
                public_access: public
                    .as_ref()
                    .map(|(_, access)| *access)
                    .unwrap_or_default(),
                public: public.map(|(keys, _)| keys),
            },
            (None, Some((keys, _))) => Observed::PublicOnly(keys),
            (None, None) => Observed::Absent,
        }
    }

    fn private_key(&mut self, file: &FileId, passphrase: Option<&[u8]>) -> Option<Key> {
        let before = self.unreadable.len();
        let read = self.file(file, Holds::Key, |bytes| key_state(bytes, passphrase));
        if let Some((state, access)) = read {
            return Some(Key { state, access });
        }
        self.not_used(before, Access::default())
    }

    /// A key that is there and of no use, where that is no reason to look no further.
    fn not_used(&mut self, before: usize, access: Access) -> Option<Key> {
        if !self.lenient || self.unreadable.len() == before {
            return None;
        }
        let reason = self.unreadable.pop()?;
        Some(Key {
            state: KeyState::Unread(reason),
            access,
        })
    }

    fn content(&self, file: &FileId) -> Result<Option<FileContent>, ReadError> {
        if self.found {
            self.store.read_found(file)
        } else {
            self.store.read(file)
        }
    }

    /// Reads and parses a file; what fails is kept for the finding. None where it is absent or
    /// failed.
    fn file<T>(
        &mut self,
        file: &FileId,
        holds: Holds,
        parse: impl FnOnce(&[u8]) -> anyhow::Result<T>,
    ) -> Option<(T, Access)> {
        match self.content(file) {
            Ok(None) => None,
            Ok(Some(content)) => {
                let access = access(&content);
                let before = self.unreadable.len();
                let parsed = self.parsed(file, &content.bytes, parse);
                match holds {
                    Holds::Both | Holds::Key => self.open_to(before, access),
                    Holds::Kept | Holds::Public => self.public_to(before, access),
                }
                self.seen.insert(file.clone(), content);
                parsed.map(|parsed| (parsed, access))
            }
            Err(error) => {
                self.unread(file, &error, holds);
                None
            }
        }
    }

    fn unread(&mut self, file: &FileId, error: &ReadError, holds: Holds) {
        let mut reason = unread(file, error);
        reason.cause = self.cause(error, holds);
        self.unreadable.push(reason);
    }

    /// Why a file cannot be judged: who changes nothing need not read one that holds a key.
    fn cause(&self, error: &ReadError, holds: Holds) -> Cause {
        match (error, holds) {
            (ReadError::PermissionDenied { .. }, Holds::Both) if self.lenient => Cause::Closed,
            (ReadError::PermissionDenied { .. }, Holds::Key | Holds::Kept) if self.lenient => {
                Cause::Withheld
            }
            _ => cause(error),
        }
    }

    fn parsed<T>(
        &mut self,
        file: &FileId,
        bytes: &[u8],
        parse: impl FnOnce(&[u8]) -> anyhow::Result<T>,
    ) -> Option<T> {
        parse(bytes)
            .map_err(|error| {
                let way_out = match error.downcast_ref() {
                    Some(KeyError::WrongPassphrase) => {
                        Some("give this key's passphrase with --ca-passphrase-file".to_owned())
                    }
                    _ => None,
                };
                self.unreadable.push(Unreadable {
                    file: file.clone(),
                    why: format!("cannot be used: {error:#}"),
                    cause: Cause::Content,
                    way_out,
                    access: None,
                    public: None,
                });
            })
            .ok()
    }

    /// What fails of a file that may hold a key says nothing of who can read that.
    fn open_to(&mut self, before: usize, access: Access) {
        for reason in &mut self.unreadable[before..] {
            reason.access = Some(access);
        }
    }

    /// Nor does what fails of a certificate say who can put another in its place.
    fn public_to(&mut self, before: usize, access: Access) {
        for reason in &mut self.unreadable[before..] {
            reason.public = Some(access);
        }
    }

    fn fail(&mut self, file: &FileId, why: String, cause: Cause) {
        self.unreadable.push(Unreadable {
            file: file.clone(),
            why,
            cause,
            way_out: None,
            access: None,
            public: None,
        });
    }
}

/// The way out where a certificate is asked for with the key in this file.
fn when_it_comes(key: &FileId, request: &FileId) -> String {
    format!(
        "put it there when it comes, or move {} and {} away to have key and certificate made anew",
        key.name, request.name
    )
}

/// Reads a file that everyone may read, and in which no private key may be.
pub(super) fn public<T>(
    parse: impl FnOnce(&[u8]) -> anyhow::Result<T>,
) -> impl FnOnce(&[u8]) -> anyhow::Result<T> {
    |bytes| {
        anyhow::ensure!(
            !pem::holds_private_key(bytes),
            "it holds a private key, which others may have read: take it out, and replace that key"
        );
        parse(bytes)
    }
}

pub(super) fn key_state(bytes: &[u8], passphrase: Option<&[u8]>) -> anyhow::Result<KeyState> {
    match PrivateKey::from_pem(bytes, passphrase) {
        Ok(key) => Ok(KeyState::Open(Arc::new(key))),
        Err(error @ (KeyError::Encrypted | KeyError::UnsupportedEncryption(_))) => {
            Ok(KeyState::Locked(error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}
