//! Whom kubeconfigs trust: a CA in whichever of its certificates, that of the server, and others beside it.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

mod common;
use common::kubeadm::NOON;
use common::renewal::{DAY, renew, tree};
use common::{
    CLUSTER, Finished, TempDir, all, at, certs, kubeconfig_data, read, run, text, tool, write,
    write_secret,
};

const FIELD: &str = "certificate-authority-data";

fn over(verb: &[&str], tree: &Path, days: i64) -> Finished {
    let mut command = certs(verb);
    command.args(["--kubernetes-dir", text(tree)]);
    if verb[0] == "check" {
        command.args(["--kubelet-dir", "none", "--output", "json"]);
    }
    run(&mut at(NOON + days * DAY, "022", &command))
}

/// What is told of a kubeconfig: code, text and way out.
fn told(checked: &Finished, name: &str) -> Vec<[String; 3]> {
    let report: Value = serde_json::from_str(&checked.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("findings").iter();
    let of = findings.filter(|told| told["name"].as_str().is_some_and(|one| one.ends_with(name)));
    let text = |told: &Value, field: &str| told[field].as_str().unwrap_or_default().to_owned();
    of.map(|told| ["code", "text", "wayOut"].map(|field| text(told, field)))
        .collect()
}

fn bash(script: &str, folder: &Path) {
    let mut bash = Command::new(tool("bash"));
    bash.args(["-euo", "pipefail", "-c", script])
        .current_dir(folder)
        .env("OPENSSL_CONF", "/dev/null");
    run(&mut at(NOON, "077", &bash)).expect(0);
}

fn copy_of(folder: &TempDir, name: &str) -> std::path::PathBuf {
    let copy = folder.join(name);
    let mut cp = Command::new("cp");
    run(cp.args(["-a", text(&folder.join("k")), text(&copy)])).expect(0);
    copy
}

/// What verifies the certificate of the API server with what a kubeconfig trusts.
fn verifies(kubeconfig: &Path, leaf: &Path) -> bool {
    let aside = TempDir::new();
    write(&aside.join("ca.crt"), kubeconfig_data(kubeconfig, FIELD));
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["verify", "-no-CApath", "-no-CAstore", "-CAfile"]);
    openssl.arg(aside.join("ca.crt")).arg(leaf);
    run(&mut at(NOON + DAY, "022", &openssl)).status.success()
}

#[test]
fn a_former_certificate_of_the_ca_is_trust_until_it_ends_and_a_renewal_brings_the_present_one() {
    let folder = tree();
    let (k, other) = (folder.join("k"), copy_of(&folder, "other"));
    renew(&folder, 1, &["ca"]).expect(0);
    fs::copy(k.join("pki/ca.crt"), other.join("pki/ca.crt")).expect("copy");
    // Another control plane, with the renewed ca.crt.
    assert!(verifies(
        &other.join("admin.conf"),
        &k.join("pki/apiserver.crt")
    ));
    let checked = over(&["check"], &other, 1).expect(3);
    let [code, message, remedy] = &told(&checked, "admin")[0];
    assert_eq!(code, "kubeconfig-trust-former");
    assert!(
        message.contains("by another certificate of it than the CA file holds"),
        "{message}"
    );
    assert!(
        remedy.contains("'certs kubeconfig refresh FILE'"),
        "{remedy}"
    );
    run(&mut at(NOON + DAY, "022", &all(&other, &[]))).expect(3);
    // By its own end: soon, and over.
    let soon = told(&over(&["check"], &other, 3500), "scheduler");
    let ends = soon
        .iter()
        .find(|[code, text, _]| code == "expires-soon" && text.contains("holds"));
    assert!(
        ends.is_some_and(|[_, _, remedy]| remedy.contains("refresh FILE")),
        "{soon:?}"
    );
    let last = told(&over(&["check"], &other, 3651), "scheduler");
    let over_by_then = |[code, text, _]: &[String; 3]| {
        code == "expired" && text.contains("trusts the CA by another certificate")
    };
    assert!(last.iter().any(over_by_then), "{last:?}");
    assert!(!soon.iter().any(over_by_then), "{soon:?}");
    // What a run writes needs no more than a run.
    let dry = over(&["renew", "--dry-run"], &other, 1).expect(0);
    assert!(dry.stdout.contains("scheduler.conf"), "{dry}");
    over(&["renew"], &other, 1).expect(0);
    let bundle = read(&k.join("pki/ca.crt"));
    for name in [
        "admin.conf",
        "super-admin.conf",
        "kubelet.conf",
        "controller-manager.conf",
        "scheduler.conf",
    ] {
        assert_eq!(
            kubeconfig_data(&other.join(name), FIELD),
            bundle.as_bytes(),
            "{name}"
        );
    }
    let checked = over(&["check"], &other, 1).expect(0);
    assert!(!checked.stdout.contains("kubeconfig-trust"), "{checked}");
}

