//! Nodes that have no tree yet: all of one at once, many at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::OffsetDateTime;

use super::Run;
use crate::apply::{self, Prepared};
use crate::cmd::Stop;
use crate::cmd::around::transaction;
use crate::cmd::count::Count;
use crate::observe::{Passphrases, Seen};
use crate::report::Node;
use crate::store::Writer;

/// So many new trees are made before they are synced and have their names: enough that syncing is little, few
/// enough that not much is lost with a run that is ended.
pub(super) const BATCH: usize = 512;

impl Run<'_> {
    /// The trees of nodes that have none, so many at a time.
    pub(super) fn make(
        &self,
        nodes: &[usize],
        source: &Arc<Seen>,
        count: &Count<'_>,
        alone: &Writer,
        now: OffsetDateTime,
    ) -> Result<BTreeMap<usize, Node>, Stop> {
        let mut made = BTreeMap::new();
        if nodes.is_empty() {
            return Ok(made);
        }
        let still = nodes
            .iter()
            .copied()
            .filter(|node| self.trees.is_new(*node));
        for batch in still.collect::<Vec<_>>().chunks(BATCH) {
            let fresh = alone.fresh(transaction()?)?;
            let told = count.each(batch.len(), |index| {
                let node = batch[index];
                let job = self.node(node, source)?;
                let judged = job.judge(&Passphrases::default(), now)?;
                let mut report = self.report(&job.store, Some(node), now);
                match &judged.planning {
                    Ok(plan) => {
                        let Prepared {
                            changes, issued, ..
                        } = apply::prepare_alone(plan, &judged.seen, job.owner, now)?;
                        fresh.make(self.trees.cluster.name(node), &changes)?;
                        report.done(plan, &judged.seen, &issued);
                    }
                    Err(refusal) => report.refuse(refusal),
                }
                Ok((node, self.of_node(node, report)))
            });
            let told: Result<Vec<_>, Stop> = told.into_iter().collect();
            let told = told?;
            fresh.settle()?;
            made.extend(told);
        }
        Ok(made)
    }
}
