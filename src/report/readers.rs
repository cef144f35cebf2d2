//! Who reads what changed, and what the command came to that was run for it.

use std::collections::HashMap;

use serde::Serialize;

use super::lines::{count, line, painted, shown, wrapped};
use super::next::quoted;
use super::{Exit, Format, Outcome, Report};
use crate::facts::Version;
use crate::observed::Observed;
use crate::profile::reader::{self as profile, Changed, processes, unknown};
use crate::profile::renewal::certificate;
use crate::spec::Spec;
use crate::x509::san::San;

/// A process that reads what changed.
#[derive(Debug, Serialize)]
pub(super) struct Process {
    name: &'static str,
    /// The release from which on it reads these again, where that of the cluster was not stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// What it reads at its start alone: it must be restarted for these.
    restart: Vec<String>,
    /// What it reads again by itself.
    reads: Vec<String>,
    /// Of many nodes those on which it does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<String>,
}

impl Process {
    fn of(process: profile::Process) -> Self {
        let since = process.since;
        Self {
            name: process.name,
            since: since.map(|version| format!("v{}.{}", version.major, version.minor)),
            restart: process.restart,
            reads: process.reads,
            nodes: Vec::new(),
        }
    }
}

/// The processes of many nodes, each once where it is told the same of several.
#[derive(Debug, Default)]
pub(super) struct Grouped {
    known: HashMap<Key, usize>,
    pub(super) all: Vec<Process>,
}

