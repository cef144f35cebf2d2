//! The commands that a run offers as a way out: each is one that the program takes. Every run of every
//! test goes through here, so that no message can offer what its reader would be refused.

use certs::cli::Cli;
use clap::{CommandFactory, Parser};

/// Why the program would not take a command `'certs …'` that a text offers.
pub fn refused(text: &str) -> Option<String> {
    commands(text).find_map(|command| {
        let words: Vec<&str> = command.split_whitespace().collect();
        if names_a_verb(&words) {
            return None;
        }
        let error = Cli::try_parse_from(&words).err()?;
        Some(format!("{command}: {error}"))
    })
}

/// What stands between quotes and begins with the program's name. A line may end within it. The quote
/// that begins a way out in YAML is YAML's.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    let all = text.match_indices("'certs ");
    let sentences = all.filter(|(start, _)| !text[..*start].ends_with("wayOut: "));
    sentences.filter_map(|(start, _)| {
        let (command, _) = text[start + 1..].split_once('\'')?;
        Some(command)
    })
}

/// A verb that is spoken of, as in "the requests that 'certs csr' made", need not be whole.
fn names_a_verb(words: &[&str]) -> bool {
    let mut command = Cli::command();
    words[1..].iter().all(|word| {
        let found = command.find_subcommand(word).cloned();
        found.map(|inner| command = inner).is_some()
    })
}
