//! All entries of a kubeconfig, whoever they are for.

use anyhow::Result;

use super::beside::{is_insecure, unverified};
use super::{
    AUTHORITY, CERTIFICATE, KEY, OTHER_IDENTITIES, SERVER_NAME, Source, document, source, text,
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
    /// What is embedded and is not base64: where it is, and what is wrong.
    pub broken: Vec<Broken>,
}

/// A field that cannot be read.
#[derive(Debug)]
pub struct Broken {
    /// The entry: `user alice`.
    pub entry: String,
    /// The field.
    pub field: String,
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
    /// The name that its API server's certificate is to be for, if another than the URL's.
    pub server_name: Option<String>,
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
    /// The clusters that are not verified, each with a context that leads it there.
    pub unverified: Vec<(String, String)>,
    /// The fields by which it is somebody otherwise than by a certificate.
    pub others: Vec<&'static str>,
}

impl Outline {
    /// The names of the cluster and the user of the current context.
    pub fn of_current(&self) -> Option<(&str, &str)> {
        let mut contexts = self.contexts.iter();
        let current = contexts.find(|context| Some(&context.name) == self.current.as_ref())?;
        Some((&current.cluster, &current.user))
    }
}

/// The files that its users' keys are in.
pub fn key_files(bytes: &[u8]) -> Vec<String> {
    let users = outline(bytes).map(|outline| outline.users);
    let keys = users.into_iter().flatten().filter_map(|user| user.key);
    keys.filter_map(|key| match key {
        Source::Data { .. } => None,
        Source::File { path, .. } => Some(path),
    })
    .collect()
}

/// All entries. What is not in the form of a kubeconfig is passed over; what is none is an error.
pub fn outline(bytes: &[u8]) -> Result<Outline> {
    let config = document(bytes)?;
    let name = |node: &Node, field| text(node, field).unwrap_or_default().to_owned();
    let mut broken = Vec::new();
    for (list, inner, fields) in [
        ("clusters", "cluster", &[AUTHORITY][..]),
        ("users", "user", &[CERTIFICATE, KEY]),
    ] {
        for (item, entry) in entries(&config, list, inner) {
            for field in fields {
                let embedded = format!("{field}-data");
                let empty = |node: &Node| node.value == Value::Null || node.as_text() == Some("");
                let said = entry.get(&embedded).is_some_and(|node| !empty(node));
                if said && !matches!(source(entry, field), Ok(Source::Data { .. })) {
                    broken.push(Broken {
                        entry: format!("{inner} {}", name(item, "name")),
                        field: embedded,
                    });
                }
            }
        }
    }
    let unverified = unverified(&config);
    let shown_to = |user: &str| {
        let own = unverified.range((user, "")..);
        let own = own.take_while(|((of, _), _)| *of == user);
        own.map(|((_, cluster), context)| ((*cluster).to_owned(), (*context).to_owned()))
            .collect()
    };
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
                server_name: text(cluster, SERVER_NAME).map(str::to_owned),
                authorities: source(cluster, AUTHORITY).ok(),
                insecure: is_insecure(cluster),
            })
            .collect(),
        users: entries(&config, "users", "user")
            .map(|(item, user)| UserEntry {
                name: name(item, "name"),
                certificate: source(user, CERTIFICATE).ok(),
                key: source(user, KEY).ok(),
                unverified: shown_to(text(item, "name").unwrap_or_default()),
                others: OTHER_IDENTITIES
                    .into_iter()
                    .filter(|field| user.get(field).is_some())
                    .collect(),
            })
            .collect(),
        broken,
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
