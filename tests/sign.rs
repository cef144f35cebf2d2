//! `certs sign`: what a request asks for, and what its certificate says.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

mod common;
use common::node::{FACTS, as_nobody, on, script, with_read_only};
use common::{
    Finished, TempDir, each, fixture, listing, mode, read, run, set_mode, text, tool, tree_of_all,
    write,
};

/// A machine with a CA in `.`, and requests in `csr`.
fn machine() -> TempDir {
    let place = tree_of_all();
    fs::create_dir(place.join("csr")).expect("make a folder");
    place
}

fn sign(place: &Path, what: &str, more: &[&str]) -> Finished {
    on(
        place,
        &[&["sign", what, "--kubernetes-dir", "."], more].concat(),
    )
}

/// A request of OpenSSL's in `csr/NAME.csr`.
fn request(place: &Path, name: &str, key: &str, subject: &str, extensions: &str) {
    let config = format!(
        "[req]\nprompt=no\ndistinguished_name=dn\nreq_extensions=ext\n[dn]\n{subject}\n[ext]\n{extensions}\n"
    );
    let path = place.join(format!("{name}.cnf"));
    write(&path, config);
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["req", "-new", "-nodes", "-config", text(&path), "-newkey"]);
    openssl.args(key.split(' ')).arg("-keyout");
    openssl.arg(place.join(format!("{name}.key"))).arg("-out");
    openssl.arg(place.join(format!("csr/{name}.csr")));
    run(&mut openssl).expect(0);
}

const P256: &str = "ec -pkeyopt ec_paramgen_curve:P-256";
const ADMIN: &str = "O=kubeadm:cluster-admins\nCN=kubernetes-admin";
const API_SERVER: &str = "CN=kube-apiserver";

fn shown(certificate: &Path) -> String {
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["x509", "-noout", "-text", "-in", text(certificate)]);
    run(&mut openssl).expect(0).stdout
}

fn verified(ca: &Path, certificate: &Path) {
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["verify", "-x509_strict", "-CAfile", text(ca)]);
    run(openssl.arg(certificate)).expect(0);
}

#[test]
fn the_requests_of_kubeadm_are_signed_by_the_profile_and_a_second_run_changes_nothing() {
    let place = machine();
    let mut copy = Command::new("cp");
    copy.arg("-r").arg(fixture("kubeadm/generate-csr/default"));
    run(copy.arg(place.join("node"))).expect(0);
    sign(place.path(), "node/pki", &FACTS).expect(0);
    sign(place.path(), "node", &FACTS).expect(0);
    let signed = |folder: &str| {
        let folder = place.join(folder);
        let names = listing(&folder).into_iter();
        names
            .filter(|name| name.extension().is_some_and(|ending| ending == "csr"))
            .map(|name| folder.join(name).with_extension("crt"))
            .collect::<Vec<_>>()
    };
    let all = signed("node");
    assert_eq!(all.len(), 12);
    for certificate in &all {
        let etcd = certificate
            .components()
            .any(|part| part.as_os_str() == "etcd");
        let name = text(certificate);
        let ca = match name {
            name if name.contains("front-proxy") => "node/pki/front-proxy-ca.crt",
            name if etcd || name.contains("apiserver-etcd") => "node/pki/etcd-ca.crt",
            _ => "node/ca.crt",
        };
        verified(&place.join(ca), certificate);
        assert_eq!(mode(certificate), 0o644);
    }
    let server = shown(&place.join("node/pki/apiserver.crt"));
    for words in [
        "Subject: CN = kube-apiserver",
        "CA:FALSE",
        "TLS Web Server Authentication",
        "DNS:kubernetes.default.svc.cluster.local, IP Address:10.96.0.1, IP Address:10.0.0.10",
        "X509v3 Subject Key Identifier",
    ] {
        assert!(server.contains(words), "{words:?} in {server}");
    }
    let ca = place.join("node/pki/ca.crt");
    assert_eq!(read(&ca), read(&place.join("pki/ca.crt")));
    assert!(!place.join("node/pki/ca.key").exists());
    let again = sign(place.path(), "node/pki", &FACTS).expect(0);
    assert!(again.stdout.contains("Everything is as wanted"), "{again}");
}

/// A request, what more is given, and all that is told of it.
struct Refused {
    name: &'static str,
    key: &'static str,
    subject: &'static str,
    extensions: &'static str,
    more: &'static [&'static str],
    told: &'static [&'static str],
}

