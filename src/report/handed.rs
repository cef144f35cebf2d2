//! What became of files that the user named and that are no part of a tree.

use std::path::{Path, PathBuf};

use serde::Serialize;
use time::OffsetDateTime;

use super::found::notes;
use super::lines::{BOLD, GREEN, YELLOW, line, painted, shown, told, wrapped};
use super::shape::{Directories, Told, json, text_of, timestamp, yaml};
use super::text::{recovered, refused, wrong};
use super::{Format, Output, SCHEMA_VERSION};
use crate::finding::{Code, Finding, Severity};
use crate::kubeconfig::Refreshed;
use crate::outcome::Exit;
use crate::store::{Recovered, Store};

/// Everything that such a run has to tell. Its serialized form is documented in `docs/output.md`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Handed {
    schema_version: u32,
    command: &'static str,
    time: String,
    result: &'static str,
    exit_code: u8,
    directories: Directories,
    files: Vec<File>,
    findings: Vec<Told>,
    notes: Vec<String>,
    /// Whether an interrupted run was completed before this one began.
    #[serde(skip)]
    completed: bool,
    #[serde(skip)]
    least: Severity,
    #[serde(skip)]
    store: Store,
}

/// A kubeconfig.
#[derive(Debug, Serialize)]
struct File {
    #[serde(rename = "file", serialize_with = "text_of")]
    path: PathBuf,
    step: &'static str,
    /// The names of its entries of this cluster.
    clusters: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<String>,
}

