//! A kubeconfig that was handed out, and whose refreshing is killed, or one of whose calls fails.

use std::fs;

use crate::common::text;
use crate::ground::{Ground, Layout, Tree};
use crate::kills::two_file_systems;
use crate::mounts::apart;
use crate::point::{Fault, points, strike};
use crate::sweep::{ERRORS, say};

/// A tree whose CA is another than a kubeconfig knows that was handed out, which belongs to another user.
fn handed_out(ground: &Ground) -> String {
    ground.run(&["all", "--quiet"]).expect(0);
    let folder = ground.kubeconfigs.join("handed");
    fs::create_dir(&folder).expect("make a folder");
    let file = folder.join("alice");
    fs::copy(ground.kubeconfigs.join("admin.conf"), &file).expect("copy");
    for path in [&folder, &file] {
        std::os::unix::fs::chown(path, Some(4242), Some(4242)).expect("give away");
    }
    // It tells of what it leaves, which another user has.
    ground.run(&["renew", "ca"]).expect(3);
    text(&file).to_owned()
}

/// What lies beside it too.
fn names(tree: &Tree) -> Vec<String> {
    let of_handed = tree.0.keys().filter(|name| name.starts_with("handed/"));
    of_handed.cloned().collect()
}

fn judge(ground: &Ground, file: &str, before: &Tree, done: &Tree) -> Result<(), String> {
    ground.keys_are_private()?;
    let now = ground.everything();
    let rest = |tree: &Tree| {
        let mut tree = tree.clone();
        tree.0.retain(|name, _| !name.starts_with("handed/"));
        tree
    };
    rest(&now).same(&rest(before), "the tree was changed")?;
    let alice = |tree: &Tree| tree.0.get("handed/alice").cloned();
    if alice(&now) != alice(before) && alice(&now) != alice(done) {
        return Err("neither the old file nor the new one".to_owned());
    }
    let again = ground.run(&["kubeconfig", "refresh", file]);
    if again.status.code() != Some(0) {
        return Err(format!("the run after it: {again}"));
    }
    ground
        .everything()
        .same(done, "not what an undisturbed run leaves")
}

#[test]
fn a_fault_at_any_operation_of_a_refresh_leaves_the_old_file_or_the_new_one() {
    apart(
        "handed::a_fault_at_any_operation_of_a_refresh_leaves_the_old_file_or_the_new_one",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let ground = Ground::new(Layout::One, &first, &second, 0);
            let file = handed_out(&ground);
            let arguments = ["kubeconfig", "refresh", &file];
            ground.save("before");
            let before = ground.everything();
            let all = points(&ground, &arguments);
            let done = ground.everything();
            assert_eq!(names(&done), ["handed/.alice.certs-backup", "handed/alice"]);
            let every = std::env::var_os("FAULTS").is_some_and(|value| value == "all");
            let (mut wrong, mut tried) = (Vec::new(), 0);
            for (number, point) in all.iter().enumerate() {
                let mut faults = Vec::new();
                if every || number % 3 == 0 {
                    faults.push(Fault::Error(ERRORS[number % ERRORS.len()]));
                }
                if point.changes {
                    faults.push(Fault::Kill);
                }
                for fault in faults {
                    ground.restore("before");
                    let Some(struck) = strike(&ground, &arguments, point, fault) else {
                        wrong.push(format!("{point}: no such call in the run"));
                        continue;
                    };
                    tried += 1;
                    if let Err(why) = judge(&ground, &file, &before, &done) {
                        wrong.push(format!("{fault:?} at {point}: {why}\n{struck}"));
                    }
                }
            }
            say(&format!(
                "a refresh: {tried} faults at {} operations",
                all.len()
            ));
            assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n\n"));
        },
    );
}
