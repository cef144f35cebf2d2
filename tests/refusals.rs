//! What the verbs that look and hand out refuse, that no other file of tests shows: each with its exit code, its
//! sentence, and nothing changed.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::process::Command;

mod common;
use common::lines::{ends, made, shell};
use common::snapshot::snapshot;
use common::{TempDir, binary, certs, each, run, set_mode, text, tool, tree_of_all, write};

/// A tree in `k`, and beside it files that are none of it.
fn place() -> TempDir {
    let place = TempDir::new();
    fs::rename(tree_of_all().path(), place.join("k")).expect("move");
    write(&place.join("token"), "07401b.f395accd246ae52d\n");
    set_mode(&place.join("token"), 0o600);
    write(&place.join("words"), "no certificate\n");
    fs::write(place.join("odd.der"), [0x30, 0x03, 0x02, 0x01, 0x00]).expect("write");
    write(&place.join("odd.conf"), "kind: Config\nclusters: 7\n");
    fs::write(place.join("long"), "x".repeat(200)).expect("write");
    place
}

/// Arguments, exit code, and what is said.
const REFUSED: &[(&[&str], i32, &str)] = &[
    (
        &[
            "check",
            "--kubernetes-dir",
            "k",
            "--kubelet-dir",
            "none",
            "--quiet",
            "--output",
            "yaml",
        ],
        2,
        "--quiet goes with --output text: leave one of them out",
    ),
    (
        &["show", "--kubernetes-dir", "k", "--config", "-", "-"],
        2,
        "--config and FILE are both -: standard input can be one of them",
    ),
    (
        &["show", "--kubernetes-dir", "k", "odd.der"],
        1,
        "is DER of something that is not known here",
    ),
    (
        &["show", "--kubernetes-dir", "k", "words"],
        2,
        "words holds no certificate, request or key, and is no kubeconfig: ",
    ),
    (&["completion", "tcsh"], 2, "invalid value 'tcsh'"),
    (
        &["flags", "--kubernetes-dir", "k", "kube-dns"],
        2,
        "invalid value 'kube-dns'",
    ),
    (
        &["kubeconfig", "refresh", "--kubernetes-dir", "k", "words"],
        4,
        "cannot be refreshed: ",
    ),
    (
        &["kubeconfig", "refresh", "--kubernetes-dir", "k", "odd.conf"],
        4,
        "odd.conf has no entry of this cluster, with one of its CAs or servers: name the tree of its cluster",
    ),
    (
        &[
            "kubeconfig",
            "bootstrap-kubelet",
            "--token-file",
            "token",
            "--token-secret",
            "--token-ttl",
            "0s",
        ],
        2,
        "--token-ttl: is not after now",
    ),
    (
        &[
            "kubeconfig",
            "bootstrap-kubelet",
            "--token-file",
            "token",
            "--token-secret",
            "--token-ttl",
            "100000000d",
        ],
        2,
        "--token-ttl: is longer than 292 years",
    ),
    (
        &[
            "export",
            "pkcs12",
            "--kubernetes-dir",
            "k",
            "--password-file",
            "token",
            "./words",
        ],
        2,
        "no certificate, and is no kubeconfig",
    ),
    (
        &[
            "export",
            "pkcs12",
            "--kubernetes-dir",
            "k",
            "--password-file",
            "token",
            "ca",
        ],
        2,
        "\"ca\" signs for the cluster and is nobody's identity: its key is not handed out as PKCS#12",
    ),
    (
        &[
            "export",
            "pkcs12",
            "--kubernetes-dir",
            "k",
            "--password-file",
            "token",
            "zoe",
        ],
        2,
        "\"zoe\" is no profile, and no pair or kubeconfig of that name is there: 'certs check' lists what is there",
    ),
    (
        &["export", "secret", "--kubernetes-dir", "k", "kube-proxy"],
        2,
        "\"kube-proxy\" is not there: 'certs check' lists what is there",
    ),
    (
        &["export", "pkcs12", "--kubernetes-dir", "k", "admin"],
        2,
        "a password is needed: give --password-file, or CERTS_EXPORT_PASSWORD",
    ),
];

