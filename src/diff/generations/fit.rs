//! Whether a generation can be replaced, and another can take its place.

use time::{Duration, OffsetDateTime};

use super::{Generations, Held, Stage, hindered, moved};
use crate::finding::Finding;
use crate::profile::Profile;
use crate::profile::rotation;
use crate::x509::cert::Certificate;
use crate::x509::validity::moment;

/// A replacement takes days: what is to be replaced must last for them.
const DAYS: Duration = Duration::days(30);

/// What keeps a CA from signing whatever a cluster needs.
pub(crate) const BOUND: &str = "it is held back by name constraints, a path length or extended key usages, by which nothing is issued here";

/// Whether something does.
pub(crate) fn is_bound(ca: &Certificate) -> bool {
    let path_length = ca.basic_constraints.and_then(|basic| basic.path_length);
    ca.name_constraints.is_some() || !ca.extended_key_usage.is_empty() || path_length.is_some()
}

impl Generations<Held> {
    /// Why what waits is not to take its place: certs issues by no bounds, and all that it signs ends with it.
    pub fn not_fit(&self, row: &Profile, now: OffsetDateTime) -> Option<Finding> {
        let next = self.next.as_ref()?.certificate()?;
        let waiting = rotation::place(row).public();
        let away = &format!("{}, or put another one there", moved(row));
        if is_bound(next) {
            let text = format!("cannot be replaced by what waits in {waiting}: {BOUND}");
            return Some(hindered(row, &text, away));
        }
        let end = next.validity.not_after;
        (end - now < DAYS).then(|| {
            let text = format!(
                "cannot be replaced by what waits in {waiting}: that ends on {}",
                moment(end)
            );
            hindered(row, &text, away)
        })
    }

    /// Why a further key cannot be told to be the next or the former one, where no run made the one that signs take its
    /// place, `issued`: tokens of the next one would be refused once that is taken out.
    pub(super) fn untold(&self, row: &Profile, issued: bool) -> Option<Finding> {
        let (Stage::Issue, Held::Key(_), false) = (self.stage, &self.present, issued) else {
            return None;
        };
        let waits = rotation::place(row).key();
        let text = format!(
            "holds \"{}\" too, and neither {waits} nor a run of 'issue' tells here whether that is the next one",
            self.others.first()?.shown()
        );
        let way_out = format!(
            "see what 'certs rotate status' tells of it on the other control planes: copy {waits} from where it waits, {} and \
             {} from where it signs, the latter from where it was dropped; if none knows it, take it out",
            row.stored.key(),
            row.stored.public()
        );
        Some(hindered(row, &text, &way_out))
    }

    /// Why the next generation cannot be brought in beside this one.
    pub fn not_begun(&self, row: &Profile, now: OffsetDateTime) -> Option<Finding> {
        if let Some(other) = self.others.first() {
            let text = format!(
                "holds \"{}\" too: the last stage would take that out with the former one",
                other.shown()
            );
            return Some(hindered(row, &text, "take it out until then"));
        }
        let ca = self.present.certificate()?;
        let end = ca.validity.not_after;
        (end - now < DAYS).then(|| {
            let text = format!(
                "ends on {}, and must last for as long as its replacement takes: {} days at least",
                moment(end),
                DAYS.whole_days()
            );
            let way_out = format!(
                "renew it first, with the same key: 'certs renew {}'",
                row.name
            );
            hindered(row, &text, &way_out)
        })
    }
}