const REFUSED: &[Refused] = &[
    Refused {
        name: "admin",
        key: P256,
        subject: "O=system:masters\nCN=kubernetes-admin",
        extensions: "keyUsage=digitalSignature",
        more: &[],
        told: &[
            "asks for the subject \"CN=kubernetes-admin,O=system:masters\", and admin has \
             \"CN=kubernetes-admin,O=kubeadm:cluster-admins\"",
        ],
    },
    Refused {
        name: "admin",
        key: P256,
        subject: ADMIN,
        extensions: "subjectAltName=DNS:api.example.com",
        more: &["--accept-sans"],
        told: &[
            "asks for the SAN api.example.com, which the facts do not state: have it requested anew",
        ],
    },
    Refused {
        name: "apiserver",
        key: P256,
        subject: API_SERVER,
        extensions: "subjectAltName=DNS:CP1,DNS:evil.example,IP:192.0.2.1",
        more: &FACTS,
        told: &[
            "asks for the SANs evil.example, 192.0.2.1, which the facts do not state: take them with --accept-sans, or \
             state them with --apiserver-cert-extra-sans",
        ],
    },
    Refused {
        name: "apiserver",
        key: P256,
        subject: API_SERVER,
        extensions: "subjectAltName=URI:spiffe://x,email:a@b",
        more: &["--accept-sans", FACTS[0], FACTS[1], FACTS[2], FACTS[3]],
        told: &[
            "asks for the SANs URI:spiffe://x, email:a@b, which the facts do not state: have it requested anew",
        ],
    },
    Refused {
        name: "admin",
        key: P256,
        subject: ADMIN,
        extensions: "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature,keyCertSign,keyEncipherment\n\
                     extendedKeyUsage=clientAuth,serverAuth\n1.2.3.4=ASN1:NULL",
        more: &[],
        told: &[
            "asks to be a CA",
            "asks for the key usage keyEncipherment, which admin has not",
            "asks for the key usage keyCertSign, which admin has not",
            "asks for the extended key usage serverAuth, which admin has not",
            "asks for the extension 1.2.3.4",
        ],
    },
    Refused {
        name: "admin",
        key: "rsa:1024",
        subject: ADMIN,
        extensions: "keyUsage=digitalSignature",
        more: &[],
        told: &["is for a key of the kind RSA-1024,"],
    },
    Refused {
        name: "admin",
        key: "ed25519",
        subject: ADMIN,
        extensions: "keyUsage=digitalSignature",
        more: &["--force"],
        told: &["is for a key of the kind Ed25519,"],
    },
    Refused {
        name: "admin",
        key: "rsa:2048 -sha1",
        subject: ADMIN,
        extensions: "keyUsage=digitalSignature",
        more: &[],
        told: &[
            "does not prove that its key is there: verify the request with its own key: read signature \
                 algorithm: sha1WithRSAEncryption is no longer accepted",
        ],
    },
    Refused {
        name: "kubelet",
        key: P256,
        subject: "O=system:nodes\nCN=system:node:cp1",
        extensions: "keyUsage=digitalSignature",
        more: &["--node-name", "worker1"],
        told: &[
            "asks for the subject \"CN=system:node:cp1,O=system:nodes\", and kubelet has \
                 \"CN=system:node:worker1,O=system:nodes\"",
        ],
    },
];

#[test]
fn what_is_asked_beyond_the_profile_is_refused_by_name_and_nothing_is_written() {
    each(REFUSED.iter(), |case| {
        let place = machine();
        request(
            place.path(),
            case.name,
            case.key,
            case.subject,
            case.extensions,
        );
        let before = listing(place.path());
        let finished = sign(place.path(), "csr", case.more);
        let errors: Vec<&str> = finished
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        let told = errors.len() == case.told.len()
            && errors.iter().zip(case.told).all(|(line, words)| {
                line.starts_with(&format!("error: ./csr/{}.csr {words}", case.name))
                    || line.starts_with(&format!("error: csr/{}.csr {words}", case.name))
            });
        if !told || finished.status.code() != Some(4) || listing(place.path()) != before {
            return Err(format!("{:?}: {finished}", case.told));
        }
        Ok(())
    });
}