#[test]
fn what_is_refused_is_told_with_its_exit_code_and_changes_nothing() {
    let place = place();
    let before = snapshot(place.path());
    each(REFUSED.iter(), |(arguments, code, words)| {
        let finished = run(certs(arguments).current_dir(place.path()));
        let said = finished.stdout.contains(words) || finished.stderr.contains(words);
        if said && finished.status.code() == Some(*code) {
            Ok(())
        } else {
            Err(format!("expected {code} and {words:?}: {finished}"))
        }
    });
    assert!(snapshot(place.path()) == before);
}

#[test]
fn an_error_is_told_alike_where_a_backtrace_is_asked_for() {
    let place = place();
    each(REFUSED.iter(), |(arguments, code, _)| {
        let alone = run(certs(arguments).current_dir(place.path()));
        for backtrace in ["1", "full"] {
            let mut asked = certs(arguments);
            asked.env("RUST_BACKTRACE", backtrace);
            let finished = run(asked.current_dir(place.path()));
            if finished.status.code() != Some(*code) || finished.stderr != alone.stderr {
                return Err(format!("expected {alone}, with {backtrace}: {finished}"));
            }
        }
        Ok(())
    });
}

/// Lines of a shell, each over files of its own; the exit code of the last, and what is said.
const AFTER: &[(&str, i32, &str)] = &[
    (
        "cp k/admin.conf gone; exec 3<gone; rm gone; certs export pkcs12 /dev/fd/3 $K --password-file password",
        2,
        "/dev/fd/3 is no file that stays where it is",
    ),
    (
        "certs export pkcs12 k/pki/ca.key $K --password-file password",
        2,
        "\"k/pki/ca.key\" holds a key and no certificate and is nobody's identity: its key is not handed out",
    ),
    (
        "chmod 755 . k k/pki; chown 65534 password; setpriv --reuid=65534 --regid=65534 --clear-groups \
         certs export pkcs12 apiserver $K --password-file password",
        1,
        "apiserver: its key cannot be read by this user",
    ),
    (
        "certs export secret admin $K --namespace a.b",
        2,
        "--namespace: \"a.b\" contains '.', and is to be one label",
    ),
    (
        "certs export secret ca $K",
        2,
        "\"ca\" is no certificate of a server or client: give --type opaque, or --cluster-api",
    ),
    (
        "echo rubbish > k/pki/extra.crt; certs export bundle $K",
        1,
        "k/pki/extra.crt: no certificate: a block BEGIN CERTIFICATE is expected: mend it, or move it away",
    ),
    (
        "certs check --kubernetes-dir none --kubelet-dir l",
        2,
        "there is nothing to look at in none: name the cluster's directory with --kubernetes-dir",
    ),
    (
        "certs kubeconfig refresh --kubernetes-dir none a.conf",
        2,
        "none/pki/ca.crt is not there: name the cluster's directory with --kubernetes-dir",
    ),
    (
        "certs all --kubernetes-dir other --node-name x -q $A $E --apiserver-bind-port 7443
         certs kubeconfig refresh $K other/admin.conf",
        4,
        "has no entry of this cluster, with one of its CAs or servers: name the tree of its cluster with \
         --kubernetes-dir, or its server with --control-plane-endpoint",
    ),
    (
        "sed -i 's/certificate-authority-data: .*/certificate-authority: none.crt/' a.conf
         certs kubeconfig refresh $K a.conf",
        3,
        "put the cluster's CA certificates into that file, or into the kubeconfig as certificate-authority-data",
    ),
    (
        "echo rubbish > csr/admin.crt; certs import csr $N $F",
        4,
        "csr/admin.crt cannot be used: no certificate: a block BEGIN CERTIFICATE is expected: have it sent again",
    ),
    (
        "echo '{}' > csr/requests.json; certs import csr $N $F",
        2,
        ": name what is to be imported, or move it away",
    ),
    (
        "openssl pkcs8 -topk8 -in k/pki/ca.key -passout pass:x -out locked; cp locked k/pki/ca.key
         certs csr ca $K $F --csr-dir req",
        4,
        "ca.key is encrypted, and a CA is asked for with its key: decrypt it for the request",
    ),
    (
        "certs renew ca $K --ca-validity 1000d",
        3,
        "unless that is meant, let it last longer (--ca-validity): what it signed for others ends with it",
    ),
    (
        "certs renew apiserver $K --add-san 'a b'",
        2,
        "--add-san: \"a b\" contains ' '",
    ),
    (
        "certs renew $K --within soon",
        2,
        "--within: has no number before \"soon\"",
    ),
    (
        "certs ca ca $K --subject nonsense",
        2,
        "--subject: read subject \"nonsense\": in part 1: \"nonsense\" lacks '='",
    ),
    (
        "printf 'apiVersion: kubeadm.k8s.io/v1alpha9\\nkind: InitConfiguration\\n' > c.yaml; certs all $K --config c.yaml",
        2,
        "kubeadm.k8s.io/v1alpha9 is not read, v1beta3 and v1beta4 are: 'kubeadm config migrate' or an edit may",
    ),
    (
        "printf 'apiVersion: kubeadm.k8s.io/v1beta4\\nkind: JoinConfiguration\\n' > c.yaml
         certs kubeconfig kubelet $K --node-name cp1 --config c.yaml --control-plane-endpoint 10.0.0.10 $E --dry-run",
        0,
        "no ClusterConfiguration beside the JoinConfiguration: defaults stand for what the cluster has in",
    ),
    (
        "rm k/pki/apiserver.key; echo > k/pki/etcd/ca.crt; certs all $K $F $E --force",
        4,
        "reissued as soon as nothing else refuses the run",
    ),
];

