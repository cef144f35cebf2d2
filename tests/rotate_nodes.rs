//! `certs rotate --inventory`: the trees of all nodes brought to each stage together, and told from those that were not.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

mod common;
use common::rotation::{for_people, restarts};
use common::snapshot::{same, snapshot};
use common::trees::{MEMBERS, NODES, PLANES, Trees, WORKERS, files};
use common::{
    Finished, TempDir, certs, kubeconfig_data, read, run, signed_by_itself, text, tool, write,
};

/// The stages, with what the program is told at each.
const STAGES: [(&str, &[&str]); 3] = [
    ("trust", &[]),
    ("issue", &["--restarted"]),
    ("drop", &["--restarted"]),
];

fn over(trees: &Trees, arguments: &[&str]) -> Command {
    trees.over(arguments)
}

fn rotate(trees: &Trees, arguments: &[&str]) -> Finished {
    run(&mut over(trees, &[&["rotate"], arguments].concat()))
}

fn stage(trees: &Trees, what: &str, (stage, flags): (&str, &[&str])) -> Finished {
    rotate(trees, &[&[what, stage], flags].concat())
}

fn json(trees: &Trees, arguments: &[&str], code: i32) -> Value {
    let said = rotate(trees, &[arguments, &["--output", "json"]].concat()).expect(code);
    serde_json::from_str(&said.stdout).expect("JSON")
}

/// The trees as they are, in a folder of their own.
fn kept(trees: &Trees) -> Trees {
    let copied = Trees::of(&read(&trees.0.join("nodes.yaml")));
    run(Command::new("cp")
        .arg("-a")
        .args([trees.out(), copied.out()]))
    .expect(0);
    copied
}

/// One node as another copy of the trees has it.
fn put(node: &str, from: &Trees, to: &Trees) {
    let place = to.out().join(node);
    fs::remove_dir_all(&place).expect("the node's tree");
    run(Command::new("cp")
        .arg("-a")
        .args([from.out().join(node), place]))
    .expect(0);
}

/// Nothing is wrong with any of them.
#[track_caller]
fn sound(trees: &Trees) {
    let said = run(&mut over(trees, &["check", "--output", "json"])).expect(0);
    let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(report["result"], "sound", "{said}");
}

/// All trees at the start and after each stage.
fn rotated(what: &str, flags: &[&str], inventory: &str) -> Vec<Trees> {
    let trees = Trees::of(inventory);
    trees.all(flags).expect(0);
    let mut all = vec![kept(&trees)];
    for one in STAGES {
        stage(&trees, what, one).expect(0);
        sound(&trees);
        all.push(kept(&trees));
    }
    all
}

/// What is there beside backups, and what it holds.
fn held(place: &Path) -> BTreeMap<String, Vec<u8>> {
    let own = |path: &String| !path.contains(".certs-");
    let held = |path: String| {
        let bytes = fs::read(place.join(&path)).expect("a file");
        (path, bytes)
    };
    files(place).into_iter().filter(own).map(held).collect()
}

/// A leaf with its chain behind it, by where it is, and whom those trust who have to do with it.
struct Leaf {
    chain: PathBuf,
    authority: &'static str,
}

/// The leaves of the nodes.
fn leaves(trees: &Trees, folder: &TempDir) -> BTreeMap<String, Leaf> {
    let mut found = BTreeMap::new();
    for node in [&PLANES[..], &MEMBERS, &WORKERS].concat() {
        for (file, _) in held(&trees.out().join(node)) {
            let path = trees.node(node, &file);
            let name = format!("{node}-{}", file.replace('/', "-"));
            let base = path.file_name().and_then(|name| name.to_str());
            let is_ca =
                base.is_some_and(|base| base.contains("ca.") || base.contains("ca-signing"));
            let chain = match path.extension().and_then(|extension| extension.to_str()) {
                Some("crt") if !is_ca => path,
                Some("pem") if base == Some("kubelet-client-current.pem") => path,
                Some("conf") if read(&path).contains("client-certificate-data") => {
                    let chain = folder.join(&format!("{name}.crt"));
                    write(&chain, kubeconfig_data(&path, "client-certificate-data"));
                    chain
                }
                _ => continue,
            };
            let authority = if file.contains("etcd") {
                "etcd/ca.crt"
            } else if file.contains("front-proxy") {
                "front-proxy-ca.crt"
            } else {
                "ca.crt"
            };
            found.insert(name, Leaf { chain, authority });
        }
    }
    found
}

/// Whoever trusts what is in `authorities` follows the leaf, with what is sent behind it.
fn follows(authorities: &Path, leaf: &Leaf) -> bool {
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["verify", "-x509_strict", "-CAfile", text(authorities)]);
    openssl.args(["-untrusted", text(&leaf.chain), text(&leaf.chain)]);
    run(&mut openssl).status.success()
}

/// Trees are handed out one after the other: a node that has its new one talks with those that have the former one.
fn no_one_is_cut_off(what: &str) {
    let all = rotated(what, &[], NODES);
    for pair in all.windows(2) {
        let folder = TempDir::new();
        let [before, after] = [&pair[0], &pair[1]];
        for (trust, serves) in [(before, after), (after, before), (after, after)] {
            let leaves = leaves(serves, &folder);
            assert!(leaves.len() > 30, "{}", leaves.len());
            for (name, leaf) in leaves {
                // Nobody asks a leaf of one that has the new CA alone; a client that has it does.
                let authorities = trust.out().join("ca").join(leaf.authority);
                assert!(follows(&authorities, &leaf), "{what}: {name}");
                let [_, kubeconfig] = ["ca.crt", "kube-proxy.conf"]
                    .map(|file| trust.node("worker1", "etc/kubernetes").join(file));
                if leaf.authority == "ca.crt" {
                    let trusted = folder.join("trusted.crt");
                    write(
                        &trusted,
                        kubeconfig_data(&kubeconfig, "certificate-authority-data"),
                    );
                    assert!(follows(&trusted, &leaf), "{what}: {name}");
                }
            }
        }
    }
    // Who has not heard of the new CA at all follows what the API servers send.
    if what == "ca" {
        let folder = TempDir::new();
        let former = all[0].out().join("ca/ca.crt");
        let new = leaves(&all[2], &folder);
        let served = new.iter().filter(|(_, leaf)| follows(&former, leaf));
        let served: Vec<&str> = served.map(|(name, _)| name.as_str()).collect();
        let of_planes = PLANES.map(|node| format!("{node}-etc-kubernetes-pki-apiserver.crt"));
        let own = |name: &&&str| !name.contains("etcd") && !name.contains("front-proxy");
        let served: Vec<&&str> = served.iter().filter(own).collect();
        assert_eq!(served.len(), of_planes.len(), "{served:?}");
        assert!(
            of_planes
                .iter()
                .all(|name| served.contains(&&name.as_str()))
        );
    }
    // The last stage tells them apart.
    let folder = TempDir::new();
    let own = |name: &str| match what {
        "etcd-ca" => name.contains("etcd"),
        "front-proxy-ca" => name.contains("front-proxy-client"),
        _ => !name.contains("etcd") && !name.contains("front-proxy"),
    };
    for (name, leaf) in leaves(&all[0], &folder) {
        let authorities = all[3].out().join("ca").join(leaf.authority);
        assert_eq!(follows(&authorities, &leaf), !own(&name), "{what}: {name}");
    }
    for (number, trees) in all.iter().enumerate() {
        all_share_it(trees, number);
    }
}

#[test]
fn a_new_ca_of_the_cluster_cuts_no_node_off() {
    no_one_is_cut_off("ca");
}

#[test]
fn a_new_ca_of_etcd_cuts_no_node_off() {
    no_one_is_cut_off("etcd-ca");
}

#[test]
fn a_new_ca_of_the_front_proxy_cuts_no_node_off() {
    no_one_is_cut_off("front-proxy-ca");
}

