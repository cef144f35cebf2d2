//! What is typed.

use crate::case::{Case, hold};

/// The table.
pub const CASES: &[Case] = &[
    Case {
        name: "config-missing",
        recipe: "",
        arguments: &["all", "--config", "nope.yaml"],
        exit: 2,
        said: &["error: --config: there is no file nope.yaml"],
    },
    Case {
        name: "mixed-flags",
        recipe: "rm -r *",
        arguments: &["all", "--cert-dir", "other"],
        exit: 0,
        said: &[
            "made other/ca.crt, .key",
            "made other/etcd/ca.crt, .key",
            "made other/front-proxy-ca.crt, .key",
            "made other/apiserver.crt, .key",
            "made other/etcd/server.crt, .key",
            "made other/etcd/peer.crt, .key",
            "made other/apiserver-kubelet-client.crt, .key",
            "made other/apiserver-etcd-client.crt, .key",
            "made other/etcd/healthcheck-client.crt, .key",
            "made other/front-proxy-client.crt, .key",
            "made admin.conf",
            "made super-admin.conf",
            "made kubelet.conf",
            "made controller-manager.conf",
            "made scheduler.conf",
            "made other/sa.pub, .key",
        ],
    },
    Case {
        name: "unknown-flag",
        recipe: "",
        arguments: &["all", "--frobnicate"],
        exit: 2,
        said: &["error: unexpected argument '--frobnicate' found"],
    },
    Case {
        name: "unknown-phase",
        recipe: "",
        arguments: &["nope"],
        exit: 2,
        said: &["error: unrecognized subcommand 'nope'"],
    },
    Case {
        name: "extra-arg",
        recipe: "",
        arguments: &["all", "extra"],
        exit: 2,
        said: &["error: unexpected argument 'extra' found"],
    },
    Case {
        name: "no-subcommand",
        recipe: "",
        arguments: &[],
        exit: 2,
        said: &["  4  refused: what is there is not as wanted; nothing was written"],
    },
    Case {
        name: "kubeconfig-dir-flag-on-certs",
        recipe: "",
        arguments: &["server", "--kubeconfig-dir", "elsewhere"],
        exit: 2,
        said: &["error: unexpected argument '--kubeconfig-dir' found"],
    },
    Case {
        name: "flag-config-twice",
        recipe: "",
        arguments: &["ca", "--config", "c.yaml", "--config", "c.yaml"],
        exit: 2,
        said: &["error: the argument '--config <FILE>' cannot be used multiple times"],
    },
    Case {
        name: "flag-underscore",
        recipe: "",
        arguments: &["ca", "--cert_dir", "x"],
        exit: 2,
        said: &["error: unexpected argument '--cert_dir' found"],
    },
    Case {
        name: "flag-dash-stdin",
        recipe: "",
        arguments: &["ca", "--config", "-"],
        exit: 2,
        said: &["error: -: holds no document"],
    },
    Case {
        name: "flag-v5-error",
        recipe: "edit ../c.yaml 's/ECDSA-P256/NOPE/'; echo 'encryptionAlgorithm2: y' >> ../c.yaml",
        arguments: &["ca", "--v=5"],
        exit: 2,
        said: &["error: unexpected argument '--v' found"],
    },
    Case {
        name: "phase-case",
        recipe: "",
        arguments: &["CA"],
        exit: 2,
        said: &["error: unrecognized subcommand 'CA'"],
    },
];

#[test]
fn what_is_typed_wrong_is_answered() {
    hold(CASES, false);
}
