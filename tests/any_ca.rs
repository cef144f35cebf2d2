//! A CA of any name, made elsewhere, signs: what it signs carries the exact octets of its subject,
//! and OpenSSL and GnuTLS follow the chain.

use std::path::{Path, PathBuf};
use std::process::Command;

mod common;
use common::{TempDir, certs, run, text, tool, write};

/// A CA of OpenSSL's.
struct Foreign {
    what: &'static str,
    /// The command that makes `ca.key`.
    key: &'static str,
    string_mask: &'static str,
    subject: &'static str,
    extensions: &'static str,
    /// From 2025-01-01.
    days: &'static str,
}

const P256: &str = "openssl ecparam -name prime256v1 -genkey -noout -out ca.key";
const V3: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash";

const PLAIN: Foreign = Foreign {
    what: "plain",
    key: P256,
    string_mask: "utf8only",
    subject: "CN=corporate",
    extensions: V3,
    days: "7000",
};

const CAS: [Foreign; 12] = [
    Foreign {
        what: "two OUs",
        subject: "O=example\n0.OU=one\n1.OU=two\nCN=corporate",
        ..PLAIN
    },
    Foreign {
        what: "domain components",
        subject: "0.DC=com\n1.DC=example\nCN=corporate",
        ..PLAIN
    },
    Foreign {
        what: "a multi-valued RDN",
        subject: "C=CN\nO=example\n+OU=one\nCN=corporate",
        ..PLAIN
    },
    Foreign {
        what: "UTF8String",
        subject: "O=Beispiel \u{e4}\u{f6} \u{4f8b}\nCN=corporate",
        ..PLAIN
    },
    Foreign {
        what: "PrintableString",
        string_mask: "pkix",
        subject: "C=CN\nST=Guangdong\nCN=corporate",
        ..PLAIN
    },
    Foreign {
        what: "IA5String",
        subject: "CN=corporate\nemailAddress=ca@example.com",
        ..PLAIN
    },
    Foreign {
        what: "T61String",
        string_mask: "MASK:4",
        subject: "O=B\u{e4}r\nCN=corporate",
        ..PLAIN
    },
    Foreign {
        what: "no subject key identifier",
        extensions: "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none\nauthorityKeyIdentifier=none",
        ..PLAIN
    },
    Foreign {
        what: "P-384",
        key: "openssl ecparam -name secp384r1 -genkey -noout -out ca.key",
        ..PLAIN
    },
    Foreign {
        what: "P-521",
        key: "openssl ecparam -name secp521r1 -genkey -noout -out ca.key",
        ..PLAIN
    },
    Foreign {
        what: "RSA-4096",
        key: "openssl genrsa -traditional -out ca.key 4096",
        ..PLAIN
    },
    Foreign {
        what: "an end in 2056",
        days: "11500",
        ..PLAIN
    },
];

fn make(ca: &Foreign, pki: &Path) {
    let (mask, subject, extensions) = (ca.string_mask, ca.subject, ca.extensions);
    write(
        &pki.join("c.cnf"),
        format!(
            "[req]\nprompt=no\nutf8=yes\nstring_mask={mask}\ndistinguished_name=dn\nx509_extensions=v3\n\
             [v3]\n{extensions}\n[dn]\n{subject}\n"
        ),
    );
    let script = format!(
        "cd \"$0\"; umask 077; {}; \"$1\" -f '2025-01-01 00:00:00' \
         openssl req -x509 -utf8 -config c.cnf -key ca.key -days {} -out ca.crt; rm c.cnf",
        ca.key, ca.days
    );
    let mut bash = Command::new(tool("bash"));
    bash.args(["-euc", &script]).arg(pki).arg(tool("faketime"));
    run(&mut bash).expect(0);
}

/// The issuer and the subject of a certificate, as they stand in it (RFC 5280 section 4.1).
fn names(path: &Path) -> (Vec<u8>, Vec<u8>) {
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["x509", "-outform", "DER", "-in"]).arg(path);
    let der = openssl.output().expect("openssl").stdout;
    let fields = elements(content(content(&der)));
    (fields[3].to_vec(), fields[5].to_vec())
}

/// The octets behind tag and length of the first element.
fn content(der: &[u8]) -> &[u8] {
    let (header, length) = measure(der);
    &der[header..header + length]
}

fn measure(der: &[u8]) -> (usize, usize) {
    match der[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        long => {
            let octets = usize::from(long & 0x7f);
            let length = der[2..2 + octets]
                .iter()
                .fold(0, |sum, octet| sum << 8 | usize::from(*octet));
            (2 + octets, length)
        }
    }
}

fn elements(mut der: &[u8]) -> Vec<&[u8]> {
    let mut elements = Vec::new();
    while !der.is_empty() {
        let (header, length) = measure(der);
        elements.push(&der[..header + length]);
        der = &der[header + length..];
    }
    elements
}

/// The certificates that `pki/ca` signed, those in kubeconfigs written out.
fn leaves(place: &Path) -> Vec<PathBuf> {
    let pairs = ["apiserver", "apiserver-kubelet-client"];
    let mut leaves: Vec<PathBuf> = pairs
        .iter()
        .map(|name| place.join(format!("pki/{name}.crt")))
        .collect();
    for name in [
        "admin",
        "super-admin",
        "kubelet",
        "controller-manager",
        "scheduler",
    ] {
        let conf = place.join(format!("{name}.conf"));
        let path = place.join(format!("{name}.crt"));
        write(
            &path,
            common::kubeconfig_data(&conf, "client-certificate-data"),
        );
        leaves.push(path);
    }
    leaves
}

