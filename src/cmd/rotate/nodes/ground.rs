//! What the nodes stand on in a stage: what signs for them as it is, and as it comes to be.

use std::sync::Arc;

use time::OffsetDateTime;

use super::super::tree::Tree;
use crate::apply;
use crate::cmd::Stop;
use crate::cmd::nodes::kept::told_of_many;
use crate::cmd::sequence::Judged;
use crate::diff::{Stage, generations, not_needed, over_all, treeless};
use crate::finding::{Code, Finding};
use crate::key::PrivateKey;
use crate::location::{FileId, Owner, Root};
use crate::observe::{Passphrases, Seen};
use crate::observed::Ahead;
use crate::plan::{Goal, Plan, Refusal, Turn, astray, keys};
use crate::profile::rotation::place;
use crate::spec::Spec;
use crate::store::Store;

/// What signs, and what comes of it.
pub(super) struct Ground<'a> {
    pub(super) turn: &'a Turn,
    pub(super) source: &'a Seen,
    /// What is in that, and what may wait there.
    pub(super) specs: Vec<Spec>,
    pub(super) ahead: Arc<Ahead>,
    /// Whether a run that was ended began the stage. It is ended first: a tree that lacks is made by what all share then,
    /// and 'all' makes none while the nodes differ.
    pub(super) begun: bool,
}

impl<'a> Ground<'a> {
    /// By what was planned over it.
    pub(super) fn of(
        turn: &'a Turn,
        specs: Vec<Spec>,
        (source, plan): (&'a Seen, &Plan),
        now: OffsetDateTime,
    ) -> Result<Self, Stop> {
        let ahead = apply::prepare(plan, source, Owner::default(), now)?.ahead();
        Ok(Self {
            ahead: Arc::new(ahead),
            ..Self::as_it_is(turn, specs, source)
        })
    }

    /// Where nothing comes of it.
    pub(super) fn as_it_is(turn: &'a Turn, specs: Vec<Spec>, source: &'a Seen) -> Self {
        Self {
            turn,
            source,
            specs,
            ahead: Arc::default(),
            begun: false,
        }
    }

    /// What is to be done with a node, with the ways out of who has many.
    pub(super) fn judge(&self, tree: &Tree<'_>) -> Result<Judged, Stop> {
        if tree.roots.is_empty() && self.begun {
            return Ok(judged(Ok(Plan {
                ground: vec![treeless()],
                steps: Vec::new(),
            })));
        } else if tree.roots.is_empty() {
            return Ok(refused(Finding {
                code: Code::NotRotated,
                ..treeless()
            }));
        }
        let row = self.turn.row;
        let is_there = |file: &FileId| tree.store.path(file).exists();
        // A second one to come would be trusted by this node alone.
        if let Some(file) = place(row).files().into_iter().find(is_there) {
            let dir = |root: Root| tree.store.root(root).display();
            let way_out = format!(
                "what is to come is kept for all nodes: 'certs rotate {} back --kubernetes-dir {} --kubelet-dir {}' takes back \
                 what a stage did to this tree alone",
                row.name,
                dir(Root::Kubeconfig),
                dir(Root::Kubelet),
            );
            return Ok(refused(Finding {
                code: Code::NotRotated,
                name: file.name.clone(),
                file,
                text: format!("waits here to take the place of {}", row.name),
                way_out,
            }));
        }
        let mut judged = tree.judge(self.turn, &Passphrases::default())?;
        if let Ok(plan) = &mut judged.planning {
            let copies = tree.one_of.map_or(&[][..], |one| one.kept.copies);
            let is_copy = |key: &FileId| copies.iter().any(|copy| copy.place.files().contains(key));
            let key = Some(row.stored.key()).filter(is_there);
            let stray: Vec<FileId> = key.into_iter().filter(|key| !is_copy(key)).collect();
            plan.ground.extend(not_needed(&stray, &[]));
        }
        told_of_many(&mut judged, &self.source.observed);
        Ok(judged)
    }

    /// That a node is neither where what all share is nor where that goes back to: a run that was ended may have brought it
    /// further, and it cannot go back from there.
    pub(super) fn gone_on(&self, copies: &[Spec], store: &Store) -> Option<Finding> {
        let public = copies.first()?.place.public();
        let of = &self.source.files.get(&public)?.bytes;
        let there = store.read(&public).ok().flatten()?.bytes;
        if there == *of || self.lags(&there, of).is_some() {
            return None;
        }
        let way_out = match astray(&self.source.observed, &public, &there) {
            Some((row, goal)) => {
                let then = match goal {
                    Goal::Drop => "; from there no way leads back",
                    Goal::Issue | Goal::Trust => ", and 'back' goes back from there",
                };
                format!(
                    "a run that was ended brought it further: '{}' brings the others there{then}",
                    goal.command(row)
                )
            }
            None => "'certs all --force' puts that of all in its place".to_owned(),
        };
        Some(Finding {
            code: Code::RotationOrder,
            name: public.name.clone(),
            file: public,
            text: "is not as what all share, nor as it was before this stage".to_owned(),
            way_out: over(&way_out),
        })
    }

    /// Whether a copy that is not what it is to be is so since its node was not yet brought there: it is as what all
    /// share is before the stage or, where that is there already, was.
    pub(super) fn was(&self, file: &FileId, there: &[u8], of: &[u8]) -> bool {
        let as_it_is = self.source.files.get(file);
        as_it_is.is_some_and(|source| *source.bytes == *there) || self.lags(there, of).is_some()
    }

    fn lags(&self, there: &[u8], of: &[u8]) -> Option<()> {
        let generations = generations(self.turn.row, &self.source.observed).ok()?;
        let former = match (self.turn.goal, generations.stage) {
            (Goal::Trust, Stage::Trust) => {
                let next = generations.next?;
                let (there, mut then) = (keys(there)?, keys(of)?);
                then.retain(|held| held != next.public_key());
                return (there == then).then_some(());
            }
            (Goal::Issue, Stage::Issue) => generations.others.into_iter().next()?,
            _ => return None,
        };
        // It signed until then.
        let own = former.public_key().clone();
        if let Ok(key) = PrivateKey::from_pem(there, None) {
            return (*key.public_key() == own).then_some(());
        }
        let (there, then) = (keys(there)?, keys(of)?);
        let same = there.len() == then.len() && then.iter().all(|held| there.contains(held));
        (same || there == [own]).then_some(())
    }
}

/// A node for which nothing can be planned.
fn refused(finding: Finding) -> Judged {
    let findings = vec![finding];
    judged(Err(Refusal { findings }))
}

/// A node at which nothing is looked at.
fn judged(planning: Result<Plan, Refusal>) -> Judged {
    Judged {
        seen: Seen::default(),
        specs: Vec::new(),
        planning,
    }
}

fn over(way_out: &str) -> String {
    let mut way_out = way_out.to_owned();
    over_all(&mut way_out);
    way_out
}
