//! What is trusted at the server of the current context by other entries than its own.

use super::{AUTHORITY, INSECURE, Lead, Source, optional, text};
use crate::observed::server;
use crate::yaml::{Node, Value};

/// Whom an entry trusts.
#[derive(Debug)]
pub enum Trusted {
    /// Whoever answers.
    Anybody,
    /// The CAs of the machine that it is used on.
    Machine,
    /// The CA certificates that it holds or names.
    These(Source),
}

/// A context is changed with one command, and the server stays.
pub(super) fn beside(document: &Node, lead: &Lead) -> Vec<(String, Trusted)> {
    let clusters = document.get("clusters").map_or(&[][..], Node::items);
    let held = |item: &Node| {
        let (name, cluster) = (text(item, "name")?, item.get("cluster")?);
        let same = |server: &str| server::same(server, &lead.server);
        let other = name != lead.cluster && text(cluster, "server").is_some_and(same);
        if !other {
            return None;
        }
        let insecure = cluster
            .get(INSECURE)
            .is_some_and(|node| node.value == Value::Bool(true));
        let trusted = match optional(cluster, AUTHORITY).ok()? {
            // With both nobody is let in: client-go refuses the entry.
            _ if insecure => Trusted::Anybody,
            Some(source) => Trusted::These(source),
            None => Trusted::Machine,
        };
        Some((name.to_owned(), trusted))
    };
    clusters.iter().filter_map(held).collect()
}
