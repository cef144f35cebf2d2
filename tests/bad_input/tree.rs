//! What is in the tree already.

use crate::case::{Case, hold};

/// The table.
pub const CASES: &[Case] = &[
    Case {
        name: "expired-ca",
        recipe: "bare; authority pki/ca /CN=kubernetes at='2024-01-01 00:00:00' days=366",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/ca.crt ended on 2025-01-01 00:00:00 UTC: 'certs renew ca' renews it for the same key, and then 'certs renew' what ended with it",
        ],
    },
    Case {
        name: "not-yet-valid-ca",
        recipe: "bare; authority pki/ca /CN=kubernetes at='2030-01-01 00:00:00'",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/ca.crt begins on 2030-01-01 00:00:00 UTC, and the clock says 2026-11-22 12:00:00 UTC: set the clock right, or, if it is right now, 'certs renew ca' renews it, as it is",
        ],
    },
    Case {
        name: "mismatched-ca-key",
        recipe: "bare; key pki/ca.key",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/ca.key is not the key of the certificate beside it: certs never replaces a CA or sa.key: restore it from a backup, or move it away",
        ],
    },
    Case {
        name: "leaf-signed-by-other-ca",
        recipe: "rm *.conf pki/ca.*; authority pki/ca /CN=other-ca",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/apiserver.crt was signed by \"CN=kubernetes\", not by this CA, \"CN=other-ca\": run the same command with --force to reissue it",
            "error: pki/apiserver-kubelet-client.crt was signed by \"CN=kubernetes\", not by this CA, \"CN=other-ca\": run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "leaf-signed-by-regenerated-ca",
        recipe: "rm pki/ca.*; authority pki/ca /CN=kubernetes",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/apiserver.crt was signed by another CA of the same name, \"CN=kubernetes\": run the same command with --force to reissue it",
            "error: pki/apiserver-kubelet-client.crt was signed by another CA of the same name, \"CN=kubernetes\": run the same command with --force to reissue it",
            "error: admin.conf does not trust the CA: run the same command with --force to reissue it",
            "error: admin.conf was signed by another CA of the same name, \"CN=kubernetes\": run the same command with --force to reissue it",
            "error: super-admin.conf does not trust the CA: run the same command with --force to reissue it",
            "error: super-admin.conf was signed by another CA of the same name, \"CN=kubernetes\": run the same command with --force to reissue it",
            "error: kubelet.conf does not trust the CA: run the same command with --force to reissue it",
            "error: kubelet.conf was signed by another CA of the same name, \"CN=kubernetes\": run the same command with --force to reissue it",
            "error: controller-manager.conf does not trust the CA: run the same command with --force to reissue it",
            "error: controller-manager.conf was signed by another CA of the same name, \"CN=kubernetes\": run the same command with --force to reissue it",
            "error: scheduler.conf does not trust the CA: run the same command with --force to reissue it",
            "error: scheduler.conf was signed by another CA of the same name, \"CN=kubernetes\": run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "leaf-with-intermediate",
        recipe: r"bare
key $aside/middle.key
openssl req -new -config $config -key $aside/middle.key -subj /CN=middle |
    openssl x509 -req -CA pki/ca.crt -CAkey pki/ca.key -days 3000 \
        -extfile <(printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n') -out $aside/middle.crt
key pki/apiserver.key
issue pki/apiserver ca=$aside/middle
cat $aside/middle.crt >> pki/apiserver.crt",
        arguments: &["all"],
        exit: 0,
        said: &[
            "made pki/etcd/ca.crt, .key",
            "made pki/front-proxy-ca.crt, .key",
            "made pki/etcd/server.crt, .key",
            "made pki/etcd/peer.crt, .key",
            "made pki/apiserver-kubelet-client.crt, .key",
            "made pki/apiserver-etcd-client.crt, .key",
            "made pki/etcd/healthcheck-client.crt, .key",
            "made pki/front-proxy-client.crt, .key",
            "made admin.conf",
            "made super-admin.conf",
            "made kubelet.conf",
            "made controller-manager.conf",
            "made scheduler.conf",
            "made pki/sa.pub, .key",
        ],
    },
    Case {
        name: "etcd-leaf-signed-by-other-ca",
        recipe: "for end in crt key; do cat pki/front-proxy-client.$end > pki/etcd/peer.$end; done",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/etcd/peer.crt was signed by \"CN=front-proxy-ca\", not by this CA, \"CN=etcd-ca\": run the same command with --force to reissue it",
            "error: pki/etcd/peer.crt has the subject \"CN=front-proxy-client\", not \"CN=cp1\": run the same command with --force to reissue it",
            "error: pki/etcd/peer.crt lacks the SAN cp1: run the same command with --force to reissue it",
            "error: pki/etcd/peer.crt lacks the SAN localhost: run the same command with --force to reissue it",
            "error: pki/etcd/peer.crt lacks the SAN 10.0.0.10: run the same command with --force to reissue it",
            "error: pki/etcd/peer.crt lacks the SAN 127.0.0.1: run the same command with --force to reissue it",
            "error: pki/etcd/peer.crt lacks the SAN ::1: run the same command with --force to reissue it",
            "error: pki/etcd/peer.crt lacks the extended key usage serverAuth: run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "missing-leaf-key",
        recipe: "rm pki/apiserver.key",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/apiserver.crt stands without apiserver.key: run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "missing-leaf-cert",
        recipe: "rm pki/apiserver.crt",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/apiserver.key stands without apiserver.crt: run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "missing-ca-cert",
        recipe: "rm pki/ca.crt",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/ca.key stands without ca.crt: certs never replaces a CA or sa.key: restore it from a backup, or move it away",
        ],
    },
    Case {
        name: "missing-ca-key-no-kubeconfigs",
        recipe: "rm pki/ca.key *.conf",
        arguments: &["all"],
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
        name: "missing-ca-key-no-leaf",
        recipe: "rm pki/ca.key pki/apiserver.*",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/apiserver.crt must be issued, and the key of its CA is not here (ca.key is absent): 'certs csr apiserver' asks the CA's owner for it, and 'certs import' puts it here",
        ],
    },
    Case {
        name: "missing-fp-ca-key",
        recipe: "rm pki/front-proxy-ca.key pki/front-proxy-client.*",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/front-proxy-client.crt must be issued, and the key of its CA is not here (front-proxy-ca.key is absent): 'certs csr front-proxy-client' asks the CA's owner for it, and 'certs import' puts it here",
        ],
    },
    Case {
        name: "missing-fp-ca-key-leaf-ok",
        recipe: "rm pki/front-proxy-ca.key",
        arguments: &["all"],
        exit: 0,
        said: &["Everything is as wanted; nothing was written."],
    },
    Case {
        name: "missing-etcd-ca-key-no-leaf",
        recipe: "rm pki/etcd/ca.key pki/etcd/peer.*",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/etcd/peer.crt must be issued, and the key of its CA is not here (etcd/ca.key is absent): 'certs csr etcd-peer' asks the CA's owner for it, and 'certs import' puts it here",
        ],
    },
    Case {
        name: "missing-etcd-ca-key-leaf-ok",
        recipe: "rm pki/etcd/ca.key",
        arguments: &["all"],
        exit: 0,
        said: &["Everything is as wanted; nothing was written."],
    },
    Case {
        name: "missing-sa-pub",
        recipe: "rm pki/sa.pub",
        arguments: &["all"],
        exit: 0,
        said: &["made pki/sa.pub"],
    },
    Case {
        name: "missing-sa-key",
        recipe: "rm pki/sa.key",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/sa.pub stands without sa.key: certs never replaces a CA or sa.key: restore it from a backup, or move it away",
        ],
    },
    Case {
        name: "leaf-lacks-san",
        recipe: "",
        arguments: &[
            "all",
            "--apiserver-cert-extra-sans",
            "new.example.com,10.99.99.99",
        ],
        exit: 4,
        said: &[
            "error: pki/apiserver.crt lacks the SAN new.example.com: run the same command with --force to reissue it",
            "error: pki/apiserver.crt lacks the SAN 10.99.99.99: run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "leaf-expired",
        recipe: "issue pki/apiserver at='2025-01-01 00:00:00'",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/apiserver.crt ended on 2026-01-01 00:00:00 UTC: run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "ca-not-a-ca",
        recipe: "bare; authority pki/ca /CN=kubernetes bc=critical,CA:FALSE",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/ca.crt is not a CA: its basic constraints do not say CA:TRUE: certs never replaces a CA or sa.key: restore it from a backup, or move it away",
        ],
    },
    Case {
        name: "ca-garbage",
        recipe: "echo garbage > pki/ca.crt",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/ca.crt cannot be used: no certificate: a block BEGIN CERTIFICATE is expected: certs never replaces a CA or sa.key: restore it from a backup, or move it away",
        ],
    },
    Case {
        name: "ca-key-garbage",
        recipe: "bare; echo garbage > pki/ca.key",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/ca.key cannot be used: no usable private key: the file holds no block BEGIN … PRIVATE KEY: certs never replaces a CA or sa.key: restore it from a backup, or move it away",
        ],
    },
    Case {
        name: "leaf-garbage",
        recipe: "echo garbage > pki/apiserver.crt",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/apiserver.crt cannot be used: no certificate: a block BEGIN CERTIFICATE is expected: run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "leaf-truncated-der",
        recipe: "{ echo -----BEGIN CERTIFICATE-----; head -c 300 <(openssl x509 -in pki/apiserver-kubelet-client.crt -outform DER) | base64; echo -----END CERTIFICATE-----; } > $aside/cut; cat $aside/cut > pki/apiserver-kubelet-client.crt",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/apiserver-kubelet-client.crt cannot be used: read certificate: the DER ends too early: run the same command with --force to reissue it",
        ],
    },
    Case {
        name: "sa-key-garbage",
        recipe: "echo garbage > pki/sa.key",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/sa.key cannot be used: no usable private key: the file holds no block BEGIN … PRIVATE KEY: certs never replaces a CA or sa.key: restore it from a backup, or move it away",
        ],
    },
    Case {
        name: "ca-key-ed25519",
        recipe: "bare; rm pki/ca.*; key pki/ca.key kind=ed25519; authority pki/ca /CN=kubernetes",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/ca.key cannot be used: a private key of the kind Ed25519 is not supported: use RSA with 2048 to 8192 bits, or ECDSA on P-256, P-384 or P-521: certs never replaces a CA or sa.key: restore it from a backup, or move it away",
        ],
    },
    Case {
        name: "ca-key-encrypted",
        recipe: "bare; encrypt pki/ca.key",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/apiserver.crt must be issued, and ca.key cannot be used: the private key is encrypted: give its passphrase with --ca-passphrase-file or CERTS_CA_PASSPHRASE",
            "error: pki/apiserver-kubelet-client.crt must be issued, and ca.key cannot be used: the private key is encrypted: give its passphrase with --ca-passphrase-file or CERTS_CA_PASSPHRASE",
            "error: admin.conf must be issued, and ca.key cannot be used: the private key is encrypted: give its passphrase with --ca-passphrase-file or CERTS_CA_PASSPHRASE",
            "error: super-admin.conf must be issued, and ca.key cannot be used: the private key is encrypted: give its passphrase with --ca-passphrase-file or CERTS_CA_PASSPHRASE",
            "error: kubelet.conf must be issued, and ca.key cannot be used: the private key is encrypted: give its passphrase with --ca-passphrase-file or CERTS_CA_PASSPHRASE",
            "error: controller-manager.conf must be issued, and ca.key cannot be used: the private key is encrypted: give its passphrase with --ca-passphrase-file or CERTS_CA_PASSPHRASE",
            "error: scheduler.conf must be issued, and ca.key cannot be used: the private key is encrypted: give its passphrase with --ca-passphrase-file or CERTS_CA_PASSPHRASE",
        ],
    },
    Case {
        name: "ca-key-p521",
        recipe: "bare; rm pki/ca.*; key pki/ca.key curve=secp521r1; authority pki/ca /CN=kubernetes",
        arguments: &["all"],
        exit: 0,
        said: &[
            "made pki/etcd/ca.crt, .key",
            "made pki/front-proxy-ca.crt, .key",
            "made pki/apiserver.crt, .key",
            "made pki/etcd/server.crt, .key",
            "made pki/etcd/peer.crt, .key",
            "made pki/apiserver-kubelet-client.crt, .key",
            "made pki/apiserver-etcd-client.crt, .key",
            "made pki/etcd/healthcheck-client.crt, .key",
            "made pki/front-proxy-client.crt, .key",
            "made admin.conf",
            "made super-admin.conf",
            "made kubelet.conf",
            "made controller-manager.conf",
            "made scheduler.conf",
            "made pki/sa.pub, .key",
        ],
    },
    Case {
        name: "certdir-is-file",
        recipe: "rm -r pki; touch pki",
        arguments: &["all"],
        exit: 1,
        said: &[
            "error: pki is a file, not a directory: move it away, or choose another --cert-dir",
        ],
    },
    Case {
        name: "ca-crt-is-dir",
        recipe: "rm pki/ca.crt; mkdir pki/ca.crt",
        arguments: &["all"],
        exit: 4,
        said: &["error: pki/ca.crt is a directory, not a file: move it away"],
    },
    Case {
        name: "ca-pair-deleted-leaves-kept",
        recipe: "rm pki/ca.*",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/apiserver.crt is there, and its CA ca.crt is not: restore ca.crt from a backup, or move away what it signed",
            "error: pki/apiserver-kubelet-client.crt is there, and its CA ca.crt is not: restore ca.crt from a backup, or move away what it signed",
            "error: admin.conf is there, and its CA ca.crt is not: restore ca.crt from a backup, or move away what it signed",
            "error: super-admin.conf is there, and its CA ca.crt is not: restore ca.crt from a backup, or move away what it signed",
            "error: kubelet.conf is there, and its CA ca.crt is not: restore ca.crt from a backup, or move away what it signed",
            "error: controller-manager.conf is there, and its CA ca.crt is not: restore ca.crt from a backup, or move away what it signed",
            "error: scheduler.conf is there, and its CA ca.crt is not: restore ca.crt from a backup, or move away what it signed",
        ],
    },
    Case {
        name: "nodename-etcd-ca",
        recipe: "rm -r *; edit ../c.yaml 's/name: cp1/name: etcd-ca/'",
        arguments: &["all"],
        exit: 4,
        said: &[
            "error: pki/etcd/server.crt would have the subject of its CA, \"CN=etcd-ca\": choose another node name or common name",
            "error: pki/etcd/peer.crt would have the subject of its CA, \"CN=etcd-ca\": choose another node name or common name",
        ],
    },
];

