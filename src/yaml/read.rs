//! From bytes to nodes.
//!
//! serde_yaml tells the place of an error only. Nodes get theirs from what it lends: a plain or quoted scalar is a slice
//! of the input, so its distance from the start of the input is its place.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::map::{Entries, Key, KeySeed};
use super::scalar::meant;
use super::{Error, Node, Value};

/// Largest file, in bytes; the largest object of an API server has 1.5 MiB.
const FILE_MAX: usize = 2 << 20;
/// Most brackets open at a time: for each token the parser looks at every one of them.
const BRACKETS_MAX: usize = 256;
/// Most that a file may unfold to through its aliases, in bytes of text and 64 for each node: so many times what it may
/// be large itself.
const UNFOLDED_TIMES: usize = 16;

/// The documents of a stream, those without content left out; at least one, else the error says so.
///
/// The first error ends the reading: what the parser makes of the rest is guesswork.
pub fn documents(bytes: &[u8]) -> Result<Vec<Node>, Error> {
    if bytes.len() > FILE_MAX {
        return Err(whole(
            "is larger than 2 MiB, too large for a configuration or a kubeconfig",
        ));
    }
    documents_of_any_size(bytes)
}

/// As [`documents`], for a file whose size the caller has bounded.
pub fn documents_of_any_size(bytes: &[u8]) -> Result<Vec<Node>, Error> {
    let text = text(bytes)?;
    bounded_brackets(text)?;
    let reader = Reader::new(text);
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        match reader.node().deserialize(document) {
            Ok(Node {
                value: Value::Null, ..
            }) => {}
            Ok(node) => documents.push(node),
            // The iterator goes on for ever behind a syntax error.
            Err(error) => {
                return Err(reader
                    .refusal
                    .take()
                    .unwrap_or_else(|| foreign(&error, text)));
            }
        }
    }
    if documents.is_empty() {
        Err(whole("holds no document"))
    } else {
        Ok(documents)
    }
}

/// The text of a file, without its byte order mark.
pub fn text(bytes: &[u8]) -> Result<&str, Error> {
    let text = std::str::from_utf8(bytes).map_err(|error| Error {
        line: bytes[..error.valid_up_to()]
            .split(|byte| *byte == b'\n')
            .count(),
        reason: "is no UTF-8 text".into(),
    })?;
    // The parser leaves a byte order mark out of its positions.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn whole(reason: &str) -> Error {
    Error {
        line: 0,
        reason: reason.into(),
    }
}

/// Holds the nesting of flow collections to what the parser does in little time. Brackets within texts count too:
/// hundreds that do not close are in no file of ours.
fn bounded_brackets(text: &str) -> Result<(), Error> {
    let mut open = 0_usize;
    for (index, line) in text.lines().enumerate() {
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > BRACKETS_MAX {
                let reason = format!("more than {BRACKETS_MAX} brackets are open");
                return Err(Error {
                    line: index + 1,
                    reason,
                });
            }
        }
    }
    Ok(())
}

/// An error of the parser's own; what it says of the place is left to the line.
fn foreign(error: &serde_yaml::Error, text: &str) -> Error {
    let message = error.to_string();
    // Of a character that no file may hold it tells the offset.
    if let Some((reason, position)) = message.split_once(" at position ") {
        let digits = position.split(',').next().unwrap_or_default();
        let line = digits
            .parse()
            .ok()
            .and_then(|end: usize| text.as_bytes().get(..end));
        let line = line.map_or(0, |before| before.split(|byte| *byte == b'\n').count());
        return Error {
            line,
            reason: reason.into(),
        };
    }
    let reason = message.split(" at line ").next().unwrap_or(&message);
    let line = error.location().map_or(0, |location| location.line());
    Error {
        // The end of a file without a last line break is one line further to the parser.
        line: line.min(text.split('\n').count()),
        reason: reason.into(),
    }
}

/// What a pass over a file keeps.
pub(super) struct Reader<'a> {
    text: &'a str,
    /// Where each line but the first starts.
    breaks: Vec<usize>,
    /// The line of the last scalar with a known place.
    line: Cell<usize>,
    /// What may still unfold.
    room: Cell<usize>,
    /// Our own reason, if the pass ended with one.
    refusal: RefCell<Option<Error>>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            breaks: text
                .match_indices('\n')
                .map(|(index, _)| index + 1)
                .collect(),
            line: Cell::new(1),
            room: Cell::new(UNFOLDED_TIMES * text.len().max(FILE_MAX)),
            refusal: RefCell::new(None),
        }
    }

    fn node(&self) -> NodeSeed<'_> {
        NodeSeed {
            reader: self,
            line: None,
        }
    }

    /// Takes note of where a slice of the input stands; tells what it means, if it is no text.
    pub(super) fn locate(&self, slice: &str) -> Option<Value> {
        let offset = slice
            .as_ptr()
            .addr()
            .wrapping_sub(self.text.as_ptr().addr());
        self.line
            .set(1 + self.breaks.partition_point(|start| *start <= offset));
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        if before.ends_with(b"\"") || before.ends_with(b"'") {
            return None;
        }
        meant(slice).filter(|_| !tagged(before))
    }

    /// Whether a key merges: as a text it has quotes.
    pub(super) fn merges(&self, key: &str) -> bool {
        let offset = key.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        key == "<<" && !before.ends_with(b"\"") && !before.ends_with(b"'")
    }

    fn refuse<E: de::Error>(&self, reason: String) -> E {
        let error = E::custom(&reason);
        self.refusal.replace(Some(Error {
            line: self.line.get(),
            reason,
        }));
        error
    }

    pub(super) fn spend<E: de::Error>(&self, text: usize) -> Result<(), E> {
        let Some(room) = self.room.get().checked_sub(64 + text) else {
            let most = (UNFOLDED_TIMES * self.text.len().max(FILE_MAX)) >> 20;
            let reason = format!("holds more than {most} MiB of values, aliases unfolded");
            return Err(self.refuse(reason));
        };
        self.room.set(room);
        Ok(())
    }
}

