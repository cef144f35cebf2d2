//! What lies in a tree where no run writes: it is due as all else is, and stays.

use super::due::Due;
use super::renewal::{planned, skipped};
use super::{Planned, Planner, Step};
use crate::bundle::verifies;
use crate::diff::{Notice, authorities, end, reissue};
use crate::finding::{Code, Severity};
use crate::observed::{Observed, Source};
use crate::profile::renewal::certificate;
use crate::spec::Spec;

/// Why a run does not write there, and what can be done.
pub const NOT_WRITTEN: [&str; 2] = [
    "lies where no run writes",
    "call it NAME.crt, with NAME.key beside it, in the certificate directory, or NAME.conf beside admin.conf, in \
     letters, digits and . - _ @ + :",
];

impl Planner<'_> {
    /// One that a CA of the tree signed and whose key is here is told where it is due: what is wrong
    /// with it otherwise is no matter of a renewal. `--all` has no notice of its own.
    pub(super) fn loose(&self, spec: &Spec, due: &Due) -> Planned {
        let notice = match due {
            Due::Within(notice) => *notice,
            Due::All | Due::Named(_) => Notice::LEAF,
        };
        let observed = self.observed(spec);
        let authorities = authorities(spec, self.found);
        let entry = spec.place.entry();
        let keyed = match observed {
            Observed::Certificate { key, .. } => {
                let apart = entry.is_some_and(|entry| entry.certificate_file.is_some());
                key.is_some() && !apart
            }
            // What it names is a pair's, which is due by itself.
            Observed::Kubeconfig(found) => found.sources[1] == Source::Embedded,
            _ => false,
        };
        // No CA is below another of the tree.
        let ours = |ca| certificate(observed).is_some_and(|(leaf, _)| verifies(leaf, ca));
        let soon = end(spec, observed, authorities, self.now)
            .is_some_and(|end| end.is_due(notice, self.now));
        if !keyed || !soon || !authorities.iter().any(ours) {
            return planned(spec, Step::Keep, Vec::new());
        }
        if entry.is_some() {
            // What the run leaves for good is told as over, once it is.
            let mut over = self.judge(spec);
            over.retain(|finding| finding.code == Code::Expired);
            let text = "is due, and no run writes it: the current context of its kubeconfig does not name it";
            return skipped(spec, over, text, &reissue(spec, Severity::Warning));
        }
        let [why, way_out] = NOT_WRITTEN;
        skipped(spec, Vec::new(), &format!("is due, and {why}"), way_out)
    }
}
