//! Names and paths. This is the one place that puts a path together, and that decides which names
//! are ours: what it does not know is neither read, written nor recovered.

mod rotated;

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

pub(super) use self::rotated::is_rotated;
pub use self::rotated::rotated;
use super::journal::TransactionId;
use crate::location::{FileId, Root};
use anyhow::{Context, Result, ensure};

/// The list of a commit that is under way, or its marker in a further root.
pub(super) const JOURNAL: &str = ".certs-journal";
/// What was replaced, one directory a commit.
pub(super) const BACKUP: &str = ".certs-backup";
/// The commit that a backup belongs to: a copy of its journal.
const MANIFEST: &str = "journal";
/// What is told of the requests in a directory.
pub(crate) const REQUESTS: &str = "requests.json";
/// Where the directories of a tree lie from the root of a node's file system.
pub(super) const KUBERNETES: &str = "etc/kubernetes";
pub(super) const KUBELET: &str = "var/lib/kubelet/pki";
/// How the folder is called in which trees of new nodes are made, before its transaction.
const FRESH: &str = ".certs-nodes-";
/// Beside the overlays of the nodes, what they share. No node is called so.
pub const SHARED: &str = "ca";
const CURRENT: &str = FileId::KUBELET_CURRENT;
/// What the names of all of these begin with, and of staged files.
pub(super) const OURS: &str = ".certs-";

/// The directories of one run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Roots {
    /// `--cert-dir`.
    pub pki: PathBuf,
    /// `--kubeconfig-dir`.
    pub kubeconfig: PathBuf,
    /// `--kubelet-dir`.
    pub kubelet: PathBuf,
    /// `--csr-dir`.
    pub requests: PathBuf,
}

impl Roots {
    /// The directories that were given, and kubeadm's and the kubelet's where none was:
    /// certificates in `pki` of the cluster's directory, kubeconfigs in it.
    pub fn of(
        kubernetes: Option<PathBuf>,
        pki: Option<PathBuf>,
        kubeconfig: Option<PathBuf>,
        kubelet: Option<PathBuf>,
        requests: Option<PathBuf>,
    ) -> Self {
        let kubernetes = kubernetes.unwrap_or_else(|| "/etc/kubernetes".into());
        Self {
            pki: pki.unwrap_or_else(|| kubernetes.join("pki")),
            requests: requests.unwrap_or_else(|| kubernetes.join("csr")),
            kubeconfig: kubeconfig.unwrap_or(kubernetes),
            kubelet: kubelet.unwrap_or_else(|| "/var/lib/kubelet/pki".into()),
        }
    }

    /// Those of a node, in its overlay of a root file system below `out`.
    pub fn of_node(out: &Path, node: &str) -> Self {
        let overlay = out.join(node);
        Self::of(
            Some(overlay.join(KUBERNETES)),
            None,
            None,
            Some(overlay.join(KUBELET)),
            None,
        )
    }

    /// Those of what the nodes below `out` share, with that directory itself above it.
    pub fn shared(out: &Path) -> Self {
        let shared = shared_directory(out);
        Self::of(Some(out.to_owned()), Some(shared), None, None, None)
    }

    /// Those of what they share as a tree by itself, which it is to who asks for it.
    pub fn of_shared(out: &Path) -> Self {
        let shared = shared_directory(out);
        let here = || Some(shared.clone());
        Self::of(here(), here(), None, here(), None)
    }

    /// The same, with requests in this directory.
    #[must_use]
    pub fn with_requests(self, requests: PathBuf) -> Self {
        Self { requests, ..self }
    }

    /// Where `root` is.
    pub fn path(&self, root: Root) -> &Path {
        match root {
            Root::Kubeconfig => &self.kubeconfig,
            Root::Kubelet => &self.kubelet,
            Root::Pki => &self.pki,
            Root::Requests => &self.requests,
        }
    }

    /// Where `file` is.
    pub(super) fn file(&self, file: &FileId) -> PathBuf {
        match file.name.as_str() {
            "." => self.path(file.root).to_owned(),
            name => self.path(file.root).join(name),
        }
    }

    /// Where a file is that the kubeconfig `of` refers to: relative to the folder of `of`.
    pub(super) fn reference(&self, of: &FileId, reference: &str) -> PathBuf {
        named_beside(&self.file(of), reference)
    }
}

/// Where `file` lies from the root of a node's file system.
pub(super) fn in_overlay(file: &FileId) -> String {
    let directory = match file.root {
        Root::Kubeconfig => KUBERNETES.to_owned(),
        Root::Kubelet => KUBELET.to_owned(),
        Root::Pki => within(KUBERNETES, "pki"),
        Root::Requests => within(KUBERNETES, "csr"),
    };
    within(&directory, &file.name)
}