#[test]
fn a_request_that_others_may_write_is_refused_and_a_strangers_is_told() {
    let place = machine();
    request(place.path(), "admin", P256, ADMIN, "");
    let file = place.join("csr/admin.csr");
    for mode in [0o666, 0o664] {
        set_mode(&file, mode);
        let words = format!("csr/admin.csr has the mode {mode:04o}: chmod it to 0644");
        for more in [&[][..], &["--force"]] {
            let refused = sign(place.path(), "csr", more).expect(4);
            assert!(refused.stderr.contains(&words), "{refused}");
        }
        assert!(!place.join("csr/admin.crt").exists());
    }
    set_mode(&file, 0o644);
    run(Command::new("chown").arg("65534").arg(&file)).expect(0);
    for more in [&[][..], &[], &["--force"]] {
        let signed = sign(place.path(), "csr", more).expect(3);
        let words = "csr/admin.csr belongs to user 65534, who can put another in its place";
        assert!(signed.stderr.contains(words), "{signed}");
    }
    run(Command::new("chown").arg("0").arg(&file)).expect(0);
    sign(place.path(), "csr", &[]).expect(0);
}

#[test]
fn what_was_handed_out_before_and_others_may_write_is_refused_and_a_strangers_is_told() {
    let place = machine();
    request(place.path(), "admin", P256, ADMIN, "");
    sign(place.path(), "csr", &[]).expect(0);
    for name in ["admin.crt", "ca.crt"] {
        let file = place.join("csr").join(name);
        set_mode(&file, 0o666);
        let refused = sign(place.path(), "csr", &[]).expect(4);
        let words = format!("csr/{name} has the mode 0666: chmod it to 0644");
        assert!(refused.stderr.contains(&words), "{refused}");
        set_mode(&file, 0o644);
        run(Command::new("chown").arg("65534").arg(&file)).expect(0);
        let told = sign(place.path(), "csr", &[]).expect(3);
        let words = format!("csr/{name} belongs to user 65534, who can put another in its place");
        assert!(told.stderr.contains(&words), "{told}");
        run(Command::new("chown").arg("0").arg(&file)).expect(0);
        sign(place.path(), "csr", &[]).expect(0);
    }
}

#[test]
fn a_request_whose_signature_is_not_its_keys_is_refused() {
    let place = machine();
    request(
        place.path(),
        "admin",
        P256,
        ADMIN,
        "keyUsage=digitalSignature",
    );
    request(
        place.path(),
        "other",
        P256,
        ADMIN,
        "keyUsage=digitalSignature",
    );
    // The two have the same length but for a random octet or two of the signature, which stays.
    let der = |name: &str| {
        let file = place.join(&format!("csr/{name}.csr"));
        let mut openssl = Command::new(tool("openssl"));
        openssl.args(["req", "-outform", "DER", "-in", text(&file), "-out"]);
        let out = place.join(&format!("{name}.der"));
        run(openssl.arg(&out)).expect(0);
        fs::read(out).expect("a request")
    };
    let (mut stolen, other) = (der("admin"), der("other"));
    // id-ecPublicKey and prime256v1, and then the BIT STRING of the point.
    let curve = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let point = |bytes: &[u8]| {
        let at = bytes.windows(8).position(|window| window == curve);
        at.expect("a curve") + 8 + 4
    };
    let (at, from) = (point(&stolen), point(&other));
    stolen[at..at + 64].copy_from_slice(&other[from..from + 64]);
    fs::write(place.join("stolen.der"), stolen).expect("write");
    let mut openssl = Command::new(tool("openssl"));
    openssl.args([
        "req",
        "-inform",
        "DER",
        "-in",
        "stolen.der",
        "-out",
        "csr/admin.csr",
    ]);
    run(openssl.current_dir(place.path())).expect(0);
    let finished = sign(place.path(), "csr/admin.csr", &["--force"]).expect(4);
    let words = "does not prove that its key is there";
    assert!(finished.stderr.contains(words), "{finished}");
    assert!(!place.join("csr/admin.crt").exists());
}

#[test]
fn no_name_that_a_flag_would_refuse_is_taken_from_a_request() {
    for (name, words) in [
        ("*", "contains '*'"),
        ("x y", "contains ' '"),
        ("a.b.", "has an empty label"),
        ("10.0.0.99", "is an address"),
        ("10.0.0.256", "is no address"),
    ] {
        let place = machine();
        let sans = format!("subjectAltName=DNS:cp1,DNS:{name},DNS:more.example");
        request(place.path(), "apiserver", P256, API_SERVER, &sans);
        let more = [&FACTS[..], &["--accept-sans"]].concat();
        let refused = sign(place.path(), "csr", &more).expect(4);
        assert!(
            refused.stderr.contains(words) && !refused.stderr.contains("take what is asked"),
            "{refused}"
        );
        assert!(!place.join("csr/apiserver.crt").exists());
    }
    let place = machine();
    let sans = "subjectAltName=DNS:cp1,DNS:*.apps.example,DNS:more.example";
    request(place.path(), "apiserver", P256, API_SERVER, sans);
    let more = [&FACTS[..], &["--accept-sans"]].concat();
    let taken = sign(place.path(), "csr", &more).expect(0);
    for name in ["*.apps.example", "more.example"] {
        let line = format!("\n    csr/apiserver.csr is granted the SAN {name}\n");
        assert!(taken.stdout.contains(&line), "{taken}");
    }
}

