//! `certs all --inventory --archive`: beside the tree of each node one file that has all of it.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

mod common;
use common::snapshot::{same, snapshot};
use common::trees::{MEMBERS, NODES, PLANES, Trees, WORKERS};
use common::{
    TempDir, certs, listing, mode, read, run, set_mode, text, tool, venv, with_umask, write,
};

const ARCHIVE: &[&str] = &["--archive"];

fn archived() -> Trees {
    let trees = Trees::of(NODES);
    trees.all(ARCHIVE).expect(0);
    trees
}

fn archive(trees: &Trees, node: &str) -> PathBuf {
    trees.out().join(format!("{node}.tar"))
}

fn all_nodes() -> impl Iterator<Item = &'static str> {
    PLANES.into_iter().chain(MEMBERS).chain(WORKERS)
}

/// Kind, mode, owner and content of all that is below a folder, but what runs keep there, and what a kubelet has replaced.
fn whole(place: &Path) -> BTreeMap<PathBuf, String> {
    let link = fs::read_link(place.join("var/lib/kubelet/pki/kubelet-client-current.pem")).ok();
    let former = |path: &PathBuf| {
        let current = link
            .as_ref()
            .is_some_and(|to| path.ends_with(to) || path.ends_with("kubelet-client-current.pem"));
        text(path).contains("pki/kubelet-client-") && !current
    };
    let hidden = |path: &PathBuf| text(path).contains(".certs-") || former(path);
    let paths = listing(place).into_iter().filter(|path| !hidden(path));
    let look = |path: PathBuf| {
        let whole = place.join(&path);
        let found = fs::symlink_metadata(&whole).expect("metadata");
        let content = if found.is_symlink() {
            text(&fs::read_link(&whole).expect("a link")).to_owned()
        } else if found.is_file() {
            read(&whole)
        } else {
            String::new()
        };
        let (uid, gid) = (found.uid(), found.gid());
        (path, format!("{:o} {uid}:{gid} {content}", found.mode()))
    };
    paths.map(look).collect()
}

/// As GNU tar unpacks it for root, into what is there.
fn unpack(archive: &Path, place: &Path) {
    let mut tar = Command::new(tool("tar"));
    tar.args(["-C", text(place), "-xf", text(archive)]);
    let said = run(&mut with_umask("022", &tar)).expect(0);
    assert_eq!(said.stdout + &said.stderr, "");
}

#[test]
fn gnu_tar_unpacks_the_tree_as_it_is() {
    let trees = Trees::of(NODES);
    let owned = ["--archive", "--owner", "65534", "--group", "4000000"];
    trees.all(&owned).expect(0);
    // What was replaced is in no archive.
    write(
        &trees.node("worker1", "var/lib/kubelet/pki/kubelet.crt"),
        "x",
    );
    trees.all(&[&owned[..], &["--force"]].concat()).expect(0);
    assert!(
        trees
            .node("worker1", "var/lib/kubelet/pki/.certs-backup")
            .is_dir()
    );
    for node in all_nodes() {
        let place = TempDir::new();
        unpack(&archive(&trees, node), place.path());
        let unpacked = whole(place.path());
        assert_eq!(unpacked, whole(&trees.out().join(node)), "{node}");
        let hidden = |path: &PathBuf| text(path).contains(".certs-");
        assert!(!listing(place.path()).iter().any(hidden), "{node}");
    }
    let key = trees.pki("cp1", "apiserver.key");
    assert_eq!(fs::metadata(key).expect("metadata").uid(), 65534);
}

/// They are there on any node, some for their owner alone.
#[test]
fn directories_above_a_tree_keep_their_modes() {
    let trees = archived();
    let place = TempDir::new();
    let above = ["etc", "var", "var/lib", "var/lib/kubelet"];
    for folder in above {
        fs::create_dir(place.join(folder)).expect("make a folder");
        set_mode(&place.join(folder), 0o700);
    }
    unpack(&archive(&trees, "worker1"), place.path());
    for folder in above {
        assert_eq!(mode(&place.join(folder)), 0o700, "{folder}");
    }
    assert_eq!(mode(&place.join("etc/kubernetes")), 0o755);
}

