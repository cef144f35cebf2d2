//! Where what is wanted is stored, as plain data.

use super::Entry;
use crate::location::{FileId, Root};

/// Where something is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A certificate and its key in the certificate directory, called as other tools call them: `x.pem` and `x-key.pem`.
    Beside {
        /// The certificate's file.
        certificate: String,
        /// The key's, in the same folder.
        key: String,
    },
    /// One file of a certificate, with its key in it or with none.
    File {
        /// The directory.
        root: Root,
        /// The file's name.
        name: String,
    },
    /// A file of no row, whatever its name: what it holds tells what it is.
    Found {
        /// The file.
        file: FileId,
        /// The file beside it that holds its key, if that is another.
        key: Option<FileId>,
        /// The entry of a kubeconfig that is meant alone.
        entry: Option<Entry>,
    },
    /// `BASE.key` and `BASE.pub` in the certificate directory.
    KeyPair {
        /// The file names without their ending.
        base: String,
    },
    /// A kubeconfig.
    Kubeconfig {
        /// Its file name.
        file: String,
        /// The cluster's name.
        cluster: String,
        /// The user's name, which is the subject's common name.
        user: String,
        /// The URL of the API server.
        server: String,
        /// Another one that is as good: the endpoint for who is given the local one, as `kubeadm
        /// join` writes it.
        or_server: Option<String>,
        /// Where its certificates and key are.
        credentials: Credentials,
    },
    /// `BASE.crt` and `BASE.key`.
    Pair {
        /// The directory.
        root: Root,
        /// The file names without their ending.
        base: String,
    },
    /// `BASE.csr`, which another machine's key signed, and `BASE.crt` for it.
    Request {
        /// The file names without their ending.
        base: String,
    },
}

/// Where the certificates and the key of a kubeconfig are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// In itself where it is made; where it is there, wherever they are.
    AsFound,
    /// In itself.
    Embedded,
    /// In files, which it names. They belong to specs of their own.
    Files(CredentialFiles),
}

/// The files that a kubeconfig names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialFiles {
    /// The CA certificates; none where nobody asked for them in a file.
    pub authorities: Option<FileId>,
    /// The client certificate.
    pub certificate: FileId,
    /// The client key.
    pub key: FileId,
}

impl Place {
    /// Whether it is a certificate with its key in a file beside it.
    pub fn is_pair(&self) -> bool {
        matches!(self, Self::Beside { .. } | Self::Pair { .. })
    }

    /// The request for its certificate, which stays beside it.
    pub fn request(&self) -> FileId {
        self.public().request()
    }

    /// The files, the one that others read first.
    pub fn files(&self) -> Vec<FileId> {
        match self {
            Self::File { .. } | Self::Kubeconfig { .. } | Self::Request { .. } => {
                vec![self.public()]
            }
            Self::Found { file, key, .. } => [Some(file), key.as_ref()]
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
            Self::Beside { .. } | Self::KeyPair { .. } | Self::Pair { .. } => {
                vec![self.public(), self.key()]
            }
        }
    }

    /// The file of the certificate or public key; its only file, where there is one.
    pub fn public(&self) -> FileId {
        match self {
            Self::Beside { certificate, .. } => FileId::new(Root::Pki, certificate.clone()),
            Self::File { root, name } => FileId::new(*root, name.clone()),
            Self::Found { file, .. } => file.clone(),
            Self::KeyPair { base } => FileId::public_key(Root::Pki, base),
            Self::Kubeconfig { file, .. } => FileId::new(Root::Kubeconfig, file.clone()),
            Self::Pair { root, base } => FileId::certificate(*root, base),
            Self::Request { base } => FileId::certificate(Root::Requests, base),
        }
    }

    /// The entry of a kubeconfig that is meant alone.
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Found { entry, .. } => entry.as_ref(),
            _ => None,
        }
    }

    /// What is told of it, after its file's name: of an entry which one it is.
    pub fn told(&self, text: String) -> String {
        match self.entry() {
            Some(entry) => format!("({entry}) {text}"),
            None => text,
        }
    }

    /// The file that holds the private key, or what stands for it; its only file, where there is one.
    pub fn key(&self) -> FileId {
        match self {
            Self::Beside { key, .. } => FileId::new(Root::Pki, key.clone()),
            Self::KeyPair { base } => FileId::private_key(Root::Pki, base),
            Self::File { .. } | Self::Kubeconfig { .. } => self.public(),
            Self::Found { file, key, .. } => key.as_ref().unwrap_or(file).clone(),
            Self::Pair { root, base } => FileId::private_key(*root, base),
            Self::Request { base } => FileId::request_in(Root::Requests, base),
        }
    }
}
