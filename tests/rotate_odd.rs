//! `certs rotate` where a tree is not as the textbook has it, and what other verbs tell of one that was rotated.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

mod common;
use common::base::Base;
use common::kubeadm::NOON;
use common::public::{Public, nobody};
use common::rotation::{STAGES, WHEN, rotate};
use common::snapshot::{same, snapshot};
use common::{Finished, TempDir, at, certs, read, run, text, write};

/// A verb over the tree in `k`, when all of it is done.
fn over(place: &TempDir, verb: &[&str]) -> Finished {
    let mut command = certs(verb);
    command.args(["--kubernetes-dir", text(&place.join("k"))]);
    run(&mut at(WHEN, "022", &command))
}

/// All stages.
fn through(place: &TempDir, what: &str) {
    for (stage, flags) in &STAGES[1..] {
        rotate(place, &[&[what, stage], *flags].concat()).expect(0);
    }
}

#[test]
fn a_dry_run_of_a_renewal_tells_the_file_that_signs_by_the_name_that_the_ca_has_now() {
    let place = Base::Ours.copy();
    through(&place, "ca");
    let told = over(&place, &["renew", "ca", "--dry-run"]).expect(0);
    for file in ["k/pki/ca.crt", "k/pki/ca-signing.crt"] {
        let path = text(&place.join(file)).to_owned();
        let mut lines = told.stdout.lines().map(str::trim_start);
        let line = lines.find(|line| line.starts_with(&path));
        assert!(line.expect(file).ends_with(" CN=kubernetes-2"), "{told}");
    }
}

/// A worker of the cluster in `k`, in `w`: a kubelet's kubeconfig and the CA's certificate.
fn join(place: &TempDir) -> PathBuf {
    let worker = place.join("w");
    fs::create_dir_all(worker.join("pki")).expect("make a folder");
    let mut joined = certs(&["kubeconfig", "kubelet", "--node-name", "worker1"]);
    joined.args(["--kubernetes-dir", text(&place.join("k"))]);
    joined.args(["--kubeconfig-dir", text(&worker)]);
    joined.args(["--apiserver-advertise-address", "10.0.0.10"]);
    run(&mut at(NOON, "022", &joined)).expect(0);
    hand_out(place);
    worker
}

/// The CA's file, as it is copied to the worker.
fn hand_out(place: &TempDir) {
    fs::copy(place.join("k/pki/ca.crt"), place.join("w/pki/ca.crt")).expect("copy");
}

/// What is found in a worker, as code, file and way out.
fn found(worker: &Path) -> Vec<[String; 3]> {
    let mut command = certs(&["check", "--output", "json"]);
    command.args(["--kubernetes-dir", text(worker)]);
    command.args(["--kubelet-dir", text(&worker.join("kubelet"))]);
    let told = run(&mut at(WHEN, "022", &command)).stdout;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let all = told["findings"].as_array().expect("a list").iter();
    let of = |one: &Value| {
        ["code", "file", "wayOut"].map(|field| one[field].as_str().unwrap_or_default().to_owned())
    };
    all.map(of).collect()
}

fn refresh(worker: &Path) {
    let file = worker.join("kubelet.conf");
    let mut command = certs(&["kubeconfig", "refresh", text(&file)]);
    command.args(["--kubernetes-dir", text(worker)]);
    run(&mut at(WHEN, "022", &command)).expect(0);
}

