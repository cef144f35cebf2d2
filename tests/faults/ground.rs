//! The directories of one fault after the other: always at the same paths, for a journal tells
//! them, saved and put back in between.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64ct::{Base64, Encoding};

use crate::common::{CLUSTER, Finished, certs, run, text};

/// Ten pairs, the service account key pair, five kubeconfigs.
pub const FILES: usize = 27;

/// Where the roots of a ground are.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    /// The certificates within the kubeconfigs' directory.
    One,
    /// Each on a file system of its own.
    Two,
    /// The kubeconfigs in a folder that certificates are in.
    Within,
    /// The trees of the nodes of an inventory, with what they share.
    Nodes,
}

/// Two control planes, a member of etcd apart from them, and a worker.
const INVENTORY: &str = "\
apiVersion: certs/v1
kind: Inventory
nodes:
- {name: cp1, addresses: [10.0.0.1], roles: [control-plane]}
- {name: cp2, addresses: [10.0.0.2], roles: [control-plane]}
- {name: etcd1, addresses: [10.0.0.3], roles: [etcd]}
- {name: worker1, addresses: [10.0.1.1], roles: [worker]}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
controlPlaneEndpoint: api.example.com:6443
encryptionAlgorithm: ECDSA-P256
";

/// The directories of one worker.
pub struct Ground {
    pub pki: PathBuf,
    pub kubeconfigs: PathBuf,
    /// Of many nodes, whose trees are all in one folder.
    pub inventory: Option<PathBuf>,
    /// What is removed and put back.
    tops: Vec<PathBuf>,
    /// For logs and saved states, out of the roots.
    pub aside: PathBuf,
    /// The processor that the faulted runs stay on.
    pub processor: usize,
}

impl Ground {
    /// Directories of worker `processor` below two folders, which may lie on different file systems.
    pub fn new(layout: Layout, first: &Path, second: &Path, processor: usize) -> Self {
        let name = format!("worker-{processor}");
        let (first, second) = (first.join(&name), second.join(&name));
        for folder in [&first, &second] {
            // That of the scenario before.
            let _ = fs::remove_dir_all(folder);
            fs::create_dir_all(folder.join("aside")).expect("make a folder");
        }
        let aside = first.join("aside");
        match layout {
            Layout::One => Self {
                pki: first.join("k/pki"),
                kubeconfigs: first.join("k"),
                inventory: None,
                tops: vec![first.join("k")],
                aside,
                processor,
            },
            Layout::Two => Self {
                pki: first.join("pki"),
                kubeconfigs: second.join("k"),
                inventory: None,
                tops: vec![first.join("pki"), second.join("k")],
                aside,
                processor,
            },
            Layout::Within => Self {
                pki: first.join("pki"),
                kubeconfigs: first.join("pki/etcd"),
                inventory: None,
                tops: vec![first.join("pki")],
                aside,
                processor,
            },
            Layout::Nodes => {
                let inventory = aside.join("nodes.yaml");
                overwrite(&inventory, INVENTORY.as_bytes());
                let out = first.join("out");
                Self {
                    pki: out.clone(),
                    kubeconfigs: out.clone(),
                    inventory: Some(inventory),
                    tops: vec![out],
                    aside,
                    processor,
                }
            }
        }
    }

    /// The program over these directories.
    pub fn certs(&self, arguments: &[&str]) -> Command {
        let mut command = certs(arguments);
        if let Some(inventory) = &self.inventory {
            command.args(["--inventory", text(inventory), "--out", text(&self.pki)]);
            return command;
        }
        command
            .args(["--cert-dir", text(&self.pki)])
            .args(["--kubeconfig-dir", text(&self.kubeconfigs)]);
        // These go by what is there.
        if !["kubeconfig", "renew", "rollback", "rotate"]
            .contains(&arguments.first().copied().unwrap_or_default())
        {
            command.args(CLUSTER);
        }
        command
    }

