//! `certs show`: what is in a file, in plain words and for programs, and never a secret.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

mod common;
use common::public::{Public, nobody};
use common::{Finished, TempDir, certs, read, run, set_mode, text, tool, tree_of_all, write};

fn show(place: &Path, file: &Path, more: &[&str]) -> Finished {
    let mut command = certs(&["show", "--kubernetes-dir", text(place), text(file)]);
    run(command.args(more))
}

fn json(place: &Path, file: &Path) -> Value {
    let shown = show(place, file, &["--output", "json"]).expect(0);
    let report: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    report["parts"].clone()
}

/// Runs lines of bash in a folder.
fn bash(folder: &Path, script: &str) {
    let mut bash = Command::new(tool("bash"));
    run(bash.args(["-ec", &format!("cd \"$0\"; {script}"), text(folder)])).expect(0);
}

#[test]
fn each_file_of_a_tree_is_told_as_the_row_that_it_is() {
    let place = tree_of_all();
    for (file, profile, user, groups) in [
        ("pki/ca.crt", "ca", None, &[][..]),
        ("pki/etcd/ca.crt", "etcd-ca", None, &[]),
        ("pki/front-proxy-ca.crt", "front-proxy-ca", None, &[]),
        ("pki/apiserver.crt", "apiserver", None, &[]),
        ("pki/etcd/server.crt", "etcd-server", Some("cp1"), &[]),
        (
            "pki/apiserver-kubelet-client.crt",
            "apiserver-kubelet-client",
            Some("kube-apiserver-kubelet-client"),
            &[],
        ),
        (
            "admin.conf",
            "admin",
            Some("kubernetes-admin"),
            &["kubeadm:cluster-admins"],
        ),
        (
            "kubelet.conf",
            "kubelet",
            Some("system:node:cp1"),
            &["system:nodes"],
        ),
        (
            "scheduler.conf",
            "scheduler",
            Some("system:kube-scheduler"),
            &[],
        ),
    ] {
        let parts = json(place.path(), &place.join(file));
        let leaf = parts
            .as_array()
            .expect("parts")
            .iter()
            .rfind(|part| part["type"] == "certificate")
            .expect("a certificate");
        let profiles = leaf["profiles"].as_array().expect("profiles");
        assert!(profiles.contains(&profile.into()), "{file}: {profiles:?}");
        assert_eq!(leaf["user"].as_str(), user, "{file}");
        if user.is_some() {
            assert_eq!(leaf["groups"], serde_json::json!(groups), "{file}");
        }
        assert_eq!(leaf["state"], "valid");
        assert!(!leaf["verifiedBy"].as_array().expect("a list").is_empty());
    }
}

#[test]
fn what_openssl_says_of_a_certificate_is_what_is_told() {
    let place = tree_of_all();
    let file = place.join("pki/apiserver.crt");
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["x509", "-noout", "-serial", "-fingerprint", "-sha256"]);
    let said = run(openssl.args(["-in", text(&file)])).expect(0).stdout;
    let said = said.replace(':', "").to_lowercase();
    let parts = json(place.path(), &file);
    for field in ["serialNumber", "fingerprint"] {
        let value = parts[0][field].as_str().expect("a text");
        assert!(said.contains(value), "{field} {value}: {said}");
    }
    assert_eq!(
        parts[0]["publicKeyFingerprint"].as_str().map(str::len),
        Some(64)
    );
    // A certificate and its key are told to belong together by one value.
    let key = json(place.path(), &place.join("pki/apiserver.key"));
    assert_eq!(
        key[0]["publicKeyFingerprint"],
        parts[0]["publicKeyFingerprint"]
    );
}

