//! Three members of etcd, each with a tree of its own below one CA, and each started with what
//! `certs flags` prints and nothing else: in another form each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Finished, Server, TempDir, certs, kubeadm, run, text, tool};

const FORMING: Duration = Duration::from_secs(90);
/// What the members are called, and their trees.
pub const NAMES: [&str; 3] = ["m1", "m2", "m3"];
const FORMS: [&str; 3] = ["args", "env", "yaml"];
const KEY: [&str; 2] = ["--key-algorithm", "ECDSA-P256"];

/// The members, and the folder that they are in. Their ports are etcd's own, so that tests that run at
/// once need other addresses.
pub struct Members {
    pub folder: TempDir,
    pub addresses: [&'static str; 3],
}

impl Members {
    /// Their trees, below the CA whose `ca.crt` and `ca.key` are in `authority`.
    pub fn below(authority: &Path, addresses: [&'static str; 3]) -> Self {
        let members = Self {
            folder: TempDir::new(),
            addresses,
        };
        for number in 0..3 {
            members.issue(number, authority);
        }
        members
    }

    /// On stacked control planes of kubeadm's: its trees, with leaves for these members' names and addresses where
    /// those are other ones. The addresses are the test's alone, for all that begin with 127 are the machine's.
    pub fn kubeadms(test: u32, configuration: &str) -> Self {
        let members = Self::of(test);
        let trees = kubeadm::unpacked();
        for number in 0..3 {
            let tree = members.tree(number);
            let mut copy = Command::new("cp");
            copy.arg("-a").arg(trees.join(configuration)).arg(&tree);
            run(&mut copy).expect(0);
            let mut own = certs(&["all", "--force", "--kubernetes-dir", text(&tree)]);
            own.args(members.node(number));
            if configuration == "ecdsa-p256" {
                own.args(KEY);
            }
            run(&mut own).expect(0);
        }
        members
    }

    /// Without trees.
    pub fn of(test: u32) -> Self {
        let process = std::process::id();
        let address = |member: u32| -> &'static str {
            let (high, low) = (1 + process / 250 % 250, process % 250);
            format!("127.{high}.{low}.{}", test * 10 + member).leak()
        };
        Self {
            folder: TempDir::new(),
            addresses: [address(1), address(2), address(3)],
        }
    }

    fn issue(&self, number: usize, authority: &Path) {
        let pki = self.pki(number);
        fs::create_dir_all(&pki).expect("make a folder");
        for file in ["ca.crt", "ca.key"] {
            fs::copy(authority.join(file), pki.join(file)).expect("copy the CA");
        }
        let node = self.node(number);
        let tree = self.tree(number);
        for (what, node) in [
            (&["server", "etcd-server"][..], &node[..]),
            (&["peer"], &node),
            // A client's certificate names no address, and its verb takes none.
            (&["client", "etcd-healthcheck-client"], &[]),
        ] {
            let made = [what, node, &KEY, &["--kubernetes-dir", text(&tree)]].concat();
            run(&mut certs(&made)).expect(0);
        }
    }

    /// Stands for /etc/kubernetes.
    pub fn tree(&self, number: usize) -> PathBuf {
        self.folder.join(NAMES[number])
    }

    /// Stands for /etc/kubernetes/pki/etcd.
    pub fn pki(&self, number: usize) -> PathBuf {
        self.tree(number).join("pki/etcd")
    }

    /// Where the member serves its clients.
    pub fn endpoint(&self, number: usize) -> String {
        format!("{}:2379", self.addresses[number])
    }

    fn node(&self, number: usize) -> [&'static str; 4] {
        [
            "--node-name",
            NAMES[number],
            "--apiserver-advertise-address",
            self.addresses[number],
        ]
    }

    /// All three, once each of them serves.
    pub fn form(&self) -> Vec<Server> {
        let mut servers: Vec<Server> = (0..3).map(|number| self.start(number)).collect();
        for (number, server) in servers.iter_mut().enumerate() {
            self.wait(number, server);
        }
        servers
    }

    /// Waits until the member serves.
    pub fn wait(&self, number: usize, server: &mut Server) {
        server.wait(FORMING, "a member that serves", |_| {
            let healthy = self.ctl(0, number, &["endpoint", "health"]);
            healthy.status.success()
        });
    }

    /// Starts the member.
    pub fn start(&self, number: usize) -> Server {
        Server::start(&self.command(number), &self.log(number))
    }

    /// What the member says.
    pub fn log(&self, number: usize) -> PathBuf {
        self.folder.join(&format!("{}.log", NAMES[number]))
    }

    /// The member's start; its data lie where it is started, which is etcd's default.
    pub fn command(&self, number: usize) -> Command {
        let (form, tree) = (FORMS[number], self.tree(number));
        let mut flags = certs(&["flags", "etcd", "--kubernetes-dir", text(&tree)]);
        flags.args(["--output", form]).args(self.node(number));
        for (name, address) in NAMES.iter().zip(self.addresses) {
            flags.args(["--etcd-member", &format!("{name}={address}")]);
        }
        let printed = run(&mut flags).expect(0).stdout;
        let mut command = Command::new(tool("etcd"));
        command.current_dir(self.folder.path());
        // An unsupported architecture is etcd's own word for arm64.
        command.env("ETCD_UNSUPPORTED_ARCH", "arm64");
        match form {
            "args" => {
                command.args(printed.lines());
            }
            "env" => {
                command.envs(printed.lines().filter_map(|line| line.split_once('=')));
            }
            _ => {
                let mut items = printed
                    .lines()
                    .map(|line| line.strip_prefix("- ").expect("a list"));
                assert_eq!(items.next(), Some("etcd"));
                command.args(items);
            }
        }
        command
    }

    /// What a client with the pair and the trust of the member `client` is told by another one.
    pub fn ctl(&self, client: usize, member: usize, arguments: &[&str]) -> Finished {
        let pki = self.pki(client);
        let file = |name: &str| text(&pki.join(name)).to_owned();
        let mut command = Command::new(tool("etcdctl"));
        command.env("ETCDCTL_API", "3");
        let url = format!("https://{}", self.endpoint(member));
        command.args(["--endpoints", &url, "--cacert", &file("ca.crt")]);
        command.args(["--cert", &file("healthcheck-client.crt")]);
        command.args(["--key", &file("healthcheck-client.key")]);
        command.args(["--dial-timeout=5s", "--command-timeout=5s"]);
        run(command.args(arguments))
    }
}
