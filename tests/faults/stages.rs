//! Every stage of every rotation, over one tree and over those of many nodes: killed, and the same command again.
//! What comes of that is what comes of a run that nothing befell, but for what is random.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64ct::{Base64, Encoding};
use serde_json::Value;

use crate::common::Finished;
use crate::ground::{Ground, Layout, Tree};
use crate::kills::two_file_systems;
use crate::mounts::apart;
use crate::point::{Fault, Point, points, strike};
use crate::sweep::{every, none_wrong, on_two, say};
use crate::undo;

/// What is replaced, and where its key is.
const ROWS: [(&str, &str); 4] = [
    ("ca", "ca.key"),
    ("etcd-ca", "etcd/ca.key"),
    ("front-proxy-ca", "front-proxy-ca.key"),
    ("sa", "sa.key"),
];

/// A stage, and what is done before it.
struct Step {
    done: &'static [&'static str],
    stage: &'static str,
}

const STEPS: [Step; 5] = [
    Step {
        done: &[],
        stage: "trust",
    },
    Step {
        done: &["trust"],
        stage: "issue",
    },
    Step {
        done: &["trust", "issue"],
        stage: "drop",
    },
    Step {
        done: &["trust"],
        stage: "back",
    },
    Step {
        done: &["trust", "issue"],
        stage: "back",
    },
];

/// Nothing but the name of a row and of a stage, and what the program is told where somebody has to have restarted.
fn arguments<'a>(what: &'a str, stage: &'a str) -> Vec<&'a str> {
    let told = ["issue", "drop"].contains(&stage);
    let restarted = told.then_some("--restarted");
    ["rotate", what, stage]
        .into_iter()
        .chain(restarted)
        .collect()
}

/// A tree before a step, and what that makes of it where nothing befalls it.
struct Stood<'a> {
    ground: Ground,
    arguments: Vec<&'a str>,
    before: Tree,
    numbers: Numbers,
    /// As it was before what a step back takes back.
    earlier: Option<Tree>,
    /// What nobody has any more after the last stage.
    ended: Option<String>,
    settled: Shape,
    checked: Value,
    backups: usize,
}

