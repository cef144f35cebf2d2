//! A report for people.

use std::fmt::Write;
use std::path::Path;

use super::found::{finding, notes, why};
use super::lines::{
    BOLD, GREEN, YELLOW, command, count, errors, line, painted, shown, told, words, wrapped,
};
use super::next::Advice;
use super::shape::Anchor;
use super::{Format, Item, Outcome, Report, Told};
use crate::finding::{Code, Finding, Severity};
use crate::store::{Recovered, Store};

/// That a run waits for another one.
pub fn waiting(directory: &Path) -> String {
    let directory = directory.display().to_string();
    format!("waiting for another run on {} to end", shown(&directory))
}

/// Why a run stopped before there was a report, for standard error.
pub fn failure(sentences: &[String], format: &Format) -> Vec<u8> {
    let mut text = String::new();
    errors(&mut text, sentences.iter(), format);
    text.into_bytes()
}

/// What deserves a look, for standard error, where standard output is not for people.
pub fn noted(sentences: &[String]) -> Vec<u8> {
    let mut text = String::new();
    for sentence in sentences {
        line(&mut text, &format!("note: {}", shown(sentence)));
    }
    text.into_bytes()
}

/// Errors and warnings of what is handed out, for standard error.
pub fn told_alone(findings: &[Finding], store: &Store, refused: bool) -> Vec<u8> {
    let format = Format {
        output: super::Output::Text,
        quiet: false,
        width: None,
        colour: false,
    };
    let mut text = String::new();
    for found in findings
        .iter()
        .filter(|found| found.severity() > Severity::Note)
    {
        line(&mut text, &finding(&Told::of(found, store), &format));
    }
    let all: Vec<Told> = findings
        .iter()
        .map(|found| Told::of(found, store))
        .collect();
    why(&mut text, &all, &format);
    if refused {
        let errors = findings
            .iter()
            .filter(|found| found.severity() == Severity::Error)
            .count();
        let errors = count(errors, "error");
        line(
            &mut text,
            &format!("refused with {errors}; nothing was written"),
        );
    }
    text.into_bytes()
}

/// Errors, warnings unless quiet, and why they are that. Whom the cluster trusts from now on is told anyway, since it is to
/// be compared, and so is whom it trusts no more, since who trusts that one is cut off.
pub(super) fn wrong<'a>(
    text: &mut String,
    findings: impl Iterator<Item = &'a Told> + Clone,
    format: &Format,
) {
    for told in findings.clone() {
        let warned = told.level == Severity::Warning;
        let trusted = [Code::NewRoot.id(), Code::RootDropped.id()].contains(&told.code);
        if told.level == Severity::Error || (warned && (!format.quiet || trusted)) {
            line(text, &finding(told, format));
        }
    }
    why(text, findings, format);
}

/// That nothing was done, for so many errors.
pub(super) fn refused<'a>(
    text: &mut String,
    findings: impl Iterator<Item = &'a Told>,
    completed: bool,
) {
    let errors = findings
        .filter(|told| told.level == Severity::Error)
        .count();
    let (errors, written) = (count(errors, "error"), written(completed));
    line(text, &format!("refused with {errors}; {written}"));
}

/// Standard output and standard error.
pub(super) fn render(report: &Report, format: &Format) -> (Vec<u8>, Vec<u8>) {
    let mut stdout = String::new();
    let mut stderr = String::new();
    wrong(&mut stderr, report.findings.iter(), format);
    let exec = super::readers::failure(report.exec.as_ref(), report.result);
    errors(&mut stderr, report.failures.iter().chain(&exec), format);
    if report.result == Outcome::Refused {
        refused(&mut stderr, report.findings.iter(), report.completed);
    }
    if !format.quiet {
        body(&mut stdout, report, format);
    }
    (stdout.into_bytes(), stderr.into_bytes())
}

