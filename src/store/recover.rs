//! Ends what an interrupted run left, before the next one begins. A list is carried forward: its
//! renames are done. Without a list nothing was decided, and what was staged is removed.
//!
//! All of it is judged first. What is not ours, does not fit, or lies in a directory that this run
//! was not given is an error, and then nothing is touched.

use std::fs::File;
use std::io::Read;

use anyhow::{Result, anyhow, bail};
use zeroize::Zeroizing;

use super::directory::Directory;
use super::journal::{Entry, Journal, List, Part, TransactionId};
use super::layout::{self, JOURNAL};
use super::left::{Claim, Found, Left, must_be_ours, survey};
use super::lock::Writer;
use super::read::LARGEST;
use super::undecided::{discard, discard_journal, judge_staged, judge_torn};
use super::{backup, read};
use crate::key;
use crate::location::FileId;

/// What recovery did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recovered {
    /// The files of the runs that were decided: all are now as those runs wanted them.
    pub finished: Vec<FileId>,
    /// The verbs of those runs.
    pub commands: Vec<String>,
    /// How many staged files of undecided runs were removed.
    pub discarded: usize,
}

/// What is to be done to end one decided run.
struct Finish {
    /// The place with its list, then the others.
    places: Vec<usize>,
    list: List,
    steps: Vec<Step>,
}

struct Step {
    place: usize,
    staged: String,
    /// An index into the list's entries.
    entry: usize,
    state: State,
}

/// How far an entry is.
#[derive(Clone, Copy, Eq, PartialEq)]
enum State {
    /// Nothing is there yet.
    ToPlace,
    /// What is to be replaced is still there.
    ToReplace,
    /// Done, but for a staged name that may have stayed.
    Renamed,
}

impl Writer {
    /// Ends what an interrupted run left; `None` if there is nothing. It comes before the first
    /// look at a file, since it changes files.
    pub fn recover(&mut self) -> Result<Option<Recovered>> {
        let left = self
            .places
            .iter()
            .map(survey)
            .collect::<Result<Vec<Left>>>()?;
        if left
            .iter()
            .all(|left| left.journal.is_none() && left.staged.is_empty())
        {
            return Ok(None);
        }
        let decided = self.judge(&left)?;
        let mut recovered = Recovered::default();
        for finish in &decided {
            self.finish(finish)?;
            recovered.commands.push(finish.list.origin.command.clone());
            recovered
                .finished
                .extend(finish.list.entries.iter().map(|entry| entry.file.clone()));
        }
        let finished = transactions(&decided);
        // All journals before the first staged file: a torn one is told from a damaged one by that.
        for (place, left) in self.places.iter().zip(&left) {
            discard_journal(&place.directory, left)?;
        }
        recovered.discarded = discard(&self.places, &left, &finished)?;
        Ok(Some(recovered))
    }

    fn judge(&self, left: &[Left]) -> Result<Vec<Finish>> {
        let mut finishes = Vec::new();
        for (place, found) in left.iter().enumerate() {
            if let Some(Found::List(list)) = &found.journal {
                finishes.push(self.judge_list(place, list, left)?);
            }
        }
        let lists = transactions(&finishes);
        for (place, found) in self.places.iter().zip(left) {
            match &found.journal {
                Some(Found::Part(part)) if !lists.contains(&part.transaction) => {
                    self.judge_part(part, &place.directory)?;
                }
                Some(Found::Torn) => judge_torn(&place.directory, left, &lists)?,
                _ => {}
            }
        }
        judge_staged(&self.places, left, &lists)?;
        Ok(finishes)
    }

    fn judge_list(&self, place: usize, list: &List, left: &[Left]) -> Result<Finish> {
        let directory = &self.places[place].directory;
        let (_, list_path) = &list.roots[0];
        let mut places = vec![place];
        for (root, path) in &list.roots {
            let here = self.place(*root);
            let same = if path == list_path {
                here == Some(place)
            } else {
                here.is_some_and(|other| {
                    other != place
                        && matches!(&left[other].journal, Some(Found::Part(part)) if part.transaction == list.transaction)
                })
            };
            let Some(here) = here.filter(|_| same) else {
                bail!(
                    "{} is of an interrupted run with {} {}: run again with that, as it is to be finished first",
                    directory.path(JOURNAL).display(),
                    root.flag(),
                    path.display()
                );
            };
            if !places.contains(&here) {
                places.push(here);
            }
        }
        let mut steps = Vec::new();
        for (number, entry) in list.entries.iter().enumerate() {
            // `parse` has seen to it that every entry's root is among the list's.
            let place = self.place(entry.file.root).unwrap_or(place);
            let staged = layout::staged(list.transaction, number, &entry.file.name);
            let state = state(&self.places[place].directory, entry, &staged)?;
            steps.push(Step {
                place,
                staged,
                entry: number,
                state,
            });
        }
        Ok(Finish {
            places,
            list: list.clone(),
            steps,
        })
    }

