//! Flags → what is given, each with the flag it came from.

use crate::cli::{
    Address, BindPort, CaValidity, Endpoint, EtcdMembers, EtcdSans, KeyAlgorithm,
    KubernetesVersion, NodeIp, NodeName, ServiceNetwork, Services, Validity,
};
use crate::facts::{Given, Stated};

/// A group of flags that states facts.
pub(crate) trait Give {
    /// Adds what was typed.
    fn give(self, given: &mut Given);
}

fn one(value: Option<String>, flag: &str) -> Option<Stated<String>> {
    value.map(|value| Stated::new(value, flag))
}

fn many(values: Vec<String>, flag: &str) -> Vec<Stated<String>> {
    values
        .into_iter()
        // "a, b" is a list of two, as people write it.
        .map(|value| Stated::new(value.trim(), flag))
        .collect()
}

impl Give for Address {
    fn give(self, given: &mut Given) {
        given.advertise_address = one(
            self.apiserver_advertise_address,
            "--apiserver-advertise-address",
        );
    }
}

impl Give for BindPort {
    fn give(self, given: &mut Given) {
        given.bind_port = one(self.apiserver_bind_port, "--apiserver-bind-port");
    }
}

impl Give for CaValidity {
    fn give(self, given: &mut Given) {
        given.ca_validity = one(self.ca_validity, "--ca-validity");
    }
}

impl Give for Endpoint {
    fn give(self, given: &mut Given) {
        given.control_plane_endpoint = one(self.control_plane_endpoint, "--control-plane-endpoint");
    }
}

impl Give for EtcdMembers {
    fn give(self, given: &mut Given) {
        given.etcd_members = many(self.etcd_member, "--etcd-member");
    }
}

impl Give for EtcdSans {
    fn give(self, given: &mut Given) {
        given.etcd_server_extra_sans = many(self.etcd_extra_sans, "--etcd-extra-sans");
        given.etcd_peer_extra_sans = given.etcd_server_extra_sans.clone();
    }
}

impl Give for KeyAlgorithm {
    fn give(self, given: &mut Given) {
        given.key_algorithm = one(self.key_algorithm, "--key-algorithm");
    }
}

impl Give for KubernetesVersion {
    fn give(self, given: &mut Given) {
        given.kubernetes_version = one(self.kubernetes_version, "--kubernetes-version");
    }
}

impl Give for NodeIp {
    fn give(self, given: &mut Given) {
        given.node_addresses = many(self.node_ip, "--node-ip");
    }
}

impl Give for NodeName {
    fn give(self, given: &mut Given) {
        given.node_name = one(self.node_name, "--node-name");
    }
}

impl Give for Services {
    fn give(self, given: &mut Given) {
        given.apiserver_extra_sans = many(
            self.apiserver_cert_extra_sans,
            "--apiserver-cert-extra-sans",
        );
        self.network.give(given);
    }
}

impl Give for ServiceNetwork {
    fn give(self, given: &mut Given) {
        given.service_cidr = one(self.service_cidr, "--service-cidr");
        given.dns_domain = one(self.service_dns_domain, "--service-dns-domain");
    }
}

impl Give for Validity {
    fn give(self, given: &mut Given) {
        given.validity = one(self.validity, "--validity");
    }
}
