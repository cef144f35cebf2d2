//! Who else keeps what lies in a tree, and how what is of one's own lasts longer there.

use time::Duration;

use super::external::{external, external_of, is_signed_elsewhere};
use super::leaf::CLIENTS;
use super::tree::{Found, remake};
use super::{KUBELETS_OWN, ROTATES, by_renewal, is_kubelets_own, whole};
use crate::finding::Code;
use crate::location::Root;
use crate::observed::{Observed, Parts, Source};
use crate::profile::by_name;
use crate::profile::found::{is_kubelets, is_of_service_accounts, looked_for};
use crate::profile::renewal::{certificate, lasted};
use crate::spec::{Kind, Place, Spec};
use crate::x509::cert::Certificate;

/// Why a run does not write there, and what can be done.
pub const NOT_WRITTEN: [&str; 2] = [
    "lies where no run writes",
    "call it NAME.crt, with NAME.key beside it, in the certificate directory, or NAME.conf beside admin.conf, in \
     letters, digits and . - _ @ + :",
];

/// The way out of a certificate that lies without its key.
const AT_ITS_KEY: &str = "issue it anew where its key is";

/// How what is due of one's own lasts longer: as `renew` does it, or tells it.
pub fn lasting(spec: &Spec, found: &Found) -> String {
    let observed = found.get(&spec.name).unwrap_or(&Observed::Absent);
    match elsewhere(spec, found) {
        Some((_, way_out)) => way_out,
        None if is_signed_elsewhere(spec, found) => external(spec),
        // With a new key every token that was issued would be void.
        None if signs_tokens(spec, observed) => for_its_key(spec),
        None if !matches!(spec.place, Place::Found { .. }) && is_timeless(observed) => again(spec),
        None if !matches!(spec.place, Place::Found { .. }) => by_renewal(spec),
        None if observed.is_external() => AT_ITS_KEY.to_owned(),
        None => called(spec),
    }
}

/// That it is renewed by its name, where a new key would part it from others.
fn for_its_key(spec: &Spec) -> String {
    format!(
        "'certs renew {} --reuse-key' renews it, for the same key",
        spec.name
    )
}

/// The users of kubeconfigs who have only one of a pair's two files: a new key would leave them with half.
pub fn halving<'a>(spec: &Spec, kubeconfigs: &'a [Parts]) -> impl Iterator<Item = &'a Parts> {
    let pair = !spec.is_ca() && spec.place.is_pair();
    let files = [spec.place.public(), spec.place.key()].map(Source::File);
    let there = kubeconfigs.iter().filter(move |_| pair);
    there.filter(move |parts| (parts.certificate == files[0]) != (parts.key == files[1]))
}

/// `way_out` of a pair that ends, where one of its two files is named alone.
pub(super) fn unparted(way_out: &mut String, spec: &Spec, kubeconfigs: &[Parts]) {
    if halving(spec, kubeconfigs).next().is_none() {
        return;
    }
    let row = by_name(&spec.name).is_some();
    if *way_out == by_renewal(spec) || row && *way_out == remake(spec) {
        *way_out = for_its_key(spec);
    } else if *way_out == again(spec) {
        way_out.truncate(way_out.trim_end_matches('\'').len());
        way_out.push_str(" --reuse-key'");
    }
}

/// How it is to be called for a run to write it. What has the name of a row is held to be that one's.
fn called(spec: &Spec) -> String {
    let file = spec.place.public();
    let base = file.name.rsplit('/').next().unwrap_or_default();
    let base = base.split('.').next().unwrap_or_default();
    let row = by_name(base).map(looked_for);
    let others = row.as_ref().and_then(Spec::certificate).filter(|row| {
        let own = spec.certificate().map(|own| &own.subject);
        own.is_some_and(|own| !own.same_values(&row.subject))
    });
    match others {
        Some(row) => format!(
            "{}, and NAME another than {base}, which is to be \"{}\"",
            NOT_WRITTEN[1], row.subject
        ),
        None => NOT_WRITTEN[1].to_owned(),
    }
}

/// Why one that lasted for no time is not renewed as it is.
pub const TIMELESS: &str = "is due, and lasted no longer than a certificate is backdated";

/// The way out of that.
pub fn again(spec: &Spec) -> String {
    let (flag, lasts) = if spec.is_ca() {
        ("--ca-validity", "87600h")
    } else {
        ("--validity", "8760h")
    };
    let name = &spec.name;
    format!("say how long the new one is to last: 'certs renew {name} {flag} {lasts}'")
}

fn is_timeless(observed: &Observed) -> bool {
    certificate(observed).is_some_and(|(former, _)| lasted(former) <= Duration::ZERO)
}

fn signs_tokens(spec: &Spec, observed: &Observed) -> bool {
    !matches!(spec.place, Place::Found { .. }) && is_of_service_accounts(&spec.name, observed)
}

/// Who else keeps it, after the file's name, and the way out. Whatever else is done with a file of one's own, its
/// certificate comes from where the key of its CA is.
pub fn elsewhere(spec: &Spec, found: &Found) -> Option<(&'static str, String)> {
    let place = &spec.place;
    let observed = found.get(&spec.name).unwrap_or(&Observed::Absent);
    let here = |way_out: &str| {
        if is_signed_elsewhere(spec, found) {
            external(spec)
        } else {
            way_out.to_owned()
        }
    };
    let unsigned = spec
        .certificate()
        .is_some_and(|wanted| wanted.kind != Kind::Ca && wanted.issuer.is_none());
    match observed {
        Observed::Kubeconfig(kubeconfig) if kubeconfig.referred => Some((
            "its certificate lies in a file of its own",
            if is_kubelets(spec) {
                ROTATES.to_owned()
            } else if kubeconfig.is_halved() {
                whole(spec)
            } else if kubeconfig.chain.first().is_some_and(Certificate::is_ca) {
                CLIENTS.to_owned()
            } else if by_name(&spec.name).is_some() && is_signed_elsewhere(spec, found) {
                external_of(spec, found, Code::NotRenewed)
            } else {
                "renew that file".to_owned()
            },
        )),
        _ if is_kubelets_own(spec) => Some(("is the kubelet's own", KUBELETS_OWN.to_owned())),
        _ if place.public().root == Root::Kubelet && matches!(place, Place::File { .. }) => {
            Some(("is the kubelet's own", ROTATES.to_owned()))
        }
        _ if unsigned => Some((
            "no CA that is here signed it",
            "issue it anew where it was made".to_owned(),
        )),
        Observed::Certificate { key: Some(_), .. } if matches!(place, Place::File { .. }) => {
            Some((
                "holds its key too, in an order that its reader may want",
                here(
                    "put its parts into NAME.crt and NAME.key, have those renewed, and put it together again of them",
                ),
            ))
        }
        _ if matches!(place, Place::File { .. }) => {
            Some(("lies without a file of its key", here(AT_ITS_KEY)))
        }
        _ => None,
    }
}
