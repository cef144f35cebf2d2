//! `certs rotate`: whoever trusts the CA by a kubeconfig of one's own follows the servers, or is told of before he is cut off.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use serde_json::Value;

mod common;
use common::snapshot::{same, snapshot};
use common::trees::Trees;
use common::{
    Finished, Server, TempDir, certs, kubeconfig_data, kubectl, read, run, set_mode, text, tool,
    tree_of_all, write,
};

const SERVER: &str = "https://kubernetes:6443";
const STAGES: [&[&str]; 3] = [
    &["ca", "trust"],
    &["ca", "issue", "--restarted"],
    &["ca", "drop", "--restarted"],
];

/// One tree, or those of an inventory of which one is looked at.
enum Place {
    One(TempDir),
    Many(Trees),
}

impl Place {
    /// One of each kind.
    fn each() -> [Self; 2] {
        let trees = Trees::of(
            "\
apiVersion: certs/v1
kind: Inventory
nodes:
- {name: cp1, addresses: [127.0.0.1], roles: [control-plane, etcd]}
- {name: worker1, addresses: [10.0.1.1], roles: [worker]}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
controlPlaneEndpoint: api.example.com:6443
encryptionAlgorithm: ECDSA-P256
",
        );
        trees.all(&[]).expect(0);
        [Self::One(tree_of_all()), Self::Many(trees)]
    }

    /// The directory of the kubeconfigs.
    fn kubernetes(&self) -> PathBuf {
        match self {
            Self::One(tree) => tree.path().to_owned(),
            Self::Many(trees) => trees.node("cp1", "etc/kubernetes"),
        }
    }

    fn join(&self, path: &str) -> PathBuf {
        self.kubernetes().join(path)
    }

    /// All that a run could write.
    fn whole(&self) -> PathBuf {
        match self {
            Self::One(tree) => tree.path().to_owned(),
            Self::Many(trees) => trees.out(),
        }
    }

    fn over(&self, verb: &[&str]) -> Finished {
        let mut command = match self {
            Self::One(tree) => {
                let mut command = certs(verb);
                command.args(["--kubernetes-dir", text(tree.path())]);
                command
            }
            Self::Many(trees) => trees.over(verb),
        };
        run(&mut command)
    }

    fn rotate(&self, stage: &[&str]) -> Finished {
        self.over(&[&["rotate"], stage].concat())
    }

    /// What is told of a kubeconfig by a stage that goes on.
    fn told(&self, stage: &[&str], name: &str) -> Vec<String> {
        let said = self.rotate(&[stage, &["--output", "json"]].concat());
        let report: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said}"));
        assert_ne!(report["result"], "refused", "{said}");
        codes(&report, name)
    }

    /// That a stage is refused for one of them, and that nothing is written.
    fn refused(&self, stage: &[&str], name: &str, words: &str) {
        let before = snapshot(&self.whole());
        let said = self
            .rotate(&[stage, &["--output", "json"]].concat())
            .expect(4);
        let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
        assert_eq!(codes(&report, name), ["not-rotated"], "{said}");
        assert!(said.stdout.contains(words), "{said}");
        same(&before, &self.whole());
    }

    /// An API server with the pair that this has now.
    fn server(&self, folder: &TempDir) -> (Server, u16) {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let copied = ["crt", "key"].map(|suffix| {
            let copied = folder.join(&format!("{number}.{suffix}"));
            fs::copy(self.join(&format!("pki/apiserver.{suffix}")), &copied).expect("copy");
            copied
        });
        let [pair, key] = &copied;
        let mut server = Command::new(tool("openssl"));
        server.args(["s_server", "-accept", "127.0.0.1:0", "-www"]);
        server.args(["-cert", text(pair), "-cert_chain", text(pair)]);
        server.args(["-key", text(key)]);
        let mut server = Server::start(&server, &folder.join(&format!("{number}.log")));
        let mut port = None;
        server.wait(Duration::from_mins(1), "port", |said| {
            let line = said.lines().find_map(|line| line.strip_prefix("ACCEPT "));
            port = line.and_then(|line| line.rsplit_once(':')?.1.trim().parse::<u16>().ok());
            port.is_some()
        });
        (server, port.expect("a port"))
    }
}

