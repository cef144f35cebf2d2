//! `certs check` over good trees, and over trees with faults.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

mod common;
use common::base::{ALL, Base};
use common::kubeadm::{CONFIGURATIONS, NOON, unpacked};
use common::public::{Public, nobody};
use common::snapshot::snapshot;
use common::{
    Finished, TempDir, all, at, binary, certs, each, fixture, read, run, set_mode, text, tool,
    venv, write,
};

/// Over the tree in `place/k`, and `place/kubelet`, without a configuration.
fn check(place: &Path, arguments: &[&str]) -> Finished {
    check_at(NOON, place, arguments)
}

fn check_at(time: i64, place: &Path, arguments: &[&str]) -> Finished {
    let mut command = certs(&["check"]);
    command
        .args(["--kubernetes-dir", text(&place.join("k"))])
        .args(["--kubelet-dir", text(&place.join("kubelet"))])
        .args(arguments);
    run(&mut at(time, "022", &command))
}

fn report(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}\n{finished}"))
}

/// What is told beyond notes: `SEVERITY CODE FILE`.
fn told(report: &Value) -> Vec<String> {
    of_severity(report, |severity| severity != "note")
}

fn of_severity(report: &Value, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings");
    let word = |finding: &Value, field: &str| finding[field].as_str().expect("a text").to_owned();
    findings
        .iter()
        .filter(|finding| wanted(&word(finding, "severity")))
        .map(|finding| {
            let file = word(finding, "file");
            let file = ["/k/pki/", "/k/", "/kubelet/"]
                .iter()
                .find_map(|root| file.split_once(root))
                .map_or(&*file, |(_, name)| name);
            format!(
                "{} {} {file}",
                word(finding, "severity"),
                word(finding, "code")
            )
        })
        .collect()
}

/// What `certs check` takes beyond facts.
const NO_FACTS: [&str; 12] = [
    "--inventory",
    "--out",
    "--ca-keys",
    "--within",
    "--ca-within",
    "--kubeconfig-dir",
    "--kubelet-dir",
    "--output",
    "--output-file",
    "--quiet",
    "--fail-on",
    "--help",
];

/// What is told of a base with something done to it, with its exit code.
fn after(base: Base, recipe: &str, arguments: &[&str]) -> (Vec<String>, i32) {
    let place = base.copy();
    base.cook(recipe, place.path());
    let finished = check(place.path(), &[&["--output", "json"], arguments].concat());
    let code = finished.status.code().expect("an exit code");
    (told(&report(&finished)), code)
}

#[test]
fn good_trees_are_sound_with_and_without_their_configuration() {
    each(ALL.iter(), |base| {
        let place = base.copy();
        let configuration = place.join("c.yaml");
        for arguments in [vec![], vec!["--config", text(&configuration)]] {
            let before = snapshot(place.path());
            let finished = check(place.path(), &[&["-o", "json"][..], &arguments].concat());
            let told = told(&report(&finished));
            if finished.status.code() != Some(0) || !told.is_empty() {
                return Err(format!("{base:?} {arguments:?}: {told:?}\n{finished}"));
            }
            if snapshot(place.path()) != before {
                return Err(format!("{base:?}: it was changed"));
            }
        }
        Ok(())
    });
    let trees = unpacked();
    for name in CONFIGURATIONS {
        let place = TempDir::new();
        symlink(trees.join(name), place.join("k")).expect("a link");
        let finished = check(place.path(), &["-o", "json"]).expect(0);
        assert_eq!(report(&finished)["result"], "sound", "{name}");
    }
}

/// The cells of a table's rows, by its header's columns.
fn cells(text: &str) -> Vec<Vec<String>> {
    let mut columns: Vec<usize> = Vec::new();
    let mut rows = Vec::new();
    for line in text.lines().take_while(|line| !line.starts_with("Notes")) {
        if line.starts_with("CERTIFICATE") {
            let starts = [
                "CERTIFICATE AUTHORITY",
                "EXPIRES",
                "RESIDUAL TIME",
                "EXTERNALLY MANAGED",
            ];
            columns = starts.iter().filter_map(|title| line.find(title)).collect();
            columns.push(0);
            columns.sort_unstable();
            columns.dedup();
        }
        let ends = columns.iter().skip(1).copied().chain([usize::MAX]);
        let row: Vec<String> = columns
            .iter()
            .zip(ends)
            .map(|(start, end)| {
                let end = end.min(line.len());
                line.get(*start..end).unwrap_or_default().trim().to_owned()
            })
            .collect();
        rows.push(row);
    }
    rows
}

/// kubeadm's table of a tree of its own, and ours of another: a day old both. The dates differ.
#[test]
fn the_table_is_kubeadm_s_column_by_column() {
    for (name, recipe) in [
        ("text", ""),
        (
            "missing-text",
            "rm pki/apiserver.* pki/front-proxy-client.* scheduler.conf",
        ),
        (
            "externally-managed-text",
            "rm pki/ca.key pki/front-proxy-ca.key",
        ),
    ] {
        let place = Base::Default.copy();
        Base::Default.cook(recipe, place.path());
        let finished = check(place.path(), &[]);
        let ours = finished
            .stdout
            .split("\n\nwarning")
            .next()
            .expect("a table");
        let mut theirs = cells(&read(&fixture(&format!(
            "kubeadm/check-expiration/{name}.stdout"
        ))));
        let mut ours = cells(ours);
        // kubeadm passes over kubelet.conf, and tells of people's kubeconfigs and of CAs without
        // leaves that they are missing.
        ours.retain(|row| {
            row.len() > 1 && row[0] != "kubelet.conf" && !row[0].starts_with("Looked")
        });
        if name == "missing-text" {
            for rows in [&mut ours, &mut theirs] {
                let kept = ["super-admin.conf", "!MISSING! super-admin.conf"];
                rows.retain(|row| !kept.contains(&row[0].as_str()));
                rows.retain(|row| !row[0].ends_with("front-proxy-ca"));
            }
        }
        let date = |row: &mut Vec<String>| {
            for cell in row.iter_mut().filter(|cell| cell.ends_with(" UTC")) {
                let shape = cell
                    .chars()
                    .map(|c| if c.is_ascii_digit() { '9' } else { c });
                *cell = shape.collect();
            }
        };
        for rows in [&mut ours, &mut theirs] {
            rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
            rows.iter_mut().for_each(date);
        }
        assert_eq!(ours, theirs, "{name}\n{finished}");
    }
}

#[test]
fn dates_are_those_that_openssl_tells() {
    let place = Base::Default.copy();
    let finished = check(place.path(), &[]).expect(0);
    let mut openssl = Command::new("openssl");
    openssl.args(["x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in"]);
    let end = run(openssl.arg(place.join("k/pki/apiserver.crt"))).expect(0);
    // notAfter=2027-11-21 23:00:45Z
    let end = end.stdout.trim().trim_start_matches("notAfter=").to_owned();
    assert!(end.starts_with("2027-11-21 "), "{end}");
    let row = cells(&finished.stdout)
        .into_iter()
        .find(|row| row[0] == "apiserver");
    let shown = row.expect("a row")[1].clone();
    assert_eq!(shown, format!("Nov 21, 2027 {} UTC", &end[11..16]));
}

#[test]
fn a_machine_that_is_no_control_plane_is_sound() {
    for recipe in [
        // A worker, an etcd host as kubeadm's guide makes it, where CAs are kept, a person's.
        "find . -type f ! -path ./pki/ca.crt ! -path ./kubelet.conf -delete",
        "find . -type f ! -path './pki/etcd/*' ! -path './pki/apiserver-etcd-client.*' -delete",
        "find . -type f ! -name '*ca.*' -delete",
        "find . -type f ! -path ./pki/ca.crt ! -path ./admin.conf -delete",
        // An etcd that others run, keys of CAs that are elsewhere, people's kubeconfigs.
        "rm -r pki/etcd pki/apiserver-etcd-client.*",
        "rm pki/etcd/server.* pki/etcd/peer.* pki/etcd/healthcheck-client.* pki/etcd/ca.key",
        "rm pki/ca.key pki/etcd/ca.key pki/front-proxy-ca.key admin.conf super-admin.conf",
        // Nothing tells the node's name, which need not be that of the host that checks.
        "rm -r pki/etcd pki/apiserver-etcd-client.* kubelet.conf",
    ] {
        assert_eq!(after(Base::Default, recipe, &[]), (vec![], 0), "{recipe}");
    }
}

#[test]
fn a_pair_that_a_control_plane_lacks_is_told() {
    for (gone, file) in [
        ("pki/apiserver.*", "apiserver.crt"),
        (
            "pki/apiserver-kubelet-client.*",
            "apiserver-kubelet-client.crt",
        ),
        ("pki/apiserver-etcd-client.*", "apiserver-etcd-client.crt"),
        ("pki/front-proxy-client.*", "front-proxy-client.crt"),
        ("pki/etcd/server.*", "etcd/server.crt"),
        ("pki/etcd/peer.*", "etcd/peer.crt"),
        ("pki/sa.*", "sa.pub"),
        ("controller-manager.conf", "controller-manager.conf"),
    ] {
        let told = after(Base::Default, &format!("rm {gone}"), &[]);
        assert_eq!(told, (vec![format!("warning absent {file}")], 3), "{gone}");
    }
    let (told, code) = after(Base::Default, "rm pki/front-proxy-ca.*", &[]);
    assert_eq!(told, ["error ca-absent front-proxy-client.crt"]);
    assert_eq!(code, 4);
}

const OPENSSL: Base = Base::OpenSsl;

/// So that what is issued for some days alone ends soon.
const SOON: [&str; 2] = ["--within", "30d"];

/// What is done to a tree of OpenSSL's, and all that is told of it beyond notes.
const CASES: &[(&str, &[&str])] = &[
    ("issue pki/apiserver days=31", &[]),
    (
        "issue pki/apiserver days=30",
        &["warning expires-soon apiserver.crt"],
    ),
    (
        "issue admin.conf days=1",
        &["warning expires-soon admin.conf"],
    ),
    (
        "authority pki/front-proxy-ca /CN=front-proxy-ca days=180",
        &[
            "warning outlives-ca front-proxy-client.crt",
            "warning expires-soon front-proxy-ca.crt",
        ],
    ),
    (
        "authority pki/front-proxy-ca /CN=front-proxy-ca days=20",
        &[
            "warning expires-soon front-proxy-client.crt",
            "warning expires-soon front-proxy-ca.crt",
        ],
    ),
    (
        "authority pki/front-proxy-ca /CN=front-proxy-ca days=300",
        &["warning outlives-ca front-proxy-client.crt"],
    ),
    (
        "authority pki/front-proxy-ca /CN=front-proxy-ca days=365",
        &[],
    ),
    (
        "key \"$aside/weak.key\" bits=1024; authority \"$aside/weak\" /CN=weak\n\
         cat \"$aside/weak.crt\" >> pki/front-proxy-ca.crt; cat pki/ca.crt \"$aside/weak.crt\" > pki/b.pem",
        &[
            "warning weak-key front-proxy-ca.crt",
            "warning weak-key b.pem",
        ],
    ),
    (
        "authority \"$aside/other\" /CN=kubernetes; rm pki/ca.key; cat \"$aside/other.crt\" >> pki/ca.crt",
        &["warning same-ca-name ca.crt"],
    ),
    // As OpenSSL writes a name, UTF8String, and as it compares them, whatever the case and the blanks.
    (
        "other() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -days 3650 \\\n\
         -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature -subj \"$1\"; }\n\
         other /CN=kubernetes >> pki/ca.crt; other '/CN=Front-Proxy-CA ' >> pki/front-proxy-ca.crt; rm pki/ca.key",
        &[
            "warning same-ca-name ca.crt",
            "warning same-ca-name front-proxy-ca.crt",
        ],
    ),
    (
        "authority \"$aside/other\" /CN=kubernetes-2; rm pki/ca.key; cat \"$aside/other.crt\" >> pki/ca.crt",
        &[],
    ),
    // Whoever is given it could sign.
    (
        "cp pki/sa.key pki/front-proxy-client.key; issue pki/front-proxy-client",
        &["error signing-key front-proxy-client.crt"],
    ),
    (
        "rm pki/apiserver.crt",
        &["error missing-certificate apiserver.key"],
    ),
    (
        "authority pki/front-proxy-ca /CN=kubernetes; issue pki/front-proxy-client",
        &["warning same-ca-name front-proxy-ca.crt"],
    ),
    (
        "issue pki/apiserver serial=0x7777777777777777777777\n\
         issue pki/apiserver-kubelet-client serial=0x7777777777777777777777",
        &["warning same-serial apiserver-kubelet-client.crt"],
    ),
    (
        "issue pki/apiserver serial=0x7777777777777777777777\n\
         issue pki/front-proxy-client serial=0x7777777777777777777777",
        &[],
    ),
    // What says nothing of its issuer's key, as of `openssl x509 -req` alone; that of the root, which numbered itself; an
    // intermediate that has the root's.
    (
        "issue pki/apiserver serial=0x7777777777777777777777\n\
         issue pki/apiserver-kubelet-client serial=0x7777777777777777777777 aki=",
        &["warning same-serial apiserver-kubelet-client.crt"],
    ),
    (
        "issue pki/front-proxy-client serial=0x$(openssl x509 -in pki/front-proxy-ca.crt -noout -serial | cut -d= -f2)",
        &["warning same-serial front-proxy-client.crt"],
    ),
    (
        "authority \"$aside/root\" /CN=root serial=0x7777777777777777777777\n\
         issue pki/front-proxy-ca ca=\"$aside/root\" subject=/CN=front-proxy-ca eku= bc=critical,CA:TRUE \
             ku=critical,keyCertSign,cRLSign serial=0x7777777777777777777777 days=3650\n\
         issue pki/front-proxy-client; cat pki/front-proxy-ca.crt >> pki/front-proxy-client.crt\n\
         cat \"$aside/root.crt\" >> pki/front-proxy-ca.crt",
        &["warning same-serial front-proxy-ca.crt"],
    ),
    (
        "authority \"$aside/root\" /CN=root serial=0x7777777777777777777777\n\
         issue pki/front-proxy-ca ca=\"$aside/root\" subject=/CN=front-proxy-ca eku= bc=critical,CA:TRUE \
             ku=critical,keyCertSign,cRLSign serial=0x6666666666666666666666 days=3650\n\
         issue pki/front-proxy-client serial=0x7777777777777777777777; cat pki/front-proxy-ca.crt >> pki/front-proxy-client.crt\n\
         cat \"$aside/root.crt\" >> pki/front-proxy-ca.crt",
        &[],
    ),
    (
        "edit scheduler.conf s/10.0.0.10/10.0.0.99/",
        &["error server-not-in-sans scheduler.conf"],
    ),
    (
        "edit scheduler.conf 's/server: .*/server: https:\\/\\/127.0.0.1:8443\\n    tls-server-name: kubernetes/'",
        &[],
    ),
    (
        "cat pki/etcd/ca.crt >> pki/ca.crt",
        &["warning several-certificates ca.crt"],
    ),
    (
        "issue pki/apiserver\n\
         openssl x509 -req -in \"$aside/request\" -CA pki/ca.crt -CAkey pki/ca.key -days 90 -sha1 \
         -extfile \"$aside/extensions\" -out pki/apiserver.crt",
        &["error weak-hash apiserver.crt"],
    ),
    (
        "key pki/apiserver.key bits=1024; issue pki/apiserver",
        &[
            "error unreadable apiserver.key",
            "warning weak-key apiserver.crt",
        ],
    ),
];

