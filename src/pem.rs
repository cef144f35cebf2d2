//! PEM files (RFC 7468): text in, labelled DER out, and back.
//!
//! The blocks are read by rustls-pemfile. It passes over unknown labels, a byte order mark and a block without an end in
//! silence, so a scan of the lines comes first and names the line of whatever is wrong. No line of a block is ever quoted
//! in an error: it may be key material. What is returned is wiped when dropped; the reader's own buffer of base64 is not.

use std::fmt;
use std::io::BufRead as _;

use base64ct::{Base64, Encoding};
use zeroize::{Zeroize, Zeroizing};

mod fault;
mod url;
mod within;

pub use fault::{Fault, PemError};
pub use url::base64url;
pub use within::{embeds_private_key, says};

/// What a block may hold. A file with any other label is refused, not passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// `CERTIFICATE`, RFC 5280.
    Certificate,
    /// `CERTIFICATE REQUEST`, PKCS#10 (RFC 2986).
    CertificateRequest,
    /// `EC PARAMETERS`, a curve (RFC 5480), which OpenSSL writes before a SEC1 key.
    EcParameters,
    /// `EC PRIVATE KEY`, SEC1 (RFC 5915).
    EcPrivateKey,
    /// `ENCRYPTED PRIVATE KEY`, PKCS#8 (RFC 5958).
    EncryptedPrivateKey,
    /// `PRIVATE KEY`, PKCS#8 (RFC 5958).
    PrivateKey,
    /// `PUBLIC KEY`, SPKI (RFC 5280).
    PublicKey,
    /// `RSA PRIVATE KEY`, PKCS#1 (RFC 8017).
    RsaPrivateKey,
}

impl Label {
    const ALL: [Self; 8] = [
        Self::Certificate,
        Self::CertificateRequest,
        Self::EcParameters,
        Self::EcPrivateKey,
        Self::EncryptedPrivateKey,
        Self::PrivateKey,
        Self::PublicKey,
        Self::RsaPrivateKey,
    ];

    /// Whether such a block is to be kept secret.
    pub fn is_private(self) -> bool {
        match self {
            Self::EcPrivateKey
            | Self::EncryptedPrivateKey
            | Self::PrivateKey
            | Self::RsaPrivateKey => true,
            Self::Certificate | Self::CertificateRequest | Self::EcParameters | Self::PublicKey => {
                false
            }
        }
    }

    /// The words between the dashes.
    pub fn text(self) -> &'static str {
        match self {
            Self::Certificate => "CERTIFICATE",
            Self::CertificateRequest => "CERTIFICATE REQUEST",
            Self::EcParameters => "EC PARAMETERS",
            Self::EcPrivateKey => "EC PRIVATE KEY",
            Self::EncryptedPrivateKey => "ENCRYPTED PRIVATE KEY",
            Self::PrivateKey => "PRIVATE KEY",
            Self::PublicKey => "PUBLIC KEY",
            Self::RsaPrivateKey => "RSA PRIVATE KEY",
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.text())
    }
}

/// One block of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    /// What it says it is.
    pub label: Label,
    /// The decoded octets; not checked to be DER.
    pub der: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Block {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Block({}, [elided])", self.label)
    }
}

/// Every block of a file, in order; none is no error. Text outside blocks and CRLF are accepted.
/// The error names the line.
pub fn parse(bytes: &[u8]) -> anyhow::Result<Vec<Block>> {
    Ok(blocks(bytes)?)
}

/// Whether a file holds a private key, whatever else is in it. In one that cannot be read whole the
/// beginning of one is enough, of whatever kind and however damaged or, in UTF-16, spaced.
pub fn holds_private_key(bytes: &[u8]) -> bool {
    match blocks(bytes) {
        Ok(blocks) => blocks.iter().any(|block| block.label.is_private()),
        Err(_) => bytes
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .any(|line| {
                let text = line.iter().copied().filter(|byte| *byte != 0);
                let text: Zeroizing<Vec<u8>> = Zeroizing::new(text.collect());
                let says = |words: &[u8]| text.windows(words.len()).any(|window| window == words);
                says(b"BEGIN") && says(b"PRIVATE KEY")
            }),
    }
}

