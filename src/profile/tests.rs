use std::collections::BTreeSet;

use super::*;
use crate::config;
use crate::facts::{Facts, Given, Stated};
use crate::oracle::sample::facts_of;
use crate::spec::{CertificateSpec, Content, Place, Spec};
use crate::x509::name::Name;
use crate::x509::san::San;
use crate::x509::usage::ExtendedKeyUsage;

fn flag(value: &str) -> Stated<String> {
    Stated::new(value, "--flag")
}

fn resolved(name: &str, given: Given) -> Spec {
    resolve(by_name(name).unwrap(), &facts_of(given)).unwrap()
}

fn certificate(spec: &Spec) -> &CertificateSpec {
    spec.certificate().unwrap()
}

fn sans(spec: &Spec) -> Vec<String> {
    certificate(spec)
        .sans
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn server(spec: &Spec) -> &str {
    match &spec.place {
        Place::Kubeconfig { server, .. } => server,
        other => panic!("{other:?}"),
    }
}

// The table.

#[test]
fn names_are_kubeadm_s_unique_and_made_for_a_command_line() {
    // What 'kubeadm init phase certs' and '… kubeconfig' call them; ours behind.
    let kubeadm = [
        "ca",
        "etcd-ca",
        "front-proxy-ca",
        "apiserver",
        "etcd-server",
        "etcd-peer",
        "apiserver-kubelet-client",
        "apiserver-etcd-client",
        "etcd-healthcheck-client",
        "front-proxy-client",
        "admin",
        "super-admin",
        "kubelet",
        "controller-manager",
        "scheduler",
    ];
    let names: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!(names[..kubeadm.len()], kubeadm);
    assert_eq!(
        names[kubeadm.len()..],
        ["kube-proxy", "kubelet-serving", "sa"]
    );
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len());
    for name in names {
        crate::x509::san::dns_label(name).unwrap();
    }
}

#[test]
fn only_kube_proxy_and_kubelet_serving_are_made_by_name_alone() {
    let by_name: Vec<&str> = TABLE
        .iter()
        .filter(|row| !row.in_all)
        .map(|row| row.name)
        .collect();
    assert_eq!(by_name, ["kube-proxy", "kubelet-serving"]);
}

#[test]
fn an_issuer_stands_before_what_it_signs_and_is_a_ca() {
    for (index, row) in TABLE.iter().enumerate() {
        match row.signer {
            Signer::Ca(name) => {
                let issuer = TABLE[..index].iter().find(|other| other.name == name);
                let issuer =
                    issuer.unwrap_or_else(|| panic!("{name} does not precede {}", row.name));
                assert_eq!((issuer.kind, issuer.signer), (Kind::Ca, Signer::Itself));
                assert!(
                    !issuer.etcd || row.etcd,
                    "{}: left out without its CA",
                    row.name
                );
            }
            Signer::Itself => assert_eq!(row.kind, Kind::Ca, "{}", row.name),
            Signer::Nobody => assert_eq!(row.kind, Kind::KeyPair, "{}", row.name),
        }
    }
}

#[test]
fn no_two_rows_share_a_file() {
    let facts = facts_of(Given::default());
    let mut files = BTreeSet::new();
    for row in TABLE {
        for file in resolve(row, &facts).unwrap().place.files() {
            assert!(files.insert(file.clone()), "{}: {file:?}", row.name);
        }
    }
    // And none of a kubeconfig's identity as a pair.
    for row in of_phase(Phase::Kubeconfig) {
        for file in pair_of_identity(row, &facts).unwrap().place.files() {
            assert!(files.insert(file.clone()), "{}: {file:?}", row.name);
        }
    }
}

#[test]
fn the_phase_is_that_of_the_kind_and_of_the_place() {
    for row in TABLE {
        let kinds: &[Kind] = match row.phase {
            Phase::Ca => &[Kind::Ca],
            Phase::Client | Phase::Kubeconfig => &[Kind::Client],
            Phase::Peer => &[Kind::ServerAndClient],
            Phase::Sa => &[Kind::KeyPair],
            Phase::Server => &[Kind::Server, Kind::ServerAndClient],
        };
        assert!(kinds.contains(&row.kind), "{}", row.name);
        let kubeconfig = matches!(row.stored, Stored::Kubeconfig(..));
        assert_eq!(kubeconfig, row.phase == Phase::Kubeconfig, "{}", row.name);
        let pair = matches!(row.stored, Stored::KeyPair(_));
        assert_eq!(pair, row.phase == Phase::Sa, "{}", row.name);
    }
}

