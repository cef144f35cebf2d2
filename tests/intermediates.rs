//! CAs below others: what stands in the files, and who can follow it. The rule is in
//! docs/architecture.md, "Intermediates".
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

mod common;
use common::members::Members;
use common::{
    Finished, Server, TempDir, at, certs, fixture, free_port, kubeconfig_data, read, run, text,
    tool, venv, write,
};

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

/// Beside a request no other verb writes than the one that signs it.
#[test]
fn a_certificate_beside_its_request_that_lacks_its_intermediate_is_made_whole_by_signing_it_again()
{
    let place = cas("ca");
    let ask = "mkdir csr; openssl req -new -newkey rsa:2048 -nodes -keyout own.key -out csr/admin.csr \
               -subj /O=kubeadm:cluster-admins/CN=kubernetes-admin";
    bash(place.path(), "", ask);
    on(place.path(), &["sign", "csr/admin.csr"]).expect(0);
    let file = place.join("csr/admin.crt");
    let [leaf, _] = &blocks(&read(&file))[..] else {
        panic!("{}", read(&file))
    };
    write(&file, leaf);
    let told = on(place.path(), &["sign", "csr/admin.csr"]).expect(3);
    let words = "csr/admin.crt lacks a CA between its certificate and the root: run the same command with --force";
    assert!(told.stderr.contains(words), "{told}");
    on(place.path(), &["sign", "csr/admin.csr", "--force"]).expect(0);
    assert_eq!(blocks(&read(&file)).len(), 2);
    on(place.path(), &["sign", "csr/admin.csr"]).expect(0);
}

/// A corporate root signs what `certs csr ca` asks for, and gives it a key identifier: the one that is
/// asked for, the same one as its own configuration says, or one of its own.
const CORPORATE: &str = r#"
mkdir -p roots
openssl ecparam -name prime256v1 -genkey -noout -out roots/ca.key
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n' > roots/ext
openssl req -new -key roots/ca.key -subj /O=Example/CN=corporate |
    openssl x509 -req -key roots/ca.key -days 7000 -extfile roots/ext -out roots/ca.crt
own="basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier="
case $files in
    asked) copy='-copy_extensions copyall' own= ;;
    same) own=$own$(openssl x509 -in pki/ca.crt -noout -ext subjectKeyIdentifier | tail -1 | tr -d ' :') ;;
    another) own=${own}hash ;;
esac
printf "$own\nauthorityKeyIdentifier=keyid\n" > roots/ext
openssl x509 -req -in req/ca.csr -CA roots/ca.crt -CAkey roots/ca.key -CAcreateserial -days 3650 ${copy-} -extfile roots/ext -out own.crt
cat own.crt roots/ca.crt > req/ca.crt
"#;

/// A cluster of kubeadm's kind, whose CA was asked for, and signed, above.
fn below_a_corporate_root(identifier: &str) -> TempDir {
    let place = TempDir::new();
    all(place.path(), &[]).expect(0);
    let own = ["client", "alice", "--common-name", "alice"];
    on(place.path(), &[&own[..], &FACTS[4..]].concat()).expect(0);
    on(place.path(), &["csr", "ca", "--csr-dir", "req"]).expect(0);
    bash(place.path(), identifier, CORPORATE);
    place
}