    /// The folder with what is kept of CAs, as the names of [`Self::tree`] begin.
    pub fn kept(&self) -> &'static str {
        if self.inventory.is_some() {
            "ca"
        } else {
            "pki"
        }
    }

    /// Runs the program undisturbed.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        run(&mut self.certs(arguments))
    }

    /// Leaves nothing.
    pub fn clear(&self) {
        for top in &self.tops {
            if top.exists() {
                fs::remove_dir_all(top)
                    .unwrap_or_else(|error| panic!("{}: {error}", top.display()));
            }
        }
    }

    /// Keeps what there is under `name`, links and owners included.
    pub fn save(&self, name: &str) {
        for (number, top) in self.tops.iter().enumerate() {
            let copy = self.aside.join(format!("{name}-{number}"));
            if copy.exists() {
                fs::remove_dir_all(&copy).expect("remove a saved state");
            }
            if top.exists() {
                copy_all(top, &copy);
            }
        }
    }

    /// Puts back what was kept under `name`.
    pub fn restore(&self, name: &str) {
        self.clear();
        for (number, top) in self.tops.iter().enumerate() {
            let copy = self.aside.join(format!("{name}-{number}"));
            if copy.exists() {
                copy_all(&copy, top);
            }
        }
    }

    /// The files of the tree; nothing of what a run keeps for itself.
    pub fn tree(&self) -> Tree {
        let mut tree = self.everything();
        tree.0.retain(|name, _| !name.contains(".certs-"));
        tree
    }

    /// Every file, with journals, staged files and backups.
    pub fn everything(&self) -> Tree {
        let mut found = BTreeMap::new();
        if self.inventory.is_some() {
            collect(&self.pki, "", Path::new(""), &mut found);
            return Tree(found);
        }
        collect(&self.pki, "pki/", &self.pki, &mut found);
        if self.kubeconfigs.starts_with(&self.pki) {
            let name = |name: String| match name.rsplit_once('/') {
                Some((_, base)) if base.strip_suffix(".conf").is_some() => base.to_owned(),
                _ => name,
            };
            let named = found.into_iter().map(|(path, file)| (name(path), file));
            return Tree(named.collect());
        }
        collect(&self.kubeconfigs, "", &self.pki, &mut found);
        Tree(found)
    }

    /// Journals and staged files.
    pub fn left(&self) -> Vec<String> {
        let mut names: Vec<String> = self.everything().0.into_keys().collect();
        names.retain(|name| name.contains(".certs-") && !name.contains(".certs-backup/"));
        names
    }

    /// The backups, by root; an error if one of them tells no list, or is of a run that was to keep
    /// nothing and holds more than its list.
    pub fn backups(&self) -> Result<usize, String> {
        let mut count = 0;
        for folder in self.backup_folders() {
            for entry in fs::read_dir(folder).expect("read a folder") {
                let backup = entry.expect("read a folder's entry").path();
                if !backup.join("journal").is_file() {
                    return Err(format!("{} has no list", backup.display()));
                }
                let list = fs::read_to_string(backup.join("journal")).unwrap_or_default();
                let held = fs::read_dir(&backup).expect("read a backup").count();
                if list.contains("\nbackup drop\n") && held != 1 {
                    return Err(format!("{} keeps a copy", backup.display()));
                }
                count += 1;
            }
        }
        Ok(count)
    }

    /// Whether a journal says that a run was decided: a list that was written to its end.
    pub fn decided(&self) -> bool {
        [&self.pki, &self.kubeconfigs].into_iter().any(|root| {
            let journal = fs::read_to_string(root.join(".certs-journal")).unwrap_or_default();
            journal.starts_with("certs journal 1 list\n") && journal.contains("\nsha256 ")
        })
    }

    /// No file with a private key may be read or written by others than its owner; nor may the
    /// directories of backups be entered.
    pub fn keys_are_private(&self) -> Result<(), String> {
        for (name, file) in self.everything().0 {
            let secret = ["PRIVATE KEY", "client-key-data"]
                .iter()
                .any(|word| contains(&file.bytes, word.as_bytes()));
            if secret && file.mode & 0o7077 != 0 {
                return Err(format!("{name} holds a key and has mode {:o}", file.mode));
            }
            // A journal, and what is staged before its mode is set, are for the owner alone too.
            if name.ends_with(".certs-journal") && file.mode != 0o600 {
                return Err(format!("{name} has mode {:o}", file.mode));
            }
        }
        for backup in self.backup_folders() {
            let found = backup.symlink_metadata().expect("look at a folder");
            if found.mode() & 0o077 != 0 {
                return Err(format!("{} has mode {:o}", backup.display(), found.mode()));
            }
        }
        Ok(())
    }

    /// Where the backups of each root are.
    fn backup_folders(&self) -> Vec<PathBuf> {
        let mut folders = self.tops.clone();
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            if folder.ends_with(".certs-backup") {
                found.push(folder);
                continue;
            }
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let entry = entry.expect("read a folder's entry");
                if entry.file_type().expect("look at an entry").is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        found
    }
}

