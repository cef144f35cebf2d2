//! An external CA the whole way: `certs csr`, a CA somewhere else, `certs import`.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

mod common;
use certs::x509::request::Request;
use common::cfssl::Cfssl;
use common::kubeadm::NOON;
use common::node::{NODE, node, on, script, with_read_only};
use common::renewal::{DAY, tree};
use common::{
    Finished, TempDir, at, certs, each, kubeconfig_data, listing, mode, read, run, text, tool,
    tree_of_all, write,
};

const FACTS: [&str; 8] = [
    "--node-name",
    "cp1",
    "--apiserver-advertise-address",
    "10.0.0.10",
    "--key-algorithm",
    "ECDSA-P256",
    "--control-plane-endpoint",
    "api.example.com",
];
/// The requests of a new node in `req`.
fn requested(names: &[&str]) -> TempDir {
    let place = TempDir::new();
    let verb = [&["csr"], names, &["--csr-dir", "req"], &FACTS].concat();
    node(place.path(), &verb).expect(0);
    place
}

/// What is told to be run next finds the tree that the requests are for, wherever it lies.
#[test]
fn the_command_that_finishes_requests_finds_their_tree() {
    let place = TempDir::new();
    let directories = ["--kubernetes-dir", "a node", "--kubelet-dir", "kubelet"];
    let verb = [&["csr", "--csr-dir", "req"], &directories[..], &FACTS].concat();
    let told = on(place.path(), &verb).expect(0);
    signed_by_certs(place.path());
    let command = told
        .stdout
        .lines()
        .find(|line| line.starts_with("    certs import "));
    let command = command.expect("what to do next").trim();
    assert_eq!(
        command,
        "certs import req --kubernetes-dir 'a node' --kubelet-dir kubelet"
    );
    let typed = command.replace("'a node'", "a+node");
    let words: Vec<String> = typed
        .split(' ')
        .skip(1)
        .map(|word| word.replace('+', " "))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    on(place.path(), &words).expect(0);
    assert!(place.path().join("a node/pki/apiserver.crt").is_file());
}

/// `certs` over the tree that was made at noon, so many days later.
fn later(folder: &TempDir, days: i64, verb: &[&str]) -> Finished {
    let mut command = certs(verb);
    command.args(["--kubernetes-dir", text(&folder.join("k"))]);
    run(&mut at(NOON + days * DAY, "022", &command))
}

fn manifest(place: &Path) -> Vec<Value> {
    let text = read(&place.join("req/requests.json"));
    let told: Value = serde_json::from_str(&text).expect("JSON");
    told["requests"].as_array().expect("requests").clone()
}

fn field<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry[name].as_str().unwrap_or_default()
}

/// `certs sign` on a machine that has the CAs.
fn signed_by_certs(place: &Path) {
    let machine = tree_of_all();
    let sign = [
        "sign",
        "req",
        "--kubernetes-dir",
        text(machine.path()),
        "--node-name",
        "cp1",
        "--apiserver-advertise-address",
        "10.0.0.10",
        "--control-plane-endpoint",
        "api.example.com",
    ];
    on(place, &sign).expect(0);
}

fn openssl(place: &Path, arguments: &[&str]) {
    run(Command::new(tool("openssl"))
        .args(arguments)
        .current_dir(place))
    .expect(0);
}

/// OpenSSL's CAs, each a root and an intermediate that signs.
fn openssl_ca(place: &Path, name: &str) {
    write(
        &place.join("ca.ext"),
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature\n\
         subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
    );
    let (root, lower) = (format!("{name}-root"), format!("{name}-lower"));
    for (who, subject) in [(&root, "root"), (&lower, "intermediate")] {
        let mut make = vec!["req", "-new", "-newkey", "ec", "-pkeyopt"];
        let (key, csr) = (format!("{who}.key"), format!("{who}.req"));
        let subject = format!("/O=Example/CN={name} {subject}");
        make.extend(["ec_paramgen_curve:P-256", "-nodes", "-subj", &subject]);
        make.extend(["-keyout", &key, "-out", &csr]);
        openssl(place, &make);
    }
    let sign = |who: &str, ca: &[&str]| {
        let (csr, crt) = (format!("{who}.req"), format!("{who}.crt"));
        let mut sign = vec!["x509", "-req", "-days", "3650", "-extfile", "ca.ext"];
        sign.extend(["-in", &csr, "-out", &crt]);
        sign.extend(ca);
        openssl(place, &sign);
    };
    sign(&root, &["-key", &format!("{root}.key")]);
    let (ca, key) = (format!("{root}.crt"), format!("{root}.key"));
    sign(&lower, &["-CA", &ca, "-CAkey", &key, "-CAcreateserial"]);
}

/// OpenSSL copies what was asked for, and adds what an extension file says.
fn signed_by_openssl(place: &Path) {
    for ca in ["ca", "etcd-ca", "front-proxy-ca"] {
        openssl_ca(place, ca);
        fs::copy(
            place.join(format!("{ca}-root.crt")),
            place.join(format!("req/{ca}.crt")),
        )
        .expect("copy");
    }
    write(
        &place.join("leaf.ext"),
        "basicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
    );
    for entry in manifest(place) {
        let ca = field(&entry, "issuer");
        let request = format!("req/{}", field(&entry, "request"));
        let certificate = format!("req/{}", field(&entry, "certificate"));
        let (issuer, key) = (format!("{ca}-lower.crt"), format!("{ca}-lower.key"));
        let mut sign = vec![
            "x509",
            "-req",
            "-days",
            "365",
            "-copy_extensions",
            "copyall",
        ];
        sign.extend(["-extfile", "leaf.ext", "-CAcreateserial", "-CA", &issuer]);
        sign.extend(["-CAkey", &key, "-in", &request, "-out", &certificate]);
        openssl(place, &sign);
        let chain = read(&place.join(&certificate)) + &read(&place.join(&issuer));
        write(&place.join(&certificate), chain);
    }
}

/// Each CA is made by cfssl too.
fn signed_by_cfssl(place: &Path) {
    let cfssl = Cfssl::new(place);
    for ca in ["ca", "etcd-ca", "front-proxy-ca"] {
        let [certificate, key] = cfssl.ca(ca);
        write(&place.join(format!("{ca}-cfssl.key")), key);
        write(&place.join(format!("req/{ca}.crt")), certificate);
    }
    for entry in manifest(place) {
        let ca = field(&entry, "issuer");
        let pair = [format!("req/{ca}.crt"), format!("{ca}-cfssl.key")];
        let request = format!("req/{}", field(&entry, "request"));
        let signed = cfssl.signed(field(&entry, "name"), [&pair[0], &pair[1]], &request);
        let file = place.join("req").join(field(&entry, "certificate"));
        write(&file, signed);
    }
}

/// What signs all that is asked for.
type Sign = fn(&Path);

/// Everything is kept, and nothing is wrong.
fn is_sound(place: &Path) {
    let all = [&["all", "--kubernetes-dir", "node"], &FACTS[..]].concat();
    on(place, &all).expect(0);
    let again = on(place, &all).expect(0);
    assert!(again.stdout.contains("Everything is as wanted"), "{again}");
    let checked = node(place, &["check"]).expect(0);
    assert!(checked.stdout.contains("nothing is wrong."), "{checked}");
    assert!(!place.join("node/pki/ca.key").exists());
}

