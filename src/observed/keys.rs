//! The keys of what is there.

use super::{Key, KeyState, Observed, Unreadable};
use crate::key::PublicKey;
use crate::x509::cert::Certificate;

/// A leaf's certificates from the one of its key on, where a CA's stands before it: as whoever puts the two together the
/// wrong way round has it. Else all of them.
pub fn of_leaf<'a>(chain: &'a [Certificate], key: Option<&Key>) -> &'a [Certificate] {
    let Some(key) = key.and_then(Key::open) else {
        return chain;
    };
    let own = chain
        .iter()
        .position(|certificate| certificate.public_key == *key.public_key());
    match own {
        Some(own) if chain[0].is_ca() && !chain[own].is_ca() => &chain[own..],
        _ => chain,
    }
}

impl Observed {
    /// The key that its certificate is asked for with.
    pub fn asking_key(&self) -> Option<&Key> {
        match self {
            Self::Certificate { key, .. } => key.as_ref(),
            Self::KeyOnly(key) | Self::Requested { key, .. } => Some(key),
            Self::Kubeconfig(found) => Some(&found.key),
            _ => None,
        }
    }

    /// The public keys of what is there: of a CA's certificates, of its private key, of the service accounts.
    pub fn public_keys(&self) -> Vec<PublicKey> {
        let (chain, key, public): (&[Certificate], _, &[PublicKey]) = match self {
            Self::Certificate { chain, key, .. } => (chain, key.as_ref(), &[]),
            Self::KeyOnly(key) | Self::Requested { key, .. } => (&[], Some(key), &[]),
            Self::KeyPair { key, public, .. } => (&[], Some(key), public.as_deref().unwrap_or(&[])),
            Self::PublicOnly(public) | Self::Unreadable(_, public) => (&[], None, public),
            Self::Returned(back) => (&back.chain, back.key.as_ref(), &[]),
            _ => (&[], None, &[]),
        };
        let certified = chain.iter().filter(|ca| ca.is_ca());
        let certified = certified.map(|ca| &ca.public_key);
        let own = key.and_then(Key::open).map(|key| key.public_key());
        certified.chain(own).chain(public).cloned().collect()
    }

    /// Why its key is of no use.
    pub fn unread_key(&self) -> Option<&Unreadable> {
        let key = match self {
            Self::Certificate { key, .. } => key.as_ref()?,
            Self::KeyOnly(key) | Self::KeyPair { key, .. } => key,
            _ => return None,
        };
        match &key.state {
            KeyState::Unread(reason) => Some(reason),
            KeyState::Locked(_) | KeyState::Open(_) | KeyState::Within => None,
        }
    }

    /// Whether its key is encrypted, and was not opened.
    pub fn is_locked(&self) -> bool {
        match self {
            Self::Certificate { key: Some(key), .. } => matches!(key.state, KeyState::Locked(_)),
            _ => false,
        }
    }
}