fn body(text: &mut String, report: &Report, format: &Format) {
    let told_already = |note: &&String| report.failures.contains(note);
    for note in report.notes.iter().filter(|note| !told_already(note)) {
        told(text, &format!("note: {note}"), format);
    }
    let groups = groups(report);
    text.push_str(&super::runs::body(report, format));
    let columns = Columns::of(&report.items, format);
    for (title, steps) in groups {
        let items: Vec<&Item> = report
            .items
            .iter()
            .filter(|item| steps.contains(&item.step))
            .collect();
        if items.is_empty() {
            continue;
        }
        let colour = match steps[0] {
            "asked" | "keep" => BOLD,
            "skip" => YELLOW,
            _ => GREEN,
        };
        line(text, &painted(format, colour, &format!("{title}:")));
        for item in items {
            describe(text, item, &columns, format);
        }
    }
    if report.result != Outcome::Refused {
        notes(text, &report.findings, format);
    }
    for backup in &report.backups {
        let path = backup.display().to_string();
        told(
            text,
            &format!("What was replaced is kept in {path}"),
            format,
        );
    }
    if report.result == Outcome::Unchanged && report.rotations.is_none() {
        let worse = |told: &Told| told.level != Severity::Note;
        let all = if report.runs.is_some() {
            "All is as it was before that run"
        } else if report.items.iter().any(|item| item.step == "asked") {
            "Nothing more is to be asked for"
        } else if report.items.iter().any(|item| item.step == "skip")
            || report
                .findings
                .iter()
                .any(|told| told.code == Code::ExpiresSoon.id())
        {
            "Nothing was renewed"
        } else if report.processes.is_some() && report.directories.requests.is_none() {
            "Nothing is due"
        } else if report.findings.iter().any(worse) {
            "Nothing is to be made"
        } else {
            "Everything is as wanted"
        };
        told(
            text,
            &format!("{all}; {}.", written(report.completed)),
            format,
        );
    }
    if report.result == Outcome::Planned {
        told(text, "This was a dry run; nothing was written.", format);
    }
    if let Some(processes) = &report.processes {
        let unknown = report.unknown_readers.as_deref().unwrap_or_default();
        super::readers::body(text, (processes, unknown), report.exec.as_ref(), format);
    }
    for rotation in report.rotations.iter().flatten() {
        super::rotation::people::body(text, rotation, true, format);
    }
    if let Some(rotation) = &report.rotation {
        super::rotation::people::body(text, rotation, false, format);
    }
    if report.result != Outcome::Planned {
        advise(text, &report.next, format);
    }
}

