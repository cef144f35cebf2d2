//! Names and addresses that a certificate of one node is not to be good for.

use super::Cluster;
use crate::facts::Facts;
use crate::profile::everywhere;
use crate::x509::san::San;

impl Cluster {
    /// Names and addresses of the cluster's that a node gives for its own: its certificates would be good for
    /// them. So would those of every member of etcd be for a member's that is stated for all.
    pub(super) fn not_its_own(&self, facts: &Facts) -> Vec<String> {
        let taken = everywhere(&facts.cluster);
        let endpoint = facts.cluster.endpoint.as_ref();
        let endpoint = endpoint.map(|endpoint| &endpoint.host);
        let [server, peer] = [
            &facts.node.etcd_server_extra_sans,
            &facts.node.etcd_peer_extra_sans,
        ];
        let members = self.nodes.iter().filter(|node| node.roles.etcd).count();
        let mut wrong = Vec::new();
        for node in &self.nodes {
            let own = std::iter::once(San::Dns(node.name.clone()))
                .chain(node.names.iter().cloned())
                .chain(node.addresses.iter().copied().map(San::Ip));
            for san in own {
                // One control plane may be its own endpoint.
                let shared = endpoint == Some(&san) && !node.roles.control_plane;
                if taken.contains(&san) || shared {
                    wrong.push(format!(
                        "{}: {san} is the cluster's, on every node alike: a node gives its own names and addresses alone",
                        node.origin
                    ));
                } else if node.roles.etcd
                    && members > 1
                    && (server.contains(&san) || peer.contains(&san))
                {
                    wrong.push(format!(
                        "{}: {san} is one of the extra names of every member of etcd too: leave it out there, it is in this node's certificates",
                        node.origin
                    ));
                }
            }
        }
        wrong
    }
}
