use super::*;
use crate::oracle::run;

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
const KEY: &str =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAwQF\n-----END ENCRYPTED PRIVATE KEY-----\n";

fn fault(text: impl AsRef<[u8]>) -> (usize, Fault) {
    let error = blocks(text.as_ref()).expect_err("the file is refused");
    (error.line, error.fault)
}

fn found(text: impl AsRef<[u8]>) -> Vec<(Label, Vec<u8>)> {
    let blocks = parse(text.as_ref()).unwrap();
    blocks
        .into_iter()
        .map(|block| (block.label, block.der.to_vec()))
        .collect()
}

#[test]
fn a_private_key_is_seen_beside_what_cannot_be_read() {
    let unknown = "-----BEGIN DH PARAMETERS-----\nAAEC\n-----END DH PARAMETERS-----\n";
    let cut = &KEY[..KEY.len() - 40];
    let wide: Vec<u8> = KEY.bytes().flat_map(|byte| [byte, 0]).collect();
    for text in [
        format!("{CERTIFICATE}{KEY}{unknown}").into_bytes(),
        format!("{unknown}{KEY}").into_bytes(),
        format!("{CERTIFICATE}  {KEY}").into_bytes(),
        cut.as_bytes().to_vec(),
        format!("\u{feff}{KEY}").into_bytes(),
        KEY.replace("ENCRYPTED", "OPENSSH").into_bytes(),
        [&b"\xff\xfe"[..], &wide].concat(),
    ] {
        assert!(parse(&text).is_err());
        assert!(holds_private_key(&text), "{}", text.escape_ascii());
    }
    let without = format!("{CERTIFICATE}{unknown}the PRIVATE KEY is elsewhere\n");
    assert!(parse(without.as_bytes()).is_err() && !holds_private_key(without.as_bytes()));
}

#[test]
fn blocks_of_every_label_are_read_in_order() {
    let text: String = (1..)
        .zip(Label::ALL)
        .map(|(octet, label)| encode(label, &[octet]).to_string())
        .collect();
    let expected: Vec<_> = (1..)
        .zip(Label::ALL)
        .map(|(octet, label)| (label, vec![octet]))
        .collect();
    assert_eq!(found(text), expected);
}

#[test]
fn text_outside_blocks_and_other_line_ends_are_accepted() {
    let expected = vec![
        (Label::Certificate, vec![0, 1, 2]),
        (Label::EncryptedPrivateKey, vec![3, 4, 5]),
    ];
    let text = format!("subject=CN = x: y\n\n{CERTIFICATE}-- some text --\n{KEY}the end");
    assert_eq!(found(&text), expected);
    assert_eq!(found(text.replace('\n', "\r\n")), expected);
    assert_eq!(found(format!("{CERTIFICATE}{}", KEY.trim_end())), expected);
    assert_eq!(found(text.replace("AAEC", "AA\n\nEC  ")), expected);
    assert_eq!(found("no block at all\n"), vec![]);
    assert_eq!(found(""), vec![]);
}

#[test]
fn trap_8_an_encrypted_key_is_found_and_not_passed_over() {
    assert_eq!(
        rustls_pemfile::read_one_from_slice(KEY.as_bytes()).unwrap(),
        None
    );
    assert_eq!(found(KEY), [(Label::EncryptedPrivateKey, vec![3, 4, 5])]);
}