#[test]
fn what_each_of_three_other_cas_signed_is_imported_and_then_all_is_as_wanted() {
    let cas: [(&str, Sign); 3] = [
        ("certs", signed_by_certs),
        ("openssl", signed_by_openssl),
        ("cfssl", signed_by_cfssl),
    ];
    each(cas.iter(), |(name, sign)| {
        let place = requested(&[]);
        sign(place.path());
        let imported = node(place.path(), &["import", "req"]);
        if imported.status.code() != Some(0) {
            return Err(format!("{name}: {imported}"));
        }
        is_sound(place.path());
        let again = node(place.path(), &["import", "req"]).expect(0);
        assert!(again.stdout.contains("Everything is as wanted"), "{again}");
        let admin = place.join("node/admin.conf");
        let key = kubeconfig_data(&admin, "client-key-data");
        assert!(key.starts_with(b"-----BEGIN EC PRIVATE KEY-----"));
        let ca = kubeconfig_data(&admin, "certificate-authority-data");
        assert_eq!(
            String::from_utf8_lossy(&ca),
            read(&place.join("node/pki/ca.crt"))
        );
        if *name == "openssl" {
            let chain = read(&place.join("node/pki/apiserver.crt"));
            assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2);
        }
        Ok(())
    });
}

#[test]
fn keys_stay_where_they_are_used_and_what_goes_out_holds_none() {
    let place = requested(&[]);
    let secret = |path: &PathBuf| {
        fs::read(path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("PRIVATE KEY"))
    };
    let out = listing(&place.join("req")).into_iter();
    let mut out = out.map(|name| place.join("req").join(name));
    assert!(!out.any(|path| secret(&path)));
    for file in ["pki/apiserver.key", "pki/etcd/peer.key", "admin.conf"] {
        assert_eq!(mode(&place.join("node").join(file)), 0o600);
    }
    let told = manifest(place.path());
    assert_eq!(told.len(), 12);
    assert_eq!(field(&told[0], "place"), "pki/apiserver.crt");
    assert_eq!(field(&told[0], "issuer"), "ca");
    assert_eq!(field(&told[0], "publicKeySha256").len(), 64);
    assert_eq!(field(&told[7], "place"), "admin.conf");
    let kubeconfig = read(&place.join("node/admin.conf"));
    assert!(
        kubeconfig.contains("server: https://api.example.com:6443"),
        "{kubeconfig}"
    );
    assert!(!kubeconfig.contains("client-certificate"), "{kubeconfig}");
}

#[test]
fn a_second_run_asks_for_nothing_new_and_what_was_lost_is_asked_for_with_the_same_key() {
    let place = requested(&[]);
    let files = [
        "req/admin.csr",
        "node/admin.conf",
        "node/pki/apiserver.key",
        "req/requests.json",
    ];
    let before = files.map(|file| read(&place.join(file)));
    // Without facts what was asked for tells what is to be asked for.
    for facts in [&FACTS[..], &[]] {
        let verb = [&["csr", "--csr-dir", "req"], facts].concat();
        let again = node(place.path(), &verb).expect(0);
        for words in [
            "Asked for already:\n  node/pki/apiserver.key, .csr",
            "Nothing more is to be asked for; nothing was written.",
            "Next:\n  Have the requests in req signed",
            "    certs import req --kubernetes-dir node",
        ] {
            assert!(again.stdout.contains(words), "{words} {again}");
        }
        assert_eq!(files.map(|file| read(&place.join(file))), before);
    }
    fs::remove_file(place.join("req/apiserver.csr")).expect("remove");
    let more = [
        &["csr", "--csr-dir", "req"],
        &FACTS[..],
        &["--apiserver-cert-extra-sans", "more.example"],
    ]
    .concat();
    let again = node(place.path(), &more).expect(0);
    assert!(
        again
            .stdout
            .contains("Asked for:\n  node/pki/apiserver.key"),
        "{again}"
    );
    assert_eq!(read(&place.join("node/pki/apiserver.key")), before[2]);
    assert_eq!(read(&place.join("node/admin.conf")), before[1]);
    assert!(read(&place.join("req/requests.json")).contains("more.example"));
}

#[test]
fn a_key_that_waits_is_told_and_never_replaced() {
    let place = requested(&["apiserver", "admin"]);
    let key = read(&place.join("node/pki/apiserver.key"));
    let checked = node(place.path(), &["check"]).expect(4);
    for words in [
        "node/pki/apiserver.key waits for the certificate that apiserver.csr asks for: put it there with 'certs import'",
        "node/admin.conf waits for the certificate that admin.conf.csr asks for",
    ] {
        assert!(checked.stdout.contains(words), "{checked}");
    }
    for more in [&[][..], &["--force"]] {
        let all = [&["all", "--kubernetes-dir", "node"], &FACTS[..], more].concat();
        let refused = on(place.path(), &all).expect(4);
        assert!(
            refused.stderr.contains("waits for the certificate"),
            "{refused}"
        );
        assert!(!place.join("node/pki/ca.crt").exists());
    }
    assert_eq!(read(&place.join("node/pki/apiserver.key")), key);
}

/// A request that was lost beside its key is made again for that key, of a pair as of a kubeconfig, and until then each is
/// told as a key without its certificate; who moves away what is named gets another key.
#[test]
fn a_lost_request_is_made_again_for_the_key_and_who_gives_up_has_both_made_anew() {
    let place = requested(&["apiserver", "admin"]);
    let keys = || ["node/pki/apiserver.key", "node/admin.conf"].map(|file| read(&place.join(file)));
    let requests = ["node/pki/apiserver.csr", "node/admin.conf.csr"];
    let (before, asked) = (keys(), requests.map(|file| read(&place.join(file))));
    for request in requests {
        fs::remove_file(place.join(request)).expect("remove");
    }
    let checked = node(place.path(), &["check"]).expect(4);
    for words in [
        "node/pki/apiserver.key stands without apiserver.crt",
        "node/admin.conf holds a key without its certificate",
    ] {
        assert!(checked.stdout.contains(words), "{checked}");
    }
    let ask = ["csr", "apiserver", "admin", "--csr-dir", "req"];
    // That the default service range is asked for is a warning, in a tree of which something is there.
    let again = node(place.path(), &[&ask, &FACTS[..]].concat()).expect(3);
    assert!(again.stdout.contains("Asked for:"), "{again}");
    assert_eq!(keys(), before);
    // A request for such a key is the same but for its signature.
    for (request, asked) in requests.iter().zip(&asked) {
        let now = Request::from_file(read(&place.join(request)).as_bytes()).expect("a request");
        let then = Request::from_file(asked.as_bytes()).expect("a request");
        assert_eq!((now.asked, now.public_key), (then.asked, then.public_key));
    }
    // The way out, as it is told.
    let checked = node(place.path(), &["check"]).expect(4);
    for (files, folder) in [
        (["apiserver.key", "apiserver.csr"], "node/pki"),
        (["admin.conf", "admin.conf.csr"], "node"),
    ] {
        let words = format!(
            "or move {} away to have key and certificate made anew",
            files.join(" and ")
        );
        assert!(checked.stdout.contains(&words), "{words} {checked}");
        for file in files {
            fs::rename(place.join(folder).join(file), place.join(file)).expect("move away");
        }
    }
    // What was asked for before is asked for anew, and so none of it stays out.
    node(place.path(), &[&ask, &FACTS[..]].concat()).expect(0);
    let [of_pair, of_kubeconfig] = keys();
    assert!(of_pair != before[0] && of_kubeconfig != before[1]);
}

