//! Runs that meet another one, most of them over all nodes: what one brings forth the other does not take back by what it saw before.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

mod common;
use common::snapshot::{same, snapshot};
use common::trees::{Trees, files};
use common::{Finished, RUN_LIMIT, TempDir, certs, eventually, read, run, text, tool};

/// Somebody else at work in a directory, until it is let go.
struct Held(Child);

impl Held {
    fn new(directory: &Path) -> Self {
        // It ends with the test, however that ends.
        let mut flock = Command::new(tool("setpriv"));
        flock.args(["--pdeathsig", "KILL"]).arg(tool("flock"));
        let mut child = flock
            .arg("--no-fork")
            .arg(directory)
            .args(["sh", "-c", "echo held; exec sleep 600"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("flock");
        let mut line = String::new();
        let said = child.stdout.take().expect("stdout is piped");
        BufReader::new(said).read_line(&mut line).expect("a line");
        assert_eq!(line, "held\n");
        Self(child)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A run that goes on while the test does something.
struct Running {
    child: Child,
    said: PathBuf,
}

impl Running {
    fn start(trees: &Trees, name: &str, command: Command) -> Self {
        Self::new(trees.0.join(name), command)
    }

    fn new(said: PathBuf, mut command: Command) -> Self {
        let file = fs::File::create(&said).expect("a file");
        let errors = file.try_clone().expect("share a file");
        let child = command.stdout(file).stderr(errors).spawn();
        Self {
            child: child.expect("start a run"),
            said,
        }
    }

    /// It waits for whoever is at work in this directory.
    #[track_caller]
    fn waits(&mut self, directory: &Path) {
        let words = format!("waiting for another run on {} to end", directory.display());
        eventually(RUN_LIMIT, || {
            let said = read(&self.said);
            if said.contains(&words) {
                return Ok(());
            }
            let ended = self.child.try_wait().expect("a run");
            assert!(ended.is_none(), "{ended:?}: {said}");
            Err(said)
        });
    }

    #[track_caller]
    fn ended(&mut self) -> (Option<i32>, String) {
        let status = eventually(RUN_LIMIT, || {
            let ended = self.child.try_wait().expect("a run");
            ended.ok_or_else(|| read(&self.said))
        });
        (status.code(), read(&self.said))
    }

    #[track_caller]
    fn expect(&mut self, code: i32) -> String {
        let (ended, said) = self.ended();
        assert_eq!(ended, Some(code), "{said}");
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn over(trees: &Trees, arguments: &[&str]) -> Command {
    trees.over(arguments)
}

fn rotate(trees: &Trees, arguments: &[&str]) -> Finished {
    run(&mut over(trees, &[&["rotate"], arguments].concat()))
}

/// Nothing is wrong with any of them.
#[track_caller]
fn sound(trees: &Trees) {
    run(&mut over(trees, &["check"])).expect(0);
}

/// The files of a directory as a copy of it has them, in the same directory: who holds its lock goes on holding it.
fn put(from: &Path, to: &Path) {
    let from = format!("{}/.", from.display());
    run(Command::new("cp").args(["-a", &from]).arg(to)).expect(0);
}

/// What is there beside backups, and what it holds.
fn content(place: &Path) -> BTreeMap<String, Vec<u8>> {
    let own = |path: &String| !path.contains(".certs-");
    let held = |path: String| {
        let bytes = fs::read(place.join(&path)).expect("a file");
        (path, bytes)
    };
    files(place).into_iter().filter(own).map(held).collect()
}

#[test]
fn all_that_write_over_many_nodes_wait_for_each_other_and_who_writes_nothing_does_not() {
    let trees = Trees::made();
    let requests = trees.0.join("csrs");
    let csr = ["csr", "apiserver", "--csr-dir", text(&requests)];
    run(&mut over(&trees, &csr)).expect(0);
    // What is to be made of one node.
    let lacks = trees.node("worker1", "etc/kubernetes/kube-proxy.conf");
    fs::remove_file(&lacks).expect("a file");
    let verbs = [
        &["all"][..],
        &["all", "--archive"],
        &["renew", "--all"],
        &["rotate", "ca", "trust"],
        &["rotate", "ca", "back"],
        &csr,
        &["import", text(&requests)],
    ];
    let held = Held::new(&trees.out());
    let words = format!(
        "another program holds the lock on {}",
        trees.out().display()
    );
    for verb in verbs {
        let before = snapshot(trees.0.path());
        let now = ["--lock-timeout", "0s"];
        let said = run(&mut over(&trees, &[verb, &now].concat())).expect(1);
        assert!(said.stderr.contains(&words), "{said}");
        let planned = run(&mut over(&trees, &[verb, &now, &["--dry-run"]].concat()));
        assert_ne!(planned.status.code(), Some(1), "{planned}");
        assert!(!planned.stderr.contains("lock"), "{planned}");
        same(&before, trees.0.path());
    }
    run(&mut over(&trees, &["rotate", "status"])).expect(0);
    let mut waiting = Running::start(&trees, "said", over(&trees, &["all"]));
    waiting.waits(&trees.out());
    assert!(!lacks.exists());
    drop(held);
    waiting.expect(0);
    assert!(lacks.exists());
}

/// What is called at the end of a run may be one over all nodes itself.
#[test]
fn a_renewal_waits_not_for_what_it_calls() {
    let trees = Trees::made();
    let all = trees.command(&["--archive", "--lock-timeout", "0s"]);
    let mut line = vec![text(&common::binary()).to_owned()];
    line.extend(
        all.get_args()
            .map(|argument| text(Path::new(argument)).to_owned()),
    );
    let renewed = ["renew", "scheduler", "--exec", &line.join(" ")];
    run(&mut over(&trees, &renewed)).expect(0);
    assert!(trees.out().join("cp1.tar").exists());
}

/// What it sees while another run is at work there may be half of that, or no more so when that has ended.
#[test]
fn a_node_that_another_run_is_at_work_in_is_judged_again_when_that_has_ended() {
    let trees = Trees::made();
    let place = trees.node("worker2", "etc/kubernetes");
    let start = trees.0.join("start");
    fs::create_dir(&start).expect("a folder");
    put(&place, &start);
    rotate(&trees, &["ca", "trust"]).expect(0);
    let trusted = content(&trees.out());
    let held = Held::new(&place);
    let again = over(&trees, &["rotate", "ca", "trust"]);
    let mut running = Running::start(&trees, "said", again);
    running.waits(&place);
    put(&start, &place);
    assert!(content(&trees.out()) != trusted);
    drop(held);
    running.expect(0);
    assert!(content(&trees.out()) == trusted);
    sound(&trees);
    let lacks = place.join("kube-proxy.conf");
    let held = Held::new(&place);
    let mut running = Running::start(&trees, "said", over(&trees, &["all"]));
    running.waits(&place);
    fs::remove_file(&lacks).expect("a file");
    drop(held);
    running.expect(0);
    assert!(lacks.exists());
}

/// The nodes were brought to what it was to become.
#[test]
fn what_all_share_and_another_run_changed_meanwhile_stays_as_it_is() {
    let trees = Trees::made();
    rotate(&trees, &["ca", "trust"]).expect(0);
    let place = trees.node("worker2", "etc/kubernetes");
    let issue = ["rotate", "ca", "issue", "--restarted"];
    let held = Held::new(&place);
    let mut running = Running::start(&trees, "said", over(&trees, &issue));
    running.waits(&place);
    let shared = trees.out().join("ca");
    let bundle = shared.join("ca.crt");
    fs::write(&bundle, format!("{}\n", read(&bundle))).expect("write a file");
    let before = content(&shared);
    drop(held);
    let said = running.expect(1);
    let words = "was changed by another run meanwhile, and is not at the stage yet: run the same command again";
    assert!(said.contains(words), "{said}");
    assert!(content(&shared) == before);
    run(&mut over(&trees, &issue)).expect(0);
    sound(&trees);
}

/// Whoever asked for the second may not have asked for a stage more.
#[test]
fn of_two_steps_back_at_once_one_is_made() {
    let trees = Trees::made();
    rotate(&trees, &["ca", "trust"]).expect(0);
    let trusted = content(&trees.out());
    rotate(&trees, &["ca", "issue", "--restarted"]).expect(0);
    let held = Held::new(&trees.out());
    let start = |name| Running::start(&trees, name, over(&trees, &["rotate", "ca", "back"]));
    let mut both = ["first", "second"].map(start);
    for running in &mut both {
        running.waits(&trees.out());
    }
    drop(held);
    let mut ended = both.each_mut().map(Running::ended);
    ended.sort();
    let [(made, _), (refused, said)] = ended;
    assert_eq!([made, refused], [Some(0), Some(2)], "{said}");
    assert!(said.contains("back --restarted --inventory"), "{said}");
    assert!(content(&trees.out()) == trusted);
    sound(&trees);
}

/// The same of one tree, where nothing else keeps them apart.
#[test]
fn of_two_steps_back_over_one_tree_at_once_one_is_made() {
    let tree = common::tree_of_all();
    let on = |arguments: &[&str]| {
        let mut command = certs(&[&["rotate", "ca"], arguments].concat());
        command.args(["--kubernetes-dir", text(tree.path())]);
        command
    };
    run(&mut on(&["trust"])).expect(0);
    let trusted = content(tree.path());
    run(&mut on(&["issue", "--restarted"])).expect(0);
    let held = Held::new(tree.path());
    let said = TempDir::new();
    let mut both = ["first", "second"].map(|name| Running::new(said.join(name), on(&["back"])));
    for running in &mut both {
        running.waits(tree.path());
    }
    drop(held);
    let mut ended = both.each_mut().map(Running::ended);
    ended.sort();
    let [(made, _), (refused, said)] = ended;
    assert_eq!([made, refused], [Some(0), Some(4)], "{said}");
    assert!(content(tree.path()) == trusted, "{said}");
}
