//! Private keys within another text: in base64, as in a Secret's manifest, or as an escaped text, as in JSON.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::holds_private_key;

/// A kubeconfig in a Secret has its key in base64 twice.
const DEEPEST: usize = 2;
/// A shorter text has no room for the first line of a key.
const SHORTEST: usize = 36;
/// Octets of DER: no key is larger, nor a PKCS#12 file of one.
const LARGEST: usize = 64 << 10;

const BEGIN: &[u8] = b"-----BEGIN";
/// The symbols of base64 that are those of [`BEGIN`] alone, and how many of a group of four stand before them: after 0,
/// 1 or 2 octets of what it stands behind.
const BEGINS: [(&[u8], usize); 3] = [
    (b"LS0tLS1CRUdJT", 0),
    (b"0tLS0tQkVHSU", 2),
    (b"tLS0tLUJFR0lO", 3),
];

/// Whether a private key is in a text, within another one: the text itself need be in no form, and may be cut short.
/// `is_key` says whether DER is one. To see that none is takes little time.
pub fn embeds_private_key(bytes: &[u8], is_key: &dyn Fn(&[u8]) -> bool) -> bool {
    is_within(bytes, DEEPEST, is_key)
}

fn is_within(bytes: &[u8], depth: usize, is_key: &dyn Fn(&[u8]) -> bool) -> bool {
    let escaped: [&[u8]; 2] = [b"PRIVATE KEY-----\\n", b"PRIVATE KEY-----\\r\\n"];
    if escaped.iter().any(|marker| says(bytes, marker)) {
        return true;
    }
    if depth == 0 {
        return false;
    }
    // What follows the padding is another text.
    let symbol = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let mut run = Run {
        // Reserved in full, so that growing leaves no copy of a key behind.
        symbols: Zeroizing::new(Vec::with_capacity(bytes.len())),
        words: Vec::new(),
    };
    for line in bytes.split(|byte| *byte == b'\n') {
        let words = uncommented(line).split(|byte| !symbol(byte));
        for (index, word) in words.enumerate() {
            // The first goes on with what the line before ended with, as in a block of YAML.
            if index > 0 {
                if run.holds(depth, is_key) {
                    return true;
                }
                run.symbols.clear();
                run.words.clear();
            }
            if !word.is_empty() {
                run.words.push(run.symbols.len());
                run.symbols.extend_from_slice(word);
            }
        }
    }
    run.holds(depth, is_key)
}

/// A line of what was put behind the marks of a comment or of a quotation, without them.
fn uncommented(line: &[u8]) -> &[u8] {
    let mark = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'#' | b';' | b'>');
    let marks = line.iter().take_while(|byte| mark(byte)).count();
    line[marks..].trim_ascii()
}

/// Symbols with nothing between them but line breaks.
struct Run {
    symbols: Zeroizing<Vec<u8>>,
    /// Where its words begin.
    words: Vec<usize>,
}

impl Run {
    /// Whether it is base64 of a key, or of a text with one.
    fn holds(&self, depth: usize, is_key: &dyn Fn(&[u8]) -> bool) -> bool {
        if self.symbols.len() < SHORTEST {
            return false;
        }
        let texts = self.texts().into_iter().flatten();
        texts
            .map(|start| decoded(&self.symbols[start..]))
            .any(|text| {
                let begin = text.windows(BEGIN.len()).position(|part| part == BEGIN);
                begin.is_some_and(|begin| holds_private_key(&text[begin..]))
                    || is_within(&text, depth - 1, is_key)
            })
            || self.holds_der(is_key)
    }

    /// Where base64 of a text begins, for each of the four ways to part the run into groups: with a word, or, whatever
    /// stands before it, where it can be of PEM.
    fn texts(&self) -> [Option<usize>; 4] {
        let mut texts = [None; 4];
        for &word in &self.words {
            let text = &mut texts[word % 4];
            if text.is_none() && is_text(&self.symbols[word..]) {
                *text = Some(word);
            }
        }
        for (begin, before) in BEGINS {
            for start in positions(&self.symbols, begin) {
                if let Some(start) = start.checked_sub(before) {
                    texts[start % 4].get_or_insert(start);
                }
            }
        }
        texts
    }