    /// A part without its list has nothing to finish, if it is certain that there is no list.
    fn judge_part(&self, part: &Part, directory: &Directory) -> Result<()> {
        if self
            .places
            .iter()
            .any(|place| place.directory.path == part.list)
        {
            return Ok(());
        }
        let own = directory.path(JOURNAL);
        let own = own.display();
        let list = layout::in_directory(&part.list, JOURNAL);
        if !part.list.is_dir() {
            bail!(
                "{own} is of an interrupted run whose list is in {}, which is not there: bring it back, or remove {own}",
                part.list.display()
            );
        }
        match read::read(&list)?.map(|content| Journal::parse(&content.bytes)) {
            Some(Ok(Journal::List(list_of))) if list_of.transaction == part.transaction => bail!(
                "{own} is of an interrupted run whose list is {}: run again with the directories of that run, to finish it",
                list.display()
            ),
            _ => Ok(()),
        }
    }

    fn finish(&self, finish: &Finish) -> Result<()> {
        let list = &finish.list;
        let failed =
            |error: anyhow::Error| anyhow!("{error}; the interrupted run is still not finished");
        let pending = || {
            finish
                .steps
                .iter()
                .filter(|step| step.state != State::Renamed)
        };
        for step in pending() {
            let directory = &self.places[step.place].directory;
            let entry = &list.entries[step.entry];
            let mut file = directory.open(&step.staged).map_err(failed)?;
            // What was judged by its name may be another file by now, which must not be given away.
            directory
                .must_name(&step.staged, &file)
                .and_then(|()| must_hold(directory, &step.staged, &mut file, entry))
                .map_err(failed)?;
            directory
                .dress(&file, &step.staged, entry.owner, entry.mode)
                .map_err(failed)?;
            directory.sync_file(&file, &step.staged).map_err(failed)?;
        }
        for step in &finish.steps {
            let directory = &self.places[step.place].directory;
            let name = &list.entries[step.entry].file.name;
            match step.state {
                State::ToPlace => directory.place(&step.staged, name).map_err(failed)?,
                State::ToReplace => directory.replace(&step.staged, name).map_err(failed)?,
                State::Renamed => {}
            }
            directory.remove(&step.staged).map_err(failed)?;
        }
        for step in &finish.steps {
            let folder = layout::folder(&list.entries[step.entry].file.name);
            self.places[step.place]
                .directory
                .sync(folder)
                .map_err(failed)?;
        }
        // Before the journal, which is all that tells that they are to go.
        if !list.keep_backup {
            for &place in &finish.places {
                let directory = &self.places[place].directory;
                backup::remove(directory, list.transaction).map_err(failed)?;
            }
        }
        // The list first, as after a commit.
        for &place in &finish.places {
            let directory = &self.places[place].directory;
            directory.remove(JOURNAL).map_err(failed)?;
            directory.sync(".").map_err(failed)?;
        }
        Ok(())
    }
}

fn transactions(finishes: &[Finish]) -> Vec<TransactionId> {
    finishes
        .iter()
        .map(|finish| finish.list.transaction)
        .collect()
}

/// How far this entry is; an error if its rename is not done and cannot be.
fn state(directory: &Directory, entry: &Entry, staged: &str) -> Result<State> {
    let name = &entry.file.name;
    let target = directory.path(name);
    let target = target.display();
    let now = directory
        .read(name)?
        .map(|content| key::sha256(&content.bytes));
    let Some(status) = directory.status(staged)? else {
        if now == Some(entry.new) {
            return Ok(State::Renamed);
        }
        bail!(
            "{target} is not what the interrupted run wrote, and its staged file is gone: restore it from {} if it is \
             there, and remove {}",
            directory.path(layout::BACKUP).display(),
            directory.path(JOURNAL).display()
        );
    };
    if directory
        .status(name)?
        .is_some_and(|target| target.identity == status.identity)
    {
        // One file with both names: placed or taken back by a link, and interrupted there.
        return Ok(State::Renamed);
    }
    let given_to = entry.owner.user;
    must_be_ours(directory, staged, &status, Claim::Staged { given_to })?;
    let content = directory
        .read(staged)?
        .map(|content| key::sha256(&content.bytes));
    if content != Some(entry.new) {
        bail!(
            "{} is not what the interrupted run wrote there: look at it, then remove it and {}",
            directory.path(staged).display(),
            directory.path(JOURNAL).display()
        );
    }
    match now {
        None => Ok(State::ToPlace),
        Some(digest) if entry.replaced == Some(digest) || entry.new == digest => {
            Ok(State::ToReplace)
        }
        Some(_) => bail!(
            "{target} was changed after the run that was to replace it was interrupted: move it away and run again"
        ),
    }
}

/// An error unless the open file is what the journal says of it.
pub(super) fn must_hold(
    directory: &Directory,
    staged: &str,
    file: &mut File,
    entry: &Entry,
) -> Result<()> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(LARGEST + 1)?));
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if key::sha256(&bytes) == entry.new {
        return Ok(());
    }
    bail!(
        "{} is not what the interrupted run wrote there",
        directory.path(staged).display()
    );
}