#[test]
fn a_ca_that_comes_anew_from_above_takes_chains_and_kubeconfigs_along_in_one_commit() {
    let (place, aside) = (below_a_corporate_root("asked"), TempDir::new());
    let (own, root) = (
        read(&place.join("own.crt")),
        read(&place.join("roots/ca.crt")),
    );
    let former = read(&place.join("pki/ca.crt"));
    let key = read(&place.join("pki/apiserver.key"));
    let told = on(place.path(), &["import", "req", "--dry-run"]).expect(3);
    assert!(told.stdout.contains("pki/ca-signing.crt"), "{told}");
    assert_eq!(read(&place.join("pki/ca.crt")), former);
    let told = on(place.path(), &["import", "req"]).expect(3);
    // As a renewal of a CA tells it: what is to be restarted, and who else has a copy.
    for words in [
        "at their start alone:\n  kube-controller-manager (ca, controller-manager)\n  kubelet (kubelet)\n",
        "by themselves:\n  kube-apiserver (ca, apiserver, apiserver-kubelet-client)\n",
        "  kube-controller-manager (ca-signing.crt)\n",
        "Next:\n  Before any kube-controller-manager is restarted, copy ",
        "pki/ca-signing.crt to every other control plane, and have its --cluster-signing-cert-file name that file \
         on each ('certs flags kube-controller-manager' prints it)",
        "pki/ca.crt to every other node that has it, before the former one ends",
        "('certs kubeconfig refresh')",
    ] {
        assert!(told.stdout.contains(words), "{words}: {told}");
    }
    assert_eq!(read(&place.join("pki/ca.crt")), format!("{own}{root}"));
    assert_eq!(read(&place.join("pki/ca-signing.crt")), own);
    assert_eq!(read(&place.join("pki/apiserver.key")), key);
    let trust = place.join("roots/ca.crt");
    for (name, chain, ca) in chains(place.path()) {
        let below = ca == "pki/ca";
        assert_eq!(chain.len(), if below { 2 } else { 1 }, "{name}");
        if below {
            openssl(aside.path(), &chain, &trust, &[]).expect(0);
            gnutls(aside.path(), &chain, &trust).expect(0);
        }
    }
    assert_eq!(blocks(&read(&place.join("pki/alice.crt"))).len(), 2);
    for name in CONFIGS {
        let conf = place.join(&format!("{name}.conf"));
        let data = kubeconfig_data(&conf, "certificate-authority-data");
        assert_eq!(String::from_utf8_lossy(&data), root, "{name}");
    }
    // All of it is as wanted, and what signs is one.
    for verb in [&["import", "req"][..], &["check"]] {
        let again = on(place.path(), verb);
        assert_eq!(again.status.code(), Some(0), "{again}");
        assert!(!again.stdout.contains("several-certificates"), "{again}");
    }
    let again = all(place.path(), &[]).expect(0);
    assert!(again.stdout.contains("nothing was written"), "{again}");
    // And all of it goes back together.
    on(place.path(), &["rollback"]).expect(0);
    assert_eq!(read(&place.join("pki/ca.crt")), former);
    assert_eq!(blocks(&read(&place.join("pki/apiserver.crt"))).len(), 1);
    write(&place.join("pki/ca-signing.crt"), &former);
    let told = on(place.path(), &["import", "req"]).expect(3);
    assert_eq!(read(&place.join("pki/ca-signing.crt")), own);
    // Where it was there before the option names it, and the other control planes have it too.
    let words =
        "pki/ca-signing.crt to every other control plane that has it, before the former one ends";
    assert!(told.stdout.contains(words), "{told}");
    assert!(
        !told.stdout.contains("--cluster-signing-cert-file"),
        "{told}"
    );
}

/// Three CAs, one below the other, the last of them the cluster's; and it is signed anew.
const BELOW_ANOTHER: &str = r"
mkdir -p roots req
openssl req -x509 -newkey rsa:2048 -nodes -keyout roots/root.key -subj /CN=root -days 7000 -out roots/root.crt
openssl req -newkey rsa:2048 -nodes -keyout roots/int.key -subj /CN=int |
    openssl x509 -req -CA roots/root.crt -CAkey roots/root.key -CAcreateserial -days 5000 -extfile roots/ext -out roots/int.crt
openssl x509 -req -in req/ca.csr -CA roots/int.crt -CAkey roots/int.key -CAcreateserial -days 3650 -copy_extensions copyall -extfile roots/keyid -out own.crt
cp own.crt req/ca.crt
";

/// The CA above signs it once more.
const AGAIN: &str = r"
openssl x509 -req -in req/ca.csr -CA roots/int.crt -CAkey roots/int.key -days 900 -copy_extensions copyall -extfile roots/keyid -out own.crt
cp own.crt req/ca.crt
";

#[test]
fn a_ca_that_is_issued_anew_stays_below_the_cas_that_the_tree_has_above_it() {
    let (place, aside) = (below_a_corporate_root("asked"), TempDir::new());
    write(
        &place.join("roots/ext"),
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n",
    );
    write(&place.join("roots/keyid"), "authorityKeyIdentifier=keyid\n");
    bash(place.path(), "", BELOW_ANOTHER);
    let pem = |name: &str| read(&place.join(name));
    let (int, root) = (pem("roots/int.crt"), pem("roots/root.crt"));
    let other = pem("pki/etcd/ca.crt");
    let first = pem("own.crt");
    write(&place.join("req/ca.crt"), format!("{first}{int}{root}"));
    on(place.path(), &["import", "req"]).expect(3);
    // One that is trusted beside them, as while a CA is replaced.
    write(
        &place.join("pki/ca.crt"),
        format!("{first}{other}{int}{root}"),
    );
    for script in ["", "cat roots/int.crt >> req/ca.crt"] {
        let before = pem("own.crt");
        on(place.path(), &["csr", "ca", "--csr-dir", "req"]).expect(0);
        bash(place.path(), "", &format!("{AGAIN}{script}"));
        assert_ne!(pem("own.crt"), before);
        on(place.path(), &["import", "req"]).expect(0);
        let own = pem("own.crt");
        assert_eq!(pem("pki/ca.crt"), format!("{own}{int}{root}{other}"));
        let again = on(place.path(), &["import", "req"]).expect(0);
        assert!(again.stdout.contains("nothing was written"), "{again}");
        for (_, chain, ca) in chains(place.path()) {
            if ca == "pki/ca" {
                assert_eq!(chain.len(), 3);
                openssl(aside.path(), &chain, &place.join("roots/root.crt"), &[]).expect(0);
            }
        }
        let conf = place.join("admin.conf");
        let data = kubeconfig_data(&conf, "certificate-authority-data");
        assert_eq!(String::from_utf8_lossy(&data), format!("{root}{other}"));
    }
}

