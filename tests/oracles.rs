//! OpenSSL, GnuTLS and Go's crypto/x509 judge a tree of each kind of key.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

mod common;
use common::tree::{ALGORITHMS, CAS, LEAVES, Leaf, Tree, foreign, shared};
use common::{Finished, TempDir, root, run, text, tool, venv};

/// No certificate is good for these.
const OTHER_HOSTS: [&str; 3] = ["other.example.test", "10.99.99.99", "fd99::99"];

#[test]
fn openssl_verifies_every_leaf_strictly_for_its_purposes_alone() {
    for tree in ALGORITHMS.map(shared) {
        for leaf in &LEAVES {
            for (purpose, allowed) in [("sslserver", leaf.server), ("sslclient", leaf.client)] {
                let verdict = openssl(tree, leaf, leaf.issuer, &["-purpose", purpose]);
                if allowed {
                    verdict.expect(0);
                } else {
                    verdict.expect_failure("unsuitable certificate purpose");
                }
            }
        }
    }
}

#[test]
fn openssl_finds_every_name_and_address_and_no_other() {
    for tree in ALGORITHMS.map(shared) {
        for leaf in LEAVES.iter().filter(|leaf| leaf.server) {
            for host in leaf.hosts {
                openssl(tree, leaf, leaf.issuer, &[host_flag(host), host]).expect(0);
            }
            for host in OTHER_HOSTS {
                let words = if is_address(host) {
                    "IP address mismatch"
                } else {
                    "hostname mismatch"
                };
                openssl(tree, leaf, leaf.issuer, &[host_flag(host), host]).expect_failure(words);
            }
        }
    }
}

#[test]
fn openssl_trusts_no_leaf_through_another_ca() {
    for tree in ALGORITHMS.map(shared) {
        for leaf in &LEAVES {
            for other in CAS.iter().filter(|ca| **ca != leaf.issuer) {
                openssl(tree, leaf, other, &[])
                    .expect_failure("unable to get local issuer certificate");
            }
            // The same names in another cluster.
            let stranger = verify(&foreign().join(leaf.issuer), &tree.certificate(leaf), &[]);
            assert!(!stranger.status.success(), "{}\n{stranger}", leaf.place);
        }
    }
}

#[test]
fn openssl_verifies_each_ca_by_itself_strictly() {
    for tree in ALGORITHMS.map(shared) {
        for ca in CAS {
            verify(&tree.join(ca), &tree.join(ca), &["-check_ss_sig"]).expect(0);
        }
    }
}

#[test]
fn openssl_reads_every_key_and_finds_it_in_its_certificate() {
    for tree in ALGORITHMS.map(shared) {
        for leaf in &LEAVES {
            let certificate = tree.certificate(leaf);
            let certified = public(&["x509", "-noout", "-pubkey"], &certificate);
            let kept = public(&["pkey", "-pubout"], &tree.key(leaf));
            assert_eq!(certified, kept, "{}", leaf.place);
            let sound = ["pkey", "-check", "-noout"];
            assert!(public(&sound, &tree.key(leaf)).contains("is valid"));
        }
        let pair = public(&["pkey", "-pubout"], &tree.join("pki/sa.key"));
        assert_eq!(pair, common::read(&tree.join("pki/sa.pub")));
    }
}

#[test]
fn openssl_prints_the_subjects_of_the_table() {
    for tree in ALGORITHMS.map(shared) {
        for leaf in &LEAVES {
            let flags = [
                "x509",
                "-noout",
                "-subject",
                "-nameopt",
                "oneline,-space_eq",
            ];
            let subject = public(&flags, &tree.certificate(leaf)).replace(", ", ",");
            assert_eq!(
                subject.trim(),
                format!("subject={}", leaf.subject),
                "{}",
                leaf.place
            );
        }
    }
}

