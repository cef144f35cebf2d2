//! Lines of text for a terminal: their width, their colours, and what may not reach one.

use super::Format;
use crate::x509::name::is_hidden;

pub(super) const BOLD: &str = "\x1b[1m";
pub(super) const GREEN: &str = "\x1b[32m";
pub(super) const RED: &str = "\x1b[31m";
pub(super) const YELLOW: &str = "\x1b[33m";
const RESET: &str = "\x1b[0m";

/// Why a run does not end well, each in a line of its own, however wide the terminal is.
pub(super) fn errors<'a>(
    text: &mut String,
    sentences: impl Iterator<Item = &'a String>,
    format: &Format,
) {
    let word = painted(format, RED, "error");
    for sentence in sentences {
        line(text, &format!("{word}: {}", shown(sentence)));
    }
}

/// A sentence in lines of the terminal's width.
pub(super) fn told(text: &mut String, sentence: &str, format: &Format) {
    wrapped(text, "", &words(&shown(sentence)), " ", format);
}

/// Pieces put into lines of the terminal's width, or into one.
pub(super) fn wrapped(
    text: &mut String,
    indent: &str,
    pieces: &[String],
    between: &str,
    format: &Format,
) {
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

/// A command, in lines that a shell joins again. One with quotes stays whole: in them a line's end
/// would be a part of it.
pub(super) fn command(text: &mut String, command: &str, format: &Format) {
    let width = format.width.unwrap_or(usize::MAX);
    let mut current = format!("    {}", command.split(' ').next().unwrap_or_default());
    for word in command.split(' ').skip(1) {
        let fits =
            current.chars().count() + word.chars().count() + " ".len() + r" \".len() <= width;
        if !fits && !command.contains('\'') {
            line(text, &format!(r"{current} \"));
            current = format!("      {word}");
        } else {
            current.push(' ');
            current.push_str(word);
        }
    }
    line(text, &current);
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

pub(super) fn painted(format: &Format, colour: &str, text: &str) -> String {
    if format.colour {
        format!("{colour}{text}{RESET}")
    } else {
        text.to_owned()
    }
}

pub(super) fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

/// What a subject from a stranger's file may hold, and what nobody sees or a terminal obeys, never
/// reaches one.
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .map(|c| {
            if is_hidden(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}
