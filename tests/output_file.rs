//! `--output-file`: what it replaces, and what it never does.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::os::unix::fs::{lchown, symlink};
use std::path::Path;
use std::process::Command;

use base64ct::{Base64, Encoding};

mod common;
use common::public::{Public, nobody};
use common::snapshot::{same, snapshot};
use common::{
    Finished, TempDir, all, certs, run, set_mode, text, tool, tree_of_all, write, write_secret,
};

/// Every verb that has the flag, with what it takes to get as far as writing.
const VERBS: [&[&str]; 9] = [
    &["check"],
    &["check", "--quiet", "--node-name", "other"],
    &["check", "--output", "json"],
    &["check", "--output", "yaml"],
    &["check", "--output", "prometheus"],
    &["export", "bundle"],
    &["export", "secret", "admin"],
    &["export", "secret", "--cluster-api", "prod"],
    &["export", "pkcs12", "admin", "--password-file", "password"],
];

fn to(place: &Path, verb: &[&str], file: &str) -> Finished {
    let mut command = certs(verb);
    command.current_dir(place);
    run(command.args(["--kubernetes-dir", "k8s", "--output-file", file]))
}

/// A whole tree in `k8s`, and a password.
fn place() -> TempDir {
    let (place, tree) = (TempDir::new(), tree_of_all());
    fs::rename(tree.path(), place.join("k8s")).expect("move the tree");
    write_secret(&place.join("password"), "correct horse");
    place
}

/// Not one verb writes to any of these, and all that is there stays as it is.
fn refused(place: &TempDir, files: &[&str], why: &str) {
    let before = snapshot(place.path());
    for file in files {
        for verb in VERBS {
            let refused = to(place.path(), verb, file).expect(2);
            let why = match verb {
                [_, "pkcs12", ..] if why == KEPT => PKCS12,
                [_, "secret", ..] if why == KEPT => SECRET,
                _ => why,
            };
            let told = format!("error: --output-file: {file} {why}name another file\n");
            assert_eq!(
                (&*refused.stderr, &*refused.stdout),
                (&*told, ""),
                "{verb:?}"
            );
        }
    }
    same(&before, place.path());
}

const KEPT: &str = "is not what this command wrote before: move it away, or ";
const PKCS12: &str = "is there, and it may hold the only copy of a key: remove it, or ";
const SECRET: &str = "does not hold the same Secrets, by name, namespace, type, labels and keys: move \
                      it away, or ";

#[test]
fn nothing_is_written_among_the_cluster_s_own_files_nor_over_an_input() {
    let place = place();
    write(
        &place.join("config.yaml"),
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n",
    );
    symlink("k8s/pki", place.join("link")).expect("a link");
    for folder in [
        "k8s/manifests",
        "k8s/pki/deep",
        "k8s/pki/deep/er",
        "other",
        "other/.certs-backup",
    ] {
        fs::create_dir(place.join(folder)).expect("a folder");
    }
    for file in [
        "k8s/pki/encryption.yaml",
        "k8s/manifests/kube-apiserver.yaml",
        "other/.certs-journal",
    ] {
        write(&place.join(file), "");
    }
    let tree = "is a place of the cluster's own files: ";
    let files = [
        "k8s/pki/ca.key",
        "./k8s/pki/../pki/etcd/ca.key",
        "link/sa.key",
        "link/new.prom",
        "k8s/admin.conf",
        "k8s/pki/encryption.yaml",
        "k8s/pki/tokens.csv",
        "k8s/pki/deep/er/new",
        "k8s/manifests/kube-apiserver.yaml",
        "k8s/new.prom",
        "k8s/.certs-journal",
        // Of another tree.
        "other/.certs-journal",
        "other/.certs-0707070707070707-1",
        "other/.certs-backup/new",
    ];
    refused(&place, &files, tree);
    for (verb, file) in [
        (VERBS[8], "password"),
        (&["check", "--config", "config.yaml"], "config.yaml"),
        (
            &["export", "bundle", "--config", "config.yaml"],
            "config.yaml",
        ),
        (
            &["export", "secret", "admin", "--config", "config.yaml"],
            "./config.yaml",
        ),
    ] {
        let refused = to(place.path(), verb, file).expect(2);
        assert!(
            refused.stderr.contains("is what this run reads"),
            "{refused}"
        );
    }
}

