use time::Duration;

use super::*;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const WROTE: Digest = [1; 32];
const FORMER: Digest = [2; 32];
const OTHER: Digest = [3; 32];

fn look(digest: Digest) -> Look {
    Look {
        digest,
        mode: 0o600,
        user: 4,
        group: 5,
    }
}

fn gone() -> State {
    State::Unreadable {
        code: Code::Unreadable,
        why: "is a symbolic link, not a file".to_owned(),
        way_out: "move it away".to_owned(),
    }
}

/// A file that the run replaced, and that is as the run left it.
fn replaced(name: &str) -> Changed {
    Changed {
        file: FileId::new(Root::Pki, name),
        wrote: Some(WROTE),
        replaced: Some(FORMER),
        now: State::File(look(WROTE)),
        copy: State::File(look(FORMER)),
        copy_path: format!("/b/{name}").into(),
        largest_mode: 0o640,
        validity: None,
    }
}

fn created(name: &str) -> Changed {
    Changed {
        replaced: None,
        copy: State::Absent,
        ..replaced(name)
    }
}

fn last(files: &[Changed]) -> Last {
    Last {
        folder: FileId::new(Root::Pki, "backups/1"),
        command: "all".to_owned(),
        time: NOW,
        kept: true,
        files: files.to_vec(),
        elsewhere: Vec::new(),
    }
}

fn nowhere() -> FileId {
    FileId::new(Root::Pki, "backups")
}

fn planned(files: &[Changed]) -> Plan {
    plan(Some(&last(files)), &nowhere(), &[], Created::Leave, NOW).expect("a plan")
}

fn steps(files: &[Changed]) -> Vec<Step> {
    let steps = planned(files).steps;
    steps.iter().map(|planned| planned.step).collect()
}

/// The codes, files and whole sentences of a refusal.
fn refused(last: &Last) -> Vec<(Code, String, String)> {
    let refusal = plan(Some(last), &nowhere(), &[], Created::Leave, NOW).expect_err("a refusal");
    let told = |finding: Finding| {
        let sentence = format!("{}: {}", finding.text, finding.way_out);
        (finding.code, finding.file.name, sentence)
    };
    refusal.findings.into_iter().map(told).collect()
}

const RESTORE: Step = Step::Restore {
    now: Some(WROTE),
    mode: 0o600,
    had: None,
};

#[test]
fn what_the_run_replaced_is_put_back_in_its_order_a_pair_together() {
    let files = ["etcd/server.crt", "etcd/server.key", "server.crt"].map(replaced);
    let plan = planned(&files);
    let names: Vec<_> = plan
        .steps
        .iter()
        .map(|planned| (planned.file.name.as_str(), planned.step, planned.pair))
        .collect();
    assert_eq!(
        names,
        [
            ("etcd/server.crt", RESTORE, 0),
            ("etcd/server.key", RESTORE, 0),
            ("server.crt", RESTORE, 2)
        ]
    );
    assert_eq!(plan.findings, []);
}

#[test]
fn files_of_one_stem_in_two_directories_are_no_pair() {
    let elsewhere = Changed {
        file: FileId::new(Root::Kubelet, "kubelet.key"),
        ..replaced("")
    };
    let plan = planned(&[replaced("kubelet.crt"), elsewhere]);
    let pairs: Vec<_> = plan.steps.iter().map(|planned| planned.pair).collect();
    assert_eq!(pairs, [0, 1]);
}

#[test]
fn what_the_run_created_stays_and_what_became_of_it_since_is_no_matter() {
    assert_eq!(steps(&[created("a.key")]), [Step::Leave]);
    for now in [State::Absent, State::File(look(OTHER))] {
        let since = Changed {
            now,
            ..created("a.key")
        };
        assert_eq!(steps(&[since]), []);
    }
}

