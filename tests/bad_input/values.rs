//! What a configuration file says, from its text to the facts or to the words of the refusal: the cases that were seen
//! with kubeadm v1.36, each with our answer.

#![expect(clippy::too_many_lines, reason = "tables")]

use std::net::IpAddr;

use certs::config::{self, Unknown};
use certs::facts::{self, Facts, Given, Host, Stated};

use super::answers::Answer;

const INIT: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: \"10.0.0.10\"
nodeRegistration:
  name: cp1
";
const CLUSTER: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
certificatesDir: /out/pki
";

fn default_address(v6: bool) -> Option<IpAddr> {
    let address = if v6 { "2001:db8::5" } else { "192.0.2.2" };
    address.parse().ok()
}

/// The facts of a file named `c.yaml`, or all that is wrong with it, a line each.
fn read(file: &str, flags: Given) -> Result<Facts, String> {
    let lines = |errors: Vec<String>| errors.join("\n");
    let parsed = config::parse(file.as_bytes(), "c.yaml", Unknown::Error)
        .map_err(|errors| lines(errors.iter().map(ToString::to_string).collect()))?;
    let host = Host {
        name: "host",
        default_address: &default_address,
    };
    facts::resolve(flags.or(parsed.given), &host)
        .map_err(|errors| lines(errors.iter().map(ToString::to_string).collect()))
}

/// Every case of this page, with our answer.
pub fn answers() -> Vec<Answer> {
    let refused = bad_values().into_iter().chain(bad_files());
    let taken = odd_files().into_iter();
    refused
        .map(|(case, _, said)| Answer {
            case,
            exit: 2,
            said: said.lines().map(|line| format!("error: {line}")).collect(),
        })
        .chain(taken.map(|(case, _, fact, value)| Answer {
            case,
            exit: 0,
            said: vec![format!("taken: {fact} is {value:?}")],
        }))
        .collect()
}

/// The base file, with fields put after the cluster's, which end on line 11.
fn cluster(fields: &str) -> String {
    format!("{INIT}---\n{CLUSTER}{fields}")
}

/// The base file with another value in place of one.
fn changed(from: &str, to: &str) -> String {
    let base = cluster("");
    assert!(base.contains(from), "{from}");
    base.replace(from, to)
}

/// A case, its file and what is said of it.
type Refused = (&'static str, String, &'static str);