#[test]
fn names_are_taken_from_a_request_where_that_was_asked_for_and_each_is_told() {
    let place = machine();
    let sans = "subjectAltName=DNS:cp1,DNS:more.example,IP:192.0.2.1";
    request(place.path(), "apiserver", P256, API_SERVER, sans);
    let more = [&FACTS[..], &["--accept-sans", "--output", "json"]].concat();
    let finished = sign(place.path(), "csr", &more).expect(0);
    let report: serde_json::Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let told: Vec<&str> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|finding| finding["code"] == "request-san-taken")
        .filter_map(|finding| finding["text"].as_str())
        .collect();
    assert_eq!(
        told,
        [
            "is granted the SAN more.example",
            "is granted the SAN 192.0.2.1"
        ]
    );
    assert_eq!(report["directories"]["requests"], "csr");
    let shown = shown(&place.join("csr/apiserver.crt"));
    assert!(shown.contains(
        "DNS:more.example, IP Address:10.96.0.1, IP Address:10.0.0.10, IP Address:192.0.2.1"
    ));
    // It is there, and its names are not those of the facts alone: that is a warning.
    let again = sign(place.path(), "csr", &FACTS).expect(4);
    let words = "apiserver.crt has the SAN more.example, which is not wanted: run the same command with --force";
    assert!(again.stderr.contains(words), "{again}");
    assert!(
        again
            .stderr
            .contains("asks for the SANs more.example, 192.0.2.1, which"),
        "{again}"
    );
}

/// The node's address is its own, and no API server's: it is stated, or taken from the request.
#[test]
fn a_kubelet_s_serving_certificate_has_the_node_s_address_and_no_api_server_s() {
    let place = machine();
    let subject = "O=system:nodes\nCN=system:node:w1";
    for (name, sans) in [
        ("w1", "subjectAltName=DNS:w1,IP:10.0.0.21"),
        ("w2", "subjectAltName=DNS:w1"),
    ] {
        request(place.path(), name, P256, subject, sans);
    }
    let signed = |name: &str, more: &[&str]| {
        let file = format!("csr/{name}.csr");
        let of_node = ["--as", "kubelet-serving", "--node-name", "w1", "--force"];
        sign(place.path(), &file, &[&of_node, more].concat())
    };
    let good_for = |name: &str, sans: &str| {
        let shown = shown(&place.join(&format!("csr/{name}.crt")));
        assert!(shown.contains(&format!("{sans}\n")), "{shown}");
    };
    let refused = signed("w1", &[]).expect(2);
    let words = "w1.csr: nothing tells an address of the node: state it with --node-ip\n";
    assert!(refused.stderr.contains(words), "{refused}");
    let refused = signed("w2", &["--accept-sans"]).expect(2);
    let words = "w2.csr: it asks for no address of the node, and no fact tells one: state it with --node-ip\n";
    assert!(refused.stderr.contains(words), "{refused}");
    let own = "DNS:w1, IP Address:10.0.0.21";
    let taken = signed("w1", &["--accept-sans"]).expect(0);
    assert!(
        taken.stdout.contains("is granted the SAN 10.0.0.21"),
        "{taken}"
    );
    good_for("w1", own);
    for name in ["w1", "w2"] {
        signed(name, &["--node-ip", "10.0.0.21"]).expect(0);
        good_for(name, own);
    }
    // A client's certificate has no address, whatever is accepted.
    request(
        place.path(),
        "admin",
        P256,
        ADMIN,
        "keyUsage=digitalSignature",
    );
    sign(place.path(), "csr/admin.csr", &["--accept-sans"]).expect(0);
}

