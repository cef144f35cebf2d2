//! Files beside the tree: what is told into a file, and what was handed out.

use std::os::unix::fs::symlink;

use super::*;
use crate::store::{Handed, LARGEST, ReadError, beginning, write_output, write_secret};

/// A staged file for `name`, as a run that was killed leaves it.
fn left(tree: &Tree, name: &str, number: u8) -> String {
    let path = Path::new(name);
    let (folder, base) = (path.parent().unwrap(), path.file_name().unwrap());
    let hidden = format!(".{}.{}", base.to_str().unwrap(), transaction(number));
    let name = folder.join(hidden);
    let name = name.to_str().unwrap();
    tree.write(name, "half");
    name.to_owned()
}

#[test]
fn an_output_file_is_replaced_whole_and_nothing_is_left_beside_it() {
    let tree = Tree::new();
    tree.write("o/former.prom", "former");
    tree.write("o/other.prom.0707070707070707", "of another name");
    let stale = left(&tree, "o/former.prom", 9);
    let other = left(&tree, "o/elsewhere.prom", 9);
    write_output(&tree.path("o/former.prom"), b"new", transaction(1)).unwrap();
    assert_eq!(tree.text("o/former.prom"), "new");
    assert_eq!(tree.mode("o/former.prom"), 0o644);
    assert!(!tree.path(&stale).exists() && tree.path(&other).exists());

    write_secret(&tree.path("o/key.pem"), b"key", transaction(2)).unwrap();
    assert_eq!(tree.text("o/key.pem"), "key");
    assert_eq!(tree.mode("o/key.pem"), 0o600);
    let names: Vec<String> = tree.all().into_iter().map(|(name, _)| name).collect();
    let expected = [
        "/o/",
        "/o/.elsewhere.prom.0909090909090909",
        "/o/former.prom",
        "/o/key.pem",
        "/o/other.prom.0707070707070707",
    ];
    assert_eq!(names, expected);
}

#[test]
fn nothing_but_a_file_is_replaced_and_no_staged_file_is_written_over() {
    let tree = Tree::new();
    tree.write("o/real", "text");
    symlink("real", tree.path("o/link")).unwrap();
    fs::create_dir(tree.path("o/folder")).unwrap();
    for (name, kind) in [("link", "a symbolic link"), ("folder", "a directory")] {
        let path = tree.path("o").join(name);
        let told = format!(
            "{:#}",
            write_output(&path, b"new", transaction(1)).unwrap_err()
        );
        assert!(
            told.contains(&format!("it is {kind}, not a file")),
            "{told}"
        );
    }
    // The name is another's, who may have made it a link to what he wants overwritten.
    let staged = left(&tree, "o/new", 1);
    fs::remove_file(tree.path(&staged)).unwrap();
    symlink(tree.path("o/real"), tree.path(&staged)).unwrap();
    assert!(write_output(&tree.path("o/new"), b"new", transaction(1)).is_err());
    assert_eq!(tree.text("o/real"), "text");
    assert!(write_output(&tree.path("none/new"), b"new", transaction(1)).is_err());
}

#[test]
fn what_a_run_that_lives_writes_beside_is_left_to_it_and_so_is_what_is_not_of_a_run() {
    let tree = Tree::new();
    let (alive, linked) = (left(&tree, "o/x", 3), left(&tree, "o/x", 4));
    let (strangers, pipe) = (left(&tree, "o/x", 5), left(&tree, "o/x", 6));
    let held = fs::File::open(tree.path(&alive)).unwrap();
    held.try_lock().unwrap();
    fs::hard_link(tree.path(&linked), tree.path("o/second")).unwrap();
    std::os::unix::fs::chown(tree.path(&strangers), Some(65_534), None).unwrap();
    fs::remove_file(tree.path(&pipe)).unwrap();
    fs::create_dir(tree.path(&pipe)).unwrap();
    write_output(&tree.path("o/x"), b"new", transaction(1)).unwrap();
    for name in [&alive, &linked, &strangers, &pipe] {
        assert!(tree.path(name).exists(), "{name}");
    }
    // Of the one whose file it replaces it goes as well.
    std::os::unix::fs::chown(tree.path("o/x"), Some(65_534), None).unwrap();
    drop(held);
    write_output(&tree.path("o/x"), b"new", transaction(1)).unwrap();
    assert!(!tree.path(&alive).exists() && !tree.path(&strangers).exists());
}

