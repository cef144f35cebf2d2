//! One thing that is to be done, with what stands in its commands.

use serde::Serialize;

use super::super::next::quoted;
use super::RunsOn;
use crate::diff::Held;
use crate::location::{FileId, Root};
use crate::profile::Profile;
use crate::profile::rotation::{Action, Instruction, ON_NO_NODE, OfMany, place};
use crate::store::Store;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    pub(super) process: &'static str,
    pub(super) action: &'static str,
    /// Whether the next node waits until this one is well again.
    pub(super) one_at_a_time: bool,
    pub(super) text: String,
    pub(super) command: String,
    pub(super) wait: String,
    pub(super) proof: String,
    /// Of many nodes those on which the process runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) nodes: Vec<String>,
}

/// What stands in the commands of an instruction.
pub(super) struct Values {
    of: Vec<(&'static str, String)>,
}

impl Values {
    pub(super) fn of(row: &Profile, store: &Store, [new, old]: [Option<&Held>; 2]) -> Self {
        let path = |file: &FileId| store.path(file).display().to_string();
        let root = |root| store.root(root).display().to_string();
        let mut of = vec![
            ("{pki}", root(Root::Pki)),
            ("{conf}", root(Root::Kubeconfig)),
            ("{file}", path(&row.stored.public())),
            ("{next}", path(&place(row).key())),
        ];
        of.extend(new.map(|new| ("{new}", new.shown())));
        of.extend(old.map(|old| ("{old}", old.shown())));
        Self { of }
    }

    /// For people.
    fn text(&self, template: &str) -> String {
        let fill = |text: String, (name, value): &(&str, String)| text.replace(name, value);
        self.of.iter().fold(template.to_owned(), fill)
    }

    /// For a shell; nothing where something is not known that stands in it.
    fn command(&self, template: &str) -> String {
        let fill =
            |text: String, (name, value): &(&str, String)| text.replace(name, &quoted(value));
        let filled = self.of.iter().fold(template.to_owned(), fill);
        if filled.contains("{new}") || filled.contains("{old}") {
            return String::new();
        }
        filled
    }

    pub(super) fn told(&self, one: &Instruction, runs_on: Option<&RunsOn<'_>>) -> Option<Told> {
        let (process, text) = match one.of_many {
            OfMany::After(process, text) if runs_on.is_some() => (process, text),
            OfMany::Only if runs_on.is_none() => return None,
            _ => (one.process, one.text),
        };
        let nodes = runs_on.and_then(|runs_on| runs_on(process));
        let (action, text) = if nodes.as_ref().is_some_and(Vec::is_empty) {
            // Only these have such a process.
            if one.of_many == OfMany::Only {
                return None;
            }
            // No program that goes by the list of nodes comes there.
            let text = format!("{ON_NO_NODE} {text}");
            (Action::Do, text.trim_end().to_owned())
        } else {
            (one.action, text.to_owned())
        };
        Some(Told {
            process,
            action: action.name(),
            one_at_a_time: one.action == Action::Restart,
            text: self.text(&text),
            command: self.command(one.command),
            wait: self.command(one.wait),
            proof: self.command(one.proof),
            nodes: nodes.unwrap_or_default(),
        })
    }
}
