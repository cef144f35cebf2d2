use super::*;
use crate::oracle::{run, text};
use crate::x509::Certificate;

/// A certificate of OpenSSL's with a subject from a configuration section, in the string types of a mask.
fn certificate(subject: &str, mask: &str) -> Certificate {
    let config = format!(
        "[req]\nprompt=no\nutf8=yes\nstring_mask={mask}\ndistinguished_name=dn\n[dn]\n{subject}\n"
    );
    let script = "openssl req -x509 -config /dev/stdin -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
                  -nodes -keyout /dev/null 2>/dev/null";
    Certificate::from_pem(&run(script, config.as_bytes()))
        .unwrap()
        .remove(0)
}

/// The subject as OpenSSL writes it by RFC 2253, UTF-8 unescaped.
fn by_openssl(certificate: &Certificate) -> String {
    let script = "openssl x509 -noout -subject -nameopt RFC2253,-esc_msb,utf8";
    let line = text(script, certificate.to_pem().as_bytes());
    line.strip_prefix("subject=").unwrap().into()
}

/// The subject that `openssl req -subj` makes.
fn subj(text: &str) -> Name {
    let script = format!(
        "openssl req -x509 -config <(printf '[req]\\ndistinguished_name=dn\\n[dn]\\n') -utf8 -multivalue-rdn -subj '{text}' \
         -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null 2>/dev/null"
    );
    Certificate::from_pem(&run(&script, b""))
        .unwrap()
        .remove(0)
        .subject
}

fn parsed(text: &str) -> Name {
    Name::parse(text).unwrap_or_else(|error| panic!("{error:#}"))
}

#[test]
fn a_subject_is_encoded_as_kubeadm_encodes_it() {
    let name = Name::new(&["kubeadm:cluster-admins"], "kubernetes-admin");
    let expected = [
        b"\x30\x3c\x31\x1f\x30\x1d\x06\x03\x55\x04\x0a\x13\x16kubeadm:cluster-admins".as_slice(),
        b"\x31\x19\x30\x17\x06\x03\x55\x04\x03\x13\x10kubernetes-admin",
    ]
    .concat();
    assert_eq!(name.der(), expected);
    assert_eq!(
        Name::new(&[], "x").der(),
        b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01x"
    );
}

#[test]
fn trap_2_several_organizations_are_one_rdn_in_the_order_of_der_and_duplicates_stay() {
    let name = Name::new(&["ops", "b", "a", "dev", "a"], "x");
    assert_eq!(name.organizations(), ["a", "a", "b", "dev", "ops"]);
    assert_eq!(name.to_string(), "CN=x,O=a+O=a+O=b+O=dev+O=ops");
    assert_eq!(
        Name::from_der(name.der()).unwrap().to_string(),
        name.to_string()
    );
}

#[test]
fn text_is_printable_string_where_that_allows_it() {
    let tag = |text: &str| Name::new(&[], text).der()[11];
    for printable in ["", "AZaz09 '()+,-./:=?", "system:node:x"] {
        assert_eq!(tag(printable), der::PRINTABLE_STRING, "{printable}");
    }
    for other in ["*", "a&b", "a@b", "a_b", "é", "\"", "\n"] {
        assert_eq!(tag(other), der::UTF8_STRING, "{other}");
    }
}

#[test]
fn trap_2_names_keep_repeated_and_multi_valued_attributes() {
    let subject = "0.DC=com\n1.DC=example\n0.OU=one\n1.OU=two\nO=x\n+UID=y\nCN=z";
    let certificate = certificate(subject, "utf8only");
    let name = &certificate.subject;
    assert_eq!(
        name.to_string(),
        "CN=z,O=x+UID=y,OU=two,OU=one,DC=example,DC=com"
    );
    // OpenSSL turns the order round inside an RDN as well, which RFC 4514, 2.2 leaves open.
    let turned = name.to_string().replace("O=x+UID=y", "UID=y+O=x");
    assert_eq!(turned, by_openssl(&certificate));
    assert!(
        certificate
            .tbs()
            .windows(name.der().len())
            .any(|octets| octets == name.der())
    );
    assert_eq!(Name::from_der(name.der()).unwrap(), *name);
    let again = parsed("DC=com,DC=example,OU=one,OU=two,O=x+UID=y,CN=z");
    assert!(again.same_values(name));
}

