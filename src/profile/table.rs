//! The table of component profiles.
//!
//! It reads like the table of "PKI certificates and requirements"
//! (<https://kubernetes.io/docs/setup/best-practices/certificates/>), in issue order: an issuer
//! stands before what it signs. Names, subjects, usages and places are kubeadm's.

use super::{
    API_SERVER,
    ApiServer::{Endpoint, Local},
    CommonName::{Fixed, NodeName, SystemNode},
    Host, Kind,
    Organizations::{Always, Since},
    Part, Phase, Profile, RoleBinding, SUPER_ADMIN, Signer,
    Stored::{KeyPair, Kubeconfig, Pair},
};
use crate::facts::Version;
use crate::location::Root;

const fn v1(minor: u32) -> Version {
    Version {
        major: 1,
        minor,
        patch: 0,
    }
}

/// The signer of whoever talks to the API server.
pub const CLUSTER: Signer = Signer::Ca("ca");

const NONE: super::Organizations = Always(&[]);

/// The names and addresses of an API server.
const API_SERVER_HOSTS: &[Host] = &[
    Host::NodeName,
    Host::Fixed("kubernetes"),
    Host::Fixed("kubernetes.default"),
    Host::Fixed("kubernetes.default.svc"),
    Host::ServiceInDomain("kubernetes.default.svc"),
    Host::ServiceIp,
    Host::AdvertiseAddress,
    Host::ControlPlaneEndpoint,
    Host::ApiServerExtra,
];

/// The names and addresses of an etcd member, for its clients.
const ETCD_SERVER_HOSTS: &[Host] = &[
    Host::NodeName,
    Host::Fixed("localhost"),
    Host::AdvertiseAddress,
    Host::Fixed("127.0.0.1"),
    Host::Fixed("::1"),
    Host::EtcdServerExtra,
];

/// The names and addresses of an etcd member, for the other members.
const ETCD_PEER_HOSTS: &[Host] = &[
    Host::NodeName,
    Host::Fixed("localhost"),
    Host::AdvertiseAddress,
    Host::Fixed("127.0.0.1"),
    Host::Fixed("::1"),
    Host::EtcdPeerExtra,
];

/// Unbound from every group in v1.36.1: the role binding `kubeadm:apiserver-kubelet-client`
/// names the user instead.
const KUBELET_CLIENT_GROUPS: super::Organizations = Since(&[
    (v1(0), &["system:masters"]),
    (v1(29), &["kubeadm:cluster-admins"]),
    (Version { patch: 1, ..v1(36) }, &[]),
]);

/// kubeadm put these clients into this group before v1.29, and its renewals keep what they find.
const BEFORE_V1_29: &[&[&str]] = &[&["system:masters"]];

/// What is common to all rows, so that each says only what is its own.
const ROW: Profile = Profile {
    name: "",
    phase: Phase::Client,
    in_all: true,
    common_name: Fixed(""),
    organizations: NONE,
    formerly: &[],
    signer: CLUSTER,
    kind: Kind::Client,
    hosts: &[],
    stored: Pair(Root::Pki, ""),
    etcd: false,
    part: Part::Anywhere,
    role_binding: None,
    about: "",
};

const fn ca(
    name: &'static str,
    common_name: &'static str,
    base: &'static str,
    etcd: bool,
    about: &'static str,
) -> Profile {
    Profile {
        name,
        phase: Phase::Ca,
        common_name: Fixed(common_name),
        signer: Signer::Itself,
        kind: Kind::Ca,
        stored: Pair(Root::Pki, base),
        etcd,
        about,
        ..ROW
    }
}

