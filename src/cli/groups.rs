//! Groups of flags, which are the same wherever they stand.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

arguments! {
    /// Trees of many nodes.
    Nodes {
        /// Make a tree for every node of this inventory, - for standard input (docs/inventory.md)
        #[arg(long, value_name = "FILE", requires = "out")]
        #[arg(conflicts_with_all = ["node_name", "apiserver_advertise_address", "kubernetes_dir", "cert_dir", "kubeconfig_dir"])]
        inventory: Option<PathBuf>,
        /// Directory of the nodes' trees: NODE/etc/kubernetes and NODE/var/lib/kubelet/pki of each, and
        /// beside them, in ca, what they share
        #[arg(long, value_name = "DIR", requires = "inventory")] out: Option<PathBuf>,
        /// Which nodes of --inventory get the keys of CAs: control-plane, or none
        #[arg(long, value_name = "WHERE", default_value = "control-plane", requires = "inventory")]
        #[arg(hide_possible_values = true)]
        ca_keys: CaKeys,
        /// Write each tree of --inventory into one tar archive too, NODE.tar beside it
        #[arg(long, requires = "inventory")] archive: bool,
    }
    /// Trees of many nodes, which are there.
    NodeTrees {
        /// All nodes of this inventory, - for standard input (docs/inventory.md)
        #[arg(long, value_name = "FILE", requires = "out")]
        #[arg(conflicts_with_all = ["node_name", "apiserver_advertise_address", "node_ip", "kubernetes_dir", "cert_dir",
            "kubeconfig_dir", "kubelet_dir"])]
        inventory: Option<PathBuf>,
        /// Directory of the nodes' trees, as certs all makes them
        #[arg(long, value_name = "DIR", requires = "inventory")] out: Option<PathBuf>,
    }
    /// The same, of a verb that asks nothing about one node.
    AllNodes {
        /// All nodes of this inventory, - for standard input (docs/inventory.md)
        #[arg(long, value_name = "FILE", requires = "out")]
        #[arg(conflicts_with_all = ["kubernetes_dir", "cert_dir", "kubeconfig_dir", "kubelet_dir"])]
        inventory: Option<PathBuf>,
        /// Directory of the nodes' trees, as certs all makes them
        #[arg(long, value_name = "DIR", requires = "inventory")] out: Option<PathBuf>,
    }
    /// The node.
    NodeName {
        /// Name of the node [default: this host's name]
        #[arg(long, value_name = "NAME")] node_name: Option<String>,
    }
    /// Where the API server listens.
    Address {
        /// Address the API server advertises [default: that of the default route's interface]
        #[arg(long, value_name = "IP")] apiserver_advertise_address: Option<String>,
    }
    /// The port of the API server, which stands in kubeconfigs.
    BindPort {
        /// Port the API server listens on [default: 6443]
        #[arg(long, value_name = "PORT")] apiserver_bind_port: Option<String>,
    }
    /// The control-plane endpoint.
    Endpoint {
        /// Stable address or DNS name of the control plane, with a port if it has its own
        #[arg(long, value_name = "HOST[:PORT]")] control_plane_endpoint: Option<String>,
    }
    /// What the API server's certificate is good for.
    Services {
        /// Further names and addresses of the API server, separated by commas; repeatable
        #[arg(long, value_name = "SAN", value_delimiter = ',')]
        apiserver_cert_extra_sans: Vec<String>,
        #[command(flatten)] network: ServiceNetwork,
    }
    /// The services.
    ServiceNetwork {
        /// Range of the services' addresses, or two of different families [default: 10.96.0.0/12]
        #[arg(long, value_name = "CIDR[,CIDR]")] service_cidr: Option<String>,
        /// DNS domain of the services [default: cluster.local]
        #[arg(long, value_name = "DOMAIN")] service_dns_domain: Option<String>,
    }
    /// The members of etcd.
    EtcdMembers {
        /// A member of etcd beside this node; repeatable
        #[arg(long, value_name = "NAME=IP")] etcd_member: Vec<String>,
    }
    /// What the etcd member's certificates are good for.
    EtcdSans {
        /// Further names and addresses of the etcd member, separated by commas; repeatable
        #[arg(long, value_name = "SAN", value_delimiter = ',')] etcd_extra_sans: Vec<String>,
    }
    /// The cluster's version.
    KubernetesVersion {
        /// Version of Kubernetes, which decides the groups of apiserver-kubelet-client
        #[arg(long, value_name = "VERSION")] kubernetes_version: Option<String>,
    }
    /// The keys.
    KeyAlgorithm {
        /// RSA-2048, RSA-3072, RSA-4096, ECDSA-P256 or ECDSA-P384 [default: RSA-2048]
        #[arg(long, value_name = "ALGORITHM")] key_algorithm: Option<String>,
    }
    /// How long leaves are good for.
    Validity {
        /// Validity of certificates, as 8760h or 365d [default: 8760h]
        #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
        validity: Option<String>,
    }
    /// How long CAs are good for.
    CaValidity {
        /// Validity of CAs, as 87600h or 3650d [default: 87600h]
        #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
        ca_validity: Option<String>,
    }
    /// A user of one's own.
    Own {
        /// User name of an identity of your own, stored as NAME
        #[arg(long, value_name = "USER", requires = "names")] common_name: Option<String>,
        /// Group of an identity of your own; repeatable
        #[arg(long, value_name = "GROUP", requires = "common_name")] organization: Vec<String>,
    }
    /// Where the kubelet's certificates are.
    KubeletDir {
        /// Directory of the kubelet's certificates [default: /var/lib/kubelet/pki]
        #[arg(long, value_name = "DIR")] kubelet_dir: Option<PathBuf>,
    }
    /// What the kubelet's serving certificate is good for.
    NodeIp {
        /// Address of the node, for kubelet-serving, separated by commas; repeatable
        /// [default: the advertise address]
        #[arg(long, value_name = "IP", value_delimiter = ',')] node_ip: Vec<String>,
    }
    /// Where requests go.
    CsrDir {
        /// Directory of the requests [default: csr in the directory of --kubernetes-dir]
        #[arg(long, value_name = "DIR")] csr_dir: Option<PathBuf>,
    }
    /// Where kubeconfigs go.
    KubeconfigDir {
        /// Directory of the kubeconfigs [default: the directory of --kubernetes-dir]
        #[arg(long, value_name = "DIR")] kubeconfig_dir: Option<PathBuf>,
    }
    /// What verbs that sign take.
    Signing {
        /// File with the passphrase of a CA's key, of all or of the one named; repeatable
        /// [env: CERTS_CA_PASSPHRASE, the passphrase itself]
        #[arg(long, value_name = "[CA=]FILE")] ca_passphrase_file: Vec<String>,
        /// Reissue what is there: those named, or all that is not as wanted. Never a CA or sa.key
        #[arg(long)] force: bool,
        /// Keep no backup of the files that --force replaces
        #[arg(long, requires = "force")] no_backup: bool,
    }
    /// Whose the files made are.
    Ownership {
        /// User who owns the files made, by name or number
        #[arg(long, value_name = "USER")] owner: Option<String>,
        /// Group of the files made, by name or number
        #[arg(long, value_name = "GROUP")] group: Option<String>,
    }
    /// Which tree, and what its configuration says.
    #[command(next_help_heading = "Options of every verb")]
    Tree {
        /// kubeadm configuration, v1beta3 or v1beta4, - for standard input; flags go before it
        #[arg(long, value_name = "FILE")] config: Option<PathBuf>,
        /// What to do about fields of --config that no version has: error refuses them, warn
        /// passes over them, for the file of a newer kubeadm
        #[arg(long, value_name = "WHAT", default_value = "error", requires = "config")]
        #[arg(hide_possible_values = true)]
        config_unknown: Unknown,
        /// Directory of the cluster's files [default: /etc/kubernetes]
        #[arg(long, value_name = "DIR")] kubernetes_dir: Option<PathBuf>,
        /// Directory of the certificates [default: pki in the directory of --kubernetes-dir]
        #[arg(long, value_name = "DIR")] cert_dir: Option<PathBuf>,
    }
    /// What every verb takes.
    #[command(next_help_heading = "Options of every verb")]
    Run {
        #[command(flatten)] tree: Tree,
        /// Tell what would be done, and write nothing
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
            hide_possible_values = true, value_name = "true|false")]
        dry_run: Option<bool>,
        /// How to report: text for people, json or yaml for programs (docs/output.md)
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        #[arg(hide_possible_values = true)]
        output: Output,
        /// Print errors alone; only with --output text
        #[arg(short, long)] quiet: bool,
        /// How long to wait for another run to end
        #[arg(long, value_name = "DURATION", default_value = "60s")] lock_timeout: String,
        /// The least severity that makes the exit code other than 0: warning, or error
        #[arg(long, value_name = "SEVERITY", default_value = "warning")]
        #[arg(hide_possible_values = true)]
        fail_on: FailOn,
    }
}

/// `--output`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For programs, see docs/output.md
    Json,
    /// The same as YAML
    Yaml,
}

/// `--ca-keys`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CaKeys {
    /// The control planes, as kubeadm has it
    ControlPlane,
    /// No node: they stay where they are made
    None,
}

/// `--config-unknown`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unknown {
    /// Refuse them, with the nearest name
    Error,
    /// Pass over them with a warning, for the file of a newer kubeadm
    Warn,
}

/// `--fail-on`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Errors alone
    Error,
    /// Warnings too
    Warning,
}