#[test]
fn gnutls_verifies_every_leaf_with_its_names_and_purposes() {
    for tree in ALGORITHMS.map(shared) {
        for leaf in &LEAVES {
            for (oid, allowed) in [
                ("1.3.6.1.5.5.7.3.1", leaf.server),
                ("1.3.6.1.5.5.7.3.2", leaf.client),
            ] {
                let verdict = certtool(tree, leaf, leaf.issuer, &["--verify-purpose", oid]);
                if allowed {
                    verdict.expect(0);
                } else {
                    verdict.expect_failure("Not verified");
                }
            }
            for host in leaf.hosts {
                certtool(tree, leaf, leaf.issuer, &["--verify-hostname", host]).expect(0);
            }
            for host in OTHER_HOSTS {
                certtool(tree, leaf, leaf.issuer, &["--verify-hostname", host])
                    .expect_failure("Not verified");
            }
            let other = CAS.iter().find(|ca| **ca != leaf.issuer);
            let other = other.expect("there are three CAs");
            certtool(tree, leaf, other, &[]).expect_failure("Not verified");
        }
    }
}

#[test]
fn go_loads_verifies_and_shakes_hands_with_every_pair() {
    for tree in ALGORITHMS.map(shared) {
        let verdict = go(&tree.path(), &foreign().join("pki/ca.crt")).expect(0);
        let checks: u32 = verdict
            .stdout
            .lines()
            .last()
            .and_then(|line| line.split_once(" checks, 0 faults"))
            .and_then(|(count, _)| count.parse().ok())
            .unwrap_or_else(|| panic!("no count\n{verdict}"));
        assert!(checks > 300, "{verdict}");
    }
}

#[test]
fn below_renewed_cas_every_judge_takes_the_leaves_that_the_former_ones_signed() {
    for algorithm in ALGORITHMS {
        let tree = Tree::make(algorithm);
        let former: Vec<String> = CAS.iter().map(|ca| common::read(&tree.join(ca))).collect();
        let leaf = |leaf: &Leaf| common::read(&tree.certificate(leaf));
        let leaves: Vec<String> = LEAVES.iter().map(leaf).collect();
        let mut renew = common::certs(&["renew", "ca", "etcd-ca", "front-proxy-ca"]);
        renew.args(["--kubernetes-dir", text(&tree.path())]);
        run(renew.args(["--ca-validity", "90000h"])).expect(0);
        for (ca, former) in CAS.iter().zip(&former) {
            assert_ne!(&common::read(&tree.join(ca)), former, "{ca}");
            verify(&tree.join(ca), &tree.join(ca), &["-check_ss_sig"]).expect(0);
        }
        for (leaf, was) in LEAVES.iter().zip(&leaves) {
            assert_eq!(
                &common::read(&tree.certificate(leaf)),
                was,
                "{}",
                leaf.place
            );
            openssl(&tree, leaf, leaf.issuer, &[]).expect(0);
            certtool(&tree, leaf, leaf.issuer, &[]).expect(0);
        }
        // Also that every kubeconfig holds the new certificate. The leaves are older than it.
        let said = judged_by_go(&tree);
        let faults = said.lines().filter(|line| line.starts_with("fault: "));
        for fault in faults {
            assert!(
                fault.ends_with("within the CA's validity: does not hold"),
                "{said}"
            );
        }
    }
}

/// What Go says of a tree without its backups, whose files are no pairs.
fn judged_by_go(tree: &Tree) -> String {
    for folder in [tree.path(), tree.join("pki")] {
        fs::remove_dir_all(folder.join(".certs-backup")).expect("remove a backup");
    }
    go(&tree.path(), &foreign().join("pki/ca.crt")).stdout
}

#[test]
fn renewed_leaves_are_taken_by_every_judge() {
    for algorithm in ALGORITHMS {
        let tree = Tree::make(algorithm);
        let mut renew = common::certs(&["renew", "--all", "--reuse-key"]);
        run(renew.args(["--kubernetes-dir", text(&tree.path())])).expect(0);
        assert!(judged_by_go(&tree).contains(" checks, 0 faults"));
        let mut renew = common::certs(&["renew", "--all"]);
        run(renew.args(["--kubernetes-dir", text(&tree.path())])).expect(0);
        assert!(judged_by_go(&tree).contains(" checks, 0 faults"));
        for leaf in LEAVES.iter().filter(|leaf| leaf.place.contains('/')) {
            openssl(&tree, leaf, leaf.issuer, &[]).expect(0);
        }
    }
}

