//! What is to be done after each stage, in this order, before the next one is safe: who must read what was
//! written, on one node after the other, how to wait for it, and what proves that it was read.
//!
//! The commands are for a shell on the node. In them stand for: `{pki}` and `{conf}` the directories, `{file}` the
//! public file of what is replaced, `{new}` and `{old}` the names of the CAs, or the identifiers of the keys.

use super::instruction::{Action, Instruction, OfMany, person, reads, restart};

const CONTROLLER_MANAGER: &str = "kube-controller-manager";
const API_SERVER: &str = "kube-apiserver";

const STOP_API_SERVER: &str = "crictl stop $(crictl ps -q --name '^kube-apiserver$')";
const STOP_CONTROLLER_MANAGER: &str =
    "crictl stop $(crictl ps -q --name '^kube-controller-manager$')";
const STOP_SCHEDULER: &str = "crictl stop $(crictl ps -q --name '^kube-scheduler$')";
const STOP_ETCD: &str = "crictl stop $(crictl ps -q --name '^etcd$')";
const START_KUBELET: &str = "systemctl restart kubelet";

const READY: &str = "kubectl --kubeconfig {conf}/controller-manager.conf get --raw /readyz";
const HEALTHY_CONTROLLER_MANAGER: &str = "curl -ksf https://127.0.0.1:10257/healthz";
const HEALTHY_SCHEDULER: &str = "curl -ksf https://127.0.0.1:10259/healthz";
const HEALTHY_KUBELET: &str = "curl -sf http://127.0.0.1:10248/healthz";
const HEALTHY_ETCD: &str = "ETCDCTL_API=3 etcdctl --endpoints=${ETCD_ENDPOINT:-https://127.0.0.1:2379} --cacert={pki}/etcd/ca.crt \
    --cert={pki}/etcd/healthcheck-client.crt --key={pki}/etcd/healthcheck-client.key endpoint health";

/// A server names the CAs whose clients it lets in (RFC 8446 section 4.2.4).
macro_rules! lists {
    ($place:expr, $ca:literal, $not:literal) => {
        concat!(
            "openssl s_client -nameopt RFC2253,-esc_msb,utf8 -connect ",
            $place,
            " </dev/null 2>/dev/null | CA=",
            $ca,
            " awk '/^Acceptable client/ {told = 1} $0 == ENVIRON[\"CA\"] {found = 1} END {exit !(told && ",
            $not,
            "found)}'"
        )
    };
}
/// What is served was signed by this CA.
macro_rules! served {
    ($place:expr) => {
        concat!(
            "openssl s_client -connect ",
            $place,
            " </dev/null 2>/dev/null | openssl x509 -noout -issuer -nameopt RFC2253,-esc_msb,utf8 | grep -Fqx issuer={new}"
        )
    };
}
/// It was started after the file was written, by whole seconds, of which the same counts as before. A process is known by
/// the first 15 letters of its name.
macro_rules! started {
    ($process:literal, $written:literal) => {
        concat!(
            "test \"$(ps -o etimes= -p \"$(pgrep -xo ",
            $process,
            ")\")\" -lt \"$(($(date +%s) - $(",
            $written,
            ")))\""
        )
    };
    ($process:literal) => {
        started!($process, "stat -c %Y {file}")
    };
}
/// A kubelet reads by itself whom it lets in, and whom it trusts by its kubeconfig at its start alone.
macro_rules! kubelets {
    ($ca:literal, $not:literal) => {
        kubelets(concat!(
            lists!("127.0.0.1:10250", $ca, $not),
            " && ",
            started!(
                "kubelet",
                "stat -c %Y {file} {conf}/kubelet.conf | sort -n | tail -n 1"
            )
        ))
    };
}
macro_rules! etcd {
    () => {
        "${ETCD_HOST_PORT:-127.0.0.1:2379}"
    };
}

const STARTED_API_SERVER: &str = started!("kube-apiserver");
const STARTED_CONTROLLER_MANAGER: &str = started!("kube-controller");
const STARTED_SCHEDULER: &str = started!("kube-scheduler");

const CLUSTER_INFO: Instruction = Instruction {
    process: "cluster-info",
    action: Action::Do,
    text: "Put {file} into the ConfigMap that joining nodes read.",
    command: "kubectl -n kube-public get configmap cluster-info -o jsonpath='{.data.kubeconfig}' > cluster-info.conf && \
        certs kubeconfig refresh cluster-info.conf --cert-dir {pki} && \
        kubectl -n kube-public patch configmap cluster-info --type merge --patch \
        \"$(kubectl -n kube-public create configmap cluster-info --from-file=kubeconfig=cluster-info.conf --dry-run=client -o json)\"",
    wait: "",
    proof: "",
    of_many: OfMany::Same,
};