#[test]
fn another_reader_finds_the_same_and_no_time() {
    let trees = archived();
    let script = "\
import sys, tarfile
with tarfile.open(sys.argv[1], 'r:') as tar:
    assert tar.pax_headers == {}
    for member in tar:
        assert member.mtime == 0 and member.uname == '' and member.gname == ''
        kind = {tarfile.DIRTYPE: 'd', tarfile.REGTYPE: '-', tarfile.SYMTYPE: 'l'}[member.type]
        print(kind, oct(member.mode)[2:], member.uid, member.gid, member.name, member.linkname)
";
    let list = |node: &str| {
        let mut python = Command::new(venv("python"));
        python.args(["-c", script, text(&archive(&trees, node))]);
        run(&mut python).expect(0).stdout
    };
    let found = list("worker1");
    let mut lines: Vec<&str> = found.lines().collect();
    let rotated = lines.remove(6);
    let name = rotated
        .strip_prefix("- 600 0 0 var/lib/kubelet/pki/")
        .expect(rotated);
    let link = format!("l 777 0 0 var/lib/kubelet/pki/kubelet-client-current.pem {name}");
    let wanted = [
        "d 755 0 0 etc/kubernetes ",
        "- 600 0 0 etc/kubernetes/kube-proxy.conf ",
        "- 600 0 0 etc/kubernetes/kubelet.conf ",
        "d 755 0 0 etc/kubernetes/pki ",
        "- 644 0 0 etc/kubernetes/pki/ca.crt ",
        "d 755 0 0 var/lib/kubelet/pki ",
        link.trim_end(),
        "- 644 0 0 var/lib/kubelet/pki/kubelet.crt ",
        "- 600 0 0 var/lib/kubelet/pki/kubelet.key ",
    ];
    assert_eq!(lines, wanted);
    for node in all_nodes() {
        list(node);
    }
}

#[test]
fn the_same_tree_is_the_same_archive_whenever_it_is_made() {
    let trees = archived();
    let before = snapshot(&trees.out());
    let told = trees.all(ARCHIVE).expect(0).stdout;
    assert!(
        told.ends_with("as wanted on 8 nodes; nothing was written.\n"),
        "{told}"
    );
    same(&before, &trees.out());
    // Of which nothing tells when that was.
    let path = archive(&trees, "cp1");
    let was = fs::read(&path).expect("an archive");
    fs::remove_file(&path).expect("remove an archive");
    let key = trees.pki("cp1", "sa.key");
    let bytes = fs::read(&key).expect("a key");
    fs::write(&key, bytes).expect("write the same");
    let told = trees.all(ARCHIVE).expect(0).stdout;
    assert!(
        told.contains(
            "Archived:\n  1 node, each beside its tree in NODE.tar\nKept as it is:\n  8 nodes\n"
        ),
        "{told}"
    );
    assert_eq!(fs::read(&path).expect("an archive"), was);
    // One that was cut off.
    fs::write(&path, "").expect("empty it");
    trees.all(ARCHIVE).expect(0);
    assert_eq!(fs::read(&path).expect("an archive"), was);
}

#[test]
fn an_archive_follows_its_tree_and_a_dry_run_tells_it() {
    let trees = Trees::of(NODES);
    let json = |flags: &[&str]| -> Value {
        let told = trees
            .all(&[flags, &["--output", "json"]].concat())
            .expect(0);
        serde_json::from_str(&told.stdout).expect("JSON")
    };
    let steps = |report: &Value| -> String {
        let nodes = report["nodes"].as_array().expect("nodes");
        let steps = nodes
            .iter()
            .map(|node| node["archive"].as_str().unwrap_or("-"));
        steps.collect::<Vec<_>>().join(" ")
    };
    let create = ["create"; 8].join(" ");
    let told = trees.all(&["--archive", "--dry-run"]).expect(0).stdout;
    assert!(
        told.contains("Would archive:\n  8 nodes, each beside its tree in NODE.tar\n"),
        "{told}"
    );
    assert!(!trees.out().exists());
    assert_eq!(steps(&json(&[])), ["-"; 8].join(" "));
    let made = json(ARCHIVE);
    assert_eq!((steps(&made), &made["result"]), (create, &"changed".into()));
    let before = snapshot(&trees.out());
    let moved = NODES.replace("[10.0.1.2]", "[10.0.1.99]");
    write(&trees.0.join("nodes.yaml"), &moved);
    let changed = "keep keep keep keep keep keep keep replace";
    let dry = json(&["--archive", "--dry-run", "--force"]);
    assert_eq!(
        (steps(&dry), &dry["result"]),
        (changed.to_owned(), &"planned".into())
    );
    // A run that is refused changes nothing of them.
    trees.all(ARCHIVE).expect(4);
    same(&before, &trees.out());
    assert_eq!(steps(&json(&["--archive", "--force"])), changed);
    let place = TempDir::new();
    unpack(&archive(&trees, "worker2"), place.path());
    assert_eq!(whole(place.path()), whole(&trees.out().join("worker2")));
}

