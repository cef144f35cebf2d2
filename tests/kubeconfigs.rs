//! What a real kubectl makes of kubeconfigs that people wrote or merged, before and after a repair.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::path::Path;
use std::process::Command;

use base64ct::{Base64, Encoding};
use serde_json::Value;

mod common;
use common::tree::Tree;
use common::{Finished, kubectl, read, run, set_mode, text, write};

/// A tree whose kubeconfigs point at an address where nothing answers, quickly.
fn tree() -> Tree {
    Tree::make_with(FACTS)
}

const FACTS: &[&str] = &[
    "--key-algorithm",
    "ECDSA-P256",
    "--node-name",
    "cp1",
    "--apiserver-advertise-address",
    "127.0.0.1",
    "--apiserver-bind-port",
    "1",
];

fn view(kubeconfig: &Path) -> Value {
    let shown = kubectl(kubeconfig, &["config", "view", "--raw", "-o", "json"]);
    serde_json::from_str(&shown.expect(0).stdout).expect("kubectl prints JSON")
}

/// `admin.conf` of a tree with further lines at the head of its lists.
fn admin(tree: &Tree, clusters: &str, contexts: &str, users: &str) -> String {
    let mut text = read(&tree.join("admin.conf"));
    for (list, lines) in [
        ("clusters", clusters),
        ("contexts", contexts),
        ("users", users),
    ] {
        let head = format!("{list}:\n");
        assert!(text.contains(&head), "{list}");
        text = text.replace(&head, &format!("{head}{lines}"));
    }
    text
}

fn certs(tree: &Tree, arguments: &[&str]) -> Finished {
    let path = tree.path();
    let mut all = arguments.to_vec();
    all.extend(["--kubernetes-dir", text(&path)]);
    all.extend(FACTS);
    run(&mut common::certs(&all))
}

/// The entries that are not the administrator's.
fn others(kubeconfig: &Path) -> Value {
    let mut shown = view(kubeconfig);
    for (list, inner, name) in [
        ("clusters", "cluster", "kubernetes"),
        ("users", "user", "kubernetes-admin"),
    ] {
        let items = shown[list].as_array_mut().expect("a list");
        let own = items.iter_mut().find(|item| item["name"] == name);
        own.expect("the administrator's")[inner] = Value::Null;
    }
    shown
}

#[test]
fn a_repair_leaves_merged_entries_and_odd_scalars_as_kubectl_reads_them() {
    let tree = tree();
    let path = tree.join("admin.conf");
    let odd = ODD.join(", ");
    let merged = admin(
        &tree,
        "- name: eu\n  cluster: &base {certificate-authority-data: Zm9v, tls-server-name: kubernetes, server: 'https://eu:6443'}\n\
         - name: us\n  cluster: {<<: *base, server: 'https://us:6443'}\n\
         - name: as\n  cluster: {server: 'https://as:6443', <<: [{server: 'https://one:6443'}, *base]}\n",
        "- name: us\n  context: {cluster: us, user: joe2}\n",
        "- name: joe\n  user: &j {username: joe, password: pw}\n\
         - name: joe2\n  user: {<<: *j}\n",
    );
    write(
        &path,
        format!(
            "{merged}extensions:\n- name: odd\n  extension: {{{odd}}}\nx-base: &x {{a: 010}}\n"
        ),
    );
    let before = others(&path);
    assert_eq!(
        before["clusters"][1]["cluster"]["tls-server-name"],
        "kubernetes"
    );
    certs(&tree, &["kubeconfig", "admin", "--force"]).expect(0);
    assert_eq!(others(&path), before);
    assert!(!read(&path).contains("<<"), "{}", read(&path));
    certs(&tree, &["all"]).expect(0);
}

/// Scalars without quotes, some of which are numbers or booleans to YAML 1.1 alone.
const ODD: [&str; 43] = [
    "a: 010",
    "b: 1_000",
    "c: 09",
    "d: 0x1F",
    "e: 0o17",
    "f: 0b11",
    "g: 12:30:45",
    "h: 2001-01-01",
    "i: 18446744073709551616",
    "j: -0b11",
    "k: +12",
    "l: 1.",
    "m: .5",
    "o: 1e3",
    "p: _1",
    "q: 1_0.5",
    "r: 0x_",
    "s: ~",
    "t: Null",
    "u: TRUE",
    "v: !!str 010",
    "w: !!str yes",
    "x: 1_000_",
    "z: -010",
    "aa: 0_8",
    "ab: 1e400",
    "ac: 0X1f",
    "ad: 00",
    "ae: 9223372036854775808",
    "af: -_1",
    "ag: y",
    "ah: Off",
    "ai: '010'",
    "aj: 1e-5",
    "ak: 0o_7",
    "al: 08.5",
    "am: 0b12",
    "an: .5_0",
    "ao: ._5",
    "y: 1",
    "010: b",
    "1_5: c",
    "'0xA': d",
];

