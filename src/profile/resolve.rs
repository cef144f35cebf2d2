//! Profile × facts → spec.

use std::fmt;
use std::net::IpAddr;

use super::{ApiServer, CommonName, Host, Kind, Phase, Profile, Signer, Stored, TABLE, by_name};
use crate::facts::{ClusterFacts, Facts, NodeFacts, Role, Version};
use crate::location::Root;
use crate::spec::{CertificateSpec, Content, Credentials, Place, Spec};
use crate::x509::name::Name;
use crate::x509::san::{San, ordered};

/// What the user names of nodes begin with.
pub(super) const SYSTEM_NODE: &str = "system:node:";

/// A fact that the row needs is not known, or a name cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveError(pub String);

impl fmt::Display for ResolveError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ResolveError {}

/// An identity of the user's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own<'a> {
    /// The file name without its ending.
    pub name: &'a str,
    /// The user name.
    pub common_name: &'a str,
    /// The groups, in the order given.
    pub organizations: Vec<&'a str>,
}

/// The spec of a row.
pub fn resolve(profile: &Profile, facts: &Facts) -> Result<Spec, ResolveError> {
    if profile.hosts.contains(&Host::NodeAddresses) && addresses(&facts.node).is_empty() {
        return Err(no_address("node's address", "--node-ip"));
    }
    addressed_or_not(profile, facts)
}

/// As [`resolve`], also where no address of the node is known.
fn addressed_or_not(profile: &Profile, facts: &Facts) -> Result<Spec, ResolveError> {
    let common_name = user_name(profile.common_name, &facts.node)?;
    let content = match profile.signer {
        Signer::Nobody => Content::KeyPair(facts.cluster.key_algorithm),
        signer => {
            let version = &facts.cluster.kubernetes_version;
            let (subject, former_subjects) = subjects(profile, version, &common_name);
            Content::Certificate(CertificateSpec {
                subject,
                subject_given: false,
                former_subjects,
                issuer: issuer(signer),
                kind: profile.kind,
                sans: hosts(profile, facts)?,
                key_algorithm: facts.cluster.key_algorithm,
                validity: validity(profile.kind, &facts.cluster),
                kept: None,
            })
        }
    };
    let place = match profile.stored {
        Stored::KeyPair(base) => Place::KeyPair {
            base: base.to_owned(),
        },
        Stored::Kubeconfig(file, api_server) => {
            let (server, or_server) = servers(api_server, facts)?;
            Place::Kubeconfig {
                file: file.to_owned(),
                cluster: facts.cluster.name.clone(),
                user: common_name,
                server,
                or_server,
                credentials: Credentials::AsFound,
            }
        }
        Stored::Pair(root, base) => Place::Pair {
            root,
            base: base.to_owned(),
        },
    };
    Ok(Spec {
        name: profile.name.to_owned(),
        phase: profile.phase,
        place,
        content,
    })
}

/// The identity of a kubeconfig as a plain pair, `pki/NAME.crt` and `pki/NAME.key`.
pub fn pair_of_identity(profile: &Profile, facts: &Facts) -> Result<Spec, ResolveError> {
    let pair = Profile {
        phase: Phase::Client,
        stored: Stored::Pair(Root::Pki, profile.name),
        ..*profile
    };
    resolve(&pair, facts)
}

/// What a row wants of its certificate, wherever that is put.
pub fn certificate_of(profile: &Profile, facts: &Facts) -> Result<Spec, ResolveError> {
    match profile.stored {
        // A kubeconfig's place tells an address, which is none of its certificate.
        Stored::Kubeconfig(..) => pair_of_identity(profile, facts),
        Stored::KeyPair(_) | Stored::Pair(..) => resolve(profile, facts),
    }
}

/// The same where a request may tell the addresses of its node: those that are not known are left out.
pub fn certificate_asked(profile: &Profile, facts: &Facts) -> Result<Spec, ResolveError> {
    if profile.hosts.contains(&Host::NodeAddresses) {
        return addressed_or_not(profile, facts);
    }
    certificate_of(profile, facts)
}

/// A CA's row with another subject.
pub fn ca_with_subject(
    profile: &Profile,
    facts: &Facts,
    subject: Name,
) -> Result<Spec, ResolveError> {
    let mut spec = resolve(profile, facts)?;
    if let Content::Certificate(certificate) = &mut spec.content {
        certificate.subject = subject;
        certificate.subject_given = true;
    }
    Ok(spec)
}

