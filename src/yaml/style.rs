//! Which texts need quotes, and what stands within them.

/// How a text is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Style {
    /// In double quotes, with escapes.
    Double,
    /// As a block, line by line.
    Literal,
    /// As it is.
    Plain,
    /// In single quotes.
    Single,
}

/// The style that kubectl gives a text.
pub(super) fn style(text: &str) -> Style {
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
    const LONGEST: usize = 5;
    // Numbers and dates begin so. The data of a kubeconfig does not, and is long.
    let as_number = |c: char| c.is_ascii_digit() || "+-._".contains(c);
    if text.len() > LONGEST && !text.starts_with(as_number) {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    if text == "~" || WORDS.contains(&lower.as_str()) {
        return true;
    }
    let digits: String = lower.chars().filter(|c| *c != '_').collect();
    let number = digits.strip_prefix(['+', '-']).unwrap_or(&digits);
    // Some readers take the underscores of `0x_` for digits.
    let empty = digits != lower && matches!(number, "0x" | "0o" | "0b");
    empty
        || number == ".inf"
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

pub(super) fn decimal(number: &str) -> bool {
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

/// A character within double quotes.
pub(super) fn escaped(c: char) -> String {
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