#[test]
fn what_a_ca_of_any_name_signs_names_it_exactly_and_others_follow_the_chain() {
    for ca in &CAS {
        let place = TempDir::new();
        let pki = place.join("pki");
        std::fs::create_dir(&pki).expect("make a folder");
        make(ca, &pki);
        let before = (
            common::read(&pki.join("ca.crt")),
            common::read(&pki.join("ca.key")),
        );
        run(&mut common::all(place.path(), &[])).expect(0);
        let after = (
            common::read(&pki.join("ca.crt")),
            common::read(&pki.join("ca.key")),
        );
        assert_eq!(before, after, "{}", ca.what);

        let ca_file = pki.join("ca.crt");
        let (_, subject) = names(&ca_file);
        for leaf in leaves(place.path()) {
            let what = format!("{}: {}", ca.what, leaf.display());
            assert_eq!(names(&leaf).0, subject, "{what}");
            let mut openssl = Command::new(tool("openssl"));
            openssl.args(["verify", "-CAfile"]).arg(&ca_file).arg(&leaf);
            let finished = run(&mut openssl).expect(0);
            assert!(finished.stdout.ends_with(": OK\n"), "{what}\n{finished}");
            let mut certtool = Command::new(tool("certtool"));
            certtool.args([
                "--verify",
                "--verify-profile=medium",
                "--load-ca-certificate",
            ]);
            certtool.arg(&ca_file).arg("--infile").arg(&leaf);
            run(&mut certtool).expect(0);
        }
        let kubeconfig =
            common::kubeconfig_data(&place.join("admin.conf"), "certificate-authority-data");
        assert_eq!(kubeconfig, before.0.as_bytes(), "{}", ca.what);
        let again = run(&mut common::all(place.path(), &[])).expect(0);
        assert!(
            again.stdout.contains("nothing was written"),
            "{}: {again}",
            ca.what
        );
    }
}

#[test]
fn of_a_bundle_the_ca_of_the_key_signs_and_the_whole_goes_into_kubeconfigs() {
    let place = TempDir::new();
    let (pki, other) = (place.join("pki"), place.join("other"));
    for folder in [&pki, &other] {
        std::fs::create_dir(folder).expect("make a folder");
        make(&PLAIN, folder);
    }
    let (own, stranger) = (
        common::read(&pki.join("ca.crt")),
        common::read(&other.join("ca.crt")),
    );
    let bundle = format!("{stranger}{own}");
    write(&pki.join("ca.crt"), &bundle);
    common::set_mode(&pki.join("ca.crt"), 0o644);
    let arguments = [
        "all",
        "--kubernetes-dir",
        text(place.path()),
        "--node-name",
        "cp1",
        "--apiserver-advertise-address",
        "10.0.0.10",
        "--key-algorithm",
        "ECDSA-P256",
    ];
    let warned = run(&mut certs(&arguments)).expect(3);
    assert!(
        warned.stderr.contains("put that certificate first"),
        "{warned}"
    );
    write(&place.join("own.crt"), own);
    let mut openssl = Command::new(tool("openssl"));
    openssl
        .args(["verify", "-CAfile"])
        .arg(place.join("own.crt"))
        .arg(pki.join("apiserver.crt"));
    run(&mut openssl).expect(0);
    let kubeconfig =
        common::kubeconfig_data(&place.join("kubelet.conf"), "certificate-authority-data");
    assert_eq!(String::from_utf8_lossy(&kubeconfig), bundle);
    run(&mut certs(&arguments)).expect(3);
}

#[test]
fn a_ca_that_must_not_sign_refuses_the_run_before_anything_is_made() {
    let restore = "certs never replaces a CA";
    let wrong = [
        (
            "is not a CA",
            "basicConstraints=critical,CA:FALSE",
            "7000",
            restore,
        ),
        (
            "lacks keyCertSign",
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign",
            "7000",
            restore,
        ),
        (
            "ended on 2025-01-11",
            V3,
            "10",
            "'certs renew ca' renews it for the same key",
        ),
    ];
    for (words, extensions, days, way_out) in wrong {
        let place = TempDir::new();
        let pki = place.join("pki");
        std::fs::create_dir(&pki).expect("make a folder");
        make(
            &Foreign {
                extensions,
                days,
                ..PLAIN
            },
            &pki,
        );
        let arguments = [
            "client",
            "admin",
            "--kubernetes-dir",
            text(place.path()),
            "--key-algorithm",
            "ECDSA-P256",
        ];
        let finished = run(&mut certs(&arguments)).expect(4);
        assert!(finished.stderr.contains(words), "{words}: {finished}");
        assert!(finished.stderr.contains(way_out), "{finished}");
        assert_eq!(common::listing(&pki).len(), 2);
    }
    // And a key that is another's.
    let place = TempDir::new();
    let pki = place.join("pki");
    std::fs::create_dir(&pki).expect("make a folder");
    make(&PLAIN, &pki);
    let mut bash = Command::new(tool("bash"));
    bash.args(["-euc", &format!("cd \"$0\"; {P256}")]).arg(&pki);
    run(&mut bash).expect(0);
    let arguments = ["client", "admin", "--kubernetes-dir", text(place.path())];
    let finished = run(&mut certs(&arguments)).expect(4);
    assert!(
        finished
            .stderr
            .contains("ca.key is not the key of the certificate beside it"),
        "{finished}"
    );
}
