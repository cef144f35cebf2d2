//! A file of no row: what it is shows in what it holds, whatever its name.

use zeroize::Zeroizing;

use super::{Holds, Reader, access, key_state};
use crate::der::{self, SEQUENCE};
use crate::key::{self, PrivateKey};
use crate::kubeconfig::{self, Bearer};
use crate::location::FileId;
use crate::observe::parts::lies;
use crate::observed::{Access, Cause, Destination, Key, KeyState, Lead, Observed, Unreadable};
use crate::pem::{self, Fault};
use crate::pkcs12;
use crate::profile::found::is_superseded;
use crate::show::{Content, parts};
use crate::store::{FileContent, ReadError, is_called_ours};
use crate::x509::cert::Certificate;

impl Reader<'_> {
    pub(super) fn found(&mut self, file: &FileId) -> Observed {
        let content = match self.store.read_found(file) {
            Ok(Some(content)) => content,
            Ok(None) => return Observed::Absent,
            Err(error) => return self.not_read(file, &error),
        };
        if !may_hold(&content.bytes) {
            return self.nothing(file, &content);
        }
        match kubeconfig::bearer(&content.bytes) {
            Some(Bearer::Certificate) => return self.kubeconfig(file),
            Some(Bearer::Key) => {
                let why = "it is in a kubeconfig without its certificate".to_owned();
                return locked(why, &content);
            }
            Some(Bearer::Otherwise) => return self.found_lead(file, &content),
            None => {}
        }
        if let Some(why) = sealed(first(&content.bytes)) {
            return locked(why.to_owned(), &content);
        }
        let armour = armoured(first(&content.bytes));
        let bytes = armour.as_deref().unwrap_or(&content.bytes);
        let key = pem::holds_private_key(bytes).then(|| self.found_key(file, bytes, &content));
        let chain = if pem::holds_certificate(bytes) && !is_superseded(file) {
            self.parsed(file, bytes, Certificate::from_pem)
        } else {
            None
        };
        if !is_called_ours(file) {
            self.unreadable.clear();
        }
        match (chain, key) {
            (Some(chain), key) => Observed::Certificate {
                chain,
                access: access(&content),
                key: key.or_else(|| embeds_key(&content.bytes).then(|| within(&content))),
            },
            (None, Some(key)) => Observed::KeyOnly(key),
            (None, None) if self.unreadable.is_empty() => {
                // As behind the marks of a comment: what its name says that it is matters less.
                if is_public(file) && embeds_key(&content.bytes) {
                    return Observed::KeyOnly(within(&content));
                }
                let nothing = self.nothing(file, &content);
                // As in a Secret's manifest: no component reads it as it is.
                let embedded = nothing.is_absent() && self.unreadable.is_empty();
                if embedded && embeds_key(&content.bytes) {
                    return Observed::KeyOnly(within(&content));
                }
                nothing
            }
            (None, None) => Observed::Absent,
        }
    }

    /// What nothing was found in, though its name or what it holds says that something should be.
    fn nothing(&mut self, file: &FileId, content: &FileContent) -> Observed {
        let Some(why) = not_read(file, &content.bytes) else {
            return Observed::Absent;
        };
        let reason = Unreadable {
            file: file.clone(),
            why: format!("cannot be used: {why}"),
            cause: Cause::Content,
            way_out: None,
            access: None,
            public: None,
        };
        if is_key(file) {
            return Observed::KeyOnly(Key {
                state: KeyState::Unread(reason),
                access: access(content),
            });
        }
        let before = self.unreadable.len();
        self.unreadable.push(reason);
        if is_public(file) {
            self.public_to(before, access(content));
        } else {
            self.open_to(before, access(content));
        }
        Observed::Absent
    }

    /// Of what cannot be read only the name can say that it should be.
    fn not_read(&mut self, file: &FileId, error: &ReadError) -> Observed {
        if !is_called_ours(file) {
            return Observed::Absent;
        }
        let key = is_key(file) || file.name.ends_with("-key.pem");
        self.unread(file, error, if key { Holds::Key } else { Holds::Both });
        match self.unreadable.pop() {
            Some(reason) if is_key(file) => Observed::KeyOnly(Key {
                state: KeyState::Unread(reason),
                access: Access::default(),
            }),
            reason => {
                self.unreadable.extend(reason);
                Observed::Absent
            }
        }
    }

    /// Who may read it matters though it cannot be used.
    fn found_key(&mut self, file: &FileId, bytes: &[u8], content: &FileContent) -> Key {
        let read = self.parsed(file, bytes, |bytes| key_state(bytes, None));
        let state = read.unwrap_or_else(|| match self.unreadable.pop() {
            Some(reason) if is_called_ours(file) => KeyState::Unread(reason),
            reason => KeyState::Locked(reason.map(|reason| reason.why).unwrap_or_default()),
        });
        Key {
            state,
            access: access(content),
        }
    }

    fn found_lead(&mut self, file: &FileId, content: &FileContent) -> Observed {
        let led = self
            .parsed(file, &content.bytes, kubeconfig::lead)
            .and_then(|led| {
                let of_ca = led.authorities.as_ref();
                let authorities = self.authorities(file, of_ca)?;
                Some(Destination {
                    cluster: led.cluster,
                    server: led.server,
                    server_name: led.server_name,
                    authorities,
                    source: of_ca.map(|source| lies(file, source, self.store)),
                    named: std::mem::take(&mut self.named),
                })
            });
        let to = match (led, self.unreadable.pop()) {
            (Some(led), None) => Ok(led),
            (None, Some(reason)) => Err(reason),
            // Each of the readers above gives one or the other.
            _ => return Observed::Absent,
        };
        Observed::Lead(Box::new(Lead {
            access: access(content),
            to,
        }))
    }
}

