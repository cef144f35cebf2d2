//! Places that are full, may not be written, or hold something else than a file.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Finished, run, text};
use crate::ground::{Ground, Layout, drift};
use crate::kills::two_file_systems;
use crate::mounts::{apart, tmpfs};
use crate::sweep::say;

fn mount(arguments: &[&str]) {
    run(Command::new("mount").args(arguments)).expect(0);
}

fn unmount(path: &Path) {
    run(Command::new("umount").arg(path)).expect(0);
}

/// The run ended with one clear error, on a line or two, that says `words`.
#[track_caller]
fn one_error(finished: &Finished, words: &str) {
    let lines: Vec<_> = finished.stderr.lines().collect();
    let errors = lines.iter().filter(|line| line.starts_with("error: "));
    let clear = errors.count() == 1 && lines.len() <= 2 && finished.stderr.contains(words);
    assert!(
        finished.status.code() == Some(1) && clear,
        "one error with {words:?} is expected\n{finished}"
    );
}

#[test]
fn a_disk_that_is_full_anywhere_leaves_nothing_or_a_whole_tree() {
    apart(
        "odd::a_disk_that_is_full_anywhere_leaves_nothing_or_a_whole_tree",
        |folder| {
            let disk = folder.join("disk");
            tmpfs(&disk, "mode=0755,nr_inodes=1000");
            let ground = Ground::new(Layout::One, &disk, &disk, 0);
            // A page of 4 KiB a file; a file system in memory counts no folders.
            let sizes = (1..=40).map(|pages| format!("size={}k", 4 * pages));
            let counts = (6..=44).map(|files| format!("size=1m,nr_inodes={files}"));
            let (mut full, mut made) = (0, 0);
            for limit in sizes.chain(counts) {
                ground.clear();
                mount(&["-o", &format!("remount,{limit}"), text(&disk)]);
                let finished = ground.run(&["all", "--quiet"]);
                if finished.status.success() {
                    made += 1;
                } else {
                    full += 1;
                    one_error(
                        &finished,
                        "no space left on device: make room and run again",
                    );
                    assert!(
                        ground.everything().0.is_empty(),
                        "{limit}: something is left"
                    );
                }
                mount(&["-o", "remount,size=1m,nr_inodes=1000", text(&disk)]);
                ground.run(&["all", "--quiet"]).expect(0);
                ground.tree().whole().expect("a whole tree");
            }
            say(&format!(
                "a full disk: {full} limits fail a run, {made} do not"
            ));
            assert!(full > 20 && made > 5);
        },
    );
}

#[test]
fn a_disk_that_fills_up_while_a_tree_is_repaired_leaves_the_old_tree() {
    apart(
        "odd::a_disk_that_fills_up_while_a_tree_is_repaired_leaves_the_old_tree",
        |folder| {
            let disk = folder.join("disk");
            tmpfs(&disk, "mode=0755,size=1m");
            let ground = Ground::new(Layout::One, &disk, &disk, 0);
            drift(&ground);
            let old = ground.tree();
            // 27 files are there; 7 are staged, 2 journals and 2 lists come with them.
            for pages in 27..=36 {
                mount(&["-o", &format!("remount,size={}k", 4 * pages), text(&disk)]);
                let finished = ground.run(&["all", "--force", "--quiet"]);
                one_error(
                    &finished,
                    "no space left on device: make room and run again",
                );
                ground.tree().same(&old, "changed").expect("the old tree");
                assert_eq!(ground.left(), [""; 0]);
                assert_eq!(ground.backups(), Ok(0));
            }
            mount(&["-o", "remount,size=1m", text(&disk)]);
            ground.run(&["all", "--force", "--quiet"]).expect(0);
            ground.tree().whole().expect("a whole tree");
        },
    );
}

#[test]
fn a_read_only_file_system_is_one_error_and_can_be_read() {
    apart(
        "odd::a_read_only_file_system_is_one_error_and_can_be_read",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let ground = Ground::new(Layout::Two, &first, &second, 0);
            drift(&ground);
            let old = ground.everything();
            for disk in [&first, &second] {
                mount(&["-o", "remount,ro", text(disk)]);
                let finished = ground.run(&["all", "--force"]);
                one_error(
                    &finished,
                    "is on a read-only file system: choose another place",
                );
                ground.run(&["all"]).expect(4);
                let finished = ground.run(&["all", "--force", "--dry-run"]).expect(0);
                assert!(
                    finished.stdout.contains("controller-manager.conf"),
                    "{finished}"
                );
                mount(&["-o", "remount,rw", text(disk)]);
                ground
                    .everything()
                    .same(&old, "changed")
                    .expect("the old tree");
            }
            ground.run(&["all", "--force"]).expect(0);
            for disk in [&first, &second] {
                mount(&["-o", "remount,ro", text(disk)]);
            }
            ground.run(&["all"]).expect(0);
        },
    );
}