#[test]
fn a_worker_is_told_what_hangs_on_the_former_ca_and_how_its_kubeconfig_trusts_the_next_one_alone() {
    let place = Base::Ours.copy();
    let worker = join(&place);
    let none: Vec<[String; 3]> = Vec::new();
    assert_eq!(found(&worker), none);
    rotate(&place, &["ca", "trust"]).expect(0);
    hand_out(&place);
    refresh(&worker);
    assert_eq!(found(&worker), none, "it is of the CA that signs");
    rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
    hand_out(&place);
    let kubeconfig = worker.join("kubelet.conf");
    let behind = "have it issued anew before 'certs rotate ca drop'";
    let told = ["rotation", text(&kubeconfig), behind].map(str::to_owned);
    assert_eq!(found(&worker), [told]);
    let mut check = certs(&["check", "--kubernetes-dir", text(&worker)]);
    check.args(["--kubelet-dir", text(&worker.join("kubelet"))]);
    let told = run(&mut at(WHEN, "022", &check)).expect(0);
    let line = "kubelet.conf was signed by \"CN=kubernetes\", in whose place \"CN=kubernetes-2\" signs by now: have it";
    assert!(told.stdout.contains(line), "{told}");
    let mut renewal = certs(&["renew", "kubelet", "--node-name", "worker1"]);
    renewal.args(["--cert-dir", text(&place.join("k/pki"))]);
    renewal.args(["--kubeconfig-dir", text(&worker)]);
    run(&mut at(WHEN, "022", &renewal)).expect(0);
    assert_eq!(found(&worker), none, "it is of the CA that signs now");
    rotate(&place, &["ca", "drop", "--restarted"]).expect(0);
    hand_out(&place);
    let way_out = "'certs kubeconfig refresh FILE' puts the present ones there";
    let told = ["kubeconfig-trust-extra", text(&kubeconfig), way_out].map(str::to_owned);
    assert_eq!(found(&worker), [told]);
    refresh(&worker);
    assert_eq!(found(&worker), none);
}

#[test]
fn what_a_kubelet_keeps_of_the_former_ca_is_told_once_and_a_control_plane_s_by_its_file() {
    let place = Base::Ours.copy();
    let worker = join(&place);
    rotate(&place, &["ca", "trust"]).expect(0);
    // As a kubelet has it: the certificate that it rotated last, with the key, and a kubeconfig that names both.
    let (pki, kubeconfig) = (worker.join("kubelet"), worker.join("kubelet.conf"));
    fs::create_dir_all(&pki).expect("make a folder");
    let [certificate, key] = ["client-certificate", "client-key"];
    let data = |what: &str| common::kubeconfig_data(&kubeconfig, &format!("{what}-data"));
    let last = pki.join("kubelet-client-2026-11-23-12-00-00.pem");
    write(&last, [data(certificate), data(key)].concat());
    common::set_mode(&last, 0o600);
    let current = pki.join("kubelet-client-current.pem");
    std::os::unix::fs::symlink(&last, &current).expect("make a link");
    let lines = read(&kubeconfig);
    let named = lines.lines().map(|line| match line.split_once("-data:") {
        Some((field, _)) if field.trim_start().starts_with("client-") => {
            format!("{field}: {}", text(&current))
        }
        _ => line.to_owned(),
    });
    let named: Vec<String> = named.collect();
    write(&kubeconfig, named.join("\n") + "\n");
    rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
    hand_out(&place);
    refresh(&worker);
    let behind = "have it issued anew before 'certs rotate ca drop'";
    let told = ["rotation", text(&kubeconfig), behind].map(str::to_owned);
    assert_eq!(found(&worker), [told]);
    // All of a control plane's is issued anew, but for what was put back.
    let k = place.join("k");
    let rotation = || {
        let told = found(&k).into_iter();
        let told = told.filter(|[code, ..]| code == "rotation");
        told.map(|[_, file, _]| file).collect::<Vec<_>>()
    };
    let ca = text(&k.join("pki/ca.crt")).to_owned();
    assert_eq!(rotation(), std::slice::from_ref(&ca));
    let pair = place.join("pair");
    let bundle = place.join("k/.certs-backup");
    let former = common::listing(&bundle).into_iter();
    let mut former = former.filter(|path| path.ends_with("admin.conf"));
    let former = former.next_back().expect("a backup");
    fs::copy(bundle.join(former), &pair).expect("copy");
    fs::rename(&pair, k.join("admin.conf")).expect("move");
    assert_eq!(rotation(), [ca, text(&k.join("admin.conf")).to_owned()]);
}

/// How far each is that `status` can tell, and what it notes.
fn status(place: &TempDir) -> (Vec<String>, String) {
    let told = rotate(place, &["status", "--output", "json"])
        .expect(0)
        .stdout;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let all = told["rotations"].as_array().expect("a list").iter();
    let of = |one: &Value, field: &str| one[field].as_str().expect("text").to_owned();
    let all = all.map(|one| format!("{} {}", of(one, "what"), of(one, "stage")));
    (all.collect(), told["notes"].to_string())
}