/// The client certificate of a user of one's own, as a pair or in a kubeconfig.
pub fn own(own: &Own<'_>, phase: Phase, facts: &Facts) -> Result<Spec, ResolveError> {
    usable_name(own.name)?;
    if own.common_name.trim().is_empty() {
        return Err(ResolveError(
            "--common-name is empty: give the user's name".to_owned(),
        ));
    }
    if own
        .organizations
        .iter()
        .any(|organization| organization.trim().is_empty())
    {
        return Err(ResolveError(
            "--organization is empty: leave it out, or name a group".to_owned(),
        ));
    }
    let mut names = own.organizations.iter().chain([&own.common_name]);
    if names.any(|name| name.contains(char::is_control)) {
        return Err(ResolveError(
            "a user's or group's name holds a control character: leave it out".to_owned(),
        ));
    }
    let place = if phase == Phase::Kubeconfig {
        Place::Kubeconfig {
            file: format!("{}.conf", own.name),
            cluster: facts.cluster.name.clone(),
            user: own.common_name.to_owned(),
            server: server(ApiServer::Endpoint, facts)?,
            or_server: None,
            credentials: Credentials::AsFound,
        }
    } else {
        Place::Pair {
            root: Root::Pki,
            base: own.name.to_owned(),
        }
    };
    let certificate = CertificateSpec {
        subject: Name::new(&own.organizations, own.common_name),
        subject_given: true,
        former_subjects: Vec::new(),
        issuer: Some("ca".to_owned()),
        kind: Kind::Client,
        sans: Vec::new(),
        key_algorithm: facts.cluster.key_algorithm,
        validity: facts.cluster.validity,
        kept: None,
    };
    Ok(Spec {
        name: own.name.to_owned(),
        phase,
        place,
        content: Content::Certificate(certificate),
    })
}

/// A name of one's own becomes a file name beside the table's: it is a DNS-1123 label, and
/// neither a profile nor a path of the table.
fn usable_name(name: &str) -> Result<(), ResolveError> {
    crate::x509::san::dns_label(name)
        .map_err(|reason| ResolveError(format!("\"{name}\" cannot be a name: {reason}")))?;
    // A CA that waits for its turn, or signs alone, stands in files of these endings.
    let reserved = name.ends_with("-next") || name.ends_with("-signing");
    if by_name(name).is_some() || reserved || TABLE.iter().any(|profile| stored_as(profile, name)) {
        return Err(ResolveError(format!(
            "\"{name}\" is a file of the cluster's own: choose another name"
        )));
    }
    Ok(())
}

fn stored_as(profile: &Profile, name: &str) -> bool {
    match profile.stored {
        Stored::KeyPair(base) | Stored::Pair(Root::Pki, base) => {
            base == name || base.split('/').next() == Some(name)
        }
        Stored::Kubeconfig(file, _) => file.strip_suffix(".conf") == Some(name),
        Stored::Pair(..) => false,
    }
}

pub(super) fn common_name(common_name: CommonName, node: &str) -> String {
    match common_name {
        CommonName::Fixed(text) => text.to_owned(),
        CommonName::NodeName => node.to_owned(),
        CommonName::SystemNode => format!("{SYSTEM_NODE}{node}"),
    }
}

/// As [`common_name`], of a node whose name is perhaps not known.
pub(super) fn user_name(wanted: CommonName, node: &NodeFacts) -> Result<String, ResolveError> {
    match wanted {
        CommonName::Fixed(text) => Ok(text.to_owned()),
        CommonName::NodeName | CommonName::SystemNode => Ok(common_name(wanted, node_name(node)?)),
    }
}

/// The subject that a cluster of this version wants, and those of other versions.
pub(super) fn subjects(
    profile: &Profile,
    version: &Version,
    common_name: &str,
) -> (Name, Vec<Name>) {
    let wanted = profile.organizations_at(version);
    let former = profile
        .organizations_ever()
        .into_iter()
        .filter(|organizations| *organizations != wanted)
        .map(|organizations| Name::new(organizations, common_name))
        .collect();
    (Name::new(wanted, common_name), former)
}

pub(super) fn issuer(signer: Signer) -> Option<String> {
    match signer {
        Signer::Ca(name) => Some(name.to_owned()),
        Signer::Itself | Signer::Nobody => None,
    }
}