/// What may be in a file's place.
#[derive(Clone, Copy, Debug)]
enum Odd {
    Dangling,
    Device,
    Folder,
    Link,
    Loop,
    Pipe,
    Socket,
}

const ODDS: [Odd; 7] = [
    Odd::Dangling,
    Odd::Device,
    Odd::Folder,
    Odd::Link,
    Odd::Loop,
    Odd::Pipe,
    Odd::Socket,
];

/// Puts it in the place of `path`, what was there beside the roots.
fn put(odd: Odd, path: &Path, aside: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).expect("remove a folder");
    } else if path.exists() {
        fs::rename(path, aside).expect("move a file away");
    }
    let link = |target: &Path| std::os::unix::fs::symlink(target, path).expect("make a link");
    match odd {
        Odd::Dangling => link(Path::new("/nonexistent/certs")),
        Odd::Device => {
            run(Command::new("mknod").arg(path).args(["c", "1", "3"])).expect(0);
        }
        Odd::Folder => fs::create_dir(path).expect("make a folder"),
        Odd::Link => link(aside),
        Odd::Loop => link(path),
        Odd::Pipe => {
            run(Command::new("mkfifo").arg(path)).expect(0);
        }
        Odd::Socket => drop(UnixListener::bind(path).expect("make a socket")),
    }
}

#[test]
fn what_is_no_file_in_a_file_s_place_is_told_and_left_alone() {
    apart(
        "odd::what_is_no_file_in_a_file_s_place_is_told_and_left_alone",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let ground = Ground::new(Layout::One, &first, &second, 0);
            ground.run(&["all", "--quiet"]).expect(0);
            ground.save("good");
            let aside = first.join("aside-of-it");
            let mut tried = 0;
            for name in [
                "ca.crt",
                "ca.key",
                "apiserver.crt",
                "etcd/server.key",
                "sa.key",
                "sa.pub",
                "etcd",
                ".certs-journal",
                ".certs-backup",
                ".certs-0123456789abcdef-0",
                "admin.conf",
            ] {
                for odd in ODDS {
                    let folder_of_ours = matches!(name, "etcd" | ".certs-backup");
                    if folder_of_ours && matches!(odd, Odd::Folder) {
                        continue;
                    }
                    ground.restore("good");
                    let root = if name == "admin.conf" {
                        &ground.kubeconfigs
                    } else {
                        &ground.pki
                    };
                    let path = root.join(name);
                    let _ = fs::remove_file(&aside);
                    put(odd, &path, &aside);
                    if !aside.exists() {
                        fs::write(&aside, "of somebody else\n").expect("write a file");
                    }
                    let before = ground.everything();
                    let beside = fs::read(&aside).expect("read a file");
                    for arguments in [&["all", "--quiet"][..], &["all", "--force", "--quiet"]] {
                        let finished = ground.run(arguments);
                        let code = finished.status.code();
                        assert!(
                            matches!(code, Some(1 | 4))
                                && finished.stderr.contains(text(&path))
                                && !finished.stderr.contains("panicked"),
                            "{odd:?} {name}: {finished}"
                        );
                        let same = ground.everything().same(&before, "changed");
                        same.unwrap_or_else(|why| panic!("{odd:?} {name}: {why}\n{finished}"));
                        assert_eq!(
                            fs::read(&aside).expect("read a file"),
                            beside,
                            "{odd:?} {name}: what the link leads to was changed"
                        );
                        tried += 1;
                    }
                }
            }
            say(&format!("no file in a file's place: {tried} runs"));
        },
    );
}

#[test]
fn a_file_that_is_mounted_on_its_own_is_one_error_and_the_tree_stays() {
    apart(
        "odd::a_file_that_is_mounted_on_its_own_is_one_error_and_the_tree_stays",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let ground = Ground::new(Layout::Two, &first, &second, 0);
            drift(&ground);
            let paths: [PathBuf; 2] = [
                ground.pki.join("etcd/server.crt"),
                ground.kubeconfigs.join("controller-manager.conf"),
            ];
            for path in paths {
                mount(&["--bind", text(&path), text(&path)]);
                let old = ground.tree();
                let finished = ground.run(&["all", "--force", "--quiet"]);
                one_error(
                    &finished,
                    "it is mounted on its own, so change what is mounted there",
                );
                assert!(finished.stderr.contains(text(&path)), "{finished}");
                ground.tree().same(&old, "changed").expect("the old tree");
                assert_eq!(ground.left(), [""; 0]);
                unmount(&path);
            }
            ground.run(&["all", "--force", "--quiet"]).expect(0);
            let path = ground.pki.join("ca.key");
            mount(&["--bind", text(&path), text(&path)]);
            ground.run(&["all", "--quiet"]).expect(0);
        },
    );
}
