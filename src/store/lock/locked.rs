//! A directory that is held.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

/// A locked directory. It is given back in so many words: closing it does not, as long as a process
/// that was forked in the meantime has it too. That this fails is no matter, the end of the process
/// does it then.
#[derive(Debug)]
pub struct Locked(File);

impl Locked {
    /// Of a directory that is locked, or lies in one that is.
    pub fn new(directory: File) -> Self {
        Self(directory)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl AsFd for Locked {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