/// The one between is signed for this long.
fn between(place: &Path, days: &str) {
    let sign = "openssl req -new -key roots/int.key -subj /CN=int |
        openssl x509 -req -CA roots/root.crt -CAkey roots/root.key -days $files -extfile roots/ext -out roots/int.crt";
    bash(place, days, sign);
}

#[test]
fn what_ends_with_a_ca_above_its_own_is_due_then_and_waits_for_that_one() {
    let place = below_a_corporate_root("asked");
    write(
        &place.join("roots/ext"),
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n",
    );
    write(&place.join("roots/keyid"), "authorityKeyIdentifier=keyid\n");
    bash(place.path(), "", BELOW_ANOTHER);
    between(place.path(), "10");
    let pem = |name: &str| read(&place.join(name));
    let came = || pem("own.crt") + &pem("roots/int.crt") + &pem("roots/root.crt");
    write(&place.join("req/ca.crt"), came());
    on(place.path(), &["import", "req"]).expect(3);
    let checked = on(place.path(), &["check"]).expect(3).stdout;
    let row = |name: &str| {
        let line = checked.lines().find(|line| line.starts_with(name));
        line.unwrap_or_default().to_owned()
    };
    for name in ["apiserver ", "admin.conf ", "ca "] {
        assert!(row(name).contains(" 9d "), "{name}: {checked}");
    }
    let words: Vec<&str> = checked.split_whitespace().collect();
    let words = words.join(" ");
    for said in [
        "see to its CA first, and then to it",
        "have that one renewed, and 'certs import', given the name ca, bring it in with all below it, as ca.crt",
    ] {
        assert!(words.contains(said), "{said}: {checked}");
    }
    assert!(!words.contains("take it out"), "{checked}");
    let renewed = on(place.path(), &["renew"]).expect(3);
    let said =
        "with its CA: renewed it would not last longer: see to its CA first: have that one renewed";
    assert!(renewed.stderr.contains(said), "{renewed}");
    let asked = on(place.path(), &["csr", "apiserver", "--csr-dir", "due"]).expect(0);
    assert!(place.join("due/apiserver.csr").exists(), "{asked}");
    // Nothing is issued below one that has ended; with its new certificate all of it goes on.
    let script = "faketime -f +12d $certs \"$@\"";
    let later = |verb: &[&str]| {
        let mut bash = Command::new(tool("bash"));
        bash.args(["-euc", script, "bash"]).args(verb);
        bash.args(["--kubernetes-dir", "."]);
        run(bash
            .env("certs", env!("CARGO_BIN_EXE_certs"))
            .current_dir(place.path()))
    };
    let force = [&["server", "apiserver", "--force"], &FACTS[..]].concat();
    let refused = later(&force).expect(4);
    let said = "pki/ca.crt stands below \"CN=int\", which ended on";
    assert!(refused.stderr.contains(said), "{refused}");
    assert!(later(&["check"]).expect(4).stdout.contains("CN=int"));
    between(place.path(), "5000");
    write(
        &place.join("req/ca.crt"),
        pem("own.crt") + &pem("roots/int.crt"),
    );
    on(place.path(), &["import", "req", "ca"]).expect(0);
    assert_eq!(pem("pki/ca.crt"), came());
    on(place.path(), &["check"]).expect(0);
    later(&force).expect(0);
}

#[test]
fn a_ca_that_its_leaves_would_not_find_is_refused_before_anything_is_written() {
    let place = below_a_corporate_root("another");
    let before = read(&place.join("pki/ca.crt"));
    let refused = on(place.path(), &["import", "req"]).expect(4);
    let words = "has another subject key identifier than the certificate that is in its place: have it issued again with subjectKeyIdentifier=";
    assert!(refused.stderr.contains(words), "{refused}");
    assert_eq!(read(&place.join("pki/ca.crt")), before);
    bash(place.path(), "same", CORPORATE);
    on(place.path(), &["import", "req"]).expect(3);
}

