//! A run that is killed.

use crate::ground::{Ground, Layout, drift};
use crate::mounts::{apart, tmpfs};
use crate::point::{Fault, points, strike};
use crate::sweep::{End, Scenario, Sort, sweep, sweep_threads};

pub const FRESH: Scenario = Scenario {
    name: "all into an empty folder",
    prepare: |_| {},
    arguments: &["all", "--quiet"],
    end: End::Fresh,
};

pub const REPAIR: Scenario = Scenario {
    name: "a forced repair",
    prepare: drift,
    arguments: &["all", "--force"],
    end: End::Repaired,
};

pub const REPAIR_WITHOUT_BACKUP: Scenario = Scenario {
    name: "a forced repair without backup",
    prepare: drift,
    arguments: &["all", "--force", "--no-backup", "--quiet"],
    end: End::Repaired,
};

pub const ROLLBACK: Scenario = Scenario {
    name: "a rollback",
    prepare: |ground| {
        drift(ground);
        ground.run(REPAIR.arguments).expect(0);
    },
    // One half of a pair was created by the repair, and that is a warning.
    arguments: &["rollback", "--fail-on", "error"],
    end: End::RolledBack,
};

/// Whoever repeats a rollback that was interrupted wants it done, and not undone.
pub const ROLLBACK_AGAIN: Scenario = Scenario {
    name: "a rollback after one that was killed in the middle of the renames",
    prepare: |ground| {
        (ROLLBACK.prepare)(ground);
        killed(ground, ROLLBACK.arguments, "renameat key", 1);
    },
    arguments: &["rollback"],
    end: End::Settled(4),
};

/// A run that was killed at the `nth` call of a class, counted from the end if negative.
pub fn killed(ground: &Ground, arguments: &[&str], class: &str, nth: isize) {
    ground.save("killed");
    let all = points(ground, arguments);
    ground.restore("killed");
    let of_class: Vec<_> = all.iter().filter(|point| point.class == class).collect();
    let length = isize::try_from(of_class.len()).expect("a small number");
    let index = if nth < 0 { length + nth } else { nth };
    let point = usize::try_from(index)
        .ok()
        .and_then(|index| of_class.get(index))
        .unwrap_or_else(|| panic!("no {class} {nth} among {all:#?}"));
    strike(ground, arguments, point, Fault::Kill).expect("the run has that call");
}

fn killed_repair(ground: &Ground, class: &str, nth: isize) {
    drift(ground);
    killed(ground, REPAIR.arguments, class, nth);
}

const ALL: &[&str] = &["all", "--quiet"];
/// What hinders the tidying up after a recovery is a note, which a quiet run leaves out.
const TOLD: &[&str] = &["all"];

/// What recovery may find, with what it must come to.
pub const RECOVERIES: [Scenario; 10] = [
    Scenario {
        name: "recovery of all, killed while staging",
        prepare: |ground| killed(ground, ALL, "write staged", 15),
        arguments: TOLD,
        end: End::Fresh,
    },
    Scenario {
        name: "recovery of all, killed while writing the list",
        prepare: |ground| killed(ground, ALL, "write journal", -1),
        arguments: TOLD,
        end: End::Fresh,
    },
    Scenario {
        name: "recovery of all, killed before the first rename",
        prepare: |ground| killed(ground, ALL, "renameat2 crt", 0),
        arguments: TOLD,
        end: End::Settled(0),
    },
    Scenario {
        name: "recovery of all, killed in the middle of the renames",
        prepare: |ground| killed(ground, ALL, "renameat2 key", 5),
        arguments: TOLD,
        end: End::Settled(0),
    },
    Scenario {
        name: "recovery of all, killed before the list goes",
        prepare: |ground| killed(ground, ALL, "unlinkat journal", 0),
        arguments: TOLD,
        end: End::Settled(0),
    },
    Scenario {
        name: "recovery of a repair, killed before its list is written",
        prepare: |ground| killed_repair(ground, "openat+create journal", -1),
        arguments: TOLD,
        end: End::Settled(4),
    },
    Scenario {
        name: "recovery of a repair, killed before etcd's files are given away",
        prepare: |ground| killed_repair(ground, "fchown staged", -1),
        arguments: TOLD,
        end: End::Settled(0),
    },
    Scenario {
        name: "recovery of a repair, killed in the middle of the renames",
        prepare: |ground| killed_repair(ground, "renameat key", 1),
        arguments: TOLD,
        end: End::Settled(0),
    },
    Scenario {
        name: "recovery of a repair, killed before the last rename, by a forced run",
        prepare: |ground| killed_repair(ground, "renameat conf", -1),
        arguments: &["all", "--force"],
        end: End::Settled(0),
    },
    Scenario {
        name: "recovery of a repair without backup, killed before the list goes",
        prepare: |ground| {
            drift(ground);
            let arguments = REPAIR_WITHOUT_BACKUP.arguments;
            killed(ground, arguments, "unlinkat journal", 0);
        },
        arguments: TOLD,
        end: End::Settled(0),
    },
];

