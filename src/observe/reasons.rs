//! Why a file cannot be judged, in the words of a finding.

use crate::location::FileId;
use crate::observed::{Cause, Unreadable};
use crate::store::ReadError;

pub(super) fn cause(error: &ReadError) -> Cause {
    match error {
        ReadError::Io { .. } | ReadError::PermissionDenied { .. } | ReadError::Stranger(_) => {
            Cause::Failed
        }
        ReadError::NotAFile { .. } | ReadError::TooLarge { .. } => Cause::Content,
    }
}

/// The store's error, whose path stands before the finding's text already.
pub(crate) fn unread(file: &FileId, error: &ReadError) -> Unreadable {
    let (why, way_out) = match error {
        ReadError::Io { reason, .. } => (
            format!("cannot be read: {reason}"),
            "look at the file system that it is on",
        ),
        ReadError::NotAFile { kind, .. } if kind.contains("link") => (
            format!("is {kind}, not a file"),
            "put the file that it names in its place",
        ),
        ReadError::NotAFile { kind, .. } => (format!("is {kind}, not a file"), "move it away"),
        ReadError::PermissionDenied { .. } => (
            "cannot be read: permission denied".to_owned(),
            "run as root, or as its owner",
        ),
        ReadError::Stranger(folder) => (
            format!("is not read: {} {}", folder.path.display(), folder.what),
            folder.way_out,
        ),
        ReadError::TooLarge { .. } => (
            "is larger than 1 MiB: no certificate, key or kubeconfig is".to_owned(),
            "move it away",
        ),
    };
    Unreadable {
        file: file.clone(),
        why,
        cause: cause(error),
        way_out: Some(way_out.to_owned()),
        access: None,
        public: None,
    }
}
