//! One fault after the other, at each file operation of a run, on two workers.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::common::Finished;
use crate::ground::{DRIFTED, Ground, Layout, Tree};
use crate::point::{Fault, Point, Struck, changes, points, strike, strike_threads};

/// What is there, what is run over it, and what must come of it.
pub struct Scenario {
    pub name: &'static str,
    pub prepare: fn(&Ground),
    /// The run that the fault befalls.
    pub arguments: &'static [&'static str],
    pub end: End,
}

/// What one more run, of plain `all`, must leave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// A whole tree; there was none.
    Fresh,
    /// The drifted tree as it was, or its repair.
    Repaired,
    /// The tree as it was, or all of these files renewed and no other.
    Renewed(&'static [&'static str]),
    /// The repaired tree as it was, or the drifted one again, as an undisturbed run leaves it.
    RolledBack,
    /// What an undisturbed run leaves, to the octet, and its exit code.
    Settled(i32),
    /// The tree as it was, or all of these files changed, made or gone and no other, with so many backups.
    Turned(&'static [&'static str], usize),
}

/// Which faults, at which points.
#[derive(Clone, Copy)]
pub enum Sort {
    /// Kills at what changes something or makes it last, for at any other operation a kill leaves
    /// what it leaves at the next of these: at the first and the last of each class and at every
    /// `stride`-th between them. With `FAULTS=all` at each operation.
    Kills { stride: usize },
    /// One error in turn at the first and the last of each class and at every `stride`-th between
    /// them; if `each`, each error at the first. With `FAULTS=all` each error at each operation.
    Errors { each: bool, stride: usize },
}

/// The errors that are tried.
pub const ERRORS: [&str; 4] = ["EIO", "ENOSPC", "EACCES", "EBUSY"];

/// A scenario on a ground, saved.
struct Stage<'a> {
    ground: Ground,
    scenario: &'a Scenario,
    old: Tree,
    /// What an undisturbed run leaves.
    settled: Option<Tree>,
    /// How many backups that keeps.
    backups: usize,
    /// How much an earlier run left.
    left: usize,
}

/// Tries the scenario, and prints how many points it tried; panics with all that went wrong.
pub fn sweep(layout: Layout, scenario: &Scenario, sort: Sort, first: &Path, second: &Path) {
    let name = format!("{} ({layout:?})", scenario.name);
    let stage = Stage::new(Ground::new(layout, first, second, 0), scenario);
    let all = points(&stage.ground, scenario.arguments);
    let strikes = choose(&all, sort);
    let kind = match sort {
        Sort::Kills { .. } => "kills",
        Sort::Errors { .. } => "errors",
    };
    let second = || Stage::new(Ground::new(layout, first, second, 1), scenario);
    let wrong = on_two(&strikes, stage, second, |stage, (point, fault)| {
        stage.ground.restore("before");
        let struck = strike(&stage.ground, scenario.arguments, point, *fault)
            .ok_or_else(|| format!("{name}: {point}: no such call in the run"))?;
        let told = |why: String| format!("{name}: {fault:?} at {point}: {why}\n{struck}");
        stage.judge(&struck, *fault).map_err(told)
    });
    say(&format!(
        "{name}: {} {kind} at {} points; the run has {} file operations",
        strikes.len(),
        distinct(&strikes),
        all.len(),
    ));
    none_wrong(&wrong, strikes.len());
}

/// Does each piece of work with one of two workers, of which the second is made beside the first: what went wrong.
pub fn on_two<W, T: Sync>(
    pieces: &[T],
    first: W,
    second: impl FnOnce() -> W + Send,
    work: impl Fn(&W, &T) -> Result<(), String> + Sync,
) -> Vec<String> {
    let wrong = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    let all = |worker: W| {
        while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(why) = work(&worker, piece) {
                wrong.lock().expect("no panic").push(why);
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| all(second()));
        all(first);
    });
    wrong.into_inner().expect("no panic")
}

/// Panics with all that went wrong.
pub fn none_wrong(wrong: &[String], of: usize) {
    assert!(
        wrong.is_empty(),
        "{} of {of} faults:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(12)].join("\n\n")
    );
}

/// Whether every fault is tried, where otherwise equivalent ones are sampled.
pub fn every() -> bool {
    std::env::var_os("FAULTS").is_some_and(|value| value == "all")
}

