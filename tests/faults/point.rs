//! The file operations of a run, and a fault at one of them.
//!
//! strace counts the calls of each kind for each thread by itself, and which thread gets which file
//! is chance. So here a run gets no second thread: clone fails, and the program does its work
//! with the one that it has. Then the calls come in one order, and "the n-th fsync" is one operation,
//! the same in each run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::common::{Finished, read, run, text, tool, with_umask};
use crate::ground::Ground;

/// The n-th call of its kind.
#[derive(Clone, Debug)]
pub struct Point {
    pub call: String,
    pub nth: usize,
    /// Call and sort of file: points of one class are told apart by the file alone.
    pub class: String,
    /// Whether it changes what is on disk, or makes it last.
    pub changes: bool,
}

impl fmt::Display for Point {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} ({})", self.call, self.nth, self.class)
    }
}

/// What befalls a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The process is killed before the call.
    Kill,
    /// The call fails.
    Error(&'static str),
    /// The call takes a second.
    Slow,
}

impl Fault {
    fn injection(self) -> String {
        match self {
            Self::Kill => "signal=SIGKILL".to_owned(),
            Self::Error(errno) => format!("error={errno}"),
            Self::Slow => "delay_enter=1000000".to_owned(),
        }
    }
}

/// A run with a fault.
pub struct Struck {
    pub finished: Finished,
    /// The call that was hit, as strace tells it.
    pub line: String,
}

/// What no fault is tried at: their results mean nothing to anyone (closing what is synced, flags of
/// a descriptor, rewinding a directory).
const PASSED_OVER: [&str; 5] = ["close", "execve", "fcntl", "lseek", "mmap"];

/// Every operation of an undisturbed run on a file or folder of the ground, in its order.
pub fn points(ground: &Ground, arguments: &[&str]) -> Vec<Point> {
    let log = ground.aside.join("points");
    let mut command = single(ground, &log);
    command.args(["-e", "trace=%file,%desc,clone,?clone3"]);
    run_at_umask(&mut command, &ground.certs(arguments));
    let trace = read(&log);
    assert!(trace.contains("+++ exited with"), "{trace}");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut points = Vec::new();
    for line in trace.lines() {
        let Some((call, rest)) = line
            .split_once(' ')
            .and_then(|(_, line)| line.trim_start().split_once('('))
        else {
            continue;
        };
        let count = counts.entry(call).or_default();
        *count += 1;
        let ours = [&ground.pki, &ground.kubeconfigs]
            .iter()
            .any(|root| is_about(rest, root));
        if !ours || PASSED_OVER.contains(&call) {
            continue;
        }
        points.push(Point {
            call: call.to_owned(),
            nth: *count,
            class: class(call, rest),
            changes: changes(call, rest),
        });
    }
    // A reader of what is not there does the least.
    assert!(points.len() > 8, "the run did little: {trace}");
    points
}

/// Whether a call is about `root` or something in it, by its path or by its name in the folder above.
fn is_about(rest: &str, root: &Path) -> bool {
    let (Some(above), Some(name)) = (root.parent(), root.file_name()) else {
        return false;
    };
    let step = format!("<{}>, \"{}\"", text(above), text(Path::new(name)));
    rest.contains(text(root)) || rest.contains(&step)
}

/// Whether a call changes what is on disk, or makes it last.
pub fn changes(call: &str, rest: &str) -> bool {
    match call {
        "openat" => rest.contains("O_CREAT"),
        "fchmod" | "fchown" | "flock" | "fsync" | "linkat" | "mkdir" | "mkdirat" | "renameat"
        | "renameat2" | "symlinkat" | "syncfs" | "unlinkat" | "write" => true,
        _ => false,
    }
}

/// The call and what it is about, without the numbers of a run.
pub fn class(call: &str, rest: &str) -> String {
    let name = rest
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|name| !name.is_empty())
        .last()
        .or_else(|| rest.split_once('<')?.1.split('>').next())
        .unwrap_or_default();
    let base = name.rsplit('/').next().unwrap_or_default();
    let sort = if base == ".certs-journal" {
        "journal"
    } else if base.starts_with(".certs-") && base != ".certs-backup" {
        "staged"
    } else if name.contains(".certs-backup") {
        "backup"
    } else if let Some((_, ending)) = base.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()) {
        ending
    } else {
        "folder"
    };
    let create = if rest.contains("O_CREAT") {
        "+create"
    } else {
        ""
    };
    format!("{call}{create} {sort}")
}

/// Runs with `fault` at `point`; `None` if the run had no such call.
pub fn strike(ground: &Ground, arguments: &[&str], point: &Point, fault: Fault) -> Option<Struck> {
    let log = ground.aside.join("strike");
    let mut command = single(ground, &log);
    inject(&mut command, &point.call, point.nth, fault);
    struck(run_at_umask(&mut command, &ground.certs(arguments)), &log)
}

