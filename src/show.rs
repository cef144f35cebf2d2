//! What is in a file that somebody names: certificates, requests, keys, a kubeconfig; and what
//! Kubernetes makes of them. Bytes in, plain data out. Of a private key only the public half leaves.

use zeroize::Zeroizing;

use crate::key::{KeyError, PrivateKey, PublicKey};
use crate::kubeconfig::{self, Outline, Source};
use crate::pem::{self, Block, Label};
use crate::profile::{Profile, fit};
use crate::x509::cert::Certificate;
use crate::x509::name::Name;
use crate::x509::request::Request;
use crate::x509::usage::ExtendedKeyUsage;

/// One thing in a file.
#[derive(Debug)]
pub struct Part {
    /// Where in a kubeconfig it is: `user alice: client-certificate-data`.
    pub within: Option<String>,
    /// What it is.
    pub content: Content,
}

/// What was found.
#[derive(Debug)]
pub enum Content {
    /// A certificate.
    Certificate(Box<Certificate>),
    /// A kubeconfig; what it embeds are parts that follow.
    Kubeconfig(Outline),
    /// A private key that is encrypted, and not opened; how, where that is told.
    Locked,
    /// The public half of a private key.
    PrivateKey(PublicKey),
    /// A public key.
    PublicKey(PublicKey),
    /// A request, and why it does not prove that who asks has the key.
    Request(Box<Request>, Option<String>),
    /// Something that cannot be read, and why.
    Unreadable(String),
}

/// Whom Kubernetes takes somebody for who shows a certificate as a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The common name.
    pub user: String,
    /// The organizations.
    pub groups: Vec<String>,
}

/// The parts of a file, in its order. The error is of a file that holds nothing that is known here.
pub fn parts(bytes: &[u8]) -> anyhow::Result<Vec<Part>> {
    let alone = |content| {
        vec![Part {
            within: None,
            content,
        }]
    };
    if let Some(found) = of_der(bytes) {
        return Ok(alone(found));
    }
    let none = match kubeconfig::outline(bytes) {
        Ok(outline) => return Ok(of_kubeconfig(outline)),
        Err(error) => error,
    };
    let found = of_pem(bytes, None);
    anyhow::ensure!(
        !found.is_empty(),
        "holds no certificate, request or key, and is no kubeconfig: {none:#}"
    );
    Ok(found)
}

/// Whom Kubernetes takes a client with this certificate for; none where it is none of a client.
pub fn identity(certificate: &Certificate) -> Option<Identity> {
    let client = is_for(
        &certificate.extended_key_usage,
        &ExtendedKeyUsage::ClientAuth,
    );
    (client && !certificate.is_ca())
        .then(|| of_subject(&certificate.subject))
        .flatten()
}

/// The same of what a request asks for.
pub fn asked_identity(request: &Request) -> Option<Identity> {
    let asked = &request.asked;
    let ca = asked
        .basic_constraints
        .is_some_and(|constraints| constraints.ca);
    let client = is_for(&asked.extended_key_usage, &ExtendedKeyUsage::ClientAuth);
    (client && !ca)
        .then(|| of_subject(&asked.subject))
        .flatten()
}

/// The rows of the table that it could be.
pub fn rows(certificate: &Certificate) -> Vec<&'static Profile> {
    fit(
        &certificate.subject,
        &certificate.sans,
        certificate.is_ca(),
        &certificate.extended_key_usage,
    )
}

/// The rows of the table that a request could be for.
pub fn asked_rows(request: &Request) -> Vec<&'static Profile> {
    let asked = &request.asked;
    let ca = asked
        .basic_constraints
        .is_some_and(|constraints| constraints.ca);
    fit(&asked.subject, &asked.sans, ca, &asked.extended_key_usage)
}

/// Without the extension any usage is allowed (RFC 5280 section 4.2.1.12).
fn is_for(usages: &[ExtendedKeyUsage], wanted: &ExtendedKeyUsage) -> bool {
    usages.is_empty() || usages.contains(wanted)
}

fn of_subject(subject: &Name) -> Option<Identity> {
    Some(Identity {
        user: subject.common_name()?,
        groups: subject.organizations(),
    })
}

