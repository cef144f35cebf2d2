//! Tests over real directories.

// These tests stand for the other programs that write in the same directories.
#![allow(clippy::disallowed_methods)]

mod backup;
mod commit;
mod exchange;
mod folder;
mod fresh;
mod involved;
mod link;
mod lock;
mod nested;
mod output;
mod places;
mod read;
mod real;
mod recover;
mod users;
mod walk;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Change, CommitOptions, Origin, Roots, Store, TransactionId, Writer};
use crate::key;
use crate::location::{FileId, Owner, Root};
use crate::rollback::Fate;

/// A directory of one test's own, gone with it, with the three roots in it.
struct Tree {
    path: PathBuf,
}

static TREES: AtomicUsize = AtomicUsize::new(0);

impl Tree {
    fn new() -> Self {
        let number = TREES.fetch_add(1, Ordering::Relaxed);
        let name = format!("certs-store-{}-{number}", std::process::id());
        let path = std::env::temp_dir().canonicalize().unwrap().join(name);
        fs::create_dir(&path).unwrap();
        Self { path }
    }

    fn roots(&self) -> Roots {
        Roots {
            pki: self.path("k/pki"),
            kubeconfig: self.path("k"),
            kubelet: self.path("l"),
            requests: self.path("r"),
        }
    }

    fn store(&self) -> Store {
        Store::open(self.roots())
    }

    fn writer(&self) -> Writer {
        self.store()
            .lock(&Root::ALL, Duration::ZERO, &mut |_| {})
            .unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        self.chmod(name, 0o600);
    }

    fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        self.path(name).symlink_metadata().unwrap().mode() & 0o7777
    }

    /// Every name in the tree with its content, directories with a slash, sorted.
    fn all(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        list(&self.path, "", &mut found);
        found.sort();
        found
    }

    /// The names of `all` that a user should not see after a run: hidden ones.
    fn hidden(&self) -> Vec<String> {
        let names = self.all().into_iter().map(|(name, _)| name);
        names.filter(|name| name.contains("/.certs-")).collect()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn list(path: &Path, prefix: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            list(&entry.path(), &name, found);
            found.push((format!("{name}/"), String::new()));
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            found.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        } else {
            found.push((name, format!("{kind:?}")));
        }
    }
}

fn pki(name: &str) -> FileId {
    FileId::new(Root::Pki, name)
}

fn kubeconfig(name: &str) -> FileId {
    FileId::new(Root::Kubeconfig, name)
}

/// A file that was not there.
fn create(file: FileId, text: &str) -> Change {
    Change {
        file,
        bytes: Some(Zeroizing::new(text.as_bytes().to_vec())),
        mode: 0o600,
        owner: Owner::default(),
        group: 0,
        replaces: None,
    }
}

/// A file that held `former`.
fn replace(file: FileId, former: &str, text: &str) -> Change {
    Change {
        replaces: Some(key::sha256(former.as_bytes())),
        ..create(file, text)
    }
}

/// A file that held `former`, and goes.
fn remove(file: FileId, former: &str) -> Change {
    Change::removal(file, 0, key::sha256(former.as_bytes()))
}

/// What is left of the backups of run 1 in these directories, if it kept nothing.
fn lists(directories: &[&str]) -> Vec<String> {
    let of = |directory: &&str| {
        let backups = format!("{directory}/.certs-backup/");
        let own = format!("{backups}0101010101010101/");
        let list = format!("{own}journal");
        [backups, own, list]
    };
    directories.iter().flat_map(of).collect()
}

fn transaction(number: u8) -> TransactionId {
    TransactionId([number; 8])
}

fn origin() -> Origin {
    Origin {
        command: "all".to_owned(),
        time: time::OffsetDateTime::UNIX_EPOCH,
    }
}

fn options(number: u8) -> CommitOptions {
    CommitOptions {
        transaction: transaction(number),
        origin: origin(),
        backup: true,
        fates: aged,
    }
}

/// The youngest backups stay, whatever their runs were.
fn aged(commands: &[&str]) -> Vec<Fate> {
    vec![Fate::Aged; commands.len()]
}

/// The text of the error, which must be one.
fn error<T>(result: anyhow::Result<T>) -> String {
    match result {
        Ok(_) => panic!("it should have failed"),
        Err(error) => error.to_string(),
    }
}

/// `chattr +i` makes every rename onto a file fail: only root may, and not on every file system.
struct Immutable(PathBuf);

impl Immutable {
    fn new(path: PathBuf) -> Self {
        let done = Command::new("chattr")
            .arg("+i")
            .arg(&path)
            .status()
            .expect("chattr of e2fsprogs is needed");
        assert!(
            done.success(),
            "chattr +i needs root and a file system such as ext4"
        );
        Self(path)
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        let _ = Command::new("chattr").arg("-i").arg(&self.0).status();
    }
}
