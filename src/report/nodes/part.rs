//! What is told of one tree among many.

use std::path::PathBuf;

use serde::Serialize;

use super::super::shape::{Anchor, Told, texts};
use super::{Exit, Node, Outcome, Report, next};

/// What was made and found in one tree.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    pub(super) result: Outcome,
    /// What is made or replaced.
    pub(super) items: Vec<Brief>,
    /// How many others stay as they are.
    pub(super) kept: usize,
    pub(super) findings: Vec<Told>,
    pub(super) notes: Vec<String>,
    #[serde(serialize_with = "texts")]
    pub(super) backups: Vec<PathBuf>,
    #[serde(skip)]
    pub(super) next: Vec<next::Advice>,
    #[serde(skip)]
    pub(super) refused: Option<Exit>,
    #[serde(skip)]
    pub(super) unsettled: bool,
}

/// One certificate, key pair, kubeconfig or copy of a node.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Brief {
    pub(super) name: String,
    pub(super) step: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) why: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_after: Option<String>,
    /// The roots that are trusted from now on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) anchors: Vec<Anchor>,
}

impl Report {
    /// Whether nothing was done, for what was found.
    pub fn is_refused(&self) -> bool {
        self.result == Outcome::Refused
    }

    /// The same in short, as one node of many; what is told of these names is told elsewhere.
    pub fn of_node(self, node: &str, elsewhere: impl Fn(&str) -> bool) -> Node {
        Node {
            name: node.to_owned(),
            part: self.part(elsewhere),
            archive: None,
        }
    }

    pub(super) fn part(self, elsewhere: impl Fn(&str) -> bool) -> Part {
        let own = self.items.into_iter().filter(|item| !elsewhere(&item.name));
        let (kept, changed): (Vec<_>, Vec<_>) = own.partition(|item| item.step == "keep");
        let brief = |item: super::super::Item| Brief {
            name: item.name,
            step: item.step,
            why: item.why,
            serial_number: item.serial_number,
            not_after: item.not_after,
            anchors: item.anchors,
        };
        // What a step back did with each file.
        let files = self.runs.into_iter().flatten().flat_map(|run| run.files);
        let files = files.filter(|file| !["keep", "leave"].contains(&file.step));
        let files = files.map(|file| Brief {
            name: file.file.display().to_string(),
            step: file.step,
            why: Vec::new(),
            serial_number: None,
            not_after: None,
            anchors: Vec::new(),
        });
        let mut findings = self.findings;
        findings.retain(|told| !elsewhere(&told.name));
        Part {
            result: self.result,
            items: changed.into_iter().map(brief).chain(files).collect(),
            kept: kept.len(),
            findings,
            notes: self.notes,
            backups: self.backups,
            next: self.next,
            refused: self.refused,
            unsettled: self.unsettled,
        }
    }
}
