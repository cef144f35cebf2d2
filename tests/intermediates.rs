//! CAs below others: what stands in the files, and who can follow it. The rule is in
//! docs/architecture.md, "Intermediates".
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::path::Path;
use std::process::Command;

mod common;
use common::{Finished, TempDir, certs, kubeconfig_data, read, run, tool, write};

const FACTS: [&str; 6] = [
    "--node-name",
    "cp1",
    "--apiserver-advertise-address",
    "127.0.0.1",
    "--key-algorithm",
    "ECDSA-P256",
];
/// The leaves, and the file that each is verified with.
const LEAVES: [(&str, &str); 7] = [
    ("pki/apiserver", "pki/ca"),
    ("pki/apiserver-kubelet-client", "pki/ca"),
    ("pki/apiserver-etcd-client", "pki/etcd/ca"),
    ("pki/etcd/server", "pki/etcd/ca"),
    ("pki/etcd/peer", "pki/etcd/ca"),
    ("pki/etcd/healthcheck-client", "pki/etcd/ca"),
    ("pki/front-proxy-client", "pki/front-proxy-ca"),
];
const CONFIGS: [&str; 5] = [
    "admin",
    "super-admin",
    "kubelet",
    "controller-manager",
    "scheduler",
];

/// Roots in `roots`, and below each a CA that signs here. What `ca.crt` is to hold is said by `files`,
/// of the CA's own certificate `ca` and of `root`.
const MAKE: &str = r#"
ext() { printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'; }
mkdir -p roots pki/etcd
for ca in ca etcd/ca front-proxy-ca; do
    root=roots/${ca/\//-}
    openssl ecparam -name prime256v1 -genkey -noout -out $root.key
    openssl req -new -key $root.key -subj "/O=Example/CN=root of ${ca/\//-}" |
        openssl x509 -req -key $root.key -days 7000 -extfile <(ext) -out $root.crt
    umask 077
    openssl ecparam -name prime256v1 -genkey -noout -out pki/$ca.key
    umask 022
    openssl req -new -key pki/$ca.key -subj "/O=Example/CN=${ca/\//-}" |
        openssl x509 -req -CA $root.crt -CAkey $root.key -CAcreateserial -days 3650 -extfile <(ext) -out own.crt
    for one in $files; do
        case $one in ca) cat own.crt ;; root) cat $root.crt ;; esac
    done > pki/$ca.crt
done
rm own.crt
"#;

fn bash(place: &Path, files: &str, script: &str) {
    let mut bash = Command::new(tool("bash"));
    bash.args(["-euo", "pipefail", "-c", script]);
    run(bash.env("files", files).current_dir(place)).expect(0);
}

/// A folder with three CAs below roots.
fn cas(files: &str) -> TempDir {
    let place = TempDir::new();
    bash(place.path(), files, MAKE);
    place
}

fn on(place: &Path, verb: &[&str]) -> Finished {
    let directories = ["--kubernetes-dir", "."];
    run(certs(&[verb, &directories].concat()).current_dir(place))
}

fn all(place: &Path, more: &[&str]) -> Finished {
    on(place, &[&["all"], &FACTS[..], more].concat())
}

/// The tree that `certs all` makes below such CAs.
fn tree(files: &str) -> TempDir {
    let place = cas(files);
    all(place.path(), &[]);
    place
}

/// The PEM blocks of a text, and how each begins and ends.
fn blocks(pem: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----\n";
    let ends = pem.split_inclusive(END);
    ends.map(str::to_owned)
        .filter(|one| !one.trim().is_empty())
        .collect()
}

/// Every chain of the tree, as PEM, and the file to verify it with.
fn chains(place: &Path) -> Vec<(String, Vec<String>, &'static str)> {
    let pairs = LEAVES.iter().map(|(leaf, ca)| {
        let file = read(&place.join(format!("{leaf}.crt")));
        ((*leaf).to_owned(), blocks(&file), *ca)
    });
    let configs = CONFIGS.iter().map(|name| {
        let conf = place.join(format!("{name}.conf"));
        let data = kubeconfig_data(&conf, "client-certificate-data");
        let file = String::from_utf8(data).expect("PEM");
        ((*name).to_owned(), blocks(&file), "pki/ca")
    });
    pairs.chain(configs).collect()
}

