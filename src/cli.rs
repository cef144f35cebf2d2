//! What was typed: clap's derive, and nothing else.
//!
//! A verb takes just the flags that matter to what it makes, spelled as kubeadm spells them. The
//! groups of flags are the same wherever they stand; `cmd` turns them into facts.

use clap::{Arg, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

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

macro_rules! handed_out {
    ($($example:literal)+) => {
        concat!(
            "Examples:\n", $("  ", $example, "\n",)+ "\n",
            "Exit codes:\n  \
             0  handed out\n  \
             1  failed: a file could not be read or written, a key is not here, or another run is writing\n  \
             2  arguments or configuration wrong; nothing was handed out\n  \
             3  handed out, with warnings\n  \
             4  refused: it is not as it should be; nothing was handed out"
        )
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
        "certs all --inventory nodes.yaml --out nodes    (a tree for every node)"
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
         certs check --output prometheus --output-file /var/lib/node_exporter/certs.prom\n  \
         certs check --inventory nodes.yaml --out nodes    (the tree of every node)\n\n\
         What neither --config nor a flag states is told by the files themselves, where they agree, and\n\
         not by this machine.\n\n\
         Exit codes:\n  \
         0  nothing is wrong, or notes alone\n  \
         1  failed: a file could not be read\n  \
         2  arguments or configuration wrong\n  \
         3  warnings: it ends soon, or is not as it should be (0 with --fail-on error)\n  \
         4  errors: it does not work, or others may use a key"
    ), mut_args(told_by_files))]
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
        "certs csr --inventory nodes.yaml --out nodes --csr-dir requests    (of every node)"
    ), mut_args(told_by_files_first))]
    Csr(Csr),
    /// Hand out what is in the tree in the form that others take
    #[command(disable_help_subcommand = true, after_help = handed_out!(
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
        "certs import requests --inventory nodes.yaml --out nodes    (of every node)"
    ), mut_args(told_by_files_first))]
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
         certs renew ca    (the same key: what it signed stays good)\n  \
         certs renew --inventory nodes.yaml --out nodes    (the tree of every node)\n  \
         certs renew node worker1 --inventory nodes.yaml --out nodes    (what its kubelet needs)\n\n\
         --exec is run by /bin/sh after files were written, with CERTS_CHANGED (the names of what\n\
         changed), CERTS_RESTART (the processes that must be restarted) and CERTS_UNKNOWN (the names of\n\
         what changed, and who reads that is not known here) in its environment, separated by blanks.\n\
         With --inventory it is run once, with NODE/NAME of each, also as lines on its standard input.\n\
         Its standard output goes to standard error. Where it fails, the error has the line to run by hand:\n\
         a later run finds nothing due, and does not run it.\n\n\
         Exit codes:\n  \
         0  renewed what was due, or nothing was\n  \
         1  failed: a file could not be read or written, the lock was not to be had, signing failed;\n     \
         or --exec failed, after all was written\n  \
         2  arguments or configuration wrong; nothing was written\n  \
         3  done, with warnings: something due was not renewed, a CA that was not named for one\n     \
         (0 with --fail-on error)\n  \
         4  an error is left, or the run was refused and nothing was written; \"result\" in JSON tells\n     \
         which. Refused: what was named would keep an error of its own, or what signs it has one.\n     \
         Errors of all else are told, and do not stop a run"
    ), mut_args(told_by_files))]
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
    /// Replace a CA, or the service accounts' key, in stages, with nothing going down (docs/rotation.md)
    #[command(after_help = help!(
        "certs rotate status"
        "certs rotate ca trust --dry-run"
        "certs rotate ca trust                (the next CA is trusted)"
        "certs rotate ca issue --restarted    (it signs)"
        "certs rotate ca drop --restarted     (the former one is trusted no more)"
        "certs rotate ca back                 (to the stage before)"
        "certs rotate etcd-ca trust --key-algorithm ECDSA-P256"
    ), mut_args(told_by_files))]
    Rotate(Rotate),
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
         1  failed: a part of the file, or standard input, could not be read\n  \
         2  arguments wrong, or the file is not there, cannot be read, or holds nothing that is known"
    ))]
    Show(Show),
    /// Sign requests from other machines, by the profile: of a request only the public key is taken
    #[command(after_help = help!(
        "certs sign requests --node-name cp1 --apiserver-advertise-address 10.0.0.10"
        "certs sign requests --config cp1.yaml"
        "certs sign admin.csr"
        "certs sign worker1.csr --as kubelet --node-name worker1"
        "certs sign requests --config cp1.yaml --accept-sans"
        "certs sign requests --inventory nodes.yaml    (of every node)"
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

mod arguments;
mod export;
mod groups;
mod handed;

pub use arguments::{
    All, Ca, Check, CheckOutput, Client, Completion, Csr, CsrFacts, Flags, Form, Import,
    Kubeconfig, Peer, Renew, Rollback, Rotate, RotateStage, STATUS, Sa, Server, Show, Sign,
};
pub use export::{Export, ExportBundle, ExportPkcs12, ExportSecret, ExportVerb, SecretType};
pub use groups::{
    Address, AllNodes, BindPort, CaKeys, CaValidity, CsrDir, Endpoint, EtcdMembers, EtcdSans,
    FailOn, KeyAlgorithm, KubeconfigDir, KubeletDir, KubernetesVersion, NodeIp, NodeName,
    NodeTrees, Nodes, Output, Own, Ownership, Run, ServiceNetwork, Services, Signing, Tree,
    Unknown, Validity,
};
pub use handed::{Bootstrap, KubeconfigVerb, Refresh};

/// What the files tell where it is not stated: of a verb that looks after a tree no flag about the cluster
/// has a default of its own.
fn told_by_files(flag: Arg) -> Arg {
    defaulting(flag, |_| "what the files tell".to_owned())
}

/// The same of a verb for which a node may be new, and has none.
fn told_by_files_first(flag: Arg) -> Arg {
    defaulting(flag, |default| {
        format!("what the files tell; of a new node {default}")
    })
}

/// With another default than that of who makes a tree, if it states a fact of the cluster.
fn defaulting(flag: Arg, default: impl Fn(&str) -> String) -> Arg {
    const FACTS: [&str; 9] = [
        "apiserver_advertise_address",
        "apiserver_bind_port",
        "ca_validity",
        "key_algorithm",
        "node_ip",
        "node_name",
        "service_cidr",
        "service_dns_domain",
        "validity",
    ];
    let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
    match help.split_once("[default: ") {
        Some((what, own)) if FACTS.contains(&flag.get_id().as_str()) => {
            let default = default(own.trim_end_matches(']'));
            flag.help(format!("{what}[default: {default}]"))
        }
        _ => flag,
    }
}

/// The completion script of a shell.
pub(crate) fn completion(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "certs", &mut script);
    script
}
