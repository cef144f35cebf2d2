//! RSA keys of more than 8192 bits: they are read and handed out as any other, nothing is signed or verified with them, and
//! that is what is told.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::path::Path;

mod common;
use common::node::{on, script};
use common::{Finished, TempDir, fixture, read, text, tree_of_all};

/// `large.key` of 16384 bits, and what a leaf of that is signed with.
const LARGE: &str = r"
printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature extendedKeyUsage=clientAuth \
    subjectKeyIdentifier=hash authorityKeyIdentifier=keyid > leaf.ext
openssl req -new -key large.key -subj /CN=front-proxy-client -out large.csr
";

/// The client of the front proxy has that key.
const CLIENT: &str = r"
openssl x509 -req -days 365 -in large.csr -extfile leaf.ext -CA pki/front-proxy-ca.crt -CAkey pki/front-proxy-ca.key \
    -set_serial 0x1234567890abcdef1234567890abcdef -out pki/front-proxy-client.crt 2> /dev/null
cat large.key > pki/front-proxy-client.key
";

/// The CA of the front proxy has it.
const CA: &str = r"
openssl req -x509 -key large.key -days 3650 -subj /CN=front-proxy-ca -addext keyUsage=critical,keyCertSign,cRLSign \
    -out pki/front-proxy-ca.crt
cat large.key > pki/front-proxy-ca.key
openssl req -new -key pki/front-proxy-client.key -subj /CN=front-proxy-client -out small.csr
openssl x509 -req -days 365 -in small.csr -extfile leaf.ext -CA pki/front-proxy-ca.crt -CAkey pki/front-proxy-ca.key \
    -set_serial 0x1234567890abcdef1234567890abcdef -out pki/front-proxy-client.crt 2> /dev/null
openssl verify -CAfile pki/front-proxy-ca.crt pki/front-proxy-client.crt > /dev/null
";

fn tree(lines: &str) -> TempDir {
    let place = tree_of_all();
    let large = fixture("rsa-16384.key");
    let copy = format!("umask 077; cat '{}' > large.key", text(&large));
    script(place.path(), &format!("{copy}{LARGE}{lines}"));
    place
}

fn over(place: &Path, verb: &[&str]) -> Finished {
    let kubelet = ["--kubelet-dir", "none"];
    let kubelet = match verb[0] {
        "check" | "csr" | "renew" => &kubelet[..],
        _ => &[],
    };
    on(place, &[verb, &["--kubernetes-dir", "."], kubelet].concat())
}

/// What is told beyond notes.
fn findings(finished: &Finished) -> Vec<String> {
    let lines = format!("{}{}", finished.stdout, finished.stderr);
    let told = |line: &&str| line.starts_with("error: ") || line.starts_with("warning: ");
    lines.lines().filter(told).map(str::to_owned).collect()
}

#[test]
fn a_leaf_of_a_large_key_is_read_warned_of_handed_out_and_renewed_with_one_that_components_take() {
    let place = tree(CLIENT);
    let checked = over(place.path(), &["check"]).expect(3);
    assert_eq!(
        findings(&checked),
        [
            "warning: ./pki/front-proxy-client.crt has an RSA key of 16384 bits, and no component takes one of over 8192 in a \
             handshake: 'certs client front-proxy-client --force', with the configuration of the cluster, reissues it"
        ]
    );
    let shown = on(place.path(), &["show", "pki/front-proxy-client.key"]).expect(0);
    assert!(shown.stdout.contains("key          RSA-16384"), "{shown}");
    script(place.path(), "umask 077; echo secret > password");
    let elsewhere = TempDir::new();
    let file = elsewhere.join("out.p12");
    let out = ["--password-file", "password", "--output-file", text(&file)];
    let export = ["export", "pkcs12", "front-proxy-client"];
    over(place.path(), &[&export[..], &out].concat()).expect(0);
    let opened = format!(
        "openssl pkcs12 -in '{}' -passin file:password -nodes -nocerts",
        text(&file)
    );
    let rsa = "openssl rsa 2> /dev/null";
    script(
        place.path(),
        &format!("cmp <({opened} | {rsa}) <({rsa} -in large.key)"),
    );
    // Its key signs no request here.
    let asked = over(
        place.path(),
        &["csr", "front-proxy-client", "--csr-dir", "req"],
    )
    .expect(4);
    let words = "front-proxy-client.key is a key of RSA-16384, with which no request can be signed here: move it away";
    assert!(asked.stderr.contains(words), "{asked}");
    assert!(!place.join("req").exists());
    // The same key is renewed by its CA's, and a new one is of the largest size that is made.
    let renew = ["renew", "front-proxy-client", "--dry-run"];
    over(place.path(), &[&renew[..], &["--reuse-key"]].concat()).expect(0);
    let renewed = over(place.path(), &renew).expect(3);
    let words = "a key of RSA-16384, which is not made: its new key is one of RSA-8192";
    assert!(renewed.stderr.contains(words), "{renewed}");
    let small = over(
        place.path(),
        &[
            "renew",
            "front-proxy-client",
            "--key-algorithm",
            "ECDSA-P256",
        ],
    );
    assert!(small.status.success(), "{small}");
    assert_eq!(findings(&over(place.path(), &["check"]).expect(0)), [""; 0]);
}

#[test]
fn of_a_ca_of_a_large_key_it_is_told_that_nothing_is_verified_here_and_not_that_it_is_broken() {
    let place = tree(CA);
    let words = "has an RSA key of 16384 bits: nothing that it signed can be verified here, and nothing signed";
    for verb in [
        &["check"][..],
        &["renew", "front-proxy-ca", "--dry-run"],
        &["renew", "front-proxy-client", "--dry-run"],
        &["csr", "front-proxy-ca", "--csr-dir", "req"],
        &["client", "front-proxy-client", "--force"],
    ] {
        let before = read(&place.join("pki/front-proxy-client.crt"));
        let told = over(place.path(), verb).expect(4);
        let findings = findings(&told);
        let errors: Vec<_> = findings
            .iter()
            .filter(|one| one.starts_with("error"))
            .collect();
        assert!(
            matches!(errors[..], [one] if one.contains(words)),
            "{verb:?}: {told}"
        );
        assert_eq!(read(&place.join("pki/front-proxy-client.crt")), before);
    }
}

#[test]
fn a_request_of_a_large_key_is_refused_since_its_signature_cannot_be_verified() {
    let place = tree("");
    let signed = over(
        place.path(),
        &["sign", "large.csr", "--as", "front-proxy-client"],
    )
    .expect(4);
    let words = "large.csr is for a key of the kind RSA-16384, and RSA of 2048 to 8192 bits, P-256, P-384 and P-521 are supported";
    assert!(signed.stderr.contains(words), "{signed}");
    let shown = on(place.path(), &["show", "large.csr"]);
    let words = "its signature cannot be verified here: that takes an RSA key of 2048 to 8192 bits, and this one has 16384";
    assert!(shown.stdout.contains(words), "{shown}");
    // Tokens are signed elsewhere, with keys of any size.
    script(
        place.path(),
        "cat large.key > pki/sa.key; openssl rsa -in large.key -pubout -out pki/sa.pub 2> /dev/null",
    );
    assert_eq!(findings(&over(place.path(), &["check"]).expect(0)), [""; 0]);
}
