//! What a renewal of many nodes has to tell beside what was renewed.

use std::path::{Path, PathBuf};

use super::super::Variable;
use super::{Nodes, Ran, next};
use crate::profile::reader as profile;

impl Nodes {
    /// Who reads on this node what changed there.
    pub fn read_by(&mut self, node: &str, changed: Vec<profile::Process>) {
        self.grouped.add(node, changed);
    }

    /// That a CA's certificate was renewed, whose copies are handed out.
    pub fn renewed_ca(&mut self) {
        self.next.push(next::Advice {
            text: "Copy the trees onto their nodes before the former certificate of the CA ends, and bring the \
                   kubeconfigs up to date that were handed out ('certs kubeconfig refresh')."
                .to_owned(),
            commands: Vec::new(),
        });
    }

    /// What is to be copied onto a node, of the files of its tree.
    pub fn copied_to(&mut self, node: &str, files: &[PathBuf]) {
        let tree = self.directory.join(node);
        let below = files
            .iter()
            .map(|file| file.strip_prefix(&tree).unwrap_or(file));
        let below: Vec<String> = below.map(|file| file.display().to_string()).collect();
        self.next.push(next::Advice {
            text: format!(
                "Copy onto {node}, from {} to /: {}",
                tree.display(),
                below.join(", ")
            ),
            commands: Vec::new(),
        });
    }

    /// Archives which are no more of their trees, and what makes them anew.
    pub fn stale_archives(&mut self, archives: &[PathBuf], inventory: &Path) {
        let Some((first, others)) = archives.split_first() else {
            return;
        };
        let of = |path: &Path| next::quoted(&path.display().to_string());
        let (others, them) = match others.len() {
            0 => (String::new(), "it"),
            more => (format!(", and {more} more"), "them"),
        };
        self.notes.push(format!(
            "{} is of the tree as it was{others}: 'certs all --inventory {} --out {} --archive', with the flags that the \
             trees were made with, makes {them} anew",
            first.display(),
            of(inventory),
            of(&self.directory)
        ));
    }

    /// What was run once all was written.
    pub fn ran(&mut self, command: &str, told: &[Variable], result: Result<(), String>) {
        self.exec = Some(Ran::of(command, told, result));
        self.exit_code = self.exit().code();
    }

    /// Of a renewal the processes are told, and what is `unknown` to be read by any.
    #[must_use]
    pub fn with_processes(mut self, unknown: Vec<String>) -> Self {
        self.processes = Some(std::mem::take(&mut self.grouped).all);
        self.unknown_readers = Some(unknown);
        self
    }
}
