//! What is to be changed, and whether it may be: all that can be refused is refused here, before the
//! first write. `run` then does it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use super::journal::{Entry, List, Origin, TransactionId};
use super::layout;
use super::lock::Writer;
use super::read::LARGEST;
use super::run::{Job, Run};
use super::{backup, owner};
use crate::key;
use crate::location::{FileId, Owner, Root};
use crate::rollback::Fates;

/// No file of ours is more open than a certificate.
pub(super) const LARGEST_MODE: u32 = 0o644;

/// One file to be written or removed.
pub struct Change {
    /// Which.
    pub file: FileId,
    /// Its content; `None` removes it.
    pub bytes: Option<Zeroizing<Vec<u8>>>,
    /// Its permission bits, whatever the umask; within [`FileId::largest_mode`].
    pub mode: u32,
    /// Whom it is to belong to.
    pub owner: Owner,
    /// Files of one pair share a number; their renames follow each other.
    pub group: usize,
    /// SHA-256 of what was read when this was planned, or `None` if there was nothing: if it is
    /// something else now, nothing is written.
    pub replaces: Option<[u8; 32]>,
}

impl Change {
    /// Removes `file`, which held what has this SHA-256.
    pub fn removal(file: FileId, group: usize, held: [u8; 32]) -> Self {
        Self {
            file,
            bytes: None,
            mode: 0o600,
            owner: Owner::default(),
            group,
            replaces: Some(held),
        }
    }

    /// What is staged: the new content, or an empty mark of a removal. So a run stages something for
    /// each of its files, and how far it came can be told by what of that is there.
    pub(super) fn staged(&self) -> &[u8] {
        self.bytes.as_ref().map_or(&[], |bytes| bytes.as_slice())
    }

    /// Whether what is staged is a link.
    pub(super) fn stages_link(&self) -> bool {
        self.bytes.is_some() && layout::is_link(&self.file.name)
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Change")
            .field("file", &self.file)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// How to commit.
#[derive(Clone, Debug)]
pub struct CommitOptions {
    /// The number of this commit: random, so that no two share one.
    pub transaction: TransactionId,
    /// The run, for the list of backups.
    pub origin: Origin,
    /// Whether what is replaced is kept afterwards.
    pub backup: bool,
    /// Which backups stay when it is done.
    pub fates: Fates,
}

/// What was done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Committed {
    /// How many files were written or removed.
    pub files: usize,
    /// The directories that keep what was replaced; none if nothing was, or none was wanted.
    pub backups: Vec<PathBuf>,
    /// What is untidy, though every file is in its place: a sentence each.
    pub notes: Vec<String>,
}

impl Writer {
    /// Writes the changes, all or none of them. On an error nothing has changed, unless it says that
    /// a journal stays: then the next writer's recovery finishes the work.
    pub fn commit(&mut self, changes: Vec<Change>, options: &CommitOptions) -> Result<Committed> {
        if changes.is_empty() {
            return Ok(Committed {
                files: 0,
                backups: Vec::new(),
                notes: Vec::new(),
            });
        }
        let mut run = self.begin(changes, options)?;
        if let Err(error) = run.prepare() {
            return Err(run.abandon(&error));
        }
        if let Err((renamed, error)) = run.rename() {
            return Err(run.undo(renamed, &error));
        }
        run.finish(options)
    }

    pub(super) fn begin(&self, changes: Vec<Change>, options: &CommitOptions) -> Result<Run<'_>> {
        for place in &self.places {
            backup::check(&place.directory)?;
        }
        if !options.origin.can_be_told() {
            bail!("no journal can say {:?}", options.origin);
        }
        let jobs = self.check(changes, options.transaction)?;
        let list = self.list(&jobs, options)?;
        Ok(Run::new(&self.places, jobs, list))
    }

    /// Everything that can be refused is refused here, before the first write.
    fn check(&self, changes: Vec<Change>, transaction: TransactionId) -> Result<Vec<Job>> {
        let mut targets = BTreeSet::new();
        let mut jobs = Vec::with_capacity(changes.len());
        for change in adjacent(changes) {
            let file = &change.file;
            let Some(place) = self.place(file.root) else {
                bail!("{file}: {} is not locked by this run", file.root.flag());
            };
            if !may_be_written(&change) || !targets.insert((place, file.name.clone())) {
                bail!("{file} is not a file that certs may write so");
            }
            // What a flag asks for was judged before; this one is taken from a file that is there.
            if let Some(barred) = owner::barred(change.owner)? {
                let path = self.roots.file(file);
                bail!(
                    "{} is to have the owner of what is there, and {}: run as root",
                    path.display(),
                    barred.why
                );
            }
            self.check_current(&change, place)?;
            let staged = layout::staged(transaction, jobs.len(), &file.name);
            jobs.push(Job {
                place,
                staged,
                change,
                seen: None,
            });
        }
        Ok(jobs)
    }

    fn check_current(&self, change: &Change, place: usize) -> Result<()> {
        let current = self.places[place].directory.read(&change.file.name)?;
        let digest = current.map(|content| key::sha256(&content.bytes));
        let path = self.roots.file(&change.file);
        match (digest, change.replaces) {
            (now, planned) if now == planned => Ok(()),
            (Some(_), None) => bail!(
                "{} has appeared meanwhile: nothing was changed, run again",
                path.display()
            ),
            _ => bail!(
                "{} was changed meanwhile: nothing was changed, run again",
                path.display()
            ),
        }
    }

    fn list(&self, jobs: &[Job], options: &CommitOptions) -> Result<List> {
        let mut roots: Vec<(Root, PathBuf)> = Vec::new();
        for job in jobs {
            let root = job.change.file.root;
            if roots.iter().all(|(other, _)| *other != root) {
                roots.push((root, self.places[job.place].directory.path.clone()));
            }
        }
        let entry = |job: &Job| Entry {
            file: job.change.file.clone(),
            mode: job.change.mode,
            owner: job.change.owner,
            new: job.change.bytes.as_ref().map(|bytes| key::sha256(bytes)),
            replaced: job.change.replaces,
        };
        let touched = |root| self.place(root).is_some();
        Ok(List {
            transaction: options.transaction,
            sequence: backup::next_sequence(&self.roots, touched, options.origin.time)?,
            origin: options.origin.in_whole_seconds(),
            keep_backup: options.backup,
            roots,
            entries: jobs.iter().map(entry).collect(),
        })
    }
}

/// Whether it is a file of ours, no more open and no larger than such a one is.
pub(super) fn may_be_written(change: &Change) -> bool {
    let file = &change.file;
    // A mark is nobody's to be given, and only what is there can be removed.
    let sound =
        change.bytes.is_some() || change.replaces.is_some() && change.owner == Owner::default();
    sound
        && layout::is_known(file)
        && change.mode & !file.largest_mode() == 0
        && change.staged().len() as u64 <= LARGEST
}

/// The same changes, those of a group together, groups in the order of their first.
fn adjacent(changes: Vec<Change>) -> Vec<Change> {
    let mut groups: Vec<(usize, Vec<Change>)> = Vec::new();
    for change in changes {
        match groups.iter_mut().find(|(group, _)| *group == change.group) {
            Some((_, together)) => together.push(change),
            None => groups.push((change.group, vec![change])),
        }
    }
    groups
        .into_iter()
        .flat_map(|(_, together)| together)
        .collect()
}
