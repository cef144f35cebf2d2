//! `--output-file`: what it replaces, and what it never does.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::os::unix::fs::{lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

mod common;
use common::public::{Public, nobody};
use common::snapshot::{same, snapshot};
use common::{Finished, all, certs, run, set_mode, text, tool, tree_of_all, write, write_secret};

/// Every verb that has the flag, with what it takes to get as far as writing.
const VERBS: [&[&str]; 7] = [
    &["check"],
    &["check", "--output", "json"],
    &["check", "--output", "prometheus"],
    &["export", "bundle"],
    &["export", "secret", "admin"],
    &["export", "secret", "--cluster-api", "prod"],
    &["export", "pkcs12", "admin", "--password-file", "password"],
];

fn to(place: &Path, verb: &[&str], file: &str) -> Finished {
    let mut command = certs(verb);
    command.current_dir(place);
    run(command.args(["--kubernetes-dir", ".", "--output-file", file]))
}

#[test]
fn no_place_of_the_tree_and_no_input_is_written_to() {
    let place = tree_of_all();
    write_secret(&place.join("password"), "correct horse");
    write(
        &place.join("config.yaml"),
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n",
    );
    fs::create_dir(place.join("elsewhere")).expect("a folder");
    symlink("pki", place.join("link")).expect("a link");
    // The same content under names that no tree has.
    for (from, to) in [
        ("pki/ca.key", "elsewhere/old.bak"),
        ("pki/apiserver.crt", "elsewhere/certificate"),
        ("pki/sa.pub", "elsewhere/public"),
        ("admin.conf", "elsewhere/config"),
    ] {
        fs::copy(place.join(from), place.join(to)).expect("copy a file");
    }
    let der = |arguments: &[&str]| {
        let mut openssl = Command::new(tool("openssl"));
        run(openssl.current_dir(place.path()).args(arguments)).expect(0);
    };
    der(&[
        "pkey",
        "-in",
        "pki/ca.key",
        "-outform",
        "DER",
        "-out",
        "elsewhere/k.der",
    ]);
    der(&[
        "x509",
        "-in",
        "pki/ca.crt",
        "-outform",
        "DER",
        "-out",
        "elsewhere/c.der",
    ]);
    let renewed = [
        "renew",
        "apiserver",
        "--kubernetes-dir",
        ".",
        "--kubelet-dir",
        "none",
    ];
    run(certs(&renewed).current_dir(place.path())).expect(0);
    let backup = place.join("pki/.certs-backup");
    let backup = fs::read_dir(backup)
        .expect("a folder")
        .next()
        .expect("a backup");
    let backup: PathBuf = backup.expect("a backup").path();
    let journal = backup.join("journal");
    let before = snapshot(place.path());
    let tree = "is a place of the cluster's own files";
    let kept = "holds a certificate, key, request or kubeconfig";
    for (file, why) in [
        ("pki/ca.key", tree),
        ("./pki/../pki/etcd/ca.key", tree),
        ("link/sa.key", tree),
        ("admin.conf", tree),
        ("pki/new.crt", tree),
        ("new.conf", tree),
        (".certs-journal", tree),
        (text(&journal), tree),
        ("elsewhere/old.bak", kept),
        ("elsewhere/certificate", kept),
        ("elsewhere/public", kept),
        ("elsewhere/config", kept),
        ("elsewhere/k.der", kept),
        ("elsewhere/c.der", kept),
    ] {
        for verb in VERBS {
            let refused = to(place.path(), verb, file).expect(2);
            let told = format!("error: --output-file: {file} {why}: name another file\n");
            assert_eq!(
                (&*refused.stderr, &*refused.stdout),
                (&*told, ""),
                "{verb:?}"
            );
        }
    }
    let read = "is what this run reads";
    for (verb, file) in [
        (VERBS[6], "password"),
        (&["check", "--config", "config.yaml"], "config.yaml"),
        (
            &["export", "bundle", "--config", "config.yaml"],
            "config.yaml",
        ),
        (
            &["export", "secret", "ca", "--config", "config.yaml"],
            "./config.yaml",
        ),
    ] {
        let refused = to(place.path(), verb, file).expect(2);
        assert!(refused.stderr.contains(read), "{refused}");
    }
    same(&before, place.path());
}

#[test]
fn what_an_earlier_run_wrote_is_replaced() {
    let place = tree_of_all();
    write_secret(&place.join("password"), "correct horse");
    // Whatever another run left there, in whichever order.
    for verb in VERBS.iter().chain(VERBS.iter().rev()) {
        let done = to(place.path(), verb, "out");
        assert!([Some(0), Some(3)].contains(&done.status.code()), "{done}");
        assert!(fs::metadata(place.join("out")).expect("a file").len() > 0);
    }
}

#[test]
fn a_file_that_may_not_be_read_is_not_replaced_unread() {
    let public = Public::new();
    lchown(&public.0, Some(65534), Some(65534)).expect("this test needs root");
    let (place, file) = (public.0.join("k8s"), public.0.join("file"));
    write(&file, "whatever");
    set_mode(&file, 0o600);
    run(&mut nobody(&all(&place, &[]))).expect(0);
    let arguments = ["check", "--kubernetes-dir", text(&place), "--output-file"];
    let as_nobody = |file: &Path| {
        let mut program = Command::new(public.0.join("certs"));
        run(&mut nobody(program.args(arguments).arg(file)))
    };
    let refused = as_nobody(&file).expect(1);
    let words = format!("no permission to read {}", file.display());
    assert!(refused.stderr.contains(&words), "{refused}");
    assert_eq!(common::read(&file), "whatever");
    as_nobody(&public.0.join("other")).expect(0);
}
