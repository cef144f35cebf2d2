//! Addresses, ports and ranges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::x509::san::{LEADING_ZEROS, leading_zeros};

/// Most host bits of a service range: the bitmap of the allocator is bounded.
const SERVICE_HOST_BITS: u8 = 20;
/// Fewest addresses of a service range.
const SERVICE_ADDRESSES: u32 = 10;

/// Reads an address in canonical form, an IPv4 address mapped into IPv6 as IPv4; the error is the reason.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    text.parse::<IpAddr>()
        .map(|address| address.to_canonical())
        .map_err(|_| {
            if leading_zeros(text) {
                LEADING_ZEROS.into()
            } else {
                "is no IPv4 or IPv6 address".into()
            }
        })
}

/// Why other nodes cannot reach a server at this address, if so; loopback is judged by the caller.
pub(super) fn unreachable(address: IpAddr) -> Option<&'static str> {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    if address.is_multicast() {
        Some("is a multicast address: give one of this machine")
    } else if link_local {
        Some("is a link-local address, which other networks cannot reach: give a global one")
    } else if address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        Some("is the broadcast address: give one of this machine")
    } else {
        None
    }
}

/// Whether an address can be a node's own, at which others reach it; the error is the reason.
pub(crate) fn of_a_node(address: IpAddr) -> Result<(), &'static str> {
    if address.is_unspecified() {
        return Err("is the unspecified address: a node has one of its own");
    }
    unreachable(address).map_or(Ok(()), Err)
}

/// Reads a TCP port; the error is the reason.
pub(super) fn port(text: &str) -> Result<u16, String> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    match text.parse() {
        Ok(port) if port > 0 && digits => Ok(port),
        _ => Err("has no usable port: ports are 1 to 65535".into()),
    }
}

/// A range of addresses, host bits cleared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cidr {
    network: IpAddr,
    host_bits: u8,
}

impl Cidr {
    fn parse(text: &str) -> Result<Self, String> {
        let no_range = || "is no range of addresses: give one such as 10.96.0.0/12".to_owned();
        if text.contains(char::is_whitespace) {
            return Err("contains a space: leave it out".into());
        }
        let (start, length) = text.split_once('/').ok_or_else(no_range)?;
        if leading_zeros(start) {
            return Err(LEADING_ZEROS.into());
        }
        let start: IpAddr = start.parse().map_err(|_| no_range())?;
        let width = if start.is_ipv4() { 32 } else { 128 };
        let plain = length.bytes().all(|octet| octet.is_ascii_digit())
            && (length == "0" || !length.starts_with('0'));
        let length: u8 = length
            .parse()
            .ok()
            .filter(|length| plain && *length <= width)
            .ok_or_else(|| format!("has no usable prefix length: 0 to {width} are possible"))?;
        let host_bits = width - length;
        let network = match start {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(host_bits.into()).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from(u32::from(v4) & mask))
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(host_bits.into()).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from(u128::from(v6) & mask))
            }
        };
        Ok(Self { network, host_bits })
    }

    /// The first address after the network's own.
    fn first(self) -> IpAddr {
        match self.network {
            IpAddr::V4(v4) => Ipv4Addr::from(u32::from(v4) | 1).into(),
            IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) | 1).into(),
        }
    }
}

/// Reads one range, or two of different families; the error is the reason.
pub(super) fn ranges(text: &str) -> Result<Vec<Cidr>, String> {
    let ranges: Vec<Cidr> = text.split(',').map(Cidr::parse).collect::<Result<_, _>>()?;
    match ranges[..] {
        [_] => Ok(ranges),
        [a, b] if a.network.is_ipv4() != b.network.is_ipv4() => Ok(ranges),
        _ => {
            Err("is more than one range of a family: give one, or an IPv4 and an IPv6 range".into())
        }
    }
}

/// The address of the service `kubernetes`: the first of the first range; the error is the reason.
pub(super) fn service_ip(text: &str) -> Result<IpAddr, String> {
    let ranges = ranges(text)?;
    for range in &ranges {
        if range.host_bits > SERVICE_HOST_BITS {
            let least = if range.network.is_ipv4() {
                "/12"
            } else {
                "/108"
            };
            return Err(format!(
                "is too large: {least} is the largest range of services"
            ));
        }
        if 1_u32 << range.host_bits < SERVICE_ADDRESSES {
            return Err(format!(
                "has fewer than {SERVICE_ADDRESSES} addresses, too few for services"
            ));
        }
    }
    Ok(ranges[0].first())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_address_is_the_first_of_the_first_range() {
        for (text, first) in [
            ("10.96.0.0/12", "10.96.0.1"),
            ("10.96.77.5/16", "10.96.0.1"),
            ("10.96.0.0/28", "10.96.0.1"),
            ("fd00::/108", "fd00::1"),
            ("fd00:10:96::/112,10.96.0.0/16", "fd00:10:96::1"),
            ("10.96.0.0/16,fd00:10:96::/112", "10.96.0.1"),
        ] {
            assert_eq!(
                service_ip(text).map(|address| address.to_string()),
                Ok(first.into()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_service_range_is_refused_with_its_reason() {
        for (text, reason) in [
            ("10.96.0.0/33", "0 to 32"),
            ("fd00::/129", "0 to 128"),
            ("10.96.0.0/+12", "0 to 32"),
            ("10.96.0.0/012", "0 to 32"),
            ("10.96.0.0/", "0 to 32"),
            ("10.96.0.0/8", "/12 is the largest"),
            ("0.0.0.0/0", "/12 is the largest"),
            ("::/0", "/108 is the largest"),
            ("fd00::/107", "/108 is the largest"),
            ("10.96.0.0/16,fd00::/64", "/108 is the largest"),
            ("10.96.0.0/29", "fewer than 10"),
            ("10.96.0.0/16,10.97.0.0/16", "one, or an IPv4 and an IPv6"),
            (
                "10.96.0.0/16,fd00::/112,fd01::/112",
                "one, or an IPv4 and an IPv6",
            ),
            ("10.96.0.0/16, fd00::/112", "space"),
            ("10.96.0.0/16,", "no range"),
            ("10.96.0.0", "no range"),
            ("010.096.0.0/16", "leading zeros"),
        ] {
            let error = service_ip(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn an_address_is_canonical_or_refused_with_its_reason() {
        assert_eq!(
            address("::ffff:10.0.0.10").unwrap().to_string(),
            "10.0.0.10"
        );
        assert_eq!(address("2001:DB8::0A").unwrap().to_string(), "2001:db8::a");
        assert!(
            address("300.1.2.3")
                .unwrap_err()
                .contains("no IPv4 or IPv6")
        );
        assert!(address("010.1.2.3").unwrap_err().contains("leading zeros"));
    }

    #[test]
    fn addresses_that_reach_no_other_machine_are_told() {
        for (text, reason) in [
            ("224.0.0.1", Some("multicast")),
            ("ff02::1", Some("multicast")),
            ("169.254.1.1", Some("link-local")),
            ("fe80::1", Some("link-local")),
            ("255.255.255.255", Some("broadcast")),
            ("10.0.0.1", None),
            ("127.0.0.1", None),
            ("fd00::1", None),
        ] {
            let found = unreachable(text.parse().unwrap());
            assert_eq!(found.is_some(), reason.is_some(), "{text}");
            assert!(
                found
                    .unwrap_or_default()
                    .contains(reason.unwrap_or_default()),
                "{text}"
            );
        }
    }
}