#[test]
fn trap_7_t61_and_bmp_names_are_read_and_shown_as_text() {
    let t61 = certificate("O=Zürich & Söhne\nCN=x", "default");
    let bmp = certificate("O=北京\nCN=x", "default");
    let utf8 = certificate("O=Zürich & Söhne\nCN=x", "utf8only");
    assert_eq!(t61.subject.rdns[0][0].value()[0], 0x14);
    assert_eq!(bmp.subject.rdns[0][0].value()[0], 0x1e);
    assert_eq!(t61.subject.to_string(), "CN=x,O=Zürich & Söhne");
    assert_eq!(bmp.subject.to_string(), "CN=x,O=北京");
    assert_eq!(bmp.subject.to_string(), by_openssl(&bmp));
    assert_eq!(t61.subject.organizations(), ["Zürich & Söhne"]);
    assert_ne!(t61.subject, utf8.subject);
    assert!(t61.subject.same_values(&utf8.subject));
}

/// A name of one common name with this value.
fn of_value(value: &[u8]) -> Name {
    let attribute = der::sequence(&[&der::oid(&[2, 5, 4, 3]), value]);
    Name::from_der(&der::sequence(&[&der::set_of(vec![attribute])])).unwrap()
}

#[test]
fn every_string_type_is_shown_and_undecodable_values_as_hexadecimal() {
    let cases: [(&[u8], &str); 14] = [
        (&[0x0c, 2, 0xc3, 0xa9], "CN=é"),
        (&[0x12, 1, b'7'], "CN=7"),
        (&[0x13, 1, b'a'], "CN=a"),
        (&[0x14, 1, 0xe9], "CN=é"),
        (&[0x16, 1, b'@'], "CN=@"),
        (&[0x1a, 1, b'a'], "CN=a"),
        (&[0x1c, 4, 0, 0, 0, 0xe9], "CN=é"),
        (&[0x1e, 2, 0, 0xe9], "CN=é"),
        (&[0x0c, 1, 0xe9], "CN=#0c01e9"),
        (&[0x13, 1, 0xe9], "CN=#1301e9"),
        (&[0x1c, 4, 0, 0x11, 0, 0], "CN=#1c0400110000"),
        (&[0x1e, 1, 0], "CN=#1e0100"),
        (&[0x1e, 2, 0xd8, 0], "CN=#1e02d800"),
        (&[0x02, 1, 5], "CN=#020105"),
    ];
    for (value, text) in cases {
        let name = of_value(value);
        assert_eq!(name.to_string(), text);
        assert_eq!(name.common_name().is_none(), text.contains('#'), "{text}");
    }
}

#[test]
fn special_characters_are_escaped_and_read_again() {
    let cases = [
        ("a,b+c;d", "a\\,b\\+c\\;d"),
        ("\"<>\\", "\\\"\\<\\>\\\\"),
        ("#a#", "\\#a#"),
        (" a b ", "\\ a b\\ "),
        (" ", "\\ "),
        ("a=b/c", "a=b/c"),
        ("a\nb\u{1b}\0", "a\\0ab\\1b\\00"),
        ("a\u{202e}b", "a\\e2\\80\\aeb"),
    ];
    for (text, written) in cases {
        let name = Name::new(&[], text);
        assert_eq!(name.to_string(), format!("CN={written}"));
        assert_eq!(parsed(&name.to_string()), name, "{text:?}");
    }
}

#[test]
fn escapes_are_those_of_openssl() {
    for text in ["a,b+c;d", "\\\"<>", "#a", " a"] {
        let config = text
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('#', "\\#")
            .replace(' ', "\\ ");
        let certificate = certificate(&format!("CN={config}"), "utf8only");
        assert_eq!(certificate.subject.common_name().as_deref(), Some(text));
        assert_eq!(certificate.subject.to_string(), by_openssl(&certificate));
    }
}

#[test]
fn types_without_a_name_are_shown_by_object_identifier_and_value_in_hexadecimal() {
    let name = parsed("2.5.4.97=VATDE-1,CN=x");
    assert_eq!(name.to_string(), "CN=x,2.5.4.97=#130756415444452d31");
    let attribute = der::sequence(&[&der::oid(&[2, 5, 4, 97]), b"\x13\x07VATDE-1"]);
    assert!(
        name.der()
            .windows(attribute.len())
            .any(|octets| octets == attribute)
    );
    let reversed = parsed("2.5.4.97=#130756415444452d31,CN=x");
    assert_eq!(reversed, name);
}

