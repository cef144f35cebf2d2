//! What is done with kubeconfigs beside making them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Address, BindPort, Endpoint, FailOn, KubeconfigDir, Output, Run, Tree};

/// What is done with kubeconfigs beside making them.
#[derive(Clone, Debug, Subcommand)]
pub enum KubeconfigVerb {
    /// Make the kubeconfig with a bootstrap token, by which a kubelet asks for its first certificate
    #[command(after_help = help!(
        "certs kubeconfig bootstrap-kubelet --token-file token --control-plane-endpoint api.example.com"
        "certs kubeconfig bootstrap-kubelet --token-file token --token-secret | kubectl apply -f -"
    ))]
    BootstrapKubelet(Bootstrap),
    /// Bring the CA certificates of kubeconfigs that were handed out up to date
    #[command(after_help = concat!(
        "Examples:\n  \
         certs kubeconfig refresh ~/.kube/config\n  \
         certs kubeconfig refresh --kubernetes-dir k8s --dry-run alice.conf bob.conf\n\n\
         All else in them stays as it is. The former file is kept beside it, as .FILE.certs-backup\n(0600), or with a number behind where there is one already.\n\n",
        exit_codes!()
    ))]
    Refresh(Refresh),
}

arguments! {
    /// `certs kubeconfig bootstrap-kubelet`
    Bootstrap {
        /// File with the bootstrap token, as abcdef.0123456789abcdef
        #[arg(long, value_name = "FILE")] token_file: PathBuf,
        /// Print the Secret that makes the token good, and write no kubeconfig: only --token-file,
        /// --token-ttl and --to-terminal go with it
        #[arg(long, conflicts_with_all = [
            "force", "dry_run", "output", "quiet", "lock_timeout", "fail_on", "config",
            "kubernetes_dir", "cert_dir", "kubeconfig_dir", "apiserver_advertise_address",
            "apiserver_bind_port", "control_plane_endpoint",
        ])]
        token_secret: bool,
        /// How long the token is good, in that Secret
        #[arg(long, value_name = "DURATION", default_value = "24h", requires = "token_secret")]
        token_ttl: String,
        /// Print that Secret even where standard output is a terminal
        #[arg(long, requires = "token_secret")] to_terminal: bool,
        /// Replace bootstrap-kubelet.conf if it is another
        #[arg(long)] force: bool,
        #[command(flatten)] address: Address,
        #[command(flatten)] port: BindPort,
        #[command(flatten)] endpoint: Endpoint,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
        #[command(flatten)] run: Run,
    }
    /// `certs kubeconfig refresh`
    Refresh {
        /// The kubeconfigs, wherever they are
        #[arg(value_name = "FILE", required = true)] files: Vec<PathBuf>,
        #[command(flatten)] endpoint: Endpoint,
        #[command(flatten)] kubeconfig_dir: KubeconfigDir,
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
        /// The least severity that makes the exit code other than 0: warning, or error
        #[arg(long, value_name = "SEVERITY", default_value = "warning")]
        #[arg(hide_possible_values = true)]
        fail_on: FailOn,
        #[command(flatten)] tree: Tree,
    }
}
