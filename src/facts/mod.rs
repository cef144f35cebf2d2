//! What is true of the cluster and of a node.
//!
//! In: [`Given`], the unchecked text of flags and configuration files, each with its origin. Out: [`Facts`], parsed,
//! defaulted and checked, or every [`ValueError`] of the run at once. Nothing is read here: [`Host`] brings what only
//! the machine knows.

mod check;
pub(crate) mod defaults;
mod endpoint;
mod etcd;
mod network;
mod version;

use std::fmt;
use std::net::IpAddr;

use time::Duration;

use crate::key::KeyAlgorithm;
use crate::x509::san::San;

pub(crate) use check::node_name;
pub use check::{cert_dir, resolve, resolve_elsewhere};
pub use endpoint::Endpoint;
pub(crate) use network::of_a_node;
pub use version::Version;

/// A value, and where somebody gave it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stated<T> {
    /// What was given.
    pub value: T,
    /// A flag (`--service-cidr`), or a field with its place (`networking.serviceSubnet (cluster.yaml line 12)`).
    pub origin: String,
}

impl<T> Stated<T> {
    /// The value, given there.
    pub fn new(value: impl Into<T>, origin: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            origin: origin.into(),
        }
    }

    /// Whether a flag gave it: a path in a flag belongs to the working directory, one in a file to nothing.
    fn is_flag(&self) -> bool {
        self.origin.starts_with("--")
    }
}

/// What flags and files say, unchecked; an empty text counts as unset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// Addresses and names beside the usual ones in the certificate of the API server.
    pub apiserver_extra_sans: Vec<Stated<String>>,
    /// The address at which other nodes reach this one's API server.
    pub advertise_address: Option<Stated<String>>,
    /// The port of the API server.
    pub bind_port: Option<Stated<String>>,
    /// Validity of new CA certificates, in Go's syntax.
    pub ca_validity: Option<Stated<String>>,
    /// The directory of certificates and keys.
    pub cert_dir: Option<Stated<String>>,
    /// The cluster's name in kubeconfigs.
    pub cluster_name: Option<Stated<String>>,
    /// Host and port that all control-plane nodes share.
    pub control_plane_endpoint: Option<Stated<String>>,
    /// The domain of the cluster's services.
    pub dns_domain: Option<Stated<String>>,
    /// Whether nothing is to be written.
    pub dry_run: Option<bool>,
    /// The members of a local etcd, as `NAME=ADDRESS`.
    pub etcd_members: Vec<Stated<String>>,
    /// Addresses and names beside the usual ones in etcd's peer certificate.
    pub etcd_peer_extra_sans: Vec<Stated<String>>,
    /// Addresses and names beside the usual ones in etcd's server certificate.
    pub etcd_server_extra_sans: Vec<Stated<String>>,
    /// Whether somebody else runs etcd.
    pub external_etcd: bool,
    /// The CA of such an etcd, as a file of this node.
    pub external_etcd_ca: Option<Stated<String>>,
    /// The API server's certificate for it.
    pub external_etcd_certificate: Option<Stated<String>>,
    /// Where it is.
    pub external_etcd_endpoints: Vec<Stated<String>>,
    /// The key of the API server's certificate for it.
    pub external_etcd_key: Option<Stated<String>>,
    /// What the node is, if a document says it.
    pub role: Option<Role>,
    /// Kind of the keys to make, by kubeadm's names.
    pub key_algorithm: Option<Stated<String>>,
    /// The version of Kubernetes, or a label such as `stable-1`.
    pub kubernetes_version: Option<Stated<String>>,
    /// The node's addresses, for its kubelet's serving certificate.
    pub node_addresses: Vec<Stated<String>>,
    /// The name of the node.
    pub node_name: Option<Stated<String>>,
    /// The range of the pods' addresses; only checked.
    pub pod_cidr: Option<Stated<String>>,
    /// kubeadm's former way to choose between P-256 and RSA-2048, which beats `key_algorithm` in the same file.
    pub public_keys_ecdsa: Option<Stated<bool>>,
    /// The range of the services' addresses, or one of each family with a comma between.
    pub service_cidr: Option<Stated<String>>,
    /// Validity of new leaf certificates, in Go's syntax.
    pub validity: Option<Stated<String>>,
}

impl Given {
    /// The cluster's version, if it was stated.
    pub fn version(&self, cluster: &ClusterFacts) -> Option<Version> {
        let stated = self.kubernetes_version.as_ref();
        let stated = stated.filter(|stated| !stated.value.is_empty());
        stated.map(|_| cluster.kubernetes_version)
    }

