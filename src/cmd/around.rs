//! What every verb does around its own work: reads the flags that all have, the configuration and
//! the directories, and turns what came of it into bytes and an exit code.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use zeroize::Zeroizing;

use super::{Env, Outcome, Stop};
use crate::cli::{FailOn, KubeconfigDir, KubeletDir, Output, Run, Tree, Unknown};
use crate::config;
use crate::diff::KEY_MODE;
use crate::facts::{self, Facts, Given};
use crate::finding::Severity;
use crate::key;
use crate::location::Owner;
use crate::location::Root;
use crate::outcome::Exit;
use crate::report::{Format, Nodes, Report, failure, noted, recovered};
use crate::store::{self, FileContent, Lock, ReadError, Roots, Store, TransactionId};
use crate::x509::validity::parse_duration;

/// How the report of a run is to look.
pub(crate) fn shape(output: Output, quiet: bool, env: &Env<'_>) -> Format {
    Format {
        output: match output {
            Output::Json => crate::report::Output::Json,
            Output::Text => crate::report::Output::Text,
            Output::Yaml => crate::report::Output::Yaml,
        },
        quiet,
        width: env.width,
        colour: env.colour,
    }
}

/// What is told of a run that has ended.
pub(crate) fn ended(report: Result<Report, Stop>, run: &Run, env: &Env<'_>) -> Outcome {
    let format = shape(run.output, run.quiet, env);
    match report {
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

/// The same of a run over many nodes.
pub(crate) fn ended_nodes(told: Result<Nodes, Stop>, run: &Run, env: &Env<'_>) -> Outcome {
    let format = shape(run.output, run.quiet, env);
    match told {
        Ok(told) => {
            let (stdout, stderr) = told.render(&format);
            Outcome {
                stdout,
                stderr,
                exit: told.exit(),
            }
        }
        Err(stop) => stopped(stop, &format),
    }
}

/// What is told of a run that stopped before there was anything to report.
pub(crate) fn stopped(stop: Stop, format: &Format) -> Outcome {
    let (sentences, exit) = match stop {
        Stop::Usage(sentences) => (sentences, Exit::Usage),
        Stop::Failed(error) => (vec![format!("{error:#}")], Exit::Failed),
        Stop::After(was, stop) => {
            let mut outcome = stopped(*stop, format);
            outcome.stderr = [
                noted(&[vec![recovered(&was)], was.notes].concat()),
                outcome.stderr,
            ]
            .concat();
            return outcome;
        }
    };
    Outcome {
        stdout: Vec::new(),
        stderr: failure(&sentences, format),
        exit,
    }
}

/// Flags over file over default, and what deserves a look in it.
pub(crate) fn facts(
    given: Given,
    tree: &Tree,
    env: &mut Env<'_>,
) -> Result<(Facts, Vec<String>), Stop> {
    let (file, mut notes) = configuration(tree, env)?;
    let mut facts = facts::resolve(given.or(file), &env.host)
        .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
    notes.append(&mut facts.notes);
    Ok((facts, notes))
}

/// As [`facts`], and what was stated; nothing was: no facts.
pub(crate) fn stated(
    given: Given,
    tree: &Tree,
    env: &mut Env<'_>,
) -> Result<(Option<Facts>, Given, Vec<String>), Stop> {
    let (file, mut notes) = configuration(tree, env)?;
    let given = given.or(file);
    if given == Given::default() {
        return Ok((None, given, notes));
    }
    let mut facts = facts::resolve(given.clone(), &env.host)
        .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
    notes.append(&mut facts.notes);
    Ok((Some(facts), given, notes))
}

/// What is wrong so far.
#[derive(Default)]
pub(crate) struct Wrong(pub(crate) Vec<String>);

impl Wrong {
    /// The value, or none and its sentences kept. A failure that is not the user's ends the run.
    pub(crate) fn collect<T>(&mut self, result: Result<T, Stop>) -> Result<Option<T>, Stop> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Stop::Usage(sentences)) => {
                self.0.extend(sentences);
                Ok(None)
            }
            Err(failed @ (Stop::Failed(_) | Stop::After(..))) => Err(failed),
        }
    }
}

