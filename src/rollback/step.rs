//! What a rollback does to one file, or why it does nothing at all.

use super::{Changed, Created, Digest, Look, State, Step};
use crate::finding::{Code, Finding};
use crate::profile::found::is_rotated;

pub(super) fn step(changed: &Changed, created: Created) -> Result<Option<Step>, Vec<Finding>> {
    let now = match &changed.now {
        State::File(now) => Some(now),
        State::Absent => None,
        State::Unreadable { code, why, way_out } => {
            return Err(vec![finding(changed, *code, why, way_out)]);
        }
    };
    let Some(replaced) = changed.replaced else {
        return of_created(changed, now, created);
    };
    let as_it_was = now.is_some_and(|now| now.digest == replaced);
    let since = match (now.map(|now| now.digest), changed.wrote) {
        _ if as_it_was => None,
        (now, wrote) if now == wrote => None,
        (None, _) => Some("has vanished since the run that wrote it"),
        (Some(_), None) => Some("has appeared since the run that removed it"),
        (Some(_), Some(_)) => Some("was changed after the run that wrote it"),
    };
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(since.map(|text| changed_since(changed, text)));
    let copy = match intact_copy(changed, replaced) {
        Ok(copy) => copy,
        // All that the copy could still tell is a mode and an owner.
        Err(_) if as_it_was => return Ok(Some(Step::Keep)),
        Err(damage) => {
            findings.push(damage);
            return Err(findings);
        }
    };
    if !findings.is_empty() {
        return Err(findings);
    }
    let mode = copy.mode & changed.largest_mode;
    let wanted = Look { mode, ..copy };
    if now == Some(&wanted) {
        return Ok(Some(Step::Keep));
    }
    Ok(Some(Step::Restore {
        now: now.map(|now| now.digest),
        mode,
        had: (mode != copy.mode).then_some(copy.mode),
    }))
}

fn of_created(
    changed: &Changed,
    now: Option<&Look>,
    created: Created,
) -> Result<Option<Step>, Vec<Finding>> {
    let Some(now) = now else { return Ok(None) };
    match (created, Some(now.digest) == changed.wrote) {
        (Created::Leave, true) => Ok(Some(Step::Leave)),
        // What became of it since then is nothing that this run would undo.
        (Created::Leave, false) => Ok(None),
        (Created::Remove, true) => Ok(Some(Step::Remove { now: now.digest })),
        (Created::Remove, false) => Err(vec![finding(
            changed,
            Code::ChangedSince,
            "was changed after the run that created it",
            "if it is not needed, move it away, and run again",
        )]),
    }
}

fn intact_copy(changed: &Changed, replaced: Digest) -> Result<Look, Finding> {
    let path = changed.copy_path.display();
    let unfit = |code, why: &str, way_out: &str| {
        let text = format!("cannot be put back: its copy {path} {why}");
        finding(changed, code, &text, way_out)
    };
    let damage = |why: &str, way_out: &str| unfit(Code::BackupDamaged, why, way_out);
    match &changed.copy {
        State::File(copy) if copy.digest == replaced => Ok(*copy),
        State::File(_) => Err(damage(
            "is not what the run replaced",
            "restore it from another backup",
        )),
        // Of what the system did not let be read nobody knows whether it is damaged.
        State::Unreadable {
            code: code @ Code::ReadFailed,
            why,
            way_out,
        } => Err(unfit(*code, why, way_out)),
        State::Unreadable { why, way_out, .. } => Err(damage(why, way_out)),
        State::Absent => Err(damage("is not there", "restore it from another backup")),
    }
}

fn changed_since(changed: &Changed, text: &str) -> Finding {
    // Copied as any other file it would be what the link leads to.
    let link = if is_rotated(&changed.file) {
        ", as the link that it is ('cp -P')"
    } else {
        ""
    };
    let way_out = format!(
        "if what it was before is wanted, copy it from {}{link}",
        changed.copy_path.display()
    );
    finding(changed, Code::ChangedSince, text, &way_out)
}

fn finding(changed: &Changed, code: Code, text: &str, way_out: &str) -> Finding {
    Finding {
        code,
        name: String::new(),
        file: changed.file.clone(),
        text: text.to_owned(),
        way_out: way_out.to_owned(),
    }
}
