//! What a step back does to a tree that has no backup of the stage.

use crate::diff::{Generations, Held, Stage, file};
use crate::finding::Finding;
use crate::plan::{Planned, Planner, Turn};
use crate::spec::Spec;
use crate::x509::cert::Certificate;

impl Planner<'_> {
    /// What hangs on the CA: the former one signs again, and one that never signed is trusted no more.
    pub(super) fn going_back(
        &self,
        spec: &Spec,
        turn: &Turn,
        there: &Generations<Held>,
    ) -> Result<Planned, Vec<Finding>> {
        let signs = match there.stage {
            Stage::Issue => there.others.first(),
            Stage::Start | Stage::Trust => Some(&there.present),
        };
        let signs = signs.and_then(Held::certificate);
        self.below(spec, turn, signs, Some(&self.then_back(turn, there)))
    }

    /// What is trusted then.
    pub(in crate::plan) fn then_back(
        &self,
        turn: &Turn,
        there: &Generations<Held>,
    ) -> Vec<Certificate> {
        let goes = match there.stage {
            Stage::Issue => None,
            Stage::Start | Stage::Trust => there.next.as_ref(),
        };
        let goes = goes.and_then(Held::certificate);
        let mut then = file(Some(turn.row.name), self.found).to_vec();
        then.retain(|ca| goes.is_none_or(|goes| !ca.is_same_ca(goes)));
        then
    }
}
