//! `certs rotate`: the stages, as the files tell them.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;

mod common;
use common::base::Base;
use common::kubeadm::NOON;
use common::rotation::{for_people, restarts};
use common::snapshot::{same, snapshot};
use common::{Finished, TempDir, at, certs, mode, read, run, set_mode, text, write};

const ALL: [&str; 4] = ["ca", "etcd-ca", "front-proxy-ca", "sa"];

/// `certs rotate` over the tree in `k`, an hour after it was made.
fn rotate(place: &TempDir, arguments: &[&str]) -> Finished {
    over(place, "rotate", arguments)
}

fn over(place: &TempDir, verb: &str, arguments: &[&str]) -> Finished {
    let mut command = certs(&[verb]);
    command
        .args(arguments)
        .args(["--kubernetes-dir", text(&place.join("k"))])
        .args(["--kubelet-dir", text(&place.join("kubelet"))]);
    run(&mut at(NOON + 3600, "022", &command))
}

fn json(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).expect("JSON")
}

/// Its stage, as the status tells it.
fn stage(place: &TempDir, what: &str) -> String {
    let told = json(&rotate(place, &["status", "--output", "json"]).expect(0));
    let all = told["rotations"].as_array().expect("a list").iter();
    let mut all = all.filter(|one| one["what"] == what);
    all.next().expect("its stage")["stage"]
        .as_str()
        .expect("text")
        .to_owned()
}

fn codes(told: &Value, severity: &str) -> Vec<String> {
    let findings = told["findings"].as_array().expect("a list").iter();
    let findings = findings.filter(|told| told["severity"] == severity);
    let code = |told: &Value| told["code"].as_str().expect("text").to_owned();
    findings.map(code).collect()
}

/// The stages, with what each needs.
const STAGES: [(&str, &[&str]); 3] = [
    ("trust", &[]),
    ("issue", &["--restarted"]),
    ("drop", &["--restarted"]),
];

#[test]
fn each_stage_is_told_by_the_files_and_leaves_a_tree_without_faults() {
    for base in [Base::Default, Base::Ours] {
        let place = base.copy();
        let sound = json(&over(&place, "check", &["--output", "json"]));
        let (errors, warnings) = (codes(&sound, "error"), codes(&sound, "warning"));
        for what in ALL {
            assert_eq!(stage(&place, what), "start", "{what}");
            for (name, flags) in STAGES {
                rotate(&place, &[&[what, name], flags].concat()).expect(0);
                let then = if name == "drop" { "start" } else { name };
                assert_eq!(stage(&place, what), then, "{what}");
                let told = json(&over(&place, "check", &["--output", "json"]));
                assert_eq!(codes(&told, "error"), errors, "{what} {name}");
                assert_eq!(codes(&told, "warning"), warnings, "{what} {name}");
                let under_way = codes(&told, "note").contains(&"rotation".to_owned());
                assert_eq!(under_way, name != "drop", "{what} {name}");
            }
        }
    }
}

#[test]
fn a_stage_that_does_not_come_next_is_refused_and_one_that_was_reached_does_nothing() {
    let refused = [
        ("trust", &["issue", "drop"][..]),
        ("issue", &["drop"]),
        ("drop", &["trust"]),
    ];
    for what in ALL {
        let place = Base::Ours.copy();
        for ((name, flags), (next, refused)) in STAGES.into_iter().zip(refused) {
            let before = snapshot(&place.join("k"));
            for other in refused {
                let restarted: &[&str] = if *other == "trust" {
                    &[]
                } else {
                    &["--restarted"]
                };
                let told = rotate(&place, &[&[what, *other], restarted].concat()).expect(4);
                let words = format!("'certs rotate {what} {next}");
                assert!(told.stderr.contains(&words), "{}", told.stderr);
                same(&before, &place.join("k"));
            }
            let dry = [&[what, name, "--dry-run"], flags].concat();
            let told = json(&rotate(&place, &[&dry[..], &["--output", "json"]].concat()).expect(0));
            assert_eq!(told["result"], "planned");
            same(&before, &place.join("k"));
            rotate(&place, &[&[what, name], flags].concat()).expect(0);
            let done = snapshot(&place.join("k"));
            let again = [&[what, name, "--output", "json"], flags].concat();
            let told = json(&rotate(&place, &again).expect(0));
            assert_eq!(told["result"], "unchanged", "{what} {name}");
            same(&done, &place.join("k"));
        }
    }
}

#[test]
fn whoever_does_not_say_that_all_was_restarted_goes_no_further() {
    let place = Base::Ours.copy();
    rotate(&place, &["etcd-ca", "trust"]).expect(0);
    let before = snapshot(&place.join("k"));
    for stage in ["issue", "drop"] {
        let told = rotate(&place, &["etcd-ca", stage]).expect(2);
        let words = format!("'certs rotate etcd-ca {stage} --restarted'");
        assert!(told.stderr.contains(&words), "{}", told.stderr);
    }
    same(&before, &place.join("k"));
}

#[test]
fn arguments_that_do_not_go_together_are_told() {
    let place = Base::Ours.copy();
    for (arguments, words) in [
        (&["status", "trust"][..], "takes no stage"),
        (&["ca"], "which stage?"),
        (&["ca", "trust", "--restarted"], "--restarted goes with"),
        (
            &["sa", "trust", "--common-name", "x"],
            "--common-name is of the next CA",
        ),
        (
            &["ca", "issue", "--restarted", "--common-name", "x"],
            "--common-name is of the next CA",
        ),
        (
            &["ca", "trust", "--common-name", ""],
            "--common-name: is empty",
        ),
        (
            &["ca", "drop", "--restarted", "--ca-validity", "1d"],
            "--ca-validity is of the next CA",
        ),
        (
            &["sa", "issue", "--restarted", "--key-algorithm", "RSA-2048"],
            "--key-algorithm is of keys that are made",
        ),
    ] {
        let told = rotate(&place, arguments).expect(2);
        assert!(
            told.stderr.contains(words),
            "{arguments:?}: {}",
            told.stderr
        );
    }
}

