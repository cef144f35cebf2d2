//! What is there, as specs: for the verbs that look after a tree and need no configuration.

mod lying;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::Stop;
use crate::finding::{Code, Finding};
use crate::location::{FileId, Owner, Root};
use crate::observe::{self, Seen};
use crate::observed::{Observed, Parts};
use crate::pem;
use crate::profile::found::{Evidence, loose, of_other, of_row, others, paired, rows};
use crate::profile::{Phase, Profile, ResolveError, by_name};
use crate::spec::{Kind, Place, Spec};
use crate::store::{self, LARGEST, ReadError, Store, Walked};

pub(crate) use lying::Lying;
use lying::MOST;

/// What to look for in these directories: the rows, and what else lies there; and what is told of
/// directories that cannot be looked into.
pub(crate) fn places(store: &Store, roots: &[Root]) -> (Vec<Spec>, Vec<Finding>) {
    let mut files = Vec::new();
    let mut findings = Vec::new();
    let mut closed = Vec::new();
    for folder in roots.iter().flat_map(|root| store.folders(*root)) {
        match store.list_in(&folder) {
            Ok(listed) => files.extend(listed),
            // That of a directory is that of its folders.
            Err(_) if closed.contains(&folder.root) => {}
            Err(error) => {
                closed.push(folder.root);
                findings.push(unlisted(folder, &error));
            }
        }
    }
    files.sort();
    let mut places = rows();
    places.extend(others(&files));
    for spec in &mut places {
        // The key beside it is not the one that its reader takes.
        if let Place::Beside { certificate, .. } = &spec.place
            && let Ok(Some(content)) = store.read(&spec.place.public())
            && pem::holds_private_key(&content.bytes)
        {
            let (root, name) = (Root::Pki, certificate.clone());
            spec.place = Place::File { root, name };
        }
    }
    // A kubelet's directory is closed to others, and its rows are not what a tree stands on.
    places.retain(|spec| {
        let root = spec.place.public().root;
        roots.contains(&root) && (root != Root::Kubelet || !closed.contains(&root))
    });
    (places, findings)
}

/// The same for who brings all of it up to date: what may not be listed may hold what is due.
pub(crate) fn places_to_write(store: &Store, roots: &[Root]) -> (Vec<Spec>, Vec<Finding>) {
    let (places, mut closed) = places(store, roots);
    let withheld = closed
        .iter_mut()
        .filter(|told| told.code == Code::KeyUnread);
    withheld.for_each(|told| told.code = Code::ReadFailed);
    (places, closed)
}

/// What is in these places, and whatever else lies there; the places of that are added.
pub(crate) fn whole(places: &mut Vec<Spec>, lying: &Lying, store: &Store) -> Seen {
    lying.of_places(places);
    let trusted = store::trusted_users(Owner::default());
    let mut seen = observe::survey(places.iter(), store, trusted);
    let further = further(places, lying, &mut seen, store);
    places.extend(further);
    seen
}

/// Where each user of each kubeconfig that is there has its parts, wherever in the tree it lies: a run over a
/// few files may part any of them. And what the system did not let be looked at, which may be one.
pub(crate) fn kubeconfigs(store: &Store) -> (Vec<Parts>, Vec<Finding>) {
    let pairs = rows()
        .into_iter()
        .filter(|row| row.phase != Phase::Kubeconfig);
    let pairs: BTreeSet<FileId> = pairs.flat_map(|row| row.place.files()).collect();
    let (mut sized, mut findings) = (Vec::new(), Vec::new());
    for root in Root::TREE {
        let walked = store.walk(root);
        findings.extend(failed(&walked));
        // A kubelet's directory is closed to others, and no kubeconfig is kept there.
        let closed = walked.closed.iter();
        let closed = closed.filter(|folder| folder.root != Root::Kubelet);
        findings.extend(closed.map(|folder| {
            let path = store.path(folder);
            unread(folder, &ReadError::PermissionDenied { path })
        }));
        sized.extend(walked.files);
    }
    // As elsewhere: of what is larger, or beyond the bound, nothing is read.
    sized.retain(|(file, size)| *size <= LARGEST && !pairs.contains(file));
    sized.sort_by(|(one, size), (other, larger)| (size, one).cmp(&(larger, other)));
    let mut room = MOST;
    let mut kubeconfigs = Vec::new();
    for (file, size) in sized {
        let Some(rest) = room.checked_sub(size) else {
            break;
        };
        room = rest;
        match observe::parts(&file, store) {
            Ok(parts) => kubeconfigs.extend(parts),
            Err(error) => findings.push(unread(&file, &error)),
        }
    }
    (kubeconfigs, findings)
}

/// What a walk could not look at.
fn failed(walked: &Walked) -> impl Iterator<Item = Finding> {
    let failed = walked.failed.iter();
    failed.map(|(file, error)| unread(file, error))
}

fn unread(file: &FileId, error: &ReadError) -> Finding {
    let unread = observe::unread(file, error);
    let way_out = unread.way_out.unwrap_or_default();
    told(unread.cause.code(), file.clone(), unread.why, &way_out)
}

