//! The exact certificate, key pair or kubeconfig that is wanted, as plain data.
//!
//! Comes in: profiles resolved against facts. Goes out: to diff, plan and issue.

mod entry;
mod place;

use time::Duration;

use crate::finding::{Code, Finding};
use crate::key::KeyAlgorithm;
use crate::x509::Extension;
use crate::x509::cert::BasicConstraints;
use crate::x509::name::Name;
use crate::x509::request::Asked;
use crate::x509::san::{San, ordered};
use crate::x509::usage::{ExtendedKeyUsage, KeyUsage};

pub use entry::{Entry, EntryKind};
pub use place::{CredentialFiles, Credentials, Place};

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

    /// Takes a key of this kind for what is wanted, if one is given.
    pub fn set_key_algorithm(&mut self, algorithm: Option<KeyAlgorithm>) {
        let own = match &mut self.content {
            Content::Certificate(certificate) => &mut certificate.key_algorithm,
            Content::KeyPair(own) => own,
        };
        *own = algorithm.unwrap_or(*own);
    }

    /// Names the subject of its certificate, if that is given.
    pub fn set_subject(&mut self, subject: Option<&Name>) {
        if let (Content::Certificate(certificate), Some(subject)) = (&mut self.content, subject) {
            certificate.subject = subject.clone();
        }
    }

    /// Lets its certificate last for so long, if that is given.
    pub fn set_validity(&mut self, validity: Option<Duration>) {
        if let (Content::Certificate(certificate), Some(validity)) = (&mut self.content, validity) {
            certificate.validity = validity;
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