#[test]
fn all_names_beyond_the_facts_are_one_error_and_nothing_is_granted_where_nothing_is_signed() {
    let place = machine();
    let etcd = "subjectAltName=DNS:cp1,DNS:more.example";
    let subject = "O=system:nodes\nCN=system:node:cp1";
    let sans = format!("{etcd},DNS:*,IP:192.0.2.1");
    request(place.path(), "apiserver", P256, API_SERVER, &sans);
    request(place.path(), "etcd-server", P256, "CN=cp1", etcd);
    let address = "subjectAltName=DNS:cp1,IP:192.0.2.1";
    request(place.path(), "kubelet-serving", P256, subject, address);
    let facts = [&FACTS[..], &["--node-ip", "10.0.0.10"]].concat();
    let refused = sign(place.path(), "csr", &facts).expect(4);
    let errors: Vec<&str> = refused
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(
        errors,
        [
            "error: csr/apiserver.csr asks for the SANs DNS:* (it contains '*': a DNS name has letters, digits, '-' and \
             '.' only), more.example, 192.0.2.1, which the facts do not state: have it requested anew without the SAN DNS:*; \
             what is left is taken with --accept-sans, or state them with --apiserver-cert-extra-sans",
            "error: csr/etcd-server.csr asks for the SAN more.example, which the facts do not state: take it with \
             --accept-sans, or state it with --etcd-extra-sans",
            "error: csr/kubelet-serving.csr asks for the SAN 192.0.2.1, which the facts do not state: take it with \
             --accept-sans, or state it with --node-ip",
        ]
    );
    // What flag is told is taken.
    for (name, flag, value) in [
        ("etcd-server", "--etcd-extra-sans", "more.example"),
        ("kubelet-serving", "--node-ip", "10.0.0.10,192.0.2.1"),
    ] {
        let more = [&FACTS[..], &[flag, value, "--dry-run"]].concat();
        sign(place.path(), &format!("csr/{name}.csr"), &more).expect(0);
    }
    // Of a name that no flag gives the others are not told to be granted.
    let accepted = [&facts[..], &["--accept-sans"]].concat();
    let refused = sign(place.path(), "csr", &accepted).expect(4);
    let words = "error: csr/apiserver.csr asks for the SAN DNS:* (it ";
    assert!(refused.stderr.contains(words), "{refused}");
    let json = [&accepted[..], &["-o", "json"]].concat();
    for refused in [&refused, &sign(place.path(), "csr", &json).expect(4)] {
        let all = format!("{}{}", refused.stdout, refused.stderr);
        assert!(
            !all.contains("granted") && !all.contains("request-san-taken"),
            "{all}"
        );
    }
    // What was signed before has them, and gets none.
    let server = ["csr/etcd-server.csr", "granted the SAN more.example"];
    let first = sign(place.path(), server[0], &accepted).expect(0);
    assert!(first.stdout.contains(server[1]), "{first}");
    let again = sign(place.path(), server[0], &accepted).expect(0);
    assert!(!again.stdout.contains("granted"), "{again}");
    // Of thousands no more are told than anybody reads.
    let names: Vec<String> = (0..30)
        .map(|number| format!("DNS:n{number}.example"))
        .collect();
    let sans = format!("subjectAltName={}", names.join(","));
    request(place.path(), "apiserver", P256, API_SERVER, &sans);
    let refused = sign(place.path(), "csr/apiserver.csr", &facts).expect(4);
    assert!(
        refused.stderr.contains(", n19.example and 10 more, which"),
        "{refused}"
    );
    assert!(!refused.stderr.contains("n20."), "{refused}");
}

#[test]
fn a_certificate_of_more_names_than_are_read_is_refused_before_anything_is_signed() {
    let place = machine();
    let names = |most: usize| {
        let names = (0..most).map(|number| format!("DNS.{number}=n{number}.example\n"));
        format!(
            "subjectAltName=@names\n[names]\n{}",
            names.collect::<String>()
        )
    };
    request(place.path(), "apiserver", P256, API_SERVER, &names(5000));
    request(
        place.path(),
        "scheduler",
        P256,
        "CN=system:kube-scheduler",
        "",
    );
    let more = [&FACTS[..], &["--accept-sans"]].concat();
    let refused = sign(place.path(), "csr", &more).expect(4);
    let words = "csr/apiserver.csr asks for a certificate that would have 5007 names, and 5000 are the most";
    assert!(refused.stderr.contains(words), "{refused}");
    assert_eq!(refused.stderr.matches("error: ").count(), 1, "{refused}");
    assert!(!place.join("csr/scheduler.crt").exists());
    request(place.path(), "apiserver", P256, API_SERVER, &names(4993));
    sign(place.path(), "csr", &more).expect(0);
    // So is what is stated.
    let stated: Vec<String> = (0..5000)
        .map(|number| format!("- n{number}.example"))
        .collect();
    let config = format!(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\napiServer:\n  certSANs:\n  {}\n",
        stated.join("\n  ")
    );
    write(&place.join("config.yaml"), config);
    for verb in [&["server", "apiserver"][..], &["csr", "apiserver"]] {
        let facts = [
            &FACTS[..],
            &["--config", "config.yaml", "--kubernetes-dir", "new"],
        ]
        .concat();
        on(place.path(), &["ca", "ca", "--kubernetes-dir", "new"]).expect(0);
        let refused = on(place.path(), &[verb, &facts].concat()).expect(4);
        let words = "new/pki/apiserver.crt would have 5007 names, and 5000 are the most";
        assert!(refused.stderr.contains(words), "{refused}");
        assert!(!place.join("new/pki/apiserver.key").exists());
    }
}

