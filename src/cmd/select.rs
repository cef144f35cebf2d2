//! Names → specs: which rows of the table a verb was asked for.

use super::Stop;
use crate::cli::Own as OwnFlags;
use crate::facts::{Facts, Role};
use crate::profile::{self, Own, Phase, Profile, ResolveError, TABLE, by_name, of_phase, resolve};
use crate::spec::Spec;
use crate::x509::name::Name;

/// What a verb makes.
pub(crate) enum Select {
    /// Every row that is in `all`.
    All,
    /// Rows of one phase.
    Phase {
        /// The phase.
        phase: Phase,
        /// Its rows by name; those in `all` without.
        names: Vec<String>,
        /// A user of one's own.
        own: Option<OwnFlags>,
        /// The subject of a CA.
        subject: Option<String>,
    },
}

impl Select {
    /// Whether names were given.
    pub(crate) fn named(&self) -> bool {
        matches!(self, Self::Phase { names, .. } if !names.is_empty())
    }

    /// What is wrong about the names and the subject, whatever the facts.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let result = match self {
            Self::All => Ok(()),
            Self::Phase { own: Some(own), .. } if own.common_name.is_some() => Ok(()),
            Self::Phase {
                subject: Some(subject),
                names,
                ..
            } => ca_and_subject(names, subject).map(|_| ()),
            Self::Phase { phase, names, .. } => rows(*phase, names).map(|_| ()),
        };
        match result {
            Err(Stop::Usage(sentences)) => sentences,
            _ => Vec::new(),
        }
    }

    /// A sentence on the rows that were not named and are left out, since etcd is external.
    pub(crate) fn left_out(&self, facts: &Facts) -> Option<String> {
        let names: Vec<&str> = TABLE
            .iter()
            .filter(|row| match self {
                Self::All => row.in_all,
                Self::Phase { phase, names, .. } => names.is_empty() && row.phase == *phase,
            })
            .filter(|row| row.etcd && facts.cluster.external_etcd.is_some())
            .map(|row| row.name)
            .collect();
        (!names.is_empty()).then(|| format!("etcd is external: left out {}", names.join(", ")))
    }

    /// The specs asked for, in issue order.
    pub(crate) fn specs(&self, facts: &Facts) -> Result<Vec<Spec>, Stop> {
        match self {
            Self::All if facts.node.role == Role::Worker => Err(Stop::usage(
                "the JoinConfiguration has no controlPlane, so that the node is a worker, and \
                 'certs all' makes a control plane: make a worker's files by name, as with \
                 'certs kubeconfig kubelet'",
            )),
            Self::All => resolve_all(TABLE.iter(), facts),
            Self::Phase {
                phase,
                names,
                own: Some(own),
                ..
            } if own.common_name.is_some() => {
                identity(*phase, names, own, facts).map(|spec| vec![spec])
            }
            Self::Phase {
                subject: Some(subject),
                names,
                ..
            } => {
                let (row, subject) = ca_and_subject(names, subject)?;
                let spec = profile::ca_with_subject(row, facts, subject).map_err(usage)?;
                Ok(vec![spec])
            }
            Self::Phase { phase, names, .. } if names.is_empty() => {
                resolve_all(of_phase(*phase), facts)
            }
            Self::Phase { phase, names, .. } => by_names(*phase, names, facts),
        }
    }
}

/// The CAs that sign for `wanted` and are not among it.
pub(crate) fn issuers(wanted: &[Spec], facts: &Facts) -> Result<Vec<Spec>, Stop> {
    TABLE
        .iter()
        .filter(|ca| {
            let signs = |spec: &Spec| {
                spec.certificate()
                    .is_some_and(|leaf| leaf.issuer.as_deref() == Some(ca.name))
            };
            wanted.iter().any(signs) && wanted.iter().all(|spec| spec.name != ca.name)
        })
        .map(|ca| resolve(ca, facts).map_err(usage))
        .collect()
}

fn usage(error: ResolveError) -> Stop {
    Stop::usage(error.0)
}

