//! Who reads on each node what a run changed there.

use std::collections::BTreeSet;

use super::facts::Cluster;
use crate::facts::Version;
use crate::profile::reader::{Changed, processes, running_on, unknown};
use crate::report::Nodes;

/// What is to be told beside the processes of each node.
#[derive(Default)]
pub(crate) struct Readers {
    /// The processes that are to be restarted on any of them.
    pub(crate) restarted: BTreeSet<&'static str>,
    /// What nobody here knows the readers of, each as `NODE/NAME`.
    pub(crate) unknown: Vec<String>,
}

impl Readers {
    /// Tells who reads what changed on one node.
    pub(crate) fn add(
        &mut self,
        told: &mut Nodes,
        cluster: &Cluster,
        node: usize,
        changed: &[Changed],
        version: Option<Version>,
    ) {
        let name = cluster.name(node);
        let of_node = |item: String| format!("{name}/{item}");
        self.unknown
            .extend(unknown(changed).into_iter().map(of_node));
        let processes = running_on(cluster.roles(node), processes(changed, version));
        let restart = processes.iter().filter(|one| !one.restart.is_empty());
        self.restarted.extend(restart.map(|one| one.name));
        told.read_by(name, processes);
    }
}
