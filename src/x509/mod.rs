//! X.509 in the terms of RFC 5280.

pub mod san;
pub mod validity;
