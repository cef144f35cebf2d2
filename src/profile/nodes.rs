//! Which rows of the table a node has, by its roles.

use super::resolve::fixed;
use super::signing::signing_file_of;
use super::{CLUSTER, Host, Part, Phase, Profile, Signer, Stored, TABLE};
use crate::config::inventory::Roles;
use crate::facts::ClusterFacts;
use crate::location::FileId;
use crate::spec::Place;
use crate::x509::san::San;

/// A node among those of its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// What runs on it.
    pub roles: Roles,
    /// Whether it is the control plane on which the cluster begins.
    pub first: bool,
    /// Whether members of etcd are among the nodes: else somebody else runs it.
    pub etcd: bool,
    /// What goes to control planes beside the certificates of CAs.
    pub handed: Handed,
}

/// What goes to the control planes beside the certificates of CAs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handed {
    /// The keys of the CAs.
    pub keys: bool,
    /// The file of the one certificate that the controller manager signs with.
    pub signing: bool,
}

/// The rows that no control plane has, and a worker does, beside its kubelet's.
const WORKERS: [&str; 2] = ["kube-proxy", SERVING];
/// The row of a kubelet's kubeconfig, and of the client certificate in it.
pub const KUBELET: &str = "kubelet";
/// The row of what a kubelet serves with.
const SERVING: &str = "kubelet-serving";
/// The administrator past all authorization is needed once, where the cluster begins, as `kubeadm join`
/// makes none either.
const FIRST: &str = "super-admin";

impl Member {
    /// The rows that are its own.
    pub fn rows(self) -> impl Iterator<Item = &'static Profile> {
        TABLE.iter().filter(move |row| self.has(row))
    }

    fn has(self, row: &Profile) -> bool {
        let Roles {
            control_plane,
            etcd,
            worker,
        } = self.roles;
        if matches!(row.phase, Phase::Ca | Phase::Sa) {
            return false;
        }
        match row.part {
            Part::Etcd => etcd,
            Part::ControlPlane => control_plane && (self.etcd || !row.etcd),
            Part::Anywhere if row.name == FIRST => control_plane && self.first,
            Part::Anywhere if WORKERS.contains(&row.name) => worker,
            Part::Anywhere if row.name == KUBELET => control_plane || worker,
            Part::Anywhere => control_plane,
        }
    }

    /// What it has of what all share, and where: a CA's certificate where something is verified by it, its key on
    /// control planes, where components or `certs` sign with it.
    pub fn shared(self) -> impl Iterator<Item = (&'static Profile, Place)> {
        let rows = TABLE.iter().filter(move |row| self.shares(row));
        let rows = rows.filter_map(move |row| Some((row, self.place(row)?)));
        rows.chain(self.signing_file())
    }

    /// What its controller manager signs with, where that is no more the CA's own file.
    fn signing_file(self) -> Option<(&'static Profile, Place)> {
        let signs = |row: &&Profile| Signer::Ca(row.name) == CLUSTER;
        let row = TABLE.iter().find(signs)?;
        let FileId { root, name } = signing_file_of(row.name);
        (self.handed.signing && self.roles.control_plane)
            .then_some((row, Place::File { root, name }))
    }

    fn shares(self, row: &Profile) -> bool {
        let Roles {
            control_plane,
            etcd,
            worker,
        } = self.roles;
        match row.phase {
            Phase::Ca if row.etcd => etcd || control_plane && self.etcd,
            Phase::Ca if Signer::Ca(row.name) == CLUSTER => control_plane || worker,
            Phase::Ca | Phase::Sa => control_plane,
            _ => false,
        }
    }

    fn place(self, row: &Profile) -> Option<Place> {
        match row.stored {
            Stored::KeyPair(base) => Some(Place::KeyPair {
                base: base.to_owned(),
            }),
            Stored::Pair(root, base) if self.has_key_of(row) => Some(Place::Pair {
                root,
                base: base.to_owned(),
            }),
            Stored::Pair(..) => {
                let file = row.stored.public();
                Some(Place::File {
                    root: file.root,
                    name: file.name,
                })
            }
            Stored::Kubeconfig(..) => None,
        }
    }

    /// The key of etcd's CA signs for the member that is on the same node.
    fn has_key_of(self, row: &Profile) -> bool {
        let Roles {
            control_plane,
            etcd,
            ..
        } = self.roles;
        self.handed.keys && control_plane && (etcd || !row.etcd)
    }
}

