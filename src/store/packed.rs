//! What the tree of a node is made of, for who hands it out as a whole: names, modes, owners and octets as they are.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail, ensure};
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;
use zeroize::Zeroizing;

use super::folder;
use super::layout::{self, KUBELET, KUBERNETES, OURS, is_former, is_rotated};
use super::overlay::names;
use super::read::{FileContent, failure, is_directory, is_file, kind, read_at};

/// The most that is taken of one tree, in octets: a hundred times what a control plane has.
const MOST: usize = 8 << 20;
/// What the name of an archive ends with.
const TAR: &str = ".tar";

/// What has a name in the tree of a node.
pub struct Packed {
    /// Relative to the root of the node's file system.
    pub name: String,
    /// Permission bits.
    pub mode: u32,
    /// The user's number.
    pub user: u32,
    /// The group's number.
    pub group: u32,
    /// What it is.
    pub content: PackedContent,
}

/// What has a name there.
pub enum PackedContent {
    /// A directory of the tree.
    Directory,
    /// A file, with its octets.
    File(Zeroizing<Vec<u8>>),
    /// The link to the kubelet's client certificate, and where it leads.
    Link(String),
}

/// All that is in the tree of a node, without what runs keep there of their own, and without former keys. Of the directories those alone
/// that the tree is about: others, such as `var/lib`, are there on any node, and have the modes that they have.
pub fn packed(out: &Path, node: &str) -> Result<Vec<Packed>> {
    let path = layout::in_directory(out, node);
    let opened = match folder::open_root(&path) {
        Ok(opened) => opened,
        Err(barred) => return Err(folder::error("open directory", &path, barred)),
    };
    let mut packing = Packing {
        root: opened.as_fd(),
        path,
        found: Vec::new(),
        size: 0,
    };
    packing.folder(".")?;
    let mut found = packing.found;
    leave_former(&mut found);
    Ok(found)
}

/// Leaves behind what a kubelet has no use for any more: client certificates, and their keys, before the one to which the
/// link leads.
fn leave_former(found: &mut Vec<Packed>) {
    let base = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let leads_to = found.iter().find_map(|packed| match &packed.content {
        PackedContent::Link(target) => Some(base(target)),
        _ => None,
    });
    if let Some(now) = leads_to {
        let is_former = |name: String| is_rotated(&name) && name != now;
        found.retain(|packed| !is_former(base(&packed.name)));
    }
}

/// Where the archive of a node's tree is, and what it is called there.
pub fn archive_of(out: &Path, node: &str) -> (PathBuf, String) {
    let name = format!("{node}{TAR}");
    (layout::in_directory(out, &name), name)
}

/// The names of the nodes whose archives what lies in `out` may be, by its names.
pub fn archived(out: &Path) -> Result<Vec<String>> {
    let names = names(out)?;
    let is_file = |node: &&str| {
        archive_of(out, node)
            .0
            .symlink_metadata()
            .is_ok_and(|found| found.is_file())
    };
    let nodes = names.iter().filter_map(|name| name.strip_suffix(TAR));
    Ok(nodes.filter(is_file).map(str::to_owned).collect())
}

struct Packing<'a> {
    root: BorrowedFd<'a>,
    path: PathBuf,
    found: Vec<Packed>,
    size: usize,
}

impl Packing<'_> {
    fn folder(&mut self, folder: &str) -> Result<()> {
        for base in folder::names(self.root, &self.path, folder)? {
            if base.starts_with(OURS) || is_former(&base) {
                continue;
            }
            let name = layout::within(folder, &base);
            let Some(packed) = self.look(&name)? else {
                continue;
            };
            match &packed.content {
                PackedContent::Directory => {
                    if is_of_the_tree(&name) {
                        self.found.push(packed);
                    }
                    self.folder(&name)?;
                    continue;
                }
                PackedContent::File(bytes) => self.size += bytes.len(),
                PackedContent::Link(_) => {}
            }
            ensure!(
                self.size <= MOST,
                "{} holds more than 8 MiB: move away what is none of a node's tree, or leave out --archive",
                self.path.display()
            );
            self.found.push(packed);
        }
        Ok(())
    }

    /// What has this name; `None` if it has gone meanwhile.
    fn look(&self, name: &str) -> Result<Option<Packed>> {
        let path = layout::in_directory(&self.path, name);
        match folder::within(self.root, &self.path, name, |here, base| {
            look(here, base, &path)
        }) {
            Ok(Ok(found)) => Ok(found.map(|(mode, user, group, content)| Packed {
                name: name.to_owned(),
                mode,
                user,
                group,
                content,
            })),
            Ok(Err(error)) => Err(error),
            Err(barred) => Err(folder::error("look at", &path, barred)),
        }
    }
}

type Looked = (u32, u32, u32, PackedContent);

fn look(here: BorrowedFd<'_>, base: &str, path: &Path) -> Result<Option<Looked>> {
    let found = match fstatat(here, base, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(found) => found,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(failure(path, errno).into()),
    };
    let content = if is_file(found.st_mode) {
        // Of the file that was opened: its name may be another's by now.
        let read = read_at(here, Path::new(base), path)?;
        let of = |file: FileContent| {
            (
                file.mode,
                file.uid,
                file.gid,
                PackedContent::File(file.bytes),
            )
        };
        return Ok(read.map(of));
    } else if is_directory(found.st_mode) {
        PackedContent::Directory
    } else if layout::is_link(base)
        && let Some(link) = folder::read_link(here, base, path)?
    {
        let target = std::str::from_utf8(&link.bytes);
        let target = target.map_err(|_| anyhow!("{} leads to what is no text", path.display()))?;
        PackedContent::Link(target.to_owned())
    } else {
        bail!(
            "{} is {}, which is in no archive of a tree: move it away, or leave out --archive",
            path.display(),
            kind(found.st_mode)
        )
    };
    Ok(Some((
        found.st_mode & 0o7777,
        found.st_uid,
        found.st_gid,
        content,
    )))
}

/// Whether a directory is one that the tree is about.
fn is_of_the_tree(name: &str) -> bool {
    [KUBERNETES, KUBELET]
        .iter()
        .any(|root| Path::new(name).starts_with(root))
}
