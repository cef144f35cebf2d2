//! For tests: the tree of one control plane as plain data, with keys that are made once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::diff::End;
use crate::facts::{self, Facts, Given, Host, Stated};
use crate::issue::{self, Issuer};
use crate::key::{self, KeyAlgorithm, PrivateKey};
use crate::observed::{Access, Key, KeyState, Kubeconfig, Observed, Source};
use crate::plan::Found;
use crate::profile::{TABLE, by_name, resolve};
use crate::spec::{CertificateSpec, Content, Phase, Place, Spec};
use crate::x509::cert::Certificate;
use crate::x509::serial::Serial;

/// When the tests run.
pub(crate) const NOW: OffsetDateTime = datetime!(2026-01-01 12:00 UTC);

/// Facts of a node `cp1` at 10.0.0.10, with P-256 keys, and what else is given.
pub(crate) fn facts_of(mut given: Given) -> Facts {
    let flag = |value: &str| Some(Stated::new(value, "--flag"));
    given.key_algorithm = given.key_algorithm.or_else(|| flag("ECDSA-P256"));
    given.kubernetes_version = given.kubernetes_version.or_else(|| flag("v1.36.2"));
    let host = Host {
        name: "cp1",
        default_address: &|_| "10.0.0.10".parse().ok(),
    };
    facts::resolve(given, &host).unwrap()
}

/// Every row that is in `all`.
pub(crate) fn specs() -> Vec<Spec> {
    let facts = facts_of(Given::default());
    TABLE
        .iter()
        .filter(|row| row.in_all)
        .map(|row| resolve(row, &facts).unwrap())
        .collect()
}

/// The one of [`specs`] of this name.
pub(crate) fn spec(name: &str) -> Spec {
    specs().into_iter().find(|spec| spec.name == name).unwrap()
}

/// The key called so, P-256, the same each time.
pub(crate) fn key(name: &str) -> Arc<PrivateKey> {
    key_of(name, KeyAlgorithm::EcdsaP256)
}

/// The key called so, of this algorithm. All RSA keys of a size that sign are one, and all others, for each takes its time.
pub(crate) fn key_of(name: &str, algorithm: KeyAlgorithm) -> Arc<PrivateKey> {
    static KEYS: OnceLock<Mutex<BTreeMap<String, Arc<PrivateKey>>>> = OnceLock::new();
    let mut keys = KEYS.get_or_init(Mutex::default).lock().unwrap();
    let make = || Arc::new(PrivateKey::generate(algorithm).unwrap());
    let name = match algorithm {
        // What signs has a key of its own.
        KeyAlgorithm::Rsa(_) => {
            let row = by_name(name);
            let signs = row.is_some_and(|row| matches!(row.phase, Phase::Ca | Phase::Sa));
            format!("{algorithm} {signs}")
        }
        _ => format!("{algorithm} {name}"),
    };
    Arc::clone(keys.entry(name).or_insert_with(make))
}

/// Of root's, with this mode.
pub(crate) fn access(mode: u32) -> Access {
    Access { mode, user: 0 }
}

/// A key as it is found, 0600.
pub(crate) fn open(key: Arc<PrivateKey>) -> Key {
    Key {
        state: KeyState::Open(key),
        access: access(0o600),
    }
}

/// A certificate of `wanted` from `begin` on, for the key called `name`.
pub(crate) fn certificate(
    wanted: &CertificateSpec,
    name: &str,
    found: &Found,
    begin: OffsetDateTime,
) -> Certificate {
    let key = key_of(name, wanted.key_algorithm);
    let mut random = [0; 20];
    key::random(&mut random).unwrap();
    let serial = Serial::new(random);
    let issued = match &wanted.issuer {
        None => issue::root(
            wanted,
            &key,
            serial,
            issue::validity(wanted, None, begin).unwrap(),
        ),
        Some(ca) => {
            let Some(Observed::Certificate {
                chain,
                key: Some(ca),
                ..
            }) = found.get(ca)
            else {
                panic!("{ca} is not there");
            };
            let issuer = Issuer {
                certificate: &chain[0],
                key: ca.open().unwrap(),
            };
            let validity =
                issue::validity(wanted, Some(End::of_ca(&chain[0], chain, begin)), begin).unwrap();
            issue::leaf(wanted, key.public_key(), issuer, serial, validity)
        }
    };
    issued.unwrap().certificate().clone()
}

/// `spec` as it is found right after it was made.
pub(crate) fn made(spec: &Spec, found: &Found) -> Observed {
    made_at(spec, found, NOW)
}

/// `spec` as it is found when it was made at another time.
pub(crate) fn made_at(spec: &Spec, found: &Found, begin: OffsetDateTime) -> Observed {
    let key = key_of(&spec.name, spec.key_algorithm());
    match (&spec.content, &spec.place) {
        (Content::KeyPair(_), _) => Observed::KeyPair {
            public_access: access(0o600),
            public: Some(vec![key.public_key().clone()]),
            key: open(key),
        },
        (
            Content::Certificate(wanted),
            Place::Kubeconfig {
                server,
                cluster,
                user,
                ..
            },
        ) => {
            let Some(Observed::Certificate { chain, .. }) =
                wanted.issuer.as_ref().and_then(|ca| found.get(ca))
            else {
                panic!("the CA is not there");
            };
            Observed::Kubeconfig(Kubeconfig {
                cluster: cluster.clone(),
                user: user.clone(),
                server: server.clone(),
                server_name: None,
                authorities: chain.clone(),
                chain: vec![certificate(wanted, &spec.name, found, begin)],
                beside: Vec::new(),
                referred: false,
                sources: Box::new([Source::Embedded, Source::Embedded, Source::Embedded]),
                key_file: None,
                named: Vec::new(),
                further: false,
                key: open(key),
            })
        }
        (Content::Certificate(wanted), _) => Observed::Certificate {
            chain: vec![certificate(wanted, &spec.name, found, begin)],
            access: access(0o644),
            key: Some(open(key)),
        },
    }
}

/// Everything of [`specs`], made an hour ago.
pub(crate) fn tree() -> Found {
    static TREE: OnceLock<Found> = OnceLock::new();
    let make = || {
        let mut found = Found::new();
        for spec in specs() {
            let observed = made_at(&spec, &found, NOW - Duration::hours(1));
            found.insert(spec.name, observed);
        }
        found
    };
    TREE.get_or_init(make).clone()
}
