//! What a rotation over many nodes has to tell beside what was written.

use time::OffsetDateTime;

use super::super::rotation::people::{
    archived_with_former_key, former_key_left, holds_former_key, keeps_former_key,
    left_with_former_key, signed_ahead,
};
use super::super::rotation::{Over, Rotation, RunsOn};
use super::Nodes;
use crate::diff::{Generations, Held};
use crate::plan::{Found, Goal};
use crate::profile::Profile;
use crate::store::{Roots, Store};
use crate::x509::cert::Certificate;

/// The nodes of a rotation.
pub struct Turning<'a> {
    /// What a command has behind it to be over the same.
    pub flags: &'a str,
    /// Those on which a process runs.
    pub runs_on: &'a RunsOn<'a>,
    /// When the run began.
    pub now: OffsetDateTime,
}

impl Nodes {
    /// What a run came to that brought this row to a stage on all nodes; `before` it stood otherwise, and `ended` is whether
    /// the former one went in it or in one before.
    pub fn turned(
        &mut self,
        row: &'static Profile,
        (goal, ended): (Goal, bool),
        found: [&Found; 2],
        turning: &Turning<'_>,
    ) {
        let ended = ended || self.completed;
        self.rotation = Self::over(turning, |over| {
            Rotation::after(row, (goal, ended), found, over)
        });
    }

    /// The same of a run that took a stage back: what was `there` before, where that is known, and after it.
    pub fn turned_back(
        &mut self,
        row: &'static Profile,
        there: [Option<&Generations<Held>>; 2],
        turning: &Turning<'_>,
    ) {
        self.rotation = Self::over(turning, |over| Rotation::back(row, there, over));
    }

    /// How far this row is, and which nodes are `behind`, all of them since they have no tree; of what is found there,
    /// whether a run made what signs take the place of the other.
    pub fn how_far(
        &mut self,
        row: &'static Profile,
        found: (&Found, bool),
        (behind, treeless, under_way): (Vec<String>, bool, Option<Goal>),
        turning: &Turning<'_>,
    ) {
        match Self::over(turning, |over| Rotation::there(row, found, over)) {
            Ok(mut rotation) => {
                let reached = rotation.reached().filter(|_| !behind.is_empty());
                let command = match (under_way.or(reached), treeless && under_way.is_none()) {
                    (Some(_), true) => Some("certs all".to_owned()),
                    (goal, _) => goal.map(|goal| goal.command(row)),
                };
                if let Some(command) = command {
                    rotation.next = Some(format!("{command}{}", turning.flags));
                }
                rotation.behind = behind;
                self.rotations.get_or_insert_default().push(rotation);
            }
            // What keeps a row from being replaced is nothing wrong where nobody asked for that.
            Err(finding) => self.notes.push(format!(
                "{} {}: {}",
                finding.file, finding.text, finding.way_out
            )),
        }
    }

    /// That backups are to be removed which hold the former key of this.
    pub fn former_key_left(&mut self, what: &str, turning: &Turning<'_>) {
        let note = Self::over(turning, |over| former_key_left(what, &over.flags));
        self.notes.push(note);
    }

    /// That former keys could not be taken out of backups, and why.
    pub fn keeps_former_key(&mut self, left: &[String]) {
        for why in left {
            self.fails(keeps_former_key(why));
        }
    }

    /// That backups of other runs hold a former key.
    pub fn holds_former_key(&mut self, held: &[String]) {
        for path in held {
            self.fails(holds_former_key(path));
        }
    }

    /// That nodes have certificates of a CA that does not sign yet.
    pub fn signed_ahead(
        &mut self,
        names: &[String],
        next: &Certificate,
        (row, flags): (&Profile, &str),
    ) {
        if !names.is_empty() {
            self.notes.push(signed_ahead(names, next, row, flags));
        }
    }

    /// That trees of nodes which are listed no more hold a former key.
    pub fn left_with_former_key(&mut self, held: &[String], flags: &str) {
        for path in held {
            self.fails(left_with_former_key(path, flags));
        }
    }

    /// That archives of trees hold a former key.
    pub fn archived_with_former_key(&mut self, held: &[String], flags: &str) {
        for path in held {
            self.fails(archived_with_former_key(path, flags));
        }
    }

    /// That the run does not end well for this.
    fn fails(&mut self, note: String) {
        self.failures.push(note.clone());
        self.notes.push(note);
    }

    fn over<T>(turning: &Turning<'_>, tell: impl FnOnce(&Over<'_>) -> T) -> T {
        tell(&Over {
            store: &Store::open(Roots::of(None, None, None, None, None)),
            flags: turning.flags.to_owned(),
            runs_on: Some(turning.runs_on),
            now: turning.now,
        })
    }
}
