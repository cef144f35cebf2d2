//! The ways out where the CA's key is not here.

use time::OffsetDateTime;

use super::certificate::after_clock;
use super::end::is_over;
use super::leaf::AFTER_ITS_CA;
use super::tree::{Found, is_made_here};
use super::trust::refresh;
use super::{authorities, reissue, trusts};
use crate::finding::{Code, Finding, Severity};
use crate::observed::{Key, Observed, Source};
use crate::profile::found::{as_there, given, is_rotated, is_workers};
use crate::profile::{KUBELET, Profile, by_name};
use crate::spec::Spec;
use crate::x509::cert::Certificate;

/// Whether the CA that signs it is there without its key.
pub(crate) fn is_signed_elsewhere(spec: &Spec, found: &Found) -> bool {
    let issuer = spec.certificate().and_then(|wanted| wanted.issuer.as_ref());
    issuer
        .and_then(|ca| found.get(ca))
        .is_some_and(Observed::is_external)
}

/// The way out where the CA's key is not here. Requests are made for what the table knows.
pub(crate) fn external(spec: &Spec) -> String {
    match asked_by(spec) {
        Some(row) if !spec.is_ca() => requested(row.name, ""),
        _ => "have the CA's owner issue it, and place it here".to_owned(),
    }
}

/// By which row it is asked for, which of what a kubelet keeps is that of its kubeconfig.
fn asked_by(spec: &Spec) -> Option<&'static Profile> {
    let rotated = is_rotated(&spec.place.public());
    by_name(if rotated { KUBELET } else { &spec.name })
}

/// The row of the kubeconfig that names both files of this pair: who asks for that asks for these.
fn named_by(spec: &Spec, found: &Found) -> Option<&'static Profile> {
    let files = [spec.place.public(), spec.place.key()].map(Source::File);
    found.iter().find_map(|(name, observed)| match observed {
        Observed::Kubeconfig(found) if found.sources[1..] == files => by_name(name),
        _ => None,
    })
}

/// The same of what was found in its place, and is told by `code`.
pub(crate) fn external_of(spec: &Spec, found: &Found, code: Code) -> String {
    let row = asked_by(spec).or_else(|| named_by(spec, found));
    let Some(row) = row.filter(|_| !spec.is_ca()) else {
        return external(spec);
    };
    // As names are there they would be asked for again.
    let stated = match code {
        Code::Server => return "correct the server that it names".to_owned(),
        // Whom it trusts the CA's owner need not sign.
        Code::TrustExtra => {
            let observed = found.get(&spec.name).unwrap_or(&Observed::Absent);
            return refresh(trusts(spec, observed, found), observed).to_owned();
        }
        Code::SanExtra | Code::SanMissing if !row.hosts.is_empty() => {
            ", with the configuration of the cluster,"
        }
        _ => "",
    };
    let way_out = requested(&format!("{}{}", row.name, as_worker(row, found)), stated);
    let kubeconfig = || is_kept_by(row, spec, found);
    match away(spec, found, code).or_else(kubeconfig) {
        Some(files) => format!("move {files} away, and then {way_out}"),
        None => way_out,
    }
}

/// What a kubelet's kubeconfig, which is moved away before it is asked for, may be the only one to tell of a worker.
fn as_worker(row: &Profile, found: &Found) -> String {
    if row.name != KUBELET || !is_workers(found) {
        return String::new();
    }
    let told = given(found);
    let flags = [
        ("--node-name", told.node_name),
        ("--control-plane-endpoint", told.control_plane_endpoint),
    ];
    let plain = |c: char| c.is_ascii_alphanumeric() || ".:-[]".contains(c);
    let flags = flags.into_iter().filter_map(|(flag, told)| {
        let value = told.filter(|told| told.value.chars().all(plain))?.value;
        Some(format!(" {flag} {value}"))
    });
    flags.collect()
}

/// The kubeconfig by which a kubelet has what it rotates, and which is asked for in its place.
fn is_kept_by(row: &Profile, spec: &Spec, found: &Found) -> Option<String> {
    let named = matches!(found.get(row.name), Some(Observed::Kubeconfig(_)));
    let rotated = is_rotated(&spec.place.public());
    (named && rotated).then(|| row.stored.public().name)
}

/// What is to be moved away before it is asked for, since nobody asks with it: a file that cannot be read, a
/// certificate of another keeper, and a key that is none, or another's, with its certificate.
pub(crate) fn away(spec: &Spec, found: &Found, code: Code) -> Option<String> {
    let of_key = matches!(
        code,
        Code::KeyAlgorithm | Code::KeyMismatch | Code::LargeKey | Code::SigningKey | Code::WeakKey
    );
    let goes = |key: &Key, chain: &[Certificate]| {
        let own = |leaf: &Certificate| {
            let key = key.open();
            key.is_some_and(|key| *key.public_key() == leaf.public_key)
        };
        of_key || !chain.first().is_some_and(own)
    };
    let (public, private) = (spec.place.public(), spec.place.key());
    let files = match found.get(&spec.name)? {
        Observed::Certificate {
            key: Some(key),
            chain,
            ..
        } if goes(key, chain) => format!("{} and {}", public.name, private.name),
        Observed::Certificate { key: None, .. } => public.name,
        Observed::KeyOnly(key) if key.open().is_none() => private.name,
        Observed::Kubeconfig(there) if goes(&there.key, &there.chain) => "it".to_owned(),
        // One that goes with a pair is asked for by that.
        Observed::Kubeconfig(there)
            if there.referred && as_there(vec![spec.clone()], found).len() == 1 =>
        {
            "it".to_owned()
        }
        Observed::Unreadable(..) => "it".to_owned(),
        _ => return None,
    };
    Some(files)
}

/// What would be made anew with the CA's key has the way out of a CA that is elsewhere, where it is. Below one that has
/// ended nothing is made anew before that is.
pub(crate) fn made_elsewhere<'a>(
    findings: impl IntoIterator<Item = &'a mut Finding>,
    spec: &Spec,
    found: &Found,
    now: OffsetDateTime,
) {
    let elsewhere = is_signed_elsewhere(spec, found);
    // What an entry of a kubeconfig should hold is put there by hand.
    let after = || spec.place.entry().is_none() && is_over(authorities(spec, found), now);
    if !elsewhere && !after() {
        return;
    }
    let offers = [Severity::Error, Severity::Warning].map(|severity| reissue(spec, severity));
    for finding in findings {
        let stated = &finding.way_out;
        let (first, way_out) = after_clock(stated);
        let offered = offers.iter().any(|offer| way_out.starts_with(offer));
        if offered || is_made_here(way_out, spec) {
            let instead = if elsewhere {
                external_of(spec, found, finding.code)
            } else {
                AFTER_ITS_CA.to_owned()
            };
            finding.way_out = format!("{first}{instead}");
        }
    }
}

pub(super) fn requested(name: &str, stated: &str) -> String {
    format!(
        "'certs csr {name}'{stated} asks the CA's owner for it, and 'certs import' puts it here"
    )
}
