//! How far the replacement of a CA or of the service accounts' key is, and what is to be done before its next stage.

pub(super) mod people;
mod told;

use serde::Serialize;
use time::OffsetDateTime;

use super::next::directories;
use super::{Exit, Report, timestamp};
use crate::bundle::allows;
use crate::diff::{Generations, Held, Notice, Stage, generations, untangled};
use crate::finding::Finding;
use crate::key::{KeyError, PrivateKey};
use crate::observe::Seen;
use crate::observed::Observed;
use crate::plan::{Found, Goal};
use crate::profile::rotation::{Instruction, instructions, instructions_back, name, place};
use crate::profile::{CLUSTER, Profile, Signer};
use crate::store::Store;
use crate::x509::validity::moment;

use told::{Told, Values};

/// One of those that are replaced.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rotation {
    what: &'static str,
    /// The stage that its files are at: start, trust or issue; after a run the one that was asked for, or that a step back
    /// led to.
    stage: &'static str,
    present: Generation,
    /// Of many nodes those that are not yet at this stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) behind: Vec<String>,
    /// What waits to take its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<Generation>,
    /// What is trusted beside them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    former: Vec<Generation>,
    /// What is to be done before the next stage, in this order.
    instructions: Vec<Told>,
    /// Which of the two kinds is asked for, where nothing is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
    /// The command of the next stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// A CA's certificate, or a key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Generation {
    /// The subject of a CA, and of a key the `kid` of its tokens.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_algorithm: Option<String>,
}

/// Over which trees a replacement is.
pub(super) struct Over<'a> {
    /// Where they are on a node.
    pub(super) store: &'a Store,
    /// What a command has behind it to be over the same.
    pub(super) flags: String,
    /// Where these are those of many nodes, on which a process runs; nothing where nobody knows.
    pub(super) runs_on: Option<&'a RunsOn<'a>>,
    pub(super) now: OffsetDateTime,
}

/// The nodes on which a process runs, if it is one.
pub type RunsOn<'a> = dyn Fn(&str) -> Option<Vec<String>> + 'a;

impl Generation {
    fn of(held: &Held) -> Self {
        let algorithm = match held {
            Held::Ca(ca) => ca.public_key.algorithm(),
            Held::Key(key) => key.algorithm(),
        };
        Self {
            name: held.shown(),
            not_after: (held.certificate()).map(|ca| timestamp(ca.validity.not_after)),
            key_algorithm: algorithm.map(|algorithm| algorithm.to_string()),
        }
    }
}

impl Report {
    /// What a run came to that brought this row to a stage; `before` it stood otherwise.
    /// Where the last run of this row ended its replacement, `ended`, what that told is told again.
    pub fn turned(
        &mut self,
        row: &'static Profile,
        (goal, ended): (Goal, bool),
        [before, after]: [&Found; 2],
    ) {
        let over = self.over();
        self.rotation =
            Rotation::after(row, (goal, ended || self.completed), [before, after], &over);
    }

    fn over(&self) -> Over<'_> {
        Over {
            store: &self.store,
            flags: directories(&self.store),
            runs_on: None,
            now: self.now,
        }
    }

    /// That the former key could not be taken out of the backups, and why.
    pub fn keeps_former_key(&mut self, left: &[String]) {
        for why in left {
            self.fails(people::keeps_former_key(why));
        }
    }

    /// That backups of other runs hold a former key.
    pub fn holds_former_key(&mut self, held: &[String]) {
        for path in held {
            self.fails(people::holds_former_key(path));
        }
    }

    /// That the run does not end well for this.
    fn fails(&mut self, note: String) {
        self.failures.push(note.clone());
        self.notes.push(note);
        self.refused.get_or_insert(Exit::Failed);
        self.exit_code = self.exit().code();
    }

    /// That backups are to be removed which hold the former key of this.
    pub fn former_key_left(&mut self, what: &str) {
        self.notes.push(people::former_key_left(what, ""));
    }

    /// What is to be known of the present generation before the next one signs.
    pub fn forewarned(&mut self, row: &'static Profile, seen: &Seen) {
        self.unsealed(row, seen);
        self.uncrossed(row, seen);
    }

    /// That the present CA may have no other below it, and so leads nobody who trusts it alone to the next one.
    fn uncrossed(&mut self, row: &'static Profile, seen: &Seen) {
        let there = generations(row, &seen.observed);
        let present = there
            .as_ref()
            .ok()
            .and_then(|there| there.present.certificate());
        let cluster = matches!(CLUSTER, Signer::Ca(ca) if ca == row.name);
        if cluster && present.is_some_and(|ca| !allows(ca, 1)) && !self.is_refused() {
            self.notes.push(format!(
                "{} may have no CA below it, by its path length, and cannot sign the next one: who trusts it alone follows no \
                 API server any more once that one signs, so have every kubeconfig hold both before",
                self.path(&row.stored.public()).display()
            ));
        }
    }

    /// That a key which is encrypted gives way to one that is not.
    fn unsealed(&mut self, row: &'static Profile, seen: &Seen) {
        let Some(former) = seen.files.get(&row.stored.key()) else {
            return;
        };
        let sealed = matches!(
            PrivateKey::from_pem(&former.bytes, None),
            Err(KeyError::Encrypted)
        );
        let made = seen
            .observed
            .get(&name(row))
            .is_none_or(Observed::is_absent);
        if sealed && made && !self.is_refused() {
            self.notes.push(format!(
                "{} is encrypted, and {} is not: encrypt that ('openssl pkcs8 -topk8') before it signs, if it is to be",
                self.path(&row.stored.key()).display(),
                self.path(&place(row).key()).display()
            ));
        }
    }

    /// What a run came to that took a stage back: `there`, before, where that is known, and after it.
    pub fn turned_back(&mut self, row: &'static Profile, there: [Option<&Generations<Held>>; 2]) {
        self.rotation = Rotation::back(row, there, &self.over());
    }

    /// That it is where it was still, since several runs brought it there.
    pub fn turned_less(&mut self) {
        let text = "more than one run brought it there: run the same command again";
        self.notes.push(text.to_owned());
    }

    /// How far this row is; whether a run made what signs take the place of the other, `issued`.
    pub fn how_far(&mut self, row: &'static Profile, found: &Found, issued: bool) {
        match Rotation::there(row, (found, issued), &self.over()) {
            Ok(rotation) => self.rotations.get_or_insert_default().push(rotation),
            Err(finding) => self.tell_as_note(&finding),
        }
    }

    /// What keeps a row from being replaced is nothing wrong where nobody asked for that.
    fn tell_as_note(&mut self, finding: &Finding) {
        let file = self.path(&finding.file).display().to_string();
        self.notes
            .push(format!("{file} {}: {}", finding.text, finding.way_out));
    }
}