fn copy_all(from: &Path, to: &Path) {
    let mut command = Command::new("cp");
    command.arg("-a").arg(from).arg(to);
    run(&mut command).expect(0);
}

fn collect(folder: &Path, prefix: &str, pki: &Path, found: &mut BTreeMap<String, File>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let entry = entry.expect("read a folder's entry");
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let status = entry.metadata().expect("look at an entry");
        if status.is_dir() {
            if prefix.is_empty() && path == pki {
                continue;
            }
            collect(&path, &format!("{name}/"), pki, found);
            continue;
        }
        let bytes = if status.is_file() {
            fs::read(&path).expect("read a file")
        } else if status.is_symlink() {
            let target = fs::read_link(&path).expect("read a link");
            text(&target).as_bytes().to_vec()
        } else {
            Vec::new()
        };
        let file = File {
            mode: status.permissions().mode() & 0o7777,
            kind: status.mode() & 0o170_000,
            user: status.uid(),
            group: status.gid(),
            bytes,
        };
        found.insert(name, file);
    }
}

/// One file, as far as a run must leave it alone.
#[derive(Clone, Eq, PartialEq)]
pub struct File {
    pub mode: u32,
    pub kind: u32,
    pub user: u32,
    pub group: u32,
    pub bytes: Vec<u8>,
}

/// Files by their names: those of the certificates' directory below `pki/`.
#[derive(Clone, Eq, PartialEq)]
pub struct Tree(pub BTreeMap<String, File>);

impl Tree {
    /// The names that differ.
    pub fn differences(&self, other: &Self) -> BTreeSet<String> {
        let names = self.0.keys().chain(other.0.keys());
        names
            .filter(|name| self.0.get(*name) != other.0.get(*name))
            .cloned()
            .collect()
    }

    /// An error that names what differs.
    pub fn same(&self, other: &Self, what: &str) -> Result<(), String> {
        let differences = self.differences(other);
        if differences.is_empty() {
            Ok(())
        } else {
            Err(format!("{what}: {differences:?}"))
        }
    }