#[test]
fn of_a_file_of_any_size_the_beginning_is_read() {
    let tree = Tree::new();
    let large = usize::try_from(LARGEST).unwrap() + 5;
    tree.write("o/large", &"x".repeat(large));
    tree.write("o/small", "text");
    let begins = |name: &str| {
        beginning(&tree.path(name), LARGEST).map(|read| read.map(|bytes| bytes.to_vec()))
    };
    assert_eq!(begins("o/small"), Ok(Some(b"text".to_vec())));
    assert_eq!(begins("o/none"), Ok(None));
    assert_eq!(begins("none/none"), Ok(None));
    assert_eq!(begins("o/large").unwrap().unwrap().len(), large - 5);
    assert!(matches!(begins("o"), Err(ReadError::NotAFile { .. })));
    let small = beginning(&tree.path("o/small"), LARGEST).unwrap().unwrap();
    assert!(small.capacity() < 100);
}

#[test]
fn what_was_handed_out_is_replaced_with_its_owner_and_mode_and_the_former_one_is_kept() {
    let tree = Tree::new();
    tree.write("o/alice.conf", "former");
    tree.chmod("o/alice.conf", 0o640);
    std::os::unix::fs::chown(tree.path("o/alice.conf"), Some(65_534), Some(65_533)).unwrap();
    let stale = left(&tree, "o/alice.conf", 9);
    let path = tree.path("o/alice.conf");
    assert!(Handed::open(&tree.path("o/none.conf")).unwrap().is_none());

    let handed = Handed::open(&path).unwrap().unwrap();
    assert_eq!((handed.bytes(), handed.mode()), (&b"former"[..], 0o640));
    handed.check_owner().unwrap();
    let kept = handed.replace(b"new", transaction(1)).unwrap().unwrap();
    assert_eq!(kept, tree.path("o/.alice.conf.certs-backup"));
    assert_eq!(tree.text("o/.alice.conf.certs-backup"), "former");
    assert_eq!(tree.mode("o/.alice.conf.certs-backup"), 0o600);
    assert_eq!(tree.text("o/alice.conf"), "new");
    let found = path.metadata().unwrap();
    assert_eq!(
        (found.mode() & 0o7777, found.uid(), found.gid()),
        (0o640, 65_534, 65_533)
    );
    assert!(!tree.path(&stale).exists());

    // The next former one has a name of its own.
    let again = Handed::open(&path).unwrap().unwrap();
    let kept = again.replace(b"newer", transaction(2)).unwrap().unwrap();
    assert_eq!(kept, tree.path("o/.alice.conf.certs-backup.1"));
    let third = Handed::open(&path).unwrap().unwrap();
    let kept = third.replace(b"newest", transaction(3)).unwrap().unwrap();
    assert_eq!(kept, tree.path("o/.alice.conf.certs-backup.2"));
    assert_eq!(tree.text("o/.alice.conf.certs-backup"), "former");
    // A run that was killed before the exchange had given it the name already.
    fs::hard_link(&path, tree.path("o/.alice.conf.certs-backup.3")).unwrap();
    let fourth = Handed::open(&path).unwrap().unwrap();
    let kept = fourth.replace(b"last", transaction(4)).unwrap().unwrap();
    assert_eq!(kept, tree.path("o/.alice.conf.certs-backup.3"));
    assert_eq!(tree.all().len(), 6, "{:?}", tree.all());
}

#[test]
fn what_was_changed_since_it_was_read_is_left_alone_and_nothing_is_left_beside_it() {
    let tree = Tree::new();
    tree.write("o/alice.conf", "former");
    let handed = Handed::open(&tree.path("o/alice.conf")).unwrap().unwrap();
    tree.write("o/alice.conf", "changed");
    let replaced = handed.replace(b"new", transaction(1)).unwrap();
    assert_eq!(replaced, None);
    let expected = [("/o/", ""), ("/o/alice.conf", "changed")];
    let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(tree.all(), expected);
    // Nor is a staged file of another's written through.
    let handed = Handed::open(&tree.path("o/alice.conf")).unwrap().unwrap();
    tree.write("o/real", "text");
    let staged = format!("o/.alice.conf.{}", transaction(1));
    symlink(tree.path("o/real"), tree.path(&staged)).unwrap();
    assert!(handed.replace(b"new", transaction(1)).is_err());
    assert_eq!(tree.text("o/real"), "text");
    assert_eq!(tree.text("o/alice.conf"), "changed");
}
