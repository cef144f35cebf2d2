//! What `certs export` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{KubeconfigDir, Tree};

/// `certs export`
#[derive(Debug, Args)]
pub struct Export {
    #[command(subcommand)]
    pub(crate) verb: ExportVerb,
}

/// What is exported.
#[derive(Debug, Subcommand)]
pub enum ExportVerb {
    /// The public part of the tree as a tar archive: certificates and sa.pub
    #[command(after_help = handed_out!(
        "certs export bundle --output-file pki.tar"
        "certs export bundle --kubernetes-dir k8s | tar -x"
    ))]
    Bundle(ExportBundle),
    /// A certificate, its chain and its key as PKCS#12, for browsers and keychains
    #[command(after_help = handed_out!(
        "certs export pkcs12 admin --output-file admin.p12"
        "certs export pkcs12 alice --password-file password --output-file alice.p12"
        "certs export pkcs12 ./alice.conf --legacy --output-file alice.p12"
    ))]
    Pkcs12(ExportPkcs12),
    /// Manifests of Kubernetes Secrets
    #[command(after_help = handed_out!(
        "certs export secret front-proxy-client --namespace kube-system --output-file secret.yaml"
        "certs export secret alice --kubernetes-dir k8s | kubectl apply -f -"
        "certs export secret --cluster-api prod --namespace capi --output-file prod.yaml"
    ))]
    Secret(ExportSecret),
}

/// `--type` of `certs export secret`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecretType {
    /// The files under their names
    Opaque,
    /// A certificate and its key
    Tls,
}

arguments! {
    /// `certs export bundle`
    ExportBundle {
        /// Where to write it, outside the directories of the tree: a new file, an empty one, or an archive
        /// that this verb made [default: standard output, if that is no terminal]
        #[arg(long, value_name = "FILE")] output_file: Option<PathBuf>,
        #[command(flatten)] tree: Tree,
    }
    /// `certs export pkcs12`
    ExportPkcs12 {
        /// Name of a certificate, of a kubeconfig's identity or of one of your own; or, with a dot or a
        /// slash in it, a kubeconfig or a certificate with its key in it or beside it
        #[arg(value_name = "NAME|FILE")] name: String,
        /// Where to write it (0600), outside the directories of the tree: a new file or an empty one; none
        /// with content is replaced [default: standard output, if that is no terminal]
        #[arg(long, value_name = "FILE")] output_file: Option<PathBuf>,
        /// File with the password, of printable ASCII
        /// [env: CERTS_EXPORT_PASSWORD, the password itself] [default: asked for, twice]
        #[arg(long, value_name = "FILE")] password_file: Option<PathBuf>,
        /// Triple DES and SHA-1, for old programs that know no AES in PKCS#12: whoever has the file can
        /// try passwords much faster
        #[arg(long)] legacy: bool,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] tree: Tree,
    }
    /// `certs export secret`
    ExportSecret {
        /// Name of a certificate, a kubeconfig, a key pair or one of your own
        #[arg(value_name = "NAME", required_unless_present = "cluster_api")] name: Option<String>,
        /// The four Secrets that Cluster API takes for the cluster of this name: CLUSTER-ca,
        /// CLUSTER-etcd, CLUSTER-proxy and CLUSTER-sa
        #[arg(long, value_name = "CLUSTER", conflicts_with_all = ["name", "kind", "secret_name"])]
        cluster_api: Option<String>,
        /// tls: tls.crt, tls.key and ca.crt; opaque: the files under their names
        /// [default: tls, and opaque for kubeconfigs and key pairs]
        #[arg(long = "type", value_name = "TYPE", hide_possible_values = true)]
        kind: Option<SecretType>,
        /// Name of the Secret [default: NAME]
        #[arg(long, value_name = "NAME")] secret_name: Option<String>,
        /// Its namespace [default: that of who applies it]
        #[arg(long, value_name = "NAMESPACE")] namespace: Option<String>,
        /// Where to write it (0600), outside the directories of the tree: a new file, an empty one, or one
        /// of the same Secrets, by name, namespace, type, labels and keys [default: standard output]
        #[arg(long, value_name = "FILE")] output_file: Option<PathBuf>,
        /// Print it even where standard output is a terminal
        #[arg(long, conflicts_with = "output_file")] to_terminal: bool,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] tree: Tree,
    }
}