#[test]
fn the_profile_of_one_file_is_named_where_its_own_name_says_none() {
    let place = machine();
    request(
        place.path(),
        "worker1",
        P256,
        "O=system:nodes\nCN=system:node:worker1",
        "keyUsage=digitalSignature",
    );
    let node = ["--node-name", "worker1"];
    let finished = sign(place.path(), "csr/worker1.csr", &node).expect(2);
    let words =
        "worker1.csr: its name is no profile's: sign it alone, with --as NAME, one of apiserver, ";
    assert!(finished.stderr.contains(words), "{finished}");
    let more = [&node[..], &["--as", "kubelet"]].concat();
    sign(place.path(), "csr/worker1.csr", &more).expect(0);
    let shown = shown(&place.join("csr/worker1.crt"));
    assert!(
        shown.contains("Subject: O = system:nodes, CN = system:node:worker1"),
        "{shown}"
    );
}

#[test]
fn the_order_of_a_subject_is_the_profile_s_and_no_reason_to_refuse_a_request() {
    let place = machine();
    let turned = "CN=kubernetes-admin\nO=kubeadm:cluster-admins";
    request(
        place.path(),
        "admin",
        P256,
        turned,
        "keyUsage=digitalSignature",
    );
    sign(place.path(), "csr", &[]).expect(0);
    let shown = shown(&place.join("csr/admin.crt"));
    let subject = "Subject: O = kubeadm:cluster-admins, CN = kubernetes-admin";
    assert!(shown.contains(subject), "{shown}");
    // What is in `REFUSED` shows that another subject is refused, and so is a group more.
    let place = machine();
    let more = format!("{turned}\n1.O=system:masters");
    request(
        place.path(),
        "admin",
        P256,
        &more,
        "keyUsage=digitalSignature",
    );
    let refused = sign(place.path(), "csr", &[]).expect(4);
    assert!(refused.stderr.contains("asks for the subject"), "{refused}");
}

#[test]
fn a_request_in_der_is_signed_as_one_in_pem_and_one_that_is_cut_short_is_not() {
    let place = machine();
    request(
        place.path(),
        "admin",
        P256,
        ADMIN,
        "keyUsage=digitalSignature",
    );
    let der =
        "openssl req -in csr/admin.csr -outform DER -out admin.der && mv admin.der csr/admin.csr";
    script(place.path(), der);
    sign(place.path(), "csr", &[]).expect(0);
    verified(&place.join("pki/ca.crt"), &place.join("csr/admin.crt"));
    let again = sign(place.path(), "csr", &[]).expect(0);
    assert!(again.stdout.contains("Everything is as wanted"), "{again}");
    script(place.path(), "rm csr/*.crt && truncate -s -1 csr/admin.csr");
    let refused = sign(place.path(), "csr", &[]).expect(4);
    assert!(
        refused.stderr.contains("admin.csr") && refused.stderr.contains("read request"),
        "{refused}"
    );
}

#[test]
fn what_cannot_be_signed_for_is_told_before_anything_is_looked_at() {
    let place = machine();
    for name in ["ca", "apiserver", "unheard-of", "admin", "admin.conf"] {
        request(place.path(), name, P256, ADMIN, "keyUsage=digitalSignature");
    }
    fs::create_dir(place.join("empty")).expect("make a folder");
    write(&place.join("csr/Upper.csr"), "");
    for (what, more, words) in [
        (
            "csr/ca.csr",
            &[][..],
            "ca.csr is for the CA ca, which the CA above it signs",
        ),
        (
            "csr/apiserver.csr",
            &[],
            "apiserver is for one node: state it with --node-name",
        ),
        (
            "csr/apiserver.csr",
            &["--node-name", "cp1"],
            "apiserver.csr: nothing tells the address of the node's API server: state it with --apiserver-advertise-address",
        ),
        (
            "csr/unheard-of.csr",
            &["--as", "sa"],
            "--as: there is no profile \"sa\" to sign for",
        ),
        ("csr", &["--as", "admin"], "--as goes with one FILE"),
        (
            "csr",
            &FACTS,
            "admin.csr and admin.conf.csr are both for admin",
        ),
        (
            "empty",
            &[],
            "empty holds no request: one is called NAME.csr",
        ),
        ("none", &[], "there is no file or directory none"),
        (
            "csr/Upper.csr",
            &[],
            "csr/Upper.csr: call it NAME.csr, in lower case",
        ),
        ("admin.key", &[], "admin.key: call it NAME.csr"),
        ("csr", &["--no-backup"], "--force"),
    ] {
        let finished = sign(place.path(), what, more).expect(2);
        assert!(finished.stderr.contains(words), "{words:?}: {finished}");
    }
    assert!(
        listing(&place.join("csr"))
            .iter()
            .all(|name| name.extension().is_some_and(|ending| ending == "csr"))
    );
}

