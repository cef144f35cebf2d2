//! A check of many nodes: what that of each tells, with the name of the node.

use std::path::Path;

use time::OffsetDateTime;

use super::check::{Checked, Item};
use super::metrics::Metrics;
use super::shape::Told;
use crate::finding::{Finding, Severity};
use crate::store::Store;

/// What is told of each certificate: nothing is kept of thousands of nodes that is not.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// In a report for programs.
    pub items: bool,
    /// As metrics.
    pub metrics: bool,
}

/// What was found of one node.
pub struct OfNode {
    row: Row,
    items: Vec<Item>,
    findings: Vec<Told>,
    notes: Vec<String>,
    metrics: Metrics,
}

/// A node in few words.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) node: String,
    pub(super) certificates: usize,
    pub(super) cas: usize,
    /// What ends first, and when.
    pub(super) first: Option<(String, OffsetDateTime)>,
}

impl Kept {
    pub(super) const ALL: Self = Self {
        items: true,
        metrics: true,
    };
}

impl Row {
    fn of(one: &Checked) -> Self {
        let there = one.looked_at();
        let (cas, others): (Vec<&Item>, _) = there.partition(|item| item.kind == "CA");
        let ends = one.items.iter().filter_map(|item| {
            let facts = item.certificate.as_ref()?;
            Some((item.title.clone(), facts.end))
        });
        Self {
            node: one.node.clone().unwrap_or_default(),
            certificates: others.iter().filter(|item| item.kind != "key pair").count(),
            cas: cas.len(),
            first: ends.min_by_key(|(_, end)| *end),
        }
    }
}

impl Checked {
    /// Of the trees below `directory`, with none in it yet; `shared` is what they share.
    pub fn of_nodes(
        now: OffsetDateTime,
        (directory, shared): (&Path, &Store),
        least: Severity,
        kept: Kept,
        notes: Vec<String>,
    ) -> Self {
        let mut checked = Self::new(now, shared, least, notes);
        checked.directories = None;
        checked.directory = Some(directory.display().to_string());
        checked.kept = kept;
        checked
    }

    /// Of the tree of one of them, with nothing in it yet.
    #[must_use]
    pub fn one(&self, node: &str, store: &Store) -> Self {
        let mut one = Self::new(self.now, store, self.least, Vec::new());
        one.node = Some(node.to_owned());
        one.metrics = Metrics::of(one.node.clone());
        one.kept = self.kept;
        one
    }

    /// What is kept of one of them.
    pub fn in_short(self) -> OfNode {
        OfNode {
            row: Row::of(&self),
            items: if self.kept.items {
                self.items
            } else {
                Vec::new()
            },
            findings: self.findings,
            notes: self.notes,
            metrics: self.metrics,
        }
    }

    /// What was found of one of them, and what only the others tell of it.
    pub fn add(&mut self, mut of: OfNode, store: &Store, findings: &[Finding]) {
        let node = of.row.node.clone();
        for finding in findings {
            of.findings.push(Told::of_node(finding, store, &node));
        }
        let notes = of.notes.iter().map(|note| format!("{node}: {note}"));
        self.notes.extend(notes);
        self.items.append(&mut of.items);
        self.findings.append(&mut of.findings);
        self.metrics.extend(of.metrics);
        self.rows.push(of.row);
    }

    /// Trees of nodes that are not listed.
    pub fn left(&mut self, names: &[String]) {
        let notes = names
            .iter()
            .map(|name| format!("{name} is no node of the inventory, and was not looked at"));
        self.notes.extend(notes);
    }

    /// All was told.
    #[must_use]
    pub fn ended(mut self) -> Self {
        self.settle();
        self
    }
}
