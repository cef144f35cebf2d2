//! What shows that DER is a private key, be it of a kind that is not known here.

use crate::der::{self, INTEGER, OCTET_STRING, SEQUENCE};
use crate::pem::Label;

/// The form of a private key that is not encrypted, by its members alone: PKCS#1 (RFC 8017), PKCS#8 (RFC 5958) or
/// SEC1 (RFC 5915). None where it is something else.
pub fn shape(der: &[u8]) -> Option<Label> {
    let members = der::sequence_members(der).ok()?;
    let tags: Vec<u8> = members.iter().map(|member| member.tag).collect();
    match tags.as_slice() {
        [INTEGER, OCTET_STRING, ..] => Some(Label::EcPrivateKey),
        [INTEGER, SEQUENCE, OCTET_STRING, ..] => Some(Label::PrivateKey),
        tags if tags == [INTEGER; 9] => Some(Label::RsaPrivateKey),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::shape;
    use crate::der::{INTEGER, OCTET_STRING, sequence, tlv};
    use crate::pem::Label;

    #[test]
    fn a_private_key_is_known_by_its_members() {
        let (number, octets) = (tlv(INTEGER, &[1]), tlv(OCTET_STRING, &[4; 34]));
        let algorithm = sequence(&[&[6, 3, 43, 101, 112]]);
        for (der, label) in [
            (
                sequence(&[&number, &algorithm, &octets]),
                Some(Label::PrivateKey),
            ),
            (sequence(&[&number, &octets]), Some(Label::EcPrivateKey)),
            (sequence(&[&number[..]; 9]), Some(Label::RsaPrivateKey)),
            (sequence(&[&number[..]; 2]), None),
            (sequence(&[&algorithm, &octets]), None),
            (b"0 users".to_vec(), None),
        ] {
            assert_eq!(shape(&der), label, "{der:?}");
        }
    }
}