/// What the user `nobody` may not read or write.
pub const CLOSED: &[Case] = &[
    Case {
        name: "unreadable-ca-key",
        recipe: "bare; chmod 0 pki/ca.key",
        arguments: &["all"],
        exit: 1,
        said: &[
            "error: pki/ca.key cannot be read: permission denied: run as root, or as its owner",
        ],
    },
    Case {
        name: "unreadable-ca-crt",
        recipe: "chmod 0 pki/ca.crt",
        arguments: &["all"],
        exit: 1,
        said: &[
            "error: pki/ca.crt cannot be read: permission denied: run as root, or as its owner",
        ],
    },
    Case {
        name: "unreadable-leaf",
        recipe: "chmod 0 pki/apiserver.crt",
        arguments: &["all"],
        exit: 1,
        said: &[
            "error: pki/apiserver.crt cannot be read: permission denied: run as root, or as its owner",
        ],
    },
    Case {
        name: "unreadable-sa",
        recipe: "chmod 0 pki/sa.key",
        arguments: &["all"],
        exit: 1,
        said: &[
            "error: pki/sa.key cannot be read: permission denied: run as root, or as its owner",
        ],
    },
    Case {
        name: "unwritable-dir",
        recipe: "rm -r *; touch closed",
        arguments: &["all"],
        exit: 1,
        said: &[
            "error: no permission to write to k: run as root, or choose another place with --kubernetes-dir",
        ],
    },
];

#[test]
fn a_tree_that_is_not_as_it_should_be_is_answered_with_file_and_reason() {
    hold(CASES, false);
}

#[test]
fn what_may_not_be_read_or_written_is_answered_with_file_and_reason() {
    hold(CLOSED, true);
}
