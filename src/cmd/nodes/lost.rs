//! What all nodes share and is no more where it is made: a new one would be another than what their trees were made with.

use super::Run;
use crate::finding::{Code, Finding};
use crate::plan::Refusal;

impl Run<'_> {
    /// It is told once, and not of each file of each node that it signed.
    pub(super) fn lost(&self) -> Option<Refusal> {
        let cluster = &self.trees.cluster;
        let made: Vec<usize> = (0..cluster.len())
            .filter(|node| !self.trees.is_new(*node))
            .collect();
        if made.is_empty() {
            return None;
        }
        let source = self.look_at_shared();
        let mut findings = Vec::new();
        for spec in &self.shared.specs {
            let found = source.observed.get(&spec.name);
            if found.is_some_and(|found| !found.is_absent()) {
                continue;
            }
            let file = spec.place.public();
            let copy = |node: &usize| {
                let path = self.trees.store(*node).path(&file);
                (cluster.shares(*node, &file) && path.exists()).then_some(path)
            };
            let mut copies = made.iter().filter_map(copy);
            if let Some(copy) = copies.next() {
                let more = match copies.count() {
                    0 => String::new(),
                    more => format!(", and {more} more nodes have one"),
                };
                findings.push(Finding {
                    code: Code::SharedDiffers,
                    name: spec.name.clone(),
                    file,
                    text: format!("is not there, and {} is a copy of it{more}", copy.display()),
                    way_out: "bring it back, with its key, from a backup or from the tree of a control plane: a new one would be another".to_owned(),
                });
            }
        }
        (!findings.is_empty()).then_some(Refusal { findings })
    }
}