/// What became of what, with its steps, in the order in which it is told.
fn groups(report: &Report) -> [(&'static str, &'static [&'static str]); 11] {
    // A rotation renews nothing.
    let [would_skip, skipped] = match report.command {
        "rotate" => ["Would leave as it is", "Left as it is"],
        _ => ["Would not renew", "Not renewed"],
    };
    match report.result {
        Outcome::Planned => [
            ("Would make", &["create", "derive"]),
            ("Would ask for", &["request"]),
            ("Asked for already", &["asked"]),
            ("Would put in place", &["import"]),
            ("Would bring to the next stage", &["rotate"]),
            ("Would remove", &["remove"]),
            ("Would replace", &["replace"]),
            ("Would renew, for the same key", &["reissue"]),
            ("Would write the CA into", &["refresh"]),
            (would_skip, &["skip"]),
            ("Would keep", &["keep"]),
        ],
        _ => [
            ("Made", &["create", "derive"]),
            ("Asked for", &["request"]),
            ("Asked for already", &["asked"]),
            ("Put in place", &["import"]),
            ("Brought to the next stage", &["rotate"]),
            ("Removed", &["remove"]),
            ("Replaced", &["replace"]),
            ("Renewed, for the same key", &["reissue"]),
            ("Wrote the CA into", &["refresh"]),
            (skipped, &["skip"]),
            ("Kept", &["keep"]),
        ],
    }
}

/// What became of what an interrupted run had left.
pub fn recovered(recovered: &Recovered) -> String {
    match (recovered.finished.len(), recovered.discarded) {
        (0, 0) => "removed the journal of an interrupted run".into(),
        (0, left) => format!(
            "removed {} that an interrupted run left",
            count(left, "file")
        ),
        (files, _) => format!(
            "completed an interrupted run, which wrote {}",
            count(files, "file")
        ),
    }
}

/// What a run wrote that changed nothing itself.
pub(super) fn written(completed: bool) -> &'static str {
    if completed {
        "nothing was written but what the interrupted run had begun"
    } else {
        "nothing was written"
    }
}

/// How files and what is told of them stand beside each other.
enum Columns {
    /// In two columns, the first of this width.
    Beside(usize),
    /// The second below the first: some line would not fit beside.
    Below,
}

impl Columns {
    fn of(items: &[Item], format: &Format) -> Self {
        let widest = |text: fn(&Item) -> String| {
            items
                .iter()
                .map(|item| text(item).chars().count())
                .max()
                .unwrap_or(0)
        };
        let first = widest(files);
        let second = widest(|item| details(item).join("  "));
        match format.width {
            Some(width) if "  ".len() * 2 + first + second > width => Self::Below,
            _ => Self::Beside(first),
        }
    }
}

fn describe(text: &mut String, item: &Item, columns: &Columns, format: &Format) {
    let (files, details) = (files(item), details(item));
    match columns {
        Columns::Beside(width) => line(text, &format!("  {files:width$}  {}", details.join("  "))),
        Columns::Below => {
            wrapped(text, "  ", &words(&files), " ", format);
            wrapped(text, "      ", &details, "  ", format);
        }
    }
    if let Some(from) = &item.from {
        wrapped(
            text,
            "      ",
            &[format!("from {}", shown(from))],
            " ",
            format,
        );
    }
    anchors(text, &item.anchors, format);
    if item.kind.contains("server") && !item.sans.is_empty() {
        let mut names: Vec<String> = item.sans.iter().map(|san| shown(san)).collect();
        if let Some(first) = names.first_mut() {
            first.insert_str(0, "good for ");
            wrapped(text, "      ", &names, ", ", format);
        }
    }
    for (what, names) in [("added", &item.sans_added), ("removed", &item.sans_removed)] {
        let mut names: Vec<String> = names.iter().map(|san| shown(san)).collect();
        if let Some(first) = names.first_mut() {
            first.insert_str(0, &format!("names {what}: "));
            wrapped(text, "      ", &names, ", ", format);
        }
    }
}

/// Where trust begins from now on.
pub(super) fn anchors(text: &mut String, anchors: &[Anchor], format: &Format) {
    for anchor in anchors {
        let (kind, below) = match &anchor.issuer {
            Some(issuer) => (
                "CA",
                format!(", below {}, which did not come", shown(issuer)),
            ),
            None => ("root", String::new()),
        };
        let line = format!(
            "new {kind} {}, SHA-256 {}{below}",
            shown(&anchor.subject),
            anchor.fingerprint
        );
        wrapped(text, "      ", &words(&line), " ", format);
    }
}

/// Until when, and whose.
fn details(item: &Item) -> Vec<String> {
    let end = item
        .expires
        .as_deref()
        .and_then(|time| time.split('T').next());
    let whose = item.subject.as_deref().map(shown);
    let whose = whose.or_else(|| item.key_algorithm.clone());
    let whose = whose.or_else(|| item.unknown.map(str::to_owned));
    end.map(|day| format!("until {day}"))
        .into_iter()
        .chain(whose)
        .collect()
}

/// `DIR/ca.crt, .key`
fn files(item: &Item) -> String {
    let Some((first, others)) = item.files.split_first() else {
        return String::new();
    };
    let mut text = shown(&first.display().to_string());
    // Of a key pair whose public half was made the private one was there.
    let others = if item.step == "derive" { &[] } else { others };
    for file in others {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // Beside `x.pem` its ending tells nothing.
        if name.ends_with("-key.pem") {
            let _ = write!(text, ", {}", shown(&name));
            continue;
        }
        let ending = file
            .extension()
            .map_or_else(String::new, |ending| ending.to_string_lossy().into());
        let _ = write!(text, ", .{ending}");
    }
    text
}

/// What is left to do.
pub(super) fn advise(text: &mut String, next: &[Advice], format: &Format) {
    if next.is_empty() {
        return;
    }
    line(text, &painted(format, BOLD, "Next:"));
    for advice in next {
        wrapped(text, "  ", &words(&advice.text), " ", format);
        for advised in &advice.commands {
            command(text, advised, format);
        }
    }
}

#[cfg(test)]
mod tests;
