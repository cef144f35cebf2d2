//! An external CA for many nodes, the whole way: `certs csr --inventory`, a CA somewhere else, `certs import --inventory`.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

mod common;
use common::cfssl::Cfssl;
use common::kubeadm::NOON;
use common::node::script;
use common::renewal::DAY;
use common::snapshot::{same, snapshot};
use common::trees::files;
use common::{Finished, TempDir, at, certs, kubeconfig_data, mode, read, run, text, tool, write};

const NODES: &str = "\
apiVersion: certs/v1
kind: Inventory
nodes:
- {name: cp1, addresses: [10.0.0.1], roles: [control-plane, etcd]}
- {name: cp2, addresses: [10.0.0.2, cp2.example.com], roles: [control-plane, etcd]}
- {name: cp3, addresses: [10.0.0.3], roles: [control-plane, etcd]}
- {name: worker1, addresses: [10.0.1.1, 'fd00::1:1', worker1.example.com], roles: [worker]}
- {name: worker2, addresses: [10.0.1.2], roles: [worker]}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
controlPlaneEndpoint: api.example.com:6443
encryptionAlgorithm: ECDSA-P256
";
const PLANES: [&str; 3] = ["cp1", "cp2", "cp3"];
const WORKERS: [&str; 2] = ["worker1", "worker2"];
const CAS: [&str; 3] = ["ca.crt", "etcd/ca.crt", "front-proxy-ca.crt"];

/// A folder with an inventory, the trees in `out` and requests in `csrs`; and `machine`, where the CAs are.
struct Place(TempDir);

impl Place {
    /// With the certificates of the CAs beside the trees that are to be, and their keys nowhere but on that machine.
    fn new(inventory: &str) -> Self {
        let place = Self(TempDir::new());
        write(&place.path("nodes.yaml"), inventory);
        let made = [
            "ca",
            "--kubernetes-dir",
            "machine",
            "--key-algorithm",
            "ECDSA-P256",
        ];
        place.certs(0, &made).expect(0);
        fs::create_dir_all(place.path("out/ca/etcd")).expect("make a folder");
        for ca in CAS {
            let from = place.path("machine/pki").join(ca);
            fs::copy(from, place.path("out/ca").join(ca)).expect("copy a CA");
        }
        place
    }

