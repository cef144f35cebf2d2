//! `certs rotate etcd-ca` over three real members of etcd, by the instructions that it prints, while clients write
//! and read: from kubeadm's trees, RSA and ECDSA, and from the one to the other.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

mod common;
use common::load::{Client, Load, kept, load_anew};
use common::members::{Members, NAMES};
use common::snapshot::{same, snapshot};
use common::trees::Trees;
use common::{Finished, Server, TempDir, certs, eventually, free_port, run, text, tool};

/// For a member that starts on a busy machine.
const WELL: Duration = Duration::from_secs(90);

#[test]
fn a_cluster_of_kubeadms_with_rsa_keys_gets_a_new_ca_and_no_request_fails() {
    a_new_ca_and_no_request_fails(&Cluster::of(1, "default"), &[], "rsaEncryption");
}

#[test]
fn a_cluster_of_kubeadms_with_ecdsa_keys_gets_a_new_ca_and_no_request_fails() {
    a_new_ca_and_no_request_fails(&Cluster::of(2, "ecdsa-p256"), &[], "id-ecPublicKey");
}

#[test]
fn a_cluster_goes_from_rsa_to_ecdsa_and_no_request_fails() {
    let algorithm = ["--key-algorithm", "ECDSA-P256"];
    a_new_ca_and_no_request_fails(&Cluster::of(3, "default"), &algorithm, "id-ecPublicKey");
}

/// Every member has its tree from one run over the inventory, and nothing else.
#[test]
fn a_cluster_of_one_inventory_gets_a_new_ca_and_no_request_fails() {
    a_new_ca_and_no_request_fails(&Cluster::of_inventory(5), &[], "id-ecPublicKey");
}

#[test]
fn a_cluster_goes_back_stage_by_stage_and_no_request_fails() {
    a_way_back_and_no_request_fails(&Cluster::of(6, "ecdsa-p256"));
}

#[test]
fn a_cluster_of_one_inventory_goes_back_stage_by_stage_and_no_request_fails() {
    a_way_back_and_no_request_fails(&Cluster::of_inventory(7));
}

fn a_way_back_and_no_request_fails(cluster: &Cluster) {
    let former = cluster.former();
    let mut servers = cluster.members.form();
    let [patient, prompt] = cluster.clients();
    let load = Load::of(&[patient.clone(), prompt.clone()], &cluster.endpoints());
    load.goes_on();
    let reports = cluster.trust(&[], || load.goes_on());
    cluster.carry_out(&reports, &mut servers, &load, &patient);
    for stage in ["issue", "back", "back"] {
        let reports = cluster.stage(&[stage, "--restarted"], || load.goes_on());
        cluster.carry_out(&reports, &mut servers, &load, &patient);
    }
    cluster.each_member_answers(&[&patient, &prompt, &former]);
    let written = load.end();
    for endpoint in cluster.endpoints() {
        assert_eq!(kept(&prompt, &endpoint), written, "{endpoint}");
    }
}

fn a_new_ca_and_no_request_fails(cluster: &Cluster, flags: &[&str], algorithm: &str) {
    let former = cluster.former();
    let mut servers = cluster.members.form();
    let [patient, prompt] = cluster.clients();
    let load = Load::of(&[patient.clone(), prompt.clone()], &cluster.endpoints());
    load.goes_on();

    let reports = cluster.trust(flags, || load.goes_on());
    cluster.carry_out(&reports, &mut servers, &load, &patient);
    cluster.each_member_answers(&[&patient, &prompt, &former]);

    let reports = cluster.stage(&["issue", "--restarted"], || load.goes_on());
    cluster.carry_out(&reports, &mut servers, &load, &patient);
    // Until the end a pair of the former CA is good, which one of a node that was away has.
    cluster.each_member_answers(&[&patient, &prompt, &cluster.with_new_trust(&former)]);

    let reports = cluster.stage(&["drop", "--restarted"], || load.goes_on());
    cluster.carry_out(&reports, &mut servers, &load, &patient);
    cluster.each_member_answers(&[&patient, &prompt]);

    let written = load.end();
    assert!(written.len() > 50, "{}", written.len());
    for endpoint in cluster.endpoints() {
        assert_eq!(kept(&prompt, &endpoint), written, "{endpoint}");
    }
    cluster.assert_former_ca_refused(&former, &servers);
    for number in 0..3 {
        let authority = cluster.members.pki(number).join("ca.crt");
        let mut openssl = Command::new(tool("openssl"));
        openssl.args(["x509", "-noout", "-text", "-in", text(&authority)]);
        let shown = run(&mut openssl).expect(0).stdout;
        assert!(
            shown.contains(&format!("Public Key Algorithm: {algorithm}")),
            "{shown}"
        );
    }
}

