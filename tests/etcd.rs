//! Three real members of etcd, each with a tree of its own over one copied CA.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

mod common;
use common::{Finished, Server, TempDir, certs, eventually, free_port, run, text, tool};

const FORMING: Duration = Duration::from_secs(90);

#[test]
fn a_cluster_with_rsa_keys_forms_and_keeps_strangers_out() {
    a_cluster_forms_and_keeps_strangers_out("RSA-2048");
}

#[test]
fn a_cluster_with_ecdsa_keys_forms_and_keeps_strangers_out() {
    a_cluster_forms_and_keeps_strangers_out("ECDSA-P256");
}

fn a_cluster_forms_and_keeps_strangers_out(algorithm: &str) {
    let folder = TempDir::new();
    let members = members(&folder, algorithm);
    let mut servers: Vec<Server> = members
        .iter()
        .map(|member| member.start(&members, member))
        .collect();
    for (server, member) in servers.iter_mut().zip(&members) {
        server.wait(FORMING, "a member that serves", |_| {
            member.health(member.client()).status.success()
        });
    }

    // The cluster is one: what one member stores, another gives.
    members[0]
        .ctl(members[0].client(), &["put", "key", "value"])
        .expect(0);
    let given = members[2]
        .ctl(members[2].client(), &["get", "key"])
        .expect(0);
    assert_eq!(given.stdout, "key\nvalue\n");

    members[0].health(Client::None).expect_failure("unhealthy");
    assert_refused(&mut servers[0], "tls: client didn't provide a certificate");

    let stranger = stranger(&folder, algorithm);
    members[0]
        .health(Client::Pair(stranger.join("healthcheck-client")))
        .expect_failure("unhealthy");
    // The stranger's CA has the same subject and another key.
    assert_refused(&mut servers[0], "certificate signed by unknown authority");

    // A client that trusts the stranger's CA does not take the member for its own.
    let mut misled = members[0].etcdctl(Client::Pair(stranger.join("healthcheck-client")));
    misled.arg("--cacert").arg(stranger.join("ca.crt"));
    run(misled.args(["get", "key"])).expect_failure("certificate signed by unknown authority");

    // Member 2's pairs at member 3's address.
    let third = servers.pop().expect("three members");
    drop(third);
    let mut disguised = members[2].start(&members, &members[1]);
    disguised.wait(FORMING, "refusal by the other members", |_| {
        let said = servers[0].said() + &servers[1].said();
        said.contains("not 127.0.0.4")
    });
    let refused = members[2].ctl(members[2].client(), &["get", "key"]);
    refused.expect_failure("not 127.0.0.4");
    drop(disguised);

    // With its own pairs it is let in again: nothing else was wrong.
    let mut third = members[2].start(&members, &members[2]);
    third.wait(FORMING, "the third member's return", |_| {
        members[2].health(members[2].client()).status.success()
    });
}

/// The server's log gives the reason.
#[track_caller]
fn assert_refused(server: &mut Server, reason: &str) {
    server.wait(Duration::from_secs(20), reason, |said| {
        said.contains(reason)
    });
}

struct Member {
    name: String,
    address: IpAddr,
    client_port: u16,
    peer_port: u16,
    /// Stands for /etc/kubernetes/pki/etcd.
    pki: PathBuf,
    data: PathBuf,
    log: PathBuf,
}

enum Client {
    None,
    /// Without `.crt` and `.key`.
    Pair(PathBuf),
}

fn members(folder: &TempDir, algorithm: &str) -> Vec<Member> {
    let shared = folder.join("shared");
    issue(&shared, algorithm, &["ca", "etcd-ca"], None);
    (1..=3_u8)
        .map(|number| {
            let name = format!("m{number}");
            let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, number + 1));
            let tree = folder.join(&name);
            let pki = tree.join("pki/etcd");
            fs::create_dir_all(&pki).expect("make a folder");
            for file in ["ca.crt", "ca.key"] {
                fs::copy(shared.join("pki/etcd").join(file), pki.join(file)).expect("copy the CA");
            }
            let node = Some((name.as_str(), address));
            for what in [
                &["server", "etcd-server"][..],
                &["peer"],
                &["client", "etcd-healthcheck-client"],
            ] {
                // A client's certificate names no address, and its verb takes none.
                let node = node.filter(|_| what[0] != "client");
                issue(&tree, algorithm, what, node);
            }
            let client_port = free_port(address);
            Member {
                address,
                client_port,
                peer_port: other_port(address, client_port),
                pki,
                data: folder.join(&format!("{name}.etcd")),
                log: folder.join(&format!("{name}.log")),
                name,
            }
        })
        .collect()
}

