//! What is trusted at the server of the current context by other entries than its own.

use super::{AUTHORITY, Lead, Source, source, text};
use crate::observed::server;
use crate::yaml::Node;

/// A context is changed with one command, and the server stays.
pub(super) fn beside(document: &Node, lead: &Lead) -> Vec<(String, Source)> {
    let clusters = document.get("clusters").map_or(&[][..], Node::items);
    let held = |item: &Node| {
        let (name, cluster) = (text(item, "name")?, item.get("cluster")?);
        let same = |server: &str| server::same(server, &lead.server);
        let other = name != lead.cluster && text(cluster, "server").is_some_and(same);
        let source = source(cluster, AUTHORITY).ok().filter(|_| other)?;
        Some((name.to_owned(), source))
    };
    clusters.iter().filter_map(held).collect()
}