/// Where the CA's key is, such a kubeconfig is a drift like half a pair.
#[test]
fn a_kubeconfig_without_its_certificate_is_made_anew_by_force_alone() {
    let place = TempDir::new();
    let all = [&["all", "--kubernetes-dir", "node"], &FACTS[..]].concat();
    on(place.path(), &all).expect(0);
    let file = place.join("node/admin.conf");
    let without: Vec<String> = read(&file)
        .lines()
        .filter(|line| !line.contains("client-certificate-data"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(&file, without.concat()).expect("write");
    let refused = on(place.path(), &all).expect(4);
    let words = "admin.conf holds a key without its certificate: run the same command with --force";
    assert!(refused.stderr.contains(words), "{refused}");
    on(place.path(), &[&all[..], &["--force"]].concat()).expect(0);
    assert!(read(&file).contains("client-certificate-data"));
    on(place.path(), &all).expect(0);
}

/// What is more wrong with a kubeconfig than that its certificate lacks is told, and nobody asks with it.
#[test]
fn a_kubeconfig_whose_certificate_is_broken_does_not_wait_for_one() {
    let place = requested(&["admin"]);
    fs::remove_file(place.join("node/admin.conf.csr")).expect("remove");
    let waiting = read(&place.join("node/admin.conf"));
    for (from, to, words) in [
        (
            "    client-key-data:",
            "    client-certificate-data: '%'\n    client-key-data:",
            "that is not base64",
        ),
        (
            "server: https:",
            "server: ftp:",
            "has no client-certificate-data",
        ),
    ] {
        fs::write(place.join("node/admin.conf"), waiting.replace(from, to)).expect("write");
        let ask = ["csr", "admin", "--csr-dir", "req"];
        let refused = node(place.path(), &[&ask, &FACTS[..]].concat()).expect(4);
        assert!(refused.stderr.contains(words), "{refused}");
    }
}

#[test]
fn what_is_due_is_asked_for_with_the_key_in_use_and_nothing_else() {
    let place = requested(&[]);
    signed_by_certs(place.path());
    node(place.path(), &["import", "req"]).expect(0);
    let due = node(place.path(), &["csr", "--csr-dir", "next"]).expect(0);
    assert!(due.stdout.contains("Everything is as wanted"), "{due}");
    let key = read(&place.join("node/pki/apiserver.key"));
    let admin = read(&place.join("node/admin.conf"));
    let certificate = read(&place.join("node/pki/apiserver.crt"));
    // A third of the time at most, so that a short-lived one is not always due: by name it is.
    let verb = ["csr", "apiserver", "admin", "--csr-dir", "next"];
    let due = node(place.path(), &verb).expect(0);
    assert!(
        due.stdout
            .contains("Asked for:\n  node/pki/apiserver.key, .csr"),
        "{due}"
    );
    assert_eq!(read(&place.join("node/pki/apiserver.key")), key);
    assert_eq!(read(&place.join("node/admin.conf")), admin);
    node(place.path(), &["check"]).expect(3);
    fs::remove_dir_all(place.join("req")).expect("remove");
    fs::rename(place.join("next"), place.join("req")).expect("rename");
    signed_by_same(&place);
    let imported = node(place.path(), &["import", "req"]);
    assert_eq!(imported.status.code(), Some(4), "{imported}");
    assert!(imported.stderr.contains("was signed by"), "{imported}");
    assert_eq!(read(&place.join("node/pki/apiserver.crt")), certificate);
}

/// Another CA of the same names, as each machine has its own.
fn signed_by_same(place: &TempDir) {
    let machine = TempDir::new();
    let all = ["all", "-q", "--kubernetes-dir", text(machine.path())];
    on(place.path(), &[&all[..], &FACTS[..6]].concat()).expect(0);
    let sign = ["sign", "req", "--kubernetes-dir", text(machine.path())];
    on(
        place.path(),
        &[&sign[..], &FACTS[..4], &FACTS[6..]].concat(),
    )
    .expect(0);
}

/// What is done to what came back, and what is told of it.
struct Wrong {
    name: &'static str,
    recipe: &'static str,
    told: &'static str,
}

/// `sign` makes a certificate of `apiserver` with these options and these extensions.
const WRONG: &[Wrong] = &[
    Wrong {
        name: "another key",
        recipe: "cp req/front-proxy-client.crt req/apiserver.crt",
        told: "apiserver.crt is not for apiserver.key: have its CA issue it again",
    },
    Wrong {
        name: "a kubeconfig's of another key",
        recipe: "cp req/scheduler.crt req/admin.crt",
        told: "admin.crt is not for the key in admin.conf",
    },
    Wrong {
        name: "not there",
        recipe: "rm req/apiserver.crt",
        told: "apiserver.crt did not come back: name those that did, to import them alone",
    },
    Wrong {
        name: "no certificate",
        recipe: "echo nothing > req/apiserver.crt",
        told: "apiserver.crt cannot be used: no certificate",
    },
    Wrong {
        name: "without its CA",
        recipe: "rm req/ca.crt",
        told: "did not come back, and is not here: put the CA's certificate into ca.crt",
    },
    Wrong {
        name: "of another CA",
        recipe: "cp req/etcd-ca.crt req/ca.crt",
        told: "apiserver.crt was signed by \"CN=ca intermediate,O=Example\", not by this CA",
    },
    Wrong {
        name: "names lacking",
        recipe: "sign 365 subjectAltName=DNS:cp1 extendedKeyUsage=serverAuth keyUsage=digitalSignature",
        told: "apiserver.crt lacks the SAN 10.0.0.10: have its CA issue it again",
    },
    Wrong {
        name: "usage lacking",
        recipe: "sign 365 subjectAltName=$SANS extendedKeyUsage=clientAuth keyUsage=digitalSignature",
        told: "apiserver.crt lacks the extended key usage serverAuth",
    },
    Wrong {
        name: "ended",
        recipe: "sign -1 subjectAltName=$SANS extendedKeyUsage=serverAuth keyUsage=digitalSignature",
        told: "apiserver.crt ended on ",
    },
    Wrong {
        name: "a CA",
        recipe: "sign 365 subjectAltName=$SANS basicConstraints=CA:TRUE keyUsage=digitalSignature",
        told: "apiserver.crt is a CA, which it must not be",
    },
    Wrong {
        name: "another subject",
        recipe: "sign 365 subjectAltName=$SANS extendedKeyUsage=serverAuth keyUsage=digitalSignature /CN=somebody",
        told: "apiserver.crt has the subject \"CN=somebody\", not \"CN=kube-apiserver\"",
    },
    Wrong {
        name: "the key of others",
        recipe: "chmod 644 node/pki/apiserver.key",
        told: "node/pki/apiserver.key has the mode 0644",
    },
    Wrong {
        name: "without its key",
        recipe: "rm node/pki/apiserver.key",
        told: "apiserver.crt is for a key that is not here",
    },
];

const RECIPE: &str = r#"
SANS=DNS:cp1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
SANS=$SANS,DNS:kubernetes.default.svc.cluster.local,DNS:api.example.com,IP:10.96.0.1,IP:10.0.0.10
sign() {
    days=$1 subject=/CN=kube-apiserver
    shift
    : > own.ext
    for extension; do
        case $extension in
            /*) subject=$extension ;;
            *) echo "$extension" >> own.ext ;;
        esac
    done
    openssl req -new -key node/pki/apiserver.key -subj "$subject" -out own.req
    openssl x509 -req -days "$days" -in own.req -extfile own.ext -CA ca-lower.crt -CAkey ca-lower.key -CAcreateserial -out own.crt
    cat own.crt ca-lower.crt > req/apiserver.crt
}
"#;

#[test]
fn what_came_back_wrong_is_refused_by_name_and_nothing_is_written() {
    let place = requested(&[]);
    signed_by_openssl(place.path());
    each(WRONG.iter(), |case| {
        let copy = TempDir::new();
        run(Command::new("cp")
            .arg("-a")
            .arg(place.join("."))
            .arg(copy.path()))
        .expect(0);
        let lines = format!("{RECIPE}\n{}", case.recipe);
        script(copy.path(), &lines);
        let before = listing(&copy.join("node"));
        let finished = node(copy.path(), &["import", "req"]);
        let told = finished.stderr.contains(case.told);
        if finished.status.code() != Some(4) || !told || listing(&copy.join("node")) != before {
            return Err(format!("{}: {:?}\n{finished}", case.name, case.told));
        }
        Ok(())
    });
    let named = node(place.path(), &["import", "req", "admin", "--dry-run"]).expect(0);
    assert!(
        named
            .stdout
            .contains("Would put in place:\n  node/pki/ca.crt "),
        "{named}"
    );
    fs::remove_file(place.join("req/apiserver.crt")).expect("remove");
    node(place.path(), &["import", "req", "admin", "scheduler"]).expect(0);
    assert!(!place.join("node/pki/apiserver.crt").exists());
    assert!(read(&place.join("node/scheduler.conf")).contains("client-certificate-data"));
}

#[test]
fn a_cluster_ca_below_a_corporate_root_signs_once_it_is_imported() {
    let place = requested(&["ca"]);
    openssl_ca(place.path(), "corporate");
    let sign = [
        "x509",
        "-req",
        "-days",
        "3650",
        "-copy_extensions",
        "copyall",
        "-CAcreateserial",
        "-CA",
        "corporate-root.crt",
        "-CAkey",
        "corporate-root.key",
        "-in",
        "req/ca.csr",
        "-out",
        "req/ca.crt",
    ];
    openssl(place.path(), &sign);
    let shown = manifest(place.path());
    assert_eq!(shown.len(), 1);
    assert_eq!(field(&shown[0], "name"), "ca");
    let refused = on(
        place.path(),
        &[&["all", "--kubernetes-dir", "node"], &FACTS[..]].concat(),
    )
    .expect(4);
    assert!(
        refused
            .stderr
            .contains("ca.key waits for the certificate that ca.csr asks for"),
        "{refused}"
    );
    node(place.path(), &["import", "req"]).expect(0);
    on(
        place.path(),
        &[&["all", "--kubernetes-dir", "node"], &FACTS[..]].concat(),
    )
    .expect(0);
    let verify = [
        "verify",
        "-CAfile",
        "corporate-root.crt",
        "-untrusted",
        "node/pki/ca.crt",
        "node/pki/apiserver.crt",
    ];
    openssl(place.path(), &verify);
    let other = fs::copy(place.join("corporate-root.crt"), place.join("req/ca.crt"));
    other.expect("copy");
    let refused = node(place.path(), &["import", "req", "ca"]).expect(4);
    assert!(
        refused.stderr.contains("ca.crt is not for ca.key"),
        "{refused}"
    );
}

#[test]
fn what_cannot_be_asked_for_or_imported_is_told_before_anything_is_written() {
    let place = TempDir::new();
    fs::create_dir(place.join("empty")).expect("make a folder");
    write(&place.join("file.csr"), "");
    for (verb, words) in [
        (
            &["csr", "apisever"][..],
            "there is no certificate \"apisever\" (\"apiserver\"?)",
        ),
        (
            &["csr", "alice"],
            "; an identity of one's own is not asked for in this way, as docs/external-ca.md tells",
        ),
        (&["csr", "sa"], "there is no certificate \"sa\""),
        (&["csr", "--within", "soon"], "--within:"),
        (&["import", "none"], "there is no file or directory none"),
        (
            &["import", "file.csr"],
            "file.csr is a file: name the directory",
        ),
        (
            &["import", "empty"],
            "empty holds no certificate that came back",
        ),
        (
            &["import", "empty", "nobody"],
            "there is no certificate \"nobody\"",
        ),
    ] {
        let finished = node(place.path(), verb).expect(2);
        assert!(finished.stderr.contains(words), "{words:?}: {finished}");
    }
    write(&place.join("empty/requests.json"), "{}");
    let finished = node(place.path(), &["import", "empty"]).expect(2);
    assert!(finished.stderr.contains("requests.json: "), "{finished}");
    assert!(!place.join("node").exists());
    let planned = node(place.path(), &[&["csr", "--dry-run"], &FACTS[..]].concat()).expect(0);
    assert!(
        planned
            .stdout
            .contains("Would ask for:\n  node/pki/apiserver.key"),
        "{planned}"
    );
    assert!(!place.join("node").exists());
}

#[test]
fn with_a_key_that_is_not_its_certificates_nobody_asks() {
    let place = tree_of_all();
    fs::copy(
        place.join("pki/apiserver.key"),
        place.join("pki/front-proxy-client.key"),
    )
    .expect("copy");
    let csr = [
        "csr",
        "front-proxy-client",
        "--csr-dir",
        "req",
        "--kubernetes-dir",
        ".",
    ];
    let refused = on(place.path(), &csr).expect(4);
    let words = "is not the key of the certificate beside it: restore it from a backup, or move front-proxy-client.crt and \
                 front-proxy-client.key away and ask for it anew";
    assert!(refused.stderr.contains(words), "{refused}");
    assert!(!place.join("req").exists());
}

/// A CA that was put there alone has no place for its key.
#[test]
fn of_a_ca_without_its_key_no_file_is_told_to_be_absent_that_is_there() {
    let folder = tree();
    let lines = "new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
                 openssl req -x509 $new -keyout ../../gone.key -out own-ca.pem -subj /CN=own -days 100
                 openssl req $new -keyout x-key.pem -out ../../x.req -subj /CN=x
                 chmod 600 x-key.pem
                 printf 'keyUsage=digitalSignature\\nextendedKeyUsage=clientAuth\\n' > ../../x.ext
                 openssl x509 -req -in ../../x.req -CA own-ca.pem -CAkey ../../gone.key -days 5 -extfile ../../x.ext -out x.pem";
    let mut bash = Command::new(tool("bash"));
    bash.args(["-euc", lines]).current_dir(folder.join("k/pki"));
    run(&mut at(NOON, "022", &bash)).expect(0);
    let verb = [
        "renew",
        "--within",
        "240h",
        "--dry-run",
        "--kubelet-dir",
        "none",
    ];
    let told = later(&folder, 0, &verb).expect(3);
    let words = "x.pem must be issued, and own-ca.pem, its CA, is here without its key";
    assert!(told.stderr.contains(words), "{told}");
    assert!(!told.stderr.contains("absent"), "{told}");
}

/// One that has half of its pair in a file is made anew with the CA's key alone.
#[test]
fn no_way_out_of_what_is_due_offers_what_the_ca_s_key_is_needed_for_where_that_is_elsewhere() {
    let folder = tree();
    let k = folder.join("k");
    let lines = "sed -n 's/^ *client-certificate-data: //p' admin.conf | base64 -d > pki/admin.crt
                 sed -i 's#client-certificate-data: .*#client-certificate: pki/admin.crt#' admin.conf
                 sed s/kubernetes-admin/own/ admin.conf > own.conf; chmod 600 own.conf";
    script(&k, lines);
    let out = folder.join("req");
    let csr = ["csr", "--dry-run", "--csr-dir", text(&out)];
    let told = |file: &str| {
        let verbs = [&["renew", "--dry-run"][..], &csr];
        verbs.map(|verb| {
            let verb = [verb, &["--kubelet-dir", "none"]].concat();
            let said = later(&folder, 350, &verb).expect(3);
            let start = format!("/{file} is due, ");
            let line = said.stderr.lines().find(|line| line.contains(&start));
            line.unwrap_or_default().to_owned()
        })
    };
    assert!(told("admin.conf")[0].contains("--force"));
    fs::remove_file(k.join("pki/ca.key")).expect("remove a file");
    for line in told("admin.conf") {
        assert!(
            line.contains(": move it away, and then 'certs csr admin' asks"),
            "{line}"
        );
    }
    assert!(told("own.conf")[0].contains(": have the CA's owner issue it"));
}

#[test]
fn an_import_that_is_killed_or_fails_leaves_all_or_nothing_and_can_be_repeated() {
    let place = requested(&[]);
    signed_by_certs(place.path());
    let mut tried = 0;
    for (call, times) in [
        ("fsync", 9),
        ("linkat", 3),
        ("renameat", 3),
        ("renameat2", 4),
        ("fchmod", 3),
    ] {
        for nth in (1..=times * 2).step_by(2) {
            for fault in ["signal=KILL", "error=EIO"] {
                let copy = TempDir::new();
                run(Command::new("cp")
                    .arg("-a")
                    .arg(place.join("."))
                    .arg(copy.path()))
                .expect(0);
                let before = read(&copy.join("node/admin.conf"));
                let mut strace = Command::new(tool("strace"));
                strace.args(["-f", "-o", "trace", "-e", &format!("trace={call}")]);
                strace.args(["-e", &format!("inject={call}:{fault}:when={nth}")]);
                let inner = certs(&[&["import", "req"][..], &NODE].concat());
                strace.arg(inner.get_program()).args(inner.get_args());
                let struck = run(strace.current_dir(copy.path()));
                if !read(&copy.join("trace")).contains("INJECTED")
                    && struck.status.code() == Some(0)
                {
                    continue;
                }
                tried += 1;
                let undone = struck.status.code() == Some(1) && !struck.stderr.contains("stays");
                if undone {
                    assert_eq!(read(&copy.join("node/admin.conf")), before, "{struck}");
                    assert!(!copy.join("node/pki/apiserver.crt").exists(), "{struck}");
                }
                node(copy.path(), &["import", "req"]).expect(0);
                is_sound(copy.path());
            }
        }
    }
    assert!(tried >= 20, "{tried} faults were tried");
}

#[test]
fn an_identity_of_one_s_own_is_signed_by_openssl_as_the_document_tells() {
    let place = tree_of_all();
    let own = [
        "client",
        "alice",
        "--common-name",
        "alice",
        "--organization",
    ];
    let more = [
        "devs",
        "--key-algorithm",
        "ECDSA-P256",
        "--kubernetes-dir",
        ".",
    ];
    on(place.path(), &[&own[..], &more].concat()).expect(0);
    let key = read(&place.join("pki/alice.key"));
    let check = ["check", "--kubernetes-dir", ".", "--output", "json"];
    let before = on(place.path(), &check).expect(0).stdout;
    let text = read(&common::root().join("docs/external-ca.md"));
    let (_, section) = text
        .split_once("## Identities of one's own")
        .expect("a section");
    let block = section.split("```").nth(1).expect("a block");
    let (language, lines) = block.split_once('\n').expect("lines");
    assert_eq!(language, "sh");
    script(place.path(), lines);
    assert_eq!(read(&place.join("pki/alice.key")), key);
    let findings = |told: &str| -> Value {
        let told: Value = serde_json::from_str(told).expect("JSON");
        told["findings"].clone()
    };
    let after = on(place.path(), &check).expect(0).stdout;
    assert_eq!(findings(&after), findings(&before));
    let verify = [
        "verify",
        "-x509_strict",
        "-CAfile",
        "pki/ca.crt",
        "pki/alice.crt",
    ];
    openssl(place.path(), &verify);
    let mut shown = Command::new(tool("openssl"));
    shown.args(["x509", "-noout", "-text", "-in", "pki/alice.crt"]);
    let shown = run(shown.current_dir(place.path())).expect(0).stdout;
    for words in [
        "Subject: O = devs, CN = alice",
        "TLS Web Client Authentication",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // Where the CA's key is there is a shorter way.
    let renewed = on(
        place.path(),
        &["renew", "alice.crt", "--kubernetes-dir", "."],
    )
    .expect(0);
    assert!(renewed.stdout.contains("pki/alice.crt"), "{renewed}");
}

/// What a run without names leaves is told, wherever it lies: nobody else asks for it.
#[test]
fn what_of_one_s_own_is_due_is_told_by_a_run_that_asks_for_whatever_is_due() {
    let folder = tree();
    for (verb, facts) in [("client", 2), ("kubeconfig", 4)] {
        let own = [verb, "alice", "--common-name", "alice", "--validity", "40d"];
        later(&folder, 0, &[&own[..], &FACTS[..facts]].concat()).expect(0);
    }
    let k = folder.join("k");
    let lines = "mkdir -p pki/a/b && cp pki/alice.crt pki/a/b/deep.crt && cp -p pki/alice.key pki/a/b/deep.key
                 cat pki/alice.crt pki/alice.key > pki/both.pem && chmod 600 pki/both.pem";
    script(&k, lines);
    let csr = |days: i64, more: &[&str]| {
        let out = folder.join("req");
        let csr = ["csr", "--csr-dir", text(&out), "--kubelet-dir", "none"];
        later(&folder, days, &[&csr[..], more].concat())
    };
    let told = |finished: &Finished, file: &str| -> Vec<String> {
        let path = format!(" {} ", text(&k.join(file)));
        let of_file = |line: &&str| line.contains(&path);
        let lines = finished.stderr.lines().filter(of_file);
        lines.map(str::to_owned).collect()
    };
    let files = [
        "alice.conf",
        "pki/alice.crt",
        "pki/both.pem",
        "pki/a/b/deep.crt",
    ];
    let early = csr(5, &[]).expect(0);
    assert!(!early.stderr.contains("own"), "{early}");
    let ways = [
        "'certs renew alice.conf' renews it",
        "'certs renew alice.crt' renews it",
        "put its parts into NAME.crt",
        "call it NAME.crt",
    ];
    let due = csr(30, &[]).expect(3);
    for (file, way) in files.iter().zip(ways) {
        let words = "is due, and csr asks for no identity of one's own";
        let lines = told(&due, file);
        assert_eq!(lines.len(), 1, "{file} {due}");
        assert!(lines[0].contains(words) && lines[0].contains(way), "{due}");
    }
    // By name the rest is no matter of the run.
    let named = csr(30, &["scheduler"]).expect(0);
    assert!(!named.stderr.contains("own"), "{named}");
    // Once over it is an error, and hinders nothing.
    fs::remove_file(k.join("pki/ca.key")).expect("remove a file");
    fs::remove_file(k.join("scheduler.conf")).expect("remove a file");
    let over = csr(50, &[]).expect(4);
    for file in files {
        let lines = told(&over, file);
        assert_eq!(lines.len(), 2, "{file} {over}");
        assert!(lines[0].starts_with("error: "), "{over}");
        let way = "make the request with its key, as docs/external-ca.md tells";
        assert!(lines.iter().all(|line| line.contains(way)), "{over}");
    }
    assert!(folder.join("req/scheduler.csr").is_file(), "{over}");
}

/// A client signs, and nobody encrypts to its key, of whatever kind that is.
#[test]
fn a_client_of_one_s_own_needs_no_key_encipherment_for_an_rsa_key_either() {
    let place = tree_of_all();
    let rsa = ["--key-algorithm", "RSA-2048", "--kubernetes-dir", "."];
    let own = ["client", "alice", "--common-name", "alice"];
    on(place.path(), &[&own[..], &rsa].concat()).expect(0);
    let signed = |usage: &str| {
        let lines = format!(
            "printf '%s\\n' basicConstraints=critical,CA:FALSE keyUsage=critical,{usage} \
               extendedKeyUsage=clientAuth subjectKeyIdentifier=hash authorityKeyIdentifier=keyid > client.ext
             openssl req -new -key pki/alice.key -subj /CN=alice -out alice.csr
             openssl x509 -req -days 365 -extfile client.ext -set_serial 0x$(openssl rand -hex 16) \
               -CA pki/ca.crt -CAkey pki/ca.key -in alice.csr -out pki/alice.crt
             sed -e \"s/^    client-certificate-data:.*/    client-certificate-data: $(base64 -w0 pki/alice.crt)/\" \
               -e \"s/^    client-key-data:.*/    client-key-data: $(base64 -w0 pki/alice.key)/\" \
               admin.conf > alice.conf
             chmod 600 alice.conf"
        );
        script(place.path(), &lines);
    };
    let check = ["check", "--kubernetes-dir", ".", "--kubelet-dir", "none"];
    signed("digitalSignature");
    on(place.path(), &check).expect(0);
    for name in ["alice.crt", "alice.conf"] {
        on(place.path(), &["renew", name, "--kubernetes-dir", "."]).expect(0);
    }
    let shown = ["x509", "-noout", "-ext", "keyUsage", "-in", "pki/alice.crt"];
    let mut shown_by = Command::new(tool("openssl"));
    let shown = run(shown_by.args(shown).current_dir(place.path())).expect(0);
    assert!(!shown.stdout.contains("Encipherment"), "{shown}");
    on(place.path(), &check).expect(0);
    // By what it does sign with it is told.
    signed("keyEncipherment");
    let told = on(place.path(), &check).expect(4);
    for file in ["pki/alice.crt", "alice.conf"] {
        let lacks = format!("{file} lacks the key usage digitalSignature");
        assert!(told.stdout.contains(&lacks), "{told}");
    }
}

