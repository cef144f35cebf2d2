//! Facts of which only some were stated, over what is there.

use super::resolve::sans;
use super::{CommonName, Host, Profile, ResolveError, Stored, resolve};
use crate::facts::{Facts, Given, Role};
use crate::spec::{Content, Spec};
use crate::x509::san::ordered;

/// What was stated of a cluster and of a node.
#[derive(Clone, Debug)]
pub struct Stated {
    facts: Facts,
    given: Given,
    /// Whether a document says what holds for all nodes: what it leaves out is as by default.
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
        self.given.node_name.as_ref().map(|_| &self.facts.node.name)
    }

    /// What is wanted of a row where all that it hangs on was stated. Else what is there, good for what
    /// was stated too: which of its names come from something else nobody knows, least of all the
    /// machine that this runs on.
    pub fn over(&self, profile: &Profile, there: Spec) -> Result<Spec, ResolveError> {
        let node =
            matches!(profile.common_name, CommonName::Fixed(_)) || self.states(Host::NodeName);
        let place = !matches!(profile.stored, Stored::Kubeconfig(..))
            || (self.states(Host::AdvertiseAddress) && self.states(Host::ControlPlaneEndpoint));
        if node && place && profile.hosts.iter().all(|host| self.states(*host)) {
            return resolve(profile, &self.facts);
        }
        let stated = profile.hosts.iter().filter(|host| self.states(**host));
        let stated = sans(stated, &self.facts)?;
        let mut spec = there;
        if let Content::Certificate(wanted) = &mut spec.content {
            let names = wanted.sans.drain(..).chain(stated).collect();
            wanted.sans = ordered(names);
        }
        Ok(spec)
    }

    fn states(&self, host: Host) -> bool {
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
