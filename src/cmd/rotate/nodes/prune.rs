//! The end of a former key: no backup is to hold it.

use super::super::tree::Tree;
use super::Run;
use crate::cmd::nodes::trees::there_of;
use crate::cmd::sequence::writer;
use crate::cmd::{Env, Stop};
use crate::diff::generations;
use crate::location::Root;
use crate::profile::Profile;
use crate::report::Nodes;
use crate::rollback::fates;
use crate::store::{Store, overlays};

impl Run<'_> {
    /// Takes the former key out of the backups, also out of those that a run left which was ended, and tells what is left,
    /// backups of other runs that hold one, and trees of nodes that are none any more.
    pub(super) fn prune(
        &self,
        row: &'static Profile,
        told: &mut Nodes,
        env: &mut Env<'_>,
    ) -> Result<(), Stop> {
        let (mut left, mut held, mut trees) = (Vec::new(), Vec::new(), Vec::new());
        let nodes = (0..self.trees.cluster.len()).map(|node| {
            let store = self.trees.store(node);
            let roots = there_of(&store, &Root::TREE);
            (store, roots)
        });
        let shared = (self.trees.shared.clone(), vec![Root::Pki]);
        for (store, roots) in nodes.chain([shared]) {
            let (writer, _) = writer(&store, [&roots, &[]], self.trees.lock_timeout, env)?;
            left.extend(writer.prune(fates));
            let tree = Tree::alone((&store, &roots), env.host.name, env.now);
            held.extend(tree.former_keys(row)?);
        }
        // They are no nodes any more, and stay as they are.
        let source = self.look_at_shared();
        let present = generations(row, &source.observed).ok();
        let present = present.map(|there| there.present.public_key().clone());
        for name in self.trees.cluster.others(overlays(&self.trees.out)?) {
            let store = Store::of_node(&self.trees.out, &name);
            let roots = there_of(&store, &Root::TREE);
            let tree = Tree::alone((&store, &roots), env.host.name, env.now);
            let (backups, own) = tree.left_keys(row, present.as_ref())?;
            held.extend(backups);
            trees.extend(own);
        }
        told.keeps_former_key(&left);
        told.holds_former_key(&held);
        told.left_with_former_key(&trees, &self.flags);
        Ok(())
    }
}
