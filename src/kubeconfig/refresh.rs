//! Brings the CA certificates of a kubeconfig that was handed out up to date.

use anyhow::{Result, bail};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::write::{data, is_same};
use super::{AUTHORITY, AUTHORITY_DATA, INSECURE, Source, document, source, text};
use crate::bundle::{Exchange, renews};
use crate::observed::server;
use crate::x509::cert::Certificate;
use crate::yaml::{self, Node, Value};

/// What a cluster is known by.
pub struct Cluster<'a> {
    /// Its CA certificates.
    pub authorities: &'a [Certificate],
    /// The URLs of its API servers.
    pub servers: &'a [String],
}

/// A kubeconfig has no entry of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign;

impl std::fmt::Display for Foreign {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("has no entry of this cluster, with one of its CAs or servers")
    }
}

impl std::error::Error for Foreign {}

/// What became of a kubeconfig.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// Its new text; none if nothing changed.
    pub bytes: Option<Zeroizing<Vec<u8>>>,
    /// The names of its entries of this cluster that hold a newer certificate of a CA than the cluster's.
    pub ahead: Vec<String>,
    /// Those whose CA certificates were replaced.
    pub replaced: Vec<String>,
    /// What those hold no more, and the cluster has not: each with the subjects.
    pub dropped: Vec<(String, Vec<String>)>,
    /// Those that have them already.
    pub current: Vec<String>,
    /// Those that name a file, and have nothing to replace, each with that file.
    pub named: Vec<(String, String)>,
    /// Those that have none.
    pub without: Vec<String>,
    /// Those by which no server is verified, whatever CA certificates they have, each with why.
    pub unverified: Vec<(String, &'static str)>,
    /// Whether comments and the form of the text were lost: it could not be kept as it was written.
    pub rewritten: bool,
}

/// A kubeconfig with `bundle` as the CA certificates of each of its entries of this cluster, and with
/// all else as it is. One that has no entry of this cluster is an error.
pub fn refresh(
    bytes: &[u8],
    cluster: &Cluster<'_>,
    bundle: &[Certificate],
    now: OffsetDateTime,
) -> Result<Refreshed> {
    let mut config = document(bytes)?;
    let mut refreshed = Refreshed::default();
    let mut former = Vec::new();
    let items = config.get_mut("clusters").and_then(Node::items_mut);
    for item in items.into_iter().flatten() {
        let name = text(item, "name").unwrap_or_default().to_owned();
        let Some(entry) = item.get_mut("cluster") else {
            continue;
        };
        match standing(entry, cluster) {
            Standing::Foreign => {}
            Standing::Unverified(why) => refreshed.unverified.push((name, why)),
            Standing::Holds(held) => {
                let wanted = newest(&held, bundle, now);
                let ahead = wanted != bundle;
                if ahead {
                    refreshed.ahead.push(name.clone());
                }
                if same_set(&held, &wanted) {
                    if !ahead {
                        refreshed.current.push(name);
                    }
                    continue;
                }
                let exchange = Exchange {
                    former: cluster.authorities,
                    now: bundle,
                };
                let beyond = exchange.beyond(&held).map(|ca| ca.subject.to_string());
                let beyond: Vec<String> = beyond.collect();
                if !beyond.is_empty() {
                    refreshed.dropped.push((name.clone(), beyond));
                }
                let pem: String = wanted.iter().map(Certificate::to_pem).collect();
                let new = data(pem.as_bytes());
                let exchanged = entry.get(AUTHORITY_DATA).and_then(as_text);
                former.extend(exchanged.zip(as_text(&new)));
                entry.insert(AUTHORITY_DATA, new);
                refreshed.replaced.push(name);
            }
            Standing::Named(path) => refreshed.named.push((name, path)),
            Standing::Without => refreshed.without.push(name),
        }
    }
    let Refreshed {
        ahead,
        replaced,
        current,
        named,
        without,
        unverified,
        ..
    } = &refreshed;
    let none = [ahead, replaced, current, without].map(Vec::is_empty) == [true; 4];
    if none && named.is_empty() && unverified.is_empty() {
        bail!(Foreign);
    }
    if !refreshed.replaced.is_empty() {
        let kept = in_place(bytes, &former, &config);
        refreshed.rewritten = kept.is_none();
        refreshed.bytes =
            Some(kept.unwrap_or_else(|| Zeroizing::new(yaml::write(&config).as_bytes().to_vec())));
    }
    Ok(refreshed)
}