#[test]
fn what_is_as_it_was_is_kept_with_or_without_its_copy() {
    for copy in [
        State::File(look(FORMER)),
        State::File(look(OTHER)),
        State::Absent,
        gone(),
    ] {
        let kept = Changed {
            now: State::File(look(FORMER)),
            copy,
            ..replaced("a.key")
        };
        assert_eq!(steps(&[kept]), [Step::Keep]);
    }
}

#[test]
fn a_former_content_under_another_mode_or_owner_gets_its_own_again() {
    let former = look(FORMER);
    for now in [
        Look {
            mode: 0o640,
            ..former
        },
        Look { user: 0, ..former },
        Look { group: 0, ..former },
    ] {
        let touched = Changed {
            now: State::File(now),
            ..replaced("a.key")
        };
        let restore = Step::Restore {
            now: Some(FORMER),
            mode: 0o600,
            had: None,
        };
        assert_eq!(steps(&[touched]), [restore]);
    }
}

#[test]
fn no_more_of_a_mode_is_put_back_than_such_a_file_may_have() {
    let mut open = replaced("a.key");
    open.copy = State::File(Look {
        mode: 0o4666,
        ..look(FORMER)
    });
    let restore = Step::Restore {
        now: Some(WROTE),
        mode: 0o640,
        had: Some(0o4666),
    };
    assert_eq!(steps(&[open.clone()]), [restore]);
    // Put back so, it is as it was, as far as it may be.
    open.now = State::File(Look {
        mode: 0o640,
        ..look(FORMER)
    });
    assert_eq!(steps(&[open]), [Step::Keep]);
}

#[test]
fn what_was_changed_or_has_vanished_since_is_refused_with_the_place_of_its_former_content() {
    for (now, code, words) in [
        (
            State::File(look(OTHER)),
            Code::ChangedSince,
            "was changed after the run that wrote it: if what it was before is wanted, copy it from /b/a.key",
        ),
        (
            State::Absent,
            Code::ChangedSince,
            "has vanished since the run that wrote it: if what it was before is wanted, copy it from /b/a.key",
        ),
        (
            gone(),
            Code::Unreadable,
            "is a symbolic link, not a file: move it away",
        ),
    ] {
        let since = Changed {
            now,
            ..replaced("a.key")
        };
        let told = refused(&last(&[since]));
        assert_eq!(told, [(code, "a.key".to_owned(), words.to_owned())]);
    }
}

#[test]
fn a_link_that_leads_elsewhere_since_is_to_be_copied_as_a_link() {
    let current = "kubelet-client-current.pem";
    let since = Changed {
        file: FileId::new(Root::Kubelet, current),
        now: State::File(look(OTHER)),
        ..replaced(current)
    };
    let words = "was changed after the run that wrote it: if what it was before is wanted, copy it from \
                 /b/kubelet-client-current.pem, as the link that it is ('cp -P')";
    let told = (Code::ChangedSince, current.to_owned(), words.to_owned());
    assert_eq!(refused(&last(&[since])), [told]);
}

/// A file that the run removed, and that is not there.
fn removed(name: &str) -> Changed {
    Changed {
        wrote: None,
        now: State::Absent,
        ..replaced(name)
    }
}

#[test]
fn what_the_run_removed_is_put_back_where_nothing_is_there() {
    let restore = Step::Restore {
        now: None,
        mode: 0o600,
        had: None,
    };
    assert_eq!(steps(&[removed("a.key")]), [restore]);
    let already = Changed {
        now: State::File(look(FORMER)),
        ..removed("a.key")
    };
    assert_eq!(steps(&[already]), [Step::Keep]);
    let other = Changed {
        now: State::File(look(OTHER)),
        ..removed("a.key")
    };
    let words = "has appeared since the run that removed it: if what it was before is wanted, copy it from /b/a.key";
    let told = (Code::ChangedSince, "a.key".to_owned(), words.to_owned());
    assert_eq!(refused(&last(&[other])), [told]);
    let uncopied = Changed {
        copy: State::Absent,
        ..removed("a.key")
    };
    assert_eq!(refused(&last(&[uncopied]))[0].0, Code::BackupDamaged);
}

