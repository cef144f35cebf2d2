//! Kubeconfigs: reads the entry of the current context, writes one as kubeadm does.
//!
//! Comes in and goes out: bytes. What else stands in an existing kubeconfig stays in it.

use anyhow::{Context, Result, bail};
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::x509::cert::Certificate;
use crate::yaml::{self, Node, Value};

/// The fields of a cluster and a user that hold certificates and keys, or name files of them.
pub const AUTHORITY: &str = "certificate-authority";
/// See [`AUTHORITY`].
pub const CERTIFICATE: &str = "client-certificate";
/// See [`AUTHORITY`].
pub const KEY: &str = "client-key";

/// What a user's entry may hold beside a certificate, and by which it would be somebody else.
const OTHER_IDENTITIES: [&str; 10] = [
    "as",
    "as-groups",
    "as-uid",
    "as-user-extra",
    "auth-provider",
    "exec",
    "password",
    "token",
    "tokenFile",
    "username",
];
/// client-go refuses a cluster that has a CA and is not to be verified.
const INSECURE: &str = "insecure-skip-tls-verify";

/// The entry that the current context names.
#[derive(Debug)]
pub struct Current {
    /// The cluster's name.
    pub cluster: String,
    /// The user's name.
    pub user: String,
    /// The URL of the API server.
    pub server: String,
    /// The name that the API server's certificate is to be for, if another than the URL's.
    pub server_name: Option<String>,
    /// The CA certificates.
    pub authorities: Source,
    /// The client certificate.
    pub certificate: Source,
    /// The client key.
    pub key: Source,
}

/// Where PEM comes from.
pub enum Source {
    /// From the kubeconfig itself.
    Data {
        /// The field, without `-data`.
        field: &'static str,
        /// The PEM text.
        bytes: Zeroizing<Vec<u8>>,
    },
    /// From a file.
    File {
        /// The field.
        field: &'static str,
        /// Its path; a relative one starts at the kubeconfig's directory.
        path: String,
    },
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Data { field, .. } => write!(formatter, "{field}-data: [elided]"),
            Self::File { field, path } => write!(formatter, "{field}: {path}"),
        }
    }
}

/// What a kubeconfig is to hold; the PEM texts as they are.
pub struct Entry<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The URL of the API server.
    pub server: &'a str,
    /// The CA certificates.
    pub authorities: &'a str,
    /// The client certificate.
    pub certificate: &'a str,
    /// The client key.
    pub key: &'a [u8],
}

/// The entry that the current context names. A kubeconfig of another user than one with a client
/// certificate is an error: none of the table's is like that.
pub fn parse(bytes: &[u8]) -> Result<Current> {
    let document = document(bytes)?;
    let context = text(&document, "current-context").context("it has no current-context")?;
    let context = named(&document, "contexts", context, "context")
        .with_context(|| format!("it has no context \"{context}\", which is its current one"))?;
    let cluster_name = text(context, "cluster").context("its current context names no cluster")?;
    let cluster = named(&document, "clusters", cluster_name, "cluster")
        .with_context(|| format!("it has no cluster \"{cluster_name}\""))?;
    let user_name = text(context, "user").context("its current context names no user")?;
    let user = named(&document, "users", user_name, "user")
        .with_context(|| format!("it has no user \"{user_name}\""))?;
    for (list, name) in [("clusters", cluster_name), ("users", user_name)] {
        if entries(&document, list, name) > 1 {
            bail!("it has two {list} of the name \"{name}\"");
        }
    }
    if let Some(other) = OTHER_IDENTITIES
        .iter()
        .find(|field| user.get(field).is_some())
    {
        bail!("its user \"{user_name}\" has another identity than its certificate: {other}");
    }
    if cluster
        .get(INSECURE)
        .is_some_and(|node| node.value != Value::Bool(false))
    {
        bail!("its cluster \"{cluster_name}\" is not verified: {INSECURE}");
    }
    Ok(Current {
        cluster: cluster_name.to_owned(),
        user: user_name.to_owned(),
        server: text(cluster, "server")
            .with_context(|| format!("its cluster \"{cluster_name}\" has no server"))?
            .to_owned(),
        server_name: text(cluster, "tls-server-name").map(str::to_owned),
        authorities: source(cluster, AUTHORITY)
            .with_context(|| format!("its cluster \"{cluster_name}\""))?,
        certificate: source(user, CERTIFICATE)
            .with_context(|| format!("its user \"{user_name}\""))?,
        key: source(user, KEY).with_context(|| format!("its user \"{user_name}\""))?,
    })
}

