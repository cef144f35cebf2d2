//! `certs kubeconfig refresh`: the cluster's CA certificates, as its tree has them, into kubeconfigs
//! that were handed out. The tree is read, and nothing of it is written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use time::OffsetDateTime;

use super::around::{
    Wrong, facts, not_read, only_with_text, roots, settled, severity, shape, stopped, transaction,
};
use super::give::Give;
use super::{Env, Outcome, Stop};
use crate::bundle::anchors;
use crate::cli::Refresh;
use crate::diff::{FOLLOW, KEY_MODE};
use crate::facts::{Facts, Given};
use crate::finding::Code;
use crate::kubeconfig::{Cluster, Refreshed, Source, outline, refresh, same_set};
use crate::location::{Owner, Root};
use crate::observe::{Seen, survey};
use crate::observed::Observed;
use crate::plan::{Force, Policy, plan};
use crate::profile::found::rows;
use crate::profile::{API_SERVER, Signer, by_name};
use crate::report::Handed;
use crate::spec::Spec;
use crate::store::{self, ReadError, Store};
use crate::x509::cert::{Certificate, trusts_any};

pub(crate) fn run(verb: Refresh, env: &mut Env<'_>) -> Outcome {
    let format = shape(verb.output, verb.quiet, env);
    match attempt(verb, env) {
        Ok(report) => {
            let (stdout, stderr) = report.render(&format);
            Outcome {
                stdout,
                stderr,
                exit: report.exit(),
            }
        }
        Err(stop) => stopped(stop, &format),
    }
}

fn attempt(verb: Refresh, env: &mut Env<'_>) -> Result<Handed, Stop> {
    let Refresh {
        files,
        endpoint,
        kubeconfig_dir,
        tree,
        dry_run,
        output,
        quiet,
        fail_on,
    } = verb;
    let mut wrong = Wrong::default();
    wrong.collect(only_with_text(quiet, output))?;
    let mut given = Given::default();
    endpoint.give(&mut given);
    let told = if tree.config.is_some() || given != Given::default() {
        wrong.collect(facts(given, &tree, env).map(|(facts, notes)| (Some(facts), notes)))?
    } else {
        Some((None, Vec::new()))
    };
    let (Some((facts, mut notes)), true) = (told, wrong.0.is_empty()) else {
        return Err(Stop::Usage(wrong.0));
    };
    let store = Store::open(roots(
        &tree,
        kubeconfig_dir.kubeconfig_dir.as_ref(),
        None,
        None,
        facts.as_ref().and_then(|facts| facts.cert_dir.as_deref()),
        &mut notes,
    ));
    let configured = facts.as_ref().and_then(|facts| facts.dry_run);
    let dry_run = dry_run.or(configured).unwrap_or_default();
    let mut report = Handed::new(
        "kubeconfig refresh",
        env.now,
        &store,
        severity(fail_on),
        notes,
    );
    let lock = store.lock_shared(&[Root::Kubeconfig, Root::Pki])?;
    let Some((bundle, servers)) = known(&store, facts.as_ref(), &mut report, env)? else {
        return Ok(report);
    };
    settled(&lock)?;
    let cluster = Cluster {
        authorities: &bundle.all,
        servers: &servers,
    };
    let mut planned: Vec<Planned> = Vec::new();
    let mut known = BTreeSet::new();
    for path in files {
        let file = opened(&path)?;
        // Once is enough, by whichever way; another name of it is a file of its own from now on.
        if known.insert(file.place()?) {
            planned.extend(one(
                path,
                file,
                &cluster,
                &bundle.anchors,
                &mut report,
                env.now,
            )?);
        }
    }
    if report.refused() {
        return Ok(report);
    }
    for planned in planned {
        let mut now = planned;
        let backup = if dry_run {
            None
        } else {
            now.replace(&cluster, &bundle.anchors, &mut report, env)?
        };
        if now.refreshed.bytes.is_some() && now.linked {
            let path = now.path.display();
            report.note(if dry_run {
                format!("{path} has other names, which keep what it holds now: name each of them")
            } else {
                format!("{path} had other names, which keep what it held: name each of them")
            });
        }
        report.refreshed(&now.path, &now.refreshed, backup, dry_run);
    }
    Ok(report)
}

