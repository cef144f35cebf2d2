//! The layers of docs/architecture.md: an import points down, or sideways without a circle, and
//! each outside crate stays in its room.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, lowest layer first.
const LAYERS: &[&[&str]] = &[
    &[
        "archive", "der", "finding", "key", "location", "pem", "x509", "yaml",
    ],
    &["config", "facts", "observed", "profile", "requests", "spec"],
    &["bundle", "diff", "plan", "rollback"],
    &["issue", "kubeconfig", "manifest", "pkcs12", "store"],
    &["apply", "observe", "show"],
    &["outcome", "report"],
    &["cli", "cmd", "main"],
];

/// What may be named in some rooms only.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("aws_lc_rs", &["key"]),
    ("clap", &["cli", "main"]),
    ("clap_complete", &["cli"]),
    ("graviola", &["key"]),
    ("nix", &["main", "store"]),
    ("rcgen", &["issue"]),
    ("rustls_pemfile", &["pem"]),
    ("serde_yaml", &["yaml"]),
    ("std::fs", &["store"]),
    ("std::thread", &["apply", "main", "store"]),
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
            let used = paths(&text).iter().any(|path| {
                path == name
                    || path
                        .strip_prefix(name)
                        .is_some_and(|rest| rest.starts_with("::"))
            });
            assert!(
                !used || rooms.contains(&room.as_str()),
                "{room} uses {name}, of {rooms:?}"
            );
        }
    }
}

#[test]
fn the_check_sees_imports_in_every_form() {
    let text = "use crate::{\n    key::{self, PublicKey},\n    x509,\n};\nuse std::fs;\n\
                // use crate::store::Store;\npub use std::{io, thread::{self, sleep}};\n\
                fn f() { crate::pem::parse(&[]); }\n";
    let rooms: Vec<String> = imported(text).into_iter().collect();
    assert_eq!(rooms, ["key", "pem", "x509"]);
    let paths = paths(text);
    for path in ["std::fs", "std::io", "std::thread", "std::thread::sleep"] {
        assert!(paths.contains(path), "{path} in {paths:?}");
    }
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
    paths(text)
        .iter()
        .filter_map(|path| {
            path.strip_prefix("crate::")
                .or(path.strip_prefix("certs::"))
        })
        .map(|rest| rest.split("::").next().unwrap_or_default().to_owned())
        .collect()
}

/// Every path that the code names: those of `use` with their trees laid out, and those in between.
fn paths(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |code, line| code + line + "\n");
    let mut paths = BTreeSet::new();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    for (at, _) in code.match_indices("use ") {
        let rest = &code[at + 4..];
        let end = rest.find(';').unwrap_or(rest.len());
        if !code[..at].ends_with(is_word) {
            let tree: String = rest[..end].split_whitespace().collect();
            lay_out("", &tree, &mut paths);
        }
    }
    for word in code.split(|c: char| !is_word(c) && c != ':') {
        if word.contains("::") {
            paths.insert(word.trim_matches(':').to_owned());
        }
    }
    paths
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`; `self` is what stands before it.
fn lay_out(before: &str, tree: &str, paths: &mut BTreeSet<String>) {
    let Some((path, list)) = tree.split_once('{') else {
        let path = format!("{before}{tree}");
        paths.insert(path.trim_end_matches("::self").to_owned());
        return;
    };
    let before = format!("{before}{path}");
    let list = list.strip_suffix('}').unwrap_or(list);
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                lay_out(&before, &list[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < list.len() {
        lay_out(&before, &list[start..], paths);
    }
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