/// Values that are refused.
fn bad_values() -> Vec<Refused> {
    vec![
        (
            "bad-san-underscore",
            cluster("apiServer:\n  certSANs: [\"bad_name.example.com\"]\n"),
            "apiServer.certSANs (c.yaml line 13): \"bad_name.example.com\": contains '_': a DNS name has letters, digits, \
             '-' and '.' only",
        ),
        (
            "bad-san-two",
            cluster("apiServer:\n  certSANs: [\"good.example.com\", \"ex ample\", \"foo!\"]\n"),
            "apiServer.certSANs (c.yaml line 13): \"ex ample\": contains ' ': a DNS name has letters, digits, '-' and '.' \
             only\napiServer.certSANs (c.yaml line 13): \"foo!\": contains '!': a DNS name has letters, digits, '-' and '.' \
             only",
        ),
        (
            "bad-san-empty",
            cluster("apiServer:\n  certSANs: [\"\"]\n"),
            "apiServer.certSANs (c.yaml line 13): \"\": is empty",
        ),
        (
            "bad-san-wild-mid",
            cluster("apiServer:\n  certSANs: [\"*.*.example.com\"]\n"),
            "apiServer.certSANs (c.yaml line 13): \"*.*.example.com\": contains '*': a DNS name has letters, digits, '-' \
             and '.' only",
        ),
        (
            "bad-san-url",
            cluster("apiServer:\n  certSANs: [\"https://api.example.com:6443\"]\n"),
            "apiServer.certSANs (c.yaml line 13): \"https://api.example.com:6443\": is a URL: give its host alone",
        ),
        (
            "bad-etcd-san",
            cluster("etcd:\n  local:\n    dataDir: /var/lib/etcd\n    serverCertSANs: [\"under_score\"]\n"),
            "etcd.local.serverCertSANs (c.yaml line 15): \"under_score\": contains '_': a DNS name has letters, digits, \
             '-' and '.' only",
        ),
        (
            "bad-cidr-mask",
            cluster("networking:\n  serviceSubnet: \"10.96.0.0/33\"\n"),
            "networking.serviceSubnet (c.yaml line 13): \"10.96.0.0/33\": has no usable prefix length: 0 to 32 are \
             possible",
        ),
        (
            "bad-cidr-too-large",
            cluster("networking:\n  serviceSubnet: \"10.96.0.0/8\"\n"),
            "networking.serviceSubnet (c.yaml line 13): \"10.96.0.0/8\": is too large: /12 is the largest range of \
             services",
        ),
        (
            "bad-cidr-too-small",
            cluster("networking:\n  serviceSubnet: \"10.96.0.0/29\"\n"),
            "networking.serviceSubnet (c.yaml line 13): \"10.96.0.0/29\": has fewer than 10 addresses, too few for \
             services",
        ),
        (
            "bad-cidr-two-v4",
            cluster("networking:\n  serviceSubnet: \"10.96.0.0/16,10.97.0.0/16\"\n"),
            "networking.serviceSubnet (c.yaml line 13): \"10.96.0.0/16,10.97.0.0/16\": is more than one range of a family: \
             give one, or an IPv4 and an IPv6 range",
        ),
        (
            "bad-pod-cidr",
            cluster("networking:\n  podSubnet: 10.244.0.0/99\n"),
            "networking.podSubnet (c.yaml line 13): \"10.244.0.0/99\": has no usable prefix length: 0 to 32 are possible",
        ),
        (
            "bad-ip",
            changed("10.0.0.10", "300.1.2.3"),
            "localAPIEndpoint.advertiseAddress (c.yaml line 4): \"300.1.2.3\": is no IPv4 or IPv6 address",
        ),
        (
            "bad-ip-multicast",
            changed("10.0.0.10", "224.0.0.1"),
            "localAPIEndpoint.advertiseAddress (c.yaml line 4): \"224.0.0.1\": is a multicast address: give one of this \
             machine",
        ),
        (
            "bad-bindport",
            changed("nodeRegistration", "  bindPort: 70000\nnodeRegistration"),
            "localAPIEndpoint.bindPort (c.yaml line 5): \"70000\": has no usable port: ports are 1 to 65535",
        ),
        (
            "bad-endpoint-port",
            cluster("controlPlaneEndpoint: \"api.example.com:70000\"\n"),
            "controlPlaneEndpoint (c.yaml line 12): \"api.example.com:70000\": has no usable port: ports are 1 to 65535",
        ),
        (
            "bad-endpoint-host",
            cluster("controlPlaneEndpoint: \"bad_host:6443\"\n"),
            "controlPlaneEndpoint (c.yaml line 12): \"bad_host:6443\": contains '_': a DNS name has letters, digits, '-' \
             and '.' only",
        ),
        (
            "bad-endpoint-upper",
            cluster("controlPlaneEndpoint: \"API.Example.com:6443\"\n"),
            "controlPlaneEndpoint (c.yaml line 12): \"API.Example.com:6443\": has upper case letters: write it in lower \
             case",
        ),
        (
            "endpoint-v4-leading-zero",
            cluster("controlPlaneEndpoint: \"010.0.0.9:6443\"\n"),
            "controlPlaneEndpoint (c.yaml line 12): \"010.0.0.9:6443\": has leading zeros, which some programs take for \
             octal: leave them out",
        ),
        (
            "bad-nodename",
            changed("name: cp1", "name: bad_node"),
            "nodeRegistration.name (c.yaml line 6): \"bad_node\": contains '_': a DNS name has letters, digits, '-' and \
             '.' only",
        ),
        (
            "bad-dnsdomain",
            cluster("networking:\n  dnsDomain: Cluster.Local\n"),
            "networking.dnsDomain (c.yaml line 13): \"Cluster.Local\": has upper case letters: write it in lower case",
        ),
        (
            "bad-algorithm-rsa-1024",
            cluster("encryptionAlgorithm: RSA-1024\n"),
            "encryptionAlgorithm (c.yaml line 12): \"RSA-1024\": is no key algorithm: choose one of RSA-2048, \
             RSA-3072, RSA-4096, ECDSA-P256, ECDSA-P384",
        ),
        (
            "bad-algorithm-rsa-2048-lower",
            cluster("encryptionAlgorithm: rsa-2048\n"),
            "encryptionAlgorithm (c.yaml line 12): \"rsa-2048\": is no key algorithm: write RSA-2048",
        ),
        (
            "bad-duration",
            cluster("certificateValidityPeriod: 1y\n"),
            "certificateValidityPeriod (c.yaml line 12): \"1y\": has the unknown unit \"y\": d, h, m and s are known",
        ),
        (
            "validity-zero",
            cluster("certificateValidityPeriod: 0s\n"),
            "certificateValidityPeriod (c.yaml line 12): \"0s\": is no time at all: give at least a second",
        ),
        (
            "validity-negative",
            cluster("certificateValidityPeriod: -1h\n"),
            "certificateValidityPeriod (c.yaml line 12): \"-1h\": is negative: a certificate ends after it starts",
        ),
        (
            "validity-empty-string",
            cluster("certificateValidityPeriod: \"\"\n"),
            "certificateValidityPeriod (c.yaml line 12): \"\": is empty: give a duration such as 8760h or 365d",
        ),
        (
            "relative-certdir",
            changed("/out/pki", "pki"),
            "certificatesDir (c.yaml line 11): \"pki\": is a relative path: a file gives absolute ones",
        ),
        (
            "many-errors",
            changed("name: cp1", "name: _x_").replace(
                CLUSTER,
                &format!(
                    "{CLUSTER}networking:\n  serviceSubnet: 10.0.0.0/99\n  dnsDomain: Bad_Domain\napiServer:\n  certSANs: \
                     ['a_b','c_d']\nencryptionAlgorithm: DSA\n"
                ),
            ),
            "nodeRegistration.name (c.yaml line 6): \"_x_\": contains '_': a DNS name has letters, digits, '-' and '.' \
             only\nnetworking.serviceSubnet (c.yaml line 13): \"10.0.0.0/99\": has no usable prefix length: 0 to 32 are \
             possible\nnetworking.dnsDomain (c.yaml line 14): \"Bad_Domain\": has upper case letters: write it in lower \
             case\nencryptionAlgorithm (c.yaml line 17): \"DSA\": is no key algorithm: choose one of RSA-2048, \
             RSA-3072, RSA-4096, ECDSA-P256, ECDSA-P384\napiServer.certSANs (c.yaml line 16): \"a_b\": contains '_': a DNS \
             name has letters, digits, '-' and '.' only\napiServer.certSANs (c.yaml line 16): \"c_d\": contains '_': a \
             DNS name has letters, digits, '-' and '.' only",
        ),
    ]
}