/// `--lock-timeout`
pub(crate) fn lock_timeout(run: &Run) -> Result<Duration, Stop> {
    parse_duration(&run.lock_timeout)
        .map_err(|reason| Stop::usage(format!("--lock-timeout: {reason}")))?
        .try_into()
        .map_err(|_| Stop::usage("--lock-timeout: is negative"))
}

/// `--quiet`, which has nothing to silence in a report for programs.
pub(crate) fn quiet(run: &Run) -> Result<(), Stop> {
    only_with_text(run.quiet, run.output)
}

/// The same of a verb that is no run.
pub(crate) fn only_with_text(quiet: bool, output: Output) -> Result<(), Stop> {
    if quiet && output != Output::Text {
        return Err(Stop::usage(
            "--quiet goes with --output text: leave one of them out",
        ));
    }
    Ok(())
}

/// `--fail-on`
pub(crate) fn least(run: &Run) -> Severity {
    severity(run.fail_on)
}

/// The least severity that counts.
pub(crate) fn severity(fail_on: FailOn) -> Severity {
    match fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
    }
}

/// What `--config` says, and what deserves a look in it.
pub(crate) fn configuration(tree: &Tree, env: &mut Env<'_>) -> Result<(Given, Vec<String>), Stop> {
    let Some(path) = &tree.config else {
        return Ok((Given::default(), Vec::new()));
    };
    let name = path.display().to_string();
    let bytes = if name == "-" {
        (env.stdin)().context("read standard input")?
    } else {
        input(path, "--config")?.bytes
    };
    parsed(&bytes, &name, tree)
}

/// What the bytes of such a file say.
pub(crate) fn parsed(bytes: &[u8], name: &str, tree: &Tree) -> Result<(Given, Vec<String>), Stop> {
    let unknown = match tree.config_unknown {
        Unknown::Error => config::Unknown::Error,
        Unknown::Warn => config::Unknown::Warn,
    };
    let parsed = config::parse(bytes, name, unknown)
        .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
    Ok((parsed.given, parsed.notes))
}

