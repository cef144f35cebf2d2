//! Where a file belongs, without a path: what plans speak of. Only the store knows the paths.

/// One of the directories of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// `--kubeconfig-dir`
    Kubeconfig,
    /// `--kubelet-dir`
    Kubelet,
    /// `--cert-dir`
    Pki,
}

/// A file by its root and its name in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The directory it belongs to.
    pub root: Root,
    /// Its name, relative to the root: `etcd/server.crt`, `admin.conf`.
    pub name: String,
}

impl FileId {
    /// A file of this name in this root.
    pub fn new(root: Root, name: impl Into<String>) -> Self {
        Self { root, name: name.into() }
    }
}
