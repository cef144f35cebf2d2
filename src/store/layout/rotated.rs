//! What a kubelet calls its client certificates: by the time.

use std::str::from_utf8;

use time::{Date, Duration, OffsetDateTime, Time, UtcOffset};

/// How the names begin of the files that the link leads to.
const ROTATED: &str = "kubelet-client-";

/// What the kubelet's client certificate of this time is called, to which the link leads, where that leads to
/// `former` now. A name is later than the one before it, also within its second and where the clock went back: a
/// file is called so that takes no other's place.
pub fn rotated(time: OffsetDateTime, former: Option<&[u8]>) -> String {
    let former = former.and_then(|to| from_utf8(to).ok()).and_then(time_of);
    let next = former.and_then(|former| former.checked_add(Duration::SECOND));
    let time = next.map_or(time, |next| next.max(time));
    let (date, hour, minute, second) = (time.date(), time.hour(), time.minute(), time.second());
    format!("{ROTATED}{date}-{hour:02}-{minute:02}-{second:02}.pem")
}

/// The time that a file of such a name is called by, wherever it lies.
fn time_of(path: &str) -> Option<OffsetDateTime> {
    let base = path.rsplit('/').next().filter(|base| is_rotated(base))?;
    let digits = base.strip_prefix(ROTATED)?.strip_suffix(".pem")?;
    let part = |number: usize| digits.split('-').nth(number)?.parse::<u8>().ok();
    let year = digits.split('-').next()?.parse().ok()?;
    let date = Date::from_calendar_date(year, part(1)?.try_into().ok()?, part(2)?).ok()?;
    let time = Time::from_hms(part(3)?, part(4)?, part(5)?).ok()?;
    Some(date.with_time(time).assume_offset(UtcOffset::UTC))
}

/// Whether the link leads to files of this name.
pub(in crate::store) fn is_rotated(base: &str) -> bool {
    let time = base
        .strip_prefix(ROTATED)
        .and_then(|rest| rest.strip_suffix(".pem"));
    let shape = |text: &str| -> String {
        let digit = |byte: u8| {
            if byte.is_ascii_digit() {
                '0'
            } else {
                char::from(byte)
            }
        };
        text.bytes().map(digit).collect()
    };
    time.is_some_and(|time| shape(time) == "0000-00-00-00-00-00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_later_than_the_one_before_it() {
        let time = OffsetDateTime::from_unix_timestamp(1_767_323_045).unwrap();
        let now = "kubelet-client-2026-01-02-03-04-05.pem";
        for (former, name) in [
            ("kubelet-client-2026-01-02-03-04-04.pem", now),
            (now, "kubelet-client-2026-01-02-03-04-06.pem"),
            (
                "/x/kubelet-client-2026-12-31-23-59-59.pem",
                "kubelet-client-2027-01-01-00-00-00.pem",
            ),
            ("kubelet-client-2026-13-02-03-04-05.pem", now),
            ("kubelet-client-9999-99-99-99-99-99.pem", now),
            ("kubelet.pem", now),
        ] {
            assert_eq!(rotated(time, Some(former.as_bytes())), name, "{former}");
        }
        assert_eq!(rotated(time, None), now);
    }
}
