//! A renewal that is killed, or one of whose calls fails.

use crate::ground::{Ground, Layout};
use crate::kills::{killed, two_file_systems};
use crate::mounts::apart;
use crate::sweep::{End, Scenario, Sort, sweep, sweep_threads};

/// Every certificate that is no CA's, with its key.
const LEAVES: [&str; 19] = [
    "admin.conf",
    "controller-manager.conf",
    "kubelet.conf",
    "pki/apiserver-etcd-client.crt",
    "pki/apiserver-etcd-client.key",
    "pki/apiserver-kubelet-client.crt",
    "pki/apiserver-kubelet-client.key",
    "pki/apiserver.crt",
    "pki/apiserver.key",
    "pki/etcd/healthcheck-client.crt",
    "pki/etcd/healthcheck-client.key",
    "pki/etcd/peer.crt",
    "pki/etcd/peer.key",
    "pki/etcd/server.crt",
    "pki/etcd/server.key",
    "pki/front-proxy-client.crt",
    "pki/front-proxy-client.key",
    "scheduler.conf",
    "super-admin.conf",
];

/// The CA's certificate, and who holds it.
const CA: [&str; 6] = [
    "admin.conf",
    "controller-manager.conf",
    "kubelet.conf",
    "pki/ca.crt",
    "scheduler.conf",
    "super-admin.conf",
];

/// A tree of which the pair of etcd belongs to another user.
fn tree(ground: &Ground) {
    ground.run(&["all", "--quiet"]).expect(0);
    for name in ["etcd/server.crt", "etcd/server.key"] {
        let path = ground.pki.join(name);
        std::os::unix::fs::chown(&path, Some(4242), Some(4242)).expect("give a file away");
    }
}

const EVERYTHING: Scenario = Scenario {
    name: "a renewal of everything",
    prepare: tree,
    arguments: &["renew", "--all"],
    end: End::Renewed(&LEAVES),
};

/// The same key: nothing but the certificate is another, wherever it is.
const AUTHORITY: Scenario = Scenario {
    name: "a renewal of the CA",
    prepare: tree,
    arguments: &["renew", "ca"],
    end: End::Renewed(&CA),
};

/// What recovery may find. A renewal that has nothing to do completes another one.
const RECOVERIES: [Scenario; 4] = [
    Scenario {
        name: "recovery of a renewal, killed while staging",
        prepare: |ground| killed_renewal(ground, EVERYTHING.arguments, "write staged", 9),
        arguments: &["renew"],
        end: End::Settled(0),
    },
    Scenario {
        name: "recovery of a renewal, killed before the first rename",
        prepare: |ground| killed_renewal(ground, EVERYTHING.arguments, "renameat crt", 0),
        arguments: &["renew"],
        end: End::Settled(0),
    },
    Scenario {
        name: "recovery of a renewal, killed in the middle of the renames",
        prepare: |ground| killed_renewal(ground, EVERYTHING.arguments, "renameat key", 3),
        arguments: &["renew"],
        end: End::Settled(0),
    },
    Scenario {
        name: "recovery of a renewal of the CA, killed after its rename",
        prepare: |ground| killed_renewal(ground, AUTHORITY.arguments, "renameat conf", 1),
        arguments: &["renew"],
        end: End::Settled(0),
    },
];

fn killed_renewal(ground: &Ground, arguments: &[&str], class: &str, nth: isize) {
    tree(ground);
    killed(ground, arguments, class, nth);
}

#[test]
fn a_kill_at_any_operation_of_a_renewal_leaves_the_old_tree_or_the_new_one() {
    apart(
        "renewals::a_kill_at_any_operation_of_a_renewal_leaves_the_old_tree_or_the_new_one",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let sort = Sort::Kills { stride: 4 };
            sweep(Layout::One, &AUTHORITY, sort, &first, &second);
            for scenario in [&EVERYTHING, &AUTHORITY] {
                sweep(Layout::Two, scenario, sort, &first, &second);
            }
            sweep_threads(&EVERYTHING, sort, &first, &second);
        },
    );
}

#[test]
fn an_error_at_any_operation_of_a_renewal_is_told_and_all_that_changed_is_whole() {
    apart(
        "renewals::an_error_at_any_operation_of_a_renewal_is_told_and_all_that_changed_is_whole",
        |folder| {
            let (first, second) = two_file_systems(folder);
            let sort = Sort::Errors {
                each: false,
                stride: 12,
            };
            for scenario in [&EVERYTHING, &AUTHORITY] {
                sweep(Layout::Two, scenario, sort, &first, &second);
            }
        },
    );
}

#[test]
fn a_fault_in_the_recovery_of_a_renewal_leaves_what_the_next_run_ends() {
    apart(
        "renewals::a_fault_in_the_recovery_of_a_renewal_leaves_what_the_next_run_ends",
        |folder| {
            let (first, second) = two_file_systems(folder);
            for scenario in &RECOVERIES {
                let sort = Sort::Kills { stride: 8 };
                sweep(Layout::Two, scenario, sort, &first, &second);
                let sort = Sort::Errors {
                    each: false,
                    stride: 60,
                };
                sweep(Layout::Two, scenario, sort, &first, &second);
            }
        },
    );
}
