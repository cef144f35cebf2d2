//! Kubernetes Secrets, as manifests.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::yaml::{self, Node};

/// A Secret.
pub struct Secret<'a> {
    /// Its name.
    pub name: String,
    /// Its namespace; none leaves it to whoever applies it.
    pub namespace: Option<&'a str>,
    /// Its type.
    pub kind: &'static str,
    /// Its labels.
    pub labels: Vec<(&'static str, &'a str)>,
    /// Its data.
    pub data: Vec<(String, Zeroizing<Vec<u8>>)>,
    /// Its data that is text and no secret of a file.
    pub string_data: Vec<(&'static str, Zeroizing<String>)>,
}

/// The Secret that makes a bootstrap token good until `ends`, in RFC 3339, as kubeadm makes it
/// (<https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/>).
pub fn bootstrap_token<'a>(id: &str, secret: &str, ends: &str) -> Secret<'a> {
    let text = |text: &str| Zeroizing::new(text.to_owned());
    Secret {
        name: format!("bootstrap-token-{id}"),
        namespace: Some("kube-system"),
        kind: "bootstrap.kubernetes.io/token",
        labels: Vec::new(),
        data: Vec::new(),
        string_data: vec![
            (
                "auth-extra-groups",
                text("system:bootstrappers:kubeadm:default-node-token"),
            ),
            ("expiration", text(ends)),
            ("token-id", text(id)),
            ("token-secret", text(secret)),
            ("usage-bootstrap-authentication", text("true")),
            ("usage-bootstrap-signing", text("true")),
        ],
    }
}

/// The manifests of these, one document each.
pub fn manifests(secrets: &[Secret<'_>]) -> Zeroizing<Vec<u8>> {
    let texts: Vec<Zeroizing<String>> = secrets.iter().map(manifest).collect();
    let room = texts.iter().map(|text| text.len() + 4).sum();
    let mut all = Zeroizing::new(Vec::with_capacity(room));
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            all.extend_from_slice(b"---\n");
        }
        all.extend_from_slice(text.as_bytes());
    }
    all
}

/// Whether `former` holds the manifests of `new`, in all but the values of their data.
pub fn are_the_same(former: &[u8], new: &[u8]) -> bool {
    let without_values = |bytes| {
        let mut documents = yaml::documents(bytes).ok()?;
        for document in &mut documents {
            let mut data = Node::map([]);
            for (key, value) in document.get("data").map_or(&[][..], Node::entries) {
                let text = value.as_text().map(|_| Node::text(""));
                data.insert(key, text.unwrap_or_else(|| value.clone()));
            }
            document.insert("data", data);
        }
        Some(documents)
    };
    // Looked at first, since YAML is slow to be read.
    former.starts_with(b"apiVersion: v1\n")
        && without_values(new).is_some_and(|new| without_values(former) == Some(new))
}

fn manifest(secret: &Secret<'_>) -> Zeroizing<String> {
    let mut metadata = Node::map([("name", Node::text(&secret.name))]);
    if let Some(namespace) = secret.namespace {
        metadata.insert("namespace", Node::text(namespace));
    }
    if !secret.labels.is_empty() {
        let labels = secret.labels.iter();
        metadata.insert(
            "labels",
            Node::map(labels.map(|(key, value)| (*key, Node::text(value)))),
        );
    }
    let mut document = Node::map([
        ("apiVersion", Node::text("v1")),
        ("kind", Node::text("Secret")),
        ("metadata", metadata),
        ("type", Node::text(secret.kind)),
    ]);
    if !secret.data.is_empty() {
        let mut data = Node::map([]);
        for (key, bytes) in &secret.data {
            let encoded = Zeroizing::new(Base64::encode_string(bytes));
            data.insert(key, Node::text(&encoded));
        }
        document.insert("data", data);
    }
    if !secret.string_data.is_empty() {
        let mut data = Node::map([]);
        for (key, text) in &secret.string_data {
            data.insert(key, Node::text(text));
        }
        document.insert("stringData", data);
    }
    yaml::write(&document)
}
