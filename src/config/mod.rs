//! Configuration files of kubeadm: `kubeadm.k8s.io/v1beta3` and `v1beta4`.
//!
//! In: the bytes of a file. Out: [`Given`], each value with the field and the line that gave it. What the values mean is
//! left to [`facts`](crate::facts); what a field is called is not: unlike kubeadm this refuses what it does not know.

mod document;
mod fields;
mod honoured;
pub mod inventory;

use std::fmt;

use crate::facts::{Given, Role};
use crate::yaml::{self, Node, Value};

pub use document::{document, fields_read_over};

const GROUP: &str = "kubeadm.k8s.io";
const VERSIONS: [&str; 2] = ["v1beta3", "v1beta4"];
/// Versions that kubeadm once read.
const FORMER: [&str; 5] = ["v1alpha1", "v1alpha2", "v1alpha3", "v1beta1", "v1beta2"];
/// Kinds of the same group that say nothing about certificates.
const PASSED_OVER: [&str; 2] = ["ResetConfiguration", "UpgradeConfiguration"];

/// A kind of document whose fields count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Cluster,
    Init,
    Join,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Cluster, Self::Init, Self::Join];

    fn name(self) -> &'static str {
        match self {
            Self::Cluster => "ClusterConfiguration",
            Self::Init => "InitConfiguration",
            Self::Join => "JoinConfiguration",
        }
    }
}

/// What to do about a field that no known version has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unknown {
    /// Refuse the file: the field may be a slip.
    Error,
    /// Pass over it with a note: the file may be a newer kubeadm's.
    Warn,
}

/// What a file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The values of the fields that count.
    pub given: Given,
    /// What deserves a look; a sentence each.
    pub notes: Vec<String>,
}

/// What is wrong with a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1; 0 if the file as a whole is meant.
    pub line: usize,
    /// What is wrong, and the way out.
    pub reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.reason),
            line => write!(f, "{} line {line}: {}", self.file, self.reason),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Reads a file; the error has everything that is wrong with it, in the order of the file, or its first syntax error.
pub fn parse(bytes: &[u8], file_name: &str, unknown: Unknown) -> Result<Parsed, Vec<ConfigError>> {
    let mut run = Run {
        file: file_name,
        errors: Vec::new(),
        notes: Vec::new(),
    };
    let mut given = Given::default();
    match documents(bytes) {
        Ok(documents) => run.documents(&documents, unknown, &mut given),
        Err(error) => run.refuse(error.line, error.reason),
    }
    if run.errors.is_empty() {
        Ok(Parsed {
            given,
            notes: run.notes,
        })
    } else {
        Err(run.errors)
    }
}

/// The documents of a file, among which there may be an inventory of any size that is read.
fn documents(bytes: &[u8]) -> Result<Vec<Node>, yaml::Error> {
    if bytes.len() > inventory::LARGEST {
        return Err(yaml::Error {
            line: 0,
            reason: inventory::TOO_LARGE.into(),
        });
    }
    yaml::documents_of_any_size(bytes)
}

/// What a pass over a file collects.
struct Run<'a> {
    file: &'a str,
    errors: Vec<ConfigError>,
    notes: Vec<String>,
}

