//! A check for people: kubeadm's table of what expires, and then what is wrong.

use time::format_description::FormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, UtcOffset};

use super::Format;
use super::check::{Checked, Item, Without};
use super::check_nodes::Row;
use super::found::{NOTES, WHY, finding, notes, why};
use super::lines::{BOLD, GREEN, RED, YELLOW, count, line, painted, shown};
use crate::finding::{Code, Severity};

/// As kubeadm writes it: `Nov 21, 2027 23:17 UTC`.
const MOMENT: &[FormatItem<'_>] =
    format_description!("[month repr:short] [day], [year] [hour]:[minute] UTC");
/// What stands before that which is not there.
const MISSING: &str = "!MISSING! ";
/// What stands before that whose certificate could not be read.
const UNREAD: &str = "!UNREAD! ";
/// What stands before that whose certificate is asked for.
const WAITING: &str = "!WAITING! ";
/// Between two columns.
const GAP: usize = 3;

/// For standard output.
pub(super) fn render(checked: &Checked, format: &Format) -> Vec<u8> {
    let mut text = String::new();
    if !format.quiet {
        for note in &checked.notes {
            line(&mut text, &format!("note: {}", shown(note)));
        }
        let rows: Vec<&Row> = checked.rows.iter().collect();
        block(&mut text, &NODES, &rows, format);
        let of = |ca: bool| {
            let certificates = checked.items.iter().filter(|item| item.kind != "key pair");
            let mut items: Vec<&Item> = certificates
                .filter(|item| (item.kind == "CA") == ca)
                .collect();
            items.sort_by(|one, other| one.title.cmp(&other.title));
            items
        };
        block(&mut text, &LEAVES, &of(false), format);
        block(&mut text, &CAS, &of(true), format);
    }
    for told in &checked.findings {
        if told.level == Severity::Error || (told.level == Severity::Warning && !format.quiet) {
            line(&mut text, &finding(told, format));
        }
    }
    why(&mut text, &checked.findings, format);
    if !format.quiet {
        notes(&mut text, &checked.findings, format);
        line(&mut text, &summary(checked, format));
    }
    text.into_bytes()
}

/// What a file has in the end, whoever asked for errors alone: by it a report is known from a log of errors.
pub(super) fn last_line(checked: &Checked, format: &Format) -> String {
    let mut text = String::new();
    line(&mut text, &summary(checked, format));
    text
}

/// Whether all of this is what a file has: its last line is told once, and what stands before that has the
/// marks of its parts.
pub(super) fn is_report(text: &str) -> bool {
    let Some(lines) = text.strip_suffix('\n') else {
        return false;
    };
    let level = |severity: Severity| format!("{}: ", severity.name());
    let (parts, last) = lines.rsplit_once('\n').unwrap_or(("", lines));
    let marks = [
        &level(Severity::Error),
        &level(Severity::Warning),
        &level(Severity::Note),
        WHY,
        NOTES,
        "  ",
    ];
    let headed = |line: &str| {
        let titles = [titles(&LEAVES), titles(&CAS), titles(&NODES)];
        titles.iter().any(|titles| {
            let mut words = line
                .split("   ")
                .map(str::trim)
                .filter(|word| !word.is_empty());
            titles.iter().all(|title| words.next() == Some(title)) && words.next().is_none()
        })
    };
    let mut within = false;
    is_last(last)
        && parts.split('\n').all(|line| {
            within = !line.is_empty() && (within || headed(line));
            !line.starts_with(LOOKED)
                && (within || line.is_empty() || marks.iter().any(|mark| line.starts_with(mark)))
        })
}

/// Whether it is what [`summary`] gives, whatever the numbers.
fn is_last(line: &str) -> bool {
    let counted = |words: &str, nouns: &[&str]| {
        let number = words
            .split(' ')
            .next()
            .and_then(|number| number.parse().ok());
        number.is_some_and(|number| nouns.iter().any(|noun| count(number, noun) == words))
    };
    let said = line
        .strip_prefix(LOOKED)
        .and_then(|rest| rest.strip_suffix('.'));
    said.and_then(|said| said.split_once(": "))
        .is_some_and(|(there, verdict)| {
            let (there, on) = there
                .split_once(ON)
                .map_or((there, true), |(there, nodes)| {
                    (there, counted(nodes, &["node"]))
                });
            let there = there.split_once(" and ").filter(|_| on);
            there.is_some_and(|(leaves, cas)| {
                counted(leaves, &["certificate"]) && counted(cas, &["CA"])
            }) && (verdict == NOTHING
                || verdict
                    .split(", ")
                    .all(|told| counted(told, &["error", "warning"])))
        })
}

/// How the last line begins.
const LOOKED: &str = "Looked at ";
/// What stands before the number of nodes.
const ON: &str = " on ";
/// How it ends where there is no error and no warning.
const NOTHING: &str = "nothing is wrong";

type Column<T = Item> = (&'static str, fn(&T) -> String);

fn titles<T>(columns: &[Column<T>]) -> Vec<&'static str> {
    columns.iter().map(|(title, _)| *title).collect()
}

const NAME: fn(&Item) -> String = |item| {
    let mark = match (&item.certificate, item.without) {
        (Some(_), _) | (None, Without::NoneNeeded) => "",
        (None, Without::Missing) => MISSING,
        (None, Without::Unread) => UNREAD,
        (None, Without::Waiting) => WAITING,
    };
    format!("{mark}{}", shown(&item.title))
};
const EXPIRES: Column = ("EXPIRES", |item| {
    let certificate = item.certificate.as_ref();
    certificate.map_or_else(String::new, |facts| moment(facts.end))
});
const RESIDUAL: Column = ("RESIDUAL TIME", |item| {
    let certificate = item.certificate.as_ref();
    certificate.map_or_else(String::new, |facts| residual(facts.residual))
});
const MANAGED: Column = ("EXTERNALLY MANAGED", |item| {
    let word = if item.externally_managed { "yes" } else { "no" };
    item.certificate.as_ref().map_or("", |_| word).to_owned()
});
const LEAVES: [Column; 5] = [
    ("CERTIFICATE", NAME),
    EXPIRES,
    RESIDUAL,
    ("CERTIFICATE AUTHORITY", |item| {
        item.certificate
            .as_ref()
            .and(item.issuer.clone())
            .unwrap_or_default()
    }),
    MANAGED,
];
const CAS: [Column; 4] = [("CERTIFICATE AUTHORITY", NAME), EXPIRES, RESIDUAL, MANAGED];

const NODES: [Column<Row>; 4] = [
    ("NODE", |row| shown(&row.node)),
    ("CERTIFICATES", |row| {
        (row.certificates + row.cas).to_string()
    }),
    ("ENDS FIRST", |row| {
        let first = row.first.as_ref();
        first.map_or_else(String::new, |(title, _)| shown(title))
    }),
    ("EXPIRES", |row| {
        let first = row.first.as_ref();
        first.map_or_else(String::new, |(_, end)| moment(*end))
    }),
];

fn moment(end: OffsetDateTime) -> String {
    let end = end.to_offset(UtcOffset::UTC);
    end.format(MOMENT).unwrap_or_default()
}

fn block<T>(text: &mut String, columns: &[Column<T>], items: &[&T], format: &Format) {
    if items.is_empty() {
        return;
    }
    let titles = titles(columns).into_iter().map(str::to_owned);
    let mut rows = vec![titles.collect::<Vec<String>>()];
    rows.extend(items.iter().map(|item| {
        let cells = columns.iter().map(|(_, cell)| cell(item));
        cells.collect::<Vec<String>>()
    }));
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default() + GAP
        })
        .collect();
    let whole = widths.iter().sum::<usize>() - GAP;
    let narrow = format.width.is_some_and(|width| width < whole);
    for (number, row) in rows.iter().enumerate() {
        let wide = || {
            let cells = row.iter().zip(&widths);
            let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().concat()
        };
        match (number, narrow) {
            (0, true) => line(text, &painted(format, BOLD, &format!("{}:", row[0]))),
            (0, false) => line(text, &painted(format, BOLD, wide().trim_end())),
            (_, false) => line(text, &wide()),
            // What does not fit beside stands below.
            (_, true) => {
                line(text, &row[0]);
                let cells = row[1..].iter().take(2).filter(|cell| !cell.is_empty());
                let cells: Vec<&str> = cells.map(String::as_str).collect();
                if !cells.is_empty() {
                    line(text, &format!("  {}", cells.join(", ")));
                }
            }
        }
    }
    text.push('\n');
}

