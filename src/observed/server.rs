//! The URL of an API server, as a kubeconfig states it.

/// Whether client-go speaks TLS to it: it does so too where no scheme is stated.
pub fn is_verified(server: &str) -> bool {
    server
        .split_once("://")
        .is_none_or(|(scheme, _)| scheme.eq_ignore_ascii_case("https"))
}

/// Its host, without a port; none where it names none, or a port that nobody has.
pub fn host(server: &str) -> Option<&str> {
    let (host, port) = parts(server)?;
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let digits = digits && (port.is_empty() || port.parse::<u16>().is_ok());
    let visible = !host.contains(|c: char| c.is_whitespace() || c.is_control());
    (!host.is_empty() && visible && digits).then_some(host)
}

/// Its port, where one is stated.
pub fn port(server: &str) -> Option<u16> {
    parts(server)?.1.parse().ok()
}

/// Whether both lead to one server by TLS, however they are written.
pub fn same(one: &str, other: &str) -> bool {
    place(one) == place(other)
}

/// What two that are [`same`] have alike: host and port, or where nothing is spoken to by TLS the whole.
pub fn place(server: &str) -> Result<(String, u16), String> {
    let tls = host(server).filter(|_| is_verified(server));
    tls.map(|host| (host.to_ascii_lowercase(), port(server).unwrap_or(443)))
        .ok_or_else(|| server.to_owned())
}

/// Host and port as they stand there, without a user.
pub fn authority(server: &str) -> &str {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

fn parts(server: &str) -> Option<(&str, &str)> {
    let authority = authority(server);
    let (host, port) = match authority.strip_prefix('[') {
        Some(address) => address.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    match port {
        "" => Some((host, port)),
        port => Some((host, port.strip_prefix(':')?)),
    }
}

/// It, for who reads a message: without a password that it may have.
pub fn shown(server: &str) -> String {
    let (scheme, rest) = match server.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), server),
    };
    match rest.rsplit_once('@') {
        Some((_, rest)) => format!("{scheme}[elided]@{rest}"),
        None => server.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_server_is_what_its_certificate_is_held_against() {
        for (server, expected) in [
            ("https://10.0.0.10:6443", Some("10.0.0.10")),
            ("https://a.example/path?x#y", Some("a.example")),
            ("https://user:p:w@a:1", Some("a")),
            ("https://[fd00::1]:6443", Some("fd00::1")),
            ("https://[fd00::1]", Some("fd00::1")),
            ("10.0.0.10:6443", Some("10.0.0.10")),
            ("https://a:", Some("a")),
            ("https://a:x", None),
            ("https://", None),
            ("//a:1", None),
            (" https://a", None),
            ("https://a b", None),
            ("https://[fd00::1", None),
            ("https://[fd00::1]x", None),
            ("", None),
        ] {
            // A space before it makes a scheme that nobody knows.
            let found = host(server).filter(|_| is_verified(server));
            assert_eq!(found, expected, "{server}");
        }
    }

    #[test]
    fn where_it_leads_is_told_without_who_logs_in() {
        for (server, expected, port_of) in [
            ("https://user:p:w@a:1/x?y#z", "a:1", Some(1)),
            ("https://[fd00::1]:6443", "[fd00::1]:6443", Some(6443)),
            ("https://[fd00::1]", "[fd00::1]", None),
            ("a", "a", None),
            ("https://a:65536", "a:65536", None),
        ] {
            assert_eq!(authority(server), expected, "{server}");
            assert_eq!(port(server), port_of, "{server}");
        }
    }

    #[test]
    fn one_server_is_known_however_its_url_is_written() {
        let server = "https://api.example:443";
        for (other, expected) in [
            ("https://api.example:443", true),
            ("https://api.example:443/", true),
            ("HTTPS://API.example/x", true),
            ("https://user@api.example", true),
            ("api.example:443", true),
            ("https://api.example:6443", false),
            ("https://a.example:443", false),
            ("http://api.example:443", false),
            ("", false),
        ] {
            assert_eq!(same(other, server), expected, "{other}");
        }
    }

    #[test]
    fn only_https_is_verified() {
        for (server, expected) in [
            ("https://a", true),
            ("HTTPS://a", true),
            ("a:6443", true),
            ("http://a", false),
            ("ftp://a", false),
        ] {
            assert_eq!(is_verified(server), expected, "{server}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown("https://a:1/x"), "https://a:1/x");
        assert_eq!(shown("https://user:p/w@a:1"), "https://[elided]@a:1");
        assert_eq!(shown("user:pw@a:1"), "[elided]@a:1");
    }
}
