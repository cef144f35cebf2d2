//! Kubeconfigs that name the files of a pair, and what becomes of one by a renewal of the other.

use super::{Planned, Planner, Renewal, Step};
use crate::diff::{diff_in, halving};
use crate::finding::{Code, Finding};
use crate::observed::{Observed, Parts, Source};
use crate::profile::found::is_of_service_accounts;
use crate::spec::{Place, Spec};

impl Planner<'_> {
    /// The pair whose certificate a kubeconfig names.
    pub(super) fn holder<'r>(&self, spec: &Spec, renewal: &'r Renewal) -> Option<&'r Spec> {
        let Observed::Kubeconfig(found) = self.observed(spec) else {
            return None;
        };
        let pair = |pair: &&Spec| {
            let file = Source::File(pair.place.public());
            let written = !matches!(pair.place, Place::File { .. }) || renewal.rotates(pair);
            found.sources[1] == file && written
        };
        renewal.there.iter().find(pair)
    }

    /// What is found of a kubeconfig once the pair is renewed that it names; none where that stays.
    pub(super) fn through(&self, spec: &Spec, renewal: &Renewal) -> Option<Vec<Finding>> {
        let holder = self.holder(spec, renewal)?;
        if !self.wanted.contains(holder) {
            return None;
        }
        // One that is named and refused refuses the run.
        let Ok(Planned {
            step, spec: new, ..
        }) = self.renewal(holder, renewal)
        else {
            return Some(Vec::new());
        };
        let same_key = matches!(step, Step::Reissue { .. });
        let after = self.after(holder, &new, self.observed(holder), same_key);
        let (false, Observed::Certificate { chain, .. }) = (step.keeps(), after) else {
            return None;
        };
        let mut observed = self.observed(spec).clone();
        if let Observed::Kubeconfig(found) = &mut observed {
            found.chain = chain;
        }
        let found = self.found;
        Some(diff_in(spec, &observed, found, self.trusted, self.now))
    }

    /// What a new key would part: tokens from what verifies them, or the halves in a kubeconfig that has only one of a
    /// pair's two files; what is told of the pair, and the way out.
    pub(super) fn parted(&self, spec: &Spec, renewal: &Renewal) -> Option<(String, String)> {
        if renewal.reuse_key {
            return None;
        }
        if is_of_service_accounts(&spec.name, self.observed(spec)) {
            let text = "is due, and its key signs the tokens of service accounts: with a new one every token that was \
                        issued would be void";
            let way_out = "renew it for the same key (--reuse-key)";
            return Some((text.to_owned(), way_out.to_owned()));
        }
        let kubeconfig = &halving(spec, self.kubeconfigs).next()?.shown;
        let text = format!(
            "is due, and {kubeconfig} names one of its two files: with a new key it would be left with half"
        );
        let way_out = format!(
            "renew it for the same key (--reuse-key), or have {kubeconfig} name both files"
        );
        Some((text, way_out))
    }

    /// The same of a pair that is to be made anew. A kubeconfig that the run makes anew has no half, but for
    /// its other users, who stay in it.
    pub(super) fn halved(&self, spec: &Spec) -> Option<Finding> {
        let stays = |kubeconfig: &&Parts| {
            if kubeconfig.entry.is_some() {
                return true;
            }
            let mut own = self
                .wanted
                .iter()
                .filter(|own| own.place.public() == kubeconfig.file);
            !own.any(|own| self.step(own).is_ok_and(|planned| !planned.step.keeps()))
        };
        let kubeconfig = &halving(spec, self.kubeconfigs).find(stays)?.shown;
        let text = format!(
            "would get a new key, and {kubeconfig} names one of its two files: it would be left with half"
        );
        let way_out = format!("have {kubeconfig} name both files, or hold both itself");
        Some(spec.finding(Code::HalvedPair, text, way_out))
    }
}