/// What people do to a kubeconfig, with sed; and whether `--force` mends it. Otherwise the fault is in an entry of
/// somebody else's, and is told.
const REFUSED: &[(&str, bool)] = &[
    ("s/^apiVersion: v1/apiVersion: v2/", true),
    (
        "s/^    client-key-data/    client-key: nowhere.key\\n&/",
        true,
    ),
    (
        "s/^    client-key-data/    client-key: pki\\/ca.crt\\n&/",
        true,
    ),
    (
        "s/^    client-certificate-data/    client-certificate: nowhere.crt\\n&/",
        true,
    ),
    (
        "s/^    server/    certificate-authority: pki\\/ca.crt\\n&/",
        true,
    ),
    ("s/^    server/    disable-compression: 'true'\\n&/", true),
    ("s/^    server/    proxy-url: ftp:\\/\\/x\\n&/", true),
    ("s/^    server/    extensions: x\\n&/", true),
    ("s/^    server: .*/    server: https:\\/\\//", true),
    ("s/^    user: k.*/&\\n    namespace: 5/", true),
    ("s/^    user: k.*/&\\n    namespace: n/", true),
    ("s/^current-context: .*/current-context: 5/", true),
    (
        "s/^contexts:/&\\n- {name: kubernetes-admin@kubernetes, context: {}}/",
        true,
    ),
    (
        "s/^contexts:/&\\n- {name: a, context: {}}\\n- {name: a, context: {}}/",
        false,
    ),
    (
        "s/^users:/&\\n- {name: a, user: {}}\\n- {name: a, user: {}}/",
        false,
    ),
    (
        "s/^clusters:/&\\n- {name: a, cluster: {}}\\n- {name: a, cluster: {}}/",
        false,
    ),
    ("s/^clusters:/&\\n- {name: 1, cluster: {}}/", false),
    ("s/^clusters:/&\\n- {name: a, cluster: {server: 1}}/", false),
    (
        "s/^users:/&\\n- {name: a, user: {client-certificate-data: '!!'}}/",
        false,
    ),
    ("s/^users:/&\\n- {name: a, user: x}/", false),
    ("s/^users:/&\\n- {name: a, user: {token: 5}}/", false),
    (
        "s/^users:/&\\n- {name: a, user: {exec: {command: x, args: y}}}/",
        false,
    ),
    ("s/^users:/preferences: x\\n&/", false),
    (
        "s/^users:/extensions: [{name: a, extension: .inf}]\\n&/",
        false,
    ),
    (
        "s/^  name: kubernetes$/  name: 123/; s/^    cluster: kubernetes$/    cluster: 123/",
        false,
    ),
];

/// Whether kubectl comes as far as to ask the server, which is not there.
fn loads(kubeconfig: &Path) -> bool {
    let asked = kubectl(
        kubeconfig,
        &["--request-timeout=5s", "get", "--raw", "/healthz"],
    );
    let answer = asked.expect_failure("");
    answer.stderr.contains("was refused")
}

#[test]
fn what_kubectl_does_not_load_is_an_error_and_what_is_mended_it_loads() {
    let tree = tree();
    let path = tree.join("admin.conf");
    let sound = read(&path);
    assert!(loads(&path));
    for (recipe, mended) in REFUSED {
        write(&path, &sound);
        run(Command::new("sed").arg("-i").arg(recipe).arg(&path)).expect(0);
        let before = read(&path);
        assert_ne!(before, sound, "{recipe}");
        assert!(!loads(&path), "{recipe}");
        certs(&tree, &["all"]).expect(4);
        let forced = certs(&tree, &["all", "--force"]);
        if *mended {
            forced.expect(0);
            assert!(loads(&path), "{recipe}");
            certs(&tree, &["all"]).expect(0);
        } else {
            let said = forced.expect(4);
            assert!(
                said.stderr.contains("correct that by hand"),
                "{recipe}: {said}"
            );
            assert_eq!(read(&path), before, "{recipe}");
        }
    }
}

