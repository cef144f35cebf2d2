//! How files come to be, as the kernel sees it: by strace, at umask 000 and 077.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

mod common;
use common::{TempDir, certs, listing, mode, read, run, text, tool, wrap};

/// Ten pairs, the service account key pair, five kubeconfigs.
const FILES: usize = 27;

const JOURNAL: &str = ".certs-journal";

/// What is traced: every call that makes, opens up, renames, removes or syncs a file. With a `?`
/// where a machine may lack the call.
const CALLS: &str = "trace=openat,?open,?openat2,?creat,?chmod,fchmod,fchmodat,?fchmodat2,?rename,\
    ?renameat,renameat2,?link,linkat,?unlink,unlinkat,fsync,fdatasync,sync_file_range,write,pwrite64,\
    writev,ftruncate,?mkdir,mkdirat,?mknod,mknodat,?symlink,symlinkat";

#[test]
fn every_file_is_created_exclusively_and_private_whatever_the_umask() {
    for umask in ["000", "077"] {
        for algorithm in ["ECDSA-P256", "RSA-2048"] {
            let made = Made::trace(umask, algorithm);
            creation(&made, FILES)
                .unwrap_or_else(|fault| panic!("umask {umask}, {algorithm}: {fault}"));
        }
    }
}

#[test]
fn no_mode_is_ever_wider_than_the_final_one() {
    for umask in ["000", "077"] {
        let made = Made::trace(umask, "ECDSA-P256");
        modes(&made).unwrap_or_else(|fault| panic!("umask {umask}: {fault}"));
        for file in made.files() {
            let wanted = if file.extension().is_some_and(|suffix| suffix == "crt") {
                0o644
            } else {
                0o600
            };
            let found = mode(&file);
            assert_eq!(found, wanted, "umask {umask}: {}", file.display());
        }
        for folder in made.folders() {
            let found = mode(&folder);
            let folder = folder.display();
            assert_eq!(
                found & !0o755,
                0,
                "umask {umask}: {folder} has mode {found:o}"
            );
        }
    }
}

#[test]
fn staged_files_then_the_journal_are_on_disk_before_the_first_rename_and_folders_before_it_goes() {
    let made = Made::trace("022", "ECDSA-P256");
    order(&made).unwrap_or_else(|fault| panic!("{fault}"));
    opening(&made).unwrap_or_else(|fault| panic!("{fault}"));
}

#[test]
fn the_pass_over_nothing_to_do_writes_nothing() {
    let made = Made::trace("022", "ECDSA-P256");
    assert_eq!(made.files().len(), FILES, "the first run made the tree");
    let again = made.again();
    let read = opening(&again).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(read >= FILES, "only {read} files were read");
    let touched: Vec<_> = again
        .events
        .iter()
        .filter(|event| {
            event.changes()
                && event.succeeded()
                && event.paths().any(|path| path.starts_with(&again.out))
        })
        .map(|event| &event.line)
        .collect();
    assert!(touched.is_empty(), "{touched:#?}");
}

/// Linux before 5.6 has it not, and some sandboxes forbid it.
#[test]
fn a_system_without_openat2_is_as_good() {
    for error in ["ENOSYS", "EPERM"] {
        let folder = TempDir::new();
        let (out, log) = (folder.join("kubernetes"), folder.join("strace"));
        let run = |verb: &[&str]| {
            let mut command = Command::new(tool("strace"));
            command.args(["-f", "-e", &format!("inject=openat2:error={error}")]);
            command.args(["-e", "trace=openat2", "-o", text(&log)]);
            let arguments = [verb, &["--kubernetes-dir", text(&out)]].concat();
            wrap(&mut command, "022", &certs(&arguments));
            let done = self::run(&mut command);
            assert!(read(&log).contains(error), "it was not asked for");
            done.expect(0);
        };
        let given = ["--node-name", "cp1", "--key-algorithm", "ECDSA-P256"];
        run(&[
            &["all"],
            &given[..],
            &["--apiserver-advertise-address", "10.0.0.10"],
        ]
        .concat());
        assert_eq!(listing(&out).len(), FILES + 2, "two folders");
        run(&["check", "--kubelet-dir", text(&folder.join("none"))]);
    }
}

/// A run, and what was seen of it.
struct Made {
    folder: TempDir,
    out: PathBuf,
    events: Vec<Event>,
    algorithm: String,
}

