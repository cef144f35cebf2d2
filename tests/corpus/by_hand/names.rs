//! What is wrong in what certificates say: subjects, names, usages, times.

use super::{NONE, Slip};

/// The table.
pub const SLIPS: &[Slip] = &[
    Slip {
        name: "the administrator is in no group",
        before: "subject[admin.conf]=/CN=kubernetes-admin",
        told: &[
            "error wrong-subject admin.conf has the subject \"CN=kubernetes-admin\", not \"CN=kubernetes-admin,O=kubeadm:cluster-admins\"",
        ],
        ..NONE
    },
    Slip {
        name: "the administrator is called admin, in system:masters",
        before: "subject[admin.conf]=/O=system:masters/CN=admin",
        told: &[
            "error wrong-subject admin.conf has the subject \"CN=admin,O=system:masters\", not \"CN=kubernetes-admin,O=kubeadm:cluster-admins\"",
            "note system-masters admin.conf is a member of system:masters",
        ],
        ..NONE
    },
    Slip {
        name: "the administrator's group is misspelled",
        before: "subject[admin.conf]=/O=system:master/CN=kubernetes-admin",
        told: &[
            "error wrong-subject admin.conf has the subject \"CN=kubernetes-admin,O=system:master\", not \"CN=kubernetes-admin,O=kubeadm:cluster-admins\"",
        ],
        ..NONE
    },
    Slip {
        name: "the administrator has the group for a unit",
        before: "subject[admin.conf]=/OU=kubeadm:cluster-admins/CN=kubernetes-admin",
        told: &[
            "error wrong-subject admin.conf has the subject \"CN=kubernetes-admin,OU=kubeadm:cluster-admins\", not \"CN=kubernetes-admin,O=kubeadm:cluster-admins\"",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's name lacks system:node:",
        before: "subject[kubelet.conf]=/O=system:nodes/CN=cp1",
        told: &[
            "error wrong-subject kubelet.conf has the subject \"CN=cp1,O=system:nodes\", not \"CN=system:node:cp1,O=system:nodes\"",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet is in no group",
        before: "subject[kubelet.conf]=/CN=system:node:cp1",
        told: &[
            "error wrong-subject kubelet.conf has the subject \"CN=system:node:cp1\", not \"CN=system:node:cp1,O=system:nodes\"",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's group is system:node",
        before: "subject[kubelet.conf]=/O=system:node/CN=system:node:cp1",
        told: &[
            "error wrong-subject kubelet.conf has the subject \"CN=system:node:cp1,O=system:node\", not \"CN=system:node:cp1,O=system:nodes\"",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet is called by another node's name",
        before: "subject[kubelet.conf]=/O=system:nodes/CN=system:node:worker-0",
        told: &[
            "error wrong-subject kubelet.conf has the subject \"CN=system:node:worker-0,O=system:nodes\", not \"CN=system:node:cp1,O=system:nodes\"",
        ],
        ..NONE
    },
    Slip {
        name: "the controller manager lacks system:",
        before: "subject[controller-manager.conf]=/CN=kube-controller-manager",
        told: &[
            "error wrong-subject controller-manager.conf has the subject \"CN=kube-controller-manager\", not \"CN=system:kube-controller-manager\"",
        ],
        ..NONE
    },
    Slip {
        name: "the controller manager is in a group of its own name",
        before: "subject[controller-manager.conf]=/O=system:kube-controller-manager/CN=system:kube-controller-manager",
        told: &[
            "error wrong-subject controller-manager.conf has the subject \"CN=system:kube-controller-manager,O=system:kube-controller-manager\", not \"CN=system:kube-controller-manager\"",
        ],
        ..NONE
    },
    Slip {
        name: "the scheduler is called system:scheduler",
        before: "subject[scheduler.conf]=/CN=system:scheduler",
        told: &[
            "error wrong-subject scheduler.conf has the subject \"CN=system:scheduler\", not \"CN=system:kube-scheduler\"",
        ],
        ..NONE
    },
    Slip {
        name: "the etcd member is called etcd",
        before: "subject[pki/etcd/server]=/CN=etcd",
        told: &[
            "error wrong-subject pki/etcd/server.crt has the subject \"CN=etcd\", not \"CN=cp1\"",
        ],
        ..NONE
    },
    Slip {
        name: "etcd's members are called otherwise than the node",
        before: "for name in pki/etcd/server pki/etcd/peer; do subject[$name]=/CN=etcd-1; done",
        stated: true,
        told: &[
            "error wrong-subject pki/etcd/server.crt has the subject \"CN=etcd-1\", not \"CN=cp1\"",
            "error wrong-subject pki/etcd/peer.crt has the subject \"CN=etcd-1\", not \"CN=cp1\"",
        ],
        ..NONE
    },
    Slip {
        name: "the API server is called kubernetes",
        before: "subject[pki/apiserver]=/CN=kubernetes",
        told: &[
            "error named-like-its-ca pki/apiserver.crt has the subject of its CA, \"CN=kubernetes\"",
            "error wrong-subject pki/apiserver.crt has the subject \"CN=kubernetes\", not \"CN=kube-apiserver\"",
        ],
        ..NONE
    },
    Slip {
        name: "the API server's certificate lacks the address of its service",
        before: "san[pki/apiserver]=DNS:cp1,$services,IP:$address",
        stated: true,
        told: &["error san-missing pki/apiserver.crt lacks the SAN 10.96.0.1"],
        ..NONE
    },
    Slip {
        name: "the API server's certificate has the service's address of another page",
        before: "san[pki/apiserver]=DNS:cp1,$services,IP:10.32.0.1,IP:$address",
        stated: true,
        told: &[
            "error san-missing pki/apiserver.crt lacks the SAN 10.96.0.1",
            "warning san-extra pki/apiserver.crt has the SAN 10.32.0.1, which is not wanted",
        ],
        ..NONE
    },
    Slip {
        name: "the API server's certificate lacks kubernetes.default.svc",
        before: "san[pki/apiserver]=DNS:cp1,${services/DNS:kubernetes.default.svc,/},IP:10.96.0.1,IP:$address",
        told: &["error san-missing pki/apiserver.crt lacks the SAN kubernetes.default.svc"],
        ..NONE
    },
    Slip {
        name: "the API server's certificate lacks kubernetes",
        before: "san[pki/apiserver]=DNS:cp1,${services#DNS:kubernetes,},IP:10.96.0.1,IP:$address",
        told: &["error san-missing pki/apiserver.crt lacks the SAN kubernetes"],
        ..NONE
    },
    Slip {
        name: "the API server's certificate lacks default in the name with the domain",
        before: "san[pki/apiserver]=DNS:cp1,${services/default.svc.cluster/svc.cluster},IP:10.96.0.1,IP:$address",
        told: &[
            "error san-missing pki/apiserver.crt lacks the SAN kubernetes.default.svc.cluster.local",
        ],
        ..NONE
    },
    Slip {
        name: "the API server's certificate lacks the node's name",
        before: "san[pki/apiserver]=$services,IP:10.96.0.1,IP:$address",
        told: &["error san-missing pki/apiserver.crt lacks the SAN cp1"],
        ..NONE
    },
    Slip {
        name: "the API server's certificate lacks the address that kubeconfigs name",
        before: "san[pki/apiserver]=DNS:cp1,$services,IP:10.96.0.1",
        told: &[
            "error server-not-in-sans admin.conf points at 10.0.0.10, which apiserver.crt is not good for",
            "error server-not-in-sans kubelet.conf points at 10.0.0.10, which apiserver.crt is not good for",
            "error server-not-in-sans controller-manager.conf points at 10.0.0.10, which apiserver.crt is not good for",
            "error server-not-in-sans scheduler.conf points at 10.0.0.10, which apiserver.crt is not good for",
        ],
        ..NONE
    },
    Slip {
        name: "the API server's certificate has the address for a name",
        before: "san[pki/apiserver]=DNS:cp1,$services,IP:10.96.0.1,DNS:$address",
        told: &[
            "error server-not-in-sans admin.conf points at 10.0.0.10, which apiserver.crt is not good for",
            "error server-not-in-sans kubelet.conf points at 10.0.0.10, which apiserver.crt is not good for",
            "error server-not-in-sans controller-manager.conf points at 10.0.0.10, which apiserver.crt is not good for",
            "error server-not-in-sans scheduler.conf points at 10.0.0.10, which apiserver.crt is not good for",
        ],
        ..NONE
    },
    Slip {
        name: "the API server's certificate has no SAN, as of old",
        before: "san[pki/apiserver]=",
        told: &[
            "error san-missing pki/apiserver.crt lacks the SAN cp1",
            "error san-missing pki/apiserver.crt lacks the SAN kubernetes",
            "error san-missing pki/apiserver.crt lacks the SAN kubernetes.default",
            "error san-missing pki/apiserver.crt lacks the SAN kubernetes.default.svc",
            "error san-missing pki/apiserver.crt lacks the SAN kubernetes.default.svc.cluster.local",
            "error server-not-in-sans admin.conf points at 10.0.0.10, which apiserver.crt is not good for",
            "error server-not-in-sans kubelet.conf points at 10.0.0.10, which apiserver.crt is not good for",
            "error server-not-in-sans controller-manager.conf points at 10.0.0.10, which apiserver.crt is not good for",
            "error server-not-in-sans scheduler.conf points at 10.0.0.10, which apiserver.crt is not good for",
        ],
        ..NONE
    },
    Slip {
        name: "the API server's certificate has a wildcard",
        before: "san[pki/apiserver]=DNS:cp1,$services,IP:10.96.0.1,IP:$address,DNS:*.example.com",
        stated: true,
        told: &[
            "warning san-extra pki/apiserver.crt has the SAN *.example.com, which is not wanted",
        ],
        ..NONE
    },
    Slip {
        name: "the API server's certificate is a client's",
        before: "usage[pki/apiserver]=clientAuth",
        told: &[
            "error usage-missing pki/apiserver.crt lacks the extended key usage serverAuth",
            "warning usage-extra pki/apiserver.crt has the extended key usage clientAuth, which is not wanted",
        ],
        ..NONE
    },
    Slip {
        name: "the administrator's certificate is a server's",
        before: "usage[admin.conf]=serverAuth",
        told: &[
            "error usage-missing admin.conf lacks the extended key usage clientAuth",
            "warning usage-extra admin.conf has the extended key usage serverAuth, which is not wanted",
        ],
        ..NONE
    },
    Slip {
        name: "the client of kubelets lacks clientAuth",
        before: "usage[pki/apiserver-kubelet-client]=serverAuth",
        told: &[
            "error usage-missing pki/apiserver-kubelet-client.crt lacks the extended key usage clientAuth",
            "warning usage-extra pki/apiserver-kubelet-client.crt has the extended key usage serverAuth, which is not wanted",
        ],
        ..NONE
    },
    Slip {
        name: "etcd's server lacks clientAuth",
        before: "usage[pki/etcd/server]=serverAuth",
        told: &["error usage-missing pki/etcd/server.crt lacks the extended key usage clientAuth"],
        ..NONE
    },
    Slip {
        name: "etcd's peer lacks serverAuth",
        before: "usage[pki/etcd/peer]=clientAuth",
        told: &["error usage-missing pki/etcd/peer.crt lacks the extended key usage serverAuth"],
        ..NONE
    },
    Slip {
        name: "etcd's server lacks localhost and its address",
        before: "san[pki/etcd/server]=DNS:cp1,IP:$address",
        told: &[
            "error san-missing pki/etcd/server.crt lacks the SAN localhost",
            "error san-missing pki/etcd/server.crt lacks the SAN 127.0.0.1",
            "error san-missing pki/etcd/server.crt lacks the SAN ::1",
        ],
        ..NONE
    },
    Slip {
        name: "etcd's peer lacks its own address",
        before: "san[pki/etcd/peer]=DNS:cp1,DNS:localhost,IP:127.0.0.1,IP:::1",
        stated: true,
        told: &["error san-missing pki/etcd/peer.crt lacks the SAN 10.0.0.10"],
        ..NONE
    },
    Slip {
        name: "a leaf may sign certificates",
        before: "constraints[pki/apiserver]=CA:TRUE",
        told: &["error leaf-is-ca pki/apiserver.crt is a CA, which it must not be"],
        ..NONE
    },
    Slip {
        name: "a leaf's key usage is that of a CA",
        before: "key_usage[pki/front-proxy-client]=keyCertSign,cRLSign",
        told: &[
            "error usage-missing pki/front-proxy-client.crt lacks the key usage digitalSignature",
            "warning usage-extra pki/front-proxy-client.crt has the key usage keyCertSign, which is not wanted",
            "warning usage-extra pki/front-proxy-client.crt has the key usage cRLSign, which is not wanted",
        ],
        ..NONE
    },
    Slip {
        name: "all serial numbers are one",
        before: "serial=1",
        told: &[
            "warning same-serial pki/etcd/peer.crt has the serial number 01, as has etcd/server.crt",
            "warning same-serial pki/apiserver-kubelet-client.crt has the serial number 01, as has apiserver.crt",
            "warning same-serial pki/apiserver-etcd-client.crt has the serial number 01, as has etcd/server.crt",
            "warning same-serial pki/etcd/healthcheck-client.crt has the serial number 01, as has etcd/server.crt",
            "warning same-serial admin.conf has the serial number 01, as has apiserver.crt",
            "warning same-serial kubelet.conf has the serial number 01, as has apiserver.crt",
            "warning same-serial controller-manager.conf has the serial number 01, as has apiserver.crt",
            "warning same-serial scheduler.conf has the serial number 01, as has apiserver.crt",
            "note small-serial pki/apiserver.crt has a serial number of less than 64 bits",
            "note small-serial pki/etcd/server.crt has a serial number of less than 64 bits",
            "note small-serial pki/etcd/peer.crt has a serial number of less than 64 bits",
            "note small-serial pki/apiserver-kubelet-client.crt has a serial number of less than 64 bits",
            "note small-serial pki/apiserver-etcd-client.crt has a serial number of less than 64 bits",
            "note small-serial pki/etcd/healthcheck-client.crt has a serial number of less than 64 bits",
            "note small-serial pki/front-proxy-client.crt has a serial number of less than 64 bits",
            "note small-serial admin.conf has a serial number of less than 64 bits",
            "note small-serial kubelet.conf has a serial number of less than 64 bits",
            "note small-serial controller-manager.conf has a serial number of less than 64 bits",
            "note small-serial scheduler.conf has a serial number of less than 64 bits",
        ],
        ..NONE
    },
    Slip {
        name: "a leaf is good for thirty days, OpenSSL's default",
        before: "days[pki/apiserver]=30",
        stated: true,
        told: &["warning validity pki/apiserver.crt was issued for 719h55m, not 8760h"],
        ..NONE
    },
    Slip {
        name: "a leaf outlives its CA",
        before: "days[pki/ca]=1825 days[pki/apiserver]=3650",
        told: &[
            "warning outlives-ca pki/apiserver.crt says that it ends on 2036-11-19 12:00:00 UTC, and its CA ends on 2031-11-21 12:00:00 UTC",
        ],
        ..NONE
    },
    Slip {
        name: "all leaves are good for ten years, and their CAs for five",
        before: r#"for name in "${cas[@]}"; do days[$name]=1825; done; for name in "${leaves[@]}"; do days[$name]=3650; done"#,
        told: &[
            "warning outlives-ca pki/apiserver.crt says that it ends on 2036-11-19 12:00:00 UTC, and its CA ends on 2031-11-21 12:00:00 UTC",
            "warning outlives-ca pki/etcd/server.crt says that it ends on 2036-11-19 12:00:00 UTC, and its CA ends on 2031-11-21 12:00:00 UTC",
            "warning outlives-ca pki/etcd/peer.crt says that it ends on 2036-11-19 12:00:00 UTC, and its CA ends on 2031-11-21 12:00:00 UTC",
            "warning outlives-ca pki/apiserver-kubelet-client.crt says that it ends on 2036-11-19 12:00:00 UTC, and its CA ends on 2031-11-21 12:00:00 UTC",
            "warning outlives-ca pki/apiserver-etcd-client.crt says that it ends on 2036-11-19 12:00:00 UTC, and its CA ends on 2031-11-21 12:00:00 UTC",
            "warning outlives-ca pki/etcd/healthcheck-client.crt says that it ends on 2036-11-19 12:00:00 UTC, and its CA ends on 2031-11-21 12:00:00 UTC",
            "warning outlives-ca pki/front-proxy-client.crt says that it ends on 2036-11-19 12:00:00 UTC, and its CA ends on 2031-11-21 12:00:00 UTC",
            "warning outlives-ca admin.conf says that it ends on 2036-11-19 12:00:00 UTC, and its CA ends on 2031-11-21 12:00:00 UTC",
            "warning outlives-ca kubelet.conf says that it ends on 2036-11-19 12:00:00 UTC, and its CA ends on 2031-11-21 12:00:00 UTC",
            "warning outlives-ca controller-manager.conf says that it ends on 2036-11-19 12:00:00 UTC, and its CA ends on 2031-11-21 12:00:00 UTC",
            "warning outlives-ca scheduler.conf says that it ends on 2036-11-19 12:00:00 UTC, and its CA ends on 2031-11-21 12:00:00 UTC",
        ],
        ..NONE
    },
    Slip {
        name: "a CA is good for thirty days, OpenSSL's default",
        before: "days[pki/front-proxy-ca]=30",
        told: &[
            "warning expires-soon pki/front-proxy-ca.crt ends on 2026-12-22 12:00:00 UTC",
            "warning expires-soon pki/front-proxy-client.crt ends with its CA on 2026-12-22 12:00:00 UTC",
        ],
        ..NONE
    },
    Slip {
        name: "a certificate is signed with SHA-1",
        before: "hash[pki/apiserver]=sha1",
        told: &["error weak-hash pki/apiserver.crt is signed with sha1WithRSAEncryption"],
        ..NONE
    },
    Slip {
        name: "a key has 1024 bits",
        before: "pool[pki/apiserver]=weak",
        told: &[
            "error unreadable pki/apiserver.key cannot be used: a private key of the kind RSA-1024 is not supported: use RSA with 2048 to 8192 bits, or ECDSA on P-256, P-384 or P-521",
            "warning weak-key pki/apiserver.crt has an RSA key of 1024 bits",
        ],
        ..NONE
    },
];
