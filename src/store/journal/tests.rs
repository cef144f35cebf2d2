use super::*;

fn list() -> List {
    List {
        transaction: TransactionId(*b"\x00\x01\x02\x03\x04\x05\x06\xff"),
        sequence: 7,
        origin: Origin {
            command: "all".to_owned(),
            time: OffsetDateTime::UNIX_EPOCH,
        },
        keep_backup: true,
        roots: vec![
            (Root::Pki, "/k/a \\ b\nc".into()),
            (
                Root::Kubeconfig,
                OsString::from_vec(b"/k\xff".to_vec()).into(),
            ),
        ],
        entries: vec![
            Entry {
                file: FileId::new(Root::Pki, "etcd/ca.crt"),
                mode: 0o644,
                owner: Owner {
                    user: Some(3),
                    group: None,
                },
                new: Some([1; 32]),
                replaced: Some([2; 32]),
            },
            Entry {
                file: FileId::new(Root::Kubeconfig, "admin.conf"),
                mode: 0o600,
                owner: Owner::default(),
                new: Some([3; 32]),
                replaced: None,
            },
            Entry {
                file: FileId::new(Root::Pki, "ca-next.key"),
                mode: 0o600,
                owner: Owner::default(),
                new: None,
                replaced: Some([4; 32]),
            },
        ],
    }
}

/// A journal with a right checksum, whatever it says.
fn resealed(text: &str) -> Vec<u8> {
    sealed(text.as_bytes().to_vec())
}

/// The list with one piece of its text changed, and sealed again.
fn changed(from: &str, to: &str) -> Result<Journal, JournalError> {
    let mut plain = list();
    plain.roots = vec![(Root::Pki, "/p".into()), (Root::Kubeconfig, "/k".into())];
    let text = String::from_utf8(plain.encode()).unwrap();
    let (body, _) = text.split_once(CHECKSUM).unwrap();
    assert!(body.contains(from), "{body}");
    Journal::parse(&resealed(&body.replacen(from, to, 1)))
}

#[test]
fn a_list_is_read_back_whatever_its_paths_hold() {
    assert_eq!(Journal::parse(&list().encode()), Ok(Journal::List(list())));
}

#[test]
fn a_part_is_read_back() {
    let part = Part {
        transaction: TransactionId([9; 8]),
        list: "/a\\n".into(),
    };
    assert_eq!(Journal::parse(&part.encode()), Ok(Journal::Part(part)));
}

#[test]
fn a_journal_cut_anywhere_is_torn() {
    let bytes = list().encode();
    for length in 0..bytes.len() {
        assert_eq!(
            Journal::parse(&bytes[..length]),
            Err(JournalError::Torn),
            "{length}"
        );
    }
}

#[test]
fn a_journal_with_one_octet_changed_is_torn() {
    let bytes = list().encode();
    for position in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 1;
        assert_eq!(
            Journal::parse(&damaged),
            Err(JournalError::Torn),
            "{position}"
        );
    }
}

#[test]
fn a_journal_of_zeros_is_torn() {
    assert_eq!(Journal::parse(&[0; 4096]), Err(JournalError::Torn));
}

#[test]
fn a_sealed_list_that_says_anything_strange_is_foreign() {
    for (from, to) in [
        ("journal 1", "journal 2"),
        ("transaction 00", "transaction 0G"),
        ("sequence 7", "sequence -7"),
        ("command all", "command"),
        ("command all", "command ALL"),
        ("command all", "command a b"),
        ("command all", "command abcdefghijklmnopqrstuvwxyz-abcdef"),
        ("time 0", "time now"),
        ("time 0", "time 99999999999999"),
        ("backup keep", "backup maybe"),
        ("root pki", "root etc"),
        ("root kubeconfig", "root pki"),
        ("root pki /p\n", ""),
        ("root pki /p", "root pki "),
        ("root pki /p", "root pki /\\p"),
        ("root pki /p", "root pki /\0"),
        ("etcd/ca.crt", "../ca.crt"),
        ("etcd/ca.crt", "/etc/shadow"),
        ("etcd/ca.crt", ".certs-journal"),
        ("pki etcd/ca.crt", "kubeconfig etcd/ca.crt"),
        ("kubeconfig admin.conf", "pki etcd/ca.crt"),
        ("ca.crt 644", "ca.crt 666"),
        ("ca.crt 644", "ca.crt 4644"),
        ("644 3 -", "644 x -"),
        ("644 3 -", "644 3"),
        ("0101", "01"),
        ("0202", "0G02"),
        ("file kubeconfig", "gift kubeconfig"),
    ] {
        let parsed = changed(from, to);
        assert!(
            matches!(parsed, Err(JournalError::Foreign(_))),
            "{from} {to}: {parsed:?}"
        );
    }
}

#[test]
fn a_list_that_removes_what_was_not_there_is_foreign() {
    let mut list = list();
    list.entries[1].new = None;
    let parsed = Journal::parse(&list.encode());
    let line = "kubeconfig admin.conf 600 - - - -".to_owned();
    assert_eq!(parsed, Err(JournalError::Foreign(line)));
}

#[test]
fn a_list_without_files_or_with_another_root_first_is_foreign() {
    let mut empty = list();
    empty.entries.clear();
    let mut turned = list();
    turned.roots.reverse();
    for list in [empty, turned] {
        let parsed = Journal::parse(&list.encode());
        assert_eq!(parsed, Err(JournalError::Foreign("no files".to_owned())));
    }
}

#[test]
fn a_part_with_a_further_line_is_foreign() {
    let text = format!("{PART}\ntransaction 0000000000000000\nlist /a\nlist /b\n");
    let parsed = Journal::parse(&resealed(&text));
    assert_eq!(parsed, Err(JournalError::Foreign("list /b".to_owned())));
}

#[test]
fn a_run_that_a_journal_cannot_tell_is_known_before_it_is_written() {
    let origin = |command: &str| Origin {
        command: command.to_owned(),
        time: OffsetDateTime::UNIX_EPOCH + std::time::Duration::from_millis(1999),
    };
    assert!(origin("all").can_be_told());
    for command in ["", "a b", "a\nfile", "All"] {
        assert!(!origin(command).can_be_told(), "{command:?}");
    }
    let mut told = list();
    told.origin = origin("all").in_whole_seconds();
    assert_eq!(told.origin.time.unix_timestamp(), 1);
    assert_eq!(Journal::parse(&told.encode()), Ok(Journal::List(told)));
}

#[test]
fn hexadecimal_is_lower_case_and_of_the_right_length() {
    assert_eq!(parse_hex::<2>("00ff"), Some([0, 255]));
    assert_eq!(parse_hex::<2>("00FF"), None);
    assert_eq!(parse_hex::<2>("00f"), None);
    assert_eq!(parse_hex::<2>("00ff0"), None);
    assert_eq!(key::hex(&[0, 255]), "00ff");
}