#[test]
fn what_waits_is_for_its_owner_alone_and_is_gone_when_it_signs() {
    let place = Base::Ours.copy();
    let pki = |name: &str| place.join("k/pki").join(name);
    for (what, waiting) in [
        ("ca", &["ca-next.crt", "ca-next.key"][..]),
        ("etcd-ca", &["etcd/ca-next.crt", "etcd/ca-next.key"]),
        (
            "front-proxy-ca",
            &["front-proxy-ca-next.crt", "front-proxy-ca-next.key"],
        ),
        ("sa", &["sa-next.key"]),
    ] {
        let told = rotate(&place, &[what, "trust"]).expect(0);
        assert!(!told.stdout.contains("sa-next.pub"), "{}", told.stdout);
        let there: Vec<String> = waiting.iter().map(|name| read(&pki(name))).collect();
        for name in waiting {
            assert_eq!(mode(&pki(name)), 0o600, "{name}");
        }
        assert!(!pki("sa-next.pub").exists());
        rotate(&place, &[what, "issue", "--restarted"]).expect(0);
        let key = pki(&waiting.last().expect("a key").replace("-next", ""));
        assert_eq!(&read(&key), there.last().expect("a key"), "{what}");
        for name in waiting {
            assert!(!pki(name).exists(), "{name}");
        }
    }
}

#[test]
fn what_would_be_cut_off_by_a_stage_refuses_it() {
    let refused = |place: &TempDir, arguments: &[&str], words: &str| {
        let before = snapshot(&place.join("k"));
        let told = rotate(place, &[arguments, &["--output", "json"]].concat()).expect(4);
        let findings = json(&told)["findings"].clone();
        let findings = findings.as_array().expect("a list").iter();
        let mut findings = findings.filter(|told| told["code"] == "not-rotated");
        let told = findings.any(|told| told["text"].as_str().expect("text").contains(words));
        assert!(told, "{arguments:?}: {words}");
        same(&before, &place.join("k"));
    };
    let pki = |place: &TempDir, name: &str| place.join("k/pki").join(name);
    // A client that has a certificate of the former CA still.
    let place = Base::Ours.copy();
    rotate(&place, &["ca", "trust"]).expect(0);
    let former =
        ["crt", "key"].map(|end| read(&pki(&place, &format!("apiserver-kubelet-client.{end}"))));
    rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
    let [certificate, key] = former;
    write(&pki(&place, "apiserver-kubelet-client.crt"), certificate);
    write(&pki(&place, "apiserver-kubelet-client.key"), key);
    refused(
        &place,
        &["ca", "drop", "--restarted"],
        "was signed by \"CN=kubernetes\"",
    );
    // The way out.
    rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
    rotate(&place, &["ca", "drop", "--restarted"]).expect(0);
    // A CA whose key is elsewhere.
    let place = Base::Ours.copy();
    fs::remove_file(pki(&place, "etcd/ca.key")).expect("take away");
    refused(&place, &["etcd-ca", "trust"], "stands without its key");
    let told = rotate(&place, &["etcd-ca", "trust"]).expect(4);
    let once = told.stderr.matches("stands without its key").count();
    assert_eq!(once, 1, "{}", told.stderr);
    // Another CA in its file.
    let place = Base::Ours.copy();
    let both = [
        read(&pki(&place, "ca.crt")),
        read(&pki(&place, "etcd/ca.crt")),
    ]
    .concat();
    write(&pki(&place, "ca.crt"), both);
    let told = rotate(&place, &["ca", "trust"]).expect(4);
    let words = "is trusted beside \"CN=etcd-ca\", which does not sign";
    assert!(told.stderr.contains(words), "{}", told.stderr);
    // The same, where what is to take its place waits.
    let other = Base::Ours.copy();
    rotate(&other, &["ca", "trust"]).expect(0);
    for name in ["ca-next.crt", "ca-next.key"] {
        fs::copy(pki(&other, name), pki(&place, name)).expect("copy");
    }
    refused(
        &place,
        &["ca", "trust"],
        "the last stage would take that out",
    );
    // What waits is no pair.
    let place = Base::Ours.copy();
    write(
        &pki(&place, "ca-next.crt"),
        read(&pki(&place, "etcd/ca.crt")),
    );
    refused(&place, &["ca", "trust"], "no sound pair");
    // The certificates came without what waits.
    let place = Base::Ours.copy();
    rotate(&place, &["ca", "trust"]).expect(0);
    for name in ["ca-next.crt", "ca-next.key"] {
        fs::remove_file(pki(&place, name)).expect("take away");
    }
    refused(
        &place,
        &["ca", "issue", "--restarted"],
        "which is newer than what signs",
    );
    refused(
        &place,
        &["ca", "drop", "--restarted"],
        "which is newer than what signs",
    );
    let told = rotate(&place, &["status"]).expect(0);
    assert!(told.stdout.contains("which is newer"), "{}", told.stdout);
}

#[test]
fn a_further_control_plane_comes_to_the_same_files_with_what_waits_alone() {
    let first = Base::Ours.copy();
    let second = TempDir::new();
    run(std::process::Command::new("cp")
        .arg("-a")
        .arg(first.join("k"))
        .arg(second.path()))
    .expect(0);
    for (what, base) in [
        ("ca", "ca"),
        ("etcd-ca", "etcd/ca"),
        ("front-proxy-ca", "front-proxy-ca"),
        ("sa", "sa"),
    ] {
        rotate(&first, &[what, "trust"]).expect(0);
        for end in ["crt", "key"] {
            let waits = |place: &TempDir| place.join(&format!("k/pki/{base}-next.{end}"));
            if waits(&first).exists() {
                fs::copy(waits(&first), waits(&second)).expect("copy");
            }
        }
        for (stage, flags) in STAGES {
            if stage != "trust" {
                rotate(&first, &[&[what, stage], flags].concat()).expect(0);
            }
            rotate(&second, &[&[what, stage], flags].concat()).expect(0);
            for file in ["crt", "key", "pub"] {
                let file = |place: &TempDir| place.join(&format!("k/pki/{base}.{file}"));
                if file(&first).exists() {
                    assert_eq!(read(&file(&first)), read(&file(&second)), "{what} {stage}");
                }
            }
            let apart = |place: &TempDir| read(&place.join("k/pki/ca-signing.crt"));
            assert_eq!(apart(&first), apart(&second), "{what} {stage}");
        }
    }
}

/// What is in a file of certificates, each by its subject and issuer.
fn certificates(file: &Path) -> Vec<[String; 2]> {
    let told = json(&run(&mut certs(&["show", text(file), "--output", "json"])).expect(0));
    let parts = told["parts"].as_array().expect("a list").iter();
    let of = |part: &Value, field: &str| part[field].as_str().expect("text").to_owned();
    parts
        .map(|part| [of(part, "subject"), of(part, "issuer")])
        .collect()
}

