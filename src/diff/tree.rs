//! What the files of a tree are to each other, and the survey of them all: for who looks after a
//! tree, beside what every verb is told.

mod between;

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::certificate::after_clock;
use super::elsewhere::{elsewhere, unparted};
use super::external::{made_elsewhere, requested};
use super::generations::{behind, uncrossed, under_way};
use super::scrutiny::{held, scrutiny};
use super::trust::unfollowed;
use super::{
    OPAQUE, Within, again, authorities, file, is_told_of_kubeconfig, lasting, reissue, signed_by,
    superseded, trusts,
};
use crate::finding::{Code, Finding, Severity};
use crate::location::{FileId, Root};
use crate::observed::{Observed, Parts, of_leaf};
use crate::profile::flags::BOOTSTRAP_KUBECONFIG;
use crate::profile::{API_SERVER, Profile, Signer, TABLE, by_name, found::lacking};
use crate::spec::{Place, Spec};
use crate::x509::cert::Certificate;

pub(super) use between::{Issuers, among, numbered};

/// What was found, by the spec's name.
pub(super) type Found = BTreeMap<String, Observed>;

/// What is to be told of `specs` beyond how each differs from what was found in its place.
pub fn survey(specs: &[Spec], found: &Found, within: Within, now: OffsetDateTime) -> Vec<Finding> {
    let mut findings = Vec::new();
    for spec in specs {
        let authorities = authorities(spec, found);
        if let Some(observed) = found.get(&spec.name) {
            findings.extend(scrutiny(spec, observed, authorities, within, now));
            let ca = trusts(spec, observed, found);
            let anchors = (ca, file(ca, found));
            findings.extend(held(spec, observed, anchors, within, now));
        }
    }
    findings.extend(among(specs, found));
    findings.extend(absent(found));
    findings.extend(under_way(found));
    findings.extend(behind(specs, found));
    findings.extend(uncrossed(specs, found, now));
    findings.extend(unfollowed(specs, found));
    let named = named(specs);
    for finding in &mut findings {
        let spec = named.get(finding.name.as_str()).copied();
        if let Some(spec) = spec {
            made_elsewhere([finding], spec, found, now);
        }
    }
    findings
}

/// Each by its name: a tree may have thousands, and each something to be told of.
fn named(specs: &[Spec]) -> BTreeMap<&str, &Spec> {
    let specs = specs.iter().rev();
    specs.map(|spec| (spec.name.as_str(), spec)).collect()
}

/// What a verb that makes offers as the way out, as one that only looks offers it.
pub fn told_to_a_reader(mut findings: Vec<Finding>, specs: &[Spec]) -> Vec<Finding> {
    let named = named(specs);
    for finding in &mut findings {
        let spec = named.get(finding.name.as_str()).copied();
        if finding.code == Code::ServerNotInSans {
            // Either may be what is wrong.
            "reissue the API server's certificate with that name, or correct the kubeconfig"
                .clone_into(&mut finding.way_out);
        } else if let Some(spec) = spec {
            let offered = [Severity::Error, Severity::Warning].map(|of| reissue(spec, of));
            let (first, way_out) = after_clock(&finding.way_out);
            let rest = offered
                .iter()
                .find_map(|offered| way_out.strip_prefix(offered.as_str()))
                .filter(|rest| ["", OPAQUE].contains(rest));
            if let Some(rest) = rest {
                // Of what is in no row nothing is replaced here.
                let rest = by_name(&spec.name).map_or("", |_| rest);
                finding.way_out = format!("{first}{}{rest}", remake(spec));
            }
        }
    }
    findings
}