/// The same with all threads: the first one to come to its `nth` call of the kind is hit.
pub fn strike_threads(
    ground: &Ground,
    arguments: &[&str],
    call: &str,
    nth: usize,
    fault: Fault,
) -> Option<Struck> {
    let log = ground.aside.join("strike");
    let mut command = strace(&log);
    inject(&mut command, call, nth, fault);
    struck(run_at_umask(&mut command, &ground.certs(arguments)), &log)
}

/// What a run does to the disk after the `nth` of its calls of a kind has failed, a call and its number each.
pub fn points_after_error(
    ground: &Ground,
    arguments: &[&str],
    failing: (&str, usize),
) -> Vec<(String, usize)> {
    let log = ground.aside.join("points");
    let mut command = single(ground, &log);
    command.args(["-e", "trace=%file,%desc,clone,?clone3"]);
    fail(&mut command, failing);
    run_at_umask(&mut command, &ground.certs(arguments)).expect(1);
    let trace = read(&log);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failed = false;
    let mut points = Vec::new();
    for line in trace.lines() {
        let Some((call, rest)) = line
            .split_once(' ')
            .and_then(|(_, line)| line.trim_start().split_once('('))
        else {
            continue;
        };
        let count = counts.entry(call).or_default();
        *count += 1;
        // strace makes one call fail or kills at it, not both.
        if failed && changes(call, rest) && call != failing.0 && call != "write" {
            points.push((call.to_owned(), *count));
        }
        failed |= call == failing.0 && line.ends_with("(INJECTED)");
    }
    points
}

/// Runs with that failure, and kills at `point` after it.
pub fn kill_after_error(
    ground: &Ground,
    arguments: &[&str],
    failing: (&str, usize),
    point: &(String, usize),
) -> Finished {
    let log = ground.aside.join("strike");
    let mut command = single(ground, &log);
    inject(&mut command, &point.0, point.1, Fault::Kill);
    command.args([
        "-e",
        &format!("trace={},{},clone,?clone3", failing.0, point.0),
    ]);
    fail(&mut command, failing);
    run_at_umask(&mut command, &ground.certs(arguments))
}

fn fail(command: &mut Command, (call, nth): (&str, usize)) {
    command.args(["-e", &format!("inject={call}:error=EIO:when={nth}")]);
}

/// A run that is slow at `point`, to be started by the caller; what it opens is told in `log`.
pub fn slowed(ground: &Ground, arguments: &[&str], point: &Point, log: &Path) -> Command {
    let mut command = single(ground, log);
    inject(&mut command, &point.call, point.nth, Fault::Slow);
    let inner = ground.certs(arguments);
    command.arg(inner.get_program()).args(inner.get_args());
    command
}

fn struck(finished: Finished, log: &Path) -> Option<Struck> {
    let trace = read(log);
    let killed = finished.status.code().is_none() || trace.contains("+++ killed by SIGKILL");
    let mut lines = trace.lines();
    let line = if killed {
        lines.rfind(|line| line.ends_with("= ?"))
    } else {
        lines.find(|line| line.ends_with("(INJECTED)") && !line.contains("clone"))
    };
    let line = line?.to_owned();
    Some(Struck { finished, line })
}

fn inject(command: &mut Command, call: &str, nth: usize, fault: Fault) {
    let injection = fault.injection();
    command
        .args(["-e", &format!("trace={call},openat,?openat2,clone,?clone3")])
        .args(["-e", &format!("inject={call}:{injection}:when={nth}")]);
}

/// strace of a program that has one thread only.
fn single(ground: &Ground, log: &Path) -> Command {
    // With one processor it does not even ask for threads to make keys.
    let mut command = Command::new(utility("taskset"));
    command.args(["-c", &ground.processor.to_string()]);
    let inner = strace(log);
    command.arg(inner.get_program()).args(inner.get_args());
    command.args(["-e", "inject=clone,?clone3:error=EAGAIN"]);
    command
}

fn strace(log: &Path) -> Command {
    let mut command = Command::new(tool("strace"));
    command.args(["-f", "-y", "-s", "0", "-e", "signal=none", "-o"]);
    command.arg(log);
    command
}

/// At the umask that hides least.
fn run_at_umask(outer: &mut Command, inner: &Command) -> Finished {
    outer.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    run(&mut with_umask("000", outer))
}

/// A program that comes with setpriv, in util-linux.
pub fn utility(name: &str) -> std::path::PathBuf {
    tool("setpriv").with_file_name(name)
}
