//! What a committed run replaced, put back: what was found → steps, or a refusal. Pure, like `plan`;
//! `certs rollback` is a policy over this and nothing more.
//!
//! A file is put back only if it still is what that run wrote, and if its copy in the backup is what
//! that run replaced: whatever was done to either since then is not undone by accident. The copy may
//! share its inode with a name elsewhere, so it is not trusted for lying in a backup.

mod fate;
mod halved;
mod step;

use std::path::PathBuf;

use time::OffsetDateTime;

use self::step::step;
use crate::finding::{Code, Finding};
use crate::location::{FileId, Root};
use crate::plan::Refusal;
use crate::x509::validity::{Validity, moment};

pub use fate::{Fate, Fates, ended, fates, inverse, standing};
pub use halved::{halved, rekeyed};

/// SHA-256 of a file's octets.
pub type Digest = [u8; 32];

/// What becomes of what the run created.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Created {
    /// It stays.
    Leave,
    /// It goes, as long as it is what the run wrote: then all is as it was before.
    Remove,
}

/// The run that is undone, and what became of the files that it changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Last {
    /// Where its list is.
    pub folder: FileId,
    /// Its verb.
    pub command: String,
    /// When it began.
    pub time: OffsetDateTime,
    /// Whether it kept what it replaced.
    pub kept: bool,
    /// Every file it changed, in its order.
    pub files: Vec<Changed>,
    /// Roots of that run whose files are needed and which this run has elsewhere, and where they
    /// were.
    pub elsewhere: Vec<(Root, PathBuf)>,
}

/// What was found of one file that a run changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Changed {
    /// The file.
    pub file: FileId,
    /// What the run wrote; `None` where it removed the file.
    pub wrote: Option<Digest>,
    /// What it replaced; `None` where there was nothing.
    pub replaced: Option<Digest>,
    /// What is there now.
    pub now: State,
    /// Its copy in the backup.
    pub copy: State,
    /// Where that is.
    pub copy_path: PathBuf,
    /// No more than this of a mode is put back.
    pub largest_mode: u32,
    /// When the certificate in the copy is valid, if it holds one.
    pub validity: Option<Validity>,
}

/// What is in a file's place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum State {
    /// Nothing.
    Absent,
    /// A file.
    File(Look),
    /// Something that cannot be read.
    Unreadable {
        /// What it is told as.
        code: Code,
        /// What is the case, after the file's name.
        why: String,
        /// What can be done.
        way_out: String,
    },
}

/// A file, as far as it is put back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Look {
    /// Its octets.
    pub digest: Digest,
    /// Its permission bits.
    pub mode: u32,
    /// The user's number.
    pub user: u32,
    /// The group's number.
    pub group: u32,
}

/// What happens to one file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// It is as it was before the run.
    Keep,
    /// The run created it, so that there is nothing to put in its place: it stays.
    Leave,
    /// The run created it, and it goes.
    Remove {
        /// What is removed.
        now: Digest,
    },
    /// It is put back.
    Restore {
        /// What is replaced, if anything is there.
        now: Option<Digest>,
        /// The mode it gets.
        mode: u32,
        /// The mode it had, where that was more than a file of its kind may have.
        had: Option<u32>,
    },
}

/// A file, and what happens to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Planned {
    /// The file.
    pub file: FileId,
    /// What happens.
    pub step: Step,
    /// Files of one pair share a number.
    pub pair: usize,
}

/// What a rollback will do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    /// What happens to each file, in the order of the run, removals last: nothing that is put back
    /// needs them.
    pub steps: Vec<Planned>,
    /// What is put back and is not sound by itself; no errors, since it was asked for.
    pub findings: Vec<Finding>,
}