#[test]
fn who_serves_has_names_and_who_does_not_has_none() {
    for row in TABLE {
        let serves = matches!(row.kind, Kind::Server | Kind::ServerAndClient);
        assert_eq!(serves, !row.hosts.is_empty(), "{}", row.name);
    }
}

#[test]
fn the_usages_are_those_of_the_kind() {
    let facts = facts_of(Given::default());
    for row in TABLE {
        let spec = resolve(row, &facts).unwrap();
        let Some(wanted) = spec.certificate() else {
            continue;
        };
        let expected: &[ExtendedKeyUsage] = match row.kind {
            Kind::Ca | Kind::KeyPair => &[],
            Kind::Client => &[ExtendedKeyUsage::ClientAuth],
            Kind::Server => &[ExtendedKeyUsage::ServerAuth],
            Kind::ServerAndClient => &[ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth],
        };
        assert_eq!(wanted.extended_key_usage(), expected, "{}", row.name);
        let algorithm = crate::key::KeyAlgorithm::Rsa(2048);
        let usage = wanted.key_usage(algorithm).names();
        let expected: &[&str] = if row.kind == Kind::Ca {
            &["digitalSignature", "keyCertSign", "cRLSign"]
        } else {
            &["digitalSignature", "keyEncipherment"]
        };
        assert_eq!(usage, expected, "{}", row.name);
        let usage = wanted
            .key_usage(crate::key::KeyAlgorithm::EcdsaP256)
            .names();
        assert!(!usage.contains(&"keyEncipherment"), "{}", row.name);
    }
}

#[test]
fn each_row_says_what_it_is_for() {
    let mut seen = BTreeSet::new();
    for row in TABLE {
        assert!(
            row.about.len() > 10 && !row.about.ends_with('.'),
            "{}",
            row.name
        );
        assert!(seen.insert(row.about), "{}", row.name);
    }
}

#[test]
fn a_phase_gives_its_rows_in_issue_order_and_a_name_its_row() {
    let names: Vec<&str> = of_phase(Phase::Ca).map(|row| row.name).collect();
    assert_eq!(names, ["ca", "etcd-ca", "front-proxy-ca"]);
    assert_eq!(by_name("etcd-peer").unwrap().name, "etcd-peer");
    assert_eq!(by_name("Etcd-peer"), None);
}

#[test]
fn etcd_s_rows_are_those_that_kubeadm_leaves_out_for_an_external_etcd() {
    let rows: Vec<&str> = TABLE
        .iter()
        .filter(|row| row.etcd)
        .map(|row| row.name)
        .collect();
    assert_eq!(
        rows,
        [
            "etcd-ca",
            "etcd-server",
            "etcd-peer",
            "apiserver-etcd-client",
            "etcd-healthcheck-client"
        ]
    );
}

// What rows come to.

macro_rules! kubeadm {
    ($($name:literal)+) => {
        [$((
            $name,
            include_str!(concat!("../../tests/fixtures/kubeadm/facts/", $name, ".yaml")),
            include_str!(concat!("../../tests/fixtures/kubeadm/facts/", $name, ".json")),
        ),)+]
    };
}

#[test]
fn subjects_issuers_names_and_servers_are_kubeadm_s_for_its_seven_configurations() {
    let configurations = kubeadm!(
        "custom-validity" "default" "dual-stack" "ecdsa-p256" "etcd-extra-sans" "external-etcd" "ha-endpoint"
    );
    for (name, yaml, json) in configurations {
        let yaml = yaml.replace("@OUT@", "/out");
        let parsed = config::parse(yaml.as_bytes(), "c.yaml", config::Unknown::Error).unwrap();
        let facts = facts_of(parsed.given);
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        let mut expected = BTreeSet::new();
        for made in json["certificates"].as_array().unwrap() {
            let path = made["path"].as_str().unwrap().split('#').next().unwrap();
            // A CA's own name as its SAN is one of the differences.
            let names: Vec<String> = made["extensions"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|found| found["oid"] == "2.5.29.17" && made["self_issued"] == false)
                .flat_map(|found| found["value"]["names"].as_array().unwrap())
                .map(|name| name.as_str().unwrap().to_owned())
                .collect();
            let subject = made["subject"].as_str().unwrap();
            let issuer = made["issuer"].as_str().unwrap();
            expected.insert(format!("{path} {subject} by {issuer} {}", names.join(" ")));
        }
        for found in json["kubeconfigs"].as_array().unwrap() {
            let path = found["path"].as_str().unwrap();
            let server = found["clusters"][0]["server"].as_str().unwrap();
            let context = found["current_context"].as_str().unwrap();
            expected.insert(format!("{path} {context} {server}"));
        }
        let mut wanted = BTreeSet::new();
        let specs: Vec<Spec> = TABLE
            .iter()
            .filter(|row| row.in_all && !(row.etcd && facts.cluster.external_etcd.is_some()))
            .map(|row| resolve(row, &facts).unwrap())
            .collect();
        for spec in &specs {
            let Some(leaf) = spec.certificate() else {
                continue;
            };
            let path = match &spec.place {
                Place::Kubeconfig {
                    file,
                    cluster,
                    user,
                    server,
                    ..
                } => {
                    wanted.insert(format!("{file} {user}@{cluster} {server}"));
                    file.clone()
                }
                _ => format!("pki/{}", spec.place.public().name),
            };
            let issuer = leaf.issuer.as_ref().unwrap_or(&spec.name);
            let issuer = specs.iter().find(|ca| ca.name == *issuer).unwrap();
            let names: Vec<String> = leaf
                .sans
                .iter()
                .map(|san| match san {
                    San::Dns(name) => format!("DNS:{name}"),
                    other => format!("IP:{other}"),
                })
                .collect();
            wanted.insert(format!(
                "{path} {} by {} {}",
                in_encoding_order(&leaf.subject),
                in_encoding_order(&certificate(issuer).subject),
                names.join(" ")
            ));
        }
        assert_eq!(wanted, expected, "{name}");
    }
}

