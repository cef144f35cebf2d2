//! That a leaf has the key of what signs for the cluster.

use std::collections::{BTreeMap, HashMap};

use super::Judge;
use crate::finding::{Code, Finding};
use crate::key::PublicKey;
use crate::observed::{Observed, of_leaf};
use crate::profile::by_name;
use crate::profile::found::{is_called_ca, is_of_service_accounts, rows};
use crate::spec::{Kind, Phase, Spec};
use crate::x509::cert::Certificate;

/// That a certificate which must not sign is for the key of a CA or of service accounts: whoever is given it, to use it or as
/// PKCS#12, could make any other, or any token.
pub fn signing_key(spec: &Spec, observed: &Observed, signers: &Signers<'_>) -> Option<Finding> {
    let leaf = spec
        .certificate()
        .is_some_and(|wanted| wanted.kind != Kind::Ca);
    let own = match observed {
        Observed::Certificate { chain, key, .. } => of_leaf(chain, key.as_ref()).first(),
        Observed::Kubeconfig(found) => found.chain.first(),
        Observed::Returned(returned) => returned.chain.first(),
        _ => None,
    };
    // A CA beside another with the same key is the matter of other findings.
    let own = own.filter(|own| leaf && !own.is_ca())?;
    if is_of_service_accounts(&spec.name, observed) {
        return None;
    }
    let signer = signer(&own.public_key, signers)?;
    let judge = Judge::of(spec);
    Some(judge.finding(Code::SigningKey, &is_for(&signer), ""))
}

/// What is told of a key that signs.
pub(super) fn is_for(signer: &str) -> String {
    format!("is for the key of {signer}, which signs for the cluster")
}

/// Which keys of service accounts count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Those that tokens are verified with, whoever has the private one.
    Anywhere,
    /// The one that tokens are signed with here: to verify by a further one is odd, and hands nothing out.
    Here,
}

/// The keys of what signs, and whose each is: a leaf is looked for among them, for there may be thousands of leaves.
pub struct Signers<'a>(HashMap<PublicKey, &'a String>);

impl<'a> Signers<'a> {
    /// Of all that was found, where a key of tokens is one that signs here.
    pub fn of(found: &'a BTreeMap<String, Observed>) -> Self {
        Self::held(found, Held::Here)
    }

    /// The same with those that count as `held`.
    pub(super) fn held(found: &'a BTreeMap<String, Observed>, held: Held) -> Self {
        // Of two with one key the first is told.
        let all = found.iter().rev();
        let all = all.flat_map(|(name, observed)| {
            let keys = keys(name, observed, held).into_iter();
            keys.map(move |key| (key, name))
        });
        Self(all.collect())
    }
}

/// The file of what is there whose key this is, and which signs.
pub(super) fn signer(key: &PublicKey, signers: &Signers<'_>) -> Option<String> {
    let name = *signers.0.get(key)?;
    let row = by_name(name).map(|row| row.stored.public().to_string());
    Some(row.unwrap_or_else(|| name.clone()))
}

/// The keys of what signs, each half that can be read: of another name what is a CA's, or is called so where nothing else
/// tells.
fn keys(name: &str, observed: &Observed, held: Held) -> Vec<PublicKey> {
    let row = by_name(name);
    let of_accounts = is_of_service_accounts(name, observed);
    if let (true, Observed::Certificate { chain, .. }) = (of_accounts, observed) {
        return chain
            .iter()
            .take(1)
            .map(|leaf| leaf.public_key.clone())
            .collect();
    }
    let signs = match (row, observed) {
        (Some(row), _) => matches!(row.phase, Phase::Ca | Phase::Sa),
        (None, Observed::Certificate { chain, key, .. }) => {
            let own = of_leaf(chain, key.as_ref()).first();
            own.is_some_and(Certificate::is_ca)
        }
        (None, Observed::KeyOnly(_) | Observed::Unreadable(..)) => {
            of_accounts || is_called_ca(name)
        }
        _ => false,
    };
    match observed {
        _ if !signs => Vec::new(),
        Observed::KeyPair { key, .. } if held == Held::Here && key.open().is_some() => {
            let own = key.open().map(|key| key.public_key().clone());
            own.into_iter().collect()
        }
        observed => observed.public_keys(),
    }
}