/// The same with all threads of the program: which file a call is about is chance then, and what
/// must come of it is the same.
pub fn sweep_threads(scenario: &Scenario, sort: Sort, first: &Path, second: &Path) {
    let stage = Stage::new(Ground::new(Layout::Two, first, second, 0), scenario);
    // Each thread has its n-th write; an error there would hit that of the message as well.
    let (faults, calls) = match sort {
        Sort::Kills { .. } => (vec![Fault::Kill], &["fchmod", "fsync", "write"][..]),
        Sort::Errors { .. } => (ERRORS.map(Fault::Error).to_vec(), &["fchmod", "fsync"][..]),
    };
    let mut tried = 0;
    for call in calls {
        for nth in 1..=4 {
            for fault in &faults {
                stage.ground.restore("before");
                let arguments = scenario.arguments;
                let Some(struck) = strike_threads(&stage.ground, arguments, call, nth, *fault)
                else {
                    continue;
                };
                tried += 1;
                stage
                    .judge(&struck, *fault)
                    .unwrap_or_else(|why| panic!("{fault:?} at {call} {nth}: {why}\n{struck}"));
            }
        }
    }
    assert!(tried >= 10, "{tried} faults were tried");
    say(&format!("{}, all threads: {tried} faults", scenario.name));
}

fn distinct(strikes: &[(Point, Fault)]) -> usize {
    let mut points: Vec<_> = strikes
        .iter()
        .map(|(point, _)| (point.call.as_str(), point.nth))
        .collect();
    points.sort_unstable();
    points.dedup();
    points.len()
}

fn choose(points: &[Point], sort: Sort) -> Vec<(Point, Fault)> {
    let every = every();
    let mut classes: BTreeMap<&str, Vec<&Point>> = BTreeMap::new();
    for point in points {
        classes.entry(&point.class).or_default().push(point);
    }
    let mut chosen = Vec::new();
    let mut turn = 0;
    for members in classes.values() {
        for (number, &point) in members.iter().enumerate() {
            let sampled = |stride| number % stride == 0 || number + 1 == members.len();
            match sort {
                Sort::Kills { stride } if every || point.changes && sampled(stride) => {
                    chosen.push((point.clone(), Fault::Kill));
                }
                Sort::Errors { each, .. } if every || each && number == 0 => {
                    chosen.extend(ERRORS.map(|errno| (point.clone(), Fault::Error(errno))));
                }
                Sort::Errors { stride, .. } if sampled(stride) => {
                    turn += 1;
                    let fault = Fault::Error(ERRORS[turn % ERRORS.len()]);
                    chosen.push((point.clone(), fault));
                }
                _ => {}
            }
        }
    }
    chosen
}

impl<'a> Stage<'a> {
    fn new(ground: Ground, scenario: &'a Scenario) -> Self {
        (scenario.prepare)(&ground);
        ground.save("before");
        let old = ground.tree();
        let settled = match scenario.end {
            End::Settled(code) => {
                ground.run(&["all", "--quiet"]).expect(code);
                Some(ground.tree())
            }
            End::RolledBack => {
                ground.run(scenario.arguments).expect(0);
                Some(ground.tree())
            }
            End::Fresh | End::Renewed(_) | End::Repaired | End::Turned(..) => None,
        };
        let backups = ground.backups().expect("whole backups");
        ground.restore("before");
        let left = ground.left().len();
        Self {
            ground,
            scenario,
            old,
            settled,
            backups,
            left,
        }
    }

    fn judge(&self, struck: &Struck, fault: Fault) -> Result<(), String> {
        let ground = &self.ground;
        ground.keys_are_private()?;
        let must_be_new = ground.decided();
        if fault == Fault::Kill {
            if struck.finished.status.code().is_some() {
                return Err("the run was not killed".to_owned());
            }
        } else {
            self.judge_error(struck)?;
        }
        self.reader()?;
        let again = ground.run(&["all", "--quiet"]);
        let code = again.status.code();
        let told = |why: String| format!("{why}\nthe run after it: {code:?} {}", again.stderr);
        let partly = matches!(struck.finished.status.code(), Some(3 | 4));
        self.judge_end(code, must_be_new, partly).map_err(told)
    }

