//! What a run over the trees of many nodes has to tell.

mod part;
mod people;
mod renewed;
mod rotated;

pub use rotated::Turning;

use std::path::{Path, PathBuf};

use serde::Serialize;
use time::OffsetDateTime;

use super::readers::{self, Grouped, Process, Ran};
use super::rotation::Rotation;
use super::shape::{Told, json, text_of, timestamp, yaml};
use super::{Format, Outcome, Output, Report, SCHEMA_VERSION, next, text};
use crate::finding::{Code, Severity};
use crate::outcome::Exit;
use crate::profile::is_signing_file;
use crate::store::{self, Recovered};

use part::{Brief, Part};

/// Its serialized form is documented in `docs/output.md`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Nodes {
    schema_version: u32,
    command: &'static str,
    /// When the run began.
    time: String,
    result: Outcome,
    exit_code: u8,
    /// Where the trees are.
    #[serde(serialize_with = "text_of")]
    directory: PathBuf,
    /// Where the requests are, in a folder for each node.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<String>,
    /// What all nodes share.
    shared: Part,
    /// In the order of the inventory.
    #[serde(rename = "nodes")]
    each: Vec<Node>,
    /// Trees of nodes that the inventory does not list.
    left: Vec<String>,
    notes: Vec<String>,
    next: Vec<next::Advice>,
    /// Of a renewal who reads what changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    processes: Option<Vec<Process>>,
    /// What changed beside it, and nobody here knows who reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_readers: Option<Vec<String>>,
    /// What `--exec` came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    exec: Option<Ran>,
    /// Of a rotation the stage that it came to, and what is to be done before the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<Rotation>,
    /// How far each is.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotations: Option<Vec<Rotation>>,
    #[serde(skip)]
    grouped: Grouped,
    #[serde(skip)]
    completed: bool,
    /// What is left that was to be done beside the files, of the notes.
    #[serde(skip)]
    failures: Vec<String>,
    #[serde(skip)]
    least: Severity,
}

/// What is told of one node.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    #[serde(rename = "node")]
    name: String,
    #[serde(flatten)]
    part: Part,
    /// What becomes of its archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    archive: Option<Archived>,
}

/// What becomes of an archive.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub enum Archived {
    /// There was none.
    #[serde(rename = "create")]
    Created,
    /// It is of the tree as it is.
    #[serde(rename = "keep")]
    Kept,
    /// It was of another.
    #[serde(rename = "replace")]
    Replaced,
}

impl Node {
    /// Whether there is anything to be made or replaced, or may be: of what was half of another run nobody knows before
    /// that has ended.
    pub fn changes(&self) -> bool {
        let mut items = self.part.items.iter();
        self.part.unsettled || items.any(|item| !["asked", "skip"].contains(&item.step))
    }

    /// Whether another machine is asked for something of it.
    pub fn asks(&self) -> bool {
        let mut items = self.part.items.iter();
        items.any(|item| ["asked", "request"].contains(&item.step))
    }

    /// What is next is told of all nodes together.
    #[must_use]
    pub fn without_advice(mut self) -> Self {
        self.part.next.clear();
        self
    }

    /// Whether files were written.
    pub fn is_changed(&self) -> bool {
        self.part.result == Outcome::Changed
    }

    /// Whether this is told of it.
    pub fn tells(&self, code: Code) -> bool {
        self.part.findings.iter().any(|told| told.code == code.id())
    }

    /// What became of its archive, or would.
    pub fn archived(&mut self, archived: Archived) {
        self.archive = Some(archived);
        if archived != Archived::Kept && self.part.result == Outcome::Unchanged {
            self.part.result = Outcome::Changed;
        }
    }

    /// Whether it refuses the run.
    pub fn is_refused(&self) -> bool {
        self.part.result == Outcome::Refused
    }

    /// Where nothing was planned, nothing is done.
    pub fn keeps(&mut self) {
        if self.part.result == Outcome::Planned {
            self.part.result = Outcome::Unchanged;
        }
    }
}

