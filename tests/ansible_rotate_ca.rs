//! The playbook that rotates, of `examples/ansible`, and the cluster's CA: a real Ansible over two control planes and two
//! workers. What runs on them are stand-ins that hold what they read at their start, and OpenSSL says who follows whom.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use serde_json::json;

mod common;
use common::ansible::{ansible, changes, prepare};
use common::snapshot::{Snapshot, same, snapshot};
use common::{
    Finished, Server, TempDir, binary, certs, eventually, read, root, run, set_mode,
    signed_by_itself, text, tool, write,
};

const PLANES: [&str; 2] = ["cp1", "cp2"];
const NODES: [&str; 4] = ["cp1", "cp2", "w1", "w2"];

/// What runs where. The API server takes what is on disk.
const PROCESSES: [(&str, &str); 9] = [
    ("cp1", "kube-controller-manager"),
    ("cp2", "kube-controller-manager"),
    ("cp1", "kube-scheduler"),
    ("cp2", "kube-scheduler"),
    ("cp1", "kubelet"),
    ("cp2", "kubelet"),
    ("w1", "kubelet"),
    ("w1", "kube-proxy"),
    ("w2", "kubelet"),
];

const INVENTORY: &str = "apiVersion: certs/v1
kind: Inventory
nodes:
- {name: cp1, addresses: [10.0.0.1], roles: [control-plane, etcd]}
- {name: cp2, addresses: [10.0.0.2], roles: [control-plane, etcd]}
- {name: w1, addresses: [10.0.0.11], roles: [worker]}
- {name: w2, addresses: [10.0.0.12], roles: [worker]}
";

const HOSTS: &str = "[all:vars]
ansible_connection=local
ansible_become=false
ansible_python_interpreter=/usr/bin/python3
[kube_control_plane]
cp1
cp2
[etcd]
cp1
cp2
[kube_node]
w1 ip=10.0.0.11
w2 ip=10.0.0.12
";

