//! What a document shows is what happens: its `sh` and `console` blocks are run, in their order, in
//! one empty folder, with the program under test as `certs` on PATH.
//!
//! - A `sh` block is a script; it must end with 0.
//! - In a `console` block a line `$ command` is run (a `\` at its end and `> ` at the next line's
//!   beginning go on with it) and the lines up to the next one are what it prints. A line `...`
//!   stands for any lines. What differs from run to run (dates, hexadecimal numbers, the folder) is
//!   masked on both sides. The command must end with 0 unless the block itself says otherwise
//!   (`$ certs check; echo "exit code $?"`).
//! - `no-run` after the language leaves a block out.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{TempDir, binary, run, text, tool};

/// A block that is run.
#[derive(Debug, PartialEq)]
pub enum Block {
    Console(Vec<Shown>),
    Script { line: usize, script: String },
}

/// A command and what it prints.
#[derive(Debug, Default, PartialEq)]
pub struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// The blocks of a text.
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let fence = index + 1;
        let mut closed = false;
        let mut body = Vec::new();
        for (index, line) in lines.by_ref() {
            if line == "```" {
                closed = true;
                break;
            }
            body.push((index + 1, line));
        }
        assert!(closed, "line {fence}: a block without an end");
        let mut words = info.split_whitespace();
        match (words.next(), words.next()) {
            (_, Some("no-run")) => {}
            (Some("sh"), None) => blocks.push(Block::Script {
                line: fence,
                script: body
                    .iter()
                    .fold(String::new(), |script, (_, line)| script + line + "\n"),
            }),
            (Some("console"), None) => blocks.push(Block::Console(console(&body))),
            (Some(language @ ("sh" | "console")), Some(word)) => {
                panic!("line {fence}: {language} {word}: no-run is the only word known")
            }
            _ => {}
        }
    }
    blocks
}

fn console(body: &[(usize, &str)]) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let mut goes_on = false;
    for (line, content) in body {
        if let Some(command) = content.strip_prefix("$ ") {
            all.push(Shown {
                line: *line,
                command: command.to_owned(),
                ..Shown::default()
            });
        } else {
            let last = all
                .last_mut()
                .unwrap_or_else(|| panic!("line {line}: output before a command"));
            match content.strip_prefix("> ") {
                Some(more) if goes_on => {
                    last.command.push('\n');
                    last.command.push_str(more);
                }
                _ => last.output.push((*content).to_owned()),
            }
        }
        goes_on = all
            .last()
            .is_some_and(|last| last.output.is_empty() && last.command.ends_with('\\'));
    }
    all
}

/// Where the blocks are run.
pub struct Folder {
    document: &'static str,
    temporary: TempDir,
    path: OsString,
}

impl Folder {
    /// An empty one, for the blocks of this document.
    pub fn new(document: &'static str) -> Self {
        let temporary = TempDir::new();
        let programs = temporary.join("bin");
        fs::create_dir(&programs).expect("make a folder");
        fs::create_dir(temporary.join("work")).expect("make a folder");
        symlink(binary(), programs.join("certs")).expect("link the program");
        let mut folders = vec![programs];
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let path = env::join_paths(folders).expect("a PATH");
        Self {
            document,
            temporary,
            path,
        }
    }

    /// Runs a block; what is not as it is shown is the error.
    pub fn run(&self, block: &Block) -> Result<(), String> {
        match block {
            Block::Script { line, script } => self.shell(*line, script).map(|_| ()),
            Block::Console(all) => {
                for shown in all {
                    let printed = self.shell(shown.line, &shown.command)?;
                    self.compare(shown, &printed)?;
                }
                Ok(())
            }
        }
    }

    /// The folder itself.
    pub fn work(&self) -> PathBuf {
        self.temporary.join("work")
    }

