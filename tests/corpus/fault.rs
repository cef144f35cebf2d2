//! One fault: what it is, what is told of it, what mends it, and whether that holds.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use certs::profile;

use crate::common::base::{ALL, Base, over};
use crate::common::snapshot::{Snapshot, snapshot};
use crate::common::{Finished, run};

/// One fault in one good tree.
pub struct Fault {
    /// What is wrong, as a sentence.
    pub name: &'static str,
    /// The tree.
    pub base: Base,
    /// The profile whose files it is in.
    pub of: &'static str,
    /// How it comes about: bash, with the functions of `recipes.sh`.
    pub recipe: &'static str,
    /// Severity, code, file and text of all that is told beyond the good tree's notes.
    pub told: &'static [&'static str],
    /// What mends it.
    pub mended: Mended,
}

/// What mends a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mended {
    /// `all --force`.
    Force,
    /// The verb and name of its profile with `--force`: what is no error stays otherwise.
    Named,
    /// Nothing of a generating verb's: it answers the same with `--force`.
    Never,
}

/// The code of a line of [`Fault::told`].
pub fn code(line: &str) -> &str {
    line.split(' ').nth(1).expect("severity and code")
}

/// What a run said, as lines of [`Fault::told`], each with its profile.
fn told(finished: &Finished, place: &Path) -> Result<Vec<(String, String)>, String> {
    let report: serde_json::Value =
        serde_json::from_str(&finished.stdout).map_err(|error| format!("{error}\n{finished}"))?;
    let tree = format!("{}/", place.join("k").display());
    let findings = report["findings"].as_array().expect("findings");
    Ok(findings
        .iter()
        .map(|finding| {
            let word = |field: &str| finding[field].as_str().expect("a text");
            let file = word("file").replace(&tree, "");
            let text = word("text").replace(&tree, "");
            let line = format!("{} {} {file} {text}", word("severity"), word("code"));
            (word("name").to_owned(), line)
        })
        .collect())
}

/// What is told of a good tree.
fn notes(base: Base) -> Vec<(String, String)> {
    static NOTES: [OnceLock<Vec<(String, String)>>; ALL.len()] =
        [const { OnceLock::new() }; ALL.len()];
    static ONE: Mutex<()> = Mutex::new(());
    let index = ALL.iter().position(|other| *other == base).expect("all");
    let _one = ONE.lock();
    NOTES[index]
        .get_or_init(|| {
            let place = base.copy();
            let finished = run(&mut over(&["all", "--output", "json"], place.path()));
            told(&finished.expect(0), place.path()).expect("a report")
        })
        .clone()
}

/// The paths whose entry differs, folders and backups apart.
fn changed(before: &Snapshot, after: &Snapshot) -> BTreeSet<String> {
    before
        .keys()
        .chain(after.keys())
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| path.display().to_string())
        .filter(|path| {
            !path.contains(".certs-backup") && !["", "pki", "pki/etcd"].contains(&&**path)
        })
        .collect()
}

fn ensure(holds: bool, text: impl Fn() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}

impl Fault {
    /// Whether all that the row says is the case.
    pub fn holds(&self) -> Result<(), String> {
        let place = self.base.copy();
        let (tree, base) = (place.join("k"), self.base);
        base.cook(self.recipe, place.path());
        let before = snapshot(&tree);
        let say = |verb: &[&str]| run(&mut over(verb, place.path()));

        let finished = say(&["all", "--output", "json"]);
        self.expects(&finished, place.path())?;
        let after = snapshot(&tree);
        ensure(after == before, || {
            format!("it changed {:?}", changed(&before, &after))
        })?;

        let code = finished.status.code();
        let row = profile::by_name(self.of).expect("a profile");
        let mend: &[&str] = match self.mended {
            Mended::Force => &["all", "--force", "--output", "json"],
            Mended::Named => &[row.phase.name(), self.of, "--force", "--output", "json"],
            Mended::Never => {
                let finished = say(&["all", "--force"]);
                ensure(finished.status.code() == code, || {
                    format!("--force answers otherwise: {finished}")
                })?;
                let after = snapshot(&tree);
                return ensure(after == before, || {
                    format!("--force changed {:?}", changed(&before, &after))
                });
            }
        };
        let finished = say(mend);
        ensure(finished.status.code() == Some(0), || {
            format!("{mend:?}: {finished}")
        })?;
        let after = snapshot(&tree);
        let report: serde_json::Value =
            serde_json::from_str(&finished.stdout).expect("a report is JSON");
        let files: BTreeSet<String> = report["items"]
            .as_array()
            .expect("items")
            .iter()
            .filter(|item| item["step"] != "keep")
            .inspect(|item| assert_eq!(item["name"], self.of, "{}: {finished}", self.name))
            .flat_map(|item| item["files"].as_array().expect("files"))
            .map(|file| {
                let file = Path::new(file.as_str().expect("a path"));
                let inside = file.strip_prefix(&tree).expect("in the tree");
                inside.display().to_string()
            })
            .collect();
        let touched = changed(&before, &after);
        ensure(!files.is_empty() && touched == files, || {
            format!("{mend:?} replaced {files:?} and changed {touched:?}")
        })?;

        let finished = say(&["all", "--output", "json"]);
        let findings = told(&finished, place.path())?;
        let quiet = findings.iter().all(|(_, line)| line.starts_with("note "));
        ensure(quiet && finished.status.code() == Some(0), || {
            format!("not mended: {finished}")
        })?;
        let last = snapshot(&tree);
        ensure(last == after, || {
            format!("it changed {:?} again", changed(&after, &last))
        })
    }

    /// The findings and the exit code are those of the row.
    fn expects(&self, finished: &Finished, place: &Path) -> Result<(), String> {
        let mut notes = notes(self.base);
        let mut found = Vec::new();
        for finding in told(finished, place)? {
            match notes.iter().position(|note| *note == finding) {
                Some(index) => {
                    notes.remove(index);
                }
                None => found.push(finding.1),
            }
        }
        // What is another now has other notes; all others keep theirs.
        let lost = notes.iter().find(|(name, _)| *name != self.of);
        ensure(lost.is_none(), || format!("{lost:?} is no longer told"))?;
        let as_row = found.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "            {line:?},");
            text
        });
        ensure(found == self.told, || {
            format!("found is\n        told: &[\n{as_row}        ],")
        })?;
        let has = |severity: &str| self.told.iter().any(|line| line.starts_with(severity));
        let code = match (has("error "), has("warning ")) {
            (true, _) => 4,
            (false, true) => 3,
            (false, false) => 0,
        };
        ensure(finished.status.code() == Some(code), || {
            format!("expected exit code {code}: {finished}")
        })
    }
}