/// What all share is the same everywhere, and what waits is nowhere but where it was made.
#[track_caller]
fn all_share_it(trees: &Trees, number: usize) {
    let source = held(&trees.out().join("ca"));
    for node in [&PLANES[..], &MEMBERS, &WORKERS].concat() {
        let below = "etc/kubernetes/pki/";
        for (file, bytes) in held(&trees.out().join(node)) {
            assert!(!file.contains("-next"), "{number}: {node}/{file}");
            let of = file.strip_prefix(below).and_then(|file| source.get(file));
            if let Some(of) = of {
                assert!(*of == bytes, "{number}: {node}/{file}");
            }
        }
    }
}

#[test]
fn no_node_gets_a_key_that_it_had_not() {
    for (flags, keys) in [(&[][..], true), (&["--ca-keys", "none"], false)] {
        let all = rotated("ca", flags, NODES);
        for node in [&PLANES[..], &MEMBERS, &WORKERS].concat() {
            let names = |trees: &Trees| -> Vec<String> {
                let held = held(&trees.out().join(node));
                let own = held
                    .into_keys()
                    .filter(|name| !name.contains("kubelet-client-2"));
                own.collect()
            };
            let before = names(&all[0]);
            for trees in &all[1..] {
                let mut after = names(trees);
                if PLANES.contains(&node) {
                    after.retain(|name| !name.ends_with("pki/ca-signing.crt"));
                    assert_eq!(after.len() + 1, names(trees).len(), "{node}");
                }
                assert_eq!(after, before, "{node}");
            }
            let key = "etc/kubernetes/pki/ca.key".to_owned();
            assert_eq!(before.contains(&key), keys && PLANES.contains(&node));
        }
        // What the controller manager signs with is the key beside it, of the one certificate.
        for trees in &all[1..] {
            let signs = |file: &str| {
                let place = trees.pki("cp2", file);
                let place = if place.exists() {
                    place
                } else {
                    trees.out().join("ca").join(file)
                };
                let key = ["pkey", "-pubout", "-in"];
                let certificate = ["x509", "-noout", "-pubkey", "-in"];
                let ask = if file.ends_with("key") {
                    &key[..]
                } else {
                    &certificate
                };
                let mut openssl = Command::new(tool("openssl"));
                run(openssl.args(ask).arg(place)).expect(0).stdout
            };
            assert_eq!(signs("ca-signing.crt"), signs("ca.key"));
            let signing = read(&trees.pki("cp2", "ca-signing.crt"));
            assert_eq!(signing.matches("BEGIN CERTIFICATE").count(), 1);
        }
    }
}

#[test]
fn run_again_a_stage_does_nothing_and_out_of_order_it_is_refused() {
    let trees = Trees::made();
    for what in ["ca", "sa"] {
        let refused = |flags: &[&str], code: i32, said: &str| {
            let before = snapshot(&trees.out());
            let finished = rotate(&trees, &[&[what], flags].concat()).expect(code);
            assert!(finished.stderr.contains(said), "{finished}");
            same(&before, &trees.out());
        };
        refused(
            &["drop", "--restarted"],
            4,
            " trust --inventory FILE --out DIR' ",
        );
        refused(
            &["issue", "--restarted"],
            4,
            " trust --inventory FILE --out DIR' ",
        );
        refused(&["back"], 4, " trust --inventory FILE --out DIR' ");
        for one in STAGES {
            if one.0 != "trust" {
                let next = format!(
                    "'certs rotate {what} {} --restarted --inventory {} --out {}'",
                    one.0,
                    text(&trees.0.join("nodes.yaml")),
                    text(&trees.out())
                );
                refused(&[one.0], 2, &next);
            }
            let planned = stage(&trees, what, (one.0, &[one.1, &["--dry-run"]].concat())).expect(0);
            assert!(planned.stdout.contains("nothing was written"), "{planned}");
            stage(&trees, what, one).expect(0);
            let before = snapshot(&trees.out());
            let again = stage(&trees, what, one).expect(0);
            assert!(again.stdout.contains("nothing was written"), "{again}");
            same(&before, &trees.out());
        }
    }
    sound(&trees);
}

/// What it is, how it is made, and what is said.
type Way<'a> = (&'a str, &'a dyn Fn(&Trees), &'a str);

/// Each stands for something of one node which is not as it must be before a stage.
#[test]
fn what_is_wrong_with_one_node_stops_the_stage_for_all() {
    let trees = Trees::made();
    let ways: [Way<'_>; 5] = [
        (
            "another CA",
            &|trees| {
                signed_by_itself(
                    [Path::new("/dev/null"), &trees.pki("worker1", "ca.crt")],
                    &["-subj", "/CN=kubernetes"],
                );
            },
            "is another than the one that all nodes share",
        ),
        (
            "no tree",
            &|trees| fs::remove_dir_all(trees.out().join("worker1")).expect("a tree"),
            "has no tree",
        ),
        (
            "what cannot be read",
            &|trees| {
                write(
                    &trees.node("worker1", "etc/kubernetes/kube-proxy.conf"),
                    "{",
                );
            },
            "kube-proxy",
        ),
        (
            "a leaf of no CA here",
            &|trees| {
                signed_by_itself(
                    [
                        &trees.pki("cp2", "apiserver.key"),
                        &trees.pki("cp2", "apiserver.crt"),
                    ],
                    &["-subj", "/CN=apiserver"],
                );
            },
            "apiserver",
        ),
        (
            "what all share is gone",
            &|trees| fs::remove_file(trees.out().join("ca/ca.key")).expect("a key"),
            "without its key",
        ),
    ];
    for (way, damage, said) in ways {
        let trees = kept(&trees);
        damage(&trees);
        let before = snapshot(&trees.out());
        let quiet = [STAGES[0].1, &["--quiet"]].concat();
        let refused = stage(&trees, "ca", (STAGES[0].0, &quiet)).expect(4);
        assert!(refused.stderr.contains(said), "{way}: {refused}");
        same(&before, &trees.out());
        // What does not hang on it hinders another one.
        if way == "no tree" {
            continue;
        }
        let unread = usize::from(way == "what cannot be read");
        let code = if unread == 1 { 3 } else { 0 };
        let left = stage(&trees, "front-proxy-ca", STAGES[0]).expect(code);
        let told = left.stderr.matches("and stays as it is").count();
        assert_eq!(told, unread, "{way}: {left}");
    }
}

/// A run that ends brings some nodes to a stage, and others not: the files tell, and the next run does the rest.
#[test]
fn what_a_run_did_not_get_to_is_told_and_done_by_the_next() {
    for what in ["ca", "sa"] {
        let all = rotated(what, &[], NODES);
        let others = if what == "ca" {
            &["cp1", "cp3", "worker1", "worker2"][..]
        } else {
            &["cp1", "cp3"]
        };
        // What all share, one node, and which stage was run when, and whom the run did not get to.
        for (shared, node, run_again, behind) in [
            (1, 0, 0, &["cp2"][..]),
            (1, 2, 1, others),
            (2, 1, 1, &["cp2"]),
            (2, 3, 2, others),
        ] {
            let trees = kept(&all[shared]);
            put("cp2", &all[node], &trees);
            let status = json(&trees, &["status"], 0);
            let of_what = status["rotations"].as_array().expect("a list").iter();
            let told = { of_what }.find(|told| told["what"] == what).expect("it");
            assert_eq!(told["behind"], serde_json::json!(behind), "{status:#}");
            let next = told["next"].as_str().expect("a command");
            let again = format!("certs rotate {what} {}", STAGES[run_again].0);
            assert!(next.starts_with(&again), "{status:#}");
            stage(&trees, what, STAGES[run_again]).expect(0);
            sound(&trees);
            all_share_it(&trees, run_again);
            let source = held(&trees.out().join("ca"));
            let public = if what == "ca" { "ca.crt" } else { "sa.pub" };
            let names = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("BEGIN").count();
            let wanted = held(&all[run_again + 1].out().join("ca"));
            assert_eq!(names(&source[public]), names(&wanted[public]));
            let again = stage(&trees, what, STAGES[run_again]).expect(0);
            assert!(again.stdout.contains("nothing was written"), "{again}");
        }
    }
}

