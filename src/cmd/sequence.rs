//! The one way of a run that may write: lock → recover → judge → commit → report.

use std::time::Duration;

use super::around::transaction;
use super::{Env, Stop, changed, there};
use crate::apply::{self, Prepared};
use crate::finding::Code;
use crate::location::{FileId, Owner, Root};
use crate::observe::{Passphrases, Seen};
use crate::observed::Observed;
use crate::plan::Planned;
use crate::report::{Planning, Report, waiting};
use crate::rollback::fates;
use crate::spec::Spec;
use crate::store::{Change, CommitOptions, Committed, Origin, Recovered, Store, Writer};

/// What is there, what is wanted of it, and the plan.
pub(crate) struct Judged {
    pub(crate) seen: Seen,
    pub(crate) specs: Vec<Spec>,
    pub(crate) planning: Planning,
}

/// Looks at what is there, and plans.
pub(crate) type Judge<'a> = dyn Fn(&Passphrases, &Env<'_>) -> Result<Judged, Stop> + 'a;

/// What was judged last, and the files of an interrupted run that was completed before.
pub(crate) struct Carried {
    pub(crate) judged: Judged,
    pub(crate) finished: Vec<FileId>,
}

/// What a run is over, and how it goes about it.
pub(crate) struct Sequence<'a> {
    pub(crate) verb: &'a str,
    pub(crate) store: &'a Store,
    pub(crate) roots: Vec<Root>,
    /// Directories that are only read: they may be another user's, or on a medium that nobody writes.
    pub(crate) reads: Vec<Root>,
    pub(crate) passphrases: &'a Passphrases,
    /// Whose the new files are to be.
    pub(crate) owner: Owner,
    /// Whether what is replaced is kept in a backup.
    pub(crate) backup: bool,
    pub(crate) lock_timeout: Duration,
    pub(crate) dry_run: bool,
}

