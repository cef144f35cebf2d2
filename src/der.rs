//! The little of DER (X.690) that keys, names and extensions need beyond what the parsers give.
//!
//! In: octets. Out: elements that borrow from them, or encoded octets. It knows no type of X.509, and keeps no secret: whoever
//! encodes a private key wipes the result.

use std::fmt;

/// BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// NULL.
pub const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
/// UTF8String.
pub const UTF8_STRING: u8 = 0x0c;
/// PrintableString.
pub const PRINTABLE_STRING: u8 = 0x13;
/// IA5String.
pub const IA5_STRING: u8 = 0x16;
/// SEQUENCE and SEQUENCE OF.
pub const SEQUENCE: u8 = 0x30;
/// SET and SET OF.
pub const SET: u8 = 0x31;

/// Why octets are not DER: a sentence without the place, which the caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DerError(&'static str);

impl fmt::Display for DerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl std::error::Error for DerError {}

/// One tag, length and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The identifier octet, class and constructed bit included.
    pub tag: u8,
    /// The value.
    pub content: &'a [u8],
    /// Tag, length and value as they stand in the input.
    pub raw: &'a [u8],
}

impl<'a> Element<'a> {
    /// The content, if the tag is the one expected.
    pub fn tagged(&self, tag: u8) -> Result<&'a [u8], DerError> {
        if self.tag == tag {
            Ok(self.content)
        } else {
            Err(DerError("another type stands where DER expects one"))
        }
    }
}

/// Reads the first element and returns what follows it. Lengths are strict: definite, minimal, within the input
/// (X.690, 10.1).
pub fn read(input: &[u8]) -> Result<(Element<'_>, &[u8]), DerError> {
    const SHORT: DerError = DerError("the DER ends too early");
    let (&tag, after_tag) = input.split_first().ok_or(SHORT)?;
    if tag & 0x1f == 0x1f {
        return Err(DerError("a DER tag above 30 is not supported"));
    }
    let (&first, after_first) = after_tag.split_first().ok_or(SHORT)?;
    let (length, value) = if first < 0x80 {
        (usize::from(first), after_first)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return Err(DerError("a DER length is indefinite or over 4 octets"));
        }
        let octets = after_first.get(..count).ok_or(SHORT)?;
        let length = octets
            .iter()
            .fold(0_usize, |sum, &octet| (sum << 8) | usize::from(octet));
        if octets[0] == 0 || length < 0x80 {
            return Err(DerError("a DER length is longer than needed"));
        }
        (length, &after_first[count..])
    };
    let content = value.get(..length).ok_or(SHORT)?;
    let (raw, rest) = input.split_at(input.len() - value.len() + length);
    Ok((Element { tag, content, raw }, rest))
}

/// Reads the one element that the input consists of.
pub fn only(input: &[u8]) -> Result<Element<'_>, DerError> {
    match read(input)? {
        (element, []) => Ok(element),
        _ => Err(DerError("octets follow the end of the DER")),
    }
}

/// The elements of a constructed value, in order.
pub fn children(content: &[u8]) -> Result<Vec<Element<'_>>, DerError> {
    let mut elements = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let (element, after) = read(rest)?;
        elements.push(element);
        rest = after;
    }
    Ok(elements)
}

/// The members of the one SEQUENCE that the input consists of.
pub fn sequence_members(input: &[u8]) -> Result<Vec<Element<'_>>, DerError> {
    children(only(input)?.tagged(SEQUENCE)?)
}

/// The octets of a BIT STRING's content without unused bits, as keys and signatures are.
pub fn whole_octets(bit_string: &[u8]) -> Result<&[u8], DerError> {
    match bit_string.split_first() {
        Some((0, octets)) => Ok(octets),
        _ => Err(DerError("a BIT STRING does not consist of whole octets")),
    }
}

/// The magnitude of an INTEGER's content without leading zeros; an error if it is negative, empty or padded.
pub fn positive_integer(content: &[u8]) -> Result<&[u8], DerError> {
    match content {
        [] => Err(DerError("an INTEGER is empty")),
        [0, second, ..] if *second < 0x80 => Err(DerError("an INTEGER is longer than needed")),
        [first, ..] if *first >= 0x80 => Err(DerError("an INTEGER is negative")),
        [0, magnitude @ ..] | magnitude => Ok(magnitude),
    }
}

/// The number of significant bits of a magnitude.
pub fn bit_length(magnitude: &[u8]) -> usize {
    let zeros = magnitude.iter().take_while(|&&octet| octet == 0).count();
    magnitude.get(zeros).map_or(0, |first| {
        (magnitude.len() - zeros) * 8 - first.leading_zeros() as usize
    })
}

