//! What Kubernetes wants of each certificate, key pair and kubeconfig.
//!
//! Comes in: nothing at run time; [`TABLE`] is a constant. Goes out: rows, found by name or by
//! phase, and [`resolve`], which turns a row and the facts of a cluster into a [`crate::spec`].
//! No row is changed while the program runs, and no other room matches on a row's name.

mod apart;
mod basis;
mod document;
mod fit;
pub mod flags;
pub mod found;
mod nodes;
pub mod reader;
pub mod renewal;
mod resolve;
pub mod rotation;
mod signing;
mod stated;
mod table;

pub use apart::{in_files, in_kubelets_files};
pub use basis::{Basis, kept};
pub use document::document;
pub use fit::fit;
pub use nodes::{Handed, KUBELET, Member, everywhere, is_of_kubelet, is_of_worker, shared_rows};
pub use resolve::{
    Own, ResolveError, bootstrap_server, ca_with_subject, certificate_asked, certificate_of, own,
    pair_of_identity, resolve,
};
pub use signing::{is_signing_file, signing_file, signing_file_of, signs_for};
pub use stated::Stated;
pub use table::{CLUSTER, TABLE};

use crate::facts::{NodeFacts, Version};
use crate::location::{FileId, Root};
pub use crate::spec::{Kind, Phase};
use crate::spec::{Place, Spec};

/// A common name that may depend on the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommonName {
    /// Always the same.
    Fixed(&'static str),
    /// The node's name: etcd members identify themselves by it.
    NodeName,
    /// `system:node:NODE`, the user name that the node authorizer knows
    /// (<https://kubernetes.io/docs/reference/access-authn-authz/node/>).
    SystemNode,
}

/// The groups (organizations) of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Organizations {
    /// Whatever the version of Kubernetes.
    Always(&'static [&'static str]),
    /// From this version on; the first entry counts for all older ones.
    Since(&'static [(Version, &'static [&'static str])]),
}

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The row of the table that is the issuer.
    Ca(&'static str),
    /// Itself: a root CA.
    Itself,
    /// Nobody: a key pair without a certificate.
    Nobody,
}

/// One source of subject alternative names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// The address the API server advertises on this node.
    AdvertiseAddress,
    /// `--apiserver-cert-extra-sans`
    ApiServerExtra,
    /// The host of the control-plane endpoint, if there is one.
    ControlPlaneEndpoint,
    /// `--etcd-extra-sans`, or `etcd.local.peerCertSANs`
    EtcdPeerExtra,
    /// `--etcd-extra-sans`, or `etcd.local.serverCertSANs`
    EtcdServerExtra,
    /// A name or an address that is always the same.
    Fixed(&'static str),
    /// The addresses of the node: `--node-ip`, else the advertise address.
    NodeAddresses,
    /// The node's name.
    NodeName,
    /// The name of the API server's service in the cluster's DNS domain.
    ServiceInDomain(&'static str),
    /// The first address of the service CIDR, which is the API server's service.
    ServiceIp,
}

/// Where the API server is reached by the user of a kubeconfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiServer {
    /// The control-plane endpoint, else the local one.
    Endpoint,
    /// The API server of this node: components of a control plane talk to their neighbour.
    Local,
}

/// Where a row is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// `NAME.key` and `NAME.pub` in the certificate directory.
    KeyPair(&'static str),
    /// A kubeconfig of this name in the kubeconfig directory.
    Kubeconfig(&'static str, ApiServer),
    /// `NAME.crt` and `NAME.key` in one of the directories.
    Pair(Root, &'static str),
}

impl Stored {
    /// The file of the certificate or public key; of a kubeconfig, its only file.
    pub fn public(self) -> FileId {
        match self {
            Self::KeyPair(base) => FileId::public_key(Root::Pki, base),
            Self::Kubeconfig(file, _) => FileId::new(Root::Kubeconfig, file),
            Self::Pair(root, base) => FileId::certificate(root, base),
        }
    }

    /// The file that holds the private key; of a kubeconfig, its only file.
    pub fn key(self) -> FileId {
        match self {
            Self::KeyPair(base) => FileId::private_key(Root::Pki, base),
            Self::Kubeconfig(..) => self.public(),
            Self::Pair(root, base) => FileId::private_key(root, base),
        }
    }
}

/// The part of a cluster that fails without a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// None for certain: a CA, which is missed by what it signed; a kubeconfig that a person or a
    /// node may keep elsewhere.
    Anywhere,
    /// The components of a control plane.
    ControlPlane,
    /// A member of etcd.
    Etcd,
}

/// What kubeadm binds in its clusters and a cluster made by hand must bind itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleBinding {
    /// The ClusterRoleBinding's name.
    pub name: &'static str,
    /// The ClusterRole.
    pub role: &'static str,
    /// The group or user that is bound.
    pub subject: &'static str,
    /// Whether it is a group. A user is bound only while its certificate names no group.
    pub by_group: bool,
}

/// The kubeconfig that needs no role binding.
pub const SUPER_ADMIN: &str = "super-admin.conf";

/// The rows that Cluster API takes as Secrets of a cluster, each with the ending of its name.
pub const CLUSTER_API: [(&str, &str); 4] = [
    ("ca", "ca"),
    ("etcd-ca", "etcd"),
    ("front-proxy-ca", "proxy"),
    ("sa", "sa"),
];

/// The row that whoever a kubeconfig sends to the API server meets.
pub const API_SERVER: &str = "apiserver";

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// kubeadm's name for it.
    pub name: &'static str,
    /// The subcommand that makes it.
    pub phase: Phase,
    /// Whether `certs all`, and its phase without names, make it.
    pub in_all: bool,
    /// The subject's common name; of a key pair it is empty.
    pub common_name: CommonName,
    /// The subject's organizations, which Kubernetes reads as groups.
    pub organizations: Organizations,
    /// Organizations that kubeadm gave it once: accepted where they are found, with a note.
    pub formerly: &'static [&'static [&'static str]],
    /// Who signs it.
    pub signer: Signer,
    /// What it may be used for.
    pub kind: Kind,
    /// Where its SANs come from.
    pub hosts: &'static [Host],
    /// Where it is stored.
    pub stored: Stored,
    /// Whether it belongs to a local etcd: left out when the configuration names an external one.
    pub etcd: bool,
    /// Who fails without it.
    pub part: Part,
    /// What it may do is bound to it after the API server has started.
    pub role_binding: Option<RoleBinding>,
    /// What it is for, in one sentence.
    pub about: &'static str,
}

/// The row of this name.
pub fn by_name(name: &str) -> Option<&'static Profile> {
    TABLE.iter().find(|profile| profile.name == name)
}

