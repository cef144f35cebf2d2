//! A real Ansible over local connections, in a folder with an inventory `hosts.ini`.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use super::{Finished, TempDir, run_within, tool, write};

/// Hundreds of tasks, each a program or two, on a busy machine.
const LIMIT: Duration = Duration::from_mins(15);

/// What a run needs beside the inventory.
pub fn prepare(folder: &TempDir) {
    for name in ["home", "tmp"] {
        fs::create_dir(folder.join(name)).expect("make a folder");
    }
    write(&folder.join("ansible.cfg"), "");
}

/// A program of Ansible's that writes nothing outside the folder.
pub fn ansible(folder: &TempDir, program: &str, arguments: &[&str]) -> Finished {
    let mut command = Command::new(tool(program));
    command.args(["--inventory", "hosts.ini"]).args(arguments);
    command.current_dir(folder.path()).env("PWD", folder.path());
    for (name, value) in [
        ("HOME", "home"),
        ("TMPDIR", "tmp"),
        ("ANSIBLE_LOCAL_TEMP", "tmp"),
        ("ANSIBLE_REMOTE_TEMP", "tmp"),
        ("ANSIBLE_CONFIG", "ansible.cfg"),
    ] {
        command.env(name, folder.join(value));
    }
    command
        .env("ANSIBLE_PIPELINING", "1")
        .env("ANSIBLE_NOCOLOR", "1")
        .env("LC_ALL", "C.UTF-8");
    run_within(LIMIT, &mut command)
}

/// How many tasks changed something, of each node.
pub fn changes(finished: &Finished) -> BTreeMap<String, u32> {
    let (_, recap) = finished.stdout.split_once("PLAY RECAP").expect("a recap");
    let of = |line: &str| {
        let (node, counts) = line.split_once(':')?;
        let changed = counts
            .split_whitespace()
            .find_map(|count| count.strip_prefix("changed="))?;
        Some((node.trim().to_owned(), changed.parse().expect("a number")))
    };
    recap.lines().filter_map(of).collect()
}