/// A kubeconfig of this entry alone; or `existing` with it, and with all else that is in it.
///
/// Only one that can be read is written anew in place; anything else is replaced whole. It is an
/// error if the names of the entry belong to another cluster there.
pub fn write(entry: &Entry<'_>, existing: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>> {
    let mut config = existing
        .and_then(|bytes| document(bytes).ok())
        .unwrap_or_else(|| Node::map([]));
    let names = names(entry, &config)?;
    config.insert("apiVersion", Node::text("v1"));
    config.insert("kind", Node::text("Config"));
    let cluster = [
        (
            format!("{AUTHORITY}-data"),
            data(entry.authorities.as_bytes()),
        ),
        ("server".to_owned(), Node::text(entry.server)),
    ];
    put(
        &mut config,
        "clusters",
        &names.cluster,
        "cluster",
        cluster,
        &[AUTHORITY, INSECURE],
    );
    let user = [
        (
            format!("{CERTIFICATE}-data"),
            data(entry.certificate.as_bytes()),
        ),
        (format!("{KEY}-data"), data(entry.key)),
    ];
    put(
        &mut config,
        "users",
        &names.user,
        "user",
        user,
        &[&[CERTIFICATE, KEY][..], &OTHER_IDENTITIES].concat(),
    );
    let context = [
        ("cluster".to_owned(), Node::text(&names.cluster)),
        ("user".to_owned(), Node::text(&names.user)),
    ];
    put(
        &mut config,
        "contexts",
        &names.context,
        "context",
        context,
        &[],
    );
    config.insert("current-context", Node::text(&names.context));
    Ok(Zeroizing::new(yaml::write(&config).as_bytes().to_vec()))
}

/// The names under which an entry stands.
struct Names {
    context: String,
    cluster: String,
    user: String,
}

/// Those of the current context, which is the one that was judged, if it is of this cluster: people
/// rename entries when they put the kubeconfigs of several clusters into one file. Else the usual
/// ones, unless another cluster has them.
fn names(entry: &Entry<'_>, config: &Node) -> Result<Names> {
    let current = text(config, "current-context").and_then(|name| {
        let context = named(config, "contexts", name, "context")?;
        Some(Names {
            context: name.to_owned(),
            cluster: text(context, "cluster")?.to_owned(),
            user: text(context, "user")?.to_owned(),
        })
    });
    let usual = Names {
        context: format!("{}@{}", entry.user, entry.cluster),
        cluster: entry.cluster.to_owned(),
        user: entry.user.to_owned(),
    };
    if let Some(current) = current {
        let usually = current.cluster == usual.cluster && current.user == usual.user;
        let cluster = named(config, "clusters", &current.cluster, "cluster");
        if usually || cluster.is_some_and(|cluster| is_of(entry, cluster)) {
            return Ok(current);
        }
    }
    let taken = named(config, "clusters", &usual.cluster, "cluster");
    if let Some(cluster) = taken.filter(|cluster| !is_of(entry, cluster)) {
        bail!(
            "calls another cluster \"{}\", at {}",
            usual.cluster,
            text(cluster, "server").unwrap_or("no server")
        );
    }
    Ok(usual)
}

/// Whether an entry of a cluster is that of the same cluster: it trusts one of its CAs, or it points
/// at the same server.
fn is_of(entry: &Entry<'_>, cluster: &Node) -> bool {
    let certificates = |bytes: &[u8]| Certificate::from_pem(bytes).unwrap_or_default();
    let own = certificates(entry.authorities.as_bytes());
    let trusts = match source(cluster, AUTHORITY) {
        Ok(Source::Data { bytes, .. }) => certificates(&bytes).iter().any(|ca| own.contains(ca)),
        _ => false,
    };
    trusts || text(cluster, "server") == Some(entry.server)
}

/// Why `write` would refuse to put this entry into `existing`.
pub fn taken(entry: &Entry<'_>, existing: &[u8]) -> Option<String> {
    let config = document(existing).ok()?;
    names(entry, &config).err().map(|error| error.to_string())
}