/// A tree of which an external CA signs: the CAs are in `ca`, and their keys are not in `node`.
fn without_ca_keys(place: &Path) {
    let both = tree_of_all();
    for folder in ["node", "ca"] {
        let mut copy = Command::new("cp");
        copy.args(["-a", text(&both.join(".")), folder]);
        fs::create_dir_all(place.join(folder)).expect("create");
        run(copy.current_dir(place)).expect(0);
    }
    let named = ["--embed-certs=false", "--force"];
    let scheduler = ["kubeconfig", "scheduler", "--kubernetes-dir", "node"];
    on(place, &[&scheduler[..], &NODE_FACTS, &named].concat()).expect(0);
    for ca in ["ca", "etcd/ca", "front-proxy-ca"] {
        fs::remove_file(place.join(format!("node/pki/{ca}.key"))).expect("remove");
    }
}

/// What `tree_of_all` is told.
const NODE_FACTS: [&str; 6] = [
    "--node-name",
    "cp1",
    "--apiserver-advertise-address",
    "10.0.0.10",
    "--key-algorithm",
    "ECDSA-P256",
];

/// The tree is sound, and one run with a backup wrote what came back.
fn came_back(place: &Path) {
    let backups = place.join("node/pki/.certs-backup");
    let count = || fs::read_dir(&backups).map_or(0, Iterator::count);
    let runs = count();
    let imported = node(place, &["import", "req"]).expect(0);
    assert_eq!(count(), runs + 1, "one commit: {imported}");
    let checked = node(place, &["check"]).expect(0);
    assert!(checked.stdout.contains("nothing is wrong."), "{checked}");
    let again = node(place, &["import", "req"]).expect(0);
    assert!(again.stdout.contains("Everything is as wanted"), "{again}");
    let admin = kubeconfig_data(&place.join("node/admin.conf"), "client-certificate-data");
    assert_eq!(
        String::from_utf8_lossy(&admin),
        read(&place.join("req/admin.crt"))
    );
    assert_eq!(
        read(&place.join("node/pki/scheduler.crt")),
        read(&place.join("req/scheduler.crt"))
    );
}

