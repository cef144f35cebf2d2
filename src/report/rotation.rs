//! How far the replacement of a CA or of the service accounts' key is, and what is to be done before its next stage.

use serde::Serialize;
use time::OffsetDateTime;

use super::lines::{line, painted, shown, words, wrapped};
use super::next::{directories, quoted};
use super::{Exit, Format, Report, timestamp};
use crate::diff::{Generations, Held, Notice, Stage, generations};
use crate::finding::Finding;
use crate::key::{KeyError, PrivateKey};
use crate::location::{FileId, Root};
use crate::observe::Seen;
use crate::observed::Observed;
use crate::plan::{Found, Goal};
use crate::profile::found::looked_for;
use crate::profile::rotation::{Action, Instruction, instructions, name, place};
use crate::profile::{Profile, signing_file};
use crate::store::Store;
use crate::x509::validity::moment;

/// One of those that are replaced.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rotation {
    what: &'static str,
    /// The stage that its files are at: start, trust or issue; after a run the one that it came to.
    stage: &'static str,
    present: Generation,
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
    next: Option<String>,
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

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    process: &'static str,
    action: &'static str,
    /// Whether the next node waits until this one is well again.
    one_at_a_time: bool,
    text: String,
    command: String,
    wait: String,
    proof: String,
}

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

/// What stands in the commands of an instruction.
struct Values {
    of: Vec<(&'static str, String)>,
}

impl Values {
    fn of(row: &Profile, store: &Store, [new, old]: [Option<&Held>; 2]) -> Self {
        let path = |file: &FileId| store.path(file).display().to_string();
        let root = |root| store.root(root).display().to_string();
        let mut of = vec![
            ("{pki}", root(Root::Pki)),
            ("{conf}", root(Root::Kubeconfig)),
            ("{file}", path(&row.stored.public())),
            ("{next}", path(&place(row).key())),
        ];
        of.extend(new.map(|new| ("{new}", new.shown())));
        of.extend(old.map(|old| ("{old}", old.shown())));
        Self { of }
    }

    /// For people.
    fn text(&self, template: &str) -> String {
        let fill = |text: String, (name, value): &(&str, String)| text.replace(name, value);
        self.of.iter().fold(template.to_owned(), fill)
    }

    /// For a shell; nothing where something is not known that stands in it.
    fn command(&self, template: &str) -> String {
        let fill =
            |text: String, (name, value): &(&str, String)| text.replace(name, &quoted(value));
        let filled = self.of.iter().fold(template.to_owned(), fill);
        if filled.contains("{new}") || filled.contains("{old}") {
            return String::new();
        }
        filled
    }