/// Whether there is something, and `write` could keep nothing of it.
pub fn is_opaque(existing: &[u8]) -> bool {
    !existing.trim_ascii().is_empty() && document(existing).is_err()
}

/// Whether it is a kubeconfig one of whose users has a client certificate.
pub fn names_certificate(bytes: &[u8]) -> bool {
    let has = |item: &Node| {
        let user = item.get("user");
        let embedded = format!("{CERTIFICATE}-data");
        user.is_some_and(|user| user.get(CERTIFICATE).is_some() || user.get(&embedded).is_some())
    };
    document(bytes).is_ok_and(|document| {
        document
            .get("users")
            .is_some_and(|users| users.items().iter().any(has))
    })
}

fn document(bytes: &[u8]) -> Result<Node> {
    let mut documents = yaml::documents(bytes).map_err(|error| anyhow::anyhow!("{error}"))?;
    if documents.len() != 1 {
        bail!(
            "it holds {} YAML documents, and a kubeconfig is one",
            documents.len()
        );
    }
    let document = documents.remove(0);
    match text(&document, "kind") {
        Some("Config") => Ok(document),
        _ => bail!("it is no kubeconfig: its kind is not Config"),
    }
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key)?.as_text().filter(|text| !text.is_empty())
}

/// The `inner` object of the entry of this name in a list of named entries.
fn named<'a>(config: &'a Node, list: &str, name: &str, inner: &str) -> Option<&'a Node> {
    config
        .get(list)?
        .items()
        .iter()
        .find(|item| text(item, "name") == Some(name))?
        .get(inner)
}

/// How many entries have this name.
fn entries(config: &Node, list: &str, name: &str) -> usize {
    let items = config.get(list).map_or(&[][..], Node::items);
    items
        .iter()
        .filter(|item| text(item, "name") == Some(name))
        .count()
}

/// Sets fields of the entry of this name, which is added where it is lacking, and takes away
/// those that would say the same in another way.
fn put(
    config: &mut Node,
    list: &str,
    name: &str,
    inner: &str,
    fields: impl IntoIterator<Item = (String, Node)>,
    instead_of: &[&str],
) {
    if config.get(list).is_none_or(|node| node.items().is_empty()) {
        config.insert(list, Node::list([]));
    }
    let Some(items) = config.get_mut(list).and_then(Node::items_mut) else {
        return;
    };
    let position = items
        .iter()
        .position(|item| text(item, "name") == Some(name));
    // Of two of one name, one would be meant by some readers and the other by the rest.
    let mut index = 0;
    items.retain(|item| {
        index += 1;
        text(item, "name") != Some(name) || Some(index - 1) == position
    });
    let position = position.unwrap_or_else(|| {
        items.push(Node::map([
            (inner, Node::map([])),
            ("name", Node::text(name)),
        ]));
        items.len() - 1
    });
    let item = &mut items[position];
    if item.get(inner).is_none() {
        item.insert(inner, Node::map([]));
    }
    let Some(object) = item.get_mut(inner) else {
        return;
    };
    for field in instead_of {
        object.remove(field);
    }
    for (field, value) in fields {
        object.insert(&field, value);
    }
}

fn data(bytes: &[u8]) -> Node {
    let text = Zeroizing::new(Base64::encode_string(bytes));
    Node::text(&text)
}

/// What a field holds itself, or the file it names. With both, the data counts, as client-go does.
fn source(node: &Node, field: &'static str) -> Result<Source> {
    let embedded = format!("{field}-data");
    if let Some(encoded) = text(node, &embedded) {
        // A block scalar has line breaks, which Go's decoder passes over.
        let encoded = Zeroizing::new(encoded.replace(['\r', '\n'], ""));
        let bytes = Base64::decode_vec(&encoded)
            .map_err(|_| anyhow::anyhow!("has {embedded} that is not base64"))?;
        return Ok(Source::Data {
            field,
            bytes: Zeroizing::new(bytes),
        });
    }
    match text(node, field) {
        Some(path) => Ok(Source::File {
            field,
            path: path.to_owned(),
        }),
        None => bail!("has no {embedded}"),
    }
}

#[cfg(test)]
mod tests;