/// What is told of a kubeconfig, be it of one of its entries.
fn codes(report: &Value, name: &str) -> Vec<String> {
    let of_nodes = report["nodes"].as_array().into_iter().flatten();
    let all = [report].into_iter().chain(of_nodes);
    let findings = all.flat_map(|one| one["findings"].as_array().into_iter().flatten());
    let own = findings.filter(|told| {
        let called = told["name"].as_str().expect("a name");
        let file = called.split(" (").next().unwrap_or_default();
        file.ends_with(name) && told["severity"] != "note"
    });
    let code = |told: &Value| told["code"].as_str().expect("a code").to_owned();
    own.map(code).collect()
}

/// What kubectl gets from this server by a context of a kubeconfig.
fn asks(kubeconfig: &Path, context: &str, port: u16) -> Finished {
    let server = format!("https://127.0.0.1:{port}");
    let flags = ["--context", context, "--tls-server-name", "kubernetes"];
    let asked = [
        "--request-timeout=20s",
        "get",
        "--raw",
        "/",
        "--server",
        &server,
    ];
    kubectl(kubeconfig, &[&flags[..], &asked].concat())
}

#[track_caller]
fn follows(kubeconfig: &Path, context: &str, port: u16) {
    let said = asks(kubeconfig, context, port).expect(0);
    assert!(said.stdout.contains("s_server"), "{said}");
}

#[track_caller]
fn is_cut_off(kubeconfig: &Path, context: &str, port: u16) {
    let said = asks(kubeconfig, context, port);
    said.expect_failure("certificate signed by unknown authority");
}

fn data(authorities: &str) -> String {
    let data = Base64::encode_string(authorities.as_bytes());
    format!("certificate-authority-data: {data}")
}

fn cluster(name: &str, server: &str, authorities: &str) -> String {
    format!("- name: {name}\n  cluster:\n    server: {server}\n    {authorities}\n")
}

fn context(name: &str) -> String {
    format!("- name: {name}\n  context: {{cluster: {name}, user: own}}\n")
}

/// A kubeconfig whose current context is `main`; of further clusters each has a context of its name.
fn config(clusters: &[String], contexts: &[&str], user: &str) -> String {
    let clusters = clusters.concat();
    let contexts: String = contexts.iter().map(|name| context(name)).collect();
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: main\nclusters:\n{clusters}contexts:\n{contexts}users:\n\
         - name: own\n  user:\n    {user}\n"
    )
}

fn one(authorities: &str, user: &str) -> String {
    config(&[cluster("main", SERVER, authorities)], &["main"], user)
}

fn put(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("make a folder");
    write(file, text);
    set_mode(file, 0o600);
}

const TOKEN: &str = "token: abcdef.0123456789abcdef";

/// A program that gets a token.
const PROGRAM: &str = "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: /bin/echo, \
    args: ['{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {\"token\": \
    \"t\"}}']}";

