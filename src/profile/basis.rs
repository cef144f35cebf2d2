//! What is asked for where another machine signs: what was stated of it, else what is there tells, and else
//! it is not known.

use super::found::{
    Evidence, Found, certificate, given, is_new, is_workers, key_algorithm, led, of_row,
};
use super::resolve::{certificate_of, resolve};
use super::{Host, Kind, Profile, ResolveError, Stated, Stored, identity, is_of_worker};
use crate::facts::{Facts, Given, Role, ValueError, resolve_elsewhere};
use crate::finding::{Code, Finding};
use crate::observed::Observed;
use crate::spec::{Content, Place, Spec};

/// What a request can be made from before a file is looked at: what was stated, and the facts of the
/// machine, which may be a node that is yet to be made.
pub struct Basis {
    given: Given,
    stated: Option<Stated>,
    here: Facts,
}

impl Basis {
    /// Of what flags and a document give; in `here` is what this machine tells beside.
    pub fn new(given: Given, document: bool, here: Facts) -> Self {
        let any = document || given != Given::default();
        Self {
            stated: any.then(|| Stated::new(here.clone(), given.clone(), document)),
            given,
            here,
        }
    }

    /// What was stated, if anything was.
    pub fn stated(&self) -> Option<&Stated> {
        self.stated.as_ref()
    }

    /// Makes each spec what is wanted in its place: `found` is what is there, and `tree` what is in all
    /// places of the rows. A value that neither tells nor anybody stated is an error that names its flag, but
    /// where nothing of a node is there, which is new then, and this machine.
    pub fn settle(
        &self,
        specs: &mut [Spec],
        found: &Found,
        tree: &Found,
        evidence: &Evidence,
    ) -> Result<Vec<Finding>, Vec<String>> {
        let new = is_new(tree);
        let mut facts = if new {
            self.here.clone()
        } else {
            let line = |error: &ValueError| error.to_string();
            resolve_elsewhere(self.given.clone().or(given(tree)))
                .map_err(|errors| errors.iter().map(line).collect::<Vec<_>>())?
        };
        if self.is_for_worker(specs, tree) {
            facts.node.role = Role::Worker;
        }
        let (mut wrong, mut findings) = (Vec::new(), Vec::new());
        for spec in specs {
            let Some(row) = identity(spec) else { continue };
            let observed = found.get(&spec.name).unwrap_or(&Observed::Absent);
            let there = is_there(observed);
            let wanted = if there {
                self.over(row, of_row(row, observed, evidence), observed)
            } else {
                self.missing(row, tree, &facts, evidence)
            };
            match wanted {
                Ok(wanted) => put(spec, wanted),
                Err(error) => wrong.push(format!("{}: {error}", row.name)),
            }
            if !there && !new {
                findings.extend(self.assumed(row, spec, &facts));
            }
        }
        wrong.dedup();
        if wrong.is_empty() {
            Ok(findings)
        } else {
            Err(wrong)
        }
    }

    /// Whether what is asked for is of a node without an API server: no document says what it is, and all that is there
    /// is a worker's. Where nothing is there yet it is one if it is told to be led to an endpoint, and no address of its own.
    fn is_for_worker(&self, specs: &[Spec], tree: &Found) -> bool {
        let Given {
            advertise_address: None,
            role: None,
            control_plane_endpoint,
            ..
        } = &self.given
        else {
            return false;
        };
        specs.iter().filter_map(identity).all(is_of_worker)
            && is_workers(tree)
            && (control_plane_endpoint.is_some() || !is_new(tree))
    }

    /// A CA is as it is.
    fn over(&self, row: &Profile, there: Spec, observed: &Observed) -> Result<Spec, ResolveError> {
        let mut spec = there;
        if row.kind == Kind::Ca {
            if let (Some(ca), Content::Certificate(wanted)) =
                (certificate(observed), &mut spec.content)
            {
                wanted.subject = ca.subject.clone();
            }
            return Ok(spec);
        }
        match &self.stated {
            Some(stated) => stated.over(row, spec),
            None => Ok(spec),
        }
    }