#[test]
fn the_pair_that_a_kubeconfig_names_is_asked_for_signed_and_imported_by_the_name_of_its_profile() {
    let place = TempDir::new();
    without_ca_keys(place.path());
    let kubeconfig = read(&place.join("node/scheduler.conf"));
    let key = read(&place.join("node/pki/scheduler.key"));
    let csr = ["csr", "scheduler", "admin", "--csr-dir", "req"];
    node(place.path(), &csr).expect(0);
    let told = manifest(place.path());
    let names: Vec<&str> = told.iter().map(|entry| field(entry, "name")).collect();
    assert_eq!(names, ["admin", "scheduler"]);
    assert_eq!(field(&told[1], "place"), "pki/scheduler.crt");
    assert_eq!(field(&told[1], "request"), "scheduler.csr");
    let sign = ["sign", "req", "--kubernetes-dir", "ca"];
    on(place.path(), &[&sign[..], &NODE_FACTS[..4]].concat()).expect(0);
    came_back(place.path());
    assert_eq!(read(&place.join("node/scheduler.conf")), kubeconfig);
    assert_eq!(read(&place.join("node/pki/scheduler.key")), key);
    // Alone it is imported by that name too, and OpenSSL signs what is asked for.
    fs::remove_dir_all(place.join("req")).expect("remove");
    node(place.path(), &csr).expect(0);
    script(
        place.path(),
        "printf '%s\\n' basicConstraints=critical,CA:FALSE subjectKeyIdentifier=hash \
           authorityKeyIdentifier=keyid > leaf.ext
         for name in scheduler admin; do
           openssl x509 -req -days 366 -copy_extensions copyall -extfile leaf.ext -CAcreateserial \
             -CA ca/pki/ca.crt -CAkey ca/pki/ca.key -in req/$name.csr -out req/$name.crt
         done",
    );
    node(place.path(), &["import", "req", "scheduler", "--dry-run"]).expect(0);
    came_back(place.path());
}

