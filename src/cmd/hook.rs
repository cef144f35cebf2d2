//! `--exec`: a command that is run after a change that was committed.

use super::Env;
use crate::facts::Version;
use crate::profile::reader::{Changed, processes, unknown};
use crate::report::{RESTART, Variable, cut_off};

/// What is run, and what it is told through its environment: nothing is put into the command itself,
/// so that no name of a file is ever read as a part of it.
pub(crate) struct Hook {
    /// The command, for `sh -c`.
    pub(crate) command: String,
    /// Names and values.
    pub(crate) environment: Vec<Variable>,
    /// What it reads on its standard input.
    pub(crate) input: String,
}

/// The kernel gives no program a longer variable than 128 KiB (`MAX_ARG_STRLEN`), with its name.
const LONGEST: usize = 120 << 10;

impl Hook {
    /// The command, and what changed.
    pub(crate) fn of(command: &str, changed: &[Changed], version: Option<Version>) -> Self {
        let names = changed.iter().map(|item| item.name.clone());
        let mut names: Vec<String> = names.collect();
        // One that several kubeconfigs name stands there for each.
        names.dedup();
        let processes = processes(changed, version).into_iter();
        let restart = processes.filter(|process| !process.restart.is_empty());
        let restart: Vec<&str> = restart.map(|process| process.name).collect();
        Self {
            input: String::new(),
            ..Self::of_nodes(command, &names, &restart, &unknown(changed))
        }
    }

    /// The same of many nodes: what changed is on the standard input, a line each, and in the environment where
    /// that has room for it.
    pub(crate) fn of_nodes(
        command: &str,
        names: &[String],
        restart: &[&str],
        unknown: &[String],
    ) -> Self {
        let mut environment = vec![
            ("CERTS_CHANGED", names.join(" ")),
            (RESTART, restart.join(" ")),
            ("CERTS_UNKNOWN", unknown.join(" ")),
        ];
        environment.retain(|(_, value)| value.len() < LONGEST);
        Self {
            command: command.to_owned(),
            environment,
            input: names.join("\n") + "\n",
        }
    }
}

/// Runs it; the error says how it ended.
pub(crate) fn run_hook(hook: &Hook, env: &mut Env<'_>) -> Result<(), String> {
    let (command, told) = (&hook.command, &hook.environment[..]);
    (env.exec)(
        command,
        told,
        hook.input.as_bytes(),
        &cut_off(command, told),
    )
}

#[cfg(test)]
mod tests {
    use super::{Hook, LONGEST};

    #[test]
    fn a_list_that_no_variable_holds_is_on_the_standard_input_alone() {
        let restart = ["kube-proxy", "kubelet"];
        let name = "worker/kubelet".to_owned();
        for (names, held) in [(1, true), (LONGEST / name.len(), false)] {
            let names = vec![name.clone(); names];
            let hook = Hook::of_nodes("true", &names, &restart, &names);
            for list in ["CERTS_CHANGED", "CERTS_UNKNOWN"] {
                let there = hook.environment.iter().any(|(name, _)| *name == list);
                assert_eq!(there, held);
            }
            assert_eq!(hook.input.lines().count(), names.len());
            let told = ("CERTS_RESTART", "kube-proxy kubelet".to_owned());
            assert!(hook.environment.contains(&told));
        }
    }
}
