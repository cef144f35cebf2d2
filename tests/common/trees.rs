//! The trees that `certs all --inventory` makes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Finished, TempDir, certs, run, text, write};

/// Three control planes, three members of etcd apart from them, and two workers.
pub const NODES: &str = "\
apiVersion: certs/v1
kind: Inventory
nodes:
- {name: cp1, addresses: [10.0.0.1], roles: [control-plane]}
- {name: cp2, addresses: [10.0.0.2, cp2.example.com], roles: [control-plane]}
- {name: cp3, addresses: [10.0.0.3], roles: [control-plane]}
- {name: etcd1, addresses: [127.0.0.52], roles: [etcd]}
- {name: etcd2, addresses: [127.0.0.53], roles: [etcd]}
- {name: etcd3, addresses: [127.0.0.54], roles: [etcd]}
- {name: worker1, addresses: [10.0.1.1, 'fd00::1:1', worker1.example.com], roles: [worker]}
- {name: worker2, addresses: [10.0.1.2], roles: [worker]}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
controlPlaneEndpoint: api.example.com:6443
encryptionAlgorithm: ECDSA-P256
";

/// By their roles.
pub const PLANES: [&str; 3] = ["cp1", "cp2", "cp3"];
/// By their roles.
pub const MEMBERS: [&str; 3] = ["etcd1", "etcd2", "etcd3"];
/// By their roles.
pub const WORKERS: [&str; 2] = ["worker1", "worker2"];

/// A folder with an inventory, and the trees below `out`.
pub struct Trees(pub TempDir);

impl Trees {
    pub fn of(inventory: &str) -> Self {
        let folder = TempDir::new();
        write(&folder.join("nodes.yaml"), inventory);
        Self(folder)
    }

    /// A verb over the inventory.
    pub fn over(&self, arguments: &[&str]) -> Command {
        let mut command = certs(arguments);
        command.args(["--inventory", text(&self.0.join("nodes.yaml"))]);
        command.args(["--out", text(&self.out())]);
        command
    }

    /// A run that makes them.
    pub fn command(&self, flags: &[&str]) -> Command {
        self.over(&[&["all"], flags].concat())
    }

    pub fn all(&self, flags: &[&str]) -> Finished {
        run(&mut self.command(flags))
    }

    pub fn made() -> Self {
        let trees = Self::of(NODES);
        trees.all(&[]).expect(0);
        trees
    }

    pub fn out(&self) -> PathBuf {
        self.0.join("out")
    }

    pub fn node(&self, name: &str, path: &str) -> PathBuf {
        self.out().join(name).join(path)
    }

    pub fn pki(&self, name: &str, file: &str) -> PathBuf {
        self.node(name, "etc/kubernetes/pki").join(file)
    }

    /// The files of a node, by their paths from its root.
    pub fn files(&self, name: &str) -> BTreeSet<String> {
        files(&self.out().join(name))
    }
}

/// What is below `root`, but folders.
pub fn files(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(listed) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in listed {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(root).expect("below its root");
                found.insert(text(below).to_owned());
            }
        }
    }
    found
}
