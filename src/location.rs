//! Where a file lies, and whose it is, as plain data: plans speak of `Root::Pki` and
//! `etcd/server.crt`, never of paths. Only `store` turns these into paths.

use std::fmt;

/// A directory of a run. Each can be placed on its own, by the flag that [`Root::flag`] names.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Root {
    /// Kubeconfig files; `/etc/kubernetes`.
    Kubeconfig,
    /// The kubelet's own certificates; `/var/lib/kubelet/pki`.
    Kubelet,
    /// Certificates and keys; `/etc/kubernetes/pki`.
    Pki,
    /// Requests that go to another machine, and the certificates that come back;
    /// `/etc/kubernetes/csr`.
    Requests,
}

impl Root {
    /// Every root.
    pub const ALL: [Self; 4] = [Self::Kubeconfig, Self::Kubelet, Self::Pki, Self::Requests];

    /// Those of a cluster's tree, which its components read.
    pub const TREE: [Self; 3] = [Self::Kubeconfig, Self::Kubelet, Self::Pki];

    /// The flag that places this directory.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Kubeconfig => "--kubeconfig-dir",
            Self::Kubelet => "--kubelet-dir",
            Self::Pki => "--cert-dir",
            Self::Requests => "--csr-dir",
        }
    }

    /// One word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kubeconfig => "kubeconfig",
            Self::Kubelet => "kubelet",
            Self::Pki => "pki",
            Self::Requests => "requests",
        }
    }

    /// The root that [`Root::name`] calls so.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|root| root.name() == name)
    }
}

/// A logical file: a root, and a name within it such as `etcd/server.crt` or `admin.conf`.
/// Which names there may be is decided by the store's layout.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FileId {
    /// The directory it is in.
    pub root: Root,
    /// Its name, relative to the root.
    pub name: String,
}

impl FileId {
    /// Where the kubelet has its client certificate: a link to the file that it wrote last, as its own store of
    /// certificates keeps it. It refuses to rotate what is no link.
    pub const KUBELET_CURRENT: &str = "kubelet-client-current.pem";

    /// The file called `name` in `root`; `.` is the root itself.
    pub fn new(root: Root, name: impl Into<String>) -> Self {
        Self {
            root,
            name: name.into(),
        }
    }

    /// The directories that it lies in, the root first.
    pub fn directories(&self) -> Vec<Self> {
        let folder = self.name.rsplit_once('/').map(|(folder, _)| folder);
        [Some("."), folder]
            .into_iter()
            .flatten()
            .map(|name| Self::new(self.root, name))
            .collect()
    }

    /// The most of a mode that a file with a private key may have: its group may read it.
    pub const PRIVATE_MODE: u32 = 0o640;

    /// The most of a mode that this file may have: all may read what is public.
    pub fn largest_mode(&self) -> u32 {
        let ends = |ending: &&str| self.name.ends_with(*ending);
        // A kubelet's certificates have their keys in them.
        let beside = self.root == Root::Pki && ends(&".pem") && !ends(&"-key.pem");
        let public = beside || [".crt", ".csr", ".json", ".pub"].iter().any(ends);
        if public { 0o644 } else { Self::PRIVATE_MODE }
    }

    /// The certificate of a pair.
    pub fn certificate(root: Root, base: &str) -> Self {
        Self::new(root, format!("{base}.crt"))
    }

    /// The request for this certificate or kubeconfig: `apiserver.csr`, `admin.conf.csr`.
    #[must_use]
    pub fn request(&self) -> Self {
        let base = self.name.strip_suffix(".crt").unwrap_or(&self.name);
        Self::new(self.root, format!("{base}.csr"))
    }

    /// The private key of a pair.
    pub fn private_key(root: Root, base: &str) -> Self {
        Self::new(root, format!("{base}.key"))
    }

    /// The request for a pair's certificate.
    pub fn request_in(root: Root, base: &str) -> Self {
        Self::new(root, format!("{base}.csr"))
    }

    /// The public key of a pair that has no certificate.
    pub fn public_key(root: Root, base: &str) -> Self {
        Self::new(root, format!("{base}.pub"))
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// The numbers of the user and of the group that a file is to belong to; `None` leaves what the
/// system gives a new file.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Owner {
    /// The user's number.
    pub user: Option<u32>,
    /// The group's number.
    pub group: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_found_by_its_own_name_and_by_no_other() {
        for root in Root::ALL {
            assert_eq!(Root::from_name(root.name()), Some(root));
        }
        assert_eq!(Root::from_name("Pki"), None);
    }

    #[test]
    fn every_root_has_a_flag_of_its_own() {
        let flags: std::collections::BTreeSet<_> = Root::ALL.map(Root::flag).into();
        assert_eq!(flags.len(), Root::ALL.len());
    }

    #[test]
    fn a_file_lies_in_its_root_and_in_its_folder() {
        let of = |name| {
            let directories = FileId::new(Root::Pki, name).directories();
            let names = directories.into_iter().map(|directory| directory.name);
            names.collect::<Vec<_>>()
        };
        assert_eq!(of("ca.crt"), ["."]);
        assert_eq!(of("etcd/ca.crt"), [".", "etcd"]);
    }

    #[test]
    fn what_may_hold_a_key_is_never_for_all() {
        for (name, mode) in [
            ("etcd/server.crt", 0o644),
            ("sa.pub", 0o644),
            ("kubelet.conf.csr", 0o644),
            ("etcd/server.key", 0o640),
            ("admin.conf", 0o640),
            ("own.pem", 0o644),
            ("own-key.pem", 0o640),
            ("crt", 0o640),
        ] {
            let file = FileId::new(Root::Pki, name);
            assert_eq!(file.largest_mode(), mode, "{name}");
        }
    }

    #[test]
    fn a_file_is_shown_by_its_name_within_the_root() {
        let file = FileId::new(Root::Pki, "etcd/server.crt");
        assert_eq!(file.to_string(), "etcd/server.crt");
    }
}