/// What is told of a process, but for where it is.
type Key = (&'static str, Option<String>, Vec<String>, Vec<String>);

impl Grouped {
    /// Those of one node.
    pub(super) fn add(&mut self, node: &str, processes: Vec<profile::Process>) {
        for process in processes.into_iter().map(Process::of) {
            let (restart, reads) = (process.restart.clone(), process.reads.clone());
            let key = (process.name, process.since.clone(), restart, reads);
            let at = *self.known.entry(key).or_insert(self.all.len());
            if at == self.all.len() {
                self.all.push(process);
            }
            self.all[at].nodes.push(node.to_owned());
        }
    }
}

/// What was run.
#[derive(Debug, Serialize)]
pub(super) struct Ran {
    command: String,
    /// How it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// What does by hand what it was to do, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    again: Option<String>,
    /// What it was told to restart.
    #[serde(skip)]
    restart: String,
}

impl Ran {
    pub(super) fn of(command: &str, told: &[Variable], result: Result<(), String>) -> Self {
        Self {
            command: command.to_owned(),
            again: result.is_err().then(|| again(command, told)),
            failure: result.err(),
            restart: restart(told).to_owned(),
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }
}

impl Report {
    /// What was changed, or would be, and who reads it.
    pub fn read_by(&mut self, changed: &[Changed], version: Option<Version>) {
        let told = processes(changed, version);
        self.processes = Some(told.into_iter().map(Process::of).collect());
        self.unknown_readers = Some(unknown(changed));
    }

    /// What was run once all was written. That it failed fails the run, if that was not refused.
    pub fn ran(&mut self, command: &str, told: &[Variable], result: Result<(), String>) {
        if result.is_err() {
            self.refused.get_or_insert(Exit::Failed);
        }
        self.exec = Some(Ran::of(command, told, result));
        self.exit_code = self.exit().code();
    }
}

/// The names that a renewal adds to those of the certificate before it, and those that it takes away.
pub(super) fn names_changed(
    spec: &Spec,
    observed: Option<&Observed>,
) -> (Vec<String>, Vec<String>) {
    let renewed = spec.certificate().filter(|wanted| wanted.kept.is_some());
    let former = observed.and_then(certificate);
    let (Some(renewed), Some((former, _))) = (renewed, former) else {
        return (Vec::new(), Vec::new());
    };
    let beyond = |some: &[San], others: &[San]| {
        let beyond = some.iter().filter(|san| !others.contains(san));
        beyond.map(ToString::to_string).collect()
    };
    (
        beyond(&renewed.sans, &former.sans),
        beyond(&former.sans, &renewed.sans),
    )
}

/// Why a run failed whose files were all written.
pub(super) fn failure(exec: Option<&Ran>, result: Outcome) -> Option<String> {
    let ran = exec?;
    let failure = ran.failure.as_ref()?;
    let all = if result == Outcome::Changed {
        "all was written"
    } else {
        "what the interrupted run had begun was written"
    };
    let again = ran.again.as_deref()?;
    Some(format!(
        "{all}, and --exec {failure}{}",
        owed(&ran.restart, again)
    ))
}

/// What is told where a signal ends the run while the command is run for what it wrote: there is no report then.
pub fn cut_off(command: &str, told: &[Variable]) -> String {
    let owed = owed(restart(told), &again(command, told));
    shown(&format!(
        "interrupted: files were written, and --exec was cut off{owed}"
    ))
}

/// A name and a value, of what a command is told through its environment.
pub type Variable = (&'static str, String);

/// The variable that names the processes.
pub const RESTART: &str = "CERTS_RESTART";
/// A longer value is left out of a line for people, who have what changed in the report. The processes never take that.
const LINE: usize = 1 << 10;

fn restart(told: &[Variable]) -> &str {
    let restart = told.iter().find(|(name, _)| *name == RESTART);
    restart.map_or("", |(_, value)| value)
}

/// That nothing but a person does it from now on: the next run finds nothing due, and keeps no account of what another was to do.
fn owed(restart: &str, again: &str) -> String {
    let restart = match restart {
        "" => String::new(),
        names => format!(
            "; what may still have to be restarted: {}",
            names.replace(' ', ", ")
        ),
    };
    format!("{restart}; no later run does it: run it again by hand: {again}")
}

/// The command for a shell, with what it was told.
fn again(command: &str, told: &[Variable]) -> String {
    let told = told.iter().filter(|(_, value)| value.len() <= LINE);
    let mut told: Vec<String> = told
        .map(|(name, value)| format!("{name}={}", quoted(value)))
        .collect();
    told.push(format!("sh -c {}", quoted(command)));
    told.join(" ")
}

/// What was read of processes, and whose readers are not known, for people.
pub(super) fn body(
    text: &mut String,
    (processes, unknown): (&[Process], &[String]),
    exec: Option<&Ran>,
    format: &Format,
) {
    let lists = [
        ("Restart, since they read it at their start alone:", true),
        ("No restart: they read it again by themselves:", false),
    ];
    for (title, restart) in lists {
        let items = |process: &Process| {
            let items = if restart {
                &process.restart
            } else {
                &process.reads
            };
            items
                .iter()
                .map(|item| shown(item))
                .collect::<Vec<String>>()
        };
        let told: Vec<&Process> = processes
            .iter()
            .filter(|process| !items(process).is_empty())
            .collect();
        if told.is_empty() {
            continue;
        }
        line(text, &painted(format, super::lines::BOLD, title));
        for process in told {
            let mut names = items(process);
            if let Some(first) = names.first_mut() {
                let since = process.since.as_ref();
                let since = since.map_or_else(String::new, |since| format!(" from {since} on"));
                let nodes = of_nodes(&process.nodes);
                first.insert_str(0, &format!("{}{since}{nodes} (", process.name));
            }
            if let Some(last) = names.last_mut() {
                last.push(')');
            }
            wrapped(text, "  ", &names, ", ", format);
        }
    }
    if !unknown.is_empty() {
        line(text, &painted(format, super::lines::BOLD, UNKNOWN));
        wrapped(text, "  ", &first_of(unknown, LISTED), ", ", format);
    }
    if let Some(ran) = exec
        && ran.failure.is_none()
    {
        line(text, &format!("Was run: {}", shown(&ran.command)));
    }
}

/// What is told of what no row says who reads it.
const UNKNOWN: &str =
    "Restart what reads these, or see that it reads them again: who that is, is not known here:";
/// So many of these are named.
const LISTED: usize = 64;
/// So many nodes are named of one process.
const NAMED: usize = 8;

/// Where a process runs. All are in the report for programs.
fn of_nodes(nodes: &[String]) -> String {
    match first_of(nodes, NAMED).split_last() {
        None => String::new(),
        Some((last, [])) => format!(" of {last}"),
        Some((last, before)) => format!(" of {} and {last}", before.join(", ")),
    }
}

/// So many names, and how many others there are.
fn first_of(names: &[String], most: usize) -> Vec<String> {
    let (first, others) = names.split_at(names.len().min(most));
    let mut told: Vec<String> = first.iter().map(|name| shown(name)).collect();
    if !others.is_empty() {
        told.push(count(others.len(), "other"));
    }
    told
}
