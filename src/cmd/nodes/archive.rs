//! `--archive`: beside the tree of each node one file that has all of it. The trees stay what runs judge, and the
//! archives are made of them.

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::anyhow;
use zeroize::Zeroizing;

use super::Run;
use super::fresh::BATCH;
use crate::apply::each;
use crate::archive::{Content, Member, is_ours, of};
use crate::cmd::Stop;
use crate::cmd::around::{settled, transaction};
use crate::cmd::count::Count;
use crate::location::Root;
use crate::report::{Archived, Node, Stage};
use crate::store::{PackedContent, ReadError, Writer, archive_of, archived, beginning, packed};

/// The largest archive that can be of a tree.
pub(crate) const LARGEST: u64 = 16 << 20;

impl Run<'_> {
    /// An error if what is to be an archive cannot be one. What lies there must be one of ours, whether it is of
    /// another tree or not.
    pub(super) fn check_archives(&self) -> Result<(), Stop> {
        if !self.archive {
            return Ok(());
        }
        let names = || (0..self.trees.cluster.len()).map(|node| self.trees.cluster.name(node));
        let all: HashSet<&str> = names().collect();
        let taken = |name: &&str| all.contains(&*archive_of(&self.trees.out, name).1);
        let wrong: Vec<String> = names()
            .filter(taken)
            .map(|name| {
                format!(
                    "the node {name}.tar has the name of the archive of {name}: leave out --archive, or name it otherwise"
                )
            })
            .collect();
        if !wrong.is_empty() {
            return Err(Stop::Usage(wrong));
        }
        let looked = each(self.trees.cluster.len(), |node| {
            self.there(node).map(|_| ())
        });
        looked.into_iter().collect()
    }

    /// What is to be done about each archive; nothing without them. What one cannot have is told before a tree changes.
    pub(super) fn plan_archives(&self, nodes: &[Node]) -> Result<Vec<Archived>, Stop> {
        if !self.archive || nodes.iter().any(Node::is_refused) {
            return Ok(Vec::new());
        }
        let planned = each(nodes.len(), |node| {
            let there = self.there(node)?;
            let now = if self.trees.is_new(node) {
                None
            } else {
                self.planned(node)?
            };
            Ok(match (there, now) {
                (None, _) => Archived::Created,
                (there, now) if there == now && !nodes[node].changes() => Archived::Kept,
                _ => Archived::Replaced,
            })
        });
        planned.into_iter().collect()
    }

    /// Nothing, where a dry run finds half of another.
    fn planned(&self, node: usize) -> Result<Option<Zeroizing<Vec<u8>>>, Stop> {
        let lock = self.trees.store(node).lock_shared(&Root::TREE)?;
        if self.plan_only && settled(&lock).is_err() {
            return Ok(None);
        }
        drop(lock);
        self.pack(node).map(Some)
    }

    /// Makes those that are not what the trees are now.
    pub(super) fn write_archives(
        &self,
        archives: &[Archived],
        nodes: &mut [Node],
        alone: &Writer,
    ) -> Result<(), Stop> {
        let stale = |node: &usize| archives[*node] != Archived::Kept && !nodes[*node].is_refused();
        let stale: Vec<usize> = (0..archives.len()).filter(stale).collect();
        if stale.is_empty() {
            return Ok(());
        }
        let count = Count::new(self.told, Stage::Archiving, stale.len());
        for batch in stale.chunks(BATCH) {
            let fresh = alone.fresh(transaction()?)?;
            let put = count.each(batch.len(), |index| {
                let node = batch[index];
                let name = archive_of(&self.trees.out, self.trees.cluster.name(node)).1;
                Ok(fresh.put(name, &self.pack(node)?)?)
            });
            put.into_iter().collect::<Result<(), Stop>>()?;
            fresh.settle()?;
        }
        Ok(())
    }

    /// Those which are no more of their trees, where none are made.
    pub(super) fn stale_archives(&self, nodes: &[Node]) -> Vec<PathBuf> {
        let changed = (0..nodes.len()).filter(|node| !self.archive && nodes[*node].changes());
        self.trees.stale_archives(changed)
    }

    /// What has the name of a node's archive.
    fn there(&self, node: usize) -> Result<Option<Zeroizing<Vec<u8>>>, Stop> {
        let path = archive_of(&self.trees.out, self.trees.cluster.name(node)).0;
        let refused = |why: &str| {
            let path = path.display();
            Stop::Failed(anyhow!("{path} {why}, or leave out --archive"))
        };
        match beginning(&path, LARGEST) {
            Ok(Some(bytes)) if !bytes.is_empty() && !is_ours(&bytes) => Err(refused(
                "is not what this command wrote before: move it away",
            )),
            Ok(there) => Ok(there),
            Err(ReadError::NotAFile { kind, .. }) => {
                Err(refused(&format!("is {kind}, not an archive: move it away")))
            }
            Err(error) => Err(Stop::Failed(error.into())),
        }
    }

    /// The archive of what is there of a node.
    fn pack(&self, node: usize) -> Result<Zeroizing<Vec<u8>>, Stop> {
        let name = self.trees.cluster.name(node);
        // No run writes there meanwhile.
        let lock = self.trees.store(node).lock_shared(&Root::TREE)?;
        let all = packed(&self.trees.out, name)?;
        settled(&lock)?;
        let members = all.iter().map(|packed| Member {
            name: &packed.name,
            mode: packed.mode,
            user: packed.user,
            group: packed.group,
            content: match &packed.content {
                PackedContent::Directory => Content::Directory,
                PackedContent::File(bytes) => Content::File(bytes),
                PackedContent::Link(target) => Content::Link(target),
            },
        });
        Ok(Zeroizing::new(of(members.collect())))
    }

    /// Archives of nodes that the inventory does not list.
    pub(super) fn other_archives(&self) -> Result<Vec<String>, Stop> {
        let others = self.trees.cluster.others(archived(&self.trees.out)?);
        let archives = others.iter().map(|name| archive_of(&self.trees.out, name));
        let ours = archives.filter(
            |(path, _)| matches!(beginning(path, LARGEST), Ok(Some(bytes)) if is_ours(&bytes)),
        );
        Ok(ours.map(|(_, name)| name).collect())
    }
}
