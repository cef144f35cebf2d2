//! The table of components and their options.
//!
//! It reads like kubeadm's manifests of static pods: a row an option, whose file is a row of the
//! table of profiles.

use super::{Component, Config, Port, Source, field, option};
use crate::location::Root;

use Source::{
    AdvertiseAddress, BindPort, BootstrapKubeconfig, ClusterName, CommonNameOf, Directory,
    EtcdAdvertisedUrl, EtcdCa, EtcdClientCertificate, EtcdClientKey, EtcdListenUrls, EtcdMembers,
    EtcdServers, EtcdState, Fixed, Key, NodeName, Public, ServiceAccountIssuer, ServiceCidr,
    SigningCertificate, SigningKey, True,
};

/// In alphabetical order, as are the options of each.
pub const COMPONENTS: &[Component] = &[
    Component {
        name: "etcd",
        config: None,
        environment: Some("ETCD_"),
        etcd: true,
        options: &[
            option("advertise-client-urls", EtcdAdvertisedUrl(Port::Client)),
            option("cert-file", Public("etcd-server")),
            option("client-cert-auth", True),
            option("initial-advertise-peer-urls", EtcdAdvertisedUrl(Port::Peer)),
            option("initial-cluster", EtcdMembers),
            option("initial-cluster-state", EtcdState),
            option("key-file", Key("etcd-server")),
            option("listen-client-urls", EtcdListenUrls(Port::Client)),
            option("listen-peer-urls", EtcdListenUrls(Port::Peer)),
            option("name", NodeName),
            option("peer-cert-file", Public("etcd-peer")),
            option("peer-client-cert-auth", True),
            option("peer-key-file", Key("etcd-peer")),
            option("peer-trusted-ca-file", Public("etcd-ca")),
            option("trusted-ca-file", Public("etcd-ca")),
        ],
    },
    Component {
        name: "kube-apiserver",
        config: None,
        environment: None,
        etcd: false,
        options: &[
            option("advertise-address", AdvertiseAddress),
            option("client-ca-file", Public("ca")),
            option("etcd-cafile", EtcdCa),
            option("etcd-certfile", EtcdClientCertificate),
            option("etcd-keyfile", EtcdClientKey),
            option("etcd-servers", EtcdServers),
            option(
                "kubelet-client-certificate",
                Public("apiserver-kubelet-client"),
            ),
            option("kubelet-client-key", Key("apiserver-kubelet-client")),
            option("proxy-client-cert-file", Public("front-proxy-client")),
            option("proxy-client-key-file", Key("front-proxy-client")),
            option(
                "requestheader-allowed-names",
                CommonNameOf("front-proxy-client"),
            ),
            option("requestheader-client-ca-file", Public("front-proxy-ca")),
            option(
                "requestheader-extra-headers-prefix",
                Fixed("X-Remote-Extra-"),
            ),
            option("requestheader-group-headers", Fixed("X-Remote-Group")),
            option("requestheader-username-headers", Fixed("X-Remote-User")),
            option("secure-port", BindPort),
            option("service-account-issuer", ServiceAccountIssuer),
            option("service-account-key-file", Public("sa")),
            option("service-account-signing-key-file", Key("sa")),
            option("service-cluster-ip-range", ServiceCidr),
            option("tls-cert-file", Public("apiserver")),
            option("tls-private-key-file", Key("apiserver")),
        ],
    },
    Component {
        name: "kube-controller-manager",
        config: None,
        environment: None,
        etcd: false,
        options: &[
            option("authentication-kubeconfig", Public("controller-manager")),
            option("authorization-kubeconfig", Public("controller-manager")),
            option("client-ca-file", Public("ca")),
            option("cluster-name", ClusterName),
            option("cluster-signing-cert-file", SigningCertificate),
            option("cluster-signing-key-file", SigningKey),
            option("kubeconfig", Public("controller-manager")),
            option("requestheader-client-ca-file", Public("front-proxy-ca")),
            option("root-ca-file", Public("ca")),
            option("service-account-private-key-file", Key("sa")),
            option("service-cluster-ip-range", ServiceCidr),
            option("use-service-account-credentials", True),
        ],
    },
    Component {
        name: "kube-proxy",
        config: Some(Config {
            version: "kubeproxy.config.k8s.io/v1alpha1",
            kind: "KubeProxyConfiguration",
        }),
        environment: None,
        etcd: false,
        options: &[
            field("hostname-override", "hostnameOverride", NodeName),
            field(
                "kubeconfig",
                "clientConnection.kubeconfig",
                Public("kube-proxy"),
            ),
        ],
    },
    Component {
        name: "kube-scheduler",
        config: None,
        environment: None,
        etcd: false,
        options: &[
            option("authentication-kubeconfig", Public("scheduler")),
            option("authorization-kubeconfig", Public("scheduler")),
            option("kubeconfig", Public("scheduler")),
        ],
    },
    Component {
        name: "kubelet",
        config: Some(Config {
            version: "kubelet.config.k8s.io/v1beta1",
            kind: "KubeletConfiguration",
        }),
        environment: None,
        etcd: false,
        options: &[
            // Read where there is no other kubeconfig.
            option("bootstrap-kubeconfig", BootstrapKubeconfig),
            option("cert-dir", Directory(Root::Kubelet)),
            field(
                "client-ca-file",
                "authentication.x509.clientCAFile",
                Public("ca"),
            ),
            option("hostname-override", NodeName),
            option("kubeconfig", Public("kubelet")),
            field("rotate-certificates", "rotateCertificates", True),
            field("tls-cert-file", "tlsCertFile", Public("kubelet-serving")),
            field(
                "tls-private-key-file",
                "tlsPrivateKeyFile",
                Key("kubelet-serving"),
            ),
        ],
    },
];
