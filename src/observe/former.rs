//! Backups → what the last run changed, as it is now and as its backup has it.

use std::collections::BTreeMap;

use super::reasons::unread;
use crate::finding::Code;
use crate::key;
use crate::kubeconfig::{self, Source};
use crate::location::{FileId, Root};
use crate::pem;
use crate::rollback::{Changed, Created, Last, Look, State};
use crate::store::{BackedUp, Backup, FileContent, ReadError, Store};
use crate::x509::cert::Certificate;
use crate::x509::validity::Validity;

/// The last run, and the former contents of what it replaced.
pub struct Former {
    /// What is planned over.
    pub last: Last,
    /// By file, as the backup has them.
    pub copies: BTreeMap<FileId, FileContent>,
}

/// Looks at every file of a backed-up run, and at its copy; what it created is needed where that is to go.
pub fn former(backup: &Backup, store: &Store, created: Created) -> Former {
    let mut copies = BTreeMap::new();
    let mut files = Vec::new();
    // Whether this run has a root where that one had it.
    let same = |root: Root| {
        let mut roots = backup.roots.iter();
        roots.any(|(other, was)| *other == root && store.is_root(root, was))
    };
    for BackedUp {
        file,
        new,
        replaced,
        ..
    } in &backup.files
    {
        let copy = match replaced {
            Some(_) => store.read_backup(backup.transaction, file),
            None => Ok(None),
        };
        let content = copy.as_ref().ok().and_then(Option::as_ref);
        files.push(Changed {
            largest_mode: largest_mode(file, content),
            validity: content.and_then(|content| validity(&content.bytes)),
            file: file.clone(),
            wrote: *new,
            replaced: *replaced,
            now: match state(file, &store.read(file)) {
                // Not the file that was created.
                State::Unreadable { .. } if replaced.is_none() && !same(file.root) => State::Absent,
                now => now,
            },
            copy: state(file, &copy),
            copy_path: store.backup_path(backup.transaction, file),
        });
        if let Ok(Some(content)) = copy {
            copies.insert(file.clone(), content);
        }
    }
    // A directory that was moved has its copies with it.
    let lacks = |root: Root| {
        let replaced = |changed: &&Changed| changed.file.root == root && changed.replaced.is_some();
        let mut copies = files.iter().filter(replaced).map(|changed| &changed.copy);
        match copies.clone().next() {
            Some(_) => copies.all(is_none),
            None => created == Created::Remove,
        }
    };
    let elsewhere = backup
        .roots
        .iter()
        .filter(|(root, _)| lacks(*root) && !same(*root))
        .cloned()
        .collect();
    Former {
        last: Last {
            folder: backup.folder.clone(),
            command: backup.origin.command.clone(),
            time: backup.origin.time,
            kept: backup.kept,
            files,
            elsewhere,
        },
        copies,
    }
}

/// Whether there is no copy, as far as can be known.
fn is_none(copy: &State) -> bool {
    matches!(
        copy,
        State::Absent
            | State::Unreadable {
                code: Code::ReadFailed,
                ..
            }
    )
}

fn state(file: &FileId, read: &Result<Option<FileContent>, ReadError>) -> State {
    match read {
        Ok(None) => State::Absent,
        Ok(Some(content)) => State::File(Look {
            digest: key::sha256(&content.bytes),
            mode: content.mode,
            user: content.uid,
            group: content.gid,
        }),
        Err(error) => {
            let found = unread(file, error);
            State::Unreadable {
                code: found.cause.code(),
                why: found.why,
                way_out: found.way_out.unwrap_or_default(),
            }
        }
    }
}

/// That of its name; but what was put into a certificate's file once may hold a key.
fn largest_mode(file: &FileId, copy: Option<&FileContent>) -> u32 {
    match copy {
        Some(copy) if pem::holds_private_key(&copy.bytes) => {
            file.largest_mode() & FileId::PRIVATE_MODE
        }
        _ => file.largest_mode(),
    }
}

/// The validity of the certificate in a file or in a kubeconfig. What holds none, or is not sound, was put
/// there by somebody and is put back all the same.
fn validity(bytes: &[u8]) -> Option<Validity> {
    let chain =
        Certificate::from_pem(bytes).or_else(|error| match kubeconfig::parse(bytes)?.certificate {
            Source::Data { bytes, .. } => Certificate::from_pem(&bytes),
            Source::File { .. } => Err(error),
        });
    Some(chain.ok()?.first()?.validity)
}
