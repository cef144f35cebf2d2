//! An entry of a kubeconfig that the current context does not name: whether it is of this cluster.

use super::{Evidence, Found, of_other};
use crate::observed::{Destination, Kubeconfig, Observed, server};
use crate::profile::resolve::issuer;
use crate::profile::{by_name, table};
use crate::spec::{Content, Entry, EntryKind, Place, Spec};
use crate::x509::cert::Certificate;

/// What should be in an entry where `observed` is, which `leads` there. One of another cluster is held against no CA, and
/// who is a user here by its CA alone, against that one. What the current context of a kubeconfig of a row names is of
/// this cluster.
pub fn of_entry(
    of: &Spec,
    (entry, current): (Entry, bool),
    observed: &Observed,
    leads: &[Destination],
    found: &Found,
    evidence: &Evidence,
) -> Spec {
    let cluster = issuer(table::CLUSTER);
    let authorities = match cluster.as_ref().and_then(|ca| found.get(ca)) {
        Some(Observed::Certificate { chain, .. }) => &chain[..],
        _ => &[],
    };
    let own = current && by_name(&of.name).is_some();
    let ours = own
        || leads.iter().any(|to| is_ours(to, authorities, found))
        || is_signed_by(observed, authorities);
    // What is trusted at the server of the current context is told of that.
    let beside = entry.kind == EntryKind::Cluster && is_beside(&entry.name, found.get(&of.name));
    let issuer = cluster.filter(|_| ours && !beside);
    let whole = match &of.place {
        Place::Found { .. } => of.name.clone(),
        place => place.public().name,
    };
    let name = format!("{whole} ({entry})");
    let place = Place::Found {
        file: of.place.public(),
        key: None,
        entry: Some(entry),
    };
    let mut spec = of_other(name, place, observed, evidence);
    if let Content::Certificate(wanted) = &mut spec.content {
        wanted.issuer = issuer;
    }
    spec
}

/// Whether a cluster's entry is one of this cluster: it trusts its CA, or has the server of a kubeconfig that does.
fn is_ours(to: &Destination, ours: &[Certificate], found: &Found) -> bool {
    let trusts = |held: &[Certificate]| held.iter().any(|ca| ours.contains(ca));
    let same =
        |there: &Kubeconfig| trusts(&there.authorities) && server::same(&there.server, &to.server);
    trusts(&to.authorities)
        || found.values().any(|observed| match observed {
            Observed::Kubeconfig(there) => same(there),
            _ => false,
        })
}

fn is_beside(cluster: &str, of: Option<&Observed>) -> bool {
    match of {
        Some(Observed::Kubeconfig(there)) => there.beside.iter().any(|(other, _)| other == cluster),
        _ => false,
    }
}

/// Whether one of these CAs signed it, whatever its entry says.
fn is_signed_by(observed: &Observed, ours: &[Certificate]) -> bool {
    let Observed::Certificate { chain, .. } = observed else {
        return false;
    };
    let signed = |leaf: &Certificate, ca: &Certificate| {
        ca.subject == leaf.issuer && leaf.verify_signature(&ca.public_key).is_ok()
    };
    let leaf = chain.first();
    leaf.is_some_and(|leaf| ours.iter().any(|ca| signed(leaf, ca)))
}
