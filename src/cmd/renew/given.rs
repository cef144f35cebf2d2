//! What is typed of every renewal, of one tree and of many.

use std::time::Duration;

use crate::cli::Renew;
use crate::cmd::around::{Wrong, lock_timeout, quiet};
use crate::cmd::generate::passphrases;
use crate::cmd::{Env, Stop, notice};
use crate::diff::Notice;
use crate::facts::{ClusterFacts, Given, Version};
use crate::observe::Passphrases;
use crate::plan::Due;
use crate::profile::renewal::Changes;

/// What needs no configuration.
pub(super) struct Flags {
    pub(super) due: Due,
    pub(super) ca_notice: Notice,
    pub(super) lock_timeout: Duration,
    pub(super) passphrases: Passphrases,
}

impl Flags {
    /// None where some are `wrong`.
    pub(super) fn of(
        verb: &Renew,
        wrong: &mut Wrong,
        notes: &mut Vec<String>,
        env: &mut Env<'_>,
    ) -> Result<Option<Self>, Stop> {
        let due = wrong.collect(due(verb))?;
        let ca_notice = wrong.collect(notice::ca(verb.ca_within.as_deref()))?;
        let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
        let passphrases = wrong.collect(passphrases(&verb.ca_passphrase_file, notes, env))?;
        wrong.collect(quiet(&verb.run))?;
        let (Some(due), Some(ca_notice), Some(lock_timeout), Some(passphrases)) =
            (due, ca_notice, lock_timeout, passphrases)
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            due,
            ca_notice,
            lock_timeout,
            passphrases,
        }))
    }
}

fn due(verb: &Renew) -> Result<Due, Stop> {
    let notice = notice::leaf(verb.within.as_deref())?;
    Ok(if verb.all {
        Due::All
    } else {
        Due::Within(notice)
    })
}

/// Keys and times, and the version of the cluster, as far as they were stated.
pub(in crate::cmd) fn stated(given: &Given, cluster: &ClusterFacts) -> (Changes, Option<Version>) {
    let changes = Changes {
        key_algorithm: (given.key_algorithm.as_ref()).map(|_| cluster.key_algorithm),
        validity: (given.validity.as_ref()).map(|_| cluster.validity),
        ca_validity: (given.ca_validity.as_ref()).map(|_| cluster.ca_validity),
        ..Changes::default()
    };
    (changes, given.version(cluster))
}
