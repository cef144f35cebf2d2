//! What is on disk, as plain data: parsed, and not yet judged.

mod ahead;
mod keys;
mod named;
mod returned;
pub mod server;
mod shared;
mod trusted;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::finding::Code;
use crate::key::{PrivateKey, PublicKey};
use crate::location::FileId;
use crate::spec::Entry;
use crate::x509::cert::Certificate;
use crate::x509::request::Request;

pub use ahead::Ahead;
pub use keys::of_leaf;
pub use named::Named;
pub use returned::Returned;
pub use shared::{Octets, Shared};
pub use trusted::Trusted;

/// What was found in the place of one spec.
#[derive(Clone, Debug)]
pub enum Observed {
    /// Nothing.
    Absent,
    /// A certificate file, with its key or without.
    Certificate {
        /// Its certificates: the leaf and its chain, or a CA and its bundle.
        chain: Vec<Certificate>,
        /// Who may do what with the certificate's file.
        access: Access,
        /// The key beside it.
        key: Option<Key>,
    },
    /// A CA's certificates, to be put beside what it signed.
    Copy {
        /// Those of the CA's own file.
        of: Vec<Certificate>,
        /// Those that are there already, and the access to their file.
        there: Option<(Vec<Certificate>, Access)>,
    },
    /// A key without its certificate.
    KeyOnly(Key),
    /// The service account's private key, with its public keys or without.
    KeyPair {
        /// The private key.
        key: Key,
        /// The public keys.
        public: Option<Vec<PublicKey>>,
        /// Who may do what with their file; nobody where it is not there.
        public_access: Access,
    },
    /// A kubeconfig.
    Kubeconfig(Kubeconfig),
    /// A kubeconfig whose user is somebody by other means than a certificate.
    Lead(Box<Lead>),
    /// Public keys without the private one.
    PublicOnly(Vec<PublicKey>),
    /// A key that waits for the certificate that its request asks for.
    Requested {
        /// The key.
        key: Key,
        /// What is asked for.
        request: Box<Request>,
        /// Of a kubeconfig the names of its cluster and user, and its server.
        entry: Option<[String; 3]>,
    },
    /// A certificate that came back.
    Returned(Box<Returned>),
    /// A request from another machine.
    Request {
        /// The request.
        request: Request,
        /// Who may do what with its file.
        access: Access,
        /// What was issued for it already, and the access to that file.
        issued: Option<(Vec<Certificate>, Access)>,
    },
    /// Copies of files that all nodes of a cluster have alike.
    Shared(Vec<Shared>),
    /// Something that is not what its place asks for, and the public keys of what can be read of it.
    Unreadable(Vec<Unreadable>, Vec<PublicKey>),
}

/// A private key that was found.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub state: KeyState,
    /// Who may do what with its file.
    pub access: Access,
}

/// Who may do what with a file or directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Permission bits, with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// The number of the user whose it is.
    pub user: u32,
}

/// The ground that the files of a run stand on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ground {
    /// The directories of the files, those that are there.
    pub directories: Vec<(FileId, Access)>,
    /// Files beside those of the specs that are taken as they stand.
    pub files: Vec<(FileId, Access)>,
    /// The kubeconfigs that are there.
    pub kubeconfigs: Vec<Parts>,
    /// By the spec's name, why its kubeconfig is not one that can be made anew in place.
    pub obstacles: BTreeMap<String, Obstacle>,
    /// By the spec's name, the request that is out for it.
    pub requested: BTreeMap<String, Request>,
    /// The names that `requests.json` tells and whose request lies in the tree too.
    pub listed: BTreeSet<String>,
    /// The users who may own what the cluster's trust rests on.
    pub trusted: Vec<u32>,
}

/// Where a user of a kubeconfig has its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The kubeconfig's file.
    pub file: FileId,
    /// The user, if it is another than the current context's, which alone a run makes anew.
    pub entry: Option<Entry>,
    /// What it is called in a message: one that lies where no run writes by its whole path.
    pub shown: String,
    /// Where its certificate is.
    pub certificate: Source,
    /// Where its key is.
    pub key: Source,
    /// The file that it names for that, wherever it lies.
    pub key_path: Option<PathBuf>,
}

