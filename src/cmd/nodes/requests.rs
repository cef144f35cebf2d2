//! Where the requests of many nodes lie: in one directory, a folder for each that is called by it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::facts::{Cluster, Settled};
use super::round::{Finished, Who};
use super::signing;
use super::trees::{alone, complete, stale_archives};
use crate::cmd::basis::Basis;
use crate::cmd::job::Job;
use crate::cmd::select::nearest;
use crate::cmd::{Env, Stop};
use crate::facts::{Facts, Given, resolve_elsewhere};
use crate::finding::Severity;
use crate::location::{FileId, Owner, Root};
use crate::observe::{Passphrases, Seen, observe};
use crate::observed::Observed;
use crate::plan::{Force, Policy};
use crate::profile;
use crate::report::{Node, Nodes, Report};
use crate::spec::Spec;
use crate::store::{
    self, Roots, SHARED, Store, Writer, check_place, overlays, request_folder, request_folders,
    request_of, shared_directory,
};

/// The trees that requests are of, and those.
pub(crate) struct Requests {
    pub(crate) cluster: Arc<Cluster>,
    /// The directory of the trees.
    pub(crate) out: PathBuf,
    /// That of the requests.
    pub(crate) directory: PathBuf,
    /// Whether that is one node's own.
    alone: bool,
    /// What all share.
    pub(crate) specs: Vec<Spec>,
    pub(crate) lock_timeout: Duration,
    /// What was stated of the whole cluster.
    stated: (Given, Facts),
}

impl Requests {
    /// What is handed out lies with no key.
    pub(crate) fn of(
        settled: Settled,
        directory: PathBuf,
        lock_timeout: Duration,
    ) -> Result<Self, Stop> {
        let facts = resolve_elsewhere(settled.given.clone())
            .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
        let requests = Self {
            stated: (settled.given, facts),
            cluster: Arc::new(settled.cluster),
            out: settled.out,
            directory,
            alone: false,
            specs: settled.specs,
            lock_timeout,
        };
        let trees = Store::open(Roots::shared(&requests.out));
        let (directory, out) = (&requests.directory, &requests.out);
        let same = trees.absolute(directory) == trees.absolute(out);
        if same || trees.is_root(Root::Kubeconfig, directory) || trees.is_place(directory) {
            return Err(Stop::usage(format!(
                "{} lies in {}, where keys lie: name another directory for the requests, which is handed out",
                requests.directory.display(),
                requests.out.display()
            )));
        }
        Ok(requests)
    }

    /// What all share, with the directory of all requests.
    pub(crate) fn shared(&self) -> Store {
        Store::open(Roots::shared(&self.out).with_requests(self.directory.clone()))
    }

    pub(crate) fn store(&self, who: Who) -> Store {
        let store = match who {
            Who::All => Store::open(Roots::of_shared(&self.out)),
            Who::Node(node) => Store::of_node(&self.out, self.cluster.name(node)),
        };
        store.with_requests(if self.alone {
            self.directory.clone()
        } else {
            request_folder(&self.directory, self.called(who))
        })
    }

    pub(crate) fn called(&self, who: Who) -> &str {
        match who {
            Who::All => SHARED,
            Who::Node(node) => self.cluster.name(node),
        }
    }

    /// Those whose folders came back: all that are there, or the one that the directory is itself.
    pub(crate) fn came(&mut self) -> Result<Vec<Who>, Stop> {
        let (folders, alone) = folders(&self.directory, &self.cluster)?;
        self.alone = alone;
        Ok(folders)
    }

