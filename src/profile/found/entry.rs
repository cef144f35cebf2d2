//! An entry of a kubeconfig that the current context does not name: whether it is of this cluster.

use std::collections::BTreeSet;

use super::{Evidence, Found, of_other};
use crate::observed::{Destination, Observed, server};
use crate::profile::resolve::issuer;
use crate::profile::{CommonName, by_name, table};
use crate::spec::{Content, Entry, EntryKind, Place, Spec};
use crate::x509::cert::{Certificate, trusts_any};

/// By what a cluster's entry is one of this cluster: it trusts its CA, or has the server of a kubeconfig that does.
pub struct Ours {
    authorities: Vec<Certificate>,
    servers: BTreeSet<Result<(String, u16), String>>,
}

impl Ours {
    /// As the rest of the tree tells.
    pub fn of(found: &Found) -> Self {
        let cluster = issuer(table::CLUSTER);
        let authorities = match cluster.as_ref().and_then(|ca| found.get(ca)) {
            Some(Observed::Certificate { chain, .. }) => chain.clone(),
            _ => Vec::new(),
        };
        let mut ours = Self {
            authorities,
            servers: BTreeSet::new(),
        };
        for observed in found.values() {
            if let Observed::Kubeconfig(there) = observed
                && ours.trusts(&there.authorities)
            {
                ours.servers.insert(server::place(&there.server));
            }
        }
        ours
    }

    fn trusts(&self, held: &[Certificate]) -> bool {
        trusts_any(held, &self.authorities)
    }

    fn is(&self, to: &Destination) -> bool {
        self.trusts(&to.authorities) || self.servers.contains(&server::place(&to.server))
    }
}

/// The entries of one kubeconfig that lead to this cluster, by their names: a file may have thousands.
pub struct Leading<'a> {
    ours: &'a Ours,
    clusters: BTreeSet<&'a str>,
    users: BTreeSet<&'a str>,
    /// The clusters at the server of the current context, of which that is told.
    beside: BTreeSet<&'a str>,
}

impl<'a> Leading<'a> {
    /// Of the kubeconfig that was `found`, whose contexts name a cluster and a user each.
    pub fn of(
        ours: &'a Ours,
        clusters: &'a [Destination],
        contexts: impl IntoIterator<Item = (&'a str, &'a str)>,
        found: Option<&'a Observed>,
    ) -> Self {
        let own = clusters.iter().filter(|to| ours.is(to));
        let clusters: BTreeSet<&str> = own.map(|to| to.cluster.as_str()).collect();
        let lead = |(cluster, user)| clusters.contains(cluster).then_some(user);
        let users = contexts.into_iter().filter_map(lead).collect();
        let beside = match found {
            Some(Observed::Kubeconfig(there)) => &there.beside[..],
            _ => &[],
        };
        Self {
            ours,
            users,
            clusters,
            beside: beside.iter().map(|(other, _)| other.as_str()).collect(),
        }
    }

    fn has(&self, entry: &Entry) -> bool {
        let named = match entry.kind {
            EntryKind::Cluster => &self.clusters,
            EntryKind::User => &self.users,
        };
        named.contains(entry.name.as_str())
    }
}

/// What should be in an entry where `observed` is. One that is not `leading` here is held against no CA, and who is a user
/// here by its CA alone, against that one. What the current context of a kubeconfig of a row names is of this cluster.
pub fn of_entry(
    of: &Spec,
    (entry, current): (Entry, bool),
    observed: &Observed,
    leading: &Leading<'_>,
    evidence: &Evidence,
) -> Spec {
    let cluster = issuer(table::CLUSTER);
    let row = by_name(&of.name).filter(|_| current);
    let own = row.is_some();
    let ours = own || leading.has(&entry) || is_signed_by(observed, &leading.ours.authorities);
    // What is trusted at the server of the current context is told of that.
    let beside = entry.kind == EntryKind::Cluster && leading.beside.contains(entry.name.as_str());
    let issuer = cluster.filter(|_| ours && !beside);
    let whole = match &of.place {
        Place::Found { .. } => of.name.clone(),
        place => place.public().name,
    };
    let name = format!("{whole} ({entry})");
    // What else is wrong with the file hides no other subject; who a node is may be told by that alone.
    let told = row.is_some_and(|row| {
        matches!(row.common_name, CommonName::Fixed(_)) || evidence.node.is_some()
    });
    let as_row = of
        .certificate()
        .filter(|_| told && entry.kind == EntryKind::User);
    let place = Place::Found {
        file: of.place.public(),
        key: None,
        entry: Some(entry),
    };
    let mut spec = of_other(name, place, observed, evidence);
    if let Content::Certificate(wanted) = &mut spec.content {
        wanted.issuer = issuer;
        if let Some(row) = as_row {
            wanted.subject.clone_from(&row.subject);
            wanted.former_subjects.clone_from(&row.former_subjects);
        }
    }
    spec
}

/// Whether one of these CAs signed it, whatever its entry says.
fn is_signed_by(observed: &Observed, ours: &[Certificate]) -> bool {
    let Observed::Certificate { chain, .. } = observed else {
        return false;
    };
    let signed = |leaf: &Certificate, ca: &Certificate| {
        ca.subject == leaf.issuer && leaf.is_signed_with(&ca.public_key)
    };
    let leaf = chain.first();
    leaf.is_some_and(|leaf| ours.iter().any(|ca| signed(leaf, ca)))
}
