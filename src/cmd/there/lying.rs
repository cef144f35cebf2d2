//! What lies in a tree's directories, whatever its name: as much of it as is looked into.

use std::collections::BTreeSet;

use super::{failed, told, unread};
use crate::finding::{Code, Finding};
use crate::location::{FileId, Root};
use crate::observe;
use crate::profile::by_name;
use crate::spec::{Place, Spec};
use crate::store::{self, LARGEST, Store, Walked, is_called_ours};

/// Most octets of files of no row that are looked into, and of those that may hold something: no tree has a
/// tenth of these.
pub(super) const MOST: u64 = 64 << 20;
/// See [`MOST`]. A mebibyte of certificates takes some tenths of a second.
const MOST_HELD: u64 = 8 << 20;

/// What lies in directories, whatever its name.
pub(crate) struct Lying {
    pub(super) files: Vec<FileId>,
    /// What is not looked at as a file of its name.
    aside: BTreeSet<FileId>,
    /// What runs keep, or left.
    ours: Vec<FileId>,
    /// The folders that could not be looked into, and what could not be looked at otherwise.
    pub(crate) closed: Vec<FileId>,
    /// What is told of what was not looked at.
    pub(crate) findings: Vec<Finding>,
}

impl Lying {
    /// What lies in `roots`, where `places` are looked at already.
    pub(crate) fn of(store: &Store, places: &[Spec], roots: &[Root]) -> Self {
        // A kubelet's are links, as they should be.
        let own = |spec: &&Spec| by_name(&spec.name).is_some() || is_link_of_kubelet(spec);
        let own = places.iter().filter(own);
        let own: BTreeSet<FileId> = own.flat_map(|spec| spec.place.files()).collect();
        let mut lying = Self {
            files: Vec::new(),
            aside: BTreeSet::new(),
            ours: Vec::new(),
            closed: Vec::new(),
            findings: Vec::new(),
        };
        let mut sized = Vec::new();
        let mut real = BTreeSet::new();
        for walked in store.walk_all(roots) {
            lying.not_listed(store, &walked);
            for (file, what) in walked.odd {
                if !own.contains(&file) {
                    let told = what.map(|what| format!("is {what}, and was not looked at"));
                    lying.leave(file, told);
                }
            }
            let places = store.real(walked.files.iter().map(|(file, _)| file));
            let all = walked.files.into_iter().zip(places);
            sized.extend(all.filter_map(|(file, place)| real.insert(place).then_some(file)));
        }
        // Of two files the smaller one is more likely to be a key or a certificate.
        sized.sort_by(|(one, size), (other, larger)| (size, one).cmp(&(larger, other)));
        let (mut room, mut of_held) = (MOST, MOST_HELD);
        sized.retain(|(file, _)| !own.contains(file));
        for (file, size) in sized {
            // That one so large has such a name is told where it is read.
            if size > LARGEST && is_called_ours(&file) {
                lying.files.push(file);
            } else if size > LARGEST {
                let text = "is larger than 1 MiB, and was not looked into".to_owned();
                let told = may_be_ours(store, &file, &mut room).then_some(text);
                lying.leave(file, told);
            } else if let Some(beyond) = beyond(store, &file, size, &mut room, &mut of_held) {
                let text = format!(
                    "was not looked into: {} MiB of smaller files are",
                    beyond >> 20
                );
                lying.leave(file, Some(text));
            } else {
                lying.files.push(file);
            }
        }
        lying.files.sort();
        lying
    }

    /// Those of `places` that are looked at.
    pub(crate) fn of_places(&self, places: &mut Vec<Spec>) {
        places.retain(|spec| {
            let files = spec.place.files();
            by_name(&spec.name).is_some() || !files.iter().any(|file| self.aside.contains(file))
        });
    }

    /// What runs keep or left, and others may look into. Keys that were replaced may still be good, and nothing
    /// else of them is looked at.
    pub(crate) fn open(&self, store: &Store) -> Vec<Finding> {
        let judge = |file: &FileId| match store.open_to_others(file) {
            Ok(open) => {
                let (mode, to) = open?;
                let text =
                    format!("has the mode {mode:04o}, and is where runs keep what they replace");
                let way_out = format!(
                    "chmod it to {to:04o}, and replace the keys in it if others may have read them"
                );
                Some(told(Code::KeyMode, file.clone(), text, &way_out))
            }
            Err(error) => Some(unread(file, &error)),
        };
        self.ours.iter().filter_map(judge).collect()
    }

    fn leave(&mut self, file: FileId, text: Option<String>) {
        let finding = text.map(|text| told(Code::NotLookedAt, file.clone(), text, NOT_OURS));
        self.findings.extend(finding);
        self.aside.insert(file);
    }

    fn not_listed(&mut self, store: &Store, walked: &Walked) {
        self.closed.extend(walked.closed.iter().cloned());
        let failed_to = walked.failed.iter().map(|(file, _)| file.clone());
        self.closed.extend(failed_to);
        // Those that a tree has are told of already.
        let closed = walked.closed.iter();
        let closed = closed.filter(|folder| !store.folders(folder.root).contains(folder));
        self.findings.extend(closed.map(|folder| {
            let text = "may not be looked into by this user".to_owned();
            let way_out = "run as root, or as its owner";
            told(Code::NotLookedAt, folder.clone(), text, way_out)
        }));
        self.findings.extend(failed(walked));
        self.ours.extend(walked.ours.iter().cloned());
        let left = walked.left.iter().cloned();
        let left = left.map(|(file, why)| told(Code::NotLookedAt, file, why, NOT_OURS));
        self.findings.extend(left);
    }
}

/// The bound that a file passes, if it does; else what is left is less by it.
fn beyond(
    store: &Store,
    file: &FileId,
    size: u64,
    room: &mut u64,
    of_held: &mut u64,
) -> Option<u64> {
    let take = |left: &mut u64, most| match left.checked_sub(size) {
        Some(rest) => {
            *left = rest;
            None
        }
        None => Some(most),
    };
    if let Some(most) = take(room, MOST) {
        return Some(most);
    }
    let holds = match store.read_found(file) {
        Ok(Some(content)) => observe::may_hold(&content.bytes),
        // Why it cannot be read is for the reader to tell.
        _ => false,
    };
    if holds {
        take(of_held, MOST_HELD)
    } else {
        None
    }
}

/// Whether what is larger than all that a tree has may yet be of it, as far as its beginning tells.
fn may_be_ours(store: &Store, file: &FileId, room: &mut u64) -> bool {
    let Some(rest) = room.checked_sub(LARGEST) else {
        return true;
    };
    *room = rest;
    match store::beginning(&store.path(file), store::LARGEST) {
        Ok(Some(bytes)) => observe::beginning_may_hold(&bytes),
        // As of a smaller one only the name could say that it should be read.
        _ => false,
    }
}

/// The way out where there is more than a tree has.
const NOT_OURS: &str = "move away what is no certificate, key or kubeconfig of this cluster";

fn is_link_of_kubelet(spec: &Spec) -> bool {
    matches!(
        spec.place,
        Place::File {
            root: Root::Kubelet,
            ..
        }
    )
}
