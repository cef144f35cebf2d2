//! What is there, as specs: for the verbs that look after a tree and need no configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::Stop;
use crate::finding::{Code, Finding};
use crate::location::{FileId, Root};
use crate::observe::{self, Seen};
use crate::observed::Observed;
use crate::profile::found::{Evidence, loose, of_other, of_row, others, paired, rows};
use crate::profile::{Profile, ResolveError, by_name};
use crate::spec::{Kind, Spec};
use crate::store::{ReadError, Store, Walked};

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
    // A kubelet's directory is closed to others, and its rows are not what a tree stands on.
    places.retain(|spec| {
        let root = spec.place.public().root;
        roots.contains(&root) && (root != Root::Kubelet || !closed.contains(&root))
    });
    (places, findings)
}

/// What else lies in these directories, whatever its name, added to what was seen in `places`; and what
/// is told of what was not looked at.
pub(crate) fn further(
    places: &[Spec],
    seen: &mut Seen,
    store: &Store,
    roots: &[Root],
) -> (Vec<Spec>, Vec<Finding>) {
    let there = |spec: &&Spec| {
        let observed = seen.observed.get(&spec.name);
        observed.is_some_and(|observed| !observed.is_absent())
    };
    let files = places
        .iter()
        .filter(there)
        .flat_map(|spec| spec.place.files());
    let mut known: BTreeSet<PathBuf> = files.map(|file| store.real(&file)).collect();
    let mut findings = Vec::new();
    let mut files = Vec::new();
    for root in roots {
        let Walked {
            files: walked,
            closed,
            open,
            left,
        } = store.walk(*root);
        let new = walked
            .into_iter()
            .filter(|file| known.insert(store.real(file)));
        files.extend(new);
        // Those that a tree has are told of already.
        let closed = closed
            .into_iter()
            .filter(|folder| !store.folders(*root).contains(folder));
        findings.extend(closed.map(|folder| {
            let text = "may not be looked into by this user".to_owned();
            told(
                Code::NotLookedAt,
                folder,
                text,
                "run as root, or as its owner",
            )
        }));
        // Keys that were replaced may still be good, and nothing else of them is looked at.
        findings.extend(open.into_iter().map(|(file, mode, to)| {
            let text = format!("has the mode {mode:04o}, and is where runs keep what they replace");
            let way_out = format!(
                "chmod it to {to:04o}, and replace the keys in it if others may have read them"
            );
            told(Code::KeyMode, file, text, &way_out)
        }));
        let out = "move away what is no certificate, key or kubeconfig of this cluster";
        findings.extend(
            left.into_iter()
                .map(|(file, why)| told(Code::NotLookedAt, file, why, out)),
        );
    }
    let named = |file: FileId| loose(store.path(&file).display().to_string(), file);
    let specs: Vec<Spec> = files.into_iter().map(named).collect();
    let trusted = seen.ground.trusted.clone();
    seen.add(observe::survey(&specs, store, trusted));
    (paired(specs, &mut seen.observed), findings)
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
    let unread = observe::unread(&folder, error);
    let withheld =
        folder.root == Root::Kubelet && matches!(error, ReadError::PermissionDenied { .. });
    let (code, text) = if withheld {
        (Code::KeyUnread, "may not be listed by this user".to_owned())
    } else {
        (unread.cause.code(), unread.why)
    };
    let way_out = unread.way_out.unwrap_or_default();
    told(code, folder, text, &way_out)
}