/// Without what is no matter of this cluster: a kubeconfig that leads to none of its API servers, trusts
/// another CA and holds no client certificate is another service's, as that of a webhook is. One that is in the place of a
/// row, or where a kubelet joins by it, is this cluster's wherever it leads.
pub fn of_this_cluster(mut findings: Vec<Finding>, specs: &[Spec], found: &Found) -> Vec<Finding> {
    let kept = |spec: &&Spec| {
        let file = spec.place.public();
        spec.place.entry().is_none()
            && (file == FileId::new(Root::Kubeconfig, BOOTSTRAP_KUBECONFIG)
                || TABLE.iter().any(|row| row.stored.public() == file))
    };
    let kept: BTreeSet<&String> = specs.iter().filter(kept).map(|spec| &spec.name).collect();
    let led = [Code::ServerNotInSans, Code::WrongCa];
    let [unserved, untrusted] = led.map(|code| {
        let told = findings.iter().filter(|told| told.code == code);
        let leads = told.filter(|told| matches!(found.get(&told.name), Some(Observed::Lead(_))));
        leads.map(|told| told.name.clone()).collect::<BTreeSet<_>>()
    });
    let elsewhere = unserved.intersection(&untrusted);
    let elsewhere: BTreeSet<&String> = elsewhere.filter(|name| !kept.contains(name)).collect();
    findings.retain(|told| !(led.contains(&told.code) && elsewhere.contains(&told.name)));
    findings
}

/// How a file can be made anew, by who is told of it and was given no facts.
pub(super) fn remake(spec: &Spec) -> String {
    let leaf = spec
        .certificate()
        .is_some_and(|certificate| certificate.issuer.is_some());
    match by_name(&spec.name) {
        Some(_) if leaf => format!(
            "'certs {} {} --force', with the configuration of the cluster, reissues it",
            spec.phase.name(),
            spec.name
        ),
        _ if spec.place.entry().is_some() => reissue(spec, Severity::Error),
        None if leaf => "issue it anew where it was made".to_owned(),
        _ => reissue(spec, Severity::Error),
    }
}

/// How a file lasts longer that is as it should be: its names are those that it has.
pub(super) fn renew(spec: &Spec) -> String {
    match by_name(&spec.name) {
        Some(_) => by_renewal(spec),
        None => remake(spec),
    }
}

/// That it is renewed by its name.
pub fn by_renewal(spec: &Spec) -> String {
    format!("'certs renew {}' renews it, as it is", spec.name)
}

/// Renewed as it is, what is short-lived would be so again.
pub(super) fn longer(way_out: String, spec: &Spec) -> String {
    if way_out == by_renewal(spec) {
        again(spec)
    } else {
        way_out
    }
}

/// What is told of an end.
pub const ENDS: [Code; 3] = [Code::Expired, Code::ExpiresSoon, Code::ShortLived];

/// What ends of one's own, and what of a row has ended, where the key of its CA is here: its way out is that of a
/// renewal, which needs no facts that could be wrong.
pub fn lasting_longer(
    mut findings: Vec<Finding>,
    specs: &[Spec],
    found: &Found,
    kubeconfigs: &[Parts],
) -> Vec<Finding> {
    let ends =
        |finding: &&mut Finding| ENDS.contains(&finding.code) || finding.code == Code::NotYetValid;
    let named = named(specs);
    for finding in findings.iter_mut().filter(ends) {
        let spec = named.get(finding.name.as_str()).copied();
        if let Some(spec) = spec.filter(|_| ENDS.contains(&finding.code)) {
            superseded(finding, spec, found);
        }
        // Of a row it is the end alone that has the way out of anything wrong; what another keeper let end has its own.
        let over = |spec: &Spec| {
            finding.code == Code::Expired
                && elsewhere(spec, found).is_none()
                && found.get(&spec.name).is_some_and(is_first_to_end)
        };
        let (first, way_out) = after_clock(&finding.way_out);
        let own =
            |spec: &&Spec| way_out == remake(spec) && (by_name(&spec.name).is_none() || over(spec));
        // What a kubelet keeps it rotates itself, and no run writes another entry than the current one.
        if let Some(spec) = spec.filter(own)
            && spec.place.entry().is_none()
            && spec.place.public().root != Root::Kubelet
            && is_signed_here(spec, found)
        {
            finding.way_out = format!("{first}{}", lasting(spec, found));
            if finding.code == Code::ShortLived {
                finding.way_out = longer(std::mem::take(&mut finding.way_out), spec);
            }
        }
        if let Some(spec) = spec {
            let (first, way_out) = after_clock(&finding.way_out);
            let mut way_out = way_out.to_owned();
            unparted(&mut way_out, spec, kubeconfigs);
            finding.way_out = first.to_owned() + &way_out;
        }
    }
    let twice = |told: &Finding| {
        let spec = named.get(told.name.as_str());
        told.code == Code::Expired && spec.is_some_and(|spec| is_told_of_kubeconfig(spec, found))
    };
    findings.retain(|told| !twice(told));
    findings
}

