//! What a tree tells of its cluster and node, as if somebody had stated it.

use std::net::IpAddr;

use super::{Found, certificate, evidence};
use crate::facts::{Given, Stated, defaults};
use crate::key::KeyAlgorithm;
use crate::observed::{Observed, server};
use crate::profile::resolve::fixed;
use crate::profile::{ApiServer, Host, Kind, Profile, Signer, Stored, TABLE, is_of_worker};
use crate::x509::san::San;

/// Where it stands, for an error over it.
const ORIGIN: &str = "what is there";

/// Whether nothing of a node is there, so that the machine may be one that is yet to be made.
pub fn is_new(found: &Found) -> bool {
    let own = TABLE
        .iter()
        .filter(|row| row.kind != Kind::Ca && row.signer != Signer::Nobody);
    let mut own = own.filter_map(|row| found.get(row.name));
    own.all(Observed::is_absent)
}

/// Whether nothing of a control plane is there, and of no member of etcd: but for what a worker has, and the CA of that.
pub fn is_workers(found: &Found) -> bool {
    let mine = |row: &Profile| {
        let signs = |other: &Profile| other.signer == Signer::Ca(row.name);
        is_of_worker(row)
            || TABLE
                .iter()
                .any(|other| is_of_worker(other) && signs(other))
    };
    // Where it was not looked what is there is not known.
    let mut others = TABLE.iter().filter(|row| !mine(row));
    others.all(|row| found.get(row.name).is_some_and(Observed::is_absent))
}

/// What the files tell where they agree; what none of them tells is not known.
pub fn given(found: &Found) -> Given {
    let leads = leads(found);
    let address = address(found, &leads);
    let shared: Vec<&Lead<'_>> = leads
        .iter()
        .filter(|lead| Some(lead.host) != address.map(|it| it.to_string()).as_deref())
        .collect();
    let endpoint = shared
        .iter()
        .find(|lead| lead.kind == ApiServer::Endpoint)
        .or(shared.first());
    let further = shared
        .iter()
        .filter(|lead| endpoint.is_some_and(|endpoint| endpoint.host != lead.host));
    let told = |value: String| Stated::new(value, ORIGIN);
    Given {
        advertise_address: address.map(|address| told(address.to_string())),
        apiserver_extra_sans: further.map(|lead| told(lead.host.to_owned())).collect(),
        bind_port: leads
            .iter()
            .find(|lead| lead.host.parse().ok() == address && address.is_some())
            .and_then(|lead| server::port(lead.server))
            .filter(|port| *port != defaults::BIND_PORT)
            .map(|port| told(port.to_string())),
        cluster_name: leads.first().map(|lead| told(lead.cluster.to_owned())),
        control_plane_endpoint: endpoint
            .map(|lead| told(server::authority(lead.server).to_owned())),
        dns_domain: evidence::dns_domain(found).map(told),
        node_name: evidence::node(found).map(told),
        ..Given::default()
    }
}

/// The cluster's name and the server of a kubeconfig that leads where one of this kind is to lead.
pub fn led(found: &Found, kind: ApiServer) -> Option<(String, String)> {
    let leads = leads(found);
    let same = leads.iter().find(|lead| lead.kind == kind)?;
    Some((same.cluster.to_owned(), same.server.to_owned()))
}

/// The kind of a new key in a tree: that which most of its certificates have.
pub fn key_algorithm(found: &Found) -> Option<KeyAlgorithm> {
    let leaves = TABLE.iter().filter(|row| row.kind != Kind::Ca);
    let kinds: Vec<KeyAlgorithm> = leaves
        .filter_map(|row| certificate(found.get(row.name)?)?.public_key.algorithm())
        .filter(|kind| kind.may_sign_certificates())
        .collect();
    let count = |kind: &KeyAlgorithm| kinds.iter().filter(|other| *other == kind).count();
    kinds
        .iter()
        .copied()
        .max_by_key(count)
        .map(KeyAlgorithm::anew)
}

/// Where the kubeconfig of a row leads.
struct Lead<'a> {
    kind: ApiServer,
    cluster: &'a str,
    server: &'a str,
    host: &'a str,
}

fn leads(found: &Found) -> Vec<Lead<'_>> {
    let lead = |row: &'static Profile| {
        let Stored::Kubeconfig(_, kind) = row.stored else {
            return None;
        };
        let (cluster, server) = match found.get(row.name)? {
            Observed::Kubeconfig(found) => (&found.cluster, &found.server),
            Observed::Requested {
                entry: Some([cluster, _, server]),
                ..
            } => (cluster, server),
            _ => return None,
        };
        Some(Lead {
            kind,
            cluster,
            server,
            host: server::host(server)?,
        })
    };
    TABLE.iter().filter_map(lead).collect()
}

/// The address of the node's API server. A member of etcd has one of its own beside those that all have; of several
/// the kubeconfigs tell which it is. They may all lead to an endpoint, and then the API server's certificate
/// tells, where it has but the service's beside it.
fn address(found: &Found, leads: &[Lead<'_>]) -> Option<IpAddr> {
    let local = leads.iter().filter(|lead| lead.kind == ApiServer::Local);
    let local: Vec<IpAddr> = local.filter_map(|lead| lead.host.parse().ok()).collect();
    let of_row = |row: &Profile| {
        let sans = found.get(row.name).map_or(&[][..], sans);
        let own = sans.iter().filter_map(|san| match san {
            San::Ip(address) if !row.hosts.iter().any(|host| is(*host, san)) => Some(*address),
            _ => None,
        });
        own.collect::<Vec<IpAddr>>()
    };
    let serves = |row: &&Profile| row.hosts.contains(&Host::AdvertiseAddress);
    for row in TABLE.iter().filter(serves) {
        let (addresses, service) = (of_row(row), row.hosts.contains(&Host::ServiceIp));
        let leads_here = addresses.iter().find(|address| local.contains(address));
        let one = match addresses.as_slice() {
            [one] if !service => Some(one),
            [_, _] if service => leads_here,
            _ if !service => leads_here,
            _ => None,
        };
        if let Some(one) = one {
            return Some(*one);
        }
    }
    // Who is led past the endpoint is led to the node.
    let shared = |address: &&IpAddr| {
        let to = |lead: &Lead<'_>| lead.host.parse().ok() == Some(**address);
        leads
            .iter()
            .any(|lead| lead.kind == ApiServer::Endpoint && to(lead))
    };
    let endpoint = leads.iter().any(|lead| lead.kind == ApiServer::Endpoint);
    let past = local.iter().find(|address| endpoint && !shared(address));
    past.copied()
}

fn is(host: Host, san: &San) -> bool {
    matches!(host, Host::Fixed(text) if fixed(text) == *san)
}

/// The names of what is there, or is asked for.
fn sans(observed: &Observed) -> &[San] {
    match observed {
        Observed::Requested { request, .. } => &request.asked.sans,
        _ => certificate(observed).map_or(&[], |leaf| &leaf.sans),
    }
}
