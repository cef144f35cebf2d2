//! The playbook of `examples/ansible`, by a real Ansible over local connections: folders stand for the nodes' root file
//! systems, and what is to be restarted is written down.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use certs::location::{FileId, Root};
use certs::profile::reader::{Changed, Through, processes};
use certs::profile::{Stored, TABLE};
use certs::spec::Kind;

mod common;
use common::ansible::{ansible, changes};
use common::snapshot::{same, snapshot};
use common::trees::files;
use common::{Finished, TempDir, certs, mode, read, root, run, set_mode, text, tool, venv, write};

/// Workers first, so that the order of the run is not that of the inventory.
const HOSTS: &str = "\
[all:vars]
ansible_connection=local
ansible_become=false
ansible_python_interpreter=/usr/bin/python3

[kube_node]
worker1 ip=10.0.1.1

[kube_control_plane]
CP2 ip=10.0.0.12
cp1 ip=10.0.0.11

[etcd]
etcd1 ip=10.0.0.21
cp1
";
const NODES: [&str; 4] = ["CP2", "cp1", "etcd1", "worker1"];

/// A cluster, and what its nodes have.
struct Site(TempDir);

impl Site {
    /// No trees, and nothing on any node.
    fn empty() -> Self {
        let site = Self(TempDir::new());
        common::ansible::prepare(&site.0);
        fs::create_dir(site.0.join("down")).expect("make a folder");
        for node in NODES {
            fs::create_dir_all(site.node(node, "")).expect("make a folder");
        }
        write(&site.0.join("hosts.ini"), HOSTS);
        site
    }

    /// Trees below `nodes`, and nothing on any node.
    fn new() -> Self {
        let site = Self::empty();
        site.list(HOSTS);
        site.make(&[]);
        site
    }

    /// An inventory, and what Ansible prints of it.
    fn list(&self, hosts: &str) {
        write(&self.0.join("hosts.ini"), hosts);
        let listed = self.ansible("ansible-inventory", &["--list"]).expect(0);
        write(&self.0.join("nodes.json"), listed.stdout);
    }

    /// Makes the trees.
    fn make(&self, more: &[&str]) {
        let mut command = certs(&["all", "--inventory", text(&self.0.join("nodes.json"))]);
        command.args(["--out", text(&self.0.join("nodes"))]);
        command.args(["--control-plane-endpoint", "api.example.com:6443"]);
        command.args(["--key-algorithm", "ECDSA-P256"]).args(more);
        run(&mut command).expect(0);
    }

    fn tree(&self, node: &str) -> PathBuf {
        self.0.join("nodes").join(node.to_lowercase())
    }

    /// A path on the node.
    fn node(&self, node: &str, path: &str) -> PathBuf {
        self.0.join("roots").join(node).join(path)
    }

    /// A program of Ansible's.
    fn ansible(&self, program: &str, arguments: &[&str]) -> Finished {
        ansible(&self.0, program, arguments)
    }

    /// A run of the playbook. A component is healthy unless `down` has a file of its name.
    fn hand_out(&self, more: &[&str]) -> Finished {
        let id = |of: &str| run(Command::new("id").arg(of)).expect(0).stdout;
        let (log, down) = (self.0.join("log"), self.0.join("down"));
        let is = "{{ inventory_hostname }} {{ certs_component }}";
        let variables = json!({
            "certs_root": format!("{}/{{{{ inventory_hostname }}}}", text(&self.0.join("roots"))),
            "certs_owner": id("-un").trim(),
            "certs_group": id("-gn").trim(),
            "certs_runs_command": "true",
            "certs_restart_command": format!("echo '{is}' >> '{}'", text(&log)),
            "certs_health_command": format!("test ! -e '{}/{is}'", text(&down)),
            "certs_wait_retries": 2,
            "certs_wait_seconds": 0,
        });
        let playbook = root().join("examples/ansible/hand-out.yml");
        let variables = variables.to_string();
        let arguments = [text(&playbook), "--extra-vars", &variables];
        self.ansible("ansible-playbook", &[&arguments, more].concat())
    }

