use std::collections::BTreeSet;

use super::*;
use crate::location::FileId;
use crate::profile::{TABLE, signing_file_of};

fn changed(row: &str) -> Changed {
    Changed {
        name: row.to_owned(),
        row: row.to_owned(),
        through: Through::Itself,
    }
}

#[test]
fn every_row_has_readers_and_nothing_else_has() {
    let rows: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
    let mut known: Vec<&str> = READERS.iter().map(|(row, _)| *row).collect();
    for row in &rows {
        assert!(known.contains(row), "{row}");
    }
    known.retain(|row| !rows.contains(row));
    assert_eq!(known, [SIGNING_FILE, ROTATED]);
    assert!(ROTATED.ends_with(FileId::KUBELET_CURRENT));
    assert_eq!(signing_file_of("ca").name, SIGNING_FILE);
}

/// By what was tried against Kubernetes 1.36.2 and etcd 3.4.23, or read in their source.
#[test]
fn each_row_has_its_readers_row_by_row() {
    let told = |row: &str| -> (String, String) {
        let (mut restart, mut reads) = (Vec::new(), Vec::new());
        for process in processes(&[changed(row)], None) {
            assert_eq!(process.restart.len() + process.reads.len(), 1, "{row}");
            let list = if process.reads.is_empty() {
                &mut restart
            } else {
                &mut reads
            };
            list.push(process.name);
        }
        (restart.join(" "), reads.join(" "))
    };
    let expected = [
        ("ca", "kube-controller-manager", "kube-apiserver kubelet"),
        (SIGNING_FILE, "", "kube-controller-manager"),
        ("etcd-ca", "etcd kube-apiserver", "etcdctl"),
        (
            "front-proxy-ca",
            "",
            "kube-apiserver kube-controller-manager",
        ),
        ("apiserver", "", "kube-apiserver"),
        ("etcd-server", "", "etcd"),
        ("etcd-peer", "", "etcd"),
        ("apiserver-kubelet-client", "", "kube-apiserver"),
        ("apiserver-etcd-client", "", "kube-apiserver"),
        ("etcd-healthcheck-client", "", "etcdctl"),
        ("front-proxy-client", "", "kube-apiserver"),
        ("admin", "", "kubectl"),
        ("super-admin", "", "kubectl"),
        ("kubelet", "kubelet", ""),
        (ROTATED, "kubelet", ""),
        ("controller-manager", "kube-controller-manager", ""),
        ("scheduler", "kube-scheduler", ""),
        ("kube-proxy", "kube-proxy", ""),
        ("kubelet-serving", "", "kubelet"),
        ("sa", "kube-apiserver kube-controller-manager", ""),
    ];
    assert_eq!(expected.len(), READERS.len());
    for (row, restart, reads) in expected {
        assert_eq!(told(row), (restart.to_owned(), reads.to_owned()), "{row}");
    }
}

#[test]
fn a_process_is_restarted_for_what_it_reads_at_its_start_and_told_of_the_rest() {
    let all = ["ca", "scheduler", "etcd-ca", "apiserver", "alice.crt"].map(changed);
    let told: Vec<(&str, usize, usize)> = processes(&all, None)
        .iter()
        .map(|process| (process.name, process.restart.len(), process.reads.len()))
        .collect();
    assert_eq!(
        told,
        [
            ("kube-apiserver", 1, 2),
            ("kube-controller-manager", 1, 0),
            ("kubelet", 0, 1),
            ("kube-scheduler", 1, 0),
            ("etcd", 1, 0),
            ("etcdctl", 0, 1),
        ]
    );
}

#[test]
fn a_file_that_a_kubeconfig_names_is_read_again() {
    let mut pair = changed("scheduler");
    pair.through = Through::KubeconfigClient;
    for version in [None, "v1.30.0".parse().ok()] {
        let told = processes(std::slice::from_ref(&pair), version);
        assert!(told[0].restart.is_empty() && told[0].reads == ["scheduler"]);
        assert_eq!(told[0].since, None);
    }
    pair.row = "kubelet".to_owned();
    let told = processes(&[pair], None);
    assert!(told[0].restart == ["scheduler"] && told[0].reads.is_empty());
}

#[test]
fn what_is_read_again_from_a_release_on_is_told_by_the_version_or_with_it() {
    let mut authority = changed("scheduler");
    authority.through = Through::KubeconfigAuthority;
    for (item, before, since) in [
        (changed("kubelet-serving"), "v1.30.9", "v1.31.0"),
        (authority, "v1.35.2", "v1.36.0"),
    ] {
        let told = |version: Option<&str>| {
            let version = version.map(|text| text.parse().expect("a version"));
            let mut told = processes(std::slice::from_ref(&item), version);
            assert_eq!(told.len(), 1);
            told.remove(0)
        };
        assert_eq!(told(Some(before)).restart, [item.name.as_str()]);
        assert_eq!(told(Some(since)).reads, [item.name.as_str()]);
        assert_eq!(told(Some(since)).since, None);
        let unstated = told(None);
        assert_eq!(unstated.reads, [item.name.as_str()]);
        let said = unstated.since.map(|version| version.to_string());
        assert_eq!(said.as_deref(), Some(since));
    }
}

#[test]
fn each_process_runs_somewhere_and_of_a_nodes_processes_those_of_its_roles_are_told() {
    let all = TABLE.iter().map(|row| changed(row.name));
    let all = processes(&all.collect::<Vec<_>>(), None);
    let on = |roles: Roles| -> BTreeSet<&str> {
        let running = running_on(roles, all.clone());
        running.iter().map(|process| process.name).collect()
    };
    let worker = Roles {
        worker: true,
        ..NONE
    };
    assert_eq!(on(worker), ["kube-proxy", "kubelet"].into());
    assert_eq!(on(MEMBERS), ["etcd", "etcdctl"].into());
    let every = on(Roles {
        worker: true,
        etcd: true,
        ..PLANES
    });
    assert_eq!(every, all.iter().map(|process| process.name).collect());
    assert!(on(NONE).is_empty());
}
