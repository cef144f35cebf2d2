//! PEM within another text: in base64, as in a Secret's manifest, or as an escaped text, as in JSON.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::holds_private_key;

/// A kubeconfig in a Secret has its key in base64 twice.
const DEEPEST: usize = 2;
/// A shorter text has no room for the first line of a key.
const SHORTEST: usize = 36;

/// Whether a text can have base64 of PEM in it, or of a kubeconfig, as YAML or JSON: few do, and to look for it takes
/// time.
pub fn may_embed(bytes: &[u8]) -> bool {
    let starts: [&[u8]; 3] = [b"LS0tLS1CRUdJT", b"YXBpVmVyc2lvb", b"eyJhcGlWZXJzaW9u"];
    starts.iter().any(|start| says(bytes, start))
}

/// Whether a private key is in a text, within another one: the text itself need be in no form, and may be cut short.
pub fn embeds_private_key(bytes: &[u8]) -> bool {
    is_within(bytes, DEEPEST)
}

fn is_within(bytes: &[u8], depth: usize) -> bool {
    let escaped: [&[u8]; 2] = [b"PRIVATE KEY-----\\n", b"PRIVATE KEY-----\\r\\n"];
    if escaped.iter().any(|marker| says(bytes, marker)) {
        return true;
    }
    let symbol = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    // Reserved in full, so that growing leaves no copy of a key behind.
    let mut run = Zeroizing::new(Vec::with_capacity(bytes.len()));
    for line in bytes.split(|byte| *byte == b'\n') {
        let words = line.trim_ascii().split(|byte| !symbol(byte));
        for (index, word) in words.enumerate() {
            // The first goes on with what the line before ended with, as in a block of YAML.
            if index > 0 {
                if is_of_key(&run, depth) {
                    return true;
                }
                run.clear();
            }
            run.extend_from_slice(word);
        }
    }
    is_of_key(&run, depth)
}

/// Whether a run of symbols is base64 of a text with a key. What follows the padding is of the next line.
fn is_of_key(run: &[u8], depth: usize) -> bool {
    let end = run.iter().position(|byte| *byte == b'=');
    let run = &run[..end.unwrap_or(run.len())];
    let whole = &run[..run.len() / 4 * 4];
    if whole.len() < SHORTEST || depth == 0 {
        return false;
    }
    let Some(text) = std::str::from_utf8(whole)
        .ok()
        .and_then(|text| Base64::decode_vec(text).ok())
        .map(Zeroizing::new)
    else {
        return false;
    };
    holds_private_key(&text) || is_within(&text, depth - 1)
}

/// Whether these words are in a text. Most octets are not the first of them, and cost one comparison each.
pub fn says(bytes: &[u8], words: &[u8]) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return true;
    };
    let mut all = bytes.iter().enumerate();
    all.any(|(index, byte)| byte == first && bytes[index + 1..].starts_with(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pem::{Label, encode};

    fn base64(bytes: &[u8]) -> String {
        Base64::encode_string(bytes)
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
                assert!(embeds_private_key(text.as_bytes()), "{text}");
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
            assert!(!embeds_private_key(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_can_embed_is_told_by_how_base64_begins() {
        let key = encode(Label::PrivateKey, &[7; 60]);
        let json = base64(b"{\"apiVersion\":\"v1\"}");
        for text in [&base64(key.as_bytes()), &base64(b"apiVersion: v1\n"), &json] {
            assert!(may_embed(format!("a: {text}").as_bytes()), "{text}");
        }
        assert!(!may_embed(b"apiVersion: v1\nkind: Secret\n"));
    }
}