    /// What was restarted since this was asked last.
    fn restarted(&self) -> Vec<String> {
        let log = self.0.join("log");
        let said = fs::read_to_string(&log).unwrap_or_default();
        let _ = fs::remove_file(&log);
        said.lines().map(str::to_owned).collect()
    }

    /// What the first run leaves, without its time.
    fn handed_out() -> Self {
        let site = Self::new();
        for node in NODES {
            let mut copy = Command::new("cp");
            copy.arg("-a")
                .arg(site.tree(node).join("."))
                .arg(site.node(node, ""));
            run(&mut copy).expect(0);
        }
        site
    }

    /// Nothing is left of a run on the machine that ran it.
    fn is_clean(&self) {
        let left: Vec<_> = files(&self.0.join("tmp")).into_iter().collect();
        assert!(!left.iter().any(|name| name.contains("files")), "{left:?}");
    }
}

/// What is at each path: its mode, and its content or where it leads.
fn shown(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let of = |name: String| {
        let path = folder.join(&name);
        let what = match fs::read_link(&path) {
            Ok(leads) => (0, text(&leads).as_bytes().to_vec()),
            Err(_) => (mode(&path), fs::read(&path).expect("read a file")),
        };
        (name, what)
    };
    files(folder).into_iter().map(of).collect()
}

#[test]
fn each_node_gets_its_tree_and_then_what_changed_in_it_alone() {
    let site = Site::new();
    // Before there is a cluster.
    let said = site.hand_out(&["--extra-vars", "certs_restarts=false"]);
    let once = NODES.map(|node| (node.to_owned(), 1));
    assert_eq!(changes(&said.expect(0)), once.into());
    assert_eq!(site.restarted(), [""; 0]);
    for node in NODES {
        assert_eq!(
            shown(&site.node(node, "")),
            shown(&site.tree(node)),
            "{node}"
        );
        for folder in common::listing(&site.tree(node)) {
            if site.tree(node).join(&folder).is_dir() {
                assert_eq!(
                    mode(&site.node(node, text(&folder))),
                    0o755,
                    "{}",
                    folder.display()
                );
            }
        }
    }
    let current = site.node("worker1", "var/lib/kubelet/pki/kubelet-client-current.pem");
    assert!(current.is_symlink());
    site.is_clean();
    let before = snapshot(&site.0.join("roots"));
    let none = NODES.map(|node| (node.to_owned(), 0));
    let said = site.hand_out(&[]).expect(0);
    assert_eq!(changes(&said), none.clone().into());
    same(&before, &site.0.join("roots"));
    assert_eq!(site.restarted(), [""; 0]);

    // Another address: its names and the kubeconfigs that have it, of which it was told before.
    site.list(&HOSTS.replace("10.0.0.12", "10.0.0.13"));
    site.make(&["--force"]);
    let said = site.hand_out(&["--check"]).expect(0);
    assert!(
        said.stdout.contains("etc/kubernetes/pki/apiserver.key"),
        "{said}"
    );
    same(&before, &site.0.join("roots"));
    // However much is told, no key is, and nothing of a file that holds one.
    let replaced = site.node("CP2", "etc/kubernetes/kubelet.conf");
    let key = common::kubeconfig_data(&replaced, "client-key-data");
    let keys = [
        read(&replaced).into_bytes(),
        key.clone(),
        [&b"x"[..], &key].concat(),
    ];
    let said = site.hand_out(&["-vvv", "--diff"]).expect(0);
    for hidden in keys.map(|bytes| Base64::encode_string(&bytes)) {
        assert!(!said.stdout.contains(&hidden[8..120]), "{said}");
    }
    assert!(!said.stdout.contains("PRIVATE KEY"), "{said}");
    let expected = ["kube-controller-manager", "kube-scheduler", "kubelet"];
    assert_eq!(site.restarted(), expected.map(|name| format!("CP2 {name}")));
    let mut changed: BTreeMap<_, _> = none.clone().into();
    changed.insert("CP2".to_owned(), 4);
    assert_eq!(changes(&said), changed);
    for node in &NODES[1..] {
        let at = Path::new(node);
        let of = |snapshot: &common::snapshot::Snapshot| -> Vec<_> {
            let all = snapshot.iter().filter(|(path, _)| path.starts_with(at));
            all.map(|(path, what)| (path.clone(), what.clone()))
                .collect()
        };
        assert_eq!(of(&before), of(&snapshot(&site.0.join("roots"))), "{node}");
    }
    // What was replaced stays behind.
    let mut tree = shown(&site.tree("CP2"));
    let whole = tree.len();
    tree.retain(|path, _| !path.contains("/.certs-"));
    assert!(tree.len() < whole, "a backup");
    assert_eq!(shown(&site.node("CP2", "")), tree);
    assert_eq!(changes(&site.hand_out(&[]).expect(0)), none.into());
    assert_eq!(site.restarted(), [""; 0]);
}

