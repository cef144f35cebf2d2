//! Whom kubeconfigs trust while a CA is replaced: what a stage brings in line, and what it cannot.

use super::loose::written;
use super::telling::planned;
use super::turn::{Goal, Turn, then};
use super::{Planned, Planner, Step};
use crate::bundle::Exchange;
use crate::diff::{NOT_WRITTEN, file, generations, trusted};
use crate::finding::{Code, Finding};
use crate::observed::{Observed, Source};
use crate::profile::{CLUSTER, Signer};
use crate::spec::{Content, Spec};
use crate::x509::cert::Certificate;

impl Planner<'_> {
    /// One beside those that are brought to the stage, and an entry beside the current one: what it trusts is brought in
    /// line where a run writes, and told where none does.
    pub(super) fn following(&self, spec: &Spec, turn: &Turn) -> Option<Planned> {
        let there = generations(turn.row, self.found).ok()?;
        let then = if turn.back {
            Some(self.then_back(turn, &there))
        } else {
            let turned = turn.goal.turned(there.stage)?;
            then(&there, turn.row, self.found, turned)
        };
        let then = then.as_deref();
        if let Observed::Lead(lead) = self.observed(spec)
            && let Some(to) = lead.to.as_ref().ok().filter(|to| to.embeds_authorities())
            && let Some(mut written) = written(spec, to)
        {
            // That of another entry is told of that one.
            if let Content::Certificate(wanted) = &mut written.content {
                wanted.issuer = Some(turn.row.name.to_owned());
            }
            let follows = self.trusts_otherwise(spec, turn, then);
            return follows.then(|| planned(&written, Step::Refresh, Vec::new()));
        }
        let told = self
            .trusts_unknown(spec, turn)
            .or_else(|| self.trusts_apart(spec, turn, then))?;
        Some(planned(spec, Step::Keep, vec![told]))
    }

    /// What is told of one of which nobody can tell whether it trusts the CA: what it names is on another machine, or cannot
    /// be read. Another entry than the current one is another cluster's as like as not.
    fn trusts_unknown(&self, spec: &Spec, turn: &Turn) -> Option<Finding> {
        let Observed::Lead(lead) = self.observed(spec) else {
            return None;
        };
        let cluster = matches!(CLUSTER, Signer::Ca(ca) if ca == turn.row.name);
        if !cluster || turn.back || spec.place.entry().is_some() {
            return None;
        }
        let why = match &lead.to {
            Err(why) => why.why.clone(),
            Ok(to) if to.authorities.is_empty() && to.source.is_some() => {
                "the file that it names for its CA certificates is not here".to_owned()
            }
            Ok(_) => return None,
        };
        Some(spec.finding(
            Code::NotLookedAt,
            format!("stays as it is, and whether it trusts this CA nobody can tell: {why}"),
            format!(
                "if it does, put the certificates of {} there before the last stage",
                turn.row.stored.public()
            ),
        ))
    }

    fn trusted(&self, spec: &Spec, turn: &Turn) -> Option<(&[Certificate], &Source)> {
        trusted(spec, self.observed(spec), self.found, turn.row.name)
    }

    /// What a kubeconfig holds itself that trusts this CA.
    pub(super) fn held(&self, spec: &Spec, turn: &Turn) -> Option<&[Certificate]> {
        let (held, source) = self.trusted(spec, turn)?;
        (*source == Source::Embedded).then_some(held)
    }

    /// Whether a kubeconfig holds other certificates of this CA than its file will.
    pub(super) fn trusts_otherwise(
        &self,
        spec: &Spec,
        turn: &Turn,
        then: Option<&[Certificate]>,
    ) -> bool {
        let Some(held) = self.held(spec, turn) else {
            return false;
        };
        let former = file(Some(turn.row.name), self.found);
        // What is yet to be made nobody holds.
        let Some(now) = then else {
            return true;
        };
        let then = Exchange { former, now }.of(held);
        then.is_some_and(|then| !alike(held, &then))
    }

    /// The same of one that is written by a stage, where that does not write what it trusts: in a file that it names.
    pub(super) fn trusts_by_file(
        &self,
        spec: &Spec,
        turn: &Turn,
        then: Option<&[Certificate]>,
    ) -> Option<Finding> {
        self.held(spec, turn)
            .is_none()
            .then(|| self.trusts_apart(spec, turn, then))?
    }

    /// What is told of CA certificates that no stage writes: whoever uses them would be cut off with the CA that goes, or go
    /// on trusting it.
    fn trusts_apart(
        &self,
        spec: &Spec,
        turn: &Turn,
        then: Option<&[Certificate]>,
    ) -> Option<Finding> {
        // Who does not follow a step back is told of by that.
        let (held, source) = self.trusted(spec, turn).filter(|_| !turn.back)?;
        let present = file(Some(turn.row.name), self.found);
        let file = turn.row.stored.public();
        // What the CA's own file holds is seen to with that.
        if matches!(source, Source::File(named) if *named == file) {
            return None;
        }
        let lacks = then.is_none_or(|then| !then.iter().all(|ca| held.contains(ca)));
        let former =
            |ca: &Certificate| then.is_some_and(|then| present.contains(ca) && !then.contains(ca));
        let both = held.iter().any(former);
        if !lacks && !both {
            return None;
        }
        let refused = lacks && turn.goal == Goal::Drop;
        let (code, text, way_out) = if *source == Source::Embedded {
            let refresh = "'certs kubeconfig refresh FILE'";
            let (what, way_out) = if refused {
                let more =
                    "puts the certificates of the CA there, or move it away if nobody uses it";
                ("lacks the CA that stays", format!("{refresh} {more}"))
            } else if lacks {
                let more = "once this is done: without that the last stage is refused";
                (
                    "trusts the CA that is replaced",
                    format!("{refresh} {more}"),
                )
            } else {
                let more = "once this is done";
                ("holds the former CA still", format!("{refresh} {more}"))
            };
            (
                Code::NotRenewed,
                format!("{what}, and {}", NOT_WRITTEN[0]),
                way_out,
            )
        } else {
            let put = format!("put the certificates of {file} into that file");
            let (what, way_out) = if refused {
                (
                    "trusts by a file that it names, and what is in that is nobody's once the former CA is gone",
                    format!("{put}, and restart who reads it"),
                )
            } else if lacks {
                (
                    "names a file for its CA certificates, and no stage writes there",
                    format!("{put} once this is done: without them the last stage is refused"),
                )
            } else {
                (
                    "names a file for its CA certificates, which holds the former CA still",
                    format!("{put} once this is done"),
                )
            };
            (Code::TrustFile, what.to_owned(), way_out)
        };
        let code = if refused { Code::NotRotated } else { code };
        Some(spec.finding(code, text, way_out))
    }
}

/// Whether these are the same certificates: their order is no matter.
pub(super) fn alike(held: &[Certificate], then: &[Certificate]) -> bool {
    held.len() == then.len() && then.iter().all(|ca| held.contains(ca))
}