impl Run<'_> {
    fn refuse(&mut self, line: usize, reason: impl Into<String>) {
        self.errors.push(ConfigError {
            file: self.file.into(),
            line,
            reason: reason.into(),
        });
    }

    fn note(&mut self, line: usize, remark: impl Into<String>) {
        let note = ConfigError {
            file: self.file.into(),
            line,
            reason: remark.into(),
        };
        self.notes.push(note.to_string());
    }

    fn documents(&mut self, documents: &[Node], unknown: Unknown, given: &mut Given) {
        let trees = fields::trees();
        let mut seen: Vec<(Kind, usize)> = Vec::new();
        for document in documents {
            let Some((version, kind)) = self.classify(document) else {
                continue;
            };
            if let Some((_, earlier)) = seen.iter().find(|(other, _)| *other == kind) {
                let name = kind.name();
                self.refuse(
                    document.line,
                    format!("a second {name}, the first is on line {earlier}: keep one"),
                );
                continue;
            }
            seen.push((kind, document.line));
            for finding in fields::walk(document, &trees, version, kind) {
                match (unknown, finding.unknown) {
                    (Unknown::Warn, true) => {
                        self.note(finding.line, finding.reason + " (passed over)");
                    }
                    _ => self.refuse(finding.line, finding.reason),
                }
            }
            honoured::read(self, document, kind, given);
            if kind == Kind::Join {
                given.role = Some(match document.get("controlPlane") {
                    Some(node) if !matches!(node.value, Value::Null) => Role::Further,
                    _ => Role::Worker,
                });
            }
        }
        self.together(&seen, documents);
    }

    /// What the documents of a file are to one another.
    fn together(&mut self, seen: &[(Kind, usize)], documents: &[Node]) {
        let line = |kind| {
            seen.iter()
                .find(|(other, _)| *other == kind)
                .map(|(_, line)| *line)
        };
        match (line(Kind::Init), line(Kind::Join), line(Kind::Cluster)) {
            (Some(init), Some(join), _) => self.refuse(
                init.max(join),
                "an InitConfiguration and a JoinConfiguration: keep the first for the first control-plane node, the \
                 second for every other",
            ),
            (None, Some(join), None) => self.note(
                join,
                "no ClusterConfiguration beside the JoinConfiguration: defaults stand for what the cluster has in \
                 ConfigMap kubeadm-config",
            ),
            (None, None, None) if self.errors.is_empty() => {
                let names = Kind::ALL.map(Kind::name).join(", ");
                let mut reason = format!("holds no document of {GROUP} that counts: {names}");
                if documents.iter().any(inventory::is_one) {
                    reason.push_str("; the Inventory is for --inventory, put one of these beside it");
                }
                self.refuse(0, reason);
            }
            _ => {}
        }
    }

    /// Version and kind, if the fields of the document count.
    fn classify(&mut self, document: &Node) -> Option<(&'static str, Kind)> {
        let api_version = self.head(document, "apiVersion")?;
        let name = self.head(document, "kind")?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        if group != GROUP {
            return None;
        }
        let line = document
            .get("apiVersion")
            .map_or(document.line, |node| node.line);
        let Some(known) = VERSIONS.into_iter().find(|known| *known == version) else {
            let supported = VERSIONS.join(" and ");
            let way_out = if FORMER.contains(&version) {
                "'kubeadm config migrate' of a kubeadm that reads both rewrites the file"
            } else {
                "'kubeadm config migrate' or an edit may bring it to one of these"
            };
            self.refuse(
                line,
                format!("{api_version} is not read, {supported} are: {way_out}"),
            );
            return None;
        };
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        if kind.is_none() && !(PASSED_OVER.contains(&name) && known == "v1beta4") {
            let names = Kind::ALL.map(Kind::name);
            let hint = fields::did_you_mean(name, names.into_iter().chain(PASSED_OVER));
            let line = document.get("kind").map_or(line, |node| node.line);
            self.refuse(line, format!("{api_version} has no kind {name:?}{hint}"));
        }
        kind.map(|kind| (known, kind))
    }

    /// `apiVersion` or `kind`, without which nothing is known of a document.
    fn head<'a>(&mut self, document: &'a Node, key: &str) -> Option<&'a str> {
        let text = document
            .get(key)
            .and_then(Node::as_text)
            .filter(|text| !text.is_empty());
        if text.is_none() {
            self.refuse(document.line, headless(key));
        }
        text
    }
}

/// What is said of a document without `apiVersion` or `kind`.
fn headless(key: &str) -> String {
    format!("a document without {key}: every document names its apiVersion and kind")
}

#[cfg(test)]
mod tests;