/// The arcs of an OBJECT IDENTIFIER's content (X.690, 8.19). Arcs go to 128 bits, since those made from UUIDs do.
pub fn oid_arcs(content: &[u8]) -> Result<Vec<u128>, DerError> {
    const BAD: DerError = DerError("an OBJECT IDENTIFIER is malformed");
    if content.last().is_none_or(|last| last & 0x80 != 0) {
        return Err(BAD);
    }
    let mut numbers = Vec::new();
    let mut number = 0_u128;
    let mut starts = true;
    for &octet in content {
        if (starts && octet == 0x80) || number >> 121 != 0 {
            return Err(BAD);
        }
        number = (number << 7) | u128::from(octet & 0x7f);
        starts = octet & 0x80 == 0;
        if starts {
            numbers.push(number);
            number = 0;
        }
    }
    // The first two arcs share a number: 40 times the first, which is at most 2, plus the second.
    let first = (numbers[0] / 40).min(2);
    numbers[0] -= 40 * first;
    numbers.insert(0, first);
    Ok(numbers)
}

/// An OBJECT IDENTIFIER's content in dotted form, `2.5.4.3`.
pub fn oid_text(content: &[u8]) -> Result<String, DerError> {
    let arcs: Vec<String> = oid_arcs(content)?.iter().map(u128::to_string).collect();
    Ok(arcs.join("."))
}

/// Encodes one element.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    if let Ok(short @ 0..0x80) = u8::try_from(content.len()) {
        out.push(short);
    } else {
        let octets = content.len().to_be_bytes();
        let significant = &octets[content.len().leading_zeros() as usize / 8..];
        // A usize has at most 8 octets, so the count fits beside the flag.
        #[allow(clippy::cast_possible_truncation)]
        out.push(0x80 | significant.len() as u8);
        out.extend_from_slice(significant);
    }
    out.extend_from_slice(content);
    out
}

/// Encodes a SEQUENCE of parts that are encoded already.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

/// Encodes a SET OF: the parts, encoded already, in the order that DER demands (X.690, 11.6).
pub fn set_of(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    tlv(SET, &parts.concat())
}

/// Encodes an OBJECT IDENTIFIER, tag and length included. It has two arcs at least.
pub fn oid(components: &[u64]) -> Vec<u8> {
    let mut content = Vec::new();
    if let [first, second, rest @ ..] = components {
        push_base_128(u128::from(*first) * 40 + u128::from(*second), &mut content);
        for &arc in rest {
            push_base_128(u128::from(arc), &mut content);
        }
    }
    tlv(OBJECT_IDENTIFIER, &content)
}

