//! What each verb takes.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use clap_complete::Shell;

use super::{
    Address, AllNodes, BindPort, CaKeys, CaValidity, CsrDir, Endpoint, EtcdMembers, EtcdSans,
    FailOn, KeyAlgorithm, KubeconfigDir, KubeconfigVerb, KubeletDir, KubernetesVersion, NodeIp,
    NodeName, NodeTrees, Nodes, Output, Own, Ownership, Run, ServiceNetwork, Services, Signing,
    Tree, Validity,
};
use crate::profile::flags::COMPONENTS;

arguments! {
    /// `certs all`
    All {
        #[command(flatten)] nodes: Nodes,
        #[command(flatten)] node: NodeName,
        #[command(flatten)] address: Address,
        #[command(flatten)] port: BindPort,
        #[command(flatten)] endpoint: Endpoint,
        #[command(flatten)] services: Services,
        #[command(flatten)] etcd: EtcdSans,
        #[command(flatten)] version: KubernetesVersion,
        #[command(flatten)] key: KeyAlgorithm,
        #[command(flatten)] validity: Validity,
        #[command(flatten)] ca_validity: CaValidity,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] signing: Signing,
        #[command(flatten)] ownership: Ownership,
        #[command(flatten)] run: Run,
    }
    /// `certs ca`
    Ca {
        /// Names of CAs; all three without
        #[arg(value_name = "NAME")] names: Vec<String>,
        /// Subject of the CA named, RDNs in the order they are encoded:
        /// '/C=CN/O=Example/CN=kubernetes' or 'C=CN,O=Example,CN=kubernetes'
        #[arg(long, value_name = "SUBJECT")] subject: Option<String>,
        #[command(flatten)] key: KeyAlgorithm,
        #[command(flatten)] ca_validity: CaValidity,
        #[command(flatten)] ownership: Ownership,
        #[command(flatten)] run: Run,
    }
    /// `certs check`
    Check {
        #[command(flatten)] nodes: NodeTrees,
        /// Which nodes of --inventory are to have the keys of CAs: control-plane, or none
        #[arg(long, value_name = "WHERE", default_value = "control-plane", requires = "inventory")]
        #[arg(hide_possible_values = true)]
        ca_keys: CaKeys,
        /// Tell of certificates that end within this time [default: 30d, or the last third of its time]
        #[arg(long, value_name = "DURATION")] within: Option<String>,
        /// Tell of CAs that end within this time [default: 180d]
        #[arg(long, value_name = "DURATION")] ca_within: Option<String>,
        #[command(flatten)] node: NodeName,
        #[command(flatten)] address: Address,
        #[command(flatten)] port: BindPort,
        #[command(flatten)] endpoint: Endpoint,
        #[command(flatten)] services: Services,
        #[command(flatten)] etcd: EtcdSans,
        #[command(flatten)] node_ip: NodeIp,
        #[command(flatten)] version: KubernetesVersion,
        #[command(flatten)] key: KeyAlgorithm,
        #[command(flatten)] validity: Validity,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] kubelet_dir: KubeletDir,
        /// How to report: text for people, json or yaml for programs, prometheus for metrics
        /// (docs/output.md)
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        #[arg(hide_possible_values = true)]
        output: CheckOutput,
        /// Where to write the report, outside the directories of the tree: a new file, an empty one, or
        /// one that is a report in the same form from beginning to end; standard output stays empty
        #[arg(long, value_name = "FILE")] output_file: Option<PathBuf>,
        /// Print errors alone; only with --output text
        #[arg(short, long)] quiet: bool,
        /// The least severity that makes the exit code other than 0: warning, or error
        #[arg(long, value_name = "SEVERITY", default_value = "warning")]
        #[arg(hide_possible_values = true)]
        fail_on: FailOn,
        #[command(flatten)] tree: Tree,
    }
    /// `certs client`
    Client {
        /// Names of client certificates or of kubeconfig identities, or one of your own
        #[arg(value_name = "NAME")] names: Vec<String>,
        #[command(flatten)] own: Own,
        #[command(flatten)] node: NodeName,
        #[command(flatten)] version: KubernetesVersion,
        #[command(flatten)] key: KeyAlgorithm,
        #[command(flatten)] validity: Validity,
        #[command(flatten)] signing: Signing,
        #[command(flatten)] ownership: Ownership,
        #[command(flatten)] run: Run,
    }
    /// `certs completion`
    Completion {
        /// The shell
        #[arg(value_name = "SHELL")] shell: Shell,
    }
    /// What is asked for where another machine signs.
    CsrFacts {
        #[command(flatten)] node: NodeName,
        #[command(flatten)] address: Address,
        #[command(flatten)] port: BindPort,
        #[command(flatten)] endpoint: Endpoint,
        #[command(flatten)] services: Services,
        #[command(flatten)] etcd: EtcdSans,
        #[command(flatten)] node_ip: NodeIp,
        #[command(flatten)] version: KubernetesVersion,
        #[command(flatten)] key: KeyAlgorithm,
    }
    /// `certs csr`
    Csr {
        /// Names of certificates, kubeconfigs or CAs; without, what a control plane has of its own
        #[arg(value_name = "NAME")] names: Vec<String>,
        #[command(flatten)] nodes: NodeTrees,
        #[command(flatten)] csr_dir: CsrDir,
        /// Ask for what ends within this time; by name, whether it is due or not [default: 30d, or the
        /// last third of its time]
        #[arg(long, value_name = "DURATION")] within: Option<String>,
        #[command(flatten)] facts: CsrFacts,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] kubelet_dir: KubeletDir,
        #[command(flatten)] ownership: Ownership,
        #[command(flatten)] run: Run,
    }
    /// `certs import`
    Import {
        /// The directory of the requests, with what came back: NAME.crt beside NAME.csr
        #[arg(value_name = "DIR")] directory: PathBuf,
        /// Names of those to import; without, all that were asked for must have come back
        #[arg(value_name = "NAME")] names: Vec<String>,
        #[command(flatten)] nodes: NodeTrees,
        #[command(flatten)] facts: CsrFacts,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] kubelet_dir: KubeletDir,
        #[command(flatten)] ownership: Ownership,
        #[command(flatten)] run: Run,
    }
    /// `certs flags`
    Flags {
        /// The component
        #[arg(value_name = "COMPONENT", value_parser = components())] component: String,
        #[command(flatten)] node: NodeName,
        #[command(flatten)] address: Address,
        #[command(flatten)] port: BindPort,
        #[command(flatten)] services: ServiceNetwork,
        #[command(flatten)] members: EtcdMembers,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] kubelet_dir: KubeletDir,
        /// In which form: args, one a line; yaml, the command of a static pod; env, the environment
        /// of etcd; config, the configuration file of kubelet or kube-proxy
        #[arg(short, long, value_name = "FORMAT", default_value = "args")]
        #[arg(hide_possible_values = true)]
        output: Form,
        #[command(flatten)] tree: Tree,
    }
    /// `certs kubeconfig`
    #[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
    Kubeconfig {
        #[command(subcommand)] verb: Option<KubeconfigVerb>,
        /// Names of kubeconfigs, or one of your own
        #[arg(value_name = "NAME")] names: Vec<String>,
        #[command(flatten)] own: Own,
        /// Whether the certificate and key stand in the kubeconfig itself; with false it names them, as
        /// NAME.crt and NAME.key beside the CA's [default: as it is there, else true]
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
            hide_possible_values = true, value_name = "true|false")]
        embed_certs: Option<bool>,
        #[command(flatten)] node: NodeName,
        #[command(flatten)] address: Address,
        #[command(flatten)] port: BindPort,
        #[command(flatten)] endpoint: Endpoint,
        #[command(flatten)] key: KeyAlgorithm,
        #[command(flatten)] validity: Validity,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] signing: Signing,
        #[command(flatten)] ownership: Ownership,
        #[command(flatten)] run: Run,
    }
    /// `certs peer`
    Peer {
        /// Only etcd-peer; with its name --force reissues it, drifted or not
        #[arg(value_name = "NAME")] names: Vec<String>,
        #[command(flatten)] node: NodeName,
        #[command(flatten)] address: Address,
        #[command(flatten)] etcd: EtcdSans,
        #[command(flatten)] key: KeyAlgorithm,
        #[command(flatten)] validity: Validity,
        #[command(flatten)] signing: Signing,
        #[command(flatten)] ownership: Ownership,
        #[command(flatten)] run: Run,
    }
    /// `certs renew`
    Renew {
        /// Names as `certs check` tells them, or paths of the tree; without, what is due
        #[arg(value_name = "NAME", conflicts_with_all = ["all", "within", "ca_within"])] names: Vec<String>,
        #[command(flatten)] nodes: NodeTrees,
        /// Renew certificates that end within this time [default: 30d, or the last third of its time]
        #[arg(long, value_name = "DURATION", conflicts_with = "all")] within: Option<String>,
        /// Tell of CAs that end within this time, and that are renewed by name alone [default: 180d]
        #[arg(long, value_name = "DURATION")] ca_within: Option<String>,
        /// Renew all certificates; a CA is renewed by its name alone
        #[arg(long)] all: bool,
        /// Keep the keys, and write certificates alone
        #[arg(long, conflicts_with = "key_algorithm")] reuse_key: bool,
        /// Add names and addresses, separated by commas; repeatable; with --all to servers' certificates
        #[arg(long, value_name = "SAN", value_delimiter = ',', requires = "names")]
        add_san: Vec<String>,
        /// Take away names and addresses, separated by commas; repeatable
        #[arg(long, value_name = "SAN", value_delimiter = ',', requires = "names")]
        remove_san: Vec<String>,
        /// Run a command of the shell after files were written
        #[arg(long, value_name = "COMMAND")] exec: Option<String>,
        #[command(flatten)] node: NodeName,
        #[command(flatten)] address: Address,
        #[command(flatten)] endpoint: Endpoint,
        #[command(flatten)] services: Services,
        #[command(flatten)] etcd: EtcdSans,
        #[command(flatten)] node_ip: NodeIp,
        #[command(flatten)] key: KeyAlgorithm,
        #[command(flatten)] validity: Validity,
        #[command(flatten)] ca_validity: CaValidity,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] kubelet_dir: KubeletDir,
        /// File with the passphrase of a CA's key, of all or of the one named; repeatable
        /// [env: CERTS_CA_PASSPHRASE, the passphrase itself]
        #[arg(long, value_name = "[CA=]FILE")] ca_passphrase_file: Vec<String>,
        #[command(flatten)] run: Run,
    }
    /// `certs rollback`
    Rollback {
        /// List the backups there are, the youngest first, and put nothing back
        #[arg(long, conflicts_with = "dry_run")] list: bool,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] kubelet_dir: KubeletDir,
        #[command(flatten)] csr_dir: CsrDir,
        #[command(flatten)] run: Run,
    }
    /// `certs rotate`
    Rotate {
        /// What is replaced: ca, etcd-ca, front-proxy-ca or sa; or status, which tells how far each is
        #[arg(value_name = "WHAT", value_parser = rotated())] what: String,
        /// To which stage it is brought, or back by one: trust, issue, drop or back
        #[arg(value_name = "STAGE", hide_possible_values = true)] stage: Option<RotateStage>,
        /// Everything is restarted that the stage before told to restart, and was proved to run with what
        /// it wrote: issue and drop need that, and back after a step back
        #[arg(long)] restarted: bool,
        #[command(flatten)] nodes: AllNodes,
        /// Common name of the next CA, at trust [default: that of the present one, with a number]
        #[arg(long, value_name = "NAME")] common_name: Option<String>,
        #[command(flatten)] key: KeyAlgorithm,
        #[command(flatten)] ca_validity: CaValidity,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] kubelet_dir: KubeletDir,
        /// File with the passphrase of a CA's key, of all or of the one named; repeatable
        /// [env: CERTS_CA_PASSPHRASE, the passphrase itself]
        #[arg(long, value_name = "[CA=]FILE")] ca_passphrase_file: Vec<String>,
        #[command(flatten)] run: Run,
    }
    /// `certs sa`
    Sa {
        #[command(flatten)] key: KeyAlgorithm,
        #[command(flatten)] ownership: Ownership,
        #[command(flatten)] run: Run,
    }
    /// `certs sign`
    Sign {
        /// A request, or a directory of requests that are called NAME.csr, or as kubeadm calls them
        #[arg(value_name = "DIR|FILE")] requests: PathBuf,
        /// Sign for all nodes of this inventory, each by what it says of them: DIR has a folder for each, as
        /// certs csr --inventory makes it, or is one of these
        #[arg(long, value_name = "FILE")]
        #[arg(conflicts_with_all = ["as_name", "node_name", "apiserver_advertise_address", "node_ip"])]
        inventory: Option<PathBuf>,
        /// The profile of the one request, where its file is not called by it
        #[arg(long = "as", value_name = "NAME")] as_name: Option<String>,
        /// Make serving certificates good for what is asked for beyond the facts; each is told
        #[arg(long)] accept_sans: bool,
        #[command(flatten)] node: NodeName,
        #[command(flatten)] address: Address,
        #[command(flatten)] endpoint: Endpoint,
        #[command(flatten)] services: Services,
        #[command(flatten)] etcd: EtcdSans,
        #[command(flatten)] node_ip: NodeIp,
        #[command(flatten)] version: KubernetesVersion,
        #[command(flatten)] validity: Validity,
        #[command(flatten)] signing: Signing,
        #[command(flatten)] ownership: Ownership,
        #[command(flatten)] run: Run,
    }
    /// `certs server`
    Server {
        /// Names of serving certificates; apiserver and etcd-server without
        #[arg(value_name = "NAME")] names: Vec<String>,
        #[command(flatten)] node: NodeName,
        #[command(flatten)] address: Address,
        #[command(flatten)] endpoint: Endpoint,
        #[command(flatten)] services: Services,
        #[command(flatten)] etcd: EtcdSans,
        #[command(flatten)] key: KeyAlgorithm,
        #[command(flatten)] validity: Validity,
        #[command(flatten)] kubelet_dir: KubeletDir,
        #[command(flatten)] node_ip: NodeIp,
        #[command(flatten)] signing: Signing,
        #[command(flatten)] ownership: Ownership,
        #[command(flatten)] run: Run,
    }
}

