//! The inventory: what docs/inventory.md shows is read as it says, docs/inventory.schema.json judges as the reader does,
//! and what a real Ansible lists is read as Ansible means it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use certs::config::inventory::{Inventory, parse};

mod common;
use common::{TempDir, read, root, run, tool, venv, write};

const PAGE: &str = "docs/inventory.md";
const SCHEMA: &str = "docs/inventory.schema.json";

/// What is said of each node, but for where.
fn shown(inventory: &Inventory) -> BTreeSet<String> {
    let node = |node: &certs::config::inventory::Node| {
        let addresses = node.addresses.iter().map(ToString::to_string);
        let names = node.names.iter().map(ToString::to_string);
        let all: Vec<String> = addresses.chain(names).collect();
        format!("{} {} {}", node.name, all.join(","), node.roles)
    };
    inventory.nodes.iter().map(node).collect()
}

fn good(text: &str) -> Inventory {
    parse(text.as_bytes(), "hosts.yaml").unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"))
}

/// The blocks of the page with this behind their fence.
fn blocks(info: &str) -> Vec<String> {
    let page = read(&root().join(PAGE));
    let fence = format!("\n```{info}\n");
    page.split(&fence)
        .skip(1)
        .map(|rest| rest.split("\n```\n").next().unwrap_or_default().to_owned() + "\n")
        .collect()
}

#[test]
fn the_examples_of_the_page_are_read() {
    let [yaml, csv, json] = ["yaml", "csv", "json"].map(|form| {
        let [block] = &blocks(form)[..] else {
            panic!("one example of {form}");
        };
        shown(&good(block))
    });
    assert_eq!(
        yaml,
        [
            "cp1 10.0.0.11,cp1.example.com control-plane etcd",
            "cp2 10.0.0.12 control-plane",
            "etcd1 10.0.0.21,fd00::21 etcd",
            "worker1 10.0.0.31 worker",
        ]
        .map(str::to_owned)
        .into()
    );
    assert_eq!(csv, yaml);
    // Its variables say two of the addresses otherwise.
    let ansible = json.iter().map(|node| {
        node.replace("10.0.0.11,192.168.0.11", "10.0.0.11,cp1.example.com")
            .replace("10.0.0.21 ", "10.0.0.21,fd00::21 ")
    });
    assert_eq!(ansible.collect::<BTreeSet<_>>(), yaml);
}

#[test]
fn the_errors_of_the_page_are_those_that_are_told() {
    let ([wrong], [told]) = (&blocks("yaml wrong")[..], &blocks("text")[..]) else {
        panic!("one file with its errors");
    };
    let errors = parse(wrong.as_bytes(), "hosts.yaml").unwrap_err();
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors, told.lines().collect::<Vec<_>>());
}

const HEAD: &str = "apiVersion: certs/v1\nkind: Inventory\n";
const NODE: &str = "{name: w1, addresses: [10.0.0.1], roles: [worker]}";

/// What both the schema and the reader take.
fn valid() -> Vec<String> {
    let mut all = blocks("yaml");
    for node in [
        NODE,
        "{name: W1.Example.com, addresses: ['fd00::1', a, '::ffff:10.0.0.1'], roles: [etcd, worker, control-plane]}",
        "{name: 10.0.0.1, addresses: [10.0.0.1], roles: [worker]}",
        "{name: ca1, addresses: [10.0.0.1], roles: [worker]}",
        "{name: '1', addresses: [10.0.0.1, 10.0.0.1], roles: [worker, worker]}",
    ] {
        all.push(format!("{HEAD}nodes:\n- {node}\n"));
    }
    all.push(
        "{\"apiVersion\": \"certs/v1\", \"kind\": \"Inventory\", \"nodes\": [".to_owned()
            + "{\"name\": \"a\", \"addresses\": [\"10.0.0.1\"], \"roles\": [\"etcd\"]}]}",
    );
    all
}

