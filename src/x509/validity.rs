//! When a certificate is valid (RFC 5280, 4.1.2.5).

use time::OffsetDateTime;

/// From the first to the last second of validity, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Validity {
    /// The first second.
    pub not_before: OffsetDateTime,
    /// The last second.
    pub not_after: OffsetDateTime,
}