/// What signs for the cluster and is there, and of which nothing can be read: whether a key is its own cannot be told.
pub fn unknown_signers(found: &BTreeMap<String, Observed>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for spec in rows() {
        let observed = found.get(&spec.name).unwrap_or(&Observed::Absent);
        let signs = matches!(spec.phase, Phase::Ca | Phase::Sa);
        if !signs || observed.is_absent() || !observed.public_keys().is_empty() {
            continue;
        }
        let mut judge = Judge::of(&spec);
        if let Observed::Unreadable(reasons, _) = observed {
            for reason in reasons {
                judge.unreadable(reason);
            }
        } else {
            let text = "cannot be read, nor its key: whether another is the same cannot be told";
            judge.tell(Code::Unreadable, text, "");
        }
        findings.append(&mut judge.findings);
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Finding, Held, Signers, signer, unknown_signers};
    use crate::finding::Code;
    use crate::observed::{Cause, KeyState, Observed, Unreadable};
    use crate::oracle::sample::{spec, tree};
    use crate::spec::Spec;
    use crate::x509::cert::Certificate;

    fn signing_key(
        spec: &Spec,
        observed: &Observed,
        found: &BTreeMap<String, Observed>,
    ) -> Option<Finding> {
        super::signing_key(spec, observed, &Signers::of(found))
    }

    fn leaf(observed: &mut Observed) -> &mut Certificate {
        match observed {
            Observed::Certificate { chain, .. } => &mut chain[0],
            Observed::Kubeconfig(found) => &mut found.chain[0],
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_leaf_for_the_key_of_what_signs_is_told() {
        let found = tree();
        for name in ["apiserver", "admin", "front-proxy-client", "etcd-peer"] {
            let spec = spec(name);
            assert_eq!(signing_key(&spec, &found[name], &found), None, "{name}");
            for (signer, file) in [
                ("ca", "ca.crt"),
                ("etcd-ca", "etcd/ca.crt"),
                ("front-proxy-ca", "front-proxy-ca.crt"),
                ("sa", "sa.pub"),
            ] {
                let mut observed = found[name].clone();
                leaf(&mut observed).public_key = match &found[signer] {
                    Observed::KeyPair { key, .. } => key.open().unwrap().public_key().clone(),
                    ca => leaf(&mut ca.clone()).public_key.clone(),
                };
                let told = signing_key(&spec, &observed, &found).unwrap();
                assert_eq!(told.code, Code::SigningKey);
                let text = format!("is for the key of {file}, which signs for the cluster");
                assert_eq!(told.text, text);
            }
        }
        // A CA is for its own, and one in a leaf's place is told by that.
        assert_eq!(signing_key(&spec("ca"), &found["ca"], &found), None);
        assert_eq!(signing_key(&spec("apiserver"), &found["ca"], &found), None);
    }

    #[test]
    fn a_ca_of_no_row_signs_too_and_a_key_without_its_certificate() {
        let mut found = tree();
        let mut ca = found["ca"].clone();
        leaf(&mut ca).public_key = leaf(&mut found["scheduler"].clone()).public_key.clone();
        found.insert("pki/old/ca.crt".to_owned(), ca);
        let scheduler = found["scheduler"].clone();
        let told = signing_key(&spec("scheduler"), &scheduler, &found).unwrap();
        assert!(told.text.contains("pki/old/ca.crt"), "{}", told.text);
        // Another leaf may share its key.
        let mut found = tree();
        found.insert("pki/copy.crt".to_owned(), found["apiserver"].clone());
        assert_eq!(
            signing_key(&spec("apiserver"), &found["apiserver"], &found),
            None
        );
        // Nor is it the key of tokens that are verified by it beside that.
        let own = leaf(&mut found["apiserver"].clone()).public_key.clone();
        let Some(Observed::KeyPair { public, .. }) = found.get_mut("sa") else {
            panic!("there is a pair");
        };
        public.get_or_insert_default().push(own.clone());
        assert_eq!(
            signing_key(&spec("apiserver"), &found["apiserver"], &found),
            None
        );
        let asked = signer(&own, &Signers::held(&found, Held::Anywhere));
        assert_eq!(asked.as_deref(), Some("sa.pub"));
        let Observed::Certificate { key: Some(key), .. } = found["apiserver"].clone() else {
            panic!("it has a key");
        };
        found.insert("etcd-ca".to_owned(), Observed::KeyOnly(key));
        assert!(signing_key(&spec("apiserver"), &found["apiserver"], &found).is_some());
    }

    #[test]
    fn what_signs_and_cannot_be_read_at_all_is_told_once_and_hides_no_half() {
        let mut found = tree();
        assert_eq!(unknown_signers(&found), []);
        let key = leaf(&mut found["etcd-ca"].clone()).public_key.clone();
        let reason = Unreadable {
            file: spec("etcd-ca").place.public(),
            why: "cannot be used: garbage".to_owned(),
            cause: Cause::Content,
            way_out: None,
            access: None,
            public: None,
        };
        let mut put = |keys| {
            let unreadable = Observed::Unreadable(vec![reason.clone()], keys);
            found.insert("etcd-ca".to_owned(), unreadable);
            let told = unknown_signers(&found);
            (told.len(), signer(&key, &Signers::of(&found)))
        };
        assert_eq!(put(vec![key.clone()]), (0, Some("etcd/ca.crt".to_owned())));
        assert_eq!(put(Vec::new()), (1, None));
        // As of a locked key alone.
        let Some(Observed::KeyPair { key, public, .. }) = found.get_mut("sa") else {
            panic!("there is a pair");
        };
        key.state = KeyState::Locked("give its passphrase".to_owned());
        let held = public.take().unwrap();
        let told = unknown_signers(&found);
        assert!(told[1].text.starts_with("cannot be read"), "{told:?}");
        found.insert("sa".to_owned(), Observed::PublicOnly(held.clone()));
        assert_eq!(unknown_signers(&found).len(), 1);
        let told = signer(&held[0], &Signers::of(&found));
        assert_eq!(told.as_deref(), Some("sa.pub"));
    }
}
