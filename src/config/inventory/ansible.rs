//! What `ansible-inventory --list` prints: groups with their hosts and with the groups in them, and the variables of the
//! hosts under `_meta`. A group's name gives the role of all its hosts.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::entry::{Entry, Nodes, Said};
use super::{Role, Roles};

/// The groups that count: kubespray's, and those of plain names.
pub(super) const GROUPS: [(&str, Role); 7] = [
    ("kube_control_plane", Role::ControlPlane),
    ("control_plane", Role::ControlPlane),
    ("control-plane", Role::ControlPlane),
    ("etcd", Role::Etcd),
    ("kube_node", Role::Worker),
    ("worker", Role::Worker),
    ("workers", Role::Worker),
];
/// As many hosts that are passed over are named.
const NAMED: usize = 10;

/// The members of an object, in its order; none twice.
struct Members<'a, T>(Vec<(Word<'a>, T)>);

/// A text, a slice of the file if nothing in it is escaped.
#[derive(Deserialize, Eq, Hash, PartialEq)]
#[serde(transparent)]
struct Word<'a>(#[serde(borrow)] Cow<'a, str>);

/// A group, or `_meta`.
#[derive(Deserialize)]
#[serde(expecting = "a group")]
struct Group<'a> {
    #[serde(borrow, default)]
    children: Vec<Word<'a>>,
    #[serde(borrow, default)]
    hosts: Vec<Word<'a>>,
    #[serde(borrow)]
    hostvars: Option<Members<'a, Variables<'a>>>,
}

/// The variables of a host that tell its addresses.
#[derive(Deserialize)]
#[serde(expecting = "the variables of a host")]
struct Variables<'a> {
    #[serde(borrow)]
    access_ip: Option<Variable<'a>>,
    #[serde(borrow)]
    ansible_host: Option<Variable<'a>>,
    #[serde(borrow)]
    ip: Option<Variable<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Variable<'a> {
    Text(#[serde(borrow)] Word<'a>),
    /// A text of which Ansible fills in no template.
    Unsafe {
        #[serde(borrow, rename = "__ansible_unsafe")]
        text: Word<'a>,
    },
    Other(IgnoredAny),
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Members<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

struct MembersVisitor<'a, T>(PhantomData<Members<'a, T>>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for MembersVisitor<'a, T> {
    type Value = Members<'a, T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        let mut seen = HashSet::new();
        while let Some(key) = access.next_key::<Word>()? {
            if !seen.insert(key.0.clone()) {
                let reason = format!("the key {:?} is here a second time: keep one", key.0);
                return Err(de::Error::custom(reason));
            }
            members.push((key, access.next_value()?));
        }
        Ok(Members(members))
    }
}

pub(super) fn read(text: &str, nodes: &mut Nodes) {
    let members: Members<Group> = match serde_json::from_str(text) {
        Ok(members) => members,
        Err(error) => {
            let message = error.to_string();
            let reason = message.split(" at line ").next().unwrap_or(&message);
            return nodes.refuse(error.line(), reason);
        }
    };
    let lines = Lines::new(text);
    let mut groups = HashMap::new();
    let mut variables = HashMap::new();
    for (name, group) in &members.0 {
        if let Some(hostvars) = &group.hostvars {
            variables.extend(hostvars.0.iter().map(|(name, of)| (&name.0, (name, of))));
        } else {
            groups.insert(&name.0, group);
        }
    }
    let known = GROUPS
        .iter()
        .filter(|(name, _)| groups.contains_key(&Cow::Borrowed(*name)));
    let mut hosts = Hosts::default();
    for (name, role) in known {
        hosts.below(name, *role, &groups);
    }
    if hosts.all.is_empty() {
        let names = GROUPS.map(|(name, _)| name).join(", ");
        return nodes.refuse(
            0,
            format!("has no host in a group that is known: name groups {names}"),
        );
    }
    for (word, roles) in &hosts.all {
        let (word, variables) = variables
            .get(&word.0)
            .map_or((*word, None), |(word, variables)| (*word, Some(*variables)));
        let line = lines.of(word);
        let mut entry = Entry {
            line,
            name: Some(Said::new(&word.0, line)),
            roles: *roles,
            ..Entry::default()
        };
        addresses(&mut entry, variables, nodes);
        nodes.add(&entry);
    }
    let others = groups
        .values()
        .flat_map(|group| &group.hosts)
        .chain(variables.values().map(|(word, _)| *word))
        .map(|word| word.0.as_ref())
        .filter(|name| !hosts.places.contains_key(name));
    note_passed_over(others.collect(), nodes);
}

