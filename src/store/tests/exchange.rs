//! Another program puts a file in the place of one that a run is about to replace.

use anyhow::anyhow;

use super::*;

/// Two files, of which a run replaces the first, then the second, and makes a third.
fn changes() -> Vec<Change> {
    vec![
        replace(pki("a.crt"), "old a", "new a"),
        replace(pki("b.crt"), "old b", "new b"),
        create(pki("c.crt"), "new c"),
    ]
}

fn tree() -> Tree {
    let tree = Tree::new();
    tree.write("k/pki/a.crt", "old a");
    tree.write("k/pki/b.crt", "old b");
    tree
}

fn exchange(tree: &Tree, name: &str) {
    tree.write("k/pki/theirs", "theirs");
    fs::rename(tree.path("k/pki/theirs"), tree.path(name)).unwrap();
}

/// What another program does to `b.crt` before the renames is told, and is all that has changed.
fn is_told(act: impl FnOnce(&Tree)) {
    let tree = tree();
    let writer = tree.writer();
    let mut run = writer.begin(changes(), &options(1)).unwrap();
    run.prepare().unwrap();
    act(&tree);
    let theirs = fs::read(tree.path("k/pki/b.crt")).unwrap();
    let (renamed, error) = run.rename().unwrap_err();
    let text = run.undo(renamed, &error).to_string();
    assert!(
        text.contains("k/pki/b.crt was changed meanwhile by another program")
            && text.ends_with("nothing was changed"),
        "{text}"
    );
    assert_eq!(fs::read(tree.path("k/pki/b.crt")).unwrap(), theirs);
    assert_eq!(tree.text("k/pki/a.crt"), "old a");
    assert!(!tree.path("k/pki/c.crt").exists());
    assert_eq!(tree.hidden(), ["/k/pki/.certs-backup/"]);
}

#[test]
fn what_comes_between_the_backup_and_the_rename_is_told_and_stays() {
    is_told(|tree| exchange(tree, "k/pki/b.crt"));
    is_told(|tree| tree.write("k/pki/b.crt", "theirs, longer"));
    // The same octets, written anew.
    is_told(|tree| {
        let file = fs::File::options()
            .write(true)
            .open(tree.path("k/pki/b.crt"));
        let past = std::time::UNIX_EPOCH;
        file.unwrap().set_modified(past).unwrap();
    });
}

#[test]
fn a_second_name_that_is_given_to_a_file_is_no_change_of_it() {
    let tree = tree();
    let writer = tree.writer();
    let mut run = writer.begin(changes(), &options(1)).unwrap();
    run.prepare().unwrap();
    fs::hard_link(tree.path("k/pki/b.crt"), tree.path("k/pki/second")).unwrap();
    run.rename().unwrap();
    run.finish(&options(1)).unwrap();
    assert_eq!(
        tree.text("k/pki/b.crt") + &tree.text("k/pki/second"),
        "new bold b"
    );
}

#[test]
fn what_comes_before_the_backup_is_told_and_stays() {
    let tree = tree();
    let writer = tree.writer();
    let mut run = writer.begin(changes(), &options(1)).unwrap();
    exchange(&tree, "k/pki/b.crt");
    let error = run.prepare().unwrap_err();
    let text = run.abandon(&error).to_string();
    assert!(
        text.contains("k/pki/b.crt was changed meanwhile by another program"),
        "{text}"
    );
    assert_eq!(
        tree.text("k/pki/a.crt") + &tree.text("k/pki/b.crt"),
        "old atheirs"
    );
    assert_eq!(tree.hidden(), ["/k/pki/.certs-backup/"]);
}

#[test]
fn what_comes_in_the_place_of_a_new_file_is_not_taken_back() {
    for (renamed, name) in [(2, "k/pki/b.crt"), (3, "k/pki/c.crt")] {
        let tree = tree();
        let writer = tree.writer();
        let mut run = writer.begin(changes(), &options(1)).unwrap();
        run.prepare().unwrap();
        run.rename().unwrap();
        exchange(&tree, name);
        let text = run.undo(renamed, &anyhow!("it failed")).to_string();
        assert!(
            text.starts_with("it failed; undoing failed too: ")
                && text.contains(&format!("{name} was changed meanwhile")),
            "{text}"
        );
        assert_eq!(tree.text(name), "theirs");
        // Nor lost is what was there before.
        let former = tree.path("k/pki/.certs-backup/0101010101010101/b.crt");
        assert!(former.exists(), "{name}");
        drop(writer);
        let before = tree.all();
        let told = error(tree.writer().recover(aged));
        assert!(told.contains(name), "{told}");
        assert_eq!(tree.all(), before);
    }
}
