//! Kubeconfigs that have half of a pair, and lose it by a rollback, as by a renewal.

use super::{Last, Plan, Planned, Step};
use crate::finding::{Code, Finding};
use crate::location::FileId;
use crate::observed::{Parts, Source};
use crate::profile::found::certificate_beside;

/// A pair that gets another key by a plan: its certificate and its key.
pub fn rekeyed(last: &Last, plan: &Plan) -> Vec<[FileId; 2]> {
    let restored = plan.steps.iter().filter(|planned| {
        let changed = last
            .files
            .iter()
            .find(|changed| changed.file == planned.file);
        let other = changed.is_some_and(|changed| changed.replaced != changed.wrote);
        matches!(planned.step, Step::Restore { .. }) && other
    });
    let changed: Vec<&FileId> = last.files.iter().map(|changed| &changed.file).collect();
    let keys = restored.filter_map(|planned| {
        let key = &planned.file;
        Some([certificate_beside(key, &changed)?, key.clone()])
    });
    keys.collect()
}

/// What is told of a kubeconfig that has one of the files of a pair that gets another key, and stays.
pub fn halved(pair: &[FileId; 2], plan: &Plan, kubeconfig: &Parts) -> Option<Finding> {
    let [certificate, key] = pair.each_ref().map(|file| Source::File(file.clone()));
    let half = (kubeconfig.certificate == certificate) != (kubeconfig.key == key);
    // Of a kubeconfig that is put back the other users stay as they are.
    let restored = |planned: &Planned| {
        let own = planned.file == kubeconfig.file && kubeconfig.entry.is_none();
        own && matches!(planned.step, Step::Restore { .. })
    };
    (half && !plan.steps.iter().any(restored)).then(|| Finding {
        code: Code::RestoredHalf,
        name: String::new(),
        file: pair[1].clone(),
        text: format!(
            "is put back, and {} names one file of its pair: its key is no longer its certificate's",
            kubeconfig.shown
        ),
        way_out: format!(
            "have {} name both files, or run 'certs rollback' again",
            kubeconfig.shown
        ),
    })
}