#[test]
fn a_run_stops_at_the_first_node_that_fails_and_the_next_one_goes_on_there() {
    let site = Site::handed_out();
    site.list(
        &HOSTS
            .replace("10.0.0.12", "10.0.0.13")
            .replace("10.0.1.1", "10.0.1.9"),
    );
    site.make(&["--force"]);
    // What a run had to restart that was ended.
    let mark = site.node("etcd1", "etc/kubernetes/.handed-out");
    fs::create_dir(&mark).expect("make a folder");
    write(&mark.join("etcd"), "");
    write(&site.0.join("down/CP2 kube-scheduler"), "");
    let worker = snapshot(&site.node("worker1", ""));
    let said = site.hand_out(&[]).expect(2);
    assert!(said.stdout.contains("NO MORE HOSTS LEFT"), "{said}");
    let first = [
        "etcd1 etcd",
        "CP2 kube-controller-manager",
        "CP2 kube-scheduler",
    ];
    assert_eq!(site.restarted(), first);
    same(&worker, &site.node("worker1", ""));
    assert!(!mark.exists());
    fs::remove_file(site.0.join("down/CP2 kube-scheduler")).expect("remove a file");
    site.hand_out(&[]).expect(0);
    assert_eq!(
        site.restarted(),
        ["CP2 kube-scheduler", "CP2 kubelet", "worker1 kubelet"]
    );
    site.is_clean();
}

