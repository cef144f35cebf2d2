//! A tree at each stage of a rotation.

use std::process::Command;

use super::base::Base;
use super::kubeadm::NOON;
use serde_json::Value;

use super::{Finished, TempDir, at, certs, run, text};

/// When all of it is done, and judged.
pub const WHEN: i64 = NOON + 3600;

/// The stages, with what the program is told at each.
pub const STAGES: [(&str, &[&str]); 4] = [
    ("start", &[]),
    ("trust", &[]),
    ("issue", &["--restarted"]),
    ("drop", &["--restarted"]),
];

/// A tree, and how its keys are replaced.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    pub base: Base,
    /// What the first stage is told beside.
    pub trust: &'static [&'static str],
}

/// Keys of the same kind, and of another.
pub const KINDS: [Kind; 3] = [
    Kind {
        base: Base::Ours,
        trust: &[],
    },
    Kind {
        base: Base::Default,
        trust: &[],
    },
    Kind {
        base: Base::Default,
        trust: &["--key-algorithm", "ECDSA-P256"],
    },
];

impl Kind {
    /// [`stages`] of its tree.
    pub fn stages(&self, whats: &[&str]) -> [TempDir; STAGES.len()] {
        stages(self.base.copy(), WHEN, whats, self.trust)
    }
}

/// A folder for each of [`STAGES`], the tree in its `k`, with all of `whats` at that stage; the first one is there.
pub fn stages(
    start: TempDir,
    when: i64,
    whats: &[&str],
    trust: &[&str],
) -> [TempDir; STAGES.len()] {
    let mut next = Some(start);
    STAGES.map(|(stage, flags)| {
        let place = next.take().expect("a folder");
        let more = if stage == "trust" { trust } else { &[] };
        for what in whats.iter().filter(|_| stage != "start") {
            rotate_at(when, &place, &[&[what, stage], flags, more].concat()).expect(0);
        }
        next = Some(copy(&place));
        place
    })
}

/// `certs rotate` over the tree in `k`.
pub fn rotate(place: &TempDir, arguments: &[&str]) -> Finished {
    rotate_at(WHEN, place, arguments)
}

/// The same at another time.
pub fn rotate_at(when: i64, place: &TempDir, arguments: &[&str]) -> Finished {
    let mut command = certs(&["rotate"]);
    command
        .args(arguments)
        .args(["--kubernetes-dir", text(&place.join("k"))])
        .args(["--kubelet-dir", text(&place.join("kubelet"))]);
    run(&mut at(when, "022", &command))
}

fn copy(place: &TempDir) -> TempDir {
    let copied = TempDir::new();
    let mut command = Command::new("cp");
    run(command.arg("-a").arg(place.join("k")).arg(copied.path())).expect(0);
    copied
}

/// What is to be done now, as people are told what programs are.
pub fn for_people(rotation: &Value) -> String {
    let mut told = vec!["To be done now, in this order, one node after the other:".to_owned()];
    let all = rotation["instructions"].as_array().expect("a list");
    for (number, one) in (1..).zip(all) {
        let of = |name: &str| one[name].as_str().expect("text");
        let process = of("process");
        told.push(match of("action") {
            "restart" => format!("  {number}. restart {process}"),
            "none" => format!("  {number}. {process}: reads it again by itself"),
            _ => format!("  {number}. {process}"),
        });
        if let Some(nodes) = one["nodes"].as_array() {
            let nodes: Vec<&str> = nodes.iter().filter_map(Value::as_str).collect();
            told.push(format!("     on    {}", nodes.join(", ")));
        }
        for (name, words) in [
            ("", "text"),
            ("do    ", "command"),
            ("wait  ", "wait"),
            ("proof ", "proof"),
        ] {
            if !of(words).is_empty() {
                told.push(format!("     {name}{}", of(words)));
            }
        }
    }
    told.join("\n")
}

/// What is to be restarted for it, and that each restart is done, waited for and proved.
pub fn restarts(rotation: &Value) -> Vec<&str> {
    let all = rotation["instructions"].as_array().expect("a list").iter();
    let restarts = all.filter(|one| one["action"] == "restart");
    let proved = restarts.inspect(|one| {
        for words in ["command", "wait", "proof"] {
            let said = one[words].as_str().expect("text");
            assert!(!said.is_empty() && !said.contains("{old}"), "{one}");
        }
        assert_eq!(one["oneAtATime"], true, "{one}");
    });
    proved
        .map(|one| one["process"].as_str().expect("a name"))
        .collect()
}