/// One certificate, request or key in DER.
fn of_der(bytes: &[u8]) -> Option<Content> {
    if bytes.first() != Some(&crate::der::SEQUENCE) {
        return None;
    }
    if let Ok(certificate) = Certificate::parse(bytes) {
        return Some(Content::Certificate(Box::new(certificate)));
    }
    if let Ok(request) = Request::parse(bytes) {
        return Some(of_request(request));
    }
    if let Ok(key) = PublicKey::from_spki(bytes) {
        return Some(Content::PublicKey(key));
    }
    match PrivateKey::from_der(bytes) {
        Some(key) => Some(Content::PrivateKey(key.public_key().clone())),
        // A text may start with the same octet.
        None => pem::is_der(bytes)
            .then(|| Content::Unreadable("is DER of something that is not known here".to_owned())),
    }
}

fn of_pem(bytes: &[u8], within: Option<&str>) -> Vec<Part> {
    let part = |content| Part {
        within: within.map(str::to_owned),
        content,
    };
    match pem::parse(bytes) {
        Ok(blocks) => {
            let told = |block: &&Block| block.label != Label::EcParameters;
            blocks
                .iter()
                .filter(told)
                .map(|block| part(of_block(block)))
                .collect()
        }
        // The reader of keys knows the old form of encrypted ones, and what kinds are not supported.
        Err(_) if pem::holds_private_key(bytes) => vec![part(of_key(bytes))],
        Err(error) => vec![part(Content::Unreadable(format!("{error:#}")))],
    }
}

fn of_block(block: &Block) -> Content {
    let unreadable = |error: anyhow::Error| Content::Unreadable(format!("{error:#}"));
    match block.label {
        Label::Certificate => Certificate::parse(&block.der)
            .map_or_else(unreadable, |read| Content::Certificate(Box::new(read))),
        Label::CertificateRequest => Request::parse(&block.der).map_or_else(unreadable, of_request),
        Label::PublicKey => {
            PublicKey::from_spki(&block.der).map_or_else(unreadable, Content::PublicKey)
        }
        Label::EcParameters
        | Label::EcPrivateKey
        | Label::EncryptedPrivateKey
        | Label::PrivateKey
        | Label::RsaPrivateKey => of_key(pem::encode(block.label, &block.der).as_bytes()),
    }
}

fn of_key(pem: &[u8]) -> Content {
    match PrivateKey::from_pem(pem, None) {
        Ok(key) => Content::PrivateKey(key.public_key().clone()),
        Err(KeyError::Encrypted | KeyError::UnsupportedEncryption(_)) => Content::Locked,
        Err(error) => Content::Unreadable(error.to_string()),
    }
}

fn of_request(request: Request) -> Content {
    let unproven = request.prove_possession().err();
    let unproven = unproven.map(|error| format!("{error:#}"));
    Content::Request(Box::new(request), unproven)
}

fn of_kubeconfig(outline: Outline) -> Vec<Part> {
    let mut embedded: Vec<(String, Zeroizing<Vec<u8>>)> = Vec::new();
    let sources = outline
        .clusters
        .iter()
        .map(|cluster| ("cluster", &cluster.name, &cluster.authorities));
    let users = outline
        .users
        .iter()
        .flat_map(|user| [&user.certificate, &user.key].map(|source| ("user", &user.name, source)));
    for (what, name, source) in sources.chain(users) {
        if let Some(Source::Data { field, bytes }) = source {
            embedded.push((format!("{what} {name}: {field}-data"), bytes.clone()));
        }
    }
    let mut unreadable: Vec<Part> = Vec::new();
    for broken in &outline.broken {
        unreadable.push(Part {
            within: Some(format!("{}: {}", broken.entry, broken.field)),
            content: Content::Unreadable("is not base64".to_owned()),
        });
    }
    let mut parts = vec![Part {
        within: None,
        content: Content::Kubeconfig(outline),
    }];
    for (within, bytes) in embedded {
        let found = of_pem(&bytes, Some(&within));
        if found.is_empty() {
            unreadable.push(Part {
                within: Some(within),
                content: Content::Unreadable("holds no certificate, and no key".to_owned()),
            });
        }
        parts.extend(found);
    }
    parts.extend(unreadable);
    parts
}
