//! Who else is trusted with what the current context names: by other entries at its server, and where its user goes.

use super::{AUTHORITY, INSECURE, Lead, Source, optional, text};
use crate::observed::server;
use crate::yaml::{Node, Value};

/// Whom an entry trusts.
#[derive(Debug)]
pub enum Trusted {
    /// Whoever answers.
    Anybody,
    /// The same at another server, to which this context leads the user of the current one.
    AnybodyElsewhere(String),
    /// The CAs of the machine that it is used on.
    Machine,
    /// The CA certificates that it holds or names.
    These(Source),
}

/// A context is changed with one command, and the server stays.
pub(super) fn beside(document: &Node, lead: &Lead) -> Vec<(String, Trusted)> {
    let clusters = document.get("clusters").map_or(&[][..], Node::items);
    // The first context that leads the same user to this cluster.
    let context_to = |cluster: &str| {
        let contexts = document.get("contexts").map_or(&[][..], Node::items);
        let leads = |item: &&Node| {
            let named = |field| text(item.get("context")?, field);
            named("cluster") == Some(cluster) && named("user") == Some(&lead.user)
        };
        Some(text(contexts.iter().find(leads)?, "name")?.to_owned())
    };
    let held = |item: &Node| {
        let (name, cluster) = (text(item, "name")?, item.get("cluster")?);
        let server = text(cluster, "server").filter(|_| name != lead.cluster)?;
        let insecure = cluster
            .get(INSECURE)
            .is_some_and(|node| node.value == Value::Bool(true));
        if !server::same(server, &lead.server) {
            let shown = insecure && server::is_verified(server);
            let context = context_to(name).filter(|_| shown)?;
            return Some((name.to_owned(), Trusted::AnybodyElsewhere(context)));
        }
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
