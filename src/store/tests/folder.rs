//! Folders that others may have put there. Root is needed, to give links to another user.

use std::os::unix::fs::{lchown, symlink};

use super::*;
use crate::store::ReadError;
use crate::store::directory::{Directory, PRIVATE_DIRECTORY_MODE};

const STRANGER: u32 = 65534;

fn of_pki(writer: &Writer) -> &Directory {
    &writer.places[writer.place(Root::Pki).unwrap()].directory
}

/// What can be done with a name in `folder`, each of which must say `words`.
fn all_barred(directory: &Directory, folder: &str, words: &str) {
    let inner = format!("{folder}/ca.crt");
    let own = directory.status("own").unwrap().unwrap().seen;
    let refused = [
        error(directory.names(folder)),
        error(directory.status(&inner).map(drop)),
        error(directory.read(&inner).map_err(anyhow::Error::from)),
        error(directory.make_folder(&inner, PRIVATE_DIRECTORY_MODE)),
        error(directory.write(&inner, b"new")),
        error(directory.open(&inner)),
        error(directory.sync(folder)),
        error(directory.replace("own", &inner, own)),
        error(directory.replace(&inner, "own", own)),
        error(directory.place("own", &inner)),
        error(directory.link(&inner, "copy")),
        error(directory.link("own", &inner)),
        error(directory.remove(&inner)),
        error(directory.remove_folder(&inner)),
    ];
    for text in refused {
        assert!(text.contains(words), "{words:?} is expected: {text}");
    }
}

#[test]
fn nothing_is_done_through_a_link_of_another_user_that_came_after_the_lock() {
    let tree = Tree::new();
    let writer = tree.writer();
    tree.write("victim/ca.crt", "precious");
    tree.write("k/pki/own", "own");
    let link = tree.path("k/pki/etcd");
    symlink("../../victim", &link).unwrap();
    lchown(&link, Some(STRANGER), Some(STRANGER)).unwrap();
    let before = tree.all();
    let words = "k/pki/etcd is a symbolic link of user 65534";
    all_barred(of_pki(&writer), "etcd", words);
    let read = tree.store().read(&pki("etcd/ca.crt")).unwrap_err();
    assert!(
        matches!(read, ReadError::Stranger(_)) && read.to_string().contains(words),
        "{read}"
    );
    drop(writer);
    let told = [
        error(tree.store().check_writable(&[Root::Pki])),
        error(tree.store().lock_shared(&[Root::Pki])),
    ];
    for text in told {
        assert!(
            text.contains(words) && text.ends_with("or choose another --cert-dir"),
            "{text}"
        );
    }
    assert_eq!(tree.all(), before);
    // It is the user alone that makes the difference.
    lchown(&link, Some(0), Some(0)).unwrap();
    let mut writer = tree.writer();
    writer
        .commit(
            vec![replace(pki("etcd/ca.crt"), "precious", "new")],
            &options(1),
        )
        .unwrap();
    assert_eq!(tree.text("victim/ca.crt"), "new");
}

#[test]
fn a_root_that_is_a_link_of_another_user_is_told() {
    let tree = Tree::new();
    tree.write("victim/ca.crt", "precious");
    fs::create_dir(tree.path("k")).unwrap();
    let link = tree.path("k/pki");
    symlink("../victim", &link).unwrap();
    lchown(&link, Some(STRANGER), Some(STRANGER)).unwrap();
    let told = [
        error(tree.store().check_writable(&[Root::Pki])),
        error(
            tree.store()
                .read(&pki("ca.crt"))
                .map_err(anyhow::Error::from),
        ),
    ];
    for text in told {
        assert!(
            text.contains("k/pki is a symbolic link of user 65534"),
            "{text}"
        );
    }
    lchown(&link, Some(0), Some(0)).unwrap();
    tree.store().check_writable(&[Root::Pki]).unwrap();
    assert!(tree.store().read(&pki("ca.crt")).unwrap().is_some());
}

/// What every way to a root says of it.
fn of_root(tree: &Tree, roots: &Roots) -> [String; 5] {
    let store = || Store::open(roots.clone());
    [
        error(store().check_writable(&[Root::Pki])),
        error(store().lock_shared(&[Root::Pki])),
        error(
            store()
                .lock(&[Root::Pki], Duration::ZERO, &mut |_| {})
                .map(drop),
        ),
        error(crate::store::writable::make(&tree.path("way/k/new/pki"))),
        error(store().read(&pki("ca.crt")).map_err(anyhow::Error::from)),
    ]
}