/// `all` makes no tree as long as the nodes differ, and says to end the stage first: that is not to say to make the tree first.
#[test]
fn a_tree_that_lacks_keeps_no_stage_from_being_ended() {
    for what in ["ca", "sa"] {
        let all = rotated(what, &[], NODES);
        for (shared, node, run_again) in [(1, 0, 0), (1, 2, 1), (2, 3, 2)] {
            let trees = kept(&all[shared]);
            put("cp2", &all[node], &trees);
            fs::remove_dir_all(trees.out().join("cp3")).expect("a tree");
            trees.all(&[]).expect(4);
            if (what, run_again) == ("ca", 1) {
                // Nor one that leaves of the former CA came back to.
                run(&mut over(&trees, &["renew", "--all"])).expect(4);
            }
            let ended = stage(&trees, what, STAGES[run_again]).expect(3);
            let lacks = "has no tree: 'certs all --inventory";
            // All others are at it: what comes next is to make the one.
            let status = json(&trees, &["status"], 0);
            let of_what = status["rotations"].as_array().expect("a list").iter();
            let told = { of_what }.find(|told| told["what"] == what).expect("it");
            let next = told["next"].as_str().expect("a command");
            if run_again < 2 {
                assert!(next.starts_with("certs all --inventory"), "{status:#}");
            }
            assert!(ended.stderr.contains(lacks), "{ended}");
            trees.all(&[]).expect(0);
            sound(&trees);
            all_share_it(&trees, run_again);
        }
        // Nobody began it: whom it would cut off, it does not know.
        let trees = kept(&all[1]);
        fs::remove_dir_all(trees.out().join("cp3")).expect("a tree");
        let before = snapshot(&trees.out());
        stage(&trees, what, STAGES[1]).expect(4);
        same(&before, &trees.out());
    }
}

/// What all share was brought to the stage, and the run ended there.
#[test]
fn back_a_node_that_the_stage_did_not_reach_stays_as_it_is() {
    for what in ["ca", "sa"] {
        let all = rotated(what, &[], NODES);
        let trees = kept(&all[1]);
        let nodes = [&PLANES[..], &MEMBERS, &WORKERS].concat();
        for node in &nodes {
            put(node, &all[0], &trees);
        }
        let before: Vec<_> = nodes
            .iter()
            .map(|node| snapshot(&trees.out().join(node)))
            .collect();
        rotate(&trees, &[what, "back"]).expect(0);
        for (node, before) in nodes.iter().zip(&before) {
            same(before, &trees.out().join(node));
        }
    }
}

/// Who ran a stage over the tree of one node takes it back there.
#[test]
fn a_stage_of_one_node_alone_is_led_back() {
    let trees = Trees::made();
    let one = |verb: &[&str]| {
        let mut command = certs(verb);
        command.args([
            "--kubernetes-dir",
            text(&trees.node("cp1", "etc/kubernetes")),
        ]);
        command.args([
            "--kubelet-dir",
            text(&trees.node("cp1", "var/lib/kubelet/pki")),
        ]);
        run(&mut command)
    };
    one(&["rotate", "ca", "trust"]).expect(0);
    let refused = stage(&trees, "ca", STAGES[0]).expect(4);
    let command = refused.stderr.split("'certs rotate ca back ").nth(1);
    let flags = command.and_then(|rest| rest.split('\'').next());
    let flags: Vec<&str> = flags.expect("a way out").split(' ').collect();
    run(&mut certs(
        &[&["rotate", "ca", "back"], &flags[..]].concat(),
    ))
    .expect(0);
    stage(&trees, "ca", STAGES[0]).expect(0);
}

/// A stage over nodes of which one is behind cuts that one off.
#[test]
fn a_node_that_missed_a_stage_stops_the_next() {
    let all = rotated("ca", &[], NODES);
    for (shared, node, next) in [(1, 0, 1), (2, 0, 2), (2, 1, 2)] {
        let trees = kept(&all[shared]);
        put("worker2", &all[node], &trees);
        let before = snapshot(&trees.out());
        let refused = stage(&trees, "ca", STAGES[next]).expect(4);
        assert!(refused.stderr.contains("worker2"), "{refused}");
        assert!(refused.stderr.contains("shared-differs"), "{refused}");
        let before_it = format!("'certs rotate ca {} ", STAGES[next - 1].0);
        assert!(refused.stderr.contains(&before_it), "{refused}");
        assert!(!refused.stderr.contains("certs renew"), "{refused}");
        same(&before, &trees.out());
    }
}

/// `all --force` would give it new leaves, where the stage run again brings all of it along.
#[test]
fn a_node_half_way_is_led_to_the_stage_that_makes_all_the_same() {
    for what in ["ca", "etcd-ca", "sa"] {
        let all = rotated(what, &[], NODES);
        for (shared, node, way_out) in [
            (1, 0, "trust"),
            (1, 2, "issue --restarted"),
            (2, 0, "issue --restarted"),
            (2, 1, "issue --restarted"),
            (2, 3, "drop --restarted"),
        ] {
            let trees = kept(&all[shared]);
            put("cp2", &all[node], &trees);
            let words = format!("'certs rotate {what} {way_out} --inventory FILE --out DIR'");
            // Of the others a renewal may find nothing that it stands on to be another.
            let verbs = if what == "ca" {
                &["all", "check", "renew"][..]
            } else {
                &["all", "check"]
            };
            for verb in verbs {
                let said = run(&mut over(&trees, &[*verb])).expect(4);
                let told = format!("{}{}", said.stdout, said.stderr);
                assert!(
                    told.contains(&words),
                    "{what} {shared} {node} {verb}: {told}"
                );
                let forced = "certs all --inventory FILE --out DIR --force";
                assert!(
                    !told.contains(forced),
                    "{what} {shared} {node} {verb}: {told}"
                );
            }
            let typed: Vec<&str> = [what].into_iter().chain(way_out.split(' ')).collect();
            rotate(&trees, &typed).expect(0);
            sound(&trees);
        }
    }
}

/// A renewal of the CA made a copy that a stage had brought further neither the former nor the next one, and the stage was refused
/// with itself for a way out; and one that named nothing took such a copy back.
#[test]
fn a_renewal_leaves_what_a_stage_did_that_is_half_done_and_renews_no_ca_in_it() {
    for (what, other) in [
        ("ca", "front-proxy-ca"),
        ("etcd-ca", "ca"),
        ("front-proxy-ca", "ca"),
    ] {
        let all = rotated(what, &[], NODES);
        for (shared, node, again) in [(1, 0, 0), (1, 2, 1), (2, 1, 1), (2, 3, 2)] {
            let trees = kept(&all[shared]);
            put("cp2", &all[node], &trees);
            let before = snapshot(&trees.out());
            let refused = run(&mut over(&trees, &["renew", what])).expect(4);
            let (stage_again, flags) = STAGES[again];
            let flags = flags.iter().map(|flag| format!(" {flag}"));
            let flags: String = flags.collect();
            let way_out = format!(
                "'certs rotate {what} {stage_again}{flags} --inventory FILE --out DIR' brings all nodes to one stage"
            );
            assert!(refused.stderr.contains(&way_out), "{refused}");
            assert!(refused.stderr.contains("nothing was written"), "{refused}");
            same(&before, &trees.out());
            // What is due of leaves is renewed all the same, and here nothing is.
            let left = run(&mut over(&trees, &["renew"]));
            assert!(
                left.stderr.contains(&way_out) || left.stdout.contains(&way_out),
                "{left}"
            );
            same(&before, &trees.out());
            run(&mut over(&trees, &["renew", other])).expect(0);
            stage(&trees, what, STAGES[again]).expect(0);
            sound(&trees);
            run(&mut over(&trees, &["renew", what])).expect(0);
            sound(&trees);
        }
    }
}