#[test]
fn bad_values_are_refused_with_field_line_and_reason() {
    for (case, file, expected) in bad_values() {
        assert_eq!(
            read(&file, Given::default()).unwrap_err(),
            expected,
            "{case}"
        );
    }
}

/// Files that are refused; what is said begins so.
fn bad_files() -> Vec<Refused> {
    vec![
        (
            "config-bad-yaml",
            "kind: [unclosed\n".to_owned(),
            "c.yaml line 2: did not find expected ',' or ']'",
        ),
        ("config-empty", String::new(), "c.yaml: holds no document"),
        (
            "config-unknown-field",
            cluster("clustername: oops\nfoo: bar\n"),
            "c.yaml line 12: ClusterConfiguration has no field clustername: did you mean clusterName?\nc.yaml line 13: \
             ClusterConfiguration has no field foo",
        ),
        (
            "field-wrong-case",
            cluster("EncryptionAlgorithm: ECDSA-P256\n"),
            "c.yaml line 12: ClusterConfiguration has no field EncryptionAlgorithm: did you mean encryptionAlgorithm?",
        ),
        (
            "config-old-api",
            CLUSTER.replace("v1beta4", "v1beta2"),
            "c.yaml line 1: kubeadm.k8s.io/v1beta2 is not read, v1beta3 and v1beta4 are: 'kubeadm config migrate' of a \
             kubeadm that reads both rewrites the file",
        ),
        (
            "config-duplicate-kind",
            cluster(&format!("---\n{CLUSTER}")),
            "c.yaml line 13: a second ClusterConfiguration, the first is on line 8: keep one",
        ),
        (
            "v1beta3-unknown-algorithm-field",
            cluster("encryptionAlgorithm: ECDSA-P256\n").replace("v1beta4", "v1beta3"),
            "c.yaml line 12: encryptionAlgorithm is a field of v1beta4 alone: 'kubeadm config migrate' brings a file to \
             v1beta4",
        ),
        (
            "version-yaml-number",
            changed("v1.36.2", "1.36"),
            "c.yaml line 10: kubernetesVersion is a number, a text is wanted: put quotes around it",
        ),
        (
            "tabs",
            cluster("apiServer:\n\tcertSANs: []\n"),
            "c.yaml line 13: found character that cannot start any token",
        ),
        (
            "join-config-too",
            cluster("---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n"),
            "c.yaml line 13: an InitConfiguration and a JoinConfiguration: keep the first for the first control-plane \
             node, the second for every other",
        ),
    ]
}