/// kubeadm's names are one O at most, then the CN.
fn in_encoding_order(name: &Name) -> String {
    let common_name = format!("CN={}", name.common_name().unwrap());
    let groups = name
        .organizations()
        .into_iter()
        .map(|group| format!("O={group}"));
    groups.chain([common_name]).collect::<Vec<_>>().join(",")
}

#[test]
fn names_and_addresses_of_an_api_server_stand_in_kubeadm_s_order() {
    let given = Given {
        apiserver_extra_sans: vec![
            Stated::new("zeta.example.com", "--x"),
            Stated::new("10.0.0.10", "--x"),
            Stated::new("*.example.com", "--x"),
            Stated::new("192.168.0.1", "--x"),
        ],
        control_plane_endpoint: Some(flag("10.1.1.1:8443")),
        ..Given::default()
    };
    assert_eq!(
        sans(&resolved("apiserver", given)),
        [
            "*.example.com",
            "cp1",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "zeta.example.com",
            "10.96.0.1",
            "10.0.0.10",
            "10.1.1.1",
            "192.168.0.1",
        ]
    );
}

#[test]
fn an_endpoint_of_a_name_is_a_name_and_without_a_port_takes_the_api_server_s() {
    let given = Given {
        control_plane_endpoint: Some(flag("api.example.com")),
        bind_port: Some(flag("7443")),
        ..Given::default()
    };
    let facts = facts_of(given);
    let spec = |name| resolve(by_name(name).unwrap(), &facts).unwrap();
    assert!(sans(&spec("apiserver")).contains(&"api.example.com".to_owned()));
    assert_eq!(server(&spec("admin")), "https://api.example.com:7443");
    assert_eq!(server(&spec("super-admin")), "https://api.example.com:7443");
    assert_eq!(server(&spec("kube-proxy")), "https://api.example.com:7443");
    for local in ["kubelet", "controller-manager", "scheduler"] {
        assert_eq!(server(&spec(local)), "https://10.0.0.10:7443", "{local}");
    }
}

#[test]
fn an_ipv6_node_is_addressed_in_brackets_and_named_without() {
    let given = || Given {
        advertise_address: Some(flag("2001:DB8::A")),
        service_cidr: Some(flag("fd00:10:96::/112")),
        ..Given::default()
    };
    assert_eq!(
        server(&resolved("kubelet", given())),
        "https://[2001:db8::a]:6443"
    );
    let names = sans(&resolved("apiserver", given()));
    assert!(names.contains(&"2001:db8::a".to_owned()), "{names:?}");
    assert!(names.contains(&"fd00:10:96::1".to_owned()), "{names:?}");
    assert_eq!(
        sans(&resolved("etcd-server", given())),
        ["cp1", "localhost", "2001:db8::a", "127.0.0.1", "::1"]
    );
}

#[test]
fn server_and_peer_of_etcd_have_extras_of_their_own() {
    let given = || Given {
        etcd_server_extra_sans: vec![Stated::new("s.example.com", "--x")],
        etcd_peer_extra_sans: vec![Stated::new("10.9.9.9", "--x")],
        ..Given::default()
    };
    let extras = |name| {
        let names = sans(&resolved(name, given()));
        (
            names.contains(&"s.example.com".to_owned()),
            names.contains(&"10.9.9.9".to_owned()),
        )
    };
    assert_eq!(extras("etcd-server"), (true, false));
    assert_eq!(extras("etcd-peer"), (false, true));
}