    /// The same, with all that was asked for signed.
    fn signed(inventory: &str) -> Self {
        let place = Self::new(inventory);
        place.csr(0, &[]).expect(0);
        place.sign(0, &[]).expect(0);
        place
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    /// The program in the folder, so many days after noon.
    fn certs(&self, days: i64, arguments: &[&str]) -> Finished {
        run(at(NOON + days * DAY, "022", &certs(arguments)).current_dir(self.0.path()))
    }

    fn over(&self, days: i64, verb: &[&str], flags: &[&str]) -> Finished {
        let all = ["--inventory", "nodes.yaml", "--out", "out"];
        self.certs(days, &[verb, &all, flags].concat())
    }

    fn csr(&self, days: i64, flags: &[&str]) -> Finished {
        self.over(days, &["csr", "--csr-dir", "csrs"], flags)
    }

    fn sign(&self, days: i64, flags: &[&str]) -> Finished {
        let sign = [
            "sign",
            "csrs",
            "--inventory",
            "nodes.yaml",
            "--kubernetes-dir",
            "machine",
        ];
        self.certs(days, &[&sign, flags].concat())
    }

    fn import(&self, days: i64, flags: &[&str]) -> Finished {
        self.over(days, &["import", "csrs"], flags)
    }

    /// A root of this file and name signs the request of the cluster's CA, for so many days.
    fn signed_by_root(&self, root: &str, name: &str, days: i64) {
        script(
            self.0.path(),
            &format!(
                "test -e {root}.key || faketime '@{}' openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
                   -keyout {root}.key -out {root}.crt -subj /CN={name} -days 7000 2> /dev/null\n\
                 echo authorityKeyIdentifier=keyid > ca.ext\n\
                 faketime '@{}' openssl x509 -req -days {days} -copy_extensions copyall -extfile ca.ext -CAcreateserial \
                   -CA {root}.crt -CAkey {root}.key -in csrs/ca/ca.csr -out csrs/ca/ca.crt 2> /dev/null\n",
                NOON - DAY,
                // What is issued again begins later.
                NOON - DAY + days
            ),
        );
    }

    /// And comes with its certificate.
    fn with_root(&self, root: &str) {
        script(self.0.path(), &format!("cat {root}.crt >> csrs/ca/ca.crt"));
    }

    /// Nothing is wrong with any tree, and nothing is left to be made.
    fn is_sound(&self, days: i64) {
        self.over(days, &["all"], &[]).expect(0);
        let told = self.over(days, &["check"], &[]).expect(0).stdout;
        assert!(told.ends_with("nothing is wrong.\n"), "{told}");
        let told = self.over(days, &["all"], &[]).expect(0).stdout;
        assert!(told.contains("nothing was written"), "{told}");
    }

    /// The files of a folder that hold a private key.
    fn keys(&self, folder: &str) -> BTreeMap<String, String> {
        let root = self.path(folder);
        let all = files(&root)
            .into_iter()
            .filter(|file| !file.contains(".certs-"));
        let held = all.filter_map(|file| {
            let content = read(&root.join(&file));
            let key = content.contains("PRIVATE KEY") || content.contains("client-key-data");
            key.then_some((file, content))
        });
        held.collect()
    }

    fn pki(&self, node: &str, file: &str) -> PathBuf {
        self.path(&format!("out/{node}/etc/kubernetes/pki/{file}"))
    }
}

fn is_key(file: &str) -> bool {
    Path::new(file)
        .extension()
        .is_some_and(|ending| ending == "key")
}

fn openssl(arguments: &[&str]) -> String {
    run(Command::new(tool("openssl")).args(arguments))
        .expect(0)
        .stdout
}

/// Refused, and nothing was written.
fn is_refused(place: &Place, run: impl Fn() -> Finished, code: i32, words: &[&str]) {
    let before = snapshot(place.0.path());
    let refused = run().expect(code);
    for words in words {
        assert!(refused.stderr.contains(words), "{words}\n{refused}");
    }
    same(&before, place.0.path());
}

#[test]
fn what_is_signed_elsewhere_makes_whole_trees_and_a_second_run_does_nothing() {
    let place = Place::new(NODES);
    place.csr(0, &["--dry-run"]).expect(0);
    assert!(!place.path("csrs").exists() && !place.path("out/cp1").exists());
    let told = place.csr(0, &[]).expect(0).stdout;
    for words in [
        "Asked for:\n  cp1: apiserver, etcd-server, etcd-peer, apiserver-kubelet-client,",
        "  worker1: kubelet/kubelet-client-current.pem, kube-proxy, kubelet-serving\n",
        "    certs import csrs --inventory nodes.yaml --out out\n",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    // Keys stay with who uses them, and are nobody else's to read.
    assert!(place.keys("csrs").is_empty());
    let keys = place.keys("out");
    assert_eq!(keys.len(), 3 * 11 + 1 + 2 * 4);
    for file in keys.keys().filter(|file| !file.ends_with("current.pem")) {
        assert_eq!(mode(&place.path("out").join(file)), 0o600, "{file}");
    }
    let before = snapshot(place.0.path());
    let again = place.csr(0, &[]).expect(0).stdout;
    assert!(
        again.contains("Asked for already:\n  cp1: apiserver,"),
        "{again}"
    );
    assert!(
        again.contains("Nothing more is to be asked for on 5 nodes"),
        "{again}"
    );
    assert!(again.contains("    certs import csrs"), "{again}");
    same(&before, place.0.path());
    let told = place.sign(0, &[]).expect(0).stdout;
    assert!(
        told.contains("  worker2: kubelet, kube-proxy, kubelet-serving, ca.crt\n"),
        "{told}"
    );
    let told = place.sign(0, &[]).expect(0).stdout;
    assert!(
        told.contains("Everything is as wanted on 5 nodes"),
        "{told}"
    );
    // One node's folder is signed by itself as well.
    let one = [
        "sign",
        "csrs/cp2",
        "--inventory",
        "nodes.yaml",
        "--kubernetes-dir",
        "machine",
    ];
    let told = place.certs(0, &one).expect(0).stdout;
    assert!(
        told.contains("Everything is as wanted on 1 node;"),
        "{told}"
    );
    let before = snapshot(place.0.path());
    place.import(0, &["--dry-run"]).expect(0);
    same(&before, place.0.path());
    is_imported(&place, &keys);
}

/// All of it, with the keys that it was asked for with, and each node's names are its own.
fn is_imported(place: &Place, keys: &BTreeMap<String, String>) {
    let told = place.import(0, &[]).expect(0).stdout;
    for words in [
        "Put in place:\n  cp1: apiserver,",
        "  worker1: kubelet, ca.crt\n",
        "    certs all --inventory nodes.yaml --out out\n",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    let told = place.import(0, &[]).expect(0).stdout;
    assert!(
        told.contains("Everything is as wanted on 5 nodes"),
        "{told}"
    );
    place.is_sound(1);
    let told = place.csr(1, &[]).expect(0).stdout;
    assert!(
        told.contains("Everything is as wanted on 5 nodes"),
        "{told}"
    );
    let now = place.keys("out");
    for (file, key) in keys.iter().filter(|(file, _)| is_key(file)) {
        assert_eq!(now[file], *key, "{file}");
    }
    let names = ["x509", "-noout", "-ext", "subjectAltName", "-in"];
    let serving = place.path("out/worker1/var/lib/kubelet/pki/kubelet.crt");
    let said = openssl(&[&names[..], &[text(&serving)]].concat());
    let own =
        "DNS:worker1, DNS:worker1.example.com, IP Address:10.0.1.1, IP Address:FD00:0:0:0:0:0:1:1";
    assert!(said.contains(own), "{said}");
    for (node, file, ca) in [
        ("cp3", "apiserver.crt", "ca.crt"),
        ("cp2", "etcd/peer.crt", "etcd/ca.crt"),
        ("cp1", "front-proxy-client.crt", "front-proxy-ca.crt"),
    ] {
        let ca = place.path("machine/pki").join(ca);
        let time = (NOON + DAY).to_string();
        let leaf = place.pki(node, file);
        openssl(&[
            "verify",
            "-x509_strict",
            "-attime",
            &time,
            "-CAfile",
            text(&ca),
            text(&leaf),
        ]);
    }
    assert!(place.keys("out/ca").keys().eq(["sa.key"]), "no key of a CA");
}

/// A worker's kubelet has it as it keeps it: a file called by the time, and the link to it.
#[test]
fn a_kubelet_gets_its_certificate_as_it_keeps_it_and_no_run_replaces_a_key_that_waits() {
    let place = Place::new(NODES);
    place.csr(0, &[]).expect(0);
    let kubelets = "out/worker1/var/lib/kubelet/pki";
    let current = place.path(kubelets).join("kubelet-client-current.pem");
    let waits = fs::read_link(&current).expect("a link");
    let key = read(&current);
    assert!(!key.contains("CERTIFICATE"), "{key}");
    let words = "kubelet-client-current.pem waits for the certificate that kubelet-client-current.pem.csr asks for: put it \
                 there with 'certs import CSRS --inventory FILE --out DIR' when it comes";
    for verb in [&["all"][..], &["all", "--force"], &["renew", "--all"]] {
        let refused = || place.over(0, verb, &[]);
        is_refused(&place, refused, 4, &[words]);
    }
    let told = place.over(0, &["check"], &[]).expect(4);
    let words = words
        .replace(" --inventory FILE --out DIR", "")
        .replace(" CSRS", "");
    let found = told.stdout.contains(&words)
        || told
            .stdout
            .contains("'certs import CSRS --inventory FILE --out DIR' when it comes");
    assert!(found, "{told}");
    // Asked for, it is not told to be absent.
    assert!(
        !told
            .stdout
            .contains("worker1/var/lib/kubelet/pki/kubelet.crt is not there"),
        "{told}"
    );
    place.sign(0, &[]).expect(0);
    std::thread::sleep(Duration::from_millis(1100));
    place.import(0, &[]).expect(0);
    let now = fs::read_link(&current).expect("a link still");
    assert_ne!(waits, now);
    assert!(
        text(&now).starts_with("kubelet-client-2"),
        "{}",
        now.display()
    );
    assert_eq!(mode(&place.path(kubelets).join(&now)), 0o600);
    let held = read(&current);
    assert!(
        held.starts_with("-----BEGIN CERTIFICATE") && held.ends_with(&key),
        "{held}"
    );
    let kubeconfig = read(&place.path("out/worker1/etc/kubernetes/kubelet.conf"));
    assert!(
        kubeconfig.contains("client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem"),
        "{kubeconfig}"
    );
    // Who gives up removes the request.
    let other = Place::new(NODES);
    other.csr(0, &[]).expect(0);
    fs::remove_file(other.path(kubelets).join("kubelet-client-current.pem.csr")).expect("give up");
    // What told of that request tells of the one that takes its place.
    let told = other.csr(0, &[]).expect(0);
    assert!(!told.stderr.contains("did not ask for"), "{told}");
    let told = told.stdout;
    assert!(
        told.contains("Asked for:\n  worker1: kubelet/kubelet-client-current.pem\n"),
        "{told}"
    );
}

#[test]
fn what_openssl_signed_for_each_node_is_put_in_its_place() {
    let place = Place::new(NODES);
    place
        .certs(0, &["ca", "--kubernetes-dir", "machine"])
        .expect(0);
    let now = run(certs(&[
        "csr",
        "--csr-dir",
        "csrs",
        "--inventory",
        "nodes.yaml",
        "--out",
        "out",
    ])
    .current_dir(place.0.path()));
    now.expect(0);
    script(
        place.0.path(),
        "printf '%s\\n' basicConstraints=critical,CA:FALSE subjectKeyIdentifier=hash authorityKeyIdentifier=keyid > leaf.ext\n\
         for request in csrs/*/*.csr; do\n\
           name=$(basename \"$request\" .csr)\n\
           case $name in\n\
             apiserver-etcd-client | etcd-*) ca=etcd/ca ;;\n\
             front-proxy-client) ca=front-proxy-ca ;;\n\
             *) ca=ca ;;\n\
           esac\n\
           openssl x509 -req -days 365 -copy_extensions copyall -extfile leaf.ext -CAcreateserial \\\n\
             -CA machine/pki/$ca.crt -CAkey machine/pki/$ca.key -in \"$request\" -out \"${request%.csr}.crt\" 2> /dev/null\n\
         done\n",
    );
    let over = |verb: &[&str]| {
        let all = ["--inventory", "nodes.yaml", "--out", "out"];
        run(certs(&[verb, &all].concat()).current_dir(place.0.path()))
    };
    over(&["import", "csrs"]).expect(0);
    over(&["all"]).expect(0);
    let told = over(&["check"]).expect(0).stdout;
    assert!(told.ends_with("nothing is wrong.\n"), "{told}");
}

/// cfssl's own CAs, whose keys are on no machine of the cluster's.
#[test]
fn what_cfssl_signed_for_each_node_is_put_in_its_place() {
    let place = Place(TempDir::new());
    let folder = place.0.path();
    write(&place.path("nodes.yaml"), NODES);
    let cfssl = Cfssl::new(folder);
    fs::create_dir_all(place.path("out/ca/etcd")).expect("make a folder");
    for (ca, file) in ["ca", "etcd-ca", "front-proxy-ca"].iter().zip(CAS) {
        let [certificate, key] = cfssl.ca(ca);
        write(&place.path(&format!("{ca}.key")), key);
        write(&place.path("out/ca").join(file), certificate);
    }
    let over = |verb: &[&str]| {
        let all = ["--inventory", "nodes.yaml", "--out", "out"];
        run(certs(&[verb, &all].concat()).current_dir(folder))
            .expect(0)
            .stdout
    };
    over(&["csr", "--csr-dir", "csrs"]);
    let mut signed = 0;
    for node in PLANES.iter().chain(&WORKERS) {
        let list = read(&place.path(&format!("csrs/{node}/requests.json")));
        let list: Value = serde_json::from_str(&list).expect("JSON");
        for entry in list["requests"].as_array().expect("requests") {
            let [name, ca, request, file] = ["name", "issuer", "request", "certificate"]
                .map(|field| entry[field].as_str().expect(field));
            let certificate = match ca {
                "etcd-ca" => "out/ca/etcd/ca.crt".to_owned(),
                ca => format!("out/ca/{ca}.crt"),
            };
            let request = format!("csrs/{node}/{request}");
            let made = cfssl.signed(name, [&certificate, &format!("{ca}.key")], &request);
            write(&place.path(&format!("csrs/{node}/{file}")), made);
            signed += 1;
        }
    }
    assert_eq!(signed, 3 * 11 + 1 + 2 * 3);
    let told = over(&["import", "csrs"]);
    assert!(
        told.contains(
            "  worker2: kubelet/kubelet-client-current.pem, kube-proxy, kubelet-serving\n"
        ),
        "{told}"
    );
    over(&["all"]);
    let told = over(&["check"]);
    assert!(told.ends_with("nothing is wrong.\n"), "{told}");
    let told = over(&["import", "csrs"]);
    assert!(
        told.contains("Everything is as wanted on 5 nodes"),
        "{told}"
    );
    for node in PLANES.iter().chain(&WORKERS) {
        assert!(!place.pki(node, "ca.key").exists(), "{node}");
    }
}

#[test]
fn what_is_due_is_asked_for_with_the_key_in_use_and_keeps_its_names() {
    let place = Place::signed(NODES);
    place.import(0, &[]).expect(0);
    place.is_sound(1);
    fs::rename(place.path("csrs"), place.path("former")).expect("move away");
    let told = place.csr(100, &[]).expect(0).stdout;
    assert!(
        told.contains("Everything is as wanted on 5 nodes"),
        "{told}"
    );
    let keys = place.keys("out");
    let told = place
        .csr(350, &["kubelet-serving", "kubelet"])
        .expect(0)
        .stdout;
    let words = "  worker2: kubelet/kubelet-client-current.pem, kubelet-serving\n";
    assert!(
        told.contains("Asked for:\n  cp1: kubelet\n") && told.contains(words),
        "{told}"
    );
    place.csr(350, &[]).expect(0);
    assert_eq!(place.keys("out"), keys);
    place.sign(350, &[]).expect(0);
    place.import(350, &[]).expect(0);
    place.is_sound(360);
    for (file, key) in place.keys("out").iter().filter(|(file, _)| is_key(file)) {
        assert_eq!(keys[file], *key, "{file}");
    }
}

#[test]
fn a_folder_with_what_was_signed_last_time_is_good_for_the_next() {
    // Before it has ended and after; on the day before it is due nothing is signed.
    for [early, due] in [[334, 336], [334, 400]] {
        let place = Place::signed(NODES);
        place.import(0, &[]).expect(0);
        place.csr(early, &[]).expect(0);
        let told = place.sign(early, &[]).expect(0).stdout;
        assert!(told.contains("Everything is as wanted"), "{told}");
        place.csr(due, &[]).expect(0);
        let told = place.sign(due, &[]).expect(0).stdout;
        assert!(told.contains("Replaced:"), "{told}");
        let told = place.sign(due, &[]).expect(0).stdout;
        assert!(told.contains("Everything is as wanted"), "{told}");
        place.import(due, &[]).expect(0);
        place.is_sound(due + 300);
    }
}

#[test]
fn what_came_back_wrong_is_refused_with_the_name_of_its_node_and_all_at_once() {
    let place = Place::signed(NODES);
    let swap = |one: &str, other: &str| {
        let [one, other] = [one, other].map(|file| place.path("csrs").join(file));
        let held = read(&one);
        write(&one, read(&other));
        write(&other, held);
    };
    swap("cp1/apiserver.crt", "cp2/apiserver.crt");
    swap(
        "cp3/apiserver-kubelet-client.crt",
        "cp2/apiserver-kubelet-client.crt",
    );
    fs::remove_file(place.path("csrs/worker1/kube-proxy.crt")).expect("lose a certificate");
    write(&place.path("csrs/worker2/kubelet.crt"), "nothing");
    is_refused(
        &place,
        || place.import(0, &[]),
        4,
        &[
            "csrs/cp1/apiserver.crt is not for apiserver.key",
            "csrs/cp1/apiserver.crt lacks the SAN 10.0.0.1",
            "csrs/cp2/apiserver.crt is not for apiserver.key",
            "csrs/cp3/apiserver-kubelet-client.crt is not for apiserver-kubelet-client.key",
            "csrs/worker1/kube-proxy.crt did not come back",
            "csrs/worker2/kubelet.crt cannot be used",
        ],
    );
    // What came back for some is imported by itself, by the folder or by name.
    swap("cp1/apiserver.crt", "cp2/apiserver.crt");
    place.over(0, &["import", "csrs/cp1"], &[]).expect(0);
    assert!(place.pki("cp1", "apiserver.crt").is_file());
    assert!(!place.pki("cp2", "apiserver.crt").exists());
    let told = place
        .import(0, &["apiserver", "kubelet-serving"])
        .expect(0)
        .stdout;
    let words = "Put in place:\n  cp2: apiserver\n  cp3: apiserver\n  worker1: kubelet-serving\n  worker2: kubelet-serving\n";
    assert!(told.contains(words), "{told}");
}

#[test]
fn nothing_in_the_folder_leads_out_of_it_or_is_of_another_node() {
    let place = Place::signed(NODES);
    let both = |code: i32, words: &str| {
        is_refused(&place, || place.sign(0, &[]), code, &[words]);
        is_refused(&place, || place.import(0, &[]), code, &[words]);
    };
    // A node that the inventory does not have.
    fs::create_dir(place.path("csrs/cp4")).expect("make a folder");
    both(
        2,
        "csrs/cp4 is of no node of the inventory (\"cp3\"?): move it away",
    );
    fs::remove_dir(place.path("csrs/cp4")).expect("remove it");
    // Links, to another node's and out of the folder.
    fs::rename(place.path("csrs/cp3"), place.path("cp3")).expect("move it");
    for to in ["cp2", "../cp3", "/etc"] {
        symlink(to, place.path("csrs/cp3")).expect("make a link");
        both(
            1,
            "csrs/cp3 is a symbolic link, and not the folder of a node's requests: move it away",
        );
        let csr = || place.csr(0, &[]);
        is_refused(&place, csr, 1, &["csrs/cp3 is a symbolic link"]);
        fs::remove_file(place.path("csrs/cp3")).expect("remove it");
    }
    fs::rename(place.path("cp3"), place.path("csrs/cp3")).expect("move it back");
    fs::rename(place.path("csrs/cp2/apiserver.crt"), place.path("moved")).expect("move it");
    symlink("../../moved", place.path("csrs/cp2/apiserver.crt")).expect("make a link");
    let told = place.import(0, &[]);
    assert!(
        told.stderr
            .contains("csrs/cp2/apiserver.crt is a symbolic link"),
        "{told}"
    );
    fs::remove_file(place.path("csrs/cp2/apiserver.crt")).expect("remove it");
    fs::rename(place.path("moved"), place.path("csrs/cp2/apiserver.crt")).expect("move it back");
    // Names in what tells of the requests.
    let list = place.path("csrs/worker1/requests.json");
    let told = read(&list);
    for (name, words) in [
        (
            "../../cp1/admin",
            "worker1: there is no certificate \"../../cp1/admin\"",
        ),
        (
            "admin",
            "worker1: admin is nothing that the roles of this node need: leave it out",
        ),
    ] {
        write(
            &list,
            told.replace("\"name\": \"kube-proxy\"", &format!("\"name\": \"{name}\"")),
        );
        is_refused(&place, || place.import(0, &[]), 2, &[words]);
    }
    write(&list, told);
    place.import(0, &[]).expect(0);
}

#[test]
fn of_a_request_that_is_another_nodes_or_beyond_its_roles_nothing_is_signed() {
    let place = Place::new(NODES);
    place.csr(0, &[]).expect(0);
    let copy = |from: &str, to: &str| {
        let [from, to] = [from, to].map(|file| place.path("csrs").join(file));
        fs::copy(from, to).expect("copy a request");
    };
    copy("cp2/apiserver.csr", "cp1/apiserver.csr");
    copy("worker2/kubelet.csr", "worker1/kubelet.csr");
    is_refused(
        &place,
        || place.sign(0, &[]),
        4,
        &[
            "csrs/cp1/apiserver.csr asks for the SANs cp2, cp2.example.com, 10.0.0.2, which the facts do not state",
            "put it into the folder of its node, or have it requested anew",
            "csrs/worker1/kubelet.csr asks for the subject \"CN=system:node:worker2,O=system:nodes\"",
            "csrs/worker1/kubelet.csr is for the key with the SHA-256 ",
        ],
    );
    copy("cp1/admin.csr", "worker2/admin.csr");
    // Signed by itself it would not get what the inventory says.
    let words = "worker2: admin.csr is not in csrs/worker2/requests.json, which tells what was asked for: move it away, \
                 or have the tree of its node ask for it ('certs csr')\n";
    is_refused(&place, || place.sign(0, &[]), 2, &[words]);
    fs::remove_file(place.path("csrs/worker2/requests.json")).expect("lose the list");
    let words = "worker2: admin.csr: admin is nothing that the roles of this node need";
    is_refused(&place, || place.sign(0, &[]), 2, &[words]);
    // One node that is right is signed for by itself.
    fs::remove_file(place.path("csrs/worker2/admin.csr")).expect("remove it");
    let alone = [
        "sign",
        "csrs/cp3",
        "--inventory",
        "nodes.yaml",
        "--kubernetes-dir",
        "machine",
    ];
    place.certs(0, &alone).expect(0);
    assert!(place.path("csrs/cp3/apiserver.crt").is_file());
    assert!(!place.path("csrs/cp2/apiserver.crt").exists());
}

#[test]
fn arguments_that_are_wrong_are_told_before_anything_is_written() {
    let place = Place::new(NODES);
    for (verb, words) in [
        (
            &["csr"][..],
            "--csr-dir: name the directory of the requests",
        ),
        (
            &["csr", "--csr-dir", "out/csrs"],
            "out/csrs lies in out, where keys lie",
        ),
        (
            &["csr", "--csr-dir", "out"],
            "out lies in out, where keys lie",
        ),
        (
            &["csr", "nothing", "--csr-dir", "csrs"],
            "there is no certificate \"nothing\"",
        ),
        (
            &["import", "csrs"],
            "csrs has no folder of a node's requests: 'certs csr --inventory FILE --out DIR --csr-dir CSRS'",
        ),
        (
            &["import", "csrs", "nothing"],
            "there is no certificate \"nothing\"",
        ),
    ] {
        is_refused(&place, || place.over(0, verb, &[]), 2, &[words]);
    }
    let workers = "name,addresses,roles\nworker1,10.0.1.1,worker\n";
    write(&place.path("workers.csv"), workers);
    let flags = [
        "--out",
        "out",
        "--csr-dir",
        "csrs",
        "--control-plane-endpoint",
        "api.example.com",
    ];
    let verb = [
        &["csr", "apiserver", "--inventory", "workers.csv"],
        &flags[..],
    ]
    .concat();
    is_refused(
        &place,
        || place.certs(0, &verb),
        2,
        &["no node of the inventory is to have apiserver"],
    );
    // Where all keys are here nobody else is asked, but by name.
    let own = Place(TempDir::new());
    write(&own.path("nodes.yaml"), NODES);
    own.over(0, &["all"], &[]).expect(0);
    let words = "out/ca holds no certificate of a CA whose key is elsewhere";
    is_refused(&own, || own.csr(0, &[]), 2, &[words]);
}

/// With one CA elsewhere only what that one signs is asked for, and `all` makes the rest.
#[test]
fn of_cas_of_which_one_is_elsewhere_that_one_is_asked() {
    let place = Place::new(NODES);
    for ca in ["ca", "front-proxy-ca"] {
        fs::copy(
            place.path("machine/pki").join(format!("{ca}.key")),
            place.path("out/ca").join(format!("{ca}.key")),
        )
        .expect("copy a key");
    }
    let told = place.csr(0, &[]).expect(0).stdout;
    let words = "Asked for:\n  cp1: etcd-server, etcd-peer, apiserver-etcd-client, etcd-healthcheck-client\n  cp2: ";
    assert!(told.contains(words) && !told.contains("worker1:"), "{told}");
    place.sign(0, &[]).expect(0);
    place.import(0, &[]).expect(0);
    place.is_sound(1);
    let told = place.over(350, &["renew"], &[]);
    let words = "'certs csr etcd-server --inventory FILE --out DIR --csr-dir CSRS' asks the CA's owner for it";
    assert!(told.stderr.contains(words), "{told}");
    fs::remove_dir_all(place.path("csrs")).expect("lose the requests");
    place.csr(350, &[]).expect(0);
    place.sign(350, &[]).expect(0);
    place.import(350, &[]).expect(0);
    place.is_sound(360);
}

/// Each way out is over all nodes, and is one that works.
#[test]
fn runs_that_lack_a_key_tell_the_way_over_all_nodes() {
    let place = Place::new(NODES);
    let asks = |name: &str| {
        format!(
            "'certs csr {name} --inventory FILE --out DIR --csr-dir CSRS' asks the CA's owner for it, and \
             'certs import CSRS --inventory FILE --out DIR' puts it here"
        )
    };
    let all = place.over(0, &["all"], &[]).expect(4).stderr;
    for name in ["apiserver", "kubelet", "kubelet-serving", "etcd-peer"] {
        assert!(all.contains(&asks(name)), "{name}\n{all}");
    }
    place.csr(0, &[]).expect(0);
    place.sign(0, &[]).expect(0);
    place.import(0, &[]).expect(0);
    place.is_sound(1);
    for verb in [
        &["renew"][..],
        &["renew", "--all"],
        &["renew", "node", "worker1"],
    ] {
        let told = place.over(350, verb, &[]).stderr;
        assert!(told.contains(&asks("kubelet")), "{told}");
    }
    fs::remove_file(place.pki("cp1", "apiserver.crt")).expect("lose a certificate");
    fs::remove_file(place.pki("cp1", "apiserver.key")).expect("lose its key");
    fs::remove_file(place.pki("cp1", "apiserver.csr")).expect("lose its request");
    let told = place.over(1, &["check"], &[]);
    assert!(
        told.stdout.contains(&asks("apiserver")) || told.stderr.contains(&asks("apiserver")),
        "{told}"
    );
}

/// The cluster's CA below another one: its key is with what all share, and only it is asked for.
#[test]
fn a_ca_of_all_nodes_is_asked_for_once_and_signs_once_it_is_imported() {
    let place = Place(TempDir::new());
    write(&place.path("nodes.yaml"), NODES);
    let told = place.csr(0, &["ca"]).expect(0).stdout;
    assert!(told.contains("Asked for:\n  ca: ca\n"), "{told}");
    assert_eq!(mode(&place.path("out/ca")), 0o700);
    assert!(place.keys("csrs").is_empty() && place.keys("out").keys().eq(["ca/ca.key"]));
    place.signed_by_root("root", "root", 3650);
    let told = place.import(0, &[]).expect(0).stdout;
    assert!(told.contains("Put in place:\n  ca: ca\n"), "{told}");
    place.is_sound(1);
    // Asked for again it comes with its key, and the copies of the nodes follow.
    place.csr(1, &["ca"]).expect(0);
    place.signed_by_root("root", "root", 4000);
    let told = place.import(1, &[]).expect(0).stdout;
    assert!(
        told.contains("    certs renew --inventory nodes.yaml --out out\n"),
        "{told}"
    );
    place.over(1, &["renew"], &[]).expect(0);
    place.is_sound(2);
    let now = read(&place.path("out/ca/ca.crt"));
    for node in PLANES.iter().chain(&WORKERS) {
        assert_eq!(read(&place.pki(node, "ca.crt")), now, "{node}");
    }
}

#[test]
fn a_ca_of_all_nodes_that_leads_to_another_root_than_before_is_refused_where_that_did_not_come() {
    let place = Place(TempDir::new());
    write(&place.path("nodes.yaml"), NODES);
    place.csr(0, &["ca"]).expect(0);
    place.signed_by_root("corp", "corp", 3650);
    place.with_root("corp");
    place.import(0, &[]).expect(0);
    place.csr(0, &["ca"]).expect(0);
    place.signed_by_root("evil", "corp", 3650);
    let words = "ca.crt leads no more to the root \"CN=corp\" (SHA-256 ";
    is_refused(
        &place,
        || place.import(0, &[]),
        4,
        &[words, "nor to another"],
    );
    place.with_root("evil");
    let told = place.import(0, &[]).expect(3).stderr;
    assert!(
        told.contains(words) && told.contains("is cut off"),
        "{told}"
    );
}

/// A CA that came back below another one is two certificates in its file, with which no controller manager starts: each
/// control plane gets the file of one, and no other node does.
#[test]
fn what_the_controller_manager_signs_with_is_copied_to_every_control_plane() {
    let place = Place(TempDir::new());
    write(&place.path("nodes.yaml"), NODES);
    let told = place.csr(0, &["ca"]).expect(0).stdout;
    assert!(told.contains("Asked for:\n  ca: ca\n"), "{told}");
    place.signed_by_root("root", "root", 4000);
    place.with_root("root");
    let words = "Before any kube-controller-manager is restarted, copy ";
    let told = place.import(0, &["--fail-on", "error"]).expect(0).stdout;
    assert!(told.contains("  ca: ca, ca-signing.crt\n"), "{told}");
    assert!(told.contains(words), "{told}");
    let told = place.over(0, &["all"], &[]).expect(0).stdout;
    assert!(told.contains(words), "{told}");
    let one = read(&place.path("out/ca/ca-signing.crt"));
    assert_eq!(one.matches("BEGIN").count(), 1);
    assert_eq!(
        read(&place.pki("worker1", "ca.crt"))
            .matches("BEGIN")
            .count(),
        2
    );
    for node in PLANES {
        assert_eq!(read(&place.pki(node, "ca-signing.crt")), one, "{node}");
    }
    for node in WORKERS {
        assert!(!place.pki(node, "ca-signing.crt").exists(), "{node}");
    }
    place.is_sound(1);
    fs::remove_file(place.pki("cp3", "ca-signing.crt")).expect("remove");
    let told = place.over(1, &["check"], &["--fail-on", "error"]).expect(0);
    let lacks = "cp3/etc/kubernetes/pki/ca-signing.crt is not there: the controller manager is to sign with it";
    assert!(told.stdout.contains(lacks), "{told}");
    let told = place.over(1, &["all"], &[]).expect(0).stdout;
    assert!(told.contains("  cp3: ca-signing.crt\n"), "{told}");
    place.is_sound(1);
    // A copy of another is none.
    write(
        &place.pki("cp2", "ca-signing.crt"),
        read(&place.path("root.crt")),
    );
    let told = place.over(1, &["check"], &[]).expect(4);
    assert!(
        told.stdout
            .contains("cp2/etc/kubernetes/pki/ca-signing.crt is another than the one"),
        "{told}"
    );
    place.over(1, &["all"], &["--force"]).expect(0);
    assert_eq!(read(&place.pki("cp2", "ca-signing.crt")), one);
}

/// What a CA signed alone lacks it once that is below another one: the way out that is told over all nodes is one.
#[test]
fn what_lacks_a_ca_behind_it_is_completed_on_every_node() {
    let place = Place(TempDir::new());
    write(&place.path("nodes.yaml"), NODES);
    place.over(0, &["all"], &[]).expect(0);
    place.csr(0, &["ca"]).expect(0);
    place.signed_by_root("root", "root", 4000);
    place.with_root("root");
    place.import(0, &["--fail-on", "error"]).expect(0);
    let refused = place.over(0, &["all"], &[]).expect(4).stderr;
    let words =
        "worker2/etc/kubernetes/kube-proxy.conf lacks a CA between its certificate and the root: ";
    assert!(refused.contains(words), "{refused}");
    assert!(!refused.contains("for the same directories"), "{refused}");
    let words = "cp3/etc/kubernetes/admin.conf lacks a CA between its certificate and the root: 'certs all --inventory FILE --out \
                 DIR --force' completes it, and keeps key and certificate\n";
    assert!(refused.contains(words), "{refused}");
    let key = read(&place.pki("cp3", "apiserver.key"));
    place
        .over(0, &["all"], &["--force", "--fail-on", "error"])
        .expect(0);
    place.over(0, &["renew"], &[]).expect(0);
    assert_eq!(read(&place.pki("cp3", "apiserver.key")), key);
    place.is_sound(1);
}

/// They are the node's own directories, and have their modes there.
#[test]
fn directories_of_a_new_tree_have_their_mode_whatever_the_umask() {
    let place = Place::new(NODES);
    let flags = [
        "csr",
        "--csr-dir",
        "csrs",
        "--inventory",
        "nodes.yaml",
        "--out",
        "out",
    ];
    run(at(NOON, "077", &certs(&flags)).current_dir(place.0.path())).expect(0);
    for directory in [
        "out/cp1",
        "out/cp1/etc",
        "out/cp1/etc/kubernetes/pki/etcd",
        "out/worker1/var/lib/kubelet/pki",
    ] {
        assert_eq!(mode(&place.path(directory)), 0o755, "{directory}");
    }
}

#[test]
fn reports_for_programs_tell_of_each_node() {
    let place = Place::new(NODES);
    let json = |finished: Finished| -> Value {
        serde_json::from_str(&finished.expect(0).stdout).expect("JSON")
    };
    let told = json(place.csr(0, &["--output", "json"]));
    assert_eq!(told["command"], "csr");
    assert_eq!(told["requests"], "csrs");
    assert_eq!(told["nodes"][3]["node"], "worker1");
    assert_eq!(told["nodes"][3]["items"][0]["step"], "request");
    place.sign(0, &[]).expect(0);
    let told = json(place.import(0, &["--output", "json"]));
    assert_eq!(told["result"], "changed");
    assert_eq!(told["nodes"][0]["items"][0]["step"], "import");
}

/// What came back takes the place of what is in use, as what is renewed does: it is told per node who reads it at its start alone.
#[test]
fn what_is_to_be_restarted_on_which_node_is_told_of_what_came_back() {
    let place = Place::signed(NODES);
    place.import(0, &[]).expect(0);
    place.over(0, &["all"], &[]).expect(0);
    fs::remove_dir_all(place.path("csrs")).expect("remove");
    place.csr(350, &[]).expect(0);
    place.sign(350, &[]).expect(0);
    let restart = |told: &Value| -> BTreeMap<String, String> {
        let processes = told["processes"].as_array().expect("processes");
        let restarted = processes
            .iter()
            .filter(|one| one["restart"].as_array().is_some_and(|all| !all.is_empty()));
        let told = restarted.map(|one| {
            let of = format!("{} {}", one["name"], one["restart"]);
            (
                of.replace('"', ""),
                one["nodes"].to_string().replace('"', ""),
            )
        });
        told.collect()
    };
    let json =
        |finished: Finished| -> Value { serde_json::from_str(&finished.stdout).expect("JSON") };
    let expected = [
        (
            "kube-controller-manager [controller-manager]",
            "[cp1,cp2,cp3]",
        ),
        ("kube-proxy [kube-proxy]", "[worker1,worker2]"),
        ("kube-scheduler [scheduler]", "[cp1,cp2,cp3]"),
        (
            "kubelet [kubelet/kubelet-client-current.pem]",
            "[worker1,worker2]",
        ),
        ("kubelet [kubelet]", "[cp1,cp2,cp3]"),
    ];
    let expected: BTreeMap<String, String> = expected
        .iter()
        .map(|(of, nodes)| ((*of).to_owned(), (*nodes).to_owned()))
        .collect();
    let planned = json(
        place
            .import(350, &["--dry-run", "--output", "json"])
            .expect(0),
    );
    assert_eq!(restart(&planned), expected);
    // Nothing is put in its place of what is refused, on any node.
    let key = place.path("out/worker2/var/lib/kubelet/pki/kubelet.key");
    let former = read(&key);
    fs::write(
        &key,
        read(&place.path("out/worker1/var/lib/kubelet/pki/kubelet.key")),
    )
    .expect("write");
    let refused = place.import(350, &["--output", "json"]).expect(4);
    assert_eq!(restart(&json(refused)), BTreeMap::new());
    fs::write(&key, former).expect("write");
    let told = place.import(350, &[]).expect(0).stdout;
    for words in [
        "Restart, since they read it at their start alone:\n  kubelet of cp1, cp2 and cp3 (kubelet)\n",
        "  kubelet of worker1 and worker2 (kubelet/kubelet-client-current.pem)\n",
        "  etcd of cp1, cp2 and cp3 (etcd-server, etcd-peer)\n",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    assert!(!told.contains("is not known here"), "{told}");
    let again = json(place.import(350, &["--output", "json"]).expect(0));
    assert_eq!(again["processes"], serde_json::json!([]));
    assert_eq!(again["unknownReaders"], serde_json::json!([]));
    let told = place.import(350, &[]).expect(0).stdout;
    assert!(
        told.contains("Everything is as wanted on 5 nodes"),
        "{told}"
    );
}

/// Wherever a run is killed, each node is as it was or as it is to be, and the next run completes the rest.
#[test]
fn runs_that_are_killed_are_completed_by_the_next() {
    let kills: u32 = match std::env::var_os("FAULTS") {
        Some(_) => 40,
        None => 3,
    };
    let nodes: Vec<String> = (1..=8)
        .map(|number| format!("worker{number},10.9.0.{number},worker\n"))
        .collect();
    let inventory = format!("name,addresses,roles\n{}", nodes.concat());
    let flags = [
        "--control-plane-endpoint",
        "api.example.com",
        "--key-algorithm",
        "ECDSA-P256",
    ];
    let command = |place: &Place, verb: &[&str]| {
        let mut command = certs(verb);
        command
            .args(["--inventory", "nodes.yaml"])
            .current_dir(place.0.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if verb[0] == "sign" {
            command.args(["--kubernetes-dir", "machine", flags[0], flags[1]]);
        } else {
            command.args(["--out", "out"]).args(flags);
        }
        command
    };
    let verbs: [&[&str]; 3] = [
        &["csr", "--csr-dir", "csrs"],
        &["sign", "csrs"],
        &["import", "csrs"],
    ];
    let mut whole = Duration::from_millis(200);
    for number in 0..=kills {
        let place = Place::new(&inventory);
        for verb in verbs {
            let begun = Instant::now();
            if number > 0 {
                let mut running = command(&place, verb).spawn().expect("start a run");
                std::thread::sleep(whole * (number - 1) / kills);
                running.kill().expect("kill it");
                running.wait().expect("it has ended");
            }
            run(&mut command(&place, verb)).expect(0);
            if number == 0 {
                whole = begun.elapsed();
            }
            let again = run(&mut command(&place, verb)).expect(0).stdout;
            assert!(again.contains("nothing was written"), "{again}");
        }
        let mut all = command(&place, &["all"]);
        run(&mut all).expect(0);
        let check = [
            "check",
            "--inventory",
            "nodes.yaml",
            "--out",
            "out",
            flags[0],
            flags[1],
        ];
        let told = run(certs(&check).current_dir(place.0.path()))
            .expect(0)
            .stdout;
        assert!(told.ends_with("nothing is wrong.\n"), "{told}");
        let staged = |file: &String| file.contains(".certs-") && !file.contains(".certs-backup");
        let left: Vec<String> = ["out", "csrs"]
            .iter()
            .flat_map(|root| files(&place.path(root)))
            .filter(staged)
            .collect();
        assert!(left.is_empty(), "{left:?}");
        let proxy = place.path("out/worker1/etc/kubernetes/kube-proxy.conf");
        let held = kubeconfig_data(&proxy, "certificate-authority-data");
        assert_eq!(
            held,
            fs::read(Path::new(&place.path("machine/pki/ca.crt"))).expect("the CA")
        );
    }
}