/// The plan that puts back what `last` replaced, in the order in which it did so, and then does with what it
/// created what `created` says. `nowhere` is where a
/// backup would be if there were one; `damaged` are the lists of backups that cannot be read.
pub fn plan(
    last: Option<&Last>,
    nowhere: &FileId,
    damaged: &[FileId],
    created: Created,
    now: OffsetDateTime,
) -> Result<Plan, Refusal> {
    // One of these may be of a later run.
    let mut findings = self::damaged(damaged);
    let mut steps = Vec::new();
    match last {
        None if findings.is_empty() => findings.push(none(nowhere)),
        None => {}
        Some(last) if !last.kept => findings.push(unkept(last)),
        // What is there in another directory of that name is nothing to be judged.
        Some(last) if !last.elsewhere.is_empty() => findings.extend(elsewhere(last)),
        Some(last) => {
            for changed in &last.files {
                match step(changed, created) {
                    Ok(None) => {}
                    Ok(Some(step)) => {
                        let file = changed.file.clone();
                        let pair = pair(&last.files, &file);
                        steps.push(Planned { file, step, pair });
                    }
                    Err(found) => findings.extend(found),
                }
            }
        }
    }
    if !findings.is_empty() {
        return Err(Refusal { findings });
    }
    steps.sort_by_key(|planned| matches!(planned.step, Step::Remove { .. }));
    let files = last.map_or(&[][..], |last| &last.files);
    let restored = steps
        .iter()
        .filter(|planned| matches!(planned.step, Step::Restore { .. }));
    let findings = restored
        .flat_map(|planned| unsound(planned, &steps, files, now))
        .collect();
    Ok(Plan { steps, findings })
}

/// What is told of lists that cannot be read.
pub fn damaged(lists: &[FileId]) -> Vec<Finding> {
    let damaged = |list: &FileId| Finding {
        code: Code::BackupDamaged,
        name: String::new(),
        file: list.clone(),
        text: "is not the list of a run, so that nobody knows which run was the last".to_owned(),
        way_out: "look at it, and move its folder away".to_owned(),
    };
    lists.iter().map(damaged).collect()
}

/// What is known to be wrong with a file once it is put back.
fn unsound(
    planned: &Planned,
    steps: &[Planned],
    files: &[Changed],
    now: OffsetDateTime,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let tell = |code, text: String, way_out: &str| Finding {
        code,
        name: String::new(),
        file: planned.file.clone(),
        text,
        way_out: way_out.to_owned(),
    };
    let changed = files.iter().find(|changed| changed.file == planned.file);
    if let Some(validity) = changed.and_then(|changed| changed.validity)
        && validity.has_ended(now)
    {
        findings.push(tell(
            Code::RestoredExpired,
            format!(
                "is put back, and its time was over on {}",
                validity.not_after.date()
            ),
            "reissue it with --force, or run 'certs rollback' again",
        ));
    }
    let created = |other: &&Planned| other.pair == planned.pair && other.step == Step::Leave;
    if let Some(half) = steps.iter().find(created) {
        findings.push(tell(
            Code::RestoredHalf,
            format!("is put back beside {}, which that run created", half.file),
            "reissue the pair with --force, or run 'certs rollback' again",
        ));
    }
    findings
}

fn elsewhere(last: &Last) -> impl Iterator<Item = Finding> {
    last.elsewhere.iter().map(|(root, was)| Finding {
        code: Code::BackupElsewhere,
        name: String::new(),
        file: last.folder.clone(),
        text: format!(
            "is of a run that also changed files in {}, and this one was not given that",
            was.display()
        ),
        way_out: format!("run again with {} {}", root.flag(), was.display()),
    })
}

fn unkept(last: &Last) -> Finding {
    Finding {
        code: Code::NoBackup,
        name: String::new(),
        file: last.folder.clone(),
        text: format!(
            "is of the last run, 'certs {}' at {}, which had --no-backup: nothing that it replaced was kept",
            last.command,
            moment(last.time)
        ),
        way_out: "if the run before it is to be undone all the same, move this folder away"
            .to_owned(),
    }
}

fn none(nowhere: &FileId) -> Finding {
    Finding {
        code: Code::NoBackup,
        name: String::new(),
        file: nowhere.clone(),
        text: "holds nothing that could be put back, nor does that of another directory".to_owned(),
        way_out: "if a run replaced files elsewhere and kept a backup, give its directories"
            .to_owned(),
    }
}

/// The number of the first file with this one's stem: `apiserver.crt` and `apiserver.key` are a pair.
fn pair(files: &[Changed], file: &FileId) -> usize {
    let stem = |file: &FileId| {
        let stem = file.name.rsplit_once('.').map_or("", |(stem, _)| stem);
        (file.root, stem.to_owned())
    };
    files
        .iter()
        .position(|other| stem(&other.file) == stem(file))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
