//! A real kubectl and curl use the kubeconfigs and pairs at a server that demands a client
//! certificate and presents the API server's.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

mod common;
use common::tree::{ALGORITHMS, Leaf, Tree, foreign, kubeconfigs};
use common::{
    Finished, Server, TempDir, fixture, free_port, kubeconfig_data, read, run, tool, venv, write,
};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A tree, and a server with its API server's pair.
struct Cluster {
    tree: Tree,
    port: u16,
    server: Server,
    folder: TempDir,
}

impl Cluster {
    fn start(algorithm: &str) -> Self {
        let port = free_port(LOCAL);
        let endpoint = format!("localhost:{port}");
        let bind_port = port.to_string();
        let tree = Tree::make_with(&[
            "--key-algorithm",
            algorithm,
            "--node-name",
            "cp1",
            "--apiserver-advertise-address",
            "127.0.0.1",
            "--apiserver-bind-port",
            &bind_port,
            "--control-plane-endpoint",
            &endpoint,
        ]);
        let folder = TempDir::new();
        let mut command = Command::new(venv("python"));
        command.arg(fixture("api_server.py"));
        command.args([&LOCAL.to_string(), &bind_port]);
        for file in ["apiserver.crt", "apiserver.key", "ca.crt"] {
            command.arg(tree.join(&format!("pki/{file}")));
        }
        let mut server = Server::start(&command, &folder.join("server.log"));
        server.wait(Duration::from_secs(20), "a server that is ready", |said| {
            said.contains("ready")
        });
        Self {
            tree,
            port,
            server,
            folder,
        }
    }

    fn kubectl(&self, kubeconfig: &Path, arguments: &[&str]) -> Finished {
        let mut command = Command::new(venv("kubectl"));
        command.env("HOME", self.folder.path());
        for name in ["KUBECONFIG", "HTTPS_PROXY", "https_proxy"] {
            command.env_remove(name);
        }
        command.arg("--kubeconfig").arg(kubeconfig);
        command.arg("--request-timeout=20s");
        run(command.args(arguments))
    }

    fn curl(&self, host: &str, ca: &Path, pair: Option<(&Path, &Path)>) -> Finished {
        let mut command = Command::new(tool("curl"));
        command.args(["--silent", "--show-error", "--fail", "--noproxy", "*"]);
        command.args(["--max-time", "20"]);
        command.arg("--cacert").arg(ca);
        if let Some((certificate, key)) = pair {
            command.arg("--cert").arg(certificate).arg("--key").arg(key);
        }
        let port = self.port;
        run(command.arg(format!("https://{host}:{port}/healthz")))
    }

    /// The URL that a kubeconfig is to name: the endpoint, or this node.
    fn url(&self, leaf: &Leaf) -> String {
        let host = match leaf.place {
            "admin.conf" | "super-admin.conf" => "localhost",
            _ => "127.0.0.1",
        };
        format!("https://{host}:{}", self.port)
    }
}

#[test]
fn kubectl_reads_every_kubeconfig_and_its_server_knows_the_user() {
    for algorithm in ALGORITHMS {
        let cluster = Cluster::start(algorithm);
        for leaf in kubeconfigs() {
            let kubeconfig = cluster.tree.join(leaf.place);
            let (_, user) = leaf.subject.split_once("CN=").expect("a CN");
            let context = format!("{user}@kubernetes");
            let shown = cluster.kubectl(&kubeconfig, &["config", "view", "--raw", "-o", "json"]);
            let mut shown: Value =
                serde_json::from_str(&shown.expect(0).stdout).expect("kubectl prints JSON");
            let data = |pointer: &str| {
                let value = shown.pointer(pointer).and_then(Value::as_str);
                let value = value.unwrap_or_else(|| panic!("{}: no {pointer}", leaf.place));
                <base64ct::Base64 as base64ct::Encoding>::decode_vec(value).expect("base64")
            };
            let file = |path: &Path| read(path).into_bytes();
            assert_eq!(
                data("/clusters/0/cluster/certificate-authority-data"),
                file(&cluster.tree.join("pki/ca.crt"))
            );
            assert_eq!(
                data("/users/0/user/client-certificate-data"),
                file(&cluster.tree.certificate(leaf))
            );
            assert_eq!(
                data("/users/0/user/client-key-data"),
                file(&cluster.tree.key(leaf))
            );
            for (pointer, field) in [
                ("/clusters/0/cluster", "certificate-authority-data"),
                ("/users/0/user", "client-certificate-data"),
                ("/users/0/user", "client-key-data"),
            ] {
                let object = shown.pointer_mut(pointer).and_then(Value::as_object_mut);
                object.expect("an object").remove(field);
            }
            let wanted = json!({
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "kubernetes", "cluster": {"server": cluster.url(leaf)}}],
                "contexts": [{"name": context, "context": {"cluster": "kubernetes", "user": user}}],
                "current-context": context,
                "users": [{"name": user, "user": {}}],
            });
            // kubectl's own, empty and going out of use.
            shown
                .as_object_mut()
                .expect("an object")
                .remove("preferences");
            assert_eq!(shown, wanted, "{}", leaf.place);

            let answer = cluster.kubectl(&kubeconfig, &["get", "--raw", "/healthz"]);
            let subject = answer.expect(0).stdout;
            assert_eq!(subject.trim(), leaf.subject, "{algorithm} {}", leaf.place);
        }
    }
}

