//! Writes the new files of a commit under their staged names.

use std::fs::File;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;

use super::lock::Place;
use super::owner::effective_user;
use super::run::Job;
use crate::location::Owner;

/// The time of a small file is that of its fsync. A few at once share one write of the file
/// system's own journal; more than these gain nothing.
const THREADS: usize = 8;

/// A job whose file was created. Of one that is to be given away the descriptor is kept: its name is
/// in a folder that may be another user's, who can put any file there.
pub(super) struct Staged {
    pub number: usize,
    pub file: Option<File>,
}

/// Stages every job: created, written, owner and mode set, synced. Tells which were created, whether
/// or not all went well.
pub(super) fn stage(places: &[Place], jobs: &[Job]) -> (Vec<Staged>, Result<()>) {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let outcome = Mutex::new((Vec::new(), Ok(())));
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(number) else { break };
            let mut created = Created::Nothing;
            let result = write(places, job, &mut created);
            let made = !matches!(created, Created::Nothing);
            let mut outcome = outcome
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let file = match created {
                Created::File(file) => Some(file).filter(|_| is_given_away(job.change.owner)),
                Created::Link | Created::Nothing => None,
            };
            if made {
                outcome.0.push(Staged { number, file });
            }
            if let Err(error) = result {
                stop.store(true, Ordering::Relaxed);
                outcome.1 = Err(error);
            }
        }
    };
    thread::scope(|scope| {
        // This thread is one of them, so where the system grants no more the work is done all the same.
        for _ in 1..THREADS.min(jobs.len()) {
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    outcome
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What a job has made so far.
enum Created {
    File(File),
    Link,
    Nothing,
}

fn write(places: &[Place], job: &Job, created: &mut Created) -> Result<()> {
    let directory = &places[job.place].directory;
    let name = &job.staged;
    if job.change.stages_link() {
        directory.create_link(name, job.change.staged())?;
        *created = Created::Link;
        return Ok(());
    }
    *created = Created::File(directory.create(name)?);
    let Created::File(file) = created else {
        return Ok(());
    };
    directory.fill(file, name, job.change.staged())?;
    if !is_given_away(job.change.owner) {
        directory.dress(file, name, job.change.owner, job.change.mode)?;
    }
    directory.sync_file(file, name)
}

/// Whether a file will belong to another user. Such a one is given away only when the journal says
/// so: a staged file of another's and no journal is none that recovery may remove.
pub(super) fn is_given_away(owner: Owner) -> bool {
    owner.user.is_some_and(|user| user != effective_user())
}
