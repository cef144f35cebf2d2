//! The fields that count: which they are, and how their values are taken.

use super::{Kind, Run};
use crate::facts::{Given, Stated, defaults};
use crate::yaml::{Node, Value};

/// A field that counts.
pub(super) struct Honoured {
    pub kind: Kind,
    /// Names from the document down to it, with dots.
    pub path: &'static str,
    /// The flag that overrides it, if there is one.
    pub flag: Option<&'static str>,
    /// What stands for it, in words.
    pub default: &'static str,
    target: Target,
}

/// The type of a value, and the place it goes to.
#[derive(Clone, Copy)]
enum Target {
    Bool(fn(&mut Given) -> &mut Option<bool>),
    Gate(fn(&mut Given) -> &mut Option<Stated<bool>>),
    Number(fn(&mut Given) -> &mut Option<Stated<String>>),
    Text(fn(&mut Given) -> &mut Option<Stated<String>>),
    Texts(fn(&mut Given) -> &mut Vec<Stated<String>>),
}

const DEFAULT_ADDRESS: &str = "the address of the default route's interface";
const NONE: &str = "none";

macro_rules! honoured {
    ($($kind:ident $path:literal $flag:expr, $default:expr, $target:ident $given:ident;)*) => {
        &[$(Honoured {
            kind: Kind::$kind,
            path: $path,
            flag: $flag,
            default: $default,
            target: Target::$target(|given| &mut given.$given),
        },)*]
    };
}

/// All of them, in the order of the documentation.
pub(super) const HONOURED: &[Honoured] = honoured! {
    Init "localAPIEndpoint.advertiseAddress" Some("--apiserver-advertise-address"), DEFAULT_ADDRESS, Text advertise_address;
    Init "localAPIEndpoint.bindPort" Some("--apiserver-bind-port"), "6443", Number bind_port;
    Init "nodeRegistration.name" Some("--node-name"), "the host's name", Text node_name;
    Init "dryRun" Some("--dry-run"), "false", Bool dry_run;
    Join "controlPlane.localAPIEndpoint.advertiseAddress" Some("--apiserver-advertise-address"), DEFAULT_ADDRESS, Text advertise_address;
    Join "controlPlane.localAPIEndpoint.bindPort" Some("--apiserver-bind-port"), "6443", Number bind_port;
    Join "nodeRegistration.name" Some("--node-name"), "the host's name", Text node_name;
    Join "dryRun" Some("--dry-run"), "false", Bool dry_run;
    Cluster "clusterName" None, defaults::CLUSTER_NAME, Text cluster_name;
    Cluster "kubernetesVersion" Some("--kubernetes-version"), "the newest known", Text kubernetes_version;
    Cluster "controlPlaneEndpoint" Some("--control-plane-endpoint"), NONE, Text control_plane_endpoint;
    Cluster "certificatesDir" Some("--cert-dir"), "/etc/kubernetes/pki", Text cert_dir;
    Cluster "networking.serviceSubnet" Some("--service-cidr"), defaults::SERVICE_CIDR, Text service_cidr;
    Cluster "networking.dnsDomain" Some("--service-dns-domain"), defaults::DNS_DOMAIN, Text dns_domain;
    Cluster "networking.podSubnet" None, "none; only checked", Text pod_cidr;
    Cluster "apiServer.certSANs" Some("--apiserver-cert-extra-sans"), NONE, Texts apiserver_extra_sans;
    Cluster "etcd.local.serverCertSANs" Some("--etcd-extra-sans"), NONE, Texts etcd_server_extra_sans;
    Cluster "etcd.local.peerCertSANs" Some("--etcd-extra-sans"), NONE, Texts etcd_peer_extra_sans;
    Cluster "etcd.external.endpoints" None, "none; for `certs flags`", Texts external_etcd_endpoints;
    Cluster "etcd.external.caFile" None, "none; for `certs flags`", Text external_etcd_ca;
    Cluster "etcd.external.certFile" None, "none; for `certs flags`", Text external_etcd_certificate;
    Cluster "etcd.external.keyFile" None, "none; for `certs flags`", Text external_etcd_key;
    Cluster "encryptionAlgorithm" Some("--key-algorithm"), defaults::KEY_ALGORITHM, Text key_algorithm;
    Cluster "featureGates.PublicKeysECDSA" None, "unset; overrides encryptionAlgorithm", Gate public_keys_ecdsa;
    Cluster "certificateValidityPeriod" Some("--validity"), defaults::VALIDITY, Text validity;
    Cluster "caCertificateValidityPeriod" Some("--ca-validity"), defaults::CA_VALIDITY, Text ca_validity;
};

