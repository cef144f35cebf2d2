//! What a run changed, for whoever reads it.

use super::sequence::Judged;
use super::there;
use crate::location::{FileId, Owner, Root};
use crate::observe::survey;
use crate::observed::{Cause, Observed, Source, Unreadable};
use crate::plan::Refusal;
use crate::profile::reader::{Changed, Through, processes};
use crate::profile::{TABLE, by_name};
use crate::spec::Spec;
use crate::store::{Store, trusted_users};

/// What this run changed, and one that was interrupted before it, which is written even where this
/// one was refused.
pub(crate) fn changed(judged: &Judged, finished: &[FileId]) -> Vec<Changed> {
    let steps = judged.planning.as_ref().map_or(&[][..], |plan| &plan.steps);
    let planned = steps.iter().filter(|planned| !planned.step.keeps());
    let mut changed: Vec<&Spec> = planned.map(|planned| &planned.spec).collect();
    for spec in &judged.specs {
        let known = changed.iter().any(|other| other.name == spec.name);
        let files = spec.place.files();
        if !known && files.iter().any(|file| finished.contains(file)) {
            changed.push(spec);
        }
    }
    changed
        .into_iter()
        .flat_map(|spec| {
            [read(judged, spec)]
                .into_iter()
                .chain(trusted_by(judged, spec))
        })
        .collect()
}

/// What must be restarted for what an interrupted run had begun, in a sentence: whoever completes it is the
/// last to know of that. And why not all of it is known, if so.
pub(crate) fn restarts(store: &Store, finished: &[FileId], host: &str) -> Vec<String> {
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
    // Nothing but facts can be wrong, and none are stated.
    let specs = there::specs(places, &seen.observed, None, host).unwrap_or_default();
    let findings = Vec::new();
    let judged = Judged {
        seen,
        specs,
        planning: Err(Refusal { findings }),
    };
    let processes = processes(&changed(&judged, finished), None);
    let restarts = processes.iter().filter(|one| !one.restart.is_empty());
    let told: Vec<String> = restarts
        .map(|one| format!("{} ({})", one.name, one.restart.join(", ")))
        .collect();
    let told = told.join(", ");
    let sentence = format!("restart what read at its start alone what that run wrote: {told}");
    let known = (!told.is_empty()).then_some(sentence);
    known.into_iter().chain(unknown).collect()
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

/// Kubeconfigs that name the file of a CA: whoever uses one reads that.
fn trusted_by(judged: &Judged, spec: &Spec) -> impl Iterator<Item = Changed> {
    let public = Source::File(spec.place.public());
    judged.specs.iter().filter_map(move |other| {
        let Some(Observed::Kubeconfig(found)) = judged.seen.observed.get(&other.name) else {
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
fn read(judged: &Judged, spec: &Spec) -> Changed {
    let public = Source::File(spec.place.public());
    let of_kubeconfig = judged.specs.iter().find(|other| {
        let observed = judged.seen.observed.get(&other.name);
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