#[test]
fn a_newer_certificate_of_the_ca_than_the_file_s_is_trust_and_stays() {
    let folder = tree();
    let (k, former) = (folder.join("k"), folder.join("former.crt"));
    fs::copy(k.join("pki/ca.crt"), &former).expect("copy");
    renew(&folder, 1, &["ca"]).expect(0);
    let held = kubeconfig_data(&k.join("admin.conf"), FIELD);
    fs::copy(&former, k.join("pki/ca.crt")).expect("copy");
    let checked = over(&["check"], &k, 1).expect(3);
    let follow =
        "put that one into the file of its CA, as where it was renewed: it is the newer one";
    let [code, _, way_out] = &told(&checked, "admin")[0];
    assert_eq!([code, way_out], ["kubeconfig-trust-former", follow]);
    let report = over(&["renew"], &k, 1).expect(3);
    assert!(report.stdout.contains("Nothing is due"), "{report}");
    // Nor is one that was handed out taken back to what the cluster had.
    let handed = folder.join("handed");
    fs::copy(k.join("admin.conf"), &handed).expect("copy");
    let refresh = ["kubeconfig", "refresh", text(&handed)];
    let said = over(&refresh, &k, 1).expect(3);
    let words = format!(
        "holds, for kubernetes, a newer certificate of the CA than the cluster's file, and keeps it: {follow}"
    );
    assert!(said.stderr.contains(&words), "{said}");
    assert!(said.stdout.contains("Left as it is:"), "{said}");
    assert_eq!(read(&handed), read(&k.join("admin.conf")));
    assert_eq!(kubeconfig_data(&handed, FIELD), held);
    // The way out helps.
    write(&k.join("pki/ca.crt"), &held);
    over(&["check"], &k, 1).expect(0);
    let said = over(&refresh, &k, 1).expect(0);
    assert!(said.stdout.contains("Up to date:"), "{said}");
}

/// Certificates of the CA as whoever has its key makes them, and as whoever has not: each begins and ends at these times,
/// with these extensions behind a CA's own.
fn further(folder: &TempDir, name: &str, times: [&str; 2], extensions: &str) -> std::path::PathBuf {
    let [begin, end] = times;
    let script = format!(
        "mkdir -p db; : > db/i; echo 77 > db/s
        SKI=$(openssl x509 -in k/pki/ca.crt -noout -ext subjectKeyIdentifier | tail -1 | tr -d ' ')
        cat > c.cnf <<END
[ca]
default_ca=d
[d]
database=db/i
serial=db/s
new_certs_dir=db
default_md=sha256
policy=p
x509_extensions=v
[p]
commonName=supplied
[v]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign,digitalSignature
subjectKeyIdentifier=$SKI
{extensions}
[req]
distinguished_name=n
string_mask=pkix
[n]
END
        openssl req -new -key k/pki/ca.key -subj /CN=kubernetes -config c.cnf -out ca.csr
        openssl ca -batch -config c.cnf -selfsign -preserveDN -notext -keyfile k/pki/ca.key -in ca.csr \
            -startdate {begin} -enddate {end} -out {name}"
    );
    bash(&script, &folder.join(""));
    folder.join(name)
}

