//! What a run over many nodes tells while it goes on, and what becomes of it when a signal ends it.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

mod common;
use common::trees::Trees;
use common::{at, binary, certs, listing, run, text, tool};

const WORKERS: usize = 150;
const FLAGS: [&str; 5] = [
    "--control-plane-endpoint",
    "api.example.com",
    "--key-algorithm",
    "ECDSA-P256",
    "--archive",
];
const INTERRUPTED: &str = "interrupted: what was made stays, and the same command makes the rest\n";

fn trees() -> Trees {
    let nodes: Vec<String> = (1..=WORKERS)
        .map(|number| format!("w{number},10.9.0.{number},worker\n"))
        .collect();
    let nodes = nodes.concat();
    Trees::of(&format!("name,addresses,roles\n{nodes}"))
}

/// What a terminal of this width gets, whose clock goes a thousand times as fast.
fn on_a_terminal(trees: &Trees, width: usize, before: &str, after: &str) -> String {
    shown(&trees.command(&FLAGS), width, before, after)
}

fn shown(inner: &Command, width: usize, before: &str, after: &str) -> String {
    let quoted = |argument: &std::ffi::OsStr| format!("'{}'", argument.to_str().expect("text"));
    let arguments: Vec<String> = inner.get_args().map(quoted).collect();
    let line = format!(
        "stty rows 24 cols {width}; {before} '{}' -f '+0 x1000' '{}' {} {after}",
        tool("faketime").display(),
        binary().display(),
        arguments.join(" ")
    );
    let mut script = Command::new(tool("script"));
    script.env("SHELL", "/bin/sh").env("TERM", "xterm");
    run(script.args(["-qefc", &line, "/dev/null"]))
        .expect(0)
        .stdout
}

/// The bars that were drawn: each begins the line anew.
fn bars(shown: &str) -> Vec<&str> {
    let drawn = shown.split("\r\x1b[K").skip(1);
    drawn
        .filter(|bar| bar.contains("/150") && !bar.contains('\n'))
        .collect()
}

#[test]
fn a_terminal_has_a_bar_that_fits_it_and_goes() {
    tool("script");
    for (width, wide) in [(100, true), (24, false)] {
        let trees = trees();
        let shown = on_a_terminal(&trees, width, "", "");
        let bars = bars(&shown);
        let of = |stage: &str| bars.iter().filter(|bar| bar.contains(stage)).count();
        for stage in ["judging", "making", "archiving"] {
            assert!(of(stage) > 1, "{stage}: {shown:?}");
        }
        for bar in &bars {
            assert!(bar.len() < width, "{bar:?}");
            assert_eq!(bar.starts_with('['), wide, "{bar:?}");
            assert_eq!(bar.contains(" left"), wide, "{bar:?}");
        }
        // What is told at the end begins on a line of its own.
        let last = shown.rsplit("\r\x1b[K").next().expect("an end");
        assert!(last.starts_with("\x1b[32mMade:"), "{last:?}");
    }
}

#[test]
fn a_check_has_a_bar_too() {
    tool("script");
    let trees = trees();
    trees.all(&FLAGS).expect(0);
    let inventory = trees.0.join("nodes.yaml");
    let mut check = certs(&["check", "--inventory", text(&inventory)]);
    check
        .args(["--out", text(&trees.out())])
        .args(["--control-plane-endpoint", "api.example.com"]);
    let drawn = shown(&check, 100, "", "");
    assert!(
        bars(&drawn)
            .iter()
            .filter(|bar| bar.contains("judging"))
            .count()
            > 1,
        "{drawn:?}"
    );
    let quiet = shown(&check, 100, "", "--quiet");
    assert_eq!(quiet, "");
}