impl Made {
    fn trace(umask: &str, algorithm: &str) -> Self {
        let folder = TempDir::new();
        let out = folder.join("kubernetes");
        let mut made = Self {
            folder,
            out,
            events: Vec::new(),
            algorithm: algorithm.to_owned(),
        };
        made.run(umask);
        made
    }

    /// The same run over what is there.
    fn again(mut self) -> Self {
        self.run("022");
        self
    }

    fn run(&mut self, umask: &str) {
        let log = self.folder.join("strace");
        let inner = certs(&[
            "all",
            "--kubernetes-dir",
            text(&self.out),
            "--node-name",
            "cp1",
            "--apiserver-advertise-address",
            "10.0.0.10",
            "--key-algorithm",
            &self.algorithm,
        ]);
        let mut command = Command::new(tool("strace"));
        command.args([
            "-f",
            "-y",
            "-s",
            "0",
            "-e",
            "signal=none",
            "-e",
            CALLS,
            "-o",
        ]);
        command.arg(&log);
        wrap(&mut command, umask, &inner);
        run(&mut command).expect(0);
        self.events = parse(&read(&log));
    }

    fn files(&self) -> Vec<PathBuf> {
        self.entries(false)
    }

    fn folders(&self) -> Vec<PathBuf> {
        let mut folders = self.entries(true);
        folders.push(self.out.clone());
        folders
    }

    fn entries(&self, folders: bool) -> Vec<PathBuf> {
        listing(&self.out)
            .into_iter()
            .map(|path| self.out.join(path))
            .filter(|path| path.is_dir() == folders)
            .collect()
    }

    fn below(&self, path: &Path) -> bool {
        path.starts_with(&self.out)
    }