#[test]
fn go_refuses_a_tree_with_a_foreign_leaf_a_wrong_key_or_a_lacking_name() {
    let tree = shared("ECDSA-P256");
    let stranger = foreign().path();
    let faults: [(&str, &[(&str, &str)]); 4] = [
        (
            "fault: pki/front-proxy-client: verify for usage",
            &[
                ("pki/front-proxy-client.crt", "pki/front-proxy-client.crt"),
                ("pki/front-proxy-client.key", "pki/front-proxy-client.key"),
            ],
        ),
        (
            "private key does not match public key",
            &[("pki/apiserver.key", "pki/apiserver.key")],
        ),
        ("fault: sa.pub is sa.key's", &[("pki/sa.pub", "pki/sa.pub")]),
        (
            "certificate-authority-data is not pki/ca.crt",
            &[("admin.conf", "admin.conf")],
        ),
    ];
    for (words, replaced) in faults {
        let folder = TempDir::new();
        let copy = folder.join("kubernetes");
        run(Command::new("cp").arg("-a").arg(tree.path()).arg(&copy)).expect(0);
        for (from, to) in replaced {
            fs::copy(stranger.join(from), copy.join(to)).expect("copy a file");
        }
        go(&copy, &foreign().join("pki/ca.crt"))
            .expect(1)
            .expect_failure(words);
    }
    // A CA that did sign here, in the place of one that did not.
    go(&tree.path(), &tree.join("pki/ca.crt"))
        .expect(1)
        .expect_failure("with a foreign CA");
}

fn openssl(tree: &Tree, leaf: &Leaf, ca: &str, flags: &[&str]) -> Finished {
    verify(&tree.join(ca), &tree.certificate(leaf), flags)
}

fn verify(ca: &Path, certificate: &Path, flags: &[&str]) -> Finished {
    let mut command = Command::new(tool("openssl"));
    // The machine's own trust anchors have no say.
    command.args(["verify", "-x509_strict", "-no-CApath", "-no-CAstore"]);
    command.arg("-CAfile").arg(ca).args(flags).arg(certificate);
    run(&mut command)
}

fn host_flag(host: &str) -> &'static str {
    if is_address(host) {
        "-verify_ip"
    } else {
        "-verify_hostname"
    }
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

/// What an openssl command prints of a file.
fn public(arguments: &[&str], file: &Path) -> String {
    let mut command = Command::new(tool("openssl"));
    let finished = run(command.args(arguments).arg("-in").arg(file)).expect(0);
    finished.stdout + &finished.stderr
}

fn certtool(tree: &Tree, leaf: &Leaf, ca: &str, flags: &[&str]) -> Finished {
    let mut command = Command::new(tool("certtool"));
    command.arg("--verify").args(flags);
    command.arg("--load-ca-certificate").arg(tree.join(ca));
    command.arg("--infile").arg(tree.certificate(leaf));
    run(&mut command)
}

fn go(tree: &Path, stranger: &Path) -> Finished {
    let hosts = |place: &str, addresses: bool| {
        let leaf = LEAVES.iter().find(|leaf| leaf.place == place);
        let hosts = leaf.expect("a row of LEAVES").hosts.iter();
        let chosen: Vec<_> = hosts
            .copied()
            .filter(|host| is_address(host) == addresses)
            .collect();
        chosen.join(",")
    };
    let mut command = Command::new(verifier());
    for (flag, place, addresses) in [
        ("-names", "pki/apiserver", false),
        ("-addresses", "pki/apiserver", true),
        ("-etcd-names", "pki/etcd/server", false),
        ("-etcd-addresses", "pki/etcd/server", true),
    ] {
        command.arg(flag).arg(hosts(place, addresses));
    }
    run(command.arg("-foreign").arg(stranger).arg(tree))
}

/// tests/go, built with the virtual environment's Go and its standard library alone.
fn verifier() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let binary = scratch.join("verify");
        let mut command = Command::new(venv("go"));
        command
            .current_dir(root().join("tests/go"))
            .args(["build", "-trimpath", "-o", text(&binary), "."])
            .env("CGO_ENABLED", "0")
            .env("GOCACHE", scratch.join("go-cache"))
            .env("GOFLAGS", "-mod=mod")
            .env("GOPATH", scratch.join("go-path"))
            .env("GOPROXY", "off")
            .env("GOTELEMETRY", "off")
            .env("GOTOOLCHAIN", "local")
            .env("GOWORK", "off");
        run(&mut command).expect(0);
        binary
    })
}