impl Handed {
    /// With nothing in it yet. Findings below `least` leave the exit code alone.
    pub fn new(
        command: &'static str,
        now: OffsetDateTime,
        store: &Store,
        least: Severity,
        notes: Vec<String>,
    ) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            command,
            time: timestamp(now),
            result: "unchanged",
            exit_code: 0,
            directories: Directories::of(store),
            files: Vec::new(),
            findings: Vec::new(),
            notes,
            completed: false,
            least,
            store: store.clone(),
        }
    }

    /// An interrupted run was completed before this one began.
    pub fn recovered(&mut self, was: &Recovered) {
        self.completed |= !was.finished.is_empty();
        self.notes.push(recovered(was));
        self.notes.extend(was.notes.iter().cloned());
    }

    /// What is told of the CA.
    pub fn tell(&mut self, findings: &[Finding]) {
        let told = findings.iter().map(|found| Told::of(found, &self.store));
        self.findings.extend(told);
        self.exit_code = self.exit().code();
    }

    /// What deserves a look in it.
    pub fn note(&mut self, sentence: String) {
        self.notes.push(sentence);
    }

    /// A finding about a file: an error is why it is not refreshed, and with it none. Of a file that was
    /// looked at again it is told once.
    pub fn tell_of(&mut self, file: &Path, code: Code, text: String, way_out: &str) {
        let told = |told: &Told| (told.file.as_path(), &told.text) == (file, &text);
        if self.findings.iter().any(told) {
            return;
        }
        let told = Told::new(code, "", file.to_owned(), text, way_out.to_owned());
        self.findings.push(told);
        self.exit_code = self.exit().code();
    }

    /// Whether something refuses the run.
    pub fn refused(&mut self) -> bool {
        let refused = self
            .findings
            .iter()
            .any(|told| told.level == Severity::Error);
        if refused {
            self.result = "refused";
        }
        refused
    }

    /// What was done with a file, or would be.
    pub fn refreshed(
        &mut self,
        file: &Path,
        done: &Refreshed,
        backup: Option<PathBuf>,
        dry_run: bool,
    ) {
        let changed = !done.replaced.is_empty();
        let path = file.display();
        if done.rewritten {
            self.notes.push(format!(
                "{path} could not be kept as it was written: comments are lost"
            ));
        }
        for name in &done.without {
            self.notes.push(format!(
                "{path} has no CA certificates for {name} that could be read, and got none: by it the API server is \
                 verified by others, or not at all"
            ));
        }
        for (name, subjects) in &done.dropped {
            let subjects: Vec<String> = subjects.iter().map(|one| format!("\"{one}\"")).collect();
            self.notes.push(format!(
                "{path} {} no more, for {name}, CA certificates that the file of the cluster's CA does not hold: {}",
                if dry_run { "would hold" } else { "holds" },
                subjects.join(", ")
            ));
        }
        for (name, why) in &done.unverified {
            self.notes.push(format!(
                "{path} verifies no server for {name} ({why}), and that entry was left as it is: have it verify one, \
                 and run the same command again"
            ));
        }
        let unverified: Vec<String> = done
            .unverified
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        let mut ahead = done.ahead.clone();
        ahead.retain(|name| !done.replaced.contains(name));
        let named: Vec<String> = done.named.iter().map(|(name, _)| name.clone()).collect();
        let clusters = [
            &ahead[..],
            &done.replaced,
            &done.current,
            &named,
            &done.without,
            &unverified,
        ]
        .concat();
        let step = match changed {
            true => "refresh",
            false if named.is_empty() && done.ahead.is_empty() && !done.current.is_empty() => {
                "keep"
            }
            false => "leave",
        };
        self.did(file, step, clusters, backup, dry_run);
    }

    /// What was done with a file by a step of this name, or would be.
    pub fn did(
        &mut self,
        file: &Path,
        step: &'static str,
        clusters: Vec<String>,
        backup: Option<PathBuf>,
        dry_run: bool,
    ) {
        if dry_run {
            self.result = "planned";
        } else if !["keep", "leave"].contains(&step) {
            self.result = "changed";
        }
        self.files.push(File {
            path: file.to_owned(),
            step,
            clusters,
            backup: backup.map(|path| path.display().to_string()),
        });
    }

    /// How the run ended.
    pub fn exit(&self) -> Exit {
        let failed = Code::ReadFailed.id();
        if self.findings.iter().any(|told| told.code == failed) {
            return Exit::Failed;
        }
        let worst = self.findings.iter().map(|told| told.level).max();
        Exit::of_findings(worst, self.least)
    }

    /// Standard output and standard error.
    pub fn render(&self, format: &Format) -> (Vec<u8>, Vec<u8>) {
        match format.output {
            Output::Text => self.text(format),
            Output::Json => (json(self), Vec::new()),
            Output::Yaml => (yaml(self), Vec::new()),
        }
    }

    fn text(&self, format: &Format) -> (Vec<u8>, Vec<u8>) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let of = |error| {
            let findings = self.findings.iter();
            findings.filter(move |told| (told.level == Severity::Error) == error)
        };
        wrong(&mut stderr, of(true).chain(of(false)), format);
        if self.result == "refused" {
            refused(&mut stderr, self.findings.iter(), self.completed);
        }
        if format.quiet {
            return (Vec::new(), stderr.into_bytes());
        }
        for note in &self.notes {
            told(&mut stdout, &format!("note: {note}"), format);
        }
        let planned = self.result == "planned";
        let steps = [
            ("create", "Made", "Would make", GREEN),
            ("replace", "Replaced", "Would replace", GREEN),
            ("refresh", "Refreshed", "Would refresh", GREEN),
            ("keep", "Up to date", "Up to date", BOLD),
            ("leave", "Left as it is", "Left as it is", YELLOW),
        ];
        for (step, done, would, colour) in steps {
            let title = if planned { would } else { done };
            let files: Vec<&File> = self.files.iter().filter(|file| file.step == step).collect();
            if !files.is_empty() {
                line(&mut stdout, &painted(format, colour, &format!("{title}:")));
            }
            for file in files {
                let clusters: Vec<String> = file.clusters.iter().map(|name| shown(name)).collect();
                let mut pieces = vec![shown(&file.path.display().to_string()), clusters.join(", ")];
                pieces.extend(
                    file.backup
                        .iter()
                        .map(|path| format!("was {}", shown(path))),
                );
                wrapped(&mut stdout, "  ", &pieces, "  ", format);
            }
        }
        notes(&mut stdout, &self.findings, format);
        if self.result == "planned" {
            told(
                &mut stdout,
                "This was a dry run; nothing was written.",
                format,
            );
        }
        (stdout.into_bytes(), stderr.into_bytes())
    }
}
