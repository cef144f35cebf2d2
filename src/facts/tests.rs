use super::*;

fn host<'a>() -> Host<'a> {
    Host {
        name: "cp1",
        default_address: &default_address,
    }
}

fn default_address(v6: bool) -> Option<IpAddr> {
    let address = if v6 { "2001:db8::5" } else { "192.0.2.2" };
    address.parse().ok()
}

fn stated(value: &str) -> Stated<String> {
    Stated::new(value, "origin")
}

/// What is given when one field has one value.
fn given(field: &str, value: &str) -> Given {
    let mut given = Given::default();
    let value = stated(value);
    match field {
        "advertise" => given.advertise_address = Some(value),
        "ca-validity" => given.ca_validity = Some(value),
        "cert-dir" => given.cert_dir = Some(value),
        "domain" => given.dns_domain = Some(value),
        "member" => given.etcd_members = value.value.split(' ').map(stated).collect(),
        "endpoint" => given.control_plane_endpoint = Some(value),
        "etcd-file" => given.external_etcd_key = Some(value),
        "key" => given.key_algorithm = Some(value),
        "node-ip" => given.node_addresses = vec![value],
        "node" => given.node_name = Some(value),
        "peer-san" => given.etcd_peer_extra_sans = vec![value],
        "pods" => given.pod_cidr = Some(value),
        "port" => given.bind_port = Some(value),
        "san" => given.apiserver_extra_sans = vec![value],
        "server-san" => given.etcd_server_extra_sans = vec![value],
        "services" => given.service_cidr = Some(value),
        "validity" => given.validity = Some(value),
        "version" => given.kubernetes_version = Some(value),
        _ => panic!("{field}"),
    }
    given
}

fn facts(given: Given) -> Facts {
    resolve(given, &host()).unwrap()
}

#[test]
fn nothing_given_yields_the_defaults_of_kubeadm() {
    let facts = facts(Given::default());
    assert_eq!(
        facts,
        Facts {
            cluster: ClusterFacts {
                apiserver_extra_sans: vec![],
                ca_validity: Duration::hours(87_600),
                dns_domain: "cluster.local".into(),
                endpoint: None,
                etcd_members: vec![],
                external_etcd: None,
                key_algorithm: KeyAlgorithm::Rsa(2048),
                kubernetes_version: Version {
                    major: 1,
                    minor: 36,
                    patch: 2
                },
                name: "kubernetes".into(),
                service_cidr: "10.96.0.0/12".into(),
                service_ip: "10.96.0.1".parse().unwrap(),
                validity: Duration::hours(8_760),
            },
            node: NodeFacts {
                addresses: vec![],
                advertise_address: Some("192.0.2.2".parse().unwrap()),
                bind_port: 6443,
                etcd_peer_extra_sans: vec![],
                etcd_server_extra_sans: vec![],
                name: Some("cp1".into()),
                role: Role::First,
            },
            version: None,
            cert_dir: None,
            dry_run: None,
            notes: vec![],
        }
    );
}

#[test]
fn an_empty_text_counts_as_unset() {
    for field in [
        "advertise",
        "cert-dir",
        "domain",
        "endpoint",
        "key",
        "node",
        "pods",
        "port",
        "services",
        "version",
    ] {
        assert_eq!(facts(given(field, "")), facts(Given::default()), "{field}");
    }
    let unnamed = Given {
        cluster_name: Some(stated("")),
        ..Given::default()
    };
    assert_eq!(facts(unnamed).cluster.name, "kubernetes");
}

