//! X.509 (RFC 5280): names, usages, serial numbers and the reading of certificates.
//!
//! In: DER. Out: plain data. Encoding of whole certificates is not done here, and no clock is read.

pub mod cert;
pub mod constraints;
mod extension;
pub mod name;
pub mod request;
pub mod san;
pub mod serial;
pub mod usage;
pub mod validity;
mod verify;

pub use cert::{BasicConstraints, Certificate};
pub use constraints::NameConstraints;
pub use extension::Extension;
pub(crate) use extension::MOST_NAMES;
pub use name::Name;
pub use request::{Asked, Request};
pub use san::San;
pub use serial::Serial;
pub use usage::{ExtendedKeyUsage, KeyUsage};
pub use validity::Validity;