    /// The renames that put a staged file in its place: index of the event, from, to.
    fn renames(&self) -> Vec<(usize, &Path, &Path)> {
        let renames = self.events.iter().enumerate();
        renames
            .filter(|(_, event)| event.call.starts_with("rename") && event.succeeded())
            .filter_map(|(index, event)| {
                let mut paths = event.paths();
                let (from, to) = (paths.next()?, paths.next()?);
                (self.below(from) && is_staged(from)).then_some((index, from, to))
            })
            .collect()
    }
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

fn is_staged(path: &Path) -> bool {
    file_name(path).starts_with(".certs-") && file_name(path) != JOURNAL
}

/// Every create has O_EXCL, O_NOFOLLOW and 0600, and each file of the tree came by a rename of one
/// that was created so.
fn creation(made: &Made, expected: usize) -> Result<(), String> {
    let mut created = BTreeSet::new();
    for event in made.events.iter().filter(|event| event.succeeded()) {
        let Some(path) = event.paths().next().filter(|path| made.below(path)) else {
            continue;
        };
        match event.call.as_str() {
            "creat" | "mknod" | "mknodat" | "symlink" | "symlinkat" => {
                return Err(format!("created by {}: {}", event.call, event.line));
            }
            "open" | "openat" | "openat2" => {
                if event.line.contains("O_TRUNC") {
                    return Err(format!("truncates: {}", event.line));
                }
                if !event.line.contains("O_CREAT") {
                    continue;
                }
                for flag in ["O_EXCL", "O_NOFOLLOW"] {
                    if !event.line.contains(flag) {
                        return Err(format!("created without {flag}: {}", event.line));
                    }
                }
                if event.mode() != Some(0o600) {
                    return Err(format!("created with another mode: {}", event.line));
                }
                created.insert(path.to_owned());
            }
            _ => {}
        }
    }
    let arrived: BTreeMap<&Path, &Path> = made
        .renames()
        .into_iter()
        .map(|(_, from, to)| (to, from))
        .collect();
    let files = made.files();
    if files.len() != expected {
        return Err(format!("{expected} files are expected: {files:#?}"));
    }
    for file in &files {
        match arrived.get(file.as_path()) {
            Some(from) if created.contains(*from) => {}
            Some(from) => {
                let from = from.display();
                return Err(format!("{from} was renamed, and its creation not seen"));
            }
            None => return Err(format!("{} did not come by a rename", file.display())),
        }
    }
    Ok(())
}

/// Every open is closed when another program is started, and of what is read no link is followed and no pipe waited for.
/// How many files were read.
fn opening(made: &Made) -> Result<usize, String> {
    let mut read = 0;
    for event in made.events.iter().filter(|event| event.succeeded()) {
        let below = event.paths().next().filter(|path| made.below(path));
        let Some(path) = below.filter(|_| event.call.starts_with("open")) else {
            continue;
        };
        let folder = path.is_dir() || event.line.contains("O_DIRECTORY");
        let needed: &[&str] = if folder || event.line.contains("O_CREAT") {
            &["O_CLOEXEC"]
        } else {
            read += 1;
            &["O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY"]
        };
        if let Some(flag) = needed.iter().find(|flag| !event.line.contains(**flag)) {
            return Err(format!("opened without {flag}: {}", event.line));
        }
    }
    Ok(read)
}

/// No chmod gives a file a bit that it lacks in the end.
fn modes(made: &Made) -> Result<(), String> {
    let places: BTreeMap<&Path, &Path> = made
        .renames()
        .into_iter()
        .map(|(_, from, to)| (from, to))
        .collect();
    let mut seen = 0;
    for event in &made.events {
        if !event.call.contains("chmod") {
            continue;
        }
        let path = event.paths().next().ok_or("a chmod without a path")?;
        if !made.below(path) {
            continue;
        }
        seen += 1;
        let given = event
            .mode()
            .ok_or_else(|| format!("no mode: {}", event.line))?;
        let place = places.get(path).copied().unwrap_or(path);
        let wanted = if place.exists() { mode(place) } else { 0o600 };
        if given & !wanted != 0 {
            return Err(format!("wider than {wanted:o} in the end: {}", event.line));
        }
    }
    // A certificate staged with 0600 needs one to be 0644.
    if seen == 0 {
        return Err("no chmod was seen: the trace is empty".to_owned());
    }
    Ok(())
}

/// fsync of every staged file < fsync of every journal < first rename; fsync of every folder that
/// a file was renamed into, after its last rename < the journals go.
fn order(made: &Made) -> Result<(), String> {
    let renames = made.renames();
    let first_rename = renames.first().ok_or("no rename was seen")?.0;
    let journals: Vec<PathBuf> = made
        .events
        .iter()
        .filter(|event| event.call.starts_with("open") && event.line.contains("O_CREAT"))
        .filter_map(|event| event.paths().next())
        .filter(|path| made.below(path) && file_name(path) == JOURNAL)
        .map(Path::to_owned)
        .collect();
    if journals.is_empty() {
        return Err("no journal was created".to_owned());
    }
    let mut journals_synced = Vec::new();
    for journal in &journals {
        let synced = made
            .sync_after_last_write(journal)
            .ok_or("a journal was not synced")?;
        if synced > first_rename {
            return Err("a rename came before the fsync of a journal".to_owned());
        }
        journals_synced.push(synced);
    }
    let first_journal = journals_synced
        .into_iter()
        .min()
        .expect("there is a journal");
    for (_, from, _) in &renames {
        let from_shown = from.display();
        let synced = made
            .sync_after_last_write(from)
            .ok_or_else(|| format!("{from_shown} was not synced after its last write"))?;
        if synced > first_journal {
            return Err(format!(
                "the journal was synced before {from_shown} was: {}",
                made.events[synced].line
            ));
        }
    }
    let mut folders: BTreeMap<&Path, usize> = BTreeMap::new();
    for (index, _, to) in &renames {
        folders.insert(to.parent().expect("a file has a folder"), *index);
    }
    for journal in &journals {
        let gone = made
            .position(|event| {
                event.call.starts_with("unlink")
                    && event.paths().any(|path| path == journal.as_path())
            })
            .ok_or_else(|| format!("{} was not removed", journal.display()))?;
        for (folder, last) in &folders {
            let synced = made.events.iter().enumerate().any(|(index, event)| {
                index > *last
                    && index < gone
                    && event.syncs()
                    && event.paths().any(|path| path == *folder)
            });
            if !synced {
                let folder = folder.display();
                return Err(format!(
                    "{folder} was not synced between its last rename and the end of a journal"
                ));
            }
        }
    }
    match made
        .files()
        .iter()
        .find(|file| file_name(file).starts_with(".certs-"))
    {
        Some(left) => Err(format!("left behind: {}", left.display())),
        None => Ok(()),
    }
}

impl Made {
    fn position(&self, wanted: impl Fn(&Event) -> bool) -> Option<usize> {
        self.events.iter().position(wanted)
    }

