//! What a rollback tells: of the run that it undoes, or of all that left a backup.

use std::path::PathBuf;

use serde::Serialize;

use super::lines::{shown, told, wrapped};
use super::next::Advice;
use super::shape::{text_of, timestamp};
use super::{Format, Outcome, Report};
use crate::finding::Finding;
use crate::location::Root;
use crate::rollback::{Plan, Step};
use crate::store::{BackedUp, Backup, Recovered};

/// A run that replaced files.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    /// The name of its folder among the backups.
    pub(super) transaction: String,
    pub(super) time: String,
    pub(super) command: String,
    /// `false` after `--no-backup`.
    pub(super) kept: bool,
    pub(super) files: Vec<File>,
    /// Whether all that it replaced has a copy, in the directories of this run.
    #[serde(skip)]
    whole: bool,
}

/// A file that a run changed.
#[derive(Debug, Serialize)]
pub(super) struct File {
    #[serde(serialize_with = "text_of")]
    pub(super) file: PathBuf,
    pub(super) step: &'static str,
}

impl Report {
    /// What a rollback of `run` will do, or has done.
    pub fn rolled_back(&mut self, run: &Backup, plan: &Plan, dry_run: bool) {
        let steps = &plan.steps;
        let changes = steps
            .iter()
            .any(|planned| !matches!(planned.step, Step::Keep | Step::Leave));
        self.result = match (dry_run, changes) {
            (true, _) => Outcome::Planned,
            (false, true) => Outcome::Changed,
            (false, false) => Outcome::Unchanged,
        };
        for planned in steps {
            if let Step::Restore {
                mode,
                had: Some(had),
                ..
            } = planned.step
            {
                self.notes.push(format!(
                    "{} had mode {had:04o}, and gets {mode:04o}: no more of it is put back",
                    self.path(&planned.file).display()
                ));
            }
        }
        let word = |step: Step| match step {
            Step::Keep => "keep",
            Step::Leave => "leave",
            Step::Remove { .. } => "remove",
            Step::Restore { .. } => "restore",
        };
        let files = steps
            .iter()
            .map(|planned| (self.path(&planned.file), word(planned.step)));
        self.runs = Some(vec![Run::new(run, files)]);
        self.tell(&plan.findings);
        if self.result == Outcome::Changed {
            self.next = self.advice();
        }
        self.exit_code = self.exit().code();
    }

    /// The run that was interrupted and is completed now was a rollback itself: it is what was asked for.
    pub fn rollback_completed(&mut self, recovered: &Recovered) {
        self.recovered(recovered);
        self.notes
            .push("that run was a rollback, and nothing beyond it was put back".into());
        self.result = Outcome::Changed;
        self.next = self.advice();
        self.exit_code = self.exit().code();
    }

    /// All runs that left a backup, and what is wrong with others.
    pub fn listed(&mut self, runs: &[Backup], findings: &[Finding], within: &[Root]) {
        let path = |root: &Root| self.store.root(*root).to_owned();
        self.looked = within.iter().map(path).collect();
        self.result = Outcome::Listed;
        self.tell(findings);
        let run = |run: &Backup| {
            let word = |changed: &BackedUp| match (changed.replaced, changed.new) {
                (None, _) => "created",
                (Some(_), None) if changed.copied => "removed",
                (Some(_), Some(_)) if changed.copied => "replaced",
                (Some(_), _) => "unkept",
            };
            let sound = |changed: &BackedUp| {
                changed.replaced.is_none()
                    || changed.copied && changed.path == self.path(&changed.file)
            };
            let files = run.files.iter();
            let files = files.map(|changed| (changed.path.clone(), word(changed)));
            Run {
                whole: run.kept && run.files.iter().all(sound),
                ..Run::new(run, files)
            }
        };
        self.runs = Some(runs.iter().map(run).collect());
        self.exit_code = self.exit().code();
    }

