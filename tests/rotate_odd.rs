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
    assert_eq!(rotation(), [ca.clone()]);
    let pair = place.join("pair");
    let bundle = place.join("k/.certs-backup");
    let former = common::listing(&bundle).into_iter();
    let former = former.filter(|path| path.ends_with("admin.conf"));
    let former = former.last().expect("a backup");
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
