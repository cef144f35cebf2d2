//! Documents, and the rules of all forms.

use super::*;

#[test]
fn a_document_tells_of_each_node_with_its_line() {
    let text = of("\
- name: CP1
  addresses: [cp1.example.com, 10.0.0.1, fd00::1, 'cp1', 10.0.0.1, '::ffff:10.0.0.2']
  roles: [control-plane, etcd, etcd]
- roles:
  - worker
  addresses:
  - 10.0.0.9
  name: \"w1\"");
    let inventory = read(&text);
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let expected = [
        Node {
            name: "cp1".into(),
            addresses: vec![address("10.0.0.1"), address("fd00::1"), address("10.0.0.2")],
            names: vec![San::Dns("cp1.example.com".into())],
            roles: Roles {
                control_plane: true,
                etcd: true,
                worker: false,
            },
            origin: "hosts line 4".into(),
        },
        Node {
            name: "w1".into(),
            addresses: vec![address("10.0.0.9")],
            names: Vec::new(),
            roles: Roles {
                worker: true,
                ..Roles::default()
            },
            origin: "hosts line 7".into(),
        },
    ];
    assert_eq!(inventory.nodes, expected);
    assert_eq!(inventory.notes, Vec::<String>::new());
    assert!(!inventory.has_configuration);
}

const SMALL: &str = "- {name: w1, addresses: [10.0.0.9], roles: [worker]}";

#[test]
fn an_inventory_stands_among_documents_of_others() {
    let kubeadm = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";
    let kubelet = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nx: 1\n";
    let both = format!("---\n{kubeadm}---\n{}---\n{kubelet}---\n", of(SMALL));
    let inventory = read(&both);
    assert!(inventory.has_configuration);
    assert_eq!(inventory.nodes[0].origin, "hosts line 8");
    let parsed = crate::config::parse(both.as_bytes(), "hosts", crate::config::Unknown::Error);
    assert!(parsed.unwrap().notes.is_empty());
    assert!(!read(&format!("{kubelet}---\n{}", of(SMALL))).has_configuration);

    let alone = of(SMALL);
    let errors = crate::config::parse(alone.as_bytes(), "hosts", crate::config::Unknown::Error);
    assert_eq!(
        errors.unwrap_err()[0].to_string(),
        "hosts: holds no document of kubeadm.k8s.io that counts: ClusterConfiguration, InitConfiguration, \
         JoinConfiguration; the Inventory is for --inventory, put one of these beside it"
    );
    let neither = refused(kubelet);
    assert!(neither[0].starts_with("hosts: holds no inventory: "));
    assert!(neither[0].contains("'ansible-inventory -i FILE --list'"));
}

#[test]
fn what_is_wrong_with_a_document_is_told_with_its_line_and_all_at_once() {
    for (text, expected) in [
        (
            "apiVersion: certs/v2\nkind: Inventory\n".into(),
            "hosts line 1: certs/v2 is not read: write certs/v1",
        ),
        (
            "apiVersion: certs/v1\nkind: inventory\n".into(),
            "hosts line 2: certs/v1 has no kind \"inventory\": write Inventory",
        ),
        (
            format!("{}---\n{}", of(SMALL), of(SMALL)),
            "hosts line 6: a second Inventory, the first is on line 1: keep one",
        ),
        (
            format!("{HEAD}node:\n{SMALL}\nnodes:\n{SMALL}\n"),
            "hosts line 3: an Inventory has no field node: did you mean nodes?",
        ),
        (
            HEAD.into(),
            "hosts: an inventory without a node: it names one at least",
        ),
        (
            format!("{HEAD}nodes: []\n"),
            "hosts: an inventory without a node: it names one at least",
        ),
        (
            format!("{HEAD}nodes: {{}}\n"),
            "hosts line 3: nodes is a map, a list is wanted",
        ),
        (
            of("- w1"),
            "hosts line 4: nodes has a text in it: a map is wanted",
        ),
        (
            of(&format!("{SMALL}\n  nodes: 1")),
            "hosts line 5: did not find expected key",
        ),
        (
            of("- name: w1\n  adresses: [10.0.0.9]\n  roles: [worker]"),
            "hosts line 5: a node has no field adresses: did you mean addresses?",
        ),
        (
            of("- name: w1\n  name: w2\n  addresses: [10.0.0.9]\n  roles: [worker]"),
            "hosts line 5: the key \"name\" is here a second time, first on line 4: keep one",
        ),
        (
            of("- name: 1\n  addresses: [10.0.0.9]\n  roles: [worker]"),
            "hosts line 4: name is a number, a text is wanted: put quotes around it",
        ),
        (
            of("- addresses: [10.0.0.9]\n  roles: [worker]"),
            "hosts line 4: a node without a name",
        ),
        (
            of("- name: w1\n  addresses: 10.0.0.9\n  roles: [worker]"),
            "hosts line 5: addresses is a text, a list is wanted",
        ),
        (
            of("- name: w1\n  addresses: [10.0.0.9, 1]\n  roles: [worker]"),
            "hosts line 5: addresses has a number in it: texts are wanted, put quotes around it",
        ),
        (
            of("- name: w1\n  addresses:\n  - 10.0.0.9\n  roles: [workr]"),
            "hosts line 7: \"workr\" is no role: did you mean worker?",
        ),
        (
            of("- name: w1\n  addresses: [10.0.0.9]\n  roles: [x]"),
            "hosts line 6: \"x\" is no role: the roles are control-plane, etcd, worker",
        ),
        (
            of("- name: w1\n  roles: [worker]"),
            "hosts line 4: the node \"w1\" has no address: give it the one that others reach it at first",
        ),
        (
            of("- name: w1\n  addresses: [w1.example.com]\n  roles: [worker]"),
            "hosts line 4: the node \"w1\" has no IP address: give it the one that others reach it at first",
        ),
        (
            of("- name: w1\n  addresses: [10.0.0.9]\n  roles:"),
            "hosts line 4: the node \"w1\" has no role: give it one or more of control-plane, etcd, worker",
        ),
    ] {
        assert_eq!(refused(&text), [expected], "{text}");
    }
    let both = refused("kind: Inventory\n");
    assert_eq!(
        both[0],
        "hosts line 1: a document without apiVersion: every document names its apiVersion and kind"
    );
    assert!(both[1].contains("holds no inventory"), "{both:?}");
    let all = refused(&of(
        "- name: a_b\n  addresses: [x_y]\n  roles: [z]\n- name: ''",
    ));
    assert_eq!(all.len(), 6, "{all:#?}");
}