#[test]
fn back_each_node_is_as_it_was() {
    for what in ["ca", "etcd-ca", "sa"] {
        let trees = Trees::made();
        let start = held(&trees.out());
        stage(&trees, what, STAGES[0]).expect(0);
        let trusted = held(&trees.out());
        stage(&trees, what, STAGES[1]).expect(0);
        let issued = held(&trees.out());
        let planned = rotate(&trees, &[what, "back", "--dry-run"]).expect(0);
        assert!(planned.stdout.contains("Would put back"), "{planned}");
        assert!(held(&trees.out()) == issued);
        // One that did not get there.
        rotate(&trees, &[what, "back"]).expect(0);
        assert!(held(&trees.out()) == trusted, "{what}");
        sound(&trees);
        let refused = rotate(&trees, &[what, "back"]).expect(2);
        assert!(
            refused.stderr.contains("back --restarted --inventory"),
            "{refused}"
        );
        rotate(&trees, &[what, "back", "--restarted"]).expect(0);
        assert!(held(&trees.out()) == start, "{what}");
        sound(&trees);
        rotate(&trees, &[what, "back"]).expect(4);
        // And on again, with another one.
        for one in STAGES {
            stage(&trees, what, one).expect(0);
        }
        sound(&trees);
        if what == "ca" {
            let mut openssl = Command::new(tool("openssl"));
            openssl.args(["x509", "-noout", "-subject", "-in"]);
            let told = run(openssl.arg(trees.out().join("ca/ca.crt"))).expect(0);
            assert_eq!(told.stdout.trim(), "subject=CN = kubernetes-3");
        }
        rotate(&trees, &[what, "back"]).expect(4);
    }
}

#[test]
fn back_people_and_programs_are_told_alike_what_is_to_be_done_on_which_nodes() {
    for (what, from_trust) in [
        (
            "ca",
            &[
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
            ][..],
        ),
        ("etcd-ca", &["etcd", "kube-apiserver"]),
        ("sa", &["kube-apiserver"]),
    ] {
        let trees = Trees::made();
        stage(&trees, what, STAGES[0]).expect(0);
        stage(&trees, what, STAGES[1]).expect(0);
        for (reached, flags) in [("trust", &[][..]), ("start", &["--restarted"])] {
            let copy = kept(&trees);
            let told = &json(&trees, &[&[what, "back"], flags].concat(), 0)["rotation"];
            let text = rotate(&copy, &[&[what, "back"], flags].concat())
                .expect(0)
                .stdout;
            let shown = for_people(told);
            assert!(text.contains(&shown), "{text}\n{shown}");
            assert_eq!(told["stage"], reached);
            if reached == "start" {
                // Whoever was ended before that was told has it told again.
                let again = json(&trees, &[what, "back"], 4);
                assert_eq!(again["rotation"], *told, "{what}");
                let again = rotate(&trees, &[what, "back"]).expect(4).stdout;
                assert!(again.contains(&shown), "{again}\n{shown}");
            }
            let first = &told["instructions"][0];
            assert_eq!([&first["process"], &first["action"]], ["nodes", "do"]);
            if reached == "start" {
                assert_eq!(restarts(told), from_trust, "{what}");
            }
            let all = told["instructions"].as_array().expect("a list").iter();
            for one in all.filter(|one| one["action"] == "restart") {
                let nodes = match one["process"].as_str().expect("a name") {
                    "etcd" => MEMBERS.to_vec(),
                    "kubelet" => [&PLANES[..], &WORKERS].concat(),
                    "kube-proxy" => WORKERS.to_vec(),
                    _ => PLANES.to_vec(),
                };
                assert_eq!(one["nodes"], serde_json::json!(nodes), "{one}");
            }
        }
    }
}

#[test]
fn back_what_the_next_ca_signed_meanwhile_stops_it() {
    let trees = Trees::made();
    stage(&trees, "ca", STAGES[0]).expect(0);
    let trusted = kept(&trees);
    stage(&trees, "ca", STAGES[1]).expect(0);
    rotate(&trees, &["ca", "back"]).expect(0);
    // As a node that was away then, and comes back.
    let issued = kept(&trusted);
    stage(&issued, "ca", STAGES[1]).expect(0);
    let late = "etc/kubernetes/pki/apiserver";
    for suffix in ["crt", "key"] {
        let file = format!("{late}.{suffix}");
        fs::copy(issued.node("cp3", &file), trees.node("cp3", &file)).expect("copy");
    }
    let before = snapshot(&trees.out());
    let refused = rotate(&trees, &["ca", "back", "--restarted"]).expect(4);
    assert!(
        refused.stderr.contains("cp3") && refused.stderr.contains("not-rotated"),
        "{refused}"
    );
    same(&before, &trees.out());
    let way_out = "'certs renew apiserver --inventory FILE --out DIR' has it issued anew";
    assert!(refused.stderr.contains(way_out), "{refused}");
    run(&mut over(&trees, &["renew", "apiserver"])).expect(0);
    rotate(&trees, &["ca", "back", "--restarted"]).expect(0);
    sound(&trees);
}

/// A control plane that was brought through the last stage trusts nobody who signs again after a step back, whatever was put
/// in place since.
#[test]
fn no_step_back_leads_past_a_node_that_was_through_the_last_stage() {
    let trees = Trees::made();
    stage(&trees, "ca", STAGES[0]).expect(0);
    stage(&trees, "ca", STAGES[1]).expect(0);
    let dropped = kept(&trees);
    stage(&dropped, "ca", STAGES[2]).expect(0);
    put("cp1", &dropped, &trees);
    let told = json(&trees, &["status"], 0);
    let told = &told["rotations"][0];
    assert_eq!(
        told["behind"],
        serde_json::json!(["cp2", "cp3", "worker1", "worker2"])
    );
    let next = told["next"].as_str().expect("a command");
    assert!(
        next.starts_with("certs rotate ca drop --restarted"),
        "{next}"
    );
    let before = snapshot(&trees.out());
    let refused = rotate(&trees, &["ca", "back"]).expect(4);
    let onward = "'certs rotate ca drop --restarted --inventory FILE --out DIR' brings the others";
    assert!(refused.stderr.contains(onward), "{refused}");
    assert!(!refused.stderr.contains("certs all"), "{refused}");
    same(&before, &trees.out());
    // That makes its CA's file as all have it, and no kubeconfig.
    trees.all(&["--force"]).expect(0);
    let before = snapshot(&trees.out());
    let refused = rotate(&trees, &["ca", "back"]).expect(4);
    assert!(refused.stderr.contains("cp1"), "{refused}");
    assert!(
        refused.stderr.contains("which signs again after this step"),
        "{refused}"
    );
    same(&before, &trees.out());
    stage(&trees, "ca", STAGES[2]).expect(0);
    sound(&trees);
}

#[test]
fn a_kubeconfig_that_trusts_by_a_file_of_its_own_is_told_and_not_cut_off() {
    let trees = Trees::made();
    let kubernetes = trees.out().join("worker2/etc/kubernetes");
    let own = kubernetes.join("pki/own.crt");
    let present = || fs::copy(kubernetes.join("pki/ca.crt"), &own).expect("copy");
    present();
    let kubeconfig = kubernetes.join("kube-proxy.conf");
    let named = read(&kubeconfig)
        .lines()
        .map(
            |line| match line.split_once("certificate-authority-data:") {
                Some((indent, _)) => {
                    format!("{indent}certificate-authority: /etc/kubernetes/pki/own.crt\n")
                }
                None => format!("{line}\n"),
            },
        )
        .collect::<String>();
    write(&kubeconfig, named);
    let told = |report: &Finished, count: usize| {
        let told = report.to_string();
        let told = told.matches("names a file for its CA certificates");
        assert_eq!(told.count(), count, "{report}");
    };
    sound(&trees);
    told(&stage(&trees, "ca", STAGES[0]).expect(3), 1);
    told(&stage(&trees, "ca", STAGES[1]).expect(3), 1);
    let before = snapshot(&trees.out());
    let refused = stage(&trees, "ca", STAGES[2]).expect(4);
    assert!(refused.stderr.contains("kube-proxy.conf"), "{refused}");
    assert!(refused.stderr.contains("not-rotated"), "{refused}");
    same(&before, &trees.out());
    // With both it follows, and trusts the one that goes for longer than it should.
    present();
    told(&stage(&trees, "ca", STAGES[2]).expect(3), 1);
    present();
    sound(&trees);
    told(&stage(&trees, "ca", STAGES[2]).expect(0), 0);
}

