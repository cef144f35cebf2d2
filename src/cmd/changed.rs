//! What a run changed, for whoever reads it.

use super::sequence::{Carried, Judged};
use super::{Stop, there};
use crate::facts::Version;
use crate::location::{FileId, Owner, Root};
use crate::observe::survey;
use crate::observed::{Cause, Observed, Source, Unreadable};
use crate::plan::{Found, Step};
use crate::profile::reader::{Changed, Through, processes};
use crate::profile::{TABLE, by_name};
use crate::report::Report;
use crate::spec::Spec;
use crate::store::{Store, trusted_users};

/// What this run changed, and one that was interrupted before it, which is written even where this
/// one was refused.
pub(crate) fn changed(judged: &Judged, finished: &[FileId]) -> Vec<Changed> {
    of(judged, |step| !step.keeps(), finished)
}

/// What a run replaced, or would, that makes what lacks: what it creates nobody has read yet.
pub(crate) fn replaced(judged: &Judged) -> Vec<Changed> {
    of(judged, Step::replaces, &[])
}

/// What a run that was interrupted before this one changed: of one that is refused that is all.
fn finished(judged: &Judged, finished: &[FileId]) -> Vec<Changed> {
    of(judged, |_| false, finished)
}

/// What this run changed, and what an interrupted one had, of what could be judged.
pub(crate) fn and_finished(
    judged: Option<&Judged>,
    files: &[FileId],
) -> (Vec<Changed>, Vec<Changed>) {
    judged.map_or_else(Default::default, |judged| {
        (changed(judged, files), finished(judged, files))
    })
}

fn of(judged: &Judged, counts: impl Fn(&Step) -> bool, finished: &[FileId]) -> Vec<Changed> {
    let steps = judged.planning.as_ref().map_or(&[][..], |plan| &plan.steps);
    let planned = steps.iter().filter(|planned| counts(&planned.step));
    let tree = Tree {
        specs: &judged.specs,
        found: &judged.seen.observed,
    };
    tree.changed(planned.map(|planned| &planned.spec).collect(), finished)
}

/// Tells who reads what a run changed, unless it was refused and completed none.
pub(crate) fn tell(
    report: &mut Report,
    carried: &Carried,
    version: Option<Version>,
) -> Vec<Changed> {
    let changed = changed(&carried.judged, &carried.finished);
    if carried.judged.planning.is_ok() || !changed.is_empty() {
        report.read_by(&changed, version);
    }
    changed
}

/// Tells who reads what a run that makes what lacks replaced; of a new tree there is nothing to tell.
pub(crate) fn tell_replaced(report: &mut Report, judged: &Judged, version: Option<Version>) {
    let replaced = replaced(judged);
    if !replaced.is_empty() {
        report.read_by(&replaced, version);
    }
}

/// What must be restarted for what an interrupted run had begun, in a sentence: whoever completes it is the
/// last to know of that. And why not all of it is known, if so.
pub(crate) fn restarts(
    store: &Store,
    finished: &[FileId],
    host: &str,
) -> Result<Vec<String>, Stop> {
    let roots = Root::TREE.into_iter().filter(|root| !store.lacks(*root));
    let (places, closed) = there::places(store, &roots.collect::<Vec<Root>>());
    let seen = survey(&places, store, trusted_users(Owner::default()));
    let closed = closed.into_iter().map(|one| (one.file, one.text));
    let unread = seen.observed.values().flat_map(unread);
    let unread = unread.map(|one| (one.file.clone(), one.why.clone()));
    let unknown = closed.chain(unread).next().map(|(file, why)| {
        let shown = store.shown(&file);
        format!(
            "what must be restarted for what that run wrote is not known in full: {shown} {why}"
        )
    });
    let specs = there::specs(places, &seen.observed, None, host)?;
    let tree = Tree {
        specs: &specs,
        found: &seen.observed,
    };
    let processes = processes(&tree.changed(Vec::new(), finished), None);
    let restarts = processes.iter().filter(|one| !one.restart.is_empty());
    let told: Vec<String> = restarts
        .map(|one| format!("{} ({})", one.name, one.restart.join(", ")))
        .collect();
    let told = told.join(", ");
    let sentence = format!("restart what read at its start alone what that run wrote: {told}");
    let known = (!told.is_empty()).then_some(sentence);
    Ok(known.into_iter().chain(unknown).collect())
}

/// What the system did not let be read of it.
fn unread(observed: &Observed) -> impl Iterator<Item = &Unreadable> {
    let reasons = match observed {
        Observed::Unreadable(reasons, _) => &reasons[..],
        _ => &[],
    };
    let all = reasons.iter().chain(observed.unread_key());
    all.filter(|one| one.cause != Cause::Content)
}

/// What is there.
#[derive(Clone, Copy)]
struct Tree<'a> {
    specs: &'a [Spec],
    found: &'a Found,
}

impl<'a> Tree<'a> {
    fn changed(self, mut changed: Vec<&'a Spec>, finished: &[FileId]) -> Vec<Changed> {
        for spec in self.specs {
            let known = changed.iter().any(|other| other.name == spec.name);
            let files = spec.place.files();
            if !known && files.iter().any(|file| finished.contains(file)) {
                changed.push(spec);
            }
        }
        let all = changed
            .into_iter()
            .flat_map(|spec| [self.read(spec)].into_iter().chain(self.trusted_by(spec)));
        all.collect()
    }

    /// Kubeconfigs that name the file of a CA: whoever uses one reads that.
    fn trusted_by(self, spec: &Spec) -> impl Iterator<Item = Changed> {
        let public = Source::File(spec.place.public());
        self.specs.iter().filter_map(move |other| {
            let Some(Observed::Kubeconfig(found)) = self.found.get(&other.name) else {
                return None;
            };
            (found.sources[0] == public).then(|| Changed {
                name: spec.name.clone(),
                row: other.name.clone(),
                through: Through::KubeconfigAuthority,
            })
        })
    }

    /// By which row it is read: its own, or that of a kubeconfig that names it.
    fn read(self, spec: &Spec) -> Changed {
        let public = Source::File(spec.place.public());
        let of_kubeconfig = self.specs.iter().find(|other| {
            let observed = self.found.get(&other.name);
            matches!(observed, Some(Observed::Kubeconfig(found)) if found.sources[1] == public)
        });
        let row = match of_kubeconfig {
            Some(kubeconfig) if by_name(&spec.name).is_none() => kubeconfig,
            _ => spec,
        };
        // A copy is called by its file.
        let copied = TABLE.iter().find(|row| {
            let file = Source::File(row.stored.public());
            by_name(&spec.name).is_none() && file == public
        });
        Changed {
            name: spec.name.clone(),
            row: copied.map_or(row.name.clone(), |row| row.name.to_owned()),
            through: if row.name == spec.name {
                Through::Itself
            } else {
                Through::KubeconfigClient
            },
        }
    }
}
