//! `certs import --inventory`: what came back for many nodes, each held against what was asked for and against its tree,
//! and put in its place in one commit.

use std::path::PathBuf;
use std::sync::Arc;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::{Typed, VERB, given, job, names, rows};
use crate::cli::{CaKeys, Import};
use crate::cmd::around::{Wrong, ended_nodes, least, lock_timeout, quiet};
use crate::cmd::basis::Basis;
use crate::cmd::generate::owner;
use crate::cmd::job::Job;
use crate::cmd::nodes::facts::{self, Asked};
use crate::cmd::nodes::readers::Readers;
use crate::cmd::nodes::requests::Requests;
use crate::cmd::nodes::round::{Finished, Round, Who};
use crate::cmd::nodes::trees::crossed;
use crate::cmd::{Env, Outcome, Stop};
use crate::diff::placed;
use crate::facts::Version;
use crate::location::Root;
use crate::observe::{Passphrases, Seen, survey};
use crate::observed::{Access, Observed, Shared};
use crate::profile::found::looked_for;
use crate::profile::{CLUSTER, Kind, Signer};
use crate::report::{IMPORT_INTERRUPTED, Node, Nodes};
use crate::requests::name;
use crate::spec::Spec;
use crate::store::Store;
use crate::x509::cert::Certificate;

/// What is settled before a directory is looked at.
struct Run {
    requests: Requests,
    typed: Typed,
    /// Of what, where that was named.
    names: Vec<String>,
    /// Those whose folders came back.
    each: Vec<Who>,
    /// That of the cluster, if it was stated.
    version: Option<Version>,
    plan_only: bool,
}

pub(super) fn run(verb: &Import, env: &mut Env<'_>) -> Outcome {
    ended_nodes(attempt(verb, env), &verb.run, env)
}

fn attempt(verb: &Import, env: &mut Env<'_>) -> Result<Nodes, Stop> {
    let (run, notes) = settle(verb, env)?;
    let requests = &run.requests;
    let least = least(&verb.run);
    let _alone = requests.alone(run.plan_only, env)?;
    let mut told = Nodes::new(VERB, env.now, &requests.out, least, notes);
    told.requests(&requests.directory);
    requests.others()?;
    told.left(requests.left()?);
    let mut finished = Finished::new();
    if !run.plan_only {
        (env.begun)(IMPORT_INTERRUPTED);
        finished =
            requests.complete(&run.each, [&Root::TREE, &[Root::Requests]], &mut told, env)?;
    }
    let mut source = requests.source();
    if !requests.ground((VERB, least), &source, &mut told, env)? {
        return Ok(told.ended());
    }
    let (host, now) = (env.host.name.to_owned(), env.now);
    if run.each.contains(&Who::All) {
        run.foresee(&mut source, (&host, now))?;
    }
    if let Signer::Ca(signs) = CLUSTER {
        source.crossed = crossed(&requests.cluster, &requests.out, (&source, signs), now);
    }
    let source = Arc::new(source);
    let round = Round {
        verb: VERB,
        least,
        told: Some(env.progress).filter(|_| !verb.run.quiet),
        each: run.each.clone(),
        name: &|node| requests.cluster.name(node).to_owned(),
        job: &|who| run.job(who, &source, (&host, now)),
        finished: &finished,
        elsewhere: &|name| requests.specs.iter().any(|spec| spec.name == name),
    };
    let (each, changed) = round.run(run.plan_only, &host, env)?;
    if let Some(inventory) = &verb.nodes.inventory
        && each.iter().any(Node::is_changed)
    {
        told.imported(inventory);
    }
    told.stale_archives(
        &requests.stale_archives(&run.each, &each),
        requests.cluster.file(),
    );
    let mut readers = Readers::default();
    for (who, changed) in run.each.iter().zip(&changed) {
        // What all share is read as the copies of it that the nodes have.
        if let Who::Node(node) = who {
            readers.add(&mut told, &requests.cluster, *node, changed, run.version);
        }
    }
    told.nodes(each);
    Ok(told.with_processes(readers.unknown).ended())
}

