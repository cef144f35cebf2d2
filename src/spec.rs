//! The exact certificate, key pair or kubeconfig that is wanted, as plain data.
//!
//! Comes in: profiles resolved against facts. Goes out: to diff, plan and issue.

mod entry;

use time::Duration;

use crate::finding::{Code, Finding};
use crate::key::KeyAlgorithm;
use crate::location::{FileId, Root};
use crate::x509::Extension;
use crate::x509::cert::BasicConstraints;
use crate::x509::name::Name;
use crate::x509::request::Asked;
use crate::x509::san::{San, ordered};
use crate::x509::usage::{ExtendedKeyUsage, KeyUsage};

pub use entry::{Entry, EntryKind};

/// How long before its issue a certificate begins, since clocks differ.
pub const BACKDATE: Duration = Duration::minutes(5);

/// The subcommand that makes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `certs ca`
    Ca,
    /// `certs client`
    Client,
    /// `certs kubeconfig`
    Kubeconfig,
    /// `certs peer`
    Peer,
    /// `certs sa`
    Sa,
    /// `certs server`
    Server,
}

impl Phase {
    /// The subcommand's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ca => "ca",
            Self::Client => "client",
            Self::Kubeconfig => "kubeconfig",
            Self::Peer => "peer",
            Self::Sa => "sa",
            Self::Server => "server",
        }
    }
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Signs certificates.
    Ca,
    /// TLS client.
    Client,
    /// A key pair, no certificate.
    KeyPair,
    /// TLS server.
    Server,
    /// TLS server that also connects to its like, as etcd members do.
    ServerAndClient,
}

impl Kind {
    /// As `docs/profiles.md` and the reports say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ca => "CA",
            Self::Client => "client",
            Self::KeyPair => "key pair",
            Self::Server => "server",
            Self::ServerAndClient => "server and client",
        }
    }
}

/// One thing that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The name of its profile, or the user's own.
    pub name: String,
    /// The subcommand that makes it.
    pub phase: Phase,
    /// Where it goes.
    pub place: Place,
    /// What it is.
    pub content: Content,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A certificate and its key.
    Certificate(CertificateSpec),
    /// A key pair without a certificate.
    KeyPair(KeyAlgorithm),
}

/// A certificate that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSpec {
    /// Its subject.
    pub subject: Name,
    /// Whether the user gave the subject. A CA that is there is kept under any other name.
    pub subject_given: bool,
    /// Subjects that kubeadm gave it once, and which are accepted where they are found.
    pub former_subjects: Vec<Name>,
    /// The name of the spec that signs it; none signs itself.
    pub issuer: Option<String>,
    /// What it may be used for.
    pub kind: Kind,
    /// Its subject alternative names, in kubeadm's order.
    pub sans: Vec<San>,
    /// The algorithm of its key.
    pub key_algorithm: KeyAlgorithm,
    /// From now to its end.
    pub validity: Duration,
    /// What it takes over from the certificate that it renews.
    pub kept: Option<Kept>,
}

/// What a renewed certificate has as the one before it had it, beside its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its key usage; of a CA it is among the extensions.
    pub key_usage: KeyUsage,
    /// Its extended key usage, in its order; of a CA it is among the extensions.
    pub extended_key_usage: Vec<ExtendedKeyUsage>,
    /// Of a CA all extensions, which are written as they are here. Of a leaf those that the table
    /// does not know, which follow the others.
    pub extensions: Vec<Extension>,
}

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

impl Spec {
    /// What is found in its place, about its public file.
    pub fn finding(
        &self,
        code: Code,
        text: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Finding {
        Finding {
            code,
            name: self.name.clone(),
            file: self.place.public(),
            text: self.place.told(text.into()),
            way_out: way_out.into(),
        }
    }

    /// The files that it names instead of having a certificate and a key of its own.
    pub fn credential_files(&self) -> Option<&CredentialFiles> {
        match &self.place {
            Place::Kubeconfig {
                credentials: Credentials::Files(files),
                ..
            } => Some(files),
            _ => None,
        }
    }

    /// The certificate that is wanted, unless it is a bare key pair.
    pub fn certificate(&self) -> Option<&CertificateSpec> {
        match &self.content {
            Content::Certificate(certificate) => Some(certificate),
            Content::KeyPair(_) => None,
        }
    }

    /// Takes a key of this kind for what is wanted: another machine has it.
    pub fn set_key_algorithm(&mut self, algorithm: Option<KeyAlgorithm>) {
        if let (Content::Certificate(certificate), Some(algorithm)) = (&mut self.content, algorithm)
        {
            certificate.key_algorithm = algorithm;
        }
    }

    /// Makes its certificate good for further names.
    pub fn add_sans(&mut self, sans: Vec<San>) {
        if let Content::Certificate(certificate) = &mut self.content {
            let all = certificate.sans.drain(..).chain(sans).collect();
            certificate.sans = ordered(all);
        }
    }

    /// Whether it is a CA.
    pub fn is_ca(&self) -> bool {
        self.certificate()
            .is_some_and(|certificate| certificate.kind == Kind::Ca)
    }

    /// The algorithm of its key.
    pub fn key_algorithm(&self) -> KeyAlgorithm {
        match &self.content {
            Content::Certificate(certificate) => certificate.key_algorithm,
            Content::KeyPair(algorithm) => *algorithm,
        }
    }
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

impl CertificateSpec {
    /// What a request for it asks for, with a key of this algorithm.
    pub fn asked(&self, algorithm: KeyAlgorithm) -> Asked {
        Asked {
            subject: self.subject.clone(),
            sans: self.sans.clone(),
            key_usage: Some(self.key_usage(algorithm)),
            extended_key_usage: self.extended_key_usage().to_vec(),
            basic_constraints: (self.kind == Kind::Ca).then_some(BasicConstraints {
                ca: true,
                path_length: None,
                critical: true,
            }),
            subject_key_identifier: None,
        }
    }

    /// The key usage for a key of this algorithm (RFC 5280 section 4.2.1.3). keyEncipherment
    /// goes with RSA only: RFC 8813 section 3 forbids it on EC keys, where kubeadm sets it.
    pub fn key_usage(&self, algorithm: KeyAlgorithm) -> KeyUsage {
        if let Some(kept) = &self.kept {
            return kept.key_usage;
        }
        match (self.kind, algorithm) {
            (Kind::Ca, _) => KeyUsage::DIGITAL_SIGNATURE
                .union(KeyUsage::KEY_CERT_SIGN)
                .union(KeyUsage::CRL_SIGN),
            (_, KeyAlgorithm::Rsa(_)) => {
                KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::KEY_ENCIPHERMENT)
            }
            _ => KeyUsage::DIGITAL_SIGNATURE,
        }
    }

    /// The extended key usage, in kubeadm's order.
    pub fn extended_key_usage(&self) -> &[ExtendedKeyUsage] {
        if let Some(kept) = &self.kept {
            return &kept.extended_key_usage;
        }
        match self.kind {
            Kind::Ca | Kind::KeyPair => &[],
            Kind::Client => &[ExtendedKeyUsage::ClientAuth],
            Kind::Server => &[ExtendedKeyUsage::ServerAuth],
            Kind::ServerAndClient => &[ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth],
        }
    }
}
