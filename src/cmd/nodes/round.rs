//! Requests of many nodes, or what came back for them: each node is judged before the first file is written, and is then
//! one commit of its own.

use time::OffsetDateTime;

use crate::cmd::around::Wrong;
use crate::cmd::count::{Count, Told};
use crate::cmd::job::Job;
use crate::cmd::{Env, Stop};
use crate::finding::Severity;
use crate::location::{FileId, Root};
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
    /// What is told of these is told elsewhere.
    pub(crate) elsewhere: &'a (dyn Fn(&str) -> bool + Sync),
}

impl Round<'_> {
    /// What is to be done, all errors at once.
    fn plan(&self, (host, now): (&str, OffsetDateTime)) -> Result<Vec<Node>, Stop> {
        let nodes = self.each.len();
        let planned = Count::new(self.told, Stage::Judging, nodes).each(nodes, |index| {
            let who = self.each[index];
            let plan = || {
                let job = (self.job)(who)?;
                let mut report = self.report(&job, who, now);
                let all = [&job.roots()[..], &job.reads].concat();
                job.foretell(&all, &mut report, (host, now))?;
                Ok(self.node(report, who))
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

    /// What is to be done, and then does it, unless one is refused or that is all that was asked.
    pub(crate) fn run(
        &self,
        plan_only: bool,
        host: &str,
        env: &mut Env<'_>,
    ) -> Result<Vec<Node>, Stop> {
        let mut each = self.plan((host, env.now))?;
        if !plan_only && !each.iter().any(Node::is_refused) {
            self.carry_out(&mut each, env)?;
        }
        Ok(each)
    }

    /// Does it, one after the other.
    fn carry_out(&self, nodes: &mut [Node], env: &mut Env<'_>) -> Result<(), Stop> {
        let changing = nodes.iter().filter(|node| node.changes()).count();
        let count = Count::new(self.told, Stage::Making, changing);
        for (node, who) in nodes.iter_mut().zip(&self.each) {
            if !node.changes() {
                node.keeps();
                continue;
            }
            let job = (self.job)(*who)?;
            let mut report = self.report(&job, *who, env.now);
            make_directories(&job, *who)?;
            job.carry_out(self.verb, false, &mut report, env)?;
            *node = self.node(report, *who);
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

    fn node(&self, report: Report, who: Who) -> Node {
        // Of a CA that is itself asked for nobody else tells.
        let elsewhere = |name: &str| who != Who::All && (self.elsewhere)(name);
        report.of_node(&self.called(who), elsewhere)
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
