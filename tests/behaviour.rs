//! What the program does, seen from outside: exit codes, streams, files, users, locks.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};

mod common;
use common::public::{Public, nobody};
use common::snapshot::{same, snapshot};
use common::{
    CLUSTER, Finished, TempDir, all, binary, certs, listing, mode, read, run, set_mode,
    signed_by_itself, text, tool, tree_of_all, write, write_secret,
};

const FAST: [&str; 2] = ["--key-algorithm", "ECDSA-P256"];

/// Another verb over `place`, with P-256 keys.
fn verb(verb: &[&str], place: &Path, more: &[&str]) -> Command {
    let mut command = certs(verb);
    command
        .args(["--kubernetes-dir", text(place)])
        .args(FAST)
        .args(more);
    command
}

fn json(finished: &Finished) -> serde_json::Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}\n{finished}"))
}

/// The steps of a JSON report, by name.
fn steps(finished: &Finished) -> BTreeMap<String, String> {
    let word = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    json(finished)["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| (word(&item["name"]), word(&item["step"])))
        .collect()
}

fn codes(finished: &Finished, severity: &str) -> Vec<String> {
    json(finished)["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|finding| finding["severity"] == severity)
        .map(|finding| finding["code"].as_str().expect("a code").to_owned())
        .collect()
}

// Exit codes.

#[test]
fn a_run_that_made_all_and_one_that_kept_all_end_with_0() {
    let place = TempDir::new();
    run(&mut all(place.path(), &[])).expect(0);
    let before = snapshot(place.path());
    let again = run(&mut all(place.path(), &[])).expect(0);
    assert!(again.stdout.contains("Everything is as wanted"), "{again}");
    same(&before, place.path());
}

#[test]
fn a_place_that_cannot_be_is_1_with_the_way_out() {
    let place = TempDir::new();
    let file = place.join("file");
    write(&file, "x");
    let finished = run(&mut all(&file, &[])).expect(1);
    assert_eq!(finished.stdout, "");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished}");
    assert!(
        finished.stderr.contains("is a file, not a directory"),
        "{finished}"
    );
}

#[test]
fn standard_output_that_cannot_be_written_is_1_and_the_files_are_made() {
    let place = TempDir::new();
    let full = fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let status = all(place.path(), &[])
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .expect("run");
    assert_eq!(status.code(), Some(1));
    assert!(place.join("admin.conf").is_file());
}

#[test]
fn wrong_arguments_are_2_and_touch_nothing() {
    let place = TempDir::new();
    let before = snapshot(place.path());
    let wrong: [(&[&str], &str); 16] = [
        (&["all", "--no-such-flag"], "--no-such-flag"),
        (&["al"], "'all'"),
        (&[], "Usage"),
        (&["all", "--output", "xml"], "text"),
        (&["all", "--service-cidr", "10.96.0.0/33"], "--service-cidr"),
        (&["all", "--lock-timeout", "soon"], "--lock-timeout"),
        (&["all", "--lock-timeout=-1s"], "--lock-timeout"),
        (&["all", "--config", "/no/such/file"], "/no/such/file"),
        (
            &["all", "--ca-passphrase-file", "/no/such/file"],
            "--ca-passphrase-file: there is no such file",
        ),
        (&["all", "--owner", "no-such-user"], "no-such-user"),
        (&["all", "--config-unknown", "warn"], "--config"),
        (&["ca", "--subject", "/CN=x"], "NAME of one CA"),
        (
            &["ca", "ca", "etcd-ca", "--subject", "/CN=x"],
            "NAME of one CA",
        ),
        (&["ca", "ca", "--subject", "no name"], "--subject"),
        (&["client", "--common-name", "alice"], "NAME"),
        (&["server", "apiserver", "--no-backup"], "--force"),
    ];
    for (arguments, words) in wrong {
        let mut command = certs(arguments);
        command.current_dir(place.path());
        if !arguments.is_empty() {
            command.args(["--kubernetes-dir", "k"]);
        }
        let finished = run(&mut command).expect(2);
        assert!(finished.stderr.contains(words), "{words}: {finished}");
        assert_eq!(finished.stdout, "");
    }
    same(&before, place.path());
}

#[test]
fn a_node_named_like_a_ca_is_refused_where_that_ca_would_sign_for_it() {
    let place = TempDir::new();
    let named = |name| {
        let rest = [
            "--apiserver-advertise-address",
            "10.0.0.10",
            "--node-name",
            name,
        ];
        run(&mut verb(&["all"], place.path(), &rest))
    };
    let finished = named("etcd-ca").expect(4);
    for file in ["etcd/server.crt", "etcd/peer.crt"] {
        let line = format!("{file} would have the subject of its CA, \"CN=etcd-ca\"");
        assert_eq!(finished.stderr.matches(&line).count(), 1, "{finished}");
    }
    assert!(!place.join("pki/ca.crt").exists());
    // Another CA's name is no matter to etcd's leaves, nor etcd's to the kubelet's.
    named("kubernetes").expect(0);
}

#[test]
fn no_core_dump_is_written_whatever_the_limit_was() {
    let place = TempDir::new();
    let log = place.join("log");
    let inner = all(&place.join("k"), &["--dry-run"]);
    let mut strace = Command::new(tool("strace"));
    strace
        .args(["-e", "trace=prlimit64,setrlimit,openat", "-o", text(&log)])
        .arg(inner.get_program())
        .args(inner.get_args());
    run(&mut strace).expect(0);
    let set = "RLIMIT_CORE, {rlim_cur=0, rlim_max=0}";
    let lines = read(&log);
    assert!(lines.contains(set), "{lines}");
}

#[test]
fn all_wrong_values_are_told_at_once_each_with_its_flag() {
    let place = TempDir::new();
    let wrong = [
        "--service-cidr",
        "10.96.0.0/33",
        "--validity",
        "0s",
        "--apiserver-bind-port",
        "x",
    ];
    let finished = run(&mut all(place.path(), &wrong)).expect(2);
    let lines: Vec<&str> = finished.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{finished}");
    for flag in ["--service-cidr", "--validity", "--apiserver-bind-port"] {
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with(&format!("error: {flag}: "))),
            "{finished}"
        );
    }
}

#[test]
fn an_unknown_name_is_2_with_the_nearest_and_all_of_the_verb() {
    let place = TempDir::new();
    let cases: [(&[&str], &str); 7] = [
        (
            &["server", "apiservr"],
            "(\"apiserver\"?): its names are apiserver, etcd-server, kubelet-serving",
        ),
        (
            &["ca", "kubernetes-ca"],
            "its names are ca, etcd-ca, front-proxy-ca",
        ),
        (
            &["peer", "apiserver"],
            "is made by 'certs server', not by 'certs peer'",
        ),
        (
            &["client", "alice"],
            "for a user of your own, give --common-name",
        ),
        (
            &["client", "apiserver", "--common-name", "x"],
            "choose another name",
        ),
        (
            &["client", "../x", "--common-name", "x"],
            "cannot be a name",
        ),
        (
            &["kubeconfig", "alice", "--common-name", ""],
            "--common-name is empty",
        ),
    ];
    for (arguments, words) in cases {
        let finished = run(&mut verb(arguments, place.path(), &[])).expect(2);
        assert!(finished.stderr.contains(words), "{finished}");
    }
    let finished = run(&mut verb(&["server", "one", "two"], place.path(), &[])).expect(2);
    assert_eq!(
        finished.stderr.lines().count(),
        2,
        "each of them: {finished}"
    );
    assert_eq!(listing(place.path()), Vec::<PathBuf>::new());
}

#[test]
fn warnings_are_3_unless_only_errors_count() {
    let place = tree_of_all();
    let moved = ["--control-plane-endpoint", "10.0.0.10:7443"];
    let finished = run(&mut all(place.path(), &moved)).expect(3);
    assert!(
        finished
            .stderr
            .contains("admin.conf points at https://10.0.0.10:6443"),
        "{finished}"
    );
    let moved = [&moved[..], &["--fail-on", "error"]].concat();
    run(&mut all(place.path(), &moved)).expect(0);
}

#[test]
fn a_run_that_is_refused_makes_no_directory() {
    let place = TempDir::new();
    let tree = place.join("k8s");
    for name in ["client", "server", "peer", "kubeconfig"] {
        run(&mut verb(&[name], &tree, &[])).expect(4);
        assert!(!tree.exists(), "{name}");
    }
}

