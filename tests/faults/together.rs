//! Several runs at once.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::common::{CLUSTER, Finished, eventually, read, run, text};
use crate::ground::DRIFTED;
use crate::ground::{Ground, Layout};
use crate::kills::{FRESH, REPAIR, two_file_systems};
use crate::mounts::apart;
use crate::point::{Fault, Point, points, slowed};
use crate::sweep::say;

const RUNS: usize = 30;
const LIMIT: Duration = Duration::from_secs(20);
/// What a reader says that found a writer at work.
const BUSY: &str = "another run is writing";

fn at_once(ground: &Ground, arguments: &[&str]) -> Vec<Finished> {
    thread::scope(|scope| {
        let start = || run(&mut ground.certs(arguments));
        let runs: Vec<_> = (0..RUNS).map(|_| scope.spawn(start)).collect();
        runs.into_iter()
            .map(|run| run.join().expect("no panic"))
            .collect()
    })
}

#[test]
fn thirty_runs_at_once_make_one_tree() {
    apart("together::thirty_runs_at_once_make_one_tree", |folder| {
        let (first, second) = two_file_systems(folder);
        for layout in [Layout::One, Layout::Two] {
            let ground = Ground::new(layout, &first, &second, 0);
            let finished: Vec<_> = at_once(&ground, &["all"])
                .into_iter()
                .map(|run| run.expect(0))
                .collect();
            let made = finished
                .iter()
                .filter(|run| run.stdout.starts_with("Made:"));
            assert_eq!(made.count(), 1, "one run makes the tree");
            let tree = ground.tree();
            tree.whole().expect("a whole tree");
            assert_eq!(ground.left(), [""; 0]);
            ground.run(&["all"]).expect(0);
            ground.tree().same(&tree, "changed").expect("the same tree");
        }
    });
}

#[test]
fn thirty_runs_at_once_that_replace_one_pair_leave_one_pair() {
    apart(
        "together::thirty_runs_at_once_that_replace_one_pair_leave_one_pair",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let ground = Ground::new(Layout::Two, &first, &second, 0);
            ground.run(&["all"]).expect(0);
            let before = ground.tree();
            for run in at_once(&ground, &["all", "--force"]) {
                run.expect(0);
            }
            ground
                .tree()
                .same(&before, "nothing had drifted")
                .expect("the same tree");
            let command = || {
                let mut command = crate::common::certs(&["server", "apiserver", "--force"]);
                command
                    .args(["--cert-dir", text(&ground.pki)])
                    .args(CLUSTER);
                command
            };
            thread::scope(|scope| {
                for _ in 0..RUNS {
                    scope.spawn(|| run(&mut command()).expect(0));
                }
            });
            let after = ground.tree();
            after.whole().expect("a whole tree");
            let changed: Vec<_> = after.differences(&before).into_iter().collect();
            assert_eq!(changed, ["pki/apiserver.crt", "pki/apiserver.key"]);
            assert_eq!(ground.left(), [""; 0]);
            assert_eq!(ground.backups(), Ok(3), "of thirty");
            ground.run(&["all"]).expect(0);
        },
    );
}

fn start(mut command: Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start strace")
}

/// What a child said that has ended well.
fn ended(child: Child) -> String {
    let output = child.wait_with_output().expect("wait for a run");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    said.into_owned()
}

