//! A call that fails.

use crate::ground::Layout;
use crate::kills::{FRESH, RECOVERIES, REPAIR, ROLLBACK, ROLLBACK_AGAIN, two_file_systems};
use crate::mounts::apart;
use crate::sweep::{Sort, sweep, sweep_threads};

#[test]
fn an_error_at_any_operation_of_all_is_told_and_changes_nothing() {
    apart(
        "refusals::an_error_at_any_operation_of_all_is_told_and_changes_nothing",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let sort = Sort::Errors {
                each: true,
                stride: 4,
            };
            sweep(Layout::Two, &FRESH, sort, &first, &second);
            sweep_threads(&FRESH, sort, &first, &second);
        },
    );
}

#[test]
fn an_error_at_any_operation_of_a_forced_repair_is_told_and_changes_nothing() {
    apart(
        "refusals::an_error_at_any_operation_of_a_forced_repair_is_told_and_changes_nothing",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let sort = Sort::Errors {
                each: true,
                stride: 6,
            };
            for layout in [Layout::One, Layout::Two] {
                sweep(layout, &REPAIR, sort, &first, &second);
            }
        },
    );
}

#[test]
fn an_error_at_any_operation_of_a_rollback_is_told_and_changes_nothing() {
    apart(
        "refusals::an_error_at_any_operation_of_a_rollback_is_told_and_changes_nothing",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let sort = Sort::Errors {
                each: true,
                stride: 6,
            };
            for layout in [Layout::One, Layout::Two] {
                sweep(layout, &ROLLBACK, sort, &first, &second);
            }
            let sort = Sort::Errors {
                each: false,
                stride: 40,
            };
            sweep(Layout::Two, &ROLLBACK_AGAIN, sort, &first, &second);
        },
    );
}

#[test]
fn an_error_at_any_operation_of_a_recovery_is_told_and_the_next_one_ends_it() {
    apart(
        "refusals::an_error_at_any_operation_of_a_recovery_is_told_and_the_next_one_ends_it",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let sort = Sort::Errors {
                each: false,
                stride: 40,
            };
            for scenario in &RECOVERIES {
                sweep(Layout::Two, scenario, sort, &first, &second);
            }
        },
    );
}
