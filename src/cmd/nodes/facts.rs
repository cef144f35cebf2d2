//! Inventory × what holds for the whole cluster → what each node is to have.

mod taken;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::signing;
use crate::cli::{CaKeys, Tree};
use crate::cmd::around::{Wrong, configuration, parsed};
use crate::cmd::{Env, Stop};
use crate::config::inventory::{self, Inventory, Node, Roles};
use crate::facts::{self, ClusterFacts, Facts, Given, Role, defaults};
use crate::location::{FileId, Root};
use crate::profile::found::is_kubelets;
use crate::profile::{
    Handed, Member, Phase, Profile, ResolveError, Stated, in_kubelets_files, resolve, shared_rows,
};
use crate::spec::{Kind, Spec};
use crate::store::{FileContent, path_to, read_list};
use crate::x509::san::San;

/// What was typed.
pub(crate) struct Asked<'a> {
    pub(crate) inventory: Option<&'a PathBuf>,
    pub(crate) out: Option<&'a PathBuf>,
    pub(crate) ca_keys: CaKeys,
    pub(crate) tree: &'a Tree,
    /// What flags state of the whole cluster.
    pub(crate) given: Given,
    /// Whether trees are made, for which nothing may be left open.
    pub(crate) makes: bool,
}

/// What was asked for.
pub(crate) struct Settled {
    pub(crate) cluster: Cluster,
    /// What all nodes share.
    pub(crate) specs: Vec<Spec>,
    /// What holds for the whole cluster, and as far as it was stated.
    pub(crate) facts: ClusterFacts,
    pub(crate) given: Given,
    pub(crate) out: PathBuf,
    pub(crate) dry_run: Option<bool>,
    pub(crate) notes: Vec<String>,
}

/// The nodes, and what holds for all of them.
pub(crate) struct Cluster {
    /// The inventory.
    file: PathBuf,
    given: Given,
    /// Whether a document says what holds for all nodes.
    document: bool,
    nodes: Vec<Node>,
    /// The control plane on which the cluster begins.
    first: Option<usize>,
    /// Whether members of etcd are among the nodes.
    etcd: bool,
    handed: Handed,
}

/// What a node is to have: copies of what all share, and its own.
pub(crate) struct Wanted {
    pub(crate) copies: Vec<Spec>,
    pub(crate) own: Vec<Spec>,
}