/// What the order protects against: all looks well on open connections.
#[test]
fn issuing_before_the_restarts_is_refused_and_forced_cuts_the_clients_off() {
    let cluster = Cluster::of(4, "ecdsa-p256");
    let mut servers = cluster.members.form();
    let [patient, prompt] = cluster.clients();
    let reports = cluster.trust(&[], || ());
    cluster.each_member_answers(&[&patient, &prompt]);

    // Nothing was restarted, and the proofs say so.
    for (number, report) in reports.iter().enumerate() {
        let refused = cluster.command(number, &instruction(report, "etcd")["proof"]);
        assert!(!refused.status.success(), "{refused}");
        let before = snapshot(&cluster.members.tree(number));
        let said = cluster.rotate(number, &["issue"]).expect(2);
        assert!(said.stderr.contains("--restarted"), "{said}");
        same(&before, &cluster.members.tree(number));
    }

    // An untruth.
    cluster.stage(&["issue", "--restarted"], || ());
    let read = json!({ "key": "YQ==" });
    let endpoints = cluster.endpoints();
    let untrusting = patient.request(&endpoints, "range", &read);
    let said = untrusting.expect_err("it knows the former CA alone");
    assert_eq!(said.matches("certificate problem").count(), 3, "{said}");
    let unknown = prompt.request(&endpoints, "range", &read);
    unknown.expect_err("the members know the former CA alone");
    for server in &mut servers {
        server.wait(WELL, "a refusal", |said| {
            said.contains("certificate signed by unknown authority")
        });
    }

    // Nothing else was wrong: what was left out makes it good.
    for (number, server) in servers.into_iter().enumerate() {
        server.stop();
        assert!(prompt.look(&endpoints[number]).is_err(), "it was to end");
    }
    load_anew(&prompt.trust, &patient.trust);
    let _servers = cluster.members.form();
    cluster.each_member_answers(&[&patient, &prompt]);
}

/// Three members, each with a tree of its own as on a stacked control plane.
struct Cluster {
    members: Members,
    /// Where all their trees are written by one run.
    inventory: Option<Trees>,
}

impl Cluster {
    fn of(test: u32, configuration: &str) -> Self {
        Self {
            members: Members::kubeadms(test, configuration),
            inventory: None,
        }
    }

    /// The same, with the trees of an inventory.
    fn of_inventory(test: u32) -> Self {
        let members = Members::of(test);
        let nodes = NAMES.iter().zip(members.addresses);
        let nodes = nodes.map(|(name, address)| {
            format!("- {{name: {name}, addresses: [{address}], roles: [control-plane, etcd]}}\n")
        });
        let trees = Trees::of(&format!(
            "apiVersion: certs/v1\nkind: Inventory\nnodes:\n{}---\napiVersion: kubeadm.k8s.io/v1beta4\n\
             kind: ClusterConfiguration\ncontrolPlaneEndpoint: api.example.com:6443\n\
             encryptionAlgorithm: ECDSA-P256\n",
            nodes.collect::<String>()
        ));
        trees.all(&[]).expect(0);
        let cluster = Self {
            members,
            inventory: Some(trees),
        };
        cluster.hand_out();
        cluster
    }

    /// Copies each tree onto its node.
    fn hand_out(&self) {
        let Some(trees) = &self.inventory else {
            return;
        };
        for (number, name) in NAMES.iter().enumerate() {
            let mut copy = Command::new("cp");
            copy.args(["-a", "--no-target-directory"]);
            copy.arg(trees.node(name, "etc/kubernetes"));
            run(copy.arg(self.members.tree(number))).expect(0);
        }
    }

    fn endpoints(&self) -> Vec<String> {
        (0..3).map(|number| self.members.endpoint(number)).collect()
    }