#[test]
fn without_the_flag_one_that_is_no_more_of_its_tree_is_told() {
    let trees = archived();
    write(
        &trees.0.join("nodes.yaml"),
        NODES.replace("[10.0.1.2]", "[10.0.1.99]"),
    );
    let told = trees.all(&["--force"]).expect(0).stdout;
    let words = format!(
        "note: {} is of the tree as it was: 'certs all --inventory ",
        archive(&trees, "worker2").display()
    );
    assert!(told.contains(&words), "{told}");
    assert_eq!(told.matches("note: ").count(), 2, "{told}");
    let renamed = NODES.replace("api.example.com", "new.example.com");
    write(&trees.0.join("nodes.yaml"), renamed);
    let told = trees.all(&["--force"]).expect(0).stdout;
    let words = "cp1.tar is of the tree as it was, and 4 more: 'certs all --inventory ";
    assert!(
        told.contains(words) && told.contains(" makes them anew\n"),
        "{told}"
    );
    trees.all(ARCHIVE).expect(0);
    assert!(!trees.all(&["--force"]).expect(0).stdout.contains(".tar"));
}

/// Of whatever was renewed: no archive has a key that was replaced, and what is left behind in the tree is known by its name.
#[test]
fn a_key_that_was_replaced_is_in_no_archive() {
    let trees = Trees::of(NODES);
    trees.all(ARCHIVE).expect(0);
    let keys = |place: &Path| -> BTreeSet<String> {
        let files = listing(place).into_iter().map(|path| place.join(path));
        let held = files.filter(|path| path.is_file()).map(|path| read(&path));
        let keys = held.filter_map(|held| {
            let data = held
                .split_once("client-key-data: ")
                .map(|(_, rest)| rest.to_owned());
            let pem = held
                .find("-----BEGIN EC PRIVATE KEY")
                .map(|at| held[at..].to_owned());
            data.or(pem)
        });
        keys.collect()
    };
    let unpacked = |node: &str| {
        let place = TempDir::new();
        unpack(&archive(&trees, node), place.path());
        place
    };
    let former: Vec<BTreeSet<String>> = all_nodes()
        .map(|node| keys(unpacked(node).path()))
        .collect();
    let mut renew = certs(&[
        "renew",
        "--all",
        "--inventory",
        "nodes.yaml",
        "--out",
        "out",
    ]);
    run(renew.current_dir(trees.0.path())).expect(0);
    trees.all(ARCHIVE).expect(0);
    let mut replaced = 0;
    for (node, former) in all_nodes().zip(former) {
        let place = unpacked(node);
        let now = keys(place.path());
        assert_eq!(now.len(), former.len(), "{node}");
        // Those that all share stay.
        let gone: BTreeSet<&String> = former.difference(&now).collect();
        replaced += gone.len();
        let tree = trees.out().join(node);
        let old: Vec<PathBuf> = listing(&tree)
            .into_iter()
            .filter(|path| {
                tree.join(path).is_file()
                    && gone
                        .iter()
                        .any(|key| read(&tree.join(path)).contains(key.as_str()))
            })
            .collect();
        let left = |path: &PathBuf| {
            let dot = path
                .iter()
                .any(|part| text(Path::new(part)).starts_with('.'));
            dot || text(path).contains("pki/kubelet-client-2")
        };
        assert!(!old.is_empty() && old.iter().all(left), "{node} {old:?}");
    }
    // 3 control planes with 10 or 11, 3 members with 3, and 2 workers with 3 of their own.
    assert!(replaced > 30, "{replaced}");
    for node in WORKERS {
        let pki = trees.node(node, "var/lib/kubelet/pki");
        let clients = |place: &Path| {
            let all = listing(place).into_iter();
            all.filter(|path| text(path).starts_with("kubelet-client-2"))
                .count()
        };
        let unpacked = unpacked(node);
        assert_eq!(
            (
                clients(&pki),
                clients(&unpacked.join("var/lib/kubelet/pki"))
            ),
            (2, 1)
        );
    }
}

