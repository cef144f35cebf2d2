//! Kubeconfigs: reads the entry of the current context, writes one as kubeadm does.
//!
//! Comes in and goes out: bytes. What else stands in an existing kubeconfig stays in it.

use anyhow::{Context, Error, Result, bail};
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::pem;
use crate::yaml::{self, Node, Value};

mod beside;
mod faults;
mod meant;
mod outline;
mod refresh;
mod renew;
mod schema;
mod waiting;
mod write;

use beside::beside;
use faults::{Faults, current};

pub use beside::Trusted;
pub use meant::{fault, may_be_meant};
pub use outline::{Broken, ClusterEntry, ContextEntry, Outline, UserEntry, key_files, outline};
pub use refresh::{Cluster, Foreign, Refreshed, refresh, same_set};
pub use renew::{Anew, renew};
pub use waiting::{Waiting, waiting};
pub use write::{Credentials, Entry, obstacle, write};

/// The fields of a cluster and a user that hold certificates and keys, or name files of them.
pub const AUTHORITY: &str = "certificate-authority";
/// See [`AUTHORITY`].
pub const CERTIFICATE: &str = "client-certificate";
/// See [`AUTHORITY`].
pub const KEY: &str = "client-key";

/// The CA certificates in the kubeconfig itself.
const AUTHORITY_DATA: &str = "certificate-authority-data";
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
const PROXY: &str = "proxy-url";
const SERVER_NAME: &str = "tls-server-name";

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
    /// The CA certificates; without any the machine's own are trusted.
    pub authorities: Option<Source>,
    /// What else is trusted at the same server: by the names of other clusters.
    pub beside: Vec<(String, Trusted)>,
    /// The client certificate.
    pub certificate: Source,
    /// The client key.
    pub key: Source,
    /// Whether there are clusters or users beside these.
    pub further: bool,
}

/// Where a context leads, and as whom.
#[derive(Debug)]
pub struct Lead {
    /// The cluster's name.
    pub cluster: String,
    /// The user's name.
    pub user: String,
    /// The URL of the API server.
    pub server: String,
    /// The name that the API server's certificate is to be for, if another than the URL's.
    pub server_name: Option<String>,
    /// The CA certificates; without any the machine's own are trusted.
    pub authorities: Option<Source>,
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

/// The entry that the current context names. A kubeconfig of another user than one with a client
/// certificate is an error: none of the table's is like that.
pub fn parse(bytes: &[u8]) -> Result<Current> {
    parse_all(bytes).map_err(first)
}

/// The same, with all that is wrong: at least one error.
pub fn parse_all(bytes: &[u8]) -> Result<Current, Vec<Error>> {
    let document = document(bytes).map_err(|error| vec![error])?;
    let mut faults = Faults::default();
    let (lead, user) = current(&document, &mut faults);
    let sources = user.and_then(|user| faults.of_user(user, &lead.user));
    faults.of_form(&document);
    let several = |list: &&str| {
        document
            .get(list)
            .is_some_and(|list| list.items().len() > 1)
    };
    match sources {
        Some((certificate, key)) if faults.told.is_empty() => Ok(Current {
            beside: beside(&document, &lead),
            further: ["clusters", "users"].iter().any(several),
            certificate,
            key,
            cluster: lead.cluster,
            user: lead.user,
            server: lead.server,
            server_name: lead.server_name,
            authorities: lead.authorities,
        }),
        _ => Err(faults.told),
    }
}

/// Where the current context leads, whoever its user is.
pub fn lead(bytes: &[u8]) -> Result<Lead> {
    let document = document(bytes)?;
    let mut faults = Faults::default();
    let (lead, _) = current(&document, &mut faults);
    faults.of_form(&document);
    let told: Vec<String> = faults
        .told
        .iter()
        .map(|fault| format!("{fault:#}"))
        .collect();
    if told.is_empty() {
        Ok(lead)
    } else {
        bail!(told.join("; "))
    }
}

fn first(faults: Vec<Error>) -> Error {
    let first = faults.into_iter().next();
    first.unwrap_or_else(|| anyhow::anyhow!("it has no user with a certificate"))
}

/// The field by which a user is somebody else than by a certificate.
fn other_identities(user: &Node) -> Vec<&'static str> {
    let mut fields = OTHER_IDENTITIES.to_vec();
    fields.retain(|field| user.get(field).is_some());
    fields
}

/// By what a kubeconfig's user is somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// By a client certificate.
    Certificate,
    /// By a client key alone, which waits for its certificate.
    Key,
    /// By other means: a token, a password, a program that gets one.
    Otherwise,
}

/// By what the current user of a kubeconfig is somebody; where none is the current one, by what each is who
/// is in it. None where it is no kubeconfig, or is of nobody.
pub fn bearer(bytes: &[u8]) -> Option<Bearer> {
    if !may_hold(bytes) {
        return None;
    }
    let text = as_text(bytes)?;
    bearer_of(&document(text.as_bytes()).ok()?)
}

