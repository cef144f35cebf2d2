//! etcd: its members, or the one that somebody else runs.

use std::net::IpAddr;

use super::check::{Run, node_name, text};
use super::{ExternalEtcd, Given, Stated, network};

impl Run {
    pub(super) fn etcd_members(&mut self, given: &[Stated<String>]) -> Vec<(String, IpAddr)> {
        let mut members: Vec<(String, IpAddr)> = Vec::new();
        for stated in given {
            match etcd_member(&stated.value) {
                Ok((name, address)) => {
                    let twice =
                        |member: &&(String, IpAddr)| member.0 == name || member.1 == address;
                    if let Some((other, _)) = members.iter().find(twice) {
                        let reason = format!("has the name or the address of the member {other}");
                        self.refuse(&stated.origin, &stated.value, reason);
                    } else {
                        members.push((name, address));
                    }
                }
                Err(reason) => self.refuse(&stated.origin, &stated.value, reason),
            }
        }
        members
    }
}

fn etcd_member(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = text
        .split_once('=')
        .ok_or("is no member: write NAME=ADDRESS")?;
    node_name(name)?;
    let address = network::address(address)?;
    network::of_a_node(address)?;
    Ok((name.into(), address))
}

pub(super) fn external_etcd(given: &Given) -> ExternalEtcd {
    let path =
        |stated: &Option<Stated<String>>| text(stated.as_ref()).map(|path| path.value.clone());
    ExternalEtcd {
        ca: path(&given.external_etcd_ca),
        certificate: path(&given.external_etcd_certificate),
        endpoints: given
            .external_etcd_endpoints
            .iter()
            .map(|endpoint| endpoint.value.clone())
            .collect(),
        key: path(&given.external_etcd_key),
    }
}
