//! Changes files, all or none: stage, back up, journal, rename. See `journal` for what a crash
//! leaves at each step, and `recover` for who finishes it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use zeroize::Zeroizing;

use super::directory::DIRECTORY_MODE;
use super::journal::{Entry, List, Part, TransactionId};
use super::layout::{self, JOURNAL};
use super::lock::{Place, Writer};
use super::read::LARGEST;
use super::{backup, owner, stage};
use crate::key;
use crate::location::{FileId, Owner, Root};

/// No file of ours is more open than a certificate.
pub(super) const LARGEST_MODE: u32 = 0o644;

/// One file to be written.
pub struct Change {
    /// Which.
    pub file: FileId,
    /// Its content.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Its permission bits, whatever the umask; within 0644.
    pub mode: u32,
    /// Whom it is to belong to.
    pub owner: Owner,
    /// Files of one pair share a number; their renames follow each other.
    pub group: usize,
    /// SHA-256 of what was read when this was planned, or `None` if there was nothing: if it is
    /// something else now, nothing is written.
    pub replaces: Option<[u8; 32]>,
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
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommitOptions {
    /// The number of this commit: random, so that no two share one.
    pub transaction: TransactionId,
    /// Whether what is replaced is kept afterwards.
    pub backup: bool,
    /// Backups that stay, however old.
    pub keep: Vec<TransactionId>,
}

/// What was done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Committed {
    /// How many files were written.
    pub files: usize,
    /// The directories that keep what was replaced; none if nothing was, or none was wanted.
    pub backups: Vec<PathBuf>,
    /// What is untidy, though every file is in its place: a sentence each.
    pub notes: Vec<String>,
}

/// A change, and where it happens.
pub(super) struct Job {
    pub place: usize,
    pub staged: String,
    pub change: Change,
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
        let jobs = self.check(changes, options.transaction)?;
        Ok(Run {
            places: &self.places,
            touched: touched(&jobs),
            list: self.list(&jobs, options),
            jobs,
            made: Made::default(),
        })
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
            let fits = change.mode & !LARGEST_MODE == 0 && change.bytes.len() as u64 <= LARGEST;
            if !layout::is_known(file) || !fits || !targets.insert((place, file.name.clone())) {
                bail!("{file} is not a file that certs may write so");
            }
            owner::check_owner(change.owner)?;
            self.check_current(&change, place)?;
            let staged = layout::staged(transaction, jobs.len(), &file.name);
            jobs.push(Job {
                place,
                staged,
                change,
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

    fn list(&self, jobs: &[Job], options: &CommitOptions) -> List {
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
            new: key::sha256(&job.change.bytes),
            replaced: job.change.replaces,
        };
        List {
            transaction: options.transaction,
            sequence: backup::next_sequence(&self.roots),
            keep_backup: options.backup,
            roots,
            entries: jobs.iter().map(entry).collect(),
        }
    }
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

/// The places of the jobs, that of the first job first: it gets the list.
fn touched(jobs: &[Job]) -> Vec<usize> {
    let mut touched = Vec::new();
    for job in jobs {
        if !touched.contains(&job.place) {
            touched.push(job.place);
        }
    }
    touched
}

/// A commit under way.
pub(super) struct Run<'a> {
    places: &'a [Place],
    /// Places, the one with the list first.
    touched: Vec<usize>,
    pub(super) jobs: Vec<Job>,
    pub(super) list: List,
    made: Made,
}

/// What must go again if the commit fails.
#[derive(Default)]
struct Made {
    /// Numbers of jobs.
    staged: Vec<usize>,
    /// Places.
    backups: Vec<usize>,
    /// Places.
    journals: Vec<usize>,
}

impl Run<'_> {
    /// Until this is done nothing is decided, and when it is, everything is.
    pub(super) fn prepare(&mut self) -> Result<()> {
        self.make_folders()?;
        let (staged, result) = stage::stage(self.places, &self.jobs);
        self.made.staged = staged;
        result?;
        self.back_up()?;
        self.sync_folders()?;
        let part = Part {
            transaction: self.list.transaction,
            list: self.places[self.touched[0]].directory.path.clone(),
        };
        // The list last: see `journal`.
        for place in self.touched.clone().into_iter().rev() {
            let directory = &self.places[place].directory;
            let bytes = if place == self.touched[0] {
                self.list.encode()
            } else {
                part.encode()
            };
            let mut file = directory.create(JOURNAL)?;
            self.made.journals.push(place);
            directory.fill(&mut file, JOURNAL, &bytes)?;
            directory.sync_file(&file, JOURNAL)?;
            directory.sync(".")?;
        }
        Ok(())
    }

    fn make_folders(&self) -> Result<()> {
        for (place, folder) in self.folders() {
            let directory = &self.places[place].directory;
            if folder != "." && directory.make_folder(&folder, DIRECTORY_MODE)? {
                directory.sync(".")?;
            }
        }
        Ok(())
    }

    /// The folders that change, with their places.
    fn folders(&self) -> BTreeSet<(usize, String)> {
        let folder = |job: &Job| (job.place, layout::folder(&job.change.file.name).to_owned());
        self.jobs.iter().map(folder).collect()
    }

