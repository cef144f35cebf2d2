//! A report for people.

use std::fmt::Write;

use super::item::Item;
use super::{Format, Outcome, Report, Told};
use crate::finding::{Code, Severity};

/// Narrower than this and the columns go onto lines of their own.
const COLUMNS: usize = 80;
const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const RESET: &str = "\x1b[0m";

/// Why a run stopped before there was a report, for standard error.
pub fn failure(sentences: &[String], format: &Format) -> Vec<u8> {
    let mut text = String::new();
    for sentence in sentences {
        line(
            &mut text,
            &format!("{}: {}", painted(format, RED, "error"), shown(sentence)),
        );
    }
    text.into_bytes()
}

/// Standard output and standard error.
pub(super) fn render(report: &Report, format: &Format) -> (Vec<u8>, Vec<u8>) {
    let mut stdout = String::new();
    let mut stderr = String::new();
    for told in &report.findings {
        if told.level == Severity::Error || (told.level == Severity::Warning && !format.quiet) {
            line(&mut stderr, &finding(told, format));
        }
    }
    if report.result == Outcome::Refused {
        let errors = report
            .findings
            .iter()
            .filter(|told| told.level == Severity::Error)
            .count();
        line(
            &mut stderr,
            &format!(
                "refused with {}; nothing was written",
                count(errors, "error")
            ),
        );
    }
    if !format.quiet {
        body(&mut stdout, report, format);
    }
    (stdout.into_bytes(), stderr.into_bytes())
}

fn body(text: &mut String, report: &Report, format: &Format) {
    for note in &report.notes {
        line(text, &format!("note: {}", shown(note)));
    }
    let groups: [(&str, &[&str]); 3] = match report.result {
        Outcome::Planned => [
            ("Would make", &["create", "derive"]),
            ("Would replace", &["replace"]),
            ("Would keep", &["keep"]),
        ],
        _ => [
            ("Made", &["create", "derive"]),
            ("Replaced", &["replace"]),
            ("Kept", &["keep"]),
        ],
    };
    let width = report
        .items
        .iter()
        .map(|item| files(item).chars().count())
        .max()
        .unwrap_or(0);
    for (title, steps) in groups {
        let items: Vec<&Item> = report
            .items
            .iter()
            .filter(|item| steps.contains(&item.step))
            .collect();
        if items.is_empty() {
            continue;
        }
        let colour = if steps.contains(&"keep") { BOLD } else { GREEN };
        line(text, &painted(format, colour, &format!("{title}:")));
        for item in items {
            describe(text, item, width, format);
        }
    }
    notes(text, report, format);
    if report.result == Outcome::Unchanged {
        line(text, "Everything is as wanted; nothing was written.");
    }
    if report.result == Outcome::Planned {
        line(text, "This was a dry run; nothing was written.");
    }
    next(text, report, format);
}

fn describe(text: &mut String, item: &Item, width: usize, format: &Format) {
    let files = files(item);
    let until = item
        .not_after
        .as_deref()
        .and_then(|date| date.split('T').next());
    let until = until.map_or(String::new(), |date| format!("until {date}"));
    let what = match &item.subject {
        Some(subject) => shown(subject),
        None => item.key_algorithm.clone(),
    };
    let narrow = format.width.is_some_and(|columns| columns < COLUMNS);
    let details = [until.as_str(), &what]
        .iter()
        .filter(|part| !part.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join("  ");
    if narrow {
        line(text, &format!("  {files}"));
        wrapped(text, "      ", &[details], " ", format);
    } else {
        line(text, &format!("  {files:width$}  {details}"));
    }
    if item.kind.contains("server") {
        let names: Vec<String> = item.sans.iter().map(|san| shown(san)).collect();
        let mut names = names;
        if let Some(first) = names.first_mut() {
            first.insert_str(0, "good for ");
        }
        wrapped(text, "      ", &names, ", ", format);
    }
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
        let ending = file
            .extension()
            .map_or_else(String::new, |ending| ending.to_string_lossy().into());
        let _ = write!(text, ", .{ending}");
    }
    text
}

/// Notes about what is there, a line for each kind: a tree of kubeadm's has dozens.
fn notes(text: &mut String, report: &Report, format: &Format) {
    if report.result == Outcome::Refused {
        return;
    }
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for told in report
        .findings
        .iter()
        .filter(|told| told.level == Severity::Note)
    {
        match counts.iter_mut().find(|(code, _)| *code == told.code) {
            Some((_, count)) => *count += 1,
            None => counts.push((told.code, 1)),
        }
    }
    if counts.is_empty() {
        return;
    }
    line(text, "Notes, each in full with --output json:");
    for (code, count) in counts {
        let about = Code::ALL
            .iter()
            .find(|known| known.id() == code)
            .map_or("", |code| code.about());
        let words = format!("{code} ({count}): {about}");
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        wrapped(text, "  ", &words, " ", format);
    }
}

fn next(text: &mut String, report: &Report, format: &Format) {
    if report.next.is_empty() || report.result == Outcome::Planned {
        return;
    }
    line(text, &painted(format, BOLD, "Next:"));
    for advice in &report.next {
        let words: Vec<String> = advice.text.split(' ').map(str::to_owned).collect();
        wrapped(text, "  ", &words, " ", format);
        for command in &advice.commands {
            line(text, &format!("    {command}"));
        }
    }
}

fn finding(told: &Told, format: &Format) -> String {
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

/// Pieces put into lines of the terminal's width, or into one.
fn wrapped(text: &mut String, indent: &str, pieces: &[String], between: &str, format: &Format) {
    let width = format.width.unwrap_or(usize::MAX);
    let mut current = indent.to_owned();
    for (index, piece) in pieces.iter().enumerate() {
        let last = index + 1 == pieces.len();
        let piece = if last {
            piece.clone()
        } else {
            format!("{piece}{between}")
        };
        let fits = current.chars().count() + piece.trim_end().chars().count() <= width;
        if !fits && current.trim() != "" {
            line(text, &current);
            indent.clone_into(&mut current);
        }
        current.push_str(&piece);
    }
    line(text, &current);
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

fn painted(format: &Format, colour: &str, text: &str) -> String {
    if format.colour {
        format!("{colour}{text}{RESET}")
    } else {
        text.to_owned()
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

/// Control characters, which a subject from a stranger's file may hold, never reach a terminal.
fn shown(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}
