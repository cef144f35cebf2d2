//! A corpus of single faults. Each is put into a good tree by a recipe (`common/recipes.sh`), and then:
//! the findings are exactly those of its row, the exit code is theirs, nothing changed, and
//! `--force` mends it and touches nothing else, or refuses as well.
//!
//! A new fault is a row of one of the tables. A row that does not hold is told with what was found,
//! in the form of a row.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::BTreeSet;

use certs::finding::Code;

#[path = "../common/mod.rs"]
mod common;

mod authorities;
mod by_hand;
mod fault;
mod files;
mod good;
mod kubeconfigs;
mod leaves;
mod service_account;
mod signatures;
mod ways;

use fault::Fault;

/// Every table.
fn faults() -> impl Iterator<Item = &'static Fault> {
    leaves::FAULTS
        .iter()
        .chain(signatures::FAULTS)
        .chain(files::FAULTS)
        .chain(authorities::FAULTS)
        .chain(service_account::FAULTS)
        .chain(kubeconfigs::FAULTS)
}

#[test]
fn each_fault_is_told_exactly_changes_nothing_and_is_mended_alone() {
    common::each(faults(), |fault| {
        let holds = fault.holds();
        holds.map_err(|text| format!("{}: {text}", fault.name))
    });
}

#[test]
#[allow(clippy::disallowed_macros, reason = "who runs it is told how many")]
fn the_corpus_has_many_faults_each_once() {
    let names: BTreeSet<&str> = faults().map(|fault| fault.name).collect();
    assert_eq!(names.len(), faults().count());
    let by_hand = by_hand::slip_names().len();
    println!(
        "{} single faults, {by_hand} mistakes of trees made by hand",
        names.len()
    );
    assert!(names.len() >= 150, "{}", names.len());
    assert!(by_hand >= 100, "{by_hand}");
    for base in common::base::ALL {
        let rows = faults().filter(|fault| fault.base == base).count();
        assert!(rows >= 2, "{base:?}: {rows}");
    }
}