#[test]
fn the_file_that_signs_holds_one_certificate_and_the_server_sends_the_new_ca_by_the_old_one() {
    let place = Base::Ours.copy();
    let pki = |name: &str| certificates(&place.join("k/pki").join(name));
    let [old, new] = ["CN=kubernetes", "CN=kubernetes-2"].map(str::to_owned);
    let root = |name: &String| [name.clone(), name.clone()];
    rotate(&place, &["ca", "trust"]).expect(0);
    assert_eq!(pki("ca.crt"), [root(&old), root(&new)]);
    assert_eq!(pki("ca-signing.crt"), [root(&old)]);
    rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
    assert_eq!(pki("ca.crt"), [root(&new), root(&old)]);
    assert_eq!(pki("ca-signing.crt"), [root(&new)]);
    let served = pki("apiserver.crt");
    assert_eq!(served[0][1], new);
    assert_eq!(served[1..], [[new.clone(), old.clone()]]);
    rotate(&place, &["ca", "drop", "--restarted"]).expect(0);
    assert_eq!(pki("ca.crt"), [root(&new)]);
    assert_eq!(pki("ca-signing.crt"), [root(&new)]);
    assert_eq!(pki("apiserver.crt").len(), 1);
    // The next one has the next number.
    rotate(&place, &["ca", "trust", "--key-algorithm", "RSA-2048"]).expect(0);
    assert_eq!(pki("ca-next.crt"), [root(&"CN=kubernetes-3".to_owned())]);
}

#[test]
fn what_the_server_sends_for_the_former_ca_stays_whoever_issues_its_certificate_and_goes_at_the_end()
 {
    let place = Base::Ours.copy();
    let served = || read(&place.join("k/pki/apiserver.crt"));
    let parts = || {
        let all = served();
        let (leaf, behind) = all.split_once("-----END").expect("a certificate");
        [leaf.to_owned(), behind.to_owned()]
    };
    fs::copy(place.join("k/pki/ca.crt"), place.join("old.crt")).expect("copy");
    rotate(&place, &["ca", "trust"]).expect(0);
    rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
    let former = parts();
    assert_eq!(certificates(&place.join("k/pki/apiserver.crt")).len(), 2);
    let when = (NOON + 3600).to_string();
    let issue = |verb: &[&str]| {
        let mut command = certs(verb);
        command.args(["--kubernetes-dir", text(&place.join("k"))]);
        if verb[0] != "renew" {
            command.args(["--force", "--config", text(&place.join("c.yaml"))]);
        }
        run(&mut at(NOON + 3600, "022", &command)).expect(0);
    };
    let verbs = [
        &["server", "apiserver"][..],
        &["renew", "apiserver"],
        &["all"],
    ];
    for verb in verbs {
        if verb == ["all"] {
            // It replaces what drifted alone.
            fs::remove_file(place.join("k/pki/apiserver.key")).expect("a key");
        }
        let [leaf, _] = parts();
        issue(verb);
        let now = parts();
        assert_ne!(now[0], leaf, "{verb:?}");
        assert_eq!(now[1], former[1], "{verb:?}");
        let trusted = ["verify", "-x509_strict", "-CAfile", "../../old.crt"];
        let sent = ["-untrusted", "apiserver.crt", "apiserver.crt"];
        let checked = [&trusted[..], &["-attime", &when], &sent].concat();
        openssl(&checked, &place);
        let checked = json(&over(&place, "check", &["--output", "json"]).expect(0));
        assert_eq!(checked["result"], "sound", "{verb:?}: {checked:#}");
    }
    rotate(&place, &["ca", "drop", "--restarted"]).expect(0);
    assert_eq!(certificates(&place.join("k/pki/apiserver.crt")).len(), 1);
    for verb in verbs {
        issue(verb);
        assert_eq!(certificates(&place.join("k/pki/apiserver.crt")).len(), 1);
    }
}

/// All files below it but for backups, with modes and owners.
fn contents(place: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let listed = common::listing(place).into_iter();
    let files = listed.filter(|path| !text(path).contains(".certs-backup"));
    let files = files.filter(|path| place.join(path).is_file());
    let content = |path: &Path| fs::read(place.join(path)).expect("a file");
    files
        .map(|path| {
            (
                text(&path).to_owned(),
                mode(&place.join(&path)),
                content(&path),
            )
        })
        .collect()
}

#[test]
fn back_from_every_stage_is_the_tree_that_was_there_before() {
    for base in [Base::Default, Base::Ours] {
        let place = base.copy();
        for what in ALL {
            rotate(&place, &[what, "back"]).expect(4);
            let start = contents(&place.join("k"));
            rotate(&place, &[what, "trust"]).expect(0);
            let trust = contents(&place.join("k"));
            rotate(&place, &[what, "issue", "--restarted"]).expect(0);
            let issue = contents(&place.join("k"));
            rotate(&place, &[what, "back", "--dry-run"]).expect(0);
            assert!(issue == contents(&place.join("k")), "{what}");
            rotate(&place, &[what, "back"]).expect(0);
            assert!(trust == contents(&place.join("k")), "{what}");
            assert_eq!(stage(&place, what), "trust");
            // Forth again, and back twice.
            rotate(&place, &[what, "issue", "--restarted"]).expect(0);
            assert_eq!(stage(&place, what), "issue");
            rotate(&place, &[what, "back"]).expect(0);
            // Who was not restarted since is cut off.
            let told = rotate(&place, &[what, "back"]).expect(2);
            let words = format!("'certs rotate {what} back --restarted'");
            assert!(told.stderr.contains(&words), "{}", told.stderr);
            let last = json(&rotate(
                &place,
                &[what, "back", "--restarted", "--output", "json"],
            ));
            assert!(start == contents(&place.join("k")), "{what}");
            assert_eq!(stage(&place, what), "start");
            // Whoever was ended before that was told has it told with the refusal, and changes nothing by asking.
            let again = rotate(&place, &[what, "back", "--output", "json"]).expect(4);
            assert_eq!(json(&again)["rotation"], last["rotation"], "{what}");
            let again = rotate(&place, &[what, "back"]).expect(4);
            assert!(again.stdout.contains("To be done now"), "{again}");
            let planned = rotate(&place, &[what, "back", "--dry-run", "--output", "json"]);
            assert!(json(&planned).get("rotation").is_none(), "{planned}");
            assert!(start == contents(&place.join("k")), "{what}");
            for (name, flags) in STAGES {
                rotate(&place, &[&[what, name], flags].concat()).expect(0);
            }
            // From the last one there is no way back.
            let told = rotate(&place, &[what, "back"]).expect(4);
            assert!(
                told.stderr.contains("nothing to go back from"),
                "{}",
                told.stderr
            );
            assert!(!told.stdout.contains("To be done"), "{told}");
        }
    }
}

