//! `--within` and `--ca-within`, wherever they stand.

use super::Stop;
use crate::diff::Notice;
use crate::x509::validity::parse_duration;

/// That of leaves.
pub(super) fn leaf(text: Option<&str>) -> Result<Notice, Stop> {
    notice("--within", text, Notice::LEAF)
}

/// That of CAs.
pub(super) fn ca(text: Option<&str>) -> Result<Notice, Stop> {
    notice("--ca-within", text, Notice::CA)
}

fn notice(flag: &str, text: Option<&str>, default: Notice) -> Result<Notice, Stop> {
    let Some(text) = text else {
        return Ok(default);
    };
    match parse_duration(text) {
        Ok(duration) if duration.is_negative() => Err(Stop::usage(format!("{flag}: is negative"))),
        Ok(duration) => Ok(Notice::exactly(duration)),
        Err(reason) => Err(Stop::usage(format!("{flag}: {reason}"))),
    }
}
