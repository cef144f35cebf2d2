//! What a map is read by: its keys, and its entries with those that it merges.

use std::collections::HashMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::read::Reader;
use super::{Node, Value};

/// The entries of a map while it is read.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) all: Vec<(String, Node)>,
    places: HashMap<String, usize>,
}

impl Entries {
    /// Of two of one key the last counts.
    pub(super) fn put(&mut self, key: String, value: Node) {
        if let Some(place) = self.places.get(&key) {
            self.all[*place].1 = value;
            return;
        }
        self.places.insert(key.clone(), self.all.len());
        self.all.push((key, value));
    }
}

/// The key of an entry, or what brings those of other maps.
pub(super) enum Key {
    Merge,
    Text(String),
}

/// Reads a key; numbers and booleans become texts, as they do in JSON.
pub(super) struct KeySeed<'a>(pub(super) &'a Reader<'a>);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a text as key")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Key, E> {
        Ok(Key::Text(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Key, E> {
        Ok(Key::Text(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Key, E> {
        Ok(Key::Text(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Key, E> {
        Ok(Key::Text(value.to_string()))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Key, E> {
        match self.0.locate(text) {
            _ if self.0.merges(text) => Ok(Key::Merge),
            Some(Value::Bool(value)) => self.visit_bool(value),
            Some(Value::Integer(value)) => self.visit_str(&value.to_string()),
            Some(Value::Float(value)) => self.visit_f64(value),
            _ => self.visit_str(text),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Key, E> {
        self.0.spend(text.len())?;
        Ok(Key::Text(text.to_owned()))
    }
}
