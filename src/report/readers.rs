//! Who reads what changed, and what the command came to that was run for it.

use serde::Serialize;

use super::lines::{line, painted, shown, wrapped};
use super::{Exit, Format, Outcome, Report};
use crate::facts::Version;
use crate::observed::Observed;
use crate::profile::reader::{Changed, processes};
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
}

/// What was run.
#[derive(Debug, Serialize)]
pub(super) struct Ran {
    command: String,
    /// How it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

impl Report {
    /// What was changed, or would be, and who reads it.
    pub fn read_by(&mut self, changed: &[Changed], version: Option<Version>) {
        let told = processes(changed, version)
            .into_iter()
            .map(|process| Process {
                name: process.name,
                since: process
                    .since
                    .map(|version| format!("v{}.{}", version.major, version.minor)),
                restart: process.restart,
                reads: process.reads,
            });
        self.processes = Some(told.collect());
    }

    /// What was run once all was written. That it failed fails the run, if that was not refused.
    pub fn ran(&mut self, command: &str, result: Result<(), String>) {
        if result.is_err() {
            self.refused.get_or_insert(Exit::Failed);
        }
        self.exec = Some(Ran {
            command: command.to_owned(),
            failure: result.err(),
        });
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
pub(super) fn failure(report: &Report) -> Option<String> {
    let ran = report.exec.as_ref()?;
    let failure = ran.failure.as_ref()?;
    let all = if report.result == Outcome::Changed {
        "all was written"
    } else {
        "what the interrupted run had begun was written"
    };
    Some(format!(
        "{all}, and --exec {failure}: run it again by hand: {}",
        ran.command
    ))
}

/// The two lists, for people.
pub(super) fn body(text: &mut String, report: &Report, format: &Format) {
    let Some(processes) = &report.processes else {
        return;
    };
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
                first.insert_str(0, &format!("{}{since} (", process.name));
            }
            if let Some(last) = names.last_mut() {
                last.push(')');
            }
            wrapped(text, "  ", &names, ", ", format);
        }
    }
    if let Some(ran) = &report.exec
        && ran.failure.is_none()
    {
        line(text, &format!("Was run: {}", shown(&ran.command)));
    }
}