/// The hosts of the known groups, in the order of [`GROUPS`], with their roles.
#[derive(Default)]
struct Hosts<'a> {
    all: Vec<(&'a Word<'a>, Roles)>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Hosts<'a> {
    /// All hosts of a group, and of the groups in it.
    fn below(
        &mut self,
        name: &'a str,
        role: Role,
        groups: &HashMap<&'a Cow<'a, str>, &'a Group<'a>>,
    ) {
        let mut open = vec![name];
        let mut seen = HashSet::from([name]);
        while let Some(name) = open.pop() {
            let Some(group) = groups.get(&Cow::Borrowed(name)) else {
                continue;
            };
            for word in &group.hosts {
                let place = *self.places.entry(&word.0).or_insert_with(|| {
                    self.all.push((word, Roles::default()));
                    self.all.len() - 1
                });
                self.all[place].1.add(role);
            }
            let children = group.children.iter().rev().map(|word| word.0.as_ref());
            open.extend(children.filter(|child| seen.insert(child)));
        }
    }
}

/// The addresses that kubespray's certificates have, the one that others reach the node at first.
fn addresses(entry: &mut Entry, variables: Option<&Variables>, nodes: &mut Nodes) {
    if let Some(variables) = variables {
        take(entry, "access_ip", variables.access_ip.as_ref(), nodes);
        take(entry, "ip", variables.ip.as_ref(), nodes);
    }
    if !entry.addresses.is_empty() || entry.refused {
        return;
    }
    match variables.and_then(|variables| variables.ansible_host.as_ref()) {
        None => entry.addresses.extend(name_as_address(entry)),
        host => take(entry, "ansible_host", host, nodes),
    }
}

fn take(entry: &mut Entry, key: &str, variable: Option<&Variable>, nodes: &mut Nodes) {
    let text = match variable {
        None => return,
        Some(Variable::Text(word) | Variable::Unsafe { text: word }) => word.0.trim(),
        Some(Variable::Other(_)) => {
            let reason = format!("{key} is no text: write one address");
            nodes.refuse(entry.line, reason);
            entry.refused = true;
            return;
        }
    };
    if text.contains("{{") {
        let reason =
            format!("{key} is the template {text:?}, which ansible-inventory does not fill in");
        nodes.refuse(entry.line, reason);
        entry.refused = true;
    } else if !text.is_empty() {
        entry.addresses.push(Said::new(text, entry.line));
    }
}

/// Without any of these Ansible takes the host's name for its address.
fn name_as_address(entry: &Entry) -> Option<Said> {
    let name = entry.name.as_ref()?;
    name.text.parse::<std::net::IpAddr>().ok()?;
    Some(Said::new(&name.text, entry.line))
}

fn note_passed_over(mut names: Vec<&str>, nodes: &mut Nodes) {
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return;
    }
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.truncate(NAMED);
    nodes.note(format!(
        "hosts in no group that is known are passed over: {}{more}",
        names.join(", ")
    ));
}

/// Where the lines of a text begin.
struct Lines<'a> {
    text: &'a str,
    breaks: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let breaks = text.match_indices('\n').map(|(index, _)| index + 1);
        Self {
            text,
            breaks: breaks.collect(),
        }
    }

    /// The line of a word; that of one that is no slice of the text is not known.
    fn of(&self, word: &Word) -> usize {
        let Cow::Borrowed(slice) = word.0 else {
            return 0;
        };
        let offset = slice
            .as_ptr()
            .addr()
            .wrapping_sub(self.text.as_ptr().addr());
        1 + self.breaks.partition_point(|start| *start <= offset)
    }
}