#[test]
fn bad_files_are_refused_with_line_and_way_out() {
    for (case, file, expected) in bad_files() {
        let errors = read(&file, Given::default()).unwrap_err();
        assert!(errors.starts_with(expected), "{case}: {errors}");
        assert_eq!(
            errors.lines().count(),
            expected.lines().count(),
            "{case}: {errors}"
        );
    }
}

/// What a fact of a file is, as text.
fn fact(facts: &Facts, name: &str) -> String {
    let Facts { cluster, node, .. } = facts;
    match name {
        "advertise" => node
            .advertise_address
            .map(|address| address.to_string())
            .unwrap_or_default(),
        "algorithm" => cluster.key_algorithm.to_string(),
        "cert-dir" => facts.cert_dir.clone().unwrap_or_default(),
        "domain" => cluster.dns_domain.clone(),
        "endpoint" => cluster
            .endpoint
            .as_ref()
            .map(|e| format!("{} {}", e.host, e.url))
            .unwrap_or_default(),
        "etcd-sans" => {
            let sans = node.etcd_server_extra_sans.iter().map(ToString::to_string);
            sans.collect::<Vec<_>>().join(" ")
        }
        "etcd" => cluster.external_etcd.is_some().to_string(),
        "name" => cluster.name.clone(),
        "node" => node.name.clone().unwrap_or_default(),
        "notes" => facts.notes.join("\n"),
        "sans" => {
            let sans = cluster.apiserver_extra_sans.iter().map(ToString::to_string);
            sans.collect::<Vec<_>>().join(" ")
        }
        "service" => cluster.service_ip.to_string(),
        "url" => node.url().unwrap_or_default(),
        "validity" => cluster.validity.whole_seconds().to_string(),
        "version" => cluster.kubernetes_version.to_string(),
        _ => panic!("{name}"),
    }
}