#[test]
fn each_finding_of_a_check_is_told_alone() {
    each(CASES.iter(), |(recipe, expected)| {
        let (mut found, code) = after(OPENSSL, recipe, &SOON);
        let mut expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
        found.sort();
        expected.sort();
        let wanted = match expected.iter().map(|line| &line[..1]).min() {
            None => 0,
            Some("e") => 4,
            Some(_) => 3,
        };
        if found == expected && code == wanted {
            Ok(())
        } else {
            Err(format!("{recipe}: {found:?}, exit {code}"))
        }
    });
    let place = OPENSSL.copy();
    let recipe = "authority pki/front-proxy-ca /CN=front-proxy-ca bc=CA:TRUE";
    OPENSSL.cook(recipe, place.path());
    let notes = of_severity(
        &report(&check(place.path(), &["-o", "json"]).expect(0)),
        |_| true,
    );
    let note = "note basic-constraints-not-critical front-proxy-ca.crt";
    assert!(notes.iter().any(|told| told == note), "{notes:?}");
    let recipe = "authority pki/front-proxy-ca /CN=front-proxy-ca";
    OPENSSL.cook(recipe, place.path());
    let notes = of_severity(
        &report(&check(place.path(), &["-o", "json"]).expect(0)),
        |_| true,
    );
    assert!(!notes.iter().any(|told| told == note), "{notes:?}");
}

#[test]
fn the_notice_is_what_the_flags_say() {
    let ca = "authority pki/front-proxy-ca /CN=front-proxy-ca days=365";
    let told = |arguments| after(OPENSSL, ca, arguments).0;
    assert_eq!(told(&["--ca-within", "364d"]), [""; 0]);
    assert_eq!(
        told(&["--ca-within", "365d"]),
        ["warning expires-soon front-proxy-ca.crt"]
    );
    assert_eq!(told(&["--within", "8759h"]), [""; 0]);
    // Twelve leaves.
    assert_eq!(told(&["--within", "365d"]).len(), 12);
    // A short-lived one is told of when it is due, and from its beginning where a time is stated.
    let short = |arguments| after(OPENSSL, "issue pki/apiserver days=20", arguments).0;
    assert_eq!(short(&[]), [""; 0]);
    assert_eq!(
        short(&["--within", "30d"]),
        ["warning expires-soon apiserver.crt"]
    );
    assert_eq!(short(&["--within", "19d"]), [""; 0]);
}

#[test]
fn warnings_and_errors_end_the_run_as_designed() {
    let warning = "issue pki/apiserver days=1";
    let error = "issue pki/apiserver subject=/CN=other";
    assert_eq!(after(OPENSSL, warning, &SOON).1, 3);
    let tolerant = [&SOON[..], &["--fail-on", "error"]].concat();
    assert_eq!(after(OPENSSL, warning, &tolerant).1, 0);
    assert_eq!(after(OPENSSL, error, &["--fail-on", "error"]).1, 4);
}

#[test]
fn drift_is_told_without_facts_where_the_files_disagree_and_with_them_as_facts_say() {
    for (recipe, told) in [
        (
            "issue kubelet.conf subject=/O=system:nodes/CN=system:node:cp2",
            "error wrong-subject kubelet.conf",
        ),
        (
            "issue pki/etcd/server san=DNS:cp1,DNS:localhost,IP:127.0.0.1",
            "error san-missing etcd/server.crt",
        ),
        ("chmod 644 pki/ca.key", "error key-mode ca.key"),
        (
            "issue pki/apiserver eku=clientAuth",
            "error usage-missing apiserver.crt",
        ),
    ] {
        let (found, code) = after(OPENSSL, recipe, &[]);
        assert!(found.iter().any(|line| line == told), "{recipe}: {found:?}");
        assert_eq!(code, 4);
    }
    // A name that only a configuration can tell.
    let recipe = "issue pki/apiserver \"san=$hosts,DNS:more.example\"";
    assert_eq!(after(OPENSSL, recipe, &[]), (vec![], 0));
    let place = OPENSSL.copy();
    OPENSSL.cook(recipe, place.path());
    let finished = check(
        place.path(),
        &["-o", "json", "--config", text(&place.join("c.yaml"))],
    );
    let told = told(&report(&finished.expect(3)));
    assert_eq!(told, ["warning san-extra apiserver.crt"]);
    // Nor has it a wish for keys and times that it does not state.
    let stated = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";
    for (more, wanted) in [
        ("", vec![]),
        ("encryptionAlgorithm: ECDSA-P256\n", vec![]),
        ("certificateValidityPeriod: 8760h\n", vec!["validity"]),
        ("encryptionAlgorithm: RSA-2048\n", vec!["key-algorithm"]),
    ] {
        let place = OPENSSL.copy();
        OPENSSL.cook("issue pki/apiserver days=730", place.path());
        write(&place.join("c.yaml"), format!("{stated}{more}"));
        let finished = check(
            place.path(),
            &["-o", "json", "--config", text(&place.join("c.yaml"))],
        );
        let mut told = of_severity(&report(&finished), |severity| severity == "warning");
        told.retain(|told| told.ends_with("apiserver.crt"));
        let wanted: Vec<String> = wanted
            .iter()
            .map(|code| format!("warning {code} apiserver.crt"))
            .collect();
        assert_eq!(told, wanted, "{more}");
    }
}

#[test]
fn facts_that_nobody_stated_are_those_that_the_files_tell() {
    // This machine has another name and another address than the node.
    for flags in [
        "--node-name cp1",
        "--apiserver-advertise-address 10.0.0.10",
        "--node-name cp1 --apiserver-advertise-address 10.0.0.10",
        "--apiserver-bind-port 6443 --apiserver-advertise-address 10.0.0.10",
        "--control-plane-endpoint 10.0.0.10",
        "--service-cidr 10.96.0.0/12",
        "--service-dns-domain cluster.local",
        "--node-ip 10.0.0.10",
        "--kubernetes-version v1.36.2",
    ] {
        for base in ALL.into_iter().filter(|base| *base != Base::Ha) {
            let flags: Vec<&str> = flags.split(' ').collect();
            assert_eq!(after(base, "", &flags), (vec![], 0), "{base:?} {flags:?}");
        }
    }
    let all = |severity: &str, code: &str, files: &[&str]| -> Vec<String> {
        let line = |file: &&str| format!("{severity} {code} {file}");
        files.iter().map(line).collect()
    };
    let named = ["apiserver.crt", "etcd/server.crt", "etcd/peer.crt"];
    let local = ["kubelet.conf", "controller-manager.conf", "scheduler.conf"];
    let to_endpoint = ["admin.conf", "super-admin.conf"];
    let both = [&local[..], &to_endpoint].concat();
    let lacking = all("error", "san-missing", &named);
    let leaves = [
        "apiserver-kubelet-client.crt",
        "apiserver-etcd-client.crt",
        "etcd/healthcheck-client.crt",
        "front-proxy-client.crt",
    ];
    let certificates = [&named[..], &leaves].concat();
    for (flags, expected) in [
        (
            "--node-name cp2",
            [
                &lacking[..],
                &all(
                    "error",
                    "wrong-subject",
                    &["etcd/server.crt", "etcd/peer.crt", "kubelet.conf"],
                ),
            ]
            .concat(),
        ),
        ("--apiserver-advertise-address 10.0.0.11", lacking.clone()),
        (
            "--apiserver-bind-port 7443 --apiserver-advertise-address 10.0.0.10",
            all("warning", "kubeconfig-server", &both),
        ),
        (
            "--control-plane-endpoint 10.0.0.10:7443",
            all("warning", "kubeconfig-server", &to_endpoint),
        ),
        (
            "--service-dns-domain x.example",
            all("error", "san-missing", &["apiserver.crt"]),
        ),
        ("--validity 100d", all("warning", "validity", &certificates)),
        (
            "--key-algorithm RSA-4096",
            all(
                "warning",
                "key-algorithm",
                &[&certificates[..], &both].concat(),
            ),
        ),
    ] {
        let flags: Vec<&str> = flags.split(' ').collect();
        let (mut found, _) = after(Base::Default, "", &flags);
        let mut expected = expected;
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{flags:?}");
    }
}

#[test]
fn each_fact_that_may_be_stated_changes_what_is_found() {
    // A serving certificate of the kubelet's, which has an address.
    let recipe = "mkdir -p ../kubelet; key ../kubelet/kubelet.key\n\
        issue ../kubelet/kubelet subject=/O=system:nodes/CN=system:node:cp1 eku=serverAuth san=DNS:cp1,IP:10.0.0.10";
    let place = OPENSSL.copy();
    OPENSSL.cook(recipe, place.path());
    let found = |flags: &str| {
        let flags: Vec<&str> = flags.split_whitespace().collect();
        let finished = check(place.path(), &[&["-o", "json"], &flags[..]].concat());
        report(&finished)["findings"].clone()
    };
    // Where one alone tells nothing, with what else it takes.
    let stated = [
        ("", "--node-name cp2"),
        ("", "--apiserver-advertise-address 10.0.0.11"),
        (
            "--apiserver-advertise-address 10.0.0.10",
            "--apiserver-bind-port 7443",
        ),
        ("", "--control-plane-endpoint 10.0.0.10:7443"),
        ("", "--apiserver-cert-extra-sans x.example"),
        ("", "--service-cidr 10.97.0.0/16"),
        ("", "--service-dns-domain x.example"),
        ("", "--etcd-extra-sans x.example"),
        ("", "--node-ip 10.0.0.99"),
        ("", "--kubernetes-version v1.28.0"),
        ("", "--key-algorithm RSA-4096"),
        ("", "--validity 100d"),
    ];
    for (others, flag) in stated {
        let both = format!("{others} {flag}");
        assert_ne!(found(&both), found(others), "{flag} changes nothing");
    }
    let help = read(&fixture("help/check.txt"));
    let (own, _) = help.split_once("Options of every verb").expect("options");
    let options = own
        .lines()
        .filter(|line| line.trim_start().starts_with('-'))
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
    let taken = options.filter(|option| !NO_FACTS.contains(option));
    let shown: Vec<&str> = stated
        .iter()
        .filter_map(|(_, flag)| flag.split(' ').next())
        .collect();
    assert_eq!(taken.collect::<Vec<_>>(), shown);
    // Until when a CA is good shows in it, and how long new ones would be is no matter of a check.
    check(place.path(), &["--ca-validity", "3650d"])
        .expect(2)
        .expect_failure("unexpected argument '--ca-validity'");
}

#[test]
fn one_bad_file_hides_no_other() {
    let recipe = "\
        echo garbage > pki/ca.key\n\
        echo garbage > pki/apiserver.crt; echo garbage > pki/apiserver.key\n\
        echo garbage > pki/etcd/server.key; issue pki/etcd/peer days=1\n\
        : > admin.conf\n\
        mkdir pki/other.crt; rm pki/front-proxy-client.key\n\
        mkfifo pki/other.pem; echo '{' > own.conf\n\
        chmod 666 pki/sa.key";
    let (mut found, code) = after(OPENSSL, recipe, &SOON);
    found.sort();
    assert_eq!(
        found,
        [
            "error key-mode own.conf",
            "error key-mode sa.key",
            "error missing-key front-proxy-client.crt",
            "error unreadable admin.conf",
            "error unreadable apiserver.crt",
            "error unreadable apiserver.key",
            "error unreadable ca.key",
            "error unreadable etcd/server.key",
            "error unreadable other.crt",
            "error unreadable own.conf",
            "warning expires-soon etcd/peer.crt",
            "warning not-looked-at other.pem",
        ]
    );
    assert_eq!(code, 4);
}

#[test]
fn files_of_no_row_are_judged_as_the_identity_that_they_have() {
    let client = "-subj /O=dev/CN=alice";
    let own = |name: &str, more: &str| {
        format!("key pki/{name}.key; issue pki/{name} subject=/O=dev/CN=alice {more}; : {client}\n")
    };
    // A pair, one file of both, one alone, a kubeconfig; and what is none of ours.
    let sound = own("alice", "")
        + "cat pki/alice.crt pki/alice.key > pki/alice.pem; chmod 600 pki/alice.pem\n\
           cp pki/alice.crt pki/etcd/alone.crt\n\
           sed s/kubernetes-admin/alice/ admin.conf > alice.conf; chmod 600 alice.conf\n\
           put alice.conf client-certificate-data pki/alice.crt\n\
           put alice.conf client-key-data pki/alice.key\n\
           echo 'kind: KubeletConfiguration' > kubelet-config.conf\n\
           openssl dhparam -dsaparam -out pki/dh.pem 1024 2>/dev/null\n\
           mkdir -m 700 .certs-backup .certs-backup/0000000000000000 && cp pki/apiserver.key .certs-backup/\n";
    assert_eq!(after(OPENSSL, &sound, &[]), (vec![], 0));
    for (recipe, told) in [
        (own("alice", "days=1"), "warning expires-soon alice.crt"),
        (own("alice", "ca=pki/etcd/ca"), ""),
        (
            own("alice", "") + "chmod 644 pki/alice.key",
            "error key-mode alice.key",
        ),
        (
            own("alice", "") + "cat pki/alice.crt pki/apiserver.key > pki/a.pem; chmod 600 pki/a.pem",
            "error key-mismatch a.pem",
        ),
        (
            "authority pki/foreign /CN=foreign; key pki/x.key; issue pki/x subject=/CN=x ca=pki/foreign; \
             rm pki/foreign.*"
                .to_owned(),
            "error not-signed-by-ca x.crt",
        ),
        ("authority pki/own /CN=own; rm pki/own.key".to_owned(), ""),
        (
            "authority pki/own /CN=own days=1".to_owned(),
            "warning expires-soon own.crt",
        ),
        (
            "sed s/10.0.0.10/10.9.9.9/ admin.conf > own.conf; chmod 600 own.conf".to_owned(),
            "error server-not-in-sans own.conf",
        ),
    ] {
        let expected: Vec<&str> = Some(told).filter(|told| !told.is_empty()).into_iter().collect();
        assert_eq!(after(OPENSSL, &recipe, &SOON).0, expected, "{recipe}");
    }
}

#[test]
fn what_ends_of_one_s_own_is_renewed_by_the_command_that_is_told() {
    let alice = "key pki/alice.key; issue pki/alice subject=/O=dev/CN=alice days=10\n";
    let conf = "sed s/kubernetes-admin/alice/ admin.conf > alice.conf; chmod 600 alice.conf; \
        put alice.conf client-certificate-data pki/alice.crt; put alice.conf client-key-data pki/alice.key; \
        rm pki/alice.*\n";
    let both = format!("{alice}{conf}");
    for (recipe, name, file) in [
        (alice, "alice.crt", "pki/alice.crt"),
        (&both, "alice.conf", "alice.conf"),
    ] {
        let place = OPENSSL.copy();
        OPENSSL.cook(recipe, place.path());
        let told = format!(": 'certs renew {name}' renews it, as it is");
        let finished = check(place.path(), &SOON).expect(3);
        assert!(finished.stdout.contains(&told), "{finished}");
        let mut renew = certs(&["renew", name, "--kubernetes-dir"]);
        renew.arg(place.join("k")).args(["--kubelet-dir", "none"]);
        let file = place.join("k").join(file);
        let former = read(&file);
        run(&mut at(NOON, "022", &renew)).expect(0);
        assert_ne!(read(&file), former, "{name}");
    }
    // What none of the CAs signed whose keys are here.
    let foreign = "authority pki/foreign /CN=foreign; key pki/x.key; issue pki/x subject=/CN=x ca=pki/foreign days=1; \
        rm pki/foreign.*";
    let place = OPENSSL.copy();
    OPENSSL.cook(foreign, place.path());
    let finished = check(place.path(), &SOON);
    let words = ": issue it anew where it was made";
    assert!(finished.stdout.contains(words), "{finished}");
    assert!(!finished.stdout.contains("'certs renew"), "{finished}");
    // Where no run writes the way out is the one that a renewal tells.
    let moved = "mkdir pki/sub; mv pki/alice.crt pki/alice.key pki/sub/\n";
    let one_file = "cat pki/alice.key >> pki/alice.crt; rm pki/alice.key; mv pki/alice.crt pki/both.pem; \
        chmod 600 pki/both.pem\n";
    let lone = "mkdir pki/sub; mv pki/alice.crt pki/sub/; rm pki/alice.key\n";
    for (recipe, way_out, told_by_renewal) in [
        (format!("{alice}{moved}"), "call it NAME.crt, with", true),
        (
            format!("{both}mv alice.conf alice.kubeconfig\n"),
            "call it NAME.crt, with",
            true,
        ),
        (format!("{alice}{one_file}"), "put its parts into", true),
        (
            format!("{alice}{lone}"),
            "issue it anew where its key is",
            false,
        ),
    ] {
        let place = OPENSSL.copy();
        OPENSSL.cook(&recipe, place.path());
        let way_out = format!(": {way_out}");
        let told = check(place.path(), &SOON).expect(3);
        assert!(told.stdout.contains(&way_out), "{recipe} {told}");
        assert!(!told.stdout.contains("'certs renew"), "{told}");
        let renew = ["renew", "--within", "720h", "--kubelet-dir", "none"];
        let mut renew = certs(&[&renew[..], &["--kubernetes-dir"]].concat());
        let renewed = run(&mut at(NOON, "022", renew.arg(place.join("k"))));
        let found = renewed.stderr.contains(&way_out);
        assert_eq!(found, told_by_renewal, "{recipe} {renewed}");
    }
}