#[test]
fn both_forms_of_a_subject_are_read_as_openssl_reads_them() {
    let texts = [
        "/C=CN/O=x+OU=y/CN=z",
        "/DC=com/DC=example/CN=a\\/b",
        "/CN=a\\+b\\,c",
        "/O=a,b/CN=1.2.3.4:5",
        "/emailAddress=a@example.com/UID=u/SN=n/GN=g/serialNumber=7/street=s/postalCode=1/title=t/ST=x/L=y",
        "/O=Zürich/CN=北京",
    ];
    for text in texts {
        assert!(
            parsed(text).same_values(&subj(text)),
            "{text}: {}",
            subj(text)
        );
    }
    assert_eq!(parsed("C=CN,O=x+OU=y,CN=z"), parsed("/C=CN/O=x+OU=y/CN=z"));
    assert_eq!(
        parsed("c = CN , o = x y , cn = z"),
        parsed("/C=CN/O=x y/CN=z")
    );
    assert_eq!(parsed("E=a@b,S=x"), parsed("emailAddress=a@b,ST=x"));
    assert_eq!(parsed("CN=a/b").common_name().as_deref(), Some("a/b"));
    assert_eq!(parsed("CN=\\C3\\a9").common_name().as_deref(), Some("é"));
    assert_eq!(parsed("CN=a=b").common_name().as_deref(), Some("a=b"));
}

#[test]
fn string_types_of_a_subject_follow_the_attribute() {
    let name = parsed("C=CN,DC=example,E=a@b.c,O=x_y,OU=z");
    let tags: Vec<u8> = name.rdns.iter().map(|rdn| rdn[0].value()[0]).collect();
    assert_eq!(
        tags,
        [
            der::PRINTABLE_STRING,
            der::IA5_STRING,
            der::IA5_STRING,
            der::UTF8_STRING,
            der::PRINTABLE_STRING
        ]
    );
}

#[test]
fn members_of_a_multi_valued_rdn_are_sorted() {
    assert_eq!(parsed("O=b+O=a+CN=x"), parsed("CN=x+O=a+O=b"));
}

#[test]
fn subjects_that_cannot_be_read_say_where_and_why() {
    let cases = [
        ("", "in part 1: an attribute is empty"),
        ("/", "in part 1: an attribute is empty"),
        ("/CN=x/", "in part 2: an attribute is empty"),
        ("O=x,,CN=y", "in part 2: an attribute is empty"),
        ("O=x+,CN=y", "in part 1: an attribute is empty"),
        ("O=x,CN", "in part 2: \"CN\" lacks '='"),
        ("CN=x/O=y+z", "in part 1: \"z\" lacks '='"),
        ("CN=", "in part 1: CN has no value"),
        ("CN= ", "in part 1: CN has no value"),
        ("=x", "in part 1: \"\" is no attribute type: use C, CN, DC"),
        (
            "XY=x",
            "in part 1: \"XY\" is no attribute type: use C, CN, DC",
        ),
        ("2.5.=x", "in part 1: \"2.5.\" is no object identifier"),
        ("3.1=x", "in part 1: \"3.1\" is no object identifier"),
        ("1.40=x", "in part 1: \"1.40\" is no object identifier"),
        ("2=x", "in part 1: \"2\" is no object identifier"),
        ("2.05=x", "in part 1: \"2.05\" is no object identifier"),
        (
            "2.99999999999999999999=x",
            "in part 1: \"2.99999999999999999999\" is no object identifier",
        ),
        ("CN=x\\", "the text ends in a backslash"),
        ("CN=a\\zb", "the backslash before \"zb\" escapes nothing"),
        ("CN=a\\1", "the backslash before \"1\" escapes nothing"),
        ("CN=a\\é", "the backslash before \"é\" escapes nothing"),
        (
            "CN=\\ff",
            "in part 1: the escaped octets in the value of CN are not UTF-8",
        ),
        (
            "CN=#1 team",
            "in part 1: the value of CN starts with '#' but is no DER",
        ),
        (
            "CN=#130",
            "in part 1: the value of CN starts with '#' but is no DER",
        ),
        (
            "CN=#1302ff",
            "in part 1: the value of CN starts with '#' but is no DER",
        ),
        ("C=CHN", "in part 1: a country (C) is two letters"),
        ("C=1a", "in part 1: a country (C) is two letters"),
        ("DC=é", "in part 1: a DC or an e-mail address is ASCII"),
        ("E=é@b", "in part 1: a DC or an e-mail address is ASCII"),
    ];
    for (text, reason) in cases {
        let error = format!("{:#}", Name::parse(text).unwrap_err());
        assert!(
            error.starts_with(&format!("read subject {text:?}: {reason}")),
            "{error}"
        );
    }
}

