//! Trees made by hand with OpenSSL, as a teaching page has it, and what a reader of one gets wrong:
//! `check` tells each exactly, and all of several at once. The recipe is `by_hand.sh`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::common::kubeadm::NOON;
use crate::common::{Finished, TempDir, at, certs, each, run, text, tool};

mod files;
mod kubeconfigs;
mod kubelet;
mod names;

/// What somebody who follows such a page gets wrong.
pub struct Slip {
    /// What is wrong, as a sentence.
    pub name: &'static str,
    /// What is set before the tree is made: bash, with the tables of `by_hand.sh`.
    pub before: &'static str,
    /// What is done once it is made.
    pub after: &'static str,
    /// Whether the check is told the cluster's facts.
    pub stated: bool,
    /// Severity, code, file and text of all that is told.
    pub told: &'static [&'static str],
}

/// The rest of a row.
const NONE: Slip = Slip {
    name: "",
    before: "",
    after: "",
    stated: false,
    told: &[],
};

fn slips() -> impl Iterator<Item = &'static Slip> {
    names::SLIPS
        .iter()
        .chain(files::SLIPS)
        .chain(kubeconfigs::SLIPS)
        .chain(kubelet::SLIPS)
}

/// The names of all, each once.
pub fn slip_names() -> BTreeSet<&'static str> {
    let all: BTreeSet<&str> = slips().map(|slip| slip.name).collect();
    assert_eq!(all.len(), slips().count());
    all
}

/// The lines of all.
pub fn lines() -> impl Iterator<Item = &'static str> {
    slips().flat_map(|slip| slip.told).copied()
}

fn bash(script: &str) -> Command {
    let mut bash = Command::new(tool("bash"));
    bash.args(["-euo", "pipefail", "-c", script]);
    bash.env("OPENSSL_CONF", "/dev/null");
    bash
}

/// RSA keys for every place, made once.
fn keys() -> &'static TempDir {
    static KEYS: OnceLock<TempDir> = OnceLock::new();
    KEYS.get_or_init(|| {
        let folder = TempDir::new();
        let script = format!(
            "{}\nfor name in \"${{cas[@]}}\" \"${{leaves[@]}}\" pki/sa kubelet other; do echo \"$name\"; done |\n\
             xargs -P 2 -I @ sh -c 'openssl genrsa -traditional -out $(echo @ | tr / -) 2048'\n\
             openssl genrsa -traditional -out weak 1024",
            include_str!("by_hand.sh")
        );
        let mut bash = bash(&script);
        run(bash.current_dir(folder.path()).env("aside", ".")).expect(0);
        folder
    })
}

/// A tree made by hand in `k`, and its kubelet's files.
fn made(before: &str, after: &str) -> TempDir {
    static SOUND: OnceLock<TempDir> = OnceLock::new();
    let sound = SOUND.get_or_init(|| cooked("", "", ""));
    cooked(before, after, text(&sound.join("k")))
}

fn cooked(before: &str, after: &str, sound: &str) -> TempDir {
    let place = TempDir::new();
    std::fs::create_dir(place.join("k")).expect("make a folder");
    let script = format!(
        "{}\n{}\n{before}\nafterwards() {{\n:\n{after}\n}}\nby_hand\n",
        include_str!("../common/recipes.sh"),
        include_str!("by_hand.sh"),
    );
    let mut bash = bash(&script);
    bash.current_dir(place.join("k"))
        .env("ADDRESS", "10.0.0.10")
        .env("ENDPOINT", "")
        .env("EXTRA", "")
        .env("KEYS", keys().path())
        .env("SOUND", sound);
    run(&mut at(NOON, "022", &bash)).expect(0);
    place
}

/// Facts of a whole cluster: what a document leaves out is as by default, but for keys and times, which are wanted
/// otherwise than they are only where it says so.
const FACTS: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration:
  name: cp1
localAPIEndpoint:
  advertiseAddress: 10.0.0.10
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
certificateValidityPeriod: 8760h
";

fn check(place: &TempDir, stated: bool) -> Finished {
    let mut command = certs(&["check", "--output", "json"]);
    command
        .args(["--kubernetes-dir", text(&place.join("k"))])
        .args(["--kubelet-dir", text(&place.join("kubelet"))]);
    if stated {
        let file = place.join("c.yaml");
        std::fs::write(&file, FACTS).expect("write a file");
        command.args(["--config", text(&file)]);
    }
    run(&mut at(NOON, "022", &command))
}

/// All that was told, as lines of [`Slip::told`].
fn told(finished: &Finished, place: &TempDir) -> Result<Vec<String>, String> {
    let report: Value =
        serde_json::from_str(&finished.stdout).map_err(|error| format!("{error}\n{finished}"))?;
    let [tree, kubelet] = ["k", "kubelet"].map(|name| format!("{}/", place.join(name).display()));
    let findings = report["findings"].as_array().expect("findings");
    let lines = findings.iter().map(|finding| {
        let word = |field: &str| {
            let text = finding[field].as_str().expect("a text");
            text.replace(&kubelet, "../kubelet/").replace(&tree, "")
        };
        let [severity, code, file, text] = ["severity", "code", "file", "text"].map(word);
        format!("{severity} {code} {file} {text}")
    });
    Ok(lines.collect())
}

fn holds(slip: &Slip) -> Result<(), String> {
    let place = made(slip.before, slip.after);
    let finished = check(&place, slip.stated);
    let found = told(&finished, &place)?;
    if found != slip.told {
        let rows = found.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "            {line:?},");
            text
        });
        return Err(format!("found is\n        told: &[\n{rows}        ],"));
    }
    let has = |severity: &str| found.iter().any(|line| line.starts_with(severity));
    let code = match (has("error "), has("warning ")) {
        (true, _) => 4,
        (false, true) => 3,
        (false, false) => 0,
    };
    if finished.status.code() == Some(code) {
        Ok(())
    } else {
        Err(format!("expected exit code {code}: {finished}"))
    }
}

#[test]
fn a_tree_made_by_hand_without_a_mistake_is_sound() {
    for (after, notes) in [
        ("", &[][..]),
        ("bootstrap", &[]),
        (
            "kubelet; bootstrap",
            &["note kubelet-self-signed ../kubelet/kubelet.crt "],
        ),
        ("kubelet; serving", &[]),
        (
            "kubelet; rotated /O=system:nodes/CN=system:node:cp1 365",
            &["note kubelet-self-signed ../kubelet/kubelet.crt "],
        ),
    ] {
        for stated in [false, true] {
            let place = made("", after);
            let finished = check(&place, stated).expect(0);
            let found = told(&finished, &place).expect("a report");
            assert_eq!(found.len(), notes.len(), "{after:?}: {found:?}");
            for (found, note) in found.iter().zip(notes) {
                assert!(found.starts_with(note), "{found}");
            }
        }
    }
}

#[test]
fn each_mistake_made_by_hand_is_told_exactly() {
    each(slips(), |slip| {
        holds(slip).map_err(|text| format!("{}: {text}", slip.name))
    });
}