/// Files that are taken: a case, its file, a fact and its value.
fn odd_files() -> Vec<(&'static str, String, &'static str, &'static str)> {
    let crlf = cluster("clusterName: blue\n").replace('\n', "\r\n");
    let yaml_features = cluster("apiServer: &a\n  certSANs:\n  - &h host.example.com\n  - *h\n");
    vec![
        ("doc-leading-separator", format!("---\n{}", cluster("")), "node", "cp1"),
        ("doc-trailing-separator", cluster("---\n"), "node", "cp1"),
        ("doc-comment-only-last", cluster("---\n# c\n"), "node", "cp1"),
        ("doc-comment-first", format!("# c\n{}", cluster("")), "node", "cp1"),
        ("doc-comment-then-separator", format!("# c\n---\n{}", cluster("")), "node", "cp1"),
        ("doc-dots", cluster("...\n"), "node", "cp1"),
        ("doc-separator-comment", cluster("").replace("---", "--- # x"), "node", "cp1"),
        ("doc-crlf", crlf, "name", "blue"),
        ("doc-bom", format!("\u{feff}{}", cluster("")), "node", "cp1"),
        ("doc-order-swapped", format!("{CLUSTER}---\n{INIT}"), "node", "cp1"),
        (
            "json",
            "{\"apiVersion\": \"kubeadm.k8s.io/v1beta4\", \"kind\": \"ClusterConfiguration\", \"encryptionAlgorithm\": \
             \"ECDSA-P256\"}"
                .to_owned(),
            "algorithm",
            "ECDSA-P256",
        ),
        ("version-min", changed("v1.36.2", "v1.35.0"), "version", "v1.35.0"),
        ("version-without-v", changed("v1.36.2", "1.36.2"), "version", "v1.36.2"),
        ("version-prerelease", changed("v1.36.2", "v1.37.0-alpha.1"), "version", "v1.37.0"),
        ("version-label", changed("v1.36.2", "stable-1"), "version", "v1.36.2"),
        ("old-version", changed("v1.36.2", "v1.34.0"), "version", "v1.34.0"),
        ("certdir-unclean", changed("/out/pki", "/out/x/../pki//"), "cert-dir", "/out/x/../pki//"),
        (
            "endpoint-v6-uppercase",
            cluster("controlPlaneEndpoint: \"[FD12:0:0::0001]:6443\"\n"),
            "endpoint",
            "fd12::1 https://[FD12:0:0::0001]:6443",
        ),
        (
            "endpoint-v6-noport",
            cluster("controlPlaneEndpoint: \"fd12::1\"\n"),
            "endpoint",
            "fd12::1 https://[fd12::1]:6443",
        ),
        (
            "endpoint-same-as-advertise",
            cluster("controlPlaneEndpoint: \"10.0.0.10:6443\"\n"),
            "endpoint",
            "10.0.0.10 https://10.0.0.10:6443",
        ),
        (
            "endpoint-is-node-name",
            cluster("controlPlaneEndpoint: cp1\n"),
            "endpoint",
            "cp1 https://cp1:6443",
        ),
        (
            "etcd-sans",
            cluster(
                "etcd:\n  local:\n    serverCertSANs: [\"z.example.com\",\"a.example.com\",\"10.0.0.10\",\"10.0.0.5\"]\n",
            ),
            "etcd-sans",
            "z.example.com a.example.com 10.0.0.10 10.0.0.5",
        ),
        (
            "endpoint-port-leading-zero",
            cluster("controlPlaneEndpoint: \"api.example.com:06443\"\n"),
            "endpoint",
            "api.example.com https://api.example.com:06443",
        ),
        (
            "endpoint-dns-bare",
            cluster("controlPlaneEndpoint: api.example.com\n"),
            "endpoint",
            "api.example.com https://api.example.com:6443",
        ),
        ("advertise-v4-mapped", changed("10.0.0.10", "::ffff:10.0.0.10"), "url", "https://10.0.0.10:6443"),
        ("advertise-v6", changed("10.0.0.10", "2001:DB8::0A"), "url", "https://[2001:db8::a]:6443"),
        ("ip-unspecified", changed("10.0.0.10", "0.0.0.0"), "advertise", "192.0.2.2"),
        ("ip-loopback", changed("10.0.0.10", "127.0.0.1"), "advertise", "127.0.0.1"),
        (
            "sans-mixed",
            cluster(
                "apiServer:\n  certSANs: [\"b.example.com\",\"10.0.0.10\",\"::1\",\"B.EXAMPLE.com\",\"2001:db8:0::1\",\
                 \"*.Z.example.com\",\"xn--80ak6aa92e.com\"]\n",
            ),
            "sans",
            "b.example.com 10.0.0.10 ::1 b.example.com 2001:db8::1 *.z.example.com xn--80ak6aa92e.com",
        ),
        (
            "subnet-v6-first",
            cluster("networking:\n  serviceSubnet: \"fd00:10:96::/112,10.96.0.0/16\"\n"),
            "service",
            "fd00:10:96::1",
        ),
        ("subnet-host-bits", cluster("networking:\n  serviceSubnet: \"10.96.77.5/16\"\n"), "service", "10.96.0.1"),
        ("subnet-min-v4", cluster("networking:\n  serviceSubnet: \"10.96.0.0/28\"\n"), "service", "10.96.0.1"),
        ("subnet-max-v6", cluster("networking:\n  serviceSubnet: \"fd00::/108\"\n"), "service", "fd00::1"),
        ("nodename-upper", changed("name: cp1", "name: CP1.Example.COM"), "node", "cp1.example.com"),
        ("nodename-kubernetes", changed("name: cp1", "name: kubernetes"), "node", "kubernetes"),
        ("nodename-numeric", changed("name: cp1", "name: \"12345\""), "node", "12345"),
        ("nodename-ip", changed("name: cp1", "name: \"10.0.0.10\""), "node", "10.0.0.10"),
        ("clustername-special", cluster("clusterName: 'a@b: c'\n"), "name", "a@b: c"),
        ("clustername-empty", cluster("clusterName: ''\n"), "name", "kubernetes"),
        ("dnsdomain-single", cluster("networking:\n  dnsDomain: local\n"), "domain", "local"),
        ("validity-null", cluster("certificateValidityPeriod: null\n"), "validity", "31536000"),
        ("validity-mixed-units", cluster("certificateValidityPeriod: 1h30m15s\n"), "validity", "5415"),
        ("validity-fraction", cluster("certificateValidityPeriod: 1.5h\n"), "validity", "5400"),
        (
            "gate-publickeysecdsa-true",
            cluster("encryptionAlgorithm: RSA-3072\nfeatureGates:\n  PublicKeysECDSA: true\n"),
            "algorithm",
            "ECDSA-P256",
        ),
        (
            "gate-publickeysecdsa-false",
            cluster("encryptionAlgorithm: ECDSA-P384\nfeatureGates:\n  PublicKeysECDSA: false\n"),
            "algorithm",
            "RSA-2048",
        ),
        (
            "v1beta3-gate",
            cluster("featureGates:\n  PublicKeysECDSA: true\n").replace("v1beta4", "v1beta3"),
            "algorithm",
            "ECDSA-P256",
        ),
        ("mixed-api-versions", format!("{}---\n{CLUSTER}", INIT.replace("v1beta4", "v1beta3")), "node", "cp1"),
        ("extra-yaml-features", yaml_features, "sans", "host.example.com host.example.com"),
        (
            "external-etcd",
            cluster(
                "etcd:\n  external:\n    endpoints: [https://10.0.0.20:2379]\n    caFile: /etcd/ca.crt\n    certFile: \
                 /etcd/c.crt\n    keyFile: /etcd/c.key\n",
            ),
            "etcd",
            "true",
        ),
        (
            "kubelet-config-too",
            cluster("---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncgroupDriver: systemd\n"),
            "node",
            "cp1",
        ),
        (
            "proxy-config-too",
            cluster("---\napiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: nftables\n"),
            "node",
            "cp1",
        ),
    ]
}

