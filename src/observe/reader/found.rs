//! A file of no row: what it is shows in what it holds, whatever its name.

use zeroize::Zeroizing;

use super::{Holds, Reader, access, key_state};
use crate::der::SEQUENCE;
use crate::key::{self, PrivateKey};
use crate::kubeconfig::{self, Bearer};
use crate::location::FileId;
use crate::observed::{Access, Destination, Key, KeyState, Lead, Observed};
use crate::pem;
use crate::pkcs12;
use crate::profile::found::is_superseded;
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
            return Observed::Absent;
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
        if let Some(why) = sealed(&content.bytes) {
            return locked(why.to_owned(), &content);
        }
        let armour = armoured(&content.bytes);
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
                key,
            },
            (None, Some(key)) => Observed::KeyOnly(key),
            (None, None) => Observed::Absent,
        }
    }

    /// Of what cannot be read only the name can say that it should be.
    fn not_read(&mut self, file: &FileId, error: &ReadError) -> Observed {
        if !is_called_ours(file) {
            return Observed::Absent;
        }
        self.unread(file, error, Holds::Key);
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
                let read = Certificate::from_pem;
                let (authorities, _) = self.source(file, &led.authorities, read)?;
                Some(Destination {
                    cluster: led.cluster,
                    server: led.server,
                    server_name: led.server_name,
                    authorities,
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
    bytes.first() == Some(&SEQUENCE) || pem::may_hold(bytes) || kubeconfig::may_hold(bytes)
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

fn is_key(file: &FileId) -> bool {
    let ending = file.name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case("key"))
}

/// What lies there as DER, as PEM.
fn armoured(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if bytes.first() != Some(&SEQUENCE) {
        return None;
    }
    let pem = match Certificate::parse(bytes) {
        Ok(certificate) => Zeroizing::new(certificate.to_pem()),
        Err(_) => PrivateKey::from_der(bytes)?.to_pem(),
    };
    Some(Zeroizing::new(pem.as_bytes().to_vec()))
}
