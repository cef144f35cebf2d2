//! What says that a finding is one: a standard, a page of Kubernetes' documentation, or of ours.

use std::fmt;

/// Where it is written why something is a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Citation {
    /// A rule of this program's own: a page of `docs/`, and the heading it is explained under.
    Own {
        /// The file's name.
        page: &'static str,
        /// The heading.
        heading: &'static str,
    },
    /// A page of another's documentation.
    Page {
        /// Whose it is.
        of: &'static str,
        /// Its title.
        title: &'static str,
        /// Where it is.
        url: &'static str,
    },
    /// A section or an appendix of an RFC, `section 4.2.1.9`.
    Rfc(u16, &'static str),
    /// A part of a standard that is no RFC.
    Standard(&'static str),
}

impl Citation {
    /// In Markdown, for a page of `docs/`.
    pub fn markdown(self) -> String {
        match self {
            Self::Own { page, heading } => {
                format!("[{page}](#), \"{heading}\"").replace('#', &link(page, heading))
            }
            Self::Page { of, title, url } => format!("{of}, [{title}]({url})"),
            Self::Rfc(number, part) => format!(
                "[{self}](https://www.rfc-editor.org/rfc/rfc{number}#{})",
                part.replace(' ', "-")
            ),
            Self::Standard(name) => name.to_owned(),
        }
    }
}

/// The place of a heading, as Markdown's readers call it.
fn link(page: &str, heading: &str) -> String {
    let anchor: String = heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == ' ')
        .map(|c| if c == ' ' { '-' } else { c })
        .collect();
    format!("{page}#{anchor}")
}

impl fmt::Display for Citation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own { page, heading } => write!(formatter, "docs/{page}, \"{heading}\""),
            Self::Page { of, title, url } => write!(formatter, "{of}, \"{title}\", {url}"),
            Self::Rfc(number, part) => write!(formatter, "RFC {number} {part}"),
            Self::Standard(name) => formatter.write_str(name),
        }
    }
}

const fn own(page: &'static str, heading: &'static str) -> Citation {
    Citation::Own { page, heading }
}

const fn kubernetes(title: &'static str, url: &'static str) -> Citation {
    let of = "Kubernetes";
    Citation::Page { of, title, url }
}

const REQUIREMENTS: &str = "PKI certificates and requirements";

pub(super) const ADMINISTRATORS: Citation = kubernetes(
    "Role Based Access Control Good Practices",
    "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege",
);
pub(super) const ASKING: Citation = own("external-ca.md", "Asking");
pub(super) const BOOTSTRAP: Citation = kubernetes(
    "TLS bootstrapping",
    "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/",
);
pub(super) const CHECK: Citation = own("output.md", "A check");
pub(super) const CONFIGURATION: Citation = own("config.md", "Fields that count");
pub(super) const COPIES: Citation = kubernetes(
    "Creating Highly Available Clusters with kubeadm",
    "https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/high-availability/#manual-certs",
);
pub(super) const EXPIRATION: Citation = kubernetes(
    "Certificate Management with kubeadm",
    "https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/#check-certificate-expiration",
);
pub(super) const EXTERNAL: Citation = kubernetes(
    "Certificate Management with kubeadm",
    "https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/#external-ca-mode",
);
pub(super) const FILES: Citation = own("architecture.md", "Nothing lost: how files change");
pub(super) const HASHES: Citation = Citation::Standard("NIST SP 800-131A Rev. 2 section 9");
pub(super) const IMPORTING: Citation = own("external-ca.md", "Importing");
pub(super) const INTERMEDIATES: Citation = own("architecture.md", "Intermediates");
pub(super) const ISSUING: Citation = own("architecture.md", "Issuing");
pub(super) const KEYS: Citation = Citation::Standard("NIST SP 800-131A Rev. 2 section 3");
pub(super) const KUBECONFIGS: Citation = kubernetes(
    "Organizing Cluster Access Using kubeconfig Files",
    "https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/",
);
pub(super) const MODE_OF_CERTIFICATES: Citation =
    Citation::Standard("CIS Kubernetes Benchmark 1.1.20");
pub(super) const MODE_OF_KEYS: Citation = Citation::Standard("CIS Kubernetes Benchmark 1.1.21");
pub(super) const OWNERS: Citation = Citation::Standard("CIS Kubernetes Benchmark 1.1.19");
pub(super) const PATHS: Citation = kubernetes(
    REQUIREMENTS,
    "https://kubernetes.io/docs/setup/best-practices/certificates/#certificate-paths",
);
pub(super) const PROFILES: Citation = kubernetes(
    REQUIREMENTS,
    "https://kubernetes.io/docs/setup/best-practices/certificates/#all-certificates",
);
pub(super) const ROTATION: Citation = kubernetes(
    "Manual Rotation of CA Certificates",
    "https://kubernetes.io/docs/tasks/tls/manual-rotation-of-ca-certificates/",
);
pub(super) const SERIALS: Citation =
    Citation::Standard("CA/Browser Forum Baseline Requirements section 7.1");
pub(super) const SERVICE_ACCOUNTS: Citation = kubernetes(
    "kube-apiserver",
    "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/",
);
pub(super) const SEPARATE_CAS: Citation = kubernetes(
    "Configure the Aggregation Layer",
    "https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/#ca-reusage-and-conflicts",
);
pub(super) const SIGNING: Citation = own("external-ca.md", "Signing");
pub(super) const SINGLE_ROOT: Citation = kubernetes(
    REQUIREMENTS,
    "https://kubernetes.io/docs/setup/best-practices/certificates/#single-root-ca",
);
pub(super) const USERS: Citation = kubernetes(
    REQUIREMENTS,
    "https://kubernetes.io/docs/setup/best-practices/certificates/#configure-certificates-for-user-accounts",
);
pub(super) const WAY: Citation = own("architecture.md", "One way through the house");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_citation_is_told_in_words_and_as_a_link() {
        let rfc = Citation::Rfc(5280, "section 4.2.1.9");
        assert_eq!(rfc.to_string(), "RFC 5280 section 4.2.1.9");
        assert_eq!(
            rfc.markdown(),
            "[RFC 5280 section 4.2.1.9](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.9)"
        );
        assert_eq!(
            FILES.to_string(),
            "docs/architecture.md, \"Nothing lost: how files change\""
        );
        assert_eq!(
            FILES.markdown(),
            "[architecture.md](architecture.md#nothing-lost-how-files-change), \"Nothing lost: how files change\""
        );
        assert_eq!(
            BOOTSTRAP.to_string(),
            "Kubernetes, \"TLS bootstrapping\", https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/"
        );
        assert_eq!(KEYS.markdown(), KEYS.to_string());
    }
}