/// Every certificate, key pair and kubeconfig that a control plane needs, and those made by name.
pub const TABLE: &[Profile] = &[
    // Differs from kubeadm's CAs: digitalSignature, keyCertSign and cRLSign, and no SAN. A CA is
    // no server, and RFC 5280 section 4.2.1.3 wants cRLSign of whoever signs revocation lists.
    ca(
        "ca",
        "kubernetes",
        "ca",
        false,
        "signs for the API server, its clients and the kubelets",
    ),
    ca(
        "etcd-ca",
        "etcd-ca",
        "etcd/ca",
        true,
        "signs for the etcd members and their clients",
    ),
    ca(
        "front-proxy-ca",
        "front-proxy-ca",
        "front-proxy-ca",
        false,
        "signs for the API server as front proxy of extension API servers",
    ),
    Profile {
        name: API_SERVER,
        phase: Phase::Server,
        common_name: Fixed("kube-apiserver"),
        kind: Kind::Server,
        hosts: API_SERVER_HOSTS,
        stored: Pair(Root::Pki, "apiserver"),
        part: Part::ControlPlane,
        about: "the API server, to everyone who talks to it",
        ..ROW
    },
    Profile {
        name: "etcd-server",
        phase: Phase::Server,
        common_name: NodeName,
        signer: Signer::Ca("etcd-ca"),
        kind: Kind::ServerAndClient,
        hosts: ETCD_SERVER_HOSTS,
        stored: Pair(Root::Pki, "etcd/server"),
        etcd: true,
        part: Part::Etcd,
        about: "the etcd member, to its clients",
        ..ROW
    },
    Profile {
        name: "etcd-peer",
        phase: Phase::Peer,
        common_name: NodeName,
        signer: Signer::Ca("etcd-ca"),
        kind: Kind::ServerAndClient,
        hosts: ETCD_PEER_HOSTS,
        stored: Pair(Root::Pki, "etcd/peer"),
        etcd: true,
        part: Part::Etcd,
        about: "the etcd member, to the other members",
        ..ROW
    },
    Profile {
        name: "apiserver-kubelet-client",
        common_name: Fixed("kube-apiserver-kubelet-client"),
        organizations: KUBELET_CLIENT_GROUPS,
        stored: Pair(Root::Pki, "apiserver-kubelet-client"),
        role_binding: Some(RoleBinding {
            name: "kubeadm:apiserver-kubelet-client",
            role: "system:kubelet-api-admin",
            subject: "kube-apiserver-kubelet-client",
            by_group: false,
        }),
        part: Part::ControlPlane,
        about: "the API server, to the kubelets",
        ..ROW
    },
    Profile {
        name: "apiserver-etcd-client",
        common_name: Fixed("kube-apiserver-etcd-client"),
        formerly: BEFORE_V1_29,
        signer: Signer::Ca("etcd-ca"),
        stored: Pair(Root::Pki, "apiserver-etcd-client"),
        etcd: true,
        part: Part::ControlPlane,
        about: "the API server, to etcd",
        ..ROW
    },
    Profile {
        name: "etcd-healthcheck-client",
        common_name: Fixed("kube-etcd-healthcheck-client"),
        formerly: BEFORE_V1_29,
        signer: Signer::Ca("etcd-ca"),
        stored: Pair(Root::Pki, "etcd/healthcheck-client"),
        etcd: true,
        part: Part::Etcd,
        about: "the liveness probe, and etcdctl, to etcd",
        ..ROW
    },
    Profile {
        name: "front-proxy-client",
        common_name: Fixed("front-proxy-client"),
        signer: Signer::Ca("front-proxy-ca"),
        stored: Pair(Root::Pki, "front-proxy-client"),
        part: Part::ControlPlane,
        about: "the API server as front proxy, to extension API servers",
        ..ROW
    },
    // Differs from kubeadm's: the certificates in kubeconfigs start five minutes back, like all
    // others, and not with the CA, which may be years older.
    Profile {
        name: "admin",
        phase: Phase::Kubeconfig,
        common_name: Fixed("kubernetes-admin"),
        organizations: Always(&["kubeadm:cluster-admins"]),
        // Before v1.29 there was no super-admin.conf, and this one was it.
        formerly: BEFORE_V1_29,
        stored: Kubeconfig("admin.conf", Endpoint),
        role_binding: Some(RoleBinding {
            name: "kubeadm:cluster-admins",
            role: "cluster-admin",
            subject: "kubeadm:cluster-admins",
            by_group: true,
        }),
        about: "the administrator, by the role binding kubeadm:cluster-admins",
        ..ROW
    },
    Profile {
        name: "super-admin",
        phase: Phase::Kubeconfig,
        common_name: Fixed("kubernetes-super-admin"),
        organizations: Always(&["system:masters"]),
        stored: Kubeconfig(SUPER_ADMIN, Endpoint),
        about: "the administrator past all authorization, for emergencies",
        ..ROW
    },
    Profile {
        name: "kubelet",
        phase: Phase::Kubeconfig,
        common_name: SystemNode,
        organizations: Always(&["system:nodes"]),
        stored: Kubeconfig("kubelet.conf", Local),
        about: "the kubelet of this node",
        ..ROW
    },
    Profile {
        name: "controller-manager",
        phase: Phase::Kubeconfig,
        common_name: Fixed("system:kube-controller-manager"),
        stored: Kubeconfig("controller-manager.conf", Local),
        part: Part::ControlPlane,
        about: "the controller manager of this node",
        ..ROW
    },
    Profile {
        name: "scheduler",
        phase: Phase::Kubeconfig,
        common_name: Fixed("system:kube-scheduler"),
        stored: Kubeconfig("scheduler.conf", Local),
        part: Part::ControlPlane,
        about: "the scheduler of this node",
        ..ROW
    },
    Profile {
        name: "kube-proxy",
        phase: Phase::Kubeconfig,
        in_all: false,
        common_name: Fixed("system:kube-proxy"),
        organizations: Always(&["system:node-proxier"]),
        stored: Kubeconfig("kube-proxy.conf", Endpoint),
        about: "a kube-proxy that runs outside the cluster's own service accounts",
        ..ROW
    },
    Profile {
        name: "kubelet-serving",
        phase: Phase::Server,
        in_all: false,
        common_name: SystemNode,
        organizations: Always(&["system:nodes"]),
        kind: Kind::Server,
        hosts: &[Host::NodeName, Host::NodeAddresses],
        stored: Pair(Root::Kubelet, "kubelet"),
        about: "the kubelet, to the API server",
        ..ROW
    },
    Profile {
        name: "sa",
        phase: Phase::Sa,
        signer: Signer::Nobody,
        kind: Kind::KeyPair,
        stored: KeyPair("sa"),
        part: Part::ControlPlane,
        about: "signs and verifies the tokens of service accounts",
        ..ROW
    },
];