#[test]
fn what_the_run_created_goes_where_that_is_asked_for_after_all_else_is_put_back() {
    let files = [
        created("ca-next.crt"),
        replaced("ca.crt"),
        removed("ca.key"),
        created("ca-next.key"),
    ];
    let plan = plan(Some(&last(&files)), &nowhere(), &[], Created::Remove, NOW).expect("a plan");
    let told = plan.steps.iter().map(|planned| {
        let goes = planned.step == Step::Remove { now: WROTE };
        (planned.file.name.as_str(), goes)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("ca.crt", false),
            ("ca.key", false),
            ("ca-next.crt", true),
            ("ca-next.key", true)
        ]
    );
}

#[test]
fn what_the_run_created_and_is_another_by_now_is_refused_where_it_is_to_go() {
    let planned = |now| {
        let since = Changed {
            now,
            ..created("ca-next.key")
        };
        plan(Some(&last(&[since])), &nowhere(), &[], Created::Remove, NOW)
    };
    assert_eq!(planned(State::Absent).expect("a plan").steps, []);
    let refusal = planned(State::File(look(OTHER))).expect_err("a refusal");
    assert_eq!(refusal.findings[0].code, Code::ChangedSince);
    assert_eq!(
        refusal.findings[0].text,
        "was changed after the run that created it"
    );
    let refusal = planned(gone()).expect_err("a refusal");
    assert_eq!(refusal.findings[0].code, Code::Unreadable);
}

#[test]
fn a_created_file_that_cannot_be_looked_at_is_refused() {
    let unreadable = Changed {
        now: gone(),
        ..created("a.key")
    };
    assert_eq!(refused(&last(&[unreadable]))[0].0, Code::Unreadable);
}

#[test]
fn a_copy_that_is_not_what_the_run_replaced_is_refused() {
    for (copy, words) in [
        (
            State::File(look(OTHER)),
            "its copy /b/a.key is not what the run replaced: restore it from another backup",
        ),
        (
            State::Absent,
            "its copy /b/a.key is not there: restore it from another backup",
        ),
        (
            gone(),
            "its copy /b/a.key is a symbolic link, not a file: move it away",
        ),
    ] {
        let damaged = Changed {
            copy,
            ..replaced("a.key")
        };
        let told = refused(&last(&[damaged]));
        let words = format!("cannot be put back: {words}");
        assert_eq!(told, [(Code::BackupDamaged, "a.key".to_owned(), words)]);
    }
}

#[test]
fn a_directory_of_the_run_that_was_not_given_is_told_and_nothing_of_the_one_in_its_place() {
    let foreign = Changed {
        now: gone(),
        copy: State::Absent,
        ..replaced("a.key")
    };
    let mut last = last(&[foreign]);
    last.elsewhere = vec![(Root::Kubelet, "/l".into()), (Root::Pki, "/k/pki".into())];
    let told = [("/l", "--kubelet-dir"), ("/k/pki", "--cert-dir")].map(|(was, flag)| {
        let words = format!(
            "is of a run that also changed files in {was}, and this one was not given that: run again with {flag} {was}"
        );
        (Code::BackupElsewhere, "backups/1".to_owned(), words)
    });
    assert_eq!(refused(&last), told);
}

#[test]
fn every_reason_is_told_and_one_is_enough_to_refuse_all() {
    let both = Changed {
        now: State::File(look(OTHER)),
        copy: State::Absent,
        ..replaced("a.key")
    };
    let vanished = Changed {
        now: State::Absent,
        copy: gone(),
        ..replaced("b.key")
    };
    let told = refused(&last(&[replaced("a.crt"), both, vanished]));
    let told: Vec<_> = told
        .iter()
        .map(|(code, file, _)| (*code, file.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Code::ChangedSince, "a.key"),
            (Code::BackupDamaged, "a.key"),
            (Code::ChangedSince, "b.key"),
            (Code::BackupDamaged, "b.key")
        ]
    );
}