#[test]
fn every_rule_refuses_with_its_reason() {
    let long_domain = ["a".repeat(49).as_str(); 5].join(".");
    for (field, value, reason) in [
        ("advertise", "300.1.2.3", "no IPv4 or IPv6"),
        ("advertise", "010.1.2.3", "leading zeros"),
        ("advertise", "224.0.0.1", "multicast"),
        ("advertise", "::ffff:169.254.0.1", "link-local"),
        ("advertise", "255.255.255.255", "broadcast"),
        ("cert-dir", "pki", "relative"),
        ("domain", "Cluster.Local", "upper case"),
        ("domain", "a_b", "'_'"),
        ("domain", &long_domain, "too long"),
        ("endpoint", "API.example.com", "upper case"),
        ("etcd-file", "ca.crt", "relative"),
        (
            "key",
            "RSA-1024",
            "one of RSA-2048, RSA-3072, RSA-4096, ECDSA-P256, ECDSA-P384",
        ),
        ("key", "rsa-2048", "write RSA-2048"),
        ("node", "bad_node", "'_'"),
        ("node", "10.0.0.256", "digits alone"),
        ("node", " ", "empty label"),
        ("peer-san", "under_score", "'_'"),
        ("pods", "10.244.0.0/99", "0 to 32"),
        ("pods", "10.244.0.0/16,10.245.0.0/16", "more than one range"),
        ("port", "70000", "1 to 65535"),
        ("port", "0", "1 to 65535"),
        ("port", "+6443", "1 to 65535"),
        ("san", "", "empty"),
        ("san", "10.0.0.256", "digits alone"),
        ("server-san", "under_score", "'_'"),
        ("services", "10.96.0.0/8", "too large"),
        ("validity", "", "is empty"),
        ("validity", "0s", "no time at all"),
        ("validity", "999ms", "no time at all"),
        ("validity", "-1h", "negative"),
        ("validity", "-1ms", "negative"),
        ("validity", "876601h", "hundred years"),
        ("validity", "1y", "unknown unit"),
        ("ca-validity", "9999999h", "292 years"),
        ("version", "v1.36", "v1.36.0"),
        ("version", "ci/nightly", "no version"),
    ] {
        let errors = resolve(given(field, value), &host()).unwrap_err();
        assert_eq!(errors.len(), 1, "{field} {value}: {errors:?}");
        let ValueError {
            origin,
            value: told,
            reason: found,
        } = &errors[0];
        assert_eq!((origin.as_str(), told.as_str()), ("origin", value));
        assert!(found.contains(reason), "{field} {value}: {found}");
    }
}

#[test]
fn all_errors_come_at_once_each_with_its_origin() {
    let given = Given {
        node_name: Some(Stated::new("_x_", "--node-name")),
        service_cidr: Some(Stated::new(
            "10.0.0.0/99",
            "networking.serviceSubnet (cluster.yaml line 12)",
        )),
        apiserver_extra_sans: vec![
            Stated::new("a_b", "x"),
            Stated::new("c.d", "y"),
            Stated::new("e_f", "z"),
        ],
        key_algorithm: Some(Stated::new("DSA", "encryptionAlgorithm")),
        ..Given::default()
    };
    let errors = resolve(given, &host()).unwrap_err();
    let origins: Vec<&str> = errors.iter().map(|error| error.origin.as_str()).collect();
    assert_eq!(
        origins,
        [
            "--node-name",
            "networking.serviceSubnet (cluster.yaml line 12)",
            "encryptionAlgorithm",
            "x",
            "z"
        ]
    );
    assert_eq!(
        errors[1].to_string(),
        "networking.serviceSubnet (cluster.yaml line 12): \"10.0.0.0/99\": has no usable prefix length: 0 to 32 are \
         possible"
    );
}

#[test]
fn a_node_name_is_trimmed_and_lowered() {
    for (text, name) in [
        (" CP1.Example.COM ", "cp1.example.com"),
        ("12345", "12345"),
        ("10.0.0.10", "10.0.0.10"),
    ] {
        let facts = facts(given("node", text));
        assert_eq!(
            (facts.node.name.as_deref().unwrap(), facts.notes.len()),
            (name, 0)
        );
    }
    let host = Host {
        name: "Worker_1",
        ..host()
    };
    let errors = resolve(Given::default(), &host).unwrap_err();
    assert_eq!(errors[0].origin, "the host's name");
}

#[test]
fn on_a_machine_that_is_no_node_only_what_is_stated_is_known_of_one() {
    for nothing in [
        Given::default(),
        given("node", ""),
        given("advertise", "0.0.0.0"),
    ] {
        let node = resolve_elsewhere(nothing).unwrap().node;
        assert_eq!((node.name, node.advertise_address), (None, None));
    }
    let node = resolve_elsewhere(given("node", "CP1")).unwrap().node;
    assert_eq!(node.name.as_deref(), Some("cp1"));
    let errors = resolve_elsewhere(given("node", "a_b")).unwrap_err();
    assert!(errors[0].to_string().contains("\"a_b\""));
}

#[test]
fn a_node_name_too_long_for_a_common_name_is_noted() {
    assert!(facts(given("node", &"a".repeat(52))).notes.is_empty());
    assert!(facts(given("node", &"a".repeat(53))).notes[0].contains("over 64 characters"));
}

