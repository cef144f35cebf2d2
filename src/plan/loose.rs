//! What lies in a tree and is not written by a run: it is due as all else is, and stays.

use super::telling::{planned, skipped};
use super::{Due, Force, Found, Planned, Planner, Policy, Step};
use crate::bundle::verifies;
use crate::diff::{
    NOT_WRITTEN, Notice, authorities, by_former, end, is_signed_elsewhere, lasting, reissue,
    superseded,
};
use crate::finding::{Code, Finding, Severity};
use crate::location::Root;
use crate::observed::{Destination, Ground, Observed, Source};
use crate::profile::found::others;
use crate::profile::renewal::certificate;
use crate::spec::{Place, Spec};
use time::OffsetDateTime;

/// What of `specs` is due and is not written, with what is told of it, and what trusts one of `cas` by a certificate that
/// is not its present one. Nothing of it hinders a renewal; of a stage of a replacement, what would be cut off does.
pub fn left(
    specs: &[Spec],
    cas: &[Spec],
    found: &Found,
    ground: &Ground,
    policy: Policy<'_>,
    now: OffsetDateTime,
) -> Vec<Planned> {
    let planner = Planner::new(specs, cas, found, ground, policy, now);
    let told = specs.iter().filter_map(|spec| {
        let lying = planner.lying(spec);
        match (lying, planner.trusting(spec)) {
            (Some(mut due), Some(trusting)) => {
                due.findings.extend(trusting.findings);
                Some(due)
            }
            (lying, trusting) => lying.or(trusting),
        }
    });
    told.collect()
}

impl Planner<'_> {
    /// A kubeconfig that a run writes has the present certificate of its CA put there; of each other one it is told.
    fn trusting(&self, spec: &Spec) -> Option<Planned> {
        match self.policy.force {
            Force::Renew(_) => {}
            Force::Turn(turn) => return self.following(spec, turn),
            _ => return None,
        }
        let observed = self.observed(spec);
        let (held, written) = match observed {
            Observed::Kubeconfig(found) if found.embeds_authorities() => (&found.authorities, None),
            Observed::Lead(lead) => {
                let to = lead.to.as_ref().ok().filter(|to| to.embeds_authorities())?;
                (&to.authorities, written(spec, to))
            }
            _ => return None,
        };
        if !self.is_stale(spec, held) {
            return None;
        }
        if let Some(written) = written {
            return Some(planned(&written, Step::Refresh, Vec::new()));
        }
        let former = by_former(spec, observed, held, self.found)?;
        Some(planned(spec, Step::Keep, vec![former]))
    }

    /// One that a CA of the tree signed and whose key is here is told where it is due: what is wrong
    /// with it otherwise is no matter of a renewal. With `--all` each is told: what is due by the notice of its own that
    /// `--all` has not.
    fn lying(&self, spec: &Spec) -> Option<Planned> {
        if let Force::Turn(turn) = self.policy.force {
            return self.behind(spec, turn);
        }
        let mut all = false;
        let notice = match self.policy.force {
            Force::Ask(asking) => asking.notice,
            Force::Renew(renewal) => match renewal.due {
                Due::Also(_, notice) | Due::Within(notice) => notice,
                Due::All => {
                    // What a kubelet keeps it rotates itself.
                    all = spec.place.public().root != Root::Kubelet;
                    Notice::LEAF
                }
                Due::Named(_) => return None,
            },
            _ => return None,
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
        if !keyed || !(all || soon) || !authorities.iter().any(ours) {
            return None;
        }
        // What the run leaves for good is told as over, once it is.
        let mut over = self.judge(spec);
        over.retain(|finding| finding.code == Code::Expired);
        let (why, way_out) = self.why_left(spec);
        for finding in &mut over {
            finding.way_out.clone_from(&way_out);
        }
        let text = if soon {
            format!("is due, and {why}")
        } else {
            why.to_owned()
        };
        let mut left = skipped(spec, over, &text, &way_out);
        for finding in &mut left.findings {
            superseded(finding, spec, self.found);
        }
        // One of which the newer is in its place is not to be renewed.
        let over = |told: &Finding| told.code == Code::Superseded;
        if left.findings.iter().any(over) {
            left.step = Step::Keep;
            left.findings.retain(over);
        }
        Some(left)
    }

    fn why_left(&self, spec: &Spec) -> (&'static str, String) {
        let asks = matches!(self.policy.force, Force::Ask(_));
        if spec.place.entry().is_some() {
            let why = "no run writes it: the current context of its kubeconfig does not name it";
            return (why, reissue(spec, Severity::Warning));
        }
        let why = if asks {
            "csr asks for no identity of one's own"
        } else {
            NOT_WRITTEN[0]
        };
        let way_out = if asks && is_signed_elsewhere(spec, self.found) {
            "make the request with its key, as docs/external-ca.md tells".to_owned()
        } else {
            lasting(spec, self.found)
        };
        (why, way_out)
    }
}

/// As it is written, where its place is one in which a run writes kubeconfigs.
pub(super) fn written(spec: &Spec, to: &Destination) -> Option<Spec> {
    let file = spec.place.public();
    // None is written in a folder beside the rows'.
    if file.name.contains('/') {
        return None;
    }
    let called = others(&[file]).pop()?;
    let Place::Kubeconfig {
        file, credentials, ..
    } = called.place
    else {
        return None;
    };
    Some(Spec {
        place: Place::Kubeconfig {
            file,
            cluster: to.cluster.clone(),
            user: String::new(),
            server: to.server.clone(),
            or_server: None,
            credentials,
        },
        ..spec.clone()
    })
}
