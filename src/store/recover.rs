//! Ends what an interrupted run left, before the next one begins. A list is carried forward: its
//! renames are done. Without a list nothing was decided, and what was staged is removed.
//!
//! All of it is judged first. What is not ours, does not fit, or lies in a directory that this run
//! was not given is an error, and then nothing is touched.

mod state;

use std::path::Path;

use anyhow::{Result, anyhow, bail};

use self::state::{State, state};
use super::directory::Directory;
use super::journal::{Journal, List, Part, TransactionId};
use super::layout::{self, JOURNAL};
use super::left::{Found, Left, named, survey};
use super::lock::{Place, Writer};
use super::nested::{judge_folders, judge_parents};
use super::prune::prune;
use super::undecided::{discard, discard_journal, judge_staged, judge_untold};
use super::{backup, read};
use crate::location::FileId;
use crate::rollback::Fates;

pub(super) use self::state::must_hold;

/// What recovery did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recovered {
    /// The files of the runs that were decided: all are now as those runs wanted them.
    pub finished: Vec<FileId>,
    /// The verbs of those runs.
    pub commands: Vec<String>,
    /// How many staged files of undecided runs were removed.
    pub discarded: usize,
    /// What is untidy, though every file is in its place: a sentence each.
    pub notes: Vec<String>,
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

impl Writer {
    /// Ends what an interrupted run left; `None` if there is nothing. It comes before the first
    /// look at a file, since it changes files. Of the backups those stay that `fates` says.
    pub fn recover(&mut self, fates: Fates) -> Result<Option<Recovered>> {
        judge_folders(&self.places)?;
        let left = survey(&self.places)?;
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
        // The next commit may be over other directories.
        let touched: Vec<usize> = decided
            .iter()
            .flat_map(|finish| finish.places.iter().copied())
            .collect();
        if !touched.is_empty() {
            recovered.notes = prune(&self.places, &touched, fates);
        }
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
                    self.judge_part(part, &place.directory, left)?;
                }
                Some(Found::Torn) => {
                    let undecided = |transaction| !lists.contains(&transaction);
                    judge_untold(&place.directory, &self.places, left, undecided)?;
                }
                _ => {}
            }
        }
        judge_parents(&self.places, left, &lists)?;
        judge_staged(&self.places, left, &lists)?;
        Ok(finishes)
    }

    fn judge_list(&self, place: usize, list: &List, left: &[Left]) -> Result<Finish> {
        let directory = &self.places[place].directory;
        let journal = directory.path(JOURNAL);
        let journal = journal.display();
        let (_, own) = &list.roots[0];
        // What lies elsewhere than the journal says is a copy: only for one directory does it not
        // matter which. The other directories that it names are those of the original.
        let several = list.roots.iter().any(|(_, path)| path != own);
        if several && !is_at(directory, own) {
            let original = |path: &Path| list.roots.iter().any(|(_, other)| other == path);
            let here = self.places.iter().zip(left).enumerate();
            let copied =
                here.filter(|(number, (at, _))| *number == place || !original(&at.directory.path));
            bail!(
                "{journal} tells of a run over several directories that was interrupted in {}, so this is a copy: run it \
                 ({}) there again and copy then, or move it back if it was moved, or remove {}; nothing was touched",
                own.display(),
                list.origin.command,
                named(list.transaction, copied.map(|(_, here)| here))
            );
        }
        let files = named(list.transaction, self.places.iter().zip(left));
        let mut places = vec![place];
        for (root, path) in &list.roots {
            let here = self.place(*root).filter(|&other| {
                if path == own {
                    other == place
                } else {
                    is_at(&self.places[other].directory, path)
                }
            });
            let Some(here) = here else {
                bail!("{journal} is of an interrupted run: {}", run_again(list));
            };
            let marked = matches!(&left[here].journal, Some(Found::Part(part)) if part.transaction == list.transaction);
            if here != place && !marked {
                bail!(
                    "{journal} is of an interrupted run that has its journal in {} no more, so it cannot be completed: look \
                     at what it made and at what it replaced, which {} keeps, then remove {files}; nothing was touched",
                    path.display(),
                    directory.path(&layout::backup(list.transaction)).display()
                );
            }
            if !places.contains(&here) {
                places.push(here);
            }
        }
        let mut steps = Vec::new();
        for (number, entry) in list.entries.iter().enumerate() {
            // `parse` has seen to it that every entry's root is among the list's.
            let place = self.place(entry.file.root).unwrap_or(place);
            let staged = layout::staged(list.transaction, number, &entry.file.name);
            let state = state(&self.places[place].directory, entry, &staged, &files)?;
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
    fn judge_part(&self, part: &Part, directory: &Directory, left: &[Left]) -> Result<()> {
        let listed = |place: &&Place| place.directory.path == part.list;
        if let Some(place) = self.places.iter().find(listed) {
            let of_part = |transaction| transaction == part.transaction;
            return judge_untold(&place.directory, &self.places, left, of_part);
        }
        let own = directory.path(JOURNAL);
        let own = own.display();
        let list = layout::in_directory(&part.list, JOURNAL);
        if !part.list.is_dir() {
            bail!(
                "{own} is of an interrupted run whose list is in {}, which is not there: bring it back, or remove {}",
                part.list.display(),
                named(part.transaction, self.places.iter().zip(left))
            );
        }
        match read::read(&list)?.map(|content| Journal::parse(&content.bytes)) {
            Some(Ok(Journal::List(list_of))) if list_of.transaction == part.transaction => bail!(
                "{own} is of an interrupted run whose list is {}: {}",
                list.display(),
                run_again(&list_of)
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
                .filter(|step| matches!(step.state, State::ToPlace | State::ToReplace(_)))
        };
        for step in pending() {
            let directory = &self.places[step.place].directory;
            let entry = &list.entries[step.entry];
            // A link was judged by where it leads, and is nobody's to be given.
            if layout::is_link(&entry.file.name) {
                continue;
            }
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
                State::ToRemove(seen) => directory
                    .take_away(&step.staged, name, seen)
                    .map_err(failed)?,
                State::ToReplace(seen) => directory
                    .replace(&step.staged, name, seen)
                    .map_err(failed)?,
                State::Done => {}
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

/// Whether `path` is this directory.
fn is_at(directory: &Directory, path: &Path) -> bool {
    path.canonicalize().is_ok_and(|path| path == directory.path)
}

/// How a run is to be ended for which other directories are needed. Its own verb is named, since not
/// every verb has a flag for each of them.
fn run_again(list: &List) -> String {
    let flags = list
        .roots
        .iter()
        .map(|(root, path)| format!(" {} {}", root.flag(), path.display()));
    format!(
        "it is to be ended first by 'certs {}{}', with the other flags of that run",
        list.origin.command,
        flags.collect::<String>()
    )
}
