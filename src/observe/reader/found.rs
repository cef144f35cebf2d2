//! A file of no row: what it is shows in what it holds, whatever its name.

use zeroize::Zeroizing;

use super::{Holds, Reader, access, key_state};
use crate::der::SEQUENCE;
use crate::key::PrivateKey;
use crate::kubeconfig;
use crate::location::FileId;
use crate::observed::{Access, Destination, Key, KeyState, Lead, Observed};
use crate::pem;
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
        if kubeconfig::is_kubeconfig(&content.bytes) {
            return self.found_kubeconfig(file, &content);
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

    fn found_kubeconfig(&mut self, file: &FileId, content: &FileContent) -> Observed {
        if !kubeconfig::is_otherwise(&content.bytes) {
            return self.kubeconfig(file);
        }
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