/// A flag goes before the file's `certificatesDir`: --cert-dir, and --kubernetes-dir, which says where
/// the certificates are too.
pub(crate) fn roots(
    tree: &Tree,
    kubeconfig_dir: Option<&PathBuf>,
    kubelet_dir: Option<&PathBuf>,
    csr_dir: Option<&PathBuf>,
    configured: Option<&str>,
    notes: &mut Vec<String>,
) -> Roots {
    let configured = configured.map(PathBuf::from);
    let flagged = tree.cert_dir.is_some() || tree.kubernetes_dir.is_some();
    let roots = Roots::of(
        tree.kubernetes_dir.clone(),
        tree.cert_dir
            .clone()
            .or(configured.clone().filter(|_| !flagged)),
        kubeconfig_dir.cloned(),
        kubelet_dir.cloned(),
        csr_dir.cloned(),
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

/// The directories that flags name, or all. Whoever names some and not
/// another did not mean what lies in that one's usual place, which may be this machine's kubelet.
pub(crate) fn within(
    tree: &Tree,
    kubeconfig_dir: &KubeconfigDir,
    kubelet_dir: &KubeletDir,
    csr_dir: Option<&PathBuf>,
    configured: bool,
) -> Vec<Root> {
    let all = tree.kubernetes_dir.is_some();
    let pki = tree.cert_dir.is_some();
    let kubeconfig = kubeconfig_dir.kubeconfig_dir.is_some();
    let kubelet = kubelet_dir.kubelet_dir.is_some();
    let requests = csr_dir.is_some();
    if !(all || pki || kubeconfig || kubelet || requests) {
        return Root::ALL.to_vec();
    }
    [
        (Root::Pki, all || pki || configured),
        (Root::Kubeconfig, all || kubeconfig),
        (Root::Kubelet, kubelet),
        (Root::Requests, all || requests),
    ]
    .into_iter()
    .filter_map(|(root, named)| named.then_some(root))
    .collect()
}

/// The tree that a verb looks after, and in which of its directories.
pub(crate) fn looked_after(
    tree: &Tree,
    (kubeconfigs, kubelet): (&KubeconfigDir, &KubeletDir),
    configured: Option<&str>,
    notes: &mut Vec<String>,
) -> (Store, Vec<Root>) {
    let mut within = within(tree, kubeconfigs, kubelet, None, configured.is_some());
    within.retain(|root| Root::TREE.contains(root));
    let store = Store::open(roots(
        tree,
        kubeconfigs.kubeconfig_dir.as_ref(),
        kubelet.kubelet_dir.as_ref(),
        None,
        configured,
        notes,
    ));
    (store, within)
}

/// A file that the user named, which must be there.
pub(crate) fn input(path: &Path, flag: &str) -> Result<FileContent, Stop> {
    match store::read_input(path) {
        Ok(Some(content)) => Ok(content),
        Ok(None) => Err(Stop::usage(format!(
            "{flag}: there is no file {}",
            path.display()
        ))),
        Err(error) => Err(Stop::usage(format!("{flag}: {}", not_read(&error)))),
    }
}

/// Why a file is not read that the user named: what else lies there is not to go.
pub(crate) fn not_read(error: &ReadError) -> String {
    match error {
        ReadError::NotAFile { path, kind } => {
            format!("{} is {kind}, not a file: name a file", path.display())
        }
        error => error.to_string(),
    }
}

/// What was read under this lock is whole, and not half of a run.
pub(crate) fn settled(lock: &Lock) -> Result<(), Stop> {
    if let Some(directory) = lock.busy() {
        return Err(Stop::Failed(anyhow!(
            "another run is writing in {}: run the same command again when it has ended",
            directory.display()
        )));
    }
    match lock.interrupted()? {
        Some(journal) => Err(Stop::Failed(anyhow!(
            "{} tells of a run that was interrupted: the next run that writes completes it",
            journal.display()
        ))),
        None => Ok(()),
    }
}

/// The passphrase, password or token in a file: what an editor adds to the end of a line is no part of
/// it. As with a key's file, nobody but its owner and a group that may read it has it. Whoever gives
/// the secret itself for the file's name does not find it in the error. As of a key that signs it is told
/// that the file belongs to somebody else.
pub(crate) fn passphrase(
    path: &Path,
    flag: &str,
    notes: &mut Vec<String>,
) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let content = match store::read_input(path) {
        Ok(Some(content)) => content,
        Ok(None) | Err(ReadError::Io { .. }) => {
            return Err(Stop::usage(format!(
                "{flag}: there is no such file: give the name of the file that holds the secret, not the secret"
            )));
        }
        Err(error) => return Err(Stop::usage(format!("{flag}: {error}"))),
    };
    if content.mode & KEY_MODE != 0 {
        return Err(Stop::usage(format!(
            "{flag}: {} is open to others (mode {:04o}): chmod 600 it, and replace what it holds if they may \
             have read it",
            path.display(),
            content.mode
        )));
    }
    if !store::trusted_users(Owner::default()).contains(&content.uid) {
        notes.push(format!(
            "{flag}: {} belongs to user {}, who can put another secret in its place",
            path.display(),
            content.uid
        ));
    }
    let mut passphrase = content.bytes;
    while passphrase
        .last()
        .is_some_and(|byte| matches!(byte, b'\n' | b'\r'))
    {
        passphrase.pop();
    }
    Ok(passphrase)
}

/// The number of a commit.
pub(crate) fn transaction() -> anyhow::Result<TransactionId> {
    let mut random = [0; 8];
    key::random(&mut random)?;
    Ok(TransactionId(random))
}
