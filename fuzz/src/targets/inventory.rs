//! Inventories of nodes, in every form.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use certs::config::inventory::{Inventory, Node, parse};
use certs::x509::San;

const FILE: &str = "hosts";

pub(super) fn run(bytes: &[u8]) {
    let inventory = match parse(bytes, FILE) {
        Ok(inventory) => inventory,
        Err(errors) => return super::kubeadm::placed(bytes, &errors),
    };
    holds(&inventory);
    // Written as a document and as a table it is the same.
    for text in [document(&inventory), table(&inventory)] {
        let again = parse(text.as_bytes(), FILE).expect("what was written is read");
        assert!(
            again
                .nodes
                .iter()
                .map(told)
                .eq(inventory.nodes.iter().map(told))
        );
    }
}

/// All but where it stands.
fn told(node: &Node) -> (&str, &[IpAddr], &[San], String) {
    (
        &node.name,
        &node.addresses,
        &node.names,
        node.roles.to_string(),
    )
}

/// What is true of every inventory that is read.
fn holds(inventory: &Inventory) {
    assert!(!inventory.nodes.is_empty());
    let mut names = HashSet::new();
    let mut hosts = HashSet::new();
    for node in &inventory.nodes {
        assert!(names.insert(&node.name), "{}", node.name);
        // It is a folder's name, and nothing else.
        assert!(!node.name.is_empty() && node.name.len() <= 253 && node.name != "ca");
        assert!(!node.name.starts_with('.') && !node.name.contains(['/', '\0']));
        assert_eq!(node.name, node.name.to_ascii_lowercase());
        assert!(!node.addresses.is_empty());
        assert!(!node.roles.to_string().is_empty());
        assert!(node.origin.starts_with(FILE));
        for address in &node.addresses {
            assert!(!address.is_unspecified() && !address.is_multicast());
            assert_eq!(*address, address.to_canonical());
            assert!(hosts.insert(San::Ip(*address)), "{address}");
        }
        for name in &node.names {
            assert!(matches!(name, San::Dns(name) if *name != node.name));
            assert!(hosts.insert(name.clone()), "{name}");
        }
    }
    for name in names {
        assert!(!hosts.contains(&San::Dns(name.clone())), "{name}");
    }
}

fn addresses<'a>(node: &'a Node, quote: &'a str) -> impl Iterator<Item = String> + 'a {
    let addresses = node.addresses.iter().map(ToString::to_string);
    let all = addresses.chain(node.names.iter().map(ToString::to_string));
    all.map(move |address| format!("{quote}{address}{quote}"))
}

fn document(inventory: &Inventory) -> String {
    let mut text = "apiVersion: certs/v1\nkind: Inventory\nnodes:\n".to_owned();
    for node in &inventory.nodes {
        let addresses: Vec<String> = addresses(node, "'").collect();
        let roles = node.roles.to_string().replace(' ', ", ");
        let _ = writeln!(
            text,
            "- {{name: '{}', roles: [{roles}], addresses: [{}]}}",
            node.name,
            addresses.join(", ")
        );
    }
    text
}

fn table(inventory: &Inventory) -> String {
    let mut text = "roles,name,addresses\r\n".to_owned();
    for node in &inventory.nodes {
        let addresses: Vec<String> = addresses(node, "").collect();
        let _ = write!(
            text,
            "{},{},\"{}\"\r\n",
            node.roles,
            node.name,
            addresses.join(";")
        );
    }
    text
}
