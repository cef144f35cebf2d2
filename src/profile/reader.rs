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
    processes.retain(|process| runs_on(roles, process.name) == Some(true));
    processes
}

/// Whether a process runs on a node, if it is known where that does.
pub fn runs_on(roles: Roles, process: &str) -> Option<bool> {
    let (_, needs) = RUNS.iter().find(|(run, _)| *run == process)?;
    Some(
        needs.control_plane && roles.control_plane
            || needs.etcd && roles.etcd
            || needs.worker && roles.worker,
    )
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
mod tests;