/// What else lies there, added to what was seen in `places`.
pub(crate) fn further(places: &[Spec], lying: &Lying, seen: &mut Seen, store: &Store) -> Vec<Spec> {
    let there = |spec: &&Spec| {
        let observed = seen.observed.get(&spec.name);
        observed.is_some_and(|observed| !observed.is_absent())
    };
    let files = places
        .iter()
        .filter(there)
        .flat_map(|spec| spec.place.files());
    let files: Vec<FileId> = files.collect();
    let real = store.real(files.iter().chain(&lying.files));
    let (known, of_lying) = real.split_at(files.len());
    let known: BTreeSet<&PathBuf> = known.iter().collect();
    let files = lying.files.iter().zip(of_lying);
    let files = files.filter(|(_, place)| !known.contains(place));
    let named = |file: &FileId| loose(store.path(file).display().to_string(), file.clone());
    let specs: Vec<Spec> = files.map(|(file, _)| named(file)).collect();
    let trusted = seen.ground.trusted.clone();
    seen.add(observe::survey(&specs, store, trusted));
    paired(specs, &mut seen.observed)
}

fn told(code: Code, file: FileId, text: String, way_out: &str) -> Finding {
    Finding {
        code,
        name: String::new(),
        file,
        text,
        way_out: way_out.to_owned(),
    }
}

/// What facts say of a row, over what is there.
pub(crate) type Resolve<'a> = dyn Fn(&Profile, Spec) -> Result<Spec, ResolveError> + 'a;

/// What should be in each place in which something is: by the facts, if any were stated.
pub(crate) fn specs(
    places: Vec<Spec>,
    found: &BTreeMap<String, Observed>,
    facts: Option<&Resolve<'_>>,
    host: &str,
) -> Result<Vec<Spec>, Stop> {
    let evidence = Evidence::of(found, host);
    let mut specs = Vec::new();
    for place in places {
        let observed = found.get(&place.name).unwrap_or(&Observed::Absent);
        if observed.is_absent() {
            continue;
        }
        let Some(row) = by_name(&place.name) else {
            specs.push(of_other(place.name, place.place, observed, &evidence));
            continue;
        };
        let there = of_row(row, observed, &evidence);
        let own = there
            .certificate()
            .is_some_and(|wanted| wanted.kind != Kind::Ca && wanted.issuer.is_none());
        specs.push(match facts {
            // What a kubelet made itself no facts are about.
            Some(facts) if !own => facts(row, there).map_err(|error| Stop::usage(error.0))?,
            _ => there,
        });
    }
    Ok(specs)
}

/// The CAs that sign for `specs` and are not among them, as they are looked for.
pub(crate) fn further_issuers(specs: &[Spec]) -> Vec<Spec> {
    let mut issuers = rows();
    issuers.retain(|ca| {
        let signs = |spec: &Spec| {
            spec.certificate()
                .is_some_and(|leaf| leaf.issuer.as_ref() == Some(&ca.name))
        };
        specs.iter().any(signs) && specs.iter().all(|spec| spec.name != ca.name)
    });
    issuers
}

/// What a name means that was typed: a row, the pair or the kubeconfig of one's own, or what has a file
/// that is told so or lies there. None is called so: none.
pub(crate) fn named<'a>(
    name: &str,
    specs: &'a [Spec],
    store: &Store,
) -> Result<Option<&'a Spec>, String> {
    let called = |wanted: &str| specs.iter().find(|spec| spec.name == wanted);
    let own = [format!("{name}.crt"), format!("{name}.conf")];
    if let Some(spec) = called(name).or_else(|| own.iter().find_map(|own| called(own))) {
        return Ok(Some(spec));
    }
    let has = |spec: &Spec, file: &FileId| spec.place.files().contains(file);
    let files: Vec<FileId> = specs.iter().flat_map(|spec| spec.place.files()).collect();
    match store.called(name, &files).as_slice() {
        [] => Ok(None),
        [file] => Ok(specs.iter().find(|spec| has(spec, file))),
        several => {
            let paths = several.iter().map(|file| store.path(file));
            let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
            Err(format!(
                "\"{name}\" is {}: give the whole path of one",
                paths.join(", and ")
            ))
        }
    }
}

/// That there is nothing to be looked after.
pub(crate) fn nothing(store: &Store) -> Stop {
    Stop::usage(format!(
        "there is nothing to look at in {}: name the cluster's directory with --kubernetes-dir",
        store.root(Root::Kubeconfig).display()
    ))
}

/// A directory that this user may not list may hold what the user need not read.
fn unlisted(folder: FileId, error: &ReadError) -> Finding {
    let withheld =
        folder.root == Root::Kubelet && matches!(error, ReadError::PermissionDenied { .. });
    if !withheld {
        return unread(&folder, error);
    }
    let finding = unread(&folder, error);
    let text = "may not be listed by this user".to_owned();
    told(Code::KeyUnread, folder, text, &finding.way_out)
}