    fn advice(&self) -> Vec<Advice> {
        let again = if self.command == "rollback" {
            "'certs rollback' once more undoes this one."
        } else {
            "'certs rollback' undoes this one."
        };
        let unjudged = "What was put back was not held against the cluster's facts: 'certs all --dry-run', with the \
                        flags or the configuration of the cluster, tells what is not as wanted.";
        let advice = |text: &str| Advice {
            text: text.to_owned(),
            commands: Vec::new(),
        };
        [unjudged, again].map(advice).into()
    }

    /// Directories that this user may not look into.
    pub fn closed(&mut self, directories: &[PathBuf]) {
        for directory in directories {
            self.notes.push(format!(
                "no permission to look into {}: a backup there is not seen",
                directory.display()
            ));
        }
    }
}

impl Run {
    fn new(run: &Backup, files: impl Iterator<Item = (PathBuf, &'static str)>) -> Self {
        Self {
            transaction: run.transaction.to_string(),
            time: timestamp(run.origin.time),
            command: run.origin.command.clone(),
            kept: run.kept,
            files: files.map(|(file, step)| File { file, step }).collect(),
            whole: true,
        }
    }
}

/// The runs for people, of a report that has some.
pub(super) fn body(report: &Report, format: &Format) -> String {
    let mut text = String::new();
    let Some(runs) = &report.runs else {
        return text;
    };
    if report.result == Outcome::Listed {
        list(&mut text, report, runs, format);
        return text;
    }
    for run in runs {
        let (title, titles) = match report.result {
            Outcome::Planned => (
                "Would undo",
                [
                    ("restore", "Would put back"),
                    ("keep", "As before that run already"),
                    ("leave", "Created by that run, and would stay"),
                    ("remove", "Created by that run, and would go"),
                ],
            ),
            _ => (
                "Undone",
                [
                    ("restore", "Put back"),
                    ("keep", "As before that run already"),
                    ("leave", "Created by that run, and left"),
                    ("remove", "Created by that run, and removed"),
                ],
            ),
        };
        told(&mut text, &format!("{title}: {}", named(run)), format);
        for (step, title) in titles {
            let files: Vec<&File> = run.files.iter().filter(|file| file.step == step).collect();
            if !files.is_empty() {
                told(&mut text, &format!("{title}:"), format);
            }
            for file in files {
                let path = shown(&file.file.display().to_string());
                wrapped(&mut text, "  ", &[path], "", format);
            }
        }
    }
    text
}

fn list(text: &mut String, report: &Report, runs: &[Run], format: &Format) {
    for run in runs {
        let without = if run.kept {
            ""
        } else {
            "  --no-backup: nothing kept"
        };
        told(text, &format!("{}{without}", named(run)), format);
        for file in &run.files {
            let path = shown(&file.file.display().to_string());
            let pieces = [format!("{:8}", file.step), path];
            wrapped(text, "  ", &pieces, "  ", format);
        }
    }
    if runs.is_empty() {
        let path = |path: &PathBuf| path.display().to_string();
        let looked: Vec<String> = report.looked.iter().map(path).collect();
        let none = format!("No backup is kept in {}.", looked.join(", "));
        told(text, &none, format);
    }
    // Whatever is told above may be of a run that is to be undone before these, or forbids it.
    if report.findings.is_empty() && runs.first().is_some_and(|run| run.whole) {
        let way = "'certs rollback' puts back what the first of these replaced.";
        told(text, way, format);
    }
}

/// `2026-11-22T01:45:07Z  certs all  0123456789abcdef`
fn named(run: &Run) -> String {
    format!("{}  certs {}  {}", run.time, run.command, run.transaction)
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::super::Output;
    use super::*;
    use crate::finding::Severity;
    use crate::location::FileId;
    use crate::store::{Roots, Store};

    fn report(outcome: Outcome) -> Report {
        let store = Store::open(Roots::of(Some("/k".into()), None, None, None, None));
        let now = OffsetDateTime::UNIX_EPOCH;
        let notes = vec!["a note of more words than fit".to_owned()];
        let mut report = Report::new("rollback", now, None, &store, Severity::Warning, notes);
        report.result = outcome;
        report
    }

    fn run() -> Run {
        let step = |step| File {
            file: "/k/pki/sa.key".into(),
            step,
        };
        Run {
            transaction: "0123456789abcdef".into(),
            time: "2026-11-22T01:45:07Z".into(),
            command: "all".into(),
            files: ["restore", "keep", "leave", "remove", "replaced"]
                .map(step)
                .into(),
            kept: true,
            whole: true,
        }
    }

    fn told(report: &Report, width: Option<usize>) -> (String, String) {
        let (stdout, stderr) = report.render(&Format {
            output: Output::Text,
            quiet: false,
            width,
            colour: false,
        });
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(stdout), text(stderr))
    }