#[test]
fn a_ca_of_another_entry_for_the_same_server_is_told() {
    let second = |ca: &str, server: &str| {
        format!(
            "authority \"$aside/other\" /CN=other; url=$(sed -n 's/.*server: //p' admin.conf); \
             edit admin.conf \"s,^clusters:,&\\n- cluster: {{server: {server}\\, certificate-authority-data: $(base64 -w 0 {ca})}}\\n  name: second,\""
        )
    };
    let extra = vec!["warning kubeconfig-trust-extra admin.conf"];
    for (ca, server, expected) in [
        ("\"$aside/other.crt\"", "$url", extra.clone()),
        ("pki/ca.crt", "$url", vec![]),
        ("\"$aside/other.crt\"", "$url/", extra.clone()),
        ("\"$aside/other.crt\"", "${url/https/HTTPS}", extra.clone()),
        ("pki/ca.crt", "$url/", vec![]),
        ("\"$aside/other.crt\"", "https://10.9.9.9:6443", vec![]),
    ] {
        let recipe = second(ca, server);
        assert_eq!(after(OPENSSL, &recipe, &[]).0, expected, "{recipe}");
        let named = recipe.replace(
            &format!("certificate-authority-data: $(base64 -w 0 {ca})"),
            &format!("certificate-authority: $(realpath {ca})"),
        );
        assert_ne!(named, recipe);
        assert_eq!(after(OPENSSL, &named, &[]).0, expected, "{named}");
    }
}

/// A key, a certificate that ends tomorrow and a kubeconfig of one's own, beside the tree.
const ALICE: &str = "\
    key \"$aside/alice.key\"; issue \"$aside/alice\" subject=/O=dev/CN=alice days=1\n\
    sed s/kubernetes-admin/alice/ admin.conf > \"$aside/alice.conf\"\n\
    mkdir -p pki/sub sub/deep/er\n";

#[test]
fn what_lies_there_is_found_whatever_its_name_and_place() {
    let mut cases: Vec<(String, Vec<String>)> = Vec::new();
    for name in [
        "pki/x.key",
        "pki/etcd/x.key",
        "pki/admin-key.pem",
        "x.key",
        "x.pem",
        "pki/ca.key.bak",
        "pki/A.key",
        "pki/a b.key",
        "pki/ünï.key",
        "pki/sub/x.key",
        "sub/deep/er/x",
    ] {
        let copied = format!("{ALICE}cp \"$aside/alice.key\" '{name}'; chmod 600 '{name}'");
        let base = name.strip_prefix("pki/").unwrap_or(name);
        let told = vec![format!("error key-mode {base}")];
        cases.push((format!("{copied}; chmod 644 '{name}'"), told));
        cases.push((copied, vec![]));
    }
    for (name, form) in [
        ("pki/A.crt", "PEM"),
        ("pki/sub/x.crt", "PEM"),
        ("x.cer", "PEM"),
        ("pki/d.crt", "DER"),
        ("sub/deep/noname", "DER"),
    ] {
        let base = name.strip_prefix("pki/").unwrap_or(name);
        cases.push((
            format!("{ALICE}openssl x509 -in \"$aside/alice.crt\" -outform {form} -out {name}"),
            vec![format!("warning expires-soon {base}")],
        ));
    }
    for name in [
        "Admin.conf",
        "my_admin.conf",
        "config",
        "a.kubeconfig",
        "pki/a.conf",
        "sub/a.conf",
        "admin.conf.bak",
    ] {
        let copied = format!("{ALICE}cp admin.conf {name}; chmod 600 {name}");
        let base = name.strip_prefix("pki/").unwrap_or(name);
        let told = vec![format!("error key-mode {base}")];
        cases.push((format!("{copied}; chmod 644 {name}"), told));
        cases.push((copied, vec![]));
    }
    each_told(&cases);
}

/// Each recipe, after [`ALICE`], is told as it says, exactly.
fn each_told(cases: &[(String, Vec<String>)]) {
    each(cases.iter(), |(recipe, expected)| {
        let (told, _) = after(OPENSSL, recipe, &SOON);
        if told == *expected {
            Ok(())
        } else {
            Err(format!("{recipe}: {told:?}"))
        }
    });
}

/// What is done to a tree, and what of it is told, whatever it is called.
const BY_WHAT_IT_IS: [(&str, &[&str]); 24] = [
    (
        "cp \"$aside/alice.crt\" pki/A.crt; cp pki/apiserver.key pki/A.key",
        &["error key-mismatch A.key", "warning expires-soon A.crt"],
    ),
    (
        "printf -- '-----BEGIN CERTIFICATE-----\\n' > pki/sub/x.crt",
        &["error unreadable sub/x.crt"],
    ),
    (
        "printf -- '-----BEGIN CERTIFICATE-----\\n' > pki/sub/notes",
        &[],
    ),
    (
        "ln -s /etc/ssl pki/link; ln -s /etc/passwd pki/p.crt; ln -s /etc/passwd sub/p.key; ln -s nowhere sub/n; \
             mkfifo sub/pipe.key pki/f.pem; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"s.conf\")'",
        &[
            "warning not-looked-at s.conf",
            "warning not-looked-at sub/n",
            "warning not-looked-at sub/p.key",
            "warning not-looked-at sub/pipe.key",
            "warning not-looked-at f.pem",
            "warning not-looked-at link",
            "warning not-looked-at p.crt",
        ],
    ),
    // What they lead to is looked at by itself.
    (
        "cp \"$aside/alice.crt\" sub/a; ln -s ../sub/a pki/p.crt; ln -s ../sub pki/link; ln -s etcd/ca.key pki/l.key",
        &["warning expires-soon sub/a"],
    ),
    (
        "mkdir pki/f.key pki/f.crt; cp \"$aside/alice.key\" pki/f.key/x; chmod 644 pki/f.key/x",
        &[
            "error unreadable f.crt",
            "error unreadable f.key",
            "error key-mode f.key/x",
        ],
    ),
    (
        "openssl pkcs8 -topk8 -in \"$aside/alice.key\" -outform DER -out pki/x -passout pass:x; \
             openssl pkcs8 -topk8 -in \"$aside/alice.key\" -outform DER -out pki/y -passout pass:x -v1 PBE-SHA1-3DES; \
             openssl pkcs12 -export -inkey \"$aside/alice.key\" -in \"$aside/alice.crt\" -out my.p12 -passout pass:x; \
             openssl pkcs12 -export -nokeys -in pki/ca.crt -out trust.p12 -passout pass:x; \
             chmod 666 pki/x pki/y my.p12; chmod 644 trust.p12",
        &[
            "error key-mode my.p12",
            "error key-mode x",
            "error key-mode y",
        ],
    ),
    (
        "openssl pkcs8 -topk8 -in \"$aside/alice.key\" -outform DER -out pki/x -passout pass:x; \
             openssl pkcs12 -export -inkey \"$aside/alice.key\" -in \"$aside/alice.crt\" -out my.p12 -passout pass:x; \
             chmod 600 pki/x my.p12",
        &[],
    ),
    (
        "openssl genpkey -algorithm ed25519 -outform DER -out a; openssl genpkey -algorithm ed25519 -outform DER -out b.key; \
             openssl genrsa 1024 | openssl rsa -traditional -outform DER -out c; \
             openssl ecparam -name secp256k1 -genkey -noout -outform DER -out d; chmod 666 a b.key c d",
        &[
            "error key-mode a",
            "error key-mode b.key",
            "error unreadable b.key",
            "error key-mode c",
            "error key-mode d",
        ],
    ),
    // An editor puts a line break behind it.
    (
        "openssl pkey -in \"$aside/alice.key\" -outform DER -out a; echo >> a; chmod 666 a; \
             openssl x509 -in \"$aside/alice.crt\" -outform DER -out b.cer; printf '\\r\\n' >> b.cer; \
             openssl pkcs8 -topk8 -in \"$aside/alice.key\" -outform DER -out c -passout pass:x; echo >> c; chmod 666 c",
        &[
            "error key-mode a",
            "error key-mode c",
            "warning expires-soon b.cer",
        ],
    ),
    // In a Secret, and in what a typing error makes none of.
    (
        "secret() { printf '%s\\n' 'apiVersion: v1' \"kind: $1\" data:; sed 's/^/  /'; }; data() { base64 -w \"$1\" \"$2\"; }; \
             echo \"tls.key: $(data 0 pki/ca.key)\" | secret Secret > a.yaml; \
             { echo 'tls.key: |'; data 64 pki/ca.key | sed 's/^/  /'; } | secret Secret > b.yml; \
             echo \"value: $(data 0 admin.conf)\" | secret Secret > c.yaml; \
             echo \"{\\\"kind\\\": \\\"Secret\\\", \\\"data\\\": {\\\"k\\\": \\\"$(data 0 pki/ca.key)\\\"}}\" > d.json; \
             python3 -c 'import json; print(json.dumps({\"stringData\": {\"k\": open(\"pki/ca.key\").read()}}))' > e.json; \
             { echo 'stringData:'; echo '  k: |'; sed 's/^/    /' pki/ca.key; } > f.yaml; \
             sed 's/^kind: .*/kind: Confi/' admin.conf > g.conf; \
             echo \"tls.crt: $(data 0 pki/ca.crt)\" | secret Secret > public.yaml; chmod 644 *.yaml *.yml *.json g.conf",
        &[
            "error key-mode a.yaml",
            "error key-mode b.yml",
            "error key-mode c.yaml",
            "error key-mode d.json",
            "error key-mode e.json",
            "error key-mode f.yaml",
            "error key-mode g.conf",
        ],
    ),
    (
        "echo \"apiVersion: v1\nkind: Secret\ndata: {k: $(base64 -w 0 pki/ca.key)}\" > a.yaml; chmod 600 a.yaml",
        &[],
    ),
    // Wherever in what base64 is made of, in that of DER and of PKCS#12, and in that of what holds base64.
    (
        "data() { base64 -w 0; }; { echo; cat pki/ca.key; } | data | sed 's/^/tls.key: /' > a.yaml; \
             { echo '# x'; cat pki/ca.key; } | data > b; { openssl x509 -in pki/ca.crt -subject -issuer; cat pki/ca.key; } | base64 > c; \
             { echo ---; cat admin.conf; } | data > d; echo KEY=$(data < pki/ca.key) > e.env; \
             echo \"config: $(echo \"{\\\"tlsClientConfig\\\":{\\\"keyData\\\":\\\"$(data < pki/ca.key)\\\"}}\" | data)\" > f.yaml; \
             openssl pkey -in pki/ca.key -outform DER | base64 > g; \
             openssl pkcs8 -topk8 -in pki/ca.key -outform DER -passout pass:x | base64 > h; \
             openssl pkcs12 -export -inkey pki/ca.key -in pki/ca.crt -passout pass:x | data | sed 's/^/store.p12: /' > i.yaml; \
             { echo; cat pki/ca.crt; } | data > public; openssl pkey -in pki/ca.key -pubout -outform DER | base64 > public.key-data; \
             openssl x509 -in pki/ca.crt -outform DER | base64 > public.der64; chmod 644 ?.* ? public*",
        &[
            "error key-mode a.yaml",
            "error key-mode b",
            "error key-mode c",
            "error key-mode d",
            "error key-mode e.env",
            "error key-mode f.yaml",
            "error key-mode g",
            "error key-mode h",
            "error key-mode i.yaml",
        ],
    ),
    (
        "{ echo; cat pki/ca.key; } | base64 > a; openssl pkey -in pki/ca.key -outform DER | base64 > b; chmod 600 a b",
        &[],
    ),
    // kubectl reads each of these.
    (
        "edit() { sed \"$2\" admin.conf > \"$1\"; chmod 644 \"$1\"; }; edit a /^kind/d; \
             edit b 's/^kind.*/kind: \"\\x43onfig\"/'; edit c 's/^users:/\"\\\\u0075sers\":/'; \
             iconv -t UTF-16 admin.conf > d; chmod 644 d; \
             python3 -c 'import yaml, json; print(json.dumps(yaml.safe_load(open(\"admin.conf\"))))' > e; chmod 644 e",
        &[
            "error key-mode a",
            "error key-mode b",
            "error key-mode c",
            "error key-mode d",
            "error unreadable d",
            "error key-mode e",
        ],
    ),
    (
        "sed /client-certificate-data/d admin.conf > k; chmod 644 k; echo 'users: [{user: {token: x}}]' > t; chmod 644 t; \
             echo 'users: [{name: x}]' > n; chmod 644 n",
        &["error key-mode k", "error key-mode t", "error unreadable t"],
    ),
    (
        "head -c 1048577 /dev/zero > large; head -c 1048577 /dev/zero > large.crt",
        &["error unreadable large.crt"],
    ),
    // What etcd has, as kubeadm copies it before an upgrade, is no file of the tree.
    (
        "snap=tmp/kubeadm-backup-etcd-2026-11-22-12-00-00/etcd/member/snap; mkdir -p $snap; \
             { head -c 4096 /dev/zero; cat pki/ca.crt; echo users; head -c 2000000 /dev/zero; } > $snap/db; \
             seq 300000 > log",
        &[],
    ),
    // Of so many no more is begun either.
    (
        "for number in {10..75}; do truncate -s 2000000 z$number; done",
        &["warning not-looked-at z74", "warning not-looked-at z75"],
    ),
    (
        "lines() { seq 300000; }; { cat pki/ca.crt; lines; } > a; \
             { cat pki/apiserver.key; lines; } > b; { cat admin.conf; lines; } > c; \
             { openssl x509 -in pki/ca.crt -outform DER; lines; } > d; \
             tar -cf e pki/ca.key a; tar -cf f admin.conf a; \
             { lines; cat pki/apiserver.key; } > beyond; iconv -f UTF-8 -t UTF-16LE c > g",
        &[
            "warning not-looked-at b",
            "warning not-looked-at d",
            "warning not-looked-at a",
            "warning not-looked-at c",
            "warning not-looked-at e",
            "warning not-looked-at f",
            "warning not-looked-at g",
        ],
    ),
    (
        "mkdir -m 700 .certs-old; cp pki/ca.key .certs-old/; chmod 644 .certs-old/ca.key",
        &[],
    ),
    (
        "mkdir -m 755 pki/.certs-backup .certs-old; cp pki/ca.key pki/.certs-x.key; chmod 666 pki/.certs-x.key",
        &[
            "error key-mode .certs-old",
            "error key-mode .certs-backup",
            "error key-mode .certs-x.key",
        ],
    ),
    (
        "cp pki/ca.key pki/.certs-0011223344556677-0; chmod 666 pki/.certs-0011223344556677-0; \
             cp pki/ca.crt pki/.certs-0011223344556677-1; chmod 644 pki/.certs-0011223344556677-1",
        &["error key-mode .certs-0011223344556677-0"],
    ),
    (
        "mkdir -p sub/1/2/3/4/5/6/7/8/9",
        &["warning not-looked-at sub/1/2/3/4/5/6/7/8"],
    ),
];