/// A name or an address that is always the same.
pub(super) fn fixed(host: &str) -> San {
    match host.parse() {
        Ok(address) => San::Ip(address),
        Err(_) => San::Dns(host.to_owned()),
    }
}

pub(super) fn validity(kind: Kind, cluster: &ClusterFacts) -> time::Duration {
    if kind == Kind::Ca {
        cluster.ca_validity
    } else {
        cluster.validity
    }
}

/// Where a kubelet asks for its first certificate.
pub fn bootstrap_server(facts: &Facts) -> Result<String, ResolveError> {
    server(ApiServer::Endpoint, facts)
}

/// Where a kubeconfig leads, and where it may lead as well.
pub(super) fn servers(
    api_server: ApiServer,
    facts: &Facts,
) -> Result<(String, Option<String>), ResolveError> {
    let endpoint = facts.cluster.endpoint.as_ref();
    let or_server = match api_server {
        ApiServer::Endpoint => None,
        ApiServer::Local => endpoint.map(|endpoint| endpoint.url.clone()),
    };
    Ok((server(api_server, facts)?, or_server))
}

fn server(api_server: ApiServer, facts: &Facts) -> Result<String, ResolveError> {
    // A worker has no API server of its own.
    let worker = facts.node.role == Role::Worker;
    match &facts.cluster.endpoint {
        Some(endpoint) if worker || api_server == ApiServer::Endpoint => {
            return Ok(endpoint.url.clone());
        }
        None if worker => {
            return Err(ResolveError(
                "a worker needs the address of the control plane: give --control-plane-endpoint, \
                 or controlPlaneEndpoint in the ClusterConfiguration"
                    .to_owned(),
            ));
        }
        _ => {}
    }
    facts.node.url().ok_or_else(no_advertise_address)
}

pub(super) fn node_name(node: &NodeFacts) -> Result<&str, ResolveError> {
    let unstated = || {
        ResolveError(
            "it is for one node: state it with --node-name, or with nodeRegistration.name in --config"
                .to_owned(),
        )
    };
    node.name.as_deref().ok_or_else(unstated)
}

pub(super) fn advertise_address(node: &NodeFacts) -> Result<IpAddr, ResolveError> {
    node.advertise_address.ok_or_else(no_advertise_address)
}

fn no_advertise_address() -> ResolveError {
    no_address("advertise address", "--apiserver-advertise-address")
}

fn no_address(which: &str, flag: &str) -> ResolveError {
    ResolveError(format!(
        "there is no default route to take the {which} from: give {flag}"
    ))
}

/// The node's own, or the one of its API server.
fn addresses(node: &NodeFacts) -> &[IpAddr] {
    if node.addresses.is_empty() {
        node.advertise_address.as_slice()
    } else {
        &node.addresses
    }
}

fn hosts(profile: &Profile, facts: &Facts) -> Result<Vec<San>, ResolveError> {
    sans(profile.hosts.iter(), facts)
}

/// What these columns of a row come to.
pub(super) fn sans<'a>(
    hosts: impl Iterator<Item = &'a Host>,
    facts: &Facts,
) -> Result<Vec<San>, ResolveError> {
    let (cluster, node) = (&facts.cluster, &facts.node);
    let mut sans = Vec::new();
    for host in hosts {
        match host {
            Host::AdvertiseAddress => sans.push(San::Ip(advertise_address(node)?)),
            Host::ApiServerExtra => sans.extend(cluster.apiserver_extra_sans.iter().cloned()),
            Host::ControlPlaneEndpoint => {
                sans.extend(
                    cluster
                        .endpoint
                        .iter()
                        .map(|endpoint| endpoint.host.clone()),
                );
            }
            Host::EtcdPeerExtra => sans.extend(node.etcd_peer_extra_sans.iter().cloned()),
            Host::EtcdServerExtra => sans.extend(node.etcd_server_extra_sans.iter().cloned()),
            Host::Fixed(text) => sans.push(fixed(text)),
            Host::NodeAddresses => sans.extend(addresses(node).iter().copied().map(San::Ip)),
            // A node named by an address is a DNS name all the same: kubeadm writes it so.
            Host::NodeName => sans.push(San::Dns(node_name(node)?.to_owned())),
            Host::ServiceInDomain(service) => {
                sans.push(San::Dns(format!("{service}.{}", cluster.dns_domain)));
            }
            Host::ServiceIp => sans.push(San::Ip(cluster.service_ip)),
        }
    }
    Ok(ordered(sans))
}
