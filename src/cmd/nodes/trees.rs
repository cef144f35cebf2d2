//! The trees of many nodes, as every run over them that writes finds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::facts::Cluster;
use crate::bundle;
use crate::cmd::sequence::writer;
use crate::cmd::{Env, Stop};
use crate::location::{FileId, Root};
use crate::observe::Seen;
use crate::observed::{KeyState, Observed, signing};
use crate::profile::{API_SERVER, CLUSTER, Signer, by_name};
use crate::report::{Nodes, waiting};
use crate::spec::Spec;
use crate::store::{Store, Writer, archive_of, check_place, has_fresh, is_new, shared_directory};
use crate::x509::cert::Certificate;

/// Where they are.
pub(crate) struct Trees {
    pub(crate) cluster: Arc<Cluster>,
    /// The directory of all.
    pub(crate) out: PathBuf,
    /// What the nodes share, where that is made.
    pub(crate) shared: Store,
    pub(crate) lock_timeout: Duration,
}

impl Trees {
    pub(crate) fn store(&self, node: usize) -> Store {
        let name = self.cluster.name(node);
        if self.is_new(node) {
            Store::of_new_node(&self.out, name)
        } else {
            Store::of_node(&self.out, name)
        }
    }

    /// What can hold no tree is told before anything is made, and once.
    pub(crate) fn check_places(&self) -> Result<(), Stop> {
        let mut nodes = 0..self.cluster.len();
        nodes.try_for_each(|node| check_place(&self.out, self.cluster.name(node)))?;
        Ok(())
    }

    /// What signs for the nodes is needed by whoever makes nothing of it.
    pub(crate) fn check_shared(&self) -> Result<(), Stop> {
        if self.shared.has(Root::Pki) {
            return Ok(());
        }
        Err(Stop::usage(format!(
            "{} is not there: it holds the CAs that sign for all nodes, and 'certs all --inventory FILE --out DIR' makes it",
            shared_directory(&self.out).display()
        )))
    }

    pub(crate) fn is_new(&self, node: usize) -> bool {
        is_new(&self.out, self.cluster.name(node))
    }

    /// Ends what an interrupted run left of what all share: half of it signs for nobody.
    pub(crate) fn complete_shared(&self, told: &mut Nodes, env: &mut Env<'_>) -> Result<(), Stop> {
        let (roots, timeout) = ([&[Root::Pki][..], &[]], self.lock_timeout);
        complete(&self.shared, roots, timeout, told, env)?;
        Ok(())
    }

    /// Ends what interrupted runs left of the nodes: what is half of such a run cannot be judged. The files that
    /// those wrote.
    pub(crate) fn complete(
        &self,
        alone: Option<&Writer>,
        told: &mut Nodes,
        env: &mut Env<'_>,
    ) -> Result<BTreeMap<usize, Vec<FileId>>, Stop> {
        let mut finished = BTreeMap::new();
        for node in (0..self.cluster.len()).filter(|node| !self.is_new(*node)) {
            let (store, timeout) = (self.store(node), self.lock_timeout);
            if let Some(files) = complete(&store, [&Root::TREE, &[]], timeout, told, env)? {
                finished.insert(node, files);
            }
        }
        // Where no node is new nobody else would.
        if let Some(alone) = alone
            && has_fresh(&self.out)?
        {
            alone.discard_fresh()?;
        }
        Ok(finished)
    }

    /// See [`alone`].
    pub(crate) fn alone(&self, plan_only: bool, env: &mut Env<'_>) -> Result<Option<Writer>, Stop> {
        alone(&self.shared, plan_only, self.lock_timeout, env)
    }

    /// The same of a directory that this run made.
    pub(super) fn above(&self, env: &mut Env<'_>) -> Result<Writer, Stop> {
        above(&self.shared, self.lock_timeout, env)
    }

    /// Waits until no other run writes there.
    pub(crate) fn wait_for(
        &self,
        store: &Store,
        roots: &[Root],
        env: &mut Env<'_>,
    ) -> Result<(), Stop> {
        let notice = &mut *env.notice;
        let mut told = |directory: &Path| notice(&waiting(directory));
        store.lock_and_read(roots, &[], self.lock_timeout, &mut told)?;
        Ok(())
    }

    /// Archives of these nodes, whose trees changed.
    pub(crate) fn stale_archives(&self, changed: impl Iterator<Item = usize>) -> Vec<PathBuf> {
        stale_archives(&self.out, &self.cluster, changed)
    }
}