/// What is done to a kubeconfig of one's own, so that it is none that can be read.
const NO_KUBECONFIG: [&str; 13] = [
    "edit $conf 's/^  user:/\\tuser:/'",
    "edit $conf 's/^kind:/kind/'",
    "edit $conf 's/^kind:.*/&\\n&/'",
    "edit $conf '3i <<<<<<< HEAD'",
    "edit $conf 's/server: /&\"/'",
    "head -c 64 /dev/zero >> $conf",
    "edit $conf 's/^kind:.*/kind: config/'",
    "echo 'users: []' >> $conf",
    "edit $conf '/^users:/,$d'; echo 'users: {}' >> $conf",
    "{ echo ---; cat scheduler.conf; } >> $conf",
    "edit $conf 's/ user: .*/ user: nobody/'",
    "edit $conf 's/client-key-data: .*/client-key-data: \"%\"/'",
    "edit $conf s,https://10.0.0.10:6443,https://:6443,",
];

#[test]
fn a_kubeconfig_that_cannot_be_read_is_told_with_who_may_read_it() {
    let mut cases: Vec<(String, Vec<String>)> = Vec::new();
    for (name, as_row) in [
        ("admin.conf", true),
        ("alice.conf", false),
        ("alice", false),
        ("pki/alice.bak", false),
    ] {
        let base = name.strip_prefix("pki/").unwrap_or(name);
        for harm in NO_KUBECONFIG {
            let copied = if as_row { "" } else { "cp admin.conf $conf; " };
            let recipe = format!("conf={name}; {copied}{harm}; chmod 0666 $conf");
            let told = ["key-mode", "unreadable"].map(|code| format!("error {code} {base}"));
            cases.push((recipe, told.into()));
        }
    }
    let lone = |recipe: &str, told: &[&str]| {
        let told = told.iter().map(ToString::to_string).collect();
        (recipe.to_owned(), told)
    };
    cases.extend([
        lone(
            "head -c 300 /dev/urandom > eve.conf; chmod 600 eve.conf",
            &["error unreadable eve.conf"],
        ),
        lone("head -5 admin.conf > eve.conf", &["error key-mode eve.conf", "error unreadable eve.conf"]),
        lone(": > eve.conf; chmod 640 eve.conf", &["error unreadable eve.conf"]),
        lone("edit pki/apiserver.key '2i stray line'; chmod 666 pki/apiserver.key", &["error key-mode apiserver.key", "error unreadable apiserver.key"]),
        lone("rm pki/apiserver.crt; chmod 666 pki/apiserver.key", &["error key-mode apiserver.key", "error missing-certificate apiserver.key"]),
        lone(
            "printf '[Unit]\\nDescription=x\\n' > u.conf; printf 'nameserver 10.0.0.1\\n' > resolv.conf; \
             printf 'ETCD_NAME=cp1\\n' > etcd.conf; echo '{\"cniVersion\": \"1.0.0\", \"name\": \"x\"}' > cni.conf; \
             printf 'apiVersion: v1\\nkind: Config\\nclusters: []\\nusers: []\\n' > nobody.conf",
            &[],
        ),
    ]);
    each_told(&cases);
}

#[test]
fn the_key_that_a_kubeconfig_names_is_told_of_where_that_cannot_be_used() {
    let named = "field admin.conf client-key-data > \"$aside/away.key\"; edit() { sed -i -E \"$2\" \"$1\"; }; cp admin.conf a.conf; \
        edit a.conf \"s,client-key-data: .*,client-key: $aside/away.key,\"";
    for harm in [
        "s,server: https,server: http,",
        "s/client-certificate-data: .*/client-certificate-data: eA==/",
        "s/ user: .*/ user: nobody/",
    ] {
        for (mode, expected) in [
            (
                "644",
                vec!["error key-mode a.conf", "error unreadable a.conf"],
            ),
            ("600", vec!["error unreadable a.conf"]),
        ] {
            let recipe = format!("{named}; edit a.conf '{harm}'; chmod {mode} \"$aside/away.key\"");
            let mut told = after(OPENSSL, &recipe, &[]).0;
            told.sort();
            assert_eq!(told, expected, "{recipe}");
        }
        // What holds no key is none, whatever the kubeconfig says.
        let recipe = format!(
            "{named}; edit a.conf '{harm}'; printf 'root:x:0:0\\n' > \"$aside/away.key\"; chmod 644 \"$aside/away.key\""
        );
        let told = after(OPENSSL, &recipe, &[]).0;
        let only = |told: &String| told == "error unreadable a.conf";
        assert!(
            !told.is_empty() && told.iter().all(only),
            "{recipe}: {told:?}"
        );
    }
}

#[test]
fn a_file_with_one_of_our_names_that_holds_nothing_of_that_kind_is_told() {
    let mut cases: Vec<(String, Vec<String>)> = Vec::new();
    for harm in [
        "echo junk > $f",
        ": > $f",
        "sed 's/ CERTIFICATE/ TRUSTED CERTIFICATE/' pki/ca.crt > $f",
        "sed 's/ CERTIFICATE/ X509 CERTIFICATE/' pki/ca.crt > $f",
        "openssl crl2pkcs7 -nocrl -certfile pki/ca.crt -out $f",
        "openssl crl2pkcs7 -nocrl -certfile pki/ca.crt -outform DER -out $f",
        "head -c 300 /dev/urandom > $f",
    ] {
        for name in ["foo.crt", "Foo.PEM", "foo.cer", "sub/foo.cert"] {
            let recipe = format!("mkdir -p pki/sub; f=pki/{name}; {harm}");
            cases.push((recipe, vec![format!("error unreadable {name}")]));
        }
        let recipe = format!("f=pki/foo.key; {harm}; chmod 644 $f");
        let told = ["key-mode", "unreadable"].map(|code| format!("error {code} foo.key"));
        cases.push((recipe, told.into()));
        cases.push((format!("f=pki/foo.txt; {harm}"), vec![]));
    }
    cases.push((
        "echo 'ssh-ed25519 AAAA x' > pki/ssh.pub; openssl pkey -in pki/sa.key -pubout -out pki/s.pem; \
         openssl req -new -key pki/apiserver.key -subj /CN=x -out pki/r.pem; \
         sed 's/ CERTIFICATE/ X509 CRL/' pki/ca.crt > pki/crl.pem"
            .to_owned(),
        vec![],
    ));
    each_told(&cases);
}

#[test]
fn what_is_found_is_told_by_what_it_is() {
    let cases = BY_WHAT_IT_IS.map(|(recipe, told)| {
        let told = told.iter().map(ToString::to_string).collect();
        (format!("{ALICE}{recipe}"), told)
    });
    each_told(&cases);
}

/// A file of this many octets, in which the text stands again and again.
fn repeated(text: &str, octets: usize) -> String {
    text.repeat(octets / text.len())
}

#[test]
fn no_more_is_looked_into_than_a_tree_can_have_and_what_is_not_is_told() {
    const EACH: usize = 1_000_000;
    let place = OPENSSL.copy();
    let pki = place.join("k/pki");
    let padded = |name: &str| read(&pki.join(name)) + &repeated("# what else\n", EACH);
    let bundle = padded("ca.crt");
    for number in 0..12 {
        write(&pki.join(format!("b{number:02}.crt")), &bundle);
    }
    // What can be nothing counts for little.
    let manifest = repeated("kind: ConfigMap\n", EACH);
    for number in 0..12 {
        write(&place.join(&format!("k/m{number}.yaml")), &manifest);
    }
    // Smaller ones come first, whatever their names.
    fs::copy(pki.join("apiserver.key"), pki.join("z.key")).expect("copy a file");
    set_mode(&pki.join("z.key"), 0o644);
    let finished = check(place.path(), &["-o", "json"]).expect(4);
    let report = report(&finished);
    let left: Vec<String> = (8..12)
        .map(|number| format!("warning not-looked-at b{number:02}.crt"))
        .collect();
    let expected = [&["error key-mode z.key".to_owned()][..], &left].concat();
    assert_eq!(told(&report), expected);
    let items = report["items"].as_array().expect("items");
    let looked = items.iter().filter(|item| {
        let file = item["files"][0].as_str().expect("a file");
        file.contains("/pki/b")
    });
    assert_eq!(looked.count(), 8);
    // Pairs of one's own count too, and rows do not.
    for number in 0..12 {
        fs::copy(
            pki.join("apiserver.key"),
            pki.join(format!("b{number:02}.key")),
        )
        .expect("copy a file");
    }
    write(
        &pki.join("front-proxy-ca.crt"),
        padded("front-proxy-ca.crt"),
    );
    let finished = check(place.path(), &["-o", "json"]).expect(4);
    let report = self::report(&finished);
    let all = told(&report);
    let left_now: Vec<&String> = all
        .iter()
        .filter(|line| line.contains("not-looked-at"))
        .collect();
    assert_eq!(left_now, left.iter().collect::<Vec<_>>());
}

#[test]
fn a_certificate_found_is_told_with_the_key_that_lies_beside_it() {
    let place = OPENSSL.copy();
    let recipe = format!(
        "{ALICE}cp \"$aside/alice.crt\" sub/w.pem; cp \"$aside/alice.key\" sub/q; chmod 600 sub/q"
    );
    OPENSSL.cook(&recipe, place.path());
    let report = report(&check(place.path(), &["-o", "json", "--within", "30d"]).expect(3));
    let items = report["items"].as_array().expect("items");
    let name = place.join("k/sub/w.pem");
    let item = items
        .iter()
        .find(|item| item["name"] == text(&name))
        .expect("a row");
    assert_eq!(item["kind"], "client");
    let key = place.join("k/sub/q");
    assert_eq!(item["files"], serde_json::json!([text(&name), text(&key)]));
}

#[test]
fn a_ca_is_managed_elsewhere_where_no_file_has_its_key() {
    let place = Base::Default.copy();
    let pki = place.join("k/pki");
    fs::copy(pki.join("ca.crt"), pki.join("ca-signing.crt")).expect("copy a file");
    for elsewhere in [false, true] {
        if elsewhere {
            fs::remove_file(pki.join("ca.key")).expect("remove a file");
        }
        let report = report(&check(place.path(), &["-o", "json"]));
        let items = report["items"].as_array().expect("a list");
        for file in ["/ca.crt", "/ca-signing.crt"] {
            let item = items.iter().find(|item| {
                let first = item["files"][0].as_str();
                first.is_some_and(|path| path.ends_with(&format!("k/pki{file}")))
            });
            let item = item.unwrap_or_else(|| panic!("{file}: {report}"));
            assert_eq!(item["externallyManaged"], elsewhere, "{item}");
        }
    }
}

#[test]
fn a_kubeconfig_with_a_token_is_judged_by_its_mode_its_ca_and_where_it_leads() {
    let robot = "\
        sed -e /client-certificate-data/d -e 's/client-key-data: .*/token: abcdef.0123456789abcdef/' \
        admin.conf > robot.conf; chmod 600 robot.conf\n\
        authority \"$aside/other\" /CN=other days=20\n";
    let other = "put robot.conf certificate-authority-data \"$aside/other.crt\"\n";
    let away = "edit robot.conf s/10.0.0.10/10.9.9.9/\n";
    for (recipe, expected) in [
        (String::new(), vec![]),
        (
            "chmod 644 robot.conf".to_owned(),
            vec!["error key-mode robot.conf"],
        ),
        (
            other.to_owned(),
            vec![
                "error kubeconfig-ca robot.conf",
                "warning expires-soon robot.conf",
            ],
        ),
        (away.to_owned(), vec!["error server-not-in-sans robot.conf"]),
        (
            "edit robot.conf /certificate-authority-data/d".to_owned(),
            vec!["error kubeconfig-ca robot.conf"],
        ),
        // A webhook's.
        (
            format!("{other}{away}"),
            vec!["warning expires-soon robot.conf"],
        ),
        (
            format!("edit robot.conf /certificate-authority-data/d\n{away}"),
            vec![],
        ),
        // By this one a kubelet joins, wherever it leads.
        (
            format!("{other}{away}\nmv robot.conf bootstrap-kubelet.conf"),
            vec![
                "error kubeconfig-ca bootstrap-kubelet.conf",
                "error server-not-in-sans bootstrap-kubelet.conf",
                "warning expires-soon bootstrap-kubelet.conf",
            ],
        ),
        (
            "edit robot.conf /current-context/d; chmod 644 robot.conf".to_owned(),
            vec!["error key-mode robot.conf", "error unreadable robot.conf"],
        ),
    ] {
        let told = after(OPENSSL, &format!("{robot}{recipe}"), &[]).0;
        assert_eq!(told, expected, "{recipe}");
    }
    let place = OPENSSL.copy();
    OPENSSL.cook(robot, place.path());
    let finished = check(place.path(), &[]).expect(0);
    assert!(finished.stdout.contains("k/robot.conf\n"), "{finished}");
    let finished = check(place.path(), &["-o", "prometheus"]).expect(0);
    let told = |line: &str| {
        line.starts_with(
            "x509_cert_not_after{embedded_key=\"kubernetes\",embedded_kind=\"cluster\"",
        ) && line.contains("filename=\"robot.conf\"")
    };
    assert!(finished.stdout.lines().any(told), "{finished}");
    let whole = |line: &str| {
        line.starts_with("x509_cert_error{filename=\"robot.conf\"") && line.ends_with(" 0")
    };
    assert!(finished.stdout.lines().any(whole), "{finished}");
    set_mode(&place.join("k/robot.conf"), 0o644);
    let finished = check(place.path(), &[]).expect(4);
    let way_out = "replace the token or password if others may have read it";
    assert!(finished.stdout.contains(way_out), "{finished}");
}

/// Its user's certificate is as good as any other's.
#[test]
fn a_kubeconfig_without_ca_certificates_is_judged_like_any_other() {
    let without = "edit $conf /certificate-authority-data/d";
    for (conf, copied) in [
        ("scheduler.conf", ""),
        ("alice.conf", "cp scheduler.conf $conf;"),
    ] {
        let recipe = format!("conf={conf}; {copied} {without}");
        let told = after(OPENSSL, &recipe, &[]).0;
        assert_eq!(told, [format!("error kubeconfig-ca {conf}")], "{conf}");
        let told = after(OPENSSL, &recipe, &["--within", "400d"]).0;
        assert!(
            told.contains(&format!("warning expires-soon {conf}")),
            "{told:?}"
        );
        let place = OPENSSL.copy();
        OPENSSL.cook(&recipe, place.path());
        let finished = check(place.path(), &[]).expect(4);
        assert!(!finished.stdout.contains("UNREAD"), "{finished}");
    }
}

