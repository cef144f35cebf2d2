//! How far the replacement of a CA, or of the key of the service accounts, is. The files alone tell.

mod behind;
mod fit;

use std::collections::BTreeMap;

use crate::bundle::is_root;
use crate::finding::{Code, Finding};
use crate::key::PublicKey;
use crate::observed::{Key, KeyState, Observed, of_key};
use crate::profile::Profile;
use crate::profile::rotation;
use crate::spec::Place;
use crate::x509::cert::Certificate;

pub(super) use behind::behind;
pub use behind::uncrossed;
pub(crate) use fit::{BOUND, is_bound};

type Found = BTreeMap<String, Observed>;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// There is one generation.
    Start,
    /// The next one is trusted, and the former one signs.
    Trust,
    /// The new one signs, and the former one is trusted still.
    Issue,
}

/// The generations that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generations<T> {
    /// How far it is.
    pub stage: Stage,
    /// That which signs.
    pub present: T,
    /// That which waits, trusted or not yet.
    pub next: Option<T>,
    /// Those trusted beside them.
    pub others: Vec<T>,
}

/// Of a CA its certificates, of a key pair its public keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// A CA's.
    Ca(Box<Certificate>),
    /// The service accounts'.
    Key(PublicKey),
}

impl Stage {
    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Trust => "trust",
            Self::Issue => "issue",
        }
    }
}

/// What is told of what is replaced, and of where its files are.
pub(crate) fn hindered(row: &Profile, text: &str, way_out: &str) -> Finding {
    Finding {
        code: Code::NotRotated,
        name: row.name.to_owned(),
        file: row.stored.public(),
        text: text.to_owned(),
        way_out: way_out.to_owned(),
    }
}

/// That some are being replaced, and how far that is.
pub(super) fn under_way(found: &Found) -> Vec<Finding> {
    // A check of thousands of nodes asks for it at each.
    let several = |row: &&Profile| match found.get(row.name) {
        Some(Observed::Certificate { chain, .. }) => chain.len() > 1,
        Some(Observed::KeyPair { public, .. }) => public.as_ref().is_some_and(|all| all.len() > 1),
        _ => false,
    };
    let begun = |row: &&Profile| several(row) || found.contains_key(&rotation::name(row));
    let told = rotation::rotated().filter(begun).filter_map(|row| {
        let there = generations(row, found).ok()?;
        let text = match (there.stage, &there.next, there.others.first()) {
            (Stage::Start, Some(next), _) => {
                format!(
                    "is to be replaced by \"{}\", which nobody trusts yet",
                    next.shown()
                )
            }
            (Stage::Trust, Some(next), _) => {
                format!(
                    "is being replaced by \"{}\", which is trusted and does not sign yet",
                    next.shown()
                )
            }
            (Stage::Issue, _, Some(former)) => {
                format!(
                    "is trusted beside \"{}\", which does not sign",
                    former.shown()
                )
            }
            _ => return None,
        };
        let way_out = format!(
            "'certs rotate status' tells what comes next for {}",
            row.name
        );
        let told = hindered(row, &text, &way_out);
        Some(Finding {
            code: Code::Rotation,
            ..told
        })
    });
    told.collect()
}

/// The generations that are there; or why they cannot be told.
pub fn generations(row: &'static Profile, found: &Found) -> Result<Generations<Held>, Finding> {
    let waiting = found.get(&rotation::name(row));
    match found.get(row.name) {
        Some(Observed::Certificate { chain, key, .. }) => {
            let there = of_ca(row, (chain, key.as_ref()), waiting);
            // What is wrong may be wrong with the guess alone that an encrypted key asks for.
            let guessed = key.as_ref().and_then(|_| locked(row, found));
            there.map_err(|told| guessed.unwrap_or(told))
        }
        Some(Observed::KeyPair {
            key,
            public: Some(public),
            ..
        }) => of_keys(row, (key, public), waiting),
        Some(Observed::Absent) | None => Err(hindered(row, "is not there", "")),
        Some(_) => Err(hindered(
            row,
            "is not a pair that can be read",
            "see what 'certs check' tells of it",
        )),
    }
}

/// The same for who goes on from there; whether a run made what signs take the place of the other, `issued`.
pub fn untangled(
    row: &'static Profile,
    found: &Found,
    issued: bool,
) -> Result<Generations<Held>, Finding> {
    let there = generations(row, found)?;
    match there.untold(row, issued) {
        Some(finding) => Err(finding),
        None => Ok(there),
    }
}