/// While the key is replaced: `check` tells in its text that there are several, and here each is told.
#[test]
fn each_key_of_service_accounts_is_told_with_the_kid_of_its_tokens() {
    let place = tree_of_all();
    let file = place.join("pki/sa.pub");
    let former = read(&file);
    let key = place.join("new.key");
    let mut openssl = Command::new(tool("openssl"));
    openssl.args([
        "ecparam",
        "-name",
        "prime256v1",
        "-genkey",
        "-noout",
        "-out",
    ]);
    run(openssl.arg(&key)).expect(0);
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["pkey", "-pubout", "-in", text(&key)]);
    let public = run(&mut openssl).expect(0).stdout;
    write(&file, format!("{former}{public}"));
    // As the API server makes it: base64url, without padding, of the digest of what openssl writes.
    let kid = |pem: &str| {
        let lone = place.join("lone.pem");
        write(&lone, pem);
        let digest = format!(
            "set -o pipefail; openssl pkey -pubin -in '{}' -outform DER | openssl dgst -sha256 -binary | \
             openssl base64 | tr +/ -_ | tr -d =",
            text(&lone)
        );
        let said = run(Command::new("bash").args(["-c", &digest]))
            .expect(0)
            .stdout;
        said.trim().to_owned()
    };
    let kids = [kid(&former), kid(&public)];
    assert_ne!(kids[0], kids[1]);
    let parts = json(place.path(), &file);
    let told = parts.as_array().expect("parts").iter();
    let told: Vec<_> = told.map(|part| part["tokenKeyId"].clone()).collect();
    assert_eq!(told, kids);
    let mut show = certs(&["show", "--kubernetes-dir", text(place.path())]);
    let shown = run(show.arg(&file)).expect(0).stdout;
    for kid in &kids {
        assert!(
            shown.contains(&format!("  kid          {kid}\n")),
            "{shown}"
        );
    }
    // The private half has the same, and `check` tells it so.
    assert_eq!(json(place.path(), &key)[0]["tokenKeyId"], kids[1].as_str());
    let mut check = certs(&["check", "--output", "json"]);
    check.args(["--kubernetes-dir", text(place.path())]);
    check.args(["--kubelet-dir", text(&place.join("kubelet"))]);
    let checked = run(&mut check).stdout;
    for kid in &kids {
        assert!(checked.contains(kid), "{checked}");
    }
    // A kubeconfig holds none that signs tokens, nor does a certificate.
    let parts = json(place.path(), &place.join("admin.conf"));
    for part in parts.as_array().expect("parts") {
        assert!(part["tokenKeyId"].is_null(), "{part}");
    }
}

#[test]
fn what_has_ended_or_not_begun_is_told_so() {
    let place = tree_of_all();
    let file = place.join("pki/ca.crt");
    for (time, words) in [
        (1_700_000_000, "it has not begun"),
        (2_300_000_000, "it has ended"),
    ] {
        let mut command = certs(&["show", "--kubernetes-dir", text(place.path())]);
        command.arg(&file);
        let shown = run(&mut common::at(time, "022", &command)).expect(0);
        assert!(shown.stdout.contains(words), "{shown}");
    }
}

#[test]
fn whatever_its_file_is_called_a_ca_of_the_tree_is_told_to_have_signed() {
    let place = tree_of_all();
    let folder = TempDir::new();
    bash(
        folder.path(),
        &format!(
            "cd {}; mkdir -p pki/own pki/old
             mv pki/front-proxy-ca.crt pki/own/corporate.pem
             cp pki/ca.crt pki/ca-signing.crt
             cp pki/ca.crt pki/old/ca.crt",
            text(place.path())
        ),
    );
    let renew = ["renew", "ca", "--kubernetes-dir", text(place.path())];
    common::run(&mut certs(&renew)).expect(0);
    let signers = |file: &str| -> Vec<String> {
        let shown = json(place.path(), &place.join(file));
        let told = shown[0]["verifiedBy"].as_array().expect("signers");
        let told = told.iter().map(|path| path.as_str().expect("text"));
        told.map(|path| path.replace(text(place.path()), ""))
            .collect()
    };
    assert_eq!(
        signers("pki/front-proxy-client.crt"),
        ["/pki/own/corporate.pem"]
    );
    // What lies in several files is told by the first, a former certificate of the same key by its own.
    assert_eq!(
        signers("pki/apiserver.crt"),
        ["/pki/ca.crt", "/pki/old/ca.crt"]
    );
    bash(
        folder.path(),
        &format!("rm {}/pki/ca.crt", text(place.path())),
    );
    assert_eq!(
        signers("pki/apiserver.crt"),
        ["/pki/ca-signing.crt", "/pki/old/ca.crt"]
    );
}

