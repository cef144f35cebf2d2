//! `certs export`: what is handed out is opened by programs that others wrote.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use serde_json::Value;

mod common;
use common::{
    Finished, TempDir, at, certs, kubeconfig_data, mode, read, run, set_mode, text, tool,
    tree_of_all, venv, write, write_secret,
};

const PASSWORD: &str = "correct horse";

fn command(place: &Path, what: &str, arguments: &[&str]) -> Command {
    let mut command = certs(&["export", what, "--kubernetes-dir", text(place)]);
    command.args(arguments);
    command
}

fn export(place: &Path, what: &str, arguments: &[&str]) -> Finished {
    run(&mut command(place, what, arguments))
}

/// Exports as PKCS#12 under [`PASSWORD`], to a file in `out`.
fn pkcs12(out: &TempDir, place: &Path, arguments: &[&str]) -> PathBuf {
    let (out, password) = (out.join("out.p12"), place.join("password"));
    write_secret(&password, format!("{PASSWORD}\r\n"));
    // One with content would stay.
    write(&out, "");
    let files = [
        "--password-file",
        text(&password),
        "--output-file",
        text(&out),
    ];
    let done = export(place, "pkcs12", &[arguments, &files].concat()).expect(0);
    assert_eq!(done.stdout, "");
    assert!(!done.stderr.contains(PASSWORD), "{done}");
    assert_eq!(mode(&out), 0o600);
    out
}

/// What OpenSSL finds in it.
fn opened(file: &Path, more: &[&str]) -> String {
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["pkcs12", "-in", text(file), "-nodes"]);
    openssl.args(["-passin", &format!("pass:{PASSWORD}")]);
    run(openssl.args(more)).expect(0).stdout
}

fn blocks(text: &str, label: &str) -> Vec<String> {
    let end = format!("-----END {label}-----\n");
    text.split_inclusive(&end)
        .filter_map(|part| Some(part[part.find(&format!("-----BEGIN {label}"))?..].to_owned()))
        .collect()
}

/// The public half of a key, by OpenSSL.
fn public_half(key: &str) -> String {
    let folder = TempDir::new();
    write(&folder.join("k"), key);
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["pkey", "-pubout", "-in", text(&folder.join("k"))]);
    run(&mut openssl).expect(0).stdout
}

fn pem(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("PEM")
}

#[test]
fn openssl_nss_and_java_open_both_forms_of_pkcs12() {
    for algorithm in ["ECDSA-P256", "RSA-2048"] {
        let (place, out) = (tree_of_all(), TempDir::new());
        let mut client = certs(&["client", "alice", "--common-name", "alice"]);
        client.args(["--kubernetes-dir", text(place.path())]);
        run(client.args(["--key-algorithm", algorithm])).expect(0);
        let pki = |name: &str| read(&place.join("pki").join(name));
        for (form, more) in [(&[][..], &[][..]), (&["--legacy"], &["-legacy"])] {
            let file = pkcs12(&out, place.path(), &[&["alice"], form].concat());
            let found = opened(&file, more);
            let certificates = blocks(&found, "CERTIFICATE");
            assert_eq!(certificates, [pki("alice.crt"), pki("ca.crt")]);
            let keys = blocks(&found, "PRIVATE KEY");
            assert_eq!(keys.len(), 1, "{found}");
            assert_eq!(public_half(&keys[0]), public_half(&pki("alice.key")));
            assert!(found.contains("friendlyName: alice"), "{found}");

            let mut nss = Command::new(tool("pk12util"));
            let listed = run(nss.args(["-l", text(&file), "-W", PASSWORD]))
                .expect(0)
                .stdout;
            for words in ["(has private key)", "\"CN=alice\"", "\"CN=kubernetes\""] {
                assert!(listed.contains(words), "{listed}");
            }
            let mut java = Command::new(tool("keytool"));
            java.args([
                "-list",
                "-v",
                "-storetype",
                "PKCS12",
                "-keystore",
                text(&file),
            ]);
            let listed = run(java.args(["-storepass", PASSWORD])).expect(0).stdout;
            for words in ["PrivateKeyEntry", "Alias name: alice", "chain length: 2"] {
                assert!(listed.contains(words), "{listed}");
            }
            for program in ["openssl", "pk12util", "keytool"] {
                let mut other = Command::new(tool(program));
                match program {
                    "openssl" => {
                        other.args(["pkcs12", "-noout", "-in", text(&file), "-passin", "pass:x"])
                    }
                    "pk12util" => other.args(["-l", text(&file), "-W", "x"]),
                    _ => other.args(["-list", "-keystore", text(&file), "-storepass", "x"]),
                };
                assert!(
                    !run(other.args(more.iter().filter(|_| program == "openssl")))
                        .status
                        .success()
                );
            }
        }
    }
}

#[test]
fn the_identity_of_a_kubeconfig_and_what_is_named_as_a_file_are_exported_too() {
    let place = tree_of_all();
    let admin = place.join("admin.conf");
    let leaf = pem(kubeconfig_data(&admin, "client-certificate-data"));
    let key = pem(kubeconfig_data(&admin, "client-key-data"));
    let ca = read(&place.join("pki/ca.crt"));
    let elsewhere = TempDir::new();
    let copy = elsewhere.join("handed.conf");
    fs::copy(&admin, &copy).expect("copy a file");
    let (certificate, both) = (elsewhere.join("a.crt"), elsewhere.join("both.pem"));
    write(&certificate, &leaf);
    write_secret(&elsewhere.join("a.key"), &key);
    write_secret(&both, format!("{leaf}{ca}{key}"));
    for (named, wanted) in [
        ("admin", vec![&leaf, &ca]),
        (text(&copy), vec![&leaf, &ca]),
        (text(&certificate), vec![&leaf, &ca]),
        (text(&both), vec![&leaf, &ca]),
    ] {
        let found = opened(&pkcs12(&elsewhere, place.path(), &[named]), &[]);
        assert_eq!(
            blocks(&found, "CERTIFICATE").iter().collect::<Vec<_>>(),
            wanted
        );
        let found = blocks(&found, "PRIVATE KEY");
        assert_eq!(public_half(&found[0]), public_half(&key), "{named}");
    }
    // One that names its files.
    let mut named = certs(&[
        "kubeconfig",
        "bob",
        "--common-name",
        "bob",
        "--embed-certs=false",
    ]);
    named.args(["--kubernetes-dir", text(place.path())]);
    run(named.args(common::CLUSTER)).expect(0);
    let conf = place.join("bob.conf");
    let found = opened(&pkcs12(&elsewhere, place.path(), &[text(&conf)]), &[]);
    assert_eq!(
        blocks(&found, "CERTIFICATE"),
        [read(&place.join("pki/bob.crt")), ca]
    );
}