/// Who was not restarted since a step back trusts the next CA that went, and the proofs go by the name.
#[test]
fn the_name_of_a_next_ca_that_was_taken_back_is_not_given_again() {
    for (what, file) in [
        ("ca", "ca.crt"),
        ("etcd-ca", "etcd/ca.crt"),
        ("front-proxy-ca", "front-proxy-ca.crt"),
    ] {
        let place = Base::Ours.copy();
        let name = |file: &str| {
            let mut openssl = std::process::Command::new(common::tool("openssl"));
            openssl.args(["x509", "-noout", "-subject", "-nameopt", "multiline", "-in"]);
            let told = run(openssl.arg(place.join("k/pki").join(file))).expect(0);
            let name = told.stdout.split("= ").nth(1).expect("a name").trim();
            name.to_owned()
        };
        let former = name(file);
        let next = file.replace(".crt", "-next.crt");
        let trusted = |number: u32| {
            rotate(&place, &[what, "trust"]).expect(0);
            assert_eq!(name(&next), format!("{former}-{number}"));
        };
        trusted(2);
        rotate(&place, &[what, "back"]).expect(0);
        trusted(3);
        over(&place, "rollback", &[]).expect(0);
        trusted(4);
        rotate(&place, &[what, "back"]).expect(0);
        trusted(5);
        rotate(&place, &[what, "issue", "--restarted"]).expect(0);
        // Which of the two is newer is told by their numbers, whatever lies between.
        assert_eq!(stage(&place, what), "issue");
        rotate(&place, &[what, "back"]).expect(0);
        assert_eq!(stage(&place, what), "trust");
        rotate(&place, &[what, "issue", "--restarted"]).expect(0);
        rotate(&place, &[what, "drop", "--restarted"]).expect(0);
        assert_eq!(name(file), format!("{former}-5"));
        trusted(6);
    }
}

#[test]
fn a_step_back_tells_people_and_programs_alike_what_is_to_be_done() {
    let place = Base::Ours.copy();
    let both = |arguments: &[&str]| {
        let copy = TempDir::new();
        let mut cp = std::process::Command::new("cp");
        run(cp.arg("-a").arg(place.join("k")).arg(copy.path())).expect(0);
        let text = rotate(&copy, arguments).expect(0).stdout;
        let arguments = [arguments, &["--output", "json"]].concat();
        let told = json(&rotate(&place, &arguments).expect(0));
        let here =
            |text: String| text.replace(common::text(copy.path()), common::text(place.path()));
        (here(text), told["rotation"].clone())
    };
    let kubelets = ["kube-controller-manager", "kube-scheduler", "kubelet"];
    for (what, from_issue, from_trust) in [
        ("ca", &kubelets[..], &kubelets[..]),
        ("etcd-ca", &[], &["etcd", "kube-apiserver"]),
        ("front-proxy-ca", &[], &[]),
        (
            "sa",
            &["kube-apiserver", "kube-controller-manager"],
            &["kube-apiserver"],
        ),
    ] {
        let (_, trust) = both(&[what, "trust"]);
        let [former, next] =
            ["present", "waiting"].map(|of| trust[of]["name"].as_str().expect("a name"));
        rotate(&place, &[what, "issue", "--restarted"]).expect(0);
        for (stage, flags, restarted) in [
            ("trust", &[][..], from_issue),
            ("start", &["--restarted"], from_trust),
        ] {
            let (text, told) = both(&[&[what, "back"], flags].concat());
            assert!(
                text.contains(&for_people(&told)),
                "{text}\n{}",
                for_people(&told)
            );
            assert_eq!([&told["what"], &told["stage"]], [what, stage]);
            assert_eq!(told["present"]["name"], former);
            assert!(told.get("next").is_none(), "{told}");
            assert_eq!(restarts(&told), restarted, "{what} {stage}");
            // What the controller manager may sign with goes as it came, and without it none starts.
            let mut all = told["instructions"].as_array().expect("a list").iter();
            let manager = all.find(|one| one["process"] == "kube-controller-manager");
            let first = manager.and_then(|one| one["text"].as_str());
            let apart = place.join("k/pki/ca-signing.crt");
            if (what, stage) == ("ca", "start") {
                assert!(!apart.exists(), "it was made by the first stage");
                let words = format!(
                    "First, if {} is gone, have --cluster-signing-cert-file name {} again",
                    common::text(&apart),
                    common::text(&place.join("k/pki/ca.crt"))
                );
                assert!(first.is_some_and(|text| text.starts_with(&words)), "{told}");
            } else {
                assert!(first.is_none_or(str::is_empty), "{told}");
            }
            // What is no longer there is asked for by its name.
            let all = told["instructions"].as_array().expect("a list").iter();
            let proofs: String = all.filter_map(|one| one["proof"].as_str()).collect();
            assert_eq!(
                proofs.contains(next),
                stage == "start" && !proofs.is_empty(),
                "{proofs}"
            );
        }
    }
}

/// A kubelet lets in by itself whom its file names since, and trusts by its kubeconfig what that held when it started.
#[test]
fn that_a_kubelet_was_restarted_is_proved_by_its_start_too() {
    let place = Base::Ours.copy();
    let bin = place.join("bin");
    fs::create_dir(&bin).expect("a folder");
    // It lists the next CA, restarted or not; and the process is this one.
    let listed =
        "#!/bin/sh\nprintf 'Acceptable client certificate CA names\\nCN=kubernetes-2\\n'\n";
    write(&bin.join("openssl"), listed);
    write(&bin.join("pgrep"), "#!/bin/sh\necho $KUBELET\n");
    for name in ["openssl", "pgrep"] {
        set_mode(&bin.join(name), 0o755);
    }
    let report = rotate(&place, &["ca", "trust", "--output", "json"]).expect(0);
    let report: Value = serde_json::from_str(&report.stdout).expect("JSON");
    let all = &report["rotation"]["instructions"];
    let mut all = all.as_array().expect("a list").iter();
    let of_kubelet = all.find(|one| one["process"] == "kubelet").expect("it");
    let proof = of_kubelet["proof"].as_str().expect("text").to_owned();
    let path = format!("{}:{}", text(&bin), std::env::var("PATH").expect("PATH"));
    let kubelet = std::process::id().to_string();
    let proved = || {
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", &proof]);
        run(shell.env("PATH", &path).env("KUBELET", &kubelet))
            .status
            .success()
    };
    let written = |file: &str, time: SystemTime| {
        let file = fs::File::options().write(true).open(place.join(file));
        file.expect("open").set_modified(time).expect("set a time");
    };
    let [before, after] = [
        SystemTime::UNIX_EPOCH,
        SystemTime::now() + Duration::from_mins(1),
    ];
    for (authorities, kubeconfig) in [
        (after, after),
        (before, after),
        (after, before),
        (before, before),
    ] {
        written("k/pki/ca.crt", authorities);
        written("k/kubelet.conf", kubeconfig);
        let both = [authorities, kubeconfig] == [before, before];
        assert_eq!(proved(), both, "{authorities:?} {kubeconfig:?}");
    }
}

