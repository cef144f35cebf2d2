use std::fmt::Write as _;
use std::time::Duration;

use super::*;

fn one(text: &str) -> Node {
    let mut documents = documents(text.as_bytes()).unwrap();
    assert_eq!(documents.len(), 1, "{text}");
    documents.remove(0)
}

fn refused(text: &str) -> (usize, String) {
    let error = documents(text.as_bytes()).unwrap_err();
    (error.line, error.reason)
}

fn written(node: &Node) -> String {
    write(node).to_string()
}

fn integer(value: i128) -> Node {
    Value::Integer(value).into()
}

#[test]
fn a_stream_is_split_into_documents_and_empty_ones_are_passed_over() {
    for (text, count) in [
        ("a: 1\n", 1),
        ("---\na: 1\n---\n", 1),
        ("\u{feff}a: 1\r\n---\r\nb: 2\r\n", 2),
        ("# c\n---\na: 1\n", 1),
        ("a: 1\n---\n# c\n", 1),
        ("a: 1\n--- # x\nb: 2\n...\n", 2),
        ("---\n---\na: 1\n---\n~\n---\nb: 2\n", 2),
        ("%YAML 1.1\n---\na: 1\n", 1),
        ("{\"a\": 1}", 1),
    ] {
        assert_eq!(documents(text.as_bytes()).unwrap().len(), count, "{text}");
    }
}

#[test]
fn a_stream_without_a_document_is_an_error() {
    for text in ["", "\u{feff}", "\n\n", "# only\n", "---\n---\n", "null\n"] {
        assert_eq!(refused(text), (0, "holds no document".into()), "{text:?}");
    }
}

#[test]
fn lines_count_from_the_start_of_the_file() {
    for text in [
        "\u{feff}# über\na: 1\n---\nb:\n- x\n- 'y'\n- \"z\"\nc:\n  d:\n    e: 3\n",
        "# über\r\na: 1\r\n---\r\nb:\r\n- x\r\n- 'y'\r\n- \"z\"\r\nc:\r\n  d:\r\n    e: 3\r\n",
    ] {
        let documents = documents(text.as_bytes()).unwrap();
        assert_eq!(documents[0].get("a").unwrap().line, 2);
        let second = &documents[1];
        assert_eq!(second.line, 4);
        let lines: Vec<usize> = second
            .get("b")
            .unwrap()
            .items()
            .iter()
            .map(|item| item.line)
            .collect();
        assert_eq!(lines, [5, 6, 7]);
        assert_eq!(
            second
                .get("c")
                .unwrap()
                .get("d")
                .unwrap()
                .get("e")
                .unwrap()
                .line,
            10
        );
    }
}

#[test]
fn the_reading_ends_at_the_first_syntax_error() {
    for (text, line, reason) in [
        (
            "a: 1\n---\nkind: [unclosed\n---\nb: 2\n",
            4,
            "expected ',' or ']'",
        ),
        ("a:\n\tb: 1\n", 2, "cannot start any token"),
        ("a: 'x\n", 2, "unexpected end of stream"),
        ("a: *x\n", 1, "unknown anchor"),
        ("a: ü\nb: \u{1}\n", 2, "control characters"),
        ("\u{1}", 1, "control characters"),
        // No line 2 is there to look at.
        ("{a: 1", 1, "expected ',' or '}'"),
        ("{a: 1\n", 2, "expected ',' or '}'"),
    ] {
        let (found, told) = refused(text);
        assert!(
            told.contains(reason) && !told.contains(" at "),
            "{text}: {told}"
        );
        assert_eq!(found, line, "{text}");
    }
}

