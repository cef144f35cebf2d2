//! What all generating verbs do: facts → specs → plan → commit → report.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::select::{Select, issuers};
use super::{Env, Outcome, Stop};
use crate::apply::{self, Prepared};
use crate::cli::{FailOn, Output, Run, Signing, Unknown};
use crate::config;
use crate::facts::{self, Facts, Given, Role};
use crate::finding::Severity;
use crate::key;
use crate::location::Owner;
use crate::observe::{Passphrases, Seen, observe};
use crate::observed::Observed;
use crate::outcome::Exit;
use crate::plan::{Force, Policy, plan};
use crate::profile::{Phase, of_phase};
use crate::report::{Format, Planning, Report, failure, waiting};
use crate::spec::Spec;
use crate::store::{self, CommitOptions, FileContent, Roots, Store, TransactionId};
use crate::x509::validity::parse_duration;

/// What a verb was asked for.
pub(crate) struct Request {
    verb: &'static str,
    select: Select,
    /// What the flags state.
    pub(crate) given: Given,
    run: Run,
    /// `--kubeconfig-dir`
    pub(crate) kubeconfig_dir: Option<PathBuf>,
    /// `--kubelet-dir`
    pub(crate) kubelet_dir: Option<PathBuf>,
    /// The flags of verbs that sign.
    pub(crate) signing: Option<Signing>,
}

impl Request {
    /// What was asked for, as far as every verb says it.
    pub(crate) fn new(verb: &'static str, select: Select, run: Run) -> Self {
        Self {
            verb,
            select,
            given: Given::default(),
            run,
            kubeconfig_dir: None,
            kubelet_dir: None,
            signing: None,
        }
    }

    fn backup(&self) -> bool {
        self.signing
            .as_ref()
            .is_none_or(|signing| !signing.no_backup)
    }

    fn force(&self) -> Force {
        match &self.signing {
            Some(signing) if signing.force && self.select.named() => Force::Named,
            Some(signing) if signing.force => Force::Drifted,
            _ => Force::No,
        }
    }
}

/// Runs a generating verb.
pub(crate) fn generate(request: &Request, env: &mut Env<'_>) -> Outcome {
    let format = Format {
        output: match request.run.output {
            Output::Json => crate::report::Output::Json,
            Output::Text => crate::report::Output::Text,
            Output::Yaml => crate::report::Output::Yaml,
        },
        quiet: request.run.quiet,
        width: env.width,
        colour: env.colour,
    };
    match attempt(request, env) {
        Ok(report) => {
            let (stdout, stderr) = report.render(&format);
            Outcome {
                stdout,
                stderr,
                exit: report.exit(),
            }
        }
        Err(Stop::Usage(sentences)) => Outcome {
            stdout: Vec::new(),
            stderr: failure(&sentences, &format),
            exit: Exit::Usage,
        },
        Err(Stop::Failed(error)) => {
            let sentence = format!("{error:#}");
            Outcome {
                stdout: Vec::new(),
                stderr: failure(&[sentence], &format),
                exit: Exit::Failed,
            }
        }
    }
}

/// Everything that is settled before a directory is looked at.
struct Job {
    specs: Vec<Spec>,
    issuers: Vec<Spec>,
    store: Store,
    passphrases: Passphrases,
    owner: Owner,
    policy: Policy,
    lock_timeout: Duration,
}