/// Its certificates in place of what a kubeconfig trusts.
fn hold(kubeconfig: &Path, held: &[&Path]) {
    let held: String = held.iter().map(|path| read(path)).collect();
    write_secret(kubeconfig, with_trust(kubeconfig, &held));
}

const SINCE_NOON: [&str; 2] = ["20261122130000Z", "20490101000000Z"];

#[test]
fn a_certificate_of_the_ca_that_has_not_begun_is_no_trust_yet_and_the_present_one_is_put_there() {
    let folder = tree();
    let k = folder.join("k");
    let future = further(
        &folder,
        "future",
        ["20300101000000Z", "20490101000000Z"],
        "",
    );
    let kubeconfig = k.join("controller-manager.conf");
    hold(&kubeconfig, &[&future]);
    let handed = folder.join("handed");
    fs::copy(&kubeconfig, &handed).expect("copy");
    assert!(!verifies(&kubeconfig, &k.join("pki/apiserver.crt")));
    let checked = over(&["check"], &k, 1).expect(4);
    let [code, message, way_out] = &told(&checked, "controller-manager")[0];
    assert_eq!(code, "not-yet-valid");
    assert!(message.contains("which begins on 2030-01-01"), "{message}");
    assert!(
        way_out.contains("'certs kubeconfig refresh FILE'"),
        "{way_out}"
    );
    over(&["kubeconfig", "refresh", text(&handed)], &k, 1).expect(0);
    let present = read(&k.join("pki/ca.crt"));
    assert_eq!(kubeconfig_data(&handed, FIELD), present.as_bytes());
    over(&["renew"], &k, 1).expect(0);
    assert_eq!(kubeconfig_data(&kubeconfig, FIELD), present.as_bytes());
    over(&["check"], &k, 1).expect(0);
    // Beside one that is good it is that one which is told.
    hold(&kubeconfig, &[&future, &k.join("pki/ca.crt")]);
    assert!(told(&over(&["check"], &k, 1).expect(0), "controller-manager").is_empty());
    // Once it begins it is the newer one.
    hold(&kubeconfig, &[&future]);
    let begun = told(&over(&["check"], &k, 1300), "controller-manager");
    let newer = |[_, _, way_out]: &[String; 3]| way_out.contains("it is the newer one");
    assert!(begun.iter().any(newer), "{begun:?}");
}