#[test]
fn what_kubelets_keep_is_as_it_should_be() {
    let place = OPENSSL.copy();
    let recipe = "\
        cd ..; mkdir kubelet; cd k\n\
        key ../kubelet/old.key\n\
        field kubelet.conf client-certificate-data > \"$aside/leaf\"\n\
        field kubelet.conf client-key-data > \"$aside/leaf.key\"\n\
        cat \"$aside/leaf\" \"$aside/leaf.key\" > ../kubelet/kubelet-client-2026-11-22-00-00-00.pem\n\
        echo garbage > ../kubelet/kubelet-client-2025-11-22-00-00-00.pem\n\
        ln -s kubelet-client-2026-11-22-00-00-00.pem ../kubelet/kubelet-client-current.pem\n\
        chmod 600 ../kubelet/*\n\
        authority ../kubelet/own-ca /CN=cp1-ca@1795348800\n\
        key ../kubelet/kubelet.key\n\
        issue ../kubelet/kubelet subject=/CN=cp1@1795348800 ca=../kubelet/own-ca eku=serverAuth san=DNS:cp1\n\
        cat ../kubelet/own-ca.crt >> ../kubelet/kubelet.crt; rm ../kubelet/own-ca.*";
    OPENSSL.cook(recipe, place.path());
    let finished = check(place.path(), &["-o", "json"]).expect(0);
    let all = of_severity(&report(&finished), |_| true);
    assert!(
        all.iter()
            .any(|told| told == "note kubelet-self-signed kubelet.crt"),
        "{all:?}"
    );
    let items = report(&finished)["items"].clone();
    let names: Vec<&str> = items
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["name"].as_str().expect("a name"))
        .collect();
    assert!(
        names.contains(&"kubelet/kubelet-client-current.pem"),
        "{names:?}"
    );
    // A kubelet makes another only where there is none.
    let later = check_at(NOON + 400 * 86_400, place.path(), &[]);
    let ended = |line: &&str| line.contains("kubelet/kubelet.crt ended on ");
    let line = later.stdout.lines().find(ended);
    let line = line.unwrap_or_else(|| panic!("{later}"));
    for words in [
        "move it and its key away and restart the kubelet",
        "serverTLSBootstrap",
    ] {
        assert!(
            line.contains(words) && !line.contains("never replaces a CA"),
            "{line}"
        );
    }
    // One that the cluster's CA signed is a row's: a kubelet that is told to serve with it rotates it no more.
    let recipe = "\
        key ../kubelet/kubelet.key\n\
        issue ../kubelet/kubelet subject=/O=system:nodes/CN=system:node:cp1 eku=serverAuth san=DNS:cp1 days=1";
    OPENSSL.cook(recipe, place.path());
    let finished = check(place.path(), &["-o", "json", "--within", "1d"]).expect(3);
    assert_eq!(
        told(&report(&finished)),
        ["warning expires-soon kubelet.crt"]
    );
    let renews = "'certs renew kubelet-serving' renews it, as it is";
    assert!(finished.stdout.contains(renews), "{finished}");
    assert!(!finished.stdout.contains("kubelet-self-signed"));
    // Once its day is not due it is told how short that is.
    let lasts = "kubelet/kubelet.crt lasts 23h55m, so that a run a day may come after its end: say how long the new one \
                 is to last: 'certs renew kubelet-serving --validity 8760h'";
    let finished = check(place.path(), &["--within", "1h"]).expect(3);
    assert!(finished.stdout.contains(lasts), "{finished}");
    // Where the CA's key is not here it is asked for.
    fs::remove_file(place.join("k/pki/ca.key")).expect("remove");
    let asks =
        "'certs csr kubelet-serving' asks the CA's owner for it, and 'certs import' puts it here";
    let finished = check(place.path(), &["--within", "1d"]);
    let ends = |line: &&str| line.contains("kubelet/kubelet.crt ends on ") && line.contains(asks);
    assert!(
        finished.stdout.lines().any(|line| ends(&line)),
        "{finished}"
    );
}

#[test]
fn folders_of_a_kubelet_s_directory_are_looked_into_but_not_the_volumes_of_its_pods() {
    let place = OPENSSL.copy();
    let recipe = "\
        mkdir -p ../kubelet/pki/old ../kubelet/plugins\n\
        for folder in pki/old plugins; do key ../kubelet/$folder/x.key; done\n\
        chmod 644 ../kubelet/*/*.key ../kubelet/*/*/*.key";
    OPENSSL.cook(recipe, place.path());
    let told = || told(&report(&check(place.path(), &["-o", "json"]).expect(4)));
    let [old, other] = [
        "error key-mode pki/old/x.key",
        "error key-mode plugins/x.key",
    ];
    assert_eq!(told(), [old, other]);
    let volume = place.join("kubelet/pods/0/volumes");
    fs::create_dir_all(&volume).expect("make the folders");
    fs::copy(
        place.join("kubelet/plugins/x.key"),
        volume.join("of-a-pod.key"),
    )
    .expect("copy");
    assert_eq!(told(), [old]);
}

#[test]
fn the_keys_that_tokens_are_accepted_of_are_told_as_tokens_name_them() {
    let place = OPENSSL.copy();
    let recipe = "\
        key ../other.key\n\
        openssl pkey -in ../other.key -pubout > ../other.pub; cp pki/sa.pub ../own.pub\n\
        for one in own other; do openssl pkey -pubin -in ../$one.pub -outform DER | openssl dgst -sha256 -binary |\n\
        base64 | tr '+/' '-_' | tr -d '=\\n' > ../$one.kid; done";
    OPENSSL.cook(recipe, place.path());
    let [own, other] = ["own.kid", "other.kid"].map(|file| read(&place.join(file)));
    let said = |recipe: &str| {
        OPENSSL.cook(recipe, place.path());
        let report = report(&check(place.path(), &["-o", "json"]).expect(0));
        let findings = report["findings"].as_array().expect("findings");
        let told = findings.iter().find(|told| told["code"] == "token-keys");
        told.map_or_else(String::new, |told| {
            told["text"].as_str().expect("a text").to_owned()
        })
    };
    assert_eq!(said("true"), "");
    let both = said("cat ../own.pub ../other.pub > pki/sa.pub");
    let text =
        format!("holds 2 public keys, and tokens of each are accepted: {own} (sa.key), {other}");
    assert!(both.contains(&text), "{both}");
    let later = said("cat ../other.pub ../own.pub > pki/sa.pub");
    let text = format!("{other}, {own} (sa.key); that of sa.key is not the first");
    assert!(later.contains(&text), "{later}");
    // Nobody takes tokens that are signed with a key that is not there, be there however many.
    OPENSSL.cook("cat ../other.pub ../other.pub > pki/sa.pub", place.path());
    let finished = check(place.path(), &["-o", "json"]).expect(4);
    assert_eq!(told(&report(&finished)), ["error key-mismatch sa.pub"]);
}

#[test]
fn an_encrypted_key_of_a_ca_is_not_opened() {
    assert_eq!(after(OPENSSL, "encrypt pki/ca.key", &[]), (vec![], 0));
    let (told, _) = after(OPENSSL, "encrypt pki/apiserver.key", &[]);
    assert_eq!(told, ["error unreadable apiserver.key"]);
}

#[test]
fn who_may_not_read_keys_has_the_certificates_checked() {
    let public = Public::new();
    let place = OPENSSL.copy();
    OPENSSL.cook("issue pki/etcd/server days=1", place.path());
    let tree = public.0.join("k");
    run(Command::new("cp").args(["-a", text(&place.join("k")), text(&tree)])).expect(0);
    for folder in ["", "pki", "pki/etcd"] {
        set_mode(&tree.join(folder), 0o755);
    }
    // As kubeadm writes it.
    set_mode(&tree.join("pki/sa.pub"), 0o600);
    let kubelet = public.0.join("kubelet");
    fs::create_dir(&kubelet).expect("a folder");
    set_mode(&kubelet, 0o700);
    let check = |arguments: &[&str]| {
        let mut command = Command::new(public.0.join("certs"));
        command
            .args(["check", "--kubernetes-dir", text(&tree)])
            .args(["--kubelet-dir", text(&kubelet)])
            .args(arguments);
        run(&mut at(NOON, "022", &nobody(&command)))
    };
    let finished = check(&["-o", "json", "--within", "1d"]).expect(3);
    // Nothing is known of a kubeconfig: a sound tree looks otherwise.
    let kubeconfigs = [
        "admin",
        "super-admin",
        "kubelet",
        "controller-manager",
        "scheduler",
    ];
    let closed = kubeconfigs.map(|name| format!("warning not-looked-at {name}.conf"));
    let mut wanted = closed.to_vec();
    wanted.push("warning expires-soon etcd/server.crt".to_owned());
    assert_eq!(told(&report(&finished)), wanted);
    let summary = check(&["--within", "1d"]).expect(3).stdout;
    let words = "Looked at 7 certificates and 3 CAs: 6 warnings.";
    assert!(summary.trim_end().ends_with(words), "{summary}");
    let metrics = check(&["--output", "prometheus"]).expect(3).stdout;
    assert!(
        metrics.contains("certs_findings{severity=\"warning\"} "),
        "{metrics}"
    );
    let unread = of_severity(&report(&finished), |severity| severity == "note");
    let unread = unread.iter().filter(|told| told.contains("key-unread"));
    // Ten pairs, sa.key and sa.pub, the kubelet's folder.
    assert_eq!(unread.count(), 13, "{finished}");
    // A certificate is for everyone to read: not to be is no matter of keys.
    set_mode(&tree.join("pki/apiserver.crt"), 0o600);
    let finished = check(&["-o", "json"]).expect(1);
    assert!(told(&report(&finished)).contains(&"error read-failed apiserver.crt".to_owned()));
    let finished = check(&[]).expect(1);
    assert!(finished.stdout.contains("key-unread (13): "), "{finished}");
    assert!(
        finished.stdout.contains("\n!UNREAD! admin.conf"),
        "{finished}"
    );
    // What is told of a folder for one name in it is of no other file there.
    let odd = OsStr::from_bytes(b"notes-\xe9.txt");
    fs::write(tree.join("pki").join(odd), "").expect("write a file");
    let finished = check(&["--fail-on", "error"]).expect(1);
    for told in ["apiserver.crt cannot be read", "a name that is no UTF-8"] {
        assert!(finished.stdout.contains(told), "{told}: {finished}");
    }
    assert!(finished.stdout.contains("key-unread (13): "), "{finished}");
}

#[test]
fn a_folder_that_may_not_be_looked_into_is_told_once() {
    let public = Public::new();
    let place = OPENSSL.copy();
    let tree = public.0.join("k");
    run(Command::new("cp").args(["-a", text(&place.join("k")), text(&tree)])).expect(0);
    for folder in ["", "pki"] {
        set_mode(&tree.join(folder), 0o755);
    }
    set_mode(&tree.join("pki/etcd"), 0o700);
    let mut command = Command::new(public.0.join("certs"));
    command
        .args(["check", "--kubernetes-dir", text(&tree)])
        .args(["--kubelet-dir", text(&public.0.join("kubelet"))]);
    let finished = run(&mut at(NOON, "022", &nobody(&command))).expect(1);
    let once = "/pki/etcd cannot be read: permission denied: run as root, or as its owner\n";
    assert_eq!(finished.stdout.matches(once).count(), 1, "{finished}");
    assert_eq!(finished.stdout.matches("error: ").count(), 1, "{finished}");
    assert!(!finished.stdout.contains(".csr"), "{finished}");
}

#[test]
fn a_folder_that_hides_what_lies_in_it_is_told_by_its_path() {
    let public = Public::new();
    let place = OPENSSL.copy();
    let tree = public.0.join("k");
    run(Command::new("cp").args(["-a", text(&place.join("k")), text(&tree)])).expect(0);
    for folder in ["", "pki", "pki/etcd"] {
        set_mode(&tree.join(folder), 0o755);
    }
    let told = |mode: u32| {
        let folder = tree.join("pki/aside");
        if !folder.exists() {
            fs::create_dir(&folder).expect("make a folder");
            run(Command::new("cp").args(["-p", text(&tree.join("pki/ca.key")), text(&folder)]))
                .expect(0);
            set_mode(&folder.join("ca.key"), 0o666);
        }
        set_mode(&folder, mode);
        let mut command = Command::new(public.0.join("certs"));
        command
            .args(["check", "--kubernetes-dir", text(&tree), "-o", "json"])
            .args(["--kubelet-dir", text(&public.0.join("kubelet"))]);
        let finished = run(&mut at(NOON, "022", &nobody(&command)));
        let mut told = told(&report(&finished));
        told.retain(|told| told.contains("aside"));
        told
    };
    // The second may be listed, and nothing in it opened.
    for mode in [0o700, 0o744] {
        assert_eq!(told(mode), ["warning not-looked-at aside"], "{mode:o}");
    }
    assert_eq!(told(0o755), ["error key-mode aside/ca.key"]);
}

#[test]
fn what_waits_for_its_certificate_is_shown_so() {
    let place = OPENSSL.copy();
    let recipe = "openssl req -new -key pki/apiserver.key -subj /CN=kube-apiserver -out pki/apiserver.csr\n\
                  rm pki/apiserver.crt";
    OPENSSL.cook(recipe, place.path());
    let finished = check(place.path(), &[]).expect(4);
    assert!(
        finished.stdout.contains("\n!WAITING! apiserver\n"),
        "{finished}"
    );
}

#[test]
fn an_interrupted_run_is_told_and_left() {
    let place = OPENSSL.copy();
    let journal = place.join("k/pki/.certs-journal");
    write(&journal, "certs journal 1 list\n");
    set_mode(&journal, 0o600);
    let finished = check(place.path(), &["-o", "json"]).expect(3);
    assert_eq!(
        told(&report(&finished)),
        ["warning interrupted-run .certs-journal"]
    );
    assert_eq!(read(&journal), "certs journal 1 list\n");
}

/// A journal in `pki` of a run that was to write these files of it, sealed as one is.
fn half_of_a_run(place: &Path, files: &[&str]) {
    let pki = place.join("k/pki");
    let digest = "0".repeat(64);
    let mut list = format!(
        "certs journal 1 list\ntransaction 0123456789abcdef\nsequence 1\ncommand renew\ntime 1\nbackup keep\n\
         root pki {}\n",
        text(&pki)
    );
    let entry = |file: &&str| format!("file pki {file} 600 - - {digest} {digest}\n");
    list.extend(files.iter().map(entry));
    let journal = pki.join(".certs-journal");
    write(&journal, &list);
    set_mode(&journal, 0o600);
    let seal = "printf 'sha256 %s\\n' \"$(sha256sum <k/pki/.certs-journal | cut -d' ' -f1)\" >>k/pki/.certs-journal";
    run(Command::new("sh").args(["-c", seal]).current_dir(place)).expect(0);
}

#[test]
fn an_interrupted_run_hides_only_that_what_it_was_to_write_does_not_fit() {
    let place = OPENSSL.copy();
    let recipe = "openssl ecparam -name prime256v1 -genkey -noout -out pki/apiserver.key\n\
                  chmod 0600 pki/apiserver.key\n\
                  openssl ecparam -name prime256v1 -genkey -noout -out pki/front-proxy-client.key\n\
                  chmod 0600 pki/front-proxy-client.key\n\
                  chmod 0644 pki/etcd/ca.key pki/apiserver-etcd-client.key\n\
                  rm pki/etcd/peer.crt";
    OPENSSL.cook(recipe, place.path());
    let others = [
        "error key-mismatch front-proxy-client.key",
        "error key-mode apiserver-etcd-client.key",
        "error key-mode etcd/ca.key",
        "error missing-certificate etcd/peer.key",
    ];
    let told_now = |code: i32| {
        let mut told = told(&report(&check(place.path(), &["-o", "json"]).expect(code)));
        told.sort();
        told
    };
    let mut all = others.to_vec();
    all.insert(0, "error key-mismatch apiserver.key");
    assert_eq!(told_now(4), all);
    half_of_a_run(
        place.path(),
        &[
            "apiserver.key",
            "apiserver.crt",
            "apiserver-etcd-client.key",
        ],
    );
    let mut rest = others.to_vec();
    rest.push("warning interrupted-run .certs-journal");
    assert_eq!(told_now(4), rest);

    // What has ended has ended, though the run was to replace it.
    let late = NOON + 3 * 366 * 86_400;
    let finished = check_at(late, place.path(), &["-o", "json", "--fail-on", "error"]).expect(4);
    let told = told(&report(&finished));
    for expired in ["apiserver.crt", "front-proxy-client.crt"] {
        assert!(
            told.contains(&format!("error expired {expired}")),
            "{told:?}"
        );
    }
}

