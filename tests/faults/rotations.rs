//! A stage of a rotation that is killed, and a run of another verb after it; and one of whose calls fails: it replaces
//! files, makes some, and takes away what waited for it.

use crate::ground::{Ground, Layout, Tree};
use crate::kills::two_file_systems;
use crate::mounts::apart;
use crate::point::{Fault, Struck, points, strike};
use crate::sweep::{ERRORS, End, Scenario, Sort, sweep};
use crate::undo;

const ISSUED: [&str; 6] = [
    "pki/front-proxy-ca-next.crt",
    "pki/front-proxy-ca-next.key",
    "pki/front-proxy-ca.crt",
    "pki/front-proxy-ca.key",
    "pki/front-proxy-client.crt",
    "pki/front-proxy-client.key",
];

const ISSUE: Scenario = Scenario {
    name: "a stage of a rotation that takes away what waited for it",
    prepare: |ground| {
        ground.run(&["all", "--quiet"]).expect(0);
        let trust = ["rotate", "front-proxy-ca", "trust", "--quiet"];
        ground.run(&trust).expect(0);
    },
    arguments: &["rotate", "front-proxy-ca", "issue", "--restarted"],
    end: End::Turned(&ISSUED, 2),
};

/// What changes as the cluster's next CA comes to be trusted: kubeconfigs hold it too.
const CLUSTER: [&str; 9] = [
    "admin.conf",
    "controller-manager.conf",
    "kubelet.conf",
    "pki/ca-next.crt",
    "pki/ca-next.key",
    "pki/ca-signing.crt",
    "pki/ca.crt",
    "scheduler.conf",
    "super-admin.conf",
];

/// It makes what waits, and the file that signs.
const TRUST: Scenario = Scenario {
    name: "the first stage of a rotation of the cluster's CA",
    prepare: |ground| {
        ground.run(&["all", "--quiet"]).expect(0);
    },
    arguments: &["rotate", "ca", "trust"],
    end: End::Turned(&CLUSTER, 2),
};

#[test]
fn a_kill_of_a_rotation_leaves_the_stage_before_or_the_next_one_to_another_verb() {
    apart(
        "rotations::a_kill_of_a_rotation_leaves_the_stage_before_or_the_next_one_to_another_verb",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let sort = Sort::Kills { stride: 4 };
            for scenario in [&ISSUE, &TRUST] {
                sweep(Layout::Two, scenario, sort, &first, &second);
            }
        },
    );
}

#[test]
fn an_error_at_any_change_that_a_rotation_makes_is_told_and_the_run_after_it_ends_it() {
    apart(
        "rotations::an_error_at_any_change_that_a_rotation_makes_is_told_and_the_run_after_it_ends_it",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let ground = Ground::new(Layout::One, &first, &second, 0);
            (ISSUE.prepare)(&ground);
            ground.save("before");
            let old = ground.tree();
            let points = points(&ground, ISSUE.arguments).into_iter();
            for (turn, point) in points.filter(|point| point.changes).enumerate() {
                ground.restore("before");
                let fault = Fault::Error(ERRORS[turn % ERRORS.len()]);
                let struck = strike(&ground, ISSUE.arguments, &point, fault).expect("the call");
                judge_error(&ground, &old, &struck)
                    .and_then(|()| {
                        ground.run(ISSUE.arguments).expect(0);
                        let changed = ground.tree().differences(&old);
                        let all = changed.into_iter().eq(ISSUED);
                        all.then_some(()).ok_or("not ended".to_owned())
                    })
                    .and_then(|()| undo::nothing_left(&ground))
                    .unwrap_or_else(|why| panic!("{fault:?} at {point}: {why}\n{struck}"));
            }
        },
    );
}

/// What failed changed nothing, or says what stays; of what came after all was done there is a note.
fn judge_error(ground: &Ground, old: &Tree, struck: &Struck) -> Result<(), String> {
    let finished = &struck.finished;
    ground.keys_are_private()?;
    let changed: Vec<String> = ground.tree().differences(old).into_iter().collect();
    let told = ["stays", "tidying up failed"];
    let stays = told.iter().any(|words| finished.stderr.contains(words));
    // The end of the process gives the lock back as well.
    let unlocking = struck.line.contains("LOCK_UN");
    match finished.status.code() {
        Some(0) if changed == ISSUED && (unlocking || finished.stdout.contains("note: ")) => Ok(()),
        Some(1) if stays => old_or_issued(&ground.tree(), old),
        Some(1) if changed.is_empty() => undo::nothing_left(ground),
        code => Err(format!("exit code {code:?}, and changed: {changed:?}")),
    }
}

#[test]
fn a_kill_while_a_rotation_is_undone_leaves_the_stage_before_or_the_next_one() {
    apart(
        "rotations::a_kill_while_a_rotation_is_undone_leaves_the_stage_before_or_the_next_one",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let ground = Ground::new(Layout::One, &first, &second, 0);
            (ISSUE.prepare)(&ground);
            let old = ground.tree();
            undo::sweep(&ground, ISSUE.arguments, ("renameat", 2), |ground| {
                ground.run(&["all", "--quiet"]).expect(0);
                old_or_issued(&ground.tree(), &old)?;
                undo::nothing_left(ground)
            });
        },
    );
}

fn old_or_issued(tree: &Tree, old: &Tree) -> Result<(), String> {
    let changed: Vec<String> = tree.differences(old).into_iter().collect();
    if changed.is_empty() || changed == ISSUED {
        return Ok(());
    }
    Err(format!("neither old nor new: {changed:?}"))
}