    fn missing(
        &self,
        row: &Profile,
        tree: &Found,
        facts: &Facts,
        evidence: &Evidence,
    ) -> Result<Spec, ResolveError> {
        let like = match row.stored {
            Stored::Kubeconfig(_, kind) => led(tree, kind),
            _ => None,
        };
        let mut spec = match like {
            // Another one tells where it leads, whosever address that is.
            Some((cluster, server)) => {
                let content =
                    certificate_of(row, facts).map_err(|error| untold(row, facts, error))?;
                let there = of_row(row, &Observed::Absent, evidence);
                let spec = lead(
                    Spec {
                        content: content.content,
                        ..there
                    },
                    cluster,
                    server,
                );
                self.over(row, spec, &Observed::Absent)?
            }
            None => resolve(row, facts).map_err(|error| untold(row, facts, error))?,
        };
        let stated = self.stated.as_ref().is_some_and(Stated::states_key);
        if row.kind != Kind::Ca && !stated {
            let kind = key_algorithm(tree);
            if kind.is_some() {
                spec.set_key_algorithm(kind);
            }
        }
        Ok(spec)
    }

    /// What is asked for by default, though no file tells that it is so in this cluster.
    fn assumed(&self, row: &Profile, spec: &Spec, facts: &Facts) -> Option<Finding> {
        let stated = self.stated.as_ref();
        let known = stated.is_some_and(|stated| stated.states(Host::ServiceIp));
        if known || !row.hosts.contains(&Host::ServiceIp) {
            return None;
        }
        let text = format!(
            "is asked for with {}, the first address of the default service range, and no file tells the cluster's",
            facts.cluster.service_ip
        );
        let way_out = "state that with --service-cidr, and its domain with --service-dns-domain if it \
                       is not cluster.local";
        Some(spec.finding(Code::Assumed, text, way_out))
    }
}

/// Makes each spec of which something is there what that tells, and `over` it what was stated; what is missing is
/// wanted as it stands.
pub fn kept(
    specs: &mut [Spec],
    found: &Found,
    evidence: &Evidence,
    over: impl Fn(&Profile, Spec) -> Result<Spec, ResolveError>,
) -> Result<(), ResolveError> {
    for spec in specs {
        let observed = found.get(&spec.name).unwrap_or(&Observed::Absent);
        if let Some(row) = identity(spec).filter(|_| is_there(observed)) {
            put(spec, over(row, of_row(row, observed, evidence))?);
        }
    }
    Ok(())
}

/// Whether what was found tells what it is to be.
fn is_there(observed: &Observed) -> bool {
    matches!(
        observed,
        Observed::Certificate { .. } | Observed::Kubeconfig(_) | Observed::Requested { .. }
    )
}

/// The error over a fact that a row needs and nothing tells.
fn untold(row: &Profile, facts: &Facts, error: ResolveError) -> ResolveError {
    row.unstated(&facts.node).map_or(error, |[what, flag]| {
        ResolveError(format!(
            "nothing that is there tells {what}: state it with {flag}"
        ))
    })
}

fn lead(mut spec: Spec, to_cluster: String, to: String) -> Spec {
    let name = spec
        .certificate()
        .and_then(|wanted| wanted.subject.common_name());
    if let Place::Kubeconfig {
        cluster,
        user,
        server,
        ..
    } = &mut spec.place
    {
        *cluster = to_cluster;
        *server = to;
        *user = name.unwrap_or_default();
    }
    spec
}

/// A pair in files that a kubeconfig names has the place and the name of a pair, and the kubeconfig names them.
fn put(spec: &mut Spec, wanted: Spec) {
    if spec.name != wanted.name {
        spec.content = wanted.content;
        return;
    }
    let former = std::mem::replace(spec, wanted);
    if let (
        Place::Kubeconfig { credentials, .. },
        Place::Kubeconfig {
            credentials: kind, ..
        },
    ) = (&mut spec.place, former.place)
    {
        *credentials = kind;
    }
}
