//! Another user, and a place that it reaches.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{binary, run, set_mode, tool};

/// As another user: 65534 in no group but its own.
pub fn nobody(inner: &Command) -> Command {
    let mut command = Command::new(tool("setpriv"));
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    command.arg(inner.get_program()).args(inner.get_args());
    command.env("NO_COLOR", "1");
    command
}

/// A place that `nobody` reaches: outside the target directory, whose parents may be closed.
pub struct Public(pub PathBuf);

impl Public {
    /// Makes it, with the program in it.
    pub fn new() -> Self {
        let made = Command::new("mktemp")
            .args(["-d"])
            .output()
            .expect("mktemp");
        let path = String::from_utf8(made.stdout).expect("a path");
        let path = PathBuf::from(path.trim_end());
        set_mode(&path, 0o755);
        // By another process: a child that another test's thread starts would hold a copy that is
        // written here open, and the program could not be started (ETXTBSY).
        run(Command::new("cp").arg(binary()).arg(path.join("certs"))).expect(0);
        Self(path)
    }

    /// That program, with P-256 keys.
    pub fn certs(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.0.join("certs"));
        command
            .args(arguments)
            .args(["--key-algorithm", "ECDSA-P256"]);
        command
    }
}

impl Drop for Public {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