#[test]
fn who_has_a_token_or_a_program_follows_the_servers_through_every_stage_and_back() {
    for place in Place::each() {
        let folder = TempDir::new();
        let former = read(&place.join("pki/ca.crt"));
        let own = [
            ("bootstrap-kubelet.conf", TOKEN),
            ("program.conf", PROGRAM),
            ("nobody.conf", "username: u\n    password: p"),
        ];
        for (name, user) in own {
            put(&place.join(name), &one(&data(&former), user));
        }
        let all = || own.map(|(name, _)| read(&place.join(name)));
        let mut servers = vec![place.server(&folder)];
        for (number, stage) in STAGES.into_iter().enumerate() {
            let before = all();
            for again in [true, false] {
                let said = place.rotate(stage).expect(0);
                // Both are held where both are trusted, in whichever order.
                let written = said.stdout.contains("program.conf");
                assert_eq!(written, number != 1, "{said}");
                if number == 2 {
                    break;
                }
                if again {
                    place.rotate(&["ca", "back", "--restarted"]).expect(0);
                    assert_eq!(all(), before);
                }
            }
            let bundle = read(&place.join("pki/ca.crt"));
            servers.push(place.server(&folder));
            for (name, _) in own {
                let held = kubeconfig_data(&place.join(name), "certificate-authority-data");
                let held = String::from_utf8(held).expect("PEM");
                assert_eq!(parts(&held), parts(&bundle), "{name}");
                // Servers take the new pair one after the other.
                for (_, port) in &servers[number..] {
                    follows(&place.join(name), "main", *port);
                }
            }
            let again = place.rotate(stage).expect(0);
            assert!(!again.stdout.contains("program.conf"), "{again}");
        }
        is_cut_off(&place.join("program.conf"), "main", servers[0].1);
        let checked = place.over(&["check", "--output", "json"]);
        let report: Value = serde_json::from_str(&checked.stdout).expect("JSON");
        for (name, _) in own {
            assert_eq!(codes(&report, name), [""; 0], "{checked}");
        }
    }
}

/// The certificates of a bundle: their order is no matter.
fn parts(bundle: &str) -> BTreeSet<&str> {
    bundle
        .split_inclusive("-----END CERTIFICATE-----\n")
        .collect()
}

/// A client certificate of the tree, and its key.
fn certificate(place: &Place) -> String {
    let admin = read(&place.join("admin.conf"));
    let fields = admin.lines().filter(|line| line.contains("client-"));
    let fields: Vec<&str> = fields.map(str::trim).collect();
    assert_eq!(fields.len(), 2);
    fields.join("\n    ")
}

#[test]
fn what_is_in_a_file_that_a_kubeconfig_names_is_told_and_nobody_is_cut_off() {
    for place in Place::each() {
        for shown in [|_: &Place| TOKEN.to_owned(), certificate] {
            let user = shown(&place);
            let (name, file) = ("own.conf", place.join("pki/own.crt"));
            let kubeconfig = place.join(name);
            let present = || fs::copy(place.join("pki/ca.crt"), &file).expect("copy");
            present();
            put(
                &kubeconfig,
                &one("certificate-authority: pki/own.crt", &user),
            );
            let folder = TempDir::new();
            assert_eq!(place.told(STAGES[0], name), ["kubeconfig-trust-file"]);
            assert_eq!(place.told(STAGES[1], name), ["kubeconfig-trust-file"]);
            place.refused(
                STAGES[2],
                name,
                "put the certificates of ca.crt into that file",
            );
            present();
            follows(&kubeconfig, "main", place.server(&folder).1);
            // It trusts the one that goes for longer than it should.
            assert_eq!(place.told(STAGES[2], name), ["kubeconfig-trust-file"]);
            present();
            follows(&kubeconfig, "main", place.server(&folder).1);
            assert_eq!(place.told(STAGES[2], name), [""; 0]);
            // The CA's own file is seen to with that.
            put(
                &kubeconfig,
                &one("certificate-authority: pki/ca.crt", &shown(&place)),
            );
            for stage in STAGES {
                assert_eq!(place.told(stage, name), [""; 0]);
            }
            fs::remove_file(kubeconfig).expect("remove");
            fs::remove_file(file).expect("remove");
        }
    }
}

#[test]
fn where_no_run_writes_it_is_told_and_nobody_is_cut_off() {
    for place in Place::each() {
        for shown in [|_: &Place| TOKEN.to_owned(), certificate] {
            let user = shown(&place);
            let name = "old/own.conf";
            let kubeconfig = place.join(name);
            put(
                &kubeconfig,
                &one(&data(&read(&place.join("pki/ca.crt"))), &user),
            );
            let refresh = || {
                let kubernetes = place.kubernetes();
                let verb = ["kubeconfig", "refresh", text(&kubeconfig)];
                let flags = ["--kubernetes-dir", text(&kubernetes)];
                run(&mut certs(&[&verb[..], &flags].concat())).expect(0);
            };
            let of_user = usize::from(user != TOKEN);
            let told = |count: usize| vec!["not-renewed".to_owned(); count];
            assert_eq!(place.told(STAGES[0], name), told(1));
            assert_eq!(place.told(STAGES[1], name), told(1 + of_user));
            place.refused(STAGES[2], name, "or move it away if nobody uses it");
            refresh();
            assert_eq!(place.told(STAGES[2], name), told(1 + of_user));
            refresh();
            let folder = TempDir::new();
            follows(&kubeconfig, "main", place.server(&folder).1);
            fs::remove_file(kubeconfig).expect("remove");
        }
    }
}

