//! Plans, findings and what was done → bytes. `main` writes them; nothing else prints.

mod check;
mod check_nodes;
mod flags;
mod found;
mod handed;
mod item;
mod lines;
mod metrics;
mod next;
mod nodes;
mod progress;
mod readers;
mod rotation;
mod runs;
mod shape;
mod show;
mod table;
mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use time::OffsetDateTime;

use crate::finding::{Code, Finding, Severity};
use crate::location::{FileId, Root};
use crate::observe::Seen;
use crate::observed::{Observed, signing};
use crate::outcome::Exit;
use crate::plan::{Plan, Refusal, Step};
use crate::spec::BACKDATE;
use crate::store::{Committed, Recovered, Store};
use crate::x509::cert::Certificate;
use crate::x509::validity::{in_hours, moment};

pub use check::Checked;
pub use check_nodes::{Kept, OfNode};
pub use flags::{Form, flags};
pub use handed::Handed;
pub use next::over_nodes;
pub use nodes::{Archived, Node, Nodes, Turning};
pub use progress::{IMPORT_INTERRUPTED, INTERRUPTED, Meter, Progress, RENEWAL_INTERRUPTED, Stage};
pub use readers::{RESTART, Variable, cut_off};
pub use shape::timestamp;
use shape::{Directories, Item, Told, json, yaml};
pub use show::Shown;
pub use text::{failure, noted, recovered, told_alone as told, waiting};

/// The version of the JSON and YAML form; it changes when a field goes or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// What is told where a writer is at work.
const BUSY: &str = "another run is writing: what follows may be about to change";

/// What a plan came to.
pub type Planning = std::result::Result<Plan, Refusal>;

/// `--output`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// For programs.
    Json,
    /// For people.
    Text,
    /// For programs, and easier to read.
    Yaml,
}

/// How a report is to look.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// `--output`
    pub output: Output,
    /// Errors alone.
    pub quiet: bool,
    /// How wide text may be; none is unlimited.
    pub width: Option<usize>,
    /// Whether text may be coloured.
    pub colour: bool,
}

/// Everything a run has to tell. Its serialized form is documented in `docs/output.md`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    schema_version: u32,
    command: &'static str,
    /// When the run began.
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    result: Outcome,
    exit_code: u8,
    directories: Directories,
    items: Vec<Item>,
    /// Of a rollback the run that it undoes, of its list all.
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<Vec<runs::Run>>,
    findings: Vec<Told>,
    notes: Vec<String>,
    /// Directories that hold what was replaced.
    #[serde(serialize_with = "shape::texts")]
    backups: Vec<PathBuf>,
    next: Vec<next::Advice>,
    /// Of a renewal who reads what changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    processes: Option<Vec<readers::Process>>,
    /// What changed beside it, and nobody here knows who reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_readers: Option<Vec<String>>,
    /// Of a rotation the stage that it came to, and what is to be done before the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<rotation::Rotation>,
    /// How far the replacement of each CA and of the service accounts' key is.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotations: Option<Vec<rotation::Rotation>>,
    /// What `--exec` came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    exec: Option<readers::Ran>,
    /// How a run ends that was refused, or that failed after all was written.
    #[serde(skip)]
    refused: Option<Exit>,
    /// What is left that was to be done, of the notes.
    #[serde(skip)]
    failures: Vec<String>,
    /// Whether an interrupted run was completed before this one began.
    #[serde(skip)]
    completed: bool,
    /// Whether what is there may be half of another run.
    #[serde(skip)]
    unsettled: bool,
    /// Where `--list` looked.
    #[serde(skip)]
    looked: Vec<PathBuf>,
    #[serde(skip)]
    least: Severity,
    #[serde(skip)]
    now: OffsetDateTime,
    #[serde(skip)]
    store: Store,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    /// Files were written.
    Changed,
    /// `--list`: what there is.
    Listed,
    /// `--dry-run`: what would be done.
    Planned,
    /// Nothing was written, since what is there is not as wanted.
    Refused,
    /// All was as wanted.
    #[default]
    Unchanged,
}

