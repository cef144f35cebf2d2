//! Where paths lead.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Tree;
use crate::store::real::Real;

#[test]
fn a_path_leads_where_the_system_says_whatever_was_asked_before() {
    let tree = Tree::new();
    for folder in ["a/b/c", "d"] {
        fs::create_dir_all(tree.path(folder)).unwrap();
    }
    tree.write("a/b/file", "");
    for (link, target) in [
        ("to-b", "a/b"),
        ("a/b/up", "../../d"),
        ("d/back", "../to-b/c"),
        ("to-file", "a/b/file"),
        ("dangling", "nowhere"),
        ("loop", "loop"),
    ] {
        symlink(target, tree.path(link)).unwrap();
    }
    let mut paths: Vec<PathBuf> = [
        "",
        "a/b",
        "a/b/c",
        "a/b/file",
        "a/b/up",
        "a/b/up/back",
        "a/../d",
        "a/./b/",
        "d/..",
        "d/back",
        "dangling",
        "dangling/x",
        "loop",
        "nowhere/x",
        "to-b",
        "to-b/c",
        "to-b/file",
        "to-b/file/x",
        "to-file",
    ]
    .into_iter()
    .map(|path| tree.path(path))
    .collect();
    paths.extend(
        [
            "/",
            "/..",
            "",
            ".",
            "..",
            "src",
            "src/store",
            "./src",
            "src/../src",
        ]
        .map(PathBuf::from),
    );
    let outcome = |real: std::io::Result<PathBuf>| real.map_err(|error| error.kind());
    let same = |real: &mut Real, path: &Path| {
        let expected = outcome(path.canonicalize());
        assert_eq!(outcome(real.of(path)), expected, "{}", path.display());
    };
    let mut real = Real::default();
    for path in &paths {
        same(&mut Real::default(), path);
        same(&mut real, path);
    }
    for path in paths.iter().rev() {
        same(&mut real, path);
    }
}