/// Whether there can be a block in a file, be it in UTF-16.
pub fn may_hold(bytes: &[u8]) -> bool {
    says(bytes, b"BEGIN") || says(bytes, b"B\0E\0G\0I\0N")
}

/// Whether a file is DER: a SEQUENCE, whose length, or the zeros in every certificate and key, tell it from a
/// text that starts with '0'.
pub fn is_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, second, ..] if *second >= 0x80 || bytes.contains(&0))
}

/// Whether a file is one of certificates, be they usable or not.
pub fn holds_certificate(bytes: &[u8]) -> bool {
    says(bytes, b"-----BEGIN CERTIFICATE-----")
}

/// The DER of every CERTIFICATE block, in order; an error if there is none.
pub fn certificates(bytes: &[u8]) -> anyhow::Result<Vec<Vec<u8>>> {
    let found: Vec<Vec<u8>> = blocks(bytes)?
        .into_iter()
        .filter(|block| block.label == Label::Certificate)
        .map(|block| block.der.to_vec())
        .collect();
    if found.is_empty() {
        anyhow::bail!("no certificate: a block BEGIN CERTIFICATE is expected");
    }
    Ok(found)
}

/// One block: 64 columns, LF, a final newline (RFC 7468, section 3, the strict form).
pub fn encode(label: Label, der: &[u8]) -> Zeroizing<String> {
    const COLUMNS: usize = 64;
    let base64 = Zeroizing::new(Base64::encode_string(der));
    let frame = "-----BEGIN -----\n-----END -----\n".len() + 2 * label.text().len();
    // Reserved in full, so that growing leaves no copy of a key behind.
    let mut out = Zeroizing::new(String::with_capacity(
        frame + base64.len() + base64.len().div_ceil(COLUMNS),
    ));
    for text in ["-----BEGIN ", label.text(), "-----\n"] {
        out.push_str(text);
    }
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(COLUMNS));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    for text in ["-----END ", label.text(), "-----\n"] {
        out.push_str(text);
    }
    out
}

/// What the last line of a block begins with.
const END: &[u8] = b"-----END";

/// As `parse`, for those who tell the faults apart.
pub(crate) fn blocks(bytes: &[u8]) -> Result<Vec<Block>, PemError> {
    if let Some(fault) = not_text(bytes) {
        return Err(PemError { line: 1, fault });
    }
    let mut found = Vec::new();
    let mut open: Option<Open> = None;
    let mut rest = bytes;
    for (line, text) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        rest = rest.get(text.len() + 1..).unwrap_or_default();
        let text = text.trim_ascii_end();
        let fault = |fault| PemError { line, fault };
        if let Some(marker) = text.strip_prefix(b"-----BEGIN") {
            if let Some(block) = open {
                return Err(block.cut_short());
            }
            let text = label_of(marker).ok_or(fault(Fault::Marker))?;
            let label = Label::ALL
                .into_iter()
                .find(|label| label.text() == text)
                .ok_or_else(|| fault(Fault::UnknownLabel(text)))?;
            open = Some(Open::new(label, line, until_dash(rest)));
        } else if let Some(marker) = text.strip_prefix(END) {
            let block = open.take().ok_or(fault(Fault::EndWithoutBegin))?;
            let text = label_of(marker).ok_or(fault(Fault::Marker))?;
            if text != block.label.text() {
                return Err(fault(Fault::Mismatch(block.label)));
            }
            found.push(block.decode()?);
        } else if let Some(block) = &mut open {
            block.push(text).map_err(fault)?;
        } else if text.trim_ascii_start().starts_with(b"-----BEGIN ") {
            return Err(fault(Fault::Indented));
        }
    }
    match open {
        Some(block) => Err(block.cut_short()),
        None => Ok(found),
    }
}

