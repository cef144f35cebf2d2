//! What the backups tell of a replacement: which runs were over it, and where a former key is still.

use super::tree::Tree;
use super::{VERB, command};
use crate::cmd::Stop;
use crate::diff::{Generations, Held, Stage};
use crate::key::{PrivateKey, PublicKey, sha256};
use crate::observe::former;
use crate::plan::Goal;
use crate::profile::rotation::place;
use crate::profile::{Kind, Profile};
use crate::rollback::Created;
use crate::store::Backup;
use crate::x509::cert::Certificate;

impl Tree<'_> {
    /// Backups that hold a former key of this, which is to be nowhere: of runs that put another file in its place.
    pub(super) fn former_keys(&self, row: &Profile) -> Result<Vec<String>, Stop> {
        let there = self.store.read(&row.stored.key()).ok().flatten();
        let present = there.and_then(|there| key_of(&there.bytes));
        // What a stage or a step back left goes or stays by its fate.
        let of_rotation = |run: &Backup| run.origin.command.starts_with(&format!("{VERB}-"));
        self.other_keys(row, present.as_ref(), |run| !of_rotation(run))
    }

    /// The same of a tree in which no run writes any more, and its own file, where that is not the `present` one.
    pub(super) fn left_keys(
        &self,
        row: &Profile,
        present: Option<&PublicKey>,
    ) -> Result<(Vec<String>, Option<String>), Stop> {
        let file = row.stored.key();
        let held = self.other_keys(row, present, |_| true)?;
        let there = self.store.read(&file).ok().flatten();
        let former = there.is_some_and(|there| key_of(&there.bytes).as_ref() != present);
        let own = former.then(|| self.store.path(&file).display().to_string());
        Ok((held, own))
    }

    /// The copies of its key in backups of these runs that are not the `present` one.
    fn other_keys(
        &self,
        row: &Profile,
        present: Option<&PublicKey>,
        of: impl Fn(&Backup) -> bool,
    ) -> Result<Vec<String>, Stop> {
        let file = row.stored.key();
        let mut held = Vec::new();
        for run in self.store.backups(self.roots)?.runs {
            let mut files = run.files.iter();
            if !of(&run) || !files.any(|changed| changed.file == file && changed.copied) {
                continue;
            }
            let copies = former(&run, self.store, Created::Leave).copies;
            let Some(copy) = copies.get(&file) else {
                continue;
            };
            // One that is encrypted may be any.
            let same = present.is_some() && key_of(&copy.bytes).as_ref() == present;
            if !same {
                let backups = self.store.path(&self.store.backups_in(file.root));
                let folder = backups.join(run.transaction.to_string());
                held.push(folder.join(&file.name).display().to_string());
            }
        }
        Ok(held)
    }

    /// Whether the last run over a replacement of this was that of `stage`: no file but a backup's list tells.
    pub(super) fn last_was(&self, row: &Profile, stage: &str) -> Result<bool, Stop> {
        let runs = self.store.backups(self.roots)?.runs;
        let of_row = command(row, "");
        let mut commands = runs.iter().map(|run| &run.origin.command);
        let last = commands.find(|command| command.starts_with(&of_row));
        Ok(last == Some(&command(row, stage)))
    }

    /// What waited to take its place and was taken away, the last first, as the backups tell.
    pub(super) fn taken(&self, row: &Profile) -> Result<Vec<Held>, Stop> {
        let is_key = row.kind == Kind::KeyPair;
        let place = place(row);
        let file = if is_key { place.key() } else { place.public() };
        let mut taken = Vec::new();
        for run in self.store.backups(self.roots)?.runs {
            let mut files = run.files.iter();
            if !files.any(|changed| changed.file == file && changed.copied) {
                continue;
            }
            let copies = former(&run, self.store, Created::Leave).copies;
            let Some(copy) = copies.get(&file) else {
                continue;
            };
            if is_key {
                taken.extend(key_of(&copy.bytes).map(Held::Key));
                continue;
            }
            let cas = Certificate::from_pem(&copy.bytes).into_iter().flatten();
            taken.extend(cas.map(|ca| Held::Ca(Box::new(ca))));
        }
        Ok(taken)
    }

    /// How it was before the last step back, where that led to the start: no file but a backup tells what went.
    pub(super) fn before_back(
        &self,
        row: &Profile,
        there: &Generations<Held>,
    ) -> Result<Option<Generations<Held>>, Stop> {
        if there.stage != Stage::Start || !self.last_was(row, "back-trust")? {
            return Ok(None);
        }
        Ok(Some(Generations {
            next: self.taken(row)?.into_iter().next(),
            ..there.clone()
        }))
    }

    /// Whether what this row's public file holds is what `issue` wrote there.
    pub(super) fn issued(&self, row: &Profile) -> Result<bool, Stop> {
        let file = row.stored.public();
        let content = self.store.read(&file).ok().flatten();
        let now = content.map(|content| sha256(&content.bytes));
        let issue = command(row, Goal::Issue.name());
        let runs = self.store.backups(self.roots)?.runs;
        let mut issues = runs.iter().filter(|run| run.origin.command == issue);
        Ok(issues.any(|run| {
            let mut files = run.files.iter().filter(|changed| changed.file == file);
            now.is_some() && files.any(|changed| changed.new == now)
        }))
    }
}

pub(super) fn key_of(bytes: &[u8]) -> Option<PublicKey> {
    let key = PrivateKey::from_pem(bytes, None).ok()?;
    Some(key.public_key().clone())
}