#[test]
fn a_reader_beside_a_writer_says_so() {
    apart("together::a_reader_beside_a_writer_says_so", |folder| {
        let (first, second) = two_file_systems(folder);
        let ground = Ground::new(Layout::Two, &first, &second, 0);
        let all = points(&ground, &["all"]);
        ground.clear();
        for (class, number) in [
            ("write staged", 9),
            ("write journal", 1),
            ("renameat2 key", 3),
            ("renameat2 conf", 2),
            ("unlinkat journal", 1),
        ] {
            let point = of_class(&all, class, number);
            let log = ground.aside.join("slowed");
            let mut writer = start(slowed(&ground, &["all"], point, &log));
            eventually(LIMIT, || {
                let lines = read_if_there(&log);
                let begun = lines.contains(".certs-journal") || class == "write staged";
                (begun && !ground.left().is_empty())
                    .then_some(())
                    .ok_or_else(|| "the writer has not begun".to_owned())
            });
            let said = ground.run(&["all", "--dry-run"]);
            let running = writer.try_wait().expect("look at the writer").is_none();
            assert!(running, "{class}: the writer was too quick");
            assert!(
                said.stdout.contains(BUSY) || said.stderr.contains(BUSY),
                "{said}"
            );
            ended(writer);
            ground.tree().whole().expect("a whole tree");
            let said = ground.run(&["all", "--dry-run"]).expect(0);
            assert!(!said.stdout.contains(BUSY), "{said}");
            ground.clear();
        }
    });
}

#[test]
fn a_reader_that_came_before_the_directories_tells_of_the_writer() {
    apart(
        "together::a_reader_that_came_before_the_directories_tells_of_the_writer",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let ground = Ground::new(Layout::Two, &first, &second, 0);
            let reader = &["all", "--dry-run"];
            let all = points(&ground, reader);
            let log = ground.aside.join("reader");
            // It has found no directory, and has yet to ask whether there is one now.
            let asked = all.last().expect("it looks for the directories");
            let child = start(slowed(&ground, reader, asked, &log));
            eventually(LIMIT, || {
                let opened = read_if_there(&log).contains("pki\"");
                opened
                    .then_some(())
                    .ok_or_else(|| "the reader has not begun".to_owned())
            });
            // As long as the reader takes to be where it waits.
            thread::sleep(Duration::from_millis(200));
            ground.run(&["all"]).expect(0);
            let output = child.wait_with_output().expect("wait for the reader");
            let said =
                String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert!(said.contains(BUSY), "{said}");
        },
    );
}

fn read_if_there(log: &Path) -> String {
    if log.exists() {
        read(log)
    } else {
        String::new()
    }
}

fn of_class<'a>(points: &'a [Point], class: &str, number: usize) -> &'a Point {
    let mut of_class = points.iter().filter(|point| point.class == class);
    of_class
        .nth(number)
        .unwrap_or_else(|| panic!("no {class} {number} among {points:#?}"))
}

#[test]
fn a_reader_of_a_killed_run_does_not_call_it_drift() {
    apart(
        "together::a_reader_of_a_killed_run_does_not_call_it_drift",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let ground = Ground::new(Layout::Two, &first, &second, 0);
            let mut told = 0;
            for scenario in [FRESH, REPAIR] {
                ground.clear();
                (scenario.prepare)(&ground);
                ground.save("prepared");
                let drifted = checked(&ground);
                let all = points(&ground, scenario.arguments);
                for point in all
                    .iter()
                    .filter(|point| point.call.starts_with("renameat"))
                {
                    ground.restore("prepared");
                    crate::point::strike(&ground, scenario.arguments, point, Fault::Kill)
                        .expect("the run has that call");
                    for reader in READERS {
                        not_judged(&ground, reader, &format!("{}: {point}", scenario.name));
                    }
                    let mut known = drifted.clone();
                    known.insert(format!("interrupted-run {JOURNAL}"));
                    let said = checked(&ground);
                    assert!(said.contains(&format!("interrupted-run {JOURNAL}")));
                    let more: Vec<_> = said.difference(&known).collect();
                    assert!(more.is_empty(), "{}: {point}: {more:?}", scenario.name);
                    told += 1;
                }
            }
            say(&format!("a reader of a killed run: {told} kills"));
            assert_eq!(told, crate::ground::FILES + DRIFTED.len());
        },
    );
}

const JOURNAL: &str = ".certs-journal";

