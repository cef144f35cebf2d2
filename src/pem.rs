//! PEM files (RFC 7468): text in, labelled DER out, and back.
//!
//! The blocks are read by rustls-pemfile. It passes over unknown labels, a byte order mark and a block without an end in
//! silence, so a scan of the lines comes first and names the line of whatever is wrong. No line of a block is ever quoted
//! in an error: it may be key material. What is returned is wiped when dropped; the reader's own buffer of base64 is not.

use std::fmt;

use base64ct::{Base64, Encoding};
use zeroize::{Zeroize, Zeroizing};

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
    let says = |word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
    says(b"BEGIN") || says(b"B\0E\0G\0I\0N")
}

/// Whether a file is one of certificates, be they usable or not.
pub fn holds_certificate(bytes: &[u8]) -> bool {
    let begin = b"-----BEGIN CERTIFICATE-----";
    bytes.windows(begin.len()).any(|window| window == begin)
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
            // What the block may take and no more: a file may be of a thousand blocks.
            let mut ends = rest.windows(END.len());
            let length = ends.position(|window| window == END).unwrap_or(rest.len());
            open = Some(Open::new(label, line, length));
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

fn not_text(bytes: &[u8]) -> Option<Fault> {
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => Some(Fault::ByteOrderMark),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(Fault::NotText),
        // A SEQUENCE: its length, or the zeros in every certificate and key, tell it from a text that starts with '0'.
        [0x30, second, ..] if *second >= 0x80 || bytes.contains(&0) => Some(Fault::Der),
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
mod tests {
    use super::*;
    use crate::oracle::run;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
    const KEY: &str =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAwQF\n-----END ENCRYPTED PRIVATE KEY-----\n";

    fn fault(text: impl AsRef<[u8]>) -> (usize, Fault) {
        let error = blocks(text.as_ref()).expect_err("the file is refused");
        (error.line, error.fault)
    }

    fn found(text: impl AsRef<[u8]>) -> Vec<(Label, Vec<u8>)> {
        let blocks = parse(text.as_ref()).unwrap();
        blocks
            .into_iter()
            .map(|block| (block.label, block.der.to_vec()))
            .collect()
    }

    #[test]
    fn a_private_key_is_seen_beside_what_cannot_be_read() {
        let unknown = "-----BEGIN DH PARAMETERS-----\nAAEC\n-----END DH PARAMETERS-----\n";
        let cut = &KEY[..KEY.len() - 40];
        let wide: Vec<u8> = KEY.bytes().flat_map(|byte| [byte, 0]).collect();
        for text in [
            format!("{CERTIFICATE}{KEY}{unknown}").into_bytes(),
            format!("{unknown}{KEY}").into_bytes(),
            format!("{CERTIFICATE}  {KEY}").into_bytes(),
            cut.as_bytes().to_vec(),
            format!("\u{feff}{KEY}").into_bytes(),
            KEY.replace("ENCRYPTED", "OPENSSH").into_bytes(),
            [&b"\xff\xfe"[..], &wide].concat(),
        ] {
            assert!(parse(&text).is_err());
            assert!(holds_private_key(&text), "{}", text.escape_ascii());
        }
        let without = format!("{CERTIFICATE}{unknown}the PRIVATE KEY is elsewhere\n");
        assert!(parse(without.as_bytes()).is_err() && !holds_private_key(without.as_bytes()));
    }

    #[test]
    fn blocks_of_every_label_are_read_in_order() {
        let text: String = (1..)
            .zip(Label::ALL)
            .map(|(octet, label)| encode(label, &[octet]).to_string())
            .collect();
        let expected: Vec<_> = (1..)
            .zip(Label::ALL)
            .map(|(octet, label)| (label, vec![octet]))
            .collect();
        assert_eq!(found(text), expected);
    }

    #[test]
    fn text_outside_blocks_and_other_line_ends_are_accepted() {
        let expected = vec![
            (Label::Certificate, vec![0, 1, 2]),
            (Label::EncryptedPrivateKey, vec![3, 4, 5]),
        ];
        let text = format!("subject=CN = x: y\n\n{CERTIFICATE}-- some text --\n{KEY}the end");
        assert_eq!(found(&text), expected);
        assert_eq!(found(text.replace('\n', "\r\n")), expected);
        assert_eq!(found(format!("{CERTIFICATE}{}", KEY.trim_end())), expected);
        assert_eq!(found(text.replace("AAEC", "AA\n\nEC  ")), expected);
        assert_eq!(found("no block at all\n"), vec![]);
        assert_eq!(found(""), vec![]);
    }

    #[test]
    fn trap_8_an_encrypted_key_is_found_and_not_passed_over() {
        assert_eq!(
            rustls_pemfile::read_one_from_slice(KEY.as_bytes()).unwrap(),
            None
        );
        assert_eq!(found(KEY), [(Label::EncryptedPrivateKey, vec![3, 4, 5])]);
    }

    #[test]
    fn trap_8_unknown_labels_are_refused_with_their_line() {
        for label in [
            "TRUSTED CERTIFICATE",
            "X509 CRL",
            "DSA PRIVATE KEY",
            "certificate",
            "CERTIFICATE ",
        ] {
            let text =
                format!("{CERTIFICATE}-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
            assert_eq!(fault(text), (4, Fault::UnknownLabel(label.into())));
        }
    }

    #[test]
    fn trap_8_a_byte_order_mark_and_utf_16_are_refused() {
        assert_eq!(
            fault(format!("\u{feff}{CERTIFICATE}")),
            (1, Fault::ByteOrderMark)
        );
        let units = |order: fn(u16) -> [u8; 2]| {
            CERTIFICATE
                .encode_utf16()
                .flat_map(order)
                .collect::<Vec<u8>>()
        };
        assert_eq!(fault(units(u16::to_le_bytes)), (1, Fault::NotText));
        assert_eq!(fault(units(u16::to_be_bytes)), (1, Fault::NotText));
        for mark in [[0xff, 0xfe], [0xfe, 0xff]] {
            assert_eq!(fault(mark), (1, Fault::NotText));
        }
    }

    #[test]
    fn trap_8_a_truncated_block_before_a_whole_one_is_refused() {
        let text = format!("-----BEGIN CERTIFICATE-----\nAAAA\n{CERTIFICATE}");
        // What the reader alone makes of it: one block of both.
        assert!(
            rustls_pemfile::read_one_from_slice(text.as_bytes())
                .unwrap()
                .is_some()
        );
        assert_eq!(fault(text), (1, Fault::NoEnd(Label::Certificate)));
    }

    #[test]
    fn a_begin_without_an_end_is_refused_with_the_line_of_the_begin() {
        let text = format!("{CERTIFICATE}{CERTIFICATE}");
        for cut in 1..text.len() {
            let text = &text[..cut];
            let rest = text.rsplit("-----END CERTIFICATE-----").next().unwrap();
            // Less than the word BEGIN cannot be told from text that stands after a block.
            let harmless = "-----BEGI".starts_with(rest.trim());
            assert_eq!(blocks(text.as_bytes()).is_ok(), harmless, "{text}");
        }
        assert_eq!(
            fault(&text[..text.len() - 30]),
            (4, Fault::NoEnd(Label::Certificate))
        );
    }

    #[test]
    fn an_end_without_a_begin_or_with_another_label_is_refused() {
        assert_eq!(
            fault(format!("{CERTIFICATE}-----END CERTIFICATE-----\n")),
            (4, Fault::EndWithoutBegin)
        );
        let text = CERTIFICATE.replace("END CERTIFICATE", "END PUBLIC KEY");
        assert_eq!(fault(text), (3, Fault::Mismatch(Label::Certificate)));
        let four_dashes = &CERTIFICATE[1..];
        assert_eq!(fault(four_dashes), (3, Fault::EndWithoutBegin));
    }

    #[test]
    fn begin_and_end_lines_are_exact() {
        let begins = [
            "-----BEGIN CERTIFICATE----",
            "-----BEGINCERTIFICATE-----",
            "-----BEGIN -----",
            "-----BEGIN CERTIFICATE----- x",
        ];
        for begin in begins {
            assert_eq!(
                fault(CERTIFICATE.replace("-----BEGIN CERTIFICATE-----", begin)),
                (1, Fault::Marker),
                "{begin}"
            );
        }
        let joined = format!("{}{CERTIFICATE}", CERTIFICATE.trim_end());
        assert_eq!(fault(joined), (3, Fault::Marker));
        assert_eq!(fault(format!("  {CERTIFICATE}")), (1, Fault::Indented));
        assert_eq!(fault(CERTIFICATE.replace('\n', "\r")), (1, Fault::Marker));
    }

    #[test]
    fn what_is_no_base64_is_refused_with_its_line_and_never_quoted() {
        for (body, line) in [
            ("AA*C", 2),
            ("AAEC\nAA-C", 3),
            ("AAEC\nSECRET: x", 3),
            ("AAE", 1),
            ("A===", 1),
            ("AA==AAEC", 1),
        ] {
            assert_eq!(
                fault(CERTIFICATE.replace("AAEC", body)),
                (line, Fault::Base64),
                "{body}"
            );
        }
        let error = blocks(CERTIFICATE.replace("AAEC", "AAEC\nSECRET: x").as_bytes()).unwrap_err();
        assert!(!error.to_string().contains("SECRET"));
        assert_eq!(fault(CERTIFICATE.replace("AAEC", "")), (1, Fault::Empty));
    }

    #[test]
    fn headers_inside_a_block_are_refused_by_name() {
        let text = CERTIFICATE.replace(
            "AAEC",
            "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAEC",
        );
        assert_eq!(fault(text), (2, Fault::Header("Proc-Type".into())));
    }

    #[test]
    fn what_may_be_a_key_is_not_told_as_the_name_of_a_header() {
        let longest = "N".repeat(32);
        let text = CERTIFICATE.replace("AAEC", &format!("{longest}: x"));
        assert_eq!(fault(text), (2, Fault::Header(longest)));
        let damaged = format!("{}:", "N".repeat(33));
        for line in [damaged.as_str(), "AA/C:", "AA+C:", "ÄAEC:"] {
            let text = CERTIFICATE.replace("AAEC", line);
            assert_eq!(fault(text), (2, Fault::Base64), "{line}");
        }
    }

    #[test]
    fn der_is_told_from_text() {
        assert_eq!(fault([0x30, 0x82, 1, 1]), (1, Fault::Der));
        let key = run(
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -outform DER",
            b"",
        );
        assert_eq!(fault(&key), (1, Fault::Der));
        assert_eq!(
            fault(run("openssl pkey -inform DER -pubout -outform DER", &key)),
            (1, Fault::Der)
        );
        assert_eq!(found("0 is how this text starts"), []);
    }

    #[test]
    fn every_fault_says_what_is_wrong_in_one_line() {
        let faults = [
            (Fault::Base64, "line 2: this is not base64"),
            (
                Fault::ByteOrderMark,
                "line 2: the file starts with a byte order mark",
            ),
            (Fault::Der, "line 2: the file is DER, not PEM"),
            (Fault::Empty, "line 2: the block is empty"),
            (
                Fault::EndWithoutBegin,
                "line 2: an END line without a BEGIN line",
            ),
            (
                Fault::Header("X".into()),
                "line 2: the block carries the PEM header \"X\"",
            ),
            (
                Fault::Indented,
                "line 2: a BEGIN line must start at the first column",
            ),
            (Fault::Marker, "line 2: a BEGIN or END line must consist"),
            (
                Fault::Mismatch(Label::PublicKey),
                "line 2: this END line does not match BEGIN PUBLIC KEY",
            ),
            (
                Fault::NoEnd(Label::PublicKey),
                "line 2: BEGIN PUBLIC KEY has no END line",
            ),
            (Fault::NotText, "line 2: the file is not text"),
            (
                Fault::UnknownLabel("X".into()),
                "line 2: a block with the label \"X\" is not supported",
            ),
        ];
        for (fault, start) in faults {
            let text = PemError { line: 2, fault }.to_string();
            assert!(text.starts_with(start) && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn certificates_are_collected_and_their_lack_is_an_error() {
        let text = format!("{CERTIFICATE}{KEY}{}", CERTIFICATE.replace("AAEC", "AwQF"));
        assert_eq!(
            certificates(text.as_bytes()).unwrap(),
            [[0, 1, 2], [3, 4, 5]]
        );
        let error = certificates(KEY.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no certificate: a block BEGIN CERTIFICATE is expected"
        );
        assert!(certificates(&CERTIFICATE.as_bytes()[..30]).is_err());
    }

    #[test]
    fn blocks_are_written_as_openssl_writes_them() {
        for length in [1, 47, 48, 49, 96, 1000] {
            let octets: Vec<u8> = (0..=255).cycle().take(length).collect();
            let text = encode(Label::PublicKey, &octets);
            let base64 = run("openssl base64", &octets);
            let lines = String::from_utf8(base64).unwrap();
            assert_eq!(
                *text,
                format!("-----BEGIN PUBLIC KEY-----\n{lines}-----END PUBLIC KEY-----\n")
            );
            assert_eq!(
                text.capacity(),
                text.len(),
                "nothing was moved while it grew"
            );
            assert_eq!(found(text.as_bytes()), [(Label::PublicKey, octets)]);
        }
    }

    #[test]
    fn debug_prints_nothing_of_the_content() {
        let block = parse(KEY.as_bytes()).unwrap().remove(0);
        assert_eq!(
            format!("{block:?}"),
            "Block(ENCRYPTED PRIVATE KEY, [elided])"
        );
    }

    /// Room for the whole file was once taken, and wiped, for each of its blocks: minutes for this one.
    #[test]
    fn a_file_of_very_many_blocks_takes_no_time_for_each_that_the_whole_takes() {
        let block = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let file = block.repeat((1 << 20) / block.len());
        let begin = std::time::Instant::now();
        assert_eq!(
            parse(file.as_bytes()).unwrap().len(),
            (1 << 20) / block.len()
        );
        assert!(begin.elapsed() < std::time::Duration::from_secs(20));
    }
}
