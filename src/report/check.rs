//! What a check tells: every certificate with its end, and what is wrong.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use serde::Serialize;
use serde::de::IgnoredAny;
use time::{Duration, OffsetDateTime};

use super::check_nodes::{Kept, Row};
use super::metrics::Metrics;
use super::shape::{Directories, Told, json, texts, timestamp, yaml};
use super::{Format, Output, SCHEMA_VERSION, metrics, table};
use crate::diff::{authorities, end};
use crate::finding::{Code, Finding, Severity};
use crate::observed::{Observed, signing};
use crate::outcome::Exit;
use crate::profile::Profile;
use crate::spec::{Place, Spec};
use crate::store::Store;
use crate::x509::cert::Certificate;

/// What a report says that it is of.
const COMMAND: &str = "check";
/// Its fields, by the alphabet, as YAML has them. Of many nodes one directory has all trees.
const FIELDS: [&str; 9] = [
    "command",
    DIRECTORIES,
    "exitCode",
    "findings",
    "items",
    "notes",
    "result",
    "schemaVersion",
    "time",
];

const DIRECTORIES: &str = "directories";

/// Everything a check has to tell. Its serialized form is documented in `docs/output.md`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    schema_version: u32,
    command: &'static str,
    time: String,
    result: &'static str,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) directories: Option<Directories>,
    /// Of many nodes where their trees are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) directory: Option<String>,
    pub(super) items: Vec<Item>,
    pub(super) findings: Vec<Told>,
    pub(super) notes: Vec<String>,
    #[serde(skip)]
    pub(super) metrics: Metrics,
    /// Of many nodes the one that this is of.
    #[serde(skip)]
    pub(super) node: Option<String>,
    /// Of many nodes each that was looked at.
    #[serde(skip)]
    pub(super) rows: Vec<Row>,
    #[serde(skip)]
    pub(super) kept: Kept,
    #[serde(skip)]
    pub(super) now: OffsetDateTime,
    #[serde(skip)]
    pub(super) least: Severity,
    #[serde(skip)]
    pub(super) store: Store,
}

/// One certificate, key pair or kubeconfig that is there, or that is not.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    /// Of many nodes the one that it is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<String>,
    pub(super) name: String,
    pub(super) kind: &'static str,
    #[serde(serialize_with = "texts")]
    files: Vec<PathBuf>,
    pub(super) missing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<String>,
    /// Whether the key of the CA, or of a CA itself, is elsewhere.
    pub(super) externally_managed: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(super) certificate: Option<Facts>,
    /// How the table calls it.
    #[serde(skip)]
    pub(super) title: String,
    /// Why it has no certificate.
    #[serde(skip)]
    pub(super) without: Without,
}

/// Why there is no certificate to tell of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Without {
    /// It is not there.
    Missing,
    /// A kubeconfig's user has none.
    NoneNeeded,
    /// It could not be read.
    Unread,
    /// It is asked for, and has not come.
    Waiting,
}

/// What its certificate says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    subject: String,
    serial_number: String,
    not_before: String,
    not_after: String,
    /// When it ends, or a CA above it.
    expires: String,
    residual_seconds: i64,
    fingerprint: String,
    key_algorithm: String,
    sans: Vec<String>,
    #[serde(skip)]
    pub(super) end: OffsetDateTime,
    #[serde(skip)]
    pub(super) residual: Duration,
}

