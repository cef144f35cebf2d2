//! A run that fails in the middle of its renames, and is killed while it takes them back.

use crate::ground::{DRIFTED, Ground, Layout, drift};
use crate::kills::{REPAIR, two_file_systems};
use crate::mounts::apart;
use crate::point::{kill_after_error, points_after_error};
use crate::sweep::say;

const GIVEN_AWAY: &[&str] = &["all", "--owner", "nobody", "--quiet"];

/// Kills at each operation after the failure; `judge` says what is wrong then.
pub fn sweep(
    ground: &Ground,
    arguments: &[&str],
    failing: (&str, usize),
    judge: impl Fn(&Ground) -> Result<(), String>,
) {
    ground.save("before");
    let points = points_after_error(ground, arguments, failing);
    assert!(points.len() > 10, "the undoing did little: {points:?}");
    let mut wrong = Vec::new();
    for point in &points {
        ground.restore("before");
        let killed = kill_after_error(ground, arguments, failing, point);
        let judged = if killed.status.code().is_none() {
            ground.keys_are_private().and_then(|()| judge(ground))
        } else {
            Err(format!("the run was not killed: {killed}"))
        };
        wrong.extend(judged.err().map(|why| format!("{point:?}: {why}")));
    }
    let failing = format!("{} {}", failing.0, failing.1);
    say(&format!("undoing after {failing}: {} kills", points.len()));
    assert!(
        wrong.is_empty(),
        "{} of {} kills after {failing}:\n{}",
        wrong.len(),
        points.len(),
        wrong[..wrong.len().min(12)].join("\n\n")
    );
}

pub fn nothing_left(ground: &Ground) -> Result<(), String> {
    let left = ground.left();
    if left.is_empty() {
        return ground.keys_are_private();
    }
    Err(format!("left behind: {left:?}"))
}

#[test]
fn a_kill_while_a_run_is_undone_leaves_nothing_that_its_owner_bars_the_next_run_from() {
    apart(
        "undo::a_kill_while_a_run_is_undone_leaves_nothing_that_its_owner_bars_the_next_run_from",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let ground = Ground::new(Layout::Two, &first, &second, 0);
            for failing in [("renameat2", 5), ("fchown", 9)] {
                ground.clear();
                sweep(&ground, GIVEN_AWAY, failing, |ground| {
                    let again = ground.run(GIVEN_AWAY);
                    if again.status.code() != Some(0) {
                        return Err(format!("the run after it: {again}"));
                    }
                    ground.tree().whole()?;
                    nothing_left(ground)
                });
            }
        },
    );
}

#[test]
fn a_kill_while_a_repair_is_undone_leaves_the_old_tree_or_the_new_one() {
    apart(
        "undo::a_kill_while_a_repair_is_undone_leaves_the_old_tree_or_the_new_one",
        |folder| {
            let (first, second) = two_file_systems(folder);
            for layout in [Layout::One, Layout::Two] {
                let ground = Ground::new(layout, &first, &second, 0);
                drift(&ground);
                let old = ground.tree();
                sweep(&ground, REPAIR.arguments, ("renameat", 6), |ground| {
                    let again = ground.run(&["all", "--quiet"]);
                    let tree = ground.tree();
                    match again.status.code() {
                        Some(4) => tree.same(&old, "neither old nor new")?,
                        Some(0) => {
                            tree.whole()?;
                            let changed: Vec<_> = tree.differences(&old).into_iter().collect();
                            if changed != DRIFTED {
                                return Err(format!("neither old nor new: {changed:?}"));
                            }
                        }
                        _ => return Err(format!("the run after it: {again}")),
                    }
                    nothing_left(ground)
                });
            }
        },
    );
}
