//! The options by which each component uses the tree, for the facts of a cluster.
//!
//! They are those of kubeadm's static pods, as far as they name a file of the tree or must agree
//! with what a certificate says. What else a component needs is its operator's business.

mod document;
mod table;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::resolve::{ResolveError, advertise_address, node_name, user_name};
use super::signing::signing_file_of;
use super::{Profile, by_name};
use crate::facts::{ExternalEtcd, Facts, Role, url};
use crate::location::{FileId, Root};

pub use document::document;
pub use table::COMPONENTS;

/// What is started with files of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component {
    /// The program's name.
    pub name: &'static str,
    /// What its configuration file is, if it is one that options can stand in.
    pub config: Option<Config>,
    /// Whether it takes its options from the environment too, under this prefix.
    pub environment: Option<&'static str>,
    /// Whether it is left to somebody else if etcd is.
    pub etcd: bool,
    options: &'static [Row],
}

/// A component's configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// `apiVersion`
    pub version: &'static str,
    /// `kind`
    pub kind: &'static str,
}

/// One option, for the facts of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The option, without its dashes.
    pub flag: &'static str,
    /// Its field in the configuration file, names with dots between; none where it is an option only.
    pub field: Option<&'static str>,
    /// What it is set to.
    pub value: Value,
}

/// What an option is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A directory of the tree.
    Directory(Root),
    /// A file of the tree.
    File(FileId),
    /// The file that the controller manager signs with: the CA's, or where that has one apart, that.
    Signing {
        /// The CA's file.
        ca: FileId,
        /// The one apart, which holds exactly one certificate.
        apart: FileId,
    },
    /// Anything else.
    Text(String),
    /// A switch that is on.
    True,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    flag: &'static str,
    field: Option<&'static str>,
    source: Source,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    AdvertiseAddress,
    BindPort,
    /// By which a kubelet that has no certificate yet asks for one.
    BootstrapKubeconfig,
    ClusterName,
    /// The common name of a row's certificate.
    CommonNameOf(&'static str),
    Directory(Root),
    EtcdAdvertisedUrl(Port),
    /// The file of a local etcd's row, or what the configuration has for an external one.
    EtcdCa,
    EtcdClientCertificate,
    EtcdClientKey,
    EtcdListenUrls(Port),
    /// `NAME=PEER-URL` of every member.
    EtcdMembers,
    EtcdServers,
    /// Whether the member is there from the beginning, or joins.
    EtcdState,
    Fixed(&'static str),
    /// The key file of a row.
    Key(&'static str),
    NodeName,
    /// The certificate file of a row, its public key or its kubeconfig.
    Public(&'static str),
    ServiceAccountIssuer,
    ServiceCidr,
    /// Those of the CA that signs what is asked of the cluster.
    SigningCertificate,
    SigningKey,
    True,
}

/// The kubeconfig with a bootstrap token, as kubeadm calls it.
pub const BOOTSTRAP_KUBECONFIG: &str = "bootstrap-kubelet.conf";

/// The CA that signs what is asked of the cluster.
const SIGNING: &str = "ca";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Client = 2379,
    Peer = 2380,
}

const fn option(flag: &'static str, source: Source) -> Row {
    Row {
        flag,
        field: None,
        source,
    }
}

const fn field(flag: &'static str, field: &'static str, source: Source) -> Row {
    Row {
        flag,
        field: Some(field),
        source,
    }
}

/// The component of this name.
pub fn component(name: &str) -> Option<&'static Component> {
    COMPONENTS.iter().find(|component| component.name == name)
}

impl Component {
    /// Its options, for these facts. With `external`, the key of the CA that it would sign with is
    /// somewhere else: as kubeadm does, it is told to sign nothing.
    pub fn settings(&self, facts: &Facts, external: bool) -> Result<Vec<Setting>, ResolveError> {
        let mut settings = Vec::new();
        for row in self.options {
            let found = match row.source {
                Source::SigningCertificate | Source::SigningKey if external => {
                    Some(Value::Text(String::new()))
                }
                source => value(source, facts)?,
            };
            if let Some(value) = found {
                settings.push(Setting {
                    flag: row.flag,
                    field: row.field,
                    value,
                });
            }
        }
        Ok(settings)
    }

    /// The CA that it signs with.
    pub fn signs_with(&self) -> Option<&'static Profile> {
        let signs = |option: &Row| option.source == Source::SigningKey;
        self.options.iter().any(signs).then(|| row(SIGNING))
    }

    /// The rows that `certs all` does not make, of whose files options tell.
    pub fn by_name(&self) -> Vec<&'static Profile> {
        let public = self
            .options
            .iter()
            .filter_map(|option| match option.source {
                Source::Public(name) => Some(row(name)),
                _ => None,
            });
        public.filter(|row| !row.in_all).collect()
    }
}