#[test]
fn what_a_stranger_signed_is_told_with_a_way_out_that_can_be_typed() {
    let place = Base::Ours.copy();
    let other = Base::Default.copy();
    rotate(&place, &["ca", "trust"]).expect(0);
    rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
    for end in ["crt", "key"] {
        let file = format!("k/pki/apiserver-kubelet-client.{end}");
        write(&place.join(&file), read(&other.join(&file)));
    }
    let told = rotate(&place, &["ca", "drop", "--restarted"])
        .expect(4)
        .stderr;
    assert!(!told.contains("same command"), "{told}");
    assert!(
        told.contains("'certs client apiserver-kubelet-client --force'"),
        "{told}"
    );
}

#[test]
fn what_was_changed_since_is_not_taken_back() {
    let place = Base::Ours.copy();
    rotate(&place, &["front-proxy-ca", "trust"]).expect(0);
    rotate(&place, &["front-proxy-ca", "issue", "--restarted"]).expect(0);
    let mut renewal = certs(&["renew", "front-proxy-client"]);
    renewal.args(["--kubernetes-dir", text(&place.join("k"))]);
    run(&mut at(NOON + 3600, "022", &renewal)).expect(0);
    let before = snapshot(&place.join("k"));
    let told = rotate(&place, &["front-proxy-ca", "back"]).expect(4);
    assert!(
        told.stderr
            .contains("was changed after the run that wrote it"),
        "{}",
        told.stderr
    );
    let onward = "; or go on: 'certs rotate front-proxy-ca drop --restarted'";
    assert!(told.stderr.contains(onward), "{}", told.stderr);
    same(&before, &place.join("k"));
    rotate(&place, &["front-proxy-ca", "drop", "--restarted"]).expect(0);
}

fn openssl(arguments: &[&str], place: &TempDir) {
    let mut command = std::process::Command::new(common::tool("openssl"));
    command.args(arguments).current_dir(place.join("k/pki"));
    run(&mut at(NOON, "077", &command)).expect(0);
}

#[test]
fn a_ca_that_cannot_be_replaced_as_it_is_says_why() {
    let refused = |place: &TempDir, arguments: &[&str], words: &str| {
        let before = snapshot(&place.join("k"));
        let told = rotate(place, arguments).expect(4);
        assert!(told.stderr.contains(words), "{}", told.stderr);
        same(&before, &place.join("k"));
    };
    let ca = |extensions: &[&str], subject: &str| {
        let place = Base::Ours.copy();
        let mut arguments = vec![
            "req",
            "-x509",
            "-key",
            "front-proxy-ca.key",
            "-days",
            "3650",
        ];
        arguments.extend(["-subj", subject, "-out", "front-proxy-ca.crt"]);
        for extension in extensions {
            arguments.extend(["-addext", extension]);
        }
        openssl(&arguments, &place);
        place
    };
    let trust = &["front-proxy-ca", "trust"];
    let usage = "keyUsage=critical,keyCertSign,cRLSign";
    let held = "is held back by name constraints";
    for extension in [
        "nameConstraints=critical,permitted;DNS:example.com",
        "extendedKeyUsage=clientAuth,serverAuth",
    ] {
        let place = ca(&[usage, extension], "/CN=front-proxy-ca");
        refused(&place, trust, held);
    }
    // It ends while it is being replaced.
    let ending = |days: &str| {
        let place = Base::Ours.copy();
        let names = [
            "front-proxy-ca",
            "front-proxy-client",
            "--ca-validity",
            days,
        ];
        over(&place, "renew", &names).expect(3);
        place
    };
    refused(&ending("29d"), trust, "'certs renew front-proxy-ca'");
    rotate(&ending("31d"), trust).expect(0);
    // Its name is all that tells the generations apart.
    let place = ca(&[usage], "/O=without a name");
    refused(&place, trust, "has no common name");
    let place = Base::Ours.copy();
    let named = |name| ["front-proxy-ca", "trust", "--common-name", name];
    refused(
        &place,
        &named("Front-Proxy-CA"),
        "who verifies may take one for the other",
    );
    refused(&place, &named("etcd-ca"), "and one is here already");
    rotate(&place, &named("other")).expect(0);
    // What waits already is not another one than is asked for now.
    rotate(&place, trust).expect(0);
    rotate(&place, &named("other")).expect(0);
    refused(
        &place,
        &named("third"),
        "which has another name, kind of key or validity",
    );
    for flags in [
        &["--key-algorithm", "ECDSA-P384"][..],
        &["--ca-validity", "1000h"],
    ] {
        let words = "which has another name, kind of key or validity";
        refused(&place, &[trust, flags].concat(), words);
    }
}

#[test]
fn a_ca_that_is_renewed_while_it_is_replaced_stays_the_former_one() {
    let place = Base::Ours.copy();
    rotate(&place, &["etcd-ca", "trust"]).expect(0);
    let mut renewal = certs(&["renew", "etcd-ca"]);
    renewal.args(["--kubernetes-dir", text(&place.join("k"))]);
    run(&mut at(NOON + 7200, "022", &renewal)).expect(0);
    assert_eq!(stage(&place, "etcd-ca"), "trust");
    let mut issue = certs(&["rotate", "etcd-ca", "issue", "--restarted"]);
    issue.args(["--kubernetes-dir", text(&place.join("k"))]);
    run(&mut at(NOON + 7300, "022", &issue)).expect(0);
    assert_eq!(stage(&place, "etcd-ca"), "issue");
    let mut drop = certs(&["rotate", "etcd-ca", "drop", "--restarted"]);
    drop.args(["--kubernetes-dir", text(&place.join("k"))]);
    run(&mut at(NOON + 7400, "022", &drop)).expect(0);
    let held = certificates(&place.join("k/pki/etcd/ca.crt"));
    assert_eq!(
        held,
        [["CN=etcd-ca-2".to_owned(), "CN=etcd-ca-2".to_owned()]]
    );
}