impl Checked {
    /// With nothing in it yet. Findings below `least` leave the exit code alone.
    pub fn new(now: OffsetDateTime, store: &Store, least: Severity, notes: Vec<String>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            command: COMMAND,
            time: timestamp(now),
            result: "sound",
            exit_code: 0,
            directories: Some(Directories::of(store)),
            directory: None,
            items: Vec::new(),
            findings: Vec::new(),
            notes,
            metrics: Metrics::default(),
            node: None,
            rows: Vec::new(),
            kept: Kept::ALL,
            now,
            least,
            store: store.clone(),
        }
    }

    /// An interrupted run was found, or one is under way.
    pub fn interrupted(&mut self, journal: Option<PathBuf>, busy: bool) {
        if busy {
            self.notes.push(super::BUSY.to_owned());
        } else if let Some(journal) = journal {
            let mut told = Told::of_journal(journal, "what is half done of it was not judged");
            told.node.clone_from(&self.node);
            self.findings.push(told);
        }
    }

    /// What was looked at, and what is lacking.
    pub fn looked(
        &mut self,
        specs: &[Spec],
        found: &BTreeMap<String, Observed>,
        lacking: &[&Profile],
    ) {
        let external = external(specs, found);
        for spec in specs {
            let observed = found.get(&spec.name).unwrap_or(&Observed::Absent);
            if self.kept.metrics {
                self.metrics.add(spec, observed, &self.store, self.now);
            }
            // Of what a cluster's entry trusts there is no row, as of the current one's.
            let lead = spec.place.entry().is_some() && matches!(observed, Observed::Lead(_));
            if !lead {
                let item = self.item(spec, found, &external);
                self.items.push(item);
            }
        }
        for row in lacking {
            let mut files = vec![row.stored.public()];
            files.extend((row.stored.key() != files[0]).then(|| row.stored.key()));
            self.items.push(Item {
                node: self.node.clone(),
                name: row.name.to_owned(),
                kind: row.kind.name(),
                missing: true,
                issuer: None,
                externally_managed: false,
                certificate: None,
                title: title(row.name, &files[0].name),
                without: Without::Missing,
                files: files.iter().map(|file| self.store.path(file)).collect(),
            });
        }
    }

    /// What is wrong.
    pub fn tell(&mut self, findings: &[Finding]) {
        for found in findings {
            let mut told = Told::of(found, &self.store);
            told.node.clone_from(&self.node);
            self.findings.push(told);
        }
        self.settle();
    }

    /// Of what is wrong the worst first.
    pub(super) fn settle(&mut self) {
        self.findings
            .sort_by_key(|told| std::cmp::Reverse(told.level));
        let worst = self.findings.iter().map(|told| told.level).max();
        self.result = match worst {
            Some(Severity::Error) => "errors",
            Some(Severity::Warning) => "warnings",
            Some(Severity::Note) | None => "sound",
        };
        self.exit_code = self.exit().code();
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

    /// For standard output.
    pub fn render(&self, format: &Format) -> Vec<u8> {
        match format.output {
            Output::Text => table::render(self, format),
            Output::Json => json(self),
            Output::Yaml => yaml(self),
        }
    }

    /// For a file, which tells of itself that it is a report.
    pub fn render_file(&self, format: &Format) -> Vec<u8> {
        let mut bytes = self.render(format);
        if format.quiet {
            bytes.extend(table::last_line(self, format).into_bytes());
        }
        bytes
    }

    /// Whether all of this is what [`Self::render_file`] gives, in this form.
    pub fn is_report(bytes: &[u8], output: Output) -> bool {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return false;
        };
        match output {
            Output::Text => table::is_report(text),
            Output::Json => {
                let head = format!(
                    "{{\n  \"schemaVersion\": {SCHEMA_VERSION},\n  \"command\": \"{COMMAND}\",\n"
                );
                let fields = serde_json::from_str::<BTreeMap<&str, Option<IgnoredAny>>>(text);
                text.starts_with(&head) && fields.is_ok_and(|fields| are_fields(fields.into_keys()))
            }
            Output::Yaml => {
                // Not parsed, which takes long. What is within a field stands behind a space or a dash.
                let outer = text.lines().filter(|line| !line.starts_with([' ', '-']));
                let fields = outer.map(|line| line.split(':').next().unwrap_or_default());
                text.starts_with(&format!("command: {COMMAND}\n")) && are_fields(fields)
            }
        }
    }

    /// Whether all of this is what [`Self::metrics`] gives.
    pub fn are_metrics(bytes: &[u8]) -> bool {
        std::str::from_utf8(bytes).is_ok_and(metrics::are_metrics)
    }

    /// The same for Prometheus.
    pub fn metrics(&self) -> Vec<u8> {
        let nodes = self.rows.iter().map(|row| row.node.as_str());
        self.metrics
            .render(&self.findings, &nodes.collect::<Vec<_>>())
    }

    fn item(
        &self,
        spec: &Spec,
        found: &BTreeMap<String, Observed>,
        keyless: &BTreeSet<&String>,
    ) -> Item {
        let observed = found.get(&spec.name).unwrap_or(&Observed::Absent);
        let issuer = spec.certificate().and_then(|wanted| wanted.issuer.as_ref());
        let end = end(spec, observed, authorities(spec, found), self.now);
        let certificate = end.map(|end| self.facts(end.certificate, end.at));
        let external = spec.is_ca() && keyless.contains(&spec.name);
        let mut files = spec.place.files();
        files.truncate(if external { 1 } else { files.len() });
        Item {
            node: self.node.clone(),
            name: spec.name.clone(),
            kind: spec
                .certificate()
                .map_or("key pair", |wanted| wanted.kind.name()),
            title: match &spec.place {
                Place::Found { .. } => spec.name.clone(),
                _ => title(&spec.name, &files[0].name),
            },
            files: files.iter().map(|file| self.store.path(file)).collect(),
            missing: false,
            without: match observed {
                Observed::Lead(_) => Without::NoneNeeded,
                Observed::Requested { .. } => Without::Waiting,
                _ => Without::Unread,
            },
            issuer: issuer.cloned(),
            externally_managed: external || issuer.is_some_and(|ca| keyless.contains(ca)),
            certificate,
        }
    }

    fn facts(&self, leaf: &Certificate, end: OffsetDateTime) -> Facts {
        let residual = end - self.now;
        Facts {
            subject: leaf.subject.to_string(),
            serial_number: leaf.serial.to_string(),
            not_before: timestamp(leaf.validity.not_before),
            not_after: timestamp(leaf.validity.not_after),
            expires: timestamp(end),
            residual_seconds: residual.whole_seconds(),
            fingerprint: leaf.fingerprint(),
            key_algorithm: leaf.public_key.kind().to_owned(),
            sans: leaf.sans.iter().map(ToString::to_string).collect(),
            end,
            residual,
        }
    }
}

