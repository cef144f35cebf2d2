//! A made tree, and what it is expected to hold: written from the table of "PKI certificates
//! and requirements" and kubeadm's layout, not taken from the library.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::{TempDir, certs, kubeconfig_data, run, text, write};

/// The key algorithms that the oracles see.
pub const ALGORITHMS: [&str; 2] = ["RSA-2048", "ECDSA-P256"];

/// A leaf's certificate, as the oracles need it.
pub struct Leaf {
    /// Without `.crt`, or the name of a kubeconfig.
    pub place: &'static str,
    /// The CA's certificate.
    pub issuer: &'static str,
    pub server: bool,
    pub client: bool,
    /// Names and addresses that a serving certificate must be good for.
    pub hosts: &'static [&'static str],
    /// Subject as `openssl x509 -nameopt RFC2253` and curl's server tell it: `O=…,CN=…`.
    pub subject: &'static str,
}

impl Leaf {
    fn is_kubeconfig(&self) -> bool {
        !self.place.contains('/')
    }
}

const APISERVER: &[&str] = &[
    "10.0.0.10",
    "10.96.0.1",
    "192.168.50.10",
    "api.example.test",
    "cp1",
    "fd00:10::99",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "lb.example.test",
];
const ETCD: &[&str] = &[
    "10.0.0.10",
    "10.0.0.77",
    "127.0.0.1",
    "::1",
    "cp1",
    "etcd.example.test",
    "localhost",
];

const CA: &str = "pki/ca.crt";
const ETCD_CA: &str = "pki/etcd/ca.crt";
const FRONT_PROXY_CA: &str = "pki/front-proxy-ca.crt";

const fn client(place: &'static str, issuer: &'static str, subject: &'static str) -> Leaf {
    Leaf {
        place,
        issuer,
        server: false,
        client: true,
        hosts: &[],
        subject,
    }
}

/// Every leaf of `certs all`, kubeconfigs included.
pub const LEAVES: [Leaf; 12] = [
    Leaf {
        place: "pki/apiserver",
        issuer: CA,
        server: true,
        client: false,
        hosts: APISERVER,
        subject: "CN=kube-apiserver",
    },
    Leaf {
        place: "pki/etcd/server",
        issuer: ETCD_CA,
        server: true,
        client: true,
        hosts: ETCD,
        subject: "CN=cp1",
    },
    Leaf {
        place: "pki/etcd/peer",
        issuer: ETCD_CA,
        server: true,
        client: true,
        hosts: ETCD,
        subject: "CN=cp1",
    },
    client(
        "pki/apiserver-kubelet-client",
        CA,
        "CN=kube-apiserver-kubelet-client",
    ),
    client(
        "pki/apiserver-etcd-client",
        ETCD_CA,
        "CN=kube-apiserver-etcd-client",
    ),
    client(
        "pki/etcd/healthcheck-client",
        ETCD_CA,
        "CN=kube-etcd-healthcheck-client",
    ),
    client(
        "pki/front-proxy-client",
        FRONT_PROXY_CA,
        "CN=front-proxy-client",
    ),
    client(
        "admin.conf",
        CA,
        "O=kubeadm:cluster-admins,CN=kubernetes-admin",
    ),
    client(
        "super-admin.conf",
        CA,
        "O=system:masters,CN=kubernetes-super-admin",
    ),
    client("kubelet.conf", CA, "O=system:nodes,CN=system:node:cp1"),
    client(
        "controller-manager.conf",
        CA,
        "CN=system:kube-controller-manager",
    ),
    client("scheduler.conf", CA, "CN=system:kube-scheduler"),
];

/// The CAs' certificates.
pub const CAS: [&str; 3] = [CA, ETCD_CA, FRONT_PROXY_CA];

/// The kubeconfigs of `certs all`.
pub fn kubeconfigs() -> impl Iterator<Item = &'static Leaf> {
    LEAVES.iter().filter(|leaf| leaf.is_kubeconfig())
}

/// A tree made by the program under test.
pub struct Tree {
    folder: TempDir,
}

impl Tree {
    /// `certs all` with the facts that [`LEAVES`] states.
    pub fn make(algorithm: &str) -> Self {
        Self::make_with(&[
            "--key-algorithm",
            algorithm,
            "--node-name",
            "cp1",
            "--apiserver-advertise-address",
            "10.0.0.10",
            "--control-plane-endpoint",
            "api.example.test:6443",
            "--apiserver-cert-extra-sans",
            "lb.example.test,192.168.50.10,fd00:10::99",
            "--etcd-extra-sans",
            "etcd.example.test,10.0.0.77",
        ])
    }

    /// `certs all` with these flags.
    pub fn make_with(flags: &[&str]) -> Self {
        let tree = Self {
            folder: TempDir::new(),
        };
        let mut command = certs(&["all", "--kubernetes-dir", text(&tree.path())]);
        run(command.args(flags)).expect(0);
        // kubeconfigs' pairs as files, for programs that read nothing else.
        std::fs::create_dir(tree.folder.join("extracted")).expect("make a folder");
        for leaf in kubeconfigs() {
            let kubeconfig = tree.path().join(leaf.place);
            for (field, suffix) in [
                ("client-certificate-data", "crt"),
                ("client-key-data", "key"),
            ] {
                let place = tree.extracted(leaf.place, suffix);
                write(&place, kubeconfig_data(&kubeconfig, field));
            }
        }
        tree
    }

    /// The folder that stands for `/etc/kubernetes`.
    pub fn path(&self) -> PathBuf {
        self.folder.join("kubernetes")
    }

    /// A path in the tree.
    pub fn join(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    fn extracted(&self, place: &str, suffix: &str) -> PathBuf {
        self.folder.join(&format!("extracted/{place}.{suffix}"))
    }

    /// A leaf's certificate, as a file.
    pub fn certificate(&self, leaf: &Leaf) -> PathBuf {
        self.file(leaf, "crt")
    }

    /// A leaf's private key, as a file.
    pub fn key(&self, leaf: &Leaf) -> PathBuf {
        self.file(leaf, "key")
    }

    fn file(&self, leaf: &Leaf, suffix: &str) -> PathBuf {
        if leaf.is_kubeconfig() {
            self.extracted(leaf.place, suffix)
        } else {
            self.join(&format!("{}.{suffix}", leaf.place))
        }
    }
}

/// One tree a key algorithm, made once a test program.
pub fn shared(algorithm: &str) -> &'static Tree {
    static TREES: [OnceLock<Tree>; 2] = [const { OnceLock::new() }; 2];
    let index = ALGORITHMS
        .iter()
        .position(|name| *name == algorithm)
        .expect("one of ALGORITHMS");
    TREES[index].get_or_init(|| Tree::make(algorithm))
}

/// A tree of another cluster, whose CAs nobody here trusts.
pub fn foreign() -> &'static Tree {
    static TREE: OnceLock<Tree> = OnceLock::new();
    TREE.get_or_init(|| Tree::make("ECDSA-P256"))
}