#[test]
fn a_folder_in_the_place_of_a_file_is_told_whatever_the_file_is_called() {
    for (recipe, file) in [
        (
            "rm pki/apiserver.crt; mkdir pki/apiserver.crt",
            "apiserver.crt",
        ),
        (
            "rm pki/front-proxy-client.key; mkdir pki/front-proxy-client.key",
            "front-proxy-client.key",
        ),
        ("mkdir pki/alice.crt", "alice.crt"),
        (
            "key pki/alice.key; issue pki/alice subject=/CN=alice; rm pki/alice.key; mkdir pki/alice.key",
            "alice.key",
        ),
        ("mkdir bob.conf", "bob.conf"),
        ("mkdir pki/ca-signing.crt", "ca-signing.crt"),
    ] {
        let place = OPENSSL.copy();
        OPENSSL.cook(recipe, place.path());
        let told_now = |verb: &[&str]| {
            let mut command = certs(verb);
            command.args(["--kubernetes-dir", text(&place.join("k"))]);
            command.args(["--kubelet-dir", text(&place.join("kubelet")), "-o", "json"]);
            told(&report(&run(&mut at(NOON, "022", &command)).expect(4)))
        };
        let expected = [format!("error unreadable {file}")];
        assert_eq!(told_now(&["check"]), expected, "{recipe}");
        assert_eq!(told_now(&["renew", "--dry-run"]), expected, "{recipe}");
        let way_out = format!("{file} is a directory, not a file: move it away");
        assert!(
            check(place.path(), &[]).stdout.contains(&way_out),
            "{recipe}"
        );
    }
    // Another program's folder is none of these.
    assert_eq!(
        after(OPENSSL, "mkdir conf.d manifests pki/private pki/x.d", &[]),
        (vec![], 0)
    );
}

#[test]
fn a_leaf_behind_its_ca_is_told_by_that_and_judged_as_what_it_is() {
    let place = OPENSSL.copy();
    let both = "cat pki/ca.crt pki/$1.crt > \"$aside/both\"; cat \"$aside/both\" > pki/$1.crt";
    let recipe = format!(
        "turn() {{ {both}; }}; key pki/alice.key; issue pki/alice subject=/CN=alice at='2025-12-01 12:00:00'\n\
         turn alice; turn apiserver; turn apiserver-kubelet-client"
    );
    OPENSSL.cook(&recipe, place.path());
    let mut said = told(&report(&check(place.path(), &["-o", "json"]).expect(4)));
    said.sort();
    let expected = [
        "error chain-order alice.crt",
        "error chain-order apiserver-kubelet-client.crt",
        "error chain-order apiserver.crt",
        "warning expires-soon alice.crt",
    ];
    assert_eq!(said, expected);
    let way_out =
        "the certificate of its key, stands behind that: put the certificate of its key first";
    let finished = check(place.path(), &[]).expect(4);
    assert_eq!(finished.stdout.matches(way_out).count(), 3, "{finished}");
    let mut renew = certs(&["renew", "alice", "apiserver"]);
    renew.args(["--kubernetes-dir", text(&place.join("k"))]);
    renew.args(["--kubelet-dir", text(&place.join("kubelet"))]);
    let refused = run(&mut at(NOON, "022", &renew)).expect(4);
    assert_eq!(refused.stderr.matches(way_out).count(), 2, "{refused}");
    // That mends it.
    let turned = "for name in alice apiserver apiserver-kubelet-client; do\n\
                  awk '/BEGIN/{n++} n>1' pki/$name.crt > \"$aside/own\"; cat \"$aside/own\" pki/ca.crt > pki/$name.crt; done";
    OPENSSL.cook(turned, place.path());
    let said = told(&report(&check(place.path(), &["-o", "json"]).expect(3)));
    assert_eq!(said, ["warning expires-soon alice.crt"]);
    run(&mut at(NOON, "022", &renew)).expect(0);
    // With another key it is a CA's, of which that is not the key.
    let recipe = "key pki/bob.key; cat pki/ca.crt pki/alice.crt > pki/bob.crt";
    OPENSSL.cook(recipe, place.path());
    let said = told(&report(&check(place.path(), &["-o", "json"]).expect(4)));
    assert!(
        said.iter().all(|told| !told.contains("chain-order")),
        "{said:?}"
    );
}

#[test]
fn what_hangs_on_a_ca_that_an_interrupted_run_was_to_write_is_not_held_against_it() {
    let place = OPENSSL.copy();
    let recipe = "openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=etcd-ca \
                  -days 3650 -keyout pki/etcd/ca.key -out pki/etcd/ca.crt -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign\n\
                  chmod 0600 pki/etcd/ca.key";
    OPENSSL.cook(recipe, place.path());
    let told = || told(&report(&check(place.path(), &["-o", "json"])));
    assert!(
        told().iter().any(|told| told.contains(" etcd/server.crt")),
        "{:?}",
        told()
    );
    half_of_a_run(place.path(), &["etcd/ca.crt"]);
    assert_eq!(told(), ["warning interrupted-run .certs-journal"]);
}

#[test]
fn a_first_run_that_was_interrupted_or_is_at_work_is_no_lack_of_a_tree() {
    let place = TempDir::new();
    let tree = place.join("k");
    fs::create_dir_all(tree.join("pki")).expect("make the folders");
    let journal = tree.join("pki/.certs-journal");
    write(&journal, "certs journal 1 list\n");
    set_mode(&journal, 0o600);
    let finished = check(place.path(), &["-o", "json"]).expect(3);
    assert_eq!(
        told(&report(&finished)),
        ["warning interrupted-run .certs-journal"]
    );
    fs::remove_file(&journal).expect("remove the journal");
    check(place.path(), &[]).expect(2);
    let held = fs::File::open(tree.join("pki")).expect("open the folder");
    held.lock().expect("lock the folder");
    let finished = check(place.path(), &["-o", "json"]).expect(0);
    let notes = report(&finished)["notes"].to_string();
    assert!(notes.contains("another run is writing"), "{notes}");
}

/// Reads the text format strictly, and tells it as JSON: name, then a sample's labels and value each.
const PARSER: &str = "\
import json, sys
from prometheus_client.parser import text_string_to_metric_families
families, seen = {}, set()
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.type == 'gauge' and family.documentation, family
    assert family.name not in families, family.name
    for sample in family.samples:
        key = (sample.name, tuple(sorted(sample.labels.items())))
        assert sample.name == family.name and key not in seen, key
        seen.add(key)
    families[family.name] = [[s.labels, s.value] for s in family.samples]
print(json.dumps(families))
";

fn metrics(text: &str) -> Value {
    let folder = TempDir::new();
    let file = folder.join("metrics");
    write(&file, text);
    let mut command = Command::new("sh");
    command
        .args(["-c", "\"$0\" -c \"$1\" < \"$2\""])
        .arg(venv("python"))
        .args([PARSER, common::text(&file)]);
    report(&run(&mut command).expect(0))
}

/// The value of the one sample with these labels.
fn value(metrics: &Value, name: &str, labels: &[(&str, &str)]) -> f64 {
    let samples = metrics[name].as_array().expect(name);
    let found: Vec<&Value> = samples
        .iter()
        .filter(|sample| {
            labels
                .iter()
                .all(|(label, value)| sample[0][label] == *value)
        })
        .collect();
    assert_eq!(found.len(), 1, "{name} {labels:?}: {found:?}");
    found[0][1].as_f64().expect("a number")
}

#[test]
fn metrics_are_those_of_the_exporter_for_a_strict_parser() {
    let place = OPENSSL.copy();
    let recipe = "\
        issue pki/apiserver days=30; issue admin.conf at='2026-11-20 12:00:00' days=1\n\
        echo garbage > pki/front-proxy-client.crt\n\
        key pki/own.key; issue pki/own 'subject=/O=a\\\\b\"c/CN=own'\n\
        cat pki/ca.crt >> pki/ca.crt.2; cat pki/ca.crt.2 >> pki/ca.crt; rm pki/ca.crt.2";
    OPENSSL.cook(recipe, place.path());
    let finished = check(place.path(), &["--output", "prometheus"]).expect(4);
    let metrics = metrics(&finished.stdout);
    let day = 86_400;
    #[allow(clippy::cast_precision_loss, reason = "a time of our days")]
    let at = |days: i64| (NOON + days * day) as f64;
    let apiserver = [
        ("filename", "apiserver.crt"),
        ("subject_CN", "kube-apiserver"),
    ];
    assert_eq!(
        value(&metrics, "x509_cert_not_after", &apiserver).to_bits(),
        at(30).to_bits()
    );
    assert_eq!(
        value(&metrics, "x509_cert_not_before", &apiserver).to_bits(),
        at(0).to_bits()
    );
    assert!(value(&metrics, "x509_cert_expired", &apiserver) < 0.5);
    let admin = [
        ("filename", "admin.conf"),
        ("embedded_kind", "user"),
        ("embedded_key", "kubernetes-admin"),
        ("subject_O", "kubeadm:cluster-admins"),
        ("issuer_CN", "kubernetes"),
    ];
    assert!(value(&metrics, "x509_cert_expired", &admin) > 0.5);
    let cluster = [
        ("filename", "admin.conf"),
        ("embedded_kind", "cluster"),
        ("embedded_key", "kubernetes"),
        ("subject_CN", "kubernetes"),
    ];
    assert_eq!(
        value(&metrics, "x509_cert_not_after", &cluster).to_bits(),
        at(3650).to_bits()
    );
    let own = [("subject_O", "a\\b\"c"), ("filename", "own.crt")];
    assert!(value(&metrics, "x509_cert_expired", &own) < 0.5);
    for (file, error) in [("front-proxy-client.crt", 1.0), ("apiserver.crt", 0.0)] {
        let found = value(&metrics, "x509_cert_error", &[("filename", file)]);
        assert!((found - error).abs() < 0.5, "{file}: {found}");
    }
    // The serial number as Go writes it, and the whole path.
    let mut openssl = Command::new("openssl");
    openssl.args(["x509", "-noout", "-serial", "-in"]);
    let file = place.join("k/pki/apiserver.crt");
    let serial = run(openssl.arg(&file)).expect(0).stdout;
    let hexadecimal = serial.trim().trim_start_matches("serial=").to_owned();
    let mut python = Command::new(venv("python"));
    python.args(["-c", &format!("print(0x{hexadecimal})")]);
    let decimal = run(&mut python).expect(0).stdout;
    let labels = [("serial_number", decimal.trim()), ("filepath", text(&file))];
    value(&metrics, "x509_cert_not_after", &labels);
    let told = report(&check(place.path(), &["--output", "json"]));
    for severity in ["error", "warning", "note"] {
        let count = of_severity(&told, |other| other == severity).len();
        let found = value(&metrics, "certs_findings", &[("severity", severity)]);
        assert_eq!(format!("{found}"), count.to_string(), "{severity}");
    }
}

#[test]
fn a_report_in_a_file_is_whole_and_everyone_s_to_read() {
    let place = OPENSSL.copy();
    let file = place.join("certs.prom");
    let arguments = ["-o", "prometheus", "--output-file", text(&file)];
    for former in [None, Some("")] {
        if let Some(former) = former {
            write(&file, former);
            set_mode(&file, 0o600);
        }
        let finished = check(place.path(), &arguments).expect(0);
        assert_eq!((&*finished.stdout, &*finished.stderr), ("", ""));
        let whole = check(place.path(), &["-o", "prometheus"]).expect(0).stdout;
        assert_eq!(read(&file), whole);
        assert_eq!(common::mode(&file), 0o644);
    }
    let names: Vec<String> = fs::read_dir(place.path())
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into()
        })
        .filter(|name: &String| name.contains("prom"))
        .collect();
    assert_eq!(names, ["certs.prom"]);
    // The exit code is the check's; where the file cannot be written that is told.
    OPENSSL.cook("issue pki/apiserver days=1", place.path());
    check(place.path(), &[&arguments[..], &SOON].concat()).expect(3);
    for bad in [place.join("none/certs.prom"), place.join("k")] {
        let finished = check(place.path(), &["--output-file", text(&bad)]).expect(1);
        assert!(finished.stderr.starts_with("error: write "), "{finished}");
    }
}

#[test]
fn a_report_takes_the_place_of_no_device_pipe_or_link() {
    let place = OPENSSL.copy();
    let path = |name| place.join(name);
    run(Command::new("mkfifo").arg(path("pipe"))).expect(0);
    write(&path("aim"), "former");
    symlink("aim", path("link")).expect("a link");
    for (file, kind) in [
        (path("pipe"), "a named pipe"),
        (path("link"), "a symbolic link"),
        (path("k"), "a directory"),
        ("/dev/null".into(), "a device"),
    ] {
        let before = file.symlink_metadata().expect("it is there");
        let finished = check(place.path(), &["--output-file", text(&file)]).expect(1);
        let way_out = format!(
            "error: write {}: it is {kind}, not a file: name another, or leave out --output-file, and it is told on \
             standard output\n",
            file.display()
        );
        assert_eq!(finished.stderr, way_out);
        let after = file.symlink_metadata().expect("it is there");
        assert_eq!(after.ino(), before.ino());
    }
    assert_eq!(read(&path("aim")), "former");
    let names = fs::read_dir(place.path()).expect("a folder");
    let hidden = names.filter(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        name.to_string_lossy().starts_with('.')
    });
    assert_eq!(hidden.count(), 0);
}

#[test]
fn a_report_is_not_written_through_a_link_of_another_user() {
    let place = OPENSSL.copy();
    let (aim, link) = (place.join("aim"), place.join("link"));
    fs::create_dir(&aim).expect("a folder");
    symlink("aim", &link).expect("a link");
    lchown(&link, Some(65534), Some(65534)).expect("this test needs root");
    let file = link.join("certs.prom");
    let finished = check(place.path(), &["--output-file", text(&file)]).expect(1);
    assert!(
        finished.stderr.contains("is a symbolic link of user 65534"),
        "{finished}"
    );
    assert!(fs::read_dir(&aim).expect("a folder").next().is_none());
    lchown(&link, Some(0), Some(0)).expect("this test needs root");
    check(place.path(), &["--output-file", text(&file)]).expect(0);
    assert!(aim.join("certs.prom").is_file());
}

