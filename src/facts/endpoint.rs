//! The control-plane endpoint.

use std::net::{IpAddr, Ipv6Addr};

use super::network;
use crate::x509::san::San;

/// Host and port that all control-plane nodes share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// The host, as it stands in the certificate of the API server.
    pub host: San,
    /// `https://host:port`, with host and port as they were written: kubeadm keeps the text.
    pub url: String,
    /// Whether its port was written, and is not the one that the API server binds to.
    pub has_port: bool,
}

impl Endpoint {
    /// Reads `host`, `host:port`, `[v6]:port` or a bare IPv6 address; the error is the reason.
    pub(super) fn parse(text: &str, bind_port: u16) -> Result<Self, String> {
        let default = bind_port.to_string();
        let (host, port) = split(text)?;
        let has_port = !port.is_empty();
        let port = if has_port { port } else { &default };
        network::port(port)?;
        Ok(Self {
            host: read_host(host)?,
            url: url(host, port),
            has_port,
        })
    }
}

/// What an IPv6 address without brackets may have been meant for: `fd00::100:8443` is one address,
/// and looks like another with a port.
pub(super) fn meant(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    let short = text.parse::<Ipv6Addr>().is_ok() && text.contains("::");
    let decimal = port.len() == 4 && port.bytes().all(|byte| byte.is_ascii_digit());
    let both = short && decimal && host.parse::<Ipv6Addr>().is_ok();
    both.then(|| format!("[{host}]:{port}"))
}

/// `https://host:port`, with brackets where the host is an IPv6 address.
pub(super) fn url(host: &str, port: &str) -> String {
    if host.contains(':') {
        format!("https://[{host}]:{port}")
    } else {
        format!("https://{host}:{port}")
    }
}

/// Host and port; the port is empty where none is given.
fn split(text: &str) -> Result<(&str, &str), String> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or("has a '[' without ']'")?;
        return match after.strip_prefix(':') {
            Some(port) if host.contains(':') => Ok((host, port)),
            _ => Err(
                "has brackets where none belong: write [IPV6]:PORT, or the address alone".into(),
            ),
        };
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') && !port.contains('/') => Ok((host, port)),
        // Anything with more colons is an IPv6 address, or nothing.
        _ => Ok((text, "")),
    }
}

fn read_host(host: &str) -> Result<San, String> {
    if host.starts_with('*') {
        return Err("is a wildcard: the endpoint is one host".into());
    }
    // Clients compare names without regard to case, but kubeadm refuses the same file.
    if host.parse::<IpAddr>().is_err() && host.contains(|c: char| c.is_ascii_uppercase()) {
        return Err("has upper case letters: write it in lower case".into());
    }
    San::parse(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_keeps_the_text_and_the_san_is_canonical() {
        for (text, host, url) in [
            (
                "api.example.com",
                "api.example.com",
                "https://api.example.com:6443",
            ),
            (
                "api.example.com:",
                "api.example.com",
                "https://api.example.com:6443",
            ),
            (
                "api.example.com:8443",
                "api.example.com",
                "https://api.example.com:8443",
            ),
            (
                "api.example.com:06443",
                "api.example.com",
                "https://api.example.com:06443",
            ),
            ("10.0.0.9:6444", "10.0.0.9", "https://10.0.0.9:6444"),
            ("fd12::1", "fd12::1", "https://[fd12::1]:6443"),
            (
                "[FD12:0:0::0001]:6443",
                "fd12::1",
                "https://[FD12:0:0::0001]:6443",
            ),
            (
                "[::ffff:10.0.0.1]:1",
                "10.0.0.1",
                "https://[::ffff:10.0.0.1]:1",
            ),
            ("cp1", "cp1", "https://cp1:6443"),
        ] {
            let endpoint = Endpoint::parse(text, 6443).unwrap();
            assert_eq!(
                (endpoint.host.to_string().as_str(), endpoint.url.as_str()),
                (host, url)
            );
        }
    }

    #[test]
    fn an_address_that_looks_like_one_with_a_port_is_noticed() {
        assert_eq!(meant("fd00::100:8443").as_deref(), Some("[fd00::100]:8443"));
        for text in [
            "[fd00::100]:8443",
            "fd00::100",
            "fd00::100:844",
            "fd00::100:84ab",
            "fd00::8443",
            "1:2:3:4:5:6:7:8443",
            "api:8443",
            "10.0.0.9:8443",
        ] {
            assert_eq!(meant(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_its_reason() {
        for (text, reason) in [
            ("api.example.com:70000", "1 to 65535"),
            ("api.example.com:0", "1 to 65535"),
            ("api.example.com:+1", "1 to 65535"),
            ("api.example.com:https", "1 to 65535"),
            ("bad_host:6443", "'_'"),
            ("API.Example.com:6443", "upper case"),
            ("*.example.com", "wildcard"),
            ("example.com.", "empty label"),
            ("010.0.0.9:6443", "leading zeros"),
            ("10.0.0.256:6443", "digits alone"),
            ("https://api.example.com", "URL"),
            ("[fd12::1]", "[IPV6]:PORT"),
            ("[api]:1", "[IPV6]:PORT"),
            ("[fd12::1", "without ']'"),
            (":6443", "empty"),
            ("1:2:3", "no IPv6 address"),
            ("fe80::1%eth0", "zone"),
        ] {
            let error = Endpoint::parse(text, 6443).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