#[test]
fn every_kind_of_file_is_told_in_words() {
    let place = tree_of_all();
    let folder = TempDir::new();
    write(&folder.join("ca.key"), read(&place.join("pki/ca.key")));
    write(&folder.join("ca.crt"), read(&place.join("pki/ca.crt")));
    bash(
        folder.path(),
        "openssl x509 -in ca.crt -outform der -out ca.der; \
         openssl pkey -in ca.key -outform der -out key.der; \
         openssl ec -in ca.key -outform der -out sec1.der; \
         openssl pkey -in ca.key -pubout -outform der -out public.der; \
         openssl pkcs8 -topk8 -in ca.key -out locked.key -passout pass:x; \
         openssl genrsa -aes128 -traditional -passout pass:xxxx -out old.key 2048; \
         openssl req -new -key ca.key -subj /O=dev/CN=alice -out alice.csr; \
         openssl req -in alice.csr -outform der -out csr.der; \
         cat ca.crt ca.crt > two.crt; \
         printf 'apiVersion: v1\\nkind: Config\\nusers:\\n- name: t\\n  user:\\n    token: top-secret\\n' > token.conf; \
         openssl ecparam -name prime256v1 -genkey -out with-parameters.key",
    );
    for (file, words) in [
        (
            "ca.crt",
            &[
                "CA certificate of CN=kubernetes",
                "itself",
                "could be     ca:",
            ][..],
        ),
        ("ca.der", &["CA certificate of CN=kubernetes"]),
        ("ca.key", &["Private key", "ECDSA-P256"]),
        ("key.der", &["Private key", "ECDSA-P256"]),
        ("sec1.der", &["Private key", "ECDSA-P256"]),
        ("with-parameters.key", &["Private key", "ECDSA-P256"]),
        ("public.der", &["Public key", "ECDSA-P256"]),
        ("locked.key", &["Private key, encrypted"]),
        ("old.key", &["Private key, encrypted"]),
        (
            "alice.csr",
            &[
                "Request",
                "CN=alice,O=dev",
                "user alice, in dev",
                "with its own key",
            ],
        ),
        ("csr.der", &["Request", "CN=alice,O=dev"]),
        (
            "two.crt",
            &["CA certificate of CN=kubernetes", "\n\nCA certificate"],
        ),
        ("token.conf", &["Kubeconfig", "has token (not shown)"]),
    ] {
        let shown = show(place.path(), &folder.join(file), &[]).expect(0);
        for word in words {
            assert!(shown.stdout.contains(word), "{file}: {word}\n{shown}");
        }
        assert!(!shown.stdout.contains("top-secret"), "{shown}");
    }
    let public = show(place.path(), &place.join("pki/sa.pub"), &[]).expect(0);
    assert!(public.stdout.starts_with("Public key\n"), "{public}");
    let named = place.join("super-admin.conf");
    let shown = show(place.path(), &named, &[]).expect(0).stdout;
    assert!(shown.contains("no authorization stops it"), "{shown}");
}

#[test]
fn nothing_of_a_private_key_is_ever_printed() {
    let place = tree_of_all();
    for file in ["pki/ca.key", "pki/sa.key", "admin.conf"] {
        let content = read(&place.join(file));
        let secrets: Vec<&str> = if file == "admin.conf" {
            let line = content
                .lines()
                .find(|line| line.contains("client-key-data"));
            let data = line.expect("a line").split(": ").nth(1).expect("data");
            vec![&data[40..80], &data[100..140]]
        } else {
            content
                .lines()
                .filter(|line| !line.starts_with('-'))
                .collect()
        };
        for output in ["text", "json", "yaml"] {
            let shown = show(place.path(), &place.join(file), &["--output", output]).expect(0);
            for secret in &secrets {
                assert!(!shown.stdout.contains(secret), "{file}: {shown}");
            }
        }
    }
}

#[test]
fn a_password_in_a_server_s_url_is_not_printed() {
    let place = tree_of_all();
    let file = place.join("admin.conf");
    let text = read(&file).replace("https://", "https://user:hunter2@");
    write(&file, &text);
    for more in [&[][..], &["-o", "json"]] {
        let said = show(place.path(), &file, more).expect(0);
        assert!(said.stdout.contains("https://[elided]@"), "{said}");
        assert!(!format!("{said}").contains("hunter2"), "{said}");
    }
}

#[test]
fn what_a_name_would_do_to_a_terminal_is_made_harmless() {
    let folder = TempDir::new();
    bash(
        folder.path(),
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c \
         -utf8 -subj $'/CN=evil\\e[31m\\u202ered' -addext $'subjectAltName=DNS:a\\eb'",
    );
    let shown = show(folder.path(), &folder.join("c"), &[]).expect(0).stdout;
    let hidden = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!shown.contains(hidden) && shown.contains("evil"), "{shown}");
}

