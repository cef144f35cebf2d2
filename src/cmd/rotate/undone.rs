//! What would be cut off by a step back, which is refused for it.

use super::tree::Tree;
use crate::bundle::verifies;
use crate::cmd::Stop;
use crate::cmd::entries::entries;
use crate::cmd::there::{self, Lying};
use crate::diff::{Held, generations, over_all, trusted};
use crate::finding::{Code, Finding};
use crate::location::{FileId, Owner};
use crate::observe::{Passphrases, survey};
use crate::observed::Source;
use crate::plan::Goal;
use crate::profile::Profile;
use crate::profile::renewal::certificate;
use crate::store::{self, Backup};
use crate::x509::cert::Certificate;

impl Tree<'_> {
    /// What the next generation of this signed already, as somebody may have it do.
    pub(super) fn signed_by_next(
        &self,
        row: &'static Profile,
        passphrases: &Passphrases,
    ) -> Result<Vec<Finding>, Stop> {
        let of_row = self.look(row, passphrases);
        let next = generations(row, &of_row.observed)
            .ok()
            .and_then(|there| there.next);
        match next.as_ref().and_then(Held::certificate) {
            Some(next) => self.signed_by(next),
            None => Ok(Vec::new()),
        }
    }

    /// The kubeconfigs that do not trust the CA of the row which signs `again` after a step back from where the next one does,
    /// and stay so: what is put back is that of a `run` in the backups.
    pub(super) fn trusts_no_more(
        &self,
        row: &Profile,
        again: &Certificate,
        run: Option<&Backup>,
    ) -> Result<Vec<Finding>, Stop> {
        let (mut places, _) = there::places(self.store, self.roots);
        let lying = Lying::of(self.store, &places, self.roots);
        let mut seen = there::whole(&mut places, &lying, self.store);
        let mut specs = there::specs(places, &seen.observed, None, self.host)?;
        specs.extend(entries(&specs, &mut seen, self.store, self.host));
        let put_back = |file: &FileId| {
            let mut files = run.iter().flat_map(|run| &run.files);
            files.any(|changed| changed.file == *file)
        };
        let told = specs.iter().filter_map(|spec| {
            let observed = seen.observed.get(&spec.name)?;
            let (held, source) = trusted(spec, observed, &seen.observed, row.name)?;
            let changes = match source {
                Source::Elsewhere => false,
                Source::Embedded => put_back(&spec.place.public()),
                Source::File(file) => put_back(file),
            };
            if changes || held.iter().any(|ca| ca.is_same_ca(again)) {
                return None;
            }
            let (why, way_out) = if *source != Source::Embedded {
                let file = row.stored.public();
                let way_out = format!(
                    "put the certificates of {file} into the file that it names, as they are before this step, and restart who \
                     reads it"
                );
                ("nothing is put back of what it trusts by", way_out)
            } else if run.is_some() {
                let way_out = "'certs kubeconfig refresh FILE' puts that one there too, before this step";
                ("it is not put back", way_out.to_owned())
            } else {
                let mut way_out =
                    format!("'{}' ends the replacement instead", Goal::Drop.command(row));
                over_all(&mut way_out);
                ("there is no backup to put back", way_out)
            };
            let text = format!(
                "does not trust \"{}\", which signs again after this step, and {why}",
                again.subject
            );
            Some(spec.finding(Code::NotRotated, text, way_out))
        });
        Ok(told.collect())
    }

    /// What this CA signed, which is to go.
    pub(super) fn signed_by(&self, next: &Certificate) -> Result<Vec<Finding>, Stop> {
        let (places, _) = there::places(self.store, self.roots);
        let seen = survey(&places, self.store, store::trusted_users(Owner::default()));
        let specs = there::specs(places, &seen.observed, None, self.host)?;
        let by_next = specs.iter().filter(|spec| {
            let observed = seen.observed.get(&spec.name);
            let leaf = observed.and_then(certificate).map(|(leaf, _)| leaf);
            leaf.is_some_and(|leaf| !leaf.is_ca() && verifies(leaf, next))
        });
        let told = by_next.map(|spec| {
            let text = format!(
                "was signed by \"{}\", which goes with this step",
                next.subject
            );
            let way_out = format!(
                "'certs renew {}' has it issued anew by the present CA, or take it away",
                spec.name
            );
            spec.finding(Code::NotRotated, text, way_out)
        });
        Ok(told.collect())
    }
}