#[test]
fn drift_is_4_told_whole_and_nothing_is_written_until_forced() {
    let place = tree_of_all();
    fs::remove_file(place.join("pki/etcd/server.key")).expect("remove");
    fs::remove_file(place.join("pki/apiserver.crt")).expect("remove");
    fs::remove_file(place.join("pki/front-proxy-client.key")).expect("remove");
    fs::remove_file(place.join("pki/front-proxy-client.crt")).expect("remove");
    let before = snapshot(place.path());
    let finished = run(&mut all(place.path(), &[])).expect(4);
    for words in [
        "pki/apiserver.key stands without apiserver.crt: run the same command with --force to reissue it",
        "pki/etcd/server.crt stands without etcd/server.key: run the same command with --force to reissue it",
        "refused with 2 errors; nothing was written",
    ] {
        assert!(finished.stderr.contains(words), "{words}\n{finished}");
    }
    assert_eq!(finished.stdout, "");
    same(&before, place.path());
    let finished = run(&mut all(place.path(), &["--force", "--output", "json"])).expect(0);
    let changed: Vec<_> = steps(&finished)
        .into_iter()
        .filter(|(_, step)| step != "keep")
        .map(|(name, step)| format!("{step} {name}"))
        .collect();
    assert_eq!(
        changed,
        [
            "replace apiserver",
            "replace etcd-server",
            "create front-proxy-client"
        ]
    );
    let items = json(&finished)["items"].clone();
    let why = items
        .as_array()
        .expect("items")
        .iter()
        .find(|item| item["name"] == "apiserver");
    assert_eq!(
        why.expect("apiserver")["why"],
        serde_json::json!(["missing-certificate"])
    );
    run(&mut all(place.path(), &[])).expect(0);
}

/// As a renewal tells it; what is created nobody has read yet.
#[test]
fn who_reads_what_was_replaced_is_told_and_of_what_is_new_nobody() {
    let place = TempDir::new();
    let told = |more: &[&str]| {
        let more = [more, &["--output", "json"]].concat();
        json(&run(&mut all(place.path(), &more)).expect(0))
    };
    let silent =
        |told: &serde_json::Value| told["processes"].is_null() && told["unknownReaders"].is_null();
    for _ in 0..2 {
        let told = told(&[]);
        assert!(silent(&told), "{told}");
    }
    for file in ["pki/apiserver.crt", "admin.conf", "pki/sa.pub"] {
        fs::remove_file(place.join(file)).expect("remove");
    }
    write(&place.join("scheduler.conf"), "garbage");
    let expected = serde_json::json!([
        {"name": "kube-apiserver", "restart": [], "reads": ["apiserver"]},
        {"name": "kube-scheduler", "restart": ["scheduler"], "reads": []},
    ]);
    let planned = told(&["--force", "--dry-run"]);
    assert_eq!(planned["processes"], expected);
    let done = told(&["--force"]);
    assert_eq!(done["processes"], expected);
    assert_eq!(done["unknownReaders"], serde_json::json!([]));
    let again = told(&["--force"]);
    assert!(silent(&again), "{again}");
    // Of each verb, and of what is in no row; which release runs may be stated.
    let verb = |verb: &[&str]| {
        let mut command = certs(verb);
        command.args(["--kubernetes-dir", text(place.path())]);
        run(&mut command).expect(0).stdout
    };
    let alice = ["client", "alice", "--common-name", "alice"];
    let made = verb(&alice);
    assert!(!made.contains("estart"), "{made}");
    let anew = verb(&[&alice[..], &["--force"]].concat());
    let words = "who that is, is not known here:\n  alice\n";
    assert!(anew.contains(words), "{anew}");
    let kubelet = ["server", "kubelet-serving", "--node-name", "cp1"];
    let folder = place.join("kubelet");
    let facts = [
        "--apiserver-advertise-address",
        "10.0.0.10",
        "--kubelet-dir",
        text(&folder),
    ];
    let kubelet = [&kubelet[..], &facts].concat();
    let config = place.join("config.yaml");
    let document = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.30.0\n";
    write(&config, document);
    let version = ["--config", text(&config)];
    verb(&kubelet);
    let newest = verb(&[&kubelet[..], &["--force"]].concat());
    assert!(
        newest.contains("kubelet from v1.31 on (kubelet-serving)"),
        "{newest}"
    );
    let older = verb(&[&kubelet[..], &version, &["--force"]].concat());
    let words = "Restart, since they read it at their start alone:\n  kubelet (kubelet-serving)\n";
    assert!(older.contains(words), "{older}");
}

#[test]
fn the_same_command_with_force_is_the_way_out_of_a_refusal() {
    for arguments in [
        &[][..],
        &["--apiserver-bind-port", "7443", "--ca-validity", "3650d"],
    ] {
        let place = TempDir::new();
        run(&mut all(place.path(), arguments)).expect(0);
        for key in [
            "pki/apiserver.key",
            "pki/etcd/peer.key",
            "pki/front-proxy-client.key",
        ] {
            fs::remove_file(place.join(key)).expect("remove");
        }
        write(&place.join("scheduler.conf"), "garbage");
        let finished = run(&mut all(place.path(), arguments)).expect(4);
        let offers = finished
            .stderr
            .matches("run the same command with --force to reissue it")
            .count();
        assert_eq!(offers, 4, "{finished}");
        run(all(place.path(), arguments).arg("--force")).expect(0);
        run(&mut all(place.path(), arguments)).expect(0);
    }
}

/// What a warning offers is run with the flags that its verb takes; the others are refused, never
/// ignored.
#[test]
fn every_command_that_a_warning_offers_is_one() {
    let place = TempDir::new();
    run(&mut all(
        place.path(),
        &["--apiserver-cert-extra-sans", "more.example"],
    ))
    .expect(0);
    let finished = run(&mut all(place.path(), &[])).expect(3);
    let offer = "'certs server apiserver --force', for the same directories and facts, reissues it";
    assert!(finished.stderr.contains(offer), "{finished}");
    let mut command = certs(&["server", "apiserver", "--force"]);
    command.args(["--kubernetes-dir", text(place.path())]);
    run(command.args(CLUSTER)).expect(0);
    run(&mut all(place.path(), &[])).expect(0);
}

#[test]
fn a_dry_run_touches_nothing_and_makes_no_directory() {
    let place = TempDir::new();
    let before = snapshot(place.path());
    let finished = run(&mut all(&place.join("not/there"), &["--dry-run"])).expect(0);
    assert!(finished.stdout.contains("This was a dry run"), "{finished}");
    same(&before, place.path());

    let place = tree_of_all();
    fs::remove_file(place.join("admin.conf")).expect("remove");
    let before = snapshot(place.path());
    let finished = run(&mut all(place.path(), &["--dry-run", "--output", "json"])).expect(0);
    assert_eq!(steps(&finished)["admin"], "create");
    assert_eq!(steps(&finished)["ca"], "keep");
    same(&before, place.path());
    fs::remove_file(place.join("pki/apiserver.key")).expect("remove");
    run(&mut all(place.path(), &["--dry-run"])).expect(4);
    run(&mut all(place.path(), &["--dry-run", "--force"])).expect(0);
    assert!(!place.join("pki/apiserver.key").exists());
}

#[test]
fn the_configuration_s_dry_run_counts_as_the_flag() {
    let place = TempDir::new();
    let config = place.join("c.yaml");
    write(
        &config,
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\ndryRun: true\n",
    );
    let tree = place.join("k");
    let finished = run(&mut all(&tree, &["--config", text(&config)])).expect(0);
    assert!(finished.stdout.contains("This was a dry run"), "{finished}");
    assert!(!tree.exists());
}

#[test]
fn an_interrupted_run_is_told_to_a_reader_who_leaves_it() {
    let place = tree_of_all();
    let journal = place.join("pki/.certs-journal");
    write(&journal, "");
    set_mode(&journal, 0o600);
    let before = snapshot(place.path());
    let finished = run(&mut all(place.path(), &["--dry-run", "--output", "json"])).expect(3);
    assert_eq!(codes(&finished, "warning"), ["interrupted-run"]);
    assert_eq!(json(&finished)["items"].as_array().map(Vec::len), Some(0));
    let listed = ["rollback", "--list", "--kubernetes-dir", text(place.path())];
    let finished = run(&mut certs(&listed)).expect(3);
    assert!(
        finished.stderr.contains("so what is there was not judged"),
        "{finished}"
    );
    same(&before, place.path());
    let finished = run(&mut all(place.path(), &[])).expect(0);
    assert!(
        finished
            .stdout
            .starts_with("note: removed the journal of an interrupted run\n"),
        "{finished}"
    );
}

