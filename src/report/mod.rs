//! Plans, findings and what was done → bytes. `main` writes them; nothing else prints.

mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::finding::{Code, Finding, Severity};
use crate::location::{FileId, Root};
use crate::observed::Observed;
use crate::outcome::Exit;
use crate::plan::{Plan, Planned, Refusal, Step};
use crate::profile::{Organizations, by_name};
use crate::spec::{Content, Place};
use crate::store::Store;
use crate::x509::cert::Certificate;
use crate::yaml;

/// The version of the JSON and YAML form; it changes when a field goes or changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

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
