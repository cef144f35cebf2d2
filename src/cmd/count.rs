//! Tells how far a run over many nodes is.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::apply::each;
use crate::report::{Progress, Stage};

/// Who is told, from whatever thread; nobody of a run that is to be quiet.
pub(crate) type Told<'a> = Option<&'a (dyn Fn(Progress) + Sync)>;

/// The nodes of one stage.
pub(crate) struct Count<'a> {
    told: Told<'a>,
    stage: Stage,
    done: AtomicUsize,
    all: usize,
}

impl<'a> Count<'a> {
    pub(crate) fn new(told: Told<'a>, stage: Stage, all: usize) -> Self {
        let count = Self {
            told,
            stage,
            done: AtomicUsize::new(0),
            all,
        };
        count.tell(0);
        count
    }

    /// What `work` makes of each number below `nodes`, in their order, on all cores.
    pub(crate) fn each<T: Send>(&self, nodes: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
        each(nodes, |node| {
            let made = work(node);
            self.one();
            made
        })
    }

    /// One more is done.
    pub(crate) fn one(&self) {
        self.tell(self.done.fetch_add(1, Ordering::Relaxed) + 1);
    }

    fn tell(&self, done: usize) {
        let (stage, all) = (self.stage, self.all);
        if let Some(told) = self.told {
            told(Progress { stage, done, all });
        }
    }
}