    /// All nodes, each with its number.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = Who> {
        (0..self.cluster.len()).map(Who::Node)
    }

    /// Folders of requests that are of no node. What can hold no tree, or chooses another folder for one, is an error.
    pub(crate) fn others(&self) -> Result<Vec<String>, Stop> {
        for node in 0..self.cluster.len() {
            check_place(&self.out, self.cluster.name(node))?;
        }
        let mut others = self.cluster.others(request_folders(&self.directory)?);
        others.retain(|name| name != SHARED);
        Ok(others)
    }

    /// Trees of no node.
    pub(crate) fn left(&self) -> Result<Vec<String>, Stop> {
        Ok(self.cluster.others(overlays(&self.out)?))
    }

    /// See [`alone`].
    pub(crate) fn alone(&self, plan_only: bool, env: &mut Env<'_>) -> Result<Option<Writer>, Stop> {
        alone(&self.shared(), plan_only, self.lock_timeout, env)
    }

    /// Ends what interrupted runs left, in directories that are written and in those that are read alone. The files that
    /// those wrote.
    pub(crate) fn complete(
        &self,
        each: &[Who],
        [written, read]: [&[Root]; 2],
        told: &mut Nodes,
        env: &mut Env<'_>,
    ) -> Result<Finished, Stop> {
        let mut finished = Finished::new();
        for who in each {
            let (store, timeout) = (self.store(*who), self.lock_timeout);
            if let Some(files) = complete(&store, [written, read], timeout, told, env)? {
                finished.insert(*who, files);
            }
        }
        Ok(finished)
    }

    /// What signs, as it is kept for all.
    pub(crate) fn source(&self) -> Seen {
        let trusted = store::trusted_users(Owner::default());
        let store = self.shared();
        let mut source = observe(&self.specs, &store, &Passphrases::default(), trusted);
        signing::look(&mut source, &self.specs, &store);
        source
    }

    /// Archives of those that changed.
    pub(crate) fn stale_archives(&self, each: &[Who], told: &[Node]) -> Vec<PathBuf> {
        let changed = each.iter().zip(told).filter(|(_, told)| told.is_changed());
        let changed = changed.filter_map(|(who, _)| match who {
            Who::Node(node) => Some(*node),
            Who::All => None,
        });
        stale_archives(&self.out, &self.cluster, changed)
    }

    /// The CAs that a node needs.
    pub(crate) fn cas(&self) -> impl Iterator<Item = &Spec> {
        let shared = |ca: &&Spec| {
            let file = ca.place.public();
            (0..self.cluster.len()).any(|node| self.cluster.shares(node, &file))
        };
        self.specs.iter().filter(|spec| spec.is_ca()).filter(shared)
    }

    /// What is wanted of the CAs.
    pub(crate) fn basis_of_cas(&self) -> Basis {
        let (given, facts) = self.stated.clone();
        Basis::Alone(Box::new(profile::Basis::new(given, false, facts)))
    }

    /// Where that is kept.
    pub(crate) fn kept(&self) -> PathBuf {
        shared_directory(&self.out)
    }

    /// Whether all can stand on what is there: the CAs, and the directories above the nodes' own.
    pub(crate) fn ground(
        &self,
        (verb, least): (&'static str, Severity),
        source: &Seen,
        told: &mut Nodes,
        env: &mut Env<'_>,
    ) -> Result<bool, Stop> {
        let there = |spec: &&Spec| {
            let found = source.observed.get(&spec.name);
            let judged = matches!(
                found,
                Some(Observed::Certificate { .. } | Observed::Unreadable(..))
            );
            spec.is_ca() && judged
        };
        let store = self.shared();
        let above = store.clone();
        let mut between = self.cluster.above();
        between.push(FileId::new(Root::Requests, "."));
        let job = Job {
            specs: self.specs.iter().filter(there).cloned().collect(),
            issuers: Vec::new(),
            store,
            passphrases: Passphrases::default(),
            owner: Owner::default(),
            policy: Policy {
                force: Force::No,
                founding: true,
                backup: true,
            },
            lock_timeout: self.lock_timeout,
            also: Vec::new(),
            of_many: true,
            reads: Vec::new(),
            adapt: Some(Box::new(move |_, seen| {
                seen.look_at_directories(&between, &above);
                Ok(Vec::new())
            })),
        };
        let mut report = Report::new(verb, env.now, None, &job.store, least, Vec::new());
        job.carry_out(verb, true, &mut report, env)?;
        let sound = !report.is_refused();
        told.ground(report);
        Ok(sound)
    }

    /// Whether the key of this CA is elsewhere.
    pub(crate) fn is_external(source: &Seen, ca: &str) -> bool {
        source.observed.get(ca).is_some_and(Observed::is_external)
    }
}

/// Whose folders of requests are there, or whose the directory is itself, which is told by what it is called. What is of
/// no node is an error: nobody knows what it may be.
pub(crate) fn folders(directory: &Path, cluster: &Cluster) -> Result<(Vec<Who>, bool), Stop> {
    let who = |name: &str| match name {
        SHARED => Some(Who::All),
        name => cluster.number(name).map(Who::Node),
    };
    if let Some(name) = request_of(directory)? {
        let known = who(&name).ok_or_else(|| {
            Stop::usage(format!(
                "{} holds requests, and the inventory has no node {name}: name the directory that has a folder for each node",
                directory.display()
            ))
        })?;
        return Ok((vec![known], true));
    }
    let names = request_folders(directory)?;
    if names.is_empty() {
        return Err(Stop::usage(format!(
            "{} has no folder of a node's requests: 'certs csr --inventory FILE --out DIR --csr-dir CSRS' makes them",
            directory.display()
        )));
    }
    let known: Vec<&str> = (0..cluster.len()).map(|node| cluster.name(node)).collect();
    let others = names.iter().filter(|name| who(name).is_none());
    let told: Vec<String> = others
        .map(|name| {
            format!(
                "{} is of no node of the inventory{}: move it away",
                request_folder(directory, name).display(),
                nearest(name, &known)
            )
        })
        .collect();
    if !told.is_empty() {
        return Err(Stop::Usage(told));
    }
    let mut folders: Vec<Who> = names.iter().filter_map(|name| who(name)).collect();
    // In the order of the inventory.
    folders.sort();
    Ok((folders, false))
}