#[test]
fn there_is_no_export_without_a_password_that_every_reader_takes() {
    let (place, elsewhere) = (tree_of_all(), TempDir::new());
    let out = elsewhere.join("out.p12");
    let password = place.join("password");
    let all = |more: &[&str]| -> Vec<String> {
        let base = ["admin", "--output-file", text(&out)];
        base.iter()
            .chain(more)
            .map(|word| (*word).to_owned())
            .collect()
    };
    let export = |place: &Path, what: &str, arguments: &[String]| {
        let mut exported = command(place, what, &[]);
        run(exported.args(arguments))
    };
    let with = |arguments: Vec<String>| {
        let mut exported = command(place.path(), "pkcs12", &[]);
        exported.args(arguments);
        exported
    };
    let refused = export(place.path(), "pkcs12", &all(&[])).expect(2);
    assert!(refused.stderr.contains("a password is needed"), "{refused}");
    for (content, words) in [
        ("", "is empty"),
        ("\n", "is empty"),
        ("pässword", "beyond printable ASCII"),
        ("a\tb", "beyond printable ASCII"),
    ] {
        write_secret(&password, content);
        let arguments = all(&["--password-file", text(&password)]);
        let refused = export(place.path(), "pkcs12", &arguments).expect(2);
        assert!(refused.stderr.contains(words), "{refused}");
        let mut inherited = with(all(&[]));
        let refused = run(inherited.env("CERTS_EXPORT_PASSWORD", content.trim_end())).expect(2);
        assert!(refused.stderr.contains(words), "{refused}");
    }
    write(&password, PASSWORD);
    set_mode(&password, 0o644);
    let open = export(
        place.path(),
        "pkcs12",
        &all(&["--password-file", text(&password)]),
    )
    .expect(2);
    assert!(open.stderr.contains("is open to others"), "{open}");
    let itself = export(place.path(), "pkcs12", &all(&["--password-file", PASSWORD])).expect(2);
    assert!(!itself.stderr.contains(PASSWORD), "{itself}");
    assert!(!out.exists());
    let mut inherited = with(all(&[]));
    run(inherited.env("CERTS_EXPORT_PASSWORD", PASSWORD)).expect(0);
    assert!(opened(&out, &[]).contains("friendlyName: kubernetes-admin"));
    export(place.path(), "pkcs12", &all(&["--password", "x"])).expect(2);
}

/// What a terminal shows where `line` is run and `typed` is typed.
fn on_a_terminal(line: &str, typed: &str) -> (Option<i32>, String) {
    let mut bash = Command::new(tool("bash"));
    let script =
        "(for word in $1; do sleep 1; echo $word; done; sleep 1) | script -qec \"$0\" /dev/null";
    let done = run(bash.args(["-c", script, line, typed]));
    (done.status.code(), done.stdout)
}

#[test]
fn a_terminal_is_asked_twice_and_shows_neither_password_nor_secret() {
    tool("script");
    let (place, elsewhere) = (tree_of_all(), TempDir::new());
    let out = elsewhere.join("out.p12");
    let base = format!(
        "{} export pkcs12 admin --kubernetes-dir {}",
        text(&common::binary()),
        text(place.path())
    );
    let to_file = format!("{base} --output-file {}", text(&out));
    let (code, shown) = on_a_terminal(&to_file, "swordfish swordfish");
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("Once more:") && !shown.contains("swordfish"),
        "{shown}"
    );
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["pkcs12", "-noout", "-passin", "pass:swordfish"]);
    run(openssl.args(["-in", text(&out)])).expect(0);
    fs::remove_file(&out).expect("remove a file");
    let (code, shown) = on_a_terminal(&to_file, "swordfish sawfish");
    assert_eq!(code, Some(2), "{shown}");
    assert!(
        shown.contains("are not the same") && !out.exists(),
        "{shown}"
    );
    for what in ["pkcs12 admin", "secret admin", "bundle"] {
        let line = base.replace("pkcs12 admin", what);
        let (code, shown) = on_a_terminal(&line, "");
        assert_eq!(code, Some(2), "{shown}");
        assert!(shown.contains("is a terminal"), "{shown}");
    }
    let line = base.replace("pkcs12 admin", "secret admin --to-terminal");
    let (code, shown) = on_a_terminal(&line, "");
    assert!(code == Some(0) && shown.contains("kind: Secret"), "{shown}");
}

