//! What all generating verbs do: facts → specs → plan → commit → report.

use std::path::PathBuf;

use super::around::{Wrong, ended, facts, least, lock_timeout, passphrase, quiet, roots};
use super::job::Job;
use super::select::{Select, issuers};
use super::{Env, Outcome, Stop, changed};
use crate::cli::{Ownership, Run, Signing};
use crate::facts::{Facts, Given, Role};
use crate::location::Owner;
use crate::observe::Passphrases;
use crate::plan::{Force, Policy};
use crate::profile::{Phase, in_files, of_phase};
use crate::report::Report;
use crate::spec::{Credentials, Place, Spec};
use crate::store::{self, Store};

/// What a verb was asked for.
pub(crate) struct Request {
    verb: &'static str,
    select: Select,
    /// What the flags state.
    pub(crate) given: Given,
    ownership: Ownership,
    run: Run,
    /// `--kubeconfig-dir`
    pub(crate) kubeconfig_dir: Option<PathBuf>,
    /// `--kubelet-dir`
    pub(crate) kubelet_dir: Option<PathBuf>,
    /// `--embed-certs`
    pub(crate) embed: Option<bool>,
    /// The flags of verbs that sign.
    pub(crate) signing: Option<Signing>,
}

impl Request {
    /// What was asked for, as far as every verb says it.
    pub(crate) fn new(verb: &'static str, select: Select, ownership: Ownership, run: Run) -> Self {
        Self {
            verb,
            select,
            given: Given::default(),
            ownership,
            run,
            kubeconfig_dir: None,
            kubelet_dir: None,
            embed: None,
            signing: None,
        }
    }

    fn passphrase_files(&self) -> &[String] {
        let signing = self.signing.as_ref();
        signing.map_or(&[], |signing| &signing.ca_passphrase_file)
    }

    fn backup(&self) -> bool {
        self.signing
            .as_ref()
            .is_none_or(|signing| !signing.no_backup)
    }

    fn force(&self) -> Force<'static> {
        match &self.signing {
            Some(signing) if signing.force && self.select.named() => Force::Named,
            Some(signing) if signing.force => Force::Drifted,
            _ => Force::No,
        }
    }
}

/// Runs a generating verb.
pub(crate) fn generate(request: &Request, env: &mut Env<'_>) -> Outcome {
    let report = attempt(request, env);
    ended(report, &request.run, env)
}

fn attempt(request: &Request, env: &mut Env<'_>) -> Result<Report, Stop> {
    let (job, facts, mut notes) = settle(request, env)?;
    notes.extend(request.select.left_out(&facts));
    let dry_run = request.run.dry_run.or(facts.dry_run).unwrap_or_default();
    let version = facts.version;
    let mut report = Report::new(
        request.verb,
        env.now,
        facts.node.name,
        &job.store,
        least(&request.run),
        notes,
    );
    if let Some(carried) = job.carry_out(request.verb, dry_run, &mut report, env)? {
        changed::tell_replaced(&mut report, &carried.judged, version);
    }
    Ok(report)
}

/// Everything that can be wrong about the arguments and the configuration is told at once.
fn settle(request: &Request, env: &mut Env<'_>) -> Result<(Job, Facts, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let facts = wrong.collect(facts(request.given.clone(), &request.run.tree, env))?;
    wrong.0.extend(request.select.wrong());
    let lock_timeout = wrong.collect(lock_timeout(&request.run))?;
    let mut told = Vec::new();
    let passphrases = passphrases(request.passphrase_files(), &mut told, env);
    let passphrases = wrong.collect(passphrases)?;
    let owner = wrong.collect(owner(&request.ownership))?;
    wrong.collect(quiet(&request.run))?;
    let (Some((facts, mut notes)), Some(lock_timeout), Some(passphrases), Some(owner), true) =
        (facts, lock_timeout, passphrases, owner, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    notes.append(&mut told);
    let specs = placed(request.select.specs(&facts)?, request.embed);
    let job = Job {
        issuers: issuers(&specs, &facts)?,
        specs,
        store: Store::open(roots(
            &request.run.tree,
            request.kubeconfig_dir.as_ref(),
            request.kubelet_dir.as_ref(),
            None,
            facts.cert_dir.as_deref(),
            &mut notes,
        )),
        passphrases,
        owner,
        policy: Policy {
            force: request.force(),
            founding: facts.node.role == Role::First,
            backup: request.backup(),
        },
        lock_timeout,
        also: Vec::new(),
        of_many: false,
        reads: Vec::new(),
        adapt: None,
    };
    Ok((job, facts, notes))
}

/// Kubeconfigs hold their certificates or name them, as was asked.
fn placed(specs: Vec<Spec>, embed: Option<bool>) -> Vec<Spec> {
    let Some(embed) = embed else { return specs };
    if !embed {
        return specs.into_iter().flat_map(in_files).collect();
    }
    let mut specs = specs;
    for spec in &mut specs {
        if let Place::Kubeconfig { credentials, .. } = &mut spec.place {
            *credentials = Credentials::Embedded;
        }
    }
    specs
}

/// `--ca-passphrase-file`, and the environment's.
pub(crate) fn passphrases(
    files: &[String],
    notes: &mut Vec<String>,
    env: &mut Env<'_>,
) -> Result<Passphrases, Stop> {
    let mut passphrases = Passphrases {
        any: env.ca_passphrase.take(),
        ..Passphrases::default()
    };
    for argument in files {
        let named = argument
            .split_once('=')
            .filter(|(name, _)| of_phase(Phase::Ca).any(|ca| ca.name == *name));
        let path = named.map_or(argument.as_str(), |(_, path)| path);
        let passphrase = passphrase(path.as_ref(), "--ca-passphrase-file", notes)?;
        match named {
            Some((name, _)) => {
                passphrases.named.insert(name.to_owned(), passphrase);
            }
            None => passphrases.any = Some(passphrase),
        }
    }
    Ok(passphrases)
}

pub(crate) fn owner(ownership: &Ownership) -> Result<Owner, Stop> {
    store::resolve_owner(ownership.owner.as_deref(), ownership.group.as_deref())
        .map_err(|error| Stop::usage(format!("{error:#}")))
}