#[test]
fn where_others_may_write_above_the_nodes_nothing_is_rotated_or_renewed() {
    let trees = Trees::made();
    for (directory, mode) in [("", 0o777), ("cp1/etc", 0o777), ("", 0o1777)] {
        let directory = trees.out().join(directory);
        let own = common::mode(&directory);
        common::set_mode(&directory, mode);
        let before = snapshot(&trees.out());
        for command in [&["rotate", "ca", "trust"][..], &["renew", "--all"]] {
            let refused = run(&mut over(&trees, command)).expect(4);
            assert!(refused.stderr.contains("writable-by-others"), "{refused}");
        }
        same(&before, &trees.out());
        common::set_mode(&directory, own);
    }
    stage(&trees, "ca", STAGES[0]).expect(0);
}

#[test]
fn the_former_key_in_the_tree_of_a_node_that_left_is_named() {
    let trees = Trees::made();
    stage(&trees, "ca", STAGES[0]).expect(0);
    stage(&trees, "ca", STAGES[1]).expect(0);
    let all = read(&trees.0.join("nodes.yaml"));
    let left = all.lines().filter(|line| !line.contains("name: cp3"));
    let left = left.collect::<Vec<_>>().join("\n") + "\n";
    assert_ne!(all, left);
    write(&trees.0.join("nodes.yaml"), left);
    let told = stage(&trees, "ca", STAGES[2]).expect(1);
    let backup = format!(
        "{}/cp3/etc/kubernetes/pki/.certs-backup/",
        trees.out().display()
    );
    assert!(
        told.stdout.contains(&backup) || told.stderr.contains(&backup),
        "{told}"
    );
    assert_eq!(told.stderr.matches(" is a former key").count(), 1, "{told}");
}

/// One that was not there at `issue` has it in its own place, which is no backup.
#[test]
fn the_former_key_in_the_own_place_of_a_node_that_left_before_is_told_as_that_and_its_ways_out_lead_out()
 {
    for what in ["ca", "sa"] {
        let trees = Trees::made();
        stage(&trees, what, STAGES[0]).expect(0);
        let all = read(&trees.0.join("nodes.yaml"));
        let left = all.lines().filter(|line| !line.contains("name: cp3"));
        write(
            &trees.0.join("nodes.yaml"),
            left.collect::<Vec<_>>().join("\n") + "\n",
        );
        stage(&trees, what, STAGES[1]).expect(0);
        let told = stage(&trees, what, STAGES[2]).expect(1);
        let mut lines = told.stderr.lines();
        let line = lines.find(|line| line.contains(" is a former key"));
        let line = line.unwrap_or_else(|| panic!("{told}"));
        let key = trees.pki("cp3", &format!("{what}.key"));
        assert!(line.contains(text(&key)), "{line}");
        assert!(!line.contains("backup"), "{line}");
        let flags = format!(
            "--inventory {} --out {}",
            text(&trees.0.join("nodes.yaml")),
            text(&trees.out())
        );
        let listed = format!(
            "remove that tree or, if the node is still in use, list it and run 'certs all {flags} --force'"
        );
        assert!(line.ends_with(&listed), "{line}");
        assert!(
            !lines.any(|line| line.contains(" is a former key")),
            "{told}"
        );
        let gone = kept(&trees);
        fs::remove_dir_all(gone.out().join("cp3")).expect("a tree");
        stage(&gone, what, STAGES[2]).expect(0);
        write(&trees.0.join("nodes.yaml"), all);
        trees.all(&["--force"]).expect(0);
        sound(&trees);
        // What took its place has a backup of it.
        let told = stage(&trees, what, STAGES[2]).expect(1);
        assert!(told.stderr.contains("remove that backup"), "{told}");
    }
}

#[test]
fn a_node_that_came_meanwhile_is_at_the_stage_of_all() {
    let inventory = NODES.replace(
        "---",
        "- {name: worker3, addresses: [10.0.1.3], roles: [worker]}\n---",
    );
    let trees = Trees::made();
    stage(&trees, "ca", STAGES[0]).expect(0);
    write(&trees.0.join("nodes.yaml"), &inventory);
    let refused = stage(&trees, "ca", STAGES[1]).expect(4);
    assert!(
        refused
            .stderr
            .contains("'certs all --inventory FILE --out DIR' makes it"),
        "{refused}"
    );
    trees.all(&[]).expect(0);
    stage(&trees, "ca", STAGES[1]).expect(0);
    rotate(&trees, &["ca", "back"]).expect(0);
    sound(&trees);
    stage(&trees, "ca", STAGES[1]).expect(0);
    stage(&trees, "ca", STAGES[2]).expect(0);
    sound(&trees);
}

#[test]
fn the_former_key_goes_from_the_backups_of_all() {
    let trees = Trees::made();
    let former = read(&trees.out().join("ca/ca.key"));
    let holds = |trees: &Trees| {
        let all = files(&trees.out()).into_iter();
        let with = all.filter(|file| {
            fs::read(trees.out().join(file)).is_ok_and(|held| held == former.as_bytes())
        });
        with.count()
    };
    assert_eq!(holds(&trees), 4);
    stage(&trees, "ca", STAGES[0]).expect(0);
    stage(&trees, "ca", STAGES[1]).expect(0);
    assert_eq!(holds(&trees), 4, "in the backups");
    stage(&trees, "ca", STAGES[2]).expect(0);
    assert_eq!(holds(&trees), 0);
}

