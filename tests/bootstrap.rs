//! `certs kubeconfig bootstrap-kubelet`: the kubeconfig with a bootstrap token, and its Secret.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

mod common;
use common::{
    Finished, TempDir, at, certs, kubeconfig_data, mode, read, run, set_mode, text, tool,
    tree_of_all, venv, write, write_secret,
};

const TOKEN: &str = "abcdef.0123456789abcdef";
const ENDPOINT: [&str; 2] = ["--control-plane-endpoint", "api.example.com:6443"];

fn command(place: &Path, more: &[&str]) -> Command {
    let file = place.join("token");
    if !file.exists() {
        write_secret(&file, format!("{TOKEN}\n"));
    }
    let mut command = certs(&["kubeconfig", "bootstrap-kubelet"]);
    command.args(["--token-file", text(&file)]).args(more);
    command
}

fn bootstrap(place: &Path, more: &[&str]) -> Finished {
    let here = ["--kubernetes-dir", text(place)];
    run(&mut command(place, &[&here, &ENDPOINT[..], more].concat()))
}

/// No part of a token is in what was said.
#[track_caller]
fn is_silent(finished: &Finished, token: &str) {
    for part in token.split('.').filter(|part| part.len() > 3) {
        assert!(
            !finished.stdout.contains(part) && !finished.stderr.contains(part),
            "{finished}"
        );
    }
}

fn codes(finished: &Finished) -> Vec<String> {
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("findings");
    let code = |found: &Value| found["code"].as_str().expect("a code").to_owned();
    findings.iter().map(code).collect()
}

#[test]
fn the_kubeconfig_has_server_ca_and_token_for_its_owner_alone() {
    let place = TempDir::new();
    run(&mut common::all(place.path(), &ENDPOINT)).expect(0);
    let file = place.join("bootstrap-kubelet.conf");
    let dry = bootstrap(place.path(), &["--dry-run"]).expect(0);
    assert!(
        dry.stdout.contains("Would make:") && !file.exists(),
        "{dry}"
    );
    let made = bootstrap(place.path(), &[]).expect(0);
    assert!(made.stdout.contains("Made:"), "{made}");
    is_silent(&made, TOKEN);
    assert_eq!(mode(&file), 0o600);
    let mut kubectl = Command::new(venv("kubectl"));
    kubectl.args(["config", "view", "--raw", "-o", "json", "--kubeconfig"]);
    let shown = run(kubectl.arg(&file)).expect(0).stdout;
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let cluster = &shown["clusters"][0];
    assert_eq!(cluster["cluster"]["server"], "https://api.example.com:6443");
    assert_eq!(
        shown["users"][0]["user"],
        serde_json::json!({"token": TOKEN})
    );
    assert_eq!(
        shown["current-context"],
        "tls-bootstrap-token-user@kubernetes"
    );
    assert_eq!(
        kubeconfig_data(&file, "certificate-authority-data"),
        read(&place.join("pki/ca.crt")).into_bytes()
    );
    // It is kept, and is no fault to who looks after the tree.
    let kept = bootstrap(place.path(), &[]).expect(0);
    assert!(kept.stdout.contains("Up to date:"), "{kept}");
    let kubelet = place.join("kubelet");
    let mut check = certs(&["check", "--kubernetes-dir", text(place.path())]);
    run(check.args(["--kubelet-dir", text(&kubelet)])).expect(0);
}

#[test]
fn another_one_is_refused_and_replaced_by_force_alone() {
    let place = tree_of_all();
    bootstrap(place.path(), &[]).expect(0);
    let file = place.join("bootstrap-kubelet.conf");
    let before = read(&file);
    write_secret(&place.join("token"), "zyxwvu.fedcba9876543210");
    let refused = bootstrap(place.path(), &["--output", "json"]).expect(4);
    assert_eq!(codes(&refused), ["bootstrap-differs"]);
    is_silent(&refused, TOKEN);
    assert_eq!(read(&file), before);
    let replaced = bootstrap(place.path(), &["--force"]).expect(0);
    assert!(replaced.stdout.contains("Replaced:"), "{replaced}");
    assert!(read(&file).contains("zyxwvu.fedcba9876543210"));
    // One that others may read has given its token away.
    set_mode(&file, 0o644);
    let refused = bootstrap(place.path(), &["--output", "json"]).expect(4);
    assert_eq!(codes(&refused), ["key-mode"]);
    assert!(refused.stdout.contains("with another token"), "{refused}");
    bootstrap(place.path(), &["--force"]).expect(0);
    assert_eq!(mode(&file), 0o600);
    let mut rollback = certs(&["rollback", "--kubernetes-dir", text(place.path())]);
    run(&mut rollback).expect(0);
    assert_eq!(mode(&file) & 0o037, 0);
}

#[test]
fn an_interrupted_run_is_completed_first_and_told() {
    let killed = || {
        let place = tree_of_all();
        let mut inner = certs(&["renew", "scheduler", "admin", "--kubernetes-dir"]);
        inner.arg(place.path());
        let mut strace = Command::new(tool("strace"));
        strace
            .args(["-f", "-o", "/dev/null"])
            .args(["-e", "inject=renameat:signal=SIGKILL:when=2"])
            .arg(inner.get_program())
            .args(inner.get_args());
        let said = run(&mut strace);
        assert!(place.join(".certs-journal").is_file(), "{said}");
        place
    };
    let words = "note: completed an interrupted run, which wrote 2 files";
    let made = bootstrap(killed().path(), &[]).expect(0);
    assert!(made.stdout.contains(words), "{made}");
    let place = killed();
    write_secret(&place.join("bootstrap-kubelet.conf"), "another\n");
    let refused = bootstrap(place.path(), &[]).expect(4);
    assert!(refused.stdout.contains(words), "{refused}");
    let words = "; nothing was written but what the interrupted run had begun\n";
    assert!(refused.stderr.ends_with(words), "{refused}");
    let refused = bootstrap(place.path(), &[]).expect(4);
    let words = "; nothing was written\n";
    assert!(refused.stderr.ends_with(words), "{refused}");
}