fn other_port(address: IpAddr, taken: u16) -> u16 {
    eventually(Duration::from_secs(5), || {
        Some(free_port(address))
            .filter(|port| *port != taken)
            .ok_or_else(|| "the same port again".to_owned())
    })
}

/// A CA and a client of another cluster.
fn stranger(folder: &TempDir, algorithm: &str) -> PathBuf {
    let tree = folder.join("stranger");
    issue(&tree, algorithm, &["ca", "etcd-ca"], None);
    issue(
        &tree,
        algorithm,
        &["client", "etcd-healthcheck-client"],
        None,
    );
    tree.join("pki/etcd")
}

fn issue(tree: &std::path::Path, algorithm: &str, what: &[&str], node: Option<(&str, IpAddr)>) {
    let mut command = certs(what);
    command.args(["--kubernetes-dir", text(tree), "--key-algorithm", algorithm]);
    if let Some((name, address)) = node {
        command.args(["--node-name", name]);
        command.args(["--apiserver-advertise-address", &address.to_string()]);
    }
    run(&mut command).expect(0);
}

impl Member {
    fn client(&self) -> Client {
        Client::Pair(self.pki.join("healthcheck-client"))
    }

    fn client_url(&self) -> String {
        format!("https://{}:{}", self.address, self.client_port)
    }

    fn peer_url(&self) -> String {
        format!("https://{}:{}", self.address, self.peer_port)
    }

    /// Starts the member with the pairs of `pairs`: its own, but for the test that they matter.
    fn start(&self, cluster: &[Member], pairs: &Member) -> Server {
        let others: Vec<_> = cluster
            .iter()
            .map(|member| format!("{}={}", member.name, member.peer_url()))
            .collect();
        let file = |name: &str| text(&pairs.pki.join(name)).to_owned();
        let mut command = Command::new(tool("etcd"));
        command.args(["--name", &self.name, "--data-dir", text(&self.data)]);
        command.args(["--listen-client-urls", &self.client_url()]);
        command.args(["--advertise-client-urls", &self.client_url()]);
        command.args(["--listen-peer-urls", &self.peer_url()]);
        command.args(["--initial-advertise-peer-urls", &self.peer_url()]);
        command.args(["--initial-cluster", &others.join(",")]);
        command.args(["--initial-cluster-state", "new"]);
        command.args([
            "--initial-cluster-token",
            &format!("certs-{}", cluster[0].peer_port),
        ]);
        command.args(["--client-cert-auth", "--trusted-ca-file", &file("ca.crt")]);
        command.args(["--cert-file", &file("server.crt")]);
        command.args(["--key-file", &file("server.key")]);
        command.args([
            "--peer-client-cert-auth",
            "--peer-trusted-ca-file",
            &file("ca.crt"),
        ]);
        command.args(["--peer-cert-file", &file("peer.crt")]);
        command.args(["--peer-key-file", &file("peer.key")]);
        command.args([
            "--logger",
            "zap",
            "--log-outputs",
            "stderr",
            "--unsafe-no-fsync",
        ]);
        command.args(["--heartbeat-interval", "200", "--election-timeout", "2000"]);
        // An unsupported architecture is etcd's own word for arm64.
        command.env("ETCD_UNSUPPORTED_ARCH", "arm64");
        Server::start(&command, &self.log)
    }

    fn etcdctl(&self, client: Client) -> Command {
        let mut command = Command::new(tool("etcdctl"));
        command.env("ETCDCTL_API", "3");
        command.args(["--endpoints", &self.client_url()]);
        // Without --debug "get" does not tell why a handshake failed; "endpoint health" never does.
        command.args(["--debug", "--dial-timeout=5s", "--command-timeout=5s"]);
        if let Client::Pair(place) = client {
            command.args(["--cert", &format!("{}.crt", text(&place))]);
            command.args(["--key", &format!("{}.key", text(&place))]);
        }
        command
    }

    fn ctl(&self, client: Client, arguments: &[&str]) -> Finished {
        let mut command = self.etcdctl(client);
        command.args(["--cacert", text(&self.pki.join("ca.crt"))]);
        run(command.args(arguments))
    }

    fn health(&self, client: Client) -> Finished {
        self.ctl(client, &["endpoint", "health"])
    }
}
