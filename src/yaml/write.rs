//! From nodes to the text that kubectl and kubeadm write: keys sorted, list items at the column of their key, texts
//! quoted where a reader of YAML 1.1 or 1.2 would take them for something else, lines folded behind column 80.

use zeroize::Zeroizing;

use super::style::{Style, escaped, style};
use super::{Node, Value};

/// Column behind which a space becomes a line break.
const WIDTH: usize = 80;
/// Longest key, in characters, that is written before its colon without ado.
const KEY_MAX: usize = 128;
/// Columns a level is indented by.
const STEP: usize = 2;

/// The text of a document, with a final line break.
pub fn write(document: &Node) -> Zeroizing<String> {
    // Room for all at once: a text that grows leaves copies behind, and it may hold a key.
    let mut writer = Writer {
        out: Zeroizing::new(String::with_capacity(room(document, 0))),
        column: 0,
    };
    match &document.value {
        Value::Map(entries) if !entries.is_empty() => writer.map(entries, 0),
        Value::List(items) if !items.is_empty() => writer.list(items, 0),
        _ => {
            writer.scalar(document, STEP);
            writer.line_break();
        }
    }
    writer.out
}

/// Upper bound of the text, but for texts that need escapes, which base64 does not.
pub(super) fn room(node: &Node, depth: usize) -> usize {
    let overhead = 16 + STEP * depth;
    match &node.value {
        Value::List(items) => {
            items
                .iter()
                .map(|item| room(item, depth + 1))
                .sum::<usize>()
                + overhead
        }
        Value::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| overhead + 2 * key.len() + room(value, depth + 1));
            entries.sum::<usize>() + overhead
        }
        Value::Text(text) => overhead + text.len() + (text.len() / WIDTH + 1) * overhead,
        _ => overhead + 32,
    }
}

struct Writer {
    out: Zeroizing<String>,
    /// Characters since the last line break.
    column: usize,
}

impl Writer {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn indent(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
        self.column += columns;
    }

    /// Entries at a column; the first stands where the writer is.
    fn map(&mut self, entries: &[(String, Node)], column: usize) {
        let mut sorted: Vec<&(String, Node)> = entries.iter().collect();
        sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (index, (key, value)) in sorted.into_iter().enumerate() {
            if index > 0 {
                self.indent(column);
            }
            self.key(key, column);
            match &value.value {
                Value::Map(entries) if !entries.is_empty() => {
                    self.line_break();
                    self.indent(column + STEP);
                    self.map(entries, column + STEP);
                }
                Value::List(items) if !items.is_empty() => {
                    self.line_break();
                    self.indent(column);
                    self.list(items, column);
                }
                _ => {
                    self.push(" ");
                    self.scalar(value, column + STEP);
                    self.line_break();
                }
            }
        }
    }

    fn list(&mut self, items: &[Node], column: usize) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.indent(column);
            }
            self.push("- ");
            match &item.value {
                Value::Map(entries) if !entries.is_empty() => self.map(entries, column + STEP),
                Value::List(items) if !items.is_empty() => self.list(items, column + STEP),
                _ => {
                    self.scalar(item, column + STEP);
                    self.line_break();
                }
            }
        }
    }

    fn key(&mut self, key: &str, column: usize) {
        let long = key.chars().count() > KEY_MAX;
        if long {
            self.push("? ");
        }
        // As a value `<<` is a text like others, as a key it merges.
        let style = if key == "<<" {
            Style::Double
        } else {
            style(key)
        };
        self.styled(
            key,
            if style == Style::Literal {
                Style::Double
            } else {
                style
            },
            None,
        );
        if long {
            self.line_break();
            self.indent(column);
        }
        self.push(":");
    }

    fn scalar(&mut self, node: &Node, column: usize) {
        match &node.value {
            Value::Bool(value) => self.push(if *value { "true" } else { "false" }),
            Value::Float(value) => self.push(&float(*value)),
            Value::Integer(value) => self.push(&value.to_string()),
            Value::List(_) => self.push("[]"),
            Value::Map(_) => self.push("{}"),
            Value::Null => self.push("null"),
            Value::Text(text) => self.styled(text, style(text), Some(column)),
        }
    }

    /// A text; with a column its lines may break there.
    fn styled(&mut self, text: &str, style: Style, column: Option<usize>) {
        match style {
            Style::Double => self.double(text, column),
            Style::Literal => self.literal(text, column.unwrap_or(STEP)),
            Style::Plain => self.folded(text, column),
            Style::Single => {
                self.push("'");
                self.folded(&text.replace('\'', "''"), column);
                self.push("'");
            }
        }
    }

    /// A plain text, or the inside of single quotes: a single space behind the width becomes a line break.
    fn folded(&mut self, text: &str, column: Option<usize>) {
        let Some(column) =
            column.filter(|_| self.column + text.len() > WIDTH && text.contains(' '))
        else {
            return self.push(text);
        };
        let mut previous = '\0';
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            let single =
                c == ' ' && previous != ' ' && characters.peek().is_some_and(|next| *next != ' ');
            if single && previous != '\0' && self.column > WIDTH {
                self.line_break();
                self.indent(column);
            } else {
                self.push(c.encode_utf8(&mut [0; 4]));
            }
            previous = c;
        }
    }

    fn double(&mut self, text: &str, column: Option<usize>) {
        self.push("\"");
        let mut previous = '\0';
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            let inside = previous != '\0' && characters.peek().is_some();
            match column {
                Some(column) if c == ' ' && previous != ' ' && inside && self.column > WIDTH => {
                    self.line_break();
                    self.indent(column);
                    // A reader drops the spaces at the start of a line, unless one is escaped.
                    if characters.peek() == Some(&' ') {
                        self.push("\\");
                    }
                }
                _ => self.push(&escaped(c)),
            }
            previous = c;
        }
        self.push("\"");
    }

    fn literal(&mut self, text: &str, column: usize) {
        self.push("|");
        if text.starts_with([' ', '\n']) {
            // Else the reader takes the spaces of the first line for its indentation.
            self.push(&STEP.to_string());
        }
        let body = text.strip_suffix('\n');
        match body {
            None => self.push("-"),
            Some(body) if body.is_empty() || body.ends_with('\n') => self.push("+"),
            Some(_) => {}
        }
        for line in body.unwrap_or(text).split('\n') {
            self.line_break();
            if !line.is_empty() {
                self.indent(column);
                self.push(line);
            }
        }
    }
}

/// The shortest digits that read back as the same number, and as one with a fraction.
fn float(value: f64) -> String {
    if value.is_nan() {
        return ".nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.into();
    }
    let mut text = format!("{value:?}");
    if let Some(place) = text.find('e')
        && !text.contains('.')
    {
        text.insert_str(place, ".0");
    }
    // YAML 1.1 wants the sign of an exponent.
    if let Some(place) = text.find('e')
        && !text[place + 1..].starts_with('-')
    {
        text.insert(place + 1, '+');
    }
    text
}