/// Whether a tag stands before a scalar, which makes a text of a number: `!!str 010`.
fn tagged(before: &[u8]) -> bool {
    // No tag that matters is longer.
    let start = before.len().saturating_sub(256);
    before[start..]
        .trim_ascii_end()
        .rsplit(|byte| byte.is_ascii_whitespace() || b"[{,".contains(byte))
        .find(|word| !word.starts_with(b"&"))
        .is_some_and(|word| word.starts_with(b"!"))
}

#[derive(Clone, Copy)]
struct NodeSeed<'a> {
    reader: &'a Reader<'a>,
    /// The line of its key.
    line: Option<usize>,
}

impl NodeSeed<'_> {
    fn made<E: de::Error>(self, value: Value) -> Result<Node, E> {
        self.reader.spend(0)?;
        Ok(Node {
            line: self.line.unwrap_or(self.reader.line.get()),
            value,
        })
    }

    fn made_text<E: de::Error>(self, text: &str) -> Result<Node, E> {
        self.reader.spend(text.len())?;
        self.made(Value::Text(Zeroizing::new(text.to_owned())))
    }
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value without a tag of its own")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Node, E> {
        self.made(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Node, E> {
        self.made(Value::Integer(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Node, E> {
        self.made(Value::Integer(value.into()))
    }

    /// Beyond 64 bits kubectl, as JSON, knows numbers with a fraction alone.
    #[allow(clippy::cast_precision_loss, reason = "kubectl loses it too")]
    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Node, E> {
        self.made(Value::Float(value as f64))
    }

    #[allow(clippy::cast_precision_loss, reason = "kubectl loses it too")]
    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Node, E> {
        self.made(Value::Float(value as f64))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        self.made(Value::Float(value))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        self.made(Value::Null)
    }

    /// An empty stream.
    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        self.made(Value::Null)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Node, E> {
        match self.reader.locate(text) {
            Some(value) => self.made(value),
            None => self.made_text(text),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Node, E> {
        self.made_text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        // A list without a key of its own stands where its first item does.
        let line = self.line;
        while let Some(item) = access.next_element_seed(self.reader.node())? {
            items.push(item);
        }
        let line = line.or(items.first().map(|item| item.line));
        Self { line, ..self }.made(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Entries::default();
        let mut lines = HashMap::new();
        let mut first = None;
        while let Some(key) = access.next_key_seed(KeySeed(self.reader))? {
            let line = self.reader.line.get();
            first = first.or(Some(line));
            let seed = NodeSeed {
                reader: self.reader,
                line: Some(line),
            };
            let Key::Text(key) = key else {
                let merged = access.next_value_seed(seed)?;
                self.merge(&mut entries, merged)?;
                continue;
            };
            if let Some(earlier) = lines.insert(key.clone(), line) {
                let reason = format!(
                    "the key {key:?} is here a second time, first on line {earlier}: keep one"
                );
                return Err(self.reader.refuse(reason));
            }
            let value = access.next_value_seed(seed)?;
            entries.put(key, value);
        }
        Self {
            line: self.line.or(first),
            ..self
        }
        .made(Value::Map(entries.all))
    }
}

impl NodeSeed<'_> {
    /// `<<` puts the entries of other maps where it stands, as goyaml does: over what stands before it, and what stands
    /// behind it goes over them. Of several maps the first counts.
    fn merge<E: de::Error>(self, entries: &mut Entries, merged: Node) -> Result<(), E> {
        let maps = match merged.value {
            Value::List(items) => items,
            other => vec![other.into()],
        };
        for map in maps.into_iter().rev() {
            let Value::Map(map) = map.value else {
                let reason = format!(
                    "the key << is for a map, or a list of maps, and this is {}",
                    map.kind()
                );
                return Err(self.reader.refuse(reason));
            };
            for (key, value) in map {
                entries.put(key, value);
            }
        }
        Ok(())
    }
}