#[test]
fn a_further_key_of_which_nothing_tells_whether_it_is_the_next_one_is_neither_dropped_nor_taken_for_the_former()
 {
    let first = Base::Ours.copy();
    let second = TempDir::new();
    let mut copy = Command::new("cp");
    run(copy.arg("-a").arg(first.join("k")).arg(second.path())).expect(0);
    let hand_over = |names: &[&str]| {
        for name in names {
            let [from, to] = [&first, &second].map(|place| place.join("k/pki").join(name));
            fs::copy(from, to).expect("copy");
        }
    };
    let refused = || {
        let before = snapshot(&second.join("k"));
        for stage in [
            &["trust"][..],
            &["issue", "--restarted"],
            &["drop", "--restarted"],
        ] {
            let told = rotate(&second, &[&["sa"], stage].concat()).expect(4);
            let words = "neither sa-next.key nor a run of 'issue' tells here whether that is the next one: see what";
            assert_eq!(told.stderr.matches(words).count(), 1, "{told}");
        }
        same(&before, &second.join("k"));
        let (stages, notes) = status(&second);
        assert!(
            !stages.iter().any(|one| one.starts_with("sa ")),
            "{stages:?}"
        );
        assert!(
            notes.contains("copy sa-next.key from where it waits"),
            "{notes}"
        );
    };
    let at_stage = |stage: &str| {
        let (stages, _) = status(&second);
        assert!(stages.contains(&format!("sa {stage}")), "{stages:?}");
    };
    rotate(&first, &["sa", "trust"]).expect(0);
    // The public keys alone: `drop` would take the next one out, which signs elsewhere soon.
    hand_over(&["sa.pub"]);
    refused();
    // The way out.
    hand_over(&["sa-next.key"]);
    at_stage("trust");
    fs::remove_file(second.join("k/pki/sa-next.key")).expect("take away");
    // The same after the first one has issued, and its way out.
    rotate(&first, &["sa", "issue", "--restarted"]).expect(0);
    refused();
    hand_over(&["sa.pub"]);
    refused();
    hand_over(&["sa.key"]);
    refused();
    let before = read(&second.join("k/pki/sa.key"));
    rotate(&first, &["sa", "drop", "--restarted"]).expect(0);
    hand_over(&["sa.pub"]);
    at_stage("start");
    assert_eq!(read(&second.join("k/pki/sa.key")), before);
    // What a former rotation issued here tells nothing of a later one's.
    for stage in [&["trust"][..], &["issue", "--restarted"]] {
        let waits = || first.join("k/pki/sa-next.key").exists();
        rotate(&first, &[&["sa"], stage].concat()).expect(0);
        if waits() {
            hand_over(&["sa-next.key"]);
        }
        rotate(&second, &[&["sa"], stage].concat()).expect(0);
    }
    at_stage("issue");
    rotate(&first, &["sa", "drop", "--restarted"]).expect(0);
    hand_over(&["sa.pub"]);
    rotate(&first, &["sa", "trust"]).expect(0);
    hand_over(&["sa.pub"]);
    refused();
}

/// What a run is told that does nothing but to look: its exit code, and each error and warning as code and file.
fn would(place: &TempDir, what: &str, as_user: fn(&Command) -> Command) -> (i32, Vec<String>) {
    let mut command = certs(&["rotate", what, "trust", "--dry-run", "--output", "json"]);
    command.args(["--kubernetes-dir", text(&place.join("k"))]);
    command.args(["--kubelet-dir", text(&place.join("kubelet"))]);
    let ended = run(&mut at(WHEN, "022", &as_user(&command)));
    let told: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let all = told["findings"].as_array().expect("a list").iter();
    let all = all.filter(|one| one["severity"] != "note");
    let base = text(&place.join("k")).to_owned() + "/";
    let of = |one: &Value, field: &str| one[field].as_str().expect("text").replace(&base, "");
    let all = all.map(|one| format!("{} {}", of(one, "code"), of(one, "file")));
    (ended.status.code().expect("a code"), all.collect())
}

fn as_root(command: &Command) -> Command {
    let mut same = Command::new(command.get_program());
    same.args(command.get_args());
    same
}

const GARBAGE: &str = "-----BEGIN CERTIFICATE-----\ngarbage\n-----END CERTIFICATE-----\n";
const ALL: [&str; 4] = ["ca", "etcd-ca", "front-proxy-ca", "sa"];