fn of_ca(
    row: &'static Profile,
    (chain, key): (&[Certificate], Option<&Key>),
    waiting: Option<&Observed>,
) -> Result<Generations<Held>, Finding> {
    let Some(key) = key else {
        return Err(hindered(
            row,
            "stands without its key: the CA is kept elsewhere, and is replaced where that is",
            "have its owner issue the next one, and bring both in one file with 'certs import'",
        ));
    };
    let Some(present) = of_pair(chain, Some(key)) else {
        return Err(hindered(
            row,
            "holds no certificate of its key",
            "see what 'certs check' tells of it",
        ));
    };
    if !is_root(present) {
        return Err(hindered(
            row,
            "was signed by a CA above it, which is to sign the next one too",
            "ask for that with 'certs csr', and bring both in one file with 'certs import'",
        ));
    }
    let next = match waiting {
        Some(Observed::Certificate { chain, key, .. }) => {
            let next = of_pair(chain, key.as_ref()).filter(|next| is_root(next));
            let Some(next) = next.filter(|next| {
                next.public_key != present.public_key
                    && !next.subject.is_taken_for(&present.subject)
            }) else {
                return Err(unfit(row));
            };
            Some(next)
        }
        Some(Observed::Absent) | None => None,
        Some(_) => return Err(unfit(row)),
    };
    let further =
        |ca: &&Certificate| !ca.is_same_ca(present) && next.is_none_or(|next| !ca.is_same_ca(next));
    let others: Vec<&Certificate> = chain.iter().filter(further).collect();
    let stage = match next {
        Some(next) if chain.contains(next) => Stage::Trust,
        None if !others.is_empty() => Stage::Issue,
        _ => Stage::Start,
    };
    if let (None, Some(newer)) = (
        next,
        others.iter().find(|other| comes_after(other, present)),
    ) {
        let [public, private] = &rotation::place(row).files()[..] else {
            return Err(unfit(row));
        };
        let text = format!(
            "holds \"{}\" too, which is newer than what signs, and {public} is not here",
            newer.subject
        );
        let way_out = format!(
            "copy {public} and {private} from the control plane where they are, or take that one out"
        );
        return Err(hindered(row, &text, &way_out));
    }
    let held = |ca: &Certificate| Held::Ca(Box::new(ca.clone()));
    Ok(Generations {
        stage,
        present: held(present),
        next: next.map(held),
        others: others.into_iter().map(held).collect(),
    })
}

/// That which a pair signs with: where its key is encrypted nothing tells but that each stage writes it first, which is
/// enough to say how far a replacement is, and not to go on with it.
fn of_pair<'a>(chain: &'a [Certificate], key: Option<&Key>) -> Option<&'a Certificate> {
    match key?.state {
        KeyState::Locked(_) => chain.first(),
        _ => of_key(chain, key),
    }
}

/// That the key of what is replaced, or of what takes its place, is encrypted: no stage is made on the word of its place in
/// a file.
pub(crate) fn locked(row: &Profile, found: &Found) -> Option<Finding> {
    let locked = |name: &str| match found.get(name) {
        Some(Observed::Certificate { key: Some(key), .. }) => {
            matches!(key.state, KeyState::Locked(_))
        }
        _ => false,
    };
    let told = locked(row.name) || locked(&rotation::name(row));
    told.then(|| {
        hindered(
            row,
            "cannot be replaced without its key, which is encrypted",
            "give its passphrase with --ca-passphrase-file",
        )
    })
}

/// Whether a CA is a later generation than another: by their names, where these tell, for the earlier one may have been
/// renewed since; else by when they begin.
fn comes_after(ca: &Certificate, other: &Certificate) -> bool {
    let names = [ca, other].map(|ca| ca.subject.common_name().unwrap_or_default());
    let [(base, own), (of, others)] = names.each_ref().map(|name| rotation::numbered(name));
    if base == of && own != others {
        return own > others;
    }
    ca.validity.not_before > other.validity.not_before
}

fn of_keys(
    row: &'static Profile,
    (key, public): (&Key, &[PublicKey]),
    waiting: Option<&Observed>,
) -> Result<Generations<Held>, Finding> {
    let Some(present) = key.open().map(|key| key.public_key()) else {
        return Err(hindered(row, "cannot be replaced without its key", ""));
    };
    if !public.contains(present) {
        return Err(hindered(
            row,
            "does not hold the public key of its private one",
            "see what 'certs check' tells of it",
        ));
    }
    let next = match waiting {
        Some(Observed::KeyPair { key, .. } | Observed::KeyOnly(key)) => match key.open() {
            Some(key) if key.public_key() != present => Some(key.public_key()),
            _ => return Err(unfit(row)),
        },
        Some(Observed::Absent) | None => None,
        Some(_) => return Err(unfit(row)),
    };
    let further = |key: &&PublicKey| *key != present && Some(*key) != next;
    let others: Vec<&PublicKey> = public.iter().filter(further).collect();
    let stage = match next {
        Some(next) if public.contains(next) => Stage::Trust,
        None if !others.is_empty() => Stage::Issue,
        _ => Stage::Start,
    };
    let held = |key: &PublicKey| Held::Key(key.clone());
    Ok(Generations {
        stage,
        present: held(present),
        next: next.map(held),
        others: others.into_iter().map(held).collect(),
    })
}

/// The way out where something else waits than is to take its place.
pub(crate) fn moved(row: &Profile) -> String {
    let place = rotation::place(row);
    // Of a key pair one half alone waits.
    let files = match place {
        Place::KeyPair { .. } => vec![place.key()],
        _ => place.files(),
    };
    let files: Vec<String> = files.iter().map(ToString::to_string).collect();
    format!("move {} away", files.join(" and "))
}

fn unfit(row: &Profile) -> Finding {
    let waiting = rotation::place(row).key();
    let text = format!(
        "cannot be replaced by what waits in {waiting}: that is no sound pair of another key and name"
    );
    hindered(
        row,
        &text,
        "move that away; before it is trusted the next run makes another",
    )
}

impl Held {
    /// The name of a CA, or the identifier by which tokens name the key.
    pub fn shown(&self) -> String {
        match self {
            Self::Ca(ca) => ca.subject.to_string(),
            Self::Key(key) => key.token_key_id(),
        }
    }

    /// What it is known by.
    pub fn public_key(&self) -> &PublicKey {
        match self {
            Self::Ca(ca) => &ca.public_key,
            Self::Key(key) => key,
        }
    }

    /// The certificate of a CA.
    pub fn certificate(&self) -> Option<&Certificate> {
        match self {
            Self::Ca(ca) => Some(ca),
            Self::Key(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