/// Whatever changes a tree tells the command that makes its archive anew, and that does.
#[test]
fn each_run_that_changes_a_tree_tells_what_makes_its_archive_anew() {
    let trees = archived();
    let over = |verb: &[&str]| {
        let mut command = certs(verb);
        command.args(["--inventory", "nodes.yaml"]);
        run(command.current_dir(trees.0.path())).expect(0).stdout
    };
    let makes = |told: &str| {
        let begun = told
            .split_once(" of the tree as it was: '")
            .or(told.split_once(" more: '"));
        let command = begun.and_then(|(_, rest)| Some(rest.split_once('\'')?.0));
        let command = command.unwrap_or_else(|| panic!("{told}"));
        let arguments: Vec<&str> = command.split(' ').skip(1).collect();
        assert_eq!(
            command,
            "certs all --inventory nodes.yaml --out out --archive"
        );
        run(certs(&arguments).current_dir(trees.0.path())).expect(0);
        let place = TempDir::new();
        unpack(&archive(&trees, "worker1"), place.path());
        assert_eq!(whole(place.path()), whole(&trees.out().join("worker1")));
        let again = over(&["all", "--out", "out", "--archive"]);
        assert!(again.contains("nothing was written"), "{again}");
    };
    makes(&over(&["renew", "kube-proxy", "--out", "out"]));
    let told = over(&["renew", "node", "worker1", "--out", "out"]);
    assert!(!told.contains(" more: "), "{told}");
    makes(&told);
    fs::create_dir(trees.0.join("machine")).expect("make a folder");
    fs::rename(trees.out().join("ca"), trees.0.join("machine/pki")).expect("move");
    fs::create_dir(trees.out().join("ca")).expect("make a folder");
    for file in [
        "ca.crt",
        "sa.pub",
        "sa.key",
        "front-proxy-ca.crt",
        "front-proxy-ca.key",
    ] {
        fs::copy(
            trees.0.join("machine/pki").join(file),
            trees.out().join("ca").join(file),
        )
        .expect("copy");
    }
    let asked = over(&[
        "csr",
        "kubelet-serving",
        "--out",
        "out",
        "--csr-dir",
        "csrs",
    ]);
    assert!(asked.contains(".tar is of the tree as it was"), "{asked}");
    over(&["sign", "csrs", "--kubernetes-dir", "machine"]);
    let imported = over(&["import", "csrs", "--out", "out"]);
    assert!(
        imported.contains(".tar is of the tree as it was"),
        "{imported}"
    );
    let again = over(&["import", "csrs", "--out", "out"]);
    assert!(!again.contains(".tar"), "{again}");
}

#[test]
fn what_a_node_that_left_had_is_named_and_no_archive_is_taken_for_a_tree() {
    let trees = archived();
    let left = "- {name: worker2, addresses: [10.0.1.2], roles: [worker]}\n";
    write(&trees.0.join("nodes.yaml"), NODES.replace(left, ""));
    // Another's, which is none of ours.
    write(&trees.out().join("home.tar"), "tar");
    for flags in [&[][..], ARCHIVE] {
        let told = trees.all(flags).expect(0).stdout;
        let words = "note: worker2 is no node of the inventory, and stays as it is\n\
                     note: worker2.tar is of no node of the inventory, and stays as it is\n";
        assert!(told.contains(words), "{told}");
        assert_eq!(told.matches("note: ").count(), 3, "{told}");
    }
    assert!(archive(&trees, "worker2").exists());
    let mut check = certs(&["check", "--inventory", text(&trees.0.join("nodes.yaml"))]);
    let told = run(check.args(["--out", text(&trees.out())]))
        .expect(0)
        .stdout;
    assert!(!told.contains(".tar"), "{told}");
}

