//! Runs a plan: keys in parallel, certificates in issue order, one commit.

mod ahead;
mod files;
mod renewal;
mod request;
mod restore;
mod turning;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::bundle::{anchors, chain};
use crate::diff::End;
use crate::issue::{self, Issued, Issuer};
use crate::key::{self, KeyAlgorithm, PrivateKey, PublicKey};
use crate::location::Owner;
use crate::observe::Seen;
use crate::observed::{Ahead, Observed};
use crate::plan::{Plan, Planned, Step};
use crate::profile::API_SERVER;
use crate::profile::rotation::waits_for;
use crate::spec::{CertificateSpec, Content, Place, Spec};
use crate::store::Change;
use crate::x509::cert::Certificate;
use crate::x509::request::Request;
use crate::x509::serial::Serial;

pub use restore::restore;

/// Modes of new files, as kubeadm sets them; sa.pub is written by its writer of keys.
const CERTIFICATE_MODE: u32 = 0o644;
const PRIVATE_MODE: u32 = 0o600;

/// What a plan comes to, ready to be committed.
pub struct Prepared {
    /// The files.
    pub changes: Vec<Change>,
    /// The certificates issued, by their spec's name.
    pub issued: BTreeMap<String, Certificate>,
    /// What the CAs come to, for whoever has them before this is committed.
    ahead: Ahead,
}

/// Generates the keys and issues the certificates of a plan. Nothing is written.
pub fn prepare(plan: &Plan, seen: &Seen, owner: Owner, now: OffsetDateTime) -> Result<Prepared> {
    prepare_on(workers(), plan, seen, owner, now)
}

/// The same on the thread that it is called on, for who prepares many at once.
pub fn prepare_alone(
    plan: &Plan,
    seen: &Seen,
    owner: Owner,
    now: OffsetDateTime,
) -> Result<Prepared> {
    prepare_on(1, plan, seen, owner, now)
}

fn prepare_on(
    workers: usize,
    plan: &Plan,
    seen: &Seen,
    owner: Owner,
    now: OffsetDateTime,
) -> Result<Prepared> {
    let fresh: Vec<&Planned> = plan
        .steps
        .iter()
        .filter(|planned| makes_key(planned, seen))
        .collect();
    let algorithms: Vec<KeyAlgorithm> = fresh
        .iter()
        .map(|planned| planned.spec.key_algorithm())
        .collect();
    let keys = generate(&algorithms, workers)?;
    let mut keys: BTreeMap<&str, Arc<PrivateKey>> = fresh
        .iter()
        .map(|planned| planned.spec.name.as_str())
        .zip(keys.into_iter().map(Arc::new))
        .collect();
    let mut preparation = Preparation {
        plan,
        seen,
        owner,
        now,
        changes: Vec::new(),
        requests: Vec::new(),
        issued: BTreeMap::new(),
        cas: BTreeMap::new(),
        served: None,
        renewed: Vec::new(),
        crossed: seen.crossed.clone(),
        waiting: None,
        dropped: Vec::new(),
    };
    if let Some(ahead) = &seen.ahead {
        preparation.crossed.clone_from(&ahead.crossed);
        preparation.dropped.clone_from(&ahead.dropped);
    }
    for (pair, planned) in plan.steps.iter().enumerate() {
        match &planned.step {
            Step::Asked | Step::Keep | Step::Skip => {}
            Step::Import => preparation.import(pair, &planned.spec)?,
            Step::Request { .. } => {
                let new = keys.remove(planned.spec.name.as_str());
                preparation.ask(pair, &planned.spec, new.as_ref())?;
            }
            Step::Derive => preparation.derive(pair, &planned.spec)?,
            Step::Create | Step::Replace { .. } if !makes_key(planned, seen) => {
                if planned.spec.credential_files().is_some() {
                    preparation.refer(pair, &planned.spec)?;
                } else {
                    preparation.give(pair, &planned.spec)?;
                }
            }
            Step::Create | Step::Replace { .. } => {
                let key = keys
                    .remove(planned.spec.name.as_str())
                    .context("no key was generated")?;
                preparation.make(pair, &planned.spec, &key)?;
            }
            Step::Refresh => preparation.refresh(pair, &planned.spec)?,
            Step::Reissue { .. } => preparation.reissue(pair, &planned.spec)?,
            Step::Remove => preparation.take_away(pair, &planned.spec),
            Step::Turn(turned) => preparation.turn(pair, &planned.spec, *turned)?,
        }
    }
    preparation.tell_of_requests()?;
    let cas = preparation.cas.into_iter();
    Ok(Prepared {
        changes: preparation.changes,
        issued: preparation.issued,
        ahead: Ahead {
            files: BTreeMap::new(),
            cas: cas.map(|(name, ca)| (name.to_owned(), ca)).collect(),
            crossed: preparation.crossed,
            dropped: preparation.dropped,
        },
    })
}