/// What no fault of a tree can show, each with the test that shows it.
const ELSEWHERE: [(Code, &str); 54] = [
    // Of a CA that is replaced in stages.
    (
        Code::NotRotated,
        "what_would_be_cut_off_by_a_stage_refuses_it (tests/rotate.rs)",
    ),
    (
        Code::Rotation,
        "each_stage_is_told_by_the_files_and_leaves_a_tree_without_faults (tests/rotate.rs)",
    ),
    (
        Code::CrossMissing,
        "what_comes_back_between_issue_and_drop_is_followed_by_who_trusts_the_former_ca_alone (tests/rotate_crossed.rs)",
    ),
    (
        Code::RotationOrder,
        "a_stage_that_does_not_come_next_is_refused_and_one_that_was_reached_does_nothing (tests/rotate.rs)",
    ),
    // Of days that passed.
    (
        Code::Superseded,
        "an_old_copy_of_what_was_renewed_is_no_error_and_is_to_be_moved_away (tests/renew_ends.rs)",
    ),
    // Of a key that takes minutes to make.
    (
        Code::LargeKey,
        "a_leaf_of_a_large_key_is_read_warned_of_handed_out_and_renewed_with_one_that_components_take (tests/large_keys.rs)",
    ),
    // Of days to come.
    (
        Code::ShortLived,
        "a_leaf_that_its_ca_cut_short_is_not_so_for_ever (tests/renew_ends.rs)",
    ),
    // Of nodes, by their roles.
    (
        Code::KeyNotNeeded,
        "a_key_that_a_node_needs_no_more_is_told (tests/nodes.rs)",
    ),
    (
        Code::KeyShared,
        "a_tree_that_was_copied_to_another_node_is_told (tests/check_nodes.rs)",
    ),
    // Of nodes that share it.
    (
        Code::SharedDiffers,
        "a_node_that_shares_something_else_is_refused_and_mended_by_force (tests/nodes.rs)",
    ),
    // Of backups, which only a rollback looks at.
    (
        Code::BackupDamaged,
        "what_is_not_as_the_run_left_it_is_refused_and_nothing_is_touched (tests/rollback.rs)",
    ),
    (
        Code::BackupElsewhere,
        "a_directory_of_the_run_that_was_not_given_is_the_one_cause_that_is_told (tests/rollback.rs)",
    ),
    (
        Code::ChangedSince,
        "what_is_not_as_the_run_left_it_is_refused_and_nothing_is_touched (tests/rollback.rs)",
    ),
    // Of a kubeconfig that was to be written: without --force it is only drift.
    (
        Code::NamesTaken,
        "another_cluster_under_our_names_is_not_overwritten_by_force (tests/behaviour.rs)",
    ),
    (
        Code::NoBackup,
        "a_run_that_kept_no_backup_leaves_nothing_to_put_back (tests/rollback.rs)",
    ),
    (
        Code::RestoredExpired,
        "a_certificate_that_has_expired_since_is_put_back_with_a_warning (tests/rollback.rs)",
    ),
    (
        Code::RestoredHalf,
        "what_the_run_created_stays_by_name_and_half_a_pair_is_a_warning (tests/rollback.rs)",
    ),
    // Of a renewal.
    (
        Code::EndsSooner,
        "what_would_end_sooner_is_told_and_not_renewed_unless_it_is_asked_for (src/plan/tests/renewal.rs)",
    ),
    (
        Code::NotRenewed,
        "of_an_external_ca_nothing_is_renewed_and_the_rest_is (src/plan/tests/renewal.rs)",
    ),
    (
        Code::NotSelfSigned,
        "a_ca_that_another_signed_and_one_whose_key_is_locked_are_not_renewed (src/plan/tests/renewal.rs)",
    ),
    // Of a whole tree and of its age, which only a check looks at.
    (
        Code::BasicConstraints,
        "each_finding_of_a_check_is_told_alone (tests/check.rs)",
    ),
    (
        Code::NotLookedAt,
        "what_lies_there_is_found_whatever_its_name_and_place (tests/check.rs)",
    ),
    (
        Code::SeveralCertificates,
        "each_finding_of_a_check_is_told_alone (tests/check.rs)",
    ),
    (
        Code::TokenKeys,
        "the_keys_that_tokens_are_accepted_of_are_told_as_tokens_name_them (tests/check.rs)",
    ),
    (
        Code::KeyUnread,
        "who_may_not_read_keys_has_the_certificates_checked (tests/check.rs)",
    ),
    // Of what a repair would make.
    (
        Code::TooLarge,
        "a_kubeconfig_that_would_be_too_large_is_not_replaced (tests/kubeconfigs.rs)",
    ),
    // Asked for by a flag of one verb.
    (
        Code::KubeconfigFiles,
        "what_is_of_the_other_kind_is_refused_and_replaced_by_force_alone (tests/embed.rs)",
    ),
    // Of a pair that was to be made anew.
    (
        Code::HalvedPair,
        "a_pair_of_which_a_kubeconfig_has_one_half_is_not_made_anew_beside_it (tests/embed.rs)",
    ),
    // Of a file that holds no certificate.
    (
        Code::BootstrapDiffers,
        "another_one_is_refused_and_replaced_by_force_alone (tests/bootstrap.rs)",
    ),
    // Of a file that is none of the tree's.
    (
        Code::KubeconfigForeign,
        "another_cluster_s_is_refused_and_no_other_is_written (tests/refresh.rs)",
    ),
    (
        Code::TrustFile,
        "one_that_names_its_ca_file_is_left_as_it_is (tests/refresh.rs)",
    ),
    // Of requests.
    (
        Code::KeyIdentifier,
        "a_ca_that_its_leaves_would_not_find_is_refused_before_anything_is_written (tests/intermediates.rs)",
    ),
    (
        Code::NotReturned,
        "what_came_back_wrong_is_refused_by_name_and_nothing_is_written (tests/external.rs)",
    ),
    (
        Code::NewRoot,
        "a_root_that_comes_with_a_ca_in_use_is_told_with_its_fingerprint_whatever_is_quiet (tests/medium.rs)",
    ),
    (
        Code::RootDropped,
        "a_ca_that_leads_to_another_root_than_before_is_told_and_refused_where_that_root_did_not_come (tests/medium.rs)",
    ),
    (
        Code::RootNotSent,
        "a_ca_that_leads_to_another_root_than_before_is_told_and_refused_where_that_root_did_not_come (tests/medium.rs)",
    ),
    (
        Code::NotAsked,
        "a_list_keeps_nothing_that_the_tree_did_not_ask_for (tests/medium.rs)",
    ),
    (
        Code::UnrelatedCa,
        "a_ca_that_nothing_leads_to_is_refused_by_name_wherever_it_stands_in_the_file (tests/import.rs)",
    ),
    (
        Code::OtherCa,
        "what_was_issued_is_replaced_by_force_alone_and_another_ca_by_nothing (tests/sign.rs)",
    ),
    (
        Code::RequestCa,
        "what_is_asked_beyond_the_profile_is_refused_by_name_and_nothing_is_written (tests/sign.rs)",
    ),
    (
        Code::RequestExtension,
        "what_is_asked_beyond_the_profile_is_refused_by_name_and_nothing_is_written (tests/sign.rs)",
    ),
    (
        Code::RequestKey,
        "what_is_asked_beyond_the_profile_is_refused_by_name_and_nothing_is_written (tests/sign.rs)",
    ),
    (
        Code::RequestSan,
        "what_is_asked_beyond_the_profile_is_refused_by_name_and_nothing_is_written (tests/sign.rs)",
    ),
    (
        Code::RequestSanTaken,
        "names_are_taken_from_a_request_where_that_was_asked_for_and_each_is_told (tests/sign.rs)",
    ),
    (
        Code::RequestSignature,
        "what_is_asked_beyond_the_profile_is_refused_by_name_and_nothing_is_written (tests/sign.rs)",
    ),
    (
        Code::RequestSubject,
        "what_is_asked_beyond_the_profile_is_refused_by_name_and_nothing_is_written (tests/sign.rs)",
    ),
    (
        Code::RequestUsage,
        "what_is_asked_beyond_the_profile_is_refused_by_name_and_nothing_is_written (tests/sign.rs)",
    ),
    // Of what is made, not of what is there.
    (
        Code::ExpiresWithCa,
        "a_leaf_that_ends_with_its_ca_is_told (tests/behaviour.rs)",
    ),
    // A writer ends what was interrupted; only a dry run tells it.
    (
        Code::InterruptedRun,
        "an_interrupted_run_is_told_to_a_reader_who_leaves_it (tests/behaviour.rs)",
    ),
    // Of the node's own name, and so of a good tree.
    (
        Code::LongName,
        "good::a_tree_of_a_node_with_a_long_name_has_notes_alone",
    ),
    // Root may read everything.
    // Of what is missing, which nothing in the tree tells.
    (
        Code::Assumed,
        "what_is_missing_is_asked_for_as_the_rest_of_the_tree_tells_and_not_as_this_machine_is (tests/external.rs)",
    ),
    (
        Code::CaShortened,
        "a_ca_that_would_end_before_what_it_signed_is_refused_and_one_that_ends_sooner_is_told (tests/renew.rs)",
    ),
    (
        Code::CaTooShort,
        "a_ca_that_would_end_before_what_it_signed_is_refused_and_one_that_ends_sooner_is_told (tests/renew.rs)",
    ),
    (
        Code::ReadFailed,
        "tree::what_may_not_be_read_or_written_is_answered_with_file_and_reason (tests/bad_input)",
    ),
];

#[test]
fn every_code_of_a_generating_verb_is_shown_by_a_fault() {
    let shown: BTreeSet<&str> = faults()
        .flat_map(|fault| fault.told)
        .copied()
        .chain(by_hand::lines())
        .map(fault::code)
        .collect();
    let elsewhere: BTreeSet<&str> = ELSEWHERE.iter().map(|(code, _)| code.id()).collect();
    let missing: Vec<&str> = Code::ALL
        .iter()
        .map(|code| code.id())
        .filter(|code| !shown.contains(code) && !elsewhere.contains(code))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "shown by no fault");
    let both: Vec<_> = shown.intersection(&elsewhere).collect();
    assert_eq!(both, Vec::<&&str>::new(), "shown by a fault after all");
}