#[test]
fn what_is_no_journal_of_ours_is_told_by_readers_as_by_writers() {
    let mut tried = 0;
    for (is, make) in NO_JOURNALS {
        let place = tree_of_all();
        let journal = place.join("pki/.certs-journal");
        make(&journal);
        let before = snapshot(place.path());
        let words = format!(
            "error: {} is not this user's work in progress ({is}): look at it, and remove it by hand; nothing was touched\n",
            journal.display()
        );
        let rollback = |more| {
            let mut command = certs(&["rollback", "--kubernetes-dir", text(place.path())]);
            command.args(more);
            command
        };
        for mut command in [
            all(place.path(), &[]),
            all(place.path(), &["--dry-run"]),
            all(place.path(), &["--force", "--dry-run"]),
            rollback(&[][..]),
            rollback(&["--dry-run"]),
            rollback(&["--list"]),
        ] {
            let finished = run(&mut command).expect(1);
            assert_eq!(
                (&*finished.stdout, finished.stderr.replace("/./", "/")),
                ("", words.clone())
            );
            tried += 1;
        }
        same(&before, place.path());
    }
    assert_eq!(tried, 30);
}

type Make = fn(&Path);

const NO_JOURNALS: [(&str, Make); 5] = [
    ("it is a directory", |journal| {
        fs::create_dir(journal).expect("make a folder");
    }),
    ("it is a symbolic link", |journal| {
        symlink("ca.crt", journal).expect("make a link");
    }),
    ("it belongs to user 65534", |journal| {
        write(journal, "certs journal 1 list\n");
        set_mode(journal, 0o600);
        std::os::unix::fs::chown(journal, Some(65534), None).expect("this test needs root");
    }),
    ("its mode is 0644", |journal| {
        write(journal, "certs journal 1 list\n");
        set_mode(journal, 0o644);
    }),
    ("it is no journal", |journal| {
        write(journal, "octets");
        set_mode(journal, 0o600);
    }),
];

#[test]
fn what_an_interrupted_run_left_is_told_as_it_was() {
    for (name, words) in [
        (
            "pki/.certs-journal",
            "removed the journal of an interrupted run",
        ),
        (
            "pki/.certs-0123456789abcdef-0",
            "removed 1 file that an interrupted run left",
        ),
    ] {
        let place = tree_of_all();
        write(&place.join(name), "");
        set_mode(&place.join(name), 0o600);
        let finished = run(&mut all(place.path(), &[])).expect(0);
        assert!(finished.stdout.contains(words), "{finished}");
        assert!(!place.join(name).exists());
    }
}

#[test]
fn another_cluster_under_our_names_is_not_overwritten_by_force() {
    let place = tree_of_all();
    let admin = place.join("admin.conf");
    let stranger = read(&place.join("pki/etcd/ca.crt"));
    let data = |pem: &str| Base64::encode_string(pem.as_bytes());
    let own = data(&read(&place.join("pki/ca.crt")));
    let drifted = read(&admin)
        .replace("https://10.0.0.10:6443", "https://other:6443")
        .replace("current-context: kubernetes-admin@kubernetes\n", "");
    write(&admin, drifted.replace(&own, &data(&stranger)));
    let before = snapshot(place.path());
    for more in [&["--force"][..], &["--force", "--dry-run"]] {
        let refused = run(&mut all(place.path(), more)).expect(4);
        let told = "admin.conf calls another cluster \"kubernetes\", at https://other:6443: rename that one, \
                    or make a context of this cluster the current one\n";
        assert!(refused.stderr.contains(told), "{refused}");
        assert_eq!(snapshot(place.path()), before);
    }
    // Its CA tells that it is this cluster, wherever it was.
    write(&admin, drifted);
    run(&mut all(place.path(), &["--force"])).expect(0);
    assert!(read(&admin).contains("server: https://10.0.0.10:6443\n"));
}

// Output.

#[test]
fn quiet_says_nothing_but_errors() {
    let place = TempDir::new();
    let finished = run(&mut all(place.path(), &["--quiet"])).expect(0);
    assert_eq!(
        (finished.stdout.as_str(), finished.stderr.as_str()),
        ("", "")
    );
    let moved = ["--quiet", "--control-plane-endpoint", "10.0.0.10:7443"];
    let finished = run(&mut all(place.path(), &moved)).expect(3);
    assert_eq!(finished.stderr, "", "a warning");
    fs::remove_file(place.join("pki/apiserver.key")).expect("remove");
    let finished = run(&mut all(place.path(), &["--quiet"])).expect(4);
    assert_eq!(finished.stdout, "");
    assert!(
        finished.stderr.contains("stands without apiserver.key"),
        "{finished}"
    );
}

#[test]
fn json_and_yaml_say_the_same_and_others_read_them() {
    let place = TempDir::new();
    for wanted in [0, 4] {
        let output =
            |format| run(&mut all(place.path(), &["--dry-run", "--output", format])).expect(wanted);
        let (json_text, yaml) = (output("json"), output("yaml"));
        let mut value = json(&json_text);
        assert_eq!(value["schemaVersion"], 1);
        assert_eq!(value["exitCode"], wanted);
        let mut from_yaml: serde_json::Value =
            serde_yaml::from_str(&yaml.stdout).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        // Two runs begin at two times.
        for report in [&mut value, &mut from_yaml] {
            let time = report["time"].take();
            assert!(time.is_string(), "{time}");
        }
        assert_eq!(value, from_yaml);
        assert_eq!((json_text.stderr.as_str(), yaml.stderr.as_str()), ("", ""));
        // For the second round something is wrong.
        fs::create_dir_all(place.join("pki")).expect("make a folder");
        write(&place.join("pki/sa.pub"), "garbage");
    }
}

#[test]
fn json_tells_of_what_was_made_what_openssl_reads() {
    let place = TempDir::new();
    let finished = run(&mut all(place.path(), &["--output", "json"])).expect(0);
    let value = json(&finished);
    assert_eq!(value["result"], "changed");
    let items = value["items"].as_array().expect("items");
    let item = items
        .iter()
        .find(|item| item["name"] == "apiserver")
        .expect("apiserver");
    let mut openssl = Command::new(tool("openssl"));
    openssl
        .args([
            "x509",
            "-noout",
            "-serial",
            "-fingerprint",
            "-sha256",
            "-in",
        ])
        .arg(place.join("pki/apiserver.crt"));
    let by_openssl = run(&mut openssl)
        .expect(0)
        .stdout
        .to_lowercase()
        .replace(':', "");
    for field in ["serialNumber", "fingerprint"] {
        let text = item[field].as_str().expect("a text");
        assert!(by_openssl.contains(text), "{field} {text}: {by_openssl}");
    }
    let kept = run(&mut all(place.path(), &["--output", "json"])).expect(0);
    let kept = json(&kept);
    let kept = kept["items"].as_array().expect("items");
    let kept = kept
        .iter()
        .find(|item| item["name"] == "apiserver")
        .expect("apiserver");
    for field in ["serialNumber", "fingerprint", "notAfter", "sans", "subject"] {
        assert_eq!(kept[field], item[field], "{field}");
    }
}

#[test]
fn colour_is_for_terminals_alone_and_no_color_is_honoured() {
    let escape = '\u{1b}';
    let place = tree_of_all();
    let on_terminal = |variables: &[(&str, &str)]| {
        let line = format!(
            "{} all --kubernetes-dir {} {}",
            text(&binary()),
            text(place.path()),
            CLUSTER.join(" ")
        );
        let mut command = Command::new(tool("script"));
        command.args(["-qec", &line, "/dev/null"]);
        command.env_remove("NO_COLOR").env("TERM", "xterm");
        command.envs(variables.iter().copied());
        run(&mut command).expect(0).stdout
    };
    assert!(on_terminal(&[]).contains(escape));
    assert!(
        on_terminal(&[("NO_COLOR", "")]).contains(escape),
        "an empty one is none"
    );
    assert!(!on_terminal(&[("NO_COLOR", "1")]).contains(escape));
    assert!(!on_terminal(&[("TERM", "dumb")]).contains(escape));
    let mut piped = all(place.path(), &[]);
    piped.env_remove("NO_COLOR").env("TERM", "xterm");
    assert!(!run(&mut piped).expect(0).stdout.contains(escape));
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let place = TempDir::new();
    let mut child = all(place.path(), &[])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("wait");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(place.join("scheduler.conf").is_file());
}

