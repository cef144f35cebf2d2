//! What client-go's loader takes. One value of another type anywhere, or two entries of one name, and it refuses the
//! whole file, whichever entry is meant.
//!
//! The types are those of `k8s.io/client-go/tools/clientcmd/api/v1`; what is held to them was tried with kubectl
//! (`tests/kubeconfigs.rs`).

use crate::observed::server;
use crate::yaml::{Node, Value};

/// What stands in a field. Nothing at all may stand in each, and anything in a field that is not known.
#[derive(Clone, Copy)]
enum Shape {
    Any,
    Bool,
    /// Base64.
    Data,
    List(&'static Shape),
    /// A map with any keys.
    Map(&'static Shape),
    /// A list of objects, each with a name of its own.
    Named(&'static [Field]),
    Object(&'static [Field]),
    Text,
}

type Field = (&'static str, Shape);

const EXTENSIONS: Field = ("extensions", Shape::Named(&[("extension", Shape::Any)]));
const CONFIG: &[Field] = &[
    ("apiVersion", Shape::Text),
    (
        "clusters",
        Shape::Named(&[("cluster", Shape::Object(CLUSTER))]),
    ),
    (
        "contexts",
        Shape::Named(&[("context", Shape::Object(CONTEXT))]),
    ),
    ("current-context", Shape::Text),
    EXTENSIONS,
    ("kind", Shape::Text),
    (
        "preferences",
        Shape::Object(&[("colors", Shape::Bool), EXTENSIONS]),
    ),
    ("users", Shape::Named(&[("user", Shape::Object(USER))])),
];
const CLUSTER: &[Field] = &[
    ("certificate-authority", Shape::Text),
    ("certificate-authority-data", Shape::Data),
    ("disable-compression", Shape::Bool),
    EXTENSIONS,
    ("insecure-skip-tls-verify", Shape::Bool),
    ("proxy-url", Shape::Text),
    ("server", Shape::Text),
    ("tls-server-name", Shape::Text),
];
const CONTEXT: &[Field] = &[
    ("cluster", Shape::Text),
    EXTENSIONS,
    ("namespace", Shape::Text),
    ("user", Shape::Text),
];
const USER: &[Field] = &[
    ("as", Shape::Text),
    ("as-groups", Shape::List(&Shape::Text)),
    ("as-uid", Shape::Text),
    ("as-user-extra", Shape::Map(&Shape::List(&Shape::Text))),
    (
        "auth-provider",
        Shape::Object(&[("config", Shape::Map(&Shape::Text)), ("name", Shape::Text)]),
    ),
    ("client-certificate", Shape::Text),
    ("client-certificate-data", Shape::Data),
    ("client-key", Shape::Text),
    ("client-key-data", Shape::Data),
    ("exec", Shape::Object(EXEC)),
    EXTENSIONS,
    ("password", Shape::Text),
    ("token", Shape::Text),
    ("tokenFile", Shape::Text),
    ("username", Shape::Text),
];
const EXEC: &[Field] = &[
    ("apiVersion", Shape::Text),
    ("args", Shape::List(&Shape::Text)),
    ("command", Shape::Text),
    (
        "env",
        Shape::List(&Shape::Object(&[
            ("name", Shape::Text),
            ("value", Shape::Text),
        ])),
    ),
    ("installHint", Shape::Text),
    ("interactiveMode", Shape::Text),
    ("provideClusterInfo", Shape::Bool),
];

/// The first thing for which the loader refuses a kubeconfig. No value is told: it may be a secret.
pub(super) fn fault(config: &Node) -> Option<String> {
    of(config, Shape::Object(CONFIG), "")
}

/// Takes out of an entry of `clusters`, `contexts` or `users` each field for which the loader would refuse it.
pub(super) fn cleanse(list: &str, object: &mut Node) {
    let fields = match list {
        "clusters" => CLUSTER,
        "contexts" => CONTEXT,
        _ => USER,
    };
    if let Value::Map(entries) = &mut object.value {
        entries.retain(|(key, value)| of(value, shape(fields, key), key).is_none());
    }
    if object
        .get("proxy-url")
        .is_some_and(|proxy| !is_proxy(proxy))
    {
        object.remove("proxy-url");
    }
}

/// Whether client-go goes to the server over it: a URL of a scheme that it knows, with a host.
pub(super) fn is_proxy(node: &Node) -> bool {
    let scheme = |text: &str| {
        text.split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    match &node.value {
        Value::Null => true,
        Value::Text(text) => {
            let known = ["http", "https", "socks5"].contains(&scheme(text).as_str());
            text.is_empty() || (known && server::host(text).is_some())
        }
        _ => false,
    }
}

fn shape(fields: &[Field], key: &str) -> Shape {
    let field = fields.iter().find(|(name, _)| *name == key);
    field.map_or(Shape::Any, |(_, shape)| *shape)
}

fn of(node: &Node, shape: Shape, path: &str) -> Option<String> {
    let object = |entries: &[(String, Node)], of_key: &dyn Fn(&str) -> Shape| {
        entries.iter().find_map(|(key, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            of(value, of_key(key), &format!("{path}{dot}{key}"))
        })
    };
    let list = |items: &[Node], shape: Shape| {
        let mut numbered = items.iter().enumerate();
        numbered.find_map(|(index, item)| of(item, shape, &format!("{path}[{index}]")))
    };
    match (shape, &node.value) {
        (Shape::Any, Value::Float(value)) if !value.is_finite() => {
            Some(told(node, path, "is a number that JSON does not know"))
        }
        (Shape::Any, Value::List(items)) => list(items, Shape::Any),
        (Shape::Any, Value::Map(entries)) => object(entries, &|_| Shape::Any),
        (Shape::Any, _)
        | (_, Value::Null)
        | (Shape::Bool, Value::Bool(_))
        | (Shape::Text, Value::Text(_)) => None,
        (Shape::Data, Value::Text(text)) => {
            (!is_base64(text)).then(|| told(node, path, "is not base64"))
        }
        (Shape::List(inner), Value::List(items)) => list(items, *inner),
        (Shape::Map(inner), Value::Map(entries)) => object(entries, &|_| *inner),
        (Shape::Named(fields), Value::List(items)) => {
            let of_key = |key: &str| match key {
                "name" => Shape::Text,
                key => self::shape(fields, key),
            };
            let mut numbered = items.iter().enumerate();
            let inside = numbered.find_map(|(index, item)| {
                let path = format!("{path}[{index}]");
                match &item.value {
                    Value::Map(entries) => entries
                        .iter()
                        .find_map(|(key, value)| of(value, of_key(key), &format!("{path}.{key}"))),
                    _ => of(item, Shape::Object(fields), &path),
                }
            });
            inside.or_else(|| twice(items, path))
        }
        (Shape::Object(fields), Value::Map(entries)) => {
            object(entries, &|key| self::shape(fields, key))
        }
        (shape, _) => {
            let wanted = match shape {
                Shape::Any => "anything",
                Shape::Bool => "true or false",
                Shape::Data | Shape::Text => "a text",
                Shape::List(_) | Shape::Named(_) => "a list",
                Shape::Map(_) | Shape::Object(_) => "a map",
            };
            let text = format!("is {}, and kubectl wants {wanted}", node.kind());
            Some(told(node, path, &text))
        }
    }
}

/// Two entries of one name; one without has the empty one.
fn twice(items: &[Node], path: &str) -> Option<String> {
    let name = |item: &Node| {
        let name = item.get("name").and_then(Node::as_text);
        name.unwrap_or_default().to_owned()
    };
    let mut seen = std::collections::HashSet::new();
    let second = items.iter().find(|item| !seen.insert(name(item)))?;
    let text = format!("has two entries of the name {:?}", name(second));
    Some(told(second, path, &text))
}

fn told(node: &Node, path: &str, text: &str) -> String {
    if node.line > 0 {
        format!("line {}: {path} {text}", node.line)
    } else {
        format!("{path} {text}")
    }
}

/// As Go decodes it, which passes over line breaks.
fn is_base64(text: &str) -> bool {
    let mut symbols = 0_usize;
    let mut padding = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'\r' | b'\n' => {}
            b'=' => padding += 1,
            byte if padding == 0 && (byte.is_ascii_alphanumeric() || b"+/".contains(&byte)) => {
                symbols += 1;
            }
            _ => return false,
        }
    }
    padding <= 2 && (symbols + padding).is_multiple_of(4)
}
