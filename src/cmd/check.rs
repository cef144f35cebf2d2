//! `certs check`: the plan of what is there, told and never carried out, and how it will age.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use time::OffsetDateTime;

use super::around::{Wrong, roots, severity, stated, stopped, transaction};
use super::entries::entries;
use super::give::Give;
use super::output_file::FOREIGN;
use super::there::Lying;
use super::{Env, Outcome, Stop, notice, output_file, there};
use crate::cli::{Check, CheckOutput};
use crate::diff::{
    ENDS, Within, beyond_half_a_run, lasting_longer, of_this_cluster, signed_for_all, survey,
    told_to_a_reader,
};
use crate::facts::Given;
use crate::finding::{Code, Finding};
use crate::location::{FileId, Root};
use crate::observe::Seen;
use crate::observed::Observed;
use crate::plan::{Force, Policy, plan};
use crate::profile::found::lacking;
use crate::profile::{Profile, Stated};
use crate::report::{self, Checked, Format};
use crate::spec::Spec;
use crate::store::{self, Store};

/// Nothing is replaced, and what is not there is not missed because of who this node is.
const LOOK: Policy<'static> = Policy {
    force: Force::No,
    founding: true,
    backup: true,
};

pub(crate) fn run(verb: Check, env: &mut Env<'_>) -> Outcome {
    let (output, metrics) = match verb.output {
        CheckOutput::Json => (report::Output::Json, false),
        CheckOutput::Prometheus => (report::Output::Text, true),
        CheckOutput::Text => (report::Output::Text, false),
        CheckOutput::Yaml => (report::Output::Yaml, false),
    };
    let file = verb.output_file.clone();
    let format = Format {
        output,
        quiet: verb.quiet,
        // A file is no terminal.
        width: env.width.filter(|_| file.is_none()),
        colour: env.colour && file.is_none(),
    };
    let own = |former: &[u8]| {
        if metrics {
            Checked::are_metrics(former)
        } else {
            Checked::is_report(former, output)
        }
    };
    let told = attempt(verb, env, own).and_then(|checked| {
        let mut stdout = if metrics {
            checked.metrics()
        } else if file.is_some() {
            checked.render_file(&format)
        } else {
            checked.render(&format)
        };
        if let Some(file) = file {
            store::write_output(&file, &stdout, transaction()?)?;
            stdout.clear();
        }
        Ok((stdout, checked.exit()))
    });
    match told {
        Ok((stdout, exit)) => Outcome {
            stdout,
            stderr: Vec::new(),
            exit,
        },
        Err(stop) => stopped(stop, &format),
    }
}

mod nodes;

/// What is settled before a directory is looked at.
struct Job {
    within: Within,
    /// What the files are held against; what was not stated they tell themselves.
    stated: Option<Stated>,
    store: Store,
}

fn attempt(verb: Check, env: &mut Env<'_>, own: impl Fn(&[u8]) -> bool) -> Result<Checked, Stop> {
    let least = severity(verb.fail_on);
    let (file, config) = (verb.output_file.clone(), verb.tree.config.clone());
    if verb.nodes.inventory.is_some() {
        return nodes::attempt(verb, env, own);
    }
    let (job, notes) = settle(verb, env)?;
    let inputs = [config.as_ref()];
    output_file::settled(file.as_ref(), &job.store, &inputs, FOREIGN, own)?;
    let mut checked = Checked::new(env.now, &job.store, least, notes);
    let over = job
        .stated
        .as_ref()
        .map(|stated| |row: &Profile, there| stated.over(row, there));
    let look = Look {
        store: &job.store,
        roots: &Root::TREE,
        above: &[],
        within: job.within,
        over: over.as_ref().map(|over| over as &there::Resolve<'_>),
        host: env.host.name,
        now: env.now,
    };
    match look.at_all()? {
        Some(looked) => looked.tell(&mut checked, None),
        // The first run of all may be at work, or have ended before there was anything.
        None => return Err(there::nothing(&job.store)),
    }
    Ok(checked)
}

/// One tree, and what it is held against.
struct Look<'a> {
    store: &'a Store,
    roots: &'a [Root],
    /// Directories above: who may write there can put others into their place.
    above: &'a [FileId],
    within: Within,
    over: Option<&'a there::Resolve<'a>>,
    host: &'a str,
    now: OffsetDateTime,
}

/// What is in it.
struct Looked {
    specs: Vec<Spec>,
    seen: Seen,
    findings: Vec<Finding>,
    interrupted: Option<PathBuf>,
    /// The files that the interrupted run was to write.
    half_done: BTreeSet<FileId>,
    busy: bool,
    /// What its other files do not work without.
    lacking: Vec<&'static Profile>,
}

