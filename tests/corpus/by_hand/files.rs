//! What is wrong between files: CAs, keys, the service account key pair.

use super::{NONE, Slip};

/// The table.
pub const SLIPS: &[Slip] = &[
    Slip {
        name: "one CA signs for everything, etcd and the front proxy too",
        before: r#"for name in "${leaves[@]}"; do issuer[$name]=pki/ca; done"#,
        told: &[
            "error not-signed-by-ca pki/etcd/server.crt was signed by \"CN=kubernetes\", not by this CA, \"CN=etcd-ca\"",
            "error not-signed-by-ca pki/etcd/peer.crt was signed by \"CN=kubernetes\", not by this CA, \"CN=etcd-ca\"",
            "error not-signed-by-ca pki/apiserver-etcd-client.crt was signed by \"CN=kubernetes\", not by this CA, \"CN=etcd-ca\"",
            "error not-signed-by-ca pki/etcd/healthcheck-client.crt was signed by \"CN=kubernetes\", not by this CA, \"CN=etcd-ca\"",
            "error not-signed-by-ca pki/front-proxy-client.crt was signed by \"CN=kubernetes\", not by this CA, \"CN=front-proxy-ca\"",
        ],
        ..NONE
    },
    Slip {
        name: "one CA is copied to every place",
        before: "pool[pki/etcd/ca]=pki-ca pool[pki/front-proxy-ca]=pki-ca subject[pki/etcd/ca]=/CN=kubernetes subject[pki/front-proxy-ca]=/CN=kubernetes",
        after: "for name in etcd/ca front-proxy-ca; do cat pki/ca.crt > pki/$name.crt; cat pki/ca.key > pki/$name.key; done",
        told: &[
            "warning shared-ca pki/etcd/ca.crt is the CA of ca.crt too",
            "warning shared-ca pki/front-proxy-ca.crt is the CA of ca.crt too",
        ],
        ..NONE
    },
    Slip {
        name: "two CAs have one name",
        before: "subject[pki/etcd/ca]=/CN=kubernetes",
        told: &[
            "warning same-ca-name pki/etcd/ca.crt has the subject of ca.crt, \"CN=kubernetes\", and another key",
        ],
        ..NONE
    },
    Slip {
        name: "etcd's client is signed by the cluster's CA",
        before: "issuer[pki/apiserver-etcd-client]=pki/ca",
        told: &[
            "error not-signed-by-ca pki/apiserver-etcd-client.crt was signed by \"CN=kubernetes\", not by this CA, \"CN=etcd-ca\"",
        ],
        ..NONE
    },
    Slip {
        name: "the CA lacks keyCertSign",
        before: "key_usage[pki/ca]=digitalSignature,keyEncipherment",
        told: &[
            "error not-a-ca pki/ca.crt may not sign: its key usage lacks keyCertSign",
            "note ca-usage pki/ca.crt has another key usage than a CA needs, or a SAN",
        ],
        ..NONE
    },
    Slip {
        name: "the CA is no CA",
        before: "constraints[pki/front-proxy-ca]=CA:FALSE",
        told: &[
            "error not-a-ca pki/front-proxy-ca.crt is not a CA: its basic constraints do not say CA:TRUE",
        ],
        ..NONE
    },
    Slip {
        name: "the CA's certificate has no extensions",
        after: r#"openssl req -x509 -new -config "$config" -key pki/front-proxy-ca.key -subj /CN=front-proxy-ca -days 3650 -out pki/front-proxy-ca.crt"#,
        told: &[
            "error not-a-ca pki/front-proxy-ca.crt is not a CA: its basic constraints do not say CA:TRUE",
            "note no-subject-key-identifier pki/front-proxy-ca.crt has no subject key identifier",
        ],
        ..NONE
    },
    Slip {
        name: "the CA was made anew, with another key",
        after: r#"key pki/ca; install -m 600 "$KEYS/other" pki/ca.key; request pki/ca; openssl x509 -req -in "$aside/$$.csr" -signkey pki/ca.key -days 3650 -extfile "$aside/$$.ext" -out pki/ca.crt"#,
        told: &[
            "error not-signed-by-ca pki/apiserver.crt was signed by another CA of the same name, \"CN=kubernetes\"",
            "error not-signed-by-ca pki/apiserver-kubelet-client.crt was signed by another CA of the same name, \"CN=kubernetes\"",
            "error kubeconfig-ca admin.conf does not trust the CA",
            "error not-signed-by-ca admin.conf was signed by another CA of the same name, \"CN=kubernetes\"",
            "error kubeconfig-ca kubelet.conf does not trust the CA",
            "error not-signed-by-ca kubelet.conf was signed by another CA of the same name, \"CN=kubernetes\"",
            "error kubeconfig-ca controller-manager.conf does not trust the CA",
            "error not-signed-by-ca controller-manager.conf was signed by another CA of the same name, \"CN=kubernetes\"",
            "error kubeconfig-ca scheduler.conf does not trust the CA",
            "error not-signed-by-ca scheduler.conf was signed by another CA of the same name, \"CN=kubernetes\"",
        ],
        ..NONE
    },
    Slip {
        name: "the CA's key is another's",
        after: r#"install -m 600 "$KEYS/other" pki/ca.key"#,
        told: &["error key-mismatch pki/ca.key is not the key of the certificate beside it"],
        ..NONE
    },
    Slip {
        name: "everyone may read the CA's key",
        after: "chmod 644 pki/ca.key",
        told: &["error key-mode pki/ca.key has the mode 0644"],
        ..NONE
    },
    Slip {
        name: "everyone may read a leaf's key",
        after: "chmod 644 pki/apiserver.key",
        told: &["error key-mode pki/apiserver.key has the mode 0644"],
        ..NONE
    },
    Slip {
        name: "everyone may write the CA's certificate",
        after: "chmod 666 pki/ca.crt",
        told: &["error writable-by-others pki/ca.crt has the mode 0666"],
        ..NONE
    },
    Slip {
        name: "a leaf's key is another's",
        after: r#"install -m 600 "$KEYS/other" pki/apiserver.key"#,
        told: &["error key-mismatch pki/apiserver.key is not the key of the certificate beside it"],
        ..NONE
    },
    Slip {
        name: "a leaf's key is lost",
        after: "rm pki/apiserver.key",
        told: &["error missing-key pki/apiserver.crt stands without apiserver.key"],
        ..NONE
    },
    Slip {
        name: "a leaf's certificate is lost",
        after: "rm pki/etcd/peer.crt",
        told: &["error missing-certificate pki/etcd/peer.key stands without etcd/peer.crt"],
        ..NONE
    },
    Slip {
        name: "a leaf's key is encrypted",
        after: "encrypt pki/apiserver.key",
        told: &[
            "error unreadable pki/apiserver.key is encrypted, and the components of Kubernetes open no encrypted key",
        ],
        ..NONE
    },
    Slip {
        name: "a request lies where its certificate should",
        after: r#"openssl req -new -config "$config" -key pki/apiserver.key -subj /CN=kube-apiserver -out pki/apiserver.crt"#,
        told: &[
            "error unreadable pki/apiserver.crt cannot be used: no certificate: a block BEGIN CERTIFICATE is expected",
        ],
        ..NONE
    },
    Slip {
        name: "a certificate is DER",
        after: "openssl x509 -in pki/apiserver.crt -outform DER -out $aside/der; cat $aside/der > pki/apiserver.crt",
        told: &[
            "error unreadable pki/apiserver.crt cannot be used: line 1: the file is DER, not PEM: convert it with 'openssl x509' or 'openssl pkey' and -inform der",
        ],
        ..NONE
    },
    Slip {
        name: "a certificate is empty",
        after: ": > pki/apiserver.crt",
        told: &[
            "error unreadable pki/apiserver.crt cannot be used: no certificate: a block BEGIN CERTIFICATE is expected",
        ],
        ..NONE
    },
    Slip {
        name: "the CA stands before the leaf in its file",
        after: "cat pki/ca.crt pki/apiserver.crt > $aside/both; cat $aside/both > pki/apiserver.crt",
        told: &[
            "error chain-order pki/apiserver.crt begins with \"CN=kubernetes\", and \"CN=kube-apiserver\", the certificate of its key, stands behind that",
        ],
        ..NONE
    },
    Slip {
        name: "the certificate and its key are in one file, for everyone to read",
        after: "cat pki/apiserver.key >> pki/apiserver.crt",
        told: &[
            "error unreadable pki/apiserver.crt cannot be used: it holds a private key, which others may have read: take it out, and replace that key",
        ],
        ..NONE
    },
    Slip {
        name: "sa.pub is a certificate",
        after: r#"openssl req -x509 -new -config "$config" -key pki/sa.key -subj /CN=service-accounts -days 365 -out pki/sa.pub"#,
        told: &[
            "error unreadable pki/sa.pub cannot be used: no public key: a block BEGIN PUBLIC KEY is expected",
        ],
        ..NONE
    },
    Slip {
        name: "sa.pub is of another key",
        after: r#"openssl rsa -in "$KEYS/other" -pubout -out pki/sa.pub"#,
        told: &["error key-mismatch pki/sa.pub does not hold the public key of sa.key"],
        ..NONE
    },
    Slip {
        name: "sa.pub is the private key",
        after: "cat pki/sa.key > pki/sa.pub",
        told: &[
            "error unreadable pki/sa.pub cannot be used: it holds a private key, which others may have read: take it out, and replace that key",
        ],
        ..NONE
    },
    Slip {
        name: "sa.key is lost",
        after: "rm pki/sa.key",
        told: &["error missing-key pki/sa.pub stands without sa.key"],
        ..NONE
    },
    Slip {
        name: "sa.pub is lost",
        after: "rm pki/sa.pub",
        told: &[
            "warning absent pki/sa.pub is not there: signs and verifies the tokens of service accounts",
        ],
        ..NONE
    },
    Slip {
        name: "sa.key and sa.pub are lost",
        after: "rm pki/sa.key pki/sa.pub",
        told: &[
            "warning absent pki/sa.pub is not there: signs and verifies the tokens of service accounts",
        ],
        ..NONE
    },
];
