//! Base64 for where `+`, `/` and `=` mean something else.

use base64ct::{Base64UrlUnpadded, Encoding};

/// RFC 4648 section 5, without padding, as JSON Web Keys have it (RFC 7515 section 2). Of nothing that is secret.
pub fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