/// Until it is removed or made anew, of each node that is listed or was.
#[test]
fn the_former_key_in_an_archive_is_named_once_its_ca_is_replaced() {
    let trees = archived();
    let rotate = |arguments: &[&str]| run(&mut trees.over(&[&["rotate"], arguments].concat()));
    rotate(&["ca", "trust"]).expect(0);
    // As whoever lists it no more and removes its tree leaves it.
    fs::remove_dir_all(trees.out().join("cp3")).expect("a tree");
    let inventory = trees.0.join("nodes.yaml");
    let all = read(&inventory);
    let left = all.lines().filter(|line| !line.contains("name: cp3"));
    write(&inventory, left.collect::<Vec<_>>().join("\n") + "\n");
    rotate(&["ca", "issue", "--restarted"]).expect(0);
    let flags = format!(
        "--inventory {} --out {}",
        text(&inventory),
        text(&trees.out())
    );
    let named = |code| {
        let told = rotate(&["ca", "drop", "--restarted"]).expect(code).stderr;
        let words = " holds a former key, which is to be nowhere: remove it or, of a node that is listed, have it made anew ('certs ";
        let way_out =
            format!("all {flags} --archive', with the flags that the trees were made with)");
        let lines = told.lines().filter_map(|line| line.split_once(words));
        let mut names: Vec<String> = lines
            .map(|(path, then)| {
                assert_eq!(then, way_out, "{told}");
                path.trim_start_matches("error: ").to_owned()
            })
            .collect();
        names.sort();
        names
    };
    let path = |node| text(&archive(&trees, node)).to_owned();
    // Members and workers have no key of the cluster's CA.
    assert_eq!(named(1), ["cp1", "cp2", "cp3"].map(path));
    trees.all(ARCHIVE).expect(0);
    assert_eq!(named(1), [path("cp3")]);
    fs::remove_file(archive(&trees, "cp3")).expect("an archive");
    // Another's is not looked into.
    write(&trees.out().join("home.tar"), "etc/kubernetes/pki/ca.key");
    assert!(named(0).is_empty());
    // Of an archive that is of the tree as it is nothing is told.
    trees.all(ARCHIVE).expect(0);
    for stage in [&["sa", "trust"][..], &["sa", "issue", "--restarted"]] {
        rotate(stage).expect(0);
    }
    trees.all(ARCHIVE).expect(0);
    let told = rotate(&["sa", "drop", "--restarted"]).expect(0);
    assert!(!told.stderr.contains("holds a former key"), "{told}");
}

/// Before anything is made.
#[test]
fn what_cannot_be_an_archive_is_told_and_stays() {
    let trees = Trees::of(NODES);
    let path = archive(&trees, "worker1");
    let refused = |words: &str| {
        for flags in [ARCHIVE, &["--archive", "--dry-run"]] {
            let told = trees.all(flags).expect(1);
            let wanted = format!("error: {} {words}\n", path.display());
            assert_eq!(told.stderr, wanted, "{told}");
            assert!(!trees.out().join("ca").exists(), "{told}");
        }
    };
    fs::create_dir(trees.out()).expect("make a folder");
    fs::create_dir(&path).expect("make a folder");
    refused("is a directory, not an archive: move it away, or leave out --archive");
    fs::remove_dir(&path).expect("remove a folder");
    symlink("elsewhere", &path).expect("make a link");
    refused("is a symbolic link, not an archive: move it away, or leave out --archive");
    fs::remove_file(&path).expect("remove a link");
    // What somebody else packed may be the last copy of a key.
    let mut tar = Command::new(tool("tar"));
    tar.args(["-C", text(trees.0.path()), "-cf", text(&path), "nodes.yaml"]);
    run(&mut tar).expect(0);
    refused("is not what this command wrote before: move it away, or leave out --archive");
    trees.all(&[]).expect(0);
    fs::remove_file(&path).expect("remove an archive");
    // In a tree what an archive cannot have.
    let before = snapshot(&trees.out());
    let place = trees.node("worker1", "etc/kubernetes/manifests");
    symlink("/etc", &place).expect("make a link");
    let told = trees.all(ARCHIVE).expect(1).stderr;
    let words = "manifests is a symbolic link, which is in no archive of a tree: move it away, or leave out --archive";
    assert!(told.contains(words), "{told}");
    fs::remove_file(&place).expect("remove a link");
    let large = trees.node("worker1", "etc/kubernetes/core");
    fs::write(&large, vec![0; 2 << 20]).expect("write a large file");
    let told = trees.all(ARCHIVE).expect(1).stderr;
    assert!(
        told.contains("etc/kubernetes/core") && told.contains("1 MiB"),
        "{told}"
    );
    fs::remove_file(&large).expect("remove a file");
    let files = |snapshot: &common::snapshot::Snapshot| {
        let paths = snapshot.keys().cloned();
        paths.collect::<Vec<_>>()
    };
    assert_eq!(files(&before), files(&snapshot(&trees.out())));
    trees.all(ARCHIVE).expect(0);
}

