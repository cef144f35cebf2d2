//! Whether what is named can have what is asked of it: nothing that was typed is passed over.

use crate::cli::Renew;
use crate::cmd::Stop;
use crate::observed::Observed;
use crate::plan::Found;
use crate::profile::by_name;
use crate::profile::renewal::{Changes, certificate, renamed};
use crate::spec::{Kind, Spec};
use crate::x509::san::San;

/// The flags that are for leaves or for CAs alone, and were typed.
#[derive(Clone, Copy, Default)]
pub(super) struct Typed {
    key_algorithm: bool,
    validity: bool,
    ca_validity: bool,
}

impl Typed {
    pub(super) fn of(verb: &Renew) -> Self {
        Self {
            key_algorithm: verb.key.key_algorithm.is_some(),
            validity: verb.validity.validity.is_some(),
            ca_validity: verb.ca_validity.ca_validity.is_some(),
        }
    }
}

/// The names of a flag.
pub(super) fn sans(flag: &str, texts: &[String]) -> Result<Vec<San>, Stop> {
    let mut wrong = Vec::new();
    let mut sans = Vec::new();
    for text in texts {
        match San::from_shown(text.trim()) {
            Ok(san) => sans.push(san),
            Err(reason) => wrong.push(format!("{flag}: \"{text}\" {reason}")),
        }
    }
    if wrong.is_empty() {
        Ok(sans)
    } else {
        Err(Stop::Usage(wrong))
    }
}

/// A name that is to be added and taken away.
pub(super) fn opposed(changes: &Changes) -> Vec<String> {
    let both = changes
        .add
        .iter()
        .filter(|san| changes.remove.contains(san));
    both.map(|san| {
        format!("--add-san, --remove-san: {san} is to be added and taken away: leave one out")
    })
    .collect()
}

/// What was typed and is nothing for what is named.
pub(super) fn unheeded(
    typed: Typed,
    changes: &Changes,
    named: &[&Spec],
    found: &Found,
) -> Vec<String> {
    let ca = named.iter().find(|spec| spec.is_ca());
    let of_leaves = [
        ("--add-san", !changes.add.is_empty(), "its names stay"),
        ("--remove-san", !changes.remove.is_empty(), "its names stay"),
        ("--key-algorithm", typed.key_algorithm, "its key stays"),
    ];
    let mut wrong = Vec::new();
    for (flag, typed, stays) in of_leaves {
        if let (true, Some(ca)) = (typed, ca) {
            let name = &ca.name;
            wrong.push(format!(
                "{flag}: {name} is a CA, and {stays}: renew {name} without it"
            ));
        }
    }
    if !changes.add.is_empty() && changes.all && !named.iter().any(|spec| serves(spec)) {
        wrong.push(
            "--add-san: nothing that is to be renewed is a server's: leave it out".to_owned(),
        );
    }
    let client = named.iter().find(|spec| !changes.all && is_nameless(spec));
    if let (false, Some(client)) = (changes.add.is_empty(), client) {
        let name = &client.name;
        wrong.push(format!(
            "--add-san: {name} is a client's, and nobody looks for it by a name: renew {name} without it"
        ));
    }
    if typed.validity && ca.is_some() && named.iter().all(|spec| spec.is_ca()) {
        wrong.push(
            "--validity: is for leaves, and CAs alone are named: give --ca-validity".to_owned(),
        );
    }
    if typed.ca_validity && ca.is_none() {
        wrong.push("--ca-validity: is for CAs, and none is named: give --validity".to_owned());
    }
    let has = |spec: &&Spec, san: &San| {
        let observed = found.get(&spec.name).unwrap_or(&Observed::Absent);
        certificate(observed).is_some_and(|(leaf, _)| leaf.sans.contains(san))
    };
    let nowhere = |san: &&San| ca.is_none() && !named.iter().any(|spec| has(spec, san));
    wrong.extend(changes.remove.iter().filter(nowhere).map(|san| {
        format!("--remove-san: {san} is in none of what is to be renewed: leave it out")
    }));
    wrong
}

fn serves(spec: &Spec) -> bool {
    let kind = spec.certificate().map(|wanted| wanted.kind);
    matches!(kind, Some(Kind::Server | Kind::ServerAndClient))
}

/// Whether it is of a row that has no names. What an identity of one's own has is for who reads it to know.
fn is_nameless(spec: &Spec) -> bool {
    !spec.is_ca() && by_name(&spec.name).is_some_and(|row| row.hosts.is_empty())
}

/// What is found once the names of what is named have changed.
pub(super) fn found_then(changes: &Changes, named: &[&Spec], found: &Found) -> Found {
    let mut then = found.clone();
    for spec in named {
        if let Some(observed) = then.get_mut(&spec.name) {
            *observed = renamed(spec, observed, changes);
        }
    }
    then
}