#[test]
fn a_link_of_another_user_above_a_root_is_told_wherever_it_is() {
    let tree = Tree::new();
    tree.write("victim/k/pki/ca.crt", "precious");
    let way = tree.path("way");
    let roots = Roots {
        pki: tree.path("way/k/pki"),
        ..tree.roots()
    };
    symlink("victim", &way).unwrap();
    lchown(&way, Some(STRANGER), Some(STRANGER)).unwrap();
    for text in of_root(&tree, &roots) {
        assert!(
            text.contains("/way is a symbolic link of user 65534"),
            "{text}"
        );
    }
    // Root's own link leads over his.
    fs::rename(&way, tree.path("his")).unwrap();
    symlink("./other/../his", &way).unwrap();
    fs::create_dir(tree.path("other")).unwrap();
    for text in of_root(&tree, &roots) {
        assert!(
            text.contains("/his is a symbolic link of user 65534"),
            "{text}"
        );
    }
    // It is the user alone that makes the difference.
    lchown(tree.path("his"), Some(0), Some(0)).unwrap();
    let store = Store::open(roots);
    assert!(store.read(&pki("ca.crt")).unwrap().is_some());
    store.lock_shared(&[Root::Pki]).unwrap();
    let mut writer = store
        .lock(&[Root::Pki], Duration::ZERO, &mut |_| {})
        .unwrap();
    let change = replace(pki("ca.crt"), "precious", "new");
    writer.commit(vec![change], &options(1)).unwrap();
    assert_eq!(tree.text("victim/k/pki/ca.crt"), "new");
}

#[test]
fn links_that_lead_to_each_other_are_an_error() {
    let tree = Tree::new();
    symlink("l", tree.path("k")).unwrap();
    symlink("k", tree.path("l")).unwrap();
    let text = error(crate::store::writable::make(&tree.path("k/pki")));
    assert!(
        text.ends_with("too many symbolic links encountered"),
        "{text}"
    );
}

#[test]
fn a_link_that_comes_while_the_lock_is_waited_for_is_not_followed() {
    let tree = Tree::new();
    tree.write("k/pki/ca.crt", "own");
    fs::create_dir(tree.path("victim")).unwrap();
    let before = tree.writer();
    let mut before = Some(before);
    let result = tree
        .store()
        .lock(&[Root::Pki], Duration::from_secs(5), &mut |_| {
            fs::rename(tree.path("k/pki"), tree.path("k/saved")).unwrap();
            symlink("../victim", tree.path("k/pki")).unwrap();
            lchown(tree.path("k/pki"), Some(STRANGER), Some(STRANGER)).unwrap();
            before.take();
        });
    let text = error(result.map(drop));
    assert!(
        text.contains("k/pki is a symbolic link of user 65534"),
        "{text}"
    );
}

#[test]
fn a_backup_is_entered_through_no_link_and_no_folder_of_others() {
    let tree = Tree::new();
    tree.write("k/pki/own", "own");
    tree.write("victim/0101010101010101/ca.crt", "precious");
    tree.write("victim/0101010101010101/etcd/ca.crt", "precious");
    let writer = tree.writer();
    let directory = of_pki(&writer);
    let backups = tree.path("k/pki/.certs-backup");
    let (first, second) = (
        ".certs-backup/0101010101010101",
        ".certs-backup/0101010101010101/etcd",
    );
    // Root's own links too: no run makes one there.
    symlink("../../victim", &backups).unwrap();
    let before = tree.all();
    all_barred(directory, first, ".certs-backup is a symbolic link");
    assert_eq!(tree.all(), before);
    fs::remove_file(&backups).unwrap();
    for (folder, target) in [
        (first, "../../../victim/0101010101010101"),
        (second, "../../../../victim/0101010101010101/etcd"),
    ] {
        let link = tree.path("k/pki").join(folder);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        for name in ["", "/0101010101010101"] {
            let name = format!("k/pki/.certs-backup{name}");
            if tree.path(&name).is_dir() {
                tree.chmod(&name, 0o700);
            }
        }
        symlink(target, &link).unwrap();
        let before = tree.all();
        all_barred(directory, folder, "is a symbolic link, not the directory");
        assert_eq!(tree.all(), before);
        fs::remove_file(&link).unwrap();
    }
    fs::create_dir(tree.path("k/pki").join(second)).unwrap();
    tree.chmod("k/pki/.certs-backup/0101010101010101/etcd", 0o770);
    all_barred(directory, second, "is open to others than its owner");
    tree.chmod("k/pki/.certs-backup/0101010101010101/etcd", 0o700);
    assert_eq!(directory.names(second).unwrap(), [""; 0]);
    lchown(&backups, Some(STRANGER), Some(STRANGER)).unwrap();
    all_barred(directory, second, "belongs to user 65534");
}
