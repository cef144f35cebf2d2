//! Name constraints (RFC 5280, 4.2.1.10): the names that a CA's certificates may have.
//!
//! Held against DNS names and addresses, the only ones that Kubernetes asks for. That another form
//! is constrained is known, and whether a name is within it is not.

use std::net::IpAddr;

use anyhow::{bail, ensure};

use super::San;
use super::extension::MOST_NAMES;
use crate::der;

/// What the extension says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameConstraints {
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subtree {
    /// A name and those below it; with a leading dot those below it alone.
    Dns(String),
    /// An address and the length of its network's prefix.
    Ip(IpAddr, u32),
    Other(Form),
}

/// A kind of name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Directory,
    Dns,
    Email,
    Ip,
    /// Of a kind that no verifier of Kubernetes' reads.
    Strange,
    Uri,
}

impl NameConstraints {
    /// Reads the value of the extension.
    pub fn parse(value: &[u8]) -> anyhow::Result<Self> {
        let mut constraints = Self::default();
        for member in der::sequence_members(value)? {
            let trees = match member.tag {
                0xa0 => &mut constraints.permitted,
                0xa1 => &mut constraints.excluded,
                _ => bail!("it is not encoded as RFC 5280 demands"),
            };
            for tree in der::children(member.content)? {
                // minimum and maximum, which may follow, are those of no form that is in use.
                let members = der::children(tree.tagged(der::SEQUENCE)?)?;
                let [base, ..] = members.as_slice() else {
                    bail!("it is not encoded as RFC 5280 demands");
                };
                trees.push(Subtree::parse(base)?);
                ensure!(
                    trees.len() <= MOST_NAMES,
                    "it has more than {MOST_NAMES} names"
                );
            }
        }
        Ok(constraints)
    }

    /// Whether this name is outside what is permitted, or within what is excluded. Of names other
    /// than DNS names and addresses that is not known: see `unread`.
    pub fn forbid(&self, san: &San) -> bool {
        let form = Form::of(san);
        let mut permitted = self.permitted.iter().filter(|tree| tree.form() == form);
        let within = |tree: &Subtree| tree.holds(san).unwrap_or(true);
        let outside = permitted.clone().next().is_some() && !permitted.any(within);
        let excluded = |tree: &&Subtree| tree.form() == form && tree.excludes(san);
        outside || self.excluded.iter().any(|tree| excluded(&tree))
    }

    /// Whether names of this one's kind are constrained in a way that is not read here.
    pub fn unread(&self, san: &San) -> bool {
        let form = Form::of(san);
        self.trees()
            .any(|tree| tree.form() == form && matches!(tree, Subtree::Other(_)))
    }

    /// Whether a subject could be outside of them. RFC 5280 holds directory names against it.
    pub fn about_subjects(&self) -> bool {
        self.trees().any(|tree| tree.form() == Form::Directory)
    }

    /// Whether Go, and with it Kubernetes, reads all of it. Where it does not, and the extension is
    /// critical, it refuses every chain through this CA.
    pub(super) fn read_by_kubernetes(&self) -> bool {
        !self
            .trees()
            .any(|tree| matches!(tree.form(), Form::Directory | Form::Strange))
    }

    fn trees(&self) -> impl Iterator<Item = &Subtree> {
        self.permitted.iter().chain(&self.excluded)
    }
}

impl Form {
    fn of(san: &San) -> Self {
        match san {
            San::Dns(_) => Self::Dns,
            San::Email(_) => Self::Email,
            San::Ip(_) => Self::Ip,
            San::Other(raw) if raw.first() == Some(&0xa4) => Self::Directory,
            San::Other(_) => Self::Strange,
            San::Uri(_) => Self::Uri,
        }
    }
}

impl Subtree {
    fn parse(base: &der::Element<'_>) -> anyhow::Result<Self> {
        Ok(match base.tag {
            0x81 => Self::Other(Form::Email),
            0x82 => {
                ensure!(base.content.is_ascii(), "a name has octets outside ASCII");
                let name = String::from_utf8_lossy(base.content);
                Self::Dns(name.to_ascii_lowercase())
            }
            0x86 => Self::Other(Form::Uri),
            0x87 => network(base.content)?,
            0xa4 => Self::Other(Form::Directory),
            _ => Self::Other(Form::Strange),
        })
    }

