//! `--exec`: a command that is run after a change that was committed.

use super::Env;
use crate::facts::Version;
use crate::profile::reader::{Changed, processes};

/// What is run, and what it is told through its environment: nothing is put into the command itself,
/// so that no name of a file is ever read as a part of it.
pub(crate) struct Hook {
    /// The command, for `sh -c`.
    pub(crate) command: String,
    /// Names and values.
    pub(crate) environment: Vec<(&'static str, String)>,
}

impl Hook {
    /// The command, and what changed.
    pub(crate) fn of(command: &str, changed: &[Changed], version: Option<Version>) -> Self {
        let mut names: Vec<&str> = changed.iter().map(|item| item.name.as_str()).collect();
        // One that several kubeconfigs name stands there for each.
        names.dedup();
        let restart: Vec<&str> = processes(changed, version)
            .into_iter()
            .filter(|process| !process.restart.is_empty())
            .map(|process| process.name)
            .collect();
        Self {
            command: command.to_owned(),
            environment: vec![
                ("CERTS_CHANGED", names.join(" ")),
                ("CERTS_RESTART", restart.join(" ")),
            ],
        }
    }
}

/// Runs it; the error says how it ended.
pub(crate) fn run_hook(hook: &Hook, env: &mut Env<'_>) -> Result<(), String> {
    (env.exec)(&hook.command, &hook.environment)
}