fn bearer_of(document: &Node) -> Option<Bearer> {
    let otherwise = |user: &Node| !has_certificate(user) && !other_identities(user).is_empty();
    let all = || {
        let items = document.get("users").map_or(&[][..], Node::items);
        items.iter().filter_map(|item| item.get("user"))
    };
    let current = text(document, "current-context")
        .and_then(|name| named(document, "contexts", name, "context"))
        .and_then(|context| named(document, "users", text(context, "user")?, "user"));
    let has_key = |user: &Node| user.get(KEY).is_some() || user.get(KEY_DATA).is_some();
    match current {
        Some(user) if otherwise(user) => Some(Bearer::Otherwise),
        None if all().next().is_some() && all().all(otherwise) => Some(Bearer::Otherwise),
        _ if all().any(has_certificate) => Some(Bearer::Certificate),
        _ if all().any(has_key) => Some(Bearer::Key),
        _ => None,
    }
}

/// The text as kubectl reads it: also where a byte order mark says that it is UTF-16.
fn as_text(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Some(Zeroizing::new(std::str::from_utf8(bytes).ok()?.to_owned())),
    };
    let pairs = bytes[2..].chunks_exact(2);
    let units = pairs.map(|pair| unit([pair[0], pair[1]]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok().map(Zeroizing::new)
}

/// Whether it can be a kubeconfig of anybody: to read a large file as YAML takes time, and few are one. The key
/// stands there as it is, but for what a quoted text escapes and for UTF-16.
pub fn may_hold(bytes: &[u8]) -> bool {
    let escapes = |pair: &[u8]| pair[0] == b'\\' && b"xuU\r\n".contains(&pair[1]);
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
        || pem::says(bytes, USERS)
        || bytes.windows(2).any(escapes)
}

/// Whether the field of a client's key is named in it, be it in UTF-16 or among what is no text.
pub fn names_key(bytes: &[u8]) -> bool {
    let text = bytes.iter().copied().filter(|byte| *byte != 0);
    let text: Zeroizing<Vec<u8>> = Zeroizing::new(text.collect());
    let mut words = text.windows(KEY_DATA.len());
    words.any(|word| word == KEY_DATA.as_bytes())
}

/// What the list of users is called.
const USERS: &[u8] = b"users";
const KEY_DATA: &str = "client-key-data";

/// Whether there is something, and `write` could keep nothing of it.
pub fn is_opaque(existing: &[u8]) -> bool {
    !existing.trim_ascii().is_empty() && document(existing).is_err()
}

fn has_certificate(user: &Node) -> bool {
    let embedded = format!("{CERTIFICATE}-data");
    user.get(CERTIFICATE).is_some() || user.get(&embedded).is_some()
}

fn document(bytes: &[u8]) -> Result<Node> {
    one(yaml::documents(bytes))
}

/// The one that a file of these is.
fn one(documents: Result<Vec<Node>, yaml::Error>) -> Result<Node> {
    let mut documents = documents.map_err(|error| anyhow::anyhow!("{error}"))?;
    if documents.len() != 1 {
        bail!(
            "it holds {} YAML documents, and a kubeconfig is one",
            documents.len()
        );
    }
    let document = documents.remove(0);
    // Where the kind is not stated kubectl takes it for that.
    let stated = |key: &str| {
        let node = document.get(key);
        node.is_some_and(|node| node.value != Value::Null && node.as_text() != Some(""))
    };
    let lists = ["clusters", "contexts", "users"];
    match text(&document, "kind") {
        Some("Config") => Ok(document),
        None if !stated("kind") && lists.into_iter().any(stated) => Ok(document),
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

/// What a field holds itself, or the file it names.
fn source(node: &Node, field: &'static str) -> Result<Source> {
    optional(node, field)?.with_context(|| format!("has no {field}-data"))
}

/// The same, where there need be neither.
fn optional(node: &Node, field: &'static str) -> Result<Option<Source>> {
    let embedded = format!("{field}-data");
    if let Some(encoded) = text(node, &embedded) {
        // A block scalar has line breaks, which Go's decoder passes over.
        let is_broken = [b'\r', b'\n']
            .iter()
            .any(|end| encoded.as_bytes().contains(end));
        let joined = is_broken.then(|| Zeroizing::new(encoded.replace(['\r', '\n'], "")));
        let bytes = Base64::decode_vec(joined.as_ref().map_or(encoded, |joined| joined))
            .map_err(|_| anyhow::anyhow!("has {embedded} that is not base64"))?;
        return Ok(Some(Source::Data {
            field,
            bytes: Zeroizing::new(bytes),
        }));
    }
    Ok(text(node, field).map(|path| Source::File {
        field,
        path: path.to_owned(),
    }))
}

#[cfg(test)]
mod tests;