#[test]
fn what_is_no_token_is_refused_and_not_repeated() {
    let place = tree_of_all();
    for wrong in [
        "",
        "abcdef0123456789abcdef",
        "abcdef.0123456789abcde",
        "abcdef.0123456789abcdefg",
        "abcde.0123456789abcdef",
        "Abcdef.0123456789abcdef",
        "abcdef.0123456789abcde!",
        "abcdef.0123456789abcdef x",
        "abcdef.01234567.89abcdef",
    ] {
        write_secret(&place.join("token"), wrong);
        for more in [&[][..], &["--token-secret"]] {
            let refused = if more.is_empty() {
                bootstrap(place.path(), more)
            } else {
                run(&mut command(place.path(), more))
            };
            let refused = refused.expect(2);
            assert!(
                refused.stderr.contains("is no bootstrap token"),
                "{refused}"
            );
            is_silent(&refused, wrong);
        }
    }
    assert!(!place.join("bootstrap-kubelet.conf").exists());
    let mut none = certs(&["kubeconfig", "bootstrap-kubelet", "--token-file", "/none"]);
    let none = run(none.args(["--kubernetes-dir", text(place.path())])).expect(2);
    assert!(none.stderr.contains("there is no such file"), "{none}");
    let file = place.join("token");
    write_secret(&file, TOKEN);
    for mode in [0o644, 0o666, 0o620] {
        set_mode(&file, mode);
        for more in [&["--token-secret"][..], &ENDPOINT] {
            let open = run(&mut command(place.path(), more)).expect(2);
            assert!(open.stderr.contains("is open to others"), "{open}");
            is_silent(&open, TOKEN);
        }
    }
    // The token itself, for the name of its file, is in no message.
    let mut itself = certs(&["kubeconfig", "bootstrap-kubelet", "--token-file", TOKEN]);
    let itself = run(itself.args(["--kubernetes-dir", text(place.path())])).expect(2);
    is_silent(&itself, TOKEN);
    assert!(itself.stderr.contains("not the secret"), "{itself}");
    run(&mut certs(&["kubeconfig", "bootstrap-kubelet"])).expect(2);
    let empty = TempDir::new();
    let told = bootstrap(empty.path(), &[]).expect(2);
    assert!(told.stderr.contains("ca.crt is not there"), "{told}");
}

#[test]
fn the_secret_is_the_one_that_kubeadm_makes() {
    let place = TempDir::new();
    // 2026-03-01 00:00:00 UTC
    let secret = command(place.path(), &["--token-secret", "--token-ttl", "48h"]);
    let printed = run(&mut at(1_772_323_200, "022", &secret)).expect(0).stdout;
    let file = place.join("secret.yaml");
    write(&file, &printed);
    let mut kubectl = Command::new(venv("kubectl"));
    kubectl.args([
        "label",
        "--local",
        "-o",
        "json",
        "read=yes",
        "-f",
        text(&file),
    ]);
    let shown: Value = serde_json::from_str(&run(&mut kubectl).expect(0).stdout).expect("JSON");
    assert_eq!(shown["type"], "bootstrap.kubernetes.io/token");
    assert_eq!(shown["metadata"]["name"], "bootstrap-token-abcdef");
    assert_eq!(shown["metadata"]["namespace"], "kube-system");
    assert_eq!(
        shown["stringData"],
        serde_json::json!({
            "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
            "expiration": "2026-03-03T00:00:00Z",
            "token-id": "abcdef",
            "token-secret": "0123456789abcdef",
            "usage-bootstrap-authentication": "true",
            "usage-bootstrap-signing": "true",
        })
    );
    // Nothing was written beside the token.
    fs::remove_file(&file).expect("remove a file");
    assert_eq!(common::listing(place.path()).len(), 1);
    for (more, words) in [
        (&["--token-secret", "--token-ttl", "0s"][..], "--token-ttl"),
        (&["--token-secret", "--token-ttl", "soon"], "--token-ttl"),
        (&["--token-secret", "--force"], "cannot be used with"),
        (&["--token-secret", "--dry-run"], "cannot be used with"),
        (&["--to-terminal"], "--token-secret"),
    ] {
        let refused = run(&mut command(place.path(), more)).expect(2);
        assert!(refused.stderr.contains(words), "{refused}");
    }
}

#[test]
fn a_terminal_shows_the_secret_only_if_asked() {
    let place = TempDir::new();
    write_secret(&place.join("token"), TOKEN);
    let line = format!(
        "{} kubeconfig bootstrap-kubelet --token-secret --token-file {}",
        text(&common::binary()),
        text(&place.join("token"))
    );
    let on_terminal = |more: &str| {
        let mut script = Command::new(tool("script"));
        run(script.args(["-qec", &format!("{line}{more}"), "/dev/null"]))
    };
    let refused = on_terminal("").expect(2);
    assert!(refused.stdout.contains("is a terminal"), "{refused}");
    is_silent(&refused, TOKEN);
    let shown = on_terminal(" --to-terminal").expect(0);
    assert!(shown.stdout.contains("token-secret"), "{shown}");
}
