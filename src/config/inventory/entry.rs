//! What a file says of one node, and the rules of all.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use super::{Inventory, LIST, Node, Role, Roles, TOLD};
use crate::config::{ConfigError, fields};
use crate::facts;
use crate::x509::san::San;

/// The folder of the CAs beside those of the nodes.
const RESERVED: &str = "ca";

/// A text, and where it stands.
pub(super) struct Said {
    pub text: String,
    pub line: usize,
}

impl Said {
    pub(super) fn new(text: &str, line: usize) -> Self {
        Self {
            text: text.to_owned(),
            line,
        }
    }
}

/// What a file says of one node.
#[derive(Default)]
pub(super) struct Entry {
    pub line: usize,
    pub name: Option<Said>,
    pub addresses: Vec<Said>,
    pub roles: Roles,
    /// Whether something of it was refused where it was read: what is lacking may be that.
    pub refused: bool,
}

/// The nodes of a file while it is read.
pub(super) struct Nodes<'a> {
    file: &'a str,
    errors: Vec<ConfigError>,
    /// How many there are beyond those.
    untold: usize,
    notes: Vec<String>,
    pub has_configuration: bool,
    all: Vec<Node>,
    /// Which node has the name, and on which line.
    names: HashMap<String, (usize, usize)>,
    /// Which node has the address or the DNS name, and on which line.
    hosts: HashMap<San, (usize, usize)>,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(file: &'a str) -> Self {
        Self {
            file,
            errors: Vec::new(),
            untold: 0,
            notes: Vec::new(),
            has_configuration: false,
            all: Vec::new(),
            names: HashMap::new(),
            hosts: HashMap::new(),
        }
    }

    pub(super) fn refuse(&mut self, line: usize, reason: impl Into<String>) {
        if self.errors.len() >= TOLD {
            self.untold += 1;
            return;
        }
        self.errors.push(ConfigError {
            file: self.file.into(),
            line,
            reason: reason.into(),
        });
    }

    pub(super) fn note(&mut self, remark: impl fmt::Display) {
        self.notes.push(format!("{}: {remark}", self.file));
    }

    pub(super) fn is_right(&self) -> bool {
        self.errors.is_empty()
    }

    /// The role of this name.
    pub(super) fn role(&mut self, said: &Said, entry: &mut Entry) {
        let text = said.text.trim();
        if let Some(role) = Role::ALL.into_iter().find(|role| role.name() == text) {
            entry.roles.add(role);
            return;
        }
        let names = Role::ALL.map(Role::name);
        let mut hint = fields::did_you_mean(text, names);
        if hint.is_empty() {
            hint = format!(": the roles are {}", names.join(", "));
        }
        self.refuse(said.line, format!("{text:?} is no role{hint}"));
        entry.refused = true;
    }

    /// Takes a node in, with all that is wrong with it.
    pub(super) fn add(&mut self, entry: &Entry) {
        let index = self.all.len();
        let name = self.name(entry, index);
        let (mut addresses, mut names) = (Vec::new(), Vec::new());
        let mut refused = entry.refused;
        for said in &entry.addresses {
            match self.host(said, index, &name) {
                Ok(Some(San::Ip(address))) => addresses.push(address),
                Ok(Some(host)) => names.push(host),
                Ok(None) => {}
                Err(reason) => {
                    self.refuse(said.line, format!("the address {:?} {reason}", said.text));
                    refused = true;
                }
            }
        }
        if !refused && addresses.is_empty() {
            let lacking = if names.is_empty() {
                "has no address: give it the one that others reach it at first"
            } else {
                "has no IP address: give it the one that others reach it at first"
            };
            self.refuse(entry.line, format!("the node {name:?} {lacking}"));
        }
        if !entry.refused && entry.roles == Roles::default() {
            let roles = Role::ALL.map(Role::name).join(", ");
            self.refuse(
                entry.line,
                format!("the node {name:?} has no role: give it one or more of {roles}"),
            );
        }
        self.all.push(Node {
            name,
            addresses,
            names,
            roles: entry.roles,
            origin: match entry.line {
                // A name that Ansible's list has with escapes.
                0 => self.file.to_owned(),
                line => format!("{} line {line}", self.file),
            },
        });
    }

    /// The name in lower case, as facts have it; whatever is wrong with it is told.
    fn name(&mut self, entry: &Entry, index: usize) -> String {
        let Some(said) = &entry.name else {
            if !entry.refused {
                self.refuse(entry.line, "a node without a name");
            }
            return String::new();
        };
        let name = said.text.trim().to_ascii_lowercase();
        if let Err(reason) = facts::node_name(&name) {
            self.refuse(said.line, format!("the name {:?} {reason}", said.text));
        } else if name == RESERVED {
            let reason = "the folder of the CAs has this name beside those of the nodes";
            self.refuse(said.line, format!("no node can be named {name}: {reason}"));
        } else if let Some((_, line)) = self.names.get(&name) {
            let reason = format!("a second node {name:?}, the first is on line {line}: keep one");
            self.refuse(said.line, reason);
        } else {
            self.names.insert(name.clone(), (index, said.line));
        }
        name
    }

    /// An address or a DNS name that belongs to this node alone; nothing if it is known of it already.
    fn host(&mut self, said: &Said, index: usize, name: &str) -> Result<Option<San>, String> {
        let host = San::parse(said.text.trim())?;
        match &host {
            San::Ip(address) => facts::of_a_node(*address)?,
            San::Dns(host) if host == name => return Ok(None),
            San::Dns(host) if host.starts_with("*.") => {
                return Err("is a pattern of names: a node has names of its own".into());
            }
            _ => {}
        }
        if let Some((other, line)) = self.hosts.get(&host) {
            if *other == index {
                return Ok(None);
            }
            let other = &self.all[*other].name;
            return Err(format!(
                "is of the node {other:?} on line {line} too: an address belongs to one"
            ));
        }
        self.hosts.insert(host.clone(), (index, said.line));
        Ok(Some(host))
    }

    /// All nodes, or all that is wrong.
    pub(super) fn finish(mut self) -> Result<Inventory, Vec<ConfigError>> {
        self.names_of_others();
        if self.is_right() && self.all.is_empty() {
            self.refuse(0, "an inventory without a node: it names one at least");
        }
        if self.is_right() {
            self.note_loopback();
            return Ok(Inventory {
                nodes: self.all,
                notes: self.notes,
                has_configuration: self.has_configuration,
            });
        }
        // What concerns the file as a whole comes last.
        self.errors.sort_by_key(|error| error.line.wrapping_sub(1));
        if self.untold > 0 {
            let reason = format!("and {} more errors", self.untold);
            self.errors.push(ConfigError {
                file: self.file.into(),
                line: 0,
                reason,
            });
        }
        Err(self.errors)
    }

    /// A DNS name that is the name of another node, which may be named further down.
    fn names_of_others(&mut self) {
        let mut taken: Vec<(String, usize, usize)> = self
            .hosts
            .iter()
            .filter_map(|(host, (index, line))| {
                let San::Dns(host) = host else { return None };
                let (other, place) = self.names.get(host)?;
                (other != index).then(|| (host.clone(), *line, *place))
            })
            .collect();
        taken.sort_unstable_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        for (host, line, place) in taken {
            self.refuse(
                line,
                format!("the address {host:?} is the name of another node, on line {place}"),
            );
        }
    }

    fn note_loopback(&mut self) {
        let loopback = |node: &&Node| node.addresses.iter().any(IpAddr::is_loopback);
        let mut found = self.all.iter().filter(loopback);
        let Some(first) = found.next() else { return };
        let more = match found.count() {
            0 => String::new(),
            count => format!(", and {count} more nodes"),
        };
        self.notes.push(format!(
            "{}: {:?} has a loopback address{more}: no other machine reaches it there",
            first.origin, first.name
        ));
    }

    /// Says how an inventory of Ansible's is given, where a file is none of the forms.
    pub(super) fn refuse_form(&mut self) {
        let reason = format!(
            "holds no inventory: that is a document with 'apiVersion: certs/v1' and 'kind: Inventory', or CSV that begins \
             with name,addresses,roles; of Ansible's files, {LIST}"
        );
        self.refuse(0, reason);
    }
}