/// None where the facts have nothing to say: an external etcd without TLS.
fn value(source: Source, facts: &Facts) -> Result<Option<Value>, ResolveError> {
    let (cluster, node) = (&facts.cluster, &facts.node);
    let external = cluster.external_etcd.as_ref();
    let etcd = |local: Value, theirs: fn(&ExternalEtcd) -> &Option<String>| match external {
        Some(external) => theirs(external).clone().map(Value::Text),
        None => Some(local),
    };
    let text = match source {
        Source::BootstrapKubeconfig => {
            let file = FileId::new(Root::Kubeconfig, BOOTSTRAP_KUBECONFIG);
            return Ok(Some(Value::File(file)));
        }
        Source::Directory(root) => return Ok(Some(Value::Directory(root))),
        Source::EtcdCa => return Ok(etcd(public("etcd-ca"), |external| &external.ca)),
        Source::EtcdClientCertificate => {
            return Ok(etcd(public("apiserver-etcd-client"), |external| {
                &external.certificate
            }));
        }
        Source::EtcdClientKey => {
            return Ok(etcd(key("apiserver-etcd-client"), |external| &external.key));
        }
        Source::Key(row) => return Ok(Some(key(row))),
        Source::Public(row) => return Ok(Some(public(row))),
        Source::SigningCertificate => {
            let (ca, apart) = (row(SIGNING).stored.public(), signing_file_of(SIGNING));
            return Ok(Some(Value::Signing { ca, apart }));
        }
        Source::SigningKey => return Ok(Some(key(SIGNING))),
        Source::True => return Ok(Some(Value::True)),
        Source::AdvertiseAddress => advertise_address(node)?.to_string(),
        Source::BindPort => node.bind_port.to_string(),
        Source::ClusterName => cluster.name.clone(),
        Source::CommonNameOf(name) => user_name(row(name).common_name, node)?,
        Source::EtcdAdvertisedUrl(port) => url(advertise_address(node)?, port as u16),
        Source::EtcdListenUrls(port) => listen_urls(advertise_address(node)?, port),
        Source::EtcdMembers => members(facts)?,
        Source::EtcdServers => match external {
            Some(external) if external.endpoints.is_empty() => return Ok(None),
            Some(external) => external.endpoints.join(","),
            None => url(neighbour(advertise_address(node)?), Port::Client as u16),
        },
        Source::EtcdState if node.role == Role::Further => "existing".to_owned(),
        Source::EtcdState => "new".to_owned(),
        Source::Fixed(text) => text.to_owned(),
        Source::NodeName => node_name(node)?.to_owned(),
        Source::ServiceAccountIssuer => {
            format!("https://kubernetes.default.svc.{}", cluster.dns_domain)
        }
        Source::ServiceCidr => cluster.service_cidr.clone(),
    };
    Ok(Some(Value::Text(text)))
}

/// Where a local etcd is reached on its own node: at the loopback address of the node's family,
/// which its certificate names. A node whose own address is a loopback one may have others beside
/// it on its machine: it listens there alone.
fn neighbour(address: IpAddr) -> IpAddr {
    match address {
        _ if address.is_loopback() => address,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}

fn listen_urls(address: IpAddr, port: Port) -> String {
    let own = url(address, port as u16);
    match port {
        Port::Client if neighbour(address) != address => {
            format!("{},{own}", url(neighbour(address), port as u16))
        }
        Port::Client | Port::Peer => own,
    }
}

fn members(facts: &Facts) -> Result<String, ResolveError> {
    let node = &facts.node;
    let own = (node_name(node)?.to_owned(), advertise_address(node)?);
    let mut members = facts.cluster.etcd_members.clone();
    if let Some((name, address)) = members
        .iter()
        .find(|(name, address)| *name != own.0 && *address == own.1)
    {
        return Err(ResolveError(format!(
            "--etcd-member: {name} has the address {address}, which is that of this node, {}",
            own.0
        )));
    }
    match members.iter().find(|(name, _)| *name == own.0) {
        None => members.insert(0, own),
        Some(listed) if *listed == own => {}
        Some((name, address)) => {
            return Err(ResolveError(format!(
                "--etcd-member: {name} is this node, whose address is {}, not {address}",
                own.1
            )));
        }
    }
    let urls: Vec<String> = members
        .iter()
        .map(|(name, address)| format!("{name}={}", url(*address, Port::Peer as u16)))
        .collect();
    Ok(urls.join(","))
}

fn row(name: &str) -> &'static Profile {
    by_name(name).expect("the options name rows of the table, as a test holds")
}

fn public(name: &str) -> Value {
    Value::File(row(name).stored.public())
}

fn key(name: &str) -> Value {
    Value::File(row(name).stored.key())
}

#[cfg(test)]
mod tests;