/// Whether a row may be of a node that is no control plane and no member of etcd.
pub fn is_of_worker(row: &Profile) -> bool {
    row.name == KUBELET || WORKERS.contains(&row.name)
}

/// Whether it is one of those by which a kubelet is who it is: without them its node is none of the cluster's.
pub fn is_of_kubelet(row: &str) -> bool {
    [KUBELET, SERVING].contains(&row)
}

/// The rows that these nodes share: CAs, and the key pair of the service accounts, where any of them has use for it.
pub fn shared_rows(members: &[Member]) -> impl Iterator<Item = &'static Profile> {
    let shared = |row: &&Profile| members.iter().any(|member| member.shares(row));
    TABLE.iter().filter(shared)
}

/// The names and addresses that certificates of the table have on every node alike, and no node has for its own.
pub fn everywhere(cluster: &ClusterFacts) -> Vec<San> {
    let hosts = TABLE.iter().flat_map(|row| row.hosts);
    let always = hosts.filter_map(|host| match host {
        Host::Fixed(text) => Some(fixed(text)),
        Host::ServiceInDomain(service) => {
            Some(San::Dns(format!("{service}.{}", cluster.dns_domain)))
        }
        Host::ServiceIp => Some(San::Ip(cluster.service_ip)),
        Host::AdvertiseAddress
        | Host::ApiServerExtra
        | Host::ControlPlaneEndpoint
        | Host::EtcdPeerExtra
        | Host::EtcdServerExtra
        | Host::NodeAddresses
        | Host::NodeName => None,
    });
    always
        .filter(|san| !matches!(san, San::Ip(address) if address.is_loopback()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::API_SERVER;
    use super::*;

    fn roles(text: &str) -> Roles {
        Roles {
            control_plane: text.contains('c'),
            etcd: text.contains('e'),
            worker: text.contains('w'),
        }
    }

    fn member(text: &str) -> Member {
        Member {
            roles: roles(text),
            first: false,
            etcd: true,
            handed: Handed {
                keys: true,
                signing: false,
            },
        }
    }

    fn own(member: Member) -> String {
        let names: Vec<&str> = member.rows().map(|row| row.name).collect();
        names.join(" ")
    }

    fn shares(member: Member) -> String {
        let files = member.shared().flat_map(|(_, place)| place.files());
        let names: Vec<String> = files.map(|file| file.name).collect();
        names.join(" ")
    }

    #[test]
    fn a_node_has_what_its_roles_need_and_no_more() {
        let plane = "apiserver-kubelet-client apiserver-etcd-client front-proxy-client admin \
                     kubelet controller-manager scheduler";
        assert_eq!(own(member("c")), format!("{API_SERVER} {plane}"));
        assert_eq!(
            own(member("e")),
            "etcd-server etcd-peer etcd-healthcheck-client"
        );
        assert_eq!(own(member("w")), "kubelet kube-proxy kubelet-serving");
        let first = Member {
            first: true,
            etcd: false,
            ..member("c")
        };
        assert!(own(first).contains("admin super-admin"));
        assert!(!own(first).contains("apiserver-etcd-client"));
    }

    #[test]
    fn keys_of_cas_are_where_they_sign() {
        assert_eq!(
            shares(member("ce")),
            "ca.crt ca.key etcd/ca.crt etcd/ca.key front-proxy-ca.crt front-proxy-ca.key sa.pub sa.key"
        );
        assert_eq!(
            shares(member("c")),
            "ca.crt ca.key etcd/ca.crt front-proxy-ca.crt front-proxy-ca.key sa.pub sa.key"
        );
        assert_eq!(shares(member("e")), "etcd/ca.crt");
        assert_eq!(shares(member("w")), "ca.crt");
        let none = Member {
            handed: Handed {
                keys: false,
                signing: false,
            },
            ..member("ce")
        };
        assert_eq!(
            shares(none),
            "ca.crt etcd/ca.crt front-proxy-ca.crt sa.pub sa.key"
        );
        let elsewhere = Member {
            etcd: false,
            ..member("c")
        };
        assert!(!shares(elsewhere).contains("etcd"));
        let signing = |text| Member {
            handed: Handed {
                keys: true,
                signing: true,
            },
            ..member(text)
        };
        assert!(shares(signing("c")).ends_with("sa.key ca-signing.crt"));
        assert_eq!(shares(signing("w")), "ca.crt");
        assert_eq!(shares(signing("e")), "etcd/ca.crt");
    }
}