#[test]
fn an_unspecified_address_means_that_of_the_default_route() {
    for (text, address) in [
        ("0.0.0.0", "192.0.2.2"),
        ("::", "2001:db8::5"),
        ("", "192.0.2.2"),
    ] {
        assert_eq!(
            facts(given("advertise", text)).node.advertise_address,
            Some(address.parse().unwrap())
        );
    }
}

#[test]
fn without_a_default_route_there_is_no_advertise_address() {
    let v6_only = |v6: bool| v6.then(|| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 9]));
    let host = Host {
        name: "cp1",
        default_address: &v6_only,
    };
    assert_eq!(
        resolve(Given::default(), &host)
            .unwrap()
            .node
            .url()
            .unwrap(),
        "https://[2001:db8::9]:6443"
    );
    for unusable in ["127.0.0.1", "169.254.0.1", "fe80::1"] {
        let address = move |_| unusable.parse().ok();
        let host = Host {
            name: "cp1",
            default_address: &address,
        };
        let facts = resolve(Given::default(), &host).unwrap();
        assert_eq!(
            (facts.node.advertise_address, facts.node.url()),
            (None, None)
        );
    }
}

#[test]
fn a_loopback_address_is_noted() {
    let facts = facts(given("advertise", "127.0.0.1"));
    assert_eq!(facts.node.url().unwrap(), "https://127.0.0.1:6443");
    assert!(facts.notes[0].contains("loopback"));
}

#[test]
fn the_endpoint_takes_the_port_of_the_api_server() {
    let mut given = given("endpoint", "api.example.com");
    given.bind_port = Some(stated("8443"));
    assert_eq!(
        facts(given).cluster.endpoint.unwrap().url,
        "https://api.example.com:8443"
    );
}

#[test]
fn a_relative_directory_is_accepted_from_a_flag() {
    let given = Given {
        cert_dir: Some(Stated::new("pki", "--cert-dir")),
        ..Given::default()
    };
    assert_eq!(facts(given).cert_dir.as_deref(), Some("pki"));
}

#[test]
fn versions_that_are_not_plainly_known_are_noted() {
    for (text, version, note) in [
        ("stable-1", "v1.36.2", Some("the network is not asked")),
        ("ci/latest", "v1.36.2", Some("the network is not asked")),
        ("v1.37.0-alpha.1", "v1.37.0", Some("newer than v1.36.2")),
        ("v1.36.9", "v1.36.9", None),
        ("v1.20.0", "v1.20.0", None),
    ] {
        let facts = facts(given("version", text));
        assert_eq!(facts.cluster.kubernetes_version.to_string(), version);
        assert_eq!(facts.notes.len(), usize::from(note.is_some()), "{text}");
        assert!(
            facts.notes.concat().contains(note.unwrap_or_default()),
            "{text}: {:?}",
            facts.notes
        );
    }
}

#[test]
fn the_gate_beats_the_algorithm() {
    for (gate, algorithm) in [
        (true, KeyAlgorithm::EcdsaP256),
        (false, KeyAlgorithm::Rsa(2048)),
    ] {
        let mut given = given("key", "ECDSA-P384");
        assert_eq!(
            facts(given.clone()).cluster.key_algorithm,
            KeyAlgorithm::EcdsaP384
        );
        given.public_keys_ecdsa = Some(Stated::new(gate, "featureGates.PublicKeysECDSA"));
        let facts = facts(given);
        assert_eq!(facts.cluster.key_algorithm, algorithm);
        assert!(facts.notes[0].contains("deprecated"));
    }
}

#[test]
fn a_leaf_that_outlives_its_ca_is_noted() {
    assert!(facts(given("validity", "87600h")).notes.is_empty());
    assert!(facts(given("validity", "87601h")).notes[0].contains("outlive"));
    assert!(facts(given("ca-validity", "1h")).notes[0].contains("outlive"));
    assert_eq!(
        facts(given("ca-validity", "876600h")).cluster.ca_validity,
        Duration::days(36_525)
    );
}

