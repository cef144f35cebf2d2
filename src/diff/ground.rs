//! What is judged of the directories: who can write one can put a CA of their own in the cluster's
//! place, whatever the modes of the files in it.

use super::place::of_others;
use crate::finding::{Code, Finding};
use crate::location::FileId;
use crate::observed::{Access, Ground};

/// The bit that lets everybody write. The sticky bit does not make it harmless: it keeps others from
/// replacing what is there, but who comes first makes the CA that is not there yet.
const OTHERS: u32 = 0o002;
/// The bit that lets the group write.
const GROUP: u32 = 0o020;

/// What is to be told of the directories that a run's files lie in, and of those files that no spec has.
pub fn ground(ground: &Ground) -> Vec<Finding> {
    let judged = |(directory, access): &(FileId, Access)| judge(directory, *access, ground);
    let taken = |(file, access): &(FileId, Access)| of_others("", file, *access, &ground.trusted);
    let directories = ground.directories.iter().flat_map(judged);
    directories
        .chain(ground.files.iter().flat_map(taken))
        .collect()
}

fn judge(directory: &FileId, access: Access, ground: &Ground) -> Vec<Finding> {
    let Access { mode, user } = access;
    let mut findings = Vec::new();
    let mut tell = |code, text, way_out: &str| {
        findings.push(Finding {
            code,
            name: String::new(),
            file: directory.clone(),
            text,
            way_out: way_out.to_owned(),
        });
    };
    if mode & OTHERS != 0 {
        tell(
            Code::WritableByOthers,
            format!("is a directory of mode {mode:04o}"),
            "chmod it to 0755, and look at what is in it",
        );
    } else if mode & GROUP != 0 {
        // Not more than a note: with a umask of 002 every user has a group of their own, and each
        // directory that they make is like this.
        tell(
            Code::WritableByGroup,
            format!("is a directory of mode {mode:04o}"),
            "",
        );
    }
    if !ground.trusted.contains(&user) {
        tell(
            Code::ForeignOwner,
            format!("is a directory of user {user}"),
            FOREIGN,
        );
    }
    findings
}

/// The way out where somebody owns what the cluster's trust rests on.
pub(super) const FOREIGN: &str = "chown it to root, or to the user who runs certs";
