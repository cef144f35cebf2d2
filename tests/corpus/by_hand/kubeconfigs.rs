//! What is wrong in kubeconfigs; and many mistakes at once.

use super::{NONE, Slip};

/// The table.
pub const SLIPS: &[Slip] = &[
    Slip {
        name: "a kubeconfig points at 127.0.0.1",
        before: "server[admin.conf]=https://127.0.0.1:6443",
        told: &[
            "error server-not-in-sans admin.conf points at 127.0.0.1, which apiserver.crt is not good for",
        ],
        ..NONE
    },
    Slip {
        name: "a kubeconfig points at a name that the API server has not",
        before: "server[admin.conf]=https://api.example.com:6443",
        told: &[
            "error server-not-in-sans admin.conf points at api.example.com, which apiserver.crt is not good for",
        ],
        ..NONE
    },
    Slip {
        name: "a kubeconfig speaks http",
        before: "server[scheduler.conf]=http://$address:8080",
        told: &[
            "error unreadable scheduler.conf cannot be used: its cluster \"by-hand\" is not verified: its server is no https URL",
        ],
        ..NONE
    },
    Slip {
        name: "a kubeconfig lacks the CA's data",
        after: "edit admin.conf /certificate-authority-data/d",
        told: &[
            "error kubeconfig-ca admin.conf has no CA certificates, and so trusts those of the machine alone",
        ],
        ..NONE
    },
    Slip {
        name: "a kubeconfig does not verify the server",
        after: "edit admin.conf 's/certificate-authority-data: .*/insecure-skip-tls-verify: true/'",
        told: &[
            "error unreadable admin.conf cannot be used: its cluster \"by-hand\" is not verified: insecure-skip-tls-verify",
        ],
        ..NONE
    },
    Slip {
        name: "a kubeconfig trusts etcd's CA",
        before: "authority[admin.conf]=pki/etcd/ca.crt",
        told: &["error kubeconfig-ca admin.conf does not trust the CA"],
        ..NONE
    },
    Slip {
        name: "a kubeconfig trusts the API server's own certificate",
        before: "authority[admin.conf]=pki/apiserver.crt",
        told: &["error kubeconfig-ca admin.conf does not trust the CA"],
        ..NONE
    },
    Slip {
        name: "a kubeconfig's key is another's",
        after: r#"put scheduler.conf client-key-data "$KEYS/other""#,
        told: &["error key-mismatch scheduler.conf holds a key that is not its certificate's"],
        ..NONE
    },
    Slip {
        name: "a kubeconfig has another's certificate and key",
        after: "field scheduler.conf client-certificate-data > $aside/c; field scheduler.conf client-key-data > $aside/k; put controller-manager.conf client-certificate-data $aside/c; put controller-manager.conf client-key-data $aside/k",
        told: &[
            "error wrong-subject controller-manager.conf has the subject \"CN=system:kube-scheduler\", not \"CN=system:kube-controller-manager\"",
        ],
        ..NONE
    },
    Slip {
        name: "a kubeconfig names files that are elsewhere",
        after: "edit admin.conf 's|client-certificate-data: .*|client-certificate: admin.pem|; s|client-key-data: .*|client-key: admin-key.pem|'",
        told: &[
            "error unreadable admin.conf refers to admin.pem (client-certificate), which is not there",
            "error unreadable admin.conf refers to admin-key.pem (client-key), which is not there",
        ],
        ..NONE
    },
    Slip {
        name: "a kubeconfig has no current context",
        after: "edit admin.conf /current-context/d",
        told: &["error unreadable admin.conf cannot be used: it has no current-context"],
        ..NONE
    },
    Slip {
        name: "a kubeconfig's current context is none of its own",
        after: "edit admin.conf 's/current-context: .*/current-context: kubernetes/'",
        told: &[
            "error unreadable admin.conf cannot be used: it has no context \"kubernetes\", which is its current one",
        ],
        ..NONE
    },
    Slip {
        name: "a kubeconfig's data was not encoded",
        after: "edit admin.conf 's|client-key-data: .*|client-key-data: /root/admin.key|'",
        told: &[
            "error unreadable admin.conf cannot be used: its user \"kubernetes-admin\": has client-key-data that is not base64",
        ],
        ..NONE
    },
    Slip {
        name: "everyone may read a kubeconfig",
        after: "chmod 644 admin.conf",
        told: &["error key-mode admin.conf has the mode 0644"],
        ..NONE
    },
    Slip {
        name: "a kubeconfig is YAML no more",
        after: "echo 'users: [' >> admin.conf",
        told: &[
            "error unreadable admin.conf cannot be used: line 19: the key \"users\" is here a second time, first on line 8: keep one",
        ],
        ..NONE
    },
    Slip {
        name: "a page's mistakes are made together",
        before: "subject[kubelet.conf]=/O=system:nodes/CN=cp1 subject[admin.conf]=/CN=admin san[pki/apiserver]=DNS:cp1,${services#DNS:kubernetes,},IP:$address usage[pki/etcd/peer]=serverAuth server[admin.conf]=https://127.0.0.1:6443 hash[pki/front-proxy-client]=sha1 days[pki/apiserver-kubelet-client]=20 issuer[pki/apiserver-etcd-client]=pki/ca",
        after: r#"chmod 644 pki/sa.key; rm scheduler.conf; openssl rsa -in "$KEYS/other" -pubout -out pki/sa.pub"#,
        stated: true,
        told: &[
            "error san-missing pki/apiserver.crt lacks the SAN kubernetes",
            "error san-missing pki/apiserver.crt lacks the SAN 10.96.0.1",
            "error usage-missing pki/etcd/peer.crt lacks the extended key usage clientAuth",
            "error not-signed-by-ca pki/apiserver-etcd-client.crt was signed by \"CN=kubernetes\", not by this CA, \"CN=etcd-ca\"",
            "error weak-hash pki/front-proxy-client.crt is signed with sha1WithRSAEncryption",
            "error wrong-subject admin.conf has the subject \"CN=admin\", not \"CN=kubernetes-admin,O=kubeadm:cluster-admins\"",
            "error server-not-in-sans admin.conf points at 127.0.0.1, which apiserver.crt is not good for",
            "error wrong-subject kubelet.conf has the subject \"CN=cp1,O=system:nodes\", not \"CN=system:node:cp1,O=system:nodes\"",
            "error key-mode pki/sa.key has the mode 0644",
            "error key-mismatch pki/sa.pub does not hold the public key of sa.key",
            "warning validity pki/apiserver-kubelet-client.crt was issued for 479h55m, not 8760h",
            "warning kubeconfig-server admin.conf points at https://127.0.0.1:6443, not https://10.0.0.10:6443",
            "warning absent scheduler.conf is not there: the scheduler of this node",
        ],
    },
];
