//! A file that a kubeconfig names, and that lies elsewhere than in the tree.

use super::Access;

/// Such a file, of CA certificates or of a certificate: who may write it decides what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The field of the kubeconfig.
    pub field: &'static str,
    /// How that names it.
    pub path: String,
    /// Who may do what with it.
    pub access: Access,
    /// Whether it says whom to trust.
    pub trusted: bool,
}
