//! `certs check --inventory`: each node's tree as one by itself, and then what they are to each other.

use std::collections::BTreeMap;
use std::path::PathBuf;

use time::OffsetDateTime;

use super::{Look, Looked};
use crate::cli::{Check, CheckOutput};
use crate::cmd::around::{Wrong, severity};
use crate::cmd::count::Count;
use crate::cmd::give::Give;
use crate::cmd::nodes::facts::{self, Asked, Cluster, Wanted};
use crate::cmd::nodes::signing;
use crate::cmd::output_file::{self, FOREIGN};
use crate::cmd::{Env, Stop};
use crate::diff::{
    self, Own, Within, barred, diff, not_copied, not_made, not_needed, own, signing_elsewhere,
    treeless,
};
use crate::facts::Given;
use crate::finding::{Code, Finding};
use crate::location::{FileId, Owner, Root};
use crate::observe::{Seen, survey};
use crate::observed::Observed;
use crate::profile::Profile;
use crate::report::{Checked, Kept, OfNode, Stage};
use crate::spec::Spec;
use crate::store::{self, Roots, SHARED, Store, check_place, overlays};

/// What is settled before a directory is looked at.
struct Job<'a> {
    cluster: Cluster,
    out: PathBuf,
    shared: Store,
    specs: Vec<Spec>,
    within: Within,
    host: &'a str,
    now: OffsetDateTime,
}

pub(super) fn attempt(
    verb: Check,
    env: &mut Env<'_>,
    replaced: impl Fn(&[u8]) -> bool,
) -> Result<Checked, Stop> {
    let least = severity(verb.fail_on);
    let (file, inventory) = (verb.output_file.clone(), verb.nodes.inventory.clone());
    let (config, output) = (verb.tree.config.clone(), verb.output);
    let told = Some(env.progress).filter(|_| !verb.quiet);
    let (job, notes) = settle(verb, env)?;
    let inputs = [config.as_ref(), inventory.as_ref()];
    output_file::settled(file.as_ref(), &job.shared, &inputs, FOREIGN, replaced)?;
    let kept = Kept {
        items: matches!(output, CheckOutput::Json | CheckOutput::Yaml),
        metrics: output == CheckOutput::Prometheus,
    };
    let place = (&*job.out, &job.shared);
    let mut checked = Checked::of_nodes(env.now, place, least, kept, notes);
    checked.left(&job.cluster.others(overlays(&job.out)?));
    job.look_at_shared(&mut checked)?;
    let source = job.source();
    let all = job.cluster.len();
    let count = Count::new(told, Stage::Judging, all);
    let looked = count.each(all, |node| job.look_at(node, &source, &checked));
    let mut all = Vec::new();
    let mut owned = Vec::new();
    for one in looked {
        let (one, own) = one?;
        all.push(one);
        owned.push(own);
    }
    let called = |node: usize| job.cluster.name(node).to_owned();
    let mut across: BTreeMap<usize, Vec<Finding>> = BTreeMap::new();
    for (node, finding) in diff::across(&owned, called) {
        across.entry(node).or_default().push(finding);
    }
    for (node, one) in all.into_iter().enumerate() {
        let further = across.remove(&node).unwrap_or_default();
        checked.add(one, &job.store(node), &further);
    }
    Ok(checked.ended())
}

fn settle<'a>(verb: Check, env: &mut Env<'a>) -> Result<(Job<'a>, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let within = super::asked(&verb, &mut wrong)?;
    let mut given = Given::default();
    verb.port.give(&mut given);
    verb.endpoint.give(&mut given);
    verb.services.give(&mut given);
    verb.etcd.give(&mut given);
    verb.version.give(&mut given);
    verb.key.give(&mut given);
    verb.validity.give(&mut given);
    let asked = Asked {
        inventory: verb.nodes.inventory.as_ref(),
        out: verb.nodes.out.as_ref(),
        ca_keys: verb.ca_keys,
        tree: &verb.tree,
        given,
        makes: false,
    };
    let settled = wrong.collect(facts::settle(asked, env))?;
    let (Some(within), Some(settled), true) = (within, settled, wrong.0.is_empty()) else {
        return Err(Stop::Usage(wrong.0));
    };
    let job = Job {
        cluster: settled.cluster,
        shared: Store::open(Roots::shared(&settled.out)),
        out: settled.out,
        specs: settled.specs,
        within,
        host: env.host.name,
        now: env.now,
    };
    let mut notes = settled.notes;
    notes.extend(signing::encrypted(&job.cluster, &job.specs, &job.shared));
    Ok((job, notes))
}