#[test]
fn no_terminal_has_a_line_every_few_seconds_and_no_program_has_it_in_its_report() {
    tool("script");
    for (before, after) in [
        ("TERM=dumb", ""),
        ("", "2>&1 | cat"),
        ("", "--output json 2>err; cat err"),
    ] {
        let trees = trees();
        let after = after.replace("err", text(&trees.0.join("err")));
        let shown = on_a_terminal(&trees, 100, before, &after);
        let told = |line: &&str| line.contains(" of 150 nodes, ");
        let lines: Vec<&str> = shown.lines().filter(told).collect();
        assert!(lines.len() > 1, "{shown:?}");
        for line in lines {
            let words = ["judged ", "made ", "archived "];
            assert!(words.iter().any(|word| line.starts_with(word)), "{line:?}");
            assert!(line.trim_end().ends_with(" left"), "{line:?}");
        }
        assert!(!shown.contains("\x1b[K"), "{shown:?}");
    }
    let trees = trees();
    let shown = on_a_terminal(&trees, 100, "", "--quiet");
    assert_eq!(shown, "");
    // Nobody is told of what takes no time, by a clock that stands.
    let told = run(&mut at(1_800_000_000, "022", &trees.command(&FLAGS))).expect(0);
    assert_eq!(told.stderr, "");
}

/// Whatever signals these tests were started without, as what a shell has in the background is.
fn begin(command: &mut Command) -> Child {
    let mut begun = Command::new("env");
    begun.arg("--default-signal=HUP,INT,TERM");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => begun.env(name, value),
            None => begun.env_remove(name),
        };
    }
    begun.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        begun.current_dir(folder);
    }
    begun.stdout(Stdio::null()).stderr(Stdio::piped());
    begun.spawn().expect("start a run")
}

fn signal(name: &str, running: &Child) {
    let mut bash = Command::new(tool("bash"));
    // It may have ended.
    let kill = format!("kill -{name} {} || true", running.id());
    run(bash.args(["-c", &kill])).expect(0);
}