#[test]
fn trap_8_unknown_labels_are_refused_with_their_line() {
    for label in [
        "TRUSTED CERTIFICATE",
        "X509 CRL",
        "DSA PRIVATE KEY",
        "certificate",
        "CERTIFICATE ",
    ] {
        let text = format!("{CERTIFICATE}-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        assert_eq!(fault(text), (4, Fault::UnknownLabel(label.into())));
    }
}

#[test]
fn trap_8_a_byte_order_mark_and_utf_16_are_refused() {
    assert_eq!(
        fault(format!("\u{feff}{CERTIFICATE}")),
        (1, Fault::ByteOrderMark)
    );
    let units = |order: fn(u16) -> [u8; 2]| {
        CERTIFICATE
            .encode_utf16()
            .flat_map(order)
            .collect::<Vec<u8>>()
    };
    assert_eq!(fault(units(u16::to_le_bytes)), (1, Fault::NotText));
    assert_eq!(fault(units(u16::to_be_bytes)), (1, Fault::NotText));
    for mark in [[0xff, 0xfe], [0xfe, 0xff]] {
        assert_eq!(fault(mark), (1, Fault::NotText));
    }
}

#[test]
fn trap_8_a_truncated_block_before_a_whole_one_is_refused() {
    let text = format!("-----BEGIN CERTIFICATE-----\nAAAA\n{CERTIFICATE}");
    // What the reader alone makes of it: one block of both.
    assert!(
        rustls_pemfile::read_one_from_slice(text.as_bytes())
            .unwrap()
            .is_some()
    );
    assert_eq!(fault(text), (1, Fault::NoEnd(Label::Certificate)));
}

#[test]
fn a_begin_without_an_end_is_refused_with_the_line_of_the_begin() {
    let text = format!("{CERTIFICATE}{CERTIFICATE}");
    for cut in 1..text.len() {
        let text = &text[..cut];
        let rest = text.rsplit("-----END CERTIFICATE-----").next().unwrap();
        // Less than the word BEGIN cannot be told from text that stands after a block.
        let harmless = "-----BEGI".starts_with(rest.trim());
        assert_eq!(blocks(text.as_bytes()).is_ok(), harmless, "{text}");
    }
    assert_eq!(
        fault(&text[..text.len() - 30]),
        (4, Fault::NoEnd(Label::Certificate))
    );
}

#[test]
fn an_end_without_a_begin_or_with_another_label_is_refused() {
    assert_eq!(
        fault(format!("{CERTIFICATE}-----END CERTIFICATE-----\n")),
        (4, Fault::EndWithoutBegin)
    );
    let text = CERTIFICATE.replace("END CERTIFICATE", "END PUBLIC KEY");
    assert_eq!(fault(text), (3, Fault::Mismatch(Label::Certificate)));
    let four_dashes = &CERTIFICATE[1..];
    assert_eq!(fault(four_dashes), (3, Fault::EndWithoutBegin));
}

#[test]
fn begin_and_end_lines_are_exact() {
    let begins = [
        "-----BEGIN CERTIFICATE----",
        "-----BEGINCERTIFICATE-----",
        "-----BEGIN -----",
        "-----BEGIN CERTIFICATE----- x",
    ];
    for begin in begins {
        assert_eq!(
            fault(CERTIFICATE.replace("-----BEGIN CERTIFICATE-----", begin)),
            (1, Fault::Marker),
            "{begin}"
        );
    }
    let joined = format!("{}{CERTIFICATE}", CERTIFICATE.trim_end());
    assert_eq!(fault(joined), (3, Fault::Marker));
    assert_eq!(fault(format!("  {CERTIFICATE}")), (1, Fault::Indented));
    assert_eq!(fault(CERTIFICATE.replace('\n', "\r")), (1, Fault::Marker));
}

#[test]
fn what_is_no_base64_is_refused_with_its_line_and_never_quoted() {
    for (body, line) in [
        ("AA*C", 2),
        ("AAEC\nAA-C", 3),
        ("AAEC\nSECRET: x", 3),
        ("AAE", 1),
        ("A===", 1),
        ("AA==AAEC", 1),
    ] {
        assert_eq!(
            fault(CERTIFICATE.replace("AAEC", body)),
            (line, Fault::Base64),
            "{body}"
        );
    }
    let error = blocks(CERTIFICATE.replace("AAEC", "AAEC\nSECRET: x").as_bytes()).unwrap_err();
    assert!(!error.to_string().contains("SECRET"));
    assert_eq!(fault(CERTIFICATE.replace("AAEC", "")), (1, Fault::Empty));
}

#[test]
fn headers_inside_a_block_are_refused_by_name() {
    let text = CERTIFICATE.replace(
        "AAEC",
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAEC",
    );
    assert_eq!(fault(text), (2, Fault::Header("Proc-Type".into())));
}

#[test]
fn what_may_be_a_key_is_not_told_as_the_name_of_a_header() {
    let longest = "N".repeat(32);
    let text = CERTIFICATE.replace("AAEC", &format!("{longest}: x"));
    assert_eq!(fault(text), (2, Fault::Header(longest)));
    let damaged = format!("{}:", "N".repeat(33));
    for line in [damaged.as_str(), "AA/C:", "AA+C:", "ÄAEC:"] {
        let text = CERTIFICATE.replace("AAEC", line);
        assert_eq!(fault(text), (2, Fault::Base64), "{line}");
    }
}

#[test]
fn der_is_told_from_text() {
    assert_eq!(fault([0x30, 0x82, 1, 1]), (1, Fault::Der));
    let key = run(
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -outform DER",
        b"",
    );
    assert_eq!(fault(&key), (1, Fault::Der));
    assert_eq!(
        fault(run("openssl pkey -inform DER -pubout -outform DER", &key)),
        (1, Fault::Der)
    );
    assert_eq!(found("0 is how this text starts"), []);
}

#[test]
fn every_fault_says_what_is_wrong_in_one_line() {
    let faults = [
        (Fault::Base64, "line 2: this is not base64"),
        (
            Fault::ByteOrderMark,
            "line 2: the file starts with a byte order mark",
        ),
        (Fault::Der, "line 2: the file is DER, not PEM"),
        (Fault::Empty, "line 2: the block is empty"),
        (
            Fault::EndWithoutBegin,
            "line 2: an END line without a BEGIN line",
        ),
        (
            Fault::Header("X".into()),
            "line 2: the block carries the PEM header \"X\"",
        ),
        (
            Fault::Indented,
            "line 2: a BEGIN line must start at the first column",
        ),
        (Fault::Marker, "line 2: a BEGIN or END line must consist"),
        (
            Fault::Mismatch(Label::PublicKey),
            "line 2: this END line does not match BEGIN PUBLIC KEY",
        ),
        (
            Fault::NoEnd(Label::PublicKey),
            "line 2: BEGIN PUBLIC KEY has no END line",
        ),
        (Fault::NotText, "line 2: the file is not text"),
        (
            Fault::UnknownLabel("X".into()),
            "line 2: a block with the label \"X\" is not supported",
        ),
    ];
    for (fault, start) in faults {
        let text = PemError { line: 2, fault }.to_string();
        assert!(text.starts_with(start) && !text.contains('\n'), "{text}");
    }
}

#[test]
fn certificates_are_collected_and_their_lack_is_an_error() {
    let text = format!("{CERTIFICATE}{KEY}{}", CERTIFICATE.replace("AAEC", "AwQF"));
    assert_eq!(
        certificates(text.as_bytes()).unwrap(),
        [[0, 1, 2], [3, 4, 5]]
    );
    let error = certificates(KEY.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no certificate: a block BEGIN CERTIFICATE is expected"
    );
    assert!(certificates(&CERTIFICATE.as_bytes()[..30]).is_err());
}

#[test]
fn blocks_are_written_as_openssl_writes_them() {
    for length in [1, 47, 48, 49, 96, 1000] {
        let octets: Vec<u8> = (0..=255).cycle().take(length).collect();
        let text = encode(Label::PublicKey, &octets);
        let base64 = run("openssl base64", &octets);
        let lines = String::from_utf8(base64).unwrap();
        assert_eq!(
            *text,
            format!("-----BEGIN PUBLIC KEY-----\n{lines}-----END PUBLIC KEY-----\n")
        );
        assert_eq!(
            text.capacity(),
            text.len(),
            "nothing was moved while it grew"
        );
        assert_eq!(found(text.as_bytes()), [(Label::PublicKey, octets)]);
    }
}

#[test]
fn debug_prints_nothing_of_the_content() {
    let block = parse(KEY.as_bytes()).unwrap().remove(0);
    assert_eq!(
        format!("{block:?}"),
        "Block(ENCRYPTED PRIVATE KEY, [elided])"
    );
}

/// Room for the whole file was once taken, and wiped, for each of its blocks: minutes for this one.
#[test]
fn a_file_of_very_many_blocks_takes_no_time_for_each_that_the_whole_takes() {
    let block = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let file = block.repeat((1 << 20) / block.len());
    let begin = std::time::Instant::now();
    assert_eq!(
        parse(file.as_bytes()).unwrap().len(),
        (1 << 20) / block.len()
    );
    assert!(begin.elapsed() < std::time::Duration::from_secs(20));
}
