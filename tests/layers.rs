//! The layers of docs/architecture.md: an import points down, or sideways without a circle, and
//! each outside crate stays in its room.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, lowest layer first.
const LAYERS: &[&[&str]] = &[
    &["der", "finding", "key", "location", "pem", "x509", "yaml"],
    &["config", "facts", "observed", "profile", "spec"],
    &["diff", "plan"],
    &["issue", "kubeconfig", "store"],
    &["apply", "observe"],
    &["outcome", "report"],
    &["cli", "cmd", "main"],
];

/// What may be named in some rooms only.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("aws_lc_rs", &["key", "x509"]),
    ("clap", &["cli", "main"]),
    ("nix", &["main", "store"]),
    ("rcgen", &["issue"]),
    ("rustls_pemfile", &["pem"]),
    ("serde_yaml", &["yaml"]),
    ("std::fs", &["store"]),
    ("std::thread", &["apply", "store"]),
    ("x509_parser", &["x509"]),
];

#[test]
fn imports_point_down_or_sideways_without_a_circle() {
    let layer: BTreeMap<&str, usize> = LAYERS
        .iter()
        .enumerate()
        .flat_map(|(layer, rooms)| rooms.iter().map(move |room| (*room, layer)))
        .collect();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (room, text) in sources() {
        let from = *layer
            .get(room.as_str())
            .unwrap_or_else(|| panic!("{room} has no layer"));
        for to in imported(&text) {
            if to == room {
                continue;
            }
            let below = *layer
                .get(to.as_str())
                .unwrap_or_else(|| panic!("{to} has no layer"));
            assert!(
                below <= from,
                "{room} (layer {from}) imports {to} (layer {below})"
            );
            edges.entry(room.clone()).or_default().insert(to);
        }
    }
    for room in edges.keys() {
        assert!(
            !reaches(&edges, room, room),
            "{room} imports itself through others"
        );
    }
}

#[test]
fn each_outside_crate_stays_in_its_room() {
    for (room, text) in sources() {
        for (name, rooms) in OUTSIDE {
            let used = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//")
                    && line.match_indices(&format!("{name}::")).any(|(at, _)| {
                        !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                    })
            });
            assert!(
                !used || rooms.contains(&room.as_str()),
                "{room} uses {name}, of {rooms:?}"
            );
        }
    }
}

#[test]
fn the_check_sees_an_import_in_a_list_and_one_in_the_code() {
    let text = "use crate::{key::PublicKey, x509};\nfn f() { crate::pem::parse(&[]); }\n";
    let seen: Vec<String> = imported(text).into_iter().collect();
    assert_eq!(seen, ["key", "pem", "x509"]);
}

/// Room and text of every source file but tests and what only tests use.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    assert!(files.len() > 30, "src was not found");
    files
        .into_iter()
        .map(|(room, path)| {
            let text = fs::read_to_string(&path).expect("src is readable");
            let text = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default();
            (room, text.to_owned())
        })
        .filter(|(room, _)| room != "lib" && room != "oracle")
        .collect()
}

fn walk(directory: &Path, files: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(directory).expect("src is readable") {
        let path = entry.expect("src is readable").path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                walk(&path, files);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && !path.ends_with("tests.rs")
        {
            let relative = path
                .strip_prefix(env!("CARGO_MANIFEST_DIR"))
                .expect("src is readable");
            let room = relative
                .components()
                .nth(1)
                .expect("src is readable")
                .as_os_str()
                .to_str()
                .expect("src is readable");
            files.push((room.trim_end_matches(".rs").to_owned(), path));
        }
    }
}

/// The rooms named after `crate::`, or after `certs::` in main.
fn imported(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        for root in ["crate::", "certs::"] {
            for (at, _) in line.match_indices(root) {
                if line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                let rest = &line[at + root.len()..];
                match rest.strip_prefix('{') {
                    Some(list) => {
                        rooms.extend(
                            list.split(", ")
                                .map(first_word)
                                .filter(|word| !word.is_empty()),
                        );
                    }
                    None => {
                        rooms.insert(first_word(rest));
                    }
                }
            }
        }
    }
    rooms
}

fn first_word(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn reaches(edges: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(room) = open.pop() {
        for next in edges.get(room).into_iter().flatten() {
            if next == to {
                return true;
            }
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    false
}
