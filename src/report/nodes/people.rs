//! A run over many nodes, for people.

use super::super::lines::{
    BOLD, GREEN, YELLOW, count, errors, line, painted, shown, told, words, wrapped,
};
use super::super::{rotation, text};
use super::{Archived, Brief, Format, Node, Nodes, Outcome, Part, readers};

/// How what becomes of an item is told, before and after, and the steps that come to that.
const STEPS: [[&str; 4]; 11] = [
    ["Would make", "Made", "create", "derive"],
    ["Would ask for", "Asked for", "request", "request"],
    ["Asked for already", "Asked for already", "asked", "asked"],
    ["Would put in place", "Put in place", "import", "import"],
    ["Would replace", "Replaced", "replace", "replace"],
    [
        "Would renew, for the same key",
        "Renewed, for the same key",
        "reissue",
        "reissue",
    ],
    [
        "Would bring to the next stage",
        "Brought to the next stage",
        "rotate",
        "rotate",
    ],
    ["Would remove", "Removed", "remove", "remove"],
    ["Would put back", "Put back", "restore", "restore"],
    [
        "Would write the CA into",
        "Wrote the CA into",
        "refresh",
        "refresh",
    ],
    ["Would not renew", "Not renewed", "skip", "skip"],
];

impl Nodes {
    pub(super) fn text(&self, format: &Format) -> (Vec<u8>, Vec<u8>) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        text::wrong(&mut stderr, self.findings(), format);
        let exec = readers::failure(self.exec.as_ref(), self.result);
        errors(&mut stderr, self.failures.iter().chain(&exec), format);
        if self.result == Outcome::Refused {
            text::refused(&mut stderr, self.findings(), self.completed);
        }
        if !format.quiet {
            self.body(&mut stdout, format);
        }
        (stdout.into_bytes(), stderr.into_bytes())
    }

    fn body(&self, text: &mut String, format: &Format) {
        let told_already = |note: &&String| self.failures.contains(note);
        let notes = self.notes.iter().filter(|note| !told_already(note));
        let notes = notes.map(|note| (None, note));
        let of_nodes = self.each.iter();
        let of_nodes =
            of_nodes.flat_map(|node| node.part.notes.iter().map(move |note| (Some(node), note)));
        let notes = notes.chain(self.shared.notes.iter().map(|note| (None, note)));
        for (node, note) in notes.chain(of_nodes) {
            let of = node.map_or(String::new(), |node| format!("{}: ", node.name));
            told(text, &format!("note: {of}{note}"), format);
        }
        for name in &self.left {
            let what = match name.strip_suffix(".tar") {
                Some(_) => "of no node",
                None => "no node",
            };
            let note = format!("note: {name} is {what} of the inventory, and stays as it is");
            told(text, &note, format);
        }
        let planned = matches!(self.result, Outcome::Planned | Outcome::Refused);
        for [would, did, step, other] in STEPS {
            let title = if planned { would } else { did };
            self.changed(text, title, &[step, other], format);
        }
        self.archived(text, format);
        let unchanged = self.each.iter().filter(|node| !node.changes()).count();
        if self.rotations.is_some() {
            // Nothing was asked for but to be told.
        } else if self.result == Outcome::Unchanged {
            let skipped = self.parts().any(|part| !part.items.is_empty());
            let all = match &self.processes {
                None if self.each.iter().any(Node::asks) => "Nothing more is to be asked for",
                Some(_) if self.requests.is_some() => "Everything is as wanted",
                Some(_) if skipped => "Nothing was renewed",
                Some(_) => "Nothing is due",
                None => "Everything is as wanted",
            };
            let sentence = format!(
                "{all} on {}; {}.",
                count(unchanged, "node"),
                text::written(self.completed)
            );
            told(text, &sentence, format);
        } else if unchanged > 0 && self.result != Outcome::Refused {
            line(text, &painted(format, BOLD, "Kept as it is:"));
            wrapped(text, "  ", &words(&count(unchanged, "node")), " ", format);
        }
        for backup in self.parts().flat_map(|part| &part.backups) {
            let sentence = format!("What was replaced is kept in {}", backup.display());
            told(text, &sentence, format);
        }
        if self.result == Outcome::Planned {
            told(text, "This was a dry run; nothing was written.", format);
        }
        for (told, status) in (self.rotations.iter().flatten().map(|one| (one, true)))
            .chain(self.rotation.iter().map(|one| (one, false)))
        {
            rotation::people::body(text, told, status, format);
        }
        if let Some(processes) = &self.processes {
            let unknown = self.unknown_readers.as_deref().unwrap_or_default();
            readers::body(text, (processes, unknown), self.exec.as_ref(), format);
        }
        if !planned {
            text::advise(text, &self.next, format);
        }
    }

    fn archived(&self, text: &mut String, format: &Format) {
        let made = |node: &&Node| {
            node.archive
                .is_some_and(|archive| archive != Archived::Kept)
        };
        let made = self.each.iter().filter(made).count();
        if made == 0 {
            return;
        }
        let title = match self.result {
            Outcome::Planned | Outcome::Refused => "Would archive:",
            _ => "Archived:",
        };
        line(text, &painted(format, GREEN, title));
        let sentence = format!("{}, each beside its tree in NODE.tar", count(made, "node"));
        wrapped(text, "  ", &words(&sentence), " ", format);
    }

    fn changed(&self, text: &mut String, title: &str, steps: &[&str], format: &Format) {
        let of_steps = |item: &&Brief| steps.contains(&item.step);
        let names = |part: &Part| -> Vec<String> {
            let items = part.items.iter().filter(of_steps);
            items.map(|item| item.name.clone()).collect()
        };
        let mut lists = vec![("shared by all", names(&self.shared))];
        let nodes = self.each.iter();
        lists.extend(nodes.map(|node| (node.name.as_str(), names(&node.part))));
        lists.retain(|(_, names)| !names.is_empty());
        if lists.is_empty() {
            return;
        }
        let colour = if steps[0] == "skip" { YELLOW } else { GREEN };
        line(text, &painted(format, colour, &format!("{title}:")));
        for (of, names) in lists {
            let names = names.join(", ");
            let pieces = words(&shown(&format!("{of}: {names}")));
            wrapped(text, "  ", &pieces, " ", format);
        }
        for item in self.parts().flat_map(|part| &part.items).filter(of_steps) {
            text::anchors(text, &item.anchors, format);
        }
    }
}