#[test]
fn what_is_pasted_into_a_kubeconfig_and_is_broken_is_told_as_such() {
    let place = tree_of_all();
    let whole = read(&place.join("admin.conf"));
    for field in [
        "certificate-authority-data",
        "client-certificate-data",
        "client-key-data",
    ] {
        for (value, words) in [
            ("'!!!!'", "is not base64"),
            ("[a]", "is not base64"),
            ("cnViYmlzaA==", "holds no certificate, and no key"),
        ] {
            let start = whole.find(&format!("{field}: ")).expect("the field") + field.len() + 2;
            let end = start + whole[start..].find('\n').expect("a line");
            let file = place.join("pasted.conf");
            write(&file, [&whole[..start], value, &whole[end..]].concat());
            let shown = show(place.path(), &file, &[]).expect(1);
            assert!(
                shown.stdout.contains(words) && shown.stdout.contains(&format!(": {field}")),
                "{shown}"
            );
            let none = [": none", "none;"]
                .iter()
                .any(|none| shown.stdout.contains(none));
            assert!(!none, "{shown}");
            // What else there is, is told too.
            assert!(shown.stdout.contains("valid"), "{shown}");
        }
    }
}

#[test]
fn why_a_file_is_no_kubeconfig_is_told() {
    let place = TempDir::new();
    let file = place.join("deep.conf");
    write(
        &file,
        format!("kind: Config\na: {}{}\n", "[".repeat(500), "]".repeat(500)),
    );
    let shown = show(place.path(), &file, &[]).expect(2);
    assert!(
        shown.stderr.contains("is no kubeconfig: ") && shown.stderr.contains("brackets are open"),
        "{shown}"
    );
}

#[test]
fn one_part_that_cannot_be_read_hides_no_other() {
    let place = tree_of_all();
    let folder = TempDir::new();
    let damaged = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let file = folder.join("both.crt");
    write(
        &file,
        format!("{damaged}{}", read(&place.join("pki/ca.crt"))),
    );
    let shown = show(place.path(), &file, &[]).expect(1).stdout;
    for words in [
        "cannot be read",
        "wrong: read certificate",
        "CA certificate of",
    ] {
        assert!(shown.contains(words), "{shown}");
    }
    // A request whose signature is another's.
    bash(
        folder.path(),
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k \
         -subj /CN=a -outform der -out r; head -c -3 r > s; printf abc >> s",
    );
    let forged = show(place.path(), &folder.join("s"), &[]).expect(0).stdout;
    assert!(forged.contains("wrong: verify the request"), "{forged}");
    let old = show(place.path(), &place.join("pki/ca.crt"), &[]);
    assert!(old.expect(0).stdout.contains("days left"));
}

/// A file that cannot be opened is a wrong argument, as for every verb that is given one.
#[test]
fn a_file_that_may_not_be_read_is_a_wrong_argument() {
    let place = Public::new();
    let secret = place.0.join("secret");
    fs::write(&secret, "a secret").expect("write");
    set_mode(&secret, 0o600);
    let mut show = Command::new(place.0.join("certs"));
    let told = run(&mut nobody(show.arg("show").arg(&secret))).expect(2);
    assert!(told.stderr.contains("no permission to read"), "{told}");
    assert_eq!(told.stdout, "");
}

#[test]
fn standard_input_is_read_and_what_is_nothing_is_told() {
    let place = tree_of_all();
    let ca = text(&place.join("pki/ca.crt")).to_owned();
    let pipe = |script: &str| {
        let mut bash = Command::new(tool("bash"));
        bash.args(["-c", script, text(&common::binary()), &ca]);
        run(&mut bash)
    };
    let shown = pipe("\"$0\" show - < \"$1\"").expect(0).stdout;
    assert!(shown.starts_with("CA certificate"), "{shown}");
    // As OpenSSL tells a chain; and DER starts with the same octet.
    let after_text = pipe("(echo '0 s:CN=kubernetes'; cat \"$1\") | \"$0\" show -").expect(0);
    assert_eq!(after_text.stdout, shown);
    for (script, code, words) in [
        ("echo x | \"$0\" show -", 2, "- holds no certificate"),
        ("\"$0\" show - --config - < \"$1\"", 2, "are both -"),
        ("\"$0\" show /none", 2, "there is no file /none"),
        ("\"$0\" show /", 2, "is a directory"),
        ("\"$0\" show", 2, "<FILE>"),
    ] {
        let told = pipe(script).expect(code);
        assert!(told.stderr.contains(words), "{told}");
        assert_eq!(told.stdout, "");
    }
    fs::write(place.join("empty"), "").expect("write a file");
    show(place.path(), &place.join("empty"), &[]).expect(2);
}