/// What names files has its key there, and what another machine asked for has it on that machine.
fn makes_key(planned: &Planned, seen: &Seen) -> bool {
    if let Step::Request { .. } = planned.step {
        return seen
            .observed
            .get(&planned.spec.name)
            .is_none_or(Observed::is_absent);
    }
    let elsewhere = matches!(
        seen.observed.get(&planned.spec.name),
        Some(Observed::Copy { .. } | Observed::Request { .. } | Observed::Shared(_))
    );
    matches!(planned.step, Step::Create | Step::Replace { .. })
        && planned.spec.credential_files().is_none()
        && !matches!(planned.spec.place, Place::Request { .. })
        && !elsewhere
}

fn workers() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// One key an algorithm, on this many threads.
fn generate(algorithms: &[KeyAlgorithm], workers: usize) -> Result<Vec<PrivateKey>> {
    let make = |index: usize| PrivateKey::generate(algorithms[index]).context("generate a key");
    on(workers, algorithms.len(), make).into_iter().collect()
}

/// What `work` makes of each number below `count`, in their order, on all cores.
pub fn each<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    on(workers(), count, work)
}

fn on<T: Send>(workers: usize, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let mut made = Vec::new();
    made.resize_with(count, || None);
    let made = Mutex::new(made);
    spread(workers, count, &|index| {
        let one = work(index);
        made.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(one);
    });
    let made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.into_iter().flatten().collect()
}