#[test]
fn what_trusts_another_ca_is_others_business() {
    for place in Place::each() {
        let others = read(&place.join("pki/etcd/ca.crt"));
        write(&place.join("pki/others.crt"), &others);
        let own = [
            ("embedded.conf", data(&others)),
            (
                "named.conf",
                "certificate-authority: pki/others.crt".to_owned(),
            ),
            ("machine.conf", "proxy-url: http://127.0.0.1:1".to_owned()),
            ("old/embedded.conf", data(&others)),
        ];
        for (name, trusted) in &own {
            put(&place.join(name), &one(trusted, TOKEN));
        }
        let before = own.each_ref().map(|(name, _)| read(&place.join(name)));
        for stage in STAGES {
            place.rotate(stage).expect(0);
        }
        assert_eq!(own.map(|(name, _)| read(&place.join(name))), before);
    }
}

/// Another cluster of a kubeconfig, where it is one of this cluster, is one that a context may lead to.
#[test]
fn another_cluster_of_a_kubeconfig_follows_too_or_is_told() {
    for place in Place::each() {
        let (name, file) = ("own.conf", place.join("pki/own.crt"));
        let kubeconfig = place.join(name);
        for shown in [|_: &Place| TOKEN.to_owned(), certificate] {
            let authorities = read(&place.join("pki/ca.crt"));
            let present = || fs::copy(place.join("pki/ca.crt"), &file).expect("copy");
            present();
            let others = read(&place.join("pki/etcd/ca.crt"));
            let [embedded, named] = [
                data(&authorities),
                "certificate-authority: pki/own.crt".to_owned(),
            ];
            let folder = TempDir::new();
            // The first is of the current context; of each whether a run writes it.
            for (clusters, told) in [
                ([(SERVER, &embedded), (SERVER, &embedded)], 0),
                ([(SERVER, &named), (SERVER, &embedded)], 1),
                ([(SERVER, &embedded), (SERVER, &named)], 1),
                (
                    [(SERVER, &embedded), ("https://kubernetes:7443", &embedded)],
                    0,
                ),
                (
                    [(SERVER, &embedded), ("https://kubernetes:7443", &named)],
                    1,
                ),
                (
                    [(SERVER, &named), ("https://kubernetes:7443", &embedded)],
                    1,
                ),
                (
                    [("https://others:6443", &data(&others)), (SERVER, &embedded)],
                    0,
                ),
                (
                    [("https://others:6443", &data(&others)), (SERVER, &named)],
                    1,
                ),
                (
                    [
                        ("https://others:6443", &"proxy-url: http://p".to_owned()),
                        (SERVER, &embedded),
                    ],
                    0,
                ),
            ] {
                let [main, other] = clusters.map(|(server, of)| (server, of.as_str()));
                let ours = main.0 == SERVER;
                if !ours && shown(&place) != TOKEN {
                    // Whoever has a certificate of this CA is a client of this cluster.
                    continue;
                }
                if matches!(place, Place::Many(_)) && main.0 == other.0 {
                    // As over one tree.
                    continue;
                }
                present();
                let entries = [
                    cluster("main", main.0, main.1),
                    cluster("other", other.0, other.1),
                ];
                let entries = entries
                    .map(|entry| entry.replace(&embedded, &data(&read(&place.join("pki/ca.crt")))));
                put(
                    &kubeconfig,
                    &config(&entries, &["main", "other"], &shown(&place)),
                );
                let before = read(&kubeconfig);
                let expected = vec!["kubeconfig-trust-file"; told];
                assert_eq!(place.told(STAGES[0], name), expected, "{before}");
                place.rotate(&["ca", "back", "--restarted"]).expect(0);
                assert_eq!(read(&kubeconfig), before);
                place.told(STAGES[0], name);
                assert_eq!(place.told(STAGES[1], name), expected, "{before}");
                if told > 0 {
                    place.refused(STAGES[2], name, "into that file");
                    present();
                }
                let (_server, port) = place.server(&folder);
                let follow = || {
                    for context in ["main", "other"]
                        .iter()
                        .filter(|one| ours || **one == "other")
                    {
                        follows(&kubeconfig, context, port);
                    }
                };
                follow();
                assert_eq!(place.told(STAGES[2], name), expected, "{before}");
                present();
                follow();
                assert_eq!(place.told(STAGES[2], name), [""; 0], "{before}");
                if !ours {
                    assert!(read(&kubeconfig).contains(main.1), "{before}");
                    assert_eq!(
                        read(&kubeconfig).matches("certificate-authority").count(),
                        before.matches("certificate-authority").count(),
                    );
                }
            }
            fs::remove_file(&kubeconfig).expect("remove");
        }
    }
}