/// Why an entry cannot be put into a kubeconfig: for the sake of what else is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// What it is told as.
    pub code: Code,
    /// What is the case, after the file's name.
    pub text: String,
    /// What can be done.
    pub way_out: &'static str,
}

/// What is known of a private key.
#[derive(Clone, Debug)]
pub enum KeyState {
    /// Encrypted, and not opened; with the reason and the way out.
    Locked(String),
    /// The key itself.
    Open(Arc<PrivateKey>),
    /// Of no use, which hides nothing else from who changes nothing.
    Unread(Unreadable),
    /// Within another text, as behind the marks of a comment: no component reads it there, and others may.
    Within,
}

/// The entry that a kubeconfig's current context names.
#[derive(Clone, Debug)]
pub struct Kubeconfig {
    /// The cluster's name.
    pub cluster: String,
    /// The user's name.
    pub user: String,
    /// The URL of the API server.
    pub server: String,
    /// The name that the API server's certificate is to be for, if another than the URL's.
    pub server_name: Option<String>,
    /// The CA certificates it trusts; without any those of the machine that it is used on.
    pub authorities: Vec<Certificate>,
    /// What it trusts at the same server under other clusters' names.
    pub beside: Vec<(String, Trusted)>,
    /// The client certificate and its chain.
    pub chain: Vec<Certificate>,
    /// Whether the certificate lies in a file of its own, which the kubeconfig names.
    pub referred: bool,
    /// The client key, with the access to the kubeconfig.
    pub key: Key,
    /// Where its CA certificates, certificate and key are.
    pub sources: Box<[Source; 3]>,
    /// The file that the key lies in, if it is one of its own, as the kubeconfig names it, and its
    /// mode.
    pub key_file: Option<(String, u32)>,
    /// The files elsewhere that it names for its CA certificates and its certificate.
    pub named: Vec<Named>,
    /// Whether it has clusters or users beside these.
    pub further: bool,
}

/// A kubeconfig whose user has a token, a password or a program that gets one.
#[derive(Clone, Debug)]
pub struct Lead {
    /// Who may do what with its file.
    pub access: Access,
    /// Where it leads, or why that cannot be told.
    pub to: Result<Destination, Unreadable>,
}

/// Where a kubeconfig leads, and whom it trusts there.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The cluster's name.
    pub cluster: String,
    /// The URL of the API server.
    pub server: String,
    /// The name that the API server's certificate is to be for, if another than the URL's.
    pub server_name: Option<String>,
    /// The CA certificates it trusts; without any those of the machine that it is used on.
    pub authorities: Vec<Certificate>,
    /// Where these are, if it has some.
    pub source: Option<Source>,
    /// The file elsewhere that it names for these.
    pub named: Vec<Named>,
}

/// Where something of a kubeconfig is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a file that is none of the tree's.
    Elsewhere,
    /// In the kubeconfig.
    Embedded,
    /// In a file of the tree.
    File(FileId),
}

/// Why a file cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The file.
    pub file: FileId,
    /// What is the case, after the file's name.
    pub why: String,
    /// What kind of reason it is.
    pub cause: Cause,
    /// What can be done, where making it anew is no way: what is there is no file, or was not read.
    pub way_out: Option<String>,
    /// Who may do what with it, where it was read and may hold a key.
    pub access: Option<Access>,
    /// The same where it was read and holds what everyone may read.
    pub public: Option<Access>,
}

/// What keeps a file from being judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It holds a certificate with its key, and this user may not read it, who changes nothing either: nothing of
    /// it was judged.
    Closed,
    /// It is not what its place asks for.
    Content,
    /// The system did not let it be read, so that nothing is known of it.
    Failed,
    /// It is a kubeconfig that is not judged, and names a file for its key: `why` is that file's path, and the
    /// access is to that.
    Named,
    /// A kubeconfig of which nothing can be read, so that its other entries cannot be kept.
    Opaque,
    /// Its certificate is asked for, and has not come.
    Requested,
    /// It holds a key alone, and this user may not read it, who changes nothing either.
    Withheld,
}