    /// Where the file is synced for the first time after its last write.
    fn sync_after_last_write(&self, path: &Path) -> Option<usize> {
        let about = |event: &Event| event.paths().any(|other| other == path);
        let mut events = self.events.iter();
        let write = events.rposition(|event| event.writes() && about(event))?;
        let synced = |event: &Event| event.syncs() && about(event) && event.succeeded();
        let later = self.events[write..].iter().position(synced)?;
        Some(write + later)
    }
}

/// One system call, told when it ended; a rename or unlink when it began.
struct Event {
    call: String,
    /// The whole line, interrupted ones joined.
    line: String,
    arguments: Vec<String>,
    result: String,
    found: Vec<PathBuf>,
}

impl Event {
    fn parse(line: &str) -> Option<Self> {
        let (call, rest) = line.split_once('(')?;
        let end = rest.rfind(") ")?;
        let result = rest[end + 1..].trim().strip_prefix('=')?.trim().to_owned();
        let arguments = split(&rest[..end]);
        Some(Self {
            call: call.to_owned(),
            line: line.to_owned(),
            found: resolve(&arguments),
            arguments,
            result,
        })
    }

    fn succeeded(&self) -> bool {
        !self.result.starts_with("-1") && !self.result.starts_with('?')
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        self.found.iter().map(PathBuf::as_path)
    }

    fn syncs(&self) -> bool {
        matches!(self.call.as_str(), "fsync" | "fdatasync")
    }

    fn writes(&self) -> bool {
        matches!(
            self.call.as_str(),
            "write" | "pwrite64" | "writev" | "ftruncate"
        )
    }

    fn changes(&self) -> bool {
        let opens = self.call.starts_with("open");
        if opens {
            return ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC"]
                .iter()
                .any(|flag| self.line.contains(flag));
        }
        !self.syncs()
    }

