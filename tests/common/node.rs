//! A node whose CA is elsewhere: in `node` and `kubelet` of a folder, in which all is run.

use std::path::Path;
use std::process::Command;

use super::{Finished, certs, run, tool};

/// Where the node is.
pub const NODE: [&str; 4] = ["--kubernetes-dir", "node", "--kubelet-dir", "kubelet"];

/// The program, run in the folder.
pub fn on(place: &Path, arguments: &[&str]) -> Finished {
    run(certs(arguments).current_dir(place))
}

/// A verb over the node.
pub fn node(place: &Path, verb: &[&str]) -> Finished {
    on(place, &[verb, &NODE].concat())
}

/// What another program does in the folder.
pub fn script(place: &Path, lines: &str) {
    let mut bash = Command::new(tool("bash"));
    bash.args(["-euo", "pipefail", "-c", lines]);
    run(bash.current_dir(place)).expect(0);
}
