//! Ways out that are commands: over the tree that has the finding each is taken, and then it is gone.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use certs::finding::Code;
use serde_json::Value;

use crate::common::base::{Base, over};
use crate::common::kubeadm::NOON;
use crate::common::{Finished, TempDir, at, certs, each, run, text};
use crate::fault::Fault;

/// What is told of a file, and the way out.
type Told = [String; 4];

fn told(place: &TempDir) -> Result<BTreeSet<Told>, String> {
    let finished = check(place);
    let report: Value =
        serde_json::from_str(&finished.stdout).map_err(|error| format!("{error}\n{finished}"))?;
    let findings = report["findings"].as_array().expect("findings");
    let word = |finding: &Value, field: &str| {
        let text_of = finding[field].as_str().unwrap_or_default();
        text_of.replace(text(place.path()), "")
    };
    let of = |finding: &Value| ["code", "file", "text", "wayOut"].map(|field| word(finding, field));
    Ok(findings.iter().map(of).collect())
}

/// Where something else is in the way too, which the command tells: the code of that.
const REFUSED: [(&str, Code); 7] = [
    ("another cluster's context has the user", Code::NamesTaken),
    (
        "sa.key and sa.pub are gone from a node that joined",
        Code::NotCopied,
    ),
    ("the CA has expired", Code::Expired),
    (
        "the CA has its node's name, and a leaf is to be issued",
        Code::SelfNamed,
    ),
    ("the CA lacks keyCertSign", Code::NotACa),
    (
        "the CA's key is encrypted, and a leaf is to be issued",
        Code::CaKeyLocked,
    ),
    ("the kubeconfig is all but too large", Code::TooLarge),
];

/// The first command of a way out. What has to go to another CA, or came from it, takes more than that.
fn command(way_out: &str) -> Option<&str> {
    let (_, rest) = way_out.split_once("'certs ")?;
    let (command, _) = rest.split_once('\'')?;
    (!command.starts_with("csr ") && command != "import").then_some(command)
}

fn cooked(base: Base, recipe: &str) -> TempDir {
    let place = base.copy();
    base.cook(recipe, place.path());
    place
}

fn check(place: &TempDir) -> Finished {
    let arguments = ["check", "--output", "json", "--kubelet-dir", "none"];
    run(&mut over(&arguments, place.path()))
}

/// The command over the tree, with the configuration where that is said.
fn take(way_out: &str, words: &str, place: &TempDir) -> Finished {
    let mut words: Vec<&str> = words.split(' ').collect();
    if words[0] == "renew" {
        words.extend(["--kubelet-dir", "none"]);
    }
    if ["configuration", "facts"]
        .iter()
        .any(|said| way_out.contains(said))
    {
        return run(&mut over(&words, place.path()));
    }
    let mut plain = certs(&words);
    plain.args(["--kubernetes-dir", text(&place.join("k"))]);
    run(&mut at(NOON, "022", plain.current_dir(place.path())))
}

fn holds(fault: &Fault) -> Result<(), String> {
    let place = cooked(fault.base, fault.recipe);
    let before = told(&place)?;
    let ways: BTreeSet<(String, String)> = before
        .iter()
        .filter_map(|told| Some((told[3].clone(), command(&told[3])?.to_owned())))
        .collect();
    let mut first = Some(place);
    for (way_out, words) in ways {
        let place = first
            .take()
            .unwrap_or_else(|| cooked(fault.base, fault.recipe));
        let of_way = told(&place)?.into_iter().filter(|told| told[3] == way_out);
        let of_way: Vec<Told> = of_way.collect();
        if of_way.is_empty() {
            return Err(format!("{way_out}: told once, and not again"));
        }
        let taken = take(&way_out, &words, &place);
        let after = told(&place)?;
        let left = of_way.iter().find(|told| after.contains(*told));
        let mut rows = REFUSED.iter().filter(|(name, _)| *name == fault.name);
        let ended = match (taken.status.code(), left) {
            (Some(0), None) => true,
            // What else is wrong is told, of a command that was done as of one that was refused.
            (Some(4), None) => rows.next().is_some(),
            (Some(4), Some(_)) => rows.any(|(_, code)| {
                let why = format!("\nwhy: {}: ", code.id());
                taken.stderr.contains(&why)
            }),
            _ => false,
        };
        if !ended {
            return Err(format!("{way_out}\nleft: {left:?}\n{taken}"));
        }
    }
    Ok(())
}