#[test]
fn a_kill_at_any_operation_of_all_leaves_nothing_or_a_whole_tree() {
    apart(
        "kills::a_kill_at_any_operation_of_all_leaves_nothing_or_a_whole_tree",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let sort = Sort::Kills { stride: 1 };
            for layout in [Layout::One, Layout::Two] {
                sweep(layout, &FRESH, sort, &first, &second);
            }
            sweep_threads(&FRESH, sort, &first, &second);
        },
    );
}

#[test]
fn a_kill_at_any_operation_of_a_forced_repair_leaves_the_old_tree_or_the_new_one() {
    apart(
        "kills::a_kill_at_any_operation_of_a_forced_repair_leaves_the_old_tree_or_the_new_one",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let sort = Sort::Kills { stride: 1 };
            for layout in [Layout::One, Layout::Two] {
                sweep(layout, &REPAIR, sort, &first, &second);
            }
            sweep(Layout::Two, &REPAIR_WITHOUT_BACKUP, sort, &first, &second);
            sweep_threads(&REPAIR, sort, &first, &second);
        },
    );
}

#[test]
fn a_kill_at_any_operation_over_a_directory_and_a_folder_of_it_leaves_one_tree_or_the_other() {
    apart(
        "kills::a_kill_at_any_operation_over_a_directory_and_a_folder_of_it_leaves_one_tree_or_the_other",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let sort = Sort::Kills { stride: 2 };
            for scenario in [&FRESH, &REPAIR, &REPAIR_WITHOUT_BACKUP, &ROLLBACK] {
                sweep(Layout::Within, scenario, sort, &first, &second);
            }
        },
    );
}

#[test]
fn a_kill_at_any_operation_of_a_rollback_leaves_the_new_tree_or_the_former_one() {
    apart(
        "kills::a_kill_at_any_operation_of_a_rollback_leaves_the_new_tree_or_the_former_one",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let sort = Sort::Kills { stride: 1 };
            for layout in [Layout::One, Layout::Two] {
                sweep(layout, &ROLLBACK, sort, &first, &second);
            }
            sweep_threads(&ROLLBACK, sort, &first, &second);
            let sort = Sort::Kills { stride: 4 };
            sweep(Layout::Two, &ROLLBACK_AGAIN, sort, &first, &second);
        },
    );
}

#[test]
fn a_kill_at_any_operation_of_a_recovery_leaves_what_the_next_one_ends() {
    apart(
        "kills::a_kill_at_any_operation_of_a_recovery_leaves_what_the_next_one_ends",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let sort = Sort::Kills { stride: 4 };
            for scenario in &RECOVERIES {
                sweep(Layout::Two, scenario, sort, &first, &second);
            }
            for scenario in &RECOVERIES[7..] {
                sweep(Layout::One, scenario, sort, &first, &second);
            }
        },
    );
}

/// Two folders that no rename and no link leads between.
pub fn two_file_systems(folder: &std::path::Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let (first, second) = (folder.join("first"), folder.join("second"));
    tmpfs(&first, "mode=0755");
    tmpfs(&second, "mode=0755");
    (first, second)
}