fn push_base_128(number: u128, out: &mut Vec<u8>) {
    let groups = (128 - number.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        // Masked to seven bits.
        #[allow(clippy::cast_possible_truncation)]
        let low = (number >> (7 * group)) as u8 & 0x7f;
        out.push(if group == 0 { low } else { low | 0x80 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_short_as_der_demands_and_read_again() {
        let heads: [(usize, &[u8]); 6] = [
            (0, &[4, 0]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
            (65536, &[4, 0x83, 1, 0, 0]),
        ];
        for (length, head) in heads {
            let content = vec![7; length];
            let encoded = tlv(OCTET_STRING, &content);
            assert_eq!(encoded, [head, &content].concat(), "{length}");
            let followed = [encoded.as_slice(), &[5, 0]].concat();
            let (element, rest) = read(&followed).unwrap();
            assert_eq!(
                (element.tag, element.content, element.raw),
                (OCTET_STRING, &*content, &*encoded)
            );
            assert_eq!(rest, [5, 0]);
        }
    }

    #[test]
    fn lengths_that_are_no_der_are_refused() {
        let cases: [(&[u8], &str); 10] = [
            (&[], "the DER ends too early"),
            (&[4], "the DER ends too early"),
            (&[4, 1], "the DER ends too early"),
            (&[4, 0x82, 1], "the DER ends too early"),
            (&[4, 0x84, 0xff, 0xff, 0xff, 0xff], "the DER ends too early"),
            (
                &[0x30, 0x80, 0, 0],
                "a DER length is indefinite or over 4 octets",
            ),
            (
                &[4, 0x85, 1, 0, 0, 0, 0],
                "a DER length is indefinite or over 4 octets",
            ),
            (&[4, 0x81, 1, 0], "a DER length is longer than needed"),
            (&[4, 0x82, 0, 0x80], "a DER length is longer than needed"),
            (&[0x1f, 0x21, 0], "a DER tag above 30 is not supported"),
        ];
        for (input, reason) in cases {
            assert_eq!(read(input).unwrap_err().to_string(), reason, "{input:?}");
        }
    }

    #[test]
    fn elements_are_read_one_alone_or_all_in_order() {
        let two = [2, 1, 1, 5, 0];
        assert_eq!(
            only(&two).unwrap_err().to_string(),
            "octets follow the end of the DER"
        );
        let tags: Vec<u8> = children(&two)
            .unwrap()
            .iter()
            .map(|element| element.tag)
            .collect();
        assert_eq!(tags, [INTEGER, NULL]);
        assert!(children(&two[..4]).is_err());
        assert_eq!(children(&[]).unwrap(), []);
        assert_eq!(
            sequence_members(&sequence(&[&two[..3], &two[3..]]))
                .unwrap()
                .len(),
            2
        );
        assert!(sequence_members(&two[..3]).is_err());
        assert_eq!(
            only(&[BOOLEAN, 1, 0xff]).unwrap().tagged(BOOLEAN).unwrap(),
            [0xff]
        );
    }

    #[test]
    fn a_bit_string_of_whole_octets_has_no_unused_bits() {
        assert_eq!(whole_octets(&[0, 1, 2]).unwrap(), [1, 2]);
        assert!(whole_octets(&[1, 2]).is_err());
        assert!(whole_octets(&[]).is_err());
    }

    #[test]
    fn integers_are_positive_and_minimal() {
        assert_eq!(positive_integer(&[0]).unwrap(), [0_u8; 0]);
        assert_eq!(positive_integer(&[0, 0x80]).unwrap(), [0x80]);
        assert_eq!(positive_integer(&[0x7f, 0]).unwrap(), [0x7f, 0]);
        let cases: [(&[u8], &str); 3] = [
            (&[], "an INTEGER is empty"),
            (&[0, 0x7f], "an INTEGER is longer than needed"),
            (&[0x80], "an INTEGER is negative"),
        ];
        for (content, reason) in cases {
            assert_eq!(positive_integer(content).unwrap_err().to_string(), reason);
        }
    }

    #[test]
    fn bits_are_counted_from_the_first_that_is_set() {
        for (magnitude, bits) in [
            (&[][..], 0),
            (&[0, 0], 0),
            (&[1], 1),
            (&[0, 0x80, 0], 16),
            (&[3, 0], 10),
        ] {
            assert_eq!(bit_length(magnitude), bits, "{magnitude:?}");
        }
    }

    #[test]
    fn object_identifiers_are_encoded_and_read() {
        let cases: [(&[u64], &[u8], &str); 5] = [
            (&[2, 5, 4, 3], &[6, 3, 0x55, 4, 3], "2.5.4.3"),
            (
                &[1, 2, 840, 113_549],
                &[6, 6, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d],
                "1.2.840.113549",
            ),
            (&[2, 999, 3], &[6, 3, 0x88, 0x37, 3], "2.999.3"),
            (&[0, 39], &[6, 1, 39], "0.39"),
            (&[1, 0], &[6, 1, 40], "1.0"),
        ];
        for (arcs, encoded, text) in cases {
            assert_eq!(oid(arcs), encoded);
            assert_eq!(oid_text(&encoded[2..]).unwrap(), text);
        }
        let greatest = oid(&[2, 25, u64::MAX]);
        assert_eq!(
            oid_text(&greatest[2..]).unwrap(),
            "2.25.18446744073709551615"
        );
    }

    #[test]
    fn arcs_made_from_uuids_are_read() {
        // 2.25 and an arc of 128 bits: 18 groups of 7 and one of 2.
        let content = [&[0x69, 0x83][..], &[0xff; 17], &[0x7f]].concat();
        assert_eq!(oid_text(&content).unwrap(), format!("2.25.{}", u128::MAX));
        let too_great = [&[0x69, 0x87][..], &[0xff; 17], &[0x7f]].concat();
        assert!(oid_text(&too_great).is_err());
    }

    #[test]
    fn malformed_object_identifiers_are_refused() {
        for content in [&[][..], &[0x86], &[0x2a, 0x80, 1], &[0x80, 1]] {
            let error = oid_arcs(content).unwrap_err();
            assert_eq!(error.to_string(), "an OBJECT IDENTIFIER is malformed");
        }
    }

    #[test]
    fn members_of_a_set_are_sorted_by_their_encoding() {
        let (long, short, other) = (vec![4, 2, 0, 0], vec![4, 1, 9], vec![2, 1, 1]);
        let sorted = set_of(vec![long, short, other]);
        assert_eq!(sorted, [0x31, 10, 2, 1, 1, 4, 1, 9, 4, 2, 0, 0]);
    }
}