impl<'a> Sequence<'a> {
    /// Over a tree that is looked after: its files stay whose they are, and what is replaced is kept.
    pub(crate) fn over(
        verb: &'a str,
        (store, roots): (&'a Store, &[Root]),
        passphrases: &'a Passphrases,
        lock_timeout: Duration,
        dry_run: bool,
    ) -> Self {
        Self {
            verb,
            store,
            roots: roots.to_vec(),
            reads: Vec::new(),
            passphrases,
            owner: Owner::default(),
            backup: true,
            lock_timeout,
            dry_run,
        }
    }

    /// Does what was asked for, or tells what would be done; none where what is there is half of
    /// another run, which nothing is planned over.
    pub(crate) fn run(
        &self,
        judge: &Judge<'_>,
        report: &mut Report,
        env: &mut Env<'_>,
    ) -> Result<Option<Carried>, Stop> {
        if self.dry_run {
            let lock = self.store.lock_shared(&self.all())?;
            if let Some(journal) = lock.interrupted()? {
                report.unplanned(journal);
                return Ok(None);
            }
            let judged = self.judge(judge, env)?;
            report.busy(lock.busy().is_some());
            report.planned(&judged.planning, &judged.seen);
            return Ok(Some(Carried::of(judged)));
        }
        let there = |root: &Root| self.store.has(*root);
        if !self.roots.iter().all(there) && !self.reads_alone() {
            // No directory is made for a run that is refused.
            self.store.check_writable(&self.roots)?;
            let lock = self.store.lock_shared(&self.all())?;
            let judged = self.judge(judge, env)?;
            if judged.planning.is_err() && lock.interrupted()?.is_none() && lock.busy().is_none() {
                report.planned(&judged.planning, &judged.seen);
                return Ok(Some(Carried::of(judged)));
            }
        }
        // Where nobody can write, what is there may be as it should be.
        let all = self.all();
        let locked: [&[Root]; 2] = if self.reads_alone() {
            [&[], &all]
        } else {
            [&self.roots, &self.reads]
        };
        let (mut writer, recovered) = writer(self.store, locked, self.lock_timeout, env)?;
        if let Some(recovered) = &recovered {
            report.recovered(recovered);
        }
        let judged = self
            .decide(judge, &mut writer, report, env)
            .map_err(|stop| stop.after(recovered.as_ref()))?;
        let finished = recovered.map_or_else(Vec::new, |recovered| recovered.finished);
        Ok(Some(Carried { judged, finished }))
    }

    fn decide(
        &self,
        judge: &Judge<'_>,
        writer: &mut Writer,
        report: &mut Report,
        env: &Env<'_>,
    ) -> Result<Judged, Stop> {
        let judged = self.judge(judge, env)?;
        match &judged.planning {
            Ok(plan) => {
                let Prepared {
                    changes, issued, ..
                } = apply::prepare(plan, &judged.seen, self.owner, env.now)?;
                if !changes.is_empty() {
                    if self.reads_alone() {
                        self.store.check_writable(&self.roots)?;
                    }
                    let committed = commit(writer, changes, self.verb, self.backup, env)?;
                    report.committed(committed);
                }
                report.done(plan, &judged.seen, &issued);
            }
            refused @ Err(_) => report.planned(refused, &judged.seen),
        }
        Ok(judged)
    }

    fn reads_alone(&self) -> bool {
        let mut roots = self.roots.iter();
        roots.any(|root| self.store.is_read_only(*root))
    }

    fn all(&self) -> Vec<Root> {
        [&self.roots[..], &self.reads].concat()
    }

    /// Encrypted keys of CAs are opened only where the plan needs one: that can take seconds, by the
    /// iterations that their files ask for.
    fn judge(&self, judge: &Judge<'_>, env: &Env<'_>) -> Result<Judged, Stop> {
        let judged = judge(&Passphrases::default(), env)?;
        let needed = match &judged.planning {
            Ok(plan) => plan
                .findings()
                .any(|finding| finding.code == Code::CaKeyLocked),
            Err(_) => true,
        };
        let locked = judged.seen.observed.values().any(Observed::is_locked);
        let mut judged = if needed && locked {
            judge(self.passphrases, env)?
        } else {
            judged
        };
        // Whoever names it too needs a key that a kubeconfig is to hold itself.
        if judged.seen.ground.kubeconfigs.is_empty() && leaves_keys(&judged) {
            (judged.seen.ground.kubeconfigs, _) = there::kubeconfigs(self.store);
        }
        Ok(judged)
    }
}

/// Whether a kubeconfig that names its key may not do so any more.
fn leaves_keys(judged: &Judged) -> bool {
    let Ok(plan) = &judged.planning else {
        return false;
    };
    let names = |planned: &Planned| {
        let observed = judged.seen.observed.get(&planned.spec.name);
        observed.is_some_and(|observed| observed.key_file().is_some())
    };
    let mut changed = plan.steps.iter().filter(|planned| !planned.step.keeps());
    changed.any(names)
}

impl Carried {
    fn of(judged: Judged) -> Self {
        Self {
            judged,
            finished: Vec::new(),
        }
    }
}

/// The lock on directories to be written and on others to be read, and what an interrupted run had left there.
pub(crate) fn writer(
    store: &Store,
    [roots, reads]: [&[Root]; 2],
    lock_timeout: Duration,
    env: &mut Env<'_>,
) -> Result<(Writer, Option<Recovered>), Stop> {
    let notice = &mut *env.notice;
    let mut writer = store.lock_and_read(roots, reads, lock_timeout, &mut |directory| {
        notice(&waiting(directory));
    })?;
    let recovered = recover(&mut writer, store, env)?;
    Ok((writer, recovered))
}

/// Ends what an interrupted run had left, and tells what is to be restarted for that.
pub(crate) fn recover(
    writer: &mut Writer,
    store: &Store,
    env: &Env<'_>,
) -> Result<Option<Recovered>, Stop> {
    let mut recovered = writer.recover(fates)?;
    if let Some(recovered) = &mut recovered
        && !recovered.finished.is_empty()
    {
        let restarts = changed::restarts(store, &recovered.finished, env.host.name);
        let restarts = restarts.map_err(|stop| stop.after(Some(recovered)))?;
        recovered.notes.extend(restarts);
    }
    Ok(recovered)
}

/// One commit; a journal tells of `verb` in one word.
pub(crate) fn commit(
    writer: &mut Writer,
    changes: Vec<Change>,
    verb: &str,
    backup: bool,
    env: &Env<'_>,
) -> anyhow::Result<Committed> {
    let options = CommitOptions {
        transaction: transaction()?,
        origin: Origin {
            command: verb.to_owned(),
            time: env.now,
        },
        backup,
        fates,
    };
    writer.commit(changes, &options)
}
