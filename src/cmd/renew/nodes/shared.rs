//! What all nodes share, of a renewal over them: what signs, and what the nodes have copies of.

use time::OffsetDateTime;

use super::super::tree::Tree;
use super::{Run, VERB};
use crate::apply;
use crate::cmd::nodes::signing;
use crate::cmd::sequence::{Carried, Judge, Judged, Sequence};
use crate::cmd::{Env, Stop};
use crate::finding::Code;
use crate::location::{FileId, Owner, Root};
use crate::observe::{Seen, observe};
use crate::observed::Observed;
use crate::plan::{Plan, Step};
use crate::profile::signing_file;
use crate::report::Report;
use crate::spec::{Place, Spec};
use crate::store::{self, Change};
use crate::x509::cert::Certificate;

/// Whether a CA is renewed by it.
pub(super) fn renews_a_ca(plan: &Plan) -> bool {
    let mut steps = plan.steps.iter();
    steps.any(|planned| planned.spec.is_ca() && matches!(planned.step, Step::Reissue { .. }))
}

impl Run<'_> {
    /// What all nodes share, as a tree of its own.
    pub(super) fn over_shared(
        &self,
        dry_run: bool,
        env: &mut Env<'_>,
    ) -> Result<(Report, Option<Carried>), Stop> {
        let store = &self.trees.shared;
        let roots = [Root::Pki];
        self.trees.check_shared()?;
        let mut report = Report::new(VERB, env.now, None, store, self.least, Vec::new());
        let sequence = Sequence::over(
            VERB,
            (store, &roots),
            &self.passphrases,
            self.trees.lock_timeout,
            dry_run,
        );
        let above = self.trees.cluster.above();
        let judge: &Judge<'_> = &|passphrases, env| {
            let tree = Tree {
                store,
                roots: &roots,
                names: &self.names,
                typed: self.typed,
                renewal: &self.renewal,
                over: None,
                one_of: None,
                host: env.host.name,
                now: env.now,
                // Who can write there can put a CA of their own in its place, and any node's tree.
                above: &above,
            };
            tree.judge(passphrases)
        };
        let carried = sequence.run(judge, &mut report, env)?;
        Ok((report, carried))
    }

    /// What signs, with the keys open.
    pub(super) fn look_at_shared(&self) -> Seen {
        let apart: Vec<Spec> = self.specs.iter().filter_map(signing_file).collect();
        let trusted = store::trusted_users(Owner::default());
        let store = &self.trees.shared;
        let all = self.specs.iter().chain(&apart);
        let mut source = observe(all, store, &self.passphrases, trusted);
        signing::waiting(&mut source, store);
        source
    }

    /// What signs once the run is over.
    pub(super) fn foresee(
        &self,
        judged: &Judged,
        source: &mut Seen,
        now: OffsetDateTime,
    ) -> Result<(), Stop> {
        let Ok(plan) = &judged.planning else {
            return Ok(());
        };
        if let Some(told) = plan.findings().find(|told| told.code == Code::CaShortened) {
            let path = self.trees.shared.path(&told.file);
            return Err(Stop::usage(format!(
                "--ca-validity: {} {}: what it signed for the nodes would end with it",
                path.display(),
                told.text
            )));
        }
        if !renews_a_ca(plan) {
            return Ok(());
        }
        let made = apply::prepare(plan, &judged.seen, Owner::default(), now)?;
        for Change { file, bytes, .. } in made.changes {
            // A renewal removes nothing.
            let Some(bytes) = bytes else { continue };
            for spec in self.specs.iter().filter(|spec| spec.place.public() == file) {
                if let Some(Observed::Certificate { chain, .. }) =
                    source.observed.get_mut(&spec.name)
                {
                    *chain = Certificate::from_pem(&bytes)?;
                }
            }
            if let Some(there) = source.files.get_mut(&file) {
                there.bytes = bytes;
            }
        }
        Ok(())
    }

    /// The certificates of CAs that a node may have copies of.
    pub(super) fn copies(&self, node: usize, source: &Seen) -> Vec<Spec> {
        let cas = self.specs.iter().filter(|spec| spec.is_ca());
        let shares = |ca: &&Spec| self.trees.cluster.shares(node, &ca.place.public());
        let copies = cas.filter(shares).flat_map(|ca| {
            let FileId { root, name } = ca.place.public();
            let copy = Spec {
                place: Place::File {
                    root,
                    name: name.clone(),
                },
                name,
                ..ca.clone()
            };
            [Some(copy), signing_file(ca)]
        });
        let is_kept = |copy: &Spec| source.files.contains_key(&copy.place.public());
        copies.flatten().filter(is_kept).collect()
    }
}
