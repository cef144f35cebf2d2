//! Kubeconfigs, and the YAML that they and the configuration files are written in.

use std::time::UNIX_EPOCH;

use certs::kubeconfig::{self, Cluster, Credentials, Entry, Source};
use certs::yaml::{self, Node, Value};

const ENTRY: Entry<'_> = Entry {
    cluster: "kubernetes",
    user: "kubernetes-admin",
    server: "https://10.0.0.10:6443",
    authorities: "authorities",
    credentials: Credentials::Data {
        certificate: "certificate",
        key: b"key",
    },
};

pub(super) fn run(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    match yaml::documents(bytes) {
        Ok(documents) => {
            assert!(!documents.is_empty());
            documents.iter().for_each(written_is_read);
            if let [document] = &documents[..] {
                entry_is_put(bytes, document);
            }
        }
        Err(error) => {
            assert!(error.line <= lines && !error.reason.is_empty(), "{error}");
            assert!(kubeconfig::parse(bytes).is_err());
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        text_is_kept(text);
    }
    // Of what is larger the reading takes the time, and that was done above.
    if bytes.len() <= 1 << 16 {
        is_refreshed(bytes);
        // Whatever is in it is told or refused.
        let _ = certs::show::parts(bytes);
    }
}

/// What was refreshed is read, and is up to date.
fn is_refreshed(bytes: &[u8]) {
    let servers = ["https://10.0.0.10:6443".to_owned()];
    let cluster = Cluster {
        authorities: &[],
        servers: &servers,
    };
    let Ok(refreshed) = kubeconfig::refresh(bytes, &cluster, &[], UNIX_EPOCH.into()) else {
        return;
    };
    let Some(written) = refreshed.bytes.filter(|text| text.len() <= 1 << 20) else {
        return;
    };
    let again = kubeconfig::refresh(&written, &cluster, &[], UNIX_EPOCH.into())
        .expect("what was written is read");
    assert!(again.replaced.is_empty() && again.bytes.is_none());
}

/// A document is the same when it was written and read again, by the reader of this program and by serde_yaml as it is.
fn written_is_read(document: &Node) {
    let text = yaml::write(document);
    let expected = value(document);
    if fits(document) {
        let other: serde_yaml::Value =
            serde_yaml::from_str(&text).expect("what was written is read");
        assert!(other == expected, "serde_yaml reads something else");
    }
    match yaml::documents(text.as_bytes()) {
        Ok(again) => {
            let [again] = &again[..] else {
                panic!("one document became {}", again.len())
            };
            assert!(value(again) == expected, "read again it is something else");
            assert!(*yaml::write(again) == *text, "written again it is another");
        }
        // What came in just below a limit can be above it when every alias is written out.
        Err(error) => assert!(
            text.len() > 2 << 20
                || error.reason.contains("unfolded")
                || error.reason.contains("brackets"),
            "{error}"
        ),
    }
}

/// Any text can be a value, an item and a key.
fn text_is_kept(text: &str) {
    let node = Node::map([
        ("item", Node::list([Node::text(text)])),
        ("nested", Node::map([(text, Node::text(text))])),
        (text, Node::list([])),
    ]);
    let written = yaml::write(&node);
    let read: serde_yaml::Value = serde_yaml::from_str(&written).expect("what was written is read");
    assert!(read == value(&node), "serde_yaml reads another text");
}

/// Whether serde_yaml can hold it: of integers it knows those of 64 bits.
fn fits(node: &Node) -> bool {
    match &node.value {
        Value::Integer(value) => u64::try_from(*value).is_ok() || i64::try_from(*value).is_ok(),
        Value::List(items) => items.iter().all(fits),
        Value::Map(entries) => entries.iter().all(|(_, node)| fits(node)),
        _ => true,
    }
}

/// serde_yaml's form of a node: without lines, and with no order in its maps.
fn value(node: &Node) -> serde_yaml::Value {
    match &node.value {
        Value::Bool(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::Integer(value) => match u64::try_from(*value) {
            Ok(value) => value.into(),
            Err(_) => i64::try_from(*value)
                .map_or_else(|_| format!("{value}, an integer").into(), Into::into),
        },
        Value::List(items) => items.iter().map(value).collect::<Vec<_>>().into(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, node)| (key.as_str().into(), value(node)))
            .collect::<serde_yaml::Mapping>()
            .into(),
        Value::Null => serde_yaml::Value::Null,
        Value::Text(text) => text.as_str().into(),
    }
}

/// An entry of ours is put into whatever is there, and the rest of a kubeconfig stays.
fn entry_is_put(bytes: &[u8], document: &Node) {
    let known = kubeconfig::parse(bytes);
    assert!(known.is_err() || !kubeconfig::is_opaque(bytes));
    // Another cluster of the usual name is not overwritten.
    let Ok(written) = kubeconfig::write(&ENTRY, Some(bytes)) else {
        return;
    };
    if written.len() > 2 << 20 {
        return;
    }
    let current = kubeconfig::parse(&written).expect("what was written is read");
    assert_eq!(current.server, ENTRY.server);
    for (source, expected) in [
        (
            current.authorities.as_ref().expect("CA certificates"),
            ENTRY.authorities.as_bytes(),
        ),
        (&current.certificate, b"certificate"),
        (&current.key, b"key"),
    ] {
        match source {
            Source::Data { bytes, .. } => assert_eq!(**bytes, expected),
            Source::File { path, .. } => panic!("it refers to {path}"),
        }
    }
    assert!(
        kubeconfig::write(&ENTRY, Some(&written)).is_ok_and(|again| *again == *written),
        "putting it twice changes something"
    );
    let kind = document.get("kind").and_then(Node::as_text);
    if kind != Some("Config") {
        assert!(known.is_err());
        return;
    }
    let after = &yaml::documents(&written).expect("it was read before")[0];
    let context = after.get("current-context").and_then(Node::as_text);
    let context = context.expect("a current context was written");
    others_stay(
        document,
        after,
        [
            ("clusters", &current.cluster),
            ("contexts", context),
            ("users", &current.user),
        ],
    );
}

/// Whatever names the entry was written under, nothing of another name changes.
fn others_stay(before: &Node, after: &Node, ours: [(&str, &str); 3]) {
    const OURS: [&str; 6] = [
        "apiVersion",
        "clusters",
        "contexts",
        "current-context",
        "kind",
        "users",
    ];
    let rest = |document: &Node| {
        let mut rest = document.clone();
        for ours in OURS {
            rest.remove(ours);
        }
        value(&rest)
    };
    assert!(rest(before) == rest(after), "another field changed");
    for (list, name) in ours {
        let others = |document: &Node| -> Vec<serde_yaml::Value> {
            let items = document.get(list).map_or(&[][..], Node::items);
            items
                .iter()
                .filter(|item| item.get("name").and_then(Node::as_text) != Some(name))
                .map(value)
                .collect()
        };
        assert!(
            others(before) == others(after),
            "another of the {list} changed"
        );
    }
}
