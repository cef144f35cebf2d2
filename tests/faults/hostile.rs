//! A plain user, in directories where others can put files too.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use crate::common::{Finished, binary, eventually, run, set_mode, text, tool};
use crate::ground::{Ground, Layout};
use crate::mounts::{apart, tmpfs};
use crate::point::{Point, slowed};
use crate::sweep::say;

const NOBODY: u32 = 65534;
const STRANGER: u32 = 4242;

/// A ground of nobody's, where nobody comes to, with a tree.
fn ground_of_nobody() -> Ground {
    // Whatever leads to the temporary folders may be closed to nobody; these mounts are our own.
    let disk = Path::new("/mnt");
    tmpfs(disk, "mode=0755");
    let program = disk.join("certs");
    fs::copy(binary(), &program).expect("copy the program");
    set_mode(&program, 0o755);
    let ground = Ground::new(Layout::One, disk, disk, 0);
    let home = disk.join("worker-0");
    chown(&home, Some(NOBODY), Some(NOBODY)).expect("give a folder away");
    as_nobody(&ground, &["all"]).expect(0);
    ground.save("good");
    ground
}

fn as_nobody(ground: &Ground, arguments: &[&str]) -> Finished {
    let inner = ground.certs(arguments);
    let mut command = Command::new(tool("setpriv"));
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg("/mnt/certs")
        .args(inner.get_args())
        .env_remove("RUST_BACKTRACE")
        .env("NO_COLOR", "1");
    run(&mut command)
}

/// Puts a file there, of `owner` and with `mode`.
fn plant(path: &Path, bytes: &[u8], owner: u32, mode: u32) {
    fs::write(path, bytes).expect("write a file");
    set_mode(path, mode);
    chown(path, Some(owner), Some(owner)).expect("give a file away");
}

/// A journal with a right checksum.
fn journal(ground: &Ground, entry: &str) -> Vec<u8> {
    let body = format!(
        "certs journal 1 list\ntransaction 0123456789abcdef\nsequence 1\ncommand all\ntime 0\nbackup keep\nroot pki {}\n{entry}\n",
        ground.pki.display()
    );
    let sum = sum_of(body.as_bytes());
    format!("{body}sha256 {sum}\n").into_bytes()
}