    /// The permission bits: the last argument but flags, in octal; `{mode=…}` of openat2.
    fn mode(&self) -> Option<u32> {
        let octal = |text: &str| {
            let digits = text.strip_prefix('0')?;
            u32::from_str_radix(if digits.is_empty() { "0" } else { digits }, 8).ok()
        };
        let inner = self.arguments.iter().find_map(|argument| {
            let (_, rest) = argument.split_once("mode=")?;
            octal(rest.split([',', '}']).next()?)
        });
        inner.or_else(|| self.arguments.iter().rev().find_map(|text| octal(text)))
    }
}

/// Splits at the commas that are in no string, brace or `<path>`.
fn split(arguments: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut depth, mut escaped) = (false, 0_u32, false);
    for character in arguments.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' | '{' | '[' if !quoted => depth += 1,
            '>' | '}' | ']' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("never empty").push(character);
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

/// The paths that a call is about: each string, below the folder whose descriptor stands before it;
/// a descriptor with no string after it, its file.
fn resolve(arguments: &[String]) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut folder: Option<PathBuf> = None;
    for argument in arguments {
        if let Some(name) = argument.strip_prefix('"') {
            let name = name.trim_end_matches("...").trim_end_matches('"');
            let base = folder.take().unwrap_or_default();
            paths.push(normal(&base.join(name)));
        } else if let Some((_, path)) = argument.split_once('<') {
            if let Some(before) = folder.take() {
                paths.push(before);
            }
            folder = Some(PathBuf::from(path.trim_end_matches('>')));
        } else if let Some(file) = folder.take() {
            paths.push(file);
        }
    }
    paths.extend(folder);
    paths
}

/// Without `.` and a slash at the end.
fn normal(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Joins what `-f` interrupts. A change of names counts from its beginning, all else from its end:
/// the order that is asserted then held on every schedule.
fn parse(log: &str) -> Vec<Event> {
    let mut begun: BTreeMap<&str, String> = BTreeMap::new();
    let mut lines: Vec<String> = Vec::new();
    let mut early: BTreeMap<String, usize> = BTreeMap::new();
    for line in log.lines() {
        let Some((process, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(beginning) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(process, beginning.trim_end().to_owned());
            if beginning.starts_with("rename") || beginning.starts_with("unlink") {
                early.insert(process.to_owned(), lines.len());
                lines.push(String::new());
            }
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some((_, end)) = resumed.split_once(" resumed>") else {
                continue;
            };
            let whole = begun.remove(process).unwrap_or_default() + end;
            match early.remove(process) {
                Some(index) => lines[index] = whole,
                None => lines.push(whole),
            }
        } else {
            lines.push(rest.to_owned());
        }
    }
    lines.iter().filter_map(|line| Event::parse(line)).collect()
}

/// A trace of a program that does it wrong, or right.
fn told(lines: &str) -> Made {
    let folder = TempDir::new();
    let out = folder.join("kubernetes");
    fs::create_dir(&out).expect("make a folder");
    let events = parse(&lines.replace("OUT", text(&out)));
    Made {
        folder,
        out,
        events,
        algorithm: String::new(),
    }
}

const RIGHT: &str = r#"7 openat(AT_FDCWD</>, "OUT/.certs-a-1", O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, 0600) = 3<OUT/.certs-a-1>
8 write(3<OUT/.certs-a-1>, ""..., 9) = 9
7 fchmod(3<OUT/.certs-a-1>, 0600) = 0
7 fsync(3<OUT/.certs-a-1> <unfinished ...>
8 fsync(9</elsewhere>) = 0
7 <... fsync resumed>) = 0
7 openat(5<OUT>, ".certs-journal", O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW, 0600) = 3<OUT/.certs-journal>
7 write(3<OUT/.certs-journal>, ""..., 9) = 9
7 fsync(3<OUT/.certs-journal>) = 0
7 renameat(5<OUT>, ".certs-a-1", 5<OUT>, "ca.key") = 0
7 fsync(5<OUT>) = 0
7 unlinkat(5<OUT>, ".certs-journal", 0) = 0
"#;

#[test]
fn the_right_order_passes_and_each_wrong_one_is_told() {
    order(&told(RIGHT)).expect("the right order");
    let lines: Vec<&str> = RIGHT.lines().collect();
    let moved = |from: usize, to: usize| {
        let mut lines = lines.clone();
        let line = lines.remove(from);
        lines.insert(to, line);
        lines.join("\n")
    };
    let wrong = [
        (moved(9, 8), "before the fsync of a journal"),
        (moved(9, 6), "before the fsync of a journal"),
        (moved(5, 8), "the journal was synced before"),
        (moved(1, 5), "not synced after its last write"),
        (moved(10, 9), "not synced between its last rename"),
        (moved(11, 10), "not synced between its last rename"),
        (lines[..11].join("\n"), "was not removed"),
    ];
    for (trace, words) in wrong {
        let fault = order(&told(&trace)).expect_err(&trace);
        assert!(fault.contains(words), "{fault}\n{trace}");
    }
}

#[test]
fn each_wrong_open_is_told() {
    const READ: &str = r#"7 openat(AT_FDCWD</>, "OUT/ca.key", O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_NOCTTY|O_CLOEXEC) = 3<OUT/ca.key>
7 openat(AT_FDCWD</>, "OUT/etcd", O_RDONLY|O_CLOEXEC|O_DIRECTORY) = 4<OUT/etcd>
"#;
    assert_eq!(opening(&told(READ)), Ok(1));
    for (right, wrong) in [
        ("|O_NOFOLLOW", ""),
        ("|O_NONBLOCK", ""),
        ("|O_NOCTTY", ""),
        ("|O_CLOEXEC)", ")"),
        ("|O_CLOEXEC|O_DIRECTORY", "|O_DIRECTORY"),
    ] {
        let trace = READ.replacen(right, wrong, 1);
        assert_ne!(trace, READ);
        let fault = opening(&told(&trace)).expect_err(&trace);
        assert!(fault.contains("without"), "{fault}");
    }
}

#[test]
fn each_wrong_create_and_mode_is_told() {
    for (right, wrong, words) in [
        ("O_EXCL|", "", "without O_EXCL"),
        ("O_NOFOLLOW|", "", "without O_NOFOLLOW"),
        ("O_EXCL|", "O_EXCL|O_TRUNC|", "truncates"),
        ("O_CLOEXEC, 0600", "O_CLOEXEC, 0640", "another mode"),
    ] {
        let trace = RIGHT.replacen(right, wrong, 1);
        assert_ne!(trace, RIGHT);
        let fault = creation(&told(&trace), 0).expect_err(&trace);
        assert!(fault.contains(words), "{fault}\n{trace}");
    }
    creation(&told(RIGHT), 0).expect("the right create");
    modes(&told(RIGHT)).expect("the right modes");
    let wide = RIGHT.replace("certs-a-1>, 0600", "certs-a-1>, 0644");
    assert_ne!(wide, RIGHT);
    let fault = modes(&told(&wide)).expect_err(&wide);
    assert!(fault.contains("wider than 600"), "{fault}");
}