    /// An API server, which has its trust from its start and reads its pair for each connection, and a client that
    /// goes by what is there.
    fn clients(&self) -> [Client; 2] {
        let loaded = self.members.folder.join("loaded.crt");
        load_anew(&self.members.pki(0).join("ca.crt"), &loaded);
        let pair = |number| self.members.tree(number).join("pki/apiserver-etcd-client");
        [
            Client {
                name: "patient",
                trust: loaded,
                pair: pair(0),
            },
            Client {
                name: "prompt",
                trust: self.members.pki(2).join("ca.crt"),
                pair: pair(2),
            },
        ]
    }

    /// What is there of the former CA, kept: a client of it, and beside its trust a server's pair.
    fn former(&self) -> Client {
        let kept = self.members.folder.join("former");
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(self.members.pki(1)).arg(&kept);
        run(&mut copy).expect(0);
        Client {
            name: "former",
            trust: kept.join("ca.crt"),
            pair: kept.join("healthcheck-client"),
        }
    }

    fn with_new_trust(&self, client: &Client) -> Client {
        Client {
            trust: self.members.pki(1).join("ca.crt"),
            ..client.clone()
        }
    }

    /// A run of the verb over all trees, which are then handed out: what it said for each node.
    fn over_all(&self, trees: &Trees, arguments: &[&str]) -> Vec<Value> {
        let mut command = certs(&["rotate", "etcd-ca"]);
        command.args(arguments).args(["--output", "json"]);
        command.args(["--inventory", text(&trees.0.join("nodes.yaml"))]);
        let said = run(command.args(["--out", text(&trees.out())])).expect(0);
        let reported = report(&said, arguments[0]);
        self.hand_out();
        let of_node = |number| {
            let place = self.members.tree(number);
            let own = reported
                .to_string()
                .replace("/etc/kubernetes", text(&place));
            serde_json::from_str(&own).expect("JSON")
        };
        (0..3).map(of_node).collect()
    }

    /// A run of the verb over one tree.
    fn rotate(&self, number: usize, arguments: &[&str]) -> Finished {
        let tree = self.members.tree(number);
        let mut command = certs(&["rotate", "etcd-ca"]);
        command.args(arguments).args(["--output", "json"]);
        run(command.args(["--kubernetes-dir", text(&tree)]))
    }

    /// The first stage on all nodes: the new CA is made on the first.
    fn trust(&self, flags: &[&str], between: impl Fn()) -> Vec<Value> {
        if let Some(trees) = &self.inventory {
            return self.over_all(trees, &[&["trust"], flags].concat());
        }
        let stage = |number| {
            let said = self.rotate(number, &[&["trust"], flags].concat()).expect(0);
            between();
            report(&said, "trust")
        };
        let mut reports = vec![stage(0)];
        for number in 1..3 {
            for file in ["ca-next.crt", "ca-next.key"] {
                let made = self.members.pki(0).join(file);
                fs::copy(made, self.members.pki(number).join(file)).expect("copy the new CA");
            }
            reports.push(stage(number));
        }
        reports
    }

    /// A later stage on all nodes, one after the other.
    fn stage(&self, arguments: &[&str], between: impl Fn()) -> Vec<Value> {
        if let Some(trees) = &self.inventory {
            return self.over_all(trees, arguments);
        }
        let run = |number| {
            let said = self.rotate(number, arguments).expect(0);
            between();
            report(&said, arguments[0])
        };
        (0..3).map(run).collect()
    }