#[test]
fn without_a_backup_there_is_nothing_to_put_back() {
    let refusal = plan(None, &nowhere(), &[], Created::Leave, NOW).expect_err("a refusal");
    let codes: Vec<_> = refusal.findings.iter().map(|found| found.code).collect();
    assert_eq!(codes, [Code::NoBackup]);
    assert_eq!(refusal.findings[0].file, nowhere());
}

#[test]
fn a_last_run_that_kept_nothing_is_told_by_its_verb_and_time_and_no_older_one_is_undone() {
    let mut last = last(&[replaced("a.key"), created("b.key")]);
    last.kept = false;
    let words = "is of the last run, 'certs all' at 1970-01-01 00:00:00 UTC, which had --no-backup: nothing that it \
                 replaced was kept: if the run before it is to be undone all the same, move this folder away";
    let told = (Code::NoBackup, "backups/1".to_owned(), words.to_owned());
    assert_eq!(refused(&last), [told]);
}

#[test]
fn a_list_that_cannot_be_read_may_be_that_of_the_last_run() {
    let list = FileId::new(Root::Kubelet, "backups/1/journal");
    for last in [None, Some(&last(&[replaced("a.key")]))] {
        let refusal = plan(
            last,
            &nowhere(),
            std::slice::from_ref(&list),
            Created::Leave,
            NOW,
        )
        .expect_err("refused");
        let told: Vec<_> = refusal
            .findings
            .iter()
            .map(|found| (found.code, &found.file))
            .collect();
        assert_eq!(told, [(Code::BackupDamaged, &list)]);
    }
}

fn until(not_after: OffsetDateTime) -> Validity {
    Validity {
        not_before: not_after - Duration::DAY,
        not_after,
    }
}

#[test]
fn a_certificate_whose_time_is_over_is_put_back_and_told() {
    for (seconds, told) in [(-1, true), (0, false), (1, false)] {
        let ended = Changed {
            validity: Some(until(NOW + Duration::seconds(seconds))),
            ..replaced("a.crt")
        };
        let plan = planned(&[ended]);
        let codes: Vec<_> = plan.findings.iter().map(|found| found.code).collect();
        assert_eq!(codes.contains(&Code::RestoredExpired), told, "{seconds}");
    }
    let kept = Changed {
        validity: Some(until(NOW - Duration::DAY)),
        now: State::File(look(FORMER)),
        ..replaced("a.crt")
    };
    assert_eq!(planned(&[kept]).findings, []);
}

#[test]
fn half_of_a_pair_beside_one_that_the_run_created_is_told() {
    let plan = planned(&[created("a.crt"), replaced("a.key"), created("b.crt")]);
    let told: Vec<_> = plan
        .findings
        .iter()
        .map(|found| (found.code, found.file.name.as_str(), found.text.as_str()))
        .collect();
    let text = "is put back beside a.crt, which that run created";
    assert_eq!(told, [(Code::RestoredHalf, "a.key", text)]);
    let gone = Changed {
        now: State::Absent,
        ..created("a.crt")
    };
    assert_eq!(planned(&[gone, replaced("a.key")]).findings, []);
}

#[test]
fn what_the_system_did_not_let_be_read_is_told_as_that_in_either_place() {
    let failed = || State::Unreadable {
        code: Code::ReadFailed,
        why: "cannot be read: I/O error".to_owned(),
        way_out: "look at the file system that it is on".to_owned(),
    };
    let now = Changed {
        now: failed(),
        ..replaced("a.key")
    };
    let copy = Changed {
        copy: failed(),
        ..replaced("b.key")
    };
    let codes: Vec<_> = refused(&last(&[now, copy]))
        .into_iter()
        .map(|(code, ..)| code)
        .collect();
    assert_eq!(codes, [Code::ReadFailed; 2]);
}