fn sum_of(bytes: &[u8]) -> String {
    let sum = digest(&SHA256, bytes);
    sum.as_ref()
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// What is planted, and the words that the error must say.
type Case = (&'static str, fn(&Ground), &'static str);

const STAGED: &str = ".certs-0123456789abcdef-0";
const VICTIM: &str = "/mnt/victim";

const CASES: [Case; 15] = [
    (
        "a journal of another user",
        |ground| {
            plant(
                &ground.pki.join(".certs-journal"),
                &good_journal(ground),
                STRANGER,
                0o644,
            );
        },
        "belongs to user 4242",
    ),
    (
        "a journal that another user may write",
        |ground| {
            plant(
                &ground.pki.join(".certs-journal"),
                &good_journal(ground),
                NOBODY,
                0o666,
            );
        },
        "its mode is 0666",
    ),
    (
        "a journal with a second name",
        |ground| {
            let path = ground.pki.join(".certs-journal");
            plant(&path, &good_journal(ground), NOBODY, 0o600);
            fs::hard_link(&path, "/mnt/second-name").expect("make a link");
        },
        "more than one link",
    ),
    (
        "a journal that is a link",
        |ground| link(ground, ".certs-journal"),
        "it is a symbolic link",
    ),
    (
        "a staged file of another user",
        |ground| plant(&ground.pki.join(STAGED), b"planted", STRANGER, 0o600),
        "belongs to user 4242",
    ),
    (
        "a staged file that is a link",
        |ground| link(ground, STAGED),
        "it is a symbolic link",
    ),
    (
        "a staged file with a second name",
        |ground| {
            fs::hard_link(VICTIM, ground.pki.join(STAGED)).expect("make a link");
        },
        "belongs to user 0",
    ),
    (
        "a staged file that others may write",
        |ground| plant(&ground.pki.join(STAGED), b"planted", NOBODY, 0o666),
        "its mode is 0666",
    ),
    (
        "a staged file of another user, and a journal that fits",
        |ground| {
            plant(
                &ground.pki.join(".certs-journal"),
                &good_journal(ground),
                NOBODY,
                0o600,
            );
            plant(&ground.pki.join(STAGED), b"planted", STRANGER, 0o600);
        },
        "belongs to user 4242",
    ),
    (
        "a journal whose staged file has another content",
        |ground| {
            plant(
                &ground.pki.join(".certs-journal"),
                &good_journal(ground),
                NOBODY,
                0o600,
            );
            plant(&ground.pki.join(STAGED), b"exchanged", NOBODY, 0o600);
        },
        "is not what the interrupted run wrote",
    ),
    (
        "a journal that leaves the root",
        |ground| {
            let entry = entry("../../../victim", "600");
            plant(
                &ground.pki.join(".certs-journal"),
                &journal(ground, &entry),
                NOBODY,
                0o600,
            );
        },
        "which this version of certs does not write",
    ),
    (
        "a journal that names a path from the top",
        |ground| {
            let entry = entry(VICTIM, "600");
            plant(
                &ground.pki.join(".certs-journal"),
                &journal(ground, &entry),
                NOBODY,
                0o600,
            );
        },
        "which this version of certs does not write",
    ),
    (
        "a journal that opens a key to all",
        |ground| {
            let entry = entry("ca.key", "666");
            plant(
                &ground.pki.join(".certs-journal"),
                &journal(ground, &entry),
                NOBODY,
                0o600,
            );
        },
        "which this version of certs does not write",
    ),
    (
        "backups of another user",
        |ground| {
            let path = ground.pki.join(".certs-backup");
            fs::create_dir(&path).expect("make a folder");
            set_mode(&path, 0o700);
            chown(&path, Some(STRANGER), Some(STRANGER)).expect("give a folder away");
        },
        "belongs to user 4242",
    ),
    (
        "backups that are a link",
        |ground| link(ground, ".certs-backup"),
        "is a symbolic link",
    ),
];

fn link(ground: &Ground, name: &str) {
    symlink(VICTIM, ground.pki.join(name)).expect("make a link");
}

/// An entry that puts `planted` in the place of what is there, or of nothing.
fn entry(name: &str, mode: &str) -> String {
    format!("file pki {name} {mode} - - {} -", sum_of(b"planted"))
}

fn good_journal(ground: &Ground) -> Vec<u8> {
    journal(ground, &entry("planted.key", "600"))
}

#[test]
fn what_another_user_planted_is_told_and_nothing_is_touched() {
    apart(
        "hostile::what_another_user_planted_is_told_and_nothing_is_touched",
        |_| {
            let ground = ground_of_nobody();
            plant(Path::new(VICTIM), b"of root\n", 0, 0o644);
            for (name, prepare, words) in CASES {
                ground.restore("good");
                prepare(&ground);
                let before = ground.everything();
                for arguments in [&["all"][..], &["all", "--force"]] {
                    let finished = as_nobody(&ground, arguments).expect(1);
                    let one = finished.stderr.lines().count() <= 2;
                    assert!(
                        finished.stderr.contains(words) && one,
                        "{name}: {words:?} is expected\n{finished}"
                    );
                    let same = ground.everything().same(&before, "changed");
                    same.unwrap_or_else(|why| panic!("{name}: {why}\n{finished}"));
                    let victim = fs::read(VICTIM).expect("read a file");
                    assert_eq!(victim, b"of root\n", "{name}");
                }
                // A reader is not kept from reading, and changes nothing.
                as_nobody(&ground, &["all", "--dry-run"]);
                let same = ground.everything().same(&before, "changed");
                same.unwrap_or_else(|why| panic!("{name}: by a reader: {why}"));
            }
            say(&format!("planted by another user: {} cases", CASES.len()));
            // The journal and the staged file of these cases are ones that recovery takes, were
            // they nobody's own.
            ground.restore("good");
            plant(
                &ground.pki.join(".certs-journal"),
                &good_journal(&ground),
                NOBODY,
                0o600,
            );
            plant(&ground.pki.join(STAGED), b"planted", NOBODY, 0o600);
            as_nobody(&ground, &["all"]).expect(0);
            assert!(ground.pki.join("planted.key").is_file());
        },
    );
}

#[test]
fn a_plain_user_is_told_what_it_may_not_read_or_write() {
    apart(
        "hostile::a_plain_user_is_told_what_it_may_not_read_or_write",
        |_| {
            let ground = ground_of_nobody();
            let cases: [(PathBuf, u32, &str); 3] = [
                (ground.pki.clone(), 0o755, "no permission to write to"),
                (
                    ground.kubeconfigs.clone(),
                    0o755,
                    "no permission to write to",
                ),
                (ground.pki.join("ca.key"), 0o600, "permission denied"),
            ];
            for (path, mode, words) in cases {
                ground.restore("good");
                chown(&path, Some(0), Some(0)).expect("take a file");
                set_mode(&path, mode);
                let before = ground.everything();
                for arguments in [&["all"][..], &["all", "--force"]] {
                    let finished = as_nobody(&ground, arguments);
                    let code = finished.status.code();
                    assert!(
                        matches!(code, Some(1 | 4))
                            && finished.stderr.contains(words)
                            && finished.stderr.contains(text(&path)),
                        "{words:?} is expected\n{finished}"
                    );
                    ground
                        .everything()
                        .same(&before, "changed")
                        .expect("the old tree");
                }
            }
        },
    );
}

/// Whoever owns the certificates' folder can exchange what is in it at any moment of root's run.
#[test]
fn backups_that_are_exchanged_while_root_removes_one_cost_nothing_elsewhere() {
    apart(
        "hostile::backups_that_are_exchanged_while_root_removes_one_cost_nothing_elsewhere",
        |folder| {
            let ground = Ground::new(Layout::One, folder, folder, 0);
            ground.run(&["all"]).expect(0);
            let victim = folder.join("victim");
            fs::create_dir(&victim).expect("make a folder");
            fs::write(victim.join("file"), b"of root\n").expect("write a file");
            // What root's run left that was killed before it decided anything.
            let backups = ground.pki.join(".certs-backup");
            let backup = backups.join("0123456789abcdef");
            for path in [&backups, &backup] {
                fs::create_dir(path).expect("make a folder");
                set_mode(path, 0o700);
            }
            plant(&backup.join("journal"), b"", 0, 0o600);
            plant(&ground.pki.join(STAGED), b"staged", 0, 0o600);
            let evil = ground.pki.join("evil");
            fs::create_dir(&evil).expect("make a folder");
            symlink(&victim, evil.join("0123456789abcdef")).expect("make a link");
            for path in [&ground.pki, &evil] {
                chown(path, Some(NOBODY), Some(NOBODY)).expect("give a folder away");
            }
            // The list of the backup goes first; meanwhile the folder above it becomes another.
            let first = Point {
                call: "unlinkat".to_owned(),
                nth: 1,
                class: String::new(),
                changes: true,
            };
            let log = ground.aside.join("slowed");
            let mut run = slowed(&ground, &["all"], &first, &log)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("start strace");
            eventually(Duration::from_secs(20), || {
                let lines = fs::read_to_string(&log).unwrap_or_default();
                lines
                    .contains("unlinkat(")
                    .then_some(())
                    .ok_or_else(|| "nothing is removed yet".to_owned())
            });
            assert!(run.try_wait().expect("look at the run").is_none());
            fs::rename(&backups, ground.pki.join("saved")).expect("move a folder");
            fs::rename(&evil, &backups).expect("move a folder");
            let output = run.wait_with_output().expect("wait for a run");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                !output.status.success() && said.contains("belongs to user 65534"),
                "{said}"
            );
            assert!(victim.join("file").is_file(), "{said}");
        },
    );
}