/// The cluster's CA as the one before it signed it, from the first control plane whose API server sends it. In `source` that CA
/// is called `signs`, which is another name while it waits.
pub(crate) fn crossed(
    cluster: &Cluster,
    out: &Path,
    (source, signs): (&Seen, &str),
    now: OffsetDateTime,
) -> Option<Certificate> {
    let certificates = |name: &str| match source.observed.get(name) {
        Some(Observed::Certificate { chain, key, .. }) => Some((chain, key)),
        _ => None,
    };
    let Signer::Ca(ca) = CLUSTER else {
        return None;
    };
    let (authorities, _) = certificates(ca)?;
    let (chain, key) = certificates(signs)?;
    let file = by_name(API_SERVER)?.stored.public();
    let sent = (0..cluster.len())
        .filter(|node| cluster.roles(*node).control_plane)
        .filter_map(|node| Store::of_node(out, cluster.name(node)).read(&file).ok()?)
        .filter_map(|read| Certificate::from_pem(&read.bytes).ok());
    let signs = signing(chain, key.as_ref())?;
    bundle::crossed(signs, authorities, sent.flatten(), now)
}

/// The directory of the nodes' trees, for this run alone. Who writes over many nodes holds it from what was seen to what
/// is written: what one such run brings forth another would take back. None where nothing is written, and where that
/// directory is not there yet, so that nothing was seen in it.
pub(crate) fn alone(
    shared: &Store,
    plan_only: bool,
    timeout: Duration,
    env: &mut Env<'_>,
) -> Result<Option<Writer>, Stop> {
    if plan_only || !shared.has(Root::Kubeconfig) {
        return Ok(None);
    }
    above(shared, timeout, env).map(Some)
}

fn above(shared: &Store, timeout: Duration, env: &mut Env<'_>) -> Result<Writer, Stop> {
    let (above, none) = (&[Root::Kubeconfig][..], &[][..]);
    // Where nobody can write, all may be as it should be.
    let roots = if shared.is_read_only(Root::Kubeconfig) {
        [none, above]
    } else {
        [above, none]
    };
    let (writer, _) = writer(shared, roots, timeout, env)?;
    Ok(writer)
}

/// Archives in this directory of nodes whose trees changed.
pub(super) fn stale_archives(
    out: &Path,
    cluster: &Cluster,
    changed: impl Iterator<Item = usize>,
) -> Vec<PathBuf> {
    let paths = changed.map(|node| archive_of(out, cluster.name(node)).0);
    paths.filter(|path| path.exists()).collect()
}

/// The keys of CAs that could not be opened.
pub(crate) fn locked(store: &Store, specs: &[Spec], source: &Seen) -> Vec<String> {
    let told = |spec: &Spec| {
        let path = store.path(&spec.place.key());
        let why = match source.observed.get(&spec.name)? {
            Observed::Certificate { key: Some(key), .. } => match &key.state {
                KeyState::Locked(why) => why.clone(),
                _ => return None,
            },
            Observed::Unreadable(reasons, _) => {
                let reason = reasons.first()?;
                let way_out = reason.way_out.as_deref().unwrap_or_default();
                format!("{}: {way_out}", reason.why)
            }
            _ => return None,
        };
        Some(format!("{}: {why}", path.display()))
    };
    specs.iter().filter_map(told).collect()
}

/// Ends what an interrupted run left in these directories, of which some are only read. The files that it wrote.
pub(crate) fn complete(
    store: &Store,
    [written, read]: [&[Root]; 2],
    timeout: Duration,
    told: &mut Nodes,
    env: &mut Env<'_>,
) -> Result<Option<Vec<FileId>>, Stop> {
    let (written, read) = (there_of(store, written), there_of(store, read));
    let lock = store.lock_shared(&[&written[..], &read].concat())?;
    if !lock.has_left()? {
        return Ok(None);
    }
    drop(lock);
    let (_, recovered) = writer(store, [&written, &read], timeout, env)?;
    Ok(recovered.map(|recovered| {
        told.recovered(&recovered);
        recovered.finished
    }))
}

/// Those of the directories that are there.
pub(crate) fn there_of(store: &Store, roots: &[Root]) -> Vec<Root> {
    let roots = roots.iter().copied();
    roots.filter(|root| store.has(*root)).collect()
}
