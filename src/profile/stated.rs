//! Facts of which only some were stated, over what is there.

use super::resolve::{sans, servers, subjects, user_name, validity};
use super::{ApiServer, CommonName, Host, Kind, Profile, ResolveError, Stored};
use crate::facts::{Facts, Given, Role};
use crate::observed::server::host;
use crate::spec::{Content, Place, Spec};
use crate::x509::san::ordered;

/// What was stated of a cluster and of a node.
#[derive(Clone, Debug)]
pub struct Stated {
    facts: Facts,
    given: Given,
    /// Whether a document says what holds for all nodes: what it leaves out is as by default, but for keys and times.
    cluster: bool,
}

impl Stated {
    /// What `facts` were made of, by flags and, if there was one, a document.
    pub fn new(facts: Facts, given: Given, document: bool) -> Self {
        let joins = matches!(given.role, Some(Role::Further | Role::Worker));
        Self {
            facts,
            given,
            cluster: document && !joins,
        }
    }

    /// The name of the node, if it was stated.
    pub fn node(&self) -> Option<&String> {
        self.given.node_name.as_ref()?;
        self.facts.node.name.as_ref()
    }

    /// What is wanted of a row, as far as it was stated. What hangs on anything else is as it is there: nobody
    /// knows it, least of all the machine that this runs on. Of names both are wanted then, since nothing
    /// tells which of them come from what.
    pub fn over(&self, profile: &Profile, there: Spec) -> Result<Spec, ResolveError> {
        let mut spec = there;
        let cluster = &self.facts.cluster;
        if let Place::Kubeconfig {
            server, or_server, ..
        } = &mut spec.place
            && let Stored::Kubeconfig(_, api_server) = profile.stored
            && self.states_server(api_server, server)
        {
            (*server, *or_server) = servers(api_server, &self.facts)?;
        }
        match &mut spec.content {
            Content::Certificate(wanted) => {
                if matches!(profile.common_name, CommonName::Fixed(_))
                    || self.states(Host::NodeName)
                {
                    let version = &cluster.kubernetes_version;
                    let name = user_name(profile.common_name, &self.facts.node)?;
                    (wanted.subject, wanted.former_subjects) = subjects(profile, version, &name);
                }
                let stated = profile.hosts.iter().filter(|host| self.states(**host));
                let names = sans(stated, &self.facts)?;
                wanted.sans = if profile.hosts.iter().all(|host| self.states(*host)) {
                    names
                } else {
                    ordered(wanted.sans.drain(..).chain(names).collect())
                };
                if self.states_key() {
                    wanted.key_algorithm = cluster.key_algorithm;
                }
                let of_ca = profile.kind == Kind::Ca;
                if self.states_validity(of_ca) {
                    wanted.validity = validity(profile.kind, cluster);
                }
            }
            Content::KeyPair(wanted) if self.states_key() => *wanted = cluster.key_algorithm,
            Content::KeyPair(_) => {}
        }
        Ok(spec)
    }

    /// Whether it is stated. Kubernetes has no wish here that a document could leave to a default: what is there is good.
    pub(super) fn states_key(&self) -> bool {
        let given = &self.given;
        given.key_algorithm.is_some() || given.public_keys_ecdsa.is_some()
    }

    fn states_validity(&self, of_ca: bool) -> bool {
        let given = &self.given;
        let stated = if of_ca {
            &given.ca_validity
        } else {
            &given.validity
        };
        stated.is_some()
    }

    /// Whether it is known where a kubeconfig of this kind is to lead, which leads to `there`.
    fn states_server(&self, api_server: ApiServer, there: &str) -> bool {
        let given = &self.given;
        let port = self.cluster || given.bind_port.is_some();
        let at_address = given.advertise_address.is_some() && port;
        match &self.facts.cluster.endpoint {
            Some(endpoint) => {
                let at_endpoint = endpoint.has_port || port;
                let alone =
                    api_server == ApiServer::Endpoint || self.facts.node.role == Role::Worker;
                at_endpoint && (alone || at_address)
            }
            // Where no endpoint was stated there may be one, and it leads there.
            None if self.cluster => at_address,
            None => {
                at_address
                    && self
                        .facts
                        .node
                        .url()
                        .is_some_and(|url| host(&url) == host(there))
            }
        }
    }

    /// Whether it is known what this column of a row comes to.
    pub(super) fn states(&self, host: Host) -> bool {
        let given = &self.given;
        match host {
            Host::AdvertiseAddress => given.advertise_address.is_some(),
            Host::ApiServerExtra => self.cluster || !given.apiserver_extra_sans.is_empty(),
            Host::ControlPlaneEndpoint => self.cluster || given.control_plane_endpoint.is_some(),
            Host::EtcdPeerExtra => self.cluster || !given.etcd_peer_extra_sans.is_empty(),
            Host::EtcdServerExtra => self.cluster || !given.etcd_server_extra_sans.is_empty(),
            Host::Fixed(_) => true,
            Host::NodeAddresses => {
                !given.node_addresses.is_empty() || given.advertise_address.is_some()
            }
            Host::NodeName => given.node_name.is_some(),
            Host::ServiceInDomain(_) => self.cluster || given.dns_domain.is_some(),
            Host::ServiceIp => self.cluster || given.service_cidr.is_some(),
        }
    }
}