/// Every field given, so that none is forgotten in `or`.
fn full(mark: &str) -> Given {
    let one = || Some(Stated::new(mark, mark));
    let list = || vec![Stated::new(mark, mark)];
    Given {
        apiserver_extra_sans: list(),
        advertise_address: one(),
        bind_port: one(),
        ca_validity: one(),
        cert_dir: one(),
        cluster_name: one(),
        control_plane_endpoint: one(),
        dns_domain: one(),
        dry_run: Some(mark == "flag"),
        etcd_members: list(),
        etcd_peer_extra_sans: list(),
        etcd_server_extra_sans: list(),
        external_etcd: true,
        external_etcd_ca: one(),
        external_etcd_certificate: one(),
        external_etcd_endpoints: list(),
        external_etcd_key: one(),
        key_algorithm: one(),
        kubernetes_version: one(),
        node_addresses: list(),
        node_name: one(),
        pod_cidr: one(),
        public_keys_ecdsa: Some(Stated::new(true, mark)),
        role: Some(if mark == "flag" {
            Role::Further
        } else {
            Role::Worker
        }),
        service_cidr: one(),
        validity: one(),
    }
}

#[test]
fn a_node_has_the_addresses_that_are_given_and_no_name_among_them() {
    let addresses = facts(given("node-ip", "::ffff:10.0.1.1")).node.addresses;
    assert_eq!(addresses, ["10.0.1.1".parse::<IpAddr>().unwrap()]);
    let refused = |value| resolve(given("node-ip", value), &host()).unwrap_err()[0].to_string();
    assert_eq!(
        refused("worker1"),
        "origin: \"worker1\": is a name, and an address is wanted"
    );
    assert!(refused("10.0.0.256").starts_with("origin: "));
}

#[test]
fn a_flag_overrides_the_file_field_by_field() {
    assert_eq!(full("flag").or(full("file")), full("flag"));
    assert_eq!(Given::default().or(full("file")), full("file"));
    assert_eq!(full("flag").or(Given::default()), full("flag"));
}

#[test]
fn a_flag_for_the_key_algorithm_overrides_the_gate_of_the_file() {
    let flag = Given {
        key_algorithm: Some(Stated::new("RSA-4096", "--key-algorithm")),
        ..Given::default()
    };
    assert_eq!(flag.or(full("file")).public_keys_ecdsa, None);
}

#[test]
fn the_defaults_in_words_are_those_that_are_taken() {
    let given = Given {
        bind_port: Some(stated(&defaults::BIND_PORT.to_string())),
        ca_validity: Some(stated(defaults::CA_VALIDITY)),
        cluster_name: Some(stated(defaults::CLUSTER_NAME)),
        dns_domain: Some(stated(defaults::DNS_DOMAIN)),
        key_algorithm: Some(stated(defaults::KEY_ALGORITHM)),
        service_cidr: Some(stated(defaults::SERVICE_CIDR)),
        validity: Some(stated(defaults::VALIDITY)),
        ..Given::default()
    };
    assert_eq!(facts(given), facts(Given::default()));
}

#[test]
fn what_is_wrong_with_one_flag_is_told_once() {
    let value = vec![stated("under_score")];
    let given = Given {
        etcd_peer_extra_sans: value.clone(),
        etcd_server_extra_sans: value,
        ..Given::default()
    };
    assert_eq!(resolve(given, &host()).unwrap_err().len(), 1);
}

#[test]
fn members_of_etcd_have_a_name_and_an_address_of_their_own() {
    let members = facts(given("member", "m1=10.0.0.1 m2=fd00::2"))
        .cluster
        .etcd_members;
    let expected = [("m1", "10.0.0.1"), ("m2", "fd00::2")];
    let expected = expected.map(|(name, address)| (name.to_owned(), address.parse().unwrap()));
    assert_eq!(members, expected);
    for (members, reason) in [
        ("m1", "NAME=ADDRESS"),
        ("=10.0.0.1", "empty"),
        ("m_1=10.0.0.1", "'_'"),
        ("m1=there", "address"),
        ("m1=0.0.0.0", "unspecified"),
        ("m1=224.0.0.1", "multicast"),
        ("m1=10.0.0.1 m1=10.0.0.2", "of the member m1"),
        ("m1=10.0.0.1 m2=10.0.0.1", "of the member m1"),
    ] {
        let error = resolve(given("member", members), &host()).unwrap_err();
        assert!(error[0].reason.contains(reason), "{members}: {}", error[0]);
    }
}

#[test]
fn an_endpoint_that_looks_like_an_address_with_a_port_is_noted() {
    let notes = facts(given("endpoint", "fd00::100:8443")).notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].ends_with("without a port; with one it is [fd00::100]:8443"),
        "{notes:?}"
    );
    assert_eq!(facts(given("endpoint", "[fd00::100]:8443")).notes, [""; 0]);
}