#[test]
fn what_the_former_ca_signed_and_no_run_writes_is_told() {
    let place = Base::Ours.copy();
    let k = |path: &str| place.join("k").join(path);
    let identity = ["--common-name", "alice", "--kubernetes-dir", text(&k(""))].map(str::to_owned);
    let mut client = certs(&["client", "alice"]);
    client
        .args(&identity)
        .args(["--config", text(&place.join("c.yaml"))]);
    run(&mut at(NOON, "022", &client)).expect(0);
    fs::create_dir(k("old")).expect("make a folder");
    for end in ["crt", "key"] {
        fs::copy(
            k(&format!("pki/alice.{end}")),
            k(&format!("old/alice.{end}")),
        )
        .expect("copy");
    }
    rotate(&place, &["ca", "trust"]).expect(0);
    let would = rotate(&place, &["ca", "issue", "--dry-run"]).expect(3);
    let told = rotate(&place, &["ca", "issue", "--restarted"]).expect(3);
    let words =
        "old/alice.crt was signed by \"CN=kubernetes\", and is good until the last stage alone";
    assert!(told.stderr.contains(words), "{}", told.stderr);
    for (told, title) in [(would, "Would leave as it is:"), (told, "Left as it is:")] {
        let mut lines = told.stdout.lines().skip_while(|line| *line != title);
        let below = lines.nth(1).expect("what was left");
        assert!(below.contains("old/alice.crt"), "{}", told.stdout);
    }
    // One's own pair in the tree is issued anew.
    assert_eq!(certificates(&k("pki/alice.crt"))[0][1], "CN=kubernetes-2");
    let told = rotate(&place, &["ca", "drop", "--restarted"]).expect(3);
    assert!(
        told.stderr.contains("which is trusted no more"),
        "{}",
        told.stderr
    );
}

#[test]
fn an_encrypted_key_is_opened_and_what_takes_its_place_is_told_to_be_plain() {
    let place = Base::Ours.copy();
    let secret = place.join("secret");
    common::write_secret(&secret, "correct horse");
    let pki = |name: &str| place.join("k/pki").join(name);
    let seal = |name: &str| {
        let pass = format!("file:{}", text(&secret));
        let sealed = format!("{name}.sealed");
        openssl(
            &[
                "pkcs8", "-topk8", "-in", name, "-out", &sealed, "-passout", &pass,
            ],
            &place,
        );
        fs::rename(pki(&sealed), pki(name)).expect("move");
    };
    seal("ca.key");
    let told = rotate(&place, &["ca", "trust"]).expect(4);
    assert!(
        told.stderr.contains("--ca-passphrase-file"),
        "{}",
        told.stderr
    );
    let open = ["--ca-passphrase-file", text(&secret)];
    // How far it is the certificates tell.
    let is_at = |stage: &str| {
        let told = rotate(&place, &["status", "--output", "json"]).expect(0);
        assert_eq!(json(&told)["rotations"][0]["stage"], stage, "{told}");
        let opened = [&["status", "--output", "json"][..], &open].concat();
        let opened = rotate(&place, &opened).expect(0);
        let [told, opened] = [json(&told), json(&opened)].map(|told| told["rotations"].clone());
        assert_eq!(told, opened);
    };
    is_at("start");
    let start = contents(&place.join("k"));
    let told = rotate(&place, &[&["ca", "trust"][..], &open].concat()).expect(0);
    assert!(told.stdout.contains("is encrypted, and"), "{}", told.stdout);
    is_at("trust");
    rotate(&place, &["ca", "back"]).expect(0);
    assert!(contents(&place.join("k")) == start);
    rotate(&place, &[&["ca", "trust"][..], &open].concat()).expect(0);
    // What waits may be encrypted too, and stays so.
    seal("ca-next.key");
    let waits = read(&pki("ca-next.key"));
    is_at("trust");
    rotate(
        &place,
        &[&["ca", "issue", "--restarted"][..], &open].concat(),
    )
    .expect(0);
    assert_eq!(read(&pki("ca.key")), waits);
    is_at("issue");
    // Which of the two goes is the key's to say.
    let refused = rotate(&place, &["ca", "drop", "--restarted"]).expect(4);
    assert!(refused.stderr.contains("--ca-passphrase-file"), "{refused}");
    rotate(
        &place,
        &[&["ca", "drop", "--restarted"][..], &open].concat(),
    )
    .expect(0);
    is_at("start");
}

#[test]
fn what_waits_is_judged_before_it_signs() {
    let pki = |place: &TempDir, name: &str| place.join("k/pki").join(name);
    let refused = |place: &TempDir, arguments: &[&str], code: &str| {
        let told = json(&rotate(place, &[arguments, &["--output", "json"]].concat()).expect(4));
        assert!(codes(&told, "error").contains(&code.to_owned()), "{told}");
    };
    let place = Base::Ours.copy();
    rotate(&place, &["ca", "trust"]).expect(0);
    common::set_mode(&pki(&place, "ca-next.key"), 0o644);
    refused(&place, &["ca", "issue", "--restarted"], "key-mode");
    common::set_mode(&pki(&place, "ca-next.key"), 0o600);
    rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
    // One that somebody made: of the same name, not a CA, over already.
    for (arguments, code) in [
        (&["-subj", "/CN=kubernetes"][..], "not-rotated"),
        (
            &[
                "-subj",
                "/CN=x",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ],
            "not-a-ca",
        ),
        (&["-subj", "/CN=x", "-days", "-1"], "expired"),
        (
            &[
                "-subj",
                "/CN=x",
                "-addext",
                "nameConstraints=permitted;DNS:example.com",
            ],
            "not-rotated",
        ),
        (&["-subj", "/CN=x", "-days", "29"], "not-rotated"),
        (&["-subj", "/CN=x", "-key", "ca.key"], "not-rotated"),
        (&["-subj", "/CN=x", "-days", "300"], ""),
    ] {
        let place = Base::Ours.copy();
        let waiting = [
            "-keyout",
            "ca-next.key",
            "-out",
            "ca-next.crt",
            "-nodes",
            "-newkey",
            "rsa:2048",
        ];
        let same = arguments.contains(&"-key");
        let made = if same {
            fs::copy(pki(&place, "ca.key"), pki(&place, "ca-next.key")).expect("copy");
            [&["req", "-x509", "-out", "ca-next.crt"], arguments].concat()
        } else {
            [&["req", "-x509"], &waiting[..], arguments].concat()
        };
        let made = if code == "expired" {
            // OpenSSL takes no negative number of days.
            let mut ended = std::process::Command::new(common::tool("openssl"));
            ended.args(
                [
                    &["req", "-x509", "-days", "1", "-subj", "/CN=x"],
                    &waiting[..],
                ]
                .concat(),
            );
            ended.current_dir(place.join("k/pki"));
            run(&mut at(NOON - 86_400 * 3, "077", &ended)).expect(0);
            None
        } else {
            Some(made)
        };
        if let Some(made) = made {
            openssl(&made, &place);
        }
        if code.is_empty() {
            rotate(&place, &["ca", "trust"]).expect(0);
            let names = certificates(&pki(&place, "ca.crt"));
            assert_eq!(names[1][0], "CN=x");
        } else {
            refused(&place, &["ca", "trust"], code);
        }
    }
}

