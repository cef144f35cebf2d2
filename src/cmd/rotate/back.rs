//! Back to the stage before.

use std::time::Duration;

use super::Tree;
use crate::cmd::{Env, Stop};
use crate::observe::Passphrases;
use crate::profile::Profile;
use crate::report::Report;

pub(super) struct Back<'a> {
    pub(super) row: &'static Profile,
    pub(super) tree: &'a Tree<'a>,
    pub(super) passphrases: &'a Passphrases,
    pub(super) lock_timeout: Duration,
    pub(super) dry_run: bool,
}

impl Back<'_> {
    pub(super) fn run(&self, _report: &mut Report, _env: &mut Env<'_>) -> Result<(), Stop> {
        Ok(())
    }
}
