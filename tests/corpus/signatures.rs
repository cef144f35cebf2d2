//! Who signed a leaf, other than its CA.

use crate::common::base::Base;
use crate::fault::{Fault, Mended};

/// The table.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "the signature is not the CA's",
        base: Base::Ecdsa,
        of: "apiserver",
        recipe: "flip pki/apiserver.crt",
        told: &[
            "error bad-signature pki/apiserver.crt carries a signature that its CA's key does not verify",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "the signature's hash is SHA-1",
        base: Base::OpenSsl,
        of: "apiserver",
        recipe: "issue pki/apiserver hash=sha1",
        told: &["error weak-hash pki/apiserver.crt is signed with ecdsa-with-SHA1"],
        mended: Mended::Force,
    },
    Fault {
        name: "the signature's hash is SHA-224",
        base: Base::OpenSsl,
        of: "apiserver",
        recipe: "issue pki/apiserver hash=sha224",
        told: &[
            "error bad-signature pki/apiserver.crt carries a signature that certs does not verify: the signature algorithm 1.2.840.10045.4.3.1 is not supported",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "the signature of OpenSSL's leaf is not the CA's",
        base: Base::OpenSsl,
        of: "etcd-server",
        recipe: "flip pki/etcd/server.crt",
        told: &[
            "error bad-signature pki/etcd/server.crt carries a signature that its CA's key does not verify",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "another CA signed the leaf",
        base: Base::Ecdsa,
        of: "apiserver",
        recipe: "authority $aside/other /CN=other; issue pki/apiserver ca=$aside/other",
        told: &[
            "error not-signed-by-ca pki/apiserver.crt was signed by \"CN=other\", not by this CA, \"CN=kubernetes\"",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "another CA of the same name signed the leaf",
        base: Base::Ecdsa,
        of: "apiserver",
        recipe: "authority $aside/other /CN=kubernetes; issue pki/apiserver ca=$aside/other",
        told: &[
            "error not-signed-by-ca pki/apiserver.crt was signed by another CA of the same name, \"CN=kubernetes\"",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "the front proxy's CA signed an etcd peer",
        base: Base::OpenSsl,
        of: "etcd-peer",
        recipe: "issue pki/etcd/peer ca=pki/front-proxy-ca",
        told: &[
            "error not-signed-by-ca pki/etcd/peer.crt was signed by \"CN=front-proxy-ca\", not by this CA, \"CN=etcd-ca\"",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "the leaf signed itself",
        base: Base::Ours,
        of: "front-proxy-client",
        recipe: "authority pki/front-proxy-client /CN=front-proxy-client bc=critical,CA:FALSE ku=critical,digitalSignature days=365",
        told: &[
            "error not-signed-by-ca pki/front-proxy-client.crt was signed by \"CN=front-proxy-client\", not by this CA, \"CN=front-proxy-ca\"",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "an RSA leaf is another CA's",
        base: Base::Default,
        of: "apiserver",
        recipe: "authority $aside/other /CN=other; issue pki/apiserver ca=$aside/other",
        told: &[
            "error not-signed-by-ca pki/apiserver.crt was signed by \"CN=other\", not by this CA, \"CN=kubernetes\"",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "the CA's certificate stands before the leaf",
        base: Base::Ecdsa,
        of: "apiserver",
        recipe: "cat pki/ca.crt pki/apiserver.crt > $aside/both; cat $aside/both > pki/apiserver.crt",
        told: &[
            "error chain-order pki/apiserver.crt begins with \"CN=kubernetes\", and \"CN=kube-apiserver\", the certificate of its key, stands behind that",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "the leaf's intermediate is not beside it",
        base: Base::OpenSsl,
        of: "apiserver",
        recipe: "authority $aside/middle /CN=middle; issue pki/apiserver ca=$aside/middle",
        told: &[
            "error not-signed-by-ca pki/apiserver.crt was signed by \"CN=middle\", not by this CA, \"CN=kubernetes\"",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "the CA stands below a root, and the leaf without it",
        base: Base::OpenSsl,
        of: "front-proxy-client",
        recipe: r"key $aside/root.key
extensions='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
openssl req -new -key $aside/root.key -subj /CN=root |
    openssl x509 -req -key $aside/root.key -days 7000 -extfile <(printf $extensions) -out $aside/root.crt
openssl x509 -x509toreq -in pki/front-proxy-ca.crt -key pki/front-proxy-ca.key |
    openssl x509 -req -CA $aside/root.crt -CAkey $aside/root.key -days 3000 -extfile <(printf $extensions) -out $aside/own.crt
cat $aside/own.crt $aside/root.crt > pki/front-proxy-ca.crt",
        told: &[
            "warning intermediate-missing pki/front-proxy-client.crt lacks a CA between its certificate and the root",
        ],
        mended: Mended::Force,
    },
    Fault {
        name: "the leaf's intermediate has expired",
        base: Base::OpenSsl,
        of: "apiserver",
        recipe: r"key $aside/middle.key
openssl req -new -key $aside/middle.key -subj /CN=middle |
    FAKETIME='2025-01-01 00:00:00' openssl x509 -req -CA pki/ca.crt -CAkey pki/ca.key -days 365 \
        -extfile <(printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n') -out $aside/middle.crt
issue pki/apiserver ca=$aside/middle
cat $aside/middle.crt >> pki/apiserver.crt",
        told: &[
            "error expired pki/apiserver.crt holds an intermediate that ended on 2026-01-01 00:00:00 UTC",
        ],
        mended: Mended::Force,
    },
];