#[test]
fn what_no_run_of_the_same_verb_wrote_is_kept() {
    let place = place();
    let pki = |name: &str| common::read(&place.join("k8s/pki").join(name));
    let key = pki("ca.key");
    for (file, content) in [
        ("old.bak", key.clone()),
        ("certificate", pki("apiserver.crt")),
        ("public", pki("sa.pub")),
        ("config", common::read(&place.join("k8s/admin.conf"))),
        (
            "no-kind",
            "users:\n- name: a\n  user:\n    token: abc\n".into(),
        ),
        (
            "base64",
            Base64::encode_string(&fs::read(place.join("k8s/admin.conf")).expect("a file")),
        ),
        ("long", format!("{}{key}", "#\n".repeat(1 << 20))),
        ("words", "whatever\n".into()),
        ("tokens.csv", "abc,alice,1\n".into()),
        ("log", "error: disk is full\nerror: fan stopped\n".into()),
        ("diary", "error: no rain\nLooked at the sky.\n".into()),
        (
            "map.yaml",
            "apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  name: a\n".into(),
        ),
    ] {
        write(&place.join(file), content);
    }
    let openssl = |arguments: &str| {
        let mut openssl = Command::new(tool("openssl"));
        openssl.current_dir(place.path());
        run(openssl.args(arguments.split(' '))).expect(0);
    };
    openssl("pkey -in k8s/pki/ca.key -outform DER -out k.der");
    openssl("x509 -in k8s/pki/ca.crt -outform DER -out c.der");
    openssl("pkcs8 -topk8 -in k8s/pki/ca.key -passout pass:x -outform DER -out p8.der");
    let mut tar = Command::new("tar");
    run(tar
        .current_dir(place.path())
        .args(["-cf", "own.tar", "k8s/pki"]))
    .expect(0);
    let files = [
        "old.bak",
        "certificate",
        "public",
        "config",
        "no-kind",
        "base64",
        "long",
        "words",
        "tokens.csv",
        "log",
        "diary",
        "map.yaml",
        "k.der",
        "c.der",
        "p8.der",
        "own.tar",
    ];
    refused(&place, &files, KEPT);
}

#[test]
fn what_an_earlier_run_wrote_in_this_form_is_replaced_and_in_another_kept() {
    let place = place();
    let written = |done: &Finished| [Some(0), Some(3), Some(4)].contains(&done.status.code());
    let name = |number: usize| format!("out.{number}");
    for (number, verb) in VERBS.iter().enumerate() {
        let file = place.join(&name(number));
        for former in [None, Some("")] {
            former.inspect(|former| write(&file, former));
            let done = to(place.path(), verb, &name(number));
            assert!(written(&done), "{done}");
            assert!(fs::metadata(&file).expect("a file").len() > 0, "{verb:?}");
        }
    }
    let form = |verb: &[&str]| match verb {
        ["check", "--output", form] => (*form).to_owned(),
        ["check", ..] => "text".to_owned(),
        [_, what, ..] => (*what).to_owned(),
        _ => panic!("{verb:?}"),
    };
    for (number, former) in VERBS.iter().enumerate() {
        for verb in VERBS {
            let done = to(place.path(), verb, &name(number));
            // What is in a PKCS#12 file nobody sees, and a Secret's name and keys everyone.
            let same = match verb {
                [_, "pkcs12", ..] => false,
                [_, "secret", ..] => verb == *former,
                _ => form(verb) == form(former),
            };
            if same {
                assert!(written(&done), "{done}");
                continue;
            }
            let stderr = done.expect(2).stderr;
            let told = [KEPT, PKCS12, SECRET]
                .iter()
                .any(|why| stderr.contains(why));
            assert!(told, "{verb:?}, {former:?}: {stderr}");
        }
    }
}