/// The folder of this run in which the trees of new nodes are made.
pub(super) fn fresh(transaction: TransactionId) -> String {
    format!("{FRESH}{transaction}")
}

/// Whether it is such a folder, of any run.
pub(super) fn is_fresh(base: &str) -> bool {
    let transaction = base.strip_prefix(FRESH);
    transaction.and_then(TransactionId::parse).is_some()
}

/// Where the requests of one node lie among those of many.
pub fn request_folder(directory: &Path, node: &str) -> PathBuf {
    directory.join(node)
}

/// Where what the nodes below `out` share is kept.
pub fn shared_directory(out: &Path) -> PathBuf {
    out.join(SHARED)
}

/// The directory of a request, or of many: with the file's name, without its ending, where one was named.
pub fn request_directory(path: &Path) -> Result<(PathBuf, Option<String>)> {
    if path.is_dir() {
        return Ok((path.to_owned(), None));
    }
    let shown = path.display();
    ensure!(path.exists(), "there is no file or directory {shown}");
    let base = path.file_name().and_then(|name| name.to_str());
    let base = base.and_then(|name| name.strip_suffix(".csr"));
    let known = |base: &&str| is_known(&FileId::request_in(Root::Requests, base));
    let base = base.filter(known).with_context(|| {
        format!("{shown}: call it NAME.csr, in lower case letters, digits, '-' and '.'")
    })?;
    Ok((directory_of(path), Some(base.to_owned())))
}

/// Whether `file` is one that `certs` may write: a fixed folder or none, a plain name, an ending
/// that fits the root.
pub(super) fn is_known(file: &FileId) -> bool {
    in_place(file, |base| match file.root {
        Root::Kubeconfig => has_ending(base, &[".conf", ".conf.csr"]),
        Root::Kubelet => {
            ["kubelet.crt", "kubelet.key", "kubelet.csr", CURRENT].contains(&base)
                || base.strip_suffix(".csr") == Some(CURRENT)
                || is_rotated(base)
        }
        Root::Pki => has_ending(base, &[".crt", ".csr", ".key", ".pem", ".pub"]),
        // Called as its profile is.
        Root::Requests => {
            base == REQUESTS
                || base.chars().all(is_of_profiles) && has_ending(base, &[".crt", ".csr"])
        }
    })
}

/// Whether a file of this name is a link, to what lies beside it. Its content is where it leads.
pub(super) fn is_link(name: &str) -> bool {
    base(name) == CURRENT
}

/// Whether `file` may be a certificate, key or kubeconfig: one that `certs` may write, or that another
/// program keeps there.
pub(super) fn is_of_a_tree(file: &FileId) -> bool {
    let kept = |base: &str| file.root != Root::Kubeconfig && has_ending(base, &[".pem"]);
    is_known(file) || in_place(file, kept)
}

/// Whether the name of a file that may lie anywhere says that it is a certificate, a key or a kubeconfig.
pub fn is_called_ours(file: &FileId) -> bool {
    const ENDINGS: [&str; 9] = [
        "cer",
        "cert",
        "conf",
        "config",
        "crt",
        "key",
        "kubeconfig",
        "pem",
        "pub",
    ];
    let ending = file.name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ENDINGS.iter().any(|ours| ending.eq_ignore_ascii_case(ours))
}

fn in_place(file: &FileId, plain: impl Fn(&str) -> bool) -> bool {
    // What is in no folder has no slash, not even that of `./`.
    let placed = !file.name.contains('/') || folders(file.root).contains(&folder(&file.name));
    placed && plain(base(&file.name))
}

fn has_ending(base: &str, endings: &[&str]) -> bool {
    // None that a shell or a journal makes something of: names are printed to be typed.
    let plain = |letter: char| {
        is_of_profiles(letter) || matches!(letter, 'A'..='Z' | '_' | '@' | '+' | ':')
    };

    base.len() <= 255
        && base.chars().all(plain)
        && !base.starts_with(['.', '-'])
        && endings.iter().any(|ending| base.ends_with(ending))
}

fn is_of_profiles(letter: char) -> bool {
    matches!(letter, 'a'..='z' | '0'..='9' | '.' | '-')
}

/// The folders within `root` that files of ours are in.
pub(super) fn folders(root: Root) -> &'static [&'static str] {
    match root {
        Root::Kubeconfig => &[],
        Root::Kubelet => &["pki"],
        // kubeadm's requests lie as its certificates do.
        Root::Pki | Root::Requests => &["etcd"],
    }
}