#[test]
fn what_only_says_that_it_is_a_newer_certificate_of_the_ca_is_not_believed() {
    let folder = tree();
    let k = folder.join("k");
    let sound = further(&folder, "sound", SINCE_NOON, "");
    let constrained = "nameConstraints=critical,permitted;DNS:example.com";
    further(&folder, "constrained", SINCE_NOON, constrained);
    further(
        &folder,
        "mail",
        SINCE_NOON,
        "extendedKeyUsage=emailProtection",
    );
    let no_signer = "keyUsage=critical,digitalSignature";
    further(&folder, "usage", SINCE_NOON, no_signer);
    bash(
        "openssl x509 -in sound -outform der -out der
        python3 -c 'b = bytearray(open(\"der\", \"rb\").read()); b[-1] ^= 1; open(\"der\", \"wb\").write(b)'
        openssl x509 -inform der -in der -out broken
        openssl req -x509 -newkey rsa:2048 -nodes -keyout evil.key -subj /CN=Evil -days 9000 -config c.cnf -out evil
        openssl x509 -in k/pki/ca.crt -noout -pubkey > public
        openssl req -new -key evil.key -subj /CN=kubernetes -config c.cnf -out foreign.csr
        sed -n '/^basic/p;/^keyUsage/p;/^subjectKey/p' c.cnf | sed s/=critical,digitalSignature/=critical,keyCertSign/ > ext
        openssl x509 -req -in foreign.csr -force_pubkey public -CA evil -CAkey evil.key -days 8000 -extfile ext -out foreign",
        &folder.join(""),
    );
    let [kubeconfig, handed] = [k.join("admin.conf"), folder.join("handed")];
    let present = read(&k.join("pki/ca.crt"));
    for name in ["broken", "foreign", "constrained", "mail", "usage"] {
        hold(&kubeconfig, &[&folder.join(name)]);
        fs::copy(&kubeconfig, &handed).expect("copy");
        let checked = over(&["check"], &k, 1).expect(3);
        let [code, _, way_out] = &told(&checked, "admin")[0];
        assert_eq!(code, "kubeconfig-trust-former", "{name}");
        assert!(way_out.contains("refresh FILE"), "{name}: {way_out}");
        over(&["kubeconfig", "refresh", text(&handed)], &k, 1).expect(0);
        assert_eq!(
            kubeconfig_data(&handed, FIELD),
            present.as_bytes(),
            "{name}"
        );
    }
    // With another CA beside it the newer one stays, alone.
    let evil = folder.join("evil");
    hold(&handed, &[&sound, &evil]);
    let said = over(&["kubeconfig", "refresh", text(&handed)], &k, 1).expect(3);
    assert!(
        said.stderr.contains("a newer certificate of the CA"),
        "{said}"
    );
    assert!(said.stdout.contains("does not hold: \"CN=Evil\""), "{said}");
    assert_eq!(kubeconfig_data(&handed, FIELD), read(&sound).as_bytes());
    let said = over(&["kubeconfig", "refresh", text(&handed)], &k, 1).expect(3);
    assert!(said.stdout.contains("Left as it is:"), "{said}");
}

#[test]
fn a_file_of_former_certificates_that_a_kubeconfig_names_is_to_have_the_present_ones() {
    let folder = tree();
    let (k, file) = (folder.join("k"), folder.join("k/pki/trusted.pem"));
    fs::copy(k.join("pki/ca.crt"), &file).expect("copy");
    let admin = read(&k.join("admin.conf"));
    let line = admin.lines().find(|line| line.contains(FIELD));
    let names = "    certificate-authority: pki/trusted.pem";
    write_secret(
        &k.join("own.conf"),
        admin.replace(line.expect("CA data"), names),
    );
    over(&["check"], &k, 0).expect(0);
    renew(&folder, 1, &["ca"]).expect(0);
    let checked = over(&["check"], &k, 1).expect(3);
    let [code, _, way_out] = &told(&checked, "own.conf")[0];
    let into = "put the present certificates of its CA into the file that it names for them";
    assert_eq!([code, way_out], ["kubeconfig-trust-former", into]);
    fs::copy(k.join("pki/ca.crt"), &file).expect("copy");
    over(&["check"], &k, 1).expect(0);
}

#[test]
fn a_ca_of_the_same_name_with_another_key_is_no_trust() {
    let folder = tree();
    let (k, stranger) = (folder.join("k"), tree());
    let admin = read(&k.join("admin.conf"));
    let data = |conf: &str| {
        let line = conf
            .lines()
            .find(|line| line.contains(FIELD))
            .expect("data");
        line.to_owned()
    };
    let foreign = data(&read(&stranger.join("k/admin.conf")));
    write_secret(
        &k.join("admin.conf"),
        admin.replace(&data(&admin), &foreign),
    );
    let checked = over(&["check"], &k, 1).expect(4);
    assert_eq!(told(&checked, "admin")[0][0], "kubeconfig-ca");
}

