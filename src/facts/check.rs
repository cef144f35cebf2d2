//! From what was given to what is true: defaults, and the rules of each value.

use std::collections::HashSet;
use std::fmt::Display;
use std::net::IpAddr;
use std::path::Path;

use time::Duration;

use super::{
    ClusterFacts, Endpoint, Facts, Given, Host, NodeFacts, Stated, ValueError, Version, defaults,
    endpoint, etcd, network,
};
use crate::key::KeyAlgorithm;
use crate::x509::san::{self, San};
use crate::x509::validity::parse_duration;

/// What kubeadm makes unless it is told otherwise.
const RSA_2048: KeyAlgorithm = KeyAlgorithm::Rsa(2048);
const UNSPECIFIED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
/// Longest validity: a hundred years, leap days included.
const VALIDITY_MAX: Duration = Duration::days(36_525);
/// Longest common name of RFC 5280, appendix A.1 (ub-common-name), in characters.
const COMMON_NAME_MAX: usize = 64;
/// The longest name made from the DNS domain.
const SERVICE_NAME: &str = "kubernetes.default.svc.";

/// Parses, defaults and checks; the error has every value that cannot be used, in the order of the fields below.
pub fn resolve(given: Given, host: &Host) -> Result<Facts, Vec<ValueError>> {
    resolved(given, Some(host))
}

/// As [`resolve`], on a machine of which nothing is a fact of the node: what is not stated is not known.
pub fn resolve_elsewhere(given: Given) -> Result<Facts, Vec<ValueError>> {
    resolved(given, None)
}

fn resolved(given: Given, host: Option<&Host>) -> Result<Facts, Vec<ValueError>> {
    let mut run = Run::default();
    let node = run.node(&given, host);
    let cluster = run.cluster(&given, node.bind_port);
    run.only_checked(&given);
    if !run.errors.is_empty() {
        return Err(run.errors);
    }
    Ok(Facts {
        version: given.version(&cluster),
        cluster,
        node,
        cert_dir: owned(given.cert_dir),
        dry_run: given.dry_run,
        notes: run.notes,
    })
}

/// The directory of certificates, for a verb to which nothing else of a file matters.
pub fn cert_dir(given: &Given) -> Result<Option<String>, Vec<ValueError>> {
    let dir = Given {
        cert_dir: given.cert_dir.clone(),
        ..Given::default()
    };
    let mut run = Run::default();
    run.only_checked(&dir);
    if !run.errors.is_empty() {
        return Err(run.errors);
    }
    Ok(owned(dir.cert_dir))
}

fn owned(stated: Option<Stated<String>>) -> Option<String> {
    stated
        .map(|stated| stated.value)
        .filter(|value| !value.is_empty())
}

/// What a run collects on its way.
#[derive(Default)]
pub(super) struct Run {
    errors: Vec<ValueError>,
    /// The same, to find one among very many.
    told: HashSet<ValueError>,
    notes: Vec<String>,
}

/// The value, if it is more than an empty text.
pub(super) fn text(stated: Option<&Stated<String>>) -> Option<&Stated<String>> {
    stated.filter(|stated| !stated.value.is_empty())
}

impl Run {
    pub(super) fn refuse(&mut self, origin: &str, value: impl Display, reason: impl Into<String>) {
        let error = ValueError {
            origin: origin.into(),
            value: value.to_string(),
            reason: reason.into(),
        };
        // One flag may state two facts: --etcd-extra-sans is for the server and the peer.
        if self.told.insert(error.clone()) {
            self.errors.push(error);
        }
    }

    fn note(&mut self, stated: &Stated<String>, remark: impl Display) {
        self.notes
            .push(format!("{}: {:?} {remark}", stated.origin, stated.value));
    }

    /// The value as its parser reads it; none, if there is none or it was refused.
    fn read<T>(
        &mut self,
        stated: Option<&Stated<String>>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let stated = text(stated)?;
        parse(&stated.value)
            .map_err(|reason| self.refuse(&stated.origin, &stated.value, reason))
            .ok()
    }

    fn node(&mut self, given: &Given, host: Option<&Host>) -> NodeFacts {
        NodeFacts {
            name: self.node_name(given, host),
            advertise_address: self.advertise_address(given, host),
            bind_port: self
                .read(given.bind_port.as_ref(), network::port)
                .unwrap_or(defaults::BIND_PORT),
            etcd_server_extra_sans: self.sans(&given.etcd_server_extra_sans),
            addresses: self.addresses(&given.node_addresses),
            etcd_peer_extra_sans: self.sans(&given.etcd_peer_extra_sans),
            role: given.role.unwrap_or_default(),
        }
    }