const AUTHENTICATION: Instruction = Instruction {
    process: "extension-apiserver-authentication",
    action: Action::Do,
    text: "Delete the ConfigMap from which aggregated API servers have their CAs, once every kube-apiserver has the \
           new file: it keeps what it once held, and is made anew within a second.",
    command: "kubectl -n kube-system delete configmap extension-apiserver-authentication",
    wait: "",
    proof: "",
    of_many: OfMany::Same,
};

/// Every node that has the key turns by itself, and all come to the same files.
const ELSEWHERE: Instruction = Instruction {
    of_many: HAND_OUT,
    ..person(
        "control planes",
        "On every other one: run the same command, and do there what follows.",
    )
};

const FIRST_ELSEWHERE: Instruction = Instruction {
    of_many: HAND_OUT,
    ..person(
        "control planes",
        "On every other one: first copy {next} to the same place and, of a CA, the .crt beside it, with mode 0600; then \
         run the same command, and do there what follows.",
    )
};

const HAND_OUT: OfMany = OfMany::After(
    "nodes",
    "Copy the tree of each onto it, before what follows is done there, and not the times of its files (rsync --no-times, \
     tar -m): a process that started before its files came has not read them, and its proof is not to say so.",
);
const WHERE_ITS_TREE_IS: OfMany =
    OfMany::After("kubelet", "On every node, once its tree is there.");
const OR_NO_TREE: OfMany = OfMany::After(
    "kubelet",
    "On every node, once its tree is there. To one that the inventory does not list first copy {file}, and bring its \
     kubelet.conf up to date there ('certs kubeconfig refresh {conf}/kubelet.conf').",
);
/// Nobody here knows whether there are such nodes.
const NOT_LISTED: OfMany = OfMany::After(
    "other nodes",
    "On one that the inventory does not list the kubelet is to have {file}, a client certificate of the CA that signs now, \
     and a serving one: list it, so that it has a tree, or have them issued, and restart it.",
);

const fn manager(text: &'static str) -> Instruction {
    restart(
        CONTROLLER_MANAGER,
        text,
        [
            STOP_CONTROLLER_MANAGER,
            HEALTHY_CONTROLLER_MANAGER,
            STARTED_CONTROLLER_MANAGER,
        ],
    )
}

const SCHEDULER: Instruction = restart(
    "kube-scheduler",
    "",
    [STOP_SCHEDULER, HEALTHY_SCHEDULER, STARTED_SCHEDULER],
);

/// Of a tree for a worker it has a kubeconfig; kubeadm's is a pod.
const PROXY: Instruction = Instruction {
    of_many: OfMany::Only,
    ..restart(
        "kube-proxy",
        "",
        [
            "crictl stop $(crictl ps -q --name '^kube-proxy$')",
            "curl -sf http://127.0.0.1:10256/healthz",
            started!("kube-proxy"),
        ],
    )
};

/// Those of all nodes, which have the CA in two files.
const fn kubelets(proof: &'static str) -> Instruction {
    Instruction {
        of_many: OR_NO_TREE,
        ..restart(
            "kubelet",
            "On every node: first copy {file} to it, and bring its kubelet.conf up to date there ('certs \
             kubeconfig refresh {conf}/kubelet.conf').",
            [START_KUBELET, HEALTHY_KUBELET, proof],
        )
    }
}

const PEOPLE_TRUST: Instruction = person(
    "kubeconfigs",
    "Bring the kubeconfigs up to date that were handed out ('certs kubeconfig refresh FILE'): they trust the CA that \
     went as long as it stands there.",
);

const ETCD_ALONE: &[Instruction] = &[
    ELSEWHERE,
    restart(
        "etcd",
        "",
        [STOP_ETCD, HEALTHY_ETCD, lists!(etcd!(), "{old}", "!")],
    ),
    restart(API_SERVER, "", [STOP_API_SERVER, READY, STARTED_API_SERVER]),
];

const FRONT_PROXY_ALONE: &[Instruction] = &[
    ELSEWHERE,
    reads(API_SERVER, lists!("localhost:6443", "{old}", "!")),
    AUTHENTICATION,
];

const KEY_ALONE: &[Instruction] = &[
    ELSEWHERE,
    restart(
        API_SERVER,
        "",
        [
            STOP_API_SERVER,
            READY,
            "keys=$(kubectl --kubeconfig {conf}/admin.conf get --raw /openid/v1/jwks) && ! printf %s \"$keys\" | grep -Fq -e {old}",
        ],
    ),
];