#[test]
fn a_renewed_ca_comes_to_each_kubeconfig_that_a_run_writes_and_the_others_are_named() {
    let folder = tree();
    let k = folder.join("k");
    let (token, bootstrap) = (folder.join("token"), k.join("bootstrap-kubelet.conf"));
    write_secret(&token, "abcdef.0123456789abcdef\n");
    let made = [
        "kubeconfig",
        "bootstrap-kubelet",
        "--token-file",
        text(&token),
    ];
    let endpoint = ["--control-plane-endpoint", "10.0.0.10:6443"];
    over(&[&made[..], &endpoint].concat(), &k, 0).expect(0);
    for name in ["config", "admin.kubeconfig", "own.conf"] {
        fs::copy(k.join("admin.conf"), k.join(name)).expect("copy");
    }
    // In a folder none is written, whoever its user is.
    fs::create_dir(k.join("old")).expect("make a folder");
    fs::copy(&bootstrap, k.join("old/bootstrap.conf")).expect("copy");
    over(&["check"], &k, 1).expect(0);
    let said = renew(&folder, 1, &["ca"]).expect(3);
    assert!(said.stdout.contains("bootstrap-kubelet.conf"), "{said}");
    let bundle = read(&k.join("pki/ca.crt"));
    for name in ["bootstrap-kubelet.conf", "own.conf", "admin.conf"] {
        assert_eq!(
            kubeconfig_data(&k.join(name), FIELD),
            bundle.as_bytes(),
            "{name}"
        );
    }
    assert!(read(&bootstrap).contains("token: abcdef.0123456789abcdef"));
    let checked = over(&["check"], &k, 1).expect(3);
    for name in ["config", "admin.kubeconfig", "old/bootstrap.conf"] {
        let [code, _, remedy] = &told(&checked, name)[0];
        assert_eq!(code, "kubeconfig-trust-former", "{name}");
        assert!(remedy.contains("refresh FILE"), "{remedy}");
    }
    let report = renew(&folder, 1, &["ca", "--output", "json"]).expect(3);
    for name in ["config", "admin.kubeconfig", "old/bootstrap.conf"] {
        assert_eq!(
            told(&report, name)[0][0],
            "kubeconfig-trust-former",
            "{name}"
        );
    }
    for name in ["config", "admin.kubeconfig", "old/bootstrap.conf"] {
        over(&["kubeconfig", "refresh", text(&k.join(name))], &k, 1).expect(0);
    }
    let checked = over(&["check"], &k, 1).expect(0);
    assert!(!checked.stdout.contains("kubeconfig-trust"), "{checked}");
    // What is put back is what was there.
    over(&["rollback", "--dry-run"], &k, 1).expect(0);
}