/// Waits until a run has begun to make what all share.
fn made(trees: &Trees) {
    let limit = Instant::now() + Duration::from_mins(1);
    while !trees.out().join("ca/ca.key").exists() {
        assert!(Instant::now() < limit, "nothing is made");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_signal_ends_a_run_with_words_and_the_next_completes_it() {
    let trees = trees();
    let begun = Instant::now();
    trees.all(&FLAGS).expect(0);
    let whole = begun.elapsed();
    let wanted = format!("as wanted on {WORKERS} nodes; nothing was written.\n");
    let mut ended = 0;
    let signals = [("INT", 2), ("TERM", 15), ("HUP", 1), ("INT", 2), ("INT", 2)];
    for (turn, (name, number)) in (0..).zip(signals) {
        fs::remove_dir_all(trees.out()).expect("remove the trees");
        let running = begin(&mut trees.command(&FLAGS));
        made(&trees);
        std::thread::sleep(whole * turn / 8);
        signal(name, &running);
        let finished = running.wait_with_output().expect("it has ended");
        let said = String::from_utf8_lossy(&finished.stderr).into_owned();
        // A quick run may have been over.
        if !finished.status.success() {
            assert_eq!(finished.status.signal(), Some(number), "{said}");
            assert!(said.ends_with(INTERRUPTED), "{said}");
            ended += 1;
        }
        trees.all(&FLAGS).expect(0);
        let told = trees.all(&FLAGS).expect(0).stdout;
        assert!(told.ends_with(&wanted), "{told}");
        let hidden = |path: &PathBuf| text(path).contains(".certs-");
        assert!(!listing(&trees.out()).iter().any(hidden), "{name}");
    }
    assert!(ended > 0, "no run was ended");
}

/// As the shell starts a job that it does not wait for, and `nohup` one that outlives the terminal.
#[test]
fn a_signal_that_is_to_be_ignored_is() {
    let trees = trees();
    let inner = trees.command(&FLAGS);
    let mut shell = Command::new(tool("bash"));
    shell.args(["-c", "trap '' INT HUP; exec \"$0\" \"$@\""]);
    shell.arg(inner.get_program()).args(inner.get_args());
    let running = begin(&mut shell);
    made(&trees);
    signal("INT", &running);
    signal("HUP", &running);
    let finished = running.wait_with_output().expect("it has ended");
    let said = String::from_utf8_lossy(&finished.stderr).into_owned();
    assert!(
        finished.status.success() && !said.contains("interrupted"),
        "{said}"
    );
}

/// Not only between two nodes.
#[test]
fn a_signal_ends_a_run_that_waits_for_another() {
    let trees = trees();
    trees.all(&FLAGS).expect(0);
    fs::remove_dir_all(trees.out().join("w1")).expect("remove a tree");
    let mut flock = Command::new(tool("flock"));
    flock.args([text(&trees.out()), "sleep", "60"]);
    let mut other = flock.spawn().expect("start another");
    std::thread::sleep(Duration::from_millis(300));
    let mut running = begin(&mut trees.command(&FLAGS));
    std::thread::sleep(Duration::from_secs(2));
    let waits = running.try_wait().expect("look at it").is_none();
    signal("INT", &running);
    let finished = running.wait_with_output().expect("it has ended");
    other.kill().expect("end the other");
    other.wait().expect("it has ended");
    let said = String::from_utf8_lossy(&finished.stderr).into_owned();
    assert!(waits && said.ends_with(INTERRUPTED), "{said}");
    assert_eq!(finished.status.signal(), Some(2), "{said}");
}

/// What each other run over many nodes tells where a signal ends it, which waits for another one: the directory that this
/// has locked is the one that it writes in.
#[test]
fn each_run_over_many_nodes_tells_what_the_next_one_completes() {
    let trees = Trees::of(
        "apiVersion: certs/v1\nkind: Inventory\nnodes:\n\
         - {name: w1, addresses: [10.9.0.1], roles: [worker]}\n\
         - {name: w2, addresses: [10.9.0.2], roles: [worker]}\n---\n\
         apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n\
         controlPlaneEndpoint: api.example.com:6443\nencryptionAlgorithm: ECDSA-P256\n",
    );
    trees.all(&[]).expect(0);
    fs::create_dir(trees.0.join("machine")).expect("make a folder");
    let key = "out/ca/ca.key";
    let over = |verb: &[&str], flags: &[&str]| {
        let mut command = certs(verb);
        command.args(["--inventory", "nodes.yaml"]).args(flags);
        command.current_dir(trees.0.path());
        command
    };
    let ended = |locked: &str, mut command: Command, words: &str| {
        let mut flock = Command::new(tool("flock"));
        // Whoever ends it ends the lock.
        flock.args(["--no-fork", text(&trees.0.join(locked))]);
        flock.args(["sh", "-c", "echo locked; exec sleep 60"]);
        let mut other = flock.stdout(Stdio::piped()).spawn().expect("start another");
        let mut said = BufReader::new(other.stdout.take().expect("its output"));
        said.read_line(&mut String::new()).expect("it has locked");
        let mut running = begin(&mut command);
        let mut told = BufReader::new(running.stderr.take().expect("its errors"));
        let mut first = String::new();
        told.read_line(&mut first).expect("it waits");
        assert!(first.contains("waiting"), "{first}");
        signal("INT", &running);
        let mut rest = String::new();
        told.read_to_string(&mut rest).expect("it has ended");
        let status = running.wait().expect("it has ended");
        other.kill().expect("end the other");
        other.wait().expect("it has ended");
        assert_eq!(rest, format!("{words}\n"));
        assert_eq!(status.signal(), Some(2));
        run(&mut command).expect(0);
    };
    let renewed = "interrupted: what was renewed stays, and 'certs renew' over the same inventory without names renews what is still due; what is to be restarted for what was renewed it does not tell";
    ended(
        "out/ca",
        over(&["renew"], &["--out", "out", "--all"]),
        renewed,
    );
    // The key is somebody else's from here on.
    run(Command::new("cp")
        .args(["-a", "out/ca", "machine/pki"])
        .current_dir(trees.0.path()))
    .expect(0);
    fs::remove_file(trees.0.join(key)).expect("remove the key");
    let names = ["kube-proxy", "kubelet-serving"];
    let csr = [&["csr"], &names[..]].concat();
    let flags = ["--out", "out", "--csr-dir", "csrs"];
    let made = INTERRUPTED.trim_end();
    ended("out/w1/etc/kubernetes", over(&csr, &flags), made);
    let flags = ["--kubernetes-dir", "machine"];
    ended("csrs/w1", over(&["sign", "csrs"], &flags), made);
    let imported = "interrupted: what was put in its place stays, and the same command does the rest; what is to be restarted for what is in its place it does not tell";
    ended(
        "out/w1/etc/kubernetes",
        over(&["import", "csrs"], &["--out", "out"]),
        imported,
    );
}