#[test]
fn warnings_reach_standard_error_though_nobody_reads_standard_output() {
    let place = tree_of_all();
    let mut child = all(
        place.path(),
        &["--control-plane-endpoint", "10.0.0.10:7443"],
    )
    .stdin(Stdio::null())
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .expect("start");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("wait");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("points at"));
}

#[test]
fn no_control_character_of_a_stranger_reaches_the_terminal() {
    let place = tree_of_all();
    write(
        &place.join("c.cnf"),
        "[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=v3\n[dn]\nCN=a\\\u{1b}[31mb\n\
         [v3]\nbasicConstraints=critical,CA:TRUE\n",
    );
    signed_by_itself(
        [&place.join("pki/ca.key"), &place.join("pki/ca.crt")],
        &["-config", text(&place.join("c.cnf"))],
    );
    set_mode(&place.join("pki/ca.key"), 0o600);
    let finished = run(&mut all(place.path(), &[])).expect(4);
    assert!(!finished.stderr.contains('\u{1b}'), "{:?}", finished.stderr);
}

#[test]
fn names_are_held_against_the_name_constraints_of_a_ca_as_openssl_holds_them() {
    for (range, permitted) in [("10.0.0.0/255.0.0.0", true), ("11.0.0.0/255.0.0.0", false)] {
        let place = TempDir::new();
        fs::create_dir(place.join("pki")).expect("make a folder");
        let (certificate, key) = (place.join("pki/ca.crt"), place.join("pki/ca.key"));
        let names = ["cp1", "kubernetes", "default", "svc", "cluster.local"];
        let names = names.map(|name| format!("permitted;DNS:{name},")).concat();
        let constraints = format!("nameConstraints=critical,{names}permitted;IP:{range}");
        signed_by_itself(
            [&key, &certificate],
            &[
                &["-days", "3000", "-subj", "/CN=corp"],
                &["-addext", &constraints][..],
                &["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
            ]
            .concat(),
        );
        set_mode(&key, 0o600);
        let finished = run(&mut all(place.path(), &[]));
        if permitted {
            finished.expect(0);
            run(&mut all(place.path(), &[])).expect(0);
            let mut openssl = Command::new(tool("openssl"));
            openssl
                .args(["verify", "-CAfile", text(&certificate)])
                .arg(place.join("pki/apiserver.crt"));
            run(&mut openssl).expect(0);
            continue;
        }
        let finished = finished.expect(4);
        for address in ["10.96.0.1", "10.0.0.10"] {
            let words = format!(
                "apiserver.crt would have the SAN {address}, which the name constraints of \"CN=corp\" do not permit"
            );
            assert!(finished.stderr.contains(&words), "{words}: {finished}");
        }
        assert!(!place.join("pki/apiserver.crt").exists());
    }
}

#[test]
fn a_leaf_that_ends_with_its_ca_is_told() {
    let place = TempDir::new();
    let short = ["--ca-validity", "100h"];
    let finished = run(&mut all(
        place.path(),
        &[&short[..], &["--output", "json"]].concat(),
    ))
    .expect(0);
    let notes = codes(&finished, "note");
    assert_eq!(
        notes
            .iter()
            .filter(|code| *code == "expires-with-ca")
            .count(),
        12,
        "{notes:?}"
    );
    let finished = run(&mut all(place.path(), &short)).expect(0);
    assert!(
        !finished.stdout.contains("expires-with-ca"),
        "only when it is issued: {finished}"
    );
}

// Users, owners, modes.

#[test]
fn a_plain_user_works_in_a_folder_of_its_own() {
    let public = Public::new();
    let own = public.0.join("own");
    fs::create_dir(&own).expect("make a folder");
    std::os::unix::fs::chown(&own, Some(65534), Some(65534)).expect("chown");
    let mut inner = public.certs(&["all", "--kubernetes-dir", text(&own)]);
    inner.args(&CLUSTER[..4]);
    run(&mut nobody(&inner)).expect(0);
    for path in listing(&own) {
        let found = fs::metadata(own.join(&path)).expect("metadata");
        assert_eq!(
            (found.uid(), found.gid()),
            (65534, 65534),
            "{}",
            path.display()
        );
        let wanted = match path.extension().and_then(OsStr::to_str) {
            None => continue,
            Some("crt") => 0o644,
            Some(_) => 0o600,
        };
        assert_eq!(
            found.permissions().mode() & 0o7777,
            wanted,
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_folder_without_permission_is_one_error_before_any_key_is_made() {
    let public = Public::new();
    let closed = public.0.join("kubernetes");
    fs::create_dir(&closed).expect("make a folder");
    fs::create_dir(closed.join("pki")).expect("make a folder");
    write(&closed.join("pki/sa.key"), "x");
    let before = snapshot(&closed);
    // RSA-4096: sixteen of them take minutes in this build.
    let mut inner = Command::new(public.0.join("certs"));
    inner
        .args([
            "all",
            "--kubernetes-dir",
            text(&closed),
            "--key-algorithm",
            "RSA-4096",
        ])
        .args(&CLUSTER[..4]);
    let started = Instant::now();
    let finished = run(&mut nobody(&inner)).expect(1);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(finished.stdout, "");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished}");
    assert!(
        finished.stderr.contains("no permission to write to"),
        "{finished}"
    );
    assert!(finished.stderr.contains(text(&closed)), "{finished}");
    same(&before, &closed);
}

#[test]
fn a_key_that_may_not_be_read_is_told_and_left_by_force() {
    let public = Public::new();
    let own = public.0.join("own");
    fs::create_dir(&own).expect("make a folder");
    std::os::unix::fs::chown(&own, Some(65534), Some(65534)).expect("chown");
    let mut inner = public.certs(&["all", "--kubernetes-dir", text(&own)]);
    inner.args(&CLUSTER[..4]);
    run(&mut nobody(&inner)).expect(0);
    let key = own.join("pki/apiserver.key");
    std::os::unix::fs::chown(&key, Some(0), Some(0)).expect("chown");
    let before = snapshot(&own);
    for more in [&[][..], &["--force"]] {
        let mut inner = public.certs(&["server", "apiserver", "--kubernetes-dir", text(&own)]);
        inner.args(&CLUSTER[..4]).args(more);
        let finished = run(&mut nobody(&inner)).expect(1);
        let words =
            "pki/apiserver.key cannot be read: permission denied: run as root, or as its owner";
        assert!(finished.stderr.contains(words), "{finished}");
        same(&before, &own);
    }
}

#[test]
fn what_the_system_cannot_read_is_1_beside_all_that_is_known() {
    let place = tree_of_all();
    let key = place.join("pki/apiserver.key");
    set_mode(&place.join("pki/sa.key"), 0o644);
    let before = snapshot(place.path());
    for more in [&[][..], &["--force"], &["--dry-run"]] {
        let inner = all(place.path(), more);
        let mut strace = Command::new(tool("strace"));
        strace
            .args(["-f", "-o", "/dev/null", "-P", text(&key)])
            .args(["-e", "inject=read:error=EIO"])
            .arg(inner.get_program())
            .args(inner.get_args());
        let finished = run(&mut strace).expect(1);
        for words in [
            "pki/apiserver.key cannot be read: I/O error: look at the file system that it is on",
            "pki/sa.key has the mode 0644",
        ] {
            assert!(finished.stderr.contains(words), "{words}: {finished}");
        }
        same(&before, place.path());
    }
    let finished = run(&mut all(place.path(), &[])).expect(4);
    assert!(!finished.stderr.contains("cannot be read"), "{finished}");
}

#[test]
fn owner_and_group_are_those_asked_for() {
    let place = TempDir::new();
    let tree = place.join("k");
    run(&mut all(
        &tree,
        &["--owner", "nobody", "--group", "nogroup"],
    ))
    .expect(0);
    for path in listing(&tree) {
        let found = fs::metadata(tree.join(&path)).expect("metadata");
        if found.is_file() {
            assert_eq!(
                (found.uid(), found.gid()),
                (65534, 65534),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn a_replaced_file_keeps_its_owner_and_its_mode_within_bounds() {
    let place = tree_of_all();
    let (certificate, key) = (
        place.join("pki/apiserver.crt"),
        place.join("pki/apiserver.key"),
    );
    for (path, mode) in [(&certificate, 0o666), (&key, 0o664)] {
        set_mode(path, mode);
        std::os::unix::fs::chown(path, Some(65534), Some(65534)).expect("chown");
    }
    run(&mut all(place.path(), &["--force"])).expect(0);
    for (path, wanted) in [(&certificate, 0o644), (&key, 0o640)] {
        assert_eq!(mode(path), wanted, "{}", path.display());
        assert_eq!(fs::metadata(path).expect("metadata").uid(), 65534);
    }
}

#[test]
fn a_directory_that_others_may_write_is_an_error_to_every_verb_that_uses_it() {
    for (folder, used, unused) in [
        (
            "",
            &["kubeconfig", "admin", "--node-name", "cp1"][..],
            Some(["ca", "ca"]),
        ),
        (
            "pki",
            &["kubeconfig", "admin", "--node-name", "cp1"][..],
            None,
        ),
        ("pki/etcd", &["ca", "etcd-ca"][..], Some(["ca", "ca"])),
    ] {
        let place = tree_of_all();
        let folder = place.join(folder);
        set_mode(&folder, 0o1777);
        fs::remove_file(place.join("pki/apiserver.crt")).expect("remove a file");
        let before = snapshot(place.path());
        let whole: Vec<Command> = [&[][..], &["--dry-run"], &["--force"]]
            .iter()
            .map(|more| all(place.path(), more))
            .collect();
        for mut command in whole.into_iter().chain([verb(used, place.path(), &[])]) {
            let finished = run(&mut command).expect(4);
            let path = folder.display().to_string();
            let words = format!(
                "{} is a directory of mode 1777: chmod it to 0755",
                path.trim_end_matches('/')
            );
            assert_eq!(
                finished.stderr.matches(&words).count(),
                1,
                "{words}: {finished}"
            );
        }
        same(&before, place.path());
        if let Some(unused) = unused {
            run(&mut verb(&unused, place.path(), &[])).expect(0);
        }
    }
}

#[test]
fn a_directory_of_a_group_is_noted_and_one_of_another_user_is_a_warning() {
    let place = tree_of_all();
    let json = ["--output", "json"];
    for folder in ["", "pki", "pki/etcd"] {
        set_mode(&place.join(folder), 0o775);
    }
    let finished = run(&mut all(place.path(), &json)).expect(0);
    let notes = codes(&finished, "note");
    let of_group = notes.iter().filter(|code| *code == "writable-by-group");
    assert_eq!(of_group.count(), 3, "{notes:?}");
    let give = |file: &str| {
        std::os::unix::fs::chown(place.join(file), Some(65534), None).expect("chown");
    };
    // What kubeadm gives to the users of components is no warning.
    for file in [
        "pki/ca.key",
        "pki/sa.key",
        "pki/etcd/server.key",
        "scheduler.conf",
    ] {
        give(file);
    }
    let finished = run(&mut all(place.path(), &json)).expect(0);
    let notes = codes(&finished, "note");
    let of_keys = notes.iter().filter(|code| *code == "key-owner");
    assert_eq!(of_keys.count(), 2, "{notes:?}");
    give("pki/etcd");
    give("pki/ca.crt");
    let finished = run(&mut all(place.path(), &json)).expect(3);
    assert_eq!(codes(&finished, "warning"), ["foreign-owner"; 2]);
    run(&mut all(place.path(), &["--owner", "nobody"])).expect(0);
}

#[test]
fn a_mode_that_lets_others_in_is_an_error_of_keys_and_a_warning_of_certificates() {
    let place = tree_of_all();
    set_mode(&place.join("pki/apiserver.crt"), 0o744);
    let finished = run(&mut all(place.path(), &["--output", "json"])).expect(3);
    assert_eq!(codes(&finished, "warning"), ["certificate-mode"]);
    set_mode(&place.join("pki/apiserver.crt"), 0o644);
    set_mode(&place.join("pki/ca.key"), 0o640);
    run(&mut all(place.path(), &[])).expect(0);
    for file in [
        "pki/ca.key",
        "pki/sa.key",
        "pki/apiserver.key",
        "admin.conf",
    ] {
        set_mode(&place.join(file), 0o644);
    }
    let finished = run(&mut all(place.path(), &["--output", "json"])).expect(4);
    assert_eq!(codes(&finished, "error"), ["key-mode"; 4]);
}

// Paths.

#[test]
fn paths_may_be_relative_have_blanks_and_be_no_utf_8() {
    let place = TempDir::new();
    let names = [
        b"k".to_vec(),
        b"with a blank/k".to_vec(),
        b"no-utf-8-\xff/k".to_vec(),
    ];
    for name in names {
        let name = std::ffi::OsString::from_vec(name);
        let mut command = certs(&["all"]);
        command
            .current_dir(place.path())
            .args(CLUSTER)
            .arg("--kubernetes-dir")
            .arg(&name);
        let finished = run(&mut command).expect(0);
        let tree = place.path().join(&name);
        assert!(tree.join("pki/etcd/peer.key").is_file(), "{finished}");
        let mut command = certs(&["all", "--output", "json"]);
        command
            .current_dir(place.path())
            .args(CLUSTER)
            .arg("--kubernetes-dir")
            .arg(&name);
        let finished = run(&mut command).expect(0);
        let shown = name.to_string_lossy();
        let directory = json(&finished)["directories"]["kubeconfigs"].clone();
        assert_eq!(directory, serde_json::json!(shown));
    }
}

#[test]
fn each_directory_can_be_placed_on_its_own() {
    let place = TempDir::new();
    let (pki, conf) = (place.join("a/pki"), place.join("b"));
    let more = ["--cert-dir", text(&pki), "--kubeconfig-dir", text(&conf)];
    run(&mut all(&place.join("c"), &more)).expect(0);
    assert!(pki.join("etcd/ca.key").is_file() && conf.join("admin.conf").is_file());
    assert!(!place.join("c").exists());
    let kubelet = place.join("d");
    let more = [
        "--cert-dir",
        text(&pki),
        "--kubelet-dir",
        text(&kubelet),
        "--node-ip",
        "10.0.1.1",
    ];
    run(&mut verb(
        &["server", "kubelet-serving"],
        &place.join("c"),
        &more,
    ))
    .expect(0);
    assert!(kubelet.join("kubelet.crt").is_file());
}

#[test]
fn what_is_no_file_in_a_file_s_place_is_one_error_and_stays() {
    let place = tree_of_all();
    let file = place.join("pki/apiserver.crt");
    let aside = place.join("aside.crt");
    fs::rename(&file, &aside).expect("move");
    let kinds: [(&str, &dyn Fn()); 3] = [
        ("a symbolic link", &|| symlink(&aside, &file).expect("link")),
        ("a directory", &|| {
            fs::create_dir(&file).expect("make a folder");
        }),
        ("a named pipe", &|| {
            run(Command::new("mkfifo").arg(&file)).expect(0);
        }),
    ];
    for (kind, make) in kinds {
        make();
        let before = snapshot(place.path());
        for more in [&[][..], &["--force"]] {
            let finished = run(&mut all(place.path(), more)).expect(4);
            let way_out = if kind.contains("link") {
                "put the file that it names in its place"
            } else {
                "move it away"
            };
            let words = format!("pki/apiserver.crt is {kind}, not a file: {way_out}");
            assert!(finished.stderr.contains(&words), "{finished}");
            // The error, what says so, and that it was refused.
            assert_eq!(finished.stderr.lines().count(), 3, "{finished}");
            same(&before, place.path());
        }
        let mut remove = Command::new("rm");
        run(remove.arg("-rf").arg(&file)).expect(0);
    }
}

// Two at once.

#[test]
fn two_runs_at_once_make_one_tree() {
    let place = TempDir::new();
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let mut command = all(place.path(), &["--output", "json"]);
            thread::spawn(move || run(&mut command))
        })
        .collect();
    let results: Vec<String> = runs
        .into_iter()
        .map(|run| {
            let finished = run.join().expect("a run").expect(0);
            json(&finished)["result"]
                .as_str()
                .expect("a text")
                .to_owned()
        })
        .collect();
    let changed = results.iter().filter(|result| *result == "changed").count();
    assert_eq!(changed, 1, "{results:?}");
    run(&mut all(place.path(), &[])).expect(0);
}

#[test]
fn a_run_waits_for_another_and_no_longer_than_it_was_told() {
    let place = tree_of_all();
    let mut holder = Command::new(tool("flock"));
    holder.arg(place.join("pki")).args(["sleep", "30"]);
    let mut holder = holder.spawn().expect("start flock");
    // Until the lock is held.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let free = run(Command::new(tool("flock"))
            .arg("-n")
            .arg(place.join("pki"))
            .arg("true"));
        if !free.status.success() {
            break;
        }
        assert!(Instant::now() < deadline, "flock takes no lock");
    }
    let before = snapshot(place.path());
    let finished = run(&mut all(
        place.path(),
        &["--force", "--lock-timeout", "300ms"],
    ))
    .expect(1);
    assert!(
        finished.stderr.contains("waiting for another run on"),
        "{finished}"
    );
    assert!(
        finished
            .stderr
            .lines()
            .last()
            .is_some_and(|line| line.starts_with("error: ")),
        "{finished}"
    );
    let finished = run(&mut all(place.path(), &["--dry-run"])).expect(0);
    assert!(
        finished.stdout.contains("another run is writing"),
        "{finished}"
    );
    same(&before, place.path());
    holder.kill().expect("end flock");
    holder.wait().expect("wait for flock");
}

// What is already there.

#[test]
fn sa_pub_is_made_of_sa_key_and_never_the_other_way() {
    let place = tree_of_all();
    let (key, public) = (place.join("pki/sa.key"), place.join("pki/sa.pub"));
    let before = (read(&key), read(&public));
    fs::remove_file(&public).expect("remove");
    let finished = run(&mut all(place.path(), &["--output", "json"])).expect(0);
    assert_eq!(steps(&finished)["sa"], "derive");
    assert_eq!((read(&key), read(&public)), before);
    fs::remove_file(&key).expect("remove");
    for more in [&[][..], &["--force"]] {
        let finished = run(&mut all(place.path(), more)).expect(4);
        assert!(
            finished
                .stderr
                .contains("sa.pub stands without sa.key: certs never replaces"),
            "{finished}"
        );
    }
    assert!(!key.exists());
}

#[test]
fn force_with_a_name_reissues_that_one_with_a_new_key_and_keeps_a_backup() {
    let place = tree_of_all();
    let before = snapshot(place.path());
    let old = read(&place.join("pki/apiserver.key"));
    let more = [&CLUSTER[..4], &["--force", "--output", "json"]].concat();
    let finished = run(&mut verb(&["server", "apiserver"], place.path(), &more)).expect(0);
    assert_eq!(
        json(&finished)["items"][0]["why"],
        serde_json::json!(["asked-for"])
    );
    assert_ne!(read(&place.join("pki/apiserver.key")), old);
    let backup = json(&finished)["backups"][0]
        .as_str()
        .expect("a backup")
        .to_owned();
    assert_eq!(read(&Path::new(&backup).join("apiserver.key")), old);
    assert_eq!(mode(Path::new(&backup)), 0o700);
    let after = snapshot(place.path());
    for (path, what) in &before {
        let touched = path.starts_with("pki/apiserver.crt")
            || path.starts_with("pki/apiserver.key")
            || path == Path::new("pki");
        assert!(touched || after[path] == *what, "{}", path.display());
    }
    run(&mut all(place.path(), &[])).expect(0);
    let more = [
        &CLUSTER[..4],
        &["--force", "--no-backup", "--output", "json"],
    ]
    .concat();
    let finished = run(&mut verb(&["server", "apiserver"], place.path(), &more)).expect(0);
    assert_eq!(json(&finished)["backups"], serde_json::json!([]));
}

#[test]
fn force_keeps_a_kubeconfig_s_other_entries() {
    let place = tree_of_all();
    let path = place.join("admin.conf");
    let config = read(&path).replace(
        "users:\n",
        "users:\n- name: zoe\n  user:\n    token: \"0123\"\n",
    );
    write(&path, config);
    run(&mut all(place.path(), &[])).expect(0);
    run(&mut verb(
        &["kubeconfig", "admin"],
        place.path(),
        &[&CLUSTER[..4], &["--force"]].concat(),
    ))
    .expect(0);
    assert!(read(&path).contains("token: \"0123\""), "{}", read(&path));
    run(&mut all(place.path(), &[])).expect(0);
}

#[test]
fn a_kubeconfig_of_which_nothing_can_be_read_is_replaced_only_with_a_backup() {
    let place = tree_of_all();
    let path = place.join("admin.conf");
    let broken = format!("{}\n\t- broken\n", read(&path));
    write(&path, &broken);
    let finished = run(&mut all(place.path(), &[])).expect(4);
    let way_out = "with --force to reissue it; what else is in it is in the backup alone then";
    assert!(finished.stderr.contains(way_out), "{finished}");
    let before = snapshot(place.path());
    let finished = run(&mut all(place.path(), &["--force", "--no-backup"])).expect(4);
    let way_out = "leave out --no-backup: what else is in it would be lost";
    assert!(finished.stderr.contains(way_out), "{finished}");
    same(&before, place.path());
    let finished = run(&mut all(place.path(), &["--force", "--output", "json"])).expect(0);
    let report = json(&finished);
    let note = format!("nothing of {} can be read", path.display());
    assert!(
        report["notes"][0]
            .as_str()
            .expect("a note")
            .starts_with(&note)
    );
    let backup = report["backups"][0].as_str().expect("a backup");
    assert_eq!(read(&Path::new(backup).join("admin.conf")), broken);
    // With one that can be read nothing but an entry goes, and with an empty one nothing at all.
    for text in ["", "kind: Config\n"] {
        write(&path, text);
        let finished = run(&mut all(place.path(), &["--force", "--no-backup"])).expect(0);
        assert!(!finished.stdout.contains("can be read"), "{finished}");
    }
}

#[test]
fn the_files_that_a_kubeconfig_names_are_followed() {
    let place = tree_of_all();
    let path = place.join("kubelet.conf");
    let pem = |field| common::kubeconfig_data(&path, field);
    let both = [pem("client-certificate-data"), pem("client-key-data")].concat();
    let refer = |field: &str, to: &str| {
        let config: String = read(&path)
            .lines()
            .map(|line| match line.split_once(&format!("{field}-data:")) {
                Some((indent, _)) => format!("{indent}{field}: {to}\n"),
                None => format!("{line}\n"),
            })
            .collect();
        write(&path, config);
    };
    // As the kubelet keeps it: a link to a file in its folder, certificate and key in one.
    let folder = place.join("kubelet/pki");
    fs::create_dir_all(&folder).expect("make a folder");
    let file = folder.join("kubelet-client-2026.pem");
    write(&file, both);
    let current = folder.join("kubelet-client-current.pem");
    symlink("kubelet-client-2026.pem", &current).expect("link");
    refer(
        "client-certificate",
        "kubelet/pki/kubelet-client-current.pem",
    );
    refer("client-key", text(&current));
    refer("certificate-authority", "pki/ca.crt");
    run(&mut all(place.path(), &[])).expect(0);
    // Its key and validity are the kubelet's affair; a kubeconfig's own are not.
    let another = ["--key-algorithm", "RSA-2048", "--validity", "2160h"];
    let mut command = certs(&["kubeconfig", "kubelet", "--output", "json"]);
    command.args(["--kubernetes-dir", text(place.path()), "--node-name", "cp1"]);
    command.args(["--apiserver-advertise-address", "10.0.0.10"]);
    run(command.args(another)).expect(0);
    let mut command = certs(&["kubeconfig", "scheduler", "--output", "json"]);
    command.args(["--kubernetes-dir", text(place.path())]);
    command.args(["--apiserver-advertise-address", "10.0.0.10"]);
    let finished = run(command.args(another)).expect(3);
    assert_eq!(codes(&finished, "warning"), ["key-algorithm"]);
    set_mode(&file, 0o644);
    let finished = run(&mut all(place.path(), &["--output", "json"])).expect(4);
    assert_eq!(codes(&finished, "error"), ["key-mode"]);
    fs::remove_file(&file).expect("remove");
    let finished = run(&mut all(place.path(), &[])).expect(4);
    let words = "kubelet.conf refers to kubelet/pki/kubelet-client-current.pem (client-certificate), which is not there";
    assert!(finished.stderr.contains(words), "{finished}");
    write(&file, "garbage");
    let finished = run(&mut all(place.path(), &[])).expect(4);
    let words =
        "kubelet.conf cannot be used: client-certificate kubelet/pki/kubelet-client-current.pem: ";
    assert!(finished.stderr.contains(words), "{finished}");
    fs::remove_file(&current).expect("remove");
    symlink("/dev/null", &current).expect("link");
    let finished = run(&mut all(place.path(), &[])).expect(4);
    assert!(
        finished
            .stderr
            .contains("a symbolic link that leaves its folder"),
        "{finished}"
    );
    run(&mut all(place.path(), &["--force"])).expect(0);
    run(&mut all(place.path(), &[])).expect(0);
}

#[test]
fn a_second_control_plane_is_made_over_copies_of_the_cas_and_sa_keys() {
    let (first, second) = (tree_of_all(), TempDir::new());
    fs::create_dir_all(second.join("pki/etcd")).expect("make folders");
    let shared = [
        "pki/ca.crt",
        "pki/ca.key",
        "pki/etcd/ca.crt",
        "pki/etcd/ca.key",
        "pki/front-proxy-ca.crt",
        "pki/front-proxy-ca.key",
        "pki/sa.key",
        "pki/sa.pub",
    ];
    for file in shared {
        fs::copy(first.join(file), second.join(file)).expect("copy");
    }
    let mut command = verb(
        &["all"],
        second.path(),
        &["--output", "json", "--node-name", "cp2"],
    );
    command.args(["--apiserver-advertise-address", "10.0.0.11"]);
    let finished = run(&mut command).expect(0);
    let steps = steps(&finished);
    for name in ["ca", "etcd-ca", "front-proxy-ca", "sa"] {
        assert_eq!(steps[name], "keep");
    }
    assert_eq!(steps["apiserver"], "create");
    for file in shared {
        assert_eq!(read(&first.join(file)), read(&second.join(file)));
    }
}

#[test]
fn one_ca_pair_may_stand_at_all_three_places() {
    let place = TempDir::new();
    run(&mut verb(&["ca", "ca"], place.path(), &[])).expect(0);
    fs::create_dir(place.join("pki/etcd")).expect("make a folder");
    for ending in ["crt", "key"] {
        for other in ["etcd/ca", "front-proxy-ca"] {
            let to = place.join(&format!("pki/{other}.{ending}"));
            fs::copy(place.join(&format!("pki/ca.{ending}")), to).expect("copy");
        }
    }
    run(&mut all(place.path(), &[])).expect(0);
    run(&mut all(place.path(), &[])).expect(0);
}

#[test]
fn cas_need_no_default_route_and_what_needs_one_says_so() {
    let place = TempDir::new();
    let unconnected = |inner: &Command| {
        let mut command = Command::new(tool("unshare"));
        command
            .arg("--net")
            .arg(inner.get_program())
            .args(inner.get_args());
        command
    };
    run(&mut unconnected(&verb(&["ca"], place.path(), &[]))).expect(0);
    run(&mut unconnected(&verb(&["sa"], place.path(), &[]))).expect(0);
    run(&mut unconnected(&verb(
        &["client", "admin"],
        place.path(),
        &[],
    )))
    .expect(0);
    let finished = run(&mut unconnected(&verb(
        &["server", "apiserver"],
        place.path(),
        &[],
    )))
    .expect(2);
    assert!(
        finished
            .stderr
            .contains("give --apiserver-advertise-address"),
        "{finished}"
    );
    run(&mut unconnected(&all(place.path(), &[]))).expect(0);
}

#[test]
fn a_leaf_s_chain_is_kept() {
    let place = TempDir::new();
    run(&mut verb(&["ca"], place.path(), &[])).expect(0);
    let script = r#"
        cd "$0/pki"
        openssl ecparam -name prime256v1 -genkey -noout -out i.key
        openssl req -new -key i.key -subj /CN=intermediate |
            openssl x509 -req -CA ca.crt -CAkey ca.key -days 3000 -out i.crt -extfile <(printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n')
        openssl ecparam -name prime256v1 -genkey -noout -out front-proxy-client.key
        openssl req -new -key front-proxy-client.key -subj /CN=front-proxy-client |
            openssl x509 -req -CA i.crt -CAkey i.key -days 300 -out leaf.crt -extfile <(printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n')
        cp ca.crt front-proxy-ca.crt; cp ca.key front-proxy-ca.key
        cat leaf.crt i.crt > front-proxy-client.crt
        chmod 600 *.key
    "#;
    let mut bash = Command::new(tool("bash"));
    bash.args(["-euc", script]).arg(place.path());
    run(&mut bash).expect(0);
    let finished = run(&mut verb(
        &["client", "front-proxy-client"],
        place.path(),
        &["--output", "json"],
    ))
    .expect(3);
    assert_eq!(steps(&finished)["front-proxy-client"], "keep");
    assert_eq!(codes(&finished, "warning"), ["validity"]);
    fs::copy(
        place.join("pki/leaf.crt"),
        place.join("pki/front-proxy-client.crt"),
    )
    .expect("copy");
    let finished = run(&mut verb(
        &["client", "front-proxy-client"],
        place.path(),
        &[],
    ))
    .expect(4);
    assert!(
        finished
            .stderr
            .contains("was signed by \"CN=intermediate\""),
        "{finished}"
    );
}

#[test]
fn an_external_ca_signs_nothing_and_is_kept_with_what_it_signed() {
    let place = tree_of_all();
    for key in ["ca", "etcd/ca", "front-proxy-ca"] {
        fs::remove_file(place.join(&format!("pki/{key}.key"))).expect("remove");
    }
    fs::remove_file(place.join("pki/sa.key")).expect("remove");
    fs::remove_file(place.join("pki/sa.pub")).expect("remove");
    let finished = run(&mut all(place.path(), &["--output", "json"])).expect(0);
    assert_eq!(steps(&finished)["sa"], "create");
    fs::remove_file(place.join("kubelet.conf")).expect("remove");
    let finished = run(&mut all(place.path(), &["--output", "json"])).expect(4);
    assert_eq!(codes(&finished, "error"), ["external-ca"]);
}

#[test]
fn what_an_external_etcd_leaves_out_is_said() {
    let place = TempDir::new();
    let config = place.join("c.yaml");
    write(
        &config,
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\netcd:\n  external:\n\
         \x20   endpoints: [https://10.0.0.5:2379]\n    caFile: /a/ca.crt\n\
         \x20   certFile: /a/c.crt\n    keyFile: /a/c.key\n",
    );
    let tree = place.join("k");
    let finished = run(&mut all(&tree, &["--config", text(&config)])).expect(0);
    let words = "etcd is external: left out etcd-ca, etcd-server, etcd-peer, apiserver-etcd-client, \
                 etcd-healthcheck-client";
    assert!(finished.stdout.contains(words), "{finished}");
    assert!(!tree.join("pki/etcd").exists());
    let finished = run(&mut verb(&["peer"], &tree, &["--config", text(&config)])).expect(0);
    assert!(
        finished
            .stdout
            .contains("etcd is external: left out etcd-peer"),
        "{finished}"
    );
    let finished = run(&mut verb(
        &["ca", "ca"],
        &tree,
        &["--config", text(&config)],
    ))
    .expect(0);
    assert!(!finished.stdout.contains("external"), "{finished}");
    run(&mut verb(
        &["peer", "etcd-peer"],
        &tree,
        &["--config", text(&config)],
    ))
    .expect(2);
}

#[test]
fn rsa_keys_are_made_and_kept() {
    let place = TempDir::new();
    run(&mut certs(&[
        "ca",
        "front-proxy-ca",
        "--kubernetes-dir",
        text(place.path()),
    ]))
    .expect(0);
    let client = [
        "client",
        "front-proxy-client",
        "--kubernetes-dir",
        text(place.path()),
    ];
    run(&mut certs(&client)).expect(0);
    let finished = run(&mut certs(&client)).expect(0);
    assert!(
        finished.stdout.contains("nothing was written"),
        "{finished}"
    );
    assert!(
        read(&place.join("pki/front-proxy-client.key"))
            .starts_with("-----BEGIN RSA PRIVATE KEY-----\n")
    );
}

// Passphrases.

/// A tree with only its CA, whose key is encrypted with `secret`.
fn locked() -> TempDir {
    let place = TempDir::new();
    run(&mut verb(&["ca"], place.path(), &[])).expect(0);
    let mut openssl = Command::new(tool("openssl"));
    openssl.current_dir(place.join("pki")).args([
        "pkcs8",
        "-topk8",
        "-v2",
        "aes-256-cbc",
        "-in",
        "ca.key",
        "-out",
        "locked.key",
        "-passout",
        "pass:secret",
    ]);
    run(&mut openssl).expect(0);
    fs::rename(place.join("pki/locked.key"), place.join("pki/ca.key")).expect("move");
    set_mode(&place.join("pki/ca.key"), 0o600);
    write_secret(&place.join("right"), "secret\n");
    write_secret(&place.join("wrong"), "guess\n");
    place
}

#[test]
fn an_encrypted_ca_key_is_opened_by_a_file_for_all_or_for_one_or_by_the_environment() {
    let place = locked();
    let client = |name: &str| verb(&["client", name, "--common-name", name], place.path(), &[]);
    let finished = run(&mut client("a")).expect(4);
    assert!(
        finished
            .stderr
            .contains("give its passphrase with --ca-passphrase-file"),
        "{finished}"
    );
    let right = place.join("right");
    run(client("b").args(["--ca-passphrase-file", text(&right)])).expect(0);
    run(client("c")
        .arg("--ca-passphrase-file")
        .arg(format!("ca={}", text(&right))))
    .expect(0);
    run(client("d").env("CERTS_CA_PASSPHRASE", "secret")).expect(0);
    // A file goes before the environment, one for a name before one for all.
    run(client("e")
        .env("CERTS_CA_PASSPHRASE", "guess")
        .args(["--ca-passphrase-file", text(&right)]))
    .expect(0);
    run(client("f")
        .args(["--ca-passphrase-file", text(&place.join("wrong"))])
        .arg("--ca-passphrase-file")
        .arg(format!("ca={}", text(&right))))
    .expect(0);
    // Where nothing must be issued, nothing must be opened, and nothing is.
    run(&mut client("b")).expect(0);
    let wrong = place.join("wrong");
    run(client("b").args(["--ca-passphrase-file", text(&wrong)])).expect(0);
    run(client("g").args(["--ca-passphrase-file", text(&wrong)])).expect(4);
}

#[test]
fn a_secret_in_a_file_that_others_may_read_is_not_used() {
    let place = locked();
    let right = place.join("right");
    let client = || {
        let client = ["client", "a", "--common-name", "a"];
        let mut command = verb(&client, place.path(), &[]);
        run(command.args(["--ca-passphrase-file", text(&right)]))
    };
    for mode in [0o644, 0o604, 0o666, 0o620] {
        set_mode(&right, mode);
        let refused = client().expect(2);
        let told = format!("is open to others (mode {mode:04o}): chmod 600 it");
        assert!(refused.stderr.contains(&told), "{refused}");
    }
    for mode in [0o640, 0o600, 0o400] {
        set_mode(&right, mode);
        client().expect(0);
    }
}

#[test]
fn a_wrong_passphrase_is_an_error_with_its_way_out() {
    let place = locked();
    let mut command = verb(&["client", "a", "--common-name", "a"], place.path(), &[]);
    command.args(["--ca-passphrase-file", text(&place.join("wrong"))]);
    let finished = run(&mut command).expect(4);
    assert!(
        finished
            .stderr
            .contains("ca.key cannot be used: the passphrase does not decrypt"),
        "{finished}"
    );
    assert!(
        finished.stderr.contains("--ca-passphrase-file"),
        "{finished}"
    );
    assert!(!finished.stderr.contains("never replaces"), "{finished}");
    assert!(!place.join("pki/a.key").exists());
}

#[test]
fn a_ca_that_is_there_under_another_subject_than_the_one_given_is_refused() {
    let place = TempDir::new();
    let ca = |arguments: &[&str], code| {
        let mut command = certs(&["ca", "ca", "--key-algorithm", "ECDSA-P256"]);
        command.args(["--kubernetes-dir", text(place.path())]);
        run(command.args(arguments)).expect(code)
    };
    ca(&["--subject", "/O=Example/CN=kubernetes"], 0);
    // Kept under its own subject, in whatever form, and where none is given.
    ca(&["--subject", "O=Example,CN=kubernetes"], 0);
    ca(&[], 0);
    let refused = ca(&["--subject", "/CN=another"], 4);
    assert!(
        refused
            .stderr
            .contains("has the subject \"CN=kubernetes,O=Example\", not \"CN=another\""),
        "{refused}"
    );
}

#[test]
fn a_private_key_in_a_file_that_everyone_reads_is_refused() {
    for (public, key) in [
        ("pki/ca.crt", "pki/ca.key"),
        ("pki/apiserver.crt", "pki/apiserver.key"),
        ("pki/sa.pub", "pki/sa.key"),
    ] {
        let place = tree_of_all();
        let both = read(&place.join(public)) + &read(&place.join(key));
        write(&place.join(public), both);
        let finished = run(&mut all(place.path(), &[])).expect(4);
        let words = format!("{public} cannot be used: it holds a private key");
        assert!(finished.stderr.contains(&words), "{finished}");
    }
}

#[test]
fn who_may_write_sa_pub_may_not_be_anyone() {
    let place = tree_of_all();
    set_mode(&place.join("pki/sa.pub"), 0o666);
    let finished = run(&mut all(place.path(), &["--output", "json"])).expect(4);
    assert_eq!(codes(&finished, "error"), ["writable-by-others"]);
}

#[test]
fn a_node_that_joins_is_refused_without_the_cluster_s_cas() {
    let place = TempDir::new();
    let config = place.join("join.yaml");
    let head = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\nnodeRegistration:\n  name: cp2\n";
    let control_plane = "controlPlane:\n  localAPIEndpoint:\n    advertiseAddress: 10.0.0.11\n";
    let join = |verb: &[&str], code| {
        let mut command = certs(verb);
        command.args(["--config", text(&config), "--kubernetes-dir"]);
        run(command.arg(place.join("k8s"))).expect(code)
    };
    write(&config, format!("{head}{control_plane}"));
    let finished = join(&["all"], 4);
    for name in [
        "ca.key",
        "etcd/ca.key",
        "front-proxy-ca.key",
        "sa.key is not there, and a node that joins makes none of its own: copy it and sa.pub",
    ] {
        assert!(finished.stderr.contains(name), "{finished}");
    }
    // A worker has no control plane, and its kubelet no API server beside it.
    write(&config, head);
    let finished = join(&["all"], 2);
    assert!(finished.stderr.contains("is a worker"), "{finished}");
    let finished = join(&["kubeconfig", "kubelet"], 2);
    assert!(
        finished.stderr.contains("--control-plane-endpoint"),
        "{finished}"
    );
}

#[test]
fn a_directory_of_the_file_that_flags_override_is_told() {
    let place = TempDir::new();
    let config = place.join("c.yaml");
    write(
        &config,
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\ncertificatesDir: /elsewhere/pki\n",
    );
    let mut command = certs(&["sa", "--dry-run", "--config", text(&config)]);
    let finished = run(command.args(["--kubernetes-dir", text(place.path())])).expect(0);
    assert!(
        finished
            .stdout
            .contains("not in certificatesDir, /elsewhere/pki"),
        "{finished}"
    );
}

#[test]
fn a_flag_switches_the_configuration_s_dry_run_off() {
    let place = TempDir::new();
    let config = place.join("c.yaml");
    write(
        &config,
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\ndryRun: true\n",
    );
    let sa = |more: &[&str]| {
        let mut command = verb(&["sa", "--config", text(&config)], place.path(), more);
        run(&mut command).expect(0);
        place.join("pki/sa.key").exists()
    };
    assert!(!sa(&[]));
    assert!(sa(&["--dry-run=false"]));
}