/// OpenSSL's verdict on a chain for who trusts this file, and without `-partial_chain`.
fn openssl(aside: &Path, chain: &[String], trust: &Path, more: &[&str]) -> Finished {
    let (leaf, rest) = (aside.join("leaf.pem"), aside.join("rest.pem"));
    write(&leaf, &chain[0]);
    write(&rest, chain[1..].concat());
    let mut verify = Command::new(tool("openssl"));
    verify
        .args(["verify", "-no-CApath", "-no-CAstore"])
        .args(more);
    verify.arg("-CAfile").arg(trust);
    if chain.len() > 1 {
        verify.arg("-untrusted").arg(&rest);
    }
    run(verify.arg(&leaf))
}

fn gnutls(aside: &Path, chain: &[String], trust: &Path) -> Finished {
    let file = aside.join("chain.pem");
    write(&file, chain.concat());
    let mut certtool = Command::new(tool("certtool"));
    certtool.args(["--verify", "--load-ca-certificate"]);
    run(certtool.arg(trust).arg("--infile").arg(&file))
}

fn root_of(place: &Path, ca: &str) -> std::path::PathBuf {
    let name = ca.trim_start_matches("pki/").replace('/', "-");
    place.join(format!("roots/{name}.crt"))
}

#[test]
fn who_trusts_the_root_alone_follows_every_chain_and_no_chain_has_the_root() {
    for files in ["ca root", "ca"] {
        let (place, aside) = (tree(files), TempDir::new());
        for (name, chain, ca) in chains(place.path()) {
            let root = root_of(place.path(), ca);
            let own = blocks(&read(&place.join(&format!("{ca}.crt")))).remove(0);
            assert_eq!(chain[1..], [own], "{files}: {name}");
            openssl(aside.path(), &chain, &root, &[]).expect(0);
            gnutls(aside.path(), &chain, &root).expect(0);
            // The CA's own file serves too, if the root is in it.
            let trust = place.join(&format!("{ca}.crt"));
            let whole = files == "ca root";
            let verdict = openssl(aside.path(), &chain, &trust, &[]);
            assert_eq!(
                verdict.status.success(),
                whole,
                "{files}: {name}: {verdict}"
            );
            openssl(aside.path(), &chain[..1], &trust, &["-partial_chain"]).expect(0);
        }
        // Where the root is known, and the server sends the rest, trust is in the root alone.
        for name in CONFIGS {
            let conf = place.join(&format!("{name}.conf"));
            let trust = kubeconfig_data(&conf, "certificate-authority-data");
            let wanted = if files == "ca root" {
                read(&root_of(place.path(), "pki/ca"))
            } else {
                read(&place.join("pki/ca.crt"))
            };
            assert_eq!(String::from_utf8_lossy(&trust), wanted, "{files}: {name}");
        }
        let again = all(place.path(), &[]);
        assert!(again.stdout.contains("nothing was written"), "{again}");
        let renewed = on(place.path(), &["renew", "--all"]);
        assert!(renewed.stdout.contains("Replaced"), "{renewed}");
        for (name, chain, ca) in chains(place.path()) {
            openssl(aside.path(), &chain, &root_of(place.path(), ca), &[]).expect(0);
            assert_eq!(chain.len(), 2, "{files}: {name}");
        }
    }
}

/// Leaves as kubeadm makes them below such a CA: without it.
fn without_chains(place: &Path) {
    for (leaf, _) in LEAVES {
        let file = place.join(format!("{leaf}.crt"));
        write(&file, &blocks(&read(&file))[0]);
    }
}

#[test]
fn a_leaf_without_its_intermediate_is_told_and_completed_with_key_and_certificate_as_they_are() {
    let place = tree("ca");
    let whole = chains(place.path());
    without_chains(place.path());
    let keys = LEAVES.map(|(leaf, _)| read(&place.join(&format!("{leaf}.key"))));
    let told = all(place.path(), &[]).expect(3);
    let words =
        "pki/apiserver.crt lacks a CA between its certificate and the root: 'certs server --force'";
    assert!(told.stderr.contains(words), "{told}");
    let checked = on(place.path(), &["check", "--output", "json"]).expect(3);
    let count = checked.stdout.matches("intermediate-missing").count();
    assert_eq!(count, LEAVES.len(), "{checked}");
    let mended = all(place.path(), &["--force"]).expect(0);
    assert!(mended.stdout.contains("pki/apiserver.crt"), "{mended}");
    assert_eq!(chains(place.path()), whole);
    assert_eq!(
        LEAVES.map(|(leaf, _)| read(&place.join(&format!("{leaf}.key")))),
        keys
    );
    all(place.path(), &[]).expect(0);
    // A renewal completes it too.
    without_chains(place.path());
    on(place.path(), &["renew", "apiserver", "--reuse-key"]).expect(0);
    assert_eq!(blocks(&read(&place.join("pki/apiserver.crt"))).len(), 2);
}
