//! The tree as it would be with what came back in its place, judged as `check` judges it.

use time::OffsetDateTime;

use crate::cmd::{check, there};
use crate::diff::{authorities, told_to_a_reader};
use crate::finding::{Code, Finding, Severity};
use crate::location::{Owner, Root};
use crate::observe::{self, Seen};
use crate::observed::{Access, Kubeconfig, Observed, Returned, Source};
use crate::profile::{API_SERVER, Profile, Stated};
use crate::requests::name;
use crate::spec::{Place, Spec};
use crate::store::{Store, trusted_users};

/// The mode of a certificate that is put in its place.
const PLACED: u32 = 0o644;

/// The errors that `check` would tell of what came back for `specs` once it is there, by what was stated and
/// by the other files: what was asked for may not be what this tree needs.
pub(super) fn as_check(
    specs: &[Spec],
    seen: &Seen,
    stated: Option<&Stated>,
    (store, host): (&Store, &str),
    now: OffsetDateTime,
) -> Vec<Finding> {
    let mut roots = Root::TREE.to_vec();
    roots.retain(|root| store.has(*root));
    let (places, _) = there::places(store, &roots);
    let trusted = trusted_users(Owner::default());
    let mut whole = observe::survey(&places, store, trusted);
    let judge = |whole: &Seen| {
        let over = stated.map(|stated| |row: &Profile, there| stated.over(row, there));
        let over = over.as_ref().map(|over| over as &there::Resolve<'_>);
        // What was stated was resolved before.
        let specs = there::specs(places.clone(), &whole.observed, over, host).unwrap_or_default();
        let mut told = told_to_a_reader(check::judged(&specs, whole, now), &specs);
        told.retain(|told| told.severity() == Severity::Error);
        told
    };
    let mut back = Vec::new();
    for spec in specs {
        if let Some(Observed::Returned(returned)) = seen.observed.get(&spec.name)
            && !returned.chain.is_empty()
        {
            let there = placed(spec, returned, seen, whole.observed.get(&spec.name));
            whole.observed.insert(spec.name.clone(), there);
            if !spec.is_ca() {
                back.push((spec, returned));
            }
        }
    }
    let serves = back.iter().any(|(spec, _)| spec.name == API_SERVER);
    let mut findings = Vec::new();
    for mut finding in judge(&whole) {
        let of = back.iter().find(|(spec, _)| spec.name == finding.name);
        if let Some((spec, returned)) = of {
            if finding.code != Code::ServerNotInSans {
                finding.file = returned.file.clone();
                finding.way_out = format!(
                    "ask for it with what is right, and have that signed: 'certs csr {}'",
                    name(spec)
                );
            }
            findings.push(finding);
        } else if finding.code == Code::ServerNotInSans && serves {
            findings.push(finding);
        }
    }
    findings
}

fn placed(spec: &Spec, back: &Returned, seen: &Seen, there: Option<&Observed>) -> Observed {
    let (chain, key) = (back.chain.clone(), back.key.clone());
    match (&spec.place, key) {
        (
            Place::Kubeconfig {
                cluster,
                user,
                server,
                ..
            },
            Some(key),
        ) => Observed::Kubeconfig(Kubeconfig {
            cluster: cluster.clone(),
            user: user.clone(),
            server: server.clone(),
            server_name: match there {
                Some(Observed::Kubeconfig(there)) => there.server_name.clone(),
                _ => None,
            },
            authorities: authorities(spec, &seen.observed).to_vec(),
            chain,
            referred: false,
            key,
            sources: Box::new([Source::Embedded, Source::Embedded, Source::Embedded]),
            key_file: None,
        }),
        (_, key) => Observed::Certificate {
            chain,
            access: Access {
                mode: PLACED,
                ..back.access
            },
            key,
        },
    }
}