    fn cluster(&mut self, given: &Given, bind_port: u16) -> ClusterFacts {
        let (validity, ca_validity) = self.validities(given);
        ClusterFacts {
            name: text(given.cluster_name.as_ref())
                .map_or(defaults::CLUSTER_NAME, |name| &name.value)
                .into(),
            endpoint: self.endpoint(given.control_plane_endpoint.as_ref(), bind_port),
            service_cidr: text(given.service_cidr.as_ref())
                .map_or(defaults::SERVICE_CIDR, |cidr| &cidr.value)
                .into(),
            service_ip: self.service_ip(given.service_cidr.as_ref()),
            dns_domain: self
                .read(given.dns_domain.as_ref(), dns_domain)
                .unwrap_or(defaults::DNS_DOMAIN.into()),
            kubernetes_version: self.kubernetes_version(given.kubernetes_version.as_ref()),
            key_algorithm: self.key_algorithm(given),
            validity,
            ca_validity,
            apiserver_extra_sans: self.sans(&given.apiserver_extra_sans),
            etcd_members: self.etcd_members(&given.etcd_members),
            external_etcd: given.external_etcd.then(|| etcd::external_etcd(given)),
        }
    }

    fn endpoint(&mut self, stated: Option<&Stated<String>>, bind_port: u16) -> Option<Endpoint> {
        let stated = text(stated)?;
        let endpoint = self.read(Some(stated), |text| Endpoint::parse(text, bind_port))?;
        if let Some(meant) = endpoint::meant(&stated.value) {
            let remark = format!("is taken for an address without a port; with one it is {meant}");
            self.note(stated, remark);
        }
        Some(endpoint)
    }

    fn service_ip(&mut self, stated: Option<&Stated<String>>) -> IpAddr {
        let default = Stated::new(defaults::SERVICE_CIDR, "the default");
        // A refused range ends the run: the address that stands in for it is never seen.
        self.read(text(stated).or(Some(&default)), network::service_ip)
            .unwrap_or(UNSPECIFIED)
    }

    /// Values of which nothing but their correctness matters.
    fn only_checked(&mut self, given: &Given) {
        self.read(given.pod_cidr.as_ref(), network::ranges);
        let dir = given.cert_dir.as_ref().filter(|dir| !dir.is_flag());
        for path in dir
            .into_iter()
            .chain(&given.external_etcd_ca)
            .chain(&given.external_etcd_certificate)
            .chain(&given.external_etcd_key)
            .filter(|path| !path.value.is_empty())
        {
            if !Path::new(&path.value).is_absolute() {
                self.refuse(
                    &path.origin,
                    &path.value,
                    "is a relative path: a file gives absolute ones",
                );
            }
        }
    }

    fn node_name(&mut self, given: &Given, host: Option<&Host>) -> Option<String> {
        let stated = text(given.node_name.as_ref()).cloned();
        let stated = stated.or_else(|| Some(Stated::new(host?.name, "the host's name")))?;
        let name = stated.value.trim().to_ascii_lowercase();
        if let Err(reason) = node_name(&name) {
            self.refuse(&stated.origin, &stated.value, reason);
        } else if name.len() > COMMON_NAME_MAX - "system:node:".len() {
            self.note(
                &stated,
                format!("makes a common name over {COMMON_NAME_MAX} characters, more than RFC 5280 grants"),
            );
        }
        Some(name)
    }

    fn advertise_address(&mut self, given: &Given, host: Option<&Host>) -> Option<IpAddr> {
        // The interface of the default route may have nothing but addresses that no other machine reaches.
        let default = |v6| {
            (host?.default_address)(v6)
                .map(|address| address.to_canonical())
                .filter(|address| {
                    network::unreachable(*address).is_none() && !address.is_loopback()
                })
        };
        let stated = text(given.advertise_address.as_ref());
        let Some(stated) = stated else {
            return default(false).or_else(|| default(true));
        };
        let address = self.read(Some(stated), network::address)?;
        if address.is_unspecified() {
            return default(address.is_ipv6());
        }
        if let Some(reason) = network::unreachable(address) {
            self.refuse(&stated.origin, &stated.value, reason);
            return None;
        }
        if address.is_loopback() {
            self.note(
                stated,
                "is a loopback address: no other machine reaches this API server",
            );
        }
        Some(address)
    }