    /// A failed run has one clear error, and has changed nothing or says what stays.
    fn judge_error(&self, struck: &Struck) -> Result<(), String> {
        let Finished { status, stderr, .. } = &struck.finished;
        if stderr.contains("panicked") || stderr.contains("stack backtrace") {
            return Err("a panic".to_owned());
        }
        let code = status.code().ok_or("ended by a signal")?;
        let errors = stderr
            .lines()
            .filter(|line| line.starts_with("error: "))
            .count();
        let ground = &self.ground;
        match code {
            0 => return self.judge_harmless(struck),
            3 | 4 if self.renews() && !changes_by(&struck.line) => {
                return self.judge_partly(stderr);
            }
            1 if errors == 1 && stderr.trim_end().lines().count() <= 2 => {}
            // What cannot be read is a finding, and the run is refused.
            1 | 4
                if errors >= 1
                    && stderr.contains("nothing was written")
                    && !struck.line.contains("O_CREAT") => {}
            _ => return Err(format!("exit code {code}, {errors} errors")),
        }
        let told = ["stays", "tidying up failed", "still not finished"]
            .iter()
            .any(|words| stderr.contains(words));
        if !told && self.left == 0 {
            ground
                .tree()
                .same(&self.old, "changed by a run that failed")?;
            let left = ground.left();
            if !left.is_empty() {
                return Err(format!("left, and not told of: {left:?}"));
            }
        }
        Ok(())
    }

    fn renews(&self) -> bool {
        self.scenario.arguments.first() == Some(&"renew")
    }

    /// One that cannot be read hides no other: it is told, and the others are renewed.
    fn judge_partly(&self, stderr: &str) -> Result<(), String> {
        let ground = &self.ground;
        let tree = ground.tree();
        tree.whole()?;
        if !stderr.contains("error: ") && !stderr.contains("warning: ") {
            return Err("nothing is told".to_owned());
        }
        let left = ground.left();
        if !left.is_empty() {
            return Err(format!("left: {left:?}"));
        }
        self.renewed(&tree, false)
    }

    /// What differs is what is renewed: all of that, or with an error a part.
    fn renewed(&self, tree: &Tree, all: bool) -> Result<(), String> {
        let wanted = match (self.scenario.end, &self.settled) {
            (End::Renewed(wanted) | End::Turned(wanted, _), _) => wanted,
            (_, Some(settled)) => return tree.same(settled, "not completed"),
            _ => return Ok(()),
        };
        let changed = tree.differences(&self.old);
        let others = changed.iter().any(|name| !wanted.contains(&name.as_str()));
        if others || all && changed.len() != wanted.len() {
            return Err(format!("neither old nor new: {changed:?}"));
        }
        Ok(())
    }

    /// Where an error may pass: all is done that was asked for, whatever that call says.
    fn judge_harmless(&self, struck: &Struck) -> Result<(), String> {
        let call = |name: &str| struck.line.contains(&format!(" {name}("));
        // Former backups are looked through after the commit; what hinders that is a note.
        let tidying = struck.line.contains(".certs-backup");
        // Where they may not be looked at, there are none for this user; and a copy that may not be
        // looked at is taken for there, so that whoever needs it opens it, and is told.
        let copy = struck.line.contains(".certs-backup/");
        let closed = call("statx") && (copy || struck.line.contains("EACCES"));
        if tidying && !closed && !struck.finished.stdout.contains(".certs-backup") {
            return Err("the note on the backups lacks".to_owned());
        }
        // Whoever then needs the folder asks again, and is told.
        let held = struck.line.contains("O_PATH") || struck.line.contains("AT_EMPTY_PATH");
        // A folder that may not be opened is no root of another run, and needs no lock.
        let barred = struck.line.contains("O_DIRECTORY") && struck.line.contains("EACCES");
        let asking = held || barred || call("statx") || call("faccessat2");
        // The end of the process gives the lock back as well.
        let unlocking = struck.line.contains("LOCK_UN");
        // What could not be looked at is drift, and so is what is not there: it is made.
        let looking = call("newfstatat") && self.lacks_what_is_told(&struck.line);
        // A renewal reads all that tells of the cluster, also what it has no part in.
        let no_part = self.renews() && !changes_by(&struck.line);
        // Who is to be told of what an interrupted run wrote is looked for once that is done: what hinders it is a note.
        let noted = struck.finished.stdout.contains("is not known in full: ");
        if !tidying && !asking && !unlocking && !looking && !no_part && !noted {
            return Err("the error went unnoticed".to_owned());
        }
        let left = self.ground.left();
        if !left.is_empty() {
            return Err(format!("exit code 0, and left: {left:?}"));
        }
        let tree = self.ground.tree();
        if let Some(settled) = &self.settled {
            return tree.same(settled, "not done");
        }
        if !matches!(self.scenario.end, End::Turned(..)) {
            tree.whole()?;
        }
        self.renewed(&tree, true)
    }