/// What a block that begins here may take and no more, for a file may be of a thousand: no line of base64 has a dash in it.
fn until_dash(mut bytes: &[u8]) -> usize {
    let all = bytes.len();
    bytes.skip_until(b'-').unwrap_or(all)
}

/// Whether it begins as signed data does (RFC 5652 sections 3 and 5.1), behind a length of whatever form.
fn is_pkcs7(der: &[u8]) -> bool {
    const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    (2..=6).any(|start| {
        der.get(start..)
            .is_some_and(|rest| rest.starts_with(SIGNED_DATA))
    })
}

fn not_text(bytes: &[u8]) -> Option<Fault> {
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => Some(Fault::ByteOrderMark),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(Fault::NotText),
        _ if is_der(bytes) && is_pkcs7(bytes) => Some(Fault::DerPkcs7),
        _ if is_der(bytes) => Some(Fault::Der),
        _ if bytes.contains(&0) => Some(Fault::NotText),
        _ => None,
    }
}

fn label_of(marker: &[u8]) -> Option<String> {
    let label = marker.strip_prefix(b" ")?.strip_suffix(b"-----")?;
    let printable = !label.is_empty() && !label.contains(&b'-');
    printable.then(|| String::from_utf8_lossy(label).into_owned())
}

/// The name of a header (RFC 1421, 4.6), `DEK-Info` or one like it.
fn header_name(line: &[u8]) -> Option<String> {
    const LONGEST: usize = 32;
    let colon = line.iter().position(|&byte| byte == b':')?;
    let name = std::str::from_utf8(&line[..colon]).ok()?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (name.len() <= LONGEST && name.bytes().all(allowed)).then(|| name.to_owned())
}

/// A block whose END line has not come yet.
struct Open {
    label: Label,
    line: usize,
    /// The block as the reader gets it: a frame of its own, and lines that have been looked at.
    text: Zeroizing<Vec<u8>>,
    frame: usize,
}

impl Open {
    /// Every block is handed over under one label: the reader passes over some that we need (ENCRYPTED PRIVATE KEY), and
    /// decodes this one in constant time.
    const BEGIN: &[u8] = b"-----BEGIN PRIVATE KEY-----\n";
    const END: &[u8] = b"\n-----END PRIVATE KEY-----\n";

    fn new(label: Label, line: usize, capacity: usize) -> Self {
        let mut text = Zeroizing::new(Vec::with_capacity(
            capacity + Self::BEGIN.len() + Self::END.len(),
        ));
        text.extend_from_slice(Self::BEGIN);
        Self {
            label,
            line,
            frame: text.len(),
            text,
        }
    }

    fn push(&mut self, line: &[u8]) -> Result<(), Fault> {
        // Headers come first, and their names are short; before any other colon may stand a key, with one character damaged.
        let first = self.text.len() == self.frame;
        if let (true, Some(name)) = (first, header_name(line)) {
            return Err(Fault::Header(name));
        }
        let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        if !line.iter().all(base64) {
            return Err(Fault::Base64);
        }
        self.text.extend_from_slice(line);
        Ok(())
    }

    fn decode(mut self) -> Result<Block, PemError> {
        let fault = |fault| PemError {
            line: self.line,
            fault,
        };
        if self.text.len() == self.frame {
            return Err(fault(Fault::Empty));
        }
        // The reader takes base64 without its padding, which is what a cut leaves.
        if !(self.text.len() - self.frame).is_multiple_of(4) {
            return Err(fault(Fault::Base64));
        }
        self.text.extend_from_slice(Self::END);
        match rustls_pemfile::read_one_from_slice(&self.text) {
            Ok(Some((rustls_pemfile::Item::Pkcs8Key(mut key), _))) => {
                let der = Zeroizing::new(key.secret_pkcs8_der().to_vec());
                key.zeroize();
                Ok(Block {
                    label: self.label,
                    der,
                })
            }
            _ => Err(fault(Fault::Base64)),
        }
    }

    fn cut_short(&self) -> PemError {
        PemError {
            line: self.line,
            fault: Fault::NoEnd(self.label),
        }
    }
}

#[cfg(test)]
mod tests;