#[test]
fn what_a_kubelet_or_kubeadm_made_of_its_files_since_is_left() {
    let site = Site::handed_out();
    let store = site.node("worker1", "var/lib/kubelet/pki");
    let link = store.join("kubelet-client-current.pem");
    let lead_to = |target: &Path| {
        let _ = fs::remove_file(&link);
        symlink(target, &link).expect("make a link");
    };
    let handed = store.join(fs::read_link(&link).expect("a link"));
    // A kubelet's links are absolute.
    let renewed = store.join("kubelet-client-2099-01-01-00-00-00.pem");
    write(&renewed, "renewed");
    lead_to(&renewed);
    fs::remove_file(&handed).expect("remove a file");
    // kubeadm's last step, with no certificate of the kubelet's in the file.
    let kubeconfig = site.node("cp1", "etc/kubernetes/kubelet.conf");
    let made = read(&kubeconfig);
    let finished: String = made
        .lines()
        .map(|line| match line.trim().split_once("-data: ") {
            Some((half @ ("client-certificate" | "client-key"), _)) => {
                format!("    {half}: /var/lib/kubelet/pki/kubelet-client-current.pem\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    assert_ne!(finished, made);
    write(&kubeconfig, &finished);
    let before = snapshot(&site.0.join("roots"));
    let said = site.hand_out(&[]).expect(0);
    assert!(changes(&said).values().all(|count| *count == 0), "{said}");
    same(&before, &site.0.join("roots"));

    // For another server it is another kubeconfig, and what leads nowhere or to an older one is repaired.
    write(&kubeconfig, finished.replace("10.0.0.11", "10.0.0.99"));
    fs::remove_file(&renewed).expect("remove a file");
    site.hand_out(&[]).expect(0);
    assert_eq!(site.restarted(), ["cp1 kubelet", "worker1 kubelet"]);
    assert_eq!(read(&kubeconfig), made);
    assert_eq!(
        shown(&site.node("worker1", "")),
        shown(&site.tree("worker1"))
    );
    let older = store.join("kubelet-client-2020-01-01-00-00-00.pem");
    write(&older, "older");
    lead_to(&older);
    site.hand_out(&[]).expect(0);
    assert_eq!(store.join(fs::read_link(&link).expect("a link")), handed);
    assert_eq!(read(&older), "older");
}

#[test]
fn what_is_wrong_with_any_node_is_told_before_the_first_is_changed() {
    let site = Site::handed_out();
    fs::write(
        site.node("worker1", "var/lib/kubelet/pki/kubelet.key"),
        "damaged",
    )
    .expect("damage a file");
    let refused = |words: &str| {
        let before = snapshot(&site.0.join("roots"));
        let said = site.hand_out(&[]).expect_failure(words);
        same(&before, &site.0.join("roots"));
        assert!(!said.stdout.contains("PLAY [Hand out"), "{said}");
        assert_eq!(site.restarted(), [""; 0]);
    };
    // Of another cluster.
    let authority = site.node("CP2", "etc/kubernetes/pki/ca.crt");
    let own = read(&authority);
    fs::write(
        &authority,
        read(&site.node("CP2", "etc/kubernetes/pki/front-proxy-ca.crt")),
    )
    .expect("replace a file");
    refused("another etc/kubernetes/pki/ca.crt than its tree");
    site.hand_out(&["--extra-vars", "certs_replace_shared=true"])
        .expect(0);
    assert_eq!(
        site.restarted(),
        [
            "CP2 kube-controller-manager",
            "CP2 kubelet",
            "worker1 kubelet"
        ]
    );
    assert_eq!(read(&authority), own);
    // What the controller manager signs with, where that is a file of its own.
    let signing = "etc/kubernetes/pki/ca-signing.crt";
    let (of_tree, of_node) = (site.tree("cp2").join(signing), site.node("CP2", signing));
    fs::copy(of_tree.with_file_name("ca.crt"), &of_tree).expect("copy a file");
    write(&of_node, "another");
    refused("another etc/kubernetes/pki/ca-signing.crt than its tree");
    for file in [of_tree, of_node] {
        fs::remove_file(file).expect("remove a file");
    }
    let key = site.tree("cp1").join("etc/kubernetes/pki/sa.key");
    set_mode(&key, 0o644);
    refused("others can read");
    set_mode(&key, 0o600);
    fs::rename(site.tree("etcd1"), site.0.join("elsewhere")).expect("rename a folder");
    refused("is no tree: make it with certs all --inventory");
}

/// The tree of cp1, as the role brings it to a node.
fn staged(site: &Site) -> PathBuf {
    let stage = site.0.join("stage");
    fs::create_dir(&stage).expect("make a folder");
    set_mode(&stage, 0o700);
    let files = stage.join("files.tar");
    let mut tar = Command::new(tool("tar"));
    tar.args(["--create", "--file", text(&files), "--directory"]);
    run(tar.arg(site.tree("cp1")).arg("etc")).expect(0);
    stage
}

/// The folder of etcd's files may be etcd's own: what its user puts there leads no file elsewhere.
#[test]
fn a_link_in_the_way_leads_no_file_out_of_its_folder() {
    let site = Site::new();
    let stage = staged(&site);
    let pki = site.node("cp1", "etc/kubernetes/pki");
    fs::create_dir_all(pki.join("etcd")).expect("make a folder");
    symlink("..", pki.join("etcd/ca.crt.handed-out")).expect("make a link");
    let mut place = Command::new("sh");
    place.arg(root().join("examples/ansible/roles/certs/files/place"));
    place
        .arg(&stage)
        .arg(site.node("cp1", ""))
        .arg("etc/kubernetes/.handed-out");
    run(&mut place).expect(0);
    for file in ["ca.crt", "etcd/ca.crt"] {
        let made = site.tree("cp1").join("etc/kubernetes/pki").join(file);
        assert!(!pki.join(file).is_symlink(), "{file}");
        assert_eq!(read(&pki.join(file)), read(&made), "{file}");
    }
}

/// Of a file that is only its owner's there is no moment at which another one could open it.
#[test]
fn no_key_is_open_to_others_at_any_moment() {
    let site = Site::new();
    let (stage, log) = (staged(&site), site.0.join("strace"));
    let script = root().join("examples/ansible/roles/certs/files/place");
    let mut command = Command::new(tool("strace"));
    command.args([
        "-f",
        "-y",
        "-e",
        "trace=open,openat,creat,chmod,fchmod,fchmodat",
        "-o",
    ]);
    command.arg(&log).arg("sh").arg(script).arg(&stage);
    command
        .arg(site.node("cp1", ""))
        .args(["etc/kubernetes/.handed-out", "etcd"]);
    run(&mut common::with_umask("000", &command)).expect(0);
    assert_eq!(
        mode(&site.node("cp1", "etc/kubernetes/.handed-out/etcd")),
        0o600
    );
    let calls = read(&log);
    let is_secret = |line: &&str| {
        let names = [
            "ca.key",
            "sa.key",
            "apiserver.key",
            "admin.conf",
            "server.key",
        ];
        names.iter().any(|name| line.contains(name))
    };
    let mut seen = 0;
    for call in calls
        .lines()
        .filter(is_secret)
        .filter(|line| !line.contains("ENOENT"))
    {
        // The mode is the last argument in octal; what only opens has none.
        let arguments = call
            .rsplit_once(") = ")
            .map_or(call, |(arguments, _)| arguments);
        let last = arguments.rsplit(", ").find(|part| part.starts_with('0'));
        if let Some(mode) = last.and_then(|mode| u32::from_str_radix(mode, 8).ok()) {
            assert_eq!(mode & 0o077, 0, "{call}");
            seen += 1;
        }
    }
    assert!(seen >= 10, "{calls}");
}

/// A path from the root, as the role has it.
fn path(file: &FileId) -> String {
    let folder = match file.root {
        Root::Kubelet => "var/lib/kubelet/pki",
        Root::Pki => "etc/kubernetes/pki",
        _ => "etc/kubernetes",
    };
    format!("{folder}/{file}")
}

#[test]
fn a_component_is_restarted_for_what_it_reads_at_its_start_in_any_release() {
    let oldest = "v1.29.0".parse().ok();
    let mut expected: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut reads = |row: &str, through: Through, files: &[FileId]| {
        let (name, row) = (row.to_owned(), row.to_owned());
        for process in processes(&[Changed { name, row, through }], oldest) {
            if !process.restart.is_empty() {
                let known = expected.entry(process.name).or_default();
                known.extend(files.iter().map(path));
            }
        }
    };
    for row in TABLE {
        let (public, key) = (row.stored.public(), row.stored.key());
        let files = if row.kind == Kind::Ca {
            vec![public]
        } else {
            vec![public, key]
        };
        reads(row.name, Through::Itself, &files);
    }
    // Kubeconfigs of workers name the CA's file.
    let authority = Stored::Pair(Root::Pki, "ca").public();
    for row in ["kubelet", "kube-proxy"] {
        reads(
            row,
            Through::KubeconfigAuthority,
            std::slice::from_ref(&authority),
        );
    }
    // What leads to the client certificate is read by client-go again, but for a kubelet, which has what it renews in memory.
    let link = "var/lib/kubelet/pki/kubelet-client-current.pem".to_owned();
    expected.entry("kubelet").or_default().insert(link);

    let defaults = root().join("examples/ansible/roles/certs/defaults/main.yml");
    let print = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let mut python = Command::new(venv("python"));
    let said = run(python.args(["-c", print]).arg(defaults))
        .expect(0)
        .stdout;
    let defaults: Value = serde_json::from_str(&said).expect("JSON");
    let components = defaults["certs_components"].as_array().expect("a list");
    let of = |component: &Value| {
        let reads = component["reads"].as_array().expect("a list");
        let reads = reads
            .iter()
            .map(|path| path.as_str().expect("a path").to_owned());
        (
            component["name"].as_str().expect("a name").to_owned(),
            reads.collect(),
        )
    };
    let listed: BTreeMap<String, BTreeSet<String>> = components.iter().map(of).collect();
    let expected: BTreeMap<String, BTreeSet<String>> = expected
        .into_iter()
        .map(|(name, files)| (name.to_owned(), files))
        .collect();
    assert_eq!(listed, expected);
    for name in listed.keys() {
        assert!(
            defaults["certs_health_commands"][name].is_string(),
            "{name}"
        );
    }
}

/// Runs the default commands for one component, and has them read by a shell for all.
const COMMANDS: &str = "
- hosts: cp1
  gather_facts: false
  environment: {PATH: 'BIN:/usr/bin:/bin'}
  vars_files: [DEFAULTS]
  tasks:
    - ansible.builtin.command: {argv: [sh, -n], stdin: \"{{ lookup('vars', item.1) }}\"}
      vars: {certs_component: \"{{ item.0 }}\"}
      loop: \"{{ certs_components | map(attribute='name') | product(commands) }}\"
    - ansible.builtin.shell: {cmd: \"{{ certs_restart_command }}\"}
      vars: {certs_component: \"{{ item }}\"}
      loop: [etcd, kube-scheduler]
    - ansible.builtin.shell: {cmd: \"{{ certs_restart_command }}\"}
      vars: {certs_component: kube-proxy}
  vars:
    commands: [certs_runs_command, certs_restart_command, certs_health_command]
";

#[test]
fn the_playbook_is_sound_to_ansible_and_its_shell_commands_to_a_shell() {
    let site = Site::empty();
    let playbook = root().join("examples/ansible/hand-out.yml");
    site.ansible("ansible-playbook", &["--syntax-check", text(&playbook)])
        .expect(0);
    let (programs, calls) = (site.0.join("bin"), site.0.join("calls"));
    fs::create_dir(&programs).expect("make a folder");
    for (name, script) in [
        ("systemctl", "[ $1 = restart ] || exec [ $3 = etcd ]"),
        ("crictl", "case $* in *scheduler*) echo 1234 ;; esac"),
    ] {
        let script = format!("#!/bin/sh\necho {name} $* >> {}\n{script}\n", text(&calls));
        write(&programs.join(name), script);
        set_mode(&programs.join(name), 0o755);
    }
    let defaults = root().join("examples/ansible/roles/certs/defaults/main.yml");
    let commands = COMMANDS.replace("DEFAULTS", text(&defaults));
    let commands = commands.replace("BIN", text(&programs));
    write(&site.0.join("commands.yml"), commands);
    let said = site.ansible("ansible-playbook", &["commands.yml"]);
    said.expect_failure("kube-proxy runs, and neither systemd nor crictl knows it");
    let expected = "\
systemctl is-active --quiet etcd
systemctl restart etcd
systemctl is-active --quiet kube-scheduler
crictl ps --quiet --name ^kube-scheduler$
crictl stop --timeout 30 1234
systemctl is-active --quiet kube-proxy
crictl ps --quiet --name ^kube-proxy$
";
    assert_eq!(read(&calls), expected);
}