/// What an entry of a cluster is to the one that is brought up to date.
pub(super) enum Standing {
    /// It is of another one.
    Foreign,
    /// It holds these CA certificates.
    Holds(Vec<Certificate>),
    /// It names this file of them.
    Named(String),
    /// It has none, and nothing that could be out of date.
    Without,
    /// No server is verified by it, and why.
    Unverified(&'static str),
}

/// What `entry` is to a cluster.
pub(super) fn standing(entry: &Node, cluster: &Cluster<'_>) -> Standing {
    let unverified = verifies_none(entry);
    // By another scheme it is the same server.
    let leads_there = |own: &String| {
        let server = text(entry, "server").unwrap_or_default();
        unverified.is_some() && server::authority(own) == server::authority(server)
    };
    if !is_same(cluster.authorities, cluster.servers, None, entry)
        && !cluster.servers.iter().any(leads_there)
    {
        return Standing::Foreign;
    }
    if let Some(why) = unverified {
        return Standing::Unverified(why);
    }
    match source(entry, AUTHORITY) {
        Ok(Source::Data { bytes, .. }) => {
            Standing::Holds(Certificate::from_pem(&bytes).unwrap_or_default())
        }
        Ok(Source::File { path, .. }) => Standing::Named(path),
        // What cannot be decoded nobody can read: as with what is no certificate, nothing is lost by its replacement.
        Err(_) if text(entry, AUTHORITY_DATA).is_some_and(|data| !data.is_empty()) => {
            Standing::Holds(Vec::new())
        }
        Err(_) => Standing::Without,
    }
}

/// What an entry that holds these is to hold: `bundle`, and of each CA that was renewed the newer certificate.
fn newest(held: &[Certificate], bundle: &[Certificate], now: OffsetDateTime) -> Vec<Certificate> {
    let mut newest: Vec<Certificate> = Vec::new();
    for ca in bundle {
        let beyond = held.iter().filter(|held| !bundle.contains(held));
        let newer = beyond.filter(|held| renews(held, ca, bundle, now));
        let newer = newer.max_by_key(|held| held.validity.not_after);
        let newer = newer.unwrap_or(ca);
        if !newest.contains(newer) {
            newest.push(newer.clone());
        }
    }
    newest
}

/// Why no server is verified by an entry, if so.
fn verifies_none(cluster: &Node) -> Option<&'static str> {
    if cluster
        .get(INSECURE)
        .is_some_and(|node| node.value != Value::Bool(false))
    {
        return Some(INSECURE);
    }
    let address = text(cluster, "server")?;
    (!server::is_verified(address)).then_some("its server is no https URL")
}

fn as_text(node: &Node) -> Option<String> {
    node.as_text().map(str::to_owned)
}

/// Whether these are the same certificates, in any order.
pub fn same_set(one: &[Certificate], other: &[Certificate]) -> bool {
    one.iter().all(|certificate| other.contains(certificate))
        && other.iter().all(|certificate| one.contains(certificate))
}

/// The text with just the data exchanged, where that comes to what is wanted: comments, order and
/// quotes stay. The same data may stand elsewhere too, in another cluster's entry.
fn in_place(
    bytes: &[u8],
    exchanged: &[(String, String)],
    wanted: &Node,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(std::str::from_utf8(bytes).ok()?.to_owned());
    for (old, new) in exchanged {
        text = Zeroizing::new(text.replace(old.as_str(), new));
    }
    let made = document(text.as_bytes()).ok()?;
    (made == *wanted).then(|| Zeroizing::new(text.as_bytes().to_vec()))
}