/// What kubectl loads, though it is odd.
#[test]
fn what_kubectl_loads_is_kept() {
    let tree = tree();
    let path = tree.join("admin.conf");
    let sound = read(&path);
    for recipe in [
        "/^apiVersion/d",
        "s/^    server/    unknown: 5\\n&/",
        "s/^    server/    proxy-url: ''\\n    disable-compression: true\\n    extensions: [{name: a, extension: 5}]\\n&/",
        "s/^    server/    insecure-skip-tls-verify: false\\n    tls-server-name: kubernetes\\n&/",
        "s/^users:/&\\n- null\\n- {name: a, user: null}/",
        "s/^users:/&\\n- {name: a, user: {exec: {command: x, interactiveMode: z}, as-user-extra: {a: [b]}}}/",
        "s/^contexts:/&\\n- {name: a, context: {cluster: none, user: none}}/",
        "s/^clusters:/&\\n- {name: a, cluster: {proxy-url: 'ftp:\\/\\/x', certificate-authority: \\/nowhere}}/",
        "s/^users:/preferences: {colors: true, other: 5}\\n&/",
    ] {
        write(&path, &sound);
        run(Command::new("sed").arg("-i").arg(recipe).arg(&path)).expect(0);
        assert_ne!(read(&path), sound, "{recipe}");
        assert!(loads(&path), "{recipe}");
        certs(&tree, &["all"]).expect(0);
    }
}

#[test]
fn a_merged_kubeconfig_s_user_that_is_another_cluster_s_is_not_replaced() {
    let tree = tree();
    let path = tree.join("admin.conf");
    let merged = admin(
        &tree,
        "- {name: prod, cluster: {server: 'https://prod:6443'}}\n",
        "- {name: p, context: {cluster: prod, user: kubernetes-admin}}\n",
        "",
    );
    // The first of two of one name stays when files are merged: that of prod.
    let other = Tree::make_with(FACTS);
    let data = |tree: &Tree, field: &str| {
        let bytes = common::kubeconfig_data(&tree.join("admin.conf"), field);
        <base64ct::Base64 as base64ct::Encoding>::encode_string(&bytes)
    };
    let merged = ["client-certificate-data", "client-key-data"]
        .iter()
        .fold(merged, |text, field| {
            text.replace(&data(&tree, field), &data(&other, field))
        });
    write(&path, &merged);
    for force in [
        &["all"][..],
        &["all", "--force"],
        &["kubeconfig", "admin", "--force"],
    ] {
        certs(&tree, force).expect(4);
        assert_eq!(read(&path), merged);
    }
    let said = certs(&tree, &["all", "--force"]).expect(4);
    let expected = "admin.conf has the user \"kubernetes-admin\" for another cluster too, in the context \"p\": give that \
                    context a user of another name";
    assert!(said.stderr.contains(expected), "{said}");
}

#[test]
fn a_kubeconfig_that_would_be_too_large_is_not_replaced() {
    let tree = tree();
    let path = tree.join("admin.conf");
    let sound = read(&path).replace("apiVersion: v1", "apiVersion: v2");
    let rest = (1 << 20) - sound.len() - 16;
    write(&path, format!("{sound}x: {}\n", "a".repeat(rest)));
    let before = read(&path);
    let said = certs(&tree, &["all", "--force"]).expect(4);
    let expected = "admin.conf would be larger than 1024 KiB, made anew: move other clusters' entries to a file of their own";
    assert!(said.stderr.contains(expected), "{said}");
    assert!(read(&path) == before, "it changed");
}

/// The tree of a cluster whose control-plane endpoint was given another name.
#[test]
fn a_new_endpoint_is_told_and_mended_in_the_kubeconfigs_too() {
    let tree =
        Tree::make_with(&[FACTS, &["--control-plane-endpoint", "old.example:6443"]].concat());
    let new = ["all", "--control-plane-endpoint", "new.example:6443"];
    let said = certs(&tree, &new).expect(4);
    let expected = "admin.conf points at old.example, which apiserver.crt is not good for: run the same command with --force";
    assert!(said.stderr.contains(expected), "{said}");
    certs(&tree, &[&new[..], &["--force"]].concat()).expect(0);
    assert!(read(&tree.join("admin.conf")).contains("server: https://new.example:6443\n"));
    certs(&tree, &new).expect(0);
    let path = tree.path();
    let check = [
        "check",
        "--kubernetes-dir",
        text(&path),
        "--kubelet-dir",
        text(&path),
    ];
    run(&mut common::certs(&check)).expect(0);
}

