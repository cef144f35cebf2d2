//! Which process reads what is stored, and whether it reads it again when that has changed.

use crate::config::inventory::Roles;
use crate::facts::Version;

/// A process that reads a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reader {
    process: &'static str,
    /// When it reads.
    when: When,
}

/// When a process reads a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Again,
    /// Again from this minor release of Kubernetes on, and before it at the start alone.
    AgainSince(u32),
    AtStart,
}

/// The CA that the controller manager signs with, where it has a file of its own: it is called by that.
const SIGNING_FILE: &str = "ca-signing.crt";

/// What a kubelet rotates, where no kubeconfig is looked at that names it: it is called by its file.
const ROTATED: &str = "kubelet/kubelet-client-current.pem";

/// Of each row who reads it, in components of Kubernetes 1.36 and etcd 3.4 and newer. What a
/// kubeconfig holds is read once; a file that it names is read again, that of a CA from client-go 1.36
/// ([`Through`]).
/// Of a CA it is its certificate: for clients and for signing it is read again, and by who verifies a
/// server only at the start. A kubelet reads `tlsCertFile` again from
/// 1.31 (`ReloadKubeletServerCertificateFile`). Who is started for each
/// command, as kubectl and etcdctl are, always reads what is there.
const READERS: &[(&str, &[Reader])] = &[
    (
        "ca",
        &[
            again("kube-apiserver"),
            at_start("kube-controller-manager"),
            again("kubelet"),
        ],
    ),
    (SIGNING_FILE, &[again("kube-controller-manager")]),
    (
        "etcd-ca",
        &[
            at_start("etcd"),
            at_start("kube-apiserver"),
            again("etcdctl"),
        ],
    ),
    (
        "front-proxy-ca",
        &[again("kube-apiserver"), again("kube-controller-manager")],
    ),
    ("apiserver", &[again("kube-apiserver")]),
    ("etcd-server", &[again("etcd")]),
    ("etcd-peer", &[again("etcd")]),
    ("apiserver-kubelet-client", &[again("kube-apiserver")]),
    ("apiserver-etcd-client", &[again("kube-apiserver")]),
    ("etcd-healthcheck-client", &[again("etcdctl")]),
    ("front-proxy-client", &[again("kube-apiserver")]),
    ("admin", &[again("kubectl")]),
    ("super-admin", &[again("kubectl")]),
    ("kubelet", &[at_start("kubelet")]),
    (ROTATED, &[at_start("kubelet")]),
    ("controller-manager", &[at_start("kube-controller-manager")]),
    ("scheduler", &[at_start("kube-scheduler")]),
    ("kube-proxy", &[at_start("kube-proxy")]),
    ("kubelet-serving", &[again_since("kubelet", 31)]),
    (
        "sa",
        &[
            at_start("kube-apiserver"),
            at_start("kube-controller-manager"),
        ],
    ),
];

/// A process, and the items that it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The process.
    pub name: &'static str,
    /// The release from which it reads these again, where which one runs was not stated.
    pub since: Option<Version>,
    /// What changed of what it reads at its start alone; it must be restarted for these.
    pub restart: Vec<String>,
    /// What changed of what it reads again by itself.
    pub reads: Vec<String>,
}

/// What runs where, by the roles of a node.
const RUNS: &[(&str, Roles)] = &[
    ("etcd", MEMBERS),
    ("etcdctl", MEMBERS),
    ("kube-apiserver", PLANES),
    ("kube-controller-manager", PLANES),
    (
        "kube-proxy",
        Roles {
            worker: true,
            ..NONE
        },
    ),
    ("kube-scheduler", PLANES),
    ("kubectl", PLANES),
    (
        KUBELET,
        Roles {
            worker: true,
            ..PLANES
        },
    ),
];
const NONE: Roles = Roles {
    control_plane: false,
    etcd: false,
    worker: false,
};
const MEMBERS: Roles = Roles { etcd: true, ..NONE };
const PLANES: Roles = Roles {
    control_plane: true,
    ..NONE
};

