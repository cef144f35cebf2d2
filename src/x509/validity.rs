//! Validity periods: RFC 5280, section 4.1.2.5.

use time::macros::{datetime, format_description};
use time::{Duration, OffsetDateTime, UtcOffset};

/// From when until when a certificate is valid, both ends included.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Validity {
    /// The first second.
    pub not_before: OffsetDateTime,
    /// The last second.
    pub not_after: OffsetDateTime,
}

impl Validity {
    /// Whether the last second is over.
    pub fn has_ended(&self, now: OffsetDateTime) -> bool {
        now > self.not_after
    }

    /// Whether the first second is still to come.
    pub fn is_to_begin(&self, now: OffsetDateTime) -> bool {
        now < self.not_before
    }
}

/// The end of what has none (RFC 5280, 4.1.2.5), after which no certificate can end.
const LAST: OffsetDateTime = datetime!(9999-12-31 23:59:59 UTC);

/// The last second of what lasts so long from `begin` on.
pub fn end(begin: OffsetDateTime, lasts: Duration) -> OffsetDateTime {
    begin.checked_add(lasts).map_or(LAST, |end| end.min(LAST))
}

const SECOND: i128 = 1_000_000_000;
const UNITS: [(&str, i128); 9] = [
    ("d", 86_400 * SECOND),
    ("h", 3_600 * SECOND),
    ("m", 60 * SECOND),
    ("ms", 1_000_000),
    ("ns", 1),
    ("s", SECOND),
    ("us", 1_000),
    // Go takes both characters, the micro sign and the Greek letter.
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
];

/// Reads a duration as Go writes it (`8760h`, `1h30m`, `1.5h`, `-1h`), or in whole days (`365d`, `365d12h`); the error
/// is the reason.
///
/// As in Go the range ends near 292 years.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest.is_empty() {
        return Err("is empty: give a duration such as 8760h or 365d".into());
    }
    // The one number that Go reads without a unit.
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let (part, left) = leading_part(rest)?;
        total = total
            .checked_add(part)
            .filter(|sum| *sum <= i128::from(i64::MAX))
            .ok_or_else(too_long)?;
        rest = left;
    }
    let nanoseconds = i64::try_from(total).map_err(|_| too_long())?;
    Ok(Duration::nanoseconds(if negative {
        -nanoseconds
    } else {
        nanoseconds
    }))
}