    /// Runs a script; its line in the document is told where it fails.
    pub fn shell(&self, line: usize, script: &str) -> Result<String, String> {
        let mut command = Command::new(tool("bash"));
        // Both streams in the order of a terminal.
        command.args(["-c", &format!("exec 2>&1; set -euo pipefail\n{script}")]);
        command.current_dir(self.work());
        command.env("PATH", &self.path).env("NO_COLOR", "1");
        command.env("LC_ALL", "C.UTF-8");
        let finished = run(&mut command);
        if finished.status.success() {
            Ok(finished.stdout)
        } else {
            Err(format!("{} line {line}: {finished}", self.document))
        }
    }

    fn compare(&self, shown: &Shown, printed: &str) -> Result<(), String> {
        let masked = |lines: &mut dyn Iterator<Item = &str>| -> Vec<String> {
            lines
                .map(|line| mask(line.trim_end(), &self.work()))
                .collect()
        };
        let wanted = masked(&mut shown.output.iter().map(String::as_str));
        let found = masked(&mut printed.lines());
        if matches(&wanted, &found) {
            return Ok(());
        }
        let (document, line) = (self.document, shown.line);
        let mut fault = format!("{document} line {line}: $ {}\n", shown.command);
        let _ = writeln!(fault, "--- shown\n{}", wanted.join("\n"));
        let _ = writeln!(fault, "--- printed\n{}", found.join("\n"));
        Err(fault)
    }
}

/// Whether the lines are the wanted ones, where `...` is any number of lines.
fn matches(wanted: &[String], found: &[String]) -> bool {
    match wanted.split_first() {
        None => found.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=found.len()).any(|skipped| matches(rest, &found[skipped..]))
        }
        Some((first, rest)) => found
            .split_first()
            .is_some_and(|(line, others)| line == first && matches(rest, others)),
    }
}

/// The line with FOLDER, DATE, TIME and HEX for what differs from run to run.
pub fn mask(line: &str, folder: &Path) -> String {
    let line = line.replace(text(folder), "FOLDER");
    let mut masked = String::new();
    let mut rest = line.as_str();
    while !rest.is_empty() {
        let inside = rest
            .find(|character: char| {
                !(character.is_ascii_alphanumeric() || "-:".contains(character))
            })
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(inside);
        masked.push_str(&mask_word(word));
        let outside = after
            .find(|character: char| character.is_ascii_alphanumeric() || "-:".contains(character))
            .unwrap_or(after.len());
        masked.push_str(&after[..outside]);
        rest = &after[outside..];
    }
    without_days(&masked)
}

/// DATE for each `Jan 02, 2006`, as kubeadm writes a day.
fn without_days(line: &str) -> String {
    const DAY: &str = "Jan 02, 2006";
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let is_day = |text: &str| {
        let alike = |(one, other): (char, char)| {
            one == other || one.is_ascii_digit() && other.is_ascii_digit()
        };
        MONTHS.contains(&&text[..3]) && text[3..].chars().zip(DAY[3..].chars()).all(alike)
    };
    let mut masked = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let day = rest
            .get(..DAY.len())
            .filter(|text| text.is_ascii() && is_day(text));
        let (told, length) = match day {
            Some(day) => ("DATE", day.len()),
            None => (&rest[..first.len_utf8()], first.len_utf8()),
        };
        masked.push_str(told);
        rest = &rest[length..];
    }
    masked
}

fn mask_word(word: &str) -> String {
    let shape: String = word
        .chars()
        .map(|character| {
            if character.is_ascii_digit() {
                '9'
            } else {
                character
            }
        })
        .collect();
    let hexadecimal = |character: char| character.is_ascii_hexdigit() || character == ':';
    match shape.as_str() {
        "9999-99-99" => "DATE".to_owned(),
        "99:99" | "99:99:99" | "99:99:99Z" => "TIME".to_owned(),
        "9999-99-99T99:99:99Z" => "DATETTIME".to_owned(),
        _ if word.len() >= 16
            && word.chars().all(hexadecimal)
            && word.chars().any(|character| character.is_ascii_digit()) =>
        {
            "HEX".to_owned()
        }
        _ => word.to_owned(),
    }
}
