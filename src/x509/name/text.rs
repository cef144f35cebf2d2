//! Names as text: RFC 4514, and the slashes of OpenSSL.

use std::fmt;

use anyhow::{Context as _, bail, ensure};

use super::attribute::Attribute;

/// One character of the text, and whether a backslash stood before it; an escaped octet has no character of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Escaped(u8),
    Plain(char),
}

/// Reads RDNs in the order in which they are written.
pub(super) fn parse(text: &str) -> anyhow::Result<Vec<Vec<Attribute>>> {
    let (separator, text) = match text.strip_prefix('/') {
        Some(rest) => ('/', rest),
        None => (',', text),
    };
    let signs = signs(text)?;
    let mut rdns = Vec::new();
    for (index, rdn) in signs
        .split(|sign| *sign == Sign::Plain(separator))
        .enumerate()
    {
        let attributes: anyhow::Result<Vec<Attribute>> = rdn
            .split(|sign| *sign == Sign::Plain('+'))
            .map(attribute)
            .collect();
        rdns.push(attributes.with_context(|| format!("in part {}", index + 1))?);
    }
    Ok(rdns)
}

/// Resolves the escapes (RFC 4514, 3): a backslash before a special character or a blank, or before two hexadecimal digits.
fn signs(text: &str) -> anyhow::Result<Vec<Sign>> {
    let mut signs = Vec::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            signs.push(Sign::Plain(character));
            continue;
        }
        let escaped = rest.as_str();
        match escaped.as_bytes() {
            [] => bail!("the text ends in a backslash: write '\\\\' for one"),
            [special, ..] if b" \"#+,/;<=>\\".contains(special) => {
                signs.push(Sign::Escaped(*special));
                rest.next();
            }
            [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                signs.push(Sign::Escaped(u8::from_str_radix(&escaped[..2], 16)?));
                rest.nth(1);
            }
            _ => bail!(
                "the backslash before {escaped:?} escapes nothing: a special character or two hexadecimal digits follow one"
            ),
        }
    }
    Ok(signs)
}

fn attribute(signs: &[Sign]) -> anyhow::Result<Attribute> {
    let written = plain(signs);
    ensure!(
        !written.trim().is_empty(),
        "an attribute is empty: a separator stands at the end, or two stand together"
    );
    let equals = signs.iter().position(|sign| *sign == Sign::Plain('='));
    let equals = equals.with_context(|| format!("{written:?} lacks '=': write TYPE=VALUE"))?;
    let name = plain(&signs[..equals]);
    let kind = Attribute::kind_of(name.trim())?;
    let value = trimmed(&signs[equals + 1..]);
    if let [Sign::Plain('#'), digits @ ..] = value {
        let octets = hexadecimal(&plain(digits));
        return octets
            .and_then(|octets| Attribute::from_value(&kind, &octets).ok())
            .with_context(|| {
                format!("the value of {name} starts with '#' but is no DER in hexadecimal: write '\\#' for the character")
            });
    }
    let mut octets = Vec::new();
    for sign in value {
        match sign {
            Sign::Escaped(octet) => octets.push(*octet),
            Sign::Plain(character) => {
                octets.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    let text = String::from_utf8(octets)
        .ok()
        .with_context(|| format!("the escaped octets in the value of {name} are not UTF-8"))?;
    ensure!(!text.is_empty(), "{name} has no value");
    Attribute::from_checked_text(&kind, &text)
}

/// The text as it was typed, for types and for errors.
fn plain(signs: &[Sign]) -> String {
    signs
        .iter()
        .map(|sign| match sign {
            Sign::Escaped(octet) => char::from(*octet),
            Sign::Plain(character) => *character,
        })
        .collect()
}

/// Without the blanks at both ends that no backslash protects.
fn trimmed(mut signs: &[Sign]) -> &[Sign] {
    while let [Sign::Plain(' '), rest @ ..] | [rest @ .., Sign::Plain(' ')] = signs {
        signs = rest;
    }
    signs
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let octet = |pair: &[u8]| {
        let pair = str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        let digits = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        digits.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
    };
    digits.as_bytes().chunks(2).map(octet).collect()
}

/// Writes one attribute (RFC 4514, 2.3 and 2.4). A type without a name and a value that is no text are written as `#` and DER
/// in hexadecimal.
pub(super) fn write(attribute: &Attribute, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let name = attribute.name();
    write!(out, "{}=", name.unwrap_or(&attribute.kind))?;
    match attribute.text() {
        Some(text) if name.is_some() => write_escaped(&text, out),
        _ => {
            out.write_str("#")?;
            let mut octets = attribute.value().into_iter();
            octets.try_for_each(|octet| write!(out, "{octet:02x}"))
        }
    }
}

fn write_escaped(text: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let last = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(out, "\\{character}")?,
            '#' if index == 0 => out.write_str("\\#")?,
            ' ' if index == 0 || index == last => out.write_str("\\ ")?,
            _ if is_hidden(character) => {
                let mut buffer = [0; 4];
                let mut octets = character.encode_utf8(&mut buffer).bytes();
                octets.try_for_each(|octet| write!(out, "\\{octet:02x}"))?;
            }
            _ => write!(out, "{character}")?,
        }
    }
    Ok(())
}

/// Control characters, those that are not seen, and those that turn the direction of writing: names
/// come from foreign certificates and end up in terminals.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
