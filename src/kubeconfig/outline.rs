//! All entries of a kubeconfig, whoever they are for.

use anyhow::Result;

use super::{
    AUTHORITY, CERTIFICATE, INSECURE, KEY, OTHER_IDENTITIES, Source, document, source, text,
};
use crate::yaml::{Node, Value};

/// What is in a kubeconfig.
#[derive(Debug)]
pub struct Outline {
    /// The current context.
    pub current: Option<String>,
    /// The contexts.
    pub contexts: Vec<ContextEntry>,
    /// The clusters.
    pub clusters: Vec<ClusterEntry>,
    /// The users.
    pub users: Vec<UserEntry>,
}

/// A context.
#[derive(Debug)]
pub struct ContextEntry {
    /// Its name.
    pub name: String,
    /// The name of its cluster.
    pub cluster: String,
    /// The name of its user.
    pub user: String,
}

/// A cluster.
#[derive(Debug)]
pub struct ClusterEntry {
    /// Its name.
    pub name: String,
    /// The URL of its API server.
    pub server: String,
    /// Its CA certificates.
    pub authorities: Option<Source>,
    /// Whether its API server is not verified.
    pub insecure: bool,
}

/// A user.
#[derive(Debug)]
pub struct UserEntry {
    /// Its name.
    pub name: String,
    /// Its client certificate.
    pub certificate: Option<Source>,
    /// Its client key.
    pub key: Option<Source>,
    /// The fields by which it is somebody otherwise than by a certificate.
    pub others: Vec<&'static str>,
}

/// All entries. What is not in the form of a kubeconfig is passed over; what is none is an error.
pub fn outline(bytes: &[u8]) -> Result<Outline> {
    let config = document(bytes)?;
    let name = |node: &Node, field| text(node, field).unwrap_or_default().to_owned();
    Ok(Outline {
        current: text(&config, "current-context").map(str::to_owned),
        contexts: entries(&config, "contexts", "context")
            .map(|(item, context)| ContextEntry {
                name: name(item, "name"),
                cluster: name(context, "cluster"),
                user: name(context, "user"),
            })
            .collect(),
        clusters: entries(&config, "clusters", "cluster")
            .map(|(item, cluster)| ClusterEntry {
                name: name(item, "name"),
                server: name(cluster, "server"),
                authorities: source(cluster, AUTHORITY).ok(),
                insecure: cluster
                    .get(INSECURE)
                    .is_some_and(|node| node.value == Value::Bool(true)),
            })
            .collect(),
        users: entries(&config, "users", "user")
            .map(|(item, user)| UserEntry {
                name: name(item, "name"),
                certificate: source(user, CERTIFICATE).ok(),
                key: source(user, KEY).ok(),
                others: OTHER_IDENTITIES
                    .into_iter()
                    .filter(|field| user.get(field).is_some())
                    .collect(),
            })
            .collect(),
    })
}

fn entries<'a>(
    config: &'a Node,
    list: &str,
    inner: &'a str,
) -> impl Iterator<Item = (&'a Node, &'a Node)> {
    let items = config.get(list).map_or(&[][..], Node::items);
    items
        .iter()
        .filter_map(move |item| Some((item, item.get(inner)?)))
}