#[test]
fn each_command_that_a_check_offers_is_taken_and_mends_what_it_is_offered_for() {
    each(crate::faults(), |fault| {
        holds(fault).map_err(|error| format!("{}: {error}", fault.name))
    });
}

/// The keys of the CAs, which are taken to another machine.
const KEYS: [&str; 3] = [
    "k/pki/ca.key",
    "k/pki/etcd/ca.key",
    "k/pki/front-proxy-ca.key",
];

/// What is in the way at the CA, beside what is in the way of other commands.
const REFUSED_ELSEWHERE: [(&str, Code); 1] = [(
    "the CA's key is gone, and a leaf is to be issued",
    Code::ExternalCa,
)];

/// The fault in a tree whose CAs are elsewhere, in `ca`.
fn apart(fault: &Fault) -> TempDir {
    let place = cooked(fault.base, fault.recipe);
    fs::create_dir(place.join("ca")).expect("make a folder");
    let mut copy = Command::new("cp");
    copy.args(["-a", "k", "c.yaml", "ca"]);
    run(copy.current_dir(place.path())).expect(0);
    for key in KEYS {
        let _ = fs::remove_file(place.join(key));
    }
    place
}

/// The name that a way out has the CA's owner asked for.
fn asked(way_out: &str) -> Option<&str> {
    let (_, rest) = way_out.split_once("'certs csr ")?;
    rest.split_once('\'').map(|(name, _)| name)
}

/// What is told to be moved goes, as it is called there.
fn move_away(place: &TempDir, [_, file, _, way_out]: &Told) {
    let Some((files, _)) = way_out.split_once(" away, and then") else {
        return;
    };
    for name in files.trim_start_matches("move ").split(" and ") {
        let path = match name {
            "it" => place.join(file.trim_start_matches('/')),
            _ => place.join("k/pki").join(name),
        };
        let aside = place.join("aside").join(path.file_name().expect("a name"));
        if path.exists() {
            fs::rename(&path, aside).expect("move a file");
        }
    }
}

/// Asks, signs and imports, as the way out says, and what was told is gone.
fn comes_back(fault: &Fault, way_out: &str, name: &str) -> Result<(), String> {
    let place = apart(fault);
    let of_way = told(&place)?.into_iter().filter(|told| told[3] == way_out);
    let of_way: Vec<Told> = of_way.collect();
    for told in &of_way {
        move_away(&place, told);
    }
    let here = |verb: &[&str]| {
        if way_out.contains("configuration") {
            return run(&mut over(verb, place.path()));
        }
        let mut plain = certs(verb);
        plain.args(["--kubernetes-dir", text(&place.join("k"))]);
        run(&mut at(NOON, "022", plain.current_dir(place.path())))
    };
    let out = place.join("req");
    let kubelet = ["--kubelet-dir", "none"];
    let runs: [&dyn Fn() -> Finished; 3] = [
        &|| here(&[&["csr", name, "--csr-dir", text(&out)], &kubelet[..]].concat()),
        &|| {
            run(&mut over(
                &["sign", text(&out), "--accept-sans"],
                &place.join("ca"),
            ))
        },
        &|| here(&[&["import", text(&out)], &kubelet[..]].concat()),
    ];
    for taken in runs {
        let taken = taken();
        let mut rows = REFUSED.iter().chain(&REFUSED_ELSEWHERE);
        let why = |code: &Code| format!("\nwhy: {}: ", code.id());
        match taken.status.code() {
            Some(0 | 3) => {}
            Some(4)
                if rows
                    .any(|(of, code)| *of == fault.name && taken.stderr.contains(&why(code))) =>
            {
                return Ok(());
            }
            _ => return Err(format!("{way_out}\n{taken}")),
        }
    }
    let after = told(&place)?;
    match of_way.iter().find(|told| after.contains(*told)) {
        Some(left) => Err(format!("{way_out}\nleft: {left:?}")),
        None => Ok(()),
    }
}

#[test]
fn each_request_that_a_check_offers_where_the_ca_is_elsewhere_is_taken_and_mends_what_it_is_offered_for()
 {
    each(crate::faults(), |fault| {
        let ways: BTreeSet<String> = told(&apart(fault))?
            .into_iter()
            .map(|told| told[3].clone())
            .collect();
        for way_out in &ways {
            if let Some(name) = asked(way_out) {
                comes_back(fault, way_out, name)
                    .map_err(|error| format!("{}: {error}", fault.name))?;
            }
        }
        Ok(())
    });
}