#[test]
fn what_was_issued_is_replaced_by_force_alone_and_another_ca_by_nothing() {
    let place = machine();
    request(
        place.path(),
        "admin",
        P256,
        ADMIN,
        "keyUsage=digitalSignature",
    );
    sign(place.path(), "csr", &[]).expect(0);
    let (certificate, ca) = (place.join("csr/admin.crt"), place.join("csr/ca.crt"));
    let first = read(&certificate);
    sign(place.path(), "csr", &["--force"]).expect(0);
    let second = read(&certificate);
    assert_ne!(first, second);
    on(place.path(), &["rollback", "--csr-dir", "csr"]).expect(0);
    assert_eq!(read(&certificate), first);

    request(
        place.path(),
        "admin",
        P256,
        ADMIN,
        "keyUsage=digitalSignature",
    );
    let finished = sign(place.path(), "csr", &[]).expect(4);
    let words = "admin.crt is not for the key of admin.csr";
    assert!(finished.stderr.contains(words), "{finished}");
    assert_eq!(read(&certificate), first);

    fs::copy(place.join("pki/etcd/ca.crt"), &ca).expect("copy");
    let finished = sign(place.path(), "csr", &["--force"]).expect(4);
    let words = "ca.crt holds other certificates than the file of the CA that signs: move it away";
    assert!(finished.stderr.contains(words), "{finished}");
    for path in [&ca, &place.join("csr/admin.csr")] {
        write(path, "no PEM");
        let finished = sign(place.path(), "csr", &["--force"]).expect(4);
        assert!(finished.stderr.contains("cannot be used"), "{finished}");
        fs::copy(place.join("pki/ca.crt"), &ca).expect("copy");
    }
    assert_eq!(read(&certificate), first);
}

#[test]
fn without_the_key_of_the_ca_nothing_is_signed() {
    let place = machine();
    request(
        place.path(),
        "admin",
        P256,
        ADMIN,
        "keyUsage=digitalSignature",
    );
    fs::remove_file(place.join("pki/ca.key")).expect("remove");
    let finished = sign(place.path(), "csr", &[]).expect(4);
    let words = "must be issued, and the key of its CA is not here";
    assert!(finished.stderr.contains(words), "{finished}");
    fs::remove_file(place.join("pki/ca.crt")).expect("remove");
    let finished = sign(place.path(), "csr", &[]).expect(4);
    assert!(
        finished.stderr.contains("needs ca.crt, which is not there"),
        "{finished}"
    );
    assert_eq!(listing(&place.join("csr")).len(), 1);
}

#[test]
fn a_dry_run_tells_what_would_be_signed_and_writes_nothing() {
    let place = machine();
    request(
        place.path(),
        "admin",
        P256,
        ADMIN,
        "keyUsage=digitalSignature",
    );
    let finished = sign(place.path(), "csr", &["--dry-run"]).expect(0);
    assert!(
        finished.stdout.contains("Would make:\n  csr/admin.crt"),
        "{finished}"
    );
    assert_eq!(listing(&place.join("csr")).len(), 1);
}

#[test]
fn a_ca_on_a_medium_that_nobody_writes_signs() {
    let place = machine();
    request(place.path(), "admin", P256, ADMIN, "");
    let sign = ["sign", "csr", "--kubernetes-dir", "."];
    with_read_only(place.path(), "pki", &sign).expect(0);
    verified(&place.join("csr/ca.crt"), &place.join("csr/admin.crt"));
}