impl<'a> Stood<'a> {
    fn new(ground: Ground, (what, key): (&'a str, &str), step: &Step) -> Self {
        ground.run(&["all", "--quiet"]).expect(0);
        let start = ground.tree();
        let mut earlier = start.clone();
        for stage in step.done {
            earlier = ground.tree();
            ground.run(&arguments(what, stage)).expect(0);
        }
        ground.save("before");
        let before = ground.tree();
        let arguments = arguments(what, step.stage);
        ground.run(&arguments).expect(0);
        let after = ground.tree();
        let key = &start.0[&format!("{}/{key}", ground.kept())].bytes;
        let key = String::from_utf8_lossy(key).into_owned();
        let stood = Self {
            settled: shape(&before, numbers(&before), &after),
            numbers: numbers(&before),
            checked: checked(&ground),
            backups: backups(&ground).expect("whole backups"),
            earlier: (step.stage == "back").then_some(earlier),
            ended: (step.stage == "drop").then_some(key),
            before,
            arguments,
            ground,
        };
        stood.judge().expect("what nothing befell");
        stood.ground.restore("before");
        stood
    }

    fn kill(&self, point: &Point) -> Result<(), String> {
        self.ground.restore("before");
        let struck = strike(&self.ground, &self.arguments, point, Fault::Kill)
            .ok_or_else(|| format!("{point}: no such call in the run"))?;
        let told = |why: String| format!("{:?} killed at {point}: {why}\n{struck}", self.arguments);
        if struck.finished.status.code().is_some() {
            return Err(told("the run was not killed".to_owned()));
        }
        self.again().map_err(told)
    }

    fn again(&self) -> Result<(), String> {
        self.ground.keys_are_private()?;
        let left = self.ground.tree();
        let again = self.ground.run(&self.arguments);
        let told = |why: String| format!("{why}\nthe run after it: {again}");
        match again.status.code() {
            Some(0) => {}
            // All was done but to say so; and the stage before that is no further to be gone back to, or not yet.
            Some(2 | 4) if self.earlier.as_ref() == Some(&left) => {}
            _ => return Err(told("not ended".to_owned())),
        }
        self.judge().map_err(told)
    }

    /// What is wrong with a tree that the step was done over.
    fn judge(&self) -> Result<(), String> {
        let ground = &self.ground;
        let tree = ground.tree();
        if let Some(earlier) = &self.earlier {
            tree.same(earlier, "not the stage before")?;
        }
        let found = shape(&self.before, self.numbers.clone(), &tree);
        let names = found.keys().chain(self.settled.keys());
        for name in names {
            let [found, settled] = [&found, &self.settled].map(|shape| shape.get(name));
            if found != settled {
                return Err(format!("{name}: {found:?}\nand not {settled:?}"));
            }
        }
        undo::nothing_left(ground)?;
        if let Some(key) = &self.ended {
            let everything = ground.everything();
            let holds = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(key.trim());
            let mut files = everything.0.iter();
            if let Some((name, _)) = files.find(|(_, file)| holds(&file.bytes)) {
                return Err(format!("{name} holds the key that was to go"));
            }
        }
        let backups = backups(ground)?;
        if backups != self.backups {
            return Err(format!("{backups} backups, and {} are right", self.backups));
        }
        let checked = checked(ground);
        if checked != self.checked {
            return Err(format!("checked: {checked}\nand not {}", self.checked));
        }
        match ground.inventory {
            Some(_) => nodes_follow(ground, &tree),
            None => Ok(()),
        }
    }
}

/// No node is behind, and what each has of CAs is what is kept for all.
fn nodes_follow(ground: &Ground, tree: &Tree) -> Result<(), String> {
    let status = json(
        &ground
            .run(&["rotate", "status", "--output", "json"])
            .expect(0),
    );
    let rows = status["rotations"].as_array().ok_or("no status")?;
    if rows.len() != ROWS.len() || rows.iter().any(|row| !row["behind"].is_null()) {
        return Err(format!("told to be behind: {status}"));
    }
    let mut copies = 0;
    for (name, file) in &tree.0 {
        let Some((node, kept)) = name.split_once("/etc/kubernetes/pki/") else {
            continue;
        };
        if let Some(kept) = tree.0.get(&format!("ca/{kept}")) {
            copies += 1;
            if kept.bytes != file.bytes {
                return Err(format!("{node} has another {name} than is kept for all"));
            }
        }
    }
    if copies < 12 {
        return Err(format!("{copies} copies of what is kept for all"));
    }
    Ok(())
}

/// How many there are, each with its list; of one that was taken away the empty folder may stay.
fn backups(ground: &Ground) -> Result<usize, String> {
    let mut found: BTreeMap<String, bool> = BTreeMap::new();
    for name in ground.everything().0.keys() {
        let Some((root, copy)) = name.split_once(".certs-backup/") else {
            continue;
        };
        let (run, file) = copy.split_once('/').expect("a folder for each run");
        *found.entry(format!("{root}{run}")).or_default() |= file == "journal";
    }
    match found.iter().find(|(_, listed)| !**listed) {
        Some((backup, _)) => Err(format!("{backup} has no list")),
        None => Ok(found.len()),
    }
}

/// What a check tells, by its code and where.
fn checked(ground: &Ground) -> Value {
    let said = ground.run(&["check", "--output", "json"]);
    let told = json(&said);
    let findings = told["findings"].as_array().into_iter().flatten();
    let fields = |finding: &Value| ["code", "severity", "file"].map(|field| finding[field].clone());
    findings
        .map(|finding| Value::from(fields(finding).to_vec()))
        .collect()
}

fn json(said: &Finished) -> Value {
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// Files by their names, and in each key or certificate a number in place of its octets: the same for the same.
type Shape = BTreeMap<String, String>;

/// Blocks of PEM, and the number of each.
type Numbers = BTreeMap<String, usize>;

/// All that a tree holds.
fn numbers(tree: &Tree) -> Numbers {
    let mut numbers = Numbers::new();
    for file in tree.0.values() {
        numbered(&String::from_utf8_lossy(&file.bytes), &mut numbers);
    }
    numbers
}

/// A tree by the one that it was made of: what is there is told apart by what was, and by what is new.
fn shape(before: &Tree, mut numbers: Numbers, after: &Tree) -> Shape {
    let timed = "kubelet-client-2";
    let mut shape = Shape::new();
    for (name, file) in &after.0 {
        // A kubelet calls its certificates by the time, and what counts is where the link leads.
        if name.contains(timed) {
            continue;
        }
        let content = if before.0.get(name) == Some(file) {
            "as it was".to_owned()
        } else {
            let text = String::from_utf8_lossy(&file.bytes);
            let led = name.rsplit_once('/').filter(|_| text.starts_with(timed));
            let led = led.map(|(folder, _)| &after.0[&format!("{folder}/{text}")]);
            let bytes = &led.unwrap_or(file).bytes;
            numbered(&String::from_utf8_lossy(bytes), &mut numbers)
        };
        let whose = format!(
            "{:o} {:o} {}:{}\n",
            file.kind, file.mode, file.user, file.group
        );
        shape.insert(name.clone(), whose + &content);
    }
    shape
}

/// The text with the number of each block of PEM, also in the fields of a kubeconfig.
fn numbered(text: &str, numbers: &mut Numbers) -> String {
    let mut shown = String::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        if let Some(body) = &mut block {
            if line.starts_with("-----END ") {
                let next = numbers.len();
                let number = *numbers.entry(body.clone()).or_insert(next);
                let _ = writeln!(shown, "{number}\n{line}");
                block = None;
            } else {
                *body += line;
            }
            continue;
        }
        if line.starts_with("-----BEGIN ") {
            block = Some(String::new());
        }
        match line.split_once("-data: ") {
            Some((field, data)) => {
                let data = Base64::decode_vec(data).expect("base64");
                let data = numbered(&String::from_utf8_lossy(&data), numbers);
                let _ = write!(shown, "{field}: {data}");
            }
            None => {
                let _ = writeln!(shown, "{line}");
            }
        }
    }
    shown
}

/// Kills at what changes something: at every operation, or at the last and at every `stride`-th, counted from another
/// one in each step. With `FAULTS=all` at every one.
fn sweep(ground: impl Fn(usize) -> Ground + Sync, row: (&str, &str), number: usize, stride: usize) {
    let step = &STEPS[number];
    let stood = Stood::new(ground(0), row, step);
    let mut all = points(&stood.ground, &stood.arguments);
    all.retain(|point| point.changes);
    let operations = all.len();
    assert!(operations > 20, "the step did little: {operations}");
    let stride = if every() { 1 } else { stride };
    // Its backup tells of it already, and it is not decided.
    let undecided = all.iter().rposition(|point| point.class == "fsync backup");
    let ends = [Some(operations - 1), undecided];
    let sampled = |nth: usize| nth % stride == number % stride || ends.contains(&Some(nth));
    let all = all.into_iter().enumerate();
    let chosen: Vec<Point> = all
        .filter(|(nth, _)| sampled(*nth))
        .map(|(_, point)| point)
        .collect();
    let stood_over_nodes = stood.ground.kept() == "ca";
    let second = || Stood::new(ground(1), row, step);
    let wrong = on_two(&chosen, stood, second, Stood::kill);
    say(&format!(
        "{} of {} {}after {:?}: {} kills; the run changes something {operations} times",
        step.stage,
        row.0,
        if stood_over_nodes { "over nodes " } else { "" },
        step.done,
        chosen.len(),
    ));
    none_wrong(&wrong, chosen.len());
}

fn stage(number: usize, name: &str) {
    apart(&format!("stages::{name}"), |folder| {
        let (first, second) = two_file_systems(folder);
        let ground = |worker| Ground::new(Layout::Two, &first, &second, worker);
        for row in ROWS {
            sweep(ground, row, number, 1);
        }
    });
}

#[test]
fn a_kill_at_any_operation_of_trust_is_made_good_by_the_same_command() {
    stage(
        0,
        "a_kill_at_any_operation_of_trust_is_made_good_by_the_same_command",
    );
}

#[test]
fn a_kill_at_any_operation_of_issue_is_made_good_by_the_same_command() {
    stage(
        1,
        "a_kill_at_any_operation_of_issue_is_made_good_by_the_same_command",
    );
}

#[test]
fn a_kill_at_any_operation_of_drop_is_made_good_by_the_same_command() {
    stage(
        2,
        "a_kill_at_any_operation_of_drop_is_made_good_by_the_same_command",
    );
}

#[test]
fn a_kill_at_any_operation_of_back_from_trust_leads_no_further_back_than_the_start() {
    stage(
        3,
        "a_kill_at_any_operation_of_back_from_trust_leads_no_further_back_than_the_start",
    );
}

#[test]
fn a_kill_at_any_operation_of_back_from_issue_leads_no_further_back_than_trust() {
    stage(
        4,
        "a_kill_at_any_operation_of_back_from_issue_leads_no_further_back_than_trust",
    );
}

#[test]
fn a_kill_at_any_operation_over_nodes_is_made_good_by_the_same_command() {
    apart(
        "stages::a_kill_at_any_operation_over_nodes_is_made_good_by_the_same_command",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let ground = |worker| Ground::new(Layout::Nodes, &first, &second, worker);
            for number in 0..STEPS.len() {
                sweep(ground, ROWS[0], number, 100);
            }
            for (row, number) in [(ROWS[1], 1), (ROWS[3], 2), (ROWS[2], 4)] {
                sweep(ground, row, number, 80);
            }
        },
    );
}