#[test]
fn a_signal_at_the_password_ends_the_program_and_the_terminal_shows_again() {
    let (place, elsewhere) = (tree_of_all(), TempDir::new());
    let out = elsewhere.join("out.p12");
    // What is typed at each prompt, and sent to the process. Nothing here waits for one that stops: the
    // kernel lets it go on, and it asks anew.
    for (typed, signal, code) in [
        (&["\x03"][..], "", 130),
        (&["secret\x03"], "", 130),
        (&["secret\x1a", "\x1c"], "", 131),
        (&[""], "TERM", 143),
        (&[""], "HUP", 129),
    ] {
        let folder = TempDir::new();
        let [inner, pid, shown] = ["inner", "pid", "shown"].map(|name| folder.join(name));
        // Whoever runs this may ignore signals, as nohup does: that is inherited.
        let line = format!(
            "trap : INT QUIT\nstty sane\nbash -c 'echo $$ > {}; exec env --default-signal {} export pkcs12 admin \
             --kubernetes-dir {} --output-file {}'\necho ended $?\nstty -a\necho over\n",
            text(&pid),
            text(&common::binary()),
            text(place.path()),
            text(&out)
        );
        write(&inner, line);
        let mut script = Command::new(tool("script"));
        // `script` puts a shell of its own before it, which would end by the signal and take the rest along.
        script.args(["-qfc", &format!("exec bash {}", text(&inner)), text(&shown)]);
        script.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut script = script.spawn().expect("it starts");
        let mut stdin = script.stdin.take().expect("a pipe");
        let told = |words: &str, times: usize| {
            common::eventually(Duration::from_mins(1), || {
                let said = fs::read_to_string(&shown).unwrap_or_default();
                let there = said.matches(words).count() == times;
                there.then(|| said.clone()).ok_or(said)
            })
        };
        for (before, typed) in typed.iter().enumerate() {
            told("Password", before + 1);
            stdin.write_all(typed.as_bytes()).expect("it reads");
        }
        if !signal.is_empty() {
            let kill = format!("kill -s {signal} {}", read(&pid));
            run(Command::new(tool("bash")).args(["-c", &kill])).expect(0);
        }
        let said = told("\nover", 1);
        drop(stdin);
        script.wait().expect("it ends");
        assert!(said.contains(&format!("ended {code}")), "{said}");
        let words: Vec<&str> = said.split_whitespace().collect();
        assert!(words.contains(&"echo") && words.contains(&"isig"), "{said}");
        assert!(!said.contains("secret") && !out.exists(), "{said}");
    }
}

#[test]
fn what_is_wrong_or_nobody_s_identity_is_not_handed_out() {
    let (place, elsewhere) = (tree_of_all(), TempDir::new());
    let (out, password) = (elsewhere.join("out"), place.join("password"));
    write_secret(&password, PASSWORD);
    let files = [
        "--password-file",
        text(&password),
        "--output-file",
        text(&out),
    ];
    // The CA's pair as somebody's credentials.
    let named = ["client-certificate-data", "client-key-data"]
        .map(|of| kubeconfig_data(&place.join("admin.conf"), of));
    let pair = ["pki/ca.crt", "pki/ca.key"].map(|name| fs::read(place.join(name)).expect("a file"));
    let mut conf = read(&place.join("admin.conf"));
    for (from, to) in named.iter().zip(&pair) {
        conf = conf.replace(&Base64::encode_string(from), &Base64::encode_string(to));
    }
    write(&place.join("ca.conf"), conf);
    let pkcs12 = |name: &str| export(place.path(), "pkcs12", &[&[name], &files[..]].concat());
    for (name, words) in [
        ("ca", "signs for the cluster"),
        ("sa", "signs for the cluster"),
        ("nobody", "is no profile"),
        ("kube-proxy", "is not there"),
        ("./none", "there is no file"),
        (text(&place.join("pki/ca.key")), "no certificate"),
        (text(&place.join("pki/ca.crt")), "signs for the cluster"),
        (
            text(&place.join("pki/etcd/ca.crt")),
            "signs for the cluster",
        ),
    ] {
        let refused = pkcs12(name).expect(2);
        assert!(refused.stderr.contains(words), "{refused}");
    }
    // What a user shows is to be a client's.
    let refused = pkcs12(text(&place.join("ca.conf"))).expect(4);
    let told = "ca.conf is a CA, which it must not be";
    assert!(refused.stderr.contains(told), "{refused}");
    fs::copy(place.join("pki/ca.key"), place.join("pki/apiserver.key")).expect("copy a file");
    for what in ["pkcs12", "secret"] {
        let all = [
            &["apiserver"][..],
            if what == "pkcs12" {
                &files[..]
            } else {
                &files[2..]
            },
        ]
        .concat();
        let refused = export(place.path(), what, &all).expect(4);
        assert!(
            refused.stderr.contains("apiserver.key is not the key")
                && refused.stderr.contains("refused with 1 error"),
            "{refused}"
        );
    }
    let crt = place.join("pki/apiserver.crt");
    let refused = pkcs12(text(&crt)).expect(4);
    assert!(
        refused.stderr.contains("apiserver.key is not the key"),
        "{refused}"
    );
    assert!(!out.exists());
}

/// What is done to a certificate, and how it is told.
type Fault<'a> = (&'a dyn Fn(&Path), &'a str);

/// A copy of the pair in a folder of its own.
fn copied(crt: &Path) -> TempDir {
    let folder = TempDir::new();
    for ending in ["crt", "key"] {
        fs::copy(
            crt.with_extension(ending),
            folder.join(&format!("copy.{ending}")),
        )
        .expect("copy a file");
    }
    folder
}

#[test]
fn what_has_ended_of_one_s_own_is_renewed_by_the_command_that_is_told() {
    let place = tree_of_all();
    let own = ["client", "bob", "--common-name", "bob", "--kubernetes-dir"];
    let keys = ["--key-algorithm", "ECDSA-P256"];
    run(certs(&own).arg(place.path()).args(keys)).expect(0);
    let (elsewhere, password) = (TempDir::new(), place.join("password"));
    write_secret(&password, PASSWORD);
    let late = |way_out: &str| {
        let mut bob = command(place.path(), "pkcs12", &["bob"]);
        bob.args(["--password-file", text(&password)]);
        bob.args(["--output-file", text(&elsewhere.join("out"))]);
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let refused = run(&mut at(now + 800 * 86400, "022", &bob)).expect(4);
        assert!(refused.stderr.contains(way_out), "{refused}");
    };
    late(": 'certs renew bob.crt' renews it, as it is");
    // Where the CA's key is not, it does not.
    fs::remove_file(place.join("pki/ca.key")).expect("remove");
    late(": have the CA's owner issue it, and place it here");
}

