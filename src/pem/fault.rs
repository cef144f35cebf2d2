//! What keeps a file from being PEM, and what to do about it.

use std::fmt;

use super::Label;

/// Labels of PKCS#7 (RFC 7468 section 8), and OpenSSL's former one.
const PKCS7: [&str; 2] = ["PKCS7", "PKCS #7 SIGNED DATA"];

/// What is wrong with a file, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PemError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// The ways in which a file is not PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Something other than base64 in a block.
    Base64,
    /// The file starts with a UTF-8 byte order mark.
    ByteOrderMark,
    /// The file is DER.
    Der,
    /// The file is DER of PKCS#7, as many CAs answer.
    DerPkcs7,
    /// A block with nothing in it.
    Empty,
    /// An END line with no BEGIN line before it.
    EndWithoutBegin,
    /// A header (RFC 1421), by its name; `Proc-Type` announces encryption.
    Header(String),
    /// A BEGIN line with blanks before it.
    Indented,
    /// A BEGIN or END line that lacks dashes or carries something behind them.
    Marker,
    /// The END line names something other than this label.
    Mismatch(Label),
    /// No END line follows the BEGIN line.
    NoEnd(Label),
    /// NUL octets: UTF-16, or no text at all.
    NotText,
    /// A label that this program has no use for.
    UnknownLabel(String),
}

impl fmt::Display for PemError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: ", self.line)?;
        match &self.fault {
            Fault::Base64 => out.write_str("this is not base64: copy the block again"),
            Fault::ByteOrderMark => {
                out.write_str("the file starts with a byte order mark: save it as UTF-8 without one")
            }
            Fault::Der => out.write_str(
                "the file is DER, not PEM: convert it with 'openssl x509' or 'openssl pkey' and -inform der",
            ),
            Fault::DerPkcs7 => out.write_str(
                "the file is PKCS#7 in DER: take the certificates out with 'openssl pkcs7 -inform der -print_certs -in FILE'",
            ),
            Fault::UnknownLabel(label) if PKCS7.contains(&&**label) => out.write_str(
                "the file is PKCS#7: take the certificates out with 'openssl pkcs7 -print_certs -in FILE'",
            ),
            Fault::Empty => out.write_str("the block is empty"),
            Fault::EndWithoutBegin => {
                out.write_str("an END line without a BEGIN line: the start of the block is missing or misspelt")
            }
            Fault::Header(name) => {
                write!(out, "the block carries the PEM header {name:?}, which is not supported: remove it")
            }
            Fault::Indented => out.write_str("a BEGIN line must start at the first column: remove the indentation"),
            Fault::Marker => out.write_str(
                "a BEGIN or END line must consist of five dashes, the label and five dashes, and nothing else",
            ),
            Fault::Mismatch(label) => write!(out, "this END line does not match BEGIN {label}"),
            Fault::NoEnd(label) => {
                write!(out, "BEGIN {label} has no END line: the file is cut short, copy it again")
            }
            Fault::NotText => out.write_str("the file is not text: save it as UTF-8, not as UTF-16"),
            Fault::UnknownLabel(label) => write!(
                out,
                "a block with the label {label:?} is not supported: remove it or convert it"
            ),
        }
    }
}

impl std::error::Error for PemError {}
