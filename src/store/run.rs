//! A commit under way: stage, back up, journal, rename; or, if that fails, all of it back. See
//! `journal` for what a crash leaves at each step, and `recover` for who finishes it.

use std::collections::BTreeSet;
use std::fs::File;

use anyhow::{Result, anyhow, bail};

use super::commit::{Change, CommitOptions, Committed};
use super::directory::{DIRECTORY_MODE, Seen};
use super::journal::{List, Part};
use super::layout::{self, JOURNAL};
use super::lock::Place;
use super::owner::effective_user;
use super::prune::prune;
use super::{backup, stage};
use crate::key;
use crate::location::Owner;

/// A change, and where it happens.
pub(super) struct Job {
    pub place: usize,
    pub staged: String,
    pub change: Change,
    /// What is replaced, once there is a backup of it.
    pub seen: Option<Seen>,
}

/// A commit under way.
pub(super) struct Run<'a> {
    places: &'a [Place],
    /// Places, the one with the list first.
    touched: Vec<usize>,
    pub jobs: Vec<Job>,
    pub list: List,
    made: Made,
}

/// What must go again if the commit fails.
#[derive(Default)]
struct Made {
    /// Numbers of jobs.
    staged: Vec<stage::Staged>,
    /// Places.
    backups: Vec<usize>,
    /// Places.
    journals: Vec<usize>,
}

impl<'a> Run<'a> {
    pub fn new(places: &'a [Place], jobs: Vec<Job>, list: List) -> Self {
        Self {
            places,
            touched: touched(&jobs),
            jobs,
            list,
            made: Made::default(),
        }
    }

    /// Until this is done nothing is decided, and when it is, everything is.
    pub fn prepare(&mut self) -> Result<()> {
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
        for job in &mut self.jobs {
            if let Some(planned) = job.change.replaces {
                let directory = &self.places[job.place].directory;
                job.seen = Some(directory.seen(&job.change.file.name, planned)?);
            }
        }
        Ok(())
    }

    /// On an error, how many were renamed before it.
    pub fn rename(&self) -> Result<(), (usize, anyhow::Error)> {
        for staged in &self.made.staged {
            if let Some(file) = &staged.file {
                self.give_away(&self.jobs[staged.number], file)
                    .map_err(|error| (0, error))?;
            }
        }
        for (number, job) in self.jobs.iter().enumerate() {
            self.rename_one(job).map_err(|error| (number, error))?;
        }
        Ok(())
    }

    pub fn rename_one(&self, job: &Job) -> Result<()> {
        let directory = &self.places[job.place].directory;
        let name = &job.change.file.name;
        match job.seen {
            Some(seen) if job.change.bytes.is_none() => {
                directory.take_away(&job.staged, name, seen)
            }
            Some(seen) => directory.replace(&job.staged, name, seen),
            None => directory.place(&job.staged, name),
        }
    }

    /// Through the descriptor that it was written with. By its name it could be another file by now:
    /// whoever owns the folder may have put a CA's key there.
    pub fn give_away(&self, job: &Job, file: &File) -> Result<()> {
        let directory = &self.places[job.place].directory;
        directory.must_name(&job.staged, file)?;
        directory.dress(file, &job.staged, job.change.owner, job.change.mode)?;
        directory.sync_file(file, &job.staged)
    }

    /// Takes the first `renamed` renames back, the last first. Of one that failed nothing is done, but
    /// its mark may be gone.
    pub fn undo(&mut self, renamed: usize, error: &anyhow::Error) -> anyhow::Error {
        let failed = self.jobs.get(renamed);
        let marked = failed.map_or(Ok(()), |job| self.mark(job));
        let undone = marked.and_then(|()| {
            let mut done = self.jobs[..renamed].iter().rev();
            done.try_for_each(|job| self.take_back(job))
        });
        let undone = undone
            .and_then(|()| self.sync_folders())
            .and_then(|()| self.take_from_others());
        match undone {
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
        let former = layout::backup_file(self.list.transaction, name);
        let Some(bytes) = &job.change.bytes else {
            self.mark(job)?;
            // The copy stays, for a recovery removes the file again if a later step fails.
            return if directory.link(&former, name)? {
                Ok(())
            } else {
                directory.place(&former, name)
            };
        };
        // Only what this run wrote is taken back.
        let seen = directory.seen(name, key::sha256(bytes))?;
        if job.change.replaces.is_none() {
            return directory.place(name, &job.staged);
        }
        if !directory.link(name, &job.staged)? {
            bail!(
                "{} cannot have a second name",
                directory.path(name).display()
            );
        }
        directory.replace(&former, name, seen)
    }

    /// Puts the mark of a removal back: without the list, all that a run staged must be there.
    fn mark(&self, job: &Job) -> Result<()> {
        let directory = &self.places[job.place].directory;
        if job.change.bytes.is_some() || directory.status(&job.staged)?.is_some() {
            return Ok(());
        }
        directory.write(&job.staged, job.change.staged())
    }

    /// What was given away is ours again before the list goes, which alone says whose it is: without
    /// it recovery removes staged files of our own only.
    fn take_from_others(&self) -> Result<()> {
        let own = Owner {
            user: Some(effective_user()),
            group: None,
        };
        for staged in &self.made.staged {
            if let Some(file) = &staged.file {
                let job = &self.jobs[staged.number];
                let directory = &self.places[job.place].directory;
                directory.dress(file, &job.staged, own, 0o600)?;
                directory.sync_file(file, &job.staged)?;
            }
        }
        Ok(())
    }

    /// Removes what `prepare` made. The list goes first: without it nothing was decided.
    pub fn abandon(&mut self, error: &anyhow::Error) -> anyhow::Error {
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
            backup::discard(&self.places[place].directory, self.list.transaction)?;
        }
        for stage::Staged { number, .. } in self.made.staged.drain(..) {
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

    /// Removes the copies if none are wanted: before the journals, without which nobody would.
    fn drop_copies(&self, options: &CommitOptions) -> Result<()> {
        if options.backup {
            return Ok(());
        }
        self.made.backups.iter().try_for_each(|&place| {
            backup::remove(&self.places[place].directory, self.list.transaction)
        })
    }

    pub fn finish(mut self, options: &CommitOptions) -> Result<Committed> {
        let ended = self
            .sync_folders()
            .and_then(|()| self.drop_copies(options))
            .and_then(|()| self.remove_journals());
        if let Err(error) = ended {
            bail!(
                "{error}; every file is in its place, but a journal stays: run again to end this run"
            );
        }
        // A run that replaced nothing ends nothing either.
        let notes = if self.made.backups.is_empty() {
            Vec::new()
        } else {
            prune(self.places, &self.made.backups, options.fates)
        };
        let folder = |place: &usize| {
            let own = layout::backup(options.transaction);
            self.places[*place].directory.path(&own)
        };
        let kept = self.made.backups.iter().filter(|_| options.backup);
        Ok(Committed {
            files: self.jobs.len(),
            backups: kept.map(folder).collect(),
            notes,
        })
    }
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