#[test]
fn what_is_named_as_a_file_is_judged_as_by_its_name() {
    let (place, elsewhere) = (tree_of_all(), TempDir::new());
    let (out, password) = (elsewhere.join("out"), place.join("password"));
    write_secret(&password, PASSWORD);
    let crt = place.join("pki/apiserver-kubelet-client.crt");
    let late = Cell::new(false);
    let pkcs12 = |name: &str, wanted: &[&str]| {
        let mut command = command(place.path(), "pkcs12", &[name]);
        command.args(["--password-file", text(&password)]);
        command.args(["--output-file", text(&out)]);
        if late.get() {
            let now = time::OffsetDateTime::now_utc().unix_timestamp();
            command = at(now + 800 * 86400, "022", &command);
        }
        let refused = run(&mut command).expect(4);
        for wanted in wanted {
            assert!(refused.stderr.contains(wanted), "{wanted}: {refused}");
        }
        assert!(!refused.stderr.contains("--force to reissue"), "{refused}");
        assert!(!out.exists());
    };
    // One that has ended, one of another cluster, and one whose key is another's or open to others.
    let faults: [Fault; 4] = [
        (&|_| (), " ended on "),
        (
            &|crt| {
                let other = TempDir::new();
                let mut all = certs(&["all"]);
                all.args(["--kubernetes-dir", text(other.path())]);
                run(all.args(common::CLUSTER)).expect(0);
                let pair = other.join("pki/apiserver-kubelet-client.crt");
                for ending in ["crt", "key"] {
                    let (from, to) = (pair.with_extension(ending), crt.with_extension(ending));
                    fs::copy(from, to).expect("copy a file");
                }
            },
            "was signed by another CA",
        ),
        (
            &|crt| {
                let other = place.join("pki/front-proxy-client.key");
                fs::copy(other, crt.with_extension("key")).expect("copy a file");
            },
            "is not the key",
        ),
        (&|crt| set_mode(&crt.with_extension("key"), 0o644), "0644"),
    ];
    let whole = copied(&crt);
    for (fault, words) in faults {
        late.set(words == " ended on ");
        fault(&crt);
        pkcs12("apiserver-kubelet-client", &[words]);
        pkcs12(text(&crt), &[words, "apiserver-kubelet-client."]);
        let copy = copied(&crt);
        pkcs12(text(&copy.join("copy.crt")), &[words, "copy."]);
        for ending in ["crt", "key"] {
            let (from, to) = (
                whole.join(&format!("copy.{ending}")),
                crt.with_extension(ending),
            );
            fs::copy(from, &to).expect("copy a file");
            set_mode(&to, 0o600);
        }
    }
}

#[test]
fn a_file_is_exported_where_there_is_no_tree_and_through_a_link() {
    let place = tree_of_all();
    let (nothing, away) = (TempDir::new(), TempDir::new());
    fs::copy(place.join("admin.conf"), away.join("handed.conf")).expect("copy a file");
    std::os::unix::fs::symlink("handed.conf", away.join("link")).expect("a link");
    let found = opened(
        &pkcs12(&away, nothing.path(), &[text(&away.join("link"))]),
        &[],
    );
    let leaf = pem(kubeconfig_data(
        &place.join("admin.conf"),
        "client-certificate-data",
    ));
    assert_eq!(
        blocks(&found, "CERTIFICATE"),
        [leaf, read(&place.join("pki/ca.crt"))]
    );
    // A user without a certificate, and a certificate without a key, are no identity to hand out.
    let conf = read(&place.join("admin.conf"));
    let user = conf.find("    client-certificate-data").expect("a field");
    write_secret(
        &away.join("token.conf"),
        format!("{}    token: abc\n", &conf[..user]),
    );
    write(
        &away.join("lone.crt"),
        read(&place.join("pki/apiserver.crt")),
    );
    for (name, words) in [
        ("token.conf", "no client certificate"),
        ("lone.crt", "neither in the file nor beside it"),
    ] {
        let refused = export(
            nothing.path(),
            "pkcs12",
            &[
                text(&away.join(name)),
                "--output-file",
                text(&away.join("out")),
            ],
        )
        .expect(1);
        assert!(refused.stderr.contains(words), "{refused}");
    }
}

/// The manifests, each as kubectl reads it.
fn read_by_kubectl(yaml: &str) -> Vec<Value> {
    let folder = TempDir::new();
    yaml.split("---\n")
        .map(|document| {
            let file = folder.join("secret.yaml");
            write(&file, document);
            let mut kubectl = Command::new(venv("kubectl"));
            kubectl.args([
                "label",
                "--local",
                "-o",
                "json",
                "-f",
                text(&file),
                "read=yes",
            ]);
            let shown = run(&mut kubectl).expect(0).stdout;
            serde_json::from_str(&shown).expect("JSON")
        })
        .collect()
}

fn data(secret: &Value) -> BTreeMap<String, String> {
    let decode = |value: &Value| {
        let encoded = value.as_str().expect("base64");
        let bytes = <base64ct::Base64 as base64ct::Encoding>::decode_vec(encoded);
        pem(bytes.expect("base64"))
    };
    let data = secret["data"].as_object().expect("data");
    data.iter()
        .map(|(key, value)| (key.clone(), decode(value)))
        .collect()
}