impl Job<'_> {
    /// What all nodes share, where it is made.
    fn look_at_shared(&self, checked: &mut Checked) -> Result<(), Stop> {
        let look = Look {
            store: &self.shared,
            roots: &[Root::Pki],
            above: &self.cluster.above(),
            within: self.within,
            over: None,
            host: self.host,
            now: self.now,
        };
        let mut one = checked.one(SHARED, &self.shared);
        if let Some(mut looked) = look.at_all()? {
            // It is what signs for the nodes, and none of them.
            looked.findings.retain(|told| told.code != Code::Absent);
            looked.lacking.clear();
            looked.tell(&mut one, Some(&BTreeMap::new()));
        }
        checked.add(one.in_short(), &self.shared, &[]);
        Ok(())
    }

    /// What the copies of the nodes are held against: what is kept for all, or else what the first has.
    fn source(&self) -> Seen {
        let trusted = store::trusted_users(Owner::default());
        let mut source = survey(&self.specs, &self.shared, trusted);
        signing::look(&mut source, &self.specs, &self.shared);
        for file in self.specs.iter().flat_map(|spec| spec.place.files()) {
            if source.files.contains_key(&file) {
                continue;
            }
            for node in 0..self.cluster.len() {
                if self.cluster.shares(node, &file)
                    && let Ok(Some(content)) = self.store(node).read(&file)
                {
                    source.files.insert(file, content);
                    break;
                }
            }
        }
        source
    }

    fn store(&self, node: usize) -> Store {
        Store::of_node(&self.out, self.cluster.name(node))
    }

    fn look_at(
        &self,
        node: usize,
        source: &Seen,
        checked: &Checked,
    ) -> Result<(OfNode, Vec<Own>), Stop> {
        let store = self.store(node);
        let mut one = checked.one(self.cluster.name(node), &store);
        let stated = self.cluster.stated(node)?;
        let over = |row: &Profile, there| self.cluster.over(node, &stated, row, there);
        let look = Look {
            store: &store,
            roots: &Root::TREE,
            above: &[],
            within: self.within,
            over: Some(&over),
            host: self.host,
            now: self.now,
        };
        let place = check_place(&self.out, self.cluster.name(node)).map_err(Stop::Failed);
        let mut looked = match place.and_then(|()| look.at_all()) {
            Ok(Some(looked)) => looked,
            Ok(None) => {
                one.tell(&[treeless()]);
                return Ok((one.in_short(), Vec::new()));
            }
            // It hides no other node.
            Err(Stop::Failed(error)) => {
                one.tell(&[barred(&error)]);
                return Ok((one.in_short(), Vec::new()));
            }
            Err(stop) => return Err(stop),
        };
        let wanted = self.cluster.wanted(node)?;
        let further = self.further(&wanted, &mut looked, source, &store);
        looked.findings.extend(further);
        let own = own(&looked.specs, &looked.seen.observed, &source.observed);
        looked.tell(&mut one, Some(&source.observed));
        Ok((one.in_short(), own))
    }

    /// What only an inventory tells of a tree.
    fn further(
        &self,
        wanted: &Wanted,
        looked: &mut Looked,
        source: &Seen,
        store: &Store,
    ) -> Vec<Finding> {
        let mut there = Vec::new();
        for root in Root::TREE {
            there.extend(store.list(root).unwrap_or_default());
        }
        let specs = wanted.copies.iter().chain(&wanted.own);
        let files: Vec<FileId> = specs.flat_map(|spec| spec.place.files()).collect();
        let mut findings = not_needed(&there, &files);
        findings.extend(not_made(&there, &files));
        findings.extend(not_copied(&there, &wanted.copies));
        let seen = &mut looked.seen;
        findings.extend(signing_elsewhere(
            &looked.specs,
            &seen.observed,
            &source.observed,
            &files,
        ));
        for copy in &wanted.copies {
            seen.share(copy, source);
            let observed = seen.observed.remove(&copy.name).unwrap_or(Observed::Absent);
            let trusted = &seen.ground.trusted;
            findings.extend(diff(copy, &observed, &[], trusted, self.now));
        }
        let known = |one: &Finding| {
            let mut told = looked.findings.iter();
            told.any(|told| (told.code, &told.file) == (one.code, &one.file))
        };
        findings.retain(|one| !known(one));
        findings
    }
}
