//! The inventory: the nodes of a cluster, each with its name, its addresses and its roles. `docs/inventory.md` is its page.
//!
//! In: the bytes of a file, in one of three forms that are told apart by what stands there: a document `certs/v1`
//! Inventory in YAML or JSON, alone or among kubeadm's; CSV; what `ansible-inventory --list` prints. Out: [`Inventory`],
//! or everything that is wrong, with its line. All forms come to the same entries, for which there is one set of rules.

mod ansible;
mod csv;
mod document;
mod entry;

use std::fmt;
use std::net::IpAddr;

use super::ConfigError;
use crate::x509::san::San;
use crate::yaml;

pub(super) use document::is_one;

/// Largest file that is read, in bytes: some hundred thousand nodes.
pub const LARGEST: usize = 64 << 20;
/// As many errors are told; of more their number.
const TOLD: usize = 20;

/// The nodes of a cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inventory {
    /// All of them, in the order of the file; of Ansible's those of the control plane, of etcd and the workers.
    pub nodes: Vec<Node>,
    /// What deserves a look; a sentence each.
    pub notes: Vec<String>,
    /// Whether the same YAML stream has documents of kubeadm's.
    pub has_configuration: bool,
}

/// A node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Node {
    /// Its name in the cluster: a DNS-1123 subdomain, which no other node has.
    pub name: String,
    /// Its own addresses, at least one; the first is the one that others reach it at.
    pub addresses: Vec<IpAddr>,
    /// DNS names it is reached by beside its own name.
    pub names: Vec<San>,
    /// What runs on it.
    pub roles: Roles,
    /// The place that tells of it: `hosts.yaml line 12`.
    pub origin: String,
}

/// What runs on a node; at least one of these.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Roles {
    /// An API server, a controller manager and a scheduler.
    pub control_plane: bool,
    /// A member of etcd.
    pub etcd: bool,
    /// What is scheduled there.
    pub worker: bool,
}

/// One role.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role {
    ControlPlane,
    Etcd,
    Worker,
}

impl Role {
    const ALL: [Self; 3] = [Self::ControlPlane, Self::Etcd, Self::Worker];

    fn name(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Etcd => "etcd",
            Self::Worker => "worker",
        }
    }
}

impl Roles {
    fn add(&mut self, role: Role) {
        match role {
            Role::ControlPlane => self.control_plane = true,
            Role::Etcd => self.etcd = true,
            Role::Worker => self.worker = true,
        }
    }

    fn has(self, role: Role) -> bool {
        match role {
            Role::ControlPlane => self.control_plane,
            Role::Etcd => self.etcd,
            Role::Worker => self.worker,
        }
    }
}

/// The roles as an inventory names them, with a blank between.
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Role::ALL.into_iter().filter(|role| self.has(*role));
        for (index, role) in names.enumerate() {
            let before = if index == 0 { "" } else { " " };
            write!(f, "{before}{}", role.name())?;
        }
        Ok(())
    }
}

/// The form of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Ansible,
    /// Ansible's own files, of which `ansible-inventory` knows how to read them.
    AnsibleIni,
    Csv,
    Documents,
}

impl Form {
    fn of(text: &str) -> Self {
        let mut lines = text.lines().map(str::trim);
        let first = lines
            .find(|line| !line.is_empty() && !line.starts_with('#'))
            .unwrap_or_default();
        let section = first
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if first.starts_with('{') && text.contains("\"_meta\"") {
            Self::Ansible
        } else if section.is_some_and(|name| !name.contains([',', '"', '{'])) {
            Self::AnsibleIni
        } else if first.is_empty() || first.contains(':') || first.starts_with(DOCUMENT) {
            Self::Documents
        } else {
            Self::Csv
        }
    }
}

/// What a document of YAML or JSON may begin with, and the header of a table does not.
const DOCUMENT: [char; 4] = ['{', '[', '-', '%'];

/// Reads a file; the error has what is wrong with it, in the order of the file, or its first syntax error.
pub fn parse(bytes: &[u8], file_name: &str) -> Result<Inventory, Vec<ConfigError>> {
    let mut nodes = entry::Nodes::new(file_name);
    let text = if bytes.len() > LARGEST {
        Err(yaml::Error {
            line: 0,
            reason: TOO_LARGE.into(),
        })
    } else {
        yaml::text(bytes)
    };
    match text {
        Err(error) => nodes.refuse(error.line, error.reason),
        Ok(text) => match Form::of(text) {
            Form::Ansible => ansible::read(text, &mut nodes),
            Form::AnsibleIni => nodes.refuse(0, format!("is a file of Ansible's own: {LIST}")),
            Form::Csv => csv::read(text, &mut nodes),
            Form::Documents => document::read(bytes, &mut nodes),
        },
    }
    nodes.finish()
}

/// Why a file is not read at all.
pub(super) const TOO_LARGE: &str = "is larger than 64 MiB, which is the most that is read";
/// How an inventory of Ansible's is given.
const LIST: &str = "'ansible-inventory -i FILE --list' prints what is read here";

#[cfg(test)]
mod tests;
