//! What kubectl and kubeadm take an unquoted scalar for, where serde_yaml takes it for a text.
//!
//! serde_yaml knows YAML 1.2, they read with goyaml, which knows 1.1 in its own way: words for true and false, octal
//! numbers that begin with 0, and underscores within numbers.

use super::Value;
use super::style::decimal;

/// The value of an unquoted scalar that is no text to them.
pub(super) fn meant(text: &str) -> Option<Value> {
    word(text).map(Value::Bool).or_else(|| number(text))
}

fn word(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<Value> {
    let numeric = match text.as_bytes() {
        [b'.', second, ..] => second.is_ascii_digit(),
        [first, ..] => first.is_ascii_digit() || matches!(first, b'+' | b'-'),
        [] => false,
    };
    if !numeric {
        return None;
    }
    let plain = text.replace('_', "").to_ascii_lowercase();
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let based = |prefix| unsigned.strip_prefix(prefix);
    let (digits, radix) = if let Some(digits) = based("0x") {
        (digits, 16)
    } else if let Some(digits) = based("0o") {
        (digits, 8)
    } else if let Some(digits) = based("0b") {
        (digits, 2)
    } else if let Some(digits) = based("0").filter(|digits| !digits.is_empty()) {
        (digits, 8)
    } else {
        (unsigned, 10)
    };
    // A second sign is no digit.
    let whole = Some(digits)
        .filter(|digits| !digits.starts_with(['+', '-']))
        .and_then(|digits| u64::from_str_radix(digits, radix).ok())
        .map(i128::from);
    match whole {
        Some(whole) if plain.starts_with('-') => Some(Value::Integer(-whole)),
        Some(whole) => Some(Value::Integer(whole)),
        // `09` is no octal number, and one to the base of 10 then.
        None if decimal(unsigned) => {
            let float = plain.parse().ok().filter(|float: &f64| float.is_finite());
            float.map(Value::Float)
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As kubectl 1.36 shows them by `config view -o json`.
    #[test]
    fn unquoted_scalars_are_what_kubectl_takes_them_for() {
        for (text, value) in [
            ("010", 8),
            ("+010", 8),
            ("-010", -8),
            ("1_000", 1000),
            ("1_000_", 1000),
            ("00", 0),
            ("0_", 0),
            ("-_1", -1),
            ("+_1", 1),
            ("0x1_F", 31),
            ("0X1f", 31),
            ("0B1", 1),
            ("0b_1", 1),
            ("-0b11", -3),
            ("0O17", 15),
            ("0o_7", 7),
        ] {
            assert!(meant(text) == Some(Value::Integer(value)), "{text}");
        }
        for (text, value) in [
            ("09", 9.0),
            ("0_8", 8.0),
            ("08.5", 8.5),
            ("1_0.5", 10.5),
            (".5_0", 0.5),
            ("1_e3", 1000.0),
        ] {
            assert!(meant(text) == Some(Value::Float(value)), "{text}");
        }
        for text in [
            "",
            "_1",
            "0x_",
            "0x-1",
            "0b12",
            "._5",
            ".",
            "-",
            "+",
            "12:30:45",
            "2001-01-01",
            "1e400",
            "10.0.0.1",
            "v1.36.2",
            "1.36.2",
            "tRue",
            "-a",
            "--1",
        ] {
            assert!(meant(text).is_none(), "{text}");
        }
    }
}