    fn form(&self) -> Form {
        match self {
            Self::Dns(_) => Form::Dns,
            Self::Ip(..) => Form::Ip,
            Self::Other(form) => *form,
        }
    }

    /// Whether this name is within; `None` where that is not known.
    fn holds(&self, san: &San) -> Option<bool> {
        match (self, san) {
            (Self::Dns(tree), San::Dns(name)) => Some(below(&name.to_ascii_lowercase(), tree)),
            (Self::Ip(network, length), San::Ip(address)) => {
                Some(same_prefix(*network, *address, *length))
            }
            _ => None,
        }
    }

    /// Whether a name is within that this one is, or stands for: `*.example` for `a.example` too.
    fn excludes(&self, san: &San) -> bool {
        if let (Self::Dns(tree), San::Dns(name)) = (self, san)
            && let Some(domain) = name.to_ascii_lowercase().strip_prefix("*.")
            && tree
                .trim_start_matches('.')
                .split_once('.')
                .is_some_and(|(_, parent)| parent == domain)
        {
            return !tree.starts_with('.');
        }
        self.holds(san).unwrap_or(false)
    }
}

/// Whether `name` is `tree` or has further labels before it.
fn below(name: &str, tree: &str) -> bool {
    if tree.is_empty() || tree.starts_with('.') {
        return name.ends_with(tree);
    }
    name.strip_suffix(tree)
        .is_some_and(|labels| labels.is_empty() || labels.ends_with('.'))
}

/// An address and its mask, each of 4 or 16 octets.
fn network(octets: &[u8]) -> anyhow::Result<Subtree> {
    let (address, mask) = octets.split_at(octets.len() / 2);
    let (address, bits, width): (IpAddr, u128, u32) =
        match (<[u8; 4]>::try_from(address), <[u8; 4]>::try_from(mask)) {
            (Ok(address), Ok(mask)) => (address.into(), u32::from_be_bytes(mask).into(), 32),
            _ => match (<[u8; 16]>::try_from(address), <[u8; 16]>::try_from(mask)) {
                (Ok(address), Ok(mask)) => (address.into(), u128::from_be_bytes(mask), 128),
                _ => bail!("a range of addresses has not 8 or 32 octets"),
            },
        };
    let length = bits.count_ones();
    let whole = bits.trailing_zeros().min(width) == width - length;
    ensure!(whole, "the mask of a range of addresses has holes");
    Ok(Subtree::Ip(address, length))
}