/// What neither takes.
fn bad() -> Vec<String> {
    let mut all = vec![
        HEAD.to_owned(),
        format!("{HEAD}nodes: []\n"),
        format!("{HEAD}nodes:\n"),
        format!("{HEAD}nodes: {NODE}\n"),
        format!("{HEAD}nodes: [w1]\n"),
        format!("{HEAD}nodes: [{NODE}]\nmetadata: {{name: x}}\n"),
        format!("apiVersion: certs/v2\nkind: Inventory\nnodes: [{NODE}]\n"),
        format!("apiVersion: certs/v1\nkind: Nodes\nnodes: [{NODE}]\n"),
        format!("kind: Inventory\nnodes: [{NODE}]\n"),
        format!("apiVersion: certs/v1\nnodes: [{NODE}]\n"),
    ];
    for (from, to) in [
        ("name: w1, ", ""),
        ("name: w1", "name: 1"),
        ("name: w1", "name: ca"),
        ("name: w1", "name: Ca"),
        ("name: w1", "name: a_b"),
        ("name: w1", "name: ."),
        ("name: w1", "name: .."),
        ("name: w1", "name: .a"),
        ("name: w1", "name: a/b"),
        ("name: w1", "name: -a"),
        ("name: w1", "name: ''"),
        (", addresses: [10.0.0.1]", ""),
        ("[10.0.0.1]", "[]"),
        ("[10.0.0.1]", "10.0.0.1"),
        ("[10.0.0.1]", "[1]"),
        ("[10.0.0.1]", "[10.0.0.1, '*.example.com']"),
        ("[10.0.0.1]", "[10.0.0.0/24]"),
        ("[10.0.0.1]", "['https://10.0.0.1']"),
        ("[10.0.0.1]", "['[fd00::1]']"),
        ("[10.0.0.1]", "['fe80::1%eth0']"),
        (", roles: [worker]", ""),
        ("[worker]", "[]"),
        ("[worker]", "worker"),
        ("[worker]", "[master]"),
        ("[worker]", "[worker], port: 1"),
    ] {
        assert!(NODE.contains(from), "{from}");
        all.push(format!("{HEAD}nodes:\n- {}\n", NODE.replace(from, to)));
    }
    all
}

const JUDGE: &str = "
import json, sys, yaml
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
judge = Draft202012Validator(schema)
for path in sys.argv[2:]:
    print('valid' if judge.is_valid(yaml.safe_load(open(path))) else 'bad')
";

/// What the schema says of each text.
fn judged(texts: &[String]) -> Vec<bool> {
    let place = TempDir::new();
    let mut python = Command::new(venv("python"));
    python.args(["-c", JUDGE]).arg(root().join(SCHEMA));
    for (number, text) in texts.iter().enumerate() {
        let path = place.join(&format!("{number}.yaml"));
        write(&path, text);
        python.arg(path);
    }
    let said = run(&mut python).expect(0).stdout;
    said.lines().map(|line| line == "valid").collect()
}

#[test]
fn the_schema_takes_and_refuses_what_the_reader_does() {
    let valid = valid();
    for (text, taken) in valid.iter().zip(judged(&valid)) {
        assert!(taken, "{text}");
        good(text);
    }
    let bad = bad();
    for (text, taken) in bad.iter().zip(judged(&bad)) {
        assert!(!taken, "{text}");
        assert!(parse(text.as_bytes(), "hosts.yaml").is_err(), "{text}");
    }
}

const INI: &str = "\
# As kubespray's sample has it.
[all]
cp1 ansible_host=198.51.100.1 ip=10.0.0.1 access_ip=10.4.0.1 etcd_member_name=etcd1
CP2 ansible_host=10.0.0.2
etcd1 ip=10.0.0.3 note=\"äöü 😀\"
w[01:03] x=1
bastion ansible_host=198.51.100.9
w01 ansible_host=10.0.1.1
w02 ansible_host=fd00::2
w03 ip=10.0.1.3 access_ip=10.0.1.3

[kube_control_plane]
cp1
CP2

[members]
etcd1

[etcd:children]
kube_control_plane
members

[edge]
w03
10.0.1.4

[kube_node:children]
edge
[kube_node]
w[01:02]
cp1

[kube_node:vars]
kube_proxy_mode=ipvs

