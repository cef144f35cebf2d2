//! A node whose CA is elsewhere: in `node` and `kubelet` of a folder, in which all is run.

use std::path::Path;
use std::process::Command;

use super::public::nobody;
use super::{CLUSTER, Finished, certs, run, tool};

/// What is stated of it to whoever signs.
pub const FACTS: [&str; 4] = [CLUSTER[0], CLUSTER[1], CLUSTER[2], CLUSTER[3]];

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

/// The program, run in the folder by a user who owns nothing there but what was given away.
pub fn as_nobody(place: &Path, arguments: &[&str]) -> Finished {
    run(nobody(&certs(arguments)).current_dir(place))
}

/// The program, run in the folder where `directory` lies on a medium that nobody writes, root neither.
pub fn with_read_only(place: &Path, directory: &str, arguments: &[&str]) -> Finished {
    run(read_only(directory, &certs(arguments)).current_dir(place))
}

/// The same command where `directory` lies on a medium that nobody writes.
pub fn read_only(directory: &str, inner: &Command) -> Command {
    let lines = "mount --bind \"$0\" \"$0\"; mount -o remount,ro,bind \"$0\"; ! touch \"$0/x\" 2> /dev/null; exec \"$@\"";
    let mut apart = Command::new(tool("unshare"));
    apart.args(["--mount", "--propagation", "private"]);
    apart.args(["bash", "-euc", lines, directory]);
    apart.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => apart.env(name, value),
            None => apart.env_remove(name),
        };
    }
    apart
}