impl Rotation {
    /// What a run came to, which was over what is told by `over`; nothing where no stage can be told.
    pub(super) fn after(
        row: &'static Profile,
        (goal, ended): (Goal, bool),
        [before, after]: [&Found; 2],
        over: &Over<'_>,
    ) -> Option<Self> {
        let there = generations(row, after).ok()?;
        let former = || generations(row, before).ok().map(|before| before.others);
        let old = match goal {
            Goal::Trust => Some(there.present.clone()),
            Goal::Issue => there.others.first().cloned(),
            // Of what is gone only what was there before tells.
            Goal::Drop => former().and_then(|former| former.into_iter().next()),
        };
        let new = there.next.as_ref().or(Some(&there.present));
        // Where nothing went there is nothing to be done for it.
        let idle = goal == Goal::Drop && old.is_none() && !ended;
        let done = (!idle).then(|| (instructions(row.name, goal as usize), [new, old.as_ref()]));
        let mut rotation = Self::of(row, &there, done, over);
        rotation.stage = goal.name();
        if goal == Goal::Drop {
            rotation.next = None;
        }
        Some(rotation)
    }

    /// What a step back came to; before it there may have been another generation, which waited or signed.
    pub(super) fn back(
        row: &'static Profile,
        [before, after]: [Option<&Generations<Held>>; 2],
        over: &Over<'_>,
    ) -> Option<Self> {
        let there = after?;
        let left = Goal::after(there.stage);
        let old = before.and_then(|before| match left {
            Goal::Trust => before.next.as_ref(),
            Goal::Issue | Goal::Drop => Some(&before.present),
        });
        let names = [Some(&there.present), old];
        let done = Some((instructions_back(row.name, left as usize), names));
        Some(Self {
            // It may lead on, or further back.
            next: None,
            ..Self::of(row, there, done, over)
        })
    }

    /// The stage that it is at, if any.
    pub(super) fn reached(&self) -> Option<Goal> {
        let goals = [Goal::Trust, Goal::Issue];
        goals.into_iter().find(|goal| goal.name() == self.stage)
    }

    /// How far a row is, and what is to be done at that.
    pub(super) fn there(
        row: &'static Profile,
        (found, issued): (&Found, bool),
        over: &Over<'_>,
    ) -> Result<Self, Finding> {
        let there = untangled(row, found, issued)?;
        let present = Some(&there.present);
        let done = match there.stage {
            Stage::Start => None,
            Stage::Trust => Some((Goal::Trust, [there.next.as_ref(), present])),
            Stage::Issue => Some((Goal::Issue, [present, there.others.first()])),
        };
        let done = done.map(|(goal, names)| (instructions(row.name, goal as usize), names));
        Ok(Self::of(row, &there, done, over))
    }

    fn of(
        row: &'static Profile,
        there: &Generations<Held>,
        done: Option<(&[Instruction], [Option<&Held>; 2])>,
        over: &Over<'_>,
    ) -> Self {
        let done_before = done.is_none();
        let told = done.map_or_else(Vec::new, |(all, names)| {
            let values = Values::of(row, over.store, names);
            let told = all.iter();
            told.filter_map(|one| values.told(one, over.runs_on))
                .collect()
        });
        let begun = there.stage != Stage::Start;
        let command = Goal::after(there.stage).command(row);
        Self {
            what: row.name,
            stage: there.stage.name(),
            present: Generation::of(&there.present),
            behind: Vec::new(),
            waiting: there.next.as_ref().map(Generation::of),
            former: there.others.iter().map(Generation::of).collect(),
            instructions: told,
            advice: (!begun && done_before).then(|| advice(row, there, over)),
            next: Some(format!("{command}{}", over.flags)),
        }
    }
}

/// A certificate that ends and a key that must go are two things.
fn advice(row: &Profile, there: &Generations<Held>, over: &Over<'_>) -> String {
    let now = over.now;
    // Over one tree that stands behind what comes next.
    let flags = over.runs_on.map_or("", |_| &over.flags);
    let by = format!("'{}{flags}'", Goal::Trust.command(row));
    let replaced = format!("its key is replaced, where that must go, by {by}");
    let Some(ca) = there.present.certificate() else {
        return format!("It has no end, and is replaced, where it must go, by {by}.");
    };
    let end = ca.validity.not_after;
    if end - now < Notice::CA.of(ca) {
        format!(
            "Its certificate ends on {}: 'certs renew {}{flags}' prolongs it with the same key, and all that it signed stays good; {replaced}.",
            moment(end),
            row.name
        )
    } else {
        format!("Its certificate is good until {}; {replaced}.", moment(end))
    }
}