#[test]
fn the_kubelet_serves_at_the_node_s_addresses_or_at_the_advertise_address() {
    assert_eq!(
        sans(&resolved("kubelet-serving", Given::default())),
        ["cp1", "10.0.0.10"]
    );
    let given = Given {
        node_addresses: vec![
            Stated::new("10.0.1.1", "--x"),
            Stated::new("fd00::1", "--x"),
        ],
        ..Given::default()
    };
    assert_eq!(
        sans(&resolved("kubelet-serving", given)),
        ["cp1", "10.0.1.1", "fd00::1"]
    );
}

#[test]
fn the_group_of_the_kubelet_client_follows_the_version() {
    for (version, groups) in [
        ("v1.28.15", &["system:masters"][..]),
        ("v1.29.0", &["kubeadm:cluster-admins"]),
        ("v1.36.0", &["kubeadm:cluster-admins"]),
        ("v1.36.1", &[]),
        ("v1.37.0", &[]),
    ] {
        let given = Given {
            kubernetes_version: Some(flag(version)),
            ..Given::default()
        };
        let spec = resolved("apiserver-kubelet-client", given);
        let leaf = certificate(&spec);
        assert_eq!(leaf.subject.organizations(), groups, "{version}");
        let former: BTreeSet<Vec<String>> = leaf
            .former_subjects
            .iter()
            .map(Name::organizations)
            .collect();
        assert_eq!(former.len(), 2, "{version}: the other two");
        assert!(!former.contains(&leaf.subject.organizations()));
    }
}

#[test]
fn the_groups_of_old_are_former_subjects() {
    for name in ["admin", "apiserver-etcd-client", "etcd-healthcheck-client"] {
        let spec = resolved(name, Given::default());
        let former = &certificate(&spec).former_subjects;
        assert_eq!(former.len(), 1, "{name}");
        assert_eq!(former[0].organizations(), ["system:masters"], "{name}");
    }
    assert_eq!(
        certificate(&resolved("apiserver", Given::default())).former_subjects,
        []
    );
}

#[test]
fn cas_have_the_validity_of_cas_and_leaves_that_of_leaves() {
    let given = || Given {
        validity: Some(flag("100h")),
        ca_validity: Some(flag("200h")),
        ..Given::default()
    };
    let hours = |name| certificate(&resolved(name, given())).validity.whole_hours();
    assert_eq!((hours("ca"), hours("admin")), (200, 100));
}

/// Facts of a machine without a default route.
fn unconnected() -> Facts {
    let mut facts = facts_of(Given::default());
    facts.node.advertise_address = None;
    facts
}

#[test]
fn only_what_holds_the_address_needs_one() {
    let facts = unconnected();
    let failing: Vec<&str> = TABLE
        .iter()
        .filter(|row| resolve(row, &facts).is_err())
        .map(|row| row.name)
        .collect();
    assert_eq!(
        failing,
        [
            "apiserver",
            "etcd-server",
            "etcd-peer",
            "admin",
            "super-admin",
            "kubelet",
            "controller-manager",
            "scheduler",
            "kube-proxy",
            "kubelet-serving"
        ]
    );
    let error = resolve(by_name("apiserver").unwrap(), &facts).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no default route to take the advertise address from: \
         give --apiserver-advertise-address"
    );
    let error = resolve(by_name("kubelet-serving").unwrap(), &facts).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no default route to take the node's address from: give --node-ip"
    );
}

#[test]
fn an_endpoint_and_addresses_of_the_node_spare_the_address() {
    let mut facts = unconnected();
    let given = Given {
        control_plane_endpoint: Some(flag("api.example.com:6443")),
        ..Given::default()
    };
    facts.cluster.endpoint = facts_of(given).cluster.endpoint;
    facts.node.addresses = vec!["10.0.1.1".parse().unwrap()];
    for name in ["admin", "super-admin", "kube-proxy", "kubelet-serving"] {
        resolve(by_name(name).unwrap(), &facts).unwrap();
    }
    pair_of_identity(by_name("scheduler").unwrap(), &facts).unwrap();
}

// Names of one's own.

fn named(name: &str) -> Result<Spec, ResolveError> {
    let own = Own {
        name,
        common_name: "alice",
        organizations: vec!["ops", "dev"],
    };
    super::own(&own, Phase::Client, &facts_of(Given::default()))
}

