//! An entry of a kubeconfig, which is judged alone.

/// An entry of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Which list it is in.
    pub kind: EntryKind,
    /// Its name.
    pub name: String,
    /// The file that a user names for its certificate, as it names it.
    pub certificate_file: Option<String>,
    /// The same for its key.
    pub key_file: Option<String>,
    /// The clusters that are not verified and to which a context leads a user: with the name of that.
    pub unverified: Vec<(String, String)>,
}

/// A list of a kubeconfig whose entries hold certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// `clusters`: CA certificates.
    Cluster,
    /// `users`: client certificates.
    User,
}

impl std::fmt::Display for Entry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {:?}", self.kind.name(), self.name)
    }
}

impl EntryKind {
    /// The word that a kubeconfig has for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::User => "user",
        }
    }
}