#[test]
fn a_ca_in_use_asks_for_the_key_identifier_by_which_its_leaves_name_it_and_a_new_one_for_none() {
    let place = TempDir::new();
    all(place.path(), &[]).expect(0);
    let shown = |csr: &str| {
        let mut openssl = Command::new(tool("openssl"));
        openssl.args(["req", "-noout", "-text", "-in", csr]);
        run(openssl.current_dir(place.path())).expect(0).stdout
    };
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["x509", "-noout", "-ext", "subjectKeyIdentifier"]);
    openssl.args(["-in", "pki/ca.crt"]);
    let named = run(openssl.current_dir(place.path())).expect(0).stdout;
    let named = named.lines().last().expect("an identifier").trim();
    on(place.path(), &["csr", "ca", "--csr-dir", "req"]).expect(0);
    let asked = shown("req/ca.csr");
    assert!(asked.contains(named), "{named}: {asked}");
    let again = on(place.path(), &["csr", "ca", "--csr-dir", "req"]).expect(0);
    assert!(
        again.stdout.contains("Nothing more is to be asked for"),
        "{again}"
    );
    let node = [&["csr", "ca", "admin", "--csr-dir", "new"], &FACTS[4..]].concat();
    let new = ["--kubernetes-dir", "node", "--node-name", "cp1"];
    run(certs(&[&node[..], &new].concat()).current_dir(place.path())).expect(0);
    for csr in ["new/ca.csr", "new/admin.csr"] {
        let asked = shown(csr);
        assert!(!asked.contains("Subject Key Identifier"), "{asked}");
    }
}