    /// Whether the call is about a file that the repair makes anew.
    fn lacks_what_is_told(&self, line: &str) -> bool {
        let mut made = DRIFTED
            .iter()
            .filter(|name| !self.old.0.contains_key(**name));
        made.any(|name| line.contains(name.rsplit('/').next().unwrap_or(name)))
    }

    /// A reader tells of a journal, and changes nothing.
    fn reader(&self) -> Result<(), String> {
        let ground = &self.ground;
        let before = ground.everything();
        let journal = before.0.keys().any(|name| name.ends_with(".certs-journal"));
        if !journal {
            return Ok(());
        }
        let said = ground.run(&["all", "--dry-run"]);
        if !said.stdout.contains("interrupted") && !said.stderr.contains("interrupted") {
            return Err(format!("a reader does not tell of the journal: {said}"));
        }
        ground.everything().same(&before, "changed by a reader")
    }

    fn judge_end(&self, code: Option<i32>, must_be_new: bool, partly: bool) -> Result<(), String> {
        let ground = &self.ground;
        let left = ground.left();
        if !left.is_empty() {
            return Err(format!("left behind: {left:?}"));
        }
        ground.keys_are_private()?;
        let tree = ground.tree();
        let backups = match self.scenario.end {
            // With --no-backup these are lists alone.
            End::Repaired if code == Some(0) => 2,
            End::Fresh | End::Repaired => 0,
            // What is drifted again has the backup of the rollback too.
            End::RolledBack if code == Some(0) => self.backups - 2,
            End::RolledBack | End::Settled(_) => self.backups,
            End::Turned(..) if tree == self.old => self.backups,
            End::Turned(_, backups) => backups,
            End::Renewed(_) => match (partly, tree == self.old) {
                (true, _) => ground.backups()?,
                (false, true) => 0,
                (false, false) => 2,
            },
        };
        let found = ground.backups()?;
        if found != backups {
            return Err(format!("{found} backups, and {backups} are right"));
        }
        match (self.scenario.end, code, &self.settled) {
            (End::Fresh, Some(0), _) => tree.whole()?,
            (End::Repaired, Some(4), _) => {
                tree.same(&self.old, "neither old nor new")?;
                if must_be_new {
                    return Err("a decided run was not finished".to_owned());
                }
                return self.repair();
            }
            (End::Repaired, Some(0), _) => {
                tree.whole()?;
                let changed: Vec<String> = tree.differences(&self.old).into_iter().collect();
                if changed != DRIFTED {
                    return Err(format!("neither old nor new: {changed:?}"));
                }
            }
            (End::Renewed(_), Some(0), _) => {
                tree.whole()?;
                if must_be_new || tree != self.old {
                    self.renewed(&tree, !partly)?;
                }
            }
            (End::Turned(..), Some(0), _) => {
                if must_be_new || tree != self.old {
                    self.renewed(&tree, true)?;
                }
            }
            (End::RolledBack, Some(0), _) => {
                tree.same(&self.old, "neither old nor new")?;
                if must_be_new {
                    return Err("a decided run was not finished".to_owned());
                }
            }
            (End::RolledBack, Some(4), Some(expected)) => {
                tree.same(expected, "neither old nor new")?;
            }
            (End::Settled(wanted), Some(code), Some(expected)) if code == wanted => {
                tree.same(expected, "not what an undisturbed run leaves")?;
            }
            _ => return Err(format!("exit code {code:?}")),
        }
        let again = ground.run(&["all", "--quiet"]);
        if again.status.code() != code {
            return Err(format!("one more run: {again}"));
        }
        ground.tree().same(&tree, "changed by one more run")
    }

    /// The tree that was kept as it was can be repaired.
    fn repair(&self) -> Result<(), String> {
        let again = self.ground.run(&["all", "--force", "--quiet"]);
        if again.status.code() != Some(0) {
            return Err(format!("repair: {again}"));
        }
        self.ground.tree().whole()
    }
}

/// Whether the call that was hit would have changed something.
fn changes_by(line: &str) -> bool {
    let call = line.split_once(' ').map_or(line, |(_, call)| call);
    let call = call.trim_start().split_once('(');
    call.is_some_and(|(call, rest)| changes(call, rest))
}

impl std::fmt::Display for Struck {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Finished { status, stderr, .. } = &self.finished;
        write!(out, "{}\n{status}\n{stderr}", self.line)
    }
}

/// Told whether or not the test fails: how much was tried is a result.
pub fn say(line: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{line}");
}