fn same_prefix(network: IpAddr, address: IpAddr, length: u32) -> bool {
    let differ = |difference: u128, width: u32| {
        // A shift by the whole width is none that the processor knows.
        difference.checked_shr(width - length).unwrap_or(0) != 0
    };
    match (network, address) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            !differ(u128::from(one.to_bits() ^ other.to_bits()), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => !differ(one.to_bits() ^ other.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(tag: u8, content: &[u8]) -> Vec<u8> {
        der::tlv(der::SEQUENCE, &der::tlv(tag, content))
    }

    fn dns(name: &str) -> Vec<u8> {
        tree(0x82, name.as_bytes())
    }

    fn constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> NameConstraints {
        NameConstraints::parse(&encoded(permitted, excluded)).unwrap()
    }

    fn encoded(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Vec<u8> {
        let mut members = Vec::new();
        for (tag, trees) in [(0xa0, permitted), (0xa1, excluded)] {
            if !trees.is_empty() {
                members.extend(der::tlv(tag, &trees.concat()));
            }
        }
        der::tlv(der::SEQUENCE, &members)
    }

    fn san(text: &str) -> San {
        San::parse(text).unwrap()
    }

    #[test]
    fn a_dns_name_is_within_a_tree_by_whole_labels() {
        for (tree, name, within) in [
            ("example.com", "example.com", true),
            ("example.com", "a.b.example.com", true),
            ("EXAMPLE.com", "a.example.com", true),
            ("example.com", "*.example.com", true),
            ("example.com", "notexample.com", false),
            ("example.com", "com", false),
            (".example.com", "a.example.com", true),
            (".example.com", "example.com", false),
            ("", "anything", true),
        ] {
            let permitted = constraints(&[dns(tree)], &[]);
            assert_eq!(!permitted.forbid(&san(name)), within, "{name} in {tree}");
            let excluded = constraints(&[], &[dns(tree)]);
            assert_eq!(excluded.forbid(&san(name)), within, "{name} in {tree}");
        }
    }

    #[test]
    fn a_wildcard_is_excluded_with_any_name_that_it_stands_for() {
        let excluded = constraints(&[], &[dns("a.example.com")]);
        assert!(excluded.forbid(&san("*.example.com")));
        assert!(!excluded.forbid(&san("*.com")) && !excluded.forbid(&san("b.example.com")));
        let below = constraints(&[], &[dns(".a.example.com")]);
        assert!(!below.forbid(&san("*.example.com")));
    }

    #[test]
    fn an_address_is_within_a_range_of_its_own_family() {
        let v4 = |address: [u8; 4], mask: [u8; 4]| tree(0x87, &[address, mask].concat());
        let mut v6 = vec![0; 32];
        (v6[0], v6[1], v6[16], v6[17]) = (0xfd, 0x00, 0xff, 0xff);
        let ten = v4([10, 0, 0, 0], [255, 0, 0, 0]);
        for (ranges, address, permitted) in [
            (vec![ten.clone()], "10.255.0.1", true),
            (vec![ten.clone()], "11.0.0.1", false),
            (vec![ten.clone()], "fd00::1", false),
            (vec![ten.clone(), tree(0x87, &v6)], "fd00::1", true),
            (vec![tree(0x87, &v6)], "fd01::1", false),
            (vec![v4([0; 4], [0; 4])], "192.0.2.1", true),
            (vec![v4([192, 0, 2, 1], [255; 4])], "192.0.2.1", true),
            (vec![v4([192, 0, 2, 1], [255; 4])], "192.0.2.2", false),
        ] {
            let constraints = constraints(&ranges, &[]);
            assert_eq!(!constraints.forbid(&san(address)), permitted, "{address}");
        }
    }

    #[test]
    fn a_form_that_is_not_constrained_is_permitted() {
        let constraints = constraints(&[dns("example.com")], &[dns("x.example.com")]);
        for other in [
            san("10.0.0.1"),
            San::Uri("spiffe://x".into()),
            San::Email("a@b".into()),
        ] {
            assert!(
                !constraints.forbid(&other) && !constraints.unread(&other),
                "{other}"
            );
        }
        assert!(constraints.forbid(&san("x.example.com")));
        assert!(!constraints.about_subjects() && constraints.read_by_kubernetes());
    }

    #[test]
    fn what_is_not_read_is_known_by_its_form() {
        let uris = constraints(&[tree(0x86, b".x")], &[]);
        let uri = San::Uri("spiffe://x".into());
        assert!(uris.unread(&uri) && !uris.forbid(&uri) && !uris.unread(&san("x")));
        assert!(uris.read_by_kubernetes());
        let email = constraints(&[], &[tree(0x81, b"b")]);
        assert!(email.unread(&San::Email("a@b".into())));
        let directory = constraints(&[tree(0xa4, &[0x30, 0])], &[]);
        assert!(directory.about_subjects() && !directory.read_by_kubernetes());
        let strange = constraints(&[tree(0x88, &[1])], &[]);
        assert!(!strange.about_subjects() && !strange.read_by_kubernetes());
    }

    #[test]
    fn what_is_no_name_constraints_is_an_error() {
        for value in [
            vec![],
            vec![0x30, 2, 0xa2, 0],
            encoded(&[vec![0x30, 0]], &[]),
            encoded(&[tree(0x87, &[10, 0, 0, 0])], &[]),
            encoded(&[tree(0x87, &[10, 0, 0, 0, 255, 0, 255, 0])], &[]),
            encoded(&[tree(0x82, &[0xff])], &[]),
        ] {
            assert!(NameConstraints::parse(&value).is_err(), "{value:02x?}");
        }
    }
}
