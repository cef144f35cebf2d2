//! `certs rotate`: a CA, or the key of the service accounts, is replaced in stages, each a plan like any other.

mod back;
mod backups;
mod nodes;
mod tree;
mod undone;

use std::time::Duration;

use super::around::{self, Wrong, least, lock_timeout, looked_after, quiet, stated};
use super::generate::passphrases;
use super::give::Give;
use super::sequence::{Judge, Sequence, writer};
use super::{Env, Outcome, Stop};
use crate::cli::{self, RotateStage};
use crate::facts::Given;
use crate::location::Root;
use crate::observe::Passphrases;
use crate::plan::{Goal, Turn};
use crate::profile::renewal::Changes;
use crate::profile::{Phase, Profile, by_name};
use crate::report::{Report, over_nodes};
use crate::rollback::fates;
use crate::store::Store;

use tree::Tree;

const VERB: &str = "rotate";

/// What was typed.
enum Asked {
    Status,
    /// Back, and whether all was restarted.
    Back(&'static Profile, bool),
    Turn(Turn),
}

/// Everything that is settled before a directory is looked at.
struct Job {
    asked: Asked,
    store: Store,
    within: Vec<Root>,
    passphrases: Passphrases,
    lock_timeout: Duration,
    dry_run: bool,
}

pub(crate) fn run(verb: &cli::Rotate, env: &mut Env<'_>) -> Outcome {
    if verb.nodes.inventory.is_some() {
        return nodes::run(verb, env);
    }
    let report = settle(verb, env).and_then(|(job, notes)| {
        let report = Report::new(VERB, env.now, None, &job.store, least(&verb.run), notes);
        attempt(&job, report, env)
    });
    around::ended(report, &verb.run, env)
}

fn attempt(job: &Job, mut report: Report, env: &mut Env<'_>) -> Result<Report, Stop> {
    let there = |root: &Root| !job.store.lacks(*root);
    let roots: Vec<Root> = job.within.iter().copied().filter(there).collect();
    let tree = Tree::alone((&job.store, &roots), env.host.name, env.now);
    let turn = match &job.asked {
        Asked::Status => {
            tree.status(&job.passphrases, &mut report)?;
            return Ok(report);
        }
        Asked::Back(row, restarted) => {
            let back = back::Back {
                row,
                tree: &tree,
                passphrases: &job.passphrases,
                lock_timeout: job.lock_timeout,
                dry_run: job.dry_run,
                restarted: *restarted,
            };
            back.run(&mut report, env)?;
            return Ok(report);
        }
        Asked::Turn(turn) => turn,
    };
    let command = command(turn.row, turn.goal.name());
    let sequence = Sequence::over(
        &command,
        (&job.store, &roots),
        &job.passphrases,
        job.lock_timeout,
        job.dry_run,
    );
    let judge: &Judge<'_> = &|passphrases, _| tree.judge(&tree.in_turn(turn)?, passphrases);
    if let Some(carried) = sequence.run(judge, &mut report, env)? {
        if turn.goal == Goal::Trust {
            report.forewarned(turn.row, &carried.judged.seen);
        }
        if carried.judged.planning.is_ok() && !job.dry_run {
            if turn.goal == Goal::Drop {
                // A run that was ended may have left what holds the former key.
                let (writer, _) = writer(&job.store, [&roots, &[]], job.lock_timeout, env)?;
                report.keeps_former_key(&writer.prune(fates));
                report.holds_former_key(&tree.former_keys(turn.row)?);
            }
            let after = tree.look(turn.row, &job.passphrases);
            let [before, after] = [&carried.judged.seen.observed, &after.observed];
            let ended = tree.last_was(turn.row, Goal::Drop.name())?;
            report.turned(turn.row, (turn.goal, ended), [before, after]);
        }
    }
    Ok(report)
}

/// What a run is called by which a later one finds it.
fn command(row: &Profile, stage: &str) -> String {
    format!("{VERB}-{}-{stage}", row.name)
}

/// Everything that can be wrong about the arguments and the configuration is told at once.
fn settle(verb: &cli::Rotate, env: &mut Env<'_>) -> Result<(Job, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let typed = Typed::of(verb, &mut wrong, env)?;
    let told = wrong.collect(stated(typed.given, &verb.run.tree, env))?;
    let (Some(lock_timeout), Some(passphrases), Some(told), true) = (
        typed.lock_timeout,
        typed.passphrases,
        told,
        wrong.0.is_empty(),
    ) else {
        return Err(Stop::Usage(wrong.0));
    };
    let mut notes = typed.notes;
    let (facts, given, mut further) = told;
    notes.append(&mut further);
    let cert_dir = facts.as_ref().and_then(|facts| facts.cert_dir.as_deref());
    let places = (&verb.kubeconfig_dir, &verb.kubelet_dir);
    let (store, within) = looked_after(&verb.run.tree, places, cert_dir, &mut notes);
    let cluster = facts.as_ref().map(|facts| &facts.cluster);
    let lasting = cluster.map(|cluster| super::renew::stated_changes(&given, cluster));
    let (lasting, _) = lasting.unwrap_or_default();
    let job = Job {
        asked: asked(verb, |row, goal| turn_of(verb, &lasting, row, goal)),
        store,
        within,
        passphrases,
        lock_timeout,
        dry_run: verb.run.dry_run.or(given.dry_run).unwrap_or_default(),
    };
    Ok((job, notes))
}

/// What is typed of a rotation of one tree and of many.
struct Typed {
    given: Given,
    lock_timeout: Option<Duration>,
    passphrases: Option<Passphrases>,
    notes: Vec<String>,
}

impl Typed {
    fn of(verb: &cli::Rotate, wrong: &mut Wrong, env: &mut Env<'_>) -> Result<Self, Stop> {
        wrong.0.extend(opposed(verb));
        let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
        let mut notes = Vec::new();
        let passphrases = wrong.collect(passphrases(&verb.ca_passphrase_file, &mut notes, env))?;
        wrong.collect(quiet(&verb.run))?;
        let mut given = Given::default();
        verb.key.clone().give(&mut given);
        verb.ca_validity.clone().give(&mut given);
        Ok(Self {
            given,
            lock_timeout,
            passphrases,
            notes,
        })
    }
}

/// A stage, and what was `lasting` stated of what is made for it.
fn turn_of(verb: &cli::Rotate, lasting: &Changes, row: &'static Profile, goal: Goal) -> Turn {
    Turn {
        common_name: verb.common_name.clone(),
        key_algorithm: lasting.key_algorithm,
        ca_validity: lasting.ca_validity,
        ..Turn::to(row, goal)
    }
}

fn asked(verb: &cli::Rotate, turn: impl FnOnce(&'static Profile, Goal) -> Turn) -> Asked {
    let Some(row) = by_name(&verb.what) else {
        return Asked::Status;
    };
    match verb.stage {
        None => Asked::Status,
        Some(RotateStage::Back) => Asked::Back(row, verb.restarted),
        Some(RotateStage::Drop) => Asked::Turn(turn(row, Goal::Drop)),
        Some(RotateStage::Issue) => Asked::Turn(turn(row, Goal::Issue)),
        Some(RotateStage::Trust) => Asked::Turn(turn(row, Goal::Trust)),
    }
}

/// What a command has behind it to be over the same nodes.
fn flags(verb: &cli::Rotate) -> String {
    let nodes = &verb.nodes;
    match (&nodes.inventory, &nodes.out) {
        (Some(inventory), Some(out)) => over_nodes(inventory, out),
        _ => String::new(),
    }
}

/// What was typed and does not go together.
fn opposed(verb: &cli::Rotate) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut tell = |holds: bool, sentence: String| {
        if holds {
            wrong.push(sentence);
        }
    };
    let status = verb.what == cli::STATUS;
    let what = &verb.what;
    match verb.stage {
        Some(_) if status => {
            tell(true, "'certs rotate status' takes no stage".to_owned());
        }
        None if !status => tell(
            true,
            format!(
                "which stage? 'certs rotate {what} trust', issue, drop or back: 'certs rotate status' tells which comes next"
            ),
        ),
        _ => {}
    }
    let stage = verb.stage;
    let of_ca = by_name(what).is_some_and(|row| row.phase == Phase::Ca);
    let founds = stage == Some(RotateStage::Trust);
    let issues = stage == Some(RotateStage::Issue);
    let restarts = issues || stage == Some(RotateStage::Drop);
    tell(
        verb.common_name.is_some() && !(founds && of_ca),
        "--common-name is of the next CA, and goes with trust".to_owned(),
    );
    tell(
        verb.common_name.as_ref().is_some_and(String::is_empty),
        "--common-name: is empty".to_owned(),
    );
    tell(
        verb.ca_validity.ca_validity.is_some() && !(founds && of_ca),
        "--ca-validity is of the next CA, and goes with trust".to_owned(),
    );
    tell(
        verb.key.key_algorithm.is_some() && !(founds || issues && of_ca),
        "--key-algorithm is of keys that are made, and goes with trust and, for those of certificates, with issue".to_owned(),
    );
    tell(
        verb.restarted && !restarts && stage != Some(RotateStage::Back),
        "--restarted goes with issue, drop and back".to_owned(),
    );
    if let (true, false, false, Some(stage)) = (
        restarts,
        verb.restarted,
        verb.run.dry_run.unwrap_or_default(),
        stage,
    ) {
        let stage = if stage == RotateStage::Drop {
            "drop"
        } else {
            "issue"
        };
        let flags = flags(verb);
        wrong.push(format!(
            "whoever has not read yet what the stage before wrote is cut off by this one, and no file tells: do what that \
             stage told ('certs rotate status{flags}' tells it again), and then run 'certs rotate {what} {stage} \
             --restarted{flags}'"
        ));
    }
    wrong
}