fn settle(verb: &Import, env: &mut Env<'_>) -> Result<(Run, Vec<String>), Stop> {
    let mut wrong = Wrong::default();
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    let owner = wrong.collect(owner(&verb.ownership))?;
    wrong.collect(rows(&verb.names))?;
    wrong.collect(quiet(&verb.run))?;
    let asked = Asked {
        inventory: verb.nodes.inventory.as_ref(),
        out: verb.nodes.out.as_ref(),
        ca_keys: CaKeys::None,
        tree: &verb.run.tree,
        given: given(&verb.facts),
        makes: false,
    };
    let settled = wrong.collect(facts::settle(asked, env))?;
    let (Some(lock_timeout), Some(owner), Some(mut settled), true) =
        (lock_timeout, owner, settled, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    let notes = std::mem::take(&mut settled.notes);
    let plan_only = verb.run.dry_run.or(settled.dry_run).unwrap_or_default();
    let directory: PathBuf = verb.directory.clone();
    let version = settled.given.version(&settled.facts);
    let mut requests = Requests::of(settled, directory, lock_timeout)?;
    let each = requests.came()?;
    let run = Run {
        requests,
        typed: Typed {
            named: !verb.names.is_empty(),
            owner,
            lock_timeout,
        },
        names: verb.names.clone(),
        each,
        version,
        plan_only,
    };
    Ok((run, notes))
}

impl Run {
    /// What signs once the CAs that came back are in their place.
    fn foresee(&self, source: &mut Seen, (host, now): (&str, OffsetDateTime)) -> Result<(), Stop> {
        let job = self.of_cas((host, now))?;
        let judged = job.judge(&Passphrases::default(), now)?;
        if judged.planning.is_err() {
            return Ok(());
        }
        for spec in &judged.specs {
            if let Some(Observed::Returned(back)) = judged.seen.observed.get(&spec.name)
                && self.requests.specs.iter().any(|ca| ca.name == spec.name)
            {
                let there = placed(spec, back, &judged.seen.observed, None);
                let pem: String = back.chain.iter().map(Certificate::to_pem).collect();
                if let Some(file) = source.files.get_mut(&spec.place.public()) {
                    file.bytes = Zeroizing::new(pem.into_bytes());
                }
                source.observed.insert(spec.name.clone(), there);
            }
        }
        Ok(())
    }

    fn job(
        &self,
        who: Who,
        source: &Arc<Seen>,
        (host, now): (&str, OffsetDateTime),
    ) -> Result<Job, Stop> {
        let Who::Node(node) = who else {
            return self.of_cas((host, now));
        };
        let store = self.requests.store(who);
        let cluster = &self.requests.cluster;
        let has = |name: &String| {
            rows(std::slice::from_ref(name))
                .is_ok_and(|rows| rows.iter().any(|row| cluster.has(node, row)))
        };
        let (names, list) = self.names(&store, &has)?;
        rows(&names)?;
        let strange: Vec<String> = names
            .iter()
            .filter(|name| !has(name))
            .map(|name| format!("{name} is nothing that the roles of this node need: leave it out"))
            .collect();
        if !strange.is_empty() {
            return Err(Stop::Usage(strange));
        }
        let wanted = cluster.wanted(node)?;
        let mut specs = wanted.own;
        specs.retain(|spec| names.iter().any(|asked| asked == name(spec)));
        let basis = Basis::OfMany(Arc::clone(cluster), node);
        let mut job = job(&self.typed, (specs, names, list), store, (basis, host, now))
            .below(Arc::clone(source));
        let (inner, source) = (job.adapt.take(), Arc::clone(source));
        let there = job.store.clone();
        let copies: Vec<Spec> = wanted.copies.into_iter().filter(Spec::is_ca).collect();
        job.adapt = Some(Box::new(move |specs, seen| {
            // What names files is made with those, and stays where it is there.
            specs.retain(|spec| {
                let found = seen.observed.get(&spec.name);
                spec.credential_files().is_none() || found.is_none_or(Observed::is_absent)
            });
            let findings = inner
                .as_ref()
                .map_or(Ok(Vec::new()), |adapt| adapt(specs, seen))?;
            let any = !specs.is_empty();
            let copies: Vec<&Spec> = copies.iter().filter(|_| any).collect();
            seen.add(survey(copies.iter().copied(), &there, Vec::new()));
            for copy in copies {
                seen.share(copy, &source);
                let whole = |files: &Vec<Shared>| files.iter().all(|shared| shared.of.is_some());
                if let Some(found @ Observed::Shared(files)) = seen.observed.get(&copy.name)
                    && found.lacks_all()
                    && whole(files)
                {
                    specs.push(copy.clone());
                }
            }
            Ok(findings)
        }));
        Ok(job)
    }

    /// What was named, of what is for one of these folders; or else what that one's list tells.
    fn names(
        &self,
        store: &Store,
        is_for_it: &dyn Fn(&String) -> bool,
    ) -> Result<(Vec<String>, Option<Access>), Stop> {
        if self.names.is_empty() {
            return names(&[], store);
        }
        let named = self.names.iter().filter(|name| is_for_it(name));
        Ok((named.cloned().collect(), None))
    }

    /// The CAs that were asked for.
    fn of_cas(&self, (host, now): (&str, OffsetDateTime)) -> Result<Job, Stop> {
        let store = self.requests.store(Who::All);
        let is_ca = |name: &String| {
            let named = rows(std::slice::from_ref(name));
            named.is_ok_and(|rows| rows.iter().all(|row| row.kind == Kind::Ca))
        };
        let (names, list) = self.names(&store, &is_ca)?;
        let specs = rows(&names)?
            .into_iter()
            .filter(|_| !names.is_empty())
            .map(looked_for);
        let basis = self.requests.basis_of_cas();
        let given = (specs.collect(), names.clone(), list);
        Ok(Job {
            of_many: true,
            ..job(&self.typed, given, store, (basis, host, now))
        })
    }
}
