//! `certs renew`: how a run ends that could not do what it was to do, or that ended another one first.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use serde_json::Value;

mod common;
use common::kubeadm::{NOON, unpacked};
use common::node::read_only;
use common::renewal::{DAY, command, renew, tree};
use common::snapshot::{same, snapshot};
use common::{
    TempDir, all, at, certs, kubeconfig_data, read, run, set_mode, struck, text, tool, write,
};

/// A tree in which a renewal of the scheduler's kubeconfig and of etcd's peer was killed amid its
/// renames.
fn killed() -> TempDir {
    let folder = tree();
    let inner = command(&folder, &["scheduler", "etcd-peer"]);
    let killed = struck(&inner, "renameat:signal=SIGKILL:when=2", None);
    let said = run(&mut at(NOON + DAY, "022", &killed));
    assert_ne!(said.status.code(), Some(0), "{said}");
    let journal = folder.join("k/pki/.certs-journal");
    assert!(journal.is_file(), "{said}");
    folder
}

/// What `--exec` was told, by a file.
fn noting(folder: &TempDir) -> (String, std::path::PathBuf) {
    let note = folder.join("note");
    let exec = format!(
        "printf '%s|%s' \"$CERTS_CHANGED\" \"$CERTS_RESTART\" > {}",
        text(&note)
    );
    (exec, note)
}

const COMPLETED: &str = "note: completed an interrupted run, which wrote 3 files";

const RESTART: &str =
    "note: restart what read at its start alone what that run wrote: kube-scheduler (scheduler)\n";

#[test]
fn a_name_of_nothing_is_2_and_leaves_what_an_interrupted_run_had_begun_to_the_next_one() {
    let folder = killed();
    let (exec, note) = noting(&folder);
    let before = snapshot(&folder.join("k"));
    let said = renew(&folder, 1, &["schedular", "--exec", &exec]).expect(2);
    assert!(
        said.stderr.starts_with("error: there is no \"schedular\""),
        "{said}"
    );
    same(&before, &folder.join("k"));
    assert!(!note.exists());
    let said = renew(&folder, 1, &["scheduler", "--exec", &exec]).expect(0);
    assert!(said.stdout.contains(COMPLETED), "{said}");
    assert_eq!(read(&note), "scheduler etcd-peer|kube-scheduler");
}

/// What it brings may be what was named.
#[test]
fn where_an_interrupted_run_makes_what_is_named_it_is_completed_first() {
    let folder = TempDir::new();
    let all = all(&folder.join("k"), &[]);
    let killed = struck(&all, "renameat2:signal=SIGKILL:when=3", None);
    run(&mut at(NOON, "022", &killed));
    assert!(folder.join("k/pki/.certs-journal").is_file());
    assert!(!folder.join("k/scheduler.conf").exists());
    renew(&folder, 1, &["scheduler"]).expect(0);
}

#[test]
fn whoever_completes_an_interrupted_run_tells_what_is_to_be_restarted_for_it() {
    for verb in [
        &["sa"][..],
        &["kubeconfig", "alice", "--common-name", "alice"],
        &["rollback"],
    ] {
        let folder = killed();
        let mut command = certs(verb);
        command.args(["--kubernetes-dir", text(&folder.join("k"))]);
        if verb[0] == "kubeconfig" {
            command.args(["--apiserver-advertise-address", "10.0.0.10"]);
        }
        let said = run(&mut at(NOON + DAY, "022", &command)).expect(0);
        let told = [said.stdout.as_str(), &said.stderr].concat();
        assert!(told.contains(COMPLETED), "{said}");
        assert!(told.contains(RESTART), "{said}");
    }
}

