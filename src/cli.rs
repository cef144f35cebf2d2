//! What was typed: clap's derive, and nothing else.
//!
//! A verb takes just the flags that matter to what it makes, spelled as kubeadm spells them. The
//! groups of flags are the same wherever they stand; `cmd` turns them into facts.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::profile::flags::COMPONENTS;

macro_rules! exit_codes {
    () => {
        "Exit codes:\n  \
         0  everything is as wanted\n  \
         1  failed: a file could not be read or written, the lock was not to be had, signing failed\n  \
         2  arguments or configuration wrong; nothing was written\n  \
         3  done, with warnings (0 with --fail-on error)\n  \
         4  refused: what is there is not as wanted; nothing was written"
    };
}

macro_rules! help {
    ($($example:literal)+) => {
        concat!("Examples:\n", $("  ", $example, "\n",)+ "\n", exit_codes!())
    };
}

/// Builds and looks after the PKI of a Kubernetes cluster.
#[derive(Debug, Parser)]
#[command(name = "certs", version, after_help = exit_codes!(), max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// The verbs, the one that does everything first.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make the whole tree: CAs, certificates, service account keys, kubeconfigs
    #[command(after_help = help!(
        "certs all"
        "certs all --config kubeadm.yaml"
        "certs all --kubernetes-dir k8s --node-name cp1 --apiserver-advertise-address 10.0.0.10"
        "certs all --config kubeadm.yaml --dry-run"
        "certs all --config kubeadm.yaml --force    (replaces what drifted)"
    ))]
    All(All),
    /// Make CAs: ca, etcd-ca, front-proxy-ca
    #[command(after_help = help!(
        "certs ca"
        "certs ca etcd-ca --ca-validity 1825d"
        "certs ca ca --subject '/C=CN/ST=Guangdong/O=Example/CN=kubernetes'"
    ))]
    Ca(Ca),
    /// Look at every certificate, key and kubeconfig that is there, and tell what is wrong
    #[command(after_help = concat!(
        "Examples:\n  \
         certs check\n  \
         certs check --config kubeadm.yaml\n  \
         certs check --within 60d --fail-on error --output json\n  \
         certs check --output prometheus --output-file /var/lib/node_exporter/certs.prom\n\n\
         What neither --config nor a flag states is told by the files themselves, where they agree, and\n\
         not by this machine.\n\n\
         Exit codes:\n  \
         0  nothing is wrong, or notes alone\n  \
         1  failed: a file could not be read\n  \
         2  arguments or configuration wrong\n  \
         3  warnings: it ends soon, or is not as it should be (0 with --fail-on error)\n  \
         4  errors: it does not work, or others may use a key"
    ))]
    Check(Check),
    /// Make client certificates: the components', a kubeconfig's identity as a pair, or your own
    #[command(after_help = help!(
        "certs client"
        "certs client apiserver-etcd-client"
        "certs client admin"
        "certs client alice --common-name alice --organization dev --organization ops"
    ))]
    Client(Client),
    /// Print a completion script for a shell
    #[command(after_help = concat!(
        "Examples:\n  \
         certs completion bash > /etc/bash_completion.d/certs\n  \
         certs completion zsh > /usr/local/share/zsh/site-functions/_certs\n\n\
         Exit codes:\n  \
         0  printed\n  \
         1  failed: standard output could not be written\n  \
         2  arguments wrong"
    ))]
    Completion(Completion),
    /// Make keys and requests for what another machine is to sign: whatever is missing or due
    #[command(after_help = help!(
        "certs csr --csr-dir requests --config kubeadm.yaml"
        "certs csr apiserver kubelet-serving --csr-dir requests"
        "certs csr ca --csr-dir requests    (for a CA above it to sign)"
        "certs csr --csr-dir requests --within 60d"
    ))]
    Csr(Csr),
    /// Hand out what is in the tree in the form that others take
    #[command(disable_help_subcommand = true, after_help = help!(
        "certs export pkcs12 admin --output-file admin.p12"
        "certs export secret front-proxy-client --output-file secret.yaml"
        "certs export bundle --output-file pki.tar"
    ))]
    Export(Export),
    /// Print the options by which a component uses the tree
    #[command(after_help = concat!(
        "Examples:\n  \
         certs flags kube-apiserver --config kubeadm.yaml\n  \
         certs flags kube-controller-manager --output yaml\n  \
         certs flags etcd --etcd-member cp2=10.0.0.11 --etcd-member cp3=10.0.0.12 --output env\n  \
         certs flags kubelet --output config\n\n\
         Exit codes:\n  \
         0  printed\n  \
         1  failed: a file could not be read\n  \
         2  arguments or configuration wrong"
    ))]
    Flags(Flags),
    /// Put what another machine signed in its place, if it is what was asked for
    #[command(after_help = help!(
        "certs import requests"
        "certs import requests apiserver admin    (those that came back)"
        "certs import requests --dry-run"
    ))]
    Import(Import),
    /// Make kubeconfigs: the components', or your own
    #[command(after_help = help!(
        "certs kubeconfig"
        "certs kubeconfig admin --control-plane-endpoint api.example.com:6443"
        "certs kubeconfig admin --embed-certs=false    (names pki/admin.crt and pki/admin.key)"
        "certs kubeconfig alice --common-name alice --organization dev"
    ))]
    Kubeconfig(Kubeconfig),
    /// Make the certificate by which etcd members know each other
    #[command(after_help = help!(
        "certs peer"
        "certs peer --node-name etcd1 --apiserver-advertise-address 10.0.0.21"
    ))]
    Peer(Peer),
    /// Renew what ends soon, as it is: with its subject, names and chain, for another time
    #[command(after_help = concat!(
        "Examples:\n  \
         certs renew\n  \
         certs renew --within 60d --dry-run\n  \
         certs renew --all --exec 'systemctl restart kubelet'\n  \
         certs renew apiserver --add-san api.example.com\n  \
         certs renew ca    (the same key: what it signed stays good)\n\n\
         --exec is run by /bin/sh after files were written, with CERTS_CHANGED (the names of what\n\
         changed) and CERTS_RESTART (the processes that must be restarted) in its environment, both\n\
         separated by blanks. Its standard output goes to standard error.\n\n\
         Exit codes:\n  \
         0  renewed what was due, or nothing was\n  \
         1  failed: a file could not be read or written, the lock was not to be had, signing failed;\n     \
         or --exec failed, after all was written\n  \
         2  arguments or configuration wrong; nothing was written\n  \
         3  done, with warnings: something due was not renewed, a CA that was not named for one\n     \
         (0 with --fail-on error)\n  \
         4  errors: something is not as it should be. By name: refused, nothing was written. Else all\n     \
         that is sound was renewed"
    ))]
    Renew(Renew),
    /// Put back what the last run replaced
    #[command(after_help = concat!(
        "Examples:\n  \
         certs rollback\n  \
         certs rollback --list\n  \
         certs rollback --dry-run\n  \
         certs rollback --kubernetes-dir k8s\n  \
         certs rollback    (once more: undoes the first)\n\n\
         Exit codes:\n  \
         0  put back, or everything was as before that run; with --list: listed\n  \
         1  failed: a file could not be read or written, the lock was not to be had\n  \
         2  arguments or configuration wrong; nothing was written\n  \
         3  done, with warnings (0 with --fail-on error)\n  \
         4  refused: there is no backup, it is damaged, or a file was changed since; nothing was written"
    ))]
    Rollback(Rollback),
    /// Make the key pair that signs and verifies the tokens of service accounts
    #[command(after_help = help!(
        "certs sa"
        "certs sa --key-algorithm ECDSA-P256"
    ))]
    Sa(Sa),
    /// Make serving certificates: apiserver, etcd-server; by name also kubelet-serving
    #[command(after_help = help!(
        "certs server"
        "certs server apiserver --apiserver-cert-extra-sans api.example.com,10.0.0.100"
        "certs server kubelet-serving --node-name worker1 --node-ip 10.0.1.1"
    ))]
    Server(Server),
    /// Tell in plain words what is in a file, and what Kubernetes makes of it
    #[command(after_help = concat!(
        "Examples:\n  \
         certs show /etc/kubernetes/pki/apiserver.crt\n  \
         certs show --output json admin.conf\n  \
         openssl s_client -connect 10.0.0.10:6443 </dev/null | openssl x509 | certs show -\n\n\
         Certificates, chains, requests, keys and kubeconfigs, in PEM or DER. Of a private key the\n\
         public half alone is told. What verifies a certificate is looked for in the file and among\n\
         the CAs of the tree.\n\n\
         Exit codes:\n  \
         0  shown\n  \
         1  failed: the file, or a part of it, could not be read\n  \
         2  arguments wrong, or the file holds nothing that is known"
    ))]
    Show(Show),
    /// Sign requests from other machines, by the profile: of a request only the public key is taken
    #[command(after_help = help!(
        "certs sign requests --node-name cp1 --apiserver-advertise-address 10.0.0.10"
        "certs sign requests --config cp1.yaml"
        "certs sign admin.csr"
        "certs sign worker1.csr --as kubelet --node-name worker1"
        "certs sign requests --config cp1.yaml --accept-sans"
    ))]
    Sign(Sign),
}

