use super::*;

fn dns(name: &str) -> San {
    San::Dns(name.into())
}

fn ip(text: &str) -> San {
    San::Ip(text.parse().unwrap())
}

#[test]
fn addresses_become_canonical() {
    for (text, canonical) in [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
    ] {
        let san = San::parse(text).unwrap();
        assert!(matches!(san, San::Ip(_)), "{text}");
        assert_eq!(san.to_string(), canonical);
    }
}

#[test]
fn what_is_shown_is_read_as_what_it_was() {
    for san in [
        dns("a.example"),
        dns("UPPER.example"),
        ip("fd00::1"),
        San::Uri("spiffe://x/y".into()),
        San::Email("a@example.com".into()),
        San::Other(vec![0x88, 2, 0x2a, 3]),
    ] {
        assert_eq!(San::from_shown(&san.to_string()), Ok(san));
    }
    for wrong in [
        "other:88022a",
        "other:8",
        "other:zz",
        "URI:",
        "email:\u{fc}@x",
        "a_b",
    ] {
        assert!(San::from_shown(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn names_become_lower_case() {
    for (text, name) in [
        ("API.Example.COM", "api.example.com"),
        ("*.Z.example.com", "*.z.example.com"),
        ("xn--80ak6aa92e.com", "xn--80ak6aa92e.com"),
        ("12345", "12345"),
        ("1.example", "1.example"),
    ] {
        assert_eq!(San::parse(text), Ok(dns(name)));
    }
}

#[test]
fn what_is_neither_name_nor_address_is_refused_with_its_reason() {
    let long_label = format!("{}.example", "a".repeat(64));
    let long_name = ["a".repeat(63).as_str(); 4].join(".");
    let long_wildcard = format!("*.{}", &long_name[..252]);
    for (text, reason) in [
        ("", "is empty"),
        ("bad_name.example.com", "'_'"),
        ("ex ample", "' '"),
        ("foo!", "'!'"),
        ("*", "'*'"),
        ("*.*.example.com", "'*'"),
        ("a.*.example.com", "'*'"),
        ("https://api.example.com:6443", "URL"),
        ("api.example.com:6443", "port"),
        ("[::1]:6443", "brackets"),
        ("10.0.0.0/8", "range"),
        ("fe80::1%eth0", "zone"),
        ("1::2::3", "no IPv6 address"),
        ("010.1.2.3", "leading zeros"),
        ("10.0.0.256", "digits alone"),
        ("1.2.3.4.5", "digits alone"),
        ("example.com.", "empty label"),
        ("a..b", "empty label"),
        ("-a.example", "starts or ends with '-'"),
        ("a-.example", "starts or ends with '-'"),
        ("bücher.example", "xn--"),
        (&long_label, "label of 64"),
        (&long_name, "has 255 characters"),
        (&long_wildcard, "has 254 characters"),
    ] {
        let error = San::parse(text).unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn a_dns_subdomain_has_no_upper_case() {
    assert!(dns_subdomain("cluster.local").is_ok());
    assert!(
        dns_subdomain("Cluster.Local")
            .unwrap_err()
            .contains("upper case")
    );
    assert!(dns_label("a.b").unwrap_err().contains("'.'"));
    assert_eq!(dns_label(&"a".repeat(63)), Ok(()));
}

#[test]
fn names_are_sorted_and_addresses_keep_their_order() {
    let sans = vec![
        ip("10.0.0.9"),
        dns("kubernetes.default"),
        dns("*.z"),
        San::Uri("spiffe://x".into()),
        dns("kubernetes"),
        ip("10.0.0.1"),
        dns("1.z"),
        ip("10.0.0.9"),
        San::Email("a@b".into()),
        dns("kubernetes"),
    ];
    let texts: Vec<String> = ordered(sans).iter().map(San::to_string).collect();
    assert_eq!(
        texts,
        [
            "*.z",
            "1.z",
            "kubernetes",
            "kubernetes.default",
            "10.0.0.9",
            "10.0.0.1",
            "URI:spiffe://x",
            "email:a@b"
        ]
    );
}

#[test]
fn no_two_names_are_shown_alike() {
    let texts = [
        "10.0.0.9",
        "a.example",
        "A.example",
        "a@b",
        "00",
        "::1",
        "DNS:x",
        "x",
    ];
    let mut shown = HashSet::new();
    for text in texts {
        let text = text.to_owned();
        let mut sans = vec![
            San::Dns(text.clone()),
            San::Email(text.clone()),
            San::Other(text.clone().into_bytes()),
            San::Uri(text.clone()),
        ];
        sans.extend(text.parse().map(San::Ip));
        for san in sans {
            assert!(shown.insert(san.to_string()), "{san:?} is shown as {san}");
        }
    }
    assert!(shown.contains("10.0.0.9") && shown.contains("DNS:10.0.0.9"));
    assert!(shown.contains("a.example") && shown.contains("DNS:A.example"));
}

#[test]
fn general_names_have_the_tags_of_the_standard() {
    let other = vec![0xA4, 0x02, 0x30, 0x00];
    let sans = [
        San::Email("e".into()),
        dns("a"),
        San::Uri("u".into()),
        ip("10.0.0.1"),
        ip("::ffff:10.0.0.1"),
        ip("::1"),
        San::Other(other.clone()),
    ];
    let mut content = vec![0x81, 1, b'e', 0x82, 1, b'a', 0x86, 1, b'u'];
    content.extend([0x87, 4, 10, 0, 0, 1, 0x87, 4, 10, 0, 0, 1, 0x87, 16]);
    content.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    content.extend(&other);
    let mut expected = vec![0x30, u8::try_from(content.len()).unwrap()];
    expected.extend(content);
    assert_eq!(encode(&sans), expected);
    assert_eq!(San::Other(other).to_string(), "other:a4023000");
}