/// A duration as kubectl and kubeadm shorten it: the longer it is the less is said.
fn residual(duration: Duration) -> String {
    let seconds = duration.whole_seconds();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: i64, unit: &str, small: i64, part: &str| {
        if small == 0 {
            format!("{large}{unit}")
        } else {
            format!("{large}{unit}{small}{part}")
        }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

impl Checked {
    /// What is there and could be looked at.
    pub(super) fn looked_at(&self) -> impl Iterator<Item = &Item> {
        let unread = [Code::NotLookedAt, Code::ReadFailed].map(Code::id);
        let passed = move |item: &Item| {
            item.certificate.is_none()
                && self.findings.iter().any(|told| {
                    told.name == item.name && told.node == item.node && unread.contains(&told.code)
                })
        };
        let items = self.items.iter();
        items.filter(move |item| !item.missing && !passed(item))
    }
}

fn summary(checked: &Checked, format: &Format) -> String {
    let there = |kind: fn(&str) -> bool| {
        let items = checked.looked_at();
        items.filter(|item| kind(item.kind)).count()
    };
    let rows = || checked.rows.iter();
    let of = |level| {
        checked
            .findings
            .iter()
            .filter(|told| told.level == level)
            .count()
    };
    let cas = there(|kind| kind == "CA") + rows().map(|row| row.cas).sum::<usize>();
    let certificates = there(|kind| kind != "CA" && kind != "key pair")
        + rows().map(|row| row.certificates).sum::<usize>();
    let nodes = match checked.rows.len() {
        0 => String::new(),
        // One of them is what they share.
        rows => format!("{ON}{}", count(rows - 1, "node")),
    };
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let (colour, verdict) = match (errors, warnings) {
        (0, 0) => (GREEN, NOTHING.to_owned()),
        (0, warnings) => (YELLOW, count(warnings, "warning")),
        (errors, 0) => (RED, count(errors, "error")),
        (errors, warnings) => (
            RED,
            format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
        ),
    };
    format!(
        "{LOOKED}{} and {}{nodes}: {}.",
        count(certificates, "certificate"),
        count(cas, "CA"),
        painted(format, colour, &verdict)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_residual_time_is_shortened_as_kubeadm_shortens_it() {
        for (seconds, text) in [
            (-7201, "<invalid>"),
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (86, "86s"),
            (119, "119s"),
            (120, "2m"),
            (566, "9m26s"),
            (600, "10m"),
            (8996, "149m"),
            (10_800, "3h"),
            (28_197, "7h49m"),
            (28_800, "8h"),
            (107_997, "29h"),
            (172_800, "2d"),
            (608_397, "7d"),
            (262_800, "3d1h"),
            (691_200, "8d"),
            (15_767_998, "182d"),
            (63_072_000, "2y"),
            (94_607_999, "2y364d"),
            (252_288_000, "8y"),
            (359_999_999, "11y"),
        ] {
            assert_eq!(residual(Duration::seconds(seconds)), text, "{seconds}");
        }
    }
}