fn attempt(request: &Request, env: &mut Env<'_>) -> Result<Report, Stop> {
    let (job, facts, mut notes) = settle(request, env)?;
    notes.extend(request.select.left_out(&facts));
    let dry_run = request.run.dry_run.or(facts.dry_run).unwrap_or_default();
    let least = match request.run.fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
    };
    let mut report = Report::new(
        request.verb,
        env.now,
        facts.node.name,
        &job.store,
        least,
        notes,
    );
    let mut roots: Vec<_> = job
        .specs
        .iter()
        .chain(&job.issuers)
        .flat_map(|spec| spec.place.files())
        .map(|file| file.root)
        .collect();
    roots.sort();
    roots.dedup();
    if dry_run {
        let lock = job.store.lock_shared(&roots)?;
        let (seen, planning) = job.judge(env);
        report.interrupted(job.store.interrupted(&roots), lock.busy().is_some());
        report.planned(&planning, &seen.observed);
        return Ok(report);
    }
    let notice = &mut *env.notice;
    let mut writer = job.store.lock(&roots, job.lock_timeout, &mut |directory| {
        notice(&waiting(directory));
    })?;
    if let Some(recovered) = writer.recover()? {
        report.recovered(&recovered);
    }
    let (seen, planning) = job.judge(env);
    match planning {
        Ok(plan) => {
            let Prepared { changes, issued } = apply::prepare(&plan, &seen, job.owner, env.now)?;
            if !changes.is_empty() {
                let options = CommitOptions {
                    transaction: transaction()?,
                    backup: request.backup(),
                    keep: Vec::new(),
                };
                report.committed(writer.commit(changes, &options)?);
            }
            report.done(&plan, &seen.observed, &issued);
        }
        refused @ Err(_) => report.planned(&refused, &seen.observed),
    }
    Ok(report)
}

impl Job {
    /// What is there, and the plan for it. Encrypted keys of CAs are opened only where the plan fails
    /// without: that can take seconds, by the iterations that their files ask for.
    fn judge(&self, env: &Env<'_>) -> (Seen, Planning) {
        let seen = self.observe(&Passphrases::default());
        let planning = self.plan(&seen, env);
        if planning.is_ok() || !seen.observed.values().any(Observed::is_locked) {
            return (seen, planning);
        }
        let seen = self.observe(&self.passphrases);
        let planning = self.plan(&seen, env);
        (seen, planning)
    }

    fn observe(&self, passphrases: &Passphrases) -> Seen {
        observe(
            self.specs.iter().chain(&self.issuers),
            &self.store,
            passphrases,
            store::trusted_users(self.owner),
        )
    }

    fn plan(&self, seen: &Seen, env: &Env<'_>) -> Planning {
        plan(
            &self.specs,
            &self.issuers,
            &seen.observed,
            &seen.ground,
            self.policy,
            env.now,
        )
    }
}

/// Everything that can be wrong about the arguments and the configuration is told at once.
fn settle(request: &Request, env: &mut Env<'_>) -> Result<(Job, Facts, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let facts = wrong.collect(facts(request, env))?;
    wrong.0.extend(request.select.wrong());
    let lock_timeout = wrong.collect(lock_timeout(&request.run))?;
    let passphrases = wrong.collect(passphrases(request, env))?;
    let owner = wrong.collect(owner(&request.run))?;
    if request.run.quiet && request.run.output != Output::Text {
        wrong
            .0
            .push("--quiet goes with --output text: leave one of them out".to_owned());
    }
    let (Some((facts, mut notes)), Some(lock_timeout), Some(passphrases), Some(owner), true) =
        (facts, lock_timeout, passphrases, owner, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    let specs = request.select.specs(&facts)?;
    let job = Job {
        issuers: issuers(&specs, &facts)?,
        specs,
        store: Store::open(roots(request, &facts, &mut notes)),
        passphrases,
        owner,
        policy: Policy {
            force: request.force(),
            founding: facts.node.role == Role::First,
            backup: request.backup(),
        },
        lock_timeout,
    };
    Ok((job, facts, notes))
}

/// What is wrong so far.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    /// The value, or none and its sentences kept. A failure that is not the user's ends the run.
    fn collect<T>(&mut self, result: Result<T, Stop>) -> Result<Option<T>, Stop> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Stop::Usage(sentences)) => {
                self.0.extend(sentences);
                Ok(None)
            }
            Err(failed @ Stop::Failed(_)) => Err(failed),
        }
    }
}