#[test]
fn kubectl_reads_the_secrets_and_they_hold_what_the_tree_has() {
    let place = tree_of_all();
    let file = |name: &str| read(&place.join(name));
    let one = |arguments: &[&str]| {
        let yaml = export(place.path(), "secret", arguments).expect(0).stdout;
        let mut read = read_by_kubectl(&yaml);
        assert_eq!(read.len(), 1);
        read.remove(0)
    };
    let owned = |pairs: &[(&str, String)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect()
    };
    let tls = one(&[
        "apiserver",
        "--namespace",
        "kube-system",
        "--secret-name",
        "api",
    ]);
    assert_eq!(tls["type"], "kubernetes.io/tls");
    assert_eq!(tls["metadata"]["name"], "api");
    assert_eq!(tls["metadata"]["namespace"], "kube-system");
    assert_eq!(
        data(&tls),
        owned(&[
            ("ca.crt", file("pki/ca.crt")),
            ("tls.crt", file("pki/apiserver.crt")),
            ("tls.key", file("pki/apiserver.key")),
        ])
    );
    let opaque = one(&["etcd-server", "--type", "opaque"]);
    assert_eq!(opaque["type"], "Opaque");
    assert!(opaque["metadata"]["namespace"].is_null());
    assert_eq!(
        data(&opaque),
        owned(&[
            ("ca.crt", file("pki/etcd/ca.crt")),
            ("server.crt", file("pki/etcd/server.crt")),
            ("server.key", file("pki/etcd/server.key")),
        ])
    );
    let admin = one(&["admin"]);
    assert_eq!(admin["type"], "Opaque");
    assert_eq!(data(&admin), owned(&[("admin.conf", file("admin.conf"))]));
    let of_admin = data(&one(&["admin", "--type", "tls"]));
    let leaf = pem(kubeconfig_data(
        &place.join("admin.conf"),
        "client-certificate-data",
    ));
    assert_eq!(of_admin["tls.crt"], leaf);
    let sa = one(&["sa"]);
    assert_eq!(
        data(&sa),
        owned(&[
            ("sa.key", file("pki/sa.key")),
            ("sa.pub", file("pki/sa.pub"))
        ])
    );
}

#[test]
fn cluster_api_has_its_four_secrets() {
    let (place, elsewhere) = (tree_of_all(), TempDir::new());
    let out = elsewhere.join("secrets.yaml");
    let more = [
        "--cluster-api",
        "prod",
        "--namespace",
        "capi",
        "--output-file",
        text(&out),
    ];
    export(place.path(), "secret", &more).expect(0);
    assert_eq!(mode(&out), 0o600);
    let read = read_by_kubectl(&common::read(&out));
    let wanted = [
        ("prod-ca", "ca.crt", "ca.key"),
        ("prod-etcd", "etcd/ca.crt", "etcd/ca.key"),
        ("prod-proxy", "front-proxy-ca.crt", "front-proxy-ca.key"),
        ("prod-sa", "sa.pub", "sa.key"),
    ];
    assert_eq!(read.len(), wanted.len());
    for (secret, (name, public, key)) in read.iter().zip(wanted) {
        assert_eq!(secret["metadata"]["name"], name);
        assert_eq!(secret["metadata"]["namespace"], "capi");
        assert_eq!(secret["type"], "cluster.x-k8s.io/secret");
        let labels = &secret["metadata"]["labels"];
        assert_eq!(labels["cluster.x-k8s.io/cluster-name"], "prod");
        let data = data(secret);
        let pki = |name: &str| common::read(&place.join("pki").join(name));
        assert_eq!(
            (&data["tls.crt"], &data["tls.key"]),
            (&pki(public), &pki(key))
        );
        assert_eq!(data.len(), 2);
    }
    for (arguments, words) in [
        (&["--cluster-api", "Prod"][..], "cannot be a Secret's name"),
        (
            &["admin", "--secret-name", "A"],
            "cannot be a Secret's name",
        ),
        (&["admin", "--namespace", "a.b"], "--namespace"),
        (&["ca"], "give --type opaque, or --cluster-api"),
        (&["admin", "--cluster-api", "prod"], "cannot be used with"),
        (&[], "required"),
    ] {
        let refused = export(place.path(), "secret", arguments).expect(2);
        assert!(refused.stderr.contains(words), "{refused}");
        assert_eq!(refused.stdout, "");
    }
    // The key of an external CA is not here.
    fs::remove_file(place.join("pki/ca.key")).expect("remove a file");
    let failed = export(place.path(), "secret", &["--cluster-api", "prod"]).expect(1);
    assert!(failed.stderr.contains("its key is not here"), "{failed}");
}