#[test]
fn a_run_that_only_completed_another_one_tells_of_it_and_runs_the_command() {
    let folder = killed();
    let (exec, note) = noting(&folder);
    let said = renew(&folder, 1, &["--exec", &exec]).expect(0);
    assert!(said.stdout.contains(COMPLETED), "{said}");
    for words in [
        "Nothing is due; nothing was written but what the interrupted run had begun.",
        "at their start alone:\n  kube-scheduler (scheduler)\n",
        "by themselves:\n  etcd (etcd-peer)\n",
        "Was run: printf",
    ] {
        assert!(said.stdout.contains(words), "{words}: {said}");
    }
    assert_eq!(read(&note), "etcd-peer scheduler|kube-scheduler");
    // The next one has nothing to tell.
    fs::remove_file(&note).expect("remove");
    let said = renew(&folder, 1, &["--exec", &exec]).expect(0);
    assert!(!said.stdout.contains("Restart"), "{said}");
    assert!(!note.exists());
}

#[test]
fn a_run_that_is_refused_after_it_completed_another_one_tells_who_reads_that_and_runs_the_command()
{
    let folder = killed();
    let (exec, note) = noting(&folder);
    write(&folder.join("k/pki/apiserver.crt"), "garbage");
    let said = renew(&folder, 1, &["apiserver", "--exec", &exec]).expect(4);
    assert!(said.stdout.contains(COMPLETED), "{said}");
    assert!(
        said.stdout
            .contains("at their start alone:\n  kube-scheduler (scheduler)\n"),
        "{said}"
    );
    let words =
        "refused with 1 error; nothing was written but what the interrupted run had begun\n";
    assert!(said.stderr.ends_with(words), "{said}");
    assert_eq!(read(&note), "etcd-peer scheduler|kube-scheduler");
    // Refused, and nothing was completed: nobody reads anything anew.
    fs::remove_file(&note).expect("remove");
    let more = ["apiserver", "--exec", &exec, "--output", "json"];
    let said = renew(&folder, 1, &more).expect(4);
    let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert!(
        report["processes"].is_null() && report["exec"].is_null(),
        "{said}"
    );
    assert!(!note.exists());
}

#[test]
fn a_command_that_fails_after_a_refusal_is_told_and_the_refusal_stays() {
    let folder = killed();
    write(&folder.join("k/pki/apiserver.crt"), "garbage");
    let said = renew(&folder, 1, &["apiserver", "--exec", "exit 7"]).expect(4);
    let words =
        "what the interrupted run had begun was written, and --exec ended with the exit code 7";
    assert!(said.stderr.contains(words), "{said}");
    let folder = killed();
    let said = renew(&folder, 1, &["--exec", "exit 7"]).expect(1);
    assert!(said.stderr.contains(words), "{said}");
}

#[test]
fn a_run_that_ends_in_an_error_after_it_completed_another_one_tells_of_both() {
    let token = |folder: &TempDir| {
        let token = folder.join("token");
        write(&token, "abcdef.0123456789abcdef");
        set_mode(&token, 0o600);
        token
    };
    let json = ["--output", "json"];
    for (name, fault, code, error) in [
        ("names", None, 2, "error: --remove-san: nobody is in none"),
        ("admin", Some("linkat:error=EIO"), 1, "nothing was changed"),
        (
            "rollback",
            Some("linkat:error=EIO"),
            1,
            "nothing was changed",
        ),
        (
            "bootstrap",
            Some("renameat2:error=EIO"),
            1,
            "nothing was changed",
        ),
    ] {
        let folder = killed();
        let place = ["--kubernetes-dir", text(&folder.join("k"))].map(str::to_owned);
        let token = token(&folder);
        let mut inner = match name {
            "rollback" => certs(&["rollback"]),
            "bootstrap" => {
                let mut verb = certs(&["kubeconfig", "bootstrap-kubelet", "--token-file"]);
                verb.arg(&token);
                verb
            }
            "names" => certs(&["renew", "admin", "--remove-san", "nobody"]),
            name => certs(&["renew", name]),
        };
        inner.args(&place).args(json);
        if let Some(fault) = fault {
            inner = struck(&inner, fault, None);
        }
        let said = run(&mut at(NOON + DAY, "022", &inner)).expect(code);
        let (note, rest) = said.stderr.split_once('\n').expect("a line");
        assert_eq!(note, COMPLETED, "{said}");
        assert!(rest.starts_with(RESTART), "{said}");
        assert!(rest.contains(error), "{said}");
        assert_eq!(said.stdout, "", "{said}");
        assert!(!folder.join("k/pki/.certs-journal").exists(), "{said}");
    }
}

