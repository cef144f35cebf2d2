//! YAML: configuration files and kubeconfigs; the only user of serde_yaml.
//!
//! In: bytes. Out: a tree of [`Node`]s, each with its line, or the first [`Error`] with its own; and a tree back as the
//! text that kubectl and kubeadm write. No schema is known here, and nothing of a tree is printed by `Debug`: it may
//! hold keys.

mod map;
mod read;
mod scalar;
mod style;
mod write;

use std::fmt;

use zeroize::Zeroizing;

pub use read::{documents, documents_of_any_size, text};
pub use write::write;

/// A value, and where it stands.
#[derive(Clone)]
pub struct Node {
    /// Its line in the whole file, from 1: that of its key, where it has one; 0 if no file brought it.
    pub line: usize,
    /// What stands there.
    pub value: Value,
}

/// What a node can be.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `true` and `false`, and the words that readers of YAML 1.1 take for them (`yes`, `off`).
    Bool(bool),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// A whole number.
    Integer(i128),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file; no key is there twice.
    Map(Vec<(String, Node)>),
    /// `null`, `~`, or nothing at all.
    Null,
    /// Any other scalar; wiped when dropped, since it may be a key.
    Text(Zeroizing<String>),
}

/// Two nodes are equal wherever they stand.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Self { line: 0, value }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({}, line {})", self.kind(), self.line)
    }
}

impl Node {
    /// A text.
    pub fn text(text: &str) -> Self {
        Value::Text(Zeroizing::new(text.to_owned())).into()
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Value::List(items.into_iter().collect()).into()
    }

    /// A map; of two entries with one key the last counts.
    pub fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let mut map = Self::from(Value::Map(Vec::new()));
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }

    /// What it is, in the words of an error.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Bool(_) => "true or false",
            Value::Float(_) | Value::Integer(_) => "a number",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Null => "nothing",
            Value::Text(_) => "a text",
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The items of a list, to change; nothing else has any.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Self>> {
        match &mut self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a map; none of anything else.
    pub fn entries(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a map's key; nothing else has any.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// The value of a map's key, to change; nothing else has any.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.value {
            Value::Map(entries) => entries
                .iter_mut()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// Gives a map's key a value, whether it had one or not; what is no map becomes one.
    pub fn insert(&mut self, key: &str, value: Self) {
        if let Some(present) = self.get_mut(key) {
            *present = value;
            return;
        }
        match &mut self.value {
            Value::Map(entries) => entries.push((key.to_owned(), value)),
            other => *other = Value::Map(vec![(key.to_owned(), value)]),
        }
    }

    /// Takes a key out of a map.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        match &mut self.value {
            Value::Map(entries) => {
                let index = entries.iter().position(|(name, _)| name == key)?;
                Some(entries.remove(index).1)
            }
            _ => None,
        }
    }
}

/// Why bytes are no YAML that can be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    /// The line in the whole file, from 1; 0 if the file as a whole is meant.
    pub line: usize,
    /// What is wrong, and the way out.
    pub reason: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