    /// Does what the reports of a stage say, one for each node, in their order.
    fn carry_out(
        &self,
        reports: &[Value],
        servers: &mut Vec<Server>,
        load: &Load,
        apiserver: &Client,
    ) {
        let order = instructions(&reports[0]);
        let names: Vec<_> = order.iter().map(|one| &one["process"]).collect();
        let first = self
            .inventory
            .as_ref()
            .map_or("control planes", |_| "nodes");
        assert_eq!(names, [first, "etcd", "kube-apiserver"]);
        for (place, instruction) in order.iter().enumerate() {
            let restart = match instruction["action"].as_str() {
                // That the others are brought to the stage, as they were.
                Some("do") => continue,
                Some("restart") => true,
                Some("none") => false,
                action => panic!("{action:?}"),
            };
            // None runs here that a proof could ask: its part is the client's, which could not go on else.
            if instruction["process"] == "kube-apiserver" {
                if restart {
                    load_anew(&self.members.pki(0).join("ca.crt"), &apiserver.trust);
                }
                load.goes_on();
                continue;
            }
            for (number, report) in reports.iter().enumerate() {
                let own = &instructions(report)[place];
                if restart {
                    assert_eq!(own["oneAtATime"], true);
                    if self.inventory.is_some() {
                        assert_eq!(own["nodes"], json!(NAMES));
                    }
                    let early = self.command(number, &own["proof"]);
                    assert!(!early.status.success(), "before the restart: {early}");
                    servers.remove(number).stop();
                    servers.insert(number, self.members.start(number));
                }
                eventually(WELL, || match self.command(number, &own["wait"]) {
                    well if well.status.success() => Ok(()),
                    well => Err(well.to_string()),
                });
                self.command(number, &own["proof"]).expect(0);
                load.goes_on();
            }
        }
    }

    /// A command of an instruction, as on the node.
    fn command(&self, number: usize, line: &Value) -> Finished {
        let endpoint = self.members.endpoint(number);
        let mut shell = Command::new("sh");
        shell.args(["-c", line.as_str().expect("a command")]);
        shell.env("ETCD_ENDPOINT", format!("https://{endpoint}"));
        run(shell.env("ETCD_HOST_PORT", endpoint))
    }

    /// Each member by itself, so that none hides behind another one.
    fn each_member_answers(&self, clients: &[&Client]) {
        let read = json!({ "key": "YQ==" });
        for client in clients {
            for endpoint in self.endpoints() {
                eventually(Duration::from_secs(30), || {
                    client.call(&endpoint, "range", &read)
                });
            }
        }
    }

    /// No member takes its clients any more, and nobody its servers.
    fn assert_former_ca_refused(&self, former: &Client, servers: &[Server]) {
        let client = self.with_new_trust(former);
        let read = json!({ "key": "YQ==" });
        for (server, endpoint) in servers.iter().zip(self.endpoints()) {
            let before = server.said().len();
            let refused = client.call(&endpoint, "range", &read);
            refused.expect_err("a client of the former CA");
            eventually(Duration::from_secs(30), || {
                let said = server.said().split_off(before);
                if said.contains("certificate signed by unknown authority") {
                    Ok(())
                } else {
                    Err(said)
                }
            });
        }
        // That of the member whose pair it is.
        let address = self.members.addresses[1].parse().expect("an address");
        let endpoint = format!("{address}:{}", free_port(address));
        let pair = former.trust.with_file_name("server");
        let _impostor = serve(&endpoint, &pair, &self.members.folder);
        eventually(WELL, || former.look(&endpoint));
        let refused = client
            .look(&endpoint)
            .expect_err("a server of the former CA");
        assert!(refused.contains("certificate problem"), "{refused}");
    }
}

/// A server that has nothing but its pair, without `.crt` and `.key`.
fn serve(endpoint: &str, pair: &Path, folder: &TempDir) -> Server {
    let file = |suffix: &str| -> PathBuf { pair.with_extension(suffix) };
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["s_server", "-quiet", "-www", "-accept", endpoint]);
    openssl.arg("-cert").arg(file("crt"));
    openssl.arg("-key").arg(file("key"));
    Server::start(&openssl, &folder.join("impostor.log"))
}

/// What a stage reported, as far as these tests go by it: nothing else reads its fields.
fn report(said: &Finished, stage: &str) -> Value {
    let mut report: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let rotation = report["rotation"].take();
    assert_eq!(rotation["what"], "etcd-ca", "{said}");
    let reached = rotation["stage"].as_str().expect("text");
    let back = stage == "back" && ["start", "trust"].contains(&reached);
    assert!(reached == stage || back, "{said}");
    rotation
}

fn instructions(report: &Value) -> &Vec<Value> {
    report["instructions"].as_array().expect("instructions")
}

fn instruction<'a>(report: &'a Value, process: &str) -> &'a Value {
    let mut all = instructions(report).iter();
    all.find(|one| one["process"] == process)
        .unwrap_or_else(|| panic!("nothing for {process}: {report}"))
}