#[test]
fn names_and_addresses_belong_to_one_node_and_can_be_what_they_are() {
    let node = |name: &str, address: &str| {
        format!("- name: '{name}'\n  addresses: ['{address}', 10.9.9.9]\n  roles: [etcd]")
    };
    for (name, reason) in [
        (".", "has an empty label"),
        ("..", "has an empty label"),
        (".a", "has an empty label"),
        ("a/b", "contains '/'"),
        ("a b", "contains ' '"),
        ("-a", "starts or ends with '-'"),
        ("a.1", "is no address, and no DNS name"),
        ("ca", "no node can be named ca: the folder of the CAs"),
        ("CA", "no node can be named ca: the folder of the CAs"),
    ] {
        let errors = refused(&of(&node(name, "10.0.0.1")));
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].starts_with("hosts line 4: "), "{errors:?}");
        assert!(errors[0].contains(reason), "{name}: {errors:?}");
    }
    for name in ["10.0.0.5", "ca1", "a.b", "x.ca", "1"] {
        read(&of(&node(name, "10.0.0.1")));
    }
    for (address, reason) in [
        ("0.0.0.0", "is the unspecified address"),
        ("::", "is the unspecified address"),
        ("224.0.0.1", "is a multicast address"),
        ("169.254.0.1", "is a link-local address"),
        ("fe80::1", "is a link-local address"),
        ("255.255.255.255", "is the broadcast address"),
        ("10.0.0.256", "is no address"),
        ("010.0.0.1", "has leading zeros"),
        ("*.example.com", "is a pattern of names"),
        ("10.0.0.0/24", "is a range"),
    ] {
        let errors = refused(&of(&node("w1", address)));
        assert_eq!(errors.len(), 1, "{errors:?}");
        let expected = format!("hosts line 5: the address {address:?} {reason}");
        assert!(errors[0].starts_with(&expected), "{errors:?}");
    }
    let two = |first: &str, second: &str| {
        let line =
            |name, more| format!("- {{name: {name}, addresses: [{more}], roles: [worker]}}\n");
        of(&(line("w1", first) + &line("w2", second)))
    };
    read(&two("10.0.0.1, a", "10.0.0.2, b"));
    for (first, second, expected) in [
        (
            "10.0.0.1",
            "10.0.0.2, '::ffff:10.0.0.1'",
            "hosts line 5: the address \"::ffff:10.0.0.1\" is of the node \"w1\" on line 4 too: an address belongs to one",
        ),
        (
            "10.0.0.1, api",
            "10.0.0.2, API",
            "hosts line 5: the address \"API\" is of the node \"w1\" on line 4 too: an address belongs to one",
        ),
        (
            "10.0.0.1, w2",
            "10.0.0.2",
            "hosts line 4: the address \"w2\" is the name of another node, on line 5",
        ),
    ] {
        assert_eq!(refused(&two(first, second)), [expected]);
    }
    let twice = of(&format!(
        "{SMALL}\n{}",
        SMALL.replace("w1", "W1").replace(".9", ".8")
    ));
    assert_eq!(
        refused(&twice),
        ["hosts line 5: a second node \"w1\", the first is on line 4: keep one"]
    );
}

#[test]
fn many_errors_are_told_up_to_a_number() {
    let many = "- {name: a_b, addresses: [10.0.0.1], roles: [etcd]}\n".repeat(100);
    let errors = refused(&of(&many));
    assert_eq!(errors.len(), TOLD + 1);
    // Each has a bad name, and all but the first the address of the first.
    assert_eq!(errors[TOLD], "hosts: and 179 more errors");
}

#[test]
fn loopback_addresses_are_told_once() {
    let text = of("- {name: a, addresses: [127.0.0.2], roles: [etcd]}
- {name: b, addresses: [10.0.0.1, '::1'], roles: [etcd]}
- {name: c, addresses: [10.0.0.2], roles: [etcd]}");
    assert_eq!(
        read(&text).notes,
        [
            "hosts line 4: \"a\" has a loopback address, and 1 more nodes: no other machine reaches it there"
        ]
    );
}
