//! The kubelet's link, which a commit replaces as it does a file.

use std::os::unix::fs::symlink;

use super::*;

const CURRENT: &str = "kubelet-client-current.pem";
const FIRST: &str = "kubelet-client-2026-01-02-03-04-05.pem";
const SECOND: &str = "kubelet-client-2026-02-02-03-04-05.pem";

fn kubelet(name: &str) -> FileId {
    FileId::new(Root::Kubelet, name)
}

fn changes() -> Vec<Change> {
    vec![
        create(kubelet(SECOND), "second"),
        replace(kubelet(CURRENT), FIRST, SECOND),
    ]
}

fn rotated_once() -> Tree {
    let tree = Tree::new();
    tree.write(&format!("l/{FIRST}"), "first");
    symlink(FIRST, tree.path("l").join(CURRENT)).unwrap();
    tree
}

fn current(tree: &Tree) -> (PathBuf, String) {
    let link = tree.path("l").join(CURRENT);
    (
        fs::read_link(&link).unwrap(),
        fs::read_to_string(&link).unwrap(),
    )
}

#[test]
fn a_link_is_made_and_replaced_and_its_former_target_stays() {
    let tree = Tree::new();
    let first = vec![
        create(kubelet(FIRST), "first"),
        create(kubelet(CURRENT), FIRST),
    ];
    tree.writer().commit(first, &options(1)).unwrap();
    assert_eq!(current(&tree), (FIRST.into(), "first".to_owned()));
    let there = tree.store().read(&kubelet(CURRENT)).unwrap().unwrap();
    assert_eq!(&**there.bytes, FIRST.as_bytes());
    tree.writer().commit(changes(), &options(2)).unwrap();
    assert_eq!(current(&tree), (SECOND.into(), "second".to_owned()));
    assert_eq!(tree.text(&format!("l/{FIRST}")), "first");
    let kept = tree.store().read_backup(transaction(2), &kubelet(CURRENT));
    assert_eq!(&**kept.unwrap().unwrap().bytes, FIRST.as_bytes());
    assert_eq!(tree.mode(&format!("l/{SECOND}")), 0o600);
}

#[test]
fn a_link_that_leads_elsewhere_by_now_is_not_replaced() {
    let tree = rotated_once();
    let link = tree.path("l").join(CURRENT);
    fs::remove_file(&link).unwrap();
    symlink("kubelet-client-2026-01-09-03-04-05.pem", &link).unwrap();
    let refused = error(tree.writer().commit(changes(), &options(1)));
    assert!(refused.contains("was changed meanwhile"), "{refused}");
}

#[test]
fn an_interrupted_run_with_a_link_is_completed_from_every_step() {
    for renamed in 0..=2 {
        let tree = rotated_once();
        let writer = tree.writer();
        let mut run = writer.begin(changes(), &options(1)).unwrap();
        run.prepare().unwrap();
        for job in run.jobs.iter().take(renamed) {
            run.rename_one(job).unwrap();
        }
        drop(writer);
        let recovered = tree.writer().recover(aged).unwrap().unwrap();
        assert_eq!(recovered.finished.len(), 2, "{renamed}");
        assert_eq!(current(&tree), (SECOND.into(), "second".to_owned()));
        let left = tree.hidden();
        assert!(
            left.iter().all(|name| name.contains(".certs-backup/")),
            "{left:?}"
        );
    }
}

#[test]
fn a_staged_link_of_an_undecided_run_goes_and_any_other_link_is_an_error() {
    let tree = rotated_once();
    let writer = tree.writer();
    let mut run = writer.begin(changes(), &options(1)).unwrap();
    run.prepare().unwrap();
    drop(writer);
    fs::remove_file(tree.path("l/.certs-journal")).unwrap();
    let recovered = tree.writer().recover(aged).unwrap().unwrap();
    assert_eq!(recovered.discarded, 2);
    assert_eq!(current(&tree), (FIRST.into(), "first".to_owned()));
    symlink("../k/admin.conf", tree.path("l/.certs-0101010101010101-0")).unwrap();
    let refused = error(tree.writer().recover(aged));
    assert!(refused.contains("it is a symbolic link"), "{refused}");
}

#[test]
fn a_failed_rename_takes_the_link_back() {
    let tree = rotated_once();
    let writer = tree.writer();
    let mut run = writer.begin(changes(), &options(1)).unwrap();
    run.prepare().unwrap();
    run.jobs.iter().for_each(|job| run.rename_one(job).unwrap());
    let told = run.undo(2, &anyhow::anyhow!("it failed"));
    assert_eq!(told.to_string(), "it failed; nothing was changed");
    assert_eq!(current(&tree), (FIRST.into(), "first".to_owned()));
    assert!(!tree.path("l").join(SECOND).exists());
}

#[test]
fn a_link_is_removed_and_what_it_led_to_stays() {
    let tree = rotated_once();
    tree.writer()
        .commit(vec![remove(kubelet(CURRENT), FIRST)], &options(1))
        .unwrap();
    assert!(tree.path("l").join(CURRENT).symlink_metadata().is_err());
    assert_eq!(tree.text(&format!("l/{FIRST}")), "first");
    let kept = tree.store().read_backup(transaction(1), &kubelet(CURRENT));
    assert_eq!(&**kept.unwrap().unwrap().bytes, FIRST.as_bytes());
}

#[test]
fn an_interrupted_removal_of_a_link_is_completed_and_a_failed_one_undone() {
    for (renamed, undone) in [(0, false), (1, false), (2, false), (2, true)] {
        let tree = rotated_once();
        let writer = tree.writer();
        let changes = vec![
            remove(kubelet(CURRENT), FIRST),
            remove(kubelet(FIRST), "first"),
        ];
        let mut run = writer.begin(changes, &options(1)).unwrap();
        run.prepare().unwrap();
        for job in run.jobs.iter().take(renamed) {
            run.rename_one(job).unwrap();
        }
        if undone {
            let told = run.undo(2, &anyhow::anyhow!("it failed"));
            assert_eq!(told.to_string(), "it failed; nothing was changed");
            assert_eq!(current(&tree), (FIRST.into(), "first".to_owned()));
        } else {
            drop(writer);
            tree.writer().recover(aged).unwrap().unwrap();
            assert!(tree.path("l").join(CURRENT).symlink_metadata().is_err());
            assert!(!tree.path("l").join(FIRST).exists());
        }
        let left = tree.hidden();
        assert!(
            left.iter().all(|name| name.contains(".certs-backup/")),
            "{left:?}"
        );
    }
}
