//! What came back, put over what is there: as found, with the chain that leads to its CA.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::BELOW;
use crate::bundle;
use crate::cmd::there;
use crate::diff::counted;
use crate::location::{FileId, Root};
use crate::observe::{self, Arrived, Seen};
use crate::observed::{Access, Key, Observed, Returned, of_leaf};
use crate::profile::{API_SERVER, TABLE, signing_file};
use crate::requests::returned;
use crate::spec::Spec;
use crate::store::Store;
use crate::x509::cert::Certificate;
use crate::x509::san::San;

/// What came back of what a CA is to have signed.
pub(super) fn below(
    ca: &Spec,
    specs: &[Spec],
    arrivals: &BTreeMap<String, Arrived>,
) -> Vec<Certificate> {
    let signed = |spec: &&Spec| {
        let leaf = spec.certificate();
        leaf.is_some_and(|leaf| leaf.issuer.as_ref() == Some(&ca.name))
    };
    let back = specs.iter().filter(signed);
    let back = back.filter_map(|spec| arrivals.get(&spec.name)?.certificates.first());
    back.cloned().collect()
}

/// A CA's certificate that is here counts, unless it was asked for too.
pub(super) fn take_ca(
    seen: &mut Seen,
    spec: &Spec,
    arrival: Option<Arrived>,
    asked: bool,
    below: &[Certificate],
    (pool, time): (&[Certificate], OffsetDateTime),
) {
    let observed = seen.observed.get(&spec.name).unwrap_or(&Observed::Absent);
    if !asked && !observed.is_absent() {
        return;
    }
    if matches!(observed, Observed::Unreadable(..)) || (arrival.is_none() && !asked) {
        return;
    }
    let (key, now) = what_is_there(observed);
    let (file, access) = file(spec, arrival.as_ref());
    let came = arrival.map_or_else(Vec::new, |arrival| arrival.certificates);
    let (chain, unrelated) = counted(&came, key.as_ref(), &now, below, pool, time);
    put(
        seen,
        spec,
        Returned {
            file,
            chain,
            key,
            now,
            unrelated,
            access,
            asked: None,
            key_file: None,
        },
    );
}

/// With a CA that comes anew also what it signed, and the file of one certificate that the controller
/// manager signs with.
pub(super) fn bring_along(
    seen: &mut Seen,
    specs: &mut Vec<Spec>,
    ca: &Spec,
    store: &Store,
    host: &str,
) {
    let Some(Observed::Returned(returned)) = seen.observed.get(&ca.name) else {
        return;
    };
    let (own, whole) = (returned.key.is_some(), returned.chain.clone());
    let (came, former) = (returned.file.clone(), !returned.now.is_empty());
    if let (Some(apart), true, Some(first)) = (signing_file(ca), own, whole.first()) {
        let file = apart.place.public();
        let found = observe::survey([&apart], store, Vec::new());
        let there = match found.observed.get(&apart.name) {
            Some(Observed::Certificate { chain, .. }) => chain.clone(),
            _ => Vec::new(),
        };
        if whole.len() > 1 || found.files.contains_key(&file) {
            seen.files.extend(found.files);
            let alone = Returned {
                file: came,
                chain: vec![first.clone()],
                key: None,
                now: there,
                unrelated: Vec::new(),
                access: returned.access,
                asked: None,
                key_file: None,
            };
            put(seen, &apart, alone);
            specs.push(apart);
        }
    }
    if !former {
        return;
    }
    let roots: Vec<Root> = BELOW.into_iter().filter(|root| store.has(*root)).collect();
    let (places, _) = there::places(store, &roots);
    let found = observe::survey(&places, store, Vec::new());
    // Without facts nothing of it can be wrong.
    let below = there::specs(places, &found.observed, None, host).unwrap_or_default();
    let asked: Vec<FileId> = specs.iter().map(|spec| spec.place.public()).collect();
    for spec in below {
        let leaf = spec.certificate();
        let signed = leaf.is_some_and(|leaf| leaf.issuer.as_ref() == Some(&ca.name));
        let Some(observed) = found.observed.get(&spec.name) else {
            continue;
        };
        if !signed || asked.contains(&spec.place.public()) {
            continue;
        }
        for file in spec.place.files() {
            if let Some(content) = found.files.get(&file) {
                seen.files.insert(file, content.clone());
            }
        }
        seen.observed.insert(spec.name.clone(), observed.clone());
        specs.push(spec);
    }
    // The API server's before the kubeconfigs, which trust what it does not send.
    let row = |spec: &Spec| TABLE.iter().position(|row| row.name == spec.name);
    specs.sort_by_key(|spec| row(spec).unwrap_or(TABLE.len()));
}

pub(super) fn take(
    seen: &mut Seen,
    spec: &Spec,
    arrival: Option<Arrived>,
    (pool, time): (&[Certificate], OffsetDateTime),
    asked: Option<Vec<San>>,
) {
    let observed = seen.observed.get(&spec.name).unwrap_or(&Observed::Absent);
    if matches!(observed, Observed::Unreadable(..)) {
        return;
    }
    let (key, now) = what_is_there(observed);
    let named = observed.key_file();
    let key_file = named.map(|(path, source)| (path.to_owned(), source.clone()));
    let authorities = crate::diff::authorities(spec, &seen.observed);
    let (file, access) = file(spec, arrival.as_ref());
    // Wherever in the file it stands: the chain is put together here.
    let came = arrival.map_or_else(Vec::new, |arrival| arrival.certificates);
    let leaf = of_leaf(&came, key.as_ref()).first().cloned();
    let mut chain = leaf.map_or_else(Vec::new, |leaf| {
        // The CA that is here says where trust in it begins: anybody can certify its public key below another root.
        let own = bundle::above(&leaf, authorities, time);
        let known = own.last().is_some_and(|top| bundle::is_root(top));
        let came = if known { &[][..] } else { pool };
        bundle::chain(&leaf, &[authorities, came].concat(), time)
    });
    if spec.name == API_SERVER {
        // What is in place stays, so that an import may be repeated.
        let sent = now.iter().chain(&seen.crossed).chain(&came);
        chain = bundle::with_crossed(chain, authorities, sent, time);
    }
    put(
        seen,
        spec,
        Returned {
            file,
            chain,
            key,
            now,
            unrelated: Vec::new(),
            access,
            asked,
            key_file,
        },
    );
}

/// Where it came back, or would have, and the access to that.
fn file(spec: &Spec, arrival: Option<&Arrived>) -> (FileId, Access) {
    arrival.map_or_else(
        || (returned(spec), Access::default()),
        |arrival| (arrival.file.clone(), arrival.access),
    )
}

fn put(seen: &mut Seen, spec: &Spec, returned: Returned) {
    let returned = Observed::Returned(Box::new(returned));
    seen.observed.insert(spec.name.clone(), returned);
}

fn what_is_there(observed: &Observed) -> (Option<Key>, Vec<Certificate>) {
    match observed {
        Observed::Certificate { chain, key, .. } => (key.clone(), chain.clone()),
        Observed::KeyOnly(key) | Observed::Requested { key, .. } => (Some(key.clone()), Vec::new()),
        Observed::Kubeconfig(found) => (Some(found.key.clone()), found.chain.clone()),
        _ => (None, Vec::new()),
    }
}