/// What `check` tells beyond notes, each as `CODE FILE`; nothing where there is no tree.
fn checked(ground: &Ground) -> BTreeSet<String> {
    let said = ground.run(&["check", "--output", "json"]);
    let Ok(told) = serde_json::from_str::<serde_json::Value>(&said.stdout) else {
        return BTreeSet::new();
    };
    let findings = told["findings"].as_array().into_iter().flatten();
    let beyond = findings.filter(|finding| finding["severity"] != "note");
    beyond
        .map(|finding| {
            let file = Path::new(finding["file"].as_str().expect("a path"));
            let base = file.file_name().expect("a name").to_string_lossy();
            format!("{} {base}", finding["code"].as_str().expect("a code"))
        })
        .collect()
}

const READERS: [&[&str]; 3] = [
    &["all", "--dry-run"],
    &["all", "--force", "--dry-run"],
    &["rollback", "--dry-run"],
];

/// A reader of half a run says that it is one, and nothing else.
fn not_judged(ground: &Ground, reader: &[&str], of: &str) {
    let before = ground.everything();
    let said = ground.run(reader).expect(3);
    let warnings = [&ground.pki, &ground.kubeconfigs].map(|root| {
        format!(
            "warning: {} tells of a run that was interrupted, so what is there was not judged: \
             the next run that writes completes it\n\
             why: interrupted-run: docs/architecture.md, \"Nothing lost: how files change\"\n",
            root.join(".certs-journal").display()
        )
    });
    assert!(warnings.contains(&said.stderr), "{of}: {said}");
    assert_eq!(
        said.stdout, "This was a dry run; nothing was written.\n",
        "{of}: {said}"
    );
    let said = ground
        .run(&[reader, &["--output", "json"]].concat())
        .expect(3);
    let told: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let findings = told["findings"].as_array().expect("findings");
    let codes: Vec<_> = findings.iter().map(|finding| &finding["code"]).collect();
    assert_eq!(codes, ["interrupted-run"], "{of}: {said}");
    assert_eq!(told["items"], serde_json::json!([]), "{of}: {said}");
    assert_eq!(told["next"], serde_json::json!([]), "{of}: {said}");
    assert_eq!(told.get("runs"), None, "{of}: {said}");
    assert_eq!(told["result"], "planned", "{of}: {said}");
    ground
        .everything()
        .same(&before, "changed by a reader")
        .expect("a reader changes nothing");
}

#[test]
fn what_a_killed_run_left_is_ended_only_where_it_was_and_by_the_command_that_is_told() {
    apart(
        "together::what_a_killed_run_left_is_ended_only_where_it_was_and_by_the_command_that_is_told",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let ground = Ground::new(Layout::Two, &first, &second, 0);
            (REPAIR.prepare)(&ground);
            ground.save("prepared");
            let all = points(&ground, REPAIR.arguments);
            ground.restore("prepared");
            let point = of_class(&all, "renameat key", 1);
            crate::point::strike(&ground, REPAIR.arguments, point, Fault::Kill)
                .expect("the run has that call");
            let copy = first.join("copy");
            run(Command::new("cp").arg("-a").arg(&ground.pki).arg(&copy)).expect(0);
            let before = ground.everything();

            let mut of_copy = crate::common::certs(&["all", "--cert-dir", text(&copy)]);
            of_copy
                .args(["--kubeconfig-dir", text(&ground.kubeconfigs)])
                .args(CLUSTER);
            let said = run(&mut of_copy).expect(1);
            assert!(said.stderr.contains("so this is a copy"), "{said}");

            let elsewhere = first.join("elsewhere");
            let mut server = crate::common::certs(&["server", "--cert-dir", text(&ground.pki)]);
            server
                .args(["--kubernetes-dir", text(&elsewhere)])
                .args(CLUSTER);
            let said = run(&mut server).expect(1);
            ground
                .everything()
                .same(&before, "changed by another")
                .expect("neither touches the killed run");

            let told = said.stderr.split('\'').nth(1).expect("a command");
            let words: Vec<&str> = told.split(' ').skip(1).collect();
            let mut told = crate::common::certs(&words);
            run(told.args(CLUSTER)).expect(0);
            run(&mut server).expect(0);
            ground.tree().whole().expect("a whole tree");
            assert_eq!(ground.left(), [""; 0]);
        },
    );
}