fn lock_timeout(run: &Run) -> Result<Duration, Stop> {
    parse_duration(&run.lock_timeout)
        .map_err(|reason| Stop::usage(format!("--lock-timeout: {reason}")))?
        .try_into()
        .map_err(|_| Stop::usage("--lock-timeout: is negative"))
}

/// Flags over file over default.
fn facts(request: &Request, env: &mut Env<'_>) -> Result<(Facts, Vec<String>), Stop> {
    let mut notes = Vec::new();
    let mut given = request.given.clone();
    if let Some(path) = &request.run.config {
        let name = path.display().to_string();
        let bytes = if name == "-" {
            (env.stdin)().context("read standard input")?
        } else {
            input(path, "--config")?.bytes
        };
        let unknown = match request.run.config_unknown {
            Unknown::Error => config::Unknown::Error,
            Unknown::Warn => config::Unknown::Warn,
        };
        let parsed = config::parse(&bytes, &name, unknown)
            .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
        notes.extend(parsed.notes);
        given = given.or(parsed.given);
    }
    let mut facts = facts::resolve(given, &env.host)
        .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
    notes.append(&mut facts.notes);
    Ok((facts, notes))
}

/// A flag goes before the file: --cert-dir, and --kubernetes-dir, which says where the certificates
/// are too.
fn roots(request: &Request, facts: &Facts, notes: &mut Vec<String>) -> Roots {
    let run = &request.run;
    let configured = facts.cert_dir.as_ref().map(PathBuf::from);
    let flagged = run.cert_dir.is_some() || run.kubernetes_dir.is_some();
    let roots = Roots::of(
        run.kubernetes_dir.clone(),
        run.cert_dir
            .clone()
            .or(configured.clone().filter(|_| !flagged)),
        request.kubeconfig_dir.clone(),
        request.kubelet_dir.clone(),
    );
    if let Some(configured) = configured.filter(|path| *path != roots.pki) {
        notes.push(format!(
            "the certificates are in {}, as the flags say, and not in certificatesDir, {}",
            roots.pki.display(),
            configured.display()
        ));
    }
    roots
}

fn passphrases(request: &Request, env: &mut Env<'_>) -> Result<Passphrases, Stop> {
    let mut passphrases = Passphrases {
        any: env.ca_passphrase.take(),
        ..Passphrases::default()
    };
    let files = request
        .signing
        .iter()
        .flat_map(|signing| &signing.ca_passphrase_file);
    for argument in files {
        let named = argument
            .split_once('=')
            .filter(|(name, _)| of_phase(Phase::Ca).any(|ca| ca.name == *name));
        let path = named.map_or(argument.as_str(), |(_, path)| path);
        // What an editor adds to the end of a line is no part of it.
        let mut passphrase = input(path.as_ref(), "--ca-passphrase-file")?.bytes;
        while passphrase
            .last()
            .is_some_and(|byte| matches!(byte, b'\n' | b'\r'))
        {
            passphrase.pop();
        }
        match named {
            Some((name, _)) => {
                passphrases.named.insert(name.to_owned(), passphrase);
            }
            None => passphrases.any = Some(passphrase),
        }
    }
    Ok(passphrases)
}

fn transaction() -> anyhow::Result<TransactionId> {
    let mut random = [0; 8];
    key::random(&mut random)?;
    Ok(TransactionId(random))
}

/// A file that the user named, which must be there.
fn input(path: &Path, flag: &str) -> Result<FileContent, Stop> {
    match store::read_input(path) {
        Ok(Some(content)) => Ok(content),
        Ok(None) => Err(Stop::usage(format!(
            "{flag}: there is no file {}",
            path.display()
        ))),
        Err(error) => Err(Stop::usage(format!("{flag}: {error}"))),
    }
}

fn owner(run: &Run) -> Result<Owner, Stop> {
    store::resolve_owner(run.owner.as_deref(), run.group.as_deref())
        .map_err(|error| Stop::usage(format!("{error:#}")))
}