#[test]
fn the_bundle_is_a_tar_of_what_is_public_and_the_same_each_time() {
    let (place, elsewhere) = (tree_of_all(), TempDir::new());
    let (one, two) = (elsewhere.join("one.tar"), elsewhere.join("two.tar"));
    export(place.path(), "bundle", &["--output-file", text(&one)]).expect(0);
    assert_eq!(mode(&one), 0o644);
    let mut piped = command(place.path(), "bundle", &[]);
    let stdout = piped.output().expect("it runs").stdout;
    write(&two, &stdout);
    assert_eq!(fs::read(&one).expect("a file"), stdout);
    let folder = TempDir::new();
    let mut tar = Command::new(tool("tar"));
    tar.args(["-xvf", text(&one), "-C", text(folder.path())]);
    let names = run(&mut tar).expect(0);
    assert_eq!(names.stderr, "");
    let names: Vec<&str> = names.stdout.lines().collect();
    for name in [
        "pki/ca.crt",
        "pki/etcd/ca.crt",
        "pki/apiserver.crt",
        "pki/sa.pub",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert_eq!(names.len(), 11, "{names:?}");
    for name in names {
        assert_eq!(read(&folder.join(name)), read(&place.join(name)));
        assert!(!name.contains(".key") && !read(&folder.join(name)).contains("PRIVATE"));
    }
    // A longer name than a header of tar has room for.
    let long = format!("pki/{}.crt", "n".repeat(120));
    fs::copy(place.join("pki/apiserver.crt"), place.join(&long)).expect("copy");
    export(place.path(), "bundle", &["--output-file", text(&one)]).expect(0);
    let names = run(&mut tar).expect(0);
    assert_eq!(names.stderr, "");
    assert!(names.stdout.contains(&format!("{long}\n")), "{names}");
    assert_eq!(read(&folder.join(&long)), read(&place.join(&long)));
    fs::remove_file(place.join(&long)).expect("remove");
    export(place.path(), "bundle", &["--output-file", text(&one)]).expect(0);
    let ca = place.join("pki/ca.crt");
    write(&ca, read(&ca) + &read(&place.join("pki/ca.key")));
    let refused = export(place.path(), "bundle", &[]).expect(1);
    assert!(refused.stderr.contains("holds a private key"), "{refused}");
    // What other tools call otherwise is there, and is none of a bundle's.
    let cfssl = place.join("cfssl");
    fs::create_dir_all(cfssl.join("pki")).expect("make folders");
    fs::copy(place.join("pki/apiserver.crt"), cfssl.join("pki/x.pem")).expect("copy");
    for of in [place.join("none"), cfssl] {
        let nothing = export(&of, "bundle", &[]).expect(2);
        let words = "is called NAME.crt, as those of a bundle are";
        assert!(nothing.stderr.contains(words), "{nothing}");
    }
}

#[test]
fn a_bundle_has_nothing_that_is_wrong_and_nothing_but_what_is_public() {
    let place = tree_of_all();
    let ca = place.join("pki/ca.crt");
    let whole = read(&ca);
    write(&ca, format!("password: hunter2\n{whole}# more\n"));
    let printed = command(place.path(), "bundle", &[])
        .output()
        .expect("it runs");
    assert!(printed.status.success());
    let printed = String::from_utf8(printed.stdout).expect("text");
    assert!(!printed.contains("hunter2") && printed.contains(&whole));
    // What is over is told with a way out that there is.
    let over = time::OffsetDateTime::now_utc().unix_timestamp() + 800 * 86_400;
    let refused = run(&mut at(over, "022", &command(place.path(), "bundle", &[]))).expect(4);
    let offered = "'certs renew apiserver' renews it, as it is";
    assert!(refused.stderr.contains(offered), "{refused}");
    assert!(
        !refused.stderr.contains("run the same command"),
        "{refused}"
    );
    for (file, content) in [
        ("pki/ca.crt", "rubbish"),
        ("pki/extra.crt", "rubbish"),
        ("pki/apiserver.crt", &whole[..whole.len() / 2]),
        ("pki/sa.pub", &public_half(&read(&place.join("pki/ca.key")))),
        ("pki/apiserver.crt", &whole),
    ] {
        let place = tree_of_all();
        write(&place.join(file), content);
        let refused = export(place.path(), "bundle", &[]);
        assert!(
            [Some(1), Some(4)].contains(&refused.status.code()),
            "{refused}"
        );
        let base = file.trim_start_matches("pki/");
        assert!(
            refused.stderr.contains(base) && refused.stdout.is_empty(),
            "{refused}"
        );
    }
}

#[test]
fn a_secret_of_a_kubeconfig_that_names_files_is_refused() {
    let place = tree_of_all();
    let mut named = certs(&["kubeconfig", "admin", "--embed-certs=false", "--force"]);
    named
        .args(["--kubernetes-dir", text(place.path())])
        .args(common::CLUSTER);
    run(&mut named).expect(0);
    let refused = export(place.path(), "secret", &["admin"]).expect(2);
    assert!(
        refused
            .stderr
            .contains("names files, which a Secret does not have"),
        "{refused}"
    );
    export(place.path(), "secret", &["admin", "--type", "tls"]).expect(0);
    // The same of one's own, and by the names that files have: what is offered makes the Secret possible.
    let alice = ["--common-name", "alice"];
    let kubeconfig = |name: &str, more: &[&str]| {
        let mut command = certs(&["kubeconfig", name, "--kubernetes-dir", text(place.path())]);
        run(command.args(common::CLUSTER).args(more))
    };
    kubeconfig("alice", &[&alice[..], &["--embed-certs=false"]].concat()).expect(0);
    for (name, called, own) in [
        ("admin", "admin", &[][..]),
        ("admin.conf", "admin", &[]),
        ("alice.conf", "alice", &alice),
    ] {
        let named = [own, &["--embed-certs=false", "--force"]].concat();
        kubeconfig(called, &named).expect(0);
        let refused = export(place.path(), "secret", &[name]).expect(2).stderr;
        let offered = format!("'certs kubeconfig {called} --embed-certs=true --force', with ");
        assert!(refused.contains(&offered), "{refused}");
        let held = [own, &["--embed-certs=true", "--force"]].concat();
        kubeconfig(called, &held).expect(0);
        export(place.path(), "secret", &[name]).expect(0);
    }
}

#[test]
fn a_directory_where_a_file_is_asked_for_is_not_to_go() {
    let place = tree_of_all();
    let pki = place.join("pki");
    for verb in [
        &["show"][..],
        &["kubeconfig", "refresh"],
        &["export", "pkcs12"],
    ] {
        let mut command = certs(verb);
        if verb != ["show"] {
            command.args(["--kubernetes-dir", text(place.path())]);
        }
        let told = run(command.arg(&pki));
        assert!([Some(1), Some(2)].contains(&told.status.code()), "{told}");
        let words = format!("{} is a directory, not a file: name a file\n", text(&pki));
        assert!(told.stderr.ends_with(&words), "{told}");
    }
    run(certs(&["show"]).arg(pki.join("ca.crt"))).expect(0);
}

/// Makes a client's certificate for this key, and puts that beside it.
fn joe(pki: &str, key: &str) {
    let script = format!(
        "set -e; cd {pki}; openssl req -new -key {key} -subj /CN=joe | FAKETIME= openssl x509 -req -CA ca.crt -CAkey ca.key \
         -days 300 -out joe.crt -extfile <(printf '%s\\n' basicConstraints=critical,CA:FALSE \
         keyUsage=critical,digitalSignature,keyEncipherment extendedKeyUsage=clientAuth subjectKeyIdentifier=hash \
         authorityKeyIdentifier=keyid); cp {key} joe.key"
    );
    run(Command::new(tool("bash")).args(["-c", &script])).expect(0);
}

#[test]
fn the_key_of_what_signs_is_handed_out_and_prolonged_under_no_leaf() {
    let place = tree_of_all();
    let out = TempDir::new();
    let password = place.join("password");
    write_secret(&password, PASSWORD);
    let pki = text(place.path()).to_owned() + "/pki";
    let made = |key: &str| joe(&pki, key);
    let file = out.join("z.p12");
    let as_pkcs12 = [
        "joe",
        "--password-file",
        text(&password),
        "--output-file",
        text(&file),
    ];
    let renew = || {
        let mut renew = certs(&["renew", "joe", "--reuse-key", "--kubelet-dir", "none"]);
        renew.args(["--kubernetes-dir", text(place.path())]);
        renew
    };
    for (key, of) in [
        ("ca.key", "ca.crt"),
        ("sa.key", "sa.pub"),
        ("etcd/ca.key", "etcd/ca.crt"),
    ] {
        made(key);
        let told = format!("joe.crt is for the key of {of}, which signs for the cluster");
        for refused in [
            export(place.path(), "pkcs12", &as_pkcs12).expect(4),
            export(place.path(), "secret", &["joe"]).expect(4),
            run(&mut renew()).expect(4),
        ] {
            assert!(refused.stderr.contains(&told), "{refused}");
            assert!(!refused.stdout.contains("tls.key"), "{key}");
        }
        assert!(!file.exists(), "{key}");
    }
    // With a key of its own it is as any other.
    let new = format!("{pki}/new");
    let ec = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-out",
    ];
    run(Command::new(tool("openssl")).args(ec).arg(&new)).expect(0);
    made("new");
    export(place.path(), "pkcs12", &as_pkcs12).expect(0);
}