    fn holds_der(&self, is_key: &dyn Fn(&[u8]) -> bool) -> bool {
        let mut end = 0;
        for &word in &self.words {
            let symbols = &self.symbols[word..];
            // Nothing is decoded twice.
            if word < end || symbols[0] != b'M' {
                continue;
            }
            if let Some(length) = length_of_key(symbols) {
                let whole = symbols.len().min(length.div_ceil(3) * 4);
                let der = decoded(&symbols[..whole]);
                if is_key(&der[..der.len().min(length)]) {
                    return true;
                }
                end = word + whole;
            }
        }
        false
    }
}

/// What base64 says, to its last whole octet.
fn decoded(symbols: &[u8]) -> Zeroizing<Vec<u8>> {
    let (whole, rest) = symbols.split_at(symbols.len() / 4 * 4);
    let decode = |symbols: &[u8]| {
        let text = std::str::from_utf8(symbols).ok();
        text.and_then(|text| Base64::decode_vec(text).ok())
            .map_or_else(Zeroizing::default, Zeroizing::new)
    };
    let mut last = Zeroizing::new(*b"AAAA");
    last[..rest.len()].copy_from_slice(rest);
    let last = decode(&*last);
    let octets = last.len().min((rest.len() * 3) / 4);
    let whole = decode(whole);
    let mut all = Zeroizing::new(Vec::with_capacity(whole.len() + octets));
    all.extend_from_slice(&whole);
    all.extend_from_slice(&last[..octets]);
    all
}

/// Whether what this is base64 of begins as a text does.
fn is_text(symbols: &[u8]) -> bool {
    let Some(beginning) = symbols.get(..SHORTEST) else {
        return false;
    };
    let beginning = decoded(beginning);
    let text = match std::str::from_utf8(&beginning) {
        Ok(text) => Some(text),
        // Its last character is cut.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&beginning[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    let is_said = |c: char| !c.is_control() || c.is_ascii_whitespace();
    text.is_some_and(|text| text.chars().all(is_said))
}

/// How many octets DER has that begins as a private key does, in PKCS#1, SEC1 or PKCS#8, encrypted or not, or as a file
/// in PKCS#12; that one may be of an indefinite length.
fn length_of_key(symbols: &[u8]) -> Option<usize> {
    let head = decoded(symbols.get(..SHORTEST)?);
    let (length, content) = match head[..] {
        [0x30, 0x80, ..] => (LARGEST, &head[2..]),
        [0x30, length @ ..0x80, ..] => (2 + usize::from(length), &head[2..]),
        [0x30, 0x81, length, ..] => (3 + usize::from(length), &head[3..]),
        [0x30, 0x82, high, low, ..] => {
            (4 + usize::from(u16::from_be_bytes([high, low])), &head[4..])
        }
        _ => return None,
    };
    let key = matches!(content, [2, 1, 0 | 1 | 3, ..] | [0x30, _, 6, ..]);
    (key && length <= LARGEST).then_some(length)
}

fn positions<'a>(bytes: &'a [u8], words: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    // Most octets are not the first of them, and cost one comparison each.
    let starts = move |(index, byte): (usize, &u8)| {
        (Some(byte) == words.first() && bytes[index..].starts_with(words)).then_some(index)
    };
    bytes.iter().enumerate().filter_map(starts)
}

