//! The tree that the program makes is kubeadm's, but for the differences that are listed.
//!
//! `facts.py` describes a tree as JSON without any code of ours; `facts/NAME.json` is what it
//! said of kubeadm v1.36.2's tree for `facts/NAME.yaml`; `trees.tar.gz` holds those trees.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

mod common;
use common::kubeadm::{CONFIGURATIONS, NOON, configuration, unpacked};
use common::rotation::{STAGES, rotate_at};
use common::snapshot::{same, snapshot};
use common::tree::CAS;
use common::{TempDir, at, certs, each, fixture, read, run, set_mode, text, venv, write};

/// What stands for a field that one side has not.
const ABSENT: &str = "absent";

/// (path, field) → (kubeadm's value, ours).
type Differences = BTreeMap<(String, String), (String, String)>;

#[test]
fn the_tree_is_kubeadms_but_for_the_listed_differences() {
    let listed = parse(&read(&fixture("kubeadm/differences.txt")));
    let mut report = String::new();
    let mut used = BTreeSet::new();
    for name in CONFIGURATIONS {
        let kubeadm = recorded(name);
        let folder = TempDir::new();
        let out = folder.join("out");
        fs::create_dir(&out).expect("make the output folder");
        set_mode(&out, 0o755);
        let config = configuration(name, &out, folder.path());
        let start = whole(starts(&kubeadm).0);
        let command = certs(&[
            "all",
            "--config",
            text(&config),
            "--kubeconfig-dir",
            text(&out),
        ]);
        run(&mut at(start, "022", &command)).expect(0);
        let ours = describe(&out, at_once(start));
        let expected = expand(&listed, name, &kubeadm, &mut used);
        compare(name, &expected, &differences(&kubeadm, &ours), &mut report);
    }
    for (index, entry) in listed.iter().enumerate() {
        for path in &entry.paths {
            if !used.contains(&(index, path.clone())) {
                let line = entry.line;
                let _ = writeln!(
                    report,
                    "differences.txt line {line}: no configuration has {path}"
                );
            }
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn a_control_plane_of_an_inventory_is_kubeadms_too() {
    let listed = parse(&read(&fixture("kubeadm/differences.txt")));
    let mut report = String::new();
    for name in CONFIGURATIONS {
        let kubeadm = recorded(name);
        let folder = TempDir::new();
        let config = configuration(name, Path::new("/etc/kubernetes"), folder.path());
        let said = read(&config);
        let address = said
            .split_once("advertiseAddress: \"")
            .expect("an address")
            .1;
        let address = address.split('"').next().unwrap_or_default();
        let etcd = if name == "external-etcd" { "" } else { " etcd" };
        let nodes = format!("name,addresses,roles\ncp1,{address},control-plane{etcd}\n");
        let inventory = folder.join("nodes.csv");
        write(&inventory, nodes);
        let start = whole(starts(&kubeadm).0);
        let mut command = certs(&["all", "--config", text(&config)]);
        command.args(["--inventory", text(&inventory)]);
        command.args(["--out", text(&folder.join("out"))]);
        run(&mut at(start, "022", &command)).expect(0);
        let tree = folder.join("out/cp1/etc/kubernetes");
        let ours = describe(&tree, at_once(start));
        let expected = expand(&listed, name, &kubeadm, &mut BTreeSet::new());
        compare(name, &expected, &differences(&kubeadm, &ours), &mut report);
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn a_tree_whose_cas_and_keys_were_all_replaced_is_kubeadms_too_but_for_the_names_of_the_cas() {
    let listed = parse(&read(&fixture("kubeadm/differences.txt")));
    let trees = unpacked();
    // Those that differ in more than names and addresses.
    let rows = [
        ("custom-validity", Maker::Kubeadm),
        ("default", Maker::Certs),
        ("ecdsa-p256", Maker::Certs),
        ("ecdsa-p256", Maker::Kubeadm),
        ("external-etcd", Maker::Kubeadm),
        ("ha-endpoint", Maker::Kubeadm),
    ];
    each(rows.iter(), |(name, maker)| {
        let kubeadm = recorded(name);
        let place = TempDir::new();
        let tree = place.join("k");
        let (certificates, kubeconfigs) = starts(&kubeadm);
        let start = whole(certificates);
        let mut expected = expand(&listed, name, &kubeadm, &mut BTreeSet::new());
        let started = match maker {
            Maker::Certs => {
                fs::create_dir(&tree).expect("make a folder");
                set_mode(&tree, 0o755);
                let config = configuration(name, &tree, place.path());
                let mut command = certs(&["all", "--config", text(&config)]);
                command.args(["--kubeconfig-dir", text(&tree)]);
                run(&mut at(start, "022", &command)).expect(0);
                at_once(start)
            }
            Maker::Kubeadm => {
                let mut copy = Command::new("cp");
                run(copy.arg("-a").arg(trees.join(name)).arg(&tree)).expect(0);
                // What is issued in place of another lasts as long, to the second.
                expected.retain(|(_, field), _| !field.starts_with("validity."));
                (certificates, kubeconfigs)
            }
        };
        for what in ["ca", "etcd-ca", "front-proxy-ca", "sa"] {
            // That of an external etcd is not here.
            if tree.join("pki/etcd/ca.key").exists() || what != "etcd-ca" {
                for (stage, flags) in STAGES.into_iter().skip(1) {
                    rotate_at(start, &place, &[&[what, stage], flags].concat()).expect(0);
                }
            }
        }
        for folder in [&tree, &tree.join("pki")] {
            fs::remove_dir_all(folder.join(".certs-backup")).expect("remove the backups");
        }
        let facts = describe(&tree, started);
        let second = facts["certificates"].as_array().expect("a list").iter();
        let second = second.filter(|told| {
            told["subject"]
                .as_str()
                .is_some_and(|name| name.ends_with("-2"))
        });
        let second: Vec<_> = second
            .map(|told| told["path"].as_str().expect("a path"))
            .collect();
        let cas = CAS.iter().chain(&["pki/ca-signing.crt"]);
        let there: BTreeSet<&str> = cas
            .copied()
            .filter(|file| tree.join(file).exists())
            .collect();
        assert_eq!(second.into_iter().collect::<BTreeSet<_>>(), there);
        let apart = read(&tree.join("pki/ca-signing.crt"));
        assert_eq!(apart, read(&tree.join("pki/ca.crt")));
        let found = differences(&kubeadm, &as_if_first(facts));
        let mut report = String::new();
        compare(
            &format!("{name} of {maker:?}"),
            &expected,
            &found,
            &mut report,
        );
        if report.is_empty() {
            Ok(())
        } else {
            Err(report)
        }
    });
}

#[test]
fn the_recorded_facts_are_those_of_kubeadms_trees() {
    let trees = unpacked();
    for name in CONFIGURATIONS {
        let recorded = recorded(name);
        let again = describe(&trees.join(name), starts(&recorded));
        let found = differences(&recorded, &again);
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

#[test]
fn a_changed_tree_is_told_by_path_and_field() {
    let trees = unpacked();
    let tree = trees.join("default");
    fs::copy(
        tree.join("pki/etcd/peer.crt"),
        tree.join("pki/etcd/server.crt"),
    )
    .expect("copy");
    fs::remove_file(tree.join("pki/sa.pub")).expect("remove");
    set_mode(&tree.join("pki/ca.key"), 0o640);
    let admin = read(&tree.join("admin.conf"));
    write(
        &tree.join("admin.conf"),
        admin.replace("10.0.0.10:6443", "10.0.0.11:6443"),
    );
    let kubeadm = recorded("default");
    let found = differences(&kubeadm, &describe(&tree, starts(&kubeadm)));
    let fields: Vec<_> = found
        .keys()
        .map(|(path, field)| format!("{path} {field}"))
        .collect();
    // The key of the pair was left: the certificates of server and peer differ in nothing else.
    assert_eq!(
        fields,
        [
            "admin.conf clusters.kubernetes.server",
            "pki/ca.crt key_file.mode",
            "pki/ca.key mode",
            "pki/etcd/server.crt key_matches_cert",
            "pki/sa.pub format",
            "pki/sa.pub matches_private",
            "pki/sa.pub mode",
            "pki/sa.pub pem_labels",
            "pki/sa.pub public",
            "pki/sa.pub type",
        ]
    );
}

#[test]
fn an_entry_that_does_not_hold_everywhere_it_claims_is_reported() {
    let kubeadm = recorded("default");
    let entry =
        "in: *\npath: pki/ca.crt, pki/apiserver.crt\nfield: sans\nkubeadm: [1]\ncerts: [2]\n";
    let mut used = BTreeSet::new();
    let expected = expand(&parse(entry), "default", &kubeadm, &mut used);
    let mut found = expected.clone();
    let mut report = String::new();
    compare("default", &expected, &found, &mut report);
    assert_eq!(report, "");
    found.remove(&("pki/ca.crt".to_owned(), "sans".to_owned()));
    compare("default", &expected, &found, &mut report);
    assert!(
        report.contains("default: pki/ca.crt: sans: listed, and not there"),
        "{report}"
    );
    report.clear();
    found.insert(
        ("pki/ca.crt".to_owned(), "sans".to_owned()),
        ("[1]".to_owned(), "[3]".to_owned()),
    );
    compare("default", &expected, &found, &mut report);
    assert!(
        report.contains("[3]") && report.contains("not as listed"),
        "{report}"
    );
}

#[test]
fn kubeadms_trees_are_kept_byte_for_byte() {
    let trees = unpacked();
    for name in CONFIGURATIONS {
        let tree = trees.join(name);
        let config = configuration(name, &tree, trees.path());
        let before = snapshot(&tree);
        let command = certs(&[
            "all",
            "--config",
            text(&config),
            "--kubeconfig-dir",
            text(&tree),
        ]);
        let said = run(&mut at(NOON, "022", &command)).expect(0).stdout;
        assert!(!said.is_empty(), "{name}: what was kept is not told");
        same(&before, &tree);
    }
}

#[test]
fn a_kubeconfig_over_an_older_ca_starts_five_minutes_back_and_not_with_the_ca() {
    let trees = unpacked();
    let tree = trees.join("default");
    let config = configuration("default", &tree, trees.path());
    for file in ["admin.conf", "kubelet.conf"] {
        fs::remove_file(tree.join(file)).expect("remove a kubeconfig");
    }
    let start = NOON;
    let command = certs(&[
        "kubeconfig",
        "--config",
        text(&config),
        "--kubeconfig-dir",
        text(&tree),
    ]);
    run(&mut at(start, "022", &command)).expect(0);
    let facts = flatten(&describe(&tree, at_once(start)));
    for file in ["admin.conf", "kubelet.conf"] {
        let certificate = &facts[&format!("{file}#client-certificate-data")];
        let validity = &certificate["validity"];
        assert_eq!(
            validity["not_before_minus_start_seconds"], -300,
            "{file}: {validity}"
        );
        assert_eq!(validity["total_seconds"], 31_536_300, "{file}: {validity}");
    }
}

/// Who made a tree first.
#[derive(Debug)]
enum Maker {
    Certs,
    Kubeadm,
}

/// The facts of a tree with the second generation of its CAs, as if it were the first: without the number in
/// their names, and without the file that the controller manager signs with, a copy of ca.crt from then on.
fn as_if_first(facts: Value) -> Value {
    match facts {
        Value::String(text) => {
            let first = text.strip_suffix("-2").filter(|first| {
                let name = first.strip_prefix("CN=").unwrap_or(first);
                ["kubernetes", "etcd-ca", "front-proxy-ca"].contains(&name)
            });
            first.unwrap_or(&text).into()
        }
        Value::Object(map) => {
            let map = map.into_iter();
            map.map(|(key, value)| (key, as_if_first(value))).collect()
        }
        Value::Array(list) => {
            let list = list.into_iter();
            let list = list.filter(|item| item["path"] != "pki/ca-signing.crt");
            list.map(as_if_first).collect()
        }
        other => other,
    }
}

fn recorded(name: &str) -> Value {
    let json = read(&fixture(&format!("kubeadm/facts/{name}.json")));
    stable(serde_json::from_str(&json).expect("recorded facts are JSON"))
}

/// Without what differs from run to run, as `facts.py --stable` leaves it out.
fn stable(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(key, _)| key != "volatile" && key != "serial_bit_length")
            .map(|(key, value)| (key, stable(value)))
            .collect(),
        Value::Array(list) => list.into_iter().map(stable).collect(),
        other => other,
    }
}

/// Unix times at which the certs and the kubeconfig phases of kubeadm's started.
fn starts(recorded: &Value) -> (f64, f64) {
    let start = |index: usize| {
        recorded["commands"][index]["start_unix"]
            .as_f64()
            .expect("a start time")
    };
    (start(0), start(1))
}

/// One process makes the certificates and the kubeconfigs of ours.
fn at_once(start: i64) -> (f64, f64) {
    let start = i32::try_from(start).expect("a start before 2038");
    (start.into(), start.into())
}

/// The second in which a process started.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the fraction is what goes; seconds fit"
)]
fn whole(start: f64) -> i64 {
    start.floor() as i64
}

fn describe(tree: &Path, starts: (f64, f64)) -> Value {
    let mut command = Command::new(venv("python"));
    command
        .arg(fixture("kubeadm/facts.py"))
        .arg(tree)
        .arg("--stable")
        .arg(format!("--start-certs={}", starts.0))
        .arg(format!("--start-kubeconfig={}", starts.1));
    let said = run(&mut command).expect(0);
    serde_json::from_str(&said.stdout).expect("facts.py prints JSON")
}

/// The facts by path: a file's type and mode, and what its certificate, key or kubeconfig is.
fn flatten(facts: &Value) -> BTreeMap<String, serde_json::Map<String, Value>> {
    let mut paths: BTreeMap<String, serde_json::Map<String, Value>> = BTreeMap::new();
    for section in ["files", "certificates", "keys", "csrs", "kubeconfigs"] {
        for item in facts[section].as_array().expect("a section is a list") {
            let mut fields = item.as_object().expect("an item is an object").clone();
            let path = fields.remove("path").expect("an item has a path");
            let path = path.as_str().expect("a path is text").to_owned();
            let known = paths.entry(path.clone()).or_default();
            for (field, value) in fields {
                if let Some(other) = known.insert(field.clone(), value.clone()) {
                    assert_eq!(other, value, "{path}: {field} is told twice");
                }
            }
        }
    }
    paths
}

fn differences(kubeadm: &Value, ours: &Value) -> Differences {
    let (kubeadm, ours) = (flatten(kubeadm), flatten(ours));
    let nothing = serde_json::Map::new();
    let mut found = Differences::new();
    for path in kubeadm.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
        let theirs = kubeadm.get(path).unwrap_or(&nothing);
        let own = ours.get(path).unwrap_or(&nothing);
        for field in theirs.keys().chain(own.keys()).collect::<BTreeSet<_>>() {
            descend(path, field, theirs.get(field), own.get(field), &mut found);
        }
    }
    found
}

/// Goes down where both sides have objects, or lists of named objects; tells the rest as a whole.
fn descend(
    path: &str,
    field: &str,
    kubeadm: Option<&Value>,
    ours: Option<&Value>,
    found: &mut Differences,
) {
    if kubeadm == ours {
        return;
    }
    if let (Some(theirs), Some(own)) = (kubeadm.and_then(named), ours.and_then(named)) {
        for name in theirs.keys().chain(own.keys()).collect::<BTreeSet<_>>() {
            let below = format!("{field}.{name}");
            descend(
                path,
                &below,
                theirs.get(name).copied(),
                own.get(name).copied(),
                found,
            );
        }
        // The same members: their order differs.
        let order = |value: Option<&Value>| {
            let list = value.and_then(Value::as_array)?;
            list.iter()
                .map(|item| item["name"].as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
        };
        let (theirs, own) = (order(kubeadm), order(ours));
        // That of extensions has a field of its own, `extension_order`.
        if theirs != own && field != "extensions" {
            let key = (path.to_owned(), format!("{field} (order)"));
            found.insert(key, (format!("{theirs:?}"), format!("{own:?}")));
        }
        return;
    }
    let shown = |value: Option<&Value>| value.map_or(ABSENT.to_owned(), Value::to_string);
    found.insert(
        (path.to_owned(), field.to_owned()),
        (shown(kubeadm), shown(ours)),
    );
}

/// The members of an object, or of a list of objects with names of their own.
fn named(value: &Value) -> Option<BTreeMap<String, &Value>> {
    match value {
        Value::Object(map) => Some(
            map.iter()
                .map(|(name, value)| (name.clone(), value))
                .collect(),
        ),
        Value::Array(list) => {
            let members: BTreeMap<String, &Value> = list
                .iter()
                .map(|item| Some((item["name"].as_str()?.to_owned(), item)))
                .collect::<Option<_>>()?;
            (members.len() == list.len()).then_some(members)
        }
        _ => None,
    }
}

/// One entry of `differences.txt`.
struct Entry {
    line: usize,
    /// Configurations, or `*`, or `!` and those that are left out.
    configurations: String,
    paths: Vec<String>,
    field: String,
    kubeadm: String,
    ours: String,
}

impl Entry {
    fn is_for(&self, configuration: &str) -> bool {
        let (negated, names) = match self.configurations.strip_prefix('!') {
            Some(names) => (true, names),
            None => (false, self.configurations.as_str()),
        };
        let mut names = names.split(',').map(str::trim).inspect(|name| {
            assert!(
                *name == "*" || CONFIGURATIONS.contains(name),
                "differences.txt line {}: no configuration {name}",
                self.line
            );
        });
        names.any(|name| name == "*" || name == configuration) != negated
    }
}

fn parse(content: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
    for (index, line) in content.lines().chain([""]).enumerate() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        if let Some((key, value)) = line.split_once(": ") {
            let before = fields.insert(key, value.trim());
            assert!(
                before.is_none(),
                "differences.txt line {}: {key} again",
                index + 1
            );
            continue;
        }
        assert!(
            line.is_empty(),
            "differences.txt line {}: {line}",
            index + 1
        );
        if fields.is_empty() {
            continue;
        }
        let mut take = |key: &str| {
            let value = fields.remove(key);
            let value =
                value.unwrap_or_else(|| panic!("differences.txt before line {index}: no {key}"));
            value.to_owned()
        };
        entries.push(Entry {
            line: index,
            configurations: take("in"),
            paths: take("path")
                .split(',')
                .map(|path| path.trim().to_owned())
                .collect(),
            field: take("field"),
            kubeadm: take("kubeadm"),
            ours: take("certs"),
        });
        assert!(
            fields.is_empty(),
            "differences.txt before line {index}: {fields:?}"
        );
    }
    entries
}

/// The exact differences that the list claims of one configuration. An entry claims its difference
/// of each of its paths that kubeadm's tree has.
fn expand(
    entries: &[Entry],
    configuration: &str,
    kubeadm: &Value,
    used: &mut BTreeSet<(usize, String)>,
) -> Differences {
    let kubeadm = flatten(kubeadm);
    let mut expected = Differences::new();
    for (index, entry) in entries.iter().enumerate() {
        if !entry.is_for(configuration) {
            continue;
        }
        for path in entry
            .paths
            .iter()
            .filter(|path| kubeadm.contains_key(*path))
        {
            used.insert((index, path.clone()));
            let before = expected.insert(
                (path.clone(), entry.field.clone()),
                (entry.kubeadm.clone(), entry.ours.clone()),
            );
            assert!(
                before.is_none(),
                "differences.txt line {}: {configuration}: {path}: {} is listed twice",
                entry.line,
                entry.field
            );
        }
    }
    expected
}

fn compare(name: &str, expected: &Differences, found: &Differences, report: &mut String) {
    for ((path, field), (kubeadm, ours)) in found {
        let verdict = match expected.get(&(path.clone(), field.clone())) {
            Some(listed) if *listed == (kubeadm.clone(), ours.clone()) => continue,
            Some((kubeadm, ours)) => {
                format!("not as listed:\n    kubeadm: {kubeadm}\n    certs:   {ours}\n  found")
            }
            None => "not listed".to_owned(),
        };
        let _ = writeln!(
            report,
            "{name}: {path}: {field}: {verdict}:\n    kubeadm: {kubeadm}\n    certs:   {ours}"
        );
    }
    for (path, field) in expected.keys() {
        if !found.contains_key(&(path.clone(), field.clone())) {
            let _ = writeln!(report, "{name}: {path}: {field}: listed, and not there");
        }
    }
}