#[test]
fn what_cannot_be_read_refuses_the_stages_that_it_may_hang_on_and_is_left_by_the_others_and_told_once()
 {
    // Of each file: what it belongs to.
    let belongs: [(&str, &[&str]); 11] = [
        ("pki/ca.crt", &["ca"]),
        ("admin.conf", &["ca"]),
        ("pki/apiserver.key", &["ca"]),
        ("pki/etcd/ca.crt", &["etcd-ca"]),
        ("pki/etcd/server.crt", &["etcd-ca"]),
        ("pki/apiserver-etcd-client.crt", &["etcd-ca"]),
        ("pki/front-proxy-ca.key", &["front-proxy-ca"]),
        ("pki/front-proxy-client.crt", &["front-proxy-ca"]),
        ("pki/sa.pub", &["sa"]),
        // One's own may be of any CA.
        ("pki/own.crt", &["ca", "etcd-ca", "front-proxy-ca"]),
        ("own.conf", &["ca"]),
    ];
    for (file, of) in belongs {
        for garbage in [true, false] {
            // What is no kubeconfig is nobody's.
            if file == "own.conf" && garbage {
                continue;
            }
            let place = Base::Ours.copy();
            let path = place.join("k").join(file);
            if file == "pki/own.crt" {
                fs::copy(
                    place.join("k/pki/apiserver.key"),
                    path.with_extension("key"),
                )
                .expect("copy");
            }
            if garbage {
                write(&path, GARBAGE);
            } else {
                let _ = fs::remove_file(&path);
                fs::create_dir(&path).expect("make a folder");
            }
            for what in ALL {
                let (code, told) = would(&place, what, as_root);
                let (expected, wrong) = if of.contains(&what) {
                    (4, format!("unreadable {file}"))
                } else {
                    (3, format!("not-looked-at {file}"))
                };
                assert_eq!((code, told), (expected, vec![wrong]), "{what}: {file}");
            }
        }
    }
}

#[test]
fn what_waits_and_cannot_be_read_refuses_its_own_stages_by_that_alone() {
    for (what, file) in [
        ("etcd-ca", "pki/etcd/ca-next.key"),
        ("front-proxy-ca", "pki/front-proxy-ca-next.crt"),
        ("sa", "pki/sa-next.key"),
        ("ca", "pki/ca-signing.crt"),
    ] {
        let place = Base::Ours.copy();
        rotate(&place, &[what, "trust"]).expect(0);
        let path = place.join("k").join(file);
        fs::remove_file(&path).expect("take away");
        fs::create_dir(&path).expect("make a folder");
        let before = snapshot(&place.join("k"));
        for (stage, flags) in &STAGES[1..3] {
            let told = rotate(&place, &[&[what, stage], *flags].concat()).expect(4);
            let errors = told.stderr.lines().filter(|line| line.starts_with("error"));
            let errors: Vec<&str> = errors.collect();
            let wrong = format!("{} is a directory, not a file: move it away", text(&path));
            assert_eq!(errors, [format!("error: {wrong}")], "{what} {stage}");
        }
        same(&before, &place.join("k"));
        for other in ALL.into_iter().filter(|other| *other != what) {
            let (code, told) = would(&place, other, as_root);
            let left = vec![format!("not-looked-at {file}")];
            assert_eq!((code, told), (3, left), "{other}: {file}");
        }
    }
}

#[test]
fn what_the_system_keeps_from_a_user_refuses_the_stages_of_each_ca_and_none_of_the_service_accounts()
 {
    let public = Public::new();
    let place = Base::Ours.copy();
    let k = public.0.join("k");
    run(Command::new("cp").arg("-a").arg(place.join("k")).arg(&k)).expect(0);
    let kept = k.join("pki/etcd/own.crt");
    fs::copy(k.join("pki/apiserver.crt"), &kept).expect("copy");
    run(Command::new("chown").args(["-R", "65534:65534", text(&k)])).expect(0);
    run(Command::new("chown").args(["0:0", text(&kept)])).expect(0);
    common::set_mode(&kept, 0o600);
    for (what, code) in [("ca", 1), ("etcd-ca", 1), ("front-proxy-ca", 1), ("sa", 3)] {
        let mut command = public.certs(&["rotate", what, "trust"]);
        command.args(["--kubernetes-dir", text(&k)]);
        command.args(["--kubelet-dir", text(&public.0.join("kubelet"))]);
        let told = run(&mut at(WHEN, "022", &nobody(&command))).expect(code);
        let words = format!("{} cannot be read: permission denied", text(&kept));
        assert_eq!(told.stderr.matches(&words).count(), 1, "{told}");
        assert_eq!(
            told.stderr.contains("nothing was written"),
            code == 1,
            "{told}"
        );
    }
}

