//! What was typed of a rotation over many nodes.

use std::sync::Arc;

use super::super::{Asked as Settled, Typed, asked, flags, turn_of};
use super::Run;
use crate::cli;
use crate::cmd::around::{Wrong, least};
use crate::cmd::nodes::facts::{self, Asked};
use crate::cmd::nodes::trees::Trees;
use crate::cmd::renew::stated_changes;
use crate::cmd::{Env, Stop};
use crate::store::{Roots, Store};

/// Everything that can be wrong about the arguments and the files they name is told at once.
pub(super) fn settle<'a>(
    verb: &cli::Rotate,
    env: &mut Env<'a>,
) -> Result<(Run<'a>, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let typed = Typed::of(verb, &mut wrong, env)?;
    let of_nodes = Asked {
        inventory: verb.nodes.inventory.as_ref(),
        out: verb.nodes.out.as_ref(),
        ca_keys: cli::CaKeys::ControlPlane,
        tree: &verb.run.tree,
        given: typed.given,
        makes: false,
    };
    let settled = wrong.collect(facts::settle(of_nodes, env))?;
    let (Some(lock_timeout), Some(passphrases), Some(settled), true) = (
        typed.lock_timeout,
        typed.passphrases,
        settled,
        wrong.0.is_empty(),
    ) else {
        return Err(Stop::Usage(wrong.0));
    };
    let mut notes = typed.notes;
    let (lasting, _) = stated_changes(&settled.given, &settled.facts);
    notes.extend(settled.notes);
    let asked = asked(verb, |row, goal| turn_of(verb, &lasting, row, goal));
    let looks = matches!(asked, Settled::Status);
    let run = Run {
        asked,
        trees: Trees {
            cluster: Arc::new(settled.cluster),
            shared: Store::open(Roots::shared(&settled.out)),
            out: settled.out,
            lock_timeout,
        },
        flags: flags(verb),
        specs: settled.specs,
        passphrases,
        plan_only: looks || verb.run.dry_run.or(settled.dry_run).unwrap_or_default(),
        least: least(&verb.run),
        told: Some(env.progress).filter(|_| !verb.run.quiet),
    };
    Ok((run, notes))
}