impl Cause {
    /// What a file that nobody can judge is told as.
    pub fn code(self) -> Code {
        match self {
            Self::Closed => Code::NotLookedAt,
            Self::Failed => Code::ReadFailed,
            Self::Named => Code::KeyMode,
            Self::Content | Self::Opaque => Code::Unreadable,
            Self::Requested => Code::Requested,
            Self::Withheld => Code::KeyUnread,
        }
    }
}

/// The certificate that a CA signs with: of a bundle the one of this key, which need not be the
/// first; the first where there is no key, or none is its.
pub fn signing<'a>(chain: &'a [Certificate], key: Option<&Key>) -> Option<&'a Certificate> {
    of_key(chain, key).or(chain.first())
}

/// The first that is of this key.
pub fn of_key<'a>(chain: &'a [Certificate], key: Option<&Key>) -> Option<&'a Certificate> {
    let key = key.and_then(Key::open)?;
    chain
        .iter()
        .find(|certificate| certificate.public_key == *key.public_key())
}

/// The identifier by which leaves name the CA of this key (RFC 5280 section 4.2.1.1), if one of its
/// certificates has one.
pub fn identifier<'a>(chain: &'a [Certificate], key: &PublicKey) -> Option<&'a [u8]> {
    let own = chain.iter().find(|own| own.public_key == *key);
    own.and_then(|own| own.subject_key_identifier.as_deref())
}

impl Kubeconfig {
    /// Whether it names a file for its certificate and holds the key itself.
    pub fn is_halved(&self) -> bool {
        self.referred && self.sources[2] == Source::Embedded
    }

    /// Whether it holds its CA certificates itself, or is to: it names no file for them.
    pub fn embeds_authorities(&self) -> bool {
        self.sources[0] == Source::Embedded
    }
}

impl Destination {
    /// Whether it holds its CA certificates itself.
    pub fn embeds_authorities(&self) -> bool {
        self.source == Some(Source::Embedded)
    }
}

impl Key {
    /// The key, if it could be opened.
    pub fn open(&self) -> Option<&Arc<PrivateKey>> {
        match &self.state {
            KeyState::Locked(_) | KeyState::Unread(_) | KeyState::Within => None,
            KeyState::Open(key) => Some(key),
        }
    }
}

impl Observed {
    /// The file that a kubeconfig names for its key, as it names it and as it is known.
    pub fn key_file(&self) -> Option<(&str, &Source)> {
        match self {
            Self::Kubeconfig(found) => {
                let (path, _) = found.key_file.as_ref()?;
                Some((path, &found.sources[2]))
            }
            Self::Returned(back) => {
                let (path, source) = back.key_file.as_ref()?;
                Some((path, source))
            }
            _ => None,
        }
    }

    /// Whether it is the certificate of a CA whose key is elsewhere, where it is a CA's.
    pub fn is_external(&self) -> bool {
        matches!(self, Self::Certificate { key: None, .. })
    }

    /// Whether it is a kubeconfig that can only be replaced whole.
    pub fn is_opaque(&self) -> bool {
        match self {
            Self::Unreadable(reasons, _) => {
                reasons.iter().any(|found| found.cause == Cause::Opaque)
            }
            _ => false,
        }
    }

    /// Whether nothing was found.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether nothing is where a certificate is to be put, or of what is shared a part lacks.
    pub fn lacks_all(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Copy { there, .. } => there.is_none(),
            Self::Request { issued, .. } => issued.is_none(),
            Self::Shared(files) => {
                let lacks = |shared: &Shared| shared.there.is_none();
                files.iter().any(lacks) && !files.iter().any(Shared::differs)
            }
            _ => false,
        }
    }
}