/// A file, and what becomes of it.
struct Planned {
    path: PathBuf,
    file: store::Handed,
    refreshed: Refreshed,
    /// Whether it had other names when it was read.
    linked: bool,
}

impl Planned {
    /// Puts the new one in its place, and tells where the former one is. One that another run changed
    /// meanwhile is looked at again, as often as it is.
    fn replace(
        &mut self,
        cluster: &Cluster<'_>,
        bundle: &[Certificate],
        report: &mut Handed,
        env: &Env<'_>,
    ) -> Result<Option<PathBuf>, Stop> {
        for _ in 0..LOOKS {
            let Some(bytes) = &self.refreshed.bytes else {
                return Ok(None);
            };
            // The names before this run touched one of them.
            self.linked = self.file.has_other_names();
            let kept = self.file.replace(bytes, transaction()?)?;
            if kept.is_some() {
                return Ok(kept);
            }
            self.file = opened(&self.path)?;
            let refreshed = refresh(self.file.bytes(), cluster, bundle, env.now);
            self.refreshed = refreshed.map_err(|error| {
                let path = self.path.display();
                anyhow!("{path} was changed meanwhile, and cannot be refreshed: {error:#}")
            })?;
            look_at_left(&self.path, &mut self.refreshed, cluster, bundle, report);
        }
        let path = self.path.display();
        Err(Stop::Failed(anyhow!(
            "{path} was changed again and again: run the same command again"
        )))
    }
}

/// How often one file is looked at that others change meanwhile.
const LOOKS: usize = 10;

fn opened(path: &Path) -> Result<store::Handed, Stop> {
    match store::Handed::open(path) {
        Ok(Some(file)) => Ok(file),
        Ok(None) => {
            let sentence = format!("there is no file {}", path.display());
            Err(Stop::usage(sentence))
        }
        Err(error) => Err(Stop::Failed(anyhow!(not_read(&error)))),
    }
}

/// The certificates of the cluster's CA.
pub(super) struct Bundle {
    all: Vec<Certificate>,
    /// Those that others are to trust.
    pub(super) anchors: Vec<Certificate>,
}

/// What the tree, and the facts, tell of the cluster; none if its CA is not as it should be.
pub(super) fn known(
    store: &Store,
    facts: Option<&Facts>,
    report: &mut Handed,
    env: &Env<'_>,
) -> Result<Option<(Bundle, Vec<String>)>, Stop> {
    let Signer::Ca(ca) = crate::profile::CLUSTER else {
        return Ok(None);
    };
    let of_cluster = |spec: &Spec| {
        let row = by_name(&spec.name);
        spec.name == ca || row.is_some_and(|row| row.signer == crate::profile::CLUSTER)
    };
    let mut specs = rows();
    specs.retain(|spec| of_cluster(spec) && spec.place.public().root != Root::Kubelet);
    let seen = survey(&specs, store, store::trusted_users(Owner::default()));
    let issuers: Vec<Spec> = specs.into_iter().filter(|spec| spec.name == ca).collect();
    let judged = plan(&[], &issuers, &seen.observed, &seen.ground, LOOK, env.now);
    match judged {
        Ok(plan) => report.tell(&plan.ground),
        Err(refusal) => {
            report.tell(&refusal.findings);
            report.refused();
            return Ok(None);
        }
    }
    let Some(Observed::Certificate { chain, .. }) = seen.observed.get(ca) else {
        let path = issuers.first().map(|spec| store.path(&spec.place.public()));
        return Err(Stop::usage(format!(
            "{} is not there: name the cluster's directory with --kubernetes-dir",
            path.unwrap_or_default().display()
        )));
    };
    let bundle = Bundle {
        anchors: anchors(chain, sent(&seen)),
        all: chain.clone(),
    };
    Ok(Some((bundle, servers(&seen, chain, facts))))
}

/// Nothing of the tree is made.
const LOOK: Policy = Policy {
    force: Force::No,
    founding: true,
    backup: true,
};

/// What the API server sends.
fn sent(seen: &Seen) -> &[Certificate] {
    match seen.observed.get(API_SERVER) {
        Some(Observed::Certificate { chain, .. }) => chain,
        _ => &[],
    }
}

