//! Trees that kubeadm v1.36.2 made, and what they were made for.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{TempDir, fixture, read, run, set_mode, text, write};

/// Their names.
pub const CONFIGURATIONS: [&str; 7] = [
    "custom-validity",
    "default",
    "dual-stack",
    "ecdsa-p256",
    "etcd-extra-sans",
    "external-etcd",
    "ha-endpoint",
];

/// 2026-11-22 12:00:00 UTC, the day after kubeadm's trees were made.
pub const NOON: i64 = 1_795_348_800;

/// `facts/NAME.yaml` with the output folder in it, as a file beside the tree.
pub fn configuration(name: &str, out: &Path, beside: &Path) -> PathBuf {
    let template = read(&fixture(&format!("kubeadm/facts/{name}.yaml")));
    assert!(template.contains("@OUT@"), "{name}.yaml lacks @OUT@");
    let path = beside.join(format!("{name}.yaml"));
    write(&path, template.replace("@OUT@", text(out)));
    path
}

/// All of them, in a folder of their own.
pub fn unpacked() -> TempDir {
    let folder = TempDir::new();
    let mut command = Command::new("tar");
    command
        .args(["--extract", "--same-permissions", "--file"])
        .arg(fixture("kubeadm/trees.tar.gz"))
        .arg("--directory")
        .arg(folder.path());
    run(&mut command).expect(0);
    // The recorder's own notes, and the archive's "./", which must stay private here.
    set_mode(folder.path(), 0o700);
    folder
}
