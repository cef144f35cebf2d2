//! Puts an entry into a kubeconfig, as kubeadm writes one.

use anyhow::{Result, anyhow};
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::{
    AUTHORITY, AUTHORITY_DATA, CERTIFICATE, INSECURE, KEY, OTHER_IDENTITIES, SERVER_NAME, Source,
    document, named, schema, source, text,
};
use crate::finding::Code;
use crate::observed::{Obstacle, server};
use crate::spec::Place;
use crate::x509::cert::Certificate;
use crate::yaml::{self, Node};

/// What a user's entry may hold of a certificate and its key.
const CLIENT: [&str; 4] = [
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
];
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
    /// Where it finds them.
    pub credentials: Credentials<'a>,
}

impl<'a> Entry<'a> {
    /// What is to be put in `place`; none, if that is no kubeconfig.
    pub fn of(
        place: &'a Place,
        authorities: &'a str,
        credentials: Credentials<'a>,
    ) -> Option<Self> {
        let Place::Kubeconfig {
            cluster,
            user,
            server,
            ..
        } = place
        else {
            return None;
        };
        Some(Self {
            cluster,
            user,
            server,
            authorities,
            credentials,
        })
    }
}

/// What a kubeconfig is to hold, or to name.
#[derive(Clone, Copy)]
pub enum Credentials<'a> {
    /// The certificate and its key as they are, and the CA certificates.
    Data {
        /// The client certificate.
        certificate: &'a str,
        /// The client key.
        key: &'a [u8],
    },
    /// The key alone: the certificate is asked for. With the CA certificates, if there are any.
    Key(&'a [u8]),
    /// The paths of files; a relative one starts at the kubeconfig's directory.
    Files {
        /// The CA certificates; none, and they are put in as they are.
        authorities: Option<&'a str>,
        /// The client certificate.
        certificate: &'a str,
        /// The client key.
        key: &'a str,
    },
    /// A bootstrap token, and the CA certificates as they are.
    Token(&'a str),
}

/// A kubeconfig of this entry alone; or `existing` with it, and with all else that is in it.
///
/// Only one that can be read is written anew in place; anything else is replaced whole. It is an
/// error if the names of the entry belong to another cluster there, or what else is in it keeps
/// kubectl from reading it.
pub fn write(entry: &Entry<'_>, existing: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>> {
    let config = merged(entry, existing).map_err(|obstacle| anyhow!(obstacle.text))?;
    Ok(Zeroizing::new(yaml::write(&config).as_bytes().to_vec()))
}

/// Why `write` would refuse to put this entry into `existing`, or make it larger than `largest`.
pub fn obstacle(entry: &Entry<'_>, existing: &[u8], largest: usize) -> Option<Obstacle> {
    match merged(entry, Some(existing)) {
        Err(obstacle) => Some(obstacle),
        Ok(config) => (yaml::write(&config).len() > largest).then(|| Obstacle {
            code: Code::TooLarge,
            text: format!("would be larger than {} KiB, made anew", largest >> 10),
            way_out: "move other clusters' entries to a file of their own",
        }),
    }
}

fn merged(entry: &Entry<'_>, existing: Option<&[u8]>) -> Result<Node, Obstacle> {
    let mut config = existing
        .and_then(|bytes| document(bytes).ok())
        .unwrap_or_else(|| Node::map([]));
    let names = names(entry, &config)?;
    config.insert("apiVersion", Node::text("v1"));
    config.insert("kind", Node::text("Config"));
    let (authorities, user) = fields(entry);
    let server = ("server".to_owned(), Node::text(entry.server));
    let cluster = authorities.into_iter().chain([server]);
    put(
        &mut config,
        "clusters",
        &names.cluster,
        "cluster",
        cluster,
        // The name belongs to the server that it replaces.
        &[AUTHORITY, AUTHORITY_DATA, INSECURE, SERVER_NAME],
    );
    put(
        &mut config,
        "users",
        &names.user,
        "user",
        user,
        &[&CLIENT[..], &OTHER_IDENTITIES].concat(),
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
    match schema::fault(&config) {
        None => Ok(config),
        Some(fault) => Err(Obstacle {
            code: Code::Unreadable,
            text: format!("cannot be used: {fault}"),
            way_out: "correct that by hand: it is not of the entry that certs makes",
        }),
    }
}

/// A field and its value.
type Field = (String, Node);

/// The field of the cluster that says whom it trusts, and those of the user that say who it is.
fn fields(entry: &Entry<'_>) -> (Option<Field>, Vec<Field>) {
    let embedded = |field: &str, bytes: &[u8]| (format!("{field}-data"), data(bytes));
    let named = |field: &str, path: &str| (field.to_owned(), Node::text(path));
    match entry.credentials {
        Credentials::Data { certificate, key } => (
            Some(embedded(AUTHORITY, entry.authorities.as_bytes())),
            vec![
                embedded(CERTIFICATE, certificate.as_bytes()),
                embedded(KEY, key),
            ],
        ),
        Credentials::Token(token) => (
            Some(embedded(AUTHORITY, entry.authorities.as_bytes())),
            vec![named("token", token)],
        ),
        Credentials::Files {
            authorities,
            certificate,
            key,
        } => (
            Some(authorities.map_or_else(
                || embedded(AUTHORITY, entry.authorities.as_bytes()),
                |file| named(AUTHORITY, file),
            )),
            vec![named(CERTIFICATE, certificate), named(KEY, key)],
        ),
        Credentials::Key(key) => (
            Some(embedded(AUTHORITY, entry.authorities.as_bytes()))
                .filter(|_| !entry.authorities.is_empty()),
            vec![embedded(KEY, key)],
        ),
    }
}

/// The names under which an entry stands.
struct Names {
    context: String,
    cluster: String,
    user: String,
}

/// Those of the current context, which is the one that was judged, if it is of this cluster: people
/// rename entries when they put the kubeconfigs of several clusters into one file. Else the usual
/// ones. None may be another cluster's: it would lose its server, or its credentials.
fn names(entry: &Entry<'_>, config: &Node) -> Result<Names, Obstacle> {
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
    let own = current.filter(|current| {
        let usually = current.cluster == usual.cluster && current.user == usual.user;
        let cluster = named(config, "clusters", &current.cluster, "cluster");
        usually || cluster.is_some_and(|cluster| is_of(entry, cluster))
    });
    let foreign = |name: &str| {
        let cluster = named(config, "clusters", name, "cluster");
        cluster.filter(|cluster| !is_of(entry, cluster))
    };
    if own.is_none()
        && let Some(cluster) = foreign(&usual.cluster)
    {
        let server = text(cluster, "server").map_or("no server".to_owned(), server::shown);
        return Err(taken(
            format!("calls another cluster \"{}\", at {server}", usual.cluster),
            "rename that one, or make a context of this cluster the current one",
        ));
    }
    let names = own.unwrap_or(usual);
    for item in config.get("contexts").map_or(&[][..], Node::items) {
        let Some((name, context)) = text(item, "name").zip(item.get("context")) else {
            continue;
        };
        let cluster = text(context, "cluster").unwrap_or_default();
        if cluster == names.cluster || foreign(cluster).is_none() {
            continue;
        }
        if name == names.context {
            return Err(taken(
                format!("calls a context of another cluster \"{name}\""),
                "rename that one, or make a context of this cluster the current one",
            ));
        }
        if text(context, "user") == Some(&names.user) {
            let user = &names.user;
            return Err(taken(
                format!(
                    "has the user \"{user}\" for another cluster too, in the context \"{name}\""
                ),
                "give that context a user of another name, with that cluster's credentials",
            ));
        }
    }
    Ok(names)
}

fn taken(text: String, way_out: &'static str) -> Obstacle {
    Obstacle {
        code: Code::NamesTaken,
        text,
        way_out,
    }
}

/// Whether an entry of a cluster is that of the same cluster.
fn is_of(entry: &Entry<'_>, cluster: &Node) -> bool {
    let own = Certificate::from_pem(entry.authorities.as_bytes()).unwrap_or_default();
    let file = match entry.credentials {
        Credentials::Files { authorities, .. } => authorities,
        Credentials::Data { .. } | Credentials::Key(_) | Credentials::Token(_) => None,
    };
    is_same(&own, &[entry.server.to_owned()], file, cluster)
}

/// Whether an entry of a cluster is that of the cluster with these CAs, in `file` if it is in one, and
/// servers: it trusts one of the CAs, or of their keys, or it points at a server.
pub(super) fn is_same(
    authorities: &[Certificate],
    servers: &[String],
    file: Option<&str>,
    cluster: &Node,
) -> bool {
    let ours = |ca: &Certificate| {
        authorities
            .iter()
            .any(|own| own == ca || (own.is_ca() && own.public_key == ca.public_key))
    };
    let trusts = match source(cluster, AUTHORITY) {
        Ok(Source::Data { bytes, .. }) => Certificate::from_pem(&bytes)
            .unwrap_or_default()
            .iter()
            .any(ours),
        Ok(Source::File { path, .. }) => Some(path.as_str()) == file,
        Err(_) => false,
    };
    trusts
        || text(cluster, "server")
            .is_some_and(|url| servers.iter().any(|own| server::same(own, url)))
}

/// Sets fields of the entry of this name, which is added where it is lacking, and takes away
/// those that would say the same in another way.
pub(super) fn put(
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
    schema::cleanse(list, object);
    let fields: Vec<(String, Node)> = fields.into_iter().collect();
    for field in instead_of {
        if fields.iter().all(|(kept, _)| kept != field) {
            object.remove(field);
        }
    }
    for (field, value) in fields {
        object.insert(&field, value);
    }
}

pub(super) fn data(bytes: &[u8]) -> Node {
    let text = Zeroizing::new(Base64::encode_string(bytes));
    Node::text(&text)
}