/// The nanoseconds of the first number with its unit, and what follows.
fn leading_part(text: &str) -> Result<(i128, &str), String> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(after) => {
            let (fraction, rest) = digits(after);
            (Some(fraction), rest)
        }
        None => (None, rest),
    };
    if whole.is_empty() && fraction.is_none_or(str::is_empty) {
        return Err(format!(
            "has no number before {text:?}: give a duration such as 8760h or 365d"
        ));
    }
    let end = rest
        .find(|c: char| c == '.' || c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let Some((_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(match unit {
            "" => format!(
                "has no unit after {:?}: write h, m, s or d",
                &text[..text.len() - rest.len()]
            ),
            _ => format!("has the unknown unit {unit:?}: d, h, m and s are known"),
        });
    };
    if unit == "d" && fraction.is_some() {
        return Err("has a fraction of a day: give the rest in hours".into());
    }
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_| too_long())?
    };
    let whole = whole.checked_mul(*size).ok_or_else(too_long)?;
    // Eighteen digits of a fraction reach below a nanosecond in every unit.
    let fraction = fraction.unwrap_or_default();
    let fraction = &fraction[..fraction.len().min(18)];
    let scale = fraction.bytes().fold(1_i128, |scale, _| scale * 10);
    let numerator = fraction
        .bytes()
        .fold(0_i128, |sum, digit| sum * 10 + i128::from(digit - b'0'));
    Ok((whole + numerator * size / scale, rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

fn too_long() -> String {
    "is longer than 292 years".into()
}

/// A time in UTC as people read it, to the second: two that differ are shown differently.
pub fn moment(time: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    // Times of certificates have four digits of years, for which this form is whole.
    time.to_offset(UtcOffset::UTC)
        .format(form)
        .unwrap_or_else(|_| time.to_string())
}

/// A duration in hours as a flag gives it, with what is left: `8760h`, `1h30m`.
pub fn in_hours(duration: Duration) -> String {
    let seconds = duration.whole_seconds().unsigned_abs();
    let sign = if duration.is_negative() { "-" } else { "" };
    let mut text = format!("{sign}{}h", seconds / 3600);
    for (left, unit) in [(seconds / 60 % 60, 'm'), (seconds % 60, 's')] {
        if left != 0 {
            text.push_str(&left.to_string());
            text.push(unit);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, seconds) in [
            ("8760h", 31_536_000.0),
            ("1h30m15s", 5_415.0),
            ("1.5h", 5_400.0),
            (".5h", 1_800.0),
            ("1.h", 3_600.0),
            ("+1m", 60.0),
            ("-1h", -3_600.0),
            ("-1h30m", -5_400.0),
            ("0", 0.0),
            ("0s", 0.0),
            ("250ms", 0.25),
            ("1us1\u{b5}s1\u{3bc}s", 0.000_003),
            ("500000000ns", 0.5),
            ("0.333333333333333333333333333h", 1_199.999_999_999),
        ] {
            let duration = parse_duration(text).unwrap();
            assert!(
                (duration.as_seconds_f64() - seconds).abs() < 1e-9,
                "{text}: {duration}"
            );
        }
    }

    #[test]
    fn days_are_whole() {
        assert_eq!(parse_duration("365d"), Ok(Duration::days(365)));
        assert_eq!(
            parse_duration("365d12h"),
            Ok(Duration::days(365) + Duration::hours(12))
        );
        assert!(
            parse_duration("1.5d")
                .unwrap_err()
                .contains("fraction of a day")
        );
    }

    #[test]
    fn what_is_no_duration_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", "is empty"),
            ("-", "is empty"),
            ("1y", "unknown unit \"y\""),
            ("1H", "unknown unit \"H\""),
            ("1 h", "unknown unit \" h\""),
            ("8760", "no unit after \"8760\""),
            ("1h30", "no unit after \"30\""),
            ("h", "no number before \"h\""),
            (".h", "no number before"),
            ("--1h", "no number before"),
            ("2562048h", "292 years"),
            ("200y", "unknown unit"),
            ("2000000h2000000h", "292 years"),
            ("99999999999999999999999999999999999999999h", "292 years"),
            ("170141183460469231731687303715884105727h", "292 years"),
        ] {
            let error = parse_duration(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn both_ends_of_a_validity_are_within_it() {
        let not_before = time::macros::datetime!(2027-01-01 00:00:00 UTC);
        let not_after = not_before + Duration::DAY;
        let validity = Validity {
            not_before,
            not_after,
        };
        for now in [not_before, not_after] {
            assert!(!validity.is_to_begin(now) && !validity.has_ended(now));
        }
        assert!(validity.is_to_begin(not_before - Duration::SECOND));
        assert!(validity.has_ended(not_after + Duration::SECOND));
    }

    #[test]
    fn the_longest_duration_is_that_of_go() {
        assert!(parse_duration("2562047h").is_ok());
        assert_eq!(
            parse_duration("9223372036854775807ns"),
            Ok(Duration::nanoseconds(i64::MAX))
        );
        assert!(parse_duration("9223372036854775808ns").is_err());
    }

    #[test]
    fn two_times_and_two_durations_that_differ_by_a_second_are_shown_differently() {
        let time = time::macros::datetime!(2027-01-01 23:30:00 +1);
        assert_eq!(moment(time), "2027-01-01 22:30:00 UTC");
        assert_eq!(moment(time + Duration::SECOND), "2027-01-01 22:30:01 UTC");
        for (seconds, text) in [
            (0, "0h"),
            (3600 * 8760, "8760h"),
            (5400, "1h30m"),
            (5401, "1h30m1s"),
            (1, "0h1s"),
            (-60, "-0h1m"),
        ] {
            assert_eq!(in_hours(Duration::seconds(seconds)), text);
        }
    }
}
