//! Documents `certs/v1` Inventory, among others in the same stream.

use super::entry::{Entry, Nodes, Said};
use crate::config::{GROUP as KUBEADM, fields};
use crate::yaml::{self, Node, Value};

const GROUP: &str = "certs";
const VERSION: &str = "v1";
const KIND: &str = "Inventory";
/// The fields of the document.
pub(super) const INVENTORY: [&str; 3] = ["apiVersion", "kind", "nodes"];
/// The fields of a node.
pub(super) const NODE: [&str; 3] = ["name", "addresses", "roles"];

const QUOTE: &str = "put quotes around it";

pub(super) fn read(bytes: &[u8], nodes: &mut Nodes) {
    let documents = match yaml::documents_of_any_size(bytes) {
        Ok(documents) => documents,
        Err(error) => return nodes.refuse(error.line, error.reason),
    };
    let mut first = None;
    // Whether something claims to be an inventory, right or not.
    let mut meant = false;
    for document in &documents {
        match classify(document, nodes) {
            Class::Inventory => {}
            Class::Wrong => {
                meant = true;
                continue;
            }
            Class::Other => continue,
        }
        meant = true;
        if let Some(line) = first {
            nodes.refuse(
                document.line,
                format!("a second {KIND}, the first is on line {line}: keep one"),
            );
            continue;
        }
        first = Some(document.line);
        inventory(document, nodes);
    }
    if !meant {
        nodes.refuse_form();
    }
}

/// Whether a document is an inventory, right or not.
pub(in crate::config) fn is_one(document: &Node) -> bool {
    let api_version = document.get("apiVersion").and_then(Node::as_text);
    api_version.is_some_and(|text| text.split('/').next() == Some(GROUP))
}

enum Class {
    Inventory,
    /// Of another group, or of none.
    Other,
    /// Of our group, and no inventory.
    Wrong,
}

fn classify(document: &Node, nodes: &mut Nodes) -> Class {
    let head = |key: &str| {
        document
            .get(key)
            .and_then(Node::as_text)
            .unwrap_or_default()
    };
    let line = |key: &str| document.get(key).map_or(document.line, |node| node.line);
    let (api_version, kind) = (head("apiVersion"), head("kind"));
    for (key, text) in [("apiVersion", api_version), ("kind", kind)] {
        if text.is_empty() {
            nodes.refuse(document.line, crate::config::headless(key));
            return Class::Other;
        }
    }
    let (group, version) = api_version.split_once('/').unwrap_or((api_version, ""));
    nodes.has_configuration |= group == KUBEADM;
    if group != GROUP {
        return Class::Other;
    }
    if version != VERSION {
        nodes.refuse(
            line("apiVersion"),
            format!("{api_version} is not read: write {GROUP}/{VERSION}"),
        );
        return Class::Wrong;
    }
    if kind != KIND {
        nodes.refuse(
            line("kind"),
            format!("{api_version} has no kind {kind:?}: write {KIND}"),
        );
        return Class::Wrong;
    }
    Class::Inventory
}

fn inventory(document: &Node, nodes: &mut Nodes) {
    unknown(document, &INVENTORY, "an Inventory", nodes);
    let Some(list) = document.get("nodes") else {
        return;
    };
    match &list.value {
        Value::Null => {}
        Value::List(items) => {
            for item in items {
                node(item, nodes);
            }
        }
        _ => nodes.refuse(
            list.line,
            format!("nodes is {}, a list is wanted", list.kind()),
        ),
    }
}

fn node(item: &Node, nodes: &mut Nodes) {
    if !matches!(item.value, Value::Map(_)) {
        let reason = format!("nodes has {} in it: a map is wanted", item.kind());
        return nodes.refuse(item.line, reason);
    }
    let mut entry = Entry {
        line: item.line,
        refused: unknown(item, &NODE, "a node", nodes),
        ..Entry::default()
    };
    match item.get("name").map(|name| (name, &name.value)) {
        None | Some((_, Value::Null)) => {}
        Some((name, Value::Text(text))) => entry.name = Some(Said::new(text, name.line)),
        Some((name, _)) => {
            let reason = format!("name is {}, a text is wanted: {QUOTE}", name.kind());
            nodes.refuse(name.line, reason);
            entry.refused = true;
        }
    }
    entry.addresses = texts(item, "addresses", &mut entry, nodes);
    for said in texts(item, "roles", &mut entry, nodes) {
        nodes.role(&said, &mut entry);
    }
    nodes.add(&entry);
}

/// The texts of a list.
fn texts(item: &Node, key: &str, entry: &mut Entry, nodes: &mut Nodes) -> Vec<Said> {
    let Some(list) = item.get(key) else {
        return Vec::new();
    };
    let items = match &list.value {
        Value::Null => return Vec::new(),
        Value::List(items) => items,
        _ => {
            nodes.refuse(
                list.line,
                format!("{key} is {}, a list is wanted", list.kind()),
            );
            entry.refused = true;
            return Vec::new();
        }
    };
    let mut said = Vec::new();
    for item in items {
        if let Some(text) = item.as_text() {
            said.push(Said::new(text, item.line));
        } else {
            let reason = format!("{key} has {} in it: texts are wanted, {QUOTE}", item.kind());
            nodes.refuse(item.line, reason);
            entry.refused = true;
        }
    }
    said
}

/// Whether a map has fields that nobody knows; each is told.
fn unknown(map: &Node, known: &[&str], what: &str, nodes: &mut Nodes) -> bool {
    let mut found = false;
    for (key, value) in map.entries() {
        if !known.contains(&key.as_str()) {
            let hint = fields::did_you_mean(key, known.iter().copied());
            nodes.refuse(value.line, format!("{what} has no field {key}{hint}"));
            found = true;
        }
    }
    found
}