#[test]
fn text_ends_with_what_is_wrong_and_a_line_that_counts() {
    let place = OPENSSL.copy();
    let finished = check(place.path(), &[]).expect(0);
    assert!(
        finished
            .stdout
            .ends_with("Looked at 12 certificates and 3 CAs: nothing is wrong.\n"),
        "{finished}"
    );
    OPENSSL.cook(
        "issue pki/apiserver days=1; chmod 644 admin.conf",
        place.path(),
    );
    let finished = check(place.path(), &SOON).expect(4);
    let error = finished.stdout.find("\nerror: ").expect("an error");
    let warning = finished.stdout.find("\nwarning: ").expect("a warning");
    assert!(error < warning, "{finished}");
    assert!(
        finished
            .stdout
            .ends_with("Looked at 12 certificates and 3 CAs: 1 error, 1 warning.\n"),
        "{finished}"
    );
    assert_eq!(finished.stderr, "");
    // Once for each code, after all of them.
    let why: Vec<&str> = finished
        .stdout
        .lines()
        .filter(|line| line.starts_with("why: "))
        .collect();
    assert_eq!(
        why,
        [
            "why: key-mode: CIS Kubernetes Benchmark 1.1.21",
            "why: expires-soon: Kubernetes, \"Certificate Management with kubeadm\", \
             https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/#check-certificate-expiration",
        ]
    );
    assert!(
        finished.stdout.find("\nwhy: ") > Some(warning),
        "{finished}"
    );
    let finished = check(place.path(), &["--quiet"]).expect(4);
    assert!(finished.stdout.starts_with("error: "), "{finished}");
    assert_eq!(finished.stdout.lines().count(), 1);
}

#[test]
fn wrong_arguments_are_told_all_at_once() {
    let place = TempDir::new();
    let finished = check(
        place.path(),
        &["--within", "1y", "--ca-within=-1d", "--quiet", "-o", "json"],
    )
    .expect(2);
    for words in [
        "--within: has the unknown unit",
        "--ca-within: is negative",
        "--quiet goes with",
    ] {
        assert!(finished.stderr.contains(words), "{finished}");
    }
    // Nothing there is no sound tree.
    check(place.path(), &[])
        .expect(2)
        .expect_failure("there is nothing to look at in");
}

#[test]
fn on_a_terminal_the_table_stands_beside_or_below_as_there_is_room() {
    let place = Base::Default.copy();
    let tree = text(&place.join("k")).to_owned();
    for (columns, first) in [(50, "CERTIFICATE:"), (200, "CERTIFICATE   ")] {
        let look = format!(
            "stty rows 24 cols {columns} && NO_COLOR=1 {} check --kubernetes-dir {tree} --kubelet-dir {tree}/none",
            text(&binary())
        );
        let mut terminal = Command::new(tool("script"));
        terminal.args(["--quiet", "--return", "--command", &look, "/dev/null"]);
        let finished = run(&mut at(NOON, "022", &terminal)).expect(0);
        let lines: Vec<&str> = finished.stdout.lines().collect();
        assert!(lines[0].starts_with(first), "{columns}\n{finished}");
        let rows = lines.iter().take_while(|line| !line.starts_with("Notes"));
        for row in rows {
            assert!(
                row.trim_end().chars().count() <= columns,
                "{columns}: {row}"
            );
        }
    }
}

/// A further user of admin.conf with a key of its own, and a further cluster, each with a context.
const ENTRIES: &str = r#"
url=$(sed -n 's/.*server: //p' admin.conf)
other() { [ -e "$aside/other.crt" ] || authority "$aside/other" /CN=other "$@"; }
bob() { key "$aside/bob.key"; issue "$aside/bob" subject=/CN=bob "$@"; }
user() {
    edit admin.conf "s|^users:|&\n- name: bob\n  user: {client-certificate-data: $(base64 -w0 "$1"), client-key-data: $(base64 -w0 "$2")}|"
}
context() { edit admin.conf "s|^contexts:|&\n- name: bob@$1\n  context: {cluster: $1, user: bob}|"; }
cluster() {
    edit admin.conf "s|^clusters:|&\n- name: second\n  cluster: {server: $1, certificate-authority-data: $(base64 -w0 "$2")}|"
}
current() { edit admin.conf "s|^current-context: .*|current-context: $1|"; }
"#;

