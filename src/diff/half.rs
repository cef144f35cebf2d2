//! What is told of a tree in which a run was interrupted: all that its journal does not explain.

use std::collections::BTreeSet;

use super::issuer;
use crate::finding::{Code, Finding};
use crate::location::FileId;
use crate::profile::{API_SERVER, by_name};
use crate::spec::Spec;

/// What is told of how two files fit, or that one lacks. All else is true of the file that is there.
const FIT: [Code; 27] = [
    Code::Absent,
    Code::AuthoritySerial,
    Code::BadSignature,
    Code::CaAbsent,
    Code::CaOrder,
    Code::ExpiresWithCa,
    Code::ExternalCa,
    Code::IntermediateMissing,
    Code::KeyMismatch,
    Code::MissingCertificate,
    Code::MissingKey,
    Code::NameForbidden,
    Code::NotCopied,
    Code::NotSigned,
    Code::OtherCa,
    Code::OutlivesCa,
    Code::PathLength,
    Code::Requested,
    Code::SameCaName,
    Code::SharedCa,
    Code::SharedDiffers,
    Code::ServerNotInSans,
    Code::TrustExtra,
    Code::TrustFile,
    Code::TrustFormer,
    Code::TrustMissing,
    Code::WrongCa,
];

/// What a file is held against the facts or what other files tell: one that is about to be replaced may well differ.
const DRIFT: [Code; 10] = [
    Code::FormerSubject,
    Code::KeyAlgorithm,
    Code::SanExtra,
    Code::SanMissing,
    Code::Server,
    Code::Superseded,
    Code::UsageExtra,
    Code::UsageMissing,
    Code::Validity,
    Code::WrongSubject,
];

/// Without what the files explain of which a run wrote some, and was to write the others: that these do not fit each
/// other, nor what hangs on them. That one of them is open to others or has ended is so until they are written.
pub fn beyond_half_a_run(
    mut findings: Vec<Finding>,
    specs: &[Spec],
    half_done: &BTreeSet<FileId>,
) -> Vec<Finding> {
    if half_done.is_empty() {
        return findings;
    }
    let in_row = |name: &str| {
        by_name(name).map_or_else(Vec::new, |row| vec![row.stored.public(), row.stored.key()])
    };
    let touched = |name: &str| {
        let spec = specs.iter().find(|spec| spec.name == name);
        let files = spec.map_or_else(|| in_row(name), |spec| spec.place.files());
        files.iter().any(|file| half_done.contains(file))
    };
    let explained = |told: &Finding| {
        let own = || half_done.contains(&told.file) || touched(&told.name);
        let above = || {
            let spec = specs.iter().find(|spec| spec.name == told.name);
            spec.and_then(issuer).is_some_and(touched)
        };
        let served = || told.code == Code::ServerNotInSans && touched(API_SERVER);
        if FIT.contains(&told.code) {
            own() || above() || served()
        } else {
            DRIFT.contains(&told.code) && own()
        }
    };
    findings.retain(|told| !explained(told));
    findings
}
