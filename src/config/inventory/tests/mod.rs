use std::fmt::Write as _;

use super::*;

mod ansible;
mod csv;
mod document;

const HEAD: &str = "apiVersion: certs/v1\nkind: Inventory\n";

fn read(text: &str) -> Inventory {
    parse(text.as_bytes(), "hosts").unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

fn refused(text: &str) -> Vec<String> {
    let errors = parse(text.as_bytes(), "hosts").expect_err(text);
    errors.iter().map(ToString::to_string).collect()
}

/// A document with these nodes, of which the first is on line 4.
fn of(nodes: &str) -> String {
    format!("{HEAD}nodes:\n{nodes}\n")
}

/// What is said of one node, but for where.
fn shown(inventory: &Inventory) -> Vec<String> {
    let nodes = inventory.nodes.iter();
    let mut shown: Vec<String> = nodes
        .map(|node| {
            format!(
                "{} {:?} {:?} {}",
                node.name, node.addresses, node.names, node.roles
            )
        })
        .collect();
    shown.sort();
    shown
}

#[test]
fn the_form_of_a_file_is_told_by_what_stands_there() {
    for (text, form) in [
        ("apiVersion: certs/v1\n", Form::Documents),
        (
            "# a comment\n\n---\nname,addresses,roles\n",
            Form::Documents,
        ),
        ("{\"apiVersion\": \"certs/v1\"}", Form::Documents),
        ("", Form::Documents),
        ("# nothing\n", Form::Documents),
        ("- a\n", Form::Documents),
        ("[a, b]\n", Form::Documents),
        ("{\"_meta\": {}}", Form::Ansible),
        ("\n{\n\"etcd\": {}, \"_meta\": {}}", Form::Ansible),
        ("# kubespray\n[all]\nnode1\n", Form::AnsibleIni),
        ("[etcd:children]\n", Form::AnsibleIni),
        ("name,addresses,roles\n", Form::Csv),
        ("\"name\",\"roles\"\n", Form::Csv),
        ("node1 ansible_host=10.0.0.1\n", Form::Csv),
    ] {
        assert_eq!(Form::of(text), form, "{text}");
    }
    for (text, reason) in [
        (
            "[all]\nnode1 ip=10.0.0.1\n",
            "hosts: is a file of Ansible's own: 'ansible-inventory -i FILE --list' prints",
        ),
        (
            "node1 ip=10.0.0.1\n",
            "hosts line 1: there is no column \"node1 ip=10.0.0.1\"",
        ),
        (
            "all:\n  hosts: {a: {ip: 10.0.0.1}}\n",
            "hosts line 1: a document without apiVersion",
        ),
        ("", "hosts: holds no document"),
    ] {
        let errors = refused(text);
        assert!(errors[0].starts_with(reason), "{errors:?}");
    }
    let node = refused("node1 ip=10.0.0.1\n");
    assert!(
        node[1].contains("'ansible-inventory -i FILE --list'"),
        "{node:?}"
    );
    let errors = parse(b"name,addresses,roles\nw1,\xff,worker\n", "hosts").unwrap_err();
    assert_eq!(errors[0].to_string(), "hosts line 2: is no UTF-8 text");
    let large = parse(&vec![b' '; LARGEST + 1], "hosts").unwrap_err();
    assert!(large[0].reason.contains("64 MiB"));
}

/// The same nodes in all forms.
fn forms(count: usize) -> [String; 4] {
    let mut yaml = of("").trim_end().to_owned() + "\n";
    let mut csv = "name,addresses,roles\n".to_owned();
    let (mut variables, mut groups) = (String::new(), [const { String::new() }; 3]);
    let mut json =
        "{\"apiVersion\": \"certs/v1\", \"kind\": \"Inventory\", \"nodes\": [".to_owned();
    for number in 0..count {
        // Some bits of the number choose: what comes out is not to depend on a generator.
        let mixed = number.wrapping_mul(0x9e37_79b9) >> 3;
        let mut roles = Roles::default();
        for (bit, role) in Role::ALL.into_iter().enumerate() {
            if mixed >> bit & 1 == 1 || (bit == 2 && mixed % 4 == 0) {
                roles.add(role);
                let comma = if groups[bit].is_empty() { "" } else { "," };
                let _ = write!(groups[bit], "{comma}\"Node-{number}\"");
            }
        }
        let v4 = format!("10.{}.{}.1", number >> 8, number & 255);
        let more = if mixed & 8 == 0 {
            format!("fd00::{number:x}")
        } else {
            format!("11.{}.{}.1", number >> 8, number & 255)
        };
        let roles = roles.to_string();
        let quoted = |text: &str| format!("\"{}\"", text.replace(' ', "\", \""));
        let _ = writeln!(
            yaml,
            "- name: Node-{number}\n  addresses: ['{v4}', \"{more}\"]\n  roles: [{}]",
            roles.replace(' ', ", ")
        );
        let _ = writeln!(
            csv,
            "Node-{number},{v4} {more},\"{}\"",
            roles.replace(' ', ";")
        );
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(
            json,
            "{comma}{{\"name\": \"Node-{number}\", \"addresses\": [\"{v4}\", \"{more}\"], \"roles\": [{}]}}",
            quoted(&roles)
        );
        let _ = write!(
            variables,
            "{comma}\"Node-{number}\": {{\"access_ip\": \"{v4}\", \"ip\": \"{more}\"}}"
        );
    }
    json.push_str("]}");
    let [control_plane, etcd, worker] = groups;
    let ansible = format!(
        "{{\"_meta\": {{\"hostvars\": {{{variables}}}}}, \"kube_control_plane\": {{\"hosts\": [{control_plane}]}}, \
         \"etcd\": {{\"hosts\": [{etcd}]}}, \"kube_node\": {{\"hosts\": [{worker}]}}}}"
    );
    [yaml, csv, json, ansible]
}

#[test]
fn the_same_nodes_are_the_same_in_every_form() {
    for count in [1, 2, 3, 50, 1_000] {
        let [yaml, others @ ..] = forms(count).map(|text| shown(&read(&text)));
        assert_eq!(yaml.len(), count);
        for other in others {
            assert_eq!(other, yaml);
        }
    }
}

#[test]
fn ten_thousand_nodes_are_read_in_no_time() {
    for text in forms(10_000) {
        let begin = std::time::Instant::now();
        assert_eq!(read(&text).nodes.len(), 10_000);
        let took = begin.elapsed();
        // What is not optimized, on a machine with much else to do.
        assert!(took.as_secs() < 20, "{took:?}");
    }
}

/// The page's schema, which editors use.
#[test]
fn the_schema_has_the_fields_and_the_roles_that_are_known() {
    let schema = include_str!("../../../../docs/inventory.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let sorted = |names: &[&str]| {
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        names.sort();
        names
    };
    let node = &schema["$defs"]["node"];
    for (object, fields) in [
        (&schema, super::document::INVENTORY),
        (node, super::document::NODE),
    ] {
        let properties = object["properties"].as_object().unwrap();
        let names: Vec<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(sorted(&names), sorted(&fields));
        let required = object["required"].as_array().unwrap();
        let required: Vec<&str> = required.iter().filter_map(|name| name.as_str()).collect();
        assert_eq!(sorted(&required), sorted(&fields));
    }
    let roles = node["properties"]["roles"]["items"]["enum"].as_array();
    let roles: Vec<&str> = roles
        .unwrap()
        .iter()
        .filter_map(|role| role.as_str())
        .collect();
    assert_eq!(roles, Role::ALL.map(Role::name));
}