    #[test]
    fn a_line_is_wider_than_the_terminal_only_by_one_word() {
        for outcome in [
            Outcome::Changed,
            Outcome::Listed,
            Outcome::Planned,
            Outcome::Unchanged,
        ] {
            for some in [false, true] {
                let mut report = report(outcome);
                report.looked = vec!["/k/pki".into(), "/k".into(), "/var/lib/kubelet/pki".into()];
                report.backups = vec!["/k/pki/.certs-backup/0123456789abcdef".into()];
                report.runs = Some(if some { vec![run()] } else { Vec::new() });
                let whole = told(&report, None).0;
                for width in 10..120 {
                    let text = told(&report, Some(width)).0;
                    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
                    assert_eq!(words(&text), words(&whole), "{width}");
                    for line in text.lines() {
                        let one = line.split_whitespace().count() == 1;
                        assert!(one || line.chars().count() <= width, "{width}: {line}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_goes_with_a_run_that_is_undone_is_told_by_name() {
        for (outcome, words) in [
            (Outcome::Planned, "Created by that run, and would go:\n"),
            (Outcome::Changed, "Created by that run, and removed:\n"),
        ] {
            let mut report = report(outcome);
            report.runs = Some(vec![run()]);
            let (stdout, _) = told(&report, None);
            let (_, after) = stdout.split_once(words).expect("the title");
            assert!(after.starts_with("  /k/pki/sa.key\n"), "{stdout}");
        }
    }

    #[test]
    fn a_run_that_completed_another_does_not_say_that_nothing_was_written() {
        let recovered = |finished: usize, discarded| Recovered {
            finished: vec![FileId::new(Root::Pki, "ca.crt"); finished],
            commands: Vec::new(),
            discarded,
            notes: Vec::new(),
        };
        for (recovered, note, written) in [
            (
                recovered(0, 0),
                "removed the journal of an interrupted run",
                "",
            ),
            (
                recovered(0, 1),
                "removed 1 file that an interrupted run left",
                "",
            ),
            (
                recovered(0, 2),
                "removed 2 files that an interrupted run left",
                "",
            ),
            (
                recovered(1, 0),
                "completed an interrupted run, which wrote 1 file",
                " but what the interrupted run had begun",
            ),
            (
                recovered(2, 0),
                "completed an interrupted run, which wrote 2 files",
                " but what the interrupted run had begun",
            ),
        ] {
            let mut unchanged = report(Outcome::Unchanged);
            unchanged.recovered(&recovered);
            let (stdout, _) = told(&unchanged, None);
            assert!(stdout.contains(&format!("note: {note}\n")), "{stdout}");
            let end = format!("Everything is as wanted; nothing was written{written}.\n");
            assert!(stdout.ends_with(&end), "{stdout}");
            unchanged.result = Outcome::Refused;
            let (_, stderr) = told(&unchanged, None);
            let end = format!("refused with 0 errors; nothing was written{written}\n");
            assert_eq!(stderr, end);
        }
    }
}