#[test]
fn the_configmap_of_joining_nodes_follows_each_stage_by_the_command_that_is_told() {
    // As kubeadm writes it: of no user, and a cluster without a name.
    let place = Base::Ours.copy();
    let info = place.join("cluster-info.conf");
    let data = {
        let mut openssl = std::process::Command::new(common::tool("openssl"));
        let ca = place.join("k/pki/ca.crt");
        run(openssl.args(["base64", "-A", "-in", text(&ca)]))
            .expect(0)
            .stdout
    };
    write(
        &info,
        format!(
            "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {data}\n    server: https://10.0.0.10:6443\n  \
             name: \"\"\ncontexts: null\ncurrent-context: \"\"\nkind: Config\npreferences: {{}}\nusers: null\n"
        ),
    );
    for ((stage, flags), held) in STAGES.into_iter().zip([2, 2, 1]) {
        let told = json(
            &rotate(
                &place,
                &[&["ca", stage, "--output", "json"], flags].concat(),
            )
            .expect(0),
        );
        let all = told["rotation"]["instructions"]
            .as_array()
            .expect("a list")
            .iter();
        for one in all.filter(|one| one["process"] == "cluster-info") {
            let command = one["command"].as_str().expect("text");
            let refresh = command.split(" && ").nth(1).expect("a command");
            assert!(
                refresh.starts_with("certs kubeconfig refresh cluster-info.conf"),
                "{command}"
            );
            let shell = refresh.replacen("certs", text(&common::binary()), 1);
            let mut bash = std::process::Command::new("bash");
            bash.args(["-c", &shell]).current_dir(place.path());
            run(&mut at(NOON + 3600, "077", &bash));
            let held_there = common::kubeconfig_data(&info, "certificate-authority-data");
            let held_there = String::from_utf8(held_there).expect("PEM");
            assert_eq!(held_there.matches("BEGIN").count(), held, "{stage}");
        }
    }
}

/// The files below it that hold this key.
fn holders(place: &Path, key: &str) -> Vec<String> {
    let listed = common::listing(place).into_iter();
    let holds = |path: &std::path::PathBuf| {
        fs::read(place.join(path)).is_ok_and(|bytes| bytes == key.as_bytes())
    };
    listed
        .filter(holds)
        .map(|path| text(&path).to_owned())
        .collect()
}

#[test]
fn the_former_key_is_gone_once_drop_has_ended_whatever_ended_it_before() {
    for (what, key) in [("ca", "ca.key"), ("sa", "sa.key")] {
        let place = Base::Ours.copy();
        let former = read(&place.join("k/pki").join(key));
        rotate(&place, &[what, "trust"]).expect(0);
        rotate(&place, &[what, "issue", "--restarted"]).expect(0);
        assert_eq!(holders(&place.join("k"), &former).len(), 1, "the backup");
        let mut left = 0;
        for nth in [3, 5, 8, 12, 20, 30] {
            let copy = TempDir::new();
            let mut cp = std::process::Command::new("cp");
            run(cp.arg("-a").arg(place.join("k")).arg(copy.path())).expect(0);
            let mut drop = certs(&["rotate", what, "drop", "--restarted"]);
            drop.args(["--kubernetes-dir", text(&copy.join("k"))]);
            let fault = format!("unlinkat:signal=KILL:when={nth}");
            run(&mut at(
                NOON + 3600,
                "022",
                &common::struck(&drop, &fault, None),
            ));
            let held = holders(&copy.join("k"), &former).len();
            left += held;
            let told = rotate(&copy, &["status"]).expect(0);
            let ended = stage(&copy, what) == "start";
            let says = told.stdout.contains("backups hold the former key still");
            assert!(!(ended && held > 0) || says, "{nth}: {}", told.stdout);
            rotate(&copy, &[what, "drop", "--restarted"]).expect(0);
            assert_eq!(
                holders(&copy.join("k"), &former),
                Vec::<String>::new(),
                "{nth}"
            );
        }
        assert!(left > 0, "no kill came before the key was gone");
    }
}

#[test]
fn a_drop_that_was_killed_before_it_was_decided_has_ended_nothing() {
    let place = Base::Ours.copy();
    rotate(&place, &["ca", "trust"]).expect(0);
    rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
    let status = || json(&rotate(&place, &["status", "--output", "json"]).expect(0));
    let before = status();
    let mut drop = certs(&["rotate", "ca", "drop", "--restarted"]);
    drop.args(["--kubernetes-dir", text(&place.join("k"))]);
    let backups = place.join("k/pki/.certs-backup");
    let killed = common::struck(&drop, "fsync:signal=SIGKILL", Some(&backups));
    let killed = run(&mut at(NOON + 3600, "022", &killed));
    let lists = fs::read_dir(&backups).expect("a folder");
    let mut lists = lists.map(|entry| read(&entry.expect("an entry").path().join("journal")));
    let is_there = lists.any(|list| list.contains("command rotate-ca-drop"));
    assert!(is_there, "{killed}");
    assert_eq!(status(), before);
    rotate(&place, &["ca", "back"]).expect(0);
}

#[test]
fn a_rollback_of_a_stage_is_a_step_of_the_rotation() {
    for what in ["ca", "sa"] {
        let place = Base::Ours.copy();
        let key = place
            .join("k/pki")
            .join(if what == "ca" { "ca.key" } else { "sa.key" });
        let former = read(&key);
        let start = contents(&place.join("k"));
        rotate(&place, &[what, "trust"]).expect(0);
        let trust = contents(&place.join("k"));
        rotate(&place, &[what, "issue", "--restarted"]).expect(0);
        let issue = contents(&place.join("k"));
        // Back, and that taken back.
        rotate(&place, &[what, "back"]).expect(0);
        over(&place, "rollback", &[]).expect(0);
        assert!(issue == contents(&place.join("k")), "{what}");
        // The same by rollbacks alone.
        over(&place, "rollback", &[]).expect(0);
        assert!(trust == contents(&place.join("k")), "{what}");
        over(&place, "rollback", &[]).expect(0);
        assert!(issue == contents(&place.join("k")), "{what}");
        rotate(&place, &[what, "drop", "--restarted"]).expect(0);
        assert_eq!(holders(&place.join("k"), &former), Vec::<String>::new());
        let place = Base::Ours.copy();
        rotate(&place, &[what, "trust"]).expect(0);
        over(&place, "rollback", &[]).expect(0);
        assert_eq!(stage(&place, what), "start");
        assert_eq!(start.len(), contents(&place.join("k")).len());
    }
}

