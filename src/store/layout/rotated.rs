//! What a kubelet calls its client certificates: by the time.

use time::OffsetDateTime;

/// How the names begin of the files that the link leads to.
const ROTATED: &str = "kubelet-client-";

/// What the kubelet's client certificate of this time is called, to which the link leads.
pub fn rotated(time: OffsetDateTime) -> String {
    let (date, hour, minute, second) = (time.date(), time.hour(), time.minute(), time.second());
    format!("{ROTATED}{date}-{hour:02}-{minute:02}-{second:02}.pem")
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