#[test]
fn the_key_of_what_signs_is_told_by_each_half_of_it_that_can_be_read() {
    let place = tree_of_all();
    let out = TempDir::new();
    let password = place.join("password");
    write_secret(&password, PASSWORD);
    let pki = text(place.path()).to_owned() + "/pki";
    let made = |key: &str| joe(&pki, key);
    let file = out.join("z.p12");
    let as_pkcs12 = [
        "joe",
        "--password-file",
        text(&password),
        "--output-file",
        text(&file),
    ];
    let renew = || {
        let mut renew = certs(&["renew", "joe", "--reuse-key", "--kubelet-dir", "none"]);
        renew.args(["--kubernetes-dir", text(place.path())]);
        renew
    };
    let shell = |script: &str| {
        let script = format!("set -e; cd {pki}; {script}");
        run(Command::new(tool("bash")).args(["-c", &script])).expect(0);
    };
    let kept = out.join("whole");
    shell(&format!("cp -a . {}", text(&kept)));
    let whole = format!("cp -a {}/. .", text(&kept));
    let genkey = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out";
    for (key, of, damage) in [
        ("etcd/ca.key", "etcd/ca.crt", "echo junk > etcd/ca.crt"),
        (
            "etcd/ca.key",
            "etcd/ca.crt",
            "head -3 ca.crt >> etcd/ca.crt",
        ),
        ("etcd/ca.key", "etcd/ca.crt", "echo junk > etcd/ca.key"),
        ("sa.key", "sa.pub", "echo junk > sa.pub"),
        (
            "sa.key",
            "sa.pub",
            "openssl pkcs8 -topk8 -in sa.key -passout pass:secret -out locked; mv locked sa.key",
        ),
        ("sa.key", "sa.pub", "rm sa.key"),
        ("own-ca.key", "own-ca.key", "rm -f own-ca.crt"),
        ("own-ca.key", "own-ca.crt", "echo junk > own-ca.crt"),
    ] {
        if key == "own-ca.key" {
            shell(&format!("{genkey} own-ca.key"));
        }
        made(key);
        shell(damage);
        let told = format!("joe.crt is for the key of {of}, which signs for the cluster");
        for refused in [
            export(place.path(), "pkcs12", &as_pkcs12).expect(4),
            export(place.path(), "secret", &["joe"]).expect(4),
            run(&mut renew()).expect(4),
        ] {
            assert!(refused.stderr.contains(&told), "{damage}: {refused}");
        }
        shell(&whole);
    }
    shell("rm own-ca.*");
    // Of a signer of which nothing can be read nobody knows whether the key is its own.
    made("etcd/ca.key");
    shell("rm etcd/ca.key; echo junk > etcd/ca.crt");
    let refused = export(place.path(), "pkcs12", &as_pkcs12).expect(4);
    let told = "pki/etcd/ca.crt cannot be used: no certificate";
    assert!(refused.stderr.contains(told), "{refused}");
    shell(&whole);
    // The key of a copy is no signer's by that.
    shell(&format!("{genkey} own.key; chmod 600 own.key"));
    made("own.key");
    export(place.path(), "pkcs12", &as_pkcs12).expect(0);
}

#[test]
fn a_kubeconfig_goes_into_a_secret_with_users_whose_keys_may_be_handed_out_alone() {
    let place = tree_of_all();
    let pki = text(place.path()).to_owned() + "/pki";
    let admin = place.join("admin.conf");
    let whole = read(&admin);
    let with = |key: &str| {
        joe(&pki, key);
        let data = |name: &str| Base64::encode_string(&fs::read(place.join(name)).expect("a file"));
        let (certificate, key) = (data("pki/joe.crt"), data("pki/joe.key"));
        let user = format!(
            "users:\n- name: joe\n  user:\n    client-certificate-data: {certificate}\n    client-key-data: {key}\n"
        );
        write_secret(&admin, whole.replacen("users:\n", &user, 1));
        for file in ["pki/joe.crt", "pki/joe.key"] {
            fs::remove_file(place.join(file)).expect("a file");
        }
    };
    for (key, of) in [("ca.key", "ca.crt"), ("etcd/ca.key", "etcd/ca.crt")] {
        with(key);
        let refused = export(place.path(), "secret", &["admin"]).expect(4);
        let told = format!("(user \"joe\") is for the key of {of}, which signs for the cluster");
        assert!(refused.stderr.contains(&told), "{refused}");
        assert_eq!(refused.stdout, "");
        // The key of the current user alone is another matter.
        export(place.path(), "secret", &["admin", "--type", "tls"]).expect(0);
    }
    let script = format!("cd {pki}; openssl ecparam -name prime256v1 -genkey -noout -out own.key");
    run(Command::new(tool("bash")).args(["-c", &script])).expect(0);
    with("own.key");
    let done = export(place.path(), "secret", &["admin"]).expect(0);
    assert!(done.stdout.contains("admin.conf: "), "{done}");
}