fn are_fields<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let as_one = |name| {
        if name == "directory" {
            DIRECTORIES
        } else {
            name
        }
    };
    names.map(as_one).eq(FIELDS)
}

/// kubeadm calls a kubeconfig by its file.
fn title(name: &str, file: &str) -> String {
    let kubeconfig = std::path::Path::new(file)
        .extension()
        .is_some_and(|ending| ending == "conf");
    if kubeconfig { file } else { name }.to_owned()
}

/// The CAs of `specs`, and those that sign for them, whose key is not here: beside another of its certificates, if not
/// beside this one.
fn external<'a>(specs: &'a [Spec], found: &BTreeMap<String, Observed>) -> BTreeSet<&'a String> {
    let own = specs.iter().filter(|spec| spec.is_ca());
    let issuers = specs.iter().filter_map(Spec::certificate);
    let issuers = issuers.filter_map(|wanted| wanted.issuer.as_ref());
    let mut cas: BTreeSet<&String> = own.map(|spec| &spec.name).chain(issuers).collect();
    let keyless = |name: &String| match found.get(name) {
        Some(Observed::Certificate {
            chain, key: None, ..
        }) => Some(chain.first().map(|ca| &ca.public_key)),
        _ => None,
    };
    cas.retain(|name| keyless(name).is_some());
    if cas.is_empty() {
        return cas;
    }
    let held = found.values().filter_map(|observed| match observed {
        Observed::Certificate {
            chain,
            key: key @ Some(_),
            ..
        } => signing(chain, key.as_ref()).map(|own| &own.public_key),
        _ => None,
    });
    let held: HashSet<_> = held.collect();
    cas.retain(|name| {
        keyless(name)
            .flatten()
            .is_none_or(|key| !held.contains(key))
    });
    cas
}