#[test]
fn who_would_not_follow_a_step_back_refuses_it() {
    for place in Place::each() {
        let file = place.join("pki/own.crt");
        let folder = TempDir::new();
        let both = [
            "certificate-authority: pki/own.crt".to_owned(),
            data(&read(&place.join("pki/ca.crt"))),
        ];
        fs::copy(place.join("pki/ca.crt"), &file).expect("copy");
        let others = cluster("other", "https://kubernetes:7443", &both[0]);
        let main = cluster("main", SERVER, &both[1]);
        let own = [
            ("token.conf", one(&both[0], TOKEN)),
            ("client.conf", one(&both[0], &certificate(&place))),
            (
                "other.conf",
                config(&[main, others], &["main", "other"], TOKEN),
            ),
            ("old/embedded.conf", one(&both[1], TOKEN)),
        ];
        for (name, text) in &own {
            put(&place.join(name), text);
        }
        place.told(STAGES[0], "");
        let before = own.each_ref().map(|(name, _)| read(&place.join(name)));
        place.told(STAGES[1], "");
        // What trusts the next one alone.
        let bundle = read(&place.join("pki/ca.crt"));
        let next = bundle.split_inclusive("-----END CERTIFICATE-----\n").next();
        let next = next.expect("a certificate");
        write(&file, next);
        put(&place.join("old/embedded.conf"), &one(&data(next), TOKEN));
        let back = |name, words| place.refused(&["ca", "back"], name, words);
        let words = "as they are before this step";
        for name in ["token.conf", "client.conf", "other.conf"] {
            back(name, words);
        }
        write(&file, &bundle);
        back("old/embedded.conf", "kubeconfig refresh FILE");
        put(
            &place.join("old/embedded.conf"),
            &one(&data(&bundle), TOKEN),
        );
        place.rotate(&["ca", "back"]).expect(0);
        for ((name, _), text) in own[..3].iter().zip(before) {
            assert_eq!(read(&place.join(name)), text, "{name}");
        }
        let (_server, port) = place.server(&folder);
        for (name, _) in &own {
            follows(&place.join(name), "main", port);
        }
        follows(&place.join("other.conf"), "other", port);
    }
}

