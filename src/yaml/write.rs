//! From nodes to the text that kubectl and kubeadm write: keys sorted, list items at the column of their key, texts
//! quoted where a reader of YAML 1.1 or 1.2 would take them for something else, lines folded behind column 80.

use zeroize::Zeroizing;

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

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Style {
    Double,
    Literal,
    Plain,
    Single,
}

fn style(text: &str) -> Style {
    let special = |c: char| c != '\n' && !printable(c);
    if text.is_empty() || text.contains(special) {
        return Style::Double;
    }
    if text.contains('\n') {
        // A line that ends in a space is not seen to do so, and one of spaces alone would be lost.
        let hidden = text.ends_with(' ') || text.contains(" \n");
        return if hidden {
            Style::Double
        } else {
            Style::Literal
        };
    }
    if retyped(text) {
        return Style::Double;
    }
    if indicated(text) || text.starts_with(' ') || text.ends_with(' ') {
        Style::Single
    } else {
        Style::Plain
    }
}

/// Whether the text, without quotes, has a meaning to the grammar.
fn indicated(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next();
    let alone = characters.next().is_none_or(|second| second == ' ');
    text.starts_with("---")
        || text.starts_with("...")
        || first.is_some_and(|c| "#,[]{}&*!|>'\"%@`".contains(c) || (alone && "-?:".contains(c)))
        || text.contains(": ")
        || text.ends_with(':')
        || text.contains(" #")
}

/// Whether some reader takes the text, without quotes, for a boolean, a null, a number or a date.
fn retyped(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "yes", "n", "no", "on", "off", "true", "false", "null"];
    let lower = text.to_ascii_lowercase();
    if text == "~" || WORDS.contains(&lower.as_str()) {
        return true;
    }
    let digits: String = lower.chars().filter(|c| *c != '_').collect();
    let number = digits.strip_prefix(['+', '-']).unwrap_or(&digits);
    number == ".inf"
        || number == ".nan"
        || whole(number)
        || decimal(number)
        || sexagesimal(number)
        || date(&lower)
}

fn all(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(allowed)
}

fn digits(text: &str) -> bool {
    all(text, |byte| byte.is_ascii_digit())
}

fn whole(number: &str) -> bool {
    let based = |prefix, allowed: fn(u8) -> bool| {
        number
            .strip_prefix(prefix)
            .is_some_and(|rest| all(rest, allowed))
    };
    based("0x", |byte| byte.is_ascii_hexdigit())
        || based("0o", |byte| (b'0'..=b'7').contains(&byte))
        || based("0b", |byte| matches!(byte, b'0' | b'1'))
        || digits(number)
}

fn decimal(number: &str) -> bool {
    let (mantissa, exponent) = number
        .split_once('e')
        .map_or((number, None), |(m, e)| (m, Some(e)));
    let exponent =
        exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let some = !whole.is_empty() || !fraction.is_empty();
    exponent
        && some
        && [whole, fraction]
            .iter()
            .all(|part| part.is_empty() || digits(part))
}

/// `12:30:45`, a number to the base of 60 in YAML 1.1.
fn sexagesimal(number: &str) -> bool {
    let (number, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut parts = number.split(':');
    let first = parts.next().is_some_and(digits);
    let rest: Vec<&str> = parts.collect();
    let place =
        |part: &&str| digits(part) && part.len() <= 2 && part.parse::<u8>().is_ok_and(|n| n < 60);
    first && !rest.is_empty() && rest.iter().all(place) && (fraction.is_empty() || digits(fraction))
}

/// `2001-01-01`, and what starts so and goes on with a time.
fn date(text: &str) -> bool {
    let day = text.split(['t', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = day.split('-').collect();
    let [year, month, day] = parts[..] else {
        return false;
    };
    year.len() == 4 && month.len() <= 2 && day.len() <= 2 && parts.iter().all(|part| digits(part))
}

/// What libyaml prints as it is; other characters are escaped.
fn printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}')
        || matches!(c, '\u{ff00}'..='\u{fffd}')
}

fn escaped(c: char) -> String {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' | '\\' => c,
        '\u{85}' => 'N',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        c if printable(c) => return c.to_string(),
        c => {
            let (letter, width) = match u32::from(c) {
                0..=0xff => ('x', 2),
                0x100..=0xffff => ('u', 4),
                _ => ('U', 8),
            };
            return format!("\\{letter}{:0width$X}", u32::from(c));
        }
    };
    format!("\\{short}")
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