[k8s_cluster:children]
kube_control_plane
kube_node
";

const YAML: &str = "\
all:
  hosts:
    bastion: {ansible_host: 198.51.100.9}
  children:
    kube_control_plane:
      hosts:
        cp1: {ansible_host: 198.51.100.1, ip: 10.0.0.1, access_ip: 10.4.0.1}
        CP2: {ansible_host: 10.0.0.2}
    members: {hosts: {etcd1: {ip: 10.0.0.3}}}
    etcd: {children: {kube_control_plane: , members: }}
    kube_node:
      children:
        edge:
          hosts:
            w03: {ip: 10.0.1.3, access_ip: 10.0.1.3}
            10.0.1.4:
      hosts:
        w01: {ansible_host: 10.0.1.1}
        w02: {ansible_host: 'fd00::2'}
        cp1:
      vars: {kube_proxy_mode: ipvs}
";

/// A program of Ansible's, which writes nothing outside the folder.
fn ansible(program: &str, place: &Path, arguments: &[&str]) -> String {
    write(&place.join("ansible.cfg"), "");
    let mut command = Command::new(tool(program));
    command
        .args(arguments)
        .current_dir(place)
        .env("HOME", place)
        .env("ANSIBLE_LOCAL_TEMP", place)
        .env("ANSIBLE_CONFIG", place.join("ansible.cfg"))
        .env("LC_ALL", "C.UTF-8");
    run(&mut command).expect(0).stdout
}

/// The hosts that Ansible itself takes for those of a group.
fn members(place: &Path, inventory: &str, group: &str) -> BTreeSet<String> {
    let said = ansible("ansible", place, &["-i", inventory, "--list-hosts", group]);
    let lines = said.lines().skip(1);
    lines.map(|line| line.trim().to_ascii_lowercase()).collect()
}

#[test]
fn what_ansible_lists_is_read_as_ansible_means_it() {
    let expected: BTreeSet<String> = [
        "10.0.1.4 10.0.1.4 worker",
        "cp1 10.4.0.1,10.0.0.1 control-plane etcd worker",
        "cp2 10.0.0.2 control-plane etcd",
        "etcd1 10.0.0.3 etcd",
        "w01 10.0.1.1 worker",
        "w02 fd00::2 worker",
        "w03 10.0.1.3 worker",
    ]
    .map(str::to_owned)
    .into();
    for (name, inventory) in [("hosts.ini", INI), ("hosts.yaml", YAML)] {
        let place = TempDir::new();
        write(&place.join(name), inventory);
        for more in [&[][..], &["--export"]] {
            let listed = ["-i", name, "--list"];
            let listed = ansible("ansible-inventory", place.path(), &[&listed, more].concat());
            let read = good(&listed);
            assert_eq!(shown(&read), expected, "{name}");
            assert_eq!(
                read.notes,
                ["hosts.yaml: hosts in no group that is known are passed over: bastion"]
            );
            for (group, role) in [
                ("kube_control_plane", "control-plane"),
                ("etcd", "etcd"),
                ("kube_node", "worker"),
            ] {
                let ours = read.nodes.iter().filter(|node| {
                    let roles = node.roles.to_string();
                    roles.split(' ').any(|name| name == role)
                });
                let ours: BTreeSet<String> = ours.map(|node| node.name.clone()).collect();
                assert_eq!(members(place.path(), name, group), ours, "{name} {group}");
            }
        }
        // The file itself is told from what Ansible prints of it.
        let errors = parse(inventory.as_bytes(), name).unwrap_err();
        let told = errors.iter().any(|error| {
            error
                .reason
                .contains("'ansible-inventory -i FILE --list' prints what is read here")
        });
        assert!(told, "{errors:?}");
    }
    let nothing = TempDir::new();
    write(&nothing.join("hosts"), "a ansible_host=10.0.0.1\n");
    let listed = ansible(
        "ansible-inventory",
        nothing.path(),
        &["-i", "hosts", "--list"],
    );
    let errors = parse(listed.as_bytes(), "hosts").unwrap_err();
    assert!(errors[0].reason.contains("name groups kube_control_plane"));
}
