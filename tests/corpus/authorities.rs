//! What may befall a CA.

use crate::common::base::Base;
use crate::fault::{Fault, Mended};

/// The table.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "the CA is none",
        base: Base::Ecdsa,
        of: "etcd-ca",
        recipe: "authority pki/etcd/ca /CN=etcd-ca bc=critical,CA:FALSE",
        told: &[
            "error not-a-ca pki/etcd/ca.crt is not a CA: its basic constraints do not say CA:TRUE",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA has no basic constraints",
        base: Base::Ecdsa,
        of: "front-proxy-ca",
        recipe: "authority pki/front-proxy-ca /CN=front-proxy-ca bc=''",
        told: &[
            "error not-a-ca pki/front-proxy-ca.crt is not a CA: its basic constraints do not say CA:TRUE",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA lacks keyCertSign",
        base: Base::OpenSsl,
        of: "ca",
        recipe: "authority pki/ca /CN=kubernetes ku=critical,cRLSign",
        told: &[
            "error not-a-ca pki/ca.crt may not sign: its key usage lacks keyCertSign",
            "warning kubeconfig-trust-former admin.conf trusts the CA by another certificate of it than the CA file holds",
            "warning kubeconfig-trust-former super-admin.conf trusts the CA by another certificate of it than the CA file holds",
            "warning kubeconfig-trust-former kubelet.conf trusts the CA by another certificate of it than the CA file holds",
            "warning kubeconfig-trust-former controller-manager.conf trusts the CA by another certificate of it than the CA file holds",
            "warning kubeconfig-trust-former scheduler.conf trusts the CA by another certificate of it than the CA file holds",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA has expired",
        base: Base::Ecdsa,
        of: "ca",
        recipe: "authority pki/ca /CN=kubernetes at='2024-01-01 00:00:00' days=366",
        told: &[
            "error expired pki/ca.crt ended on 2025-01-01 00:00:00 UTC",
            "warning kubeconfig-trust-former admin.conf trusts the CA by another certificate of it than the CA file holds",
            "warning kubeconfig-trust-former super-admin.conf trusts the CA by another certificate of it than the CA file holds",
            "warning kubeconfig-trust-former kubelet.conf trusts the CA by another certificate of it than the CA file holds",
            "warning kubeconfig-trust-former controller-manager.conf trusts the CA by another certificate of it than the CA file holds",
            "warning kubeconfig-trust-former scheduler.conf trusts the CA by another certificate of it than the CA file holds",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's time has not come",
        base: Base::Ecdsa,
        of: "etcd-ca",
        recipe: "authority pki/etcd/ca /CN=etcd-ca at='2030-01-01 00:00:00'",
        told: &[
            "error not-yet-valid pki/etcd/ca.crt begins on 2030-01-01 00:00:00 UTC, and the clock says 2026-11-22 12:00:00 UTC",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's key is another's",
        base: Base::Ecdsa,
        of: "ca",
        recipe: "key pki/ca.key",
        told: &["error key-mismatch pki/ca.key is not the key of the certificate beside it"],
        mended: Mended::Never,
    },
    Fault {
        name: "an RSA CA's key is an EC one",
        base: Base::Default,
        of: "ca",
        recipe: "key pki/ca.key",
        told: &["error key-mismatch pki/ca.key is not the key of the certificate beside it"],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's key is garbage",
        base: Base::Ecdsa,
        of: "ca",
        recipe: "echo garbage > pki/ca.key",
        told: &[
            "error unreadable pki/ca.key cannot be used: no usable private key: the file holds no block BEGIN … PRIVATE KEY",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's certificate is garbage",
        base: Base::OpenSsl,
        of: "front-proxy-ca",
        recipe: "echo garbage > pki/front-proxy-ca.crt",
        told: &[
            "error unreadable pki/front-proxy-ca.crt cannot be used: no certificate: a block BEGIN CERTIFICATE is expected",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's certificate is empty",
        base: Base::Ours,
        of: "etcd-ca",
        recipe: ": > pki/etcd/ca.crt",
        told: &[
            "error unreadable pki/etcd/ca.crt cannot be used: no certificate: a block BEGIN CERTIFICATE is expected",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's certificate is gone, and its key is there",
        base: Base::Ecdsa,
        of: "front-proxy-ca",
        recipe: "rm pki/front-proxy-ca.crt",
        told: &[
            "error missing-certificate pki/front-proxy-ca.key stands without front-proxy-ca.crt",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's key is gone, and a leaf is to be issued",
        base: Base::Ecdsa,
        of: "front-proxy-client",
        recipe: "rm pki/front-proxy-ca.key pki/front-proxy-client.*",
        told: &[
            "error external-ca pki/front-proxy-client.crt must be issued, and the key of its CA is not here (front-proxy-ca.key is absent)",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's key is encrypted, and a leaf is to be issued",
        base: Base::Ecdsa,
        of: "front-proxy-client",
        recipe: "encrypt pki/front-proxy-ca.key; rm pki/front-proxy-client.*",
        told: &[
            "error ca-key-locked pki/front-proxy-client.crt must be issued, and front-proxy-ca.key cannot be used",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA is gone, and what it signed is there",
        base: Base::Ecdsa,
        of: "front-proxy-ca",
        recipe: "rm pki/front-proxy-ca.*",
        told: &[
            "error ca-absent pki/front-proxy-client.crt is there, and its CA front-proxy-ca.crt is not",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA is gone from a node that joined",
        base: Base::Joined,
        of: "front-proxy-ca",
        recipe: "rm pki/front-proxy-ca.* pki/front-proxy-client.*",
        told: &[
            "error not-copied pki/front-proxy-ca.key is not there, and a node that joins makes none of its own",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA is a new one of the same name",
        base: Base::OpenSsl,
        of: "front-proxy-client",
        recipe: "rm pki/front-proxy-ca.*; authority pki/front-proxy-ca /CN=front-proxy-ca",
        told: &[
            "error not-signed-by-ca pki/front-proxy-client.crt was signed by another CA of the same name, \"CN=front-proxy-ca\"",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "the external CA's key is an RSA one of 1024 bits",
        base: Base::OpenSsl,
        of: "front-proxy-ca",
        recipe: "key pki/front-proxy-ca.key bits=1024; authority pki/front-proxy-ca /CN=front-proxy-ca; issue pki/front-proxy-client; rm pki/front-proxy-ca.key",
        told: &[
            "error key-unsupported pki/front-proxy-ca.crt has a key that is neither RSA of 2048 to 8192 bits nor P-256, P-384 or P-521",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's key is an Ed25519 one",
        base: Base::Ecdsa,
        of: "front-proxy-ca",
        recipe: "rm pki/front-proxy-ca.*; key pki/front-proxy-ca.key kind=ed25519; authority pki/front-proxy-ca /CN=front-proxy-ca",
        told: &[
            "error unreadable pki/front-proxy-ca.key cannot be used: a private key of the kind Ed25519 is not supported: use RSA with 2048 to 8192 bits, or ECDSA on P-256, P-384 or P-521",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's key is an RSA one of 1024 bits",
        base: Base::OpenSsl,
        of: "front-proxy-ca",
        recipe: "key pki/front-proxy-ca.key bits=1024; authority pki/front-proxy-ca /CN=front-proxy-ca; issue pki/front-proxy-client",
        told: &[
            "error unreadable pki/front-proxy-ca.key cannot be used: a private key of the kind RSA-1024 is not supported: use RSA with 2048 to 8192 bits, or ECDSA on P-256, P-384 or P-521",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's key is on a curve that must not sign",
        base: Base::OpenSsl,
        of: "front-proxy-ca",
        recipe: "key pki/front-proxy-ca.key curve=secp256k1; authority pki/front-proxy-ca /CN=front-proxy-ca; issue pki/front-proxy-client",
        told: &[
            "error unreadable pki/front-proxy-ca.key cannot be used: a private key of the kind secp256k1 is not supported: use RSA with 2048 to 8192 bits, or ECDSA on P-256, P-384 or P-521",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "another CA stands first in the CA's file",
        base: Base::Ecdsa,
        of: "ca",
        recipe: "authority $aside/other /CN=other; cat $aside/other.crt pki/ca.crt > $aside/both; cat $aside/both > pki/ca.crt",
        told: &[
            "warning ca-order pki/ca.crt does not begin with the certificate of its key, where kubeadm and the controller manager look for it",
            "note kubeconfig-trust-missing admin.conf lacks a CA that the CA file holds",
            "note kubeconfig-trust-missing super-admin.conf lacks a CA that the CA file holds",
            "note kubeconfig-trust-missing kubelet.conf lacks a CA that the CA file holds",
            "note kubeconfig-trust-missing controller-manager.conf lacks a CA that the CA file holds",
            "note kubeconfig-trust-missing scheduler.conf lacks a CA that the CA file holds",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA may sign for some subjects alone",
        base: Base::OpenSsl,
        of: "front-proxy-ca",
        recipe: r"authority pki/front-proxy-ca /CN=front-proxy-ca more=$'nameConstraints=permitted;dirName:names\n[names]\nO=example'",
        told: &[
            "warning name-constraints pki/front-proxy-ca.crt has name constraints on subjects, which certs does not hold them against",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA has an unknown critical extension",
        base: Base::OpenSsl,
        of: "front-proxy-ca",
        recipe: "authority pki/front-proxy-ca /CN=front-proxy-ca more=1.2.3.4=critical,ASN1:UTF8String:x",
        told: &[
            "error critical-extension pki/front-proxy-ca.crt has the critical extension 1.2.3.4, which Kubernetes does not know",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA is for signing code alone",
        base: Base::OpenSsl,
        of: "front-proxy-ca",
        recipe: "authority pki/front-proxy-ca /CN=front-proxy-ca more=extendedKeyUsage=codeSigning",
        told: &[
            "error not-a-ca pki/front-proxy-ca.crt may not sign for servers and clients: its extended key usage says for what it may",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA has kubeadm's usages and a SAN",
        base: Base::OpenSsl,
        of: "front-proxy-ca",
        recipe: "authority pki/front-proxy-ca /CN=front-proxy-ca ku=critical,digitalSignature,keyEncipherment,keyCertSign more=subjectAltName=DNS:front-proxy-ca",
        told: &[
            "note ca-usage pki/front-proxy-ca.crt has another key usage than a CA needs, or a SAN",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA has no subject key identifier",
        base: Base::OpenSsl,
        of: "front-proxy-ca",
        recipe: "authority pki/front-proxy-ca /CN=front-proxy-ca ski=none",
        told: &[
            "note no-subject-key-identifier pki/front-proxy-ca.crt has no subject key identifier",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's serial number is a small one",
        base: Base::OpenSsl,
        of: "front-proxy-ca",
        recipe: "authority pki/front-proxy-ca /CN=front-proxy-ca serial=0",
        told: &[
            "note small-serial pki/front-proxy-ca.crt has a serial number of less than 64 bits",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "everyone may read the CA's key",
        base: Base::Ecdsa,
        of: "ca",
        recipe: "chmod 644 pki/ca.key",
        told: &["error key-mode pki/ca.key has the mode 0644"],
        mended: Mended::Never,
    },
    Fault {
        name: "everyone may write the CA's certificate",
        base: Base::Ours,
        of: "ca",
        recipe: "chmod 666 pki/ca.crt",
        told: &["error writable-by-others pki/ca.crt has the mode 0666"],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's key is a symbolic link",
        base: Base::Ecdsa,
        of: "ca",
        recipe: "mv pki/ca.key ca.key; ln -s ../ca.key pki/ca.key",
        told: &["error unreadable pki/ca.key is a symbolic link, not a file"],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA has its node's name, and a leaf is to be issued",
        base: Base::OpenSsl,
        of: "etcd-server",
        recipe: "authority pki/etcd/ca /CN=cp1; issue pki/etcd/peer; rm pki/etcd/server.*",
        told: &[
            "error named-like-its-ca pki/etcd/server.crt would have the subject of its CA, \"CN=cp1\"",
            "error named-like-its-ca pki/etcd/peer.crt has the subject of its CA, \"CN=cp1\"",
            "error not-signed-by-ca pki/apiserver-etcd-client.crt was signed by \"CN=etcd-ca\", not by this CA, \"CN=cp1\"",
            "error not-signed-by-ca pki/etcd/healthcheck-client.crt was signed by \"CN=etcd-ca\", not by this CA, \"CN=cp1\"",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's key belongs to another user",
        base: Base::Ours,
        of: "ca",
        recipe: "chown 65534 pki/ca.key",
        told: &["note key-owner pki/ca.key belongs to user 65534, who can sign with it"],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's certificate belongs to another user",
        base: Base::Ecdsa,
        of: "etcd-ca",
        recipe: "chown 65534 pki/etcd/ca.crt",
        told: &[
            "warning foreign-owner pki/etcd/ca.crt belongs to user 65534, who can put another in its place",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA's folder belongs to another user",
        base: Base::Ecdsa,
        of: "etcd-ca",
        recipe: "chown 65534 pki/etcd",
        told: &["warning foreign-owner pki/etcd is a directory of user 65534"],
        mended: Mended::Never,
    },
    Fault {
        name: "a group may write the CA's folder",
        base: Base::Ecdsa,
        of: "etcd-ca",
        recipe: "chmod 775 pki/etcd",
        told: &["note writable-by-group pki/etcd is a directory of mode 0775"],
        mended: Mended::Never,
    },
    Fault {
        name: "everyone may write the CA's folder",
        base: Base::OpenSsl,
        of: "ca",
        recipe: "chmod 777 pki",
        told: &["error writable-by-others pki is a directory of mode 0777"],
        mended: Mended::Never,
    },
    Fault {
        name: "the CA may sign for other names than its leaf's",
        base: Base::OpenSsl,
        of: "front-proxy-ca",
        recipe: r#"authority pki/ca /CN=kubernetes "more=nameConstraints=critical,excluded;DNS:cp1"; for conf in *.conf; do put $conf certificate-authority-data pki/ca.crt; done"#,
        told: &[
            "error name-not-permitted pki/apiserver.crt has the SAN cp1, which the name constraints of \"CN=kubernetes\" do not permit",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "a leaf's intermediate is one more than the CA allows",
        base: Base::OpenSsl,
        of: "front-proxy-client",
        recipe: r"authority pki/front-proxy-ca /CN=front-proxy-ca bc=critical,CA:TRUE,pathlen:0
key $aside/middle.key
openssl req -new -config $config -key $aside/middle.key -subj /CN=middle |
    openssl x509 -req -CA pki/front-proxy-ca.crt -CAkey pki/front-proxy-ca.key -days 3000 \
        -extfile <(printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n') -out $aside/middle.crt
issue pki/front-proxy-client ca=$aside/middle
cat $aside/middle.crt >> pki/front-proxy-client.crt",
        told: &[
            "error path-length pki/front-proxy-client.crt leads to its CA through more CAs than a path length allows",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "the CA was issued anew, and a leaf names it by its former serial number",
        base: Base::OpenSsl,
        of: "etcd-server",
        recipe: "authority pki/etcd/ca /CN=etcd-ca serial=0x7700000000000077; \
                 issue pki/etcd/server aki=keyid,issuer:always; \
                 authority pki/etcd/ca /CN=etcd-ca",
        told: &[
            "warning authority-serial pki/etcd/server.crt names its CA by the serial number 7700000000000077, which its CA has not",
        ],
        mended: Mended::Named,
    },
];
