//! What an interrupted run left in a place: its journal and its staged files. What has one of our
//! names but is not ours is an error; nothing is changed here.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, anyhow, bail};

use super::backup;
use super::commit::LARGEST_MODE;
use super::directory::{Directory, Status};
use super::journal::{Journal, JournalError, List, Part, TransactionId};
use super::layout::{self, JOURNAL};
use super::lock::Place;
use super::owner::effective_user;
use super::read;

/// What one place was left with.
pub(super) struct Left {
    pub journal: Option<Found>,
    pub staged: Vec<Staged>,
}

pub(super) enum Found {
    List(List),
    Part(Part),
    Torn,
}

pub(super) struct Staged {
    pub name: String,
    pub transaction: TransactionId,
    pub number: usize,
    pub status: Status,
}

/// Whether an interrupted run left anything in these places.
pub(super) fn anything(places: &[Place]) -> Result<bool> {
    let mut known = identities(places)?;
    for place in places {
        if place.directory.status(JOURNAL)?.is_some() || !staged(place, &mut known)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is left in these places, in their order. The journals and the backups must be ours; whose a
/// staged file may be depends on its journal, so that is for the caller.
pub(super) fn survey(places: &[Place]) -> Result<Vec<Left>> {
    let mut known = identities(places)?;
    let left = places.iter().map(|place| {
        backup::check(&place.directory)?;
        Ok(Left {
            journal: journal(&place.directory, JOURNAL)?,
            staged: staged(place, &mut known)?,
        })
    });
    left.collect()
}

/// The directories of these places, each to be looked at once: a folder of one may be another.
fn identities(places: &[Place]) -> Result<BTreeSet<(u64, u64)>> {
    let mut known = BTreeSet::new();
    for place in places {
        known.extend(place.directory.status(".")?.map(|found| found.identity));
    }
    Ok(known)
}

/// The journal in a directory, or in a folder of it; an error if what has its name is none of ours.
pub(super) fn journal(directory: &Directory, name: &str) -> Result<Option<Found>> {
    let Some(status) = directory.status(name)? else {
        return Ok(None);
    };
    must_be_ours(directory, name, &status, Claim::Journal)?;
    let bytes = directory
        .read(name)?
        .map(|content| content.bytes)
        .unwrap_or_default();
    Ok(Some(match Journal::parse(&bytes) {
        Ok(Journal::List(list)) => Found::List(list),
        Ok(Journal::Part(part)) => Found::Part(part),
        Err(JournalError::Torn) if begun(&bytes) => Found::Torn,
        Err(JournalError::Torn) => {
            return Err(stranger(&directory.path(name), "it is no journal"));
        }
        Err(JournalError::Foreign(line)) => bail!(
            "{} says {line:?}, which this version of certs does not write: use the one that wrote it, \
             or look at it and remove it",
            directory.path(name).display()
        ),
    }))
}

/// What was decided here, wherever its list lies.
pub(super) fn decided(directory: &Directory) -> Result<Option<List>> {
    let part = match journal(directory, JOURNAL)? {
        Some(Found::List(list)) => return Ok(Some(list)),
        Some(Found::Part(part)) => part,
        Some(Found::Torn) | None => return Ok(None),
    };
    // What cannot be read there explains nothing.
    let there = read::read(&layout::in_directory(&part.list, JOURNAL));
    let there = there.ok().flatten();
    Ok(match there.map(|content| Journal::parse(&content.bytes)) {
        Some(Ok(Journal::List(list))) if list.transaction == part.transaction => Some(list),
        _ => None,
    })
}

/// Whether it may be a journal that was not written to its end: a crash leaves the beginning, and
/// zeros where the file was made longer before its content was written.
fn begun(bytes: &[u8]) -> bool {
    let head = b"certs journal ".iter();
    bytes
        .iter()
        .zip(head)
        .all(|(byte, wanted)| byte == wanted || *byte == 0)
}

/// The journals and staged files of one run, in words. Whoever removes them all leaves nothing that
/// a recovery would stop at.
pub(super) fn named<'a>(
    transaction: TransactionId,
    left: impl Iterator<Item = (&'a Place, &'a Left)>,
) -> String {
    let mut names: Vec<String> = Vec::new();
    for (place, left) in left {
        let of_run = match &left.journal {
            Some(Found::List(list)) => list.transaction == transaction,
            Some(Found::Part(part)) => part.transaction == transaction,
            // It does not say whose it is.
            Some(Found::Torn) => true,
            None => false,
        };
        let staged = left
            .staged
            .iter()
            .filter(|staged| staged.transaction == transaction)
            .map(|staged| staged.name.as_str());
        let all = of_run.then_some(JOURNAL).into_iter().chain(staged);
        names.extend(all.map(|name| place.directory.path(name).display().to_string()));
    }
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// The staged files in a place, and in those of its folders that are not known yet.
fn staged(place: &Place, known: &mut BTreeSet<(u64, u64)>) -> Result<Vec<Staged>> {
    let mut found = Vec::new();
    let mut folders = vec!["."];
    for folder in place.roots.iter().flat_map(|root| layout::folders(*root)) {
        let itself = place.directory.status(&layout::within(folder, "."))?;
        if itself.is_some_and(|itself| known.insert(itself.identity)) {
            folders.push(folder);
        }
    }
    for folder in folders {
        for base in place.directory.names(folder)? {
            let Some((transaction, number)) = layout::parse_staged(&base) else {
                continue;
            };
            let name = layout::within(folder, &base);
            if let Some(status) = place.directory.status(&name)? {
                found.push(Staged {
                    name,
                    transaction,
                    number,
                    status,
                });
            }
        }
    }
    Ok(found)
}

/// What a file with one of our names claims to be.
#[derive(Clone, Copy)]
pub(super) enum Claim {
    /// Private from its first moment.
    Journal,
    /// It has its final mode, and may already belong to the user whom its journal names.
    Staged { given_to: Option<u32> },
}

/// An error if another user, or another program, may have put this here.
pub(super) fn must_be_ours(
    directory: &Directory,
    name: &str,
    status: &Status,
    claim: Claim,
) -> Result<()> {
    let (forbidden, given_to) = match claim {
        Claim::Journal => (!0o600, None),
        Claim::Staged { given_to } => (!LARGEST_MODE, given_to),
    };
    let user = status.user;
    let stranger = |what: &str| Err(stranger(&directory.path(name), what));
    // No link is staged but the kubelet's, to a file beside it; nobody goes where it leads.
    let link = matches!(claim, Claim::Staged { .. })
        && status.is_link()
        && directory
            .link_of(name)?
            .is_some_and(|to| layout::is_rotated(&to));
    if !status.is_file() && !link {
        return stranger(&format!("it is {}", status.kind()));
    }
    if user != effective_user() && Some(user) != given_to {
        return stranger(&format!("it belongs to user {user}"));
    }
    if !link && status.permissions() & forbidden != 0 {
        return stranger(&format!("its mode is {:04o}", status.permissions()));
    }
    if !status.single_link {
        return stranger("it has more than one link");
    }
    Ok(())
}

fn stranger(path: &Path, what: &str) -> anyhow::Error {
    let path = path.display();
    anyhow!(
        "{path} is not this user's work in progress ({what}): look at it, and remove it by hand; nothing was touched"
    )
}