/// It was a refusal with no error, and nothing said why.
#[test]
fn a_directory_of_the_kubelets_that_may_not_be_listed_is_told_by_who_is_to_bring_it_up_to_date() {
    let public = Public::new();
    let place = Base::Ours.copy();
    let (k, kubelet) = (public.0.join("k"), public.0.join("kubelet"));
    run(Command::new("cp").arg("-a").arg(place.join("k")).arg(&k)).expect(0);
    fs::create_dir(&kubelet).expect("a directory");
    common::set_mode(&kubelet, 0o700);
    run(Command::new("chown").args(["-R", "65534:65534", text(&k)])).expect(0);
    for verb in [&["rotate", "ca", "trust"][..], &["renew", "--all"]] {
        let mut command = public.certs(verb);
        command.args(["--dry-run", "--kubernetes-dir", text(&k)]);
        command.args(["--kubelet-dir", text(&kubelet)]);
        let told = run(&mut at(WHEN, "022", &nobody(&command))).expect(1);
        let words = format!("error: {} may not be listed by this user", text(&kubelet));
        assert_eq!(told.stderr.matches(&words).count(), 1, "{told}");
        assert!(told.stderr.contains("refused with 1 error"), "{told}");
    }
}

/// What a shell does in the tree's certificate directory.
fn script(place: &TempDir, lines: &str) -> Finished {
    let mut bash = Command::new(common::tool("bash"));
    bash.args(["-euo", "pipefail", "-c", lines])
        .current_dir(place.join("k/pki"));
    run(&mut at(WHEN, "077", &bash))
}

#[test]
fn a_ca_whose_path_length_forbids_one_below_it_signs_no_next_one_and_who_trusts_it_alone_is_told_of_before()
 {
    for (length, crossed) in [(0, false), (1, true)] {
        let place = Base::Ours.copy();
        script(
            &place,
            &format!(
                "key=$(openssl x509 -in ca.crt -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' ')
                printf '%s\\n' basicConstraints=critical,CA:TRUE,pathlen:{length} keyUsage=critical,keyCertSign,cRLSign \\
                    \"subjectKeyIdentifier=$key\" > ../../bounds
                openssl x509 -in ca.crt -key ca.key -clrext -extfile ../../bounds -days 3650 -out ../../old.crt
                cat ../../old.crt > ca.crt
                cp ca.key ../../old.key"
            ),
        )
        .expect(0);
        // None is made that is not held back so.
        let told = rotate(&place, &["ca", "trust"]).expect(4);
        assert!(told.stderr.contains("a path length"), "{told}");
        script(
            &place,
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-next.key -out ca-next.crt \\
                -subj /CN=kubernetes-2 -days 3000 -addext keyUsage=critical,keyCertSign,cRLSign",
        )
        .expect(0);
        let told = rotate(&place, &["ca", "trust"]).expect(0);
        let words =
            "ca.crt may have no CA below it, by its path length, and cannot sign the next one";
        assert_eq!(told.stdout.contains(words), !crossed, "{told}");
        rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
        let sent = read(&place.join("k/pki/apiserver.crt"));
        assert_eq!(sent.matches("BEGIN").count(), 1 + usize::from(crossed));
        let verify = |flags: &str| script(&place, &format!("openssl verify {flags} apiserver.crt"));
        verify("-CAfile ca.crt").expect(0);
        let by_old_alone = verify("-CAfile ../../old.crt -untrusted apiserver.crt");
        if crossed {
            by_old_alone.expect(0);
            continue;
        }
        by_old_alone.expect_failure("unable to get local issuer certificate");
        // A chain that had the next one by the former one would be none (RFC 5280 section 6.1.4).
        script(
            &place,
            "printf '%s\\n' basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign subjectKeyIdentifier=hash > ../../ca
            openssl x509 -in ca.crt -CA ../../old.crt -CAkey ../../old.key -clrext -extfile ../../ca -days 300 \\
                -out ../../crossed.crt",
        )
        .expect(0);
        verify("-CAfile ../../old.crt -untrusted ../../crossed.crt")
            .expect_failure("path length constraint exceeded");
    }
}