#[test]
fn what_is_due_of_a_kubeconfig_that_names_its_pair_is_asked_for_with_all_else() {
    let place = TempDir::new();
    without_ca_keys(place.path());
    let csr = ["csr", "--within", "87600h", "--csr-dir", "req"];
    node(place.path(), &csr).expect(0);
    let sign = ["sign", "req", "--kubernetes-dir", "ca"];
    on(place.path(), &[&sign[..], &NODE_FACTS[..4]].concat()).expect(0);
    came_back(place.path());
}

#[test]
fn where_nobody_can_write_and_nothing_is_due_nothing_is_asked_for() {
    let place = TempDir::new();
    without_ca_keys(place.path());
    for out in ["node/req", "req"] {
        let csr = |names: &[&str]| {
            let verb = [&["csr"], names, &["--csr-dir", out], &NODE[..]].concat();
            with_read_only(place.path(), "node", &verb)
        };
        let told = csr(&[]).expect(0);
        assert!(told.stdout.contains("nothing was written"), "{told}");
        let refused = csr(&["admin"]).expect(1);
        let words =
            "node is on a read-only file system: choose another place with --kubernetes-dir";
        assert!(refused.stderr.contains(words), "{refused}");
        assert!(!place.join(out).exists());
    }
}

/// In 400 days, when all leaves are over.
fn over(place: &Path, verb: &[&str]) -> Finished {
    run(&mut in_400_days(&certs(&[verb, &NODE].concat()), place))
}