/// Whether these words are in a text.
pub fn says(bytes: &[u8], words: &[u8]) -> bool {
    words.is_empty() || positions(bytes, words).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::{INTEGER, OCTET_STRING, sequence, tlv};
    use crate::key::shape;
    use crate::pem::{Label, encode};

    fn base64(bytes: &[u8]) -> String {
        Base64::encode_string(bytes)
    }

    fn embeds(bytes: &[u8]) -> bool {
        embeds_private_key(bytes, &|der| shape(der).is_some())
    }

    /// DER in the form of a key in PKCS#8.
    fn pkcs8(octets: usize) -> Vec<u8> {
        let algorithm = sequence(&[&[6, 3, 43, 101, 112]]);
        sequence(&[
            &[INTEGER, 1, 0],
            &algorithm,
            &tlv(OCTET_STRING, &vec![7; octets]),
        ])
    }

    #[test]
    fn a_key_is_found_in_base64_however_it_is_written() {
        let key = encode(Label::EcPrivateKey, &[7; 120]);
        let both = format!("{}{}", *encode(Label::Certificate, &[7; 500]), *key);
        for pem in [key.as_str(), &both] {
            let data = base64(pem.as_bytes());
            let lines: Vec<&str> = (0..data.len())
                .step_by(60)
                .map(|start| &data[start..data.len().min(start + 60)])
                .collect();
            let wrapped = lines.join("\n    ");
            let kubeconfig = base64(format!("users:\n- client-key-data: {data}\n").as_bytes());
            for text in [
                format!("data:\n  tls.key: {data}\nkind: Secret\n"),
                format!("{{\"data\":{{\"tls.key\":\"{data}\"}},\"kind\":\"Secret\"}}"),
                format!("data:\n  tls.key: |\n    {wrapped}\nkind: Secret\n"),
                format!("data:\n  tls.key: >-\r\n    {wrapped}\r\ndata: x\r\n"),
                format!("data:\n  value: {kubeconfig}\n"),
                data.clone(),
                pem.replace('\n', "\\n"),
            ] {
                assert!(embeds(text.as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn words_are_found_wherever_they_are() {
        for (text, found) in [
            ("users", true),
            ("a users", true),
            ("ususers:", true),
            ("user", false),
            ("", false),
        ] {
            assert_eq!(says(text.as_bytes(), b"users"), found, "{text}");
        }
    }

    #[test]
    fn what_is_no_private_key_is_none() {
        let certificate = encode(Label::Certificate, &[7; 500]);
        for text in [
            String::new(),
            format!("data:\n  tls.crt: {}\n", base64(certificate.as_bytes())),
            certificate.replace('\n', "\\n"),
            certificate.to_string(),
            "A text on '-----BEGIN PRIVATE KEY-----'.\n".to_owned(),
            base64(&[0xff; 300]),
            "====".repeat(40),
        ] {
            assert!(!embeds(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_key_is_found_at_any_offset_of_what_base64_is_made_of() {
        let key = encode(Label::EcPrivateKey, &[7; 120]);
        let data = base64(key.as_bytes());
        for before in [
            "\n",
            "# x\n",
            "# xyz\n",
            "---\n",
            "subject=CN = a\nissuer=CN = b\n",
            "\u{fc}\n",
        ] {
            let text = base64(format!("{before}{}", *key).as_bytes());
            for text in [
                format!("tls.key: {text}\n"),
                format!("word\n{text}\n"),
                format!("KEY={text}"),
                base64(format!("{before}client-key-data: {data}\n").as_bytes()),
            ] {
                assert!(embeds(text.as_bytes()), "{before:?}: {text}");
            }
            let public = format!("{before}{}", *encode(Label::Certificate, &[7; 500]));
            assert!(!embeds(base64(public.as_bytes()).as_bytes()), "{before:?}");
        }
        // As a controller has the credentials of another cluster.
        let config = format!("{{\"tlsClientConfig\":{{\"keyData\":\"{data}\"}}}}");
        assert!(embeds(
            format!("config: {}\n", base64(config.as_bytes())).as_bytes()
        ));
    }

    #[test]
    fn der_of_a_key_is_found_in_base64() {
        for octets in [40, 41, 42, 200, 300, 5000] {
            let data = base64(&pkcs8(octets));
            let lines: Vec<&str> = (0..data.len())
                .step_by(76)
                .map(|start| &data[start..data.len().min(start + 76)])
                .collect();
            let wrapped = lines.join("\n  ");
            for text in [
                data.clone(),
                format!("data: {{k: {data}}}\n"),
                format!("k: |\n  {wrapped}\n"),
                format!("word\n{wrapped}"),
                base64(format!("{{\"key\": \"{data}\"}}").as_bytes()),
            ] {
                assert!(embeds(text.as_bytes()), "{text}");
            }
            // Cut short it is none.
            assert!(!embeds(&data.as_bytes()[..data.len() - 8]), "{octets}");
        }
        let public = sequence(&[&sequence(&[&[6, 3, 43, 101, 112]]), &tlv(3, &[0; 33])]);
        assert!(!embeds(base64(&public).as_bytes()));
        // Other DER that holds what looks like one.
        let other = tlv(OCTET_STRING, &pkcs8(60));
        assert!(!embeds(base64(&other).as_bytes()));
    }

    #[test]
    fn many_beginnings_take_no_more_time_than_few() {
        let line = format!("{}\n", &base64(&pkcs8(60_000))[..76]);
        let began = std::time::Instant::now();
        assert!(!embeds_private_key(line.repeat(10_000).as_bytes(), &|_| {
            false
        }));
        assert!(began.elapsed().as_secs() < 5);
    }
}