/// Whether a file can be a certificate, a key or a kubeconfig: those that cannot are many and may be large,
/// and this takes little time.
pub(crate) fn may_hold(bytes: &[u8]) -> bool {
    bytes.first() == Some(&SEQUENCE)
        || pem::may_hold(bytes)
        || kubeconfig::may_hold(bytes)
        || kubeconfig::may_be_meant(bytes)
        || embeds_key(bytes)
}

/// Whether a private key is within another text, be it as DER.
pub(in crate::observe) fn embeds_key(bytes: &[u8]) -> bool {
    pem::embeds_private_key(bytes, &is_der_of_key)
}

/// Whether a private key is in a file, in whatever form.
pub(in crate::observe) fn holds_key(bytes: &[u8]) -> bool {
    pem::holds_private_key(bytes) || is_der_of_key(bytes)
}

fn is_der_of_key(bytes: &[u8]) -> bool {
    let der = first(bytes);
    sealed(der).is_some() || key::shape(der).is_some()
}

/// The same of a file that is too large for any of them, by its beginning. A database or an archive may have
/// some in it: certificates as etcd's has, which are nobody's file, or keys, which others may read with it.
pub(crate) fn beginning_may_hold(bytes: &[u8]) -> bool {
    if bytes.first() != Some(&SEQUENCE) && bytes.contains(&0) {
        return pem::holds_private_key(bytes) || kubeconfig::names_key(bytes);
    }
    may_hold(bytes)
}

/// A key of which no more is known than who may read its file.
fn locked(why: String, content: &FileContent) -> Observed {
    Observed::KeyOnly(Key {
        state: KeyState::Locked(why),
        access: access(content),
    })
}

/// One that no component reads as it is.
pub(super) fn within(content: &FileContent) -> Key {
    Key {
        state: KeyState::Within,
        access: access(content),
    }
}

/// How a key is kept from who has no password, in a form that is not PEM.
fn sealed(bytes: &[u8]) -> Option<&'static str> {
    if pkcs12::holds_key(bytes) {
        Some("it is in a PKCS#12 file")
    } else if key::is_encrypted(bytes) {
        Some("it is encrypted")
    } else {
        None
    }
}

/// Why a file is not what its name or what it holds says that it is. What is plainly another program's is
/// nothing to be told.
fn not_read(file: &FileId, bytes: &[u8]) -> Option<String> {
    let called = is_called_ours(file);
    if !is_public(file) && !is_key(file) {
        return kubeconfig::fault(bytes, called);
    }
    if let Some(why) = kubeconfig::fault(bytes, false) {
        return Some(why);
    }
    if !called || is_superseded(file) {
        return None;
    }
    match parts(bytes) {
        Ok(parts) => {
            let why = parts.into_iter().find_map(|part| match part.content {
                Content::Unreadable(why) => Some(why),
                _ => None,
            })?;
            let other = has_ending(file, &["pem", "pub"]) && is_of_others(bytes);
            (!other).then_some(why)
        }
        Err(_) if has_ending(file, &["pub"]) && is_of_ssh(bytes) => None,
        Err(_) => Some("it holds no certificate, request or key".to_owned()),
    }
}

fn is_key(file: &FileId) -> bool {
    has_ending(file, &["key"])
}

/// Whether it is called like what everyone may read.
fn is_public(file: &FileId) -> bool {
    has_ending(file, &["cer", "cert", "crt", "pem", "pub"])
}

fn has_ending(file: &FileId, endings: &[&str]) -> bool {
    let own = file.name.rsplit_once('.').map_or("", |(_, ending)| ending);
    endings
        .iter()
        .any(|ending| own.eq_ignore_ascii_case(ending))
}

/// A public key as SSH writes it (RFC 4253, 6.6).
fn is_of_ssh(bytes: &[u8]) -> bool {
    let kinds: [&[u8]; 3] = [b"ssh-", b"ecdsa-sha2-", b"sk-"];
    kinds.iter().any(|kind| bytes.starts_with(kind))
}

/// What lies there as DER, as PEM. Of a key that cannot be used the shape tells that it is one.
fn armoured(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if bytes.first() != Some(&SEQUENCE) {
        return None;
    }
    let pem = if let Ok(certificate) = Certificate::parse(bytes) {
        Zeroizing::new(certificate.to_pem())
    } else if let Some(key) = PrivateKey::from_der(bytes) {
        key.to_pem()
    } else {
        pem::encode(key::shape(bytes)?, bytes)
    };
    Some(Zeroizing::new(pem.as_bytes().to_vec()))
}

/// Of DER the first element alone: an editor has put a line break behind it, or somebody another one.
fn first(bytes: &[u8]) -> &[u8] {
    match der::read(bytes) {
        Ok((element, _)) if element.tag == SEQUENCE => element.raw,
        _ => bytes,
    }
}

/// Whether its blocks are of neither certificates nor keys: a revocation list, for one.
fn is_of_others(bytes: &[u8]) -> bool {
    let ours = ["CERTIFICATE", "KEY", "PKCS"];
    let fault = pem::blocks(bytes).map_err(|error| error.fault);
    matches!(fault, Err(Fault::UnknownLabel(label)) if !ours.iter().any(|ours| label.contains(ours)))
}
