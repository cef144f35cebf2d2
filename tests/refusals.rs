//! What the verbs that look and hand out refuse, that no other file of tests shows: each with its exit code, its
//! sentence, and nothing changed.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::process::Command;

mod common;
use common::snapshot::snapshot;
use common::{TempDir, binary, certs, each, run, set_mode, text, tool, tree_of_all, write};

/// A tree in `k`, and beside it files that are none of it.
fn place() -> TempDir {
    let place = TempDir::new();
    fs::rename(tree_of_all().path(), place.join("k")).expect("move");
    write(&place.join("token"), "07401b.f395accd246ae52d\n");
    set_mode(&place.join("token"), 0o600);
    write(&place.join("words"), "no certificate\n");
    fs::write(place.join("odd.der"), [0x30, 0x03, 0x02, 0x01, 0x07]).expect("write");
    write(&place.join("odd.conf"), "kind: Config\nclusters: 7\n");
    fs::write(place.join("long"), "x".repeat(200)).expect("write");
    place
}

/// Arguments, exit code, and what is said.
const REFUSED: &[(&[&str], i32, &str)] = &[
    (
        &[
            "check",
            "--kubernetes-dir",
            "k",
            "--kubelet-dir",
            "none",
            "--quiet",
            "--output",
            "yaml",
        ],
        2,
        "--quiet goes with --output text: leave one of them out",
    ),
    (
        &["show", "--kubernetes-dir", "k", "--config", "-", "-"],
        2,
        "--config and FILE are both -: standard input can be one of them",
    ),
    (
        &["show", "--kubernetes-dir", "k", "odd.der"],
        1,
        "is DER of something that is not known here",
    ),
    (&["show", "--kubernetes-dir", "k", "words"], 2, "words"),
    (&["completion", "tcsh"], 2, "invalid value 'tcsh'"),
    (
        &["flags", "--kubernetes-dir", "k", "kube-dns"],
        2,
        "invalid value 'kube-dns'",
    ),
    (
        &["kubeconfig", "refresh", "--kubernetes-dir", "k", "words"],
        4,
        "cannot be refreshed: ",
    ),
    (
        &["kubeconfig", "refresh", "--kubernetes-dir", "k", "odd.conf"],
        4,
        "odd.conf",
    ),
    (
        &[
            "kubeconfig",
            "bootstrap-kubelet",
            "--token-file",
            "token",
            "--token-secret",
            "--token-ttl",
            "0s",
        ],
        2,
        "--token-ttl: is not after now",
    ),
    (
        &[
            "kubeconfig",
            "bootstrap-kubelet",
            "--token-file",
            "token",
            "--token-secret",
            "--token-ttl",
            "100000000d",
        ],
        2,
        "--token-ttl: ",
    ),
    (
        &[
            "export",
            "pkcs12",
            "--kubernetes-dir",
            "k",
            "--password-file",
            "token",
            "./words",
        ],
        2,
        "no certificate, and is no kubeconfig",
    ),
    (
        &[
            "export",
            "pkcs12",
            "--kubernetes-dir",
            "k",
            "--password-file",
            "token",
            "ca",
        ],
        2,
        "\"ca\" signs for the cluster and is nobody's identity: its key is not handed out as PKCS#12",
    ),
    (
        &[
            "export",
            "pkcs12",
            "--kubernetes-dir",
            "k",
            "--password-file",
            "token",
            "zoe",
        ],
        2,
        "\"zoe\" is no profile, and no pair or kubeconfig of that name is there: 'certs check' lists what is there",
    ),
    (
        &["export", "secret", "--kubernetes-dir", "k", "kube-proxy"],
        2,
        "\"kube-proxy\" is not there: 'certs check' lists what is there",
    ),
    (
        &["export", "pkcs12", "--kubernetes-dir", "k", "admin"],
        2,
        "a password is needed: give --password-file, or CERTS_EXPORT_PASSWORD",
    ),
];

#[test]
fn what_is_refused_is_told_with_its_exit_code_and_changes_nothing() {
    let place = place();
    let before = snapshot(place.path());
    each(REFUSED.iter(), |(arguments, code, words)| {
        let finished = run(certs(arguments).current_dir(place.path()));
        let said = finished.stdout.contains(words) || finished.stderr.contains(words);
        if said && finished.status.code() == Some(*code) {
            Ok(())
        } else {
            Err(format!("expected {code} and {words:?}: {finished}"))
        }
    });
    assert!(snapshot(place.path()) == before);
}

/// What is refused at a terminal, where a file would do.
const AT_A_TERMINAL: &[(&str, &str)] = &[
    (
        "export secret front-proxy-client",
        "this holds a private key: name a file with --output-file, or give --to-terminal",
    ),
    (
        "export pkcs12 admin",
        "this holds a private key: name a file with --output-file",
    ),
    (
        "export bundle",
        "a tar archive is none of its: name a file with --output-file",
    ),
];

#[test]
fn no_secret_and_no_archive_goes_to_a_terminal() {
    let place = place();
    each(AT_A_TERMINAL.iter(), |(arguments, words)| {
        let line = format!("{} {arguments} --kubernetes-dir k", text(&binary()));
        let mut terminal = Command::new(tool("script"));
        terminal.args(["-qec", &line, "/dev/null"]);
        let finished = run(terminal.current_dir(place.path()));
        if finished.stdout.contains(words) && finished.status.code() == Some(2) {
            Ok(())
        } else {
            Err(format!("expected {words:?}: {finished}"))
        }
    });
}