/// A cluster with a CA for servers and another for clients, as k3s makes it.
const TWO_CAS: &str = r#"
    mkdir -p k/pki; cd k/pki
    ca() { openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.crt" -subj "/CN=k3s-$1" -days 3650 \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -addext subjectKeyIdentifier=hash; }
    leaf() {
        openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out x.csr -subj "$2"
        printf "keyUsage=critical,digitalSignature,keyEncipherment\n$4" > x.ext
        openssl x509 -req -in x.csr -CA "$3.crt" -CAkey "$3.key" -extfile x.ext -days 20 -out "$1.crt" -set_serial "0x1$(openssl rand -hex 10)"
        rm x.*
    }
    { ca server-ca; ca client-ca; ca corp
      leaf serving-kube-apiserver /CN=kube-apiserver server-ca "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:n1,IP:127.0.0.1\n"
      leaf client-admin /O=system:masters/CN=system:admin client-ca "extendedKeyUsage=clientAuth\n"; } 2>/dev/null
    mv corp.* ../..
    data() { cat "$@" | base64 -w0; }
    conf() {
        printf 'apiVersion: v1\nkind: Config\ncurrent-context: d\n'
        printf 'clusters:\n- cluster:\n    certificate-authority-data: %s\n    server: https://127.0.0.1:6443\n  name: d\n' "$(data "$@")"
        printf 'contexts:\n- context:\n    cluster: d\n    user: u\n  name: d\n'
        printf 'users:\n- name: u\n  user:\n    client-certificate-data: %s\n    client-key-data: %s\n' "$(data client-admin.crt)" "$(data client-admin.key)"
    }
    conf server-ca.crt > ../k3s.conf; conf server-ca.crt > ../k3s.yaml
    conf client-ca.crt > ../wrong.conf
"#;

#[test]
fn where_servers_have_a_ca_of_their_own_that_is_what_their_clients_trust() {
    let folder = TempDir::new();
    bash(TWO_CAS, folder.path());
    let k = folder.join("k");
    let serving = k.join("pki/serving-kube-apiserver.crt");
    // Each by what signed the certificate of the server, which lies there.
    let checked = over(&["check", "--within", "5d"], &k, 1).expect(4);
    for (name, expected) in [("k3s.conf", 0), ("k3s.yaml", 0), ("wrong.conf", 1)] {
        let of_trust = told(&checked, name);
        let of_trust = of_trust.iter().filter(|[code, ..]| code == "kubeconfig-ca");
        assert_eq!(of_trust.count(), expected, "{name}: {checked}");
    }
    fs::remove_file(k.join("wrong.conf")).expect("remove");
    fs::remove_file(k.join("k3s.yaml")).expect("remove");
    over(&["check", "--within", "5d"], &k, 1).expect(0);
    let alone = copy_of(&folder, "alone");
    let was = kubeconfig_data(&k.join("k3s.conf"), FIELD);
    assert!(verifies(&k.join("k3s.conf"), &serving));
    let said = over(&["renew", "--within", "100d"], &k, 1).expect(0);
    assert!(said.stdout.contains("k3s.conf"), "{said}");
    assert_eq!(kubeconfig_data(&k.join("k3s.conf"), FIELD), was);
    assert!(verifies(&k.join("k3s.conf"), &serving));
    // The CA of the servers comes anew to those who trust it.
    over(&["renew", "server-ca.crt"], &k, 2).expect(0);
    let now = kubeconfig_data(&k.join("k3s.conf"), FIELD);
    assert_ne!(now, was);
    assert_eq!(now, read(&k.join("pki/server-ca.crt")).as_bytes());
    over(&["renew", "client-ca.crt"], &k, 2).expect(0);
    assert_eq!(kubeconfig_data(&k.join("k3s.conf"), FIELD), now);
    // Where the certificate of the server is elsewhere, what is trusted stays, and is told.
    for name in ["crt", "key"] {
        let name = format!("pki/serving-kube-apiserver.{name}");
        fs::remove_file(alone.join(&name)).expect("remove");
    }
    let before = kubeconfig_data(&alone.join("k3s.conf"), "client-certificate-data");
    let said = over(&["renew", "--within", "100d"], &alone, 1).expect(4);
    assert!(
        said.stderr.contains("k3s.conf does not trust the CA"),
        "{said}"
    );
    assert_eq!(kubeconfig_data(&alone.join("k3s.conf"), FIELD), was);
    let conf = alone.join("k3s.conf");
    assert_ne!(kubeconfig_data(&conf, "client-certificate-data"), before);
    let refused = over(&["renew", "k3s"], &alone, 1).expect(4);
    assert!(refused.stderr.contains("nothing was written"), "{refused}");
}

#[test]
fn what_is_trusted_beyond_the_ca_stays_and_is_told_with_the_way_out() {
    let folder = tree();
    let k = folder.join("k");
    bash(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout corp.key -out corp.crt -subj /CN=CorpCA -days 3650 2>/dev/null",
        folder.path(),
    );
    let (ours, corp) = (read(&k.join("pki/ca.crt")), read(&folder.join("corp.crt")));
    let with = |name: &str, held: &str| {
        use base64ct::{Base64, Encoding};
        let conf = read(&k.join("admin.conf"));
        let old = Base64::encode_string(&kubeconfig_data(&k.join("admin.conf"), FIELD));
        let new = Base64::encode_string(held.as_bytes());
        write_secret(&k.join(name), conf.replace(&old, &new));
    };
    with("alone.conf", &corp);
    with("own.conf", &(ours.clone() + &corp));
    with("admin.conf", &(ours.clone() + &corp));
    let said = renew(&folder, 1, &["admin", "own"]).expect(3);
    for name in ["admin.conf", "own.conf"] {
        let words = format!("{name} trusts a CA that the CA file does not hold: ");
        assert!(said.stderr.contains(&words), "{said}");
        let held = kubeconfig_data(&k.join(name), FIELD);
        assert_eq!(String::from_utf8(held).expect("text"), ours.clone() + &corp);
    }
    // Nobody here knows who answers there.
    let said = renew(&folder, 1, &["alone"]).expect(4);
    assert!(
        said.stderr.contains("alone.conf does not trust the CA: "),
        "{said}"
    );
    let said = renew(&folder, 340, &[]).expect(4);
    assert!(
        said.stderr.contains("alone.conf does not trust the CA: "),
        "{said}"
    );
    assert_eq!(
        kubeconfig_data(&k.join("alone.conf"), FIELD),
        corp.as_bytes()
    );
    // A renewed CA takes the place of its former certificate alone.
    renew(&folder, 341, &["ca"]).expect(4);
    let now = read(&k.join("pki/ca.crt"));
    assert_ne!(now, ours);
    let held = kubeconfig_data(&k.join("own.conf"), FIELD);
    assert_eq!(String::from_utf8(held).expect("text"), now + &corp);
    // Who wants the cluster's alone says so, and is told what goes.
    for name in ["own.conf", "admin.conf", "alone.conf"] {
        let of = |holds: &str| {
            format!(
                "note: {} {holds} no more, for kubernetes, CA certificates that the file of the cluster's CA does not hold: \
                 \"CN=CorpCA\"",
                k.join(name).display()
            )
        };
        let refresh = |flags: &[&str]| {
            let file = k.join(name);
            let verb = [&["kubeconfig", "refresh", text(&file)], flags].concat();
            over(&verb, &k, 341).expect(0)
        };
        let dry = refresh(&["--dry-run"]);
        assert!(dry.stdout.contains(&of("would hold")), "{dry}");
        let done = refresh(&[]);
        assert!(done.stdout.contains(&of("holds")), "{done}");
        let again = refresh(&[]);
        assert!(!again.stdout.contains("no more"), "{again}");
    }
    over(&["check"], &k, 341).expect(0);
}

/// A kubeconfig with other CA certificates in its current entry, which holds those of the tree's `admin.conf`.
fn with_trust(from: &Path, held: &str) -> String {
    use base64ct::{Base64, Encoding};
    let was = Base64::encode_string(&kubeconfig_data(from, FIELD));
    read(from).replace(&was, &Base64::encode_string(held.as_bytes()))
}

fn corporate(folder: &TempDir) -> String {
    bash(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout corp.key -out corp.crt -subj /CN=CorpCA -days 3650 2>/dev/null",
        folder.path(),
    );
    read(&folder.join("corp.crt"))
}

#[test]
fn a_kubeconfig_with_a_former_certificate_of_the_ca_is_known_as_this_cluster_s() {
    let folder = tree();
    let (k, other) = (folder.join("k"), copy_of(&folder, "other"));
    let admin = read(&other.join("admin.conf"));
    let line = admin.lines().find(|line| line.contains(FIELD));
    // Another context, for another address of the API servers.
    let east = format!(
        "- cluster:\n{}\n    server: https://kubernetes:6443\n  name: east\n",
        line.expect("CA data")
    );
    let context = "- context:\n    cluster: east\n    user: kubernetes-admin\n  name: east\n";
    let both = admin
        .replacen("clusters:\n", &format!("clusters:\n{east}"), 1)
        .replacen("contexts:\n", &format!("contexts:\n{context}"), 1);
    write_secret(&other.join("config"), &both);
    renew(&folder, 1, &["ca"]).expect(0);
    fs::copy(k.join("pki/ca.crt"), other.join("pki/ca.crt")).expect("copy");
    let former = |checked: &Finished| -> Vec<[String; 3]> {
        let entry = told(checked, "/config (cluster \"east\")");
        let all = [told(checked, "/config"), entry].concat();
        let former = |[code, ..]: &[String; 3]| code == "kubeconfig-trust-former";
        all.into_iter().filter(former).collect()
    };
    let told = former(&over(&["check"], &other, 1).expect(3));
    assert_eq!(told.len(), 2, "{told:#?}");
    let each = |[.., way_out]: &[String; 3]| way_out.contains("'certs kubeconfig refresh FILE'");
    assert!(told.iter().all(each), "{told:#?}");
    // One that trusts somebody else is known by the server of those in the tree, which hold the former one.
    let handed = folder.join("handed");
    let corp = corporate(&folder);
    write_secret(&handed, with_trust(&other.join("admin.conf"), &corp));
    for (file, drops) in [(&handed, true), (&other.join("config"), false)] {
        let done = over(&["kubeconfig", "refresh", text(file)], &other, 1).expect(0);
        assert_eq!(
            done.stdout.contains(" holds no more, for "),
            drops,
            "{done}"
        );
    }
    let bundle = read(&k.join("pki/ca.crt"));
    assert_eq!(kubeconfig_data(&handed, FIELD), bundle.as_bytes());
    let checked = over(&["check"], &other, 1).expect(3);
    assert!(former(&checked).is_empty(), "{checked}");
}

/// Issued later it is the present one, however long the former would have lasted.
#[test]
fn a_ca_that_was_shortened_comes_to_who_holds_its_former_certificate() {
    let folder = tree();
    let (k, other) = (folder.join("k"), copy_of(&folder, "other"));
    renew(&folder, 1, &["ca", "--ca-validity", "43800h"]).expect(3);
    fs::copy(k.join("pki/ca.crt"), other.join("pki/ca.crt")).expect("copy");
    over(&["renew"], &other, 1).expect(0);
    let bundle = read(&k.join("pki/ca.crt"));
    let held = kubeconfig_data(&other.join("admin.conf"), FIELD);
    assert_eq!(held, bundle.as_bytes());
    over(&["check"], &other, 1).expect(0);
}

/// `mesh N`: N CAs of the cluster's CA's name, each certified by each other and by the cluster's.
const MESH: &str = r"
mesh() {
    printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n' > mesh.ext
    cp k/pki/ca.key 0.key; cp k/pki/ca.crt 0.crt
    for key in $(seq $1); do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3000 -subj /CN=kubernetes \
            -keyout $key.key -out $key.crt 2> /dev/null
    done
    for one in $(seq 0 $1); do
        openssl req -new -key $one.key -subj /CN=kubernetes -out $one.csr
        for by in $(seq 0 $1); do
            [ $one = $by ] || openssl x509 -req -in $one.csr -CA $by.crt -CAkey $by.key -CAcreateserial -days 3000 \
                -extfile mesh.ext 2> /dev/null
        done
    done > mesh.pem
}
";

/// It took minutes: each way was gone anew for each of them, and each signature that does not verify tried anew.
#[test]
fn cas_of_one_name_that_signed_each_other_are_looked_at_in_no_time() {
    let place = TempDir::new();
    let all = ["all", "-q", "--kubernetes-dir", "k"];
    run(certs(&[&all[..], &CLUSTER].concat()).current_dir(place.path())).expect(0);
    let mut bash = Command::new(tool("bash"));
    let lines = format!("{MESH}mesh 8; cat mesh.pem >> k/pki/ca.crt");
    bash.args(["-euo", "pipefail", "-c", &lines]);
    run(bash.current_dir(place.path())).expect(0);
    let begun = std::time::Instant::now();
    let check = ["check", "--kubernetes-dir", "k", "--kubelet-dir", "none"];
    let checked = run(certs(&check).current_dir(place.path()));
    let took = begun.elapsed();
    assert!(took.as_secs() < 20, "{took:?}");
    assert!(
        checked.stdout.contains("Looked at 12 certificates"),
        "{checked}"
    );
}
