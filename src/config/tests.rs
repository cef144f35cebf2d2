use super::*;
use crate::facts::Stated;

const HEAD: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";

fn read(text: &str) -> Parsed {
    parse(text.as_bytes(), "c.yaml", Unknown::Error)
        .unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

fn refused(text: &str) -> Vec<String> {
    let errors = parse(text.as_bytes(), "c.yaml", Unknown::Error).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

fn text(value: &str, origin: &str) -> Stated<String> {
    Stated::new(value, origin)
}

#[test]
fn every_field_that_counts_is_taken_with_its_line() {
    let file = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: 10.0.0.10
  bindPort: 6444
nodeRegistration:
  name: cp1
dryRun: true
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: blue
kubernetesVersion: v1.36.2
controlPlaneEndpoint: api.example.com
certificatesDir: /pki
networking: {serviceSubnet: 10.96.0.0/16, dnsDomain: blue.local, podSubnet: 10.244.0.0/16}
apiServer:
  certSANs:
  - a.example.com
  - \"10.0.0.1\"
etcd:
  local:
    serverCertSANs: [s.example.com]
    peerCertSANs: [p.example.com]
encryptionAlgorithm: ECDSA-P256
certificateValidityPeriod: 100h
caCertificateValidityPeriod: 200h
featureGates:
  Other: true
  PublicKeysECDSA: false
";
    let Parsed { given, notes } = read(file);
    assert_eq!(notes, Vec::<String>::new());
    let list = |value: &str, origin: &str| vec![Stated::new(value, origin)];
    let expected = Given {
        apiserver_extra_sans: vec![
            Stated::new("a.example.com", "apiServer.certSANs (c.yaml line 19)"),
            Stated::new("10.0.0.1", "apiServer.certSANs (c.yaml line 20)"),
        ],
        advertise_address: Some(text(
            "10.0.0.10",
            "localAPIEndpoint.advertiseAddress (c.yaml line 4)",
        )),
        bind_port: Some(text("6444", "localAPIEndpoint.bindPort (c.yaml line 5)")),
        ca_validity: Some(text("200h", "caCertificateValidityPeriod (c.yaml line 27)")),
        cert_dir: Some(text("/pki", "certificatesDir (c.yaml line 15)")),
        cluster_name: Some(text("blue", "clusterName (c.yaml line 12)")),
        control_plane_endpoint: Some(text(
            "api.example.com",
            "controlPlaneEndpoint (c.yaml line 14)",
        )),
        dns_domain: Some(text("blue.local", "networking.dnsDomain (c.yaml line 16)")),
        dry_run: Some(true),
        etcd_members: Vec::new(),
        etcd_peer_extra_sans: list("p.example.com", "etcd.local.peerCertSANs (c.yaml line 24)"),
        etcd_server_extra_sans: list(
            "s.example.com",
            "etcd.local.serverCertSANs (c.yaml line 23)",
        ),
        external_etcd: false,
        external_etcd_ca: None,
        external_etcd_certificate: None,
        external_etcd_endpoints: vec![],
        external_etcd_key: None,
        key_algorithm: Some(text("ECDSA-P256", "encryptionAlgorithm (c.yaml line 25)")),
        kubernetes_version: Some(text("v1.36.2", "kubernetesVersion (c.yaml line 13)")),
        node_addresses: Vec::new(),
        role: None,
        node_name: Some(text("cp1", "nodeRegistration.name (c.yaml line 7)")),
        pod_cidr: Some(text(
            "10.244.0.0/16",
            "networking.podSubnet (c.yaml line 16)",
        )),
        public_keys_ecdsa: Some(Stated::new(
            false,
            "featureGates.PublicKeysECDSA (c.yaml line 30)",
        )),
        service_cidr: Some(text(
            "10.96.0.0/16",
            "networking.serviceSubnet (c.yaml line 16)",
        )),
        validity: Some(text("100h", "certificateValidityPeriod (c.yaml line 26)")),
    };
    assert_eq!(given, expected);
}

#[test]
fn a_second_control_plane_node_is_read_from_a_join_configuration() {
    let join = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ndryRun: false\nnodeRegistration:\n  name: cp2\n\
                controlPlane:\n  localAPIEndpoint:\n    advertiseAddress: 10.0.0.11\n    bindPort: 7443\n";
    let Parsed { given, notes } = read(join);
    assert_eq!(
        given.node_name,
        Some(text("cp2", "nodeRegistration.name (c.yaml line 5)"))
    );
    let origin = "controlPlane.localAPIEndpoint.advertiseAddress (c.yaml line 8)";
    assert_eq!(given.advertise_address, Some(text("10.0.0.11", origin)));
    assert_eq!(given.bind_port.unwrap().value, "7443");
    assert_eq!(given.dry_run, Some(false));
    assert!(
        notes[0].starts_with("c.yaml line 1: no ClusterConfiguration"),
        "{notes:?}"
    );
    assert!(read(&format!("{join}---\n{HEAD}")).notes.is_empty());
}

#[test]
fn an_external_etcd_is_taken_note_of_with_its_files() {
    let given = read(&format!(
        "{HEAD}etcd:\n  external:\n    endpoints: [https://a:2379]\n    caFile: /x/ca.crt\n    certFile: ''\n    keyFile: k\n"
    ))
    .given;
    assert!(given.external_etcd);
    let value = |stated: &Option<Stated<String>>| stated.clone().unwrap().value;
    assert_eq!(given.external_etcd_endpoints[0].value, "https://a:2379");
    assert_eq!(value(&given.external_etcd_ca), "/x/ca.crt");
    assert_eq!(value(&given.external_etcd_certificate), "");
    assert_eq!(value(&given.external_etcd_key), "k");
    assert!(
        !read(&format!("{HEAD}etcd:\n  external: null\n"))
            .given
            .external_etcd
    );
    assert_eq!(
        refused(&format!("{HEAD}etcd:\n  external: {{}}\n  local: {{}}\n")),
        ["c.yaml line 4: etcd.external beside etcd.local: keep the one that is there"]
    );
}

#[test]
fn null_and_empty_objects_count_as_unset() {
    let given = read(&format!(
        "{HEAD}clusterName: null\nnetworking:\napiServer: {{certSANs: }}\netcd: {{}}\n"
    ))
    .given;
    assert_eq!(given, Given::default());
}

#[test]
fn documents_of_other_groups_and_kinds_are_passed_over() {
    for other in [
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncgroupDriver: systemd\n",
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n",
        "apiVersion: v1\nkind: ConfigMap\n",
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ResetConfiguration\nwhatever: 1\n",
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: UpgradeConfiguration\n",
        "# nothing\n",
    ] {
        assert_eq!(
            read(&format!("{HEAD}clusterName: x\n---\n{other}"))
                .given
                .cluster_name
                .unwrap()
                .value,
            "x"
        );
    }
    assert_eq!(
        refused("apiVersion: v1\nkind: ConfigMap\n"),
        [
            "c.yaml: holds no document of kubeadm.k8s.io that counts: ClusterConfiguration, InitConfiguration, \
          JoinConfiguration"
        ]
    );
}

#[test]
fn documents_that_cannot_be_told_are_refused() {
    let document = |version: &str, kind: &str| format!("apiVersion: {version}\nkind: {kind}\n");
    for (file, expected) in [
        (String::new(), "c.yaml: holds no document"),
        ("- a\n".into(), "c.yaml line 1: a document without apiVersion"),
        ("kind: ClusterConfiguration\n".into(), "c.yaml line 1: a document without apiVersion"),
        ("apiVersion: kubeadm.k8s.io/v1beta4\n".into(), "c.yaml line 1: a document without kind"),
        ("apiVersion: v1\nkind: ''\n".into(), "c.yaml line 1: a document without kind"),
        (document("kubeadm.k8s.io/v1beta4", "ClusterConfig"), "did you mean ClusterConfiguration?"),
        (document("kubeadm.k8s.io/v1beta4", "ClusterStatus"), "c.yaml line 2: kubeadm.k8s.io/v1beta4 has no kind"),
        (document("kubeadm.k8s.io/v1beta3", "ResetConfiguration"), "has no kind \"ResetConfiguration\""),
        (document("kubeadm.k8s.io/v1beta2", "ClusterConfiguration"), "'kubeadm config migrate' of a kubeadm that"),
        (document("kubeadm.k8s.io/v1", "ClusterConfiguration"), "v1beta3 and v1beta4 are"),
        (format!("{HEAD}---\n# x\n{HEAD}"), "c.yaml line 5: a second ClusterConfiguration, the first is on line 1"),
        (
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n---\napiVersion: kubeadm.k8s.io/v1beta4\n\
             kind: JoinConfiguration\n"
                .into(),
            "c.yaml line 4: an InitConfiguration and a JoinConfiguration",
        ),
    ] {
        let errors = refused(&file);
        assert!(errors.len() == 1 && errors[0].contains(expected), "{file}: {errors:?}");
    }
}

#[test]
fn every_unknown_field_is_told_with_its_line_and_the_nearest_name() {
    let file = format!(
        "{HEAD}clustername: oops\nfoo: bar\nnetworking:\n  servicesSubnet: x\napiServer:\n  extraArgs:\n  - name: a\n    \
         valeu: b\n  timeoutForControlPlane: 4m\n"
    );
    assert_eq!(
        refused(&file),
        [
            "c.yaml line 3: ClusterConfiguration has no field clustername: did you mean clusterName?",
            "c.yaml line 4: ClusterConfiguration has no field foo",
            "c.yaml line 6: ClusterConfiguration has no field networking.servicesSubnet: did you mean serviceSubnet?",
            "c.yaml line 10: ClusterConfiguration has no field apiServer.extraArgs.valeu: did you mean value?",
            "c.yaml line 11: apiServer.timeoutForControlPlane is a field of v1beta3 alone: take it out",
        ]
    );
    let parsed = parse(file.as_bytes(), "c.yaml", Unknown::Warn).unwrap();
    assert_eq!(parsed.notes.len(), 5);
    assert_eq!(
        parsed.notes[1],
        "c.yaml line 4: ClusterConfiguration has no field foo (passed over)"
    );
}

#[test]
fn a_version_has_its_own_fields_only() {
    let v1beta3 = HEAD.replace("v1beta4", "v1beta3");
    let errors = refused(&format!("{v1beta3}encryptionAlgorithm: ECDSA-P256\n"));
    assert!(
        errors[0].contains("line 3: encryptionAlgorithm is a field of v1beta4 alone"),
        "{errors:?}"
    );
    // Arguments are a map in v1beta3, with any names, and a list in v1beta4.
    read(&format!(
        "{v1beta3}apiServer:\n  extraArgs: {{anything: x}}\n"
    ));
    let errors = refused(&format!("{HEAD}apiServer:\n  extraArgs: {{anything: x}}\n"));
    assert_eq!(
        errors,
        ["c.yaml line 4: apiServer.extraArgs is a map, a list is wanted"]
    );
    let errors = refused(&format!("{v1beta3}apiServer:\n  extraArgs: [x]\n"));
    assert_eq!(
        errors,
        ["c.yaml line 4: apiServer.extraArgs is a list, a map is wanted"]
    );
}

#[test]
fn values_of_the_wrong_type_are_told_with_their_line() {
    for (fields, expected) in [
        (
            "kubernetesVersion: 1.36\n",
            "line 3: kubernetesVersion is a number, a text is wanted: put quotes around it",
        ),
        (
            "clusterName: yes\n",
            "line 3: clusterName is true or false, a text is wanted: put quotes around it",
        ),
        (
            "clusterName: [x]\n",
            "line 3: clusterName is a list, a single value is wanted",
        ),
        (
            "networking: x\n",
            "line 3: networking is a text, a map is wanted",
        ),
        (
            "networking:\n  podSubnet: {a: b}\n",
            "line 4: networking.podSubnet is a map, a single value is wanted",
        ),
        (
            "apiServer:\n  certSANs: x\n",
            "line 4: apiServer.certSANs is a text, a list is wanted",
        ),
        (
            "apiServer:\n  certSANs:\n  - a\n  - null\n",
            "apiServer.certSANs has nothing in it: texts are wanted, put quotes around it",
        ),
        (
            "apiServer:\n  certSANs: [1]\n",
            "line 4: apiServer.certSANs has a number in it",
        ),
        (
            "apiServer:\n  extraArgs: [x]\n",
            "line 4: apiServer.extraArgs is a text, a list of maps is wanted",
        ),
        (
            "featureGates: {PublicKeysECDSA: 1}\n",
            "true or false is wanted",
        ),
        (
            "featureGates: {PublicKeysECDSA: [true]}\n",
            "PublicKeysECDSA is a list, true or false is wanted",
        ),
        (
            "featureGates: []\n",
            "line 3: featureGates is a list, a map is wanted",
        ),
        (
            "etcd: {external: {caFile: 1}}\n",
            "line 3: etcd.external.caFile is a number, a text is wanted",
        ),
        (
            "etcd: {external: x}\n",
            "line 3: etcd.external is a text, a map is wanted",
        ),
        (
            "imageRepository: {}\n",
            "line 3: imageRepository is a map, a single value is wanted",
        ),
    ] {
        let errors = refused(&format!("{HEAD}{fields}"));
        assert!(
            errors.len() == 1 && errors[0].contains(expected),
            "{fields}: {errors:?}"
        );
    }
    let init = HEAD.replace("Cluster", "Init");
    for (fields, expected) in [
        (
            "localAPIEndpoint: {bindPort: \"6443\"}\n",
            "bindPort is a text, a whole number is wanted",
        ),
        (
            "localAPIEndpoint: {bindPort: 1.5}\n",
            "bindPort is a number, a whole number is wanted",
        ),
        (
            "dryRun: 'true'\n",
            "dryRun is a text, true or false is wanted: write it without quotes",
        ),
    ] {
        let errors = refused(&format!("{init}{fields}"));
        assert!(
            errors.len() == 1 && errors[0].contains(expected),
            "{fields}: {errors:?}"
        );
    }
}

#[test]
fn everything_wrong_with_a_file_is_told_at_once() {
    let errors = refused(&format!("{HEAD}foo: 1\nclusterName: 2\n---\nkind: x\n"));
    assert_eq!(errors.len(), 3, "{errors:?}");
}

#[test]
fn every_field_that_counts_exists() {
    for field in honoured::HONOURED {
        assert!(
            fields::exists("v1beta4", field.kind, field.path),
            "{}",
            field.path
        );
    }
    assert!(!fields::exists(
        "v1beta3",
        Kind::Cluster,
        "encryptionAlgorithm"
    ));
    assert_eq!(fields::trees().len(), VERSIONS.len() * Kind::ALL.len());
}

#[test]
fn fields_read_over_are_the_others() {
    let fields = fields_read_over();
    let has = |section: &str, path: &str| fields.contains(&(section.to_owned(), path.to_owned()));
    assert!(has("v1beta4 ClusterConfiguration", "etcd.local.dataDir"));
    assert!(has("v1beta4 ClusterConfiguration", "apiServer.extraArgs"));
    assert!(has("v1beta3 JoinConfiguration", "discovery"));
    assert!(has(
        "v1beta4 ClusterConfiguration",
        "featureGates (all but PublicKeysECDSA)"
    ));
    assert!(
        !fields
            .iter()
            .any(|(_, path)| path == "clusterName" || path == "networking.serviceSubnet")
    );
}

#[test]
fn the_page_about_configuration_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/config.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        #[expect(
            clippy::disallowed_methods,
            reason = "a page of this repository, not a user's file"
        )]
        std::fs::write(path, document()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap();
    assert!(
        page == document(),
        "run UPDATE_DOCS=1 cargo test --lib config"
    );
}

/// Kubernetes' API types mark these as secrets, so that a list made from them may lack them.
#[test]
fn the_fields_of_tokens_are_known_in_both_versions() {
    for version in ["v1beta3", "v1beta4"] {
        let file = format!(
            "apiVersion: kubeadm.k8s.io/{version}\n\
             kind: InitConfiguration\n\
             bootstrapTokens:\n\
             - token: abcdef.0123456789abcdef\n\
             \x20 ttl: 24h\n\
             ---\n\
             apiVersion: kubeadm.k8s.io/{version}\n\
             kind: ClusterConfiguration\n"
        );
        assert_eq!(read(&file).given.validity, None);
        let file = format!(
            "apiVersion: kubeadm.k8s.io/{version}\n\
             kind: JoinConfiguration\n\
             discovery:\n\
             \x20 tlsBootstrapToken: abcdef.0123456789abcdef\n\
             \x20 bootstrapToken:\n\
             \x20   token: abcdef.0123456789abcdef\n\
             \x20   apiServerEndpoint: 10.0.0.10:6443\n\
             \x20   caCertHashes: [\"sha256:00\"]\n"
        );
        assert_eq!(read(&file).given.validity, None);
    }
}