impl Look<'_> {
    /// All that is there; none where nothing is.
    fn at_all(&self) -> Result<Option<Looked>, Stop> {
        let (store, roots) = (self.store, self.roots);
        let lock = store.lock_shared(roots)?;
        let (mut places, mut findings) = there::places(store, roots);
        let lying = Lying::of(store, &places, roots);
        let mut seen = there::whole(&mut places, &lying, store);
        seen.look_at_directories(self.above, store);
        let mut specs = there::specs(places, &seen.observed, self.over, self.host)?;
        specs.extend(entries(&specs, &mut seen, store, self.host));
        let interrupted = lock.interrupted()?;
        let busy = lock.busy().is_some();
        if specs.is_empty() && findings.is_empty() && interrupted.is_none() && !busy {
            return Ok(None);
        }
        let half_done = match interrupted {
            Some(_) => lock.half_done()?,
            None => BTreeSet::new(),
        };
        let mut closed = lying.closed.clone();
        closed.extend(findings.iter().map(|told| told.file.clone()));
        findings.extend(lying.open(store));
        findings.extend(lying.findings);
        let mut judged = judged(&specs, &seen, self.now);
        judged.retain(|told| !follows(told, &closed));
        findings.extend(judged);
        findings.extend(survey(&specs, &seen.observed, self.within, self.now));
        // Whom a new key would part tells how what ends is renewed.
        let ends = |told: &Finding| ENDS.contains(&told.code);
        if findings.iter().any(ends) {
            (seen.ground.kubeconfigs, _) = there::kubeconfigs(store);
        }
        Ok(Some(Looked {
            lacking: lacking(&seen.observed),
            specs,
            seen,
            findings,
            interrupted,
            half_done,
            busy,
        }))
    }
}

impl Looked {
    /// `kept` is what signs for it, where that is kept elsewhere.
    fn tell(self, checked: &mut Checked, kept: Option<&BTreeMap<String, Observed>>) {
        let (specs, found) = (&self.specs, &self.seen.observed);
        checked.interrupted(self.interrupted, self.busy);
        // Half of a run is no drift.
        let half_done = &self.half_done;
        let mut lacking = self.lacking;
        lacking.retain(|row| !half_done.contains(&row.stored.public()));
        checked.looked(specs, found, &lacking);
        let findings = beyond_half_a_run(self.findings, specs, half_done);
        let findings = of_this_cluster(findings, specs, found);
        let findings = told_to_a_reader(findings, specs);
        let findings = lasting_longer(findings, specs, found, &self.seen.ground.kubeconfigs);
        checked.tell(&match kept {
            Some(kept) => signed_for_all(findings, specs, found, kept),
            None => findings,
        });
    }
}

/// Whether it tells of a file what is told of its folder already: that it cannot be looked into.
fn follows(told: &Finding, closed: &[FileId]) -> bool {
    let unread = matches!(
        told.code,
        Code::KeyUnread | Code::NotLookedAt | Code::ReadFailed
    );
    unread
        && told
            .file
            .directories()
            .iter()
            .any(|folder| closed.contains(folder))
}

/// All that is there, as the files themselves tell it: in these roots whatever its name.
pub(super) fn look(
    store: &Store,
    roots: &[Root],
    env: &Env<'_>,
) -> Result<(Vec<Spec>, Seen), Stop> {
    let (mut places, _) = there::places(store, &Root::TREE);
    let lying = Lying::of(store, &places, roots);
    let seen = there::whole(&mut places, &lying, store);
    let specs = there::specs(places, &seen.observed, None, env.host.name)?;
    Ok((specs, seen))
}

/// What every check is asked, whatever it looks at.
fn asked(verb: &Check, wrong: &mut Wrong) -> Result<Option<Within>, Stop> {
    let leaf = wrong.collect(notice::leaf(verb.within.as_deref()))?;
    let ca = wrong.collect(notice::ca(verb.ca_within.as_deref()))?;
    if verb.quiet && verb.output != CheckOutput::Text {
        wrong
            .0
            .push("--quiet goes with --output text: leave one of them out".to_owned());
    }
    Ok(leaf.zip(ca).map(|(leaf, ca)| Within { ca, leaf }))
}

fn settle(verb: Check, env: &mut Env<'_>) -> Result<(Job, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let within = asked(&verb, &mut wrong)?;
    let (tree, kubeconfig_dir, kubelet_dir) = (verb.tree, verb.kubeconfig_dir, verb.kubelet_dir);
    let mut given = Given::default();
    verb.node.give(&mut given);
    verb.address.give(&mut given);
    verb.port.give(&mut given);
    verb.endpoint.give(&mut given);
    verb.services.give(&mut given);
    verb.etcd.give(&mut given);
    verb.node_ip.give(&mut given);
    verb.version.give(&mut given);
    verb.key.give(&mut given);
    verb.validity.give(&mut given);
    let document = tree.config.is_some();
    let told = wrong.collect(stated(given, &tree, env))?;
    let (Some(within), Some((facts, given, mut notes)), true) = (within, told, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    let store = Store::open(roots(
        &tree,
        kubeconfig_dir.kubeconfig_dir.as_ref(),
        kubelet_dir.kubelet_dir.as_ref(),
        None,
        facts.as_ref().and_then(|facts| facts.cert_dir.as_deref()),
        &mut notes,
    ));
    let job = Job {
        within,
        stated: facts.map(|facts| Stated::new(facts, given, document)),
        store,
    };
    Ok((job, notes))
}

/// What every verb would be told of what is there.
pub(super) fn judged(specs: &[Spec], seen: &Seen, now: OffsetDateTime) -> Vec<Finding> {
    let issuers = there::further_issuers(specs);
    let planned = plan(specs, &issuers, &seen.observed, &seen.ground, LOOK, now);
    match planned {
        Ok(plan) => plan.findings().cloned().collect(),
        Err(refusal) => refusal.findings,
    }
}