#[test]
fn a_check_tells_of_who_trusts_the_next_ca_alone_while_the_former_one_signs() {
    for place in Place::each() {
        let (name, file) = ("own.conf", place.join("pki/own.crt"));
        let former = read(&place.join("pki/ca.crt"));
        write(&file, &former);
        put(
            &place.join(name),
            &one("certificate-authority: pki/own.crt", TOKEN),
        );
        let told = || {
            let checked = place.over(&["check", "--output", "json"]);
            let report: Value = serde_json::from_str(&checked.stdout).expect("JSON");
            codes(&report, name)
        };
        place.told(STAGES[0], name);
        let bundle = read(&place.join("pki/ca.crt"));
        let next = bundle.strip_prefix(&former).expect("the former one");
        for (held, codes) in [
            (&*former, &[][..]),
            (&bundle, &[]),
            (next, &["kubeconfig-ca"]),
        ] {
            write(&file, held);
            assert_eq!(told(), codes, "{held}");
        }
        let folder = TempDir::new();
        let (_server, port) = place.server(&folder);
        is_cut_off(&place.join(name), "main", port);
        // From then on servers send what leads from the former one to it.
        place.told(STAGES[1], name);
        let (_server, port) = place.server(&folder);
        for held in [&*former, &bundle, next] {
            write(&file, held);
            assert_eq!(told(), [""; 0], "{held}");
            follows(&place.join(name), "main", port);
        }
    }
}

/// A stage that found out on its way that it cannot write one of them would end half done, and each time again.
#[test]
fn what_cannot_be_brought_in_line_stops_a_stage_before_it_begins() {
    for place in Place::each() {
        let former = data(&read(&place.join("pki/ca.crt")));
        let main = |more: &str| cluster("main", SERVER, &format!("{former}{more}"));
        let of = |clusters: &[String]| config(clusters, &["main"], TOKEN);
        let ways = [
            (".ops.conf", one(&former, TOKEN), "no file of this name"),
            (
                "nobody.conf",
                one(&former, TOKEN).replace("user: own", "user: nobody"),
                "it has no user",
            ),
            ("twice.conf", of(&[main(""), main("")]), "two clusters"),
            (
                "unverified.conf",
                of(&[main("\n    insecure-skip-tls-verify: true")]),
                "is not verified",
            ),
            (
                "both.conf",
                of(&[main("\n    certificate-authority: /nonexistent/ca.crt")]),
                "kubectl takes one alone",
            ),
        ];
        for (name, text, why) in ways {
            put(&place.join(name), &text);
            let said = "cannot be brought in line with its CA";
            place.refused(STAGES[0], name, said);
            place.refused(STAGES[0], name, why);
            let foretold = place.rotate(&["ca", "trust", "--dry-run"]).expect(4);
            assert!(foretold.stderr.contains(why), "{foretold}");
            // A renewed CA is trusted as the former one.
            let renewed = place.over(&["renew", "ca"]).expect(3);
            assert!(renewed.stderr.contains(why), "{renewed}");
            assert_eq!(read(&place.join(name)), text);
            fs::remove_file(place.join(name)).expect("remove");
        }
        place.rotate(STAGES[0]).expect(0);
    }
}

/// Of what is on another machine, or cannot be read, nobody can tell whom it trusts.
#[test]
fn of_what_nobody_can_tell_whom_it_trusts_each_stage_tells() {
    for place in Place::each() {
        let elsewhere = "certificate-authority: /nonexistent/ca.crt";
        let unread = "certificate-authority-data: '!!!'";
        for (name, authorities) in [("elsewhere.conf", elsewhere), ("unread.conf", unread)] {
            put(&place.join(name), &one(authorities, TOKEN));
        }
        let other = cluster("other", "https://other.example.com:6443", elsewhere);
        let former = data(&read(&place.join("pki/ca.crt")));
        let main = cluster("main", SERVER, &former);
        let known = config(&[main, other], &["main", "other"], TOKEN);
        put(&place.join("known.conf"), &known);
        for stage in STAGES {
            let stage = [stage, &["--dry-run"]].concat();
            for name in ["elsewhere.conf", "unread.conf"] {
                assert_eq!(place.told(&stage, name), ["not-looked-at"]);
            }
            assert_eq!(place.told(&stage, "known.conf"), [""; 0]);
            // It hangs on no other CA.
            let other = ["front-proxy-ca", "trust", "--dry-run"];
            assert_eq!(place.told(&other, "elsewhere.conf"), [""; 0]);
            place.rotate(&stage[..stage.len() - 1]).expect(3);
        }
    }
}