fn in_400_days(command: &Command, place: &Path) -> Command {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.expect("a time after 1970").as_secs() + 400 * 86_400;
    let seconds = i64::try_from(seconds).expect("a time in range");
    let mut later = at(seconds, "022", command);
    later.current_dir(place);
    later
}

#[test]
fn a_kubeconfig_with_a_keeper_of_its_own_hinders_nobody_s_request_and_its_way_out_is_one() {
    let place = TempDir::new();
    without_ca_keys(place.path());
    // As kubeadm and the kubelet have it, and one that somebody made so.
    script(
        place.path(),
        "named() {
           mkdir -p \"$(dirname \"$2\")\"
           sed -n 's/^ *client-certificate-data: //p' \"node/$1\" | base64 -d > \"$2\"
           sed -n 's/^ *client-key-data: //p' \"node/$1\" | base64 -d >> \"$3\"
           chmod 600 \"$3\"
           sed -i \"s#client-certificate-data: .*#client-certificate: $PWD/$2#; s#client-key-data: .*#client-key: $PWD/$3#\" \"node/$1\"
         }
         named kubelet.conf kubelet/kubelet-client-current.pem kubelet/kubelet-client-current.pem
         named controller-manager.conf node/pki/cm.crt node/pki/cm.key",
    );
    node(place.path(), &["check"]).expect(0);
    // By name what is not due is told to be another's, and without it there is nothing to tell.
    let by_name = node(place.path(), &["csr", "kubelet", "--csr-dir", "req"]).expect(3);
    let words = "kubelet.conf was named, and its certificate lies in a file of its own: see that the kubelet rotates it";
    assert!(by_name.stderr.contains(words), "{by_name}");
    let nothing = node(place.path(), &["csr", "--csr-dir", "req"]).expect(0);
    assert!(!nothing.stderr.contains("was named"), "{nothing}");
    let csr = ["csr", "--csr-dir", "req"];
    let asked = over(place.path(), &csr).expect(4);
    let told = manifest(place.path());
    let names: Vec<&str> = told.iter().map(|entry| field(entry, "name")).collect();
    assert_eq!(names.len(), 10, "{names:?}");
    for (name, file) in [
        ("kubelet", "kubelet.conf"),
        ("controller-manager", "controller-manager.conf"),
    ] {
        assert!(!names.contains(&name), "{names:?}");
        let way_out = format!("move it away, and then 'certs csr {name}' asks");
        let leads = |finished: &Finished, text: &str| {
            let ended = format!("{file} ended on ");
            let told = text.lines().find(|line| line.contains(&ended));
            let told = told.unwrap_or_else(|| panic!("{finished}"));
            assert!(told.contains(&way_out), "{told}");
        };
        leads(&asked, &asked.stderr);
        for verb in [&["check"][..], &["renew", "--dry-run"]] {
            let told = over(place.path(), verb).expect(4);
            leads(&told, &format!("{}{}", told.stdout, told.stderr));
        }
        // By its name it was meant itself.
        let alone = ["csr", name, "--csr-dir", "one"];
        let refused = over(place.path(), &alone).expect(4);
        leads(&refused, &refused.stderr);
        assert!(!place.join("one").exists());
        let of = place.join("node").join(file);
        fs::rename(&of, place.join(&format!("former-{file}"))).expect("rename");
        over(place.path(), &alone).expect(0);
        fs::remove_dir_all(place.join("one")).expect("remove");
    }
    // What goes with its pair is asked for as it lies.
    assert!(names.contains(&"scheduler"), "{names:?}");
    let told = over(place.path(), &["check"]).expect(4);
    let ended = |line: &&str| line.contains("scheduler.conf ended on ");
    let line = told.stdout.lines().find(ended).unwrap_or_default();
    assert!(line.contains(": 'certs csr scheduler' asks"), "{told}");
}