#[test]
fn odd_files_that_kubeadm_takes_are_taken() {
    for (case, file, name, expected) in odd_files() {
        let facts =
            read(&file, Given::default()).unwrap_or_else(|errors| panic!("{case}: {errors}"));
        assert_eq!(fact(&facts, name), expected, "{case}");
    }
}

#[test]
fn a_file_without_surprise_brings_no_note() {
    assert_eq!(
        fact(&read(&cluster(""), Given::default()).unwrap(), "notes"),
        ""
    );
    for (file, note) in [
        (changed("10.0.0.10", "127.0.0.1"), "is a loopback address"),
        (changed("v1.36.2", "stable"), "is taken for v1.36.2"),
        (changed("v1.36.2", "v1.40.0"), "is newer than v1.36.2"),
        (cluster("certificateValidityPeriod: 90000h\n"), "outlive"),
    ] {
        let notes = fact(&read(&file, Given::default()).unwrap(), "notes");
        assert!(
            notes.contains(note) && notes.lines().count() == 1,
            "{notes}"
        );
    }
}

#[test]
fn a_flag_overrides_the_file_and_is_named_where_it_is_wrong() {
    let flags = |name: &str, algorithm: &str| Given {
        node_name: Some(Stated::new(name, "--node-name")),
        key_algorithm: Some(Stated::new(algorithm, "--key-algorithm")),
        ..Given::default()
    };
    let file = cluster("encryptionAlgorithm: nonsense\nfeatureGates: {PublicKeysECDSA: true}\n");
    let facts = read(&file, flags("From-Flag", "RSA-4096")).unwrap();
    assert_eq!(
        (fact(&facts, "node"), fact(&facts, "algorithm")),
        ("from-flag".into(), "RSA-4096".into())
    );
    let errors = read(&file, flags("a_b", "x")).unwrap_err();
    assert!(
        errors.starts_with("--node-name: \"a_b\": contains '_'"),
        "{errors}"
    );
    assert!(
        errors.contains("\n--key-algorithm: \"x\": is no key algorithm"),
        "{errors}"
    );
}