#[test]
fn each_user_and_each_cluster_of_a_kubeconfig_is_looked_at() {
    let elsewhere = "https://10.9.9.9:6443";
    let both = "user \"$aside/bob.crt\" \"$aside/bob.key\"";
    let mut wrong = Vec::new();
    for (recipe, expected) in [
        (format!("bob; {both}"), vec![]),
        (format!("bob; {both}; context kubernetes"), vec![]),
        (
            format!("bob at='2025-12-01 12:00:00'; {both}"),
            vec!["warning expires-soon (user \"bob\") ends on 2026-12-01 12:00:00 UTC"],
        ),
        (
            format!("bob at='2025-01-01 00:00:00'; {both}"),
            vec!["error expired (user \"bob\") ended on 2026-01-01 00:00:00 UTC"],
        ),
        (
            "bob; user \"$aside/bob.crt\" pki/apiserver.key".to_owned(),
            vec!["error key-mismatch (user \"bob\") holds a key that is not its certificate's"],
        ),
        // The API server lets nobody in by a server's certificate, whichever context is the current one.
        (
            format!("bob eku=serverAuth; {both}; context kubernetes"),
            vec![
                "error usage-missing (user \"bob\") lacks the extended key usage clientAuth",
                "warning usage-extra (user \"bob\") has the extended key usage serverAuth, which is not wanted",
            ],
        ),
        (
            format!("bob eku=serverAuth; {both}; context kubernetes; current bob@kubernetes; mv admin.conf bob.conf"),
            vec![
                "error usage-missing lacks the extended key usage clientAuth",
                "warning usage-extra has the extended key usage serverAuth, which is not wanted",
            ],
        ),
        // That the key is of no use hides no end.
        (
            "bob at='2025-12-01 12:00:00'; echo x > \"$aside/x\"; user \"$aside/bob.crt\" \"$aside/x\"".to_owned(),
            vec![
                "error unreadable (user \"bob\") cannot be used: client-key: no usable private key: the file holds no block BEGIN … PRIVATE KEY",
                "warning expires-soon (user \"bob\") ends on 2026-12-01 12:00:00 UTC",
            ],
        ),
        (
            "echo x > \"$aside/x\"; user \"$aside/x\" \"$aside/x\"".to_owned(),
            vec![
                "error unreadable (user \"bob\") cannot be used: client-certificate: no certificate: a block BEGIN CERTIFICATE is expected",
            ],
        ),
        // Of another CA it is nobody of this cluster, unless a context says so.
        (
            format!("other; bob ca=\"$aside/other\"; {both}; context kubernetes"),
            vec!["error not-signed-by-ca (user \"bob\") was signed by \"CN=other\", not by this CA, \"CN=kubernetes\""],
        ),
        (format!("other; bob ca=\"$aside/other\"; {both}"), vec![]),
        (
            format!(
                "other; bob ca=\"$aside/other\"; {both}; cluster {elsewhere} \"$aside/other.crt\"; context second"
            ),
            vec![],
        ),
        (
            format!(
                "other at='2016-12-10 00:00:00' days=3650; cluster {elsewhere} \"$aside/other.crt\""
            ),
            vec![
                "warning expires-soon (cluster \"second\") holds \"CN=other\", which ends on 2026-12-08 00:00:00 UTC",
            ],
        ),
        (
            format!("cluster {elsewhere} pki/ca.crt"),
            vec![
                "error server-not-in-sans (cluster \"second\") points at 10.9.9.9, which apiserver.crt is not good for",
            ],
        ),
        // Where another context is the current one, whose user has no certificate.
        (
            format!(
                "edit admin.conf 's/^users:/&\\n- name: zoe\\n  user: {{token: abc}}/'; bob at='2025-12-01 12:00:00'; {both}; \
                 other; cluster $url \"$aside/other.crt\"; mv admin.conf zoe.conf; \
                 edit zoe.conf 's|^contexts:|&\\n- name: z\\n  context: {{cluster: kubernetes, user: zoe}}|; s|^current-context: .*|current-context: z|'"
            ),
            vec![
                "error kubeconfig-ca (cluster \"second\") does not trust the CA",
                "warning expires-soon (user \"bob\") ends on 2026-12-01 12:00:00 UTC",
            ],
        ),
    ] {
        let place = OPENSSL.copy();
        OPENSSL.cook(&format!("{ENTRIES}{recipe}"), place.path());
        let finished = check(place.path(), &["--output", "json"]);
        let told = texts(&report(&finished));
        let as_told = told.len() == expected.len()
            && told
                .iter()
                .zip(&expected)
                .all(|(told, expected)| told.starts_with(expected));
        if !as_told {
            wrong.push(format!("{recipe}:\n{told:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn thousands_of_entries_of_a_kubeconfig_are_looked_at_in_no_time() {
    const MANY: usize = 2900;
    let place = OPENSSL.copy();
    let list = |entry: &dyn Fn(usize) -> String| (0..MANY).map(entry).collect::<Vec<_>>().join(",");
    let recipe = |user: &str| {
        let cluster = r#"{"server":"https://10.0.0.10:6443","certificate-authority":"pki/ca.crt"}"#;
        let clusters = list(&|n| format!(r#"{{"name":"c{n}","cluster":{cluster}}}"#));
        let users = list(&|n| format!(r#"{{"name":"u{n}","user":{user}}}"#));
        let context =
            |n| format!(r#"{{"name":"x{n}","context":{{"cluster":"c{n}","user":"u{n}"}}}}"#);
        format!(
            r#"{{"current-context":"x0","clusters":[{clusters}],"users":[{users}],"contexts":[{}]}}"#,
            list(&context)
        )
    };
    let many = place.path().join("k/many.conf");
    for (key, told) in [("apiserver-kubelet-client", 0), ("apiserver", MANY)] {
        let user = format!(
            r#"{{"client-certificate":"pki/apiserver-kubelet-client.crt","client-key":"pki/{key}.key"}}"#
        );
        fs::write(&many, recipe(&user)).unwrap();
        fs::set_permissions(&many, fs::Permissions::from_mode(0o600)).unwrap();
        if told > 0 {
            fs::remove_file(place.path().join("k/pki/ca.key")).unwrap();
        }
        let before = Instant::now();
        let finished = check(place.path(), &["--output", "json"]);
        let took = before.elapsed();
        let told_of = texts(&report(&finished));
        let mismatch = told_of
            .iter()
            .filter(|text| text.starts_with("error key-mismatch"));
        assert_eq!(mismatch.count(), told, "{told_of:#?}");
        // Not optimized it takes a tenth of this, and by each entry for each a hundred times that.
        assert!(took.as_secs() < 30, "{took:?}");
    }
}

/// `SEVERITY CODE TEXT` of all that is told beyond notes.
fn texts(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings");
    let word = |finding: &Value, field: &str| finding[field].as_str().expect("a text").to_owned();
    let told = findings
        .iter()
        .map(|finding| ["severity", "code", "text"].map(|field| word(finding, field)));
    told.filter(|[severity, ..]| severity != "note")
        .map(|told| told.join(" "))
        .collect()
}

#[test]
fn who_may_write_what_a_kubeconfig_names_elsewhere_is_told() {
    let names = "cp pki/ca.crt ../ca.pem; field admin.conf client-certificate-data > ../admin.pem; chmod 644 ../*.pem\n\
                 edit admin.conf 's|certificate-authority-data: .*|certificate-authority: ../ca.pem|'\n\
                 edit admin.conf 's|client-certificate-data: .*|client-certificate: ../admin.pem|'\n";
    let token = "cp admin.conf zoe.conf; rm admin.conf\n\
                 edit zoe.conf '/client-/d; s|^users:|&\\n- name: zoe\\n  user: {token: abc}|; s|user: kubernetes-admin|user: zoe|'\n";
    let other = "edit admin.conf \"s|^clusters:|&\\n- name: second\\n  cluster: {server: 'https://cp1:6443', certificate-authority: ../other.pem}|\"\n\
                 cp pki/ca.crt ../other.pem\n";
    let writable = |who: &str, file: &str| {
        format!("error writable-by-others {who}names the file ../{file}, which has the mode 0666")
    };
    let [ca, own] = [
        "ca.pem (certificate-authority)",
        "admin.pem (client-certificate)",
    ];
    let foreign = format!(
        "warning foreign-owner names the file ../{ca}, which belongs to user 7, who can put another in its place"
    );
    for (recipe, expected) in [
        (String::new(), vec![]),
        ("chmod 666 ../ca.pem".to_owned(), vec![writable("", ca)]),
        ("chmod 666 ../admin.pem".to_owned(), vec![writable("", own)]),
        ("chown 7 ../ca.pem ../admin.pem".to_owned(), vec![foreign]),
        (format!("{token}chmod 666 ../ca.pem"), vec![writable("", ca)]),
        (
            format!("{other}chmod 666 ../other.pem"),
            vec![writable("(cluster \"second\") ", "other.pem (certificate-authority)")],
        ),
        // Nor does it matter what else is wrong.
        (
            "edit admin.conf 's|server:|insecure-skip-tls-verify: true\\n    &|'; chmod 666 ../ca.pem".to_owned(),
            vec![
                "error unreadable cannot be used: its cluster \"kubernetes\" is not verified: insecure-skip-tls-verify".to_owned(),
                writable("(cluster \"kubernetes\") ", ca),
            ],
        ),
    ] {
        let place = OPENSSL.copy();
        OPENSSL.cook(&format!("{names}{recipe}"), place.path());
        let finished = check(place.path(), &["-o", "json"]);
        assert_eq!(texts(&report(&finished)), expected, "{recipe}");
    }
}

#[test]
fn each_fault_of_a_kubeconfig_is_told_and_hides_no_certificate() {
    let soon = "bob at='2025-12-01 12:00:00'; user \"$aside/bob.crt\" \"$aside/bob.key\"; context kubernetes; ";
    let ends = "warning expires-soon (user \"bob\") ends on 2026-12-01 12:00:00 UTC";
    let insecure = "edit admin.conf 's/^\\( *\\)server:/\\1insecure-skip-tls-verify: true\\n&/'";
    let http = "edit admin.conf 's,server: https,server: http,'";
    let not_verified =
        "error unreadable cannot be used: its cluster \"kubernetes\" is not verified: ";
    let told = |what: &str| format!("{not_verified}{what}");
    let admin = "CN=kubernetes-admin,O=kubeadm:cluster-admins";
    let other = |user: &str, subject: &str| {
        format!(
            "error wrong-subject (user \"{user}\") has the subject \"{subject}\", not \"{admin}\""
        )
    };
    let [insecure_told, http_told] = ["insecure-skip-tls-verify", "its server is no https URL"];
    for (recipe, expected) in [
        (insecure.to_owned(), vec![told(insecure_told)]),
        (http.to_owned(), vec![told(http_told)]),
        (
            format!("{soon}current bob@kubernetes; {insecure}; {http}"),
            vec![told(insecure_told), told(http_told), other("bob", "CN=bob"), ends.to_owned()],
        ),
        (soon.to_owned(), vec![ends.to_owned()]),
        // Nor another identity than that of the row, of whoever the current context names.
        (
            format!("issue admin.conf subject=/O=dev/CN=kubernetes-admin; {insecure}"),
            vec![told(insecure_told), other("kubernetes-admin", "CN=kubernetes-admin,O=dev")],
        ),
        (
            format!("issue kubelet.conf subject=/O=system:nodes/CN=system:node:cp2; {}", insecure.replace("admin", "kubelet")),
            vec![
                told(insecure_told),
                "error wrong-subject (user \"system:node:cp1\") has the subject \"CN=system:node:cp2,O=system:nodes\", not \
                 \"CN=system:node:cp1,O=system:nodes\"".to_owned(),
            ],
        ),
        (
            format!(
                "{soon}current bob@kubernetes; {insecure}; edit admin.conf 's/client-certificate-data: [^,]*, client-key/token: abc, &/'"
            ),
            vec![
                told(insecure_told),
                "error unreadable cannot be used: its user \"bob\" has another identity than its certificate: token"
                    .to_owned(),
                other("bob", "CN=bob"),
                ends.to_owned(),
            ],
        ),
        (
            format!("{soon}current x; {http}"),
            vec![
                "error unreadable cannot be used: it has no context \"x\", which is its current one".to_owned(),
                told(http_told),
                ends.to_owned(),
            ],
        ),
        (
            format!("{soon}current ''"),
            vec![
                "error unreadable cannot be used: it has no current-context".to_owned(),
                ends.to_owned(),
            ],
        ),
    ] {
        let place = OPENSSL.copy();
        OPENSSL.cook(&format!("{ENTRIES}{recipe}"), place.path());
        let finished = check(place.path(), &["--output", "json"]);
        assert_eq!(texts(&report(&finished)), expected, "{recipe}");
    }
}

#[test]
fn an_entry_for_the_same_server_that_verifies_nobody_is_told() {
    let entry = |fields: &str, server: &str| {
        format!(
            "{ENTRIES}edit admin.conf \"s|^clusters:|&\\n- name: second\\n  cluster: {{server: {server}{fields}}}|\""
        )
    };
    let insecure = ", insecure-skip-tls-verify: true";
    let verified =
        ", insecure-skip-tls-verify: false, certificate-authority-data: $(base64 -w0 pki/ca.crt)";
    let trusts = "warning kubeconfig-trust-extra trusts, in its cluster \"second\", which has the same server, ";
    for (fields, server, expected) in [
        (
            insecure,
            "$url",
            Some("whoever answers: it is not verified"),
        ),
        (
            "",
            "$url/",
            Some("the CAs of the machine: it has no CA certificates"),
        ),
        (verified, "$url", None),
        (insecure, "https://10.9.9.9:6443", None),
        ("", "https://10.9.9.9:6443", None),
    ] {
        let place = OPENSSL.copy();
        OPENSSL.cook(&entry(fields, server), place.path());
        let finished = check(place.path(), &["--output", "json"]);
        let expected: Vec<String> = expected
            .iter()
            .map(|what| format!("{trusts}{what}"))
            .collect();
        assert_eq!(texts(&report(&finished)), expected, "{fields} {server}");
    }
}

#[test]
fn an_unverified_server_elsewhere_that_is_shown_the_current_user_is_told() {
    let recipe = |fields: &str, user: &str| {
        format!(
            "{ENTRIES}edit admin.conf \"s|^clusters:|&\\n- name: second\\n  cluster: {{{fields}}}|; \
             s|^contexts:|&\\n- name: away\\n  context: {{cluster: second, user: {user}}}|\""
        )
    };
    let (here, insecure) = ("kubernetes-admin", "insecure-skip-tls-verify: true");
    let server = "server: https://10.9.9.9:6443";
    for (fields, user, told) in [
        (format!("{server}, {insecure}"), here, true),
        (format!("{server}, {insecure}"), "zoe", false),
        (
            format!("{server}, insecure-skip-tls-verify: false"),
            here,
            false,
        ),
        (server.to_owned(), here, false),
        // Without TLS no certificate is shown.
        (
            format!("server: http://10.9.9.9:8080, {insecure}"),
            here,
            false,
        ),
    ] {
        let place = OPENSSL.copy();
        OPENSSL.cook(&recipe(&fields, user), place.path());
        let finished = check(place.path(), &["--output", "json"]);
        let expected: &[&str] = if told {
            &[
                "warning kubeconfig-trust-extra trusts, in its cluster \"second\", to which its context \"away\" leads the \
               same user, whoever answers: it is not verified",
            ]
        } else {
            &[]
        };
        assert_eq!(texts(&report(&finished)), expected, "{fields} {user}");
    }
}

#[test]
fn the_key_that_a_user_without_a_certificate_names_is_told_by_who_may_read_it() {
    let open = "key \"$aside/bob.key\"; chmod 644 \"$aside/bob.key\"; ";
    let shut = "key \"$aside/bob.key\"; chmod 600 \"$aside/bob.key\"; ";
    let none = "printf 'root:x:0:0\\n' > \"$aside/bob.key\"; chmod 644 \"$aside/bob.key\"; ";
    let alone =
        "edit admin.conf \"s|^users:|&\\n- name: bob\\n  user: {client-key: $aside/bob.key}|\"";
    let unread = "echo x > \"$aside/x\"; edit admin.conf \"s|^users:|&\\n- name: bob\\n  user: \
                  {client-certificate: $aside/x, client-key: $aside/bob.key}|\"";
    let copied = "sed \"/client-certificate-data/d; s|client-key-data: .*|client-key: $aside/bob.key|\" admin.conf > k; \
                  chmod 600 k";
    let of = |user: &str, what: &str| format!("error {what} (user \"{user}\") ");
    let mode = |user: &str| of(user, "key-mode") + "names the key ";
    let unusable = of("bob", "unreadable") + "cannot be used: client-certificate ";
    for (recipe, expected) in [
        (format!("{open}{alone}"), vec![mode("bob")]),
        (format!("{shut}{alone}"), vec![]),
        (format!("{none}{alone}"), vec![]),
        (
            format!("{open}{unread}"),
            vec![mode("bob"), unusable.clone()],
        ),
        (format!("{shut}{unread}"), vec![unusable.clone()]),
        (format!("{none}{unread}"), vec![unusable]),
        // One that has no certificate at all, whatever it is called.
        (format!("{open}{copied}"), vec![mode("kubernetes-admin")]),
        (format!("{shut}{copied}"), vec![]),
    ] {
        let place = OPENSSL.copy();
        OPENSSL.cook(&format!("{ENTRIES}{recipe}"), place.path());
        let finished = check(place.path(), &["--output", "json"]);
        let mut told = texts(&report(&finished));
        told.sort();
        let as_told = told.len() == expected.len()
            && told
                .iter()
                .zip(&expected)
                .all(|(told, expected)| told.starts_with(expected));
        assert!(as_told, "{recipe}:\n{told:#?}");
    }
}

#[test]
fn each_certificate_of_a_kubeconfig_has_its_row_and_its_metrics() {
    let place = OPENSSL.copy();
    let recipe = format!(
        "{ENTRIES}bob; user \"$aside/bob.crt\" \"$aside/bob.key\"; other; cluster https://10.9.9.9:6443 \"$aside/other.crt\""
    );
    OPENSSL.cook(&recipe, place.path());
    let finished = check(place.path(), &["--output", "json"]).expect(0);
    let report = report(&finished);
    let items = report["items"].as_array().expect("items");
    let of_conf = |item: &&Value| {
        item["files"][0]
            .as_str()
            .is_some_and(|file| file.ends_with("/admin.conf"))
    };
    let names: Vec<&Value> = items
        .iter()
        .filter(of_conf)
        .map(|item| &item["name"])
        .collect();
    assert_eq!(names, ["admin", "admin.conf (user \"bob\")"]);
    let metrics = check(place.path(), &["--output", "prometheus"])
        .expect(0)
        .stdout;
    for (kind, key, count) in [
        ("user", "bob", 1),
        ("cluster", "second", 1),
        ("user", "kubernetes-admin", 1),
    ] {
        let labels = format!(
            "x509_cert_not_after{{embedded_key=\"{key}\",embedded_kind=\"{kind}\",filename=\"admin.conf\""
        );
        assert_eq!(metrics.matches(&labels).count(), count, "{metrics}");
    }
    // What is in order does not hide what is not.
    OPENSSL.cook(
        "edit admin.conf 's/^current-context: .*/current-context: x/'",
        place.path(),
    );
    let metrics = check(place.path(), &["--output", "prometheus"])
        .expect(4)
        .stdout;
    let errors: Vec<&str> = metrics
        .lines()
        .filter(|line| line.starts_with("x509_cert_error{filename=\"admin.conf\""))
        .collect();
    assert!(
        matches!(errors[..], [line] if line.ends_with(" 1")),
        "{errors:?}"
    );
}

#[test]
fn a_key_behind_the_marks_of_a_comment_is_told_by_who_may_read_it() {
    let commented = |mark: &str| format!("sed 's,^,{mark},' pki/apiserver.key");
    for (recipe, expected) in [
        (format!("{} > x.pem", commented("# ")), true),
        (format!("{} > x.pem", commented("> ")), true),
        (
            format!("{{ cat pki/apiserver.crt; {}; }} > x.pem", commented("#")),
            true,
        ),
        (
            format!(
                "{{ echo 'this is the key:'; {}; }} > x.pem",
                commented("; ")
            ),
            true,
        ),
        (
            format!(
                "{{ cat pki/apiserver.crt; {}; }} > pki/x.pem",
                commented("#")
            ),
            true,
        ),
        (
            "{ cat pki/apiserver.crt; sed 's,^,# ,' pki/ca.crt; } > x.pem".to_owned(),
            false,
        ),
        (
            "{ cat pki/apiserver.crt; sed 's,^,# ,' pki/ca.crt; } > pki/x.pem".to_owned(),
            false,
        ),
    ] {
        for (mode, open) in [("0666", true), ("0600", false)] {
            let recipe = format!("{recipe}; find . -name x.pem -exec chmod {mode} {{}} +");
            let place = OPENSSL.copy();
            OPENSSL.cook(&recipe, place.path());
            let report = report(&check(place.path(), &["-o", "json"]));
            let findings = report["findings"].as_array().expect("findings");
            let of_key = findings.iter().find(|told| told["code"] == "key-mode");
            assert_eq!(of_key.is_some(), expected && open, "{recipe}: {report}");
            if let Some(told) = of_key {
                let way_out = "chmod it to 0600, and replace the key if others may have read it";
                assert_eq!(told["wayOut"], way_out, "{recipe}");
            }
            assert!(
                findings.iter().all(|told| told["code"] != "unreadable"),
                "{recipe}"
            );
            let shut = |told: &Value| told["wayOut"] != "chmod it to 0644";
            assert!(!expected || findings.iter().all(shut), "{report}");
        }
    }
}

#[test]
fn what_a_wrong_clock_made_is_renewed_once_the_clock_is_right() {
    let folder = TempDir::new();
    let later = NOON + 400 * 86_400;
    run(&mut at(later, "022", &all(&folder.join("k"), &[]))).expect(0);
    let k = folder.join("k");
    let renew = |names: &[&str], code: i32| {
        let mut renew = certs(&["renew", "--kubernetes-dir", text(&k)]);
        renew.args(names);
        run(&mut at(NOON, "022", &renew)).expect(code)
    };
    let told = |words: &str| {
        let told = check_at(NOON, folder.path(), &[]).stdout;
        let clock =
            "the clock says 2026-11-22 12:00:00 UTC: set the clock right, or, if it is right now, ";
        let lines = told
            .lines()
            .filter(|line| line.ends_with(&format!("{clock}{words}")));
        lines.count()
    };
    let names = ["ca", "etcd-ca", "front-proxy-ca"];
    let ways = names.map(|name| format!("'certs renew {name}' renews it, as it is"));
    assert_eq!(ways.each_ref().map(|way| told(way)), [1, 1, 1]);
    assert_eq!(told("see to its CA first, and then to it"), 12);
    renew(&names, 4);
    assert_eq!(ways.map(|way| told(&way)), [0, 0, 0]);
    assert_eq!(told("'certs renew scheduler' renews it, as it is"), 1);
    fs::rename(k.join("pki/etcd/ca.key"), folder.join("etcd.key")).expect("rename");
    let asks =
        "'certs csr etcd-server' asks the CA's owner for it, and 'certs import' puts it here";
    assert_eq!(told(asks), 1);
    fs::rename(folder.join("etcd.key"), k.join("pki/etcd/ca.key")).expect("rename");
    // One's own is renewed by its name too, where a run writes it and the key of its CA is here.
    let client = certs(&[
        "client",
        "zoe",
        "--common-name",
        "zoe",
        "--kubernetes-dir",
        text(&k),
    ]);
    run(&mut at(later, "022", &client)).expect(0);
    let pair = ["pki/zoe.crt", "pki/zoe.key"].map(|file| k.join(file));
    fs::create_dir(k.join("pki/sub")).expect("create");
    for file in &pair {
        let name = file.file_name().expect("a name");
        fs::copy(file, k.join("pki/sub").join(name)).expect("copy");
    }
    let ways = [
        ("'certs renew zoe.crt' renews it, as it is", 1),
        (
            "call it NAME.crt, with NAME.key beside it, in the certificate directory, or NAME.conf beside admin.conf, in \
          letters, digits and . - _ @ + :",
            1,
        ),
        ("have the CA's owner issue it, and place it here", 0),
    ];
    for (way, times) in ways {
        assert_eq!(told(way), times, "{way}");
    }
    fs::rename(k.join("pki/ca.key"), folder.join("ca.key")).expect("rename");
    for ((way, _), times) in ways.into_iter().zip([0, 0, 2]) {
        assert_eq!(told(way), times, "{way}");
    }
    fs::rename(folder.join("ca.key"), k.join("pki/ca.key")).expect("rename");
    fs::remove_dir_all(k.join("pki/sub")).expect("remove");
    renew(&["zoe"], 0);
    assert_eq!(told(ways[0].0), 0);
    renew(&["scheduler"], 0);
    assert_eq!(told("'certs renew scheduler' renews it, as it is"), 0);
    renew(&["--all"], 0);
    check_at(NOON, folder.path(), &[]).expect(0);
}

/// Who may write it may have made it so, and can put there what is good.
#[test]
fn of_a_public_file_that_cannot_be_read_it_is_told_too_who_may_write_it() {
    let folder = TempDir::new();
    run(&mut at(NOON, "022", &all(&folder.join("k"), &[]))).expect(0);
    let files = [
        "apiserver.crt",
        "ca.crt",
        "etcd/peer.crt",
        "own.crt",
        "sa.pub",
    ];
    for file in files {
        let path = folder.join("k/pki").join(file);
        write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n");
    }
    for (mode, code) in [
        (0o644, None),
        (0o646, Some("error writable-by-others")),
        (0o664, Some("error writable-by-others")),
        (0o744, Some("warning certificate-mode")),
    ] {
        for file in files {
            set_mode(&folder.join("k/pki").join(file), mode);
        }
        let said = report(&check(folder.path(), &["--output", "json"]));
        let told = told(&said);
        for file in files {
            assert!(
                told.contains(&format!("error unreadable {file}")),
                "{told:?}"
            );
            let of_mode = |one: &&String| {
                one.ends_with(&format!(" {file}")) && !one.starts_with("error unreadable")
            };
            let of_mode: Vec<&String> = told.iter().filter(of_mode).collect();
            let expected: Vec<String> = code.iter().map(|code| format!("{code} {file}")).collect();
            assert_eq!(
                of_mode,
                expected.iter().collect::<Vec<_>>(),
                "{mode:o}: {told:?}"
            );
        }
    }
}

/// Each may have signed each other, and few are asked.
#[test]
fn a_bundle_of_many_cas_of_one_name_is_judged_in_little_time() {
    let place = OPENSSL.copy();
    let recipe = "\
        printf '%s\\n' '[req]' prompt=no distinguished_name=d x509_extensions=e '[d]' CN=kubernetes '[e]' \
            basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign subjectKeyIdentifier=hash \
            authorityKeyIdentifier=none > \"$aside/cnf\"\n\
        for number in $(seq 800); do\n\
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -days 300 \
                -config \"$aside/cnf\" -set_serial $number 2>/dev/null\n\
        done >> pki/ca.crt";
    OPENSSL.cook(recipe, place.path());
    let begun = Instant::now();
    let finished = check(place.path(), &["-o", "json", "--ca-within", "1d"]).expect(3);
    let took = begun.elapsed();
    let told = texts(&report(&finished));
    let same = told.iter().filter(|text| text.contains("same-ca-name"));
    assert!(same.count() >= 800, "{told:#?}");
    // Where each is asked whether it signed each other, it takes twice that.
    assert!(took.as_secs() < 10, "{took:?}");
}