/// The SANs that the request in `req` asks for.
fn asked_sans(place: &Path, name: &str) -> Vec<String> {
    let told = manifest(place);
    let entry = told.iter().find(|entry| field(entry, "name") == name);
    let sans = entry.expect("asked for")["sans"].as_array().cloned();
    let sans = sans.expect("a list");
    sans.iter()
        .map(|san| san.as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn what_is_missing_is_asked_for_as_the_rest_of_the_tree_tells_and_not_as_this_machine_is() {
    let (place, told) = (TempDir::new(), |place: &Path, names: &[&str]| {
        let _ = fs::remove_dir_all(place.join("req"));
        let verb = [&["csr", "--csr-dir", "req"], names].concat();
        node(place, &verb)
    });
    without_ca_keys(place.path());
    let remove = |names: &str| script(place.path(), &format!("cd node; rm -rf {names}"));
    remove("pki/apiserver.*");
    let assumed = told(place.path(), &["apiserver"]).expect(3);
    let words = "10.96.0.1, the first address of the default service range, and no file tells";
    assert!(assumed.stderr.contains(words), "{assumed}");
    assert_eq!(
        asked_sans(place.path(), "apiserver"),
        [
            "cp1",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "10.96.0.1",
            "10.0.0.10"
        ]
    );
    let key = read(&place.join("node/pki/apiserver.key"));
    assert!(key.starts_with("-----BEGIN EC PRIVATE KEY-----"));
    // Stated it is no default, and what was not stated still comes from what is there.
    remove("pki/apiserver.*");
    let more = ["apiserver", "--service-cidr", "10.97.0.0/16"];
    told(place.path(), &more).expect(0);
    let sans = asked_sans(place.path(), "apiserver");
    assert!(sans.contains(&"10.97.0.1".to_owned()) && sans.contains(&"10.0.0.10".to_owned()));
    assert!(sans.contains(&"cp1".to_owned()), "{sans:?}");
    // Etcd's leaves by the one that is left, a kubeconfig by another one.
    remove("pki/etcd/peer.* scheduler.conf pki/scheduler.* kubelet.conf");
    told(place.path(), &["etcd-peer", "scheduler", "kubelet"]).expect(0);
    let etcd = ["cp1", "localhost", "10.0.0.10", "127.0.0.1", "::1"];
    assert_eq!(asked_sans(place.path(), "etcd-peer"), etcd);
    let kubeconfig = read(&place.join("node/scheduler.conf"));
    assert!(kubeconfig.contains("https://10.0.0.10:6443"));
    let subject = manifest(place.path());
    let of = subject
        .iter()
        .find(|entry| field(entry, "name") == "kubelet");
    assert_eq!(
        field(of.expect("asked for"), "subject"),
        "CN=system:node:cp1,O=system:nodes"
    );
}

#[test]
fn what_nothing_tells_is_an_error_that_names_the_flag() {
    let place = TempDir::new();
    without_ca_keys(place.path());
    let remove = |names: &str| script(place.path(), &format!("cd node; rm -rf {names}"));
    let csr = |more: &[&str]| {
        node(
            place.path(),
            &[&["csr", "apiserver", "--csr-dir", "req"], more].concat(),
        )
    };
    // All kubeconfigs lead to one address, which may be an endpoint's.
    remove("pki/apiserver.* pki/etcd");
    let refused = csr(&[]).expect(2);
    let words = "apiserver: nothing that is there tells the address of the node's API server: state it \
                 with --apiserver-advertise-address";
    assert!(refused.stderr.contains(words), "{refused}");
    remove("kubelet.conf");
    let refused = csr(&[]).expect(2);
    let words = "nothing that is there tells the node's name: state it with --node-name";
    assert!(refused.stderr.contains(words), "{refused}");
    assert!(!place.join("node/pki/apiserver.key").exists());
    csr(&NODE_FACTS[..4]).expect(3);
    let sans = asked_sans(place.path(), "apiserver");
    assert_eq!(sans.first().map(String::as_str), Some("cp1"));
}

#[test]
fn what_came_back_is_refused_where_check_would_tell_an_error_of_it() {
    let place = TempDir::new();
    without_ca_keys(place.path());
    script(place.path(), "rm node/pki/apiserver.*");
    let facts = [
        "--node-name",
        "cp2",
        "--apiserver-advertise-address",
        "10.0.0.99",
    ];
    let more = ["--service-cidr", "10.96.0.0/12"];
    let csr = ["csr", "apiserver", "--csr-dir", "req"];
    node(place.path(), &[&csr[..], &facts, &more].concat()).expect(0);
    // The names of the other node and address alone.
    let sign = ["sign", "req", "--kubernetes-dir", "ca", "--accept-sans"];
    on(place.path(), &[&sign[..], &facts].concat());
    let before = listing(&place.join("node/pki"));
    let refused = node(place.path(), &["import", "req", "--output", "json"]).expect(4);
    let report: Value = serde_json::from_str(&refused.stdout).expect("JSON");
    let codes = |report: &Value| {
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        let errors = findings.iter().filter(|one| one["severity"] == "error");
        let mut codes: Vec<String> = errors
            .map(|one| format!("{} {}", field(one, "code"), field(one, "name")))
            .collect();
        codes.sort();
        codes
    };
    let told = codes(&report);
    assert!(
        told.contains(&"san-missing apiserver".to_owned()),
        "{told:?}"
    );
    assert_eq!(listing(&place.join("node/pki")), before);
    // As check tells them of the same certificate.
    fs::copy(
        place.join("req/apiserver.crt"),
        place.join("node/pki/apiserver.crt"),
    )
    .expect("copy");
    let checked = node(place.path(), &["check", "--output", "json"]).expect(4);
    let report: Value = serde_json::from_str(&checked.stdout).expect("JSON");
    assert_eq!(codes(&report), told);
    // Sound in itself, and not where the kubeconfigs lead.
    script(place.path(), "rm -r node/pki/apiserver.* req");
    let facts = [&NODE_FACTS[..3], &["10.0.0.99"]].concat();
    node(place.path(), &[&csr[..], &facts, &more].concat()).expect(0);
    on(place.path(), &[&sign[..], &facts].concat()).expect(0);
    let refused = node(place.path(), &["import", "req"]).expect(4);
    let words = "scheduler.conf points at 10.0.0.10, which apiserver.crt is not good for";
    assert!(refused.stderr.contains(words), "{refused}");
    assert!(!place.join("node/pki/apiserver.crt").exists());
}

/// As kubeadm's workers are, with or without what else tells where the API server is: each way out is followed to its end.
#[test]
fn a_worker_whose_kubelet_was_away_too_long_is_led_to_its_certificate() {
    for gone in ["", "rm node/kube-proxy.conf kubelet/kubelet.*"] {
        let place = TempDir::new();
        without_ca_keys(place.path());
        script(
            place.path(),
            &format!(
                "mv node all; mkdir -p node/pki kubelet
                 mv all/kubelet.conf node; mv all/pki/ca.crt node/pki
                 for data in certificate key; do
                   sed -n \"s/^ *client-$data-data: //p\" node/kubelet.conf | base64 -d >> kubelet/kubelet-client-current.pem
                   sed -i \"s#client-$data-data: .*#client-$data: $PWD/kubelet/kubelet-client-current.pem#\" node/kubelet.conf
                 done
                 chmod 600 kubelet/*
                 sed -i 's#server: .*#server: https://api.example.com:6443#' node/kubelet.conf
                 sed '/client-/d; s/system:node:cp1/system:kube-proxy/' node/kubelet.conf > node/kube-proxy.conf
                 sed -i 's/^  user:/&\\n    token: secret/; s/user: {{}}/user: {{token: secret}}/' node/kube-proxy.conf
                 chmod 600 node/*.conf
                 cp all/pki/apiserver.crt kubelet/kubelet.crt; cp all/pki/apiserver.key kubelet/kubelet.key
                 {gone}"
            ),
        );
        let words = "move it away, and then 'certs csr kubelet --node-name cp1 --control-plane-endpoint \
                     api.example.com:6443' asks";
        let of_pair = words.replace("move it", "move kubelet.conf");
        for (name, words) in [
            ("kubelet", words),
            ("kubelet/kubelet-client-current.pem", of_pair.as_str()),
        ] {
            let refused = over(place.path(), &["renew", name]).expect(4);
            assert!(refused.stderr.contains(words), "{refused}");
        }
        let csr = "csr kubelet --node-name cp1 --control-plane-endpoint api.example.com:6443 --csr-dir req";
        let csr: Vec<&str> = csr.split(' ').collect();
        fs::rename(place.join("node/kubelet.conf"), place.join("former")).expect("rename");
        over(place.path(), &csr).expect(0);
        let sign = ["sign", "req", "--kubernetes-dir", "ca"];
        let sign = certs(&[&sign[..], &NODE_FACTS[..2]].concat());
        run(&mut in_400_days(&sign, place.path())).expect(0);
        over(place.path(), &["import", "req"]).expect(0);
        let kubeconfig = read(&place.join("node/kubelet.conf"));
        assert!(
            kubeconfig.contains("server: https://api.example.com:6443"),
            "{kubeconfig}"
        );
        assert!(
            kubeconfig.contains("client-certificate-data: "),
            "{kubeconfig}"
        );
    }
}