/// The row whose identity this is: its own, or that of the kubeconfig which names its pair of files, or the file that
/// its kubelet keeps both in.
pub fn identity(spec: &Spec) -> Option<&'static Profile> {
    let pair = || match &spec.place {
        Place::Pair {
            root: Root::Pki,
            base,
        } => by_name(base).filter(|row| matches!(row.stored, Stored::Kubeconfig(..))),
        place if found::is_rotated(&place.public()) => by_name(KUBELET),
        _ => None,
    };
    by_name(&spec.name).or_else(pair)
}

/// The rows of a phase, in issue order.
pub fn of_phase(phase: Phase) -> impl Iterator<Item = &'static Profile> {
    TABLE.iter().filter(move |profile| profile.phase == phase)
}

impl Profile {
    /// The organizations that a cluster of this version wants.
    pub fn organizations_at(&self, version: &Version) -> &'static [&'static str] {
        match self.organizations {
            Organizations::Always(organizations) => organizations,
            Organizations::Since(eras) => eras
                .iter()
                .rev()
                .find(|(since, _)| since <= version)
                .or(eras.first())
                .map_or(&[], |(_, organizations)| organizations),
        }
    }

    /// Whether its certificate is for one node: its name or its addresses are in it.
    pub fn depends_on_node(&self) -> bool {
        let of_node = |host: &Host| match host {
            Host::AdvertiseAddress | Host::NodeAddresses | Host::NodeName => true,
            Host::ApiServerExtra
            | Host::ControlPlaneEndpoint
            | Host::EtcdPeerExtra
            | Host::EtcdServerExtra
            | Host::Fixed(_)
            | Host::ServiceInDomain(_)
            | Host::ServiceIp => false,
        };
        !matches!(self.common_name, CommonName::Fixed(_)) || self.hosts.iter().any(of_node)
    }

    /// What of its node a row needs and is not known, and what states it.
    pub fn unstated(&self, node: &NodeFacts) -> Option<[&'static str; 2]> {
        let of_node = self.hosts.contains(&Host::NodeAddresses);
        if self.depends_on_node() && node.name.is_none() {
            let flag = "--node-name, or with nodeRegistration.name in --config";
            Some(["the node's name", flag])
        } else if node.advertise_address.is_some() || (of_node && !node.addresses.is_empty()) {
            None
        } else if of_node {
            Some(["an address of the node", "--node-ip"])
        } else {
            let flag = "--apiserver-advertise-address, or with localAPIEndpoint.advertiseAddress in --config";
            Some(["the address of the node's API server", flag])
        }
    }

    /// What `certs` is called with to make it: the verb of its phase and its name. The one row of a
    /// verb that takes no names needs none.
    pub fn command(&self) -> String {
        match self.phase {
            Phase::Sa => self.phase.name().to_owned(),
            phase => format!("{} {}", phase.name(), self.name),
        }
    }

    /// Every list of organizations that this row has or had.
    pub fn organizations_ever(&self) -> Vec<&'static [&'static str]> {
        let mut lists = match self.organizations {
            Organizations::Always(organizations) => vec![organizations],
            Organizations::Since(eras) => eras.iter().map(|(_, list)| *list).collect(),
        };
        lists.extend(self.formerly);
        lists
    }
}

#[cfg(test)]
mod tests;