macro_rules! arguments {
    ($($(#[$doc:meta])+ $verb:ident { $($(#[$meta:meta])* $field:ident: $group:ty),+ $(,)? })+) => {$(
        #[derive(Clone, Debug, Args)]
        #[allow(clippy::struct_field_names, reason = "a field is called as its flag")]
        $(#[$doc])+
        pub struct $verb {
            $($(#[$meta])* pub(crate) $field: $group,)+
        }
    )+};
}

mod export;
mod groups;
mod handed;

pub use export::{Export, ExportBundle, ExportPkcs12, ExportSecret, ExportVerb, SecretType};
pub use groups::{
    Address, BindPort, CaValidity, CsrDir, Endpoint, EtcdMembers, EtcdSans, FailOn, KeyAlgorithm,
    KubeconfigDir, KubeletDir, KubernetesVersion, NodeIp, NodeName, Output, Own, Ownership, Run,
    ServiceNetwork, Services, Signing, Tree, Unknown, Validity,
};
pub use handed::{Bootstrap, KubeconfigVerb, Refresh};

arguments! {
    /// `certs all`
    All {
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
        /// Tell of certificates that end within this time [default: 30d]
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
        #[command(flatten)] ca_validity: CaValidity,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] kubelet_dir: KubeletDir,
        /// How to report: text for people, json or yaml for programs, prometheus for metrics
        /// (docs/output.md)
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        #[arg(hide_possible_values = true)]
        output: CheckOutput,
        /// Where to write the report, outside the directories of the tree: a new file, an empty one, or
        /// one that this verb wrote before in the same form; standard output stays empty
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
        /// Renew certificates that end within this time [default: 30d, or the last third of its time]
        #[arg(long, value_name = "DURATION", conflicts_with = "all")] within: Option<String>,
        /// Tell of CAs that end within this time, and that are renewed by name alone [default: 180d]
        #[arg(long, value_name = "DURATION")] ca_within: Option<String>,
        /// Renew all certificates; a CA is renewed by its name alone
        #[arg(long)] all: bool,
        /// Keep the keys, and write certificates alone
        #[arg(long, conflicts_with = "key_algorithm")] reuse_key: bool,
        /// Add names and addresses, separated by commas; repeatable
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

/// The completion script of a shell.
pub(crate) fn completion(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "certs", &mut script);
    script
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

/// The components that the table of options knows.
fn components() -> PossibleValuesParser {
    COMPONENTS.iter().map(|component| component.name).into()
}
