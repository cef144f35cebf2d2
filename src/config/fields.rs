//! The names of all fields, and what is not among them.

use super::{Kind, VERSIONS};
use crate::yaml::{Node, Value};

/// A section a version and kind, indentation for nesting; `[]` is a list, `{}` a map of any content,
/// `[] {}` a list of anything.
const FIELDS: &str = include_str!("fields.txt");
/// How alike two names must be for one to be taken as a slip of the other.
const ALIKE: f64 = 0.8;

/// A field, and the fields below it.
#[derive(Debug, Default)]
pub(super) struct Field {
    pub name: &'static str,
    list: bool,
    pub open: bool,
    pub fields: Vec<Field>,
}

/// The fields of all versions and kinds: a tree each, `v1beta4 InitConfiguration` for a name.
pub(super) fn trees() -> Vec<Field> {
    let mut lines = FIELDS.lines().peekable();
    let trees = below(&mut lines, 0);
    debug_assert!(lines.next().is_none(), "the indentation of fields.txt");
    trees
}

fn below(lines: &mut std::iter::Peekable<std::str::Lines<'static>>, depth: usize) -> Vec<Field> {
    let mut fields = Vec::new();
    while let Some(line) = lines.next_if(|line| line.len() - line.trim_start().len() == 2 * depth) {
        let text = line.trim_start();
        // A section's name has two words.
        let name = if depth == 0 {
            text
        } else {
            text.split(' ').next().unwrap_or(text)
        };
        let (list, open) = (text.contains("[]"), text.contains("{}"));
        fields.push(Field {
            name,
            list,
            open,
            fields: below(lines, depth + 1),
        });
    }
    fields
}

fn tree<'a>(trees: &'a [Field], version: &str, kind: Kind) -> &'a [Field] {
    let name = format!("{version} {}", kind.name());
    trees
        .iter()
        .find(|tree| tree.name == name)
        .map_or(&[], |tree| &tree.fields)
}

/// A field that is not as it should be.
pub(super) struct Finding {
    pub line: usize,
    pub reason: String,
    /// Whether nobody knows the field: a newer kubeadm might.
    pub unknown: bool,
}

/// All fields of a document that its version does not have, or that are maps or lists where they may not.
pub(super) fn walk(document: &Node, trees: &[Field], version: &str, kind: Kind) -> Vec<Finding> {
    let others = VERSIONS.into_iter().filter(|other| *other != version);
    let mut walk = Walk {
        kind: kind.name(),
        others: others
            .map(|other| (other, tree(trees, other, kind)))
            .collect(),
        findings: Vec::new(),
    };
    walk.map(document, tree(trees, version, kind), &mut Vec::new());
    walk.findings
}

struct Walk<'a> {
    kind: &'static str,
    /// What the other versions have.
    others: Vec<(&'static str, &'a [Field])>,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn map<'n>(&mut self, node: &'n Node, fields: &[Field], path: &mut Vec<&'n str>) {
        for (key, value) in node.entries() {
            if path.is_empty() && matches!(key.as_str(), "apiVersion" | "kind") {
                continue;
            }
            path.push(key);
            match fields.iter().find(|field| field.name == key) {
                Some(field) => self.field(value, field, path),
                None => self.unknown(value.line, fields, path),
            }
            path.pop();
        }
    }

    fn field<'n>(&mut self, node: &'n Node, field: &Field, path: &mut Vec<&'n str>) {
        let nested = !field.fields.is_empty();
        match &node.value {
            Value::Null => {}
            Value::List(items) if field.list => {
                for item in items.iter().filter(|_| nested) {
                    match &item.value {
                        Value::Map(_) => self.map(item, &field.fields, path),
                        _ => self.shape(item, path, "a list of maps"),
                    }
                }
            }
            _ if field.list => self.shape(node, path, "a list"),
            Value::Map(_) if nested => self.map(node, &field.fields, path),
            _ if nested => self.shape(node, path, "a map"),
            Value::Map(_) if field.open => {}
            _ if field.open => self.shape(node, path, "a map"),
            Value::List(_) | Value::Map(_) => self.shape(node, path, "a single value"),
            _ => {}
        }
    }

    fn shape(&mut self, node: &Node, path: &[&str], wanted: &str) {
        let reason = format!("{} is {}, {wanted} is wanted", path.join("."), node.kind());
        self.findings.push(Finding {
            line: node.line,
            reason,
            unknown: false,
        });
    }

    fn unknown(&mut self, line: usize, siblings: &[Field], path: &[&str]) {
        let name = path.last().copied().unwrap_or_default();
        let dotted = path.join(".");
        let elsewhere = self
            .others
            .iter()
            .find(|(_, tree)| has(tree, path))
            .map(|(version, _)| *version);
        let reason = match elsewhere {
            Some("v1beta4") => {
                format!(
                    "{dotted} is a field of v1beta4 alone: 'kubeadm config migrate' brings a file to v1beta4"
                )
            }
            Some(version) => format!("{dotted} is a field of {version} alone: take it out"),
            None => {
                let hint = did_you_mean(name, siblings.iter().map(|field| field.name));
                format!("{} has no field {dotted}{hint}", self.kind)
            }
        };
        self.findings.push(Finding {
            line,
            reason,
            unknown: true,
        });
    }
}

/// Whether the path leads somewhere.
fn has(fields: &[Field], path: &[&str]) -> bool {
    let Some((name, rest)) = path.split_first() else {
        return true;
    };
    fields
        .iter()
        .any(|field| field.name == *name && has(&field.fields, rest))
}

/// `: did you mean …?`, or nothing if no name is near.
pub(super) fn did_you_mean<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let lower = name.to_ascii_lowercase();
    let alike = |other: &str| strsim::jaro_winkler(&lower, &other.to_ascii_lowercase());
    names
        .into_iter()
        .map(|other| (alike(other), other))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, other)| format!(": did you mean {other}?"))
        .unwrap_or_default()
}

/// Whether a version and kind have a field; a gate is one of a map of any content.
#[cfg(test)]
pub(super) fn exists(version: &str, kind: Kind, path: &str) -> bool {
    let path = path.strip_suffix(".PublicKeysECDSA").unwrap_or(path);
    has(
        tree(&trees(), version, kind),
        &path.split('.').collect::<Vec<_>>(),
    )
}