/// What of a path counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Counts {
    Below,
    Itself,
    Not,
}

/// What of a path counts in a kind of document.
pub(super) fn counts(kind: Option<Kind>, path: &str) -> Counts {
    let below = |field: &Honoured| {
        field
            .path
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    let mut fields = HONOURED.iter().filter(|field| Some(field.kind) == kind);
    if fields.clone().any(|field| field.path == path) {
        Counts::Itself
    } else if fields.any(below) {
        Counts::Below
    } else {
        Counts::Not
    }
}

/// Takes the values of all fields that count.
pub(super) fn read(run: &mut Run, document: &Node, kind: Kind, given: &mut Given) {
    for field in HONOURED.iter().filter(|field| field.kind == kind) {
        if let Some(node) = at(document, field.path) {
            field.take(run, node, given);
        }
    }
    if let Some(external) = at(document, "etcd.external") {
        given.external_etcd = true;
        if at(document, "etcd.local").is_some() {
            run.refuse(
                external.line,
                "etcd.external beside etcd.local: keep the one that is there",
            );
        }
    }
}

/// The value at a path; null counts as nothing.
fn at<'a>(document: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('.')
        .try_fold(document, |node, name| node.get(name))
        .filter(|node| node.value != Value::Null)
}

impl Honoured {
    fn take(&self, run: &mut Run, node: &Node, given: &mut Given) {
        let file = run.file;
        let origin = |line: usize| format!("{} ({file} line {line})", self.path);
        match (self.target, &node.value) {
            (Target::Bool(place), Value::Bool(value)) => *place(given) = Some(*value),
            (Target::Gate(place), Value::Bool(value)) => {
                *place(given) = Some(Stated::new(*value, origin(node.line)));
            }
            (Target::Number(place), Value::Integer(value)) => {
                *place(given) = Some(Stated::new(value.to_string(), origin(node.line)));
            }
            (Target::Text(place), Value::Text(text)) => {
                *place(given) = Some(Stated::new(text.as_str(), origin(node.line)));
            }
            (Target::Texts(place), Value::List(items)) => {
                for item in items {
                    match item.as_text() {
                        Some(text) => place(given).push(Stated::new(text, origin(item.line))),
                        None => run.refuse(
                            item.line,
                            format!("{} has {} in it: {QUOTE}", self.path, item.kind()),
                        ),
                    }
                }
            }
            // Where a single value is wanted, the walk over all fields has told it already.
            (Target::Texts(_), _) => {}
            (target, Value::List(_) | Value::Map(_)) if !matches!(target, Target::Gate(_)) => {}
            (target, _) => run.refuse(
                node.line,
                format!("{} is {}, {}", self.path, node.kind(), target.wanted()),
            ),
        }
    }
}

const QUOTE: &str = "texts are wanted, put quotes around it";

impl Target {
    fn wanted(self) -> &'static str {
        match self {
            Self::Bool(_) | Self::Gate(_) => "true or false is wanted: write it without quotes",
            Self::Number(_) => "a whole number is wanted: write it without quotes",
            Self::Text(_) | Self::Texts(_) => "a text is wanted: put quotes around it",
        }
    }
}