/// Where a kubeconfig at `kubeconfig` finds a file that it names.
pub fn named_beside(kubeconfig: &Path, named: &str) -> PathBuf {
    let path = directory_of(kubeconfig).join(named);
    let up = |part: Component<'_>| part == Component::ParentDir;
    if Path::new(named).is_absolute() || !Path::new(named).components().any(up) {
        return path;
    }
    let Ok(whole) = std::path::absolute(&path) else {
        return path;
    };
    // As clients do (Go's `filepath.Join`): `..` takes away the name before it, also where that is a link.
    let mut cleaned = PathBuf::new();
    for part in whole.components() {
        if up(part) {
            cleaned.pop();
        } else {
            cleaned.push(part);
        }
    }
    cleaned
}

/// The directory that `path` names a file of.
pub(super) fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The directory of `path`, and the name of a hidden file in it that becomes `path`.
pub(super) fn beside(path: &Path, unique: TransactionId) -> (PathBuf, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    (directory_of(path), format!(".{name}.{unique}"))
}

/// A hidden name beside `name`, in its directory, for the file that becomes it.
pub(super) fn beside_name(name: &OsStr, unique: TransactionId) -> OsString {
    hidden(name, &format!(".{unique}"))
}

/// The run of a hidden name beside `name` for the file that becomes it.
pub(super) fn parse_beside(base: &str, name: &OsStr) -> Option<TransactionId> {
    let transaction = base.strip_prefix('.')?.strip_prefix(name.to_str()?)?;
    TransactionId::parse(transaction.strip_prefix('.')?)
}

/// What follows the name of a file that is kept beside the one that took its place.
const FORMER: &str = ".certs-backup";

/// Where the former file of `name` is kept, beside it, where so many are kept already.
pub(super) fn former_name(name: &OsStr, earlier: u32) -> OsString {
    match earlier {
        0 => hidden(name, FORMER),
        number => hidden(name, &format!("{FORMER}.{number}")),
    }
}

/// Whether a file of this name is kept beside the one that took its place.
pub(super) fn is_former(base: &str) -> bool {
    let numbered = base.rsplit_once('.');
    let plain = match numbered {
        Some((plain, number)) if number.parse::<u32>().is_ok() => plain,
        _ => base,
    };
    let name = plain.strip_prefix('.');
    let name = name.and_then(|name| name.strip_suffix(FORMER));
    name.is_some_and(|name| !name.is_empty())
}

fn hidden(name: &OsStr, ending: &str) -> OsString {
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(ending);
    hidden
}

/// `name` in the directory that is open elsewhere, or is none of this run's.
pub(super) fn in_directory(directory: &Path, name: &str) -> PathBuf {
    directory.join(name)
}

/// An absolute path, or one from the root, where that root is another directory.
pub(super) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The folder of a name within its root; the root itself is `.`.
pub(super) fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// A name without its folder.
pub(super) fn base(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, base)| base)
}

/// `base` in `folder`, as a name within the root.
pub(super) fn within(folder: &str, base: &str) -> String {
    if folder == "." {
        base.to_owned()
    } else {
        format!("{folder}/{base}")
    }
}

/// What the `number`th file of a commit is called until its rename: in the folder of its target,
/// since a rename does not cross file systems.
pub(super) fn staged(transaction: TransactionId, number: usize, target: &str) -> String {
    within(folder(target), &format!("{OURS}{transaction}-{number}"))
}

/// The commit and the number of a staged file, from its name without the folder.
pub(super) fn parse_staged(base: &str) -> Option<(TransactionId, usize)> {
    let (transaction, number) = base.strip_prefix(OURS)?.split_once('-')?;
    let transaction = TransactionId::parse(transaction)?;
    let parsed: usize = number.parse().ok()?;
    (parsed.to_string() == number).then_some((transaction, parsed))
}

/// The backup of a commit.
pub(super) fn backup(transaction: TransactionId) -> String {
    format!("{BACKUP}/{transaction}")
}

/// The folders that a backup may have, itself the last.
pub(super) fn backup_folders(transaction: TransactionId) -> impl Iterator<Item = String> {
    let folders = Root::ALL.into_iter().flat_map(folders);
    folders
        .map(move |folder| within(&backup(transaction), folder))
        .chain([backup(transaction)])
}

/// The former content of `name` in the backup of a commit.
pub(super) fn backup_file(transaction: TransactionId, name: &str) -> String {
    format!("{BACKUP}/{transaction}/{name}")
}

/// The list of what a commit changed, in its backup.
pub(super) fn manifest(transaction: TransactionId) -> String {
    format!("{BACKUP}/{transaction}/{MANIFEST}")
}

#[cfg(test)]
mod tests;