#[test]
fn curl_is_let_in_with_every_pair_at_every_host_of_the_server() {
    for algorithm in ALGORITHMS {
        let cluster = Cluster::start(algorithm);
        let ca = cluster.tree.join("pki/ca.crt");
        let of_the_cluster = common::tree::LEAVES
            .iter()
            .filter(|leaf| leaf.client && leaf.issuer == "pki/ca.crt");
        for leaf in of_the_cluster {
            let (certificate, key) = (cluster.tree.certificate(leaf), cluster.tree.key(leaf));
            for host in ["localhost", "127.0.0.1"] {
                let answer = cluster.curl(host, &ca, Some((&certificate, &key)));
                assert_eq!(answer.expect(0).stdout.trim(), leaf.subject, "{algorithm}");
            }
        }
    }
}

#[test]
fn strangers_and_clients_of_other_cas_are_refused() {
    for algorithm in ALGORITHMS {
        let mut cluster = Cluster::start(algorithm);
        let tree = &cluster.tree;
        let ca = tree.join("pki/ca.crt");
        let pair = |tree: &Tree, place: &str| -> (PathBuf, PathBuf) {
            (
                tree.join(&format!("{place}.crt")),
                tree.join(&format!("{place}.key")),
            )
        };
        let good = pair(tree, "pki/apiserver-kubelet-client");
        cluster
            .curl("localhost", &ca, Some((&good.0, &good.1)))
            .expect(0);
        for (certificate, key) in [
            pair(foreign(), "pki/apiserver-kubelet-client"),
            pair(tree, "pki/front-proxy-client"),
            pair(tree, "pki/etcd/healthcheck-client"),
            // Of the right CA, for servers only.
            pair(tree, "pki/apiserver"),
        ] {
            let answer = cluster.curl("localhost", &ca, Some((&certificate, &key)));
            assert!(!answer.status.success(), "{algorithm}: {answer}");
        }
        let nobody = cluster.curl("localhost", &ca, None);
        assert!(!nobody.status.success(), "{algorithm}: {nobody}");
        let misled = cluster.curl(
            "localhost",
            &foreign().join("pki/ca.crt"),
            Some((&good.0, &good.1)),
        );
        // 60: the peer's certificate cannot be authenticated.
        misled.expect(60);

        // kubectl with a foreign user at our server, then with a foreign CA.
        let admin = tree.join("admin.conf");
        let content = read(&admin);
        let swapped = cluster.folder.join("swapped.conf");
        let fields = |names: &[&str]| {
            names.iter().fold(content.clone(), |content, name| {
                let encoded = |kubeconfig: &Path| {
                    let bytes = kubeconfig_data(kubeconfig, name);
                    <base64ct::Base64 as base64ct::Encoding>::encode_string(&bytes)
                };
                let ours = encoded(&admin);
                assert!(content.contains(&ours), "{name} on one line");
                content.replace(&ours, &encoded(&foreign().join("admin.conf")))
            })
        };
        write(
            &swapped,
            fields(&["client-certificate-data", "client-key-data"]),
        );
        let refused = cluster.kubectl(&swapped, &["get", "--raw", "/healthz"]);
        refused.expect_failure("tls: ");
        write(&swapped, fields(&["certificate-authority-data"]));
        cluster
            .kubectl(&swapped, &["get", "--raw", "/healthz"])
            .expect_failure("certificate signed by unknown authority");
        cluster
            .server
            .wait(Duration::from_secs(20), "refusals in the log", |said| {
                said.contains("CERTIFICATE_VERIFY_FAILED")
                    && said.contains("PEER_DID_NOT_RETURN_A_CERTIFICATE")
            });
    }
}
