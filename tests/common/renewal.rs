//! Trees that are made at noon, and renewed days later.

use std::process::Command;

use super::kubeadm::NOON;
use super::{Finished, TempDir, all, at, certs, run, text};

pub const DAY: i64 = 86_400;

/// `certs all` at noon, in `k` of a folder.
pub fn tree() -> TempDir {
    let folder = TempDir::new();
    let command = all(&folder.join("k"), &[]);
    run(&mut at(NOON, "022", &command)).expect(0);
    folder
}

/// `certs renew` over it.
pub fn command(folder: &TempDir, flags: &[&str]) -> Command {
    let mut command = certs(&["renew", "--kubernetes-dir", text(&folder.join("k"))]);
    command.args(flags);
    command
}

/// The same, so many days later.
pub fn renew(folder: &TempDir, days: i64, flags: &[&str]) -> Finished {
    run(&mut at(NOON + days * DAY, "022", &command(folder, flags)))
}