/// Whether none of the intermediates in its file ends before the leaf: a renewal keeps them.
fn is_first_to_end(observed: &Observed) -> bool {
    let chain = certificates(observed);
    chain.split_first().is_some_and(|(leaf, behind)| {
        let outlasts = |above: &Certificate| above.validity.not_after >= leaf.validity.not_after;
        behind.iter().all(outlasts)
    })
}

fn is_signed_here(spec: &Spec, found: &Found) -> bool {
    let issuer = spec.certificate().and_then(|wanted| wanted.issuer.as_ref());
    let ca = issuer.and_then(|ca| found.get(ca));
    let (Some(Observed::Certificate { key: Some(_), .. }), Some(observed)) =
        (ca, found.get(&spec.name))
    else {
        return false;
    };
    let chain = certificates(observed);
    chain
        .split_first()
        .is_some_and(|(leaf, behind)| signed_by(leaf, behind, authorities(spec, found)))
}

/// How a kubeconfig gets whole that names a certificate and holds the key: no renewal of the file has
/// that key.
pub fn whole(spec: &Spec) -> String {
    match &spec.place {
        Place::Kubeconfig { file, .. } if by_name(&spec.name).is_none() => format!(
            "'certs kubeconfig {} --force', with its common name and organizations, makes it anew",
            file.trim_end_matches(".conf")
        ),
        _ => remake(spec),
    }
}

/// Whether this is what to do where the CA's key is.
pub(super) fn is_made_here(way_out: &str, spec: &Spec) -> bool {
    way_out == remake(spec)
        || way_out == renew(spec)
        || way_out == again(spec)
        || way_out == whole(spec)
}

pub(super) fn certificates(observed: &Observed) -> &[Certificate] {
    match observed {
        Observed::Certificate { chain, key, .. } => of_leaf(chain, key.as_ref()),
        Observed::Kubeconfig(kubeconfig) => &kubeconfig.chain,
        _ => &[],
    }
}

/// What is not there, and without which what is there does not work.
pub fn absent(found: &Found) -> Vec<Finding> {
    let unpublished = TABLE.iter().filter(|row| {
        let serves = found
            .get(API_SERVER)
            .is_some_and(|found| !found.is_absent());
        let lone = matches!(
            found.get(row.name),
            Some(Observed::KeyPair { public: None, .. })
        );
        serves && lone
    });
    lacking(found)
        .into_iter()
        .chain(unpublished)
        .map(|row| {
            let away = |ca: &str| found.get(ca).is_some_and(Observed::is_external);
            let way_out = match row.signer {
                Signer::Ca(ca) if away(ca) => requested(row.name, ""),
                _ => format!(
                    "'certs {}', with the configuration of the cluster, makes it",
                    row.command()
                ),
            };
            is_absent(row, way_out)
        })
        .collect()
}

/// That what is in no place of this row is needed.
pub(super) fn is_absent(row: &Profile, way_out: String) -> Finding {
    Finding {
        code: Code::Absent,
        name: row.name.to_owned(),
        file: row.stored.public(),
        text: format!("is not there: {}", row.about),
        way_out,
    }
}

#[cfg(test)]
pub(super) mod tests;