arguments! {
    /// `certs show`
    Show {
        /// The file; - for standard input
        #[arg(value_name = "FILE")] file: PathBuf,
        /// How to tell it: text for people, json or yaml for programs (docs/output.md)
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        #[arg(hide_possible_values = true)]
        output: Output,
        #[command(flatten)] tree: Tree,
    }
}

/// `--output` of `certs check`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    /// For programs, see docs/output.md
    Json,
    /// Metrics, for the textfile collector of node-exporter
    Prometheus,
    /// For people
    Text,
    /// The same as JSON, in YAML
    Yaml,
}

/// `--output` of `certs flags`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// An option a line
    Args,
    /// The configuration file
    Config,
    /// The environment
    Env,
    /// The command of a static pod
    Yaml,
}

/// The stage of `certs rotate`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RotateStage {
    /// To the stage before
    Back,
    /// The former one is trusted no more
    Drop,
    /// The next one signs
    Issue,
    /// The next one is trusted
    Trust,
}

/// What `certs rotate` tells of instead.
pub const STATUS: &str = "status";

/// What can be replaced in stages, and the word for all of them.
fn rotated() -> PossibleValuesParser {
    let names = crate::profile::rotation::rotated().map(|row| row.name);
    names.chain([STATUS]).collect::<Vec<_>>().into()
}

/// The components that the table of options knows.
fn components() -> PossibleValuesParser {
    COMPONENTS.iter().map(|component| component.name).into()
}