#[test]
fn an_identity_of_ones_own_is_a_client_of_the_cluster_s_ca() {
    let spec = named("alice").unwrap();
    let leaf = certificate(&spec);
    assert_eq!(leaf.subject.to_string(), "CN=alice,O=dev+O=ops");
    assert_eq!(
        (leaf.kind, leaf.issuer.as_deref()),
        (Kind::Client, Some("ca"))
    );
    assert_eq!(spec.place.public().name, "alice.crt");
    let own = Own {
        name: "alice",
        common_name: "Alice A.",
        organizations: Vec::new(),
    };
    let spec = super::own(&own, Phase::Kubeconfig, &facts_of(Given::default())).unwrap();
    assert_eq!(spec.place.public().name, "alice.conf");
    assert_eq!(server(&spec), "https://10.0.0.10:6443");
    let Place::Kubeconfig { user, .. } = &spec.place else {
        panic!()
    };
    assert_eq!(user, "Alice A.");
}

#[test]
fn a_name_that_is_a_file_of_the_cluster_s_own_is_refused() {
    let files = TABLE.iter().flat_map(|row| {
        let base = match row.stored {
            Stored::KeyPair(base) | Stored::Pair(Root::Pki, base) => base,
            Stored::Kubeconfig(file, _) => file.trim_end_matches(".conf"),
            Stored::Pair(..) => "kubelet",
        };
        [row.name, base.split('/').next().unwrap()]
    });
    let reserved = ["ca-next", "sa-next", "x-signing", "ca-signing", "etcd"];
    for name in files.chain(reserved) {
        let error = named(name).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("\"{name}\" is a file of the cluster's own: choose another name")
        );
    }
}

#[test]
fn a_name_that_is_no_label_is_refused() {
    let long = "a".repeat(64);
    for name in [
        "",
        "Alice",
        "a.b",
        "../x",
        "a/b",
        "-a",
        "a_b",
        "a b",
        "\u{e4}",
        long.as_str(),
    ] {
        let error = named(name).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("\"{name}\" cannot be a name: ")),
            "{error}"
        );
    }
    named(&"a".repeat(63)).unwrap();
    named("0").unwrap();
}

#[test]
fn empty_users_and_groups_are_refused() {
    let attempt = |common_name, organizations| {
        let own = Own {
            name: "alice",
            common_name,
            organizations,
        };
        super::own(&own, Phase::Client, &facts_of(Given::default()))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        attempt(" ", vec![]),
        "--common-name is empty: give the user's name"
    );
    assert_eq!(
        attempt("alice", vec!["dev", ""]),
        "--organization is empty: leave it out, or name a group"
    );
}

#[test]
fn a_ca_takes_another_subject_and_nothing_else() {
    let facts = facts_of(Given::default());
    let row = by_name("ca").unwrap();
    let subject = Name::parse("/C=CN/ST=Guangdong/CN=kubernetes").unwrap();
    let mut spec = ca_with_subject(row, &facts, subject.clone()).unwrap();
    assert_eq!(certificate(&spec).subject, subject);
    if let Content::Certificate(wanted) = &mut spec.content {
        assert!(wanted.subject_given);
        wanted.subject = Name::new(&[], "kubernetes");
        wanted.subject_given = false;
    }
    assert_eq!(spec, resolve(row, &facts).unwrap());
}

#[test]
fn an_identity_as_a_pair_has_the_subject_of_its_kubeconfig() {
    let facts = facts_of(Given::default());
    for row in of_phase(Phase::Kubeconfig) {
        let (pair, kubeconfig) = (
            pair_of_identity(row, &facts).unwrap(),
            resolve(row, &facts).unwrap(),
        );
        assert_eq!(pair.content, kubeconfig.content, "{}", row.name);
        assert_eq!(pair.phase, Phase::Client);
        assert_eq!(pair.place.public().name, format!("{}.crt", row.name));
    }
}

#[test]
fn what_is_for_one_node_is_not_made_for_one_without_a_name() {
    let mut facts = facts_of(Given::default());
    facts.node.name = None;
    for row in TABLE {
        let of_node = !matches!(row.common_name, CommonName::Fixed(_))
            || row.hosts.contains(&super::Host::NodeName);
        match certificate_of(row, &facts) {
            Ok(_) => assert!(!of_node, "{}", row.name),
            Err(error) => {
                assert!(of_node, "{}: {error}", row.name);
                assert!(error.0.contains("state it with --node-name"), "{error}");
            }
        }
    }
}