#[test]
fn what_is_refused_after_something_was_changed_is_told_with_the_way_out() {
    each(AFTER.iter(), |(lines, code, words)| {
        ends(lines, *code, words)
    });
}

const LOCKING: [&str; 13] = [
    "all",
    "ca",
    "client",
    "csr",
    "import csr",
    "kubeconfig",
    "kubeconfig bootstrap-kubelet --token-file token",
    "peer",
    "renew",
    "rollback",
    "sa",
    "server",
    "sign asked",
];

#[test]
fn every_verb_that_waits_refuses_what_is_no_time_and_a_silent_report_for_programs() {
    let place = made();
    let before = snapshot(place.path());
    each(LOCKING.iter(), |verb| {
        let lines = format!("certs {verb} $K --lock-timeout=-1s --quiet --output yaml");
        let finished = shell(place.path(), &lines);
        let told = [
            "--lock-timeout: is negative",
            "--quiet goes with --output text: leave one of them out",
        ]
        .iter()
        .all(|words| finished.stderr.contains(words));
        if told && finished.stdout.is_empty() && finished.status.code() == Some(2) {
            Ok(())
        } else {
            Err(finished.to_string())
        }
    });
    assert!(snapshot(place.path()) == before);
}

/// What is refused at a terminal, where a file would do.
const AT_A_TERMINAL: &[(&str, &str)] = &[
    (
        "export secret front-proxy-client",
        "this holds a private key: name a file with --output-file, or give --to-terminal",
    ),
    (
        "export pkcs12 admin",
        "this holds a private key: name a file with --output-file",
    ),
    (
        "export bundle",
        "a tar archive is none of its: name a file with --output-file",
    ),
];

#[test]
fn no_secret_and_no_archive_goes_to_a_terminal() {
    let place = place();
    each(AT_A_TERMINAL.iter(), |(arguments, words)| {
        let line = format!("{} {arguments} --kubernetes-dir k", text(&binary()));
        let mut terminal = Command::new(tool("script"));
        terminal.args(["-qec", &line, "/dev/null"]);
        let finished = run(terminal.current_dir(place.path()));
        if finished.stdout.contains(words) && finished.status.code() == Some(2) {
            Ok(())
        } else {
            Err(format!("expected {words:?}: {finished}"))
        }
    });
}
