//! What a stage of the replacement of a CA, or of the key of the service accounts, makes of its files.

use time::Duration;

use super::Found;
use crate::diff::{BOUND, Generations, Held, Stage, file, hindered, is_bound, moved};
use crate::finding::Finding;
use crate::key::{KeyAlgorithm, PublicKey};
use crate::profile::Profile;
use crate::profile::renewal::lasted;
use crate::profile::rotation::{self, generation};
use crate::spec::Spec;
use crate::x509::cert::Certificate;

/// What a rotation is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What is replaced.
    pub row: &'static Profile,
    /// Where to.
    pub goal: Goal,
    /// Whether the last run of a replacement of this ended it: run again that does nothing.
    pub ended: bool,
    /// Whether that stage is what is there, and is taken back.
    pub back: bool,
    /// Whether a run made the key that signs take the place of the other one that is here: keys have no names and no dates.
    pub issued: bool,
    /// The common names of generations that were taken back. Whoever was not restarted since trusts one of that name, and
    /// would seem to trust the one that is made now.
    pub taken: Vec<String>,
    /// The common name of the next generation, else the former one's with a number.
    pub common_name: Option<String>,
    /// The algorithm of new keys, else that of the former ones.
    pub key_algorithm: Option<KeyAlgorithm>,
    /// How long the next generation lasts, else as long as the former one.
    pub ca_validity: Option<Duration>,
}

/// What a run is to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The next generation is made, and trusted beside the present one.
    Trust,
    /// It signs.
    Issue,
    /// It alone is trusted.
    Drop,
}

/// What happens to one of the files by which the stage is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// The next generation comes behind the present one.
    Trust,
    /// It changes places with that.
    Issue,
    /// The former one goes.
    Drop,
}

impl Goal {
    /// What comes next after this stage.
    pub fn after(stage: Stage) -> Self {
        match stage {
            Stage::Start => Self::Trust,
            Stage::Trust => Self::Issue,
            Stage::Issue => Self::Drop,
        }
    }

    /// The command that brings a row to it.
    pub fn command(self, row: &Profile) -> String {
        let restarted = if self == Self::Trust {
            ""
        } else {
            " --restarted"
        };
        format!("certs rotate {} {}{restarted}", row.name, self.name())
    }

    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::Issue => "issue",
            Self::Drop => "drop",
        }
    }

    /// What is done for it at this stage; nothing where it is reached. None where another comes first.
    pub fn turned(self, stage: Stage) -> Option<Option<Turned>> {
        match (self, stage) {
            (Self::Trust, Stage::Start) => Some(Some(Turned::Trust)),
            (Self::Issue, Stage::Trust) => Some(Some(Turned::Issue)),
            (Self::Drop, Stage::Issue) => Some(Some(Turned::Drop)),
            (Self::Trust, Stage::Trust)
            | (Self::Issue, Stage::Issue)
            | (Self::Drop, Stage::Start) => Some(None),
            (Self::Trust, Stage::Issue)
            | (Self::Issue, Stage::Start)
            | (Self::Drop, Stage::Trust) => None,
        }
    }
}

impl Turn {
    /// Of which nothing else was asked.
    pub fn to(row: &'static Profile, goal: Goal) -> Self {
        Self {
            row,
            goal,
            ended: false,
            back: false,
            issued: false,
            taken: Vec::new(),
            common_name: None,
            key_algorithm: None,
            ca_validity: None,
        }
    }