/// Every row that is in `all`; those of a local etcd unless an external one is configured.
fn resolve_all(
    rows: impl Iterator<Item = &'static Profile>,
    facts: &Facts,
) -> Result<Vec<Spec>, Stop> {
    rows.filter(|row| row.in_all && !(row.etcd && facts.cluster.external_etcd.is_some()))
        .map(|row| resolve(row, facts).map_err(usage))
        .collect()
}

fn by_names(phase: Phase, names: &[String], facts: &Facts) -> Result<Vec<Spec>, Stop> {
    let rows = rows(phase, names)?;
    let external: Vec<String> = rows
        .iter()
        .filter(|row| row.etcd && facts.cluster.external_etcd.is_some())
        .map(|row| {
            format!(
                "{}: the configuration names an external etcd, whose certificates are made where \
                 it runs: leave etcd.external out there",
                row.name
            )
        })
        .collect();
    if !external.is_empty() {
        return Err(Stop::Usage(external));
    }
    rows.into_iter()
        .map(|row| {
            if row.phase == phase {
                resolve(row, facts)
            } else {
                profile::pair_of_identity(row, facts)
            }
            .map_err(usage)
        })
        .collect()
}

/// The rows of these names, each once, in the order of the table.
fn rows(phase: Phase, names: &[String]) -> Result<Vec<&'static Profile>, Stop> {
    let mut wrong = Vec::new();
    let mut rows: Vec<&Profile> = Vec::new();
    for name in names {
        match row(phase, name) {
            Ok(row) => rows.push(row),
            Err(sentence) => wrong.push(sentence),
        }
    }
    if !wrong.is_empty() {
        return Err(Stop::Usage(wrong));
    }
    rows.sort_by_key(|row| TABLE.iter().position(|other| other.name == row.name));
    rows.dedup_by_key(|row| row.name);
    Ok(rows)
}

/// The row of this name that this verb can make.
fn row(phase: Phase, name: &str) -> Result<&'static Profile, String> {
    let identity = |row: &Profile| phase == Phase::Client && row.phase == Phase::Kubeconfig;
    let known: Vec<&str> = TABLE
        .iter()
        .filter(|row| row.phase == phase || identity(row))
        .map(|row| row.name)
        .collect();
    match by_name(name) {
        Some(row) if row.phase == phase || identity(row) => Ok(row),
        Some(row) => Err(format!(
            "\"{name}\" is made by 'certs {}', not by 'certs {}'",
            row.phase.name(),
            phase.name()
        )),
        None => {
            let own = if matches!(phase, Phase::Client | Phase::Kubeconfig) {
                "; for a user of your own, give --common-name"
            } else {
                ""
            };
            Err(format!(
                "'certs {}' knows no \"{name}\"{}: its names are {}{own}",
                phase.name(),
                nearest(name, &known),
                known.join(", "),
            ))
        }
    }
}

/// The known name that is most like it, in brackets.
pub(crate) fn nearest(name: &str, known: &[&str]) -> String {
    known
        .iter()
        .map(|other| (strsim::jaro_winkler(name, other), other))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map_or(String::new(), |(_, other)| format!(" (\"{other}\"?)"))
}

fn identity(phase: Phase, names: &[String], flags: &OwnFlags, facts: &Facts) -> Result<Spec, Stop> {
    let [name] = names else {
        return Err(Stop::usage(
            "--common-name goes with one NAME, which the files are called by",
        ));
    };
    let own = Own {
        name,
        common_name: flags.common_name.as_deref().unwrap_or_default(),
        organizations: flags.organization.iter().map(String::as_str).collect(),
    };
    profile::own(&own, phase, facts).map_err(usage)
}

/// The CA's row, and the subject it is to have.
fn ca_and_subject(names: &[String], subject: &str) -> Result<(&'static Profile, Name), Stop> {
    let [name] = names else {
        return Err(Stop::usage("--subject goes with the NAME of one CA"));
    };
    let row = row(Phase::Ca, name).map_err(Stop::usage)?;
    let subject =
        Name::parse(subject).map_err(|error| Stop::usage(format!("--subject: {error:#}")))?;
    Ok((row, subject))
}