    /// These values, and the file's where none is given: a flag overrides the file, field by field.
    #[must_use]
    pub fn or(self, file: Self) -> Self {
        let either = |flags: Vec<_>, file| if flags.is_empty() { file } else { flags };
        Self {
            apiserver_extra_sans: either(self.apiserver_extra_sans, file.apiserver_extra_sans),
            advertise_address: self.advertise_address.or(file.advertise_address),
            bind_port: self.bind_port.or(file.bind_port),
            ca_validity: self.ca_validity.or(file.ca_validity),
            cert_dir: self.cert_dir.or(file.cert_dir),
            cluster_name: self.cluster_name.or(file.cluster_name),
            control_plane_endpoint: self.control_plane_endpoint.or(file.control_plane_endpoint),
            dns_domain: self.dns_domain.or(file.dns_domain),
            dry_run: self.dry_run.or(file.dry_run),
            etcd_members: either(self.etcd_members, file.etcd_members),
            etcd_peer_extra_sans: either(self.etcd_peer_extra_sans, file.etcd_peer_extra_sans),
            etcd_server_extra_sans: either(
                self.etcd_server_extra_sans,
                file.etcd_server_extra_sans,
            ),
            external_etcd: self.external_etcd || file.external_etcd,
            external_etcd_ca: self.external_etcd_ca.or(file.external_etcd_ca),
            external_etcd_certificate: self
                .external_etcd_certificate
                .or(file.external_etcd_certificate),
            external_etcd_endpoints: either(
                self.external_etcd_endpoints,
                file.external_etcd_endpoints,
            ),
            external_etcd_key: self.external_etcd_key.or(file.external_etcd_key),
            // The gate is a second way to say the same: a flag overrides both.
            public_keys_ecdsa: match (&self.public_keys_ecdsa, &self.key_algorithm) {
                (None, None) => file.public_keys_ecdsa,
                _ => self.public_keys_ecdsa,
            },
            key_algorithm: self.key_algorithm.or(file.key_algorithm),
            kubernetes_version: self.kubernetes_version.or(file.kubernetes_version),
            node_addresses: either(self.node_addresses, file.node_addresses),
            node_name: self.node_name.or(file.node_name),
            pod_cidr: self.pod_cidr.or(file.pod_cidr),
            role: self.role.or(file.role),
            service_cidr: self.service_cidr.or(file.service_cidr),
            validity: self.validity.or(file.validity),
        }
    }
}

/// What a node is to its cluster.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Role {
    /// The control plane on which the cluster begins: its CAs are made there.
    #[default]
    First,
    /// A control plane that joins, and shares the CAs and the service account keys.
    Further,
    /// No control plane.
    Worker,
}

/// What only the machine knows.
pub struct Host<'a> {
    /// Its name, as the operating system tells it.
    pub name: &'a str,
    /// The address of the default route's interface; true asks for IPv6.
    pub default_address: &'a dyn Fn(bool) -> Option<IpAddr>,
}

/// A value that cannot be used.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ValueError {
    /// The flag or the field that gave it.
    pub origin: String,
    /// The value, as given.
    pub value: String,
    /// Why it cannot be used, and what could.
    pub reason: String,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}: {}", self.origin, self.value, self.reason)
    }
}

impl std::error::Error for ValueError {}

/// What is true, parsed and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// What all nodes share.
    pub cluster: ClusterFacts,
    /// What belongs to this node.
    pub node: NodeFacts,
    /// The cluster's version, if it was stated.
    pub version: Option<Version>,
    /// The directory of certificates and keys, if one was given.
    pub cert_dir: Option<String>,
    /// Whether nothing is to be written, if that was said.
    pub dry_run: Option<bool>,
    /// What works, but deserves a look; a sentence each.
    pub notes: Vec<String>,
}

/// What all nodes of a cluster share.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterFacts {
    /// Names and addresses beside the usual ones in the certificate of the API server.
    pub apiserver_extra_sans: Vec<San>,
    /// Validity of new CA certificates.
    pub ca_validity: Duration,
    /// The domain of the cluster's services.
    pub dns_domain: String,
    /// Host and port that all control-plane nodes share, if there are.
    pub endpoint: Option<Endpoint>,
    /// Name and address of etcd's members, as far as they were given: this node may be among them.
    pub etcd_members: Vec<(String, IpAddr)>,
    /// The etcd that somebody else runs, if it is one.
    pub external_etcd: Option<ExternalEtcd>,
    /// Kind of the keys to make.
    pub key_algorithm: KeyAlgorithm,
    /// The version of Kubernetes.
    pub kubernetes_version: Version,
    /// The cluster's name in kubeconfigs.
    pub name: String,
    /// The range of the services' addresses, or one of each family with a comma between.
    pub service_cidr: String,
    /// The address of the service `kubernetes`, the first of the range.
    pub service_ip: IpAddr,
    /// Validity of new leaf certificates.
    pub validity: Duration,
}

/// An etcd that somebody else runs. Its files are theirs: they are neither made nor judged.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ExternalEtcd {
    /// The file of its CA.
    pub ca: Option<String>,
    /// The file of the API server's certificate for it.
    pub certificate: Option<String>,
    /// Its URLs.
    pub endpoints: Vec<String>,
    /// The file of that certificate's key.
    pub key: Option<String>,
}

/// What belongs to one node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeFacts {
    /// Its addresses, where others than the advertise address were given.
    pub addresses: Vec<IpAddr>,
    /// The address at which others reach its API server; none was given and there is no default route, if absent.
    pub advertise_address: Option<IpAddr>,
    /// The port of its API server.
    pub bind_port: u16,
    /// Names and addresses beside the usual ones in etcd's peer certificate.
    pub etcd_peer_extra_sans: Vec<San>,
    /// Names and addresses beside the usual ones in etcd's server certificate.
    pub etcd_server_extra_sans: Vec<San>,
    /// Its name: a DNS-1123 subdomain. None was stated to a machine that is no node, if absent.
    pub name: Option<String>,
    /// What it is to its cluster.
    pub role: Role,
}

impl NodeFacts {
    /// `https://address:port` of its own API server, if the address is known.
    pub fn url(&self) -> Option<String> {
        self.advertise_address
            .map(|address| url(address, self.bind_port))
    }
}

/// `https://address:port`.
pub fn url(address: IpAddr, port: u16) -> String {
    endpoint::url(&address.to_string(), &port.to_string())
}

#[cfg(test)]
mod tests;