    fn told(&self, one: &Instruction) -> Told {
        Told {
            process: one.process,
            action: one.action.name(),
            one_at_a_time: one.action == Action::Restart,
            text: self.text(one.text),
            command: self.command(one.command),
            wait: self.command(one.wait),
            proof: self.command(one.proof),
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
        let Ok(there) = generations(row, after) else {
            return;
        };
        let former = || generations(row, before).ok().map(|before| before.others);
        let old = match goal {
            Goal::Trust => Some(there.present.clone()),
            Goal::Issue => there.others.first().cloned(),
            // Of what is gone only what was there before tells.
            Goal::Drop => former().and_then(|former| former.into_iter().next()),
        };
        let new = there.next.as_ref().or(Some(&there.present));
        // Where nothing went there is nothing to be done for it.
        let idle = goal == Goal::Drop && old.is_none() && !self.completed && !ended;
        let done = (!idle).then_some((goal, [new, old.as_ref()]));
        let mut rotation = self.rotation_of(row, &there, done);
        rotation.stage = goal.name();
        if goal == Goal::Drop {
            rotation.next = None;
        }
        self.rotation = Some(rotation);
    }

    /// That the former key could not be taken out of the backups, and why.
    pub fn keeps_former_key(&mut self, left: &[String]) {
        for why in left {
            self.notes.push(format!(
                "a backup holds the former key still: {why}: run the same command again"
            ));
            self.refused.get_or_insert(Exit::Failed);
        }
        self.exit_code = self.exit().code();
    }

    /// That backups are to be removed which hold the former key of this.
    pub fn former_key_left(&mut self, what: &str) {
        self.notes.push(format!(
            "backups hold the former key still that was replaced: 'certs rotate {what} drop --restarted' removes them"
        ));
    }

    /// That a key which is encrypted gives way to one that is not.
    pub fn unsealed(&mut self, row: &'static Profile, seen: &Seen) {
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

    /// What a run came to that took back the stage `left`; or that it is `there` still, since several runs brought it there.
    pub fn turned_back(&mut self, row: &'static Profile, left: Goal, there: bool) {
        if there {
            let text = "more than one run brought it there: run the same command again";
            self.notes.push(text.to_owned());
            return;
        }
        let apart = signing_file(&looked_for(row)).map(|apart| self.path(&apart.place.public()));
        if let (Some(apart), Goal::Trust) = (apart, left) {
            self.notes.push(format!(
                "if {} is gone, --cluster-signing-cert-file of every kube-controller-manager is to name {} again, before it is \
                 restarted",
                apart.display(),
                self.path(&row.stored.public()).display()
            ));
        }
        let restart = instructions(row.name, left as usize).iter();
        let restart = restart.filter(|one| one.action == Action::Restart);
        let mut processes: Vec<&str> = restart.map(|one| one.process).collect();
        processes.dedup();
        if !processes.is_empty() {
            self.notes.push(format!(
                "restart, one node after the other, what read at its start what that run wrote: {}",
                processes.join(", ")
            ));
        }
    }

    /// How far this row is.
    pub fn how_far(&mut self, row: &'static Profile, found: &Found) {
        match generations(row, found) {
            Ok(there) => {
                let present = Some(&there.present);
                let done = match there.stage {
                    Stage::Start => None,
                    Stage::Trust => Some((Goal::Trust, [there.next.as_ref(), present])),
                    Stage::Issue => Some((Goal::Issue, [present, there.others.first()])),
                };
                let rotation = self.rotation_of(row, &there, done);
                self.rotations.get_or_insert_default().push(rotation);
            }
            Err(finding) => self.tell_as_note(&finding),
        }
    }

    /// What keeps a row from being replaced is nothing wrong where nobody asked for that.
    fn tell_as_note(&mut self, finding: &Finding) {
        let file = self.path(&finding.file).display().to_string();
        self.notes
            .push(format!("{file} {}: {}", finding.text, finding.way_out));
    }

    fn rotation_of(
        &self,
        row: &'static Profile,
        there: &Generations<Held>,
        done: Option<(Goal, [Option<&Held>; 2])>,
    ) -> Rotation {
        let done_before = done.is_none();
        let told = done.map_or_else(Vec::new, |(goal, names)| {
            let values = Values::of(row, &self.store, names);
            let all = instructions(row.name, goal as usize);
            all.iter().map(|one| values.told(one)).collect()
        });
        let begun = there.stage != Stage::Start;
        let command = Goal::after(there.stage).command(row);
        let next = format!("{command}{}", directories(&self.store));
        Rotation {
            what: row.name,
            stage: there.stage.name(),
            present: Generation::of(&there.present),
            waiting: there.next.as_ref().map(Generation::of),
            former: there.others.iter().map(Generation::of).collect(),
            instructions: told,
            advice: (!begun && done_before).then(|| advice(row, there, self.now)),
            next: Some(next),
        }
    }
}

/// A certificate that ends and a key that must go are two things.
fn advice(row: &Profile, there: &Generations<Held>, now: OffsetDateTime) -> String {
    let by = format!("'{}'", Goal::Trust.command(row));
    let replaced = format!("its key is replaced, where that must go, by {by}");
    let Some(ca) = there.present.certificate() else {
        return format!("It has no end, and is replaced, where it must go, by {by}.");
    };
    let end = ca.validity.not_after;
    if end - now < Notice::CA.of(ca) {
        format!(
            "Its certificate ends on {}: 'certs renew {}' prolongs it with the same key, and all that it signed stays good; {replaced}.",
            moment(end),
            row.name
        )
    } else {
        format!("Its certificate is good until {}; {replaced}.", moment(end))
    }
}

/// For people: what each is at, and what is to be done.
pub(super) fn body(text: &mut String, rotation: &Rotation, status: bool, format: &Format) {
    let of = |generation: &Generation| {
        let end = generation.not_after.as_ref();
        let end = end.map_or_else(String::new, |end| format!(", until {end}"));
        let kind = generation.key_algorithm.as_deref().unwrap_or("unknown");
        format!("{} ({kind}{end})", shown(&generation.name))
    };
    if status {
        let title = format!("{}: {}", rotation.what, rotation.stage);
        line(text, &painted(format, super::lines::BOLD, &title));
        line(text, &format!("  signs    {}", of(&rotation.present)));
        if let Some(waiting) = &rotation.waiting {
            line(text, &format!("  waits    {}", of(waiting)));
        }
        for former in &rotation.former {
            line(text, &format!("  trusted  {}", of(former)));
        }
    }
    if !rotation.instructions.is_empty() {
        let title = if rotation.next.is_some() {
            "Before the next stage, in this order, one node after the other:"
        } else {
            "To be done now, in this order, one node after the other:"
        };
        line(text, &painted(format, super::lines::BOLD, title));
    }
    for (number, told) in rotation.instructions.iter().enumerate() {
        let what = match told.action {
            "restart" => format!("{}. restart {}", number + 1, told.process),
            "none" => format!("{}. {}: reads it again by itself", number + 1, told.process),
            _ => format!("{}. {}", number + 1, told.process),
        };
        line(text, &format!("  {what}"));
        if !told.text.is_empty() {
            wrapped(text, "     ", &words(&shown(&told.text)), " ", format);
        }
        for (name, command) in [
            ("do", &told.command),
            ("wait", &told.wait),
            ("proof", &told.proof),
        ] {
            if !command.is_empty() {
                line(text, &format!("     {name:<6}{}", shown(command)));
            }
        }
    }
    if let Some(advice) = &rotation.advice {
        wrapped(text, "  ", &words(&shown(advice)), " ", format);
    } else if let Some(next) = &rotation.next {
        line(text, &format!("Then: {}", shown(next)));
    }
}
