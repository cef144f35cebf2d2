//! What README.md shows is what happens: its `sh` and `console` blocks are run, in their order, in
//! one empty folder, with the program under test as `certs` on PATH.
//!
//! - A `sh` block is a script; it must end with 0.
//! - In a `console` block a line `$ command` is run (a `\` at its end and `> ` at the next line's
//!   beginning go on with it) and the lines up to the next one are what it prints. A line `...`
//!   stands for any lines. What differs from run to run (dates, hexadecimal numbers, the folder) is
//!   masked on both sides. The command must end with 0 unless the block itself says otherwise
//!   (`$ certs check; echo "exit code $?"`).
//! - `no-run` after the language leaves a block out.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

mod common;
use common::{TempDir, binary, read, root, run, text, tool};

#[test]
fn what_the_readme_shows_is_what_happens() {
    let blocks = blocks(&read(&root().join("README.md")));
    assert!(!blocks.is_empty(), "README.md has no block to run");
    let folder = Folder::new();
    let faults: Vec<_> = blocks
        .iter()
        .filter_map(|block| folder.run(block).err())
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[derive(Debug, PartialEq)]
enum Block {
    Console(Vec<Shown>),
    Script { line: usize, script: String },
}

/// A command and what it prints.
#[derive(Debug, Default, PartialEq)]
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

fn blocks(markdown: &str) -> Vec<Block> {
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
struct Folder {
    temporary: TempDir,
    path: std::ffi::OsString,
}

impl Folder {
    fn new() -> Self {
        let temporary = TempDir::new();
        let programs = temporary.join("bin");
        std::fs::create_dir(&programs).expect("make a folder");
        std::fs::create_dir(temporary.join("work")).expect("make a folder");
        std::os::unix::fs::symlink(binary(), programs.join("certs")).expect("link the program");
        let mut folders = vec![programs];
        folders.extend(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ));
        let path = std::env::join_paths(folders).expect("a PATH");
        Self { temporary, path }
    }

    fn run(&self, block: &Block) -> Result<(), String> {
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

    fn work(&self) -> std::path::PathBuf {
        self.temporary.join("work")
    }

    fn shell(&self, line: usize, script: &str) -> Result<String, String> {
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
            Err(format!("README.md line {line}: {finished}"))
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
        let mut fault = format!("README.md line {}: $ {}\n", shown.line, shown.command);
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
fn mask(line: &str, folder: &Path) -> String {
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

const SAMPLE: &str = r#"# A title
```sh
mkdir made
```
```console
$ ls
made
$ echo one \
>   two; echo "2026-01-02 03:04:05 in $PWD, 2026-01-02T03:04:05Z"; echo serial deadbeef0123456789
one two
2027-11-12 13:14:15 in FOLDER, 2031-11-12T13:14:15Z
serial 00112233445566778899
$ seq 5; true
1
...
5
```
```sh no-run
exit 1
```
```yaml
kind: nothing
```
"#;

#[test]
fn the_blocks_of_a_text_are_found_and_run() {
    let found = blocks(SAMPLE);
    assert_eq!(found.len(), 2, "{found:#?}");
    let folder = Folder::new();
    for block in &found {
        folder.run(block).expect("the sample is right");
    }
    let certs = folder.shell(1, "command -v certs").expect("certs on PATH");
    assert!(certs.trim().ends_with("/bin/certs"), "{certs}");
}

#[test]
fn a_block_that_shows_what_does_not_happen_is_told_with_its_line() {
    for (right, wrong, words) in [
        ("mkdir made", "mkdir made; false", "README.md line 2"),
        ("\nmade\n", "\nmade\nmore\n", "README.md line 6: $ ls"),
        ("one two\n", "one  two\n", "README.md line 8"),
        ("...\n5", "...\n6", "README.md line 13: $ seq 5"),
        ("; true", "; false", "README.md line 13"),
        ("serial 0011", "number 0011", "serial HEX"),
    ] {
        let sample = SAMPLE.replacen(right, wrong, 1);
        assert_ne!(sample, SAMPLE, "{right}");
        let folder = Folder::new();
        let faults: Vec<_> = blocks(&sample)
            .iter()
            .filter_map(|block| folder.run(block).err())
            .collect();
        assert!(
            faults.iter().any(|fault| fault.contains(words)),
            "{words}: {faults:#?}"
        );
    }
}

#[test]
fn only_what_differs_from_run_to_run_is_masked() {
    let folder = Path::new("/tmp/x");
    for (line, masked) in [
        (
            "valid until 2027-01-02 (365 days)",
            "valid until DATE (365 days)",
        ),
        ("2027-01-02T03:04:05Z", "DATETTIME"),
        ("/tmp/x/pki/ca.crt", "FOLDER/pki/ca.crt"),
        ("serial 4f:00:11:22:33:44:55:66", "serial HEX"),
        ("10.96.0.1 and fd00:10::99", "10.96.0.1 and fd00:10::99"),
        ("kubernetes.default.svc", "kubernetes.default.svc"),
        ("abcdefabcdefabcdef", "abcdefabcdefabcdef"),
    ] {
        assert_eq!(mask(line, folder), masked);
    }
}
