//! Journals that somebody else wrote, with a right checksum, in the place of what an interrupted run left.
//!
//! An input is up to three of them, with a line `====` between: the one in the folder of certificates, the one in the
//! folder of kubeconfigs, and the list of a backup. `{pki}` and `{kubeconfig}` in it stand for the paths of these folders,
//! `{old}`, `{new}` and `{id}` for the digests and the number that fit what lies there.

// This stands for the other programs that write in the same directories.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use certs::key::sha256;
use certs::location::Root;
use certs::rollback::fates;
use certs::store::{Roots, Store};

const ID: &str = "0101010101010101";
const BACKUP: &str = "pki/.certs-backup";
const FILES: [(&str, &str); 4] = [
    ("pki/ca.crt", "old"),
    ("pki/sa.key", "old"),
    ("pki/etcd/ca.crt", "old"),
    ("admin.conf", "old"),
];
const STAGED: [&str; 4] = [
    "pki/.certs-0101010101010101-0",
    "pki/.certs-0101010101010101-1",
    "pki/etcd/.certs-0101010101010101-2",
    ".certs-0101010101010101-3",
];

pub(super) fn run(bytes: &[u8]) {
    let _ = finished(bytes);
}

/// How many files the recovery brought to their end.
///
/// # Panics
///
/// If it did anything that it may not.
#[must_use]
pub fn finished(bytes: &[u8]) -> usize {
    let tree = Tree::new();
    let text = tree.filled(bytes);
    let parts: Vec<&[u8]> = split(&text, b"\n====\n");
    for (name, part) in ["pki/.certs-journal", ".certs-journal", ""]
        .into_iter()
        .zip(&parts)
    {
        match name {
            _ if part.is_empty() => {}
            "" => tree.backup(part),
            name => tree.put(name, &sealed(part)),
        }
    }
    let before = tree.files();
    let store = tree.store();
    backups(&store);
    assert_eq!(tree.files(), before, "a reader changes nothing");

    let recovered = store
        .lock(&Root::ALL, Duration::ZERO, &mut |_| {})
        .expect("nobody else is here")
        .recover(fates);
    let after = tree.files();
    let count = match &recovered {
        Ok(Some(recovered)) => recovered.finished.len(),
        _ => 0,
    };
    match recovered {
        Ok(_) => {
            let reader = store.lock_shared(&Root::ALL).expect("nobody is here");
            assert_eq!(reader.interrupted().expect("no journal"), None);
            drop(reader);
            for (name, (content, mode)) in &plain(&after) {
                assert!(
                    ["old", "new"].contains(&content.as_str()),
                    "{name}: {content}"
                );
                assert_eq!(mode & !0o644, 0, "{name}: {mode:o}");
            }
            let again = store
                .lock(&Root::ALL, Duration::ZERO, &mut |_| {})
                .expect("nobody else is here")
                .recover(fates);
            // A list may lack what was staged under its number, which the next writer takes for a run of its own.
            let again = again.expect("all was judged").unwrap_or_default();
            assert!(again.finished.is_empty());
            let last = tree.files();
            assert_eq!(plain(&last), plain(&after));
            assert!(hidden(&last).is_empty(), "{:?}", hidden(&last));
        }
        Err(_) => assert_eq!(plain(&after), plain(&before), "a refusal changes nothing"),
    }
    backups(&store);
    assert_eq!(
        fs::read_to_string(tree.0.join("outside")).ok().as_deref(),
        Some("secret")
    );
    count
}

/// All lists of backups that are read name what is known, or nothing.
fn backups(store: &Store) {
    let Ok(found) = store.backups(&Root::ALL) else {
        return;
    };
    for backup in found.runs {
        assert_eq!(backup.transaction.to_string(), ID);
        assert!(!backup.files.is_empty());
        for changed in &backup.files {
            let path = store.path(&changed.file);
            assert!(path.starts_with(store.root(changed.file.root)));
            assert!(!path.components().any(|part| part.as_os_str() == ".."));
            let _ = store.read_backup(backup.transaction, &changed.file);
        }
    }
}

fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = body.to_vec();
    bytes.push(b'\n');
    let seal = format!("sha256 {}\n", hex(&sha256(&bytes)));
    bytes.extend_from_slice(seal.as_bytes());
    bytes
}

fn hex(bytes: &[u8]) -> String {
    let digit = |digit: u8| char::from_digit(digit.into(), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn split<'a>(mut bytes: &'a [u8], separator: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(place) = bytes
        .windows(separator.len())
        .position(|window| window == separator)
    {
        parts.push(&bytes[..place]);
        bytes = &bytes[place + separator.len()..];
    }
    parts.push(bytes);
    parts
}

type Files = BTreeMap<String, (String, u32)>;

/// What a user sees.
fn plain(files: &Files) -> Files {
    let mut files = files.clone();
    files.retain(|name, _| !name.contains("/.certs-"));
    files
}

/// What a user should not see after a run, but for backups.
fn hidden(files: &Files) -> Vec<&String> {
    files
        .keys()
        .filter(|name| name.contains("/.certs-") && !name.contains(BACKUP))
        .collect()
}

/// A folder of kubeconfigs with the one of certificates in it, and a file beside it.
struct Tree(PathBuf);

static TREES: AtomicUsize = AtomicUsize::new(0);

impl Tree {
    fn new() -> Self {
        let number = TREES.fetch_add(1, Ordering::Relaxed);
        let name = format!("certs-fuzz-{}-{number}", std::process::id());
        let folder = std::env::temp_dir()
            .canonicalize()
            .expect("there is a folder for temporary files");
        let tree = Self(folder.join(name));
        let folders = ["", "k", "l", "k/pki", "k/pki/etcd"];
        for name in folders {
            fs::create_dir(tree.0.join(name)).expect("the folder is new");
        }
        for (name, content) in FILES {
            tree.put(name, content.as_bytes());
        }
        for name in STAGED {
            tree.put(name, b"new");
        }
        tree.put("../outside", b"secret");
        tree
    }

    fn store(&self) -> Store {
        Store::open(Roots {
            pki: self.0.join("k/pki"),
            kubeconfig: self.0.join("k"),
            kubelet: self.0.join("l"),
            requests: self.0.join("requests"),
        })
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.0.join("k").join(name);
        fs::write(&path, bytes).expect("the folder is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    }

    fn backup(&self, list: &[u8]) {
        let name = format!("{BACKUP}/{ID}");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.0.join("k").join(&name))
            .expect("the folder is ours");
        self.put(&format!("{name}/journal"), &sealed(list));
        self.put(&format!("{name}/ca.crt"), b"old");
    }

    fn filled(&self, bytes: &[u8]) -> Vec<u8> {
        let path = |name: &str| self.0.join(name).into_os_string().into_encoded_bytes();
        let mut text = bytes.to_vec();
        for (word, value) in [
            ("{pki}", path("k/pki")),
            ("{kubeconfig}", path("k")),
            ("{kubelet}", path("l")),
            ("{id}", ID.into()),
            ("{old}", hex(&sha256(b"old")).into()),
            ("{new}", hex(&sha256(b"new")).into()),
        ] {
            text = split(&text, word.as_bytes()).join(&value[..]);
        }
        text
    }

    /// Every file with its content and its mode.
    fn files(&self) -> Files {
        let mut files = Files::new();
        for folder in ["k", "l"] {
            list(&self.0.join(folder), &format!("/{folder}"), &mut files);
        }
        files
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn list(folder: &Path, prefix: &str, files: &mut Files) {
    for entry in fs::read_dir(folder).expect("the folder is ours") {
        let path = entry.expect("the folder is ours").path();
        let base = path.file_name().unwrap_or_default();
        let name = format!("{prefix}/{}", base.to_string_lossy());
        let status = path.symlink_metadata().expect("nobody else is here");
        if status.is_dir() {
            list(&path, &name, files);
        } else {
            let content = fs::read(&path).expect("the file is ours");
            let content = String::from_utf8_lossy(&content).into_owned();
            files.insert(name, (content, status.mode() & 0o7777));
        }
    }
}
