//! How findings are told to people, wherever they stand.

use std::fmt::Write;

use super::lines::{RED, YELLOW, line, painted, shown, words, wrapped};
use super::{Format, Told};
use crate::finding::{Code, Severity};

pub(super) fn finding(told: &Told, format: &Format) -> String {
    let colour = if told.level == Severity::Error {
        RED
    } else {
        YELLOW
    };
    let mut text = format!(
        "{}: {} {}",
        painted(format, colour, told.severity),
        shown(&told.file.display().to_string()),
        shown(&told.text)
    );
    if !told.way_out.is_empty() {
        let _ = write!(text, ": {}", shown(&told.way_out));
    }
    text
}

/// Notes about what is there, a line for each kind: a tree of kubeadm's has dozens. What was granted to
/// somebody is told one by one.
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
    line(text, "Notes (docs/findings.md):");
    for (code, count) in counts {
        if code == Code::RequestSanTaken.id() {
            for told in findings.iter().filter(|told| told.code == code) {
                let sentence = format!(
                    "{code}: {} {}",
                    shown(&told.file.display().to_string()),
                    shown(&told.text)
                );
                wrapped(text, "  ", &words(&sentence), " ", format);
            }
            continue;
        }
        let about = Code::ALL
            .iter()
            .find(|known| known.id() == code)
            .map_or("", |code| code.about());
        let sentence = format!("{code} ({count}): {about}");
        wrapped(text, "  ", &words(&sentence), " ", format);
    }
}
