//! Who else is trusted with what the current context names: by other entries at its server, and where its user goes.

use std::collections::{BTreeMap, BTreeSet};

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
    let unverified = unverified(document);
    let held = |item: &Node| {
        let (name, cluster) = (text(item, "name")?, item.get("cluster")?);
        let server = text(cluster, "server").filter(|_| name != lead.cluster)?;
        if !server::same(server, &lead.server) {
            let context = unverified.get(&(lead.user.as_str(), name))?;
            return Some((
                name.to_owned(),
                Trusted::AnybodyElsewhere((*context).to_owned()),
            ));
        }
        let trusted = match optional(cluster, AUTHORITY).ok()? {
            // With both nobody is let in: client-go refuses the entry.
            _ if is_insecure(cluster) => Trusted::Anybody,
            Some(source) => Trusted::These(source),
            None => Trusted::Machine,
        };
        Some((name.to_owned(), trusted))
    };
    clusters.iter().filter_map(held).collect()
}

/// The clusters that are not verified, and where who answers is shown a certificate: by the user that the first context
/// named leads there.
pub(super) fn unverified(document: &Node) -> BTreeMap<(&str, &str), &str> {
    let items = |list| document.get(list).map_or(&[][..], Node::items);
    let shown = items("clusters").iter().filter_map(|item| {
        let (name, cluster) = (text(item, "name")?, item.get("cluster")?);
        let shown = is_insecure(cluster) && server::is_verified(text(cluster, "server")?);
        shown.then_some(name)
    });
    let shown: BTreeSet<&str> = shown.collect();
    let mut leading = BTreeMap::new();
    for item in items("contexts") {
        let named = |field| text(item.get("context")?, field);
        if let (Some(context), Some(user), Some(cluster)) =
            (text(item, "name"), named("user"), named("cluster"))
            && shown.contains(cluster)
        {
            leading.entry((user, cluster)).or_insert(context);
        }
    }
    leading
}

/// Whether whoever answers for a cluster is trusted.
pub(super) fn is_insecure(cluster: &Node) -> bool {
    let said = cluster.get(INSECURE);
    said.is_some_and(|node| node.value == Value::Bool(true))
}
