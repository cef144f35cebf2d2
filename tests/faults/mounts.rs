//! File systems of a test's own. A mount belongs to a process: the test runs again in one that has
//! its own mounts, and they go with it.

use std::path::Path;
use std::process::Command;

use crate::common::{TempDir, run, text};
use crate::point::utility;
use crate::sweep::say;

const INSIDE: &str = "CERTS_TEST_MOUNTS";

/// Runs `test` where it may mount; `name` is that of the calling test, with its module.
pub fn apart(name: &str, test: impl FnOnce(&Path)) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        test(Path::new(&folder));
        return;
    }
    let folder = TempDir::new();
    let mut command = Command::new(utility("unshare"));
    command
        .args(["--mount", "--propagation", "private"])
        .arg(std::env::current_exe().expect("this test program"))
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, folder.path());
    // Without the limit of `run`, which a sweep over every point passes; each run in it has that.
    let output = command.output().expect("start unshare");
    let said = String::from_utf8_lossy(&output.stdout);
    // What libtest adds is of no interest outside.
    for line in said.lines() {
        if !line.is_empty() && !line.starts_with("test ") && !line.starts_with("running ") {
            say(line);
        }
    }
    assert!(
        said.contains("1 passed") && output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A file system in memory at `folder`, which is made.
pub fn tmpfs(folder: &Path, options: &str) {
    std::fs::create_dir_all(folder).expect("make a folder");
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "certs", text(folder)]);
    run(&mut command).expect(0);
}