/// Of each row what follows its stages: trust, issue, drop; and what follows where the first is taken back, which leaves one
/// alone as the last does.
const AFTER: &[(&str, [&[Instruction]; 4])] = &[
    (
        "ca",
        [
            &[
                FIRST_ELSEWHERE,
                reads(API_SERVER, lists!("localhost:6443", "{new}", "")),
                manager(
                    "First have --cluster-signing-cert-file name {pki}/ca-signing.crt, in its manifest and, so that \
                     an upgrade by kubeadm keeps it, in controllerManager.extraArgs of the ClusterConfiguration in \
                     the ConfigMap kube-system/kubeadm-config: with the two certificates in {file} it signs nothing, \
                     and does not start again.",
                ),
                SCHEDULER,
                kubelets!("{new}", ""),
                PROXY,
                person(
                    "workloads",
                    "Restart what talks with the API server from within a pod: before client-go 1.36 it reads the \
                     CA at its start alone.",
                ),
                CLUSTER_INFO,
                person(
                    "kubeconfigs",
                    "Bring the kubeconfigs up to date that were handed out ('certs kubeconfig refresh FILE'): they are to \
                     trust both.",
                ),
            ],
            &[
                ELSEWHERE,
                reads(API_SERVER, served!("localhost:6443")),
                manager(""),
                SCHEDULER,
                Instruction {
                    of_many: WHERE_ITS_TREE_IS,
                    ..restart(
                        "kubelet",
                        "On this node.",
                        [START_KUBELET, HEALTHY_KUBELET, started!("kubelet")],
                    )
                },
                PROXY,
                Instruction {
                    of_many: NOT_LISTED,
                    ..person(
                        "kubelet",
                        "On every other node it is to have a client certificate of the CA that signs now, and a serving one. It asks for \
                     the first itself when most of the time of its present one is over. At once: renew its kubelet.conf \
                     here ('certs renew kubelet --kubeconfig-dir DIR --node-name NAME'), copy it back, move the kubelet-client-* files of its directory away, \
                     which it prefers, and restart it.",
                    )
                },
                person(
                    "kubeconfigs",
                    "Hand out new client certificates to whoever has one of the CA that signs no more: none of these is \
                     let in once that is trusted no more.",
                ),
            ],
            &[
                ELSEWHERE,
                reads(API_SERVER, lists!("localhost:6443", "{old}", "!")),
                manager(""),
                SCHEDULER,
                kubelets!("{old}", "!"),
                PROXY,
                CLUSTER_INFO,
                AUTHENTICATION,
                PEOPLE_TRUST,
            ],
            &[
                ELSEWHERE,
                reads(API_SERVER, lists!("localhost:6443", "{old}", "!")),
                manager(
                    "First, if {pki}/ca-signing.crt is gone, have --cluster-signing-cert-file name {file} again, in its \
                     manifest and in the ConfigMap kube-system/kubeadm-config: without it, it does not start.",
                ),
                SCHEDULER,
                kubelets!("{old}", "!"),
                PROXY,
                CLUSTER_INFO,
                AUTHENTICATION,
                PEOPLE_TRUST,
            ],
        ],
    ),
    (
        "etcd-ca",
        [
            &[
                FIRST_ELSEWHERE,
                restart(
                    "etcd",
                    "",
                    [STOP_ETCD, HEALTHY_ETCD, lists!(etcd!(), "{new}", "")],
                ),
                restart(
                    API_SERVER,
                    "Only once every member of etcd is restarted.",
                    [STOP_API_SERVER, READY, STARTED_API_SERVER],
                ),
            ],
            &[
                ELSEWHERE,
                reads("etcd", served!(etcd!())),
                reads(API_SERVER, READY),
            ],
            ETCD_ALONE,
            ETCD_ALONE,
        ],
    ),
    (
        "front-proxy-ca",
        [
            &[
                FIRST_ELSEWHERE,
                reads(API_SERVER, lists!("localhost:6443", "{new}", "")),
            ],
            &[ELSEWHERE, reads(API_SERVER, READY)],
            FRONT_PROXY_ALONE,
            FRONT_PROXY_ALONE,
        ],
    ),
    (
        "sa",
        [
            &[
                FIRST_ELSEWHERE,
                restart(
                    API_SERVER,
                    "",
                    [
                        STOP_API_SERVER,
                        READY,
                        "kubectl --kubeconfig {conf}/admin.conf get --raw /openid/v1/jwks | grep -Fq -e {new}",
                    ],
                ),
            ],
            &[
                ELSEWHERE,
                restart(API_SERVER, "", [STOP_API_SERVER, READY, STARTED_API_SERVER]),
                manager(""),
                person(
                    "tokens",
                    "Wait until no token of the key that signs no more is good: those that pods have end within the hour, \
                     extended ones within a year; those in Secrets never end, and are to be made anew.",
                ),
            ],
            KEY_ALONE,
            KEY_ALONE,
        ],
    ),
];

/// What follows where this stage of a row, `trust` or `issue`, was taken back.
pub fn instructions_back(row: &str, stage: usize) -> &'static [Instruction] {
    // The other signs again, and all that is issued is of that, as after the same stage.
    instructions(row, if stage == 0 { 3 } else { stage })
}

/// What follows these stages of a row: `trust`, `issue` or `drop`, by their order.
pub fn instructions(row: &str, stage: usize) -> &'static [Instruction] {
    let of_row = AFTER.iter().find(|(name, _)| *name == row);
    of_row.map_or(&[], |(_, stages)| stages[stage])
}