/// An RSA key takes a time that varies tenfold, so each thread takes the next number when it is done.
fn spread(workers: usize, count: usize, work: &(dyn Fn(usize) + Sync)) {
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            work(index);
        }
    };
    thread::scope(|scope| {
        // This thread is one of them: where the system grants no more, it does all.
        for _ in 1..workers.min(count) {
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
}

struct Preparation<'a> {
    plan: &'a Plan,
    seen: &'a Seen,
    owner: Owner,
    now: OffsetDateTime,
    changes: Vec<Change>,
    /// The requests made in this run.
    requests: Vec<(&'a Spec, Request)>,
    issued: BTreeMap<String, Certificate>,
    /// What the files of the CAs made in this run hold, and their keys.
    cas: BTreeMap<&'a str, (Vec<Certificate>, Arc<PrivateKey>)>,
    /// The certificates of the API server's file, if this run writes it.
    served: Option<Vec<Certificate>>,
    /// The CA certificates renewed in this run, the former and the new one.
    renewed: Vec<(Certificate, Certificate)>,
    /// The CA that came to sign in this run or before it, as the one before it signed it: for who trusts that alone.
    crossed: Option<Certificate>,
    /// The key pair that was made in this run to take another's place.
    waiting: Option<Arc<PrivateKey>>,
    /// The CA whose former generation went in this run.
    dropped: Vec<Certificate>,
}

impl<'a> Preparation<'a> {
    fn make(&mut self, pair: usize, spec: &'a Spec, key: &Arc<PrivateKey>) -> Result<()> {
        match &spec.content {
            // What waits is published in the file of what it waits for.
            Content::KeyPair(_) if waits_for(&spec.place.key()).is_some() => {
                self.private_key(pair, &spec.place, key);
                self.waiting = Some(Arc::clone(key));
            }
            Content::KeyPair(_) => {
                self.private_key(pair, &spec.place, key);
                self.public_key(pair, &spec.place, key);
            }
            Content::Certificate(certificate) => {
                let issued = self
                    .issue(certificate, key)
                    .with_context(|| format!("issue {}", spec.name))?;
                let made = issued.certificate();
                if spec.is_ca() {
                    let file = (vec![made.clone()], Arc::clone(key));
                    self.cas.insert(&spec.name, file);
                }
                self.issued.insert(spec.name.clone(), made.clone());
                if certificate.kept.is_some() {
                    self.place_again(pair, spec, made, Some(key))?;
                } else {
                    self.place(pair, spec, made, key)?;
                }
            }
        }
        Ok(())
    }

    /// sa.pub from sa.key.
    fn derive(&mut self, pair: usize, spec: &Spec) -> Result<()> {
        let Some(Observed::KeyPair { key, .. }) = self.seen.observed.get(&spec.name) else {
            bail!("{} has no private key", spec.name);
        };
        let key = key.open().context("the private key is not open")?;
        self.public_key(pair, &spec.place, key);
        Ok(())
    }

    /// The certificate that another machine asked for, or the CA's for it.
    fn give(&mut self, pair: usize, spec: &Spec) -> Result<()> {
        let file = match self.seen.observed.get(&spec.name) {
            Some(Observed::Copy { of, .. }) => of.clone(),
            Some(Observed::Shared(files)) => return self.share(pair, spec, files),
            Some(Observed::Request { request, .. }) => {
                let wanted = spec
                    .certificate()
                    .context("a request is for a certificate")?;
                let issued = self
                    .leaf(wanted, &request.public_key)
                    .with_context(|| format!("issue {}", spec.name))?;
                let leaf = issued.certificate().clone();
                self.issued.insert(spec.name.clone(), leaf.clone());
                let ca = wanted.issuer.as_deref().unwrap_or_default();
                let pool = self.authorities(ca)?;
                self.with_crossed(spec, chain(&leaf, &pool, self.now), &pool)
            }
            _ => bail!("{} was not asked for", spec.name),
        };
        self.certificates(pair, spec, &file);
        Ok(())
    }

    fn issue(&self, spec: &CertificateSpec, key: &PrivateKey) -> Result<Issued> {
        if spec.issuer.is_some() {
            return self.leaf(spec, key.public_key());
        }
        let validity = issue::validity(spec, None, self.now)?;
        issue::root(spec, key, serial()?, validity)
    }

    fn leaf(&self, spec: &CertificateSpec, public_key: &PublicKey) -> Result<Issued> {
        let ca = spec.issuer.as_deref().context("a leaf has an issuer")?;
        let (chain, ca_key) = self.ca(ca)?;
        let certificate = of_key(&chain, &ca_key)?;
        let end = End::of_ca(certificate, &chain, self.now);
        let validity = issue::validity(spec, Some(end), self.now)?;
        let issuer = Issuer {
            certificate,
            key: &ca_key,
        };
        issue::leaf(spec, public_key, issuer, serial()?, validity)
    }

    /// The certificates and the key of a CA, made in this run or found.
    fn ca(&self, name: &str) -> Result<(Vec<Certificate>, Arc<PrivateKey>)> {
        if let Some((chain, key)) = self.come(name) {
            return Ok((chain.clone(), Arc::clone(key)));
        }
        match self.seen.observed.get(name) {
            Some(Observed::Certificate {
                chain,
                key: Some(key),
                ..
            }) => {
                let key = key.open().context("the CA's key is not open")?;
                Ok((chain.clone(), Arc::clone(key)))
            }
            _ => bail!("the CA {name} is not there"),
        }
    }

    /// The certificates of a CA, made in this run or found.
    fn authorities(&self, name: &str) -> Result<Vec<Certificate>> {
        if let Some((chain, _)) = self.come(name) {
            return Ok(chain.clone());
        }
        match self.seen.observed.get(name) {
            Some(Observed::Certificate { chain, .. }) => Ok(chain.clone()),
            Some(Observed::Returned(returned)) => Ok(returned.chain.clone()),
            _ => bail!("the CA {name} is not there"),
        }
    }

    /// Those of a CA that a kubeconfig is to trust.
    fn trusted(&self, ca: &str) -> Result<Vec<Certificate>> {
        let there = match self.seen.observed.get(API_SERVER) {
            Some(Observed::Certificate { chain, .. }) => chain,
            _ => &[][..],
        };
        let served = self.served.as_deref().unwrap_or(there);
        Ok(anchors(&self.authorities(ca)?, served))
    }
}

/// Of a bundle the one of the key, which need not be the first.
fn of_key<'a>(chain: &'a [Certificate], key: &PrivateKey) -> Result<&'a Certificate> {
    let mut own = chain.iter();
    own.find(|one| one.public_key == *key.public_key())
        .context("the CA's file holds no certificate of the CA's key")
}

fn serial() -> Result<Serial> {
    let mut random = [0; 20];
    key::random(&mut random)?;
    Ok(Serial::new(random))
}

fn pem(certificates: &[Certificate]) -> String {
    certificates.iter().map(Certificate::to_pem).collect()
}

fn octets(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests;