impl Report {
    /// A report with nothing in it yet. Findings below `least` leave the exit code alone.
    pub fn new(
        command: &'static str,
        now: OffsetDateTime,
        node: Option<String>,
        store: &Store,
        least: Severity,
        notes: Vec<String>,
    ) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            command,
            time: timestamp(now),
            node,
            result: Outcome::Unchanged,
            exit_code: 0,
            directories: Directories::of(store),
            items: Vec::new(),
            runs: None,
            findings: Vec::new(),
            notes,
            backups: Vec::new(),
            next: Vec::new(),
            processes: None,
            unknown_readers: None,
            rotation: None,
            rotations: None,
            exec: None,
            refused: None,
            failures: Vec::new(),
            completed: false,
            unsettled: false,
            looked: Vec::new(),
            least,
            now,
            store: store.clone(),
        }
    }

    /// Requests are a part of the run.
    pub fn with_requests(&mut self) {
        let requests = self.store.root(Root::Requests);
        self.directories.requests = Some(requests.display().to_string());
    }

    /// A writer is at work, or was while this run read.
    pub fn busy(&mut self, busy: bool) {
        self.unsettled |= busy;
        if busy {
            self.notes.push(BUSY.to_owned());
        }
    }

    /// An interrupted run was found, and this one writes nothing.
    pub fn interrupted(&mut self, journal: Option<PathBuf>) {
        let Some(journal) = journal else { return };
        self.findings
            .push(Told::of_journal(journal, "what is there was not judged"));
    }

    /// A dry run that found an interrupted run has no plan: what is there is half of that run, which
    /// will be completed first.
    pub fn unplanned(&mut self, journal: PathBuf) {
        self.interrupted(Some(journal));
        self.unsettled = true;
        self.result = Outcome::Planned;
        self.exit_code = self.exit().code();
    }

    /// An interrupted run was completed before this one began.
    pub fn recovered(&mut self, recovered: &Recovered) {
        self.completed |= !recovered.finished.is_empty();
        self.notes.push(text::recovered(recovered));
        self.notes.extend(recovered.notes.iter().cloned());
    }

    /// What the commit has to tell, and where it keeps what it replaced.
    pub fn committed(&mut self, committed: Committed) {
        self.notes.extend(committed.notes);
        self.backups = committed.backups;
    }

    /// What a dry run, or a refused one, would do.
    pub fn planned(&mut self, planning: &Planning, seen: &Seen) {
        match planning {
            Ok(plan) => {
                self.result = Outcome::Planned;
                self.steps(plan, seen, &BTreeMap::new());
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Nothing is done, and why.
    pub fn refuse(&mut self, refusal: &Refusal) {
        self.result = Outcome::Refused;
        self.tell(&refusal.findings);
        let codes = refusal.findings.iter().map(|finding| finding.code);
        let exit = Exit::of_refusal(codes);
        self.refused = Some(exit);
        self.exit_code = exit.code();
    }

    /// What was done.
    pub fn done(&mut self, plan: &Plan, seen: &Seen, issued: &BTreeMap<String, Certificate>) {
        self.result = if plan.changes() {
            Outcome::Changed
        } else {
            Outcome::Unchanged
        };
        self.steps(plan, seen, issued);
    }

    /// How the run ended.
    pub fn exit(&self) -> Exit {
        let worst = self.findings.iter().map(|told| told.level).max();
        self.refused
            .unwrap_or_else(|| Exit::of_findings(worst, self.least))
    }

    /// Standard output and standard error.
    pub fn render(&self, format: &Format) -> (Vec<u8>, Vec<u8>) {
        match format.output {
            Output::Text => text::render(self, format),
            Output::Json => (json(self), Vec::new()),
            Output::Yaml => (yaml(self), Vec::new()),
        }
    }

    fn steps(&mut self, plan: &Plan, seen: &Seen, issued: &BTreeMap<String, Certificate>) {
        let observed = &seen.observed;
        self.tell(&plan.ground);
        for planned in &plan.steps {
            let name = &planned.spec.name;
            let certificate = issued.get(name).or_else(|| match planned.step {
                Step::Asked | Step::Keep | Step::Refresh | Step::Remove | Step::Skip => {
                    found(observed.get(name))
                }
                _ => None,
            });
            let item = self.item(planned, observed, certificate);
            self.items.push(item);
            if matches!(planned.step, Step::Replace { .. })
                && observed.get(name).is_some_and(Observed::is_opaque)
            {
                let file = planned.spec.place.public();
                let former = self.path(&file).display().to_string();
                self.notes.push(format!(
                    "nothing of {former} can be read: what else it holds is kept in the backup alone"
                ));
            }
            // What the step mends is no more.
            self.tell(&planned.findings);
        }
        self.capped(plan, issued);
        self.next = next::advice(plan, seen, &self.store, self.now);
        self.next.extend(next::left_behind(plan, seen, &self.store));
        self.exit_code = self.exit().code();
    }

    /// A leaf that had to end with its CA.
    fn capped(&mut self, plan: &Plan, issued: &BTreeMap<String, Certificate>) {
        let mut findings = Vec::new();
        for planned in &plan.steps {
            let (Some(made), Some(wanted)) =
                (issued.get(&planned.spec.name), planned.spec.certificate())
            else {
                continue;
            };
            // How long what came back is good was for others to say.
            if planned.step == Step::Import {
                continue;
            }
            let validity = made.validity.not_after - made.validity.not_before - BACKDATE;
            if validity < wanted.validity {
                findings.push(Finding {
                    code: Code::ExpiresWithCa,
                    name: planned.spec.name.clone(),
                    file: planned.spec.place.public(),
                    text: format!(
                        "ends on {} with its CA, and not after {}",
                        moment(made.validity.not_after),
                        in_hours(wanted.validity)
                    ),
                    way_out: String::new(),
                });
            }
        }
        self.tell(&findings);
    }

    fn tell(&mut self, findings: &[Finding]) {
        for finding in findings {
            self.findings.push(Told::of(finding, &self.store));
        }
    }

    fn path(&self, file: &FileId) -> PathBuf {
        self.store.path(file)
    }
}

/// The certificate that was found in a spec's place.
fn found(observed: Option<&Observed>) -> Option<&Certificate> {
    match observed? {
        Observed::Certificate { chain, key, .. } => signing(chain, key.as_ref()),
        Observed::Kubeconfig(kubeconfig) => kubeconfig.chain.first(),
        _ => None,
    }
}
