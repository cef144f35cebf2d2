//! Ansible's list.

use super::*;
use crate::config::inventory::ansible::GROUPS;

/// What `ansible-inventory --list` prints, shortened.
const LISTED: &str = r#"{
    "_meta": {
        "hostvars": {
            "cp1": {"access_ip": "10.4.0.1", "ansible_host": "95.54.0.12", "ip": "10.3.0.1", "x": [1, {"y": null}]},
            "cp2": {"ansible_host": "10.3.0.2", "ip": "10.3.0.2", "access_ip": ""},
            "w1": {"ansible_host": {"__ansible_unsafe": "10.3.0.9"}},
            "bastion": {"ansible_host": "1.2.3.4"}
        },
        "profile": "inventory_legacy"
    },
    "all": {"children": ["ungrouped", "etcd", "kube_node"]},
    "kube_control_plane": {"hosts": ["cp1", "cp2"], "vars": {"a": 1}},
    "kube_node": {"hosts": ["w1", "10.3.0.10", "cp2"], "children": ["kube_node"]},
    "etcd": {"children": ["kube_control_plane", "lost"]},
    "ungrouped": {"hosts": ["bastion", "other"]}
}"#;

#[test]
fn the_groups_of_ansible_are_the_roles_and_kubesprays_variables_the_addresses() {
    let inventory = read(LISTED);
    assert_eq!(
        shown(&inventory),
        [
            "10.3.0.10 [10.3.0.10] [] worker",
            "cp1 [10.4.0.1, 10.3.0.1] [] control-plane etcd",
            "cp2 [10.3.0.2] [] control-plane etcd worker",
            "w1 [10.3.0.9] [] worker",
        ]
    );
    let origins: Vec<&str> = inventory.nodes.iter().map(|node| &*node.origin).collect();
    assert_eq!(
        origins,
        [
            "hosts line 4",
            "hosts line 5",
            "hosts line 6",
            "hosts line 13"
        ]
    );
    assert_eq!(
        inventory.notes,
        ["hosts: hosts in no group that is known are passed over: bastion, other"]
    );
    for (name, role) in GROUPS {
        let text = format!(
            r#"{{"_meta": {{"hostvars": {{"a": {{"ip": "10.0.0.1"}}}}}}, "{name}": {{"hosts": ["a"]}}}}"#
        );
        assert_eq!(read(&text).nodes[0].roles.to_string(), role.name());
    }
}

#[test]
fn what_is_wrong_with_ansibles_list_is_told() {
    let replaced = |from: &str, to: &str| {
        assert!(LISTED.contains(from));
        LISTED.replace(from, to)
    };
    for (text, expected) in [
        (
            replaced("\"10.4.0.1\"", "\"{{ floating }}\""),
            "hosts line 4: access_ip is the template \"{{ floating }}\", which ansible-inventory does not fill in",
        ),
        (
            replaced("\"10.4.0.1\"", "[\"10.4.0.1\"]"),
            "hosts line 4: access_ip is no text: write one address",
        ),
        (
            replaced("\"10.3.0.9\"", "\"w1.example.com\""),
            "hosts line 6: the node \"w1\" has no IP address: give it the one that others reach it at first",
        ),
        (
            replaced("10.3.0.10", "w2"),
            "hosts line 13: the node \"w2\" has no address: give it the one that others reach it at first",
        ),
        (
            replaced("\"profile\": \"inventory_legacy\"", "\"hostvars\": {}"),
            "hosts line 9: duplicate field `hostvars`",
        ),
        (
            replaced("\"bastion\": {", "\"cp1\": {"),
            "hosts line 7: the key \"cp1\" is here a second time: keep one",
        ),
        (
            replaced("\"hosts\": [\"cp1\", \"cp2\"]", "\"hosts\": [\"cp1\", 2]"),
            "hosts line 12: invalid type: integer `2`, expected a string",
        ),
        (
            replaced("\"all\":", "\"all\""),
            "hosts line 11: expected `:`",
        ),
        (
            replaced(
                "{\"children\": [\"ungrouped\", \"etcd\", \"kube_node\"]}",
                "\"x\"",
            ),
            "hosts line 11: invalid type: string \"x\", expected a group",
        ),
        (
            replaced("{\"ansible_host\": \"1.2.3.4\"}", "1"),
            "hosts line 7: invalid type: integer `1`, expected the variables of a host",
        ),
        (
            format!("{LISTED}\n{{}}"),
            "hosts line 17: trailing characters",
        ),
        (
            "{\"_meta\": {\"hostvars\": {}}, \"nodes\": {\"hosts\": [\"a\"]}}".into(),
            "hosts: has no host in a group that is known: name groups kube_control_plane, control_plane, control-plane, \
             etcd, kube_node, worker, workers",
        ),
    ] {
        assert_eq!(refused(&text), [expected], "{text}");
    }
    let escaped = replaced("\"bastion\": {\"ansible_host\"", "\"\\u0061b\": {\"ip\"")
        .replace("[\"w1\", ", "[\"ab\", \"w1\", ");
    let inventory = read(&escaped);
    let node = inventory.nodes.iter().find(|node| node.name == "ab");
    assert_eq!(node.unwrap().origin, "hosts");
    let many: Vec<String> = (0..12).map(|number| format!("\"o{number:02}\"")).collect();
    let text = replaced("\"other\"", &many.join(", "));
    assert_eq!(
        read(&text).notes,
        [
            "hosts: hosts in no group that is known are passed over: bastion, o00, o01, o02, o03, o04, o05, o06, o07, o08 \
          and 3 more"
        ]
    );
}