    /// The pair that waits, as it is wanted where it is made.
    pub(super) fn wanted(&self, present: &Held) -> Result<Spec, Finding> {
        let ca = match present {
            Held::Ca(ca) => ca,
            Held::Key(key) => {
                let mut spec = rotation::next(self.row);
                let algorithm = key.algorithm().map(KeyAlgorithm::anew);
                spec.set_key_algorithm(self.key_algorithm.or(algorithm));
                return Ok(spec);
            }
        };
        let given = self.common_name.clone();
        let following = || {
            let name = ca.subject.common_name()?;
            Some(rotation::following(&name, &self.taken))
        };
        let Some(name) = given.or_else(following) else {
            return Err(hindered(
                self.row,
                "has no common name, and the next generation needs another one",
                "give it with --common-name",
            ));
        };
        let subject = ca.subject.with_common_name(&name);
        if subject.is_taken_for(&ca.subject) {
            let text = format!(
                "is \"{}\", and so would be the next generation: who verifies may take one for the other",
                ca.subject
            );
            return Err(hindered(
                self.row,
                &text,
                "give it another name with --common-name",
            ));
        }
        if is_bound(ca) {
            let text = format!("cannot be replaced by one like it: {BOUND}");
            return Err(hindered(
                self.row,
                &text,
                "replace it by hand, with another one that is held back so",
            ));
        }
        let mut spec = generation(self.row, ca, subject);
        let own = spec.key_algorithm().anew();
        spec.set_key_algorithm(Some(self.key_algorithm.unwrap_or(own)));
        spec.set_validity(self.ca_validity);
        Ok(spec)
    }

    /// Why what waits is not what was asked for, if that was said.
    pub(super) fn otherwise(&self, waits: &Held, trusted: bool) -> Option<Finding> {
        let (ca, algorithm) = match waits {
            Held::Ca(ca) => (Some(ca), ca.public_key.algorithm()),
            Held::Key(key) => (None, key.algorithm()),
        };
        let name = ca.and_then(|ca| ca.subject.common_name());
        let differs = [
            self.common_name.is_some() && self.common_name != name,
            self.key_algorithm.is_some() && self.key_algorithm != algorithm,
            self.ca_validity.is_some() && self.ca_validity != ca.map(|ca| lasted(ca)),
        ];
        differs.contains(&true).then(|| {
            let place = rotation::place(self.row).key();
            let text = format!(
                "is to be replaced by what waits in {place}, which has another name, kind of key or validity than was \
                 asked for"
            );
            let way_out = if trusted {
                let row = self.row.name;
                format!("leave these flags out, or go back first ('certs rotate {row} back')")
            } else {
                format!("leave these flags out, or {}", moved(self.row))
            };
            hindered(self.row, &text, &way_out)
        })
    }
}

/// The certificates in the CA's file once this is done; none where one of them is yet to be made.
pub(super) fn then(
    there: &Generations<Held>,
    row: &Profile,
    found: &Found,
    turned: Option<Turned>,
) -> Option<Vec<Certificate>> {
    let chain = file(Some(row.name), found);
    let next = there.next.as_ref().and_then(Held::certificate);
    after(chain, there.present.certificate()?, next, turned)
}

/// What the file of a CA holds after this, where `present` signs before it.
pub fn after(
    chain: &[Certificate],
    present: &Certificate,
    next: Option<&Certificate>,
    turned: Option<Turned>,
) -> Option<Vec<Certificate>> {
    let others = |next| chain.iter().filter(move |ca| *ca != next).cloned();
    Some(match turned {
        None => chain.to_vec(),
        Some(Turned::Trust) => others(next?).chain([next?.clone()]).collect(),
        Some(Turned::Issue) => [next?.clone()].into_iter().chain(others(next?)).collect(),
        Some(Turned::Drop) => {
            let own = chain.iter().filter(|ca| ca.is_same_ca(present));
            own.cloned().collect()
        }
    })
}

/// The public keys of service accounts after this.
pub fn keys_after(
    keys: &[PublicKey],
    present: &PublicKey,
    next: Option<&PublicKey>,
    turned: Turned,
) -> Option<Vec<PublicKey>> {
    let others = |but: &PublicKey| {
        let but = but.clone();
        keys.iter().filter(move |key| **key != but).cloned()
    };
    Some(match turned {
        // Whoever reads the first alone reads that of the key that signs.
        Turned::Trust => [present.clone()]
            .into_iter()
            .chain(others(present).filter(|key| Some(key) != next))
            .chain([next?.clone()])
            .collect(),
        Turned::Issue => [next?.clone()].into_iter().chain(others(next?)).collect(),
        Turned::Drop => vec![present.clone()],
    })
}
