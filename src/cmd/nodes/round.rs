//! Requests of many nodes, or what came back for them: each node is judged before the first file is written, and is then
//! one commit of its own.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::cmd::around::Wrong;
use crate::cmd::count::{Count, Told};
use crate::cmd::job::Job;
use crate::cmd::sequence::Judged;
use crate::cmd::{Env, Stop, changed};
use crate::finding::Severity;
use crate::location::{FileId, Root};
use crate::profile::reader::Changed;
use crate::report::{Node, Report, Stage};
use crate::store::SHARED;

/// One of those that a run is about.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Who {
    /// What all share.
    All,
    /// The node of this number.
    Node(usize),
}

/// The files that interrupted runs wrote.
pub(crate) type Finished = BTreeMap<Who, Vec<FileId>>;

/// What came of one of them.
struct One {
    node: Node,
    changed: Vec<Changed>,
    /// Of that what an interrupted run had written, which was completed before.
    finished: Vec<Changed>,
}

/// A run over them.
pub(crate) struct Round<'a> {
    pub(crate) verb: &'static str,
    pub(crate) least: Severity,
    pub(crate) told: Told<'a>,
    /// Those that it is about.
    pub(crate) each: Vec<Who>,
    /// How a node is called.
    pub(crate) name: &'a (dyn Fn(usize) -> String + Sync),
    /// What is to be done for one of them.
    pub(crate) job: &'a (dyn Fn(Who) -> Result<Job, Stop> + Sync),
    /// The files that an interrupted run wrote, which was completed before.
    pub(crate) finished: &'a Finished,
    /// What is told of these is told elsewhere.
    pub(crate) elsewhere: &'a (dyn Fn(&str) -> bool + Sync),
}

impl Round<'_> {
    /// What is to be done, all errors at once.
    fn plan(&self, (host, now): (&str, OffsetDateTime)) -> Result<Vec<One>, Stop> {
        let nodes = self.each.len();
        let planned = Count::new(self.told, Stage::Judging, nodes).each(nodes, |index| {
            let who = self.each[index];
            let plan = || {
                let job = (self.job)(who)?;
                let mut report = self.report(&job, who, now);
                let all = [&job.roots()[..], &job.reads].concat();
                let judged = job.foretell(&all, &mut report, (host, now))?;
                Ok(self.one(report, who, judged.as_ref(), &[]))
            };
            plan().map_err(|stop| match stop {
                Stop::Usage(sentences) => {
                    let of = self.called(who);
                    let told = sentences.iter().map(|sentence| format!("{of}: {sentence}"));
                    Stop::Usage(told.collect())
                }
                stop => stop,
            })
        });
        let mut wrong = Wrong::default();
        let mut nodes = Vec::new();
        for one in planned {
            nodes.extend(wrong.collect(one)?);
        }
        if wrong.0.is_empty() {
            Ok(nodes)
        } else {
            Err(Stop::Usage(wrong.0))
        }
    }

    /// What is to be done, and then does it, unless one is refused or that is all that was asked. And what changed of each.
    pub(crate) fn run(
        &self,
        plan_only: bool,
        host: &str,
        env: &mut Env<'_>,
    ) -> Result<(Vec<Node>, Vec<Vec<Changed>>), Stop> {
        let mut all = self.plan((host, env.now))?;
        let refused = all.iter().any(|one| one.node.is_refused());
        if !plan_only && !refused {
            self.carry_out(&mut all, env)?;
        }
        let told = |one: One| (one.node, if refused { one.finished } else { one.changed });
        Ok(all.into_iter().map(told).unzip())
    }

    /// Does it, one after the other.
    fn carry_out(&self, all: &mut [One], env: &mut Env<'_>) -> Result<(), Stop> {
        let changing = all.iter().filter(|one| one.node.changes()).count();
        let count = Count::new(self.told, Stage::Making, changing);
        for (one, who) in all.iter_mut().zip(&self.each) {
            if !one.node.changes() {
                one.node.keeps();
                continue;
            }
            let job = (self.job)(*who)?;
            let mut report = self.report(&job, *who, env.now);
            make_directories(&job, *who)?;
            let carried = job.carry_out(self.verb, false, &mut report, env)?;
            let judged = carried.as_ref().map(|carried| &carried.judged);
            let finished = carried.as_ref().map(|carried| &carried.finished[..]);
            *one = self.one(report, *who, judged, finished.unwrap_or_default());
            count.one();
        }
        Ok(())
    }

    fn called(&self, who: Who) -> String {
        match who {
            Who::All => SHARED.to_owned(),
            Who::Node(node) => (self.name)(node),
        }
    }

    fn report(&self, job: &Job, who: Who, now: OffsetDateTime) -> Report {
        let name = Some(self.called(who));
        Report::new(self.verb, now, name, &job.store, self.least, Vec::new())
    }

    fn one(&self, report: Report, who: Who, judged: Option<&Judged>, finished: &[FileId]) -> One {
        // Of a CA that is itself asked for nobody else tells.
        let elsewhere = |name: &str| who != Who::All && (self.elsewhere)(name);
        let before = self.finished.get(&who).map_or(&[][..], Vec::as_slice);
        let finished = [before, finished].concat();
        let (changed, finished) = changed::and_finished(judged, &finished);
        One {
            node: report.of_node(&self.called(who), elsewhere),
            changed,
            finished,
        }
    }
}

/// Those that the run writes in, each with the mode of such a directory.
fn make_directories(job: &Job, who: Who) -> Result<(), Stop> {
    let roots = job.roots();
    if who == Who::All {
        job.store.make_private(Root::Pki)?;
        return Ok(());
    }
    let files = job.specs.iter().flat_map(|spec| spec.place.files());
    let written = |file: &FileId| file.root != Root::Requests && roots.contains(&file.root);
    let files: Vec<FileId> = files.filter(written).collect();
    job.store.make_open(&files)?;
    Ok(())
}