/// Where the API server is: as the facts say, and as the tree's kubeconfigs do.
fn servers(seen: &Seen, chain: &[Certificate], facts: Option<&Facts>) -> Vec<String> {
    let mut servers = Vec::new();
    if let Some(facts) = facts {
        let endpoint = facts.cluster.endpoint.as_ref();
        servers.extend(endpoint.map(|endpoint| endpoint.url.clone()));
        servers.extend(facts.node.url());
    }
    for observed in seen.observed.values() {
        if let Observed::Kubeconfig(kubeconfig) = observed
            && trusts_any(&kubeconfig.authorities, chain)
        {
            servers.push(kubeconfig.server.clone());
        }
    }
    servers
}

fn holds_secret(kubeconfig: &[u8]) -> bool {
    outline(kubeconfig).is_ok_and(|outline| {
        let embedded = |key: &Option<Source>| matches!(key, Some(Source::Data { .. }));
        let mut users = outline.users.iter();
        users.any(|user| embedded(&user.key) || !user.others.is_empty())
    })
}

/// One file, read and judged.
fn one(
    path: PathBuf,
    file: store::Handed,
    cluster: &Cluster<'_>,
    bundle: &[Certificate],
    report: &mut Handed,
    now: OffsetDateTime,
) -> Result<Option<Planned>, Stop> {
    match refresh(file.bytes(), cluster, bundle, now) {
        Ok(mut refreshed) => {
            look_at_left(&path, &mut refreshed, cluster, bundle, report);
            if refreshed.bytes.is_some() {
                file.check_owner()?;
            }
            if file.mode() & KEY_MODE != 0 && holds_secret(file.bytes()) {
                report.note(format!(
                    "{} holds a secret and is open to others (mode {:04o}), which is left so: chmod 600 it",
                    path.display(),
                    file.mode()
                ));
            }
            Ok(Some(Planned {
                linked: file.has_other_names(),
                path,
                file,
                refreshed,
            }))
        }
        Err(error) => {
            let foreign = error.is::<crate::kubeconfig::Foreign>();
            if foreign {
                let way_out = "name the tree of its cluster with --kubernetes-dir, or its server \
                               with --control-plane-endpoint";
                let code = Code::KubeconfigForeign;
                report.tell_of(&path, code, error.to_string(), way_out);
            } else {
                let text = format!("cannot be refreshed: {error:#}");
                report.tell_of(&path, Code::Unreadable, text, "name a kubeconfig");
            }
            Ok(None)
        }
    }
}

/// What is left as it is. Newer than the tree nothing is to be replaced. The files that a kubeconfig names for CA
/// certificates are nobody's to write here: one that holds those of the cluster is up to date, and of each other one that
/// is told.
fn look_at_left(
    kubeconfig: &Path,
    refreshed: &mut Refreshed,
    cluster: &Cluster<'_>,
    bundle: &[Certificate],
    report: &mut Handed,
) {
    for name in &refreshed.ahead {
        let text = format!(
            "holds, for {name}, a newer certificate of the CA than the cluster's file, and keeps it"
        );
        report.tell_of(kubeconfig, Code::TrustFormer, text, FOLLOW);
    }
    let named = std::mem::take(&mut refreshed.named);
    for (name, file) in named {
        let path = store::named_beside(kubeconfig, &file);
        let into = "put the cluster's CA certificates into that file, or into the kubeconfig as \
                    certificate-authority-data";
        let wrong = match store::Handed::open(&path) {
            Ok(Some(found)) => match Certificate::from_pem(found.bytes()) {
                Ok(held) if same_set(&held, bundle) || same_set(&held, cluster.authorities) => None,
                Ok(_) => Some(("which holds others".to_owned(), into)),
                Err(error) => Some((format!("which cannot be read: {error:#}"), into)),
            },
            Ok(None) => Some(("which is not there".to_owned(), into)),
            // It is there for others, and stays.
            Err(ReadError::NotAFile { kind, .. }) => Some((
                format!("which is {kind}, not a file"),
                "put the cluster's CA certificates into the kubeconfig as \
                 certificate-authority-data, or name a file of them",
            )),
            Err(error) => Some((format!("which cannot be read: {error}"), into)),
        };
        let Some((wrong, way_out)) = wrong else {
            refreshed.current.push(name);
            continue;
        };
        let text = format!(
            "names the file {} for the CA certificates of {name}, {wrong}",
            path.display()
        );
        report.tell_of(kubeconfig, Code::TrustFile, text, way_out);
        refreshed.named.push((name, file));
    }
}