#[test]
fn a_node_that_is_called_as_the_archive_of_another_is_refused() {
    let trees = Trees::of(&NODES.replace("worker2", "worker1.tar"));
    let told = trees.all(ARCHIVE).expect(2).stderr;
    assert_eq!(
        told,
        "error: the node worker1.tar has the name of the archive of worker1: leave out --archive, or name it otherwise\n"
    );
    assert!(!trees.out().exists());
    trees.all(&[]).expect(0);
    // Without an inventory there is nothing to be archived.
    run(&mut certs(&["all", "--archive"])).expect(2);
}

#[test]
fn nobody_else_may_read_an_archive_at_any_moment() {
    let trees = Trees::of(NODES);
    let log = trees.0.join("log");
    let mut strace = Command::new(tool("strace"));
    strace.args(["-f", "-o", text(&log)]);
    strace.args([
        "-e",
        "trace=openat,fchmod,fchmodat,rename,renameat,renameat2,link,linkat",
    ]);
    let inner = trees.command(ARCHIVE);
    strace.arg(inner.get_program()).args(inner.get_args());
    run(&mut with_umask("000", &strace)).expect(0);
    let seen = read(&log);
    let made = seen
        .lines()
        .filter(|line| line.contains("O_CREAT") && line.contains(".tar\""));
    let made: Vec<&str> = made.collect();
    assert_eq!(made.len(), 8, "{made:#?}");
    for line in made {
        let exclusive = ["O_EXCL", "O_NOFOLLOW", ", 0600"];
        assert!(exclusive.iter().all(|word| line.contains(word)), "{line}");
    }
    let named = seen
        .lines()
        .filter(|line| line.contains("rename") && line.contains(".tar\""));
    for line in named {
        assert!(line.contains("renameat("), "{line}");
    }
    for node in all_nodes() {
        assert_eq!(mode(&archive(&trees, node)), 0o600, "{node}");
    }
    assert!(
        !listing(&trees.out())
            .iter()
            .any(|path| text(path).contains(".certs-"))
    );
}

/// Each archive is whole at any moment, and the next run makes the rest.
#[test]
fn a_run_that_is_killed_is_completed_by_the_next() {
    let workers = 60;
    let nodes: Vec<String> = (1..=workers)
        .map(|number| format!("w{number},10.9.0.{number},worker\n"))
        .collect();
    let nodes = nodes.concat();
    let trees = Trees::of(&format!("name,addresses,roles\n{nodes}"));
    let flags = ["--archive", "--control-plane-endpoint", "api.example.com"];
    let flags = [&flags[..], &["--key-algorithm", "ECDSA-P256"]].concat();
    let begun = Instant::now();
    trees.all(&flags).expect(0);
    let time = begun.elapsed();
    let kills = 6;
    for number in 0..kills {
        // The second half of a run has the archives.
        fs::remove_dir_all(trees.out()).expect("remove the trees");
        let mut command = trees.command(&flags);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = command.spawn().expect("start a run");
        std::thread::sleep(time / 2 + time * number / kills / 2);
        running.kill().expect("kill it");
        running.wait().expect("it has ended");
        trees.all(&flags).expect(0);
        for worker in 1..=workers {
            let node = format!("w{worker}");
            let place = TempDir::new();
            unpack(&archive(&trees, &node), place.path());
            assert_eq!(
                whole(place.path()),
                whole(&trees.out().join(&node)),
                "{node}"
            );
        }
        let told = trees.all(&flags).expect(0).stdout;
        assert!(told.contains("nothing was written"), "{told}");
        let hidden = |path: &PathBuf| text(path).contains(".certs-");
        assert!(!listing(&trees.out()).iter().any(hidden));
    }
}
