use super::*;
use crate::diff::diff;
use crate::finding::Severity;
use crate::oracle::sample::{self, NOW, access, key, made_at, open, specs, tree};
use crate::profile::by_name;

fn evidence(found: &Found) -> Evidence {
    Evidence::of(found, "this-host")
}

fn of(name: &str, found: &Found) -> Spec {
    of_row(by_name(name).unwrap(), &found[name], &evidence(found))
}

/// The tree with one of its files made of another spec.
fn with(name: &str, change: impl FnOnce(&mut CertificateSpec)) -> Found {
    let mut found = tree();
    let mut spec = sample::spec(name);
    if let Content::Certificate(wanted) = &mut spec.content {
        change(wanted);
    }
    let observed = made_at(&spec, &found, NOW - Duration::hours(1));
    found.insert(spec.name, observed);
    found
}

fn sans(spec: &Spec) -> Vec<String> {
    let wanted = spec.certificate().unwrap();
    wanted.sans.iter().map(ToString::to_string).collect()
}

fn subject(spec: &Spec) -> String {
    spec.certificate().unwrap().subject.to_string()
}

#[test]
fn a_kubeconfig_that_names_its_pair_goes_with_it_unless_something_else_was_asked() {
    let admin = sample::spec("admin");
    let split = in_files(admin.clone());
    let names: Vec<&str> = split.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["admin.crt", "admin"]);
    assert_eq!(split[0].certificate(), admin.certificate());
    let files = split[1].credential_files().unwrap();
    let ca = files.authorities.as_ref().unwrap();
    let paths = [ca, &files.certificate, &files.key];
    assert_eq!(
        paths.map(|file| file.name.as_str()),
        ["ca.crt", "admin.crt", "admin.key"]
    );
    let found = |sources: [Source; 3]| {
        let mut found = tree();
        let Some(Observed::Kubeconfig(there)) = found.get_mut("admin") else {
            panic!("it is there");
        };
        *there.sources = sources;
        found
    };
    let one = vec![admin.clone()];
    let pair = [&files.certificate, &files.key].map(|file| Source::File(file.clone()));
    let [certificate, key] = pair;
    let there = [Source::File(ca.clone()), certificate.clone(), key.clone()];
    assert_eq!(as_there(one.clone(), &found(there)), split);
    // It may hold its CA itself, unless it was asked to name it.
    for ca in [Source::Embedded, Source::Elsewhere] {
        let there = found([ca, certificate.clone(), key.clone()]);
        let own = as_there(one.clone(), &there);
        assert_eq!(own[0], split[0]);
        let files = own[1].credential_files().unwrap();
        assert_eq!(files.authorities, None);
        assert_eq!(as_there(split.clone(), &there), split);
    }
    assert_eq!(as_there(one.clone(), &tree()), one);
    let mixed = [Source::Embedded, Source::Embedded, key];
    assert_eq!(as_there(one.clone(), &found(mixed)), one);
    // What has no certificate of its own stays as it is.
    for name in ["ca", "sa", "apiserver"] {
        let spec = sample::spec(name);
        assert_eq!(in_files(spec.clone()), [spec]);
    }
}

#[test]
fn what_was_made_from_facts_is_wanted_without_them() {
    let found = tree();
    for wanted in specs() {
        let spec = of(&wanted.name, &found);
        let (spec_of, wanted_of) = (spec.certificate(), wanted.certificate());
        if let (Some(one), Some(other)) = (spec_of, wanted_of) {
            assert_eq!(one.subject, other.subject, "{}", wanted.name);
            assert_eq!(
                one.former_subjects, other.former_subjects,
                "{}",
                wanted.name
            );
            assert_eq!(one.issuer, other.issuer, "{}", wanted.name);
            assert_eq!(one.sans, other.sans, "{}", wanted.name);
            assert_eq!(one.validity, other.validity, "{}", wanted.name);
        }
        assert_eq!(spec.key_algorithm(), wanted.key_algorithm());
        assert_eq!(spec.place.files(), wanted.place.files());
        let authorities = match spec_of.and_then(|leaf| leaf.issuer.as_ref()) {
            Some(ca) => match &found[ca] {
                Observed::Certificate { chain, .. } => chain.clone(),
                other => panic!("{other:?}"),
            },
            None => Vec::new(),
        };
        let findings = diff(&spec, &found[&spec.name], &authorities, &[0], NOW);
        let worst = findings.iter().map(crate::finding::Finding::severity).max();
        assert!(worst <= Some(Severity::Note), "{findings:?}");
    }
}