#[test]
fn a_key_that_a_repaired_kubeconfig_named_is_told_so_that_it_goes() {
    let tree = tree();
    let path = tree.join("admin.conf");
    let text = read(&path);
    let (before, rest) = text.split_once("client-key-data: ").expect("a key");
    let data = rest.trim_end();
    let key = Base64::decode_vec(data).expect("base64");
    write(&tree.join("a.key"), String::from_utf8(key).expect("PEM"));
    set_mode(&tree.join("a.key"), 0o644);
    write(&path, format!("{before}client-key: a.key\n"));
    certs(&tree, &["all"]).expect(4);
    let said = certs(&tree, &["all", "--force"]).expect(0);
    let advice = "Delete the key a.key, which admin.conf named and does not need any more, unless something else uses it";
    assert!(said.stdout.contains(advice), "{said}");
    let said = certs(&tree, &["all"]).expect(0);
    assert!(!said.stdout.contains("a.key"), "{said}");
}

/// One fault is told once, and the key is the CA's.
#[test]
fn a_kubeconfig_that_names_the_ca_s_own_pair_is_told_so_and_made_anew_and_that_key_stays() {
    let tree = tree();
    let admin = read(&tree.join("admin.conf"));
    let (before, _) = admin
        .split_once("client-certificate-data: ")
        .expect("a certificate");
    let names = format!("{before}client-certificate: pki/ca.crt\n    client-key: pki/ca.key\n");
    for conf in ["admin.conf", "own.conf"] {
        write(&tree.join(conf), &names);
        set_mode(&tree.join(conf), 0o600);
    }
    let path = tree.path();
    let check = || -> Vec<String> {
        let mut check = common::certs(&["check", "--output", "json", "--kubelet-dir", "none"]);
        let said = run(check.args(["--kubernetes-dir", text(&path)]));
        let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
        let findings = report["findings"].as_array().expect("findings").iter();
        let word = |told: &Value, field: &str| told[field].as_str().unwrap_or("").to_owned();
        findings
            .filter(|told| word(told, "severity") != "note")
            .map(|told| {
                ["name", "code", "wayOut"]
                    .map(|field| word(told, field))
                    .join(" ")
            })
            .collect()
    };
    let own = "own.conf leaf-is-ca give it a client's certificate, and the key of that";
    let of_row = "admin leaf-is-ca 'certs kubeconfig admin --force', with the configuration of the cluster, reissues it";
    let mut told = check();
    told.sort();
    assert_eq!(told, [of_row, own]);
    let said = certs(&tree, &["kubeconfig", "admin", "--force"]).expect(0);
    assert!(!said.stdout.contains("ca.key"), "{said}");
    assert_eq!(check(), [own]);
    write(&tree.join("own.conf"), read(&tree.join("admin.conf")));
    assert!(check().is_empty());
}

#[test]
fn a_key_that_another_kubeconfig_names_too_is_not_told_to_go() {
    let tree = tree();
    let data = |conf: &str| {
        let (before, rest) = conf.split_once("client-key-data: ").expect("a key");
        let key = Base64::decode_vec(rest.trim_end()).expect("base64");
        (before.to_owned(), String::from_utf8(key).expect("PEM"))
    };
    let (before, key) = data(&read(&tree.join("admin.conf")));
    write(&tree.join("pki/adm.key"), key);
    set_mode(&tree.join("pki/adm.key"), 0o600);
    for conf in ["admin.conf", "ops.conf"] {
        write(
            &tree.join(conf),
            format!("{before}client-key: pki/adm.key\n"),
        );
        set_mode(&tree.join(conf), 0o600);
    }
    let renewed = |name: &str| {
        let path = tree.path();
        let renew = ["renew", name, "--kubernetes-dir", text(&path)];
        run(common::certs(&renew).args(["--kubelet-dir", "none"])).expect(0)
    };
    let said = renewed("admin");
    assert!(!said.stdout.contains("Delete the key"), "{said}");
    // Nothing else names it now.
    let said = renewed("ops.conf");
    let advice = "Delete the key pki/adm.key, which ops.conf named";
    assert!(said.stdout.contains(advice), "{said}");
}
