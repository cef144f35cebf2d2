//! How findings are told to people, wherever they stand.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::lines::{RED, YELLOW, line, painted, shown, words, wrapped};
use super::{Format, Told};
use crate::finding::{Code, Severity};

/// What stands above the notes.
pub(super) const NOTES: &str = "Notes (docs/findings.md):";
/// How the line begins that tells what says so.
pub(super) const WHY: &str = "why: ";

pub(super) fn finding(told: &Told, format: &Format) -> String {
    let colour = if told.level == Severity::Error {
        RED
    } else {
        YELLOW
    };
    let node = told.node.iter().map(|node| format!("{node}: "));
    let mut text = format!(
        "{}: {}{} {}",
        painted(format, colour, told.severity),
        node.collect::<String>(),
        shown(&told.file.display().to_string()),
        shown(&told.text)
    );
    if !told.way_out.is_empty() {
        let _ = write!(text, ": {}", shown(&told.way_out));
    }
    text
}

/// Notes about what is there, a line for each kind: a tree of kubeadm's has dozens. What was granted to
/// somebody is told one by one, and so is how far a rotation is, since it goes by the file.
pub(super) fn notes(text: &mut String, findings: &[Told], format: &Format) {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for told in findings.iter().filter(|told| told.level == Severity::Note) {
        match counts.iter_mut().find(|(code, _)| *code == told.code) {
            Some((_, count)) => *count += 1,
            None => counts.push((told.code, 1)),
        }
    }
    if counts.is_empty() {
        return;
    }
    line(text, NOTES);
    for (code, count) in counts {
        let Some(code) = Code::ALL.iter().find(|known| known.id() == code) else {
            continue;
        };
        let sentence = format!("{code} ({count}): {} ({})", code.about(), code.citation());
        wrapped(text, "  ", &words(&sentence), " ", format);
        let apart = [Code::RequestSanTaken, Code::Rotation].contains(code);
        let each = |told: &&Told| apart && told.code == code.id();
        for told in findings.iter().filter(each) {
            let file = told.file.display().to_string();
            let mut sentence = format!("{} {}", shown(&file), shown(&told.text));
            if !told.way_out.is_empty() {
                let _ = write!(sentence, ": {}", shown(&told.way_out));
            }
            wrapped(text, "    ", &words(&sentence), " ", format);
        }
    }
}

/// What says so, once for each kind of error and warning, after all of them. Who asked for errors alone
/// is told no more.
pub(super) fn why<'a>(
    text: &mut String,
    findings: impl IntoIterator<Item = &'a Told>,
    format: &Format,
) {
    let mut said = BTreeSet::new();
    for told in findings
        .into_iter()
        .filter(|told| told.level > Severity::Note && !format.quiet)
    {
        if said.insert(told.code) {
            line(text, &format!("{WHY}{}: {}", told.code, told.citation));
        }
    }
}
