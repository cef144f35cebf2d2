//! Which kubeconfigs are there, or are asked for.

use crate::case::{Case, hold};

/// The table.
pub const CASES: &[Case] = &[
    Case {
        name: "kc-no-ca",
        recipe: "rm -r *",
        arguments: &["kubeconfig"],
        exit: 4,
        said: &[
            "error: admin.conf needs ca.crt, which is not there: run 'certs ca ca' first, or copy the cluster's CA there",
            "error: super-admin.conf needs ca.crt, which is not there: run 'certs ca ca' first, or copy the cluster's CA there",
            "error: kubelet.conf needs ca.crt, which is not there: run 'certs ca ca' first, or copy the cluster's CA there",
            "error: controller-manager.conf needs ca.crt, which is not there: run 'certs ca ca' first, or copy the cluster's CA there",
            "error: scheduler.conf needs ca.crt, which is not there: run 'certs ca ca' first, or copy the cluster's CA there",
        ],
    },
    Case {
        name: "kc-ca-no-key",
        recipe: "rm *.conf pki/ca.key",
        arguments: &["kubeconfig"],
        exit: 4,
        said: &[
            "error: admin.conf must be issued, and the key of its CA is not here (ca.key is absent): 'certs csr admin' asks the CA's owner for it, and 'certs import' puts it here",
            "error: super-admin.conf must be issued, and the key of its CA is not here (ca.key is absent): 'certs csr super-admin' asks the CA's owner for it, and 'certs import' puts it here",
            "error: kubelet.conf must be issued, and the key of its CA is not here (ca.key is absent): 'certs csr kubelet' asks the CA's owner for it, and 'certs import' puts it here",
            "error: controller-manager.conf must be issued, and the key of its CA is not here (ca.key is absent): 'certs csr controller-manager' asks the CA's owner for it, and 'certs import' puts it here",
            "error: scheduler.conf must be issued, and the key of its CA is not here (ca.key is absent): 'certs csr scheduler' asks the CA's owner for it, and 'certs import' puts it here",
        ],
    },
    Case {
        name: "kc-existing-ok",
        recipe: "",
        arguments: &["kubeconfig"],
        exit: 0,
        said: &["Everything is as wanted; nothing was written."],
    },
    Case {
        name: "kc-existing-other-server",
        recipe: "",
        arguments: &[
            "kubeconfig",
            "--control-plane-endpoint",
            "other.example.com:6443",
        ],
        exit: 3,
        said: &[
            "warning: admin.conf points at https://10.0.0.10:6443, not https://other.example.com:6443: 'certs kubeconfig admin --force', for the same directories and facts, reissues it",
            "warning: super-admin.conf points at https://10.0.0.10:6443, not https://other.example.com:6443: 'certs kubeconfig super-admin --force', for the same directories and facts, reissues it",
        ],
    },
    Case {
        name: "kc-existing-other-ca",
        recipe: "authority $aside/other /CN=other; put admin.conf certificate-authority-data $aside/other.crt",
        arguments: &["kubeconfig"],
        exit: 4,
        said: &[
            "error: admin.conf does not trust the CA: run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "kc-existing-garbage",
        recipe: r#"echo "%%%" > admin.conf"#,
        arguments: &["kubeconfig"],
        exit: 4,
        said: &[
            "error: admin.conf cannot be used: line 1: could not find expected directive name: run the same command with --force to reissue it; what else is in it is in the backup alone then",
        ],
    },
    Case {
        name: "kc-existing-empty",
        recipe: ": > admin.conf",
        arguments: &["kubeconfig"],
        exit: 4,
        said: &[
            "error: admin.conf cannot be used: holds no document: run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "kc-existing-no-context",
        recipe: "edit scheduler.conf 's/^current-context: .*/current-context: none/'",
        arguments: &["kubeconfig"],
        exit: 4,
        said: &[
            "error: scheduler.conf cannot be used: it has no context \"none\", which is its current one: run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "kc-existing-no-cluster",
        recipe: "edit admin.conf 's/cluster: kubernetes/cluster: none/'",
        arguments: &["kubeconfig"],
        exit: 4,
        said: &[
            "error: admin.conf cannot be used: it has no cluster \"none\": run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "kc-existing-bad-ca-data",
        recipe: "echo garbage > $aside/x; put admin.conf certificate-authority-data $aside/x",
        arguments: &["kubeconfig"],
        exit: 4,
        said: &[
            "error: admin.conf cannot be used: certificate-authority: no certificate: a block BEGIN CERTIFICATE is expected: run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "kc-existing-ca-file",
        recipe: r#"edit admin.conf "s|certificate-authority-data: .*|certificate-authority: $PWD/pki/ca.crt|""#,
        arguments: &["kubeconfig"],
        exit: 0,
        said: &["Everything is as wanted; nothing was written."],
    },
    Case {
        name: "kc-expired-client",
        recipe: "issue admin.conf at='2025-01-01 00:00:00'",
        arguments: &["kubeconfig"],
        exit: 4,
        said: &[
            "error: admin.conf ended on 2026-01-01 00:00:00 UTC: run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "kc-unknown",
        recipe: "",
        arguments: &["kubeconfig", "nope"],
        exit: 2,
        said: &[
            "error: 'certs kubeconfig' knows no \"nope\": its names are admin, super-admin, kubelet, controller-manager, scheduler, kube-proxy; for a user of your own, give --common-name",
        ],
    },
    Case {
        name: "user-no-name",
        recipe: "",
        arguments: &["kubeconfig", "alice"],
        exit: 2,
        said: &[
            "error: 'certs kubeconfig' knows no \"alice\": its names are admin, super-admin, kubelet, controller-manager, scheduler, kube-proxy; for a user of your own, give --common-name",
        ],
    },
    Case {
        name: "user-no-ca",
        recipe: "rm -r *",
        arguments: &["kubeconfig", "alice", "--common-name", "alice"],
        exit: 4,
        said: &[
            "error: alice.conf needs ca.crt, which is not there: run 'certs ca ca' first, or copy the cluster's CA there",
        ],
    },
];

#[test]
fn kubeconfigs_that_are_not_as_they_should_be_are_answered_with_file_and_reason() {
    hold(CASES, false);
}