pub(crate) fn settle(asked: Asked<'_>, env: &mut Env<'_>) -> Result<Settled, Stop> {
    let (Some(file), Some(out)) = (asked.inventory, asked.out) else {
        return Err(Stop::usage(
            "--inventory and --out go together: the nodes, and the directory of their trees",
        ));
    };
    let name = file.display().to_string();
    let bytes = if name == "-" {
        (env.stdin)().context("read standard input")?
    } else {
        listed(file)?.bytes
    };
    let told = |errors: Vec<_>| Stop::Usage(errors.iter().map(ToString::to_string).collect());
    let mut wrong = Wrong::default();
    let read = inventory::parse(&bytes, &name).map_err(|errors: Vec<_>| told(errors));
    let inventory = wrong.collect(read)?;
    let config = match &inventory {
        // The same file may hold kubeadm's documents.
        Some(read) if asked.tree.config.is_none() && read.has_configuration => {
            parsed(&bytes, &name, asked.tree)
        }
        _ => configuration(asked.tree, env),
    };
    let config = wrong.collect(config)?;
    let (Some(inventory), Some((config, mut notes)), true) =
        (inventory, config, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    let document = asked.tree.config.is_some() || inventory.has_configuration;
    let given = asked.given.or(config);
    notes.extend(inventory.notes.iter().cloned());
    let mut cluster = Cluster::of(inventory, given, asked.ca_keys, asked.makes, &mut notes)?;
    cluster.document = document;
    cluster.file.clone_from(file);
    let mut facts = cluster.check()?;
    let members: Vec<Member> = (0..cluster.len())
        .map(|node| cluster.member(node))
        .collect();
    let specs: Vec<Spec> = shared_rows(&members)
        .map(|row| resolve(row, &facts).map_err(|error| Stop::usage(error.0)))
        .collect::<Result<_, _>>()?;
    cluster.handed.signing = signing::is_kept(&specs, out);
    notes.append(&mut facts.notes);
    cluster.given.dry_run = None;
    Ok(Settled {
        given: cluster.given.clone(),
        cluster,
        specs,
        facts: facts.cluster,
        out: out.clone(),
        dry_run: facts.dry_run,
        notes,
    })
}

fn listed(file: &Path) -> Result<FileContent, Stop> {
    match read_list(file) {
        Ok(Some(content)) => Ok(content),
        Ok(None) => Err(Stop::usage(format!(
            "--inventory: there is no file {}",
            file.display()
        ))),
        Err(error) => Err(Stop::usage(format!("--inventory: {error}"))),
    }
}

impl Cluster {
    fn of(
        inventory: Inventory,
        mut given: Given,
        ca_keys: CaKeys,
        makes: bool,
        told: &mut Vec<String>,
    ) -> Result<Self, Stop> {
        let nodes = inventory.nodes;
        let etcd = nodes.iter().any(|node| node.roles.etcd);
        let planes = nodes.iter().filter(|node| node.roles.control_plane).count();
        if planes > 0 && !etcd && !given.external_etcd {
            return Err(Stop::usage(
                "no node of the inventory has the role etcd: give it to the control planes or to nodes of its own, or \
                 name an etcd that somebody else runs with etcd.external in --config",
            ));
        }
        if etcd && given.external_etcd {
            told.push(
                "etcd.external gives way to the nodes of the inventory that have the role etcd"
                    .to_owned(),
            );
            given.external_etcd = false;
        }
        if makes && planes > 1 && given.control_plane_endpoint.is_none() {
            return Err(Stop::usage(format!(
                "the inventory has {planes} control planes: give --control-plane-endpoint, or controlPlaneEndpoint in a \
                 ClusterConfiguration, the address that leads to all of them"
            )));
        }
        // What a document says of the one node that it was written for.
        for (stated, field) in [
            (&mut given.node_name, "nodeRegistration.name"),
            (
                &mut given.advertise_address,
                "localAPIEndpoint.advertiseAddress",
            ),
            (&mut given.cert_dir, "certificatesDir"),
        ] {
            if stated.take().is_some() {
                told.push(format!("{field} gives way to the inventory"));
            }
        }
        given.node_addresses.clear();
        given.etcd_members.clear();
        given.role = None;
        let first = nodes.iter().position(|node| node.roles.control_plane);
        Ok(Self {
            given,
            document: false,
            first,
            nodes,
            etcd,
            file: PathBuf::new(),
            handed: Handed {
                keys: ca_keys == CaKeys::ControlPlane,
                signing: false,
            },
        })
    }

    /// The facts of the cluster, where those of every node can be used.
    fn check(&self) -> Result<Facts, Stop> {
        let told = |errors: Vec<facts::ValueError>| -> Vec<String> {
            errors.iter().map(ToString::to_string).collect()
        };
        let facts = facts::resolve_elsewhere(self.given.clone())
            .map_err(|errors| Stop::Usage(told(errors)))?;
        let mut wrong = Vec::new();
        for node in 0..self.nodes.len() {
            // What deserves a look in a node the inventory has told.
            if let Err(errors) = self.facts(node) {
                wrong.extend(told(errors));
            }
        }
        wrong.extend(self.not_its_own(&facts));
        if wrong.is_empty() {
            Ok(facts)
        } else {
            Err(Stop::Usage(wrong))
        }
    }

    fn facts(&self, number: usize) -> Result<Facts, Vec<facts::ValueError>> {
        facts::resolve_elsewhere(self.given_to(number))
    }

    /// What was stated of a node, and of all.
    fn given_to(&self, number: usize) -> Given {
        let node = &self.nodes[number];
        let origin = &node.origin;
        let stated = |value: String| facts::Stated::new(value, origin);
        let mut given = self.given.clone();
        given.node_name = Some(stated(node.name.clone()));
        let mut addresses = node
            .addresses
            .iter()
            .map(|address| stated(address.to_string()));
        given.advertise_address = addresses.next();
        given.node_addresses = given
            .advertise_address
            .iter()
            .cloned()
            .chain(addresses)
            .collect();
        given.role = Some(self.role(number));
        if given.role == Some(Role::Worker) && given.control_plane_endpoint.is_none() {
            given.control_plane_endpoint = self.only_plane().map(stated);
        }
        given
    }

    fn role(&self, node: usize) -> Role {
        if !self.nodes[node].roles.control_plane {
            Role::Worker
        } else if self.first == Some(node) {
            Role::First
        } else {
            Role::Further
        }
    }

    /// Where the API server is that no endpoint stands before.
    fn only_plane(&self) -> Option<String> {
        let address = self.nodes[self.first?].addresses.first()?;
        let port = self.given.bind_port.as_ref();
        let port = port.and_then(|port| port.value.parse().ok());
        let port = port.unwrap_or(defaults::BIND_PORT);
        Some(SocketAddr::new(*address, port).to_string())
    }

    /// Where the nodes are listed.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What runs on it.
    pub(crate) fn roles(&self, node: usize) -> Roles {
        self.nodes[node].roles
    }

    /// The number of the node of this name.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// Whether a node is to have this row for its own.
    pub(crate) fn has(&self, node: usize, row: &Profile) -> bool {
        self.member(node).rows().any(|own| own.name == row.name)
    }

    /// Whether a node has this file of what all share.
    pub(crate) fn shares(&self, node: usize, file: &FileId) -> bool {
        let mut shared = self.member(node).shared();
        shared.any(|(_, place)| place.files().contains(file))
    }

    fn member(&self, number: usize) -> Member {
        Member {
            roles: self.nodes[number].roles,
            first: self.first == Some(number),
            etcd: self.etcd,
            handed: self.handed,
        }
    }

    pub(crate) fn name(&self, node: usize) -> &str {
        &self.nodes[node].name
    }

    /// Files in all directories above the nodes' own: who can write there can put another tree in its place.
    pub(crate) fn above(&self) -> Vec<FileId> {
        let paths = self.nodes.iter().flat_map(|node| path_to(&node.name));
        paths.chain([FileId::new(Root::Kubeconfig, ".")]).collect()
    }

    /// Those of these names that no node has.
    pub(crate) fn others(&self, names: Vec<String>) -> Vec<String> {
        let known: HashSet<&str> = self.nodes.iter().map(|node| &*node.name).collect();
        let other = |name: &String| !known.contains(name.as_str());
        names.into_iter().filter(other).collect()
    }

    /// What a node is to have.
    pub(crate) fn wanted(&self, number: usize) -> Result<Wanted, Stop> {
        let node = &self.nodes[number];
        let member = self.member(number);
        let facts = self
            .facts(number)
            .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
        let failed = |error: ResolveError| Stop::usage(format!("{}: {}", node.origin, error.0));
        let mut copies = Vec::new();
        for (row, place) in member.shared() {
            let mut copy = resolve(row, &facts).map_err(failed)?;
            copy.name = place.public().name;
            copy.place = place;
            copies.push(copy);
        }
        let mut own = Vec::new();
        for row in member.rows() {
            let mut spec = resolve(row, &facts).map_err(failed)?;
            self.reached(number, &mut spec);
            // A worker's is as the kubelet keeps it; a control plane's as kubeadm makes it.
            if node.roles.worker && is_kubelets(&spec) && spec.phase == Phase::Kubeconfig {
                own.extend(in_kubelets_files(spec));
            } else {
                own.push(spec);
            }
        }
        Ok(Wanted { copies, own })
    }

    /// A server is good for whatever its node is reached by, and no other node is.
    fn reached(&self, number: usize, spec: &mut Spec) {
        let node = &self.nodes[number];
        let serves = spec
            .certificate()
            .is_some_and(|wanted| matches!(wanted.kind, Kind::Server | Kind::ServerAndClient));
        if serves {
            let addresses = node.addresses.iter().skip(1).copied().map(San::Ip);
            spec.add_sans(addresses.chain(node.names.iter().cloned()).collect());
        }
    }

    /// What was stated of a node, for who looks at its tree.
    pub(crate) fn stated(&self, number: usize) -> Result<Stated, Stop> {
        // What the trees were made with may have been typed: it is not known here.
        let mut given = Given {
            control_plane_endpoint: self.given.control_plane_endpoint.clone(),
            ..self.given_to(number)
        };
        let facts = facts::resolve_elsewhere(given.clone())
            .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
        // The document is of the cluster, whichever node it was written for.
        given.role = None;
        Ok(Stated::new(facts, given, self.document))
    }

    /// What that says of a row, over what is there.
    pub(crate) fn over(
        &self,
        number: usize,
        stated: &Stated,
        row: &Profile,
        there: Spec,
    ) -> Result<Spec, ResolveError> {
        let mut spec = stated.over(row, there)?;
        self.reached(number, &mut spec);
        Ok(spec)
    }
}