#[test]
fn what_only_begins_as_a_report_is_kept() {
    let place = place();
    let reports = VERBS.iter().take(6).filter(|verb| verb[0] == "check");
    for (number, verb) in reports.enumerate() {
        let name = format!("report.{number}");
        let file = place.join(&name);
        assert_ne!(to(place.path(), verb, &name).status.code(), Some(2));
        let report = common::read(&file);
        let last = report.trim_end().rfind('\n').expect("several lines") + 1;
        for other in [
            format!("{report}a note of my own\n"),
            format!("{report}{report}#\n"),
            format!("{report}{}", "#\n".repeat(1 << 20)),
            format!("{}a note of my own\n{}", &report[..last], &report[last..]),
        ] {
            write(&file, &other);
            let refused = to(place.path(), verb, &name).expect(2);
            assert!(refused.stderr.contains(KEPT), "{verb:?}: {refused}");
            assert_eq!(common::read(&file), other);
        }
        // However long it is.
        let long = match verb {
            ["check", "--output", "json"] => report.replace(
                "  \"items\"",
                &format!("{}  \"items\"", "\n".repeat(2 << 20)),
            ),
            ["check", "--output", "yaml"] => report.replace(
                "items:\n",
                &format!("items:\n{}", "- a: b\n".repeat(1 << 18)),
            ),
            ["check", "--output", _] => report.replace(
                "# HELP certs_",
                &format!("{}# HELP certs_", "x509_cert_error{} 0\n".repeat(1 << 17)),
            ),
            _ => format!("{}{report}", "error: a b\n".repeat(1 << 17)),
        };
        assert!(long.len() > 1 << 20, "{verb:?}");
        write(&file, long);
        assert_ne!(
            to(place.path(), verb, &name).status.code(),
            Some(2),
            "{verb:?}"
        );
        assert_eq!(common::read(&file).len(), report.len(), "{verb:?}");
    }
}

#[test]
fn a_secret_is_replaced_by_the_same_secret_alone() {
    let place = place();
    let verb = ["export", "secret", "front-proxy-client"];
    let export = |more: &[&str]| to(place.path(), &[&verb[..], more].concat(), "secret.yaml");
    export(&[]).expect(0);
    let file = place.join("secret.yaml");
    let secret = common::read(&file);
    // Another certificate of the same name, as after a renewal.
    let (head, data) = secret.split_once("tls.key: ").expect("a key");
    let other_key = format!("{head}tls.key: {}", data.replacen("LS0t", "AAAA", 1));
    write(&file, &other_key);
    export(&[]).expect(0);
    assert_eq!(common::read(&file), secret);
    for other in [
        secret.replace("name: front-proxy-client", "name: other"),
        secret.replace("metadata:\n", "metadata:\n  namespace: other\n"),
        secret.replace("metadata:\n", "metadata:\n  labels:\n    a: b\n"),
        secret.replace("kubernetes.io/tls", "Opaque"),
        secret.replace("kind: Secret", "kind: ConfigMap"),
        secret.replace("  tls.key:", "  password: aHVudGVyMg==\n  tls.key:"),
        format!("{secret}stringData:\n  password: hunter2\n"),
        format!("{secret}---\n{secret}"),
        format!("# my own\n{secret}"),
        format!("{secret}: no YAML"),
    ] {
        assert_ne!(other, secret);
        write(&file, &other);
        let refused = export(&[]).expect(2);
        assert!(refused.stderr.contains(SECRET), "{refused}");
        assert_eq!(common::read(&file), other);
    }
    write(&file, &secret);
    for more in [
        ["--namespace", "kube-system"],
        ["--secret-name", "other"],
        ["--type", "opaque"],
    ] {
        export(&more).expect(2);
        assert_eq!(common::read(&file), secret);
    }
}

#[test]
fn a_file_that_may_not_be_read_is_not_replaced_unread() {
    let public = Public::new();
    lchown(&public.0, Some(65534), Some(65534)).expect("this test needs root");
    let (place, file) = (public.0.join("k8s"), public.0.join("file"));
    write(&file, "");
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
    assert_eq!(common::read(&file), "");
    as_nobody(&public.0.join("other")).expect(0);
}
