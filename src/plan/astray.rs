//! Which stage of a replacement brings a copy to what all nodes share. Pure.

use super::{Found, Goal};
use crate::diff::{Stage, generations};
use crate::key::{PrivateKey, PublicKey};
use crate::location::FileId;
use crate::profile::rotation::replaced;
use crate::profile::{Profile, is_signing_file};
use crate::x509::cert::Certificate;

/// The stages, by their numbers but for the start's.
const GOALS: [Goal; 3] = [Goal::Trust, Goal::Issue, Goal::Drop];

/// The stage that is to be run once more where one is under way in what all share, which was `found`, and a copy is as it
/// was before it or comes to be by it; none where something else makes it another.
pub fn astray(found: &Found, file: &FileId, copy: &[u8]) -> Option<(&'static Profile, Goal)> {
    let row = replaced(file)?;
    let there = generations(row, found).ok()?;
    let (at, former, next) = match there.stage {
        Stage::Start => return None,
        Stage::Trust => (1, &there.present, there.next.as_ref()?),
        Stage::Issue => (2, there.others.first()?, &there.present),
    };
    let [former, next] = [former, next].map(|held| held.public_key().clone());
    let signs = *file == row.stored.key() || is_signing_file(&file.name);
    let copied = match &keys(copy)?[..] {
        // Who signs is another from the second stage on.
        [key] if signs => match key {
            key if *key == former => at.min(1),
            key if *key == next => at.max(2),
            _ => return None,
        },
        [key] if *key == former => 0,
        [key] if *key == next => 3,
        // Who signs stands first.
        [first, second] if [first, second] == [&former, &next] => 1,
        [first, second] if [first, second] == [&next, &former] => 2,
        _ => return None,
    };
    match copied {
        behind if behind < at => Some((row, GOALS[at - 1])),
        ahead if ahead == at + 1 => Some((row, GOALS[at])),
        _ => None,
    }
}

/// The keys of a file, by which the generations in it are told apart.
pub fn keys(bytes: &[u8]) -> Option<Vec<PublicKey>> {
    if let Ok(key) = PrivateKey::from_pem(bytes, None) {
        return Some(vec![key.public_key().clone()]);
    }
    let of_cas = |cas: Vec<Certificate>| cas.into_iter().map(|ca| ca.public_key).collect();
    let cas = Certificate::from_pem(bytes).ok().map(of_cas);
    cas.or_else(|| PublicKey::all_from_pem(bytes).ok())
}
