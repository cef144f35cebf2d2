//! CSV: RFC 4180, with a line of names first.

use super::document::NODE as COLUMNS;
use super::entry::{Entry, Nodes, Said};
use crate::config::fields;

/// Where each column stands in a line.
type Places = [usize; COLUMNS.len()];

pub(super) fn read(text: &str, nodes: &mut Nodes) {
    let mut records = Records {
        rest: text,
        line: 1,
    };
    let Some(places) = header(&mut records, nodes) else {
        return;
    };
    let mut record = Vec::new();
    loop {
        match records.next(&mut record) {
            Ok(true) => {}
            Ok(false) => return,
            // What stands behind it is guesswork.
            Err(error) => return nodes.refuse(error.0, error.1),
        }
        let line = record[0].line;
        if is_comment(&record) {
            nodes.refuse(line, COMMENT);
            continue;
        }
        if record.len() != COLUMNS.len() {
            let fields = if record.len() == 1 { "field" } else { "fields" };
            let reason = format!(
                "has {} {fields}, and there are {} columns: several values of one are separated by blanks or ';'",
                record.len(),
                COLUMNS.len()
            );
            nodes.refuse(line, reason);
            continue;
        }
        let [name, addresses, roles] = places.map(|place| &record[place]);
        let mut entry = Entry {
            line,
            name: Some(name)
                .filter(|name| !name.text.trim().is_empty())
                .map(|name| Said::new(&name.text, name.line)),
            addresses: values(addresses).collect(),
            ..Entry::default()
        };
        for role in values(roles) {
            nodes.role(&role, &mut entry);
        }
        nodes.add(&entry);
    }
}

const COMMENT: &str = "begins with '#': a table has no comments, take the line out";

fn is_comment(record: &[Said]) -> bool {
    record[0].text.trim_start().starts_with('#')
}

/// Where the columns stand, by the first line.
fn header(records: &mut Records, nodes: &mut Nodes) -> Option<Places> {
    let mut header = Vec::new();
    match records.next(&mut header) {
        Ok(true) => {}
        Ok(false) => {
            nodes.refuse_form();
            return None;
        }
        Err((line, reason)) => {
            nodes.refuse(line, reason);
            return None;
        }
    }
    if is_comment(&header) {
        nodes.refuse(header[0].line, COMMENT);
        return None;
    }
    // As spreadsheets write them where a comma is in numbers.
    if let [one] = &header[..]
        && COLUMNS.iter().all(|column| one.text.contains(column))
        && let Some(between) = one.text.chars().find(|c| [';', '\t', '|'].contains(c))
    {
        let reason =
            format!("has its columns separated by {between:?}: write them with commas between");
        nodes.refuse(one.line, reason);
        return None;
    }
    let mut places: [Option<usize>; COLUMNS.len()] = [None; COLUMNS.len()];
    for (index, said) in header.iter().enumerate() {
        let name = said.text.trim();
        let Some(column) = COLUMNS.iter().position(|column| *column == name) else {
            let hint = fields::did_you_mean(name, COLUMNS);
            nodes.refuse(said.line, format!("there is no column {name:?}{hint}"));
            continue;
        };
        if places[column].replace(index).is_some() {
            nodes.refuse(said.line, format!("a second column {name}: keep one"));
        }
    }
    if places.iter().all(Option::is_none) {
        nodes.refuse_form();
    } else {
        for (column, _) in COLUMNS
            .iter()
            .zip(places)
            .filter(|(_, place)| place.is_none())
        {
            nodes.refuse(header[0].line, format!("the column {column} is lacking"));
        }
    }
    let [Some(name), Some(addresses), Some(roles)] = places else {
        return None;
    };
    nodes.is_right().then_some([name, addresses, roles])
}

/// The values of a field.
fn values(field: &Said) -> impl Iterator<Item = Said> {
    field
        .text
        .split(|c: char| c.is_whitespace() || c == ';')
        .filter(|value| !value.is_empty())
        .map(|value| Said::new(value, field.line))
}

/// The lines of a table, of which a field in quotes may have several.
struct Records<'a> {
    rest: &'a str,
    line: usize,
}

impl Records<'_> {
    /// The fields of the next line that is not blank, in the place of the former ones; false behind the last.
    fn next(&mut self, record: &mut Vec<Said>) -> Result<bool, (usize, String)> {
        record.clear();
        loop {
            let (first, behind) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            if !first.trim().is_empty() {
                break;
            }
            if self.rest.is_empty() {
                return Ok(false);
            }
            self.rest = behind;
            self.line += 1;
        }
        loop {
            let line = self.line;
            let text = if self.rest.starts_with('"') {
                self.quoted()?
            } else {
                self.plain()?
            };
            record.push(Said { text, line });
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
                continue;
            }
            let end = self.rest.strip_prefix('\r').unwrap_or(self.rest);
            self.rest = end.strip_prefix('\n').unwrap_or(end);
            self.line += 1;
            return Ok(true);
        }
    }

    fn plain(&mut self) -> Result<String, (usize, String)> {
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let mut field = &self.rest[..end];
        if !self.rest[end..].starts_with(',') {
            field = field.strip_suffix('\r').unwrap_or(field);
        }
        if field.contains('"') {
            let reason = "has a quote within a field: put the whole field in quotes, and write the quote twice";
            return Err((self.line, reason.into()));
        }
        self.rest = &self.rest[field.len()..];
        Ok(field.to_owned())
    }

    fn quoted(&mut self) -> Result<String, (usize, String)> {
        let begin = self.line;
        let mut field = String::new();
        let mut rest = &self.rest[1..];
        loop {
            let Some((part, behind)) = rest.split_once('"') else {
                return Err((begin, "has a quote that is not closed".into()));
            };
            field.push_str(part);
            if let Some(behind) = behind.strip_prefix('"') {
                field.push('"');
                rest = behind;
            } else {
                rest = behind;
                break;
            }
        }
        self.line += field.matches('\n').count();
        let ends = [",", "\n", "\r\n"]
            .into_iter()
            .any(|end| rest.starts_with(end));
        if !ends && !rest.is_empty() {
            let reason =
                "has something behind the closing quote of a field: put the whole field in quotes";
            return Err((self.line, reason.into()));
        }
        self.rest = rest;
        Ok(field)
    }
}