#[test]
fn the_node_is_the_one_that_most_certificates_name() {
    let found = with("kubelet", |wanted| {
        wanted.subject = Name::new(&["system:nodes"], "system:node:cp2");
    });
    assert_eq!(
        subject(&of("kubelet", &found)),
        "CN=system:node:cp1,O=system:nodes"
    );
    assert_eq!(subject(&of("etcd-peer", &found)), "CN=cp1");
    let found = with("etcd-peer", |wanted| wanted.subject = Name::new(&[], "cp2"));
    assert_eq!(subject(&of("etcd-peer", &found)), "CN=cp1");
}

#[test]
fn what_a_tree_does_not_tell_of_its_node_the_host_does_not_tell_either() {
    let mut found = tree();
    found.retain(|name, _| !name.starts_with("etcd-"));
    found.insert("kubelet".to_owned(), Observed::Absent);
    assert!(!sans(&of("apiserver", &found)).contains(&"this-host".to_owned()));
}

#[test]
fn the_dns_domain_is_the_api_server_s() {
    let found = with("apiserver", |wanted| {
        wanted.sans = vec![
            San::Dns("kubernetes.default.svc.k8s.example".to_owned()),
            San::Uri("spiffe://kept".to_owned()),
        ];
    });
    assert_eq!(
        sans(&of("apiserver", &found)),
        [
            "cp1",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.k8s.example",
            "URI:spiffe://kept"
        ]
    );
    let found = with("apiserver", |wanted| wanted.sans.clear());
    let wanted = sans(&of("apiserver", &found));
    assert!(wanted.contains(&"kubernetes.default.svc.cluster.local".to_owned()));
}

#[test]
fn what_a_row_fixes_is_wanted_whatever_is_there() {
    let found = with("scheduler", |wanted| {
        wanted.subject = Name::new(&["system:masters"], "me");
        wanted.kind = Kind::Server;
    });
    let spec = of("scheduler", &found);
    assert_eq!(subject(&spec), "CN=system:kube-scheduler");
    assert_eq!(spec.certificate().unwrap().kind, Kind::Client);
    let found = with("etcd-server", |wanted| wanted.sans.clear());
    assert_eq!(
        sans(&of("etcd-server", &found)),
        ["cp1", "localhost", "127.0.0.1", "::1"]
    );
}

