//! What is wrong with the entries that the current context names, and with the whole: all of it, for one fault hides no
//! other.

use anyhow::{Error, anyhow};

use super::{
    AUTHORITY, CERTIFICATE, INSECURE, KEY, Lead, PROXY, SERVER_NAME, Source, entries, named,
    optional, other_identities, schema, source, text,
};
use crate::observed::server;
use crate::yaml::{Node, Value};

#[derive(Default)]
pub(super) struct Faults {
    pub(super) told: Vec<Error>,
    /// Whether one is told for which the loader refuses the whole file, which tells its first alone.
    formal: bool,
}

/// Where the current context of a whole document leads, and its user. What is not there is empty, and told.
pub(super) fn current<'a>(document: &'a Node, faults: &mut Faults) -> (Lead, Option<&'a Node>) {
    let mut lead = Lead {
        cluster: String::new(),
        user: String::new(),
        server: String::new(),
        server_name: None,
        authorities: None,
    };
    let Some(context) = text(document, "current-context") else {
        faults.tell("it has no current-context");
        return alone(document, lead, faults);
    };
    let Some(context) = named(document, "contexts", context, "context") else {
        faults.tell(format!(
            "it has no context \"{context}\", which is its current one"
        ));
        return alone(document, lead, faults);
    };
    let mut entry = |list, inner| {
        let Some(name) = text(context, inner) else {
            faults.tell(format!("its current context names no {inner}"));
            return None;
        };
        let found = named(document, list, name, inner);
        if found.is_none() {
            let list = document.get(list).map(|list| &list.value);
            faults.formal |= !matches!(list, None | Some(Value::List(_) | Value::Null));
            faults.tell(format!("it has no {inner} \"{name}\""));
        }
        Some((name, found?))
    };
    let (mut cluster, mut user) = (entry("clusters", "cluster"), entry("users", "user"));
    for (list, entry) in [("clusters", &mut cluster), ("users", &mut user)] {
        // Nothing says which of the two is meant.
        if let Some((name, _)) = entry.take_if(|(name, _)| entries(document, list, name) > 1) {
            faults.formal = true;
            faults.tell(format!("it has two {list} of the name \"{name}\""));
        }
    }
    if let Some((name, _)) = user {
        name.clone_into(&mut lead.user);
    }
    if let Some((name, cluster)) = cluster {
        name.clone_into(&mut lead.cluster);
        faults.of_cluster(cluster, &mut lead);
    }
    (lead, user.map(|(_, user)| user))
}

/// Where nothing says which entries are meant, one that is alone is.
fn alone<'a>(document: &'a Node, mut lead: Lead, faults: &mut Faults) -> (Lead, Option<&'a Node>) {
    let entry = |list, inner| match document.get(list).map(Node::items) {
        Some([item]) => Some((text(item, "name")?, item.get(inner)?)),
        _ => None,
    };
    if let Some((name, cluster)) = entry("clusters", "cluster") {
        name.clone_into(&mut lead.cluster);
        faults.of_cluster(cluster, &mut lead);
    }
    let user = entry("users", "user");
    if let Some((name, _)) = user {
        name.clone_into(&mut lead.user);
    }
    (lead, user.map(|(_, user)| user))
}

impl Faults {
    fn tell(&mut self, text: impl Into<String>) {
        self.told.push(anyhow!(text.into()));
    }

    fn of_cluster(&mut self, cluster: &Node, lead: &mut Lead) {
        let who = format!("its cluster \"{}\"", lead.cluster);
        let not = |node: &&Node, value| node.value != Value::Bool(value);
        if let Some(insecure) = cluster.get(INSECURE).filter(|node| not(node, false)) {
            self.formal |= not(&insecure, true);
            self.tell(format!("{who} is not verified: {INSECURE}"));
        }
        match text(cluster, "server") {
            None => self.tell(format!("{who} has no server")),
            Some(address) => {
                if !server::is_verified(address) {
                    self.tell(format!("{who} is not verified: its server is no https URL"));
                } else if server::host(address).is_none() {
                    self.tell(format!(
                        "{who} has a server that names no host, or a port that nobody has"
                    ));
                }
                address.clone_into(&mut lead.server);
            }
        }
        if let Some(proxy) = cluster.get(PROXY).filter(|proxy| !schema::is_proxy(proxy)) {
            self.formal |= !matches!(proxy.value, Value::Text(_));
            self.tell(format!(
                "{who} has a {PROXY} that is none of http, https or socks5"
            ));
        }
        match optional(cluster, AUTHORITY) {
            Ok(authorities) => lead.authorities = authorities,
            Err(error) => {
                self.formal = true;
                self.told.push(error.context(who));
            }
        }
        self.once(cluster, AUTHORITY);
        lead.server_name = text(cluster, SERVER_NAME).map(str::to_owned);
    }

    /// Its certificate and key, where both are there.
    pub(super) fn of_user(&mut self, user: &Node, name: &str) -> Option<(Source, Source)> {
        let others = other_identities(user);
        if !others.is_empty() {
            self.tell(format!(
                "its user \"{name}\" has another identity than its certificate: {}",
                others.join(", ")
            ));
        }
        let has = |field: &str| user.get(field).is_some();
        let other = !others.is_empty();
        let mut of_field = |field: &'static str| match source(user, field) {
            Ok(source) => Some(source),
            // Who is somebody otherwise needs none.
            Err(_) if other && !has(field) && !has(&format!("{field}-data")) => None,
            Err(error) => {
                self.formal |= has(&format!("{field}-data"));
                self.told
                    .push(error.context(format!("its user \"{name}\"")));
                None
            }
        };
        let (certificate, key) = (of_field(CERTIFICATE), of_field(KEY));
        for field in [CERTIFICATE, KEY] {
            self.once(user, field);
        }
        Some((certificate?, key?))
    }

    fn once(&mut self, node: &Node, field: &str) {
        if text(node, field).is_some() && text(node, &format!("{field}-data")).is_some() {
            self.tell(format!(
                "it has both {field} and {field}-data, and kubectl takes one alone"
            ));
        }
    }

    /// What kubectl asks of the whole document.
    pub(super) fn of_form(&mut self, document: &Node) {
        if !matches!(text(document, "apiVersion"), None | Some("v1")) {
            self.tell("its apiVersion is not v1");
        }
        if let Some(fault) = schema::fault(document).filter(|_| !self.formal) {
            self.tell(fault);
        }
    }
}
