//! Minimal DER.

/// One element: tag, length, content.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 128 => out.push(length),
        _ => {
            let length = content.len().to_be_bytes();
            let skip = length.iter().take_while(|octet| **octet == 0).count();
            let octets = &length[skip..];
            out.push(0x80 | u8::try_from(octets.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(octets);
        }
    }
    out.extend_from_slice(content);
    out
}
