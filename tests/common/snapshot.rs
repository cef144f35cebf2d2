//! All that a run could have touched, to be held against what is there after it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::listing;

/// What is known of each path.
pub type Snapshot = BTreeMap<PathBuf, String>;

/// All that a run could have touched: kind and mode, times, inode, owner and content.
pub fn snapshot(place: &Path) -> Snapshot {
    let mut paths = listing(place);
    paths.push(PathBuf::new());
    paths
        .into_iter()
        .map(|path| {
            let whole = place.join(&path);
            let found = fs::symlink_metadata(&whole).expect("metadata");
            let content = if found.is_file() {
                fs::read(&whole).expect("content")
            } else {
                Vec::new()
            };
            let what = format!(
                "{:o} {}.{} {} {} {}:{} {content:?}",
                found.mode(),
                found.mtime(),
                found.mtime_nsec(),
                found.ctime_nsec(),
                found.ino(),
                found.uid(),
                found.gid()
            );
            (path, what)
        })
        .collect()
}

/// Nothing of it changed, and nothing came or went.
#[track_caller]
pub fn same(before: &Snapshot, place: &Path) {
    let after = snapshot(place);
    let paths: Vec<_> = before.keys().collect();
    assert_eq!(paths, after.keys().collect::<Vec<_>>());
    for (path, what) in before {
        assert_eq!(what, &after[path], "{}", path.display());
    }
}
