//! What all nodes have alike, for a run over one of them: it signs, and some of it is copied there.

use crate::cmd::sequence::Judged;
use crate::diff::signed_for_all;
use crate::finding::Finding;
use crate::location::FileId;
use crate::observe::Seen;
use crate::observed::{Observed, Source};
use crate::plan::Found;
use crate::spec::Spec;

/// What signs for a tree that is one of many, and is kept for all of them.
#[derive(Clone, Copy)]
pub(crate) struct Kept<'a> {
    /// As it was found there.
    pub(crate) source: &'a Seen,
    /// What is in that place.
    pub(crate) specs: &'a [Spec],
    /// The certificates of CAs that the tree may have copies of.
    pub(crate) copies: &'a [Spec],
}

impl Kept<'_> {
    /// Takes out of `places` what is kept elsewhere; the copies that may be there.
    pub(crate) fn parted(&self, places: &mut Vec<Spec>) -> Vec<Spec> {
        let kept = self.specs.iter().chain(self.copies);
        let kept: Vec<FileId> = kept.flat_map(|spec| spec.place.files()).collect();
        places.retain(|place| !place.place.files().iter().any(|file| kept.contains(file)));
        self.copies.to_vec()
    }

    /// Holds the copies against what they are copies of, which signs.
    pub(crate) fn share(&self, seen: &mut Seen) {
        for copy in self.copies {
            seen.share(copy, self.source);
        }
        self.follow(seen);
        self.sign(seen);
    }

    /// What signs is kept in one place.
    pub(crate) fn sign(&self, seen: &mut Seen) {
        let kept = self.specs.iter();
        let kept = kept.filter_map(|spec| self.source.observed.get_key_value(&spec.name));
        seen.observed
            .extend(kept.map(|(name, found)| (name.clone(), found.clone())));
    }

    /// A kubeconfig that names a copy reads in it what the copy will hold.
    fn follow(&self, seen: &mut Seen) {
        for ca in self.specs {
            let public = ca.place.public();
            let lags = seen.observed.values().any(|found| match found {
                Observed::Shared(files) => files
                    .iter()
                    .any(|shared| shared.file == public && shared.lags()),
                _ => false,
            });
            let Some(Observed::Certificate { chain, .. }) = self.source.observed.get(&ca.name)
            else {
                continue;
            };
            for found in seen.observed.values_mut().filter(|_| lags) {
                if let Observed::Kubeconfig(found) = found
                    && found.sources[0] == Source::File(public.clone())
                {
                    found.authorities.clone_from(chain);
                }
            }
        }
    }

    pub(crate) fn signs(&self, leaf: &Spec) -> bool {
        self.specs.iter().any(|ca| is_signed_by(leaf, ca))
    }

    /// Those CAs that sign for one of these.
    pub(crate) fn issuers(&self, wanted: &[Spec]) -> Vec<Spec> {
        let signs = |ca: &&Spec| ca.is_ca() && wanted.iter().any(|spec| is_signed_by(spec, ca));
        self.specs.iter().filter(signs).cloned().collect()
    }
}

/// Whether it is signed by this CA.
pub(crate) fn is_signed_by(spec: &Spec, ca: &Spec) -> bool {
    let issuer = spec.certificate().and_then(|wanted| wanted.issuer.as_ref());
    issuer == Some(&ca.name)
}

/// Tells the ways out of who has many nodes, for which `kept` signs.
pub(crate) fn told_of_many(judged: &mut Judged, kept: &Found) {
    let (specs, found) = (&judged.specs, &judged.seen.observed);
    let of_all = |told: &mut Vec<Finding>| {
        *told = signed_for_all(std::mem::take(told), specs, found, kept);
    };
    match &mut judged.planning {
        Ok(plan) => {
            of_all(&mut plan.ground);
            for planned in &mut plan.steps {
                of_all(&mut planned.findings);
            }
        }
        Err(refusal) => of_all(&mut refusal.findings),
    }
}