/// What of this is in no row, so that its readers are known to nobody here.
pub fn unknown(changed: &[Changed]) -> Vec<String> {
    let known = |item: &Changed| READERS.iter().any(|(row, _)| *row == item.row);
    let of_none = changed.iter().filter(|item| !known(item));
    let mut names: Vec<String> = of_none.map(|item| item.name.clone()).collect();
    // One that several kubeconfigs name stands there for each.
    names.dedup();
    names
}

/// Those of `processes` that run on a node: of what all share each reads its own part.
pub fn running_on(roles: Roles, mut processes: Vec<Process>) -> Vec<Process> {
    let runs = |needs: &Roles| {
        needs.control_plane && roles.control_plane
            || needs.etcd && roles.etcd
            || needs.worker && roles.worker
    };
    let here = |name| RUNS.iter().any(|(run, needs)| *run == name && runs(needs));
    processes.retain(|process| here(process.name));
    processes
}

/// It has the client certificate that it renews by itself in memory, and looks at its file at the start alone.
const KUBELET: &str = "kubelet";

/// Something that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its name.
    pub name: String,
    /// The row by which it is read.
    pub row: String,
    /// How it is read.
    pub through: Through,
}

/// How a row's file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// By an option, or as what a kubeconfig itself holds, which is never read again.
    Itself,
    /// By a kubeconfig that names it as its CA's: client-go reads it again from 1.36.
    KubeconfigAuthority,
    /// By a kubeconfig that names it as its client's: client-go reads it again, but in a kubelet.
    KubeconfigClient,
}

const fn at_start(process: &'static str) -> Reader {
    Reader {
        process,
        when: When::AtStart,
    }
}

const fn again(process: &'static str) -> Reader {
    Reader {
        process,
        when: When::Again,
    }
}

const fn again_since(process: &'static str, minor: u32) -> Reader {
    Reader {
        process,
        when: When::AgainSince(minor),
    }
}

impl Reader {
    /// Whether it must be restarted, and the release from which on it need not be, where that depends
    /// on which one runs and none was stated.
    fn restarts(&self, through: Through, version: Option<Version>) -> (bool, Option<Version>) {
        let when = match (self.when, through) {
            (When::AtStart, Through::KubeconfigAuthority) => When::AgainSince(36),
            (When::AtStart, Through::KubeconfigClient) if self.process != KUBELET => When::Again,
            (when, _) => when,
        };
        match (when, version) {
            (When::Again, _) => (false, None),
            (When::AtStart, _) => (true, None),
            (When::AgainSince(minor), Some(version)) => (version.minor < minor, None),
            (When::AgainSince(minor), None) => {
                let since = Version {
                    major: 1,
                    minor,
                    patch: 0,
                };
                (false, Some(since))
            }
        }
    }
}

/// Who reads what was changed, in the order of the changes, in a cluster of this version, if it was stated.
pub fn processes(changed: &[Changed], version: Option<Version>) -> Vec<Process> {
    let mut processes: Vec<Process> = Vec::new();
    for item in changed {
        let of_row = READERS.iter().find(|(row, _)| *row == item.row);
        for reader in of_row.map_or(&[][..], |(_, readers)| readers) {
            let (restart, since) = reader.restarts(item.through, version);
            let known = processes
                .iter()
                .position(|process| process.name == reader.process && process.since == since);
            let at = known.unwrap_or_else(|| {
                processes.push(Process {
                    name: reader.process,
                    since,
                    restart: Vec::new(),
                    reads: Vec::new(),
                });
                processes.len() - 1
            });
            let list = if restart {
                &mut processes[at].restart
            } else {
                &mut processes[at].reads
            };
            if !list.contains(&item.name) {
                list.push(item.name.clone());
            }
        }
    }
    processes
}

#[cfg(test)]
mod tests {
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
}