#[test]
fn a_duplicate_key_is_refused_with_both_lines() {
    for (text, line, first) in [
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", 5, 3),
        ("x: y\n---\n{\"c\": 1,\n \"c\": 2}", 4, 3),
    ] {
        let reason =
            format!("the key \"c\" is here a second time, first on line {first}: keep one");
        assert_eq!(refused(text), (line, reason));
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused_with_its_line() {
    let error = documents(b"a: 1\nb: \xff\n").unwrap_err();
    assert_eq!(
        (error.line, error.to_string().as_str()),
        (2, "line 2: is no UTF-8 text")
    );
}

#[test]
fn tags_of_their_own_and_odd_keys_are_refused() {
    assert!(refused("a: !mine b\n").1.contains("without a tag"));
    for text in ["? [a]\n: b\n", "? {a: b}\n: c\n", "~: b\n"] {
        assert!(refused(text).1.contains("a text as key"), "{text}");
    }
    assert_eq!(
        one("1: a\ntrue: b\n1.5: c\n"),
        one("\"1\": a\n'true': b\n'1.5': c\n")
    );
}

#[test]
fn values_have_the_types_that_kubectl_gives_them() {
    for (text, value) in [
        ("true", Value::Bool(true)),
        ("yes", Value::Bool(true)),
        ("Off", Value::Bool(false)),
        ("12", Value::Integer(12)),
        ("-0x1F", Value::Integer(-31)),
        (
            "18446744073709551615",
            Value::Integer(18_446_744_073_709_551_615),
        ),
        ("1.5", Value::Float(1.5)),
        ("~", Value::Null),
        ("", Value::Null),
        ("[]", Value::List(vec![])),
        ("{}", Value::Map(vec![])),
        ("'yes'", Node::text("yes").value),
        ("010", Value::Integer(8)),
        ("1_000", Value::Integer(1000)),
        ("09", Value::Float(9.0)),
        (
            "18446744073709551616",
            Value::Float(18_446_744_073_709_551_616.0),
        ),
        (
            "-170141183460469231731687303715884105728",
            Value::Float(-1.701_411_834_604_692_3e38),
        ),
        ("'010'", Node::text("010").value),
        ("!!str 010", Node::text("010").value),
        ("!!str yes", Node::text("yes").value),
        ("!!str &x yes", Node::text("yes").value),
        ("&x 010", Value::Integer(8)),
        ("\"12\"", Node::text("12").value),
        ("!!str 12", Node::text("12").value),
        ("2001-01-01", Node::text("2001-01-01").value),
        ("|\n  x\n", Node::text("x\n").value),
        ("\"a\\tb\"", Node::text("a\tb").value),
    ] {
        assert!(
            one(&format!("k: {text}\n")).get("k").unwrap().value == value,
            "{text}"
        );
    }
}

#[test]
fn anchors_and_aliases_are_followed() {
    assert_eq!(
        one("a: &a\n- &h x\n- *h\nb: *a\n"),
        one("a: [x, x]\nb: [x, x]\n")
    );
}

/// As kubectl and kubeadm read them, by goyaml.
#[test]
fn merge_keys_bring_the_entries_of_other_maps() {
    for (text, meant) in [
        ("b: &b {x: 1, y: 2}\nc: {<<: *b, x: 3}\n", "{x: 3, y: 2}"),
        ("b: &b {x: 1, y: 2}\nc: {x: 3, <<: *b}\n", "{x: 1, y: 2}"),
        (
            "c: {<<: [{x: 1}, {x: 2, y: 2}], z: 3}\n",
            "{x: 1, y: 2, z: 3}",
        ),
        (
            "b: &b {x: 1, y: 2}\nc: {<<: {<<: *b, y: 3}}\n",
            "{x: 1, y: 3}",
        ),
        ("c: {<<: {x: 1}, <<: {x: 2}}\n", "{x: 2}"),
        ("c: {'<<': {x: 1}}\n", "{'<<': {x: 1}}"),
        ("c: {<<: {}}\n", "{}"),
    ] {
        let meant = one(&format!("c: {meant}\n"));
        let read = one(text);
        let text_of = |node: &Node| write(node.get("c").unwrap());
        assert_eq!(text_of(&read), text_of(&meant), "{text}");
        // And so it is written.
        assert_eq!(text_of(&one(&write(&read))), text_of(&meant), "{text}");
    }
    for (value, kind) in [
        ("x", "a text"),
        ("~", "nothing"),
        ("[x]", "a text"),
        ("[[{x: 1}]]", "a list"),
    ] {
        let (line, reason) = refused(&format!("a: 1\nc:\n  <<: {value}\n"));
        assert_eq!(line, 3);
        assert_eq!(
            reason,
            format!("the key << is for a map, or a list of maps, and this is {kind}")
        );
    }
    assert!(
        refused("c: {<<: {x: 1}, x: 2, x: 3}")
            .1
            .contains("a second time")
    );
}

/// How long this thread has had a processor: what else the machine does is not counted.
fn worked() -> Duration {
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(counted.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn what_unfolds_without_end_is_refused_quickly() {
    let start = worked();
    let mut bomb = String::from("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let item = format!("*l{}", level - 1);
        writeln!(
            bomb,
            "l{level}: &l{level} [{}]",
            [item.as_str(); 10].join(", ")
        )
        .unwrap();
    }
    assert!(documents(bomb.as_bytes()).is_err());
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(100_000),
        "*a,".repeat(10_000)
    );
    assert!(refused(&long).1.contains("aliases unfolded"));
    let wide = format!(
        "a: &a [{}]\nb: [{}]\n",
        "x,".repeat(5_000),
        "*a,".repeat(5_000)
    );
    assert!(refused(&wide).1.contains("aliases unfolded"));
    assert!(refused("a: &a [*a]\n").1.contains("recursion limit"));
    let took = worked().checked_sub(start).unwrap();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn deep_nesting_is_refused_quickly() {
    let start = worked();
    assert_eq!(
        refused(&format!("a: 1\nb: {}", "[".repeat(500_000))),
        (2, "more than 256 brackets are open".into())
    );
    assert!(
        refused(&format!("{}{}", "[".repeat(200), "]".repeat(200)))
            .1
            .contains("recursion limit")
    );
    assert!(
        refused(&format!("{}x", "- ".repeat(300_000)))
            .1
            .contains("recursion limit")
    );
    let steps = (0..1_000).fold(String::new(), |text, depth| {
        text + &" ".repeat(depth) + "a:\n"
    });
    assert!(refused(&steps).1.contains("recursion limit"));
    let took = worked().checked_sub(start).unwrap();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_file_too_large_is_refused() {
    let large = format!("a: b{}", " ".repeat(2 << 20));
    assert!(refused(&large).1.contains("2 MiB"));
    assert!(documents_of_any_size(large.as_bytes()).is_ok());
}

#[test]
fn debug_shows_no_content() {
    let shown = format!(
        "{:?}",
        Node::map([("client-key-data", Node::text("secret"))])
    );
    assert_eq!(shown, "Node(a map, line 0)");
}

#[test]
fn entries_can_be_found_replaced_and_removed() {
    let mut node = Node::map([("a", integer(1)), ("b", integer(2))]);
    node.insert("a", integer(3));
    node.insert("c", Node::list([]));
    node.get_mut("c")
        .unwrap()
        .items_mut()
        .unwrap()
        .push(Node::text("x"));
    assert_eq!(node.remove("b"), Some(integer(2)));
    assert_eq!(node.remove("b"), None);
    assert_eq!(written(&node), "a: 3\nc:\n- x\n");
    let mut text = Node::text("x");
    assert!(
        text.remove("a").is_none() && text.items_mut().is_none() && text.get_mut("a").is_none()
    );
    text.insert("a", Node::text("b"));
    assert_eq!(written(&text), "a: b\n");
    assert_eq!(
        (text.as_text(), text.items().len(), text.entries().len()),
        (None, 0, 1)
    );
}

/// The scheduler's kubeconfig, as kubeadm makes it of a cluster's name.
fn kubeconfig(cluster: &str) -> Node {
    let text = Node::text;
    let user = "system:kube-scheduler";
    let context = format!("{user}@{cluster}");
    let server = [
        ("server", text("https://10.0.0.10:6443")),
        ("certificate-authority-data", text("<...>")),
    ];
    let client = [
        ("client-key-data", text("<...>")),
        ("client-certificate-data", text("<...>")),
    ];
    let of = [("user", text(user)), ("cluster", text(cluster))];
    Node::map([
        ("kind", text("Config")),
        ("apiVersion", text("v1")),
        (
            "clusters",
            Node::list([Node::map([
                ("name", text(cluster)),
                ("cluster", Node::map(server)),
            ])]),
        ),
        (
            "contexts",
            Node::list([Node::map([
                ("name", text(&context)),
                ("context", Node::map(of)),
            ])]),
        ),
        ("current-context", text(&context)),
        (
            "users",
            Node::list([Node::map([
                ("name", text(user)),
                ("user", Node::map(client)),
            ])]),
        ),
    ])
}

#[test]
fn every_name_is_quoted_and_folded_as_kubeadm_does() {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Case {
        cluster_name: String,
        kubeconfig: String,
    }
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../tests/fixtures/kubeconfig-quoting.json")).unwrap();
    assert!(cases.len() > 55);
    for Case {
        cluster_name,
        kubeconfig: expected,
    } in cases
    {
        assert_eq!(
            written(&kubeconfig(&cluster_name)),
            expected,
            "{cluster_name:?}"
        );
        assert_eq!(one(&expected), one(&written(&kubeconfig(&cluster_name))));
    }
}

#[test]
fn texts_that_some_reader_takes_for_something_else_are_quoted() {
    for text in [
        "",
        "~",
        "yes",
        "YES",
        "yEs",
        "No",
        "off",
        "null",
        "NULL",
        "TRUE",
        "0",
        "-1",
        "+12",
        "1_000",
        "017",
        "08",
        "0x1F",
        "0X1f",
        "0b101",
        "0x_",
        "0o17",
        "1.",
        ".5",
        "-.5",
        "1e3",
        "1E+03",
        "1.5e-3",
        "12e03",
        ".inf",
        "-.Inf",
        "+.INF",
        ".NaN",
        "10:20",
        "1:30:45",
        "-12:30:45.5",
        "2001-01-01",
        "2001-1-1",
        "2001-12-14t21:59:43.10-05:00",
        "99999999999999999999999",
    ] {
        assert_eq!(written(&Node::text(text)), format!("\"{text}\"\n"));
    }
    for text in [
        "a",
        "yesterday",
        "1.2.3",
        "10.0.0.1",
        "e3",
        "0x",
        "0xg",
        "0b2",
        "1:60",
        "a:b",
        "10:20:xx",
        "2001-01",
        "v1",
        "12345-01-01",
        ".",
        "-a",
        "1e",
        "x y",
        "a]",
        "a'b",
        "<<",
        "=",
        "日本",
    ] {
        assert_eq!(written(&Node::text(text)), format!("{text}\n"));
    }
}

#[test]
fn keys_are_quoted_too_and_long_ones_are_written_apart() {
    let long = "k".repeat(129);
    let key = |key: &str| written(&Node::map([(key, Node::map([("a", integer(1))]))]));
    for (name, expected) in [
        ("yes", "\"yes\":\n  a: 1\n".to_owned()),
        ("", "\"\":\n  a: 1\n".into()),
        ("a: b", "'a: b':\n  a: 1\n".into()),
        ("<<", "\"<<\":\n  a: 1\n".into()),
        ("a\nb", "\"a\\nb\":\n  a: 1\n".into()),
        (&long, format!("? {long}\n:\n  a: 1\n")),
    ] {
        assert_eq!(key(name), expected);
        assert_eq!(one(&expected).entries()[0].0, name);
    }
}

#[test]
fn other_entries_of_a_kubeconfig_survive_with_their_types() {
    let text = "\
apiVersion: v1
clusters: []
extensions:
- extension:
    count: 3
    deep:
    - - a
      - - b
        - c: {}
      - []
    empty: {}
    float: 1.5
    huge: 1.0e+100
    last: 2.0
    none: null
    off: false
  name: x
kind: Config
preferences: {}
users:
- name: exec
  user:
    exec:
      args:
      - --flag=1
      - \"yes\"
      command: /bin/x
      env:
      - name: A
        value: \"\"
      interactiveMode: Never
      provideClusterInfo: true
";
    let node = one(&text.replace("    off:", "    \"off\":"));
    let again = written(&node);
    assert_eq!(again, text.replace("    off:", "    \"off\":"));
    assert_eq!(one(&again), node);
}

#[test]
fn numbers_survive() {
    for value in [
        0.0,
        -0.0,
        1.0,
        1e21,
        1e-7,
        1.5e300,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ] {
        let text = written(&Value::Float(value).into());
        assert!(
            one(&format!("k: {text}")).get("k").unwrap().value == Value::Float(value),
            "{text}"
        );
    }
    assert_eq!(written(&Value::Float(f64::NAN).into()), ".nan\n");
    assert_eq!(
        written(&integer(i128::from(u64::MAX))),
        "18446744073709551615\n"
    );
    assert_eq!(
        written(&Node::list([
            Node::list([]),
            Node::map([]),
            Value::Null.into()
        ])),
        "- []\n- {}\n- null\n"
    );
}

/// Whatever the text, what is written reads back as the same text: for all short texts of the characters that matter,
/// and for long ones, which fold.
#[test]
fn every_text_survives() {
    const ALPHABET: [char; 20] = [
        'a', ' ', '\n', '\t', ':', '#', '-', '\'', '"', '\\', '?', '{', '|', '1', '.', '\r',
        '\u{85}', '\u{2028}', '\u{feff}', '😀',
    ];
    let mut texts: Vec<String> = vec![String::new()];
    let mut last = texts.clone();
    for _ in 0..3 {
        last = last
            .iter()
            .flat_map(|text| ALPHABET.map(|c| format!("{text}{c}")))
            .collect();
        texts.extend(last.iter().cloned());
    }
    for unit in [
        "a b", "a  b", "a ' b", "a\t b", "a\n b", "ü x ", " x", "\\ \"", "😀 x",
    ] {
        texts.extend((60..100).map(|length| unit.chars().cycle().take(length).collect()));
        texts.push(unit.repeat(100));
    }
    for chunk in texts.chunks(80) {
        let nested = |text: &String| Node::list([Node::map([("k", Node::text(text))])]);
        let node = Node::map([
            (
                "list",
                Node::list(chunk.iter().map(|text| Node::text(text))),
            ),
            ("maps", Node::list(chunk.iter().map(nested))),
        ]);
        let text = written(&node);
        let again = one(&text);
        if again != node {
            for text in chunk {
                let alone = Node::map([("k", Node::text(text))]);
                assert!(
                    one(&written(&alone)) == alone,
                    "{text:?} became {}",
                    written(&alone)
                );
            }
            panic!("in the list only: {text}");
        }
    }
    for text in &texts {
        let alone = Node::list([Node::text(text)]);
        assert!(
            documents(written(&alone).as_bytes()).is_ok_and(|nodes| nodes == [alone]),
            "{text:?}"
        );
    }
}

#[test]
fn text_is_written_without_growing_its_buffer() {
    for node in [
        kubeconfig("kubernetes"),
        kubeconfig(&"w ".repeat(500)),
        Node::text(&"A".repeat(5_000)),
    ] {
        let text = write(&node);
        assert!(
            text.capacity() <= 2 * text.len() + 2_000,
            "{} for {}",
            text.capacity(),
            text.len()
        );
        let nested = Node::list([Node::list([node])]);
        let (text, room) = (write(&nested), super::write::room(&nested, 0));
        assert!(text.len() <= room, "{} > {room}", text.len());
    }
}

/// What comes out does not matter, that it comes does: the parser has ends that it takes for unreachable.
#[test]
fn no_damage_makes_the_reader_panic() {
    let file = "a: &x [1, 'b', \"c\"]\n? k\n: - *x\n  - {d: |\n e, f: !t g}\n--- # h\n- >-\n  i\n...\n%YAML 1.1\n---\n<<: *x\n";
    for end in 0..=file.len() {
        let _ = documents(&file.as_bytes()[..end]);
        let _ = documents(&file.as_bytes()[end..]);
        for put in [
            "", "\n", " ", ":", "-", "*", "&", "[", "]", "{", "}", "'", "\"", "|", "!", "%", "#",
            "\t", "\u{feff}", ",",
        ] {
            let (before, after) = file.split_at(end);
            let skipped = after.get(1..).unwrap_or_default();
            let _ = documents(format!("{before}{put}{after}").as_bytes());
            let _ = documents(format!("{before}{put}{skipped}").as_bytes());
        }
    }
}