    /// All files are there, and every certificate is of the key beside it: found by the point on the
    /// curve, which both hold, so that no reader of ours has a say.
    pub fn whole(&self) -> Result<(), String> {
        if self.0.len() != FILES {
            let names: Vec<_> = self.0.keys().collect();
            return Err(format!("{} files: {names:?}", names.len()));
        }
        for (name, file) in &self.0 {
            if let Some(stem) = name.strip_suffix(".key") {
                let public = self
                    .0
                    .get(&format!("{stem}.crt"))
                    .or_else(|| self.0.get(&format!("{stem}.pub")));
                let public = public.ok_or_else(|| format!("{name} stands alone"))?;
                paired(&public.bytes, &file.bytes).map_err(|why| format!("{name}: {why}"))?;
            } else if name.strip_suffix(".conf").is_some() {
                let content = String::from_utf8_lossy(&file.bytes);
                let field = |field: &str| {
                    let value = content
                        .lines()
                        .find_map(|line| line.trim().strip_prefix(field));
                    let value = value.ok_or_else(|| format!("{name} has no {field}"))?;
                    Base64::decode_vec(value.trim()).map_err(|error| format!("{name}: {error}"))
                };
                let certificate = field("client-certificate-data:")?;
                paired(&certificate, &field("client-key-data:")?)
                    .map_err(|why| format!("{name}: {why}"))?;
                if field("certificate-authority-data:")? != self.0["pki/ca.crt"].bytes {
                    return Err(format!("{name} trusts another CA"));
                }
            }
        }
        Ok(())
    }
}

fn paired(public: &[u8], key: &[u8]) -> Result<(), String> {
    let (public, key) = (der(public)?, der(key)?);
    // RFC 5915: the public key stands last; a point of P-256 has 65 octets.
    let point = &key[key.len().saturating_sub(65)..];
    if point.len() == 65 && point[0] == 4 && contains(&public, point) {
        Ok(())
    } else {
        Err("is not the key of what is beside it".to_owned())
    }
}

fn der(pem: &[u8]) -> Result<Vec<u8>, String> {
    let text = String::from_utf8_lossy(pem);
    let body: String = text
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    Base64::decode_vec(&body).map_err(|error| format!("no PEM: {error}"))
}

fn contains(content: &[u8], wanted: &[u8]) -> bool {
    content.windows(wanted.len()).any(|window| window == wanted)
}

/// The tree whose forced repair is tried: three leaves and a kubeconfig are not as they should be,
/// in a way of its own each, and the pair of etcd belongs to another user.
pub fn drift(ground: &Ground) {
    ground.run(&["all", "--quiet"]).expect(0);
    let other = fs::read(ground.pki.join("apiserver.key")).expect("read a key");
    let names = ["controller-manager.conf"];
    let kept: Vec<_> = names
        .iter()
        .map(|name| fs::read_to_string(ground.kubeconfigs.join(name)).expect("read a kubeconfig"))
        .collect();
    // A key of another certificate.
    overwrite(&ground.pki.join("etcd/server.key"), &other);
    // Half a pair: one file is to be created, one to be replaced.
    fs::remove_file(ground.pki.join("front-proxy-client.crt")).expect("remove a file");
    // No certificate at all.
    overwrite(&ground.pki.join("apiserver.crt"), b"once a certificate\n");
    // A kubeconfig with the key of another user.
    let super_admin =
        fs::read_to_string(ground.kubeconfigs.join("super-admin.conf")).expect("read a kubeconfig");
    let key = |text: &str| {
        let line = text
            .lines()
            .find(|line| line.contains("client-key-data:"))
            .expect("a kubeconfig has a key");
        line.to_owned()
    };
    for (name, text) in names.iter().zip(kept) {
        let text = text.replace(&key(&text), &key(&super_admin));
        overwrite(&ground.kubeconfigs.join(name), text.as_bytes());
    }
    for name in ["etcd/server.crt", "etcd/server.key"] {
        let path = ground.pki.join(name);
        std::os::unix::fs::chown(&path, Some(4242), Some(4242)).expect("give a file away");
    }
}

/// What a repair of [`drift`] changes.
pub const DRIFTED: [&str; 7] = [
    "controller-manager.conf",
    "pki/apiserver.crt",
    "pki/apiserver.key",
    "pki/etcd/server.crt",
    "pki/etcd/server.key",
    "pki/front-proxy-client.crt",
    "pki/front-proxy-client.key",
];

/// Other octets in the same file.
pub fn overwrite(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