#[test]
fn the_instructions_tell_on_which_nodes() {
    let trees = Trees::made();
    let told = json(&trees, &["ca", "trust"], 0);
    let rotation = &told["rotation"];
    assert_eq!(rotation["stage"], "trust");
    let next = rotation["next"].as_str().expect("a command");
    assert!(
        next.starts_with("certs rotate ca issue --restarted --inventory "),
        "{next}"
    );
    let on: BTreeMap<&str, &Value> = rotation["instructions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["process"].as_str().expect("a name"), &one["nodes"]))
        .collect();
    let both = [&PLANES[..], &WORKERS].concat();
    assert_eq!(*on["kubelet"], serde_json::json!(both));
    assert_eq!(*on["kube-apiserver"], serde_json::json!(PLANES));
    assert_eq!(*on["kube-controller-manager"], serde_json::json!(PLANES));
    assert_eq!(*on["kube-proxy"], serde_json::json!(WORKERS));
    assert!(on.contains_key("nodes") && !on.contains_key("control planes"));
    let told = json(&trees, &["etcd-ca", "trust"], 0);
    let instructions = told["rotation"]["instructions"].as_array().expect("a list");
    let etcd = instructions.iter().find(|one| one["process"] == "etcd");
    let etcd = etcd.expect("etcd");
    assert_eq!(etcd["nodes"], serde_json::json!(MEMBERS));
    // They are for the nodes.
    let wait = etcd["wait"].as_str().expect("a command");
    assert!(
        wait.contains("--cacert=/etc/kubernetes/pki/etcd/ca.crt"),
        "{wait}"
    );
    let shown = rotate(&trees, &["status"]).expect(0);
    assert!(
        shown.stdout.contains("     on    etcd1, etcd2, etcd3\n"),
        "{shown}"
    );
    assert!(!shown.stdout.contains("not yet"), "{shown}");
}

#[test]
fn what_is_of_no_node_and_what_does_not_go_together_is_told() {
    let trees = Trees::of(
        "apiVersion: certs/v1\nkind: Inventory\nnodes:\n- {name: w1, addresses: [10.0.1.1], roles: [worker]}\n---\n\
         apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\ncontrolPlaneEndpoint: api.example.com:6443\n\
         encryptionAlgorithm: ECDSA-P256\n",
    );
    let nothing = rotate(&trees, &["ca", "trust"]).expect(2);
    assert!(
        nothing
            .stderr
            .contains("'certs all --inventory FILE --out DIR' makes it"),
        "{nothing}"
    );
    trees.all(&[]).expect(0);
    let none = rotate(&trees, &["etcd-ca", "trust"]).expect(2);
    assert!(none.stderr.contains("share no etcd-ca"), "{none}");
    let both = rotate(&trees, &["ca", "trust", "--kubernetes-dir", "/nowhere"]).expect(2);
    assert!(both.stderr.contains("--kubernetes-dir"), "{both}");
    let without = run(&mut certs(&["rotate", "ca", "trust", "--out", "/nowhere"])).expect(2);
    assert!(without.stderr.contains("--inventory"), "{without}");
    for one in STAGES {
        let done = stage(&trees, "ca", one).expect(0);
        assert!(
            done.stdout.contains("restart kubelet\n     on    w1\n"),
            "{done}"
        );
        assert!(
            done.stdout.contains("restart kube-proxy\n     on    w1\n"),
            "{done}"
        );
        // What runs on none of these nodes is brought to it elsewhere.
        assert!(!done.stdout.contains("restart kube-scheduler"), "{done}");
        assert!(
            done.stdout
                .contains(" kube-scheduler\n     It runs on none of these nodes."),
            "{done}"
        );
    }
    sound(&trees);
}

/// Nobody else tells of it that it is cut off by the last stage.
#[test]
fn what_the_kubelet_of_a_node_that_is_not_listed_needs_is_told() {
    let trees = Trees::made();
    let text = |told: &Value, process: &str| {
        let all = told["rotation"]["instructions"].as_array();
        let mut all = all.expect("a list").iter();
        let one = all.find(|one| one["process"] == process);
        one.map(|one| one["text"].as_str().expect("text").to_owned())
    };
    for (name, flags) in STAGES {
        let told = json(&trees, &[&["ca", name], flags].concat(), 0);
        let kubelet = text(&told, "kubelet").expect("kubelet");
        let others = text(&told, "other nodes");
        if name == "issue" {
            let others = others.expect("other nodes");
            assert!(others.contains(
                "not list the kubelet is to have /etc/kubernetes/pki/ca.crt, a client certificate"
            ));
        } else {
            assert!(kubelet.contains(
                "not list first copy /etc/kubernetes/pki/ca.crt, and bring its kubelet.conf"
            ));
            assert_eq!(others, None, "{told}");
        }
        // A CA that no kubelet reads concerns none.
        if name == "trust" {
            let told = json(&trees, &["etcd-ca", name], 0);
            assert_eq!(text(&told, "kubelet"), None, "{told}");
            assert_eq!(text(&told, "other nodes"), None, "{told}");
        }
    }
}

#[test]
fn whoever_reads_it_and_is_on_no_node_of_the_inventory_is_told_of() {
    let member = |number: u32| {
        format!("- {{name: etcd{number}, addresses: [127.0.0.5{number}], roles: [etcd]}}\n")
    };
    let trees = Trees::of(&format!(
        "apiVersion: certs/v1\nkind: Inventory\nnodes:\n{}{}",
        member(1),
        member(2)
    ));
    trees.all(&[]).expect(0);
    let tells = |told: &Value| {
        let all = told["instructions"].as_array().expect("instructions");
        let of = |process: &str| all.iter().find(|one| one["process"] == process);
        let etcd = of("etcd").expect("etcd");
        assert_ne!(etcd["action"], "do", "{told}");
        assert_eq!(etcd["nodes"][1], "etcd2", "{told}");
        let server = of("kube-apiserver").expect("the API server");
        // No program is to restart it on the nodes that are listed.
        assert_eq!(server["action"], "do", "{told}");
        assert!(server.get("nodes").is_none(), "{told}");
        let text = server["text"].as_str().expect("text");
        assert!(
            text.starts_with("It runs on none of these nodes."),
            "{told}"
        );
        assert!(text.contains("etcd/ca.crt in the place"), "{told}");
    };
    let goes = [
        &["etcd-ca", "trust"][..],
        &["etcd-ca", "issue", "--restarted"],
        &["etcd-ca", "back"],
        &["etcd-ca", "back", "--restarted"],
        &["etcd-ca", "trust"],
        &["etcd-ca", "issue", "--restarted"],
        &["etcd-ca", "drop", "--restarted"],
    ];
    for arguments in goes {
        tells(&json(&trees, arguments, 0)["rotation"]);
        let status = json(&trees, &["status"], 0);
        let told = &status["rotations"][0];
        assert_eq!(told["what"], "etcd-ca", "{status}");
        if told["stage"] != "start" {
            tells(told);
        }
    }
}

/// With the keys of CAs kept for all nodes alone, the cluster's encrypted; and the file with its passphrase.
fn encrypted() -> (Trees, PathBuf) {
    let trees = Trees::of(NODES);
    trees.all(&["--ca-keys", "none"]).expect(0);
    let key = trees.out().join("ca/ca.key");
    let mut openssl = Command::new(tool("openssl"));
    openssl.args([
        "pkcs8",
        "-topk8",
        "-passout",
        "pass:secret",
        "-in",
        text(&key),
    ]);
    let encrypted = run(&mut openssl).expect(0).stdout;
    write(&key, encrypted);
    let file = trees.0.join("passphrase");
    write(&file, "secret\n");
    (trees, file)
}

#[test]
fn an_encrypted_key_is_opened_and_that_the_next_is_not_encrypted_is_told() {
    let (trees, file) = encrypted();
    let before = snapshot(&trees.out());
    let locked = stage(&trees, "ca", STAGES[0]);
    assert!(!locked.status.success(), "{locked}");
    assert!(locked.stderr.contains("--ca-passphrase-file"), "{locked}");
    same(&before, &trees.out());
    for (name, flags) in STAGES {
        let opened = [flags, &["--ca-passphrase-file", text(&file)]].concat();
        let done = stage(&trees, "ca", (name, &opened)).expect(0);
        let warned = done.stdout.contains("ca-next.key is not: encrypt that");
        assert_eq!(warned, name == "trust", "{done}");
        sound(&trees);
        // How far it is, and who is not there yet, the certificates tell.
        let opened = ["status", "--ca-passphrase-file", text(&file)];
        let [told, opened] =
            [&["status"][..], &opened].map(|typed| json(&trees, typed, 0)["rotations"].clone());
        let stage = if name == "drop" { "start" } else { name };
        assert_eq!(told[0]["stage"], stage, "{told}");
        assert_eq!(told, opened);
    }
}

/// From `drop` no way leads back, and what one node is at already all others are to come to first.
#[test]
fn back_is_refused_while_a_node_is_at_the_stage_after() {
    for what in ["ca", "sa"] {
        let all = rotated(what, &[], NODES);
        for (shared, node, next) in [(2, 3, 2), (1, 2, 1)] {
            let trees = kept(&all[shared]);
            put("cp1", &all[node], &trees);
            let before = snapshot(&trees.out());
            let refused = rotate(&trees, &[what, "back", "--restarted"]).expect(4);
            assert!(refused.stderr.contains("rotation-order"), "{refused}");
            let then = format!("'certs rotate {what} {} --restarted --inv", STAGES[next].0);
            assert!(refused.stderr.contains(&then), "{refused}");
            same(&before, &trees.out());
            stage(&trees, what, STAGES[next]).expect(0);
            sound(&trees);
        }
    }
}

/// The inventory with a control plane and a worker more.
const MORE: &str = "- {name: cp4, addresses: [10.0.0.4], roles: [control-plane]}
- {name: etcd4, addresses: [127.0.0.55], roles: [etcd]}
- {name: worker3, addresses: [10.0.1.3], roles: [worker]}
---";

/// How far it is, and which nodes are not yet there.
#[track_caller]
fn is_at(trees: &Trees, what: &str, stage: &str) {
    let status = json(trees, &["status"], 0);
    let all = status["rotations"].as_array().expect("a list");
    let told = all.iter().find(|told| told["what"] == what).expect("it");
    assert_eq!(told["stage"], stage, "{status:#}");
    assert!(
        told["behind"].as_array().is_none_or(Vec::is_empty),
        "{status:#}"
    );
}

/// All leaves of the nodes are followed by who trusts this.
#[track_caller]
fn all_follow(trees: &Trees, authorities: &Trees) {
    let folder = TempDir::new();
    for (name, leaf) in leaves(trees, &folder) {
        let authorities = authorities.out().join("ca").join(leaf.authority);
        assert!(follows(&authorities, &leaf), "{name}");
    }
}

const ELSEWHERE: &str = "\
apiVersion: v1
kind: Config
current-context: main
clusters: [{name: main, cluster: {server: 'https://api.example.com:6443', certificate-authority: /nonexistent/ca.crt}}]
contexts: [{name: main, context: {cluster: main, user: own}}]
users: [{name: own, user: {token: abcdef.0123456789abcdef}}]
";

/// They have no backup of the stage, and what the next one signed for them would be cut off by the second step.
#[test]
fn back_nodes_that_came_since_get_what_the_former_ca_signs() {
    for (what, came) in [
        ("ca", "trust"),
        ("ca", "issue"),
        ("etcd-ca", "issue"),
        ("front-proxy-ca", "trust"),
        ("sa", "issue"),
    ] {
        let trees = Trees::made();
        let start = kept(&trees);
        for one in &STAGES[..2] {
            stage(&trees, what, *one).expect(0);
            if one.0 == came {
                write(&trees.0.join("nodes.yaml"), NODES.replace("---", MORE));
                // As if all of one node had been lost.
                fs::remove_dir_all(trees.out().join("cp2")).expect("a tree");
                trees.all(&[]).expect(0);
            }
        }
        // Whom it trusts nobody can tell, and a step back makes nothing of it.
        let elsewhere = trees.node("cp4", "etc/kubernetes/elsewhere.conf");
        write(&elsewhere, ELSEWHERE);
        let issued = held(&trees.out());
        let planned = rotate(&trees, &[what, "back", "--dry-run"]).expect(0);
        if came == "issue" {
            assert!(planned.stdout.contains("cp4: "), "{planned}");
        }
        assert!(held(&trees.out()) == issued);
        rotate(&trees, &[what, "back"]).expect(0);
        fs::remove_file(elsewhere).expect("remove");
        sound(&trees);
        is_at(&trees, what, "trust");
        all_share_it(&trees, 1);
        // Before the second step nothing hangs on the one that it takes away.
        all_follow(&trees, &start);
        rotate(&trees, &[what, "back", "--restarted"]).expect(0);
        sound(&trees);
        is_at(&trees, what, "start");
        all_share_it(&trees, 0);
        all_follow(&trees, &start);
        for file in [
            "ca/ca.crt",
            "ca/ca.key",
            "ca/sa.pub",
            "ca/sa.key",
            "ca/etcd/ca.key",
        ] {
            let [now, then] = [&trees, &start].map(|trees| read(&trees.out().join(file)));
            assert!(now == then, "{what}: {file}");
        }
        for one in STAGES {
            stage(&trees, what, one).expect(0);
            sound(&trees);
        }
    }
}

#[test]
fn back_what_a_run_did_not_get_to_is_done_by_the_next() {
    let trees = Trees::made();
    for one in &STAGES[..2] {
        stage(&trees, "ca", *one).expect(0);
    }
    write(&trees.0.join("nodes.yaml"), NODES.replace("---", MORE));
    trees.all(&[]).expect(0);
    for place in [trees.pki("cp4", ""), trees.out().join("ca")] {
        let full = common::struck(
            &over(&trees, &["rotate", "ca", "back"]),
            "fsync:error=ENOSPC",
            Some(&place),
        );
        run(&mut { full }).expect(1);
    }
    let next = || read(&trees.pki("cp4", "ca.key"));
    assert!(next() != read(&trees.out().join("ca/ca.key")));
    rotate(&trees, &["ca", "back"]).expect(0);
    assert!(next() == read(&trees.out().join("ca/ca.key")));
    sound(&trees);
    is_at(&trees, "ca", "trust");
    rotate(&trees, &["ca", "back", "--restarted"]).expect(0);
    sound(&trees);
    is_at(&trees, "ca", "start");
}

/// The key that signs again is in the backup of what all share as it was there.
#[test]
fn back_an_encrypted_key_that_signs_again_is_asked_for_where_a_node_came_since() {
    let (trees, file) = encrypted();
    let opened = ["--ca-passphrase-file", text(&file)];
    for (name, flags) in &STAGES[..2] {
        stage(&trees, "ca", (name, &[flags, &opened[..]].concat())).expect(0);
    }
    write(&trees.0.join("nodes.yaml"), NODES.replace("---", MORE));
    trees.all(&["--ca-keys", "none"]).expect(0);
    let before = snapshot(&trees.out());
    let refused = rotate(&trees, &["ca", "back"]).expect(2);
    let words = "give its passphrase with --ca-passphrase-file";
    assert!(refused.stderr.contains(words), "{refused}");
    same(&before, &trees.out());
    rotate(&trees, &[&["ca", "back"], &opened[..]].concat()).expect(0);
    sound(&trees);
}

/// A renewal meanwhile put other files in place of those that a backup could be put back for.
#[test]
fn back_what_was_renewed_since_is_of_the_former_ca() {
    let trees = Trees::made();
    let start = kept(&trees);
    stage(&trees, "ca", STAGES[0]).expect(0);
    let issued = kept(&trees);
    stage(&issued, "ca", STAGES[1]).expect(0);
    // A run that ended brought one node to the stage after, and that one was put where the others are.
    put("cp1", &issued, &trees);
    trees.all(&["--force"]).expect(0);
    is_at(&trees, "ca", "trust");
    let before = snapshot(&trees.out());
    let refused = rotate(&trees, &["ca", "back", "--restarted"]).expect(4);
    assert!(
        refused.stderr.contains("which goes with this step"),
        "{refused}"
    );
    same(&before, &trees.out());
    let ahead = || {
        let status = json(&trees, &["status"], 0);
        let notes = status["notes"].as_array().expect("a list").clone();
        let mut notes = notes
            .into_iter()
            .filter_map(|note| Some(note.as_str()?.to_owned()));
        notes.find(|note| note.contains("does not sign yet"))
    };
    let note = ahead().expect("a note");
    let words = "\"CN=kubernetes-2\" does not sign yet, and signed certificates of cp1: 'certs rotate ca issue --restarted --inventory ";
    assert!(note.starts_with(words), "{note}");
    assert!(note.contains("('certs renew --all --inventory "), "{note}");
    let onward = kept(&trees);
    stage(&onward, "ca", STAGES[1]).expect(0);
    sound(&onward);
    run(&mut over(&trees, &["renew", "--all"])).expect(0);
    assert_eq!(ahead(), None);
    let trusted = kept(&trees);
    rotate(&trees, &["ca", "back", "--restarted"]).expect(0);
    sound(&trees);
    is_at(&trees, "ca", "start");
    all_follow(&trees, &start);
    // And from the next stage, whose runs were two.
    let trees = trusted;
    stage(&trees, "ca", STAGES[1]).expect(0);
    run(&mut over(&trees, &["renew", "apiserver"])).expect(0);
    rotate(&trees, &["ca", "back"]).expect(0);
    sound(&trees);
    is_at(&trees, "ca", "trust");
    all_follow(&trees, &start);
    rotate(&trees, &["ca", "back", "--restarted"]).expect(0);
    sound(&trees);
    all_follow(&trees, &start);
}

/// What all share is put back by its backup alone, and a file of that which was changed refuses the step.
#[test]
fn back_is_refused_where_what_all_share_was_changed_and_the_way_on_is_told() {
    let trees = Trees::made();
    for (at, next) in [(0, 1), (1, 2)] {
        stage(&trees, "ca", STAGES[at]).expect(0);
        run(&mut over(&trees, &["renew", "ca"])).expect(0);
        let before = snapshot(&trees.out());
        let refused = rotate(&trees, &["ca", "back", "--restarted"]).expect(4);
        assert!(refused.stderr.contains("changed-since"), "{refused}");
        let onward = format!(
            "; or go on: 'certs rotate ca {} --restarted --inventory FILE --out DIR'",
            STAGES[next].0
        );
        assert!(refused.stderr.contains(&onward), "{refused}");
        same(&before, &trees.out());
    }
    stage(&trees, "ca", STAGES[2]).expect(0);
    sound(&trees);
}

/// Another run than a stage may have put the former key into a backup.
#[test]
fn a_former_key_in_a_backup_of_another_run_is_named() {
    for (what, key) in [("ca", "ca.key"), ("sa", "sa.key")] {
        let all = rotated(what, &[], NODES);
        let trees = kept(&all[3]);
        put("cp2", &all[1], &trees);
        let status = rotate(&trees, &["status"]).expect(0);
        assert!(status.stdout.contains("not yet  cp2\n"), "{status}");
        trees.all(&["--force"]).expect(0);
        sound(&trees);
        let status = rotate(&trees, &["status"]).expect(0);
        assert!(!status.stdout.contains("not yet"), "{status}");
        let named = stage(&trees, what, STAGES[2]).expect(1);
        let line = named
            .stderr
            .lines()
            .find(|line| line.contains("is a former key"));
        let line = line.unwrap_or_else(|| panic!("{named}"));
        let path = line
            .trim_start_matches("error: ")
            .split(' ')
            .next()
            .expect("a path");
        assert!(path.ends_with(key), "{path}");
        assert!(!named.stdout.contains("is a former key"), "{named}");
        let report = json(&trees, &[what, "drop", "--restarted"], 1);
        let notes = report["notes"].as_array().expect("notes");
        let told = line.trim_start_matches("error: ");
        assert!(notes.iter().any(|note| note == told), "{report}");
        assert_eq!(read(Path::new(path)), read(&all[0].pki("cp2", key)));
        let backup = Path::new(path).parent().expect("a folder");
        fs::remove_dir_all(backup).expect("the backup");
        stage(&trees, what, STAGES[2]).expect(0);
    }
}

/// It is why the run does not end well.
#[test]
fn a_former_key_over_one_tree_is_named_however_quiet_the_run_is() {
    let all = rotated("ca", &[], NODES);
    let trees = kept(&all[3]);
    for name in ["ca.crt", "ca.key"] {
        fs::copy(all[0].pki("cp2", name), trees.pki("cp2", name)).expect("copy");
    }
    trees.all(&["--force"]).expect(0);
    let alone = |flags: &[&str]| {
        let mut drop = certs(&["rotate", "ca", "drop", "--restarted"]);
        drop.arg("--kubernetes-dir")
            .arg(trees.node("cp2", "etc/kubernetes"))
            .arg("--kubelet-dir")
            .arg(trees.node("cp2", "var/lib/kubelet"));
        run(drop.args(flags)).expect(1)
    };
    let quiet = alone(&["--quiet"]);
    let line = quiet.stderr.trim_end();
    assert!(quiet.stdout.is_empty(), "{quiet}");
    assert!(line.starts_with("error: "), "{quiet}");
    assert_eq!(line.matches(" is a former key").count(), 1, "{quiet}");
    let loud = alone(&[]);
    assert_eq!(loud.stderr, quiet.stderr);
    assert!(!loud.stdout.contains("is a former key"), "{loud}");
    let report: Value = serde_json::from_str(&alone(&["--output", "json"]).stdout).expect("JSON");
    let notes = report["notes"].as_array().expect("notes");
    let told = line.trim_start_matches("error: ");
    assert!(notes.iter().any(|note| note == told), "{report}");
}

#[test]
fn what_a_node_is_not_to_have_is_told() {
    let trees = Trees::made();
    let stray = trees.pki("worker1", "ca.key");
    fs::copy(trees.out().join("ca/ca.key"), &stray).expect("copy");
    let told = stage(&trees, "ca", STAGES[0]).expect(3);
    assert!(
        told.stderr.contains("key-not-needed") && told.stderr.contains("worker1"),
        "{told}"
    );
    fs::remove_file(stray).expect("the key");
    for suffix in ["crt", "key"] {
        let name = format!("ca-next.{suffix}");
        fs::copy(trees.out().join("ca").join(&name), trees.pki("cp1", &name)).expect("copy");
    }
    let before = snapshot(&trees.out());
    let refused = stage(&trees, "ca", STAGES[1]).expect(4);
    assert!(
        refused
            .stderr
            .contains("cp1/etc/kubernetes/pki/ca-next.crt waits here"),
        "{refused}"
    );
    same(&before, &trees.out());
}

/// Of what its backup tells nothing was done.
#[test]
fn what_was_killed_before_it_was_decided_counts_for_nothing() {
    let trees = Trees::made();
    let told = || {
        [&["status"][..], &["ca", "back", "--dry-run"]].map(|arguments| {
            let mut told = json(&trees, arguments, 0);
            told["time"].take();
            told
        })
    };
    let killed = |arguments: &[&str]| {
        let before = told();
        let inner = over(&trees, &[&["rotate", "ca"], arguments].concat());
        let backups = trees.pki("cp1", ".certs-backup");
        let mut killed = common::struck(&inner, "fsync:signal=SIGKILL", Some(&backups));
        let killed = run(&mut killed);
        let lists = fs::read_dir(&backups).expect("a folder").map(|entry| {
            let list = entry.expect("an entry").path().join("journal");
            assert!(list.is_file(), "{killed}");
            read(&list)
        });
        let command = format!("command rotate-ca-{}", arguments[0]);
        let lists: Vec<String> = lists.collect();
        assert!(
            lists.iter().any(|list| list.contains(&command)),
            "{lists:?}"
        );
        assert!(!trees.pki("cp1", ".certs-journal").exists());
        assert_eq!(told(), before);
    };
    stage(&trees, "ca", STAGES[0]).expect(0);
    killed(&["issue", "--restarted"]);
    stage(&trees, "ca", STAGES[1]).expect(0);
    killed(&["back"]);
    rotate(&trees, &["ca", "back"]).expect(0);
    sound(&trees);
}

/// A folder without a list tells nothing, and would stay.
#[test]
fn of_a_prune_that_was_killed_nothing_is_left_by_the_next_run() {
    let trees = Trees::made();
    for one in &STAGES[..2] {
        stage(&trees, "ca", *one).expect(0);
    }
    let backups = trees.pki("cp1", ".certs-backup");
    let killed = common::struck(
        &over(&trees, &["rotate", "ca", "drop", "--restarted"]),
        "unlinkat:signal=SIGKILL",
        Some(&backups),
    );
    let killed = run(&mut { killed });
    let empty = || {
        let folders = fs::read_dir(&backups).expect("a folder");
        let folders = folders.map(|entry| entry.expect("an entry").path());
        folders
            .filter(|path| !path.join("journal").exists())
            .count()
    };
    assert_eq!(empty(), 1, "{killed}");
    stage(&trees, "ca", STAGES[2]).expect(0);
    assert_eq!(empty(), 0);
    sound(&trees);
}

#[test]
fn a_failure_tells_at_which_node() {
    let trees = Trees::made();
    let full = common::struck(
        &over(&trees, &["rotate", "ca", "trust"]),
        "fsync:error=ENOSPC",
        Some(&trees.node("cp2", "etc/kubernetes/pki")),
    );
    let failed = run(&mut { full }).expect(1);
    let words = "at cp2 (what was written before it stays, and the same command does the rest)";
    assert!(failed.stderr.contains(words), "{failed}");
    stage(&trees, "ca", STAGES[0]).expect(0);
    sound(&trees);
}
