//! What of no row signs for a cluster, by what others call it.

use super::loose::keys_of;
use crate::location::FileId;
use crate::observed::Observed;
use crate::profile::by_name;
use crate::x509::name::Name;

/// Whether a file is called as a CA's are: `ca.pem`, `own-ca.key`, `rootCA-key.pem`.
pub fn is_called_ca(file: &str) -> bool {
    let base = base(file);
    base == "ca"
        || ["CA", "-ca", "_ca", ".ca"]
            .iter()
            .any(|end| base.ends_with(end))
}

/// Whether it is called as the key of a CA is, and no certificate has it by its name.
pub(super) fn is_lone_key_of_ca(file: &FileId, files: &[FileId]) -> bool {
    let goes_with = |other: &FileId| {
        other != file && other.root == file.root && keys_of(&other.name).contains(&file.name)
    };
    let key = [".key", "-key.pem"]
        .iter()
        .any(|end| file.name.ends_with(end));
    key && is_called_ca(&file.name) && !files.iter().any(goes_with)
}

/// Whether what is called so has the key that tokens of service accounts are signed with, as where CFSSL made one with a
/// certificate: `service-account.pem` and `service-account-key.pem`. What there is of tokens is void without that key.
pub fn is_of_service_accounts(name: &str, observed: &Observed) -> bool {
    let subject = match observed {
        Observed::Certificate { chain, .. } => chain.first().map(|leaf| &leaf.subject),
        _ => None,
    };
    let common_name = subject.and_then(Name::common_name);
    let called = ["service-account", "service-accounts"].contains(&base(name));
    by_name(name).is_none() && (called || common_name.as_deref() == Some("service-accounts"))
}

/// What a pair is called, without what tells its two files apart.
fn base(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or_default();
    let base = name.rsplit_once('.').map_or(name, |(base, _)| base);
    base.strip_suffix("-key").unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::{is_called_ca, is_lone_key_of_ca, is_of_service_accounts};
    use crate::location::{FileId, Root};
    use crate::observed::Observed;
    use crate::oracle::sample::tree;
    use crate::x509::name::Name;

    #[test]
    fn the_key_of_a_ca_is_known_by_its_name_where_no_certificate_has_it() {
        for name in [
            "ca.pem",
            "etcd/own-ca.key",
            "rootCA-key.pem",
            "ca-key.pem",
            "/k/old_ca.key",
        ] {
            assert!(is_called_ca(name), "{name}");
        }
        for name in ["own.key", "america.key", "ca-client.key", "ca/joe.pem"] {
            assert!(!is_called_ca(name), "{name}");
        }
        let lone = |key: &str, beside: &[&str]| {
            let file = |name: &str| FileId::new(Root::Pki, name);
            let mut files: Vec<FileId> = beside.iter().map(|name| file(name)).collect();
            files.push(file(key));
            is_lone_key_of_ca(&file(key), &files)
        };
        assert!(lone("own-ca.key", &["ca.crt", "etcd/own-ca.crt"]));
        assert!(lone("own-ca-key.pem", &[]));
        assert!(!lone("own-ca.key", &["own-ca.crt"]));
        assert!(!lone("own-ca-key.pem", &["own-ca.pem"]));
        assert!(!lone("own-ca.pem", &[]));
        assert!(!lone("own.key", &[]));
    }

    #[test]
    fn the_key_of_service_accounts_is_known_by_its_certificate_s_name_or_its_file_s() {
        let mut found = tree();
        let leaf = found.remove("front-proxy-client").unwrap();
        for name in [
            "service-account.pem",
            "service-accounts.crt",
            "service-account-key.pem",
        ] {
            assert!(is_of_service_accounts(name, &leaf), "{name}");
            assert!(is_of_service_accounts(name, &Observed::Absent), "{name}");
        }
        assert!(!is_of_service_accounts("tokens.pem", &leaf));
        assert!(!is_of_service_accounts("my-service-account.pem", &leaf));
        let Observed::Certificate {
            mut chain,
            access,
            key,
        } = leaf
        else {
            panic!("it is a pair");
        };
        chain[0].subject = Name::new(&["Kubernetes"], "service-accounts");
        let leaf = Observed::Certificate { chain, access, key };
        assert!(is_of_service_accounts("tokens.pem", &leaf));
        // A row is what it is.
        assert!(!is_of_service_accounts("front-proxy-client", &leaf));
    }
}