impl Nodes {
    /// Nothing yet. Findings below `least` leave the exit code alone.
    pub fn new(
        command: &'static str,
        now: OffsetDateTime,
        directory: &Path,
        least: Severity,
        notes: Vec<String>,
    ) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            command,
            time: timestamp(now),
            result: Outcome::Unchanged,
            exit_code: 0,
            directory: directory.to_owned(),
            requests: None,
            shared: Part::default(),
            each: Vec::new(),
            left: Vec::new(),
            notes,
            next: Vec::new(),
            processes: None,
            unknown_readers: None,
            exec: None,
            rotation: None,
            rotations: None,
            grouped: Grouped::default(),
            completed: false,
            failures: Vec::new(),
            least,
        }
    }

    /// Where the requests of each node are, in a folder that is called by it.
    pub fn requests(&mut self, directory: &Path) {
        self.requests = Some(directory.display().to_string());
    }

    /// That requests are out: what is to be done with them, and the command that takes what comes back.
    pub fn asked(&mut self, directory: &Path, inventory: &Path) {
        let of = |path: &Path| next::quoted(&path.display().to_string());
        let (requests, inventory, out) = (of(directory), of(inventory), of(&self.directory));
        let signed = format!("certs sign {requests} --inventory {inventory}");
        self.next.push(next::Advice {
            text: next::to_be_signed(&requests, &signed, ""),
            commands: vec![format!(
                "certs import {requests} --inventory {inventory} --out {out}"
            )],
        });
    }

    /// That what came back is in its place, and what makes the rest.
    pub fn imported(&mut self, inventory: &Path) {
        let of = |path: &Path| next::quoted(&path.display().to_string());
        let (inventory, out) = (of(inventory), of(&self.directory));
        self.next.push(next::Advice {
            text: "What needs no signature, as the service account keys and copies of a CA that was renewed, is made by:"
                .to_owned(),
            commands: vec![
                format!("certs renew --inventory {inventory} --out {out}"),
                format!("certs all --inventory {inventory} --out {out}"),
            ],
        });
    }

    /// Trees of nodes that are not listed, and stay as they are.
    pub fn left(&mut self, names: Vec<String>) {
        self.left = names;
    }

    /// What an interrupted run had left of a node was ended.
    pub fn recovered(&mut self, recovered: &Recovered) {
        self.completed |= !recovered.finished.is_empty();
        self.notes.push(text::recovered(recovered));
        self.notes.extend(recovered.notes.iter().cloned());
    }

    /// What deserves a look.
    pub fn noted(&mut self, note: Option<String>) {
        self.notes.extend(note);
    }

    /// What became of what all share.
    pub fn shared(&mut self, report: Report) {
        self.shared = report.part(|_| false);
        // That a further node needs copies of it is no advice where each has them.
        self.shared.next.clear();
    }

    /// What the nodes stand on, of which nothing changes.
    pub fn ground(&mut self, report: Report) {
        self.shared(report);
        if self.shared.result == Outcome::Planned {
            self.shared.result = Outcome::Unchanged;
        }
    }

    /// What became of the nodes.
    pub fn nodes(&mut self, nodes: Vec<Node>) {
        self.each = nodes;
    }

    /// All was told.
    #[must_use]
    pub fn ended(mut self) -> Self {
        let shared = store::SHARED.to_owned();
        let nodes = self.each.iter_mut();
        let parts = nodes.map(|node| (&node.name, &mut node.part));
        // A file is told by where it lies in its tree.
        for (tree, part) in parts.chain([(&shared, &mut self.shared)]) {
            let tree = format!("{}/", self.directory.join(tree).display());
            for item in &mut part.items {
                if let Some(below) = item.name.strip_prefix(&tree) {
                    item.name = below.to_owned();
                }
            }
        }
        let results: Vec<Outcome> = self.parts().map(|part| part.result).collect();
        let order = [Outcome::Refused, Outcome::Planned, Outcome::Changed];
        self.result = order
            .into_iter()
            .find(|result| results.contains(result))
            .unwrap_or(Outcome::Unchanged);
        // What a stage is followed by is told with it.
        if self.result == Outcome::Changed && self.rotation.is_none() {
            let made = self.shared.items.iter().any(|item| item.step == "create");
            self.next.extend(made.then(|| self.keep_safe()));
            let copies = self.each.iter().flat_map(|node| &node.part.items);
            let mut new = copies.filter(|item| item.step == "create");
            let apart = new.find(|item| is_signing_file(&item.name));
            let copy =
                |item: &Brief| format!("copy {} of each tree onto its control plane", item.name);
            self.next
                .extend(apart.map(|item| next::to_sign_apart(&copy(item))));
            // What is to be done once in a cluster is done from where it begins.
            let next = self.each.iter_mut().map(|node| &mut node.part.next);
            let first = next.into_iter().find(|next| !next.is_empty());
            self.next
                .extend(first.map(std::mem::take).unwrap_or_default());
        }
        self.exit_code = self.exit().code();
        self
    }

    fn parts(&self) -> impl Iterator<Item = &Part> + Clone {
        std::iter::once(&self.shared).chain(self.each.iter().map(|node| &node.part))
    }

    fn keep_safe(&self) -> next::Advice {
        let shared = store::shared_directory(&self.directory);
        let shared = shared.display();
        next::Advice {
            text: format!(
                "Keep {shared} safe, and the trees of control planes: whoever reads the keys in them owns the cluster. \
                 Later runs sign with those in {shared}."
            ),
            commands: Vec::new(),
        }
    }

    fn findings(&self) -> impl Iterator<Item = &Told> + Clone {
        self.parts().flat_map(|part| &part.findings)
    }

    /// How the run ended.
    pub fn exit(&self) -> Exit {
        if let Some(exit) = self.parts().find_map(|part| part.refused) {
            return exit;
        }
        if !self.failures.is_empty() || self.exec.as_ref().is_some_and(Ran::has_failed) {
            return Exit::Failed;
        }
        Exit::of_findings(self.findings().map(|told| told.level).max(), self.least)
    }

    /// Standard output and standard error.
    pub fn render(&self, format: &Format) -> (Vec<u8>, Vec<u8>) {
        match format.output {
            Output::Text => self.text(format),
            Output::Json => (json(self), Vec::new()),
            Output::Yaml => (yaml(self), Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Roots, Store};

    #[test]
    fn what_was_not_planned_or_is_at_work_may_change() {
        let report = || {
            let store = Store::open(Roots::shared(Path::new("/nowhere")));
            let now = OffsetDateTime::UNIX_EPOCH;
            Report::new("all", now, None, &store, Severity::Warning, Vec::new())
        };
        let changes = |report: Report| report.of_node("cp1", |_| false).changes();
        assert!(!changes(report()));
        let mut idle = report();
        idle.busy(false);
        assert!(!changes(idle));
        let mut busy = report();
        busy.busy(true);
        assert!(changes(busy));
        let mut halved = report();
        halved.unplanned(PathBuf::from("/nowhere/.certs-journal"));
        assert!(changes(halved));
    }
}