#[test]
fn what_nothing_fixes_is_wanted_as_it_is() {
    let mut found = with("apiserver", |wanted| wanted.validity = Duration::hours(90));
    let spec = of("apiserver", &found);
    assert_eq!(spec.certificate().unwrap().validity, Duration::hours(90));
    if let Some(Observed::Kubeconfig(kubeconfig)) = found.get_mut("admin") {
        kubeconfig.server = "https://api.example.com".to_owned();
    }
    match of("admin", &found).place {
        Place::Kubeconfig { server, user, .. } => {
            assert_eq!(server, "https://api.example.com");
            assert_eq!(user, "kubernetes-admin");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_kubelet_s_own_certificate_is_wanted_as_the_kubelet_makes_it() {
    let row = by_name("kubelet-serving").unwrap();
    let made = |common_name: &str, issuer: Option<&str>| {
        let mut spec = of_row(row, &Observed::Absent, &evidence(&tree()));
        if let Content::Certificate(wanted) = &mut spec.content {
            wanted.subject = Name::new(&[], common_name);
            wanted.issuer = issuer.map(str::to_owned);
            wanted.key_algorithm = KeyAlgorithm::EcdsaP256;
        }
        let wanted = spec.certificate().unwrap();
        // Nothing here makes a leaf that signs itself: another CA does.
        let mut found = tree();
        let mut ca = sample::spec("ca");
        if let Content::Certificate(ca) = &mut ca.content
            && issuer.is_none()
        {
            ca.subject = Name::new(&[], "cp1-ca@1700000000");
        }
        let observed = made_at(&ca, &found, NOW - Duration::hours(1));
        found.insert("ca".to_owned(), observed);
        let signed = CertificateSpec {
            issuer: Some("ca".to_owned()),
            ..wanted.clone()
        };
        let leaf = sample::certificate(&signed, "kubelet-serving", &found, NOW);
        let observed = Observed::Certificate {
            chain: vec![leaf],
            access: access(0o644),
            key: Some(open(key("kubelet-serving"))),
        };
        of_row(row, &observed, &evidence(&tree()))
    };
    let own = made("cp1@1700000000", None);
    assert_eq!(subject(&own), "CN=cp1@1700000000");
    assert_eq!(own.certificate().unwrap().issuer, None);
    for (common_name, issuer) in [
        ("cp1@1700000000", Some("ca")),
        ("cp1", None),
        ("cp1@", None),
    ] {
        let cluster = made(common_name, issuer);
        assert_eq!(subject(&cluster), "CN=system:node:cp1,O=system:nodes");
        assert_eq!(cluster.certificate().unwrap().issuer.as_deref(), Some("ca"));
    }
}

#[test]
fn files_of_no_row_are_looked_at_as_pairs_kubeconfigs_and_lone_certificates() {
    let file = FileId::new;
    let files = [
        file(Root::Kubeconfig, "admin.conf"),
        file(Root::Kubeconfig, "alice.conf"),
        file(Root::Kubelet, "kubelet-client-2026-01-01-00-00-00.pem"),
        file(Root::Kubelet, "kubelet-client-current.pem"),
        file(Root::Kubelet, "kubelet.crt"),
        file(Root::Pki, "admin.crt"),
        file(Root::Pki, "admin.key"),
        file(Root::Pki, "apiserver.crt"),
        file(Root::Pki, "apiserver.csr"),
        file(Root::Pki, "etcd/own.crt"),
        file(Root::Pki, "lone.key"),
        file(Root::Pki, "proxy.pem"),
        file(Root::Pki, "sa.pub"),
    ];
    let found: Vec<(String, usize)> = others(&files)
        .into_iter()
        .map(|spec| (spec.name, spec.place.files().len()))
        .collect();
    let named = |name: &str, files| (name.to_owned(), files);
    assert_eq!(
        found,
        [
            named("alice.conf", 1),
            named("kubelet/kubelet-client-current.pem", 1),
            named("admin.crt", 2),
            named("etcd/own.crt", 1),
            named("proxy.pem", 1),
        ]
    );
}

fn other(observed: &Observed, found: &Found) -> Spec {
    let place = Place::Pair {
        root: Root::Pki,
        base: "own".to_owned(),
    };
    of_other("own.crt".to_owned(), place, observed, &evidence(found))
}

#[test]
fn a_file_of_no_row_is_the_identity_that_it_has() {
    let found = tree();
    for (name, kind, issuer, phase) in [
        ("etcd-ca", Kind::Ca, None, Phase::Ca),
        (
            "etcd-server",
            Kind::ServerAndClient,
            Some("etcd-ca"),
            Phase::Server,
        ),
        ("apiserver", Kind::Server, Some("ca"), Phase::Server),
        (
            "front-proxy-client",
            Kind::Client,
            Some("front-proxy-ca"),
            Phase::Client,
        ),
    ] {
        let spec = other(&found[name], &found);
        let wanted = spec.certificate().unwrap();
        assert_eq!((wanted.kind, spec.phase), (kind, phase), "{name}");
        assert_eq!(wanted.issuer.as_deref(), issuer, "{name}");
        assert_eq!(wanted.sans, certificate(&found[name]).unwrap().sans);
    }
}

#[test]
fn a_client_of_an_unknown_ca_is_the_cluster_s_and_a_server_of_one_is_nobody_s() {
    let found = tree();
    let mut without = found.clone();
    without.retain(|name, _| !name.ends_with("ca"));
    for (name, issuer) in [("front-proxy-client", Some("ca")), ("apiserver", None)] {
        let spec = other(&found[name], &without);
        assert_eq!(
            spec.certificate().unwrap().issuer.as_deref(),
            issuer,
            "{name}"
        );
    }
}

fn lacking_without(gone: &[&str]) -> Vec<&'static str> {
    let mut found = tree();
    found.retain(|name, _| !gone.contains(&name.as_str()));
    lacking(&found).iter().map(|row| row.name).collect()
}

fn lacking_of(kept: &[&str]) -> Vec<&'static str> {
    let mut found = tree();
    found.retain(|name, _| kept.contains(&name.as_str()));
    lacking(&found).iter().map(|row| row.name).collect()
}

#[test]
fn a_component_lacks_what_it_cannot_do_without() {
    assert_eq!(lacking_without(&[]), [""; 0]);
    for row in TABLE {
        let expected: &[&str] = match row.part {
            Part::Anywhere => &[],
            Part::ControlPlane | Part::Etcd => &[row.name],
        };
        assert_eq!(lacking_without(&[row.name]), expected, "{}", row.name);
    }
}

#[test]
fn a_machine_lacks_nothing_of_what_it_is_not() {
    let worker = ["ca", "kubelet"];
    let cas = ["ca", "etcd-ca", "front-proxy-ca"];
    let etcd_host = [
        "etcd-ca",
        "etcd-server",
        "etcd-peer",
        "etcd-healthcheck-client",
        "apiserver-etcd-client",
    ];
    for kept in [&worker[..], &cas, &etcd_host, &["admin"], &["ca", "admin"]] {
        assert_eq!(lacking_of(kept), [""; 0], "{kept:?}");
    }
    // An etcd that others run, and a cluster without aggregation.
    let etcd = [
        "etcd-ca",
        "etcd-server",
        "etcd-peer",
        "etcd-healthcheck-client",
        "apiserver-etcd-client",
        "front-proxy-ca",
        "front-proxy-client",
        "super-admin",
        "admin",
    ];
    assert_eq!(lacking_without(&etcd), [""; 0]);
    assert_eq!(lacking_without(&etcd[1..4]), [""; 0]);
}

/// The sample's tree, with the kubeconfigs of these names leading elsewhere.
fn leading(servers: &[(&str, &str)]) -> Found {
    let mut found = tree();
    for (name, server) in servers {
        let Some(Observed::Kubeconfig(there)) = found.get_mut(*name) else {
            panic!("{name} is a kubeconfig");
        };
        (*server).clone_into(&mut there.server);
    }
    found
}

fn value(stated: Option<crate::facts::Stated<String>>) -> Option<String> {
    stated.map(|stated| stated.value)
}

#[test]
fn a_tree_tells_node_address_and_endpoint_and_nobody_s_password() {
    let local = "https://10.0.0.10:8443";
    let shared = "https://user:secret@cp.example:6443/path";
    let found = leading(&[
        ("admin", shared),
        ("super-admin", shared),
        ("kubelet", shared),
        ("controller-manager", local),
        ("scheduler", local),
    ]);
    let told = given(&found);
    assert_eq!(value(told.node_name).as_deref(), Some("cp1"));
    assert_eq!(value(told.advertise_address).as_deref(), Some("10.0.0.10"));
    assert_eq!(value(told.bind_port).as_deref(), Some("8443"));
    let endpoint = value(told.control_plane_endpoint);
    assert_eq!(endpoint.as_deref(), Some("cp.example:6443"));
    // The usual port is nothing to be stated, and where all lead to the node there is no endpoint.
    let told = given(&tree());
    assert_eq!(value(told.advertise_address).as_deref(), Some("10.0.0.10"));
    assert_eq!(value(told.bind_port), None);
    assert_eq!(value(told.control_plane_endpoint), None);
}

#[test]
fn what_nothing_tells_is_not_known() {
    let mut found = tree();
    found.retain(|name, _| ["ca", "admin"].contains(&name.as_str()));
    let told = given(&found);
    assert_eq!(value(told.advertise_address), None);
    assert_eq!(value(told.node_name), None);
    assert!(!is_new(&found));
    found.remove("admin");
    assert!(is_new(&found));
    assert_eq!(key_algorithm(&found), None);
}

#[test]
fn what_most_leaves_have_is_the_kind_of_key() {
    assert_eq!(
        key_algorithm(&tree()),
        Some(sample::spec("admin").key_algorithm())
    );
}