#[test]
fn the_key_of_service_accounts_that_has_a_certificate_is_nobody_s_and_stays() {
    let place = tree_of_all();
    let pki = text(place.path()).to_owned() + "/pki";
    let shell = |script: &str| {
        let script = format!("set -e; cd {pki}; {script}");
        run(Command::new(tool("bash")).args(["-c", &script])).expect(0);
    };
    let genkey = "openssl ecparam -name prime256v1 -genkey -noout -out";
    shell(&format!("umask 077; {genkey} own.key; {genkey} joe.key"));
    let password = place.join("password");
    write_secret(&password, PASSWORD);
    let renew = |arguments: &[&str], exit| {
        let mut renew = certs(&["renew", "--kubelet-dir", "none", "--kubernetes-dir"]);
        run(renew.arg(place.path()).args(arguments)).expect(exit)
    };
    let key = place.join("pki/service-account-key.pem");
    // As CFSSL calls them.
    joe(&pki, "own.key");
    shell("mv joe.crt service-account.pem; mv own.key service-account-key.pem; rm joe.key");
    let (former, certificate) = (read(&key), read(&place.join("pki/service-account.pem")));
    let left = renew(&["--all"], 3);
    let words = "service-account.pem is due, and its key signs the tokens of service accounts";
    assert!(
        left.stdout.contains(words) || left.stderr.contains(words),
        "{left}"
    );
    assert_eq!(read(&key), former);
    renew(&["service-account.pem", "--reuse-key"], 0);
    assert_eq!(read(&key), former);
    assert_ne!(read(&place.join("pki/service-account.pem")), certificate);
    let folder = TempDir::new();
    let out = folder.join("a.p12");
    let files = [
        "--password-file",
        text(&password),
        "--output-file",
        text(&out),
    ];
    for name in [
        "service-account.pem",
        text(&place.join("pki/service-account.pem")),
    ] {
        let refused = export(place.path(), "pkcs12", &[&[name], &files[..]].concat()).expect(2);
        let words = "signs for the cluster and is nobody's identity";
        assert!(refused.stderr.contains(words), "{refused}");
    }
    // And no other leaf has it.
    joe(&pki, "service-account-key.pem");
    let refused = export(place.path(), "pkcs12", &[&["joe"], &files[..]].concat()).expect(4);
    let words = "joe.crt is for the key of service-account.pem, which signs for the cluster";
    assert!(refused.stderr.contains(words), "{refused}");
    // What is neither called so nor of that name is renewed as any other.
    shell(&format!("umask 077; rm service-account*; {genkey} own.key"));
    joe(&pki, "own.key");
    let former = read(&place.join("pki/joe.key"));
    renew(&["--all"], 0);
    assert_ne!(read(&place.join("pki/joe.key")), former);
}

#[test]
fn a_secret_cannot_be_called_as_a_path_and_the_flag_that_names_it_is_told() {
    let place = tree_of_all();
    let admin = place.join("admin.conf");
    let refused = export(place.path(), "secret", &[text(&admin)]).expect(2);
    let words = "error: name one with --secret-name: \"";
    assert!(refused.stderr.starts_with(words), "{refused}");
    let called = ["--secret-name", "admin"];
    export(
        place.path(),
        "secret",
        &[&[text(&admin)], &called[..]].concat(),
    )
    .expect(0);
}

/// A new key would leave a kubeconfig with half of it: the way out keeps the key, and is one.
#[test]
fn a_pair_that_a_kubeconfig_names_by_half_is_offered_to_be_renewed_for_its_key() {
    let place = tree_of_all();
    let pair = [
        "pki/apiserver-kubelet-client.crt",
        "pki/apiserver-kubelet-client.key",
    ];
    let [certificate, key] = pair.map(|file| place.join(file));
    for (from, to) in [(&certificate, "pki/zoe.crt"), (&key, "pki/zoe.key")] {
        fs::copy(from, place.join(to)).expect("copy");
    }
    let kubeconfig = read(&place.join("admin.conf"));
    let lines = kubeconfig.lines().map(|line| {
        let named = format!(
            "    client-certificate: {}",
            text(&place.join("pki/zoe.crt"))
        );
        let held = format!(
            "    client-key-data: {}",
            Base64::encode_string(read(&key).as_bytes())
        );
        match line.trim_start() {
            begins if begins.starts_with("client-certificate-data:") => named,
            begins if begins.starts_with("client-key-data:") => held,
            _ => line.to_owned(),
        }
    });
    let lines: Vec<String> = lines.collect();
    write_secret(&place.join("zoe.conf"), lines.join("\n") + "\n");
    let over = time::OffsetDateTime::now_utc().unix_timestamp() + 800 * 86_400;
    let refused = run(&mut at(
        over,
        "022",
        &command(place.path(), "secret", &["zoe"]),
    ));
    let words = "zoe.crt ended on ";
    let way_out = ": 'certs renew zoe.crt --reuse-key' renews it, for the same key\n";
    let refused = refused.expect(4).stderr;
    let told = refused.lines().find(|line| line.contains(words));
    let told = told.unwrap_or_else(|| panic!("{refused}"));
    assert!(told.ends_with(way_out.trim_end()), "{told}");
    let renew = [
        "renew",
        "zoe.crt",
        "--reuse-key",
        "--kubernetes-dir",
        text(place.path()),
    ];
    run(&mut at(over, "022", &certs(&renew))).expect(0);
    run(&mut at(
        over,
        "022",
        &command(place.path(), "secret", &["zoe"]),
    ))
    .expect(0);
}
