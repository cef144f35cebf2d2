//! `certs rollback`: what the last run replaced, put back by a commit like any other; so a rollback
//! can be rolled back.

use std::time::Duration;

use super::around::{Wrong, configuration, ended, least, lock_timeout, quiet, roots, within};
use super::undo::Undo;
use super::{Env, Outcome, Stop};
use crate::cli::Rollback;
use crate::facts;
use crate::location::Root;
use crate::report::Report;
use crate::rollback::{self, Created};
use crate::store::Store;

const VERB: &str = "rollback";

/// Runs the verb.
pub(crate) fn rollback(verb: &Rollback, env: &mut Env<'_>) -> Outcome {
    let report = attempt(verb, env);
    ended(report, &verb.run, env)
}

/// What the arguments and the configuration come to.
struct Settled {
    store: Store,
    /// Where backups are looked for.
    within: Vec<Root>,
    lock_timeout: Duration,
    dry_run: bool,
    notes: Vec<String>,
}

fn attempt(verb: &Rollback, env: &mut Env<'_>) -> Result<Report, Stop> {
    let mut settled = settle(verb, env)?;
    let notes = std::mem::take(&mut settled.notes);
    let least = least(&verb.run);
    let mut report = Report::new(VERB, env.now, None, &settled.store, least, notes);
    if verb.list {
        settled.list(&mut report)?;
    } else {
        settled.undo().run(&mut report, env)?;
    }
    Ok(report)
}

impl Settled {
    fn undo(&self) -> Undo<'_> {
        Undo {
            verb: VERB,
            store: &self.store,
            within: &self.within,
            of: &|commands| (!commands.is_empty()).then_some(0),
            created: Created::Leave,
            onward: None,
            lock_timeout: self.lock_timeout,
            dry_run: self.dry_run,
        }
    }

    fn list(&self, report: &mut Report) -> Result<(), Stop> {
        let lock = self.store.lock_shared(&self.within)?;
        let interrupted = lock.interrupted()?;
        let busy = lock.busy().is_some();
        report.busy(busy);
        let backups = self.store.backups(&self.within)?;
        report.closed(&backups.closed);
        // A run that is under way may be writing its list.
        let settled = interrupted.is_none() && !busy;
        let damaged = if settled { &backups.damaged[..] } else { &[] };
        report.interrupted(interrupted);
        report.listed(&backups.runs, &rollback::damaged(damaged), &self.within);
        Ok(())
    }
}

/// Everything that can be wrong about the arguments and the configuration is told at once.
fn settle(verb: &Rollback, env: &mut Env<'_>) -> Result<Settled, Stop> {
    let mut wrong = Wrong::default();
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    wrong.collect(quiet(&verb.run))?;
    let configured = configuration(&verb.run.tree, env).and_then(|(given, notes)| {
        let cert_dir = facts::cert_dir(&given)
            .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
        Ok((cert_dir, given.dry_run, notes))
    });
    let configured = wrong.collect(configured)?;
    let (Some(lock_timeout), Some((cert_dir, dry_run, mut notes)), true) =
        (lock_timeout, configured, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    let roots = roots(
        &verb.run.tree,
        verb.kubeconfig_dir.kubeconfig_dir.as_ref(),
        verb.kubelet_dir.kubelet_dir.as_ref(),
        verb.csr_dir.csr_dir.as_ref(),
        cert_dir.as_deref(),
        &mut notes,
    );
    Ok(Settled {
        store: Store::open(roots),
        within: looked_into(verb, cert_dir.is_some()),
        lock_timeout,
        dry_run: verb.run.dry_run.or(dry_run).unwrap_or_default(),
        notes,
    })
}

fn looked_into(verb: &Rollback, configured: bool) -> Vec<Root> {
    let tree = &verb.run.tree;
    let requests = verb.csr_dir.csr_dir.as_ref();
    within(
        tree,
        &verb.kubeconfig_dir,
        &verb.kubelet_dir,
        requests,
        configured,
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Verb};

    fn looked_into(flags: &[&str], configured: bool) -> Vec<Root> {
        let typed = [&["certs", "rollback"], flags].concat();
        match Cli::try_parse_from(typed).expect("flags").verb {
            Verb::Rollback(verb) => super::looked_into(&verb, configured),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_named_beside_what_is_named_is_not_looked_into() {
        use Root::{Kubeconfig, Kubelet, Pki, Requests};
        for (flags, configured, roots) in [
            (&[][..], false, &[Kubeconfig, Kubelet, Pki, Requests][..]),
            (&["--list"], true, &[Kubeconfig, Kubelet, Pki, Requests]),
            (
                &["--kubernetes-dir", "k"],
                false,
                &[Pki, Kubeconfig, Requests],
            ),
            (&["--csr-dir", "r"], false, &[Requests]),
            (&["--cert-dir", "c"], false, &[Pki]),
            (&["--kubeconfig-dir", "k"], false, &[Kubeconfig]),
            (&["--kubelet-dir", "l"], false, &[Kubelet]),
            (&["--kubelet-dir", "l"], true, &[Pki, Kubelet]),
            (
                &["--kubernetes-dir", "k", "--kubelet-dir", "l"],
                false,
                &[Pki, Kubeconfig, Kubelet, Requests],
            ),
        ] {
            assert_eq!(looked_into(flags, configured), roots, "{flags:?}");
        }
    }
}