    fn sync_folders(&self) -> Result<()> {
        self.folders()
            .iter()
            .try_for_each(|(place, folder)| self.places[*place].directory.sync(folder))
    }

    /// Keeps what will be replaced, also if it is not wanted afterwards: undoing needs it.
    fn back_up(&mut self) -> Result<()> {
        let manifest = self.list.encode();
        for &place in &self.touched {
            let replaced = |job: &&Job| job.place == place && job.change.replaces.is_some();
            let names = self
                .jobs
                .iter()
                .filter(replaced)
                .map(|job| job.change.file.name.as_str());
            let names: Vec<&str> = names.collect();
            if !names.is_empty() {
                let directory = &self.places[place].directory;
                backup::begin(directory, self.list.transaction)?;
                self.made.backups.push(place);
                backup::fill(directory, self.list.transaction, &names, &manifest)?;
            }
        }
        Ok(())
    }

    /// On an error, how many were renamed before it.
    pub(super) fn rename(&self) -> Result<(), (usize, anyhow::Error)> {
        for job in self
            .jobs
            .iter()
            .filter(|job| stage::is_given_away(job.change.owner))
        {
            self.give_away(job).map_err(|error| (0, error))?;
        }
        for (number, job) in self.jobs.iter().enumerate() {
            self.rename_one(job).map_err(|error| (number, error))?;
        }
        Ok(())
    }

    pub(super) fn rename_one(&self, job: &Job) -> Result<()> {
        let directory = &self.places[job.place].directory;
        let name = &job.change.file.name;
        match job.change.replaces {
            Some(_) => directory.replace(&job.staged, name),
            None => directory.place(&job.staged, name),
        }
    }

    pub(super) fn give_away(&self, job: &Job) -> Result<()> {
        let directory = &self.places[job.place].directory;
        let file = directory.open(&job.staged)?;
        directory.dress(&file, &job.staged, job.change.owner, job.change.mode)?;
        directory.sync_file(&file, &job.staged)
    }

    /// Takes the first `renamed` renames back, the last first.
    pub(super) fn undo(&mut self, renamed: usize, error: &anyhow::Error) -> anyhow::Error {
        let undone = self.jobs[..renamed]
            .iter()
            .rev()
            .try_for_each(|job| self.take_back(job));
        match undone.and_then(|()| self.sync_folders()) {
            Ok(()) => self.abandon(error),
            Err(second) => anyhow!(
                "{error}; undoing failed too: {second}: {} stays, and the next run that writes will finish the work",
                self.places[self.touched[0]]
                    .directory
                    .path(JOURNAL)
                    .display()
            ),
        }
    }

    /// The journal still stands, so each step leaves what recovery understands: the new file has its
    /// staged name again before the former one is back.
    fn take_back(&self, job: &Job) -> Result<()> {
        let directory = &self.places[job.place].directory;
        let name = &job.change.file.name;
        if job.change.replaces.is_none() {
            return directory.place(name, &job.staged);
        }
        if !directory.link(name, &job.staged)? {
            bail!(
                "{} cannot have a second name",
                directory.path(name).display()
            );
        }
        directory.replace(&layout::backup_file(self.list.transaction, name), name)
    }

    /// Removes what `prepare` made. The list goes first: without it nothing was decided.
    fn abandon(&mut self, error: &anyhow::Error) -> anyhow::Error {
        match self.clear() {
            Ok(()) => anyhow!("{error}; nothing was changed"),
            Err(second) => {
                anyhow!("{error}; no file was changed, but tidying up failed too: {second}")
            }
        }
    }

    fn clear(&mut self) -> Result<()> {
        self.remove_journals()?;
        for place in self.made.backups.drain(..) {
            backup::remove(&self.places[place].directory, self.list.transaction)?;
        }
        for number in self.made.staged.drain(..) {
            let job = &self.jobs[number];
            self.places[job.place].directory.remove(&job.staged)?;
        }
        Ok(())
    }

    fn remove_journals(&mut self) -> Result<()> {
        // They were made with the list last.
        for place in self.made.journals.drain(..).rev() {
            let directory = &self.places[place].directory;
            directory.remove(JOURNAL)?;
            directory.sync(".")?;
        }
        Ok(())
    }

    fn finish(mut self, options: &CommitOptions) -> Result<Committed> {
        let ended = self.sync_folders().and_then(|()| self.remove_journals());
        if let Err(error) = ended {
            bail!(
                "{error}; every file is in its place, but a journal stays: run again to end this run"
            );
        }
        let mut notes = Vec::new();
        let mut backups = Vec::new();
        for &place in &self.made.backups {
            let directory = &self.places[place].directory;
            let tidied = if options.backup {
                backups.push(directory.path(&layout::backup(options.transaction)));
                backup::prune(directory, &options.keep)
            } else {
                backup::remove(directory, options.transaction)
            };
            notes.extend(tidied.err().map(|error| error.to_string()));
        }
        Ok(Committed {
            files: self.jobs.len(),
            backups,
            notes,
        })
    }
}