#[test]
fn where_requests_lie_that_nothing_can_be_put_beside_another_directory_is_asked_for() {
    let place = machine();
    request(place.path(), "admin", P256, ADMIN, "");
    script(place.path(), "chmod 755 . csr; chown -R 65534:65534 pki");
    let sign = ["sign", "csr", "--kubernetes-dir", "."];
    let refused = as_nobody(place.path(), &sign).expect(1);
    let words =
        "no permission to write to csr: run as root, or choose another directory for the requests";
    assert!(refused.stderr.contains(words), "{refused}");
}

#[test]
fn a_request_for_the_key_of_a_ca_or_of_service_accounts_is_refused_by_that_key_s_file() {
    const SUBJECT: &str = "/O=kubeadm:cluster-admins/CN=kubernetes-admin";
    let place = machine();
    for (key, file) in [
        ("ca.key", "ca.crt"),
        ("etcd/ca.key", "etcd/ca.crt"),
        ("front-proxy-ca.key", "front-proxy-ca.crt"),
        ("sa.key", "sa.pub"),
    ] {
        let request = format!("openssl req -new -key pki/{key} -subj {SUBJECT} -out csr/admin.csr");
        script(place.path(), &request);
        let refused = sign(place.path(), "csr", &["-o", "json"]).expect(4);
        assert!(refused.stdout.contains("\"request-key\""), "{refused}");
        let refused = sign(place.path(), "csr", &[]).expect(4);
        let words = format!(
            "csr/admin.csr is for the key of {file}, which signs for the cluster: have it requested anew with a key of its own"
        );
        assert!(refused.stderr.contains(&words), "{words}: {refused}");
        assert!(!place.join("csr/admin.crt").exists());
    }
    // The half that is left tells.
    let etcds = format!("openssl req -new -key pki/etcd/ca.key -subj {SUBJECT} -out csr/admin.csr");
    script(place.path(), &etcds);
    script(place.path(), "cp -a pki whole; echo junk > pki/etcd/ca.crt");
    let refused = sign(place.path(), "csr", &[]).expect(4);
    let words = "csr/admin.csr is for the key of etcd/ca.crt, which signs for the cluster";
    assert!(refused.stderr.contains(words), "{refused}");
    // And of what signs and cannot be read at all nothing is known.
    request(place.path(), "admin", P256, ADMIN, "");
    script(place.path(), "rm pki/etcd/ca.key");
    let refused = sign(place.path(), "csr", &[]).expect(4);
    let words = "pki/etcd/ca.crt cannot be used: no certificate";
    assert!(refused.stderr.contains(words), "{refused}");
    script(place.path(), "rm pki/etcd/ca.crt");
    sign(place.path(), "csr", &[]).expect(0);
}

#[test]
fn that_a_secret_s_file_belongs_to_somebody_else_is_told_by_every_verb_that_reads_one() {
    let (place, out) = (machine(), TempDir::new());
    request(place.path(), "admin", P256, ADMIN, "");
    let token = "printf abcdef.0123456789abcdef > secret; chmod 600 secret";
    script(place.path(), token);
    let file = out.join("u.p12");
    let bootstrap = ["kubeconfig", "bootstrap-kubelet", "--token-file", "secret"];
    let endpoint = ["--control-plane-endpoint", "api.example.com:6443"];
    let verbs = [
        vec![
            "export",
            "pkcs12",
            "admin",
            "--output-file",
            text(&file),
            "--password-file",
            "secret",
        ],
        [&bootstrap[..], &endpoint].concat(),
        [&bootstrap[..], &["--token-secret"]].concat(),
        vec![
            "client",
            "alice",
            "--common-name",
            "alice",
            "--ca-passphrase-file",
            "secret",
        ],
        vec!["sign", "csr", "--ca-passphrase-file", "secret"],
        vec![
            "renew",
            "scheduler",
            "--kubelet-dir",
            "kubelet",
            "--ca-passphrase-file",
            "secret",
        ],
    ];
    for (owner, told) in [(0, false), (65534, true)] {
        script(place.path(), &format!("chown {owner} secret"));
        // None replaces it.
        let _ = std::fs::remove_file(&file);
        for verb in &verbs {
            let flag = verb
                .iter()
                .find(|word| word.ends_with("-file") && **word != "--output-file");
            let words = format!(
                "note: {}: secret belongs to user 65534, who can put another secret in its place",
                flag.expect("a flag")
            );
            let tree: &[&str] = match verb.last() {
                Some(&"--token-secret") => &[],
                _ => &["--kubernetes-dir", "."],
            };
            let done = on(place.path(), &[&verb[..], tree].concat()).expect(0);
            assert_eq!(format!("{done}").contains(&words), told, "{words}: {done}");
        }
    }
}