    /// Addresses of the node; a name among them is an error.
    fn addresses(&mut self, given: &[Stated<String>]) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        for stated in given {
            match San::parse(&stated.value) {
                Ok(San::Ip(address)) => addresses.push(address),
                Ok(_) => self.refuse(
                    &stated.origin,
                    &stated.value,
                    "is a name, and an address is wanted",
                ),
                Err(reason) => self.refuse(&stated.origin, &stated.value, reason),
            }
        }
        addresses
    }

    fn sans(&mut self, stated: &[Stated<String>]) -> Vec<San> {
        let mut sans = Vec::new();
        for stated in stated {
            match San::parse(&stated.value) {
                Ok(san) => sans.push(san),
                Err(reason) => self.refuse(&stated.origin, &stated.value, reason),
            }
        }
        sans
    }

    fn kubernetes_version(&mut self, stated: Option<&Stated<String>>) -> Version {
        let newest = Version::NEWEST;
        let Some(stated) = text(stated) else {
            return newest;
        };
        if let Some(version) = Version::from_label(&stated.value) {
            self.note(
                stated,
                format!("is taken for {version}: the network is not asked"),
            );
            return version;
        }
        let Some(version) = self.read(Some(stated), str::parse::<Version>) else {
            return newest;
        };
        if version.minor > newest.minor {
            self.note(
                stated,
                format!("is newer than {newest}: its certificates are made like those of {newest}"),
            );
        }
        version
    }

    fn key_algorithm(&mut self, given: &Given) -> KeyAlgorithm {
        let named = self
            .read(given.key_algorithm.as_ref(), key_algorithm)
            .unwrap_or(RSA_2048);
        let Some(gate) = &given.public_keys_ecdsa else {
            return named;
        };
        let algorithm = if gate.value {
            KeyAlgorithm::EcdsaP256
        } else {
            RSA_2048
        };
        self.notes.push(format!(
            "{}: the gate is deprecated, encryptionAlgorithm: {algorithm} says the same",
            gate.origin
        ));
        algorithm
    }

    fn validities(&mut self, given: &Given) -> (Duration, Duration) {
        let leaf = self.validity(given.validity.as_ref(), defaults::VALIDITY);
        let ca = self.validity(given.ca_validity.as_ref(), defaults::CA_VALIDITY);
        if let (Some(leaf), Some(ca)) = (leaf, ca)
            && leaf > ca
        {
            let stated = given.validity.as_ref().or(given.ca_validity.as_ref());
            if let Some(stated) = stated {
                self.note(
                    stated,
                    "lets leaf certificates outlive their CA: they are cut to its end",
                );
            }
        }
        (leaf.unwrap_or_default(), ca.unwrap_or_default())
    }

    /// None if it was refused. Unlike the other texts an empty one is an error, as it is to kubeadm.
    fn validity(&mut self, stated: Option<&Stated<String>>, default: &str) -> Option<Duration> {
        let Some(stated) = stated else {
            return parse_duration(default).ok();
        };
        validity(&stated.value)
            .map_err(|reason| self.refuse(&stated.origin, &stated.value, reason))
            .ok()
    }
}

/// Whether the text, in lower case, can be the name of a node; the error is the reason.
pub(crate) fn node_name(name: &str) -> Result<(), String> {
    san::dns_subdomain(name)?;
    // An address is a name that some clouds give; what only looks like one is a slip.
    if name.contains('.') && san::ends_in_number(name) && name.parse::<IpAddr>().is_err() {
        return Err("is no address, and no DNS name ends in a label of digits alone".into());
    }
    Ok(())
}

fn dns_domain(text: &str) -> Result<String, String> {
    san::dns_subdomain(text)?;
    san::dns_subdomain(&format!("{SERVICE_NAME}{text}"))
        .map_err(|_| format!("is too long: no room is left for {SERVICE_NAME}"))?;
    Ok(text.into())
}

fn key_algorithm(text: &str) -> Result<KeyAlgorithm, String> {
    KeyAlgorithm::from_name(text).ok_or_else(|| {
        let names = KeyAlgorithm::MADE.map(|algorithm| algorithm.to_string());
        match names.iter().find(|name| name.eq_ignore_ascii_case(text)) {
            Some(name) => format!("is no key algorithm: write {name}"),
            None => format!("is no key algorithm: choose one of {}", names.join(", ")),
        }
    })
}

fn validity(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if duration.is_negative() {
        Err("is negative: a certificate ends after it starts".into())
    } else if duration.whole_seconds() == 0 {
        Err("is no time at all: give at least a second".into())
    } else if duration > VALIDITY_MAX {
        Err("is longer than a hundred years (876600h)".into())
    } else {
        Ok(duration)
    }
}