#[test]
fn names_that_are_no_der_are_refused() {
    let cases: [(&[u8], &str); 6] = [
        (&[0x30, 1], "the DER ends too early"),
        (&[0x31, 0], "another type stands where DER expects one"),
        (&[0x30, 2, 0x31, 0], "an RDN is empty"),
        (
            &[0x30, 2, 0x30, 0],
            "another type stands where DER expects one",
        ),
        (
            &[0x30, 4, 0x31, 2, 0x30, 0],
            "an attribute consists of type and value",
        ),
        (
            &[0x30, 8, 0x31, 6, 0x30, 4, 6, 0, 5, 0],
            "an OBJECT IDENTIFIER is malformed",
        ),
    ];
    for (octets, reason) in cases {
        let error = Name::from_der(octets).unwrap_err();
        assert_eq!(format!("{error:#}"), format!("read name: {reason}"));
    }
}

#[test]
fn an_empty_name_is_a_name() {
    let name = Name::from_der(&[0x30, 0]).unwrap();
    assert!(name.is_empty() && name.common_name().is_none() && name.to_string().is_empty());
    assert!(!Name::new(&[], "x").is_empty());
}

#[test]
fn the_last_common_name_counts_as_it_does_for_go() {
    assert_eq!(parsed("CN=a,CN=b").common_name().as_deref(), Some("b"));
}

#[test]
fn same_values_looks_at_types_values_and_the_order_of_rdns() {
    let name = parsed("O=a+O=b,CN=x");
    let sets: Vec<&[u8]> = der::sequence_members(name.der())
        .unwrap()
        .iter()
        .map(|set| set.content)
        .collect();
    let members: Vec<&[u8]> = der::children(sets[0])
        .unwrap()
        .iter()
        .map(|member| member.raw)
        .collect();
    // Not in the order of DER, as sloppy makers write it.
    let swapped = der::tlv(der::SET, &[members[1], members[0]].concat());
    let swapped =
        Name::from_der(&der::sequence(&[&swapped, &der::tlv(der::SET, sets[1])])).unwrap();
    assert_ne!(swapped, name);
    assert!(swapped.same_values(&name));
    for other in [
        "CN=x,O=a+O=b",
        "O=a,O=b,CN=x",
        "O=a+OU=b,CN=x",
        "O=a+O=b,CN=X",
        "O=a+O=b",
    ] {
        assert!(!parsed(other).same_values(&name), "{other}");
    }
    for other in ["CN=x,O=a+O=b", "O=a,O=b,CN=x", "O=b,CN=x,O=a"] {
        assert!(parsed(other).same_attributes(&name), "{other}");
    }
    for other in [
        "O=a+OU=b,CN=x",
        "O=a+O=b,CN=X",
        "O=a+O=b",
        "O=a,O=b,O=b,CN=x",
    ] {
        assert!(!parsed(other).same_attributes(&name), "{other}");
    }
    assert!(!of_value(&[2, 1, 5]).same_values(&of_value(&[2, 1, 6])));
    assert!(of_value(&[2, 1, 5]).same_values(&of_value(&[2, 1, 5])));
}

#[test]
fn names_are_equal_ordered_and_debugged_by_their_der() {
    let (utf8, printable) = (of_value(&[0x0c, 1, b'x']), of_value(&[0x13, 1, b'x']));
    assert_ne!(utf8, printable);
    assert!(utf8 < printable);
    assert_eq!(
        std::collections::HashSet::from([utf8.clone(), utf8.clone(), printable]).len(),
        2
    );
    assert_eq!(format!("{utf8:?}"), "Name(CN=x)");
}

#[test]
fn a_name_is_taken_for_another_whatever_its_case_and_blanks() {
    let name = parsed("/O=A b/CN=kubernetes");
    for (other, same) in [
        ("/O=A b/CN=kubernetes", true),
        ("/O=a  B/CN=Kubernetes\\ ", true),
        ("/O=Ab/CN=kubernetes", false),
        ("/CN=kubernetes/O=A b", false),
        ("/O=A b/CN=kubernete", false),
    ] {
        assert_eq!(parsed(other).is_taken_for(&name), same, "{other}");
    }
}
