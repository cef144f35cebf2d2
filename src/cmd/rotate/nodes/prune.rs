//! The end of a former key: no backup is to hold it.

use super::super::backups::key_of;
use super::super::tree::Tree;
use super::Run;
use crate::archive;
use crate::cmd::nodes::archive::LARGEST;
use crate::cmd::nodes::trees::there_of;
use crate::cmd::sequence::writer;
use crate::cmd::{Env, Stop};
use crate::diff::generations;
use crate::key::PublicKey;
use crate::location::Root;
use crate::observe::Seen;
use crate::profile::Profile;
use crate::report::Nodes;
use crate::rollback::fates;
use crate::store::{Store, archive_of, archived, beginning, overlays};

impl Run<'_> {
    /// Takes the former key out of the backups, also out of those that a run left which was ended, and tells what is left,
    /// backups of other runs that hold one, trees of nodes that are none any more, and archives.
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
        let archives = self.archives_with_former_key(row, &source, present.as_ref())?;
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
        told.archived_with_former_key(&archives, &self.flags);
        Ok(())
    }

    /// The archives of nodes, and of such that left, in which the key of this is not the `present` one: they are of the trees
    /// as these were.
    fn archives_with_former_key(
        &self,
        row: &Profile,
        source: &Seen,
        present: Option<&PublicKey>,
    ) -> Result<Vec<String>, Stop> {
        let (out, file) = (&self.trees.out, row.stored.key());
        // One that is encrypted is the same as long as its octets are.
        let octets = source.files.get(&file).map(|there| &there.bytes[..]);
        let mut held = Vec::new();
        for name in archived(out)? {
            let (path, _) = archive_of(out, &name);
            let Ok(Some(archive)) = beginning(&path, LARGEST) else {
                continue;
            };
            let key = Store::of_node(out, &name).path(&file);
            let key = key.strip_prefix(out.join(&name)).ok();
            let key = key.and_then(|key| archive::file(&archive, key.to_str()?));
            let former = |key: &[u8]| Some(key) != octets && key_of(key).as_ref() != present;
            if key.is_some_and(former) {
                held.push(path.display().to_string());
            }
        }
        Ok(held)
    }
}