#[test]
fn the_controller_manager_is_given_a_file_of_one_certificate_to_sign_with() {
    let place = tree("ca root");
    let apart = place.join("pki/ca-signing.crt");
    let own = blocks(&read(&place.join("pki/ca.crt"))).remove(0);
    let told = on(place.path(), &["check"]).expect(3);
    assert!(
        told.stdout.contains("pki/ca.crt holds 2 certificates"),
        "{told}"
    );
    write(&apart, &own);
    let named = |place: &Path| {
        let flags = ["flags", "kube-controller-manager", "--kubernetes-dir", "."];
        let finished = run(certs(&[&flags, &FACTS[..4]].concat()).current_dir(place)).expect(0);
        let mut lines = finished.stdout.lines();
        let line = lines.find(|line| line.contains("cluster-signing-cert-file"));
        line.expect("the option")
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(named(place.path()), "ca-signing.crt");
    let sound = on(place.path(), &["check"]).expect(0);
    assert!(!sound.stdout.contains("ca-signing.crt holds"), "{sound}");
    // More than one, and one that is another's.
    let other = read(&place.join("pki/etcd/ca.crt"));
    for (content, code, exit) in [
        (format!("{own}{other}"), "several-certificates", 3),
        (blocks(&other).remove(0), "other-ca", 4),
    ] {
        write(&apart, content);
        let told = on(place.path(), &["check", "--output", "json"]).expect(exit);
        assert!(told.stdout.contains(code), "{code}: {told}");
    }
    // A CA that is renewed is renewed there too.
    let place = tree("ca root");
    let bundle = read(&place.join("pki/etcd/ca.crt"));
    let root = TempDir::new();
    all(root.path(), &[]).expect(0);
    write(
        &root.join("pki/ca.crt"),
        read(&root.join("pki/ca.crt")) + &bundle,
    );
    let apart = blocks(&read(&root.join("pki/ca.crt"))).remove(0);
    write(&root.join("pki/ca-signing.crt"), apart);
    let renew = [
        "renew",
        "ca",
        "--exec",
        "echo $CERTS_CHANGED:$CERTS_UNKNOWN > changed",
    ];
    let renewed = on(root.path(), &renew).expect(0);
    for words in [
        "pki/ca-signing.crt  ",
        "  kube-controller-manager (ca-signing.crt)\n",
        "pki/ca-signing.crt to every other control plane that has it, before the former one ends",
    ] {
        assert!(renewed.stdout.contains(words), "{words}: {renewed}");
    }
    let changed = read(&root.join("changed"));
    assert!(changed.starts_with("ca ca-signing.crt "), "{changed}");
    assert!(changed.ends_with(":\n"), "{changed}");
    let json = on(root.path(), &["renew", "ca", "--dry-run", "-o", "json"]).expect(0);
    let report: Value = serde_json::from_str(&json.stdout).expect("JSON");
    let items = report["items"].as_array().expect("items");
    let apart = items.iter().find(|item| item["name"] == "ca-signing.crt");
    assert_eq!(apart.expect("an item")["step"], "reissue", "{json}");
    let first = blocks(&read(&root.join("pki/ca.crt"))).remove(0);
    assert_eq!(read(&root.join("pki/ca-signing.crt")), first);
    // Where the CA's file has one it serves itself, and a root needs none apart.
    let alone = tree("ca");
    assert!(!alone.join("pki/ca-signing.crt").exists());
    assert_eq!(named(alone.path()), "ca.crt");
}

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// One member, which lets in who has a certificate below this CA.
fn etcd(place: &Path, trust: &Path, port: u16) -> Server {
    let pki = place.join("pki/etcd");
    let log = place.join("etcd.log");
    let data = place.join(format!("member-{}", free_port(LOCAL)));
    let url = format!("https://127.0.0.1:{port}");
    let peer = format!("https://127.0.0.1:{}", free_port(LOCAL));
    let cluster = format!("cp1={peer}");
    let mut command = Command::new(tool("etcd"));
    command.args(["--name", "cp1", "--data-dir", text(&data)]);
    for (flag, value) in [
        ("--listen-client-urls", &url),
        ("--advertise-client-urls", &url),
        ("--listen-peer-urls", &peer),
        ("--initial-advertise-peer-urls", &peer),
        ("--initial-cluster", &cluster),
    ] {
        command.args([flag, value]);
    }
    for (flag, pair) in [("", "server"), ("peer-", "peer")] {
        command.arg(format!("--{flag}client-cert-auth"));
        command.args([&format!("--{flag}trusted-ca-file"), text(trust)]);
        for (kind, ending) in [("cert", "crt"), ("key", "key")] {
            let file = pki.join(format!("{pair}.{ending}"));
            command.args([&format!("--{flag}{kind}-file"), text(&file)]);
        }
    }
    command.args(["--logger", "zap", "--log-outputs", "stderr"]);
    command.arg("--unsafe-no-fsync");
    command.env("ETCD_UNSUPPORTED_ARCH", "arm64");
    Server::start(&command, &log)
}

#[test]
fn etcd_and_its_client_follow_each_other_s_chains_with_the_root_alone() {
    for files in ["ca root", "ca"] {
        let place = tree(files);
        let root = root_of(place.path(), "pki/etcd/ca");
        let port = free_port(LOCAL);
        let health = |pair: &str, trust: &Path| {
            let mut etcdctl = Command::new(tool("etcdctl"));
            etcdctl.env("ETCDCTL_API", "3");
            etcdctl.args(["--endpoints", &format!("https://127.0.0.1:{port}")]);
            etcdctl.args(["--dial-timeout=5s", "--command-timeout=5s", "--cacert"]);
            etcdctl.arg(trust);
            for (flag, ending) in [("--cert", "crt"), ("--key", "key")] {
                etcdctl
                    .arg(flag)
                    .arg(place.join(&format!("pki/{pair}.{ending}")));
            }
            run(etcdctl.args(["endpoint", "health"]))
        };
        for trust in [&root, &place.join("pki/etcd/ca.crt")] {
            let mut server = etcd(place.path(), trust, port);
            server.wait(Duration::from_mins(1), "a member that serves", |_| {
                health("etcd/healthcheck-client", &root).status.success()
            });
            health("apiserver-etcd-client", &root).expect(0);
            // Of another CA, below another root.
            let stranger = health("apiserver-kubelet-client", &root);
            assert!(!stranger.status.success(), "{files}: {stranger}");
            // Without what stands between, nobody who has the root alone is let in.
            if trust == &root {
                let certificate = place.join("pki/etcd/healthcheck-client.crt");
                let whole = read(&certificate);
                write(&certificate, &blocks(&whole)[0]);
                let cut = health("etcd/healthcheck-client", &root);
                assert!(!cut.status.success(), "{files}: {cut}");
                write(&certificate, &whole);
            }
        }
    }
}

/// Each member's file of the CA has it and its root, and one has the root alone: that one follows what
/// the others send.
#[test]
fn three_members_of_etcd_below_an_intermediate_know_each_other_by_what_they_send() {
    let place = cas("ca root");
    let addresses = ["127.0.7.2", "127.0.7.3", "127.0.7.4"];
    let members = Members::below(&place.join("pki/etcd"), addresses);
    let (root, whole) = (
        root_of(place.path(), "pki/etcd/ca"),
        read(&place.join("pki/etcd/ca.crt")),
    );
    assert_eq!(blocks(&whole).len(), 2);
    std::fs::copy(&root, members.pki(2).join("ca.crt")).expect("copy the root");
    let mut servers = members.form();
    members.ctl(1, 0, &["put", "key", "value"]).expect(0);
    let given = members.ctl(2, 2, &["get", "key"]).expect(0);
    assert_eq!(given.stdout, "key\nvalue\n");
    // Nobody whom the root did not sign for is one of them.
    let unknown = "certificate signed by unknown authority";
    assert!(
        !servers[2].said().contains(unknown),
        "{}",
        servers[2].said()
    );
    // One that sends its certificate alone is not known to the one that has the root alone.
    drop(servers.remove(0));
    let peer = members.pki(0).join("peer.crt");
    let sent = read(&peer);
    write(&peer, &blocks(&sent)[0]);
    let cut = members.start(0);
    let last = servers.last_mut().expect("a member");
    last.wait(Duration::from_mins(1), unknown, |said| {
        said.contains(unknown)
    });
    drop(cut);
    // With what stands between it is let in again: nothing else was wrong.
    write(&peer, sent);
    let mut again = members.start(0);
    members.wait(0, &mut again);
    let given = members.ctl(2, 0, &["get", "key"]).expect(0);
    assert_eq!(given.stdout, "key\nvalue\n");
}

#[test]
fn kubectl_and_a_server_that_has_the_root_alone_follow_each_other_s_chains() {
    for files in ["ca root", "ca"] {
        let (place, port) = (cas(files), free_port(LOCAL).to_string());
        all(place.path(), &["--apiserver-bind-port", &port]);
        let root = root_of(place.path(), "pki/ca");
        let mut command = Command::new(venv("python"));
        command
            .arg(fixture("api_server.py"))
            .args(["127.0.0.1", &port]);
        command.arg(place.join("pki/apiserver.crt"));
        command.arg(place.join("pki/apiserver.key")).arg(&root);
        let mut server = Server::start(&command, &place.join("server.log"));
        let ready = |said: &str| said.contains("ready");
        server.wait(Duration::from_secs(20), "a server that is ready", ready);
        let healthy = |kubeconfig: &Path| {
            let mut kubectl = Command::new(venv("kubectl"));
            kubectl.env("HOME", place.path());
            for name in ["KUBECONFIG", "HTTPS_PROXY", "https_proxy"] {
                kubectl.env_remove(name);
            }
            kubectl.arg("--kubeconfig").arg(kubeconfig);
            run(kubectl.args(["--request-timeout=20s", "get", "--raw", "/healthz"]))
        };
        for name in CONFIGS {
            let answer = healthy(&place.join(&format!("{name}.conf"))).expect(0);
            assert!(answer.stdout.contains("CN="), "{files}: {name}: {answer}");
        }
        // One that was handed out with the root alone, which Go follows too.
        let admin = place.join("admin.conf");
        let (content, trust) = (read(&admin), read(&root));
        let encode = <base64ct::Base64 as base64ct::Encoding>::encode_string;
        let held = encode(&kubeconfig_data(&admin, "certificate-authority-data"));
        let handed = place.join("handed.conf");
        write(&handed, content.replace(&held, &encode(trust.as_bytes())));
        healthy(&handed).expect(0);
        // And without what stands between the server does not know the user.
        let chain = kubeconfig_data(&admin, "client-certificate-data");
        let leaf = blocks(&String::from_utf8_lossy(&chain)).remove(0);
        write(
            &handed,
            content.replace(&encode(&chain), &encode(leaf.as_bytes())),
        );
        let refused = healthy(&handed);
        assert!(!refused.status.success(), "{files}: {refused}");
    }
}

/// The cluster's CA below an intermediate that ends long before it, with that one's root in its file.
const ENDS_ABOVE: &str = r"
echo basicConstraints=critical,CA:TRUE > ext
ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
umask 077
openssl req -x509 $ec -keyout root.key -subj /CN=root -days 7000 -out root.crt
openssl req $ec -keyout int.key -subj /CN=int |
    openssl x509 -req -CA root.crt -CAkey root.key -CAcreateserial -days 250 -extfile ext -out int.crt
mkdir pki
openssl req $ec -keyout pki/ca.key -subj /CN=kubernetes |
    openssl x509 -req -CA int.crt -CAkey int.key -CAcreateserial -days 3650 -extfile ext -out ca.crt
umask 022
cat ca.crt int.crt root.crt > pki/ca.crt
";

#[test]
fn a_leaf_ends_with_the_first_ca_above_it_and_a_note_says_so() {
    let place = TempDir::new();
    bash(place.path(), "", ENDS_ABOVE);
    let end = |file: &str| {
        let mut openssl = Command::new(tool("openssl"));
        openssl.args(["x509", "-noout", "-enddate", "-in", file]);
        run(openssl.current_dir(place.path())).expect(0).stdout
    };
    let above = end("int.crt");
    let told = all(place.path(), &[]).expect(0);
    let note = "expires-with-ca (7): ends with its CA";
    assert!(told.stdout.contains(note), "{told}");
    assert_eq!(end("pki/apiserver.crt"), above);
    assert_ne!(end("pki/front-proxy-client.crt"), above);
    let json = ["--output", "json"];
    let told = all(place.path(), &json).expect(0);
    assert!(told.stdout.contains(r#""result": "unchanged""#), "{told}");
    // Renewed it ends there too.
    on(place.path(), &["renew", "apiserver", "scheduler"]).expect(0);
    assert_eq!(end("pki/apiserver.crt"), above);
    let checked = on(place.path(), &[&["check"][..], &json].concat());
    for code in ["outlives-ca", "\"validity\""] {
        assert!(!checked.stdout.contains(code), "{checked}");
    }
    let own = ["client", "alice", "--common-name", "alice"];
    let told = on(place.path(), &[&own[..], &FACTS[4..], &json].concat()).expect(0);
    assert_eq!(told.stdout.matches("expires-with-ca").count(), 1, "{told}");
}

/// The CA above the cluster's, of `int`'s key and name, for so many days below a root of this name, as
/// `NAME.crt`.
const SIGNED_ABOVE: &str = r"
set -- $files
[ -e roots/$2.crt ] || openssl req -x509 -newkey rsa:2048 -nodes -keyout roots/$2.key -subj /CN=$2 -days 7000 -out roots/$2.crt
openssl req -new -key roots/int.key -subj /CN=int |
    openssl x509 -req -CA roots/$2.crt -CAkey roots/$2.key -CAcreateserial -days $3 -extfile roots/ext -out $1.crt
";

/// A cluster's CA below `int` below `root`, imported with them; int ends after so many days.
fn below_int(days: &str) -> TempDir {
    let place = below_a_corporate_root("asked");
    write(
        &place.join("roots/ext"),
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n",
    );
    write(&place.join("roots/keyid"), "authorityKeyIdentifier=keyid\n");
    bash(place.path(), "", BELOW_ANOTHER);
    between(place.path(), days);
    let came = ["own.crt", "roots/int.crt", "roots/root.crt"].map(|name| read(&place.join(name)));
    write(&place.join("req/ca.crt"), came.concat());
    on(place.path(), &["import", "req", "ca"]);
    assert_eq!(read(&place.join("pki/ca.crt")), came.concat());
    place
}

/// Every chain of the cluster's CA is good in so many days for who trusts this root alone.
fn good_then(place: &Path, root: &str, days: i64) {
    let aside = TempDir::new();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let then = i64::try_from(now.expect("a time").as_secs()).expect("a time") + days * 86_400;
    let trust = place.join(root);
    for (name, chain, ca) in chains(place) {
        if ca != "pki/ca" {
            continue;
        }
        let more = ["-attime", &then.to_string()];
        let judged = openssl(aside.path(), &chain, &trust, &more);
        assert!(judged.status.success(), "{name}: {judged}");
        let file = aside.join("chain.pem");
        write(&file, chain.concat());
        let mut certtool = Command::new(tool("certtool"));
        certtool.args(["--verify", "--load-ca-certificate"]);
        certtool.arg(&trust).arg("--infile").arg(&file);
        let judged = run(&mut at(then, "022", &certtool));
        assert!(judged.status.success(), "{name}: {judged}");
    }
}

/// The items of a report, each with one of its fields.
fn each(report: &Finished, field: &str) -> Vec<(String, String)> {
    let report: serde_json::Value = serde_json::from_str(&report.stdout).expect("JSON");
    let items = report["items"].as_array().expect("items").iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    items
        .map(|item| (text(&item["name"]), text(&item[field])))
        .collect()
}

const JSON: [&str; 2] = ["--output", "json"];

#[test]
fn a_ca_above_that_was_renewed_is_followed_though_it_stands_behind_the_former_one() {
    let place = below_int("10");
    let pem = |name: &str| read(&place.join(name));
    let (own, former, root) = (pem("own.crt"), pem("roots/int.crt"), pem("roots/root.crt"));
    let chained: Vec<_> = chains(place.path());
    bash(place.path(), "renewed root 3000", SIGNED_ABOVE);
    let renewed = pem("renewed.crt");
    let kept = on(
        place.path(),
        &[&["renew", "--within", "1d"][..], &JSON].concat(),
    );
    let until: Vec<_> = each(&kept, "expires");
    let soon = &until.iter().find(|(name, _)| name == "ca").expect("ca").1;
    // Behind the former one, as who signed it sends it.
    let came = format!("{own}{former}{renewed}{root}");
    write(&place.join("req/ca.crt"), &came);
    let imported = on(place.path(), &["import", "req", "ca"]).expect(3);
    assert!(!imported.stdout.contains("did not come"), "{imported}");
    assert_eq!(pem("pki/ca.crt"), format!("{own}{renewed}{root}{former}"));
    for (name, chain, ca) in chains(place.path()) {
        if ca == "pki/ca" {
            assert_eq!(chain[1..], [own.clone(), renewed.clone()], "{name}");
        }
    }
    good_then(place.path(), "roots/root.crt", 100);
    let late = on(place.path(), &[&["renew"][..], &JSON].concat()).expect(0);
    for (name, ends) in each(&late, "expires") {
        assert!(ends > *soon || name == "sa", "{name}: {ends}");
    }
    // Put there by hand, with the chains as they were.
    for file in [[&former, &renewed, &root], [&root, &renewed, &former]] {
        write(
            &place.join("pki/ca.crt"),
            format!("{own}{}{}{}", file[0], file[1], file[2]),
        );
        for (name, chain, ca) in &chained {
            let file = place.join(&format!("{name}.crt"));
            if *ca == "pki/ca" && file.exists() {
                let leaf = &blocks(&read(&file))[0];
                write(&file, format!("{leaf}{}", chain[1..].concat()));
            }
        }
        let checked = on(place.path(), &["check"]).expect(3).stdout;
        assert!(
            checked.contains("'certs renew apiserver' renews it"),
            "{checked}"
        );
        let done = on(place.path(), &[&["renew"][..], &JSON].concat()).expect(0);
        let steps = each(&done, "step");
        let replaced = steps.iter().filter(|(_, step)| step == "replace").count();
        assert_eq!(replaced, 2, "{done}");
        let again = on(place.path(), &["renew"]).expect(0);
        assert!(again.stdout.contains("Nothing is due"), "{again}");
        good_then(place.path(), "roots/root.crt", 100);
    }
}

#[test]
fn a_ca_above_that_is_yet_to_begin_is_on_no_way_where_another_is_good_now() {
    let place = below_int("300");
    let pem = |name: &str| read(&place.join(name));
    let (own, int, root) = (pem("own.crt"), pem("roots/int.crt"), pem("roots/root.crt"));
    let later = format!(
        "openssl() {{ {} -f +2d openssl \"$@\"; }}",
        text(&tool("faketime"))
    );
    bash(
        place.path(),
        "later root 3000",
        &format!("{later}{SIGNED_ABOVE}"),
    );
    let later = pem("later.crt");
    std::fs::remove_file(place.join("later.crt")).expect("remove");
    for file in [[&later, &int], [&int, &later]] {
        let file = format!("{own}{}{}{root}", file[0], file[1]);
        write(&place.join("pki/ca.crt"), file);
        on(place.path(), &["renew", "--all"]).expect(0);
        on(place.path(), &["check"]).expect(0);
        for (name, chain, ca) in chains(place.path()) {
            if ca == "pki/ca" {
                assert_eq!(chain[1..], [own.clone(), int.clone()], "{name}");
            }
        }
        good_then(place.path(), "roots/root.crt", 0);
    }
    write(&place.join("pki/ca.crt"), format!("{own}{later}{root}"));
    let told = on(place.path(), &["check"]).expect(4);
    let words = "pki/ca.crt stands below \"CN=int\", which begins on";
    assert!(told.stdout.contains(words), "{told}");
    // Once, and not once for each leaf that is left for it.
    let left = "is due, and was not renewed for its CA ca.crt: not-yet-valid: see to that first";
    let told = on(place.path(), &["renew", "--all"]).expect(4);
    assert_eq!(told.stderr.matches("which begins on").count(), 1, "{told}");
    assert_eq!(told.stderr.matches(left).count(), 8, "{told}");
    let told = on(place.path(), &["renew", "apiserver", "scheduler.conf"]).expect(4);
    assert_eq!(told.stderr.matches("which begins on").count(), 1, "{told}");
    write(&place.join("pki/ca.crt"), format!("{own}{int}{root}"));
    let told = on(place.path(), &["renew", "--all"]).expect(0);
    assert!(!told.stderr.contains("which begins on"), "{told}");
}

#[test]
fn of_a_ca_that_two_roots_signed_above_the_way_that_lasts_is_kept_by_a_renewal() {
    let place = below_int("3000");
    let pem = |name: &str| read(&place.join(name));
    let (own, int, root) = (pem("own.crt"), pem("roots/int.crt"), pem("roots/root.crt"));
    bash(place.path(), "soon old 5", SIGNED_ABOVE);
    let (soon, old) = (pem("soon.crt"), pem("roots/old.crt"));
    write(
        &place.join("pki/ca.crt"),
        format!("{own}{soon}{old}{int}{root}"),
    );
    good_then(place.path(), "roots/root.crt", 300);
    let checked = on(place.path(), &[&["check"][..], &JSON].concat());
    let before = each(&checked, "expires");
    on(place.path(), &["renew", "--all"]).expect(0);
    let checked = on(place.path(), &[&["check"][..], &JSON].concat());
    for ((name, before), (_, after)) in before.iter().zip(each(&checked, "expires")) {
        assert!(*before <= after, "{name}: {before}, {after}");
    }
    good_then(place.path(), "roots/root.crt", 300);
    // What stands behind a leaf alone, and leads to no root that is trusted here, does not count: that
    // is told.
    write(&place.join("pki/ca.crt"), format!("{own}{soon}{old}"));
    let told = on(place.path(), &["renew"]).expect(3);
    let words = "with its CA: renewed it would not last longer";
    assert!(told.stderr.contains(words), "{told}");
    let until = told.stdout.matches("until 20").count();
    assert!(until > 0, "{told}");
    let shown = on(place.path(), &[&["renew"][..], &JSON].concat());
    let end = |name: &str| {
        each(&shown, "expires")
            .into_iter()
            .find(|(one, _)| one == name)
    };
    assert_eq!(
        end("apiserver").map(|one| one.1),
        end("ca").map(|one| one.1)
    );
}
