//! Copies of what a row has in its place, in folders that no component reads.

use super::ROTATES;
use super::external::{external_of, is_signed_elsewhere};
use super::tree::{Found, remake};
use crate::finding::{Code, Finding};
use crate::location::{FileId, Root};
use crate::observed::{Kubeconfig, Observed, Source};
use crate::profile::found::{is_rotated, looked_for};
use crate::profile::renewal::certificate;
use crate::profile::{KUBELET, TABLE, by_name};
use crate::spec::{Place, Spec};
use crate::x509::cert::Certificate;

/// Of what a row has in its place: its file and its certificate.
pub(super) struct Original<'a> {
    file: FileId,
    certificate: &'a Certificate,
    copy: &'a Certificate,
}

/// What a row has in its place under this one's subject, of the same CA, where this lies in a folder of its own: as
/// whoever copies what is about to be renewed puts it there.
pub(super) fn original<'a>(spec: &Spec, found: &'a Found) -> Option<Original<'a>> {
    let Place::Found {
        file, entry: None, ..
    } = &spec.place
    else {
        return None;
    };
    let (copy, _) = certificate(found.get(&spec.name)?)?;
    if by_name(&spec.name).is_some() || file.root == Root::Kubelet || copy.is_ca() {
        return None;
    }
    let base = |file: &FileId| file.name.rsplit('/').next().map(str::to_owned);
    let rows = TABLE.iter().filter_map(|row| {
        let observed = found.get(row.name)?;
        let (certificate, _) = certificate(observed)?;
        // What a kubeconfig names is no part of it.
        let referred = matches!(observed, Observed::Kubeconfig(found) if found.referred);
        let same = certificate.subject == copy.subject && certificate.issuer == copy.issuer;
        (same && !referred).then(|| Original {
            file: looked_for(row).place.public(),
            certificate,
            copy,
        })
    });
    let mut rows: Vec<Original<'_>> = rows.collect();
    // etcd's two have one subject.
    rows.sort_by_key(|row| base(&row.file) != base(file));
    rows.into_iter().next()
}

impl Original<'_> {
    /// What is to be done with the copy: to write it anew would bring nothing that is not there.
    pub(super) fn way_out(&self) -> String {
        let original = &self.file;
        format!("move it away if nothing uses it, or have that use {original}, which is renewed")
    }

    /// That the copy ended is no fault of what is in use, once its place has a newer one.
    pub(super) fn is_newer(&self) -> bool {
        let (is, was) = (&self.certificate.validity, &self.copy.validity);
        is.not_before > was.not_before && is.not_after > was.not_after
    }
}

/// Whether it is what a kubelet rotated last, and its kubeconfig names it: what is wrong with one is wrong with both,
/// and is told of that.
pub(crate) fn is_told_of_kubeconfig(spec: &Spec, found: &Found) -> bool {
    let file = Source::File(spec.place.public());
    let names = |found: &Kubeconfig| found.sources[1] == file;
    let kubeconfig = found.get(KUBELET);
    is_rotated(&spec.place.public())
        && matches!(kubeconfig, Some(Observed::Kubeconfig(found)) if names(found))
}

/// The API server refuses what has ended, so that its kubelet cannot ask for another with it: it does so with
/// what its kubeconfig holds.
fn rotated(finding: &mut Finding, spec: &Spec, found: &Found) {
    let offered = [remake(spec), ROTATES.to_owned()].contains(&finding.way_out);
    let (Some(row), true) = (by_name(KUBELET).map(looked_for), offered) else {
        return;
    };
    let held = match found.get(KUBELET) {
        Some(Observed::Kubeconfig(held)) if !held.referred => held.chain.first(),
        _ => None,
    };
    let copy = found.get(&spec.name).and_then(certificate);
    let original = held.zip(copy).map(|(certificate, (copy, _))| Original {
        file: row.place.public(),
        certificate,
        copy,
    });
    let same = |one: &Original<'_>| {
        one.certificate.subject == one.copy.subject && one.certificate.issuer == one.copy.issuer
    };
    if original.is_some_and(|one| same(&one) && one.is_newer()) {
        finding.code = Code::Superseded;
        finding.way_out = format!(
            "restart the kubelet, which makes another with what {} holds",
            row.place.public()
        );
    } else if is_signed_elsewhere(&row, found) {
        finding.way_out = external_of(&row, found, Code::Expired);
    } else {
        finding.way_out = remake(&row);
    }
}

/// What is told of a copy: its way out, and that what is in its place is newer.
pub(crate) fn superseded(finding: &mut Finding, spec: &Spec, found: &Found) {
    if finding.code == Code::Expired && is_rotated(&spec.place.public()) {
        return rotated(finding, spec, found);
    }
    let ends = matches!(
        finding.code,
        Code::Expired | Code::ExpiresSoon | Code::NotRenewed
    );
    let Some(original) = original(spec, found).filter(|_| ends) else {
        return;
    };
    finding.way_out = original.way_out();
    if finding.code == Code::Expired && original.is_newer() {
        finding.code = Code::Superseded;
    }
}