#[test]
fn a_step_back_that_was_killed_is_one_step() {
    let place = Base::Ours.copy();
    rotate(&place, &["ca", "trust"]).expect(0);
    let trust = contents(&place.join("k"));
    rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
    let mut told_again = 0;
    for nth in 1..=4 {
        let copy = TempDir::new();
        let mut cp = std::process::Command::new("cp");
        run(cp.arg("-a").arg(place.join("k")).arg(copy.path())).expect(0);
        let mut back = certs(&["rotate", "ca", "back"]);
        back.args(["--kubernetes-dir", text(&copy.join("k"))]);
        let fault = format!("unlinkat:signal=KILL:when={nth}");
        run(&mut at(
            NOON + 3600,
            "022",
            &common::struck(&back, &fault, None),
        ));
        // Where all was done but to tidy up, the next step is another one, and is asked about.
        let again = rotate(&copy, &["ca", "back", "--output", "json"]);
        if again.status.success() {
            let told = json(&again);
            assert_eq!(told["rotation"]["stage"], "trust", "{again}");
            assert_eq!(restarts(&told["rotation"])[0], "kube-controller-manager");
            told_again += 1;
        }
        assert!(trust == contents(&copy.join("k")), "{nth}");
    }
    assert!(told_again > 0, "none was there to be completed");
}

#[test]
fn what_the_next_one_signed_refuses_to_go_back_behind_it() {
    let place = Base::Ours.copy();
    rotate(&place, &["ca", "trust"]).expect(0);
    rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
    let mut client = certs(&["client", "alice", "--common-name", "alice"]);
    client.args(["--kubernetes-dir", text(&place.join("k"))]);
    client.args(["--config", text(&place.join("c.yaml"))]);
    run(&mut at(NOON + 3600, "022", &client)).expect(0);
    rotate(&place, &["ca", "back"]).expect(0);
    let before = snapshot(&place.join("k"));
    let told = rotate(&place, &["ca", "back", "--restarted"]).expect(4);
    let words = "alice.crt was signed by \"CN=kubernetes-2\", which goes with this step";
    assert!(told.stderr.contains(words), "{}", told.stderr);
    same(&before, &place.join("k"));
    for end in ["crt", "key"] {
        fs::remove_file(place.join(&format!("k/pki/alice.{end}"))).expect("take away");
    }
    rotate(&place, &["ca", "back", "--restarted"]).expect(0);
}

#[test]
fn what_waits_and_nobody_trusts_is_told_to_be_moved_away() {
    let place = Base::Ours.copy();
    rotate(&place, &["ca", "trust"]).expect(0);
    // As somebody goes back by hand.
    fs::remove_file(place.join("k/pki/ca-signing.crt")).expect("take away");
    let both = read(&place.join("k/pki/ca.crt"));
    let end = both
        .find("-----END CERTIFICATE-----\n")
        .expect("a certificate");
    write(&place.join("k/pki/ca.crt"), &both[..end + 26]);
    assert_eq!(stage(&place, "ca"), "start");
    let words = "move ca-next.crt and ca-next.key away";
    for arguments in [
        &["ca", "back"][..],
        &["ca", "trust", "--common-name", "other"],
    ] {
        let told = rotate(&place, arguments).expect(4);
        assert!(told.stderr.contains(words), "{}", told.stderr);
    }
    for name in ["ca-next.crt", "ca-next.key"] {
        fs::remove_file(place.join("k/pki").join(name)).expect("take away");
    }
    rotate(&place, &["ca", "trust", "--common-name", "other"]).expect(0);
}

#[test]
fn a_worker_s_kubelet_gets_a_certificate_of_the_next_ca_and_keeps_its_server() {
    let place = Base::Ours.copy();
    let worker = place.join("w");
    fs::create_dir(&worker).expect("make a folder");
    let mut joined = certs(&["kubeconfig", "kubelet", "--node-name", "worker1"]);
    joined.args(["--kubernetes-dir", text(&place.join("k"))]);
    joined.args([
        "--kubeconfig-dir",
        text(&worker),
        "--apiserver-advertise-address",
        "10.0.0.10",
    ]);
    run(&mut at(NOON, "022", &joined)).expect(0);
    let kubeconfig = worker.join("kubelet.conf");
    let server = "https://api.example.com:6443";
    write(
        &kubeconfig,
        read(&kubeconfig).replace("https://10.0.0.10:6443", server),
    );
    for stage in [&["trust"][..], &["issue", "--restarted"]] {
        rotate(&place, &[&["ca"], stage].concat()).expect(0);
    }
    let mut renewal = certs(&["renew", "kubelet", "--node-name", "worker1"]);
    renewal.args(["--cert-dir", text(&place.join("k/pki"))]);
    renewal.args(["--kubeconfig-dir", text(&worker)]);
    run(&mut at(NOON + 3600, "022", &renewal)).expect(0);
    let leaf = place.join("leaf.crt");
    write(
        &leaf,
        common::kubeconfig_data(&kubeconfig, "client-certificate-data"),
    );
    assert_eq!(certificates(&leaf)[0][1], "CN=kubernetes-2");
    assert!(read(&kubeconfig).contains(server), "its server is another");
}

#[test]
fn what_was_completed_is_told_where_the_step_back_is_stopped_after_it() {
    let place = Base::Ours.copy();
    rotate(&place, &["ca", "trust"]).expect(0);
    rotate(&place, &["ca", "issue", "--restarted"]).expect(0);
    rotate(&place, &["ca", "back"]).expect(0);
    let mut renewal = certs(&["renew", "front-proxy-client"]);
    renewal.args(["--kubernetes-dir", text(&place.join("k"))]);
    let killed = common::struck(&renewal, "renameat:signal=KILL:when=1", None);
    run(&mut at(NOON + 3600, "022", &killed));
    assert!(
        place.join("k/pki/.certs-journal").exists(),
        "not interrupted"
    );
    let told = rotate(&place, &["ca", "back"]).expect(2);
    for words in ["completed an interrupted run", "--restarted"] {
        assert!(told.stderr.contains(words), "{words}: {}", told.stderr);
    }
}