#[test]
fn a_run_that_does_not_get_the_lock_or_meets_a_fault_of_the_system_is_1() {
    let folder = tree();
    let pki = folder.join("k/pki");
    let before = snapshot(&folder.join("k"));
    let mut holder = Command::new(tool("flock"))
        .arg(&pki)
        .args(["sh", "-c", "echo held; read -r line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("flock starts");
    let mut held = [0; 4];
    let stdout = holder.stdout.as_mut().expect("a pipe");
    std::io::Read::read_exact(stdout, &mut held).expect("the lock");
    let said = renew(&folder, 1, &["apiserver", "--lock-timeout", "300ms"]).expect(1);
    for words in ["waiting for another run", "--lock-timeout"] {
        assert!(said.stderr.contains(words), "{said}");
    }
    assert_eq!(said.stdout, "");
    drop(holder.stdin.take());
    holder.wait().expect("flock ends");
    same(&before, &folder.join("k"));
    let day = |command: &Command| run(&mut at(NOON + DAY, "022", command));
    // A file that cannot be read, by name and not.
    let key = pki.join("apiserver.key");
    for flags in [&["apiserver"][..], &["apiserver", "--dry-run"]] {
        let inner = command(&folder, flags);
        let said = day(&struck(&inner, "read:error=EIO", Some(&key))).expect(1);
        let words = "pki/apiserver.key cannot be read: I/O error";
        assert!(said.stderr.contains(words), "{said}");
        same(&before, &folder.join("k"));
    }
    // A directory that cannot be listed.
    let inner = command(&folder, &["scheduler"]);
    let said = day(&struck(&inner, "getdents64:error=EIO", Some(&pki))).expect(1);
    assert!(said.stderr.contains("k/pki"), "{said}");
    assert!(said.stderr.contains("I/O error"), "{said}");
    same(&before, &folder.join("k"));
    // A disk that is full while the new files are written.
    let inner = command(&folder, &["scheduler"]);
    let said = day(&struck(&inner, "fsync:error=ENOSPC:when=1", None)).expect(1);
    assert!(
        said.stderr.contains("no space left on device: make room"),
        "{said}"
    );
    let after: Vec<String> = ["scheduler.conf", "pki/ca.crt"]
        .map(|f| read(&folder.join("k").join(f)))
        .into();
    renew(&folder, 1, &["--within", "0s"]).expect(0);
    assert_eq!(
        after,
        ["scheduler.conf", "pki/ca.crt"].map(|f| read(&folder.join("k").join(f)))
    );
}

#[test]
fn where_nobody_can_write_nothing_is_due_or_one_error_tells_so() {
    let folder = tree();
    let before = snapshot(folder.path());
    let run_in = |directory: &str, days: i64, flags: &[&str]| {
        let command = at(NOON + days * DAY, "022", &command(&folder, flags));
        run(read_only(directory, &command).current_dir(folder.path()))
    };
    // One of its directories is enough.
    run_in("k/pki", 1, &[]).expect(0);
    run_in("k/pki", 1, &["scheduler"]).expect(1);
    let run_at = |days, flags: &[&str]| run_in("k", days, flags);
    let said = run_at(1, &[]).expect(0);
    let nothing = "Nothing is due; nothing was written.";
    assert!(said.stdout.contains(nothing), "{said}");
    for (days, flags) in [(350, &[][..]), (1, &["apiserver"]), (1, &["--all"])] {
        let said = run_at(days, flags).expect(1);
        let words =
            "k/pki is on a read-only file system: choose another place with --kubernetes-dir";
        assert!(said.stderr.contains(words), "{said}");
        assert_eq!(said.stderr.lines().count(), 1, "{said}");
    }
    // What a check would tell is told before that.
    run_at(350, &["--dry-run"]).expect(0);
    run_at(1, &["nobody"]).expect(2);
    same(&before, folder.path());
    let folder = killed();
    let said = run(read_only("k", &command(&folder, &[])).current_dir(folder.path())).expect(1);
    let words = "tells of a run that was interrupted, and is to be completed first";
    assert!(said.stderr.contains(words), "{said}");
}

#[test]
fn a_file_with_its_key_in_it_has_its_certificate_from_the_owner_of_its_ca() {
    let script = r"
        openssl req -new -key apiserver.key -subj /O=dev/CN=both -out request
        printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n' > ext
        openssl x509 -req -in request -CA ca.crt -CAkey ca.key -days 1 -extfile ext -out leaf 2>/dev/null
        cat leaf apiserver.key > both.pem
        chmod 600 both.pem
        rm ext request leaf";
    let folder = tree();
    let pki = folder.join("k/pki");
    let mut cook = Command::new(tool("bash"));
    cook.args(["-euo", "pipefail", "-c", script])
        .current_dir(&pki)
        .env("OPENSSL_CONF", "/dev/null");
    run(&mut at(NOON, "022", &cook)).expect(0);
    let parts = ": put its parts into NAME.crt and NAME.key";
    let owner = ": have the CA's owner issue it, and place it here";
    let lines = |said: &common::Finished| {
        let lines = said.stderr.lines().filter(|line| line.contains("both.pem"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    // By name, by its end, and where that is over and no notice asks for it.
    let runs: [(i64, &[&str]); 3] = [
        (0, &["both.pem"]),
        (2, &["--within", "2d"]),
        (2, &["--all"]),
    ];
    for way_out in [parts, owner] {
        for (days, flags) in runs {
            let dry = [flags, &["--dry-run"]].concat();
            let said = renew(&folder, days, &dry);
            let told = lines(&said);
            let each = told.iter().all(|line| line.contains(way_out));
            assert!(!told.is_empty() && each, "{flags:?} {told:#?}\n{said}");
        }
        if way_out == parts {
            fs::remove_file(pki.join("ca.key")).expect("remove the key of the CA");
        }
    }
}

#[test]
fn what_cannot_be_renewed_here_is_told_with_the_way_out() {
    // What the CA of this tree did not sign, a certificate alone, and one that waits for its CA.
    let script = r"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout away.key -out own.crt -days 1 \
            -subj /CN=foreign -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth 2>/dev/null
        mv away.key own.key; chmod 600 own.key
        openssl req -new -key apiserver.key -subj /O=dev/CN=alone -out request
        printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n' > ext
        openssl x509 -req -in request -CA ca.crt -CAkey ca.key -days 1 -extfile ext -out alone.crt 2>/dev/null
        rm ext request";
    let folder = tree();
    let pki = folder.join("k/pki");
    let mut cook = Command::new(tool("bash"));
    cook.args(["-euo", "pipefail", "-c", script])
        .current_dir(&pki)
        .env("OPENSSL_CONF", "/dev/null");
    run(&mut at(NOON, "022", &cook)).expect(0);
    let before = snapshot(&folder.join("k"));
    for (name, words) in [
        (
            "own.crt",
            "own.crt is due, and no CA that is here signed it: issue it anew where it was made",
        ),
        (
            "alone.crt",
            "alone.crt is due, and lies without a file of its key: issue it anew where its key is",
        ),
    ] {
        let said = renew(&folder, 0, &[name]).expect(3);
        assert!(said.stderr.contains(words), "{said}");
        assert!(said.stdout.contains("Nothing was renewed"), "{said}");
    }
    same(&before, &folder.join("k"));
    let said = renew(&folder, 0, &["--within", "2d"]).expect(3);
    assert!(
        said.stderr.contains("no CA that is here signed it"),
        "{said}"
    );
    // An encrypted key of a CA, asked for by that name.
    let mut encrypt = Command::new(tool("openssl"));
    encrypt.args(["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "10"]);
    encrypt.args(["-passout", "pass:secret", "-in"]);
    let key = pki.join("etcd/ca.key");
    let encrypted = run(encrypt.arg(&key)).expect(0).stdout;
    write(&key, encrypted);
    set_mode(&key, 0o600);
    let said = renew(&folder, 0, &["etcd-ca"]).expect(4);
    let words = "must sign itself, and etcd/ca.key cannot be used";
    assert!(said.stderr.contains(words), "{said}");
    assert!(said.stderr.contains("--ca-passphrase-file"), "{said}");
    // A CA that is over signs nothing, and its leaves are told to be over with it.
    let said = renew(&folder, 3651, &["apiserver"]).expect(4);
    assert!(said.stderr.contains("ca.crt"), "{said}");
    assert!(said.stderr.contains("nothing was written"), "{said}");
}

#[test]
fn a_leaf_that_ends_with_its_ca_waits_for_that() {
    let folder = TempDir::new();
    let mut command = common::all(&folder.join("k"), &["--ca-validity", "100d"]);
    run(&mut at(NOON, "022", command.args(["--validity", "100d"]))).expect(0);
    let before = snapshot(&folder.join("k"));
    let said = renew(&folder, 80, &[]).expect(3);
    for words in [
        "ends on 2027-03-02 12:00:00 UTC with its CA: renewed it would not last longer: see to its CA first: 'certs renew ca' renews it for the same key",
        "'certs renew ca' renews it for the same key",
    ] {
        assert!(said.stderr.contains(words), "{words}: {said}");
    }
    same(&before, &folder.join("k"));
    renew(&folder, 80, &["ca", "etcd-ca", "front-proxy-ca"]).expect(0);
    renew(&folder, 80, &["--ca-within", "0s"]).expect(0);
}

/// How long each leaf of a tree lasts, in hours, but those of `ca`.
fn lasts(folder: &TempDir, names: &[&str]) -> Vec<i64> {
    let hours = |name: &&str| {
        let file = folder.join(&format!("k/pki/{name}.crt"));
        let mut dates = Command::new(tool("openssl"));
        dates.args(["x509", "-noout", "-dates", "-in"]).arg(file);
        let dates = run(&mut dates).expect(0).stdout;
        let seconds = dates.lines().map(|line| {
            let (_, date) = line.split_once('=').expect("a date");
            let seconds = run(Command::new("date").args(["-d", date, "+%s"])).expect(0);
            seconds.stdout.trim().parse::<i64>().expect("seconds")
        });
        let seconds: Vec<i64> = seconds.collect();
        (seconds[1] - seconds[0]) / 3600
    };
    names.iter().map(hours).collect()
}

#[test]
fn a_leaf_that_its_ca_cut_short_is_not_so_for_ever() {
    let folder = TempDir::new();
    let k = folder.join("k");
    let all = common::all(&k, &["--ca-validity", "400d"]);
    run(&mut at(NOON, "022", &all)).expect(0);
    let cut = ["etcd/server", "front-proxy-client"];
    // Two days before the end of all CAs.
    let said = renew(&folder, 398, &["--all"]).expect(3);
    let words = "etcd/server.crt lasts 48h, so that a run a day may come after its end: see to its CA first: \
                 'certs renew etcd-ca' renews it";
    assert!(said.stderr.contains(words), "{said}");
    assert_eq!(lasts(&folder, &cut), [48, 48]);
    let cas = command(&folder, &["ca", "etcd-ca", "front-proxy-ca"]);
    run(&mut at(NOON + 398 * DAY + 60, "022", &cas)).expect(0);
    // Its CA lasts for more than a year, and the way out is run as it is told.
    let check = |days: i64, code: i32| {
        let check = certs(&["check", "--kubernetes-dir", text(&k)]);
        run(&mut at(NOON + days * DAY + 120, "022", &check)).expect(code)
    };
    let said = check(398, 3);
    let words = "front-proxy-client.crt lasts 48h, so that a run a day may come after its end: say how long the new \
                 one is to last: 'certs renew front-proxy-client --validity 8760h'";
    assert!(said.stdout.contains(words), "{said}");
    renew(&folder, 399, &["front-proxy-client", "--validity", "8760h"]).expect(0);
    let said = check(399, 3);
    assert!(
        !said.stdout.contains("front-proxy-client.crt lasts"),
        "{said}"
    );
    // A run of any day finds what it may have been, and says so.
    let said = renew(&folder, 399, &["--all"]).expect(3);
    let words =
        "etcd/server.crt lasted 48h, which its CA may have cut short, and is renewed for 8760h";
    assert!(said.stderr.contains(words), "{said}");
    assert_eq!(lasts(&folder, &cut), [8760, 8760]);
    let said = renew(&folder, 400, &["--all"]).expect(0);
    assert_eq!(said.stderr, "", "{said}");
    check(400, 0);
}

/// kubeadm's configuration said 2160h30m, which is no whole hours, and its leaves began with their CAs.
#[test]
fn what_kubeadm_was_told_is_kept_where_a_leaf_is_as_old_as_its_ca() {
    let folder = unpacked();
    fs::rename(folder.join("custom-validity"), folder.join("k")).expect("rename");
    let said = renew(&folder, 79, &[]).expect(0);
    assert!(!said.stderr.contains("cut short"), "{said}");
    let names = ["apiserver", "etcd/peer", "front-proxy-client"];
    assert!(said.stdout.contains("What was replaced is kept"), "{said}");
    assert_eq!(lasts(&folder, &names), [2160, 2160, 2160]);
}

#[test]
fn what_was_stated_is_kept_also_once_its_ca_was_renewed() {
    let folder = TempDir::new();
    let command = common::all(&folder.join("k"), &["--validity", "30d"]);
    run(&mut at(NOON, "022", &command)).expect(0);
    renew(&folder, 1, &["ca", "etcd-ca", "front-proxy-ca"]).expect(0);
    renew(&folder, 21, &[]).expect(0);
    let names = ["apiserver", "etcd/peer", "front-proxy-client"];
    assert_eq!(lasts(&folder, &names), [720, 720, 720]);
}

#[test]
fn an_old_copy_of_what_was_renewed_is_no_error_and_is_to_be_moved_away() {
    let folder = tree();
    let k = folder.join("k");
    let old = k.join("old");
    fs::create_dir(&old).expect("a folder");
    let copied = [
        "admin.conf",
        "pki/apiserver.crt",
        "pki/apiserver.key",
        "pki/etcd/peer.crt",
        "pki/etcd/peer.key",
    ];
    for file in copied {
        run(Command::new("cp").arg("-p").arg(k.join(file)).arg(&old)).expect(0);
    }
    let check = |days: i64, code: i32| {
        let check = certs(&["check", "--kubernetes-dir", text(&k)]);
        run(&mut at(NOON + days * DAY, "022", &check)).expect(code)
    };
    let way_outs = [
        ("admin.conf", "admin.conf"),
        ("apiserver.crt", "apiserver.crt"),
        ("peer.crt", "etcd/peer.crt"),
    ];
    let tell = |said: &str, severity: &str, verb: &str| {
        for (copy, original) in way_outs {
            let path = text(&old.join(copy)).to_owned();
            let first = said
                .lines()
                .find(|line| line.starts_with(&format!("{severity}: {path} {verb}")))
                .unwrap_or_else(|| panic!("{path} {verb}: {said}"));
            let way_out = format!(
                "move it away if nothing uses it, or have that use {original}, which is renewed"
            );
            assert!(first.ends_with(&way_out), "{first}");
        }
        assert!(!said.contains("call it NAME"), "{said}");
    };
    let said = renew(&folder, 340, &[]).expect(3);
    tell(
        &said.stderr,
        "warning",
        "is due, and lies where no run writes",
    );
    tell(&check(350, 3).stdout, "warning", "ends on");
    // They have ended, and all that is in use is sound: each is told once.
    let said = check(370, 3);
    tell(&said.stdout, "warning", "ended on");
    assert!(said.stdout.ends_with(": 3 warnings.\n"), "{said}");
    for flags in [&[][..], &["--all"]] {
        let said = renew(&folder, 370, flags).expect(3);
        tell(&said.stderr, "warning", "ended on");
        assert!(!said.stderr.contains("error"), "{said}");
    }
    // What in its place is no newer is an error as ever.
    for file in ["apiserver.crt", "apiserver.key"] {
        run(Command::new("cp")
            .arg("-p")
            .arg(old.join(file))
            .arg(k.join("pki")))
        .expect(0);
    }
    let said = check(371, 4);
    let words = format!("error: {} ended on", text(&old.join("apiserver.crt")));
    assert!(said.stdout.contains(&words), "{said}");
    fs::remove_dir_all(&old).expect("moved away");
    renew(&folder, 371, &["apiserver"]).expect(0);
    check(371, 0);
}

#[test]
fn a_kubelet_s_certificate_that_has_ended_is_told_once_with_a_way_out_that_works() {
    let folder = tree();
    let conf = folder.join("k/kubelet.conf");
    fs::create_dir(folder.join("kubelet")).expect("a folder");
    let rotated = folder.join("kubelet/kubelet-client-2026-11-22-12-00-00.pem");
    let current = folder.join("kubelet/kubelet-client-current.pem");
    let halves =
        ["client-certificate-data", "client-key-data"].map(|of| kubeconfig_data(&conf, of));
    write(&rotated, halves.concat());
    set_mode(&rotated, 0o600);
    symlink(rotated.file_name().expect("a name"), &current).expect("a link");
    let held = read(&conf);
    let named = held.lines().map(|line| match line.split_once("-data:") {
        Some((half, _)) if line.contains(" client-") => format!("{half}: {}\n", text(&current)),
        _ => format!("{line}\n"),
    });
    write(&conf, named.collect::<String>());
    let kubelet_dir = folder.join("kubelet");
    let kubelet = ["--kubelet-dir", text(&kubelet_dir)];
    renew(&folder, 350, &[&kubelet[..], &["--all"]].concat()).expect(0);
    let check = |code: i32| {
        let mut check = certs(&["check", "--kubernetes-dir", text(&folder.join("k"))]);
        run(&mut at(NOON + 370 * DAY, "022", check.args(kubelet))).expect(code)
    };
    let error = format!(
        "error: {} ended on 2027-11-22 12:00:00 UTC: 'certs kubeconfig kubelet --force', with the configuration \
         of the cluster, reissues it\n",
        text(&conf)
    );
    let said = check(4);
    assert!(said.stdout.contains(&error), "{said}");
    assert!(said.stdout.ends_with(": 1 error.\n"), "{said}");
    for flags in [&[][..], &["--all"]] {
        let said = renew(&folder, 370, &[&kubelet[..], flags].concat()).expect(4);
        assert!(said.stderr.starts_with(&error), "{said}");
        assert!(!said.stderr.contains("rotates it"), "{said}");
        assert_eq!(
            said.stderr.matches("kubelet").count(),
            error.matches("kubelet").count()
        );
    }
    let mut force = certs(&["kubeconfig", "kubelet", "--force"]);
    force.args([
        "--kubernetes-dir",
        text(&folder.join("k")),
        "--node-name",
        "cp1",
    ]);
    force.args(["--apiserver-advertise-address", "10.0.0.10"]);
    let said = run(&mut at(NOON + 370 * DAY, "022", &force)).expect(0);
    let key = format!(
        "the key {}, to which the link {} leads",
        text(&rotated),
        text(&current)
    );
    assert!(said.stdout.contains(&key), "{said}");
    // It is not used any more, and its kubelet replaces it.
    let said = check(3);
    let words = "kubelet-client-current.pem ended on 2027-11-22 12:00:00 UTC: restart the kubelet, which makes \
                 another with what kubelet.conf holds";
    assert!(said.stdout.contains(words), "{said}");
    assert!(said.stdout.ends_with(": 1 warning.\n"), "{said}");
    let said = renew(&folder, 370, &kubelet).expect(3);
    assert!(said.stderr.contains(words), "{said}");
    fs::remove_file(&rotated).expect("deleted");
    fs::remove_file(&current).expect("replaced");
    check(0);
}

#[test]
fn wrong_arguments_are_2_and_told_all_at_once() {
    let folder = tree();
    let before = snapshot(&folder.join("k"));
    for (flags, words) in [
        (
            &["apiserver", "--remove-san", "a_b"][..],
            "--remove-san: \"a_b\"",
        ),
        (&["--remove-san", "a.example"], "NAME"),
        (&["--lock-timeout", "soon"], "--lock-timeout"),
        (
            &["--ca-passphrase-file", "/nowhere/at/all"],
            "--ca-passphrase-file: there is no such file",
        ),
        (
            &["--config", "/nowhere/at/all.yaml"],
            "/nowhere/at/all.yaml",
        ),
        (&["--validity", "0s"], "--validity"),
        (&["zzz"], "there is no \"zzz\": name one of ca, "),
    ] {
        let said = renew(&folder, 1, flags).expect(2);
        assert!(said.stderr.contains(words), "{words}: {said}");
        assert_eq!(said.stdout, "", "{said}");
    }
    let flags = ["--within", "soon", "--ca-within=-1h", "--lock-timeout", "x"];
    let said = renew(&folder, 1, &flags).expect(2);
    assert!(said.stderr.contains("--ca-within: is negative"), "{said}");
    assert_eq!(said.stderr.lines().count(), 3, "{said}");
    same(&before, &folder.join("k"));
}

/// What has ended is renewed as what is due is: from the configuration that is not at hand nothing is taken, and so nothing
/// of this machine.
#[test]
fn what_has_ended_has_the_renewal_for_its_way_out_and_that_keeps_its_names() {
    let folder = tree();
    let names = |file: &str| {
        let mut openssl = Command::new(tool("openssl"));
        openssl.args(["x509", "-noout", "-ext", "subjectAltName", "-in"]);
        run(openssl.arg(folder.join("k").join(file)))
            .expect(0)
            .stdout
    };
    let before = names("pki/apiserver.crt");
    let check = |code: i32| {
        let check = certs(&["check", "--kubernetes-dir", text(&folder.join("k"))]);
        run(&mut at(NOON + 370 * DAY, "022", &check)).expect(code)
    };
    let said = check(4).stdout;
    for (name, file) in [
        ("apiserver", "pki/apiserver.crt"),
        ("scheduler", "scheduler.conf"),
    ] {
        let told = format!(
            "{file} ended on 2027-11-22 12:00:00 UTC: 'certs renew {name}' renews it, as it is\n"
        );
        assert!(said.contains(&told), "{told} {said}");
        renew(&folder, 370, &[name]).expect(0);
    }
    assert_eq!(names("pki/apiserver.crt"), before);
    let said = check(4).stdout;
    for file in ["apiserver.crt ended", "scheduler.conf ended"] {
        assert!(!said.contains(file), "{said}");
    }
}

#[test]
fn once_a_ca_that_had_ended_is_renewed_what_is_left_to_do_is_told() {
    let folder = TempDir::new();
    let all = common::all(&folder.join("k"), &["--ca-validity", "400d"]);
    run(&mut at(NOON, "022", &all)).expect(0);
    let then = "ended on 2027-11-22 12:00:00 UTC: 'certs renew admin' renews it, as it is";
    for (names, days) in [(&["ca"][..], 500), (&["etcd-ca"], 500)] {
        let said = renew(&folder, days, names);
        assert!(!said.stderr.contains("see to its CA first"), "{said}");
        assert!(names != ["ca"] || said.stderr.contains(then), "{said}");
        let at_once =
            "to every other node that has it, at once, since the former one has ended, and";
        assert!(said.stdout.contains(at_once), "{said}");
    }
    renew(&folder, 500, &["admin"]).expect(0);
    // Of one that is not over there is time.
    let said = renew(&folder, 501, &["ca"]);
    let in_time = "to every other node that has it, before the former one ends, and";
    assert!(said.stdout.contains(in_time), "{said}");
}