/// Reads what a process of this name reads at its start: `load NODE PROCESS`.
const LOAD: &str = r#"#!/bin/bash
set -euo pipefail
node=$HERE/roots/$1 to=$HERE/loaded/$1-$2
tree=$node/etc/kubernetes
conf=$tree/$2.conf
[ -e "$conf" ] || conf=$tree/${2#kube-}.conf
data() { awk -v key="$1:" '$1 == key {print $2; exit}' "$conf"; }
mkdir -p "$to"
if [ -n "$(data certificate-authority-data)" ]; then
    data certificate-authority-data | base64 -d > "$to/trusted"
else
    cp "$tree/pki/ca.crt" "$to/trusted"
fi
if [ -n "$(data client-certificate-data)" ]; then
    data client-certificate-data | base64 -d > "$to/client"
else
    cp "$node/var/lib/kubelet/pki/kubelet-client-current.pem" "$to/client"
fi
cp "$tree/pki/ca.crt" "$to/lets"
"#;

/// Whoever does not follow another, of all that were loaded, and of the API servers as they are on disk.
const ASTRAY: &str = r#"#!/bin/bash
set -euo pipefail
follows() {
    openssl verify -no-CApath -no-CAstore -CAfile "$1" -untrusted "$2" "$2" > /dev/null 2>&1 || echo "$1 $2"
}
cd "$HERE"
for plane in cp1 cp2; do
    pki=roots/$plane/etc/kubernetes/pki
    for process in loaded/*; do
        follows "$process/trusted" "$pki/apiserver.crt"
        follows "$pki/ca.crt" "$process/client"
    done
    for kubelet in loaded/*-kubelet; do
        follows "$kubelet/lets" "$pki/apiserver-kubelet-client.crt"
    done
done
"#;

/// Starts the process again and again, as a kubelet or systemd does. None outlives this.
const SUPERVISOR: &str = r#"
file=$HERE/pids/$0/${1:0:15}
while :; do
    "$HERE/bin/load" "$0" "$1"
    called="$1 --cluster-signing-cert-file=/etc/kubernetes/$(cat "$HERE/option")"
    setpriv --pdeathsig KILL bash -c 'exec -a "$0" sleep infinity' "$called" &
    echo $! > "$file.new"
    mv "$file.new" "$file"
    wait $! || :
done
"#;

/// A process is found on its own node alone.
const PGREP: &str = r#"#!/bin/bash
exec cat "$HERE/pids/$NODE/${@: -1}"
"#;

/// The node's own servers: the API server with what is on disk, the kubelet with what it loaded.
const OPENSSL: &str = r#"#!/bin/bash
openssl=@OPENSSL@
[ "$1" = s_client ] || exec $openssl "$@"
set -euo pipefail
pki=$HERE/roots/$NODE/etc/kubernetes/pki
kubelet=$HERE/roots/$NODE/var/lib/kubelet/pki/kubelet
words=("$@")
for index in "${!words[@]}"; do
    case ${words[index]} in
        localhost:6443) pair=$pki/apiserver lets=$pki/ca.crt place=$index ;;
        127.0.0.1:10250) pair=$pki/apiserver lets=$HERE/loaded/$NODE-kubelet/lets place=$index ;;
    esac
done
[ -e "$pair.crt" ] || pair=$kubelet
exec 3< <(exec $openssl s_server -accept 127.0.0.1:0 -naccept 1 -www -cert "$pair.crt" -key "$pair.key" -CAfile "$lets" -verify 1 2>&1)
while read -r said <&3; do
    [[ $said != "ACCEPT "* ]] || break
done
words[place]=127.0.0.1:${said##*:}
exec $openssl "${words[@]}"
"#;

#[test]
fn nobody_is_cut_off_and_no_stage_is_gone_on_with_before_every_worker_is_ready() {
    let site = Site::new("pki/ca.crt");
    site.embed("w1");
    let done = ["--extra-vars", "done=true"];
    let refused = |stage: &str, more: &[&str], words: &str| {
        let before = site.snapshots();
        let said = site.run(stage, more).expect_failure(words);
        assert!(!said.stdout.contains("PLAY [Run the stage]"), "{said}");
        site.is_as(&before);
    };

    refused("trust", &[], "does not sign with");
    for plane in PLANES {
        let pki = site.folder(&format!("roots/{plane}/etc/kubernetes/pki"));
        fs::copy(pki.join("ca.crt"), pki.join("ca-signing.crt")).expect("copy a file");
    }
    site.option("pki/ca-signing.crt");
    let before = site.snapshots();
    site.run("trust", &["--check"]).expect(0);
    site.is_as(&before);

    write(&site.folder("down/w1"), "");
    let said = site.run("trust", &[]);
    let said = said.expect_failure("NO MORE HOSTS LEFT");
    assert_eq!(site.restarted(), on_planes(), "{said}");
    refused("issue", &done, "a run was ended here");
    fs::remove_file(site.folder("down/w1")).expect("remove a file");
    site.run("trust", &[]).expect(0);
    assert_eq!(site.restarted(), on_workers());

    refused("issue", &[], "Then say done=true");
    let trusted = site.folder("roots/w2/etc/kubernetes/pki/ca.crt");
    let bundle = read(&trusted);
    let [former, next] = &certificates(&bundle)[..] else {
        panic!("{bundle}");
    };
    write(&trusted, former);
    refused(
        "issue",
        &done,
        "its ca.crt is not that of the control planes",
    );
    assert_eq!(changed(&site.run("trust", &[]).expect(0)), ["w2"]);
    assert_eq!(site.restarted(), ["w2 kubelet"]);
    assert_eq!(read(&trusted), bundle);

    let store = site.folder("roots/w2/var/lib/kubelet/pki");
    let link = store.join("kubelet-client-current.pem");
    let present = fs::read_link(&link).expect("a link");
    site.run("issue", &done).expect(0);
    assert_eq!(site.restarted(), [on_planes(), on_workers()].concat());
    // What a kubelet made for itself is its own.
    assert!(!site.signed_by(former, "w2", SERVING));
    assert!(!site.signed_by(next, "w2", SERVING));
    assert!(site.signed_by(next, "w1", SERVING));

    fs::remove_file(&link).expect("remove a link");
    symlink(&present, &link).expect("make a link");
    refused("drop", &done, "what kubelet has is not signed by the CA");
    assert_eq!(changed(&site.run("issue", &done).expect(0)), ["w2"]);
    assert_eq!(site.restarted(), ["w2 kubelet"]);

    // Until here who has it still, follows.
    assert_eq!(site.astray(), "");
    site.user(false);
    site.run("drop", &done).expect(0);
    assert_eq!(site.restarted(), [on_planes(), on_workers()].concat());
    site.changes_nothing("drop");
    for node in NODES {
        let pki = site.folder(&format!("roots/{node}/etc/kubernetes/pki"));
        assert_eq!(&read(&pki.join("ca.crt")), next, "{node}");
        assert!(!pki.with_file_name(".rotating").exists(), "{node}");
    }
    site.user(true);
    assert_ne!(site.astray(), "");
}

#[test]
fn each_step_back_takes_the_workers_along() {
    let site = Site::new("pki/ca-signing.crt");
    let done = ["--extra-vars", "done=true"];
    let trusted =
        |node: &str| read(&site.folder(&format!("roots/{node}/etc/kubernetes/pki/ca.crt")));
    let former = trusted("cp1");
    for plane in PLANES {
        let pki = site.folder(&format!("roots/{plane}/etc/kubernetes/pki"));
        write(&pki.join("ca-signing.crt"), &former);
    }
    let before = read(&site.folder("roots/w1/etc/kubernetes/kube-proxy.conf"));
    site.run("trust", &[]).expect(0);
    site.run("issue", &done).expect(0);
    let said = site.run("back-to-start", &[]);
    said.expect_failure("back-to-start leads from trust");
    site.restarted();

    // Who has something of the next CA still would be cut off.
    for (down, restarted) in [
        ("cp2", &on_planes()[..1]),
        ("w2", &[&on_planes()[1..], &on_workers()[..2]].concat()),
    ] {
        write(&site.folder(&format!("down/{down}")), "");
        let said = site.run("back-to-trust", &[]);
        let said = said.expect_failure("NO MORE HOSTS LEFT");
        assert_eq!(site.restarted(), restarted, "{said}");
        let before = site.snapshots();
        for stage in ["back-to-start", "trust"] {
            let said = site.run(stage, &done);
            said.expect_failure("what=ca stage=back-to-trust was ended before");
            site.is_as(&before);
        }
        fs::remove_file(site.folder(&format!("down/{down}"))).expect("remove a file");
    }
    site.run("back-to-trust", &[]).expect(0);
    assert_eq!(site.restarted(), on_workers()[2..]);
    site.changes_nothing("back-to-trust");
    assert!(site.signed_by(&former, "w1", SERVING));
    site.run("back-to-start", &[]).expect(0);
    assert_eq!(site.restarted(), [on_planes(), on_workers()].concat());
    site.changes_nothing("back-to-start");
    assert_eq!(NODES.map(trusted), [0; 4].map(|_| former.clone()));
    assert_eq!(site.astray(), "");
    let after = read(&site.folder("roots/w1/etc/kubernetes/kube-proxy.conf"));
    let authority = |conf: &str| {
        let line = conf
            .lines()
            .find(|line| line.contains("certificate-authority-data"));
        line.map(str::to_owned)
    };
    assert_eq!(authority(&after), authority(&before));
}

const SERVING: &str = "var/lib/kubelet/pki/kubelet.crt";

fn on_planes() -> Vec<String> {
    let of = |(node, process): &(&str, &str)| format!("{node} {process}");
    PROCESSES[..6].iter().map(of).collect()
}

fn on_workers() -> Vec<String> {
    let of = |(node, process): &(&str, &str)| format!("{node} {process}");
    PROCESSES[6..].iter().map(of).collect()
}

/// The nodes on which a run changed something.
fn changed(finished: &Finished) -> Vec<String> {
    let changes = changes(finished).into_iter();
    changes
        .filter(|(_, count)| *count > 0)
        .map(|(node, _)| node)
        .collect()
}

/// Each by itself.
fn certificates(bundle: &str) -> Vec<String> {
    let end = "-----END CERTIFICATE-----\n";
    bundle.split_inclusive(end).map(str::to_owned).collect()
}

struct Site {
    folder: TempDir,
    processes: Vec<Server>,
}

impl Site {
    /// As the program makes it, but for one worker, which is as `kubeadm join` leaves it.
    fn new(option: &str) -> Self {
        let folder = TempDir::new();
        prepare(&folder);
        for name in ["bin", "down", "loaded", "pids"] {
            fs::create_dir(folder.join(name)).expect("make a folder");
        }
        write(&folder.join("hosts.ini"), HOSTS);
        write(&folder.join("nodes.yaml"), INVENTORY);
        let mut all = certs(&["all", "--inventory", "nodes.yaml", "--out", "roots"]);
        all.args(["--control-plane-endpoint", "api.example.com:6443"]);
        all.args(["--key-algorithm", "ECDSA-P256"]);
        run(all.current_dir(folder.path())).expect(0);
        fs::remove_dir_all(folder.join("roots/ca")).expect("remove a folder");
        let openssl = OPENSSL.replace("@OPENSSL@", text(&tool("openssl")));
        for (name, script) in [
            ("astray", ASTRAY),
            ("curl", "#!/bin/sh\n"),
            ("load", LOAD),
            ("openssl", &openssl),
            ("pgrep", PGREP),
        ] {
            let path = folder.join("bin").join(name);
            write(&path, script);
            set_mode(&path, 0o755);
        }
        let mut site = Self {
            folder,
            processes: Vec::new(),
        };
        site.join("w2");
        write(&site.folder("option"), option);
        for node in NODES {
            fs::create_dir(site.folder("pids").join(node)).expect("make a folder");
        }
        for plane in PLANES {
            write(&site.folder(&format!("pids/{plane}/kube-apiserver")), "");
        }
        site.processes = PROCESSES.map(|process| site.start(process)).into();
        for (node, process) in PROCESSES {
            site.wait(node, process, "");
        }
        site.user(true);
        site
    }

    /// Whether there is a user with what an administrator had at the start.
    fn user(&self, there: bool) {
        let place = self.folder("loaded/cp1-admin");
        if place.exists() {
            fs::rename(&place, self.folder("user")).expect("move a folder");
        } else if self.folder("user").exists() {
            fs::rename(self.folder("user"), &place).expect("move a folder");
        } else {
            let mut load = Command::new(self.folder("bin/load"));
            run(load.args(["cp1", "admin"]).env("HERE", self.folder.path())).expect(0);
        }
        assert_eq!(place.exists(), there);
    }

    fn join(&self, node: &str) {
        let tree = self.folder(&format!("roots/{node}/etc/kubernetes"));
        let kubeconfig = tree.join("kubelet.conf");
        let data = Base64::encode_string(read(&tree.join("pki/ca.crt")).as_bytes());
        let data = format!("certificate-authority-data: {data}");
        let own = read(&kubeconfig);
        let joined = own.replace("certificate-authority: pki/ca.crt", &data);
        assert_ne!(own, joined);
        write(&kubeconfig, joined);
        fs::remove_file(tree.join("kube-proxy.conf")).expect("remove a file");
        let serving = self.folder(&format!("roots/{node}/{SERVING}"));
        signed_by_itself(
            [&serving.with_extension("key"), &serving],
            &["-days", "365", "-subj", "/CN=w2@1795348800"],
        );
    }

    /// The kubelet keeps no certificate itself: that is in its kubeconfig.
    fn embed(&self, node: &str) {
        let store = self.folder(&format!("roots/{node}/var/lib/kubelet/pki"));
        let link = store.join("kubelet-client-current.pem");
        let pair = read(&link);
        let (certificate, key) = pair.split_at(pair.find("-----BEGIN EC").expect("a key"));
        let kubeconfig = self.folder(&format!("roots/{node}/etc/kubernetes/kubelet.conf"));
        let own = read(&kubeconfig);
        let (kept, _) = own.split_once("    client-certificate: ").expect("a file");
        let embedded = format!(
            "{kept}    client-certificate-data: {}\n    client-key-data: {}\n",
            Base64::encode_string(certificate.as_bytes()),
            Base64::encode_string(key.as_bytes())
        );
        write(&kubeconfig, embedded);
        fs::remove_file(store.join(fs::read_link(&link).expect("a link"))).expect("remove a file");
        fs::remove_file(&link).expect("remove a link");
    }

    fn start(&self, (node, process): (&str, &str)) -> Server {
        let mut shell = Command::new(tool("bash"));
        shell.args(["-euc", SUPERVISOR, node, process]);
        shell.env("HERE", self.folder.path());
        Server::start(&shell, &self.folder(&format!("{node}-{process}.log")))
    }

    /// Waits until another process runs than `former`, which is told.
    fn wait(&self, node: &str, process: &str, former: &str) -> String {
        let name = &process[..process.len().min(15)];
        let file = self.folder(&format!("pids/{node}/{name}"));
        eventually(Duration::from_mins(1), || {
            let said = fs::read_to_string(&file).unwrap_or_default();
            if said.is_empty() || said == former {
                return Err(format!("no {process} on {node}"));
            }
            Ok(said)
        })
    }

    /// The controller managers are given another file to sign with.
    fn option(&self, file: &str) {
        write(&self.folder("option"), file);
        for plane in PLANES {
            let name = "kube-controller-manager";
            let former = self.wait(plane, name, "");
            run(Command::new("kill").arg(former.trim())).expect(0);
            self.wait(plane, name, &former);
        }
    }

    fn folder(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn run(&self, stage: &str, more: &[&str]) -> Finished {
        let here = text(self.folder.path());
        let node = "{{ inventory_hostname }}";
        // Whoever is cut off at any restart is told of.
        let restart = format!(
            "test ! -e down/{node} || exit 1\n\
             file=pids/{node}/{{{{ certs_component[:15] }}}}\nold=$(cat $file)\nsleep 1\nkill $old\n\
             while [ \"$(cat $file)\" = $old ]; do sleep 0.1; done\n\
             echo '{node} {{{{ certs_component }}}}' >> log\nbin/astray >> astray"
        );
        let search = std::env::var("PATH").expect("a path");
        let variables = json!({
            "what": "ca",
            "stage": stage,
            "certs_command": binary(),
            "certs_root": format!("{here}/roots/{node}"),
            "certs_environment": {"HERE": here, "NODE": node, "PATH": format!("{here}/bin:{search}")},
            "certs_restart_command": format!("cd '{here}'\n{restart}"),
            "certs_wait_retries": 60,
            "certs_wait_seconds": 0.2,
        })
        .to_string();
        let playbook = root().join("examples/ansible/rotate.yml");
        let arguments = [text(&playbook), "--extra-vars", &variables];
        let said = ansible(
            &self.folder,
            "ansible-playbook",
            &[&arguments, more].concat(),
        );
        assert_eq!(
            fs::read_to_string(self.folder("astray")).unwrap_or_default(),
            "",
            "{said}"
        );
        said
    }

    #[track_caller]
    fn changes_nothing(&self, stage: &str) {
        let before = self.snapshots();
        let said = self.run(stage, &["--extra-vars", "done=true"]).expect(0);
        let none: BTreeMap<_, _> = NODES.map(|node| (node.to_owned(), 0)).into();
        assert_eq!(changes(&said), none, "{said}");
        assert_eq!(self.restarted(), [""; 0]);
        self.is_as(&before);
    }

    /// What was restarted since this was asked last.
    fn restarted(&self) -> Vec<String> {
        let log = self.folder("log");
        let said = fs::read_to_string(&log).unwrap_or_default();
        let _ = fs::remove_file(&log);
        said.lines().map(str::to_owned).collect()
    }

    /// Who does not follow whom now.
    fn astray(&self) -> String {
        let mut astray = Command::new(self.folder("bin/astray"));
        run(astray.env("HERE", self.folder.path())).expect(0).stdout
    }

    /// Whether this CA alone signed the certificate.
    fn signed_by(&self, ca: &str, node: &str, file: &str) -> bool {
        let alone = self.folder("alone.crt");
        write(&alone, ca);
        let mut verify = Command::new(tool("openssl"));
        verify
            .args(["verify", "-no-CApath", "-no-CAstore", "-CAfile"])
            .arg(&alone);
        verify.arg(self.folder(&format!("roots/{node}/{file}")));
        run(&mut verify).status.success()
    }

    fn snapshots(&self) -> Vec<Snapshot> {
        let of = |node| snapshot(&self.folder("roots").join(node));
        NODES.into_iter().map(of).collect()
    }

    #[track_caller]
    fn is_as(&self, before: &[Snapshot]) {
        for (node, before) in NODES.iter().zip(before) {
            same(before, &self.folder("roots").join(node));
        }
    }
}
