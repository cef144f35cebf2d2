//! One attribute of a name: its type, its string type, its value.

use anyhow::bail;

use crate::der::{self, Element};

/// The attribute types with a name of their own: name, object identifier. The first of those with the same identifier is the
/// one that is written. RFC 4519 and RFC 2985; SN is the surname, as in both and in OpenSSL.
const TYPES: [(&str, &str); 17] = [
    ("C", "2.5.4.6"),
    ("CN", "2.5.4.3"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
    ("E", "1.2.840.113549.1.9.1"),
    ("GN", "2.5.4.42"),
    ("L", "2.5.4.7"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("postalCode", "2.5.4.17"),
    ("serialNumber", "2.5.4.5"),
    ("SN", "2.5.4.4"),
    ("ST", "2.5.4.8"),
    ("S", "2.5.4.8"),
    ("street", "2.5.4.9"),
    ("title", "2.5.4.12"),
    ("UID", "0.9.2342.19200300.100.1.1"),
];

/// Type, and text or else the value's DER content.
pub(super) type Meaning<'a> = (&'a str, Result<String, &'a [u8]>);

/// AttributeTypeAndValue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    /// The type's object identifier, dotted.
    pub kind: String,
    /// The type, encoded.
    oid: Vec<u8>,
    /// The tag of the value: the string type.
    tag: u8,
    /// The value without tag and length.
    content: Vec<u8>,
}

impl Attribute {
    /// The identifier that a type is known by: a name in any case, or an object identifier in dotted form.
    pub(super) fn kind_of(name: &str) -> anyhow::Result<String> {
        if let Some((_, oid)) = TYPES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
        {
            return Ok((*oid).into());
        }
        if !name.starts_with(|first: char| first.is_ascii_digit()) {
            let mut known: Vec<&str> = TYPES.iter().map(|(known, _)| *known).collect();
            known.dedup();
            bail!(
                "{name:?} is no attribute type: use {} or an object identifier",
                known.join(", ")
            );
        }
        match arcs(name) {
            Some(_) => Ok(name.into()),
            None => bail!("{name:?} is no object identifier, such as 2.5.4.97"),
        }
    }

    /// From text, with the string type that kubeadm chooses: PrintableString if all characters allow it, else UTF8String.
    pub(super) fn from_text(kind: &str, text: &str) -> Self {
        let tag = if text.bytes().all(is_printable) {
            der::PRINTABLE_STRING
        } else {
            der::UTF8_STRING
        };
        Self::new(kind, tag, text.as_bytes())
    }

    /// From text that a person gave: checked, and with the string type that the standard demands of some types.
    pub(super) fn from_checked_text(kind: &str, text: &str) -> anyhow::Result<Self> {
        match kind {
            "2.5.4.6" => {
                if text.len() != 2 || !text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
                    bail!("a country (C) is two letters, such as CN, not {text:?}");
                }
                Ok(Self::new(kind, der::PRINTABLE_STRING, text.as_bytes()))
            }
            "0.9.2342.19200300.100.1.25" | "1.2.840.113549.1.9.1" => {
                if !text.is_ascii() {
                    bail!("a DC or an e-mail address is ASCII, {text:?} is not");
                }
                Ok(Self::new(kind, der::IA5_STRING, text.as_bytes()))
            }
            _ => Ok(Self::from_text(kind, text)),
        }
    }

    /// From a value that is given as DER.
    pub(super) fn from_value(kind: &str, value: &[u8]) -> anyhow::Result<Self> {
        let value = der::only(value)?;
        Ok(Self::new(kind, value.tag, value.content))
    }

    pub(super) fn from_der(attribute: &Element<'_>) -> anyhow::Result<Self> {
        let members = der::children(attribute.tagged(der::SEQUENCE)?)?;
        let [kind, value] = members.as_slice() else {
            bail!("an attribute consists of type and value");
        };
        Ok(Self {
            kind: der::oid_text(kind.tagged(der::OBJECT_IDENTIFIER)?)?,
            oid: kind.raw.to_vec(),
            tag: value.tag,
            content: value.content.to_vec(),
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        der::sequence(&[&self.oid, &self.value()])
    }

    /// The value, DER.
    pub(super) fn value(&self) -> Vec<u8> {
        der::tlv(self.tag, &self.content)
    }

    /// The type's name, if it has one.
    pub(super) fn name(&self) -> Option<&'static str> {
        TYPES
            .iter()
            .find(|(_, oid)| *oid == self.kind)
            .map(|(name, _)| *name)
    }

    /// The value as text; none if the string type is unknown, or the octets are not of it.
    pub(super) fn text(&self) -> Option<String> {
        let content = self.content.as_slice();
        match self.tag {
            der::UTF8_STRING => String::from_utf8(content.to_vec()).ok(),
            // NumericString, PrintableString, IA5String, VisibleString.
            0x12 | 0x13 | 0x16 | 0x1a => content
                .is_ascii()
                .then(|| String::from_utf8_lossy(content).into_owned()),
            // TeletexString (T61): what all makers of certificates put into it is ISO 8859-1.
            0x14 => Some(content.iter().copied().map(char::from).collect()),
            // UniversalString.
            0x1c => content
                .chunks(4)
                .map(|octets| char::from_u32(u32::from_be_bytes(octets.try_into().ok()?)))
                .collect(),
            // BMPString.
            0x1e => {
                let units = content
                    .chunks(2)
                    .map(|octets| Some(u16::from_be_bytes(octets.try_into().ok()?)));
                String::from_utf16(&units.collect::<Option<Vec<u16>>>()?).ok()
            }
            _ => None,
        }
    }

    /// What the attribute says, whatever its string type.
    pub(super) fn meaning(&self) -> Meaning<'_> {
        (&self.kind, self.text().ok_or(&self.content))
    }

    /// The same, whatever the case and the blanks.
    pub(super) fn folded(&self) -> Meaning<'_> {
        let (kind, value) = self.meaning();
        let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        (kind, value.map(|text| words(text.to_lowercase())))
    }

    fn new(kind: &str, tag: u8, content: &[u8]) -> Self {
        Self {
            kind: kind.into(),
            oid: der::oid(&arcs(kind).unwrap_or_default()),
            tag,
            content: content.to_vec(),
        }
    }
}

/// The arcs of a dotted object identifier, if X.660 allows them.
fn arcs(dotted: &str) -> Option<Vec<u64>> {
    let arc = |text: &str| {
        let canonical = text == "0" || !text.starts_with('0');
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        (canonical && digits).then(|| text.parse().ok()).flatten()
    };
    let arcs: Vec<u64> = dotted.split('.').map(arc).collect::<Option<_>>()?;
    match arcs.as_slice() {
        [0 | 1, 0..40, ..] | [2, _, ..] => Some(arcs),
        _ => None,
    }
}

/// The characters of a PrintableString (X.680, 41.4).
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}
