//! What is trusted at the server of the current context by other entries than its own.

use zeroize::Zeroizing;

use super::{AUTHORITY, Lead, Source, source, text};
use crate::yaml::Node;

/// A context is changed with one command, and the server stays.
pub(super) fn beside(document: &Node, lead: &Lead) -> Vec<(String, Zeroizing<Vec<u8>>)> {
    let clusters = document.get("clusters").map_or(&[][..], Node::items);
    let held = |item: &Node| {
        let (name, cluster) = (text(item, "name")?, item.get("cluster")?);
        let same = text(cluster, "server") == Some(&lead.server) && name != lead.cluster;
        match source(cluster, AUTHORITY).ok().filter(|_| same)? {
            Source::Data { bytes, .. } => Some((name.to_owned(), bytes)),
            Source::File { .. } => None,
        }
    };
    clusters.iter().filter_map(held).collect()
}
