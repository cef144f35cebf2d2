//! The one link that a commit makes and replaces: the kubelet's, to a file beside it. Its content is where it leads.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use anyhow::Result;
use nix::unistd::symlinkat;

use super::directory::Directory;
use super::folder;
use super::journal::Entry;
use super::read::FileContent;

impl Directory {
    /// A new link, to a file of this name beside it.
    pub fn create_link(&self, name: &str, target: &[u8]) -> Result<()> {
        let target = OsStr::from_bytes(target);
        self.at(name, |here, base| symlinkat(target, here, base))?
            .map_err(|errno| self.failure("create", name, errno))
    }

    /// Where the link of this name leads; none where it is no link, or that is no text.
    pub fn link_of(&self, name: &str) -> Result<Option<String>> {
        let path = self.path(name);
        let link = self.at(name, |here, base| Ok(folder::read_link(here, base, &path)))?;
        let link = link.map_err(|errno| self.failure("read", name, errno))??;
        Ok(link.and_then(|link| String::from_utf8(link.bytes.to_vec()).ok()))
    }

    /// What is staged under this name for a file, which may be a link.
    pub fn read_staged(&self, name: &str, entry: &Entry) -> Result<Option<FileContent>> {
        if !entry.stages_link() {
            return Ok(self.read(name)?);
        }
        let path = self.path(name);
        let link = self.at(name, |here, base| Ok(folder::read_link(here, base, &path)))?;
        Ok(link.map_err(|errno| self.failure("read", name, errno))??)
    }
}
